"""The spec that repeats one run: what of it belongs to the problem, and what to the optimizer.

The page's script puts the two together with the setting and the seed. What the runs' bits depend on stands in
it as it stood: budget, precision, what is recorded and how often, targets (which are recorded).
"""

from __future__ import annotations

import json
import re
from typing import Any

from optlab.errors import SpecError
from optlab.nodes import Node, compose

__all__ = ["optimizer_entry", "problem_entry", "spec_tree"]

_DROPPED = ("targets", "optimizers", "worked")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_WORDS = ("null", "true", "false", "inf", "nan", "yes", "no", "on", "off", "y", "n")


def spec_tree(manifest: dict[str, Any]) -> Node | None:
    """The spec that the results were made by; None where it is not there to be read."""
    try:
        return compose(manifest.get("spec") or "", manifest.get("spec_file") or "spec")
    except SpecError:
        return None


def problem_entry(
    tree: Node | None, problem: dict[str, Any], manifest: dict[str, Any], metrics: list[str]
) -> str:
    """The lines of a spec that are about one problem, from `steps` to `problems`; empty where it was
    not made by its spec. `metrics`: what was recorded of its runs."""
    body = _body(tree, "problems", problem["name"])
    if tree is None or body is None:
        return ""
    lines = [
        f"{key}: {_flow(tree.value[key])}"
        for key in ("steps", "epochs", "precision")
        if key in tree.value
    ]
    if "record" in tree.value:
        lines.append(_record(tree.value["record"], problem, metrics))
    keys = [f"{_text(k)}: {_flow(node)}" for k, node in body.items() if k not in _DROPPED]
    if problem["targets"]:
        keys.append(f"targets: {_targets(problem['targets'])}")
    return "\n".join([*lines, "problems:", _entry(problem["name"], keys)])


def optimizer_entry(tree: Node | None, optimizer: dict[str, Any]) -> dict[str, Any]:
    """The name of one optimizer as it is written, and what stands beside its setting: what is used and
    its switches. Empty where it is not in the spec."""
    body = _body(tree, "optimizers", optimizer["name"])
    if body is None:
        return {}
    kept = {
        k: node for k, node in body.items() if _is_switch(node) and k not in optimizer["hypers"]
    }
    return {
        "name": _text(optimizer["name"]),
        "keys": [f"{_text(k)}: {_flow(node)}" for k, node in kept.items()],
        "hypers": [_text(name) for name in optimizer["hypers"]],
    }


def _is_switch(node: Node) -> bool:
    """Whether a key beside a name is no hyperparameter: all of those are numbers, lists or ranges."""
    return node.value is None or isinstance(node.value, bool | str)


def _body(tree: Node | None, what: str, name: str) -> dict[str, Node] | None:
    """The keys of the entry called `name`."""
    listed = tree.value.get(what) if tree is not None and isinstance(tree.value, dict) else None
    for item in listed.value if listed is not None and isinstance(listed.value, list) else []:
        if item.value == name:
            return {}
        if isinstance(item.value, dict) and name in item.value:
            inner = item.value[name].value
            return inner if isinstance(inner, dict) else {}
    return None


def _record(node: Node, problem: dict[str, Any], metrics: list[str]) -> str:
    """What was recorded of this problem, said outright: other problems and the choice of settings have a
    part in it, and neither is there any more."""
    keys = [f"every: {problem['cadence']}"]
    if isinstance(node.value, dict) and "metrics" in node.value:
        keys.append(f"metrics: [{', '.join(map(_text, metrics))}]")
    return f"record: {{{', '.join(keys)}}}"


def _targets(targets: list[dict[str, Any]]) -> str:
    kinds: dict[str, list[str]] = {}
    for target in targets:
        kinds.setdefault(target["kind"], []).append(repr(float(target["value"])))
    keys = [f"{_text(kind)}: [{', '.join(values)}]" for kind, values in kinds.items()]
    return f"{{{', '.join(keys)}}}"


def _entry(name: str, keys: list[str]) -> str:
    return f"  - {_text(name)}" + (f": {{{', '.join(keys)}}}" if keys else "")


def _flow(node: Node) -> str:
    """A value on one line, numbers as they were written."""
    if isinstance(node.value, dict):
        return f"{{{', '.join(f'{_text(k)}: {_flow(v)}' for k, v in node.value.items())}}}"
    if isinstance(node.value, list):
        return f"[{', '.join(map(_flow, node.value))}]"
    if isinstance(node.value, str):
        return _text(node.value)
    return node.text or "null"


def _text(text: str) -> str:
    """A text as YAML, in quotes unless it is a plain word."""
    plain = _PLAIN.match(text) and text.lower() not in _WORDS
    return text if plain else json.dumps(text, ensure_ascii=False)
