"""Whose a folder of results is: two specs of one name must not write over each other's."""

from __future__ import annotations

import os
from pathlib import Path

from optlab.files import atomic_write

__all__ = ["TakenError", "check_owner", "keep_for"]


class TakenError(OSError):
    """A folder of results belongs to another spec of the same name."""


def check_owner(folder: Path, spec: Path) -> None:
    """TakenError where the results in `folder` were made from another spec than `spec`: one that is still
    there, somewhere else, and asks something else. A spec that was moved or copied has what it had."""
    if not folder.is_dir():  # deleted, and with it whatever it was
        return
    try:
        owner = folder / os.fsdecode(_mark(folder).read_bytes())
    except (FileNotFoundError, NotADirectoryError):  # nobody's yet
        return
    if not owner.is_file():  # its spec is gone
        return
    if spec.is_file() and (owner.samefile(spec) or owner.read_bytes() == spec.read_bytes()):
        return
    raise TakenError(
        f"{folder} holds the results of {os.path.relpath(owner)}, another spec of the same name as "
        f"{spec}: rename one of them, or give --out another folder"
    )


def keep_for(folder: Path, spec: Path) -> None:
    """Say that `folder` is `spec`'s, which may have no file. TakenError where another spec has it."""
    check_owner(folder, spec)
    if spec.is_file():
        try:
            place = os.path.relpath(spec.resolve(), folder.resolve())
        except ValueError:  # on another drive
            place = str(spec.resolve())
        atomic_write(_mark(folder), lambda file: file.write(os.fsencode(place)))


def _mark(folder: Path) -> Path:
    """Where it stands whose `folder` is. Beside the results, not in them: they may be given away, and the
    way to a spec can name its owner."""
    return folder.parent / ".cache" / "specs" / folder.name
