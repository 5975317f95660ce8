"""A baseline: what a folder of results says, in one small file that a repository can keep.

The same results give the same bytes. It is JSON with a line for each run, so that a repository shows
which runs changed; a name that ends in `.gz` has it compressed. Curves and pages are left out.
"""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

from optlab.compare.side import CompareError, Side, taken
from optlab.files import atomic_write
from optlab.results import DamagedError, load

__all__ = ["read_baseline", "read_side", "write_baseline"]

_FORMAT = "optlab baseline"
_VERSION = 1

_MANIFEST = ("name", "seeds", "precision", "versions", "processor", "claims", "divergence")
_PROBLEM = (
    "name", "family", "parameters", "steps", "cadence", "targets", "fingerprint",
)  # fmt: skip
_OPTIMIZER = ("name", "rule", "code")
"""What is kept of a manifest: what a comparison reads. When a folder was made and at which commit is
not, since the same results made again are the same baseline."""

_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError)
"""What a file that is damaged, or of another make, may raise."""


def read_side(path: str | Path) -> Side:
    """A folder of results or a baseline, whichever lies at `path`. FileNotFoundError where nothing
    does, CompareError where what lies there cannot be read."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such folder of results")
    if path.is_file():
        return read_baseline(path)
    try:
        return _checked(taken(load(path)))
    except CompareError:
        raise
    except FileNotFoundError as error:
        if not (path / "manifest.json").exists():
            raise
        raise CompareError(str(error)) from None
    except DamagedError as error:
        raise CompareError(str(error)) from None
    except _UNREADABLE as error:
        raise CompareError(f"{path}: these results cannot be read: {_first_line(error)}") from None


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0] or type(error).__name__


def _checked(side: Side) -> Side:
    """The side, where its manifest has what a comparison cannot do without."""
    for entry in (*side.manifest["problems"], *side.manifest["optimizers"]):
        entry["name"]
    return side


def write_baseline(side: Side, path: str | Path) -> Path:
    """Write what `side` says to `path`; the same for the same results, to the last byte."""
    path = Path(path)
    text = _text(side).encode()
    if path.suffix == ".gz":
        text = gzip.compress(text, mtime=0)
    atomic_write(path, lambda file: file.write(text))
    return path


def _text(side: Side) -> str:
    manifest = _picked(side.manifest, _MANIFEST)
    manifest["problems"] = [
        _picked(p, _PROBLEM) | {"minimum": _picked(p.get("minimum") or {}, ("value", "provenance"))}
        for p in side.manifest["problems"]
    ]
    manifest["optimizers"] = [_picked(o, _OPTIMIZER) for o in side.manifest["optimizers"]]
    head = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False)
    verdicts = "null" if side.verdicts is None else _table_text(side.verdicts)
    return (
        f'{{"{_FORMAT}": {_VERSION},\n"manifest": {head},\n"runs": {_table_text(side.runs)},\n'
        f'"verdicts": {verdicts}}}\n'
    )


def _picked(entry: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: entry[name] for name in names if name in entry}


# --- a table as JSON: a line a row; NaN is null, infinity a word, numbers by their shortest text ---


def _table_text(table: pd.DataFrame) -> str:
    kinds = {str(name): _kind(table[name]) for name in table.columns}
    columns = [
        [_cell(value, kind) for value in table[name]] for name, kind in kinds.items()
    ]  # fmt: skip
    rows = [json.dumps(row, ensure_ascii=False) for row in zip(*columns, strict=True)]
    body = ",\n".join(rows)
    return f'{{"columns": {json.dumps(kinds, ensure_ascii=False)},\n"rows": [\n{body}\n]}}'


def _kind(column: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(column):
        return "truth"
    if pd.api.types.is_integer_dtype(column):
        return "integer"
    return "number" if pd.api.types.is_numeric_dtype(column) else "text"


def _cell(value: Any, kind: str) -> Any:
    if kind == "truth":
        return bool(value)
    if kind == "integer":
        return int(value)
    if kind == "text":
        return None if pd.isna(value) else str(value)
    number = float(value)
    if math.isnan(number):
        return None
    return number if math.isfinite(number) else ("inf" if number > 0 else "-inf")


_TYPES: dict[str, Any] = {"truth": bool, "integer": "int64", "number": float, "text": str}


def _table(stored: dict[str, Any]) -> pd.DataFrame:
    kinds = stored["columns"]
    columns = list(zip(*stored["rows"], strict=True)) or [()] * len(kinds)
    made = {}
    for (name, kind), values in zip(kinds.items(), columns, strict=True):
        cells = (
            [float("nan") if v is None else float(v) for v in values]
            if kind == "number"
            else values
        )
        made[name] = pd.Series(list(cells), dtype=_TYPES[kind])
    return pd.DataFrame(made)


def read_baseline(path: str | Path) -> Side:
    """What `write_baseline` wrote. CompareError where it is something else, or of a later optlab."""
    path = Path(path)
    raw = path.read_bytes()
    told = f"{path}: not a baseline; `optlab compare FOLDER --write-baseline FILE` makes one"
    try:
        text = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        stored = json.loads(text)
        version = stored[_FORMAT]
    except _UNREADABLE as error:
        raise CompareError(f"{told} ({_first_line(error)})") from None
    if version != _VERSION:
        raise CompareError(
            f"{path}: a baseline of format {version}, made by another version of optlab; this one "
            f"reads format {_VERSION}"
        )
    try:
        verdicts = stored["verdicts"]
        return _checked(
            Side(
                str(path), _table(stored["runs"]), stored["manifest"],
                None if verdicts is None else _table(verdicts),
            )
        )  # fmt: skip
    except _UNREADABLE as error:
        raise CompareError(f"{path}: the baseline is damaged: {_first_line(error)}") from None
