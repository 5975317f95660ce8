"""The straight-line form: what it reads, how it executes, and what it says to each mistake."""

from __future__ import annotations

import ast
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optlab import algebra, straight
from optlab.rules import REGISTRY
from optlab.straight import FormError

Written = Callable[[str], Any]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """The function `f` of a file with the given text."""

    def write(text: str) -> Any:
        path = tmp_path / "own.py"
        path.write_text(text)
        return runpy.run_path(str(path))["f"]

    return write


def sample(x, g, t, m=0.0, *, lr=0.1, beta=0.5):
    """First line.

    More.
    """
    before = m * 1
    m = beta * m + g
    x = x - lr * (m + before) / t
    return x, m


def test_what_is_read() -> None:
    form = straight.read(sample)
    assert form.name == "sample"
    assert form.inputs == ("x", "g", "t")
    assert form.states == {"m": 0.0}
    assert form.constants == {"lr": 0.1, "beta": 0.5}
    assert [line.name for line in form.lines] == ["before", "m", "x"]
    assert ast.unparse(form.lines[1].expression) == "beta * m + g"
    assert form.lines[1].names == {"beta", "m", "g"}
    assert form.returns == ("x", "m")
    assert form.doc.startswith("First line.")
    own = Path(__file__).read_text().splitlines()
    written_there = [own[line.number - 1].strip() for line in form.lines]
    assert written_there == ["before = m * 1", "m = beta * m + g", "x = x - lr * (m + before) / t"]


def test_lines_execute_in_order_with_the_state_from_before() -> None:
    values = {"x": 1.0, "g": 2.0, "t": 4, "m": 3.0, "lr": 0.1, "beta": 0.5}
    found = [(line.name, value) for line, value in straight.read(sample).execute(values)]
    assert found[0] == ("before", 3.0)
    assert found[1] == ("m", 3.5)
    assert found[2] == ("x", pytest.approx(1 - 0.1 * 6.5 / 4, rel=1e-15))
    assert values["m"] == 3.0


@pytest.mark.parametrize("name", REGISTRY)
def test_execution_line_by_line_is_the_function(name: str) -> None:
    form = REGISTRY[name].form
    rng = np.random.default_rng(1)
    values = {n: rng.uniform(0.1, 0.9, 5) for n in (*form.inputs, *form.states)} | form.constants
    inputs = [values[n] for n in (*form.inputs, *form.states)]
    whole = form.function(*inputs, **form.constants)
    scope = values | {line.name: value for line, value in form.execute(values)}
    for ours, expected in zip(form.returns, whole if isinstance(whole, tuple) else (whole,),
                              strict=True):  # fmt: skip
        np.testing.assert_array_equal(scope[ours], expected)


HEAD = "import numpy as np\nfrom optlab.algebra import norm, sqrt, where\n"
NAMES = ", ".join(algebra.__all__)


