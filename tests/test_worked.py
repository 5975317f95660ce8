"""Formulas and steps worked by hand, against the assignment, 50 digits and a small LaTeX reader."""

from __future__ import annotations

import ast
import json
import math
import re
import xml.etree.ElementTree as ET

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from optlab.algebra import norm, total, where
from optlab.problems.assignment import FORWARD
from optlab.rules import REGISTRY, X0, make_rule
from optlab.straight import FormError, Line, Straight, read
from optlab.worked import formulas, mathml, trace_forward, trace_rule
from optlab.worked.formula import number, symbol, text

NAMES = ["w1", "b1", "w2", "b2"]
START = [0.5, 0.0, 0.3, 0.0]
GRADIENTS = [[-1.2, -0.6, -2.0, -1.0], [-0.8, -0.4, -1.5, -0.5]]
SETTINGS = {
    "sgd": {"lr": 0.1},
    "momentum": {"lr": 0.1, "beta": 0.9},
    "rmsprop": {"lr": 0.1, "beta": 0.9, "eps": 1e-8},
    "adam": {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-18},
}
ON_PAPER = {
    "sgd": [0.70, 0.10, 0.65, 0.15],
    "momentum": [0.808, 0.154, 0.83, 0.24],
    "rmsprop": [0.9980, 0.4980, 0.8123, 0.4636],
    "adam": [0.6971, 0.1971, 0.4983, 0.1933],
}


def page(name, exact=False):
    return trace_rule(REGISTRY[name], SETTINGS[name], START, GRADIENTS, NAMES, exact=exact)


def cell(line, parameter):
    return next(c for c in line["cells"] if c["parameter"] == parameter)


# The assignment


@pytest.mark.parametrize("name", SETTINGS)
def test_the_sixteen_answers_on_paper(name):
    assert page(name)["steps"][-1]["x"] == pytest.approx(ON_PAPER[name], abs=1e-4)


def by_hand(name, w, gradients):
    """Every value of every step for one parameter, from the assignment's formulas, to 50 digits."""
    tenth, nine, w = mpmath.mpf("0.1"), mpmath.mpf("0.9"), mpmath.mpf(w)
    v = s = m = mpmath.mpf(0)
    values = []
    for t, g in enumerate(map(mpmath.mpf, gradients), start=1):
        if name == "sgd":
            w = w - tenth * g
            values.append({"x": w})
        elif name == "momentum":
            v = nine * v + tenth * g
            w = w - v
            values.append({"v": v, "x": w})
        elif name == "rmsprop":
            s = nine * s + tenth * g * g
            w = w - tenth / mpmath.sqrt(s + mpmath.mpf(10) ** -8) * g
            values.append({"s": s, "x": w})
        else:
            m = nine * m + tenth * g
            v = mpmath.mpf("0.99") * v + mpmath.mpf("0.01") * g * g
            m_hat = m / (1 - nine**t)
            v_hat = v / (1 - mpmath.mpf("0.99") ** t)
            w = w - tenth * m_hat / (mpmath.sqrt(v_hat) + mpmath.mpf(10) ** -18)
            values.append({"m": m, "v": v, "m_hat": m_hat, "v_hat": v_hat, "x": w})
    return values


@pytest.mark.parametrize("name", SETTINGS)
def test_every_value_against_fifty_digits(name):
    traced = page(name, exact=True)
    written = [("0.5", "-1.2", "-0.8"), ("0", "-0.6", "-0.4"), ("0.3", "-2", "-1.5"),
               ("0", "-1", "-0.5")]  # fmt: skip
    with mpmath.workdps(50):
        for parameter, (start, *gradients) in zip(NAMES, written, strict=True):
            for step, hand in zip(traced["steps"], by_hand(name, start, gradients), strict=True):
                assert [line["name"] for line in step["lines"]] == list(hand)
                for line in step["lines"]:
                    entry, right = cell(line, parameter), hand[line["name"]]
                    assert entry["value"] == pytest.approx(float(right), rel=1e-12, abs=0)
                    assert (
                        abs(mpmath.mpf(entry["exact"]) - right)
                        <= abs(right) * mpmath.mpf(10) ** -28
                    )
    assert 0 <= traced["largest_error"] < 1e-14


