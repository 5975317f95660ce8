"""Verdicts read off scores: each kind, each gate, and what must change nothing.

Scores are written by hand; what they come to is recomputed here with SciPy's tests or counted.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_tables import LABEL, best_of, made
from scipy import stats

from optlab.analysis.robustness import robustness
from optlab.analysis.verdicts import ALL_OTHERS, ALL_PROBLEMS, undecided, verdicts
from optlab.measures import MEASURES
from optlab.results import Results
from optlab.spec import Claim, Side
from optlab.statistics.sequential import levels

INF = math.inf
STEPS = 100

Scores = dict[tuple[str, str], Any]


def claim(
    kind: str = "better", a: str = "a", others: tuple[str, ...] = ("b",), measure: Any = "gap",
    problems: tuple[str, ...] = ("p",), post_hoc: bool = False, **more: Any,
) -> dict[str, Any]:  # fmt: skip
    measures = (measure,) if isinstance(measure, str) else tuple(measure)
    sides = tuple(Side(name) for name in others)
    stated = Claim("as written", kind, Side(a), sides, measures, problems, **more)  # type: ignore[arg-type]
    return asdict(stated) | {"id": stated.id, "declared": "2026-01-01", "post_hoc": post_hoc}


def results(folder: Any, claims: list[dict[str, Any]], scores: Scores, start: str = "drawn",
            cadence: int = 1, **manifest: Any) -> Results:  # fmt: skip
    """Runs for every problem, optimizer and seed of `scores`; only what gates look at is real."""
    losses = {}
    for (problem, optimizer), values in scores.items():
        for seed in range(len(np.atleast_1d(values))):
            first = 1.0 if start == "given" else 1.0 + 0.01 * seed
            losses[problem, optimizer, seed] = [first, 0.5 + 0.001 * seed * (start != "given")]
    found = made(folder, losses, start=start, cadence=cadence)
    for problem in found.manifest["problems"]:
        problem |= {"steps": STEPS, "cadence": cadence}
    n = max(len(np.atleast_1d(v)) for v in scores.values())
    found.manifest.update({"claims": claims, "seeds": {"evaluate": n}} | manifest)
    return found


def table(scores: Scores, measure: str, target: str | None = None) -> pd.DataFrame:
    label = (LABEL if MEASURES[measure].timed else "") if target is None else target
    return pd.DataFrame(
        [
            {"problem": problem, "optimizer": optimizer, "selection": "tuned", "measure": measure,
             "target": label, "seed": seed, "value": float(value), "status": "budget"}
            for (problem, optimizer), values in scores.items()
            for seed, value in enumerate(np.atleast_1d(values))
        ]
    )  # fmt: skip


def alone(runs: Results) -> pd.DataFrame:
    return best_of(runs).assign(settings=1, on_edge=[{}] * len(best_of(runs)), chosen_on="evaluate")


def judge(folder: Any, claims: Any, scores: Scores, measure: str = "gap", best: Any = None,
          **more: Any) -> pd.DataFrame:  # fmt: skip
    claims = [claims] if isinstance(claims, dict) else claims
    runs = results(folder, claims, scores, **more)
    return verdicts(runs, alone(runs) if best is None else best(runs), table(scores, measure))


def logs(seed: int, n: int, factor: float = 1.0, sd: float = 0.1) -> np.ndarray:
    return factor * 10 ** np.random.default_rng(seed).normal(0.0, sd, n)


# What is decided, against SciPy


@pytest.mark.parametrize(
    ("factor", "verdict", "label"),
    [(2.0, "SUPPORTED", ""), (0.5, "REFUTED", "reversed"), (1.0, "REFUTED", "equivalent"),
     (1.1, "INCONCLUSIVE", "")],
)  # fmt: skip
def test_the_interval_is_where_wilcoxons_test_begins_to_reject(
    tmp_path: Any, factor: float, verdict: str, label: str
) -> None:
    n = 20
    scores = {("p", "a"): logs(1, n, sd=0.02), ("p", "b"): logs(2, n, factor, sd=0.02)}
    [row] = judge(tmp_path, claim(), scores).to_dict("records")
    assert (row["verdict"], row["label"]) == (verdict, label)
    d = np.log10(scores["p", "b"] / scores["p", "a"])
    walsh = [(d[i] + d[j]) / 2 for i in range(n) for j in range(i, n)]
    assert row["effect"] == pytest.approx(np.median(walsh), abs=1e-12)
    for end, side, inside in (("low", "greater", 1e-9), ("high", "less", -1e-9)):
        just_in = stats.wilcoxon(d - row[end] - inside, alternative=side, method="exact").pvalue
        just_out = stats.wilcoxon(d - row[end] + inside, alternative=side, method="exact").pvalue
        assert just_out <= 0.025 < just_in
    assert row["n"] == n
    assert row["a_median"] == pytest.approx(np.median(scores["p", "a"]))


@pytest.mark.parametrize(("hits", "verdict"), [(0, "SUPPORTED"), (1, "REFUTED"), (40, "REFUTED")])
def test_never_is_refuted_by_one_and_supported_by_many(
    tmp_path: Any, hits: int, verdict: str
) -> None:
    values = np.where(np.arange(40) < hits, 0.5, 0.0)
    stated = claim("never", others=(), measure="overshoot")
    [row] = judge(tmp_path, stated, {("p", "a"): values}, "overshoot").to_dict("records")
    assert row["verdict"] == verdict
    exact = stats.binomtest(hits, 40).proportion_ci(0.95, "exact")
    assert (row["low"], row["high"]) == pytest.approx((exact.low, exact.high))
    assert (row["a_n"], row["n"]) == (hits, 40)


@pytest.mark.parametrize(("hits", "n", "verdict"), [
    (0, 10, "INCONCLUSIVE"), (0, 40, "REFUTED"), (1, 10, "SUPPORTED"),
])  # fmt: skip
def test_may_is_proved_by_one(tmp_path: Any, hits: int, n: int, verdict: str) -> None:
    values = np.where(np.arange(n) < hits, 0.5, 0.0)
    stated = claim("sometimes", others=(), measure="overshoot")
    [row] = judge(tmp_path, stated, {("p", "a"): values}, "overshoot").to_dict("records")
    assert row["verdict"] == verdict
    if verdict == "INCONCLUSIVE":
        need = int(row["seeds_needed"])
        assert stats.binomtest(0, need).proportion_ci(0.95, "exact").high < 0.1
        assert stats.binomtest(0, need - 1).proportion_ci(0.95, "exact").high >= 0.1


def test_equivalence_is_two_one_sided_tests(tmp_path: Any) -> None:
    stated = claim("equivalent", measure="test_accuracy", margin=0.02)
    for shift, verdict, label in ((0.0, "SUPPORTED", ""), (0.05, "REFUTED", "worse"),
                                  (-0.05, "REFUTED", "better")):  # fmt: skip
        rng = np.random.default_rng(3)
        a = 0.9 + rng.normal(0, 0.005, 20)
        scores = {("p", "a"): a, ("p", "b"): a + shift + rng.normal(0, 0.005, 20)}
        [row] = judge(tmp_path, stated, scores, "test_accuracy").to_dict("records")
        assert (row["verdict"], row["label"]) == (verdict, label)


def test_more_is_better_where_it_is(tmp_path: Any) -> None:
    high = {("p", "a"): np.linspace(0.95, 0.96, 12), ("p", "b"): np.linspace(0.80, 0.82, 12)}
    [row] = judge(tmp_path, claim(measure="test_accuracy"), high, "test_accuracy").to_dict(
        "records"
    )
    assert row["verdict"] == "SUPPORTED"
    assert row["effect"] > 0


def test_a_miss_counts_as_one(tmp_path: Any) -> None:
    times = {("p", "a"): np.arange(20.0, 40.0), ("p", "b"): np.full(20, INF)}
    [row] = judge(tmp_path, claim(measure="steps_held"), times, "steps_held").to_dict("records")
    assert row["verdict"] == "SUPPORTED"
    assert row["method"] == "win rate"
    assert (row["a_n"], row["b_n"]) == (20, 0)
    assert "> 100" in row["sentence"]


# What is decided, against every assignment of signs


@lru_cache
def null_law(n: int) -> np.ndarray:
    """The sum of the ranks 1..n on heads, of all 2^n ways that coins may fall."""
    return np.array([sum(c) for c in itertools.product(*((0, rank) for rank in range(1, n + 1)))])


def rejected(
    a: np.ndarray, b: np.ndarray, theta: float, window: float, alpha: float
) -> tuple[bool, bool]:
    """Whether "b is a, shifted by theta" is rejected, since b is later, and since it is earlier. Costs
    on their scale; what would lie beyond the nearer of both windows was not seen."""
    seen = min(window, window + theta) + 1e-12
    x, y = np.where(a + theta > seen, INF, a + theta), np.where(b > seen, INF, b)
    d = [0.0 if p == q else q - p for p, q in zip(x.tolist(), y.tolist(), strict=True)]
    missed = np.mean(np.isinf(a) | np.isinf(b))
    tails = []
    for sign in (1, -1):
        if missed > 0.3:
            wins, losses = (sum(s * sign * v > 0 for v in d) for s in (1, -1))
            p = stats.binomtest(wins, wins + losses, 0.5, "greater").pvalue if wins + losses else 1
        else:
            pairs = itertools.combinations_with_replacement([sign * v for v in d], 2)
            count = sum(1 for u, v in pairs if not math.isnan(u + v) and u + v > 1e-12)
            p = np.mean(null_law(len(d)) >= count)
        tails.append(bool(p <= alpha / 2 * (1 + 1e-9)))
    return tails[0], tails[1]


def expected(
    a: np.ndarray, b: np.ndarray, stated: dict[str, Any], alpha: float, window: float = STEPS
) -> tuple[str, str]:
    """Verdict and label, from the tests at the margin's ends and at zero."""
    about = MEASURES[stated["measures"][0]]
    margin = about.margin if stated["margin"] is None else stated["margin"]
    delta, budget = margin, window
    window = INF
    if about.scale == "ratio":
        a, b, delta = np.log10(a), np.log10(b), math.log10(margin)
        window = math.log10(budget) if about.timed else INF
    if about.higher:
        a, b = -a, -b
    (above, below), (over, under) = (
        rejected(a, b, theta, window, alpha) for theta in (delta, -delta)
    )
    reversed_ = rejected(a, b, 0.0, window, alpha)[1]
    # Alike is what differs by less than the measure's own margin, whatever was claimed.
    own = math.log10(about.margin) if about.scale == "ratio" else about.margin
    alike = (
        over and rejected(a, b, own, window, alpha)[1] and rejected(a, b, -own, window, alpha)[0]
    )
    if stated["kind"] == "equivalent":
        if over and below:
            return "SUPPORTED", ""
        return (
            ("REFUTED", "better" if above else "worse") if above or under else ("INCONCLUSIVE", "")
        )
    if above:
        return "SUPPORTED", ""
    if below:
        return (
            "REFUTED",
            "reversed" if reversed_ else "equivalent" if alike else "smaller than claimed",
        )
    return "INCONCLUSIVE", ""


