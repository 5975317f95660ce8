"""The backward pass of a straight-line function, as it stands on paper.

Each line is differentiated by the rules of the calculus, as a formula; each parameter's partial
derivative is then the sum, over all ways from it to the loss, of the product of the lines'
derivatives along the way. Nothing here is automatic differentiation in disguise: the formulas are
printed, and their values are those of the formulas.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from optlab.straight import FormError, Line, Straight
from optlab.worked.formula import formulas, substituted, text

__all__ = ["trace_backward"]

MOST_WAYS = 4
"""A parameter that reaches the loss in more ways than these has its factors collected line by line,
since the ways double with every line that is read twice."""


def trace_backward(
    form: Straight, values: Mapping[str, float], names: Sequence[str], *, digits: int = 4
) -> dict[str, Any]:
    """The partial derivatives of what `form` returns last, by each of `names`, at `values`.

    `values` gives every input by name, as for `trace_forward`. The result is plain data:

    - `loss`: the name of the line that is differentiated;
    - `locals`: the derivative of each line by each name that it reads, last line first: `line`, `by`,
      `formula` and `substituted` (LaTeX), `value`, `text`, and a `note` where there is no derivative;
    - `partials`: one a parameter, in the order of `names`: `parameter`, `formula` with its chain of
      factors, `substituted`, `value`, `text`, `ways` (the lines from loss to parameter, `[["L",
      "y_hat", "h"]]`). Where there are many ways, partial derivatives by the lines in between stand
      before them, with `parameter` None.

    Where both sides of a `max` or `min` are equal, there is no derivative; the mean of both is taken,
    as JAX and the engine do. ValueError where a value is missing, FormError for a line that looks at
    all coordinates at once.
    """
    missing = [name for name in form.inputs if name not in values]
    if missing:
        raise ValueError(f"{form.name}: no value for {', '.join(missing)}")
    unknown = [name for name in names if name not in form.inputs]
    if unknown:
        raise ValueError(f"{form.name} has no input {unknown[0]}; it has {', '.join(form.inputs)}")
    graph = _Graph(form, values, names, digits)
    return {
        "loss": graph.nodes[graph.loss].name,
        "locals": [edge.entry for edge in graph.backwards()],
        "partials": [*_between(graph, names), *(_partial(graph, name) for name in names)],
    }


# The graph of lines


@dataclass(frozen=True)
class _Edge:
    """The derivative of line `line` by node `source`."""

    line: int
    source: int
    value: Any
    entry: dict[str, Any]


@dataclass(frozen=True)
class _Node:
    """An input or a line; a line that takes an input's name is another node."""

    name: str
    latex: str
    value: Any