def test_adams_page_reads_as_a_hand_would_write_it():
    step = page("adam")["steps"][1]
    shown = {line["name"]: cell(line, "w1") for line in step["lines"]}
    assert shown["m"]["substituted"] == r"0.9 \cdot (-0.12) + (1 - 0.9) \cdot (-0.8)"
    assert shown["m"]["text"] == "−0.1880"
    assert shown["v"]["substituted"] == r"0.99 \cdot 0.0144 + (1 - 0.99) \cdot (-0.8)^2"
    assert shown["m_hat"]["substituted"] == r"\frac{-0.188}{1 - 0.9^2}"
    assert shown["x"]["substituted"] == (
        r"0.6 - \frac{0.1 \cdot (-0.9895)}{\sqrt{1.038} + 10^{-18}}"
    )
    assert shown["x"]["text"] == "0.6971"


def test_part_a_forward():
    assert formulas(FORWARD) == [
        r"h = \max(0, w_1 x_1 + b_1)",
        r"\hat{y} = \max(0, h w_2 + b_2)",
        r"L = \frac{(y - \hat{y})^2}{2}",
    ]
    values = dict(zip(NAMES, START, strict=True)) | {"x_1": 2.0, "y": 5.0}
    h, y_hat, loss = trace_forward(FORWARD, values)
    assert (h["value"], h["substituted"]) == (1.0, r"\max(0, 0.5 \cdot 2 + 0)")
    assert (y_hat["value"], y_hat["substituted"]) == (0.3, r"\max(0, 1 \cdot 0.3 + 0)")
    assert loss["value"] == pytest.approx(11.045, rel=1e-15)
    assert (loss["name"], loss["substituted"]) == ("L", r"\frac{(5 - 0.3)^2}{2}")
    with pytest.raises(ValueError, match="no value for x_1"):
        trace_forward(FORWARD, dict(zip(NAMES, START, strict=True)) | {"y": 5.0})


# Formulas


def test_formulas_of_adam_and_rmsprop():
    assert formulas(REGISTRY["adam"].form) == [
        r"m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t",
        r"v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2",
        r"\hat{m}_t = \frac{m_t}{1 - \beta_1^t}",
        r"\hat{v}_t = \frac{v_t}{1 - \beta_2^t}",
        r"x_t = x_{t-1} - \frac{\eta \hat{m}_t}{\sqrt{\hat{v}_t} + \epsilon}",
    ]
    assert formulas(REGISTRY["rmsprop"].form) == [
        r"s_t = \beta s_{t-1} + (1 - \beta) g_t^2",
        r"x_t = x_{t-1} - \frac{\eta g_t}{\sqrt{s_t + \epsilon}}",
    ]
    assert formulas(REGISTRY["adam_eps_hat"].form)[2:] == [
        r"\eta_t = \frac{\eta \sqrt{1 - \beta_2^t}}{1 - \beta_1^t}",
        r"x_t = x_{t-1} - \frac{\eta_t m_t}{\sqrt{v_t} + \epsilon}",
    ]


@pytest.mark.parametrize("name", REGISTRY)
def test_every_rule_has_formulas_that_browsers_can_draw(name):
    form = REGISTRY[name].form
    equations = formulas(form)
    assert len(equations) == len(form.lines)
    lefts = [equation.split(" = ")[0] for equation in equations]
    assert len(set(lefts)) == len(lefts)  # no two names share a symbol
    assert all(re.search(r"_(t|\{([^{}]|\{[^{}]*\})*t\})$", left) for left in lefts)
    (last,) = (e for e in equations if e.startswith("x_t = "))
    assert "x_{t-1}" in "".join(equations)
    assert "x_t" not in last.removeprefix("x_t = ")
    for equation in equations:
        assert_drawn(equation)


def assert_drawn(latex):
    """Well-formed MathML in which no command is left as text."""
    tree = ET.fromstring(mathml(latex))
    assert tree.attrib["display"] == "block"
    tags = {element.tag.rsplit("}")[-1] for element in tree.iter()}
    assert "merror" not in tags
    assert "\\" not in "".join(tree.itertext())
    return tree


def test_mathml_is_mended_where_browsers_differ_from_tex():
    assert '<mo form="prefix">&#x02212;</mo>' in mathml("2 \\cdot (-3)")
    assert 'form="prefix"' not in mathml("(2) - 3")  # a subtraction stays one
    assert 'form="prefix"' not in mathml(r"[a] - 3")
    assert "<mi>max</mi>" in mathml(r"\max(a, b)")


