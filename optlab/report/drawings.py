"""Figures for a report: one SVG a problem, so that a page can lay them out for any width."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from optlab import analysis, figures
from optlab.analysis import (
    at_best,
    curve_bands,
    performance_profile,
    profile_scores,
    runtime_shares,
    two_solver_profiles,
)
from optlab.analysis import metrics as recorded
from optlab.analysis.words import brief, listed, number, percent
from optlab.figures.request import Request, slim
from optlab.report.blocks import Picture
from optlab.results import Results
from optlab.theory import long_run

__all__ = [
    "completeness", "curves", "heatmap", "metrics", "paired", "paths", "profiles", "ranks", "runtime",
    "sensitivity", "stability", "times", "tuning",
]  # fmt: skip

Finding = Callable[[dict[str, Any]], str]


def curves(results: Results, best: pd.DataFrame, finding: Finding) -> list[tuple[str, Picture]]:
    """The loss of each problem, by name; the alternative text is what was found there."""
    bands = curve_bands(results.curves, results.runs, best, results.manifest)
    rates = long_run(results.manifest, best)
    drawn = []
    for place, problem in _problems(results, set(bands["problem"])):
        here = _of(bands, problem)
        known = _of(rates, problem)
        picture = _picture(
            results, "curves", place, problem, finding(problem), here, bands=here, rates=known
        )
        drawn.append((problem["name"], picture))
    return drawn


def times(results: Results, table: pd.DataFrame, finding: Finding) -> list[Picture]:
    """Reached and held of each problem that has a target."""
    drawn = []
    with_target = {p["name"] for p in results.manifest["problems"] if p.get("decision")}
    shown = with_target & set(table.loc[table["n"] > 0, "problem"])
    for place, problem in _problems(results, shown):
        here = _of(table, problem)
        drawn.append(_picture(results, "times", place, problem, finding(problem), here, table=here))
    return drawn


def sensitivity(results: Results, table: pd.DataFrame, best: pd.DataFrame) -> list[Picture]:
    """The last loss over the step size, of each problem with more than one."""
    drawn = []
    for place, problem in _problems(results, set(table["problem"])):
        here, alone = _of(table, problem), _of(best, problem)
        alt = _basin(here, problem["name"])
        drawn.append(
            _picture(results, "sensitivity", place, problem, alt, here, table=here, best=alone)
        )
    return drawn


def paths(results: Results, best: pd.DataFrame) -> list[Picture]:
    """The walks of each problem in the plane."""
    drawn = []
    for place, problem in _problems(results, set(figures.drawable(results))):
        runs = figures.chosen_walks(results.runs, best, problem["name"])
        walked = results.paths[results.paths["run_id"].isin(runs["run_id"])]
        drawn.append(_walks(results, place, problem, runs, walked, best))
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
            here = _of(bands, problem)
            alt = _last_values(here, metric, problem["name"])
            what = f"metric-{_slug(metric)}"
            drawn.append(
                _picture(
                    results, "curves", place, problem, alt, here, what, metric=metric, bands=here
                )
            )
        if drawn:
            out.append((metric, drawn))
    return out


_FEW = 4  # problems, or optimizers, up to which each, or every two, have a picture of their own

_PAIR = [
    "claim",
    "problem",
    "measure",
    "b",
    "selection_b",
]  # what tells the pairs of a verdict apart
_ROWS = 24  # of a panel of pairs; more go into another


def paired(results: Results, judged: pd.DataFrame, seeds: pd.DataFrame) -> list[Picture]:
    """The seeds of every pair in `judged`, a picture a claim and measure."""
    drawn = []
    place = 0
    for (_, measure), rows in judged.groupby(["claim", "measure"], sort=False):
        for begin in range(0, len(rows), _ROWS):
            part = rows.iloc[begin : begin + _ROWS]
            place += 1
            mine = seeds.merge(part[_PAIR].drop_duplicates(), on=_PAIR)
            alt = " ".join(str(text) for text in part["sentence"])
            about = {"name": str(measure)}
            drawn.append(
                _picture(results, "paired", place, about, alt, mine, judged=part, seeds=mine)
            )
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
        last = shares.groupby("optimizer", sort=False, observed=True)["share"].last()
        each = [f"{optimizer} {percent(share)}" for optimizer, share in last.items()]
        alt = f"Share of targets met by the end of the budget on {name}: {listed(each)}."
        budget = float(mine["budget"].max())
        drawn.append(
            _picture(
                results,
                "runtime",
                place,
                {"name": name},
                alt,
                shares,
                shares={name: shares},
                budget=budget,
            )
        )
    return drawn


def profiles(
    results: Results, costs: pd.DataFrame, largest: float
) -> tuple[Picture, list[Picture]]:
    """The performance profile of all optimizers, and of every two; of many, of those with the one
    that leads."""
    whole = performance_profile(costs)
    largest = max(largest, float(whole["ratio"].max()))

    def picture(place: int, name: str, table: pd.DataFrame) -> Picture:
        at = table[table["ratio"] <= 1.0].groupby("optimizer", sort=False)["share"].last()
        each = [f"{optimizer} {percent(share)}" for optimizer, share in at.items()]
        alt = f"Share of problems on which each was the fastest, {name}: {listed(each)}."
        return _picture(
            results,
            "profile",
            place,
            {"name": name},
            alt,
            table,
            tables={name: table},
            largest=largest,
        )

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
        mine = _of(table, problem)
        alt = _halfway(mine, problem["name"])
        drawn.append(_picture(results, "tuning", place, problem, alt, mine, table=mine))
    return drawn


def stability(results: Results, table: pd.DataFrame, told: Finding) -> list[tuple[str, Picture]]:
    """Every kind of stability on each problem; `told` says what is found there."""
    drawn = []
    shown = set(table.loc[(table["n"] > 0) & (table["selection"] == "tuned"), "problem"])
    for place, problem in _problems(results, shown):
        here = _of(table, problem)
        picture = _picture(results, "stability", place, problem, told(problem), here, table=here)
        drawn.append((problem["name"], picture))
    return drawn


def heatmap(results: Results, table: pd.DataFrame) -> list[Picture]:
    """The last loss over two hyperparameters, a picture a problem and optimizer."""
    drawn = []
    for place, problem in _problems(results, set(table["problem"])):
        here = _of(table, problem)
        for i, (_, mine) in enumerate(here.groupby(["optimizer", "up"], sort=False), start=1):
            mine = mine.reset_index(drop=True)
            alt = _lowest(mine, problem["name"])
            what = f"heatmap-{i}"
            drawn.append(_picture(results, "heatmap", place, problem, alt, mine, what, table=mine))
    return drawn


def _lowest(mine: pd.DataFrame, problem: str) -> str:
    """Where the lowest value of a heat map lies, and at how many pairs half of the runs diverged."""
    optimizer, across, up = (str(mine[name].iloc[0]) for name in ("optimizer", "across", "up"))
    failed = int(np.isposinf(mine["median"]).sum())
    text = f"{optimizer} on {problem}: of {len(mine)} pairs of {across} and {up}"
    if failed == len(mine):
        return f"{text} all diverged in half of their runs or more."
    best = mine.iloc[int(mine["median"].to_numpy(float).argmin())]
    low = f"the lowest last value, {number(best['median'])}, came at {across} = {brief(best['x'])}"
    half = f"half of the runs or more diverged at {failed or 'none'}"
    return f"{text} {low} and {up} = {brief(best['y'])}; {half}."


def completeness(results: Results, table: pd.DataFrame, finding: str) -> Picture:
    """What became of all runs."""
    about = {"name": "all"}
    return _picture(results, "completeness", 1, about, finding, table, table=table)


def ranks(results: Results, costs: pd.DataFrame, finding: str) -> Picture:
    """The mean ranks over problems."""
    table = analysis.rank_table(costs)
    return _picture(results, "ranks", 1, {"name": "all"}, finding, table, table=costs)


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


def _picture(
    results: Results,
    figure: str,
    place: int,
    about: dict[str, Any],
    alt: str,
    data: pd.DataFrame,
    what: str = "",
    **arguments: Any,
) -> Picture:
    """A picture that is asked for. `about` is the problem that it is drawn for, or says what it shows;
    `what` begins the name of its file, the figure's own name unless said."""
    name = f"{what or figure}-{place}-{_slug(about['name'])}"
    if "steps" in about:
        arguments["problems"] = [about["name"]]
        names = [about["name"]]
    else:
        names = [problem["name"] for problem in results.manifest["problems"]]
    request = Request(figure, {"results": slim(results, names), **arguments}, alt)
    return Picture(f"figures/{name}.svg", "", alt, data=data, request=request)


def _walks(
    results: Results,
    place: int,
    problem: dict[str, Any],
    runs: pd.DataFrame,
    walked: pd.DataFrame,
    best: pd.DataFrame,
) -> Picture:
    """The walks in one plane, asked for with the runs and paths that are drawn."""
    alt = _ends(results, best, problem)
    few = slim(results, [problem["name"]])
    few = replace(few, runs=runs.reset_index(drop=True))
    vars(few)["paths"] = walked.reset_index(drop=True)  # in place of the table that it would read
    request = Request(
        "paths", {"results": few, "problems": [problem["name"]], "best": _of(best, problem)}, alt
    )
    file = f"figures/paths-{place}-{_slug(problem['name'])}.svg"
    return Picture(file, "", alt, data=walked, request=request)


def _of(table: pd.DataFrame, problem: dict[str, Any]) -> pd.DataFrame:
    return table[table["problem"] == problem["name"]].reset_index(drop=True)


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
