"""The hand-worked page: a two-layer ReLU network on one data point, and its given gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jax import numpy as jnp

from optlab import straight
from optlab.algebra import maximum
from optlab.problems.protocol import About, Minimum, Problem, family

__all__ = ["recorded_gradients", "relu_network"]

NAMES = ("w1", "b1", "w2", "b2")
START = {"w1": 0.5, "b1": 0.0, "w2": 0.3, "b2": 0.0}


def _forward(w1, b1, w2, b2, x_1, y):
    """Part A of the page: the hidden unit, the prediction, the loss."""
    h = maximum(0, w1 * x_1 + b1)
    y_hat = maximum(0, h * w2 + b2)
    L = (y - y_hat) ** 2 / 2
    return h, y_hat, L


FORWARD = straight.read(_forward)


def _network_loss(x_1: float, y: float) -> Any:
    def loss(x: Any, data: Any) -> Any:
        w1, b1, w2, b2 = x[0], x[1], x[2], x[3]
        return _forward(w1, b1, w2, b2, x_1, y)[2]

    return loss


@family
def relu_network(
    *, x: float = 2.0, y: float = 5.0, start: Mapping[str, float] | None = None
) -> Problem:
    """Two ReLU units in a row on one data point: w1, b1, w2, b2 and half the squared error."""
    given = None
    if start is not None:
        _same_names("start", start, NAMES)
        given = np.array([float(start[name]) for name in NAMES])
    solvable = y >= 0  # the last unit cannot be negative
    return Problem(
        name="relu_network",
        parameters={},
        loss=_network_loss(float(x), float(y)),
        about=About(
            dim=4, summary=f"two ReLU units in a row, x = {x:g}, y = {y:g}", separable=False,
            convex=False, source="the assignment",
        ),
        start=None if given is not None else lambda rng: np.array([0.5, 0, 0.3, 0]) + rng.normal(0.0, 0.5, 4),
        usual=np.array(list(START.values())) if given is None else None,
        given=given,
        minimum=Minimum(0.0, "closed form") if solvable else Minimum(y * y / 2, "closed form"),
        names=NAMES,
        forward=FORWARD,
        constants={"x_1": float(x), "y": float(y)},
    )  # fmt: skip


def _same_names(place: str, given: Mapping[str, Any], names: tuple[str, ...]) -> None:
    if set(given) != set(names):
        raise ValueError(f"{place}: give one value for each of {', '.join(names)}")


def _recorded(x: Any, batch: Any) -> Any:
    g = batch["gradients"][0]
    return jnp.broadcast_to(g.reshape((-1,) + (1,) * (x.ndim - 1)), x.shape)


def _mean_linear(x: Any, data: Any) -> Any:
    g = data["gradients"].mean(0)
    return (g.reshape((-1,) + (1,) * (x.ndim - 1)) * x).sum(0)


@family
def recorded_gradients(
    *, start: Mapping[str, float] | str = "relu_network", **gradients: list[float]
) -> Problem:
    """Given gradients, one a step, for named parameters: what a page works through by hand.

    With `start: relu_network` the start and the loss are that network's; with a start of one's own
    the loss is the mean of the linear functions that have these gradients.
    """
    if not gradients:
        raise ValueError("give each parameter its list of gradients, as in `w1: [-1.2, -0.8]`")
    lengths = {len(values) for values in gradients.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError("every parameter needs the same number of gradients, one a step")
    base = None
    if isinstance(start, str):
        if start != "relu_network":
            raise ValueError("start: must be `relu_network`, or a value for each parameter")
        base, start = relu_network(), START
    if set(start) != set(gradients):
        raise ValueError(f"start: names {', '.join(start)}; the gradients {', '.join(gradients)}")
    names = tuple(start)
    table = np.array([gradients[name] for name in names], dtype=float).T
    return Problem(
        name="recorded_gradients",
        parameters={},
        loss=base.loss if base else _mean_linear,
        data={"gradients": table},
        gradient=_recorded,
        about=About(dim=len(names), summary=f"{len(table)} given gradients", source="given"),
        given=np.array([float(start[name]) for name in names]),
        stream=lambda rng, steps: np.arange(steps, dtype=np.int32)[:, None],
        longest=len(table),
        names=names,
        forward=base.forward if base else None,
        constants=base.constants if base else {},
    )
