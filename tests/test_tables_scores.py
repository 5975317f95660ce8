"""The table of scores against values counted by hand and by plain loops."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_tables import INF, NAN, best_of, made
from scipy import stats
from small_folder import write_folder

from optlab.analysis.calm import kinds_of_stability, worst_fifth
from optlab.analysis.rates import expected_loss, rate_robustness, width
from optlab.analysis.scores import oscillation, rises, scores, spikes, variation
from optlab.analysis.settings import best_settings
from optlab.measures import MEASURES
from optlab.results import load

KEYS = ["problem", "optimizer", "selection", "measure", "target", "seed"]


def values(table, measure, optimizer="a", selection="tuned"):
    mine = table[(table["measure"] == measure) & (table["optimizer"] == optimizer)]
    return mine[mine["selection"] == selection].sort_values("seed")["value"].tolist()


# The whole table


def test_each_measure_of_a_run_counted_by_hand(tmp_path):
    curve = [8.0, 4.0, 5.0, 0.05, 2.0, 0.05, 0.04]
    cosine = [NAN, NAN, -0.5, 0.5, -1.0, -0.1, 0.2]
    results = made(
        tmp_path, {("p", "a", 0): curve}, metrics={"step_cosine": {("p", "a", 0): cosine}}
    )
    table = scores(results, best_of(results))
    found = dict(zip(table["measure"], table["value"], strict=True))
    assert found["steps_reached"] == 3
    assert found["steps_held"] == 5
    assert found["loss"] == found["gap"] == 0.04
    assert found["diverged"] == 0
    assert found["overshoot"] == pytest.approx(1.95 / 8)
    assert found["rises"] == pytest.approx(2 / 6)  # 4 -> 5 and 0.05 -> 2
    assert found["variation"] == pytest.approx((4 + 1 + 4.95 + 1.95 + 1.95 + 0.01) / 7.96)
    assert found["spikes"] == pytest.approx(2 / 7)  # 5 > 4.4 and 2 > 0.055
    assert found["oscillation"] == pytest.approx(3 / 5)
    assert found["spread"] == 0
    assert set(table["target"][table["measure"].str.startswith("steps_")]) == {"goal"}
    assert set(table["target"][~table["measure"].str.startswith("steps_")]) == {""}
    assert set(table["measure"]) <= set(MEASURES)


def test_divergence_is_worst_and_an_error_is_unknown(tmp_path):
    losses = {
        ("p", "a", 0): [4.0, 2.0, 0.05, 0.04],
        ("p", "a", 1): [4.0, 0.05, NAN, NAN],
        ("p", "a", 2): [4.0, 3.0, 2.0, 0.5],
        ("p", "a", 3): [4.0, 3.0, 2.0, 0.02],
    }
    accuracy = {key: [0.1, 0.5, 0.7, 0.9][: 4 - curve.count(NAN)] for key, curve in losses.items()}
    loss = {key: [1.0 - a for a in curve] for key, curve in accuracy.items()}
    results = made(
        tmp_path, losses, metrics={"test_accuracy": accuracy, "test_loss": loss},
        status={("p", "a", 2): "error"},
    )  # fmt: skip
    accuracy[("p", "a", 1)] = [0.1, 0.5]
    table = scores(results, best_of(results))
    assert values(table, "steps_reached") == [2, 1, pytest.approx(NAN, nan_ok=True), 3]
    assert values(table, "steps_held") == [2, INF, pytest.approx(NAN, nan_ok=True), 3]
    assert values(table, "diverged") == [0, 1, pytest.approx(NAN, nan_ok=True), 0]
    assert values(table, "test_accuracy") == [0.9, -INF, pytest.approx(NAN, nan_ok=True), 0.9]
    assert values(table, "test_loss")[1] == INF
    for measure in ("loss", "gap", "overshoot", "rises", "variation", "spikes", "spread"):
        found = values(table, measure)
        assert found[1] == INF, measure
        assert math.isnan(found[2]), measure
        assert np.isfinite([found[0], found[3]]).all(), measure
    assert np.isnan(values(table, "oscillation")).all()  # nothing was recorded


def test_without_a_minimum_the_gap_is_unknown_and_the_loss_stands_in(tmp_path):
    losses = {("p", "a", s): [4.0, 5.0, 2.0 * 10**s] for s in range(3)}
    results = made(tmp_path, losses, minimum=None)
    table = scores(results, best_of(results))
    assert np.isnan(values(table, "gap")).all()
    assert values(table, "spread") == pytest.approx([1, 0, 1])
    assert values(table, "spikes") == pytest.approx([1 / 3, 2 / 3, 2 / 3])
    assert "test_accuracy" not in set(table["measure"])


def test_gaps_at_the_floor_of_rounding_do_not_spread(tmp_path):
    losses = {("p", "a", s): [1.0 + s, 10.0 ** -(30 + s)] for s in range(3)}
    results = made(tmp_path, losses)
    assert values(scores(results, best_of(results)), "spread") == [0, 0, 0]
    # Nor does jitter far below it rise or spike.
    jitter = {("p", "a", 0): [1.0, 1e-30, 1e-29, 1e-30]}
    table = scores(made(tmp_path, jitter), best_of(results))
    assert values(table, "rises") == values(table, "spikes") == [0]


def test_real_runs_agree_with_plain_loops(tmp_path):
    results = load(write_folder(tmp_path / "small", rates=(0.01, 0.1, 1.0), steps=60))
    best = best_settings(results.runs, results.manifest)
    table = scores(results, best)
    curves = results.curves[results.curves["metric"] == "loss"]
    losses = {run: t.sort_values("step")["value"].tolist() for run, t in curves.groupby("run_id")}
    chosen = results.runs.merge(
        best, on=["problem", "optimizer", *[c for c in best if c.startswith("hyper.")]]
    )
    chosen = chosen[chosen["role"] == "evaluate"]
    tuned = table[table["selection"] == "tuned"].set_index(KEYS)["value"]
    for _, run in chosen.iterrows():
        curve, key = losses[run["run_id"]], (run["problem"], run["optimizer"], "tuned")
        got = {m: tuned[(*key, m, "", run["seed"])] for m in ("rises", "variation", "spikes")}
        if run["status"] == "diverged":
            assert set(got.values()) == {INF}
            continue
        floor = np.finfo(float).eps * curve[0]
        up = [b - a > max(1e-12 * a, floor) for a, b in itertools.pairwise(curve)]
        low, count = INF, 0
        for value in curve:
            low = min(low, max(value, floor))
            count += max(value, floor) > 1.1 * low
        assert got["rises"] == pytest.approx(sum(up) / len(up))
        assert got["spikes"] == pytest.approx(count / len(curve))
        fall = curve[0] - curve[-1]
        total = sum(abs(b - a) for a, b in itertools.pairwise(curve))
        assert got["variation"] == (pytest.approx(total / fall) if fall > 0 else INF)
        assert tuned[(*key, "overshoot", "", run["seed"])] == run["largest_rise"]
    assert len(chosen) == (tuned.index.get_level_values("measure") == "loss").sum()


def test_order_of_rows_and_names_of_optimizers_change_nothing(tmp_path):
    results = load(write_folder(tmp_path / "small", rates=(0.01, 0.1), steps=30))
    best = best_settings(results.runs, results.manifest)
    before = scores(results, best).sort_values(KEYS, ignore_index=True)

    shuffled = type(results)(
        results.folder, results.runs.sample(frac=1, random_state=2), results.manifest
    )
    vars(shuffled)["curves"] = results.curves.sample(frac=1, random_state=1)
    after = scores(shuffled, best).sort_values(KEYS, ignore_index=True)
    pd.testing.assert_frame_equal(before, after)

    names = {"sgd": "zz", "adam": "aa"}
    manifest = {
        **results.manifest,
        "problems": [
            {**p, "optimizers": [names.get(o, o) for o in p["optimizers"]]}
            for p in results.manifest["problems"]
        ],
        "optimizers": [
            {**o, "name": names.get(o["name"], o["name"])} for o in results.manifest["optimizers"]
        ],
    }
    renamed = type(results)(results.folder, results.runs.replace({"optimizer": names}), manifest)
    other = scores(renamed, best.replace({"optimizer": names}))
    back = other.replace({"optimizer": {v: k for k, v in names.items()}})
    pd.testing.assert_frame_equal(before, back.sort_values(KEYS, ignore_index=True))


@settings(max_examples=20, deadline=None)
@given(power=st.integers(-40, 40), seed=st.integers(0, 10**6))
def test_another_unit_of_the_loss_changes_no_shape(tmp_path_factory, power, seed):
    generator = np.random.default_rng(seed)
    losses = {
        ("p", "a", s): (3 + np.abs(generator.normal(size=6)) * 0.1 ** np.arange(6)).tolist()
        for s in range(3)
    }
    folder = tmp_path_factory.mktemp("units")
    tables = [
        scores(made(folder, losses, minimum=3.0, scale=scale), best)
        for scale in (1.0, 2.0**power)
        for best in [best_of(made(folder, losses))]
    ]
    for measure in ("rises", "variation", "spikes", "overshoot", "steps_reached", "steps_held"):
        assert values(tables[0], measure) == values(tables[1], measure), measure
    assert values(tables[0], "spread") == pytest.approx(values(tables[1], "spread"), abs=1e-9)


# Shapes


def test_variation_is_one_exactly_iff_the_loss_never_rose():
    falling = np.array([[5.0, 3.0, 2.0, 2.0], [5.0, 3.0, 3.1, 2.0], [5.0, 6.0, 7.0, 5.0]])
    found = variation(falling)
    assert found[0] == 1.0
    assert found[1] == pytest.approx(3.2 / 3.0)
    assert found[2] == INF  # no net fall
    assert np.isnan(variation(np.full((1, 3), NAN)))


@settings(deadline=None)
@given(st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=30))
def test_shapes_of_any_curve(curve):
    row, floor = np.array([curve]), np.zeros(1)
    assert 0 <= rises(row, floor)[0] <= 1
    assert 0 <= spikes(row, floor)[0] < 1
    assert variation(row)[0] >= 1
    fallen = np.array([sorted(curve, reverse=True)])
    assert rises(fallen, floor)[0] == spikes(fallen, floor)[0] == 0


def test_oscillation_counts_what_was_recorded():
    cosines = np.array([[NAN, -1.0, 0.0, 0.5], [NAN, NAN, NAN, NAN]])
    np.testing.assert_array_equal(oscillation(cosines), [1 / 3, NAN])


# Rates


def test_the_width_is_that_of_the_neighbours_of_the_best():
    rates = 10.0 ** np.arange(-4, 2)
    assert width(np.array([90, 40, 20, 30, 200, INF]), rates, 2)[0] == pytest.approx(2)
    assert width(np.array([90, 40, 20, 30, 200, INF]), rates, 2)[1:] == (1, 3)
    # A stretch that is as wide and does not hold the best does not count.
    assert width(np.array([20, 20, 20, 90, 10, 90]), rates, 2) == (0.0, 4, 4)
    assert width(np.array([10, 90, 10, 10, 90, 90]), rates, 2) == (pytest.approx(1), 2, 3)
    assert width(np.full(6, INF), rates, 2) == (-INF, -1, -1)


def test_expected_loss_is_the_mean_of_clipped_losses():
    # Wortsman et al.: the clip makes the diverged rate cost what the start does.
    loss = np.array([[1.0, 0.25, 0.5, INF]])
    found = expected_loss(loss, np.array([2.0]), 10.0 ** np.arange(4))
    assert found[0] == pytest.approx(np.mean([0.75, 0.0, 0.25, 1.75]))
    assert expected_loss(np.full((1, 3), INF), np.ones(1), np.array([1.0, 2, 4]))[0] == INF


def test_uneven_rates_weigh_what_they_stand_for():
    # A linear function of log10 rate, whose mean over [0.5, 3.5] decades in thirds is known.
    rates = 10.0 ** np.array([0.0, 1.0, 1.5, 2.0, 3.0])
    loss = np.array([[0.0, 1.0, 1.5, 2.0, 3.0]])
    weight = np.array([1.0, 0.75, 0.5, 0.75, 1.0])
    expected = (weight * loss[0]).sum() / weight.sum()
    assert expected_loss(loss, np.array([9.0]), rates)[0] == pytest.approx(expected)


def test_rate_scores_of_each_seed(tmp_path):
    rates = [0.01, 0.1, 1.0, 10.0]
    ends = {0: [4.0, 0.05, 0.01, NAN], 1: [0.09, 0.05, 0.01, 5.0], 2: [4.0, 4.0, 4.0, 4.0]}
    losses = {
        ("p", "a", seed, rate): [8.0, 1.0, end] if rate < 1 else [8.0, min(end, 0.09), end]
        if not math.isnan(end) else [8.0, NAN, NAN]
        for seed, row in ends.items()
        for rate, end in zip(rates, row, strict=True)
    }  # fmt: skip
    results = made(tmp_path, losses, rates=rates, part="grid")
    table = scores(results, best_of(results, rate=1.0))
    # Seed 0: held at 2 (0.1) and 1 (1.0). Seed 1: held at 2, 2 and 1. Seed 2: nowhere.
    assert values(table, "rate_width") == [pytest.approx(1), pytest.approx(2), -INF]
    assert values(table, "rate_share") == [0.5, 0.75, 0]
    lost = [(3.99 + 0.04 + 0 + 7.99) / 4 / 8, (0.08 + 0.04 + 0 + 4.99) / 4 / 8, 0.0]
    assert values(table, "rate_loss") == pytest.approx(lost)
    [row] = rate_robustness(results.runs, best_of(results, 1.0), results.manifest).to_dict(
        "records"
    )
    assert row["criterion"] == "held"
    assert row["width"] == pytest.approx(1)
    assert (row["first"], row["last"], row["edge"]) == (0.1, 1.0, "")
    assert row["text"] == "1 ± 1 decades"
    assert row["share"] == pytest.approx(5 / 12)


def test_a_width_that_touches_the_edge_says_so(tmp_path):
    rates = [0.01, 0.1, 1.0]
    losses = {("p", "a", s, r): [8.0, 0.05] for s in range(2) for r in rates}
    results = made(tmp_path, losses, rates=rates, part="grid")
    best = best_of(results, 0.1)
    [row] = rate_robustness(results.runs, best, results.manifest).to_dict("records")
    assert (row["edge"], row["text"]) == ("both", "≥ 2 ± 1 decades")


def test_a_missing_cell_makes_a_seed_unknown(tmp_path):
    rates = [0.01, 0.1]
    losses = {("p", "a", s, r): [8.0, 0.05] for s in range(2) for r in rates}
    results = made(
        tmp_path, losses, rates=rates, part="grid", status={("p", "a", 1, 0.01): "error"}
    )
    table = scores(results, best_of(results))
    for measure in ("rate_width", "rate_share", "rate_loss"):
        first, second = values(table, measure)
        assert np.isfinite(first)
        assert math.isnan(second)


# Stability


def test_kinds_of_stability(tmp_path):
    n = 10
    losses = {("p", "a", s): [10.0, 12.0, 10.0 ** -(s / 2)] for s in range(n - 1)}
    losses["p", "a", n - 1] = [10.0, NAN, NAN]
    results = made(tmp_path, losses)
    best = best_of(results)
    [row] = kinds_of_stability(scores(results, best), results.runs, best, results.manifest).to_dict(
        "records"
    )
    exact = stats.binomtest(1, n).proportion_ci(0.95, method="exact")
    assert (row["n"], row["diverged"]) == (n, 1)
    assert (row["diverged_low"], row["diverged_high"]) == pytest.approx((exact.low, exact.high))
    assert row["overshoot"] == pytest.approx(0.2)
    assert row["overshoot_high"] == pytest.approx(0.2)  # the ninth of ten values
    decades = [-s / 2 for s in range(n - 1)] + [INF]
    low, high = np.quantile([*decades[:-1], 1e6], [0.25, 0.75])
    assert row["spread_iqr"] == pytest.approx(high - low)
    assert row["tail"] == INF  # the worst fifth holds the run that diverged
    assert row["rate_width"] != row["rate_width"]  # one rate has no profile


def test_the_worst_fifth_is_a_mean():
    assert worst_fifth(range(10)) == 8.5
    assert worst_fifth([1, 2, NAN, 7]) == 7
    assert worst_fifth([1, INF]) == INF
    assert math.isnan(worst_fifth([]))
