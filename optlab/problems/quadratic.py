"""Quadratic bowls and near relations: everything about them is known, so they are where code and
theory are held against each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jax import numpy as jnp

from optlab.problems.protocol import About, Minimum, Problem, family, normal

__all__ = ["huber", "nesterov_chain", "quadratic"]

MOST_ROTATED = 4000


def _rotation(dim: int) -> np.ndarray:
    """A fixed rotation, the same for every condition number: Haar-distributed (Mezzadri 2007), but
    45 degrees in the plane, where every coordinate is mixed as much as can be."""
    if dim == 2:
        return np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2.0)
    rng = np.random.Generator(np.random.Philox(20150713))
    q, r = np.linalg.qr(rng.standard_normal((dim, dim)))
    return q * np.sign(np.diag(r))


def _straight(x: Any, data: Any) -> Any:
    # Each row of `curvature` and `center` meets a coordinate; runs broadcast behind.
    shape = (-1,) + (1,) * (x.ndim - 1)
    offset = x - data["center"].reshape(shape)
    return 0.5 * (data["curvature"].reshape(shape) * offset * offset).sum(0)


def _rotated(x: Any, data: Any) -> Any:
    offset = x - data["center"].reshape((-1,) + (1,) * (x.ndim - 1))
    # One product over all runs: its square, row by row, is the rotated bowl.
    y = jnp.tensordot(data["root"], offset, axes=1)
    return 0.5 * (y * y).sum(0)


@family
def quadratic(
    *,
    dim: int = 2,
    condition: float = 10.0,
    largest: float = 1.0,
    rotated: bool = False,
    shifted: bool = True,
    start: list[float] | None = None,
    noise: float = 0.0,
) -> Problem:
    """A convex bowl, f = (x - c)' H (x - c) / 2, with curvatures from largest/condition to largest.

    `noise` is the standard deviation of normal noise that each coordinate of the gradient gets in
    each step; the loss that is recorded is free of it. With a `start` every run begins there.
    """
    if dim < 1:
        raise ValueError("dim: must be at least 1")
    if condition < 1:
        raise ValueError("condition: must be at least 1 (largest over smallest curvature)")
    if largest <= 0:
        raise ValueError("largest: must be positive")
    if dim == 1 and condition != 1:
        raise ValueError("condition: one dimension has one curvature, so write `condition: 1`")
    if rotated and dim == 1:
        raise ValueError("rotated: one dimension cannot be rotated")
    if rotated and dim > MOST_ROTATED:
        raise ValueError(f"dim: a rotated bowl is a full matrix; at most {MOST_ROTATED:,}")
    if not 0 <= noise < np.inf:
        raise ValueError("noise: a standard deviation; it must not be negative")
    given = _given(start, dim)
    curvature = largest * np.geomspace(1.0 / condition, 1.0, dim)
    # Away from the origin, where weight decay and a start at zero would be favoured.
    center = np.resize([1.0, -0.5], dim) if shifted else np.zeros(dim)
    data: dict[str, np.ndarray] = {"center": center}
    if rotated:
        data["root"] = np.sqrt(curvature)[:, None] * _rotation(dim).T
    else:
        data["curvature"] = curvature
    kind = "rotated" if rotated else "axis-aligned"
    summary = f"{kind} bowl, condition number {condition:g}"
    if noise:
        summary += f", gradients with noise of deviation {noise:g}"
    return Problem(
        name="quadratic",
        parameters={},
        loss=_rotated if rotated else _straight,
        data=data,
        about=About(
            dim=dim,
            summary=summary,
            curvature=(float(curvature[0]), float(curvature[-1])),
            quadratic=True,
            separable=not rotated,
            convex=True,
        ),
        start=normal(3.0, dim) if given is None else None,
        usual=np.resize([-2.0, 2.0], dim) if dim == 2 and given is None else None,
        given=given,
        noise=float(noise),
        minimum=Minimum(0.0, "closed form", at=(tuple(center.tolist()),)),
        window=((-4.0, 4.0), (-4.0, 4.0)) if dim == 2 else None,
    )


def _given(start: Sequence[float] | None, dim: int) -> np.ndarray | None:
    if start is None:
        return None
    if len(start) != dim:
        raise ValueError(f"start: give {dim} numbers, one a coordinate (`dim`), not {len(start)}")
    return np.asarray(start, dtype=float)


@family
def huber(
    *, dim: int = 1, corner: float = 1.0, largest: float = 1.0, start: list[float] | None = None
) -> Problem:
    """A bowl that goes on as straight lines: largest x^2 / 2 where |x| < corner, added over coordinates.

    With corner = |start| / (2 N + 1) and the step size 1/largest, N steps of gradient descent leave
    as much loss as a convex function of this curvature can (Drori & Teboulle 2014).
    """
    if dim < 1:
        raise ValueError("dim: must be at least 1")
    for name, value in {"corner": corner, "largest": largest}.items():
        if not 0 < value < np.inf:
            raise ValueError(f"{name}: must be positive")
    given = _given(start, dim)

    def loss(x: Any, data: Any) -> Any:
        size = jnp.abs(x)
        bowl, line = largest * x * x / 2, largest * corner * (size - corner / 2)
        return jnp.where(size < corner, bowl, line).sum(0)

    return Problem(
        name="huber",
        parameters={},
        loss=loss,
        about=About(
            dim=dim, summary=f"bowl within {corner:g} of the minimum, straight lines beyond",
            curvature=(0.0, float(largest)), separable=True, convex=True,
            source="Huber 1964; Drori & Teboulle 2014, doi:10.1007/s10107-013-0653-0",
        ),
        start=normal(3.0, dim) if given is None else None,
        given=given,
        minimum=Minimum(0.0, "closed form", at=((0.0,) * dim,)),
    )  # fmt: skip


@family
def nesterov_chain(*, dim: int = 41, largest: float = 1.0) -> Problem:
    """Nesterov's worst function: a chain that passes the slope on by one coordinate a step.

    f = largest/4 (x_1^2 + (x_1 - x_2)^2 + ... + x_dim^2)/2 - largest/4 x_1, always from 0. No method
    that steps along the gradients it has seen moves coordinate t + 1 within t steps, so that none is
    fast here (Nesterov 2018, Lectures on Convex Optimization, section 2.1.2).
    """
    if dim < 1:
        raise ValueError("dim: must be at least 1")
    if not 0 < largest < np.inf:
        raise ValueError("largest: must be positive")

    def loss(x: Any, data: Any) -> Any:
        links = x[1:] - x[:-1]
        ends = x[0] * x[0] + x[-1] * x[-1]
        return largest / 4 * ((ends + (links * links).sum(0)) / 2 - x[0])

    # The second difference has the eigenvalues 2 - 2 cos(j pi / (dim + 1)).
    extremes = [largest / 2 * (1 - np.cos(j * np.pi / (dim + 1))) for j in (1, dim)]
    place = 1.0 - np.arange(1, dim + 1) / (dim + 1)
    return Problem(
        name="nesterov_chain",
        parameters={},
        loss=loss,
        about=About(
            dim=dim, summary="a chain along which the slope passes by one coordinate a step",
            curvature=(float(extremes[0]), float(extremes[1])), quadratic=True, separable=False,
            convex=True, source="Nesterov 2018, Lectures on Convex Optimization, section 2.1.2",
        ),
        given=np.zeros(dim),
        minimum=Minimum(
            largest / 8 * (-1 + 1 / (dim + 1)), "closed form", at=(tuple(place.tolist()),),
            error=8 * float(np.spacing(largest / 8)),
        ),
    )  # fmt: skip
