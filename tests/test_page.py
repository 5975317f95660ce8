"""A page in a browser: what a reader can do with it, by mouse, by keys, on a phone and on paper."""

from __future__ import annotations

import csv
import io
import math
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from browser import PHONE, WIDE, chromium, opened
from PIL import Image
from small_folder import write_folder

from optlab.report import render
from optlab.report.blocks import Cell, Figures, Fold, Part, Picture, Pre, Section, Table, Text
from optlab.report.publish import Page, publish

OPTIMIZERS = [
    "sgd",
    "momentum",
    "rmsprop",
    "adam",
    "nadam",
    "adagrad",
    "lion",
    "adamw",
    "yogi",
    "adan",
]
STEPS = [120.0, math.inf, 9.5, 1000.0, -3.0, math.nan, 46.0, math.inf, 1e-3, 2e5]
NOTES = ["zebra", "apple", "", "item 10", "item 2", "mango", "pear", "quince, raw", 'a "q"', "fig"]


def rows() -> list[list[Cell]]:
    shown = ["–" if math.isnan(s) else "never" if s == math.inf else f"{s:,g}" for s in STEPS]
    return [
        [Cell(name), Cell(text, value=value), Cell(f"{i + 1}"), Cell(note)]
        for i, (name, text, value, note) in enumerate(
            zip(OPTIMIZERS, shown, STEPS, NOTES, strict=True)
        )
    ]  # fmt: skip


def picture(name: str, width: int = 120) -> Picture:
    """A square of the paper's colour with an inner one of the first optimizer's."""
    night = "@media (prefers-color-scheme: dark) { :root { --c0: #ff0000 } }"
    svg = (
        '<svg width="90pt" height="45pt" viewBox="0 0 90 45" xmlns="http://www.w3.org/2000/svg">\n'
        f"<style>:root {{ --c0: #0000ff }} {night}</style>\n"
        '<rect x="30" y="15" width="30" height="15" style="fill: var(--c0)"/>\n'
        '<text x="2" y="10" font-size="6">50% of 3 &lt; 4 &amp; #1 "q"</text></svg>'
    )
    data = pd.DataFrame({"optimizer": ["sgd", "adam"], "step": [1, 2], "loss": [0.5, 1e-9]})
    return Picture(f"figures/{name}.svg", svg, f"The square of {name}.", width, data)


def made(folder: Path) -> Path:
    """A page of every block that can be used, small."""
    plain = Table("How many steps.", ["Optimizer", "Steps", "Place", "Note"],
                  [("", rows())], frozenset({1, 2}), question="How many?", name="steps")  # fmt: skip
    grouped = Table("By problem.", ["Optimizer", "Steps", "Place", "Note"],
                    [("bowl", rows()[:5]), ("valley", rows()[5:])], frozenset({1, 2}), name="grouped")  # fmt: skip
    long = Table("A long one.", ["Line", "Text"],
                 [("", [[Cell(f"line {i}"), Cell(f"value {i}")] for i in range(60)])])  # fmt: skip
    deep = Table("Inside of a fold.", ["Line", "It is"], [("", [[Cell("first"), Cell("deep down")]])],
                 anchor="deep")  # fmt: skip
    filler = [
        Text(f"Filler {i}. " + "Some words that fill a line or two of the page. " * 6)
        for i in range(8)
    ]
    parts = [
        Part("sure", "How sure is that?", [
            Section("tables", "Tables", [plain, grouped]),
            Section("figures", "Figures", [Figures([picture("one"), picture("two"), picture("broad", 900)], "Three squares.",
                                                   "What do they show?", "They are squares.")]),
        ]),
        Part("made", "How can it be repeated?", [
            Section("long", "A long table", [*filler, long]),
            Section("folds", "Folds", [*filler, Fold("Outer", [Text("Outer words."), Fold("Inner", [deep])])]),
            Section("spec", "The spec", [Pre("optimizers:\n  - sgd: {lr: 0.1}\n"), *filler]),
        ]),
    ]  # fmt: skip
    folder.mkdir()
    publish(folder, Page(title="A page", name="page", line="10 optimizers", parts=parts,
                         answer=["adam is first.", "It reached the target.", "A description."],
                         question="Who is first?", words="An update is a step.",
                         warnings=[{"text": "Few seeds."}]))  # fmt: skip
    return folder / "index.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("page") / "page")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole report of real runs."""
    folder = write_folder(tmp_path_factory.mktemp("report") / "small", problems=["bowl", "valley"],
                          rates=(0.01, 0.1, 1.0), tune=2, evaluate=3, steps=60)  # fmt: skip
    render(folder)
    return folder / "index.html"


