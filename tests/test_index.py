"""The list of reports: what it says of each, what it says is wrong, and how it is searched."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import chromium
from small_folder import write_folder
from test_report import Page
from typer.testing import CliRunner, Result

from optlab import __version__, cli
from optlab.report import render, render_index

HOSTILE = "<script>alert(1)</script> & \"q\" 'r' {{ 7 * 7 }} --> </li>"


def shelved(
    out: Path, name: str, manifest: bool = True, page: str = "<p>page</p>", **over: Any
) -> Path:
    """A folder as `render` leaves it, but for its tables: a manifest, a summary and a page."""
    folder = out / name
    (folder / "figures").mkdir(parents=True)
    said = {
        "format": 2, "optlab": __version__, "kind": "report", "title": name.title(), "question": "",
        "answer": "Nothing was decided.", "created": "2026-11-22T10:00:00+00:00", "runs": 10,
        "broken": 0, "optimizers": ["sgd", "adam"], "problems": ["bowl"], "claims": [], "thumbnail": "",
    }  # fmt: skip
    said |= over
    (folder / "summary.json").write_text(json.dumps(said), encoding="utf-8")
    (folder / "index.html").write_text(page, encoding="utf-8")
    if manifest:
        made = {
            "name": name, "title": said["title"], "question": said["question"],
            "created": said["created"], "counts": {"hit": 10, "error": 0}, "claims": [],
            "optimizers": [{"name": n} for n in said["optimizers"]],
            "problems": [{"name": n} for n in said["problems"]],
        }  # fmt: skip
        (folder / "manifest.json").write_text(json.dumps(made), encoding="utf-8")
    return folder


def listed(out: Path) -> Page:
    return Page(render_index(out).read_text(encoding="utf-8"))


def links(page: Page) -> list[str]:
    """Where the titles lead; a thumbnail's link, which leads there too, is left out."""
    return [a["href"] for a in page.all("a") if "aria-hidden" not in a and a["href"][0] != "#"]


def said_of(page: Page) -> str:
    return " ".join(page.text.split())


