"""Two arms and a margin -> a decision that also holds for what the record leaves open.

A time is read off the record. Where the target was met once and for good between two recorded points,
it was met at the later one or up to a cadence earlier: so a claim is supported where it holds with the
other side as early as it may have been, and refuted where it fails with its own side as early as that.
What a loss that swings does between two points nobody saw: times are of recorded points.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from optlab.statistics.paired import Decision, decide, decide_equivalent
from optlab.statistics.shares import decide_shares

__all__ = ["earliest", "told_by", "weigh"]


def earliest(times: np.ndarray, cadence: int) -> np.ndarray:
    """The first update at which what was seen at `times` may have been so; a miss stays one."""
    return np.maximum(times - (cadence - 1), np.minimum(times, 1.0))


def told_by(cadence: int) -> str:
    """Why a claim stays open that would be decided if times were as recorded."""
    return f"times are recorded every {cadence:,} updates only"


def weigh(
    a: Any,
    b: Any,
    *,
    equivalent: bool,
    margin: float,
    level: float,
    cadence: int = 1,
    binary: bool = False,
    **how: Any,
) -> Decision:
    """Whether `a` is better than `b` by `margin`, or `equivalent` to it; `how` as for
    `statistics.paired.decide`. With a `cadence` above 1 (times only) the interval goes over all that
    the times may have been, and the estimate is that of the recorded ones. `binary`: each value says
    whether it happened."""
    if binary:
        return decide_shares(a, b, margin=margin, level=level, equivalent=equivalent)
    judge = decide_equivalent if equivalent else decide
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    seen = judge(a, b, margin=margin, level=level, **how)
    if cadence <= 1:
        return seen
    worst = judge(a, earliest(b, cadence), margin=margin, level=level, **how)
    best = judge(earliest(a, cadence), b, margin=margin, level=level, **how)
    verdict, label = _agreed(worst, best, equivalent)
    if verdict == "INCONCLUSIVE" and seen.verdict != "INCONCLUSIVE":
        label = told_by(cadence)
    assert seen.effect is not None
    effect = replace(seen.effect, low=worst.low, high=best.high)
    return replace(seen, verdict=verdict, label=label, effect=effect, low=worst.low, high=best.high)


def _agreed(worst: Decision, best: Decision, equivalent: bool) -> tuple[Any, str]:
    """The verdict that stands whatever the times were; `worst` and `best` for `a`."""
    low, high, delta = worst.low, best.high, worst.delta
    slack = 1e-12 * max(1.0, delta)
    if equivalent:
        if low > -delta + slack and high < delta - slack:
            return "SUPPORTED", ""
        if worst.label == "better":
            return "REFUTED", "better"
        return ("REFUTED", "worse") if best.label == "worse" else ("INCONCLUSIVE", "")
    if worst.verdict == "SUPPORTED":
        return "SUPPORTED", ""
    if best.verdict != "REFUTED":
        return "INCONCLUSIVE", ""
    if best.label == "reversed":
        return "REFUTED", "reversed"
    return "REFUTED", "equivalent" if low > -delta + slack else "smaller than claimed"
