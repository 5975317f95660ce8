"""Mistakes that a spec alone shows, before anything has run: too few seeds for what is claimed, a rate
that nobody chose, problems that flatter some, one algorithm under two names.

They are read from the manifest's data, so that `optlab plan` and the report say them in the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from optlab.analysis.settings import RATES, pairs
from optlab.analysis.verdicts import judged
from optlab.analysis.words import brief, exact, goal, listed, number, plural
from optlab.rules import REGISTRY
from optlab.statistics.law import least_seeds
from optlab.statistics.resolve import seeds_for_never
from optlab.statistics.sequential import levels

__all__ = [
    "Asked",
    "Found",
    "foreseen",
    "impossible",
    "named",
    "same_rules",
    "told_impossible",
]

Found = tuple[str, str]
"""A kind of mistake, and a text that says what, where, why it matters and the way out."""

FEW_SEEDS = least_seeds(0.95)
"""Below it an exact two-sided test cannot reach 5 %: 2/2^5 is more."""

_COARSE = 0.1  # of the budget: recorded less often, a time is hardly a time

_TURNED = frozenset({"sgd", "momentum", "momentum_pytorch", "ema", "nesterov"})
"""Rules that do the same on a rotated problem, so that no problem's axes favour them."""

_CONVENTIONS = (
    {
        "momentum": "rate inside the velocity",
        "momentum_pytorch": "rate outside it, the same while the rate is constant",
        "ema": "a mean of gradients, so (1 − beta) times the rate",
    },
    {"rmsprop": "eps inside the root", "rmsprop_pytorch": "eps outside it"},
    {"adam": "eps after the bias correction", "adam_eps_hat": "eps before it"},
)
"""Rules that go by one name elsewhere, and what tells them apart."""

_MANY = 6  # names beyond these are counted


@dataclass(frozen=True)
class Asked:
    """What was asked for: the manifest (or what it will be), how many evaluation and tune seeds each
    problem has, and the problems of which there is one exact instance."""

    manifest: dict[str, Any]
    seeds: Mapping[str, int]
    tune: Mapping[str, int]
    exact: frozenset[str]
    decided: frozenset[str] = frozenset()
    """Ids of claims that runs have decided: they had seeds enough."""

    @property
    def problems(self) -> list[dict[str, Any]]:
        return self.manifest["problems"]

    @property
    def optimizers(self) -> list[dict[str, Any]]:
        return self.manifest["optimizers"]

    def settings(self, optimizer: dict[str, Any]) -> int:
        return int(optimizer.get("settings", 1))


def foreseen(asked: Asked) -> list[Found]:
    """Every mistake that can be told before anything runs, worst first."""
    return [
        *_few_seeds(asked),
        *_claims(asked),
        *_no_tune_seed(asked),
        *_one_tune_seed(asked),
        *_untuned(asked),
        *_unequal(asked),
        *_twice(asked),
        *_conventions(asked),
        *_separable(asked),
        *_origin(asked),
        *_one_problem(asked),
        *_instance(asked),
        *_no_target(asked),
        *_below_rounding(asked),
        *_below_minimum(asked),
        *_coarse(asked),
        *_narrow_profile(asked),
        *_test_rows(asked),
    ]


def named(found: Iterable[tuple[Any, Any]]) -> str:
    """Pairs of (optimizer, problem) in few words: `sgd and adam on bowl; momentum on valley`."""
    on: dict[str, list[str]] = {}
    for optimizer, problem in dict.fromkeys(found):
        on.setdefault(problem, []).append(optimizer)
    alike: dict[tuple[str, ...], list[str]] = {}
    for problem, optimizers in on.items():
        alike.setdefault(tuple(optimizers), []).append(problem)
    return "; ".join(f"{listed(os)} on {listed(problems)}" for os, problems in alike.items())


# Seeds and claims


def _few_seeds(asked: Asked) -> Iterator[Found]:
    few = {name: n for name, n in asked.seeds.items() if n < FEW_SEEDS and name not in asked.exact}
    if few:
        counts = sorted(set(few.values()))
        yield (
            "seeds",
            (
                f"Only {listed([str(n) for n in counts])} evaluation seed{'' if counts == [1] else 's'} "
                f"on {listed(list(few))}: with fewer than {FEW_SEEDS} no exact test can tell a difference "
                "from chance; write `seeds: {evaluate: 10}` or more."
            ),
        )


