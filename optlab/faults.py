"""What broke runs, told once for each problem, optimizer and reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from optlab.plan import Run
from optlab.spec import Experiment

__all__ = ["Faults"]


class Faults:
    """Told of runs that broke, some at a time. A problem that is asked for under several names is told by the
    first."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._runs: dict[tuple[str, str, str], set[str]] = {}

    def add(self, members: Sequence[Run], message: str) -> Iterator[str]:
        """Take in runs that broke for one reason; a sentence for each (problem, optimizer) of which this is the
        first that is heard of it."""
        for member in members:
            name = member.contender.name
            namesakes = self._experiment.namesakes(member.task)
            problem = next(task.name for task in namesakes if name in task.optimizers)
            known = self._runs.setdefault((problem, name, message), set())
            if not known:
                yield f"{name} on {problem} broke: {message}"
            known.add(member.run_id)

    def told(self) -> list[dict[str, Any]]:
        """Each fault, with how many runs it broke."""
        return [
            {"problem": problem, "optimizer": name, "runs": len(runs), "message": message}
            for (problem, name, message), runs in self._runs.items()
        ]
