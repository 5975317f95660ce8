"""Pictures that are asked for: drawn once, anywhere with the same bits, and again only where they changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from optlab import lab
from optlab.figures.request import Request, draw, key
from optlab.report.blocks import Picture
from optlab.report.content import content
from optlab.report.drawing import Studio
from optlab.report.facts import Facts, stored
from optlab.report.publish import pictures_of

SPEC = """
title: Two rates
steps: 30
seeds: 3
targets: {gap_over_start: 0.1}
problems:
  - bowl: {use: quadratic, dim: 2, condition: 3}
  - valley: {use: rosenbrock, dim: 2}
optimizers:
  - sgd: {lr: [0.01, 0.1]}
  - adam: {lr: [0.1, 0.3]}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("drawing")
    (root / "rates.yaml").write_text(SPEC)
    return lab.run(root / "rates.yaml", root / "reports").folder


def asked(folder: Path) -> list[Picture]:
    """Every picture of the report, not drawn yet."""
    facts = Facts(stored(folder))
    return [p for part in content(facts) for s in part.sections for p in pictures_of(s.blocks)]


def drawn(root: Path, folder: Path, workers: int = 0) -> tuple[Studio, dict[str, str]]:
    studio = Studio(root, workers)
    pictures = asked(folder)
    studio.ask(pictures)
    studio.finish()
    return studio, {p.file: p.svg for p in pictures}


def test_nothing_is_drawn_before_it_must_be(folder: Path) -> None:
    pictures = asked(folder)
    assert len(pictures) >= 8
    assert all(p.svg == "" and p.request is not None for p in pictures)


def test_every_picture_brings_its_numbers(folder: Path) -> None:
    for picture in asked(folder):
        assert picture.data is not None, picture.file
        assert len(picture.data), picture.file


@pytest.mark.slow
def test_bits_do_not_depend_on_the_process(folder: Path, tmp_path: Path) -> None:
    here, svgs = drawn(tmp_path / "a", folder, workers=0)
    away, others = drawn(tmp_path / "b", folder, workers=2)
    assert here.counted == away.counted == len(svgs)
    assert svgs == others


def test_what_has_not_changed_is_not_drawn_again(folder: Path, tmp_path: Path) -> None:
    first, svgs = drawn(tmp_path, folder)
    for name, text in svgs.items():
        (tmp_path / name).write_text(text)
    assert first.counted == len(svgs)
    again, same = drawn(tmp_path, folder)
    assert again.counted == 0
    assert same == svgs
    gone, damaged = sorted(svgs)[:2]
    (tmp_path / gone).unlink()
    (tmp_path / damaged).write_text("<svg></svg>")
    mended, same = drawn(tmp_path, folder)
    assert mended.counted == 2
    assert same == svgs


@pytest.mark.parametrize("text", ["", "[]", "{", '{"figures/x.svg": 3}'])
def test_a_damaged_memory_is_none(folder: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / ".drawn.json").write_text(text)
    pictures = asked(folder)[:1]
    studio = Studio(tmp_path, 0)
    studio.ask(pictures)
    studio.finish()
    assert studio.counted == 1
    assert list(json.loads((tmp_path / "figures" / ".drawn.json").read_text())) == [
        pictures[0].file
    ]


def test_the_key_is_what_is_shown(folder: Path) -> None:
    keys = [key(p.request) for p in asked(folder) if p.request]
    assert keys == [key(p.request) for p in asked(folder) if p.request]
    assert len(set(keys)) == len(keys)
    request = asked(folder)[0].request
    assert request is not None
    results = request.arguments["results"]
    table = next(n for n, v in request.arguments.items() if isinstance(v, pd.DataFrame))
    changed = request.arguments[table].copy()
    number = changed.select_dtypes("number").columns[-1]
    changed[number] = changed[number] + 1
    others = [
        Request(request.figure, request.arguments, "another text"),
        Request(request.figure, request.arguments | {table: changed}, request.alt),
        Request(
            request.figure,
            request.arguments
            | {"results": replace(results, manifest=results.manifest | {"precision": "float8"})},
            request.alt,
        ),
    ]
    assert len({key(request), *map(key, others)}) == 4
    # When it was made is no part of what it shows.
    later = results.manifest | {"title": results.manifest["title"]}
    same = request.arguments | {"results": replace(results, manifest=later)}
    assert key(Request(request.figure, same, request.alt)) == key(request)


def test_an_error_names_its_picture(folder: Path, tmp_path: Path) -> None:
    picture = asked(folder)[0]
    assert picture.request is not None
    picture.request.arguments["shape"] = "round"  # no figure has such a parameter
    studio = Studio(tmp_path, 0)
    studio.ask([picture])
    with pytest.raises(TypeError, match="shape") as caught:
        studio.finish()
    assert caught.value.__notes__ == [f"while drawing {picture.file}"]


def test_a_request_is_small(folder: Path) -> None:
    for picture in asked(folder):
        assert picture.request is not None
        few = picture.request.arguments["results"]
        assert "created" not in few.manifest
        assert picture.request.figure == "paths" or few.runs.empty
    assert draw(asked(folder)[0].request).svg.startswith("<svg")  # type: ignore[arg-type]
