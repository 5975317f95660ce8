"""How many runs an experiment asks for, and how many of them were stored already."""

from __future__ import annotations

from collections.abc import Iterable

from optlab.plan import Run
from optlab.spec import Experiment

__all__ = ["Tally"]


class Tally:
    """Told of runs as they are asked for, a portion of them at a time. `runs`: of the whole experiment, as many as
    can be where some may coincide."""

    def __init__(self, experiment: Experiment) -> None:
        parts = [(t, experiment.contender(name)) for t in experiment.tasks for name in t.optimizers]
        self.runs = sum(experiment.count(task, contender) for task, contender in parts)
        self._steps = sum(
            task.steps * experiment.count(task, contender)
            for task, contender in parts
            if task.imported is None
        )
        # The identities of a portion's runs, by (problem, optimizer), and of those that were made.
        self._asked: dict[tuple[str, str], set[str]] = {}
        self._made: set[str] = set()
        self._closed = (0, 0)

    def add(self, runs: Iterable[Run], made: Iterable[Run]) -> None:
        for run in runs:
            self._asked.setdefault((run.task.name, run.contender.name), set()).add(run.run_id)
            self._steps -= run.task.steps * (run.task.imported is None)
        self._made.update(run.run_id for run in made)

    def close(self) -> None:
        """Forget the runs of a portion, and keep their numbers."""
        self._closed = (self.asked, self.stored)
        self._asked, self._made = {}, set()

    @property
    def asked(self) -> int:
        return self._closed[0] + sum(map(len, self._asked.values()))

    @property
    def stored(self) -> int:
        return self._closed[1] + sum(len(ids - self._made) for ids in self._asked.values())

    @property
    def later(self) -> int:
        """Run-steps that are still to come, at most."""
        return max(0, self._steps)
