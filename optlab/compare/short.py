"""What a comparison found, in one sentence."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from optlab.analysis.words import exact, listed, number, plural
from optlab.compare.comparison import Comparison
from optlab.compare.telling import summary, tiny

__all__ = ["in_short", "kept"]


def in_short(c: Comparison, bits: Comparison) -> str:
    """What changed, the worst first, or that nothing did. `bits`: the same two, compared with both
    tolerances 0."""
    if not c.paired:
        return (
            f"No run of {c.b.name} is one of {c.a.name}: they were asked for different things"
            f"{_reason(c, c.a.name)}, so that runs cannot be held against each other, only medians of the "
            "same optimizer on the same problem."
        )
    if c.same:
        every = f"all {plural(c.paired, 'run')}" if c.paired > 1 else "the one run"
        verdicts = f" and all {plural(c.verdicts_paired, 'verdict')}" if c.verdicts_paired else ""
        return f"Nothing changed: {every}{verdicts} of {c.b.name} are those of {c.a.name}{_how(c, bits)}."
    told = list(_changes(c))
    if not c.changed:
        told.insert(0, f"the {plural(c.paired, 'paired run')} are the same{_how(c, bits)}")
    text = "; ".join(told)
    return f"{text[0].upper()}{text[1:]}."


def kept(c: Comparison, bits: Comparison) -> str:
    """How many of the paired runs are the same to the last bit; empty where none is paired."""
    if not c.paired:
        return ""
    same = c.paired - bits.changed
    if not same:
        return f"None of {plural(c.paired, 'paired run')} is the same to the last bit."
    every = "All" if same == c.paired else f"{same:,} of"
    be = "is" if same == 1 else "are"
    return f"{every} {plural(c.paired, 'paired run')} {be} the same to the last bit."


def _how(c: Comparison, bits: Comparison) -> str:
    if not bits.changed:
        return ", to the last bit"
    absolute = f" or {exact(c.atol)}" if c.atol else ""
    return f", within a relative {exact(c.rtol)}{absolute}"


def _changes(c: Comparison) -> Iterator[str]:
    ended = c.statuses.drop_duplicates(["run_id", "problem", "optimizer"])
    if len(ended):
        yield f"{len(ended):,} of {plural(c.paired, 'paired run')} ended otherwise"
    found = summary(c)
    if len(found):
        sizes = found["relative"].to_numpy(dtype=float)
        n = int(found["changed"].sum())
        of = f"{n:,} more" if len(ended) else f"{n:,} of {plural(c.paired, 'paired run')}"
        least = tiny(c)
        size = f", none by more than {exact(least)}" if least else ""
        yield f"the numbers of {of} moved{_by(sizes)}{size}"
    yield from _verdicts(c)
    for problem in c.refused["problem"]:
        yield f"{problem} is not known to be the same problem"
    for side in (c.a, c.b):
        alone = int(c.only.loc[c.only["side"] == side.name, "runs"].sum())
        if alone:
            be = "is" if alone == 1 else "are"
            yield f"{plural(alone, 'run')} {be} in {side.name} alone{_reason(c, side.name)}"
    if len(c.targets):
        yield f"{plural(len(c.targets), 'target')} on one side only"


def _reason(c: Comparison, side: str) -> str:
    """Why most of the runs of one side have no partner, in brackets."""
    alone = c.only[c.only["side"] == side].groupby("why", sort=False)["runs"].sum()
    if alone.empty:
        return ""
    return f" ({'mostly: ' if len(alone) > 1 else ''}{alone.idxmax()})"


def _by(sizes: np.ndarray) -> str:
    """How far, as a share of the larger value; of what was halved or more, that share says little."""
    largest = float(sizes.max())
    if not math.isfinite(largest):
        return ", some from or to what is not finite"
    return (
        ", some by more than half"
        if largest > 0.5
        else f" by at most a relative {number(largest, 2)}"
    )


def _verdicts(c: Comparison) -> Iterator[str]:
    count = c.verdicts["what"].value_counts()
    if count.get("verdict"):
        words = [f"{row['verdict_a']} → {row['verdict_b']}" for row in
                 c.verdicts[c.verdicts["what"] == "verdict"].to_dict("records")]  # fmt: skip
        ways = listed([f"{words.count(way)} {way}" for way in dict.fromkeys(words)])
        yield f"{count['verdict']:,} of {plural(c.verdicts_paired, 'verdict')} changed ({ways})"
    if count.get("rules"):
        yield f"{plural(int(count['rules']), 'verdict')} judged by other rules"
    if count.get("numbers"):
        moved = c.verdicts.loc[c.verdicts["what"] == "numbers", "relative"].astype(float)
        yield f"the numbers of {plural(int(count['numbers']), 'verdict')} moved{_by(moved.to_numpy())}"
    for side in (c.a, c.b):
        if count.get(side.name):
            yield f"{plural(int(count[side.name]), 'verdict')} in {side.name} alone"
