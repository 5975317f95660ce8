"""One line of a page against what it should say: a verdict for each member of its chain, and for all."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import mpmath

from optlab.arithmetic import Number, Operation, Term, names, numbers
from optlab.worked.diagnosis import CAUSES, Cause, cause_of, digits_cause, on_paper
from optlab.worked.digits import Figure, figure_of, shown, wanted
from optlab.worked.operands import Operands, slipped, worked
from optlab.worked.reckoning import Held, Key
from optlab.worked.standard import (
    CLOSE,
    FOLLOWS,
    LAST_DIGIT,
    NOT_CARRIED,
    RIGHT,
    SLIP,
    Judgement,
    Line,
    Standard,
    slack,
)
from optlab.worked.trace import DIGITS

__all__ = ["Judged", "judge"]

_COARSE_HELD = mpmath.mpf("5e-3")
_MOST_CHOICES = 512  # ways in which the numbers of a member may stand for others


@dataclass(frozen=True)
class Judged:
    """What is found of a line: `members` in order, and the verdict that they come to."""

    verdict: str
    members: tuple[Judgement, ...]
    decisive: int
    held: Held
    exact: Any
    note: str = ""


def judge(line: Line, chain: tuple[Term, ...]) -> Judged:
    """Every member of a chain against the exact value and against what follows from the page above."""
    with mpmath.workdps(DIGITS):
        return _Judge(line).chain(chain)


class _Judge:
    """The members of one line, each against the same standard."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.standard = Standard(line)
        self.operands = Operands(line, self.standard)
        self.turned = line.turned and line.row.part == "increment"

    def chain(self, chain: tuple[Term, ...]) -> Judged:
        judged: list[Judgement] = []
        for term in chain:
            figure = figure_of(term)
            before = judged[-1] if judged else None
            if figure is not None:
                judged.append(self.number(figure, before))
            else:
                judged.append(self.expression(term, before))
        note = _eps_note(self.line, chain)
        verdict, decisive = self._whole(judged)
        last = figure_of(chain[-1])
        return Judged(
            verdict,
            tuple(judged),
            decisive,
            self._hold(judged[-1], last),
            self.standard.exact,
            note,
        )

    def _whole(self, judged: list[Judgement]) -> tuple[str, int]:
        """The verdict of the line and the member that it rests on."""
        for place, member in enumerate(judged):
            if member.verdict == SLIP:
                return SLIP, place
        last = len(judged) - 1
        if judged[last].verdict in (FOLLOWS, NOT_CARRIED):
            return judged[last].verdict, last
        if any(member.verdict == FOLLOWS for member in judged):
            # A wrong number is put in, and the result is right all the same.
            return NOT_CARRIED, last
        for place, member in enumerate(judged):
            if member.verdict == CLOSE:
                return CLOSE, place
        return judged[last].verdict, last

    def _hold(self, last: Judgement, figure: Figure | None) -> Held:
        """What the writer goes on with after this line."""
        value = last.value
        bad = last.verdict in (SLIP, FOLLOWS)
        if figure is None:
            return Held(value, value, value, bad, written=True)
        if bad:
            # Nobody knows the digits that were left out, but a coarse wrong number excuses nothing.
            step = min(figure.quantum, abs(value) * _COARSE_HELD)
            return Held(value, value - step, value + step, True, written=True)
        near = [
            v
            for v in (self.standard.exact, self.standard.held, self.standard.mended)
            if abs(v - value) <= 2 * figure.quantum
        ]
        return Held(value, min([value, *near]), max([value, *near]), written=True)

    def number(self, figure: Figure, before: Judgement | None) -> Judgement:
        if self.turned:
            figure = Figure(figure.number, negative=figure.value > 0)
        agreed = self.standard.agrees(figure)
        if agreed:
            return Judgement(self._carried(figure, agreed), figure.value)
        if self.standard.follows(figure):
            return Judgement(FOLLOWS, figure.value, shown(self.standard.exact, figure.quantum))
        if before is not None and self._repeats(figure, before):
            if before.verdict in (SLIP, FOLLOWS):
                return Judgement(FOLLOWS, figure.value, shown(self.standard.exact, figure.quantum))
            return Judgement(self._carried(figure, "rounded"), figure.value)
        close = self._close(figure)
        if close is not None:
            return close
        return self._slip(figure)

    def _carried(self, figure: Figure, agreed: str) -> str:
        """A right number, though what it rests on is not: so that was not used."""
        if not self.standard.bad:
            return RIGHT[agreed]
        apart = abs(self.standard.held - self.standard.mended)
        plainly = figure.value == self.standard.exact and apart > abs(self.standard.exact) / 100
        if plainly or (apart > figure.quantum and not self.standard.follows(figure)):
            return NOT_CARRIED
        return RIGHT[agreed]

    def _repeats(self, figure: Figure, before: Judgement) -> bool:
        """Whether the number is what the member before it comes to."""
        return bool(figure.agrees(before.value, self.line.coarse) or figure.near(before.value))

    def _close(self, figure: Figure) -> Judgement | None:
        for value in (self.standard.exact, self.standard.mended):
            if figure.near(value):
                digit = shown(value, figure.quantum)
                return Judgement(CLOSE, figure.value, digit, None, LAST_DIGIT)
        for value in (
            (self.standard.held, *(v for pair in self.standard.followed for v in pair))
            if self.standard.bad
            else ()
        ):
            if figure.near(value):
                return Judgement(FOLLOWS, figure.value, shown(self.standard.exact, figure.quantum))
        return None

    def _slip(self, figure: Figure) -> Judgement:
        r, line = self.line.reckoning, self.line
        right = [
            self.standard.exact,
            *([self.standard.mended] if self.standard.mended != self.standard.exact else []),
        ]
        if self.standard.bad:
            right.append(self.standard.held)
        if line.row.name == "g":
            cause = _gradient_cause(line, figure) or digits_cause(figure, right)
        else:
            sources: list[Callable[[Key], Any]] = [r.held_at, r.exact_at]
            sources += [self.standard.mended_at] if self.standard.bad else []
            cause = cause_of(
                r, line.row, line.step, line.index, figure, line.parameters, right, sources
            )
        # What it should be given the page above; with a slip above that is not the exact value.
        expected = wanted(
            self.standard.mended if not self.standard.bad else self.standard.held, figure.quantum
        )
        return slipped(figure.value, expected, cause)

    # Members that are to be worked out

    def expression(self, term: Term, before: Judgement | None) -> Judgement:
        symbols = names(term)
        if symbols:
            try:
                term = _put_in(term, self._symbol)
            except KeyError as error:
                return Judgement(
                    SLIP, self.standard.exact, shown(self.standard.exact), None, str(error.args[0])
                )
        found = self._worked(term, before)
        if found.verdict == SLIP and symbols - {*self.line.reckoning.settings, "t"}:
            return replace(found, expected=on_paper(self.line.row.expression))
        return found

    def _worked(self, term: Term, before: Judgement | None) -> Judgement:
        """A member of numbers only."""
        try:
            value = worked(term)
        except (ZeroDivisionError, ValueError) as error:
            return Judgement(
                SLIP, self.standard.exact, shown(self.standard.exact), None, str(error)
            )
        if self.turned:
            term, value = Operation("-", (term,)), -value
        for near in (False, True):
            low, high = self._spread(term, near)
            if self.standard.meets(low, high, self.standard.right_values):
                if near:
                    return self.operands.close(term, value)
                return Judgement(RIGHT["rounded"], value)
            if self.standard.bad and self.standard.meets(
                low, high, [v for pair in self.standard.followed for v in pair]
            ):
                return Judgement(FOLLOWS, value, shown(self.standard.exact))
            if before is not None and low - slack(low) <= before.value <= high + slack(high):
                same = before.verdict in (SLIP, FOLLOWS)
                return Judgement(
                    FOLLOWS if same else RIGHT["rounded"], value, shown(self.standard.exact)
                )
        operand = self.operands.slip(term)
        if operand is not None and operand.cause in CAUSES:
            return replace(operand, value=value)
        whole = self._wrong_value(value)
        # A number that is another quantity of this page says more than that a point has moved.
        weak = whole.cause not in CAUSES or whole.cause == "shifted decimal point"
        if operand is not None and (whole.cause not in CAUSES or (operand.cause and weak)):
            return replace(operand, value=value)
        return whole

    def _spread(self, term: Term, near: bool) -> tuple[Any, Any]:
        """The least and the largest value of `term`, each of its numbers standing for itself or for
        the quantity that it is a rounding of."""
        found = list(dict.fromkeys(numbers(term)))
        choices = [self.operands.stands_for(number, near) for number in found]
        if len(found) > 6:
            choices = [[min(c), max(c)] if len(c) > 1 else c for c in choices]
        values = []
        for picked in itertools.islice(itertools.product(*choices), _MOST_CHOICES):
            at = dict(zip(found, picked, strict=True))
            try:
                values.append(worked(term, at.__getitem__))
            except (ZeroDivisionError, ValueError):
                continue
        return (min(values), max(values)) if values else (mpmath.mpf(0), mpmath.mpf(0))

    def _wrong_value(self, value: Any) -> Judgement:
        """A slip that no single number explains: is it a change of the whole line?"""
        line, r = self.line, self.line.reckoning
        if line.row.name == "g":
            return slipped(value, shown(self.standard.exact), None)
        text = mpmath.nstr(abs(value), 8, min_fixed=-30, max_fixed=30)
        figure = Figure(Number(text, 0), negative=value < 0)
        right = [self.standard.exact, self.standard.mended, self.standard.held]
        sources: list[Callable[[Key], Any]] = [r.held_at, r.exact_at]
        cause = cause_of(
            r, line.row, line.step, line.index, figure, line.parameters, right, sources
        )
        return slipped(value, shown(self.standard.mended), cause)

    def _symbol(self, name: str) -> Any:
        r, line = self.line.reckoning, self.line
        name = "lr" if name == "eta" and name not in r.settings else name  # as sheets print it
        if name in r.settings:
            return r.settings[name]
        if name == "t":
            return mpmath.mpf(line.step)
        for i, parameter in enumerate(line.parameters):  # m_w1, or w1_0 and w10 for its start
            if name in (f"{parameter}0", f"{parameter}_0") and i == line.index:
                return r.exact[0, "x", i]
            if name.endswith(f"_{parameter}") and i == line.index:
                name = name.removesuffix(f"_{parameter}")
                break
        plain = (
            "x" if name in line.parameters and line.parameters.index(name) == line.index else name
        )
        if (line.step, plain, line.index) in r.exact:
            step = r.before(line.step, plain, line.row)
            return r.exact[step, plain, line.index]
        for split in ("_", ""):  # g_1 or g1: the value of step 1
            head, tail = (
                plain.rsplit("_", 1) if split and "_" in plain else (plain[:-1], plain[-1:])
            )
            if tail.isdigit() and (int(tail), head, line.index) in r.exact:
                return r.exact[int(tail), head, line.index]
        raise KeyError(f"nothing here is called {name}")


