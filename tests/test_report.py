"""The report: one page that needs nothing else, the same in Markdown, and nothing hostile in it."""

from __future__ import annotations

import base64
import errno
import html
import json
import math
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from browser import answer, chromium
from small_folder import write_folder

from optlab import analysis
from optlab.problems.assignment import FORWARD
from optlab.report import render, render_index
from optlab.rules import REGISTRY
from optlab.worked import trace_forward, trace_rule

HOSTILE = "<script>alert(1)</script> | a $b$ \"q\" 'r' `c` **d** [e](f) & {{ 7 * 7 }}"
PICTURES = 23
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Tags with their attributes, and whether they nest."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.source = text
        self.tags, self.open, self.ids, self.text = [], [], [], ""
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.ids += [value for name, value in attributes if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in {"style", "script"}:
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def assert_own_scripts(page):
    """Data of walks that move and of runs to explore, files to save and, last, the program's scripts:
    the page's own, one where walks move and one where runs are explored; nothing that a spec brought
    in."""
    scripts = [attributes for attributes in page.all("script") if attributes.get("id") != "files"]
    walks, explored = {"type": "application/json"}, {"type": "text/plain"}
    data = [attributes for attributes in scripts if attributes in (walks, explored)]
    assert scripts == data + [{}] * (1 + (walks in data) + (explored in data))


def worked_pages():
    """The assignment's first pages, by the laboratory's own tracer."""
    names, start = ["w1", "b1", "w2", "b2"], [0.5, 0.0, 0.3, 0.0]
    gradients = [[-1.2, -0.6, -2.0, -1.0], [-0.8, -0.4, -1.5, -0.5]]
    forward = trace_forward(FORWARD, dict(zip(names, start, strict=True), x_1=2.0, y=5.0))
    return [
        trace_rule(REGISTRY[rule], {"lr": 0.1}, start, gradients, names, problem="relu network",
                   optimizer=rule, forward=forward, true_gradient=[-2.82, -1.41, -4.7, -4.7])
        for rule in ("sgd", "adam")
    ]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = write_folder(tmp_path_factory.mktemp("out") / "small", worked=worked_pages())
    render(folder)
    return folder


@pytest.fixture(scope="module")
def page(folder):
    return Page((folder / "index.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def markdown(folder):
    return (folder / "report.md").read_text(encoding="utf-8")


def test_what_was_written_is_there_and_whole(folder):
    written = render(folder)
    assert written[:2] == [folder / "index.html", folder / "report.md"]
    assert all(path.stat().st_size > 200 for path in written if path.suffix != ".csv")
    assert all(path.stat().st_size > 20 for path in written)
    assert {path.name for path in folder.iterdir()} == {
        "index.html", "report.md", "figures", "runs.parquet", "curves.parquet", "paths.parquet",
        "pictures.npz", "worked.json", "manifest.json", "summary.json", "worked.tex", "tables",
    }  # fmt: skip


def test_headings_skip_no_level(folder, markdown):
    page_text = (folder / "index.html").read_text(encoding="utf-8")
    of_page = [int(level) for level in re.findall(r"<h([1-6])\b", page_text)]
    of_text = [len(marks) for marks in re.findall(r"^(#+) ", markdown, flags=re.M)]
    for levels in (of_page, of_text):
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.slow
def test_the_same_folder_gives_the_same_bytes(folder):
    before = {path: path.read_bytes() for path in render(folder)}
    assert before == {path: path.read_bytes() for path in render(folder)}


def test_sections_stand_in_the_order_in_which_they_are_read(page):
    sections = [attributes["id"] for attributes in page.all("section")]
    assert sections == [
        "answer",
        "sure", "choices",
        "robust", "sensitivity", "tuning", "edge",
        "stable", "stability",
        "each", "times", "runtime", "paths", "theory",
        "explore", "every-run",
        "formulas", "worked",
        "fair", "optimizers", "problems",
        "complete", "completeness", "limits",
        "made", "provenance", "downloads",
    ]  # fmt: skip


INSIDE = ("data:image/svg+xml;charset=utf-8,", "data:text/plain;charset=utf-8;base64,")
"""What the page holds itself: pictures, and a file to save."""


def test_the_page_loads_nothing_from_outside(page):
    for tag, attributes in page.tags:
        for name in ("src", "href"):
            value = attributes.get(name) or ""
            assert value == "" or value.startswith(("#", *INSIDE)), (tag, value)
    assert_own_scripts(page)
    assert not page.all("link")
    style = "".join(attributes.get("style") or "" for _, attributes in page.tags)
    assert "url(" not in style


def test_every_link_in_the_page_leads_somewhere(page):
    targets = [a["href"][1:] for a in page.all("a") if a["href"].startswith("#")]
    assert set(targets) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_landmarks_and_alternative_texts(page):
    for tag in ("header", "nav", "main", "footer", "h1"):
        assert len(page.all(tag)) == 1, tag
    assert page.all("html")[0]["lang"] == "en"
    assert page.all("a")[0]["class"] == "skip"
    alternatives = [image["alt"] for image in page.all("img")]
    assert len(alternatives) == PICTURES
    assert all(len(text) > 40 for text in alternatives)
    # What a picture shows is said in words, with its numbers.
    assert any("momentum at 46 (6 of 6 runs)" in text for text in alternatives)
    assert any("At least half of the runs diverged: sgd from 10" in text for text in alternatives)
    assert all(th.get("scope") for th in page.all("th"))


def test_words_are_explained_before_they_are_needed(page):
    text = " ".join(page.text.split())
    for word, meaning in [
        ("gap", "the loss minus f*"),
        ("median", "half of the runs lie below it"),
        ("Held", "step from which it stayed met"),
        ("quartile", "lower to the upper quartile"),
        ("condition", "says how hard the problem is"),
    ]:
        assert meaning in text, word


def test_worked_pages_show_formula_numbers_and_result(page, markdown):
    titles = re.findall(r"<details( open)?><summary>[^<]*by hand<", page.source)
    assert [bool(opened) for opened in titles] == [True, False]  # the first stands open
    assert page.all("math")
    for number in ("= 11.0450", "= 0.6200", "= 0.7000"):
        assert number in page.text
        assert number in markdown
    assert "∂L/∂w1 is −2.82, not −1.2" in page.text
    assert r"$x_t = x_{t-1} - \eta g_t$" in markdown
    assert "[worked.tex](worked.tex)" in markdown


def test_the_document_to_typeset_lies_in_the_folder_and_in_the_page(folder, page):
    (save,) = [a for a in page.all("a") if a.get("download")]
    kept = base64.b64decode(save["href"].partition("base64,")[2])
    assert (save["download"], kept) == ("worked.tex", (folder / "worked.tex").read_bytes())


def test_what_is_read_as_one_stays_on_one_line(folder):
    """A hyperparameter with its value, an amount with its sign of percent, two quartiles; but a line
    may end before the quartiles, or the next column has no room left."""
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert '<span class="whole">eps 1e-8</span>' in text
    assert re.search("[0-9]\N{NO-BREAK SPACE}%</td>|[0-9]\N{NO-BREAK SPACE}%\\s", text)
    assert re.search("46 \\[[0-9.]+,\N{NO-BREAK SPACE}[0-9.]+\\]", text)


def test_fixed_points_are_told_by_their_losses(tmp_path):
    folder = write_folder(tmp_path / "f", problems=["bowl"], rates=[0.1], tune=0, evaluate=1)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["problems"][0]["fingerprint"] = [
        {"value": 2.556853114696219, "gradient_norm": 1.75, "weighted": -0.076},
        {"value": None, "gradient_norm": None, "weighted": None},
    ]
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    for text in texts(folder):
        assert "bowl 2.5568531, –" in text
        assert "gradient_norm" not in text


def test_markdown_pictures_exist(folder, markdown):
    files = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", markdown.replace(r"\]", ""))
    assert len(files) == PICTURES
    for file in files:
        assert (folder / file).read_text(encoding="utf-8").startswith("<svg")
    svgs = {f"figures/{path.name}" for path in (folder / "figures").glob("*.svg")}
    assert svgs == set(files)
    # The numbers in each lie beside it.
    assert {path.stem for path in (folder / "figures").glob("*.csv")} == {
        Path(f).stem for f in svgs
    }


def test_markdown_tables_have_as_many_cells_as_headings(markdown):
    width = None
    for line in markdown.splitlines():
        if not line.startswith("|"):
            width = None
            continue
        cells = line.count("|")
        assert width in (None, cells), line
        width = cells


def test_a_figure_of_an_earlier_report_is_removed(folder):
    old = folder / "figures" / "curves-9-gone.svg"
    old.write_text("<svg/>", encoding="utf-8")
    render(folder)
    assert not old.exists()


def test_a_report_is_replaced_at_once(folder, monkeypatch):
    """When writing fails, the page that was there stays, and nothing is left behind."""
    before = (folder / "index.html").read_bytes()

    def fail(*_):
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        render(folder)
    assert (folder / "index.html").read_bytes() == before
    assert not list(folder.rglob(".writing-*"))


def test_what_is_read_off_the_runs_is_computed_once(folder, monkeypatch):
    """A report over many runs is as quick as its largest table."""
    calls = []
    # `analysis.answer` is the function of that name; the module is found by its path.
    for home in (analysis, sys.modules["optlab.analysis.answer"]):
        for name in ("best_settings", "time_to_target"):
            real = getattr(home, name)
            monkeypatch.setattr(
                home, name, lambda *a, real=real, name=name: calls.append(name) or real(*a)
            )
    render(folder)
    assert sorted(calls) == ["best_settings", "time_to_target"]


# Corner cases


def texts(folder):
    render(folder)
    return [(folder / name).read_text(encoding="utf-8") for name in ("index.html", "report.md")]


def test_hostile_text_stays_text(tmp_path):
    folder = write_folder(tmp_path / "h", problems=["bowl"], rates=[0.1, 1.0], evaluate=2,
                          title=HOSTILE, question=HOSTILE, spec=f"{HOSTILE}\n```\n# no\n",
                          processor=HOSTILE, divergence=HOSTILE)  # fmt: skip
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for entry in (manifest["problems"][0], manifest["optimizers"][0]):
        entry |= {"summary": HOSTILE, "source": HOSTILE, "citation": HOSTILE, "notes": [HOSTILE]}
    manifest["optimizers"][0]["formulas"] = [
        r"x = \text{<script>} | a \& b", r"\href{javascript:alert(1)}{x}", r"\frac{", "a & b"
    ]  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    page_text, markdown = texts(folder)
    page = Page(page_text)
    assert_own_scripts(page)
    assert "javascript:" not in " ".join(str(attributes) for _, attributes in page.tags)
    assert HOSTILE in html.unescape(page_text)
    assert "49" not in page.all("title")
    outside = re.sub(r"````\n.*?\n````", "", markdown, flags=re.DOTALL)
    assert "<script>" not in re.sub(r"\$[^$\n]*\$", "", outside)
    assert "````\n" in markdown  # a fence longer than the one inside
    test_markdown_tables_have_as_many_cells_as_headings(outside)


def test_hostile_and_long_names(tmp_path):
    folder = write_folder(tmp_path / "n", problems=["bowl"], optimizers=["sgd"], rates=[0.1, 1.0],
                          evaluate=2)  # fmt: skip
    for name, new in (("bowl", HOSTILE + " long" * 30), ("sgd", "../" + HOSTILE)):
        column = "problem" if name == "bowl" else "optimizer"
        runs = pd.read_parquet(folder / "runs.parquet")
        runs[column] = runs[column].replace(name, new)
        runs.to_parquet(folder / "runs.parquet")
        text = (folder / "manifest.json").read_text(encoding="utf-8")
        manifest = json.loads(text)
        for problem in manifest["problems"]:
            problem["optimizers"] = [new if o == name else o for o in problem["optimizers"]]
            problem["name"] = new if problem["name"] == name else problem["name"]
        for optimizer in manifest["optimizers"]:
            optimizer["name"] = new if optimizer["name"] == name else optimizer["name"]
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    page_text, markdown = texts(folder)
    assert_own_scripts(Page(page_text))
    assert "<script>" not in markdown
    for file in (folder / "figures").iterdir():
        assert file.name == ".drawn.json" or re.fullmatch(
            r"[a-z]+-1-[a-z0-9-]+\.(svg|csv)", file.name
        )
        if file.suffix == ".svg":
            assert "<script" not in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "case",
    [
        {"tune": 0, "evaluate": 1},
        {"optimizers": ["sgd"], "rates": [50.0, 500.0]},
        pytest.param({"known": False}, marks=pytest.mark.slow),
        pytest.param({"threshold": None}, marks=pytest.mark.slow),
        {"threshold": None, "known": False, "tune": 0, "evaluate": 1, "rates": [0.1]},
        pytest.param({"threshold": 1e-300}, marks=pytest.mark.slow),
        pytest.param({"threshold": 1e9}, marks=pytest.mark.slow),
        {"steps": 1},
    ],
    ids=["one seed", "all diverged", "no minimum", "no target", "bare", "never", "at once",
         "one step"],
)  # fmt: skip
def test_corners(tmp_path, case):
    folder = write_folder(tmp_path / "c", **({"problems": ["bowl"], "rates": [0.1, 1.0]} | case))
    page_text, markdown = texts(folder)
    page = Page(page_text)
    sections = {attributes["id"] for attributes in page.all("section")}
    assert ("times" in sections) == (case.get("threshold", 1) is not None)
    assert ("last" in sections) == (case.get("threshold", 1) is None)
    assert "worked" not in sections  # an empty section does not appear
    visible = " ".join(page.text.split())
    assert not re.search(r"\b(nan|inf|None|NaT)\b", visible), visible
    assert not re.search(r"\b(nan|inf|None|NaT)\b", markdown)


def test_a_rise_without_a_scale_is_said(tmp_path):
    """A run that began at the minimum has no gap to compare its rise with; one that diverged rose
    without end."""
    folder = write_folder(tmp_path / "r", problems=["bowl"], optimizers=["sgd", "adam"], tune=0,
                          rates=[0.1], evaluate=3)  # fmt: skip
    runs = pd.read_parquet(folder / "runs.parquet")
    runs.loc[(runs["optimizer"] == "sgd") & (runs["seed"] == 1), "largest_rise"] = math.nan
    gone = (runs["optimizer"] == "adam") & (runs["role"] == "evaluate")
    runs.loc[gone, ["status", "largest_rise"]] = ["diverged", math.inf]
    runs.to_parquet(folder / "runs.parquet")
    page_text, markdown = texts(folder)
    said = "without 1 of 3 runs, with no gap at the start to compare with"
    assert page_text.count(said) == markdown.count(said) == 1
    # Diverged in all three, hence infinite by every other kind.
    line = next(line for line in markdown.splitlines() if line.startswith("| ■ adam | 3 of 3<br>"))
    assert line.count("| ∞") == 5


def test_a_folder_of_errors_only(tmp_path):
    """Then nothing was measured: no columns of measurements, no curves, no figure but of what ran."""
    folder = write_folder(tmp_path / "e", problems=["bowl", "relu network"], rates=[0.1, 1.0])
    runs = pd.read_parquet(folder / "runs.parquet")
    kept = [c for c in runs.columns if not c.startswith(("loss", "gap", "reached", "held", "worst",
                                                         "largest", "diverged"))]  # fmt: skip
    runs[kept].assign(status="error").to_parquet(folder / "runs.parquet")
    for name in ("curves", "paths"):
        pd.read_parquet(folder / f"{name}.parquet").iloc[:0].to_parquet(folder / f"{name}.parquet")
    page_text, _ = texts(folder)
    page = Page(page_text)
    assert "stopped with an error" in page.text
    assert [image["data-name"] for image in page.all("img")] == ["completeness-1-all"]
    assert render_index(tmp_path).exists()


def test_a_folder_without_results_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="no results here"):
        render(tmp_path)


