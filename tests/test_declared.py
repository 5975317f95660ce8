"""When a claim was made: before its runs, or after."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

import optlab
from optlab.results import Results

BASE = """
title: t
steps: 20
seeds: {evaluate: 10}
problems: [booth]
optimizers: [{a: {use: sgd, lr: 0.01}}, {b: {use: sgd, lr: 0.02}}%s]
claims:
"""


def run(folder: Path, *claims: str, more: str = "", seeds: int | None = None) -> Results:
    spec = folder / "s.yaml"
    spec.write_text(BASE % more + "".join(f"  - {claim}\n" for claim in claims))
    return optlab.run(spec, folder / "out", most_seeds=seeds)


def told(results: Results) -> dict[str, bool]:
    return {claim["text"]: claim["post_hoc"] for claim in results.manifest["claims"]}


FIRST = "b beats a by gap"


def test_a_claim_made_before_its_runs_is_one_and_a_later_one_is_marked(tmp_path: Path) -> None:
    first = run(tmp_path, FIRST)
    assert told(first) == {FIRST: False}
    kept = json.loads((first.folder / "claims.json").read_text())
    again = run(tmp_path, FIRST, "a beats b by gap")
    assert told(again) == {FIRST: False, "a beats b by gap": True}
    assert again.manifest["claims"][0]["declared"] == next(iter(kept.values()))["declared"]
    assert again.verdicts.set_index("text")["post_hoc"].to_dict() == told(again)
    # One that was withdrawn and comes back is as old as it was.
    run(tmp_path, "a beats b by gap")
    assert told(run(tmp_path, FIRST)) == {FIRST: False}


def test_what_was_withdrawn_and_earlier_looks_are_kept(tmp_path: Path) -> None:
    run(tmp_path, FIRST, "a beats b by loss")
    left = run(tmp_path, FIRST)
    assert [entry["text"] for entry in left.manifest["withdrawn"]] == ["a beats b by loss"]
    assert set(left.verdicts["judged"]) == {2}
    assert left.manifest["claims"][0]["looked"] == []
    spec = tmp_path / "s.yaml"
    spec.write_text(spec.read_text().replace("evaluate: 10", "evaluate: 12"))
    again = optlab.run(spec, tmp_path / "out")
    assert again.manifest["claims"][0]["looked"] == [10]
    assert "Judged before on 10 seeds" in again.verdicts["sentence"].iloc[0]


def test_another_margin_is_another_claim_and_other_words_are_not(tmp_path: Path) -> None:
    first = run(tmp_path, FIRST)
    changed = run(tmp_path, "b beats a by gap (margin 1.2)")
    assert list(told(changed).values()) == [True]
    reworded = run(tmp_path, "{better: b, than: a, metric: gap, text: What I always said}")
    assert told(reworded) == {"What I always said": False}
    ids = [r.manifest["claims"][0] for r in (first, changed, reworded)]
    assert ids[0]["id"] == ids[2]["id"] != ids[1]["id"]
    assert ids[0]["hash"] == ids[2]["hash"] != ids[1]["hash"]


def test_a_claim_about_what_never_ran_is_not_late(tmp_path: Path) -> None:
    run(tmp_path, FIRST)
    grown = run(tmp_path, FIRST, "c beats a by gap", more=", {c: {use: adam}}")
    assert told(grown) == {FIRST: False, "c beats a by gap": False}


def test_an_interrupted_first_run_keeps_its_claims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("optlab.engine.Engine.execute", stop)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, FIRST)
    assert (tmp_path / "out/s/claims.json").is_file()
    assert told(run(tmp_path, FIRST)) == {FIRST: False}


def test_a_folder_that_was_deleted_forgets(tmp_path: Path) -> None:
    run(tmp_path, FIRST)
    late = run(tmp_path, FIRST, "a beats b by gap")
    shutil.rmtree(late.folder)
    assert told(run(tmp_path, "a beats b by gap")) == {"a beats b by gap": False}


NOISY = """
title: t
steps: 60
seeds: {evaluate: 6}
targets: {gap_over_start: 0.05}
problems: [{p: {use: quadratic, dim: 3, condition: 2, noise: 0.2}}]
optimizers: [{slow: {use: sgd, lr: 0.1}}, {fast: {use: sgd, lr: 0.5}}, {near: {use: sgd, lr: 0.102}}]
claims:
  - fast is faster than slow by steps_reached
  - near is faster than slow by steps_reached (margin 1.02)
