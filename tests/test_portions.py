"""A sweep whose runs are made and told a portion at a time: the same tables as in one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import optlab
from optlab import lab, plan
from optlab.progress import Silent
from optlab.results import Results

HEAD = """
title: Portions
steps: 12
record: {keep: summary, every: 4}
targets: {gap_over_start: 1e-2}
"""
PROBLEMS = """
problems:
  - bowl: {use: quadratic, dim: 2, condition: 4}
  - again: {use: quadratic, dim: 2, condition: 4, targets: {gap_over_start: 1e-1}}
  - rosenbrock
"""
OPTIMIZERS = """
optimizers:
  - sgd: {lr: [0.3, 0.01, 0.1, 1.0, 10.0]}
  - momentum: {lr: [0.01, 0.1], beta: [0.5, 0.9]}
  - adam: {lr: 0.1}
"""
SPECS = {
    "every setting": f"{HEAD}seeds: {{tune: 2, evaluate: 3}}\n{PROBLEMS}{OPTIMIZERS}",
    "no trials apart": f"{HEAD}seeds: {{evaluate: 3}}\n{PROBLEMS}{OPTIMIZERS}",
    "two stages": f"{HEAD}seeds: {{tune: 2, evaluate: 3}}\ntuning: {{trials: 6}}\nprofile: {{lr: [0.01, 0.1]}}\n{PROBLEMS}"
    "optimizers:\n  - sgd: {search: {lr: {log: [1e-3, 10]}}}\n"
    "  - momentum: {search: {lr: {log: [1e-3, 1]}, beta: {linear: [0.1, 0.9]}}}\n  - adam: {lr: 0.1}\n",
    "a broken problem": f"{HEAD}seeds: {{tune: 2, evaluate: 3}}\n"
    "problems:\n  - broken: {use: 'mine.py:broken'}\n  - rosenbrock\n" + OPTIMIZERS,
}
BROKEN = """
import numpy
from optlab import problem, uniform

@problem(start=uniform(-1, 1, dim=2))
def broken(x):
    return numpy.asarray(x).sum(0)
"""


def made(folder: Path, text: str, most: int, monkeypatch: pytest.MonkeyPatch) -> Results:
    monkeypatch.setattr(plan, "PORTION", most)
    folder.mkdir(exist_ok=True)
    (folder / "mine.py").write_text(BROKEN)
    (folder / "sweep.yaml").write_text(text)
    return optlab.run(folder / "sweep.yaml", folder / "out")


def same(a: pd.DataFrame, b: pd.DataFrame) -> None:
    assert len(a)
    assert a.shape == b.shape
    assert_frame_equal(a, b, check_exact=True)


@pytest.mark.parametrize("text", SPECS.values(), ids=list(SPECS))
@pytest.mark.parametrize("most", [pytest.param(1, marks=pytest.mark.slow), 7])
def test_portions_change_nothing(
    text: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = made(tmp_path / "whole", text, 10**6, monkeypatch)
    parts = made(tmp_path / "parts", text, most, monkeypatch)
    same(parts.runs, whole.runs)
    same(parts.curves.astype({"run_id": str}), whole.curves.astype({"run_id": str}))
    same(parts.paths.astype({"run_id": str}), whole.paths.astype({"run_id": str}))
    assert (parts.folder / "runs.csv").read_bytes() == (whole.folder / "runs.csv").read_bytes()
    once = whole.runs.drop_duplicates(["problem", "optimizer", "run_id"])["status"].value_counts()
    for results in (whole, parts):
        assert {k: n for k, n in results.manifest["counts"].items() if n} == once.to_dict()
    assert parts.explained == whole.explained
    assert len(list(parts.pieces())) > len(list(whole.pieces())) == 1
    same(pd.concat(parts.pieces(), ignore_index=True), whole.runs)


@pytest.mark.parametrize("text", [SPECS["every setting"], SPECS["two stages"]])
def test_the_second_time_nothing_is_made(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made(tmp_path, text, 7, monkeypatch).runs
    there = {
        path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz") if "cells" in str(path)
    }
    again = made(tmp_path, text, 5, monkeypatch).runs  # cut elsewhere
    same(again, first)
    assert there == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.npz") if "cells" in str(p)}


def test_runs_of_two_portions_are_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two names of one problem, and a default that is in the grid."""
    results = made(tmp_path, SPECS["every setting"], 7, monkeypatch)
    summaries = list((results.folder / "cells").glob("*-*/*.npz"))
    kept = [name for path in summaries for name in _ids(path)]
    assert len(kept) == len(set(kept)) == results.runs["run_id"].nunique()


def _ids(path: Path) -> list[str]:
    import numpy as np

    with np.load(path) as file:
        return [str(name) for name in file["run_ids"]]


def test_imported_runs_come_in_portions_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"problem": "net", "optimizer": name, "run": f"{name}{seed}", "seed": seed, "step": step,
         "metric": "loss", "value": 2.0 - 0.1 * step * (seed + 1) * (1 + (name == "b"))}
        for name in "ab" for seed in range(6) for step in range(4)
        if not (name == "b" and seed == 4 and step == 3)
    ]  # fmt: skip
    results = []
    for name, most in (("whole", 10**6), ("parts", 2)):
        (tmp_path / name).mkdir()
        pd.DataFrame(rows).to_csv(tmp_path / name / "there.csv", index=False)
        text = (
            "title: t\nrecord: summary\nimport: [{net: {use: there.csv, targets: {loss: 1.8}}}]\n"
        )
        results.append(made(tmp_path / name, text, most, monkeypatch))
    same(results[1].runs, results[0].runs)
    assert results[0].manifest["counts"] == results[1].manifest["counts"]
    assert results[0].manifest["counts"]["error"] == 1
    same(results[1].curves.astype({"run_id": str}), results[0].curves.astype({"run_id": str}))


