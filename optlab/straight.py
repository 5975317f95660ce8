"""Straight-line functions: the form in which rules and worked losses are written.

Such a function is a list of assignments and a return, nothing else. Because of that one text can be
compiled by the engine, executed line by line on numbers, and printed as formulas. This module reads
the text, checks the form, and says what to write instead where it is broken.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from optlab import algebra

__all__ = ["FormError", "Line", "Straight", "functions", "read"]


class FormError(ValueError):
    """A function breaks the straight-line form; the message says where and what to write."""


@dataclass(frozen=True)
class Line:
    """One assignment: `name = expression`. Inside `expression`, a state's name means its value from
    the step before until the line that assigns it, and the new value from there on."""

    name: str
    expression: ast.expr
    number: int

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that the expression reads, functions included."""
        return frozenset(n.id for n in ast.walk(self.expression) if isinstance(n, ast.Name))

    @cached_property
    def code(self) -> Any:
        """The expression compiled, for execution on numbers."""
        return compile(ast.Expression(self.expression), f"<line {self.number}>", "eval")


@dataclass(frozen=True)
class Straight:
    """A function in the form: `inputs` have no default, `states` map to their start, `constants`
    (after the `*`) map to their default, `lines` are in order, `returns` are names."""

    function: Callable[..., Any]
    name: str
    inputs: tuple[str, ...]
    states: dict[str, Any]
    constants: dict[str, Any]
    lines: tuple[Line, ...]
    returns: tuple[str, ...]
    source: str
    doc: str

    def execute(self, values: dict[str, Any]) -> Iterator[tuple[Line, Any]]:
        """Yield each line with its value, given all arguments by name; `values` is not changed."""
        scope = dict(values)
        for line in self.lines:
            scope[line.name] = eval(line.code, functions(), scope)
            yield line, scope[line.name]


def functions() -> dict[str, Any]:
    return {"__builtins__": {}, **{name: getattr(algebra, name) for name in algebra.__all__}}


_INSTEAD = {
    ast.If: "write `name = where(condition, a, b)` instead of `if`",
    ast.For: "write out the loop: a rule is one step, and the engine repeats it",
    ast.While: "write out the loop: a rule is one step, and the engine repeats it",
    ast.AugAssign: "write `name = name + ...` instead of an in-place operator",
    ast.AnnAssign: "leave the annotation away and write `name = ...`",
    ast.With: "a rule is assignments and a return only",
    ast.Try: "a rule is assignments and a return only",
    ast.FunctionDef: "a rule is assignments and a return only; write the inner function out",
}
_EXPRESSIONS = (
    ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.Name, ast.Constant, ast.Load, ast.operator,
    ast.unaryop, ast.cmpop,
)  # fmt: skip


def read(function: Callable[..., Any]) -> Straight:
    """Read `function` as a straight-line function; `FormError` if it is not one."""
    if function.__name__ == "<lambda>":
        raise FormError("a lambda has no lines to read; write it as `def name(...):`")
    definition, source = _definition(function)
    inputs, states, constants = _arguments(function)
    doc = inspect.getdoc(function) or ""
    known = set(inputs) | set(states) | set(constants)
    lines: list[Line] = []
    body = definition.body[1:] if _is_docstring(definition.body[0]) else definition.body
    where = f"{function.__name__}() in {inspect.getsourcefile(function)}"
    last = body[-1] if body and isinstance(body[-1], ast.Return) else None
    for statement in body if last is None else body[:-1]:
        line = _line(statement, where)
        _check_names(line, known, where)
        _check_functions(line, function, where)
        if line.name in constants:
            raise FormError(f"{where}, line {line.number}: `{line.name}` is a hyperparameter and "
                            "keeps its value; give the result another name")  # fmt: skip
        if any(line.name == earlier.name for earlier in lines):
            raise FormError(f"{where}, line {line.number}: `{line.name}` is assigned twice; "
                            "give the second value a name of its own")  # fmt: skip
        known.add(line.name)
        lines.append(line)
    if last is None:
        raise FormError(f"{where}, line {definition.lineno}: the last line must be `return` with "
                        "names")  # fmt: skip
    returns = _returned(last, where)
    unknown = [name for name in returns if name not in known]
    if unknown:
        raise FormError(f"{where}, line {last.lineno}: returns `{unknown[0]}`, which no line "
                        "computes")  # fmt: skip
    return Straight(
        function, function.__name__, inputs, states, constants, tuple(lines), returns, source, doc
    )


def _definition(function: Callable[..., Any]) -> tuple[ast.FunctionDef, str]:
    try:
        # "<string>" is every text that was executed without a file; what is found is another's.
        if function.__code__.co_filename == "<string>":
            raise OSError
        source = textwrap.dedent(inspect.getsource(function))
        start = inspect.getsourcelines(function)[1]
    except (OSError, TypeError, AttributeError):
        raise FormError(
            f"{function.__name__}: its text cannot be read; write it in a file"
        ) from None
    try:
        tree = ast.parse(source).body[0]
    except SyntaxError:  # the text begins in the middle of something, or hangs on its indentation
        raise FormError(
            f"{function.__name__}: its text cannot be read by itself; write it at the left margin"
        ) from None
    if not isinstance(tree, ast.FunctionDef):
        raise FormError(f"{function.__name__}: write it as a plain `def {function.__name__}(...):`")
    ast.increment_lineno(tree, start - 1)
    return tree, source


