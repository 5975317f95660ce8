"""Text from elsewhere stays text in a page, in a browser: whatever a spec, a page worked by hand or a
folder of results calls things, no element, script, dialog or request comes of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from browser import PHONE, chromium, opened
from small_folder import write_folder
from test_report_checked import SPEC
from test_report_claims import claims, put

from optlab import lab
from optlab.report import render, render_index
from optlab.report.html import html

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)> a </script> ]]> --> {{7*7}} {% x %}"
QUOTES = "\"'` onload=\"alert(3)\" x='y' | a | $x_1$ \\frac{1} `c` **d** [e](javascript:alert(4)) & &lt; %3C"
LONG = "W" * 400
RIGHT = "שלום עולם 12 مرحبا"
TURNED = "a\u202eb\u2066cd"
PAYLOADS = {"markup": f"{MARKUP} {QUOTES}", "long": LONG, "right": f"{RIGHT} {TURNED}"}

every_payload = pytest.mark.parametrize(
    "kind",
    [
        "markup",
        *(pytest.param(kind, marks=pytest.mark.slow) for kind in PAYLOADS if kind != "markup"),
    ],
)

FREE = ("bowl", "valley", "sgd", "adam", "x1", "loss <= 0.01", "A small comparison",
        "Which is fastest, and which most stable?")  # fmt: skip
"""What a spec may call as it likes: problems, optimizers, coordinates, targets, the title, the question."""
PROSE = ("summary", "source", "citation", "convention", "spec", "spec_file", "processor", "command",
         "divergence", "code", "notes", "provenance", "git", "text")  # fmt: skip
"""Fields of any text."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


def named(payload: str, old: str) -> str:
    return f"{payload} {old}"


def poisoned(value: Any, payload: str, field: str = "") -> Any:
    """The same, with every free name and every prose in it made hostile."""
    if isinstance(value, dict):
        return {poisoned(k, payload): poisoned(v, payload, k) for k, v in value.items()}
    if isinstance(value, list):
        return [poisoned(v, payload, field) for v in value]
    if (
        isinstance(value, str)
        and field not in ("rule", "family")
        and (value in FREE or field in PROSE)
    ):
        return named(payload, value)
    return value


def folder_of(place: Path, payload: str) -> Path:
    """A folder of results with claims, all of whose free text is `payload` before what it was."""
    folder = put(write_folder(place / "small", problems=["bowl"], optimizers=["sgd", "adam"],
                              rates=(0.1, 1.0), tune=2, evaluate=3, steps=40),
                 [c for c in claims(("bowl",)) if "momentum" not in str(c)], late=(0,))  # fmt: skip
    if not payload:
        return folder
    manifest = poisoned(json.loads((folder / "manifest.json").read_text(encoding="utf-8")), payload)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    for table in ("runs", "curves", "paths"):
        frame = pd.read_parquet(folder / f"{table}.parquet")
        for column in frame.select_dtypes(["object", "string"]):
            frame[column] = [poisoned(text, payload, str(column)) for text in frame[column]]
        heads = {c: f"{c.split('.')[0]}.{named(payload, c.split('.', 1)[1])}" for c in frame
                 if c.partition(".")[2] in FREE}  # fmt: skip
        frame.rename(columns=heads).to_parquet(folder / f"{table}.parquet")
    held = np.load(folder / "pictures.npz")
    kept = {
        f"{named(payload, key.rpartition('/')[0])}/{key.rpartition('/')[2]}": held[key]
        for key in held
    }
    np.savez(folder / "pictures.npz", **kept)
    return folder


STRUCTURE = """() => {
    const count = {};
    for (const node of document.querySelectorAll('*'))
        count[node.localName] = (count[node.localName] || 0) + 1;
    const handlers = [...document.querySelectorAll('*')].flatMap(node => [...node.attributes])
        .filter(a => /^on/i.test(a.name) || /^\\s*javascript:/i.test(a.value)).map(a => a.name);
    return {count, handlers};
}"""


def structure(browser: Any, file: Path, beside: bool = False) -> tuple[Counter[str], str, int]:
    """What elements a page is made of, its text, and how much wider than a phone it is."""
    with opened(browser, file, beside=beside, viewport=PHONE) as tab:
        tab.page.evaluate(
            "document.querySelectorAll('main details').forEach(d => { d.open = true })"
        )
        found = tab.page.evaluate(STRUCTURE)
        assert found["handlers"] == []
        wide = tab.page.evaluate("document.documentElement.scrollWidth")
        alternatives = tab.page.eval_on_selector_all("img", "all => all.map(i => i.alt).join(' ')")
        # What can be explored holds names as they are: the spec of a run is copied from there.
        tab.page.eval_on_selector_all(".explore", "all => all.forEach(node => node.remove())")
        text = f"{tab.page.inner_text('body')} {alternatives}"
        return Counter(found["count"]), text, wide - PHONE["width"]