LAWS = {
    "log-normal": lambda g, n: 10 ** g.normal(0, 0.15, n),
    "skewed": lambda g, n: g.chisquare(1, n) ** 0.3,
    "heavy": lambda g, n: 10 ** np.clip(0.05 * g.standard_cauchy(n), -3, 3),
}


@pytest.mark.parametrize("kind", ["better", "equivalent"])
@pytest.mark.parametrize(("measure", "margin"), [
    ("gap", None), ("gap", 2.0), ("gap", 1.0), ("steps_held", None), ("steps_held", 1.5),
    ("steps_reached", 3.0), ("overshoot", 0.2), ("test_accuracy", 0.3), ("loss", 1.3),
])  # fmt: skip
def test_verdicts_are_those_of_all_assignments_of_signs(
    tmp_path: Any, measure: str, margin: float | None, kind: str
) -> None:
    if kind == "equivalent" and margin == 1.0:
        pytest.skip("nothing is nearer than no difference at all")
    rng, scores, found = np.random.default_rng([7, round(10 * (margin or 0))]), {}, set()
    names = tuple(f"p{i:02d}" for i in range(60))
    for i, name in enumerate(names):
        law, n = list(LAWS.values())[i % 3], 6 + i % 4
        shared = law(rng, n)
        factor = rng.choice([0.3, 0.8, 1.0, 1.2, 1.6, 3.0])
        for side, times in (("a", 1.0), ("b", factor)):
            values = 40 * times * shared**0.5 * law(rng, n)
            if MEASURES[measure].timed:
                values = np.where(values > STEPS, INF, np.maximum(values, 1.01))
            scores[name, side] = (
                values / 40 if measure in ("overshoot", "test_accuracy") else values
            )
    stated = claim(kind, measure=measure, margin=margin, problems=names, alpha=0.1, min_seeds=6)
    told = judge(tmp_path, stated, scores, measure)
    for row in told[told["problem"] != ALL_PROBLEMS].to_dict("records"):
        a, b = (scores[row["problem"], side] for side in "ab")
        if row["verdict"] == "NOT TESTED":
            assert not np.isfinite([a, b]).any()
            continue
        assert (row["verdict"], row["label"]) == expected(a, b, stated, 0.1), row["problem"]
        assert row["n"] == len(a)
        found.add(row["verdict"])
    assert len(found) >= 2


def test_every_label_there_is(tmp_path: Any) -> None:
    """With a margin of 2: a wide interval that ends below it is smaller, a narrow one is equivalent."""
    labels = {}
    for factor, sd in ((0.3, 0.05), (1.0, 0.05), (0.85, 0.35), (2.0, 0.3), (4.0, 0.05)):
        scores = {("p", "a"): logs(1, 10, sd=sd), ("p", "b"): logs(2, 10, factor, sd=sd)}
        stated = claim(margin=2.0)
        [row] = judge(tmp_path, stated, scores).to_dict("records")
        assert (row["verdict"], row["label"]) == expected(*scores.values(), stated, 0.05)
        labels[factor] = row["verdict"], row["label"]
    assert labels == {
        0.3: ("REFUTED", "reversed"), 1.0: ("REFUTED", "equivalent"),
        0.85: ("REFUTED", "smaller than claimed"), 2.0: ("INCONCLUSIVE", ""), 4.0: ("SUPPORTED", ""),
    }  # fmt: skip


def test_less_than_claimed_is_not_alike(tmp_path: Any) -> None:
    """Truly twice as good, claimed to be three times: refuted, and the two are not alike."""
    scores = {("p", "a"): logs(1, 20, sd=0.02), ("p", "b"): logs(2, 20, 2.0, sd=0.02)}
    [row] = judge(tmp_path, claim(margin=3.0), scores).to_dict("records")
    assert (row["verdict"], row["label"]) == ("REFUTED", "smaller than claimed")


# Corrections