def _put_in(term: Term, symbol: Callable[[str], Any]) -> Term:
    """`term` with numbers in the place of its symbols."""
    if isinstance(term, Operation):
        return replace(term, operands=tuple(_put_in(o, symbol) for o in term.operands))
    if isinstance(term, Number):
        return term
    value = symbol(term.name)
    number = Number(mpmath.nstr(abs(value), 30, min_fixed=-60, max_fixed=60), -1)
    return Operation("-", (number,)) if value < 0 else number


def _gradient_cause(line: Line, figure: Figure) -> Cause | None:
    r = line.reckoning
    for key, value in r.exact.items():
        step, name, j = key
        if name == "g" and value != 0 and figure.agrees(value) and key != line.key:
            if j == line.index:
                return Cause("previous step's value", f"this is the gradient of step {step}")
            if step == line.step:
                return Cause("another parameter's value", f"this is that of {line.parameters[j]}")
    return None


def _eps_note(line: Line, chain: tuple[Term, ...]) -> str:
    """Where eps is written by its name, whether it stands on the rule's side of the root."""
    inside = any(
        isinstance(n, ast.Call) and "eps" in ast.unparse(n) and ast.unparse(n.func) == "sqrt"
        for n in ast.walk(line.row.expression)
    )
    if "eps" not in line.row.names:
        return ""
    for term in chain:
        if "eps" in names(term) and _under_root(term) != inside:
            here, there = ("inside", "outside") if not inside else ("outside", "inside")
            return f"eps stands {here} the root here, and {there} it in {line.reckoning.form.name}"
    return ""


def _under_root(term: Term) -> bool:
    if not isinstance(term, Operation):
        return False
    if term.what == "sqrt":
        return "eps" in names(term)
    return any(_under_root(operand) for operand in term.operands)
