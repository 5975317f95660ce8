"""The known minimum of each problem; those that must be solved for are solved once and kept."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from optlab.causes import digest, environment
from optlab.problems import Minimum, Problem, certificate
from optlab.remembered import Remembered

__all__ = ["Minima"]


class Minima:
    """Minima by problem, kept in a file."""

    def __init__(self, path: Path) -> None:
        self._kept = Remembered(path)

    def __call__(self, problem: Problem) -> Minimum | None:
        """The minimum of `problem`, if it is known."""
        solve = problem.minimum
        if solve is None or isinstance(solve, Minimum):
            return solve

        def find() -> dict[str, Any] | None:
            found = solve()
            return asdict(found) if found is not None else None

        entry = self._kept(self._key(problem), find)
        return Minimum(**{**entry, "at": ()}) if entry is not None else None

    def _key(self, problem: Problem) -> str:
        solver = Path(certificate.__file__).read_text(encoding="utf-8")
        causes = [problem.name, dict(problem.parameters), problem.source, solver,
                  digest((problem.data, problem.test)), environment()["numpy"]]  # fmt: skip
        text = json.dumps(causes, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:20]
