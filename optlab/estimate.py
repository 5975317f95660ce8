"""What an experiment will cost, before it runs: from counts, and from rates measured once.

The rates are those of one ordinary core (benchmarks/); they say minutes from hours, not seconds from
seconds.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from jax import tree

from optlab import plan
from optlab.plan import Program
from optlab.spec import Experiment

__all__ = ["Estimate", "estimate"]

COMPILE = 0.7  # seconds a program
TURN = 0.6e-6  # seconds a turn of the loop
ELEMENT = 2.2e-9  # seconds a coordinate, run and step on analytic problems
FLOPS = 20e9  # multiply-adds count two; a core's rate in small matrix products
ASIDE = 30e-9  # seconds a parameter, run and step: the rule itself on leaves that leave the cache


@dataclass(frozen=True)
class Estimate:
    """Counts, seconds and bytes; `memory` is the largest part that is held at once: the record of
    all runs on its way into tables."""

    runs: int
    run_steps: int
    programs: int
    cells: int
    compile_seconds: float
    run_seconds: float
    memory: float

    @property
    def seconds(self) -> float:
        return self.compile_seconds + self.run_seconds


def estimate(experiment: Experiment) -> Estimate:
    """Count everything, and estimate time and memory on this machine's cores."""
    runs = list(plan.runs(experiment))
    cells = plan.cells(experiment, runs)
    programs = {id(cell.program): cell.program for cell in cells}
    cores = min(os.cpu_count() or 1, max(1, len(programs)))
    work = sum(_cell_seconds(cell.program) for cell in cells)
    held = sum(
        len(cell.runs) * len(cell.program.points) * 8
        * (len(cell.program.metrics) + (cell.program.problem.about.dim if cell.program.path else 0))
        for cell in cells
    )  # fmt: skip
    return Estimate(
        runs=len(runs),
        run_steps=sum(run.task.steps for run in runs),
        programs=len(programs),
        cells=len(cells),
        compile_seconds=COMPILE * len(programs) / cores,
        run_seconds=work / cores,
        memory=5.0 * held,  # the arrays, the columns made of them, and the file being written
    )


def _cell_seconds(program: Program) -> float:
    problem, lanes = program.problem, program.lanes
    dim, points = problem.about.dim, len(program.points)
    if problem.layout == "coordinates":
        dense = problem.data is not None and np.ndim(problem.data.get("root", 0)) == 2
        step = TURN + lanes * dim * (ELEMENT + (8.0 * dim / FLOPS if dense else 0.0))
        return step * (program.steps + 3 * points)
    rows = max((len(leaf) for leaf in tree.leaves(problem.data)), default=1)
    batch = rows if problem.epoch in (None, 1) else rows // problem.epoch
    step = lanes * dim * (6.0 * batch / FLOPS + ASIDE)
    look = lanes * dim * 6.0 * rows / FLOPS
    return step * program.steps + look * points
