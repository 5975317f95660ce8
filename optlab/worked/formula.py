"""A straight-line function printed as LaTeX, in the order in which it is written.

The formula in a report is the code that ran: nothing is simplified or reordered, and parentheses
stand where they are needed and nowhere else. One printer serves two readers: `formulas` puts
symbols where names stand, `substituted` puts the numbers of a step there.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from latex2mathml.converter import convert

from optlab.straight import FormError, Straight
from optlab.vocabulary import look_up

__all__ = ["formulas", "mathml", "number", "substituted", "symbol", "text"]

# How tightly a piece of LaTeX holds together, loosest first.
CASES, SUM, NEGATIVE, PRODUCT, POWER, ATOM = range(6)


@dataclass(frozen=True)
class _Piece:
    """A printed part of an expression. `level` says what may stand next to it without parentheses;
    `numeric` that no symbol stands in it, so that products need a dot."""

    latex: str
    level: int
    numeric: bool = False


def formulas(form: Straight) -> list[str]:
    """One LaTeX equation a line of `form`, such as `m_t = \\beta_1 m_{t-1} + (1 - \\beta_1) g_t`.

    In a rule (it returns `x`) names carry their time: a state and `x` are of step t-1 until the
    line that assigns them and of step t from there on. A function without a step, such as a
    network's forward pass, has no time. `FormError` for an operator without a formula (`@`, `<<`).
    """
    symbols = _Symbols(form)
    equations = []
    for line in form.lines:
        right = _print(line.expression, symbols.piece)
        symbols.assigned.add(line.name)
        equations.append(f"{symbols.latex(line.name)} = {right.latex}")
    return equations


def substituted(
    expression: ast.expr,
    values: Mapping[str, Any],
    constants: Container[str],
    reduce: Callable[[ast.Call], Any],
    decimals: int = 4,
) -> str:
    """`expression` with numbers in place of names, as LaTeX.

    `values` are numbers by name, printed to `decimals`; names of `constants` are printed in full,
    since a rounded 0.999 would be another optimizer. `reduce` gives the number of a call that looks
    at all coordinates (`norm`, `total`), which cannot be worked for one of them.
    """

    def leaf(node: ast.Name | ast.Call) -> _Piece:
        if isinstance(node, ast.Call):
            return _number_piece(number(reduce(node), decimals))
        full = node.id in constants
        return _number_piece(number(values[node.id], decimals, full=full))

    return _print(expression, leaf, reduced=frozenset(("norm", "total"))).latex


_MINUS = r"<mo>&#x02212;</mo>"
_AFTER_OPERATOR = re.compile(rf"(<mo[^>]*>(?!&#x00029;|\])[^<]*</mo>){_MINUS}")
_FUNCTIONS = re.compile(r"<mo>(max|min)</mo>")


def mathml(latex: str) -> str:
    """One formula as a MathML block, which browsers draw without a script.

    Four things that `latex2mathml` leaves to the browser, and browsers do otherwise than TeX, are
    mended: a sign after an operator is no subtraction, `max` takes no space before its parenthesis,
    a hat stands above its letter and not on it, and the branches of a `where` begin at the left.
    """
    block = convert(latex, display="block")
    block = _AFTER_OPERATOR.sub(r'\1<mo form="prefix">&#x02212;</mo>', block)
    block = _FUNCTIONS.sub(r"<mi>\1</mi>", block).replace('<mover accent="true">', "<mover>")
    return block.replace('columnalign="left"', 'columnalign="left" style="text-align:left"')


# Numbers


def number(value: Any, decimals: int = 4, *, full: bool = False) -> str:
    """`value` as LaTeX, the way a hand writes it: to `decimals`, without idle zeros; below 0.1 to
    that many significant figures, so that a quotient of small numbers can be checked on paper, and
    with a power of ten below 0.0001 and from a million on.
    `full` keeps every figure of a setting (rounded to six where it has more than eight)."""
    mantissa, exponent = _parts(value, decimals, full)
    if exponent is None:
        return mantissa
    power = f"10^{{{exponent}}}"
    return {"1": power, "-1": f"-{power}"}.get(mantissa, rf"{mantissa} \cdot {power}")


_NOT_FINITE = {r"\mathrm{NaN}": "NaN", r"\infty": "∞", r"-\infty": "−∞"}
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def text(value: Any, decimals: int = 4) -> str:
    """`number` as plain text, filled up to its decimals as in a column of results: `−0.1200`."""
    mantissa, exponent = _parts(value, decimals)
    if mantissa in _NOT_FINITE:
        return _NOT_FINITE[mantissa]
    if exponent is not None:
        return f"{mantissa}·10{str(exponent).translate(_SUPERSCRIPTS)}".replace("-", "−")
    whole, _, fraction = mantissa.partition(".")
    return f"{whole}.{fraction:0<{decimals}}".rstrip(".").replace("-", "−")


def _parts(value: Any, decimals: int, full: bool = False) -> tuple[str, int | None]:
    """The figures of `value`, and the power of ten that they are to be multiplied by, if any."""
    value = float(value)
    if math.isnan(value):
        return r"\mathrm{NaN}", None
    if math.isinf(value):
        return r"\infty" if value > 0 else r"-\infty", None
    if full:
        return _setting(value)
    size = abs(value)
    if size == 0 or 0.1 <= size < 1e6:
        return _trimmed(f"{value:.{decimals}f}"), None
    if 1e-4 <= size < 0.1:
        return _trimmed(f"{value:.{decimals - 1 - math.floor(math.log10(size))}f}"), None
    return _scientific(f"{value:.{max(decimals - 1, 0)}e}")


def _setting(value: float) -> tuple[str, int | None]:
    shortest = repr(value)
    figures = len(re.sub(r"e.*|[-.]", "", shortest).strip("0"))
    rounded = f"{value:.6g}"
    if figures > 8 and float(rounded) != round(value):
        shortest = rounded
    if "e" not in shortest:
        return _trimmed(shortest), None
    return _scientific(shortest)


def _trimmed(digits: str) -> str:
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return "0" if digits in ("-0", "") else digits


def _scientific(digits: str) -> tuple[str, int]:
    mantissa, exponent = digits.split("e")
    return _trimmed(mantissa), int(exponent)


def _number_piece(latex: str) -> _Piece:
    if latex.startswith("-"):
        level = NEGATIVE
    elif r"\cdot" in latex:
        level = PRODUCT
    else:
        level = POWER if "^" in latex else ATOM
    return _Piece(latex, level, numeric=True)


# Names

_GREEK = frozenset((
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "mu",
    "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
    "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega",
))  # fmt: skip
_ACCENTS = {"hat": r"\hat", "bar": r"\bar", "tilde": r"\tilde", "dot": r"\dot"}


def symbol(name: str) -> str:
    """A name without its time as LaTeX: `w1` is w_1, `y_hat` has a hat, `long_name` stays text."""
    core, marks = _structure(name, timed=False)
    return _subscripted(core, marks)


class _Symbols:
    """The symbols of one function's names while its lines are read in order."""

    def __init__(self, form: Straight) -> None:
        self.constants = frozenset(form.constants)
        # A function that returns x is one step of an optimizer; any other has no time.
        self.timed = form.returns[:1] == ("x",)
        self.before = frozenset(("x", *form.states))
        self.assigned: set[str] = set()
        names = (*form.inputs, *form.states, *form.constants, *(line.name for line in form.lines))
        self.parts: dict[str, tuple[str, tuple[str, ...]]] = {}
        for name in dict.fromkeys(names):
            parts = self._parts(name)
            # Two names must not share a symbol: the second is then shown as it is written.
            taken = any(
                _subscripted(*parts) == _subscripted(*others)
                and (name in self.constants) == (other in self.constants)  # only these lack a time
                for other, others in self.parts.items()
            )
            self.parts[name] = (_as_written(name), ()) if taken else parts

    def _parts(self, name: str) -> tuple[str, tuple[str, ...]]:
        if name in self.constants:
            return look_up(name).symbol, ()
        base, _, rest = name.partition("_")
        if base in self.constants and rest:  # lr_t is the lr of this step
            core, _, index = look_up(base).symbol.partition("_")
            return _marked(core, (index,) if index else (), rest.split("_"), self.timed)
        return _structure(name, self.timed)

    def latex(self, name: str) -> str:
        core, marks = self.parts[name]
        if self.timed and name not in self.constants and name != "t":
            marks = (*marks, "t-1" if name in self.before - self.assigned else "t")
        return _subscripted(core, marks)

    def piece(self, node: ast.Name | ast.Call) -> _Piece:
        assert isinstance(node, ast.Name)  # calls are leaves only where numbers are put in
        return _Piece(self.latex(node.id), ATOM)


