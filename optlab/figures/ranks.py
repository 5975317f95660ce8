"""Mean ranks over problems, with the difference that a test would call one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from optlab.analysis import best_settings, rank_table, rank_test, scores, target_costs
from optlab.figures.style import INK, MUTED, asked, blank, looks, panels, short, styled
from optlab.results import Results

__all__ = ["ranks"]


@styled
def ranks(
    results: Results,
    problems: str | Sequence[str] | None = None,
    *,
    table: pd.DataFrame | None = None,
) -> Figure:
    """The mean rank of each optimizer by the median time to hold the target, the best on top, 1 the best
    there is; the bar is Nemenyi's critical difference at 95 %, drawn from the best. Ranks depend on who
    takes part. `table` is `analysis.target_costs(...)`: problems by optimizers."""
    if table is None:
        best = best_settings(results.runs, results.manifest)
        table = target_costs(scores(results, best), results.manifest)
    if problems is not None:
        table = table[table.index.isin(asked(results, problems))]
    costs = table.dropna()
    figure, axes = panels(["Mean rank"], size=(4.5, 1.1 + 0.28 * max(costs.shape[1], 2)))
    axis = next(axes)
    if len(costs) < 2 or costs.shape[1] < 2:
        blank(axis, "ranks want two problems and two optimizers")
        return figure
    order = rank_table(costs).sort_values("mean_rank", kind="stable")
    look = looks(results.manifest)
    for i, (name, rank) in enumerate(zip(order["optimizer"], order["mean_rank"], strict=True)):
        y = len(order) - 1 - i
        axis.plot([1, rank], [y, y], color=look[name].color, linewidth=1, alpha=0.5)
        axis.plot(rank, y, look[name].marker, color=look[name].color, markersize=7)
    test = rank_test(costs)
    if not math.isnan(test.critical_difference):
        start = float(order["mean_rank"].iloc[0])
        end = start + test.critical_difference
        axis.plot([start, end], [-0.75, -0.75], color=INK, linewidth=3, solid_capstyle="butt")
        axis.annotate("critical difference", (min(end, costs.shape[1]), -0.75), (0, -4), fontsize=7.5,
                      textcoords="offset points", ha="right", va="top", color=MUTED)  # fmt: skip
    axis.set_xlim(0.8, costs.shape[1] + 0.2)
    axis.set_ylim(-1.5, len(order) - 0.4)
    axis.set_yticks(range(len(order)), [short(name, 22) for name in order["optimizer"][::-1]])
    axis.tick_params(axis="y", length=0, labelsize=8.5)
    axis.grid(False, axis="y")
    axis.set_xlabel(f"mean rank over {len(costs)} problems")
    return figure
