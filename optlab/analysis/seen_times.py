"""Targets, budgets and records that do not tell optimizers apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.censored import quantile
from optlab.analysis.crossings import crossings
from optlab.analysis.foreseen import Found, impossible, named, told_impossible
from optlab.analysis.seen_runs import rounding
from optlab.analysis.settings import final_loss, rows_of
from optlab.analysis.tracks import points, track
from optlab.analysis.words import goal, listed, steps
from optlab.results import Results

__all__ = ["at_rounding", "budget", "crossing", "easy", "hard", "within_cadence"]


def _decided(times: pd.DataFrame, problem: dict[str, Any]) -> pd.DataFrame:
    """The times to the deciding target of one problem, of those that ran."""
    mine = (times["problem"] == problem["name"]) & (times["target"] == problem.get("decision"))
    return times[mine & (times["n"] > 0)].astype({"reached_median": float, "held_median": float})


def easy(times: pd.DataFrame, manifest: dict[str, Any]) -> Iterator[Found]:
    names = []
    for problem in manifest["problems"]:
        table = _decided(times, problem)
        at_once = table["reached_median"] <= problem.get("cadence", 1)
        if len(table) and at_once.all() and problem["steps"] > problem.get("cadence", 1):
            names.append((goal(problem["decision"]), problem["name"]))
    if names:
        yield (
            "easy",
            (
                "Every optimizer had met the target by the first record in half of its runs or more, so that "
                "it hardly tells them apart: "
                f"{named(names)}; ask for more, or record more often."
            ),
        )


def hard(times: pd.DataFrame, manifest: dict[str, Any]) -> Iterator[Found]:
    unmet = [(problem, _decision(problem)) for problem in _unmet(times, manifest)]
    yield from told_impossible(pair for pair in unmet if impossible(*pair))
    names = [problem for problem, target in unmet if not impossible(problem, target)]
    if names:
        yield (
            "hard",
            (
                "No run met the target, so that it tells none of them apart: "
                f"{named((goal(p['decision']), p['name']) for p in names)}; give more `steps`, or ask "
                "for less."
            ),
        )


def _decision(problem: dict[str, Any]) -> dict[str, Any]:
    return next(t for t in problem["targets"] if t["label"] == problem["decision"])


def _unmet(times: pd.DataFrame, manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Problems whose deciding target no run of any optimizer reached."""
    tables = [(problem, _decided(times, problem)) for problem in manifest["problems"]]
    return [p for p, table in tables if len(table) and (table["reached_n"] == 0).all()]


def budget(
    curves: pd.DataFrame, chosen: pd.DataFrame, times: pd.DataFrame, manifest: dict[str, Any]
) -> Iterator[Found]:
    """Where half of the optimizers were on their way when the budget ended."""
    unmet = [problem["name"] for problem in _unmet(times, manifest)]
    parts = []
    for problem in manifest["problems"]:
        table = _decided(times, problem)
        late = table[~np.isfinite(table["held_median"]) & (2 * table["diverged"] < table["n"])]
        if problem["name"] in unmet or late.empty or 2 * len(late) < len(table):
            continue
        falling = [
            name
            for name in late["optimizer"]
            if _falling(curves, rows_of(chosen, problem["name"], name, "evaluate"), problem)
        ]
        if falling:
            parts.append(
                (listed(falling), f"{problem['name']} ({steps(problem['steps'])} updates)")
            )
    if parts:
        yield (
            "budget",
            (
                "The budget decides who holds the target: half of the optimizers or more had not, and "
                f"these were still falling when it ended: {named(parts)}; give more `steps`."
            ),
        )


def _falling(curves: pd.DataFrame, mine: pd.DataFrame, problem: dict[str, Any]) -> bool:
    """Whether the median gap still fell by a tenth in the last tenth of the budget."""
    mine = mine[mine["status"] != "error"].drop_duplicates("run_id")
    at, values = track(points(curves, "loss", mine["run_id"]), mine["run_id"])
    if not len(at):
        return False
    before = np.flatnonzero(at <= 0.9 * problem["steps"])
    values = np.where(np.isnan(values), np.inf, values)
    minimum = (problem.get("minimum") or {"value": 0.0})["value"]
    early, late = (float(quantile(values[:, i], 0.5)) - minimum for i in (before[-1], -1))
    return np.isfinite(late) and (np.isinf(early) or early - late > 0.1 * abs(early))


