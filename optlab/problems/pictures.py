"""The usual pictures: valleys, saddles and hills in two dimensions (Rosenbrock in any).

Each reduces over axis 0 and broadcasts over the rest. Whole slices, not Python loops over
coordinates: a sum over indexed coordinates costs ten times as much.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jax import numpy as jnp

from optlab.problems.protocol import About, Minimum, Problem, family, uniform

__all__ = ["beale", "booth", "himmelblau", "rastrigin", "rosenbrock"]


def _rosenbrock(x: Any, data: Any) -> Any:
    bend = x[1:] - x[:-1] ** 2
    return (100.0 * bend * bend + (1.0 - x[:-1]) ** 2).sum(0)


@family
def rosenbrock(*, dim: int = 2) -> Problem:
    """A bent valley with a flat floor (Rosenbrock 1960), chained in more than two dimensions."""
    if dim < 2:
        raise ValueError("dim: must be at least 2")
    return Problem(
        name="rosenbrock",
        parameters={},
        loss=_rosenbrock,
        about=About(dim=dim, summary="bent valley with a flat floor", separable=False, convex=False,
                    source="Rosenbrock 1960, doi:10.1093/comjnl/3.3.175"),
        start=uniform(-2.0, 2.0, dim),
        usual=np.resize([-1.2, 1.0], dim),
        minimum=Minimum(0.0, "closed form", at=((1.0,) * dim,)),
        window=((-2.2, 2.2), (-1.2, 3.2)) if dim == 2 else None,
    )  # fmt: skip


def _himmelblau(x: Any, data: Any) -> Any:
    return (x[0] ** 2 + x[1] - 11.0) ** 2 + (x[0] + x[1] ** 2 - 7.0) ** 2


@family
def himmelblau() -> Problem:
    """Four equally deep minima (Himmelblau 1972)."""
    minima = (
        (3.0, 2.0),
        (-2.8051180869527448, 3.1313125182505729),
        (-3.7793102533777469, -3.2831859912861694),
        (3.5844283403304917, -1.8481265269644034),
    )
    return Problem(
        name="himmelblau",
        parameters={},
        loss=_himmelblau,
        about=About(dim=2, summary="four equally deep minima", separable=False, convex=False,
                    source="Himmelblau 1972, Applied Nonlinear Programming"),
        start=uniform(-5.0, 5.0, 2),
        usual=np.array([0.0, 0.0]),
        minimum=Minimum(0.0, "closed form", at=minima),
        window=((-5.5, 5.5), (-5.5, 5.5)),
    )  # fmt: skip


def _beale(x: Any, data: Any) -> Any:
    a, b = x[0], x[1]
    return (1.5 - a + a * b) ** 2 + (2.25 - a + a * b**2) ** 2 + (2.625 - a + a * b**3) ** 2


@family
def beale() -> Problem:
    """A flat plateau between steep walls (Beale 1958)."""
    return Problem(
        name="beale",
        parameters={},
        loss=_beale,
        about=About(dim=2, summary="flat plateau between steep walls", separable=False, convex=False,
                    source="Beale 1958; Moré, Garbow & Hillstrom 1981, problem 5"),
        start=uniform(-2.0, 2.0, 2),
        usual=np.array([1.0, 1.0]),
        minimum=Minimum(0.0, "closed form", at=((3.0, 0.5),)),
        window=((-4.5, 4.5), (-4.5, 4.5)),
    )  # fmt: skip


def _booth(x: Any, data: Any) -> Any:
    return (x[0] + 2.0 * x[1] - 7.0) ** 2 + (2.0 * x[0] + x[1] - 5.0) ** 2


@family
def booth() -> Problem:
    """A bowl tilted by 45 degrees with condition number 9."""
    return Problem(
        name="booth",
        parameters={},
        loss=_booth,
        about=About(dim=2, summary="tilted bowl, condition number 9", curvature=(2.0, 18.0), quadratic=True,
                    separable=False, convex=True),
        start=uniform(-10.0, 10.0, 2),
        usual=np.array([-5.0, -5.0]),
        minimum=Minimum(0.0, "closed form", at=((1.0, 3.0),)),
        window=((-10.0, 10.0), (-10.0, 10.0)),
    )  # fmt: skip


def _rastrigin(x: Any, data: Any) -> Any:
    return (x * x - 10.0 * jnp.cos(2.0 * np.pi * x) + 10.0).sum(0)


@family
def rastrigin(*, dim: int = 2) -> Problem:
    """A bowl covered with regular bumps (Rastrigin 1974): a gradient method finds a near one."""
    if dim < 1:
        raise ValueError("dim: must be at least 1")
    return Problem(
        name="rastrigin",
        parameters={},
        loss=_rastrigin,
        about=About(dim=dim, summary="bowl covered with regular bumps", separable=True, convex=False,
                    source="Rastrigin 1974; Mühlenbein et al. 1991"),
        start=uniform(-5.12, 5.12, dim),
        usual=np.array([3.2, -2.3]) if dim == 2 else None,
        minimum=Minimum(0.0, "closed form", at=((0.0,) * dim,)),
        window=((-5.12, 5.12), (-5.12, 5.12)) if dim == 2 else None,
    )  # fmt: skip
