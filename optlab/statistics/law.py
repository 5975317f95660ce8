"""The exact laws behind the intervals: Wilcoxon's signed-rank count and the fair coin."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import scipy
from scipy.special import ndtr, ndtri

__all__ = ["EXACT_UP_TO", "coin_rejects", "least_seeds", "rank_rejects", "signed_rank_cdf"]

EXACT_UP_TO = 200
"""Pairs up to which the signed-rank law is summed exactly; beyond, its normal approximation."""

_ROUNDING = 1.0 + 1e-12  # a level such as 1 - 2/2^6 must count as reached in spite of its last bit


@lru_cache(maxsize=256)
def signed_rank_cdf(n: int) -> np.ndarray:
    """P(W <= k) for k = 0 .. n(n+1)/2, W the sum of those of the ranks 1..n whose fair coin fell on
    heads. Each rank halves and shifts the law of the ones before it (Wilcoxon 1945)."""
    law = np.zeros(n * (n + 1) // 2 + 1)
    law[0] = 1.0
    for rank in range(1, n + 1):
        law[rank:] = law[rank:] + law[: len(law) - rank]
        law *= 0.5
    cdf = np.cumsum(law)
    cdf.flags.writeable = False
    return cdf


@lru_cache(maxsize=4096)
def rank_rejects(n: int, level: float) -> int:
    """The largest k with P(W <= k) <= (1 - level)/2; -1 if even k = 0 is likelier than that.

    The interval leaves out as many Walsh averages at each end. For n > 200 by the normal
    approximation with its continuity correction.
    """
    tail = (1.0 - level) / 2 * _ROUNDING
    if n <= EXACT_UP_TO:
        return int(np.searchsorted(signed_rank_cdf(n), tail, side="right")) - 1
    mean, sd = n * (n + 1) / 4, math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
    k = max(math.floor(mean + float(ndtri(tail)) * sd - 0.5), -1)
    return k if float(ndtr((k + 0.5 - mean) / sd)) <= tail else k - 1


@lru_cache(maxsize=256)
def coin_rejects(n: int, level: float) -> np.ndarray:
    """For m = 0 .. n fair coins: the largest k with P(heads <= k) <= (1 - level)/2, or -1; (n+1,)."""
    tail = (1.0 - level) / 2 * _ROUNDING
    coins = np.arange(n + 1)
    most = scipy.stats.binom.ppf(tail, coins, 0.5)
    most = np.where(scipy.stats.binom.cdf(most, coins, 0.5) <= tail, most, most - 1).astype(int)
    most.flags.writeable = False
    return most


def least_seeds(level: float) -> int:
    """The fewest pairs at which an interval at `level` can end anywhere: 2/2^n <= 1 - level."""
    n = 1
    while 2.0 / 2.0**n > (1.0 - level) * _ROUNDING:
        n += 1
    return n
