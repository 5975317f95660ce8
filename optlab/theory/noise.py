"""Linear rules on a bowl whose gradients are noisy: the law of every loss is known.

Along an axis of curvature c, z_t is normal; its mean follows the noiseless steps and its covariance
with the velocity C_{t+1} = M C_t M' + sigma^2 k k', k what one unit of noise adds to (z, v).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
import scipy

from optlab.theory.checks import Check, Law
from optlab.theory.evidence import Evidence
from optlab.theory.linear import kick, offsets, transition

__all__ = ["LAWS", "errors_of", "variance"]

FEWEST = 10
SURE = 4.0
"""Standard errors that a sound prediction may be missed by: once in 16,000 checks by chance."""


def variance(
    rule: str, hypers: dict[str, float], c: np.ndarray, sigma: float, t: int
) -> np.ndarray:
    """Var z_t along each axis of curvature `c` (dim,), from a start that is not random."""
    matrix = transition(rule, hypers, c)
    assert matrix is not None
    k = kick(rule, hypers)
    total, new = np.zeros_like(matrix), sigma**2 * np.outer(k, k) * np.ones((len(c), 1, 1))
    power = matrix
    # Doubling: the sum of the first 2 n terms is that of the first n and it again, n steps later.
    while t:
        if t % 2:
            total = new + power @ total @ np.swapaxes(power, 1, 2)
        new = new + power @ new @ np.swapaxes(power, 1, 2)
        power, t = power @ power, t // 2
    return total[:, 0, 0]


def errors_of(total: float, mean: float, var: float) -> float:
    """How many standard errors of a normal number a sum of squares that came out as `total` is worth:
    its law is taken as a gamma of its mean and variance, which a sum of equal chi squares is."""
    shape, scale = mean**2 / var, var / mean
    share = min(
        scipy.stats.gamma.cdf(total, shape, scale=scale),
        scipy.stats.gamma.sf(total, shape, scale=scale),
    )
    return float(scipy.stats.norm.isf(min(share, 0.5)))


def share_errors(hits: int, n: int, p: float) -> float:
    """The same for `hits` of `n` independent tries of chance `p`: exact, two-sided."""
    return float(scipy.stats.norm.isf(scipy.stats.binomtest(hits, n, p).pvalue / 2))


def _applies(e: Evidence) -> bool:
    linear = e.bowl is not None and transition(e.rule, e.hypers, e.bowl.curvature) is not None
    return linear and e.noise > 0 and e.offset is not None and e.n >= FEWEST


def _moments(e: Evidence, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean (runs, dim) and variance (dim,) of z at recorded point `place`."""
    assert e.bowl is not None
    assert e.offset is not None
    matrix = transition(e.rule, e.hypers, e.bowl.curvature)
    assert matrix is not None
    t = int(e.steps[place])
    mean = offsets(matrix, e.offset, np.array([0, t]))[:, 1]
    return mean, variance(e.rule, e.hypers, e.bowl.curvature, e.noise, t)


def _settled(e: Evidence) -> bool:
    """Whether the start is forgotten at the end."""
    mean, var = _moments(e, -1)
    return bool((mean**2 < 1e-6 * var).all())


def floor(rule: str, hypers: dict[str, float], c: np.ndarray, sigma: float) -> float | None:
    """The mean gap that noise leaves for ever, in closed form."""
    a, b = hypers["lr"], hypers.get("beta", 0.0)
    if rule == "ema":
        rule, a = "momentum", a * (1 - b)
    if rule == "sgd":
        return float((0.5 * a * sigma**2 / (2 - a * c)).sum())
    if rule in ("momentum", "momentum_pytorch"):
        return float((0.5 * a * sigma**2 * (1 + b) / ((1 - b) * (2 * (1 + b) - a * c))).sum())
    return None