def straight_line(code, inputs=("a", "b", "c")):
    expression = ast.parse(code, mode="eval").body
    return Straight(sum, "drawn", inputs, {}, {}, (Line("y", expression, 1),), ("y",), "", "")


def printed(code):
    return formulas(straight_line(code))[0].removeprefix("y = ")


@pytest.mark.parametrize(
    ("code", "latex"),
    [
        ("a - (b - c)", "a - (b - c)"),
        ("a - b - c", "a - b - c"),
        ("a + (b + c)", "a + b + c"),
        ("a + (-b)", "a + (-b)"),
        ("a * (-b)", r"a \, (-b)"),
        ("-a * b", "-a b"),
        ("c - -a * b", "c - (-a b)"),
        ("-(a + b)", "-(a + b)"),
        ("-a**2", "-a^2"),
        ("(-a)**2", "(-a)^2"),
        ("(a**b)**c", "(a^b)^c"),
        ("a**b**c", "a^{b^c}"),
        ("(a / b)**2", r"\left( \frac{a}{b} \right)^2"),
        ("a / b * c", r"\frac{a}{b} c"),
        ("a * 2", r"a \cdot 2"),
        ("2 * a * b", "2 a b"),
        ("2 * (a / b)", r"2 \cdot \frac{a}{b}"),  # 2 a/b would read as a mixed fraction
        ("2 * 10**-8 * a", r"2 \cdot 10^{-8} a"),
        ("1e-8 * a", "10^{-8} a"),
        ("(a > b) * c", r"\left[ a > b \right] c"),
        ("sqrt(a)**2", r"\sqrt{a}^2"),
        ("absolute(a - b)", r"\left| a - b \right|"),
        ("norm(a)**2", r"\left\lVert a \right\rVert^2"),
        ("total(a * b) * c", r"\left( \sum_i (a b)_i \right) c"),
        ("sign(a) * b", r"\mathrm{sign}(a) b"),
        ("exp(-a) + log(b)", r"\exp(-a) + \ln(b)"),
        ("where((a > 0) & ~(b == c), a, 0)",
         r"\begin{cases} a & \text{if } a > 0 \land \lnot (b = c) \\ 0 & \text{otherwise}"
         r" \end{cases}"),
        ("c + where(a > b, a, b)",
         r"c + \left( \begin{cases} a & \text{if } a > b \\ b & \text{otherwise} \end{cases}"
         r" \right)"),
        ("where(a > b, a, b) + c",
         r"\left( \begin{cases} a & \text{if } a > b \\ b & \text{otherwise} \end{cases}"
         r" \right) + c"),
        ("a // b % c", r"(\left\lfloor \frac{a}{b} \right\rfloor \bmod c)"),
    ],
)  # fmt: skip
def test_parentheses_stand_where_they_are_needed(code, latex):
    assert printed(code) == latex
    assert_drawn(latex)


@pytest.mark.parametrize("code", ["a @ b", "a << 2", "a ^ b"])
def test_an_operator_without_a_formula_is_refused(code):
    with pytest.raises(FormError, match="no formula"):
        printed(code)


def test_names():
    assert symbol("w1") == "w_1"
    assert symbol("x_1") == "x_1"
    assert symbol("y_hat") == r"\hat{y}"
    assert symbol("mu") == r"\mu"
    assert symbol("v_max") == r"v_{\mathrm{max}}"
    assert symbol("long_name") == r"\mathit{long\_name}"
    assert symbol("_odd__name_") == r"\mathit{\_odd\_\_name\_}"
    for name in ("w1", "y_hat", "v_max", "long_name", "_odd__name_"):
        assert_drawn(symbol(name))
    drawn = "".join(assert_drawn(symbol("long_name")).itertext())
    assert drawn == "long_name"


def test_two_names_never_share_a_symbol():
    form = straight_line("a1 + a_1", ("a1", "a_1"))
    assert formulas(form) == [r"y = a_1 + \mathit{a\_1}"]


