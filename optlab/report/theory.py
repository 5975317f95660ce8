"""What is proved of such runs, beside what was measured."""

from __future__ import annotations

from typing import Any

import pandas as pd

from optlab.analysis.words import number
from optlab.report.blocks import Cell, Fold, Table, Text
from optlab.report.facts import Facts
from optlab.theory import holding, theory_checks

__all__ = ["theory"]

_LONG = 40  # rows; a longer table is folded, law by law
_SIGNS = {"=": "", "<=": "≤ ", ">=": "≥ "}
_UNITS = {"relative": "relative", "absolute": "", "standard errors": "standard errors"}
_SPACE = "\N{NO-BREAK SPACE}"


def theory(facts: Facts) -> list[Any]:
    """A sentence that counts, the predictions that failed, and all of them by law."""
    checks = theory_checks(facts.results, facts.best)
    if checks.empty:
        return []
    text = (
        f"{holding(checks)} Each is computed from a closed form or a recurrence, and the measurement is "
        "read from the tables of this experiment; no optimizer's code is used for both."
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
    for law, rows in checks.groupby("law", sort=False):
        held = f"{int(rows['holds'].sum()):,} of {len(rows):,}"
        blocks.append(Fold(f"{law}: {held}", [_table(facts, rows, "")]))
    return blocks


def _table(facts: Facts, checks: pd.DataFrame, caption: str) -> Table:
    groups = []
    for (law, source), rows in checks.groupby(["law", "source"], sort=False):
        groups.append((f"{law}. {source}", [_row(facts, row) for row in rows.to_dict("records")]))
    head = ["Optimizer", "What", "Predicted", "Measured", "Off by", "Allowed", "Holds"]
    return Table(caption, head, groups, numeric=frozenset(range(2, 6)))


def _row(facts: Facts, row: dict[Any, Any]) -> list[Cell]:
    what = row["quantity"][:1].upper() + row["quantity"][1:]
    runs = f", {row['n']:,} runs" if row["n"] > 1 else ""
    digits = 5 if row["relation"] == "=" else 4
    return [
        Cell(row["optimizer"], small=row["setting"], look=facts.looks.get(row["optimizer"])),
        Cell(what, small=f"{row['problem']}{runs}"),
        Cell(_SIGNS[row["relation"]].replace(" ", _SPACE) + number(row["predicted"], digits)),
        Cell(number(row["measured"], digits)),
        Cell(number(row["deviation"], 2), small=_UNITS[row["unit"]]),
        Cell(number(row["tolerance"], 2)),
        Cell("yes" if row["holds"] else "no"),
    ]
