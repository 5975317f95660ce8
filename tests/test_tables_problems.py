"""Tables over problems against worked numbers, exhaustive counts, SciPy and COCO's own program."""

from __future__ import annotations

import itertools
import math
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_tables import INF, NAN, best_of, made
from scipy import integrate, stats

from optlab import figures
from optlab.analysis import aggregate, runtime, tuning
from optlab.analysis.calm import kinds_of_stability
from optlab.analysis.crossings import crossings
from optlab.analysis.profiles import (
    medians,
    performance_profile,
    profile_scores,
    ratios,
    target_costs,
    two_solver_profiles,
)
from optlab.analysis.ranks import leave_one_out, rank_table, rank_test
from optlab.analysis.rates import rate_robustness
from optlab.analysis.scores import scores
from optlab.report import drawings
from optlab.report.sentences import shares_met


def costs(**columns):
    return pd.DataFrame(columns, index=[f"p{i}" for i in range(len(next(iter(columns.values()))))])


def at(profile, optimizer, ratio):
    """The value of a step function."""
    mine = profile[(profile["optimizer"] == optimizer) & (profile["ratio"] <= ratio)]
    return mine["share"].iloc[-1]


COSTS = st.lists(
    st.lists(st.one_of(st.integers(1, 9).map(float), st.just(INF)), min_size=3, max_size=3),
    min_size=1, max_size=8,
).map(lambda rows: pd.DataFrame(rows, columns=["a", "b", "c"]))  # fmt: skip


# Performance profiles


def test_gould_and_scott_a_third_solver_turns_two_around():
    three = costs(A=[6.0, 6, 6, 1, 1], B=[3.0] * 5, C=[1.0, 1, 1, 3, 3])
    with_c = performance_profile(three)
    assert (at(with_c, "A", 1.9), at(with_c, "B", 1.9)) == (0.4, 0.0)
    alone = performance_profile(three[["A", "B"]])
    assert (at(alone, "A", 1.9), at(alone, "B", 1.9)) == (0.4, 0.6)
    pairs = two_solver_profiles(three)
    ab = pairs[(pairs["a"] == "A") & (pairs["b"] == "B")].drop(columns=["a", "b"])
    pd.testing.assert_frame_equal(ab.reset_index(drop=True), alone)


def test_the_score_is_the_exact_integral():
    # Ratios 1, 1.5, 4 and never: (3 + 2.5 + 0 + 0) / 3 / 4 = 0.4583, where trapezoids say 0.4596.
    found = profile_scores(costs(A=[1.0, 1.5, 4.0, INF], B=[1.0, 1, 1, 1])).set_index("optimizer")
    assert found.loc["A", "score"] == pytest.approx(5.5 / 12)
    assert round(found.loc["A", "score"], 4) == 0.4583
    assert found.loc["B"].tolist() == [4, 4, 4, 1.0]  # a tie is a win for both
    assert found.loc["A", ["problems", "wins", "solved"]].tolist() == [4, 1, 3]


@settings(deadline=None, max_examples=50)
@given(COSTS)
def test_the_score_is_the_area_under_the_profile(table):
    profile, found = performance_profile(table), profile_scores(table).set_index("optimizer")
    for name in table:
        mine = profile[(profile["optimizer"] == name) & (profile["ratio"] <= 4)]
        edges = np.append(mine["ratio"], 4.0)
        area = (np.diff(edges) * mine["share"]).sum() / 3
        assert found.loc[name, "score"] == pytest.approx(area, abs=1e-12)


def test_problems_that_nobody_solves_count():
    found = performance_profile(costs(a=[1.0, INF, INF], b=[2.0, 5.0, INF]))
    assert found.values.tolist() == [
        ["a", 1.0, 1 / 3], ["b", 1.0, 1 / 3], ["b", 2.0, 2 / 3]
    ]  # fmt: skip


@settings(deadline=None, max_examples=50)
@given(COSTS, st.floats(0.01, 100))
def test_profiles_know_nothing_of_units_names_and_order(table, unit):
    plain = performance_profile(table)
    renamed = performance_profile(table.rename(columns={"a": "z"})).replace({"z": "a"})
    pd.testing.assert_frame_equal(plain, renamed)
    pd.testing.assert_frame_equal(plain, performance_profile(table.iloc[::-1]))
    scaled = ratios(table * unit).to_numpy()
    np.testing.assert_allclose(scaled, ratios(table).to_numpy(), rtol=1e-12)


