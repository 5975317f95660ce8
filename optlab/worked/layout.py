"""What stands on a worked page, in the order in which it is read, before it is HTML, LaTeX or text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Part", "Row", "anchor", "given_apart", "parts", "with_first"]


@dataclass(frozen=True)
class Row:
    """One number with where it came from. `formula` and `numbers` are LaTeX; a formula that is the
    same as in the row above is empty."""

    formula: str
    numbers: str
    result: str
    whose: str = ""
    """The parameter; `all` for a line that is the same for all of them."""
    note: str = ""


@dataclass(frozen=True)
class Part:
    """Rows under a caption; without rows a paragraph."""

    text: str
    rows: tuple[Row, ...] = ()
    anchor: str = ""
    """What a link elsewhere on the page leads to."""

    @property
    def by_parameter(self) -> bool:
        return any(row.whose for row in self.rows)


def with_first(pages: list[dict[str, Any]]) -> list[tuple[dict[str, Any], bool]]:
    """Each page, and whether it is the first of its problem: the passes at the start are the same
    for every optimizer and stand once."""
    shown: set[str] = set()
    out = []
    for page in pages:
        out.append((page, page["problem"] not in shown))
        shown.add(page["problem"])
    return out


def parts(page: dict[str, Any], first: bool = True) -> list[Part]:
    """A page of `trace_rule`: settings and start, the forward and the backward pass at the start
    (where `first`), then each step, with the passes before it that it has itself."""
    start = _pairs(page["names"], page["start"])
    settings = ", ".join(f"{name} {_short(value)}" for name, value in page["hypers"].items())
    on = f" on {page['problem']}" if page["problem"] else ""
    out = [Part(f"{page['optimizer']}{on}, {settings}. Start: {start}.")]
    if first:
        out += _passes(page, "The forward pass: the loss at the start.")
    out += _given(page)
    for step in page["steps"]:
        where = f"The forward pass of step {step['t']}: the loss where the step before it ended."
        out += [*_passes(step, where), _step(page, step)]
    if page.get("largest_error") is not None:
        out.append(Part("Against 50-digit arithmetic the largest relative error of these numbers is "
                        f"{page['largest_error']:.1e}."))  # fmt: skip
    return out


def _row(entry: dict[str, Any], whose: str = "", again: bool = False) -> Row:
    result = entry["text"] if entry.get("text") else _value(entry["value"])
    formula = "" if again else entry["formula"]
    return Row(formula, entry["substituted"], result, whose, entry.get("note", ""))


def _passes(at: dict[str, Any], caption: str) -> list[Part]:
    """The forward and the backward pass that a page, or a step of it, has."""
    rows = tuple(_row(line) for line in at.get("forward", ()))
    forward = [Part(caption, rows)] if rows else []
    return forward + (_backward(at["backward"]) if at.get("backward") else [])


def _backward(backward: dict[str, Any]) -> list[Part]:
    lines = tuple(_row(entry) for entry in backward["locals"])
    chains = tuple(_row(entry, entry["name"]) for entry in backward["partials"])
    return [
        Part("The backward pass: the derivative of each line by what it reads, the last line first.",
             lines),
        Part("Each partial derivative of the loss: along each way from the loss, the product of the "
             "derivatives above.", chains),
    ]  # fmt: skip


def anchor(problem: str, optimizer: str, step: int) -> str:
    """The name of a step within a page of HTML."""
    words = f"step {problem} {optimizer} {step}".lower()
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in words)


def _given(page: dict[str, Any]) -> list[Part]:
    told = given_apart(page)
    return [Part(told)] if told else []


def given_apart(page: dict[str, Any]) -> str:
    """Where the gradients that were handed in are not those of the loss, a sentence that says so."""
    if not page.get("true_gradient") or not page["steps"]:
        return ""
    given, true = page["steps"][0]["gradient"], page["true_gradient"]
    apart = [
        f"∂L/∂{name} is {_value(b)}, not {_value(a)}"
        for name, a, b in zip(page["names"], given, true, strict=True)
        if a is not None and b is not None and abs(a - b) > 1e-9 * max(1.0, abs(a), abs(b))
    ]
    if not apart:
        return ""
    told = apart[0] if len(apart) == 1 else f"{', '.join(apart[:-1])} and {apart[-1]}"
    return (
        f"The gradients here were given, and they are not those of this loss: at the start {told}."
    )


def _step(page: dict[str, Any], step: dict[str, Any]) -> Part:
    names = page["names"]
    gradient = ", ".join(f"{n}: {_value(g)}" for n, g in zip(names, step["gradient"], strict=True))
    rows = [
        _row({**cell, "formula": line["formula"]}, cell["parameter"] or "all", again=i > 0)
        for line in step["lines"]
        for i, cell in enumerate(line["cells"])
    ]
    place = anchor(page["problem"], page["optimizer"], step["t"])
    return Part(f"Step {step['t']}, gradient {gradient}.", tuple(rows), place)


def _pairs(names: list[str], values: list[float | None]) -> str:
    return ", ".join(f"{n} = {_value(v)}" for n, v in zip(names, values, strict=True))


def _value(value: float | None) -> str:
    return "not finite" if value is None else _short(float(f"{value:.8g}"))


def _short(value: float) -> str:
    """A number as a person would write it: `0.1`, `1e-8`, `−2`."""
    return (
        f"{value:.12g}".replace("-", "−", value < 0)
        .replace("e-0", "e-")
        .replace("e+", "e")
        .replace("e0", "e")
    )
