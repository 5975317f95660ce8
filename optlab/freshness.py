"""Whether a result folder is up to date, told without loading anything heavy."""

from __future__ import annotations

import ast
import hashlib
import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["digest", "files_named", "is_fresh", "mark_fresh", "mark_stale", "read_by", "stamp"]

_PACKAGES = (
    "jax", "jaxlib", "numpy", "scipy", "scikit-learn", "optax", "pandas", "pyarrow", "matplotlib",
    "jinja2", "latex2mathml",
)  # fmt: skip
"""What a report is made with, its pages included. Fewer decide the numbers of a run, and the key
under which a run is stored has those alone: a new matplotlib draws anew and runs nothing."""
_NAME = ".fresh"
_TABLES = (".csv", ".gz", ".parquet")
"""How the names of importable tables end."""
_LONGEST = 300  # characters of a string that may still be the name of a file


def stamp(spec: Path) -> str:
    """A hash of all that a report is made of: the spec, the Python files that it names, what they
    read, those beside them (which they may import by ways that no text shows), optlab, versions."""
    hashed = hashlib.sha256()
    text = spec.read_bytes()
    hashed.update(text)
    named = files_named(text.decode("utf-8", "replace"), spec.parent)
    code = {path for path in named if path.suffix not in _TABLES}
    files = named | {read for path in code for read in read_by(path)}
    files |= {beside for path in code for beside in path.parent.glob("*.py")}
    for path in sorted(files):
        hashed.update(f"{os.path.relpath(path, spec.parent)} {digest(path)}".encode())
    house = Path(__file__).parent
    for path in sorted(p for p in house.rglob("*") if p.suffix in (".py", ".j2", ".css", ".js")):
        hashed.update(str(path.relative_to(house)).encode())
        hashed.update(path.read_bytes())
    hashed.update(platform.python_version().encode())
    for name in _PACKAGES:
        try:
            hashed.update(f"{name} {version(name)}".encode())
        except PackageNotFoundError:
            hashed.update(f"{name} missing".encode())
    return hashed.hexdigest()


def files_named(text: str, folder: Path) -> set[Path]:
    """The files that a spec may mean by `file.py:function`, and the tables that it may import, there
    or not."""
    import yaml

    named = set()
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.ScalarEvent) and ":" in event.value:
                path = folder / event.value.rpartition(":")[0].strip()
                if path.suffix == ".py" or _is_file(path):
                    named.add(path)
            elif isinstance(event, yaml.ScalarEvent) and event.value.endswith(_TABLES):
                named.add(folder / event.value)
    except yaml.YAMLError:  # no experiment comes of this text, so nothing can be up to date with it
        pass
    return named


def digest(path: Path) -> str:
    """A hash of a file's content; `missing` where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return "missing"


def read_by(path: Path) -> set[Path]:
    """The file at `path` and what it reads as far as texts tell: modules that it imports from its
    folder, files that a string in it names (from its folder, or from a folder that a string names),
    and so on from the modules found. A name put together while the program runs is not seen."""
    found: set[Path] = set()
    ahead = [path]
    while ahead:
        file = ahead.pop()
        if file not in found:
            found.add(file)
            if file.suffix == ".py" or file == path:
                ahead += _mentioned(file, path.parent)
    return found


def _mentioned(file: Path, root: Path) -> Iterator[Path]:
    """The modules and other files that one Python file mentions; imports begin at `root`."""
    try:
        parsed = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):  # it does not run either
        return
    words, modules = set(), set()
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = file.parents[node.level - 1] if node.level <= len(file.parents) else root
            for alias in node.names:
                yield from _module(base, ".".join(filter(None, (node.module, alias.name))))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words.add(node.value)
    words = {word for word in words if 0 < len(word) <= _LONGEST and word.isprintable()}
    modules |= {w for w in words if all(part.isidentifier() for part in w.split("."))}
    roots = {root, file.parent}
    roots |= {folder / word for folder in roots for word in words if _is_folder(folder / word)}
    for folder in roots:
        yield from (folder / word for word in words if _is_file(folder / word))
        for name in modules:
            yield from _module(folder, name)


def _module(folder: Path, name: str) -> Iterator[Path]:
    """The files that `import name` may execute in `folder`: packages on the way and the module."""
    for part in name.split("."):
        if _is_file(folder / f"{part}.py"):
            yield folder / f"{part}.py"
        folder = folder / part
        if not _is_folder(folder):
            return
        if _is_file(folder / "__init__.py"):
            yield folder / "__init__.py"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # no name of a file, or of one that we may not see
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


_FINISHED = (
    "index.html", "report.md", "summary.json", "manifest.json", "worked.json", "explained.json",
    "runs.parquet", "runs.csv", "curves.parquet", "paths.parquet", "pictures.npz", "claims.json",
    "verdicts.csv",
)  # fmt: skip

_FOLDERS = ("figures", "tables")


def is_fresh(folder: Path, wanted: str) -> bool:
    """Whether `folder` holds the finished report with the stamp `wanted`."""
    mark = folder / _NAME
    return mark.is_file() and mark.read_bytes() == _mark(folder, wanted)


def mark_stale(folder: Path) -> None:
    """Say that what is in `folder` is being made anew; called first."""
    (folder / _NAME).unlink(missing_ok=True)


def mark_fresh(folder: Path, value: str) -> None:
    """Say that the report in `folder` is finished; written last."""
    (folder / _NAME).write_bytes(_mark(folder, value))


def _mark(folder: Path, value: str) -> bytes:
    """The stamp, and the size of each file that is there: one that was deleted, cut or overwritten is made
    anew."""
    files = [folder / name for name in _FINISHED]  # of very many runs there is no runs.csv
    files += [path for name in _FOLDERS for path in sorted((folder / name).glob("*"))]
    sizes = [
        f"{path.relative_to(folder)} {path.stat().st_size}" for path in files if path.is_file()
    ]
    return "\n".join([value, *sizes]).encode()
