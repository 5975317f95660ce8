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
_FALLS = 0.9  # from the first half of the tail to the second, by their largest losses
_CREEPS = 0.99  # from the first to the last of a tail that hardly ever rises
_FALLS_IN_NOISE = 0.7  # from the third quarter to the last, by medians
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
    return event(_ending(kept, len(tail), minimum, random))


def _ending(loss: np.ndarray, length: int, minimum: float | None, random: bool) -> str:
    """How a run ends that has not met its target; its tail are the last `length` losses. Without a
    known minimum the loss itself is what may fall."""
    gap = loss - (minimum if minimum is not None else min(0.0, float(loss.min())))
    tail, before = gap[-length:], gap[-2 * length : -length]
    if random:
        falls = len(before) and np.median(tail) < _FALLS_IN_NOISE * np.median(before)
        return "slow" if falls else "floor"
    half = len(tail) // 2
    rises = int((np.diff(tail) > 0).sum()) >= 0.2 * (len(tail) - 1)
    if tail[half:].max() < _FALLS * tail[:half].max() or (
        not rises and tail[-1] < _CREEPS * tail[0]
    ):
        return "slow"
    return "oscillates" if rises and tail.max() > _MOVES * tail.min() else "plateau"
