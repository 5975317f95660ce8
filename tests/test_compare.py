"""The gate: what is the same passes, what changed is told in the words of whoever must mend it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import optlab
from optlab import cli
from optlab.compare import (
    CompareError,
    as_json,
    as_markdown,
    as_text,
    compare,
    read_baseline,
    read_side,
    taken,
    write_baseline,
)
from optlab.results import Results, load

SPEC = """
title: Two bowls
steps: 20
seeds: {tune: 1, evaluate: 2}
targets: {gap_over_start: 1e-3}
problems:
  - bowl: {use: quadratic, dim: 3, condition: 2}
  - cup: {use: mine.py:cup}
optimizers:
  - sgd: {lr: [0.1, 0.5]}
  - step: {use: mine.py:step, lr: [0.2]}
"""
MINE = """
from optlab import problem

@problem(start=[3.0, -2.0], minimum=0.0)
def cup(x):
    return 0.5 * (x[0] * x[0] + 4.0 * x[1] * x[1])

def step(x, g, *, lr=0.1):
    x = x - lr * g
    return x
"""


def made(
    folder: Path, spec: str = SPEC, mine: str = MINE, name: str = "two.yaml", out: str = "out"
) -> Results:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(spec, encoding="utf-8")
    (folder / "mine.py").write_text(mine, encoding="utf-8")
    return optlab.run(folder / name, folder / out)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return made(tmp_path_factory.mktemp("base"))


def changed(
    base: Results,
    folder: Path,
    runs: Callable[[pd.DataFrame], pd.DataFrame | None] | None = None,
    manifest: Callable[[dict[str, Any]], None] | None = None,
) -> Results:
    """A copy of the folder in which the tables were touched after the runs."""
    shutil.copytree(base.folder, folder, ignore=shutil.ignore_patterns("cells", "verdicts.csv"))
    if runs is not None:
        table = base.runs.copy()
        table = table if (new := runs(table)) is None else new
        table.to_parquet(folder / "runs.parquet", index=False)
    if manifest is not None:
        told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        manifest(told)
        (folder / "manifest.json").write_text(json.dumps(told), encoding="utf-8")
    return load(folder)


def places(runs: pd.DataFrame, problem: str, optimizer: str, **more: Any) -> np.ndarray:
    """Where the runs are that have these names and values."""
    here = (runs["problem"] == problem) & (runs["optimizer"] == optimizer)
    for name, value in more.items():
        here &= runs["hyper.lr" if name == "lr" else name] == value
    assert here.any()
    return here.to_numpy()


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, ["compare", *map(str, arguments)], env={"TERM": "dumb"})


# --- what is the same ---


def test_the_same_spec_run_twice_has_the_same_bits(base: Results, tmp_path: Path) -> None:
    again = made(tmp_path)
    found = compare(base, again, rtol=0)
    assert found.same
    assert found.changed == 0
    assert found.paired == base.runs[["run_id", "problem", "optimizer"]].drop_duplicates().shape[0]
    assert found.notes == ()
    assert found.causes == ()
    told = call(base.folder, again.folder, "--rtol", "0")
    assert told.exit_code == 0
    assert told.output.startswith(f"No change: B ({again.folder}) against A ({base.folder}). ")
    assert f"{found.paired} runs paired, none of them changed" in told.output
    assert "the bits must be the same" in told.output


def test_a_run_of_several_parts_is_paired_once(base: Results, tmp_path: Path) -> None:
    def twice(runs: pd.DataFrame) -> pd.DataFrame:
        chosen = runs[runs["role"] == "evaluate"].assign(part="chosen")
        return pd.concat([runs, chosen], ignore_index=True)

    found = compare(base, changed(base, tmp_path / "b", twice))
    assert found.same
    assert found.paired == base.runs["run_id"].nunique()


def test_rows_of_one_run_that_contradict_each_other_are_a_damaged_table(
    base: Results, tmp_path: Path
) -> None:
    def contradict(runs: pd.DataFrame) -> pd.DataFrame:
        return pd.concat([runs, runs[:1].assign(part="chosen", loss_final=7.0)], ignore_index=True)

    b = changed(base, tmp_path / "b", contradict)
    with pytest.raises(CompareError, match="stands in two rows that contradict each other"):
        compare(base, b)
    told = call(base.folder, b.folder)
    assert told.exit_code == 2
    assert base.runs["run_id"][0] in told.output


def test_nan_is_nan_and_infinity_infinity(base: Results, tmp_path: Path) -> None:
    def odd(value: float) -> Callable[[pd.DataFrame], None]:
        return lambda runs: runs.__setitem__("loss_best", value)

    for i, value in enumerate((np.nan, np.inf, -np.inf)):
        a, b = (changed(base, tmp_path / f"{i}{side}", odd(value)) for side in "ab")
        assert compare(a, b, rtol=0).same
        other = compare(a, base)
        assert set(other.numbers["column"]) == {"loss_best"}
        assert np.isinf(other.numbers["relative"]).all()


def test_the_sign_of_zero_is_a_bit(base: Results, tmp_path: Path) -> None:
    a = changed(base, tmp_path / "a", lambda runs: runs.__setitem__("loss_best", 0.0))
    b = changed(base, tmp_path / "b", lambda runs: runs.__setitem__("loss_best", -0.0))
    assert compare(a, b).same
    assert not compare(a, b, rtol=0).same


# --- numbers and statuses ---


def test_a_value_that_moved_by_a_millionth(base: Results, tmp_path: Path) -> None:
    def move(runs: pd.DataFrame) -> None:
        here = places(runs, "bowl", "sgd", lr=0.1, role="evaluate", seed=1)
        runs.loc[here, "loss_final"] *= 1 + 1e-6

    b = changed(base, tmp_path / "b", move)
    found = compare(base, b)
    assert found.changed == 1
    [row] = found.numbers.to_dict("records")
    assert row["relative"] == pytest.approx(1e-6, rel=1e-4)
    assert (row["problem"], row["optimizer"], row["column"]) == ("bowl", "sgd", "loss_final")
    assert (row["role"], row["seed"], row["setting"]) == ("evaluate", 1, "lr 0.1")
    assert row["b"] == pytest.approx(row["a"] * (1 + 1e-6), rel=1e-15)
    told = call(base.folder, b.folder)
    assert told.exit_code == 1
    assert "1 of them changed" in told.output
    # Both values, to as many figures as tell them apart.
    [line] = [line for line in told.output.splitlines() if "relative 1.0e-06" in line]
    before, after = line.split("loss_final")[1].split("lr 0.1")[0].split(" -> ")
    assert float(after) / float(before) == pytest.approx(1 + 1e-6, abs=3e-6)
    assert before.strip() != after.strip()
    assert line.rstrip().endswith("lr 0.1, evaluate seed 1")
    assert "1 of 8" in line  # two rates on 1 + 2 seeds, the default on 2
    assert call(base.folder, b.folder, "--rtol", "1e-5").exit_code == 0
    assert call(base.folder, b.folder, "--atol", "1").exit_code == 0


def test_a_status_that_changed_is_told_first(base: Results, tmp_path: Path) -> None:
    def flip(runs: pd.DataFrame) -> None:
        hit = places(runs, "bowl", "sgd", status="hit")
        runs.loc[hit, "status"] = "diverged"
        runs.loc[hit, "loss_final"] = np.inf
        runs.loc[places(runs, "cup", "step"), "loss_first"] *= 2

    b = changed(base, tmp_path / "b", flip)
    hits = base.runs[places(base.runs, "bowl", "sgd", status="hit")]
    told = as_text(compare(base, b))
    _, first, second, *_ = told.split("\n\n")
    title, line = first.splitlines()
    assert title == "Status changed"
    n = hits["run_id"].nunique()
    assert line.startswith(f"  hit -> diverged: {n} run{'s' * (n > 1)} of sgd on bowl, ")
    # A diverged run's numbers are no news of their own.
    assert second.startswith("Numbers changed in runs whose status stayed")
    assert "inf" not in second
    assert "loss_first" in second
    assert "relative 5.0e-01" in second


def test_statuses_are_told_the_worst_first(base: Results, tmp_path: Path) -> None:
    a = changed(base, tmp_path / "a", lambda runs: runs.__setitem__("status", "budget"))

    def three(runs: pd.DataFrame) -> None:
        runs["status"] = "budget"
        runs.loc[places(runs, "bowl", "sgd"), "status"] = "hit"
        runs.loc[places(runs, "bowl", "step"), "status"] = "diverged"
        runs.loc[places(runs, "cup", "sgd"), "status"] = "error"

    told = as_text(compare(a, changed(base, tmp_path / "b", three)))
    worst = [
        line.split(":")[0].strip()
        for line in told.splitlines()
        if " runs of " in line or "1 run of" in line
    ]
    assert worst == ["budget -> error", "budget -> diverged", "budget -> hit"]


def test_a_time_that_became_never_is_told_in_words(base: Results, tmp_path: Path) -> None:
    column = "reached.gap_over_start <= 0.001"
    reached = np.isfinite(base.runs[column]).to_numpy()
    assert reached.any()

    def never(runs: pd.DataFrame) -> None:
        runs.loc[reached, column] = np.inf

    told = as_text(compare(base, changed(base, tmp_path / "b", never)))
    assert "no size" in told
    assert "reached gap ≤ 0.001 × its start" in told
    assert "-> never" in told


def test_a_gap_has_the_rounding_of_its_loss(base: Results, tmp_path: Path) -> None:
    """f = 1 with f* = 1 - 1e-12: the last bits of f are a tenth of a thousandth of the gap."""

    def near(loss: float) -> Callable[[pd.DataFrame], None]:
        def edit(runs: pd.DataFrame) -> None:
            runs["loss_final"], runs["gap"] = loss, loss - (1 - 1e-12)

        return edit

    a = changed(base, tmp_path / "a", near(1.0))
    b = changed(base, tmp_path / "b", near(1.0 + 2**-52))
    assert compare(a, b).same
    assert set(compare(a, b, rtol=0).numbers["column"]) == {"loss_final", "gap"}


def test_rounding_near_zero_has_a_remedy(base: Results, tmp_path: Path) -> None:
    a = changed(base, tmp_path / "a", lambda runs: runs.__setitem__("loss_final", 3e-17))
    b = changed(base, tmp_path / "b", lambda runs: runs.__setitem__("loss_final", 5e-17))
    assert "`--atol 1e-16` lets them pass" in as_text(compare(a, b))
    assert call(a.folder, b.folder, "--atol", "1e-16").exit_code == 0


def test_another_rule_of_the_same_name_is_named_as_the_cause(base: Results, tmp_path: Path) -> None:
    other = MINE.replace("x = x - lr * g", "x = x - lr * g * 0.5")
    found = compare(base, made(tmp_path, mine=other))
    assert set(found.numbers["optimizer"]) == {"step"}
    assert "the code of step is not the same in A and B" in found.causes
    assert "What else differs, and may be why" in as_text(found)


# --- problems ---


def test_a_problem_that_changed_under_its_name_is_refused(base: Results, tmp_path: Path) -> None:
    """What a suite did whose Hessian was drawn anew in each run: same name, same parameters, same
    identity of every run."""
    steeper = MINE.replace("4.0 * x[1]", "5.0 * x[1]")
    b = made(tmp_path, mine=steeper)
    assert set(b.runs["run_id"]) == set(base.runs["run_id"])
    found = compare(base, b)
    [row] = found.refused.to_dict("records")
    assert (row["problem"], row["probe"], row["quantity"]) == ("cup", 1, "value")
    # f is (a + 4 b) / 2 in A and (a + 5 b) / 2 in B for two squares: within these two bounds.
    assert 1 < row["b"] / row["a"] < 5 / 4
    assert set(found.counts["problem"]) == {"bowl"}  # the other is compared
    assert found.numbers.empty
    told = call(base.folder, b.folder)
    assert told.exit_code == 1
    assert "Not compared: not known to be the same problem" in told.output
    assert "cup: the fingerprints differ: at probe point 1 of 3, the value is " in told.output


@pytest.mark.parametrize(("share", "refused"), [(1e-13, False), (1e-7, True)])
def test_libraries_may_change_last_bits_of_a_fingerprint(
    base: Results, tmp_path: Path, share: float, refused: bool
) -> None:
    def nudge(manifest: dict[str, Any]) -> None:
        manifest["problems"][0]["fingerprint"][2]["gradient_norm"] *= 1 + share

    found = compare(base, changed(base, tmp_path / "b", manifest=nudge))
    assert found.same is not refused
    if refused:
        assert found.refused.iloc[0]["probe"] == 3
        assert "the norm of its gradient is" in as_text(found)


def test_a_weighted_gradient_that_cancels_is_judged_by_what_it_cancelled_from(
    base: Results, tmp_path: Path
) -> None:
    def at(value: float) -> Callable[[dict[str, Any]], None]:
        def edit(manifest: dict[str, Any]) -> None:
            for probe in manifest["problems"][0]["fingerprint"]:
                probe["weighted"] = value

        return edit

    a = changed(base, tmp_path / "a", manifest=at(1e-17))
    assert compare(a, changed(base, tmp_path / "b", manifest=at(-3e-17))).same
    assert not compare(a, changed(base, tmp_path / "c", manifest=at(1e-6))).same


@pytest.mark.parametrize("gone", [[], None, "ab12"])
def test_a_fingerprint_that_is_missing_shows_nothing(
    base: Results, tmp_path: Path, gone: Any
) -> None:
    def drop(manifest: dict[str, Any]) -> None:
        manifest["problems"][0]["fingerprint"] = gone

    b = changed(base, tmp_path / "b", manifest=drop)
    told = as_text(compare(base, b))
    assert "bowl: no fingerprint in B: nothing shows that it is the same problem." in told
    assert "no fingerprint in either folder" in as_text(compare(b, b))


def test_a_problem_that_broke_is_told_by_its_statuses(base: Results, tmp_path: Path) -> None:
    def drop(manifest: dict[str, Any]) -> None:
        manifest["problems"][0]["fingerprint"] = []
        manifest["errors"] = [
            {"problem": "bowl", "optimizer": "sgd", "runs": 8, "message": "OSError: no data"}
        ]

    def broke(runs: pd.DataFrame) -> None:
        runs.loc[runs["problem"] == "bowl", "status"] = "error"

    b = changed(base, tmp_path / "b", broke, drop)
    assert compare(b, b).same
    found = compare(base, b)
    assert found.refused.empty
    assert set(found.statuses["b"]) == {"error"}
    lines = [line for line in as_text(found).splitlines() if "of sgd on bowl" in line]
    assert lines
    assert all(line.endswith(" seed 0: OSError: no data") for line in lines)


def test_other_parameters_are_other_runs_and_it_says_so(base: Results, tmp_path: Path) -> None:
    b = made(tmp_path, SPEC.replace("condition: 2", "condition: 3"))
    found = compare(base, b)
    assert set(found.only["problem"]) == {"bowl"}
    assert set(found.only["side"]) == {"A", "B"}
    assert found.numbers.empty
    told = as_text(found)
    assert "bowl has other parameters: condition is 2.0 in A and 3.0 in B" in told
    # One line for both optimizers.
    assert told.count("only in A: ") == 1
    assert "of sgd and step on bowl" in told


def test_a_parameter_that_is_new_and_changes_nothing_is_told_as_such(
    base: Results, tmp_path: Path
) -> None:
    """As after an optlab whose quadratic has one parameter more."""

    def more(manifest: dict[str, Any]) -> None:
        manifest["problems"][0]["parameters"]["tilt"] = 0.0

    def others(runs: pd.DataFrame) -> None:
        here = runs["problem"] == "bowl"
        runs.loc[here, "run_id"] = "n" + runs.loc[here, "run_id"]

    told = as_text(compare(base, changed(base, tmp_path / "b", others, more)))
    assert (
        "bowl has other parameters: tilt is not set in A and 0.0 in B (its fingerprint is the "
        "same, yet its runs have another identity)" in told
    )


def test_a_problem_under_another_name_is_found(base: Results, tmp_path: Path) -> None:
    b = made(tmp_path, SPEC.replace("- bowl:", "- basin:"))
    found = compare(base, b)
    assert found.same
    [note] = found.notes
    assert note.startswith("the problem that A calls bowl is called basin in B")


def test_an_optimizer_under_another_name_is_found(base: Results, tmp_path: Path) -> None:
    b = made(tmp_path, SPEC.replace("- sgd: {", "- plain: {use: sgd, "))
    found = compare(base, b)
    assert found.same
    assert any("the optimizer that A calls sgd is called plain" in note for note in found.notes)


# --- runs without a partner ---


def test_another_rate_is_named(base: Results, tmp_path: Path) -> None:
    b = made(tmp_path, SPEC.replace("lr: [0.1, 0.5]", "lr: [0.1, 0.4]"))
    found = compare(base, b)
    why = dict(
        zip(
            zip(found.only["side"], found.only["problem"], strict=True),
            found.only["why"],
            strict=True,
        )
    )
    assert why["A", "bowl"] == "not tried in B: lr 0.5"
    assert why["B", "cup"] == "not tried in A: lr 0.4"
    assert found.changed == 0
    assert call(base.folder, b.folder).exit_code == 1


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("steps: 20", "steps: 25", "steps 20 in A, 25 in B"),
        ("evaluate: 2}", "evaluate: 2, experiment: 7}", "the experiment's seed 0 in A, 7 in B"),
        ("steps: 20", "steps: 20\nprecision: float32", "precision float64 in A, float32 in B"),
        ("evaluate: 2}", "evaluate: 3}", "not run in A: evaluate seed 2"),
        ("  - sgd: {lr: [0.1, 0.5]}\n", "", "sgd was not run on bowl in B"),
        ("  - cup: {use: mine.py:cup}\n", "", "cup is not in B"),
    ],
)
def test_why_a_run_has_no_partner(
    base: Results, tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert old in SPEC
    found = compare(base, made(tmp_path, SPEC.replace(old, new)))
    assert told in set(found.only["why"])
    assert not found.same
    assert found.numbers.empty


def test_missing_runs_are_counted(base: Results, tmp_path: Path) -> None:
    def lose(runs: pd.DataFrame) -> pd.DataFrame:
        return runs[~places(runs, "bowl", "sgd", role="evaluate", seed=1)]

    b = changed(base, tmp_path / "b", lose)
    found = compare(base, b)
    [row] = found.only.to_dict("records")
    assert (row["side"], row["optimizer"], row["seeds"]) == ("A", "sgd", 1)
    gone = places(base.runs, "bowl", "sgd", role="evaluate", seed=1)
    assert row["runs"] == base.runs[gone]["run_id"].nunique()
    assert row["why"] == "not run in B: evaluate seed 1"


def test_a_target_of_one_side_is_a_change(base: Results, tmp_path: Path) -> None:
    b = made(tmp_path, SPEC.replace("1e-3}", "1e-2}"))
    found = compare(base, b)
    assert set(found.targets["target"]) == {"gap_over_start <= 0.001", "gap_over_start <= 0.01"}
    told = as_text(found)
    assert "only in B: gap ≤ 0.01 × its start on cup" in told
    # A hit is what the first target says, and a status that changed has this cause.
    goals = ("gap ≤ 0.001 × its start", "gap ≤ 0.01 × its start")
    assert "a hit is told by {} in A and by {} in B".format(*goals) in told


def test_another_cadence_and_another_version_are_causes(base: Results, tmp_path: Path) -> None:
    def elsewhere(manifest: dict[str, Any]) -> None:
        manifest["versions"]["jax"] = "0.9.0"
        manifest["processor"] = "another kind"
        del manifest["versions"]["optlab"]
        manifest["problems"][0]["cadence"] = 4
        manifest["problems"][1]["minimum"]["value"] = 0.25

    found = compare(base, changed(base, tmp_path / "b", manifest=elsewhere))
    version = base.manifest["versions"]["jax"]
    assert f"jax {version} in A, 0.9.0 in B" in found.causes
    told = as_text(found)
    assert "in A, of a version not told in B" in told
    assert "another processor, on which the last bits may differ" in told
    assert "bowl is recorded every 1 steps in A and every 4 in B" in told
    assert "the minimum of cup is 0.0 (" in told
    assert "0.25 (" in told
    assert "What else differs, without effect" in told  # the tables are the same


# --- only ---


def test_only_a_part_is_compared(base: Results, tmp_path: Path) -> None:
    def move(runs: pd.DataFrame) -> None:
        runs.loc[places(runs, "cup", "step"), "loss_final"] += 1

    b = changed(base, tmp_path / "b", move)
    assert call(base.folder, b.folder, "--only", "bowl").exit_code == 0
    assert call(base.folder, b.folder, "--only", "*/sgd").exit_code == 0
    assert call(base.folder, b.folder, "--only", "cup/step").exit_code == 1
    wrong = call(base.folder, b.folder, "--only", "cup/adam")
    assert wrong.exit_code == 2
    assert "--only cup/adam: no run is of that; the problems are bowl, cup, the optimizers sgd, step" in wrong.output  # fmt: skip


# --- verdicts ---


VERDICTS = pd.DataFrame(
    {
        "claim": ["c1", "c1", "c2"],
        "text": ["step is faster than sgd", "step is faster than sgd", "sgd never diverges"],
        "declared": "2026-11-22T21:00:00+00:00",
        "post_hoc": False,
        "kind": ["better", "better", "never"],
        "a": ["step", "step", "sgd"],
        "b": ["sgd", "sgd", ""],
        "selection_a": ["tuned", "tuned", "default"],
        "selection_b": ["tuned", "tuned", ""],
        "problem": ["bowl", "cup", "bowl"],
        "measure": ["steps_held", "steps_held", "diverged"],
        "target": ["gap_over_start <= 0.001", "gap_over_start <= 0.001", ""],
        "verdict": ["SUPPORTED", "REFUTED", "TRUE HERE"],
        "label": ["", "reversed", ""],
        "effect": [0.1 + 0.2, -0.25, np.nan],
        "low": [0.1, -0.5, np.nan],
        "high": [np.inf, -0.125, np.nan],
        "margin": [1.1, 1.1, np.nan],
        "n": [10, 10, 10],
        "sentence": "",
    }
)


def judged(
    base: Results, folder: Path, edit: Callable[[pd.DataFrame], Any] | None = None
) -> Results:
    results = changed(base, folder)
    table = VERDICTS.copy()
    table = table if edit is None or (new := edit(table)) is None else new
    table.to_csv(folder / "verdicts.csv", index=False)
    return results


def test_verdicts_that_stayed(base: Results, tmp_path: Path) -> None:
    later = judged(base, tmp_path / "b", lambda v: v.__setitem__("declared", "2027-01-01"))
    found = compare(judged(base, tmp_path / "a"), later, rtol=0)
    assert found.same
    assert found.verdicts_paired == 3
    assert "3 verdicts paired, none of them changed" in as_text(found)


def test_a_verdict_that_changed_is_a_sentence(base: Results, tmp_path: Path) -> None:
    def edit(verdicts: pd.DataFrame) -> None:
        verdicts.loc[0, "verdict"] = "INCONCLUSIVE"
        verdicts.loc[1, "label"] = ""
        verdicts.loc[2, "verdict"] = "FALSE HERE"

    told = as_text(compare(judged(base, tmp_path / "a"), judged(base, tmp_path / "b", edit)))
    at = "steps_held, gap ≤ 0.001 × its start"
    assert told.split("Verdicts changed\n")[1].splitlines() == [
        f"  step is faster than sgd on bowl (step against sgd: {at}): SUPPORTED -> INCONCLUSIVE",
        f"  step is faster than sgd on cup (step against sgd: {at}): REFUTED (reversed) -> REFUTED",
        "  sgd never diverges on bowl (sgd (default): diverged): TRUE HERE -> FALSE HERE",
    ]
    assert "3 verdicts paired, 3 of them changed" in told


def test_a_verdict_may_stay_while_its_numbers_move(base: Results, tmp_path: Path) -> None:
    def edit(verdicts: pd.DataFrame) -> None:
        verdicts.loc[0, "effect"] = 0.25
        verdicts.loc[1, "margin"] = 1.5

    found = compare(judged(base, tmp_path / "a"), judged(base, tmp_path / "b", edit))
    told = as_text(found)
    assert list(found.verdicts["what"]) == ["numbers", "rules"]
    assert "still SUPPORTED, but effect 0.3 -> 0.25" in told
    assert "judged by other rules (margin 1.1 -> 1.5); still REFUTED (reversed)" in told
    assert "3 verdicts paired, none of them changed" in told


def test_a_ratio_that_moved_is_told_as_a_ratio(base: Results, tmp_path: Path) -> None:
    def ratios(effect: float) -> Any:
        def edit(verdicts: pd.DataFrame) -> None:
            verdicts["scale"] = "ratio"
            verdicts.loc[0, "effect"] = effect

        return edit

    a, b = judged(base, tmp_path / "a", ratios(1.0)), judged(base, tmp_path / "b", ratios(2.0))
    assert "still SUPPORTED, but effect 10 times -> 100 times" in as_text(compare(a, b))


def test_of_many_numbers_that_moved_the_largest_is_told(base: Results, tmp_path: Path) -> None:
    def edit(verdicts: pd.DataFrame) -> None:
        verdicts["n"] = [11, 12, 10]

    told = as_text(compare(judged(base, tmp_path / "a"), judged(base, tmp_path / "b", edit)))
    [line] = told.split("Verdicts changed\n")[1].splitlines()
    assert "on cup" in line
    assert line.endswith("but n 10 -> 12; so do the numbers of 1 other")


def test_claims_that_came_and_went(base: Results, tmp_path: Path) -> None:
    b = judged(base, tmp_path / "b", lambda v: v[:2].assign(claim=["c1", "c3"]))
    found = compare(judged(base, tmp_path / "a"), b)
    assert list(found.verdicts["what"]) == ["A", "A", "B"]
    told = as_text(found)
    assert "TRUE HERE in A, not judged in B" in told
    assert "not judged in A, REFUTED (reversed) in B" in told


def test_folders_from_before_verdicts(base: Results, tmp_path: Path) -> None:
    new = judged(base, tmp_path / "new")
    old = changed(base, tmp_path / "old", manifest=lambda m: m.pop("claims", None) and None)
    found = compare(old, new)
    assert found.same
    [note] = found.notes
    assert note.startswith("A has no verdicts.csv, so no verdicts are compared")
    # A folder that knows of claims and has none made none: then the verdicts of the other are new.
    none = changed(base, tmp_path / "none", manifest=lambda m: m.update(claims=[]))
    assert list(compare(none, new).verdicts["what"]) == ["B"] * 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("claim,text\n1,2\n", "not a table of verdicts: it has no column a, b, "),
        (None, "column effect: could not convert string to float"),
        ("", "cannot be read"),
    ],
)
def test_damaged_verdicts(base: Results, tmp_path: Path, text: str | None, told: str) -> None:
    b = judged(base, tmp_path / "b")
    path = b.folder / "verdicts.csv"
    text = path.read_text("utf-8").replace("-0.25", "much") if text is None else text
    path.write_text(text, "utf-8")
    answer = call(base.folder, b.folder)
    assert answer.exit_code == 2
    assert told in answer.output
    assert str(b.folder) in answer.output


# --- baselines ---


@pytest.mark.parametrize("name", ["base.json", "base.json.gz"])
def test_a_baseline_says_what_its_folder_says(base: Results, tmp_path: Path, name: str) -> None:
    a = judged(base, tmp_path / "a")
    file = tmp_path / "kept" / name
    told = call(a.folder, "--write-baseline", file)
    assert told.exit_code == 0, told.output
    assert f"{file}: a baseline of " in told.output
    assert "and 3 verdicts" in told.output
    assert compare(read_baseline(file), a, rtol=0).same
    kept = read_baseline(file).runs
    pd.testing.assert_frame_equal(kept, taken(a).runs, check_dtype=False, check_exact=True)
    first = file.read_bytes()
    again = judged(base, tmp_path / "again")  # another folder, the same results
    assert call(again.folder, "--write-baseline", file).exit_code == 0
    assert file.read_bytes() == first
    assert call(again.folder, "--baseline", file, "--rtol", "0").exit_code == 0


def test_a_baseline_has_a_line_a_run(base: Results, tmp_path: Path) -> None:
    file = write_baseline(taken(base), tmp_path / "base.json")
    text = file.read_text(encoding="utf-8")
    json.loads(text, parse_constant=pytest.fail)  # JSON as everybody reads it, without NaN
    lines = text.splitlines()
    for run_id in base.runs["run_id"]:
        assert sum(run_id in line for line in lines) == 1
    assert str(base.folder) not in text


def test_a_folder_is_held_against_its_baseline(base: Results, tmp_path: Path) -> None:
    file = write_baseline(taken(base), tmp_path / "base.json")
    steeper = made(tmp_path / "b", mine=MINE.replace("4.0 * x[1]", "5.0 * x[1]"))
    told = call(steeper.folder, "--baseline", file)
    assert told.exit_code == 1
    # What was is A, what is now is B.
    assert f"B ({steeper.folder}) against A ({file})" in told.output
    assert "cup: the fingerprints differ" in told.output


def test_a_baseline_of_results_that_changed_differs_in_their_lines(
    base: Results, tmp_path: Path
) -> None:
    def move(runs: pd.DataFrame) -> None:
        runs.loc[places(runs, "bowl", "sgd", lr=0.1, role="evaluate", seed=1), "gap"] += 1

    b = changed(base, tmp_path / "b", move)
    a = changed(base, tmp_path / "a")
    texts = [
        write_baseline(taken(r), tmp_path / f"{i}.json").read_text("utf-8").splitlines()
        for i, r in enumerate((a, b))
    ]
    differing = [x for x, y in zip(*texts, strict=True) if x != y]
    assert len(differing) == 1


# --- wrong calls ---


def test_wrong_calls(base: Results, tmp_path: Path) -> None:
    here, empty = base.folder, tmp_path / "empty"
    empty.mkdir()
    page = tmp_path / "page.html"
    page.write_text("<html>", "utf-8")
    later = tmp_path / "later.json"
    later.write_text('{"optlab baseline": 2}', "utf-8")
    for arguments, told in [
        ((here,), "alone: give a second folder to hold against it, or --baseline FILE, or"),
        ((here, here, "--baseline", later), "one of a second folder, --baseline and"),
        ((here, tmp_path / "nowhere"), "nowhere: there is no such folder of results"),
        ((empty, here), "empty: no results here (no manifest.json)"),
        ((here, page), "page.html: not a baseline; `optlab compare FOLDER --write-baseline FILE`"),
        ((here, "--baseline", later), "a baseline of format 2, made by another version of optlab"),
        ((here, here, "--rtol", "-1"), "--rtol -1: a tolerance is 0 or a positive number"),
        ((here, here, "--atol", "nan"), "--atol nan: a tolerance is 0 or a positive number"),
        ((here, "--write-baseline", page), "this file exists and is no baseline"),
        ((here, "--write-baseline", empty), "this is a folder; name a file"),
        ((here, "--write-baseline", later, "--only", "bowl"), "leave out --only"),
    ]:
        answer = call(*arguments)
        assert answer.exit_code == 2, (arguments, answer.output)
        assert told in answer.output
        assert len(answer.output.splitlines()) == 1
    assert page.read_text("utf-8") == "<html>"


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("runs.parquet", b"PAR1 but no more", "is not whole: runs.parquet is damaged"),
        ("manifest.json", b"{", "is not whole: manifest.json is damaged"),
        ("manifest.json", b"[]", "is not whole: manifest.json is damaged (no name"),
        ("runs.parquet", None, "is not whole: runs.parquet is missing; `optlab run` with its spec"),
    ],
)
def test_damaged_folders(
    base: Results, tmp_path: Path, file: str, content: bytes | None, told: str
) -> None:
    b = changed(base, tmp_path / "b")
    if content is None:
        (b.folder / file).unlink()
    else:
        (b.folder / file).write_bytes(content)
    answer = call(base.folder, b.folder)
    assert answer.exit_code == 2
    assert answer.output.startswith(str(b.folder))
    assert told in answer.output


def test_a_damaged_baseline(base: Results, tmp_path: Path) -> None:
    file = write_baseline(taken(base), tmp_path / "base.json")
    stored = json.loads(file.read_text("utf-8"))
    stored["runs"]["rows"][0].pop()
    file.write_text(json.dumps(stored), "utf-8")
    with pytest.raises(CompareError, match=r"base\.json: the baseline is damaged"):
        read_side(file)


# --- how it is told ---


def test_a_program_reads_it(base: Results, tmp_path: Path) -> None:
    b = changed(base, tmp_path / "b", lambda runs: runs.__setitem__("loss_final", np.inf))
    told = call(base.folder, b.folder, "--format", "json")
    assert told.exit_code == 1
    read = json.loads(told.output, parse_constant=pytest.fail)
    assert read["same"] is False
    assert read["paired"] == read["changed"] == read["runs_a"]
    assert {row["b"] for row in read["numbers"]} == {"inf"}
    assert json.loads(as_json(compare(base, base)))["same"] is True


def test_a_page_shows_it(base: Results, tmp_path: Path) -> None:
    def edit(runs: pd.DataFrame) -> None:
        runs["problem"] = runs["problem"].replace("bowl", "bo|wl <b>")
        runs["loss_final"] *= 2

    def rename(manifest: dict[str, Any]) -> None:
        manifest["problems"][0]["name"] = "bo|wl <b>"

    a = changed(base, tmp_path / "a", lambda r: edit(r) or r.__setitem__("loss_final", 1.0), rename)
    told = as_markdown(compare(a, changed(base, tmp_path / "b", edit, rename)))
    assert "### Numbers changed" in told
    rows = [line for line in told.splitlines() if line.startswith("|")]
    assert len({row.replace("\\|", "").count("|") for row in rows}) == 1
    assert "<b>" not in told.replace("\\<b>", "")


def test_it_does_not_touch_what_it_compares(base: Results, tmp_path: Path) -> None:
    a = taken(base)
    before = a.runs.copy()
    compare(a, replace(a, told="again"), only="bowl")
    pd.testing.assert_frame_equal(a.runs, before)
