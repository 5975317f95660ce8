"""Runs and settings as columns of small numbers: one entry a run, whatever parts it plays.

Names stand once and are pointed at by their place; numbers are cut to four digits. `HUGE` stands for
infinity (a target never met, a loss that is not finite), None for what is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis import setting

__all__ = ["HUGE", "PARTS", "ROLES", "STATUSES", "cut", "one_row_each", "run_columns", "settings_of"]  # fmt: skip

HUGE = 9e307
ROLES = ("tune", "evaluate", "picture")
PARTS = ("trial", "grid", "chosen", "default", "profile", "picture")
STATUSES = ("hit", "budget", "diverged", "error")

_KEYS = ["problem", "optimizer", "run_id"]
_SHORT = 20_000
"""From so many runs on their names are cut to the fewest digits that tell them apart."""


def cut(values: Any, digits: int = 4) -> list[float | int | None]:
    """Numbers of `digits` digits, whole ones as integers, for JSON."""
    return [_number(v, digits) for v in np.asarray(values, dtype=float).tolist()]


def _number(value: float, digits: int) -> float | int | None:
    if value != value:
        return None
    if abs(value) == np.inf:
        return HUGE if value > 0 else -HUGE
    short = float(f"{value:.{digits}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def one_row_each(runs: pd.DataFrame) -> pd.DataFrame:
    """`runs` with one row for each (problem, optimizer, run): in `parts` a bit for each of `PARTS` that
    it plays, in order of first appearance."""
    bits = runs["part"].map({name: 1 << i for i, name in enumerate(PARTS)}).fillna(0).astype(int)
    which = runs.groupby(_KEYS, sort=False, observed=True).ngroup().to_numpy()
    parts = np.zeros(int(which.max(initial=-1)) + 1, dtype=int)
    np.bitwise_or.at(parts, which, bits.to_numpy())
    return runs.drop_duplicates(_KEYS).assign(parts=parts).reset_index(drop=True)


def settings_of(
    rows: pd.DataFrame, manifest: dict[str, Any]
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """The setting of each row by its place, and for each optimizer the settings that it was run at:
    `names` of its hyperparameters and a column of exact `values` for each."""
    place = np.zeros(len(rows), dtype=int)
    found = []
    for optimizer in manifest["optimizers"]:
        names = list(optimizer["hypers"])
        mine = (rows["optimizer"] == optimizer["name"]).to_numpy()
        keys = rows.loc[mine, [f"hyper.{name}" for name in names]]
        if names and len(keys):
            place[mine] = keys.groupby(list(keys), sort=True, dropna=False).ngroup()
            keys = keys.drop_duplicates().sort_values(list(keys))
        values = [[_exact(v) for v in keys[column]] for column in keys]
        found.append({"names": names, "values": values})
    return place, found


def _exact(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def setting_place(
    best: pd.DataFrame, manifest: dict[str, Any], settings: Sequence[dict[str, Any]]
) -> list[list[int]]:
    """Problems by optimizers: the place of the setting in `best`, -1 where there is none."""
    places = [
        {tuple(column[i] for column in one["values"]): i for i in range(_count(one))}
        for one in settings
    ]
    rows = {(r["problem"], r["optimizer"]): r for _, r in best.iterrows()}
    out = []
    for problem in manifest["problems"]:
        line = []
        for optimizer, known in zip(manifest["optimizers"], places, strict=True):
            row = rows.get((problem["name"], optimizer["name"]))
            key = None
            if row is not None:
                key = tuple(_exact(v) for v in setting(row, optimizer["hypers"]).values())
            line.append(known.get(key, -1) if key is not None else -1)
        out.append(line)
    return out


def _count(settings: dict[str, Any]) -> int:
    return len(settings["values"][0]) if settings["values"] else 1


def run_columns(
    rows: pd.DataFrame, place: np.ndarray, manifest: dict[str, Any]
) -> dict[str, list[Any]]:
    """The table of runs, one list a column. `final` and `best` are gaps where the minimum is known, else
    losses; `reached` and `held` are of the deciding target. A `best` like `final`, and a `held` like
    `reached`, is None."""
    problems = {p["name"]: i for i, p in enumerate(manifest["problems"])}
    optimizers = {o["name"]: i for i, o in enumerate(manifest["optimizers"])}
    minimum = rows["problem"].map(
        {p["name"]: (p.get("minimum") or {}).get("value", 0.0) for p in manifest["problems"]}
    )
    final = cut(rows["loss_final"].astype(float) - minimum.astype(float))
    best = cut(rows["loss_best"].astype(float) - minimum.astype(float))
    reached, held = (_decided(rows, kind, manifest) for kind in ("reached", "held"))
    return {
        "id": _names(rows["run_id"]),
        "problem": rows["problem"].map(problems).tolist(),
        "optimizer": rows["optimizer"].map(optimizers).tolist(),
        "setting": place.tolist(),
        "role": rows["role"].map({name: i for i, name in enumerate(ROLES)}).tolist(),
        "seed": rows["seed"].astype(int).tolist(),
        "parts": rows["parts"].tolist(),
        "status": rows["status"].map({name: i for i, name in enumerate(STATUSES)}).tolist(),
        "final": final,
        "best": [None if a == b else b for a, b in zip(final, best, strict=True)],
        "reached": reached,
        "held": [None if a == b else b for a, b in zip(reached, held, strict=True)],
        "diverged": cut(rows["diverged_at"], 9),
        "rise": cut(rows["largest_rise"], 3),
    }


def _names(ids: pd.Series) -> list[str]:
    whole = ids.astype(str)
    if len(whole) < _SHORT:
        return whole.tolist()
    count = whole.nunique()
    length = next((n for n in range(8, 16) if whole.str[:n].nunique() == count), 16)
    return whole.str[:length].tolist()


def _decided(rows: pd.DataFrame, kind: str, manifest: dict[str, Any]) -> list[Any]:
    """The times of each problem's deciding target."""
    times = pd.Series(np.nan, index=rows.index, dtype=float)
    for problem in manifest["problems"]:
        column = f"{kind}.{problem.get('decision')}"
        if problem.get("decision") and column in rows:
            mine = (rows["problem"] == problem["name"]) & (rows["status"] != "error")
            times = times.mask(mine, rows[column].astype(float).fillna(np.inf))
    return cut(times, 9)
