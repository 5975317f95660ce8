"""An optimizer of which only recorded runs are there: it has a name and hyperparameters, no rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Recorded"]


@dataclass(frozen=True, eq=False)
class Recorded:
    """What an imported file calls an optimizer; `hypers` has one of the values that stand there."""

    name: str
    hypers: Mapping[str, float]
    summary: str = "Imported: its runs were made elsewhere, and what it computes is not known here."
    powers: tuple[str, ...] = ()
    source: str = ""
    one_run: bool = False
    wants_loss: bool = False
    fixed: frozenset[str] = field(default_factory=frozenset)
    citation: str = ""
    convention: str = ""
    form: None = None
    limit: None = None

    def start(self, params: Any, hypers: Mapping[str, Any]) -> Any:
        raise TypeError(f"{self.name} was imported and cannot be run")

    def step(
        self, params: Any, grads: Any, t: Any, state: Any, hypers: Mapping[str, Any], **seen: Any
    ) -> tuple[Any, Any]:
        raise TypeError(f"{self.name} was imported and cannot be run")
