"""One page written as HTML and as Markdown, with the files beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optlab.files import write_text
from optlab.report.blocks import Animation, Figures, Fold, Part, Picture, Section
from optlab.report.handout import write_tables
from optlab.report.html import html
from optlab.report.markdown import markdown, tidy

__all__ = ["Page", "publish"]


@dataclass(frozen=True)
class Page:
    """What the templates of a page are given; the report of one experiment and that of a comparison
    fill the same ones."""

    title: str
    name: str
    """Of what it was made: the name of the results."""
    line: str
    """How much there is, and when it was made."""
    answer: list[str]
    """Sentences, the first of which stands apart."""
    parts: list[Part]
    question: str = ""
    headline: str = ""
    """What became of the claims."""
    claims: Sequence[Any] = ()
    page: dict[str, Any] | None = None
    """A checked page, which comes first."""
    warnings: Sequence[dict[str, str]] = ()
    words: str = ""
    """What the words of the answer mean."""

    @property
    def sections(self) -> list[Section]:
        return [section for part in self.parts for section in part.sections]


def publish(root: Path, page: Page) -> list[Path]:
    """Write index.html, report.md, figures/*.svg and tables/* into `root`, and return them. Every
    file is whole or not there; figures and tables that an earlier page had, and this one has not, are
    removed."""
    sections = page.sections
    moves = any(isinstance(b, Animation) for section in sections for b in section.blocks)
    given = vars(page) | {"moves": moves}
    pictures = [picture for section in sections for picture in _pictures(section.blocks)]
    drawn = [write_text(root / picture.file, picture.svg) for picture in pictures]
    _remove_others(root / "figures", drawn)
    return [
        write_text(root / "index.html", html().get_template("report.html.j2").render(given)),
        write_text(root / "report.md", tidy(markdown().get_template("report.md.j2").render(given))),
        *drawn,
        *write_tables(root / "tables", sections),
    ]


def _pictures(blocks: list[Any]) -> list[Picture]:
    out: list[Picture] = []
    for block in blocks:
        if isinstance(block, Figures):
            out += block.pictures
        elif isinstance(block, Fold):
            out += _pictures(block.blocks)
    return out


def _remove_others(folder: Path, written: list[Path]) -> None:
    for old in folder.glob("*.svg"):
        if old not in written:
            old.unlink()
