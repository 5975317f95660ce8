"""How much the last loss depends on the step size, one panel a problem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from optlab.analysis import best_settings, rate_sensitivity, setting, stability_limit
from optlab.figures.style import (
    FLOOR,
    GRID,
    MUTED,
    Look,
    asked,
    blank,
    label_ends,
    leading,
    log_axis,
    looks,
    panels,
    styled,
)
from optlab.results import Results

__all__ = ["sensitivity"]


@styled
def sensitivity(
    results: Results,
    problems: str | Sequence[str] | None = None,
    *,
    table: pd.DataFrame | None = None,
    best: pd.DataFrame | None = None,
) -> Figure:
    """Median last gap or loss at each step size, with the quartile band, the other hyperparameters
    as chosen. The hatched strip above holds the rates at which at least half of the runs diverged;
    a vertical line is the largest stable rate where theory knows it. `table` and `best` are
    `analysis.rate_sensitivity(...)` and `best_settings(...)`, if they have been computed already.
    """
    manifest, runs = results.manifest, results.runs
    best = best_settings(runs, manifest) if best is None else best
    table = rate_sensitivity(runs, best, manifest) if table is None else table
    names = asked(results, problems)
    figure, axes = panels(names)
    for axis, name in zip(axes, names, strict=True):
        here = table[table["problem"] == name]
        if here.empty:
            blank(axis, "one step size only")
        else:
            _panel(axis, here, looks(manifest), _limits(best, manifest, name))
    return figure


def _limits(best: pd.DataFrame, manifest: dict[str, Any], problem: str) -> dict[str, float]:
    """Each optimizer's known largest stable rate on `problem`."""
    out = {}
    for optimizer in manifest["optimizers"]:
        row = best[(best["problem"] == problem) & (best["optimizer"] == optimizer["name"])]
        if len(row):
            chosen = setting(row.iloc[0], optimizer["hypers"])
            limit = stability_limit(optimizer, problem, chosen)
            if limit is not None:
                out[optimizer["name"]] = limit
    return out


def _panel(axis: Axes, here: pd.DataFrame, look: dict[str, Look], limits: dict[str, float]) -> None:
    values = here[["median", "q25", "q75"]].to_numpy(dtype=float)
    positive = values[np.isfinite(values) & (values > 0)]
    linear = here["quantity"].iloc[0] == "loss" and bool((values < 0).any())
    low, high = (float(positive.min()), float(positive.max())) if len(positive) else (0.1, 1.0)
    if linear:
        finite = values[np.isfinite(values)]
        low, high = float(finite.min()), float(finite.max())
        room = 0.05 * (high - low) or 0.5
        bottom, top, strip = low - room, high + room, high + 4 * room
    else:
        low = max(low, high * FLOOR)
        room = max((high / low) ** 0.06, 1.3)
        bottom, top, strip = low / room, high * room, high * room**3
    failed = bool(np.isposinf(here["median"]).any())
    lowest = here.groupby("optimizer", sort=False)["median"].min().sort_values(kind="stable")
    look = leading(look, lowest.index)
    ends = []
    for optimizer in here["optimizer"].unique():
        mine = here[here["optimizer"] == optimizer]
        height = _line(axis, mine, look[optimizer], bottom, top, strip, low)
        ends.append((height, optimizer, look[optimizer]))
    rates = here["rate"]
    widen = max((rates.max() / rates.min()) ** 0.04, 1.1)
    left, right = rates.min() / widen, rates.max() * widen
    axis.set_xlim(left, right)
    axis.set_ylim(bottom, strip if failed else top)
    log_axis(axis, "x")
    if not linear:
        log_axis(axis, "y")
    if failed:
        axis.axhspan(top, strip, facecolor="none", edgecolor=GRID, hatch="////", linewidth=0)
        axis.annotate("diverged", (0.01, strip), (2, -3), xycoords=axis.get_yaxis_transform(),
                      textcoords="offset points", va="top", fontsize=7.5, color=MUTED)  # fmt: skip
    for optimizer, limit in limits.items():
        if optimizer in look and not look[optimizer].rest and left < limit < right:
            axis.axvline(limit, color=look[optimizer].color, linewidth=1.0, linestyle=(0, (2, 2)))
    axis.set_xlabel("step size (learning rate)")
    axis.set_ylabel("last loss − f*" if here["quantity"].iloc[0] == "gap" else "last loss")
    label_ends(axis, ends)


def _line(
    axis: Axes,
    mine: pd.DataFrame,
    look: Look,
    bottom: float,
    top: float,
    strip: float,
    floor: float,
) -> float:
    """One optimizer's line; where the median diverged it stands as a cross in the strip above."""
    rate = mine["rate"].to_numpy(dtype=float)
    up = top * (strip / top) ** 0.5 if bottom > 0 else (top + strip) / 2
    middle = np.maximum(mine["median"].to_numpy(dtype=float), floor)
    low = np.maximum(mine["q25"].to_numpy(dtype=float), floor)
    high = np.maximum(mine["q75"].to_numpy(dtype=float), floor)
    fine = np.isfinite(middle)
    if look.rest:
        axis.plot(rate, np.where(fine, middle, np.nan), color=look.color, linewidth=0.7, zorder=1)
        return float(middle[-1]) if fine[-1] else up
    if (mine["n"] > 1).any() and fine.any():
        axis.fill_between(rate, np.where(fine, low, np.nan),
                          np.where(np.isposinf(high), strip, high), where=fine, color=look.color,
                          alpha=0.16, linewidth=0)  # fmt: skip
    line = np.where(fine, middle, np.nan)
    every = max(1, round(len(rate) / 12))
    axis.plot(rate, line, color=look.color, linestyle=look.dash, marker=look.marker, markersize=4,
              markevery=every)  # fmt: skip
    # From the last finite point a thin line leads to the first cross, so that the cliff is seen.
    crosses = np.flatnonzero(~fine)
    axis.plot(rate[crosses], np.full(len(crosses), up), "x", color=look.color, markersize=5,
              markevery=every)  # fmt: skip
    for i in crosses:
        for j in (i - 1, i + 1):
            if 0 <= j < len(fine) and fine[j]:
                axis.plot(rate[[j, i]], [middle[j], up], color=look.color, linewidth=0.7,
                          linestyle=":")  # fmt: skip
    return float(middle[-1]) if fine[-1] else up
