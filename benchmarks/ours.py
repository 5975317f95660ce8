"""optlab's engine on the same work, from cells to arrays, as `optlab run` does it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from cases import Case, spec

from optlab import engine, plan
from optlab.draws import Draws
from optlab.engine import Engine, Inputs
from optlab.spec import parse


def program(case: Case, inputs: dict[str, np.ndarray]) -> Callable[[], np.ndarray]:
    """A function that runs the case once: losses `(points + 1, rates)`."""
    engine.prepare()
    experiment = parse(spec(case), Path("bench.yaml"))
    draws = Draws(0)
    draws.prepare(experiment.tasks[0], [("evaluate", 0, "drawn")])
    # The grid alone: nobody else runs the default rate beside it.
    todo = [run for run in plan.runs(experiment) if run.part == "grid"]
    cells = plan.cells(experiment, todo)
    place = {id(run): i for i, run in enumerate(todo)}
    working = Engine()

    def started(cell: plan.Cell) -> Inputs:
        first = cell.runs[0]
        return Inputs([draws.start(r) for r in cell.runs], [dict(r.hypers) for r in cell.runs],
                      draws.stream(first))  # fmt: skip

    def once() -> np.ndarray:
        losses = np.empty((len(cells[0].program.points), len(todo)))
        for cell, history in working.execute(cells, started):
            if isinstance(history, Exception):
                raise history
            losses[:, [place[id(run)] for run in cell.runs]] = history.metrics["loss"]
        return losses

    return once
