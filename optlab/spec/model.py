"""What a spec says, once it is known to be right: frozen and complete."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import numpy as np

from optlab.adapters import Optimizer
from optlab.adapters.recorded import Recorded
from optlab.arithmetic import Term
from optlab.problems import Problem

__all__ = [
    "GAPS",
    "KINDS",
    "STEP_METRICS",
    "Claim",
    "Contender",
    "Experiment",
    "Imported",
    "ImportedRun",
    "Marking",
    "Range",
    "Record",
    "Seeds",
    "Side",
    "Target",
    "Task",
    "Tuning",
    "Written",
]  # fmt: skip


@dataclass(frozen=True)
class Seeds:
    """How many seeds each role has, and the number that all random streams start from."""

    evaluate: int = 10
    tune: int = 3
    experiment: int = 0
    only: tuple[str, int] | None = None
    """The role and the number of the one seed that is run, so that a run can be repeated alone."""


STEP_METRICS = ("loss", "grad_norm", "step_norm", "step_cosine")
"""What every problem has recorded; a problem's own metrics come besides."""

GAPS = ("gap", "gap_over_start")
"""Kinds of target that need the smallest loss: the loss above it, as it is or by its start."""

KINDS = ("loss", "loss_over_start", *GAPS)
"""Kinds of target that are decided by the loss; every other kind is a metric's name."""


@dataclass(frozen=True)
class Target:
    """A goal: `loss` or `gap`, as it is or over its value at the start, at most `value`, or a metric
    at least `value`."""

    kind: str
    value: float

    @property
    def rising(self) -> bool:
        """Whether larger is better."""
        return "accuracy" in self.kind

    @property
    def metric(self) -> str:
        """The recorded metric that decides."""
        return "loss" if self.kind in KINDS else self.kind

    @property
    def label(self) -> str:
        """What tells this target from every other; six digits where they are all there is."""
        short = f"{self.value:g}"
        value = short if float(short) == self.value else repr(self.value).removesuffix(".0")
        return f"{self.kind} {'>=' if self.rising else '<='} {value}"


@dataclass(frozen=True)
class Range:
    """A range that is searched: evenly on `scale`; `one_minus_log` is logarithmic in the distance
    from 1, and its ends are such distances."""

    scale: str
    low: float
    high: float

    def at(self, share: float) -> float:
        """The value at `share` of the way, from 0 to 1, to six digits (of the distance from 1)."""
        if self.scale == "linear":
            return _digits(self.low + share * (self.high - self.low))
        value = _digits(self.low ** (1 - share) * self.high**share)
        # Decimal digits are kept: 1 - 0.001 is 0.999 and not its neighbour.
        return float(1 - Decimal(repr(value))) if self.scale == "one_minus_log" else value


def _digits(value: float) -> float:
    return float(f"{value:.6g}")


@dataclass(frozen=True)
class Tuning:
    """How settings are chosen: by `select` on tune seeds, from `trials` joint draws of what is
    searched or, where `trials` is None, from the grid. Only what was chosen is then evaluated."""

    trials: int | None = None
    select: str = "held"
    """`held` or `reached` (the time to the deciding target), `loss`, or a metric of the problem."""


@dataclass(frozen=True)
class Record:
    """When and what to record: every so many steps, or about so many points in a run. `keep`: what stays of
    what was recorded, curves, or of most runs only what they come to (`summary`)."""

    every: int | None = None
    points: int | None = None
    metrics: tuple[str, ...] | None = None
    keep: Literal["curves", "summary"] = "curves"


@dataclass(frozen=True)
class ImportedRun:
    """One run that was made elsewhere."""

    name: str
    optimizer: str
    role: str
    seed: int
    hypers: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Imported:
    """The runs of one problem that were made elsewhere: `steps` (points,), `metrics` name -> values
    (points, runs), NaN where nothing was recorded. `finished[i]`: run i went to its last step, or
    to a loss that is not finite; one that merely ends says nothing of its optimizer."""

    file: str
    digest: str
    steps: np.ndarray
    metrics: Mapping[str, np.ndarray]
    runs: tuple[ImportedRun, ...]
    finished: tuple[bool, ...]


