"""The section of a report that lays theory beside measurement."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from small_folder import write_folder

from optlab.lab import run
from optlab.report.blocks import Fold, Table, Text
from optlab.report.facts import Facts, stored
from optlab.report.theory import theory
from optlab.results import Results

SPEC = """title: t
steps: 100
seeds: 3
record: {every: 1, metrics: [loss]}
problems:
  - valley: {use: quadratic, condition: 100, shifted: false, start: [1, 1]}
optimizers:
  - sgd: {lr: 1}
  - momentum: {lr: 0.5, beta: 0.9}
  - adam: {lr: 0.05}
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("theory")
    (folder / "small.yaml").write_text(SPEC)
    return run(folder / "small.yaml", out=folder / "out")


def cells(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for _, rows in table.groups for row in rows]


def test_predicted_and_measured_stand_side_by_side(results: Results) -> None:
    text, table = theory(Facts(results))
    assert isinstance(text, Text)
    assert isinstance(table, Table)
    rows = cells(table)
    assert text.text.startswith(
        f"{len(rows)} of {len(rows)} predictions that theory makes of these"
    )
    assert {len(row) for row in rows} == {len(table.head)} == {6}
    assert {row[0] for row in rows} == {"sgd", "momentum", "adam"}
    assert {row[4] for row in rows} == {"yes"}
    # At every point above rounding sgd's loss is what (1 - lr c)^(2 t) says, by hand: c is .01 and 1.
    [first] = [
        row for row in rows if row[0] == "sgd" and row[5].startswith("Gap after 100 updates,")
    ]
    wanted = f"{0.5 * 0.01 * 0.99**200:.4g}"
    assert first[1:3] == [wanted, wanted]


def test_what_fails_stands_first(results: Results) -> None:
    wrong = replace(results)
    vars(wrong)["curves"] = results.curves.assign(value=results.curves["value"] ** 1.01)
    text, failed, table = theory(Facts(wrong))
    assert failed.caption == "Predictions that fail."
    assert {row[4] for row in cells(failed)} == {"no"}
    held = sum(row[4] == "yes" for row in cells(table))
    assert held + len(cells(failed)) == len(cells(table))
    assert text.text.startswith(f"{held} of {len(cells(table))} predictions")


def test_a_long_table_is_folded_law_by_law(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optlab.report.theory._LONG", 3)
    text, *folds = theory(Facts(results))
    assert isinstance(text, Text)
    assert folds
    assert all(isinstance(fold, Fold) for fold in folds)
    titles = [fold.title for fold in folds]
    assert titles[0].startswith("Linear rules on a quadratic: ")
    assert all(title.endswith(" hold") for title in titles)


def test_a_folder_made_elsewhere_has_what_its_manifest_tells(tmp_path: Path) -> None:
    """Limits of stability where they are stated; nothing, and no error, where rules and problems are
    not known by their text."""
    with_limits = write_folder(tmp_path / "with", problems=["bowl"])
    _, table = theory(Facts(stored(with_limits)))
    assert [heading.split(":")[0] for heading, _ in table.groups] == ["Largest stable step size"]
    smalls = {(row[0].text, row[0].small) for _, rows in table.groups for row in rows}
    assert smalls == {("sgd", ""), ("momentum", "beta 0.9")}
    assert theory(Facts(stored(write_folder(tmp_path / "without", problems=["valley"])))) == []


def test_runs_that_all_stopped_with_an_error_say_nothing(results: Results) -> None:
    none = results.runs.assign(status="error")
    assert theory(Facts(replace(results, runs=none))) == []
    assert theory(Facts(replace(results, runs=results.runs.iloc[:0]))) == []
    assert isinstance(none, pd.DataFrame)
