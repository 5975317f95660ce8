"""One line of a page against what it should say: a verdict for each member of its chain, and for all."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import mpmath

from optlab.arithmetic import Number, Operation, Term, names, numbers, value_of
from optlab.worked.diagnosis import CAUSES, Cause, cause_of, digits_cause, on_paper
from optlab.worked.digits import Figure, figure_of, shown, wanted
from optlab.worked.reckoning import Held, Key, Reckoning, Row, evaluated
from optlab.worked.trace import DIGITS

__all__ = ["VERDICTS", "Judged", "Judgement", "Line", "judge"]

VERDICTS = (
    "correct as rounded", "correct as truncated", "close", "slip",
    "follows from an earlier slip", "not carried",
)  # fmt: skip
RIGHT = {"rounded": "correct as rounded", "truncated": "correct as truncated"}
CLOSE, SLIP, FOLLOWS, NOT_CARRIED = VERDICTS[2:]
_LAST_DIGIT = "off in the last digit only"
_TINY = mpmath.mpf("1e-7")
_BESIDE = mpmath.mpf("5e-5")
_NEAR_BY = mpmath.mpf("5e-3")
_SMALL = mpmath.mpf("1e-3")


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


@dataclass(frozen=True)
class Judged:
    """What is found of a line: `members` in order, and the verdict that they come to."""

    verdict: str
    members: tuple[Judgement, ...]
    decisive: int
    held: Held
    exact: Any
    note: str = field(default="")


def judge(line: Line, chain: tuple[Term, ...]) -> Judged:
    """Every member of a chain against the exact value and against what follows from the page above."""
    with mpmath.workdps(DIGITS):
        return _Judge(line).chain(chain)


class _Judge:
    """The values that a line may rightly have, worked out once for all of its members."""

    def __init__(self, line: Line) -> None:
        self.line = line
        r, row, t, i = line.reckoning, line.row, line.step, line.index
        self.exact = r.exact[line.key]
        self.turned = line.turned and row.part == "increment"
        self.inputs = r.inputs(row, t, i) if row.name != "g" else []
        self.bad = [key for key in self.inputs if r.hold(key).bad]
        self.held = self._value(r.held_at)
        self.mended = self._value(self._mended_at) if self.bad else self.held

    def _value(self, at: Callable[[Key], Any]) -> Any:
        r, row = self.line.reckoning, self.line.row
        if row.name == "g":
            return self.exact
        try:
            return r.value(row, self.line.step, self.line.index, at)
        except (ZeroDivisionError, ValueError):
            return self.exact

    def _mended_at(self, key: Key) -> Any:
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

    @property
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

    def followed(self) -> Iterator[tuple[Any, Any]]:
        """Ranges of what follows where one, several or all of the wrong inputs were used."""
        r = self.line.reckoning
        for used in itertools.product((True, False), repeat=len(self.bad[:4])):
            if any(used):
                wrong = {key for key, is_used in zip(self.bad[:4], used, strict=True) if is_used}

                def options(key: Key, wrong: set[Key] = wrong) -> list[Any]:
                    held = r.hold(key)
                    return held.options if key in wrong or not held.bad else [r.exact[key]]

                yield self._range(options)

    # Members

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
            verdict, tuple(judged), decisive, self._hold(judged[-1], last), self.exact, note
        )

    def _whole(self, judged: list[Judgement]) -> tuple[str, int]:
        """The verdict of the line and the member that it rests on."""
        for verdict in (SLIP,):
            for place, member in enumerate(judged):
                if member.verdict == verdict:
                    return verdict, place
        last = len(judged) - 1
        if judged[last].verdict in (FOLLOWS, NOT_CARRIED):
            return judged[last].verdict, last
        if any(member.verdict == FOLLOWS for member in judged):
            return (
                NOT_CARRIED,
                last,
            )  # a wrong number is put in, and the result is right all the same
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
            step = figure.quantum
            return Held(value, value - step, value + step, True, written=True)
        near = [
            v for v in (self.exact, self.held, self.mended) if abs(v - value) <= 2 * figure.quantum
        ]
        return Held(value, min([value, *near]), max([value, *near]), written=True)

    def number(self, figure: Figure, before: Judgement | None) -> Judgement:
        if self.turned:
            figure = Figure(figure.number, negative=figure.value > 0)
        agreed = self._agreed(figure)
        if agreed:
            return Judgement(self._carried(figure, agreed), figure.value)
        if self._follows(figure):
            return Judgement(FOLLOWS, figure.value, shown(self.exact, figure.quantum))
        if before is not None and self._repeats(figure, before):
            if before.verdict in (SLIP, FOLLOWS):
                return Judgement(FOLLOWS, figure.value, shown(self.exact, figure.quantum))
            return Judgement(self._carried(figure, "rounded"), figure.value)
        close = self._close(figure)
        if close is not None:
            return close
        return self._slip(figure)

    def _agreed(self, figure: Figure) -> str:
        """`rounded` or `truncated` where the digits are right: those of the exact value, of what
        follows from the right numbers above, or between the two."""
        coarse = self.line.coarse
        for value in (self.exact, self.mended):
            if found := figure.agrees(value, coarse):
                return found
        if figure.figures < 2 and not coarse:
            return ""
        return "rounded" if figure.within(*self.right_range) else ""

    def _carried(self, figure: Figure, agreed: str) -> str:
        """A right number, though what it rests on is not: so that was not used."""
        if not self.bad:
            return RIGHT[agreed]
        apart = abs(self.held - self.mended)
        plainly = figure.value == self.exact and apart > abs(self.exact) / 100
        if plainly or (apart > figure.quantum and not self._follows(figure)):
            return NOT_CARRIED
        return RIGHT[agreed]

    def _follows(self, figure: Figure) -> bool:
        if not self.bad:
            return False
        if figure.agrees(self.held, self.line.coarse):
            return True
        return any(figure.within(low, high) for low, high in self.followed())

    def _repeats(self, figure: Figure, before: Judgement) -> bool:
        """Whether the number is what the member before it comes to."""
        return bool(figure.agrees(before.value, True) or figure.near(before.value))

    def _close(self, figure: Figure) -> Judgement | None:
        for value in (self.exact, self.mended):
            if figure.near(value):
                digit = shown(value, figure.quantum)
                return Judgement(CLOSE, figure.value, digit, None, _LAST_DIGIT)
        for value in (
            (self.held, *(v for pair in self.followed() for v in pair)) if self.bad else ()
        ):
            if figure.near(value):
                return Judgement(FOLLOWS, figure.value, shown(self.exact, figure.quantum))
        return None

    def _slip(self, figure: Figure) -> Judgement:
        r, line = self.line.reckoning, self.line
        right = [self.exact, *([self.mended] if self.mended != self.exact else [])]
        if self.bad:
            right.append(self.held)
        if line.row.name == "g":
            cause = _gradient_cause(line, figure) or digits_cause(figure, right)
        else:
            sources: list[Callable[[Key], Any]] = [r.held_at, r.exact_at]
            sources += [self._mended_at] if self.bad else []
            cause = cause_of(
                r, line.row, line.step, line.index, figure, line.parameters, right, sources
            )
        # What it should be given the page above; with a slip above that is not the exact value.
        expected = wanted(self.mended if not self.bad else self.held, figure.quantum)
        return _slipped(figure.value, expected, cause)

    # Members that are to be worked out

    def expression(self, term: Term, before: Judgement | None) -> Judgement:
        symbols = names(term)
        if symbols:
            try:
                term = _put_in(term, self._symbol)
            except KeyError as error:
                return Judgement(SLIP, self.exact, shown(self.exact), None, str(error.args[0]))
        found = self._worked(term, before)
        if found.verdict == SLIP and symbols - {*self.line.reckoning.settings, "t"}:
            return replace(found, expected=on_paper(self.line.row.expression))
        return found

    def _worked(self, term: Term, before: Judgement | None) -> Judgement:
        """A member of numbers only."""
        try:
            value = value_of(term, _literal, _no_name, _FUNCTIONS)
        except (ZeroDivisionError, ValueError) as error:
            return Judgement(SLIP, self.exact, shown(self.exact), None, str(error))
        if self.turned:
            term, value = Operation("-", (term,)), -value
        for near in (False, True):
            low, high = self._spread(term, near)
            if self._meets(low, high, self.right_values()):
                if near:
                    return self._close_literal(term, value)
                return Judgement(RIGHT["rounded"], value)
            if self.bad and self._meets(low, high, [v for pair in self.followed() for v in pair]):
                return Judgement(FOLLOWS, value, shown(self.exact))
            if before is not None and low - _slack(low) <= before.value <= high + _slack(high):
                same = before.verdict in (SLIP, FOLLOWS)
                return Judgement(FOLLOWS if same else RIGHT["rounded"], value, shown(self.exact))
        operand = self._operand(term)
        if operand is not None and operand.cause in CAUSES:
            return replace(operand, value=value)
        whole = self._wrong_value(value)
        # A number that is another quantity of this page says more than that a point has moved.
        weak = whole.cause not in CAUSES or whole.cause == "shifted decimal point"
        if operand is not None and (whole.cause not in CAUSES or (operand.cause and weak)):
            return replace(operand, value=value)
        return whole

    def right_values(self) -> list[Any]:
        return [self.exact, self.mended, *self.right_range]

    def _meets(self, low: Any, high: Any, values: list[Any]) -> bool:
        """Whether the range from `low` to `high` touches that of `values`."""
        return bool(low - _slack(low) <= max(values) and min(values) <= high + _slack(high))

    def _spread(self, term: Term, near: bool) -> tuple[Any, Any]:
        """The least and the largest value of `term`, each of its numbers standing for itself or for
        the quantity that it is a rounding of."""
        found = list(dict.fromkeys(numbers(term)))
        choices = [self._stands_for(number, near) for number in found]
        if len(found) > 6:
            choices = [[min(c), max(c)] if len(c) > 1 else c for c in choices]
        values = []
        for picked in itertools.islice(itertools.product(*choices), 512):
            at = dict(zip(found, picked, strict=True))
            try:
                values.append(value_of(term, at.__getitem__, _no_name, _FUNCTIONS))
            except (ZeroDivisionError, ValueError):
                continue
        return (min(values), max(values)) if values else (mpmath.mpf(0), mpmath.mpf(0))

    def _stands_for(self, number: Number, near: bool) -> list[Any]:
        value = _literal(number)
        figure = Figure(number)
        known = [abs(v) for v in self.known]
        held = [self.line.reckoning.hold(key) for key in self.inputs]
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

    @property
    def certain(self) -> list[Any]:
        """Numbers that are what they are: settings, whole numbers, powers, the gradient, and what
        this line reads where that is written in full."""
        r, t = self.line.reckoning, self.line.step
        settings = list(r.settings.values())
        found = [mpmath.mpf(n) for n in range(11)] + settings + [1 - s for s in settings]
        found += [s**t for s in settings if abs(s) <= 1] + [
            1 - s**t for s in settings if abs(s) <= 1
        ]
        found += [abs(r.exact[key]) for key in self.inputs]
        return found + [abs(r.exact[k]) for k in r.exact if k[1] == "g" and k[2] == self.line.index]

    @property
    def known(self) -> list[Any]:
        """Every quantity that this line is made of, exact and as held; not the line itself, or any
        number would be excused by what should come of it."""
        r, row = self.line.reckoning, self.line.row
        found: list[Any] = []
        for key in self.inputs:
            found += [r.exact[key], r.hold(key).value]
        if row.name != "g":
            for at in (r.exact_at, r.held_at, self._mended_at):
                found += _pieces(r, row, self.line, at)
        return found

    def _close_literal(self, term: Term, value: Any) -> Judgement:
        """A member with a number that is off in its last digit, and what that would be."""
        known = [abs(v) for v in self.known]
        for number in numbers(term):
            figure = Figure(number)
            sure = any(_literal(number) == v for v in self.certain)
            if sure or any(figure.agrees(v) for v in known):
                continue
            for near in known:
                if figure.near(near):
                    would = shown(near, figure.quantum)
                    return Judgement(CLOSE, value, would, None, _LAST_DIGIT, number.text)
        return Judgement(CLOSE, value, shown(self.exact), None, _LAST_DIGIT)

    def _operand(self, term: Term) -> Judgement | None:
        """A slip in one number of a member: the one that would have to be another known quantity."""
        carried = {n for n in numbers(term) if self._is_carried(n)}
        for number in dict.fromkeys(numbers(term)):
            if number in carried:
                continue
            for target in (self.exact, self.mended):
                needed = _needed(term, number, target, self._mended_literal)
                if needed is None:
                    continue
                found = self._named(number, needed, _negated(term, number))
                if found is not None:
                    return found
        return None

    def _is_carried(self, number: Number) -> bool:
        """Whether a number of a member is a wrong one from above."""
        r = self.line.reckoning
        return any(_literal(number) == abs(r.hold(key).value) for key in self.bad)

    def _mended_literal(self, number: Number) -> Any:
        """The exact quantity where a number is a wrong one from above, else the number."""
        r = self.line.reckoning
        for key in self.bad:
            if _literal(number) == abs(r.hold(key).value):
                return abs(r.exact[key])
        return _literal(number)

    def _named(self, number: Number, needed: Any, negated: bool) -> Judgement | None:
        """`number`, where `needed` belongs and is a quantity of this line; None if it is not one.
        `negated`: a minus stands before it."""
        figure, turned = Figure(number), needed < 0
        for label, value in self._quantities():
            if value == 0 or abs(abs(value) - abs(needed)) > mpmath.mpf("0.01") * abs(needed):
                continue
            right = abs(value)
            if figure.agrees(right) and not turned:
                continue
            sign = "-" if negated else ""
            wanted = shown(-needed if negated else needed, None, 4)
            told = f"{sign}{number.text} stands where {label}, {wanted}, belongs"
            cause = self._operand_cause(figure, label, right, turned)
            if cause is not None:
                told += f"; {cause.detail}"
            slip = _slipped(figure.value, wanted, Cause(cause.kind if cause else "", told))
            return replace(slip, operand=f"{sign}{number.text}")
        return None

    def _operand_cause(
        self, figure: Figure, label: str, right: Any, negative: bool
    ) -> Cause | None:
        if negative and figure.agrees(right):
            return Cause("swapped sign", "the sign is the other way round")
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
        for key in self.inputs:
            step, name, i = key
            told = line.parameters[i] if name == "x" else f"{name} of {line.parameters[i]}"
            place = "" if step == line.step else f" from step {step}" if step else " at the start"
            yield f"{told}{place}", r.hold(key).value
            yield f"{told}{place}", r.exact[key]

    def _wrong_value(self, value: Any) -> Judgement:
        """A slip that no single number explains: is it a change of the whole line?"""
        line, r = self.line, self.line.reckoning
        if line.row.name == "g":
            return _slipped(value, shown(self.exact), None)
        text = mpmath.nstr(abs(value), 8, min_fixed=-30, max_fixed=30)
        figure = Figure(Number(text, 0), negative=value < 0)
        right = [self.exact, self.mended, self.held]
        sources: list[Callable[[Key], Any]] = [r.held_at, r.exact_at]
        cause = cause_of(
            r, line.row, line.step, line.index, figure, line.parameters, right, sources
        )
        return _slipped(value, shown(self.mended), cause)

    def _symbol(self, name: str) -> Any:
        r, line = self.line.reckoning, self.line
        if name in r.settings:
            return r.settings[name]
        if name == "t":
            return mpmath.mpf(line.step)
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


def _slipped(value: Any, expected: str, cause: Cause | None) -> Judgement:
    if cause is None:
        return Judgement(SLIP, value, expected)
    return Judgement(SLIP, value, expected, cause.kind or None, cause.detail)


def _negated(term: Term, number: Number) -> bool:
    """Whether a minus stands right before `number`."""
    if not isinstance(term, Operation):
        return False
    if term.what == "-" and term.operands[-1] is number:
        return len(term.operands) == 1
    return any(_negated(operand, number) for operand in term.operands)


def _literal(number: Number) -> Any:
    return mpmath.mpf(str(number.decimal))


def _no_name(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _slack(value: Any) -> Any:
    return abs(value) * _TINY + mpmath.mpf("1e-15")


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


def _needed(term: Term, number: Number, target: Any, literal: Callable[[Number], Any]) -> Any:
    """What `number` would have to be for `term` to come to `target`, by the secant method; None where
    no such value is found."""

    def off(guess: Any) -> Any:
        return (
            value_of(term, lambda n: guess if n is number else literal(n), _no_name, _FUNCTIONS)
            - target
        )

    a, b = _literal(number), _literal(number) * mpmath.mpf("1.01") + mpmath.mpf("0.001")
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
