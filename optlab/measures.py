"""Every measure that a claim may name, once: what it counts, which way is better, how two values are
compared, and what becomes of zeros.

`analysis/scores.py` computes them; a claim's words (`faster`, `overshoots`) lead to them through
`WORDS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["MEASURES", "ROUNDING", "WORDS", "Measure", "look_up"]

ROUNDING = 1e-9
"""A difference smaller than this, in decades or in a measure's own unit, is told as none."""


@dataclass(frozen=True)
class Measure:
    """One number for each seed of an optimizer on a problem.

    `scale` says how two values a and b are compared: `ratio` by log10(b / a), where values at or
    below the floor of rounding count as that floor; `difference` by b - a, zeros as they are. Never
    reached and diverged are +inf where lower is better. `margin` is the least difference worth a
    claim unless it says otherwise: a factor for a ratio, else in the measure's own unit.
    """

    name: str
    meaning: str
    unit: str
    scale: Literal["ratio", "difference"]
    higher: bool = False
    margin: float = 1.1
    stability: str = ""
    """Which of the kinds of stability it is, S1 to S7."""
    timed: bool = False
    """A time to a target: it is censored at the budget."""
    binary: bool = False
    """A run does it (1) or does not (0): shares are compared, not sizes."""
    profile: bool = False
    """It needs the rates around the chosen one (`profile:`, or a grid)."""


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("steps_reached", "updates until the target is first met", "updates", "ratio", timed=True),
        Measure("steps_held", "updates from which the target stays met", "updates", "ratio", timed=True),
        Measure("loss", "loss at the end of the budget", "loss", "ratio"),
        Measure("gap", "loss above the minimum at the end of the budget", "loss", "ratio"),
        Measure("test_loss", "loss on held-out rows at the end", "loss", "ratio"),
        Measure("test_accuracy", "share of held-out rows told right at the end", "share",
                "difference", higher=True, margin=0.005),
        Measure("train_accuracy", "share of training rows told right at the end", "share",
                "difference", higher=True, margin=0.005),
        Measure("diverged", "whether the run diverged", "share of runs", "difference", margin=0.0,
                stability="S1", binary=True),
        Measure("overshoot", "largest rise above the best loss so far, over the gap at the start",
                "starting gaps", "difference", margin=0.01, stability="S2"),
        Measure("rises", "share of recorded points above the one before", "share", "difference",
                margin=0.01, stability="S3"),
        Measure("variation", "total variation of the loss over its net fall; 1 if it never rose",
                "times the fall", "ratio", stability="S3"),
        Measure("oscillation", "share of recorded points at which the step turned back on the last",
                "share", "difference", margin=0.01, stability="S4"),
        Measure("spikes", "share of recorded points more than 10 % above the best gap so far",
                "share", "difference", margin=0.01, stability="S5"),
        Measure("spread", "distance of log10 of the last gap from its median over seeds", "decades",
                "difference", margin=0.05, stability="S6"),
        Measure("rate_width", "width of the rates that do about as well as the best", "decades",
                "difference", higher=True, margin=0.1, stability="S7", profile=True),
        Measure("rate_share", "share of the rates tried that hold the target", "share", "difference",
                higher=True, margin=0.02, stability="S7", profile=True),
        Measure("rate_loss", "mean over rates of what is lost against the best, of the starting gap",
                "share", "difference", margin=0.01, stability="S7", profile=True),
    )
}  # fmt: skip

WORDS = {
    "fast": ("steps_reached", "steps_held"),
    "diverges": ("diverged",),
    "overshoots": ("overshoot",),
    "rises": ("rises",),
    "oscillates": ("oscillation",),
    "spikes": ("spikes",),
}
"""Words of a claim that name their measures. A claim that says `faster` and not whether reaching or
staying is meant is judged on both."""


def look_up(name: str) -> Measure:
    """The measure of `name`. KeyError where there is none."""
    return MEASURES[name]
