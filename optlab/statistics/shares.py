"""Two arms that each do something or do not, over the same seeds: by how much more often one does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from optlab.statistics.exact import clopper_pearson
from optlab.statistics.paired import Decision, Effect, Verdict

__all__ = ["decide_shares"]


def decide_shares(
    a: Any, b: Any, *, margin: float, level: float = 0.95, equivalent: bool = False
) -> Decision:
    """Whether `a` (0 or 1 a seed) happens more seldom than `b` by more than `margin`, a difference of
    shares, or `equivalent`: as often to within it.

    The effect is P(only b) - P(only a). Each of the two shares has its exact interval at half of the
    error (Clopper & Pearson 1934; Bonferroni), and the difference lies between their ends: exact and
    conservative, also where nothing happened at all. NaN is left out.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    known = ~(np.isnan(a) | np.isnan(b))
    a, b = a[known], b[known]
    n, wins, losses = len(a), int((b > a).sum()), int((a > b).sum())
    half = 1 - (1 - level) / 2
    (win_low, win_high), (loss_low, loss_high) = (
        clopper_pearson(k, n, half) for k in (wins, losses)
    )
    low, high = win_low - loss_high, win_high - loss_low
    effect = Effect(
        (wins - losses) / n if n else math.nan, low, high, level, n, "exact shares", "difference",
        misses_a=0, misses_b=0, wins=wins, ties=n - wins - losses, losses=losses,
        unknown=int((~known).sum()),
    )  # fmt: skip
    verdict, label = _told(low, high, margin, equivalent)
    return Decision(verdict, label, effect, margin, low, high)


def _told(low: float, high: float, delta: float, equivalent: bool) -> tuple[Verdict, str]:
    if equivalent:
        if -delta < low and high < delta:
            return "SUPPORTED", ""
        if low > delta or high < -delta:
            return "REFUTED", "better" if low > delta else "worse"
        return "INCONCLUSIVE", ""
    if low > delta:
        return "SUPPORTED", ""
    if high < delta:
        return "REFUTED", "reversed" if high < 0 else (
            "equivalent" if low > -delta else "smaller than claimed"
        )
    return "INCONCLUSIVE", ""