# --- what it says ---


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report that was really made."""
    folder = write_folder(
        tmp_path_factory.mktemp("out") / "small", problems=["bowl"], rates=[0.1], tune=0, evaluate=2,
        title="A small <b>", created="2026-11-22T10:00:00+00:00",
    )  # fmt: skip
    render(folder)
    return folder


def test_a_rendered_report_is_listed_with_what_it_holds(rendered: Path) -> None:
    folder, out = rendered, rendered.parent
    page = listed(out)
    assert links(page) == ["small/index.html"]
    [picture] = page.all("img")
    assert (out / picture["src"]).is_file()
    said = said_of(page)
    assert "A small <b>" in said
    assert "Which is fastest, and which most stable?" in said
    assert json.loads((folder / "summary.json").read_text())["answer"] in said
    # 4 optimizers, 2 seeds, 1 picture
    assert "22 November 2026, 12 runs, " in said
    assert "4 optimizers, 1 problem" in said
    assert "sgd, momentum, rmsprop, adam" in said
    assert "optlab report" not in said  # nothing is wrong with it


def test_the_newest_comes_first(tmp_path: Path) -> None:
    for name, created in (
        ("old", "2026-11-01T10:00:00+00:00"), ("new", "2026-11-22T10:00:00+00:00"),
        ("first", "2025-01-01T10:00:00+00:00"), ("even", "2026-11-22T10:00:00+00:00"),
    ):  # fmt: skip
        shelved(tmp_path, name, created=created)
    (tmp_path / "not a report").mkdir()
    assert links(listed(tmp_path)) == [
        f"{n}/index.html" for n in ("even", "new", "old", "first")
    ]  # fmt: skip


def test_sizes_are_those_of_the_files(tmp_path: Path) -> None:
    folder = shelved(tmp_path, "big", page="x" * 1_234_567)
    (folder / "cells" / "deep").mkdir(parents=True)
    (folder / "cells" / "deep" / "stored.npz").write_bytes(b"0" * 20_000_000)
    page = listed(tmp_path)
    assert "10 runs, 1.2 MB page, 21 MB in all" in said_of(page)
    [item] = page.all("li")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert int(item["data-size"]) == sum(path.stat().st_size for path in files)


def test_hostile_text_and_names_stay_text(tmp_path: Path) -> None:
    name = "a b#c?d%e&'\"<i>"
    shelved(
        tmp_path, name, title=HOSTILE, question=HOSTILE, answer=HOSTILE, claims=[HOSTILE],
        optimizers=[HOSTILE], problems=[HOSTILE], thumbnail="figures/x y.svg",
    )  # fmt: skip
    (tmp_path / name / "figures" / "x y.svg").write_text("<svg/>", encoding="utf-8")
    page = listed(tmp_path)
    assert not page.all("script")  # neither the list's own, for one report, nor another
    assert not page.all("i")
    assert said_of(page).count(HOSTILE) == 6  # three times in sentences, three times among names
    [link] = links(page)
    assert link == "a%20b%23c%3Fd%25e%26%27%22%3Ci%3E/index.html"
    [picture] = page.all("img")
    assert picture["src"].endswith("%3Ci%3E/figures/x%20y.svg")


def test_comparisons_are_listed_as_such(tmp_path: Path) -> None:
    shelved(tmp_path, "both", manifest=False, kind="comparison", title="Before and after")
    said = said_of(listed(tmp_path))
    assert "Before and after" in said
    assert "Comparison, 22 November 2026, 10 runs" in said


def test_the_index_reads_no_tables(rendered: Path, tmp_path: Path) -> None:
    """The tables may be large, and the list needs none of them."""
    folder = tmp_path / "big"
    shutil.copytree(rendered, folder)
    before = render_index(tmp_path).read_text(encoding="utf-8")
    assert "sgd" in before
    for path in folder.glob("*.parquet"):
        path.write_bytes(b"\0" * path.stat().st_size)
    assert render_index(tmp_path).read_text(encoding="utf-8") == before


def test_one_report_needs_no_search(tmp_path: Path) -> None:
    shelved(tmp_path, "only")
    page = listed(tmp_path)
    assert not page.all("form")
    assert not page.all("script")
    assert links(page) == ["only/index.html"]


def test_an_empty_list_says_so(tmp_path: Path) -> None:
    page = listed(tmp_path)
    assert "No reports yet" in page.text
    assert not page.all("script")


# --- what it says is wrong ---


def test_a_bad_folder_is_listed_and_hides_no_other(tmp_path: Path) -> None:
    shelved(tmp_path, "good")
    unrendered = shelved(tmp_path, "waiting")
    (unrendered / "summary.json").unlink()
    (unrendered / "index.html").unlink()
    (shelved(tmp_path, "before") / "summary.json").unlink()
    for name, text in (
        ("cut", "{"), ("older", '["of another make"]'), ("torn", '{"title": "to'),
        ("strange", "[1]"), ("dated", '{"created": 7}'),
    ):  # fmt: skip
        (shelved(tmp_path, name, manifest=False) / "summary.json").write_text(text)
    never = shelved(tmp_path, "never", created="yesterday")
    bytes_ = shelved(tmp_path, "bytes", manifest=False)
    (bytes_ / "summary.json").unlink()
    (bytes_ / "manifest.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder" / "manifest.json").mkdir(parents=True)
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "runs.parquet").write_bytes(b"")
    page = listed(tmp_path)
    assert sorted(links(page)) == ["before/index.html", "good/index.html"]
    said = said_of(page)
    bad = ("cut", "older", "torn", "strange", "dated", never.name, "bytes", "folder", "tables")
    for name in bad:
        assert f"{name} This folder cannot be read. {name}" in said
    assert said.count("cannot be read") == len(bad)
    assert said.count("Not rendered yet; “optlab report” does it.") == 1
    assert said.count("Rendered by an earlier optlab; “optlab report” does it.") == 1


def test_broken_runs_and_old_pages_are_told(tmp_path: Path) -> None:
    shelved(tmp_path, "broken", broken=3, runs=1200)
    shelved(tmp_path, "old", format=1)
    shelved(tmp_path, "other", optlab="0.0.1")
    ran = shelved(tmp_path, "ran")
    manifest = json.loads((ran / "manifest.json").read_text())
    manifest["created"] = "2026-11-23T10:00:00+00:00"
    (ran / "manifest.json").write_text(json.dumps(manifest))
    (shelved(tmp_path, "gone") / "index.html").unlink()
    said = said_of(listed(tmp_path))
    assert "Nothing was decided. 3 runs of 1,200 ended in error." in said
    assert said.count("Made by another version of optlab; “optlab report” makes it again.") == 2
    assert said.count("The results are newer than the page") == 1
    assert said.count("Its page is missing") == 1


def test_a_summary_of_an_earlier_optlab_is_searched_by_its_manifest(tmp_path: Path) -> None:
    folder = shelved(tmp_path, "old", optimizers=["lion"])
    kept = ("title", "question", "answer", "created", "runs", "thumbnail")
    said = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps({name: said[name] for name in kept}))
    told = said_of(listed(tmp_path))
    assert "lion" in told
    assert "Made by another version of optlab" in told


# --- optlab open ---


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    addresses: list[str] = []
    monkeypatch.setattr(cli.opening.webbrowser, "open", addresses.append)
    return addresses


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, ["open", *map(str, arguments)], env={"TERM": "dumb"})


def test_open_finds_a_report_by_name_beginning_or_path(tmp_path: Path, opened: list[str]) -> None:
    for name in ("rates", "rates-again", "digits"):
        shelved(tmp_path, name)
    for name in ("digits", "dig", "DIG", tmp_path / "digits", tmp_path / "digits" / "index.html"):
        assert call(name, "--out", tmp_path).exit_code == 0
        assert opened.pop() == (tmp_path / "digits" / "index.html").as_uri()
    assert call("rates", "--out", tmp_path).exit_code == 0  # a name before the beginning of another
    assert opened.pop().endswith("/rates/index.html")
    told = call("rat", "--out", tmp_path)
    assert (told.exit_code, opened) == (2, [])
    assert "begins several reports: rates, rates-again" in told.output


def test_open_says_what_may_have_been_meant(tmp_path: Path, opened: list[str]) -> None:
    told = call("digits", "--out", tmp_path)
    assert told.exit_code == 2
    assert "nor is any other; `optlab run` makes one" in told.output
    shelved(tmp_path, "digits")
    told = call("digots", "--out", tmp_path)
    assert "no report is named 'digots' in " in told.output
    assert "did you mean 'digits'?" in told.output
    assert "known: digits" in call("xyz", "--out", tmp_path).output
    (tmp_path / "digits" / "index.html").unlink()
    told = call("digits", "--out", tmp_path)
    assert "has results but no page; `optlab report digits` renders it" in told.output
    assert call("--out", tmp_path / "nowhere").exit_code == 2
    assert opened == []


def test_open_leads_to_a_section(tmp_path: Path, opened: list[str]) -> None:
    shelved(tmp_path, "digits", page='<section id="answer"></section><section id="curves">')
    assert call("dig#curves", "--out", tmp_path).exit_code == 0
    assert opened.pop().endswith("/digits/index.html#curves")
    told = call("dig#curve", "--out", tmp_path)
    assert (told.exit_code, opened) == (2, [])
    assert "no section 'curve'; did you mean 'curves'?" in told.output
    assert "its sections: answer, curves" in call("dig#zzz", "--out", tmp_path).output


def test_open_lists_what_was_copied_in(tmp_path: Path, opened: list[str]) -> None:
    shelved(tmp_path, "mine")
    assert call("--out", tmp_path).exit_code == 0
    shelved(tmp_path, "from a friend")
    assert call("--out", tmp_path).exit_code == 0
    assert opened == [(tmp_path / "index.html").as_uri()] * 2
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert set(links(page)) == {"mine/index.html", "from%20a%20friend/index.html"}
    before = (tmp_path / "index.html").stat().st_mtime_ns
    assert call("--out", tmp_path).exit_code == 0
    assert (tmp_path / "index.html").stat().st_mtime_ns == before  # nothing new, nothing written


# --- in a browser ---


@pytest.fixture(scope="module")
def window() -> Iterator[Any]:
    """A tab that fails the test at a word on its console or a request beyond the disk."""
    with chromium() as browser:
        tab = browser.new_page()
        wrong: list[str] = []
        tab.on("console", lambda message: wrong.append(message.text))
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("request", lambda r: r.url.startswith("file:") or wrong.append(r.url))
        yield tab
        assert wrong == []


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hundred reports, report 7 the seventh newest and so on."""
    out = tmp_path_factory.mktemp("shelf")
    for i in range(1, 301):
        shelved(
            out, f"report-{i}", title=f"Report {i}", runs=(i * 7919) % 1009, page="x" * ((i * 31) % 307),
            created=f"2026-{12 - (i - 1) // 28:02d}-{28 - (i - 1) % 28:02d}T10:00:00+00:00",
            question="Is Poincaré's rule right?" if i % 100 == 0 else "Who is fastest?",
            optimizers=["sgd", "lion"] if i == 42 else ["sgd", "adam"],
            claims=["lion is faster than sgd"] if i == 42 else [],
        )  # fmt: skip
    return render_index(out)


