"""Runs that are not what they should be, and runs that are one observation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.counts import stands_still
from optlab.analysis.foreseen import Asked, Found, named, same_rules
from optlab.analysis.settings import pairs, rows_of
from optlab.analysis.tracks import floors, once
from optlab.analysis.words import listed, number, plural

__all__ = [
    "ENDS",
    "alike",
    "all_diverged",
    "below_minimum",
    "duplicates",
    "errors",
    "incomplete",
    "moved",
    "never_began",
    "pairs_of",
    "post_hoc",
    "rounding",
    "stalled",
]  # fmt: skip

ENDS = ["loss_first", "loss_final", "loss_best", "largest_rise"]
"""What two runs that did the same agree in to the last bit."""


def pairs_of(table: pd.DataFrame) -> Iterable[tuple[Any, Any]]:
    return zip(table["optimizer"], table["problem"], strict=True)


def errors(runs: pd.DataFrame) -> list[Found]:
    bad = once(runs[runs["status"] == "error"])
    if bad.empty:
        return []
    return [("error", f"{plural(len(bad), 'run')} stopped with an error, which says nothing about "
             f"the optimizer; run them again: {named(pairs_of(bad))}.")]  # fmt: skip


def incomplete(best: pd.DataFrame) -> list[Found]:
    bad = best[(best["errors"] > 0) & (best["settings"] > 1)]
    parts = [
        (f"{row['optimizer']} (without {plural(row['errors'], 'run')})", row["problem"])
        for _, row in bad.iterrows()
    ]
    text = (
        "Settings were chosen from incomplete runs, since some stopped with an error; another "
        f"setting may be the best: {named(parts)}."
    )
    return [("incomplete", text)] if parts else []


def all_diverged(chosen: pd.DataFrame) -> list[Found]:
    names = []
    for (problem, optimizer), mine in chosen.groupby(
        ["problem", "optimizer"], sort=False, observed=True
    ):
        if (mine["status"] == "diverged").all():
            names.append((optimizer, problem))
    text = f"Every run diverged even at the chosen setting: {named(names)}."
    return [("diverged", text)] if names else []


def never_began(runs: pd.DataFrame) -> list[Found]:
    """Runs whose loss was not a finite number before the first step."""
    ran = once(runs[runs["status"] != "error"])
    parts = []
    for problem, mine in ran.groupby("problem", sort=False, observed=True):
        bad = int((~np.isfinite(mine["loss_first"].astype(float))).sum())
        if bad:
            parts.append(f"{problem} ({bad:,} of {plural(len(mine), 'run')})")
    text = (
        f"The loss was not a finite number before the first step: {'; '.join(parts)}. That is the problem's "
        "doing, its start or its loss, and no optimizer's."
    )
    return [("diverged", text)] if parts else []


def below_minimum(runs: pd.DataFrame, manifest: dict[str, Any]) -> Iterator[Found]:
    parts = []
    for problem in manifest["problems"]:
        minimum = problem.get("minimum")
        if not minimum:
            continue
        mine = runs[runs["problem"] == problem["name"]]
        # Rounding: a loss may fall short of f* by some last bits of the numbers summed into it.
        bits = 1e-6 if manifest.get("precision") == "float32" else 1e-12
        slack = bits * max(1.0, abs(minimum["value"])) + 1e-12
        bound = minimum["value"] - (minimum.get("error") or 0.0) - slack
        below = once(mine[mine["loss_best"] < bound])
        if len(below):
            known = f"f* = {number(minimum['value'], 6)}, {minimum['provenance']}"
            parts.append(f"{plural(len(below), 'run')} on {problem['name']} ({known})")
    if parts:
        yield (
            "minimum",
            (
                f"The loss went below the minimum in {listed(parts)}: f* is wrong there, and so is every "
                "gap and target that rests on it."
            ),
        )


def stalled(chosen: pd.DataFrame, manifest: dict[str, Any]) -> list[Found]:
    bad = chosen[stands_still(chosen, manifest)]
    text = (
        f"{plural(len(bad), 'run')} stalled (the gradient became exactly zero away from a "
        f"minimum): {named(pairs_of(bad))}."
    )
    return [("stalled", text)] if len(bad) else []


def post_hoc(manifest: dict[str, Any]) -> Iterator[Found]:
    late = [f"“{c['text']}”" for c in manifest.get("claims") or [] if c["post_hoc"]]
    if late:
        yield (
            "post-hoc",
            (
                f"Claimed after runs that speak of it were there: {listed(late)}. What suggested a claim "
                "cannot confirm it; claim it in a spec of another name, on other seeds (`seeds: "
                "{experiment: 1}`)."
            ),
        )


# Runs that are one observation


def alike(chosen: pd.DataFrame, asked: Asked) -> Iterator[Found]:
    """Seeds with the same numbers are one observation, however many they are."""
    names = []
    for problem, optimizer in pairs(asked.manifest):
        mine = rows_of(chosen, problem["name"], optimizer["name"], "evaluate")
        mine = mine[mine["status"].isin(("hit", "budget"))].drop_duplicates("seed")
        distinct = len(mine[ENDS].drop_duplicates())
        if distinct < len(mine) and problem["name"] not in asked.exact:
            part = f"{optimizer['name']} ({distinct} of {plural(len(mine), 'seed')})"
            names.append((part, problem["name"]))
    if names:
        yield (
            "alike",
            (
                "Seeds gave the same numbers to the last bit and count as one observation; so many "
                f"differ: {named(names)}."
            ),
        )


def duplicates(chosen: pd.DataFrame, asked: Asked) -> Iterator[Found]:
    """Optimizers whose runs are the same to the last bit, on every seed of a problem."""
    timed = [name for name in chosen.columns if name.startswith(("reached.", "held."))]
    known = [set(names) for names in same_rules(asked.optimizers)]
    names = []
    for problem in asked.problems:
        groups: dict[bytes, list[str]] = {}
        for name in problem["optimizers"]:
            mine = rows_of(chosen, problem["name"], name, "evaluate")
            mine = mine[moved(mine, problem, asked.manifest)]
            if len(mine):
                numbers = mine.sort_values("seed")[["seed", *ENDS, *timed]].to_numpy(dtype=float)
                groups.setdefault(numbers.tobytes(), []).append(name)
        for alike in groups.values():
            if len(alike) > 1 and not any(set(alike) <= names for names in known):
                names.append((listed(alike), problem["name"]))
    if names:
        yield (
            "duplicate",
            (
                "The same numbers to the last bit on every seed, so these are one entrant and not "
                f"several: {named(names)}. Look at what was meant to differ."
            ),
        )


def moved(mine: pd.DataFrame, problem: dict[str, Any], manifest: dict[str, Any]) -> np.ndarray:
    """Which runs went somewhere and are not yet at the rounding of the minimum: equal numbers of
    others mean nothing."""
    floor = rounding(mine, problem, manifest)
    minimum = (problem.get("minimum") or {"value": 0.0})["value"]
    loss = mine["loss_final"].to_numpy(dtype=float)
    ran = mine["status"].isin(("hit", "budget")).to_numpy()
    return ran & (loss != mine["loss_first"].to_numpy(dtype=float)) & (loss - minimum > floor)


def rounding(mine: pd.DataFrame, problem: dict[str, Any], manifest: dict[str, Any]) -> float:
    first = mine["loss_first"].to_numpy(dtype=float)
    each = floors(first, problem.get("minimum"), manifest.get("precision", "float64"))
    return float(np.nanmax(each, initial=0.0))
