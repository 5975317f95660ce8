"""The walks in the plane as they went, all optimizers in step, beside their losses: what a page needs
to show it move."""

from __future__ import annotations

from typing import Any

import contourpy
import numpy as np
import pandas as pd

from optlab.analysis.words import plural
from optlab.figures import Look, chosen_walks, contour_levels
from optlab.report.blocks import Animation
from optlab.report.facts import Facts

__all__ = ["FRAMES", "animations", "contours"]

FRAMES = 180
"""Points of a walk at most: all of the beginning, where strides are long, then evenly."""

_SIDE = 1000  # the pictures are this wide and high, in whole units
_GRID = 61  # points a side on which contours are traced
_FLOOR = 1e-16  # what lies further below the largest loss is rounding


def animations(facts: Facts, names: list[str]) -> list[Animation]:
    """One block for each problem of `names` whose walks can be shown in step."""
    blocks = []
    entries = {problem["name"]: problem for problem in facts.manifest["problems"]}
    for name in names:
        runs = chosen_walks(facts.results.runs, facts.best, name)
        walks = _walks(facts, runs)
        if not walks:
            continue
        steps = _frames(sorted(set().union(*(walk["step"] for walk in walks.values()))))
        blocks.append(_block(facts, entries[name], runs, walks, steps))
    return blocks


def _block(
    facts: Facts,
    problem: dict[str, Any],
    runs: pd.DataFrame,
    walks: dict[str, dict[str, np.ndarray]],
    steps: list[int],
) -> Animation:
    x, y, z = (np.asarray(part, dtype=float) for part in facts.results.pictures[problem["name"]])
    window = (float(x.min()), float(x.max()), float(y.min()), float(y.max()))
    minimum = problem.get("minimum")
    # A loss below zero has no logarithm: its height over the lowest that was seen has one.
    seen = [walk["loss"][np.isfinite(walk["loss"])] for walk in walks.values()]
    lowest = min((float(part.min()) for part in seen if len(part)), default=0.0)
    floor = minimum["value"] if minimum else min(lowest, 0.0)
    quantity = "loss − f*" if minimum else "loss − the lowest seen" if floor < 0 else "loss"
    losses = {name: _at(walk, steps, walk["loss"] - floor) for name, walk in walks.items()}
    top, low = _decades(losses)
    data = {
        "name": problem["name"],
        "axes": [str(n) for n in (problem["names"] or ["x1", "x2"])],
        "window": window,
        "quantity": quantity,
        "decades": [low, top],
        "contours": contours(x, y, z - (minimum["value"] if minimum else np.nanmin(z))),
        "minima": [
            _place(p[0], p[1], window) for p in (minimum or {}).get("at") or [] if len(p) == 2
        ],
        "steps": steps,
        "runs": [
            _run(name, facts.looks[name], walk, steps, losses[name], window)
            for name, walk in walks.items()
        ],
    }
    every = max(len(walk["step"]) for walk in walks.values())
    told = f"Of each walk {plural(len(steps), 'point')} are shown"
    thinned = (
        f"{told} of {every:,} recorded, the first {FRAMES // 2} and then evenly spaced ones"
        if every > len(steps)
        else f"{told}, all that are recorded"
    )
    diverged = list(runs.loc[runs["status"] == "diverged", "optimizer"])
    caption = (
        f"The same walks on {problem['name']}, in step, with the loss beside them. {thinned}; "
        "between two of them the line is straight. A mark that leaves a picture waits at its edge, "
        "pale, and the text of the step says so."
    )
    if diverged:
        caption += f" Diverged: {', '.join(diverged)}."
    return Animation(data, caption)


def _walks(facts: Facts, runs: pd.DataFrame) -> dict[str, dict[str, np.ndarray]]:
    """The recorded steps, places and losses of each optimizer's run."""
    paths, curves = facts.results.paths, facts.results.curves
    ids = set(runs["run_id"])
    paths = paths[paths["run_id"].isin(ids)]
    curves = curves[curves["run_id"].isin(ids) & (curves["metric"] == "loss")]
    out = {}
    for optimizer, run in zip(runs["optimizer"], runs["run_id"], strict=True):
        mine = paths[paths["run_id"] == run]
        order = list(mine["coordinate"].unique())  # as written, not by the alphabet
        wide = mine.pivot(index="step", columns="coordinate", values="value")
        loss = curves[curves["run_id"] == run].set_index("step")["value"]
        if len(order) != 2 or loss.empty:
            continue
        wide = wide[wide.index.isin(loss.index)]
        if wide.empty:
            continue
        out[optimizer] = {
            "step": wide.index.to_numpy(),
            "x": wide[order[0]].to_numpy(dtype=float),
            "y": wide[order[1]].to_numpy(dtype=float),
            "loss": loss.loc[wide.index].to_numpy(dtype=float),
        }
    return out


