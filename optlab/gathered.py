"""The histories of one experiment, stored, new or imported, and the tables that they make."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from optlab import tables
from optlab.engine import History
from optlab.plan import Run
from optlab.problems import Minimum
from optlab.spec import Task

__all__ = ["Gathered", "summaries"]

_OF = "\x1f"
"""Between a problem's name and a column, in the names of what is kept: it stands in no name."""

_Places = dict[tuple[str, str], list[tuple[int, Run]]]
"""(program key, run_id) -> where the run stands in the plan."""


@dataclass(eq=False)
class Gathered:
    """What came of runs: column i of a history is that of its i-th run.

    `key` tells the program of a run: what has one identity was executed by one program."""

    key: Callable[[Run], str]
    known: set[str] = field(default_factory=set)
    """The identities of runs that are in a history, will be, or have failed."""
    _histories: list[tuple[str, Sequence[Run], History]] = field(default_factory=list)
    _failed: list[Run] = field(default_factory=list)

    def add(self, key: str, runs: Sequence[Run], history: History) -> None:
        """Take in a history of one run or more."""
        self._histories.append((key, runs, history))

    def fail(self, runs: Sequence[Run]) -> None:
        self._failed.extend(runs)

    def rows(
        self,
        runs: Sequence[Run],
        minima: Mapping[str, Minimum | None],
        columns: Sequence[str],
    ) -> pd.DataFrame:
        """The table of `runs`, in their order; what else was gathered is left out."""
        rows_of = self._places(runs)
        parts = []
        for key, members, history in self._histories:
            for mine, places, same in _alike(key, members, rows_of):
                summary = _summary(same[0].task, history.of(mine), minima)
                parts.append((places, tables.run_rows(same, summary)))
        failed: dict[str, list[Run]] = {}
        for member in self._failed:
            failed.setdefault(self.key(member), []).append(member)
        for key, members in failed.items():
            for _, places, same in _alike(key, members, rows_of):
                parts.append((places, tables.error_rows(same)))
        table = tables.run_table(parts, columns)
        if _ids(table) != [r.run_id for r in runs]:
            raise AssertionError("the table of runs is not the plan's")
        return table

    def curves_and_paths(self, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The curves, up to where each run diverged, and the paths of all runs in `table`."""
        ids = _ids(table)
        number = {run_id: i for i, run_id in enumerate(dict.fromkeys(ids))}
        ended = np.empty(len(number))
        ended[[number[run_id] for run_id in ids]] = table["diverged_at"]
        curves, paths = [], []
        for _, members, history in sorted(self._histories, key=lambda h: number[h[1][0].run_id]):
            index = np.array([number[r.run_id] for r in members], dtype=int)
            curves.append((index, history, ended[index]))
            if history.path is not None:
                paths.append((index, history, tables.coordinates(members[0].task)))
        return tables.curve_table(curves, list(number)), tables.path_table(paths, list(number))

    def _places(self, runs: Sequence[Run]) -> _Places:
        rows_of: _Places = {}
        for place, run in enumerate(runs):
            rows_of.setdefault((self.key(run), run.run_id), []).append((place, run))
        if len(rows_of) > len({run.run_id for run in runs}):
            raise AssertionError("two programs share the identity of a run")
        return rows_of


def summaries(
    tasks: Sequence[Task], history: History, minima: Mapping[str, Minimum | None]
) -> History:
    """The history with its curves left out: what its runs come to as runs of each of `tasks`."""
    known = {
        f"{task.name}{_OF}{column}": values
        for task in tasks
        for column, values in _summary(task, history, minima).items()
    }
    return History(history.points[:0], {}, None, history.seconds, known)


def _summary(
    task: Task, history: History, minima: Mapping[str, Minimum | None]
) -> dict[str, np.ndarray]:
    if history.metrics:
        minimum = minima[task.name]
        return tables.summarise(task, history, minimum.value if minimum else None)
    own = f"{task.name}{_OF}"
    return {n.removeprefix(own): v for n, v in history.summary.items() if n.startswith(own)}


def _ids(table: pd.DataFrame) -> list[str]:
    """At once: one by one Arrow hands out texts twenty times as slowly."""
    return table["run_id"].to_numpy(dtype=object).tolist()


def _alike(
    key: str, members: Sequence[Run], rows_of: _Places
) -> Iterator[tuple[list[int], list[int], list[Run]]]:
    """Runs executed together as rows of one task and contender each: their columns, their places in
    the plan, and the runs. A run that the plan has under two names fills a row for each."""
    groups: dict[tuple[str, str], tuple[list[int], list[int], list[Run]]] = {}
    for column, member in enumerate(members):
        for place, run in rows_of.get((key, member.run_id), ()):
            columns, places, same = groups.setdefault(
                (run.task.name, run.contender.name), ([], [], [])
            )
            columns.append(column)
            places.append(place)
            same.append(run)
    yield from groups.values()