# In a browser


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_never_wider_than_the_window(browser, folder, tmp_path, width):
    """A script asks the page how wide it became and whether its pictures were drawn."""
    text = (folder / "index.html").read_text(encoding="utf-8")
    probe = (
        "<script>addEventListener('load', () => { const d = document.documentElement;"
        "const cut = [...document.querySelectorAll('caption span, th.group span')].filter("
        "s => s.getBoundingClientRect().right > d.clientWidth).length;"
        "const bad = [...document.images].filter(i => !i.naturalWidth).length;"
        "window.answer = {scroll: d.scrollWidth, client: d.clientWidth, bad, cut,"
        " seen: document.images.length}; })</script>"
    )
    page = tmp_path / "probed.html"
    page.write_text(text.replace("</body>", f"{probe}</body>"), encoding="utf-8")
    told = answer(browser, page, viewport={"width": width, "height": 900})
    scroll, client, bad, seen, cut = (told[n] for n in ("scroll", "client", "bad", "seen", "cut"))
    assert scroll <= client
    assert (bad, seen) == (0, PICTURES)
    assert cut == 0  # what a table shows is read without pushing it aside


@pytest.mark.slow
def test_the_page_does_not_depend_on_how_a_process_hashes(tmp_path):
    made = []
    for seed in ("1", "2"):
        folder = write_folder(tmp_path / seed / "small", problems=("bowl",), evaluate=6)
        call = [sys.executable, "-m", "optlab.cli", "report", str(folder)]
        done = subprocess.run(call, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True)
        assert done.returncode == 0, done.stderr
        names = ("index.html", "report.md", "worked.tex", "summary.json")
        made.append({n: (folder / n).read_bytes() for n in names if (folder / n).exists()})
    assert made[0] == made[1]
