"""Answers that take long to find, kept in a file of JSON from one run to the next."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from optlab.files import atomic_write

__all__ = ["Remembered"]


class Remembered:
    """A dictionary in a file; a damaged file is an empty one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, key: str, find: Callable[[], Any]) -> Any:
        """The answer under `key`; `find` finds it where it is not known."""
        known = self._read()
        if key not in known:
            found = find()
            known = {**self._read(), key: found}  # finding took long: another may have written
            text = json.dumps(known, indent=1).encode()
            atomic_write(self._path, lambda file: file.write(text))
        return known[key]

    def _read(self) -> dict[str, Any]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):  # never written, or damaged
            return {}
        return known if isinstance(known, dict) else {}
