"""Claims and scores -> verdicts: what may be believed, how sure it is, and when it cannot be told.

The rules are those of statistics for paired runs: the unit is the seed, a miss is +inf, intervals are
exact, and a claim is judged only where its gates are open (enough seeds, no errors, settings chosen on
other seeds and inside the range that was tried, ...). Where nothing is random there is one instance,
and a claim is true or false of it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis import gates
from optlab.analysis.censored import quantile
from optlab.analysis.scores import scores
from optlab.analysis.sentences import sentence, side_name
from optlab.analysis.settings import best_settings, entrants
from optlab.analysis.times import is_exact
from optlab.analysis.tracks import floors
from optlab.analysis.weighing import earliest, told_by, weigh
from optlab.analysis.words import number, plural
from optlab.measures import MEASURES, Measure
from optlab.results import ALL_OTHERS, Results
from optlab.statistics.paired import Decision, decide, decide_equivalent, decide_never
from optlab.statistics.resolve import Needed, seeds_for_never, seeds_needed
from optlab.statistics.sequential import levels

__all__ = [
    "ALL_OTHERS",
    "ALL_PROBLEMS",
    "COLUMNS",
    "Case",
    "Judge",
    "judged",
    "undecided",
    "verdicts",
]

ALL_PROBLEMS = "all problems"
"""What stands for the problem where a claim is judged over many of them, one effect for each."""

MANY = 10
"""Problems from which on a claim is also judged over problems: fewer are no sample of anything."""

COLUMNS = [
    "claim", "text", "declared", "post_hoc", "kind", "a", "b", "selection_a", "selection_b",
    "problem", "measure", "target", "verdict", "label", "effect", "low", "high", "low95", "high95",
    "scale", "level", "n", "a_n", "b_n", "a_median", "b_median", "margin", "judged", "method",
    "seeds_needed", "alternative", "sentence",
]  # fmt: skip

Claim = dict[str, Any]
Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One claim on one problem by one measure: what all of its comparisons share."""

    claim: Claim
    problem: dict[str, Any]
    measure: Measure
    target: str
    looks: tuple[tuple[int, float], ...]
    """(seeds, level): how often, and how surely, it is judged as seeds come in; once unless they are
    added until claims are decided. The first look that decides counts."""
    judged: int
    exact: bool

    @property
    def level(self) -> float:
        """Of the interval that more seeds would be judged by: the strictest that was in use."""
        used = [level for _, level in self.looks if level < 1]
        return max([1 - float(self.claim["alpha"]) / self.judged, *used])

    @property
    def margin(self) -> float:
        stated = self.claim["margin"]
        return float(self.measure.margin if stated is None else stated)


def verdicts(
    results: Results, best: pd.DataFrame | None = None, table: pd.DataFrame | None = None
) -> pd.DataFrame:
    """One row per claim, problem, measure and other side, and one for all others together where a
    claim is against several. `best` and `table` are `best_settings(...)` and `scores(...)`, if they
    have been computed already.

    The level of an interval is 1 - alpha / `judged` (Bonferroni): on each problem, the chance that any
    verdict on the claims declared before the runs is wrong is at most alpha, whoever is right. For a
    claim made afterwards those made afterwards count as well. Problems are not corrected for: on how
    many a claim holds is for the reader to see, and over ten or more there is a row of its own, one
    effect for each problem, in `problem` "all problems". effect, low
    and high are log10 of a ratio or a difference, positive in favour of `a`; low95 and high95 are
    the interval at 95 %, not corrected.
    """
    claims = results.manifest.get("claims") or []
    if not claims:
        return pd.DataFrame(columns=COLUMNS)
    best = best_settings(results.runs, results.manifest) if best is None else best
    table = scores(results, best) if table is None else table
    judge = Judge(results, best, table)
    rows = [row for claim in claims for row in judge(claim)]
    return pd.DataFrame(rows, columns=COLUMNS)


def judged(claims: list[Claim], exact: set[str], *, post_hoc: bool) -> int:
    """How many judgements share the error on a problem: one for each measure of each claim declared
    before the runs, or of all claims. Those on exact instances only cannot err by chance."""
    return max(1, sum(
        len(claim["measures"])
        for claim in claims
        if (post_hoc or not claim["post_hoc"]) and set(claim["problems"]) - exact
    ))  # fmt: skip


