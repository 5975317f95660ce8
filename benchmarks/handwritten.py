"""What a good engineer writes by hand: optax, vmap over runs, scan over steps, one jit.

Pinned: this is the program that optlab is measured against, in two variants: as it stands, with
JAX's own defaults (all cores inside each operation), and through `handwritten_sharded.py`, with the
runs divided over one device a core. The faster of the two counts. The batch is shared by all runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax
from cases import POINTS, Case
from jax import numpy as jnp

jax.config.update("jax_enable_x64", True)


def rosenbrock(x: Any, batch: Any, data: Any) -> Any:
    return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def quadratic(x: Any, batch: Any, data: Any) -> Any:
    return 0.5 * jnp.sum(data["curvature"] * (x - data["center"]) ** 2)


def cross_entropy(params: Any, batch: Any, data: Any) -> Any:
    h, y = batch
    for i, (w, b) in enumerate(params):
        h = h @ w + b
        if i < len(params) - 1:
            h = jax.nn.relu(h)
    return optax.softmax_cross_entropy_with_integer_labels(h, y).mean()


def _optimizer(rule: str, hypers: dict[str, Any]) -> optax.GradientTransformation:
    if rule == "adam":
        others = {"b1": "beta1", "b2": "beta2", "eps": "eps"}
        told = {theirs: hypers[ours] for theirs, ours in others.items() if ours in hypers}
        return optax.adam(hypers["lr"], **told)
    if rule == "rmsprop":
        return optax.rmsprop(hypers["lr"], decay=hypers["beta"], eps=hypers["eps"])
    return optax.sgd(hypers["lr"], momentum=hypers["beta"])


def program(case: Case, inputs: dict[str, np.ndarray]) -> Callable[[], np.ndarray]:
    """A function that runs the case once: losses `(points + 1, runs)`."""
    kind = np.dtype(case.precision)
    network = case.hidden is not None
    loss = cross_entropy if network else quadratic if "data/center" in inputs else rosenbrock
    hypers = {name: jnp.asarray(inputs[f"hyper/{name}"], kind) for name in case.grid}
    data = {k[5:]: jnp.asarray(v, kind) for k, v in inputs.items() if k.startswith("data/")}
    if network:
        start: Any = _layers(case, inputs, kind)
        whole: Any = (jnp.asarray(inputs["X"], kind), jnp.asarray(inputs["y"]))
        order = jnp.asarray(inputs["stream"]).reshape(POINTS, case.steps // POINTS, -1)
    else:
        start, whole, order = jnp.asarray(inputs["x"], kind), None, None

    def train(start: Any, hypers: Any, whole: Any, order: Any) -> Any:
        optimizer = _optimizer(case.rule, hypers)

        def step(carry: Any, rows: Any) -> Any:
            params, state = carry
            batch = None if rows is None else (whole[0][rows], whole[1][rows])
            gradients = jax.grad(loss)(params, batch, data)
            updates, state = optimizer.update(gradients, state, params)
            return (optax.apply_updates(params, updates), state), None

        def stretch(carry: Any, rows: Any) -> Any:
            carry, _ = jax.lax.scan(step, carry, rows, length=case.steps // POINTS)
            return carry, loss(carry[0], whole, data)

        carry = (start, optimizer.init(start))
        _, losses = jax.lax.scan(stretch, carry, order, length=POINTS)
        return jnp.concatenate([loss(start, whole, data)[None], losses])

    by_run = None if network else 0
    mapped = jax.vmap(train, in_axes=(by_run, 0, None, None), out_axes=1)
    if jax.device_count() > 1:  # a share of the runs on each device
        spec, auto = jax.sharding.PartitionSpec, jax.sharding.AxisType.Auto
        share = math.gcd(jax.device_count(), case.runs)
        mesh = jax.make_mesh((share,), ("runs",), axis_types=(auto,), devices=jax.devices()[:share])
        mapped = jax.shard_map(
            mapped, mesh=mesh, out_specs=spec(None, "runs"), check_vma=False,
            in_specs=(spec() if network else spec("runs"), spec("runs"), spec(), spec()),
        )  # fmt: skip
    run = jax.jit(mapped)
    return lambda: np.asarray(run(start, hypers, whole, order))


def _layers(case: Case, inputs: dict[str, np.ndarray], kind: Any) -> list[tuple[Any, Any]]:
    """[(w (inputs, outputs), b), ...] from optlab's leaves; the linear model's last row is its intercept."""
    if not case.hidden:
        return [(jnp.asarray(inputs["start/w"].T, kind), jnp.zeros((), kind))]
    return [
        (jnp.asarray(inputs[f"start/w{i}"].T, kind), jnp.asarray(inputs[f"start/b{i}"], kind))
        for i in range(1, len(case.hidden) + 2)
    ]
