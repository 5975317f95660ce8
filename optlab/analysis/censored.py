"""Summaries that keep failures: quantiles over values that may be +inf, and exact intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from optlab.statistics.exact import clopper_pearson

__all__ = ["clopper_pearson", "quantile", "quantile_by"]


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
    low, high = np.floor(place).astype(int), np.ceil(place).astype(int)
    below = np.take_along_axis(ordered, low, axis=-1)
    above = np.take_along_axis(ordered, high, axis=-1)
    return _between(below, above, place - low)[..., 0][()]


def quantile_by(values: Any, group: np.ndarray, groups: int, q: float) -> np.ndarray:
    """`quantile` of each of `groups` groups at once, shape (groups,): `group[i]`, from 0 on, is that
    of values[i]. Groups may differ in size; one without values gives NaN."""
    values = np.asarray(values, dtype=float)
    known = ~np.isnan(values)
    values, group = values[known], group[known]
    ordered = values[np.lexsort((values, group))]
    count = np.bincount(group, minlength=groups)
    begin = np.cumsum(count) - count
    filled = np.flatnonzero(count)
    place = (count[filled] - 1) * q
    low, high = np.floor(place).astype(int), np.ceil(place).astype(int)
    out = np.full(groups, np.nan)
    below, above = ordered[begin[filled] + low], ordered[begin[filled] + high]
    out[filled] = _between(below, above, place - low)
    return out


def _between(below: np.ndarray, above: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Linear from `below` to `above`, where no infinity is met."""
    finite = np.isfinite(below) & np.isfinite(above)
    step = np.where(finite, above, 0.0) - np.where(finite, below, 0.0)
    between = np.where(finite, below, 0.0) + share * step
    mixed = np.where(np.isinf(above) & (above > 0), above, below)
    return np.where(share == 0, below, np.where(finite, between, mixed))
