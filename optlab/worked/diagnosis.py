"""The likely cause of a slip: which small change of the line gives what is written.

Each kind of mistake is a change of the line's expression or of what it reads; the line is worked again
with it, and the change that gives the written digits is the likely cause. Digits are few, so that
chance matches too: a kind is named only where it is unlikely to have matched by chance.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import mpmath

from optlab.rules import REGISTRY
from optlab.worked.digits import Figure
from optlab.worked.reckoning import Key, Reckoning, Row, evaluated
from optlab.worked.trace import DIGITS

__all__ = ["CAUSES", "Cause", "cause_of", "digits_cause", "on_paper"]

CAUSES = (
    "early root",
    "lost root",
    "unsquared gradient",
    "lost square",
    "missing bias correction",
    "misplaced bracket",
    "other convention",
    "swapped sign",
    "previous step's value",
    "another parameter's value",
    "shifted decimal point",
    "lost power",
    "swapped digits",
    "doubled digit",
    "doubled, not squared",
    "another hyperparameter",
    "lost term",
)
"""Every kind of mistake, the more telling first: where two give the same digits, the first is named."""


@dataclass(frozen=True)
class Cause:
    """`kind` is one of CAUSES; `detail` says in words what was done."""

    kind: str
    detail: str


@dataclass(frozen=True)
class _Guess:
    """One changed line, ready to be worked."""

    cause: Cause
    value: Callable[[Callable[[Key], Any]], Any]


def cause_of(
    reckoning: Reckoning,
    row: Row,
    t: int,
    i: int,
    figure: Figure,
    names: tuple[str, ...],
    right: list[Any],
    sources: list[Callable[[Key], Any]],
) -> Cause | None:
    """The likely cause of `figure`, written for `row` at step `t` for parameter `i`.

    `right` are the values that would have been right; `sources` are ways to read the inputs (held,
    exact), and a change may explain the figure from any of them."""
    matched: dict[str, tuple[Cause, bool]] = {}
    tried: dict[str, set[str]] = {}
    for guess in _guesses(reckoning, row, t, i, names):
        for at in sources:
            try:
                value = guess.value(at)
            except (ZeroDivisionError, ValueError, KeyError, OverflowError):
                continue  # this change cannot be worked here, so it is not what was done
            if any(_alike(value, r, figure) for r in right):
                continue
            kind = guess.cause.kind
            tried.setdefault(kind, set()).add(mpmath.nstr(value, 8))
            same = _same(value, figure)
            if same or figure.agrees(value):
                before = matched.get(kind)
                if before is None or (same and not before[1]):
                    matched[kind] = guess.cause, same
    pen = digits_cause(figure, right)
    if pen is not None:  # few changes are tried there, so that chance hardly explains a match
        matched[pen.kind] = pen, True
    for kind in CAUSES:
        if kind in matched:
            cause, same = matched[kind]
            if same or _telling(figure, len(tried[kind])):
                return cause
    return None


def _same(value: Any, figure: Figure) -> bool:
    """Whether a number is written in full: idle zeros are left out, so that 0.5 may be 0.500000."""
    return bool(value != 0 and abs(value - figure.value) <= abs(value) * mpmath.mpf("1e-7"))


def _alike(value: Any, right: Any, figure: Figure) -> bool:
    return bool(abs(value - right) <= figure.quantum)


def _telling(figure: Figure, tried: int) -> bool:
    """Whether a match of one of `tried` values is unlikely to be chance: digits that can be rounded or
    cut cover some one and a half units, among values that spread over about their own size."""
    if figure.value == 0:
        return tried <= 1
    return bool(tried * 1.5 * figure.quantum / abs(figure.value) < mpmath.mpf("0.12"))


def digits_cause(figure: Figure, right: list[Any]) -> Cause | None:
    """A slip of the pen: the point moved, the sign, two digits swapped, one written twice."""
    for value in right:
        if value == 0 or figure.value == 0:
            continue
        for power in (1, -1, 2, -2, 3, -3):
            with mpmath.workdps(DIGITS):
                moved = value * mpmath.mpf(10) ** power
            if figure.agrees(moved, coarse=True):
                places = "one place" if abs(power) == 1 else f"{abs(power)} places"
                return Cause(
                    "shifted decimal point",
                    f"the decimal point stands {places} too far {'right' if power > 0 else 'left'}",
                )
    for value in right:
        if figure.figures > 1 and figure.agrees(-value):
            return Cause("swapped sign", "the sign is the other way round")
    for value in right:
        if (found := _pen(figure, value)) is not None:
            return found
    return None


def _pen(figure: Figure, value: Any) -> Cause | None:
    written = figure.number.text
    wanted = {t for t in _texts(abs(value), figure) if t}
    if figure.figures >= 2:
        for k in range(len(written) - 1):
            a, b = written[k], written[k + 1]
            if a.isdigit() and b.isdigit() and a != b:
                turned = written[:k] + b + a + written[k + 2 :]
                if turned in wanted:
                    return Cause("swapped digits", f"two digits are swapped: {turned}")
        for k in range(len(written) - 1):
            if written[k] == written[k + 1] and written[:k] + written[k + 1 :] in wanted:
                once = written[:k] + written[k + 1 :]
                return Cause("doubled digit", f"a digit stands twice: {once}")
    return None


def _texts(value: Any, figure: Figure) -> Iterator[str]:
    """`value` as it may be written: to the figure's digits or to one less, rounded and cut."""
    places = len(figure.number.text.partition(".")[2])
    for decimals in (places, places - 1):
        if decimals < 0:
            continue
        with mpmath.workdps(DIGITS):
            scaled = value * mpmath.mpf(10) ** decimals
            for whole in {int(mpmath.floor(scaled)), int(mpmath.floor(scaled + mpmath.mpf("0.5")))}:
                digits = str(whole).rjust(decimals + 1, "0")
                yield f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits


