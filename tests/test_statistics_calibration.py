"""How often intervals and verdicts err where the truth is known, and whether suggested seeds decide.

The table of all laws is printed by `benchmarks/calibration.py`.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from optlab.statistics import resolve
from optlab.statistics.paired import decide, decide_equivalent
from optlab.statistics.shifted import costs

_PLACE = Path(__file__).parents[1] / "benchmarks" / "calibration.py"
_SPEC = importlib.util.spec_from_file_location("calibration_table", _PLACE)
assert _SPEC is not None
assert _SPEC.loader is not None
calibration = importlib.util.module_from_spec(_SPEC)
sys.modules["calibration_table"] = calibration  # dataclasses look their module up
_SPEC.loader.exec_module(calibration)

TIMES = 4000  # many cases are asked: with fewer, some would be beyond two standard errors by chance
ALLOWED = 0.025 + 2 * math.sqrt(0.025 * 0.975 / TIMES)
COVERED = 0.95 - 2 * math.sqrt(0.05 * 0.95 / TIMES)


def held(found):
    assert found.supported <= ALLOWED
    assert found.refuted <= ALLOWED
    assert found.covered >= COVERED


@pytest.mark.parametrize("n", [6, 10, 20])
@pytest.mark.parametrize("shared", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("name", calibration.ON_LOGS)
@pytest.mark.slow
def test_ratios_at_the_margin(name, shared, n):
    a, b = calibration.arms(calibration.ON_LOGS[name], np.random.default_rng(1), (TIMES, n), shared)
    delta = math.log10(1.1)
    held(calibration.rates(a, b + delta, delta))


@pytest.mark.parametrize("n", [6, 10, 20])
@pytest.mark.parametrize("shared", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("name", calibration.ON_VALUES)
def test_differences_at_the_margin(name, shared, n):
    law = calibration.ON_VALUES[name]
    a, b = calibration.arms(law, np.random.default_rng(2), (TIMES, n), shared)
    held(calibration.rates(a, b + 1, 1.0))


@pytest.mark.parametrize("margin", [1.1, 2.0])
@pytest.mark.parametrize("missed", [0.1, 0.25, 0.5])
@pytest.mark.parametrize("n", [6, 10, 20])
def test_ratios_with_misses_at_the_margin(n, missed, margin):
    delta = math.log10(margin)
    for seed, law in enumerate(calibration.ON_LOGS.values()):
        generator = np.random.default_rng([3, seed])
        a, b = calibration.arms(law, generator, (TIMES, n), 0.5)
        held(calibration.rates(a, b + delta, delta, missed=missed))


def test_without_a_common_window_misses_support_what_is_not_so():
    delta = math.log10(2.0)
    for name, least in (("log-normal", 0.1), ("skewed", 0.2)):
        generator = np.random.default_rng(4)
        a, b = calibration.arms(calibration.ON_LOGS[name], generator, (TIMES, 20), 0.5)
        naive = calibration.rates(a, b + delta, delta, missed=0.25, again=False)
        again = calibration.rates(a, b + delta, delta, missed=0.25)
        assert naive.supported > least > ALLOWED >= again.supported


@pytest.mark.parametrize("n", [6, 10, 20])
@pytest.mark.parametrize("cadence", [5, 20])
def test_times_on_a_cadence(cadence, n):
    a, b = calibration.on_cadence(np.random.default_rng(5), (TIMES, n), cadence)
    assert np.mean(a == b) > 0.05  # there are ties
    for factor in (1, 2):
        held(calibration.rates(a, b + math.log10(factor), math.log10(factor)))


@pytest.mark.parametrize("n", [10, 20])
def test_floored_losses_support_no_more_than_allowed(n):
    """Where some values lie at the floor, `a` is not called better too often."""
    a, b = calibration.arms(
        calibration.ON_LOGS["log-normal"], np.random.default_rng(6), (TIMES, n), 0
    )
    for factor, share in ((1.1, 0.2), (2.0, 0.2), (2.0, 0.5)):
        delta = math.log10(factor)
        values = 10.0 ** np.stack([a, b + delta])
        x, y = costs(values, "ratio", floor=float(np.quantile(values, share)))
        assert calibration.rates(x, y, delta).supported <= ALLOWED


def test_verdicts_of_an_optimizer_against_itself():
    """Through the door that verdicts use: censored times, whole steps, 25 % of them missed."""
    generator = np.random.default_rng(7)
    budget, supported, equal = 100, 0, 0
    for _ in range(400):
        a, b = np.ceil(10 ** generator.normal(1.85, 0.2, (2, 12)))
        a, b = (np.where(x > budget, math.inf, x) for x in (a, b))
        supported += decide(a, b, scale="ratio", margin=1.0, budget=budget).verdict == "SUPPORTED"
        equal += decide_equivalent(a, b, scale="ratio", margin=1.1, budget=budget).label != ""
    assert supported <= 400 * (0.025 + 2 * math.sqrt(0.025 * 0.975 / 400))
    assert equal <= 400 * (0.05 + 2 * math.sqrt(0.05 * 0.95 / 400))


@pytest.mark.parametrize("looks", [(10, 20, 40), (6, 12, 24, 48)])
def test_looking_again_keeps_the_error_only_where_it_is_spent(looks):
    plain = calibration.looked_at(looks, 4000, np.random.default_rng(8), None)
    spent = calibration.looked_at(looks, 4000, np.random.default_rng(8), 0.05)
    assert plain > 0.04
    assert spent <= 0.025 + 2 * math.sqrt(0.025 * 0.975 / 4000)


def suggestions(n, ratio, sd, times, generator, **how):
    """What INCONCLUSIVE pilots suggest."""
    out = []
    for _ in range(times):
        d = np.log10(ratio) + sd * generator.standard_normal(n)
        a, b = np.ones(n), 10**d
        judge = decide_equivalent if how.get("equivalent") else decide
        if judge(a, b, scale="ratio", margin=1.1).verdict == "INCONCLUSIVE":
            out.append(resolve.seeds_needed(a, b, scale="ratio", margin=1.1, **how))
    return out


@pytest.mark.slow
@pytest.mark.parametrize("n", [6, 10, 20])
@pytest.mark.parametrize("sd", [0.1, 0.2, 0.4])
@pytest.mark.parametrize("ratio", [1.0, 1.15, 1.25, 1.5])
def test_the_suggested_seeds_decide_at_the_alternative_that_is_named(ratio, sd, n):
    """Fresh runs, as many as suggested, of the named effect with the true spread."""
    generator = np.random.default_rng([9, n, round(100 * sd), round(100 * ratio)])
    decided = []
    for needed in suggestions(n, ratio, sd, 250, generator):
        if needed.seeds is None:
            continue
        for _ in range(2):
            d = needed.alternative + sd * generator.standard_normal(needed.seeds)
            fresh = decide(np.ones(needed.seeds), 10**d, scale="ratio", margin=1.1)
            decided.append(fresh.verdict != "INCONCLUSIVE")
    if len(decided) >= 60:
        assert np.mean(decided) >= 0.75, (len(decided), np.mean(decided))


@pytest.mark.slow
@pytest.mark.parametrize("n", [10, 20])
def test_the_suggested_seeds_decide_equivalence(n):
    generator, decided = np.random.default_rng(10), []
    for needed in suggestions(n, 1.0, 0.1, 60, generator, equivalent=True):
        if needed.seeds is not None:
            d = needed.alternative + 0.1 * generator.standard_normal((3, needed.seeds))
            decided += [decide_equivalent(np.ones(needed.seeds), 10**x, scale="ratio",
                                          margin=1.1).verdict != "INCONCLUSIVE" for x in d]  # fmt: skip
    assert len(decided) > 60
    assert np.mean(decided) >= 0.75


@pytest.mark.slow
@pytest.mark.parametrize("n", [10, 20])
@pytest.mark.parametrize("tie", [0.2, 0.5])
def test_the_suggested_seeds_decide_where_most_is_missed(tie, n):
    """Pairs of which one side reaches the target in time or neither does."""
    generator, decided = np.random.default_rng(11), []

    def pairs(size, share):
        who = generator.choice(3, size, p=[tie, (1 - tie) * share, (1 - tie) * (1 - share)])
        return np.where(who == 1, 10.0, math.inf), np.where(who == 2, 10.0, math.inf)

    how = {"scale": "ratio", "margin": 1.1, "budget": 100}
    for _ in range(300):
        a, b = pairs(n, 0.65)
        if decide(a, b, **how).verdict != "INCONCLUSIVE":
            continue
        needed = resolve.seeds_needed(a, b, **how)
        assert needed.kind == "win share"
        if needed.seeds is not None:
            fresh = decide(*pairs(needed.seeds, needed.alternative), **how)
            decided.append(fresh.verdict != "INCONCLUSIVE")
    assert len(decided) > 100
    assert np.mean(decided) >= 0.75
