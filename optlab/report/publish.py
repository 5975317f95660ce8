"""One page written as HTML and as Markdown, with the files beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optlab.files import write_text
from optlab.report.blocks import Figures, Fold, Part, Picture, Section
from optlab.report.drawing import Studio
from optlab.report.handout import named_tables, write_tables
from optlab.report.html import html
from optlab.report.markdown import markdown, tidy

__all__ = ["Page", "pictures_of", "publish"]


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
    lead: Sequence[Any] = ()
    """The answer's figure and table."""

    @property
    def sections(self) -> list[Section]:
        """Every section, the answer first."""
        first = [*(self.page["blocks"] if self.page else []), *self.lead]
        rest = [section for part in self.parts for section in part.sections]
        return [Section("answer", "The answer", first), *rest]


def publish(root: Path, page: Page, studio: Studio | None = None) -> list[Path]:
    """Write index.html, report.md, figures/* and tables/* into `root`, and return them. Every
    file is whole or not there; figures and tables that an earlier page had, and this one has not, are
    removed."""
    sections = page.sections
    tables = named_tables(sections)
    stems = {id(table): stem for stem, table in tables.items()}
    given = vars(page) | {"sections": sections, "stem_of": lambda block: stems.get(id(block), "")}
    pictures = {p.file: p for section in sections for p in pictures_of(section.blocks)}.values()
    studio = studio or Studio(root)
    studio.ask(pictures)
    # What needs no picture is made while they are drawn.
    text = tidy(markdown().get_template("report.md.j2").render(given))
    studio.finish()
    drawn = _write_pictures(root, pictures)
    return [
        write_text(root / "index.html", html().get_template("report.html.j2").render(given)),
        write_text(root / "report.md", text),
        *drawn,
        *write_tables(root / "tables", tables),
    ]


def pictures_of(blocks: list[Any]) -> list[Picture]:
    out: list[Picture] = []
    for block in blocks:
        if isinstance(block, Figures):
            out += block.pictures
        elif isinstance(block, Fold):
            out += pictures_of(block.blocks)
    return out


def _write_pictures(root: Path, pictures: Iterable[Picture]) -> list[Path]:
    """Each picture as SVG, and the numbers in it as CSV beside it. Those of an earlier page are removed."""
    written = []
    for picture in pictures:
        written.append(write_text(root / picture.file, picture.svg))
        if picture.data is not None:
            numbers = (root / picture.file).with_suffix(".csv")
            written.append(write_text(numbers, picture.csv))
    for old in (root / "figures").glob("*"):
        if old.suffix in (".svg", ".csv") and old not in written:
            old.unlink()
    return written
