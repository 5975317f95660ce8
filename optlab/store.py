"""Results on disk: written atomically, found again by run, checked when read.

A cell's file bears a key made of everything that could change its numbers but is not a cause named
in a run's identity: the text of rule, problem and engine, versions, kind of processor, the shape.
Under one key the runs are looked up by run_id, so that a grown grid only runs what is new.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import numpy as np
from jax import tree_util

from optlab import engine
from optlab.plan import Program
from optlab.problems import protocol

__all__ = ["Store", "Stored", "atomic_write", "clear_strays", "environment", "program_key"]

_STRAY = ".writing-"


def atomic_write(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Call `write(file)` on a file beside `path` and move it there once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{_STRAY}{os.getpid()}-")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
        # mkstemp gives a file that only its owner reads; results are as open as the user's others.
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def clear_strays(folder: Path) -> None:
    """Remove what an interrupted write left behind, and nothing that is being written now."""
    for stray in folder.glob(f"{_STRAY}*"):
        writer = stray.name.removeprefix(_STRAY).split("-")[0]
        if not (writer.isdigit() and _alive(int(writer))):
            stray.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    """Whether another process of this number runs; on Windows nobody can ask without harm."""
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is there, and somebody else's
        return True
    return process != os.getpid()


@functools.cache
def environment() -> dict[str, str]:
    """Versions and the kind of processor: what the last bits of a result depend on."""
    packages = ("jax", "jaxlib", "numpy", "scikit-learn", "optax")
    return {
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


def program_key(program: Program) -> str:
    """The key under which a program's runs are kept."""
    causes = {
        "optimizer": program.optimizer.source,
        "problem": [program.problem.source, program.problem.name, program.problem.parameters],
        "data": _digest((program.problem.data, program.problem.test)),
        "engine": [Path(m.__file__ or "").read_text(encoding="utf-8") for m in (engine, protocol)],
        "record": [program.every, program.metrics, program.path, program.steps],
        "shape": [program.lanes, program.mapped, program.precision, program.fixed],
        # How many devices share the work changes no bits; whether a device has threads may.
        "environment": {
            name: value if name != "flags" else "multi_thread_eigen=false" in value
            for name, value in environment().items()
        },
    }
    text = json.dumps(causes, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _digest(arrays: Any) -> str:
    """A hash of arrays in a tree: rows come from another package, and may change with it."""
    hashed = hashlib.sha256()
    for path, leaf in tree_util.tree_leaves_with_path(arrays):
        array = np.ascontiguousarray(leaf)
        hashed.update(f"{path} {array.dtype} {array.shape}".encode())
        hashed.update(array.tobytes())
    return hashed.hexdigest()


@dataclass(frozen=True, eq=False)
class Stored:
    """A cell read back: `run_ids[i]` is the run in column i of each array."""

    run_ids: list[str]
    history: engine.History


@dataclass
class Store:
    """The cells of one experiment, below `folder`."""

    folder: Path
    broken: list[Path] = field(default_factory=list)
    """Files that could not be read, set aside: their runs are executed again."""

    def put(self, key: str, run_ids: Sequence[str], history: engine.History) -> None:
        """Keep a cell."""
        name = hashlib.sha256("".join(run_ids).encode()).hexdigest()[:20]
        arrays: dict[str, Any] = {f"metric/{n}": v for n, v in history.metrics.items()}
        if history.path is not None:
            arrays["path"] = history.path
        arrays |= {"run_ids": np.array(run_ids), "points": history.points,
                   "seconds": np.array(history.seconds)}  # fmt: skip
        atomic_write(self.folder / key / f"{name}.npz", lambda file: np.savez(file, **arrays))

    def load(self, key: str, wanted: Iterable[str]) -> list[Stored]:
        """The cells of `key` that hold any of `wanted`, each run in one cell only."""
        missing = set(wanted)
        found = []
        clear_strays(self.folder / key)
        for path in sorted((self.folder / key).glob("*.npz")):
            cell = self._read(path, missing)
            if cell is not None:
                found.append(cell)
                missing.difference_update(cell.run_ids)
        return found

    def _read(self, path: Path, missing: set[str]) -> Stored | None:
        try:
            _check(path)
            with np.load(path) as file:
                run_ids = [str(name) for name in file["run_ids"]]
                keep = [i for i, name in enumerate(run_ids) if name in missing]
                if not keep:
                    return None
                metrics = {
                    n.removeprefix("metric/"): file[n][:, keep]
                    for n in file
                    if n.startswith("metric/")
                }
                path_array = file["path"][..., keep] if "path" in file else None
                history = engine.History(
                    file["points"], metrics, path_array, float(file["seconds"])
                )
        except (OSError, ValueError, KeyError, EOFError, IndexError, RuntimeError, struct.error,
                zipfile.BadZipFile):  # fmt: skip
            self.broken.append(path)
            path.unlink(missing_ok=True)
            return None
        return Stored([run_ids[i] for i in keep], history)


def _check(path: Path) -> None:
    """Compare every array with its checksum. NumPy reads as much as an array's header says, so that
    a header that was damaged into a smaller array would pass."""
    with zipfile.ZipFile(path) as file:
        broken = file.testzip()
    if broken is not None:
        raise zipfile.BadZipFile(f"{path}: {broken} is damaged")
