"""The claims of a spec: statements that the runs will be judged by, written before them.

A claim is a sentence (`sentences.py`) or keys; both lead to a Draft, which is checked here against
what the spec runs. The same claim has the same id, whichever way it is written.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from optlab.measures import MEASURES, WORDS, Measure
from optlab.problems import METRICS, Problem
from optlab.spec.errors import Faults
from optlab.spec.model import Claim, Contender, Side, Target, Task
from optlab.spec.nodes import Node, unwritable, whole
from optlab.spec.sentences import (
    EVENTS,
    Draft,
    Vocabulary,
    label,
    listed,
    number,
    quoted,
    sentence,
)
from optlab.suggest import meant_or_known

__all__ = ["ATTRIBUTES", "claims", "groups"]

ILL_CONDITIONED = 100.0
"""From which ratio of the largest to the smallest curvature on a problem is called so."""

LONGEST = 1000
"""Characters of a sentence: every way to read it is tried."""

FEWEST_SEEDS = 6
"""No exact test on fewer pairs can reach 5 % (two-sided, 2 / 2^6 = 3 %)."""


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

KEYS: Mapping[str, tuple[str, ...]] = {
    "better": ("than", "metric", "target", "margin"),
    "equivalent": ("metric", "target", "within"),
    "never": ("metric", "above", "at_most"),
    "sometimes": ("metric", "above", "at_most"),
}
"""What goes with each kind of claim."""

COMMON = ("problems", "alpha", "min_seeds", "text")

_SELECTIONS: Mapping[str, Literal["tuned", "default"]] = {"tuned": "tuned", "default": "default"}

_MARGINS = ("margin", "within", "above")


@dataclass(frozen=True)
class _Setup:
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
class _Places:
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


def claims(
    node: Node | None,
    tasks: Sequence[Task],
    contenders: Sequence[Contender],
    groups: Mapping[str, tuple[str, ...]],
    faults: Faults,
) -> tuple[Claim, ...]:
    """The claims of a spec, in order. Faults are noted; what has any is left out."""
    if node is None:
        return ()
    if not isinstance(node.value, list) or not node.value:
        faults.add(node, "give a list of claims, one a line, each beginning with `- `, as in "
                         "`- adam is faster than sgd`")  # fmt: skip
        return ()
    setup = _Setup(tuple(tasks), tuple(contenders), groups)
    lines: dict[str, int] = {}
    found = []
    for item in node.value:
        claim = _claim(item, setup, faults)
        if claim is None:
            continue
        if claim.id in lines:
            faults.add(item, f"the same claim as on line {lines[claim.id]}; keep one of the two")
        lines.setdefault(claim.id, item.line)
        found.append(claim)
    return tuple(found)


def _claim(item: Node, setup: _Setup, faults: Faults) -> Claim | None:
    if isinstance(item.value, dict):
        made = _from_keys(item, setup, faults)
        if made is None:
            return None
        claim = _settle(*made, setup, faults)
        own = item.value.get("text")
        text = own.text.strip() if own else claim and _wording(claim, setup)
    elif isinstance(item.value, str) and item.value.strip():
        text = item.value.strip()
        claim = _from_sentence(text, item, setup, faults)
    else:
        faults.add(item, "a claim is a sentence, as in `adam is faster than sgd`, or keys, as in "
                         "`{better: adam, than: sgd, metric: gap}`")  # fmt: skip
        return None
    return claim and Claim(**{**vars(claim), "text": text})


def _from_sentence(text: str, item: Node, setup: _Setup, faults: Faults) -> Claim | None:
    if odd := unwritable(text):
        faults.add(item, odd)
        return None
    if len(text) > LONGEST:
        faults.add(item, f"longer than {LONGEST:,} characters; write keys, or name a group")
        return None
    drafts = sentence(text, setup.words)
    if isinstance(drafts, str):
        faults.add(item, drafts)
        return None
    places = _Places(item, {})
    if len(drafts) == 1:
        return _settle(drafts[0], places, setup, faults)
    # Two ways to read it may be one claim after all, or only one of them may be possible.
    settled = [_settle(draft, places, setup, Faults()) for draft in drafts]
    sound = {claim.id: claim for claim in settled if claim is not None}
    if len(sound) == 1:
        return next(iter(sound.values()))
    faults.add(item, f"can be read in {len(drafts)} ways, because a name is also a word; put names "
                     "in quotes, as in \"'my adam' beats 'sgd' by gap\", or write keys: "
                     "{better: ..., than: [...], metric: ...}")  # fmt: skip
    return None


# Keys


def _from_keys(item: Node, setup: _Setup, faults: Faults) -> tuple[Draft, _Places] | None:
    """The Draft of a claim in keys."""
    before = len(faults.found)
    given: dict[str, Node] = item.value
    kinds = [kind for kind in KEYS if kind in given]
    if len(kinds) != 1:
        known = " or ".join(f"`{kind}`" for kind in KEYS)
        extra = meant_or_known(next(iter(given), ""), KEYS) if not kinds else ""
        faults.add(item, f"a claim in keys has one of {known}{extra}")
        return None
    kind = kinds[0]
    allowed = (kind, *KEYS[kind], *COMMON)
    for key, inner in given.items():
        if key not in allowed:
            elsewhere = [k for k, keys in KEYS.items() if key in keys]
            hint = (
                f"; it goes with {' and '.join(f'`{k}`' for k in elsewhere)}"
                if elsewhere else meant_or_known(key, allowed)
            )  # fmt: skip
            faults.add(inner.at_key, f"no such key for `{kind}`{hint}")
    _check_text(given.get("text"), faults)
    sides = _sides_of(given, kind, setup, faults)
    if sides is None or len(faults.found) > before:
        return None
    a, others = sides
    keys = {"a": given[kind], "others": given.get("than", given[kind])}
    draft = Draft(
        kind, a, others, "", _measures_of(given.get("metric"), faults),
        _problems_of(given.get("problems"), setup, faults), _options_of(given, setup, faults),
    )  # fmt: skip
    return None if len(faults.found) > before else (draft, _Places(item, {**given, **keys}))


def _check_text(node: Node | None, faults: Faults) -> None:
    if node is None:
        return
    if not isinstance(node.value, str) or not node.value.strip():
        faults.add(node, f"{node.shown} is not text; put it in quotes")
    elif odd := unwritable(node.value):
        faults.add(node, odd)


def _sides_of(
    given: Mapping[str, Node], kind: str, setup: _Setup, faults: Faults
) -> tuple[Side, tuple[Side, ...] | None] | None:
    """The optimizers of a claim; None for all others."""
    if kind == "equivalent":
        pair = given[kind].value
        if not isinstance(pair, list) or len(pair) != 2:
            faults.add(given[kind], "give two optimizers, as in `equivalent: [adam, sgd]`")
            return None
        first, second = (_side(node, setup, faults) for node in pair)
        return (first, (second,)) if first and second else None
    a = _side(given[kind], setup, faults)
    if kind != "better":
        return (a, ()) if a else None
    if "than" not in given:
        faults.add(
            given[kind].at_key, "better than which? give `than: sgd`, a list, or `than: all`"
        )
        return None
    than = given["than"]
    if than.text == "all":
        return (a, None) if a else None
    nodes = than.value if isinstance(than.value, list) else [than]
    if not nodes:
        faults.add(than, "give an optimizer, a list of them, or `all`")
    others = [side for node in nodes if (side := _side(node, setup, faults))]
    return (a, tuple(others)) if a else None


def _side(node: Node, setup: _Setup, faults: Faults) -> Side | None:
    """`adam`, `default adam`, or `{default: adam}`, which also says a name that begins so."""
    if isinstance(node.value, dict) and len(node.value) == 1:
        [(key, inner)] = node.value.items()
        if key in _SELECTIONS and inner.text:
            return Side(inner.text, _SELECTIONS[key])
    if isinstance(node.value, dict | list) or not node.text:
        faults.add(node, f"{node.shown} is not an optimizer; write `adam` or `default adam`")
        return None
    first, _, rest = node.text.partition(" ")
    if node.text not in setup.words.optimizers and first in _SELECTIONS and rest.strip():
        return Side(rest.strip(), _SELECTIONS[first])
    return Side(node.text)


def _texts(node: Node | None, what: str, faults: Faults) -> tuple[str, ...]:
    if node is None:
        return ()
    items = node.value if isinstance(node.value, list) else [node]
    if not items or any(not item.text for item in items):
        faults.add(node, f"{node.shown} is not {what}")
        return ()
    return tuple(item.text for item in items)


def _measures_of(node: Node | None, faults: Faults) -> tuple[str, ...]:
    return _texts(node, "a measure", faults)


def _problems_of(node: Node | None, setup: _Setup, faults: Faults) -> tuple[str, ...] | None:
    if node is None:
        return None
    if node.text == "all":
        return setup.words.problems
    return _texts(node, "a problem, a list of them, a group, or `all`", faults)


def _options_of(given: Mapping[str, Node], setup: _Setup, faults: Faults) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for key in (*_MARGINS, "alpha", "min_seeds", "at_most"):
        if key in given:
            value = given[key].value
            if isinstance(value, bool) or not isinstance(value, int | float):
                faults.add(given[key], f"{given[key].shown} is not a number")
            else:
                options[key] = value
    if "target" in given:
        options["target"] = _target_of(given["target"], setup, faults)
    return options


def _target_of(node: Node, setup: _Setup, faults: Faults) -> str:
    """`gap <= 1e-06` or `{gap: 1e-6}`."""
    if isinstance(node.value, dict) and len(node.value) == 1:
        [(kind, inner)] = node.value.items()
        if isinstance(inner.value, int | float) and not isinstance(inner.value, bool):
            return Target(kind, float(inner.value)).label
    if isinstance(node.value, str) and node.value:
        return label(node.value, setup.words)
    faults.add(node, f"{node.shown} is not a target; write one of `targets`, as in {{gap: 1e-6}}")
    return ""


# What holds for both ways of writing


def _settle(draft: Draft, places: _Places, setup: _Setup, faults: Faults) -> Claim | None:
    """The claim that a draft says, or None where something is wrong with it."""
    before = len(faults.found)
    known = setup.words.optimizers
    named = [(draft.a, "a"), *((side, "others") for side in draft.others or ())]
    for side, key in named:
        if side.optimizer not in known:
            hint = meant_or_known(side.optimizer, known)
            faults.add(places.of(key), f"no optimizer named '{side.optimizer}'{hint}")
    measures = _measures(draft, places, faults)
    if len(faults.found) > before:
        _problems(draft, (), (), None, places, setup, faults)
        return None
    a, others = _sides(draft, places, setup, faults)
    if any(m.profile for m in measures) and "default" in {s.selection for s in (a, *others)}:
        faults.add(places.of("metric"), f"`{measures[0].name}` is about the rates around the tuned "
                                        "setting; it has no value at the default one")  # fmt: skip
    target = _target(draft, measures, places, setup, faults)
    options = _options(draft, measures, places, faults)
    problems = _problems(draft, (a, *others), measures, target, places, setup, faults)
    if len(faults.found) > before:
        return None
    kind: Any = draft.kind
    names = tuple(measure.name for measure in measures)
    return Claim("", kind, a, others, names, problems, target, **options)


def _sides(
    draft: Draft, places: _Places, setup: _Setup, faults: Faults
) -> tuple[Side, tuple[Side, ...]]:
    """Both sides, in the order of the spec where order means nothing."""
    a, others = draft.a, draft.others
    if others is None:
        others = tuple(Side(c.name, a.selection) for c in setup.contenders if c.name != a.optimizer)
        if not others:
            faults.add(places.of("others"), "there is no other optimizer in this file")
    for side in others:
        fixed = not next(c for c in setup.contenders if c.name == side.optimizer).swept
        if side == a:
            faults.add(places.of("others"), f"'{side}' stands on both sides")
        elif side.optimizer == a.optimizer and fixed:
            faults.add(places.of("others"), f"'{a.optimizer}' has nothing to tune, so that tuned and "
                                            "default are the same runs")  # fmt: skip
    if len(set(others)) < len(others):
        twice = next(side for side in others if others.count(side) > 1)
        faults.add(places.of("others"), f"'{twice}' stands twice")
    if draft.kind == "equivalent":
        a, *rest = sorted((a, *others), key=setup.order)
        return a, tuple(rest)
    return a, tuple(sorted(others, key=setup.order))


def _measures(draft: Draft, places: _Places, faults: Faults) -> tuple[Measure, ...]:
    """The measures that the claim is judged on."""
    place = places.of("metric")
    said = [measure for name in draft.measures for measure in WORDS.get(name, (name,))]
    names = tuple(dict.fromkeys(said))
    unknown = [name for name in names if name not in MEASURES]
    for name in unknown:
        faults.add(place, f"no measure named '{name}'{meant_or_known(name, (*MEASURES, *WORDS))}")
    if unknown:
        return ()
    if not names and draft.quality == "fast":
        names = WORDS["fast"]
    if len(names) > 1 and set(names) != set(WORDS["fast"]):
        faults.add(place, "one measure a claim, or steps_reached and steps_held; write "
                          f"{len(names)} claims")  # fmt: skip
        return ()
    found = tuple(m for name, m in MEASURES.items() if name in names)
    if not found or not all(_fits(draft, measure) for measure in found):
        faults.add(place, _which(draft, names))
        return ()
    return found


def _fits(draft: Draft, measure: Measure) -> bool:
    if draft.kind in ("never", "sometimes"):
        return measure.name in EVENTS.values()
    if draft.quality == "stable":
        return bool(measure.stability)
    return measure.timed or draft.quality != "fast"


def _which(draft: Draft, names: Sequence[str]) -> str:
    """The measures that there are to choose from."""
    wrong = f"`{names[0]}` is not one of them" if names else ""
    if draft.kind in ("never", "sometimes"):
        events = ", ".join(f"{measure} ({word})" for word, measure in EVENTS.items())
        return f"`{draft.kind}` is about what a single run does: {events}" + (
            wrong and f"; {wrong}"
        )
    if draft.quality == "stable":
        kinds = "; ".join(
            f"{m.stability} {name}: {m.meaning}" for name, m in MEASURES.items() if m.stability
        )
        return f"stable in which sense? {wrong and wrong + '; '}say `by overshoot` or another of: {kinds}"
    if draft.quality == "fast":
        return f"{wrong}: faster goes by {listed(WORDS['fast'])}; for others say `better ... by`"
    lead = "say `by gap`" if draft.quality else "give `metric: gap`"
    return f"by which measure? {lead} or another of: {', '.join(MEASURES)}"


def _target(
    draft: Draft, measures: Sequence[Measure], places: _Places, setup: _Setup, faults: Faults
) -> str | None:
    target: str | None = draft.options.get("target")
    if target is None:
        return None
    if not any(measure.timed for measure in measures):
        faults.add(places.of("target"), f"`{measures[0].name}` is no time to a target; leave the "
                                        "target out")  # fmt: skip
    elif target not in setup.words.targets:
        hint = meant_or_known(target, setup.words.targets)
        faults.add(places.of("target"), f"no target '{target}' in this file{hint}")
        return None
    return target


def _options(
    draft: Draft, measures: Sequence[Measure], places: _Places, faults: Faults
) -> dict[str, Any]:
    """margin, alpha, min_seeds, at_most: what was said of them, in their ranges."""
    found: dict[str, Any] = {}
    for key, value in draft.options.items():
        place = places.of(key)
        if key in (*_MARGINS, "at_most", "target") and key not in KEYS[draft.kind]:
            instead = next((k for k in _MARGINS if k in KEYS[draft.kind]), "")
            faults.add(place, f"`{key}` does not go with `{draft.kind}`; there it is `{instead}`")
        elif key in _MARGINS:
            if reason := _margin_is_wrong(draft.kind, key, value, measures[0]):
                faults.add(place, reason)
            elif value != measures[0].margin:
                found["margin"] = float(value)
        elif key == "min_seeds":
            found[key] = whole(value)
            if not isinstance(found[key], int) or found[key] < FEWEST_SEEDS:
                faults.add(place, f"{number(value)} is not a whole number of at least {FEWEST_SEEDS}: "
                                  "from fewer seeds no test can tell")  # fmt: skip
        elif key in ("alpha", "at_most"):
            found[key] = float(value)
            high = 0.5 if key == "alpha" else 1.0
            if not 0 < value < high:
                faults.add(place, f"{number(value)} is not between 0 and {high:g}")
    if draft.kind == "equivalent" and measures[0].margin == 0 and "within" not in draft.options:
        faults.add(
            places.of("metric"), f"how near is equal? give `within` for `{measures[0].name}`"
        )
    return found


def _margin_is_wrong(kind: str, key: str, value: float, measure: Measure) -> str:
    """The reason, or nothing."""
    if kind in ("never", "sometimes") and measure.name == "diverged":
        return "a run diverges or does not; leave `above` out"
    least = 1.0 if measure.scale == "ratio" else 0.0
    strictly = kind == "equivalent"  # nothing is nearer than no difference at all
    if math.isfinite(value) and (value > least or (value == least and not strictly)):
        return ""
    what = "a factor" if least else f"a difference in {measure.unit}"
    bound = f"{'more than' if strictly else 'at least'} {least:g}"
    return f"{number(value)}: `{key}` is {what} for `{measure.name}`, {bound}"


# Problems


def _problems(
    draft: Draft,
    sides: Sequence[Side],
    measures: Sequence[Measure],
    target: str | None,
    places: _Places,
    setup: _Setup,
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
    words: tuple[str, ...] | None, place: Node, setup: _Setup, faults: Faults
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


# From a claim to its sentence


def _wording(claim: Claim, setup: _Setup) -> str:
    """A sentence that reads as `claim`; names are in quotes where it could be read otherwise."""
    plain = _sentence(claim, setup, str)
    drafts = sentence(plain.strip(), setup.words)
    if not isinstance(drafts, str) and len(drafts) == 1:
        again = _settle(drafts[0], _Places(_NOWHERE, {}), setup, Faults())
        if again is not None and again.id == claim.id:
            return plain
    return _sentence(claim, setup, quoted)


_NOWHERE = Node(None, 0, 0, "")


def _sentence(claim: Claim, setup: _Setup, name: Callable[[str], str]) -> str:
    measures = [MEASURES[m] for m in claim.measures]
    words = [_statement(claim, measures, setup, name)]
    if claim.target is not None:
        words.append(f"to {claim.target}")
    if claim.margin is not None and claim.kind != "better":
        clause = "within" if claim.kind == "equivalent" else "above"
        words.append(f"{clause} {number(claim.margin)}")
    if claim.problems != _everywhere(claim, measures, setup):
        words.append(f"on {listed([name(p) for p in claim.problems])}")
    if options := _said_options(claim, measures):
        words.append(f"({', '.join(f'{key} {number(value)}' for key, value in options.items())})")
    return " ".join(words)


def _statement(
    claim: Claim, measures: Sequence[Measure], setup: _Setup, name: Callable[[str], str]
) -> str:
    """How the sentence begins, up to its measure."""
    a = _named(claim.a, name)
    events: Mapping[str, str] = {measure: word for word, measure in EVENTS.items()}
    if claim.kind == "never":
        return f"{a} never {events[claim.measures[0]]}"
    if claim.kind == "sometimes":
        return f"{a} may {events[claim.measures[0]].removesuffix('s')}"
    by = f"by {listed(claim.measures)}"
    if claim.kind == "equivalent":
        return f"{a} and {_named(claim.others[0], name)} are equivalent {by}"
    everyone = {Side(c.name, claim.a.selection) for c in setup.contenders} - {claim.a}
    everyone_else = len(claim.others) > 1 and set(claim.others) == everyone and name is not quoted
    others = "all others" if everyone_else else listed([_named(s, name) for s in claim.others])
    if measures[0].timed:
        times = "" if claim.margin is None else f"at least {number(claim.margin)} times "
        both = claim.measures == WORDS["fast"]
        return f"{a} is {times}faster than {others}" + ("" if both else f" {by}")
    return f"{a} is {'more stable' if measures[0].stability else 'better'} than {others} {by}"


def _named(side: Side, name: Callable[[str], str]) -> str:
    return str(Side(name(side.optimizer), side.selection))


def _everywhere(claim: Claim, measures: Sequence[Measure], setup: _Setup) -> tuple[str, ...]:
    """The problems of a claim that names none."""
    sides = (claim.a, *claim.others)
    return tuple(
        task.name for task in setup.tasks
        if not any(_hindrances(task, sides, measures, claim.target))
    )  # fmt: skip


def _said_options(claim: Claim, measures: Sequence[Measure]) -> dict[str, float]:
    """What stands in parentheses: all that is not as usual."""
    usual: dict[Literal["alpha", "min_seeds", "at_most"], float]
    usual = {"alpha": Claim.alpha, "min_seeds": Claim.min_seeds, "at_most": Claim.at_most}
    found: dict[str, float] = {}
    if claim.kind == "better" and claim.margin is not None and not measures[0].timed:
        found["margin"] = claim.margin
    found |= {
        key: getattr(claim, key) for key, value in usual.items() if getattr(claim, key) != value
    }
    return found