def _frames(steps: list[int]) -> list[int]:
    """At most FRAMES of the recorded steps: the first half of them as they come, then evenly."""
    if len(steps) <= FRAMES:
        return [int(s) for s in steps]
    begin = FRAMES // 2
    rest = np.linspace(begin, len(steps) - 1, FRAMES - begin).round().astype(int)
    return [int(steps[i]) for i in dict.fromkeys([*range(begin), *rest.tolist()])]


def _at(walk: dict[str, np.ndarray], steps: list[int], values: np.ndarray) -> np.ndarray:
    """`values` at each of `steps`: the last that was recorded by then."""
    index = np.searchsorted(walk["step"], steps, side="right") - 1
    return values[np.clip(index, 0, len(values) - 1)]


def _run(
    name: str, look: Look, walk: dict[str, np.ndarray], steps: list[int], losses: np.ndarray,
    window: tuple[float, float, float, float],
) -> dict[str, Any]:  # fmt: skip
    places = [
        _place(float(a), float(b), window)
        for a, b in zip(_at(walk, steps, walk["x"]), _at(walk, steps, walk["y"]), strict=True)
    ]
    return {
        "name": name,
        "day": look.color,
        "night": look.dark,
        "marker": look.marker,
        "dash": _dash(look.dash),
        "x": [p[0] for p in places],
        "y": [p[1] for p in places],
        "loss": [float(f"{v:.4g}") if np.isfinite(v) else None for v in losses],
    }


def _dash(dash: Any) -> str:
    """A line's dashes for SVG, in the picture's units."""
    return "" if dash == "-" else " ".join(f"{7 * part:g}" for part in dash[1])


def _place(x: float, y: float, window: tuple[float, float, float, float]) -> list[int | None]:
    """A point in the picture's units, the y axis upward; far outside it is kept near the edge, so that
    lines keep their direction. None where it is not finite."""
    left, right, bottom, top = window
    across = (x - left) / (right - left) * _SIDE
    up = (top - y) / (top - bottom) * _SIDE
    if not (np.isfinite(across) and np.isfinite(up)):
        return [None, None]
    return [round(float(np.clip(v, -10 * _SIDE, 11 * _SIDE))) for v in (across, up)]


def _decades(losses: dict[str, np.ndarray]) -> tuple[int, int]:
    """The largest and the smallest decade of the loss axis."""
    known = np.concatenate([v[np.isfinite(v) & (v > 0)] for v in losses.values()])
    if not len(known):
        return 1, 0
    first = max((v[0] for v in losses.values() if np.isfinite(v[0])), default=known.max())
    # A run that diverges must not hide the rest.
    high = min(known.max(), max(first, known.min()) * 1e3)
    low = max(known.min(), high * _FLOOR)
    top = int(np.ceil(np.log10(high)))
    return top, min(int(np.floor(np.log10(low))), top - 1)


def contours(x: np.ndarray, y: np.ndarray, level: np.ndarray) -> list[str]:
    """Lines of equal loss as SVG paths, one a level."""
    levels = contour_levels(level)
    if levels is None:
        return []
    every = max(1, len(x) // _GRID)
    x, y, level = x[::every], y[::every], level[::every, ::every]
    across = (x - x.min()) / (x.max() - x.min()) * _SIDE
    up = (y.max() - y) / (y.max() - y.min()) * _SIDE
    tracer = contourpy.contour_generator(across, up, np.ma.masked_invalid(level))
    return [d for value in levels if (d := "".join(map(_line, tracer.lines(float(value)))))]


def _line(points: Any) -> str:
    whole = np.asarray(points).round().astype(int)
    keep = np.ones(len(whole), dtype=bool)
    keep[1:] = (np.diff(whole, axis=0) != 0).any(axis=1)
    whole = whole[keep]
    if len(whole) < 2:
        return ""
    return "M" + "L".join(f"{a} {b}" for a, b in whole)
