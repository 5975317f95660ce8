"""Analysis against tables worked out by hand, and against SciPy."""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from small_folder import write_folder

from optlab import analysis
from optlab.analysis.censored import quantile_by
from optlab.analysis.words import brief, exact, goal, number, steps
from optlab.results import load

INF, NAN = math.inf, math.nan


def manifest(*, decision="L", minimum=None, problems=("p",), swept=("lr",), **over):
    hypers = {"lr": [0.1, 0.2, 0.4], "beta": [0.9]}
    return {
        "problems": [
            {
                "name": name, "optimizers": ["a", "b"], "decision": decision, "steps": 100,
                "targets": [{"label": "L", "metric": "loss", "kind": "loss", "value": 0.5,
                             "threshold": 0.5}] if decision else [],
                "minimum": minimum, "separable": False, "convex": True, "cadence": 1,
            }
            for name in problems
        ],
        "optimizers": [
            {"name": "a", "hypers": hypers, "swept": list(swept), "limits": {}, "settings": 3},
            {"name": "b", "hypers": {"lr": [0.1]}, "swept": [], "limits": {}, "settings": 1},
        ],
        "precision": "float64",
    } | over  # fmt: skip


def run(
    optimizer="a", lr=0.1, *, role="evaluate", seed=0, held=INF, reached=None, loss=1.0, **over
):
    """One row of `runs`, like the laboratory's."""
    reached = held if reached is None else reached
    row = {
        "run_id": f"{optimizer}-{lr}-{role}-{seed}", "problem": "p", "optimizer": optimizer,
        "hyper.lr": lr, "hyper.beta": 0.9 if optimizer == "a" else NAN, "role": role, "seed": seed,
        "part": {"tune": "trial", "evaluate": "grid", "picture": "picture"}[role],
        "start_kind": "drawn", "status": "hit" if held < INF else "budget", "stalled": False,
        "loss_first": 2.0, "loss_final": loss, "loss_best": loss, "gap": NAN, "reached.L": reached,
        "held.L": held, "worst_after.L": 0.5 if reached < INF else NAN, "largest_rise": 0.0,
    }  # fmt: skip
    return row | over


def table(*rows):
    return pd.DataFrame(list(rows))


# Quantiles and intervals


@pytest.mark.parametrize(
    ("values", "q", "expected"),
    [
        ([1, 2, 3], 0.5, 2),
        ([1, 2], 0.5, 1.5),
        ([1, INF], 0.5, INF),
        ([1, 2, INF], 0.5, 2),
        ([INF, INF], 0.5, INF),
        ([1, INF, INF], 0.25, INF),
        ([1, 2, INF, INF, INF], 0.25, 2),
        ([-INF, 1], 0.5, -INF),
        ([NAN, 4, 2], 0.5, 3),
        ([7], 0.75, 7),
    ],
)
def test_a_quantile_keeps_failures(values, q, expected):
    assert analysis.quantile(values, q) == expected


def test_a_quantile_of_nothing_is_nan():
    assert math.isnan(analysis.quantile([], 0.5))
    assert math.isnan(analysis.quantile([NAN, NAN], 0.5))


def test_quantiles_of_finite_values_are_numpys():
    values = np.random.default_rng(5).normal(size=(7, 12))
    for q in (0.25, 0.5, 0.75):
        assert analysis.quantile(values, q) == pytest.approx(np.quantile(values, q, axis=-1))


def test_quantiles_of_groups_are_numpys_and_keep_failures():
    generator = np.random.default_rng(11)
    group = generator.permutation(np.repeat(np.arange(9), [1, 2, 3, 4, 5, 6, 7, 8, 0]))
    values = generator.normal(size=len(group))
    values[generator.random(len(group)) < 0.3] = INF
    for q in (0.25, 0.5, 0.9):
        found = quantile_by(values, group, 9, q)
        for g in range(8):
            mine = np.sort(values[group == g])
            # A finite stand-in, far above all, is found again as a failure.
            told = np.quantile(np.where(np.isinf(mine), 1e300, mine), q)
            assert found[g] == (INF if told > 1e290 else pytest.approx(told))
        assert math.isnan(found[8])
    assert quantile_by([4, NAN, 2, NAN], np.array([0, 0, 0, 1]), 2, 0.5)[0] == 3
    assert list(quantile_by([-INF, 1, 5, INF], np.array([1, 1, 0, 0]), 2, 0.5)) == [INF, -INF]


