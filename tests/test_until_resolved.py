"""Seeds are added until every claim is decided or the most there may be are spent."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import optlab
from optlab import lab
from optlab.cli import app
from optlab.results import Results
from optlab.spec import read
from optlab.statistics.sequential import levels

SPEC = """
title: t
steps: 40
seeds: {{evaluate: {seeds}}}
targets: {{gap_over_start: 0.05}}
problems: [{{p: {{use: quadratic, dim: 2, condition: 2, noise: 0.2}}}}]
optimizers:
  - slow: {{use: sgd, lr: 0.1}}
  - fast: {{use: sgd, lr: 0.5}}
  - near: {{use: sgd, lr: 0.9}}
claims:
"""
SURE = "fast is faster than slow by steps_reached"
CLOSE = "fast beats near by gap (margin 1.5)"
"""Both end in the noise, about 1.8 times as deep: forty seeds do not tell that from 1.5."""


def run(folder: Path, *claims: str, most: int | None = None, seeds: int = 6) -> Results:
    spec = folder / "s.yaml"
    spec.write_text(SPEC.format(seeds=seeds) + "".join(f"  - {claim}\n" for claim in claims))
    return optlab.run(spec, folder / "out", most_seeds=most)


class Notes:
    """What is told on the way."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.said: list[str] = []

    def begin(self, name: str, runs: int, run_steps: int, stored: int, later: int) -> None:
        self.begun.append(runs - stored)

    def advance(self, run_steps: int) -> None: ...

    def note(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, list[pd.DataFrame]]:
    """Both claims up to 40 seeds, and the verdicts after each look."""
    folder = tmp_path_factory.mktemp("both")
    found: list[pd.DataFrame] = []
    with pytest.MonkeyPatch.context() as patched:

        def kept(table: pd.DataFrame) -> int:
            found.append(table)
            return lab_undecided(table)

        lab_undecided = lab.undecided
        patched.setattr(lab, "undecided", kept)
        results = run(folder, SURE, CLOSE, most=40)
    return results, found


@pytest.mark.parametrize(("seeds", "most", "looks"), [
    (6, 40, [10, 20, 40]),  # no fewer than claims ask for
    (12, 100, [12, 24, 48, 96, 100]), (12, 12, [12]), (12, 8, [8]),
])  # fmt: skip
def test_looks_double_from_what_is_asked_for_to_the_most(
    tmp_path: Path, seeds: int, most: int, looks: list[int]
) -> None:
    spec = tmp_path / "s.yaml"
    spec.write_text(SPEC.format(seeds=seeds) + f"  - {SURE}\n")
    assert list(lab._looks(read(spec), most)) == looks


@pytest.mark.slow
def test_every_look_is_planned_and_the_most_is_never_passed(
    both: tuple[Results, list[pd.DataFrame]],
) -> None:
    results, found = both
    assert results.manifest["looks"] == [10, 20, 40]
    seeds = results.runs.loc[results.runs["role"] == "evaluate"].groupby("optimizer")["seed"]
    assert seeds.nunique().max() <= 40
    assert len(found) == [10, 20, 40].index(int(seeds.nunique().max())) + 1


@pytest.mark.slow
def test_what_was_decided_early_stays_as_it_was(both: tuple[Results, list[pd.DataFrame]]) -> None:
    _, found = both
    assert len(found) > 1  # the close claim asked for more
    same = ["claim", "verdict", "effect", "low", "high", "n", "level", "a_median", "b_median"]
    for before, after in pairwise(found):
        decided = before[before["verdict"].isin(["SUPPORTED", "REFUTED"])]
        assert len(decided) >= 1
        later = after.set_index("claim").loc[decided["claim"]].reset_index()
        pd.testing.assert_frame_equal(later[same], decided[same].reset_index(drop=True))


@pytest.mark.slow
def test_the_error_of_all_looks_is_that_of_one(both: tuple[Results, list[pd.DataFrame]]) -> None:
    _, found = both
    alpha = 0.05 / 2  # two claims
    planned = levels([10, 20, 40], alpha)
    assert (1 - planned).sum() <= alpha + 1e-12
    for look, table in enumerate(found):
        used = table.set_index("text")["level"]
        assert used[CLOSE] == pytest.approx(planned[look])  # open until now: judged anew
        assert any(used[SURE] == pytest.approx(level) for level in planned[: look + 1])
        assert set(table["judged"]) == {2}