# --- tables ---


def column(tab: Any, name: str, index: int) -> list[str]:
    return tab.texts(f"table[data-name={name}] tbody tr > :nth-child({index})")


def test_numbers_sort_as_numbers_and_never_stands_last(browser: Any, file: Path) -> None:
    with opened(browser, file) as tab:
        head = tab.page.locator("#table-steps th", has_text="Steps")
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == "ascending"
        assert column(tab, "steps", 2) == [
            "-3", "0.001", "9.5", "46", "120", "1,000", "200,000", "never", "never", "–",
        ]  # fmt: skip
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == "descending"
        # The slowest first, which is never; what is missing stands last whichever way.
        assert column(tab, "steps", 2)[:3] == ["never", "never", "200,000"]
        assert column(tab, "steps", 2)[-1] == "–"
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") is None
        assert column(tab, "steps", 1) == OPTIMIZERS


def test_texts_sort_as_texts_and_one_column_at_a_time(browser: Any, file: Path) -> None:
    with opened(browser, file) as tab:
        heads = tab.page.locator("#table-steps thead th")
        heads.nth(1).get_by_role("button").click()
        heads.nth(3).get_by_role("button").click()
        assert [h.get_attribute("aria-sort") for h in heads.all()] == [
            None,
            None,
            None,
            "ascending",
        ]
        assert column(tab, "steps", 4) == [
            'a "q"', "apple", "fig", "item 2", "item 10", "mango", "pear", "quince, raw", "zebra", "",
        ]  # fmt: skip


def test_groups_sort_within_themselves(browser: Any, file: Path) -> None:
    with opened(browser, file) as tab:
        tab.page.locator("#table-grouped th button", has_text="Place").click()
        tab.page.locator("#table-grouped th button", has_text="Place").click()
        assert tab.texts("#table-grouped tbody tr > :first-child") == [
            "bowl", *OPTIMIZERS[4::-1], "valley", *OPTIMIZERS[:4:-1],
        ]  # fmt: skip


def test_rows_are_filtered_by_all_words(browser: Any, file: Path) -> None:
    with opened(browser, file) as tab:
        box = tab.page.locator("#table-grouped").get_by_placeholder("Filter rows")
        box.fill("ada")
        shown = tab.texts("#table-grouped tbody tr > :first-child")
        assert shown == ["bowl", "adam", "nadam", "valley", "adagrad", "adamw", "adan"]
        assert tab.texts("#table-grouped [role=status]") == ["5 of 10 rows"]
        box.fill("VALLEY ada")  # a group's name counts for its rows
        assert tab.texts("#table-grouped tbody tr > :first-child") == [
            "valley",
            "adagrad",
            "adamw",
            "adan",
        ]
        box.fill("")
        assert len(tab.texts("#table-grouped tbody tr > :first-child")) == 12


def test_the_csv_is_the_table(browser: Any, file: Path) -> None:
    on_disk = (file.parent / "tables" / "steps.csv").read_bytes()
    with opened(browser, file) as tab:
        name, whole = tab.saved("CSV", tab.page.locator("#table-steps"))
        assert (name, whole) == ("steps.csv", on_disk)
    table = pd.read_csv(io.BytesIO(whole))
    assert list(table["Optimizer"]) == OPTIMIZERS
    assert [s for s in table["Steps"] if s == s] == [s for s in STEPS if s == s]
    assert list(table["Note"].fillna("")) == NOTES


