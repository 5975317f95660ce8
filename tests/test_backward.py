"""The backward pass on paper, against JAX's derivatives, 50-digit differences and a LaTeX reader."""

from __future__ import annotations

import ast
import json
import math

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from test_worked import Reader

from optlab.algebra import (
    absolute,
    cos,
    exp,
    log,
    maximum,
    minimum,
    norm,
    sign,
    sin,
    sqrt,
    tanh,
    where,
)
from optlab.problems.assignment import FORWARD
from optlab.straight import FormError, Line, Straight, read
from optlab.worked import mathml
from optlab.worked.backward import MOST_WAYS, trace_backward

NAMES = ["w1", "b1", "w2", "b2"]
START = {"w1": 0.5, "b1": 0.0, "w2": 0.3, "b2": 0.0}
DATA = {"x_1": 2.0, "y": 5.0}


def partial(page, name):
    return next(entry for entry in page["partials"] if entry["parameter"] == name)


def by_jax(form, values, names):
    """The gradient of what `form` returns last, by automatic differentiation of its text."""

    def loss(parameters):
        scope = {**form.constants, **values, **parameters}
        lines = {line.name: value for line, value in form.execute(scope)}
        return 1.0 * lines[form.returns[-1]]  # a line of whole numbers only is no float

    with jax.enable_x64(True):
        at = {name: jnp.float64(values[name]) for name in names}
        return {name: float(value) for name, value in jax.grad(loss)(at).items()}


def by_difference(form, values, name):
    """A derivative from differences in 50-digit numbers."""

    def loss(at):
        scope = {n: mpmath.mpf(v) for n, v in {**form.constants, **values}.items()} | {name: at}
        lines = {line.name: value for line, value in form.execute(scope)}
        return lines[form.returns[-1]]

    with mpmath.workdps(50):
        return float(mpmath.diff(loss, mpmath.mpf(values[name])))


# The network


def test_the_network_of_the_assignment_by_hand():
    page = trace_backward(FORWARD, {**START, **DATA}, NAMES)
    # by hand: y_hat - y = -4.7; through the last unit w2 = 0.3 or h = 1; through the first x = 2
    assert [partial(page, name)["value"] for name in NAMES] == [
        pytest.approx(-4.7 * 0.3 * 2, rel=1e-15),
        pytest.approx(-4.7 * 0.3, rel=1e-15),
        pytest.approx(-4.7, rel=1e-15),
        pytest.approx(-4.7, rel=1e-15),
    ]
    w1 = partial(page, "w1")
    assert w1["formula"] == (
        r"\frac{\partial L}{\partial w_1} = \frac{\partial L}{\partial \hat{y}} \cdot"
        r" \frac{\partial \hat{y}}{\partial h} \cdot \frac{\partial h}{\partial w_1}"
    )
    assert (w1["substituted"], w1["text"]) == (r"-4.7 \cdot 0.3 \cdot 2", "−2.8200")
    assert w1["ways"] == [["L", "y_hat", "h"]]
    assert page["loss"] == "L"
    first = page["locals"][0]
    assert first["formula"] == r"\frac{\partial L}{\partial \hat{y}} = -(y - \hat{y})"
    assert (first["substituted"], first["value"]) == ("-(5 - 0.3)", -4.7)
    assert [(e["line"], e["by"]) for e in page["locals"]] == [
        ("L", "y_hat"), ("y_hat", "h"), ("y_hat", "w2"), ("y_hat", "b2"), ("h", "w1"), ("h", "b1"),
    ]  # fmt: skip
    assert json.loads(json.dumps(page, allow_nan=False)) == page


