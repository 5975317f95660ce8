"""Summaries that keep failures: quantiles over values that may be +inf, and exact intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import betaincinv

__all__ = ["clopper_pearson", "quantile"]


def quantile(values: Any, q: float) -> Any:
    """The `q`-quantile along the last axis, linear between order statistics; NaN is left out.

    Between a finite value and +inf the quantile is +inf (and -inf below a finite one): a median of
    two runs of which one failed is a failure. NumPy's own gives NaN between two infinities. An axis
    without values gives NaN.
    """
    ordered = np.sort(np.asarray(values, dtype=float), axis=-1)  # NaN goes last
    if ordered.shape[-1] == 0:
        return np.full(ordered.shape[:-1], np.nan)[()]
    count = (~np.isnan(ordered)).sum(axis=-1, keepdims=True)
    place = np.maximum(count - 1, 0) * q
    low = np.floor(place).astype(int)
    share = place - low
    below = np.take_along_axis(ordered, low, axis=-1)
    above = np.take_along_axis(ordered, np.ceil(place).astype(int), axis=-1)
    finite = np.isfinite(below) & np.isfinite(above)
    step = np.where(finite, above, 0.0) - np.where(finite, below, 0.0)
    between = np.where(finite, below, 0.0) + share * step
    mixed = np.where(np.isinf(above) & (above > 0), above, below)
    out = np.where(share == 0, below, np.where(finite, between, mixed))
    return out[..., 0][()]


def clopper_pearson(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The exact interval for a share, `hits` of `n` (Clopper & Pearson 1934); (0, 1) for n = 0."""
    if n == 0:
        return 0.0, 1.0
    tail = (1.0 - level) / 2
    low = 0.0 if hits == 0 else betaincinv(hits, n - hits + 1, tail)
    high = 1.0 if hits == n else betaincinv(hits + 1, n - hits, 1.0 - tail)
    return float(low), float(high)
