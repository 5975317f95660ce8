"""What a spec asks for, worked by hand: its starts, its gradients, its settings, put on paper."""

from __future__ import annotations

from typing import Any

import numpy as np

from optlab import engine, tables
from optlab.rules import Rule
from optlab.spec import Contender, Task
from optlab.worked import trace_backward, trace_forward, trace_rule

__all__ = ["gradient_at", "page"]


def page(
    task: Task,
    contender: Contender,
    start: np.ndarray,
    *,
    steps: int,
    digits: int = 4,
    exact: bool = False,
) -> dict[str, Any]:
    """One worked page, as `trace_rule` gives it: the first setting of `contender` on `task` from
    `start` (dim,). Recorded gradients are taken as they are given, and those of the loss at the start
    stand beside them; a problem whose loss is written line by line has its forward pass and, as
    `backward`, that of `trace_backward`. TypeError for an optimizer that is not a rule: it has no
    lines."""
    rule = contender.optimizer
    if not isinstance(rule, Rule):
        raise TypeError(f"{contender.name} is not written as a rule, so it has no lines to work")
    problem = task.problem
    names = tables.coordinates(task)
    given = problem.data["gradients"][:steps] if problem.gradient is not None else None
    true_gradient = gradient_at(task)
    forward: list[dict[str, Any]] = []
    passes: dict[str, Any] = {}
    if problem.forward is not None:
        values = dict(zip(names, start.tolist(), strict=True)) | dict(problem.constants)
        forward = trace_forward(problem.forward, values, digits=digits)
        passes = {"backward": trace_backward(problem.forward, values, names, digits=digits)}
    return passes | trace_rule(
        rule, next(contender.settings()), start, true_gradient if given is None else given, names,
        steps=steps, exact=exact, digits=digits, optimizer=contender.name, problem=task.name,
        forward=forward, true_gradient=true_gradient(start),
    )  # fmt: skip


def gradient_at(task: Task) -> Any:
    """The gradient of the task's loss as a function from x (dim,) to (dim,)."""

    def gradient(x: np.ndarray) -> np.ndarray:
        return engine.probe(task.problem, [np.asarray(x, dtype=float)])[1][0]

    return gradient
