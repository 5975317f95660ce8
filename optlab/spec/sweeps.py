"""The values of one hyperparameter: a number, a list of numbers, or a range with a scale."""

from __future__ import annotations

import math

import numpy as np

from optlab.errors import Faults
from optlab.nodes import Node, whole
from optlab.suggest import meant_or_known
from optlab.vocabulary import look_up

__all__ = ["MOST_VALUES", "values"]

MOST_VALUES = 1_000_000
_SCALES = ("linear", "log", "one_minus_log")


def values(name: str, node: Node, faults: Faults) -> tuple[float, ...]:
    """The numbers that `node` asks for, in its order, each inside the range of `name`."""
    if isinstance(node.value, dict):
        numbers = _range(node, faults)
    elif isinstance(node.value, list):
        numbers = [n for item in node.value for n in _number(name, item, faults)]
        if not node.value:
            faults.add(node, "an empty list; give at least one number")
    else:
        numbers = _number(name, node, faults)
    interval = look_up(name).interval
    places = node.value if isinstance(node.value, list) else [node] * len(numbers)
    for number, place in zip(numbers, places, strict=False):
        if number not in interval:
            faults.add(place, f"{number:g} is outside {interval}")
            if place is node:
                break
    if len(set(numbers)) < len(numbers):
        faults.add(node, "a value stands twice; each setting is run once")
    return tuple(numbers)


def _number(name: str, node: Node, faults: Faults) -> list[float]:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        faults.add(node, f"{node.shown} is not a number; write a number, a list of numbers, or "
                         "a range such as {log: [1e-4, 1], n: 9}")  # fmt: skip
        return []
    if not math.isfinite(node.value):  # 1e400, say, which no float64 holds
        faults.add(node, f"{node.shown} is not a finite number")
        return []
    return [float(node.value)]


def _range(node: Node, faults: Faults) -> list[float]:
    scales = [key for key in node.value if key in _SCALES]
    for key, child in node.value.items():
        if key not in (*_SCALES, "n"):
            faults.add(child.at_key, f"no such scale{meant_or_known(key, _SCALES)}")
            return []
    if len(scales) != 1:
        faults.add(node, "a range has one scale, as in {log: [1e-4, 1], n: 9}")
        return []
    scale = scales[0]
    ends = node.value[scale].plain()
    numeric = isinstance(ends, list) and all(
        isinstance(e, int | float) and not isinstance(e, bool) and math.isfinite(e) for e in ends
    )
    if not numeric or len(ends) != 2 or ends[0] >= ends[1]:
        faults.add(
            node.value[scale], f"give two numbers, the smaller first: {{{scale}: [1e-4, 1]}}"
        )
        return []
    low, high = float(ends[0]), float(ends[1])
    logarithmic = scale != "linear"
    if logarithmic and low <= 0:
        faults.add(node.value[scale], "a log range must begin above 0")
        return []
    # Two a decade is what a rate curve needs at the least; five tell a straight trend from a bend.
    decades = math.log10(high) - math.log10(low) if logarithmic else 0.0
    count = round(2 * decades) + 1 if logarithmic else 5
    if "n" in node.value:
        count = whole(node.value["n"].value)
    if isinstance(count, bool) or not isinstance(count, int) or not 2 <= count <= MOST_VALUES:
        alone = f"; for one value write the number, `{ends[0]:g}`" if count == 1 else ""
        faults.add(
            node.value.get("n", node), f"n must be a whole number from 2 to {MOST_VALUES:,}{alone}"
        )
        return []
    spaced = np.geomspace if logarithmic else np.linspace
    numbers = [float(v) for v in spaced(low, high, count)]
    return [1.0 - v for v in numbers] if scale == "one_minus_log" else numbers
