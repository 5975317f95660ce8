"""The numbers behind verdicts against SciPy, statsmodels, tests written out by hand, and tables."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from optlab.statistics import bootstrap, exact, law, resolve, sequential
from optlab.statistics.paired import (
    decide,
    decide_equivalent,
    decide_never,
    paired_effect,
    paired_t,
    win_rate,
)

INF, NAN = math.inf, math.nan
RATIO = {"scale": "ratio"}
PLAIN = {"scale": "difference"}


def rng(seed=0):
    return np.random.default_rng(seed)


# Laws


@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_the_signed_rank_law_is_that_of_all_signs(n):
    sums = [sum(r for r, up in zip(range(1, n + 1), signs, strict=True) if up)
            for signs in itertools.product([0, 1], repeat=n)]  # fmt: skip
    by_hand = np.cumsum(np.bincount(sums, minlength=n * (n + 1) // 2 + 1)) / 2**n
    np.testing.assert_allclose(law.signed_rank_cdf(n), by_hand, rtol=1e-14)


@pytest.mark.parametrize("n", [6, 10, 50])
def test_the_signed_rank_law_is_scipys(n):
    x = rng(n).normal(0.1, 1, n)
    found = stats.wilcoxon(x, alternative="less", method="exact")
    assert law.signed_rank_cdf(n)[int(found.statistic)] == pytest.approx(found.pvalue, rel=1e-12)


def test_the_approximation_joins_the_exact_law():
    n, tail = law.EXACT_UP_TO + 1, 0.025
    exactly = int(np.searchsorted(law.signed_rank_cdf(n), tail, side="right")) - 1
    assert abs(law.rank_rejects(n, 0.95) - exactly) <= 1


@pytest.mark.parametrize("m", [0, 1, 5, 6, 17, 40])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_coins_are_scipys(m, level):
    k = int(law.coin_rejects(40, level)[m])
    for heads in range(m + 1):
        p = stats.binomtest(heads, m, alternative="less").pvalue if m else 1.0
        assert (heads <= k) == (p <= (1 - level) / 2 + 1e-15)


def test_the_least_seeds_are_those_of_two_in_two_to_the_n():
    # 2 / 2^n = .0625, .03125, .0156, .0078, .0039, .00195 for n = 5 .. 10
    assert [law.least_seeds(1 - p) for p in (0.0625, 0.05, 0.03125, 0.0312, 0.01, 0.002)] == [
        5, 6, 6, 7, 8, 10]  # fmt: skip
    for n in range(1, 12):
        for m in (1, 5, 12):
            low = paired_effect(np.ones(n), np.arange(2.0, n + 2), **PLAIN, level=1 - 0.05 / m).low
            assert (low > -INF) == (n >= law.least_seeds(1 - 0.05 / m))


# Effects


@pytest.mark.parametrize("n", [6, 9, 20, 40])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_the_interval_ends_where_wilcoxons_p_crosses(n, level):
    if n < law.least_seeds(level):
        return
    generator = rng(n)
    a, b = 10 ** generator.normal(0, 1, n), 10 ** generator.normal(0.3, 1, n)
    effect = paired_effect(a, b, **RATIO, level=level)
    d = np.log10(b / a)

    def p(theta):
        return stats.wilcoxon(d - theta, method="exact").pvalue

    step = 1e-9
    assert p(effect.low - step) <= 1 - level < p(effect.low + step)
    assert p(effect.high + step) <= 1 - level < p(effect.high - step)
    walsh = [(x + y) / 2 for k, x in enumerate(d) for y in d[k:]]
    assert effect.estimate == pytest.approx(np.median(walsh), abs=1e-12)
    assert effect.method == "signed-rank"


def test_signs_flipped_every_way_agree():
    a, b = rng(3).normal(0, 1, (2, 9))
    d = b - a

    def ranked(x, axis):
        ranks = np.abs(x).argsort(axis=axis).argsort(axis=axis) + 1
        return (ranks * (x > 0)).sum(axis=axis)

    flipped = stats.permutation_test(
        (d,), ranked, permutation_type="samples", n_resamples=np.inf, alternative="greater"
    )
    effect = paired_effect(a, b, **PLAIN, level=1 - 2 * flipped.pvalue)
    assert effect.low > 0  # the level at which 0 is just left out
    assert paired_effect(a, b, **PLAIN, level=1 - 1.9 * flipped.pvalue).low <= 0


def by_definition(a, b, theta, budget):
    """Each pair's log10 ratio after a is multiplied and both are cut at the same time, in words."""
    factor = 10**theta
    cut = budget * min(1.0, factor)
    out = []
    for x, y in zip(a, b, strict=True):
        later = x * factor
        x_missed, y_missed = x > budget or later > cut, y > cut
        if x_missed and y_missed:
            out.append(0.0)
        elif x_missed or y_missed:
            out.append(-INF if x_missed else INF)
        else:
            out.append(math.log10(y) - math.log10(later))
    return out


