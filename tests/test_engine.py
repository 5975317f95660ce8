"""The engine against a plain loop in NumPy, float64, with gradients written by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from jax import numpy as jnp

from optlab import plan, startup
from optlab.algebra import exp, sqrt, where
from optlab.engine import Engine, History, Inputs
from optlab.kernel import Clock, powers
from optlab.looks import picture, probe
from optlab.plan import Program
from optlab.problems import REGISTRY as FAMILIES
from optlab.problems import Problem
from optlab.rules import REGISTRY, X0, Rule, make_rule
from optlab.spec import parse

ENGINE = Engine()
RULES = sorted(REGISTRY)


def program(problem: Problem, optimizer: Any, steps: int, every: int = 1, *,
            metrics: tuple[str, ...] = ("loss", "grad_norm", "step_norm", "step_cosine"),
            precision: str = "float64", fixed: Any = (), lanes: int = 16) -> Program:  # fmt: skip
    small = problem.layout == "coordinates" and problem.about.dim <= 4
    return Program(problem, optimizer, fixed, precision, steps, every, metrics, small, lanes)


# --- problems in NumPy, gradients by hand; params are dictionaries or arrays ---


def bowl(problem: Problem) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """(x - c)' H (x - c) / 2 with H from the data, one product a row."""
    data = problem.data
    H = data["root"].T @ data["root"] if "root" in data else np.diag(data["curvature"])
    c = data["center"]
    return lambda x, _: 0.5 * (x - c) @ H @ (x - c), lambda x, _: H @ (x - c)


def valley(x: np.ndarray, _: Any) -> float:
    return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))


def valley_gradient(x: np.ndarray, _: Any) -> np.ndarray:
    g = np.zeros_like(x)
    bend = x[1:] - x[:-1] ** 2
    g[1:] += 200 * bend
    g[:-1] += -400 * x[:-1] * bend - 2 * (1 - x[:-1])
    return g


def relu(x: np.ndarray, _: Any) -> float:
    h = max(0.0, 2 * x[0] + x[1])
    return 0.5 * (5 - max(0.0, h * x[2] + x[3])) ** 2


def relu_gradient(x: np.ndarray, _: Any) -> np.ndarray:
    z = 2 * x[0] + x[1]
    h = max(0.0, z)
    out = h * x[2] + x[3]
    d = (max(0.0, out) - 5) * (out > 0)
    dh = d * x[2] * (z > 0)
    return np.array([2 * dh, dh, d * h, d])


def softmax(l2: float) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def parts(params: Any, batch: Any) -> tuple[np.ndarray, np.ndarray]:
        scores = batch["X"] @ params["w"].T
        scores = scores - scores.max(1, keepdims=True)
        odds = np.exp(scores)
        return odds / odds.sum(1, keepdims=True), np.eye(scores.shape[1])[batch["y"]]

    def loss(params: Any, batch: Any) -> float:
        p, truth = parts(params, batch)
        return float(-np.log((p * truth).sum(1)).mean() + 0.5 * l2 * (params["w"] ** 2).sum())

    def gradient(params: Any, batch: Any) -> Any:
        p, truth = parts(params, batch)
        return {"w": (p - truth).T @ batch["X"] / len(truth) + l2 * params["w"]}

    return loss, gradient


# --- the plain loop ---


def leaves(params: Any) -> list[np.ndarray]:
    return [params[k] for k in sorted(params)] if isinstance(params, dict) else [params]


def length(a: list[np.ndarray]) -> float:
    return float(np.sqrt(sum((x**2).sum() for x in a)))


