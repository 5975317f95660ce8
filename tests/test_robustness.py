"""Other choices: from the same runs, as a hand makes them of the curves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from judged import INF, alone, claim, logs, results, table
from made_tables import LABEL, made
from scipy import stats
from sign_oracle import expected

from optlab.analysis.robustness import robustness
from optlab.analysis.verdicts import verdicts
from optlab.measures import MEASURES


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
