"""From a spec file to tables: what is written, what is run again, what survives a broken part."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import optlab
from optlab import lab
from optlab.engine import Engine
from optlab.owner import TakenError
from optlab.results import Results
from optlab.spec import parse

SMALL = """
title: A bowl and a valley
steps: 30
seeds: {tune: 1, evaluate: 2}
problems:
  - bowl: {use: quadratic, condition: 2}
  - given: {use: recorded_gradients, start: {w: 1.5}, w: [1, -0.5]}
optimizers:
  - sgd: {lr: [0.1, 1.0]}
"""
OWN = """
import numpy
from optlab import problem, rule, uniform
from optlab.algebra import sqrt

@problem(start=[3.0, -2.0], minimum=0.0)
def fine(x):
    return (x * x).sum(0)

@problem(start=[3.0, -2.0])
def given(x):
    return numpy.asarray(x).sum(0)      # NumPy cannot see inside a compiled program

@problem(start=uniform(-1, 1, dim=2))
def drawn(x):
    return numpy.asarray(x).sum(0)
"""


class Listener:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, int, int]] = []
        self.steps = 0
        self.notes: list[str] = []

    def begin(self, name: str, runs: int, run_steps: int, stored: int, later: int) -> None:
        self.begun.append((runs, run_steps, stored))

    def advance(self, run_steps: int) -> None:
        self.steps += run_steps

    def note(self, text: str) -> None:
        self.notes.append(text)


def write(folder: Path, text: str, name: str = "small.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def run(folder: Path, text: str = SMALL, name: str = "small.yaml") -> tuple[Results, Listener]:
    listener = Listener()
    return optlab.run(write(folder, text, name), folder / "out", listener), listener


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run(tmp_path_factory.mktemp("done"))[0]


# --- what is written ---


def test_exactly_the_documented_files_are_written(done: Results) -> None:
    folder = done.folder
    assert {p.name for p in folder.iterdir()} == {
        "runs.parquet", "curves.parquet", "paths.parquet", "runs.csv", "manifest.json", "cells",
        "pictures.npz", "worked.json", "explained.json", "claims.json", "verdicts.csv",
    }  # fmt: skip
    assert all(p.suffix == ".npz" for p in (folder / "cells").rglob("*") if p.is_file())
    outside = {p.name for p in folder.parent.parent.iterdir()}
    assert outside == {"small.yaml", "out"}


def test_rows_are_the_arithmetic_of_gradient_descent(done: Results) -> None:
    runs = done.runs
    assert len(runs) == 2 * (1 + 2 + 1) + 2 + (2 + 1)  # the last are those of the default rate
    assert list(runs["problem"].unique()) == ["bowl", "given"]
    assert runs["status"].value_counts().to_dict() == {"hit": 4, "budget": 9}
    # Curvatures 1/2 and 1 around (1, -1/2): each coordinate shrinks by (1 - lr h) a step.
    h, c = np.array([0.5, 1.0]), np.array([1.0, -0.5])
    paths = done.paths.pivot_table(
        index=["run_id", "step"], columns="coordinate", values="value", observed=True
    )
    for row in runs[runs["problem"] == "bowl"].itertuples():
        path = paths.loc[row.run_id][["x1", "x2"]]
        lr = runs.loc[row.Index, "hyper.lr"]
        x = c + (1 - lr * h) ** path.index.to_numpy()[:, None] * (path.iloc[0].to_numpy() - c)
        np.testing.assert_allclose(path, x, atol=1e-12)
        loss = 0.5 * (h * (x - c) ** 2).sum(1)
        assert row.loss_final == pytest.approx(loss[-1], rel=1e-9)
        curve = done.curves[
            (done.curves["run_id"] == row.run_id) & (done.curves["metric"] == "loss")
        ]
        np.testing.assert_allclose(curve["value"], loss, atol=1e-12)
    given = runs[runs["problem"] == "given"]
    last = done.paths[(done.paths["coordinate"] == "w") & (done.paths["step"] == 2)]
    np.testing.assert_allclose(
        last.set_index("run_id").loc[given["run_id"], "value"], 1.5 - given["hyper.lr"] * 0.5
    )


def test_what_was_written_is_what_is_loaded(done: Results) -> None:
    again = optlab.load(done.folder)
    pd.testing.assert_frame_equal(again.runs, done.runs)
    pd.testing.assert_frame_equal(again.curves, done.curves)
    assert again.manifest == done.manifest
    assert again.worked == done.worked
    table = pd.read_csv(done.folder / "runs.csv")
    pd.testing.assert_frame_equal(table, done.runs, check_dtype=False)
    with pytest.raises(FileNotFoundError, match="no results here"):
        optlab.load(done.folder / "cells")


def test_the_manifest_says_how_it_was_made(done: Results) -> None:
    text = (done.folder / "manifest.json").read_text(encoding="utf-8")
    made = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert made["spec"] == SMALL
    assert made["counts"] == {"hit": 4, "budget": 9, "diverged": 0, "error": 0}
    bowl, given = made["problems"]
    assert (bowl["curvature"], bowl["minimum"]["value"], bowl["steps"]) == ([0.5, 1.0], 0.0, 30)
    assert (given["steps"], given["targets"], given["decision"]) == (2, [], None)
    [sgd] = made["optimizers"]
    assert sgd["limits"] == {"bowl": [[{}, 2.0]]}  # 2 / L
    assert len(done.worked) == 1
    assert done.pictures.keys() == {"bowl"}


# --- what is run again ---


def test_a_second_run_has_nothing_to_do(done: Results) -> None:
    again, listener = run(done.folder.parent.parent)
    assert listener.begun == [(13, 0, 13)]
    assert listener.steps == 0
    pd.testing.assert_frame_equal(again.runs, done.runs)
    pd.testing.assert_frame_equal(again.curves, done.curves)


def test_a_grown_grid_runs_only_what_is_new(tmp_path: Path) -> None:
    before, first = run(tmp_path)
    # Two rates on four starts and the default one on two; all three on the given list.
    assert (first.steps, first.begun) == (10 * 30 + 3 * 2, [(13, 306, 0)])
    grown = SMALL.replace("[0.1, 1.0]", "[0.5, 1.0, 0.1]").replace("evaluate: 2", "evaluate: 3")
    after, second = run(tmp_path, grown)
    # One rate more on five starts, one start more for three rates, one rate more on the given list.
    assert second.steps == (5 + 3) * 30 + 2
    assert second.begun == [(22, second.steps, 13)]
    kept = after.runs.set_index("run_id").loc[before.runs["run_id"]]
    pd.testing.assert_frame_equal(kept.reset_index(), before.runs)
    back, third = run(tmp_path)
    assert third.steps == 0
    pd.testing.assert_frame_equal(back.runs, before.runs)


def test_a_damaged_cell_is_run_again(tmp_path: Path) -> None:
    before, _ = run(tmp_path)
    cells = sorted((before.folder / "cells").rglob("*.npz"), key=lambda p: p.stat().st_size)
    large = cells[-1].read_bytes()
    cells[-1].write_bytes(large[:200] + bytes([large[200] ^ 1]) + large[201:])
    after, listener = run(tmp_path)
    assert listener.notes == [f"{cells[-1].name} could not be read and is run again"]
    assert listener.steps == 10 * 30
    pd.testing.assert_frame_equal(after.runs, before.runs)


def test_a_changed_rule_is_run_again(tmp_path: Path) -> None:
    own = "def step(x, g, *, lr=0.1):\n    x = x - lr * g\n    return x\n"
    text = SMALL.replace("- sgd:", "- mine: {use: own.py:step, lr: 0.1}\n  - sgd:")
    write(tmp_path, own, "own.py")
    before, _ = run(tmp_path, text)
    write(tmp_path, own.replace("- lr * g", "- lr * g * 0.5"), "own.py")
    after, listener = run(tmp_path, text)
    assert listener.steps == 4 * 30 + 2  # mine alone
    mine = [r.runs.set_index(["optimizer", "run_id"])["loss_final"] for r in (before, after)]
    assert (mine[0]["sgd"] == mine[1]["sgd"]).all()
    assert (mine[0]["mine"] != mine[1]["mine"]).any()


def test_an_interrupted_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SMALL.replace(  # long enough that it is not done before it is interrupted
        "- bowl",
        "- soft: {use: softmax_regression, data: iris, batch: 30, steps: 20000}\n  - bowl",
    )
    for name in ("whole", "part"):
        (tmp_path / name).mkdir()
    whole, listener = run(tmp_path / "whole", text)
    total, execute = listener.steps, Engine.execute

    def interrupted(self: Engine, cells: Any, inputs: Any, finish: Any) -> Any:
        for i, outcome in enumerate(execute(self, cells, inputs, finish)):
            if i == 2:
                raise KeyboardInterrupt
            yield outcome

    with monkeypatch.context() as patched:
        patched.setattr(Engine, "execute", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "part", text)
    assert not (tmp_path / "part/out/small/runs.parquet").exists()
    after, second = run(tmp_path / "part", text)
    assert 0 < second.steps < total
    pd.testing.assert_frame_equal(after.runs, whole.runs)
    pd.testing.assert_frame_equal(after.curves, whole.curves)


# --- one run under two names ---


def test_two_names_of_one_problem_have_their_own_targets(tmp_path: Path) -> None:
    text = """
