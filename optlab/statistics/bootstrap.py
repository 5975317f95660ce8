"""Bootstrap intervals of what has no exact one: a statistic of several optimizers over problems.

Seeds are resampled inside each problem, and the same ones for every optimizer, since optimizers are
paired by seed. Under 20 seeds percentile and BCa intervals are too short (a percentile interval of a
mean over 5 seeds holds the truth 85 % of the time instead of 95 %), and none is made.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import ndtr, ndtri

__all__ = ["LEAST", "Interval", "interval", "resampled"]

LEAST = 20
"""Seeds below which no interval is made."""

_AT_ONCE = 4_000_000  # numbers of a resample held in memory together

Statistic = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Interval:
    """`low` and `high` are NaN where `note` says why there is none."""

    estimate: float
    low: float
    high: float
    level: float
    method: str
    note: str = ""


def resampled(
    values: np.ndarray, times: int, generator: np.random.Generator, problems: bool = False
) -> np.ndarray:
    """`values` (optimizers, problems, seeds) drawn again: (times, optimizers, problems, seeds).

    Each problem's seeds are drawn with replacement, alike for all optimizers; with `problems` the
    problems are drawn first, which speaks about problems like these instead of these.
    """
    _, number, seeds = values.shape
    chosen = np.broadcast_to(np.arange(number), (times, number))
    if problems:
        chosen = generator.integers(number, size=(times, number))
    drawn = generator.integers(seeds, size=(times, number, seeds))
    return np.moveaxis(values[:, chosen[:, :, None], drawn], 0, 1)


def interval(
    values: Any,
    statistic: Statistic,
    *,
    level: float = 0.95,
    method: Literal["bca", "percentile"] = "bca",
    problems: bool = False,
    times: int = 4000,
    seed: int = 0,
) -> Interval:
    """The interval of `statistic` of (optimizers, problems, seeds); the same `seed`, the same ends.

    `statistic` maps (..., optimizers, problems, seeds) to (...), finite. BCa (Efron 1987) corrects
    for bias and for a spread that changes with the value; its acceleration comes from leaving out
    one seed of one problem at a time, or one problem where problems are resampled. Where all
    resamples agree the interval is a point.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 3:
        raise ValueError(f"values are (optimizers, problems, seeds), not {values.shape}")
    estimate = float(statistic(values))
    seeds = values.shape[-1]
    if seeds < LEAST:
        note = f"no bootstrap of {seeds} seeds: under {LEAST} its intervals are too short"
        return Interval(estimate, math.nan, math.nan, level, method, note)
    found = _statistics(values, statistic, times, np.random.default_rng(seed), problems)
    if not np.isfinite(found).all():
        note = "the statistic is infinite or unknown in some resamples"
        return Interval(estimate, math.nan, math.nan, level, method, note)
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    if method == "bca" and np.ptp(found) > 0:
        left_out = _left_out(values, statistic, problems)
        tails = _corrected(tails, estimate, found, left_out)
    low, high = np.quantile(found, tails)
    return Interval(estimate, float(low), float(high), level, method)


def _statistics(
    values: np.ndarray, statistic: Statistic, times: int, generator: np.random.Generator,
    problems: bool,
) -> np.ndarray:  # fmt: skip
    """The statistic of `times` resamples, some at a time."""
    some = max(1, _AT_ONCE // values.size)
    parts = [
        statistic(resampled(values, min(some, times - begun), generator, problems))
        for begun in range(0, times, some)
    ]
    return np.concatenate(parts)


def _left_out(values: np.ndarray, statistic: Statistic, problems: bool) -> list[np.ndarray]:
    """The statistic without one unit at a time, an array for each stratum.

    Without one seed of one problem the others would be longer, so that seed is taken away by giving
    its weight to the rest: the statistic over that problem's seeds but one, repeated to full length
    with every other problem repeated as often.
    """
    number, seeds = values.shape[1:]
    if problems:
        return [np.array([float(statistic(np.delete(values, p, axis=1))) for p in range(number)])]
    if number == 1:
        kept = [np.delete(values, s, axis=2) for s in range(seeds)]
        return [np.array([float(statistic(rest)) for rest in kept])]
    full = np.tile(values, seeds - 1)
    strata = []
    for p in range(number):
        found = np.empty(seeds)
        for s in range(seeds):
            full[:, p] = np.tile(np.delete(values[:, p], s, axis=1), seeds)
            found[s] = float(statistic(full))
        full[:, p] = np.tile(values[:, p], seeds - 1)
        strata.append(found)
    return strata


def _corrected(
    tails: np.ndarray, estimate: float, found: np.ndarray, left_out: list[np.ndarray]
) -> np.ndarray:
    """Efron's tails: shifted by the bias z0, stretched by the acceleration."""
    below = (np.mean(found < estimate) + np.mean(found <= estimate)) / 2
    edge = 0.5 / len(found)
    z0 = ndtri(np.clip(below, edge, 1 - edge))
    influence = [(len(part) - 1) * (part.mean() - part) for part in left_out]
    third = sum(float((u**3).sum()) / len(u) ** 3 for u in influence)
    second = sum(float((u**2).sum()) / len(u) ** 2 for u in influence)
    acceleration = third / (6 * second**1.5) if second > 0 else 0.0
    z = z0 + ndtri(tails)
    return ndtr(z0 + z / (1 - acceleration * z))
