"""Laws over every problem in the registry: a new family is held to them by being registered."""

import hashlib
import os
import subprocess
import sys
from functools import lru_cache

import jax
import numpy as np
import pytest

from optlab.problems import REGISTRY, Minimum

GRADIENTS = {"w1": [-1.2, -0.8], "b1": [-0.6, -0.4], "w2": [-2.0, -1.5], "b2": [-1.0, -0.5]}
NEEDED = {"recorded_gradients": GRADIENTS}
MORE = [
    ("quadratic", {"dim": 1, "condition": 1.0}),
    ("quadratic", {"dim": 7, "condition": 1e4, "largest": 20.0}),
    ("quadratic", {"dim": 7, "condition": 1e4, "rotated": True}),
    ("quadratic", {"rotated": True, "shifted": False}),
    ("quadratic", {"dim": 3, "start": [1.0, 0.0, -2.0], "noise": 0.5}),
    ("huber", {"dim": 3, "corner": 5.0, "largest": 2.0}),
    ("huber", {"dim": 1, "corner": 1 / 41, "start": [1.0]}),
    ("nesterov_chain", {"dim": 1}),
    ("nesterov_chain", {"dim": 4, "largest": 7.0}),
    ("rosenbrock", {"dim": 10}),
    ("rastrigin", {"dim": 5}),
    ("relu_network", {"x": -1.0, "y": -2.0}),
    ("relu_network", {"start": {"w1": 1.0, "b1": 0.5, "w2": -0.2, "b2": 0.9}}),
    ("recorded_gradients", {"start": {"a": 1.0, "b": 2.0}, "a": [1.0], "b": [3.0]}),
    ("linear_regression", {"l2": 0.0, "batch": 32}),
    ("logistic_regression", {"l2": 0.0, "batch": 32}),
    ("softmax_regression", {"data": "iris", "l2": 0.1, "batch": "full"}),
    ("softmax_regression", {"data": "breast_cancer", "batch": 16}),
    ("mlp", {"hidden": [8, 6], "activation": "tanh", "l2": 0.01}),
    ("mlp", {"data": "diabetes", "hidden": [5], "l2": 0.01, "batch": "full"}),
    ("mlp", {"data": "wine", "batch": 10}),
]
CASES = [(name, NEEDED.get(name, {})) for name in REGISTRY] + MORE
IDS = [f"{i}-{name}" for i, (name, _) in enumerate(CASES)]


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


@lru_cache
def made(case):
    name, parameters = CASES[case]
    return REGISTRY[name](**parameters)


@pytest.fixture(params=range(len(CASES)), ids=IDS)
def problem(request):
    return made(request.param)


@pytest.fixture
def value_and_slope(problem):
    """The loss and its gradient at some parameters, compiled."""
    both = compiled(problem.loss)
    return lambda params: both(params, problem.data)


@lru_cache
def compiled(loss):
    return jax.jit(jax.value_and_grad(loss))


def start_of(problem, seed=0):
    if problem.given is not None:
        return problem.given
    return problem.start(np.random.default_rng(seed))


def moved(params, scale, direction):
    return jax.tree.map(lambda p, d: p + scale * d, params, direction)


def direction_of(params, rng):
    """A random direction of length 1."""
    drawn = jax.tree.map(lambda p: rng.standard_normal(np.shape(p)), params)
    length = np.sqrt(sum((leaf**2).sum() for leaf in jax.tree.leaves(drawn)))
    return jax.tree.map(lambda d: d / length, drawn)


