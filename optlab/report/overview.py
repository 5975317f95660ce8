"""All folders of results as one list."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from optlab import __version__
from optlab.analysis.words import plural
from optlab.files import write_text
from optlab.report.html import html
from optlab.report.summary import FORMAT, SUMMARY, about, day

__all__ = ["render_index"]


def render_index(out_folder: str | Path) -> Path:
    """Write `index.html` over all reports and comparisons in `out_folder`, the newest first: each
    with its question, the first sentence of its answer, its date, how much it holds and a thumbnail.

    Read off each folder's `summary.json`, which `render` leaves there, and its manifest; no table is
    opened, so that many large folders cost nothing. A folder that has no page, or an old one, or
    that cannot be read, is listed with what is wrong.
    """
    root = Path(out_folder)
    folders = sorted({path.parent for name in _MARKS for path in root.glob(f"*/{name}")})
    entries = [_entry(folder) for folder in folders]
    entries.sort(key=lambda entry: entry.name)
    entries.sort(key=lambda entry: entry.created, reverse=True)
    text = html().get_template("list.html.j2").render(entries=entries)
    return write_text(root / "index.html", text)


_MARKS = (SUMMARY, "manifest.json", "runs.parquet")
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)
"""What a file that is damaged, or of another make, may raise; bad JSON is a ValueError."""


@dataclass(frozen=True)
class _Entry:
    """One report of the list. `notes`: what is wrong with it, a sentence each; the sizes in bytes."""

    name: str
    title: str
    kind: str = "report"
    question: str = ""
    answer: str = ""
    created: str = ""
    runs: int = 0
    optimizers: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    link: str = ""
    thumbnail: str = ""
    page_size: int = 0
    size: int = 0

    @property
    def day(self) -> str:
        return day(self.created)

    @property
    def facts(self) -> str:
        """`448 runs, 0.5 MB page, 1.1 MB in all`."""
        page = f"{_bytes(self.page_size)} page" if self.page_size else ""
        whole = f"{_bytes(self.size)} in all" if self.size else ""
        return ", ".join(filter(None, [plural(self.runs, "run"), page, whole]))

    @property
    def held(self) -> str:
        """`4 optimizers, 6 problems, 2 claims`."""
        return ", ".join(plural(len(names), word) for word, names in self.lists if names)

    @property
    def lists(self) -> list[tuple[str, tuple[str, ...]]]:
        return [
            ("optimizer", self.optimizers),
            ("problem", self.problems),
            ("claim", self.claims),
        ]


def _entry(folder: Path) -> _Entry:
    """One entry of the list; never an error, since one bad folder must not hide the others."""
    unknown = _Entry(folder.name, folder.name)
    try:
        entry = _summarised(folder) if (folder / SUMMARY).exists() else _bare(folder)
        day(entry.created)
    except _UNREADABLE:
        return replace(unknown, notes=("This folder cannot be read.",))
    page = folder / "index.html"
    return replace(entry, page_size=_size(page), size=_size_of_all(folder))


def _summarised(folder: Path) -> _Entry:
    """A folder with a page."""
    said = _read(folder / SUMMARY)
    old = said.get("format") != FORMAT
    manifest = folder / "manifest.json"
    known = about(_read(manifest)) if old and manifest.exists() else {}
    entry = _about(folder, known | said)
    notes = [_broken(entry, known | said)]
    if old or said.get("optlab") != __version__:
        again = f"“optlab {'compare' if entry.kind == 'comparison' else 'report'}” makes it again"
        notes.append(f"Made by another version of optlab; {again}.")
    elif manifest.exists() and _read(manifest)["created"] != said["created"]:
        notes.append("The results are newer than the page; “optlab report” renders it again.")
    link = f"{folder.name}/index.html"
    if not (folder / "index.html").exists():
        notes.append("Its page is missing; “optlab report” renders it again.")
        link = ""
    thumbnail = str(said["thumbnail"])
    shown = thumbnail and (folder / thumbnail).is_file()
    return replace(
        entry,
        answer=str(said["answer"]),
        notes=tuple(filter(None, notes)),
        link=link,
        thumbnail=f"{folder.name}/{thumbnail}" if shown else "",
    )


def _bare(folder: Path) -> _Entry:
    """A folder without a summary: results alone, or the page of an early optlab."""
    said = about(_read(folder / "manifest.json"))
    entry = _about(folder, said)
    page = (folder / "index.html").exists()
    what = "Rendered by an earlier optlab" if page else "Not rendered yet"
    notes = (_broken(entry, said), f"{what}; “optlab report” does it.")
    link = f"{folder.name}/index.html" if page else ""
    return replace(entry, notes=tuple(filter(None, notes)), link=link)


def _about(folder: Path, said: dict[str, Any]) -> _Entry:
    optimizers, problems, claims = (
        tuple(str(each) for each in said.get(name, ()))
        for name in ("optimizers", "problems", "claims")
    )
    return _Entry(
        folder.name, str(said["title"]), str(said.get("kind", "report")), str(said["question"]),
        created=str(said["created"]), runs=int(said["runs"]), optimizers=optimizers,
        problems=problems, claims=claims,
    )  # fmt: skip


def _broken(entry: _Entry, said: dict[str, Any]) -> str:
    broken = int(said.get("broken", 0))
    return f"{plural(broken, 'run')} of {entry.runs:,} ended in error." if broken else ""


def _read(path: Path) -> dict[str, Any]:
    said = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(said, dict):
        raise TypeError(f"{path}: not an object")
    return said


def _size_of_all(folder: Path) -> int:
    """Bytes of every file in the folder, stored runs included."""
    # Thousands of stored runs; a Path for each would cost more than to look at it.
    return sum(_size(f"{at}{os.sep}{name}") for at, _, names in os.walk(folder) for name in names)


def _size(path: Path | str) -> int:
    """Bytes of a file; none where it went while we looked, as the unfinished files of a run do."""
    try:
        return os.lstat(path).st_size
    except FileNotFoundError:
        return 0


def _bytes(size: int) -> str:
    """`12 kB`, `3.4 MB`, `1.2 GB`."""
    for unit, one in (("GB", 1e9), ("MB", 1e6)):
        if size >= 0.95 * one:
            amount = size / one
            return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:,.0f} {unit}"
    return f"{max(1, round(size / 1e3))} kB"
