"""What a run will cost, told by arithmetic: held to the plan itself, and to patience."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from optlab import plan
from optlab.estimate import PLACE_BYTES, PROCESS, ROW_BYTES, Estimate, estimate
from optlab.spec import Experiment, SpecError, parse


def spec(problems: str, optimizers: str, more: str = "") -> Experiment:
    text = f"title: t\nsteps: 7\nproblems: {problems}\noptimizers: {optimizers}\n{more}"
    return parse(text, Path("s.yaml"))


@pytest.mark.parametrize(
    ("problems", "optimizers"),
    [
        ("[quadratic]", "[sgd]"),
        ("[quadratic, rosenbrock, relu_network]", "[sgd, {momentum: {lr: {log: [1e-3, 1], n: 70}}}]"),
        ("[{mlp: {data: iris, batch: 30}}]", "[sgd, {adam: {lr: {log: [1e-3, 1], n: 17}}}]"),
        ("[{mlp: {data: iris, batch: full}}]", "[{adam: {lr: {log: [1e-3, 1], n: 17}}}]"),
        ("[{recorded_gradients: {start: {w: 1}, w: [1, 2]}}]", "[{sgd: {lr: [0.1, 0.2]}}]"),
        ("[{quadratic: {dim: 3000, condition: 2}}]",
         "[{optax.adam: {lr: {log: [1e-3, 1], n: 9}}}, optax.lion]"),
        ("[quadratic]", "[{optax.radam: {lr: [0.1, 0.2, 0.3], threshold: [4, 5]}}]"),
        ("[{a: {use: quadratic, optimizers: [sgd]}}, {b: {use: beale, steps: 3}}]",
         "[sgd, {adam: {lr: [0.1, 0.2], beta1: [0.8, 0.9]}}]"),
    ],
)  # fmt: skip
def test_counts_are_the_plans(problems: str, optimizers: str) -> None:
    experiment = spec(problems, optimizers)
    runs = list(plan.runs(experiment))
    found = estimate(experiment)
    # A default setting that is one of the grid is run once.
    once = {(run.task.name, run.contender.name, run.run_id): run for run in runs}
    cells = plan.cells(experiment, once.values())
    apart = {of: run.task.steps for of, run in once.items()}
    assert (found.runs, found.cells) == (len(apart), len(cells))
    assert found.runs == experiment.size
    assert found.programs == len({id(cell.program) for cell in cells})
    assert found.run_steps == sum(apart.values())


@pytest.mark.parametrize("only", ["tune: 1", "evaluate: 3", "picture: 0"])
def test_one_run_alone_is_counted(only: str) -> None:
    found = estimate(spec("[quadratic]", "[sgd]", f"seeds: {{only: {{{only}}}}}\n"))
    assert (found.runs, found.programs, found.cells) == (1, 1, 1)


def test_memory_is_of_the_record_and_of_the_orders() -> None:
    def bowl(metrics: str) -> float:
        record = f"record: {{every: 2, metrics: {metrics}}}\nseeds: {{evaluate: 5}}\n"
        return estimate(spec("[{quadratic: {dim: 9, condition: 2}}]", "[sgd]", record)).memory

    assert bowl("[loss]") > PROCESS + 5 * ROW_BYTES
    # 5 copies of 5 runs of one metric more
    assert bowl("[loss, grad_norm]") - bowl("[loss]") == 5 * 5 * 8 * len([0, 2, 4, 6, 7])

    def net(steps: int) -> float:
        text = f"title: t\nsteps: {steps}\nproblems: [{{mlp: {{data: iris, batch: 30}}}}]\noptimizers: [sgd]\n"
        more = f"record: {{every: {steps}}}\nseeds: {{evaluate: 5}}\n"
        return estimate(parse(text + more, Path("s.yaml"))).memory

    assert net(2000) - net(1000) == pytest.approx(1000 * 30 * 4 * 5, rel=0.05)


def test_memory_of_a_long_sweep_without_curves_is_that_of_a_portion() -> None:
    def sweep(n: int) -> Estimate:
        rates = f"[{{sgd: {{lr: {{log: [1e-4, 1], n: {n}}}}}}}]"
        return estimate(spec("[quadratic]", rates, "record: summary\nseeds: {evaluate: 10}\n"))

    few, many = sweep(10**5), sweep(10**6)
    assert many.memory - few.memory == pytest.approx(PLACE_BYTES * (many.runs - few.runs))
    assert many.memory < 2e9


def test_millions_of_runs_are_counted_at_once() -> None:
    began = time.monotonic()
    huge = spec("[quadratic]", "[{adam: {lr: {log: [1e-6, 1], n: 1000}, eps: {log: [1e-9, 1], n: 1000}}}]",
                "seeds: {tune: 2, evaluate: 8}\n")  # fmt: skip
    found = estimate(huge)
    assert found.runs == 11_000_000 + 8  # the default setting beside the grid
    assert time.monotonic() - began < 5
    with pytest.raises(SpecError) as caught:
        spec(
            "[quadratic]",
            "[{adam: {lr: {log: [1e-6, 1], n: 3000}, eps: {log: [1e-9, 1], n: 1000}}}]",
        )
    [fault] = caught.value.faults
    assert (fault.line, fault.path) == (4, "optimizers")
    assert fault.message.startswith("42,000,010 runs, and the most in one file are 20,000,000; ")


def test_many_recorded_points_are_counted_not_listed() -> None:
    began = time.monotonic()
    found = estimate(parse("title: t\nsteps: 100000000\nproblems: [quadratic]\noptimizers: [sgd]\n"
                           "record: {every: 1}\n", Path("s.yaml")))  # fmt: skip
    assert found.memory > 1e11
    assert time.monotonic() - began < 2


def test_memory_grows_with_the_dimension() -> None:
    """A block of runs is in the hands of each core: 80 runs of 20,000 numbers are 12.8 MB an array."""
    text = "title: t\nsteps: 9\nseeds: 200\nrecord: summary\nproblems: [quadratic: {{dim: {dim}}}]\noptimizers: [adam]\n"
    small, large = (
        estimate(parse(text.format(dim=dim), Path("s.yaml"))).memory for dim in (2, 20_000)
    )
    assert large - small > 10 * 12.8e6
