"""The functions a rule may call, on whatever kind of number it is given.

The same rule runs on JAX arrays (the engine), on NumPy float64 (a trace) and on mpmath numbers
(50 digits). Operators take care of themselves; these functions choose the library by the kind of
their arguments. Coordinates lie on axis 0, runs (if any) after it, so `norm` and `total` reduce
over axis 0 and broadcast over the rest.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = [
    "absolute",
    "cos",
    "exp",
    "log",
    "maximum",
    "minimum",
    "norm",
    "sign",
    "sin",
    "sqrt",
    "tanh",
    "total",
    "where",
]


def _plain(value: Any) -> Any:
    """The number inside an engine's step counter; anything else as it is."""
    return value.value if hasattr(value, "is_clock") else value


def _library(values: tuple[Any, ...]) -> str:
    # Looking the modules up in sys.modules keeps JAX and mpmath unloaded where nobody uses them:
    # a value of theirs cannot exist before they are imported.
    jax, mpmath = sys.modules.get("jax"), sys.modules.get("mpmath")
    if jax is not None and any(isinstance(v, jax.Array) for v in values):
        return "jax"
    exact = mpmath is not None and any(isinstance(v, mpmath.mpf) for v in values)
    if exact or any(isinstance(v, np.ndarray) and v.dtype == object for v in values):
        return "mpmath"
    return "numpy"


def _elementwise(name: str, exact: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """A function of numbers by its NumPy name; `exact` replaces mpmath's function of that name."""

    def function(*arguments: Any) -> Any:
        values = tuple(_plain(a) for a in arguments)
        library = _library(values)
        if library == "jax":
            return getattr(sys.modules["jax"].numpy, name)(*values)
        if library == "mpmath":
            scalar = exact if exact is not None else getattr(sys.modules["mpmath"], name)
            return np.frompyfunc(scalar, len(values), 1)(*values)
        return getattr(np, name)(*values)

    function.__name__ = name
    return function


sqrt = _elementwise("sqrt")
exp = _elementwise("exp")
log = _elementwise("log")
sin = _elementwise("sin")
cos = _elementwise("cos")
tanh = _elementwise("tanh")
sign = _elementwise("sign", exact=lambda a: a * 0 + (a > 0) - (a < 0))
absolute = _elementwise("absolute", exact=abs)
maximum = _elementwise("maximum", exact=lambda a, b: a if a >= b else b)
minimum = _elementwise("minimum", exact=lambda a, b: a if a <= b else b)
where = _elementwise("where", exact=lambda condition, a, b: a if condition else b)


def total(x: Any) -> Any:
    """The sum over coordinates (axis 0); a lone number is its own sum."""
    return x.sum(axis=0) if getattr(x, "ndim", 0) else x


def norm(x: Any) -> Any:
    """The Euclidean norm over coordinates (axis 0) of one leaf of the parameters."""
    return sqrt(total(x * x))