def test_clopper_pearson_turns_the_binomial_tails_into_equalities():
    for hits, n in [(3, 10), (9, 10), (1, 30)]:
        low, high = analysis.clopper_pearson(hits, n)
        assert stats.binom.sf(hits - 1, n, low) == pytest.approx(0.025)
        assert stats.binom.cdf(hits, n, high) == pytest.approx(0.025)
    # 0 of 10 still allows 31 %: 1 - 0.025^(1/10).
    assert analysis.clopper_pearson(0, 10) == (0.0, pytest.approx(1 - 0.025**0.1))
    assert analysis.clopper_pearson(0, 0) == (0.0, 1.0)


# Choosing


def test_the_best_setting_has_the_lowest_median_time_on_tune_seeds():
    rows = [run(lr=0.1, role="tune", seed=s, held=h) for s, h in enumerate([10, 50, 60])]
    rows += [run(lr=0.2, role="tune", seed=s, held=h) for s, h in enumerate([40, 40, 40])]
    rows += [run(lr=0.4, role="tune", seed=s, held=h) for s, h in enumerate([1, INF, INF])]
    # On the evaluation rows another setting would win; they must not be looked at.
    rows += [run(lr=0.4, seed=s, held=1) for s in range(3)]
    best = analysis.best_settings(table(*rows), manifest()).iloc[0]
    assert (best["hyper.lr"], best["score"], best["chosen_on"]) == (0.2, 40, "tune")
    assert (best["settings"], best["seeds"], best["on_edge"]) == (3, 3, {})


def test_ties_go_to_the_lower_loss_then_to_the_order_of_the_grid():
    rows = [
        run(lr=0.4, role="tune", held=10, loss=0.3),
        run(lr=0.2, role="tune", held=10, loss=0.2),
        run(lr=0.1, role="tune", held=10, loss=0.2),
    ]
    best = analysis.best_settings(table(*rows), manifest())
    assert best.iloc[0]["hyper.lr"] == 0.1


def test_a_diverged_run_counts_as_infinitely_bad():
    rows = [
        run(lr=0.1, role="tune", loss=1e-9, status="diverged"),
        run(lr=0.2, role="tune", loss=5.0),
    ]
    best = analysis.best_settings(table(*rows), manifest(decision=None))
    assert (best.iloc[0]["hyper.lr"], best.iloc[0]["loss"]) == (0.2, 5.0)


def test_an_error_says_nothing_of_its_setting():
    """Two of three crashed at 0.2, and the one that ran was the soonest: it is chosen, and said."""
    rows = [run(lr=0.1, role="tune", seed=s, held=30) for s in range(3)]
    rows += [run(lr=0.2, role="tune", seed=0, held=10)]
    rows += [run(lr=0.2, role="tune", seed=s, status="error", loss=NAN) for s in (1, 2)]
    rows += [run(lr=0.4, role="tune", seed=s, status="error", loss=NAN) for s in range(3)]
    best = analysis.best_settings(table(*rows), manifest()).iloc[0]
    assert (best["hyper.lr"], best["score"], best["errors"]) == (0.2, 10, 5)
    assert best["settings"] == 3
    results = type("R", (), {"runs": table(*rows), "manifest": manifest()})
    (text,) = [w["text"] for w in analysis.warnings(results) if w["kind"] == "incomplete"]
    assert "chosen from incomplete runs" in text
    assert text.endswith("a (without 5 runs) on p.")


def test_a_setting_that_only_crashed_is_not_chosen():
    rows = [run(lr=0.1, role="tune", status="error", loss=NAN), run(lr=0.2, role="tune", loss=9.0)]
    best = analysis.best_settings(table(*rows), manifest(decision=None)).iloc[0]
    assert (best["hyper.lr"], best["loss"]) == (0.2, 9.0)
    rows[1]["status"] = "diverged"  # as bad as can be, but it did run
    assert analysis.best_settings(table(*rows), manifest()).iloc[0]["hyper.lr"] == 0.2
    # Where all crashed, the choice is between equals: the grid's first.
    rows[1] |= {"status": "error", "loss_final": NAN}
    best = analysis.best_settings(table(*rows), manifest(decision=None)).iloc[0]
    assert (best["hyper.lr"], best["errors"], best["loss"]) == (0.1, 2, INF)


@pytest.mark.parametrize(("lr", "side"), [(0.1, "smallest"), (0.4, "largest")])
def test_a_best_value_at_the_edge_is_said(lr, side):
    rows = [run(lr=r, role="tune", held=5 if r == lr else 50) for r in (0.1, 0.2, 0.4)]
    best = analysis.best_settings(table(*rows), manifest())
    assert best.iloc[0]["on_edge"] == {"lr": side}