def undecided(table: pd.DataFrame) -> int:
    """How many judgements in a table of verdicts more seeds might still decide. A claim against all
    others is decided where the whole of it is; what the record leaves open, no seed will tell."""
    if table.empty:
        return 0
    open_ = table[table["verdict"] == "INCONCLUSIVE"]
    case = ["claim", "problem", "measure"]
    whole = open_.loc[open_["b"] == ALL_OTHERS, case]
    several = table.loc[table["b"] == ALL_OTHERS, case].drop_duplicates()
    # What the record or the budget leaves open, and what asks for more problems.
    shut = open_["label"].str.startswith(("times are recorded", "the budget ends"))
    seeds_tell = ~shut & (open_["problem"] != ALL_PROBLEMS)
    pairs = open_[(open_["b"] != ALL_OTHERS) & seeds_tell]
    lone = pairs.merge(several, on=case, how="left", indicator="of")
    of_whole = pairs.merge(whole, on=case)[case].drop_duplicates()
    return int((lone["of"] == "left_only").sum()) + len(of_whole)


class Judge:
    """The tables of one experiment, ready to be asked."""

    def __init__(self, results: Results, best: pd.DataFrame, table: pd.DataFrame) -> None:
        self.manifest, self.best = results.manifest, best
        self.claims = self.manifest["claims"]
        self.problems = {p["name"]: p for p in self.manifest["problems"]}
        self.entrants = entrants(results.runs, best)
        self.exact = {name for name in self.problems if is_exact(results.runs, name)}
        self.gates = gates.Gates(results.runs, best, self.manifest)
        keys = ["problem", "optimizer", "selection", "measure", "target"]
        self._places = table.groupby(keys, sort=False, observed=True).indices
        self._seeds, self._scores = table["seed"].to_numpy(), table["value"].to_numpy(dtype=float)

    def __call__(self, claim: Claim) -> Iterator[Row]:
        """Every verdict on one claim: problem by problem, then over problems where there are many."""
        rows = []
        for name in claim["problems"]:
            for measure in claim["measures"]:
                rows += self._judged(self.case(claim, name, measure))
        yield from rows
        for measure in claim["measures"]:
            yield from self._over_problems(claim, [r for r in rows if r["measure"] == measure])

    def case(self, claim: Claim, problem: str, measure: str) -> Case:
        about, entry = MEASURES[measure], self.problems[problem]
        # What was claimed before the runs and withdrawn since has had its chance as well.
        made = [*self.claims, *self.manifest.get("withdrawn", [])]
        count = judged(made, self.exact, post_hoc=claim["post_hoc"])
        target = (claim["target"] or entry["decision"] or "") if about.timed else ""
        looks = self._looks(claim["alpha"] / count)
        return Case(claim, entry, about, target, looks, count, problem in self.exact)

    def _over_problems(self, claim: Claim, rows: list[Row]) -> Iterator[Row]:
        """One effect for each problem: is the claim true of problems like these (Demsar 2006)?"""
        random = [row for row in rows if row["problem"] not in self.exact]
        named = [row for row in random if row["b"] not in ("", ALL_OTHERS)]
        for side, selection in dict.fromkeys((row["b"], row["selection_b"]) for row in named):
            mine = [row for row in named if (row["b"], row["selection_b"]) == (side, selection)]
            if len(mine) < MANY:
                continue
            case = self.case(claim, mine[0]["problem"], mine[0]["measure"])
            shut = sum(row["verdict"] == "NOT TESTED" for row in mine)
            row = {"b": side, "selection_b": selection, "problem": ALL_PROBLEMS,
                   "target": "", "n": len(mine), "method": "signed-rank over problems"}  # fmt: skip
            if shut:
                row |= {"verdict": "NOT TESTED", "label": f"{shut} of them could not be judged"}
                yield self._told(case, row)
                continue
            effects = np.array([row["effect"] for row in mine], dtype=float)
            effects = np.where(np.isnan(effects), 0.0, effects)  # both miss everywhere: alike
            decide_ = decide_equivalent if claim["kind"] == "equivalent" else decide
            delta = math.log10(case.margin) if case.measure.scale == "ratio" else case.margin
            level = case.looks[-1][1]
            decision, plain = (
                decide_(np.zeros(len(mine)), effects, scale="difference", margin=delta, level=at)
                for at in (level, 0.95)
            )
            assert decision.effect is not None
            yield self._told(case, row | _decided(decision, plain) | {
                "effect": decision.effect.estimate, "a_n": int((effects > delta).sum()),
                "method": f"{decision.effect.method} over problems",
            })  # fmt: skip

    def _looks(self, alpha: float) -> tuple[tuple[int, float], ...]:
        """The looks taken so far, each with its level, so that all that are planned err together with
        probability at most `alpha`."""
        planned = self.manifest.get("looks")
        seeds = self.manifest["seeds"]["evaluate"]
        if not planned:
            return ((sys.maxsize, 1 - alpha),)
        each = zip(planned, levels(planned, alpha), strict=True)
        return tuple((n, float(level)) for n, level in each if n <= seeds)

    def _judged(self, case: Case) -> list[Row]:
        others = case.claim["others"]
        if not others:
            return [self._told(case, self._alone(case))]
        rows = [self._told(case, self._pair(case, other)) for other in others]
        return rows if len(rows) == 1 else [*rows, self._told(case, _together(rows))]

    def _told(self, case: Case, row: Row) -> Row:
        claim = case.claim
        full = dict.fromkeys(COLUMNS) | {
            "label": "", "method": "", "claim": claim["id"], "text": claim["text"], "declared": claim["declared"],
            "post_hoc": claim["post_hoc"], "kind": claim["kind"], "a": claim["a"]["optimizer"],
            "selection_a": claim["a"]["selection"], "problem": case.problem["name"],
            "measure": case.measure.name, "target": case.target, "margin": case.margin,
            "scale": case.measure.scale, "level": case.looks[-1][1], "judged": case.judged,
            "floor": 0.0 if case.measure.timed else self._floor(case), **row,
        }  # fmt: skip
        return full | {"sentence": sentence(full, case.problem, self.manifest)}

    def _values(self, case: Case, side: dict[str, str]) -> pd.Series:
        key = (case.problem["name"], side["optimizer"], side["selection"], case.measure.name)
        places = self._places.get((*key, case.target), np.array([], dtype=int))
        return pd.Series(self._scores[places], index=self._seeds[places]).sort_index()

    def _alone(self, case: Case) -> Row:
        """A claim about one optimizer: it never does something."""
        seen = self._values(case, case.claim["a"])
        values = seen.dropna()
        hits, n = int((values > case.margin).sum()), len(values)
        row = {"b": "", "selection_b": "", "n": n, "a_n": hits, "a_median": _median(values),
               "method": "exact binomial"}  # fmt: skip
        shut = self.gates(case, None, seen, seen)
        if shut:
            seen_in = f"; it was seen in {hits} of {plural(n, 'run')}" if hits else ""
            return row | {"verdict": "NOT TESTED", "label": f"{shut}{seen_in}"}
        if case.exact:
            truth = not hits if case.claim["kind"] == "never" else bool(hits)
            return row | {"verdict": _here(truth), "label": "", "method": "one instance"}
        at_most = case.claim["at_most"]

        def hits_of(seeds: int) -> tuple[int, int]:
            looked = values.iloc[:seeds]
            return int((looked > case.margin).sum()), len(looked)

        look, seeds, level, decision = _first_decided(
            case, lambda seeds, level: decide_never(*hits_of(seeds), at_most, level)
        )
        if hits:  # one run that does it settles the matter, at whichever look it came
            look, (seeds, level) = len(case.looks), case.looks[-1]
            decision = decide_never(*hits_of(seeds), at_most, level)
        hits, n = hits_of(seeds)
        plain = decide_never(hits, n, at_most, 0.95)
        told = _decided(decision, plain)
        if case.claim["kind"] == "sometimes" and told["verdict"] != "INCONCLUSIVE":
            # One run that does it proves it; that none of so many did shows that it is rare.
            told |= {"verdict": "SUPPORTED" if hits else "REFUTED",
                     "label": "" if hits else f"in at most {at_most:.0%} of runs"}  # fmt: skip
        needed = None
        if decision.verdict == "INCONCLUSIVE":
            needed = seeds_for_never(at_most, case.level)
        return row | told | {
            "n": n, "a_n": hits, "level": level, "effect": hits / n,
            "method": f"exact binomial{_at(look, case)}",
        } | _suggested(needed, case)  # fmt: skip

    def pair(self, case: Case, other: dict[str, str]) -> tuple[pd.Series, pd.Series]:
        """The values of both sides on the seeds that they share."""
        a, b = self._values(case, case.claim["a"]), self._values(case, other)
        shared = a.index.intersection(b.index)
        return a[shared], b[shared]

    def _pair(self, case: Case, other: dict[str, str]) -> Row:
        a, b = self.pair(case, other)
        known = a.notna() & b.notna()
        row = {"b": other["optimizer"], "selection_b": other["selection"]}
        row |= _sides(a[known], b[known], case.measure)
        shut = self.gates(case, other, a, b)
        if shut:
            return row | {"verdict": "NOT TESTED", "label": shut}
        if case.exact:
            return row | self._instance(case, float(a[known].iloc[0]), float(b[known].iloc[0]))
        how = self.how(case)

        def arms(seeds: int) -> tuple[pd.Series, pd.Series]:
            return a[known].iloc[:seeds], b[known].iloc[:seeds]

        look, seeds, level, decision = _first_decided(
            case, lambda seeds, level: weigh(*arms(seeds), level=level, **how)
        )
        x, y = arms(seeds)
        decision = self.strictly(case, decision, x, y, how, level)
        if decision.label == "equivalent" and not _alike(decision, case.measure):
            decision = replace(decision, label="smaller than claimed")
        if shut := gates.afterwards(case, decision, self.gates.is_cut(case, case.claim["a"])):
            return row | {"verdict": "NOT TESTED", "label": shut}
        plain = weigh(x, y, level=0.95, **how)
        needed = None
        if decision.verdict == "INCONCLUSIVE" and not decision.label:
            needed = _needed(case, x, y, how)
        assert decision.effect is not None
        return row | _sides(x, y, case.measure) | _decided(decision, plain) | {
            "level": level, "effect": decision.effect.estimate,
            "method": f"{decision.effect.method}{_at(look, case)}",
        } | _suggested(needed, case)  # fmt: skip

    def strictly(
        self, case: Case, decision: Decision, x: Any, y: Any, how: dict[str, Any], level: float
    ) -> Decision:
        """Where a claim is against several, any of them may refute the whole: k chances to be wrong,
        so that a refutation must hold at the k-th part of the error. Support needs all of them and
        is not corrected (Berger 1982)."""
        k = len(case.claim["others"])
        if k < 2 or decision.verdict != "REFUTED":
            return decision
        strict = weigh(x, y, level=1 - (1 - level) / k, **how)
        if strict.verdict == "REFUTED":
            return decision
        return replace(
            decision, verdict="INCONCLUSIVE", label=f"not refuted once corrected for {k} others"
        )

    def how(self, case: Case) -> dict[str, Any]:
        """How two arms are weighed by this measure on this problem."""
        return {
            "equivalent": case.claim["kind"] == "equivalent",
            "margin": case.margin,
            "cadence": int(case.problem["cadence"]) if case.measure.timed else 1,
            "binary": case.measure.binary,
            "scale": case.measure.scale,
            "higher": case.measure.higher,
            "budget": float(case.problem["steps"]) if case.measure.timed else None,
            "floor": self._floor(case),
        }

    def _floor(self, case: Case) -> float:
        """What values at or below count as: one update for a time, rounding for a loss."""
        if case.measure.timed:
            return 1.0
        if case.measure.name not in ("loss", "gap", "test_loss"):
            return 0.0
        minimum = case.problem["minimum"] if case.measure.name == "gap" else None
        mine = self.entrants[self.entrants["problem"] == case.problem["name"]]
        first = mine["loss_first"].to_numpy(dtype=float)
        # One floor for every pair of a problem, and the same whoever else takes part: the starts are
        # shared.
        return float(np.nanmax(floors(first, minimum, self.manifest["precision"]), initial=0.0))

    def _soonest(self, case: Case, value: float) -> float:
        """The least that a time may have been: a cadence before it was seen; what was not seen by the
        end of the budget came after it, by how much nobody knows."""
        if not case.measure.timed:
            return value
        if math.isinf(value):
            return float(case.problem["steps"])
        return float(earliest(np.array([value]), int(case.problem["cadence"]))[0])

    def _instance(self, case: Case, a: float, b: float) -> Row:
        """True or false of the one instance there is."""
        how = self.how(case)
        seen_a, seen_b = (self._soonest(case, value) for value in (a, b))
        pairs = [(a, b), (a, seen_b), (seen_a, b)]
        effect, low, high = (
            _effect(x, y, how["scale"], how["higher"], how["floor"]) for x, y in pairs
        )
        delta = math.log10(case.margin) if how["scale"] == "ratio" else case.margin
        slack = 1e-12 * max(1.0, abs(delta))
        truths = [e > delta + slack for e in (low, high)]
        if how["equivalent"]:
            within = delta - slack
            truths = [-within < low and high < within, low < within and high > -within]
        told = {"effect": effect, "low": low, "high": high, "low95": low, "high95": high,
                "method": "one instance"}  # fmt: skip
        if truths[0] != truths[1]:
            late = math.isinf(a) or math.isinf(b)
            why = "the budget ends before it shows by how much" if late else told_by(how["cadence"])
            return told | {"verdict": "INCONCLUSIVE", "label": why}
        return told | {"verdict": _here(truths[0]), "label": ""}


