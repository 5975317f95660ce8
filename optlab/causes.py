"""What could change the numbers of a run besides the causes that its identity names."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from jax import tree_util

from optlab.plan import Program
from optlab.problems import Minimum
from optlab.spec import Task

__all__ = ["digest", "environment", "program_key", "summary_key"]

_HOUSE = (
    "algebra.py", "straight.py", "rules/protocol.py", "problems/protocol.py", "adapters/optax.py",
    "adapters/libraries.py", "draws.py", "engine.py", "kernel.py", "startup.py",
)  # fmt: skip
"""The files of optlab through which every run goes; rule and problem bring their own text."""

_TOLD = ("tables.py", "gathered.py")
"""Those that say what a run comes to, where that is what is kept of it."""


@functools.cache
def environment() -> dict[str, str]:
    """Versions and the kind of processor: what the last bits of a result depend on."""
    packages = ("jax", "jaxlib", "numpy", "scikit-learn", "optax")
    import jax

    return {
        "backend": jax.default_backend(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "processor": _processor("model name"),
        # One name may stand for processors of several kinds, whose products of matrices differ in last bits.
        "features": hashlib.sha256(_processor("flags").encode()).hexdigest()[:12],
        "device": jax.devices()[0].device_kind,
        "flags": os.environ.get("XLA_FLAGS", ""),
    }


def _processor(what: str) -> str:
    """What the system says of its first processor, where it does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        found = [line.split(":", 1)[1].strip() for line in lines if line.startswith(what)]
        return found[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


@functools.cache
def _texts(names: tuple[str, ...]) -> list[str]:
    folder = Path(__file__).parent
    return [(folder / name).read_text(encoding="utf-8") for name in names]


def program_key(program: Program, fingerprint: Any) -> str:
    """The key under which a program's runs are kept. `fingerprint` is the problem's value and
    gradient at fixed points, which tells of causes that no text shows, such as a file of data."""
    causes = {
        "optimizer": program.optimizer.source,
        "problem": [program.problem.source, program.problem.name, program.problem.parameters],
        "data": digest((program.problem.data, program.problem.test)),
        "fingerprint": fingerprint,
        "house": _texts(_HOUSE),
        "record": [program.every, program.metrics, program.path, program.steps],
        "shape": [
            program.lanes,
            program.blocks,
            program.together,
            program.call_steps,  # a stretch that is longer than a call is cut, and powers taken anew
            program.mapped,
            program.precision,
            program.fixed,
        ],
        "environment": environment(),
    }
    text = json.dumps(causes, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def summary_key(key: str, tasks: Sequence[Task], minima: Mapping[str, Minimum | None]) -> str:
    """The key under which is kept what runs come to as runs of each of `tasks`; it begins with the key of
    their program, and adds what a summary is told by, and curves are not."""
    causes = [[(t.name, t.targets, minima.get(t.name)) for t in tasks], _texts(_TOLD)]
    return f"{key}-{hashlib.sha256(repr(causes).encode()).hexdigest()[:12]}"


def digest(arrays: Any) -> str:
    """A hash of arrays in a tree: rows come from another package, and may change with it."""
    hashed = hashlib.sha256()
    for path, leaf in tree_util.tree_leaves_with_path(arrays):
        array = np.ascontiguousarray(leaf)
        hashed.update(f"{path} {array.dtype} {array.shape}".encode())
        hashed.update(array.tobytes())
    return hashed.hexdigest()
