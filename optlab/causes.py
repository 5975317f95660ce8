"""What could change the numbers of a run besides the causes that its identity names."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from jax import tree_util

from optlab.plan import Program

__all__ = ["digest", "environment", "program_key"]

_HOUSE = (
    "algebra.py", "straight.py", "rules/protocol.py", "problems/protocol.py", "adapters/optax.py",
    "adapters/libraries.py", "draws.py", "engine.py", "kernel.py", "startup.py",
)  # fmt: skip
"""The files of optlab through which every run goes; rule and problem bring their own text."""


@functools.cache
def environment() -> dict[str, str]:
    """Versions and the kind of processor: what the last bits of a result depend on."""
    packages = ("jax", "jaxlib", "numpy", "scikit-learn", "optax")
    import jax

    return {
        "backend": jax.default_backend(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "processor": _processor(),
        "flags": os.environ.get("XLA_FLAGS", ""),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


@functools.cache
def _house() -> list[str]:
    folder = Path(__file__).parent
    return [(folder / name).read_text(encoding="utf-8") for name in _HOUSE]


def program_key(program: Program, fingerprint: Any) -> str:
    """The key under which a program's runs are kept. `fingerprint` is the problem's value and
    gradient at fixed points, which tells of causes that no text shows, such as a file of data."""
    causes = {
        "optimizer": program.optimizer.source,
        "problem": [program.problem.source, program.problem.name, program.problem.parameters],
        "data": digest((program.problem.data, program.problem.test)),
        "fingerprint": fingerprint,
        "house": _house(),
        "record": [program.every, program.metrics, program.path, program.steps],
        "shape": [
            program.lanes,
            program.blocks,
            program.together,
            program.mapped,
            program.precision,
            program.fixed,
        ],
        "environment": environment(),
    }
    text = json.dumps(causes, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def digest(arrays: Any) -> str:
    """A hash of arrays in a tree: rows come from another package, and may change with it."""
    hashed = hashlib.sha256()
    for path, leaf in tree_util.tree_leaves_with_path(arrays):
        array = np.ascontiguousarray(leaf)
        hashed.update(f"{path} {array.dtype} {array.shape}".encode())
        hashed.update(array.tobytes())
    return hashed.hexdigest()
