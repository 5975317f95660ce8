"""A rule's steps worked by hand: every line of every step, with its numbers put in.

The lines are executed one by one from the rule's own text, on NumPy float64 and, if asked, on
50-digit numbers beside it, so a page shows what the optimizer did and not what a formula in a book
says. Everything here returns plain dictionaries and lists, fit for a file: the laboratory stores
them, and the report only reads them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from optlab.rules import X0, Rule
from optlab.straight import Line, Straight
from optlab.worked.formula import formulas, substituted, text

__all__ = ["DIGITS", "trace_forward", "trace_rule"]

DIGITS = 50
"""Decimal digits of an exact trace."""

Gradient = Callable[[np.ndarray], Any]
Convert = Callable[[Any], Any]


@dataclass(frozen=True)
class _Done:
    """One executed line: what every name was worth before it, and what it gave."""

    line: Line
    before: dict[str, Any]
    value: Any


def trace_rule(
    rule: Rule,
    hypers: Mapping[str, float],
    start: Sequence[float] | np.ndarray,
    gradients: Sequence[Sequence[float]] | np.ndarray | Gradient,
    names: Sequence[str],
    *,
    steps: int | None = None,
    exact: bool = False,
    digits: int = 4,
    title: str = "",
    optimizer: str = "",
    problem: str = "",
    forward: Sequence[Mapping[str, Any]] = (),
    true_gradient: Gradient | Sequence[float] | np.ndarray | None = None,
) -> dict[str, Any]:
    """One worked page: `rule` from `start` (dim,), line by line.

    `gradients` are given numbers (steps, dim), of which at most `steps` are used, or a function
    from x (dim,) to the gradient (dim,), and then `steps` says how often. `hypers` that are left
    out keep the rule's default. `digits` are the decimals that are printed; values are stored as
    full doubles, None where not finite.

    `exact` adds to each cell the value from 50-digit arithmetic on the numbers as they are written
    (0.1 is a tenth), and to the page the largest relative error of a double against it; where the
    exact arithmetic divides by zero it ends, and cells from there on have None.

    A line's `cells` are one a parameter; a line that is the same for all of them (`lr_t`) has one
    cell, with parameter None. `substituted` is the right side only. ValueError for shapes or names
    that do not fit.
    """
    form = rule.form
    settings = _settings(rule, hypers)
    x0 = np.array(start, dtype=float)
    if x0.shape != (len(names),):
        raise ValueError(f"start: needs {len(names)} numbers ({', '.join(names)}), one a parameter")
    source, count = _source(gradients, steps, len(names))
    history = _run(form, settings, x0, source, count, np.float64)
    given = [step[0].before["g"] for step in history]
    oracle = _run_exactly(form, settings, x0, given) if exact else [[] for _ in history]
    equations = formulas(form)
    shown = dict(zip((line.name for line in form.lines), equations, strict=True))
    reference = true_gradient(x0) if callable(true_gradient) else true_gradient
    label = optimizer or rule.name
    place = f"{label} on {problem}" if problem else label
    page = {
        "title": title or f"{place}: {count} step{'s' if count > 1 else ''} by hand",
        "optimizer": label,
        "rule": rule.name,
        "problem": problem,
        "hypers": settings,
        "names": list(names),
        "start": _listed(x0),
        "formulas": equations,
        "forward": [dict(entry) for entry in forward],
        "true_gradient": None if reference is None else _listed(reference),
        "steps": [
            _step(t, done, sure, form, shown, names, digits, exact)
            for t, (done, sure) in enumerate(zip(history, oracle, strict=True), start=1)
        ],
    }
    return page | ({"largest_error": _largest_error(history, oracle)} if exact else {})


def trace_forward(
    form: Straight, values: Mapping[str, float], *, digits: int = 4
) -> list[dict[str, Any]]:
    """A function without steps, such as a network's forward pass, worked line by line.

    `values` gives every input by name: parameters, and a problem's `constants`. ValueError where
    one is missing.
    """
    missing = [name for name in form.inputs if name not in values]
    if missing:
        raise ValueError(f"{form.name}: no value for {', '.join(missing)}")
    scope = {name: np.float64(value) for name, value in {**form.constants, **values}.items()}
    equations = formulas(form)
    return [
        {"name": done.line.name, "formula": equation, **_shown(done, form, 0, digits)}
        for done, equation in zip(_execute(form, scope), equations, strict=True)
    ]


# Running


def _settings(rule: Rule, hypers: Mapping[str, float]) -> dict[str, float]:
    unknown = [name for name in hypers if name not in rule.hypers]
    if unknown:
        known = ", ".join(rule.hypers)
        raise ValueError(f"{rule.name} has no hyperparameter {unknown[0]!r}; it has {known}")
    return {name: float(value) for name, value in {**rule.hypers, **hypers}.items()}


def _source(gradients: Any, steps: int | None, dim: int) -> tuple[Callable[[int, Any], Any], int]:
    """The gradient as a function of (t, x), and the number of steps."""
    if steps is not None and steps < 1:
        raise ValueError(f"steps: {steps} asked for, and a page needs 1 or more")
    if callable(gradients):
        if steps is None:
            raise ValueError("steps: say how many; a gradient function does not end")
        return lambda t, x: gradients(x), steps
    table = np.array(gradients, dtype=float)
    if table.ndim != 2 or table.shape[1] != dim or len(table) == 0:
        raise ValueError(f"gradients: need one row of {dim} numbers a step, not {table.shape}")
    return lambda t, x: table[t - 1], min(len(table), steps or len(table))


def _execute(form: Straight, scope: Mapping[str, Any]) -> list[_Done]:
    """Every line of `form` in order; a number that overflows is a result here, not a warning."""
    now, done = dict(scope), []
    with np.errstate(all="ignore"):
        for line, value in form.execute(now):
            done.append(_Done(line, dict(now), value))
            now[line.name] = value
    return done


def _run(
    form: Straight,
    settings: Mapping[str, float],
    x0: np.ndarray,
    gradient: Callable[[int, Any], Any],
    steps: int,
    convert: Convert,
) -> list[list[_Done]]:
    """`steps` steps; `convert` makes the kind of number, so that one loop serves all kinds.

    Settings become NumPy's doubles where a Python float would do, because those overflow to inf and
    divide by zero as arrays do, where Python's own raise. `t` stays an integer.
    """
    x = _vector(x0, convert)
    scope: dict[str, Any] = {name: convert(value) for name, value in settings.items()}
    scope |= {
        name: x if value is X0 else _vector(np.full(len(x0), value), convert)
        for name, value in form.states.items()
    }
    history: list[list[_Done]] = []
    for t in range(1, steps + 1):
        g = _vector(gradient(t, x), convert)
        try:
            done = _execute(form, scope | {"x": x, "g": g, "t": t})
        except ZeroDivisionError:
            if convert is np.float64:  # only whole numbers do this, as in 1 / (t - 1)
                raise ValueError(f"{form.name}: a line divides by zero at step {t}") from None
            return history
        after = {entry.line.name: entry.value for entry in done}
        scope |= {name: after[name] for name in form.states if name in after}
        x = after.get("x", x)
        history.append(done)
    return history


def _run_exactly(
    form: Straight, settings: Mapping[str, float], x0: np.ndarray, gradients: list[np.ndarray]
) -> list[list[_Done]]:
    """The same steps on mpmath numbers, with the gradients that the doubles met."""
    import mpmath

    def convert(value: Any) -> Any:
        return mpmath.mpf(repr(float(value)))  # as written: 0.1 is a tenth, not its double

    with mpmath.workdps(DIGITS):
        history = _run(form, settings, x0, lambda t, x: gradients[t - 1], len(gradients), convert)
    return history + [[] for _ in range(len(gradients) - len(history))]


def _vector(values: Any, convert: Convert) -> np.ndarray:
    doubles = np.asarray(values, dtype=float)
    return doubles if convert is np.float64 else np.array([convert(v) for v in doubles], object)


# Writing down


def _step(
    t: int,
    history: list[_Done],
    oracle: list[_Done],
    form: Straight,
    equations: Mapping[str, str],
    names: Sequence[str],
    digits: int,
    exact: bool,
) -> dict[str, Any]:
    lines = []
    for place, done in enumerate(history):
        whole = np.ndim(done.value) == 0
        cells = []
        for i, name in enumerate([None] if whole else names):
            cell = {"parameter": name, **_shown(done, form, i, digits)}
            if exact:
                cell["exact"] = _digits(oracle[place].value, i) if oracle else None
            cells.append(cell)
        name = done.line.name
        lines.append({"name": name, "formula": equations[name], "cells": cells})
    last = {done.line.name: done.value for done in history}
    return {
        "t": t,
        "gradient": _listed(history[0].before["g"]),
        "lines": lines,
        "x": _listed(last.get("x", history[0].before["x"])),
    }


def _shown(done: _Done, form: Straight, i: int, digits: int) -> dict[str, Any]:
    """One value with where it came from: `substituted` (LaTeX), `value` and its `text`."""
    numbers = {name: _at(value, i) for name, value in done.before.items()}

    def reduce(call: Any) -> Any:
        line = Line("whole", call, done.line.number)
        ((_, value),) = replace(form, lines=(line,)).execute(done.before)
        return value

    value = _at(done.value, i)
    return {
        "substituted": substituted(
            done.line.expression, numbers, form.constants, reduce, decimals=digits
        ),
        "value": _plain(value),
        "text": text(value, digits),
    }


def _at(value: Any, i: int) -> Any:
    return value[i] if np.ndim(value) else value


def _plain(value: Any) -> float | None:
    value = float(value)
    return value if math.isfinite(value) else None  # JSON has no infinity


def _listed(values: Any) -> list[float | None]:
    return [_plain(value) for value in np.asarray(values, dtype=float)]


def _digits(value: Any, i: int) -> str:
    import mpmath

    with mpmath.workdps(DIGITS):
        return mpmath.nstr(mpmath.mpf(_at(value, i)), 30)


def _largest_error(history: list[list[_Done]], oracle: list[list[_Done]]) -> float:
    """The largest relative difference of a double from the exact value, over all lines."""
    worst = 0.0
    for done, sure in zip(history, oracle, strict=True):
        for double, exact in zip(done, sure, strict=False):
            pairs = zip(np.ravel(double.value), np.ravel(exact.value), strict=True)
            errors = [abs((float(a) - b) / b) if b else abs(float(a)) for a, b in pairs]
            worst = max(worst, *(float(e) for e in errors))
    return worst