title: t
steps: 30
seeds: {tune: 1, evaluate: 2}
problems:
  - easy: {use: quadratic, condition: 2, targets: {gap: 1e3}}
  - hard: {use: quadratic, condition: 2, targets: {gap: 1e-300}}
optimizers: [{a: {use: sgd, lr: [0.1, 0.2]}}, {b: {use: sgd, lr: [0.2, 0.3]}}]
"""
    found, listener = run(tmp_path, text)
    # Three rates on four starts; the default one, which is both optimizers', on two.
    assert listener.steps == (3 * 4 + 2) * 30
    runs = found.runs
    assert len(runs) == 2 * 2 * (2 * 4 + 2)
    told = runs.groupby(["problem", "optimizer"], sort=False)["status"].unique().map(list).to_dict()
    assert told == {("easy", "a"): ["hit"], ("easy", "b"): ["hit"],
                    ("hard", "a"): ["budget"], ("hard", "b"): ["budget"]}  # fmt: skip
    easy, hard = (runs[runs["problem"] == name].reset_index() for name in ("easy", "hard"))
    assert (easy["run_id"] == hard["run_id"]).all()
    assert (easy["loss_final"] == hard["loss_final"]).all()
    assert easy["reached.gap <= 1e-300"].isna().all()
    assert np.isinf(hard["reached.gap <= 1e-300"]).all()
    assert not found.curves.duplicated(["run_id", "step", "metric"]).any()


def test_one_function_with_two_switches_is_two_optimizers(tmp_path: Path) -> None:
    text = SMALL.replace(
        "- sgd: {lr: [0.1, 1.0]}",
        "- plain: {use: optax.sgd, lr: 0.1, momentum: 0.5}\n"
        "  - ahead: {use: optax.sgd, lr: 0.1, momentum: 0.5, nesterov: true}",
    )
    runs = run(tmp_path, text)[0].runs
    final = runs[runs["problem"] == "bowl"].groupby("optimizer")["loss_final"].apply(list)
    assert len(final["plain"]) == len(final["ahead"]) == 3
    assert set(final["plain"]).isdisjoint(final["ahead"])


# --- broken parts ---


def test_a_problem_that_breaks_does_not_take_the_others_along(tmp_path: Path) -> None:
    write(tmp_path, OWN, "own.py")
    text = """
