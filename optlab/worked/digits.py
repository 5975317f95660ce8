"""Whether written digits are those of a value: rounded, cut, or off in the last one."""

from __future__ import annotations

from typing import Any

import mpmath

from optlab.arithmetic import Number, Operation, Term
from optlab.worked.trace import DIGITS

__all__ = ["Figure", "figure_of", "shown", "wanted"]

_COARSE = mpmath.mpf("0.05")


class Figure:
    """A number as written, with its sign: `value`, and `quantum`, one unit of its last digit."""

    def __init__(self, number: Number, negative: bool = False) -> None:
        with mpmath.workdps(DIGITS):
            size = mpmath.mpf(str(number.decimal))
            self.value = -size if negative else size
            self.quantum = mpmath.mpf(str(number.quantum))
        self.number = number
        self.figures = number.figures
        self.text = (
            ("-" if negative else "") + number.text + (f"e{number.scale}" * bool(number.scale))
        )

    def agrees(self, value: Any, coarse: bool = False) -> str:
        """`rounded` or `truncated` where the digits are those of `value`, else nothing.

        One figure says little: -2 is no rounding of -1.74 on a page of four digits. Unless the whole
        page is `coarse`, such a number must be within a twentieth."""
        apart = abs(self.value - value)
        tiny = self.quantum * mpmath.mpf("1e-12")
        if (
            not coarse
            and self.figures <= 1
            and apart > _COARSE * abs(value)
            and not self._zero(value)
        ):
            return ""
        if apart <= self.quantum / 2 + tiny:
            return "rounded"
        cut = abs(value) - abs(self.value)
        same_side = self.value * value > 0 or self.value == 0
        return "truncated" if same_side and -tiny <= cut < self.quantum - tiny else ""

    def _zero(self, value: Any) -> bool:
        """A zero with decimals, `0.000`, for what is too small to show."""
        return self.value == 0 and self.quantum <= mpmath.mpf("0.01") and abs(value) < self.quantum

    def within(self, low: Any, high: Any) -> bool:
        """Whether some value from `low` to `high` is written so."""
        if low <= self.value <= high:
            return True
        near = low if self.value < low else high
        return abs(self.value - near) < self.quantum and bool(self.agrees(near))

    def near(self, value: Any) -> bool:
        """Whether only the last digit is off, with two or more sound ones before it."""
        if self.figures < 3 or self.value * value <= 0:
            return False
        ten = 10 * self.quantum
        with mpmath.workdps(DIGITS):
            before = mpmath.floor(abs(self.value) / ten)
            rounded = mpmath.floor(abs(value) / self.quantum + mpmath.mpf("0.5")) * self.quantum
            alike = before in (mpmath.floor(abs(value) / ten), mpmath.floor(rounded / ten))
        return bool(alike) or bool(abs(self.value - value) <= 2 * self.quantum)


def figure_of(term: Term) -> Figure | None:
    """`term` as a written number, with at most a sign before it; None for anything to be worked out."""
    if isinstance(term, Number):
        return Figure(term)
    match term:
        case Operation("-", (Number() as number,)):
            return Figure(number, negative=True)
    return None


def shown(value: Any, quantum: Any = None, figures: int = 6) -> str:
    """`value` to the digits of `quantum`, as one would have written it; else to some figures."""
    with mpmath.workdps(DIGITS):
        if quantum is None:
            return _plain(mpmath.nstr(mpmath.mpf(value), figures, strip_zeros=True))
        places = max(0, -int(mpmath.floor(mpmath.log10(quantum) + mpmath.mpf("0.5"))))
        scaled = mpmath.floor(abs(value) * 10**places + mpmath.mpf("0.5"))
        if scaled == 0 or places > 12:
            return _plain(mpmath.nstr(mpmath.mpf(value), 3))
        digits = str(int(scaled)).rjust(places + 1, "0")
        text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
        return f"-{text}" if value < 0 else text


def wanted(value: Any, quantum: Any) -> str:
    """`value` as it should stand there: to the digits that were written, and at least to four
    figures, without idle zeros beyond what was written."""
    with mpmath.workdps(DIGITS):
        if value == 0:
            return "0"
        fine = mpmath.mpf(10) ** (int(mpmath.floor(mpmath.log10(abs(value)))) - 3)
        text = shown(value, min(quantum, fine))
        least = shown(value, quantum)
    while "." in text and len(text) > len(least) and text[-1] in "0.":
        text = text[:-1]
    return text


def _plain(text: str) -> str:
    return text.removesuffix(".0")
