"""Recorded curves as matrices: one row a run, one column a recorded step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.settings import final_loss

__all__ = ["Points", "decades", "floors", "once", "points", "starting_gap", "track"]


def once(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` of `entrants` or of `at_best`, each run of an optimizer in a selection once, however
    many parts it plays; numbered anew."""
    keys = [k for k in ("problem", "optimizer", "selection", "run_id") if k in rows]
    return rows.drop_duplicates(keys, ignore_index=True)


@dataclass(frozen=True)
class Points:
    """The recorded values of one metric for some runs: `index` has run_id -> number of the run;
    `run` (that number), `step` and `value` are of one length, in rising order of run and step."""

    index: pd.Index
    run: np.ndarray
    step: np.ndarray
    value: np.ndarray


def points(curves: pd.DataFrame, metric: str, run_ids: Any) -> Points:
    """What was recorded of `metric` for `run_ids`; other runs' rows are only skipped over."""
    index = pd.Index(pd.unique(np.asarray(run_ids, dtype=object)))
    runs, metrics = (curves[name].astype("category").cat for name in ("run_id", "metric"))
    code = metrics.categories.get_indexer(pd.Index([metric]))[0]
    if code < 0 or not len(index):
        return Points(index, *(np.zeros(0, dtype=kind) for kind in (int, int, float)))
    # Integer codes: one look-up a row in a table of runs, no comparison of names.
    number = index.get_indexer(runs.categories)
    row = np.flatnonzero(metrics.codes.to_numpy() == code)
    run = number[runs.codes.to_numpy()[row]]
    row, run = row[run >= 0], run[run >= 0]
    step = curves["step"].to_numpy()[row].astype(np.int64)
    order = np.lexsort((step, run))
    value = curves["value"].to_numpy()[row].astype(float)
    return Points(index, run[order], step[order], value[order])


def track(found: Points, run_ids: Any) -> tuple[np.ndarray, np.ndarray]:
    """The steps that were recorded for `run_ids`, (steps,), and the values, (runs, steps), one row
    for each of `run_ids` in their order; NaN where nothing was recorded, as after divergence."""
    wanted = found.index.get_indexer(pd.Index(np.asarray(run_ids, dtype=object)))
    mine = np.isin(found.run, wanted)
    run, step, value = found.run[mine], found.step[mine], found.value[mine]
    steps = np.unique(step)
    number, place = np.unique(wanted, return_inverse=True)
    values = np.full((len(number), len(steps)), np.nan)
    values[np.searchsorted(number, run), np.searchsorted(steps, step)] = value
    return steps, values[place]


def starting_gap(loss_first: np.ndarray, minimum: dict[str, Any] | None) -> np.ndarray:
    """The loss at the start above the minimum; the size of that loss where no minimum is known.
    `minimum` is the manifest's entry."""
    return np.abs(loss_first) if minimum is None else loss_first - float(minimum["value"])


def floors(
    loss_first: np.ndarray, minimum: dict[str, Any] | None, precision: str = "float64"
) -> np.ndarray:
    """For each run, the gap (the loss, where no minimum is known) below which differences are those
    of rounding: the machine's epsilon times the larger of |f*| and the starting gap, or the error of
    f* if that is more. It scales with the loss, so that a change of its unit changes no comparison."""
    known = minimum or {"value": 0.0}
    scale = np.maximum(abs(float(known["value"])), np.abs(starting_gap(loss_first, minimum)))
    return np.maximum(np.finfo(precision).eps * scale, float(known.get("error") or 0.0))


def decades(mine: pd.DataFrame, problem: dict[str, Any], precision: str = "float64") -> np.ndarray:
    """log10 of the last gap of each row of `mine`, runs on `problem` (of the loss, where the minimum
    is not known); +inf where it diverged, NaN where it stopped with an error or is not positive by
    more than rounding."""
    minimum = problem.get("minimum")
    gap = final_loss(mine).to_numpy() - (float(minimum["value"]) if minimum else 0.0)
    # One floor for all: with each seed's own, runs at the floor would show the spread of starts.
    each = floors(mine["loss_first"].to_numpy(float), minimum, precision)
    floor = float(np.nanmax(each, initial=0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log10(np.where(gap >= -floor, np.maximum(gap, floor), np.nan))
    return np.where((mine["status"] == "error").to_numpy(), np.nan, found)
