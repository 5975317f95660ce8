"""Verdicts read off scores: each kind, each gate, and what must change nothing.

Scores are written by hand; what they come to is recomputed here with SciPy's tests or counted.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from judged import GOOD, INF, STEPS, alone, claim, judge, logs, results, table
from scipy import stats
from sign_oracle import expected

from optlab.analysis.verdicts import ALL_OTHERS, ALL_PROBLEMS, undecided, verdicts
from optlab.measures import MEASURES
from optlab.statistics.sequential import levels

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


LAWS = {
    "log-normal": lambda g, n: 10 ** g.normal(0, 0.15, n),
    "skewed": lambda g, n: g.chisquare(1, n) ** 0.3,
    "heavy": lambda g, n: 10 ** np.clip(0.05 * g.standard_cauchy(n), -3, 3),
}


CASES = [
    ("gap", None), ("gap", 2.0), ("steps_held", None), ("steps_held", 1.5), ("steps_reached", 3.0),
    ("overshoot", 0.2), ("test_accuracy", 0.3), ("loss", 1.3),
]  # fmt: skip


# Nothing is nearer than no difference at all: with a margin of 1 nothing can be equivalent.
@pytest.mark.parametrize("problems", [15, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("measure", "margin", "kind"), [
    *((*case, kind) for case in CASES for kind in ("better", "equivalent")), ("gap", 1.0, "better"),
])  # fmt: skip
def test_verdicts_are_those_of_all_assignments_of_signs(
    tmp_path: Any, measure: str, margin: float | None, kind: str, problems: int
) -> None:
    rng, scores, found = np.random.default_rng([7, round(10 * (margin or 0))]), {}, set()
    names = tuple(f"p{i:02d}" for i in range(problems))
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


# What must change nothing


NUMBERS = ["verdict", "label", "effect", "low", "high", "n", "level", "method", "seeds_needed"]


@pytest.mark.parametrize("measure", [m for m in MEASURES if m not in ("rate_width",)])
@pytest.mark.parametrize(
    "factor", [pytest.param(f, marks=pytest.mark.slow) if f == 1.3 else f for f in (1.0, 1.3, 3.0)]
)
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
