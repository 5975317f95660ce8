"""optlab on the same work, as `optlab run` does it from cells on: every cell stored, tables on disk. What comes
before (reading the spec, naming runs, drawing starts) and after (manifest, verdicts, report) is left out, as it is
on the other sides."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from cases import Case, experiment, runs

from optlab import plan
from optlab.draws import Draws
from optlab.engine import Engine, History, Inputs
from optlab.gathered import Gathered
from optlab.startup import prepare
from optlab.store import Store
from optlab.tables import run_columns
from optlab.written import write_table


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
    working, store = Engine(), Store(Path(folder.name) / "cells")

    def started(cell: plan.Cell) -> Inputs:
        return Inputs([draws.start(r) for r in cell.runs], [dict(r.hypers) for r in cell.runs],
                      draws.stream(cell.runs[0]))  # fmt: skip

    def keep(cell: plan.Cell, history: History) -> History:
        store.put("key", [run.run_id for run in cell.runs], history)
        return history

    def once() -> np.ndarray:
        gathered = Gathered(lambda run: "")
        losses = np.empty((len(cells[0].program.points), len(todo)))
        for cell, outcome in working.execute(cells, started, keep):
            if isinstance(outcome, int):
                continue
            if isinstance(outcome, Exception):
                raise outcome
            gathered.add("", cell.runs, outcome)
            losses[:, [place[id(run)] for run in cell.runs]] = outcome.metrics["loss"]
        table = gathered.rows(todo, {task.name: None}, run_columns(made))
        curves, _ = gathered.curves_and_paths(table)
        write_table(Path(folder.name), "runs", table)
        write_table(Path(folder.name), "curves", curves)
        return losses

    return once