class _Graph:
    """The lines that lie between the parameters and the loss, with the derivative of each by what
    it reads. Nodes are inputs first, then lines."""

    def __init__(
        self, form: Straight, values: Mapping[str, float], names: Sequence[str], digits: int
    ) -> None:
        self.digits = digits
        scope = {name: np.float64(value) for name, value in {**form.constants, **values}.items()}
        printed = _Printer(form)
        self.nodes = [_Node(name, printed(ast.Name(name)), scope[name]) for name in scope]
        here = {node.name: i for i, node in enumerate(self.nodes)}
        self.parameters = {name: here[name] for name in names}
        self.into: dict[int, list[_Edge]] = {}
        """By line: its derivatives by what it reads."""
        self.out: dict[int, list[_Edge]] = {}
        """By node: the derivatives, by it, of the lines that read it."""
        moving = set(self.parameters.values())
        with np.errstate(all="ignore"):
            for line, value in form.execute(scope):
                place = len(self.nodes)
                self.nodes.append(_Node(line.name, printed(ast.Name(line.name)), value))
                for name in _in_order(line):
                    source = here.get(name)
                    if source not in moving:
                        continue
                    edge = self._edge(line, place, source, scope, form, printed)
                    if edge is not None:
                        self.into.setdefault(place, []).append(edge)
                        self.out.setdefault(source, []).append(edge)
                        moving.add(place)
                here[line.name] = place
                scope[line.name] = np.float64(value)  # a whole 0 would raise where it divides
        self.loss = here[form.returns[-1]]

    def _edge(
        self,
        line: Line,
        place: int,
        source: int,
        scope: Mapping[str, Any],
        form: Straight,
        printed: _Printer,
    ) -> _Edge | None:
        remarks: list[str] = []
        name = self.nodes[source].name

        def number(node: ast.expr) -> Any:
            ((_, value),) = replace(form, lines=(Line("", node, line.number),)).execute(dict(scope))
            return value

        slope = _slope(line.expression, name, number, remarks)
        if slope is None:
            return None
        slope = ast.fix_missing_locations(slope)
        value = number(slope)
        entry = {
            "line": line.name,
            "by": name,
            "formula": f"{self.ratio(place, source)} = {printed(slope)}",
            "substituted": substituted(slope, scope, form.constants, number, self.digits),
            **_told(value, self.digits),
        }
        if remarks:
            entry["note"] = " ".join(dict.fromkeys(remarks))
        return _Edge(place, source, value, entry)

    def backwards(self) -> Iterator[_Edge]:
        """The derivatives that lead from the loss to a parameter, the last line first."""
        reached = {self.loss}
        for place in range(self.loss, -1, -1):
            for edge in self.into.get(place, ()) if place in reached else ():
                reached.add(edge.source)
                yield edge

    def ways(self, node: int) -> int:
        """In how many ways `node` reaches the loss."""
        counts = {self.loss: 1}
        for place in range(self.loss - 1, node - 1, -1):
            counts[place] = sum(counts.get(edge.line, 0) for edge in self.out.get(place, ()))
        return counts.get(node, 0)

    def paths(self, node: int) -> list[list[_Edge]]:
        """Every way from the loss down to `node`, as derivatives in that order; the ways in the
        order in which the lines read."""
        if node == self.loss:
            return [[]]
        found = [[*path, edge] for edge in self.out.get(node, ()) for path in self.paths(edge.line)]
        return sorted(found, key=lambda path: [self.into[e.line].index(e) for e in path])

    def ratio(self, top: int, bottom: int, total: bool = False) -> str:
        d = r"\mathrm{d}" if total else r"\partial"
        return rf"\frac{{{d} {self.nodes[top].latex}}}{{{d} {self.nodes[bottom].latex}}}"

    def whole(self, node: int) -> str:
        """The derivative of the loss by `node`, as a symbol. A straight d where the loss reads it
        itself and through other lines too, since ∂ already means the first of these."""
        ways = self.out.get(node, ())
        direct = any(edge.line == self.loss for edge in ways)
        return self.ratio(self.loss, node, total=direct and self.ways(node) > 1)


def _in_order(line: Line) -> list[str]:
    """The names that a line reads, in the order in which they stand there."""
    found = [node for node in ast.walk(line.expression) if isinstance(node, ast.Name)]
    found.sort(key=lambda node: (node.lineno, node.col_offset))
    return list(dict.fromkeys(node.id for node in found))


class _Printer:
    """Expressions of one function as LaTeX: any line may be read, whichever it is written in."""

    def __init__(self, form: Straight) -> None:
        names = (*form.inputs, *(line.name for line in form.lines))
        self.form = replace(form, inputs=tuple(dict.fromkeys(names)), lines=())

    def __call__(self, node: ast.expr) -> str:
        line = Line("d", node, 0)
        return formulas(replace(self.form, lines=(line,)))[0].partition(" = ")[2]


# The partial derivatives of the loss


