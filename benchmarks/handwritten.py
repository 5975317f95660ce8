"""What a good engineer writes by hand: optax, vmap over rates, scan over steps, one jit.

Pinned: this is the program that optlab is measured against, in two variants: as it stands, with
JAX's own defaults (all cores inside each operation), and through `handwritten_sharded.py`, with the
rates divided over one device a core. The faster of the two counts. The batch is shared by all rates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax
from cases import POINTS, Case
from jax import numpy as jnp

jax.config.update("jax_enable_x64", True)


def rosenbrock(x: Any, batch: Any) -> Any:
    return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def cross_entropy(params: Any, batch: Any) -> Any:
    h, y = batch
    for i, (w, b) in enumerate(params):
        h = h @ w + b
        if i < len(params) - 1:
            h = jax.nn.relu(h)
    return optax.softmax_cross_entropy_with_integer_labels(h, y).mean()


def program(case: Case, inputs: dict[str, np.ndarray]) -> Callable[[], np.ndarray]:
    """A function that runs the case once: losses `(points + 1, rates)`."""
    loss = rosenbrock if case.hidden is None else cross_entropy
    data = None if case.hidden is None else (jnp.asarray(inputs["X"]), jnp.asarray(inputs["y"]))
    start = jnp.asarray(inputs["x"]) if case.hidden is None else _layers(case, inputs)
    every = case.steps // POINTS
    stream = inputs.get("stream")
    order = None if stream is None else jnp.asarray(stream).reshape(POINTS, every, -1)

    def train(lr: Any, data: Any, order: Any) -> Any:
        optimizer = optax.adam(lr)

        def step(carry: Any, rows: Any) -> Any:
            params, state = carry
            batch = None if rows is None else (data[0][rows], data[1][rows])
            gradients = jax.grad(loss)(params, batch)
            updates, state = optimizer.update(gradients, state, params)
            return (optax.apply_updates(params, updates), state), None

        def stretch(carry: Any, rows: Any) -> Any:
            carry, _ = jax.lax.scan(step, carry, rows, length=every)
            return carry, loss(carry[0], data)

        carry = (start, optimizer.init(start))
        _, losses = jax.lax.scan(stretch, carry, order, length=POINTS)
        return jnp.concatenate([loss(start, data)[None], losses])

    mapped = jax.vmap(train, in_axes=(0, None, None), out_axes=1)
    if jax.device_count() > 1:  # half of the rates on each device
        spec, auto = jax.sharding.PartitionSpec, jax.sharding.AxisType.Auto
        mesh = jax.make_mesh((jax.device_count(),), ("rates",), axis_types=(auto,))
        mapped = jax.shard_map(mapped, mesh=mesh, in_specs=(spec("rates"), spec(), spec()),
                               out_specs=spec(None, "rates"), check_vma=False)  # fmt: skip
    run = jax.jit(mapped)
    lr = jnp.asarray(case.lr)
    return lambda: np.asarray(run(lr, data, order))


def _layers(case: Case, inputs: dict[str, np.ndarray]) -> list[tuple[Any, Any]]:
    """[(w, b), ...] from optlab's leaves; the linear model's last row is its intercept."""
    if not case.hidden:
        w = jnp.asarray(inputs["start/w"])
        return [(w, jnp.zeros(()))]
    return [
        (jnp.asarray(inputs[f"start/w{i}"]), jnp.asarray(inputs[f"start/b{i}"]))
        for i in range(1, len(case.hidden) + 2)
    ]
