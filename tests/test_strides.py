"""Paths of a figure, told in strides: the same places in fewer bytes."""

from __future__ import annotations

import re
from decimal import Decimal
from xml.etree import ElementTree

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from optlab.figures.style import _strides, svg

HUNDREDTHS = st.integers(-99_999, 99_999).map(lambda n: Decimal(n) / 100)
PLACES = st.lists(st.tuples(HUNDREDTHS, HUNDREDTHS), min_size=1, max_size=6)


def _walked(path: str) -> list[tuple[str, Decimal, Decimal]]:
    """A path of relative moves read as SVG 1.1, section 8.3, says: signs part numbers, pairs after a
    move are lines, a closed part ends where it began."""
    out: list[tuple[str, Decimal, Decimal]] = []
    x = y = begun_x = begun_y = Decimal(0)
    for letter, numbers in re.findall(r"([mlz])([^mlz]*)", path):
        found = [Decimal(n) for n in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", numbers)]
        assert len(found) % 2 == 0
        for i in range(0, len(found), 2):
            x, y = x + found[i], y + found[i + 1]
            kind = "M" if letter == "m" and not i else "L"
            if kind == "M":
                begun_x, begun_y = x, y
            out.append((kind, x, y))
        if letter == "z":
            x, y = begun_x, begun_y
            out.append(("z", x, y))
    return out


@given(st.lists(st.tuples(PLACES, st.booleans()), min_size=1, max_size=4))
def test_the_same_places(parts: list[tuple[list[tuple[Decimal, Decimal]], bool]]) -> None:
    text, expected = "", []
    for places, closed in parts:
        for i, (x, y) in enumerate(places):
            text += f"{'L' if i else 'M'} {x:f} {y:f} \n"
            expected.append(("L" if i else "M", x, y))
        if closed:
            text += "z\n"
            expected.append(("z", *places[0]))
    assert _walked(_strides(text)) == expected


def test_by_hand() -> None:
    assert _strides("M 1 2 \nL 1.5 1.25 \nL 3 4 \nz\n") == "m1 2 .5-.75 1.5 2.75z"
    assert _strides("M 0 0 \nL -1 -0.5 \nM 2 2 \n") == "m0 0-1-.5m3 2.5"


def test_a_line_of_a_figure_takes_few_bytes() -> None:
    figure = Figure()
    x = np.linspace(0, 1, 150)
    figure.subplots().plot(x, np.sin(9 * x))
    paths = re.findall(r' d="([^"]*)"', svg(figure))
    longest = max(paths, key=len)
    assert len(_walked(longest)) > 100
    assert len(longest) < 11 * len(_walked(longest))


def test_a_lean_figure_keeps_its_texts() -> None:
    figure = Figure()
    axis = figure.subplots()
    said = ' style="a: b; c"  transform="rotate(0 1 2)" > < line'
    axis.set_title(said)
    axis.plot([0, 1], [0, 1], "o", label="x")
    text = svg(figure, said)
    root = ElementTree.fromstring(text)
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert {"text", "path", "use", "clipPath"} <= names
    assert said in [element.text for element in root.iter() if element.tag.endswith("}text")]
    assert not [e for e in root.iter() if e.tag.endswith("}g") and not len(e)]
    # Every reference has its target.
    targets = {e.get("id") for e in root.iter()} - {None}
    assert set(re.findall(r'href="#(\w+)"|url\(#(\w+)\)', text))
    assert all((a or b) in targets for a, b in re.findall(r'href="#(\w+)"|url\(#(\w+)\)', text))