def shown(tab: Any) -> list[str]:
    return tab.eval_on_selector_all(
        ".reports > li:not([hidden]) h2", "all => all.map(h => h.textContent)"
    )


@pytest.fixture
def tab(window: Any, shelf: Path) -> Any:
    window.goto("about:blank")
    window.goto(shelf.as_uri())
    return window


def test_search_as_one_types(tab: Any) -> None:
    assert shown(tab) == [f"Report {i}" for i in range(1, 301)]
    assert tab.inner_text("#found") == "300 reports"
    tab.fill("#find", "POINCARE")
    assert shown(tab) == ["Report 100", "Report 200", "Report 300"]
    assert tab.inner_text("#found") == "3 of 300 reports"
    tab.fill("#find", "poincaré 200")  # every word, anywhere
    assert shown(tab) == ["Report 200"]
    tab.fill("#find", "no such thing")
    assert shown(tab) == []
    assert tab.inner_text("#none") == "No report matches “no such thing”."
    assert tab.is_visible("#none")
    tab.fill("#find", "  ")
    assert len(shown(tab)) == 300
    assert not tab.is_visible("#none")


def test_names_that_are_folded_away_are_found_and_shown(tab: Any) -> None:
    assert not tab.is_visible("text=lion is faster")
    tab.fill("#find", "lion faster")
    assert shown(tab) == ["Report 42"]
    assert tab.is_visible("text=lion is faster than sgd")
    tab.fill("#find", "42")
    assert not tab.is_visible("text=lion is faster")