def crossing(results: Results, best: pd.DataFrame, chosen: pd.DataFrame) -> Iterator[Found]:
    """Where another led for part of the second half of the budget."""
    table = crossings(results, best)
    table = table[~table["near_rounding"].astype(bool)]
    parts = []
    for problem in results.manifest["problems"]:
        mine = chosen[(chosen["problem"] == problem["name"]) & (chosen["status"] != "error")]
        ends = mine.assign(end=final_loss(mine)).groupby("optimizer", observed=True)["end"]
        last = ends.apply(lambda each: float(quantile(each, 0.5)))
        crossed = table[
            (table["problem"] == problem["name"]) & (table["step"] * 2 > problem["steps"])
        ]
        for leader in last.index[last == last.min()]:
            before = crossed[crossed["after"] == leader].sort_values("step")
            each = [f"{r['before']} was until update {r['step']:,}" for _, r in before.iterrows()]
            if each:
                parts.append(
                    f"on {problem['name']} {leader} is lowest at the end, and {listed(each)}"
                )
    if parts:
        yield (
            "crossing",
            (
                "Who has the lowest loss depends on the budget, since median curves cross in its second "
                f"half: {'; '.join(parts)}. Trust times to targets more than last losses here."
            ),
        )


def within_cadence(times: pd.DataFrame, manifest: dict[str, Any]) -> Iterator[Found]:
    """The soonest, where what was recorded does not tell them apart."""
    parts = []
    for problem in manifest["problems"]:
        cadence = problem.get("cadence", 1)
        table = _decided(times, problem)
        near: dict[tuple[str, ...], list[str]] = {}
        for kind in ("reached", "held") if cadence > 1 else ():
            median = table[f"{kind}_median"]
            close = np.isfinite(median) & (median - median.min() < cadence) & (median > 0)
            near.setdefault(tuple(table.loc[close, "optimizer"]), []).append(kind)
        for names, kinds in near.items():
            if len(names) > 1:
                about = f"{' and '.join(kinds)} within {cadence} updates of each other"
                parts.append((f"{listed(names)} ({about})", problem["name"]))
    if parts:
        yield (
            "cadence",
            (
                "Times are known only to the next record, which does not tell the soonest apart: "
                f"{named(parts)}; write `record: {{every: 1}}`."
            ),
        )


def at_rounding(chosen: pd.DataFrame, manifest: dict[str, Any]) -> Iterator[Found]:
    """Optimizers that are compared by a last loss that is rounding."""
    select = (manifest.get("tuning") or {}).get("select")
    parts = []
    for problem in manifest["problems"]:
        names = [n for n in problem["optimizers"] if _finished(chosen, problem, n, manifest)]
        compared = [set(names)] if not problem.get("decision") or select == "loss" else []
        for claim in manifest.get("claims") or []:
            if {"loss", "gap"} & set(claim["measures"]) and problem["name"] in claim["problems"]:
                sides = (claim["a"], *claim["others"])
                compared.append({s["optimizer"] for s in sides if s["selection"] == "tuned"})
        if any(len(each & set(names)) > 1 for each in compared):
            parts.append((listed(names), problem["name"]))
    if parts:
        yield (
            "rounding",
            (
                f"Down to the rounding of {manifest.get('precision', 'float64')}, where which last loss "
                f"is lower says nothing: {named(parts)}; compare times to a target."
            ),
        )


def _finished(
    chosen: pd.DataFrame, problem: dict[str, Any], name: str, manifest: dict[str, Any]
) -> bool:
    """Whether half of an optimizer's runs ended within rounding of the known minimum."""
    mine = rows_of(chosen, problem["name"], name, "evaluate")
    if not problem.get("minimum") or mine.empty:
        return False
    gap = final_loss(mine) - problem["minimum"]["value"]
    return bool(quantile(gap, 0.5) <= rounding(mine, problem, manifest))
