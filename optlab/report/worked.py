"""Pages worked by hand: formula, numbers put in, result, as on a student's sheet."""

from __future__ import annotations

from typing import Any

from optlab.report.blocks import Cell, Fold, Link, Table, Text
from optlab.worked import document
from optlab.worked.layout import Part, parts, with_first

__all__ = ["DOCUMENT", "worked_blocks"]

DOCUMENT = "worked.tex"
"""Where a report has its worked pages as a document to typeset."""


def worked_blocks(pages: list[dict[str, Any]], title: str) -> list[Any]:
    """An introduction, the document to typeset, and one fold a page, the first open; nothing without
    pages. `title` is the document's."""
    if not pages:
        return []
    typeset = document.latex(pages, title)
    blocks: list[Any] = [
        Text(document.LEAD),
        Link("The same pages as a LaTeX document, to typeset:", DOCUMENT, typeset),
    ]
    for i, (page, first) in enumerate(with_first(pages)):
        inside = [_block(part) for part in parts(page, first)]
        blocks.append(Fold(page["title"], inside, open=i == 0))
    return blocks


def _block(part: Part) -> Text | Table:
    """A paragraph, or a table with a row a parameter."""
    if not part.rows:
        return Text(part.text)
    rows = [
        [
            Cell(row.formula, math=True),
            *([Cell(row.whose)] if part.by_parameter else []),
            Cell(row.numbers, math=True, small=row.note),
            Cell(f"= {row.result}"),
        ]
        for row in part.rows
    ]
    parameter = ["Parameter"] if part.by_parameter else []
    head = ["Formula", *parameter, "Numbers put in", "Result"]
    return Table(part.text, head, [("", rows)], frozenset({len(head) - 1}), part.anchor)
