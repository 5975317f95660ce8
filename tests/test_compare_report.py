"""The report of a comparison: what changed comes first, what is the same is said so, all in one page."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from browser import PHONE, chromium, opened
from test_compare import MINE, SPEC, changed, made, places
from test_report import HOSTILE, Page
from typer.testing import CliRunner, Result

from optlab import cli
from optlab.analysis.words import plural
from optlab.compare import CompareError, compare
from optlab.report import check_place, render_comparison, render_index, sidebyside
from optlab.report.comparison import _labels
from optlab.report.facts import Facts, stored
from optlab.report.medians import curves, held, medians
from optlab.results import Results, load


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return made(tmp_path_factory.mktemp("base"))


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, ["compare", *map(str, arguments)], env={"TERM": "dumb"})


def told(out: Path) -> str:
    """The Markdown, which has the same sentences as the page and no tags."""
    return (out / "report.md").read_text(encoding="utf-8")


def page_of(out: Path) -> Page:
    return Page((out / "index.html").read_text(encoding="utf-8"))


def written(a: Results, *others: Results, out: Path) -> str:
    found = [compare(a, b, names=("A", "BCD"[i])) for i, b in enumerate(others)]
    render_comparison(found, [a.folder, *(b.folder for b in others)], out)
    return told(out)


def table(out: Path, name: str) -> pd.DataFrame:
    """A table as it is handed out."""
    return pd.read_csv(out / "tables" / f"{name}.csv", dtype=str, keep_default_na=False)


# --- what is said ---


def test_what_is_the_same_to_the_last_bit(base: Results, tmp_path: Path) -> None:
    again = made(tmp_path / "again")
    answer = call(base.folder, again.folder, "--report", tmp_path / "out")
    assert answer.exit_code == 0, answer.output
    assert answer.output.startswith("No change: B ")
    assert str(tmp_path / "out" / "index.html") in answer.output
    n = base.runs["run_id"].nunique()
    assert f"**Nothing changed: all {n} runs of B are those of A, to the last bit.**" in told(
        tmp_path / "out"
    )
    assert "every median curve is the same to the last bit" in told(tmp_path / "out")
    assert not (tmp_path / "out" / "figures").exists()
    assert "The spec of B is that of A, to the last character" in told(tmp_path / "out")
    assert page_of(tmp_path / "out").text.count("Nothing changed") == 1
    assert "What changed? " not in page_of(tmp_path / "out").text.replace("What changed from", "")


def test_within_the_tolerance_is_not_to_the_last_bit(base: Results, tmp_path: Path) -> None:
    def nudge(runs: pd.DataFrame) -> None:
        here = places(runs, "bowl", "sgd", lr=0.1, role="evaluate", seed=1)
        runs.loc[here, "loss_final"] *= 1 + 1e-12

    said = written(base, changed(base, tmp_path / "b", nudge), out=tmp_path / "out")
    n = base.runs["run_id"].nunique()
    assert f"all {n} runs of B are those of A, within a relative 1e-9." in said
    assert f"{n - 1} of {n} paired runs are the same to the last bit." in said


def test_statuses_and_numbers_stand_in_tables(base: Results, tmp_path: Path) -> None:
    flipped: list[str] = []

    def flip(runs: pd.DataFrame) -> None:
        hit = places(runs, "bowl", "sgd", status="hit")
        flipped.extend(runs.loc[hit, "run_id"].unique())
        runs.loc[hit, "status"] = "diverged"
        runs.loc[places(runs, "cup", "step", role="evaluate"), "loss_best"] *= 1.25

    b = changed(base, tmp_path / "b", flip)
    answer = call(base.folder, b.folder, "--report", tmp_path / "out")
    assert answer.exit_code == 1
    statuses = table(tmp_path / "out", "compared-statuses")
    assert list(statuses[["Optimizer", "Problem", "In A", "In B"]].iloc[0]) == [
        "sgd", "bowl", "hit", "diverged",
    ]  # fmt: skip
    assert int(statuses["Runs"].iloc[0]) == len(flipped)
    [row] = table(tmp_path / "out", "compared-numbers").to_dict("records")
    assert (row["Optimizer"], row["Problem"], row["Of"]) == ("step", "cup", "best loss")
    assert float(row["In B"]) == 1.25 * float(row["In A"])
    assert float(row["Largest change"]) == pytest.approx(0.2, rel=1e-12)  # of the larger
    said = told(tmp_path / "out")
    n = base.runs["run_id"].nunique()
    assert f"**{len(flipped)} of {n} paired runs ended otherwise; the numbers of " in said
    assert "moved by at most a relative 0.2" in said


def test_medians_are_those_of_the_runs(base: Results, tmp_path: Path) -> None:
    """Against NumPy, over the rows of the chosen setting, read off the folder's own table."""

    def move(runs: pd.DataFrame) -> None:
        here = places(runs, "bowl", "sgd", role="evaluate")
        runs.loc[here, ["loss_final", "gap"]] *= 3.0

    b = changed(base, tmp_path / "b", move)
    found = compare(base, b)
    sides = held([found], [Facts(stored(base.folder)), Facts(stored(b.folder))], ["a", "b"])
    got = medians(sides).set_index(["problem", "optimizer", "side"])
    for name, results in (("A", base), ("B", b)):
        runs = results.runs
        for problem, optimizer in (("bowl", "sgd"), ("cup", "step")):
            mine = runs[(runs["problem"] == problem) & (runs["optimizer"] == optimizer)]
            row = got.loc[(problem, optimizer, name)]
            rate = float(row["setting"].removeprefix("lr "))
            ran = mine[(mine["hyper.lr"] == rate) & (mine["role"] == "evaluate")]
            ran = ran.drop_duplicates("run_id")
            assert row["final"] == pytest.approx(
                float(np.median(ran["gap"])), rel=1e-12, abs=1e-300
            )
            assert row["held"] == np.median(ran["held.gap_over_start <= 0.001"])
            once = mine[mine["role"] != "picture"].drop_duplicates("run_id")
            for status in ("hit", "budget", "diverged", "error"):
                assert row[status] == (once["status"] == status).sum()
    assert got.loc[("bowl", "sgd", "B"), "final"] == pytest.approx(
        3.0 * got.loc[("bowl", "sgd", "A"), "final"], rel=1e-12
    )
    said = written(base, b, out=tmp_path / "out")
    assert "1 of 4 medians of the last loss or gap differ; the most, sgd on bowl: " in said
    [line] = [line for line in said.splitlines() if line.startswith("| ● sgd") and "+200 %" in line]
    assert line.count("none") == 1  # the time to hold did not move
    assert table(tmp_path / "out", "compared-medians")["Change"].tolist().count("0") == 3