def test_without_tune_rows_the_choice_is_flagged():
    best = analysis.best_settings(table(run(held=3), run(lr=0.2, held=2)), manifest())
    assert best.iloc[0]["chosen_on"] == "evaluate"
    assert list(best["optimizer"]) == ["a"]  # b never ran, and is not invented


def test_a_missing_hyperparameter_matches_itself():
    runs = table(run(held=3), run("b", held=4))
    best = analysis.best_settings(runs, manifest())
    assert set(analysis.at_best(runs, best)["optimizer"]) == {"a", "b"}


# Times


def test_reached_and_held_are_counted_apart():
    runs = table(
        run(seed=0, reached=5, held=20),
        run(seed=1, reached=7, held=INF, **{"worst_after.L": 3.5}),
        run(seed=2, reached=9, held=40),
        run(seed=3, reached=INF, held=INF, status="diverged"),
        run(seed=4, status="error"),
    )
    best = analysis.best_settings(runs, manifest())
    row = analysis.time_to_target(runs, best, manifest()).iloc[0]
    assert (row["n"], row["errors"], row["diverged"], row["relapses"]) == (4, 1, 1, 1)
    assert (row["reached_n"], row["held_n"]) == (3, 2)
    # Sorted 5 7 9 inf: median 8, upper quartile a quarter of the way from 9 to inf.
    assert (row["reached_q25"], row["reached_median"], row["reached_q75"]) == (6.5, 8, INF)
    # Sorted 20 40 inf inf.
    assert (row["held_q25"], row["held_median"], row["held_q75"]) == (35, INF, INF)
    assert row["worst_after"] == 3.5
    interval = stats.binomtest(2, 4).proportion_ci(method="exact")
    assert (row["held_low"], row["held_high"]) == pytest.approx((interval.low, interval.high))


def test_pictures_never_enter_statistics():
    picture = run(seed=0, held=1, role="picture", start_kind="usual")
    runs = table(run(seed=0, held=30), run(seed=1, held=50), picture)
    best = analysis.best_settings(runs, manifest())
    assert analysis.time_to_target(runs, best, manifest()).iloc[0]["held_median"] == 40
    assert analysis.completeness(runs, manifest()).iloc[0]["runs"] == 2


# Bands, sensitivity, counts


def test_bands_take_a_diverged_run_as_infinite_from_where_it_ended():
    runs = table(
        run(seed=0),
        run(seed=1),
        run(seed=2, status="diverged"),
    )
    points = [(0, [4, 4, 4]), (1, [2, 3, 9]), (2, [1, 2, None])]
    curves = pd.DataFrame(
        [
            {"run_id": f"a-0.1-evaluate-{seed}", "step": step, "metric": "loss", "value": value}
            for step, values in points
            for seed, value in enumerate(values)
            if value is not None
        ]
    )
    known = manifest(minimum={"value": 0.5, "provenance": "closed form"})
    best = analysis.best_settings(runs, known)
    bands = analysis.curve_bands(curves, runs, best, known)
    assert list(bands["quantity"].unique()) == ["gap"]
    assert list(bands["median"]) == [3.5, 2.5, 1.5]
    assert list(bands["q25"]) == [3.5, 2.0, 1.0]
    assert list(bands["q75"]) == [3.5, 5.5, INF]
    plain = analysis.curve_bands(curves, runs, best, manifest())
    assert list(plain["median"]) == [4, 3, 2]


def test_sensitivity_counts_divergence_and_keeps_the_other_settings_fixed():
    runs = table(
        run(lr=0.1, role="tune", held=9),
        run(lr=0.1, seed=0, loss=1.0, held=9),
        run(lr=0.1, seed=1, loss=3.0),
        run(lr=0.4, seed=0, loss=8.0),
        run(lr=0.4, seed=1, status="diverged"),
        run(lr=0.4, seed=2, loss=0.0, **{"hyper.beta": 0.5}),
    )
    best = analysis.best_settings(runs, manifest())
    found = analysis.rate_sensitivity(runs, best, manifest())
    assert list(found["rate"]) == [0.1, 0.4]
    assert list(found["median"]) == [2.0, INF]
    assert list(found["n"]) == [2, 2]
    assert list(found["diverged"]) == [0, 0.5]
    assert list(found["hit"]) == [0.5, 0]
    assert set(found["role"]) == {"evaluate"}