@pytest.mark.parametrize(
    ("value", "latex", "plain"),
    [
        (0.0, "0", "0.0000"),
        (-0.0, "0", "0.0000"),
        (2, "2", "2.0000"),
        (-0.12, "-0.12", "−0.1200"),
        (0.69711977, "0.6971", "0.6971"),
        (0.020656, "0.02066", "0.02066"),
        (0.0051637, "0.005164", "0.005164"),
        (0.0144, "0.0144", "0.0144"),
        (-0.0600000001, "-0.06", "−0.0600"),
        (0.0036, "0.0036", "0.0036"),
        (0.00020784, "0.0002078", "0.0002078"),
        (1e-8, "10^{-8}", "1·10⁻⁸"),
        (-1e-8, "-10^{-8}", "−1·10⁻⁸"),
        (2.07854e-6, r"2.079 \cdot 10^{-6}", "2.079·10⁻⁶"),
        (12345678.0, r"1.235 \cdot 10^{7}", "1.235·10⁷"),
        (math.inf, r"\infty", "∞"),
        (-math.inf, r"-\infty", "−∞"),
        (math.nan, r"\mathrm{NaN}", "NaN"),
    ],
)
def test_numbers(value, latex, plain):
    assert number(value) == latex
    assert text(value) == plain


@pytest.mark.parametrize(
    ("value", "latex"),
    [
        (0.999, "0.999"),
        (0.9999, "0.9999"),
        (0.999999, "0.999999"),
        (1e-18, "10^{-18}"),
        (5e-5, r"5 \cdot 10^{-5}"),
        (0.00031622776601683794, "0.000316228"),
        (1 - 3.16227766e-8, "0.9999999683772234"),  # never rounded to 1
    ],
)
def test_a_setting_is_printed_in_full(value, latex):
    assert number(value, full=True) == latex


# A small reader of LaTeX, written from the grammar of formulas and not from the printer. It is
# strict: two signs in a row, two numbers side by side or a number before a fraction are errors.

TOKEN = re.compile(r"\s*(\\left|\\right|\\begin\{cases\}|\\end\{cases\}|\\text\{[^}]*\}|\\\\|\\,|"
                   r"\\mathrm\{sign\}|\\mathrm\{NaN\}|\\[a-zA-Z]+|\d+\.?\d*|\S)")  # fmt: skip


