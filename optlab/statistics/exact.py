"""Intervals and tests that need no approximation, and two that decorate a table."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import scipy
from scipy.special import betaincinv

from optlab.statistics.law import coin_rejects

__all__ = [
    "Outcome",
    "brown_forsythe",
    "clopper_pearson",
    "critical_difference",
    "friedman",
    "holm",
    "mean_ranks",
    "median_interval",
    "probability_of_improvement",
]


class Outcome(NamedTuple):
    """A test's statistic and its two-sided p-value."""

    statistic: float
    p: float


def clopper_pearson(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The exact interval for a share, `hits` of `n` (Clopper & Pearson 1934); (0, 1) for n = 0."""
    if n == 0:
        return 0.0, 1.0
    tail = (1.0 - level) / 2
    low = 0.0 if hits == 0 else betaincinv(hits, n - hits + 1, tail)
    high = 1.0 if hits == n else betaincinv(hits + 1, n - hits, 1.0 - tail)
    return float(low), float(high)


def median_interval(values: Any, level: float = 0.95) -> tuple[float, float]:
    """The interval for a median whose ends are values themselves, exact for any law.

    As many values lie below the median as a fair coin falls on heads. Infinities are values like
    others; NaN is not allowed. (-inf, inf) where `level` is out of reach, as for 5 values at 95 %.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    if np.isnan(ordered).any():
        raise ValueError("a median needs values that are known")
    out = int(coin_rejects(len(ordered), level)[-1])
    if out < 0:
        return -math.inf, math.inf
    return float(ordered[out]), float(ordered[len(ordered) - 1 - out])


def holm(p: Any) -> np.ndarray:
    """p-values adjusted so that rejecting those at most alpha errs anywhere with probability at most
    alpha (Holm 1979). Same order as `p`."""
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def probability_of_improvement(a: Any, b: Any, higher: bool = False) -> float:
    """P(a better than b) + P(alike)/2 over all pairs of a value of `a` and one of `b`.

    Mann & Whitney's U over its largest value. Arms need not be paired; infinities are values.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    better = a[:, None] > b if higher else a[:, None] < b
    return float(np.mean(better + 0.5 * (a[:, None] == b)))


def mean_ranks(costs: Any) -> np.ndarray:
    """Each column's mean rank over the rows of (N problems, k optimizers); 1 is best, ties share."""
    return scipy.stats.rankdata(np.asarray(costs, dtype=float), axis=1).mean(axis=0)


def friedman(costs: Any) -> Outcome:
    """Whether k >= 3 columns rank alike over N rows (Friedman 1937), with its correction for ties.

    The chi-square law is good from about N = 10 rows on.
    """
    costs = np.asarray(costs, dtype=float)
    ranks = scipy.stats.rankdata(costs, axis=1)
    if (ranks == ranks.mean()).all():
        return Outcome(0.0, 1.0)
    found = scipy.stats.friedmanchisquare(*ranks.T)
    return Outcome(float(found.statistic), float(found.pvalue))


def critical_difference(k: int, n: int, level: float = 0.95) -> float:
    """The distance of mean ranks of k columns over n rows that Nemenyi's test calls different."""
    q = scipy.stats.studentized_range.ppf(level, k, math.inf) / math.sqrt(2.0)
    return float(q * math.sqrt(k * (k + 1) / (6.0 * n)))


def brown_forsythe(*groups: Any) -> Outcome:
    """Whether groups of finite values spread alike: Levene's test about medians (1974)."""
    known = [np.asarray(group, dtype=float) for group in groups]
    if not all(np.isfinite(group).all() for group in known):
        raise ValueError("spreads are compared of finite values only")
    if all(np.ptp(np.abs(group - np.median(group))) == 0 for group in known):
        return Outcome(math.nan, math.nan)  # no spread within any group to compare by
    found = scipy.stats.levene(*known, center="median")
    return Outcome(float(found.statistic), float(found.pvalue))
