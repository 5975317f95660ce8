"""Every rule against oracles that share no code with it: PyTorch, optax, 50 digits, the formulas of
the papers as sums over all past gradients, and closed forms.

Oracles that keep a state are set to the rule's own state before each step, so that single steps are
compared and nothing can hide in a long path. Rates change in every step, which tells apart what is
the same while they are constant.
"""

from __future__ import annotations

import inspect
import math
import zlib
from functools import cache
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest

from optlab.algebra import sqrt
from optlab.rules import REGISTRY, X0, Rule, make_rule
from optlab.straight import FormError
from optlab.vocabulary import look_up

STEPS, DIM, DRAWS = 200, 4, 50
RULES = sorted(REGISTRY)


def once(rule: Rule, x: Any, g: Any, t: Any, states: Any, hypers: Any) -> tuple[Any, ...]:
    """One update by the rule's own function: x, then the states."""
    given = {"x": x, "g": g, "t": t}
    result = rule.form.function(*(given[n] for n in rule.form.inputs), *states, **hypers)
    return result if isinstance(result, tuple) else (result,)


class Walk(NamedTuple):
    """A rule's updates from the origin, where no digit is lost in adding them to x, with its states
    before and after. Arrays are (steps, dim, draws), hypers (steps, draws)."""

    gradients: np.ndarray
    hypers: dict[str, np.ndarray]
    before: tuple[np.ndarray, ...]
    updates: np.ndarray
    after: tuple[np.ndarray, ...]

    def at(self, k: int) -> dict[str, np.ndarray]:
        return {name: values[k] for name, values in self.hypers.items()}


@cache
def walk(name: str) -> Walk:
    """50 random settings, each with 200 random gradients of its own scale."""
    rule = REGISTRY[name]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    scale = 10 ** rng.uniform(-4, 4, DRAWS) * 10 ** rng.uniform(-1, 1, (STEPS, 1, 1))
    gradients = scale * rng.standard_normal((STEPS, DIM, DRAWS))
    hypers = {n: draw(n, rng) for n in rule.hypers}
    states = tuple(np.full((DIM, DRAWS), float(s)) for s in rule.states.values())
    origin = np.zeros((DIM, DRAWS))
    before, updates, after = [], [], []
    for k in range(STEPS):
        now = {n: values[k] for n, values in hypers.items()}
        x, *new = once(rule, origin, gradients[k], k + 1, states, now)
        before.append(states)
        updates.append(x)
        after.append(new)
        states = tuple(new)
    columns = tuple(np.array(s) for s in zip(*before, strict=True))
    return Walk(gradients, hypers, columns, np.array(updates),
                tuple(np.array(s) for s in zip(*after, strict=True)))  # fmt: skip


def draw(name: str, rng: np.random.Generator) -> np.ndarray:
    """Values (steps, draws) of a hyperparameter over its natural range; rates change in time."""
    if name == "lr":
        return 10 ** rng.uniform(-5, 1, DRAWS) * 10 ** rng.uniform(-1, 1, (STEPS, 1))
    if name == "eps":
        return np.tile(10 ** rng.uniform(-12, -1, DRAWS), (STEPS, 1))
    assert look_up(name).scale == "one_minus_log", f"say here how to draw {name}"
    values = 1 - 10 ** rng.uniform(-4, -0.1, DRAWS)
    values[0] = 0.0
    values[1] = 0.9999 if name == "beta2" else 0.999
    return np.tile(values, (STEPS, 1))


def agree(ours: np.ndarray, theirs: np.ndarray, tolerance: float = 1e-12) -> None:
    """Equal to `tolerance` of the largest coordinate (axis -2), so that one that cancels to almost
    nothing counts by the size of what cancelled."""
    size = np.abs(theirs).max(axis=-2, keepdims=True)
    off = np.abs(ours - theirs) / np.where(size == 0, 1, size)
    assert off.max() <= tolerance, f"off by {off.max():.2e} of the largest coordinate"


# ---------------------------------------------------------------- PyTorch

