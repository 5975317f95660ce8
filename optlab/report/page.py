"""A folder of results to `index.html` and `report.md`, and all folders to one list."""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from jinja2 import Environment, PackageLoader, StrictUndefined
from latex2mathml import exceptions
from markupsafe import Markup

from optlab.analysis.words import plural
from optlab.files import atomic_write
from optlab.report.blocks import Animation, Figures, Fold, Link, Picture, Section
from optlab.report.checked import first_screen
from optlab.report.claims import headline, told
from optlab.report.content import content
from optlab.report.facts import Facts, stored
from optlab.report.worked import DOCUMENT, worked_blocks
from optlab.worked import mathml
from optlab.worked.document import markdown_math, markdown_text

__all__ = ["render", "render_index", "render_worked"]


def render(folder: str | Path) -> list[Path]:
    """Write the report of the results in `folder`: index.html, report.md, figures/*.svg, and
    summary.json for the list of reports.

    Returns what was written. Every file is whole or not there; figures of an earlier report that
    this one does not have are removed. FileNotFoundError where there are no results.
    """
    facts = Facts(stored(folder))
    root = facts.results.folder
    sections = content(facts)
    page = {
        "title": facts.manifest["title"] or facts.manifest["name"],
        "question": facts.manifest["question"],
        "headline": _headline(facts),
        "page": _checked(facts),
        "claims": told(facts.verdicts) if len(facts.verdicts) else [],
        "answer": facts.answer,
        "warnings": facts.warnings,
        "sections": sections,
        "line": _line(facts),
        "words": _words(facts),
        "name": facts.manifest["name"],
        "moves": any(isinstance(b, Animation) for section in sections for b in section.blocks),
    }
    pictures = [picture for section in sections for picture in _pictures(section.blocks)]
    written = [_write(root / picture.file, picture.svg) for picture in pictures]
    _remove_others(root / "figures", written)
    html = _html().get_template("report.html.j2").render(page)
    markdown = _markdown().get_template("report.md.j2").render(page)
    return [
        _write(root / "index.html", html),
        _write(root / "report.md", _tidy(markdown)),
        *written,
        *_document(root / DOCUMENT, sections),
        _write(root / _SUMMARY, _summary(facts, written)),
    ]


def render_worked(pages: list[dict[str, Any]], title: str) -> str:
    """Worked pages as one HTML page that needs no other file and no script."""
    blocks = worked_blocks(pages, title)
    return _html().get_template("worked.html.j2").render(title=title, blocks=blocks)


def render_index(out_folder: str | Path) -> Path:
    """Write `index.html` over all folders of results in `out_folder`, the newest first: each with
    its question, the first sentence of its answer, its date, its runs and a thumbnail.

    Read off each folder's `summary.json`, which `render` leaves there, so that many large folders
    cost nothing. A folder that has none, or that cannot be read, is listed with what is wrong.
    """
    root = Path(out_folder)
    folders = sorted({path.parent for name in _MARKS for path in root.glob(f"*/{name}")})
    entries = [_entry(folder) for folder in folders]
    entries.sort(key=lambda entry: entry["date"], reverse=True)
    text = _html().get_template("list.html.j2").render(entries=entries)
    return _write(root / "index.html", text)


_SUMMARY = "summary.json"
_MARKS = (_SUMMARY, "manifest.json", "runs.parquet")
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)
"""What a file that is damaged, or of another make, may raise; bad JSON is a ValueError."""


def _summary(facts: Facts, written: list[Path]) -> str:
    """What the list of reports says of this one."""
    m = facts.manifest
    thumbnail = next((p.name for p in sorted(written) if p.name.startswith("curves-")), "")
    return json.dumps(
        {
            "title": m["title"] or m["name"],
            "question": m["question"],
            "answer": " ".join(
                filter(None, [facts.results.checked.get("summary", ""), _headline(facts)])
            )
            or facts.answer[0],
            "created": m["created"],
            "runs": len(facts.results.runs),
            "thumbnail": f"figures/{thumbnail}" if thumbnail else "",
        },
        ensure_ascii=False,
        indent=1,
    )


def _entry(folder: Path) -> dict[str, str]:
    """One entry of the list; never an error, since one bad folder must not hide the others."""
    unknown = {"title": folder.name, "question": "", "date": "", "day": "", "runs": "", "link": "",
               "thumbnail": ""}  # fmt: skip
    try:
        if not (folder / _SUMMARY).exists():
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            known = {"title": str(manifest["title"] or manifest["name"]),
                     "question": str(manifest["question"])}  # fmt: skip
            if not (folder / "index.html").exists():
                return unknown | known | {"answer": "Not rendered yet."}
            return (
                unknown
                | known
                | {
                    "answer": "Rendered by an earlier optlab; `optlab report` does it again.",
                    "link": f"{folder.name}/index.html",
                }
            )
        summary = json.loads((folder / _SUMMARY).read_text(encoding="utf-8"))
        return {
            "title": str(summary["title"]),
            "question": str(summary["question"]),
            "answer": str(summary["answer"]),
            "date": str(summary["created"]),
            "day": _day(summary["created"]),
            "runs": plural(int(summary["runs"]), "run"),
            "link": f"{folder.name}/index.html",
            "thumbnail": f"{folder.name}/{summary['thumbnail']}" if summary["thumbnail"] else "",
        }
    except _UNREADABLE:
        return unknown | {"answer": "This folder cannot be read."}