def _structure(name: str, timed: bool) -> tuple[str, tuple[str, ...]]:
    """A name taken apart: `m_hat` into an accented core, `v_max` into a core and its marks."""
    match = re.fullmatch(r"([^\W\d_]+?)(\d*)((?:_[^\W_]+)*)", name)
    if match is None:
        return _as_written(name), ()
    letters, digits, rest = match.groups()
    if len(letters) > 1 and letters not in _GREEK:
        return _as_written(name), ()
    core = letters if len(letters) == 1 else f"\\{letters}"
    return _marked(core, (digits,) if digits else (), rest.split("_")[1:], timed)


def _marked(
    core: str, marks: tuple[str, ...], parts: list[str], timed: bool
) -> tuple[str, tuple[str, ...]]:
    for part in parts:
        if part in _ACCENTS:
            core = f"{_ACCENTS[part]}{{{core}}}"
        elif part != "t" or not timed:  # the time is put on every name
            marks += (part if part.isdigit() or len(part) == 1 else rf"\mathrm{{{part}}}",)
    return core, marks


def _as_written(name: str) -> str:
    return name if len(name) == 1 else rf"\mathit{{{name}}}".replace("_", r"\_")


def _subscripted(core: str, marks: tuple[str, ...]) -> str:
    index = ",".join(marks)
    if not index:
        return core
    return f"{core}_{index}" if len(index) == 1 else f"{core}_{{{index}}}"


