"""The pairs that a verdict was read off: a dot for each seed, the estimate with its interval, the
margin. One panel a claim and measure, one row a problem and opponent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from optlab.analysis import best_settings, scores
from optlab.analysis.pairwise import differences
from optlab.analysis.sentences import side_name
from optlab.analysis.verdicts import verdicts
from optlab.analysis.words import number
from optlab.figures.style import (
    GRID,
    INK,
    MUTED,
    PAPER,
    Look,
    asked,
    blank,
    looks,
    panels,
    short,
    styled,
)
from optlab.measures import MEASURES
from optlab.results import Results

__all__ = ["paired"]

_ROW = 0.46  # inches
_APART = 4 * "\N{NO-BREAK SPACE}"
_KEYS = ["claim", "problem", "measure", "b", "selection_b"]
_VERDICTS = {"SUPPORTED": "supported", "REFUTED": "refuted", "INCONCLUSIVE": "inconclusive"}


@styled
def paired(
    results: Results,
    problems: str | Sequence[str] | None = None,
    *,
    judged: pd.DataFrame | None = None,
    seeds: pd.DataFrame | None = None,
) -> Figure:
    """For every row of `judged` (rows of `verdicts(...)` of one or several claims that were judged by
    pairs; all of them unless said) its seeds, from `analysis.pairwise.differences(...)`.

    To the right of the line the claimed optimizer is better. The shaded band is the margin: a claim
    holds where the bar, the corrected interval, lies wholly beyond it. A seed on which only one of
    the two missed has no finite difference: it stands at the border, as an arrow.
    """
    if judged is None or seeds is None:
        judged, seeds = _judged(results)
    if problems is not None:
        judged = judged[judged["problem"].isin(asked(results, problems))]
    groups = list(judged.groupby(["claim", "measure"], sort=False))
    by = seeds.groupby(_KEYS, sort=False)["difference"]
    found = {key: values.to_numpy(float) for key, values in by}
    titles = [str(rows["text"].iloc[0]) for _, rows in groups]
    most = max((len(rows) for _, rows in groups), default=1)
    figure, axes = panels(titles or ["Seed by seed"], size=(5.0, 1.0 + _ROW * most), columns=2)
    if not groups:
        blank(next(axes), "no claim was judged by pairs")
        return figure
    for axis, (_, rows) in zip(axes, groups, strict=True):
        _panel(axis, rows, found, looks(results.manifest))
    return figure


def _judged(results: Results) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The verdicts that rest on pairs, and their seeds."""
    best = best_settings(results.runs, results.manifest)
    table = scores(results, best)
    found = verdicts(results, best, table) if results.manifest.get("claims") else pd.DataFrame()
    if found.empty:
        return pd.DataFrame(columns=[*_KEYS, "text"]), pd.DataFrame(columns=[*_KEYS, "difference"])
    seeds = differences(results, found, best, table)
    pairs = found.merge(seeds[_KEYS].drop_duplicates(), on=_KEYS)
    return pairs[pairs["verdict"].isin(_VERDICTS)], seeds


def _panel(
    axis: Axes, rows: pd.DataFrame, seeds: dict[Any, np.ndarray], look: dict[str, Look]
) -> None:
    first = rows.iloc[0]
    ratio = first["scale"] == "ratio"
    each = [seeds[tuple(row[key] for key in _KEYS)] for _, row in rows.iterrows()]
    delta = math.log10(first["margin"]) if ratio else float(first["margin"])
    low, high, straight = _reach(rows, each, delta, ratio)
    two_sided = first["kind"] == "equivalent"
    axis.axvspan(
        -delta if two_sided else min(0.0, delta), delta, color=GRID, alpha=0.9, linewidth=0
    )
    axis.axvline(0, color=MUTED, linewidth=0.8)
    ticks = []
    for i, ((_, row), found) in enumerate(zip(rows.iterrows(), each, strict=True)):
        y = len(rows) - 1 - i
        _seeds(axis, found, y, look[row["a"]])
        _interval(axis, row, y - 0.2, low, high)
        ticks.append(f"{short(row['problem'], 20)}\nagainst {short(_other(row), 16)}")
        axis.annotate(_VERDICTS[row["verdict"]], (1, y), (4, 0), fontsize=8, color=INK,
                      xycoords=axis.get_yaxis_transform(), textcoords="offset points", va="center",
                      annotation_clip=False)  # fmt: skip
    if straight is not None:
        axis.set_xscale("symlog", linthresh=straight, linscale=0.6)
    axis.set_xlim(low, high)
    axis.set_ylim(-0.55, len(rows) - 0.45)
    axis.set_yticks(range(len(rows)), ticks[::-1], fontsize=8)
    axis.tick_params(axis="y", length=0)
    axis.grid(False, axis="y")
    _scale(axis, ratio, low, high, straight)
    measure = MEASURES[first["measure"]]
    what = "times better" if ratio else f"better, {measure.unit}"
    by = f"{short(first['a'])} by {first['measure'].replace('_', ' ')}"
    axis.set_xlabel(f"← worse{_APART}{by}{_APART}{what} →")


