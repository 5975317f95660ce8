"""The same run has the same bits wherever it is executed.

Each execution is a process of its own with an empty result folder; curves are compared as bytes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

PROBLEMS = {
    "quadratic": "{use: quadratic, dim: 10, condition: 100, rotated: true}",
    "noisy": "{use: quadratic, dim: 3, condition: 10, noise: 0.3, rotated: true}",
    "rosenbrock": "{use: rosenbrock, dim: 3}",
    "softmax": "{use: softmax_regression, data: iris, batch: 16}",
    "network": "{use: mlp, data: wine, hidden: [8], batch: 16}",
}
LR, BETA = 0.0123, 0.87  # the run that is looked for everywhere


def _spec(
    precision: str, problems: list[str], lr: list[float], betas: list[float], seeds: int
) -> str:
    rows = "\n".join(f"  - {name}: {PROBLEMS[name]}" for name in problems)
    return (
        f"title: bits\nsteps: 40\nseeds: {{tune: 1, evaluate: {seeds}}}\nprecision: {precision}\n"
        f"record: {{every: 7}}\nproblems:\n{rows}\noptimizers:\n"
        f"  - adam: {{lr: {lr}, beta1: {betas}}}\n"
        f"  - lion: {{use: optax.lion, lr: {lr}, b1: {betas}}}\n"
    )


def _execute(folder: Path, text: str) -> None:
    """Run a spec in a new process, compiling everything anew."""
    folder.mkdir()
    (folder / "bits.yaml").write_text(text)
    command = [sys.executable, "-m", "optlab", "run", "--no-report", "--out", "out", "bits.yaml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _curves(folder: Path) -> dict[tuple[str, str], bytes]:
    """(problem, optimizer) -> the bytes of all curves of the run that is looked for."""
    results = folder / "out" / "bits"
    runs = pd.read_parquet(results / "runs.parquet")
    curves = pd.read_parquet(results / "curves.parquet").astype({"run_id": str, "metric": str})
    beta = runs["hyper.beta1"].fillna(runs["hyper.b1"])
    mine = runs[
        (runs["hyper.lr"] == LR) & (beta == BETA) & (runs.role == "evaluate") & (runs.seed == 0)
    ]
    found = {}
    for run in mine.itertuples():
        rows = curves[curves.run_id == run.run_id].sort_values(["metric", "step"])
        assert len(rows) > 20
        found[run.problem, run.optimizer] = (
            rows.metric.str.cat(sep=",").encode() + rows.step.to_numpy().tobytes()
            + rows.value.to_numpy().tobytes()
        )  # fmt: skip
    return found


def _grid(count: int) -> list[float]:
    return [LR, *(round(1e-4 * 1.09**i, 9) for i in range(count - 1))]


def _same(tmp_path: Path, precision: str, problems: list[str], size: int) -> None:
    rates, betas = _grid(size), [BETA, 0.5]
    specs = {
        "alone": _spec(precision, problems, [LR], [BETA], 1),
        "grid": _spec(precision, problems, rates, betas, 10),
        "reversed": _spec(precision, problems[::-1], rates[::-1], betas[::-1], 10),
    }
    for name, text in specs.items():
        _execute(tmp_path / name, text)
    alone = _curves(tmp_path / "alone")
    assert len(alone) == 2 * len(problems)
    for name in ("grid", "reversed"):
        assert _curves(tmp_path / name) == alone, name


@pytest.mark.slow
def test_alone_in_a_grid_and_reversed(tmp_path: Path) -> None:
    _same(tmp_path, "float64", ["quadratic", "noisy"], 5)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_alone_in_a_grid_of_a_thousand_and_reversed(tmp_path: Path, precision: str) -> None:
    _same(tmp_path, precision, list(PROBLEMS), 50)  # 50 rates x 2 betas x (10 + 1) seeds


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_after_an_interrupted_run(tmp_path: Path, precision: str) -> None:
    text = _spec(precision, list(PROBLEMS), _grid(50), [BETA, 0.5], 10)
    alone = _spec(precision, list(PROBLEMS), [LR], [BETA], 1)
    _execute(tmp_path / "alone", alone)
    folder = tmp_path / "cut"
    folder.mkdir()
    (folder / "bits.yaml").write_text(text)
    command = [sys.executable, "-m", "optlab", "run", "--no-report", "--out", "out", "bits.yaml"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL, env=dict(os.environ))
    while process.poll() is None and not list(folder.glob("out/bits/cells/*/*.npz")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=120) == 130
    kept = len(list(folder.glob("out/bits/cells/*/*.npz")))
    assert kept > 0
    assert not (folder / "out/bits/runs.parquet").exists()
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    assert len(list(folder.glob("out/bits/cells/*/*.npz"))) > kept
    assert _curves(folder) == _curves(tmp_path / "alone")
