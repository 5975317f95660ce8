"""The known minimum of each problem; those that must be solved for are solved once and kept."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from optlab.causes import digest, environment
from optlab.files import atomic_write
from optlab.problems import Minimum, Problem, certificate

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
            found = problem.minimum()
            known = {**self._read(), key: asdict(found) if found is not None else None}
            text = json.dumps(known, indent=1).encode()
            atomic_write(self._path, lambda file: file.write(text))
        entry = known[key]
        return Minimum(**{**entry, "at": ()}) if entry is not None else None

    def _key(self, problem: Problem) -> str:
        solver = Path(certificate.__file__).read_text(encoding="utf-8")
        causes = [problem.name, dict(problem.parameters), problem.source, solver,
                  digest((problem.data, problem.test)), environment()["numpy"]]  # fmt: skip
        text = json.dumps(causes, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    def _read(self) -> dict[str, Any]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):  # never written, or damaged
            return {}
        return known if isinstance(known, dict) else {}
