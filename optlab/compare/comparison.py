"""Two sides -> what changed between them. Nothing here touches the disk or prints."""

from __future__ import annotations

import fnmatch
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from optlab.compare.problems import causes, entries, parameters_text, refusal
from optlab.compare.runs import TIMED, changes, lonely, outcomes, pair
from optlab.compare.side import CompareError, Side, taken
from optlab.compare.verdicts import compare_verdicts
from optlab.results import Results

__all__ = ["TOLERANCE", "Comparison", "compare"]

TOLERANCE = {"float64": 1e-9, "float32": 1e-4}
"""Relative, by the precision of the runs: above rounding that another version or processor brings
to a short run, below anything that one would call a result."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """What changed from `a` to `b`, in words A and B, or whatever their `name` is.

    `paired`: runs held against each other. `statuses`, `numbers`: a row for each value of a run that
    changed (problem, optimizer, run_id, role, seed, setting, column, a, b; numbers: relative).
    `only`: side, problem, optimizer, runs, seeds, why. `refused`: problems that are not the same or
    not known to be: problem, other (its name in b), runs, probe, probes, quantity, a, b, why.
    `targets`: side, problem, target, of targets that only one side has. `verdicts`: see
    `compare_verdicts`. `notes`: what could not be compared and is no change. `causes`: what else
    differs and may be why.
    """

    a: Side
    b: Side
    rtol: float
    atol: float
    paired: int
    counts: pd.DataFrame
    """problem, optimizer, paired: how many runs of each were paired, in the order of a."""
    statuses: pd.DataFrame
    numbers: pd.DataFrame
    only: pd.DataFrame
    refused: pd.DataFrame
    targets: pd.DataFrame
    verdicts: pd.DataFrame
    verdicts_paired: int
    notes: tuple[str, ...]
    causes: tuple[str, ...]
    names: pd.DataFrame
    """What the pairs of runs are called on either side: problem_a, problem_b, optimizer_a,
    optimizer_b."""
    strangers: pd.DataFrame
    """The problems of `b` that are not known to be those of `a` which have their name, whether runs
    were paired on them or not: problem (its name in a), other (in b), why."""

    @property
    def changed(self) -> int:
        """How many of the paired runs changed."""
        rows = pd.concat(
            [t[["problem", "optimizer", "run_id"]] for t in (self.statuses, self.numbers)]
        )
        return len(rows.drop_duplicates())

    @property
    def same(self) -> bool:
        """Whether nothing changed and everything was compared."""
        tables = (self.statuses, self.numbers, self.only, self.refused, self.targets, self.verdicts)
        return self.paired > 0 and all(table.empty for table in tables)


def compare(
    a: Results | Side,
    b: Results | Side,
    *,
    rtol: float | None = None,
    atol: float = 0.0,
    only: str = "",
    names: tuple[str, str] = ("A", "B"),
) -> Comparison:
    """Hold `b` against `a`, run by run and verdict by verdict.

    Two numbers agree to `atol + rtol * the larger size`; `rtol` is `TOLERANCE` unless it is given,
    and with both 0 the bits must be the same. `only`: PROBLEM or PROBLEM/OPTIMIZER, either with
    wildcards. `names`: how sentences call the two. CompareError where a table is damaged, or `only` names nothing that is there.
    """
    a, b = (
        replace(side if isinstance(side, Side) else taken(side), name=name)
        for side, name in zip((a, b), names, strict=True)
    )
    if only:
        a, b = _only(a, b, only)
    if rtol is None:
        rtol = max(TOLERANCE.get(str(s.manifest.get("precision")), 1e-9) for s in (a, b))
    pairs = pair(a.runs, b.runs)
    left = np.setdiff1d(np.arange(len(a.runs)), pairs["i"])
    right = np.setdiff1d(np.arange(len(b.runs)), pairs["j"])
    problems = pd.DataFrame(
        {
            "a": a.runs["problem"].to_numpy()[pairs["i"]],
            "b": b.runs["problem"].to_numpy()[pairs["j"]],
        }
    )
    refused = _refused(a, b, problems)
    held = ~_within(problems, refused[["problem", "other"]])
    kept = pairs[held]
    rows_a = a.runs.iloc[kept["i"]].reset_index(drop=True)
    rows_b = b.runs.iloc[kept["j"]].reset_index(drop=True)
    statuses, numbers = changes(rows_a, rows_b, rtol, atol)
    together = problems[held].drop_duplicates()
    called = pd.DataFrame(
        {
            f"{kind}_{side}": rows[kind]
            for kind in ("problem", "optimizer")
            for side, rows in (("a", rows_a), ("b", rows_b))
        }
    ).drop_duplicates(ignore_index=True)
    strangers = _strangers(a, b, called, refused)
    verdicts, verdicts_paired, notes = compare_verdicts(
        a, b, rtol, atol, {*strangers["problem"], *strangers["other"]}
    )
    return Comparison(
        a=a, b=b, rtol=rtol, atol=atol, paired=len(kept),
        counts=rows_a.groupby(["problem", "optimizer"], sort=False).size().reset_index(name="paired"),
        statuses=statuses, numbers=numbers, only=lonely(a, b, left, right), refused=refused,
        targets=_targets(a, b, together), verdicts=verdicts, verdicts_paired=verdicts_paired,
        notes=(*_renamed(called, a, b), *_columns(a, b), *notes),
        causes=tuple(causes(a, b, together)), names=called, strangers=strangers,
    )  # fmt: skip


def _only(a: Side, b: Side, pattern: str) -> tuple[Side, Side]:
    """Both sides with nothing but the runs and verdicts of the problems and optimizers meant."""
    problem, _, optimizer = pattern.partition("/")
    optimizer = optimizer or "*"

    def chosen(side: Side) -> Side:
        runs, verdicts = side.runs, side.verdicts
        here = _like(runs["problem"], problem) & _like(runs["optimizer"], optimizer)
        if verdicts is not None:
            either = _like(verdicts["a"], optimizer) | _like(verdicts["b"], optimizer)
            verdicts = verdicts[_like(verdicts["problem"], problem) & either]
        return replace(side, runs=runs[here].reset_index(drop=True), verdicts=verdicts)

    few = chosen(a), chosen(b)
    if all(side.runs.empty for side in few):
        runs = pd.concat([a.runs, b.runs])
        raise CompareError(
            f"--only {pattern}: no run is of that; the problems are "
            f"{', '.join(runs['problem'].unique())}, the optimizers "
            f"{', '.join(runs['optimizer'].unique())} (PROBLEM or PROBLEM/OPTIMIZER, * for any)"
        )
    return few


def _like(names: pd.Series, pattern: str) -> pd.Series:
    fits = [name == pattern or fnmatch.fnmatchcase(name, pattern) for name in names]
    return pd.Series(fits, index=names.index, dtype=bool)


def _refused(a: Side, b: Side, names: pd.DataFrame) -> pd.DataFrame:
    """The problems that runs were paired on and that are not known to be the same."""
    ours, theirs = entries(a), entries(b)
    rows: list[dict[str, Any]] = []
    for p, q, n in names.value_counts(sort=False).reset_index().itertuples(index=False, name=None):
        if p in ours and q in theirs:
            why = refusal(ours[p], theirs[q], (a.name, b.name))
        else:
            why = {"probe": 0, "probes": 0, "quantity": "", "a": math.nan, "b": math.nan,
                   "why": "the manifest does not know it"}  # fmt: skip
        # A problem that breaks has no fingerprint: that its runs are errors says what there is to say.
        broke = _broke(a, p) and not ours.get(p, {}).get("fingerprint")
        broke |= _broke(b, q) and not theirs.get(q, {}).get("fingerprint")
        if why is not None and not broke:
            rows.append({"problem": p, "other": q, "runs": n} | why)
    columns = ["problem", "other", "runs", "probe", "probes", "quantity", "a", "b", "why"]
    return pd.DataFrame(rows, columns=pd.Index(columns))


def _strangers(a: Side, b: Side, called: pd.DataFrame, refused: pd.DataFrame) -> pd.DataFrame:
    names = dict(zip(called["problem_b"], called["problem_a"], strict=True))
    ours, theirs = entries(a), entries(b)
    rows = list(refused[["problem", "other", "why"]].itertuples(index=False, name=None))
    for other in b.runs["problem"].unique():
        name = names.get(other, other)
        known = other in theirs and name in ours
        if other in set(refused["other"]) or not known or _broke(a, name) or _broke(b, other):
            continue
        why = refusal(ours[name], theirs[other], (a.name, b.name))
        if why is not None:
            told = parameters_text(ours[name], theirs[other], (a.name, b.name))
            rows.append((name, other, told or why["why"]))
    return pd.DataFrame(rows, columns=pd.Index(["problem", "other", "why"]))


def _broke(side: Side, problem: str) -> bool:
    return bool((side.runs["status"][side.runs["problem"] == problem] == "error").all())


def _within(names: pd.DataFrame, some: pd.DataFrame) -> np.ndarray:
    listed = set(some.itertuples(index=False, name=None))
    return np.array([row in listed for row in names.itertuples(index=False, name=None)], dtype=bool)


def _targets(a: Side, b: Side, names: pd.DataFrame) -> pd.DataFrame:
    """Targets that only one side has, of problems that both have."""
    ours, theirs = entries(a), entries(b)
    rows = []
    for p, q in names.itertuples(index=False, name=None):
        first, second = (
            [str(t["label"]) for t in entry.get("targets", [])] for entry in (ours[p], theirs[q])
        )
        rows += [(a.name, p, t) for t in first if t not in second]
        rows += [(b.name, q, t) for t in second if t not in first]
    return pd.DataFrame(rows, columns=pd.Index(["side", "problem", "target"]))


def _renamed(called: pd.DataFrame, a: Side, b: Side) -> list[str]:
    told = []
    for kind in ("problem", "optimizer"):
        names = dict.fromkeys(zip(called[f"{kind}_a"], called[f"{kind}_b"], strict=True))
        told += [
            f"the {kind} that {a.name} calls {p} is called {q} in {b.name}; its runs are the same "
            "and are paired"
            for p, q in names
            if p != q
        ]
    return told


def _columns(a: Side, b: Side) -> list[str]:
    """Outcomes that only one side tells of any run: written by another version, mostly."""
    told = []
    for ours, theirs in ((a, b), (b, a)):
        known = set(outcomes(theirs.runs))
        alone = [
            name
            for name in outcomes(ours.runs)
            if name not in known and not name.startswith(TIMED) and ours.runs[name].notna().any()
        ]
        if alone:
            told.append(
                f"not compared, since {theirs.name} does not have it: {', '.join(alone)} "
                f"({ours.name})"
            )
    return told
