"""Shares over effort: of targets met within so many evaluations, of problems solved at most so many
times slower than the fastest."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from optlab.figures.style import (
    Look,
    blank,
    label_ends,
    log_axis,
    looks,
    panels,
    styled,
)
from optlab.results import Results

__all__ = ["profile", "runtime"]


@styled
def runtime(results: Results, shares: Mapping[str, pd.DataFrame], budget: float) -> Figure:
    """Share of (problem, target, seed) hit within so many gradient evaluations, a panel for each of
    `shares`, title -> `analysis.runtime.runtime_shares(...)` of one selection. The axis ends at
    `budget`, and a line that ends lower was not solved by then."""
    figure, axes = panels(list(shares))
    look = looks(results.manifest)
    for axis, table in zip(axes, shares.values(), strict=True):
        if table.empty:
            blank(axis, "no target was met")
            continue
        _steps(axis, table.rename(columns={"evals": "x"}), look, 1.0, budget)
        axis.set_xlabel("gradient evaluations")
        axis.set_ylabel("share of targets met")
    return figure


@styled
def profile(results: Results, tables: Mapping[str, pd.DataFrame], largest: float) -> Figure:
    """Share of problems solved within a multiple of the fastest one's time, a panel for each of
    `tables`, title -> `analysis.profiles.performance_profile(...)`."""
    figure, axes = panels(list(tables))
    look = looks(results.manifest)
    for axis, table in zip(axes, tables.values(), strict=True):
        _steps(axis, table.rename(columns={"ratio": "x"}), look, 1.0, largest)
        axis.set_xlabel("times as long as the fastest")
        axis.set_ylabel("share of problems solved")
    return figure


def _steps(axis: Axes, table: pd.DataFrame, look: dict[str, Look], low: float, high: float) -> None:
    """One step function an optimizer, from `low` to `high`."""
    ends = []
    for optimizer, mine in table.groupby("optimizer", sort=False, observed=True):
        style = look[str(optimizer)]
        x = np.clip(mine["x"].to_numpy(float), low, high)
        y = mine["share"].to_numpy(float)
        last = float(y[-1]) if len(y) else 0.0
        xs, ys = np.concatenate([[low], x, [high]]), np.concatenate([[0.0], y, [last]])
        axis.step(xs, ys, where="post", color=style.color, linestyle=style.dash)
        ends.append((last, str(optimizer), style))
    axis.set_xlim(low, max(high, 1.5 * low))
    axis.set_ylim(0, 1.02)
    log_axis(axis, "x")
    label_ends(axis, ends)