"""


def test_seeds_are_added_until_all_is_decided_or_spent(tmp_path: Path) -> None:
    spec = tmp_path / "s.yaml"
    spec.write_text(NOISY)
    results = optlab.run(spec, tmp_path / "out", most_seeds=35)
    assert results.manifest["looks"] == [10, 20, 35]
    verdict = results.verdicts.set_index("a")
    assert verdict.loc["fast", "verdict"] == "SUPPORTED"
    assert verdict.loc["fast", "n"] < 35  # by the look that decided it
    seeds = results.runs.groupby("optimizer")["seed"].nunique()
    if verdict.loc["near", "verdict"] == "INCONCLUSIVE":
        assert set(seeds) == {35}
    spec.write_text(
        NOISY.replace("  - near is faster than slow by steps_reached (margin 1.02)\n", "")
    )
    alone = optlab.run(spec, tmp_path / "alone", most_seeds=35)
    assert alone.runs["seed"].nunique() < 35
    assert alone.manifest["seeds"]["evaluate"] == alone.runs["seed"].nunique()
    again = optlab.run(spec, tmp_path / "alone", most_seeds=35)
    pd.testing.assert_frame_equal(again.verdicts, alone.verdicts)


def test_a_file_of_before_looks_were_kept_is_read(tmp_path: Path) -> None:
    """Claims of folders that older versions left keep their time; one withdrawn counts as one."""
    first = run(tmp_path, FIRST, "a beats b by loss")
    path = first.folder / "claims.json"
    kept = ("text", "declared", "post_hoc")
    older = {name: {key: entry[key] for key in kept} | {"declared": "2020-01-01T00:00:00+00:00"}
             for name, entry in json.loads(path.read_text()).items()}  # fmt: skip
    path.write_text(json.dumps(older))
    again = run(tmp_path, FIRST)
    assert told(again) == {FIRST: False}
    assert again.manifest["claims"][0]["declared"] == "2020-01-01T00:00:00+00:00"
    assert again.manifest["claims"][0]["looked"] == []
    assert set(again.verdicts["judged"]) == {2}


def test_what_is_kept_of_a_claim(tmp_path: Path) -> None:
    began = datetime.now().astimezone().replace(microsecond=0)
    first = run(tmp_path, FIRST)
    [(name, entry)] = json.loads((first.folder / "claims.json").read_text()).items()
    [claim] = first.manifest["claims"]
    assert claim["id"] == name
    assert claim["declared"] == entry["declared"]
    assert began <= datetime.fromisoformat(entry["declared"]) <= datetime.now().astimezone()
    assert len(claim["hash"]) == 64
    assert entry["seeds"] == [10]


@pytest.mark.slow
@pytest.mark.parametrize(("claim", "late"), [
    ("a beats b by gap on himmelblau", False),  # nothing was run there
    ("a beats b by gap on booth", True), ("a beats b by gap", True), ("a may diverge", True),
    ("c may diverge", False), ("a beats c by gap", False),
])  # fmt: skip
def test_a_claim_is_late_where_runs_of_it_are_stored(
    tmp_path: Path, claim: str, late: bool
) -> None:
    run(tmp_path, FIRST)
    spec = tmp_path / "s.yaml"
    grown = BASE % ", {c: {use: adam}}" + f"  - {claim}\n"
    spec.write_text(grown.replace("[booth]", "[booth, himmelblau]"))
    assert list(told(optlab.run(spec, tmp_path / "out")).values()) == [late]


@pytest.mark.slow
@pytest.mark.parametrize("change", [
    "b beats a by gap (alpha 0.01)", "b beats a by loss", "a beats b by gap",
    "b beats a by gap (min_seeds 8)",
])  # fmt: skip
def test_whatever_changes_the_meaning_makes_another_claim(tmp_path: Path, change: str) -> None:
    first = run(tmp_path, FIRST).manifest["claims"][0]
    other = run(tmp_path, change).manifest["claims"][0]
    assert other["id"] != first["id"]
    assert other["hash"] != first["hash"]
    assert other["post_hoc"]


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}'])
def test_a_damaged_file_is_told_and_not_written_over(tmp_path: Path, text: str) -> None:
    path = run(tmp_path, FIRST).folder / "claims.json"
    path.write_text(text)
    with pytest.raises(OSError, match="bring it back from a copy"):
        run(tmp_path, FIRST)
    assert path.read_text() == text
