"""One number for each seed: the one table that comparisons and verdicts read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.bands import metrics
from optlab.analysis.censored import quantile_by
from optlab.analysis.rates import rate_scores
from optlab.analysis.settings import entrants, final_loss
from optlab.analysis.tracks import Points, decades, floors, once, points, track
from optlab.measures import MEASURES
from optlab.results import Results

__all__ = ["oscillation", "rises", "scores", "spikes", "variation"]

COLUMNS = ["problem", "optimizer", "selection", "measure", "target", "seed", "value", "status"]

_SPIKE = 0.1  # how far above the best gap so far a point counts as a spike

_BELOW = 100.0
"""So many times rounding may a loss lie below f*: sums of many terms lose more than one digit."""

_RISE = 1e-12  # a rise by less, relatively, is rounding

Values = Iterator[tuple[str, str, Any]]


def scores(results: Results, best: pd.DataFrame) -> pd.DataFrame:
    """One row per (problem, optimizer, selection, measure, target, seed), for the evaluation runs of
    every optimizer at its chosen and at its default setting.

    Columns: problem, optimizer, selection (`tuned` or `default`), measure (a name in `MEASURES`),
    target (its label, empty for a measure that is not a time), seed, value, status. A value is +inf
    where a target was never met, or where the run diverged and lower is better (-inf where higher
    is); NaN where it is not known: the run stopped with an error, the minimum is not known, nothing
    of the kind was recorded, or there is no scale to compare with. What a problem does not record at
    all (`test_accuracy` on a quadratic) has no rows there.
    """
    runs = once(entrants(results.runs, best))
    precision = results.manifest.get("precision", "float64")
    wanted = ["loss", "step_cosine", *_extra(results.curves)]
    recorded = {name: points(results.curves, name, runs["run_id"]) for name in wanted}
    tables = []
    for problem in results.manifest["problems"]:
        mine = runs[runs["problem"] == problem["name"]]
        if len(mine):
            found = [
                *_timed(mine, problem),
                *_ends(mine, problem, precision),
                *_recorded(mine, recorded),
                *_shape(mine, problem, recorded, precision),
            ]
            tables += [_rows(mine, *each) for each in found]
    tables.append(rate_scores(results.runs, best, results.manifest))
    return pd.concat([t for t in tables if len(t)] or tables, ignore_index=True)[COLUMNS]


def rises(losses: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """S3: for each row of `losses`, (runs, points), the share of points with
    f_{t+1} > f_t (1 + 1e-12) and by more than `floor`, (runs,), which is rounding. NaN, as after
    divergence, ends a row; a row of fewer than two points gives NaN."""
    before, after = losses[:, :-1], losses[:, 1:]
    known = ~np.isnan(before) & ~np.isnan(after)
    return _share(after > before + np.maximum(_RISE * np.abs(before), floor[:, None]), known)


def variation(values: np.ndarray) -> np.ndarray:
    """S3: sum |f_{t+1} - f_t| / (f_0 - f_T) for each row, 1 iff the loss never rose; +inf without a
    net fall, NaN where nothing was recorded."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        steps = np.diff(values, axis=1)
        known = ~np.isnan(steps)
        # The fall is the sum of the same differences, so that a loss that only falls gives 1 exactly.
        total = np.where(known, np.abs(steps), 0.0).sum(axis=1)
        fall = -np.where(known, steps, 0.0).sum(axis=1)
        ratio = np.where(fall > 0, total / fall, np.inf)
    return np.where(np.isnan(values).all(axis=1), np.nan, ratio)


def oscillation(cosines: np.ndarray) -> np.ndarray:
    """S4: for each row the share of recorded points at which the step turned back on the step before
    it, <dx_t, dx_{t-1}> < 0. NaN where no cosine was recorded."""
    return _share(cosines < 0, ~np.isnan(cosines))


