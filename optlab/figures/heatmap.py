"""The last value over two hyperparameters, one panel a problem, optimizer and second hyperparameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from optlab.analysis import landscape
from optlab.analysis.words import brief
from optlab.figures.style import FLOOR, INK, MUTED, asked, blank, decade, panels, short, styled
from optlab.results import Results

__all__ = ["heatmap"]

_CELLS = 120  # up to which each holds its number
_SHAPES = 2_500  # up to which each is a shape of its own; more make an image
_NARROW = 20
_DARKER = 0.55  # of the colour scale: from here on black text reads better than white


@styled
def heatmap(
    results: Results,
    problems: str | Sequence[str] | None = None,
    *,
    table: pd.DataFrame | None = None,
) -> Figure:
    """Median last gap (or loss) at every pair of values of two hyperparameters that was tried, darker is
    lower; a cross diverged (empty in a grid of many cells), the ring is the lowest. A grid is drawn as cells
    with their numbers, a random search as points. `table` is `analysis.landscape(...)`."""
    if table is None:
        table = landscape(results.runs, results.manifest)
    if problems is not None:
        table = table[table["problem"].isin(asked(results, problems))]
    parts = list(table.groupby(["problem", "optimizer", "up"], sort=False))
    titles = [f"{o} on {p}" for (p, o, _), _ in parts]
    figure, axes = panels(titles, size=(4.7, 3.5))
    if not parts:
        blank(figure.axes[0], "no two hyperparameters were varied together")
    entries = {optimizer["name"]: optimizer for optimizer in results.manifest["optimizers"]}
    for axis, ((_, optimizer, _), mine) in zip(axes, parts, strict=False):
        _panel(axis, mine, entries[str(optimizer)])
    return figure


def _panel(axis: Axes, mine: pd.DataFrame, optimizer: dict[str, Any]) -> None:
    across, up = mine["across"].iloc[0], mine["up"].iloc[0]
    values = mine["median"].to_numpy(float)
    norm = _norm(values)
    xs, ys = (np.unique(mine[name].to_numpy(float)) for name in ("x", "y"))
    if len(mine) == len(xs) * len(ys):
        places = _cells(axis, mine, xs, ys, norm)
    else:
        places = _points(axis, mine, optimizer, norm)
    if np.isfinite(values).any():
        best = int(np.argmin(np.where(np.isfinite(values), values, np.inf)))
        axis.plot(*places[best], "o", markersize=13, markerfacecolor="none", markeredgecolor="#c24e00",
                  markeredgewidth=2)  # fmt: skip
    failed = ~np.isfinite(values) & (len(mine) <= _SHAPES)
    axis.plot(places[failed, 0], places[failed, 1], "x", color=MUTED, markersize=5)
    axis.grid(False)
    axis.set_xlabel(short(_named(across), 40))
    axis.set_ylabel(short(_named(up), 30))
    what = "last loss − f*" if mine["quantity"].iloc[0] == "gap" else "last loss"
    figure = axis.get_figure(root=True)
    assert figure is not None
    bar = figure.colorbar(ScalarMappable(norm, _map()), ax=axis, pad=0.02)
    bar.set_label(what, color=INK)
    bar.ax.tick_params(labelsize=8)
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter(
        FuncFormatter(decade if isinstance(norm, LogNorm) else lambda value, _: brief(value))
    )


def _named(name: str) -> str:
    return "step size (lr)" if name == "lr" else name


def _map() -> Any:
    """Even for readers who see few colours, and falling evenly in grey."""
    return colormaps["cividis"]


def _norm(values: np.ndarray) -> Normalize:
    finite = values[np.isfinite(values)]
    positive = finite[finite > 0]
    if not len(positive) or (finite < 0).any():
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
        return Normalize(low, high if high > low else low + 1.0)
    high = float(positive.max())
    low = max(float(positive.min()), high * FLOOR)
    if high < _NARROW * low:  # no two decades to write at a logarithmic scale
        return Normalize(low, high if high > low else low + 1.0)
    return LogNorm(low, high if high > low else 10 * low)


def _color(value: float, norm: Normalize) -> Any:
    return _map()(float(norm(np.clip(value, norm.vmin, norm.vmax))))


def _cells(
    axis: Axes, mine: pd.DataFrame, xs: np.ndarray, ys: np.ndarray, norm: Normalize
) -> np.ndarray:
    """A whole grid: one cell a pair, in even steps, with its number where there is room."""
    places = np.column_stack([np.searchsorted(xs, mine["x"]), np.searchsorted(ys, mine["y"])])
    if len(places) > _SHAPES:
        _image(axis, places, mine["median"].to_numpy(float), norm)
    shapes = zip(places, mine["median"], strict=True) if len(places) <= _SHAPES else ()
    for (i, j), value in shapes:
        if not np.isfinite(value):
            continue
        axis.fill([i - 0.5, i + 0.5, i + 0.5, i - 0.5], [j - 0.5, j - 0.5, j + 0.5, j + 0.5],
                  color=_color(value, norm), linewidth=0, clip_on=False)  # fmt: skip
        if len(places) <= _CELLS and len(xs) <= 8:
            light = norm(np.clip(value, norm.vmin, norm.vmax)) > _DARKER
            axis.text(i, j, brief(value), ha="center", va="center", fontsize=7,
                      color="#000000" if light else "#ffffff")  # fmt: skip
    axis.set_xlim(-0.5, len(xs) - 0.5)
    axis.set_ylim(-0.5, len(ys) - 0.5)
    for side, found, most in ((axis.xaxis, xs, 6), (axis.yaxis, ys, 10)):
        every = max(1, -(-len(found) // most))
        side.set_ticks(range(0, len(found), every), [brief(v) for v in found[::every]])
    return places.astype(float)


def _image(axis: Axes, places: np.ndarray, values: np.ndarray, norm: Normalize) -> None:
    """Many cells as one image; empty where half of the runs or more diverged."""
    shown = np.zeros((*(places.max(axis=0) + 1)[::-1], 4))
    finite = np.isfinite(values)
    clipped = np.clip(values[finite], norm.vmin, norm.vmax)
    shown[places[finite, 1], places[finite, 0]] = _map()(norm(clipped))
    axis.imshow(shown, origin="lower", aspect="auto", interpolation="nearest")


def _points(
    axis: Axes, mine: pd.DataFrame, optimizer: dict[str, Any], norm: Normalize
) -> np.ndarray:
    """A random search: one point a pair, on the scales that were searched."""
    columns = []
    for name, side, which in (("x", axis.xaxis, "across"), ("y", axis.yaxis, "up")):
        scale = (optimizer.get("search") or {}).get(mine[which].iloc[0], {}).get("scale", "")
        found = mine[name].to_numpy(float)
        there, back = _scale(scale, found)
        columns.append(there(found))
        side.set_major_formatter(FuncFormatter(lambda v, _, back=back: brief(float(back(v)))))
    places = np.column_stack(columns)
    for place, value in zip(places, mine["median"], strict=True):
        if np.isfinite(value):
            axis.plot(*place, "s", color=_color(value, norm), markersize=6.5, markeredgecolor=INK,
                      markeredgewidth=0.6)  # fmt: skip
    axis.margins(0.06)
    axis.locator_params(nbins=5)
    return places


def _scale(scale: str, values: np.ndarray) -> tuple[Any, Any]:
    """From values to places on an axis that is even in them, and back."""
    if scale == "one_minus_log" and (values < 1).all():
        return lambda v: -np.log10(1 - v), lambda p: 1 - 10.0 ** -np.asarray(p)
    if (values > 0).all() and values.max() > 20 * values.min():
        return np.log10, lambda p: 10.0 ** np.asarray(p)
    return lambda v: v, lambda p: p
