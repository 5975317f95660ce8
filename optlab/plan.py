"""Experiment -> runs with an identity, and cells: batches of runs of one fixed shape.

On a CPU the same run in batches of different shapes differs in its last bits, while in batches of
one shape its bits depend neither on its place nor on its neighbours. So runs are made in blocks whose
shape follows from problem and rule alone, the last block is filled up, and a cell is any number of blocks.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from optlab.adapters import Optimizer
from optlab.cost import look_seconds, step_seconds
from optlab.problems import Problem
from optlab.spec import STEP_METRICS, Contender, Experiment, Imported, Record, Task

__all__ = [
    "PORTION",
    "Cell",
    "Portion",
    "Program",
    "Run",
    "cell_width",
    "cells",
    "chosen_runs",
    "metrics",
    "portions",
    "program",
    "program_of",
    "runs",
]

SMALL = 4
"""Problems of at most so many coordinates have their path recorded."""

CALL = 0.1
"""Seconds, roughly, that one call of a compiled program may take: progress moves and Ctrl-C is heard
between calls."""

MOST_BLOCKS = 8
RECORD = 2**22
"""Numbers that one call records at most, 32 MB: they are held in memory by each core."""


@dataclass(frozen=True, eq=False)
class Program:
    """What is compiled once: one problem, one optimizer, one precision, one record."""

    problem: Problem
    optimizer: Optimizer
    fixed: tuple[tuple[str, float], ...]
    """Hyperparameters that cannot be arrays, with their values."""
    precision: str
    steps: int
    every: int
    metrics: tuple[str, ...]
    path: bool
    lanes: int

    @property
    def mapped(self) -> bool:
        """Whether runs are mapped over (they lie first) or broadcast over (they lie last)."""
        return self.problem.layout == "tree" or self.optimizer.one_run

    @property
    def points(self) -> list[int]:
        """The steps that are recorded: 0, every, 2 every, ..., and the last."""
        return [*range(0, self.steps, self.every), self.steps]

    @cached_property
    def pieces(self) -> list[tuple[int, bool]]:
        """(steps, whether a recorded point ends them), in order: the way from point to point, cut where
        it is longer than a call may take."""
        made = []
        for count in np.diff(self.points, prepend=0).tolist():
            whole, rest = divmod(count, self._longest)
            cut = [self._longest] * whole + ([rest] if rest or not whole else [])
            made += [(steps, i == len(cut) - 1) for i, steps in enumerate(cut)]
        return made

    @cached_property
    def together(self) -> int:
        """How many pieces one call makes at most."""
        return max(1, min(self._pieces, RECORD // self._recorded, int(CALL / self._piece_seconds)))

    @property
    def at_once(self) -> bool:
        """Whether one call makes all steps."""
        return self.together == self._pieces

    @cached_property
    def blocks(self) -> int:
        """How many blocks of runs one call works on at most."""
        if not self.at_once:
            return 1
        seconds, numbers = self.together * self._piece_seconds, self.together * self._recorded
        return max(1, min(MOST_BLOCKS, RECORD // numbers, int(CALL / seconds)))

    @cached_property
    def call_steps(self) -> int:
        """The most steps that a run makes in one call."""
        return self.together * min(self.every, self._longest)

    @property
    def _pieces(self) -> int:
        """How many pieces there are, without a list of them."""
        whole, rest = divmod(self.steps, self.every)
        return 1 + whole * -(-self.every // self._longest) + -(-rest // self._longest)

    @cached_property
    def _longest(self) -> int:
        return max(1, int(CALL / step_seconds(self.problem, self.lanes)))

    @property
    def _recorded(self) -> int:
        """Numbers that are recorded of a block at a point."""
        return self.lanes * (len(self.metrics) + self.path * self.problem.about.dim)

    @cached_property
    def _piece_seconds(self) -> float:
        steps = min(self.every, self._longest, self.steps)
        look = look_seconds(self.problem, self.lanes)
        return steps * step_seconds(self.problem, self.lanes) + look

    @property
    def hypers(self) -> tuple[str, ...]:
        """The hyperparameters that are arrays over runs."""
        fixed = dict(self.fixed)
        return tuple(name for name in self.optimizer.hypers if name not in fixed)


@dataclass(frozen=True, eq=False, slots=True)
class Run:
    """One run: its identity, and all of its causes but the program."""

    run_id: str
    task: Task
    contender: Contender
    hypers: Mapping[str, float]
    role: str
    seed: int
    start_kind: str
    part: str
    """What it is run for: `trial` (settings are chosen by it), `grid` (any setting, evaluated),
    `chosen`, `default`, `profile` (around the chosen setting), `picture`. One run may play several
    parts; it is run once and has a row for each."""


@dataclass(frozen=True, eq=False)
class Cell:
    """Runs that are executed and kept together, a block or more; where a problem has minibatches, all
    of one seed."""

    program: Program
    runs: tuple[Run, ...]


PORTION = 2**17
"""Runs that are in memory at once, about, where their curves are not kept."""


@dataclass(frozen=True, eq=False)
class Portion:
    """Some runs, in the order of the plan, those of one setting together."""

    runs: list[Run]
    ended: list[tuple[str, str]]
    """The (problem, optimizer) that have no trials after these, and did not end before."""
    last: bool


def runs(experiment: Experiment) -> Iterator[Run]:
    """Every run that can be told before settings are chosen, problem by problem, optimizer by
    optimizer: the trials and, without a second stage, every setting on the seeds that are reported,
    and the default setting beside them. Runs that were made elsewhere are as they are."""
    for task in experiment.tasks:
        if task.imported is not None:
            yield from _recorded(experiment, task, task.imported)
            continue
        tune, evaluate, picture = experiment.seeds_of(task)
        for name in task.optimizers:
            contender = experiment.contender(name)
            make = _Maker(experiment, task, contender)
            for setting in contender.settings():
                yield from make(setting, tune, "trial")
                if not experiment.staged:
                    yield from make(setting, evaluate, "grid")
                    yield from make(setting, picture, "picture")
            if not experiment.staged and contender.swept:
                yield from make(contender.default, evaluate, "default")


def portions(experiment: Experiment, most: int | None) -> Iterator[Portion]:
    """All of `runs`, about `most` at a time, or all at once."""
    pairs = [(task.name, name) for task in experiment.tasks for name in task.optimizers]
    portion, begun = list[Run](), 0
    for run in runs(experiment):
        if most and len(portion) >= most and not _together(portion[-1], run):
            ended = pairs.index((run.task.name, run.contender.name))
            yield Portion(portion, pairs[begun:ended], False)
            portion, begun = [], ended
        portion.append(run)
    yield Portion(portion, pairs[begun:], True)


def _together(before: Run, run: Run) -> bool:
    """Whether two runs must be of one portion: of one setting, which runs that were made elsewhere need not
    have in a row."""
    if run.task.imported is not None:
        return run.task is before.task
    return (run.task, run.contender) == (before.task, before.contender) and (
        run.hypers == before.hypers
    )


def chosen_runs(
    experiment: Experiment,
    chosen: Mapping[tuple[str, str], Mapping[str, float]],
    pairs: Iterable[tuple[str, str]],
) -> Iterator[Run]:
    """The second stage of some (problem, optimizer): what was chosen for each on the seeds that are
    reported, the default setting beside it, and the profile around it."""
    wanted = set(pairs)
    for task in experiment.tasks:
        if task.imported is not None:
            continue
        _, evaluate, picture = experiment.seeds_of(task)
        for name in task.optimizers:
            if (task.name, name) not in wanted:
                continue
            contender = experiment.contender(name)
            make = _Maker(experiment, task, contender)
            best = chosen.get((task.name, name))
            if best is not None:
                yield from make(best, evaluate, "chosen")
                yield from make(best, picture, "picture")
            if contender.swept:
                yield from make(contender.default, evaluate, "default")
            if best is not None:
                for setting in contender.around(best):
                    yield from make(setting, evaluate, "profile")


def _recorded(experiment: Experiment, task: Task, imported: Imported) -> Iterator[Run]:
    makers = {
        name: _Maker(experiment, task, experiment.contender(name)) for name in task.optimizers
    }
    for run in imported.runs:
        part = "trial" if run.role == "tune" else "grid"
        setting = {
            h: run.hypers.get(h, math.nan) for h in experiment.contender(run.optimizer).sweep
        }
        yield from makers[run.optimizer](setting, [(run.role, run.seed, "drawn")], part)


class _Maker:
    """The runs of one optimizer on one problem."""

    def __init__(self, experiment: Experiment, task: Task, contender: Contender) -> None:
        self._task, self._contender = task, contender
        self._identity = _Identity(experiment, task, contender)

    def __call__(
        self, setting: Mapping[str, float], seeds: Iterable[tuple[str, int, str]], part: str
    ) -> Iterator[Run]:
        for role, seed, kind in seeds:
            run_id = self._identity(setting, role, seed)
            yield Run(run_id, self._task, self._contender, setting, role, seed, kind, part)


class _Identity:
    """run_id of a setting and seed: a hash of all causes, never of a place in a batch."""

    def __init__(self, experiment: Experiment, task: Task, contender: Contender) -> None:
        # In files of one's own a name may be taken: `mine.py:adam` is not the house's `adam`.
        causes = {
            "rule": contender.origin or contender.optimizer.name,
            "switches": _switches(contender.optimizer),
            "problem": task.origin or task.problem.name,
            "parameters": task.problem.parameters,
            "experiment_seed": experiment.seeds.experiment,
            "steps": task.steps,
            "precision": experiment.precision,
        }
        text = json.dumps(causes, sort_keys=True, default=str)
        self._common = hashlib.sha256(text.encode())

    def __call__(self, hypers: Mapping[str, float], role: str, seed: int) -> str:
        hashed = self._common.copy()
        hashed.update(repr((sorted(hypers.items()), role, seed)).encode())
        return hashed.hexdigest()[:16]


def _switches(optimizer: Optimizer) -> dict[str, Any]:
    """What an optimizer from elsewhere was told besides numbers (`nesterov: true`)."""
    told = getattr(optimizer, "arguments", {})
    return {n: v for n, v in told.items() if v is None or isinstance(v, bool | str | int | float)}


def program_of(experiment: Experiment, run: Run) -> tuple[Any, ...]:
    """The key of the program that executes `run` within its experiment."""
    names = run.contender.optimizer.fixed
    fixed = tuple(sorted((n, v) for n, v in run.hypers.items() if n in names)) if names else ()
    return run.task.name, run.contender.name, fixed


def program(experiment: Experiment, run: Run) -> Program:
    task, optimizer = run.task, run.contender.optimizer
    problem = task.problem
    fixed = program_of(experiment, run)[2]
    small = problem.layout == "coordinates" and problem.about.dim <= SMALL
    return Program(
        problem, optimizer, fixed, experiment.precision, task.steps, cadence(experiment.record, task),
        metrics(experiment, task), small, lanes(problem, experiment.precision),
    )  # fmt: skip


def cadence(record: Record, task: Task) -> int:
    """Steps between recorded points. The full objective is nearly free on analytic problems and
    costs many steps on data, so that by default 200 points are recorded there and 20 here."""
    if task.imported is not None:
        return int(np.diff(task.imported.steps).max(initial=1))
    if record.every is not None:
        return min(record.every, task.steps)
    points = record.points or (200 if task.problem.layout == "coordinates" else 20)
    return max(1, math.ceil(task.steps / points))


def metrics(experiment: Experiment, task: Task) -> tuple[str, ...]:
    """The recorded metrics: those asked for and those that a target or the choice of settings looks
    at, else all but, with minibatches, the norm of the full gradient, which would cost more than the
    steps do."""
    problem = task.problem
    if task.imported is not None:
        return tuple(task.imported.metrics)
    available = (*STEP_METRICS, *problem.metrics)
    batches = problem.stream is not None and problem.longest is None
    usual = [name for name in available if not (batches and name == "grad_norm")]
    # Targets of every task, so that two tasks of one problem share their runs.
    looked_at = {t.metric for task in experiment.tasks for t in task.targets}
    looked_at |= {experiment.tuning.select} if experiment.tuning else set()
    wanted = {"loss", *(experiment.record.metrics or usual), *looked_at}
    return tuple(m for m in available if m in wanted)


def lanes(problem: Problem, precision: str) -> int:
    """Runs in a block: whole vectors of either precision, enough of them to hide the cost of a loop turn, few
    enough that 13 rates x 10 seeds are a block for each of two cores, and of many coordinates in float64 three
    vectors, whose state stays in the cache of a core (measured from 2 to 10,000 dimensions; `benchmarks/`).
    Products of matrices fill vectors by themselves, and want their state in the cache."""
    if problem.layout == "tree":
        room = 49152 if precision == "float64" else 98304  # numbers
        return max(2, min(64, _power_of_two(room / problem.about.dim)))
    most = 24 if precision == "float64" and problem.about.dim > 512 else 80
    return max(2, min(most, _power_of_two(4_194_304 / problem.about.dim)))  # 32 MB a state


def _power_of_two(size: float) -> int:
    return int(2 ** round(math.log2(size)))


def cell_width(program: Program, runs: int) -> int:
    """How many of so many runs make a cell: as many as one call works on, but several cells of even a
    small sweep, so that cores can share it."""
    blocks = -(-runs // program.lanes)
    return program.lanes * min(program.blocks, max(1, blocks // 4))


def cells(
    experiment: Experiment,
    todo: Iterable[Run],
    programs: dict[tuple[Any, ...], Program] | None = None,
) -> list[Cell]:
    """Pack runs into cells, those of one program together. `programs` remembers those made before,
    so that a second stage meets what the first has compiled."""
    groups: dict[tuple[Any, ...], list[Run]] = {}
    programs = {} if programs is None else programs
    for run in todo:
        key = program_of(experiment, run)
        if key not in programs:
            programs[key] = program(experiment, run)
        shared = (run.role, run.seed) if programs[key].problem.stream is not None else ()
        groups.setdefault((key, shared), []).append(run)
    packed = []
    for (key, _), members in groups.items():
        width = cell_width(programs[key], len(members))
        for i in range(0, len(members), width):
            packed.append(Cell(programs[key], tuple(members[i : i + width])))
    return packed
