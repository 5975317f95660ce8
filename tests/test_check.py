"""A page that was worked by hand, checked: the assignment's own, and each verdict and cause by itself."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import mpmath
import pytest
from typer.testing import CliRunner

from optlab import byhand, cli
from optlab.arithmetic import PaperError, members_of, numbers, read_chain, value_of
from optlab.rules import REGISTRY
from optlab.spec import SpecError, parse, read
from optlab.worked.checked import Checked
from optlab.worked.digits import Figure, figure_of, shown, wanted
from optlab.worked.marks import points, summary

ASSIGNMENT = Path(__file__).parents[1] / "experiments" / "assignment-02.yaml"

HEAD = """
title: a page
problems:
  - given: {use: recorded_gradients, start: {w1: 0.5, b1: 0}, w1: [-1.2, -0.8], b1: [-0.6, -0.4]}
optimizers:
  - momentum: {lr: 0.1, beta: 0.9}
  - rmsprop: {lr: 0.1, beta: 0.9, eps: 1e-8}
  - adam: {lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 1e-8}
handwritten:
"""


def check(*lines: str, head: str = HEAD) -> list[Checked]:
    text = head + "".join(f"  {line}\n" for line in lines)
    return byhand.check(parse(text, Path("page.yaml")))


def one(*lines: str) -> Checked:
    """What is found of the last of `lines`."""
    found = check(*lines)
    last = lines[-1].split(":")[0]
    return next(line for line in found if line.written_line.key == last)


# The assignment

SLIPS = {
    # By the page itself: sqrt(0.1936) = 0.44; 0.0484; g_1 for v_1 = 0.1 g_1; -0.66 for -0.6; 0.2563,
    # 3.121 and 0.6231 a place too far right of what is written; m_hat_b2 in the line of w2; brackets.
    "momentum 2 v_w1": ("-1.2", "-0.12", "another quantity"),
    "momentum 2 v_b1": ("-0.6", "-0.06", "another quantity"),
    "momentum 2 v_w2": ("-2", "-0.2", "another quantity"),
    "momentum 2 v_b2": ("-1", "-0.1", "another quantity"),
    "rmsprop 2 s_w1": ("0.44", "0.1936", "early root"),
    "rmsprop 2 s_b1": ("0.484", "0.0484", "shifted decimal point"),
    "adam m_hat": ("m / (1 - beta1)^t", "m / (1 - beta1^t)", "misplaced bracket"),
    "adam 1 m_b1": ("-0.66", "-0.6", "doubled digit"),
    "adam 1 m_hat": ("m / 1 - 0.9", "m / (1 - beta1^t)", "misplaced bracket"),
    "adam 1 v_hat": ("v / 1 - 0.99", "v / (1 - beta2^t)", "misplaced bracket"),
    "adam 2 v_hat_b1": ("0.02", "0.2563", "shifted decimal point"),
    "adam 2 v_hat_w2": ("0.31", "3.121", "shifted decimal point"),
    "adam 2 v_hat_b2": ("0.06", "0.6231", "shifted decimal point"),
    "adam 2 w2": ("-0.73", "-1.737", "another parameter's value"),
}


@pytest.fixture(scope="module")
def page() -> list[Checked]:
    return byhand.check(read(ASSIGNMENT))


def test_every_slip_of_the_assignment_is_found_and_none_invented(page: list[Checked]) -> None:
    slips = {line.written_line.key: line for line in page if line.verdict == "slip"}
    found = {key: (line.written, line.expected, line.cause) for key, line in slips.items()}
    assert found == SLIPS


def test_what_else_the_assignment_comes_to(page: list[Checked]) -> None:
    by_key = {line.written_line.key: line for line in page}
    assert Counter(line.verdict for line in page) == {
        "correct as rounded": 65, "correct as truncated": 7, "close": 1, "slip": 14, "not carried": 6,
    }  # fmt: skip
    close = by_key["rmsprop 2 w2"]  # sqrt(0.585) = 0.76485
    assert (close.verdict, close.written, close.expected) == ("close", "0.7645", "0.7649")
    passed = {key for key, line in by_key.items() if line.verdict == "not carried"}
    assert passed == {"rmsprop 2 w1", "rmsprop 2 b1", "adam 1 m_hat_b1", "adam 2 m_b1", "adam 2 b1",
                      "adam 2 b2"}  # fmt: skip
    assert summary(page) == "16 of 16 answers right. 14 lines slipped; no slip reached an answer."
    inside = {key for key, line in by_key.items() if "inside the root" in line.note}
    assert inside == {f"adam 2 {name}" for name in ("w1", "b1", "w2", "b2")}


def test_the_exact_values_are_those_of_fifty_digits(page: list[Checked]) -> None:
    values = {line.written_line.key: line.exact for line in page}
    with mpmath.workdps(50):
        s = mpmath.mpf("0.9") * mpmath.mpf("0.144") + mpmath.mpf("0.1") * mpmath.mpf("0.64")
        x = mpmath.mpf("0.5") + mpmath.mpf("0.12") / mpmath.sqrt("0.14400001")
        x += mpmath.mpf("0.08") / mpmath.sqrt(s + mpmath.mpf("1e-8"))
        assert values["rmsprop 2 w1"] == mpmath.nstr(x, 12)
        assert values["rmsprop 2 s_w1"] == "0.1936"


# Verdicts


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        (("rmsprop 1 s_w1: 0.144",), "correct as rounded"),
        (("rmsprop 1 w1: 0.8162",), "correct as rounded"),  # 0.816228
        (("rmsprop 1 root_w1: 0.37947",), "correct as rounded"),  # 0.379473
        (("rmsprop 2 w1: 0.9980",), "correct as rounded"),
        (("rmsprop 2 w1: 0.99805",), "correct as rounded"),  # 0.9980459
        (("rmsprop 2 w1: 0.99804",), "correct as truncated"),
        (("rmsprop 2 w1: 0.9981",), "close"),
        (("rmsprop 2 s_w1: 0.193",), "correct as truncated"),
        (("rmsprop 2 s_w1: 0.44",), "slip"),
        (("rmsprop 2 s_w1: 0.44", "rmsprop 2 w1: 0.9368"), "follows from an earlier slip"),
        (("rmsprop 2 s_w1: 0.44", "rmsprop 2 w1: 0.9980"), "not carried"),
        (("rmsprop 2 s_w1: 0.44", "rmsprop 2 w1: 0.7"), "slip"),
        (("rmsprop 1 g_w1: -1.2",), "correct as rounded"),
        (("rmsprop 1 g_w1: -2.1",), "slip"),
        (("rmsprop 1 increment_w1: 0.3162",), "correct as rounded"),  # what is added
        (("rmsprop 1 increment_w1: -0.3162",), "correct as rounded"),  # or taken off
        (("rmsprop 1 root_w1: 0.3795", "rmsprop 1 w1: 0.5 + 0.12/0.3795 = 0.8162"),
         "correct as rounded"),
        (("rmsprop 1 root_w1: 0.144", "rmsprop 1 w1: 0.5 + 0.12/0.144 = 1.3333"),
         "follows from an earlier slip"),
        (("momentum 2 v_w1: (0.9)(-0.12) + (0.1)(-0.8) = -0.108 - 0.08 = -0.188",),
         "correct as rounded"),
        (("momentum 2 v_w1: (0.9)(-0.12) + (0.1)(-0.8) = -0.108 - 0.08 = -0.198",), "slip"),
        (("momentum 2 v_w1: (0.9)(-0.12) + (0.1)(-0.8) = -0.108 + 0.08 = -0.028",), "slip"),
        (("momentum 1 v: beta(0) + lr g",), "correct as rounded"),
        (("momentum 2 v: beta v + g",), "slip"),
        (("adam 1 v_w1: ~~0.44~~ = 0.0144",), "correct as rounded"),
    ],
)  # fmt: skip
def test_verdicts(lines: tuple[str, ...], verdict: str) -> None:
    found = one(*lines)
    assert found.verdict == verdict, found


def test_carried_rounding_is_no_slip() -> None:
    # s_1 = 0.036 and its root 0.19: 0.06/0.19 = 0.3158, where 0.3162 is exact.
    found = check("rmsprop 1 root_b1: 0.19", "rmsprop 1 b1: 0.3158", "rmsprop 2 b1: 0.4976")
    assert {line.verdict for line in found} == {"correct as rounded"}


def test_one_slip_is_told_once() -> None:
    # The velocity of step 1 has lost its sign; everything below goes on with it.
    found = check("momentum 1 v_w1: 0.12", "momentum 1 w1: 0.38", "momentum 2 v_w1: 0.028",
                  "momentum 2 w1: 0.352")  # fmt: skip
    verdicts = [line.verdict for line in found]
    assert verdicts == ["slip", *["follows from an earlier slip"] * 3]
    assert found[0].cause == "swapped sign"
    again = check("momentum 1 v_w1: 0.12", "momentum 1 w1: 0.38", "momentum 2 v_w1: 0.28")
    assert [line.verdict for line in again][-1] == "slip"


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        (("rmsprop 1 s_w1: -0.12",), "unsquared gradient"),
        (("rmsprop 2 w1: 1.3333",), None),
        (("rmsprop 2 s_w1: 0.0496",), "unsquared gradient"),  # 0.1296 - 0.08
        (("rmsprop 2 s_w1: 0.4400",), "early root"),
        (("rmsprop 2 w1: 1.22945",), "lost root"),  # 0.08 / 0.1936 = 0.41322
        (("rmsprop 2 s_w1: 1.936",), "shifted decimal point"),
        (("rmsprop 2 w1: 0.634410",), "swapped sign"),  # 0.816228 - 0.181818
        (("rmsprop 2 s_w1: 0.1440",), "previous step's value"),
        (("rmsprop 2 s_w1: 0.04840",), "another parameter's value"),
        (("adam 2 m_hat_w1: -0.1880",), "missing bias correction"),
        (("adam 2 m_hat_w1: -18.80",), "misplaced bracket"),  # -0.188 / 0.1^2
        (("momentum 2 v_w1: -0.9080",), "other convention"),  # momentum_pytorch on v_1 = -0.12
        (("rmsprop 2 s_w1: 0.9136",), "swapped digits"),
    ],
)
def test_causes(lines: tuple[str, ...], cause: str | None) -> None:
    found = one(*lines)
    assert (found.verdict, found.cause) == ("slip", cause), found.detail


def test_a_page_of_the_networks_own_gradient_and_its_forward_pass() -> None:
    head = """