class Reader:
    def __init__(self, latex, symbols=None):
        assert "".join(TOKEN.findall(latex)).replace(" ", "") == latex.replace(" ", "")
        # An opening bar and a closing one are told apart by what stands before them.
        sided = latex.replace(r"\left|", r"\lvert ").replace(r"\right|", r"\rvert ")
        self.tokens = [t for t in TOKEN.findall(sided) if t not in (r"\,", r"\left", r"\right")]
        self.symbols = symbols or {}
        self.at = 0

    def value(self):
        result = self.sum()
        assert self.at == len(self.tokens), f"left over: {self.tokens[self.at :]}"
        return result

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def before(self):
        return self.tokens[self.at - 2] if self.at > 1 else ""

    def take(self, expected=None):
        token = self.peek()
        assert expected is None or token == expected, f"{token!r} where {expected!r} belongs"
        self.at += 1
        return token

    def accept(self, token):
        if self.peek() == token:
            self.at += 1
            return True
        return False

    def group(self):
        self.take("{")
        value = self.sum()
        self.take("}")
        return value

    def sum(self):
        value = -self.product() if self.accept("-") else self.product()
        while self.peek() in ("+", "-"):
            value = value + self.product() if self.take() == "+" else value - self.product()
        return value

    def product(self):
        if self.peek() == r"\sum":  # stands alone: a factor behind it would be summed too
            for token in (r"\sum", "_", "i", "("):
                self.take(token)
            value = self.sum()
            for token in (")", "_", "i"):
                self.take(token)
            assert self.peek() not in ("^", r"\cdot"), "a factor behind a sum"
            assert not self.begins_factor(), "a factor behind a sum"
            return value
        lone = self.peek()[0].isdigit()
        value = self.power()
        while True:
            if self.accept(r"\cdot"):
                value = value * self.power()
            elif self.begins_factor():
                assert not self.peek()[0].isdigit(), "a number without a dot"
                assert not (lone and self.peek() == r"\frac"), "a mixed fraction"
                value = value * self.power()
            else:
                return value
            lone = False

    def begins_factor(self):
        token = self.peek()
        others = ("+", "-", "^", r"\land", r"\lor", r"\bmod", *RELATIONS, *CLOSERS)
        return token not in others and not token.startswith(r"\text")

    def power(self):
        value = self.base()
        if self.accept("^"):
            exponent = self.group() if self.peek() == "{" else self.single()
            assert self.peek() != "^", "a power of a power"
            value = value**exponent
        return value

    def single(self):
        token = self.take()
        return mpmath.mpf(token) if token.isdigit() else self.symbols[token]

    def base(self):
        token = self.take()
        if token[0].isdigit():
            return mpmath.mpf(token)
        if token == "(":
            value = self.sum()
            if self.accept(r"\bmod"):
                value = value % self.sum()
            self.take(")")
            return value
        if token == "[":
            holds = self.proposition()
            self.take("]")
            return mpmath.mpf(int(holds))
        if token == r"\frac":
            top = self.group()
            return top / self.group()
        if token == r"\sqrt":
            return mpmath.sqrt(self.group())
        if token in (r"\lvert", r"\lVert"):
            value = self.sum()
            self.take(token.replace("l", "r", 1))
            return abs(value)
        if token == r"\lfloor":
            value = self.sum()
            self.take(r"\rfloor")
            return mpmath.floor(value)
        if token == r"\begin{cases}":
            assert self.before() in ("", "(", "{", r"\lvert", ",", r"\lVert", "\\\\", token)
            value = self.cases()
            assert self.peek() in CLOSERS, "what stands behind the branches is in none of them"
            return value
        if token == r"\infty":
            return mpmath.inf
        if token in CALLS:
            self.take("(")
            arguments = [self.sum()]
            while self.accept(","):
                arguments.append(self.sum())
            self.take(")")
            return CALLS[token](*arguments)
        assert token in self.symbols, f"{token!r} begins no factor"
        return self.symbols[token]

    def cases(self):
        then = self.sum()
        self.take("&")
        assert self.take() == r"\text{if }"
        holds = self.proposition()
        self.take("\\\\")
        otherwise = self.sum()
        self.take("&")
        assert self.take() == r"\text{otherwise}"
        self.take(r"\end{cases}")
        return then if holds else otherwise

    def proposition(self):
        holds = self.claim()
        while self.peek() in (r"\land", r"\lor"):
            token, other = self.take(), self.claim()
            holds = (holds and other) if token == r"\land" else (holds or other)
        return holds

    def claim(self):
        if self.accept(r"\lnot"):
            self.take("(")
            holds = not self.proposition()
            self.take(")")
            return holds
        start = self.at
        if self.accept("("):  # a proposition in parentheses, or a number in them
            try:
                holds = self.proposition()
                self.take(")")
            except (AssertionError, KeyError):
                holds = None
            if isinstance(holds, bool) and self.peek() in (")", "]", r"\land", r"\lor", "\\\\"):
                return holds
            self.at = start
        left = self.sum()
        if self.peek() not in RELATIONS:
            return left != 0
        holds = True
        while self.peek() in RELATIONS:
            relation, right = RELATIONS[self.take()], self.sum()
            holds, left = holds and bool(relation(left, right)), right
        return holds


CALLS = {
    r"\max": lambda a, b: max(a, b), r"\min": lambda a, b: min(a, b), r"\exp": mpmath.exp,
    r"\ln": mpmath.log, r"\sin": mpmath.sin, r"\cos": mpmath.cos, r"\tanh": mpmath.tanh,
    r"\mathrm{sign}": mpmath.sign,
}  # fmt: skip
CLOSERS = ("", ")", "]", "}", r"\rvert", r"\rVert", r"\rfloor", "&", "\\\\", r"\end{cases}", ",")
RELATIONS = {
    "<": lambda a, b: a < b, ">": lambda a, b: a > b, "=": lambda a, b: a == b,
    r"\leq": lambda a, b: a <= b, r"\geq": lambda a, b: a >= b, r"\neq": lambda a, b: a != b,
}  # fmt: skip


