"""Whether a result folder is up to date, told without loading anything heavy."""

from __future__ import annotations

import hashlib
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["is_fresh", "mark_fresh", "stamp"]

_USED = re.compile(r"([^\s:{},'\"\[\]]+\.py):")
_PACKAGES = ("jax", "jaxlib", "numpy", "pandas", "matplotlib", "scikit-learn", "optax", "scipy")
_NAME = ".fresh"


def stamp(spec: Path) -> str:
    """A hash of all that a report is made of: the spec, files that it names, optlab, versions."""
    hashed = hashlib.sha256()
    text = spec.read_bytes()
    hashed.update(text)
    for name in sorted(set(_USED.findall(text.decode("utf-8", "replace")))):
        beside = spec.parent / name
        hashed.update(beside.read_bytes() if beside.is_file() else b"missing")
    house = Path(__file__).parent
    for path in sorted(p for p in house.rglob("*") if p.suffix in (".py", ".j2", ".css", ".js")):
        hashed.update(str(path.relative_to(house)).encode())
        hashed.update(path.read_bytes())
    for name in _PACKAGES:
        try:
            hashed.update(f"{name} {version(name)}".encode())
        except PackageNotFoundError:
            hashed.update(f"{name} missing".encode())
    return hashed.hexdigest()


def is_fresh(folder: Path, wanted: str) -> bool:
    """Whether `folder` holds the finished report with the stamp `wanted`."""
    needed = ("index.html", "report.md", "manifest.json", "runs.parquet", "curves.parquet", _NAME)
    if not all((folder / name).is_file() for name in needed):
        return False
    return (folder / _NAME).read_text(encoding="utf-8") == wanted


def mark_fresh(folder: Path, value: str) -> None:
    """Say that the report in `folder` is finished; written last."""
    (folder / _NAME).write_text(value, encoding="utf-8")
