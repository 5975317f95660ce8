"""What tuning costs: how good the best of n settings is, one panel a problem."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from optlab.analysis import best_settings, tuning_curves
from optlab.figures.style import (
    FLOOR,
    GRID,
    MUTED,
    PAPER,
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

__all__ = ["tuning"]

_NAMES = {
    "steps_held": "updates to hold the target",
    "gap": "last loss − f*",
    "loss": "last loss",
}


@styled
def tuning(
    results: Results,
    problems: str | Sequence[str] | None = None,
    *,
    table: pd.DataFrame | None = None,
) -> Figure:
    """Median of the best of n settings drawn from those that were tried, with its quartiles as a
    band; `table` is `analysis.tuning.tuning_curves(...)`, one measure a problem. A ring on the left
    is the default setting, for which nothing is tried. What failed stands in the hatched strip."""
    manifest = results.manifest
    if table is None:
        best = best_settings(results.runs, manifest)
        table = _one_measure(tuning_curves(results.runs, best, manifest))
    names = asked(results, problems)
    figure, axes = panels(names)
    for axis, problem in zip(axes, names, strict=True):
        here = table[table["problem"] == problem]
        if here.empty:
            blank(axis, "one setting only")
        else:
            _panel(axis, here, looks(results.manifest))
    return figure


def _one_measure(table: pd.DataFrame) -> pd.DataFrame:
    """Of each problem the rows of one measure: the time to hold the target where some setting did, else the
    last gap, or loss."""
    kept = []
    for _, mine in table.groupby("problem", sort=False):
        some = mine[np.isfinite(mine["median"].to_numpy(float))]
        known = [name for name in _NAMES if (some["measure"] == name).any()]
        kept.append(mine[mine["measure"] == known[0]] if known else mine.iloc[:0])
    return pd.concat(kept) if kept else table


def _panel(axis: Axes, here: pd.DataFrame, look: dict[str, Look]) -> None:
    values = here[["median", "q25", "q75", "default"]].to_numpy(float)
    finite = values[np.isfinite(values)]
    log = not (finite < 0).any()
    good = np.maximum(finite, 1.0) if here["measure"].iloc[0] == "steps_held" else finite
    if log:
        good = good[good > 0]
    low, high = (float(good.min()), float(good.max())) if len(good) else (0.1, 1.0)
    if log:
        low = max(low, high * FLOOR)
        room = max((high / low) ** 0.08, 1.3)
        bottom, top, strip = low / room, high * room, high * room**3
        middle = (top * strip) ** 0.5
    else:
        room = 0.08 * (high - low) or 0.5
        bottom, top, strip = low - room, high + room, high + 3 * room
        middle = (top + strip) / 2
    ends = []
    last = here.groupby("optimizer", sort=False)["median"].last().sort_values(kind="stable")
    look = leading(look, last.index)
    for optimizer, mine in here.groupby("optimizer", sort=False):
        style = look[str(optimizer)]
        n = mine["n"].to_numpy(float)
        lines = [mine[name].to_numpy(float) for name in ("q25", "median", "q75")]
        q25, median, q75 = (np.where(np.isposinf(v), middle, np.maximum(v, low)) for v in lines)
        ends.append((float(median[-1]), str(optimizer), style))
        if style.rest:
            axis.plot(n, median, color=style.color, linewidth=0.7, zorder=1)
            continue
        axis.fill_between(n, q25, q75, color=style.color, alpha=0.14, linewidth=0)
        axis.plot(n, median, color=style.color, linestyle=style.dash)
        default = float(mine["default"].iloc[0])
        if not np.isnan(default):
            height = middle if np.isinf(default) else max(default, low)
            axis.plot(0, height, style.marker, color=style.color, markerfacecolor=PAPER,
                      markersize=7, markeredgewidth=1.4, clip_on=False)  # fmt: skip
    failed = bool(np.isposinf(values).any())
    axis.set_xlim(0, float(here["n"].max()))
    axis.set_ylim(bottom, strip if failed else top)
    if log:
        log_axis(axis, "y")
    if failed:
        axis.axhspan(top, strip, facecolor="none", edgecolor=GRID, hatch="////", linewidth=0)
        word = "never" if here["measure"].iloc[0] == "steps_held" else "diverged"
        axis.annotate(word, (0.05, strip), (2, -3), xycoords=axis.get_yaxis_transform(),
                      textcoords="offset points", va="top", fontsize=7.5, color=MUTED)  # fmt: skip
    axis.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axis.set_xlabel("settings tried (0: the default)")
    axis.set_ylabel(_NAMES[here["measure"].iloc[0]])
    label_ends(axis, ends)
