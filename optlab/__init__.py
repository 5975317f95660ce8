"""A laboratory for optimizers: one YAML file asks, one offline page answers.

`optlab.run(spec)` runs a spec file and gives its Results, `optlab.load(folder)` reads them again,
`optlab.rule` and `optlab.problem` declare one's own, `optlab.figures` draws, `optlab.compare` and
`optlab.analysis` hold results against each other. Names are loaded when they are first used, so
that a command that needs no arrays starts at once.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Results": "optlab.results",
    "SpecError": "optlab.spec",
    "X0": "optlab.rules",
    "load": "optlab.results",
    "normal": "optlab.problems",
    "problem": "optlab.problems",
    "rule": "optlab.rules",
    "run": "optlab.lab",
    "uniform": "optlab.problems",
}
_PARTS = ("analysis", "compare", "figures")
"""Packages that are reached as attributes."""

__all__ = ["X0", "Results", "SpecError", "load", "normal", "problem", "rule", "run", "uniform"]


def __getattr__(name: str) -> Any:
    if name in _PARTS:
        return import_module(f"optlab.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'optlab' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, *_PARTS, "__version__"]
