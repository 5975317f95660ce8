"""The bits of a run: of its causes alone, not of its place, its neighbours, the grid, the cell, the cuts in
time, how many cores there are or whether its curve is kept. What is recorded is a cause."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optlab import lab, plan
from optlab.engine import Engine, Inputs
from optlab.problems import REGISTRY as FAMILIES
from optlab.rules import REGISTRY

ENGINE = Engine()
RUNS = 45
METRICS = ("loss", "grad_norm", "step_norm", "step_cosine")


def _program(name: str, rule: str, steps: int = 23, every: int = 5) -> plan.Program:
    parameters: dict[str, Any] = {"rosenbrock": {"dim": 3}, "quadratic": {"dim": 5, "rotated": True},
                                  "mlp": {"data": "iris", "hidden": [4], "batch": 30}}[name]  # fmt: skip
    problem = FAMILIES[name](**parameters)
    metrics = METRICS if problem.layout == "coordinates" else ("loss", "step_norm", "test_loss")
    return plan.Program(problem, REGISTRY[rule], (), "float64", steps, every, metrics, False, 16)


def _inputs(program: plan.Program) -> Inputs:
    rng = np.random.default_rng(0)
    assert program.problem.start is not None
    starts = [program.problem.start(rng) for _ in range(RUNS)]
    defaults = program.optimizer.hypers
    hypers = [{n: v * float(rng.uniform(0.5, 1.0)) for n, v in defaults.items()} for _ in starts]
    stream = program.problem.stream
    return Inputs(starts, hypers, stream(rng, program.steps) if stream else None)


def _some(inputs: Inputs, chosen: list[int]) -> Inputs:
    return replace(inputs, starts=[inputs.starts[i] for i in chosen],
                   hypers=[inputs.hypers[i] for i in chosen])  # fmt: skip


CASES = [
    _program("rosenbrock", "adam"),
    _program("quadratic", "momentum"),
    _program("mlp", "rmsprop"),
]
WHOLE = {id(program): ENGINE.run(program, _inputs(program)) for program in CASES}


@pytest.mark.parametrize("program", CASES, ids=lambda p: p.problem.name)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_runs_in_any_order_in_any_number(program: plan.Program, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.integers(0, RUNS - 1), min_size=1, max_size=RUNS + 5))
    part = ENGINE.run(program, _some(_inputs(program), chosen))
    for name, values in WHOLE[id(program)].metrics.items():
        np.testing.assert_array_equal(part.metrics[name], values[:, chosen], err_msg=name)


@pytest.mark.parametrize("program", CASES, ids=lambda p: p.problem.name)
def test_a_few_runs_do_not_hold_the_memory_of_a_block(program: plan.Program) -> None:
    part = ENGINE.run(program, _some(_inputs(program), [0]))
    for name, values in part.metrics.items():
        whole = values if values.base is None else values.base
        assert whole.size == values.size, name


@pytest.mark.parametrize("program", CASES, ids=lambda p: p.problem.name)
@pytest.mark.parametrize("pieces", [1, 2, 4])
def test_calls_cut_in_time(
    program: plan.Program, pieces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "RECORD", pieces * program._recorded)
    cut = replace(program)
    assert not cut.at_once
    part = ENGINE.run(cut, _inputs(cut))
    for name, values in WHOLE[id(program)].metrics.items():
        np.testing.assert_array_equal(part.metrics[name], values, err_msg=name)


def test_stretches_that_are_too_long_for_a_call_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    program = CASES[0]
    step = plan.step_seconds(program.problem, program.lanes)
    monkeypatch.setattr(plan, "CALL", 2.5 * step)  # two steps of five
    cut = replace(program)
    assert [steps for steps, _ in cut.pieces] == [0, *[2, 2, 1] * 4, 2, 1]
    assert len(cut.pieces) == cut._pieces
    part = ENGINE.run(cut, _inputs(cut))
    assert list(part.points) == list(WHOLE[id(program)].points)
    # A power is taken anew at each cut, which may differ in the last place.
    for name, values in WHOLE[id(program)].metrics.items():
        np.testing.assert_allclose(part.metrics[name], values, rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("program", CASES, ids=lambda p: p.problem.name)
@pytest.mark.parametrize(
    "change", [{"every": 10}, {"metrics": ("loss",)}], ids=["cadence", "metrics"]
)
def test_what_is_recorded_moves_the_last_places_alone(
    program: plan.Program, change: dict[str, Any]
) -> None:
    """Powers are taken anew at recorded points, and a loss is fused with what is recorded beside it."""
    other = ENGINE.run(replace(program, **change), _inputs(program))
    whole = WHOLE[id(program)]
    shared = [step in other.points for step in whole.points]
    theirs = [step in whole.points for step in other.points]
    assert sum(shared) > 2
    np.testing.assert_allclose(
        other.metrics["loss"][theirs], whole.metrics["loss"][shared], rtol=1e-11
    )


SPEC = """
title: t
steps: 60
seeds: 3
record: {keep: KEEP, every: 3}
problems:
  - rosenbrock
  - easy: {use: quadratic, targets: {gap: 1.0}}
  - hard: {use: quadratic, targets: {gap: 1.0e-9}}
  - softmax_regression: {data: iris, batch: 30}
optimizers:
  - adam: {lr: {log: [1.0e-3, 10.0], n: GRID}}
  - momentum: {lr: {log: [1.0e-3, 10.0], n: 5}}
