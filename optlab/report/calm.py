"""Stable in which sense? Each kind under its own name, and how wide the rates are that do well."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optlab import analysis
from optlab.analysis.words import SPACE, brief, number, of, part
from optlab.report import drawings
from optlab.report.blocks import Cell, Notes, Table, Text
from optlab.report.facts import Facts, name_cell
from optlab.report.many import GROUPS, cut, figures_cut
from optlab.report.sentences import most_stable, widest

__all__ = ["rates", "stability"]


def stability(facts: Facts) -> list[Any]:
    """S1 to S7, each with its definition."""
    table = facts.kinds[facts.kinds["n"] > 0]
    if table.empty:
        return []
    extra = analysis.stability(facts.results.runs, facts.best, facts.manifest)
    more = {(row["problem"], row["optimizer"]): row for row in extra.to_dict("records")}
    columns = _columns(table)
    groups = []
    for problem, mine in table.groupby("problem", sort=False):
        plain = facts.is_exact(str(problem))
        rows = []
        for _, row in mine.iterrows():
            beside = more[row["problem"], row["optimizer"]]
            cells = {name: cell(row, beside, plain) for name, (_, _, cell) in columns.items()}
            name = name_cell(facts, row["optimizer"], row["selection"])
            rows.append([name, *cells.values()])
        groups.append((str(problem), rows))
    text = (
        "“Stable” is at least seven different things, and an optimizer can be first by one and last by "
        "another; a claim must name one. In all of them less is better, save the rates’ width and "
        "share. A run that diverged is ∞ in each."
    )
    head = ["Optimizer", *(title for title, _, _ in columns.values())]
    caption = (
        "Evaluation runs at the chosen setting, and at the default one where it was run: medians over "
        "seeds, below them the exact 95 % interval (none under six runs)."
    )
    notes = [f"{title}: {meaning}" for title, meaning, _ in columns.values()]
    called = {name: columns[name][0] for name in _MEASURED if name in columns}
    inner = Table(
        caption, head, groups, name="stability", question="Which is stable, in which sense?",
        finding=most_stable(table, called),
    )  # fmt: skip
    return [
        Text(text),
        Notes([*notes, f"Diverged: {facts.manifest['divergence']}"]),
        *_pictured(facts, table, called),
        *cut(inner),
    ]


def _pictured(facts: Facts, table: pd.DataFrame, called: dict[str, str]) -> list[Any]:
    """The kinds side by side, a picture a problem."""
    if table["optimizer"].nunique() < 2:
        return []

    def told(problem: dict[str, Any]) -> str:
        mine = table[table["problem"] == problem["name"]]
        return f"On {problem['name']}: {most_stable(mine, called)}"

    pictures = drawings.stability(facts.results, table, told)
    caption = (
        "One panel a kind, one row an optimizer at its chosen setting; further left is more stable. A mark "
        "is the median over seeds, the bar its exact 95 % interval where there are seeds enough; in S1 the "
        "share of runs that diverged. An arrow at the right edge is infinite."
    )
    if len(pictures) > GROUPS:
        caption += f" The first {GROUPS} of {len(pictures)} problems; the table has all."
    pictures = pictures[:GROUPS]
    return figures_cut(
        pictures, caption, "How do they compare in each sense?", most_stable(table, called)
    )


_MEASURED = ("overshoot", "rises", "variation", "oscillation", "spikes", "spread_iqr")
"""The kinds of which the least is told; S1 is a count and S7 of another direction."""


def _columns(table: pd.DataFrame) -> dict[str, tuple[str, str, Any]]:
    """Of each kind that is known of any row: title, definition, and what makes its cell."""
    known = {
        "diverged": (
            "S1 diverged",
            "runs that diverged, with the exact 95 % interval of that share; how many did over all "
            "settings that were tried stands under “What ran”.",
            _diverged,
        ),
        "overshoot": (
            "S2 overshoot",
            "the largest rise of the loss above the best it had had, as a share of the gap at the "
            "start (of the loss where f* is not known): 100 % fell back as far as it began.",
            _overshoot,
        ),
        "rises": (
            "S3 rises",
            "the share of recorded points at which the loss stood above the one before.",
            _of("rises", part),
        ),
        "variation": (
            "S3 variation",
            "all movements of the loss, up and down, over its net fall; 1 if it never rose, ∞ if it "
            "did not fall.",
            _of("variation", number),
        ),
        "oscillation": (
            "S4 oscillation",
            "the share of recorded points at which the step turned back on the step before it (their "
            "inner product is negative).",
            _of("oscillation", part),
        ),
        "spikes": (
            "S5 spikes",
            "the share of recorded points more than 10 % above the best gap so far.",
            _of("spikes", part),
        ),
        "spread_iqr": (
            "S6 spread",
            "how far seeds end apart: the distance of the quartiles of log10 of the last gap (of the "
            "loss where f* is not known), in decades; below it the tail, by how many decades the mean "
            "of the worst fifth lies above the median.",
            _spread,
        ),
        "rate_width": (
            "S7 rates, decades",
            "the stretch of rates, in decades, around the best that hold the target within twice its "
            "time (that end within ten times its gap, where there is no target), known to one step of "
            "the rates tried; ≥ where the stretch ends with the rates tried. More of it stands under "
            "“How much the step size matters”.",
            lambda row, beside, plain: Cell(
                _text(row["rate_text"]).removesuffix("decades").strip(), value=row["rate_width"]
            ),
        ),
    }
    return {name: entry for name, entry in known.items() if table[name].notna().any()}


def _text(value: Any) -> str:
    return value.replace(" ", SPACE) if isinstance(value, str) else "–"


def _diverged(row: pd.Series, beside: dict[Any, Any], plain: bool) -> Cell:
    if plain:
        return Cell("yes" if row["diverged"] else "no", value=row["diverged"])
    share = f"{100 * row['diverged_low']:.0f} to {100 * row['diverged_high']:.0f} %"
    count = f"{row['diverged']}{SPACE}of{SPACE}{row['n']}"
    return Cell(count, small=share.replace(" ", SPACE), value=row["diverged"] / row["n"])


def _overshoot(row: pd.Series, beside: dict[Any, Any], plain: bool) -> Cell:
    cell = _of("overshoot", part)(row, beside, plain)
    if row["selection"] == "default" or not beside["unscaled"]:
        return cell
    unscaled = of(beside["unscaled"], beside["n"])
    small = f"without {unscaled}, with no gap at the start to compare with"
    small = f"{cell.small}; {small}" if cell.small else small
    return Cell(cell.text, small=small, value=cell.value)


def _of(name: str, said: Any) -> Any:
    """A cell with a median and its interval."""

    def cell(row: pd.Series, beside: dict[Any, Any], plain: bool) -> Cell:
        value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
        if np.isnan(value):
            return Cell("–")
        known = not plain and not np.isneginf(low) and not np.isnan(low)
        ends = [said(end).removesuffix(f"{SPACE}%") for end in (low, high)]
        return Cell(said(value), small=f"[{ends[0]}, {ends[1]}]" if known else "", value=value)

    return cell


def _spread(row: pd.Series, beside: dict[Any, Any], plain: bool) -> Cell:
    if np.isnan(row["spread_iqr"]) or plain or row["n"] < 2:
        return Cell("–")
    small = f"tail{SPACE}+{number(row['tail'])}"
    return Cell(number(row["spread_iqr"]), small=small, value=row["spread_iqr"])


def rates(facts: Facts) -> list[Any]:
    """How wide the rates are that do about as well as the best."""
    table = facts.rates
    if table.empty:
        return []
    groups = []
    for problem, mine in table.groupby("problem", sort=False):
        groups.append((str(problem), [_width(facts, row) for _, row in mine.iterrows()]))
    caption = (
        "Width: the widest stretch of neighbouring step sizes around the best "
        "that hold the target within twice its time (that end within ten times its gap, where there is "
        "no target), by medians over the evaluation seeds, the other hyperparameters as chosen. It is "
        "known to within one step of the grid, and is at least as wide (≥) where the stretch ends with "
        "the step sizes tried."
    )
    caption += (
        " Lost to a wrong one: what a step size drawn at random, evenly in decades over those tried, loses "
        "on average against the best, as a share of the gap at the start (divergence counted as no "
        "progress; median over seeds)."
    )
    head = ["Optimizer", "Width", "From", "To", "Tried", "Runs that hold the target",
            "Lost to a wrong one"]  # fmt: skip
    inner = Table(
        caption, head, groups, name="rates", question="How wrong may the step size be?",
        finding=widest(table),
    )  # fmt: skip
    return cut(inner)


def _width(facts: Facts, row: pd.Series) -> list[Cell]:
    found = np.isfinite(row["width"])
    edge = {"low": "the smallest tried", "high": "the largest tried"}
    first = edge["low"] if row["edge"] in ("low", "both") else ""
    last = edge["high"] if row["edge"] in ("high", "both") else ""
    return [
        name_cell(facts, row["optimizer"]),
        Cell(_text(row["text"]), value=row["width"]),
        Cell(brief(row["first"]) if found else "–", small=first, value=row["first"]),
        Cell(brief(row["last"]) if found else "–", small=last, value=row["last"]),
        Cell(f"{row['rates']:,}"),
        Cell("–" if np.isnan(row["share"]) else part(row["share"]), value=row["share"]),
        Cell(part(row["lost"]), value=row["lost"]),
    ]