def test_curves_that_differ_are_drawn_and_no_others(base: Results, tmp_path: Path) -> None:
    b = changed(base, tmp_path / "b", lambda runs: runs.__setitem__("loss_best", 0.0))
    table_ = pd.read_parquet(b.folder / "curves.parquet")
    mine = b.runs.loc[places(b.runs, "bowl", "step"), "run_id"]
    here = table_["run_id"].isin(mine) & (table_["metric"] == "loss") & (table_["step"] >= 10)
    table_.loc[here, "value"] *= 100.0
    table_.to_parquet(b.folder / "curves.parquet", index=False)
    said = written(base, load(b.folder), out=tmp_path / "out")
    [picture] = sorted((tmp_path / "out" / "figures").glob("*.svg"))
    assert picture.name == "curves-1-bowl.svg"
    assert (
        "1 of 4 median curves are not the same; step on bowl parts most (2 decades at most)."
        in said
    )
    text = picture.read_text(encoding="utf-8")
    assert "step A" in text
    assert "step B" in text
    assert "sgd" not in text
    assert "On cup, all curves are the same." in said
    sides = held(
        [compare(base, b)], [Facts(stored(base.folder)), Facts(stored(b.folder))], ["a", "b"]
    )
    bands = curves(sides)
    bands = bands[(bands["problem"] == "bowl") & (bands["optimizer"] == "step")]
    a, c = (bands[bands["side"] == s].set_index("step")["median"] for s in "AB")
    assert np.array_equal(a[:10], c[:10])
    assert np.allclose(100 * a[10:], c[10:], rtol=1e-12)


