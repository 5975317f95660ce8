"""What a step and a look cost, from counts and from rates measured once (`benchmarks/`).

The rates are those of one ordinary core; they tell minutes from hours, not seconds from seconds. Calls of
compiled programs are cut by them, and `optlab plan` foretells by them.
"""

from __future__ import annotations

import numpy as np
from jax import tree

from optlab.problems import Problem

__all__ = ["look_seconds", "rows_of_a_step", "step_seconds"]

TURN = 0.03e-6  # seconds a turn of the loop
ELEMENT = 0.6e-9  # seconds a coordinate, run and step on analytic problems
FLOPS = 40e9  # multiply-adds count two; a core's rate in small matrix products
ASIDE = 2e-9  # seconds a parameter, run and step: the rule itself


def step_seconds(problem: Problem, lanes: int) -> float:
    """One step of a block of runs."""
    dim = problem.about.dim
    if problem.layout == "coordinates":
        dense = problem.data is not None and np.ndim(problem.data.get("root", 0)) == 2
        return TURN + lanes * dim * (ELEMENT + (4.0 * dim / FLOPS if dense else 0.0))
    return TURN + lanes * dim * (6.0 * rows_of_a_step(problem) / FLOPS + ASIDE)


def look_seconds(problem: Problem, lanes: int) -> float:
    """The full objective, its gradient and the metrics of a block of runs: on data as much as a step
    that sees every row, else about three steps."""
    if problem.layout == "coordinates":
        return 3 * step_seconds(problem, lanes)
    return lanes * problem.about.dim * 6.0 * _rows(problem) / FLOPS


def rows_of_a_step(problem: Problem) -> int:
    """Rows that a step sees."""
    if problem.stream is None:
        return _rows(problem)
    return problem.stream(np.random.default_rng(0), 1).shape[1]


def _rows(problem: Problem) -> int:
    return max((len(leaf) for leaf in tree.leaves(problem.data)), default=1)