def test_the_error_is_shared_by_what_was_declared(tmp_path: Any) -> None:
    scores = {("p", "a"): logs(1, 20), ("p", "b"): logs(2, 20, 3.0)}
    one = claim()
    three = [one, claim(a="b", others=("a",)), claim(margin=2.0)]
    late = claim(margin=1.5, post_hoc=True)
    first = judge(tmp_path / "1", one, scores)
    assert list(first["level"]) == [0.95]
    told = judge(tmp_path / "2", [*three, late], scores)
    assert list(told["judged"]) == [
        3,
        3,
        3,
        4,
    ]  # a later claim changes nothing for the earlier ones
    assert list(told["level"]) == pytest.approx([1 - 0.05 / 3] * 3 + [1 - 0.05 / 4])
    assert (told["low95"] == first["low"][0]).sum() >= 1
    assert "post hoc" in told["sentence"].iloc[3]
    assert "post hoc" not in told["sentence"].iloc[0]


def test_against_all_is_as_strong_as_its_weakest_comparison(tmp_path: Any) -> None:
    arms = {"a": logs(1, 20), "b": logs(2, 20, 3.0), "c": logs(3, 20, 3.0)}
    everyone = claim(others=("b", "c"))
    for factor, verdict in ((1.0, "SUPPORTED"), (0.1, "REFUTED"), (0.37, "INCONCLUSIVE")):
        scores = {("p", name): v * (factor if name == "c" else 1) for name, v in arms.items()}
        told = judge(tmp_path, everyone, scores).set_index("b")
        assert told.loc["b", "verdict"] == "SUPPORTED"
        assert told.loc[ALL_OTHERS, "verdict"] == verdict == told.loc["c", "verdict"]
        assert set(told["level"]) == {0.95}  # no further correction (Berger 1982)


def test_over_ten_problems_there_is_one_effect_for_each(tmp_path: Any) -> None:
    problems = tuple(f"p{i:02d}" for i in range(12))
    scores = {(p, o): logs(i, 15, 1.0 if o == "a" else 2.0 + 0.1 * i)
              for i, p in enumerate(problems) for o in "ab"}  # fmt: skip
    told = judge(tmp_path, claim(problems=problems), scores)
    whole = told[told["problem"] == ALL_PROBLEMS]
    each = told[told["problem"] != ALL_PROBLEMS]
    assert list(whole["verdict"]) == ["SUPPORTED"]
    assert whole["n"].iloc[0] == 12
    d = each["effect"].to_numpy()
    walsh = [(d[i] + d[j]) / 2 for i in range(12) for j in range(i, 12)]
    assert whole["effect"].iloc[0] == pytest.approx(np.median(walsh))
    nine = {key: value for key, value in scores.items() if key[0] < "p09"}
    few = judge(tmp_path / "few", claim(problems=problems[:9]), nine)
    assert ALL_PROBLEMS not in set(few["problem"])


def test_over_problems_tuned_and_default_are_two_sides(tmp_path: Any) -> None:
    problems = tuple(f"p{i:02d}" for i in range(10))
    scores = {(p, o): logs(i, 15, 1.0 if o == "a" else 2.0 + 0.1 * i)
              for i, p in enumerate(problems) for o in "ab"}  # fmt: skip
    stated = claim(problems=problems, others=("b", "b"))
    stated["others"][1]["selection"] = "default"
    runs = results(tmp_path, [stated], scores)
    tuned = table(scores, "gap")
    worse = tuned[tuned["optimizer"] == "b"].assign(selection="default")
    worse["value"] *= 4
    told = verdicts(runs, alone(runs), pd.concat([tuned, worse]))
    whole = told[told["problem"] == ALL_PROBLEMS].set_index("selection_b")
    assert whole["n"].to_dict() == {"tuned": 10, "default": 10}
    apart = whole.loc["default", "effect"] - whole.loc["tuned", "effect"]
    assert apart == pytest.approx(math.log10(4))
    assert "default b" in whole.loc["default", "sentence"]


def test_over_problems_nothing_is_told_where_one_is_shut(tmp_path: Any) -> None:
    problems = tuple(f"p{i:02d}" for i in range(11))
    scores = {(p, o): logs(i, 15, 1.0 if o == "a" else 3.0) for i, p in enumerate(problems)
              for o in "ab"}  # fmt: skip
    scores["p04", "b"] = np.full(15, np.nan)
    told = judge(tmp_path, claim(problems=problems), scores)
    [whole] = told[told["problem"] == ALL_PROBLEMS].to_dict("records")
    assert whole["verdict"] == "NOT TESTED"
    assert whole["label"] == "1 of them could not be judged"


def test_what_has_no_chance_to_err_takes_no_part_of_the_error(tmp_path: Any) -> None:
    """Of three claims one is about an exact instance: two share the error."""
    scores = {(p, o): logs(i, 12, 1.0 if o == "a" else 3.0) for i, p in enumerate(["p", "q"])
              for o in "ab"}  # fmt: skip
    claims = [claim(), claim(margin=2.0), claim(margin=1.5, problems=("q",))]
    runs = results(tmp_path, claims, scores)
    runs.runs.loc[runs.runs["problem"] == "q", "start_kind"] = "given"
    told = verdicts(runs, alone(runs), table(scores, "gap"))
    assert set(told["judged"]) == {2}
    assert told["verdict"].tolist() == ["SUPPORTED", "SUPPORTED", "TRUE HERE"]


def test_how_many_seeds_all_comparisons_need_is_the_most_of_them(tmp_path: Any) -> None:
    arms = {("p", o): logs(i, 12, f, sd=0.1) for i, (o, f) in enumerate(
        zip("abc", (1.0, 1.15, 1.25), strict=True))}  # fmt: skip
    told = judge(tmp_path, claim(others=("b", "c")), arms).set_index("b")
    each = told.drop(index=ALL_OTHERS)
    still = each[each["verdict"] == "INCONCLUSIVE"]
    assert len(still) >= 1
    whole = told.loc[ALL_OTHERS]
    assert whole["verdict"] == "INCONCLUSIVE"
    most = still["seeds_needed"].astype(float).max()
    assert whole["seeds_needed"] == most or still["seeds_needed"].isna().any()
    # Where one comparison refutes it all, no seeds are asked for.
    lost = judge(tmp_path, claim(others=("b", "c")), arms | {("p", "c"): arms["p", "c"] / 9})
    assert pd.isna(lost.set_index("b").loc[ALL_OTHERS, "seeds_needed"])


# One instance


@pytest.mark.parametrize(("a", "b", "kind", "verdict"), [
    (16, 25, "better", "TRUE HERE"), (57, 25, "better", "FALSE HERE"), (25, 26, "better", "FALSE HERE"),
    (25, INF, "better", "TRUE HERE"), (25, 26, "equivalent", "TRUE HERE"),
    (16, 25, "equivalent", "FALSE HERE"),
])  # fmt: skip
def test_an_exact_instance_is_true_or_false(
    tmp_path: Any, a: float, b: float, kind: str, verdict: str
) -> None:
    scores = {("p", "a"): [a], ("p", "b"): [b]}
    stated = claim(kind, measure="steps_held")
    [row] = judge(tmp_path, stated, scores, "steps_held", start="given").to_dict("records")
    assert row["verdict"] == verdict
    assert "this one start" in row["sentence"]
    assert not row["seeds_needed"]


@pytest.mark.parametrize(("a", "b", "margin", "verdict"), [
    (95, INF, 1.5, "INCONCLUSIVE"), (50, INF, 1.5, "TRUE HERE"), (INF, 95, 1.5, "FALSE HERE"),
])  # fmt: skip
def test_a_miss_is_later_than_the_budget_by_nobody_knows_how_much(
    tmp_path: Any, a: float, b: float, margin: float, verdict: str
) -> None:
    stated = claim(measure="steps_held", margin=margin)
    [row] = judge(
        tmp_path, stated, {("p", "a"): [a], ("p", "b"): [b]}, "steps_held", start="given"
    ).to_dict("records")
    assert row["verdict"] == verdict