def _alike(decision: Decision, measure: Measure) -> bool:
    """Whether a refuted claim leaves the two sides alike by the measure's own margin: to be less than
    three times as fast is not to be as fast."""
    own = math.log10(measure.margin) if measure.scale == "ratio" else measure.margin
    return -own < decision.low and decision.high < own


def _sides(a: pd.Series, b: pd.Series, measure: Measure) -> Row:
    """How many pairs, how many runs of each side came through (a finite value; did not diverge), and
    the medians."""
    through = (values == 0 if measure.binary else np.isfinite(values) for values in (a, b))
    a_n, b_n = (int(each.sum()) for each in through)
    return {
        "n": len(a), "a_n": a_n, "b_n": b_n, "a_median": _median(a), "b_median": _median(b),
    }  # fmt: skip


def _first_decided(
    case: Case, judge: Callable[[int, float], Decision]
) -> tuple[int, int, float, Decision]:
    """The number of the first look that decides, else of the last, with its seeds, its level and
    what came of it."""
    for look, (seeds, level) in enumerate(case.looks, 1):
        decision = judge(seeds, level)
        if decision.verdict != "INCONCLUSIVE" or look == len(case.looks):
            return look, seeds, level, decision
    raise ValueError("a claim is judged at one look at least")


def _at(look: int, case: Case) -> str:
    return f", look {look}" if len(case.looks) > 1 else ""


