"""A problem looked at, where no optimizer runs: loss and gradient at given points, loss over a plane."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from optlab.engine import cast, precise
from optlab.problems import Problem

__all__ = ["picture", "probe"]


def probe(problem: Problem, points: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The full objective `(points,)` and its gradient `(points, dim)`, leaf after leaf, in double
    precision, at each of `points`."""
    from jax import tree

    width = 16  # one shape, compiled once
    values, gradients = [], []
    with precise("float64"):
        data = cast(problem.data, "float64")
        for i in range(0, len(points), width):
            chunk = [points[min(j, len(points) - 1)] for j in range(i, i + width)]
            stacked = cast(tree.map(lambda *leaves: np.stack(leaves), *chunk), "float64")
            value, gradient = _looking(problem)(stacked, data)
            values.append(np.asarray(value))
            gradients.append(np.asarray(gradient))
    return np.concatenate(values)[: len(points)], np.concatenate(gradients)[: len(points)]


@functools.lru_cache(maxsize=64)
def _looking(problem: Problem) -> Callable[..., tuple[Any, Any]]:
    """Loss and gradient of many points as one function, which JAX compiles when it is first called:
    starts may be probed over and over."""
    import jax
    from jax import numpy as jnp
    from jax import tree

    def look(params: Any, data: Any) -> Any:
        gradients = jax.grad(problem.scalar_loss)(params, data)
        flat = jnp.concatenate([g.ravel() for g in tree.leaves(gradients)])
        return problem.loss(params, data), flat

    return jax.jit(jax.vmap(look, in_axes=(0, None)))


def picture(problem: Problem, size: int = 121) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The loss over a problem's window: x `(size,)`, y `(size,)`, z `(size, size)` with y down the
    rows."""
    import jax

    assert problem.window is not None
    x, y = (np.linspace(low, high, size) for low, high in problem.window)
    with precise("float64"):
        points = np.stack(np.meshgrid(x, y)).reshape(2, -1)
        z = np.asarray(jax.jit(problem.loss)(points, cast(problem.data, "float64")))
    return x, y, z.reshape(size, size)
