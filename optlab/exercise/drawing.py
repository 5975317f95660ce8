"""Fresh numbers for a sheet: few digits each, and no case in which a mistake would not show.

A sheet depends on the seed and on the student's name alone, never on who else is in the class, so
one who joins later gets a sheet and nobody else's changes. Numbers are kept as they are printed.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optlab.rules import REGISTRY
from optlab.suggest import meant_or_known
from optlab.vocabulary import look_up
from optlab.worked import trace_rule

__all__ = ["MOST_STEPS", "NAMES", "Exercise", "Plan", "draw", "pages", "wanted"]

NAMES = {1: ("w",), 2: ("w", "b"), 3: ("w1", "w2", "b"), 4: ("w1", "b1", "w2", "b2")}
"""What the parameters are called, by how many there are."""

MOST_STEPS = 10
_MOST_TRIES = 5000

_GRADIENTS = ("0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1.1", "1.2", "1.4", "1.5", "1.6",
              "1.8", "2", "2.2", "2.4", "2.5", "3")  # fmt: skip
_STARTS = ("0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "1.2", "1.5")
_SETTINGS = {
    "lr": ("0.1", "0.2", "0.05"),
    "beta": ("0.9", "0.8", "0.7"),
    "beta1": ("0.9", "0.8"),
    "beta2": ("0.99", "0.95", "0.98"),
    "eps": ("1e-8",),
}
_CLEAR = 0.02
_VANISHES = 1e-4  # what is so small is not worked by hand
"""The least relative distance between two values that could be taken for each other."""


@dataclass(frozen=True)
class Plan:
    """What all sheets of a class have in common. `fixed` are settings by name, as they are written;
    ValueError for an optimizer, a setting or a size that there is not."""

    optimizers: tuple[str, ...] = ("adam",)
    steps: int = 2
    parameters: int = 2
    digits: int = 4
    seed: int = 0
    fixed: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.optimizers:
            if name not in REGISTRY:
                raise ValueError(f"no optimizer named '{name}'{meant_or_known(name, REGISTRY)}")
        if len(set(self.optimizers)) < len(self.optimizers):
            raise ValueError("the same optimizer is asked for twice")
        if not self.optimizers:
            raise ValueError("ask for at least one optimizer")
        for what, value, low, high in (
            ("steps", self.steps, 1, MOST_STEPS),
            ("parameters", self.parameters, 1, max(NAMES)),
            ("digits", self.digits, 2, 8),
        ):
            if not low <= value <= high:
                raise ValueError(f"{what}: {value} is not a whole number from {low} to {high}")
        known = {hyper for name in self.optimizers for hyper in REGISTRY[name].hypers}
        for hyper, text in self.fixed.items():
            if hyper not in known:
                raise ValueError(f"none of these optimizers has '{hyper}'"
                                 f"{meant_or_known(hyper, known)}")  # fmt: skip
            _check_setting(hyper, text)

    @property
    def settings(self) -> dict[str, dict[str, str]]:
        """The settings of each optimizer, as they are written: the same on all sheets of a class."""
        drawing = random.Random(f"settings {self.seed}")
        drawn = {name: self.fixed.get(name) or _choose(drawing, values)
                 for name, values in _SETTINGS.items()}  # fmt: skip
        return {
            name: {
                hyper: self.fixed.get(hyper) or drawn.get(hyper) or f"{default:g}"
                for hyper, default in REGISTRY[name].hypers.items()
            }
            for name in self.optimizers
        }


def _check_setting(hyper: str, text: str) -> None:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if value not in look_up(hyper).interval:
        raise ValueError(f"{hyper}: '{text}' is not a number in {look_up(hyper).interval}")


@dataclass(frozen=True)
class Exercise:
    """One sheet: the start and the gradients, one a step, of each parameter, as they are written."""

    student: str
    start: Mapping[str, str]
    gradients: Mapping[str, tuple[str, ...]]
    settings: Mapping[str, Mapping[str, str]]
    digits: int

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.start)

    @property
    def steps(self) -> int:
        return len(next(iter(self.gradients.values())))

    @property
    def sheet(self) -> str:
        """A short name of these givens, by which a handed-in page is known to belong to them."""
        told = repr((self.student, sorted(self.start.items()), sorted(self.gradients.items()),
                     sorted((k, sorted(v.items())) for k, v in self.settings.items())))  # fmt: skip
        return hashlib.sha256(told.encode()).hexdigest()[:8]


def draw(plan: Plan, students: Sequence[str]) -> list[Exercise]:
    """A sheet for each student, no two alike."""
    settings = plan.settings
    taken: set[tuple[Any, ...]] = set()
    drawn = []
    for student in students:
        for start, gradients in itertools.islice(_tries(plan, student), _MOST_TRIES):
            numbers = (*start.values(), *gradients.values())
            one = Exercise(student, start, gradients, settings, plan.digits)
            if numbers not in taken and _is_fair(one):
                taken.add(numbers)
                drawn.append(one)
                break
        else:
            raise ValueError("no fair sheet was found that nobody else has; ask for more steps or "
                             "parameters, or for other settings")  # fmt: skip
    return drawn


def pages(exercise: Exercise) -> list[dict[str, Any]]:
    """The worked page of each optimizer, as `trace_rule` gives it."""
    start = [float(value) for value in exercise.start.values()]
    table = [[float(exercise.gradients[name][t]) for name in exercise.names]
             for t in range(exercise.steps)]  # fmt: skip
    return [
        trace_rule(
            REGISTRY[name],
            {hyper: float(text) for hyper, text in hypers.items()},
            start, table, exercise.names, digits=exercise.digits, optimizer=name,
        )
        for name, hypers in exercise.settings.items()
    ]  # fmt: skip


def wanted(exercise: Exercise) -> Iterator[tuple[str, int, str, str | None, str]]:
    """Every line that is to be filled in, in the order of the page: optimizer, step, the rule's line,
    the parameter (None for a line that is the same for all), and the name under which it is entered:
    `m_w`, and for the line `x` the parameter's own."""
    for page in pages(exercise):
        for step in page["steps"]:
            for line in step["lines"]:
                for cell in line["cells"]:
                    parameter = cell["parameter"]
                    entered = line["name"] if parameter is None else f"{line['name']}_{parameter}"
                    if line["name"] == "x" and parameter is not None:
                        entered = parameter
                    yield page["optimizer"], step["t"], line["name"], parameter, entered