def _claims(asked: Asked) -> Iterator[Found]:
    """Claims that cannot be supported whatever the runs will be."""
    claims = asked.manifest.get("claims") or []
    looks = asked.manifest.get("looks") or []
    parts, most = [], 0
    for claim in claims:
        if claim.get("id") in asked.decided:
            continue
        count = judged(claims, set(asked.exact), post_hoc=claim["post_hoc"])
        alpha = claim["alpha"] / count
        level = float(levels(looks, alpha)[-1]) if looks else 1 - alpha
        needed = max(_needed(claim, level), claim["min_seeds"])
        has = {
            name: max([asked.seeds[name], *looks])
            for name in claim["problems"]
            if name not in asked.exact and name in asked.seeds
        }
        short = {name: n for name, n in has.items() if n < needed}
        if short:
            each = ", ".join(str(n) for n in sorted(set(short.values())))
            parts.append(
                f"“{claim['text']}” needs {needed} and has {each} on {listed(list(short))}"
            )
            most = max(most, needed)
    if parts:
        shared = f" ({count} judgements share the error, so each is held to a stricter level)"
        yield (
            "claims",
            (
                f"Too few seeds for what is claimed, so that no runs could support it: {'; '.join(parts)}"
                f"{shared if count > 1 else ''}. "
                f"Write `seeds: {{evaluate: {most}}}`, or claim less."
            ),
        )


def _needed(claim: dict[str, Any], level: float) -> int:
    if claim["kind"] == "sometimes":  # one run that does it is enough
        return 1
    if claim["kind"] == "never":
        return seeds_for_never(claim["at_most"], level).seeds or 1
    return least_seeds(level)


def _choices(asked: Asked, seeds: int) -> list[tuple[str, str]]:
    """(optimizer, problem) where a setting is chosen on so many seeds and something is random."""
    return [
        (o["name"], p["name"])
        for p, o in pairs(asked.manifest)
        if asked.settings(o) > 1
        and p["name"] not in asked.exact
        and asked.tune.get(p["name"]) == seeds
    ]


def _no_tune_seed(asked: Asked) -> Iterator[Found]:
    """Runs that were made elsewhere may have none; those made here always do."""
    found = _choices(asked, 0)
    if found:
        yield (
            "selection",
            (
                "Settings are chosen on the runs that are shown, which flatters whoever had more settings "
                f"to try: {named(found)}; bring runs on other seeds, with the role `tune`."
            ),
        )


def _one_tune_seed(asked: Asked) -> Iterator[Found]:
    found = _choices(asked, 1)
    if found:
        yield (
            "tune-seeds",
            (
                "Settings are chosen on one seed, so by the luck of one start and one order of the data: "
                f"{named(found)}; write `seeds: {{tune: 3}}` or more."
            ),
        )


# Settings


def _untuned(asked: Asked) -> Iterator[Found]:
    single = [o for o in asked.optimizers if asked.settings(o) == 1]
    if not single:
        return
    names = [o["name"] for o in single]
    some = f"{len(names)} of {plural(len(asked.optimizers), 'optimizer')}"
    who = listed(names) if len(names) <= _MANY else some
    text = f"One setting only for {who}: this compares those settings, not the optimizers at their best"
    if len(single) < len(asked.optimizers):
        text = f"One setting only for {who}, beside others that are searched: no fair comparison"
    yield (
        "untuned",
        (
            f"{text}{_shared_rate(single)}. Search them alike: `tuning: {{trials: 20}}` and "
            "`search: {lr: natural}`."
        ),
    )


def _shared_rate(single: list[dict[str, Any]]) -> str:
    """That one rate is everybody's, and is not the same thing to everybody."""
    rates = {o["name"]: rate for o in single if (rate := _only(o, RATES)) is not None}
    if len(rates) < 2 or len(rates) < len(single) or len(set(rates.values())) > 1:
        return ""
    rate = next(iter(rates.values()))
    effective = [
        f"{o['name']}'s velocity follows a steady gradient at {brief(pace)}"
        for o in single
        if (pace := _pace(o)) not in (None, rate)
    ]
    said = f", and {listed(effective)}" if effective else ""
    return f". All have the rate {exact(rate)}, which suits no two rules alike{said}"


