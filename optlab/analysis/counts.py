"""Counts: what ran and how it ended, and how calmly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.censored import clopper_pearson, quantile
from optlab.analysis.settings import at_best, pairs, rows_of

__all__ = ["completeness", "stability", "stands_still"]

_STATUSES = ("hit", "budget", "diverged", "error")


def stands_still(runs: pd.DataFrame, manifest: dict[str, Any]) -> pd.Series:
    """Whether each run ended where its gradient is exactly zero, away from a minimum: from the known one, and
    where none is known from the lowest loss that was seen on the problem, which may well be one."""
    unknown = [problem["name"] for problem in manifest["problems"] if not problem.get("minimum")]
    lowest = (
        runs[runs["problem"].isin(unknown)].groupby("problem", observed=True)["loss_best"].min()
    )
    least = runs["problem"].map(lowest).astype(float)
    scale = np.maximum(1.0, runs["loss_first"].astype(float) - least)
    at_lowest = runs["loss_final"].astype(float) - least <= 1e-9 * scale  # never where it is known
    return runs["stalled"].astype(bool) & ~at_lowest


def completeness(runs: pd.DataFrame, manifest: dict[str, Any]) -> pd.DataFrame:
    """How the runs of each (problem, optimizer) ended, tune and evaluate together, pictures aside.
    Columns: problem, optimizer, runs, hit, budget, diverged, error, stalled."""
    counted = runs[runs["role"] != "picture"]
    # A run that plays several parts is one run.
    counted = counted.drop_duplicates(["problem", "optimizer", "run_id"])
    counted = counted.assign(stalled=stands_still(counted, manifest))
    rows = []
    for problem, optimizer in pairs(manifest):
        mine = counted[
            (counted["problem"] == problem["name"]) & (counted["optimizer"] == optimizer["name"])
        ]
        rows.append(
            {
                "problem": problem["name"],
                "optimizer": optimizer["name"],
                "runs": len(mine),
                **{status: int((mine["status"] == status).sum()) for status in _STATUSES},
                "stalled": int(mine["stalled"].sum()),
            }
        )
    columns = ["problem", "optimizer", "runs", *_STATUSES, "stalled"]
    return pd.DataFrame(rows, columns=columns)


def stability(runs: pd.DataFrame, best: pd.DataFrame, manifest: dict[str, Any]) -> pd.DataFrame:
    """Divergence and the largest rise of the loss, over evaluation runs at the chosen setting.

    Columns: problem, optimizer, n, diverged (count), low, high (exact 95 % interval of that share),
    rise_median, rise_max (largest rise above the best loss so far, over the starting loss or gap;
    +inf for a diverged run), unscaled (runs that began without a gap to compare their rise with, and
    so are in neither), all_runs, all_diverged (every setting that was tried).
    """
    chosen = at_best(runs, best)
    rows = []
    for problem, optimizer in pairs(manifest):
        names = problem["name"], optimizer["name"]
        mine = rows_of(chosen, *names, "evaluate")
        mine = mine[mine["status"] != "error"]
        diverged = mine["status"] == "diverged"
        rise = mine["largest_rise"].astype(float)
        low, high = clopper_pearson(int(diverged.sum()), len(mine))
        tried = pd.concat([rows_of(runs, *names, role) for role in ("tune", "evaluate")])
        tried = tried.drop_duplicates("run_id")
        rows.append(
            {
                "problem": names[0],
                "optimizer": names[1],
                "n": len(mine),
                "diverged": int(diverged.sum()),
                "low": low,
                "high": high,
                "rise_median": quantile(rise, 0.5),
                "rise_max": float(rise.max()) if len(rise) else np.nan,
                "unscaled": int(rise.isna().sum()),
                "all_runs": len(tried),
                "all_diverged": int((tried["status"] == "diverged").sum()),
            }
        )
    return pd.DataFrame(rows)
