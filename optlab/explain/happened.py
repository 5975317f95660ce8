"""What became of a run, told from its recorded losses alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["KINDS", "ODD", "Event", "happened"]

KINDS = {
    "diverged": "diverged",
    "stalled": "stands still, its gradient is zero",
    "left": "left its target again",
    "returned": "left its target and came back",
    "oscillates": "oscillates",
    "floor": "stays above, kept there by noise",
    "plateau": "does not fall any more",
    "slow": "still falling",
    "converged": "held its target",
}
"""What can become of a run, in the order in which it is looked for."""

ODD = ("diverged", "stalled", "left", "oscillates", "floor", "plateau", "returned")
"""Kinds that a reader asks about, the oddest first."""

_TAIL = 0.25  # the share of a run at its end in which it is asked whether the loss still falls
_FALLS = 0.9  # from the first half of the tail to the second, by medians
_MOVES = 1.05  # the largest loss of the tail over its smallest, for what is called an oscillation


@dataclass(frozen=True)
class Event:
    """`kind` (of KINDS) and three recorded steps: where to look, where it ended (divergence, the
    highest loss after the target, the end), and where the target was first reached (None: never or no
    target). `low`, `high`: the smallest and largest loss of the tail."""

    kind: str
    look: int
    ended: int
    reached: int | None
    low: float
    high: float


def happened(
    row: Mapping[str, Any],
    steps: np.ndarray,
    loss: np.ndarray,
    *,
    target: str | None,
    minimum: float | None,
    random: bool,
) -> Event:
    """What became of the run of one row of `runs`, whose recorded losses (points,) stand at `steps`.

    `target` is the label of the deciding one; `random` says that its gradients were drawn."""
    steps, loss = np.asarray(steps), np.asarray(loss, float)
    kept = loss if row["status"] != "diverged" else loss[steps < row["diverged_at"]]
    tail = kept[-max(4, int(len(kept) * _TAIL)) :]
    ends = (float(tail.min()), float(tail.max())) if len(tail) else (np.nan, np.nan)
    first = float(row[f"reached.{target}"]) if target is not None else np.inf
    held = float(row[f"held.{target}"]) if target is not None else np.inf
    reached = int(first) if np.isfinite(first) else None
    last = int(steps[-1])

    def event(kind: str, look: int = last, ended: int = last) -> Event:
        return Event(kind, look, ended, reached, *ends)

    if row["status"] == "diverged":
        lowest = int(steps[int(np.argmin(kept))]) if len(kept) else 0
        return event("diverged", lowest, int(row["diverged_at"]))
    if row["stalled"]:
        return event("stalled")
    if reached is not None and held > reached:
        here = int(np.searchsorted(steps, reached))
        peak = here + int(np.argmax(loss[here:]))
        inside = here + np.flatnonzero(loss[here : peak + 1] <= loss[here])
        return event(
            "returned" if np.isfinite(held) else "left", int(steps[inside[-1]]), int(steps[peak])
        )
    if np.isfinite(held):
        return event("converged")
    return event(_tail(tail, minimum, random))


def _tail(tail: np.ndarray, minimum: float | None, random: bool) -> str:
    """How a run ends that has not met its target. Without a known minimum the loss itself is what
    may fall: by less than a tenth, it is said to stay."""
    gap = tail - (minimum if minimum is not None else min(0.0, float(tail.min())))
    half = len(gap) // 2
    before, after = float(np.median(gap[:half])), float(np.median(gap[half:]))
    if after < _FALLS * before:
        return "slow"
    if random:
        return "floor"
    rises = int((np.diff(gap) > 0).sum())
    moves = gap.max() > _MOVES * gap.min()
    return "oscillates" if rises >= 0.2 * (len(gap) - 1) and moves else "plateau"