title: a network
steps: 2
problems:
  - net: {use: relu_network, x: 2, y: 5, start: {w1: 0.5, b1: 0, w2: 0.3, b2: 0}}
optimizers:
  - sgd: {lr: 0.1}
handwritten:
"""
    # dL/dw2 = (y_hat - y) h = -4.7, dL/dw1 = (y_hat - y) w2 x = -2.82.
    found = check("forward h: 2(0.5) + 0 = 1", "forward y_hat: 0.3", "forward L: 4.7^2/2 = 11.45",
                  "sgd 1 g_w1: -2.82", "sgd 1 w2: 0.3 + 0.1(4.7) = 0.77", head=head)  # fmt: skip
    verdicts = {line.written_line.key: line.verdict for line in found}
    assert verdicts.pop("forward L") == "slip"  # 11.045
    assert set(verdicts.values()) == {"correct as rounded"}


@pytest.mark.parametrize("name", REGISTRY)
def test_every_rule_can_be_checked(name: str) -> None:
    """A clean page made of the rule's own double arithmetic has no slip."""
    head = (
        "title: t\nproblems:\n  - given: {use: recorded_gradients, start: {a: 0.5, b: -0.2},"
        f" a: [0.3, -0.7], b: [1.1, 0.4]}}\noptimizers:\n  - {name}: {{lr: 0.1}}\nhandwritten:\n"
    )
    rule = REGISTRY[name]
    hypers = {**rule.hypers, "lr": 0.1}
    lines = []
    for p, x, gradients in (("a", 0.5, (0.3, -0.7)), ("b", -0.2, (1.1, 0.4))):
        states = {n: float(v) for n, v in rule.form.states.items()}
        for t, g in enumerate(gradients, 1):
            scope: dict[str, Any] = {**hypers, **states, "x": x, "g": g, "t": t}
            for line, value in rule.form.execute(scope):
                scope[line.name] = value
                label = p if line.name == "x" else f"{line.name}_{p}"
                if line.name != "lr_t" or p == "a":
                    label = "lr_t" if line.name == "lr_t" else label
                    lines.append(f"{name} {t} {label}: {value:.6g}")
            x, states = scope["x"], {n: scope[n] for n in states}
    found = check(*lines, head=head)
    assert len(found) == len(lines)
    assert not [f for f in found if not f.verdict.startswith("correct")]