def test_sensitivity_falls_back_to_tune_seeds():
    runs = table(*[run(lr=r, role="tune", loss=r) for r in (0.1, 0.2)], run(lr=0.1))
    best = analysis.best_settings(runs, manifest(decision=None))
    found = analysis.rate_sensitivity(runs, best, manifest(decision=None))
    assert set(found["role"]) == {"tune"}


def test_the_known_limit_is_that_of_the_chosen_setting():
    entry = {"hypers": {"lr": [1.0], "beta": [0.5, 0.9]},
             "limits": {"p": [[{"beta": 0.5}, 3.0], [{"beta": 0.9}, 3.8]]}}  # fmt: skip
    assert analysis.stability_limit(entry, "p", {"lr": 1.0, "beta": 0.9}) == 3.8
    assert analysis.stability_limit(entry, "q", {"lr": 1.0, "beta": 0.9}) is None


def test_stability_takes_an_infinite_rise_and_one_without_a_scale_as_they_are():
    runs = table(
        run(seed=0, largest_rise=0.1),
        run(seed=1, largest_rise=0.3),
        run(seed=2, status="diverged", largest_rise=INF),
        run(seed=3, largest_rise=NAN),  # began at the minimum
        run("b", seed=0, largest_rise=NAN),
    )
    best = analysis.best_settings(runs, manifest())
    row, bare = (row for _, row in analysis.stability(runs, best, manifest()).iterrows())
    assert (row["rise_median"], row["rise_max"], row["diverged"]) == (0.3, INF, 1)
    assert (row["n"], row["unscaled"]) == (4, 1)
    assert math.isnan(bare["rise_median"])
    assert math.isnan(bare["rise_max"])
    # Nothing is mended here: what the tables say of a diverged run is what is shown.
    runs.loc[2, "largest_rise"] = NAN
    row = analysis.stability(runs, best, manifest()).iloc[0]
    assert (row["rise_median"], row["rise_max"], row["unscaled"]) == (0.2, 0.3, 2)


def test_a_target_says_which_way_is_better():
    up = [{"metric": "skill", "rising": True}, {"metric": "accuracy_lost", "rising": False}]
    assert analysis.is_better_high("skill", up)
    assert not analysis.is_better_high("accuracy_lost", up)
    # No target on it, or one of an older manifest: by the metric's name.
    assert analysis.is_better_high("test_accuracy", up)
    assert not analysis.is_better_high("skill", [{"metric": "skill"}])


@pytest.mark.parametrize(("rising", "worst"), [(True, -INF), (False, INF)])
def test_a_diverged_run_is_on_the_bad_side_of_its_metric(rising, worst):
    spec = manifest()
    spec["problems"][0]["targets"] = [{"label": "L", "metric": "skill", "rising": rising}]
    runs = table(run(seed=0), run(seed=1, status="diverged"))
    curves = pd.DataFrame(
        [(f"a-0.1-evaluate-{s}", t, "skill", 1.0) for s, t in [(0, 0), (0, 1), (1, 0)]],
        columns=["run_id", "step", "metric", "value"],
    )
    best = analysis.best_settings(runs, spec)
    bands = analysis.curve_bands(curves, runs, best, spec, "skill")
    assert list(bands["median"]) == [1.0, worst]


# Sentences


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return load(write_folder(tmp_path_factory.mktemp("out") / "small"))


def test_the_assignments_network_is_told_apart_by_reaching_and_staying(tmp_path):
    """At rate 0.1, 200 steps: SGD 25 and 25, momentum 16 and 57, RMSProp 5 and never (found by an
    independent program)."""
    results = load(write_folder(tmp_path, problems=["relu network"], rates=[0.1],
                                optimizers=["sgd", "momentum", "rmsprop"]))  # fmt: skip
    best = analysis.best_settings(results.runs, results.manifest)
    times = analysis.time_to_target(results.runs, best, results.manifest)
    assert list(times["reached_median"]) == [25, 16, 5]
    assert list(times["held_median"]) == [25, 57, INF]
    text = " ".join(analysis.answer(results))
    assert "sgd held loss ≤ 0.01 soonest, from update 25 on; then momentum at 57" in text
    assert "never within 200 updates: rmsprop" in text
    assert "The first to reach it was rmsprop, at update 5, but did not stay" in text
    assert "Exact, for this start only." in text
    assert "not a test" in text