@pytest.mark.parametrize(
    "values",
    [
        START,
        {"w1": 1.3, "b1": -0.7, "w2": 2.1, "b2": 0.4},
        {"w1": -0.5, "b1": 0.2, "w2": 0.3, "b2": 0.1},  # the hidden unit is off
        {"w1": 0.5, "b1": 0.0, "w2": -0.3, "b2": 0.0},  # the last unit is off
        {"w1": 0.0, "b1": 0.0, "w2": 0.3, "b2": 0.5},  # the hidden unit at its kink
        {"w1": 0.5, "b1": 0.0, "w2": 0.25, "b2": -0.25},  # the last unit at its kink
        {"w1": 0.0, "b1": 0.0, "w2": 0.0, "b2": 0.0},  # both
    ],
)
def test_the_network_equals_jax_on_off_and_at_the_kink(values):
    page = trace_backward(FORWARD, {**values, **DATA}, NAMES)
    for name, right in by_jax(FORWARD, {**values, **DATA}, NAMES).items():
        assert partial(page, name)["value"] == pytest.approx(right, rel=1e-15, abs=0)


def test_a_kink_is_told_and_an_ordinary_point_has_no_note():
    plain = trace_backward(FORWARD, {**START, **DATA}, NAMES)
    assert not [e for e in (*plain["locals"], *plain["partials"]) if "note" in e]
    kink = trace_backward(FORWARD, {**START, "w1": 0.0, **DATA}, NAMES)
    noted = {(e["line"], e["by"]): e for e in kink["locals"] if "note" in e}
    # h = max(0, 0) and y_hat = max(0, 0 * 0.3 + 0): both units sit at the kink
    assert len(noted) == 5
    hidden = noted["h", "w1"]
    assert "Both sides of this max are equal here" in hidden["note"]
    assert hidden["formula"] == r"\frac{\partial h}{\partial w_1} = \frac{x_1}{2}"
    assert (hidden["substituted"], hidden["value"]) == (r"\frac{2}{2}", 1.0)


# Other functions, made by hand


def several_ways(a, b, k):
    u = a * b + k
    p = tanh(u) + a
    L = u * p - p / b
    return L


def read_by_the_loss_too(a, b):
    y = a**2 + b
    L = y * a - b / 3
    return L


def every_function(a, b, c):
    u = sqrt(a) * exp(-b) + log(c) / a
    v = sin(u) - cos(b * c) + absolute(b - a)
    w = minimum(u, v) * maximum(a * b, c) + where(v < u, u**3, v / 2)
    z = w % 1.7 + sign(w) * u + (u > v) * a
    L = (z - v) ** 2 / (1 + a**b) + 2**u + 3 * a ** (-2) + (+v)
    return L


def long_ladder(a, b):
    u1 = a * b + a
    u2 = u1 * b + u1**2
    u3 = u2 * u1 + sin(u2)
    u4 = u3 + u2 * u1 * a
    L = u4 * u3 + b
    return L


def never_read(a, b, unused):
    dead = unused * 2
    L = a * b
    return dead, L


def unit_and_square(a, b):
    h = maximum(0, a - b)
    L = h**2 * a + minimum(h, 4) * maximum(b, 0.5)
    return L


HAND_MADE = [
    (several_ways, {"a": 0.7, "b": -1.3, "k": 0.25}, ["a", "b"]),
    (read_by_the_loss_too, {"a": 1.5, "b": -2.0}, ["a", "b"]),
    (every_function, {"a": 1.25, "b": 0.5, "c": 0.375}, ["a", "b", "c"]),
    (every_function, {"a": 0.3, "b": -1.5, "c": 2.5}, ["a", "b", "c"]),
    (long_ladder, {"a": 0.4, "b": 0.9}, ["a", "b"]),
    (unit_and_square, {"a": 1.0, "b": -0.5}, ["a", "b"]),
    (unit_and_square, {"a": 3.5, "b": -1.5}, ["a", "b"]),
]


@pytest.mark.parametrize(("function", "values", "names"), HAND_MADE)
def test_hand_made_functions_against_jax_and_differences(function, values, names):
    form = read(function)
    page = trace_backward(form, values, names)
    right = by_jax(form, values, names)
    for name in names:
        value = partial(page, name)["value"]
        assert value == pytest.approx(right[name], rel=1e-13, abs=1e-15)
        assert value == pytest.approx(by_difference(form, values, name), rel=1e-12)


