"""What a page should say: every line of every step in 50 digits, and what follows from what is written.

Two values stand side by side for each line: the exact one, and the one *held*, which is what whoever
wrote the page goes on with: the number that is written where one is, else what follows from the
numbers above.
"""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import mpmath
import numpy as np

from optlab.parts import PARTS, parts_of
from optlab.rules import X0
from optlab.straight import Straight, functions
from optlab.worked.trace import DIGITS

__all__ = ["Held", "Reckoning", "Row", "evaluated", "exact", "refined"]

Gradient = Callable[[int, list[Any]], Sequence[float]]


def exact(value: Any) -> Any:
    """A double as the number it was written as: 0.1 is a tenth."""
    with mpmath.workdps(DIGITS):
        return mpmath.mpf(repr(float(value)))


@dataclass(frozen=True)
class Row:
    """A line of the rule, or a part of one that the page writes by itself. `name` is what later rows
    call it."""

    name: str
    line: str
    part: str
    expression: ast.expr

    @cached_property
    def code(self) -> Any:
        return compile(ast.Expression(ast.fix_missing_locations(self.expression)), "<row>", "eval")

    @cached_property
    def names(self) -> frozenset[str]:
        known = functions()
        found = (n.id for n in ast.walk(self.expression) if isinstance(n, ast.Name))
        return frozenset(name for name in found if name not in known)

    @cached_property
    def mixes(self) -> bool:
        """Whether it looks at all parameters at once (`norm`, `total`)."""
        calls = (n for n in ast.walk(self.expression) if isinstance(n, ast.Call))
        return any(isinstance(c.func, ast.Name) and c.func.id in ("norm", "total") for c in calls)


def refined(form: Straight, parts: set[tuple[str, str]]) -> list[Row]:
    """The lines of `form` with the (line, part) of `parts` taken out as rows of their own, in front of
    the line that they are of."""
    rows = []
    for line in form.lines:
        found = parts_of(line.name, line.expression)
        taken = [part for part in PARTS if part in found and (line.name, part) in parts]
        symbols = {id(found[part]): f"{part}__{line.name}" for part in taken}
        for part in taken:
            inner = {k: v for k, v in symbols.items() if k != id(found[part])}
            rows.append(
                Row(symbols[id(found[part])], line.name, part, _without(found[part], inner))
            )
        rows.append(Row(line.name, line.name, "", _without(line.expression, symbols)))
    return rows


def _without(node: Any, symbols: Mapping[int, str]) -> Any:
    """A copy of `node` in which each node of `symbols` is a name."""
    if id(node) in symbols:
        return ast.Name(symbols[id(node)], ast.Load())
    twin = copy.copy(node)
    for key, child in ast.iter_fields(node):
        if isinstance(child, ast.AST):
            setattr(twin, key, _without(child, symbols))
        elif isinstance(child, list):
            setattr(twin, key, [_without(c, symbols) for c in child])
    return twin


@dataclass(frozen=True)
class Held:
    """What the writer goes on with: `value`, and the range that it may really have, since nobody knows
    how many digits were kept. `bad`: a slip, or what follows from one."""

    value: Any
    low: Any
    high: Any
    bad: bool = False
    written: bool = False

    @property
    def options(self) -> list[Any]:
        return list(dict.fromkeys((self.value, self.low, self.high)))


Key = tuple[int, str, int]
"""(step, row's name, place of the parameter); step 0 is the start."""