def test_a_minimum_that_one_side_does_not_know(base: Results, tmp_path: Path) -> None:
    """f* = 1 in B and unknown in A: the losses stand side by side, not a loss beside a gap."""

    def unknown(manifest: dict[str, Any]) -> None:
        manifest["problems"][0]["minimum"] = None

    def known(manifest: dict[str, Any]) -> None:
        manifest["problems"][0]["minimum"]["value"] = -1.0

    a, b = (changed(base, tmp_path / n, manifest=m) for n, m in (("a", unknown), ("b", known)))
    found = compare(a, b)
    sides = held([found], [Facts(stored(a.folder)), Facts(stored(b.folder))], ["a", "b"])
    table_ = medians(sides)
    bowl = table_[(table_["problem"] == "bowl") & (table_["optimizer"] == "step")]
    assert list(bowl["quantity"]) == ["loss", "loss"]
    assert bowl["final"].nunique() == 1
    lines = curves(sides)
    lines = lines[(lines["problem"] == "bowl") & (lines["optimizer"] == "step")]
    one, two = (lines[lines["side"] == s]["median"].to_numpy() for s in "AB")
    assert np.allclose(one, two, rtol=1e-14, atol=1e-14)
    assert set(table_.loc[table_["problem"] == "cup", "quantity"]) == {"gap"}


def test_targets_of_one_side_make_no_times_to_compare(base: Results, tmp_path: Path) -> None:
    b = made(tmp_path / "b", SPEC.replace("gap_over_start: 1e-3", "gap_over_start: 1e-2"))
    said = written(base, b, out=tmp_path / "out")
    assert "Only in A: gap ≤ 0.001 × its start on bowl." in said
    assert said.count("| other target |") == 4
    assert "of the time to hold the target;" not in said


def test_runs_that_broke_are_told_before_anything(base: Results, tmp_path: Path) -> None:
    def broke(runs: pd.DataFrame) -> None:
        runs.loc[places(runs, "cup", "step"), "status"] = "error"

    b = changed(base, tmp_path / "b", broke)
    n = b.runs.loc[b.runs["status"] == "error", "run_id"].nunique()
    said = written(base, b, out=tmp_path / "out")
    assert f"- {plural(n, 'run')} of B ended in error." in said
    both = written(b, b, out=tmp_path / "both")
    assert f"- {plural(n, 'run')} of A ended in error." in both
    assert "Nothing changed" in both


def judged(folder: Path, verdict: str, effect: float, sentence: str) -> None:
    row = {
        "claim": "c1", "text": "sgd beats step", "declared": "", "kind": "better", "a": "sgd",
        "b": "step", "selection_a": "tuned", "selection_b": "tuned", "problem": "bowl",
        "measure": "steps_held", "target": "", "verdict": verdict, "label": "", "effect": effect,
        "sentence": sentence,
    }  # fmt: skip
    other = row | {
        "claim": "c2",
        "text": "step is calm",
        "verdict": "REFUTED",
        "sentence": "REFUTED on bowl: no.",
    }
    pd.DataFrame([row, other]).to_csv(folder / "verdicts.csv", index=False)


def test_a_verdict_that_changed_has_both_sentences(base: Results, tmp_path: Path) -> None:
    a, b = (changed(base, tmp_path / side) for side in "ab")
    judged(a.folder, "SUPPORTED", 0.5, "SUPPORTED on bowl: 3 times fewer updates.")
    judged(b.folder, "INCONCLUSIVE", 0.25, "INCONCLUSIVE on bowl: too few seeds.")
    verdicts = pd.read_csv(b.folder / "verdicts.csv", keep_default_na=False)
    verdicts.loc[1, "effect"] = 0.125
    verdicts.to_csv(b.folder / "verdicts.csv", index=False)
    said = written(load(a.folder), load(b.folder), out=tmp_path / "out")
    assert "1 of 2 verdicts changed (1 SUPPORTED → INCONCLUSIVE)" in said
    assert "the numbers of 1 verdict moved" in said
    first, second = table(tmp_path / "out", "compared-verdicts").to_dict("records")
    assert first["In A"] == "SUPPORTED on bowl: 3 times fewer updates."
    assert first["In B"] == "INCONCLUSIVE on bowl: too few seeds."
    assert second["In B"] == second["In A"] == "REFUTED on bowl: no."
    assert second["What moved"] in ("effect 0.25 → 0.125", "effect 0.5 → 0.125")
    assert "the same sentence" in said


def test_the_headline_tells_verdicts_whose_numbers_moved(base: Results, tmp_path: Path) -> None:
    a, b = (changed(base, tmp_path / side) for side in "ab")
    for side, effect in ((a, 0.5), (b, 0.25)):
        judged(side.folder, "SUPPORTED", effect, "SUPPORTED on bowl: it is.")
    answer = call(a.folder, b.folder)
    assert answer.exit_code == 1
    assert "2 verdicts paired, none of them changed, the numbers of 2 moved" in answer.output


