"""What a checked page comes to: counts in words, and points by a teacher's scheme."""

from __future__ import annotations

from collections.abc import Sequence

from optlab.spec.model import Marking
from optlab.worked.checked import Checked
from optlab.worked.standard import FOLLOWS, SLIP

__all__ = ["answers", "points", "summary", "worth"]


def worth(checked: Checked, marking: Marking) -> float:
    """The points that a line can have."""
    return marking.answer if checked.is_answer else marking.line


def points(checked: Checked, marking: Marking) -> float:
    """The points that a line has: all where it is right, close, or not touched by a slip above; all
    where it is right given a wrong line above, if follow-through counts; half where a member slipped
    and the number at the end is right all the same; none for any other slip."""
    full = worth(checked, marking)
    if checked.verdict == SLIP:
        return full / 2 if checked.answer_right else 0.0
    if checked.verdict == FOLLOWS:
        return full if marking.follow_through else 0.0
    return full


def answers(lines: Sequence[Checked]) -> list[Checked]:
    """The answers of a page: each parameter after the last step that an optimizer's page has."""
    last: dict[tuple[str, str], int] = {}
    for line in lines:
        w = line.written_line
        if line.is_answer and w.step:
            place = (w.problem, w.optimizer)
            last[place] = max(last.get(place, 0), w.step)
    return [
        line for line in lines
        if line.is_answer and line.written_line.step == last.get(
            (line.written_line.problem, line.written_line.optimizer))
    ]  # fmt: skip


def summary(lines: Sequence[Checked]) -> str:
    """One sentence or two: how many answers are right, how many lines slipped, and whether a slip
    reached an answer."""
    ends, slips = answers(lines), [line for line in lines if line.verdict == SLIP]
    right = [line for line in ends if line.answer_right]
    said = f"{len(right)} of {len(ends)} answers right" if ends else f"{len(lines)} lines checked"
    if not slips:
        return f"{said}. No line slipped."
    many = "One line slipped" if len(slips) == 1 else f"{len(slips)} lines slipped"
    if not ends:
        return f"{said}. {many}."
    if len(right) == len(ends):
        return f"{said}. {many}; no slip reached an answer."
    return f"{said}. {many}, and {_wrong(len(ends) - len(right))}."


def _wrong(count: int) -> str:
    return "one answer is wrong" if count == 1 else f"{count} answers are wrong"
