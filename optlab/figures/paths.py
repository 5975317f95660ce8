"""Where the optimizers walked, on problems of two parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure

from optlab.analysis import at_best, best_settings
from optlab.figures.style import (
    INK,
    MUTED,
    Look,
    asked,
    blank,
    leading,
    looks,
    panels,
    short,
    styled,
    thinned,
)
from optlab.results import Results

__all__ = ["chosen_walks", "contour_levels", "drawable", "paths"]


def drawable(results: Results) -> list[str]:
    """The problems with a picture of their loss and a path to draw on it."""
    if not results.pictures or results.paths.empty:
        return []
    walked = set(results.paths["run_id"].unique())
    with_path = set(results.runs.loc[results.runs["run_id"].isin(walked), "problem"])
    names = [problem["name"] for problem in results.manifest["problems"]]
    return [name for name in names if name in results.pictures and name in with_path]


@styled
def paths(
    results: Results,
    problems: str | Sequence[str] | None = None,
    *,
    best: pd.DataFrame | None = None,
) -> Figure:
    """Contours of the loss, a constant factor apart, and each optimizer's path at its chosen
    setting from the usual start (a ring); a cross is the minimum, where it is known. One
    start: a picture, not evidence."""
    manifest = results.manifest
    names = drawable(results) if problems is None else asked(results, problems)
    figure, axes = panels(names, size=(4.5, 4.1))
    if not names:
        blank(next(axes), "no problem of two coordinates was drawn")
        return figure
    best = best_settings(results.runs, manifest) if best is None else best
    entries = {problem["name"]: problem for problem in manifest["problems"]}
    for axis, name in zip(axes, names, strict=True):
        if name not in results.pictures:
            blank(axis, "no picture of this loss")
            continue
        _contours(axis, results.pictures[name], entries[name])
        runs = chosen_walks(results.runs, best, name)
        order = runs.sort_values("loss_final", kind="stable")["optimizer"]
        _walks(axis, results, runs, leading(looks(manifest), order))
        _marks(axis, entries[name])
    return figure


def chosen_walks(runs: pd.DataFrame, best: pd.DataFrame, problem: str) -> pd.DataFrame:
    """The runs to draw: from the usual start, or from the given one where that is all there is."""
    usual = at_best(runs, best, "picture")
    usual = usual[usual["problem"] == problem]
    if len(usual):
        return usual.drop_duplicates("optimizer")
    given = at_best(runs, best, "evaluate")
    given = given[(given["problem"] == problem) & (given["start_kind"] == "given")]
    return given.drop_duplicates("optimizer")


def contour_levels(level: np.ndarray) -> np.ndarray | None:
    """Levels at which to draw lines of `level` (a loss above its minimum); None where it is flat.

    Log-spaced, since a valley's values span decades; the lowest is what the grid still resolves."""
    finite = level[np.isfinite(level) & (level > 0)]
    if not len(finite):
        return None
    low, high = np.quantile(finite, 0.02), finite.max()
    levels = np.unique(np.geomspace(max(low, high * 1e-8), high, 14))
    return levels if len(levels) > 1 else None


def _contours(axis: Axes, picture: Any, problem: dict[str, Any]) -> None:
    x, y, z = (np.asarray(part, dtype=float) for part in picture)
    minimum = problem.get("minimum")
    level = z - (minimum["value"] if minimum else np.nanmin(z))
    levels = contour_levels(level)
    if levels is not None:
        every = max(1, len(x) // 120)
        lines = _lines(axis, x, y, level, levels, every)
        # A loss of many pits: half of its lines tell as much, and a page of many pictures stays small.
        if sum(np.shape(path.vertices)[0] for path in lines.get_paths()) > _VERTICES:
            lines.remove()
            _lines(axis, x, y, level, levels[::2], every)
    axis.set_xlim(float(x.min()), float(x.max()))
    axis.set_ylim(float(y.min()), float(y.max()))
    axis.grid(False)
    names = problem["names"] or ["x1", "x2"]
    axis.set_xlabel(short(names[0]))
    axis.set_ylabel(short(names[1]), rotation=0, va="center", ha="right")


def _lines(
    axis: Axes, x: np.ndarray, y: np.ndarray, level: np.ndarray, levels: np.ndarray, every: int
) -> ContourSet:
    if x.ndim == 1:
        x, y, level = x[::every], y[::every], level[::every, ::every]
    return axis.contour(x, y, level, levels=levels, colors=MUTED, linewidths=0.5, alpha=0.75)


_VERTICES = 8_000


def _walks(axis: Axes, results: Results, chosen: pd.DataFrame, look: dict[str, Look]) -> None:
    walked = results.paths[results.paths["run_id"].isin(chosen["run_id"])]
    handles = []
    for optimizer, run in zip(chosen["optimizer"], chosen["run_id"], strict=True):
        wide = walked[walked["run_id"] == run].pivot(
            index="step", columns="coordinate", values="value"
        )
        if wide.shape[1] != 2:
            continue
        # In the order in which the coordinates were written, not that of the alphabet.
        order = walked.loc[walked["run_id"] == run, "coordinate"].unique()
        across, up = (wide[name].to_numpy(dtype=float) for name in order)
        x, y = _few(across, up)
        style = look[optimizer]
        if style.rest:
            axis.plot(x, y, color=style.color, linewidth=0.7, zorder=1)
            continue
        (line,) = axis.plot(x, y, color=style.color, linestyle=style.dash, linewidth=1.5,
                            label=short(optimizer))  # fmt: skip
        axis.plot(x[-1], y[-1], style.marker, color=style.color, markersize=6)
        line.set_marker(style.marker)
        line.set_markersize(3.2)
        line.set_markevery([i for i in _tenths(len(x)) if 0 < i < len(x)])
        handles.append(line)
        axis.plot(x[0], y[0], "o", markersize=8, markerfacecolor="none", markeredgecolor=INK)
    if handles:
        axis.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=_columns(axis, handles),
                    frameon=False, fontsize=8, labelcolor="linecolor", handlelength=2.4,
                    columnspacing=1.2)  # fmt: skip


def _columns(axis: Axes, handles: list[Any]) -> int:
    """As many columns of a legend as have room for its longest name."""
    figure = axis.get_figure(root=True)
    assert figure is not None
    inches = axis.get_position().width * figure.get_figwidth()
    longest = max(len(handle.get_label()) for handle in handles)
    return max(1, min(4, int(inches / (0.5 + 0.075 * longest))))


def _few(across: np.ndarray, up: np.ndarray, most: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """A path of at most `most` points: all of the beginning, where the strides are long."""
    if len(across) <= most:
        return across, up
    begin = most // 2
    rest = np.linspace(begin, len(across) - 1, most - begin).round().astype(int)
    index = np.concatenate([np.arange(begin), rest])
    return thinned(across[index], up[index], most=most)  # type: ignore[return-value]


def _tenths(n: int) -> list[int]:
    return sorted({int(i) for i in np.geomspace(1, max(n - 1, 1), 8)})


def _marks(axis: Axes, problem: dict[str, Any]) -> None:
    for place in (problem.get("minimum") or {}).get("at") or []:
        if len(place) == 2:
            axis.plot(place[0], place[1], "+", color=INK, markersize=12, markeredgewidth=1.8)