# Expressions

_Leaf = Callable[[ast.Name | ast.Call], _Piece]
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: r"\leq", ast.Gt: ">", ast.GtE: r"\geq", ast.Eq: "=", ast.NotEq: r"\neq",
}  # fmt: skip
_LOGIC: dict[type[ast.operator], str] = {ast.BitAnd: r"\land", ast.BitOr: r"\lor"}
_CALLS = {
    "exp": r"\exp", "log": r"\ln", "sin": r"\sin", "cos": r"\cos", "tanh": r"\tanh",
    "maximum": r"\max", "minimum": r"\min", "sign": r"\mathrm{sign}",
}  # fmt: skip


def _print(node: ast.expr, leaf: _Leaf, reduced: frozenset[str] = frozenset()) -> _Piece:
    """`node` as LaTeX; `leaf` prints names, and calls of the functions in `reduced`."""
    inner = partial(_print, leaf=leaf, reduced=reduced)
    match node:
        case ast.Name():
            return leaf(node)
        case ast.Constant():
            return _number_piece(number(node.value, full=True))
        case ast.Call(func=ast.Name(id=name)) if name in reduced:
            return leaf(node)
        case ast.Call(func=ast.Name(id="where")):
            return _cases(_proposition(node.args[0], inner), *(inner(a) for a in node.args[1:]))
        case ast.Call(func=ast.Name(id=name)):
            return _call(name, [inner(a) for a in node.args])
        case ast.UnaryOp(op=ast.UAdd()):
            return inner(node.operand)
        case ast.UnaryOp(op=ast.USub()):
            operand = inner(node.operand)
            return _Piece(f"-{_within(operand, PRODUCT)}", NEGATIVE, operand.numeric)
        case ast.Compare() | ast.UnaryOp(op=ast.Invert()):
            return _truth(node, inner)
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
            return _truth(node, inner)
        case ast.BinOp():
            return _operation(node, inner(node.left), inner(node.right))
    raise FormError(f"`{ast.unparse(node)}` has no formula; write it with + - * / ** and functions")


def _operation(node: ast.BinOp, left: _Piece, right: _Piece) -> _Piece:
    numeric = left.numeric and right.numeric
    match node.op:
        case ast.Add():
            # A sum on the right needs no parentheses unless it begins with a minus.
            second = _wrapped(right.latex) if _signed(right) else _within(right, SUM)
            return _Piece(f"{_within(left, SUM)} + {second}", SUM, numeric)
        case ast.Sub():
            return _Piece(f"{_within(left, SUM)} - {_within(right, PRODUCT)}", SUM, numeric)
        case ast.Mult():
            latex = _product(_within(left, NEGATIVE), _within(right, PRODUCT), numeric)
            return _Piece(latex, NEGATIVE if latex.startswith("-") else PRODUCT, numeric)
        case ast.Div():
            return _Piece(rf"\frac{{{left.latex}}}{{{right.latex}}}", PRODUCT, numeric)
        case ast.Pow():
            return _Piece(f"{_within(left, ATOM)}^{_braced(right.latex)}", POWER, numeric)
        case ast.FloorDiv():
            latex = rf"\left\lfloor \frac{{{left.latex}}}{{{right.latex}}} \right\rfloor"
            return _Piece(latex, ATOM, numeric)
        case ast.Mod():
            latex = rf"({_within(left, PRODUCT)} \bmod {_within(right, PRODUCT)})"
            return _Piece(latex, ATOM, numeric)
    raise FormError(f"`{ast.unparse(node)}` has no formula; write it with + - * / ** and functions")