def test_a_parameter_in_several_ways_is_the_sum_of_its_products():
    page = trace_backward(read(several_ways), {"a": 0.7, "b": -1.3, "k": 0.25}, ["a", "b"])
    a = partial(page, "a")
    assert a["ways"] == [["L", "u"], ["L", "p", "u"], ["L", "p"]]
    assert a["formula"].count(r"\cdot") == 2 + 2
    assert a["formula"].count(" + ") == 2
    local = {(e["line"], e["by"]): e["value"] for e in page["locals"]}
    total = sum(
        math.prod(local[line, below] for line, below in zip(way, [*way[1:], "a"], strict=True))
        for way in a["ways"]
    )
    assert a["value"] == pytest.approx(total, rel=1e-15)


def test_what_the_loss_reads_itself_and_through_lines_has_a_straight_d():
    page = trace_backward(read(read_by_the_loss_too), {"a": 1.5, "b": -2.0}, ["a", "b"])
    a = partial(page, "a")
    # dL/da = a * 2a + y = 1.5 * 3 + 0.25
    assert a["value"] == 4.75
    assert a["formula"] == (
        r"\frac{\mathrm{d} L}{\mathrm{d} a} = \frac{\partial L}{\partial y} \cdot"
        r" \frac{\partial y}{\partial a} + \frac{\partial L}{\partial a}"
    )
    assert a["substituted"] == r"1.5 \cdot 3 + 0.25"


def test_many_ways_are_collected_line_by_line():
    form, values = read(long_ladder), {"a": 0.4, "b": 0.9}
    page = trace_backward(form, values, ["a", "b"])
    between = [entry["name"] for entry in page["partials"] if entry["parameter"] is None]
    assert between == ["u4", "u3", "u2", "u1"]
    assert partial(page, "a")["ways"] == []
    for entry in page["partials"]:
        terms = entry["formula"].partition(" = ")[2].count(" + ") + 1
        assert terms <= MOST_WAYS
        assert "f0_0" not in entry["substituted"]


def test_a_parameter_that_the_loss_does_not_read():
    page = trace_backward(read(never_read), {"a": 2.0, "b": 3.0, "unused": 1.0}, ["a", "unused"])
    unused = partial(page, "unused")
    assert (unused["value"], unused["ways"]) == (0.0, [])
    assert unused["note"] == "L does not depend on unused."
    assert [(e["line"], e["by"]) for e in page["locals"]] == [("L", "a")]  # nothing of `dead`
    a = partial(page, "a")
    assert (a["formula"], a["value"]) == (r"\frac{\partial L}{\partial a} = b", 3.0)


def test_what_has_no_derivative_by_one_number_is_said():
    def whole(a, b):
        L = norm(a) * b
        return L

    form = read(whole)
    with pytest.raises(FormError, match="looks at all coordinates at once"):
        trace_backward(form, {"a": 1.0, "b": 2.0}, ["a"])
    with pytest.raises(ValueError, match="whole: no value for b"):
        trace_backward(form, {"a": 1.0}, ["a"])
    with pytest.raises(ValueError, match="whole has no input c; it has a, b"):
        trace_backward(form, {"a": 1.0, "b": 2.0}, ["c"])


def test_a_slope_that_is_not_finite_is_told_and_not_raised():
    def root(a):
        L = sqrt(a)
        return L

    entry = partial(trace_backward(read(root), {"a": 0.0}, ["a"]), "a")
    assert (entry["value"], entry["text"]) == (None, "∞")


# Any function


def function_of(lines):
    """A straight-line function of a, b, c from the right sides of its lines."""
    parsed = tuple(
        Line(f"u{i}", ast.parse(code, mode="eval").body, i) for i, code in enumerate(lines)
    )
    return Straight(test_hand_made_functions_against_jax_and_differences, "drawn", ("a", "b", "c"),
                    {}, {}, parsed, (f"u{len(lines) - 1}",), "", "")  # fmt: skip


