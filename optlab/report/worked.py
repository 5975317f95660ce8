"""Pages worked by hand: formula, numbers put in, result, as on a student's sheet."""

from __future__ import annotations

from typing import Any

from optlab.analysis.words import exact, listed, pairs_text
from optlab.report.blocks import Cell, Fold, Table, Text

__all__ = ["worked_blocks"]


def worked_blocks(pages: list[dict[str, Any]], manifest: dict[str, Any]) -> list[Any]:
    """An introduction and one fold a page, the first open; nothing without pages."""
    if not pages:
        return []
    lead = (
        "The first steps of each optimizer, as they stand on paper: the formula, the numbers put "
        "in, the result. The lines are those that ran, executed one at a time; the numbers are "
        "rounded only where they are printed."
    )
    shown: set[str] = set()
    blocks: list[Any] = [Text(lead)]
    for i, page in enumerate(pages):
        first = page["problem"] not in shown
        shown.add(page["problem"])
        blocks.append(Fold(page["title"], _page(page, first), open=i == 0))
    return blocks


def _page(page: dict[str, Any], first: bool) -> list[Any]:
    start = ", ".join(
        f"{name} = {_value(value)}"
        for name, value in zip(page["names"], page["start"], strict=True)
    )
    blocks: list[Any] = [
        Text(f"{page['optimizer']} on {page['problem']}, {pairs_text(page['hypers'])}. "
             f"Start: {start}.")
    ]  # fmt: skip
    if page.get("forward") and first:
        rows = [
            [Cell(line["formula"], math=True), Cell(line["substituted"], math=True), _result(line)]
            for line in page["forward"]
        ]
        blocks.append(
            Table(
                "The loss at the start.",
                ["Formula", "Numbers put in", "Result"],
                [("", rows)],
                frozenset({2}),
            )
        )
    if page.get("true_gradient") and page["steps"]:
        blocks += _gradients(page)
    blocks += [_step(step, page["names"]) for step in page["steps"]]
    if page.get("largest_error") is not None:
        blocks.append(
            Text(f"Against 50-digit arithmetic the largest relative error of these numbers is "
                 f"{page['largest_error']:.1e}.", small=True)
        )  # fmt: skip
    return blocks


def _gradients(page: dict[str, Any]) -> list[Any]:
    """Where the gradients that were handed in are not those of the loss, it is said."""
    given, true = page["steps"][0]["gradient"], page["true_gradient"]
    apart = [
        f"∂L/∂{name} is {_value(b)}, not {_value(a)}"
        for name, a, b in zip(page["names"], given, true, strict=True)
        if abs(a - b) > 1e-9 * max(1.0, abs(a), abs(b))
    ]
    if not apart:
        return []
    return [
        Text(f"The gradients here were given, and they are not those of this loss: at the start "
             f"{listed(apart)}.")
    ]  # fmt: skip


def _step(step: dict[str, Any], names: list[str]) -> Table:
    """One step: each line's formula as a heading, a row a parameter."""
    groups = []
    gradient = [f"{n}: {_value(g)}" for n, g in zip(names, step["gradient"], strict=True)]
    rows: list[list[Cell]] = []
    for line in step["lines"]:
        for i, cell in enumerate(line["cells"]):
            formula = Cell(line["formula"], math=True) if i == 0 else Cell()
            rows.append(
                [
                    formula,
                    Cell(cell["parameter"] or "all"),
                    Cell(cell["substituted"], math=True),
                    _result(cell),
                ]
            )
    groups.append(("", rows))
    return Table(
        f"Step {step['t']}, gradient {', '.join(gradient)}.",
        ["Formula", "Parameter", "Numbers put in", "Result"],
        groups,
        frozenset({3}),
    )


def _result(cell: dict[str, Any]) -> Cell:
    return Cell(f"= {cell['text'] if cell.get('text') else _value(cell['value'])}")


def _value(value: float | None) -> str:
    return "not finite" if value is None else exact(float(f"{value:.8g}"))
