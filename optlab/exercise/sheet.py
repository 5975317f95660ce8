"""What stands on a problem sheet, and on its solution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optlab.exercise.drawing import Exercise, pages
from optlab.exercise.paper import BLANK, Block, Heading, Math, Page, Pieces, Table, Text
from optlab.rules import REGISTRY, X0
from optlab.vocabulary import look_up
from optlab.worked import formulas
from optlab.worked.formula import number, symbol

__all__ = ["LABELS", "Scheme", "heading", "label", "points", "question", "sheet", "solution"]

Scheme = Mapping[str, Any]
"""How pages are marked: points a `line`, an `answer` (a parameter's new value), `follow_through`."""

LABELS = {
    "sgd": "gradient descent", "momentum": "momentum", "nesterov": "Nesterov momentum",
    "rmsprop": "RMSProp", "adam": "Adam", "adam_eps_hat": "Adam with ε-hat",
    "rmsprop_pytorch": "RMSProp (PyTorch)", "momentum_pytorch": "momentum (PyTorch)",
    "ema": "a running mean",
}  # fmt: skip


def label(optimizer: str) -> str:
    """The optimizer's name in a sentence."""
    return LABELS.get(optimizer, optimizer)


def sheet(exercise: Exercise, scheme: Scheme, title: str = "") -> Page:
    """The problem sheet: givens, formulas, and a table to be filled in for each step."""
    blocks = question(exercise, scheme)
    for page in pages(exercise):
        if len(exercise.settings) > 1:
            blocks.append(Heading(f"Your page: {label(page['optimizer'])}"))
        blocks += [_blanks(step, exercise) for step in page["steps"]]
    return Page(title or heading(exercise), exercise.student, blocks)


def question(exercise: Exercise, scheme: Scheme) -> list[Block]:
    """The problem without the tables that are filled in: what the form shows too."""
    count = exercise.steps
    names = [label(name) for name in exercise.settings]
    text = f"Work {count} step{'s' * (count > 1)} of {_listed(names)} by hand."
    head: list[Pieces] = [("",), ("start",)]
    rows: list[list[Pieces]] = []
    for name in exercise.names:
        given: list[Pieces] = [(Math(symbol(name)),), (_number(exercise.start[name]),)]
        rows.append([*given, *((_number(g),) for g in exercise.gradients[name])])
    head += [(Math(rf"g_{{{t}}}"),) for t in range(1, count + 1)]
    blocks: list[Block] = [
        Text((f"{text} The gradients g are given, one for each step; they do not depend on where "
              "you are. Each parameter goes its own way, by the same formulas.",)),
        Table(head, rows, "What is given."),
    ]  # fmt: skip
    for name, settings in exercise.settings.items():
        blocks += _rule(name, settings, named=len(names) > 1)
    d = exercise.digits
    rounding = (
        f"Write each value to {d} decimals at least, and those below 0.1 to {d} significant figures. "
        "Arithmetic may stand beside it, as in 0.9 · 0.2 + 0.1 · 3 = 0.48."
    )
    return [*blocks, Text((rounding,)), Text((_marks(exercise, scheme),))]


def _rule(name: str, settings: Mapping[str, str], *, named: bool) -> list[Block]:
    """An optimizer's formulas and settings."""
    form = REGISTRY[name].form
    blocks: list[Block] = [Heading(label(name).capitalize() if name != "rmsprop" else label(name))]
    given: list[str | Math] = ["with "]
    for i, (hyper, text) in enumerate(settings.items()):
        comma = ", " if i else ""
        given += [comma, Math(f"{look_up(hyper).symbol} = {number(float(text), full=True)}")]
    for state, value in form.states.items():
        first = "x_0" if value is X0 else number(value, full=True)
        given += [", ", Math(f"{symbol(state)}_0 = {first}")]
    blocks += [Text((Math(latex),)) for latex in formulas(form)]
    blocks.append(Text((*given, "; ", Math("x"), " stands for a parameter, ", Math("g"), " for its gradient, ", Math("t"),
                        " for the step, from 1.")))  # fmt: skip
    return blocks if named else blocks[1:]


def _marks(exercise: Exercise, scheme: Scheme) -> str:
    line, answer = scheme["line"], scheme["answer"]
    text = (
        f"{_points(line)} for each line, {_points(answer)} for each new value of a parameter: "
        f"{_points(points(exercise, scheme))} in all."
    )
    if scheme["follow_through"]:
        text += " What is right given a wrong value above it counts as right."
    return text


def points(exercise: Exercise, scheme: Scheme) -> float:
    """The most that a sheet can bring."""
    return sum(
        scheme["answer" if line["name"] == "x" else "line"]
        for page in pages(exercise)
        for step in page["steps"]
        for line in step["lines"]
        for _ in line["cells"]
    )


def _points(count: float) -> str:
    return f"{count:g} point{'s' * (count != 1)}"


def _blanks(step: dict[str, Any], exercise: Exercise) -> Table:
    """One step, a row a line, a column a parameter, empty."""
    rows: list[list[Pieces]] = []
    for line in step["lines"]:
        name: Pieces = (Math(_left(line, step["t"])),)
        cells: list[Pieces] = [BLANK for _ in exercise.names]
        if line["cells"][0]["parameter"] is None:
            cells = [BLANK, *(("as before",) for _ in exercise.names[1:])]
        rows.append([name, *cells])
    head: list[Pieces] = [("line",), *((Math(symbol(name)),) for name in exercise.names)]
    return Table(head, rows, f"Step {step['t']}.")


def _left(line: dict[str, Any], t: int) -> str:
    """The line's symbol at step `t`: `\\hat{m}_2`."""
    left = line["formula"].partition(" = ")[0]
    return left.removesuffix("_t") + f"_{{{t}}}" if left.endswith("_t") else left


# The solution


def solution(exercise: Exercise, scheme: Scheme, title: str = "") -> Page:
    """Every line with its numbers put in, and its value."""
    worked = pages(exercise)
    head: list[Pieces] = [("",), *((Math(symbol(n)),) for n in exercise.names)]
    answers: list[list[Pieces]] = [
        [(label(page["optimizer"]),), *((_last(page, i),) for i in range(len(exercise.names)))]
        for page in worked
    ]
    after = f"The answers after step {exercise.steps}."
    blocks: list[Block] = [*question(exercise, scheme), Heading("Solution"),
                           Table(head, answers, after)]  # fmt: skip
    for page in worked:
        if len(worked) > 1:
            blocks.append(Heading(f"Solution: {label(page['optimizer'])}"))
        blocks += [_worked(step) for step in page["steps"]]
    name = title or heading(exercise)
    return Page(f"Solution: {name}", exercise.student, blocks)


def _last(page: dict[str, Any], i: int) -> str:
    return page["steps"][-1]["lines"][-1]["cells"][i]["text"]


def _worked(step: dict[str, Any]) -> Table:
    rows: list[list[Pieces]] = []
    for line in step["lines"]:
        left = _left(line, step["t"])
        for cell in line["cells"]:
            whose: Pieces = (Math(symbol(cell["parameter"])),) if cell["parameter"] else ("all",)
            rows.append([(Math(left),), whose, (Math(cell["substituted"]),), (cell["text"],)])
    head: list[Pieces] = [("line",), ("of",), ("numbers put in",), ("value",)]
    return Table(head, rows, f"Step {step['t']}.")


def heading(exercise: Exercise) -> str:
    """What a sheet is called where it has no title of its own."""
    names = _listed([label(name) for name in exercise.settings])
    return f"{names[:1].upper()}{names[1:]}, {exercise.steps} step{'s' * (exercise.steps > 1)}"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _number(text: str) -> str:
    return text.replace("-", "−")
