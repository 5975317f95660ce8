"""A folder of results to `index.html` and `report.md`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from optlab.analysis.settings import unchanging
from optlab.analysis.words import plural
from optlab.files import write_text
from optlab.report.blocks import Link, Section
from optlab.report.checked import first_screen
from optlab.report.claims import told
from optlab.report.content import content
from optlab.report.drawing import Studio
from optlab.report.facts import Facts, stored
from optlab.report.html import html
from optlab.report.lead import lead
from optlab.report.publish import Page, pictures_of, publish
from optlab.report.summary import SUMMARY, day, summary, what_became
from optlab.report.worked import DOCUMENT, worked_blocks

__all__ = ["render", "render_page", "render_worked"]


_MANY = 4
"""Of so many problems the pictures are worth another process from the start."""


def render(folder: str | Path) -> list[Path]:
    """Write the report of the results in `folder`: index.html, report.md, figures/*, tables/*,
    and summary.json for the list of reports.

    Returns what was written. Every file is whole or not there; figures of an earlier report that
    this one does not have are removed. FileNotFoundError where there are no results.
    """
    return render_page(folder)[1]


@unchanging()
def render_page(folder: str | Path) -> tuple[Page, list[Path]]:
    """As `render`: the page that was written, too."""
    facts = Facts(stored(folder))
    root = facts.results.folder
    studio = Studio(root, many=len(facts.manifest["problems"]) >= _MANY)
    parts = []
    for part in content(facts):
        # What this part shows is drawn while the next one is computed.
        studio.ask(p for section in part.sections for p in pictures_of(section.blocks))
        parts.append(part)
    page = Page(
        title=facts.manifest["title"] or facts.manifest["name"],
        name=facts.manifest["name"],
        line=_line(facts),
        answer=facts.answer,
        parts=parts,
        question=facts.manifest["question"],
        headline=what_became(facts),
        claims=told(facts.verdicts) if len(facts.verdicts) else [],
        page=_checked(facts),
        warnings=facts.warnings,
        words=_words(facts),
        lead=lead(facts),
    )
    written = publish(root, page, studio)
    return page, [
        *written,
        *_document(root / DOCUMENT, page.sections),
        write_text(root / SUMMARY, summary(facts, written)),
    ]


def render_worked(pages: list[dict[str, Any]], title: str) -> str:
    """Worked pages as one HTML page that needs no other file and no script."""
    blocks = worked_blocks(pages, title)
    return html().get_template("worked.html.j2").render(title=title, blocks=blocks)


def _checked(facts: Facts) -> dict[str, Any] | None:
    """What comes first where a page was worked by hand."""
    checked = facts.results.checked
    return {"summary": checked["summary"], "blocks": first_screen(facts)} if checked else None


def _line(facts: Facts) -> str:
    m = facts.manifest
    return ", ".join(
        [
            plural(len(m["optimizers"]), "optimizer"),
            plural(len(m["problems"]), "problem"),
            plural(facts.count, "run"),
            day(m["created"]),
        ]
    )


def _words(facts: Facts) -> str:
    """What the words of the answer mean."""
    problems = facts.manifest["problems"]
    said = []
    if any(p["targets"] for p in problems):
        said.append(
            "Reached: met the target at least once. Held: met it from some update on, to the end."
        )
    if any(p.get("minimum") for p in problems):
        said.append("Gap: the loss minus f*, the smallest loss there is.")
    if not all(facts.is_exact(p["name"]) for p in problems):
        said.append("Median: the middle of all seeds, failures included as never.")
    return " ".join([*said, "An update is one step of an optimizer."])


def _document(path: Path, sections: list[Section]) -> list[Path]:
    """The worked pages to typeset; where there are none, none of an earlier report is left."""
    for block in (block for section in sections for block in section.blocks):
        if isinstance(block, Link) and block.file == path.name:
            return [write_text(path, block.content)]
    path.unlink(missing_ok=True)
    return []
