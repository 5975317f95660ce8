"""Times that are known to a cadence: a decision stands whatever they were."""

from __future__ import annotations

import numpy as np
import pytest

from optlab.analysis.weighing import earliest, weigh

HOW = {"scale": "ratio", "higher": False, "budget": 1000.0, "floor": 1.0}


def on_record(times: np.ndarray, cadence: int) -> np.ndarray:
    """When a record every `cadence` updates first shows what happened at `times`."""
    return np.ceil(times / cadence) * cadence


def test_what_was_seen_may_have_been_a_cadence_earlier() -> None:
    np.testing.assert_array_equal(
        earliest(np.array([0.0, 1.0, 10.0, 20.0, np.inf]), 10), [0, 1, 1, 11, np.inf]
    )
    true = np.arange(1.0, 60.0)
    for cadence in (1, 2, 7, 20):
        seen = on_record(true, cadence)
        assert (earliest(seen, cadence) <= true).all()
        assert (true <= seen).all()
        assert (seen - earliest(seen, cadence) == np.minimum(cadence, seen) - 1).all()


def test_two_arms_at_the_first_recorded_step_are_not_told_apart() -> None:
    both = np.full(20, 20.0)
    for equivalent in (False, True):
        found = weigh(both, both, equivalent=equivalent, margin=1.1, level=0.95, cadence=20, **HOW)
        assert found.verdict == "INCONCLUSIVE"
        assert "every 20 updates" in found.label
        # Recorded at every step, the same times are alike beyond doubt.
        sharp = weigh(both, both, equivalent=equivalent, margin=1.1, level=0.95, **HOW)
        assert sharp.verdict == ("SUPPORTED" if equivalent else "REFUTED")


@pytest.mark.parametrize("factor", [1.0, 1.1, 1.5, 3.0, 0.5])
@pytest.mark.parametrize("equivalent", [False, True])
def test_a_coarse_record_decides_only_what_a_sharp_one_does(
    factor: float, equivalent: bool
) -> None:
    rng = np.random.default_rng(7)
    decided = 0
    for _ in range(60):
        a = np.ceil(10 ** rng.normal(2.0, 0.1, 15))
        b = np.ceil(factor * 10 ** rng.normal(2.0, 0.1, 15))
        sharp = weigh(a, b, equivalent=equivalent, margin=1.2, level=0.95, **HOW)
        coarse = weigh(on_record(a, 15), on_record(b, 15), equivalent=equivalent, margin=1.2,
                       level=0.95, cadence=15, **HOW)  # fmt: skip
        if coarse.verdict != "INCONCLUSIVE":
            decided += 1
            assert coarse.verdict == sharp.verdict
        # The interval holds that of the times as they were.
        assert coarse.low <= sharp.low + 1e-12
        assert coarse.high >= sharp.high - 1e-12
    if factor in (3.0, 0.5):
        assert decided >= 50  # far from the margin the record is sharp enough
