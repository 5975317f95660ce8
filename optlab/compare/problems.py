"""Whether two folders speak of one problem, and what else differs between how they were made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from optlab.analysis.words import goal
from optlab.compare.side import Side

__all__ = ["PROBE_TOLERANCE", "causes", "entries", "parameters_text", "refusal"]

PROBE_TOLERANCE = 1e-9
"""Relative. Versions of libraries and kinds of processor change last bits; another Hessian changes
the first digits."""

_FLOOR = 1e-12
"""Of the largest such quantity of the problem: what cancels to almost nothing at one probe has the
rounding of what it cancelled from."""

Entry = Mapping[str, Any]
Names = tuple[str, str]
"""How the two sides are called in words."""


def entries(side: Side) -> dict[str, Entry]:
    """The manifest's problems by name."""
    return {p["name"]: p for p in side.manifest.get("problems", [])}


def refusal(a: Entry, b: Entry, names: Names = ("A", "B")) -> dict[str, Any] | None:
    """Why the two are not one problem, by their values and gradients at the probe points; None
    where they agree. Keys: probe (from 1; 0 where none can be named), probes, quantity, a, b, why.
    """
    ours, theirs = _probes(a), _probes(b)
    absent = [side for side, probes in zip(names, (ours, theirs), strict=True) if not probes]
    if absent:
        where = "either folder" if len(absent) == 2 else absent[0]
        return _no(f"no fingerprint in {where}: nothing shows that it is the same problem")
    if len(ours) != len(theirs):
        return _no(
            f"a fingerprint of {len(ours)} probe points in {names[0]}, of {len(theirs)} in {names[1]}"
        )
    held = [name for name in ours[0] if name in theirs[0]]
    if not held:
        return _no("the fingerprints hold different quantities")
    scale = {n: max(_size(p.get(n)) for p in (*ours, *theirs)) for n in held}
    if "weighted" in scale:  # an inner product with the gradient, which may cancel at every probe
        scale["weighted"] = max(scale["weighted"], scale.get("gradient_norm", 0.0))
    for i, (p, q) in enumerate(zip(ours, theirs, strict=True)):
        for name in held:
            if not _agree(p.get(name), q.get(name), scale[name]):
                return _no("the fingerprints differ") | {
                    "probe": i + 1, "probes": len(ours), "quantity": name,
                    "a": _double(p.get(name)), "b": _double(q.get(name)),
                }  # fmt: skip
    return None


def _no(why: str) -> dict[str, Any]:
    return {"probe": 0, "probes": 0, "quantity": "", "a": math.nan, "b": math.nan, "why": why}


def _probes(entry: Entry) -> list[Mapping[str, Any]]:
    found = entry.get("fingerprint")
    sound = isinstance(found, list) and all(isinstance(p, Mapping) for p in found)
    return found if sound and found is not None else []


def _double(value: Any) -> float:
    """A number of the manifest, which has null for what is not finite."""
    return math.nan if value is None else float(value)


def _size(value: Any) -> float:
    return 0.0 if value is None else abs(float(value))


def _agree(a: Any, b: Any, scale: float) -> bool:
    if a is None or b is None:
        return a is b
    return abs(a - b) <= PROBE_TOLERANCE * max(abs(a), abs(b)) + _FLOOR * scale


def parameters_text(a: Entry, b: Entry, names: Names) -> str:
    """How the families or parameters of two problems differ, in words; "" where they do not."""
    first, second = names
    if a.get("family") != b.get("family"):
        return f"it is {a.get('family')} in {first} and {b.get('family')} in {second}"
    ours, theirs = a.get("parameters") or {}, b.get("parameters") or {}
    told = [
        f"{name} is {_set(ours, name)} in {first} and {_set(theirs, name)} in {second}"
        for name in dict.fromkeys((*ours, *theirs))
        if name not in ours or name not in theirs or ours[name] != theirs[name]
    ]
    return ", ".join(told)


def _set(parameters: Mapping[str, Any], name: str) -> str:
    return str(parameters[name]) if name in parameters else "not set"


def causes(a: Side, b: Side, problems: pd.DataFrame) -> list[str]:
    """What differs between how the two were made and is not in a run's identity, a sentence each.
    `problems`: the pairs of names (a, b) whose runs were paired."""
    told = _versions(a, b) + _optimizers(a, b)
    ours, theirs = entries(a), entries(b)
    for pair in problems.itertuples():
        p, q = ours.get(str(pair.a)), theirs.get(str(pair.b))
        if p is not None and q is not None:
            told += _measuring(p, q, (a.name, b.name))
    if a.manifest.get("divergence") != b.manifest.get("divergence"):
        told.append(
            f"{a.name} and {b.name} do not call the same runs diverged (`divergence` in their "
            "manifests)"
        )
    return told


def _versions(a: Side, b: Side) -> list[str]:
    ours, theirs = a.manifest.get("versions") or {}, b.manifest.get("versions") or {}
    told = [
        f"{name} {ours.get(name, 'of a version not told')} in {a.name}, "
        f"{theirs.get(name, 'of a version not told')} in {b.name}"
        for name in dict.fromkeys((*ours, *theirs))
        if ours.get(name) != theirs.get(name)
    ]
    here, there = a.manifest.get("processor"), b.manifest.get("processor")
    if here != there:
        told.append(
            f"another processor, on which the last bits may differ: {here} in {a.name}, "
            f"{there} in {b.name}"
        )
    return told


def _optimizers(a: Side, b: Side) -> list[str]:
    """A run's identity names the rule and not its text."""
    ours = {o["name"]: o for o in a.manifest.get("optimizers", [])}
    return [
        f"the code of {o['name']} is not the same in {a.name} and {b.name}"
        for o in b.manifest.get("optimizers", [])
        if o["name"] in ours and ours[o["name"]].get("code") != o.get("code")
    ]


def _measuring(a: Entry, b: Entry, names: Names) -> list[str]:
    told = []
    here, there = names
    if a.get("cadence") != b.get("cadence"):
        told.append(
            f"{a['name']} is recorded every {a.get('cadence')} steps in {here} and every "
            f"{b.get('cadence')} in {there}: times and best losses are read off recorded steps"
        )
    first, second = (_decision(p) for p in (a, b))
    if first != second:
        told.append(
            f"whether a run on {a['name']} is a hit is told by {first} in {here} and by {second} in "
            f"{there}"
        )
    ours, theirs = (p.get("minimum") or {} for p in (a, b))
    if ours.get("value") != theirs.get("value"):
        told.append(
            f"the minimum of {a['name']} is {_minimum(ours)} in {here} and {_minimum(theirs)} in "
            f"{there}: gaps are taken from it"
        )
    return told


def _decision(entry: Entry) -> str:
    targets = entry.get("targets") or []
    return goal(str(targets[0]["label"])) if targets else "no target"


def _minimum(minimum: Mapping[str, Any]) -> str:
    value = minimum.get("value")
    return "not known" if value is None else f"{value!r} ({minimum.get('provenance')})"
