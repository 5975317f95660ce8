"""What an experiment will cost, before it runs: from counts, and from rates measured once.

The rates are those of one ordinary core (benchmarks/); they say minutes from hours, not seconds from
seconds.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from optlab import plan
from optlab.cost import look_seconds, rows_of_a_step, step_seconds
from optlab.plan import Program, Run
from optlab.spec import Contender, Experiment, Task

__all__ = ["Estimate", "estimate"]

COMPILE = 0.4  # seconds a program


@dataclass(frozen=True)
class Estimate:
    """Counts, seconds and bytes; `memory` is the largest part that is held at once: the record of
    all runs on its way into tables, and the orders of minibatches."""

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


@dataclass(frozen=True)
class _Part:
    """One optimizer on one problem; its programs differ only in values of hyperparameters."""

    program: Program
    programs: int
    runs: int
    cells: int
    blocks: int


def estimate(experiment: Experiment) -> Estimate:
    """Count everything by arithmetic, no run being made, and estimate time and memory on this
    machine's cores."""
    parts = [
        _part(experiment, task, experiment.contender(name))
        for task in experiment.tasks
        if task.imported is None
        for name in task.optimizers
    ]
    programs = sum(part.programs for part in parts)
    cores = min(os.cpu_count() or 1, max(1, programs))
    work = sum(part.blocks * _block_seconds(part.program) for part in parts)
    held = sum(part.runs * _record(part.program) for part in parts)
    return Estimate(
        runs=sum(part.runs for part in parts),
        run_steps=sum(part.runs * part.program.steps for part in parts),
        programs=programs,
        cells=sum(part.cells for part in parts),
        compile_seconds=COMPILE * programs / cores,
        run_seconds=work / cores,
        # The arrays, the columns made of them, and the file being written.
        memory=5.0 * held + sum(_orders(experiment, task) for task in experiment.tasks),
    )


def _part(experiment: Experiment, task: Task, contender: Contender) -> _Part:
    tune, evaluate, picture = experiment.seeds_of(task)
    role, seed, kind = evaluate[0]
    setting = next(contender.settings())
    program = plan.program(experiment, Run("", task, contender, setting, role, seed, kind, ""))
    fixed = [_distinct(contender, name) for name, _ in program.fixed]
    programs = math.prod(fixed)
    runs = experiment.count(task, contender)
    seeds = len(tune) + len(evaluate) + len(picture)
    orders = 1 if task.problem.stream is None else seeds  # a cell has one order of minibatches
    together = -(-runs // orders // programs)
    each = -(-together // plan.cell_width(program, together))
    blocks = -(-together // program.lanes)
    return _Part(program, programs, runs, programs * orders * each, programs * orders * blocks)


def _distinct(contender: Contender, name: str) -> int:
    """How many values of one hyperparameter there are."""
    if name in contender.search:
        place = list(contender.search).index(name)
        return len({drawn[place] for drawn in contender.trials})
    return len(contender.sweep[name])


def _points(program: Program) -> int:
    """How many points a run records."""
    return -(-program.steps // program.every) + 1


def _record(program: Program) -> int:
    """Bytes that a run records."""
    numbers = len(program.metrics) + (program.problem.about.dim if program.path else 0)
    return 8 * numbers * _points(program)


def _orders(experiment: Experiment, task: Task) -> float:
    """Bytes of the row numbers of every minibatch, kept for each seed."""
    problem = task.problem
    if problem.stream is None or problem.longest is not None:
        return 0.0
    return (
        4.0 * task.steps * rows_of_a_step(problem) * sum(len(s) for s in experiment.seeds_of(task))
    )


def _block_seconds(program: Program) -> float:
    """A block of runs from start to end."""
    problem, lanes = program.problem, program.lanes
    step, look = step_seconds(problem, lanes), look_seconds(problem, lanes)
    return step * program.steps + look * _points(program)