@pytest.mark.parametrize(
    ("latex", "value"),
    [
        (r"2 + 3 \cdot (-4)^2", 50),
        (r"-2^2 + \frac{1}{4}", -3.75),
        (r"\max(1, \left| -3 \right|) \cdot 2", 6),
        (r"\begin{cases} 1 & \text{if } 2 > 1 \land \lnot (1 = 1) \\ 5 & \text{otherwise} "
         r"\end{cases}", 5),
        (r"(7 \bmod 4) + \left\lfloor \frac{7}{2} \right\rfloor", 6),
    ],
)  # fmt: skip
def test_the_reader_itself(latex, value):
    assert Reader(latex).value() == value


@pytest.mark.parametrize(
    "latex",
    [
        "2 + -3",
        "2 3",
        r"2 \frac{1}{2}",
        "a^b^c",
        "(1 + 2",
        r"\sum_i (a)_i b",
        r"\begin{cases} 1 & \text{if } 2 > 1 \\ 5 & \text{otherwise} \end{cases} + 1",
    ],
)
def test_the_reader_refuses_what_a_person_would_misread(latex):
    with pytest.raises(AssertionError):
        Reader(latex, {"a": 1, "b": 2, "c": 3}).value()


with mpmath.workdps(60):
    LITERALS = {f"n{i}": mpmath.mpf(n) for i, n in enumerate(["2", "3", "0.5", "1e-8", "12", "1"])}


def decimals(code):
    """The code with its literals as 60-digit decimals, which is what they are on paper."""
    names = {float(value): name for name, value in LITERALS.items()}

    class Decimals(ast.NodeTransformer):
        def visit_Constant(self, node):
            return ast.Name(names[float(node.value)], ast.Load())

    return ast.unparse(Decimals().visit(ast.parse(code, mode="eval")))


LEAVES = st.sampled_from(["a", "b", "c", "2", "3", "0.5", "1e-08", "12"])
EXPONENTS = st.sampled_from(["2", "3", "a", "(a + 1)", "(-b)", "(a * b)", "(1 / b)"])


def grow(inner):
    pair = st.tuples(inner, inner)
    binary = st.tuples(st.sampled_from("+-*/"), pair).map(lambda d: f"({d[1][0]} {d[0]} {d[1][1]})")
    unary = inner.map(lambda e: f"(-{e})")
    powers = st.tuples(inner, EXPONENTS).map(lambda d: f"(absolute({d[0]}) ** {d[1]})")
    whole = st.tuples(inner, st.sampled_from("23")).map(lambda d: f"({d[0]} ** {d[1]})")
    one = st.tuples(st.sampled_from(["tanh", "sign", "absolute", "cos", "norm", "total"]), inner)
    calls = one.map(lambda d: f"{d[0]}({d[1]})")
    roots = inner.map(lambda e: f"sqrt(absolute({e}))")
    two = st.tuples(st.sampled_from(["maximum", "minimum"]), pair)
    calls2 = two.map(lambda d: f"{d[0]}({d[1][0]}, {d[1][1]})")
    compare = st.tuples(st.sampled_from(["<", "<=", ">", ">="]), pair).map(
        lambda d: f"({d[1][0]} {d[0]} {d[1][1]})"
    )
    chosen = st.tuples(compare, pair).map(lambda d: f"where({d[0]}, {d[1][0]}, {d[1][1]})")
    bracket = st.tuples(compare, inner).map(lambda d: f"({d[0]} * {d[1]})")
    return st.one_of(
        binary, binary, binary, unary, powers, whole, calls, roots, calls2, chosen, bracket
    )


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    code=st.recursive(LEAVES, grow, max_leaves=10),
    values=st.tuples(*[st.integers(-16, 16).filter(bool).map(lambda n: n / 8)] * 3),
)
def test_a_formula_read_back_gives_the_value_of_its_line(code, values):
    with mpmath.workdps(60):
        scope = dict(zip("abc", map(mpmath.mpf, values), strict=True))
        try:
            ((_, value),) = straight_line(decimals(code)).execute(scope | LITERALS)
        except ZeroDivisionError:
            assume(False)
        assume(abs(value) < mpmath.mpf(10) ** 1000)
        read_back = Reader(printed(code), scope).value()
        assert mpmath.almosteq(read_back, value, rel_eps=mpmath.mpf(10) ** -25, abs_eps=1e-40)
    assert_drawn(printed(code))


# Steps


