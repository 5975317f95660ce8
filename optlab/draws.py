"""Random starts, minibatches and noise, from the causes of a run alone.

A stream comes from (experiment seed, problem family, role, seed), never from a place in a batch nor
from the optimizer: all optimizers meet the same starts, the same batches and the same noise, and two
condition numbers of one family share their starts. Starts are drawn in float64 and cast later; noise
is drawn by the engine, in the precision of the run, from a key that stands here.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from optlab.looks import probe
from optlab.plan import Run
from optlab.problems import Problem
from optlab.spec import Task

__all__ = ["Draws", "fingerprint"]

ROLES = {"tune": 0, "evaluate": 1, "picture": 2}
_START, _BATCHES, _PROBE, _NOISE = range(4)
_MOST_TRIES = 1000


def _sequence(
    seed: int, problem: Problem, role: int, index: int, use: int
) -> np.random.SeedSequence:
    return np.random.SeedSequence([seed, zlib.crc32(problem.name.encode()), role, index, use])


def _generator(seed: int, problem: Problem, role: int, index: int, use: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(_sequence(seed, problem, role, index, use)))


@dataclass
class Draws:
    """Starts and minibatches of one experiment, each drawn once."""

    seed: int
    _starts: dict[tuple[str, str, int], Any] = field(default_factory=dict)
    _streams: dict[tuple[str, str, int], np.ndarray] = field(default_factory=dict)

    def prepare(self, task: Task, wanted: Iterable[tuple[str, int, str]]) -> None:
        """Draw the starts of (role, seed, kind); one with a gradient of exactly zero is dead (a ReLU
        network that no step can wake) and is drawn again."""
        problem = task.problem
        generators = {}
        for role, seed, kind in wanted:
            key = (task.name, role, seed)
            if kind == "drawn":
                generators[key] = _generator(self.seed, problem, ROLES[role], seed, _START)
            else:
                self._starts[key] = problem.usual if kind == "usual" else problem.given
        dead = dict(generators)
        for _ in range(_MOST_TRIES):
            if not dead:
                return
            assert problem.start is not None
            for key, generator in dead.items():
                self._starts[key] = problem.start(generator)
            _, gradients = probe(problem, [self._starts[key] for key in dead])
            zero = dict(zip(dead, (gradients == 0).all(axis=1), strict=True))
            dead = {key: generator for key, generator in dead.items() if zero[key]}
        raise ValueError(f"{task.name}: {_MOST_TRIES} starts in a row have a gradient of zero")

    def start(self, run: Run) -> Any:
        """The start of `run`, prepared before."""
        return self._starts[run.task.name, run.role, run.seed]

    def first(self, task: Task) -> Any:
        """Where a page worked by hand begins: the given start, else the usual one of the textbooks, else
        that of the first evaluation run."""
        if task.problem.given is None and task.problem.usual is not None:
            return task.problem.usual
        kind = "fixed" if task.problem.given is not None else "drawn"
        self.prepare(task, [("evaluate", 0, kind)])
        return self._starts[task.name, "evaluate", 0]

    def stream(self, run: Run) -> np.ndarray | None:
        """The rows of each step's minibatch, `(steps, rows)`; None for the full batch."""
        problem = run.task.problem
        if problem.stream is None:
            return None
        key = (run.task.name, run.role, run.seed)
        if key not in self._streams:
            generator = _generator(self.seed, problem, ROLES[run.role], run.seed, _BATCHES)
            self._streams[key] = problem.stream(generator, run.task.steps)
        return self._streams[key]

    def key(self, run: Run) -> np.ndarray | None:
        """The key `(2,)`, uint32, of the noise in a run's gradients; None where there is none."""
        problem = run.task.problem
        if not problem.noise:
            return None
        return _sequence(self.seed, problem, ROLES[run.role], run.seed, _NOISE).generate_state(
            2, np.uint32
        )


def fingerprint(problem: Problem) -> list[dict[str, float]]:
    """The problem's value and gradient at fixed points: norm, and inner product with fixed weights.

    Two result folders speak of one problem only where these agree."""
    points = []
    for i in range(3):
        generator = _generator(0, problem, 0, i, _PROBE)
        if problem.start is not None:
            points.append(problem.start(generator))
        else:
            points.append(problem.given + 0.1 * generator.standard_normal(problem.given.shape))
    values, gradients = probe(problem, points)
    weights = np.cos(1.0 + np.arange(gradients.shape[1]))
    return [
        {
            "value": float(v),
            "gradient_norm": float(np.linalg.norm(g)),
            "weighted": float(g @ weights),
        }
        for v, g in zip(values, gradients, strict=True)
    ]
