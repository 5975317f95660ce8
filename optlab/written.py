"""What is left in a folder of results, file by file: each stands whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from optlab import looks
from optlab.files import atomic, atomic_write
from optlab.spec import Task

__all__ = ["portions", "write_csv", "write_json", "write_pictures", "write_table"]

_COMPRESSION = "zstd"


@contextmanager
def portions(folder: Path, name: str, text: bool) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Where to put the portions of a table, all of the same columns, one after the other: `name`.parquet, a row
    group each, and with `text` `name`.csv, which are there once all are written."""
    with ExitStack() as end:
        writers: dict[str, pq.ParquetWriter | csv.CSVWriter] = {}
        parquet = end.enter_context(atomic(folder / f"{name}.parquet"))
        lines = end.enter_context(atomic(folder / f"{name}.csv")) if text else None

        def write(kind: str, table: pd.DataFrame) -> None:
            whole = _arrow(table)
            if kind not in writers:
                new = (
                    pq.ParquetWriter(parquet, whole.schema, compression=_COMPRESSION)
                    if kind == "parquet"
                    else csv.CSVWriter(lines, whole.schema)
                )
                writers[kind] = end.enter_context(new)
            writers[kind].write_table(whole)

        def put(table: pd.DataFrame) -> None:
            write("parquet", table)
            if text:
                write("csv", _plain(table))

        yield put
    if not text:
        (folder / f"{name}.csv").unlink(missing_ok=True)  # of an earlier table


def write_table(folder: Path, name: str, table: pd.DataFrame) -> None:
    """`name`.parquet."""
    atomic_write(
        folder / f"{name}.parquet",
        lambda file: pq.write_table(_arrow(table), file, compression=_COMPRESSION),
    )


def write_csv(folder: Path, name: str, table: pd.DataFrame) -> None:
    """`name`.csv; what is not known is empty. Numbers by their shortest text, which gives the same number."""
    whole = _arrow(_plain(table))
    atomic_write(folder / f"{name}.csv", lambda file: csv.write_csv(whole, file))


def _arrow(table: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(table, preserve_index=False)


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """The table with truth as the word that Python writes for it; Arrow takes NaN for unknown."""
    truths = table.select_dtypes(bool).columns
    return table.assign(
        **{str(name): table[name].map({True: "True", False: "False"}) for name in truths}
    )


def write_json(folder: Path, name: str, value: Any) -> None:
    """`name`.json. ValueError where a number in it is not finite."""
    text = json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False).encode()
    atomic_write(folder / f"{name}.json", lambda file: file.write(text))


def write_pictures(folder: Path, tasks: Sequence[Task], note: Callable[[str], None]) -> None:
    """`pictures.npz`: the loss on a grid, of each problem in the plane that has a window; `note` hears of
    those that cannot be drawn."""
    arrays: dict[str, Any] = {}
    for task in tasks:
        if task.problem.window is not None and task.problem.about.dim == 2:
            try:
                drawn = looks.picture(task.problem)
            except Exception as error:  # a user's loss that fails on part of the plane
                note(f"no picture of {task.name}: {type(error).__name__}: {error}")
                continue
            for axis, values in zip("xyz", drawn, strict=True):
                arrays[f"{task.name}/{axis}"] = values
    atomic_write(folder / "pictures.npz", lambda file: np.savez(file, **arrays))
