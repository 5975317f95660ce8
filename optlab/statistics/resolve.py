"""How many seeds would decide what so many did not.

The answer depends on what is true, which is not known, so it is given for a stated alternative: what
was seen, but at least a margin's width away from the margin (nobody can tell an effect at the margin
from one just beyond it). Plugging the seen spread into a formula for the normal law decides only in
32 to 59 % of repetitions, since the spread of few seeds is as often too small as too large. Here the
spread is at its upper 80 % bound, and the power is that of the exact test itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import scipy
from scipy.special import ndtr

from optlab.statistics.exact import clopper_pearson
from optlab.statistics.law import coin_rejects, least_seeds, rank_rejects
from optlab.statistics.paired import decide, paired_effect, win_rate
from optlab.statistics.shifted import Scale, costs, difference

__all__ = ["CAP", "Needed", "coin_power", "rank_power", "seeds_for_never", "seeds_needed"]

CAP = 1000
"""The most seeds that are suggested."""

POWER = 0.8
CONFIDENCE = 0.8  # one-sided, of the bound on what the suggestion leans on besides the alternative
MEANINGFUL = 0.75  # the least share of wins worth a claim (Bouthillier et al. 2021)

_SIMULATED = 60  # pairs up to which the power is simulated; beyond, its moments are exact enough
_TIMES = 4000


@dataclass(frozen=True)
class Needed:
    """`seeds` in all, of which a fresh sample decides in `POWER` of repetitions if `alternative` is
    the truth; None where that takes more than `cap`."""

    seeds: int | None
    kind: Literal["shift", "win share", "rate"]
    """What the alternative is: an effect on its scale; `a`'s share of the pairs that are decided at
    the margin (for equivalence, of those at the margin's far end); or a share of runs."""
    alternative: float
    spread: float
    """What the power leans on besides: the bound on the sd of differences, or on the share of pairs
    that are decided; NaN for a rate."""
    level: float
    cap: int = CAP


def seeds_needed(
    a: Any,
    b: Any,
    *,
    scale: Scale,
    margin: float,
    higher: bool = False,
    level: float = 0.95,
    budget: float | None = None,
    floor: float = 0.0,
    equivalent: bool = False,
    cap: int = CAP,
) -> Needed:
    """How many seeds would decide whether `a` is better than `b` by `margin` (or `equivalent`: that
    neither is); arguments as for `decide`.

    The alternative is the seen effect, moved to at least twice the margin if it lies above the
    margin, else to at most 0 (for equivalence to at most half of the margin if it lies inside).
    Where a pair involves a miss there is no spread of differences, and the suggestion is that of
    the sign test at the margin, which asks for at least as many: the seen share of wins, counted
    with one more on each side (Laplace), and moved to at least 75 % or at most 25 %.
    """
    how: dict[str, Any] = {"scale": scale, "higher": higher, "budget": budget, "floor": floor}
    effect = paired_effect(a, b, level=level, **how)
    if effect.n < 2:
        return Needed(None, "shift", math.nan, math.nan, level, cap)
    if effect.misses_a or effect.misses_b or not math.isfinite(effect.estimate):
        at = [margin, -margin if scale == "difference" else 1 / margin]
        rates = [win_rate(a, b, margin=m, level=level, **how) for m in at]
        counts = [(rate.wins, rate.losses) for rate in rates]
        return _by_wins(counts, effect.n, level, equivalent, cap)
    delta = decide(a, b, margin=margin, level=level, **how).delta
    a, b = (costs(values, scale, higher, floor) for values in (a, b))
    d = difference(a, b)
    d = d[np.isfinite(d)]
    return _by_shift(d, effect.estimate, delta, level, equivalent, cap)


def _by_shift(
    d: np.ndarray, estimate: float, delta: float, level: float, equivalent: bool, cap: int
) -> Needed:
    n = len(d)
    spread = float(d.std(ddof=1) * math.sqrt((n - 1) / scipy.stats.chi2.ppf(1 - CONFIDENCE, n - 1)))
    alternative = _alternative(estimate, delta, equivalent)
    # How far the alternative lies from each margin that an interval has to leave out.
    if equivalent and abs(alternative) < delta:
        gaps = [delta - alternative, delta + alternative]
    else:
        gaps = [abs(alternative - (-delta if equivalent and alternative < 0 else delta))]
    effects = [gap / spread if spread > 0 else (math.inf if gap > 0 else 0.0) for gap in gaps]
    seeds = _fewest(
        lambda k: sum(rank_power(k, e, level) for e in effects) - len(effects) + 1,
        max(least_seeds(level), n + 1), cap, _SIMULATED,
    )  # fmt: skip
    return Needed(seeds, "shift", alternative, spread, level, cap)


def _alternative(estimate: float, delta: float, equivalent: bool) -> float:
    """The seen effect, moved away from the margins."""
    if equivalent:
        size = abs(estimate)
        size = min(size, delta / 2) if size < delta else max(size, 2 * delta)
        return math.copysign(size, estimate)
    return max(estimate, 2 * delta) if estimate >= delta else min(estimate, 0.0)


def _by_wins(
    counts: list[tuple[int, int]], n: int, level: float, equivalent: bool, cap: int
) -> Needed:
    """From wins and losses at +margin and at -margin."""
    shares = [_share(*pair) for pair in counts]
    above, below = shares
    if not equivalent or above > 0.5:
        asked = [(above, counts[0])]
    elif below < 0.5:
        asked = [(below, counts[1])]
    else:
        asked = [(above, counts[0]), (below, counts[1])]
    decided = min(sum(pair) for _, pair in asked)
    spread = clopper_pearson(decided, n, 2 * CONFIDENCE - 1)[0]
    seeds = _fewest(
        lambda k: sum(coin_power(k, s, spread, level) for s, _ in asked) - len(asked) + 1,
        max(least_seeds(level), n + 1), cap, cap,
    )  # fmt: skip
    return Needed(seeds, "win share", asked[0][0], spread, level, cap)


def _share(wins: int, losses: int) -> float:
    seen = (wins + 1) / (wins + losses + 2)
    return max(seen, MEANINGFUL) if seen >= 0.5 else min(seen, 1 - MEANINGFUL)


def seeds_for_never(at_most: float, level: float = 0.95, cap: int = CAP) -> Needed:
    """How many runs, none of which does it, show that at most `at_most` of all runs do.

    The alternative is that none ever does: then so many decide surely.
    """
    tail = (1.0 - level) / 2
    seeds = max(1, math.floor(math.log(tail) / math.log1p(-at_most)) - 1)
    while not clopper_pearson(0, seeds, level)[1] < at_most:
        seeds += 1
    return Needed(seeds if seeds <= cap else None, "rate", 0.0, math.nan, level, cap)


def _fewest(power: Callable[[int], float], low: int, cap: int, rough: int) -> int | None:
    """The fewest seeds from `low` to `cap` with enough power.

    Power grows with seeds but for small steps back where the exact level jumps: halving finds a
    place, and up to `rough` seeds the few places before it are tried as well.
    """
    if low > cap or power(cap) < POWER:
        return None
    short, enough = low - 1, cap
    while enough - short > 1:
        middle = (short + enough) // 2
        short, enough = (short, middle) if power(middle) >= POWER else (middle, enough)
    if enough <= rough:
        earlier = range(max(low, enough - 4), enough)
        enough = next((k for k in earlier if power(k) >= POWER), enough)
    return enough


def rank_power(n: int, effect: float, level: float) -> float:
    """How often the exact signed-rank interval of n normal differences, whose mean lies `effect` of
    their standard deviations above a margin, lies above that margin.

    Up to 60 pairs simulated, the same draws for every effect, so that it grows with `effect`; beyond,
    from the count's own mean and variance under that alternative, with its continuity correction.
    """
    out = rank_rejects(n, level)
    if out < 0:
        return 0.0
    if not math.isfinite(effect):
        return 1.0
    sums = n * (n + 1) // 2
    if n <= _SIMULATED:
        x = _draws()[:, :n] + effect
        ranks = np.abs(x).argsort(axis=1).argsort(axis=1) + 1
        return float(np.mean((ranks * (x > 0)).sum(axis=1) >= sums - out))
    mean, variance = _moments(n, effect)
    return float(ndtr((mean - (sums - out) + 0.5) / math.sqrt(max(variance, 1e-12))))


@lru_cache(maxsize=1)
def _draws() -> np.ndarray:
    return np.random.default_rng(20_240_501).standard_normal((_TIMES, _SIMULATED))


def _moments(n: int, effect: float) -> tuple[float, float]:
    """Mean and variance of the number of positive Walsh averages of N(effect, 1)."""
    one, two = float(ndtr(effect)), float(ndtr(math.sqrt(2) * effect))
    one_two = _joint(effect, math.sqrt(2) * effect, 1 / math.sqrt(2))
    two_two = _joint(math.sqrt(2) * effect, math.sqrt(2) * effect, 0.5)
    pairs = n * (n - 1)
    mean = n * one + pairs / 2 * two
    variance = (
        n * one * (1 - one) + pairs / 2 * two * (1 - two)
        + 2 * pairs * (one_two - one * two) + pairs * (n - 2) * (two_two - two * two)
    )  # fmt: skip
    return mean, variance


@lru_cache(maxsize=512)
def _joint(x: float, y: float, correlation: float) -> float:
    """P(X <= x, Y <= y) of two standard normals."""
    return float(
        scipy.stats.multivariate_normal.cdf([x, y], cov=[[1, correlation], [correlation, 1]])
    )


def coin_power(n: int, share: float, decided: float, level: float) -> float:
    """How often the exact sign test of n pairs, each decided with probability `decided` and then won
    with probability `share`, tells the winner: exact binomial sums."""
    number = np.arange(n + 1)
    share = max(share, 1 - share)
    lost = scipy.stats.binom.cdf(coin_rejects(n, level), number, 1 - share)
    return float(np.sum(scipy.stats.binom.pmf(number, n, decided) * lost))
