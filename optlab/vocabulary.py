"""Every hyperparameter once: its symbol, its range, its natural sweep scale, its meaning.

A rule names its hyperparameters; what a name means stands here. A user's own name needs no entry:
it is then any finite number, shown as written.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Interval", "Word", "look_up"]


@dataclass(frozen=True)
class Interval:
    """A range that prints itself: `[0, 1)`."""

    low: float
    high: float
    closed: str = "[]"

    def __contains__(self, value: float) -> bool:
        above = value >= self.low if self.closed[0] == "[" else value > self.low
        below = value <= self.high if self.closed[1] == "]" else value < self.high
        return math.isfinite(value) and above and below

    @property
    def ends(self) -> tuple[float, ...]:
        """The values beyond which there is none, as far as they can be had."""
        return tuple(end for end in (self.low, self.high) if end in self)

    def __str__(self) -> str:
        return f"{self.closed[0]}{self.low:g}, {self.high:g}{self.closed[1]}"


@dataclass(frozen=True)
class Word:
    """A hyperparameter's entry. `sweep` is the range that an expert would search, on `scale`:
    `log`, `linear`, or `one_minus_log` (logarithmic in the distance from 1)."""

    name: str
    symbol: str
    interval: Interval
    scale: str
    sweep: tuple[float, float] | None
    meaning: str


_POSITIVE = Interval(0, math.inf, "()")
_NOT_NEGATIVE = Interval(0, math.inf, "[)")
_DECAY = Interval(0, 1, "[)")
_ANY = Interval(-math.inf, math.inf, "()")

_WORDS = {
    word.name: word
    for word in (
        Word("lr", r"\eta", _POSITIVE, "log", (1e-4, 1.0), "step size (learning rate)"),
        Word("beta", r"\beta", _DECAY, "one_minus_log", (0.5, 0.99), "decay of the running mean"),
        Word("beta1", r"\beta_1", _DECAY, "one_minus_log", (0.5, 0.99), "decay of the mean gradient"),
        Word(
            "beta2", r"\beta_2", _DECAY, "one_minus_log", (0.9, 0.9999),
            "decay of the mean squared gradient",
        ),
        Word("eps", r"\epsilon", _NOT_NEGATIVE, "log", (1e-10, 1e-2), "guards the division by zero"),
        Word("rho", r"\rho", _ANY, "linear", None, "a rule's own constant"),
        Word("learning_rate", r"\eta", _POSITIVE, "log", (1e-4, 1.0), "step size (learning rate)"),
        Word("weight_decay", r"\lambda", _NOT_NEGATIVE, "log", (1e-6, 1e-1), "decay of the weights"),
        Word("momentum", r"\beta", _DECAY, "one_minus_log", (0.5, 0.99), "decay of the velocity"),
        Word("b1", r"\beta_1", _DECAY, "one_minus_log", (0.5, 0.99), "decay of the mean gradient"),
        Word("b2", r"\beta_2", _DECAY, "one_minus_log", (0.9, 0.9999), "decay of the mean square"),
    )
}  # fmt: skip


def look_up(name: str) -> Word:
    """The entry of `name`; an unknown name is any finite number, written as it stands."""
    if name in _WORDS:
        return _WORDS[name]
    return Word(name, rf"\mathit{{{name}}}".replace("_", r"\_"), _ANY, "linear", None, "")
