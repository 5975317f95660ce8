"""Two arms over the same seeds: the effect, its exact interval, and what follows for a claim.

An effect is positive where it favours `a`: log10 of how many times the other arm's cost is ours, or
the difference. Its interval holds every shift theta that the exact test of "b is distributed as a
shifted by theta" does not reject (`shifted.py` says how misses take part). The test is Wilcoxon's
signed-rank; where more than 30 % of the pairs involve a miss the sizes of differences are mostly
unknown, and it is the sign test: who wins. Either way a verdict is read off one interval.

Ties and zeros: the lower end counts only sums that are strictly positive, the upper end only those
strictly negative. However ties were broken, there would be at least as many, so that the exact law
of the continuous case bounds the error and both ends are conservative. In the sign test ties carry
no direction, and the law is that of as many fair coins as there are decided pairs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy

from optlab.statistics.exact import clopper_pearson
from optlab.statistics.law import coin_rejects, rank_rejects
from optlab.statistics.shifted import Pairs, Scale, costs, difference, pairs_of, shifted, turns
from optlab.statistics.shifted import window_of as _window

__all__ = [
    "MISSES",
    "Decision",
    "Effect",
    "WinRate",
    "coin_interval",
    "decide",
    "decide_equivalent",
    "decide_never",
    "paired_effect",
    "paired_t",
    "rank_interval",
    "shift_of",
    "win_rate",
]

MISSES = 0.3
"""The share of pairs with a miss above which arms are compared by who wins."""

Method = Literal["signed-rank", "win rate", "paired t", "exact shares"]
Verdict = Literal["SUPPORTED", "REFUTED", "INCONCLUSIVE"]


@dataclass(frozen=True)
class Effect:
    """How much better `a` is, in log10 for a ratio, else in the measure's unit."""

    estimate: float
    """Hodges & Lehmann's, or the median difference; NaN where misses leave it open."""
    low: float
    high: float
    level: float
    n: int
    """Pairs of which both values are known."""
    method: Method
    scale: Scale
    misses_a: int
    misses_b: int
    wins: int
    """Pairs in which `a` is better, at no margin."""
    ties: int
    losses: int
    floored: int = 0
    """Pairs of which both values lie at the floor: alike as far as rounding can tell."""
    unknown: int = 0
    """Pairs left out since one value is NaN."""


@dataclass(frozen=True)
class WinRate:
    """How often `a` is better than `b` by more than `margin`: (wins + ties/2) / n."""

    rate: float
    low: float
    high: float
    level: float
    margin: float
    n: int
    wins: int
    ties: int
    losses: int


@dataclass(frozen=True)
class Decision:
    """A verdict, what kind of refutation it is, and the effect that it was read off."""

    verdict: Verdict
    label: str
    effect: Effect | None
    delta: float
    """The margin on the effect's scale; for `never` the share that is still allowed."""
    low: float
    high: float
    won: WinRate | None = None
    """The win rate at the margin, where the method is the win rate."""