def exactly_once(rule, x, g):
    """One step by calling the function itself, on doubles, from the rule's own start."""
    form = rule.form
    given = {"x": x, "g": g, "t": 1}
    states = [x if value is X0 else np.full_like(x, value) for value in form.states.values()]
    constants = {name: np.float64(value) for name, value in form.constants.items()}
    result = form.function(*(given[name] for name in form.inputs), *states, **constants)
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize("name", REGISTRY)
def test_line_by_line_equals_calling_the_function(name):
    rule, x, g = REGISTRY[name], np.array(START), np.array(GRADIENTS[0])
    whole = exactly_once(rule, x, g)
    traced = trace_rule(rule, {}, START, GRADIENTS[:1], NAMES)["steps"][0]
    values = {line["name"]: [c["value"] for c in line["cells"]] for line in traced["lines"]}
    assert traced["x"] == list(whole[0])
    for returned, value in zip(rule.form.returns, whole, strict=True):
        if returned in values:
            assert values[returned] == list(np.ravel(value))


@pytest.mark.parametrize("name", REGISTRY)
def test_the_numbers_put_in_give_the_value(name):
    rule = REGISTRY[name]
    traced = trace_rule(rule, {}, [0.5, 0.1, 0.3, -0.2], GRADIENTS, NAMES, digits=15, exact=True)
    assert traced["largest_error"] < 1e-9
    for step in traced["steps"]:
        for line in step["lines"]:
            for entry in line["cells"]:
                read_back = Reader(entry["substituted"]).value()
                assert float(read_back) == pytest.approx(entry["value"], rel=1e-9, abs=1e-12)


def clipped(x, g, t, m=0.0, my_mean=X0, *, lr=0.1, beta=0.9, my_clip=1.0):
    """A user's rule: the gradient clipped to a norm, a sign where it grows, a mean of the path."""
    n = norm(g)
    g_bar = where(n > my_clip, my_clip * g / n, g)
    m = beta * m + (1 - beta) * g_bar
    step = lr * where(m * g > 0, m, 0.0) / (1 - beta**t) - lr * total(g) * 0
    my_mean = my_mean + (x - my_mean) / t
    x = x - step
    return x, m, my_mean


def test_a_users_rule_with_norm_and_where():
    rule = make_rule(clipped)
    assert formulas(rule.form) == [
        r"n_t = \left\lVert g_t \right\rVert",
        r"\bar{g}_t = \begin{cases} \frac{\mathit{my\_clip} \, g_t}{n_t} & \text{if } n_t >"
        r" \mathit{my\_clip} \\ g_t & \text{otherwise} \end{cases}",
        r"m_t = \beta m_{t-1} + (1 - \beta) \bar{g}_t",
        r"\mathit{step}_t = \frac{\eta \, \left( \begin{cases} m_t & \text{if } m_t g_t > 0 \\ 0 &"
        r" \text{otherwise} \end{cases} \right)}{1 - \beta^t} - \eta \, \left( \sum_i"
        r" (g_t)_i \right) \cdot 0",
        r"\mathit{my\_mean}_t = \mathit{my\_mean}_{t-1} + \frac{x_{t-1} -"
        r" \mathit{my\_mean}_{t-1}}{t}",
        r"x_t = x_{t-1} - \mathit{step}_t",
    ]
    traced = trace_rule(rule, {}, [1.0, 2.0], [[3.0, 4.0], [0.3, -0.4]], ["long_name", "b"])
    first = {line["name"]: line for line in traced["steps"][0]["lines"]}
    (length,) = first["n"]["cells"]  # one for the whole vector
    assert length == {"parameter": None, "substituted": "5", "value": 5.0, "text": "5.0000"}
    assert cell(first["g_bar"], "b")["value"] == pytest.approx(0.8, rel=1e-15)
    assert cell(first["step"], "long_name")["substituted"].endswith(r"- 0.1 \cdot 7 \cdot 0")
    assert cell(first["my_mean"], "b")["value"] == 2.0
    # by hand: the unit gradient (0.6, 0.8) is the corrected mean of step 1
    assert traced["steps"][0]["x"] == pytest.approx([0.94, 1.92], rel=1e-15)
    # m = 0.9 (0.06, 0.08) + 0.1 (0.3, -0.4) = (0.084, 0.032); only the first agrees with g
    second = [0.94 - 0.1 * 0.084 / 0.19, 1.92]
    assert traced["steps"][1]["x"] == pytest.approx(second, rel=1e-14)
    for step in traced["steps"]:
        for line in step["lines"]:
            assert_drawn(line["formula"])
            for entry in line["cells"]:
                assert_drawn(entry["substituted"])