def _needed(case: Case, x: Any, y: Any, how: dict[str, Any]) -> Needed | None:
    """How many seeds would decide it; not told where shares are compared."""
    if case.measure.binary:
        return None
    plain = {name: value for name, value in how.items() if name not in ("cadence", "binary")}
    return seeds_needed(x, y, level=case.level, **plain)


def _suggested(needed: Needed | None, case: Case) -> Row:
    """How many seeds would decide it, and what would have to be true for that."""
    if needed is None:
        return {}
    if needed.kind == "rate":
        what = "no run ever does"
    elif needed.kind == "win share":
        what = (
            f"{case.claim['a']['optimizer']} wins {100 * needed.alternative:.0f} % of decided pairs"
        )
    elif case.measure.scale == "ratio":
        what = f"the true ratio is {number(10**needed.alternative)}"
    else:
        what = f"the true difference is {number(needed.alternative)}"
    return {"seeds_needed": needed.seeds, "alternative": what}


def _effect(a: float, b: float, scale: str, higher: bool, floor: float) -> float:
    if higher:
        a, b = (b, a) if scale == "ratio" else (-a, -b)
    if a == b:
        return 0.0
    if scale == "difference":
        return b - a
    a, b = max(a, floor), max(b, floor)
    with np.errstate(divide="ignore"):
        return float(np.log10(b) - np.log10(a)) if a != b else 0.0