# Changes


def _changed(
    reckoning: Reckoning, row: Row, t: int, i: int, cause: Cause, expression: ast.expr
) -> _Guess:
    """The row worked with another expression."""
    twin = Row(row.name, row.line, row.part, expression)

    def value(at: Callable[[Key], Any]) -> Any:
        return evaluated(twin.code, reckoning.environment(twin, t, i, at), i)

    return _Guess(cause, value)


def _guesses(
    reckoning: Reckoning, row: Row, t: int, i: int, names: tuple[str, ...]
) -> Iterator[_Guess]:
    for cause, expression in (*_changes(row), *_conventions(reckoning, row)):
        yield _changed(reckoning, row, t, i, cause, expression)
    whole = _with_parts(reckoning, row)
    if whole is not row:  # a part that was written by itself may have been passed over
        for cause, expression in _changes(whole):
            yield _changed(reckoning, whole, t, i, cause, expression)
    yield from _other_inputs(reckoning, row, t, i, names)
    yield from _other_results(reckoning, row, t, i, names)


def _with_parts(reckoning: Reckoning, row: Row) -> Row:
    """`row` with its parts put back in."""
    parts = {r.name: r.expression for r in reckoning.rows if r.part and r.line == row.line}
    if not row.names & parts.keys():
        return row
    known = {name for r in reckoning.rows for name in r.names} - parts.keys()
    return Row(row.name, row.line, row.part, _inlined(row.expression, parts, known))


def _changes(row: Row) -> Iterator[tuple[Cause, ast.expr]]:
    """The line's expression with one thing done wrongly."""
    whole = row.expression
    yield Cause("early root", "the root is taken already here"), _call("sqrt", whole)
    yield Cause("swapped sign", "the sign is the other way round"), _negative(whole)
    for node in ast.walk(whole):
        for kind, detail, changed in _local(node, row):
            yield Cause(kind, detail), _replaced(whole, node, changed)


