"""What a spec asks for, worked by hand: its starts, its gradients, its settings, put on paper."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from optlab import looks, tables
from optlab.draws import Draws
from optlab.rules import Rule
from optlab.spec import Contender, Experiment, Task, Written
from optlab.worked import trace_backward, trace_forward, trace_rule
from optlab.worked.checked import Checked, check_lines
from optlab.worked.reckoning import Reckoning, refined

__all__ = ["check", "gradient_at", "page"]


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
    stand beside them. A problem whose loss is written line by line has its forward pass and, as
    `backward`, that of `trace_backward`; where its own gradients are followed, so has every step after
    the first. TypeError for an optimizer that is not a rule: it has no lines."""
    rule = contender.optimizer
    if not isinstance(rule, Rule):
        raise TypeError(f"{contender.name} is not written as a rule, so it has no lines to work")
    problem = task.problem
    names = tables.coordinates(task)
    given = problem.data["gradients"][:steps] if problem.gradient is not None else None
    true_gradient = gradient_at(task)
    made = trace_rule(
        rule, next(contender.settings()), start, true_gradient if given is None else given, names,
        steps=steps, exact=exact, digits=digits, optimizer=contender.name, problem=task.name,
        true_gradient=true_gradient(start),
    )  # fmt: skip
    if problem.forward is not None:
        made |= _passes(task, made["start"], digits)
        if given is None:
            for before, step in itertools.pairwise(made["steps"]):
                step |= _passes(task, before["x"], digits)
    return made


def _passes(task: Task, x: Sequence[float | None], digits: int) -> dict[str, Any]:
    """The forward and the backward pass at `x`; nothing where x is no longer finite."""
    form = task.problem.forward
    if form is None or None in x:
        return {}
    names = tables.coordinates(task)
    values = dict(task.problem.constants) | {
        n: v for n, v in zip(names, x, strict=True) if v is not None
    }
    return {
        "forward": trace_forward(form, values, digits=digits),
        "backward": trace_backward(form, values, names, digits=digits),
    }


def gradient_at(task: Task) -> Any:
    """The gradient of the task's loss as a function from x (dim,) to (dim,)."""

    def gradient(x: np.ndarray) -> np.ndarray:
        return looks.probe(task.problem, [np.asarray(x, dtype=float)])[1][0]

    return gradient


def check(experiment: Experiment, written: Sequence[Written] | None = None) -> list[Checked]:
    """What stands on paper against what it should be: the spec's own `handwritten` lines, or `written`
    ones that were read from elsewhere. Exact values come from the rule itself in 50 digits.

    ValueError where a page cannot be worked exactly (a line divides by zero)."""
    lines = experiment.handwritten if written is None else written
    pages: dict[tuple[str, str], list[Written]] = {}
    for line in lines:
        pages.setdefault((line.problem, line.optimizer), []).append(line)
    draws = Draws(experiment.seeds.experiment)
    checked: list[Checked] = []
    for (problem, optimizer), mine in pages.items():
        task = next(task for task in experiment.tasks if task.name == problem)
        start = np.asarray(draws.first(task), dtype=float)
        if optimizer:
            reckoning = _reckoning(task, experiment.contender(optimizer), start, mine)
            checked += check_lines(reckoning, mine, tables.coordinates(task))
        else:
            checked += check_lines(_forward(task, start, mine), mine, ())
    return checked


def _parts(lines: Sequence[Written]) -> set[tuple[str, str]]:
    return {(line.line, line.part) for line in lines if line.part}


def _reckoning(
    task: Task, contender: Contender, start: np.ndarray, lines: Sequence[Written]
) -> Reckoning:
    rule = contender.optimizer
    assert isinstance(rule, Rule)  # the spec takes lines of rules only
    problem = task.problem
    true_gradient = gradient_at(task)

    def gradient(t: int, x: list[Any]) -> Sequence[float]:
        if problem.gradient is not None:
            return list(problem.data["gradients"][t - 1])
        return list(true_gradient(np.array([float(value) for value in x])))

    return Reckoning.of_rule(
        rule.form, refined(rule.form, _parts(lines)), next(contender.settings()), start.tolist(),
        gradient, max((line.step for line in lines if line.step), default=min(2, task.steps)),
    )  # fmt: skip


def _forward(task: Task, start: np.ndarray, lines: Sequence[Written]) -> Reckoning:
    form = task.problem.forward
    assert form is not None  # the spec takes lines of a forward pass where there is one
    names = tables.coordinates(task)
    values = dict(zip(names, start.tolist(), strict=True)) | dict(task.problem.constants)
    return Reckoning.of_function(form, refined(form, _parts(lines)), values)
