"""YAML text -> a tree of values that know where they stand.

PyYAML composes the text safely (nothing is constructed from a tag); which scalar is a number is
decided here, because its own rules read `1e-4` as text, `010` as 8, `12:30` as 750 and `on` as True,
and let a key that stands twice pass.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

import yaml

from optlab.errors import Fault, SpecError

__all__ = ["Node", "compose", "unwritable", "whole"]

MOST_NODES = 200_000  # aliases can make a short text denote billions of nodes
DEEPEST = 30  # and one that names itself, an endless one
LONGEST = 300  # digits of a whole number; a double ends there, and Python refuses far longer ones

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

    @property
    def shown(self) -> str:
        """The value for a message: text in quotes, anything else as it was written, cut short."""
        if isinstance(self.value, dict | list):
            whole = repr(self.plain())
        else:
            whole = repr(self.value) if isinstance(self.value, str) else self.text or "nothing"
        return whole if len(whole) <= 60 else f"{whole[:57]}..."

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
    except RecursionError:
        raise SpecError(file, [Fault(1, 1, "", "nested too deeply")]) from None
    except yaml.YAMLError as error:
        raise SpecError(file, [Fault(1, 1, "", f"not YAML: {error}")]) from None
    if root is None:
        raise SpecError(file, [Fault(1, 1, "", "the file is empty; `optlab new` writes a starter")])
    reading = _Reading(file)
    node = reading.convert(root, "", (0, 0), 0)
    if reading.faults:
        raise SpecError(file, reading.faults)
    return node


@dataclass
class _Reading:
    """One pass over the nodes of a file: what was wrong, and how many there have been."""

    file: str
    faults: list[Fault] = field(default_factory=list)
    seen: int = 0

    def convert(self, raw: yaml.Node, path: str, key: tuple[int, int], depth: int) -> Node:
        line, column = raw.start_mark.line + 1, raw.start_mark.column + 1
        self.seen += 1
        if self.seen > MOST_NODES:
            reason = "too large once its aliases are expanded"
            raise SpecError(self.file, [Fault(line, column, path, reason)])
        if depth > DEEPEST:
            raise SpecError(self.file, [Fault(line, column, "", "nested too deeply")])
        if not raw.tag.startswith("tag:yaml.org,2002:") or "python" in raw.tag:
            reason = f"tags such as {raw.tag} are not used here"
            self.faults.append(Fault(line, column, path, reason))
        if isinstance(raw, yaml.SequenceNode):
            items = [
                self.convert(child, f"{path}[{i}]", (0, 0), depth + 1)
                for i, child in enumerate(raw.value)
            ]
            return Node(items, line, column, path, key=key)
        if isinstance(raw, yaml.MappingNode):
            return Node(self.mapping(raw, path, depth), line, column, path, key=key)
        assert isinstance(raw, yaml.ScalarNode)
        return Node(_scalar(raw), line, column, path, raw.value, key)

    def mapping(self, raw: yaml.MappingNode, path: str, depth: int) -> dict[str, Node]:
        children: dict[str, Node] = {}
        for name, child in raw.value:
            place = (name.start_mark.line + 1, name.start_mark.column + 1)
            if not isinstance(name, yaml.ScalarNode):
                self.faults.append(Fault(*place, path, "a key must be a word"))
                continue
            inner = f"{path}.{name.value}" if path else name.value
            if name.value in children:
                reason = "this key stands twice; keep one of the two"
                self.faults.append(Fault(*place, inner, reason))
            children[name.value] = self.convert(child, inner, place, depth + 1)
        return children


def _scalar(raw: yaml.ScalarNode) -> Any:
    if raw.style is not None:  # quoted or block: text, whatever it looks like
        return raw.value
    if raw.value in _WORDS:
        return _WORDS[raw.value]
    if _INT.match(raw.value) and len(raw.value) <= LONGEST:
        return int(raw.value)
    return float(raw.value) if _FLOAT.match(raw.value) else raw.value


def whole(value: Any) -> Any:
    """1e3 as 1000; anything that is not a whole number as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def unwritable(text: str) -> str:
    """What keeps `text` from standing in one line of a report, as a reason; or nothing."""
    odd = [c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    return f"has the control character {odd[0]!r}; use one line of plain text" if odd else ""
