"""How much arithmetic one update of one run is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from optlab.adapters import Optimizer
from optlab.problems import Problem

__all__ = ["operations"]


def operations(
    problem: Problem, optimizer: Optimizer, start: Any, hypers: Mapping[str, float]
) -> int | None:
    """Additions, multiplications, comparisons and the like in one gradient (of a minibatch where
    there are such) and one step of the rule, for one run from `start`; a root, an exponential or a
    power counts as one. As JAX writes it, before anything is simplified: what depends on the setting
    alone is not counted, nor is noise that is added to a gradient. None where JAX does not count."""
    import jax

    gradient = problem.gradient or jax.grad(problem.scalar_loss)

    def update(params: Any, state: Any, t: Any, batch: Any) -> Any:
        seen = {"value": problem.loss(params, batch)} if optimizer.wants_loss else {}
        return optimizer.step(params, gradient(params, batch), t, state, dict(hypers), **seen)

    def begin(params: Any) -> Any:
        return optimizer.start(params, dict(hypers))

    params = jax.tree.map(_shape, start)
    state = jax.eval_shape(begin, params)
    t = jax.ShapeDtypeStruct((), np.float32)
    counted = jax.jit(update).lower(params, state, t, _batch(problem)).cost_analysis()
    if not counted:
        return None
    return round(sum(counted.get(kind) or 0.0 for kind in ("flops", "transcendentals")))


def _shape(leaf: Any) -> Any:
    """Shape of an array; real numbers as the 32-bit ones that JAX always has: no count depends on it."""
    import jax

    array = np.asarray(leaf)
    real = np.issubdtype(array.dtype, np.floating)
    return jax.ShapeDtypeStruct(array.shape, np.float32 if real else array.dtype)


def _batch(problem: Problem) -> Any:
    """The shapes of what one gradient is taken of: the data, or a minibatch of its rows."""
    import jax

    whole = jax.tree.map(_shape, problem.data)
    if problem.stream is None:
        return whole
    rows = problem.stream(np.random.default_rng(0), 1).shape[1]
    return jax.tree.map(lambda a: jax.ShapeDtypeStruct((rows, *a.shape[1:]), a.dtype), whole)