title: t
steps: 5
seeds: {tune: 1, evaluate: 2}
problems: [{a: {use: own.py:given}}, {b: {use: own.py:drawn}}, {c: {use: own.py:fine}}]
optimizers: [{sgd: {lr: [0.1, 0.2]}}, adam]
"""
    found, listener = run(tmp_path, text)
    runs = found.runs
    # Two rates of sgd, its default, and one of adam: on two evaluation seeds where starts are drawn.
    assert list(runs["problem"]) == ["a"] * 4 + ["b"] * 11 + ["c"] * 4
    status = runs.groupby("problem")["status"].unique().map(list).to_dict()
    assert status == {"a": ["error"], "b": ["error"], "c": ["budget"]}
    assert runs[runs["problem"] != "c"][["loss_final", "gap", "diverged_at"]].isna().all(axis=None)
    assert found.manifest["counts"] == {"hit": 0, "budget": 4, "diverged": 0, "error": 15}
    errors = found.manifest["errors"]
    assert {(e["problem"], e["optimizer"], e["runs"]) for e in errors} == {
        ("a", "sgd", 3), ("a", "adam", 1), ("b", "sgd", 8), ("b", "adam", 3),
    }  # fmt: skip
    assert all("jax.numpy" in e["message"] and "\n" not in e["message"] for e in errors)
    assert len(listener.notes) == 4
    assert set(found.curves["run_id"]) == set(runs[runs["problem"] == "c"]["run_id"])
    again, listener = run(tmp_path, text)
    assert listener.begun == [(19, 4 * 5, 4)]  # what broke when it ran is tried again
    pd.testing.assert_frame_equal(again.runs, runs)


def test_when_everything_breaks_there_are_tables_all_the_same(tmp_path: Path) -> None:
    write(tmp_path, OWN, "own.py")
    text = "title: t\nsteps: 5\nproblems: [{a: {use: own.py:given}}]\noptimizers: [sgd]\n"
    found = run(tmp_path, text)[0]
    assert list(found.runs["status"]) == ["error"]
    assert len(found.curves) == len(found.paths) == 0
    assert {"loss_final", "diverged_at", "largest_rise"} <= set(found.runs.columns)


# --- a process that has used JAX before ---


@pytest.mark.slow
def test_a_notebook_keeps_its_own_jax(tmp_path: Path) -> None:
    spec = write(tmp_path, SMALL)
    code = f"""