TORCH: dict[str, tuple[str, dict[str, Any], dict[str, str], dict[str, str]]] = {
    # ours: (class, fixed arguments, its argument -> our hyper, its state -> our state)
    "sgd": ("SGD", {}, {"lr": "lr"}, {}),
    "momentum": ("SGD", {}, {"lr": "lr", "momentum": "beta"}, {"momentum_buffer": "v"}),
    "momentum_pytorch": ("SGD", {}, {"lr": "lr", "momentum": "beta"}, {"momentum_buffer": "v"}),
    "nesterov": (
        "SGD", {"nesterov": True, "momentum": 0.5}, {"lr": "lr", "momentum": "beta"},
        {"momentum_buffer": "v"},
    ),
    "rmsprop_pytorch": (
        "RMSprop", {}, {"lr": "lr", "alpha": "beta", "eps": "eps"}, {"square_avg": "s"},
    ),
    "adam": ("Adam", {}, {"lr": "lr", "eps": "eps"}, {"exp_avg": "m", "exp_avg_sq": "v"}),
    "adam_eps_hat": ("Adam", {}, {"lr": "lr", "eps": "eps"}, {"exp_avg": "m", "exp_avg_sq": "v"}),
}  # fmt: skip


@pytest.mark.parametrize("name", TORCH)
def test_each_step_is_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    rule, path = REGISTRY[name], walk(name)
    kind, arguments, theirs, buffers = TORCH[name]
    shared = {key: torch.zeros(DRAWS, DIM, dtype=torch.float64) for key in ("x", "g", *buffers)}
    points = [shared["x"][i] for i in range(DRAWS)]
    optimizer = getattr(torch.optim, kind)([{"params": [p]} for p in points], foreach=False,
                                           **arguments)  # fmt: skip
    for i, point in enumerate(points):
        point.grad = shared["g"][i]
        optimizer.state[point] = {key: shared[key][i] for key in buffers}
    order = list(rule.states)
    for k in range(STEPS):
        hypers = path.at(k)
        # Where the rate stands inside the velocity, PyTorch's velocity is ours without it.
        unit = hypers["lr"] if name == "momentum" else 1.0
        shared["x"].zero_()
        shared["g"].copy_(torch.from_numpy(path.gradients[k].T))
        for key, ours in buffers.items():
            shared[key].copy_(torch.from_numpy((path.before[order.index(ours)][k] / unit).T))
        for i, group in enumerate(optimizer.param_groups):
            group |= {key: float(hypers[ours][i]) for key, ours in theirs.items()}
            if kind == "Adam":
                group["betas"] = (float(hypers["beta1"][i]), float(hypers["beta2"][i]))
            if name == "adam_eps_hat":  # the paper: eps = eps_hat / sqrt(1 - beta2^t)
                group["eps"] /= math.sqrt(1 - group["betas"][1] ** (k + 1))
            if kind != "SGD":
                optimizer.state[points[i]]["step"] = torch.tensor(float(k), dtype=torch.float64)
        optimizer.step()
        agree(path.updates[k], shared["x"].numpy().T)
        # Without momentum PyTorch does not keep the velocity up.
        kept = hypers["beta"] > 0 if kind == "SGD" and buffers else slice(None)
        for key, ours in buffers.items():
            expected = shared[key].numpy().T * unit
            agree(path.after[order.index(ours)][k][:, kept], expected[:, kept])


# ---------------------------------------------------------------- optax

