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
        {task.name: len(experiment.seeds_of(task)[1]) for task in experiment.tasks},
        frozenset(
            task.name
            for task in experiment.tasks
            if task.problem.given is not None and not task.problem.random
        ),
    )
    return [{"kind": kind, "text": text} for kind, text in foreseen(asked)]


def _known(task: Task) -> Minimum | None:
    """The minimum, where it need not be solved for."""
    return task.problem.minimum if isinstance(task.problem.minimum, Minimum) else None
