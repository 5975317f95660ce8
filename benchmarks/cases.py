"""The three pieces of work that every program is given, and the numbers they start from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

POINTS = 20  # the full objective is recorded at so many points, on every side


@dataclass(frozen=True)
class Case:
    """`rates` learning rates of Adam, `steps` updates each; `hidden` None: no network."""

    name: str
    title: str
    rates: int
    steps: int
    low: float
    high: float
    hidden: tuple[int, ...] | None = None
    batch: int = 64

    @property
    def run_steps(self) -> int:
        return self.rates * self.steps

    @property
    def lr(self) -> np.ndarray:
        return np.geomspace(self.low, self.high, self.rates)


CASES = {
    case.name: case
    for case in (
        Case("rosenbrock", "Rosenbrock 10-d, 4,096 rates x 1,000 steps", 4096, 1000, 1e-4, 1e-1),
        Case("softmax", "softmax regression on digits, batches of 64, 256 rates x 500", 256, 500,
             1e-4, 1e-1, hidden=()),
        Case("network", "64-32-10 network on digits, batches of 64, 128 rates x 300", 128, 300,
             1e-4, 1e-1, hidden=(32,)),
    )
}  # fmt: skip


def spec(case: Case) -> str:
    """The case as optlab's spec."""
    if case.hidden is None:
        problem = "rosenbrock: {dim: 10, optimizers: [adam]}"
    elif case.hidden:
        hidden = list(case.hidden)
        problem = f"mlp: {{data: digits, hidden: {hidden}, batch: {case.batch}, l2: 0}}"
    else:
        problem = f"softmax_regression: {{data: digits, batch: {case.batch}, l2: 0}}"
    return (
        f"title: benchmark\nsteps: {case.steps}\nseeds: 1\n"
        f"record: {{every: {case.steps // POINTS}, metrics: [loss]}}\n"
        f"problems: [{problem}]\n"
        f"optimizers: [adam: {{lr: {{log: [{case.low}, {case.high}], n: {case.rates}}}}}]\n"
    )


def write_inputs(case: Case, path: Path) -> None:
    """What the other programs need to do the same work: the start, the rows, their order."""
    from optlab.draws import Draws
    from optlab.plan import runs
    from optlab.spec import parse

    experiment = parse(spec(case), Path("bench.yaml"))
    task = experiment.tasks[0]
    run = next(r for r in runs(experiment) if r.role == "evaluate")
    draws = Draws(0)
    draws.prepare(task, [("evaluate", 0, "drawn")])
    start = draws.start(run)
    arrays = (
        {f"start/{k}": v for k, v in start.items()} if isinstance(start, dict) else {"x": start}
    )
    if task.problem.data is not None:
        arrays |= {"X": task.problem.data["X"], "y": task.problem.data["y"]}
        arrays["stream"] = draws.stream(run)
    np.savez(path, **arrays)
