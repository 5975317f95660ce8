"""Kinds of stability side by side: one row a problem, one column a kind, one mark an optimizer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from optlab.analysis import best_settings, kinds_of_stability, scores
from optlab.analysis.words import brief
from optlab.figures.style import MUTED, Look, asked, blank, looks, panels, short, styled
from optlab.results import Results

__all__ = ["stability"]

KINDS = {
    "diverged": "S1 diverged",
    "overshoot": "S2 overshoot",
    "rises": "S3 rises",
    "oscillation": "S4 oscillation",
    "spikes": "S5 spikes",
    "spread_iqr": "S6 spread",
}
"""The columns of `analysis.kinds_of_stability` that are drawn, in all of which less is better."""


@styled
def stability(
    results: Results,
    problems: str | Sequence[str] | None = None,
    *,
    table: pd.DataFrame | None = None,
) -> Figure:
    """For each kind of stability (columns) every optimizer at its chosen setting (rows), the median over
    seeds with its exact 95 % interval where there is one; left is better in all. An arrow is infinite:
    runs that diverged. `table` is `analysis.kinds_of_stability(...)`."""
    manifest = results.manifest
    if table is None:
        best = best_settings(results.runs, manifest)
        table = kinds_of_stability(scores(results, best), results.runs, best, manifest)
    table = table[(table["n"] > 0) & (table["selection"] == "tuned")]
    names = asked(results, problems)
    rows = {name: table[table["problem"] == name] for name in names}
    kinds = [kind for kind in KINDS if table[table["problem"].isin(names)][kind].notna().any()]
    titles = [_title(kind, name, names) for name in names for kind in kinds] or names
    most = max((len(row) for row in rows.values()), default=1)
    size = (2.9, 0.95 + max(most, 2) * (0.26 if most <= 12 else 0.19))
    figure, axes = panels(titles, size=size, columns=max(1, min(3, len(kinds))))
    look = looks(manifest)
    for axis, (name, kind) in zip(axes, [(n, k) for n in names for k in kinds], strict=False):
        if rows[name].empty:
            blank(axis, "nothing ran")
        else:
            _panel(axis, rows[name], kind, look)
    if len(names) == 1:
        figure.suptitle(short(names[0], 44), x=0.01, ha="left", fontweight="bold", fontsize=10)
    if not kinds:
        for axis in figure.axes:
            blank(axis, "nothing was measured")
    return figure


def _title(kind: str, problem: str, names: Sequence[str]) -> str:
    return KINDS[kind] if len(names) == 1 else f"{short(problem, 14)}: {KINDS[kind]}"


def _panel(axis: Axes, mine: pd.DataFrame, kind: str, look: dict[str, Look]) -> None:
    middle = mine[kind].to_numpy(float)
    if kind == "diverged":  # a count, whose interval is of the share
        middle = middle / mine["n"].to_numpy(float)
    low, high = (
        mine[f"{kind}_{end}"].to_numpy(float) if f"{kind}_{end}" in mine else middle
        for end in ("low", "high")
    )
    seen = np.concatenate([middle, low, high])
    seen = seen[np.isfinite(seen)]
    top = float(seen.max()) if len(seen) and seen.max() > 0 else 1.0
    positive = seen[seen > 0]
    wide = len(positive) > 0 and top > 100 * float(np.median(positive))
    if wide:
        axis.set_xscale("symlog", linthresh=float(np.median(positive)), linscale=0.8)
    axis.set_xlim(-0.04 * top if not wide else 0.0, top * (1.12 if not wide else 3))
    for i, name in enumerate(mine["optimizer"]):
        y, style = len(mine) - 1 - i, look[name]
        if np.isposinf(middle[i]):
            axis.plot(
                0.97, y, ">", color=style.color, markersize=7, transform=axis.get_yaxis_transform()
            )
            continue
        if np.isnan(middle[i]):
            continue
        if np.isfinite(low[i]) and high[i] > low[i]:
            end = min(high[i], axis.get_xlim()[1])
            axis.plot([low[i], end], [y, y], color=style.color, linewidth=2, alpha=0.55)
        axis.plot(middle[i], y, style.marker, color=style.color, markersize=6, clip_on=False)
    axis.set_ylim(-0.6, len(mine) - 0.4)
    axis.set_yticks(range(len(mine)), [short(name, 16) for name in mine["optimizer"][::-1]])
    axis.tick_params(axis="y", length=0, labelsize=8 if len(mine) <= 12 else 7)
    axis.tick_params(axis="x", labelsize=7.5)
    axis.grid(False, axis="y")
    if not wide:
        axis.xaxis.set_major_locator(MaxNLocator(nbins=4))
    else:
        ticks = [0.0, *np.geomspace(float(np.median(positive)), top, 3)[1:]]
        axis.set_xticks(ticks)
    share = kind in ("diverged", "overshoot", "rises", "oscillation", "spikes")
    axis.xaxis.set_major_formatter(
        FuncFormatter(lambda v, _: f"{brief(100 * v)} %" if share else brief(v))
    )
    axis.axvline(0, color=MUTED, linewidth=0.6)