def test_sort(tab: Any, shelf: Path) -> None:
    tab.fill("#find", "report")
    numbers = range(1, 301)
    tab.select_option("#sort", "runs")
    # Equal counts stay in the order of their dates, which is that of the numbers.
    assert shown(tab) == [
        f"Report {i}" for i in sorted(numbers, key=lambda i: -((i * 7919) % 1009))
    ]
    tab.select_option("#sort", "name")
    assert shown(tab) == [f"Report {i}" for i in numbers]  # 2 before 10
    tab.select_option("#sort", "size")

    def size(i: int) -> int:
        return sum(
            p.stat().st_size for p in (shelf.parent / f"report-{i}").rglob("*") if p.is_file()
        )

    assert shown(tab) == [f"Report {i}" for i in sorted(numbers, key=lambda i: -size(i))]
    tab.select_option("#sort", "date")
    assert shown(tab) == [f"Report {i}" for i in numbers]


def test_the_keyboard_is_enough(tab: Any) -> None:
    tab.keyboard.press("/")
    tab.keyboard.type("poincare")
    assert tab.input_value("#find") == "poincare"

    def focused() -> str:
        return tab.evaluate("document.activeElement.textContent.trim()")

    tab.keyboard.press("ArrowDown")
    assert focused() == "Report 100"
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowDown")
    assert focused() == "Report 300"
    tab.keyboard.press("ArrowUp")
    assert focused() == "Report 200"
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/report-200/index.html")
    tab.go_back()
    tab.wait_for_selector("#find")
    assert shown(tab) == ["Report 100", "Report 200", "Report 300"]  # as it was left
    tab.focus("#find")
    tab.keyboard.press("Escape")
    assert tab.input_value("#find") == ""
    assert len(shown(tab)) == 300


def test_what_was_asked_stands_in_the_address(window: Any, shelf: Path) -> None:
    window.goto("about:blank")
    window.goto(shelf.as_uri() + "#find=poincare&sort=name")
    assert window.input_value("#find") == "poincare"
    assert window.input_value("#sort") == "name"
    assert len(shown(window)) == 3
    window.goto("about:blank")
    window.goto(shelf.as_uri() + "#find=%3Cb%3E&sort=__proto__")
    assert window.inner_text("#none") == "No report matches “<b>”."
    assert window.input_value("#sort") == "date"


def test_without_script_all_is_there(window: Any, shelf: Path) -> None:
    context = window.context.browser.new_context(java_script_enabled=False)
    still = context.new_page()
    still.goto(shelf.as_uri())
    assert still.locator(".reports > li").count() == 300
    assert not still.is_visible(".find")
    assert still.is_visible("text=300 reports, the newest first")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_for_who_cannot_see_or_point(
    window: Any, tmp_path: Path, scheme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    folder = shelved(tmp_path, "one", broken=1, question="Who?", thumbnail="figures/curves-1-x.svg")
    (folder / "figures" / "curves-1-x.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 3"/>', encoding="utf-8"
    )
    shelved(tmp_path, "two", manifest=False, kind="comparison", claims=["a is faster than b"])
    page = render_index(tmp_path)
    window.emulate_media(color_scheme=scheme)
    window.goto(page.as_uri())
    found = axe.run(window).response["violations"]
    assert [rule for rule in found if rule["impact"] in ("serious", "critical")] == []
    window.emulate_media(color_scheme=None)


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_list_is_never_wider_than_the_window(window: Any, tmp_path: Path, width: int) -> None:
    long = "averyveryverylongnamewithoutanyspace" * 6
    shelved(tmp_path, "short")
    shelved(tmp_path, "long", title=long, question=long, optimizers=[long], answer=long)
    window.set_viewport_size({"width": width, "height": 800})
    window.goto(render_index(tmp_path).as_uri())
    assert window.evaluate("document.documentElement.scrollWidth") <= width
    window.set_viewport_size({"width": 1280, "height": 800})
