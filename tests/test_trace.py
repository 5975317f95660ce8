"""Pages worked by hand: they are what the engine did, they are readable, and LaTeX takes them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import mpmath
import numpy as np
import pytest
from test_backward import every_function
from test_worked import Reader, clipped
from typer.testing import CliRunner, Result

from optlab import byhand, cli
from optlab.draws import Draws
from optlab.engine import Engine, Inputs
from optlab.escape import markdown_math
from optlab.plan import Program
from optlab.rules import REGISTRY, make_rule
from optlab.spec import Experiment, parse
from optlab.straight import read
from optlab.worked import document, formulas, trace_forward, trace_rule
from optlab.worked.backward import trace_backward
from optlab.worked.layout import parts, with_first
from optlab.worked.plain import readable

ENGINE = Engine()
RULES = sorted(REGISTRY)
STEPS = 6
GIVEN = """\
      use: recorded_gradients
      start: {w1: 0.5, b1: -0.25, long_name: 3}
      w1: [-1.2, -0.8, 2, 1e-3, 0.5, -0.7]
      b1: [-0.6, 0, 1, 4, -0.2, 0.1]
      long_name: [30, -20, 10, 5, -2, 0.3]
"""
SPEC = f"""
title: Everything of few coordinates
steps: 8
seeds: {{experiment: 3}}
problems:
  - bowl: {{use: quadratic, dim: 4, condition: 25, rotated: true}}
  - rosenbrock
  - valley: {{use: rosenbrock, dim: 4}}
  - relu_network
  - given:
{GIVEN}optimizers: [{", ".join(f"{{{name}: {{lr: 0.002}}}}" for name in RULES)}]
"""


@cache
def everything() -> Experiment:
    return parse(SPEC, Path("everything.yaml"))


def task_of(experiment: Experiment, name: str) -> Any:
    return next(task for task in experiment.tasks if task.name == name)


# The page is the run


# Each is a program to compile: every rule on one problem, every problem with two rules, the rest in
# the slow part.
PAIRS = [
    pytest.param(name, problem, marks=() if fast else pytest.mark.slow)
    for problem in ("bowl", "rosenbrock", "valley", "relu_network", "given")
    for name in RULES
    for fast in [problem == "bowl" or (name in ("momentum", "adam") and problem != "rosenbrock")]
]


@pytest.mark.parametrize(("name", "problem"), PAIRS)
def test_a_trace_is_what_the_engine_did(name: str, problem: str) -> None:
    experiment = everything()
    task, contender = task_of(experiment, problem), experiment.contender(name)
    start = Draws(experiment.seeds.experiment).first(task)
    page = byhand.page(task, contender, start, steps=STEPS)
    made = Program(task.problem, contender.optimizer, (), "float64", STEPS, 1, ("loss",), True, 16)
    stream = task.problem.stream
    rows = None if stream is None else stream(np.random.default_rng(0), STEPS)
    path = ENGINE.run(made, Inputs([start], [next(contender.settings())], rows)).path
    assert path is not None
    assert len(page["steps"]) == STEPS
    assert page["start"] == path[0, :, 0].tolist()
    for step, after in zip(page["steps"], path[1:, :, 0], strict=True):
        # a coordinate near 0 is the difference of larger ones, so it is held against those
        error = np.abs(np.array(step["x"]) - after)
        assert (error <= 1e-12 * np.maximum(np.abs(after), np.abs(start).max())).all()
        (last,) = [line for line in step["lines"] if line["name"] == "x"]
        assert [cell["value"] for cell in last["cells"]] == step["x"]


def test_the_backward_pass_of_a_page_is_its_true_gradient() -> None:
    experiment = everything()
    task = task_of(experiment, "relu_network")
    start = np.array([0.7, -0.2, 0.4, 0.3])
    page = byhand.page(task, experiment.contender("adam"), start, steps=4)

    def partials(at: dict[str, Any]) -> list[float]:
        values = {entry["parameter"]: entry["value"] for entry in at["backward"]["partials"]}
        return [values[name] for name in page["names"]]

    assert partials(page) == pytest.approx(page["true_gradient"], rel=1e-14)
    first, *later = page["steps"]
    assert "backward" not in first  # it stands on the page itself
    for step in later:
        assert partials(step) == pytest.approx(step["gradient"], rel=1e-14)
    captions = [part.text for part in parts(page)]
    assert "The forward pass of step 2: the loss where the step before it ended." in captions


def test_given_gradients_have_no_passes_after_the_start() -> None:
    spec = """
