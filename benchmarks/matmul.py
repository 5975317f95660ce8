"""The rate of matrix products that NumPy reaches at a network's sizes, batched over as many runs as a block
of the engine has: what a step's products alone would take. A thread a core."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from cases import Case, experiment, runs

from optlab import plan


def program(case: Case, inputs: dict[str, np.ndarray]) -> Callable[[], np.ndarray]:
    """A function that makes all products of the case's steps, forward and backward, once. It gives no
    losses: there are none."""
    made = experiment(case)
    lanes = plan.program(made, runs(made)[0]).lanes
    cores = len(os.sched_getaffinity(0))
    rng = np.random.default_rng(0)
    layers = []
    for i, (a, b) in enumerate(pairwise(case.widths)):
        x, w, d = ((case.batch, a), (a, b), (case.batch, b))
        layers.append(
            (i, *(rng.standard_normal((lanes, *s)).astype(case.precision) for s in (x, w, d)))
        )
    steps = case.run_steps // (lanes * cores)

    def share() -> None:
        for _ in range(steps):
            for i, x, w, d in layers:
                x @ w
                x.transpose(0, 2, 1) @ d
                if i:  # the data need no slope
                    d @ w.transpose(0, 2, 1)

    def once() -> np.ndarray:
        with ThreadPoolExecutor(cores) as pool:
            for call in [pool.submit(share) for _ in range(cores)]:
                call.result()
        return np.empty((0, case.runs))

    return once
