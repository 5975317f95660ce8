"""Every program on every case, side by side in one run; only ratios are told.

`python benchmarks/bench.py [--rounds 5] [--cases "Adam on quadratic 2-d"]`. Each program lives in a process
of its own (they want JAX set up differently), is warmed up, and then they take turns, so that a change in
the machine's speed meets all of them alike. `--keep` writes `results.json` and `results.md`.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from cases import CASES, Case, write_inputs

HERE = Path(__file__).parent
TARGETS = {"handwritten": {True: 2.0, False: 1.3}, "limit": {True: 0.5}, "matmul": {False: 0.5},
           "torch_loop": {True: 20_000.0, False: 15.0}}  # fmt: skip
"""What each ratio should be at least, for analytic problems (True) and networks."""


def sides(case: Case) -> list[str]:
    """The programs that do this case."""
    found = ["ours", "handwritten", "handwritten_sharded"]
    if case.hidden is not None:
        found.append("matmul")
    elif importlib.import_module("limit").COMPILER:
        found.append("limit")
    if case.torch and importlib.util.find_spec("torch"):
        found.append("torch_loop")
    return found


def worker(side: str, case: Case, folder: Path) -> None:
    """Do the case once for each line read; answer with seconds. The first answer is the warm-up."""
    with np.load(folder / "inputs.npz") as stored:
        inputs = dict(stored)
    once = importlib.import_module(side).program(case, inputs)
    for _ in sys.stdin:
        began = time.perf_counter()
        losses = once()
        seconds = time.perf_counter() - began
        np.save(folder / f"{side}.npy", losses)
        print(seconds * case.runs / losses.shape[1], flush=True)


def measure(case: Case, rounds: int) -> dict[str, Any]:
    """Seconds of each side by round, and how far their losses are apart."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_inputs(case, folder / "inputs.npz")
        workers = {side: _start(side, case, folder) for side in sides(case)}
        for process in workers.values():
            _ask(process)
        seconds: dict[str, list[float]] = {side: [] for side in workers}
        for _ in range(rounds):
            for side, process in workers.items():
                seconds[side].append(_ask(process))
        for process in workers.values():
            process.communicate()
        apart = {s: _apart(case, folder, s) for s in workers if s not in ("ours", "matmul")}
    return {"case": case.name, "title": case.title, "analytic": case.hidden is None,
            "run_steps": case.run_steps, "seconds": seconds, "apart": apart,
            "ratio": _ratios(seconds)}  # fmt: skip


def _start(side: str, case: Case, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--worker", side, case.name, str(folder)]
    # NumPy's products of matrices are divided over threads by runs, as ours are.
    environment = {**os.environ, **({"OPENBLAS_NUM_THREADS": "1"} if side == "matmul" else {})}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                            env=environment)  # fmt: skip


def _ask(process: subprocess.Popen[str]) -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise RuntimeError(f"{process.args} ended without an answer")
    return float(answer)


def _apart(case: Case, folder: Path, side: str) -> float:
    """How far a side's losses are from ours: the largest relative difference over the first three recorded
    points, of the larger of loss and a millionth of the loss at the start. On a bowl of all runs but the farthest
    tenth (there rates are tried at which a rule swings about the minimum); elsewhere rounding grows without
    bound, chaos and all, so that only the nearest tenth is near, and of every run only the start."""
    ours, theirs = np.load(folder / "ours.npy"), np.load(folder / f"{side}.npy")
    a, b = ours[:3, : theirs.shape[1]], theirs[:3]
    difference = np.abs(a - b) / np.maximum(np.abs(b), 1e-6 * np.abs(b[0]))
    calm = "quadratic" in case.problem
    return float(
        max(difference[0].max(), np.quantile(difference.max(axis=0), 0.9 if calm else 0.1))
    )


def _ratios(seconds: dict[str, list[float]]) -> dict[str, float]:
    """How many times as fast ours is: the median over rounds of the ratio within a round. Of the
    hand-written program's variants the faster one counts."""
    ratios = {
        side: statistics.median(
            theirs / ours for theirs, ours in zip(times, seconds["ours"], strict=True)
        )
        for side, times in seconds.items()
        if side != "ours"
    }
    variants = [ratios.pop("handwritten"), ratios.pop("handwritten_sharded")]
    return {"handwritten": min(variants), "variants": max(variants), **ratios}


def _table(results: list[dict[str, Any]]) -> str:
    """The ratios as a table in Markdown; those below their target are marked."""
    head = ["case", "optax by hand", "limit in C", "products in NumPy", "torch loop", "run-steps/s"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for found in results:
        cells = [found["title"]]
        for side, targets in TARGETS.items():
            ratio = found["ratio"].get(side)
            target = targets.get(found["analytic"])
            if ratio is None or target is None:
                cells.append("")
                continue
            digits = 0 if ratio >= 100 else 2
            cells.append(
                f"{ratio:,.{digits}f}" + ("" if ratio >= target else f" (aim {target:,g})")
            )
        speed = found["run_steps"] / statistics.median(found["seconds"]["ours"])
        lines.append("| " + " | ".join([*cells, f"{speed:,.0f}"]) + " |")
    return "\n".join(lines)


def _keep(results: list[dict[str, Any]]) -> None:
    """Write the cases measured now over those of before, and the report of all."""
    path = HERE / "results.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    known = {found["case"]: found for found in [*before, *results]}
    ordered = [known[name] for name in CASES if name in known]
    path.write_text(json.dumps(ordered, indent=1), encoding="utf-8")
    (HERE / "results.md").write_text(_REPORT.format(table=_table(ordered)), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="*", choices=CASES, default=list(CASES), metavar="CASE")
    parser.add_argument("--at-least", type=float, help="fail below this ratio to handwritten")
    parser.add_argument("--keep", action="store_true", help="write results.json and results.md")
    parser.add_argument("--worker", nargs=3, metavar=("SIDE", "CASE", "FOLDER"))
    options = parser.parse_args()
    if options.worker:
        side, name, folder = options.worker
        worker(side, CASES[name], Path(folder))
        return
    results = []
    for name in options.cases:
        results.append(measure(CASES[name], options.rounds))
        print(_table(results[-1:]).splitlines()[-1], flush=True)
        for side, apart in results[-1]["apart"].items():
            if apart > (1e-6 if CASES[name].precision == "float64" else 1e-2):
                raise SystemExit(f"{side} did other work: losses differ by {apart:.1e}")
    if options.keep:
        _keep(results)
    slow = [r["title"] for r in results if r["ratio"]["handwritten"] < (options.at_least or 0)]
    if slow:
        raise SystemExit(f"slower than {options.at_least} times the hand-written program: {slow}")


_REPORT = """# How many times as fast optlab is

The median over rounds of the ratio within a round; 20 recorded points on every side, all hyperparameters
swept (networks: the rate), and on optlab's side the tables written to disk. `13 x 10` is 13 rates and 10
seeds. "Optax by hand" is `handwritten.py`, the faster of its two variants; "limit in C" is `limit.c`;
"products in NumPy" compares with the matrix products alone, batched as the engine batches them.
Made by `make bench`.

{table}
"""


if __name__ == "__main__":
    main()
