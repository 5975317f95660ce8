"""Whether a result folder is up to date, told without loading anything heavy."""

from __future__ import annotations

import hashlib
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["is_fresh", "mark_fresh", "mark_stale", "stamp"]

_USED = re.compile(r"([^:{},'\"\[\]\n]+\.py):")
_PACKAGES = ("jax", "jaxlib", "numpy", "pandas", "matplotlib", "scikit-learn", "optax", "scipy")
_NAME = ".fresh"


def stamp(spec: Path) -> str:
    """A hash of all that a report is made of: the spec, the Python files that it names and those
    beside them (which they may import), optlab, versions."""
    hashed = hashlib.sha256()
    text = spec.read_bytes()
    hashed.update(text)
    named = {spec.parent / n.strip(" -") for n in _USED.findall(text.decode("utf-8", "replace"))}
    beside = {file for path in named for file in path.parent.glob("*.py")}
    for path in sorted(named | beside):
        hashed.update(path.name.encode())
        hashed.update(path.read_bytes() if path.is_file() else b"missing")
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
    return (folder / _NAME).read_bytes() == wanted.encode()


def mark_stale(folder: Path) -> None:
    """Say that what is in `folder` is being made anew; called first."""
    (folder / _NAME).unlink(missing_ok=True)


def mark_fresh(folder: Path, value: str) -> None:
    """Say that the report in `folder` is finished; written last."""
    (folder / _NAME).write_text(value, encoding="utf-8")
