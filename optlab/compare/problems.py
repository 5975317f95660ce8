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


def entries(side: Side) -> dict[str, Entry]:
    """The manifest's problems by name."""
    return {p["name"]: p for p in side.manifest.get("problems", [])}


def refusal(a: Entry, b: Entry) -> dict[str, Any] | None:
    """Why the two are not one problem, by their values and gradients at the probe points; None
    where they agree. Keys: probe (from 1; 0 where none can be named), probes, quantity, a, b, why.
    """
    ours, theirs = _probes(a), _probes(b)
    absent = [side for side, probes in (("A", ours), ("B", theirs)) if not probes]
    if absent:
        where = "either folder" if len(absent) == 2 else absent[0]
        return _no(f"no fingerprint in {where}: nothing shows that it is the same problem")
    if len(ours) != len(theirs):
        return _no(f"a fingerprint of {len(ours)} probe points in A, of {len(theirs)} in B")
    names = [name for name in ours[0] if name in theirs[0]]
    if not names:
        return _no("the fingerprints hold different quantities")
    scale = {n: max(_size(p.get(n)) for p in (*ours, *theirs)) for n in names}
    if "weighted" in scale:  # an inner product with the gradient, which may cancel at every probe
        scale["weighted"] = max(scale["weighted"], scale.get("gradient_norm", 0.0))
    for i, (p, q) in enumerate(zip(ours, theirs, strict=True)):
        for name in names:
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


def parameters_text(a: Entry, b: Entry) -> str:
    """How the families or parameters of two problems differ, in words; "" where they do not."""
    if a.get("family") != b.get("family"):
        return f"it is {a.get('family')} in A and {b.get('family')} in B"
    ours, theirs = a.get("parameters") or {}, b.get("parameters") or {}
    told = [
        f"{name} is {_set(ours, name)} in A and {_set(theirs, name)} in B"
        for name in dict.fromkeys((*ours, *theirs))
        if name not in ours or name not in theirs or ours[name] != theirs[name]
    ]
    return ", ".join(told)


def _set(parameters: Mapping[str, Any], name: str) -> str:
    return str(parameters[name]) if name in parameters else "not set"


def causes(a: Side, b: Side, problems: pd.DataFrame) -> list[str]:
    """What differs between how the two were made and is not in a run's identity, a sentence each.
    `problems`: the pairs of names (a, b) whose runs were paired."""
    told = _versions(a.manifest, b.manifest) + _optimizers(a, b)
    ours, theirs = entries(a), entries(b)
    for pair in problems.itertuples():
        p, q = ours.get(str(pair.a)), theirs.get(str(pair.b))
        if p is not None and q is not None:
            told += _measuring(p, q)
    if a.manifest.get("divergence") != b.manifest.get("divergence"):
        told.append("A and B do not call the same runs diverged (`divergence` in their manifests)")
    return told


def _versions(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    ours, theirs = a.get("versions") or {}, b.get("versions") or {}
    told = [
        f"{name} {ours.get(name, 'of a version not told')} in A, "
        f"{theirs.get(name, 'of a version not told')} in B"
        for name in dict.fromkeys((*ours, *theirs))
        if ours.get(name) != theirs.get(name)
    ]
    if a.get("processor") != b.get("processor"):
        told.append(
            f"another processor, on which the last bits may differ: {a.get('processor')} in A, "
            f"{b.get('processor')} in B"
        )
    return told


def _optimizers(a: Side, b: Side) -> list[str]:
    """A run's identity names the rule and not its text."""
    ours = {o["name"]: o for o in a.manifest.get("optimizers", [])}
    return [
        f"the code of {o['name']} is not the same in A and B"
        for o in b.manifest.get("optimizers", [])
        if o["name"] in ours and ours[o["name"]].get("code") != o.get("code")
    ]


def _measuring(a: Entry, b: Entry) -> list[str]:
    told = []
    if a.get("cadence") != b.get("cadence"):
        told.append(
            f"{a['name']} is recorded every {a.get('cadence')} steps in A and every "
            f"{b.get('cadence')} in B: times and best losses are read off recorded steps"
        )
    first, second = (_decision(p) for p in (a, b))
    if first != second:
        told.append(
            f"whether a run on {a['name']} is a hit is told by {first} in A and by {second} in B"
        )
    ours, theirs = (p.get("minimum") or {} for p in (a, b))
    if ours.get("value") != theirs.get("value"):
        told.append(
            f"the minimum of {a['name']} is {_minimum(ours)} in A and {_minimum(theirs)} in B: "
            "gaps are taken from it"
        )
    return told


def _decision(entry: Entry) -> str:
    targets = entry.get("targets") or []
    return goal(str(targets[0]["label"])) if targets else "no target"


def _minimum(minimum: Mapping[str, Any]) -> str:
    value = minimum.get("value")
    return "not known" if value is None else f"{value!r} ({minimum.get('provenance')})"
