"""A sentence says the numbers of its row, and the page that works one by hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from judged import GOOD, INF, claim, judge, logs
from made_tables import LABEL
from scipy import stats
from sign_oracle import null_law

from optlab.measures import MEASURES

# Sentences


def test_a_sentence_says_the_numbers_of_its_row(tmp_path: Any) -> None:
    [row] = judge(tmp_path, claim(), GOOD).to_dict("records")
    found = [float(x.replace(",", "")) for x in re.findall(r"\d+(?:\.\d+)?", row["sentence"])]
    for value in (
        10 ** row["effect"],
        10 ** row["low"],
        10 ** row["high"],
        row["a_median"],
        20,
        95,
    ):
        assert any(abs(x - value) <= 0.006 * abs(value) for x in found), value


def read(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-").rstrip(";:.").removesuffix("×"))


@pytest.mark.parametrize("measure", [m for m in MEASURES if m != "diverged"])
@pytest.mark.parametrize("factor", [1.0, 1.12, 3.0])
def test_medians_and_counts_in_a_sentence_are_those_of_the_table(
    tmp_path: Any, measure: str, factor: float
) -> None:
    about = MEASURES[measure]
    a, b = 20 * logs(1, 15), 20 * logs(2, 15, factor)
    if about.timed:
        a, b = np.round(a), np.where(np.arange(15) < 3, INF, np.round(b))
    scores = {("p", "a"): a, ("p", "b"): b}
    [row] = judge(tmp_path, claim(measure=measure), scores, measure).to_dict("records")
    if row["verdict"] == "NOT TESTED":
        assert about.profile
        return
    medians = re.search(r"median (\S+) against (\S+)", row["sentence"])
    assert medians is not None
    for said, values in zip(medians.groups(), (a, b), strict=True):
        assert read(said) == pytest.approx(np.median(values), rel=0.005)
    if about.timed:
        counts = re.search(r" in (\d+) and (\d+) of (\d+) runs", row["sentence"])
        assert counts is not None
        assert [int(x) for x in counts.groups()] == [15, 12, 15]
    ends = re.search(r"\(95 % interval (\S+) to (\S+), 15 paired seeds, (signed-rank|win rate)\)",
                     row["sentence"])  # fmt: skip
    assert ends is not None
    for said, value in zip(ends.groups(), (row["low"], row["high"]), strict=False):
        shown = 10**value if about.scale == "ratio" else value
        assert said.startswith("∞") or read(said) == pytest.approx(shown, rel=0.006, abs=1e-9)
    stated = re.search(r"margin (\S+)", row["sentence"])
    assert stated is not None
    assert read(stated.group(1)) == about.margin


def test_what_is_rounding_is_told_as_no_difference(tmp_path: Any) -> None:
    a = 0.3 + 0.1 * logs(1, 15)
    b = a * (1 + 1e-15 * np.arange(1, 16))
    assert (a != b).all()
    stated = claim(measure="overshoot")
    scores = {("p", "a"): a, ("p", "b"): b}
    [row] = judge(tmp_path, stated, scores, "overshoot").to_dict("records")
    assert "apart by 0 starting gaps (95 % interval 0 to 0, 15 paired seeds" in row["sentence"]


@pytest.mark.parametrize("exact", [True, False])
def test_a_ratio_to_what_is_rounding_says_where_it_ends(tmp_path: Any, exact: bool) -> None:
    b = 10 ** (-3 + 0.1 * logs(1, 15))
    a = np.zeros(15) if exact else b / 10
    [row] = judge(tmp_path, claim(measure="gap"), {("p", "a"): a, ("p", "b"): b}, "gap").to_dict(
        "records"
    )
    assert ("or less is rounding and counts as that" in row["sentence"]) == exact


@pytest.mark.parametrize(("hits_a", "hits_b"), [(0, 0), (1, 7), (12, 0)])
def test_divergence_is_told_in_counts(tmp_path: Any, hits_a: int, hits_b: int) -> None:
    scores = {("p", "a"): np.arange(20) < hits_a, ("p", "b"): np.arange(20) < hits_b}
    [row] = judge(tmp_path, claim(measure="diverged"), scores, "diverged").to_dict("records")
    assert f"diverged in {hits_a} and {hits_b} of 20 runs" in row["sentence"]
    assert (row["a_n"], row["b_n"]) == (20 - hits_a, 20 - hits_b)
    one = {("p", "a"): [0.0], ("p", "b"): [1.0]}
    here = judge(tmp_path / "one", claim(measure="diverged"), one, "diverged", start="given")
    assert here["verdict"].tolist() == ["TRUE HERE"]
    assert "a did not diverge and b diverged" in here["sentence"].iloc[0]


@pytest.mark.parametrize("hits", [0, 3])
def test_how_often_it_was_seen_is_told(tmp_path: Any, hits: int) -> None:
    values = np.where(np.arange(30) < hits, 0.5, 0.0)
    stated = claim("never", others=(), measure="overshoot")
    [row] = judge(tmp_path, stated, {("p", "a"): values}, "overshoot").to_dict("records")
    assert f"seen in {hits} of 30 runs" in row["sentence"]
    exact = stats.binomtest(hits, 30).proportion_ci(0.95, "exact")
    between = re.search(r"between (\S+) % and (\S+) %", row["sentence"])
    assert between is not None
    said = [float(x) for x in between.groups()]
    assert said == pytest.approx([100 * exact.low, 100 * exact.high], rel=0.005)


@pytest.mark.slow
def test_the_suggested_seeds_decide_at_the_named_alternative(tmp_path: Any) -> None:
    """INCONCLUSIVE names a number of seeds and what would have to be true: then so many decide in
    75 % of repetitions at the least."""
    rng, decided, tried = np.random.default_rng(5), 0, 0
    while tried < 200:
        a, b = 10 ** rng.normal(0, 0.1, (2, 15))
        row = judge(tmp_path, claim(), {("p", "a"): a, ("p", "b"): 1.2 * b}).iloc[0]
        need = row["seeds_needed"]
        if row["verdict"] != "INCONCLUSIVE" or not need or need > 300:
            continue
        tried += 1
        ratio = float(re.findall(r"ratio is ([\d.]+)", row["alternative"])[0])
        x, y = 10 ** rng.normal(0, 0.1, (2, int(need)))
        again = judge(tmp_path, claim(), {("p", "a"): x, ("p", "b"): ratio * y}).iloc[0]
        decided += again["verdict"] != "INCONCLUSIVE"
    assert decided / tried >= 0.75


# The page that works one by hand


def test_the_worked_example_is_what_happens(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[1] / "docs" / "claims.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| ([\d.]+) \|$", page, flags=re.MULTILINE)
    assert [int(row[0]) for row in rows] == list(range(10))
    a, b, ratios = (np.array([float(row[i]) for row in rows]) for i in (1, 2, 3))
    assert (b / a).round(2).tolist() == ratios.tolist()
    d = np.log10(b / a)
    walsh = sorted(10 ** ((d[i] + d[j]) / 2) for i in range(10) for j in range(i, 10))
    assert len(walsh) == 55
    text = " ".join(page.replace(">", "").split())
    said = {
        "all 55 averages of two ratios (on the log scale, each ratio with itself too): {:.3g}.":
            np.median(walsh),
        "the ninth smallest average, {:.3g},": walsh[8], "the ninth largest, {:.3g},": walsh[-9],
        "bound it, {:.3g} and": walsh[5], "and {:.3g}. The first claim": walsh[-6],
        "25 leave eight averages or fewer below: {:.3g} %": 100 * 25 / 1024,
    }  # fmt: skip
    for words, value in said.items():
        assert words.format(value) in text, words
    law = null_law(10)
    assert [(law <= 8).sum(), (law <= 5).sum(), len(law)] == [25, 10, 1024]
    assert (law <= 9).sum() / 1024 > 0.025 > 25 / 1024
    assert (law <= 6).sum() / 1024 > 0.0125 > 10 / 1024
    # And so it is judged.
    monkeypatch.setattr("judged.STEPS", 1000)
    scores = {("bowl", "momentum"): a, ("bowl", "sgd"): b}

    def stated(margin: float | None) -> dict[str, Any]:
        return claim(a="momentum", others=("sgd",), measure="steps_held", margin=margin,
                     problems=("bowl",))  # fmt: skip

    [one] = judge(tmp_path / "1", stated(None), scores, "steps_held").to_dict("records")
    assert one["sentence"].replace(LABEL, "the target") in text
    for margin, verdict in ((2.2, "INCONCLUSIVE"), (2.5, "REFUTED")):
        two = judge(tmp_path / str(margin), [stated(None), stated(margin)], scores, "steps_held")
        assert two["verdict"].tolist() == ["SUPPORTED", verdict]
        assert 10 ** two["low"].iloc[1] == pytest.approx(walsh[5])
        assert 10 ** two["high"].iloc[1] == pytest.approx(walsh[-6])
