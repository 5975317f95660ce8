"""Curves of many runs as one line and a band."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.censored import quantile
from optlab.analysis.settings import at_best, is_better_high, pairs

__all__ = ["curve_bands", "metrics"]


def metrics(curves: pd.DataFrame) -> list[str]:
    """The metrics that were recorded, in the order in which they first stand."""
    return [str(name) for name in curves["metric"].unique()]


def curve_bands(
    curves: pd.DataFrame,
    runs: pd.DataFrame,
    best: pd.DataFrame,
    manifest: dict[str, Any],
    metric: str = "loss",
) -> pd.DataFrame:
    """Median and quartiles of `metric` at each recorded step, over the evaluation runs at the
    chosen setting. Columns: problem, optimizer, quantity, step, n, median, q25, q75.

    A loss on a problem whose minimum is known becomes the gap, loss - f* (`quantity` says which).
    A run that diverged counts from there on as infinitely bad; it is never left out.
    """
    chosen = at_best(runs, best)
    chosen = chosen[chosen["status"] != "error"]
    wanted = curves[(curves["metric"] == metric) & curves["run_id"].isin(chosen["run_id"])]
    wide = {str(run): table for run, table in wanted.groupby("run_id", sort=False, observed=True)}
    bands = []
    for problem, optimizer in pairs(manifest):
        mine = chosen[
            (chosen["problem"] == problem["name"]) & (chosen["optimizer"] == optimizer["name"])
        ]
        if not any(run in wide for run in mine["run_id"]):
            continue
        rising = is_better_high(metric, problem["targets"])
        steps, values = _matrix(mine, wide, -np.inf if rising else np.inf)
        minimum = problem.get("minimum") if metric == "loss" else None
        if minimum:
            values = values - minimum["value"]
        bands.append(
            pd.DataFrame(
                {
                    "problem": problem["name"],
                    "optimizer": optimizer["name"],
                    "quantity": "gap" if minimum else metric,
                    "step": steps,
                    "n": len(mine),
                    "median": quantile(values, 0.5),
                    "q25": quantile(values, 0.25),
                    "q75": quantile(values, 0.75),
                }
            )
        )
    columns = ["problem", "optimizer", "quantity", "step", "n", "median", "q25", "q75"]
    return pd.concat(bands, ignore_index=True) if bands else pd.DataFrame(columns=columns)


def _matrix(
    mine: pd.DataFrame, wide: dict[str, pd.DataFrame], worst: float
) -> tuple[np.ndarray, np.ndarray]:
    """(steps,), and the values (steps, runs) with `worst` wherever a run had diverged."""
    recorded = [wide.get(run) for run in mine["run_id"]]
    steps = np.unique(np.concatenate([t["step"].to_numpy() for t in recorded if t is not None]))
    values = np.full((len(steps), len(mine)), np.nan)
    for column, (table, status) in enumerate(zip(recorded, mine["status"], strict=True)):
        last = -1
        if table is not None:
            place = np.searchsorted(steps, table["step"].to_numpy())
            values[place, column] = table["value"].to_numpy()
            last = int(place.max())
        if status == "diverged":
            values[last + 1 :, column] = worst
            values[~np.isfinite(values[:, column]), column] = worst
    return steps, values