def ranks_reject(d, level, side):
    """The signed-rank test by counting, ties against rejection."""
    positive = negative = 0
    for i, x in enumerate(d):
        for y in d[i:]:
            total = 0.0 if math.isinf(x) and x == -y else x + y
            positive, negative = positive + (total > 0), negative + (total < 0)
    count = positive if side == "low" else negative
    cdf = law.signed_rank_cdf(len(d))
    return cdf[len(d) * (len(d) + 1) // 2 - count] <= (1 - level) / 2


def coins_reject(d, level, side):
    wins, losses = sum(x > 0 for x in d), sum(x < 0 for x in d)
    if not wins + losses:
        return False
    alternative = "greater" if side == "low" else "less"
    found = stats.binomtest(wins, wins + losses, alternative=alternative)
    return found.pvalue <= (1 - level) / 2


@pytest.mark.parametrize("seed", range(60))
def test_censored_ends_are_where_the_test_by_definition_turns(seed):
    generator = rng(seed)
    n, budget = int(generator.integers(6, 13)), 100.0
    centre = generator.choice([1.2, 1.7, 2.0])
    a, b = 10 ** generator.normal([[centre], [centre + 0.2]], 0.4, (2, n))
    a, b = (np.where(x > budget, INF, x) for x in (a, b))
    effect = paired_effect(a, b, **RATIO, budget=budget)
    reject = ranks_reject if effect.method == "signed-rank" else coins_reject
    missed = np.mean(np.isinf(a) | np.isinf(b))
    assert effect.method == ("signed-rank" if missed <= 0.3 else "win rate")
    ends = [effect.low, effect.high]
    for theta in [*np.linspace(-2, 2, 81), *(e + s for e in ends for s in (-1e-7, 1e-7))]:
        if not math.isfinite(theta):
            continue
        d = by_definition(a, b, theta, budget)
        assert reject(d, 0.95, "low") == (theta < effect.low)
        assert reject(d, 0.95, "high") == (theta > effect.high)


def test_misses_without_a_budget_are_infinite_and_two_of_them_are_alike():
    a = np.array([1.0, 1, 1, 1, 1, 1, 1, INF, INF, 1])
    b = np.array([10.0, 10, 10, 10, 10, 10, 10, INF, 10, INF])
    effect = paired_effect(a, b, **RATIO)
    assert (effect.wins, effect.ties, effect.losses) == (8, 1, 1)
    assert (effect.misses_a, effect.misses_b, effect.method) == (2, 2, "signed-rank")
    assert effect.estimate == 1.0
    assert effect.high == 1.0 or effect.high == INF


def test_one_side_that_always_misses_is_beyond_every_ratio():
    effect = paired_effect(np.full(10, 5.0), np.full(10, INF), **RATIO)
    assert (effect.method, effect.low, effect.high) == ("win rate", INF, INF)
    seen = paired_effect(np.full(10, 5.0), np.full(10, INF), **RATIO, budget=50)
    assert seen.low == pytest.approx(1.0)  # at ten times as late they would all be missed too
    assert seen.high == INF


def test_the_estimate_is_open_upwards_as_downwards():
    one, other = np.full(10, 5.0), np.full(10, INF)
    assert paired_effect(one, other, **RATIO, budget=50).estimate == INF
    assert paired_effect(other, one, **RATIO, budget=50).estimate == -INF


def test_two_sides_that_always_miss_say_nothing():
    effect = paired_effect(np.full(10, INF), np.full(10, INF), **RATIO, budget=50)
    assert (effect.low, effect.high, effect.ties) == (-INF, INF, 10)
    assert math.isnan(effect.estimate)
    assert decide([INF] * 10, [INF] * 10, **RATIO, margin=1.1, budget=50).verdict == "INCONCLUSIVE"


def test_floors_zeros_and_unknown_values():
    a, b = [0.0, 1e-20, 1, 1, 1, 1, NAN], [1e-18, 0.0, 2, 2, 2, 2, 1]
    effect = paired_effect(a, b, **RATIO, floor=1e-16)
    assert (effect.n, effect.unknown, effect.floored, effect.ties, effect.wins) == (6, 1, 2, 2, 4)
    bare = paired_effect(a, b, **RATIO)
    assert (bare.wins, bare.losses, bare.floored) == (5, 1, 0)  # zero beats what is not
    with pytest.raises(ValueError, match="not negative"):
        paired_effect([-1.0], [1.0], **RATIO)
    with pytest.raises(ValueError, match="shapes"):
        paired_effect([1.0], [1.0, 2.0], **RATIO)


def test_higher_is_better_turns_the_sign():
    a, b = np.array([0.9, 0.8, 0.95]), np.array([0.7, 0.75, 0.9])
    assert paired_effect(a, b, **PLAIN, higher=True).estimate == pytest.approx(0.05, abs=0.06)
    assert paired_effect(a, b, **PLAIN, higher=True).wins == 3
    assert paired_effect(a, b, **RATIO, higher=True).estimate > 0
    assert paired_effect([-INF], [0.5], **PLAIN, higher=True).misses_a == 1


def test_the_paired_t_is_scipys():
    a, b = rng(1).normal(0, 1, (2, 12))
    found = stats.ttest_rel(b, a).confidence_interval(0.9)
    effect = paired_t(a, b, **PLAIN, level=0.9)
    assert (effect.low, effect.high) == pytest.approx((found.low, found.high))
    nothing = paired_t([1.0, INF, 2], [1.0, 2, 2], **RATIO)
    assert math.isnan(nothing.estimate)
    assert (nothing.low, nothing.high) == (-INF, INF)


# Invariances

VALUES = st.lists(
    st.tuples(st.integers(1, 400), st.integers(1, 400)), min_size=6, max_size=14
)  # fmt: skip


def arms(pairs, budget=None):
    a, b = np.array(pairs, dtype=float).T
    if budget is None:
        return a, b
    return np.where(a > budget, INF, a), np.where(b > budget, INF, b)


def same(x, y):
    np.testing.assert_allclose([x.estimate, x.low, x.high], [y.estimate, y.low, y.high],
                               atol=1e-9)  # fmt: skip
    assert (x.wins, x.ties, x.losses, x.method) == (y.wins, y.ties, y.losses, y.method)


@given(VALUES, st.sampled_from([None, 150.0, 300.0]), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_seeds_changes_nothing(pairs, budget, random):
    shuffled = random.sample(pairs, len(pairs))
    first, second = (arms(p, budget) for p in (pairs, shuffled))
    same(paired_effect(*first, **RATIO, budget=budget),
         paired_effect(*second, **RATIO, budget=budget))  # fmt: skip


@given(VALUES, st.sampled_from([None, 150.0, 300.0]), st.floats(1e-6, 1e6))
@settings(max_examples=100, deadline=None)
def test_the_unit_changes_nothing(pairs, budget, unit):
    a, b = arms(pairs, budget)
    scaled = None if budget is None else budget * unit * (1 + 1e-12)
    same(paired_effect(a, b, **RATIO, budget=budget),
         paired_effect(a * unit, b * unit, **RATIO, budget=scaled))  # fmt: skip


@given(VALUES, st.sampled_from([None, 150.0, 300.0]), st.sampled_from([1.0, 1.1, 2.0]))
@settings(max_examples=100, deadline=None)
def test_swapped_arms_mirror_the_interval(pairs, budget, margin):
    a, b = arms(pairs, budget)
    there = paired_effect(a, b, **RATIO, budget=budget)
    back = paired_effect(b, a, **RATIO, budget=budget)
    np.testing.assert_allclose([there.low, there.high, there.estimate],
                               [-back.high, -back.low, -back.estimate], atol=1e-12)  # fmt: skip
    equal = [decide_equivalent(*x, **RATIO, budget=budget, margin=margin) for x in ((a, b), (b, a))]
    assert equal[0].verdict == equal[1].verdict
    ours, theirs = (win_rate(*x, **RATIO, budget=budget, margin=m)
                    for x, m in (((a, b), margin), ((b, a), 1 / margin)))  # fmt: skip
    assert (ours.wins, ours.losses) == (theirs.losses, theirs.wins)
    assert ours.low == pytest.approx(1 - theirs.high)


@given(VALUES, st.integers(-1000, 1000))
@settings(max_examples=100, deadline=None)
def test_a_constant_added_changes_no_difference(pairs, constant):
    a, b = arms(pairs)
    same(paired_effect(a, b, **PLAIN), paired_effect(a + constant, b + constant, **PLAIN))


# Win rates


@given(VALUES, st.sampled_from([20.0, 60.0, 120.0]), st.sampled_from([1.0, 1.1, 2.0]))
@settings(max_examples=100, deadline=None)
def test_the_win_rate_and_the_interval_give_the_same_verdict(pairs, budget, margin):
    a, b = arms(pairs, budget)
    decision = decide(a, b, **RATIO, margin=margin, budget=budget)
    if decision.won is None:
        return
    at_edge = (
        abs(decision.low - decision.delta) < 1e-9 or abs(decision.high - decision.delta) < 1e-9
    )
    if not at_edge:
        assert (decision.verdict == "SUPPORTED") == (decision.won.low > 0.5)
        assert (decision.verdict == "REFUTED") == (decision.won.high < 0.5)
    assert decision.won.low <= decision.won.rate <= decision.won.high


@pytest.mark.parametrize("n", [6, 10, 20])
def test_the_win_rates_interval_holds_it_at_least_as_often_as_said(n):
    """Every outcome of n pairs, weighed by its exact probability."""
    outcomes = [(w, losses) for w in range(n + 1) for losses in range(n + 1 - w)]
    ends = {}
    for w, losses in outcomes:
        a = np.array([1.0] * w + [3.0] * losses + [2.0] * (n - w - losses))
        found = win_rate(a, np.full(n, 2.0), **RATIO, margin=1.0)
        assert (found.wins, found.losses) == (w, losses)
        ends[w, losses] = found.low, found.high
    for win, loss in itertools.product(np.arange(0, 1.01, 0.1), repeat=2):
        if win + loss > 1 + 1e-9:
            continue
        rate = (1 + win - loss) / 2
        tie = max(0.0, 1 - win - loss)
        held = sum(
            stats.multinomial.pmf([w, k, n - w - k], n, [win, loss, tie])
            for w, k in outcomes
            if ends[w, k][0] - 1e-12 <= rate <= ends[w, k][1] + 1e-12
        )
        assert held >= 0.95 - 1e-9, (win, loss, held)


def test_half_of_the_runs_that_reach_against_none_is_told():
    a = np.array([10.0] * 8 + [INF] * 12)
    decision = decide(a, np.full(20, INF), **RATIO, margin=1.1, budget=100)
    assert (decision.verdict, decision.effect.method) == ("SUPPORTED", "win rate")
    assert (decision.won.wins, decision.won.ties, decision.won.losses) == (8, 12, 0)
    assert decision.won.rate == 0.7


# Verdicts


@pytest.mark.parametrize(
    ("ratios", "verdict", "label"),
    [
        (np.linspace(1.2, 1.4, 10), "SUPPORTED", ""),
        (np.linspace(0.7, 0.9, 10), "REFUTED", "reversed"),
        (np.linspace(0.98, 1.02, 10), "REFUTED", "equivalent"),
        (np.geomspace(0.8, 1.12, 10), "REFUTED", "smaller than claimed"),
        (np.linspace(0.9, 1.5, 10), "INCONCLUSIVE", ""),
        (np.linspace(1.2, 1.4, 5), "INCONCLUSIVE", ""),
    ],
)
def test_verdicts(ratios, verdict, label):
    a = rng(0).uniform(1, 9, len(ratios))
    decision = decide(a, a * ratios, **RATIO, margin=1.1)
    assert (decision.verdict, decision.label) == (verdict, label)


@pytest.mark.parametrize("margin", [1.1, 1.2, 1.3, 1.7, 2.0, 5.0])
@pytest.mark.parametrize("a", [1e-12, 10.0, 30.0, 7e9])
def test_an_effect_of_exactly_the_margin_is_not_beyond_it(margin, a):
    for b in (a * margin, a / margin):
        assert decide([a] * 8, [b] * 8, **RATIO, margin=margin).verdict != "SUPPORTED"
        assert decide_equivalent([a] * 8, [b] * 8, **RATIO, margin=margin).verdict == "INCONCLUSIVE"
    assert decide([a] * 8, [a * margin] * 8, **RATIO, margin=margin).verdict == "INCONCLUSIVE"
    assert decide([a] * 8, [a + a] * 8, **PLAIN, margin=a).verdict == "INCONCLUSIVE"


def test_equivalence():
    a = np.full(10, 100.0)
    near, far = np.linspace(98, 102, 10), np.linspace(150, 160, 10)
    assert decide_equivalent(a, near, **RATIO, margin=1.1).verdict == "SUPPORTED"
    better, worse = (decide_equivalent(*x, **RATIO, margin=1.1) for x in ((a, far), (far, a)))
    assert (better.verdict, better.label) == ("REFUTED", "better")
    assert (worse.verdict, worse.label) == ("REFUTED", "worse")
    assert decide_equivalent(a[:5], near[:5], **RATIO, margin=1.1).verdict == "INCONCLUSIVE"


def test_never():
    assert [decide_never(0, n, 0.1).verdict for n in (35, 36)] == ["INCONCLUSIVE", "SUPPORTED"]
    one = decide_never(1, 1000, 0.1)
    assert (one.verdict, one.label) == ("REFUTED", "counterexample")
    assert one.high < 0.1  # rare, and seen
    assert decide_never(0, 0, 0.1).verdict == "INCONCLUSIVE"
    with pytest.raises(ValueError, match="at_most"):
        decide_never(0, 10, 0.0)


def test_margins_that_make_no_sense():
    with pytest.raises(ValueError, match="at least 1"):
        decide([1.0], [1.0], **RATIO, margin=0.9)
    with pytest.raises(ValueError, match="not negative"):
        decide([1.0], [1.0], **PLAIN, margin=-0.1)


# Exact


@pytest.mark.parametrize(
    ("n", "first", "last"),
    [(6, 1, 6), (10, 2, 9), (15, 4, 12), (20, 6, 15), (30, 10, 21)],
)
def test_median_intervals(n, first, last):
    values = rng(n).permutation(np.arange(1.0, n + 1))
    assert exact.median_interval(values) == (first, last)


def test_medians_of_few_and_of_failures():
    assert exact.median_interval([1, 2, 3, 4, 5]) == (-INF, INF)
    assert exact.median_interval([1, 2, 3, 4, INF, INF]) == (1, INF)
    with pytest.raises(ValueError, match="known"):
        exact.median_interval([1, NAN])


@pytest.mark.parametrize(("n", "high"), [(10, 0.31), (20, 0.17), (30, 0.12), (100, 0.036)])
def test_none_of_n_still_allows(n, high):
    found = exact.clopper_pearson(0, n)[1]
    assert found == pytest.approx(high, abs=0.005)
    assert found == pytest.approx(stats.binomtest(0, n).proportion_ci().high)


@pytest.mark.slow
def test_holm_is_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    for seed in range(20):
        p = rng(seed).uniform(0, 0.2, 1 + seed) ** 2
        expected = multitest.multipletests(p, method="holm")[1]
        np.testing.assert_allclose(exact.holm(p), expected)


def test_the_probability_of_improvement_is_mann_whitneys():
    a, b = rng(0).integers(0, 6, 9).astype(float), rng(1).integers(1, 8, 13).astype(float)
    u = stats.mannwhitneyu(b, a).statistic
    assert exact.probability_of_improvement(a, b) == pytest.approx(u / (9 * 13))
    assert exact.probability_of_improvement([1, INF], [INF, INF]) == 0.75
    assert exact.probability_of_improvement([1, 2], [0, 0], higher=True) == 1


def test_nemenyis_distances():
    # q_.05 / sqrt(2) for k = 2 .. 10, as tabled by Demsar 2006
    table = [1.960, 2.344, 2.569, 2.728, 2.850, 2.948, 3.031, 3.102, 3.164]
    for k, q in enumerate(table, 2):
        assert exact.critical_difference(k, 10) == pytest.approx(
            q * math.sqrt(k * (k + 1) / 60), rel=5e-4
        )


def test_nemenyi_is_that_of_scikit_posthocs():
    posthocs = pytest.importorskip("scikit_posthocs", exc_type=ImportError)
    costs = rng(5).normal(np.arange(4) * 0.7, 1, (12, 4))
    p = np.asarray(posthocs.posthoc_nemenyi_friedman(costs))
    ranks = exact.mean_ranks(costs)
    apart = np.abs(ranks[:, None] - ranks)
    for level in (0.9, 0.95, 0.99):
        np.testing.assert_array_equal(
            p < 1 - level, apart > exact.critical_difference(4, 12, level)
        )


def test_friedman_and_spreads():
    costs = np.array([[1, 2, 3], [1, 2, 3], [1, 3, 2], [1, 2, 3]])
    # 12 N / (k (k+1)) sum (mean rank - 2)^2 = 4 (1 + .0625 + .5625)
    assert exact.friedman(costs).statistic == pytest.approx(6.5)
    assert exact.friedman(np.ones((4, 3))) == (0.0, 1.0)
    a, b = np.array([1.0, 2, 4, 8]), np.array([0.0, 10, 20, 50])
    za, zb = (np.abs(x - np.median(x)) for x in (a, b))
    assert exact.brown_forsythe(a, b).p == pytest.approx(stats.f_oneway(za, zb).pvalue)
    assert math.isnan(exact.brown_forsythe([1, 1], [2, 2]).p)
    with pytest.raises(ValueError, match="finite"):
        exact.brown_forsythe([1, INF], [2, 2])


# Bootstrap


def mean(x):
    return x.mean(axis=(-3, -2, -1))


def test_one_problem_is_scipys_bootstrap():
    values = rng(0).lognormal(0, 1, 30)
    for method, theirs in (("bca", "BCa"), ("percentile", "percentile")):
        ours = bootstrap.interval(values[None, None], mean, method=method, times=20_000)
        found = stats.bootstrap((values,), np.mean, method=theirs, n_resamples=20_000,
                                rng=rng(1)).confidence_interval  # fmt: skip
        assert (ours.low, ours.high) == pytest.approx((found.low, found.high), rel=0.02)


def test_two_problems_are_scipys_two_samples():
    x, y = rng(0).lognormal(0, 1, (2, 25))
    ours = bootstrap.interval(np.stack([x, y])[None], mean, times=20_000)

    def both(x, y, axis):
        return (x.mean(axis=axis) + y.mean(axis=axis)) / 2

    found = stats.bootstrap((x, y), both, method="BCa", n_resamples=20_000, rng=rng(1))
    low, high = found.confidence_interval
    assert (ours.low, ours.high) == pytest.approx((low, high), rel=0.02)


def test_seeds_are_drawn_inside_problems_and_alike_for_all():
    values = np.arange(2 * 3 * 20.0).reshape(2, 3, 20)
    drawn = bootstrap.resampled(values, 50, rng(0))
    np.testing.assert_array_equal(drawn[:, 1] - drawn[:, 0], 60)  # the same seeds of both
    np.testing.assert_array_equal(drawn[:, 0] // 20, np.broadcast_to([[0], [1], [2]], (50, 3, 20)))
    assert len(np.unique(drawn[0, 0, 0] - drawn[0, 0, 1])) > 1  # and not of all problems
    problems = bootstrap.resampled(values, 50, rng(0), problems=True)[:, 0] // 20
    assert (problems == problems[:, :, :1]).all()
    assert len(np.unique(problems[:, :, 0], axis=0)) > 5


def test_bootstraps_repeat_and_refuse():
    values = rng(0).normal(0, 1, (2, 3, 20))
    first, second = (bootstrap.interval(values, mean, times=500, seed=s) for s in (4, 4))
    assert first == second
    assert first != bootstrap.interval(values, mean, times=500, seed=5)
    few = bootstrap.interval(values[..., :19], mean)
    assert math.isnan(few.low)
    assert "19 seeds" in few.note
    assert few.estimate == pytest.approx(values[..., :19].mean())
    point = bootstrap.interval(np.ones((1, 1, 20)), mean, times=100)
    assert (point.low, point.high) == (1, 1)
    wide = bootstrap.interval(values, mean, times=2000, problems=True)
    assert wide.high > wide.estimate > wide.low


# Looks


def test_the_error_is_spent_and_no_more():
    for spending in ("pocock", "obrien-fleming"):
        levels = sequential.levels((10, 20, 40), 0.05, spending)
        assert (1 - levels).sum() == pytest.approx(0.05)
        assert (levels < 1).all() or spending == "obrien-fleming"
    # Lan & DeMets: alpha log(1 + (e - 1) t) at t = 1/4
    first = sequential.levels((10, 20, 40), 0.05)[0]
    assert 1 - first == pytest.approx(0.05 * math.log(1 + (math.e - 1) / 4))
    quarter = sequential.spent(np.array([0.25, 1]), 0.05, "obrien-fleming")
    z = stats.norm.ppf(1 - 0.05 / 4)
    np.testing.assert_allclose(quarter, [4 * stats.norm.sf(2 * z), 0.05])


def test_a_look_that_cannot_decide_spends_nothing():
    levels = sequential.levels((4, 8, 16), 0.05)
    assert levels[0] == 1
    assert (1 - levels).sum() == pytest.approx(0.05)
    with pytest.raises(ValueError, match="growing"):
        sequential.levels((10, 10), 0.05)


# Seeds needed


@pytest.mark.parametrize(
    ("ratio", "n", "percent"),
    [(1.25, 10, 19), (1.5, 10, 51), (2, 10, 90), (4, 10, 100),
     (1.25, 20, 36), (1.5, 20, 83), (2, 20, 100), (4, 5, 0)],
)  # fmt: skip
def test_the_power_of_the_signed_rank_test(ratio, n, percent):
    assert 100 * resolve.rank_power(n, math.log10(ratio) / 0.25, 0.95) == pytest.approx(
        percent, abs=3.5
    )


@pytest.mark.parametrize(("n", "effect"), [(70, 0.2), (70, 0.35), (200, 0.2), (90, 0.0)])
def test_the_power_of_many_pairs_is_that_of_draws(n, effect):
    x = rng(n).normal(effect, 1, (4000, n))
    ranks = np.abs(x).argsort(axis=1).argsort(axis=1) + 1
    enough = n * (n + 1) // 2 - law.rank_rejects(n, 0.95)
    drawn = np.mean((ranks * (x > 0)).sum(axis=1) >= enough)
    assert resolve.rank_power(n, effect, 0.95) == pytest.approx(drawn, abs=0.025)


def test_the_power_of_coins_is_binomial():
    for n, share in ((20, 0.8), (35, 0.7)):
        least = (
            next(
                k
                for k in range(n, -1, -1)
                if stats.binomtest(k, n, alternative="greater").pvalue > 0.025
            )
            + 1
        )
        expected = stats.binom.sf(least - 1, n, share)
        assert resolve.coin_power(n, share, 1.0, 0.95) == pytest.approx(expected)
        assert resolve.coin_power(n, 1 - share, 1.0, 0.95) == pytest.approx(expected)
    draws = rng(0)
    decided = draws.binomial(40, 0.6, 20_000)
    wins = draws.binomial(decided, 0.8)
    told = decided - wins <= law.coin_rejects(40, 0.95)[decided]
    assert resolve.coin_power(40, 0.8, 0.6, 0.95) == pytest.approx(told.mean(), abs=0.01)


def test_the_alternative_is_named_and_kept_off_the_margin():
    delta = math.log10(1.1)
    d = 10 ** rng(0).normal(0, 0.1, 10)
    for middle, named in (
        (1.5, math.log10(1.5)),
        (1.12, 2 * delta),
        (1.05, 0.0),
        (0.8, math.log10(0.8)),
    ):
        d *= middle / 10 ** paired_effect(np.ones(10), d, **RATIO).estimate
        needed = resolve.seeds_needed(np.ones(10), d, **RATIO, margin=1.1)
        assert needed.alternative == pytest.approx(named)
        assert needed.kind == "shift"
        sd = np.log10(d).std(ddof=1)
        assert needed.spread == pytest.approx(sd * math.sqrt(9 / stats.chi2.ppf(0.2, 9)))
        short, enough = (resolve.rank_power(k, abs(named - delta) / needed.spread, 0.95)
                         for k in (needed.seeds - 1, needed.seeds))  # fmt: skip
        assert enough >= 0.8
        assert short < 0.8 or needed.seeds == 11
    alike = resolve.seeds_needed(np.ones(10), d / 0.8, **RATIO, margin=1.1, equivalent=True)
    assert abs(alike.alternative) <= delta / 2


def test_too_many_seeds_are_none():
    d = rng(0).normal(0.0, 1.0, 10)
    assert (
        resolve.seeds_needed(np.zeros(10), d - np.median(d) + 0.001, **PLAIN, margin=0.001).seeds
        is None
    )
    assert resolve.seeds_needed([1.0], [2.0], **RATIO, margin=1.1).seeds is None
    same = resolve.seeds_needed(np.ones(5), np.full(5, 2.0), **RATIO, margin=1.1)
    assert same.seeds == 6  # nothing is random: as many as the level asks for


def test_runs_for_never():
    for at_most in (0.05, 0.1, 0.3):
        needed = resolve.seeds_for_never(at_most).seeds
        assert decide_never(0, needed, at_most).verdict == "SUPPORTED"
        assert decide_never(0, needed - 1, at_most).verdict == "INCONCLUSIVE"
    assert resolve.seeds_for_never(0.1).seeds == 36
    assert resolve.seeds_for_never(0.001).seeds is None