# Points


def test_points_credit_what_follows() -> None:
    head = HEAD.replace("handwritten:", "marking: {line: 2, answer: 3}\nhandwritten:")
    lines = ("momentum 1 v_w1: 0.12", "momentum 1 w1: 0.38", "momentum 1 v_b1: -0.06",
             "momentum 1 b1: 0 + 0.6 = 0.06")  # fmt: skip
    experiment = parse(head + "".join(f"  {x}\n" for x in lines), Path("page.yaml"))
    had = [points(line, experiment.marking) for line in byhand.check(experiment)]
    # In the order of the work: the slip in v has none, what follows all, a slip on the way half.
    assert sorted(had) == [0.0, 1.5, 2.0, 3.0]
    strict = parse(head.replace("answer: 3", "answer: 3, follow_through: false") +
                   "".join(f"  {x}\n" for x in lines), Path("page.yaml"))  # fmt: skip
    assert sum(points(line, strict.marking) for line in byhand.check(strict)) == sum(had) - 3


# Arithmetic


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("(0.9)(0.144) + (0.1)(0.8^2) = 0.1296 + 0.064 = 0.44", ["0.1936", "0.1936", "0.44"]),
        ("0.5 - 0.1(-1.2)", ["0.62"]),
        (r"0.5 - \frac{0.1(-1.2)}{\sqrt{0.1296 + 0.0144}}", ["0.816227766017"]),
        ("-0.8^2 = (−0.8)² = |−3| · 2", ["-0.64", "0.64", "6"]),
        ("2/3 × 3 ÷ 2", ["1"]),
        ("1.2·10^-3 //", ["0.0012"]),
        ("√0.25 + √(4) = sqrt 9", ["2.5", "3"]),
        ("max(0, -1) + ReLU(2) = ~~7~~ = \\boxed{2}", ["2", "2"]),
        ("2^-1 = 2**3", ["0.5", "8"]),
    ],
)
def test_arithmetic_as_it_stands_on_paper(text: str, values: list[str]) -> None:
    of = {"sqrt": mpmath.sqrt, "max": max, "relu": lambda a: max(a, 0), "abs": abs}
    with mpmath.workdps(30):
        found = [value_of(term, lambda n: mpmath.mpf(str(n.decimal)), lambda n: n, of)
                 for term in read_chain(text)]  # fmt: skip
        assert [mpmath.nstr(v, 12).removesuffix(".0") for v in found] == values
    assert len(members_of(text)) == len(values)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "0.5 +",
        "(1",
        "1)",
        "a?b",
        "__import__('os')",
        "max(1)",
        "1 2",
        "9" * 3000,
        "1e999999999",
        " + ".join("1" * 90),
        "(" * 100 + "1" + ")" * 100,
    ],
)
def test_what_is_no_arithmetic_is_told(text: str) -> None:
    with pytest.raises(PaperError):
        read_chain(text)