def _arguments(
    function: Callable[..., Any],
) -> tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]:
    inputs: list[str] = []
    states: dict[str, Any] = {}
    constants: dict[str, Any] = {}
    for p in inspect.signature(function).parameters.values():
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            raise FormError(f"{function.__name__}: name every argument; `*{p.name}` hides them")
        if p.kind is p.KEYWORD_ONLY:
            if p.default is p.empty:
                raise FormError(f"{function.__name__}: hyperparameter `{p.name}` needs a default, "
                                f"as in `*, {p.name}=0.1`")  # fmt: skip
            constants[p.name] = p.default
        elif p.default is p.empty:
            inputs.append(p.name)
        else:
            states[p.name] = p.default
        if p.name in algebra.__all__:
            raise FormError(f"{function.__name__}: {_taken(p.name)}")
    return tuple(inputs), states, constants


def _taken(name: str) -> str:
    return f"`{name}` is a function of optlab.algebra; choose another name"


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _line(statement: ast.stmt, where: str) -> Line:
    place = f"{where}, line {statement.lineno}"
    if not isinstance(statement, ast.Assign):
        instead = _INSTEAD.get(type(statement), "a rule is assignments and a return only")
        raise FormError(f"{place}: {instead}")
    if len(statement.targets) != 1 or not isinstance(statement.targets[0], ast.Name):
        raise FormError(f"{place}: assign one name a line")
    if statement.targets[0].id in algebra.__all__:
        raise FormError(f"{place}: {_taken(statement.targets[0].id)}")
    for node in ast.walk(statement.value):
        _check_node(node, place)
    return Line(statement.targets[0].id, statement.value, statement.lineno)


def _check_node(node: ast.AST, place: str) -> None:
    if isinstance(node, ast.IfExp | ast.BoolOp):
        raise FormError(f"{place}: write `where(condition, a, b)` instead of `if`, `and` or `or`")
    if isinstance(node, ast.Attribute):
        raise FormError(f"{place}: `{ast.unparse(node)}` runs on one kind of array only; use a "
                        f"function of optlab.algebra ({', '.join(algebra.__all__)})")  # fmt: skip
    if not isinstance(node, _EXPRESSIONS):
        raise FormError(f"{place}: `{type(node).__name__}` is not arithmetic; use operators and the"
                        f" functions of optlab.algebra ({', '.join(algebra.__all__)})")  # fmt: skip
    if isinstance(node, ast.Constant) and (
        isinstance(node.value, bool) or not isinstance(node.value, int | float)
    ):
        raise FormError(f"{place}: {node.value!r} is not a number")
    if isinstance(node, ast.Not | ast.In | ast.NotIn | ast.Is | ast.IsNot | ast.MatMult):
        raise FormError(f"{place}: `not`, `in`, `is` and `@` do not work coordinate by coordinate; "
                        "use `where` and comparisons, or `total(a * b)`")  # fmt: skip
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        raise FormError(f"{place}: `{ast.unparse(node)}` compares twice; write "
                        "`where(a < b, where(b < c, ...), ...)`")  # fmt: skip
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Div)
        and _is_whole(node.left)
        and _is_whole(node.right)
    ):
        raise FormError(f"{place}: `{ast.unparse(node)}` is rounded to a double before it is used; "
                        "make it a hyperparameter or write `x / 3`")  # fmt: skip
    if isinstance(node, ast.Call):
        _check_node(
            node.func, place
        )  # of `np.sqrt(x)` there is more to say than that it is unknown
        if not isinstance(node.func, ast.Name) or node.func.id not in algebra.__all__:
            raise FormError(f"{place}: `{ast.unparse(node.func)}` is not a function of "
                            f"optlab.algebra ({', '.join(algebra.__all__)})")  # fmt: skip
        if node.keywords:
            raise FormError(f"{place}: give arguments by position")
        wanted = _ARGUMENTS.get(node.func.id, 1)
        if len(node.args) != wanted:
            raise FormError(f"{place}: `{ast.unparse(node)}`: {node.func.id} takes {wanted} "
                            f"argument{'s' if wanted > 1 else ''}")  # fmt: skip


_ARGUMENTS = {"where": 3, "maximum": 2, "minimum": 2}


def _is_whole(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        return _is_whole(node.operand)
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def _check_names(line: Line, known: set[str], where: str) -> None:
    for name in sorted(line.names):
        if name not in known and name not in algebra.__all__:
            raise FormError(f"{where}, line {line.number}: `{name}` is neither an argument nor "
                            "computed above; make it a hyperparameter after the `*`")  # fmt: skip


def _check_functions(line: Line, function: Callable[..., Any], where: str) -> None:
    """The same text must mean the same everywhere: an `exp` in it has to be optlab's own."""
    called = {id(n.func) for n in ast.walk(line.expression) if isinstance(n, ast.Call)}
    for node in ast.walk(line.expression):
        if not isinstance(node, ast.Name) or node.id not in algebra.__all__:
            continue
        place = f"{where}, line {line.number}"
        if id(node) not in called:
            raise FormError(f"{place}: `{node.id}` is a function; give it an argument")
        if function.__globals__.get(node.id) is not getattr(algebra, node.id):
            raise FormError(f"{place}: `{node.id}` is not optlab's here; write "
                            f"`from optlab.algebra import {node.id}` above")  # fmt: skip


def _returned(statement: ast.Return, where: str) -> tuple[str, ...]:
    value = statement.value
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    if not all(isinstance(part, ast.Name) for part in parts):
        raise FormError(f"{where}, line {statement.lineno}: `return` takes names only, each "
                        "computed in a line above")  # fmt: skip
    return tuple(part.id for part in parts if isinstance(part, ast.Name))
