"""A page checked: every line that stands there with its verdict, in the order of the work."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath

from optlab.arithmetic import members_of
from optlab.spec.model import Written
from optlab.worked.digits import figure_of, shown
from optlab.worked.judging import Judged, judge
from optlab.worked.reckoning import Reckoning, Row
from optlab.worked.standard import FOLLOWS, SLIP, VERDICTS, Line

__all__ = ["Checked", "Member", "check_lines"]

_EXACT = mpmath.mpf("1e-12")
_VOTES = 3
COARSE = 2.0
"""A page whose numbers have so many figures or fewer in the middle is written coarsely."""


@dataclass(frozen=True)
class Member:
    """One member of a chain: its text, and what was found."""

    text: str
    verdict: str
    expected: str
    cause: str | None
    detail: str


@dataclass(frozen=True)
class Checked:
    """One line of a page and what was found of it."""

    written_line: Written
    verdict: str
    written: str
    """What the verdict rests on: the member that slipped or the one number in it, else the last."""
    exact: str
    expected: str
    """What would be right there, to the digits that were written; with a slip above, what follows."""
    cause: str | None
    detail: str
    note: str
    answer_right: bool
    """Whether the last member is the right number, whatever stands before it."""
    members: tuple[Member, ...]

    @property
    def is_answer(self) -> bool:
        """Whether the line gives a parameter's new value."""
        return self.written_line.line == "x" and not self.written_line.part

    @property
    def line(self) -> str:
        part, line = self.written_line.part, self.written_line.line
        return f"{part} of {line}" if part else line

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for a file."""
        w = self.written_line
        return {
            "optimizer": w.optimizer or "forward",
            "step": w.step,
            "parameter": w.parameter,
            "line": self.line,
            "written": self.written,
            "exact": self.exact,
            "verdict": self.verdict,
            "cause": self.cause,
            "expected": self.expected,
            "detail": self.detail,
            "note": self.note,
            "problem": w.problem,
            "text": w.text,
            "answer_right": self.answer_right,
            "is_answer": self.is_answer,
            "members": [vars(m) for m in self.members],
            "key": w.key,
            "place": [w.row, w.column],
        }


def check_lines(
    reckoning: Reckoning, written: Iterable[Written], parameters: tuple[str, ...]
) -> list[Checked]:
    """Each line of one optimizer's page, judged in the order of the work: whatever stands above a line
    is known when it is judged."""
    lines = list(written)
    coarse, turned = _coarse(lines, reckoning, parameters), _turned(lines, reckoning, parameters)
    checked: list[tuple[tuple[int, int, int, int], Checked]] = []
    rows = {(row.line, row.part): (place, row) for place, row in enumerate(reckoning.rows)}
    gradient = Row("g", "g", "", ast.Name("g", ast.Load()))

    def place_of(line: Written) -> tuple[int, int, int, int]:
        place = rows.get((line.line, line.part), (-1, gradient))[0]
        index = parameters.index(line.parameter) if line.parameter else -1
        return (line.step or 0, place, index, line.row)

    for line in sorted(lines, key=place_of):
        row = rows.get((line.line, line.part), (-1, gradient))[1]
        steps = [line.step or 1] if line.step or not parameters else range(1, reckoning.steps + 1)
        indices = _indices(reckoning, row, line, parameters)
        found = []
        for t in steps:
            for i in indices:
                at = Line(reckoning, row, t, i, parameters, coarse, turned)
                judged = judge(at, line.chain)
                found.append(judged)
                if len(steps) == 1 and len(indices) == 1:
                    _hold(reckoning, at, row, judged)
        checked.append((place_of(line), _checked(line, _worst(found))))
    return [found for _, found in checked]


def _indices(
    reckoning: Reckoning, row: Row, line: Written, parameters: Sequence[str]
) -> Sequence[int]:
    if line.parameter is not None:
        return [parameters.index(line.parameter)]
    return [0] if reckoning.is_shared(row) else range(reckoning.count)


def _hold(reckoning: Reckoning, at: Line, row: Row, judged: Judged) -> None:
    """From here on the page goes on with what it says; a line that is the same for all parameters is
    held for all."""
    for i in range(reckoning.count) if reckoning.is_shared(row) else [at.index]:
        reckoning.held[at.step, row.name, i] = judged.held


def _worst(found: list[Judged]) -> Judged:
    """Of a line that speaks of several, the worst, and the first of these."""
    order = {name: place for place, name in enumerate((SLIP, FOLLOWS, *reversed(VERDICTS)))}
    return min(found, key=lambda judged: order[judged.verdict])


def _checked(line: Written, judged: Judged) -> Checked:
    texts = members_of(line.text)[-len(judged.members) :]
    members = tuple(
        Member(text, m.verdict, m.expected, m.cause, m.detail)
        for text, m in zip(texts, judged.members, strict=True)
    )
    decisive, last = members[judged.decisive], judged.members[-1]
    figure = figure_of(line.chain[judged.decisive])
    with mpmath.workdps(50):
        quantum = None if figure is None else figure.quantum
        right = decisive.expected or shown(judged.exact, quantum)
        value = shown(judged.exact, None, 12)
    return Checked(
        line, judged.verdict, judged.members[judged.decisive].operand or decisive.text, value, right, decisive.cause, decisive.detail,
        judged.note, last.verdict not in (SLIP, FOLLOWS), members,
    )  # fmt: skip


def _coarse(lines: list[Written], reckoning: Reckoning, parameters: tuple[str, ...]) -> bool:
    """Whether a page is written to so few figures that one of them is a rounding like any other. What
    is exact with few figures says nothing of that."""
    names = {(row.line, row.part): row.name for row in reckoning.rows}
    figures = []
    for line in lines:
        figure = figure_of(line.chain[-1])
        index = parameters.index(line.parameter) if line.parameter else 0
        key = (line.step or 1, names.get((line.line, line.part), "g"), index)
        if figure is not None and abs(figure.value - reckoning.exact[key]) > _EXACT:
            figures.append(figure.figures)
    return len(figures) >= _VOTES and statistics.median_high(figures) <= COARSE


def _turned(lines: list[Written], reckoning: Reckoning, parameters: tuple[str, ...]) -> bool:
    """Whether most increments of a page have the other sign: some write what is added."""
    votes = 0
    for line in lines:
        figure = figure_of(line.chain[-1])
        if (
            line.part != "increment"
            or line.step is None
            or line.parameter is None
            or figure is None
        ):
            continue
        name = next(r.name for r in reckoning.rows if (r.line, r.part) == (line.line, line.part))
        right = reckoning.exact[line.step, name, parameters.index(line.parameter)]
        if figure.value * right != 0:  # a zero has no sign
            votes += 1 if figure.value * right > 0 else -1
    return votes < 0