steps: 2
problems: [{given: {use: recorded_gradients, w1: [1, 2], b1: [1, 2], w2: [1, 2], b2: [1, 2]}}]
optimizers: [sgd]
"""
    experiment = parse("title: t" + spec, Path("given.yaml"))
    (task,), (contender,) = experiment.tasks, experiment.contenders
    page = byhand.page(task, contender, Draws(0).first(task), steps=2)
    assert len(page["backward"]["partials"]) == 4
    assert not [step for step in page["steps"] if "forward" in step or "backward" in step]


# Text


def value_of(text: str) -> Any:
    """A readable formula of numbers, evaluated as a reader would: 50 digits, no formula of ours."""
    powers = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    code = re.sub("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda m: f"**({m[0].translate(powers)})", text)
    code = code.replace("−", "-").replace("·", "*")
    code = re.sub(r"√(\d+(?:\.\d+)?)", r"√(\1)", code).replace("√", "sqrt")
    code = re.sub(r"\d+(?:\.\d+)?", r"mpf('\g<0>')", code)
    assert re.fullmatch(r"[-+*/(). 0-9a-z',]+", code), code
    names = {"mpf": mpmath.mpf, "sqrt": mpmath.sqrt, "max": max}
    with mpmath.workdps(50):
        return eval(code, {"__builtins__": {}}, names)


@pytest.mark.parametrize("name", RULES)
def test_a_readable_line_means_what_its_latex_means(name: str) -> None:
    page = trace_rule(REGISTRY[name], {}, [0.5, -1e-5], [[-1.2, 3e-7], [0.25, 2.0]], ["a", "b"],
                      digits=9)  # fmt: skip
    for step in page["steps"]:
        for line in step["lines"]:
            for cell in line["cells"]:
                text = value_of(readable(cell["substituted"]))
                with mpmath.workdps(50):
                    meant = Reader(cell["substituted"]).value()
                assert float(text) == pytest.approx(float(meant), rel=1e-14, abs=0)


def test_formulas_as_text() -> None:
    def text(name: str) -> list[str]:
        form = REGISTRY[name].form
        assert form is not None
        return [readable(formula) for formula in formulas(form)]

    assert text("adam") == [
        "mₜ = β₁ mₜ₋₁ + (1 − β₁) gₜ",
        "vₜ = β₂ vₜ₋₁ + (1 − β₂) gₜ²",
        "m̂ₜ = mₜ/(1 − β₁ᵗ)",
        "v̂ₜ = vₜ/(1 − β₂ᵗ)",
        "xₜ = xₜ₋₁ − η m̂ₜ/(√v̂ₜ + ε)",
    ]
    assert text("rmsprop")[1] == "xₜ = xₜ₋₁ − η gₜ/√(sₜ + ε)"
    drawn = [readable(formula) for formula in formulas(make_rule(clipped).form)]  # type: ignore[arg-type]
    assert drawn[1] == "ḡₜ = {my_clip gₜ/nₜ if nₜ > my_clip, gₜ otherwise}"
    assert drawn[3] == ("stepₜ = η ({mₜ if mₜ gₜ > 0, 0 otherwise})/(1 − βᵗ) − η (Σᵢ (gₜ)ᵢ)·0")
    assert drawn[0] == "nₜ = ‖gₜ‖"
    assert readable(r"a \left| b - a \right| + 1") == "a |b − a| + 1"
    assert readable(r"0.9 \cdot 0 + \frac{-0.8}{1}") == "0.9·0 + (−0.8)/1"
    assert readable(r"\frac{-0.8}{1}") == "−0.8/1"
    assert readable(r"\frac{\partial L}{\partial w_1}") == "∂L/∂w₁"
    assert readable(r"\frac{a}{b} \rho + \frac{a}{b} \cdot 2") == "(a/b) ρ + a/b·2"
    assert readable(r"\frac{1}{\frac{a}{b}} - \frac{a + b}{-c}") == "1/(a/b) − (a + b)/(−c)"
    assert readable(r"v_{\mathrm{max},t}^{x}") == "v_(max,t)^x"


# Documents


SAVAGE = r"50% of {x} & \input{/etc/passwd} $a_b$ [1] ~ ^ | <Größe> “中” ∂λ ½ #1 " + "x" * 150


def pages(digits: int = 4) -> list[dict[str, Any]]:
    """Pages of every kind: all rules, passes, a kink, a user's rule with `norm` and cases, long
    names, values that are not finite."""
    experiment = everything()
    draws = Draws(experiment.seeds.experiment)
    made = [
        byhand.page(task, experiment.contender(name), draws.first(task), steps=2, digits=digits)
        for task in experiment.tasks
        for name in RULES
    ]
    made[0]["title"] = SAVAGE
    values = {"a": 1.25, "b": 0.5, "c": 0.375}
    form = read(every_function)
    own = trace_rule(make_rule(clipped), {}, [1.0, 2.0], [[3.0, 4.0], [0.3, -0.4]],
                     ["long_name", SAVAGE], digits=digits, problem="own",
                     forward=trace_forward(form, values, digits=digits))  # fmt: skip
    own["backward"] = trace_backward(form, values, list(values), digits=digits)
    overflow = trace_rule(REGISTRY["sgd"], {"lr": 1e308}, [0.0], [[-100.0], [100.0]], ["a"])
    return [*made, own, overflow]


def test_every_number_of_a_page_stands_in_every_document() -> None:
    made = pages()
    texts = {
        "plain": document.plain(made, "All"),
        "markdown": document.markdown(made, "All"),
        "latex": document.latex(made, "All"),
    }
    rows = [row for page, first in with_first(made) for part in parts(page, first)
            for row in part.rows]  # fmt: skip
    assert len(rows) > 500
    for row in rows:
        assert f"{readable(row.numbers)} = {row.result}" in texts["plain"]
        assert markdown_math(row.numbers) in texts["markdown"]
        assert f"= {row.result} |" in texts["markdown"]
    assert texts["latex"].count(r"\begin{longtable}") == sum(
        bool(part.rows) for page, first in with_first(made) for part in parts(page, first)
    )


COMMANDS = frozenset((
    "documentclass", "usepackage", "IfFileExists", "newsavebox", "newcommand", "sbox", "ifdim", "wd",
    "linewidth", "resizebox", "usebox", "else", "fi", "fitted", "formulabox", "newcolumntype",
    "raggedright", "arraybackslash", "setlength", "parindent", "parskip", "extrarowheight", "LTleft",
    "LTpre", "LTpost", "emergencystretch", "sloppy", "begin", "end", "Large", "bfseries", "par",
    "section", "multicolumn", "small", "displaystyle", "tall", "rule", "lineskip", "lineskiplimit",
    "text", "texttt", "textbackslash", "textasciicircum", "textasciitilde", "textless",
    "textgreater", "textbar", "allowbreak",
    "frac", "tfrac", "sqrt", "hat", "bar", "tilde", "dot", "mathrm", "mathit", "left", "right", "cdot",
    "partial", "eta", "beta", "epsilon", "lambda", "rho", "infty", "leq", "geq", "neq", "lVert",
    "rVert", "sum", "bmod", "max", "min", "exp", "ln", "sin", "cos", "tanh",
))  # fmt: skip
"""Every command that a document may hold, and that article, amsmath, array, graphicx and longtable
have."""


def check_structure(text: str) -> None:
    """Braces, environments, dollars and known commands: what a typesetter would stumble over."""
    assert text.isprintable() or "\n" in text
    names = set(re.findall(r"\\([A-Za-z]+)", text))
    assert names <= COMMANDS, names - COMMANDS
    bare = re.sub(r"(?<!\\)%.*", "", text.replace(r"\\", "  "))
    bare = re.sub(r"\\[{}$%&#_]", "", bare)
    depth = 0
    for letter in bare:
        depth += (letter == "{") - (letter == "}")
        assert depth >= 0
    assert depth == 0
    open_: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            open_.append(name)
        else:
            assert open_.pop() == name
    assert not open_
    for paragraph in re.split(r"\n\s*\n", bare):
        assert paragraph.count("$") % 2 == 0, paragraph[:200]
    body = bare.partition(r"\begin{document}")[2]
    for formula in re.findall(r"\$([^$]*)\$", body):
        assert formula.count(r"\left") == formula.count(r"\right")
    assert "#" not in body


def test_a_document_is_sound_latex() -> None:
    check_structure(document.latex(pages(), SAVAGE))
    check_structure(document.latex(pages(15), "Fifteen digits"))


@pytest.mark.parametrize(
    "broken", ["{", r"\begin{cases}", r"\nosuchcommand", "$", r"\end{document}", "#"]
)
def test_the_check_of_structure_sees_what_is_broken(broken: str) -> None:
    whole = document.latex(pages()[:1], "One")
    with pytest.raises((AssertionError, IndexError)):
        check_structure(whole.replace(r"\end{document}", broken + "\n\n" + r"\end{document}", 1))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex (texlive) is not installed")
@pytest.mark.parametrize("digits", [4, 15])
def test_a_document_typesets_and_nothing_overflows(tmp_path: Path, digits: int) -> None:
    (tmp_path / "worked.tex").write_text(document.latex(pages(digits), SAVAGE), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"]
    for _ in range(2):  # the second time the columns of long tables are known
        done = subprocess.run([*command, "worked.tex"], cwd=tmp_path, capture_output=True,
                              text=True, errors="replace", check=False, timeout=120)  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:]
    log = (tmp_path / "worked.log").read_text(encoding="latin-1")
    assert not re.findall(r"Overfull \\hbox.*", log)
    assert "Missing character" not in log
    assert (tmp_path / "worked.pdf").stat().st_size > 20_000


# The command


SMALL = """
title: "Traced [bold]"
steps: 5
seeds: {tune: 1, evaluate: 2}
problems:
  - bowl: {use: quadratic, dim: 2, condition: 4}
  - big: {use: quadratic, dim: 40, condition: 4}
  - given: {use: recorded_gradients, start: {w1: 0.5, b1: 0}, w1: [-1.2], b1: [-0.6]}
