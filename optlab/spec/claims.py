"""The claims of a spec: statements that the runs will be judged by, written before them.

A claim is a sentence (`sentences.py`) or keys; both lead to a Draft, which is checked here against
what the spec runs. The same claim has the same id, whichever way it is written.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from optlab.errors import Faults
from optlab.measures import MEASURES, WORDS, Measure
from optlab.nodes import Node, unwritable, whole
from optlab.spec.model import Claim, Contender, Side, Target, Task
from optlab.spec.scope import Places, Setup, problems
from optlab.spec.sentences import (
    EVENTS,
    Draft,
    label,
    listed,
    number,
    sentence,
)
from optlab.spec.wording import wording
from optlab.suggest import meant_or_known

__all__ = ["claims"]

LONGEST = 1000
"""Characters of a sentence: every way to read it is tried."""

FEWEST_SEEDS = 6
"""No exact test on fewer pairs can reach 5 % (two-sided, 2 / 2^6 = 3 %)."""


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
    setup = Setup(tuple(tasks), tuple(contenders), groups)
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


def _claim(item: Node, setup: Setup, faults: Faults) -> Claim | None:
    if isinstance(item.value, dict):
        made = _from_keys(item, setup, faults)
        if made is None:
            return None
        claim = _settle(*made, setup, faults)
        own = item.value.get("text")
        text = own.text.strip() if own else claim and wording(claim, setup, _reader(setup))
    elif isinstance(item.value, str) and item.value.strip():
        text = item.value.strip()
        claim = _from_sentence(text, item, setup, faults)
    else:
        faults.add(item, "a claim is a sentence, as in `adam is faster than sgd`, or keys, as in "
                         "`{better: adam, than: sgd, metric: gap}`")  # fmt: skip
        return None
    return claim and Claim(**{**vars(claim), "text": text})


def _reader(setup: Setup) -> Callable[[str], Claim | None]:
    """What a sentence says, where it can be read in one way and nothing is wrong with it."""

    def read(text: str) -> Claim | None:
        drafts = sentence(text.strip(), setup.words)
        if isinstance(drafts, str) or len(drafts) != 1:
            return None
        return _settle(drafts[0], Places(Node(None, 0, 0, ""), {}), setup, Faults())

    return read


def _from_sentence(text: str, item: Node, setup: Setup, faults: Faults) -> Claim | None:
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
    places = Places(item, {})
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


def _from_keys(item: Node, setup: Setup, faults: Faults) -> tuple[Draft, Places] | None:
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
    return None if len(faults.found) > before else (draft, Places(item, {**given, **keys}))


def _check_text(node: Node | None, faults: Faults) -> None:
    if node is None:
        return
    if not isinstance(node.value, str) or not node.value.strip():
        faults.add(node, f"{node.shown} is not text; put it in quotes")
    elif odd := unwritable(node.value):
        faults.add(node, odd)


def _sides_of(
    given: Mapping[str, Node], kind: str, setup: Setup, faults: Faults
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


def _side(node: Node, setup: Setup, faults: Faults) -> Side | None:
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


def _problems_of(node: Node | None, setup: Setup, faults: Faults) -> tuple[str, ...] | None:
    if node is None:
        return None
    if node.text == "all":
        return setup.words.problems
    return _texts(node, "a problem, a list of them, a group, or `all`", faults)


def _options_of(given: Mapping[str, Node], setup: Setup, faults: Faults) -> dict[str, Any]:
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


def _target_of(node: Node, setup: Setup, faults: Faults) -> str:
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


def _settle(draft: Draft, places: Places, setup: Setup, faults: Faults) -> Claim | None:
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
        problems(draft, (), (), None, places, setup, faults)
        return None
    a, others = _sides(draft, places, setup, faults)
    if any(m.profile for m in measures) and "default" in {s.selection for s in (a, *others)}:
        faults.add(places.of("metric"), f"`{measures[0].name}` is about the rates around the tuned "
                                        "setting; it has no value at the default one")  # fmt: skip
    target = _target(draft, measures, places, setup, faults)
    options = _options(draft, measures, places, faults)
    told_on = problems(draft, (a, *others), measures, target, places, setup, faults)
    if len(faults.found) > before:
        return None
    kind: Any = draft.kind
    names = tuple(measure.name for measure in measures)
    return Claim("", kind, a, others, names, told_on, target, **options)


def _sides(
    draft: Draft, places: Places, setup: Setup, faults: Faults
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


def _measures(draft: Draft, places: Places, faults: Faults) -> tuple[Measure, ...]:
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
    draft: Draft, measures: Sequence[Measure], places: Places, setup: Setup, faults: Faults
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
    draft: Draft, measures: Sequence[Measure], places: Places, faults: Faults
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