@pytest.mark.parametrize(("a", "b", "cadence", "verdict"), [
    (50, 50, 50, "INCONCLUSIVE"),  # anywhere from 1 to 50, both of them
    (50, 150, 50, "FALSE HERE"), (1000, 1000, 50, "TRUE HERE"), (1000, 1050, 50, "INCONCLUSIVE"),
    (150, 50, 50, "FALSE HERE"), (11, 10, 1, "FALSE HERE"), (21, 20, 1, "TRUE HERE"),
])  # fmt: skip
def test_alike_is_told_of_one_instance_where_it_holds_whatever_the_times_were(
    tmp_path: Any, a: float, b: float, cadence: int, verdict: str
) -> None:
    times = {("p", "a"): [a], ("p", "b"): [b]}
    [row] = judge(tmp_path, claim("equivalent", measure="steps_held"), times, "steps_held",
                  start="given", cadence=cadence).to_dict("records")  # fmt: skip
    assert row["verdict"] == verdict
    ratios = [y / x for x in range(a - cadence + 1, a + 1) for y in (b - cadence + 1, b)]
    ratios += [y / a for y in range(b - cadence + 1, b + 1)]
    within = [r < 1.1 and 1 / r < 1.1 for r in (min(ratios), max(ratios))]
    if verdict != "INCONCLUSIVE":
        assert all(within) == (verdict == "TRUE HERE")


@pytest.mark.parametrize(("kind", "value", "verdict"), [
    ("never", 0.0, "TRUE HERE"), ("never", 0.3, "FALSE HERE"), ("never", INF, "FALSE HERE"),
    ("sometimes", 0.3, "TRUE HERE"), ("sometimes", 0.0, "FALSE HERE"),
    ("sometimes", 0.01, "FALSE HERE"),  # the margin itself is not more than it
])  # fmt: skip
def test_one_instance_does_it_or_does_not(
    tmp_path: Any, kind: str, value: float, verdict: str
) -> None:
    stated = claim(kind, others=(), measure="overshoot")
    [row] = judge(tmp_path, stated, {("p", "a"): [value]}, "overshoot", start="given").to_dict(
        "records"
    )
    assert row["verdict"] == verdict
    assert row["method"] == "one instance"
    assert "this one start" in row["sentence"]


@pytest.mark.parametrize("start", ["given", "drawn"])
def test_reached_and_held_are_judged_apart(tmp_path: Any, start: str) -> None:
    """As on the page of assignment 02: first there, and not to stay."""
    n = 1 if start == "given" else 12
    reached = {("p", "a"): 5.0 + np.arange(n), ("p", "b"): 16.0 + np.arange(n)}
    held = {("p", "a"): np.full(n, INF), ("p", "b"): 25.0 + np.arange(n)}
    stated = claim(measure=("steps_reached", "steps_held"))
    runs = results(tmp_path, [stated], reached, start=start)
    found = pd.concat([table(reached, "steps_reached"), table(held, "steps_held")])
    told = verdicts(runs, alone(runs), found).set_index("measure")["verdict"].to_dict()
    yes, no = ("TRUE HERE", "FALSE HERE") if n == 1 else ("SUPPORTED", "REFUTED")
    assert told == {"steps_reached": yes, "steps_held": no}


# Shares


@pytest.mark.parametrize(("hits_a", "hits_b", "n", "kind", "margin", "verdict"), [
    (0, 0, 10, "equivalent", 0.05, "INCONCLUSIVE"),  # none in ten still allows every third
    (0, 0, 400, "equivalent", 0.05, "SUPPORTED"), (0, 2, 20, "equivalent", 0.05, "INCONCLUSIVE"),
    (0, 25, 200, "equivalent", 0.05, "REFUTED"), (0, 12, 20, "better", None, "SUPPORTED"),
    (12, 0, 20, "better", None, "REFUTED"), (0, 2, 20, "better", None, "INCONCLUSIVE"),
])  # fmt: skip
def test_divergence_is_a_matter_of_shares(
    tmp_path: Any, hits_a: int, hits_b: int, n: int, kind: str, margin: float | None, verdict: str
) -> None:
    scores = {("p", "a"): np.arange(n) < hits_a, ("p", "b"): np.arange(n) < hits_b}
    stated = claim(kind, measure="diverged", margin=margin)
    [row] = judge(tmp_path, stated, scores, "diverged").to_dict("records")
    assert row["verdict"] == verdict
    assert row["effect"] == pytest.approx((hits_b - hits_a) / n)
    assert row["low"] <= row["effect"] <= row["high"]
    if verdict == "SUPPORTED" and kind == "better":
        assert stats.binomtest(0, max(hits_a, hits_b), 0.5).pvalue < 0.05  # McNemar's, exact


@pytest.mark.slow
def test_shares_err_no_more_often_than_said() -> None:
    from optlab.statistics.shares import decide_shares

    rng, times = np.random.default_rng(8), 3000
    for n in (10, 20, 60):
        for rate in (0.02, 0.2, 0.5):
            wrong = sum(
                decide_shares(*(rng.random((2, n)) < rate), margin=0.0).verdict == "SUPPORTED"
                for _ in range(times)
            )
            assert wrong / times <= 0.025


# Gates


def test_seeds_that_change_nothing_are_one(tmp_path: Any) -> None:
    runs = results(tmp_path, [claim()], GOOD)
    mine = runs.runs["optimizer"] == "b"
    runs.runs.loc[mine, ["loss_first", "loss_final"]] = [1.0, 0.5]
    [row] = verdicts(runs, alone(runs), table(GOOD, "gap")).to_dict("records")
    assert (row["verdict"], row["label"][:22]) == ("NOT TESTED", "only 1 of 20 runs of b")


def test_a_seed_without_a_partner_shuts(tmp_path: Any) -> None:
    runs = results(tmp_path, [claim()], GOOD)
    some = {**GOOD, ("p", "a"): GOOD["p", "a"][:18]}
    gone = (runs.runs["optimizer"] == "a") & (runs.runs["seed"] >= 18)
    runs = replace(runs, runs=runs.runs[~gone])
    [row] = verdicts(runs, alone(runs), table(some, "gap")).to_dict("records")
    assert (row["verdict"], row["label"]) == ("NOT TESTED", "2 seeds of b without a partner")


def test_what_lies_within_rounding_is_not_compared(tmp_path: Any) -> None:
    tiny = {("p", o): 1e-18 * logs(i, 20) for i, o in enumerate("ab")}
    assert "within rounding in 20 of 20 pairs" in shut(tmp_path, tiny)


def shut(folder: Any, scores: Scores, measure: str = "gap", stated: Any = None, **more: Any) -> str:
    [row] = judge(folder, stated or claim(measure=measure), scores, measure, **more).to_dict(
        "records"
    )
    assert row["verdict"] == "NOT TESTED"
    assert row["label"] in row["sentence"]
    return row["label"]


GOOD: Scores = {("p", "a"): logs(1, 20), ("p", "b"): logs(2, 20, 3.0)}