def loop(rule: Rule, start: Any, hypers: dict[str, float], steps: int, loss: Any, gradient: Any,
         full: Any = None, batch_of: Callable[[int], Any] = lambda t: None,
         observed: Any = None) -> dict[str, list[Any]]:  # fmt: skip
    """Every step of one run: the metrics by their definitions, and the parameters."""
    x, names = leaves(start), sorted(start) if isinstance(start, dict) else None
    states = [
        [leaf if v is X0 else np.full_like(leaf, v) for v in rule.states.values()] for leaf in x
    ]
    seen: dict[str, list[Any]] = {
        n: [] for n in ("loss", "grad_norm", "step_norm", "step_cosine", "x")
    }
    deltas: list[list[np.ndarray]] = []

    def params() -> Any:
        return dict(zip(names, x, strict=True)) if names else x[0]

    for t in range(steps + 1):
        seen["loss"].append(loss(params(), full))
        seen["grad_norm"].append(length(leaves((observed or gradient)(params(), full))))
        seen["step_norm"].append(length(deltas[-1]) if deltas else np.nan)
        if len(deltas) > 1:
            dot = sum((a * b).sum() for a, b in zip(deltas[-1], deltas[-2], strict=True))
            with np.errstate(invalid="ignore"):
                seen["step_cosine"].append(dot / (length(deltas[-1]) * length(deltas[-2])))
        else:
            seen["step_cosine"].append(np.nan)
        seen["x"].append([leaf.copy() for leaf in x])
        if t == steps:
            return seen
        g, new = leaves(gradient(params(), batch_of(t))), []
        for i, leaf in enumerate(x):
            given = {"x": leaf, "g": g[i], "t": float(t + 1)}
            made = rule.form.function(*(given[n] for n in rule.form.inputs), *states[i], **hypers)
            made = made if isinstance(made, tuple) else (made,)
            new.append(made[0])
            states[i] = list(made[1:])
        deltas.append([b - a for a, b in zip(x, new, strict=True)])
        x = new
    raise AssertionError


def compare(got: History, column: int, wanted: dict[str, list[Any]], *, rtol: float = 1e-12,
            names: Any = None) -> None:  # fmt: skip
    for name in names or got.metrics:
        expected = np.array([wanted[name][p] for p in got.points])
        scale = np.abs(np.nan_to_num(expected)).max() if name != "loss" else 0.0
        np.testing.assert_allclose(got.metrics[name][:, column], expected, rtol=rtol,
                                   atol=1e-14 * scale, err_msg=name)  # fmt: skip
    if got.path is not None:
        path = np.array([wanted["x"][p][0] for p in got.points])
        np.testing.assert_allclose(got.path[:, :, column], path, rtol=rtol, atol=1e-14)


def grid(rule: Rule, rates: tuple[float, ...] = (1e-4, 3e-4, 1e-3)) -> list[dict[str, float]]:
    """A few settings: rates, and every other hyperparameter moved off its default."""
    rest = {n: v for n, v in rule.hypers.items() if n != "lr"}
    rate = [{"lr": r} if "lr" in rule.hypers else {} for r in rates]
    return [{**r, **{n: v * (1 - 0.05 * i) for n, v in rest.items()}} for i, r in enumerate(rate)]


@pytest.mark.parametrize("name", RULES)
def test_every_rule_runs_as_it_reads(name: str) -> None:
    rule = REGISTRY[name]
    settings = grid(rule)
    rng = np.random.default_rng(1)
    starts = [rng.uniform(-1.5, 1.5, 3) for _ in settings]
    got = ENGINE.run(program(FAMILIES["rosenbrock"](dim=3), rule, 7, 2), Inputs(starts, settings))
    assert list(got.points) == [0, 2, 4, 6, 7]
    for i, (start, hypers) in enumerate(zip(starts, settings, strict=True)):
        compare(got, i, loop(rule, start, hypers, 7, valley, valley_gradient))


@pytest.mark.parametrize("rotated", [False, True])
def test_bowls(rotated: bool) -> None:
    problem = FAMILIES["quadratic"](dim=6, condition=50.0, rotated=rotated)
    rule = REGISTRY["adam"]
    settings, starts = grid(rule), list(np.random.default_rng(2).normal(0, 3, (3, 6)))
    got = ENGINE.run(program(problem, rule, 9, 3), Inputs(starts, settings))
    assert got.path is None  # six coordinates are too many to be kept
    for i in range(3):
        compare(got, i, loop(rule, starts[i], settings[i], 9, *bowl(problem)))


