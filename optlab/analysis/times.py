"""When targets were reached and when they were held, with failures counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.censored import clopper_pearson, quantile
from optlab.analysis.settings import at_best, pairs, rows_of

__all__ = ["is_exact", "time_to_target"]


def time_to_target(
    runs: pd.DataFrame, best: pd.DataFrame, manifest: dict[str, Any]
) -> pd.DataFrame:
    """One row per (problem, optimizer, target), over the evaluation runs at the chosen setting.

    `n` counts runs without an error. For each of reached (the first step below the target) and held
    (the first step from which the run stays below): how many runs (`_n`), the exact 95 % interval
    of that share (`_low`, `_high`), and the quartiles and median of the step, +inf where it lies
    among the runs that never did (`_q25`, `_median`, `_q75`). `left` reached it and left it
    again, whether or not they came back; `relapses` reached and did not hold; `worst_after` is the largest loss after the first hit over those runs.
    """
    chosen = at_best(runs, best)
    rows = []
    for problem, optimizer in pairs(manifest):
        mine = rows_of(chosen, problem["name"], optimizer["name"], "evaluate")
        errors = int((mine["status"] == "error").sum())
        mine = mine[mine["status"] != "error"]
        for target in problem["targets"]:
            rows.append(
                {
                    "problem": problem["name"],
                    "optimizer": optimizer["name"],
                    "target": target["label"],
                    "budget": problem["steps"],
                    "n": len(mine),
                    "errors": errors,
                    "diverged": int((mine["status"] == "diverged").sum()),
                    **_summary(mine, target["label"]),
                }
            )
    return pd.DataFrame(rows, columns=_COLUMNS)


def is_exact(runs: pd.DataFrame, problem: str) -> bool:
    """Whether nothing about the runs of `problem` is random: a start that is given, and nothing drawn
    on the way (a start that is the same for all seeds while batches or noise are drawn is "fixed").
    Then there is one observation, without sampling error."""
    mine = runs[(runs["problem"] == problem) & (runs["role"] == "evaluate")]
    return len(mine) > 0 and bool((mine["start_kind"] == "given").all())


def _summary(mine: pd.DataFrame, label: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    step = {
        kind: mine[f"{kind}.{label}"].astype(float).fillna(np.inf).to_numpy()
        for kind in ("reached", "held")
    }
    for kind, values in step.items():
        hits = int(np.isfinite(values).sum())
        low, high = clopper_pearson(hits, len(values))
        out |= {f"{kind}_n": hits, f"{kind}_low": low, f"{kind}_high": high}
        out |= {f"{kind}_{name}": quantile(values, q) for name, q in _QUARTILES.items()}
    relapsed = np.isfinite(step["reached"]) & ~np.isfinite(step["held"])
    left = np.isfinite(step["reached"]) & (step["held"] > step["reached"])
    worst = mine[f"worst_after.{label}"].astype(float).to_numpy()[np.isfinite(step["reached"])]
    out |= {"left": int(left.sum()), "relapses": int(relapsed.sum())}
    out["worst_after"] = float(np.nanmax(worst)) if np.isfinite(worst).any() else np.nan
    if np.isposinf(worst).any():
        out["worst_after"] = np.inf
    return out


_QUARTILES = {"q25": 0.25, "median": 0.5, "q75": 0.75}
_COLUMNS = [
    "problem",
    "optimizer",
    "target",
    "budget",
    "n",
    "errors",
    "diverged",
    *[
        f"{kind}_{name}"
        for kind in ("reached", "held")
        for name in ("n", "low", "high", "q25", "median", "q75")
    ],
    "left",
    "relapses",
    "worst_after",
]