@settings(deadline=None, max_examples=50)
@given(COSTS)
def test_two_solver_profiles_know_nothing_of_a_third(table):
    pairs = two_solver_profiles(table)
    ab = pairs[(pairs["a"] == "a") & (pairs["b"] == "b")].reset_index(drop=True)
    pd.testing.assert_frame_equal(ab, two_solver_profiles(table[["a", "b"]]))


def test_a_problem_that_one_was_not_run_on_is_left_out():
    table = costs(a=[1.0, 2.0], b=[NAN, 1.0])
    assert profile_scores(table)["problems"].tolist() == [1, 1]
    with pytest.raises(ValueError, match="positive"):
        ratios(costs(a=[0.0], b=[1.0]))


def test_times_are_medians_with_failures(tmp_path):
    curves = {
        ("p", "a", 0): [4.0, 0.05, 0.05, 0.05], ("p", "a", 1): [4.0, 4, 4, 0.05],
        ("p", "a", 2): [4.0, 4, 4, 4], ("p", "b", 0): [0.01, 0.01, 0.01, 0.01],
        ("p", "b", 1): [0.01, 0.01, 0.01, 0.01], ("p", "b", 2): [4.0, 4, 4, 4],
        ("q", "a", 0): [4.0, 0.05, 4, 4], ("q", "a", 1): [4.0, 0.05, 4, 4],
        ("q", "b", 0): [4.0, NAN, NAN, NAN], ("q", "b", 1): [4.0, 1.0, 1.0, 0.05],
    }  # fmt: skip
    results = made(tmp_path, curves)
    table = scores(results, best_of(results))
    held = target_costs(table, results.manifest)
    assert held.values.tolist() == [[3, 1], [INF, INF]]  # b starts within: one evaluation
    reached = target_costs(table, results.manifest, "steps_reached")
    assert reached.loc["q"].tolist() == [1, INF]
    gap = medians(table[(table["measure"] == "gap") & (table["selection"] == "tuned")])
    assert gap.loc["q", "b"] == INF


# One target


def test_the_expected_runtime_charges_failures_to_successes():
    cost, success = [10, 20, 30, 100, 100], [True, True, True, False, False]
    assert runtime.expected_runtime(cost, success) == pytest.approx(260 / 3)
    p = 3 / 5
    assert runtime.expected_runtime(cost, success) == pytest.approx(20 + (1 - p) / p * 100)
    assert runtime.expected_runtime([5, 5], [False, False]) == INF
    assert runtime.restricted_mean([10, INF, 30], 100) == pytest.approx(140 / 3)


def test_the_expected_runtime_is_that_of_coco():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for its archive on the net and says so
        toolsstats = pytest.importorskip("cocopp.toolsstats", exc_type=ImportError)
    generator = np.random.default_rng(5)
    for n in [*range(1, 12)] * 10:
        cost, success = generator.integers(1, 500, n), generator.random(n) < 0.5
        theirs = toolsstats.sp(cost.tolist(), issuccessful=success.tolist())[0]
        expected = theirs if success.any() else INF
        assert runtime.expected_runtime(cost, success) == pytest.approx(expected)


def test_simulated_restarts_tend_to_the_expected_runtime():
    cost, success = [10, 20, 30, 100, 140], [True, True, True, False, False]
    drawn = runtime.restarts(cost, success, 40_000, np.random.default_rng(0))
    error = drawn.std() / math.sqrt(len(drawn))
    assert abs(drawn.mean() - runtime.expected_runtime(cost, success)) < 4 * error
    # P(10 or 20 or 30 at once) = 3/5, as a share of 40,000 draws.
    assert (drawn <= 30).mean() == pytest.approx(0.6, abs=0.01)
    generator = np.random.default_rng(0)
    assert (runtime.restarts([3], [False], 5, generator) == INF).all()
    assert (runtime.restarts([3], [True], 5, generator) == 3).all()


def _hits(tmp_path, n, failures, start="drawn"):
    curves = {("p", "a", s): [4.0] * (s + 1) + [0.05] * (40 - s) for s in range(n - failures)}
    curves |= {("p", "a", s): [4.0] * 41 for s in range(n - failures, n)}
    results = made(tmp_path, curves, start=start)
    table = runtime.runtimes(results.runs, best_of(results), results.manifest)
    return table[table["kind"] == "held"].to_dict("records")[0]