def test_the_network_of_the_assignment() -> None:
    problem, rule = FAMILIES["relu_network"](), REGISTRY["momentum"]
    starts = [
        np.array([0.5, 0, 0.3, 0]),
        np.array([0.7, 0.1, 0.4, -0.2]),
        np.array([1.0, 0, 1.0, 0]),
    ]
    settings = grid(rule)
    got = ENGINE.run(program(problem, rule, 8), Inputs(starts, settings))
    for i in range(3):
        compare(got, i, loop(rule, starts[i], settings[i], 8, relu, relu_gradient))


def test_recorded_gradients_replace_the_derivative() -> None:
    given = {
        "w1": [-1.2, -0.8, 2.0],
        "b1": [-0.6, -0.4, 1.0],
        "w2": [-2.0, -1.5, 0.5],
        "b2": [-1.0, -0.5, 3.0],
    }
    problem, rule = FAMILIES["recorded_gradients"](**given), REGISTRY["adam"]
    table = np.array(list(given.values())).T
    start = np.array([0.5, 0, 0.3, 0])
    settings = grid(rule)
    stream = problem.stream(np.random.default_rng(0), 3)  # type: ignore[misc]
    got = ENGINE.run(program(problem, rule, 3), Inputs([start] * 3, settings, stream))
    for i in range(3):
        wanted = loop(rule, start, settings[i], 3, relu, lambda x, g: g, batch_of=lambda t: table[t],
                      observed=relu_gradient)  # fmt: skip
        compare(got, i, wanted)


def test_minibatches_in_their_order_and_the_full_objective() -> None:
    problem = FAMILIES["softmax_regression"](data="iris", batch=16, l2=0.01)
    rng = np.random.default_rng(3)
    starts = [{"w": 0.1 * rng.standard_normal((3, 5))} for _ in range(3)]
    stream = problem.stream(rng, 9)  # type: ignore[misc]
    rule = REGISTRY["adam"]
    settings = grid(rule, (0.01, 0.1, 1.0))
    metrics = ("loss", "grad_norm", "step_norm", "step_cosine", "test_loss", "test_accuracy")
    got = ENGINE.run(
        program(problem, rule, 9, 4, metrics=metrics), Inputs(starts, settings, stream)
    )
    loss, gradient = softmax(0.01)
    X, y = problem.data["X"], problem.data["y"]
    for i in range(3):
        wanted = loop(rule, starts[i], settings[i], 9, loss, gradient, full=problem.data,
                      batch_of=lambda t: {"X": X[stream[t]], "y": y[stream[t]]})  # fmt: skip
        compare(got, i, wanted, rtol=1e-11, names=("loss", "grad_norm", "step_norm", "step_cosine"))
        last = {"w": wanted["x"][-1][0]}
        assert got.metrics["test_loss"][-1, i] == pytest.approx(softmax(0.0)[0](last, problem.test))
        right = (problem.test["X"] @ last["w"].T).argmax(1) == problem.test["y"]
        assert got.metrics["test_accuracy"][-1, i] == pytest.approx(right.mean())