def test_a_gradient_function_and_the_true_gradient():
    def gradient(x):
        return 2 * x

    traced = trace_rule(REGISTRY["sgd"], {"lr": 0.25}, [1.0, -4.0], gradient, ["a", "b"], steps=3,
                        true_gradient=gradient, optimizer="plain", problem="bowl")  # fmt: skip
    assert [step["x"] for step in traced["steps"]] == [[0.5, -2.0], [0.25, -1.0], [0.125, -0.5]]
    assert traced["steps"][1]["gradient"] == [1.0, -4.0]
    assert traced["true_gradient"] == [2.0, -8.0]
    assert (traced["optimizer"], traced["rule"], traced["problem"]) == ("plain", "sgd", "bowl")
    assert traced["title"] == "plain on bowl: 3 steps by hand"


def test_given_gradients_last_as_long_as_their_list():
    rule = REGISTRY["sgd"]
    whole, cut, beyond = (
        trace_rule(rule, {}, START, GRADIENTS, NAMES, steps=steps) for steps in (None, 1, 9)
    )
    assert len(whole["steps"]) == 2
    assert beyond == whole
    assert cut["steps"] == whole["steps"][:1]


def test_a_page_survives_a_file():
    traced = page("adam", exact=True)
    assert json.loads(json.dumps(traced, allow_nan=False)) == traced
    assert list(traced["hypers"].items()) == list(SETTINGS["adam"].items())


def test_what_overflows_is_told_and_not_raised():
    traced = trace_rule(REGISTRY["sgd"], {"lr": 1e308}, [0.0], [[-100.0], [100.0]], ["a"])
    entry = traced["steps"][0]["lines"][0]["cells"][0]
    assert (entry["value"], entry["text"]) == (None, "∞")
    assert traced["steps"][1]["lines"][0]["cells"][0]["text"] == "NaN"
    json.dumps(traced, allow_nan=False)


def test_where_exact_arithmetic_divides_by_zero_it_ends():
    traced = trace_rule(REGISTRY["rmsprop"], {"eps": 0.0}, [1.0], [[1.0], [0.0]], ["a"], exact=True)
    assert cell(traced["steps"][0]["lines"][0], "a")["exact"] == "0.1"
    still = trace_rule(REGISTRY["rmsprop"], {"eps": 0.0}, [1.0], [[0.0]], ["a"], exact=True)
    last = still["steps"][0]["lines"][-1]["cells"][0]
    assert (last["text"], last["exact"]) == ("NaN", None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hypers": {"rate": 1.0}}, "sgd has no hyperparameter 'rate'; it has lr"),
        ({"start": [1.0, 2.0]}, r"start: needs 1 numbers \(a\)"),
        ({"gradients": [[1.0, 2.0]]}, "gradients: need one row of 1 numbers a step"),
        ({"gradients": []}, "gradients: need one row of 1 numbers a step"),
        ({"steps": 0}, "steps: 0 asked for, and a page needs 1 or more"),
        ({"gradients": lambda x: x}, "steps: say how many"),
    ],
)
def test_what_does_not_fit_is_said(change, message):
    fitting = {"hypers": {}, "start": [1.0], "gradients": [[1.0]], "names": ["a"]}
    with pytest.raises(ValueError, match=message):
        trace_rule(REGISTRY["sgd"], **(fitting | change))


def staggered(x, g, t, *, lr=0.1):
    """A rule that divides whole numbers by zero at its first step."""
    rate = 1 / (t - 1)
    x = x - lr * rate * g
    return x


def test_a_division_of_whole_numbers_by_zero_is_said():
    with pytest.raises(ValueError, match="a line divides by zero at step 1"):
        trace_rule(make_rule(staggered), {}, [1.0], [[1.0]], ["a"])


def test_a_function_of_one_number_has_no_time():
    assert formulas(read(bowl)) == [r"L = \frac{x^2}{2}"]
    ((entry),) = trace_forward(read(bowl), {"x": -3.0})
    assert (entry["substituted"], entry["value"]) == (r"\frac{(-3)^2}{2}", 4.5)


def bowl(x):
    L = x**2 / 2
    return L
