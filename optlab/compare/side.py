"""One side of a comparison: what a folder of results, or a baseline made of one, has to say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from optlab.results import Results

__all__ = ["IDENTITY", "VERDICT_NUMBERS", "CompareError", "Side", "taken", "verdict_table"]

KEY = ["run_id", "problem", "optimizer"]
"""A run that a spec has under two names has a row for each."""

IDENTITY = (*KEY, "rule", "role", "seed", "start_kind")
"""The columns of `runs` that say which run it is, beside `hyper.<name>`; the others are outcomes."""

_NEEDED = {*KEY, "role", "seed", "status"}

VERDICT_NUMBERS = (
    "effect", "low", "high", "low95", "high95", "level", "n", "a_n", "b_n", "a_median", "b_median",
    "margin", "judged", "seeds_needed",
)  # fmt: skip
"""The columns of `verdicts.csv` that are numbers; the others are words."""


class CompareError(ValueError):
    """What was given cannot be compared; its text says why, to whoever gave it."""


@dataclass(frozen=True, eq=False)
class Side:
    """`told`: how messages name it; `name`: A, B, and so on, how sentences do. `runs`: one row a run and name that it stands under, without
    `part`, since one run may play several. `verdicts`: None where there is no table of them."""

    told: str
    runs: pd.DataFrame
    manifest: dict[str, Any]
    verdicts: pd.DataFrame | None
    name: str = ""


def taken(results: Results) -> Side:
    """The side that a folder of results is. CompareError where its tables cannot be meant."""
    told = str(results.folder)
    table = results.runs.drop(columns="part", errors="ignore")
    missing = _NEEDED - set(table.columns)
    if missing:
        raise CompareError(f"{told}: the table of runs has no column {', '.join(sorted(missing))}")
    table = table.drop_duplicates()
    twice = table[table.duplicated(KEY)]
    if len(twice):
        run = twice.iloc[0]
        raise CompareError(
            f"{told}: the table of runs is damaged: run {run['run_id']} ({run['optimizer']} on "
            f"{run['problem']}, {run['role']} seed {run['seed']}) stands in two rows that contradict "
            "each other"
        )
    path = Path(results.folder) / "verdicts.csv"
    verdicts = None
    if path.is_file():
        verdicts = verdict_table(
            pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8"), str(path)
        )
    return Side(told, table.reset_index(drop=True), results.manifest, verdicts)


def verdict_table(read: pd.DataFrame, told: str) -> pd.DataFrame:
    """Verdicts as read, all text, with numbers in the columns that hold them. CompareError where the
    columns are not those of verdicts, or a number is none."""
    needed = {"claim", "text", "a", "b", "problem", "measure", "target", "verdict"}
    if needed - set(read.columns):
        lacks = ", ".join(sorted(needed - set(read.columns)))
        raise CompareError(f"{told}: not a table of verdicts: it has no column {lacks}")
    made = {}
    for name in read.columns:
        number = name in VERDICT_NUMBERS
        try:
            made[name] = read[name].map(_number).astype(float) if number else read[name]
        except ValueError as error:
            raise CompareError(f"{told}: column {name}: {error}") from None
    return pd.DataFrame(made)


def _number(text: str) -> float:
    # float() reads back the very double that was written, which pandas' own reader need not.
    return float(text) if text else float("nan")
