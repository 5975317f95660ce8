"""Verdicts of two folders: the same claim on the same problem, measure and target."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from optlab.compare.runs import agree, relative
from optlab.compare.side import VERDICT_NUMBERS, Side

__all__ = ["compare_verdicts"]

_KEY = ["claim", "problem", "measure", "target", "a", "b", "selection_a", "selection_b"]
_COLUMNS = [
    "claim", "text", "who", "problem", "measure", "target", "what", "verdict_a", "label_a",
    "sentence_a", "verdict_b", "label_b", "sentence_b", "scale", "column", "a", "b", "relative",
]  # fmt: skip
_RULES = ("kind", "post_hoc", "scale", "method", "margin", "level", "judged")
"""Columns that say how a claim is judged; a change there is told as such, not as another result."""


def compare_verdicts(
    a: Side, b: Side, rtol: float, atol: float, strangers: Collection[str] = ()
) -> tuple[pd.DataFrame, int, list[str]]:
    """What became of each verdict, how many were paired, and what could not be held against what;
    verdicts on `strangers`, problems that are not the same on both sides, among that.

    The table has a row for each verdict that changed, `what` saying how: `verdict` (its word or its
    label), `rules` (how it is judged), `numbers` (word and label stayed), or the name of the
    only side that has it; sentence_a, sentence_b: each side's; scale: of the effect, which is log10 of a ratio or a difference; column, a, b, relative: for `rules` and `numbers`, the column of the largest change.
    """
    ours, theirs, notes = _table(a), _table(b), []
    if ours is None and theirs is None:
        return _empty(), 0, []
    for side, table in ((a, ours), (b, theirs)):
        if table is None:
            notes.append(
                f"{side.name} has no verdicts.csv, so no verdicts are compared: it was made before claims "
                "were judged"
            )
    if ours is None or theirs is None:
        return _empty(), 0, notes
    left, right = _keyed(ours), _keyed(theirs)
    for problem in sorted({key[1] for key in left} & {key[1] for key in right} & {*strangers}):
        notes.append(
            f"verdicts on {problem} are not compared, since it is not known to be the same problem"
        )
        left, right = (
            {key: row for key, row in rows.items() if key[1] != problem} for rows in (left, right)
        )
    rows, paired = [], 0
    for key, row in left.items():
        if key in right:
            paired += 1
            found = _changed(row, right[key], rtol, atol)
            rows += [_about(row, right[key]) | found] if found else []
        else:
            rows.append(_about(row, {}) | {"what": a.name})
    rows += [_about({}, row) | {"what": b.name} for key, row in right.items() if key not in left]
    return pd.DataFrame(rows, columns=pd.Index(_COLUMNS)), paired, notes


def _empty() -> pd.DataFrame:
    return pd.DataFrame(columns=pd.Index(_COLUMNS))


def _table(side: Side) -> pd.DataFrame | None:
    """Its verdicts; an empty table where the manifest says that nothing was claimed."""
    if side.verdicts is None and "claims" in side.manifest:
        return pd.DataFrame(columns=pd.Index([*_KEY, "text", "verdict", "label"]))
    return side.verdicts


def _keyed(table: pd.DataFrame) -> dict[tuple[str, ...], dict[str, Any]]:
    """Rows by what they judge. Rows of one key are numbered, so that none hides another."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in table.to_dict("records"):
        said = {str(k): v for k, v in row.items()}
        key = tuple(str(said.get(name, "")) for name in _KEY)
        nth = 0
        while (*key, str(nth)) in found:
            nth += 1
        found[(*key, str(nth))] = said
    return found


def _about(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    known = a or b
    about = {name: known[name] for name in ("claim", "text", "problem", "measure", "target")}
    about["scale"] = str(known.get("scale", ""))
    about["who"] = " against ".join(filter(None, (_entrant(known, "a"), _entrant(known, "b"))))
    for side, row in (("a", a), ("b", b)):
        said = ("verdict", "label", "sentence")
        about |= {f"{name}_{side}": row.get(name, "") for name in said}
    return about


def _entrant(row: Mapping[str, Any], side: str) -> str:
    """`sgd`, or `sgd (default)`: which of an optimizer's settings, where it is not the tuned one."""
    selection = row.get(f"selection_{side}", "")
    return row[side] + (f" ({selection})" if selection not in ("", "tuned") else "")


def _changed(
    a: Mapping[str, Any], b: Mapping[str, Any], rtol: float, atol: float
) -> dict[str, Any]:
    if (a["verdict"], a.get("label", "")) != (b["verdict"], b.get("label", "")):
        return {"what": "verdict"}
    words = [n for n in _RULES if n not in VERDICT_NUMBERS and n in a and n in b and a[n] != b[n]]
    if words:
        return {"what": "rules", "column": words[0], "a": a[words[0]], "b": b[words[0]]}
    numbers = [n for n in VERDICT_NUMBERS if n in a and n in b]
    x, y = (np.array([row[n] for n in numbers], dtype=float) for row in (a, b))
    off = ~agree(x, y, rtol, atol)
    if not off.any():
        return {}
    judged = off & np.isin(numbers, _RULES)
    off = judged if judged.any() else off
    k = int(np.argmax(np.where(off, relative(x, y), -1.0)))
    return {
        "what": "rules" if judged.any() else "numbers", "column": numbers[k],
        "a": x[k], "b": y[k], "relative": float(relative(x, y)[k]),
    }  # fmt: skip