def test_a_long_table_is_not_written_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made(tmp_path, SPECS["every setting"], 7, monkeypatch).folder
    assert (folder / "runs.csv").exists()
    monkeypatch.setattr(lab, "LINES", 10)
    made(tmp_path, SPECS["every setting"], 7, monkeypatch)
    assert not (folder / "runs.csv").exists()


def test_a_table_of_runs_is_read_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = made(tmp_path, SPECS["every setting"], 7, monkeypatch)
    assert "runs" not in results.__dict__
    [*pieces] = results.pieces(["seed"])
    assert {*pieces[0]} == {"seed"}
    assert "runs" not in results.__dict__
    assert len(results.runs) == sum(map(len, pieces))
    with pytest.raises(KeyError, match="no column nothing"):
        next(results.pieces(["nothing"]))
    stale = optlab.load(results.folder)
    made(tmp_path, SPECS["no trials apart"], 7, monkeypatch)
    with pytest.raises(ValueError, match="was written again since it was loaded"):
        _ = stale.runs
    with pytest.raises(AttributeError, match="nothing"):
        _ = results.nothing


def test_what_another_problem_asks_changes_no_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor do names that hold each other, `a` and `a/b`."""
    first = f"{HEAD}seeds: {{evaluate: 3}}\nproblems:\n  - a: {{use: booth}}\n{OPTIMIZERS}"
    made(tmp_path, first, 7, monkeypatch)
    cells = sorted((tmp_path / "out").rglob("cells/*/*.npz"))
    more = first.replace(
        "optimizers:", "  - a/b: {use: rosenbrock, targets: {gap: 0.5}}\noptimizers:"
    )
    runs = made(tmp_path, more, 7, monkeypatch).runs
    assert set(runs["problem"]) == {"a", "a/b"}
    assert set(cells) < set((tmp_path / "out").rglob("cells/*/*.npz"))
    own = {p: p.stat().st_mtime_ns for p in cells}
    made(tmp_path, more.replace("gap: 0.5", "gap: 0.25"), 7, monkeypatch)
    assert own == {p: p.stat().st_mtime_ns for p in cells}


def test_one_problem_under_names_that_hold_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SPECS["no trials apart"].replace("- again:", "- bowl/again:")
    runs = made(tmp_path, text, 7, monkeypatch).runs
    assert len(runs[runs["problem"] == "bowl"]) == len(runs[runs["problem"] == "bowl/again"])


def test_a_claim_after_a_look_is_told_so_whatever_the_targets_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SPECS["every setting"].replace("  - rosenbrock\n", "")
    made(tmp_path, text, 7, monkeypatch)
    later = text.replace("1e-1", "1e-3") + "claims: [momentum is faster than sgd]\n"
    found = made(tmp_path, later, 7, monkeypatch)
    assert [claim["post_hoc"] for claim in found.manifest["claims"]] == [True]


def test_runs_made_again_for_their_curves_are_not_counted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []

    class Heard(Silent):
        def begin(self, name: str, runs: int, run_steps: int, stored: int, later: int) -> None:
            told.append((runs, stored))

    made(tmp_path, SPECS["every setting"], 10**6, monkeypatch)
    (tmp_path / "other").mkdir()
    spec = tmp_path / "other/sweep.yaml"
    spec.write_text(SPECS["every setting"])
    results = optlab.run(spec, tmp_path / "other/out", Heard())
    once = len(results.runs.drop_duplicates(["problem", "optimizer", "run_id"]))
    assert told[-1] == (once, 0)


def test_what_broke_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SPECS["a broken problem"].replace(
        "  - rosenbrock", "  - twice: {use: 'mine.py:broken'}\n  - rosenbrock"
    )
    told = [
        made(tmp_path / str(most), text, most, monkeypatch).manifest["errors"]
        for most in (3, 10**6)
    ]
    assert told[0] == told[1]
    assert [(e["problem"], e["optimizer"]) for e in told[0]] == [
        ("broken", o) for o in ("sgd", "momentum", "adam")
    ]


def test_an_interrupted_run_leaves_no_tables_of_two_specs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made(tmp_path, SPECS["no trials apart"], 7, monkeypatch).folder

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(lab._Laboratory, "_again", stop)
        with pytest.raises(KeyboardInterrupt):
            made(
                tmp_path, SPECS["no trials apart"].replace("steps: 12", "steps: 8"), 7, monkeypatch
            )
    with pytest.raises(FileNotFoundError, match="did not come to its end"):
        optlab.load(folder)
    assert set(made(tmp_path, SPECS["no trials apart"], 7, monkeypatch).runs["steps_done"]) <= set(
        range(13)
    )


def test_runs_from_elsewhere_stay_in_one_portion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their table need not have the runs of a setting in a row."""
    rows = [
        {"problem": "net", "optimizer": "a", "run": f"{lr}-{seed}", "seed": seed, "step": step, "lr": lr,
         "metric": "loss", "value": 2.0 - lr * step - 0.01 * seed}
        for seed in range(9) for lr in (0.1, 0.2, 0.3) for step in range(4)
    ]  # fmt: skip
    found = []
    for name, most in (("whole", 10**6), ("parts", 4)):
        (tmp_path / name).mkdir()
        pd.DataFrame(rows).to_csv(tmp_path / name / "there.csv", index=False)
        text = (
            "title: t\nrecord: summary\nimport: [{net: {use: there.csv, targets: {loss: 1.8}}}]\n"
        )
        found.append(made(tmp_path / name, text, most, monkeypatch))
    same(found[1].runs, found[0].runs)
    same(found[1].curves.astype({"run_id": str}), found[0].curves.astype({"run_id": str}))
