"""Why runs diverged, oscillated or stalled: what was measured when they were made again."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from typing import Any

from optlab.analysis.words import brief, listed, number, pairs_text, plural
from optlab.report.blocks import Cell, Fold, Table, Text
from optlab.report.facts import Facts

__all__ = ["explained"]


def explained(facts: Facts) -> list[Any]:
    """An introduction and a table; nothing where no run ended oddly."""
    told = facts.results.explained
    if not told:
        return []
    told_of, measured = [], []
    for problem in dict.fromkeys(entry["problem"] for entry in told):
        here = [entry for entry in told if entry["problem"] == problem]
        told_of.append((problem, [_sentence(facts, entry) for entry in here]))
        measured.append((problem, [row for entry in here for row in _numbers(facts, entry)]))
    lead = (
        "Of each chosen setting one evaluation run, one that diverged or left its target for good if any "
        "did, was made again and measured, where it diverged, stood still, oscillated or left its target. Largest curvature is the largest eigenvalue of the "
        "Hessian. The largest stable rate is that of this rule on the quadratic that fits the loss at "
        "that step, a running divisor held as it then stood; on a loss that is no quadratic it speaks "
        "of that place alone."
    )
    more = (
        "At most six runs are told here, none of a problem with more than 50 parameters or of more than "
        f"20,000 steps. Any other: optlab explain {shlex.quote(facts.manifest['name'])} PROBLEM/OPTIMIZER."
    )
    return [
        Text(lead),
        Table("Each of these runs in a sentence: what happened, and what of it was measured.",
              ["Optimizer", "What happened, and why"], told_of, name="explained",
              question="What went wrong, and why?", finding=happened(told)),
        Fold("What was measured", [Table(
            "At the start, where it is spoken of, and at the end. The last column is the length of a "
            "step over that of its gradient.",
            ["Optimizer", "Step", "Largest curvature", "Largest stable rate", "Step over gradient"],
            measured, frozenset({1, 2, 3, 4}), name="explained-measured",
            question="What was measured of these runs?", finding=sharpest(told))]),
        Text(more, small=True),
    ]  # fmt: skip


def happened(told: list[dict[str, Any]]) -> str:
    """How many runs did what."""
    by = Counter(str(entry["happened"]) for entry in told)
    each = [f"{what} ({count:,})" for what, count in by.most_common()]
    were = "was" if len(told) == 1 else "were"
    return (
        f"{plural(len(told), 'run')} {were} made again and measured. What happened: {listed(each)}."
    )


def sharpest(told: list[dict[str, Any]]) -> str:
    """Where the largest curvature was met."""
    known = [
        (point["curvature"], entry["optimizer"], entry["problem"], point["step"])
        for entry in told
        for point in entry["points"]
        if point["curvature"] is not None and math.isfinite(point["curvature"])
    ]
    if not known:
        return "No curvature could be measured."
    value, optimizer, problem, step = max(known)
    return f"The largest curvature met was {number(value)}, by {optimizer} on {problem} at step {step:,}."


def _sentence(facts: Facts, entry: dict[str, Any]) -> list[Cell]:
    apart = entry["agreement"]["parts_at"]
    remark = ""
    if apart is not None:
        remark = (f"Made again, the run is the stored one up to step {apart:,}, from where rounding makes "
                  "it another one; what is said of later steps holds for a run like it.")  # fmt: skip
    look = facts.looks.get(entry["optimizer"])
    name = Cell(entry["optimizer"], small=pairs_text(entry["setting"]), look=look)
    return [name, Cell(entry["sentence"], small=remark)]


def _numbers(facts: Facts, entry: dict[str, Any]) -> list[list[Cell]]:
    """The start, the step that is spoken of, and the end, each once."""
    points = entry["points"]
    look = next(p for p in points if p["step"] == entry["look"])
    rate = entry["setting"].get("lr")
    rows = []
    for place, point in enumerate({p["step"]: p for p in (points[0], look, points[-1])}.values()):
        mark = facts.looks.get(entry["optimizer"])
        name = Cell(entry["optimizer"], look=mark) if place == 0 else Cell()
        values = (point["curvature"], _limit(point, rate), point["effective"])
        rows.append([name, Cell(brief(point["step"])), *(Cell(_shown(v)) for v in values)])
    return rows


def _limit(point: dict[str, Any], rate: float | None) -> float | None:
    return rate / point["ratio"] if rate is not None and point["ratio"] else None


def _shown(value: float | None) -> str:
    return "–" if value is None else number(value)
