"""optlab on the same work, as `optlab run` does it: from cells to tables on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from cases import Case, experiment, runs

from optlab import plan
from optlab.draws import Draws
from optlab.engine import Engine, Inputs
from optlab.gathered import Gathered
from optlab.startup import prepare
from optlab.tables import run_columns


def program(case: Case, inputs: dict[str, np.ndarray]) -> Callable[[], np.ndarray]:
    """A function that runs the case once: losses `(points + 1, runs)`."""
    folder = tempfile.TemporaryDirectory()
    prepare(Path(folder.name) / "compiled")
    made = experiment(case)
    task, todo = made.tasks[0], runs(made)
    draws = Draws(0)
    draws.prepare(task, dict.fromkeys((r.role, r.seed, r.start_kind) for r in todo))
    cells = plan.cells(made, todo)
    place = {id(run): i for i, run in enumerate(todo)}
    working = Engine()

    def started(cell: plan.Cell) -> Inputs:
        return Inputs([draws.start(r) for r in cell.runs], [dict(r.hypers) for r in cell.runs],
                      draws.stream(cell.runs[0]))  # fmt: skip

    def once() -> np.ndarray:
        gathered = Gathered(lambda run: "")
        losses = np.empty((len(cells[0].program.points), len(todo)))
        for cell, outcome in working.execute(cells, started):
            if isinstance(outcome, int):
                continue
            if isinstance(outcome, Exception):
                raise outcome
            gathered.add("", cell.runs, outcome)
            losses[:, [place[id(run)] for run in cell.runs]] = outcome.metrics["loss"]
        table = gathered.rows(todo, {task.name: None}, run_columns(made))
        curves, _ = gathered.curves_and_paths(table)
        table.to_parquet(Path(folder.name) / "runs.parquet")
        curves.to_parquet(Path(folder.name) / "curves.parquet")
        return losses

    return once