def _partial(graph: _Graph, name: str) -> dict[str, Any]:
    node = graph.parameters[name]
    head = {"parameter": name, "name": name}
    if graph.ways(node) > MOST_WAYS:
        return head | _collected(graph, node) | {"ways": []}
    paths = graph.paths(node)
    ways = [[graph.nodes[edge.line].name for edge in path] for path in paths]
    if node == graph.loss or not paths:
        one = float(node == graph.loss)
        said = {"formula": f"{graph.whole(node)} = {one:g}", "substituted": f"{one:g}",
                **_told(one, graph.digits)}  # fmt: skip
        if not paths:
            said["note"] = f"{graph.nodes[graph.loss].name} does not depend on {name}."
        return head | said | {"ways": ways}
    if len(paths) == 1 and len(paths[0]) == 1:
        return head | paths[0][0].entry | {"ways": ways}
    symbols = [[graph.ratio(edge.line, edge.source) for edge in path] for path in paths]
    numbers = [[edge.value for edge in path] for path in paths]
    return head | _sum_of_products(graph, node, symbols, numbers) | {"ways": ways}


def _between(graph: _Graph, names: Sequence[str]) -> list[dict[str, Any]]:
    """The derivatives of the loss by lines in between, if any parameter has too many ways."""
    if all(graph.ways(graph.parameters[name]) <= MOST_WAYS for name in names):
        return []
    lines = dict.fromkeys(edge.line for edge in graph.backwards())
    return [
        {"parameter": None, "name": graph.nodes[place].name} | _collected(graph, place)
        for place in lines
        if place != graph.loss
    ]


def _collected(graph: _Graph, node: int) -> dict[str, Any]:
    """The derivative by `node` from those by the lines that read it."""
    edges = [edge for edge in graph.out.get(node, ()) if graph.ways(edge.line)]
    symbols, numbers = [], []
    for edge in edges:
        last = edge.line == graph.loss
        first = [] if last else [graph.whole(edge.line)]
        symbols.append([*first, graph.ratio(edge.line, node)])
        numbers.append([*([] if last else [_gradient(graph, edge.line)]), edge.value])
    return _sum_of_products(graph, node, symbols, numbers)


def _gradient(graph: _Graph, node: int) -> Any:
    """The derivative of the loss by `node`, each line visited once."""
    slopes: dict[int, Any] = {graph.loss: np.float64(1.0)}
    for place in range(graph.loss - 1, node - 1, -1):
        terms = [slopes[e.line] * e.value for e in graph.out.get(place, ()) if e.line in slopes]
        if terms:
            slopes[place] = sum(terms[1:], terms[0])
    return slopes[node]


def _sum_of_products(
    graph: _Graph, node: int, symbols: list[list[str]], numbers: list[list[Any]]
) -> dict[str, Any]:
    with np.errstate(all="ignore"):
        value = sum((math.prod(factors[1:], start=factors[0]) for factors in numbers[1:]),
                    math.prod(numbers[0][1:], start=numbers[0][0]))  # fmt: skip
    formula = " + ".join(r" \cdot ".join(factors) for factors in symbols)
    # The numbers are printed by the one printer of formulas, from a product of names that stand for
    # them, so that signs and parentheses are as everywhere.
    names = [[f"f{i}_{j}" for j in range(len(factors))] for i, factors in enumerate(numbers)]
    tree = ast.parse(" + ".join(" * ".join(factors) for factors in names), mode="eval").body
    scope = {name: number for row, factors in zip(names, numbers, strict=True)
             for name, number in zip(row, factors, strict=True)}  # fmt: skip
    put_in = substituted(tree, scope, (), lambda call: call, graph.digits)
    return {"formula": f"{graph.whole(node)} = {formula}", "substituted": put_in,
            **_told(value, graph.digits)}  # fmt: skip


def _told(value: Any, digits: int) -> dict[str, Any]:
    plain = float(value)
    return {"value": plain if math.isfinite(plain) else None, "text": text(plain, digits)}


# Calculus. None stands for a derivative that is zero whatever the numbers are.

_Slope = ast.expr | None