def test_the_csv_has_the_rows_and_columns_shown(browser: Any, file: Path) -> None:
    with opened(browser, file) as tab:
        block = tab.page.locator("#table-grouped")
        block.get_by_placeholder("Filter rows").fill("ada")
        block.locator("th button", has_text="Place").click()
        block.locator("th button", has_text="Place").click()
        block.locator("summary", has_text="Columns").click()
        block.get_by_label("Steps").uncheck()
        tab.page.keyboard.press("Escape")
        assert tab.texts("#table-grouped thead th") == ["Optimizer", "Place", "Note"]
        assert all(len(r.split("\t")) <= 3 for r in tab.texts("#table-grouped tbody tr"))
        _, kept = tab.saved("CSV", block)
        lines = list(csv.reader(io.StringIO(kept.decode())))
        assert lines == [
            ["group", "Optimizer", "Place", "Note"],
            ["bowl", "nadam", "5", "item 2"], ["bowl", "adam", "4", "item 10"],
            ["valley", "adan", "10", "fig"], ["valley", "adamw", "8", "quince, raw"],
            ["valley", "adagrad", "6", "mango"],
        ]  # fmt: skip


def test_a_table_is_handed_out_as_latex(browser: Any, file: Path) -> None:
    with opened(browser, file) as tab:
        name, tex = tab.saved("LaTeX", tab.page.locator("#table-steps"))
    assert name == "steps.tex"
    assert tex == (file.parent / "tables" / "steps.tex").read_bytes()
    assert b"\\toprule" in tex


def test_only_tables_with_a_name_have_tools(browser: Any, file: Path) -> None:
    with opened(browser, file) as tab:
        assert tab.page.locator(".tools").count() == 2
        assert tab.page.locator("#long table button").count() == 0


# --- figures ---


def test_a_figure_is_saved_as_svg_and_with_its_data(browser: Any, file: Path) -> None:
    with opened(browser, file) as tab:
        box = tab.page.locator(".picture").first
        box.locator("summary").click()
        name, svg = tab.saved("SVG", box)
        assert name == "one.svg"
        assert b'>50% of 3 &lt; 4 &amp; #1 "q"</text>' in svg
        name, data = tab.saved("Data (CSV)", box)
        assert name == "one.csv"
        assert data == b"optimizer,step,loss\nsgd,1,0.5\nadam,2,1e-09\n"


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize(
    ("press", "ground", "square"),
    [("PNG, on white", (255, 255, 255), (0, 0, 255)), ("PNG, on black", (21, 24, 28), (255, 0, 0))],
)
def test_a_figure_is_saved_as_png_twice_its_size_on_a_ground(
    browser: Any, file: Path, system: str, press: str, ground: Any, square: Any
) -> None:
    """In the colours of its ground, whatever the reader's system likes."""
    with opened(browser, file, color_scheme=system) as tab:
        box = tab.page.locator(".picture").nth(1)
        box.locator("summary").click()
        name, png = tab.saved(press, box)
    image = Image.open(io.BytesIO(png)).convert("RGB")
    assert name == ("two.png" if ground[0] == 255 else "two-dark.png")
    assert image.size == (240, 120)  # 90 x 45 points are 120 x 60 pixels
    assert (image.getpixel((2, 118)), image.getpixel((120, 60))) == (ground, square)


