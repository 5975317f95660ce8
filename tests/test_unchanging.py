"""Rows of runs that are looked up many times: the same rows, found faster."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optlab.analysis.settings import TRIED, rows_of, unchanging

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["bowl", "valley"]),
        st.sampled_from(["sgd", "adam"]),
        st.sampled_from(["tune", "evaluate"]),
        st.sampled_from(["trial", "grid", "chosen", "default"]),
    ),
    max_size=12,
)


@pytest.mark.parametrize("parts", [TRIED, ("default",), ("chosen", "chosen", "trial")])
@settings(deadline=None, max_examples=30)
@given(rows=ROWS)
def test_the_same_rows_in_the_same_order(
    rows: list[tuple[str, str, str, str]], parts: tuple[str, ...]
) -> None:
    runs = pd.DataFrame(rows, columns=["problem", "optimizer", "role", "part"], dtype="str")
    runs["number"] = np.arange(len(runs))
    runs.index = pd.Index(3 * np.arange(len(runs))[::-1])
    for problem in ("bowl", "valley", "unheard of"):
        expected = [
            i for i, row in enumerate(rows)
            if row[:3] == (problem, "adam", "tune") and row[3] in parts
        ]  # fmt: skip
        for where in (unchanging, nullcontext):
            with where():
                for _ in range(2):
                    found = rows_of(runs, problem, "adam", "tune", parts)
                    assert list(found["number"]) == expected
                    assert list(found.index) == [runs.index[i] for i in expected]
                    assert (found.dtypes == runs.dtypes).all()
                    found["number"] = -1  # what a caller does to its rows is its own


def test_outside_of_it_a_table_may_change() -> None:
    runs = pd.DataFrame({"problem": ["p"], "optimizer": ["a"], "role": ["tune"], "part": ["grid"]})
    with unchanging():
        assert len(rows_of(runs, "p", "a", "tune")) == 1
    runs["role"] = "evaluate"
    assert not len(rows_of(runs, "p", "a", "tune"))
    with unchanging():
        assert not len(rows_of(runs, "p", "a", "tune"))
