"""Shares over effort: of targets met within so many evaluations, of problems solved at most so many
times slower than the fastest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from optlab.analysis import (
    best_settings,
    first_hits,
    performance_profile,
    runtime_shares,
    scores,
    target_costs,
)
from optlab.figures.style import (
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

__all__ = ["profile", "runtime"]


@styled
def runtime(
    results: Results,
    problems: str | Sequence[str] | None = None,
    *,
    shares: Mapping[str, pd.DataFrame] | None = None,
    budget: float | None = None,
) -> Figure:
    """Share of (problem, target, seed) hit within so many gradient evaluations, over all `problems`; or a
    panel for each of `shares`, title -> `analysis.runtime_shares(...)` of one selection. The axis ends
    at `budget`, and a line that ends lower was not solved by then."""
    if shares is None:
        hits = first_hits(results, best_settings(results.runs, results.manifest))
        hits = hits[hits["selection"] == "tuned"]
        hits = hits[hits["problem"].isin(asked(results, problems))]
        shares = {_title(results, problems): runtime_shares(hits)}
        budget = float(hits["budget"].max()) if len(hits) else 1.0
    figure, axes = panels(list(shares))
    look = looks(results.manifest)
    for axis, table in zip(axes, shares.values(), strict=True):
        if not table["share"].any():
            blank(axis, "no target was met")
            continue
        right = float(table["evals"].max()) if budget is None else budget
        _steps(axis, table.rename(columns={"evals": "x"}), look, 1.0, right)
        axis.set_xlabel("gradient evaluations")
        axis.set_ylabel("share of targets met")
    return figure


_LARGEST = 64.0  # times as long as the fastest


@styled
def profile(
    results: Results,
    problems: str | Sequence[str] | None = None,
    *,
    tables: Mapping[str, pd.DataFrame] | None = None,
    largest: float = _LARGEST,
) -> Figure:
    """Share of problems solved within a multiple of the fastest one's time, over all `problems`; or a panel
    for each of `tables`, title -> `analysis.performance_profile(...)`."""
    if tables is None:
        best = best_settings(results.runs, results.manifest)
        costs = target_costs(scores(results, best), results.manifest)
        costs = costs[costs.index.isin(asked(results, problems))]
        tables = {_title(results, problems): performance_profile(costs.dropna())}
    figure, axes = panels(list(tables))
    look = looks(results.manifest)
    for axis, table in zip(axes, tables.values(), strict=True):
        if table.empty:
            blank(axis, "no target was held")
            continue
        _steps(axis, table.rename(columns={"ratio": "x"}), look, 1.0, largest)
        axis.set_xlabel("times as long as the fastest")
        axis.set_ylabel("share of problems solved")
    return figure


def _title(results: Results, problems: str | Sequence[str] | None) -> str:
    names = asked(results, problems)
    return names[0] if len(names) == 1 else f"{len(names)} problems"


def _steps(axis: Axes, table: pd.DataFrame, look: dict[str, Look], low: float, high: float) -> None:
    """One step function an optimizer, from `low` to `high`."""
    ends = []
    # The best is above the others at the right end; where two meet, the one that got there first.
    each = table.groupby("optimizer", sort=False, observed=True)
    order = (
        each["share"]
        .agg(["last", "sum"])
        .sort_values(["last", "sum"], ascending=False, kind="stable")
    )
    look = leading(look, map(str, order.index))
    for optimizer, mine in table.groupby("optimizer", sort=False, observed=True):
        style = look[str(optimizer)]
        x = np.clip(mine["x"].to_numpy(float), low, high)
        y = mine["share"].to_numpy(float)
        last = float(y[-1]) if len(y) else 0.0
        xs, ys = np.concatenate([[low], x, [high]]), np.concatenate([[0.0], y, [last]])
        thin = {"linewidth": 0.7, "zorder": 1} if style.rest else {}
        axis.step(xs, ys, where="post", color=style.color, linestyle=style.dash, **thin)
        ends.append((last, str(optimizer), style))
    axis.set_xlim(low, max(high, 1.5 * low))
    axis.set_ylim(0, 1.02)
    log_axis(axis, "x")
    label_ends(axis, ends)