def expressions(names):
    leaves = st.sampled_from([*names, *names, "2", "3", "0.5"])

    def grow(inner):
        pair = st.tuples(inner, inner)
        binary = st.tuples(st.sampled_from("+-*/"), pair)
        two = st.tuples(st.sampled_from(["maximum", "minimum"]), pair)
        one = st.tuples(st.sampled_from(["tanh", "sin", "cos", "absolute"]), inner)
        whole = st.tuples(inner, st.sampled_from(["2", "3", "(-1)"]))
        return st.one_of(
            binary.map(lambda d: f"({d[1][0]} {d[0]} {d[1][1]})"),
            binary.map(lambda d: f"({d[1][0]} {d[0]} {d[1][1]})"),
            two.map(lambda d: f"{d[0]}({d[1][0]}, {d[1][1]})"),
            one.map(lambda d: f"{d[0]}({d[1]})"),
            inner.map(lambda e: f"sqrt(1 + ({e}) ** 2)"),
            inner.map(lambda e: f"(-{e})"),
            whole.map(lambda d: f"({d[0]} ** {d[1]})"),
            st.tuples(pair, pair).map(
                lambda d: f"where({d[0][0]} < {d[0][1]}, {d[1][0]}, {d[1][1]})"
            ),
        )

    return st.recursive(leaves, grow, max_leaves=6)


DRAWN = st.tuples(
    expressions(["a", "b", "c"]), expressions(["a", "b", "u0"]), expressions(["a", "u0", "u1"])
)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(lines=DRAWN, values=st.tuples(*[st.integers(-16, 16).filter(bool)] * 3))
@example(lines=("(-a)", "maximum(u0, u0)", "(u1 * a)"), values=(8, 1, 1))
@example(lines=("maximum(a, b)", "minimum(u0, (a * b))", "(u1 / (u0 + 2))"), values=(8, 8, 1))
def test_any_function_equals_jax_and_reads_back(lines, values):
    form = function_of(lines)
    at = dict(zip("abc", [v / 8 for v in values], strict=True))
    try:
        page = trace_backward(form, at, ["a", "b", "c"], digits=15)
    except ZeroDivisionError:  # among whole numbers that stand in the text, as in 1 / (2 - 2)
        assume(False)
    right = by_jax(form, at, ["a", "b", "c"])
    assume(all(math.isfinite(value) and abs(value) < 1e6 for value in right.values()))
    scale = max(1e-3, *(abs(e["value"]) for e in page["locals"] if e["value"] is not None), 1e-3)
    for name, value in right.items():
        entry = partial(page, name)
        assert entry["value"] == pytest.approx(value, rel=1e-9, abs=1e-11 * scale)
    for entry in (*page["locals"], *page["partials"]):
        if entry["value"] is None or abs(entry["value"]) > 1e6:
            continue
        mathml(entry["formula"])
        try:
            shown = float(Reader(entry["substituted"]).value())
        except ZeroDivisionError:  # a number below the digits that are printed
            continue
        assert shown == pytest.approx(entry["value"], rel=1e-6, abs=1e-6 * scale)


def test_the_formula_of_a_line_read_back_is_its_derivative():
    """The symbols too, not only the numbers put in: read with each symbol's value."""
    values = {"a": 1.25, "b": 0.5, "c": 0.375}
    form = read(every_function)
    scope = dict(values)
    scope |= {line.name: float(value) for line, value in form.execute(scope)}
    symbols = {name: mpmath.mpf(value) for name, value in scope.items()}
    for entry in trace_backward(form, values, list(values))["locals"]:
        right = entry["formula"].partition(" = ")[2]
        assert float(Reader(right, symbols).value()) == pytest.approx(entry["value"], rel=1e-12)
    assert np.isfinite(scope["L"])