def test_the_answer_gives_counts_and_claims_nothing(small):
    text = " ".join(analysis.answer(small))
    assert "6 of 6 runs" in text
    assert "A description of these runs, not a test" in text
    for word in ("significant", "better", "superior", "proves", "best optimizer"):
        assert word not in text


def test_the_answer_names_ties():
    runs = table(run(held=7), run(seed=1, held=7), run("b", held=7), run("b", seed=1, held=7))
    best = analysis.best_settings(runs, manifest())
    times = analysis.time_to_target(runs, best, manifest())
    text = analysis.finding(runs, best, times, manifest()["problems"][0])
    assert "a and b held L soonest alike" in text


def _said(*rows):
    runs = table(*rows)
    best = analysis.best_settings(runs, manifest())
    times = analysis.time_to_target(runs, best, manifest())
    return analysis.finding(runs, best, times, manifest()["problems"][0])


def test_whoever_reached_it_as_early_as_another_is_not_left_out():
    text = _said(
        *[run(seed=s, reached=10, held=30) for s in range(2)],
        *[run("b", seed=s, reached=10, held=10) for s in range(2)],
    )
    assert "b held L soonest, from a median of 10 updates on (2 of 2 runs); then a at 30" in text
    assert "first to reach" not in text  # b was as early as a


def test_all_that_reached_it_first_are_named():
    spec = manifest()
    spec["problems"][0]["optimizers"] = ["a", "b", "c"]
    spec["optimizers"].append({"name": "c", "hypers": {"lr": [0.1]}, "swept": [], "settings": 1})
    runs = table(
        *[run(seed=s, reached=10, held=30) for s in range(2)],
        *[run("b", seed=s, reached=10, held=INF) for s in range(2)],
        *[run("c", seed=s, reached=20, held=20) for s in range(2)],
    )
    best = analysis.best_settings(runs, spec)
    times = analysis.time_to_target(runs, best, spec)
    text = analysis.finding(runs, best, times, spec["problems"][0])
    assert (
        "The first to reach it were a and b, alike at a median of 10 updates (2 of 2 runs), but a "
        "stayed only from a median of 30 updates on (worst loss afterwards 0.5) and b stayed in 0 "
        "of 2 runs (worst loss afterwards 0.5)."
    ) in text


def test_a_tie_tells_each_ones_own_count():
    text = _said(
        *[run(seed=s, held=50) for s in range(4)],
        *[run("b", seed=s, held=50) for s in range(3)],
        run("b", seed=3),
    )
    assert "a and b held L soonest alike" in text
    assert "(a in 4 of 4 runs, b in 3 of 4 runs)" in text


def test_one_optimizer_alone_is_not_the_soonest():
    held = _said(*[run(seed=s, reached=5, held=9) for s in range(2)])
    assert "a held L, from a median of 9 updates on (2 of 2 runs)." in held
    left = _said(*[run(seed=s, reached=5, held=INF) for s in range(2)])
    assert "a did not hold L within 100 updates in more than half of its runs" in left
    assert "a reached it at a median of 5 updates (2 of 2 runs), but stayed in 0 of 2" in left
    for text in (held, left):
        assert "soonest" not in text
        assert "first" not in text
        assert "lowest" not in text


def test_a_tie_of_last_losses_is_no_order():
    rows = [run(n, seed=s, loss=0.7, status="budget") for n in "ab" for s in range(2)]
    runs, spec = table(*rows), manifest(decision=None)
    best = analysis.best_settings(runs, spec)
    times = analysis.time_to_target(runs, best, spec)
    text = analysis.finding(runs, best, times, spec["problems"][0])
    assert "was a's and b's alike, 0.7 (2 runs)." in text
    assert "then" not in text


@pytest.mark.slow
def test_the_order_of_the_spec_changes_no_sentence():
    """Ties everywhere: among those who held, who reached, who missed, and over the problems."""
    spec = manifest(problems=("p", "q"))
    names = ["a", "b", "c", "d"]
    spec["optimizers"] = [
        {"name": n, "hypers": {"lr": [0.1]}, "swept": [], "limits": {}, "settings": 1}
        for n in names
    ]
    times = {
        "p": {"a": (10, 30), "b": (10, INF), "c": (20, 20), "d": (20, 20)},
        "q": {"a": (5, 5), "b": (5, 50), "c": (INF, INF), "d": (INF, INF)},
    }
    runs = table(
        *[
            run(n, seed=s, reached=r, held=h, problem=p, **{"hyper.beta": NAN})
            for p, each in times.items()
            for n, (r, h) in each.items()
            for s in range(6)
        ]
    )
    said = set()
    for order in itertools.permutations(names):
        spec["optimizers"].sort(key=lambda o: order.index(o["name"]))
        for problem in spec["problems"]:
            problem["optimizers"] = list(order)
        results = type("R", (), {"runs": runs, "manifest": spec})
        texts = [*analysis.answer(results), *(w["text"] for w in analysis.warnings(results))]
        # The same words, whichever of two equals is named first.
        said.add(tuple(" ".join(sorted(re.findall(r"[^ ,.;:]+", text))) for text in texts))
    assert len(said) == 1
    (overall, on_p, on_q, *_) = analysis.answer(results)
    assert "nobody" not in overall
    assert "where several tied, each is named" in overall
    assert "The first to reach it were" in on_p
    assert "first to reach" not in on_q