def test_runtimes_of_one_target(tmp_path):
    row = _hits(tmp_path, 10, 6)
    exact = stats.binomtest(4, 10).proportion_ci(0.95, method="exact")
    assert (row["n"], row["hits"]) == (10, 4)
    assert (row["low"], row["high"]) == pytest.approx((exact.low, exact.high))
    assert (row["median"], row["median_text"]) == (INF, "> 40")
    assert (row["median_low"], row["median_high"]) == (2, INF)  # (x2, x9) of ten
    assert row["rmst"] == pytest.approx((1 + 2 + 3 + 4 + 6 * 40) / 10)
    assert row["ert"] == pytest.approx((1 + 2 + 3 + 4 + 6 * 40) / 4)
    assert math.isnan(row["ert_low"])
    assert row["p_none"] == pytest.approx(0.6**10)


def test_runtimes_without_a_success_say_what_was_spent(tmp_path):
    row = _hits(tmp_path, 3, 3)
    assert (row["ert"], row["ert_text"], row["p_none"]) == (INF, "> 120 evaluations", 1.0)


def test_a_given_start_is_not_drawn_again(tmp_path):
    row = _hits(tmp_path, 1, 0, start="given")
    assert math.isnan(row["ert"])
    assert row["ert_text"] == "one given start: a restart repeats it"


def test_the_interval_of_an_expected_runtime_holds_it(tmp_path):
    row = _hits(tmp_path, 30, 10)
    assert row["ert_low"] < row["ert"] < row["ert_high"] < INF


# Many targets


def test_first_hits_are_counted_on_the_best_so_far(tmp_path):
    curves = {("p", "a", 0): [11.0, 2.0, 9.0, 1.05, 1.2], ("p", "a", 1): [3.0, NAN, NAN, NAN, NAN]}
    results = made(tmp_path, curves, minimum=1.0, cadence=5)
    hits = runtime.first_hits(results, best_of(results), levels=(1.0, 0.1, 0.01, 0.001))
    assert hits["evals"].tolist() == [0, 5, 15, INF, 0, INF, INF, INF]
    assert hits["budget"].unique().tolist() == [20]
    assert (hits["reference"] == "minimum").all()


def test_shares_of_targets_hit_are_those_of_scipy(tmp_path):
    generator = np.random.default_rng(4)
    curves = {
        (p, o, s): np.exp(-np.cumsum(generator.exponential(0.3, 41)) + 0.3).tolist()
        for p in "pq" for o in "ab" for s in range(4)
    }  # fmt: skip
    results = made(tmp_path, curves)
    best = best_of(results)
    hits = runtime.first_hits(results, best)
    shares = runtime.runtime_shares(hits)
    assert (shares["triples"] == 2 * 4 * len(runtime.LEVELS)).all()
    for name, mine in hits.groupby("optimizer"):
        sample = stats.CensoredData.right_censored(
            mine["evals"].clip(upper=40.0), np.isinf(mine["evals"])
        )
        theirs = stats.ecdf(sample).cdf
        ours = shares[shares["optimizer"] == name]
        np.testing.assert_allclose(ours["share"], theirs.evaluate(ours["evals"]), atol=1e-12)
    # A profile of one level is the share of its instances, and no other optimizer moves it.
    alone = hits[hits["optimizer"] == "a"]
    profile = runtime.data_profile(hits, 1e-2)
    pd.testing.assert_frame_equal(
        profile[profile["optimizer"] == "a"], runtime.data_profile(alone, 1e-2)
    )
    level = alone[np.isclose(alone["level"], 1e-2)]["evals"]
    for n in (5, 10, 20, 40):
        reached = profile[(profile["optimizer"] == "a") & (profile["evals"] <= n)]["share"]
        assert reached.iloc[-1] == (level <= n).mean()
    with pytest.raises(ValueError, match="level"):
        runtime.data_profile(hits, 0.5)


