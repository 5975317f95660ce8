"""How much the result depends on the step size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.censored import quantile
from optlab.analysis.settings import final_loss, pairs, rows_of

__all__ = ["rate_name", "rate_sensitivity", "stability_limit"]

_RATES = ("lr", "learning_rate")


def rate_name(optimizer: dict[str, Any]) -> str | None:
    """What an optimizer calls its step size, None if it has none."""
    return next((name for name in _RATES if name in optimizer["hypers"]), None)


def rate_sensitivity(
    runs: pd.DataFrame, best: pd.DataFrame, manifest: dict[str, Any]
) -> pd.DataFrame:
    """One row per (problem, optimizer, rate), the other hyperparameters at their chosen values.

    Over the evaluation seeds, or over the tune seeds where only the chosen setting was evaluated
    (`role` says which). Columns: problem, optimizer, rate, role, quantity, n, median, q25, q75 (of
    the last gap or loss, diverged = +inf), diverged, hit (shares). Optimizers with fewer than two
    rates are left out.
    """
    rows = []
    for problem, optimizer in pairs(manifest):
        name = rate_name(optimizer)
        chosen = best[
            (best["problem"] == problem["name"]) & (best["optimizer"] == optimizer["name"])
        ]
        if name is None or chosen.empty:
            continue
        others = [other for other in optimizer["hypers"] if other != name]
        for role in ("evaluate", "tune"):
            pool = rows_of(runs, problem["name"], optimizer["name"], role)
            pool = pool[pool["status"] != "error"]
            for other in others:
                pool = pool[_same(pool[f"hyper.{other}"], chosen.iloc[0][f"hyper.{other}"])]
            if pool[f"hyper.{name}"].nunique() > 1:
                rows += _by_rate(pool, name, problem, optimizer["name"], role)
                break
    columns = ["problem", "optimizer", "rate", "role", "quantity", "n", "median", "q25", "q75"]
    return pd.DataFrame(rows, columns=[*columns, "diverged", "hit"])


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
) -> list[dict[str, Any]]:
    minimum = problem.get("minimum")
    pool = pool.assign(_final=final_loss(pool) - (minimum["value"] if minimum else 0.0))
    return [
        {
            "problem": problem["name"],
            "optimizer": optimizer,
            "rate": float(rate),  # type: ignore[arg-type]
            "role": role,
            "quantity": "gap" if minimum else "loss",
            "n": len(group),
            "median": quantile(group["_final"], 0.5),
            "q25": quantile(group["_final"], 0.25),
            "q75": quantile(group["_final"], 0.75),
            "diverged": float((group["status"] == "diverged").mean()),
            "hit": float((group["status"] == "hit").mean()),
        }
        for rate, group in pool.groupby(f"hyper.{name}", sort=True)
    ]
