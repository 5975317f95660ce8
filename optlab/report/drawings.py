"""Figures for a report: one SVG a problem, so that a page can lay them out for any width."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from optlab import figures
from optlab.analysis import (
    at_best,
    curve_bands,
    performance_profile,
    profile_scores,
    runtime_shares,
    two_solver_profiles,
)
from optlab.analysis import metrics as recorded
from optlab.analysis.words import brief, listed, number
from optlab.figures import svg
from optlab.report.blocks import Picture
from optlab.results import Results

__all__ = [
    "curves", "metrics", "paired", "paths", "profiles", "runtime", "sensitivity", "times", "tuning",
]  # fmt: skip

Finding = Callable[[dict[str, Any]], str]


def curves(results: Results, best: pd.DataFrame, finding: Finding) -> list[tuple[str, Picture]]:
    """The loss of each problem, by name; the alternative text is what was found there."""
    bands = curve_bands(results.curves, results.runs, best, results.manifest)
    drawn = []
    for place, problem in _problems(results, set(bands["problem"])):
        figure = figures.curves(results, [problem["name"]], bands=bands)
        picture = _picture("curves", place, problem, figure, finding(problem))
        drawn.append((problem["name"], picture))
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


_FEW = 4  # problems, or optimizers, up to which each, or every two, have a picture of their own

_ROWS = 24  # of a panel of pairs; more go into another


def paired(results: Results, judged: pd.DataFrame, seeds: pd.DataFrame) -> list[Picture]:
    """The seeds of every pair in `judged`, a picture a claim and measure."""
    drawn = []
    place = 0
    for (_, measure), rows in judged.groupby(["claim", "measure"], sort=False):
        for begin in range(0, len(rows), _ROWS):
            part = rows.iloc[begin : begin + _ROWS]
            place += 1
            figure = figures.paired(results, part, seeds)
            alt = " ".join(str(text) for text in part["sentence"])
            about = {"name": str(measure)}
            drawn.append(_picture("paired", place, about, figure, alt))
    return drawn


def runtime(results: Results, hits: pd.DataFrame) -> list[Picture]:
    """The runtime distribution over all problems, then of each where there are a few."""
    if not np.isfinite(hits["evals"].astype(float)).any():
        return []
    names = list(hits["problem"].unique())
    whole = "all problems" if len(names) > 1 else names[0]
    parts = [(whole, hits)]
    if 1 < len(names) <= _FEW:
        parts += [(name, hits[hits["problem"] == name]) for name in names]
    drawn = []
    for place, (name, mine) in enumerate(parts, start=1):
        shares = runtime_shares(mine)
        figure = figures.runtime(results, {name: shares}, float(mine["budget"].max()))
        last = shares.groupby("optimizer", sort=False, observed=True)["share"].last()
        each = [f"{optimizer} {100 * share:.0f} %" for optimizer, share in last.items()]
        alt = f"Share of targets met by the end of the budget on {name}: {listed(each) or 'none'}."
        drawn.append(_picture("runtime", place, {"name": name}, figure, alt))
    return drawn


def profiles(
    results: Results, costs: pd.DataFrame, largest: float
) -> tuple[Picture, list[Picture]]:
    """The performance profile of all optimizers, and of every two; of many, of those with the one
    that leads."""
    whole = performance_profile(costs)
    largest = max(largest, float(whole["ratio"].max()))

    def picture(place: int, name: str, table: pd.DataFrame) -> Picture:
        figure = figures.profile(results, {name: table}, largest)
        at = table[table["ratio"] <= 1.0].groupby("optimizer", sort=False)["share"].last()
        each = [f"{optimizer} {100 * share:.0f} %" for optimizer, share in at.items()]
        alt = f"Share of problems on which each was the fastest, {name}: {listed(each)}."
        return _picture("profile", place, {"name": name}, figure, alt)

    leader = profile_scores(costs).sort_values("score", kind="stable")["optimizer"].iloc[-1]
    pairs = [
        (f"{a} and {b} alone", mine)
        for (a, b), mine in two_solver_profiles(costs).groupby(["a", "b"], sort=False)
        if costs.shape[1] <= _FEW or leader in (a, b)
    ]
    two = [picture(place, name, mine) for place, (name, mine) in enumerate(pairs, start=2)]
    return picture(1, "all optimizers", whole), two


def tuning(results: Results, table: pd.DataFrame) -> list[Picture]:
    """The best of n settings on each problem."""
    drawn = []
    for place, problem in _problems(results, set(table["problem"])):
        mine = table[table["problem"] == problem["name"]]
        figure = figures.tuning(results, [problem["name"]], mine)
        alt = _halfway(mine, problem["name"])
        drawn.append(_picture("tuning", place, problem, figure, alt))
    return drawn


def _halfway(table: pd.DataFrame, problem: str) -> str:
    """The best of one setting and of all, of each optimizer."""
    each = []
    for optimizer, mine in table.groupby("optimizer", sort=False):
        first, last = mine["median"].iloc[0], mine["median"].iloc[-1]
        each.append(f"{optimizer} {number(first)} and {number(last)}")
    what = {"steps_held": "updates to hold the target"}.get(table["measure"].iloc[0], "last loss")
    return f"Median {what} on {problem} with one setting tried and with all: {listed(each)}."


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