def _here(truth: bool) -> str:
    return "TRUE HERE" if truth else "FALSE HERE"


def _median(values: pd.Series) -> float:
    return float(quantile(values.to_numpy(dtype=float), 0.5)) if len(values) else math.nan


def _decided(decision: Decision, plain: Decision) -> Row:
    return {
        "verdict": decision.verdict, "label": decision.label, "low": decision.low,
        "high": decision.high, "low95": plain.low, "high95": plain.high,
    }  # fmt: skip


_WEAKEST = ("REFUTED", "FALSE HERE", "NOT TESTED", "INCONCLUSIVE", "TRUE HERE", "SUPPORTED")


def _together(rows: list[Row]) -> Row:
    """The verdict on a claim against all others at once: that of its weakest comparison."""
    weakest = min(rows, key=lambda row: _WEAKEST.index(row["verdict"]))
    mine = [
        side_name(row["b"], row["selection_b"])
        for row in rows
        if row["verdict"] == weakest["verdict"]
    ]
    needed = []
    if weakest["verdict"] == "INCONCLUSIVE":  # as many as the one that asks for most
        needed = [row["seeds_needed"] for row in rows if row["verdict"] == "INCONCLUSIVE"]
        needed = [] if None in needed else needed
    label = (
        f"against {', '.join(mine)}" if weakest["verdict"] not in ("SUPPORTED", "TRUE HERE") else ""
    )
    return {
        "b": ALL_OTHERS, "selection_b": "", "verdict": weakest["verdict"], "label": label,
        "n": min(row["n"] for row in rows), "a_n": weakest["a_n"],
        "a_median": weakest["a_median"], "method": "intersection-union",
        "seeds_needed": max(needed) if needed else None,
        "alternative": "each is as its own row says" if needed else None,
    }  # fmt: skip