def test_gates_shut_and_say_why(tmp_path: Any) -> None:
    few = {key: value[:9] for key, value in GOOD.items()}
    assert shut(tmp_path, few) == "9 seeds, and the claim asks for 10"
    never = dict.fromkeys(GOOD, np.full(20, INF))
    assert shut(tmp_path, never, "steps_held") == "neither held the target in any run"
    unknown = {**GOOD, ("p", "b"): np.full(20, np.nan)}
    assert "gap is not known for b" in shut(tmp_path, unknown)
    part = {**GOOD, ("p", "b"): np.where(np.arange(20) < 3, np.nan, 1.0)}
    assert "not known for 3 runs of b" in shut(tmp_path, part)
    assert "negative" in shut(tmp_path, {**GOOD, ("p", "b"): -logs(2, 20)}, "loss")


def test_settings_must_come_from_elsewhere_and_from_inside(tmp_path: Any) -> None:
    def same(runs: Results) -> pd.DataFrame:
        return alone(runs).assign(settings=5)

    assert "chosen on the seeds that are reported" in shut(tmp_path, GOOD, best=same)

    def edge(runs: Results) -> pd.DataFrame:
        return alone(runs).assign(settings=5, chosen_on="tune", on_edge=[{"lr": "largest"}, {}])

    assert (
        shut(tmp_path, GOOD, best=edge)
        == "a's best lr lies at the high end of what was tried; search further"
    )

    def inside(runs: Results) -> pd.DataFrame:
        return alone(runs).assign(settings=5, chosen_on="tune")

    assert judge(tmp_path, claim(), GOOD, best=inside)["verdict"].tolist() == ["SUPPORTED"]


def test_the_edge_of_what_is_possible_cuts_nothing_off(tmp_path: Any) -> None:
    """No momentum at all is the best of a grid: nothing lies beyond it. Of a rate much does."""
    for hyper, value, verdict in (("beta", 0.0, "SUPPORTED"), ("beta", 0.5, "NOT TESTED"),
                                  ("weight_decay", 0.0, "SUPPORTED"), ("lr", 1e-9, "NOT TESTED"),
                                  ("mine", 0.0, "NOT TESTED")):  # fmt: skip

        def smallest(runs: Results, hyper: str = hyper, value: float = value) -> pd.DataFrame:
            edges = [{hyper: "smallest"}, {}]
            return alone(runs).assign(
                settings=5, chosen_on="tune", on_edge=edges, **{f"hyper.{hyper}": value}
            )

        [row] = judge(tmp_path, claim(), GOOD, best=smallest).to_dict("records")
        assert row["verdict"] == verdict, (hyper, value)


def test_without_a_target_nobody_was_fast(tmp_path: Any) -> None:
    runs = results(tmp_path, [claim(measure="steps_held")], GOOD)
    runs.manifest["problems"][0] |= {"targets": [], "decision": None}
    [row] = verdicts(runs, alone(runs), table(GOOD, "gap")).to_dict("records")
    assert (row["verdict"], row["label"]) == ("NOT TESTED", "this problem has no target")


def test_a_gap_without_a_minimum_is_not_known(tmp_path: Any) -> None:
    unknown = dict.fromkeys(GOOD, np.full(20, np.nan))
    assert shut(tmp_path, unknown) == "gap is not known for a (the minimum is not known)"


def test_never_says_nothing_where_some_runs_are_not_known(tmp_path: Any) -> None:
    values = np.where(np.arange(60) < 4, np.nan, 0.0)
    stated = claim("never", others=(), measure="overshoot")
    assert shut(tmp_path, {("p", "a"): values}, "overshoot", stated) == (
        "overshoot is not known for 4 runs of a"
    )


def test_only_what_takes_part_can_shut(tmp_path: Any) -> None:
    """Errors of a third optimizer, of a picture, and of another problem are none of this claim's."""
    scores = {**GOOD, ("p", "c"): logs(3, 20), ("q", "a"): logs(4, 20), ("q", "b"): logs(5, 20, 3)}
    for problem, optimizer, part in (("p", "c", "chosen"), ("p", "a", "picture"),
                                     ("q", "a", "chosen")):  # fmt: skip
        runs = results(tmp_path, [claim()], scores)
        extra = runs.runs[(runs.runs["problem"] == problem) & (runs.runs["optimizer"] == optimizer)]
        extra = extra.head(1).assign(status="error", part=part, run_id="broken", role="picture")
        runs = replace(runs, runs=pd.concat([runs.runs, extra], ignore_index=True))
        [row] = verdicts(runs, alone(runs), table(scores, "gap")).to_dict("records")
        assert row["verdict"] == "SUPPORTED"


def test_one_instance_needs_no_number_of_seeds(tmp_path: Any) -> None:
    one = {("p", "a"): [1.0], ("p", "b"): [3.0]}
    assert judge(tmp_path, claim(), one, start="given")["verdict"].tolist() == ["TRUE HERE"]
    assert shut(tmp_path / "drawn", one) == "1 seed, and the claim asks for 10"


@pytest.mark.parametrize("n", [9, 10])
def test_so_many_seeds_as_the_claim_asks_for_are_enough(tmp_path: Any, n: int) -> None:
    some = {key: value[:n] for key, value in GOOD.items()}
    verdict = judge(tmp_path, claim(), some)["verdict"].iloc[0]
    assert verdict == ("NOT TESTED" if n < 10 else "SUPPORTED")
    least = judge(tmp_path / "six", claim(min_seeds=6), some)["verdict"].iloc[0]
    assert least == "SUPPORTED"


def test_a_run_that_broke_shuts_its_problem(tmp_path: Any) -> None:
    runs = results(tmp_path, [claim()], GOOD)
    runs.runs.loc[3, "status"] = "error"
    [row] = verdicts(runs, alone(runs), table(GOOD, "gap")).to_dict("records")
    assert (row["verdict"], row["label"]) == ("NOT TESTED", "1 run of a stopped with an error")


# What must change nothing


NUMBERS = ["verdict", "label", "effect", "low", "high", "n", "level", "method", "seeds_needed"]


@pytest.mark.parametrize("measure", [m for m in MEASURES if m not in ("rate_width",)])
@pytest.mark.parametrize("factor", [1.0, 1.3, 3.0])
def test_verdicts_do_not_depend_on_names_order_or_company(
    tmp_path: Any, measure: str, factor: float
) -> None:
    a, b, c = (logs(i, 14, f, sd=0.2) for i, f in ((1, 1.0), (2, factor), (3, 0.7)))
    scores = {("p", "a"): a, ("p", "b"): b}
    plain = judge(tmp_path, claim(measure=measure), scores, measure)[NUMBERS]
    renamed = {("problem two", "z, y"): a, ("problem two", "a"): b}
    stated = claim(a="z, y", others=("a",), problems=("problem two",), measure=measure)
    pd.testing.assert_frame_equal(judge(tmp_path, stated, renamed, measure)[NUMBERS], plain)
    company = {("p", "c"): c, ("p", "b"): b, ("p", "a"): a}
    pd.testing.assert_frame_equal(
        judge(tmp_path, claim(measure=measure), company, measure)[NUMBERS], plain
    )
    # Seeds in another order, the same for both, are the same pairs.
    turned = {key: value[::-1] for key, value in scores.items()}
    pd.testing.assert_frame_equal(
        judge(tmp_path, claim(measure=measure), turned, measure)[NUMBERS], plain
    )


@pytest.mark.parametrize("c", [1e-6, 7.0])
def test_the_unit_of_the_loss_changes_no_verdict(tmp_path: Any, c: float) -> None:
    for factor in (1.0, 1.1, 2.0):
        scores = {("p", "a"): logs(1, 15), ("p", "b"): logs(2, 15, factor)}
        scaled = {key: c * value for key, value in scores.items()}
        one = judge(tmp_path, claim(), scores).iloc[0]
        other = judge(tmp_path, claim(), scaled).iloc[0]
        assert one["verdict"] == other["verdict"]
        np.testing.assert_allclose(other[["effect", "low", "high"]].astype(float),
                                   one[["effect", "low", "high"]].astype(float), atol=1e-12)  # fmt: skip