def test_a_huge_power_is_not_worked() -> None:
    with pytest.raises(ValueError, match="power"):
        value_of(read_chain("9^9^9^9")[0], lambda n: mpmath.mpf(n.text), lambda n: n, {})


def test_digits_are_kept_as_written() -> None:
    (number,) = numbers(read_chain("0.8160")[0])
    assert (str(number.decimal), str(number.quantum), number.figures) == ("0.8160", "0.0001", 4)
    figure = figure_of(read_chain("-1.23")[0])
    assert isinstance(figure, Figure)
    assert figure.agrees(mpmath.mpf("-1.2349")) == "rounded"
    assert figure.agrees(mpmath.mpf("-1.2399")) == "truncated"
    assert not figure.agrees(mpmath.mpf("1.23"))
    assert (shown(mpmath.mpf("0.19361"), mpmath.mpf("0.001")), wanted(mpmath.mpf("0.1936"),
            mpmath.mpf("0.01"))) == ("0.194", "0.1936")  # fmt: skip


# The spec and the command


def faults(*lines: str) -> list[str]:
    with pytest.raises(SpecError) as error:
        check(*lines)
    return [fault.message for fault in error.value.faults]


def test_what_is_wrong_with_lines_is_told_all_at_once() -> None:
    told = faults("rmsprop 3 w1: 0", "rmsprop 1 q_w1: 0", "rms 1 w1: 0", "rmsprop 1 w1: 0.5(",
                  "forward h: 1", "rmsprop 1 b1: [[1]]")  # fmt: skip
    assert len(told) == 6
    assert "step 3 is not one of 1 to 2" in told[0]
    assert "did you mean 's_w1'?" in told[1]
    assert "did you mean 'rmsprop'?" in told[2]
    assert "cannot read '0.5('" in told[3]
    assert "has no forward pass" in told[4]


