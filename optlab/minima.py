"""The known minimum of each problem; those that must be solved for are solved once and kept."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from optlab.problems import Minimum, Problem
from optlab.store import atomic_write, environment

__all__ = ["Minima"]


class Minima:
    """Minima by problem, kept in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, problem: Problem) -> Minimum | None:
        """The minimum of `problem`, if it is known."""
        if problem.minimum is None or isinstance(problem.minimum, Minimum):
            return problem.minimum
        key = self._key(problem)
        known = self._read()
        if key not in known:
            known = {**self._read(), key: asdict(problem.minimum())}
            text = json.dumps(known, indent=1).encode()
            atomic_write(self._path, lambda file: file.write(text))
        entry = known[key]
        return Minimum(**{**entry, "at": ()})

    def _key(self, problem: Problem) -> str:
        causes = [problem.name, dict(problem.parameters), problem.source,
                  environment()["numpy"], environment()["scikit-learn"]]  # fmt: skip
        text = json.dumps(causes, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):  # never written, or damaged
            return {}
        return known if isinstance(known, dict) else {}
