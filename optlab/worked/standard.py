"""What a line may rightly say: exactly, and given what is written above it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import mpmath

from optlab.worked.digits import Figure
from optlab.worked.reckoning import Key, Reckoning, Row

__all__ = ["CLOSE", "FOLLOWS", "LAST_DIGIT", "NOT_CARRIED", "RIGHT", "SLIP", "VERDICTS", "Judgement",
           "Line", "Standard", "slack"]  # fmt: skip

VERDICTS = (
    "correct as rounded", "correct as truncated", "close", "slip",
    "follows from an earlier slip", "not carried",
)  # fmt: skip
RIGHT = {"rounded": "correct as rounded", "truncated": "correct as truncated"}
CLOSE, SLIP, FOLLOWS, NOT_CARRIED = VERDICTS[2:]
LAST_DIGIT = "off in the last digit only"

_TINY = mpmath.mpf("1e-7")  # below what any page shows
_MOST_WRONG = 4  # inputs that may each have been used or not; a line reads no more


@dataclass(frozen=True)
class Line:
    """A line to be judged: its place in the reckoning and the names of the parameters."""

    reckoning: Reckoning
    row: Row
    step: int
    index: int
    parameters: tuple[str, ...]
    coarse: bool = False
    """Whether the page as a whole is written to one or two figures."""
    turned: bool = False
    """Whether this page writes increments as what is added, where the rule takes them off."""

    @property
    def key(self) -> Key:
        return self.step, self.row.name, self.index


@dataclass(frozen=True)
class Judgement:
    """What is found of one member: `value` is what it comes to, `expected` what it should be."""

    verdict: str
    value: Any
    expected: str = ""
    cause: str | None = None
    detail: str = ""
    operand: str = ""
    """The one number of the member that it is about, if it is about one."""


class Standard:
    """The values that a line may rightly have, worked out once for all of its members."""

    def __init__(self, line: Line) -> None:
        self.line = line
        r, row, t, i = line.reckoning, line.row, line.step, line.index
        self.exact = r.exact[line.key]
        self.inputs = r.inputs(row, t, i) if row.name != "g" else []
        self.bad = [key for key in self.inputs if r.hold(key).bad]
        self.held = self._value(r.held_at)
        self.mended = self._value(self.mended_at) if self.bad else self.held

    def _value(self, at: Callable[[Key], Any]) -> Any:
        r, row = self.line.reckoning, self.line.row
        if row.name == "g":
            return self.exact
        try:
            return r.value(row, self.line.step, self.line.index, at)
        except (ZeroDivisionError, ValueError):
            return self.exact

    def mended_at(self, key: Key) -> Any:
        """What is held, but the exact value where that is wrong."""
        r = self.line.reckoning
        held = r.hold(key)
        return r.exact[key] if held.bad else held.value

    def _range(self, options: Callable[[Key], list[Any]]) -> tuple[Any, Any]:
        try:
            r = self.line.reckoning
            return r.range(self.line.row, self.line.step, self.line.index, options)
        except (ZeroDivisionError, ValueError):
            return self.exact, self.exact

    @cached_property
    def right_range(self) -> tuple[Any, Any]:
        """Where a right value may lie, given that what is held was rounded once."""
        r = self.line.reckoning
        if self.line.row.name == "g":
            return self.exact, self.exact

        def options(key: Key) -> list[Any]:
            held = r.hold(key)
            if not held.bad:
                return [*held.options, r.exact[key]] if held.written else held.options
            return [r.exact[key]]

        return self._range(options)

    @cached_property
    def followed(self) -> list[tuple[Any, Any]]:
        """Ranges of what follows where one, several or all of the wrong inputs were used."""
        return list(self._followed())

    def _followed(self) -> Iterator[tuple[Any, Any]]:
        r, bad = self.line.reckoning, self.bad[:_MOST_WRONG]
        for used in itertools.product((True, False), repeat=len(bad)):
            if any(used):
                wrong = {key for key, is_used in zip(bad, used, strict=True) if is_used}

                def options(key: Key, wrong: set[Key] = wrong) -> list[Any]:
                    held = r.hold(key)
                    return held.options if key in wrong or not held.bad else [r.exact[key]]

                yield self._range(options)

    @property
    def right_values(self) -> list[Any]:
        return [self.exact, self.mended, *self.right_range]

    def agrees(self, figure: Figure) -> str:
        """`rounded` or `truncated` where the digits are right: those of the exact value, of what
        follows from the right numbers above, or between the two."""
        coarse = self.line.coarse
        for value in (self.exact, self.mended):
            if found := figure.agrees(value, coarse):
                return found
        if figure.figures < 2 and not coarse:
            return ""
        return "rounded" if figure.within(*self.right_range) else ""

    def follows(self, figure: Figure) -> bool:
        """Whether the digits are those of what follows from a wrong number above."""
        if not self.bad:
            return False
        if figure.agrees(self.held, self.line.coarse):
            return True
        return any(figure.within(low, high) for low, high in self.followed)

    def meets(self, low: Any, high: Any, values: list[Any]) -> bool:
        """Whether the range from `low` to `high` touches that of `values`."""
        return bool(low - slack(low) <= max(values) and min(values) <= high + slack(high))


def slack(value: Any) -> Any:
    """What is no difference between two numbers on paper."""
    return abs(value) * _TINY + mpmath.mpf("1e-15")