@pytest.mark.parametrize("path", ["optax.adamw", "optax.lion", "optax.yogi"])
def test_optax_in_a_rules_clothes_is_optax(path: str) -> None:
    optax = pytest.importorskip("optax")
    text = f"title: t\nsteps: 6\nproblems: [rosenbrock]\noptimizers: [{{{path}: {{lr: [0.01, 0.1]}}}}]\n"
    [contender] = parse(text, Path("s.yaml")).contenders
    optimizer = contender.optimizer
    settings = list(contender.settings())
    fixed = tuple((n, settings[0][n]) for n in sorted(optimizer.fixed))
    starts = [np.array([-1.2, 1.0]), np.array([0.3, 0.4])]
    got = ENGINE.run(program(FAMILIES["rosenbrock"](), optimizer, 6, 2, fixed=fixed),
                     Inputs(starts, settings))  # fmt: skip
    factory = getattr(optax, path.removeprefix("optax."))
    with jax.enable_x64(True):
        for i, start in enumerate(starts):
            direct = factory(learning_rate=settings[i]["lr"])
            x = jnp.asarray(start)
            state, seen = direct.init(x), [start]
            for _ in range(6):
                updates, state = direct.update(
                    jnp.asarray(valley_gradient(np.asarray(x), None)), state, x
                )
                x = optax.apply_updates(x, updates)
                seen.append(np.asarray(x))
            wanted = np.array(seen)[got.points]
            np.testing.assert_allclose(got.path[:, :, i], wanted, rtol=1e-12)  # type: ignore[index]
            np.testing.assert_allclose(
                got.metrics["loss"][:, i], [valley(x, None) for x in wanted], rtol=1e-11
            )


# --- the step number ---


def clockwork(x, g, t, z=X0, s=0.0, *, lr=0.1, rho=0.7, turn=-0.3, late=3.0):
    """Every use of t that a rule may make of it."""
    s = rho**t * s + g / (t + 1) + (1 - turn**t) * g
    z = z + 1 / t - (t - 1) / (2 * t) + t / 4 - t**2 * 0.01 + 2**t * 0.001 + exp(-t)
    late_t = where(t > late, 0.5, 1.0) * sqrt(t) * (t >= 2) + (t < 2) + (t == 3) - (t != 3)
    x = x - lr * late_t * s / sqrt(t + 1) - 0.001 * z * (-t)
    return x, z, s


def test_the_clock_counts_as_a_number_does() -> None:
    rule = make_rule(clockwork)
    settings = [{"lr": 0.01, "rho": 0.7, "turn": -0.3, "late": 3.0},
                {"lr": 0.02, "rho": -0.5, "turn": 0.9, "late": 1.0},
                {"lr": 0.02, "rho": 0.0, "turn": 1.0, "late": 9.0}]  # fmt: skip
    start = np.array([0.5, -0.5, 1.0])
    got = ENGINE.run(program(FAMILIES["rosenbrock"](dim=3), rule, 6), Inputs([start] * 3, settings))
    for i, hypers in enumerate(settings):
        compare(got, i, loop(rule, start, hypers, 6, valley, valley_gradient), rtol=1e-11)


def test_powers_of_decays_are_exact_enough() -> None:
    rng = np.random.default_rng(4)
    with jax.enable_x64(True):
        beta = jnp.asarray(np.concatenate([[0.0, 0.5, 0.999999], rng.uniform(0, 1, 200)]))
        for t in (1, 2, 17, 1000, 100_000):
            raised = powers(jnp.float64(t), {"beta": jnp.log(beta)})["beta"]
            clock = Clock(jnp.float64(t), [(beta, raised)])
            mine, power = np.asarray(beta**clock), np.asarray(beta) ** float(t)
            # exp magnifies a relative error of its argument by that argument.
            error = np.spacing(1.0) * (4 + np.abs(np.log(np.maximum(power, 1e-300))))
            large = power > 1e-290
            assert (np.abs(mine - power)[large] <= (error * power)[large]).all()
            assert (mine[~large] <= 1e-289).all()
        assert float(jnp.float64(0.5) ** clock) == 0.0  # another base is raised as usual


# --- what is recorded, and where ---


@pytest.mark.parametrize(("steps", "every"), [(1, 1), (2, 5), (5, 2), (6, 3), (7, 3), (4, 1)])
def test_points_do_not_depend_on_the_cadence(steps: int, every: int) -> None:
    rule, start = REGISTRY["momentum"], np.array([-1.2, 1.0])
    hypers = {"lr": 0.001, "beta": 0.9}
    got = ENGINE.run(
        program(FAMILIES["rosenbrock"](), rule, steps, every), Inputs([start], [hypers])
    )
    assert list(got.points) == sorted({*range(0, steps, every), steps})
    assert got.metrics["loss"].shape == (len(got.points), 1)
    compare(got, 0, loop(rule, start, hypers, steps, valley, valley_gradient))


