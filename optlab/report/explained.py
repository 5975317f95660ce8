"""Why runs diverged, oscillated or stalled: what was measured when they were made again."""

from __future__ import annotations

from typing import Any

from optlab.analysis.words import brief, number, pairs_text
from optlab.report.blocks import Cell, Table, Text
from optlab.report.facts import Facts

__all__ = ["explained"]

_HEAD = ["Optimizer", "What happened, and why", "Largest curvature", "Largest stable rate", "Step over gradient"]  # fmt: skip


def explained(facts: Facts) -> list[Any]:
    """An introduction and a table; nothing where no run ended oddly."""
    told = facts.results.explained
    if not told:
        return []
    groups = []
    for problem in dict.fromkeys(entry["problem"] for entry in told):
        rows = [_row(facts, entry) for entry in told if entry["problem"] == problem]
        groups.append((problem, rows))
    lead = (
        "The first evaluation run at each chosen setting that diverged, stood still, oscillated or left "
        "its target was made again and measured. Largest curvature is the largest eigenvalue of the "
        "Hessian. The largest stable rate is that of this rule on the quadratic that fits the loss at "
        "that step, a running divisor held as it then stood; on a loss that is no quadratic it speaks "
        "of that place alone. The last column is the length of a step over that of its gradient."
    )
    more = (
        "At most six runs are told here, none of a problem with more than 50 parameters or of more than "
        f"20,000 steps. Any other: optlab explain {facts.manifest['name']} PROBLEM/OPTIMIZER."
    )
    return [
        Text(lead),
        Table("Where it was looked at, below it the start and the end.", _HEAD, groups,
              frozenset({2, 3, 4})),
        Text(more, small=True),
    ]  # fmt: skip


def _row(facts: Facts, entry: dict[str, Any]) -> list[Cell]:
    points = entry["points"]
    look = next(p for p in points if p["step"] == entry["look"])
    others = [p for p in (points[0], points[-1]) if p is not look]
    apart = entry["agreement"]["parts_at"]
    remark = ""
    if apart is not None:
        remark = (f"Made again, the run is the stored one up to step {apart:,}, from where rounding makes "
                  "it another one; what is said of later steps holds for a run like it.")  # fmt: skip
    return [
        Cell(entry["optimizer"], small=pairs_text(entry["setting"]),
             look=facts.looks.get(entry["optimizer"])),
        Cell(entry["sentence"], small=remark),
        _measured(look, others, lambda p: p["curvature"]),
        _measured(look, others, lambda p: _limit(p, entry["setting"].get("lr"))),
        _measured(look, others, lambda p: p["effective"]),
    ]  # fmt: skip


def _limit(point: dict[str, Any], rate: float | None) -> float | None:
    return rate / point["ratio"] if rate is not None and point["ratio"] else None


def _measured(look: dict[str, Any], others: list[dict[str, Any]], what: Any) -> Cell:
    """What was measured at the step that is spoken of, and below it elsewhere."""

    def shown(value: float | None) -> str:
        return "–" if value is None else number(value)

    beside = ", ".join(f"{shown(what(p))} at step {brief(p['step'])}" for p in others)
    return Cell(
        shown(what(look)), small=f"at step {brief(look['step'])}; {beside}" if beside else ""
    )
