"""How the folders of a comparison were made: what differs, what does not, and the specs line by line."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from optlab.analysis.words import exact
from optlab.compare import Comparison
from optlab.report.blocks import Cell, Fold, Notes, Pre, Table, Text
from optlab.report.medians import Held

__all__ = ["codes", "compared", "folders", "specs", "why"]


def folders(sides: Sequence[Held]) -> list[Any]:
    """Each fact of each folder, those that differ first."""
    facts = [_facts(side) for side in sides]
    names = dict.fromkeys(name for one in facts for name in one)
    rows = [(name, [one.get(name, "") for one in facts]) for name in names]
    differ = [[Cell(name), *map(Cell, each)] for name, each in rows if len(set(each)) > 1]
    same = [[Cell(name), Cell(each[0])] for name, each in rows if len(set(each)) == 1 and each[0]]
    head = ["What", *[side.name for side in sides]]
    n = sum(1 for row in differ if row[0].text not in ("Folder", "Made", "Commit"))
    said = "Beside when and where they were made, nothing differs." if not n else ""
    return [
        Table("What is not the same.", head, [("", differ)], name="compared-folders", finding=said),
        Fold("What is the same in all", [Table("", ["What", "Value"], [("", same)])]),
    ]  # fmt: skip


def _facts(side: Held) -> dict[str, str]:
    m = side.facts.manifest
    seeds = m["seeds"]
    counts = ", ".join(f"{count:,} {status}" for status, count in m["counts"].items())
    fixed = {
        "Folder": side.label,
        "Title": str(m["title"] or m["name"]),
        "Question": str(m["question"]),
        "Made": str(m["created"]),
        "Commit": str(m.get("git") or ""),
        "Spec": f"{m['spec_file']}, hash {m['spec_hash'][:12]}",
        "Runs": f"{sum(m['counts'].values()):,}: {counts}",
        "Seeds": f"{seeds['tune']} tune, {seeds['evaluate']} evaluate, experiment seed "
        f"{seeds['experiment']}",
        "Problems": ", ".join(p["name"] for p in m["problems"]),
        "Optimizers": ", ".join(o["name"] for o in m["optimizers"]),
        "Claims": "; ".join(claim["text"] for claim in m.get("claims") or []),
        "Numbers": str(m["precision"]),
        "Diverged means": str(m["divergence"]),
        "Processor": str(m["processor"]),
    }
    return fixed | {str(name): str(version) for name, version in m["versions"].items()}


def why(found: Sequence[Comparison]) -> list[Any]:
    """What differs besides the identity of runs."""
    lines = [f"{cause[0].upper()}{cause[1:]}." for c in found for cause in c.causes]
    if not lines:
        return []
    effect = all(c.same for c in found)
    told = (
        "What is not in a run's identity and differs; it had no effect here."
        if effect
        else "What is not in a run's identity and differs: it may be why numbers moved."
    )
    return [Text(told), Notes(list(dict.fromkeys(lines)))]


def specs(sides: Sequence[Held]) -> list[Any]:
    """The spec of each folder against the first one's, line by line."""
    first = sides[0]
    blocks: list[Any] = []
    same = []
    for side in sides[1:]:
        diff = _diff(
            first, side, str(first.facts.manifest["spec"]), str(side.facts.manifest["spec"])
        )
        if diff:
            title = f"From {first.name} to {side.name}: lines that begin with − went, with + came"
            blocks.append(Fold(title, [Pre(diff)], open=len(diff.splitlines()) <= _SHORT))
        else:
            same.append(side.name)
    if same:
        told = " and ".join(same)
        blocks.insert(
            0, Text(f"The spec of {told} is that of {first.name}, to the last character.")
        )
    return blocks


_SHORT = 40
"""Lines of a difference that is shown unfolded."""


def codes(sides: Sequence[Held]) -> list[Any]:
    """The rules whose text is not the first one's."""
    first = sides[0]
    ours = {o["name"]: o.get("code") or "" for o in first.facts.manifest["optimizers"]}
    blocks: list[Any] = []
    for side in sides[1:]:
        for entry in side.facts.manifest["optimizers"]:
            name = side.optimizers.get(entry["name"], entry["name"])
            diff = _diff(first, side, ours.get(name, ""), entry.get("code") or "")
            if name in ours and diff:
                blocks.append(Fold(f"{name}, from {first.name} to {side.name}", [Pre(diff)]))
    return blocks


def _diff(a: Held, b: Held, before: str, after: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), a.name, b.name, lineterm="", n=3
    )
    return "\n".join(lines)


def compared(found: Sequence[Comparison], command: str) -> list[Any]:
    c = found[0]
    items = [
        "Runs are paired by identity: rule, setting, problem and its parameters, seeds, steps and "
        "precision; neither by name nor by place.",
        f"Two numbers agree {_to(c)}; a gap is judged by the size of its loss.",
        "A problem is the same where its loss and gradient are, at three fixed points, to a relative "
        "1e-9.",
        "Medians are taken at the setting chosen in each folder, so that they may differ where every "
        "paired run is the same: another set of runs chose, or was summed up.",
    ]  # fmt: skip
    return [Notes(items), *([Pre(command)] if command else [])]


def _to(c: Comparison) -> str:
    if c.rtol == c.atol == 0:
        return "where all their bits do"
    parts = [exact(c.atol)] * bool(c.atol) + [f"{exact(c.rtol)} × the larger of both"] * bool(
        c.rtol
    )
    return f"to {' + '.join(parts)}"