def test_only_what_is_wanted_is_recorded() -> None:
    made = program(FAMILIES["rosenbrock"](), REGISTRY["sgd"], 3, metrics=("loss",))
    got = ENGINE.run(replace(made, path=False), Inputs([np.ones(2)], [{"lr": 0.1}]))
    assert set(got.metrics) == {"loss"}
    assert got.path is None


def test_single_precision_stays_single() -> None:
    problem = FAMILIES["softmax_regression"](data="iris")
    starts = [{"w": np.full((3, 5), 0.1)}]
    made = program(problem, REGISTRY["adam"], 5, precision="float32")
    got = ENGINE.run(made, Inputs(starts, [dict(REGISTRY["adam"].hypers)]))
    assert {values.dtype for values in got.metrics.values()} == {np.dtype("float32")}
    bowl_ = program(FAMILIES["quadratic"](), REGISTRY["adam"], 5, precision="float32")
    path = ENGINE.run(bowl_, Inputs([np.ones(2)], [dict(REGISTRY["adam"].hypers)])).path
    assert path is not None
    assert path.dtype == np.float32
    assert jnp.ones(1).dtype == np.float32  # the process keeps its own setting


def test_a_runs_bits_do_not_depend_on_its_neighbours() -> None:
    made = program(FAMILIES["rosenbrock"](dim=3), REGISTRY["rmsprop"], 20, 5)
    rng = np.random.default_rng(5)
    starts, hypers = rng.uniform(-2, 2, (16, 3)), {"lr": 0.01, "beta": 0.9, "eps": 1e-7}
    together = ENGINE.run(made, Inputs(list(starts), [hypers] * 16))
    wild = [np.array([np.nan] * 3), np.full(3, 1e200), starts[7]]
    apart = ENGINE.run(made, Inputs(wild, [hypers] * 3))
    np.testing.assert_array_equal(apart.metrics["loss"][:, 2], together.metrics["loss"][:, 7])


# --- the schedule ---


def test_a_cell_that_breaks_is_told_and_the_others_go_on() -> None:
    def cell(name: str, broken: bool) -> plan.Cell:
        text = f"title: t\nsteps: 2\nseeds: 1\nproblems: [{name}]\noptimizers: [sgd]\n"
        experiment = parse(text, Path("s.yaml"))
        [made] = plan.cells(experiment, [next(plan.runs(experiment))])

        def loss(x: Any, data: Any) -> Any:
            raise TypeError("no such loss")

        problem = replace(made.program.problem, loss=loss) if broken else made.program.problem
        return plan.Cell(replace(made.program, problem=problem), made.runs)

    cells = [cell("himmelblau", True), cell("beale", False), cell("booth", True)]
    outcomes = {
        c.program.problem.name: outcome
        for c, outcome in Engine().execute(cells, lambda c: Inputs([np.ones(2)], [{"lr": 1e-3}]))
    }
    assert isinstance(outcomes["beale"], History)
    assert {str(outcomes[n]) for n in ("himmelblau", "booth")} == {"no such loss"}


def test_a_program_is_compiled_once_for_many_cells() -> None:
    text = "title: t\nsteps: 2\nseeds: 40\nproblems: [{mlp: {data: iris}}]\noptimizers: [sgd]\n"
    experiment = parse(text, Path("s.yaml"))
    cells = plan.cells(experiment, plan.runs(experiment))
    assert len(cells) == 40
    working = Engine()
    rng = np.random.default_rng(6)

    def inputs(cell: plan.Cell) -> Inputs:
        problem = cell.program.problem
        return Inputs([problem.start(rng)], [{"lr": 0.1}], problem.stream(rng, 2))  # type: ignore[misc]

    done = list(working.execute(cells, inputs))
    ended = [(c, outcome) for c, outcome in done if not isinstance(outcome, int)]
    assert {id(c) for c, _ in ended} == {id(c) for c in cells}
    assert all(isinstance(h, History) for _, h in ended)
    assert len(working._compiled) == 1


