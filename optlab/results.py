"""What an experiment left behind, as tables: the one object that analysis, figures and report read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

__all__ = ["ALL_OTHERS", "DamagedError", "Results", "load"]

ALL_OTHERS = "all others"
"""What stands in `verdicts` for the other side of a claim against everybody: an intersection-union test (Berger
1982), supported where each of its comparisons is, at the same level."""

WHOLE = ("runs.parquet", "curves.parquet")
"""Tables without which there are no results to speak of."""


@dataclass(frozen=True, eq=False)
class Results:
    """The tables of one experiment.

    `runs`: one row a run and part it plays; of a sweep without curves it is read when it is first asked for, and `pieces` reads
    it bit by bit. `curves`: run_id, step, metric, value. `paths`: run_id, step, coordinate,
    value, for problems of few parameters. `manifest`: how it was made. `worked`: pages worked by
    hand. `pictures`: for problems in the plane, `name -> (x, y, z)` with z the loss on the grid.
    """

    folder: Path
    runs: pd.DataFrame
    manifest: dict[str, Any]
    worked: list[dict[str, Any]] = field(default_factory=list)
    checked: dict[str, Any] = field(default_factory=dict)
    """A handwritten page with its verdicts: `lines`, each as plain data, and the `summary` in words."""
    pictures: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.manifest["name"]

    def __getattr__(self, name: str) -> Any:
        """The table of runs, where `load` left it on disk."""
        if name != "runs" or "folder" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__} has no {name!r}")
        if _stamp(self.folder) != self.__dict__.get("stamp"):
            raise ValueError(f"{self.folder} was written again since it was loaded; load it again")
        self.__dict__["runs"] = _runs(self.folder)
        return self.__dict__["runs"]

    def pieces(self, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """The table of runs as it lies on disk, as many rows at a time as were made at once (131,072 or so of a sweep
        without curves): for more runs than fit in memory. `columns`: those that are wanted, all unless said. KeyError where there is no such column,
        DamagedError where the file cannot be read."""
        path = self.folder / "runs.parquet"
        file = _read(path, pq.ParquetFile)
        unknown = sorted({*(columns or ())} - {*file.schema_arrow.names})
        if unknown:
            raise KeyError(f"{path}: no column {', '.join(unknown)}")
        with file:
            for group in range(file.num_row_groups):
                yield _read(path, _piece, file=file, group=group, columns=columns)

    @cached_property
    def curves(self) -> pd.DataFrame:
        return _table(self.folder, "curves.parquet")

    def with_curves(self, curves: pd.DataFrame) -> Results:
        """These results with curves that are not on disk yet."""
        other = replace(self)
        other.__dict__["curves"] = curves
        return other

    @cached_property
    def paths(self) -> pd.DataFrame:
        return _table(self.folder, "paths.parquet")

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """What became of each claim; empty where nothing was claimed."""
        path = self.folder / "verdicts.csv"
        text = dict.fromkeys(("claim", "text", "declared", "kind", "a", "b", "selection_a", "selection_b", "problem", "measure", "target", "verdict", "label", "scale", "method", "alternative", "sentence"), str)  # fmt: skip
        if not path.exists():
            return pd.DataFrame()
        return _read(path, pd.read_csv, dtype=text, keep_default_na=False, na_values={
            name: [""] for name in ("effect", "low", "high", "low95", "high95", "seeds_needed",
                                    "level", "margin", "a_median", "b_median")})  # fmt: skip

    @property
    def came(self) -> str:
        """What came of the comparisons that were claimed: `3 SUPPORTED, 1 REFUTED`; nothing without claims.
        What came of all others together follows from those with each of them."""
        if not len(self.verdicts):
            return ""
        each = self.verdicts.loc[self.verdicts["b"] != ALL_OTHERS, "verdict"]
        return ", ".join(f"{count:,} {word}" for word, count in each.value_counts().items())

    @cached_property
    def explained(self) -> list[dict[str, Any]]:
        """Why runs ended oddly, as `optlab.explain` tells it; empty where none did."""
        return _json(self.folder / "explained.json", [])

    @cached_property
    def chosen(self) -> pd.DataFrame:
        """Each optimizer on each problem: its chosen setting, and the medians of its runs there; the
        columns stand at `optlab.shown.chosen`."""
        from optlab import shown  # the one look upwards: what is chosen is told by the analysis

        return shown.chosen(self)

    def told(self) -> list[str]:
        """What these results are, a line a fact: title, question, runs by how they ended, claims by
        verdict, where the page is."""
        about = self.manifest
        lines = [str(about.get("title") or self.name), str(about.get("question") or "")]
        lines.append(f"{_counted(about)}: {_ended(about.get('counts') or {})}")
        if self.came:
            lines.append(f"comparisons claimed: {self.came}")
        page = self.folder / "index.html"
        lines.append(
            f"page: {page}" if page.exists() else f"no page yet: optlab report {self.folder}"
        )
        return [line for line in lines if line]

    def __repr__(self) -> str:
        return "\n  ".join(self.told())

    def _repr_html_(self) -> str:
        from optlab import shown

        return shown.html(self)


_WORDS = {
    "hit": "held the target",
    "budget": "came to the end of their budget",
    "diverged": "diverged",
    "error": "stopped with an error",
}
"""How runs end, by what stands in `status`."""


def _ended(counts: dict[str, int]) -> str:
    return ", ".join(
        f"{counts[name]:,} {words}" for name, words in _WORDS.items() if counts.get(name)
    )


def _counted(about: dict[str, Any]) -> str:
    runs = sum((about.get("counts") or {}).values())
    sizes = {"run": runs, "problem": len(about["problems"]), "optimizer": len(about["optimizers"])}
    parts = [f"{size:,} {word}{'' if size == 1 else 's'}" for word, size in sizes.items()]
    return f"{parts[0]} of {parts[2]} on {parts[1]}"


_AGAIN = "`optlab run` with its spec makes it again from the cells that are kept"


class DamagedError(OSError):
    """A file of results that is there and cannot be read."""

    def __init__(self, path: Path, error: Exception) -> None:
        first = str(error).split("\n")[0]
        super().__init__(
            f"{path.parent} is not whole: {path.name} is damaged ({first}); delete that file, and {_AGAIN}"
        )


def _json(path: Path, missing: Any) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else missing
    except ValueError as error:
        raise DamagedError(path, error) from None


def _table(folder: Path, name: str) -> pd.DataFrame:
    return _read(folder / name, pd.read_parquet)


def _read(path: Path, reader: Callable[..., Any], **options: Any) -> Any:
    """What `reader` makes of a file. DamagedError where the file is there and cannot be meant."""
    try:
        return reader(path, **options)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        if (
            isinstance(error, OSError) and error.errno is not None
        ):  # it may not be read, or is not there
            raise
        raise DamagedError(path, error) from None


def _piece(
    path: Path, file: pq.ParquetFile, group: int, columns: Sequence[str] | None
) -> pd.DataFrame:
    return file.read_row_group(group, columns).to_pandas()


def _pictures(path: Path) -> dict[str, tuple[Any, ...]]:
    with path.open("rb") as file, np.load(file) as stored:  # np.load leaves a damaged file open
        names = {key.rsplit("/", 1)[0] for key in stored}
        return {name: tuple(stored[f"{name}/{axis}"] for axis in "xyz") for name in names}


_NEEDED = ("name", "problems", "optimizers", "seeds")
"""What no manifest is without."""


def load(folder: str | Path) -> Results:
    """Read what `optlab run` left in `folder`. FileNotFoundError where there is nothing or not all of it,
    DamagedError where something cannot be read."""
    folder = Path(folder)
    if not (folder / "manifest.json").exists():
        if (folder / "runs.parquet").exists() or (folder / "cells").exists():
            raise FileNotFoundError(
                f"{folder} is not whole: its last run did not come to its end (no manifest.json); {_AGAIN}"
            )
        raise FileNotFoundError(f"{folder}: no results here (no manifest.json)")
    gone = [name for name in WHOLE if not (folder / name).exists()]
    if gone:
        raise FileNotFoundError(
            f"{folder} is not whole: {' and '.join(gone)} {'is' if len(gone) == 1 else 'are'} missing; {_AGAIN}"
        )
    manifest = _json(folder / "manifest.json", {})
    lacking = [key for key in _NEEDED if key not in manifest]
    if lacking:
        reason = ValueError(f"no {' and no '.join(lacking)} in it")
        raise DamagedError(folder / "manifest.json", reason)
    pictures = {}
    if (folder / "pictures.npz").exists():
        pictures = _read(folder / "pictures.npz", _pictures)
    # There may be millions of runs where only what they come to is kept: these are read when asked for.
    later = manifest.get("record") == "summary"
    if later:
        _read(folder / "runs.parquet", pq.read_metadata)
    results = Results(
        folder=folder,
        runs=pd.DataFrame() if later else _runs(folder),
        manifest=manifest,
        worked=_json(folder / "worked.json", []),
        checked=_json(folder / "checked.json", {}),
        pictures=pictures,
    )
    if later:
        del results.__dict__["runs"]
        results.__dict__["stamp"] = _stamp(folder)
    return results


def _stamp(folder: Path) -> tuple[int, int]:
    """What another table of runs in `folder` would differ in."""
    there = (folder / "runs.parquet").stat()
    return there.st_mtime_ns, there.st_size


def _runs(folder: Path) -> pd.DataFrame:
    runs = _table(folder, "runs.parquet")
    if "part" not in runs:  # written before runs said what they were run for
        runs["part"] = runs["role"].map({"tune": "trial", "evaluate": "grid", "picture": "picture"})
    return runs
