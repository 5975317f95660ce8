"""A table of a report as CSV: what pandas, R or a spreadsheet reads without being told anything."""

from __future__ import annotations

import csv
import io
import math
import re

from optlab.escape import tame
from optlab.report.blocks import Cell, Table

__all__ = ["csv_text"]

GROUP = "group"
"""The head of the column that names the group of a row."""
_NUMBER = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d+)?", re.IGNORECASE)
_OBEYED = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet computes instead of showing it."""


def csv_text(table: Table) -> str:
    """The rows of `table` under one head, lines ending in a line feed.

    Groups with a heading are told by a first column. A column whose cells stand for more than their
    value has what is printed beside it in a column of its own, and so have remarks. Numbers are
    plain (a point, no separators; `inf`), what is absent is empty.
    """
    groups = [*table.groups, *table.beyond]
    rows = [(heading, row) for heading, rows in groups for row in _filled(rows)]
    grouped = any(heading for heading, _ in groups)
    columns: list[list[str]] = [[GROUP, *(heading for heading, _ in rows)]] if grouped else []
    for i, name in enumerate(table.head):
        columns += _columns(name, [row[i] if i < len(row) else Cell() for _, row in rows])
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([_shown(text) for text in line] for line in zip(*columns, strict=True))
    return file.getvalue()


def _filled(rows: list[list[Cell]]) -> list[list[Cell]]:
    """Rows whose first cell, where it is left blank, is that of the row above."""
    out: list[list[Cell]] = []
    for row in rows:
        blank = out and row and row[0] == Cell()
        out.append([out[-1][0], *row[1:]] if blank else row)
    return out


def _columns(name: str, cells: list[Cell]) -> list[list[str]]:
    """What stands for the cells; what is printed, if that is more; the remarks, if there are any."""
    values = [_value(cell) for cell in cells]
    printed = [_plain(_printed(cell)) for cell in cells]
    remarks = [cell.small for cell in cells]
    out = [[name, *values]]
    if any(
        text != value and text and _more(text, cell)
        for text, value, cell in zip(printed, values, cells, strict=True)
    ):
        out.append([f"{name}, as printed", *printed])
    if any(remarks):
        out.append([f"{name}, remark", *remarks])
    return out


def _more(text: str, cell: Cell) -> bool:
    """Whether `text` says more than the value of its cell: a number rounded for print does not."""
    return cell.value is not None and not (
        _NUMBER.fullmatch(text) and not isinstance(cell.value, str)
    )


def _value(cell: Cell) -> str:
    if cell.value is None:
        return _plain(_printed(cell))
    if isinstance(cell.value, str):
        return cell.value
    number = float(cell.value)
    if math.isnan(number):
        return ""
    return repr(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _printed(cell: Cell) -> str:
    """A verdict, the text, formulas as they are written in LaTeX."""
    return "; ".join(part for part in (cell.verdict, cell.text, *cell.latex) if part)


def _plain(text: str) -> str:
    """A number as programs read it; a dash that says that there is none, as nothing."""
    ascii_ = text.replace("−", "-").replace("\u00a0", " ").strip()
    if ascii_ in ("∞", "-∞"):
        return ascii_.replace("∞", "inf")
    if _NUMBER.fullmatch(ascii_):
        return ascii_.replace(",", "")
    return "" if ascii_ == "–" else text


def _shown(text: str) -> str:
    """Text that a spreadsheet shows: one that it would compute gets an apostrophe before it."""
    plain = " ".join(tame(text).replace("\u00a0", " ").split(" "))
    if plain.startswith(_OBEYED) and plain != "-inf" and not _NUMBER.fullmatch(plain):
        return f"'{plain}"
    return plain
