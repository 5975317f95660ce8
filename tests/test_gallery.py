"""The gallery of figures: each has its place there, and page and pictures are what the generator writes."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from markdown_it import MarkdownIt
from small_folder import write_folder

from optlab import figures
from optlab.results import load

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gallery", DOCS / "gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gallery"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


gallery = _generator()
EVERY = (*gallery.PLACES, *gallery.MORE)
each = pytest.mark.parametrize("place", EVERY, ids=lambda place: place.file.stem)


def _page() -> str:
    return (DOCS / "gallery.md").read_text(encoding="utf-8")


def _blocks() -> list[tuple[str, Any]]:
    """What a reader of the page gets, in its order: headings, pictures with their alt texts, calls."""
    found: list[tuple[str, Any]] = []
    tokens = MarkdownIt().parse(_page())
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "fence":
            found.append(("call", token.content))
        if token.type != "inline":
            continue
        if before is not None and before.type == "heading_open":
            found.append(("heading", token.content))
        found += [
            ("picture", (part.attrGet("src"), part.content))
            for part in token.children or []
            if part.type == "image"
        ]
    return found


def _texts(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).findall(".//{*}text")]


def _asked(code: str) -> tuple[str, str, list[str]]:
    """The report, the figure and the problems of the call that a reader would copy."""
    called = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    by = {ast.unparse(call.func).rsplit(".", 1)[-1]: call for call in called}
    (report,) = (ast.literal_eval(argument) for argument in by.pop("load").args)
    by.pop("column_width", None)
    ((figure, call),) = by.items()
    problems = [name for argument in call.args[1:] for name in ast.literal_eval(argument)]
    return report, figure, problems


def test_every_figure_has_its_place() -> None:
    assert [place.figure for place in gallery.PLACES] == list(figures.FIGURES)
    shown = [content for kind, content in _blocks() if kind == "heading"][1:]
    assert shown[: len(figures.FIGURES)] == [f"`{name}`" for name in figures.FIGURES]


def test_the_page_is_what_the_generator_writes() -> None:
    assert _page() == gallery.page(), "run `python docs/gallery.py` and commit"


def test_every_section_has_one_picture_and_one_call() -> None:
    kinds = [kind for kind, _ in _blocks()][1:]
    assert kinds == ["heading", "picture", "call"] * len(EVERY)


def test_the_folder_holds_the_pictures_of_the_page_and_no_others() -> None:
    shown = [content[0] for kind, content in _blocks() if kind == "picture"]
    assert len(set(shown)) == len(shown)
    assert {path.name for path in (DOCS / "gallery").iterdir()} == {Path(p).name for p in shown}


def test_the_links_on_the_page_lead_somewhere() -> None:
    headings = {content.strip("`") for kind, content in _blocks() if kind == "heading"}
    links = re.findall(r"(?<!!)\[[^\]]*\]\(([^)]+)\)", _page())
    assert len(links) > len(figures.FIGURES)
    for link in links:
        assert link[1:] in headings if link.startswith("#") else (DOCS / link).exists(), link


def test_what_a_reader_would_copy_names_shipped_experiments_and_their_problems() -> None:
    for code in (content for kind, content in _blocks() if kind == "call"):
        report, figure, problems = _asked(code)
        assert figure in figures.FIGURES
        spec = ROOT / "experiments" / f"{Path(report).name}.yaml"
        entries = yaml.safe_load(spec.read_text(encoding="utf-8"))["problems"]
        assert set(problems) <= {entry if isinstance(entry, str) else next(iter(entry)) for entry in entries}  # fmt: skip


@each
def test_a_picture_says_what_is_seen_and_loads_nothing(place: Any) -> None:
    text = place.file.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    assert root.findtext("{*}title") == place.alt
    assert re.search(r"\w{3,} \w{2,} \w{3,}", place.alt)
    assert ("picture", (f"gallery/{place.file.name}", place.alt)) in _blocks()
    outside = set(re.findall(r"https?://[^\"' )]+", text))
    assert outside <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "@media (prefers-color-scheme: dark)" in text
    assert len(text) < 150_000


# With one problem, the panels of these have the names of optimizers and of kinds of stability.
BY_PROBLEM = [p for p in EVERY if p.problems and p.figure not in ("heatmap", "stability")]


@pytest.mark.parametrize("place", BY_PROBLEM, ids=lambda place: place.file.stem)
def test_a_picture_shows_the_problems_that_are_asked_for(place: Any) -> None:
    texts = " ".join(_texts(place.file.read_text(encoding="utf-8")))
    assert all(problem in texts for problem in place.problems)


def test_a_column_is_drawn_as_wide_as_a_column() -> None:
    (place,) = (place for place in gallery.MORE if place.column)
    root = ElementTree.fromstring(place.file.read_text(encoding="utf-8"))
    assert root.get("width") == f"{3.4 * 72:.2f}".rstrip("0") + "pt"


def test_drawing_writes_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = load(write_folder(tmp_path / "small", problems=["bowl"], optimizers=["sgd"], rates=[0.1]))  # fmt: skip
    monkeypatch.setattr(gallery, "_results", lambda report: small)
    monkeypatch.setattr(gallery, "HERE", tmp_path)
    monkeypatch.setattr(gallery, "PAGE", tmp_path / "gallery.md")
    monkeypatch.setattr(gallery, "PICTURES", tmp_path / "gallery")
    monkeypatch.setattr(gallery, "PLACES", [gallery.Place("curves", "any", ("bowl",), "How?", "So.", "A bowl.")])  # fmt: skip
    monkeypatch.setattr(gallery, "MORE", [gallery.Place("times", "any", (), "When?", "Then.", "Times.", "late", True)])  # fmt: skip
    gallery.main()
    curves, late = (tmp_path / "gallery" / f"{name}.svg" for name in ("curves", "late"))
    assert "bowl" in _texts(curves.read_text(encoding="utf-8"))
    assert ElementTree.fromstring(late.read_text(encoding="utf-8")).get("width") == "244.8pt"
    page = (tmp_path / "gallery.md").read_text(encoding="utf-8")
    assert "## `curves`\n\n**How?** So.\n\n![A bowl.](gallery/curves.svg)\n" in page
    assert "## When?\n\nThen.\n\n![Times.](gallery/late.svg)\n" in page


def _without_counts(texts: list[str]) -> tuple[list[str], list[int]]:
    """Texts with `held n/30` in place of `held 29/30`, and these numbers."""
    count = re.compile(r"\bheld (\d+)/")
    numbers = [int(found) for text in texts for found in count.findall(text)]
    return [count.sub("held n/", text) for text in texts], numbers


@pytest.mark.slow
@each
def test_a_picture_is_what_its_figure_draws_today(place: Any) -> None:
    """Held by its texts: the last bits of a run, and so a line, may differ on another processor. So may, by one,
    how many of the runs on Rosenbrock held a target, where one was about to leave it."""
    if not (gallery.REPORTS / place.report / "manifest.json").is_file():
        pytest.skip(f"reports/{place.report} has not been made here: `make report`")
    drawn = _texts(gallery.picture(place))
    kept = _texts(place.file.read_text(encoding="utf-8"))
    (drawn, held), (kept, was_held) = _without_counts(drawn), _without_counts(kept)
    assert all(abs(a - b) <= 1 for a, b in zip(held, was_held, strict=True))
    assert drawn == kept, "run `python docs/gallery.py` and commit"
