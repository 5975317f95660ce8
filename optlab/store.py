"""Results on disk: written atomically, found again by run, checked when read.

A cell's file bears a key (`causes.program_key`) of everything that could change its numbers but is
not a cause named in a run's identity.
Under one key the runs are looked up by run_id, so that a grown grid only runs what is new.
"""

from __future__ import annotations

import errno
import hashlib
import struct
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from optlab import engine
from optlab.files import atomic_write, clear_strays

__all__ = ["Store", "Stored"]


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
        arrays |= {f"summary/{n}": v for n, v in history.summary.items()}
        if history.path is not None:
            arrays["path"] = history.path
        arrays |= {"run_ids": np.array(run_ids), "points": history.points,
                   "seconds": np.array(history.seconds)}  # fmt: skip
        atomic_write(self.folder / key / f"{name}.npz", lambda file: np.savez(file, **arrays))

    def has(self, key: str) -> bool:
        """Whether anything is kept under `key`."""
        return any((self.folder / key).glob("*.npz"))

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
                path_array = file["path"][..., keep] if "path" in file else None
                history = engine.History(
                    file["points"], _named(file, "metric/", keep), path_array,
                    float(file["seconds"]), _named(file, "summary/", keep),
                )  # fmt: skip
        except (OSError, ValueError, KeyError, EOFError, IndexError, RuntimeError, struct.error,
                zipfile.BadZipFile) as error:  # fmt: skip
            # A damaged zip sends its reader to impossible places (EINVAL). Any other error of the
            # system is not the file's: the cell is sound for all we know.
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise
            self.broken.append(path)
            path.replace(path.with_suffix(".broken"))
            return None
        return Stored([run_ids[i] for i in keep], history)


def _named(file: Any, kind: str, keep: list[int]) -> dict[str, np.ndarray]:
    """The arrays of one kind, by name, of the runs to keep."""
    return {n.removeprefix(kind): file[n][..., keep] for n in file if n.startswith(kind)}


def _check(path: Path) -> None:
    """Compare every array with its checksum. NumPy reads as much as an array's header says, so that
    a header that was damaged into a smaller array would pass."""
    with zipfile.ZipFile(path) as file:
        broken = file.testzip()
    if broken is not None:
        raise zipfile.BadZipFile(f"{path}: {broken} is damaged")