def _slope(
    node: ast.expr, name: str, number: Callable[[ast.expr], Any], remarks: list[str]
) -> _Slope:
    """The derivative of `node` by `name`, simplified where a factor is 0 or a whole number.

    `number` gives the value of an expression here, by which a `max` of equal sides is found; what a
    reader must know of that goes into `remarks`.
    """

    def of(inner: ast.expr) -> _Slope:
        return _slope(inner, name, number, remarks)

    match node:
        case ast.Name():
            return ast.Constant(1) if node.id == name else None
        case ast.Constant() | ast.Compare() | ast.UnaryOp(op=ast.Invert()):
            return None
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr() | ast.FloorDiv()):
            return None  # steps: level wherever they have a derivative
        case ast.UnaryOp(op=ast.USub()):
            return _times(ast.Constant(-1), of(node.operand))
        case ast.UnaryOp():
            return of(node.operand)
        case ast.BinOp(op=ast.Add()):
            return _plus(of(node.left), of(node.right))
        case ast.BinOp(op=ast.Sub()):
            return _plus(of(node.left), _times(ast.Constant(-1), of(node.right)))
        case ast.BinOp(left=a, op=ast.Mult(), right=b):
            return _plus(_times(of(a), b), _times(a, of(b)))
        case ast.BinOp(left=a, op=ast.Div(), right=b):
            falls = _over(_times(a, of(b)), _power(b, ast.Constant(2)))
            return _plus(_over(of(a), b), _times(ast.Constant(-1), falls))
        case ast.BinOp(left=a, op=ast.Mod(), right=b):
            whole = ast.BinOp(a, ast.FloorDiv(), b)
            return _plus(of(a), _times(ast.Constant(-1), _times(whole, of(b))))
        case ast.BinOp(left=a, op=ast.Pow(), right=b):
            return _of_power(a, b, of(a), of(b))
        case ast.Call(func=ast.Name(id="where"), args=[condition, then, otherwise]):
            return _either(condition, of(then), of(otherwise))
        case ast.Call(func=ast.Name(id="maximum" | "minimum" as kind), args=[a, b]):
            return _of_extreme(kind, a, b, of(a), of(b), number, remarks)
        case ast.Call(func=ast.Name(id=kind), args=[a]) if kind in _OUTER:
            inner = of(a)
            if kind == "absolute" and inner is not None and number(a) == 0:
                remarks.append(
                    "At 0 the absolute value has no derivative; 0 is taken, as JAX does."
                )
            return _OUTER[kind](a, inner)
        case ast.Call(func=ast.Name(id="sign")):
            return None
    raise FormError(f"`{ast.unparse(node)}` looks at all coordinates at once, so this line has no "
                    "derivative by one number")  # fmt: skip


def _of_power(a: ast.expr, b: ast.expr, da: _Slope, db: _Slope) -> _Slope:
    """n a^(n-1) da + a^n ln(a) dn."""
    less = (
        ast.Constant(b.value - 1) if isinstance(b, ast.Constant)  # type: ignore[operator]
        else ast.BinOp(b, ast.Sub(), ast.Constant(1))
    )  # fmt: skip
    base = _times(_times(b, _power(a, less)), da)
    return _plus(base, _times(_times(_power(a, b), _call("log", a)), db))


def _of_extreme(
    kind: str,
    a: ast.expr,
    b: ast.expr,
    da: _Slope,
    db: _Slope,
    number: Callable[[ast.expr], Any],
    remarks: list[str],
) -> _Slope:
    if da is None and db is None:
        return None
    if number(a) == number(b):
        short = kind[:3]
        remarks.append(f"Both sides of this {short} are equal here, where it has no derivative; the "
                       "mean of those of both sides is taken, as JAX does.")  # fmt: skip
        return _times(_fraction(Fraction(1, 2)), _plus(da, db))
    # A bound that does not move stands last in the condition: `u > 0`, not `0 < u`.
    first, second, left, right = (b, a, db, da) if da is None else (a, b, da, db)
    sign: ast.cmpop = ast.Gt() if kind == "maximum" else ast.Lt()
    return _either(ast.Compare(first, [sign], [second]), left, right)


