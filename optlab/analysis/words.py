"""Numbers and lists as a reader wants them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

__all__ = [
    "SPACE",
    "apart",
    "brief",
    "exact",
    "goal",
    "listed",
    "number",
    "of",
    "pairs_text",
    "part",
    "percent",
    "plural",
    "steps",
]

SPACE = "\N{NO-BREAK SPACE}"
"""Between what is read as one, in the cells of tables: two quartiles, 9 of 10."""


def number(value: float, digits: int = 3) -> str:
    """`0.0123`, `1.2e-6`, `12,000`; `∞` for what failed, a dash for what is not known."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 1e6:
        text = f"{value:.{digits}g}"
        if "e" in text or abs(value) >= 1000:
            text = f"{float(text):,.0f}"
        return text.replace("-", "−")
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")


def apart(values: Sequence[float], most: int = 8) -> list[str]:
    """`number` of each, with as many digits, up to `most`, as it takes to tell different ones apart."""
    for digits in range(3, most + 1):
        told = [number(value, digits) for value in values]
        if len(set(told)) >= len(set(values)):
            break
    return told


def exact(value: float) -> str:
    """A value that a person wrote, as they would write it: `0.1`, `1e-8`, `0.999`."""
    if math.isnan(value):
        return "–"
    text = f"{value:.12g}".replace("e-0", "e-").replace("e+0", "e")
    return f"−{text[1:]}" if text.startswith("-") else text


def brief(value: float) -> str:
    """A value as it was written, to four figures where a sweep made it long: `0.2154`."""
    text = exact(value)
    return text if len(text) <= 7 else exact(float(f"{value:.4g}"))


def goal(label: str) -> str:
    """A target's label as one says it: `gap ≤ 0.001 × its start`."""
    name, sign, value = label.partition(" <= ")
    if not sign:
        name, sign, value = label.partition(" >= ")
    if not sign:
        return label
    try:
        amount = brief(float(value))
    except ValueError:  # a label of another make
        return label
    sign = {" <= ": "≤", " >= ": "≥"}[sign]
    if name.endswith("_over_start"):
        return f"{name.removesuffix('_over_start')} {sign} {amount} × its start"
    return f"{name.replace('_', ' ')} {sign} {amount}"


def steps(value: float, budget: float | None = None) -> str:
    """A time in updates; a time that was never is `> budget`."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "never" if budget is None else f"> {budget:,.0f}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def plural(count: int, word: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def of(hits: int, n: int) -> str:
    """`9 of 10 runs`."""
    return f"{hits:,} of {plural(n, 'run')}"


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def percent(share: float) -> str:
    """A part of a whole: `43 %`; what is not all is not told as 100 %, nor what is something as none."""
    if 0 < share < 0.005 or 0.995 < share < 1:
        return "under 1 %" if share < 0.5 else "over 99 %"
    return f"{100 * share:.0f} %" if math.isfinite(share) else "–"


def part(share: float) -> str:
    """A share that may be tiny or above one, in one piece: `0.0312 %`, `250 %`, `∞`."""
    if not math.isfinite(share):
        return number(share)
    text = "< 0.001 %" if 0 < share < 1e-5 else f"{number(100 * share)} %"
    return text.replace(" ", SPACE)


def pairs_text(values: Mapping[str, float]) -> str:
    """A setting: `lr 0.1, beta 0.9`."""
    return ", ".join(f"{name} {brief(value)}" for name, value in values.items())