# Looks


def test_the_first_look_that_decides_counts(tmp_path: Any) -> None:
    planned = [10, 20, 40]
    sure = logs(1, 40), logs(2, 40, 5.0)
    scores = {("p", "a"): sure[0], ("p", "b"): sure[1]}
    [row] = judge(tmp_path, claim(), scores, looks=planned).to_dict("records")
    at = levels(planned, 0.05)
    assert row["verdict"] == "SUPPORTED"
    assert (row["n"], row["level"]) == (10 if at[0] < 1 else 20, at[0] if at[0] < 1 else at[1])
    assert (1 - at[at < 1]).sum() <= 0.05 + 1e-12
    # What an early look decided stays, whatever comes later.
    spoiled = sure[1].copy()
    spoiled[row["n"] :] = 0.01
    [again] = judge(
        tmp_path, claim(), {("p", "a"): sure[0], ("p", "b"): spoiled}, looks=planned
    ).to_dict("records")
    assert again["verdict"] == "SUPPORTED"
    assert again["n"] == row["n"]


@pytest.mark.slow
@pytest.mark.parametrize("censored", [False, True])
def test_looking_again_and_again_keeps_the_error(tmp_path: Any, censored: bool) -> None:
    """True effect at the margin, four looks: false SUPPORTED no more than 2.5 % (and two standard
    errors), through the judge itself."""
    rng, wrong, times = np.random.default_rng(11), 0, 400
    measure = "steps_held" if censored else "gap"
    stated = claim(measure=measure)
    runs = results(tmp_path, [stated], dict.fromkeys([("p", "a"), ("p", "b")], np.ones(80)),
                   looks=[10, 20, 40, 80])  # fmt: skip
    best = alone(runs)
    for _ in range(times):
        a, b = 40 * 10 ** rng.normal(0, 0.3, (2, 80))
        b *= 1.1
        if censored:
            a, b = (np.where(x > STEPS, INF, x) for x in (a, b))
        told = verdicts(runs, best, table({("p", "a"): a, ("p", "b"): b}, measure))
        wrong += told["verdict"].iloc[0] == "SUPPORTED"
    assert wrong / times <= 0.025 + 2 * math.sqrt(0.025 * 0.975 / times)


def test_what_more_seeds_might_decide_is_counted_once(tmp_path: Any) -> None:
    near = {
        ("p", o): logs(i, 12, f, sd=0.3)
        for i, (o, f) in enumerate(zip("abc", (1, 1.1, 1.2), strict=True))
    }
    told = judge(tmp_path, claim(others=("b", "c")), near)
    assert (told["verdict"] == "INCONCLUSIVE").sum() == 3
    assert undecided(told) == 1
    assert undecided(judge(tmp_path, claim(), GOOD)) == 0
    # What the record leaves open, no seed will tell.
    alike = dict.fromkeys([("p", "a"), ("p", "b")], np.full(20, 20.0))
    coarse = judge(tmp_path, claim(measure="steps_held"), alike, "steps_held", cadence=20)
    assert coarse["verdict"].tolist() == ["INCONCLUSIVE"]
    assert "every 20 updates" in coarse["sentence"].iloc[0]
    assert undecided(coarse) == 0


def test_a_counterexample_counts_at_whichever_look_it_came(tmp_path: Any) -> None:
    values = np.where(np.arange(100) == 90, 0.5, 0.0)
    stated = claim("never", others=(), measure="overshoot")
    [row] = judge(tmp_path, stated, {("p", "a"): values}, "overshoot", looks=[60, 100]).to_dict(
        "records"
    )
    assert (row["verdict"], row["a_n"], row["n"]) == ("REFUTED", 1, 100)


@pytest.mark.slow
def test_a_refutation_by_any_of_many_is_corrected_for_them(tmp_path: Any) -> None:
    """Nine true comparisons, each well above its margin half of the time only by luck: the whole is
    refuted no more often than said."""
    rng, wrong, times = np.random.default_rng(21), 0, 120
    names = tuple(f"o{i}" for i in range(9))
    everyone = claim(others=names, margin=1.5)
    for _ in range(times):
        a = 10 ** rng.normal(0, 0.1, 15)
        scores = {("p", "a"): a} | {("p", o): 1.52 * 10 ** rng.normal(0, 0.1, 15) for o in names}
        told = judge(tmp_path, everyone, scores)
        wrong += told.loc[told["b"] == ALL_OTHERS, "verdict"].iloc[0] == "REFUTED"
    assert wrong / times <= 0.025 + 2 * math.sqrt(0.025 * 0.975 / times)


def test_a_withdrawn_claim_still_counts_and_an_earlier_look_is_told(tmp_path: Any) -> None:
    withdrawn = [{"measures": ["gap", "loss"], "problems": ["p"], "post_hoc": False}]
    [row] = judge(tmp_path, claim() | {"looked": [10]}, GOOD, withdrawn=withdrawn).to_dict(
        "records"
    )
    assert row["judged"] == 3
    assert "Judged before on 10 seeds" in row["sentence"]


# Sentences


def test_a_sentence_says_the_numbers_of_its_row(tmp_path: Any) -> None:
    [row] = judge(tmp_path, claim(), GOOD).to_dict("records")
    found = [float(x.replace(",", "")) for x in re.findall(r"\d+(?:\.\d+)?", row["sentence"])]
    for value in (
        10 ** row["effect"],
        10 ** row["low"],
        10 ** row["high"],
        row["a_median"],
        20,
        95,
    ):
        assert any(abs(x - value) <= 0.006 * abs(value) for x in found), value