def test_it_stops_as_soon_as_all_is_decided_and_has_nothing_left_to_do(tmp_path: Path) -> None:
    first = run(tmp_path, SURE, most=80)
    assert first.verdicts["verdict"].tolist() == ["SUPPORTED"]
    evaluated = first.runs[first.runs["role"] == "evaluate"]
    assert evaluated.groupby("optimizer")["seed"].nunique().max() < 80
    notes = Notes()
    again = optlab.run(tmp_path / "s.yaml", tmp_path / "out", notes, most_seeds=80)
    assert set(notes.begun) == {0}
    pd.testing.assert_frame_equal(again.verdicts, first.verdicts)


def test_open_verdicts_are_told_look_by_look(tmp_path: Path) -> None:
    spec = tmp_path / "s.yaml"
    spec.write_text(SPEC.format(seeds=6) + f"  - {CLOSE}\n")
    notes = Notes()
    results = optlab.run(spec, tmp_path / "out", notes, most_seeds=20)
    assert results.verdicts["verdict"].tolist() == ["INCONCLUSIVE"]
    told = [text for text in notes.said if "still open" in text]
    assert told == ["after 10 seeds: 1 verdict still open", "after 20 seeds: 1 verdict still open"]
    # Each look runs only what is new: ten seeds of three optimizers, then ten more. A picture of the
    # plane may be run beside them.
    assert notes.begun[-1] == 30


def test_without_claims_there_is_one_look(tmp_path: Path) -> None:
    spec = tmp_path / "s.yaml"
    spec.write_text(SPEC.format(seeds=6).replace("claims:\n", ""))
    results = optlab.run(spec, tmp_path / "out", most_seeds=40)
    evaluated = results.runs[results.runs["role"] == "evaluate"]
    assert evaluated["seed"].nunique() == 6


def test_a_shut_gate_is_not_waited_for(tmp_path: Path) -> None:
    """No seed makes a target that nobody reaches."""
    spec = tmp_path / "s.yaml"
    text = SPEC.format(seeds=6).replace("0.05", "1e-30") + f"  - {SURE}\n"
    spec.write_text(text)
    results = optlab.run(spec, tmp_path / "out", most_seeds=80)
    assert results.verdicts["verdict"].tolist() == ["NOT TESTED"]
    assert results.runs.loc[results.runs["role"] == "evaluate", "seed"].nunique() == 10


@pytest.mark.slow
def test_looks_that_were_not_planned_are_told(tmp_path: Path) -> None:
    run(tmp_path, SURE, seeds=10)
    later = run(tmp_path, SURE, seeds=14)
    assert "Judged before on 10 seeds" in later.verdicts["sentence"].iloc[0]
    planned = run(tmp_path, SURE, seeds=10, most=14)
    assert planned.manifest["looks"] == [10, 14]
    assert "Judged before" not in planned.verdicts["sentence"].iloc[0]


@pytest.mark.slow
def test_the_command_adds_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.yaml").write_text(SPEC.format(seeds=6) + f"  - {SURE}\n  - {CLOSE}\n")
    asked = [
        "run",
        "s.yaml",
        "--out",
        "out",
        "--no-report",
        "--until-resolved",
        "--most-seeds",
        "20",
    ]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    results: Any = optlab.load("out/s")
    assert results.manifest["looks"] == [10, 20]
    assert results.runs.loc[results.runs["role"] == "evaluate", "seed"].nunique() in (10, 20)
    # Without the flag the most is not looked at, and there is one look.
    plain = CliRunner().invoke(app, ["run", "s.yaml", "--out", "plain", "--no-report"])
    assert plain.exit_code == 0, plain.output
    one: Any = optlab.load("plain/s")
    assert one.manifest["looks"] == []
    assert one.runs.loc[one.runs["role"] == "evaluate", "seed"].nunique() == 6
    assert np.all(one.verdicts["verdict"] == "NOT TESTED")  # six seeds, and claims ask for ten