@dataclass(frozen=True, eq=False)
class Task:
    """A problem as one spec asks for it."""

    name: str
    problem: Problem
    steps: int
    targets: tuple[Target, ...]
    optimizers: tuple[str, ...]
    worked: int
    notes: tuple[str, ...] = ()
    origin: str = ""
    """`file.py:function`, where the problem is a user's own: names are taken in files of one's own."""
    imported: Imported | None = None
    """Its runs, where they were made elsewhere; nothing of it is executed."""


@dataclass(frozen=True, eq=False)
class Contender:
    """An optimizer as one spec asks for it: `sweep` holds the values of every hyperparameter, one
    where it is fixed or searched."""

    name: str
    optimizer: Optimizer
    sweep: Mapping[str, tuple[float, ...]]
    origin: str = ""
    """`file.py:function`, where the rule is a user's own."""
    search: Mapping[str, Range] = field(default_factory=dict)
    trials: tuple[tuple[float, ...], ...] = ()
    """Joint draws of what is searched, in the order of `search`; for an imported optimizer the
    settings that stand in its file, in the order of `sweep`."""
    profile: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Values along which the chosen setting is varied, one hyperparameter at a time."""

    @property
    def swept(self) -> tuple[str, ...]:
        """What differs between settings."""
        return tuple(n for n, values in self.sweep.items() if len(values) > 1 or n in self.search)

    @property
    def size(self) -> int:
        """How many settings there are, without making them."""
        return len(self.trials) or math.prod(len(values) for values in self.sweep.values())

    def settings(self) -> Iterator[dict[str, float]]:
        """Every joint draw, or every combination of values, the last hyperparameter running
        fastest."""
        if self.trials:
            fixed = {name: values[0] for name, values in self.sweep.items()}
            for drawn in self.trials:
                yield fixed | dict(zip(self.search or self.sweep, drawn, strict=True))
            return
        for values in itertools.product(*self.sweep.values()):
            yield dict(zip(self.sweep, values, strict=True))

    @property
    def default(self) -> dict[str, float]:
        """What one gets without tuning: the optimizer's own values where something is chosen, and
        what the spec fixes elsewhere."""
        own = self.optimizer.hypers
        return {n: float(own[n]) if n in self.swept else v[0] for n, v in self.sweep.items()}

    @property
    def default_apart(self) -> bool:
        """Whether the default setting is none of those that are tried."""
        default = self.default
        if self.trials:
            names = tuple(self.search or self.sweep)
            return tuple(default[name] for name in names) not in set(self.trials)
        return any(default[name] not in values for name, values in self.sweep.items())

    @property
    def imported(self) -> bool:
        """Whether only recorded runs of it are there."""
        return isinstance(self.optimizer, Recorded)

    def around(self, setting: Mapping[str, float]) -> Iterator[dict[str, float]]:
        """The profile of a setting: each of its curves, the rest as it is."""
        for name, values in self.profile.items():
            for value in values:
                yield {**setting, name: value}


@dataclass(frozen=True)
class Side:
    """One side of a claim: an optimizer at its tuned or at its default setting."""

    optimizer: str
    selection: Literal["tuned", "default"] = "tuned"

    def __str__(self) -> str:
        return self.optimizer if self.selection == "tuned" else f"default {self.optimizer}"


@dataclass(frozen=True)
class Claim:
    """A statement that the runs will be judged by, written before them.

    `better`: `a` is better than each of `others`. `equivalent`: `a` and the one other differ by less
    than the margin either way. `never`: no run of `a` exceeds the margin of the measure.
    `sometimes`: at least one does; one that was seen is enough, and "seen in k of n" is its verdict.
    """

    text: str
    """As it was written: a sentence, or one made from its keys."""
    kind: Literal["better", "equivalent", "never", "sometimes"]
    a: Side
    others: tuple[Side, ...]
    measures: tuple[str, ...]
    """One, or those that the claim is judged on side by side (reached and held)."""
    problems: tuple[str, ...]
    target: str | None = None
    """The label of the target for measures of time; None is each problem's deciding one."""
    margin: float | None = None
    """A factor (at least 1) or a difference; None is the measure's own."""
    alpha: float = 0.05
    min_seeds: int = 10
    at_most: float = 0.1
    """For `never` and `sometimes`: a sample shows no zero, so "never" is supported once at most this
    share of all runs can do it, and "sometimes" is refuted then. One run that does it decides either
    at once."""

    @property
    def id(self) -> str:
        """A hash of what is claimed, not of how it is worded."""
        meant = replace(self, text="")
        return hashlib.sha256(repr(meant).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Written:
    """One line that stands on paper: what it is of, and what is written there.

    `optimizer` is empty for the forward pass; `step` None speaks of every step and `parameter` None of
    every parameter, or of a line that is the same for all; `part` names a part of the line."""

    problem: str
    optimizer: str
    step: int | None
    line: str
    part: str
    parameter: str | None
    text: str
    chain: tuple[Term, ...]
    """The members of the chain of equalities, one where only a value is written."""
    key: str
    row: int
    column: int


@dataclass(frozen=True)
class Marking:
    """Points for each line that is right: an `answer` is the new value of a parameter, a `line` any
    other. With `follow_through` a line that is right given a wrong one above has its points too."""

    line: float = 1.0
    answer: float = 1.0
    follow_through: bool = True


@dataclass(frozen=True, eq=False)
class Experiment:
    """One question: every contender on every task."""

    name: str
    title: str
    question: str
    text: str
    path: Path
    precision: Literal["float64", "float32"]
    seeds: Seeds
    record: Record
    tasks: tuple[Task, ...]
    contenders: tuple[Contender, ...]
    tuning: Tuning | None = None
    claims: tuple[Claim, ...] = ()
    handwritten: tuple[Written, ...] = ()
    marking: Marking = Marking()

    @property
    def staged(self) -> bool:
        """Whether settings are chosen first and only what was chosen is evaluated. Without `tuning`
        or `profile` every setting runs on both roles' seeds at once."""
        return self.tuning is not None or any(c.profile for c in self.contenders)

    def contender(self, name: str) -> Contender:
        return next(c for c in self.contenders if c.name == name)

    def namesakes(self, task: Task) -> list[Task]:
        """The tasks that share the runs of `task`: one problem under several names, each with targets of
        its own."""

        def same(of: Task) -> Any:
            return of.origin, of.problem.name, of.problem.parameters, of.steps

        return [other for other in self.tasks if same(other) == same(task)]

    @property
    def size(self) -> int:
        """How many runs there are at most, without making them."""
        return sum(
            self.count(task, self.contender(name))
            for task in self.tasks
            for name in task.optimizers
        )

    def count(self, task: Task, contender: Contender) -> int:
        """How many runs one optimizer has on one problem, as many as can be where some may coincide."""
        if task.imported is not None:
            return sum(run.optimizer == contender.name for run in task.imported.runs)
        tune, evaluate, picture = (len(seeds) for seeds in self.seeds_of(task))
        if self.staged:
            final = 1 + bool(contender.swept) + sum(len(v) for v in contender.profile.values())
            return contender.size * tune + final * evaluate + picture
        every = contender.size * (tune + evaluate + picture)
        return every + evaluate * contender.default_apart

    def seeds_of(self, task: Task) -> tuple[list[_Seed], list[_Seed], list[_Seed]]:
        """(role, seed, kind of start) of the runs that settings are chosen by, that are reported,
        and that are drawn as pictures.

        A given start is one exact instance, unless batches or noise are drawn: it is both what
        settings are chosen by and what is reported."""
        problem = task.problem
        choice = any(c.swept for c in self.contenders if c.name in task.optimizers)
        if problem.given is not None and not problem.random:
            only: list[_Seed] = [("evaluate", 0, "given")]
            return (only if choice and self.staged else []), only, []
        # The same start for all seeds, which differ in what is drawn on the way.
        kind = "fixed" if problem.given is not None else "drawn"
        if self.seeds.only is not None:
            role, seed = self.seeds.only
            alone: list[_Seed] = [(role, seed, "usual" if role == "picture" else kind)]
            tuned, told, drawn = (
                alone if role == r else [] for r in ("tune", "evaluate", "picture")
            )
            return tuned, told, drawn
        tune = [("tune", seed, kind) for seed in range(self.seeds.tune)] if choice else []
        evaluate = [("evaluate", seed, kind) for seed in range(self.seeds.evaluate)]
        picture = [("picture", 0, "usual")] if problem.usual is not None else []
        return tune, evaluate, picture


_Seed = tuple[str, int, str]
