"""What is proved of such runs, beside what was measured."""

from __future__ import annotations

from typing import Any

import pandas as pd

from optlab.analysis.words import SPACE, number, plural
from optlab.report.blocks import Cell, Fold, Table, Text
from optlab.report.facts import Facts
from optlab.report.many import cut
from optlab.report.sentences import few
from optlab.theory import holding

__all__ = ["theory"]

_LONG = 40  # rows; a longer table is folded, law by law
_SIGNS = {"=": "", "<=": "≤ ", ">=": "≥ ", "in": ""}
_HEAD = ["Optimizer", "Predicted", "Measured", "Off by", "Holds", "What"]
_NUMBERS = frozenset({1, 2, 3})


def theory(facts: Facts) -> list[Any]:
    """A sentence that counts, the predictions that failed, and all of them by law."""
    checks = facts.checks
    if checks.empty:
        return []
    text = (
        f"{holding(checks)} Each is computed from a closed form or a recurrence, and the measurement is "
        "read from the tables of this experiment; no optimizer's code is used for both."
    )
    text += (
        " Off by is how far they are apart, relatively unless both count something; below it stands "
        "how far rounding or chance may take them."
    )
    if (checks["n"] > 1).any():
        text += (
            " Where runs of several seeds are compared one by one, the numbers shown are those of the "
            "first and the deviation is the largest."
        )
    if (checks["unit"] == "standard errors").any():
        text += (
            " A prediction about random runs is allowed four standard errors, which chance alone "
            "exceeds once in 16,000."
        )
    blocks: list[Any] = [Text(text)]
    failed = checks[~checks["holds"]]
    if len(failed):
        blocks.append(_table(facts, failed, "Predictions that fail."))
    if len(checks) <= _LONG:
        blocks.append(_table(facts, checks, "Predicted and measured, law by law."))
        return blocks
    for (law, source), rows in checks.groupby(["law", "source"], sort=False):
        held = f"{int(rows['holds'].sum()):,} of {len(rows):,}"
        place = len(blocks)
        inner = _plain(facts, rows, f"theory-{place}")
        blocks.append(Fold(f"{law}: {held} hold", [Text(f"{source}."), *cut(inner, rows="check")]))
    return blocks


def _table(facts: Facts, checks: pd.DataFrame, caption: str) -> Table:
    groups = [
        (f"{law}: {source}.", _rows(facts, rows))
        for (law, source), rows in checks.groupby(["law", "source"], sort=False)
    ]
    failed = caption.startswith("Predictions that")
    return Table(
        caption, _HEAD, groups, numeric=_NUMBERS, name="theory-failed" if failed else "theory",
        question="Which predictions fail?" if failed else "Does what is proved hold here?",
        finding=_failed(checks) if failed else holding(checks),
    )  # fmt: skip


def _failed(checks: pd.DataFrame) -> str:
    """Of which laws predictions fail."""
    by = checks.groupby("law", sort=False).size()
    each = [f"{int(n):,} of “{law}”" for law, n in by.items()]
    return f"{plural(len(checks), 'prediction')} {'fails' if len(checks) == 1 else 'fail'}: {few(each)}."


def _plain(facts: Facts, checks: pd.DataFrame, name: str) -> Table:
    caption = "Predicted and measured; “off by” is how far they are apart."
    return Table(
        caption, _HEAD, [("", _rows(facts, checks))], numeric=_NUMBERS, name=name,
        question="Does it hold here?", finding=holding(checks),
    )  # fmt: skip


def _rows(facts: Facts, checks: pd.DataFrame) -> list[list[Cell]]:
    return [_row(facts, row) for row in checks.to_dict("records")]


def _found(row: dict[Any, Any]) -> list[Cell]:
    """What was measured, and how far it is from what was predicted."""
    measured, tolerance = row["measured"], row["tolerance"]
    if row["relation"] == "in":  # a stretch, of which any part would do
        low, high = number(measured - tolerance, 4), number(measured + tolerance, 4)
        outside = max(0.0, row["deviation"] - tolerance)
        off = Cell(number(outside, 2) if outside else "within", value=row["deviation"])
        return [Cell(f"{low} to {high}", value=measured), off]
    off = Cell(
        number(row["deviation"], 2), small=f"of {number(tolerance, 2)}", value=row["deviation"]
    )
    return [Cell(number(measured, 4), value=measured), off]


def _row(facts: Facts, row: dict[Any, Any]) -> list[Cell]:
    what = row["quantity"][:1].upper() + row["quantity"][1:]
    runs = f", {row['n']:,} runs" if row["n"] > 1 else ""
    return [
        Cell(row["optimizer"], small=row["setting"], look=facts.looks.get(row["optimizer"])),
        Cell(
            _SIGNS[row["relation"]].replace(" ", SPACE) + number(row["predicted"], 4),
            value=row["predicted"],
        ),
        *_found(row),
        Cell("yes" if row["holds"] else "no"),
        Cell(what, small=f"on {row['problem']}{runs}"),
    ]
