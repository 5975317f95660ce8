"""How much the result depends on the step size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.censored import quantile_by
from optlab.analysis.settings import RATES, final_loss, pairs, rows_of

__all__ = ["rate_name", "rate_sensitivity", "stability_limit"]

_PARTS = ("trial", "grid", "chosen", "profile")


def rate_name(optimizer: dict[str, Any]) -> str | None:
    """What an optimizer calls its step size, None if it has none."""
    return next((name for name in RATES if name in optimizer["hypers"]), None)


def rate_sensitivity(
    runs: pd.DataFrame, best: pd.DataFrame, manifest: dict[str, Any]
) -> pd.DataFrame:
    """One row per (problem, optimizer, rate), the other hyperparameters at their chosen values.

    Over the evaluation seeds, or over the tune seeds where only the chosen setting was evaluated
    (`role` says which). Columns: problem, optimizer, rate, role, quantity, n, median, q25, q75 (of
    the last gap or loss, diverged = +inf), diverged, hit (shares). Optimizers with fewer than two
    rates are left out.
    """
    tables = []
    for problem, optimizer in pairs(manifest):
        name = rate_name(optimizer)
        chosen = best[
            (best["problem"] == problem["name"]) & (best["optimizer"] == optimizer["name"])
        ]
        if name is None or chosen.empty:
            continue
        others = [other for other in optimizer["hypers"] if other != name]
        for role in ("evaluate", "tune"):
            pool = rows_of(runs, problem["name"], optimizer["name"], role, _PARTS)
            pool = pool.drop_duplicates("run_id")
            pool = pool[pool["status"] != "error"]
            for other in others:
                pool = pool[_same(pool[f"hyper.{other}"], chosen.iloc[0][f"hyper.{other}"])]
            if pool[f"hyper.{name}"].nunique() > 1:
                tables.append(_by_rate(pool, name, problem, optimizer["name"], role))
                break
    columns = ["problem", "optimizer", "rate", "role", "quantity", "n", "median", "q25", "q75"]
    if not tables:
        return pd.DataFrame(columns=[*columns, "diverged", "hit"])
    return pd.concat(tables, ignore_index=True)


def stability_limit(
    optimizer: dict[str, Any], problem: str, chosen: dict[str, float]
) -> float | None:
    """The largest rate at which this optimizer is stable on `problem` at the chosen other
    hyperparameters, None where it is not known."""
    rate = rate_name(optimizer)
    for setting, limit in optimizer.get("limits", {}).get(problem, []):
        if all(np.isclose(chosen.get(k, np.nan), v) for k, v in setting.items() if k != rate):
            return float(limit)
    return None


def _same(column: pd.Series, value: float) -> pd.Series:
    return column.isna() if np.isnan(value) else column == value


def _by_rate(
    pool: pd.DataFrame, name: str, problem: dict[str, Any], optimizer: str, role: str
) -> pd.DataFrame:
    minimum = problem.get("minimum")
    rates, which = np.unique(pool[f"hyper.{name}"].to_numpy(dtype=float), return_inverse=True)
    count = len(rates)
    last = final_loss(pool) - (minimum["value"] if minimum else 0.0)
    n = np.bincount(which, minlength=count)

    def share(status: str) -> np.ndarray:
        return np.bincount(which, (pool["status"] == status).to_numpy(float), count) / n

    return pd.DataFrame(
        {
            "problem": problem["name"],
            "optimizer": optimizer,
            "rate": rates,
            "role": role,
            "quantity": "gap" if minimum else "loss",
            "n": n,
            "median": quantile_by(last, which, count, 0.5),
            "q25": quantile_by(last, which, count, 0.25),
            "q75": quantile_by(last, which, count, 0.75),
            "diverged": share("diverged"),
            "hit": share("hit"),
        }
    )