def _checked(facts: Facts) -> dict[str, Any] | None:
    """What comes first where a page was worked by hand."""
    checked = facts.results.checked
    return {"summary": checked["summary"], "blocks": first_screen(facts)} if checked else None


def _headline(facts: Facts) -> str:
    """What became of the claims; empty where there are none."""
    return headline(facts.verdicts) if len(facts.verdicts) else ""


def _line(facts: Facts) -> str:
    m = facts.manifest
    return ", ".join(
        [
            plural(len(m["optimizers"]), "optimizer"),
            plural(len(m["problems"]), "problem"),
            plural(len(facts.results.runs), "run"),
            _day(m["created"]),
        ]
    )


def _words(facts: Facts) -> str:
    """What the words of the answer mean."""
    problems = facts.manifest["problems"]
    said = []
    if any(p["targets"] for p in problems):
        said.append("Reached: met the target at least once. Held: met it and kept it to the end.")
    if any(p.get("minimum") for p in problems):
        said.append("Gap: the loss minus f*, the smallest loss there is.")
    if not all(facts.is_exact(p["name"]) for p in problems):
        said.append("Median: the middle of all seeds, failures included as never.")
    return " ".join([*said, "An update is one step of an optimizer."])


def _day(created: str) -> str:
    """The date of an ISO time, `22 November 2026`."""
    day = datetime.fromisoformat(created)
    return f"{day.day} {day:%B %Y}"


def _pictures(blocks: list[Any]) -> list[Picture]:
    out: list[Picture] = []
    for block in blocks:
        if isinstance(block, Figures):
            out += block.pictures
        elif isinstance(block, Fold):
            out += _pictures(block.blocks)
    return out


# Files


def _write(path: Path, text: str) -> Path:
    """Write `text` to `path` at once: a reader finds the old file or the new one, never a part."""
    atomic_write(path, lambda file: file.write(text.encode()))
    return path


def _document(path: Path, sections: list[Section]) -> list[Path]:
    """The worked pages to typeset; where there are none, none of an earlier report is left."""
    for block in (block for section in sections for block in section.blocks):
        if isinstance(block, Link) and block.file == path.name:
            return [_write(path, block.content)]
    path.unlink(missing_ok=True)
    return []


def _remove_others(folder: Path, written: list[Path]) -> None:
    for old in folder.glob("*.svg"):
        if old not in written:
            old.unlink()


# Templates


@lru_cache(maxsize=1)
def _html() -> Environment:
    environment = Environment(
        loader=PackageLoader("optlab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "download": _download,
        "mathml": _formula,
        "data": _data,
        "glyph": _glyph,
    }
    loader = environment.loader
    assert loader is not None
    style = loader.get_source(environment, "style.css")[0]
    environment.globals["style"] = Markup(style)
    # Parts of the program itself, put into the pages that need them.
    for name, file in (("moving_style", "animation.css"), ("moving_script", "animation.js")):
        environment.globals[name] = Markup(loader.get_source(environment, file)[0])
    return environment


@lru_cache(maxsize=1)
def _markdown() -> Environment:
    environment = Environment(
        loader=PackageLoader("optlab.report"),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "md": markdown_text,
        "tex": markdown_math,
        "fence": _fence,
        "glyph": _glyph,
    }
    return environment


_MATHML = {
    "math", "mrow", "mi", "mo", "mn", "mtext", "mspace", "msub", "msup", "msubsup", "mfrac",
    "msqrt", "mroot", "mover", "munder", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded",
    "mphantom", "menclose",
}  # fmt: skip
_NOT_A_FORMULA: tuple[type[Exception], ...] = (
    ElementTree.ParseError,
    *(
        kind
        for kind in vars(exceptions).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    ),
)


@lru_cache(maxsize=4096)
def _formula(latex: str) -> Markup:
    """LaTeX as MathML, which a browser draws without a script.

    The converter passes some text on as it is, so what it gives is let into the page only if it is
    MathML and nothing else; otherwise the LaTeX stands there as text.
    """
    try:
        block = mathml(latex)
        parts = list(ElementTree.fromstring(block).iter())
    except _NOT_A_FORMULA:
        return Markup("<code>{}</code>").format(latex)
    names = {part.tag.rpartition("}")[2] for part in parts}
    attributes = {name.lower() for part in parts for name in part.attrib}
    if names <= _MATHML and not any(a == "href" or a.startswith("on") for a in attributes):
        return Markup(block)
    return Markup("<code>{}</code>").format(latex)


def _download(text: str) -> str:
    """A file of text as an address, so that a page that travels alone can hand it out."""
    return "data:text/plain;charset=utf-8;base64," + base64.b64encode(text.encode()).decode()


def _data(svg: str) -> str:
    """An SVG as an address that needs no file."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


_GLYPHS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚", "X": "✖", "*": "★"}


def _glyph(marker: str) -> str:
    return _GLYPHS[marker]


def _fence(text: str) -> str:
    """A code block with a fence longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{text.rstrip()}\n{fence}"


def _tidy(markdown: str) -> str:
    """One empty line between blocks, none more."""
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", markdown)).strip() + "\n"