def shade(tab: Any, query: str) -> tuple[int, int, int]:
    """The colour in the middle of what is on the screen there."""
    image = Image.open(io.BytesIO(tab.page.locator(query).first.screenshot())).convert("RGB")
    return image.getpixel((image.width // 2, image.height // 2))


@pytest.mark.parametrize("system", ["light", "dark"])
def test_light_and_dark_reach_text_and_figures(browser: Any, file: Path, system: str) -> None:
    with opened(browser, file, color_scheme=system) as tab:
        ground = "getComputedStyle(document.body).backgroundColor"
        seen = {}
        for choice in ("auto", "light", "dark", "auto"):
            tab.page.get_by_label("Colours").select_option(choice)
            seen[choice] = (tab.page.evaluate(ground), shade(tab, ".picture img"))
        assert seen["light"] == ("rgb(253, 253, 252)", (0, 0, 255))
        assert seen["dark"] == ("rgb(21, 24, 28)", (255, 0, 0))
        assert seen["auto"] == seen[system]


def test_room_for_pictures_is_kept_before_they_are_drawn(browser: Any, file: Path) -> None:
    with opened(browser, file) as tab:
        assert tab.page.locator(".picture img").first.get_attribute("height") == "60"
        tab.page.evaluate(
            "document.querySelectorAll('.picture img').forEach(i => i.removeAttribute('src'))"
        )
        box = tab.page.locator(".picture img").first.bounding_box()
        assert box["height"] == pytest.approx(box["width"] / 2, abs=1)


def test_a_broad_figure_has_a_row_of_its_own_and_stays_readable(browser: Any, file: Path) -> None:
    for size, least in ((WIDE, 700), (PHONE, 600)):
        with opened(browser, file, viewport=size) as tab:
            assert tab.page.locator(".broad img").bounding_box()["width"] >= least
            assert tab.page.evaluate("document.documentElement.scrollWidth") <= size["width"]


# --- the way through the page ---


def top(tab: Any, query: str) -> float:
    return tab.page.locator(query).first.bounding_box()["y"]


@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_a_link_opens_at_its_section(browser: Any, file: Path, size: dict[str, int]) -> None:
    with opened(browser, file, "#long", viewport=size) as tab:
        tab.page.wait_for_timeout(100)
        assert 0 <= top(tab, "#long h3") < 200


def test_a_link_into_a_fold_opens_it_and_goes_there(browser: Any, file: Path) -> None:
    with opened(browser, file, "#deep") as tab:
        assert tab.page.get_by_text("deep down").is_visible()
        assert 0 <= top(tab, "#deep") < 300
    with opened(browser, file) as tab:
        assert not tab.page.get_by_text("deep down").is_visible()
        tab.page.evaluate("location.hash = '#deep'")
        tab.page.get_by_text("deep down").wait_for(state="visible")
        tab.page.evaluate("location.hash = '#100%'")  # nothing there, and no error


def test_every_heading_and_block_has_an_address(browser: Any, file: Path) -> None:
    with opened(browser, file) as tab:
        tab.page.locator("#figures h4").hover()
        tab.page.locator("#figures h4 a.here").click()
        assert tab.page.url.endswith("#figure-one")
        addresses = tab.page.eval_on_selector_all("a.here", "a => a.map(x => x.hash.slice(1))")
        assert {"answer", "sure", "tables", "long", "table-steps", "figure-one"} <= set(addresses)
        assert all(tab.page.locator(f'[id="{a}"]').count() == 1 for a in addresses)


def test_the_contents_mark_where_the_reader_is(browser: Any, file: Path) -> None:
    with opened(browser, file) as tab:
        current = tab.page.locator("nav a[aria-current]")
        for id_, title in (
            ("figures", "Figures"),
            ("long", "A long table"),
            ("answer", "The answer"),
        ):
            tab.page.locator(f"#{id_}").evaluate("node => node.scrollIntoView()")
            tab.page.wait_for_function(
                f"document.querySelector('nav a[aria-current]')?.textContent === '{title}'"
            )
            assert current.count() == 1


def test_the_contents_fold_on_a_phone(browser: Any, file: Path) -> None:
    with opened(browser, file, viewport=PHONE) as tab:
        assert top(tab, ".answer") < PHONE["height"] / 2
        link = tab.page.locator("nav a", has_text="The spec")
        assert not link.is_visible()
        tab.page.locator("nav summary").click()
        link.click()
        assert tab.page.url.endswith("#spec")
        assert not link.is_visible()
        tab.page.wait_for_function(
            "document.querySelector('nav .where').textContent === 'The spec'"
        )
        assert 40 <= top(tab, "#spec h3") < 120  # below the bar


def test_text_is_copied_as_it_was_written(browser: Any, file: Path) -> None:
    with opened(browser, file, permissions=["clipboard-read", "clipboard-write"]) as tab:
        tab.page.locator("pre + .copy").click()
        tab.page.get_by_text("Copied", exact=True).wait_for()
        assert (
            tab.page.evaluate("navigator.clipboard.readText()")
            == "optimizers:\n  - sgd: {lr: 0.1}\n"
        )


def test_text_is_copied_where_the_clipboard_is_refused(browser: Any, file: Path) -> None:
    """As it is for files in some browsers: by selecting it, and the page stays as it was."""
    with opened(browser, file) as tab:
        tab.page.evaluate(
            "() => { navigator.clipboard.writeText = async () => { throw new Error('no') } }"
        )
        tab.page.locator("pre + .copy").click()
        tab.page.get_by_text("Copied", exact=True).wait_for()
        assert tab.page.locator("textarea").count() == 0


def walk(tab: Any, keys: int) -> list[dict[str, Any]]:
    """What has the focus after each press of Tab, whether it can be seen, and its outline."""
    found = []
    for _ in range(keys):
        tab.page.keyboard.press("Tab")
        found.append(
            tab.page.evaluate("""() => {
            const node = document.activeElement, box = node.getBoundingClientRect();
            return {name: node.localName, text: node.textContent.trim(), type: node.className,
                    seen: box.width > 0 && box.height > 0 && box.right > 0 && box.left < innerWidth,
                    outline: getComputedStyle(node).outlineStyle}; }""")
        )
    return found


def test_everything_is_done_by_keys(browser: Any, file: Path) -> None:
    with opened(browser, file) as tab:
        keys = tab.page.keyboard
        [skip] = walk(tab, 1)
        assert (skip["text"], skip["seen"]) == ("Skip to the answer", True)
        keys.press("Enter")
        assert tab.page.url.endswith("#answer")
        # From there on every stop is on the screen and has a ring around it.
        stops = walk(tab, 30)
        assert [s for s in stops if not s["seen"] or s["outline"] == "none"] == []
        texts = [stop["text"] for stop in stops]
        for wanted in ("Columns", "CSV", "LaTeX", "Steps", "Save"):
            assert wanted in texts, wanted
        tab.page.locator("#table-steps .sort").nth(1).focus()
        keys.press("Enter")
        assert tab.page.locator("#table-steps th").nth(1).get_attribute("aria-sort") == "ascending"
        tab.page.locator("#table-steps .menu summary").focus()
        keys.press("Enter")
        keys.press("Tab")
        keys.press("Space")
        assert tab.texts("#table-steps thead th") == ["Optimizer", "Place", "Note"]
        keys.press("Escape")
        assert not tab.page.locator("#table-steps .choices").is_visible()
        assert tab.page.evaluate("document.activeElement.textContent") == "Columns"
        tab.page.locator(".picture summary").first.focus()
        keys.press("Enter")
        keys.press("Tab")
        with tab.page.expect_download() as waiting:
            keys.press("Enter")
        assert waiting.value.suggested_filename == "one.svg"
        tab.page.locator("#folds summary").first.focus()
        keys.press("Enter")
        assert tab.page.get_by_text("Outer words.").is_visible()


# --- without a script, on paper, for everyone ---


def test_without_a_script_everything_is_there_to_be_read(browser: Any, file: Path) -> None:
    with opened(browser, file, java_script_enabled=False) as tab:
        assert tab.page.locator("main button, main input, select").count() == 0
        for text in (
            "adam is first.",
            "Few seeds.",
            "2e+05",
            "item 10",
            "They are squares.",
            "line 59",
        ):
            if text != "2e+05":
                assert tab.page.get_by_text(text, exact=False).first.is_visible(), text
        assert not tab.page.get_by_text("deep down").is_visible()
        tab.page.locator("#folds summary", has_text="Outer").click()
        tab.page.locator("#folds summary", has_text="Inner").click()
        assert tab.page.get_by_text("deep down").is_visible()
        assert tab.page.locator("nav a").first.is_visible()


@pytest.mark.parametrize("scripted", [True, False])
def test_on_paper_nothing_is_folded_and_no_control_is_left(
    browser: Any, file: Path, tmp_path: Path, scripted: bool
) -> None:
    pypdf = pytest.importorskip("pypdf")
    with opened(browser, file, java_script_enabled=scripted, color_scheme="dark") as tab:
        if scripted:
            tab.page.get_by_label("Colours").select_option("dark")
        tab.page.pdf(
            path=str(tmp_path / "page.pdf"), prefer_css_page_size=True, print_background=True
        )
        if scripted:  # and afterwards it is as it was
            assert not tab.page.get_by_text("deep down").is_visible()
    printed = pypdf.PdfReader(tmp_path / "page.pdf")
    width, height = (float(x) for x in printed.pages[0].mediabox[2:])
    assert (width, height) == (pytest.approx(595.3, abs=1), pytest.approx(841.9, abs=1))  # A4
    text = " ".join(" ".join(page.extract_text() for page in printed.pages).split())
    text = unicodedata.normalize("NFKC", text)  # letters that were set as one
    for wanted in ("A page", "Who is first?", "adam is first.", "Few seeds.", "quince, raw", "valley",
                   "They are squares.", "line 59", "Outer words.", "deep down", "sgd: {lr: 0.1}"):  # fmt: skip
        assert wanted in text, wanted
    for control in ("Filter rows", "Columns", "CSV", "LaTeX", "Copy", "Colours", "Contents",
                    "PNG", "Skip to"):  # fmt: skip
        assert control not in text, control
    assert "50% of 3 < 4 & #1" in text  # a figure is drawn, as text


def test_on_paper_the_page_is_light(browser: Any, file: Path) -> None:
    with opened(browser, file, color_scheme="dark") as tab:
        tab.page.get_by_label("Colours").select_option("dark")
        tab.page.emulate_media(media="print")
        style = "(({color, backgroundColor}) => [color, backgroundColor])(getComputedStyle(document.body))"
        assert tab.page.evaluate(style) == ["rgb(27, 31, 35)", "rgba(0, 0, 0, 0)"]
        tab.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert "prefers-color-scheme" in tab.page.locator(".picture img").first.get_attribute("src")


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        (WIDE, "light"),
        pytest.param(PHONE, "dark", marks=pytest.mark.slow),
        pytest.param(WIDE, "dark", marks=pytest.mark.slow),
        pytest.param(PHONE, "light", marks=pytest.mark.slow),
    ],
)
def test_nothing_serious_for_who_cannot_see_or_point(
    browser: Any, file: Path, report: Path, scheme: str, size: dict[str, int]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for page in (file, report):
        with opened(browser, page, color_scheme=scheme, viewport=size) as tab:
            found = axe.run(tab.page).response["violations"]
            bad = [(rule["id"], [n["html"][:200] for n in rule["nodes"]][:3]) for rule in found
                   if rule["impact"] in ("serious", "critical")]  # fmt: skip
            assert bad == []


@pytest.mark.parametrize("width", [320, 390, 1280, 1920])
@pytest.mark.slow
def test_the_page_is_never_wider_than_the_window(
    browser: Any, file: Path, report: Path, width: int
) -> None:
    for page in (file, report):
        with opened(browser, page, viewport={"width": width, "height": 800}) as tab:
            tab.page.evaluate(
                "document.querySelectorAll('main details').forEach(d => { d.open = true })"
            )
            assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
            assert tab.page.evaluate("document.body.scrollWidth") <= width


def test_a_long_table_keeps_its_head_in_sight(browser: Any, file: Path) -> None:
    with opened(browser, file) as tab:
        box = tab.page.locator("#long .scroll")
        box.evaluate("node => { node.scrollIntoView(); node.scrollTop = 900 }")
        assert abs(top(tab, "#long thead th") - box.bounding_box()["y"]) < 3
        assert tab.page.get_by_text("value 59").count() == 1


def test_a_report_of_real_runs_needs_nothing_but_itself(browser: Any, report: Path) -> None:
    with opened(browser, report) as tab:
        assert tab.asked[0] == report.as_uri()
        broken = "[...document.images].filter(i => !i.complete || !i.naturalWidth).length"
        tab.page.wait_for_function(f"({broken}) === 0")
        assert tab.page.locator(".picture img").count() > 5
        ids = tab.page.eval_on_selector_all("[id]", "nodes => nodes.map(n => n.id)")
        assert len(ids) == len(set(ids))
