"""A problem of one's own: one JAX function and a start."""

from jax import numpy as jnp

from optlab import problem, uniform


@problem(start=uniform(-3.0, 3.0, dim=2), minimum=0.0, window=((-4, 4), (-4, 4)))
def bowl(x, *, tilt=4.0):
    """A bowl that is steeper one way."""
    return x[0] ** 2 + tilt * x[1] ** 2


@problem(start=[3.0, -2.0], minimum=0.0)
def crease(x):
    """A valley with a sharp floor, always from the same start."""
    return jnp.abs(x[0]) + 0.1 * x[1] ** 2
