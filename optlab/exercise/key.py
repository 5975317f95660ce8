"""The key of a class: what each student was given, and how pages are marked.

It is read by the same border as a spec, so that a slip in a key edited by hand is told with its
place. An optimizer in it is one of the house, by name: nothing that a key names is imported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optlab.errors import Fault, Faults, SpecError
from optlab.exercise.drawing import NAMES, Exercise, Plan
from optlab.exercise.form import scalar
from optlab.nodes import Node, compose
from optlab.rules import REGISTRY
from optlab.suggest import meant_or_known

__all__ = ["FORMAT", "SCHEME", "Key", "key_file", "read_key", "spec_of"]

FORMAT = 1
SCHEME: Mapping[str, Any] = {"line": 1, "answer": 2, "follow_through": True}
_KEYS = ("format", "title", "seed", "digits", "scheme", "optimizers", "students")
_OF_STUDENT = ("student", "sheet", "start", "gradients")


@dataclass(frozen=True)
class Key:
    """All sheets of a class with the scheme by which they are marked."""

    title: str
    scheme: Mapping[str, Any]
    exercises: tuple[Exercise, ...]


def key_file(exercises: Sequence[Exercise], plan: Plan, title: str) -> str:
    """The text of `key.yaml`."""
    lines = [
        "# The key of these sheets. Keep it: `optlab check FOLDER --key key.yaml` marks by it, and takes",
        "# what was given from here, never from what was handed in. The points may be changed.",
        f"format: {FORMAT}",
        f"title: {scalar(title)}",
        f"seed: {plan.seed}",
        f"digits: {plan.digits}",
        "scheme: {line: 1, answer: 2, follow_through: true}",
        "optimizers:",
        *(f"  {name}: {_flow(settings)}" for name, settings in exercises[0].settings.items()),
        "students:",
    ]
    for exercise in exercises:
        gradients = {name: f"[{', '.join(g)}]" for name, g in exercise.gradients.items()}
        lines += [
            f"  - student: {scalar(exercise.student)}".rstrip(),
            f"    sheet: {scalar(exercise.sheet)}",
            f"    start: {_flow(exercise.start)}",
            f"    gradients: {_flow(gradients)}",
        ]
    return "\n".join(lines) + "\n"


def _flow(values: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {text}" for name, text in values.items()) + "}"


def spec_of(exercise: Exercise) -> str:
    """The problem as a spec, which the checking of pages reads."""
    given = {"start": _flow(exercise.start)}
    given |= {name: f"[{', '.join(g)}]" for name, g in exercise.gradients.items()}
    listed = [f"  - {name}: {_flow(settings)}" for name, settings in exercise.settings.items()]
    text = ["title: A sheet", "problems:", "  - given:", "      use: recorded_gradients",
            *(f"      {name}: {value}" for name, value in given.items()), "optimizers:", *listed]  # fmt: skip
    return "\n".join(text) + "\n"


def read_key(path: Path) -> Key:
    """Read a key. SpecError with every fault and its place; OSError where there is no file."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise SpecError(str(path), [Fault(1, 1, "", "not a text in UTF-8")]) from None
    root = compose(text, str(path))
    faults = Faults()
    fields = _fields(root, _KEYS, faults)
    if fields and fields["format"].value != FORMAT:
        faults.add(fields["format"], f"this optlab reads keys of format {FORMAT}")
    if faults.found:
        raise SpecError(str(path), faults.found)
    digits = fields["digits"].value
    if not isinstance(digits, int) or isinstance(digits, bool) or not 2 <= digits <= 8:
        faults.add(fields["digits"], "must be a whole number from 2 to 8")
    settings = _optimizers(fields["optimizers"], faults)
    scheme = _scheme(fields["scheme"], faults)
    exercises = _students(fields["students"], settings, digits, faults)
    if faults.found:
        raise SpecError(str(path), faults.found)
    return Key(fields["title"].text, scheme, exercises)


def _fields(node: Node, known: Sequence[str], faults: Faults) -> dict[str, Node]:
    """The children of a mapping that must have exactly these keys."""
    if not isinstance(node.value, dict):
        faults.add(node, f"needs the keys {', '.join(known)}")
        return {}
    for name, child in node.value.items():
        if name not in known:
            faults.add(child.at_key, f"no such key{meant_or_known(name, known)}")
    missing = [name for name in known if name not in node.value]
    if missing:
        faults.add(node, f"`{missing[0]}` is missing")
        return {}
    return dict(node.value)


def _optimizers(node: Node, faults: Faults) -> dict[str, dict[str, str]]:
    settings: dict[str, dict[str, str]] = {}
    if not isinstance(node.value, dict) or not node.value:
        faults.add(node, "name each optimizer with its settings, as in `adam: {lr: 0.1, ...}`")
        return settings
    for name, body in node.value.items():
        if name not in REGISTRY:
            faults.add(body.at_key, f"no optimizer named '{name}'{meant_or_known(name, REGISTRY)}")
        elif values := _fields(body, tuple(REGISTRY[name].hypers), faults):
            settings[name] = {hyper: _number(child, faults) for hyper, child in values.items()}
    return settings


def _scheme(node: Node, faults: Faults) -> dict[str, Any]:
    scheme = {name: child.value for name, child in _fields(node, tuple(SCHEME), faults).items()}
    for name in ("line", "answer"):
        value = scheme.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1000:
            faults.add(node, f"{name}: must be a number of points from 0")
    if not isinstance(scheme.get("follow_through", True), bool):
        faults.add(node, "follow_through: must be true or false")
    return scheme


def _students(
    node: Node, settings: Mapping[str, Mapping[str, str]], digits: Any, faults: Faults
) -> tuple[Exercise, ...]:
    if not isinstance(node.value, list) or not node.value:
        faults.add(node, "list each student with what was given")
        return ()
    read: list[Exercise] = []
    for item in node.value:
        fields = _fields(item, _OF_STUDENT, faults)
        if not fields:
            continue
        start = _numbers(fields["start"], faults)
        gradients = _rows(fields["gradients"], faults)
        if tuple(start) != tuple(gradients) or tuple(start) not in NAMES.values():
            faults.add(item, "start and gradients must name the same parameters: "
                             "w; w, b; w1, w2, b; or w1, b1, w2, b2")  # fmt: skip
            continue
        one = Exercise(fields["student"].text, start, gradients, settings, digits)
        if any(one.student == other.student for other in read):
            faults.add(fields["student"], "this student stands here twice")
        read.append(one)
    return tuple(read)


def _numbers(node: Node, faults: Faults) -> dict[str, str]:
    if not isinstance(node.value, dict):
        faults.add(node, "give a number for each parameter")
        return {}
    return {name: _number(child, faults) for name, child in node.value.items()}


def _rows(node: Node, faults: Faults) -> dict[str, tuple[str, ...]]:
    """The gradients of each parameter, the same number of each."""
    rows: dict[str, tuple[str, ...]] = {}
    for name, child in node.value.items() if isinstance(node.value, dict) else ():
        if not isinstance(child.value, list) or not child.value:
            faults.add(child, "give a list of numbers, one a step")
        else:
            rows[name] = tuple(_number(item, faults) for item in child.value)
    if len({len(row) for row in rows.values()}) > 1:
        faults.add(node, "every parameter needs the same number of gradients")
    return rows


def _number(node: Node, faults: Faults) -> str:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        faults.add(node, f"{node.shown} is not a number")
        return "0"
    return node.text
