"""Histories written by hand, whose summaries are known."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from optlab import plan, tables
from optlab.engine import History
from optlab.plan import Run
from optlab.spec import parse

NAN, INF = math.nan, math.inf
CADENCE = 10


def rows_of(members: list[Run], found: History, minimum: float | None) -> pd.DataFrame:
    summary = tables.summarise(members[0].task, found, minimum)
    row = tables.run_rows(members, summary)
    return tables.run_table([(range(len(members)), row)], columns_of(members))


def columns_of(members: list[Run]) -> list[str]:
    """The columns of an experiment of these runs' problem and optimizer."""
    first = members[0]
    return tables.run_columns(
        replace(
            parse("title: t\nsteps: 1\nproblems: [rosenbrock]\noptimizers: [adam]\n", Path("s.yaml")),
            tasks=(first.task,), contenders=(first.contender,),
        )
    )  # fmt: skip


def runs(count: int, targets: str = "{gap_over_start: 1e-1}", problem: str = "rosenbrock",
         steps: int = 40) -> list[Run]:  # fmt: skip
    text = (f"title: t\nsteps: {steps}\nseeds: {{evaluate: {count}}}\nproblems:\n"
            f"  - {problem}: {{targets: {targets}}}\noptimizers: [adam]\n")  # fmt: skip
    return [r for r in plan.runs(parse(text, Path("s.yaml"))) if r.role == "evaluate"]


def history(*losses: list[float], **more: list[list[float]]) -> History:
    """Curves of loss, one a run, every ten steps."""
    metrics = {"loss": losses, **more}
    points = CADENCE * np.arange(len(losses[0]))
    return History(points, {n: np.array(v, dtype=float).T for n, v in metrics.items()}, None)


def rows(*losses: list[float], targets: str = "{gap_over_start: 1e-1}", minimum: float | None = 0.0,
         **more: list[list[float]]) -> pd.DataFrame:  # fmt: skip
    return rows_of(runs(len(losses), targets), history(*losses, **more), minimum)


def row(loss: list[float], **more: Any) -> pd.Series:
    return rows(loss, **more).iloc[0]


# --- reached and held ---

GOAL = "gap_over_start <= 0.1"


@pytest.mark.parametrize(
    ("loss", "reached", "held", "worst", "status"),
    [
        ([10, 5, 1, 0.5, 0.1], 20, 20, 1.0, "hit"),  # the bound itself counts
        ([10, 0.5, 4, 0.5, 0.1], 10, 30, 4.0, "hit"),  # a relapse, then back for good
        ([10, 0.5, 0.5, 0.5, 2], 10, INF, 2.0, "budget"),  # reached, not held
        ([10, 5, 4, 3, 0.9], 40, 40, 0.9, "hit"),  # at the last moment
        ([10, 5, 4, 3, 2], INF, INF, NAN, "budget"),
        ([10, 0.5, NAN, NAN, NAN], 10, INF, INF, "diverged"),  # reached before it diverged
        ([10, 0.5, INF, 0.1, 0.1], 10, INF, INF, "diverged"),  # what comes after is not believed
        ([10, 0.5, 1.1e9, 0.1, 0.1], 10, INF, INF, "diverged"),  # 1e8 times the starting gap
        ([10, 0.5, 0.9e9, 0.1, 0.1], 10, 30, 0.9e9, "hit"),
        ([NAN, 1, 1, 1, 1], INF, INF, NAN, "diverged"),
        ([0, 0, 0, 0, 0], 0, 0, 0, "hit"),
    ],
)  # fmt: skip
def test_times_and_status(
    loss: list[float], reached: float, held: float, worst: float, status: str
) -> None:
    got = row(loss)
    assert got["status"] == status
    found = [got[f"{what}.{GOAL}"] for what in ("reached", "held", "worst_after")]
    np.testing.assert_array_equal(found, [reached, held, worst])


def test_runs_do_not_touch_each_other() -> None:
    curves = [[10, 5, 1, 0.5, 0.1], [NAN] * 5, [10, 0.5, INF, 0.1, 0.1], [20, 2, 30, 1, 1]]
    together = rows(*curves)
    for i, curve in enumerate(curves):
        alone = row(curve)
        for name in together.columns.difference(["run_id", "seed"]):
            np.testing.assert_equal(together.iloc[i][name], alone[name], err_msg=name)


def test_what_runs_come_to_does_not_hold_their_curves() -> None:
    """A view would keep a cell's curve in memory for as long as its row, millions of them in a large sweep."""
    members = runs(3)
    found = history(*[[float(i) for i in range(1000, 0, -1)]] * 3)
    for name, column in tables.summarise(members[0].task, found, 0.0).items():
        while isinstance(column.base, np.ndarray):
            column = column.base
        assert column.size == len(members), name