def _cases(condition: str, then: _Piece, otherwise: _Piece) -> _Piece:
    rows = rf"{then.latex} & \text{{if }} {condition} \\ {otherwise.latex} & \text{{otherwise}}"
    return _Piece(rf"\begin{{cases}} {rows} \end{{cases}}", CASES)


def _call(name: str, arguments: list[_Piece]) -> _Piece:
    numeric = all(a.numeric for a in arguments)
    inside = ", ".join(a.latex for a in arguments)
    match name:
        case "sqrt":
            return _Piece(rf"\sqrt{{{inside}}}", ATOM, numeric)
        case "absolute":
            return _Piece(rf"\left| {inside} \right|", ATOM, numeric)
        case "norm":
            return _Piece(rf"\left\lVert {inside} \right\rVert", ATOM, numeric)
        case "total":
            # The sum of the coordinates of a vector; loose, since a factor after it would seem to
            # belong to what is summed.
            return _Piece(rf"\sum_i {_within(arguments[0], ATOM, always=True)}_i", SUM, numeric)
    return _Piece(f"{_CALLS[name]}{_wrapped(inside)}", ATOM, numeric)


def _truth(node: ast.expr, inner: Callable[[ast.expr], _Piece]) -> _Piece:
    """A comparison used as a number, 1 where it holds and 0 where not: in Iverson's brackets."""
    return _Piece(rf"\left[ {_proposition(node, inner)} \right]", ATOM)


def _proposition(node: ast.expr, inner: Callable[[ast.expr], _Piece]) -> str:
    match node:
        case ast.Compare():
            parts = [_side(node.left, inner)]
            for op, side in zip(node.ops, node.comparators, strict=True):
                if type(op) not in _COMPARISONS:
                    raise FormError(f"`{ast.unparse(node)}` has no formula; compare numbers")
                parts += [_COMPARISONS[type(op)], _side(side, inner)]
            return " ".join(parts)
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
            sides = []
            for side in (node.left, node.right):
                plain = isinstance(side, ast.Compare | ast.Name | ast.UnaryOp)
                sides.append(_proposition(side, inner) if plain else
                             _wrapped(_proposition(side, inner)))  # fmt: skip
            return f" {_LOGIC[type(node.op)]} ".join(sides)
        case ast.UnaryOp(op=ast.Invert()):
            inside = _proposition(node.operand, inner)
            return rf"\lnot {inside if isinstance(node.operand, ast.Name) else _wrapped(inside)}"
    return inner(node).latex


def _side(node: ast.expr, inner: Callable[[ast.expr], _Piece]) -> str:
    return _within(inner(node), SUM)


def _signed(piece: _Piece) -> bool:
    return piece.latex.startswith("-")


def _within(piece: _Piece, level: int, always: bool = False) -> str:
    """The piece where at least `level` is wanted: in parentheses if it is looser."""
    return _wrapped(piece.latex) if always or piece.level < level else piece.latex


_TALL = re.compile(r"\\(frac|sqrt|begin|sum|left)")


def _wrapped(latex: str) -> str:
    return rf"\left( {latex} \right)" if _TALL.search(latex) else f"({latex})"


def _braced(latex: str) -> str:
    return latex if len(latex) == 1 else f"{{{latex}}}"


_WORDY = re.compile(r"\\(max|min|exp|ln|sin|cos|tanh|mathrm|mathit)\b")


def _product(left: str, right: str, numeric: bool) -> str:
    """Factors side by side; a dot between numbers, a thin space where letters would run together or
    a name before parentheses would look like a function."""
    number_first = left.replace(".", "").isdigit()
    if numeric or right[0].isdigit() or (number_first and right.startswith(r"\frac")):
        return rf"{left} \cdot {right}"
    apart = r"\mathit" in left or _WORDY.match(right) or right.startswith(("(", r"\left("))
    return rf"{left} \, {right}" if apart and not number_first else f"{left} {right}"