def _pace(optimizer: dict[str, Any]) -> float | None:
    """How far a settled step goes at the optimizer's one setting, where that is known of its rule."""
    rule, hypers = REGISTRY.get(optimizer.get("rule") or ""), optimizer.get("hypers", {})
    if rule is None or set(hypers) != set(rule.hypers):
        return None
    return rule.pace({name: values[0] for name, values in hypers.items()})


def _only(optimizer: dict[str, Any], names: Iterable[str]) -> float | None:
    """The one value of the first of `names` that the optimizer has."""
    found = (optimizer.get("hypers", {}).get(name) for name in names)
    values: list[float] = next((v for v in found if v), [])
    return float(values[0]) if len(values) == 1 else None


def _unequal(asked: Asked) -> Iterator[Found]:
    # Those with one setting are told of already.
    each = {o["name"]: asked.settings(o) for o in asked.optimizers if asked.settings(o) > 1}
    if len(set(each.values())) > 1:
        parts = [f"{name} {count}" for name, count in each.items()]
        yield (
            "tuning",
            (
                f"Unequal numbers of settings ({', '.join(parts)}): the best of more is better by chance "
                "alone; give all the same number, as `tuning: {trials: 20}` does."
            ),
        )


def _narrow_profile(asked: Asked) -> Iterator[Found]:
    """Where the setting may be chosen outside the curve that is drawn around it."""
    parts = []
    for optimizer in asked.optimizers:
        for name, values in (optimizer.get("profile") or {}).items():
            tried = optimizer.get("hypers", {}).get(name) or []
            if tried and (min(values) > max(tried) or max(values) < min(tried)):
                where = f"{brief(min(values))} to {brief(max(values))}"
                parts.append(f"{optimizer['name']}'s {name} ({where})")
    if parts:
        yield (
            "profile",
            (
                f"The profile lies beside all that is tried of {listed(parts)}, so no curve can "
                "contain the setting that is shown; let `profile` span what is searched."
            ),
        )


# One algorithm, several names


def same_rules(optimizers: list[dict[str, Any]]) -> list[list[str]]:
    """Groups of names that are one rule at one and the same settings."""
    groups: dict[Any, list[str]] = {}
    for o in optimizers:
        if o.get("code"):  # without its text, a rule's switches are not known here
            hypers = tuple(sorted((n, tuple(v)) for n, v in o["hypers"].items()))
            groups.setdefault((o.get("rule"), o["code"], hypers), []).append(o["name"])
    return [names for names in groups.values() if len(names) > 1]


def _twice(asked: Asked) -> Iterator[Found]:
    for names in same_rules(asked.optimizers):
        yield (
            "twice",
            (
                f"{listed(names)} are the same rule at the same settings: their runs are the same "
                "numbers and count once; leave all but one out."
            ),
        )


def _conventions(asked: Asked) -> Iterator[Found]:
    rules = {o.get("rule") for o in asked.optimizers}
    parts = []
    for family in _CONVENTIONS:
        mine = [f"{rule} ({says})" for rule, says in family.items() if rule in rules]
        if len(mine) > 1:
            parts.append(", ".join(mine))
    if parts:
        yield (
            "conventions",
            (
                f"One name, several conventions: {'; '.join(parts)}. At equal rates and equal eps they are "
                "not the same algorithm; keep one of each unless that is the question."
            ),
        )


# Problems


def _separable(asked: Asked) -> Iterator[Found]:
    if not all(problem.get("separable") for problem in asked.problems):
        return
    if any(o.get("rule") not in _TURNED for o in asked.optimizers):
        yield (
            "separable",
            (
                "Every problem here is separable (a sum of functions of one coordinate), which favours "
                "rules that scale each coordinate, such as Adam; compare on a rotated copy as well "
                "(`rotated: true`)."
            ),
        )


def _origin(asked: Asked) -> Iterator[Found]:
    at = [(problem.get("minimum") or {}).get("at") or [] for problem in asked.problems]
    if all(any(not np.any(point) for point in points) for points in at):
        yield (
            "origin",
            (
                f"The minimum of {listed([p['name'] for p in asked.problems])} is at the origin, which "
                "favours whatever shrinks parameters; leave out `shifted: false`."
            ),
        )