import os
import jax
from jax import numpy as jnp
before = jnp.ones(3)
devices = jax.devices()
import optlab
found = optlab.run({str(spec)!r}, {str(tmp_path / "out")!r})
assert jnp.ones(3).dtype == before.dtype == jnp.float32, "precision leaked"
assert jax.devices() == devices
assert "xla_force_host" not in os.environ.get("XLA_FLAGS", "")
assert not jax.config.jax_enable_x64
assert jax.config.jax_compilation_cache_dir is None
print(found.runs["loss_final"].sum())
"""
    asked = _python(code)
    (tmp_path / "here").mkdir()
    here = run(tmp_path / "here")[0]
    assert float(asked) == pytest.approx(here.runs["loss_final"].sum(), rel=1e-12)


def test_two_folders_of_one_process_keep_programs_of_their_own(tmp_path: Path) -> None:
    """The second folder's programs once went to the first, which may be gone by then."""
    text = "title: t\nsteps: 2\nproblems: [rosenbrock]\noptimizers: [sgd]\n"
    code = f"""
import jax, shutil
from pathlib import Path
from optlab.lab import run
from optlab.spec import parse
experiment = parse({text!r}, Path("here.yaml"))
kept = []
for name in ("first", "second"):
    out = Path({str(tmp_path)!r}) / name
    run(experiment, out)
    kept.append(len(list((out / ".cache/compiled").iterdir())))
    shutil.rmtree(out)
assert not (out.parent / "first").exists()
print(*kept)
"""
    first, second = map(int, _python(code).split())
    assert first > 0
    assert second > 0


def _python(code: str) -> str:
    """What a fresh Python says that keeps JAX as it is installed; warnings are errors there too."""
    ours = ("XLA_FLAGS", "JAX_PLATFORMS", "JAX_COMPILATION_CACHE_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    asked = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True,
                           check=False, env=environment)  # fmt: skip
    assert asked.returncode == 0, asked.stderr
    return asked.stdout


# --- namesakes, pictures, threads ---


def test_namesakes_from_two_folders_are_two_rules(tmp_path: Path) -> None:
    for folder, sign in (("v1", "-"), ("v2", "+")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "rule.py").write_text(
            f"def mine(x, g, *, lr=0.01):\n    x = x {sign} lr * g\n    return x\n"
        )
    text = (
        "title: two\nsteps: 5\nseeds: 3\nproblems: [quadratic]\noptimizers:\n"
        "  - one: {use: v1/rule.py:mine}\n  - two: {use: v2/rule.py:mine}\n"
        "  - plain: {use: optax.adam}\n  - same: {use: optax.adam, nesterov: false}\n"
    )
    (tmp_path / "two.yaml").write_text(text)
    runs = lab.run(tmp_path / "two.yaml", tmp_path / "out").runs
    counted = runs.groupby(["optimizer", "role"]).size().unstack()
    assert (counted["evaluate"] == 3).all()
    by = {name: rows.set_index(["role", "seed"]) for name, rows in runs.groupby("optimizer")}
    assert (by["one"].loss_final < by["one"].loss_first).all()
    assert (by["two"].loss_final > by["two"].loss_first).all()
    assert (by["plain"].loss_final == by["same"].loss_final).all()  # one thing under two names


