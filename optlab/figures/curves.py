"""How the loss (or another metric) went, one panel a problem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from optlab.analysis import best_settings, curve_bands, is_better_high
from optlab.analysis.words import goal
from optlab.figures.style import (
    FLOOR,
    INK,
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
    short,
    step_axis,
    styled,
    thinned,
)
from optlab.results import Results
from optlab.theory import long_run

__all__ = ["curves"]


@styled
def curves(
    results: Results,
    problems: str | Sequence[str] | None = None,
    *,
    metric: str = "loss",
    bands: pd.DataFrame | None = None,
    rates: pd.DataFrame | None = None,
) -> Figure:
    """Median over the evaluation seeds of each optimizer at its chosen setting, with a band from
    the lower to the upper quartile; a thin level line is the target. A dotted line from an optimizer's start
    falls as fast as theory says that it must in the long run, where that is known.

    Runs that diverged count as infinitely bad: where the median itself is, the line ends with a
    cross. `bands` is `analysis.curve_bands(...)` and `rates` `theory.long_run(...)`, if they have been
    computed already.
    """
    manifest = results.manifest
    if bands is None:
        best = best_settings(results.runs, manifest)
        bands = curve_bands(results.curves, results.runs, best, manifest, metric)
        rates = long_run(manifest, best) if rates is None else rates
    names = asked(results, problems)
    figure, axes = panels(names)
    entries = {problem["name"]: problem for problem in manifest["problems"]}
    for axis, name in zip(axes, names, strict=True):
        here = bands[bands["problem"] == name]
        if here.empty:
            blank(axis, f"{metric}: nothing recorded")
        else:
            known = {} if rates is None else _factors(rates, name)
            _panel(axis, here, entries[name], looks(manifest), metric, known)
    return figure


def _panel(
    axis: Axes,
    here: pd.DataFrame,
    problem: dict[str, Any],
    look: dict[str, Look],
    metric: str,
    factors: dict[str, float],
) -> None:
    quantity = here["quantity"].iloc[0]
    values = here[["median", "q25", "q75"]].to_numpy(dtype=float)
    finite = values[np.isfinite(values)]
    floor = _floor(finite, quantity)
    look = leading(look, _best_first(here, is_better_high(metric, problem["targets"])))
    ends = []
    for optimizer in here["optimizer"].unique():
        mine = here[here["optimizer"] == optimizer]
        height = _line(axis, mine, look[optimizer], floor)
        if quantity in ("gap", "loss"):
            _cross(axis, mine, look[optimizer], floor, problem["steps"])
        if height is not None:
            ends.append((height, optimizer, look[optimizer]))
    last = float(here["step"].max())
    axis.set_xlim(0, max(last, 1.0))
    if is_better_high(metric, problem["targets"]):
        # Every accuracy begins at chance; what tells optimizers apart comes after.
        late = values[here["step"].to_numpy(dtype=float) >= last / 10]
        finite = late[np.isfinite(late)]
    if len(finite):
        _limits(axis, finite, floor)
    if floor is not None:
        log_axis(axis, "y")
    if quantity == "gap" and floor is not None:
        for optimizer in [o for o in here["optimizer"].unique() if o in factors]:
            _proved(axis, here[here["optimizer"] == optimizer], factors[optimizer], look[optimizer])
    _target(axis, problem, metric, quantity)
    step_axis(axis)
    axis.set_ylabel({"gap": "loss − f*", "loss": "loss"}.get(quantity, quantity.replace("_", " ")))
    label_ends(axis, ends)


def _factors(rates: pd.DataFrame, problem: str) -> dict[str, float]:
    mine = rates[rates["problem"] == problem]
    return dict(zip(mine["optimizer"], mine["factor"], strict=True))


def _proved(axis: Axes, mine: pd.DataFrame, factor: float, look: Look) -> None:
    """A straight line from where an optimizer begins, as steep as it must become."""
    first = mine.iloc[0]
    if look.rest or not first["median"] > 0:
        return
    bottom = axis.get_ylim()[0]
    last = first["step"] + np.log(bottom / first["median"]) / np.log(factor)
    end = min(float(last), float(mine["step"].max()))
    height = float(first["median"]) * factor ** (end - float(first["step"]))
    axis.plot([first["step"], end], [first["median"], height], color=look.color, linewidth=0.9,
              linestyle=(0, (1, 2.2)), zorder=1.5)  # fmt: skip


def _best_first(here: pd.DataFrame, high: bool) -> list[str]:
    """The optimizers by their last median; one that diverged has none and comes last."""
    each = here.sort_values("step", kind="stable").groupby("optimizer", sort=False)["median"]
    if high:
        return list(
            each.last().sort_values(ascending=False, kind="stable", na_position="last").index
        )
    # What has fallen to rounding is all alike; of those the first to arrive leads.
    floor = FLOOR * float(here["median"].replace([np.inf, -np.inf], np.nan).abs().max())
    table = pd.DataFrame(
        {"last": each.last().clip(lower=10 * floor), "sum": each.agg(_arrival, floor)}
    )
    return list(table.sort_values(["last", "sum"], kind="stable", na_position="last").index)


def _arrival(median: pd.Series, floor: float) -> int:
    """So many recorded points lie above what is rounding."""
    return int((~(median <= 10 * floor)).sum())


def _floor(finite: np.ndarray, quantity: str) -> float | None:
    """The lowest value a logarithmic axis can show; None where the axis must be linear."""
    if quantity not in ("gap", "loss", "grad_norm", "step_norm", "test_loss"):
        return None
    positive = finite[finite > 0]
    # A gap at or under zero is rounding; a loss under zero is a loss, and has no logarithm.
    if not len(positive) or (quantity != "gap" and (finite < 0).any()):
        return None
    return max(float(positive.min()), float(positive.max()) * FLOOR)


def _line(axis: Axes, mine: pd.DataFrame, look: Look, floor: float | None) -> float | None:
    """One optimizer's band and median; returns the height of its right end."""
    step = mine["step"].to_numpy(dtype=float)
    low, middle, high = (mine[name].to_numpy(dtype=float) for name in ("q25", "median", "q75"))
    if floor is not None:
        low, middle, high = (np.maximum(line, floor) for line in (low, middle, high))
    alive = np.isfinite(middle)
    if not alive.any():
        return None
    if look.rest:
        axis.plot(
            *thinned(step[alive], middle[alive], most=100),
            color=look.color,
            linewidth=0.7,
            zorder=1,
        )
        return float(middle[np.flatnonzero(alive)[-1]])
    if (mine["n"] > 1).any():
        # Where the upper quartile failed the band is open above: it goes to the edge of the panel.
        top = np.where(np.isposinf(high), 1e300, high)
        bottom = np.where(np.isneginf(low), -1e300, low)
        s, b, t = thinned(step[alive], bottom[alive], top[alive], most=160)
        axis.fill_between(s, b, t, color=look.color, alpha=0.16, linewidth=0)
    x, y = thinned(step[alive], middle[alive])
    axis.plot(x, y, color=look.color, linestyle=look.dash, solid_capstyle="round")
    return float(middle[np.flatnonzero(alive)[-1]])