def _choose(drawing: random.Random, values: Sequence[str]) -> str:
    # Only `random()` is promised to give the same numbers in every version of Python.
    return values[int(drawing.random() * len(values))]


def _tries(plan: Plan, student: str) -> Iterator[tuple[dict[str, str], dict[str, tuple[str, ...]]]]:
    drawing = random.Random(f"sheet {plan.seed} {student}")

    def signed(values: Sequence[str]) -> str:
        sign = _choose(drawing, ("", "-"))
        return sign + _choose(drawing, values)

    while True:
        names = NAMES[plan.parameters]
        start = {name: signed(_STARTS) for name in names}
        yield start, {name: tuple(signed(_GRADIENTS) for _ in range(plan.steps)) for name in names}


def _is_fair(exercise: Exercise) -> bool:
    """Whether a mistake would show: no two numbers that could be taken for each other, no value that
    vanishes, and steps that do not all have the same length."""
    starts = [abs(float(value)) for value in exercise.start.values()]
    table = [[float(value) for value in row] for row in exercise.gradients.values()]
    apart = _apart(starts) and all(_apart(column) for column in zip(*table, strict=True))
    apart &= all(_apart(pair) for row in table for pair in itertools.pairwise(row))
    signs = {g > 0 for row in table for g in row}
    if not apart or (len(signs) == 1 and len(starts) * exercise.steps > 1):
        return False
    return all(_is_clear(page, exercise.digits) for page in pages(exercise))


def _is_clear(page: dict[str, Any], digits: int) -> bool:
    before = page["start"]
    for step in page["steps"]:
        for line in step["lines"]:
            values = [cell["value"] for cell in line["cells"]]
            # A double of what is exactly zero may be a rounding away from it.
            if any(v is None or abs(v) <= _VANISHES or _is_tie(v, digits) for v in values):
                return False
            if line["name"] != "x" and not _apart(values):
                return False
        moves = [after - old for after, old in zip(step["x"], before, strict=True)]
        # The first step of a rule that divides by its own gradient has one length for all.
        if any(abs(x) < 0.02 for x in step["x"]) or (step["t"] > 1 and not _apart(moves)):
            return False
        before = step["x"]
    return True


def _is_tie(value: float, digits: int) -> bool:
    """Whether `value` lies between two numbers of so many digits, so that two honest people round it
    differently."""
    places = digits if abs(value) >= 0.1 else digits - 1 - math.floor(math.log10(abs(value)))
    return abs(abs(value) * 10**places % 1 - 0.5) < 1e-3


def _apart(values: Sequence[float]) -> bool:
    """Whether the sizes of all pairs differ clearly."""
    sizes = sorted(abs(value) for value in values)
    return all(b - a > _CLEAR * b for a, b in itertools.pairwise(sizes))