def _either(condition: ast.expr, then: _Slope, otherwise: _Slope) -> _Slope:
    if then is None and otherwise is None:
        return None
    zero = ast.Constant(0)
    return _call("where", condition, then or zero, otherwise or zero)


def _twice_root(a: ast.expr) -> ast.expr:
    return ast.BinOp(ast.Constant(2), ast.Mult(), _call("sqrt", a))


def _beside_tanh(a: ast.expr) -> ast.expr:
    return ast.BinOp(ast.Constant(1), ast.Sub(), _power(_call("tanh", a), ast.Constant(2)))


_OUTER: dict[str, Callable[[ast.expr, _Slope], _Slope]] = {
    "sqrt": lambda a, da: _over(da, _twice_root(a)),
    "exp": lambda a, da: _times(_call("exp", a), da),
    "log": lambda a, da: _over(da, a),
    "sin": lambda a, da: _times(_call("cos", a), da),
    "cos": lambda a, da: _times(_times(ast.Constant(-1), _call("sin", a)), da),
    "tanh": lambda a, da: _times(_beside_tanh(a), da),
    "absolute": lambda a, da: _times(_call("sign", a), da),
}


# Expressions put together, whole numbers drawn to the front


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _power(a: ast.expr, b: ast.expr) -> ast.expr:
    if isinstance(b, ast.Constant) and b.value in (0, 1):
        return a if b.value == 1 else ast.Constant(1)
    return ast.BinOp(a, ast.Pow(), b)


def _plus(a: _Slope, b: _Slope) -> _Slope:
    if a is None or b is None:
        return b if a is None else a
    if isinstance(b, ast.UnaryOp) and isinstance(b.op, ast.USub):
        return ast.BinOp(a, ast.Sub(), b.operand)
    return ast.BinOp(a, ast.Add(), b)


def _times(a: _Slope, b: _Slope) -> _Slope:
    if a is None or b is None:
        return None
    (m, first), (n, second) = _factors(a), _factors(b)
    return _scaled(m * n, [*first, *second])


def _over(a: _Slope, b: ast.expr) -> _Slope:
    if a is None:
        return None
    (m, top), (n, bottom) = _factors(a), _factors(b)
    if not bottom and n:
        return _scaled(m / n, top)
    quotient = ast.BinOp(_scaled(abs(m), top) or ast.Constant(0), ast.Div(), b)
    return _scaled(Fraction(-1 if m < 0 else 1), [quotient])


def _factors(node: ast.expr) -> tuple[Fraction, list[ast.expr]]:
    """A product taken apart: its whole numbers and divisors as one fraction, and the rest."""
    match node:
        case ast.Constant(value=int(value)):
            return Fraction(value), []
        case ast.UnaryOp(op=ast.USub()):
            n, rest = _factors(node.operand)
            return -n, rest
        case ast.BinOp(op=ast.Mult()):
            (m, first), (n, second) = _factors(node.left), _factors(node.right)
            return m * n, [*first, *second]
        case ast.BinOp(op=ast.Div(), right=ast.Constant(value=int(value))) if value:
            n, rest = _factors(node.left)
            return n / value, rest
    return Fraction(1), [node]


def _scaled(share: Fraction, factors: list[ast.expr]) -> _Slope:
    """`share` times the product of `factors`."""
    if share == 0:
        return None
    top = abs(share.numerator)
    parts = [*([ast.Constant(top)] if top != 1 or not factors else []), *factors]
    product: ast.expr = parts[0]
    for part in parts[1:]:
        product = ast.BinOp(product, ast.Mult(), part)
    if share.denominator != 1:
        product = ast.BinOp(product, ast.Div(), ast.Constant(share.denominator))
    return ast.UnaryOp(ast.USub(), product) if share < 0 else product


def _fraction(value: Fraction) -> ast.expr:
    return ast.BinOp(ast.Constant(value.numerator), ast.Div(), ast.Constant(value.denominator))
