"""The numbers of a member that is to be worked out: what each stands for, and which one slipped."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

import mpmath

from optlab.arithmetic import Number, Operation, Term, numbers, value_of
from optlab.worked.diagnosis import Cause, digits_cause
from optlab.worked.digits import Figure, shown
from optlab.worked.reckoning import Key, Reckoning, Row, evaluated
from optlab.worked.standard import CLOSE, LAST_DIGIT, SLIP, Judgement, Line, Standard

__all__ = ["Operands", "literal", "slipped", "worked"]

_BESIDE = mpmath.mpf("5e-5")  # parts of a number that a small eps beside it may make
_NEAR_BY = mpmath.mpf("5e-3")  # and that a rounding to three figures may
_SMALL = mpmath.mpf("1e-3")  # an eps that is passed over on paper
_FITS = mpmath.mpf("1e-2")  # parts by which a quantity may miss what is needed


def _root(value: Any) -> Any:
    if value < 0:
        raise ValueError("a root of a negative number")
    return mpmath.sqrt(value)


def _logarithm(value: Any) -> Any:
    if value <= 0:
        raise ValueError("a logarithm of a number that is not positive")
    return mpmath.log(value)


_FUNCTIONS: dict[str, Any] = {
    "sqrt": _root, "max": lambda a, b: a if a >= b else b,
    "min": lambda a, b: a if a <= b else b, "relu": lambda a: a if a > 0 else a * 0, "abs": abs,
    "exp": mpmath.exp, "ln": _logarithm, "log": _logarithm, "tanh": mpmath.tanh,
    "sin": mpmath.sin, "cos": mpmath.cos,
}  # fmt: skip


def literal(number: Number) -> Any:
    """A number as it is written."""
    return mpmath.mpf(str(number.decimal))


def _no_name(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def worked(term: Term, number: Callable[[Number], Any] = literal) -> Any:
    """A member of numbers worked out. ZeroDivisionError and ValueError as arithmetic has them."""
    return value_of(term, number, _no_name, _FUNCTIONS)


def slipped(value: Any, expected: str, cause: Cause | None) -> Judgement:
    if cause is None:
        return Judgement(SLIP, value, expected)
    return Judgement(SLIP, value, expected, cause.kind or None, cause.detail)


class Operands:
    """What the numbers in a member of a line may stand for."""

    def __init__(self, line: Line, standard: Standard) -> None:
        self.line, self.standard = line, standard

    def stands_for(self, number: Number, near: bool) -> list[Any]:
        value = literal(number)
        figure = Figure(number)
        known = [abs(v) for v in self.known]
        held = [self.line.reckoning.hold(key) for key in self.standard.inputs]
        rounded = [h for h in held if h.written and not h.bad and abs(h.value) == value]
        if rounded or any(value == sure for sure in self.certain):
            # A 1 may stand for 1.00000001, a root with eps beside it.
            meant = [v for v in known if abs(v - value) <= self._beside(value)]
            # 0.004 is written for 0.003996 too, and a 3 for 2.9963; but 1 - 0.999 has no such slack.
            if value != 1:
                near_by = _NEAR_BY * abs(value)
                meant += [v for v in known if abs(v - value) <= near_by and figure.agrees(v)]
            meant += [abs(v) for h in rounded for v in (h.low, h.high)]
        else:
            meant = [v for v in known if figure.agrees(v) or (near and figure.near(v))]
            if not meant and number.figures >= 3:
                meant = [value - figure.quantum, value + figure.quantum]
        return list(dict.fromkeys((value, min([value, *meant]), max([value, *meant]))))

    def _beside(self, value: Any) -> Any:
        """How far a number may be from what it stands for because a small eps is passed over."""
        eps = self.line.reckoning.settings.get("eps", mpmath.mpf(0))
        return _BESIDE * abs(value) + (2 * eps if eps <= _SMALL else 0)

    @cached_property
    def certain(self) -> list[Any]:
        """Numbers that are what they are: settings, whole numbers, powers, the gradient, and what
        this line reads where that is written in full."""
        r, t = self.line.reckoning, self.line.step
        settings = list(r.settings.values())
        found = [mpmath.mpf(n) for n in range(11)] + settings + [1 - s for s in settings]
        found += [s**t for s in settings if abs(s) <= 1] + [
            1 - s**t for s in settings if abs(s) <= 1
        ]
        found += [abs(r.exact[key]) for key in self.standard.inputs]
        return found + [abs(r.exact[k]) for k in r.exact if k[1] == "g" and k[2] == self.line.index]

    @cached_property
    def known(self) -> list[Any]:
        """Every quantity that this line is made of, exact and as held; not the line itself, or any
        number would be excused by what should come of it."""
        r, row = self.line.reckoning, self.line.row
        found: list[Any] = []
        for key in self.standard.inputs:
            found += [r.exact[key], r.hold(key).value]
        if row.name != "g":
            for at in (r.exact_at, r.held_at, self.standard.mended_at):
                found += _pieces(r, row, self.line, at)
        return found

    def close(self, term: Term, value: Any) -> Judgement:
        """A member with a number that is off in its last digit, and what that would be."""
        known = [abs(v) for v in self.known]
        for number in numbers(term):
            figure = Figure(number)
            sure = any(literal(number) == v for v in self.certain)
            if sure or any(figure.agrees(v) for v in known):
                continue
            for near in known:
                if figure.near(near):
                    would = shown(near, figure.quantum)
                    return Judgement(CLOSE, value, would, None, LAST_DIGIT, number.text)
        return Judgement(CLOSE, value, shown(self.standard.exact), None, LAST_DIGIT)

    def slip(self, term: Term) -> Judgement | None:
        """A slip in one number of a member: the one that would have to be another known quantity."""
        carried = {n for n in numbers(term) if self._is_carried(n)}
        for number in dict.fromkeys(numbers(term)):
            if number in carried:
                continue
            for target in (self.standard.exact, self.standard.mended):
                needed = _needed(term, number, target, self._mended)
                if needed is None:
                    continue
                found = self._named(number, needed, _negated(term, number))
                if found is not None:
                    return found
        return None

    def _is_carried(self, number: Number) -> bool:
        """Whether a number of a member is a wrong one from above."""
        r = self.line.reckoning
        return any(literal(number) == abs(r.hold(key).value) for key in self.standard.bad)

    def _mended(self, number: Number) -> Any:
        """The exact quantity where a number is a wrong one from above, else the number."""
        r = self.line.reckoning
        for key in self.standard.bad:
            if literal(number) == abs(r.hold(key).value):
                return abs(r.exact[key])
        return literal(number)

    def _named(self, number: Number, needed: Any, negated: bool) -> Judgement | None:
        """`number`, where `needed` belongs and is a quantity of this line; None if it is not one.
        `negated`: a minus stands before it."""
        figure = Figure(number)
        for label, value in self._quantities():
            if value == 0 or abs(abs(value) - abs(needed)) > _FITS * abs(needed):
                continue
            right = abs(value)
            # The right number after a wrong sign: whether the sign is its own, the whole line tells.
            if figure.agrees(right):
                continue
            sign = "-" if negated else ""
            wanted = shown(-needed if negated else needed, None, 4)
            told = f"{sign}{number.text} stands where {label}, {wanted}, belongs"
            cause = self._operand_cause(figure, label, right)
            if cause is not None:
                told += f"; {cause.detail}"
            slip = slipped(figure.value, wanted, Cause(cause.kind if cause else "", told))
            return replace(slip, operand=f"{sign}{number.text}")
        return None

    def _operand_cause(self, figure: Figure, label: str, right: Any) -> Cause | None:
        line, r = self.line, self.line.reckoning
        name = "x" if label.split(" ")[0] in line.parameters else label.split(" ")[0]
        for j in range(r.count):
            key = (line.step, name, j)
            if j != line.index and key in r.exact and figure.agrees(abs(r.hold(key).value)):
                return Cause("another parameter's value", f"it is that of {line.parameters[j]}")
        for earlier in range(line.step - 1, -1, -1):
            key = (earlier, name, line.index)
            if key in r.exact and r.exact[key] != 0 and figure.agrees(abs(r.hold(key).value)):
                return Cause("previous step's value", f"it is that of step {earlier}")
        for key, value in r.exact.items():
            if (
                key[1] != name
                and key[2] == line.index
                and value != 0
                and abs(value) == figure.value
            ):
                return Cause("another quantity", f"it is {key[1]} of step {key[0]}")
        return digits_cause(figure, [right])

    def _quantities(self) -> Iterator[tuple[str, Any]]:
        """What this line reads, by name: as held, and exact."""
        r, line = self.line.reckoning, self.line
        for key in self.standard.inputs:
            step, name, i = key
            whose = line.parameters[i] if line.parameters else ""  # a forward pass has none
            told = whose if name == "x" else f"{name} of {whose}" if whose else name
            place = "" if step == line.step else f" from step {step}" if step else " at the start"
            yield f"{told}{place}", r.hold(key).value
            yield f"{told}{place}", r.exact[key]


def _negated(term: Term, number: Number) -> bool:
    """Whether a minus stands right before `number`."""
    if not isinstance(term, Operation):
        return False
    if term.what == "-" and term.operands[-1] is number:
        return len(term.operands) == 1
    return any(_negated(operand, number) for operand in term.operands)


def _pieces(r: Reckoning, row: Row, line: Line, at: Callable[[Key], Any]) -> list[Any]:
    """The value of every part of a row's expression that reads something."""
    found = []
    try:
        environment = r.environment(row, line.step, line.index, at)
    except (ZeroDivisionError, ValueError):
        return []
    for node in ast.walk(row.expression):
        if isinstance(node, ast.BinOp | ast.Call) and node is not row.expression:
            code = compile(ast.Expression(ast.fix_missing_locations(node)), "<part>", "eval")
            try:
                found.append(evaluated(code, environment, line.index))
            except (ZeroDivisionError, ValueError):
                continue
    return found


def _needed(term: Term, number: Number, target: Any, stands: Callable[[Number], Any]) -> Any:
    """What `number` would have to be for `term` to come to `target`, by the secant method; None where
    no such value is found."""

    def off(guess: Any) -> Any:
        return worked(term, lambda n: guess if n is number else stands(n)) - target

    a, b = literal(number), literal(number) * mpmath.mpf("1.01") + mpmath.mpf("0.001")
    try:
        fa, fb = off(a), off(b)
        for _ in range(60):
            if abs(fb) <= abs(target) * mpmath.mpf("1e-15"):
                return b if isinstance(b, mpmath.mpf) else None
            if fa == fb:
                return None
            a, b, fa = b, b - fb * (b - a) / (fb - fa), fb
            fb = off(b)
    except (ZeroDivisionError, ValueError, TypeError):
        return None
    return None
