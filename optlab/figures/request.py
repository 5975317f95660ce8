"""A figure that is asked for: its function's name and small arguments, so that it can be drawn later, in
another process, or not at all where nothing about it has changed."""

from __future__ import annotations

import hashlib
import importlib
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optlab.results import Results

__all__ = ["Drawn", "Request", "draw", "key", "slim"]


@dataclass(frozen=True, eq=False)
class Request:
    """`figure` is a name in `optlab.figures`; `arguments` are what it is called with."""

    figure: str
    arguments: dict[str, Any]
    alt: str


@dataclass(frozen=True)
class Drawn:
    """An SVG, and how wide it is meant to be, in pixels."""

    svg: str
    width: int


def draw(request: Request) -> Drawn:
    """The figure that is asked for, as SVG."""
    figures = importlib.import_module("optlab.figures")
    figure = getattr(figures, request.figure)(**request.arguments)
    return Drawn(figures.svg(figure, request.alt), round(figure.get_figwidth() * 96))


_PASSING = (
    "spec", "spec_hash", "created", "command", "versions", "processor", "git", "counts", "errors", "claims",
    "withdrawn", "looks", "timings",
)  # fmt: skip
"""What of a manifest no figure shows: it would make every figure another one at each run."""


def slim(results: Results, problems: list[str]) -> Results:
    """`results` without what figures of `problems` do not read when they are given their tables: no runs,
    no pictures of other problems, of the manifest what is drawn."""
    manifest = {name: part for name, part in results.manifest.items() if name not in _PASSING}
    manifest["problems"] = [p for p in manifest["problems"] if p["name"] in problems]
    return replace(
        results,
        folder=Path(),
        runs=results.runs.iloc[:0],
        manifest=manifest,
        worked=[],
        checked={},
        pictures={name: p for name, p in results.pictures.items() if name in problems},
    )


def key(request: Request) -> str:
    """A hash of all that the figure is made of: what it shows, the code that draws it, versions."""
    hashed = hashlib.sha256(_code())
    for part in _parts([request.figure, request.alt, request.arguments]):
        hashed.update(part)
    return hashed.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    """`value` as bytes, the same for the same content in any process."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield f"{name}:".encode()
            yield from _parts(part)
    elif isinstance(value, list | tuple):
        yield f"{len(value)} of ".encode()
        for part in value:
            yield from _parts(part)
    elif isinstance(value, pd.DataFrame):
        yield repr(list(value.columns)).encode()
        # A column of lists or dictionaries cannot be hashed as it is; its text can.
        plain = value.astype({c: "string" for c in value if value[c].dtype == object})
        yield pd.util.hash_pandas_object(plain).to_numpy().tobytes()
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype} {value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, Results):
        yield from _parts([value.manifest, value.pictures, value.runs])
        kept = vars(value)
        yield from _parts([kept[name] for name in ("curves", "paths") if name in kept])
    elif value is None or isinstance(value, str | int | float | bool | np.generic):
        yield f"{type(value).__name__} {value!r};".encode()
    else:
        yield pickle.dumps(value)


@lru_cache(maxsize=1)
def _code() -> bytes:
    """The text of what draws, and of what it reads tables with."""
    house = Path(__file__).parents[1]
    hashed = hashlib.sha256()
    for path in sorted(p for name in ("figures", "analysis") for p in (house / name).rglob("*.py")):
        hashed.update(path.read_bytes())
    hashed.update(" ".join(version(n) for n in ("matplotlib", "numpy", "pandas")).encode())
    return hashed.digest()
