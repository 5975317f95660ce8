"""A rule or a problem from a user's own Python file: `my_rules.py:sprig`.

The file runs as if it stood alone: under a private name, with its folder importable while it runs,
and without leaving anything beside it. Its whole text counts into what decides a result, and so do
the files that it reads: modules of its folder, and data that its text names.
"""

from __future__ import annotations

import contextlib
import inspect
import linecache
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from optlab import freshness
from optlab.problems import Family
from optlab.rules import Rule, make_rule
from optlab.straight import FormError
from optlab.suggest import did_you_mean

__all__ = ["load_family", "load_rule"]


def load_rule(path: str | Path, name: str) -> Rule:
    """The function `name` of the file at `path` as a rule, with or without `@rule` above it.

    ValueError where the file or the function is not there or the file does not run; `FormError`
    where the function breaks the form of a rule; each with file and line, in plain words.
    """
    path = Path(path)
    module, text = _run(path)
    function = _member(path, module, name, "def ", _is_own_function)
    try:
        found = vars(function).get("rule") or make_rule(function, citation=path.name)
    except FormError as error:
        raise FormError(_placed(path, function.__code__.co_firstlineno, str(error))) from None
    return replace(found, text=text)


def load_family(path: str | Path, name: str) -> Family:
    """The function `name` of the file at `path`, with `@problem(...)` above it, as a family.

    Errors as in `load_rule`.
    """
    path = Path(path)
    module, text = _run(path)
    found = _member(path, module, name, "@problem(...) above def ", _is_family)
    if isinstance(found, Family):
        return replace(found, source=text)
    if "family" not in vars(found):
        line = found.__code__.co_firstlineno
        raise ValueError(_placed(path, line, f"put `@problem(start=[...])` above `def {name}`"))
    return replace(vars(found)["family"], source=text)


def _is_own_function(value: Any, module: ModuleType) -> bool:
    return inspect.isfunction(value) and value.__module__ == module.__name__


def _is_family(value: Any, module: ModuleType) -> bool:
    return isinstance(value, Family) or _is_own_function(value, module)


def _member(path: Path, module: ModuleType, name: str, how: str, fits: Any) -> Any:
    there = {n: v for n, v in vars(module).items() if fits(v, module)}
    if name in there:
        return there[name]
    if name in vars(module):
        raise ValueError(f"{path}: `{name}` is not a function of this file; write "
                         f"`{how}{name}(...)` in it")  # fmt: skip
    have = did_you_mean(name, there) or (f"; it has {', '.join(sorted(there))}" if there else "")
    raise ValueError(f"{path}: no function named '{name}'{have}")


def _run(path: Path) -> tuple[ModuleType, str]:
    """The file at `path` executed as a module; its text, with a hash of each file that it reads."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else f"cannot read: {error}"
        raise ValueError(f"{path}: {reason}") from None
    file = str(path.resolve())
    module = ModuleType(f"_optlab_file_{path.stem}")
    module.__file__ = file
    # What `inspect` later shows as a function's text must be the text that ran, even where the file
    # changes meanwhile: an entry without a time is never looked up on disk again.
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    with _folder_importable(path.resolve().parent) as imported:
        try:
            exec(compile(text, file, "exec"), vars(module))
        except SyntaxError as error:
            own = error.filename == file
            place = path if own else Path(error.filename or path)
            raise ValueError(_placed(place, error.lineno or 1, f"{error.msg}")) from None
        except FormError as error:
            raise FormError(_placed(path, _line(error, file), str(error))) from None
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise ValueError(
                _placed(path, _line(error, file), f"the file does not run: {reason}")
            ) from None
    # What was imported, in whatever way; and what the text names, which may be read later.
    others = sorted({*imported, *freshness.read_by(path.resolve())} - {path.resolve()})
    return module, "\n".join([text, *(f"{p.name} {freshness.digest(p)}" for p in others)])


def _placed(path: Path, line: int, reason: str) -> str:
    """`path:line: reason`, where the reason does not name the place already."""
    return reason if str(path.resolve()) in reason else f"{path}:{line}: {reason}"


def _line(error: BaseException, file: str) -> int:
    """The last line of `file` that `error` came through."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    return lines[-1] if lines and lines[-1] else 1


@contextlib.contextmanager
def _folder_importable(folder: Path) -> Iterator[list[Path]]:
    """Let imports find files in `folder`, then forget them; yields a list that gets these files."""
    files: list[Path] = []
    path, modules, writing = list(sys.path), set(sys.modules), sys.dont_write_bytecode
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    try:
        yield files
    finally:
        sys.path[:] = path
        sys.dont_write_bytecode = writing
        for name in sorted(set(sys.modules) - modules):
            file = getattr(sys.modules[name], "__file__", None)
            foreign = "site-packages" in Path(file or "").parts or name.split(".")[0] == "optlab"
            if file and folder in Path(file).parents and not foreign:
                files.append(Path(file))
                del sys.modules[name]