def _local(node: ast.AST, row: Row) -> Iterator[tuple[str, str, ast.expr]]:
    """What may go wrong at one node."""
    text = on_paper(node) if isinstance(node, ast.expr) else ""
    match node:
        case ast.Call(func=ast.Name(id="sqrt"), args=[inside]):
            yield "lost root", "no root is taken", inside
            if (
                isinstance(inside, ast.BinOp)
                and isinstance(inside.op, ast.Add)
                and not _is_eps(inside.right)
            ):
                rooted = _binary(_call("sqrt", inside.left), ast.Add(), inside.right)
                yield "misplaced bracket", f"{text} is worked as {on_paper(rooted)}", rooted
        case ast.BinOp(left=base, op=ast.Pow(), right=ast.Constant(value=2)):
            named = isinstance(base, ast.Name) and base.id == "g"
            kind = "unsquared gradient" if named else "lost square"
            yield kind, f"{on_paper(base)} is not squared", base
            twice = _binary(base, ast.Mult(), ast.Constant(2))
            yield "doubled, not squared", f"{on_paper(base)} is doubled, not squared", twice
        case ast.BinOp(left=ast.Constant(value=1), op=ast.Sub(), right=ast.BinOp(
            left=base, op=ast.Pow(), right=power
        )):  # fmt: skip
            moved = _binary(_binary(ast.Constant(1), ast.Sub(), base), ast.Pow(), power)
            yield "misplaced bracket", f"{text} is worked as {on_paper(moved)}", moved
            once = _binary(ast.Constant(1), ast.Sub(), base)
            yield "lost power", f"{text} is worked as {on_paper(once)}", once
            yield "missing bias correction", f"the correction {text} is left out", ast.Constant(1)
        case ast.Name() if node.id.endswith("_hat"):
            plain = ast.Name(node.id.removesuffix("_hat"), ast.Load())
            yield "missing bias correction", f"{plain.id} stands where {node.id} belongs", plain
        case ast.Name(id="g"):
            yield "swapped sign", "the sign of the gradient is the other way round", _negative(node)
    if isinstance(node, ast.BinOp):
        yield from _signs_and_terms(node, text)
        for changed in _brackets(node):
            yield "misplaced bracket", f"{text} is worked as {on_paper(changed)}", changed


def _signs_and_terms(node: ast.BinOp, text: str) -> Iterator[tuple[str, str, ast.expr]]:
    if isinstance(node.op, ast.Add | ast.Sub):
        other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        turned = _binary(node.left, other, node.right)
        yield "swapped sign", f"{text} is worked as {on_paper(turned)}", turned
        if on_paper(node.left) != "x":  # then it is the value of the step before
            yield "lost term", f"{on_paper(node.right)} is left out", node.left
        if isinstance(node.op, ast.Add):
            yield "lost term", f"{on_paper(node.left)} is left out", node.right
    if isinstance(node.op, ast.Mult):
        yield "lost term", f"the factor {on_paper(node.left)} is left out", node.right
        yield "lost term", f"the factor {on_paper(node.right)} is left out", node.left
    if isinstance(node.op, ast.Div):
        yield "lost term", f"the divisor {on_paper(node.right)} is left out", node.left


