"""What a report is made of, before it is HTML or Markdown: sections of blocks.

Each block names its `kind`, by which a template chooses how to write it; texts are plain, and each
template escapes them for its own language.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import pandas as pd

from optlab.figures import Look
from optlab.figures.request import Request

__all__ = [
    "Animation", "Cell", "Explore", "Figures", "Fold", "Formula", "Heading", "Link", "Notes", "Part",
    "Picture", "Pre", "Section", "Table", "Text",
]  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A cell of a table: a text, a remark below it, an optimizer's mark, formulas (LaTeX)."""

    text: str = ""
    small: str = ""
    look: Look | None = None
    latex: tuple[str, ...] = ()
    math: bool = False
    """`text` is LaTeX."""
    whole: bool = False
    """Lines of `text` break after its commas only."""
    verdict: str = ""
    """A verdict's word, set apart from the text."""
    link: str = ""
    """What on the same page `text` leads to."""
    value: float | str | None = None
    """What the cell is sorted by, and what stands for it in a CSV; its text unless said."""


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar = "text"
    text: str
    small: bool = False


@dataclass(frozen=True)
class Animation:
    """What moves, as plain data for the page's script; there is nothing to show without one."""

    kind: ClassVar = "animation"
    data: dict[str, Any]
    caption: str


@dataclass(frozen=True)
class Explore:
    """What a reader may explore: columns of numbers for the page's script, and in words what of all
    there is they hold. Without a script, and in Markdown, a sentence says where it is."""

    kind: ClassVar = "explore"
    data: dict[str, Any]
    held: str


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    kind: ClassVar = "heading"
    text: str


@dataclass(frozen=True)
class Notes:
    """A list."""

    kind: ClassVar = "notes"
    items: list[str]


@dataclass(eq=False)
class Picture:
    """One SVG: its file below the folder, and what it shows in words. What is asked for by a `request` is
    drawn when the page is written, which sets `svg` and its width in pixels."""

    file: str
    svg: str
    alt: str
    width: int = 0
    data: pd.DataFrame | None = None
    """The numbers that are drawn, tidy."""

    @property
    def csv(self) -> str:
        """The numbers as they are handed out, to six digits: finer than any drawing, and half the
        bytes of a page. All digits stand in the tables of the results."""
        return "" if self.data is None else self.data.to_csv(index=False, float_format="%.6g")

    request: Request | None = None


@dataclass(frozen=True)
class Figures:
    """Pictures side by side under the question that they answer; the caption says how they are read
    and what was computed, the finding in one sentence what they show."""

    kind: ClassVar = "figures"
    pictures: list[Picture]
    caption: str
    question: str = ""
    finding: str = ""


@dataclass(frozen=True)
class Table:
    """`groups` of rows, each with a heading of its own (empty for none). Columns in `numeric` stand
    to the right."""

    kind: ClassVar = "table"
    caption: str
    head: list[str]
    groups: list[tuple[str, list[list[Cell]]]]
    numeric: frozenset[int] = frozenset()
    anchor: str = ""
    """What links within the page call it."""
    question: str = ""
    """What it answers."""
    finding: str = ""
    """What it shows, in one sentence."""
    name: str = ""
    """The stem of the files in which it is handed out, `tables/<name>.csv` and `.tex`; unique in a
    report. A table without one is part of the text."""
    beyond: list[tuple[str, list[list[Cell]]]] = field(default_factory=list)
    """Groups of rows that its CSV has as well and the page has not, or has folded."""


@dataclass(frozen=True)
class Formula:
    """One formula on a line of its own (LaTeX)."""

    kind: ClassVar = "formula"
    latex: str


@dataclass(frozen=True)
class Link:
    """A text that ends in a link to a file of the same folder. `content` is what stands in the file:
    HTML holds it, and hands it out under the file's name."""

    kind: ClassVar = "link"
    text: str
    file: str
    content: str


@dataclass(frozen=True)
class Pre:
    """Text as it was written."""

    kind: ClassVar = "pre"
    text: str


@dataclass(frozen=True)
class Fold:
    """Blocks under a title that opens and closes."""

    kind: ClassVar = "fold"
    title: str
    blocks: list[Any]
    open: bool = False


@dataclass(frozen=True)
class Section:
    """What belongs together under one heading; one without blocks does not appear."""

    id: str
    title: str
    blocks: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Part:
    """A part of the page: sections that answer one question; one without sections does not appear."""

    id: str
    title: str
    sections: list[Section] = field(default_factory=list)
