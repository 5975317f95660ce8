"""Runs made elsewhere: a table of recorded values into the same tables, verdicts and report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import optlab
from optlab import report
from optlab.spec import SpecError, read

STEPS = np.arange(0, 101, 10)


def decay(rate: float, seed: int) -> np.ndarray:
    """A loss that falls from 1 (nearly) by a constant factor."""
    return (1 + 0.01 * seed) * np.exp(-rate * STEPS)


def table(rates: dict[str, float], seeds: int = 12) -> pd.DataFrame:
    rows = [
        {"run": f"{name}-{seed}", "optimizer": name, "lr": 0.1, "seed": seed, "step": step,
         "metric": "loss", "value": value}
        for name, rate in rates.items()
        for seed in range(seeds)
        for step, value in zip(STEPS, decay(rate, seed), strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def write(folder: Path, frame: pd.DataFrame, entry: str = "mine.csv", more: str = "") -> Path:
    frame.to_csv(folder / "mine.csv", index=False)
    spec = folder / "s.yaml"
    spec.write_text(f"title: t\nimport:\n  - {entry}\ntargets: {{loss: 0.1}}\n{more}")
    return spec


def faults(folder: Path, frame: pd.DataFrame, entry: str = "mine.csv", more: str = "") -> list[str]:
    with pytest.raises(SpecError) as caught:
        read(write(folder, frame, entry, more))
    return [fault.message for fault in caught.value.faults]


def test_imported_runs_are_judged_like_others(tmp_path: Path) -> None:
    claims = "claims:\n  - fast is faster than slow\n"
    spec = write(tmp_path, table({"fast": 0.1, "slow": 0.025}), more=claims)
    results = optlab.run(spec, tmp_path / "out")
    runs = results.runs.set_index(["optimizer", "seed"])
    for name, rate in (("fast", 0.1), ("slow", 0.025)):
        for seed in range(12):
            below = STEPS[decay(rate, seed) <= 0.1]
            assert runs.loc[(name, seed), "reached.loss <= 0.1"] == below[0]
            assert runs.loc[(name, seed), "loss_final"] == decay(rate, seed)[-1]
    told = results.verdicts.set_index("measure")
    assert set(told["verdict"]) == {"SUPPORTED"}
    assert told.loc["steps_held", "n"] == 12
    # The runs were there before the claim: nobody can know whether they had been looked at.
    assert told["post_hoc"].all()
    curve = results.curves.astype({"run_id": str, "metric": str})
    mine = curve[curve["run_id"] == runs.loc[("slow", 3), "run_id"]]
    np.testing.assert_array_equal(mine["value"], decay(0.025, 3))


def test_the_report_of_imported_runs_is_written(tmp_path: Path) -> None:
    results = optlab.run(write(tmp_path, table({"a": 0.1, "b": 0.05})), tmp_path / "out")
    report.render(results.folder)
    page = (results.folder / "report.md").read_text()
    assert "imported from mine.csv" in page


def test_imported_and_own_problems_share_a_spec(tmp_path: Path) -> None:
    spec = write(
        tmp_path,
        table({"theirs": 0.1}),
        more="steps: 5\nproblems: [{booth: {targets: {loss: 1}}}]\noptimizers: [sgd]\n",
    )
    results = optlab.run(spec, tmp_path / "out")
    kinds = results.runs.groupby("problem", observed=True)["optimizer"].unique()
    assert list(kinds["booth"]) == ["sgd"]
    assert list(kinds["mine"]) == ["theirs"]
    again = optlab.run(spec, tmp_path / "out")
    pd.testing.assert_frame_equal(again.runs, results.runs)


def test_a_run_that_diverged_is_told_from_one_that_merely_ends(tmp_path: Path) -> None:
    frame = table({"a": 0.1, "b": 0.1}, seeds=3)
    frame.loc[(frame["run"] == "a-1") & (frame["step"] == 50), "value"] = np.inf
    frame = frame[~((frame["run"] == "a-1") & (frame["step"] > 50))]
    frame = frame[~((frame["run"] == "b-2") & (frame["step"] > 70))]
    results = optlab.run(write(tmp_path, frame), tmp_path / "out")
    status = results.runs.set_index(["optimizer", "seed"])["status"]
    assert status[("a", 1)] == "diverged"
    assert status[("b", 2)] == "error"
    assert (status.drop([("a", 1), ("b", 2)]) == "hit").all()
    assert results.manifest["errors"][0]["runs"] == 1


def test_tune_rows_choose_and_evaluate_rows_are_reported(tmp_path: Path) -> None:
    parts = []
    for role in ("tune", "evaluate"):
        for lr, rate in ((0.1, 0.1), (0.2, 0.05 if role == "tune" else 0.3)):
            part = table({"a": rate}, seeds=3).assign(lr=lr, role=role)
            parts.append(part.assign(run=part["run"] + f"{role}{lr}"))
    results = optlab.run(write(tmp_path, pd.concat(parts)), tmp_path / "out")
    best = optlab.analysis.best_settings(results.runs, results.manifest)
    assert list(best["hyper.lr"]) == [0.1]
    assert list(best["chosen_on"]) == ["tune"]
    assert list(best["settings"]) == [2]


@pytest.mark.parametrize(
    "text", ["lr=0.1, beta=0.9", "lr=0.1; beta=0.9", '{"lr": 0.1, "beta": 0.9}']
)
def test_hyperparameters_may_stand_in_one_column(tmp_path: Path, text: str) -> None:
    frame = table({"a": 0.1}, seeds=1).drop(columns="lr").assign(hyperparameters=text)
    [contender] = read(write(tmp_path, frame)).contenders
    assert list(contender.settings()) == [{"lr": 0.1, "beta": 0.9}]


def test_several_problems_in_one_file_and_another_loss(tmp_path: Path) -> None:
    frame = pd.concat([table({"a": 0.1}, 2).assign(problem=p) for p in ("p", "q")])
    frame["metric"] = "val_loss"
    tasks = read(write(tmp_path, frame, "mine: {use: mine.csv, loss: val_loss, minimum: 0}")).tasks
    assert [task.name for task in tasks] == ["p", "q"]
    assert tasks[0].problem.minimum is not None


def test_an_edited_table_is_not_up_to_date(tmp_path: Path) -> None:
    from optlab import freshness

    frame = table({"a": 0.1}, 2)
    spec = write(tmp_path, frame)
    before = freshness.stamp(spec)
    frame.loc[0, "value"] += 1
    write(tmp_path, frame)
    assert freshness.stamp(spec) != before


def test_what_is_wrong_with_a_table_is_told_with_its_lines(tmp_path: Path) -> None:
    good = table({"a": 0.1}, 2)
    text = good.astype(object)
    text.loc[3, "seed"] = 1.5
    text.loc[4, "value"] = "low"
    text.loc[5, "lr"] = "big"
    text.loc[6, "run"] = None
    found = faults(tmp_path, text)
    assert "mine.csv: `seed` must be a whole number from 0 on (line 5)" in found
    assert (
        "mine.csv: `value` must be a number (nan or inf where the run diverged) (line 6)" in found
    )
    assert "mine.csv: `lr` must be a number (line 7)" in found
    assert "mine.csv: `run` is empty (line 8)" in found
    assert any(
        "no column value" in m and "it has run" in m
        for m in faults(tmp_path, good.drop(columns="value"))
    )
    assert any(
        "two values of one metric" in m for m in faults(tmp_path, pd.concat([good, good.iloc[:1]]))
    )
    same = good.assign(seed=0)
    assert any("same optimizer, setting, role and seed" in m for m in faults(tmp_path, same))
    lost = good.copy()
    lost.loc[4, "value"] = np.nan
    assert any("run 'a-0' has no number at step 40" in m for m in faults(tmp_path, lost))
    holes = good.drop(index=4)
    assert any("no loss at step 40" in m for m in faults(tmp_path, holes))
    assert any(
        "no metric 'loss'" in m and "val" in m for m in faults(tmp_path, good.assign(metric="val"))
    )
    assert any("no such file: other.csv" in m for m in faults(tmp_path, good, "other.csv"))
    assert any("no such key" in m for m in faults(tmp_path, good, "mine: {use: mine.csv, los: x}"))
    assert any("the optimizer 'a'" in m for m in faults(
        tmp_path, good, more="steps: 5\nproblems: [booth]\noptimizers: [{a: {use: sgd}}]\n"))  # fmt: skip
