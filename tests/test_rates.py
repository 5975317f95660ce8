"""The slope that theory gives a linear rule in the long run, and its line in the curves."""

from __future__ import annotations

import numpy as np
import pytest

from optlab import figures, lab
from optlab.analysis import best_settings
from optlab.results import Results
from optlab.theory import long_run

pytestmark = pytest.mark.slow

SPEC = """
title: Slopes
steps: 400
seeds: 2
problems:
  - bowl: {use: quadratic, dim: 2, condition: 20}
  - noisy: {use: quadratic, dim: 2, condition: 20, noise: 0.1}
  - valley: {use: rosenbrock, dim: 2}
optimizers:
  - sgd: {lr: 1.5}
  - momentum: {lr: 0.3, beta: 0.8}
  - nesterov: {lr: 0.3, beta: 0.6}
  - adam: {lr: 0.1}
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    root = tmp_path_factory.mktemp("slopes")
    (root / "slopes.yaml").write_text(SPEC)
    return lab.run(root / "slopes.yaml", root / "reports")


def test_only_what_is_proved_has_a_rate(results: Results) -> None:
    found = long_run(results.manifest, best_settings(results.runs, results.manifest))
    assert [*zip(found["problem"], found["optimizer"], strict=True)] == [
        ("bowl", "sgd"), ("bowl", "momentum"), ("bowl", "nesterov"),
    ]  # fmt: skip
    factor = found.set_index("optimizer")["factor"]
    # Curvatures 1/20 and 1: 1 - lr c is 0.925 and -0.5.
    assert factor["sgd"] == pytest.approx(0.925**2, rel=1e-12)
    # Heavy ball: roots of z^2 - (1 + beta - lr c) z + beta, by numpy's own root finder.
    roots = [np.abs(np.roots([1, -(1.8 - 0.3 * c), 0.8])).max() for c in (0.05, 1.0)]
    assert factor["momentum"] == pytest.approx(max(roots) ** 2, rel=1e-12)


def test_the_runs_fall_so_in_the_long_run(results: Results) -> None:
    found = long_run(results.manifest, best_settings(results.runs, results.manifest))
    runs = results.runs.drop_duplicates("run_id").set_index("run_id")
    curves = results.curves[results.curves["metric"] == "loss"]
    for _, row in found.iterrows():
        mine = runs[(runs["problem"] == row["problem"]) & (runs["optimizer"] == row["optimizer"])]
        curve = curves[curves["run_id"] == mine.index[0]].set_index("step")["value"]
        late = curve[(curve > 1e-26) & (curve < 1e-6 * curve.iloc[0])]
        fall = np.polyfit(late.index.to_numpy(float), np.log(late.to_numpy(float)), 1)[0]
        # A rule whose roots are complex swings about its line.
        assert fall == pytest.approx(np.log(row["factor"]), rel=0.05), row["optimizer"]


def test_the_line_is_drawn_from_the_start(results: Results) -> None:
    axis = figures.curves(results, ["bowl"]).axes[0]
    dotted = [
        line for line in axis.lines if len(line.get_xdata()) == 2 and line.get_linewidth() == 0.9
    ]
    assert len(dotted) == 3
    factors = {
        float(np.exp(np.diff(np.log(np.asarray(line.get_ydata(), float)))[0] / np.diff(line.get_xdata())[0]))
        for line in dotted
    }  # fmt: skip
    found = long_run(results.manifest, best_settings(results.runs, results.manifest))
    assert sorted(factors) == pytest.approx(sorted(found["factor"]), rel=1e-9)
    valley = figures.curves(results, ["valley"]).axes[0]
    assert not [line for line in valley.lines if line.get_linewidth() == 0.9]
