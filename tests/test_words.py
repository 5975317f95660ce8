"""Numbers and lists as a reader wants them."""

from __future__ import annotations

import math

from optlab.analysis.sentences import _value
from optlab.analysis.words import apart
from optlab.measures import MEASURES


def test_numbers_that_differ_are_told_apart_while_figures_help() -> None:
    assert apart([0.5, 3.0]) == ["0.5", "3"]
    assert apart([1.2341, 1.2344]) == ["1.2341", "1.2344"]
    assert apart([3.0, 3.0]) == ["3", "3"]
    assert apart([1.0, 1.0 + 1e-12]) == ["1", "1"]  # eight figures are the most


def test_the_median_of_two_times_keeps_its_half() -> None:
    held = MEASURES["steps_held"]
    assert _value(268.5, held, {"steps": 1000}) == "268.5"
    assert _value(1268.0, held, {"steps": 5000}) == "1,268"
    assert _value(math.inf, held, {"steps": 5000}) == "> 5,000"
    assert _value(0.12345, MEASURES["gap"], {"steps": 5000}) == "0.123"