def run(*arguments: object) -> Any:
    return CliRunner().invoke(cli.app, ["check", *map(str, arguments)], env={"TERM": "dumb"})


def test_the_command_tells_slips_by_its_exit_code(tmp_path: Path) -> None:
    clean, wrong, bare = (tmp_path / f"{n}.yaml" for n in ("clean", "wrong", "bare"))
    clean.write_text(HEAD + "  rmsprop 1 s_w1: 0.144\n  rmsprop 2 s_w1: 0.193\n")
    wrong.write_text(HEAD + "  rmsprop 2 s_w1: 0.44\n")
    bare.write_text(HEAD.replace("handwritten:\n", ""))
    assert run(clean).exit_code == 0
    told = run(wrong)
    assert told.exit_code == 1
    assert "0.44 should be 0.1936; early root" in told.output
    told = run(bare)
    assert (told.exit_code, "the spec is valid; no handwritten lines" in told.output) == (0, True)
    told = run(wrong, "--format", "json")
    [line] = json.loads(told.output)
    keys = (
        "optimizer",
        "step",
        "parameter",
        "line",
        "written",
        "exact",
        "verdict",
        "cause",
        "expected",
    )
    assert [line[k] for k in keys] == ["rmsprop", 2, "w1", "s", "0.44", "0.1936", "slip", "early root",
                                       "0.1936"]  # fmt: skip
    assert "| rmsprop 2 | s of w1 | 0.44 |" in run(wrong, "--format", "markdown").output
    assert run(tmp_path / "none.yaml").exit_code == 2


@pytest.mark.parametrize("file", ["README.md", "docs/spec.md"])
def test_the_pages_in_the_docs_come_to_what_stands_beside_them(file: str, tmp_path: Path) -> None:
    text = (ASSIGNMENT.parents[1] / file).read_text(encoding="utf-8")
    block = next(b for b in text.split("```yaml\n") if b.startswith("title: A page to check"))
    page = tmp_path / "page.yaml"
    page.write_text(block.split("```")[0], encoding="utf-8")
    told = run(page, "--all").output
    assert "s of w1" in told
    assert "0.44 should be 0.1936; early root (the root is taken already here)" in told
    for line in text.splitlines():
        if (line.startswith("> ") and "of w1: slip" in line) or "of b1: slip" in line:
            assert line.partition(": ")[2].rstrip("\\") in told


# What a strict reader tried


def test_garbage_below_a_coarse_slip_is_a_slip() -> None:
    found = check("adam 1 m_w1: 0e9", "adam 1 m_hat_w1: 7.31", "adam 2 m_w1: -555.1")
    assert [line.verdict for line in found] == ["slip"] * 3


def test_a_lone_zero_is_no_rounding_of_what_stands_before_it() -> None:
    assert one("momentum 1 w1: 0.5 + 0.12 = 0").verdict == "slip"


