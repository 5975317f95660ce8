"""What an experiment will cost, before it runs: from counts, and from rates measured once.

The rates are those of one ordinary core; `benchmarks/foretold.py` holds what is foretold against what
comes.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from optlab import plan
from optlab.cost import look_seconds, rows_of_a_step, step_seconds
from optlab.plan import Program, Run
from optlab.spec import Contender, Experiment, Task
from optlab.startup import cores

__all__ = ["Estimate", "estimate", "machine_memory"]

START = 2.5  # seconds: packages, pictures, why runs ended oddly
COMPILE = 0.5  # seconds a program
ROW, NUMBER = 15e-6, 0.6e-6  # seconds in tables: a run, a recorded number
PROCESS, ROW_BYTES = 550e6, 2_000  # bytes: packages and programs; a run, its causes and its row
PLACE_BYTES = 12  # bytes: where a run of an earlier portion is stored
ARRAYS = 16  # of a call's parameters: they and the rule's state, given, taken, and on their way
COPIES = 5  # of a recorded number: the arrays, the columns made of them, and the file being written


@dataclass(frozen=True)
class Estimate:
    """Counts, seconds and bytes, the report left out; `memory` is what is held at once at most: packages, runs,
    what was recorded of them on its way into tables, starts, what is in a core's hands, and the orders of
    minibatches."""

    runs: int
    run_steps: int
    programs: int
    cells: int
    compile_seconds: float
    run_seconds: float
    table_seconds: float
    memory: float

    @property
    def seconds(self) -> float:
        return START + self.compile_seconds + self.run_seconds + self.table_seconds


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
    cells = sum(part.cells for part in parts)
    workers = cores()
    work = sum(part.blocks * _block_seconds(part.program) for part in parts)
    runs = sum(part.runs for part in parts)
    kept = experiment.record.keep == "curves"
    numbers = sum(part.runs * _record(part.program) for part in parts) if kept else 0
    rows = ROW_BYTES * runs if kept else ROW_BYTES * min(runs, plan.PORTION) + PLACE_BYTES * runs
    drawn = sum(_drawn(experiment, task) for task in experiment.tasks)
    held = max((_held(part.program) for part in parts), default=0.0) * min(workers, max(1, cells))
    return Estimate(
        runs=runs,
        run_steps=sum(part.runs * part.program.steps for part in parts),
        programs=programs,
        cells=cells,
        compile_seconds=COMPILE * programs / max(1, min(workers, programs)),
        run_seconds=work / max(1, min(workers, cells)),
        table_seconds=ROW * runs + NUMBER * numbers,
        memory=PROCESS + rows + 8.0 * COPIES * numbers + drawn + held,
    )


def machine_memory() -> float | None:
    """Bytes of memory in this machine; None where it does not say."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):  # Windows has no such call
        return None


def _part(experiment: Experiment, task: Task, contender: Contender) -> _Part:
    tune, evaluate, picture = experiment.seeds_of(task)
    role, seed, kind = [*evaluate, *tune, *picture][
        0
    ]  # one of them alone, where the spec says `only`
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
    """Numbers that a run records."""
    each = len(program.metrics) + (program.problem.about.dim if program.path else 0)
    return each * _points(program)


def _held(program: Program) -> float:
    """Bytes of what one call works on."""
    return 8.0 * ARRAYS * program.lanes * program.blocks * program.problem.about.dim


def _drawn(experiment: Experiment, task: Task) -> float:
    """Bytes of each seed's start and of the row numbers of its minibatches."""
    problem = task.problem
    if task.imported is not None:
        return 0.0
    minibatches = problem.stream is not None and problem.longest is None
    rows = 4.0 * task.steps * rows_of_a_step(problem) if minibatches else 0.0
    return (8.0 * problem.about.dim + rows) * sum(len(s) for s in experiment.seeds_of(task))


def _block_seconds(program: Program) -> float:
    """A block of runs from start to end."""
    problem, lanes = program.problem, program.lanes
    step, look = step_seconds(problem, lanes), look_seconds(problem, lanes)
    return step * program.steps + look * _points(program)
