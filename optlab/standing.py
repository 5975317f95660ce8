"""What is kept of a table of runs that is written portion by portion: how they ended, the leading settings,
and the runs whose curves are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from optlab.analysis.settings import at_best, best_settings, setting
from optlab.plan import Run

__all__ = ["Standing"]

SAMPLE = 20
"""Runs of each optimizer on each problem whose curves are kept where most are not."""

_FEW = ("chosen", "default", "profile")
"""Parts that few runs play, and that a run plays besides another one."""

_PAIR = ["problem", "optimizer"]

_RUN = "run"
"""The column of what is kept that holds the runs themselves."""


class Standing:
    """Shown every portion of a table once. What it keeps grows with problems, optimizers and portions, not
    with runs.

    The best setting of all is the best of the portions' best ones, since settings are ranked one by one and
    a portion has all trials of each of its settings."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        self._manifest = manifest
        self._staged = manifest["tuning"]["staged"]
        # Where all settings are evaluated, each has its picture.
        self._kept = (*_FEW, "picture") if self._staged else _FEW
        self._before = 0
        self._leading: list[pd.DataFrame] = []
        self._few: list[pd.DataFrame] = []
        self._sample: list[pd.DataFrame] = []
        self._ended: Counter[str] = Counter()
        self.lowest: dict[str, float] = {}
        """The least loss of any run, by problem."""
        self._seen: set[str] = set()
        self._ran: set[tuple[str, str]] = set()

    def lead(self, table: pd.DataFrame, runs: Sequence[Run]) -> None:
        """Keep the runs at each optimizer's best setting among these; row i is of `runs[i]`."""
        best = best_settings(table, self._manifest)
        keys = [*_PAIR, *(str(c) for c in best if str(c).startswith("hyper."))]
        # A merge takes NaN for equal to NaN, which is what "has no such hyperparameter" needs.
        numbered = table[keys].assign(place=np.arange(len(table)))
        self._keep(self._leading, numbered.merge(best[keys], on=keys)["place"], table, runs)

    def see(self, table: pd.DataFrame, runs: Sequence[Run], curves: bool) -> None:
        """Count these runs; without `curves` keep the few to be made once more, and a sample."""
        once = table.drop_duplicates([*_PAIR, "run_id"])
        self._ended.update(once.loc[~once["part"].isin(_FEW), "status"])
        self._keep(self._few, np.flatnonzero(table["part"].isin(self._kept)), table, runs)
        self._seen.update(table["problem"].unique())
        for problem, least in table.groupby("problem", sort=False)["loss_best"].min().items():
            self.lowest[str(problem)] = float(np.fmin(least, self.lowest.get(str(problem), np.nan)))
        ran = table.loc[table["status"] != "error", _PAIR].drop_duplicates()
        self._ran.update(ran.itertuples(index=False, name=None))
        if not curves:
            self._draw(table, runs)
        self._before += len(table)

    @property
    def ran(self) -> set[tuple[str, str]]:
        """The (problem, optimizer) of which a run came to its end."""
        return self._ran

    @property
    def broken(self) -> set[str]:
        """The problems on which every run stopped with an error."""
        return self._seen - {problem for problem, _ in self._ran}

    def chosen(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], dict[str, float]]:
        """The leading setting of each of these (problem, optimizer). One of which every trial stopped with an
        error has none."""
        if not self._leading:  # there were no trials
            return {}
        wanted = set(pairs)
        hypers = {o["name"]: list(o["hypers"]) for o in self._manifest["optimizers"]}
        found = {}
        best = self._best()
        for _, row in best[best["errors"] < best["seeds"] * best["settings"]].iterrows():
            pair = (row["problem"], row["optimizer"])
            if pair in wanted:
                found[pair] = setting(row, hypers[pair[1]])
        return found

    def counts(self, runs: Path) -> Counter[str]:
        """How many runs ended how, each counted once for an optimizer and a problem, whatever parts it plays;
        `runs` is the table as it was written."""
        rows = pd.concat(self._few)
        rows = rows[rows["part"].isin(_FEW)].drop_duplicates([*_PAIR, "run_id"])
        if rows.empty:
            return self._ended
        left = rows.set_index([*_PAIR, "run_id"])["status"]
        # A default that is one of the trials has been counted as such.
        with pq.ParquetFile(runs) as file:
            for group in range(file.num_row_groups):
                there = file.read_row_group(group, [*_PAIR, "run_id", "part"]).to_pandas()
                there = there[there["run_id"].isin(rows["run_id"]) & ~there["part"].isin(_FEW)]
                left = left.drop(pd.MultiIndex.from_frame(there[left.index.names]), errors="ignore")
        return self._ended + Counter(left)

    def shown(self) -> tuple[pd.DataFrame, list[Run]]:
        """The rows whose curves are shown, and their runs: at the chosen and the default settings, and a sample;
        of those that stopped with an error there are none."""
        few = pd.concat(self._few)
        # Trials lead before the table of all is made, and have no place in it yet.
        leading = few if self._staged else pd.concat([*self._leading, *self._few])
        best = self._best()
        told = {i for r in ("evaluate", "picture") for i in at_best(leading, best, r)["run_id"]}
        best_rows = leading[leading["run_id"].isin(told)]
        rows = pd.concat([best_rows, few[few["part"] == "default"], *self._sample])
        rows = rows[rows["status"] != "error"]
        rows = rows[~rows.index.duplicated()].sort_index()
        return rows.drop(columns=_RUN), list(rows[_RUN])

    def leading(self) -> pd.DataFrame:
        """The runs at leading settings, and all of those that few are."""
        return pd.concat([*self._leading, *self._few]).drop(columns=_RUN)

    def _best(self) -> pd.DataFrame:
        return best_settings(pd.concat(self._leading), self._manifest)

    def _draw(self, table: pd.DataFrame, runs: Sequence[Run]) -> None:
        """Keep the first of all by identity, which is a hash: a sample that no order of runs has a part in."""
        mine = table.loc[table["status"] != "error", [*_PAIR, "run_id"]]
        self._keep(self._sample, _first(mine).index, table, runs)
        self._sample = [_first(pd.concat(self._sample))]

    def _keep(
        self, kept: list[pd.DataFrame], places: Iterable[int], table: pd.DataFrame,
        runs: Sequence[Run],
    ) -> None:  # fmt: skip
        """Keep some rows and their runs, with the places that they have in the table of all."""
        chosen = np.array(sorted(places), dtype=int)
        rows = table.iloc[chosen].set_axis(self._before + chosen)
        kept.append(rows.assign(**{_RUN: pd.Series([runs[i] for i in chosen], rows.index, object)}))


def _first(rows: pd.DataFrame) -> pd.DataFrame:
    once = rows.drop_duplicates([*_PAIR, "run_id"]).sort_values("run_id")
    return once.groupby(_PAIR, sort=False).head(SAMPLE).sort_index()
