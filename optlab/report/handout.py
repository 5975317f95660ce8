"""The tables of a page as files that a paper or a program reads: tables/*.csv and tables/*.tex."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optlab.files import write_text
from optlab.report.blocks import Fold, Section, Table
from optlab.report.latex import document, latex_table
from optlab.report.tabular import csv_text

__all__ = ["named_tables", "write_tables"]

_ALL = "all"
"""The document that has every table."""


def write_tables(folder: Path, tables: dict[str, Table]) -> list[Path]:
    """Write each table as CSV and as LaTeX under its stem, and `all.tex`, which has them all; remove
    those of an earlier page. Returns what was written."""
    written = [
        write_text(folder / f"{stem}{end}", text)
        for stem, table in tables.items()
        for end, text in ((".csv", csv_text(table)), (".tex", latex_table(table, stem)))
    ]
    if tables:
        written.append(write_text(folder / f"{_ALL}.tex", document(list(tables))))
    for old in (*folder.glob("*.csv"), *folder.glob("*.tex")):
        if old not in written:
            old.unlink()
    return written


def named_tables(sections: list[Section]) -> dict[str, Table]:
    """The tables that are handed out, by the stems of their files, in the order of the page."""
    found: dict[str, Table] = {}
    for section in sections:
        for table in _tables(section.blocks):
            if table.name and table.head:
                found[_free(table.name, found)] = table
    return found


def _tables(blocks: list[Any]) -> Iterator[Table]:
    for block in blocks:
        if isinstance(block, Table):
            yield block
        elif isinstance(block, Fold):
            yield from _tables(block.blocks)


def _free(name: str, taken: dict[str, Table]) -> str:
    """A stem that any file system and TeX take, and that no other table has."""
    stem = re.sub(r"[^a-z0-9.-]+", "-", name.lower()).strip("-.")[:80] or "table"
    free, count = stem, 1
    while free in taken or free == _ALL:
        count += 1
        free = f"{stem}-{count}"
    return free