def test_who_meets_no_target_has_met_none_of_them_everywhere_it_is_told(tmp_path):
    """In the table, the sentence, the picture's words and the picture itself."""
    curves = {
        ("p", "good", 0): [10.0, 1.0, 1e-4], ("p", "some", 0): [10.0, 2.0, 1.0],
        ("p", "big", 0): [10.0, NAN, NAN],
    }  # fmt: skip
    results = made(tmp_path, curves)
    hits = runtime.first_hits(results, best_of(results), levels=(0.5, 0.1, 0.01, 0.001))
    shares = runtime.runtime_shares(hits)
    assert shares.groupby("optimizer", sort=False)["share"].last().to_dict() == {
        "good": 1.0, "some": 0.5, "big": 0.0,
    }  # fmt: skip
    assert shares.groupby("optimizer")["evals"].first().eq(0.0).all()
    assert shares_met(shares) == (
        "By the end of the budget good had met 100 % of the targets, the largest share; big 0 %, the "
        "smallest."
    )
    [picture] = drawings.runtime(results, hits)
    assert picture.alt == (
        "Share of targets met by the end of the budget on p: good 100 %, some 50 % and big 0 %."
    )
    assert "big" in set(picture.data["optimizer"])
    axis = figures.runtime(results, shares={"p": shares}, budget=2.0).axes[0]
    assert {"good", "some", "big"} <= {text.get_text() for text in axis.texts}
    none = runtime.runtime_shares(hits[hits["optimizer"] == "big"])
    assert runtime.data_profile(hits, 0.1).groupby("optimizer")["share"].last()["big"] == 0.0
    assert shares_met(none) == "In these runs no target was met."


def test_without_a_minimum_the_best_found_stands_in_and_says_so(tmp_path):
    results = made(tmp_path, {("p", "a", 0): [5.0, 2.0], ("p", "b", 0): [5.0, 1.0]}, minimum=None)
    best = best_of(results)
    assert runtime.first_hits(results, best).empty
    hits = runtime.first_hits(results, best, levels=(0.3, 0.1), reference="best found")
    assert hits["evals"].tolist() == [1, INF, 1, 1]
    assert (hits["reference"] == "best found").all()


# Tuning


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_the_best_of_n_is_the_mean_over_all_draws(n):
    trials = [3.0, 1.0, 4.0, 1.5, 9.0]
    without = [min(draw) for draw in itertools.combinations(trials, n)]
    replaced = [min(draw) for draw in itertools.product(trials, repeat=n)]
    assert tuning.best_of_n(trials, n) == pytest.approx(np.mean(without))
    assert tuning.best_of_n(trials, n, "with") == pytest.approx(np.mean(replaced))
    for q in (0.25, 0.5, 0.75):
        for draw, all_draws in (("without", without), ("with", replaced)):
            expected = np.quantile(all_draws, q, method="inverted_cdf")
            assert tuning.best_of_n_quantile(trials, n, q, draw) == expected


def test_weights_are_exact_for_many_settings():
    weights = tuning.best_of_n_weights(300, 40)
    exact = [Fraction(math.comb(300 - i, 39), math.comb(300, 40)) for i in range(1, 301)]
    np.testing.assert_allclose(weights, [float(w) for w in exact], rtol=1e-9, atol=1e-15)
    assert tuning.best_of_n_weights(7, 7).tolist() == [1, 0, 0, 0, 0, 0, 0]
    with pytest.raises(ValueError, match="8 of 7"):
        tuning.best_of_n_weights(7, 8)
    assert tuning.best_of_n_weights(7, 8, "with").sum() == pytest.approx(1)


@pytest.mark.parametrize(("n", "expected"), [(2, -0.564), (5, -1.163), (10, -1.539), (20, -1.867),
                                             (27, -1.998), (50, -2.249), (100, -2.508)])  # fmt: skip
def test_the_winners_curse_of_equal_settings(n, expected):
    """E[min of n standard normals], from a fine grid of the law and by integration."""
    grid = stats.norm.ppf((np.arange(100_000) + 0.5) / 100_000)
    assert tuning.best_of_n(grid, n) == pytest.approx(expected, abs=2e-3)
    exact = integrate.quad(lambda z: z * n * stats.norm.pdf(z) * stats.norm.sf(z) ** (n - 1), -9, 9)
    assert exact[0] == pytest.approx(expected, abs=1e-3)


def test_a_median_is_finite_where_the_mean_is_not():
    trials = [1.0, 2.0, INF, INF, INF]
    assert tuning.best_of_n(trials, 2) == INF
    assert tuning.best_of_n_quantile(trials, 1) == INF
    assert tuning.best_of_n_quantile(trials, 2) == 2.0
    assert tuning.best_of_n(trials, 4) < INF  # three of five failed: four draws hold a good one


