"""Quadratic bowls: everything about them is known, so they are where code is checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from jax import numpy as jnp

from optlab.problems.protocol import About, Minimum, Problem, family, normal

__all__ = ["quadratic"]

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
) -> Problem:
    """A convex bowl, f = (x - c)' H (x - c) / 2, with curvatures from largest/condition to largest."""
    if dim < 1:
        raise ValueError("dim: must be at least 1")
    if condition < 1:
        raise ValueError("condition: must be at least 1 (largest over smallest curvature)")
    if largest <= 0:
        raise ValueError("largest: must be positive")
    if dim == 1 and condition != 1:
        raise ValueError("condition: one dimension has one curvature, so it must be 1")
    if rotated and dim == 1:
        raise ValueError("rotated: one dimension cannot be rotated")
    if rotated and dim > MOST_ROTATED:
        raise ValueError(f"dim: a rotated bowl is a full matrix; at most {MOST_ROTATED:,}")
    curvature = largest * np.geomspace(1.0 / condition, 1.0, dim)
    # Away from the origin, where weight decay and a start at zero would be favoured.
    center = np.resize([1.0, -0.5], dim) if shifted else np.zeros(dim)
    data: dict[str, np.ndarray] = {"center": center}
    if rotated:
        data["root"] = np.sqrt(curvature)[:, None] * _rotation(dim).T
    else:
        data["curvature"] = curvature
    kind = "rotated" if rotated else "axis-aligned"
    return Problem(
        name="quadratic",
        parameters={},
        loss=_rotated if rotated else _straight,
        data=data,
        about=About(
            dim=dim,
            summary=f"{kind} bowl, condition number {condition:g}",
            curvature=(float(curvature[0]), float(curvature[-1])),
            quadratic=True,
            separable=not rotated,
            convex=True,
        ),
        start=normal(3.0, dim),
        usual=np.resize([-2.0, 2.0], dim) if dim == 2 else None,
        minimum=Minimum(0.0, "closed form", at=(tuple(center.tolist()),)),
        window=((-4.0, 4.0), (-4.0, 4.0)) if dim == 2 else None,
    )