def _one_problem(asked: Asked) -> Iterator[Found]:
    if len(asked.problems) == 1:
        yield (
            "problem",
            (
                f"One problem only, {asked.problems[0]['name']}: what is found holds there, and need not "
                "elsewhere; add problems that differ in shape, noise and dimension."
            ),
        )


def _instance(asked: Asked) -> Iterator[Found]:
    written = re.search(r"(?m)^seeds:", asked.manifest.get("spec", ""))
    if written and asked.exact.issuperset(asked.seeds):
        yield (
            "instance",
            (
                "Every start is given and nothing is random, so `seeds` changes nothing: each problem is "
                "one instance, and what is found says nothing of other starts; leave `start` out to "
                "have starts drawn."
            ),
        )


# Targets and records


def _without_target(problem: dict[str, Any]) -> bool:
    """Whether a problem has no target and could have one: recorded gradients follow no loss."""
    return not problem.get("decision") and problem.get("family") != "recorded_gradients"


def _no_target(asked: Asked) -> Iterator[Found]:
    names = [problem["name"] for problem in asked.problems if _without_target(problem)]
    if names:
        yield (
            "target",
            (
                f"No target on {listed(names)}: only the last loss is compared, and who has the lowest "
                "depends on the budget; write `targets: {loss: ...}`."
            ),
        )


def _below_rounding(asked: Asked) -> Iterator[Found]:
    precision = asked.manifest.get("precision", "float64")
    rounding = float(np.finfo(precision).eps)
    parts = []
    for problem in asked.problems:
        least = abs((problem.get("minimum") or {}).get("value") or 0.0)
        for target in problem.get("targets", []):
            scale = {"gap_over_start": 1.0, "gap": least}.get(target["kind"])
            if scale is not None and target["value"] < rounding * scale:
                parts.append((goal(target["label"]), problem["name"]))
    if parts:
        yield (
            "rounding",
            (
                f"Below the rounding of {precision}, so that it is met by luck or never: {named(parts)}; "
                "ask for less, or write `precision: float64`."
            ),
        )


def impossible(problem: dict[str, Any], target: dict[str, Any]) -> bool:
    """Whether a loss is asked for that lies below the known minimum."""
    minimum = problem.get("minimum")
    if not minimum or target["kind"] != "loss":
        return False
    return bool(target["value"] < minimum["value"] - (minimum.get("error") or 0.0))


def told_impossible(parts: Iterable[tuple[dict[str, Any], dict[str, Any]]]) -> Iterator[Found]:
    """What is to be said of such (problem, target), if there are any."""
    told = [
        f"{goal(target['label'])} on {problem['name']}, whose minimum is {number(problem['minimum']['value'])}"
        for problem, target in parts
    ]
    if told:
        yield "hard", f"Below the minimum, so that no run can meet it: {'; '.join(told)}."


def _below_minimum(asked: Asked) -> Iterator[Found]:
    yield from told_impossible(
        (problem, target)
        for problem in asked.problems
        for target in problem.get("targets", [])
        if impossible(problem, target)
    )


def _coarse(asked: Asked) -> Iterator[Found]:
    parts = [
        f"{p['name']} (every {p['cadence']:,} of {plural(p['steps'], 'update')})"
        for p in asked.problems
        if p.get("cadence", 1) > max(1.0, _COARSE * p["steps"])
    ]
    if parts:
        yield (
            "cadence",
            (
                f"Recorded too rarely on {listed(parts)}: times to a target and rises of the loss in "
                "between are not seen; write `record: {points: 200}`."
            ),
        )


def _test_rows(asked: Asked) -> Iterator[Found]:
    """Rows that took part in a choice are no longer unseen."""
    select = (asked.manifest.get("tuning") or {}).get("select") or "held"
    chosen = {p["name"] for p, o in pairs(asked.manifest) if asked.settings(o) > 1}
    names = []
    for problem in asked.problems:
        metrics = {t["label"]: t["metric"] for t in problem.get("targets", [])}
        decides = metrics.get(problem.get("decision"), "")
        by = decides if select in ("held", "reached") else select
        if by.startswith("test") and problem["name"] in chosen:
            names.append(problem["name"])
    if names:
        yield (
            "test",
            (
                f"Settings on {listed(names)} are chosen by a measure on the test rows, so that measure "
                "is no estimate for new data; it compares the optimizers on these rows. Let a measure on "
                "the training rows decide to keep them unseen."
            ),
        )