def test_without_a_target_the_last_loss_is_told(tmp_path):
    results = load(write_folder(tmp_path, problems=["bowl"], threshold=None, known=False,
                                rates=[0.1], tune=0, evaluate=2))  # fmt: skip
    text = " ".join(analysis.answer(results))
    assert "The lowest median loss after 200 updates on bowl was" in text
    assert "held" not in text


def _kinds(results):
    return {warning["kind"] for warning in analysis.warnings(results)}


def test_warnings_name_what_is_wrong(tmp_path):
    one = load(write_folder(tmp_path / "one", problems=["bowl"], rates=[0.1], evaluate=3))
    assert {"untuned", "seeds", "separable"} <= _kinds(one)
    edge = load(write_folder(tmp_path / "edge", problems=["valley"], rates=[0.001, 0.01]))
    assert "edge" in _kinds(edge)
    gone = load(write_folder(tmp_path / "gone", problems=["bowl"], rates=[100.0, 200.0],
                             optimizers=["sgd"]))  # fmt: skip
    assert "diverged" in _kinds(gone)


def test_warnings_see_what_cannot_be(small):
    clean = _kinds(small)
    assert not clean & {"minimum", "stalled", "error", "alike", "diverged"}
    runs = small.runs.copy()
    runs.loc[runs["problem"] == "bowl", "loss_best"] = -1.0
    chosen = analysis.at_best(runs, analysis.best_settings(runs, small.manifest))["run_id"]
    runs.loc[runs["run_id"].isin(chosen[:2]), "stalled"] = True
    runs.loc[runs["run_id"] == chosen.iloc[3], "status"] = "error"
    spoiled = type(small)(small.folder, runs, small.manifest)
    assert {"minimum", "stalled", "error"} <= _kinds(spoiled)


def test_a_choice_by_test_rows_is_said():
    spec = manifest()
    spec["problems"][0]["targets"][0]["metric"] = "test_accuracy"
    runs = table(*[run(lr=r, role="tune", held=5) for r in (0.1, 0.2)], run(held=5))
    assert "test" in _kinds(type("R", (), {"runs": runs, "manifest": spec}))
    assert "test" not in _kinds(type("R", (), {"runs": runs, "manifest": manifest()}))


def test_seeds_that_change_nothing_are_one_observation():
    runs = table(*[run(seed=s, held=5, loss=0.25) for s in range(8)])
    results = type("R", (), {"runs": runs, "manifest": manifest()})
    assert "alike" in _kinds(results)


# Words


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123456, "0.0123"), (1.23456e-6, "1.23e−6"), (12345.6, "12,300"), (0, "0"), (INF, "∞"),
     (NAN, "–"), (-0.5, "−0.5"), (1e9, "1e9"), (999.7, "1,000")],
)  # fmt: skip
def test_numbers_are_short(value, text):
    assert number(value) == text


def test_settings_are_written_as_a_person_would():
    assert [exact(v) for v in (0.1, 1e-8, 0.999, 100.0)] == ["0.1", "1e-8", "0.999", "100"]


def test_long_sweep_values_are_cut_and_targets_are_said():
    assert [brief(v) for v in (0.21544346900318834, 0.1, 1e-18, 1.99526)] == [
        "0.2154", "0.1", "1e-18", "1.99526"
    ]  # fmt: skip
    assert goal("gap_over_start <= 1e-06") == "gap ≤ 1e-6 × its start"
    assert goal("test_accuracy >= 0.95") == "test accuracy ≥ 0.95"
    assert goal("my own") == "my own"


def test_a_time_beyond_the_budget_says_so():
    assert [steps(25.0), steps(11.5), steps(INF, 2000)] == ["25", "11.5", "> 2,000"]
