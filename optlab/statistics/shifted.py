"""Pairs of costs under the hypothesis that one arm is the other one shifted, seen through the same
window.

A cost is a number of which less is better, on the scale on which arms are compared: log10 of a value
for ratios (`costs`). +inf is a miss: beyond the budget, or diverged. Under "b is distributed as
a + theta", a pair of a + theta and b may be swapped without changing its law. But where both are seen
only up to the budget T, a + theta is seen up to T + theta and b up to T: swapping would show. So both
are censored again at the nearer of the two, and the difference of what is left,

    D'(theta) = (b, or missed) - (a + theta, or missed),     missed - missed = 0,

is symmetric about zero, exactly, whatever the law of costs. Without the second censoring, costs that
were missed count against a shift that they say nothing about.

D' never rises with theta. It is +inf below some `start` (b has left the window, a has not), -inf above
some `end`, and between them either falls as d - theta or stays 0. So the sign of the sum of two pairs'
D' changes once, at a place that has a closed form (`turns`), and intervals are order statistics of
those places.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np

__all__ = ["Pairs", "Scale", "costs", "difference", "pairs_of", "shifted", "turns", "window_of"]

Scale = Literal["ratio", "difference"]


class Pairs(NamedTuple):
    """Each pair's D' as a function of the shift; arrays (..., n)."""

    start: np.ndarray
    """Below it D' is +inf."""
    end: np.ndarray
    """Above it D' is -inf."""
    fall: np.ndarray
    """Between them D' is fall - theta; NaN where it is 0."""


def costs(values: Any, scale: Scale, higher: bool = False, floor: float = 0.0) -> np.ndarray:
    """Values as costs: less is better, and a shift is what `scale` compares by.

    For a ratio, values at or below `floor` count as `floor`, and zero is -inf. Raises ValueError for
    a negative value on the ratio scale.
    """
    values = np.asarray(values, dtype=float)
    if scale == "ratio":
        if np.any(values < 0 if not higher else (values < 0) & np.isfinite(values)):
            raise ValueError("a ratio needs values that are not negative")
        values = np.maximum(values, floor)
        with np.errstate(divide="ignore"):
            values = np.log10(values)
    return -values if higher else values


def window_of(budget: float | None, scale: Scale) -> float:
    """The largest cost that can be seen; +inf without a budget."""
    if budget is None:
        return math.inf
    return math.log10(budget) if scale == "ratio" else float(budget)


def difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """b - a, where two equal infinities differ by 0."""
    with np.errstate(invalid="ignore"):
        return np.where(a == b, 0.0, b - a)


def shifted(a: np.ndarray, b: np.ndarray, theta: float, window: float = math.inf) -> np.ndarray:
    """D'(theta), by its definition; shape of a and b. Differences within rounding are 0."""
    seen = min(window, window + theta)
    a = a + theta
    a, b = np.where(a > seen, math.inf, a), np.where(b > seen, math.inf, b)
    d = difference(a, b)
    finite = np.where(np.isfinite(a), np.abs(a), 0.0) + np.where(np.isfinite(b), np.abs(b), 0.0)
    return np.where(np.abs(d) <= 1e-12 * np.maximum(finite, abs(theta)), 0.0, d)


def pairs_of(a: np.ndarray, b: np.ndarray, window: float = math.inf) -> Pairs:
    """How each pair's D' changes with the shift: two arms of costs (..., n), a miss +inf."""
    missed_a, missed_b = a == math.inf, b == math.inf
    d = difference(a, b)
    alike = np.isinf(a) & (d == 0)  # both missed, or both zero on the ratio scale
    # The shifts at which a, pushed later, and b, met by a nearer window, pass out of sight.
    leaves_a = np.where(missed_a, math.inf, window - np.where(missed_a, 0.0, a))
    leaves_b = np.where(missed_b, -math.inf, np.where(missed_b, 0.0, b) - window)
    start = np.select(
        [alike | missed_a, missed_b, a == -math.inf], [-math.inf, leaves_a, math.inf], leaves_b
    )
    end = np.select(
        [alike | missed_b, missed_a, b == -math.inf], [math.inf, leaves_b, -math.inf], leaves_a
    )
    return Pairs(start, end, np.where(np.isfinite(a) & np.isfinite(b), d, math.nan))


def turns(pairs: Pairs, walsh: bool) -> tuple[np.ndarray, np.ndarray]:
    """Where sums of two pairs' D' stop being positive, and where they begin to be negative.

    With `walsh` for every i <= j, (..., n(n+1)/2), else for each pair alone, (..., n). The two agree
    for pairs that are both seen, and are then a Walsh average. Between them the sum is 0: one of
    each infinity, or nothing but misses.
    """
    n = pairs.start.shape[-1]
    i, j = np.triu_indices(n) if walsh else (np.arange(n), np.arange(n))
    falls = np.isfinite(pairs.fall)
    fall = np.where(falls, pairs.fall, 0.0)
    number = falls[..., i].astype(int) + falls[..., j]
    middle = (fall[..., i] + fall[..., j]) / np.maximum(number, 1)
    start = np.maximum(pairs.start[..., i], pairs.start[..., j])
    end = np.minimum(pairs.end[..., i], pairs.end[..., j])
    ordered = start <= end
    low, high = np.minimum(start, end), np.maximum(start, end)
    last = np.clip(np.where(number > 0, middle, -math.inf), low, high)
    first = np.clip(np.where(number > 0, middle, math.inf), low, high)
    return np.where(ordered, last, low), np.where(ordered, first, high)
