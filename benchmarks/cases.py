"""The pieces of work that every program is given, and the numbers they start from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from optlab import plan
from optlab.draws import Draws
from optlab.plan import Run
from optlab.spec import Experiment, parse

POINTS = 20  # the full objective is recorded at so many points, on every side


@dataclass(frozen=True)
class Case:
    """One rule on one problem, every hyperparameter swept. `hidden` None: an analytic problem, else the
    layers of a network on digits (none: softmax regression). `torch`: whether the loop is timed too."""

    name: str
    problem: str
    rule: str
    grid: dict[str, tuple[float, float, int]]
    steps: int
    seeds: int = 1
    dim: int = 0
    hidden: tuple[int, ...] | None = None
    batch: int = 64
    precision: str = "float64"
    torch: bool = False

    @property
    def runs(self) -> int:
        return int(np.prod([n for *_, n in self.grid.values()])) * self.seeds

    @property
    def run_steps(self) -> int:
        return self.runs * self.steps

    @property
    def title(self) -> str:
        swept = " x ".join(f"{n} {name}" for name, (*_, n) in self.grid.items() if n > 1)
        seeds = f" x {self.seeds} seeds" if self.seeds > 1 else ""
        precision = "" if self.precision == "float64" else f", {self.precision}"
        return f"{self.name}: {swept}{seeds}, {self.steps:,} steps{precision}"

    @property
    def widths(self) -> tuple[int, ...]:
        """Of the layers of a network, data and classes included."""
        assert self.hidden is not None
        return (64, *self.hidden, 10)


_LR, _BETA1, _BETA2, _EPS = (1e-4, 1e-2), (0.8, 0.95), (0.99, 0.9999), (1e-9, 1e-6)
_WIDE = {
    "adam": {"lr": (*_LR, 16), "beta1": (*_BETA1, 4), "beta2": (*_BETA2, 8), "eps": (*_EPS, 8)},
    "rmsprop": {"lr": (*_LR, 32), "beta": (*_BETA1, 16), "eps": (*_EPS, 8)},
    "momentum_pytorch": {"lr": (1e-5, 1e-4, 64), "beta": (*_BETA1, 64)},
}
_PROBLEMS = {  # by name: the entry of a spec, dimensions, steps
    "quadratic 2-d": ("quadratic: {dim: 2}", 2, 10_000),
    "quadratic 10-d": ("quadratic: {dim: 10}", 10, 10_000),
    "quadratic 1,000-d": ("quadratic: {dim: 1000}", 1000, 200),
    "Rosenbrock 10-d": ("rosenbrock: {dim: 10}", 10, 10_000),
}
_CHEAP = {"adam": 1, "rmsprop": 3, "momentum_pytorch": 5}
"""A rule of less arithmetic makes more steps, so that there is something to be timed."""
_SHORT = {"adam": "Adam", "rmsprop": "RMSProp", "momentum_pytorch": "momentum"}


def _narrow(rule: str) -> dict[str, tuple[float, float, int]]:
    """13 rates, and one value of every other hyperparameter."""
    return {h: (low, high, 13 if h == "lr" else 1) for h, (low, high, _) in _WIDE[rule].items()}


def _small() -> list[Case]:
    made = []
    for problem, (entry, dim, least) in _PROBLEMS.items():
        for rule, grid in _WIDE.items():
            name = f"{_SHORT[rule]} on {problem}"
            torch = rule == "adam" and dim <= 10
            steps = least * _CHEAP[rule]
            made.append(Case(name, entry, rule, grid, steps, dim=dim, torch=torch))
            narrow = _narrow(rule)
            more = steps * (4 if dim > 10 else 10)
            made.append(Case(f"{name}, 13 x 10", entry, rule, narrow, more, seeds=10, dim=dim))
    return made


def _networks() -> list[Case]:
    made = []
    for precision in ("float64", "float32"):
        for name, hidden, rates, steps in (
            ("softmax regression", (), 256, 500),
            ("64-32-10 network", (32,), 128, 300),
            ("64-128-128-10 network", (128, 128), 32, 100),
        ):
            entry = f"mlp: {{data: digits, hidden: {list(hidden)}, batch: 64, l2: 0}}"
            if not hidden:
                entry = "softmax_regression: {data: digits, batch: 64, l2: 0}"
            grid = {"lr": (1e-4, 1e-1, rates)}
            made.append(Case(f"{name} {precision}", entry, "adam", grid, steps, hidden=hidden,
                             precision=precision, torch=precision == "float64"))  # fmt: skip
    return made


CASES = {case.name: case for case in (*_small(), *_networks())}


def experiment(case: Case) -> Experiment:
    """The case as optlab's spec says it."""
    grid = ", ".join(
        f"{h}: {low}" if n == 1 else f"{h}: {{log: [{low}, {high}], n: {n}}}"
        for h, (low, high, n) in case.grid.items()
    )
    text = (
        f"title: benchmark\nsteps: {case.steps}\nseeds: {case.seeds}\nprecision: {case.precision}\n"
        f"record: {{every: {case.steps // POINTS}, metrics: [loss]}}\n"
        f"problems: [{{{case.problem}}}]\noptimizers: [{{{case.rule}: {{{grid}}}}}]\n"
    )
    return parse(text, Path("bench.yaml"))


def runs(made: Experiment) -> list[Run]:
    """The grid alone: nobody else runs the default rate, or runs for pictures, beside it."""
    return [run for run in plan.runs(made) if run.part == "grid"]


def write_inputs(case: Case, path: Path) -> None:
    """What the other programs need to do the same work: starts and settings by run, rows, their order."""
    made = experiment(case)
    task, todo = made.tasks[0], runs(made)
    draws = Draws(0)
    draws.prepare(task, dict.fromkeys((r.role, r.seed, r.start_kind) for r in todo))
    arrays = {f"hyper/{h}": np.array([r.hypers[h] for r in todo]) for h in todo[0].hypers}
    if case.hidden is None:
        arrays["x"] = np.stack([draws.start(r) for r in todo])
        arrays |= {f"data/{k}": v for k, v in (task.problem.data or {}).items()}
    else:  # one start, one order of rows
        arrays |= {f"start/{k}": v for k, v in draws.start(todo[0]).items()}
        arrays |= {"X": task.problem.data["X"], "y": task.problem.data["y"]}
        arrays["stream"] = draws.stream(todo[0])
    np.savez(path, **arrays)
