"""Ranks over problems, and whether one problem alone decides them.

Costs are a table with problems as rows and optimizers as columns (`profiles.target_costs`, or `medians` of
any measure where lower is better). A rank depends on who else was there (Benavoli et al. 2016), so
ranks decorate; verdicts come from pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from optlab.statistics.exact import critical_difference, friedman, mean_ranks

__all__ = ["RankTest", "leave_one_out", "rank_table", "rank_test"]

_ENOUGH = 10  # problems from which on Friedman's and Nemenyi's laws are good


@dataclass(frozen=True)
class RankTest:
    """Friedman's test and Nemenyi's critical difference of mean ranks; NaN where there are fewer than
    two problems or three optimizers. `note` says why they are not to be trusted, if so."""

    problems: int
    optimizers: int
    statistic: float
    p: float
    critical_difference: float
    note: str


def rank_table(costs: pd.DataFrame) -> pd.DataFrame:
    """One row an optimizer, best mean rank first: optimizer, problems, mean_rank (ties share, +inf
    ties with +inf), first (problems that it solved and on which no other is better), last. Problems
    that some optimizer was not run on are left out."""
    known = costs.dropna()
    # Where nobody got there all share the best rank, and nobody was first.
    first = (known.rank(axis=1, method="min") == 1) & np.isfinite(known)
    worst = known.rank(axis=1, method="max").to_numpy()
    table = pd.DataFrame(
        {
            "optimizer": list(known.columns),
            "problems": len(known),
            "mean_rank": mean_ranks(known.to_numpy()) if len(known) else np.nan,
            "first": first.to_numpy().sum(axis=0),
            "last": (worst == len(known.columns)).sum(axis=0),
        }
    )
    return table.sort_values(["mean_rank", "optimizer"], ignore_index=True)


def rank_test(costs: pd.DataFrame, level: float = 0.95) -> RankTest:
    """Whether the optimizers rank alike (Friedman 1937), and how far mean ranks must lie apart to
    differ (Nemenyi 1963; Demsar 2006, JMLR 7:1-30, section 3.2.2)."""
    known = costs.dropna()
    n, k = known.shape
    note = "" if n >= _ENOUGH else f"{n} problems are too few for this test"
    if n < 2 or k < 3:
        return RankTest(n, k, np.nan, np.nan, np.nan, note or f"{k} optimizers are too few")
    found = friedman(known.to_numpy())
    return RankTest(n, k, found.statistic, found.p, critical_difference(k, n, level), note)


def leave_one_out(costs: pd.DataFrame) -> pd.DataFrame:
    """The ranking without each problem in turn: one row a problem.

    Columns: left_out, first (those with the best mean rank then, sorted), first_changes (whether they
    are others than with all problems), swaps (pairs of optimizers that change places; a tie made or
    broken is half a swap), order (all, best first). Empty for fewer than two problems.
    """
    known = costs.dropna()
    names = np.array(known.columns, dtype=object)
    columns = ["left_out", "first", "first_changes", "swaps", "order"]
    if len(known) < 2:
        return pd.DataFrame(columns=columns)
    whole = mean_ranks(known.to_numpy())
    rows = []
    for problem in known.index:
        ranks = mean_ranks(known.drop(index=problem).to_numpy())
        rows.append(
            {
                "left_out": problem,
                "first": _first(ranks, names),
                "first_changes": _first(ranks, names) != _first(whole, names),
                "swaps": _swaps(whole, ranks),
                "order": [str(name) for _, name in sorted(zip(ranks, names, strict=True))],
            }
        )
    return pd.DataFrame(rows, columns=columns)


def _first(ranks: np.ndarray, names: np.ndarray) -> list[str]:
    return sorted(str(name) for name in names[np.isclose(ranks, ranks.min())])


def _swaps(before: np.ndarray, after: np.ndarray) -> float:
    """How many pairs stand the other way round; half for each that was, or is, tied."""
    sign = [np.sign(np.round(r[:, None] - r[None, :], 9)) for r in (before, after)]
    return float(np.abs(sign[0] - sign[1]).sum() / 4)
