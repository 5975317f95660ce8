"""What must hold before a claim is judged: each gate shut, and open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from judged import GOOD, INF, Scores, alone, claim, judge, logs, results, table

from optlab.analysis.verdicts import verdicts
from optlab.results import Results
from optlab.vocabulary import look_up


def test_seeds_that_change_nothing_are_one(tmp_path: Any) -> None:
    runs = results(tmp_path, [claim()], GOOD)
    mine = runs.runs["optimizer"] == "b"
    runs.runs.loc[mine, ["loss_first", "loss_final"]] = [1.0, 0.5]
    [row] = verdicts(runs, alone(runs), table(GOOD, "gap")).to_dict("records")
    assert (row["verdict"], row["label"][:22]) == ("NOT TESTED", "only 1 of 20 runs of b")


def test_a_seed_without_a_partner_shuts(tmp_path: Any) -> None:
    runs = results(tmp_path, [claim()], GOOD)
    some = {**GOOD, ("p", "a"): GOOD["p", "a"][:18]}
    gone = (runs.runs["optimizer"] == "a") & (runs.runs["seed"] >= 18)
    runs = replace(runs, runs=runs.runs[~gone])
    [row] = verdicts(runs, alone(runs), table(some, "gap")).to_dict("records")
    assert (row["verdict"], row["label"]) == ("NOT TESTED", "2 seeds of b without a partner")


def test_what_lies_within_rounding_is_not_compared(tmp_path: Any) -> None:
    tiny = {("p", o): 1e-18 * logs(i, 20) for i, o in enumerate("ab")}
    assert "within rounding in 20 of 20 pairs" in shut(tmp_path, tiny)


def shut(folder: Any, scores: Scores, measure: str = "gap", stated: Any = None, **more: Any) -> str:
    [row] = judge(folder, stated or claim(measure=measure), scores, measure, **more).to_dict(
        "records"
    )
    assert row["verdict"] == "NOT TESTED"
    assert row["label"] in row["sentence"]
    return row["label"]


def test_gates_shut_and_say_why(tmp_path: Any) -> None:
    few = {key: value[:9] for key, value in GOOD.items()}
    assert shut(tmp_path, few) == "9 seeds, and the claim asks for 10"
    never = dict.fromkeys(GOOD, np.full(20, INF))
    assert shut(tmp_path, never, "steps_held") == "neither held the target in any run"
    unknown = {**GOOD, ("p", "b"): np.full(20, np.nan)}
    assert "gap is not known for b" in shut(tmp_path, unknown)
    part = {**GOOD, ("p", "b"): np.where(np.arange(20) < 3, np.nan, 1.0)}
    assert "not known for 3 runs of b" in shut(tmp_path, part)
    assert "negative" in shut(tmp_path, {**GOOD, ("p", "b"): -logs(2, 20)}, "loss")


def test_settings_must_come_from_elsewhere_and_from_inside(tmp_path: Any) -> None:
    def same(runs: Results) -> pd.DataFrame:
        return alone(runs).assign(settings=5)

    assert "chosen on the seeds that are reported" in shut(tmp_path, GOOD, best=same)

    def edge(runs: Results) -> pd.DataFrame:
        return alone(runs).assign(settings=5, chosen_on="tune", on_edge=[{"lr": "largest"}, {}])

    assert (
        shut(tmp_path, GOOD, best=edge)
        == "a's best lr lies at the high end of what was tried; search further"
    )

    def inside(runs: Results) -> pd.DataFrame:
        return alone(runs).assign(settings=5, chosen_on="tune")

    assert judge(tmp_path, claim(), GOOD, best=inside)["verdict"].tolist() == ["SUPPORTED"]


@pytest.mark.parametrize(("hyper", "ends"), [
    ("beta", (0.0,)), ("beta2", (0.0,)), ("weight_decay", (0.0,)), ("lr", ()), ("mine", ()),
])  # fmt: skip
def test_no_momentum_is_as_little_as_there_is_and_no_rate_is(
    hyper: str, ends: tuple[float, ...]
) -> None:
    """A chosen value at such an end cuts nothing off, and `best_settings` names no edge there
    (`test_the_best_of_a_grid_may_be_no_momentum_at_all`)."""
    assert look_up(hyper).interval.ends == ends


def test_without_a_target_nobody_was_fast(tmp_path: Any) -> None:
    runs = results(tmp_path, [claim(measure="steps_held")], GOOD)
    runs.manifest["problems"][0] |= {"targets": [], "decision": None}
    [row] = verdicts(runs, alone(runs), table(GOOD, "gap")).to_dict("records")
    assert (row["verdict"], row["label"]) == ("NOT TESTED", "this problem has no target")


def test_a_gap_without_a_minimum_is_not_known(tmp_path: Any) -> None:
    unknown = dict.fromkeys(GOOD, np.full(20, np.nan))
    assert shut(tmp_path, unknown) == "gap is not known for a (the minimum is not known)"


def test_never_says_nothing_where_some_runs_are_not_known(tmp_path: Any) -> None:
    values = np.where(np.arange(60) < 4, np.nan, 0.0)
    stated = claim("never", others=(), measure="overshoot")
    assert shut(tmp_path, {("p", "a"): values}, "overshoot", stated) == (
        "overshoot is not known for 4 runs of a"
    )


def test_only_what_takes_part_can_shut(tmp_path: Any) -> None:
    """Errors of a third optimizer, of a picture, and of another problem are none of this claim's."""
    scores = {**GOOD, ("p", "c"): logs(3, 20), ("q", "a"): logs(4, 20), ("q", "b"): logs(5, 20, 3)}
    for problem, optimizer, part in (("p", "c", "chosen"), ("p", "a", "picture"),
                                     ("q", "a", "chosen")):  # fmt: skip
        runs = results(tmp_path, [claim()], scores)
        extra = runs.runs[(runs.runs["problem"] == problem) & (runs.runs["optimizer"] == optimizer)]
        extra = extra.head(1).assign(status="error", part=part, run_id="broken", role="picture")
        runs = replace(runs, runs=pd.concat([runs.runs, extra], ignore_index=True))
        [row] = verdicts(runs, alone(runs), table(scores, "gap")).to_dict("records")
        assert row["verdict"] == "SUPPORTED"


def test_one_instance_needs_no_number_of_seeds(tmp_path: Any) -> None:
    one = {("p", "a"): [1.0], ("p", "b"): [3.0]}
    assert judge(tmp_path, claim(), one, start="given")["verdict"].tolist() == ["TRUE HERE"]
    assert shut(tmp_path / "drawn", one) == "1 seed, and the claim asks for 10"


@pytest.mark.parametrize("n", [9, 10])
def test_so_many_seeds_as_the_claim_asks_for_are_enough(tmp_path: Any, n: int) -> None:
    some = {key: value[:n] for key, value in GOOD.items()}
    verdict = judge(tmp_path, claim(), some)["verdict"].iloc[0]
    assert verdict == ("NOT TESTED" if n < 10 else "SUPPORTED")
    least = judge(tmp_path / "six", claim(min_seeds=6), some)["verdict"].iloc[0]
    assert least == "SUPPORTED"


def test_a_run_that_broke_shuts_its_problem(tmp_path: Any) -> None:
    runs = results(tmp_path, [claim()], GOOD)
    runs.runs.loc[3, "status"] = "error"
    [row] = verdicts(runs, alone(runs), table(GOOD, "gap")).to_dict("records")
    assert (row["verdict"], row["label"]) == ("NOT TESTED", "1 run of a stopped with an error")
