"""Figures: what is drawn is what the tables say, and the SVG follows its reader."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from small_folder import bowl, write_folder

from optlab import analysis, figures
from optlab.figures.curves import _cross
from optlab.figures.style import _apart, decade, short, thinned
from optlab.results import load

DRAWN = {
    "curves": figures.curves,
    "sensitivity": figures.sensitivity,
    "paths": figures.paths,
    "times": figures.times,
}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return load(write_folder(tmp_path_factory.mktemp("out") / "small"))


@pytest.fixture(scope="module")
def drawn(small):
    return {name: draw(small) for name, draw in DRAWN.items()}


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_one_well_formed_file_that_loads_nothing(name, drawn):
    text = figures.svg(drawn[name], "a < b & c")
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("svg")
    assert root.find("{*}title").text == "a < b & c"
    outside = re.findall(r"https?://[^\"' )]+", text)
    assert set(outside) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert len(text) < 150_000


def test_text_stays_text(drawn):
    text = figures.svg(drawn["curves"])
    for word in ("updates", "loss − f*", "bowl", "momentum", "target loss"):
        assert word in text


def test_colours_follow_the_readers_scheme(drawn):
    for figure in drawn.values():
        text = figures.svg(figure)
        assert "@media (prefers-color-scheme: dark)" in text
        body = text.split("</style>", 1)[1]
        assert "var(--ink)" in body
        # Outside the declaration no colour is fixed, so nothing can be dark on dark.
        assert set(re.findall(r"#[0-9a-f]{6}\b", body)) <= {"#ffffff"}


@pytest.mark.slow
def test_the_same_figure_gives_the_same_bytes(small):
    for name, draw in DRAWN.items():
        assert figures.svg(draw(small)) == figures.svg(draw(small)), name


def test_a_colour_belongs_to_an_optimizer(small, tmp_path):
    everywhere = figures.looks(small.manifest)
    assert len({(look.color, str(look.dash), look.marker) for look in everywhere.values()}) == 4
    many = {"optimizers": [{"name": str(i)} for i in range(24)]}
    looks = figures.looks(many).values()
    assert len({(look.color, str(look.dash), look.marker) for look in looks}) == 24


def _luminance(color):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def _contrast(a, b):
    """WCAG 2.1's ratio of relative luminances."""
    high, low = sorted([_luminance(a), _luminance(b)], reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_colour_can_be_read_as_text_on_both_papers():
    for light, dark in figures.PALETTE:
        assert _contrast(light, "#fdfdfc") >= 4.5, light
        assert _contrast(dark, "#15181c") >= 4.5, dark


def test_the_line_is_the_median_of_the_runs(small):
    figure = figures.curves(small, ["bowl"])
    best = analysis.best_settings(small.runs, small.manifest)
    chosen = analysis.at_best(small.runs, best)
    ids = chosen[(chosen["problem"] == "bowl") & (chosen["optimizer"] == "momentum")]["run_id"]
    curves = small.curves[small.curves["run_id"].isin(ids)]
    median = curves.groupby("step")["value"].median()
    color = figures.looks(small.manifest)["momentum"].color
    lines = [line for line in figure.axes[0].lines if line.get_color() == color]
    line = max(lines, key=lambda line: len(line.get_xdata()))
    assert line.get_ydata() == pytest.approx(median.to_numpy())
    assert figure.axes[0].get_yscale() == "log"


def test_an_accuracy_is_drawn_straight_with_its_own_target(small, tmp_path):
    curves = small.curves.assign(metric="test_accuracy", value=lambda t: 1 / (1 + t["value"]))
    manifest = json.loads(json.dumps(small.manifest))
    manifest["problems"][0]["targets"][0] |= {"metric": "test_accuracy", "threshold": 0.95}
    results = type(small)(small.folder, small.runs, manifest)
    results.__dict__["curves"] = curves
    axis = figures.curves(results, ["bowl"], metric="test_accuracy").axes[0]
    assert axis.get_yscale() == "linear"
    assert any(list(line.get_ydata()) == [0.95, 0.95] for line in axis.lines)
    assert axis.get_ylabel() == "test accuracy"


def test_a_line_whose_median_diverged_ends_with_a_cross(tmp_path):
    results = load(write_folder(tmp_path, problems=["bowl"], optimizers=["sgd"], rates=[5.0]))
    axis = figures.curves(results).axes[0]
    crosses = [line for line in axis.lines if line.get_marker() == "x"]
    assert len(crosses) == 1
    assert crosses[0].get_xdata()[0] < 200
    table = axis.lines[0].get_ydata()
    assert np.isfinite(table).all()


def test_the_stability_limit_stands_where_theory_puts_it(small):
    axis = figures.sensitivity(small, ["bowl"]).axes[0]
    upright = [line for line in axis.lines if list(line.get_ydata()) == [0, 1]]
    looks = figures.looks(small.manifest)
    # B3 of the known results, largest curvature 1: gradient descent 2, heavy ball 2 (1 + beta).
    places = {line.get_color(): line.get_xdata()[0] for line in upright}
    assert places[looks["sgd"].color] == 2.0
    assert places[looks["momentum"].color] == 3.8
    assert axis.get_xscale() == "log"


def test_paths_end_where_the_runs_ended(small):
    figure = figures.paths(small, ["bowl"])
    best = analysis.best_settings(small.runs, small.manifest)
    runs = analysis.at_best(small.runs, best, "picture")
    final = runs[runs["problem"] == "bowl"].set_index("optimizer")["loss_final"]
    for name, look in figures.looks(small.manifest).items():
        lines = [line for line in figure.axes[0].lines if line.get_color() == look.color]
        x, y = lines[0].get_xdata(), lines[0].get_ydata()
        assert (x[0], y[0]) == (-2.0, 2.0)
        assert bowl(np.array([x[-1], y[-1]])) == pytest.approx(final[name], abs=1e-15)
        assert len(x) <= 300


def test_problems_without_a_picture_are_left_out(small):
    assert figures.drawable(small) == ["bowl", "valley"]


def test_many_panels_and_long_names_are_drawn(small):
    manifest = dict(small.manifest)
    manifest["problems"] = [
        {**manifest["problems"][0], "name": f"a problem with a very long name $x$ {i}"}
        for i in range(12)
    ]
    results = type(small)(small.folder, small.runs, manifest)
    text = figures.svg(figures.curves(results))
    assert text.count("nothing recorded") == 12


def test_one_seed_no_target_no_minimum(tmp_path):
    results = load(write_folder(tmp_path, problems=["valley"], tune=0, evaluate=1, threshold=None,
                                known=False, rates=[0.001, 0.01]))  # fmt: skip
    for draw in DRAWN.values():
        ElementTree.fromstring(figures.svg(draw(results)))


def test_everything_diverged(tmp_path):
    results = load(write_folder(tmp_path, problems=["bowl"], optimizers=["sgd", "momentum"],
                                rates=[50.0, 500.0]))  # fmt: skip
    for draw in DRAWN.values():
        ElementTree.fromstring(figures.svg(draw(results)))


def test_figures_can_be_drawn_in_threads(small):
    found: list[str] = []

    def draw():
        found.append(figures.svg(figures.times(small)))

    threads = [threading.Thread(target=draw) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1


@pytest.mark.slow
def test_no_global_state():
    code = "import sys, optlab.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_thinning_keeps_ends_and_spikes():
    x = np.arange(10_000.0)
    y = np.sin(x / 900)
    y[4321] = 50.0
    thin_x, thin_y = thinned(x, y)
    assert len(thin_x) <= 302
    assert (thin_x[0], thin_x[-1]) == (0, 9999)
    assert thin_y.max() == 50.0


def test_labels_are_pushed_apart_and_stay_in_order():
    heights = _apart([0.5, 0.5, 0.51, 0.9], 0.075)
    assert heights == sorted(heights)
    assert min(np.diff(heights)) >= 0.075 - 1e-6


def test_ticks_are_plain_text():
    assert [decade(v) for v in (1e-6, 0.01, 1.0, 1e5)] == ["10⁻⁶", "0.01", "1", "10⁵"]


def test_a_path_that_ends_at_its_start_is_drawn(tmp_path):
    """A run that blows up at its first step has one point."""
    from optlab.lab import run

    (tmp_path / "own.py").write_text(
        "from optlab.algebra import exp\n"
        "def bang(x, g, *, lr=0.1):\n    x = x - lr * exp(g * g * 1000)\n    return x\n"
    )
    (tmp_path / "a.yaml").write_text(
        "title: a\nsteps: 20\nseeds: {tune: 1, evaluate: 2}\nproblems: [rosenbrock]\n"
        "optimizers: [bang: {use: 'own.py:bang', lr: [0.001, 0.01]}]\n"
    )
    figure = figures.paths(run(tmp_path / "a.yaml", tmp_path / "out"))
    assert "NaN" not in figures.svg(figure)


def test_a_window_that_is_none_is_told():
    from optlab.problems import make_family

    with pytest.raises(ValueError, match="the window is two ranges"):
        make_family(lambda x: (x * x).sum(0), start=[1.0, 2.0], window=(1, 2))


def test_a_cross_ends_a_median_where_every_run_stopped(small: Any) -> None:
    axis = Figure().subplots()
    look = figures.looks(small.manifest)["momentum"]
    mine = pd.DataFrame({"step": [0, 5, 10], "median": [1.0, 1e3, 1e9]})
    _cross(axis, mine, look, 1e-9, 100)
    [cross] = axis.get_lines()
    assert (cross.get_marker(), cross.get_xdata()[0], cross.get_ydata()[0]) == ("x", 10, 1e9)
    whole = Figure().subplots()
    _cross(whole, mine, look, 1e-9, 10)
    assert not whole.get_lines()


def test_a_figure_of_a_problem_that_is_not_there_says_so(small: Any) -> None:
    for name in figures.FIGURES:
        draw = getattr(figures, name)
        with pytest.raises(ValueError, match="there is no problem 'bowel'; did you mean 'bowl'"):
            draw(small, ["bowl", "bowel"])
        with pytest.raises(ValueError, match="no problem is named"):
            draw(small, [])
        assert draw(small, "bowl").axes


def test_paths_of_a_folder_without_a_plane_say_so(small: Any) -> None:
    bare = replace(small, pictures={}, manifest=small.manifest)
    text = figures.svg(figures.paths(bare))
    assert "no problem of two coordinates was drawn" in text


def test_long_names_that_begin_alike_stay_apart() -> None:
    names = [f"momentum-with-warmup-{end}" for end in ("early", "later")]
    assert len({short(name) for name in names}) == 2
    assert all(len(short(name, most)) == most for name in names for most in (8, 9, 18))
    assert short("sgd", 3) == "sgd"


def test_a_picture_of_one_problem_names_it(small: Any) -> None:
    assert "bowl" in figures.svg(figures.stability(small, "bowl"))