def _mean_loss(e: Evidence) -> Iterator[Check]:
    if not _applies(e):
        return
    assert e.bowl is not None
    c = e.bowl.curvature
    for place in sorted({max(1, len(e.steps) // 10), len(e.steps) - 1}):
        mean, var = _moments(e, place)
        expected = 0.5 * (c * (mean**2 + var)).sum(axis=1)
        spread = 0.25 * (c**2 * (2 * var**2 + 4 * mean**2 * var)).sum(axis=1)
        seen = e.gap[:, place]
        off = errors_of(seen.sum(), expected.sum(), spread.sum())
        predicted, what = float(expected.mean()), "the mean gap over seeds"
        known = floor(e.rule, e.hypers, c, e.noise)
        if place == len(e.steps) - 1 and _settled(e) and known is not None:
            predicted, what = known, "the floor that noise leaves: the mean gap over seeds"
        yield Check(f"{what}, after {e.steps[place]:,} updates", predicted, float(seen.mean()), off,
                    SURE, e.n, "standard errors")  # fmt: skip


def _spread(e: Evidence) -> Iterator[Check]:
    """Quantiles of the last gap where it is one scaled chi square."""
    if not _applies(e) or not _settled(e):
        return
    assert e.bowl is not None
    _, var = _moments(e, -1)
    scales = 0.5 * e.bowl.curvature * var
    if not np.allclose(scales, scales[0], rtol=1e-6):
        return
    for share in (0.5, 0.9):
        line = float(scales[0] * scipy.stats.chi2.ppf(share, len(scales)))
        hits = int((e.gap[:, -1] <= line).sum())
        yield Check(f"share of runs whose last gap is below {line:.4g}, the {share:.0%} point of its "
                    "law", share, hits / e.n, share_errors(hits, e.n, share), SURE, e.n,
                    "standard errors")  # fmt: skip


def _couples(all_: Sequence[Evidence]) -> Iterator[tuple[Evidence, Evidence]]:
    """Pairs of SGD at two rates on one noisy bowl of one dimension, the larger rate first."""
    fit = [e for e in all_ if _applies(e) and e.rule == "sgd" and e.problem["dim"] == 1]
    for a, b in itertools.combinations(fit, 2):
        same = a.problem["name"] == b.problem["name"] and list(a.runs["seed"]) == list(
            b.runs["seed"]
        )
        if same and a.hypers["lr"] != b.hypers["lr"]:
            yield (a, b) if a.hypers["lr"] > b.hypers["lr"] else (b, a)


def _named(a: Evidence, b: Evidence, check: Check) -> Check:
    return Check(**{**vars(check), "optimizer": f"{a.optimizer['name']} and {b.optimizer['name']}",
                    "problem": a.problem["name"],
                    "setting": f"lr {a.hypers['lr']:g} and {b.hypers['lr']:g}"})  # fmt: skip


def _who_is_lower(all_: Sequence[Evidence]) -> Iterator[Check]:
    for a, b in _couples(all_):
        if not (_settled(a) and _settled(b)):
            continue
        assert a.bowl is not None
        s_a, s_b = (math.sqrt(_moments(e, -1)[1][0]) for e in (a, b))
        q_a, q_b = (1 - e.hypers["lr"] * a.bowl.curvature[0] for e in (a, b))
        shared = a.hypers["lr"] * b.hypers["lr"] * a.noise**2 / (1 - q_a * q_b)
        last_a, last_b = a.gap[:, -1], b.gap[:, -1]
        # |x| < |y| for two centred normals is (y - x)(y + x) > 0, again of two normals.
        r = (s_b**2 - s_a**2) / math.sqrt((s_a**2 + s_b**2) ** 2 - 4 * shared**2)
        p = 0.5 + math.asin(r) / math.pi
        hits = int((last_a < last_b).sum())
        yield _named(a, b, Check(
            "chance that the larger rate ends lower, both meeting the same noise",
            p, hits / a.n, share_errors(hits, a.n, p), SURE, a.n, "standard errors"))  # fmt: skip
        p = 2 / math.pi * math.atan(s_b / s_a)
        n = a.n // 2
        hits = int((last_a[0 : 2 * n : 2] < last_b[1 : 2 * n : 2]).sum())
        yield _named(a, b, Check(
            "the same with noise of their own (even seeds of one, odd seeds of the other): "
            "2/pi atan(s_B/s_A)", p, hits / n, share_errors(hits, n, p), SURE, n,
            "standard errors"))  # fmt: skip


def _expected(e: Evidence, t: float) -> float:
    """E f_t - f* for SGD in one dimension from a given start."""
    assert e.bowl is not None
    assert e.offset is not None
    c, a = e.bowl.curvature[0], e.hypers["lr"]
    left = (1 - a * c) ** (2 * t)
    return float(
        0.5 * c * (left * e.offset[0, 0] ** 2 + a * e.noise**2 / (c * (2 - a * c)) * (1 - left))
    )


def _crossing(all_: Sequence[Evidence]) -> Iterator[Check]:
    """When the larger rate, ahead at first, falls behind in the mean."""
    for fast, slow in _couples(all_):
        assert fast.offset is not None
        assert slow.offset is not None
        if np.ptp(fast.offset) > 0:
            continue  # each start has a crossing of its own
        last = float(fast.steps[-1])
        begun = float(fast.steps[1])

        def ahead(t: float, fast: Evidence = fast, slow: Evidence = slow) -> float:
            return _expected(slow, t) - _expected(fast, t)

        if not (ahead(begun) > 0 > ahead(last)):
            continue
        known = float(scipy.optimize.brentq(ahead, begun, last))
        lead = slow.gap.mean(axis=0) - fast.gap.mean(axis=0)
        places = np.flatnonzero(lead[1:] < 0)
        if not len(places):
            continue
        first_behind, last_ahead = places[0] + 1, np.flatnonzero(lead > 0)[-1]
        seen = float(fast.steps[first_behind] + fast.steps[last_ahead]) / 2
        # By how much noise moves it: the spread of the mean difference over its slope there.
        near = int(np.abs(fast.steps - known).argmin())
        spread = (slow.gap - fast.gap)[:, near].std(ddof=1) / math.sqrt(fast.n)
        slope = (ahead(known + 0.5) - ahead(known - 0.5)) / 1.0
        error = math.hypot(spread / slope, fast.problem["cadence"])
        yield _named(fast, slow, Check(
            "updates after which the larger rate, ahead at first, falls behind in the mean",
            known, seen, abs(seen - known) / error, SURE, fast.n, "standard errors"))  # fmt: skip


LAWS = [
    Law("Noisy quadratic: the mean loss",
        "E f_t = c/2 ((1 - lr c)^(2t) z_0^2 + Var z_t); SGD's variance ends at lr s^2/(c (2 - lr c)), "
        "heavy ball's at lr s^2 (1 + beta)/(c (1 - beta)(2 (1 + beta) - lr c)); Mandt, Hoffman & Blei "
        "2017, arXiv:1704.04289", _mean_loss),
    Law("Noisy quadratic: the whole law", "the last gap is a scaled chi square", _spread),
    Law("Noisy quadratic: who ends lower",
        "of two centred normal numbers, P(|x| < |y|) = 1/2 + asin(r)/pi", _who_is_lower, True),
    Law("Noisy quadratic: the verdict depends on the horizon",
        "where two curves of E f_t cross", _crossing, True),
]  # fmt: skip
