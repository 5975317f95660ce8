"""`optlab compare`, but for the terminal: what was asked -> what to print and whether all is the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from optlab.analysis.words import plural
from optlab.compare.baseline import read_baseline, read_side, write_baseline
from optlab.compare.comparison import compare
from optlab.compare.side import CompareError
from optlab.compare.telling import as_json, as_markdown, as_text

__all__ = ["Asked", "answer"]

_FORMS = {"text": as_text, "json": as_json, "markdown": as_markdown}


@dataclass(frozen=True)
class Asked:
    """What the command line said."""

    a: Path
    b: Path | None = None
    baseline: Path | None = None
    write: Path | None = None
    rtol: float | None = None
    atol: float = 0.0
    only: str = ""
    form: str = "text"


def answer(asked: Asked) -> tuple[str, bool]:
    """What to print, and whether nothing changed. CompareError or OSError where the call is wrong."""
    _check(asked)
    if asked.write is not None:
        return _written(asked.a, asked.write), True
    # A baseline is what was; the folder is what is now.
    first, second = (asked.a, asked.b) if asked.b is not None else (asked.baseline, asked.a)
    assert first is not None
    assert second is not None
    found = compare(
        read_side(first), read_side(second), rtol=asked.rtol, atol=asked.atol, only=asked.only
    )
    return _FORMS[asked.form](found).rstrip("\n"), found.same


def _check(asked: Asked) -> None:
    chosen = [asked.b, asked.baseline, asked.write]
    if all(way is None for way in chosen):
        raise CompareError(
            f"{asked.a} alone: give a second folder to hold against it, or --baseline FILE, or "
            "--write-baseline FILE"
        )
    if sum(way is not None for way in chosen) > 1:
        raise CompareError("one of a second folder, --baseline and --write-baseline, not several")
    for name, value in (("--rtol", asked.rtol), ("--atol", asked.atol)):
        if value is not None and not 0 <= value < float("inf"):
            raise CompareError(f"{name} {value:g}: a tolerance is 0 or a positive number")
    if asked.write is not None and (asked.only or asked.rtol is not None or asked.atol):
        raise CompareError(
            "--write-baseline writes all of the folder and compares nothing: leave out --only, "
            "--rtol and --atol, and give them when the baseline is used"
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
