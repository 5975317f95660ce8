"""Figures of pairs, of effort and of tuning: what stands where, read off the axes."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from small_folder import write_folder

from optlab import figures
from optlab.figures.paired import _factors
from optlab.results import load


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return load(write_folder(tmp_path_factory.mktemp("out") / "small", problems=["bowl"],
                             rates=[0.1, 1.0], evaluate=2))  # fmt: skip


KEYS = {
    "claim": "c",
    "problem": "bowl",
    "measure": "steps_held",
    "b": "sgd",
    "selection_b": "tuned",
}


def judged(**over):
    row = KEYS | {"text": "adam is faster than $sgd$", "a": "adam", "kind": "better", "scale": "ratio",
                  "margin": 1.1, "effect": 0.3, "low": 0.1, "high": math.inf, "verdict": "SUPPORTED"}  # fmt: skip
    return pd.DataFrame([row | over])


def of_seeds(*differences, **over):
    values = np.array(differences, dtype=float)
    return pd.DataFrame({"seed": range(len(values)), "difference": values}).assign(**KEYS | over)


def dots(axis, marker):
    return [line for line in axis.lines if line.get_marker() == marker and len(line.get_xdata())]


def test_every_seed_is_a_dot_or_an_arrow_at_the_border(small):
    found = (0.1, 0.2, 0.2, 0.2, math.inf, math.inf, -math.inf)
    axis = figures.paired(small, judged=judged(), seeds=of_seeds(*found)).axes[0]
    (shown,) = dots(axis, "o")
    assert sorted(shown.get_xdata()) == [0.1, 0.2, 0.2, 0.2]
    places = list(zip(shown.get_xdata(), shown.get_ydata(), strict=True))
    assert len(set(places)) == 4  # equal ones do not hide each other
    (right,), (left,) = dots(axis, ">"), dots(axis, "<")
    assert (len(right.get_xdata()), len(left.get_xdata())) == (2, 1)
    assert min(right.get_xdata()) > 0.95  # of the axis, whatever its scale
    assert max(left.get_xdata()) < 0.05


def test_the_bar_is_the_interval_and_an_open_end_meets_the_border(small):
    axis = figures.paired(small, judged=judged(), seeds=of_seeds(0.1, 0.2, 0.3)).axes[0]
    (estimate,) = dots(axis, "D")
    assert list(estimate.get_xdata()) == [0.3]
    bar = next(line for line in axis.lines if line.get_linewidth() == 2.2)
    assert tuple(bar.get_xdata()) == (0.1, axis.get_xlim()[1])
    band = axis.patches[0].get_x(), axis.patches[0].get_x() + axis.patches[0].get_width()
    assert band == pytest.approx((0.0, math.log10(1.1)))


def test_two_that_are_alike_have_a_margin_on_both_sides(small):
    axis = figures.paired(
        small, judged=judged(kind="equivalent", high=0.5), seeds=of_seeds(0.0, 0.1)
    ).axes[0]
    assert axis.patches[0].get_x() == pytest.approx(-math.log10(1.1))
    assert axis.patches[0].get_width() == pytest.approx(2 * math.log10(1.1))


def test_differences_over_decades_leave_room_for_the_small_ones(small):
    over = {"measure": "overshoot", "scale": "difference", "margin": 0.01, "effect": 0.02,
            "low": -18.0, "high": 0.1}  # fmt: skip
    differences = of_seeds(-18.0, 0.01, 0.02, 0.03, measure="overshoot")
    axis = figures.paired(small, judged=judged(**over), seeds=differences).axes[0]
    assert axis.get_xscale() == "symlog"
    inside = axis.transAxes.inverted().transform(axis.transData.transform([(0.03, 0), (0.01, 0)]))
    assert inside[0, 0] - inside[1, 0] > 0.03  # told apart
    assert 0.0 in axis.get_xticks()


def test_ratios_have_round_factors_below_them(small):
    axis = figures.paired(small, judged=judged(), seeds=of_seeds(-0.5, 1.2)).axes[0]
    ticks = [10**tick for tick in axis.get_xticks()]
    assert 1.0 in [round(tick, 9) for tick in ticks]
    for low, high in ((-0.02, 0.05), (-0.3, 0.6), (-2, 2), (-12, 30)):
        factors = _factors(low, high)
        assert 1 <= len(factors) <= 12
        assert all(low <= math.log10(f) <= high for f in factors)


def test_shares_rise_by_steps_to_the_budget(small):
    shares = pd.DataFrame({"optimizer": "sgd", "evals": [10.0, 100.0], "share": [0.25, 0.5]})
    axis = figures.runtime(small, shares={"all problems": shares}, budget=1000.0).axes[0]
    line = axis.lines[0]
    assert list(line.get_xdata()) == [1, 10, 100, 1000]
    assert list(line.get_ydata()) == [0, 0.25, 0.5, 0.5]
    assert line.get_drawstyle() == "steps-post"
    empty = figures.runtime(small, shares={"none": shares.iloc[:0]}, budget=1000.0).axes[0]
    assert [text.get_text() for text in empty.texts] == ["no target was met"]


def test_a_profile_begins_with_the_share_of_wins(small):
    table = pd.DataFrame({"optimizer": ["sgd", "sgd", "adam"], "ratio": [1.0, 3.0, 1.0],
                          "share": [0.4, 1.0, 0.6]})  # fmt: skip
    axis = figures.profile(small, tables={"all": table}, largest=10.0).axes[0]
    assert list(axis.lines[0].get_xdata()) == [1, 1, 3, 10]
    assert list(axis.lines[0].get_ydata()) == [0, 0.4, 1.0, 1.0]


def curve(median, default, measure="steps_held", optimizer="sgd"):
    values = np.array(median, dtype=float)
    return pd.DataFrame({"problem": "bowl", "optimizer": optimizer, "measure": measure,
                         "n": range(1, len(values) + 1), "q25": values / 2, "median": values,
                         "q75": values * 2, "default": default})  # fmt: skip


def test_the_best_of_n_has_its_default_at_zero_and_failures_in_a_strip(small):
    axis = figures.tuning(small, ["bowl"], table=curve([math.inf, 100.0, 50.0], math.inf)).axes[0]
    line = max(axis.lines, key=lambda line: len(line.get_xdata()))
    assert list(line.get_xdata()) == [1, 2, 3]
    assert list(line.get_ydata()[1:]) == [100, 50]
    assert line.get_ydata()[0] > 200  # above all that is finite
    (ring,) = dots(axis, "o")[:1]
    assert list(ring.get_xdata()) == [0]
    assert ring.get_ydata()[0] == line.get_ydata()[0]
    assert "never" in [text.get_text() for text in axis.texts]


def test_best_of_n_of_negative_losses_is_drawn_straight(small):
    axis = figures.tuning(small, ["bowl"], table=curve([3.0, -1.0], 4.0, "loss")).axes[0]
    assert axis.get_yscale() == "linear"
    assert axis.get_ylim()[0] < -1


def test_each_is_one_well_formed_file(small):
    shares = pd.DataFrame({"optimizer": "sgd", "evals": [10.0], "share": [0.25]})
    for figure in (
        figures.paired(small, judged=judged(), seeds=of_seeds(0.1, math.inf)),
        figures.runtime(small, shares={"all <problems>": shares}, budget=1000.0),
        figures.tuning(small, ["bowl"], table=curve([100.0, 50.0], math.nan)),
    ):
        text = figures.svg(figure, "a < b & c")
        root = ElementTree.fromstring(text)
        assert root.tag.endswith("svg")
        assert 'href="http' not in text


def test_a_grid_of_many_cells_is_one_image_that_says_what_the_table_says(small):
    lr, beta = (a.ravel() for a in np.meshgrid(np.logspace(-3, 0, 60), np.linspace(0, 0.9, 60)))
    median = np.where(lr * (1 + beta) > 1.2, np.inf, (1 - lr) ** 2 + 1e-3)
    table = pd.DataFrame({
        "problem": "bowl", "optimizer": "momentum", "across": "lr", "up": "beta", "x": lr, "y": beta,
        "median": median, "quantity": "gap",
    })  # fmt: skip
    [axis, *_] = figures.heatmap(small, table=table).axes
    [image] = axis.get_images()
    shown = np.asarray(image.get_array())
    assert shown.shape == (60, 60, 4)
    # Rows go up with beta, columns with the rate; what diverged is empty.
    np.testing.assert_array_equal(shown[..., 3] == 0, np.isinf(median).reshape(60, 60))
    lowest = np.unravel_index(np.argmin(median), (60, 60))
    ring = next(line for line in axis.lines if line.get_marker() == "o")
    assert (ring.get_ydata()[0], ring.get_xdata()[0]) == lowest
    light = shown[..., :3].sum(-1)
    assert light[0, 0] > light[lowest]  # darker is lower
    assert not axis.patches