"""


def _ran(folder: Path, keep: str, grid: int = 9) -> Any:
    folder.mkdir()
    (folder / "s.yaml").write_text(SPEC.replace("KEEP", keep).replace("GRID", str(grid)))
    return lab.run(folder / "s.yaml", folder / "out")


def test_a_summary_says_what_the_curves_say(tmp_path: Path) -> None:
    whole, short = _ran(tmp_path / "a", "curves"), _ran(tmp_path / "b", "summary")
    pd.testing.assert_frame_equal(short.runs, whole.runs)
    both = whole.curves.astype({"run_id": str, "metric": str}).merge(
        short.curves.astype({"run_id": str, "metric": str}), on=["run_id", "step", "metric"]
    )
    assert len(both) == len(short.curves) < len(whole.curves)
    assert (both["value_x"] == both["value_y"]).all()
    pd.testing.assert_frame_equal(short.verdicts, whole.verdicts)


def test_a_summary_is_taken_again_for_another_target(tmp_path: Path) -> None:
    first = _ran(tmp_path / "a", "summary").runs
    spec = tmp_path / "a/s.yaml"
    spec.write_text(spec.read_text().replace("gap: 1.0}", "gap: 2.0}"))
    again = lab.run(spec, tmp_path / "a/out").runs
    assert "held.gap <= 1" in first
    assert "held.gap <= 2" in again
    assert again["held.gap <= 2"].notna().any()


EVERY = """
import hashlib, json, sys
from pathlib import Path
import numpy as np
from optlab import plan, startup
from optlab.engine import Engine, Inputs
from optlab.problems import REGISTRY as FAMILIES
from optlab.rules import REGISTRY
if sys.argv[1] == "whole":
    startup.prepare(Path(sys.argv[2]))
found = {}
for name, family in FAMILIES.items():
    problem = family(**({"batch": 30} if name in ("mlp", "softmax_regression") else {})) if name not in SKIP else None
    if problem is None or problem.start is None:
        continue
    rng = np.random.default_rng(0)
    starts = [problem.start(rng) for _ in range(3)]
    for rule in REGISTRY.values():
        for precision in ("float64", "float32"):
            program = plan.Program(problem, rule, (), precision, 6, 2, ("loss",), False, plan.lanes(problem, precision))
            hypers = [{n: v * (1 - 0.1 * i) for n, v in rule.hypers.items()} for i in range(3)]
            stream = problem.stream(rng, 6) if problem.stream else None
            history = Engine().run(program, Inputs(starts, hypers, stream))
            key = f"{name} {rule.name} {precision}"
            found[key] = hashlib.sha256(history.metrics["loss"].tobytes()).hexdigest()
print(json.dumps(found))
"""


@pytest.mark.slow
def test_loops_compiled_whole_have_the_bits_of_operations_by_themselves(tmp_path: Path) -> None:
    """Every rule on every family, in a process that starts JAX as we do and in one that does not."""
    each = [
        subprocess.run(
            [sys.executable, "-c", EVERY.replace("SKIP", "('recorded_gradients',)"), how, str(tmp_path)],
            check=True, capture_output=True, text=True,
        ).stdout
        for how in ("whole", "by themselves")
    ]  # fmt: skip
    whole, apart = (json.loads(text) for text in each)
    assert len(whole) >= len(REGISTRY) * 8
    assert whole == apart


@pytest.mark.slow
def test_loops_are_compiled_whole_and_what_the_user_said_stands(tmp_path: Path) -> None:
    code = (
        "import os, sys, jax\nfrom pathlib import Path\nfrom optlab.startup import prepare\n"
        "before = os.environ.get('XLA_FLAGS')\nprepare(Path(sys.argv[1]))\n"
        "assert os.environ.get('XLA_FLAGS') == before\n"
        "loop = lambda x: jax.lax.fori_loop(0, 9, lambda i, x: x * x + jax.numpy.roll(x, 1, 0), x)\n"
        "text = jax.jit(loop).lower(jax.numpy.ones((10, 64))).compile().as_text()\n"
        "print('xla_cpu_small_call' in text)"
    )
    own = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=1"
    for flags, whole in ((None, True), ("--xla_cpu_enable_fast_math=false", True), (own, False)):
        env = {**os.environ, **({} if flags is None else {"XLA_FLAGS": flags})}
        call = [sys.executable, "-c", code, str(tmp_path)]
        done = subprocess.run(call, env=env, check=True, capture_output=True, text=True)
        assert done.stdout.split() == [str(whole)], flags


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no way to choose cores here")
def test_one_core_and_all_of_them_in_processes_of_their_own(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "cores = sorted(os.sched_getaffinity(0))\n"
        "if sys.argv[2] == 'one': os.sched_setaffinity(0, cores[:1])\n"
        "if sys.argv[2] == 'used': import jax; jax.devices()\n"  # a notebook that has its settings
        "from optlab import lab\n"
        "lab.run(sys.argv[1], sys.argv[1] + '.out')\n"
    )
    tables = []
    for how, grid in (("one", 9), ("all", 9), ("all", 17), ("used", 9)):
        spec = tmp_path / how / str(grid) / "s.yaml"
        spec.parent.mkdir(parents=True)
        spec.write_text(SPEC.replace("KEEP", "curves").replace("GRID", str(grid)))
        subprocess.run([sys.executable, "-c", code, str(spec), how], check=True)
        tables.append(pd.read_parquet(f"{spec}.out/s/runs.parquet").drop_duplicates("run_id"))
    one, many, larger, used = (
        t.set_index(["problem", "run_id"]).drop(columns="part") for t in tables
    )
    pd.testing.assert_frame_equal(one, many)
    pd.testing.assert_frame_equal(one, used)
    shared = one.index.intersection(larger.index)  # the coarse grid lies in the fine one
    assert len(shared) > len(one) / 2
    pd.testing.assert_frame_equal(one.loc[shared], larger.loc[shared])
