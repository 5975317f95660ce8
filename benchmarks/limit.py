"""How fast this machine can do it: `limit.c`, compiled here, a thread a core."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
from cases import POINTS, Case

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
LANES = 16
_RULES = {"adam": ("ADAM", ("lr", "beta1", "beta2", "eps")), "rmsprop": ("RMSPROP", ("lr", "beta", "", "eps")),
          "momentum_pytorch": ("MOMENTUM", ("lr", "beta", "", ""))}  # fmt: skip


def program(case: Case, inputs: dict[str, np.ndarray]) -> Callable[[], np.ndarray]:
    """A function that runs the case once: losses `(points + 1, runs)`."""
    rule, names = _RULES[case.rule]
    bowl = "data/center" in inputs
    work = _compiled(rule, "QUADRATIC" if bowl else "ROSENBROCK", case.dim)
    runs = -(-case.runs // LANES) * LANES
    fill = np.minimum(np.arange(runs), case.runs - 1)
    starts = np.ascontiguousarray(inputs["x"][fill].T)
    rows = [inputs[f"hyper/{name}"][fill] if name else np.zeros(runs) for name in names]
    hypers = np.ascontiguousarray(rows)
    told = ("curvature", "center")
    data = np.concatenate([inputs[f"data/{n}"] for n in told]) if bowl else np.zeros(1)
    cores = len(os.sched_getaffinity(0))
    shares = np.linspace(0, runs // LANES, cores + 1).astype(int) * LANES

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


def _compiled(rule: str, problem: str, dim: int) -> Callable[..., None]:
    assert COMPILER is not None
    library = Path(tempfile.mkdtemp()) / "limit.so"
    flags = ["-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC"]
    wide = ["-mprefer-vector-width=512"] if os.uname().machine == "x86_64" else []
    chosen = [f"-DRULE={rule}", f"-DPROBLEM={problem}", f"-DDIM={dim}"]
    source = str(Path(__file__).with_name("limit.c"))
    subprocess.run(
        [COMPILER, *flags, *wide, *chosen, source, "-o", str(library), "-lm"], check=True
    )
    return ctypes.CDLL(str(library)).work
