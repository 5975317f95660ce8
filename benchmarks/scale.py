"""How the cost of a sweep grows in runs, steps and dimension, and what recording costs.

`python benchmarks/scale.py [--rounds 5]` writes `scale.json`, `scale.md` and `scale.svg`. The engine alone
is timed, compiled before: tables grow with the rows in them. Cost is linear where the slope over the last
decade, in decades of seconds a decade, is 1; before that a call costs what a call costs.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from optlab import plan
from optlab.draws import Draws
from optlab.engine import Engine, Inputs
from optlab.spec import parse
from optlab.startup import prepare

HERE = Path(__file__).parent
GROWTH = {  # what grows: its values
    "runs": [64, 256, 1024, 4096, 16384, 65536],
    "steps": [100, 1_000, 10_000, 100_000],
    "dimension": [2, 10, 100, 1_000, 10_000],
}
USUAL = {"runs": 1024, "steps": 1_000, "dimension": 10}
RECORDED = ("quadratic: {dim: 10}", "rosenbrock: {dim: 10}", "quadratic: {dim: 1000}", "himmelblau")
ADAM = "adam: {{lr: {{log: [1.0e-4, 1.0e-2], n: {runs}}}}}"


def seconds(problem: str, runs: int, steps: int, points: int, rounds: int) -> float:
    """The least of several rounds of a sweep over the rate of Adam, with the loss recorded."""
    text = (
        f"title: t\nsteps: {steps}\nseeds: 1\nrecord: {{points: {points}, metrics: [loss]}}\n"
        f"problems:\n  - {problem}\noptimizers:\n  - {ADAM.format(runs=runs)}\n"
    )
    made = parse(text, Path("scale.yaml"))
    todo = [run for run in plan.runs(made) if run.part == "grid" and run.role == "evaluate"]
    draws = Draws(0)
    draws.prepare(made.tasks[0], dict.fromkeys((r.role, r.seed, r.start_kind) for r in todo))
    cells, working = plan.cells(made, todo), Engine()

    def started(cell: plan.Cell) -> Inputs:
        return Inputs([draws.start(r) for r in cell.runs], [dict(r.hypers) for r in cell.runs])

    def once() -> float:
        began = time.perf_counter()
        for _, outcome in working.execute(cells, started):
            if isinstance(outcome, Exception):
                raise outcome
        return time.perf_counter() - began

    once()  # compiles
    return min(once() for _ in range(rounds))


def growth(rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for what, values in GROWTH.items():
        for value in values:
            now = {**USUAL, what: value}
            problem = f"quadratic: {{dim: {now['dimension']}}}"
            took = seconds(problem, now["runs"], now["steps"], 20, rounds)
            found.setdefault(what, []).append(took)
            print(f"{what} {value:,}: {took:.4f} s", flush=True)
    return found


def slope(values: list[int], took: list[float]) -> float:
    """Decades of seconds a decade, between the last value and the one about a decade before."""
    before = max(i for i, v in enumerate(values) if v * 10 <= values[-1])
    return math.log(took[-1] / took[before]) / math.log(values[-1] / values[before])


def recording(rounds: int) -> dict[str, float]:
    """Seconds with 100 recorded points in 1,000 steps over seconds with the end alone."""
    found = {}
    for problem in RECORDED:
        many, none = (seconds(problem, 4096, 1_000, points, rounds) for points in (100, 1))
        found[problem] = many / none
        print(f"recording on {problem}: {many / none:.3f}", flush=True)
    return found


def draw(found: dict[str, list[float]]) -> Figure:
    figure = Figure(figsize=(9, 3), layout="constrained")
    for axes, (what, took) in zip(figure.subplots(1, 3, sharey=True), found.items(), strict=True):
        values = np.array(GROWTH[what], float)
        axes.loglog(values, took, "o-", color="#0072B2", label="measured")
        axes.loglog(values, took[-1] * values / values[-1], "--", color="0.5", label="linear")
        axes.set_xlabel(what)
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("seconds")
    figure.axes[0].legend(frameon=False)
    return figure


def told(found: dict[str, list[float]], cost: dict[str, float]) -> str:
    usual = "1,024 runs x 1,000 steps x 10 dimensions"
    lines = [
        "# How cost grows", "",
        f"Adam on a quadratic, the loss recorded at 20 points, from {usual}; seconds of the engine, compiled",
        "before. The slope is over the last decade: 1 is linear. Made by `python benchmarks/scale.py`.", "",
        "![Seconds against runs, steps and dimension](scale.svg)", "",
        "| what grows | values | seconds | slope at the end |", "|---|---|---|---|",
    ]  # fmt: skip
    for what, took in found.items():
        values = ", ".join(f"{v:,}" for v in GROWTH[what])
        each = ", ".join(f"{t:.2g}" for t in took)
        lines.append(f"| {what} | {values} | {each} | {slope(GROWTH[what], took):.2f} |")
    lines += ["", "| 4,096 runs of 1,000 steps on | 100 recorded points over none |", "|---|---|"]
    lines += [f"| `{problem}` | {ratio:.3f} |" for problem, ratio in cost.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        found, cost = growth(rounds), recording(rounds)
    kept: dict[str, Any] = {
        what: {"values": GROWTH[what], "seconds": took, "slope": slope(GROWTH[what], took)}
        for what, took in found.items()
    }
    text = json.dumps({**kept, "recording": cost}, indent=1)
    (HERE / "scale.json").write_text(text + "\n", encoding="utf-8")
    (HERE / "scale.md").write_text(told(found, cost), encoding="utf-8")
    with mpl.rc_context({"svg.hashsalt": "optlab", "svg.fonttype": "none"}):
        draw(found).savefig(HERE / "scale.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
