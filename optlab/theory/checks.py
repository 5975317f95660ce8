"""What a check of a law is: a number that theory predicts, and the one that was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Check", "Law"]


@dataclass(frozen=True)
class Check:
    """One prediction beside its measurement; it holds where `deviation` is at most `tolerance`.

    `relation` says what is predicted of the measured number: that it equals `predicted`, or that it is
    at most or at least that; `in`, that the predicted number lies within `tolerance` of the measured one, the
    middle of the stretch that the runs leave it. `unit` says what the deviation is counted in: `relative`, `absolute`, or
    `standard errors` where the prediction is of random runs.
    """

    quantity: str
    predicted: float
    measured: float
    deviation: float
    tolerance: float
    n: int = 1
    unit: Literal["relative", "absolute", "standard errors"] = "relative"
    relation: Literal["=", "<=", ">=", "in"] = "="
    optimizer: str = ""
    """Said here where two optimizers or two problems are compared; else it is the run's own."""
    problem: str = ""
    setting: str = ""

    @property
    def holds(self) -> bool:
        return bool(self.deviation <= self.tolerance)  # NaN holds nothing


@dataclass(frozen=True)
class Law:
    """A statement with its source; `check` looks for the runs to which it applies. It gets the
    evidence of one optimizer on one problem, or with `together` that of all of them."""

    name: str
    source: str
    check: Callable[[Any], Iterator[Check]]
    together: bool = False


def bounded(
    quantity: str, share: float, *, n: int = 1, slack: float = 1e-9, at_least: bool = False
) -> Check:
    """A check that `share`, the measured over the bound at its worst, is on its side of 1."""
    over = 1.0 - share if at_least else share - 1.0
    return Check(quantity, 1.0, share, max(0.0, over) if over == over else over, slack, n,
                 relation=">=" if at_least else "<=")  # fmt: skip
