"""Steps to the target: reached and held, one panel a problem."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from optlab.analysis import best_settings, time_to_target
from optlab.analysis.words import goal
from optlab.figures.style import (
    MUTED,
    PAPER,
    Look,
    asked,
    blank,
    log_axis,
    looks,
    panels,
    short,
    step_axis,
    styled,
)
from optlab.results import Results

__all__ = ["times"]


@styled
def times(
    results: Results,
    problems: str | Sequence[str] | None = None,
    *,
    table: pd.DataFrame | None = None,
) -> Figure:
    """For each optimizer the median step at which the decision target was first reached (open) and
    from which it was held (filled), with a bar from the lower to the upper quartile. An arrow says
    that the bar or the median lies beyond the budget; at the right, how many runs held it."""
    manifest = results.manifest
    if table is None:
        best = best_settings(results.runs, manifest)
        table = time_to_target(results.runs, best, manifest)
    names = asked(results, problems)
    decisions = {problem["name"]: problem.get("decision") for problem in manifest["problems"]}
    rows = [len(p["optimizers"]) for p in manifest["problems"] if p["name"] in names]
    most = max(rows, default=1)
    figure, axes = panels(names, size=(4.5, 0.9 + most * (0.42 if most <= 12 else 0.27)))
    for axis, name in zip(axes, names, strict=True):
        here = table[(table["problem"] == name) & (table["target"] == decisions[name])]
        here = here[here["n"] > 0]
        if here.empty:
            blank(axis, "no target")
        else:
            _panel(axis, here, looks(manifest))
    return figure


def _panel(axis: Axes, here: pd.DataFrame, look: dict[str, Look]) -> None:
    budget = float(here["budget"].iloc[0])
    columns = [f"{kind}_{name}" for kind in ("reached", "held") for name in ("q25", "median")]
    values = here[columns].to_numpy(dtype=float)
    # A start below the target is reached at step 0, which a logarithmic axis has no place for.
    seen = np.maximum(values[np.isfinite(values)], 1.0)
    left = float(seen.min()) if len(seen) else 1.0
    log = budget / left > 12
    low = left / 1.5 if log else 0.0
    right = budget * (budget / low) ** 0.06 if log else budget * 1.06
    for i, (_, row) in enumerate(here.iterrows()):
        y = len(here) - 1 - i
        style = look[row["optimizer"]]
        _bar(axis, row, "reached", y + 0.15, style, budget, right, filled=False)
        _bar(axis, row, "held", y - 0.15, style, budget, right, filled=True)
        axis.annotate(f"held {row['held_n']}/{row['n']}", (1, y), (5, 0),
                      xycoords=axis.get_yaxis_transform(), textcoords="offset points",
                      va="center", fontsize=8, color=MUTED, annotation_clip=False)  # fmt: skip
    axis.set_xlim(low, right)
    axis.set_ylim(-0.6, len(here) - 0.4)
    axis.set_yticks(range(len(here)), [short(name) for name in here["optimizer"][::-1]])
    for label, name in zip(axis.get_yticklabels(), here["optimizer"][::-1], strict=True):
        label.set_color(look[name].color)
    axis.tick_params(axis="y", length=0, labelsize=8.5)
    axis.grid(False, axis="y")
    axis.axvline(budget, color=MUTED, linewidth=0.8, linestyle=":")
    if log:
        log_axis(axis, "x")
        axis.set_xlabel(
            f"updates to {short(goal(here['target'].iloc[0]), 30)} (budget {budget:,.0f})"
        )
    else:
        step_axis(
            axis, f"updates to {short(goal(here['target'].iloc[0]), 30)} (budget {budget:,.0f})"
        )


def _bar(
    axis: Axes,
    row: pd.Series,
    kind: str,
    y: float,
    look: Look,
    budget: float,
    right: float,
    *,
    filled: bool,
) -> None:
    low, middle, high = (max(float(row[f"{kind}_{q}"]), 1.0) for q in ("q25", "median", "q75"))
    start, end = min(low, budget), min(high, budget)
    if row["n"] > 1 and np.isfinite(low):
        axis.plot([start, end], [y, y], color=look.color, linewidth=2.2, alpha=0.55,
                  solid_capstyle="butt")  # fmt: skip
    if not np.isfinite(high):
        axis.annotate("", (right, y), (end if np.isfinite(low) else budget, y),
                      arrowprops={"arrowstyle": "->", "color": look.color, "linewidth": 1.2,
                                  "shrinkA": 0, "shrinkB": 0})  # fmt: skip
    if np.isfinite(middle):
        axis.plot(middle, y, look.marker, color=look.color, markersize=6.5, markeredgewidth=1.3,
                  markerfacecolor=look.color if filled else PAPER)  # fmt: skip
