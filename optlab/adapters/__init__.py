"""Optimizers from elsewhere (optax, PyTorch's and Keras' names, a user's file), as the engine wants
them, and the one place that tells by a name which of them is meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optlab.adapters import libraries
from optlab.adapters.files import load_family, load_rule
from optlab.adapters.optax import ALIASES, optax_optimizer
from optlab.adapters.protocol import Optimizer, OptionError
from optlab.problems import Family
from optlab.rules import REGISTRY
from optlab.suggest import did_you_mean

__all__ = ["Found", "Optimizer", "OptionError", "family_from_file", "find"]


@dataclass(frozen=True)
class Found:
    """An optimizer, and what became of the keys that the user wrote beside its name."""

    optimizer: Optimizer
    renamed: Mapping[str, str] = field(default_factory=dict)
    """The user's key -> the hyperparameter's name in `optimizer.hypers`, where they differ."""
    used: frozenset[str] = frozenset()
    """Keys that are settled already: switches, and values that became defaults."""
    known: tuple[str, ...] = ()
    """Every key that could stand here."""


def find(use: str, options: Mapping[str, Any], folder: str | Path = ".") -> Found:
    """The optimizer that `use` names: a rule of the house (`adam`), `optax.lion`,
    `torch.optim.SGD`, `keras.optimizers.Adam`, or `file.py:function` with the file in `folder`.

    `options` are the keys beside the name, numbers or sweeps. `OptionError` (with the key) or
    ValueError, in plain words, where it does not work out.
    """
    if ":" in use:
        path, name = _file_and_name(use, folder)
        rule = load_rule(path, name)
        return Found(rule, known=tuple(rule.hypers))
    if use.split(".")[0] == "optax":
        optimizer = optax_optimizer(use, options)
        return Found(
            optimizer,
            renamed=ALIASES,
            used=frozenset(n for n in options if n in optimizer.arguments),
            known=(*optimizer.hypers, *optimizer.arguments),
        )
    if "." in use:
        resolved = libraries.resolve(use, options)
        return Found(resolved.rule, resolved.renamed, resolved.used, libraries.arguments(use))
    if use not in REGISTRY:
        raise ValueError(f"no optimizer named '{use}'{did_you_mean(use, REGISTRY)}")
    return Found(REGISTRY[use], known=tuple(REGISTRY[use].hypers))


def family_from_file(use: str, folder: str | Path = ".") -> Family:
    """The problem `file.py:function` with the file in `folder`."""
    return load_family(*_file_and_name(use, folder))


def _file_and_name(use: str, folder: str | Path) -> tuple[Path, str]:
    file, _, name = (part.strip() for part in use.rpartition(":"))
    if not file or not name:
        raise ValueError(f"'{use}' names no file or no function; write `use: file.py:function`")
    return Path(folder) / file, name