def _brackets(node: ast.BinOp) -> Iterator[ast.expr]:
    """`node` with its brackets elsewhere."""
    sums = (ast.Add, ast.Sub)
    left, op, right = node.left, node.op, node.right
    if (
        isinstance(op, ast.Mult | ast.Div)
        and isinstance(right, ast.BinOp)
        and isinstance(right.op, sums)
    ):
        yield _binary(_binary(left, op, right.left), right.op, right.right)
    if isinstance(op, ast.Mult) and isinstance(left, ast.BinOp) and isinstance(left.op, sums):
        yield _binary(left.left, left.op, _binary(left.right, op, right))
    if isinstance(op, sums) and isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mult):
        yield _binary(left.left, ast.Mult(), _binary(left.right, op, right))
    if (
        isinstance(op, sums)
        and isinstance(right, ast.BinOp)
        and isinstance(right.op, ast.Mult | ast.Div)
    ):
        yield _binary(_binary(left, op, right.left), right.op, right.right)
    if isinstance(op, ast.Mult) and isinstance(right, ast.BinOp) and isinstance(right.op, ast.Pow):
        yield _binary(_binary(left, op, right.left), ast.Pow(), right.right)
    if isinstance(op, ast.Pow) and isinstance(left, ast.BinOp) and isinstance(left.op, sums):
        yield _binary(left.left, left.op, _binary(left.right, op, right))
    rooted = isinstance(left, ast.Call) and on_paper(left.func) == "sqrt"
    if isinstance(op, ast.Add) and isinstance(left, ast.Call) and rooted and not _is_eps(right):
        yield _call("sqrt", _binary(left.args[0], op, right))


def _conventions(reckoning: Reckoning, row: Row) -> Iterator[tuple[Cause, ast.expr]]:
    """The same line of the other rules with the same states and hyperparameters, and of eps on the
    other side of the root."""
    form = reckoning.form
    for rule in REGISTRY.values():
        other = rule.form
        alike = (
            other.states.keys() == form.states.keys()
            and other.constants.keys() == form.constants.keys()
        )
        if not alike or other.name == form.name or row.part:
            continue
        known = {*reckoning.settings, "t", "g", "x", *form.states}
        known |= {r.name for r in reckoning.rows}
        lines = {line.name: line.expression for line in other.lines}
        if row.line in lines:
            told = Cause("other convention", f"this is how {other.name} does it")
            yield told, _inlined(lines[row.line], lines, known)
    for node in ast.walk(row.expression):
        match node:
            case ast.Call(func=ast.Name(id="sqrt"), args=[ast.BinOp(
                left=inside, op=ast.Add(), right=ast.Name(id="eps") as eps
            )]):  # fmt: skip
                outside = _binary(_call("sqrt", inside), ast.Add(), eps)
                yield (
                    Cause("other convention", "eps stands outside the root"),
                    _replaced(row.expression, node, outside),
                )
            case ast.BinOp(left=ast.Call(func=ast.Name(id="sqrt"), args=[inside]), op=ast.Add(),
                           right=ast.Name(id="eps") as eps):  # fmt: skip
                within = _call("sqrt", _binary(inside, ast.Add(), eps))
                yield (
                    Cause("other convention", "eps stands inside the root"),
                    _replaced(row.expression, node, within),
                )


def _inlined(expression: ast.expr, lines: dict[str, ast.expr], known: set[str]) -> ast.expr:
    """`expression` with the lines of its own rule put in for what the other rule does not have."""
    for node in ast.walk(expression):
        if isinstance(node, ast.Name) and node.id in lines and node.id not in known:
            return _inlined(_replaced(expression, node, lines[node.id]), lines, known)
    return expression


