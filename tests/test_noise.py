"""Noise in gradients: its law, and that it belongs to a run and to nothing else."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from optlab import plan
from optlab.adapters import optax_optimizer
from optlab.draws import Draws
from optlab.engine import Engine, History, Inputs
from optlab.plan import Program
from optlab.problems import REGISTRY as FAMILIES
from optlab.rules import REGISTRY
from optlab.spec import parse

ENGINE = Engine()
START = 10.0


@cache
def keys(count: int) -> list[np.ndarray]:
    """The keys that the laboratory gives so many evaluation seeds of a noisy bowl."""
    text = (f"title: t\nsteps: 2\nseeds: {count}\nproblems: [{{quadratic: {{dim: 1, condition: 1, "
            "noise: 1}}]\noptimizers: [{sgd: {lr: 0.1}}]\n")  # fmt: skip
    experiment = parse(text, Path("s.yaml"))
    draws = Draws(0)
    runs = [r for r in plan.runs(experiment) if r.role == "evaluate"]
    assert len(runs) == count
    return [draws.key(r) for r in runs]  # type: ignore[misc]


def noisy(**more: Any) -> Any:
    told = {"dim": 1, "condition": 1.0, "shifted": False, "noise": 1.0, "start": [START], **more}
    return FAMILIES["quadratic"](**told)


def walk(rule: Any, hypers: dict[str, float], steps: int, count: int, problem: Any = None,
         every: int = 1, precision: str = "float64", lanes: int | None = None) -> History:  # fmt: skip
    problem = problem or noisy()
    made = Program(problem, rule, (), precision, steps, every, ("loss",), True, lanes or count)
    return ENGINE.run(made, Inputs([problem.given] * count, [hypers] * count, None, keys(count)))


@cache
def ends(name: str, lr: float, beta: float = 0.9, steps: int = 300) -> np.ndarray:
    """The last place of 2,000 runs."""
    rule = REGISTRY[name]
    hypers = {"lr": lr, "beta": beta} if "beta" in rule.hypers else {"lr": lr}
    path = walk(rule, hypers, steps, 2000, every=steps).path
    assert path is not None
    return path[-1, 0]


def variance_holds(x: np.ndarray, variance: float) -> None:
    """Exact two-sided test of the variance of centred normal numbers, at one in a million."""
    total = (x**2).sum() / variance
    assert min(stats.chi2.cdf(total, len(x)), stats.chi2.sf(total, len(x))) > 5e-7


@pytest.mark.parametrize("lr", [0.01, 0.1, 0.2])
def test_sgd_ends_with_the_variance_of_theory(lr: float) -> None:
    x = ends("sgd", lr, steps=1500 if lr < 0.1 else 300)
    variance_holds(x, lr / (2 - lr))
    assert stats.kstest(x / math.sqrt(lr / (2 - lr)), "norm").pvalue > 1e-6


@pytest.mark.slow
def test_momentum_has_ten_times_the_floor_at_one_rate_and_none_the_worse_at_a_matched_one() -> None:
    def floor(a: float, b: float) -> float:
        return a * (1 + b) / ((1 - b) * (2 * (1 + b) - a))

    for name, a in (("momentum", 0.1), ("momentum_pytorch", 0.1), ("ema", 1.0)):
        variance_holds(ends(name, a), floor(0.1, 0.9))
    variance_holds(ends("momentum", 0.01), floor(0.01, 0.9))
    assert floor(0.1, 0.9) / (0.1 / 1.9) == pytest.approx(9.757, abs=1e-3)
    assert floor(0.01, 0.9) / (0.1 / 1.9) == pytest.approx(0.9525, abs=1e-4)


def test_the_mean_loss_is_known_at_every_step() -> None:
    a, count = 0.01, 2000
    got = walk(REGISTRY["sgd"], {"lr": a}, 400, count)
    assert got.path is not None
    for t in (1, 2, 10, 100, 400):
        spread = a / (2 - a) * (1 - (1 - a) ** (2 * t))
        variance_holds(got.path[t, 0] - START * (1 - a) ** t, spread)
    # The recorded loss is free of noise.
    np.testing.assert_array_equal(got.metrics["loss"], 0.5 * got.path[:, 0] ** 2)
    np.testing.assert_array_equal(got.metrics["loss"][0], 50.0)


def test_which_of_two_rates_ends_lower() -> None:
    p = 2 / math.pi * math.atan(math.sqrt((0.2 / 1.8) / (0.1 / 1.9)))
    assert p == pytest.approx(0.61625, abs=5e-6)
    low, high = np.abs(ends("sgd", 0.1)), np.abs(ends("sgd", 0.2))
    hits = int((low[::2] < high[1::2]).sum())  # of different seeds: independent
    assert stats.binomtest(hits, 1000, p).pvalue > 1e-6
    # Of one seed both meet the same noise, which makes the smaller rate win more often.
    together = 0.1 * 0.2 / (1 - 0.9 * 0.8)
    a, b = 0.1 / 1.9, 0.2 / 1.8
    r = (b - a) / math.sqrt((a + b) ** 2 - 4 * together**2)
    paired = stats.binomtest(int((low < high).sum()), 2000, 0.5 + math.asin(r) / math.pi)
    assert paired.pvalue > 1e-6
    share = np.corrcoef(ends("sgd", 0.1), ends("sgd", 0.2))[0, 1]
    assert share == pytest.approx(together / math.sqrt(a * b), abs=0.02)


def test_noise_is_white_over_steps_coordinates_and_seeds() -> None:
    problem = noisy(dim=4, start=[0.0] * 4)
    path = walk(REGISTRY["sgd"], {"lr": 1.0}, 300, 64, problem).path
    assert path is not None
    noise = path[1:]  # at the rate 1 on curvature 1 a step forgets the last place: x = -noise
    assert stats.kstest(noise.ravel(), "norm").pvalue > 1e-6
    flat = noise.reshape(300, -1)  # (steps, coordinates x seeds)
    limit = 6 / math.sqrt(300)
    between = np.corrcoef(flat.T)
    assert np.abs(between - np.eye(len(between))).max() < limit
    lagged = (flat[1:] * flat[:-1]).mean(0)
    assert np.abs(lagged).max() < limit


def test_noise_is_the_runs_own_wherever_it_is_executed() -> None:
    problem = noisy(dim=3, start=[1.0, 2.0, 3.0], condition=10.0, rotated=True)
    made = Program(problem, REGISTRY["adam"], (), "float64", 30, 7, ("loss",), True, 16)
    hypers = [{"lr": 0.01 * (i + 1), "beta1": 0.9, "beta2": 0.99, "eps": 1e-8} for i in range(16)]
    many = keys(16)
    together = ENGINE.run(made, Inputs([problem.given] * 16, hypers, None, many))
    wild = [np.full(3, np.nan), np.full(3, 1e200), problem.given]
    apart = ENGINE.run(
        made, Inputs(wild, [hypers[0], hypers[1], hypers[11]], None, [many[2], many[0], many[11]])
    )
    np.testing.assert_array_equal(apart.metrics["loss"][:, 2], together.metrics["loss"][:, 11])
    assert together.path is not None
    assert apart.path is not None
    np.testing.assert_array_equal(apart.path[..., 2], together.path[..., 11])


def test_noise_does_not_depend_on_the_cadence() -> None:
    fine = walk(REGISTRY["sgd"], {"lr": 0.1}, 21, 16, every=1)
    coarse = walk(REGISTRY["sgd"], {"lr": 0.1}, 21, 16, every=10)
    np.testing.assert_array_equal(coarse.metrics["loss"], fine.metrics["loss"][[0, 10, 20, 21]])


def test_all_optimizers_meet_the_same_noise() -> None:
    sgd = walk(REGISTRY["sgd"], {"lr": 0.1}, 20, 16).path
    still = walk(REGISTRY["momentum"], {"lr": 0.1, "beta": 0.0}, 20, 16).path
    mapped = walk(optax_optimizer("optax.sgd"), {"lr": 0.1}, 20, 16).path
    assert sgd is not None
    for other in (still, mapped):
        np.testing.assert_allclose(other, sgd, rtol=1e-13)  # type: ignore[arg-type]
    rounded = walk(REGISTRY["sgd"], {"lr": 0.1}, 20, 16, precision="float32").path
    assert rounded is not None
    assert rounded.dtype == np.float32
    assert np.abs(rounded - sgd).max() > 0.1  # single precision draws numbers of its own


def test_keys_follow_experiment_family_role_and_seed_and_nothing_else() -> None:
    text = (
        "title: t\nsteps: 2\nseeds: {tune: 2, evaluate: 2, experiment: %d}\nproblems:\n"
        "  - a: {use: quadratic, noise: 1}\n  - b: {use: quadratic, noise: 2, condition: 50}\n"
        "  - c: {use: quadratic}\noptimizers: [{sgd: {lr: [0.1, 0.2]}}, adam]\n"
    )
    found: dict[Any, set[bytes]] = {}
    for seed in (0, 1):
        experiment = parse(text % seed, Path("s.yaml"))
        draws = Draws(experiment.seeds.experiment)
        for run in plan.runs(experiment):
            key = draws.key(run)
            if run.task.name == "c":
                assert key is None
                continue
            assert key is not None
            assert key.dtype == np.uint32
            assert key.shape == (2,)
            found.setdefault((seed, run.role, run.seed), set()).add(key.tobytes())
    assert {len(same) for same in found.values()} == {1}
    assert len(set.union(*found.values())) == len(found) == 2 * (2 + 2 + 1)


def test_a_noisy_problem_with_a_given_start_runs_on_every_seed() -> None:
    text = ("title: t\nsteps: 2\nseeds: {tune: 2, evaluate: 5}\nproblems:\n  - a: {use: quadratic, "
            "start: [1, 2], noise: 1}\n  - b: {use: quadratic, start: [1, 2]}\n"
            "optimizers: [{sgd: {lr: [0.1, 0.2]}}]\n")  # fmt: skip
    experiment = parse(text, Path("s.yaml"))
    seeds = {t.name: {(r.role, r.seed) for r in plan.runs(experiment) if r.task is t}
             for t in experiment.tasks}  # fmt: skip
    assert len(seeds["a"]) == 7
    assert {seed for _, seed in seeds["b"]} == {0}