OPTAX: dict[str, tuple[str, dict[str, Any], dict[str, str], dict[str, str]]] = {
    "sgd": ("sgd", {}, {"learning_rate": "lr"}, {}),
    "momentum_pytorch": ("sgd", {}, {"learning_rate": "lr", "momentum": "beta"}, {"trace": "v"}),
    "nesterov": (
        "sgd", {"nesterov": True}, {"learning_rate": "lr", "momentum": "beta"}, {"trace": "v"},
    ),
    "rmsprop": (
        "rmsprop", {}, {"learning_rate": "lr", "decay": "beta", "eps": "eps"}, {"nu": "s"},
    ),
    "rmsprop_pytorch": (
        "rmsprop", {"eps_in_sqrt": False},
        {"learning_rate": "lr", "decay": "beta", "eps": "eps"}, {"nu": "s"},
    ),
    "adam": (
        "adam", {}, {"learning_rate": "lr", "b1": "beta1", "b2": "beta2", "eps": "eps"},
        {"mu": "m", "nu": "v"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OPTAX)
def test_each_step_is_optaxs(name: str) -> None:
    import jax
    import optax

    rule, path = REGISTRY[name], walk(name)
    kind, arguments, theirs, buffers = OPTAX[name]
    order = list(rule.states)

    def one(g: Any, t: Any, hypers: Any, states: Any) -> Any:
        given = {key: hypers[ours] for key, ours in theirs.items()}
        transformation = getattr(optax, kind)(**arguments, **given)
        state = transformation.init(g)
        known = {key: states[order.index(ours)] for key, ours in buffers.items()}
        if "m" in order:
            known["count"] = t - 1
        update, new = transformation.update(g, optax.tree.set(state, **known), g)
        return update, [optax.tree.get(new, key) for key in buffers]

    with jax.enable_x64(True):
        over_draws = jax.vmap(one, in_axes=(-1, None, 0, -1), out_axes=-1)
        updates, after = jax.jit(jax.vmap(over_draws))(
            path.gradients, np.arange(1, STEPS + 1), path.hypers, path.before
        )
    agree(path.updates, np.asarray(updates))
    for ours, expected in zip(buffers.values(), after, strict=True):
        agree(path.after[order.index(ours)], np.asarray(expected))


# ---------------------------------------------------------------- 50 digits


@pytest.mark.parametrize("name", RULES)
def test_rounding_is_that_of_doubles(name: str) -> None:
    """The same function on 50 digits: what a double loses in one step is a few last places, and
    1 / (1 - beta**t) of them where the bias correction cancels."""
    rule, path = REGISTRY[name], walk(name)
    exact = np.frompyfunc(mpmath.mpf, 1, 1)
    with mpmath.workdps(50):
        for k in (0, 1, 2, 10, STEPS - 1):
            states = [exact(s[k]) for s in path.before]
            hypers = {n: exact(v) for n, v in path.at(k).items()}
            x, *new = once(rule, exact(np.zeros((DIM, DRAWS))), exact(path.gradients[k]), k + 1,
                           states, hypers)  # fmt: skip
            agree(path.updates[k], x.astype(float), 2e-12)
            for ours, expected in zip(path.after, new, strict=True):
                agree(ours[k], expected.astype(float), 1e-15)


# ---------------------------------------------------------------- the papers, without recursion


def decayed(values: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """sum_i beta^(t-i) values_i over i = 1..t, for every t; `beta` (steps, draws) is constant."""
    t = np.arange(STEPS)
    ages = t[:, None] - t
    weights = np.where(ages[..., None] >= 0, beta[0] ** np.maximum(ages, 0)[..., None], 0.0)
    return np.einsum("tin,idn->tdn", weights, values)


def mean(values: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """The weighted mean over the past, weights beta^(t-i): what bias correction amounts to."""
    return decayed(values, beta) / decayed(np.ones_like(values), beta)


def wide(values: np.ndarray) -> np.ndarray:
    return values[:, None, :]


def bias(beta: np.ndarray) -> np.ndarray:
    return wide(1 - beta ** np.arange(1, STEPS + 1)[:, None])


PAPERS = {
    "sgd": lambda g, lr: -lr * g,
    "momentum": lambda g, lr, beta: -decayed(lr * g, beta),
    "momentum_pytorch": lambda g, lr, beta: -lr * decayed(g, beta),
    "ema": lambda g, lr, beta: -lr * wide(1 - beta) * decayed(g, beta),
    "nesterov": lambda g, lr, beta: -lr * (g + wide(beta) * decayed(g, beta)),
    "rmsprop": lambda g, lr, beta, eps: (
        -lr * g / np.sqrt(wide(1 - beta) * decayed(g**2, beta) + wide(eps))
    ),
    "rmsprop_pytorch": lambda g, lr, beta, eps: (
        -lr * g / (np.sqrt(wide(1 - beta) * decayed(g**2, beta)) + wide(eps))
    ),
    "adam": lambda g, lr, beta1, beta2, eps: (
        -lr * mean(g, beta1) / (np.sqrt(mean(g**2, beta2)) + wide(eps))
    ),
    "adam_eps_hat": lambda g, lr, beta1, beta2, eps: (
        -lr * mean(g, beta1) / (np.sqrt(mean(g**2, beta2)) + wide(eps) / np.sqrt(bias(beta2)))
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_the_whole_path_is_the_papers(name: str) -> None:
    path = walk(name)
    hypers = path.hypers | {"lr": wide(path.hypers["lr"])}
    agree(path.updates, PAPERS[name](path.gradients, **hypers), 1e-11)


@pytest.mark.parametrize("name", RULES)
def test_a_step_goes_out_from_x(name: str) -> None:
    rule, path = REGISTRY[name], walk(name)
    x = np.random.default_rng(7).standard_normal((DIM, DRAWS))
    for k in (0, 5, STEPS - 1):
        moved, *_ = once(rule, x, path.gradients[k], k + 1, [s[k] for s in path.before], path.at(k))
        np.testing.assert_array_max_ulp(moved, x + path.updates[k], 1)


# ---------------------------------------------------------------- closed forms


def positions(name: str, x: Any, gradient: Any, steps: int, **hypers: Any) -> list[Any]:
    """x after each step on `gradient(x)`, in NumPy."""
    rule = REGISTRY[name]
    hypers = rule.hypers | hypers
    x = np.asarray(x, dtype=float)
    states = [np.full_like(x, s) for s in rule.states.values()]
    found = []
    for t in range(1, steps + 1):
        x, *states = once(rule, x, gradient(x), t, states, hypers)
        found.append(x)
    return found


G = np.array([3e-3, -1.0, 700.0])
T = np.arange(1, 301)[:, None]


def test_adams_first_step() -> None:
    [x] = positions("adam", 0 * G, lambda x: G, 1, lr=0.1, eps=1e-3)
    np.testing.assert_allclose(x, -0.1 * G / (np.abs(G) + 1e-3), rtol=1e-13)


def test_eps_hat_weighs_more_in_the_first_step() -> None:
    [x] = positions("adam_eps_hat", 0 * G, lambda x: G, 1, lr=0.1, eps=1e-3, beta2=0.99)
    np.testing.assert_allclose(x, -0.1 * G / (np.abs(G) + 1e-3 / math.sqrt(0.01)), rtol=1e-13)


def test_adam_on_a_constant_gradient_walks_evenly() -> None:
    found = positions("adam", 0 * G, lambda x: G, 300, lr=0.1, eps=1e-3, beta1=0.97, beta2=0.995)
    np.testing.assert_allclose(found, -0.1 * T * G / (np.abs(G) + 1e-3), rtol=1e-12)


@pytest.mark.parametrize(("t", "largest"), [(2, 1.00136), (5, 1.0108), (50, 1.6143), (500, 4.5613)])
def test_adams_step_can_exceed_the_rate(t: int, largest: float) -> None:
    """The gradients (b1/b2)^(t-i) reach the supremum of |step| / lr at step t."""
    gradients = iter((0.9 / 0.999) ** np.arange(t - 1, -1, -1.0))
    found = positions("adam", [0.0], lambda x: next(gradients), t, lr=1.0, eps=0.0)
    step = abs((found[-1] - found[-2])[0])
    r = 0.9**2 / 0.999
    exact = (0.1 / (1 - 0.9**t)) * math.sqrt((1 - 0.999**t) / 0.001 * (1 - r**t) / (1 - r))
    assert step == pytest.approx(exact, rel=1e-9)
    assert step == pytest.approx(largest, abs=6e-5)


@pytest.mark.parametrize("name", ["rmsprop", "rmsprop_pytorch"])
def test_rmsprop_on_a_constant_gradient_starts_ten_times_too_fast(name: str) -> None:
    found = positions(name, 0 * G, lambda x: G, 300, lr=0.1, beta=0.99, eps=0.0)
    steps = np.diff(found, axis=0, prepend=0 * G[None])
    np.testing.assert_allclose(steps, -0.1 * np.sign(G) / np.sqrt(1 - 0.99**T), rtol=1e-11)


@pytest.mark.parametrize("name", ["rmsprop", "rmsprop_pytorch"])
@pytest.mark.parametrize("beta", [0.5, 0.9, 0.99])
def test_rmsprop_ends_in_a_two_cycle(name: str, beta: float) -> None:
    """On curvature h and at rate a it ends jumping between +a/2 and -a/2, at a loss h a^2 / 8."""
    found = positions(name, [1.0], lambda x: 3 * x, 20_000, lr=0.01, beta=beta, eps=0.0)
    np.testing.assert_allclose(np.abs(found[-2:]), 0.005, rtol=1e-9)
    assert found[-1] * found[-2] < 0


def test_rmsprop_without_memory_is_sign_descent() -> None:
    found = positions("rmsprop", [1.0], lambda x: x, 6, lr=0.3, beta=0.0, eps=0.0)
    np.testing.assert_allclose(np.ravel(found), [0.7, 0.4, 0.1, -0.2, 0.1, -0.2], atol=1e-15)


def test_adam_without_memory_is_sign_descent() -> None:
    found = positions("adam", G, lambda x: x, 5, lr=0.3, beta1=0.0, beta2=0.0, eps=0.0)
    x = G
    for ours in found:
        x = x - 0.3 * np.sign(x)
        np.testing.assert_allclose(ours, x, rtol=1e-13)


def test_velocity_on_a_constant_gradient() -> None:
    a, b = 0.1, 0.9
    heavy = -a * G / (1 - b) * (T - b * (1 - b**T) / (1 - b))
    look_ahead = -a * G * (T * (1 + b / (1 - b)) - b**2 * (1 - b**T) / (1 - b) ** 2)
    for name, exact in (("momentum", heavy), ("momentum_pytorch", heavy), ("nesterov", look_ahead)):
        found = positions(name, 0 * G, lambda x: G, 300, lr=a, beta=b)
        np.testing.assert_allclose(found, exact, rtol=1e-12, err_msg=name)


def test_gradient_descent_on_a_bowl() -> None:
    """At rate 2/(L + m) each step multiplies by r (1, -1), r = (k - 1)/(k + 1)."""
    curvature = np.array([1.0, 100.0])
    found = positions("sgd", [1.0, 1.0], lambda x: curvature * x, 691, lr=2 / 101)
    r = 99 / 101
    np.testing.assert_allclose(np.abs(found), r ** np.arange(1, 692)[:, None] * [1, 1], rtol=1e-11)
    sizes = np.linalg.norm(found, axis=1) / math.sqrt(2)
    assert (sizes <= 1e-6).argmax() + 1 == 691


@pytest.mark.parametrize("name", ["momentum", "momentum_pytorch"])
@pytest.mark.parametrize(("k", "steps"), [(10, 27), (100, 93), (1000, 315)])
def test_the_best_heavy_ball(name: str, k: int, steps: int) -> None:
    """Polyak's tuning has double roots: x_m = r^t (1 + t(1-r)), x_L = (-r)^t (1 + t(1+r))."""
    r = (math.sqrt(k) - 1) / (math.sqrt(k) + 1)
    curvature = np.array([1.0, float(k)])
    found = np.array(positions(name, [1.0, 1.0], lambda x: curvature * x, steps,
                               lr=4 / (math.sqrt(k) + 1) ** 2, beta=r**2))  # fmt: skip
    t = np.arange(1, steps + 1)
    exact = np.stack([r**t * (1 + t * (1 - r)), (-r) ** t * (1 + t * (1 + r))], axis=1)
    np.testing.assert_allclose(found, exact, rtol=1e-8, atol=1e-13)
    sizes = np.linalg.norm(found, axis=1) / math.sqrt(2)
    assert (sizes <= 1e-6).argmax() + 1 == steps


LIMITED = [name for name in RULES if REGISTRY[name].limit is not None]
KNOWN_LIMITS = {
    "sgd": 2.0, "momentum": 3.8, "momentum_pytorch": 3.8, "nesterov": 1.357142857, "ema": 38.0,
}  # fmt: skip


def test_known_limits() -> None:
    for name, known in KNOWN_LIMITS.items():
        assert limit(name, L=1.0, beta=0.9) == pytest.approx(known, rel=1e-9)
    assert sorted(KNOWN_LIMITS) == LIMITED


def limit(name: str, **known: Any) -> Any:
    """The rule's largest stable rate; `L` and whichever hyperparameters it depends on."""
    function = REGISTRY[name].limit
    assert function is not None
    return function(**{n: known[n] for n in inspect.signature(function).parameters})


@pytest.mark.parametrize("name", LIMITED)
def test_below_the_limit_converges_and_above_diverges(name: str) -> None:
    betas = np.array([0.0, 0.3, 0.9, 0.99])
    L = np.array([1.0, 37.0, 0.01, 1.0])
    edge = limit(name, L=L, beta=betas)
    memory = {"beta": betas} if "beta" in REGISTRY[name].hypers else {}
    for factor, converges in ((0.999, True), (1.001, False)):
        found = positions(name, np.ones(4), lambda x: L * x, 5_000, lr=factor * edge, **memory)
        size = np.abs(found[-2:]).max(axis=0)
        assert (size < 1e-3 if converges else size > 1e3).all(), (factor, size)


@pytest.mark.parametrize("name", [n for n in RULES if "eps" in REGISTRY[n].hypers])
def test_without_eps_the_scale_of_a_coordinate_does_not_matter_bitwise(name: str) -> None:
    powers = np.array([1.0, 2.0**-20, 2.0**13])
    plain, scaled = (
        positions(name, [1.0, 2.0, -3.0], lambda x, s=s: s * np.sin(3 * x), 300, lr=0.03, eps=0.0)
        for s in (np.ones(3), powers)
    )
    np.testing.assert_array_equal(plain, scaled)


# ---------------------------------------------------------------- declarations


def test_powers() -> None:
    found = {name: rule.powers for name, rule in REGISTRY.items() if rule.powers}
    assert found == {"adam": ("beta1", "beta2"), "adam_eps_hat": ("beta1", "beta2")}


def own(x, g, t, m=0.0, z=X0, *, lr=0.1, beta=0.5, c=2.0):
    """Step, and average."""
    m = beta * m + g / (1 + c**t) + beta**2
    x = x - lr * m / sqrt(t)
    z = z + (x - z) / (t + 1)
    return x, m, z


def test_a_name_that_may_be_negative_is_no_power() -> None:
    assert make_rule(own).powers == ()


@pytest.mark.parametrize("name", RULES)
def test_declaration(name: str) -> None:
    rule = REGISTRY[name]
    assert rule.name == name
    assert len(rule.citation) > 20
    assert len(rule.convention) > 20
    assert rule.summary.endswith(".")
    assert bool(rule.limit_formula) == (rule.limit is not None)
    assert bool(rule.settled_formula) == (rule.settled is not None)
    for hyper, default in rule.hypers.items():
        assert default in look_up(hyper).interval


@pytest.mark.parametrize("name", RULES)
def test_a_settled_step_is_where_a_constant_gradient_leads(name: str) -> None:
    """Stepped here with numbers, at gradients of 1 and of 2; the last step of many is the settled one."""
    rule = REGISTRY[name]
    for changed in ({}, {"lr": 0.3}):
        hypers = {**rule.hypers, **changed}
        steps = []
        for g in (1.0, 2.0):
            x, before, *states = 0.0, 0.0, *rule.states.values()
            for t in range(1, 3001):
                inputs = [{"x": x, "g": g, "t": t}[part] for part in rule.form.inputs]
                result = rule.form.function(*inputs, *states, **hypers)
                before, (x, *states) = x, result if isinstance(result, tuple) else (result,)
            steps.append(before - x)
        assert rule.pace(hypers) == pytest.approx(steps[0], rel=1e-5)
        twice = 1.0 if "at any size" in rule.settled_formula else 2.0
        assert steps[1] == pytest.approx(twice * steps[0], rel=1e-5)


def test_what_never_settles_has_an_endless_pace() -> None:
    assert REGISTRY["momentum"].pace({"lr": 0.1, "beta": 1.0}) == math.inf
    assert make_rule(own).pace({"lr": 0.1}) is None


@pytest.mark.parametrize("wide_floats", [False, True])
@pytest.mark.parametrize("rule", [*REGISTRY.values(), make_rule(own)], ids=lambda r: r.name)
def test_the_engines_step_is_the_function_on_every_leaf(rule: Rule, wide_floats: bool) -> None:
    import jax
    from jax import numpy as jnp

    with jax.enable_x64(wide_floats):
        real = jnp.float64 if wide_floats else jnp.float32
        rng = np.random.default_rng(3)
        params = {"w": jnp.asarray(rng.standard_normal((2, 3, 5)), real),
                  "b": jnp.asarray(rng.standard_normal((3, 5)), real)}  # fmt: skip
        grads = jax.tree.map(lambda p: jnp.cos(p) + 1, params)
        hypers = {n: jnp.full(5, v, real) for n, v in rule.hypers.items()}
        state = rule.start(params, hypers)
        assert len(state) == len(rule.states)
        for t in (1, 2):
            leaves = {key: once(rule, *(np.asarray(v[key], float) for v in (params, grads)), t,
                                [np.asarray(s[key], float) for s in state],
                                rule.hypers) for key in params}  # fmt: skip
            params, state = rule.step(params, grads, jnp.asarray(t, real), state, hypers)
            for key, (x, *new) in leaves.items():
                for ours, expected in zip((params, *state), (x, *new), strict=True):
                    assert ours[key].dtype == real
                    np.testing.assert_allclose(ours[key], expected, rtol=1e-12 if wide_floats else
                                               1e-4, atol=1e-6 * (not wide_floats))  # fmt: skip


def test_a_state_can_start_where_x_starts() -> None:
    import jax.numpy as jnp

    params = jnp.arange(3.0)
    m, z = make_rule(own).start(params, {})
    np.testing.assert_array_equal(m, 0)
    np.testing.assert_array_equal(z, params)


def nothing(x, g, *, lr=0.1):
    return x, g


def input_with_default(x, g, t=1.0, *, lr=0.1):
    x = x - lr * g / t
    return x, t


def input_changed(x, g, *, lr=0.1):
    g = g * 2
    x = x - lr * g
    return x


def strange_input(x, gradient, *, lr=0.1):
    x = x - lr * gradient
    return x


def no_x(g, *, lr=0.1):
    y = lr * g
    return y


def states_swapped(x, g, m=0.0, v=0.0, *, lr=0.1):
    m = m + g
    v = v + g * g
    x = x - lr * m
    return x, v, m


def a_switch(x, g, *, lr=0.1, amsgrad=False):
    x = x - lr * g
    return x


def no_start(x, g, m=None, *, lr=0.1):
    x = x - lr * g
    return x, m


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            nothing,
            "must return `x` (x, then every state in the order of the signature), not `x, g`",
        ),
        (input_with_default, "`t` is an input; write it without a default"),
        (input_changed, "`g` is an input and keeps its value; give the result another name"),
        (strange_input, "`gradient` has no default, so it would be an input"),
        (no_x, "the first argument must be `x`, the parameters"),
        (states_swapped, "must return `x, m, v`"),
        (a_switch, "`amsgrad=False` is not a number; a switch that changes the algorithm becomes"),
        (no_start, "the state `m` starts at None; a start is a number or X0"),
    ],
)
def test_what_is_not_a_rule_is_told_what_to_write(function: Any, message: str) -> None:
    with pytest.raises(FormError) as caught:
        make_rule(function)
    assert message in str(caught.value)