def _cross(axis: Axes, mine: pd.DataFrame, look: Look, floor: float | None, budget: int) -> None:
    """A cross where half of the runs had diverged: the median ends before the budget does, whether other
    runs go on or none."""
    alive = mine[np.isfinite(mine["median"].to_numpy(dtype=float))]
    if look.rest or alive.empty or alive["step"].iloc[-1] >= budget:
        return
    height = max(float(alive["median"].iloc[-1]), floor if floor is not None else -np.inf)
    axis.plot(
        alive["step"].iloc[-1], height, "x", color=look.color, markersize=8, markeredgewidth=2
    )


def _limits(axis: Axes, finite: np.ndarray, floor: float | None) -> None:
    high, low = float(finite.max()), float(finite.min())
    if floor is None:
        pad = 0.05 * (high - low) or 0.5
        axis.set_ylim(low - pad, high + pad)
        return
    low = max(low, floor)
    room = max((high / low) ** 0.06, 1.3)
    axis.set_ylim(low / room, high * room)


def _target(axis: Axes, problem: dict[str, Any], metric: str, quantity: str) -> None:
    """The decision target as a dotted line, where it is a line in this panel."""
    entry = next((t for t in problem["targets"] if t["label"] == problem.get("decision")), None)
    if entry is None or entry.get("metric") != metric or entry.get("threshold") is None:
        return
    height = entry["threshold"]
    if quantity == "gap":
        height = height - problem["minimum"]["value"]
    low, high = axis.get_ylim()
    if axis.get_yscale() == "log" and height <= 0:
        return
    if not low <= height <= high:
        return
    axis.axhline(height, color=INK, linestyle="-", linewidth=0.7)
    axis.annotate(f"target {short(goal(entry['label']), 28)}", (1, height), (-3, 3),
                  xycoords=axis.get_yaxis_transform(), textcoords="offset points", ha="right",
                  va="bottom", fontsize=7.5, color=MUTED,
                  bbox={"facecolor": PAPER, "alpha": 0.75, "linewidth": 0, "pad": 0.8})  # fmt: skip
