"""`handwritten`: what stands on paper, by optimizer, step, line and parameter, as it stands there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from optlab.arithmetic import Name, PaperError, Term, read_chain
from optlab.errors import Faults
from optlab.nodes import Node
from optlab.parts import parts_of
from optlab.problems import Problem
from optlab.rules import Rule
from optlab.spec.model import Contender, Task, Written
from optlab.straight import Straight
from optlab.suggest import did_you_mean, meant_or_known

__all__ = ["FORWARD", "MOST_BY_HAND", "labels", "read_entries"]

FORWARD = "forward"
"""What stands in an optimizer's place for the forward pass."""

MOST_BY_HAND = 50
"""Steps that a page can be checked over."""

_STEP = re.compile(r"(?:step |iteration |t ?= ?)?(\d{1,4})(?: |$)", re.IGNORECASE)


def read_entries(
    node: Node | None,
    tasks: tuple[Task, ...],
    contenders: tuple[Contender, ...],
    faults: Faults,
) -> tuple[Written, ...]:
    """Every line of a page. A key is the words `optimizer step line_parameter` (or `forward h`), at
    once or nested; before them the problem's name where the page is not of recorded gradients. Lines
    that are left empty are left out; those that cannot be read are faults."""
    if node is None:
        return ()
    if not isinstance(node.value, dict):
        faults.add(node, "write lines as `optimizer step line_parameter: value`, such as "
                         "`adam 1 m_w1: -0.12`")  # fmt: skip
        return ()
    known = {task.name: task for task in tasks if task.imported is None}
    by_name = {c.name: c for c in contenders}
    written: list[Written] = []
    for words, leaf in _leaves(node, ""):
        if (line := _line(words, leaf, known, by_name, faults)) is not None:
            written.append(line)
    return tuple(written)


def _leaves(node: Node, words: str) -> Iterator[tuple[str, Node]]:
    """Every text below `node`, with the keys that lead to it as words."""
    for key, child in node.value.items():
        inner = f"{words} {key}".strip()
        for item in child.value if isinstance(child.value, list) else [child]:
            if isinstance(item.value, dict):
                yield from _leaves(item, inner)
            elif isinstance(item.value, list):
                yield inner, child  # a list within a list has no text, and is told below
            elif item.text.strip():
                yield inner, item


def _line(
    words: str,
    leaf: Node,
    tasks: Mapping[str, Task],
    contenders: Mapping[str, Contender],
    faults: Faults,
) -> Written | None:
    problem, rest = _split(words, tasks)
    task = tasks[problem] if problem else _usual(tasks)
    name, rest = _split(rest, contenders)
    if name is None and (rest == FORWARD or rest.startswith(f"{FORWARD} ")):
        name, rest = FORWARD, rest.removeprefix(FORWARD).strip()
    if name is None:
        first = (rest or words).split(" ")[0]
        faults.add(leaf, f"'{words}' does not begin with an optimizer of this file"
                         f"{meant_or_known(first, (*contenders, FORWARD))}")  # fmt: skip
        return None
    if task is None:
        faults.add(leaf, f"'{words}': of which problem? begin with its name; there are "
                         f"{', '.join(tasks)}")  # fmt: skip
        return None
    found = _place(words, name, rest, task, contenders, leaf, faults)
    chain = _chain(leaf, faults)
    if found is None or chain is None:
        return None
    step, line, part, parameter = found
    if len(chain) > 1 and isinstance(chain[0], Name) and _is_label(chain[0].name, rest):
        chain = chain[1:]
    return Written(task.name, "" if name == FORWARD else name, step, line, part, parameter,
                   leaf.text.strip(), chain, words, leaf.line, leaf.column)  # fmt: skip


def _split(words: str, known: Mapping[str, object]) -> tuple[str | None, str]:
    """The longest known name that `words` begin with, and what comes after it."""
    for name in sorted(known, key=len, reverse=True):
        if words == name or words.startswith(f"{name} "):
            return name, words[len(name) :].strip()
    return None, words