@dataclass
class Reckoning:
    """One optimizer's page. `count` parameters; `settings` and `start` are 50-digit numbers, a start
    for `x` and for each state; a function without steps has its inputs among the settings."""

    form: Straight
    rows: list[Row]
    settings: Mapping[str, Any]
    start: Mapping[str, list[Any]]
    count: int
    steps: int
    gradient: Gradient | None = None
    exact: dict[Key, Any] = field(default_factory=dict)
    held: dict[Key, Held] = field(default_factory=dict)

    @classmethod
    def of_rule(
        cls, form: Straight, rows: list[Row], settings: Mapping[str, float], x0: Sequence[float],
        gradient: Gradient, steps: int,
    ) -> Reckoning:  # fmt: skip
        """The first `steps` steps of a rule; ValueError where exact arithmetic divides by zero."""
        x = [exact(value) for value in x0]
        start = {name: x if value is X0 else [exact(value)] * len(x)
                 for name, value in form.states.items()}  # fmt: skip
        made = cls(form, rows, {n: exact(v) for n, v in settings.items()}, {"x": x, **start},
                   len(x), steps, gradient)  # fmt: skip
        return made._worked()

    @classmethod
    def of_function(cls, form: Straight, rows: list[Row], inputs: Mapping[str, float]) -> Reckoning:
        """A function without steps, such as a network's forward pass."""
        values = {name: exact(value) for name, value in {**form.constants, **inputs}.items()}
        return cls(form, rows, values, {}, 1, 1)._worked()

    def _worked(self) -> Reckoning:
        with mpmath.workdps(DIGITS):
            for name, values in self.start.items():
                for i, value in enumerate(values):
                    self.exact[0, name, i] = value
            for t in range(1, self.steps + 1):
                self._step(t)
        return self

    def _step(self, t: int) -> None:
        if self.gradient is not None:
            before = [self.exact[self.before(t, "x"), "x", i] for i in range(self.count)]
            for i, value in enumerate(self.gradient(t, before)):
                self.exact[t, "g", i] = exact(value)
        for row in self.rows:
            for i in range(self.count):
                try:
                    self.exact[t, row.name, i] = self.value(row, t, i, self.exact_at)
                except ZeroDivisionError:
                    told = f"the line {row.line} of step {t} divides by zero"
                    raise ValueError(f"{self.form.name}: {told}") from None
                except ValueError as error:
                    told = f"the line {row.line} of step {t}: {error}"
                    raise ValueError(f"{self.form.name}: {told}") from None
        for name in ("x", *self.form.states):  # what no line assigns stays as it is
            for i in range(self.count) if name in self.start else ():
                self.exact.setdefault((t, name, i), self.exact.get((t - 1, name, i)))

    # Names

    def before(self, t: int, name: str, row: Row | None = None) -> int:
        """The step whose `name` a row of step `t` reads: a state is of the step before until the row
        that assigns it."""
        if name not in self.start:
            return t
        last = len(self.rows)
        here = self.order.get(row.name, last) if row is not None else 0
        return t if self.order.get(name, last) < here else t - 1

    @cached_property
    def order(self) -> dict[str, int]:
        return {row.name: place for place, row in enumerate(self.rows)}

    def inputs(self, row: Row, t: int, i: int) -> list[Key]:
        """What a row reads besides settings and the step's number."""
        known = (*self.settings, "t")
        places = range(self.count) if row.mixes else (i,)
        names = [name for name in sorted(row.names) if name not in known]
        return [(self.before(t, name, row), name, j) for name in names for j in places]

    def is_shared(self, row: Row) -> bool:
        """Whether a row has one value for all parameters, as a norm has."""
        if row.name == "g" or not (row.mixes or not self.inputs(row, 1, 0)):
            return False
        return all(
            self.exact[t, row.name, i] == self.exact[t, row.name, 0]
            for t in range(1, self.steps + 1)
            for i in range(self.count)
        )

    # Values

    def exact_at(self, key: Key) -> Any:
        return self.exact[key]

    def held_at(self, key: Key) -> Any:
        return self.hold(key).value

    def hold(self, key: Key) -> Held:
        """What is held at `key`: written, or reckoned from what is held above."""
        if key not in self.held:
            self.held[key] = self._reckoned(key)
        return self.held[key]

    def _reckoned(self, key: Key) -> Held:
        t, name, i = key
        row = next((r for r in self.rows if r.name == name), None)
        if t == 0 or row is None:
            value = self.exact[key]
            return Held(value, value, value)
        inputs = [self.hold(k) for k in self.inputs(row, t, i)]
        try:
            value = self.value(row, t, i, self.held_at)
            low, high = self.range(row, t, i, lambda k: self.hold(k).options)
        except (ZeroDivisionError, ValueError):  # nothing can follow from such numbers
            value = low = high = self.exact[key]
        return Held(value, low, high, bad=any(h.bad for h in inputs))

    def value(self, row: Row, t: int, i: int, at: Callable[[Key], Any]) -> Any:
        """A row's value, its inputs given by `at`."""
        return evaluated(row.code, self.environment(row, t, i, at), i)

    def environment(self, row: Row, t: int, i: int, at: Callable[[Key], Any]) -> dict[str, Any]:
        """The names that a row reads as numbers: of one parameter, or of all of them where the row
        looks at all."""
        found: dict[str, Any] = {**self.settings, "t": t}
        for key in self.inputs(row, t, i):
            step, name, _ = key
            if row.mixes and name in found:
                continue
            if row.mixes:
                found[name] = np.array([at((step, name, j)) for j in range(self.count)], object)
            else:
                found[name] = at(key)
        return found

    def range(
        self, row: Row, t: int, i: int, options: Callable[[Key], list[Any]]
    ) -> tuple[Any, Any]:
        """The least and the largest value over the options of the inputs."""
        keys = self.inputs(row, t, i)
        choices = [options(key)[:3] for key in keys]
        if np.prod([len(c) for c in choices]) > 81:  # corners of many inputs: their ends will do
            choices = [[min(c), max(c)] for c in choices][:6] + [c[:1] for c in choices[6:]]
        values = list(self._values(row, t, i, keys, choices))
        return min(values), max(values)

    def _values(
        self, row: Row, t: int, i: int, keys: list[Key], choices: list[list[Any]]
    ) -> Iterator[Any]:
        for picked in itertools.product(*choices):
            chosen = dict(zip(keys, picked, strict=True))

            def at(key: Key, chosen: dict[Key, Any] = chosen) -> Any:
                return chosen[key] if key in chosen else self.held_at(key)

            yield self.value(row, t, i, at)


def evaluated(code: Any, environment: Mapping[str, Any], i: int) -> Any:
    """A compiled expression on 50-digit numbers; the value for parameter `i` where it has one for
    each. ZeroDivisionError and ValueError as arithmetic has them; complex values are no values."""
    with mpmath.workdps(DIGITS):
        try:
            value = eval(code, functions(), dict(environment))
        except TypeError as error:  # a complex number on its way, which has no root or order here
            raise ValueError("a root of a negative number") from error
    if np.ndim(value):
        value = value[i]
    if isinstance(value, mpmath.mpc):
        raise ValueError("a root of a negative number")
    return mpmath.mpf(value)
