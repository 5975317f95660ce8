"""The runs of a report that a reader asks about, explained beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.counts import stands_still
from optlab.analysis.settings import at_best, best_settings, pairs
from optlab.draws import Draws
from optlab.explain.curvature import SMALL
from optlab.explain.finding import curve, explain_row
from optlab.explain.happened import ODD, happened
from optlab.results import Results
from optlab.spec import Experiment

__all__ = ["MOST", "MOST_STEPS", "explain_odd"]

MOST = 6
"""Runs that are explained beforehand; the others by `optlab explain`."""

MOST_STEPS = 20_000
"""Longer runs are not made again beforehand; nor are those of problems with more than 50 parameters."""

_LONG = 2.0  # a target that is held after this many times the steps to reach it was left for long


def explain_odd(
    experiment: Experiment, results: Results, draws: Draws, lowest: Mapping[str, float]
) -> list[dict[str, Any]]:
    """`lowest`: the least loss of any run, by problem. One evaluation run at each optimizer's chosen setting on each problem, the first that diverged, else the
    first that left its target for good, else the first of all, where it diverged, stood still, oscillated or
    left its target: at most `MOST`, the oddest first told and all in the order of the spec."""
    best = best_settings(results.runs, results.manifest)
    chosen = at_best(results.runs, best)
    chosen = chosen[chosen["part"] != "picture"]
    chosen = chosen.assign(stalled=stands_still(chosen, results.manifest))
    tasks = {task.name: task for task in experiment.tasks}
    found: list[tuple[int, int, dict[str, Any]]] = []
    for place, (problem, optimizer) in enumerate(pairs(results.manifest)):
        task = tasks[problem["name"]]
        large = task.problem.about.dim > SMALL or task.steps > MOST_STEPS
        if task.imported is not None or large or task.problem.gradient is not None:
            continue
        rows = chosen[
            (chosen["problem"] == problem["name"]) & (chosen["optimizer"] == optimizer["name"])
        ]
        if rows.empty:
            continue
        rows = rows.assign(calm=_calm(rows, problem["decision"])).sort_values(["calm", "seed"])
        row = {str(k): v for k, v in rows.iloc[0].items()}
        if row["status"] == "error":
            continue
        steps, loss = curve(results, str(row["run_id"]))
        if not len(steps):
            continue
        minimum = problem["minimum"]["value"] if problem["minimum"] else None
        event = happened(row, steps, loss, target=problem["decision"], minimum=minimum,
                         random=task.problem.random)  # fmt: skip
        short = event.kind == "returned" and not _long(row, problem["decision"])
        # Where no minimum is known, who ends lowest of all may have found it.
        solved = event.kind == "plateau" and minimum is None and _ends_lowest(row, lowest)
        if event.kind in ODD and not short and not solved:
            found.append((ODD.index(event.kind), place, row))
    oddest = sorted(found, key=lambda item: item[:2])[:MOST]
    ordered = sorted(oddest, key=lambda item: item[1])
    return [explain_row(experiment, results, row, draws) for _, _, row in ordered]


def _calm(rows: pd.DataFrame, target: str | None) -> np.ndarray:
    """0 for a run that diverged, 1 for one that left its target for good, 2 for the rest."""
    left = np.zeros(len(rows), dtype=bool)
    if target is not None:
        left = np.isfinite(rows[f"reached.{target}"]) & np.isinf(rows[f"held.{target}"])
    return np.select([rows["status"] == "diverged", left], [0, 1], 2)


def _ends_lowest(row: dict[str, Any], lowest: Mapping[str, float]) -> bool:
    least = lowest[str(row["problem"])]
    scale = max(1.0, float(row["loss_first"]) - least)
    return float(row["loss_final"]) - least <= 1e-9 * scale


def _long(row: dict[str, Any], target: str) -> bool:
    return float(row[f"held.{target}"]) >= _LONG * float(row[f"reached.{target}"])
