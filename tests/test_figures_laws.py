"""Laws of every figure, over the cases that break pictures: one and very many problems and optimizers, long and
hostile names, one seed, everything diverged, no minimum, a column of a paper. They are held by structure: what a
reader could not read fails, whatever its pixels are."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from itertools import combinations, pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from many_results import LONG, many
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from small_folder import write_folder

from optlab import figures
from optlab.figures.style import MOST, REST
from optlab.results import Results, load

HOSTILE = "<b>$x_1$ \\frac & | \u202eright to left\u202c {}"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return load(write_folder(tmp_path_factory.mktemp("laws") / "small"))


@pytest.fixture(scope="module")
def diverged(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("laws") / "diverged"
    return load(write_folder(folder, problems=["bowl"], optimizers=["sgd", "momentum"], rates=[50.0, 500.0]))  # fmt: skip


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """One seed, no target, no known minimum."""
    folder = tmp_path_factory.mktemp("laws") / "bare"
    return load(write_folder(folder, problems=["valley"], tune=0, evaluate=1, threshold=None,
                             known=False, rates=[0.001, 0.01]))  # fmt: skip


Case = Callable[..., Results]
CASES: dict[str, Case] = {
    "small": lambda small, diverged, bare: small,
    "one problem, one optimizer": lambda small, diverged, bare: many(small, 1, 1),
    "2 optimizers": lambda small, diverged, bare: many(small, 2, 1),
    "8 optimizers": lambda small, diverged, bare: many(small, 8, 2),
    "30 optimizers": lambda small, diverged, bare: many(small, 30, 1),
    "long names": lambda small, diverged, bare: many(small, 4, 1, LONG),
    "hostile names": lambda small, diverged, bare: many(small, 4, 2, HOSTILE),
    "all diverged": lambda small, diverged, bare: diverged,
    "one seed, no target, no minimum": lambda small, diverged, bare: bare,
}
SLOW = {"40 problems": lambda small, diverged, bare: many(small, 3, 40)}


FAST = ("30 optimizers", "one seed, no target, no minimum")
"""The case with the most and the one with the least."""


@pytest.fixture(
    scope="module",
    params=[
        name if name in FAST else pytest.param(name, marks=pytest.mark.slow)
        for name in CASES | SLOW
    ],
)
def results(
    request: pytest.FixtureRequest, small: Results, diverged: Results, bare: Results
) -> Results:
    return (CASES | SLOW)[request.param](small, diverged, bare)


@pytest.fixture(scope="module", params=["page", pytest.param("column", marks=pytest.mark.slow)])
def wide(request: pytest.FixtureRequest) -> bool:
    return request.param == "page"


@pytest.fixture(params=figures.FIGURES)
def figure(request: pytest.FixtureRequest, results: Results, wide: bool) -> Figure:
    if not wide and len(results.manifest["problems"]) > 3:
        pytest.skip("a column holds a few panels; the page has them all")
    few = None
    if request.param == "stability" and len(results.manifest["problems"]) > 9:
        few = [problem["name"] for problem in results.manifest["problems"]][:9]
    with nullcontext() if wide else figures.column_width():
        made = getattr(figures, request.param)(results, few)
    FigureCanvasAgg(made)
    made.draw_without_rendering()
    return made


def written(figure: Figure) -> list[Text]:
    """Every text that is seen."""
    hidden = set()
    for axes in figure.axes:
        for side in (axes.xaxis, axes.yaxis):
            low, high = sorted(side.get_view_interval())
            used = side.get_major_ticks()
            for tick in side.majorTicks:  # those that were used once are kept there
                inside = low <= tick.get_loc() <= high
                if tick not in used or not inside or not axes.axison:
                    hidden |= {id(tick.label1), id(tick.label2)}
            if not axes.axison:
                hidden.add(id(side.label))
    return [
        text
        for text in figure.findobj(Text)
        if id(text) not in hidden and text.get_visible() and text.get_text().strip()
    ]


def test_a_reader_can_read_it(figure: Figure) -> None:
    texts = written(figure)
    assert_inside_and_apart(figure, texts)
    assert min(text.get_fontsize() for text in texts) >= 7
    for axes in figure.axes:
        for low, high in (axes.get_xlim(), axes.get_ylim()):
            assert np.isfinite([low, high]).all()
            assert low != high
    root = ElementTree.fromstring(figures.svg(figure, "a < b"))
    assert root.find("{*}title").text == "a < b"  # type: ignore[union-attr]


def assert_inside_and_apart(figure: Figure, texts: list[Text]) -> None:
    """No text is cut at an edge of the figure, and none hides another."""
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    width, height = figure.canvas.get_width_height()
    boxes = []
    for text in texts:
        box = Text.get_window_extent(text, renderer)  # of an annotation the words, not its arrow
        assert min(box.x0, box.y0, width - box.x1, height - box.y1) > -5, (text, box)
        boxes.append((text, box.shrunk(0.9, 0.7)))
    for (a, first), (b, second) in combinations(boxes, 2):
        if not (a.get_rotation() % 90 or b.get_rotation() % 90):  # boxes of slanted words may meet
            assert not first.overlaps(second), (a, first, b, second)


def test_a_column_is_a_column(results: Results) -> None:
    with figures.column_width():
        assert (
            figures.curves(results, [results.manifest["problems"][0]["name"]]).get_figwidth() == 3.4
        )
    assert figures.curves(results, [results.manifest["problems"][0]["name"]]).get_figwidth() == 4.5


@pytest.mark.parametrize("name", ["curves", "runtime", "profile", "sensitivity", "tuning"])
@pytest.mark.slow
def test_of_many_optimizers_the_best_keep_their_colours(small: Results, name: str) -> None:
    results = many(small, 30, 1)
    figure = getattr(figures, name)(results)
    looks = figures.looks(results.manifest)
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) > 2]
    grey = [line for line in lines if line.get_color() == REST]
    named = {text.get_text() for text in figure.findobj(Text)} & set(looks)
    assert len(named) <= MOST
    assert grey, name
    assert all(line.get_linewidth() < 1 for line in grey)
    if name != "profile":  # of which few may have held anything
        assert len(named) == MOST
        assert any("22 more in grey" in text.get_text() for text in figure.findobj(Text))


def test_the_best_are_those_whose_last_loss_is_lowest(small: Results) -> None:
    results = many(small, 30, 1)
    figure = figures.curves(results)
    from optlab.analysis import best_settings, curve_bands

    best = best_settings(results.runs, results.manifest)
    bands = curve_bands(results.curves, results.runs, best, results.manifest)
    last = bands.groupby("optimizer", sort=False)["median"].last().sort_values(kind="stable")
    named = {text.get_text() for text in figure.findobj(Text)}
    assert set(last.index[:MOST]) <= named
    assert not set(last.index[MOST:]) & named


def test_too_many_panels_are_told(small: Results) -> None:
    with pytest.raises(ValueError, match=r"80 panels .* problems=\[...\]"):
        figures.curves(many(small, 1, 80))


def test_eight_lines_are_told_apart_without_colour() -> None:
    looks = list(figures.looks({"optimizers": [{"name": str(i)} for i in range(8)]}).values())
    assert len({look.marker for look in looks}) == 8
    # Neighbours in the list differ in their dashes, too.
    assert all(str(a.dash) != str(b.dash) for a, b in pairwise(looks))
