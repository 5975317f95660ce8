"""Results on disk: written atomically, found again by run, checked when read.

A cell's file bears a key (`causes.program_key`) of everything that could change its numbers but is
not a cause named in a run's identity.
Under one key the runs are looked up by run_id, so that a grown grid only runs what is new.
"""

from __future__ import annotations

import errno
import hashlib
import io
import struct
import threading
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from optlab import engine
from optlab.files import atomic_write, clear_strays

__all__ = ["Store", "Stored"]

_T = TypeVar("_T")

_FILE = np.uint64(2**24 - 1)
"""Which of 64 bits say the number of a file."""


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
    _places: dict[str, _Places] = field(default_factory=dict)

    def put(self, key: str, run_ids: Sequence[str], history: engine.History) -> None:
        """Keep a cell."""
        name = hashlib.sha256("".join(run_ids).encode()).hexdigest()[:20]
        arrays: dict[str, Any] = {f"metric/{n}": v for n, v in history.metrics.items()}
        arrays |= {f"summary/{n}": v for n, v in history.summary.items()}
        if history.path is not None:
            arrays["path"] = history.path
        arrays |= {"run_ids": np.array(run_ids), "points": history.points,
                   "seconds": np.array(history.seconds)}  # fmt: skip
        path = self.folder / key / f"{name}.npz"
        atomic_write(path, lambda file: np.savez(file, **arrays))
        if key in self._places:
            self._places[key].add(path, run_ids)

    def has(self, key: str) -> bool:
        """Whether anything is kept under a key that begins with `key`."""
        return any(self.folder.glob(f"{key}*/*.npz"))

    def load(self, key: str, wanted: Iterable[str]) -> list[Stored]:
        """The cells of `key` that hold any of `wanted`, each run in one cell only."""
        missing = set(wanted)
        if key not in self._places:
            clear_strays(self.folder / key)
            self._places[key] = self._look(self.folder / key)
        found = []
        for path in self._places[key].of(missing):
            cell = self._read(path, lambda path: _stored(path, missing))
            if cell is not None:
                found.append(cell)
                missing.difference_update(cell.run_ids)
        return found

    def _look(self, folder: Path) -> _Places:
        """What is where, of all that can be read."""
        places = _Places()
        for path in sorted(folder.glob("*.npz")):
            run_ids = self._read(path, _run_ids)
            if run_ids is not None:
                places.add(path, run_ids)
        return places

    def _read(self, path: Path, look: Callable[[Path], _T]) -> _T | None:
        """What `look` finds in a file; None where it is damaged, which sets it aside."""
        try:
            return look(path)
        except (OSError, ValueError, KeyError, EOFError, IndexError, RuntimeError, struct.error,
                zipfile.BadZipFile) as error:  # fmt: skip
            # A damaged zip sends its reader to impossible places (EINVAL). Any other error of the
            # system is not the file's: the cell is sound for all we know.
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise
            self.broken.append(path)
            path.replace(path.with_suffix(".broken"))
            return None


class _Places:
    """Which file has which run, in eight bytes a run: there may be millions.

    Of a run's identity the first 40 bits are kept, and beside them the number of its file. Two runs may agree
    in as many; then a file is told that has not got the run."""

    def __init__(self) -> None:
        self._files: list[Path] = []
        self._known = np.zeros(0, np.uint64)
        self._new: list[np.ndarray] = []
        self._lock = threading.Lock()  # cells are put by every core

    def add(self, path: Path, run_ids: Sequence[str]) -> None:
        with self._lock:
            self._new.append(_heads(run_ids) | np.uint64(len(self._files)))
            self._files.append(path)

    def of(self, run_ids: Iterable[str]) -> list[Path]:
        """The files that may have any of these runs."""
        with self._lock:
            if self._new:
                self._known = np.concatenate([self._known, *self._new])
                self._known.sort()
                self._new = []
            heads = np.unique(_heads(run_ids))
            first = np.searchsorted(self._known, heads)
            end = np.searchsorted(self._known, heads | _FILE, side="right")
            found: set[int] = set()
            while (first < end).any():
                here = self._known[first[first < end]]
                found.update((here & _FILE).tolist())
                first = first + 1
            return sorted(path for path in (self._files[i] for i in found) if path.exists())


def _heads(run_ids: Iterable[str]) -> np.ndarray:
    """The first bits of identities, which are 16 hexadecimal digits, with room for the number of a file."""
    return np.array([int(name, 16) for name in run_ids], np.uint64) & ~_FILE


def _run_ids(path: Path) -> list[str]:
    """Whose runs are in a file. Read to its end, so that its checksum is looked at."""
    with zipfile.ZipFile(path) as file:
        names = np.lib.format.read_array(io.BytesIO(file.read("run_ids.npy")), allow_pickle=False)
    return [str(name) for name in names]


def _stored(path: Path, missing: set[str]) -> Stored | None:
    """What a file has of the runs that are missing."""
    _check(path)
    with np.load(path) as file:
        run_ids = [str(name) for name in file["run_ids"]]
        keep = [i for i, name in enumerate(run_ids) if name in missing]
        if not keep:
            return None
        way = file["path"][..., keep] if "path" in file else None
        history = engine.History(
            file["points"], _named(file, "metric/", keep), way, float(file["seconds"]),
            _named(file, "summary/", keep),
        )  # fmt: skip
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
