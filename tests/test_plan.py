"""Runs and their identity, and how they are packed."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from optlab import plan
from optlab.plan import Run
from optlab.spec import Experiment, parse


def spec(problems: str = "[quadratic]", optimizers: str = "[sgd]", more: str = "", *, steps: int = 5,
         path: str = "s.yaml") -> Experiment:  # fmt: skip
    text = f"title: t\nsteps: {steps}\nproblems: {problems}\noptimizers: {optimizers}\n{more}"
    return parse(text, Path(path))


def runs(*args: str, **more: object) -> list[Run]:
    return list(plan.runs(spec(*args, **more)))  # type: ignore[arg-type]


def first(*args: str, **more: object) -> str:
    return runs(*args, **more)[0].run_id


# --- identity ---


def test_an_identity_is_the_same_in_every_process() -> None:
    code = (
        "from pathlib import Path; from optlab import plan; from optlab.spec import parse\n"
        "text = 'title: t\\nsteps: 5\\nproblems: [{relu_network: {start: {w1: 1, b1: 0, w2: 1, b2: 0}}}, "
        "{mlp: {data: iris}}]\\noptimizers: [adam, {optax.sgd: {momentum: 0.5}}]\\n'\n"
        "print(*(r.run_id for r in plan.runs(parse(text, Path('s.yaml')))))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": "77"},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()) as here:
        exec(code, {})
    assert told == here.getvalue()
    ids = told.split()
    assert len(set(ids)) == len(ids) == 22
    assert all(len(name) == 16 and int(name, 16) >= 0 for name in ids)


def test_an_identity_does_not_know_names_order_or_sweep() -> None:
    ids = {
        r.run_id for r in runs("[quadratic, rosenbrock]", "[sgd, {adam: {lr: [0.1, 0.2, 0.3]}}]")
    }
    turned = {
        r.run_id
        for r in runs("[{valley: {use: rosenbrock}}, {bowl: {use: quadratic, dim: 2.0, condition: 10}}]",
                      "[{a: {use: adam, lr: [0.3, 0.1, 0.2]}}, {b: {use: sgd, lr: 1e-2}}]",
                      "targets: {loss: 1}\nrecord: {every: 2}\n")
    }  # fmt: skip
    assert ids == turned
    alone = {r.run_id for r in runs("[rosenbrock]", "[{adam: {lr: 0.2}}]")}
    assert alone < ids


def test_ten_and_ten_point_zero_are_one_number() -> None:
    for written in ("10", "10.0", "1e1"):
        assert first(f"[{{quadratic: {{condition: {written}}}}}]") == first("[quadratic]")
    assert first(optimizers="[{sgd: {lr: 1}}]") == first(optimizers="[{sgd: {lr: 1.0}}]")


def test_an_identity_changes_with_every_cause() -> None:
    plain = {r.run_id for r in runs(optimizers="[momentum]")}
    for other in (
        runs(optimizers="[momentum_pytorch]"),
        runs(optimizers="[{momentum: {lr: 0.02}}]"),
        runs(optimizers="[{momentum: {beta: 0.91}}]"),
        runs("[rosenbrock]", "[momentum]"),
        runs("[{quadratic: {condition: 11}}]", "[momentum]"),
        runs(optimizers="[momentum]", more="seeds: {experiment: 1}\n"),
        runs(optimizers="[momentum]", more="precision: float32\n"),
        runs(optimizers="[momentum]", steps=6),
    ):
        assert plain.isdisjoint(r.run_id for r in other)
    by_cause = runs(
        optimizers="[{momentum: {lr: [0.1, 0.2]}}]", more="seeds: {tune: 2, evaluate: 3}\n"
    )
    assert len({r.run_id for r in by_cause}) == len(by_cause) == 2 * (2 + 3 + 1) + 3


def test_a_switch_of_an_optimizer_from_elsewhere_is_a_cause() -> None:
    plain, nesterov = (
        first(optimizers=f"[{{optax.sgd: {{momentum: 0.5{switch}}}}}]")
        for switch in ("", ", nesterov: true")
    )
    assert plain != nesterov


def test_a_rule_of_ones_own_is_not_its_namesake_of_the_house(tmp_path: Path) -> None:
    body = "def sgd(x, g, *, lr=0.01):\n    x = x - lr * g\n    return x\n"
    bowl = (
        "from optlab import problem\n@problem(start=[1.0, 2.0])\ndef quadratic(x, *, dim=2):\n"
        "    return (x * x).sum(0)\n"
    )
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text(body + bowl)
    ids = [
        first(
            f"[{{p: {{use: {problem}}}}}]",
            f"[{{o: {{use: {rule}}}}}]",
            path=str(tmp_path / "s.yaml"),
        )
        for problem in ("quadratic", "a.py:quadratic", "b.py:quadratic")
        for rule in ("sgd", "a.py:sgd", "b.py:sgd")
    ]
    assert len(set(ids)) == 9


# --- roles ---


def roles(*args: str, **more: object) -> Counter[tuple[str, str, str]]:
    return Counter((r.contender.name, r.role, r.start_kind) for r in runs(*args, **more))


def test_settings_are_tuned_only_where_there_is_a_choice() -> None:
    seeds = "seeds: {tune: 2, evaluate: 3}\n"
    assert roles("[rosenbrock]", "[sgd]", seeds) == {
        ("sgd", "evaluate", "drawn"): 3, ("sgd", "picture", "usual"): 1,
    }  # fmt: skip
    # One setting of sgd meets the same tune starts as adam's two, so that it can be compared.
    assert roles("[rosenbrock]", "[sgd, {adam: {lr: [0.1, 1]}}]", seeds) == {
        ("sgd", "tune", "drawn"): 2, ("sgd", "evaluate", "drawn"): 3, ("sgd", "picture", "usual"): 1,
        # On evaluation seeds also adam as it comes.
        ("adam", "tune", "drawn"): 4, ("adam", "evaluate", "drawn"): 6 + 3, ("adam", "picture", "usual"): 2,
    }  # fmt: skip
    # A problem that excludes the swept one has nothing to choose.
    assert ("sgd", "tune", "drawn") not in roles(
        "[{rosenbrock: {optimizers: [sgd]}}]", "[sgd, {adam: {lr: [0.1, 1]}}]", seeds
    )


def test_a_given_start_is_one_exact_run() -> None:
    start = "{w1: 0.5, b1: 0, w2: 0.3, b2: 0}"
    assert roles(f"[{{relu_network: {{start: {start}}}}}]", "[{sgd: {lr: [0.1, 0.2]}}]") == {
        ("sgd", "evaluate", "given"): 2 + 1  # and its default rate
    }
    assert roles("[{recorded_gradients: {w1: [1], b1: [1], w2: [1], b2: [1]}}]") == {
        ("sgd", "evaluate", "given"): 1
    }
    assert roles("[mlp]", more="seeds: {tune: 2, evaluate: 3}\n") == {
        ("sgd", "evaluate", "drawn"): 3
    }


def test_runs_stand_in_the_order_of_the_file() -> None:
    found = runs(
        "[rosenbrock, quadratic]", "[{sgd: {lr: [2, 1]}}, adam]", "seeds: {tune: 1, evaluate: 1}\n"
    )
    told = [(r.task.name, r.contender.name, r.hypers["lr"], r.part) for r in found]
    parts = ("trial", "grid", "picture")
    one = [
        *[("sgd", lr, part) for lr in (2.0, 1.0) for part in parts],
        ("sgd", 0.01, "default"),
        *[("adam", 0.001, part) for part in parts],
    ]
    assert told == [(problem, *each) for problem in ("rosenbrock", "quadratic") for each in one]


# --- cells ---


@pytest.mark.parametrize(
    ("problems", "seeds"),
    [("[quadratic, {big: {use: quadratic, dim: 500}}]", "{tune: 7, evaluate: 9}"),
     ("[{mlp: {data: iris, batch: 10}}, {softmax_regression: {data: iris}}]", "{tune: 2, evaluate: 3}")],
)  # fmt: skip
def test_every_run_is_in_exactly_one_cell(problems: str, seeds: str) -> None:
    optimizers = "[{sgd: {lr: {log: [1e-3, 1], n: 21}}}, {optax.lion: {lr: [0.1, 0.2, 0.3]}}]"
    experiment = spec(problems, optimizers, f"seeds: {seeds}\n")
    todo = list(plan.runs(experiment))
    cells = plan.cells(experiment, todo)
    assert Counter(r.run_id for c in cells for r in c.runs) == Counter(r.run_id for r in todo)
    for cell in cells:
        assert 1 <= len(cell.runs) <= cell.program.lanes * cell.program.blocks
        assert {r.task.problem for r in cell.runs} == {cell.program.problem}
        assert all(r.contender.optimizer is cell.program.optimizer for r in cell.runs)
        if cell.program.problem.stream is not None:
            assert len({(r.role, r.seed) for r in cell.runs}) == 1
    # Only the last cell of a group is not full.
    full = [c for c in cells if len(c.runs) == c.program.lanes]
    short = Counter(id(c.program) for c in cells if len(c.runs) < c.program.lanes)
    assert full
    if "mlp" not in problems:
        assert max(short.values()) == 1
    assert len({id(c.program) for c in cells}) == 4


def test_hyperparameters_that_cannot_be_arrays_split_programs() -> None:
    experiment = spec(
        optimizers="[{k: {use: optax.contrib.muon, ns_steps: [3, 4], lr: [0.1, 0.2]}}]"
    )
    cells = plan.cells(experiment, plan.runs(experiment))
    # Those that are tried, and the default one.
    assert {dict(c.program.fixed)["ns_steps"] for c in cells} == {3.0, 4.0, 5.0}
    assert len({id(c.program) for c in cells}) == 3
    for cell in cells:
        for run in cell.runs:
            assert all(run.hypers[name] == value for name, value in cell.program.fixed)
            assert set(cell.program.hypers) == set(run.hypers) - set(dict(cell.program.fixed))


@pytest.mark.parametrize(
    ("record", "steps", "points"),
    [("{every: 3}", 10, [0, 3, 6, 9, 10]), ("{every: 5}", 10, [0, 5, 10]), ("{every: 99}", 4, [0, 4]),
     ("{every: 1}", 2, [0, 1, 2]), ("{points: 4}", 10, [0, 3, 6, 9, 10]), ("{}", 3, [0, 1, 2, 3]),
     ("{points: 1}", 7, [0, 7])],
)  # fmt: skip
def test_recorded_points(record: str, steps: int, points: list[int]) -> None:
    experiment = spec(more=f"record: {record}\n", steps=steps)
    [cell] = plan.cells(experiment, plan.runs(experiment))
    assert cell.program.points == points


def test_recorded_metrics_hold_what_targets_look_at() -> None:
    experiment = spec("[{softmax_regression: {data: iris}}]",
                      more="record: {metrics: [grad_norm]}\ntargets: {test_accuracy: 0.9}\n")  # fmt: skip
    [cell] = plan.cells(experiment, plan.runs(experiment))
    assert cell.program.metrics == ("loss", "grad_norm", "test_accuracy")
