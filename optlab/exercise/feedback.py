"""A marked page given back to its student: every line, what was written, what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optlab.exercise.drawing import Exercise, pages, wanted
from optlab.exercise.paper import Block, Heading, Page, Pieces, Table, Text
from optlab.exercise.sheet import label
from optlab.worked.checked import Checked

__all__ = ["Finding", "feedback"]

Finding = tuple[Checked, float, str]
"""A line that was checked, its points, and its kind: right, follows, slips or coarse."""

_WORDS = {"right": "right", "follows": "right given the line above that slipped", "slips": "slip",
          "coarse": "too little is written"}  # fmt: skip
_LONGEST = 120


def feedback(
    exercise: Exercise,
    title: str,
    student: str,
    found: Sequence[Finding],
    row: Mapping[str, Any],
    notes: Sequence[str],
) -> Page:
    """The page, with the right value beside every line that has not all its points."""
    by_key: dict[tuple[Any, ...], list[Finding]] = {}
    for finding in found:
        line = finding[0].written_line
        if not line.part:
            by_key.setdefault((line.optimizer, line.step, line.line, line.parameter), []).append(
                finding
            )
    values = _values(exercise)
    blocks: list[Block] = [Text((f"{row['points']:g} of {row['of']:g} points.",))]
    blocks += [Text((f"In the file, {note}.",)) for note in notes]
    places = list(wanted(exercise))
    for optimizer in exercise.settings:
        if len(exercise.settings) > 1:
            blocks.append(Heading(label(optimizer)))
        for step in range(1, exercise.steps + 1):
            rows = [
                cells
                for place in places
                if place[:2] == (optimizer, step)
                for cells in _rows(place[-1], by_key.get(place[:4], []), values[place[:4]])
            ]
            head: list[Pieces] = [("line",), ("you wrote",), ("",), ("exactly",), ("points",)]
            blocks.append(Table(head, rows, f"Step {step}."))
    return Page(f"Marked: {title}", student, blocks)


def _rows(name: str, findings: Sequence[Finding], exact: str) -> list[list[Pieces]]:
    if not findings:
        return [[(name,), ("",), ("not written",), (exact,), ("0",)]]
    rows: list[list[Pieces]] = []
    for checked, points, kind in findings:
        text = checked.written_line.text
        said = _WORDS[kind]
        if kind == "slips":
            cause = checked.detail or checked.cause
            said = f"slip: {checked.written} should be {checked.expected}"
            said += f" ({cause})" if cause else ""
        rows.append([(name,), (text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…",), (said,),
                     (exact,), (f"{points:g}",)])  # fmt: skip
    return rows


def _values(exercise: Exercise) -> dict[tuple[Any, ...], str]:
    """The exact value of each line, as the solution prints it."""
    return {
        (page["optimizer"], step["t"], line["name"], cell["parameter"]): cell["text"]
        for page in pages(exercise)
        for step in page["steps"]
        for line in step["lines"]
        for cell in line["cells"]
    }
