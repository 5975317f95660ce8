"""What is searched: `search:` ranges, the joint draws of `tuning: {trials: 50}`, `profile:` curves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import scipy

from optlab.adapters import Optimizer
from optlab.errors import Faults
from optlab.nodes import Node
from optlab.spec.model import Range, Tuning
from optlab.spec.sweeps import values
from optlab.suggest import meant_or_known
from optlab.vocabulary import Interval, look_up

__all__ = ["Protocol", "curves", "draws", "natural", "own_name", "ranges"]

_RATES = ("lr", "learning_rate")
_SCALES = ("linear", "log", "one_minus_log")
_UNIT = Interval(0, 1, "[)")


@dataclass(frozen=True)
class Protocol:
    """What the whole file says of choosing settings; `seed` is the experiment's."""

    tuning: Tuning | None = None
    search: Mapping[str, tuple[Range, Node]] = field(default_factory=dict)
    profile: Mapping[str, tuple[tuple[float, ...], Node]] = field(default_factory=dict)
    seed: int = 0


def ranges(node: Node | None, faults: Faults) -> dict[str, tuple[Range, Node]]:
    """The ranges of `{lr: {log: [1e-5, 10]}, beta2: natural}`, each with its place."""
    if node is None:
        return {}
    if not isinstance(node.value, dict) or not node.value:
        faults.add(node, "write a hyperparameter and a range, as in {lr: {log: [1e-5, 10]}}")
        return {}
    found = {}
    for name, inner in node.value.items():
        made = _range(name, inner, faults)
        if made is not None:
            found[name] = (made, inner)
    return found


def natural(name: str) -> Range | None:
    """The range that an expert would search for `name`; None where the vocabulary has none."""
    word = look_up(name)
    if word.sweep is None:
        return None
    low, high = word.sweep
    if word.scale == "one_minus_log":
        low, high = 1 - high, 1 - low
    return Range(word.scale, low, high)


def _range(name: str, node: Node, faults: Faults) -> Range | None:
    if node.value == "natural":
        made = natural(name)
        if made is None:
            faults.add(node, f"'{name}' has no natural range; give one, as in {{log: [1e-3, 1]}}")
        return made
    hint = "write one scale and its two ends, as in {log: [1e-5, 10]}, or `natural`"
    if not isinstance(node.value, dict) or len(node.value) != 1:
        faults.add(node, hint)
        return None
    [(scale, inner)] = node.value.items()
    if scale not in _SCALES:
        faults.add(inner.at_key, f"no such scale{meant_or_known(scale, _SCALES)}")
        return None
    ends = inner.plain()
    numeric = isinstance(ends, list) and all(
        isinstance(e, int | float) and not isinstance(e, bool) and math.isfinite(e) for e in ends
    )
    if not numeric or len(ends) != 2 or ends[0] >= ends[1]:
        faults.add(inner, f"give two numbers, the smaller first: {{{scale}: [1e-3, 0.5]}}")
        return None
    low, high = float(ends[0]), float(ends[1])
    if (scale != "linear" and low <= 0) or (scale == "one_minus_log" and high > 1):
        within = "between 0 and 1 (the distance from 1)" if scale == "one_minus_log" else "above 0"
        faults.add(inner, f"both ends must be {within}")
        return None
    made = Range(scale, low, high)
    interval = _UNIT if scale == "one_minus_log" else look_up(name).interval
    for end in (made.at(0.0), made.at(1.0)):
        if end not in interval or end not in look_up(name).interval:
            faults.add(inner, f"{end:g} is outside {look_up(name).interval}")
            return None
    return made


def own_name(name: str, optimizer: Optimizer) -> str | None:
    """What `optimizer` calls the hyperparameter `name`: the rate is `lr` here and `learning_rate`
    there. None where it has none."""
    if name in optimizer.hypers:
        return name
    if name in _RATES:
        return next((other for other in _RATES if other in optimizer.hypers), None)
    return None


def draws(searched: Mapping[str, Range], trials: int, seed: int) -> tuple[tuple[float, ...], ...]:
    """`trials` joint settings of the searched hyperparameters, spread evenly over their ranges.

    A Halton sequence (Halton 1960), shifted as a whole by the experiment's seed (Cranley &
    Patterson 1976). It depends on how many are searched and on nothing else, so that optimizers
    that search alike meet the same values and a new name changes none; the first n settings are
    those of a search with n trials. Six digits are kept, so that a setting can be written down.
    """
    count = len(searched)
    points = scipy.stats.qmc.Halton(count, scramble=False).random(trials)
    shift = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, 20]))).random(count)
    return tuple(
        tuple(scale.at(float(share)) for scale, share in zip(searched.values(), row, strict=True))
        for row in (points + shift) % 1.0
    )


def curves(node: Node | None, faults: Faults) -> dict[str, tuple[tuple[float, ...], Node]]:
    """The values of `profile: {lr: {log: [1e-5, 10], n: 25}}`, each with its place."""
    if node is None:
        return {}
    if not isinstance(node.value, dict) or not node.value:
        faults.add(
            node, "write a hyperparameter and its values, as in {lr: {log: [1e-5, 10], n: 25}}"
        )
        return {}
    found = {}
    for name, inner in node.value.items():
        numbers = values(name, inner, faults)
        if len(numbers) == 1:
            faults.add(inner, "a curve needs at least two values")
        elif numbers:
            found[name] = (numbers, inner)
    return found
