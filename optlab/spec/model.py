"""What a spec says, once it is known to be right: frozen and complete."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from optlab.adapters import Optimizer
from optlab.problems import Problem

__all__ = [
    "GAPS", "KINDS", "STEP_METRICS", "Claim", "Contender", "Experiment", "Record", "Seeds", "Side",
    "Target", "Task",
]  # fmt: skip


@dataclass(frozen=True)
class Seeds:
    """How many seeds each role has, and the number that all random streams start from."""

    evaluate: int = 10
    tune: int = 3
    experiment: int = 0


STEP_METRICS = ("loss", "grad_norm", "step_norm", "step_cosine")
"""What every problem has recorded; a problem's own metrics come besides."""

GAPS = ("gap", "gap_over_start")
"""Kinds of target that need the smallest loss: the loss above it, as it is or by its start."""

KINDS = ("loss", *GAPS)
"""Kinds of target that are decided by the loss; every other kind is a metric's name."""


@dataclass(frozen=True)
class Target:
    """A goal: `loss` or `gap` or `gap_over_start` at most `value`, or a metric at least `value`."""

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
class Record:
    """When and what to record: every so many steps, or about so many points in a run."""

    every: int | None = None
    points: int | None = None
    metrics: tuple[str, ...] | None = None


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


@dataclass(frozen=True, eq=False)
class Contender:
    """An optimizer as one spec asks for it: `sweep` holds the values of every hyperparameter."""

    name: str
    optimizer: Optimizer
    sweep: Mapping[str, tuple[float, ...]]
    origin: str = ""
    """`file.py:function`, where the rule is a user's own."""

    @property
    def swept(self) -> tuple[str, ...]:
        return tuple(name for name, values in self.sweep.items() if len(values) > 1)

    @property
    def size(self) -> int:
        """How many settings there are, without making them."""
        return math.prod(len(values) for values in self.sweep.values())

    def settings(self) -> Iterator[dict[str, float]]:
        """Every combination of values, the last hyperparameter running fastest."""
        for values in itertools.product(*self.sweep.values()):
            yield dict(zip(self.sweep, values, strict=True))


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
    """

    text: str
    """As it was written: a sentence, or one made from its keys."""
    kind: Literal["better", "equivalent", "never"]
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
    """For `never`: the share of runs that may do it after all before the claim is wrong. A claim
    about runs never seen cannot be surer than that."""

    @property
    def id(self) -> str:
        """A hash of what is claimed, not of how it is worded."""
        meant = replace(self, text="")
        return hashlib.sha256(repr(meant).encode()).hexdigest()[:12]


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
    claims: tuple[Claim, ...] = ()

    def contender(self, name: str) -> Contender:
        return next(c for c in self.contenders if c.name == name)

    @property
    def size(self) -> int:
        """How many runs there are, without making them."""
        return sum(
            sum(self.contender(name).size for name in task.optimizers)
            * sum(1 for _ in self.seeds_of(task))
            for task in self.tasks
        )

    def seeds_of(self, task: Task) -> Iterator[tuple[str, int, str]]:
        """(role, seed, kind of start) of each setting's runs: a given start is one exact instance,
        unless batches are drawn."""
        problem = task.problem
        drawn_batches = problem.stream is not None and problem.longest is None
        if problem.given is not None and not drawn_batches:
            yield "evaluate", 0, "given"
            return
        kind = "given" if problem.given is not None else "drawn"
        choice = any(c.swept for c in self.contenders if c.name in task.optimizers)
        if choice:
            yield from (("tune", seed, kind) for seed in range(self.seeds.tune))
        yield from (("evaluate", seed, kind) for seed in range(self.seeds.evaluate))
        if problem.usual is not None:
            yield "picture", 0, "usual"