def test_a_loss_that_takes_points_but_no_grid_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from jax import numpy as jnp\nfrom optlab import problem, uniform\n"
        "@problem(start=uniform(-1, 1, dim=2), window=((-1, 1), (-1, 1)))\n"
        "def tilted(x):\n"
        "    return 0.5 * (x * (jnp.array([[2.0, 1.0], [1.0, 3.0]]) @ x)).sum(0)\n"
    )
    (tmp_path / "a.yaml").write_text(
        "title: a\nsteps: 3\nseeds: 1\nproblems: [tilted: {use: 'mine.py:tilted'}]\noptimizers: [sgd]\n"
    )
    x, y, z = lab.run(tmp_path / "a.yaml", tmp_path / "out").pictures["tilted"]
    i, j = 7, 90
    np.testing.assert_allclose(z[i, j], x[j] ** 2 + x[j] * y[i] + 1.5 * y[i] ** 2, rtol=1e-12)


def test_a_loss_that_ends_the_process_breaks_its_runs_only(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import jax, sys\nfrom optlab import problem, uniform\n"
        "@problem(start=uniform(-1, 1, dim=3))\n"
        "def leaves(x):\n"
        "    if isinstance(x, jax.core.Tracer) and x.ndim == 2 and x.shape[1] > 32:  # a block of runs\n"
        "        sys.exit(3)\n"
        "    return (x * x).sum(0)\n"
    )
    (tmp_path / "a.yaml").write_text(
        "title: a\nsteps: 3\nseeds: 2\nproblems: [leaves: {use: 'mine.py:leaves'}, quadratic]\n"
        "optimizers: [sgd]\n"
    )
    runs = lab.run(tmp_path / "a.yaml", tmp_path / "out").runs
    assert set(runs[runs.problem == "leaves"].status) == {"error"}
    assert "error" not in set(runs[runs.problem == "quadratic"].status)


def test_a_full_disk_is_told_after_the_threads_have_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(lab.Store, "put", full)
    (tmp_path / "a.yaml").write_text(
        "title: a\nsteps: 500\nseeds: 2\nproblems: [quadratic, rosenbrock, beale]\n"
        "optimizers: [sgd, adam]\n"
    )
    with pytest.raises(OSError, match="No space left"):
        lab.run(tmp_path / "a.yaml", tmp_path / "out")
    assert not [t for t in threading.enumerate() if t.name.startswith("optlab")]


def test_a_loss_of_another_precision_than_its_parameters_runs(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from jax import numpy as jnp\nfrom optlab import problem, uniform\n"
        "@problem(start=uniform(-1, 1, dim=3))\n"
        "def narrow(x):\n    return (x.astype(jnp.float32) ** 2).sum(0)\n"
    )
    (tmp_path / "a.yaml").write_text(
        "title: a\nsteps: 5\nseeds: 2\nproblems: [narrow: {use: 'mine.py:narrow'}]\noptimizers: [sgd]\n"
    )
    assert "error" not in set(lab.run(tmp_path / "a.yaml", tmp_path / "out").runs["status"])


def test_an_experiment_without_a_file_takes_nobodys_results(tmp_path: Path) -> None:
    text = "title: a\nsteps: 5\nseeds: 2\nproblems: [quadratic]\noptimizers: [sgd]\n"
    (tmp_path / "a.yaml").write_text(text)
    lab.run(tmp_path / "a.yaml", tmp_path / "out")
    other = parse(text.replace("steps: 5", "steps: 6"), tmp_path / "nowhere" / "a.yaml")
    with pytest.raises(TakenError, match="another spec of the same name"):
        lab.run(other, tmp_path / "out")
