"""The rate of matrix products that NumPy reaches at a network's sizes, batched over as many runs as a block
of the engine has: what the products alone would take, those of the steps and of the full objective at every
recorded point. A thread a core."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from cases import POINTS, Case, experiment, runs

from optlab import plan


def program(case: Case, inputs: dict[str, np.ndarray]) -> Callable[[], np.ndarray]:
    """A function that makes all products of the case, forward and backward in its steps and forward for all
    rows at its points, once. It gives no losses: there are none."""
    made = experiment(case)
    lanes = plan.program(made, runs(made)[0]).lanes
    cores = len(os.sched_getaffinity(0))
    rng = np.random.default_rng(0)
    rows = len(inputs["X"])
    layers = []
    for i, (a, b) in enumerate(pairwise(case.widths)):
        # All runs share the rows of the data, which are the first layer's.
        whole = (rows, a) if i == 0 else (lanes, rows, a)
        shapes = ((lanes, case.batch, a), (lanes, a, b), (lanes, case.batch, b), whole)
        layers.append((i, *(rng.standard_normal(s).astype(case.precision) for s in shapes)))
    blocks = case.runs // (lanes * cores)

    def share() -> None:
        for _ in range(blocks):
            for _ in range(case.steps):
                for i, x, w, d, _ in layers:
                    x @ w
                    x.transpose(0, 2, 1) @ d
                    if i:  # the data need no slope
                        d @ w.transpose(0, 2, 1)
            for _ in range(POINTS + 1):
                for _, _, w, _, whole in layers:
                    whole @ w

    def once() -> np.ndarray:
        with ThreadPoolExecutor(cores) as pool:
            for call in [pool.submit(share) for _ in range(cores)]:
                call.result()
        return np.empty((0, case.runs))

    return once
