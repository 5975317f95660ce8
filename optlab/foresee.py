"""What a reader would hold against an experiment, told before it runs."""

from __future__ import annotations

from dataclasses import asdict

from optlab.analysis.foreseen import Asked, foreseen
from optlab.manifest import manifest
from optlab.problems import Minimum
from optlab.spec import Experiment, Task

__all__ = ["foresee"]


def foresee(experiment: Experiment) -> list[dict[str, str]]:
    """Every mistake that the spec alone shows, worst first: `kind` and `text`, in the words that the
    report would use. Nothing is run and no minimum is solved for."""
    claims = [
        asdict(claim) | {"id": claim.id, "declared": "", "post_hoc": False}
        for claim in experiment.claims
    ]
    minima = {task.name: _known(task) for task in experiment.tasks}
    made = manifest(experiment, minima, {}, claims=claims, looks=[])
    asked = Asked(
        made,
        {task.name: _seeds(experiment, task, "evaluate") for task in experiment.tasks},
        {task.name: _seeds(experiment, task, "tune") for task in experiment.tasks},
        frozenset(task.name for task in experiment.tasks if _exact(task)),
    )
    return [{"kind": kind, "text": text} for kind, text in foreseen(asked)]


def _seeds(experiment: Experiment, task: Task, role: str) -> int:
    """How many seeds a problem has in a role; those of runs made elsewhere stand in their file."""
    if task.imported is not None:
        return len({run.seed for run in task.imported.runs if run.role == role})
    tune, evaluate, _ = experiment.seeds_of(task)
    return len(tune if role == "tune" else evaluate)


def _exact(task: Task) -> bool:
    """Whether there is one instance: a given start, and nothing drawn."""
    return task.imported is None and task.problem.given is not None and not task.problem.random


def _known(task: Task) -> Minimum | None:
    """The minimum, where it need not be solved for."""
    return task.problem.minimum if isinstance(task.problem.minimum, Minimum) else None
