"""How fast this machine can do it: `limit.c`, compiled here for several widths, of which the fastest counts; a
thread a core."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
from cases import POINTS, Case

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
WIDTHS = (8, 16, 32, 64)
"""Runs that are worked on at once: which number is best depends on rule, problem and dimension."""
_RULES = {"adam": ("ADAM", ("lr", "beta1", "beta2", "eps")), "rmsprop": ("RMSPROP", ("lr", "beta", "", "eps")),
          "momentum_pytorch": ("MOMENTUM", ("lr", "beta", "", ""))}  # fmt: skip


def program(case: Case, inputs: dict[str, np.ndarray]) -> Callable[[], np.ndarray]:
    """A function that runs the case once: losses `(points + 1, runs)`."""
    return min((_program(case, inputs, lanes) for lanes in WIDTHS), key=_seconds)


def _seconds(once: Callable[[], np.ndarray]) -> float:
    once()
    began = time.perf_counter()
    once()
    return time.perf_counter() - began


def _program(case: Case, inputs: dict[str, np.ndarray], lanes: int) -> Callable[[], np.ndarray]:
    rule, names = _RULES[case.rule]
    bowl = "data/center" in inputs
    work = _compiled(rule, "QUADRATIC" if bowl else "ROSENBROCK", case.dim, lanes)
    runs = -(-case.runs // lanes) * lanes
    fill = np.minimum(np.arange(runs), case.runs - 1)
    starts = np.ascontiguousarray(inputs["x"][fill].T)
    rows = [inputs[f"hyper/{name}"][fill] if name else np.zeros(runs) for name in names]
    hypers = np.ascontiguousarray(rows)
    told = ("curvature", "center")
    data = np.concatenate([inputs[f"data/{n}"] for n in told]) if bowl else np.zeros(1)
    cores = len(os.sched_getaffinity(0))
    shares = np.linspace(0, runs // lanes, cores + 1).astype(int) * lanes

    def once() -> np.ndarray:
        losses = np.empty((POINTS + 1, runs))
        arrays = [a.ctypes.data_as(ctypes.c_void_p) for a in (starts, hypers, data, losses)]
        with ThreadPoolExecutor(cores) as pool:  # a call from ctypes leaves Python's lock
            every = case.steps // POINTS
            calls = [
                pool.submit(work, int(a), int(b), runs, POINTS, every, *arrays)
                for a, b in pairwise(shares)
            ]
            for call in calls:
                call.result()
        return losses[:, : case.runs]

    return once


def _compiled(rule: str, problem: str, dim: int, lanes: int) -> Callable[..., None]:
    assert COMPILER is not None
    library = Path(tempfile.mkdtemp()) / "limit.so"
    flags = ["-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC"]
    wide = ["-mprefer-vector-width=512"] if os.uname().machine == "x86_64" else []
    chosen = [f"-DRULE={rule}", f"-DPROBLEM={problem}", f"-DDIM={dim}", f"-DLANES={lanes}"]
    source = str(Path(__file__).with_name("limit.c"))
    subprocess.run(
        [COMPILER, *flags, *wide, *chosen, source, "-o", str(library), "-lm"], check=True
    )
    return ctypes.CDLL(str(library)).work
