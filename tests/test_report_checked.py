"""The report of a page that was worked by hand: what comes first, and where it leads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from test_report import Page

import optlab
from optlab import lab, report

HOSTILE = "<script>alert(1)</script>"
SPEC = """
title: A page
question: Which is fastest?
steps: 40
record: {every: 1}
targets: {loss: 0.01}
problems:
  - net: {use: relu_network, x: 2, y: 5, start: {w1: 0.5, b1: 0, w2: 0.3, b2: 0}}
  - given: {use: recorded_gradients, start: relu_network, w1: [-1.2, -0.8], b1: [-0.6, -0.4],
            w2: [-2, -1.5], b2: [-1, -0.5]}
optimizers:
  - sgd: {lr: 0.1}
  - rmsprop: {lr: 0.1, beta: 0.9, eps: 1e-8}
claims: [sgd is faster than rmsprop]
handwritten:
  rmsprop:
    2:
      s_w1: (0.9)(0.144) + (0.1)(0.8^2) = 0.1296 + 0.064 = 0.44
      s_b1: 0.484
      w1: 0.8162 + 0.1818 = 0.9980
      b1: 0.4980
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("checked")
    (place / "page.yaml").write_text(SPEC, encoding="utf-8")
    results = lab.run(place / "page.yaml", place / "out")
    report.render(results.folder)
    return results.folder


def test_what_was_found_is_stored(folder: Path) -> None:
    stored = json.loads((folder / "checked.json").read_text(encoding="utf-8"))
    assert stored["summary"] == "2 of 2 answers right. 2 lines slipped; no slip reached an answer."
    assert [line["verdict"] for line in stored["lines"]] == [
        "slip", "slip", "not carried", "not carried"
    ]  # fmt: skip
    assert optlab.load(folder).checked == stored


def test_the_page_comes_first_then_the_race_then_the_statements(folder: Path) -> None:
    for name in ("index.html", "report.md"):
        text = (folder / name).read_text(encoding="utf-8")
        order = ["2 of 2 answers right", "root is taken already here", "those of this loss",
                 "Fastest? Most stable?", "Your statements", "sgd is faster than rmsprop"]  # fmt: skip
        places = [text.index(part) for part in order]
        assert places == sorted(places), name


def test_the_race_says_what_the_runs_say(folder: Path) -> None:
    text = (folder / "report.md").read_text(encoding="utf-8")
    race = text[text.index("### Fastest") : text.index("### Your statements")]
    # By the assignment's own network: reached and held, and RMSProp's relapse.
    assert "| Optimizer | Reaches | Stays from | Largest rise | Last loss |" in race
    for name, begins in (("sgd", "sgd | 25 | 25"), ("rmsprop", "at step 40</sub> | 5 | never")):
        losses = _losses(folder, name)
        rise = (losses - np.minimum.accumulate(losses)).max() / losses[0]
        assert f"{begins} | {100 * rise:.3g} % | " in race
    assert "rmsprop<br><sub>left it again: 1.08 at step 40</sub> | 5 | never |" in race


def _losses(folder: Path, name: str) -> np.ndarray:
    """The losses of an optimizer's one run on the network, whose minimum is 0."""
    results = optlab.load(folder)
    runs = results.runs[results.runs["problem"].eq("net") & results.runs["optimizer"].eq(name)]
    curves = results.curves[results.curves["run_id"].isin(runs["run_id"].iloc[:1])]
    return curves.loc[curves["metric"].eq("loss"), "value"].to_numpy()


def test_each_slip_leads_to_its_step(folder: Path) -> None:
    page = Page((folder / "index.html").read_text(encoding="utf-8"))
    ids = {attributes.get("id") for _, attributes in page.tags}
    links = {a["href"][1:] for a in page.all("a") if (a.get("href") or "").startswith("#step")}
    assert links == {"step-given-rmsprop-2"}
    assert links <= ids


def test_text_of_a_page_stays_text(tmp_path: Path) -> None:
    (tmp_path / "page.yaml").write_text(SPEC)
    results = lab.run(tmp_path / "page.yaml", tmp_path / "out")
    checked = json.loads((results.folder / "checked.json").read_text(encoding="utf-8"))
    for line in checked["lines"]:
        line |= {"text": HOSTILE, "written": HOSTILE, "expected": HOSTILE, "detail": HOSTILE}
    checked["summary"] = HOSTILE
    (results.folder / "checked.json").write_text(json.dumps(checked), encoding="utf-8")
    report.render(results.folder)
    assert HOSTILE not in (results.folder / "index.html").read_text(encoding="utf-8")
    assert HOSTILE not in (results.folder / "report.md").read_text(encoding="utf-8")


def test_a_spec_without_a_page_has_none(tmp_path: Path) -> None:
    (tmp_path / "page.yaml").write_text(SPEC.split("handwritten:")[0])
    results = lab.run(tmp_path / "page.yaml", tmp_path / "out")
    report.render(results.folder)
    assert not (results.folder / "checked.json").exists()
    assert "Your page" not in (results.folder / "index.html").read_text(encoding="utf-8")
