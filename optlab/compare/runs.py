"""Runs of two folders: paired by identity, held against each other, and why some have no partner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.words import exact, listed, plural
from optlab.compare.problems import entries, parameters_text, refusal
from optlab.compare.side import IDENTITY, KEY, Side

__all__ = ["agree", "changes", "lonely", "outcomes", "pair", "relative", "settings"]

TIMED = ("reached.", "held.", "worst_after.")
"""Columns that a target brings."""


def pair(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Positions (i, j) of the rows that are one run: first those of the same names, then those that
    stand under another name of problem or optimizer."""
    left, right = a[KEY].assign(i=np.arange(len(a))), b[KEY].assign(j=np.arange(len(b)))
    same = left.merge(right, on=KEY)[["i", "j"]]
    left, right = left[~left["i"].isin(same["i"])], right[~right["j"].isin(same["j"])]
    left = left.assign(nth=left.groupby("run_id").cumcount())
    right = right.assign(nth=right.groupby("run_id").cumcount())
    other = left.merge(right, on=["run_id", "nth"])[["i", "j"]]
    return pd.concat([same, other]).sort_values(["i", "j"], ignore_index=True)


def outcomes(table: pd.DataFrame) -> list[str]:
    """The columns that say what came of a run, in numbers (truth is 0 or 1)."""
    return [
        name
        for name in table.columns
        if name not in IDENTITY
        and not name.startswith("hyper.")
        and (pd.api.types.is_numeric_dtype(table[name]) or table[name].isna().all())
    ]