def inner(a, b):
    return sum(np.sum(p * q) for p, q in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


def test_gradient_is_the_slope_of_the_loss(problem, value_and_slope):
    rng = np.random.default_rng(1)
    params = start_of(problem)
    _, gradient = value_and_slope(params)
    for _ in range(3):
        d = direction_of(params, rng)
        h = 1e-5
        up, down = (float(value_and_slope(moved(params, s * h, d))[0]) for s in (1, -1))
        slope = (up - down) / (2 * h)
        scale = max(1.0, np.sqrt(inner(gradient, gradient)))
        assert inner(gradient, d) == pytest.approx(slope, abs=1e-6 * scale)


def test_curvature_is_within_the_stated_bounds(problem):
    if problem.about.curvature is None:
        pytest.skip("states no curvature")
    m, L = problem.about.curvature
    rng = np.random.default_rng(2)

    @jax.jit
    def bend(params, d):
        slope = jax.grad(problem.loss)
        return jax.jvp(lambda p: slope(p, problem.data), (params,), (d,))[1]

    for seed in range(3):
        params = start_of(problem, seed)
        d = direction_of(params, rng)
        for _ in range(15):  # power iteration: towards the largest curvature
            new = bend(params, d)
            assert m * (1 - 1e-9) - 1e-15 <= inner(d, new) <= L * (1 + 1e-9)
            length = np.sqrt(inner(new, new))
            if length == 0:
                break  # no curvature here
            d = jax.tree.map(lambda p, length=length: p / length, new)


def test_a_minimum_that_is_located_has_its_value_and_no_slope(problem, value_and_slope):
    known = problem.minimum
    if not isinstance(known, Minimum) or not known.at:
        pytest.skip("states no place")
    for place in known.at:
        value, slope = value_and_slope(np.array(place))
        assert float(value) == pytest.approx(known.value, abs=max(1e-20, known.error))
        np.testing.assert_allclose(slope, 0.0, atol=2e-12)


def test_no_point_lies_below_the_stated_minimum(problem, value_and_slope):
    if problem.minimum is None:
        pytest.skip("states no minimum")
    known = problem.minimum() if callable(problem.minimum) else problem.minimum
    assert np.isfinite(known.value)
    assert 0 <= known.error < 1e-15
    params = start_of(problem)
    step = 1e-4 if problem.about.curvature is None else 1 / problem.about.curvature[1]
    for _ in range(20):
        value, slope = value_and_slope(params)
        assert value >= known.value - known.error
        params = jax.tree.map(lambda p, s: p - step * np.asarray(s), params, slope)


def test_starts_are_float64_of_the_stated_dimension_and_follow_the_seed(problem):
    params = start_of(problem)
    leaves = jax.tree.leaves(params)
    assert all(np.asarray(leaf).dtype == np.float64 for leaf in leaves)
    assert sum(np.size(leaf) for leaf in leaves) == problem.about.dim
    if problem.layout == "tree":
        assert isinstance(params, dict)
    else:
        assert np.shape(params) == (problem.about.dim,)
    if problem.start is not None:
        assert jax.tree.all(jax.tree.map(np.array_equal, params, start_of(problem)))
        assert not jax.tree.all(jax.tree.map(np.array_equal, params, start_of(problem, 1)))


def test_one_loss_serves_a_point_runs_and_a_picture(problem):
    if problem.layout != "coordinates":
        pytest.skip("a tree")
    dim = problem.about.dim
    x = np.random.default_rng(3).normal(0.5, 1.0, (dim, 3, 4))
    loss = jax.jit(problem.loss)  # one program a shape, not one for each of its operations
    grid = np.asarray(loss(x, problem.data))
    runs = np.asarray(loss(x.reshape(dim, 12), problem.data))
    each = [float(loss(p, problem.data)) for p in x.reshape(dim, 12).T]
    assert grid.shape == (3, 4)
    np.testing.assert_allclose(runs, each, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(grid.ravel(), each, rtol=1e-13, atol=1e-13)


def test_float32_stays_float32(problem, value_and_slope):
    def narrow(a):
        return np.asarray(a, np.float32) if np.asarray(a).dtype.kind == "f" else a

    wide = start_of(problem)
    params, data, test = jax.tree.map(narrow, (wide, problem.data, problem.test))
    loss, gradient = compiled(problem.loss)(params, data)
    assert {leaf.dtype for leaf in jax.tree.leaves((loss, gradient))} == {np.dtype("float32")}
    assert float(loss) == pytest.approx(float(value_and_slope(wide)[0]), rel=1e-4)
    for metric in problem.metrics.values():
        seen = jax.eval_shape(metric, params, {"train": data, "test": test})
        assert seen.shape == ()
        assert seen.dtype == np.float32


def test_a_stream_names_rows_of_the_data(problem):
    if problem.stream is None:
        pytest.skip("every step sees all")
    steps = problem.longest or 2 * problem.epoch + 1
    order = problem.stream(np.random.default_rng(4), steps)
    assert order.dtype == np.int32
    assert order.shape[0] == steps
    rows = {len(leaf) for leaf in jax.tree.leaves(problem.data)}
    assert len(rows) == 1
    assert order.min() >= 0
    assert order.max() < rows.pop()


def test_a_family_answers_for_its_parameters(problem):
    family = REGISTRY[problem.name]
    named = {n for n, p in family.signature.parameters.items() if p.kind is p.KEYWORD_ONLY}
    assert problem.parameters.keys() >= named
    assert family.summary
    assert problem.about.summary


def digests():
    """A fingerprint of all data, starts and streams."""
    seen = hashlib.sha256()
    for problem in map(made, range(len(CASES))):
        parts = [problem.data, problem.test, start_of(problem), problem.about.curvature]
        if problem.stream is not None:
            parts.append(problem.stream(np.random.default_rng(5), problem.longest or 100))
        for leaf in jax.tree.leaves(parts):
            seen.update(np.ascontiguousarray(leaf).tobytes())
    return seen.hexdigest()


def test_another_process_makes_the_same_problems():
    path = os.pathsep.join([os.path.dirname(os.path.abspath(__file__)), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", f"import {__name__} as laws; print(laws.digests())"],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": path},
    )  # fmt: skip
    assert done.stdout.strip() == digests(), done.stderr
