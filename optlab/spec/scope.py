"""Which problems a claim is about: by name, by group, by a word, or all that can tell it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from optlab.errors import Faults
from optlab.measures import Measure
from optlab.nodes import Node, unwritable
from optlab.problems import METRICS, Problem
from optlab.spec.model import Claim, Contender, Side, Task
from optlab.spec.sentences import Draft, Vocabulary
from optlab.suggest import meant_or_known

__all__ = ["ATTRIBUTES", "ILL_CONDITIONED", "Places", "Setup", "everywhere", "groups", "problems"]

ILL_CONDITIONED = 100.0
"""From which ratio of the largest to the smallest curvature on a problem is called so."""


def _ill_conditioned(problem: Problem) -> bool | None:
    if problem.about.curvature is None:
        return None
    low, high = problem.about.curvature
    return high > 0 and low >= 0 and high >= ILL_CONDITIONED * low


ATTRIBUTES: Mapping[str, Callable[[Problem], bool | None]] = {
    "convex": lambda problem: problem.about.convex,
    "separable": lambda problem: problem.about.separable,
    "quadratic": lambda problem: problem.about.quadratic or None,
    "ill-conditioned": _ill_conditioned,
    "stochastic": lambda problem: problem.random,
}
"""Words that choose problems, also behind `not`; None is not known, and then neither applies."""


@dataclass(frozen=True)
class Setup:
    """What there is to make claims about."""

    tasks: tuple[Task, ...]
    contenders: tuple[Contender, ...]
    groups: Mapping[str, tuple[str, ...]]

    @property
    def words(self) -> Vocabulary:
        attributes = [f"{no}{word}" for no in ("", "not ") for word in ATTRIBUTES]
        labels = dict.fromkeys(t.label for task in self.tasks for t in task.targets)
        return Vocabulary(
            tuple(c.name for c in self.contenders), tuple(t.name for t in self.tasks),
            (*self.groups, *attributes), tuple(labels),
        )  # fmt: skip

    def order(self, side: Side) -> tuple[int, str]:
        return [c.name for c in self.contenders].index(side.optimizer), side.selection


@dataclass(frozen=True)
class Places:
    """Where the parts of a claim stand: of a sentence all in one place."""

    node: Node
    keys: Mapping[str, Node]

    def of(self, key: str) -> Node:
        return self.keys.get(key, self.node)


def groups(node: Node | None, tasks: Sequence[Task], faults: Faults) -> dict[str, tuple[str, ...]]:
    """Names for several problems: `groups: {hard: [a, b]}`."""
    if node is None:
        return {}
    if not isinstance(node.value, dict):
        faults.add(node, "write names with lists of problems, as in `{hard: [a, b]}`")
        return {}
    known = tuple(task.name for task in tasks)
    found = {}
    for name, inner in node.value.items():
        if name in known or name == "all":
            faults.add(inner.at_key, f"'{name}' names a problem already" if name in known else
                       "'all' means all problems; give the group another name")  # fmt: skip
        elif odd := unwritable(name) or ("" if name.strip() else "is empty"):
            faults.add(inner.at_key, f"the name {odd}")
        if not isinstance(inner.value, list) or not inner.value:
            faults.add(inner, "give a list of names from `problems`")
            continue
        for item in inner.value:
            if item.text not in known:
                hint = meant_or_known(item.text, known)
                faults.add(item, f"no problem named {item.shown}{hint}")
        members = {item.text for item in inner.value}
        found[name] = tuple(name for name in known if name in members)
    return found


def problems(
    draft: Draft,
    sides: Sequence[Side],
    measures: Sequence[Measure],
    target: str | None,
    places: Places,
    setup: Setup,
    faults: Faults,
) -> tuple[str, ...]:
    """The problems that the claim is judged on, in the order of the spec. Those named must allow it;
    of all, or of those with an attribute, the ones that do are taken."""
    place = places.of("problems")
    chosen = _chosen(draft.problems, place, setup, faults)
    if chosen is None:
        return ()
    tasks, named = chosen
    hindered = {task.name: list(_hindrances(task, sides, measures, target)) for task in tasks}
    reasons = list(dict.fromkeys(reason for found in hindered.values() for reason in found))
    free = tuple(name for name, found in hindered.items() if not found)
    if named:
        for reason in reasons:
            faults.add(place, reason)
    elif not free:
        faults.add(place, f"no problem to tell it on: {'; '.join(reasons[:3])}")
    return free


def _chosen(
    words: tuple[str, ...] | None, place: Node, setup: Setup, faults: Faults
) -> tuple[list[Task], bool] | None:
    """The problems meant, and whether by name. None where that is not understood."""
    if words is None:
        return list(setup.tasks), False
    names = setup.words.problems
    if len(words) == 1 and words[0] not in names and words[0] not in setup.groups:
        word = words[0].removeprefix("not ")
        if word in ATTRIBUTES:
            wanted = word == words[0]
            having = [t for t in setup.tasks if ATTRIBUTES[word](t.problem) is wanted]
            if not having:
                faults.add(place, f"no problem in this file is known to be {words[0]}")
            return (having, False) if having else None
    members = set()
    for word in words:
        if word in names:
            members.add(word)
        elif word in setup.groups:
            members.update(setup.groups[word])
        elif word.removeprefix("not ") in ATTRIBUTES:
            faults.add(place, f"'{word}' stands alone; for several kinds together name a group under "
                              "`groups`")  # fmt: skip
            return None
        else:
            hint = meant_or_known(word, (*names, *setup.groups, *ATTRIBUTES))
            faults.add(place, f"no problem named '{word}'{hint}")
    found = [task for task in setup.tasks if task.name in members]
    return (found, True) if found else None


def _hindrances(
    task: Task, sides: Sequence[Side], measures: Sequence[Measure], target: str | None
) -> Iterator[str]:
    """Why a claim cannot be told on a problem."""
    for name in dict.fromkeys(side.optimizer for side in sides):
        if name not in task.optimizers:
            yield f"'{name}' does not run on '{task.name}'"
    if measures and task.problem.longest is not None:
        yield f"'{task.name}' is a recorded list of gradients, and no race"
        return
    labels = [t.label for t in task.targets]
    for measure in measures:
        if measure.timed and not labels:
            yield f"'{task.name}' has no target, which `{measure.name}` needs"
        elif measure.timed and target is not None and target not in labels:
            yield f"'{task.name}' has no target '{target}'; it has {', '.join(labels)}"
        elif measure.name == "gap" and task.problem.minimum is None:
            yield f"the minimum of '{task.name}' is not known, so it has no gap"
        elif measure.name in METRICS and measure.name not in task.problem.metrics:
            yield f"'{task.name}' does not record `{measure.name}`"


def everywhere(claim: Claim, measures: Sequence[Measure], setup: Setup) -> tuple[str, ...]:
    """The problems of a claim that names none."""
    sides = (claim.a, *claim.others)
    return tuple(
        task.name for task in setup.tasks
        if not any(_hindrances(task, sides, measures, claim.target))
    )  # fmt: skip
