"""Looking at the same claim again as seeds are added, with the error over all looks kept.

An interval at 95 % after 10 seeds, again after 20 and again after 40 errs in one of them more than
5 % of the time. A spending function (Lan & DeMets 1983) says how much of the error may be used by the
time a share of the last look's seeds is in. Their boundaries lean on the joint normal law of the
looks; here each look may simply use what it was given, since the chance that any errs is at most the
sum (Bonferroni). That needs no law of several looks at once, so exact intervals stay exact, at the
price of being conservative.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from optlab.statistics.law import least_seeds

__all__ = ["Spending", "levels", "spent"]

Spending = Literal["pocock", "obrien-fleming"]


def spent(share: np.ndarray, alpha: float, spending: Spending = "pocock") -> np.ndarray:
    """The error used up once a `share` in (0, 1] of all seeds is in; `alpha` at 1.

    "pocock" spends nearly evenly; "obrien-fleming" keeps almost all for the end (both two-sided, in
    the forms of Lan & DeMets 1983).
    """
    if spending == "pocock":
        return alpha * np.log1p((math.e - 1) * share)
    return 4 * ndtr(-ndtri(1 - alpha / 4) / np.sqrt(share))


def levels(looks: Sequence[int], alpha: float, spending: Spending = "pocock") -> np.ndarray:
    """The level of the interval at each look, (K,), for looks at n_1 < ... < n_K seeds.

    The errors 1 - level sum to at most `alpha`. A look with too few seeds for any interval to end at
    its level (2/2^n above its error) decides nothing and spends nothing: its level is 1, and its
    share goes to the next.
    """
    seeds = np.asarray(looks, dtype=float)
    if len(seeds) == 0 or seeds[0] < 1 or np.any(np.diff(seeds) <= 0):
        raise ValueError(f"looks are at growing numbers of seeds, not at {list(looks)}")
    used = spent(seeds / seeds[-1], alpha, spending)
    out, before = np.ones(len(seeds)), 0.0
    for look, n in enumerate(looks):
        level = 1.0 - (float(used[look]) - before)
        if n >= least_seeds(level):
            out[look], before = level, float(used[look])
    return out