def _is_eps(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "eps"


def _other_inputs(
    reckoning: Reckoning, row: Row, t: int, i: int, names: tuple[str, ...]
) -> Iterator[_Guess]:
    """One input taken from the step before, from another parameter, or one setting for another."""
    if row.mixes:
        return
    for key in reckoning.inputs(row, t, i):
        step, name, _ = key
        for earlier in ((step - 1, name, i), *((step - 1, "g", i) for _ in "g" if name == "g")):
            if earlier in reckoning.exact:
                yield _read(reckoning, row, t, i, key, earlier, Cause(
                    "previous step's value", f"{name} is that of step {earlier[0]}"))  # fmt: skip
        for power in (1, -1):
            yield _moved(reckoning, row, t, i, key, power)
        for j in range(reckoning.count):
            if j != i and (step, name, j) in reckoning.exact:
                yield _read(reckoning, row, t, i, key, (step, name, j), Cause(
                    "another parameter's value", f"{name} is that of {names[j]}"))  # fmt: skip
    for name in (name for name in row.names if name in reckoning.settings):
        for cause, expression in _other_settings(reckoning, row, name):
            yield _changed(reckoning, row, t, i, cause, expression)


def _other_settings(reckoning: Reckoning, row: Row, name: str) -> Iterator[tuple[Cause, ast.expr]]:
    """One hyperparameter for another, and beta where 1 - beta belongs."""
    for other in reckoning.form.constants:
        if other != name:
            cause = Cause("another hyperparameter", f"{other} stands where {name} belongs")
            yield cause, _renamed(row.expression, name, other)
    for node in ast.walk(row.expression):
        match node:
            case ast.BinOp(left=ast.Constant(value=1), op=ast.Sub(), right=ast.Name(id=other)):
                if other == name:
                    detail = f"{name} stands where 1 - {name} belongs"
                    changed = _replaced(row.expression, node, node.right)
                    yield Cause("another hyperparameter", detail), changed


def _read(
    reckoning: Reckoning, row: Row, t: int, i: int, key: Key, instead: Key, cause: Cause
) -> _Guess:
    return _Guess(
        cause,
        lambda at: reckoning.value(row, t, i, lambda k: at(instead) if k == key else at(k)),
    )


def _moved(reckoning: Reckoning, row: Row, t: int, i: int, key: Key, power: int) -> _Guess:
    """One input with its decimal point a place away."""
    side = "right" if power > 0 else "left"
    told = f"in {key[1]} the decimal point stands one place too far {side}"
    factor = mpmath.mpf(10) ** power

    def value(at: Callable[[Key], Any]) -> Any:
        return reckoning.value(row, t, i, lambda k: at(k) * factor if k == key else at(k))

    return _Guess(Cause("shifted decimal point", told), value)


def _other_results(
    reckoning: Reckoning, row: Row, t: int, i: int, names: tuple[str, ...]
) -> Iterator[_Guess]:
    """The whole line copied from the step before or from another parameter."""
    if (t - 1, row.name, i) in reckoning.exact:
        told = f"this is the value of step {t - 1}" if t > 1 else "this is the value at the start"
        cause = Cause("previous step's value", told)
        yield _copied(cause, (t - 1, row.name, i))
    for j in range(reckoning.count):
        if j != i:
            cause = Cause("another parameter's value", f"this is the value of {names[j]}")
            yield _copied(cause, (t, row.name, j))


def _copied(cause: Cause, key: Key) -> _Guess:
    return _Guess(cause, lambda at: at(key))


# Trees


def on_paper(node: ast.AST) -> str:
    """An expression as it is written by hand: powers with ^."""
    return ast.unparse(node).replace(" ** ", "^")


def _binary(left: ast.expr, op: ast.operator, right: ast.expr) -> ast.BinOp:
    return ast.BinOp(left, op, right)


def _call(name: str, argument: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), [argument], [])


def _negative(node: ast.expr) -> ast.UnaryOp:
    return ast.UnaryOp(ast.USub(), node)


def _replaced(whole: Any, old: ast.AST, new: ast.expr) -> Any:
    """A copy of `whole` with `new` in the place of `old`."""
    if whole is old:
        return new
    twin = copy.copy(whole)
    for key, child in ast.iter_fields(whole):
        if isinstance(child, ast.AST):
            setattr(twin, key, _replaced(child, old, new))
        elif isinstance(child, list):
            setattr(twin, key, [_replaced(c, old, new) for c in child])
    return twin


def _renamed(whole: ast.expr, name: str, other: str) -> ast.expr:
    twin = copy.deepcopy(whole)
    for node in ast.walk(twin):
        if isinstance(node, ast.Name) and node.id == name:
            node.id = other
    return twin