def test_tunability_is_the_weighted_area():
    curve = [4.0, 2.0, 1.0]
    assert tuning.tunability(curve) == pytest.approx(7 / 3)
    assert tuning.tunability(curve, "early") == pytest.approx((12 + 4 + 1) / 6)
    assert tuning.tunability([INF, 2.0, 1.0], "peak") == 1.0


def test_tuning_curves(tmp_path):
    rates = [0.01, 0.1, 1.0]
    ends = {0.01: [4.0, 4.0], 0.1: [0.05, 0.01], 1.0: [NAN, 0.01]}
    curves = {
        ("p", "a", s, r): [8.0, *([NAN] * 2 if math.isnan(end) else [end, end])]
        for r, row in ends.items()
        for s, end in enumerate(row)
    }
    results = made(tmp_path, curves, rates=rates, part="trial", default={"lr": 0.01})
    runs = results.runs.assign(role="tune")
    table = tuning.tuning_curves(runs, best_of(results), results.manifest)
    held = table[table["measure"] == "steps_held"]
    assert held["n"].tolist() == [1, 2, 3]
    assert held["median"].tolist() == [INF, 1, 1]  # 1, never, never: half of the runs are never
    assert held["mean"].tolist() == [INF, INF, 1]
    gap = table[table["measure"] == "gap"]
    assert gap["median"].tolist() == [4.0, 0.03, 0.03]
    assert gap["default"].tolist() == [4.0] * 3
    assert (gap["default_on"] == "tune").all()
    shortfall = table[table["measure"] == "shortfall"].set_index("n")["mean"]
    assert shortfall[3] == 0
    far = 1 - math.log10(8 / 4) / math.log10(8 / 0.1)
    assert shortfall[1] == pytest.approx((far + 0.0 + 0.5) / 3)  # 1 and 0 have the median 1/2


# Aggregates


def test_scores_are_shares_of_the_way(tmp_path):
    curves = {("p", "a", s): [1.0, end] for s, end in enumerate([1e-3, 1e-6, 1e-9, 2.0, 1.0, NAN])}
    results = made(tmp_path, curves, goal=1e-6, kind="gap_over_start")
    table = aggregate.normal_scores(results.runs, best_of(results), results.manifest)
    assert table["score"].tolist() == pytest.approx([0.5, 1, 1, 0, 0, 0])
    without = made(tmp_path, curves, goal=None)
    table = aggregate.normal_scores(without.runs, best_of(results), without.manifest)
    assert table["score"].tolist() == pytest.approx([3 / 8, 6 / 8, 1, 0, 0, 0])
    unknown = made(tmp_path, curves, minimum=None)
    assert aggregate.normal_scores(unknown.runs, best_of(results), unknown.manifest).empty


def drawn_scores(seeds, problems=3, optimizers=3, seed=0):
    generator = np.random.default_rng(seed)
    rows = [
        (f"p{p}", f"o{o}", "tuned", s, float(np.clip(generator.normal(0.4 + 0.1 * o, 0.3), 0, 1)))
        for p in range(problems)
        for o in range(optimizers)
        for s in range(seeds)
    ]
    return pd.DataFrame(rows, columns=["problem", "optimizer", "selection", "seed", "score"])


def test_aggregates_are_those_of_scipy():
    table = drawn_scores(25)
    found = aggregate.aggregates(table).set_index("optimizer")
    for name, mine in table.groupby("optimizer"):
        assert found.loc[name, "iqm"] == pytest.approx(stats.trim_mean(mine["score"], 0.25))
        assert found.loc[name, "optimality_gap"] == pytest.approx(1 - mine["score"].mean())
        assert found.loc[name, "iqm_low"] < found.loc[name, "iqm"] < found.loc[name, "iqm_high"]
    pairs = aggregate.improvements(table).set_index(["a", "b"])
    wide = {k: g.sort_values("seed")["score"] for k, g in table.groupby(["problem", "optimizer"])}
    for (a, b), row in pairs.iterrows():
        share = [
            stats.mannwhitneyu(wide[p, a], wide[p, b]).statistic / 25**2 for p in ("p0", "p1", "p2")
        ]
        assert row["probability"] == pytest.approx(np.mean(share))
        assert row["low"] < row["probability"] < row["high"]


