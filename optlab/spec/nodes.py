"""YAML text -> a tree of values that know where they stand.

PyYAML composes the text safely (nothing is constructed from a tag); which scalar is a number is
decided here, because its own rules read `1e-4` as text, `010` as 8, `12:30` as 750 and `on` as True,
and let a key that stands twice pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from optlab.spec.errors import Fault, SpecError

__all__ = ["Node", "compose", "whole"]

MOST_NODES = 200_000  # aliases can make a short text denote billions of nodes

_INT = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_WORDS = {
    "": None, "~": None, "null": None, "true": True, "false": False,
    "inf": float("inf"), ".inf": float("inf"), "-inf": float("-inf"), "-.inf": float("-inf"),
    "nan": float("nan"), ".nan": float("nan"),
}  # fmt: skip


@dataclass(frozen=True)
class Node:
    """A value with its place. `value` is a dict of Nodes, a list of Nodes, or a plain scalar; `text`
    is a scalar as it was written; `key` is the place of the key that leads here."""

    value: Any
    line: int
    column: int
    path: str
    text: str = ""
    key: tuple[int, int] = (0, 0)

    @property
    def at_key(self) -> Fault:
        """The place of the key, for faults that are about the key itself."""
        return Fault(*(self.key if self.key != (0, 0) else (self.line, self.column)), self.path, "")

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {name: child.plain() for name, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def at(self, location: tuple[Any, ...]) -> Node:
        """The node that a path of keys and indices leads to, as far as it exists."""
        node = self
        for part in location:
            inside = isinstance(node.value, dict) and part in node.value
            if inside or (isinstance(node.value, list) and isinstance(part, int)):
                node = node.value[part]
            else:
                break
        return node


def compose(text: str, file: str) -> Node:
    """The tree of a YAML text. SpecError where it is not YAML, a key stands twice, or it is empty."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        hint = "; indent with spaces, not tabs" if "\\t" in str(error.problem) else ""
        raise SpecError(
            file, [Fault(line, column, "", f"not YAML: {error.problem}{hint}")]
        ) from None
    except yaml.YAMLError as error:
        raise SpecError(file, [Fault(1, 1, "", f"not YAML: {error}")]) from None
    if root is None:
        raise SpecError(file, [Fault(1, 1, "", "the file is empty; `optlab new` writes a starter")])
    faults: list[Fault] = []
    node = _convert(root, "", (0, 0), faults, iter(range(MOST_NODES)))
    if faults:
        raise SpecError(file, faults)
    return node


def _convert(
    raw: yaml.Node, path: str, key: tuple[int, int], faults: list[Fault], budget: Iterator[int]
) -> Node:
    line, column = raw.start_mark.line + 1, raw.start_mark.column + 1
    if next(budget, None) is None:
        raise SpecError(
            "spec", [Fault(line, column, path, "too large once its aliases are expanded")]
        )
    if not raw.tag.startswith("tag:yaml.org,2002:") or "python" in raw.tag:
        faults.append(Fault(line, column, path, f"tags such as {raw.tag} are not used here"))
    if isinstance(raw, yaml.SequenceNode):
        items = [
            _convert(child, f"{path}[{i}]", (0, 0), faults, budget)
            for i, child in enumerate(raw.value)
        ]
        return Node(items, line, column, path, key=key)
    if isinstance(raw, yaml.MappingNode):
        return Node(_mapping(raw, path, faults, budget), line, column, path, key=key)
    assert isinstance(raw, yaml.ScalarNode)
    return Node(_scalar(raw), line, column, path, raw.value, key)


def _mapping(
    raw: yaml.MappingNode, path: str, faults: list[Fault], budget: Iterator[int]
) -> dict[str, Node]:
    children: dict[str, Node] = {}
    for name, child in raw.value:
        place = (name.start_mark.line + 1, name.start_mark.column + 1)
        if not isinstance(name, yaml.ScalarNode):
            faults.append(Fault(*place, path, "a key must be a word"))
            continue
        inner = f"{path}.{name.value}" if path else name.value
        if name.value in children:
            faults.append(Fault(*place, inner, "this key stands twice; keep one of the two"))
        children[name.value] = _convert(child, inner, place, faults, budget)
    return children


def _scalar(raw: yaml.ScalarNode) -> Any:
    if raw.style is not None:  # quoted or block: text, whatever it looks like
        return raw.value
    if raw.value in _WORDS:
        return _WORDS[raw.value]
    if _INT.match(raw.value):
        return int(raw.value)
    return float(raw.value) if _FLOAT.match(raw.value) else raw.value


def whole(value: Any) -> Any:
    """1e3 as 1000; anything that is not a whole number as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