def spikes(gaps: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """S5: for each row of gaps, (runs, points), the share of points more than 10 % above the best so
    far; gaps below `floor`, (runs,), count as it. NaN where nothing was recorded."""
    kept = np.maximum(gaps, floor[:, None])
    best = np.fmin.accumulate(kept, axis=1)
    return _share(kept > (1 + _SPIKE) * best, ~np.isnan(kept))


def _share(hit: np.ndarray, known: np.ndarray) -> np.ndarray:
    n = known.sum(axis=1)
    return np.where(n > 0, (hit & known).sum(axis=1) / np.maximum(n, 1), np.nan)


# What stands in the table of runs


def _timed(mine: pd.DataFrame, problem: dict[str, Any]) -> Values:
    for target in problem["targets"]:
        for kind in ("reached", "held"):
            step = mine[f"{kind}.{target['label']}"].astype(float).fillna(np.inf)
            yield f"steps_{kind}", target["label"], step.to_numpy()


def _ends(mine: pd.DataFrame, problem: dict[str, Any], precision: str) -> Values:
    """Loss and gap at the end, their spread over seeds, divergence, overshoot."""
    loss = final_loss(mine).to_numpy()
    minimum = problem.get("minimum")
    gap = loss - float(minimum["value"]) if minimum else np.full(len(mine), np.nan)
    # Below f* by no more than rounding or the error of f* is at f*; by more, f* is not the minimum.
    floor = floors(mine["loss_first"].to_numpy(float), minimum, precision)
    gap = np.where(gap < 0, np.where(gap >= -_BELOW * floor, 0.0, np.nan), gap)
    yield "loss", "", loss
    yield "gap", "", gap
    yield "spread", "", _spread(mine, problem, precision)
    yield "diverged", "", (mine["status"] == "diverged").to_numpy(float)
    yield "overshoot", "", mine["largest_rise"].to_numpy(float)


def _spread(mine: pd.DataFrame, problem: dict[str, Any], precision: str) -> np.ndarray:
    """S6: |log10 gap_s - median over seeds|. A run that diverged, and every run where half of them
    did, is +inf away."""
    where = decades(mine, problem, precision)
    which = mine.groupby(["optimizer", "selection"], sort=False).ngroup().to_numpy()
    middle = quantile_by(where, which, int(which.max()) + 1, 0.5)[which]
    with np.errstate(invalid="ignore"):
        away = np.abs(where - middle)
    return np.where(np.isnan(away) & ~np.isnan(where), np.inf, away)


# What must be read from the curves


def _extra(curves: pd.DataFrame) -> list[str]:
    """The metrics of problems that are measures as well: test_accuracy and its like."""
    return [name for name in metrics(curves) if name in MEASURES and name != "loss"]


def _recorded(mine: pd.DataFrame, recorded: dict[str, Points]) -> Values:
    """The last recorded value of each metric of the problem."""
    for name, found in recorded.items():
        if name in MEASURES and name != "loss":
            _, values = track(found, mine["run_id"])
            if values.size:
                yield name, "", _last(values)


def _last(values: np.ndarray) -> np.ndarray:
    """The last value of each row that is not NaN; NaN where there is none."""
    back = (~np.isnan(values[:, ::-1])).argmax(axis=1)
    return values[np.arange(len(values)), values.shape[1] - 1 - back]


def _shape(
    mine: pd.DataFrame, problem: dict[str, Any], recorded: dict[str, Points], precision: str
) -> Values:
    """How the loss got to its end, S3 to S5, on recorded points."""
    minimum = problem.get("minimum")
    _, values = track(recorded["loss"], mine["run_id"])
    floor = floors(mine["loss_first"].to_numpy(float), minimum, precision)
    gaps = values - (float(minimum["value"]) if minimum else 0.0)
    yield "rises", "", rises(values, floor)
    yield "variation", "", variation(values)
    yield "spikes", "", spikes(gaps, floor)
    yield "oscillation", "", oscillation(track(recorded["step_cosine"], mine["run_id"])[1])


def _rows(mine: pd.DataFrame, measure: str, target: str, value: np.ndarray) -> pd.DataFrame:
    """One measure's rows: unknown where the run stopped with an error, worst where it diverged."""
    status, about = mine["status"].to_numpy(), MEASURES[measure]
    # What is not known of any run of a problem is not made known by a run that diverged.
    if not (about.timed or measure == "diverged" or np.isnan(value).all()):
        value = np.where(status == "diverged", -np.inf if about.higher else np.inf, value)
    return pd.DataFrame(
        {
            "problem": mine["problem"].to_numpy(),
            "optimizer": mine["optimizer"].to_numpy(),
            "selection": mine["selection"].to_numpy(),
            "measure": measure,
            "target": target,
            "seed": mine["seed"].to_numpy(),
            "value": np.where(status == "error", np.nan, value),
            "status": status,
        }
    )
