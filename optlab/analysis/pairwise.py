"""Pairs of optimizers seed by seed: the differences that a verdict was read off, and a table of every
two for those who look around (exploratory)."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import scipy

from optlab.analysis.settings import at_best
from optlab.analysis.times import is_exact
from optlab.analysis.tracks import floors
from optlab.analysis.verdicts import ALL_OTHERS, ALL_PROBLEMS, Judge
from optlab.results import Results
from optlab.statistics.exact import holm
from optlab.statistics.paired import paired_effect
from optlab.statistics.shifted import costs, difference

__all__ = ["differences", "pairwise"]

_JUDGED = ("SUPPORTED", "REFUTED", "INCONCLUSIVE")
_CASE = ["claim", "problem", "measure", "b", "selection_b"]


def differences(
    results: Results, judged: pd.DataFrame, best: pd.DataFrame, table: pd.DataFrame
) -> pd.DataFrame:
    """One row per seed of every comparison in `judged` (`verdicts(...)`) that was judged by paired
    seeds: claim, problem, measure, b, selection_b, seed, difference (on the scale of `effect`,
    positive in favour of `a`; +inf where only `b` missed, -inf where only `a` did, 0 where both did).
    """
    pairs = judged[
        judged["verdict"].isin(_JUDGED)
        & ~judged["b"].isin(("", ALL_OTHERS))
        & (judged["problem"] != ALL_PROBLEMS)
    ]
    if pairs.empty:
        return pd.DataFrame(columns=[*_CASE, "seed", "difference"])
    judge = Judge(results, best, table)
    claims = {claim["id"]: claim for claim in judge.claims}
    tables = []
    for row in pairs[_CASE].to_dict("records"):
        case = judge.case(claims[row["claim"]], row["problem"], row["measure"])
        how = judge.how(case)
        sides = judge.pair(case, {"optimizer": row["b"], "selection": row["selection_b"]})
        a, b = (costs(side, how["scale"], how["higher"], how["floor"]) for side in sides)
        found = pd.DataFrame({"seed": sides[0].index, "difference": difference(a, b)})
        tables.append(found.assign(**{str(name): value for name, value in row.items()}).dropna())
    return pd.concat(tables, ignore_index=True)[[*_CASE, "seed", "difference"]]


_COLUMNS = ["problem", "measure", "a", "b", "n", "wins", "ties", "losses", "effect", "low", "high",
            "scale", "p", "holm"]  # fmt: skip


def pairwise(results: Results, best: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Every two optimizers on every problem where something is random, at their tuned settings: one
    row a pair, the one that won more often first. Exploratory: nobody asked before.

    By the time to hold the deciding target, else by the last gap, or loss where f* is not known
    (`measure`). wins, ties, losses: seeds on which `a` was better, alike, worse; a miss is worse than
    any hit, two misses are alike. effect, low and high as in `verdicts`, at 95 %, not corrected. p is
    that of the exact sign test (two-sided), holm the same over the k (k - 1) / 2 pairs of a problem.
    """
    tuned = table[(table["selection"] == "tuned") & (table["status"] != "error")]
    rows: list[dict[str, Any]] = []
    for problem in results.manifest["problems"]:
        if is_exact(results.runs, problem["name"]):
            continue
        measure, target = _measure(problem)
        mine = tuned[
            (tuned["problem"] == problem["name"])
            & (tuned["measure"] == measure)
            & (tuned["target"] == target)
        ]
        wide = mine.pivot(index="seed", columns="optimizer", values="value")
        floor = 1.0 if target else _floor(results, best, problem)
        found = [
            _pair(wide, a, b, bool(target), floor, problem)
            for a, b in combinations([o for o in problem["optimizers"] if o in wide], 2)
        ]
        found = [row for row in found if row["n"]]
        adjusted = holm([row["p"] for row in found])
        rows += [
            {"problem": problem["name"], "measure": measure, **row, "holm": p}
            for row, p in zip(found, adjusted, strict=True)
        ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _measure(problem: dict[str, Any]) -> tuple[str, str]:
    if problem.get("decision"):
        return "steps_held", problem["decision"]
    return ("gap" if problem.get("minimum") else "loss"), ""


def _floor(results: Results, best: pd.DataFrame, problem: dict[str, Any]) -> float:
    """The gap or loss below which all are alike but for rounding."""
    mine = at_best(results.runs, best)
    first = mine.loc[mine["problem"] == problem["name"], "loss_first"].to_numpy(float)
    each = floors(first, problem.get("minimum"), results.manifest.get("precision", "float64"))
    return float(np.nanmax(each, initial=0.0))


def _pair(
    wide: pd.DataFrame, a: str, b: str, timed: bool, floor: float, problem: dict[str, Any]
) -> dict[str, Any]:
    both = wide[[a, b]].dropna().to_numpy(float)
    # A gap under zero is rounding; a loss under zero is a loss, and has no ratio.
    negative = not timed and not problem.get("minimum") and bool((both < 0).any())
    if not negative:
        both = np.maximum(both, floor)
    effect = paired_effect(
        both[:, 0], both[:, 1], scale="difference" if negative else "ratio",
        budget=float(problem["steps"]) if timed else None, floor=0.0 if negative else floor,
    )  # fmt: skip
    if effect.losses > effect.wins:
        return _pair(wide, b, a, timed, floor, problem)
    decided = effect.wins + effect.losses
    p = float(scipy.stats.binomtest(effect.wins, decided).pvalue) if decided else 1.0
    return {
        "a": a, "b": b, "n": effect.n, "wins": effect.wins, "ties": effect.ties,
        "losses": effect.losses, "effect": effect.estimate, "low": effect.low, "high": effect.high,
        "scale": effect.scale, "p": p,
    }  # fmt: skip
