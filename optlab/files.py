"""Files written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

__all__ = ["atomic", "atomic_write", "clear_strays", "write_text"]

_STRAY = ".writing-"

_UMASK = os.umask(
    0
)  # it can only be read by setting it, for all threads: once, before there are others
os.umask(_UMASK)


def atomic_write(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Call `write(file)` on a file beside `path` and move it there once it is whole."""
    with atomic(path) as file:
        write(file)


@contextmanager
def atomic(path: Path) -> Iterator[IO[bytes]]:
    """A file beside `path` to write to, which is moved there at the end, or not at all where that is not
    reached."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{_STRAY}{os.getpid()}-")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        # mkstemp gives a file that only its owner reads; results are as open as the user's others.
        Path(name).chmod(0o666 & ~_UMASK)
        Path(name).replace(path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)  # "File too large" alone does not say which
        raise


def write_text(path: Path, text: str) -> Path:
    """Write `text` to `path` at once: a reader finds the old file or the new one, never a part."""
    atomic_write(path, lambda file: file.write(text.encode()))
    return path


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
