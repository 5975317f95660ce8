"""Verdicts by brute force: every assignment of signs is tried, every shift is a test of its own."""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import Any

import numpy as np
from judged import INF, STEPS
from scipy import stats

from optlab.measures import MEASURES


@lru_cache
def null_law(n: int) -> np.ndarray:
    """The sum of the ranks 1..n on heads, of all 2^n ways that coins may fall."""
    return np.array([sum(c) for c in itertools.product(*((0, rank) for rank in range(1, n + 1)))])


def rejected(
    a: np.ndarray, b: np.ndarray, theta: float, window: float, alpha: float
) -> tuple[bool, bool]:
    """Whether "b is a, shifted by theta" is rejected, since b is later, and since it is earlier. Costs
    on their scale; what would lie beyond the nearer of both windows was not seen."""
    seen = min(window, window + theta) + 1e-12
    x, y = np.where(a + theta > seen, INF, a + theta), np.where(b > seen, INF, b)
    d = [0.0 if p == q else q - p for p, q in zip(x.tolist(), y.tolist(), strict=True)]
    missed = np.mean(np.isinf(a) | np.isinf(b))
    tails = []
    for sign in (1, -1):
        if missed > 0.3:
            wins, losses = (sum(s * sign * v > 0 for v in d) for s in (1, -1))
            p = stats.binomtest(wins, wins + losses, 0.5, "greater").pvalue if wins + losses else 1
        else:
            pairs = itertools.combinations_with_replacement([sign * v for v in d], 2)
            count = sum(1 for u, v in pairs if not math.isnan(u + v) and u + v > 1e-12)
            p = np.mean(null_law(len(d)) >= count)
        tails.append(bool(p <= alpha / 2 * (1 + 1e-9)))
    return tails[0], tails[1]


def expected(
    a: np.ndarray, b: np.ndarray, stated: dict[str, Any], alpha: float, window: float = STEPS
) -> tuple[str, str]:
    """Verdict and label, from the tests at the margin's ends and at zero."""
    about = MEASURES[stated["measures"][0]]
    margin = about.margin if stated["margin"] is None else stated["margin"]
    delta, budget = margin, window
    window = INF
    if about.scale == "ratio":
        a, b, delta = np.log10(a), np.log10(b), math.log10(margin)
        window = math.log10(budget) if about.timed else INF
    if about.higher:
        a, b = -a, -b
    (above, below), (over, under) = (
        rejected(a, b, theta, window, alpha) for theta in (delta, -delta)
    )
    reversed_ = rejected(a, b, 0.0, window, alpha)[1]
    # Alike is what differs by less than the measure's own margin, whatever was claimed.
    own = math.log10(about.margin) if about.scale == "ratio" else about.margin
    alike = (
        over and rejected(a, b, own, window, alpha)[1] and rejected(a, b, -own, window, alpha)[0]
    )
    if stated["kind"] == "equivalent":
        if over and below:
            return "SUPPORTED", ""
        return (
            ("REFUTED", "better" if above else "worse") if above or under else ("INCONCLUSIVE", "")
        )
    if above:
        return "SUPPORTED", ""
    if below:
        return (
            "REFUTED",
            "reversed" if reversed_ else "equivalent" if alike else "smaller than claimed",
        )
    return "INCONCLUSIVE", ""