def test_the_headline_tells_runs_without_a_partner(base: Results, tmp_path: Path) -> None:
    fewer = changed(base, tmp_path / "b", lambda runs: runs[runs["optimizer"] == "sgd"])
    gone = base.runs.loc[base.runs["optimizer"] == "step", "run_id"].nunique()
    answer = call(base.folder, fewer.folder)
    assert answer.exit_code == 1
    assert f"none of them changed; {gone} runs in A alone (tolerance" in answer.output


def test_another_problem_under_the_name_is_left_out_of_everything(
    base: Results, tmp_path: Path
) -> None:
    b = made(tmp_path / "b", mine=MINE.replace("4.0 * x[1]", "5.0 * x[1]"))
    said = written(base, b, out=tmp_path / "out")
    assert "cup is not known to be the same problem in A and B" in said
    assert "**cup:" not in said  # a heading of the table of medians
    assert "**bowl:" in said
    assert not (tmp_path / "out" / "figures").exists()


def test_other_parameters_are_told_in_the_warning(base: Results, tmp_path: Path) -> None:
    b = made(tmp_path / "b", SPEC.replace("condition: 2", "condition: 3"))
    said = written(base, b, out=tmp_path / "out")
    assert (
        "bowl is not known to be the same problem in A and B: condition is 2.0 in A and 3.0 in B"
        in said
    )
    assert "- - bowl: {use: quadratic" not in said  # the difference of the specs stands as it is
    assert (
        "-  - bowl: {use: quadratic, dim: 3, condition: 2}\n+  - bowl: {use: quadratic, dim: 3, condition: 3}"
        in said
    )


def test_what_was_renamed_stands_in_one_row(base: Results, tmp_path: Path) -> None:
    b = made(
        tmp_path / "b",
        SPEC.replace("- bowl:", "- dish:")
        .replace("- sgd:", "- descent: {use: sgd,")
        .replace("{use: sgd, {lr", "{use: sgd, lr"),
    )
    said = written(base, b, out=tmp_path / "out")
    assert "The problem that A calls bowl is called dish in B" in said
    assert "Nothing changed" in said
    assert "All 4 medians" in said


def test_the_code_of_a_rule_that_changed_is_shown(base: Results, tmp_path: Path) -> None:
    b = made(tmp_path / "b", mine=MINE.replace("x = x - lr * g", "x = x - lr * g * 0.5"))
    said = written(base, b, out=tmp_path / "out")
    assert "-    x = x - lr * g\n+    x = x - lr * g * 0.5" in said
    assert "the code of step is not the same in A and B" in said


def test_several_folders_stand_against_the_first(base: Results, tmp_path: Path) -> None:
    def move(factor: float) -> Any:
        def edit(runs: pd.DataFrame) -> None:
            here = places(runs, "bowl", "sgd", role="evaluate")
            runs.loc[here, ["loss_final", "gap"]] *= factor

        return edit

    same = changed(base, tmp_path / "same")
    twice, ten = (changed(base, tmp_path / n, move(f)) for n, f in (("twice", 2.0), ("ten", 20.0)))
    folders = [base.folder, same.folder, twice.folder, ten.folder]
    answer = call(*folders, "--report", tmp_path / "out")
    assert answer.exit_code == 1
    heads = [line for line in answer.output.splitlines() if " against A (" in line]
    assert [line.split(" (")[0] for line in heads] == [
        "No change: B", "Changed: C", "Changed: D",
    ]  # fmt: skip
    said = told(tmp_path / "out")
    assert "**B (same) is the same as A (two); C (twice) and D (ten) differ.**" in said
    medians_ = table(tmp_path / "out", "compared-medians")
    row = medians_[(medians_["Optimizer"] == "sgd")].iloc[0]
    a, b, c, d = (float(row[f"Last, {s}"]) for s in "ABCD")
    assert (b, c, d) == (a, 2 * a, 20 * a)
    assert "× 20" in said  # the largest change
    assert "C against A" in said
    assert json.loads(call(*folders, "--format", "json").output)[1]["b"] == str(twice.folder)


# --- where it is written ---


def test_it_is_listed_among_the_reports(base: Results, tmp_path: Path) -> None:
    b = changed(base, tmp_path / "b")
    shutil.copytree(base.folder, tmp_path / "a", ignore=shutil.ignore_patterns("cells"))
    render_index(tmp_path)
    assert call(tmp_path / "a", b.folder, "--report", tmp_path / "both").exit_code == 0
    said = " ".join(Page((tmp_path / "index.html").read_text(encoding="utf-8")).text.split())
    assert "Two bowls: b against a What changed from A (a) to B (b)?" in said
    assert "Nothing changed: all" in said
    assert "Comparison," in said
    # Written again to the same place, since what is there is a comparison.
    assert call(tmp_path / "a", b.folder, "--report", tmp_path / "both").exit_code == 0