def test_names_may_say_their_parameter() -> None:
    found = check("adam 1 m_w1: beta1*0 + (1 - beta1) g_w1 = -0.12",
                  "adam 1 m_hat_w1: m_w1/(1 - beta1^1) = -1.2", "momentum 1 w1: w10 - v_w1 = 0.62",
                  "momentum 1 b1: 0 - 3*10^-1*10^-1*(-2) = 0.06")  # fmt: skip
    assert {line.verdict for line in found} == {"correct as rounded"}


def test_increments_that_vanish_do_not_say_which_sign_a_page_has() -> None:
    head = HEAD.replace("b1: [-0.6, -0.4]", "b1: [0, 0]").replace("- rmsprop", "- sgd: {lr: 0.1}\n  - rmsprop")  # fmt: skip
    text = ["sgd 1 increment_b1: 0", "sgd 2 increment_b1: 0", "sgd 1 increment_w1: -0.12"]
    assert {line.verdict for line in check(*text, head=head)} == {"correct as rounded"}


MIXING = '''
from optlab.algebra import norm


def ngd(x, g, m=0.0, *, lr=0.1, rho=0.9):
    """Along the mean gradient, of unit length."""
    m = rho * m + (1 - rho) * g
    n = norm(m)
    x = x - lr * m / n
    return x, m
'''


def test_a_slip_in_one_parameter_reaches_the_others_through_a_norm(tmp_path: Path) -> None:
    (tmp_path / "r.py").write_text(MIXING)
    (tmp_path / "page.yaml").write_text(
        "title: t\nproblems:\n  - given: {use: recorded_gradients, start: {w: 0.5, b: -0.4}, w: [0.3],"
        " b: [-0.6]}\noptimizers:\n  - ngd: {use: r.py:ngd}\nhandwritten:\n  ngd 1:\n    m_w: 0.03\n"
        "    m_b: 0.09\n    n: 0.09487\n    w: 0.4684\n    b: -0.4949\n"
    )
    found = byhand.check(read(tmp_path / "page.yaml"))
    follows = "follows from an earlier slip"
    assert [line.verdict for line in found] == ["correct as rounded", "slip", *[follows] * 3]


@pytest.mark.parametrize(
    "text", ["sin(exp(exp(20)))", "exp(exp(exp(9)))", "sin(((10^400)^400)^400)"]
)
def test_numbers_out_of_reach_cost_their_line_and_no_time(text: str) -> None:
    assert one(f"momentum 1 w1: {text}").verdict == "slip"
    with pytest.raises(PaperError):
        read_chain("√" * 900 + "2")
    with pytest.raises(PaperError):
        read_chain("*".join("g" * 400))


def test_a_negative_square_above_costs_its_line_and_not_the_page() -> None:
    found = check("adam 1 v_hat_w1: -0.09", "adam 1 w1: 0.5 + 0.1*0.3/0.3 = 0.7")
    assert next(line.verdict for line in found) == "slip"


def test_a_number_may_begin_with_its_point() -> None:
    assert one("rmsprop 1 s_w1: 0.1(1.2)^2 = .144").verdict == "correct as rounded"
    assert one("rmsprop 1 s_w1: .144").verdict == "correct as rounded"


@pytest.mark.parametrize(
    "line", ["L: 4.7^2 = 22.09", "y_hat: 0.3 + 0.5 = 0.8", "L: 1/2(4.7) = 2.35"]
)
def test_wrong_chains_of_a_forward_pass_are_slips(line: str) -> None:
    head = (
        "title: t\nsteps: 2\nproblems:\n  - net: {use: relu_network, x: 2, y: 5, start: "
        "{w1: 0.5, b1: 0, w2: 0.3, b2: 0}}\noptimizers: [sgd]\nhandwritten:\n"
    )
    assert check(f"forward {line}", head=head)[0].verdict == "slip"


def test_causes_agree_with_what_stands_there() -> None:
    assert one("adam 2 m_hat_w1: -0.188/(1 - 0.9) = -1.88").cause == "lost power"
    ascent = one("momentum 1 w1: 0.5 + 0.1(-1.2) = 0.38")
    assert (ascent.verdict, ascent.cause) == ("slip", "swapped sign")
    assert "belongs" not in ascent.detail  # the gradient that stands there is right
    assert one("momentum 1 v_w1: \u03b7 g = -0.12").verdict == "correct as rounded"