def test_counted_resamples_are_resamples():
    """The interval of P(a > b) from weights against one from copied values."""
    table = drawn_scores(20, problems=2, optimizers=2, seed=3)
    [row] = aggregate.improvements(table, draws=4000).to_dict("records")
    cube = np.stack([
        table[table["optimizer"] == o].pivot(index="problem", columns="seed", values="score")
        for o in ("o0", "o1")
    ])  # fmt: skip
    generator = np.random.default_rng(9)
    found = []
    for _ in range(4000):
        each = []
        for p in range(2):
            pick = generator.integers(20, size=20)
            a, b = cube[0, p, pick], cube[1, p, pick]
            each.append(np.mean((a[:, None] > b) + 0.5 * (a[:, None] == b)))
        found.append(np.mean(each))
    low, high = np.quantile(found, [0.025, 0.975])
    assert (row["low"], row["high"]) == pytest.approx((low, high), abs=0.01)


def test_few_seeds_have_no_interval_and_one_start_stands_for_all():
    table = drawn_scores(6)
    found = aggregate.aggregates(table)
    assert found["iqm_low"].isna().all()
    assert found["note"].str.contains("6 seeds").all()
    assert aggregate.improvements(table)["low"].isna().all()
    given_start = pd.concat([
        table,
        pd.DataFrame([("q", "o0", "tuned", 0, 0.25)], columns=table.columns),
    ])  # fmt: skip
    first = aggregate.aggregates(given_start).set_index("optimizer").loc["o0"]
    mine = table[table["optimizer"] == "o0"]["score"].tolist()
    assert first["problems"] == 4
    assert first["iqm"] == pytest.approx(stats.trim_mean([*mine, *[0.25] * 6], 0.25))


def test_another_optimizer_moves_no_pair_and_no_aggregate():
    table = drawn_scores(20)
    two = table[table["optimizer"] != "o2"]
    pairs = aggregate.improvements(table)
    pair = pairs[(pairs["a"] == "o0") & (pairs["b"] == "o1")]
    pd.testing.assert_frame_equal(pair, aggregate.improvements(two))
    pd.testing.assert_frame_equal(aggregate.aggregates(table).iloc[:2], aggregate.aggregates(two))
    shuffled = table.sample(frac=1, random_state=0)
    after = aggregate.aggregates(shuffled).set_index("optimizer").sort_index()
    pd.testing.assert_frame_equal(aggregate.aggregates(table).set_index("optimizer"), after)


# Ranks