def changes(
    a: pd.DataFrame, b: pd.DataFrame, rtol: float, atol: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What changed from row k of `a` to row k of `b`, the same run: the statuses, and the numbers
    beyond tolerance. Columns: problem, optimizer, run_id, role, seed, setting, column, a, b; for
    numbers also relative (the change over the larger size, +inf from or to what is not finite)."""
    about = a[["problem", "optimizer", "run_id", "role", "seed"]].assign(setting=settings(a))
    moved = a["status"].to_numpy(dtype=object) != b["status"].to_numpy(dtype=object)
    statuses = about[moved].assign(column="status", a=a["status"][moved], b=b["status"][moved])
    parts = []
    for name in outcomes(a):
        if name not in b or name not in outcomes(b):
            continue
        x, y = _doubles(a[name]), _doubles(b[name])
        # A gap is the difference of a loss and a minimum, and has the rounding of the loss.
        size = np.maximum(_size(a, "loss_final"), _size(b, "loss_final")) if name == "gap" else 0.0
        off = ~agree(x, y, rtol, atol, size)
        parts.append(
            about[off].assign(column=name, a=x[off], b=y[off], relative=relative(x, y)[off])
        )
    empty = about[:0].assign(column="", a=0.0, b=0.0, relative=0.0)
    numbers = pd.concat([p for p in parts if len(p)] or [empty])
    return statuses.reset_index(drop=True), numbers.sort_index(kind="stable", ignore_index=True)


def _doubles(column: pd.Series) -> np.ndarray:
    return column.astype(float).to_numpy()


def _size(table: pd.DataFrame, name: str) -> np.ndarray:
    values = np.abs(_doubles(table[name])) if name in table else np.zeros(len(table))
    return np.where(np.isfinite(values), values, 0.0)


def agree(x: np.ndarray, y: np.ndarray, rtol: float, atol: float, size: Any = 0.0) -> np.ndarray:
    """Where x and y are the same to `atol + rtol * max(|x|, |y|, size)`. NaN is NaN, an infinity
    only itself; where both tolerances are 0, zero has a sign."""
    same = (x == y) | (np.isnan(x) & np.isnan(y))
    if rtol == 0 and atol == 0:
        return same & ((np.signbit(x) == np.signbit(y)) | np.isnan(x))
    finite = np.isfinite(x) & np.isfinite(y)
    with np.errstate(invalid="ignore", over="ignore"):
        scale = np.maximum(np.maximum(np.abs(x), np.abs(y)), size)
        return same | (finite & (np.abs(x - y) <= atol + rtol * scale))


def relative(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """|x - y| over the larger of both sizes; +inf where one of two that differ is not finite."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        share = np.abs(x - y) / np.maximum(np.abs(x), np.abs(y))
    same = (x == y) | (np.isnan(x) & np.isnan(y))
    return np.where(same, 0.0, np.where(np.isfinite(x) & np.isfinite(y), share, np.inf))


def settings(table: pd.DataFrame) -> list[str]:
    """Each row's setting in words, `lr 0.1, beta 0.9`; hyperparameters that are not its optimizer's
    are NaN."""
    names = [name for name in table.columns if name.startswith("hyper.")]
    told = []
    for values in table[names].to_numpy(dtype=float):
        own = [f"{n[6:]} {exact(v)}" for n, v in zip(names, values, strict=True) if not np.isnan(v)]
        told.append(", ".join(sorted(own)))
    return told


# --- runs without a partner ---


def lonely(a: Side, b: Side, left: np.ndarray, right: np.ndarray) -> pd.DataFrame:
    """The rows of a at `left` and of b at `right`, which have no partner: side, problem, optimizer,
    runs, seeds (how many), why."""
    rows = [*_lonely(a, b, (a, b), left), *_lonely(b, a, (a, b), right)]
    columns = ["side", "problem", "optimizer", "runs", "seeds", "why"]
    return pd.DataFrame(rows, columns=pd.Index(columns))


def _lonely(
    ours: Side, theirs: Side, order: tuple[Side, Side], places: np.ndarray
) -> Iterable[dict[str, Any]]:
    """What stands at `places` of ours and not in theirs; `order`: both, the first first."""
    mine = ours.runs.assign(setting=settings(ours.runs)).iloc[places]
    other = theirs.runs.assign(setting=settings(theirs.runs))
    for key, rows in mine.groupby(["problem", "optimizer"], sort=False):
        problem, optimizer = (str(part) for part in key)
        counterpart = other[(other["problem"] == problem) & (other["optimizer"] == optimizer)]
        asked = _asked_otherwise(*order, problem)
        known = set(entries(theirs))
        why = asked or _why(theirs.name, rows, counterpart, problem, optimizer, known)
        yield {
            "side": ours.name, "problem": problem, "optimizer": optimizer, "runs": len(rows),
            "seeds": rows["seed"].nunique(), "why": why,
        }  # fmt: skip


def _asked_otherwise(a: Side, b: Side, problem: str) -> str:
    """What makes every run on the problem another run."""
    first, second = entries(a).get(problem), entries(b).get(problem)
    if first is None or second is None:
        return ""
    told = parameters_text(first, second, (a.name, b.name))
    if told:
        alike = " (its fingerprint is the same, yet its runs have another identity)"
        same = refusal(first, second) is None
        return f"{problem} has other parameters: {told}{alike if same else ''}"
    pairs = {
        "steps": (first.get("steps"), second.get("steps")),
        "precision": (a.manifest.get("precision"), b.manifest.get("precision")),
        "the experiment's seed": (_seed(a.manifest), _seed(b.manifest)),
    }
    differ = [f"{n} {x} in {a.name}, {y} in {b.name}" for n, (x, y) in pairs.items() if x != y]
    return ", ".join(differ)


def _seed(manifest: Mapping[str, Any]) -> Any:
    return (manifest.get("seeds") or {}).get("experiment")


def _why(
    there: str, rows: pd.DataFrame, other: pd.DataFrame, problem: str, optimizer: str,
    known: set[str],
) -> str:  # fmt: skip
    if problem not in known:
        return f"{problem} is not in {there}"
    if other.empty:
        return f"{optimizer} was not run on {problem} in {there}"
    if "rule" in rows and "rule" in other:
        rules, others = set(rows["rule"]), set(other["rule"])
        if not rules & others:
            return f"{optimizer} is {listed(sorted(rules))} here and {listed(sorted(others))} there"
    tried = set(other["setting"])
    new = [s for s in dict.fromkeys(rows["setting"]) if s not in tried]
    if new:
        return f"not tried in {there}: {_some(new)}"
    seeds = set(zip(other["role"], other["seed"], strict=True))
    drawn = dict.fromkeys(zip(rows["role"], rows["seed"], strict=True))
    unseen = [f"{role} seed {seed}" for role, seed in drawn if (role, seed) not in seeds]
    if unseen:
        return f"not run in {there}: {_some(unseen)}"
    ran = set(zip(other["setting"], other["role"], other["seed"], strict=True))
    if not set(zip(rows["setting"], rows["role"], rows["seed"], strict=True)) & ran:
        return f"these settings were run on other seeds in {there}"
    return (
        "the same setting and seed, but another identity: an option of the optimizer that is no "
        "number, or the file that rule or problem is from"
    )


def _some(texts: list[str], most: int = 3) -> str:
    shown = "; ".join(texts[:most])
    rest = len(texts) - most
    return shown if rest <= 0 else f"{shown}; and {plural(rest, 'other')}"
