"""A claim that was written in keys, as the sentence that says the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from optlab.measures import MEASURES, WORDS, Measure
from optlab.spec.model import Claim, Side
from optlab.spec.scope import Setup, everywhere
from optlab.spec.sentences import EVENTS, listed, number, quoted

__all__ = ["wording"]


def wording(claim: Claim, setup: Setup, read: Callable[[str], Claim | None]) -> str:
    """A sentence that `read` takes for `claim`; names are in quotes where it could be read otherwise."""
    plain = _sentence(claim, setup, str)
    again = read(plain)
    if again is not None and again.id == claim.id:
        return plain
    return _sentence(claim, setup, quoted)


def _sentence(claim: Claim, setup: Setup, name: Callable[[str], str]) -> str:
    measures = [MEASURES[m] for m in claim.measures]
    words = [_statement(claim, measures, setup, name)]
    if claim.target is not None:
        words.append(f"to {claim.target}")
    if claim.margin is not None and claim.kind != "better":
        clause = "within" if claim.kind == "equivalent" else "above"
        words.append(f"{clause} {number(claim.margin)}")
    if claim.problems != everywhere(claim, measures, setup):
        words.append(f"on {listed([name(p) for p in claim.problems])}")
    if options := _said_options(claim, measures):
        words.append(f"({', '.join(f'{key} {number(value)}' for key, value in options.items())})")
    return " ".join(words)


def _statement(
    claim: Claim, measures: Sequence[Measure], setup: Setup, name: Callable[[str], str]
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
