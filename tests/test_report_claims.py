"""The report on claims: what is said first, how it is said, and that nothing is lost on the way."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
import test_report
from small_folder import write_folder
from test_report import HOSTILE, Page

from optlab.analysis.verdicts import COLUMNS
from optlab.report import render, render_index
from optlab.report.claims import headline, told
from optlab.spec import Claim, Side

SIZE = {"problems": ["bowl", "valley"], "optimizers": ["sgd", "momentum", "adam"], "tune": 3,
        "evaluate": 8, "rates": [0.001, 0.01, 0.1, 1.0]}  # fmt: skip


def row(claim, problem, verdict, measure="gap", **over):
    """One row of a table of verdicts; what is not said is as it is where nothing is known."""
    empty = dict.fromkeys(COLUMNS, math.nan)
    text = {"text": f"{claim} is so", "declared": "2026-11-22T10:00:00+00:00", "post_hoc": False,
            "kind": "better", "a": "adam", "b": "sgd", "selection_a": "tuned",
            "selection_b": "tuned", "target": "", "label": "", "method": "", "sentence": ""}  # fmt: skip
    known = {"claim": claim, "problem": problem, "verdict": verdict, "measure": measure}
    return empty | text | known | over


def table(*rows):
    return pd.DataFrame(list(rows))


# The headline


def test_one_claim_is_told_by_name():
    one = table(row("c", "bowl", "SUPPORTED"))
    assert headline(one) == "The claim that “c is so” holds on bowl."
    two = table(row("c", "bowl", "SUPPORTED"), row("c", "valley", "REFUTED"))
    assert headline(two) == "The claim that “c is so” holds on bowl and is refuted on valley."


def test_claims_are_counted_by_what_became_of_them():
    seen = table(
        row("a", "bowl", "SUPPORTED"), row("a", "valley", "SUPPORTED"),
        row("b", "bowl", "SUPPORTED"), row("b", "valley", "SUPPORTED"),
        row("c", "bowl", "REFUTED"), row("c", "valley", "INCONCLUSIVE"),
        row("d", "bowl", "NOT TESTED"), row("d", "valley", "NOT TESTED"),
    )  # fmt: skip
    assert headline(seen) == (
        "Of 4 claims, 2 hold on every problem; 1 is refuted on bowl and is undecided on valley; "
        "1 was not tested."
    )


def test_reaching_and_holding_are_told_apart():
    seen = table(
        row("c", "net", "TRUE HERE", "steps_reached", target="loss <= 1"),
        row("c", "net", "FALSE HERE", "steps_held", target="loss <= 1"),
    )
    assert "holds by one measure but not by another on net" in headline(seen)
    assert headline(seen).endswith("Exact, for these starts only.")
    (claim,) = told(seen)
    assert [(line.verdict, line.text) for line in claim.lines] == [
        ("TRUE HERE", "on net, to reach the target"),
        ("FALSE HERE", "on net, to hold the target"),
    ]


def test_a_claim_made_afterwards_does_not_count_among_the_others():
    seen = table(
        row("a", "bowl", "SUPPORTED"), row("b", "bowl", "REFUTED"),
        row("late", "bowl", "SUPPORTED", post_hoc=True),
    )  # fmt: skip
    assert headline(seen) == (
        "Of 2 claims, 1 holds on bowl and 1 is refuted on bowl. 1 more made after its runs (post hoc) "
        "holds on bowl."
    )
    only = table(row("late", "bowl", "SUPPORTED", post_hoc=True))
    assert headline(only).startswith("No claim was declared before the runs.")
    assert told(only)[0].post_hoc


def test_against_all_others_the_whole_decides_and_the_opponents_are_named():
    seen = table(
        row("c", "bowl", "SUPPORTED", b="sgd"),
        row("c", "bowl", "REFUTED", b="momentum", label="reversed"),
        row("c", "bowl", "REFUTED", b="all others", label="against momentum"),
    )
    assert headline(seen) == "The claim that “c is so” is refuted on bowl."
    assert [(line.verdict, line.text) for line in told(seen)[0].lines] == [
        ("REFUTED", "on bowl, by gap (reversed against momentum)")
    ]


def test_problems_that_share_a_verdict_are_named_together_with_each_ones_reason():
    seen = table(
        row("c", "one", "REFUTED", label="reversed"),
        row("c", "two", "REFUTED", label="equivalent"),
        row("c", "three", "NOT TESTED", label="2 runs of sgd stopped with an error"),
    )
    assert [line.text for line in told(seen)[0].lines] == [
        "on one and two, by gap (reversed: one; equivalent: two)",
        "on three, by gap (2 runs of sgd stopped with an error)",
    ]


def test_many_problems_that_agree_are_counted():
    seen = table(*(row("c", f"p{i}", "REFUTED", label="reversed") for i in range(6)))
    assert [line.text for line in told(seen)[0].lines] == ["on all 6 problems, by gap (reversed)"]


def test_a_verdict_over_problems_is_told_apart_from_theirs():
    seen = table(
        *(row("c", f"p{i}", "SUPPORTED") for i in range(10)),
        row("c", "all problems", "INCONCLUSIVE", n=10),
    )
    assert headline(seen) == "The claim that “c is so” holds on every problem."
    assert told(seen)[0].lines[-1].text == "over 10 problems taken as a sample against sgd, by gap"


# Whole pages


def put(folder, claims, late=()):
    """The folder with these claims in its manifest, as a spec that holds them leaves it."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["claims"] = [
        asdict(claim) | {"id": claim.id, "hash": f"{i:02}" * 32, "post_hoc": i in late,
                         "declared": "2026-11-22T23:01:00+00:00"}
        for i, claim in enumerate(claims)
    ]  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def claims(problems=("bowl", "valley"), text="adam is the fastest"):
    sides = (Side("sgd"), Side("momentum"))
    return [
        Claim(text, "better", Side("adam"), sides, ("steps_reached", "steps_held"), problems,
              min_seeds=6),
        Claim("sgd never overshoots", "never", Side("sgd"), (), ("overshoot",), problems,
              min_seeds=6),
        Claim("momentum and adam are alike", "equivalent", Side("momentum"), (Side("adam"),),
              ("gap",), problems[:1], min_seeds=6),
        Claim("momentum is better by rate_width", "better", Side("momentum"), (Side("sgd"),),
              ("rate_width",), problems[:1], min_seeds=6),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = put(write_folder(tmp_path_factory.mktemp("claims") / "c", **SIZE), claims(), late=(3,))
    render(folder)
    return folder


@pytest.fixture(scope="module")
def page(folder):
    return Page((folder / "index.html").read_text(encoding="utf-8"))


def test_the_first_thing_on_the_page_is_what_became_of_the_claims(page, folder):
    text = " ".join(page.text.split())
    first = text.index("Of 3 claims, ")
    assert first < text.index("“adam is the fastest”") < text.index("What was seen")
    assert text.index("What was seen") < text.index("On bowl: ")
    assert "Besides the claims, a description of these runs, not a test" in text
    assert "No claim was declared" not in text
    assert text.count("POST HOC") == 1
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["answer"].startswith("Of 3 claims, ")
    assert "Of 3 claims, " in render_index(folder.parent).read_text(encoding="utf-8")


def test_the_section_says_how_and_when(page):
    assert [attributes["id"] for attributes in page.all("section")][:2] == ["answer", "sure"]
    text = " ".join(page.text.split())
    for said in (
        "NOT TESTED: something that must be so before anything can be judged is not",
        "A report folder that was deleted forgets when its claims were made",
        "22 November 2026, 23:01",
        "000000000000",
        "overshoot: largest rise above the best loss so far",
        "Would another choice change the verdicts?",
    ):
        assert said in text, said


def test_every_verdict_has_its_row_and_its_sentence(folder):
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    section = markdown[markdown.index("## What was claimed") : markdown.index("### Would another")]
    rows = [line for line in section.splitlines() if re.match(r"\|.*\*\*[A-Z ]+\*\*", line)]
    # Against both and all together, by two measures, on two problems; then alone, and two pairs.
    assert len(rows) == 2 * 2 * 3 + 2 + 1 + 1
    sentences = re.findall(r"^- [A-Z ]+ (?:\([^)]*\) )?on (?:bowl|valley): ", section, re.MULTILINE)
    assert len(sentences) == len(rows)
    test_report.test_markdown_tables_have_as_many_cells_as_headings(markdown)


def test_nothing_unknown_reaches_the_page(folder, page):
    for text in (" ".join(page.text.split()), (folder / "report.md").read_text(encoding="utf-8")):
        assert not re.search(r"\b(nan|inf|None|NaT)\b", text)


def test_verdicts_that_are_stored_are_read_and_not_made_again(tmp_path):
    folder = put(write_folder(tmp_path / "c", **SIZE), claims()[:1])
    kept = table(row("x", "bowl", "SUPPORTED", text="as it was stored", effect=0.3, low=0.2,
                     high=0.5, low95=0.25, high95=0.4, scale="ratio", level=0.99, n=8, a_n=8, b_n=8,
                     a_median=1.0, b_median=2.0, margin=1.1, judged=5, method="signed-rank"))  # fmt: skip
    kept[COLUMNS].to_csv(folder / "verdicts.csv", index=False)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["claims"][0]["id"] = "x"
    manifest["claims"][0]["measures"] = ["gap"]
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    render(folder)
    text = (folder / "report.md").read_text(encoding="utf-8").replace("\N{NO-BREAK SPACE}", " ")
    assert "The claim that “as it was stored” holds on bowl." in text
    assert r"2× \[1.58, 3.16\]<br><sub>95 %: \[1.78, 2.51\]; margin 1.1×</sub>" in text
    assert "1 against 2 |" in text
    assert "8 paired seeds, 99 %" in text


def test_a_claim_of_one_instance_has_no_interval(tmp_path):
    folder = put(write_folder(tmp_path / "e", problems=["relu network"], rates=[0.1]),
                 [Claim("momentum is faster than sgd", "better", Side("momentum"), (Side("sgd"),),
                        ("steps_reached", "steps_held"), ("relu network",))])  # fmt: skip
    render(folder)
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "Exact, for these starts only." in text
    assert "one instance" in text
    assert "signed-rank" not in text
    assert not list((folder / "figures").glob("paired-*"))


def test_hostile_claims_stay_text(tmp_path):
    folder = put(write_folder(tmp_path / "h", **SIZE | {"problems": ["bowl"]}),
                 claims(("bowl",), text=HOSTILE))  # fmt: skip
    render(folder)
    page = Page((folder / "index.html").read_text(encoding="utf-8"))
    test_report.assert_own_scripts(page)
    assert HOSTILE in page.text
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    assert "<script>" not in markdown
    test_report.test_markdown_tables_have_as_many_cells_as_headings(markdown)


@pytest.mark.parametrize(
    "case",
    [
        {"evaluate": 1, "tune": 0},
        {"rates": [50.0, 500.0]},
        pytest.param({"threshold": None, "known": False}, marks=pytest.mark.slow),
        pytest.param({"threshold": 1e-300}, marks=pytest.mark.slow),
        pytest.param({"steps": 1}, marks=pytest.mark.slow),
        pytest.param({"rates": [0.1]}, marks=pytest.mark.slow),
    ],
    ids=["one seed", "all diverged", "no target, no minimum", "never", "one step", "one setting"],
)
def test_corners(tmp_path, case):
    folder = put(write_folder(tmp_path / "c", **SIZE | {"problems": ["bowl"]} | case),
                 claims(("bowl",)))  # fmt: skip
    render(folder)
    page = Page((folder / "index.html").read_text(encoding="utf-8"))
    assert "claims" in {attributes["id"] for attributes in page.all("section")}
    visible = " ".join(page.text.split())
    assert not re.search(r"\b(nan|inf|None|NaT)\b", visible), visible


def test_a_default_setting_stands_beside_the_tuned_one(tmp_path):
    """As a staged experiment leaves it: the default setting on evaluation seeds, in a part of its
    own."""
    folder = write_folder(tmp_path / "d", **SIZE)
    runs = pd.read_parquet(folder / "runs.parquet")
    default = (runs["role"] == "evaluate") & (runs["hyper.lr"] == 0.01)
    runs["part"] = np.select(
        [runs["role"] == "tune", default, runs["role"] == "evaluate"],
        ["trial", "default", "chosen"], "picture",
    )  # fmt: skip
    runs.to_parquet(folder / "runs.parquet")
    render(folder)
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    times = markdown[markdown.index("## Steps to the target") : markdown.index("## How fast")]
    assert times.count("default setting") == 6  # three optimizers on two problems
    assert times.count("| lr 0.01") >= 6
