"""What is wrong with a spec: every fault with its place, its reason and the way out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Fault", "Faults", "SpecError"]


@dataclass(frozen=True, order=True)
class Fault:
    """One fault: line and column (from 1), the path inside the spec, what is wrong."""

    line: int
    column: int
    path: str
    message: str


class SpecError(ValueError):
    """A spec cannot be used; `faults` holds everything that is wrong with it, in order."""

    def __init__(self, file: str, faults: Iterable[Fault]) -> None:
        self.file = file
        self.faults = sorted(set(faults))
        super().__init__("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """`file:line:column: path: message`, one a fault, places aligned."""
        places = [f"{self.file}:{f.line}:{f.column}:" for f in self.faults]
        width = max(map(len, places), default=0)
        return [
            f"{place:<{width}} {f.path + ': ' if f.path else ''}{f.message}"
            for place, f in zip(places, self.faults, strict=True)
        ]


@dataclass
class Faults:
    """Collects faults while a spec is read, so that all of them are told at once."""

    found: list[Fault] = field(default_factory=list)

    def add(self, node: object, message: str) -> None:
        """Note `message` at `node` (anything with line, column and path)."""
        self.found.append(Fault(node.line, node.column, node.path, message))  # type: ignore[attr-defined]
