"""The curves of several folders in one picture: colour is the optimizer's, the dash the folder's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from optlab.figures import Look
from optlab.figures.style import (
    FLOOR,
    blank,
    label_ends,
    log_axis,
    panels,
    step_axis,
    styled,
    thinned,
)

__all__ = ["overlaid"]

_DASHES: tuple[Any, ...] = ((0, (4, 1.8)), "-", (0, (1.4, 1.4)), (0, (7, 1.5, 1.4, 1.5)))
"""Of the first folder, the second and so on; the first is what the others are held against."""


@styled
def overlaid(
    bands: pd.DataFrame, problem: str, sides: list[str], looks: Mapping[str, Look]
) -> Figure:
    """Medians over the evaluation seeds on one problem, a line an optimizer and side.

    `bands`: the rows of `analysis.curve_bands` that are to be drawn, with a column `side`; `sides`
    all of them in their order, which chooses the dash. A median that is infinite, since half of the
    runs had diverged, ends its line with a cross.
    """
    figure, axes = panels([problem])
    axis = next(axes)
    values = bands["median"].to_numpy(dtype=float)
    finite = values[np.isfinite(values)]
    if not len(finite):
        blank(axis, "every median diverged")
        return figure
    quantity = str(bands["quantity"].iloc[0])
    floor = _floor(finite, quantity)
    ends: list[tuple[float, str, Look]] = []
    for (optimizer, side), mine in bands.groupby(["optimizer", "side"], sort=False):
        look = looks[str(optimizer)]
        height = _line(axis, mine, look, _DASHES[sides.index(str(side)) % len(_DASHES)], floor)
        if height is not None:
            ends.append((height, f"{_cut(str(optimizer))} {side}", look))
    axis.set_xlim(0, max(float(bands["step"].max()), 1.0))
    if floor is not None:
        low, high = max(float(finite.min()), floor), float(finite.max())
        room = max((high / low) ** 0.06, 1.3)
        axis.set_ylim(low / room, high * room)
        log_axis(axis, "y")
    step_axis(axis)
    axis.set_ylabel({"gap": "loss − f*"}.get(quantity, quantity.replace("_", " ")))
    label_ends(axis, ends)
    return figure


def _cut(name: str) -> str:
    """A name that leaves room for its side in a label of 18 letters."""
    return name if len(name) <= 16 else f"{name[:15]}…"


def _floor(finite: np.ndarray, quantity: str) -> float | None:
    """The lowest value on a logarithmic axis; None where a loss below zero has no logarithm."""
    positive = finite[finite > 0]
    if not len(positive) or (quantity != "gap" and (finite < 0).any()):
        return None
    return max(float(positive.min()), float(positive.max()) * FLOOR)


def _line(
    axis: Any, mine: pd.DataFrame, look: Look, dash: Any, floor: float | None
) -> float | None:
    """One median; returns the height of its right end, None where it has none."""
    step, middle = (mine[name].to_numpy(dtype=float) for name in ("step", "median"))
    if floor is not None:
        middle = np.maximum(middle, floor)
    alive = np.isfinite(middle)
    if not alive.any():
        return None
    axis.plot(*thinned(step[alive], middle[alive]), color=look.color, linestyle=dash)
    last = int(np.flatnonzero(alive)[-1])
    if not alive[last + 1 :].any() and last + 1 < len(middle):
        axis.plot(step[last], middle[last], "x", color=look.color, markersize=8, markeredgewidth=2)
    return float(middle[last])
