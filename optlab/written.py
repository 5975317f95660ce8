"""What is left in a folder of results, file by file: each stands whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv

from optlab import looks
from optlab.files import atomic_write
from optlab.spec import Task

__all__ = ["write_csv", "write_json", "write_pictures", "write_table"]


def write_table(folder: Path, name: str, table: pd.DataFrame) -> None:
    """`name`.parquet."""
    atomic_write(
        folder / f"{name}.parquet",
        lambda file: table.to_parquet(file, index=False, compression="zstd"),
    )


def write_csv(folder: Path, name: str, table: pd.DataFrame) -> None:
    """`name`.csv; what is not known is empty. Numbers by their shortest text, which gives the same number."""
    atomic_write(folder / f"{name}.csv", lambda file: csv.write_csv(_plain(table), file))


def _plain(table: pd.DataFrame) -> pa.Table:
    """The table as Arrow has it: NaN is null, truth a word as Python writes it."""
    truths = table.select_dtypes(bool).columns
    table = table.assign(
        **{str(name): table[name].map({True: "True", False: "False"}) for name in truths}
    )
    return pa.Table.from_pandas(table, preserve_index=False)


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
