"""Performance profiles: on how many problems each optimizer is the fastest, or not much slower.

All of it reads a table of costs, rows problems and columns optimizers, +inf where a problem was not
solved (`target_costs` makes one). A problem that some optimizer was not run on is left out for all.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.censored import quantile_by

__all__ = [
    "medians",
    "performance_profile",
    "profile_scores",
    "ratios",
    "target_costs",
    "two_solver_profiles",
]

LARGEST = 4.0
"""The ratio beyond which a problem earns nothing in the score, as in AlgoPerf."""


def medians(scores: pd.DataFrame) -> pd.DataFrame:
    """The median over seeds of each (problem, optimizer) in `scores`, which holds one measure of one
    selection and, where it is a time, one target a problem: rows problems, columns optimizers.

    Values that are not known are left out; +inf where the median falls among runs that failed; NaN
    where nothing is known."""
    which = scores.groupby(["problem", "optimizer"], sort=False, observed=True).ngroup().to_numpy()
    keys = scores[["problem", "optimizer"]].drop_duplicates().reset_index(drop=True)
    keys["median"] = quantile_by(scores["value"], which, len(keys), 0.5)
    wide = keys.pivot(index="problem", columns="optimizer", values="median")
    return wide.reindex(index=keys["problem"].unique(), columns=keys["optimizer"].unique())


def target_costs(
    scores: pd.DataFrame,
    manifest: dict[str, Any],
    measure: str = "steps_held",
    selection: str = "tuned",
) -> pd.DataFrame:
    """The costs of the deciding targets: medians over seeds of `steps_held` or `steps_reached`. A
    problem without a deciding target is left out. A target that is met at the start costs one
    gradient evaluation, so that ratios exist."""
    decisions = {p["name"]: p["decision"] for p in manifest["problems"] if p.get("decision")}
    mine = scores[(scores["measure"] == measure) & (scores["selection"] == selection)]
    mine = mine[mine["target"] == mine["problem"].map(decisions)]
    return medians(mine).clip(lower=1.0)


def ratios(costs: pd.DataFrame) -> pd.DataFrame:
    """r_{p,s} = t_{p,s} / min_s' t_{p,s'}; +inf where a problem was not solved, by whomever.
    ValueError where a cost is not positive."""
    known = costs.dropna()
    if (known <= 0).any(axis=None):
        raise ValueError("costs are positive")
    values = known.to_numpy(float)
    best = values.min(axis=1, keepdims=True, initial=np.inf)
    with np.errstate(invalid="ignore"):
        found = np.where(np.isfinite(values), values / best, np.inf)
    return pd.DataFrame(found, index=known.index, columns=known.columns)


def performance_profile(costs: pd.DataFrame) -> pd.DataFrame:
    """rho_s(tau) = share of problems with r_{p,s} <= tau (Dolan & More 2002, doi:10.1007/
    s101070100263, eq. 2), as the steps of that function: columns optimizer, ratio, share.

    Each optimizer has a row at ratio 1 (the share of problems that it wins; ties count for each) and
    at every ratio where it rises; the share at the last is that of problems solved. Ratios are to
    the best of those present, so only who leads may be read from it, not who is second (Gould &
    Scott 2016, doi:10.1145/2950048): `two_solver_profiles` compares two.
    """
    found = ratios(costs)
    tables = []
    for optimizer in found.columns:
        mine = found[optimizer].to_numpy()
        at = np.unique(np.append(mine[np.isfinite(mine)], 1.0))
        share = (mine[:, None] <= at).sum(axis=0) / max(len(mine), 1)
        tables.append(pd.DataFrame({"optimizer": optimizer, "ratio": at, "share": share}))
    columns = ["optimizer", "ratio", "share"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def two_solver_profiles(costs: pd.DataFrame) -> pd.DataFrame:
    """`performance_profile` of every two optimizers alone, on the problems that both were run on:
    columns a, b, optimizer, ratio, share. No third one can change it."""
    tables = []
    for a, b in combinations(costs.columns, 2):
        table = performance_profile(costs[[a, b]])
        table.insert(0, "b", b)
        table.insert(0, "a", a)
        tables.append(table)
    columns = ["a", "b", "optimizer", "ratio", "share"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def profile_scores(costs: pd.DataFrame, largest: float = LARGEST) -> pd.DataFrame:
    """One row an optimizer: problems, wins and solved (counts), and score, the mean of its profile
    from ratio 1 to `largest` (Dahl et al. 2023, arXiv:2306.07179, section 4.5), computed exactly:
    (1 / (r - 1)) int_1^r rho = mean over problems of max(0, (r - r_p) / (r - 1)).

    A trapezoid rule over points, as in AlgoPerf's own program, is off by its grid.
    """
    found = ratios(costs)
    values = found.to_numpy()
    n = len(values)
    earned = np.clip((largest - values) / (largest - 1.0), 0.0, None)
    return pd.DataFrame(
        {
            "optimizer": list(found.columns),
            "problems": n,
            "wins": (values == 1.0).sum(axis=0),
            "solved": np.isfinite(values).sum(axis=0),
            "score": earned.mean(axis=0) if n else np.nan,
        }
    )