def read(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-").rstrip(";:.").removesuffix("×"))


@pytest.mark.parametrize("measure", [m for m in MEASURES if m != "diverged"])
@pytest.mark.parametrize("factor", [1.0, 1.12, 3.0])
def test_medians_and_counts_in_a_sentence_are_those_of_the_table(
    tmp_path: Any, measure: str, factor: float
) -> None:
    about = MEASURES[measure]
    a, b = 20 * logs(1, 15), 20 * logs(2, 15, factor)
    if about.timed:
        a, b = np.round(a), np.where(np.arange(15) < 3, INF, np.round(b))
    scores = {("p", "a"): a, ("p", "b"): b}
    [row] = judge(tmp_path, claim(measure=measure), scores, measure).to_dict("records")
    if row["verdict"] == "NOT TESTED":
        assert about.profile
        return
    medians = re.search(r"median (\S+) against (\S+)", row["sentence"])
    assert medians is not None
    for said, values in zip(medians.groups(), (a, b), strict=True):
        assert read(said) == pytest.approx(np.median(values), rel=0.005)
    if about.timed:
        counts = re.search(r" in (\d+) and (\d+) of (\d+) runs", row["sentence"])
        assert counts is not None
        assert [int(x) for x in counts.groups()] == [15, 12, 15]
    ends = re.search(r"\(95 % interval (\S+) to (\S+), 15 paired seeds, (signed-rank|win rate)\)",
                     row["sentence"])  # fmt: skip
    assert ends is not None
    for said, value in zip(ends.groups(), (row["low"], row["high"]), strict=False):
        shown = 10**value if about.scale == "ratio" else value
        assert said.startswith("∞") or read(said) == pytest.approx(shown, rel=0.006, abs=1e-9)
    stated = re.search(r"margin (\S+)", row["sentence"])
    assert stated is not None
    assert read(stated.group(1)) == about.margin


@pytest.mark.parametrize(("hits_a", "hits_b"), [(0, 0), (1, 7), (12, 0)])
def test_divergence_is_told_in_counts(tmp_path: Any, hits_a: int, hits_b: int) -> None:
    scores = {("p", "a"): np.arange(20) < hits_a, ("p", "b"): np.arange(20) < hits_b}
    [row] = judge(tmp_path, claim(measure="diverged"), scores, "diverged").to_dict("records")
    assert f"diverged in {hits_a} and {hits_b} of 20 runs" in row["sentence"]
    assert (row["a_n"], row["b_n"]) == (20 - hits_a, 20 - hits_b)
    one = {("p", "a"): [0.0], ("p", "b"): [1.0]}
    here = judge(tmp_path / "one", claim(measure="diverged"), one, "diverged", start="given")
    assert here["verdict"].tolist() == ["TRUE HERE"]
    assert "a did not diverge and b diverged" in here["sentence"].iloc[0]


@pytest.mark.parametrize("hits", [0, 3])
def test_how_often_it_was_seen_is_told(tmp_path: Any, hits: int) -> None:
    values = np.where(np.arange(30) < hits, 0.5, 0.0)
    stated = claim("never", others=(), measure="overshoot")
    [row] = judge(tmp_path, stated, {("p", "a"): values}, "overshoot").to_dict("records")
    assert f"seen in {hits} of 30 runs" in row["sentence"]
    exact = stats.binomtest(hits, 30).proportion_ci(0.95, "exact")
    between = re.search(r"between (\S+) % and (\S+) %", row["sentence"])
    assert between is not None
    said = [float(x) for x in between.groups()]
    assert said == pytest.approx([100 * exact.low, 100 * exact.high], rel=0.005)


@pytest.mark.slow
def test_the_suggested_seeds_decide_at_the_named_alternative(tmp_path: Any) -> None:
    """INCONCLUSIVE names a number of seeds and what would have to be true: then so many decide in
    75 % of repetitions at the least."""
    rng, decided, tried = np.random.default_rng(5), 0, 0
    while tried < 200:
        a, b = 10 ** rng.normal(0, 0.1, (2, 15))
        row = judge(tmp_path, claim(), {("p", "a"): a, ("p", "b"): 1.2 * b}).iloc[0]
        need = row["seeds_needed"]
        if row["verdict"] != "INCONCLUSIVE" or not need or need > 300:
            continue
        tried += 1
        ratio = float(re.findall(r"ratio is ([\d.]+)", row["alternative"])[0])
        x, y = 10 ** rng.normal(0, 0.1, (2, int(need)))
        again = judge(tmp_path, claim(), {("p", "a"): x, ("p", "b"): ratio * y}).iloc[0]
        decided += again["verdict"] != "INCONCLUSIVE"
    assert decided / tried >= 0.75


# Other choices


def test_other_choices_are_told_from_the_curves(tmp_path: Any) -> None:
    """Losses fall by a constant factor, so that each time is known: the target is 0.1, and b takes
    twice as long as a."""
    steps = np.arange(101)
    losses = {("p", o, s): list((1 + 0.01 * s) * 10 ** (-rate * steps))
              for o, rate in (("a", 0.044), ("b", 0.022)) for s in range(12)}  # fmt: skip
    runs = made(tmp_path, losses)
    runs.manifest.update({"claims": [claim(measure="steps_reached")], "seeds": {"evaluate": 12}})
    best = alone(runs)
    told = verdicts(runs, best)
    assert told["verdict"].tolist() == ["SUPPORTED"]
    found = robustness(runs, told, best).set_index("choice")
    at = {"target x 10": 1.0, "target / 10": 0.01}
    for choice, bound in at.items():
        times = {o: [next(t for t, v in enumerate(losses["p", o, s]) if v <= bound) for s in range(12)]
                 for o in "ab"}  # fmt: skip
        d = np.log10(np.maximum(times["b"], 1) / np.maximum(times["a"], 1))
        walsh = [(d[i] + d[j]) / 2 for i in range(12) for j in range(i, 12)]
        assert found.loc[choice, "effect"] == pytest.approx(np.median(walsh))
    # By a quarter of the budget (25) a is there, at 23 or 24, and b is not.
    assert (
        "a quarter of the budget" not in found.index
        or found.loc["a quarter of the budget", "flips"]
    )
    assert not found.loc["half the budget", "flips"]
    assert found.loc["paired t", "verdict"] == "SUPPORTED"


def hodges_lehmann(d: np.ndarray) -> float:
    return float(np.median([(d[i] + d[j]) / 2 for i in range(len(d)) for j in range(i, len(d))]))


N, T = 12, 80


def falling(kind: str) -> dict[tuple[str, str, int], list[float]]:
    """Losses above 2, with a bump on the way, so that reaching is not holding; one of b's runs
    diverges after half of the budget."""
    rng, steps = np.random.default_rng(3), np.arange(T + 1)
    losses = {}
    for optimizer, speed in (("a", 0.06), ("b", 0.035)):
        for seed in range(N):
            own = speed * rng.uniform(0.8, 1.25)
            curve = (1 + 0.05 * seed) * 10 ** (-own * steps)
            curve[30 + seed : 33 + seed] *= 20 if kind == "steps_held" else 1
            curve = curve + 2.0
            if optimizer == "b" and seed == 4:
                curve[50:] = np.nan
            losses["p", optimizer, seed] = curve.tolist()
    return losses


def by_hand(
    losses: Any, measure: str, factor: float, budget: int, goal: float, share_of_start: bool
) -> dict[str, np.ndarray]:
    """What each run comes to up to `budget`, with a target `factor` times as far away: counted."""
    found: dict[str, list[float]] = {"a": [], "b": []}
    for (_, optimizer, _), curve in losses.items():
        gaps = [v - 2.0 for v in curve[: budget + 1]]
        bound = factor * goal * (gaps[0] if share_of_start else 1.0)
        met = [not math.isnan(g) and g <= bound + 1e-12 for g in gaps]
        if measure == "steps_reached":
            value = next((t for t, good in enumerate(met) if good), INF)
        elif measure == "steps_held":
            value = next((t for t in range(len(met)) if all(met[t:])), INF)
        else:
            last = gaps[-1]
            value = INF if math.isnan(last) else last + (2.0 if measure == "loss" else 0.0)
        found[optimizer].append(value)
    return {name: np.array(values) for name, values in found.items()}


@pytest.mark.parametrize("kind", ["gap", "gap_over_start"])
@pytest.mark.parametrize("measure", ["steps_reached", "steps_held", "gap", "loss"])
def test_every_other_choice_is_what_a_hand_makes_of_the_curves(
    tmp_path: Any, measure: str, kind: str
) -> None:
    losses, goal = falling(measure), 0.1
    share = kind == "gap_over_start"
    runs = made(tmp_path, losses, minimum=2.0, goal=goal, kind="gap_over_start")
    if not share:  # a gap is measured from the minimum
        for problem in runs.manifest["problems"]:
            problem["targets"][0]["kind"] = "gap"
        for name, how in (("reached", "steps_reached"), ("held", "steps_held")):
            times = by_hand(losses, how, 1.0, T, goal, share)
            runs.runs[f"{name}.{LABEL}"] = np.concatenate([times["a"], times["b"]])
    runs.manifest.update({"claims": [claim(measure=measure)], "seeds": {"evaluate": N}})
    told = verdicts(runs, alone(runs))
    assert told["verdict"].tolist() != ["NOT TESTED"]
    found = robustness(runs, told, alone(runs)).set_index("choice")
    timed = MEASURES[measure].timed
    choices = {"half the budget": (1.0, T // 2), "a quarter of the budget": (1.0, T // 4)}
    if timed:
        choices |= {"target x 10": (10.0, T), "target / 10": (0.1, T)}
    for choice, (factor, budget) in choices.items():
        values = by_hand(losses, measure, factor, budget, goal, share)
        a, b = (np.maximum(np.log10(np.maximum(values[o], 1e-300)), 0.0 if timed else -99)
                for o in "ab")  # fmt: skip
        missed = np.mean(np.isinf(a) | np.isinf(b))
        row = found.loc[choice]
        expected_ = expected(10**a, 10**b, claim(measure=measure), 0.05, window=budget)
        assert row["verdict"] == expected_[0], (choice, values)
        assert row["flips"] == (row["verdict"] != told["verdict"].iloc[0])
        assert row["as_judged"] == told["verdict"].iloc[0]
        if missed == 0:
            assert row["effect"] == pytest.approx(hodges_lehmann(b - a), abs=1e-9), choice
    assert set(found.index) - {"paired t"} == set(choices)
    # One run diverged: nothing finite can be said of its last loss, nor of a time it never had.
    values = by_hand(losses, measure, 1.0, T, goal, share)
    whole = np.isfinite(values["a"]).all() and np.isfinite(values["b"]).all()
    assert ("paired t" in found.index) == whole


def test_students_t_is_scipys_on_the_seeds_that_were_judged(tmp_path: Any) -> None:
    """Of 20 seeds the first look at 10 decided: no other choice sees more than those."""
    losses = {("p", o, s): [1 + 0.01 * s, 0.5, float(v)] for o, arm in (
        ("a", logs(1, 20)), ("b", np.where(np.arange(20) < 10, logs(2, 20, 9.0), 0.01)))
        for s, v in enumerate(arm)}  # fmt: skip
    runs = made(tmp_path, losses)
    runs.manifest.update({"claims": [claim()], "seeds": {"evaluate": 20}, "looks": [10, 20]})
    told = verdicts(runs, alone(runs))
    assert told[["verdict", "n"]].to_numpy().tolist() == [["SUPPORTED", 10]]
    found = robustness(runs, told, alone(runs)).set_index("choice").loc["paired t"]
    a, b = (np.log10([losses["p", o, s][-1] for s in range(10)]) for o in "ab")
    level = told["level"].iloc[0]
    interval = stats.ttest_rel(b, a).confidence_interval(level)
    assert [found["low"], found["high"]] == pytest.approx([interval.low, interval.high])
    assert found["effect"] == pytest.approx(np.mean(b - a))
    assert found["verdict"] == "SUPPORTED"


def test_other_choices_are_as_strict_as_the_verdict(tmp_path: Any) -> None:
    """What is not refuted once corrected for several others is not told as a flip of another test."""
    n = 12
    d = np.linspace(-0.22, 0.13, n)  # refuted at 95 %, not at 99 %
    others = tuple("bcdef")
    losses = {("p", "a", s): [1 + 0.01 * s, 1.0] for s in range(n)}
    losses |= {("p", o, s): [1 + 0.01 * s, float(10 ** d[s])] for o in others for s in range(n)}
    runs = made(tmp_path, losses)
    runs.manifest.update({"claims": [claim(others=others)], "seeds": {"evaluate": n}})
    told = verdicts(runs, alone(runs)).set_index("b")
    assert told.loc["b", ["verdict", "label"]].tolist() == [
        "INCONCLUSIVE", "not refuted once corrected for 5 others",
    ]  # fmt: skip
    at_95, at_99 = (
        stats.ttest_1samp(d, 0).confidence_interval(level).high for level in (0.95, 0.99)
    )
    assert at_95 < math.log10(1.1) < at_99
    found = robustness(runs, told.reset_index(), alone(runs))
    students = found[found["choice"] == "paired t"]
    assert set(students["verdict"]) == {"INCONCLUSIVE"}
    assert not students["flips"].any()


def test_a_coarse_record_is_as_coarse_for_students_t(tmp_path: Any) -> None:
    """Times recorded every 20 updates: what the record cannot tell, no other test tells."""
    times = {
        ("p", "a"): 40.0 + 20 * (np.arange(12) % 2),
        ("p", "b"): 60.0 + 20 * (np.arange(12) % 2),
    }
    runs = results(tmp_path, [claim(measure="steps_held")], times, cadence=20)
    found = table(times, "steps_held")
    told = verdicts(runs, alone(runs), found)
    assert told["verdict"].tolist() == ["INCONCLUSIVE"]
    other = robustness(runs, told, alone(runs), found).set_index("choice").loc["paired t"]
    early = np.log10(times["p", "b"] - 19) - np.log10(times["p", "a"])
    late = np.log10(times["p", "b"]) - np.log10(times["p", "a"] - 19)
    assert other["low"] == pytest.approx(stats.ttest_1samp(early, 0).confidence_interval(0.95).low)
    assert other["high"] == pytest.approx(stats.ttest_1samp(late, 0).confidence_interval(0.95).high)
    assert (other["verdict"], other["flips"]) == ("INCONCLUSIVE", False)


# The page that works one by hand


def test_the_worked_example_is_what_happens(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[1] / "docs" / "claims.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| ([\d.]+) \|$", page, flags=re.MULTILINE)
    assert [int(row[0]) for row in rows] == list(range(10))
    a, b, ratios = (np.array([float(row[i]) for row in rows]) for i in (1, 2, 3))
    assert (b / a).round(2).tolist() == ratios.tolist()
    d = np.log10(b / a)
    walsh = sorted(10 ** ((d[i] + d[j]) / 2) for i in range(10) for j in range(i, 10))
    assert len(walsh) == 55
    text = " ".join(page.replace(">", "").split())
    said = {
        "all 55 averages of two ratios (on the log scale, each ratio with itself too): {:.3g}.":
            np.median(walsh),
        "the ninth smallest average, {:.3g},": walsh[8], "the ninth largest, {:.3g},": walsh[-9],
        "bound it, {:.3g} and": walsh[5], "and {:.3g}. The first claim": walsh[-6],
        "25 leave eight averages or fewer below: {:.3g} %": 100 * 25 / 1024,
    }  # fmt: skip
    for words, value in said.items():
        assert words.format(value) in text, words
    law = null_law(10)
    assert [(law <= 8).sum(), (law <= 5).sum(), len(law)] == [25, 10, 1024]
    assert (law <= 9).sum() / 1024 > 0.025 > 25 / 1024
    assert (law <= 6).sum() / 1024 > 0.0125 > 10 / 1024
    # And so it is judged.
    monkeypatch.setitem(globals(), "STEPS", 1000)
    scores = {("bowl", "momentum"): a, ("bowl", "sgd"): b}

    def stated(margin: float | None) -> dict[str, Any]:
        return claim(a="momentum", others=("sgd",), measure="steps_held", margin=margin,
                     problems=("bowl",))  # fmt: skip

    [one] = judge(tmp_path / "1", stated(None), scores, "steps_held").to_dict("records")
    assert one["sentence"].replace(LABEL, "the target") in text
    for margin, verdict in ((2.2, "INCONCLUSIVE"), (2.5, "REFUTED")):
        two = judge(tmp_path / str(margin), [stated(None), stated(margin)], scores, "steps_held")
        assert two["verdict"].tolist() == ["SUPPORTED", verdict]
        assert 10 ** two["low"].iloc[1] == pytest.approx(walsh[5])
        assert 10 ** two["high"].iloc[1] == pytest.approx(walsh[-6])