optimizers: [{sgd: {lr: [0.1, 0.3]}}, {far: {use: optax.adamw, lr: 0.1}}, momentum]
"""


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.app, [str(a) for a in arguments], env={"TERM": "dumb"})


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("traced") / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


def test_a_table_in_the_terminal_with_what_cannot_be_worked_told_once(spec: Path) -> None:
    done = call("trace", spec)
    assert done.exit_code == 0, done.output
    assert "sgd on bowl: 2 steps by hand" in done.stdout
    assert re.search(r"xₜ = xₜ₋₁ − η gₜ +x1 +.*−? ?0\.1·.* = ", done.stdout)
    # 0.5 - 0.1 (-1.2) = 0.62, as the one given step has it
    assert re.search(r"w1 +0\.5 − 0\.1·\(−1\.2\) += 0\.6200", done.stdout)
    told = done.stderr.splitlines()
    assert sorted(told) == [
        "big has 40 parameters; problems of at most 12 coordinates are worked by hand.",
        "far is optax.adamw, which is not written as a rule, so it has no lines to work.",
        "given gives gradients for 1 step, so there are no more.",
        "sgd has 2 settings (over lr); the first is worked.",
    ]


def test_one_optimizer_on_one_problem(spec: Path) -> None:
    done = call("trace", spec, "--optimizer", "momentum", "--problem", "bowl", "--format", "json",
                "--steps", "3", "--digits", "7")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert not done.stderr
    (page,) = json.loads(done.stdout)
    assert (page["optimizer"], page["problem"], len(page["steps"])) == ("momentum", "bowl", 3)
    assert re.fullmatch(r"−?\d+\.\d{7}\d*", page["steps"][0]["lines"][1]["cells"][0]["text"])


@pytest.mark.parametrize(
    ("suffix", "mark"),
    [
        (".txt", "xₜ = xₜ₋₁ − η gₜ"),
        (".md", r"$x_t = x_{t-1} - \eta g_t$"),
        (".tex", r"\begin{longtable}"),
        (".json", r'"x_t = x_{t-1} - \\eta g_t"'),
        (".html", "<math"),
    ],
)
def test_a_files_name_says_its_format(spec: Path, tmp_path: Path, suffix: str, mark: str) -> None:
    file = tmp_path / f"page{suffix}"
    done = call("trace", spec, "--problem", "given", "--out", file)
    assert done.exit_code == 0, done.output
    assert str(file) in done.stdout.replace("\n", "")
    text = file.read_text(encoding="utf-8")
    assert mark in text
    assert "0.6200" in text


def test_a_page_of_html_needs_nothing_and_draws_every_formula(spec: Path) -> None:
    text = call("trace", spec, "--problem", "given", "--format", "html").stdout
    assert "<script" not in text
    assert "<code>" not in re.sub(r"<style>.*?</style>", "", text, flags=re.S)  # all became MathML
    assert set(re.findall(r'(?:href|src)="([^"#]{5})', text)) == {"data:"}
    assert "<h1>Worked by hand: Traced [bold]</h1>" in text
    for formula in re.findall(r"<math.*?</math>", text, flags=re.S):
        ElementTree.fromstring(formula)
    # the first optimizer stands open
    assert text.count("<details") == text.count("<details open>") + 1


def test_a_page_as_a_table_in_a_file_has_no_colours(spec: Path, tmp_path: Path) -> None:
    file = tmp_path / "page"
    assert call("trace", spec, "--problem", "given", "--out", file).exit_code == 0
    text = file.read_text(encoding="utf-8")
    assert "= 0.6200" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--optimizer", "momentun"], "no optimizer named 'momentun'; did you mean 'momentum'?"),
        (["--problem", "nowhere"], "no problem named 'nowhere'; known: big, bowl, given"),
        (["--optimizer", "far"], "far is optax.adamw, which is not written as a rule"),
        (["--problem", "big"], "big has 40 parameters; problems of at most 12 coordinates"),
        (["--digits", "16"], "Input should be less than or equal to 15"),
        (["--digits", "0"], "greater than or equal to 1"),
        (["--steps", "0"], "greater than or equal to 1"),
        (["--format", "pdf"], "'pdf' is not one of"),
        (["--out", "/dev/null/page.md"], "/dev/null"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    spec: Path, arguments: list[str], message: str
) -> None:
    done = call("trace", spec, *arguments)
    assert done.exit_code == 2
    assert message in re.sub(r"[│\s]+", " ", done.stderr)
    assert "Traceback" not in done.output
    assert not done.stdout


def test_a_spec_that_is_not_there(tmp_path: Path) -> None:
    done = call("trace", tmp_path / "none.yaml")
    assert done.exit_code == 2
    assert "none.yaml" in done.stderr


OWN = """
from optlab.algebra import where, norm

def clipped(x, g, *, lr=0.1, clip=1.0):
    n = norm(g)
    g_bar = where(n > clip, clip * g / n, g)
    x = x - lr * g_bar
    return x

def staggered(x, g, t, *, lr=0.1):
    rate = 1 / (t - 1)
    x = x - lr * rate * g
    return x
"""


def test_rules_of_ones_own_and_gradients_with_noise(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN, encoding="utf-8")
    spec = tmp_path / "own.yaml"
    spec.write_text(
        "title: own\nsteps: 5\nproblems: [{noisy: {use: quadratic, dim: 2, noise: 0.1}}]\n"
        "optimizers: [mine.py:clipped, mine.py:staggered]\n",
        encoding="utf-8",
    )
    done = call("trace", spec, "--format", "text")
    assert done.exit_code == 0, done.output
    assert re.search(r"nₜ = ‖gₜ‖\n +all: [\d.]+ = [\d.]+\n", done.stdout)
    assert "if nₜ > clip, gₜ otherwise}" in done.stdout
    assert done.stderr.splitlines() == [
        "mine.py:staggered on noisy cannot be worked: staggered: a line divides by zero at step 1",
        "noisy: the runs draw noise or minibatches; the gradients here are those of the whole loss.",
    ]
