"""Curves and paths of runs, thinned to common steps and written as differences of whole numbers.

Neighbouring points of a curve differ little, so that differences of rounded logarithms are short; the
page's script adds them up again.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["FINE", "Curves", "coded", "fewer", "kept_steps"]

FINE = 4000
"""Units a decade: logarithms are rounded to a relative error of 0.03 %."""


def kept_steps(steps: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of the recorded steps, rising, both ends among them: half of them evenly over the
    updates, half evenly over their logarithm, so that beginnings are seen on either axis."""
    n = len(steps)
    if n <= most:
        return steps
    even = np.linspace(0, n - 1, most - most // 2)
    early = np.geomspace(1, n, most // 2) - 1
    return steps[np.unique(np.concatenate([even, early]).round().astype(int))]


def fewer(rows: np.ndarray, room: int, least: int, most: int) -> tuple[np.ndarray, int]:
    """Which of `rows` have their curve kept in `room` for numbers, and at how many points: all of them,
    at between `least` and `most`, or evenly chosen ones at `least`."""
    if not len(rows) or room < least:
        return rows[:0], 0
    if len(rows) * least > room:
        chosen = np.linspace(0, len(rows) - 1, room // least).round().astype(int)
        return rows[np.unique(chosen)], least
    return rows, min(most, room // len(rows))


class Curves:
    """A long table (run_id, step, kind, value), looked up for many runs at once: `kind` is the metric of
    a curve or the coordinate of a path."""

    def __init__(self, table: pd.DataFrame, kind: str, rows: pd.DataFrame) -> None:
        runs = table["run_id"].astype("category")
        kinds = table[kind].astype("category")
        self._run, self._kind = runs.cat.codes.to_numpy(), kinds.cat.codes.to_numpy()
        self._step, self._value = table["step"].to_numpy(), table["value"].to_numpy(float)
        self.kinds = [str(name) for name in kinds.cat.categories]
        count = np.bincount(self._run + 1, minlength=len(runs.cat.categories) + 1)
        sorted_already = bool((np.diff(self._run) >= 0).all())
        self._order = None if sorted_already else np.argsort(self._run, kind="stable")
        self._begin = np.cumsum(count)
        code = pd.Series(np.arange(len(runs.cat.categories)), index=runs.cat.categories)
        # A run has one curve, which several rows may share (two names of one rule).
        self._code = code.reindex(rows["run_id"]).fillna(-1).to_numpy(int)
        self._problem = rows["problem"].to_numpy()

    def has(self, rows: np.ndarray) -> np.ndarray:
        """Those of `rows` of which anything was recorded."""
        return rows[self._code[rows] >= 0]

    def kinds_of(self, rows: np.ndarray) -> list[str]:
        """The kinds recorded of these rows, in their order."""
        there = np.unique(self._kind[self._of(rows)])
        return [self.kinds[code] for code in there]

    def matrix(self, rows: np.ndarray, kind: str, most: int) -> tuple[np.ndarray, np.ndarray]:
        """Common steps (points,), at most `most` of them, and the values (rows, points), NaN where
        nothing was recorded. `rows` are of one problem."""
        if kind not in self.kinds:
            return np.zeros(0, dtype=int), np.zeros((len(rows), 0))
        mine = self._of(rows)
        mine = mine[self._kind[mine] == self.kinds.index(kind)]
        steps = kept_steps(np.unique(self._step[mine]), most)
        mine = mine[np.isin(self._step[mine], steps)]
        known, where = np.unique(self._code[rows], return_inverse=True)
        values = np.full((len(known), len(steps)), np.nan)
        place = np.searchsorted(known, self._run[mine])
        values[place, np.searchsorted(steps, self._step[mine])] = self._value[mine]
        return steps, values[where]

    def _of(self, rows: np.ndarray) -> np.ndarray:
        """The places in the long table of these rows' numbers."""
        codes = np.unique(self._code[rows])
        codes = codes[codes >= 0]
        spans = [np.arange(self._begin[c], self._begin[c + 1]) for c in codes]
        places = np.concatenate(spans) if spans else np.zeros(0, dtype=int)
        return places if self._order is None else self._order[places]


def coded(values: np.ndarray, unit: float | None = None) -> list[list[int | bool | None]]:
    """Each row of `values`, (rows, points), as differences of whole numbers: of rounded multiples of
    `unit`, or of `FINE` log10(value) where `unit` is None. None stands for a value of zero or less, which
    has no logarithm, False for one that is not known; unknown ones at a row's end are left out."""
    known = np.isfinite(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = values / unit if unit else FINE * np.log10(values)
    low = known & ~np.isfinite(scaled)
    whole = np.where(known & ~low, np.nan_to_num(scaled, posinf=0, neginf=0), 0).round()
    return [_differences(*row) for row in zip(whole.astype(np.int64), known, low, strict=True)]


def _differences(whole: np.ndarray, known: np.ndarray, low: np.ndarray) -> list[int | bool | None]:
    there = np.flatnonzero(known)
    if not len(there):
        return []
    plain = known & ~low
    out: list[int | bool | None] = [False] * (int(there[-1]) + 1)
    for i in np.flatnonzero(low):
        out[i] = None
    at: list[int] = np.flatnonzero(plain).tolist()
    steps: list[int] = np.diff(whole[at], prepend=0).tolist()
    for place, step in zip(at, steps, strict=True):
        out[place] = step
    return out