def test_only_the_first_target_decides() -> None:
    both = "{loss: 0.2, gap: [1, 1e-6]}"
    got = row([10, 5, 1, 0.5, 0.1], targets=both)
    assert got["status"] == "hit"
    assert got["reached.loss <= 0.2"] == 40
    assert got["reached.gap <= 1"] == 20
    assert got["reached.gap <= 1e-06"] == INF
    assert row([10, 5, 1, 0.5, 0.1], targets="{gap: [1e-6, 1]}")["status"] == "budget"


def test_gaps_are_counted_from_the_minimum() -> None:
    got = row([-5, -8, -9.5, -9.95, -10], minimum=-10.0, targets="{gap: 0.5, gap_over_start: 0.01}")
    assert got["gap"] == 0
    assert got["reached.gap <= 0.5"] == 20
    assert got["reached.gap_over_start <= 0.01"] == 30  # 0.05 of a start of 5
    low = row([3, 2, 1, 1, 1], minimum=None, targets="{loss: 1}")
    assert math.isnan(low["gap"])
    assert low["status"] == "hit"


def test_accuracy_is_better_when_larger() -> None:
    task = runs(2, "{test_accuracy: 0.9}", "mlp")
    got = rows_of(
        task,
        history([1, 1, 1, 1, 1], [1, 1, 1, 1, 1],
                test_accuracy=[[0.1, 0.9, 0.8, 0.95, 0.99], [0.95, 0.2, 0.2, 0.2, 0.89]]),
        None,
    )  # fmt: skip
    assert list(got["status"]) == ["hit", "budget"]
    assert list(got["reached.test_accuracy >= 0.9"]) == [10, 0]
    assert list(got["held.test_accuracy >= 0.9"]) == [30, INF]


def test_without_a_target_nothing_is_a_hit() -> None:
    text = ("title: t\nproblems: [{recorded_gradients: {start: {w: 1}, w: [1, 2]}}]\n"
            "optimizers: [adam]\n")  # fmt: skip
    [member] = plan.runs(parse(text, Path("s.yaml")))
    got = rows_of([member], history([1.0, 0.0, 0.0]), None).iloc[0]
    assert got["status"] == "budget"
    assert not [name for name in got.index if "reached" in name]


# --- divergence ---


@pytest.mark.parametrize(
    ("loss", "minimum", "at", "final", "best"),
    [
        ([4, 2, NAN, 1, 1], 0.0, 20, 2, 2),
        ([4, 2, 3, 3, -INF], None, 40, 3, 2),
        ([NAN, 2, 3, 3, 3], 0.0, 0, NAN, NAN),
        ([INF, 2, 3, 3, 3], None, 0, NAN, NAN),
        ([4, 2, 4.1e8, 1, 1], 0.0, 20, 2, 2),
        ([4, 2, 3.9e8, 1, 1], 0.0, NAN, 1, 1),
        ([0.5, 1e8, 1.1e8, 1, 1], None, 20, 1e8, 0.5),  # without a minimum, from at least 1
        ([-5, 1, -6e8, 1, 1], None, 20, 1, -5),
        ([3, 0, 1, 1, 1.9e8], 1.0, NAN, 1.9e8, 0),  # a gap of 2 at the start
        ([3, 0, 1, 1, 2.1e8], 1.0, 40, 1, 0),
        ([1e305, 1e300, 1, 1, 1], 0.0, NAN, 1, 1),
    ],
)  # fmt: skip
def test_divergence(
    loss: list[float], minimum: float | None, at: float, final: float, best: float
) -> None:
    got = row(loss, minimum=minimum, targets="{loss: -1e9}")
    diverged = not math.isnan(at)
    assert got["status"] == ("diverged" if diverged else "budget")
    found = [got[n] for n in ("diverged_at", "loss_final", "loss_best", "loss_first", "steps_done")]
    np.testing.assert_array_equal(found, [at, final, best, loss[0], at if diverged else 40])
    assert got["grad_evals"] == got["steps_done"]


def test_a_start_at_the_minimum_may_move_by_rounding() -> None:
    assert row([1.0, 1.0 + 2e-16, 1, 1, 1], minimum=1.0)["status"] == "hit"
    assert row([1.0, 1.0 + 1e-6, 1, 1, 1], minimum=1.0)["status"] == "diverged"


# --- overshoot, stalling ---