def _other(row: pd.Series) -> str:
    return side_name(row["b"], row["selection_b"])


def _reach(
    rows: pd.DataFrame, each: list[np.ndarray], delta: float, ratio: bool
) -> tuple[float, float, float | None]:
    """Both ends of the axis: all that is finite, zero and the margin, with room for arrows; and, for
    differences that span decades, where the axis stops being linear."""
    ends = rows[["effect", "low", "high"]].to_numpy(float).ravel()
    values = np.concatenate([*each, ends, [0.0, delta, -delta]])
    finite = values[np.isfinite(values)]
    low, high = float(finite.min()), float(finite.max())
    size = np.abs(finite[finite != 0])
    usual = max(delta, float(np.median(size))) if len(size) else delta
    if not ratio and usual > 0 and max(-low, high) > 20 * usual:
        near = max(delta, usual / 10)
        return min(3 * low, -3 * near), max(3 * high, 3 * near), near
    room = 0.12 * (high - low) or 0.5
    return low - room, high + room, None


_LABEL = 0.15
"""Of an axis, the width of a tick's label."""

_GOLDEN = (
    0.6180339887498949  # multiples of it, less their whole part, never come close to each other
)


def _seeds(axis: Axes, found: np.ndarray, y: float, look: Look) -> None:
    """A dot a seed, spread in height so that equal ones can be counted."""
    order = np.argsort(found, kind="stable")
    height = np.empty(len(found))
    height[order] = y - 0.04 + 0.4 * ((np.arange(len(found)) * _GOLDEN) % 1)
    fine = np.isfinite(found)
    axis.plot(found[fine], height[fine], "o", color=look.color, markersize=4, alpha=0.75,
              markeredgewidth=0)  # fmt: skip
    for end, sign, place in ((math.inf, ">", 0.985), (-math.inf, "<", 0.015)):
        missed = found == end
        axis.plot(np.full(missed.sum(), place), height[missed], sign, color=look.color, markersize=5,
                  markerfacecolor=PAPER, transform=axis.get_yaxis_transform())  # fmt: skip


def _interval(axis: Axes, row: pd.Series, y: float, low: float, high: float) -> None:
    """The estimate as a diamond on the bar of the corrected interval; an open end goes on."""
    start, end = max(row["low"], low), min(row["high"], high)
    axis.plot([start, end], [y, y], color=INK, linewidth=2.2, solid_capstyle="butt")
    for place, bound in ((start, row["low"]), (end, row["high"])):
        if np.isfinite(bound):
            axis.plot([place, place], [y - 0.09, y + 0.09], color=INK, linewidth=1.4)
    if np.isfinite(row["effect"]):
        axis.plot(row["effect"], y, "D", color=INK, markersize=5.5, markerfacecolor=PAPER)


def _scale(axis: Axes, ratio: bool, low: float, high: float, straight: float | None) -> None:
    """Ticks as factors where the axis is the logarithm of a ratio."""
    if straight is not None:
        axis.xaxis.set_major_locator(FixedLocator(_apart(axis, _decades(low, high, straight))))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        return
    if not ratio:
        axis.xaxis.set_major_locator(MaxNLocator(nbins=6))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        return
    factors = _factors(low, high)
    axis.xaxis.set_major_locator(FixedLocator([math.log10(f) for f in factors]))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{number(10**value)}×"))


def _decades(low: float, high: float, straight: float) -> list[float]:
    """Zero and powers of ten on both sides, at most about seven in all."""
    first = math.ceil(math.log10(straight))
    last = math.floor(math.log10(max(-low, high)))
    every = max(1, math.ceil((last - first + 1) / 3))
    sizes = [10.0**p for p in range(last, first - 1, -every)]
    found = [*(-s for s in sizes), 0.0, *reversed(sizes)]
    return [f for f in found if low <= f <= high]


def _apart(axis: Axes, ticks: list[float]) -> list[float]:
    """Those whose labels do not run into each other: zero, then what is largest."""
    kept: list[tuple[float, float]] = []
    for tick in sorted(ticks, key=lambda tick: (tick != 0, -abs(tick))):
        place = axis.transAxes.inverted().transform(axis.transData.transform((tick, 0.0)))[0]
        if all(abs(place - other) > _LABEL for other, _ in kept):
            kept.append((place, tick))
    return [tick for _, tick in sorted(kept)]


def _factors(low: float, high: float) -> list[float]:
    """Round factors between 10**low and 10**high, at most about seven."""
    span = high - low
    steps: tuple[Any, ...] = (1.0,)
    if span < 0.35:
        steps = (1.0, 1.1, 1.2, 1.3, 1.5, 1.7, 2.0, 5 / 2, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)
    elif span < 1.2:
        steps = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
    elif span < 3:
        steps = (1.0, 2.0, 5.0) if span < 2.2 else (1.0, 3.0)
    every = max(1, math.ceil(span / 7))
    powers = range(math.floor(low), math.ceil(high) + 1)
    found = [s * 10.0**p for p in powers if p % every == 0 for s in steps]
    return [f for f in found if low <= math.log10(f) <= high]
