"""Every program on every case, side by side in one run; only ratios are told.

`python benchmarks/bench.py [--rounds 5] [--cases softmax]`. Each program lives in a process of its
own (they want JAX set up differently), is warmed up, and then they take turns, so that a change in
the machine's speed meets all of them alike.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from cases import CASES, Case, write_inputs

SIDES = ("ours", "handwritten", "handwritten_sharded", "torch_loop")
HERE = Path(__file__).parent


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
        print(seconds * case.rates / losses.shape[1], flush=True)


def measure(case: Case, rounds: int) -> dict[str, Any]:
    """Seconds of each side by round, and how far their losses are apart."""
    sides = [s for s in SIDES if s != "torch_loop" or importlib.util.find_spec("torch")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_inputs(case, folder / "inputs.npz")
        workers = {side: _start(side, case, folder) for side in sides}
        for side in sides:
            _ask(workers[side])
        seconds = {side: [] for side in sides}  # type: dict[str, list[float]]
        for _ in range(rounds):
            for side in sides:
                seconds[side].append(_ask(workers[side]))
        for process in workers.values():
            process.communicate()
        apart = {s: _apart(folder, s) for s in sides if s != "ours"}
    return {"case": case.name, "title": case.title, "run_steps": case.run_steps,
            "seconds": seconds, "apart": apart, "ratio": _ratios(seconds)}  # fmt: skip


def _start(side: str, case: Case, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--worker", side, case.name, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _ask(process: subprocess.Popen[str]) -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise RuntimeError(f"{process.args} ended without an answer")
    return float(answer)


def _apart(folder: Path, side: str) -> float:
    """The largest relative difference of losses over the first tenth of the recorded points; later
    on rounding has grown, chaos and all."""
    ours, theirs = np.load(folder / "ours.npy"), np.load(folder / f"{side}.npy")
    early = slice(0, 3)
    a, b = ours[early, : theirs.shape[1]], theirs[early]
    return float(np.max(np.abs(a - b) / np.abs(b)))


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cases", nargs="*", choices=CASES, default=list(CASES))
    parser.add_argument("--at-least", type=float, help="fail below this ratio to handwritten")
    parser.add_argument("--worker", nargs=3, metavar=("SIDE", "CASE", "FOLDER"))
    options = parser.parse_args()
    if options.worker:
        side, name, folder = options.worker
        worker(side, CASES[name], Path(folder))
        return
    results = []
    print("How many times as fast optlab's engine is (Adam, float64, 20 recorded points):\n")
    print(f"{'case':<66} {'handwritten optax':>18} {'torch loop':>12} {'run-steps/s':>12}")
    for name in options.cases:
        found = measure(CASES[name], options.rounds)
        results.append(found)
        ratio = found["ratio"]
        torch = f"{ratio['torch_loop']:,.0f}" if "torch_loop" in ratio else "no torch"
        speed = found["run_steps"] / statistics.median(found["seconds"]["ours"])
        print(f"{found['title']:<66} {ratio['handwritten']:>18.2f} {torch:>12} {speed:>12,.0f}")
        for side, apart in found["apart"].items():
            if apart > 1e-6:
                raise SystemExit(f"{side} did other work: losses differ by {apart:.1e}")
    text = json.dumps(results, indent=1)
    (HERE / "results.json").write_text(text, encoding="utf-8")
    slow = [r["title"] for r in results if r["ratio"]["handwritten"] < (options.at_least or 0)]
    if slow:
        raise SystemExit(f"slower than {options.at_least} times the hand-written program: {slow}")


if __name__ == "__main__":
    main()
