"""Figures for a report: one SVG a problem, so that a page can lay them out for any width."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from optlab import figures
from optlab.analysis import at_best, curve_bands
from optlab.analysis import metrics as recorded
from optlab.analysis.words import brief, listed, number
from optlab.figures import svg
from optlab.report.blocks import Picture
from optlab.results import Results

__all__ = ["curves", "metrics", "paths", "sensitivity", "times"]

Finding = Callable[[dict[str, Any]], str]


def curves(results: Results, best: pd.DataFrame, finding: Finding) -> list[Picture]:
    """The loss of each problem; the alternative text is what was found there."""
    bands = curve_bands(results.curves, results.runs, best, results.manifest)
    drawn = []
    for place, problem in _problems(results, set(bands["problem"])):
        figure = figures.curves(results, [problem["name"]], bands=bands)
        drawn.append(_picture("curves", place, problem, figure, finding(problem)))
    return drawn


def times(results: Results, table: pd.DataFrame, finding: Finding) -> list[Picture]:
    """Reached and held of each problem that has a target."""
    drawn = []
    with_target = {p["name"] for p in results.manifest["problems"] if p.get("decision")}
    shown = with_target & set(table.loc[table["n"] > 0, "problem"])
    for place, problem in _problems(results, shown):
        figure = figures.times(results, [problem["name"]], table=table)
        drawn.append(_picture("times", place, problem, figure, finding(problem)))
    return drawn


def sensitivity(results: Results, table: pd.DataFrame, best: pd.DataFrame) -> list[Picture]:
    """The last loss over the step size, of each problem with more than one."""
    drawn = []
    for place, problem in _problems(results, set(table["problem"])):
        figure = figures.sensitivity(results, [problem["name"]], table=table, best=best)
        alt = _basin(table[table["problem"] == problem["name"]], problem["name"])
        drawn.append(_picture("sensitivity", place, problem, figure, alt))
    return drawn


def paths(results: Results, best: pd.DataFrame) -> list[Picture]:
    """The walks of each problem in the plane."""
    drawn = []
    for place, problem in _problems(results, set(figures.drawable(results))):
        figure = figures.paths(results, [problem["name"]], best=best)
        drawn.append(_picture("paths", place, problem, figure, _ends(results, best, problem)))
    return drawn


def metrics(results: Results, best: pd.DataFrame) -> list[tuple[str, list[Picture]]]:
    """Each metric that tells something of learning beside the loss: those on held-out rows and the
    accuracies; norms stay in the tables."""
    out = []
    for metric in recorded(results.curves):
        if metric == "loss" or not ("test" in metric or "accuracy" in metric):
            continue
        bands = curve_bands(results.curves, results.runs, best, results.manifest, metric)
        drawn = []
        for place, problem in _problems(results, set(bands["problem"])):
            figure = figures.curves(results, [problem["name"]], metric=metric, bands=bands)
            alt = _last_values(bands[bands["problem"] == problem["name"]], metric, problem["name"])
            drawn.append(_picture(f"metric-{_slug(metric)}", place, problem, figure, alt))
        if drawn:
            out.append((metric, drawn))
    return out


def _problems(results: Results, shown: set[str]) -> list[tuple[int, dict[str, Any]]]:
    """The problems among `shown` with their place in the spec, which makes file names unique."""
    problems = enumerate(results.manifest["problems"], start=1)
    return [(place, problem) for place, problem in problems if problem["name"] in shown]


def _picture(what: str, place: int, problem: dict[str, Any], figure: Any, alt: str) -> Picture:
    name = f"{what}-{place}-{_slug(problem['name'])}"
    width = round(figure.get_figwidth() * 96)
    return Picture(f"figures/{name}.svg", svg(figure, alt), alt, width)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "x"


def _basin(table: pd.DataFrame, problem: str) -> str:
    """Each optimizer's best step size among those tried, and where it diverged."""
    good, bad = [], []
    for optimizer, mine in table.groupby("optimizer", sort=False):
        best = mine.iloc[int(mine["median"].to_numpy(dtype=float).argmin())]
        if np.isfinite(best["median"]):
            good.append(f"{optimizer} {brief(best['rate'])} ({number(best['median'])})")
        failed = mine.loc[mine["diverged"] >= 0.5, "rate"]
        if len(failed):
            bad.append(f"{optimizer} from {brief(failed.min())}")
    text = f"On {problem} the lowest last value came at step size: {listed(good)}."
    if not good:
        text = f"On {problem} no step size that was tried kept half of the runs from diverging."
    return text + (f" At least half of the runs diverged: {listed(bad)}." if bad else "")


def _ends(results: Results, best: pd.DataFrame, problem: dict[str, Any]) -> str:
    """Where the pictured runs ended."""
    runs = at_best(results.runs, best, "picture")
    mine = runs[runs["problem"] == problem["name"]].drop_duplicates("optimizer")
    ends = [
        f"{optimizer} {'diverged' if status == 'diverged' else number(loss)}"
        for optimizer, status, loss in zip(
            mine["optimizer"], mine["status"], mine["loss_final"], strict=True
        )
    ]
    return f"Paths on {problem['name']} from the usual start; last loss: {listed(ends)}."


def _last_values(bands: pd.DataFrame, metric: str, problem: str) -> str:
    last = bands.groupby("optimizer", sort=False).tail(1)
    each = [f"{o} {number(m)}" for o, m in zip(last["optimizer"], last["median"], strict=True)]
    return f"Last median {metric.replace('_', ' ')} on {problem}: {listed(each)}."