def body(*lines: str, arguments: str = "x, g, m=0.0, *, lr=0.1", returns: str = "x, m") -> str:
    return HEAD + f"def f({arguments}):\n    " + "\n    ".join([*lines, f"return {returns}"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (body("if m > 0:", "    x = x - g"), ", line 4: write `name = where(condition, a, b)`"),
        (body("x = x - g if m > 0 else x"), "write `where(condition, a, b)` instead of `if`, `and`"),
        (body("x = x - lr * (g and m)"), "write `where(condition, a, b)` instead of `if`, `and`"),
        (body("for i in range(3):", "    x = x - g"), "write out the loop: a rule is one step"),
        (body("while m > 0:", "    x = x - g"), "write out the loop: a rule is one step"),
        (body("x -= lr * g"), "write `name = name + ...` instead of an in-place operator"),
        (body("x: float = x - lr * g"), "leave the annotation away"),
        (body("print(x)"), "a rule is assignments and a return only"),
        (body("def inner():", "    return 1"), "write the inner function out"),
        (body("x = np.sqrt(x)"), f"`np.sqrt` runs on one kind of array only; use a function of "
                                 f"optlab.algebra ({NAMES})"),
        (body("x = x - lr * g.sum()"), "`g.sum` runs on one kind of array only"),
        (body("x = x - lr * abs(g)"), f"`abs` is not a function of optlab.algebra ({NAMES})"),
        (body("x, m = x - g, m"), "assign one name a line"),
        (body("x = m = g"), "assign one name a line"),
        (body("x[0] = g"), "assign one name a line"),
        (body("x = x - rate * g"), "`rate` is neither an argument nor computed above; make it a "
                                   "hyperparameter after the `*`"),
        (body("x = x - lr * y", "y = g * 2"), "`y` is neither an argument nor computed above"),
        (body("x = x - g * 1 / 3 * (1 / 3)"), "`1 / 3` is rounded to a double before it is used"),
        (body("x = x - g * (-1 / 3)"), "`-1 / 3` is rounded to a double before it is used"),
        (body("x = x - g[0]"), "`Subscript` is not arithmetic"),
        (body("x = x - lr * g @ m"), "`not`, `in`, `is` and `@` do not work coordinate by"),
        (body("x = where(not m, x, g)"), "`not`, `in`, `is` and `@` do not work coordinate by"),
        (body("x = where(0 < m < 1, x, g)"), "`0 < m < 1` compares twice"),
        (body("x = where(m, x)"), "`where(m, x)`: where takes 3 arguments"),
        (body("x = sqrt(m, x)"), "`sqrt(m, x)`: sqrt takes 1 argument"),
        (body("x = sqrt(x=m)"), "give arguments by position"),
        (body("x = x - sqrt"), "`sqrt` is a function; give it an argument"),
        (body("norm = norm(g)", "x = x - norm"), "`norm` is a function of optlab.algebra; choose"),
        (body("x = x - exp(g)"), "`exp` is not optlab's here; write `from optlab.algebra import"),
        ("from math import exp\n" + body("x = x - exp(g)"), "`exp` is not optlab's here; write"),
        (body("x = x - True"), "True is not a number"),
        (body("x = x - 'g'"), "'g' is not a number"),
        (body("x = x - 1j"), "1j is not a number"),
        (body("y = g", "y = y + 1", "x = x - y"), "line 5: `y` is assigned twice; give the second "
                                                  "value a name of its own"),
        (body("lr = lr / 2", "x = x - lr * g"), "`lr` is a hyperparameter and keeps its value"),
        (HEAD + "def f(x, g, *, lr=0.1):\n    x = x - lr * g\n",
         "line 3: the last line must be `return` with names"),
        (HEAD + 'def f(x, g, *, lr=0.1):\n    """Only words."""\n', "the last line must be `return`"),
        (HEAD + "def f(x, g, *, lr=0.1):\n    if g > 0:\n        return x\n    else:\n"
         "        return g\n", "write `name = where(condition, a, b)` instead of `if`"),
        (body(returns="x - lr * g, m"), "`return` takes names only, each computed in a line above"),
        (body(returns=""), "`return` takes names only"),
        (body(returns="x, v"), "returns `v`, which no line computes"),
        (body("x = x - lr * g", arguments="x, g, m=0.0, *, lr"),
         "f: hyperparameter `lr` needs a default, as in `*, lr=0.1`"),
        (body("x = x - g", arguments="x, *g, m=0.0"), "name every argument; `*g` hides them"),
        (body("x = x - g", arguments="x, g, m=0.0, **rest"), "name every argument; `*rest` hides"),
        (body("x = x - sign * g", arguments="x, g, m=0.0, *, sign=1.0"),
         "f: `sign` is a function of optlab.algebra; choose another name"),
        ("f = lambda x, g: x - g", "a lambda has no lines to read; write it as `def name(...):`"),
        ("async def f(x, g):\n    return x", "write it as a plain `def f(...):`"),
        ("if True:\n    def f(x, g):\n        '''Words\nat the margin.'''\n        return x\n",
         "its text cannot be read by itself; write it at the left margin"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_what_to_write(written: Written, text: str, message: str) -> None:
    with pytest.raises(FormError) as caught:
        straight.read(written(text))
    assert message in str(caught.value)


def test_a_mistake_is_told_with_its_file_and_line(written: Written, tmp_path: Path) -> None:
    with pytest.raises(FormError) as caught:
        straight.read(written(body("m = m + g", "x = x - lr * rate")))
    assert str(caught.value).startswith(f"f() in {tmp_path / 'own.py'}, line 5: ")


def test_a_function_without_a_file_is_told_so() -> None:
    scope: dict[str, Any] = {}
    exec("def f(x, g):\n    return x", scope)
    with pytest.raises(FormError, match="its text cannot be read; write it in a file"):
        straight.read(scope["f"])
