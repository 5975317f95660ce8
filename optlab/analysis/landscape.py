"""The last value over two hyperparameters at once, of all settings that were tried."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.settings import final_loss, pairs, rows_of

__all__ = ["landscape"]

_AT_LEAST = 2  # different values of a hyperparameter that make an axis


def landscape(runs: pd.DataFrame, manifest: dict[str, Any]) -> pd.DataFrame:
    """Of each (problem, optimizer) with two or more swept hyperparameters, the median over seeds of the last
    gap (loss, where f* is not known) at every pair of values of the rate, or else the first of them, and
    each other one; where a pair was tried at several values of a third, the best of those.

    Trials on tuning seeds, or all settings where none were run. Diverged is +inf. Columns: problem, optimizer,
    across, up (names of the hyperparameters), x, y, median, settings (that share the pair), quantity.
    """
    tables = []
    for problem, optimizer in pairs(manifest):
        mine = rows_of(runs, problem["name"], optimizer["name"], "tune", ("trial",))
        if mine.empty:
            mine = rows_of(runs, problem["name"], optimizer["name"], "evaluate")
        mine = mine[mine["status"] != "error"]
        names = [n for n in optimizer["hypers"] if mine[f"hyper.{n}"].nunique() >= _AT_LEAST]
        if len(names) < 2 or mine.empty:
            continue
        across = "lr" if "lr" in names else names[0]
        known = problem.get("minimum")
        last = final_loss(mine) - (known["value"] if known else 0.0)
        keys = [f"hyper.{name}" for name in names]
        each = mine[keys].assign(median=last).groupby(keys, as_index=False)["median"].median()
        for up in (name for name in names if name != across):
            pair = each.groupby([f"hyper.{across}", f"hyper.{up}"])["median"].agg(["min", "size"])
            table = pair.reset_index().set_axis(["x", "y", "median", "settings"], axis=1)
            tables.append(table.assign(
                problem=problem["name"], optimizer=optimizer["name"], across=across, up=up,
                quantity="gap" if known else "loss",
            ))  # fmt: skip
    columns = ["problem", "optimizer", "across", "up", "x", "y", "median", "settings", "quantity"]
    if not tables:
        return pd.DataFrame(columns=columns)
    return pd.concat(tables, ignore_index=True)[columns].astype({"median": np.float64})
