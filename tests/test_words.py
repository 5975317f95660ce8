"""Numbers and lists as a reader wants them."""

from __future__ import annotations

from optlab.analysis.words import apart


def test_numbers_that_differ_are_told_apart_while_figures_help() -> None:
    assert apart([0.5, 3.0]) == ["0.5", "3"]
    assert apart([1.2341, 1.2344]) == ["1.2341", "1.2344"]
    assert apart([3.0, 3.0]) == ["3", "3"]
    assert apart([1.0, 1.0 + 1e-12]) == ["1", "1"]  # eight figures are the most
