"""The arithmetic of an update, against counts by hand."""

from __future__ import annotations

import pytest

from optlab.draws import Draws
from optlab.effort import operations
from optlab.spec import read

SPEC = """
title: Work
steps: 10
seeds: 1
problems:
  - bowl: {use: quadratic, dim: 10, condition: 20}
  - valley: {use: rosenbrock, dim: 4}
  - softmax: {use: softmax_regression, data: iris, batch: 30, epochs: 2}
  - smaller: {use: softmax_regression, data: iris, batch: 15, epochs: 2}
optimizers: [sgd, momentum, rmsprop, adam]
"""
BY_HAND = {
    "momentum": (2, 0),  # beta m + g
    "rmsprop": (7, 0),  # g g, two products, a sum; a root, + eps, a quotient
    "adam": (12, 4),  # twice two products and a sum, g g; two quotients; a root, + eps, a quotient
}
"""Operations beyond those of x - lr g: for each coordinate, and once: 1 - beta^t, twice."""


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, int]]:
    spec = tmp_path_factory.mktemp("work") / "work.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    experiment, draws = read(spec), Draws(0)
    return {
        task.name: {
            c.name: operations(task.problem, c.optimizer, draws.first(task), c.default) or 0
            for c in experiment.contenders
        }
        for task in experiment.tasks
    }


@pytest.mark.parametrize("rule", BY_HAND)
def test_a_rule_adds_what_one_counts_by_hand(counted: dict[str, dict[str, int]], rule: str) -> None:
    each, once = BY_HAND[rule]
    for problem, dim in (("bowl", 10), ("valley", 4), ("softmax", 15), ("smaller", 15)):
        found = counted[problem]
        assert found[rule] - found["sgd"] == each * dim + once, problem


def test_a_gradient_costs_by_the_rows_of_its_minibatch(counted: dict[str, dict[str, int]]) -> None:
    more = counted["softmax"]["sgd"] - counted["smaller"]["sgd"]
    # Two products of a row of 4 features with 3 classes, forward and backward, and an exponential,
    # a sum and the like of each class.
    product = 2 * 4 * 3
    assert 2 * product <= more / 15 <= 2 * product + 20 * 3
