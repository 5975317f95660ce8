"""`optlab compare`, but for the terminal: what was asked -> what to print and what was found."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from optlab.analysis.words import plural
from optlab.compare.baseline import read_baseline, read_side, write_baseline
from optlab.compare.comparison import Comparison, compare
from optlab.compare.side import CompareError
from optlab.compare.telling import as_json, as_markdown, as_text

__all__ = ["Asked", "answer"]

_FORMS = {"text": as_text, "json": as_json, "markdown": as_markdown}


@dataclass(frozen=True)
class Asked:
    """What the command line said."""

    folders: Sequence[Path]
    """The first is what the others are held against."""
    baseline: Path | None = None
    write: Path | None = None
    report: Path | None = None
    rtol: float | None = None
    atol: float = 0.0
    only: str = ""
    form: str = "text"


def answer(asked: Asked) -> tuple[str, list[Comparison]]:
    """What to print, and what was found: the first side against each of the others; none where a
    baseline was written. CompareError or OSError where the call is wrong."""
    _check(asked)
    if asked.write is not None:
        return _written(asked.folders[0], asked.write), []
    # A baseline is what was; the folder is what is now.
    first, *others = [asked.baseline, *asked.folders] if asked.baseline else asked.folders
    a = read_side(first)
    found = [
        compare(
            a, read_side(other), rtol=asked.rtol, atol=asked.atol, only=asked.only,
            names=("A", _LETTERS[place]),
        )
        for place, other in enumerate(others)
    ]  # fmt: skip
    return _told(found, asked.form), found


_LETTERS = string.ascii_uppercase[1:]


def _told(found: Sequence[Comparison], form: str) -> str:
    """One comparison after another; in JSON a list, where they are several."""
    each = [_FORMS[form](c).rstrip("\n") for c in found]
    if form == "json" and len(each) > 1:
        return "[" + ",\n".join(each) + "]"
    return "\n\n\n".join(each)


def _check(asked: Asked) -> None:
    first, *others = asked.folders
    if not others and asked.baseline is None and asked.write is None:
        raise CompareError(
            f"{first} alone: give a second folder to hold against it, or --baseline FILE, or "
            "--write-baseline FILE"
        )
    if sum(map(bool, (others, asked.baseline, asked.write))) > 1:
        raise CompareError("one of a second folder, --baseline and --write-baseline, not several")
    if len(others) > len(_LETTERS):
        raise CompareError(
            f"{len(asked.folders)} folders: at most {len(_LETTERS) + 1} are compared"
        )
    for name, value in (("--rtol", asked.rtol), ("--atol", asked.atol)):
        if value is not None and not 0 <= value < float("inf"):
            raise CompareError(f"{name} {value:g}: a tolerance is 0 or a positive number")
    if asked.write is not None and (asked.only or asked.rtol is not None or asked.atol):
        raise CompareError(
            "--write-baseline writes all of the folder and compares nothing: leave out --only, "
            "--rtol and --atol, and give them when the baseline is used"
        )
    if asked.report is not None:
        _check_drawable(asked)


def _check_drawable(asked: Asked) -> None:
    files = [
        path for path in (asked.baseline, *asked.folders) if path is not None and path.is_file()
    ]
    if files or asked.write is not None:
        told = f"{files[0]} is a file" if files else "--write-baseline compares nothing"
        raise CompareError(
            f"--report draws the curves of folders of results, which a baseline has not: {told}"
        )


def _written(folder: Path, path: Path) -> str:
    side = read_side(folder)
    if path.is_dir():
        raise CompareError(f"--write-baseline {path}: this is a folder; name a file")
    if path.exists():
        try:
            read_baseline(path)
        except CompareError:
            raise CompareError(
                f"--write-baseline {path}: this file exists and is no baseline that could be "
                "renewed; remove it or choose another name"
            ) from None
    write_baseline(side, path)
    held = plural(len(side.runs), "run")
    if side.verdicts is not None:
        held += f" and {plural(len(side.verdicts), 'verdict')}"
    broken = int((side.runs["status"] == "error").sum())
    note = f"; {plural(broken, 'run')} in it ended in error" if broken else ""
    return f"{path}: a baseline of {held}, {path.stat().st_size / 1000:,.0f} kB{note}"