def test_ranks_and_their_test_are_those_of_scipy():
    generator = np.random.default_rng(2)
    table = costs(**{n: generator.integers(1, 6, 12).astype(float) for n in "abcd"})
    table.iloc[3] = [INF, 2, INF, 1]
    found = rank_table(table)
    ranks = stats.rankdata(table.to_numpy(), axis=1)
    expected = dict(zip("abcd", ranks.mean(axis=0), strict=True))
    assert dict(zip(found["optimizer"], found["mean_rank"], strict=True)) == expected
    assert found["mean_rank"].is_monotonic_increasing
    theirs = stats.friedmanchisquare(*table.replace(INF, 99.0).to_numpy().T)
    ours = rank_test(table)
    assert (ours.statistic, ours.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    # Demsar's q_.05 for four, 2.569.
    assert ours.critical_difference == pytest.approx(2.569 * math.sqrt(4 * 5 / 72), abs=1e-3)
    assert ours.note == ""
    assert rank_test(table.iloc[:4]).note == "4 problems are too few for this test"
    assert math.isnan(rank_test(table[["a", "b"]]).p)


def test_nobody_is_first_on_a_problem_that_nobody_solved():
    found = rank_table(costs(a=[1.0, INF, INF], b=[2.0, INF, 3.0]))
    assert found.set_index("optimizer")["first"].to_dict() == {"a": 1, "b": 1}
    assert not rank_table(costs(a=[INF, INF], b=[INF, INF]))["first"].any()


def test_leaving_out_the_problem_that_decides_changes_the_first():
    # a ranks 1, 2, 2 and b 3, 1, 1: alike, until one problem is left out.
    table = costs(a=[1.0, 2, 2], b=[9.0, 1, 1], c=[2.0, 3, 3])
    assert rank_table(table)["mean_rank"].tolist() == pytest.approx([5 / 3, 5 / 3, 8 / 3])
    found = leave_one_out(table).set_index("left_out")
    assert found["first"].tolist() == [["b"], ["a"], ["a"]]
    assert found["first_changes"].all()  # from a and b alike to one of them
    steady = leave_one_out(costs(a=[1.0, 1, 1], b=[2.0, 2, 2], c=[3.0, 3, 3]))
    assert not steady["first_changes"].any()
    assert (steady["swaps"] == 0).all()
    assert found.loc["p0", "order"] == ["b", "a", "c"]
    assert found.loc["p0", "swaps"] == 0.5  # the tie of a and b is broken
    assert leave_one_out(table.iloc[:1]).empty


# Crossings


def test_curves_that_change_places_late(tmp_path):
    n = 21
    a = [10.0 * 0.9**i for i in range(n)]  # 10 -> 1.2
    b = [6.0 - 0.1 * i for i in range(n)]  # 6 -> 4, ahead of a until step 6
    c = [9.0 * 0.9**i for i in range(n)]  # always ahead of a
    curves = {
        ("p", o, s): [v * (1 + 0.001 * s) for v in row]
        for o, row in (("a", a), ("b", b), ("c", c))
        for s in range(3)
    }
    results = made(tmp_path, curves)
    found = crossings(results, best_of(results))
    first = next(i for i in range(n) if a[i] < b[i])
    assert first >= 5
    assert found.to_dict("records")[0] == {
        "problem": "p", "a": "a", "b": "b", "step": first, "times": 1, "before": "b", "after": "a",
        "near_rounding": False,
    }  # fmt: skip
    assert len(found) == 1  # c passes b before a quarter of the budget


def test_a_curve_that_diverges_falls_behind(tmp_path):
    curves = {("p", "a", 0): [4.0, 1, 1, 1, NAN, NAN], ("p", "b", 0): [4.0, 3, 3, 3, 3, 3]}
    [row] = crossings(made(tmp_path, curves), best_of(made(tmp_path, curves))).to_dict("records")
    assert (row["step"], row["before"], row["after"]) == (4, "a", "b")


def test_a_crossing_near_rounding_is_told_as_such(tmp_path):
    curves = {
        ("p", "a", 0): [4.0, 2, 4e-15, 9e-15, 3e-15], ("p", "b", 0): [4.0, 1, 8e-15, 4e-15, 9e-15]
    }  # fmt: skip
    results = made(tmp_path, curves)
    [row] = crossings(results, best_of(results)).to_dict("records")
    assert (row["step"], row["near_rounding"]) == (4, True)


def test_alike_is_not_a_crossing(tmp_path):
    curves = {
        ("p", "a", 0): [4.0, 2, 1e-30, 3e-30, 1e-30], ("p", "b", 0): [4.0, 1, 2e-30, 1e-30, 2e-30]
    }  # fmt: skip
    results = made(tmp_path, curves)
    assert crossings(results, best_of(results)).empty


# Nothing to tell


@pytest.mark.parametrize("nothing", ["every run failed", "nothing was chosen"])
def test_tables_of_nothing_have_their_columns(tmp_path, nothing):
    curves = {("p", o, s): [4.0, 0.05] for o in "ab" for s in range(2)}
    results = made(tmp_path, curves, status=dict.fromkeys(curves, "error"))
    best = best_of(results)
    if nothing == "nothing was chosen":
        best = best.iloc[:0]
    runs, manifest = results.runs, results.manifest
    table = scores(results, best)
    assert table["value"].isna().all()
    costs = target_costs(table, manifest)
    hits = runtime.first_hits(results, best)
    normal = aggregate.normal_scores(runs, best, manifest)
    for empty, column in (
        (performance_profile(costs), "share"),
        (two_solver_profiles(costs), "share"),
        (hits, "evals"),
        (runtime.runtime_shares(hits), "share"),
        (runtime.data_profile(hits, 0.1), "share"),
        (tuning.tuning_curves(runs, best, manifest), "median"),
        (aggregate.aggregates(normal), "iqm"),
        (aggregate.improvements(normal), "probability"),
        (rate_robustness(runs, best, manifest), "width"),
        (leave_one_out(costs), "swaps"),
        (crossings(results, best), "step"),
    ):
        assert column in empty
        if column != "share":
            assert empty.empty
    assert not profile_scores(costs)["problems"].any()
    assert not rank_table(costs)["problems"].any()
    assert math.isnan(rank_test(costs).p)
    assert not (runtime.runtimes(runs, best, manifest)["n"] > 0).any()
    assert not (kinds_of_stability(table, runs, best, manifest)["n"] > 0).any()