def rank_interval(pairs: Pairs, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimate, low and high of the shift by the signed-rank test; pairs (..., n) -> (...)."""
    last, first = turns(pairs, walsh=True)
    out = rank_rejects(pairs.start.shape[-1], level)
    estimate = _middle(last, first)
    if out < 0:
        return estimate, np.full_like(estimate, -math.inf), np.full_like(estimate, math.inf)
    top = last.shape[-1] - 1 - out
    low = np.partition(last, out, axis=-1)[..., out]
    high = np.partition(first, top, axis=-1)[..., top]
    return estimate, low, high


def coin_interval(pairs: Pairs, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimate, low and high of the shift by the sign test; pairs (..., n) -> (...)."""
    last, first = turns(pairs, walsh=False)
    rejects = coin_rejects(last.shape[-1], level)
    return _middle(last, first), _coin_end(last, first, rejects), -_coin_end(-first, -last, rejects)


def _coin_end(last: np.ndarray, first: np.ndarray, rejects: np.ndarray) -> np.ndarray:
    """The largest place just below which the sign test rejects; -inf if nowhere."""
    ends = np.full((*last.shape[:-1], 1), math.inf)
    places = np.concatenate([last, first, ends], axis=-1)
    wins = (last[..., None, :] >= places[..., None]).sum(axis=-1)
    losses = (first[..., None, :] < places[..., None]).sum(axis=-1)
    rejected = losses <= rejects[wins + losses]
    return np.where(rejected, places, -math.inf).max(axis=-1)


def _middle(last: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The median of both kinds of turn, which are the same where nothing is missed; infinite
    between a number and an infinity, NaN between two different infinities."""
    both = np.sort(np.concatenate([last, first], axis=-1), axis=-1)
    low, high = both[..., last.shape[-1] - 1], both[..., last.shape[-1]]
    with np.errstate(invalid="ignore"):
        return low / 2 + high / 2


def shift_of(
    a: np.ndarray, b: np.ndarray, level: float, window: float = math.inf
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Estimate, low, high, and whether the signed-rank test was used; costs (..., n) -> (...)."""
    pairs = pairs_of(a, b, window)
    by_rank = (np.isinf(a) | np.isinf(b)).mean(axis=-1) <= MISSES
    if by_rank.all():
        return *rank_interval(pairs, level), by_rank
    if not by_rank.any():
        return *coin_interval(pairs, level), by_rank
    ranks, coins = rank_interval(pairs, level), coin_interval(pairs, level)
    estimate, low, high = (np.where(by_rank, r, c) for r, c in zip(ranks, coins, strict=True))
    return estimate, low, high, by_rank


def paired_effect(
    a: Any,
    b: Any,
    *,
    scale: Scale,
    higher: bool = False,
    level: float = 0.95,
    budget: float | None = None,
    floor: float = 0.0,
) -> Effect:
    """The effect of `a` against `b`, (n,) values of the same seeds in the same order.

    `higher`: more is better. +inf (-inf if `higher`) is a miss. `budget` says that the values are
    times, of which those beyond it were not seen. On the ratio scale values at or below `floor` are
    `floor`: alike as far as rounding can tell, which keeps SUPPORTED conservative, and a refutation
    speaks of the values as measured. Pairs with a NaN are left out and counted. The interval is
    (-inf, inf) where n pairs cannot reach `level`.
    """
    known_a, known_b, unknown, floored = _known(a, b, scale, higher, floor)
    window = _window(budget, scale)
    if window < math.inf:
        known_a, known_b = (np.where(x > window, math.inf, x) for x in (known_a, known_b))
    n = len(known_a)
    if n == 0:
        estimate, low, high, by_rank = math.nan, -math.inf, math.inf, True
    else:
        found = shift_of(known_a, known_b, level, window)
        estimate, low, high = (float(part) for part in found[:3])
        by_rank = bool(found[3])
    d = difference(known_a, known_b)
    return Effect(
        estimate, low, high, level, n, "signed-rank" if by_rank else "win rate", scale,
        misses_a=int((known_a == math.inf).sum()), misses_b=int((known_b == math.inf).sum()),
        wins=int((d > 0).sum()), ties=int((d == 0).sum()), losses=int((d < 0).sum()),
        floored=floored, unknown=unknown,
    )  # fmt: skip


def _known(
    a: Any, b: Any, scale: Scale, higher: bool, floor: float
) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Costs of the pairs that are known, how many are not, and how many lie at the floor."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"arms are paired by seed, but have shapes {a.shape} and {b.shape}")
    known = ~(np.isnan(a) | np.isnan(b))
    a, b = a[known], b[known]
    floored = int(((a <= floor) & (b <= floor)).sum()) if scale == "ratio" and floor > 0 else 0
    unknown = int((~known).sum())
    return costs(a, scale, higher, floor), costs(b, scale, higher, floor), unknown, floored


def paired_t(
    a: Any,
    b: Any,
    *,
    scale: Scale,
    higher: bool = False,
    level: float = 0.95,
    budget: float | None = None,
    floor: float = 0.0,
) -> Effect:
    """Student's interval for the mean of the same differences, for comparison with `paired_effect`.

    One pair that misses on one side has no finite difference, and nothing is said: NaN and
    (-inf, inf).
    """
    effect = paired_effect(
        a, b, scale=scale, higher=higher, level=level, budget=budget, floor=floor
    )
    known_a, known_b, _, _ = _known(a, b, scale, higher, floor)
    d = difference(known_a, known_b)
    estimate, low, high = math.nan, -math.inf, math.inf
    if effect.n > 1 and np.isfinite(d).all():
        estimate = float(d.mean())
        half = float(
            scipy.stats.t.ppf((1 + level) / 2, effect.n - 1) * d.std(ddof=1) / effect.n**0.5
        )
        low, high = estimate - half, estimate + half
    return Effect(**{**vars(effect), "estimate": estimate, "low": low, "high": high,
                     "method": "paired t"})  # fmt: skip


def win_rate(
    a: Any,
    b: Any,
    *,
    scale: Scale,
    margin: float,
    higher: bool = False,
    level: float = 0.95,
    budget: float | None = None,
    floor: float = 0.0,
) -> WinRate:
    """How often `a` is better by more than `margin`, after shifting and censoring both again.

    `margin` is a factor for a ratio (below 1: how often `b` is not better by as much), else a
    difference. The rate is 1/2 + p (s - 1/2), p the share of decided pairs and s the share of those
    that `a` wins. Its interval goes over the exact intervals of both, so that it holds the rate at
    least as often as said, and lies wholly on one side of 1/2 when and only when the exact sign test
    says so.
    """
    known_a, known_b, _, _ = _known(a, b, scale, higher, floor)
    theta = math.log10(margin) if scale == "ratio" else margin
    d = shifted(known_a, known_b, theta, _window(budget, scale))
    return _win_rate(int((d > 0).sum()), int((d < 0).sum()), len(d), level, margin)


def _win_rate(wins: int, losses: int, n: int, level: float, margin: float) -> WinRate:
    decided = wins + losses
    few, many = clopper_pearson(decided, n, level)
    low, high = (share - 0.5 for share in clopper_pearson(wins, decided, level))
    return WinRate(
        rate=0.5 + (wins - losses) / (2 * n) if n else math.nan,
        low=0.5 + low * (few if low > 0 else many),
        high=0.5 + high * (few if high < 0 else many),
        level=level, margin=margin, n=n, wins=wins, ties=n - decided, losses=losses,
    )  # fmt: skip


def decide(
    a: Any,
    b: Any,
    *,
    scale: Scale,
    margin: float,
    higher: bool = False,
    level: float = 0.95,
    budget: float | None = None,
    floor: float = 0.0,
) -> Decision:
    """Whether `a` is better than `b` by more than `margin` (a factor for a ratio, at least 1).

    With delta the margin on the effect's scale: SUPPORTED where the interval lies above delta;
    REFUTED where it lies below, labelled "reversed" if below 0, else "equivalent" if above -delta,
    else "smaller than claimed"; INCONCLUSIVE where it holds delta. An end that equals delta but for
    rounding holds it.
    """
    delta = _delta(scale, margin)
    effect = paired_effect(
        a, b, scale=scale, higher=higher, level=level, budget=budget, floor=floor
    )
    slack = _slack(a, b, scale, delta)
    verdict: Verdict = "INCONCLUSIVE"
    label = ""
    if effect.low > delta + slack:
        verdict = "SUPPORTED"
    elif effect.high < delta - slack:
        verdict = "REFUTED"
        within = effect.low > -delta + slack
        label = "equivalent" if within else "smaller than claimed"
        label = "reversed" if effect.high < -slack else label
    won = None
    if effect.method == "win rate":
        won = win_rate(a, b, scale=scale, margin=margin, higher=higher, level=level,
                       budget=budget, floor=floor)  # fmt: skip
    return Decision(verdict, label, effect, delta, effect.low, effect.high, won)


def decide_equivalent(
    a: Any,
    b: Any,
    *,
    scale: Scale,
    margin: float,
    higher: bool = False,
    level: float = 0.95,
    budget: float | None = None,
    floor: float = 0.0,
) -> Decision:
    """Whether `a` and `b` differ by less than `margin` either way: two one-sided tests.

    SUPPORTED where the interval lies inside (-delta, delta), REFUTED where it lies wholly outside,
    labelled "better" or "worse" as `a` is; else INCONCLUSIVE.
    """
    delta = _delta(scale, margin)
    effect = paired_effect(
        a, b, scale=scale, higher=higher, level=level, budget=budget, floor=floor
    )
    slack = _slack(a, b, scale, delta)
    verdict: Verdict = "INCONCLUSIVE"
    label = ""
    if effect.low > -delta + slack and effect.high < delta - slack:
        verdict = "SUPPORTED"
    elif effect.low > delta + slack:
        verdict, label = "REFUTED", "better"
    elif effect.high < -delta - slack:
        verdict, label = "REFUTED", "worse"
    return Decision(verdict, label, effect, delta, effect.low, effect.high)


def decide_never(hits: int, n: int, at_most: float, level: float = 0.95) -> Decision:
    """Whether runs never do what `hits` of `n` did.

    "Never" is a statement about every run, so one that did refutes it ("counterexample"), however
    rare: what would remain true is another claim, about a share. Without one it is SUPPORTED once
    the exact interval excludes that more than `at_most` of all runs do, else INCONCLUSIVE. `low` and
    `high` are that interval of the share.
    """
    if not 0 < at_most < 1:
        raise ValueError(f"at_most is a share between 0 and 1, not {at_most}")
    low, high = clopper_pearson(hits, n, level)
    if hits:
        return Decision("REFUTED", "counterexample", None, at_most, low, high)
    return Decision("SUPPORTED" if high < at_most else "INCONCLUSIVE", "", None, at_most, low, high)


def _delta(scale: Scale, margin: float) -> float:
    """The margin on the effect's scale."""
    if scale == "ratio":
        if margin < 1:
            raise ValueError(f"the margin of a ratio is a factor of at least 1, not {margin}")
        return math.log10(margin)
    if margin < 0:
        raise ValueError(f"a margin is not negative, but {margin} is")
    return margin


def _slack(a: Any, b: Any, scale: Scale, delta: float) -> float:
    """What rounding can do to an end: 11 steps against 10 are exactly a factor of 1.1."""
    values = np.abs(np.concatenate([np.ravel(a), np.ravel(b)]).astype(float))
    values = values[np.isfinite(values) & (values > 0)]
    if scale == "ratio":
        values = np.abs(np.log10(values))
    return 1e-14 * max(float(values.max(initial=0.0)), delta)