@pytest.mark.parametrize(
    ("loss", "minimum", "rise"),
    [
        ([10, 8, 6, 4, 2], 0.0, 0),
        ([10, 4, 7, 5, 2], 0.0, 0.3),
        ([10, 4, 7, 1, 5], 0.0, 0.4),  # 1 to 5 is more than 4 to 7
        ([10, 12, 11, 4, 2], 0.0, 0.2),
        ([10, 4, 7, 5, 2], 2.0, 3 / 8),
        ([10, 4, 7, NAN, 2], None, math.inf),  # it diverged
        ([0, 0, 0, 0, 0], 0.0, 0),
        ([NAN, 1, 2, 3, 4], 0.0, math.inf),
        ([-1, -2, -1, -2, -3], 0.0, NAN),  # below f*: nothing to compare with
    ],
)  # fmt: skip
def test_the_largest_rise(loss: list[float], minimum: float | None, rise: float) -> None:
    assert row(loss, minimum=minimum, targets="{loss: 1}")["largest_rise"] == pytest.approx(
        rise, nan_ok=True
    )


def test_stalled_is_a_gradient_of_zero_away_from_the_minimum() -> None:
    flat, steep = [1, 1, 1, 1, 0.0], [1, 1, 1, 1, 1e-300]
    got = rows([4, 3, 2, 2, 2], [4, 3, 2, 0, 0], [4, 3, 2, 2, 2], [4, NAN, 2, 2, 2],
               grad_norm=[flat, flat, steep, flat])  # fmt: skip
    assert list(got["stalled"]) == [True, False, False, False]
    assert not row([4, 3, 2, 2, 2])["stalled"]  # it was not recorded


# --- errors, order, curves ---


def test_rows_of_runs_that_broke_have_the_columns_of_the_others() -> None:
    members = runs(3)
    broken = tables.run_table([(range(3), tables.error_rows(members))], columns_of(members))
    fine = rows(*[[10, 5, 1, 0.5, 0.1]] * 3)
    assert list(broken.columns) == list(fine.columns)
    assert list(broken["run_id"]) == [r.run_id for r in members]
    assert set(broken["status"]) == {"error"}
    assert broken[["loss_final", "gap", "diverged_at", f"held.{GOAL}"]].isna().all(axis=None)


def test_rows_say_their_causes_in_the_order_of_the_runs() -> None:
    members = runs(3)
    got = rows(*[[3, 2, 1, 1, 1]] * 3)
    assert list(got["run_id"]) == [r.run_id for r in members]
    assert list(got["seed"]) == [0, 1, 2]
    first = got.iloc[0]
    assert (first["problem"], first["optimizer"], first["rule"]) == ("rosenbrock", "adam", "adam")
    assert (first["hyper.lr"], first["hyper.beta1"], first["start_kind"]) == (1e-3, 0.9, "drawn")


def test_curves_end_where_a_run_diverged() -> None:
    one = history([3, 2, 1], [3, NAN, 1], grad_norm=[[1, 1, 0], [5, 5, 5]])
    two = history([7, 6], step_norm=[[NAN, 4]])
    curves = tables.curve_table(
        [(np.array([2, 0]), one, np.array([NAN, 10])), (np.array([1]), two, np.array([NAN]))],
        ["a", "b", "c"],
    )
    told = list(curves.astype({"run_id": str, "metric": str}).itertuples(index=False, name=None))
    assert told == [
        ("a", 0, "loss", 3.0), ("a", 0, "grad_norm", 5.0),
        ("b", 0, "loss", 7.0), ("b", 10, "loss", 6.0), ("b", 10, "step_norm", 4.0),
        ("c", 0, "loss", 3.0), ("c", 10, "loss", 2.0), ("c", 20, "loss", 1.0),
        ("c", 0, "grad_norm", 1.0), ("c", 10, "grad_norm", 1.0), ("c", 20, "grad_norm", 0.0),
    ]  # fmt: skip


def test_paths_name_their_coordinates() -> None:
    path = np.array([[[1.0, 5.0], [2.0, 6.0]], [[3.0, NAN], [4.0, 8.0]]])  # points, dim, runs
    made = History(np.array([0, 7]), {"loss": np.zeros((2, 2))}, path)
    table = tables.path_table([(np.array([1, 0]), made, ("w", "b"))], ["p", "q"])
    told = list(table.astype({"run_id": str, "coordinate": str}).itertuples(index=False, name=None))
    assert told == [
        ("p", 0, "w", 5.0), ("p", 0, "b", 6.0),
        ("q", 0, "w", 1.0), ("q", 0, "b", 2.0), ("q", 7, "w", 3.0), ("q", 7, "b", 4.0),
    ]  # fmt: skip


def test_no_cells_make_empty_tables() -> None:
    assert len(tables.curve_table([], [])) == len(tables.path_table([], [])) == 0
    assert list(tables.curve_table([], []).columns) == ["run_id", "step", "metric", "value"]