def test_no_path_of_the_machine_leaves_it(base: Results, tmp_path: Path) -> None:
    b = changed(base, tmp_path / "b", lambda runs: runs.__setitem__("loss_best", 1.0))
    assert call(base.folder, b.folder, "--report", tmp_path / "both").exit_code == 1
    for path in (tmp_path / "both").rglob("*.*"):
        text = path.read_text(encoding="utf-8")
        assert str(tmp_path) not in text, path
        assert str(base.folder) not in text, path
    assert "optlab compare two b --report both" in told(tmp_path / "both")


@pytest.mark.parametrize(
    ("paths", "labels"),
    [
        (["/a/before/gate", "/a/after/gate"], ["before", "after"]),
        (["/a/x", "/a/y", "/b/z"], ["x", "y", "z"]),
        (["/p/q/g", "/r/q/g", "/r/s/g"], ["p/q", "r/q", "r/s"]),
        (["/a", "/b/a"], ["a", "b/a"]),
        (["/x/a", "/x/a"], ["a", "a"]),
    ],
)
def test_labels_are_short_and_differ(paths: list[str], labels: list[str]) -> None:
    assert _labels([Path(path) for path in paths]) == labels


def test_nothing_else_is_written_over(base: Results, tmp_path: Path) -> None:
    b = changed(base, tmp_path / "b")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("my page")
    (tmp_path / "file").write_text("mine")
    for place, why in ((b.folder, "holds results"), (tmp_path / "mine", "holds something else"),
                       (tmp_path / "file", "this is a file")):  # fmt: skip
        answer = call(base.folder, b.folder, "--report", place)
        assert answer.exit_code == 2
        assert why in answer.output
        assert "Traceback" not in answer.output
    assert (tmp_path / "mine" / "index.html").read_text() == "my page"
    (tmp_path / "empty").mkdir()
    check_place(tmp_path / "empty")
    with pytest.raises(CompareError):
        check_place(tmp_path / "mine")


def test_wrong_calls_are_told(base: Results, tmp_path: Path) -> None:
    b = changed(base, tmp_path / "b")
    baseline = tmp_path / "base.json"
    assert call(base.folder, "--write-baseline", baseline).exit_code == 0
    for arguments, why in (
        (
            (b.folder, "--baseline", baseline, "--report", tmp_path / "o"),
            "which a baseline has not",
        ),
        ((baseline, b.folder, "--report", tmp_path / "o"), "which a baseline has not"),
        ((base.folder, "--report", tmp_path / "o"), "give a second folder"),
        ((base.folder, b.folder, "--baseline", baseline), "not several"),
        ((*[base.folder] * 27,), "at most 26"),
        (("bb", b.folder, "--out", tmp_path), "did you mean 'b'?"),
        (("zzzzz", b.folder, "--out", tmp_path), "there is no such folder"),
    ):
        answer = call(*arguments)
        assert answer.exit_code == 2
        assert why in answer.output
    assert not (tmp_path / "o").exists()
    assert call("b", "b", "--out", tmp_path).exit_code == 0  # the name of a report will do


def test_hostile_text_stays_text(base: Results, tmp_path: Path) -> None:
    def worse(manifest: dict[str, Any]) -> None:
        manifest |= {"title": HOSTILE, "question": HOSTILE, "processor": HOSTILE, "spec": HOSTILE}
        manifest["versions"]["jax"] = HOSTILE
        manifest["optimizers"][0]["code"] = HOSTILE
        manifest["problems"][0]["targets"].append(
            {"label": HOSTILE, "kind": "loss", "metric": "loss"}
        )

    name = "a<b>$x$|`c`"
    b = changed(base, tmp_path / name, lambda runs: runs.__setitem__("loss_best", 1.0), worse)
    written(base, b, out=tmp_path / "out")
    page = page_of(tmp_path / "out")
    assert not [tag for tag, _ in page.tags if tag in ("b>$x$", "i")]
    assert sum("src" in attributes for attributes in page.all("script")) == 0
    assert "alert(1)" in page.text
    assert "<script>alert" not in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "<script>alert" not in told(tmp_path / "out").split("```")[0]


