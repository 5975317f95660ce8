"""What a rule is, and how the engine steps it.

A rule's signature is its declaration: names without a default are inputs (`x`, `g`, `t`), names
with one are state and its value at t = 0, names after the `*` are hyperparameters with defaults.
"""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from optlab import straight
from optlab.straight import FormError, Straight
from optlab.vocabulary import look_up

__all__ = ["X0", "Rule", "make_rule", "rule"]


class _StartOfX:
    """The start of a state that begins at x_0, as in averaging: `def f(x, g, t, z=X0, ...)`."""

    def __repr__(self) -> str:
        return "X0"


X0 = _StartOfX()
INPUTS = ("x", "g", "t")


@dataclass(frozen=True)
class Rule:
    """An optimizer written once: `form` is its text, the rest is what a reader must know of it.

    Parameters of `step` and `start` are pytrees of leaves with coordinates on axis 0; each
    hyperparameter is a number or an array that broadcasts against a leaf.
    """

    name: str
    form: Straight
    citation: str
    convention: str
    limit: Callable[..., Any] | None = field(default=None, compare=False)
    """Largest stable step size on a quadratic: a function of the largest curvature `L` and of the
    hyperparameters by name."""
    limit_formula: str = ""
    settled: Callable[..., float] | None = field(default=None, compare=False)
    """How far a step goes along a gradient that stays 1, once the rule has settled: a function of the
    hyperparameters by name."""
    settled_formula: str = ""
    text: str = ""
    """Text beyond the function's own that may decide the result: the file of a user's rule."""

    one_run = False  # a rule broadcasts over runs; it need not be mapped over them
    wants_loss = False  # it sees the gradient alone
    fixed: frozenset[str] = frozenset()  # every hyperparameter may be a traced array

    @property
    def hypers(self) -> dict[str, float]:
        return self.form.constants

    @property
    def states(self) -> dict[str, Any]:
        return self.form.states

    @property
    def source(self) -> str:
        """The text that decides the result, for the key under which runs are stored."""
        return self.form.source + self.text

    @property
    def summary(self) -> str:
        return self.form.doc.splitlines()[0] if self.form.doc else ""

    @cached_property
    def powers(self) -> tuple[str, ...]:
        """Hyperparameters b that stand in `b**t`, where b is known not to be negative."""
        found = {
            node.left.id
            for line in self.form.lines
            for node in ast.walk(line.expression)
            if isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Pow)
            and isinstance(node.left, ast.Name)
            and isinstance(node.right, ast.Name)
            and node.right.id == "t"
        }
        return tuple(n for n in self.hypers if n in found and look_up(n).interval.low >= 0)

    def pace(self, setting: Mapping[str, float]) -> float | None:
        """`settled` at a setting; None where it is not known, infinite where nothing settles."""
        if self.settled is None:
            return None
        needed = inspect.signature(self.settled).parameters
        try:
            return self.settled(*(setting[name] for name in needed))
        except ZeroDivisionError:
            return math.inf

    def start(self, params: Any, hypers: Mapping[str, Any]) -> tuple[Any, ...]:
        """The state at t = 0, one pytree a state, each like `params`."""
        from jax import numpy as jnp
        from jax import tree

        return tuple(
            params if value is X0 else tree.map(lambda x, v=value: jnp.full_like(x, v), params)
            for value in self.states.values()
        )

    def step(
        self,
        params: Any,
        grads: Any,
        t: Any,
        state: tuple[Any, ...],
        hypers: Mapping[str, Any],
        **seen: Any,
    ) -> tuple[Any, tuple[Any, ...]]:
        """One update of every leaf: the new parameters and the new state. A rule asks for nothing
        else that may be `seen`."""
        from jax import tree

        leaves, structure = tree.flatten(params)
        given = {"g": tree.leaves(grads), "x": leaves}
        states = [tree.leaves(s) for s in state]
        updated = []
        for i in range(len(leaves)):
            inputs = [given[name][i] if name in given else t for name in self.form.inputs]
            result = self.form.function(*inputs, *(s[i] for s in states), **hypers)
            updated.append(result if isinstance(result, tuple) else (result,))
        x, *new = (tree.unflatten(structure, column) for column in zip(*updated, strict=True))
        return x, tuple(new)


def make_rule(
    function: Callable[..., Any],
    citation: str = "",
    *,
    convention: str = "",
    limit: Callable[..., Any] | None = None,
    limit_formula: str = "",
    settled: Callable[..., float] | None = None,
    settled_formula: str = "",
) -> Rule:
    """Read `function` as a rule; `FormError` says what to write where it is not one."""
    form = straight.read(function)
    wrong = [name for name in form.inputs if name not in INPUTS]
    if wrong:
        raise FormError(
            f"{form.name}: `{wrong[0]}` has no default, so it would be an input, and the inputs "
            f"are {', '.join(INPUTS)}; a state needs a start (`{wrong[0]}=0.0`), a hyperparameter "
            "stands after the `*`"
        )
    if "x" not in form.inputs:
        raise FormError(f"{form.name}: the first argument must be `x`, the parameters")
    for name in INPUTS:
        if name in form.states or name in form.constants:
            raise FormError(f"{form.name}: `{name}` is an input; write it without a default")
    changed = [line.name for line in form.lines if line.name in INPUTS[1:]]
    if changed:
        raise FormError(f"{form.name}: `{changed[0]}` is an input and keeps its value; give the "
                        "result another name")  # fmt: skip
    for name, value in form.states.items():
        if value is not X0 and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise FormError(f"{form.name}: the state `{name}` starts at {value!r}; a start is a "
                            "number or X0 (where the parameters start)")  # fmt: skip
    if form.returns != ("x", *form.states):
        raise FormError(
            f"{form.name}: must return `{', '.join(('x', *form.states))}` (x, then every state in "
            f"the order of the signature), not `{', '.join(form.returns)}`"
        )
    for name, value in form.constants.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise FormError(
                f"{form.name}: `{name}={value!r}` is not a number; a switch that changes the "
                "algorithm becomes a rule of its own"
            )
    return Rule(
        form.name, form, citation, convention, limit, limit_formula, settled, settled_formula
    )


def rule(citation: str, **about: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Say of the function below where it comes from; the function itself stays callable as it is.

    See `make_rule` for what may be said."""

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        vars(function)["rule"] = make_rule(function, citation, **about)
        return function

    return declare