@pytest.fixture(scope="module")
def shelves(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """For a payload a folder of one report and the list over it; "clean" has usual names."""

    @cache
    def shelf(kind: str) -> Path:
        place = tmp_path_factory.mktemp(kind)
        render(folder_of(place, PAYLOADS.get(kind, "")))
        render_index(place)
        return place

    return shelf


@pytest.fixture(scope="module")
def clean(browser: Any, shelves: Callable[[str], Path]) -> Counter[str]:
    """The elements of the page when all is named as usual."""
    return structure(browser, shelves("clean") / "small" / "index.html")[0]


def spaced(text: str) -> str:
    """As it is read: blanks as one, without what sets words of another direction apart."""
    return " ".join(text.replace("\u2068", "").replace("\u2069", "").split())


def seen(payload: str) -> str:
    """What of a payload is shown: signs that turn the direction, as a mark that they are there."""
    return spaced(payload.replace("\u202e", "\ufffd").replace("\u2066", "\ufffd"))


@every_payload
def test_names_in_a_report_are_text(
    browser: Any, clean: Counter[str], shelves: Callable[[str], Path], kind: str
) -> None:
    file = shelves(kind) / "small" / "index.html"
    found, text, beyond = structure(browser, file)
    # No element more or less than with usual names: nothing was read as markup.
    assert found - clean == clean - found == Counter()
    assert beyond <= 0
    for name in ("bowl", "sgd", "A small comparison"):
        assert seen(named(PAYLOADS[kind], name)) in spaced(text)
    assert not set(text) & set("\u202e\u2066")


def test_control_characters_are_shown_and_not_obeyed() -> None:
    page = (
        html()
        .from_string("<p title='{{ text }}'>{{ text }}</p>")
        .render(text="a\x07\x1b[31m\x00\x85\ud800b\n")
    )
    shown = "a␇␛[31m␀\ufffd\ufffdb\n"
    assert page == f"<p title='{shown}'>{shown}</p>"
    page.encode("utf-8")


def test_words_from_right_to_left_leave_numbers_where_they_are(
    browser: Any, tmp_path: Path
) -> None:
    """`name 12 updates` reads as it does with any other name."""
    template = html().from_string(
        "<!doctype html><html lang=en><title>t</title><body><p>{{ text }}</p>"
    )
    file = tmp_path / "page.html"
    file.write_text(template.render(text=f"{RIGHT[:9]} 46 (6 of 6), sgd"), encoding="utf-8")
    place = """word => { const text = document.querySelector('p').firstChild, at = text.data.indexOf(word);
        const range = document.createRange(); range.setStart(text, at);
        range.setEnd(text, at + word.length); return range.getBoundingClientRect().x }"""
    with opened(browser, file) as tab:
        order = [tab.page.evaluate(place, word) for word in (RIGHT[:4], "46", "(6 of 6)", "sgd")]
    assert order == sorted(order)


@every_payload
def test_names_in_the_list_of_reports_are_text(
    browser: Any, shelves: Callable[[str], Path], kind: str
) -> None:
    kept, _, _ = structure(browser, shelves("clean") / "index.html", beside=True)
    found, text, beyond = structure(browser, shelves(kind) / "index.html", beside=True)
    assert found - kept == kept - found == Counter()
    assert beyond <= 0
    assert seen(named(PAYLOADS[kind], "A small comparison")) in spaced(text)


@every_payload
def test_what_was_written_by_hand_is_text(
    browser: Any, worked: Path, tmp_path: Path, kind: str
) -> None:
    """Lines of a page, their notes and causes, and the names of what they are checked against."""
    payload = PAYLOADS[kind]
    kept = structure(browser, worked / "index.html")[0]
    folder = tmp_path / "page"
    folder.mkdir()
    for path in worked.iterdir():
        if path.suffix in (".json", ".parquet", ".npz"):
            (folder / path.name).write_bytes(path.read_bytes())
    checked = json.loads((folder / "checked.json").read_text(encoding="utf-8"))
    for line in checked["lines"]:
        line |= {field: named(payload, line[field]) for field in ("text", "written", "expected", "detail")
                 if isinstance(line.get(field), str)}  # fmt: skip
    checked["summary"] = named(payload, checked["summary"])
    (folder / "checked.json").write_text(json.dumps(checked), encoding="utf-8")
    render(folder)
    found, text, _ = structure(browser, folder / "index.html")
    # Lines that cannot be read as formulas stand as code, so what is counted are things that act.
    for name in ("script", "img", "iframe", "a", "form", "style", "button", "input"):
        assert found[name] == kept[name], name
    assert seen(named(payload, "2 of 2 answers right")) in spaced(text)


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("checked")
    (place / "page.yaml").write_text(SPEC, encoding="utf-8")
    results = lab.run(place / "page.yaml", place / "out")
    render(results.folder)
    return results.folder


@pytest.mark.slow
def test_a_spec_of_hostile_names_runs_and_its_page_is_safe(
    browser: Any, worked: Path, tmp_path: Path
) -> None:
    """From the spec to the page, names as far as a spec lets them be."""
    names = {"net": MARKUP, "given": QUOTES, "sgd": RIGHT, "rmsprop": f"{MARKUP} 2"}
    text = SPEC
    for old, new in names.items():
        text = text.replace(f"- {old}:", f"- {json.dumps(new, ensure_ascii=False)}: ")
    text = text.replace("{lr: 0.1}", "{use: sgd, lr: 0.1}").replace(
        "{lr: 0.1, b", "{use: rmsprop, lr: 0.1, b"
    )
    text = text.split("claims:")[0].replace(
        "title: A page", f"title: {json.dumps(MARKUP + QUOTES)}"
    )
    text = text.replace("Which is fastest?", json.dumps(LONG + MARKUP))
    spec = tmp_path / "<b>page & 'co'.yaml"
    spec.write_text(text, encoding="utf-8")
    results = lab.run(spec, tmp_path / "out")
    render(results.folder)
    found, shown, beyond = structure(browser, results.folder / "index.html")
    assert beyond <= 0
    assert found["script"] == structure(browser, worked / "index.html")[0]["script"]
    assert found["b"] == 0
    for name in (MARKUP, QUOTES):
        assert " ".join(name.split()) in " ".join(shown.split())