# --- in a browser ---


@pytest.fixture(scope="module")
def report(base: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page on which everything is there: statuses, numbers, curves, verdicts, runs of one side."""
    place = tmp_path_factory.mktemp("pages")

    def change(runs: pd.DataFrame) -> pd.DataFrame:
        runs.loc[places(runs, "bowl", "sgd", status="hit"), "status"] = "diverged"
        runs.loc[places(runs, "cup", "step"), "loss_best"] *= 2.0
        return runs[(runs["optimizer"] != "sgd") | (runs["problem"] != "cup")]

    a, b = changed(base, place / "a"), changed(base, place / "b", change)
    judged(a.folder, "SUPPORTED", 0.5, "SUPPORTED on bowl: 3 times fewer updates.")
    judged(b.folder, "INCONCLUSIVE", 0.25, "INCONCLUSIVE on bowl: too few seeds.")
    lines = pd.read_parquet(b.folder / "curves.parquet")
    lines["value"] *= np.where(lines["metric"] == "loss", 1.5, 1.0)
    lines.to_parquet(b.folder / "curves.parquet", index=False)
    written(load(a.folder), load(b.folder), out=place / "out")
    return place / "out" / "index.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


def test_the_page_says_nothing_and_asks_for_nothing(report: Path, browser: Any) -> None:
    with opened(browser, report) as tab:
        assert tab.texts("main > section > h2")
        assert tab.page.locator("figure img").count() == 2
        name, csv = tab.saved("CSV", tab.page.locator("#verdicts"))
        assert name == "compared-verdicts.csv"
        assert b"INCONCLUSIVE on bowl: too few seeds." in csv


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.slow
def test_nothing_serious_for_who_cannot_see_or_point(
    report: Path, browser: Any, scheme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with opened(browser, report, color_scheme=scheme) as tab:
        found = axe.run(tab.page).response["violations"]
        assert [rule for rule in found if rule["impact"] in ("serious", "critical")] == []


def test_the_page_is_never_wider_than_a_phone(report: Path, browser: Any) -> None:
    with opened(browser, report, viewport=PHONE) as tab:
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize(("before", "after", "told"), [(-1.0, -2.0, "−100 %"), (-2.0, -1.0, "+50 %"),
                                                       (-1.0, -1.0005, "−"), (1.0, 2.0, "+100 %"),
                                                       (-1.0, -30.0, "−")])  # fmt: skip
def test_a_change_has_the_sign_of_where_the_loss_went(
    before: float, after: float, told: str
) -> None:
    assert sidebyside._change(np.array([before, after])).text.startswith(told)


def test_medians_that_became_endless_are_told_beside_the_largest_change(
    base: Results, tmp_path: Path
) -> None:
    def move(runs: pd.DataFrame) -> None:
        runs.loc[places(runs, "bowl", "sgd"), ["loss_final", "gap"]] = np.inf
        runs.loc[places(runs, "bowl", "sgd"), "status"] = "diverged"
        runs.loc[places(runs, "cup", "step"), ["loss_final", "gap"]] *= 3.0

    said = written(base, changed(base, tmp_path / "b", move), out=tmp_path / "out")
    assert "1 from or to ∞, as sgd on bowl: " in said
    assert "∞ in B; the most of the others, step on cup: " in said

    endless = [changed(base, tmp_path / side, move) for side in ("c", "d")]
    said = written(*endless, out=tmp_path / "same")
    assert "the same to the last bit (1 of them ∞: half of the runs diverged)." in said


def test_what_was_asked_otherwise_is_told_in_the_answer(base: Results, tmp_path: Path) -> None:
    b = made(tmp_path / "b", SPEC.replace("steps: ", "steps: 1"))
    said = written(base, b, out=tmp_path / "out")
    assert "No run of B is one of A: they were asked for different things (" in said
    assert "steps " in said.split("different things (")[1].split(")")[0]


def test_changes_of_next_to_nothing_are_told_as_such(base: Results, tmp_path: Path) -> None:
    def nudge(runs: pd.DataFrame) -> None:
        runs.loc[places(runs, "bowl", "sgd"), "loss_best"] += 3e-15

    b = changed(base, tmp_path / "b", nudge)
    answer = call(base.folder, b.folder, "--rtol", "0", "--report", tmp_path / "out")
    assert answer.exit_code == 1
    assert ", none by more than 1e-14" in told(tmp_path / "out")
