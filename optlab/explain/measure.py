"""Curvature, limit of stability and effective step at some steps of a replayed run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from optlab.explain.curvature import SMALL, hessian, spectrum
from optlab.explain.replay import Record, Replay
from optlab.explain.stability import Answer

__all__ = ["Point", "Turning", "measure"]


@dataclass(frozen=True, eq=False)
class Point:
    """One step of a run, and the step that was made from it.

    `curvature` is the Hessian's largest eigenvalue, `flattest` its smallest (its ends by Lanczos'
    method beyond 50 parameters). `ratio`: by how much the rule, as it stood there, is above (1.2) or
    below (0.8) its limit of stability on the local quadratic; `factor`: what a step multiplies the
    steepest mode by there, `slowest` the flattest, and `period` in how many
    steps the steepest swings once around (None: it does not). `effective` is the length of the step over the
    length of the gradient, `low` and `high` the same by coordinate. None: not known there."""

    step: int
    loss: float
    gradient: float
    length: float | None
    curvature: float | None
    flattest: float | None
    ratio: float | None
    factor: float | None
    slowest: float | None
    period: float | None
    effective: float | None
    low: float | None
    high: float | None
    floor: float | None
    divides: bool
    axis: np.ndarray | None = None
    """What a displacement is multiplied with for its part along the steepest mode."""

    def as_dict(self) -> dict[str, Any]:
        """As plain numbers; None for what is not finite."""
        known = asdict(self)
        del known["axis"]
        return {k: None if isinstance(v, float) and not np.isfinite(v) else v
                for k, v in known.items()}  # fmt: skip


@dataclass(frozen=True)
class Turning:
    """Of `pairs` pairs of consecutive steps, how many turned back along the steepest mode."""

    turned: int
    pairs: int
    first: int
    last: int

    @property
    def swings(self) -> bool:
        """Whether nearly every step turned back."""
        return self.pairs >= 10 and self.turned >= 0.9 * self.pairs

    @classmethod
    def of(cls, axis: np.ndarray, steps: np.ndarray, x: np.ndarray) -> Turning:
        """From positions (points, dim) at consecutive `steps`."""
        along = np.diff(x, axis=0) @ axis
        along = along[np.isfinite(along)]
        turned = int((np.sign(along[1:]) * np.sign(along[:-1]) < 0).sum())
        return cls(turned, max(0, len(along) - 1), int(steps[0]), int(steps[-1]))


def measure(replay: Replay, answer: Answer, record: Record, i: int) -> Point:
    """What is known at point `i` of a record whose next point (if any) is the next step."""
    step, x, g = int(record.steps[i]), record.x[i], record.gradient[i]
    params, state = record.at(i)
    following = i + 1 < len(record.steps) and record.steps[i + 1] == step + 1
    moved = record.x[i + 1] - x if following else None
    effective = low = high = length = None
    size = float(np.linalg.norm(g))
    if moved is not None and np.isfinite(moved).all():
        length = float(np.linalg.norm(moved))
        met = (g != 0) & np.isfinite(g)
        if met.any():
            each = np.abs(moved[met] / g[met])
            effective, low, high = length / size, float(each.min()), float(each.max())
    curvature = flattest = ratio = factor = slowest = period = floor = None
    axis, divides = None, False
    # Where the gradients are not those of the loss, its curvature says nothing of the run.
    if np.isfinite(x).all() and replay.problem.gradient is None:
        times = hessian(replay.problem, params)
        try:
            plain = spectrum(times, len(x))
            curvature, flattest, axis = plain.largest, plain.smallest, plain.top
            found = answer(step, g, state)
            if found is not None:
                divides = found.divides
                seen = spectrum(times, len(x), found.scale)
                limit = found.mode.limit()
                ratio = max(seen.largest, 0.0) / limit if limit else None
                factor = found.mode.radius(seen.largest)
                slowest = found.mode.radius(seen.smallest)
                period = found.mode.period(seen.largest)
                root = np.sqrt(found.scale)
                axis = np.divide(seen.top, root, out=np.zeros_like(root), where=root > 0)
                floor = _floor(replay, seen.values, seen.vectors, found)
        except np.linalg.LinAlgError:  # the Hessian overflows: nothing is claimed of this point
            pass
    return Point(step, float(record.loss[i]), size, length, curvature, flattest, ratio, factor,
                 slowest, period, effective, low, high, floor, divides, axis)  # fmt: skip


def _floor(replay: Replay, values: np.ndarray, vectors: Any, found: Any) -> float | None:
    """The mean gap at which noise of the problem's deviation keeps the rule on the local quadratic,
    its divisor held: the sum over modes of mu / 2 times the variance of the mode. None without noise,
    or where the quadratic has no minimum."""
    noise = replay.problem.noise
    if not noise or vectors is None or len(values) > SMALL or values[0] <= 0:
        return None
    weights = (vectors**2 * found.scale[:, None]).sum(axis=0)
    variances = np.array([found.mode.variance(float(mu)) for mu in values])
    total = 0.5 * float((values * variances * weights).sum()) * noise**2
    return total if np.isfinite(total) else None
