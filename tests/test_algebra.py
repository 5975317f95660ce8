"""The functions a rule may call, on each kind of number, against Python's `math`."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from optlab import algebra

ONE = {
    "absolute": abs,
    "cos": math.cos,
    "exp": math.exp,
    "log": math.log,
    "sign": lambda a: float((a > 0) - (a < 0)),
    "sin": math.sin,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
}
TWO = {"maximum": max, "minimum": min}
VALUES = {"log": [0.25, 3.0, 1e-9], "sqrt": [0.0, 0.25, 3.0, 1e-9]}
ANY = [-2.5, -0.0, 0.25, 3.0]


def jax_vector(values: list[Any]) -> Any:
    import jax
    from jax import numpy as jnp

    with jax.enable_x64(True):
        return jnp.asarray(values)


KINDS: dict[str, Callable[[list[Any]], Any]] = {
    "numpy": np.array,
    "jax": jax_vector,
    "mpmath": lambda values: np.array([mpmath.mpf(v) for v in values]),
}


def inside(kind: str, name: str, *vectors: list[Any]) -> list[float]:
    """The function on vectors of a kind; the answer must be of that kind, and comes as floats."""
    import jax

    with jax.enable_x64(True), mpmath.workdps(50):
        given = [KINDS[kind](v) for v in vectors]
        result = getattr(algebra, name)(*given)
        assert type(result) is type(given[0])
        if kind == "mpmath":
            assert all(isinstance(r, mpmath.mpf) for r in result)
        return [float(r) for r in result]


def test_every_function_is_tested() -> None:
    assert sorted([*ONE, *TWO, "where", "norm", "total"]) == algebra.__all__


@pytest.mark.parametrize("name", ONE)
def test_on_floats(name: str) -> None:
    for value in VALUES.get(name, ANY):
        assert getattr(algebra, name)(value) == pytest.approx(ONE[name](value), rel=4e-16)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ONE)
def test_on_vectors(name: str, kind: str) -> None:
    values = VALUES.get(name, ANY)
    expected = [ONE[name](v) for v in values]
    assert inside(kind, name, values) == pytest.approx(expected, rel=1e-15, abs=1e-300)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", TWO)
def test_of_two_vectors(name: str, kind: str) -> None:
    a, b = [1.0, -2.0, 3.0, 0.5], [2.0, -3.0, 3.0, math.inf]
    assert inside(kind, name, a, b) == [TWO[name](p, q) for p, q in zip(a, b, strict=True)]


@pytest.mark.parametrize("name", ["sqrt", "exp", "log", "sin", "cos", "tanh"])
def test_mpmath_keeps_its_digits(name: str) -> None:
    with mpmath.workdps(50):
        value = mpmath.mpf(1) / 3
        assert getattr(algebra, name)(value) == getattr(mpmath, name)(value)


@pytest.mark.parametrize("kind", KINDS)
def test_where(kind: str) -> None:
    import jax

    with jax.enable_x64(True):
        a = KINDS[kind]([1.0, -2.0, 3.0])
        assert [float(v) for v in algebra.where(a > 0, a, -a)] == [1, 2, 3]
        assert [float(v) for v in algebra.where(a > 0, a, 0.0)] == [1, 0, 3]


@pytest.mark.parametrize("kind", KINDS)
def test_norm_and_total_go_over_coordinates_only(kind: str) -> None:
    import jax

    with jax.enable_x64(True):
        table = KINDS[kind]([3.0, 1.0, 4.0, 0.0]).reshape(2, 2)  # 2 coordinates, 2 runs
        assert [float(v) for v in algebra.norm(table)] == [5, 1]
        assert [float(v) for v in algebra.total(table)] == [7, 1]
        assert float(algebra.norm(table[:, 0])) == 5


def test_norm_and_total_of_one_number() -> None:
    assert algebra.norm(-3.0) == 3
    assert algebra.total(-3.0) == -3
    assert algebra.norm(mpmath.mpf(-3)) == 3


def test_a_number_among_exact_ones_becomes_exact() -> None:
    with mpmath.workdps(50):
        assert isinstance(algebra.maximum(mpmath.mpf(2), 1.0), mpmath.mpf)
        assert isinstance(algebra.sqrt(mpmath.mpf(2)), mpmath.mpf)


def test_under_jit_and_grad() -> None:
    import jax
    from jax import numpy as jnp

    with jax.enable_x64(True):
        slope = jax.jit(jax.grad(algebra.norm))(jnp.asarray([3.0, -4.0]))
        np.testing.assert_allclose(slope, [0.6, -0.8], rtol=1e-15)


def test_a_step_counter_is_the_number_in_it() -> None:
    class Counter:
        is_clock = True
        value = 9.0

    assert algebra.sqrt(Counter()) == 3
    assert algebra.maximum(Counter(), 10.0) == 10


def test_neither_jax_nor_mpmath_is_loaded_by_it() -> None:
    code = (
        "import sys; from optlab import algebra, rule; algebra.sqrt(4.0); "
        "print([m for m in ('jax', 'mpmath') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "[]\n"