def _compiled(text: str) -> int:
    """How many programs are compiled for a spec."""
    counted = []

    def hear(event: str, *_: Any, **__: Any) -> None:
        counted.append(event == "/jax/core/compile/backend_compile_duration")

    experiment = parse(text, Path("s.yaml"))
    cells = plan.cells(experiment, plan.runs(experiment))
    rng = np.random.default_rng(0)

    def inputs(cell: plan.Cell) -> Inputs:
        return Inputs([cell.program.problem.start(rng) for _ in cell.runs],
                      [dict(run.hypers) for run in cell.runs])  # fmt: skip

    startup.options()
    jax.monitoring.register_event_duration_secs_listener(hear)
    try:
        ended = [o for _, o in Engine().execute(cells, inputs) if not isinstance(o, int)]
    finally:
        jax.monitoring.clear_event_listeners()
    assert ended
    assert all(isinstance(o, History) for o in ended)
    return sum(counted)


def test_problems_that_differ_in_data_share_a_program_however_many_threads_ask() -> None:
    problems = ", ".join(f"{{q{c}: {{use: quadratic, condition: {c}}}}}" for c in range(2, 10))
    head = "title: t\nsteps: 3\nseeds: 2\noptimizers: [sgd]\nproblems: "
    one = _compiled(f"{head}[{{q2: {{use: quadratic, condition: 2}}}}]\n")
    assert _compiled(f"{head}[{problems}]\n") == one


def test_a_program_that_cannot_be_built_is_tried_once() -> None:
    tried = []

    def broken(x: Any, batch: Any) -> Any:
        tried.append(1)
        raise ValueError("no such loss")

    text = "title: t\nsteps: 2\nseeds: 400\nproblems: [booth]\noptimizers: [sgd]\n"
    experiment = parse(text, Path("s.yaml"))
    cells = plan.cells(experiment, plan.runs(experiment))
    assert len(cells) > 2
    bad = replace(cells[0].program, problem=replace(cells[0].program.problem, loss=broken))
    broken_cells = [replace(cell, program=bad) for cell in cells]

    def started(cell: plan.Cell) -> Inputs:
        return Inputs([np.ones(2)] * len(cell.runs), [{"lr": 0.1}] * len(cell.runs))

    outcomes = [o for _, o in Engine().execute(broken_cells, started)]
    assert [str(o) for o in outcomes] == ["no such loss"] * len(cells)
    assert len(tried) == 1


def test_probe_and_picture_look_at_the_full_objective() -> None:
    points = list(np.random.default_rng(7).uniform(-2, 2, (20, 3)))
    values, gradients = probe(FAMILIES["rosenbrock"](dim=3), points)
    np.testing.assert_allclose(values, [valley(x, None) for x in points], rtol=1e-13)
    np.testing.assert_allclose(gradients, [valley_gradient(x, None) for x in points], rtol=1e-12)
    x, y, z = picture(FAMILIES["rosenbrock"](), size=11)
    assert (x[0], x[-1], y[0], y[-1]) == (-2.2, 2.2, -1.2, 3.2)
    np.testing.assert_allclose(z[2, 7], valley(np.array([x[7], y[2]]), None), rtol=1e-12)


def test_options_that_xla_does_not_know_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(startup.OPTIONS)
    assert startup.options() == known  # the pinned version knows them all
    more = {
        **known,
        "xla_cpu_of_another_version": 1,
        "xla_cpu_experimental_ynn_fusion_type": "NONE",
    }
    monkeypatch.setattr(startup, "OPTIONS", more)
    del known["xla_cpu_experimental_ynn_fusion_type"]
    assert startup.options.__wrapped__() == known