def _usual(tasks: Mapping[str, Task]) -> Task | None:
    """The problem that a page is of where it does not say: the only one, else the only one with
    recorded gradients, else the only one with a given start."""
    for fits in (
        lambda problem: True,
        lambda problem: problem.gradient is not None,
        lambda problem: problem.given is not None,
    ):
        found = [task for task in tasks.values() if fits(task.problem)]
        if len(found) == 1:
            return found[0]
    return None


def _place(
    words: str,
    name: str,
    rest: str,
    task: Task,
    contenders: Mapping[str, Contender],
    leaf: Node,
    faults: Faults,
) -> tuple[int | None, str, str, str | None] | None:
    """(step, line, part, parameter) of a key."""
    if name == FORWARD:
        return _forward_place(words, rest, task.problem, leaf, faults)
    rule = contenders[name].optimizer
    if not isinstance(rule, Rule):
        faults.add(leaf, f"{name} is not written as a rule, so it has no lines to check")
        return None
    match = _STEP.match(rest)
    step = int(match.group(1)) if match else None
    most = min(task.steps, MOST_BY_HAND)
    if step is not None and not 1 <= step <= most:
        faults.add(leaf, f"'{words}': step {step} is not one of 1 to {most}")
        return None
    rest = rest[match.end() :] if match else rest
    parameters = task.problem.names or tuple(f"x{i + 1}" for i in range(task.problem.about.dim))
    known = labels(rule.form, parameters)
    label = _plain(rest)
    if label not in known:
        shown = [word for word in known if not word.startswith("x_")]
        hint = did_you_mean(label, shown) or f"; known: {_some(shown)}"
        faults.add(leaf, f"'{words}': {name} has no line '{rest}'{hint}")
        return None
    line, part, parameter = known[label]
    return step, line, part, parameter


def _forward_place(
    words: str, rest: str, problem: Problem, leaf: Node, faults: Faults
) -> tuple[None, str, str, None] | None:
    if problem.forward is None:
        faults.add(leaf, f"'{words}': this problem has no forward pass to check")
        return None
    known = [line.name for line in problem.forward.lines]
    if rest not in known:
        faults.add(leaf, f"'{words}': the forward pass has no line '{rest}'"
                         f"{meant_or_known(rest, known)}")  # fmt: skip
        return None
    return None, rest, "", None


def labels(form: Straight, parameters: tuple[str, ...]) -> dict[str, tuple[str, str, str | None]]:
    """Every name that a line of one step may be given, as (line, part, parameter): `m_hat_w1`; `w1`
    for the line `x`; `root_w1` for a part, `root_of_lr_t_w1` where its line is not the last that has
    one; `g_w1` for the gradient; without a parameter, all of them."""
    known: dict[str, tuple[str, str, str | None]] = {}
    for p in (None, *parameters):
        end = "" if p is None else f"_{p}"
        for line in form.lines:
            for part in parts_of(line.name, line.expression):
                known[f"{part}{end}"] = (line.name, part, p)  # a later line takes the short name
                known[f"{part}_of_{line.name}{end}"] = (line.name, part, p)
        for name in ("g", *(line.name for line in form.lines)):
            known[f"{name}{end}"] = (name, "", p)
    for p in parameters:
        known[p] = ("x", "", p)
    return known


def _plain(label: str) -> str:
    return re.sub(r"[\s_]+", "_", re.sub(r"[{}\\^]", "", label)).strip("_")


def _is_label(name: str, rest: str) -> bool:
    """Whether a lone symbol at the start of a chain only repeats what the line is called."""
    plain = _plain(name).replace("_", "").rstrip("'")
    return _plain(rest).replace("_", "").endswith(plain)


def _some(names: list[str]) -> str:
    return ", ".join(names[:12]) + (" and more" if len(names) > 12 else "")


def _chain(leaf: Node, faults: Faults) -> tuple[Term, ...] | None:
    if isinstance(leaf.value, dict | list):
        faults.add(leaf, "write one value or one chain of equalities here")
        return None
    try:
        return read_chain(leaf.text)
    except PaperError as error:
        faults.add(leaf, str(error))
        return None
