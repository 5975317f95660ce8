"""What each comes to over all problems: scores, who beats whom how often, what tuning costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optlab import analysis
from optlab.analysis.words import SPACE, number, percent, plural
from optlab.report.blocks import Cell, Fold, Table
from optlab.report.facts import Facts, name_cell
from optlab.report.many import cut
from optlab.report.sentences import few, first_of_each, leaders

__all__ = ["likelier", "overall", "solved_within", "tunability_table"]

_LEVELS = (1e-2, 1e-4, 1e-6)
"""Shares of the starting gap at which a data profile is read."""
_PARTS = (0.1, 0.25, 1.0)
"""Parts of the largest budget at which it is read."""
_MANY = 8
"""Optimizers up to which every pair is compared."""


def overall(facts: Facts) -> list[Any]:
    """Aggregates, who beats whom, and data profiles, in one fold; where there are two problems with a
    known minimum and two optimizers at least."""
    scores = facts.normal_scores
    if scores["problem"].nunique() < 2 or scores["optimizer"].nunique() < 2:
        return []
    blocks = [*_aggregates(facts), *_solved(facts), *_improvements(facts)]
    return (
        [Fold("Over all problems: scores, and who does better how often", blocks)] if blocks else []
    )


def _aggregates(facts: Facts) -> list[Any]:
    table = analysis.aggregates(facts.normal_scores)
    if table.empty:
        return []
    table = table.sort_values("iqm", ascending=False, kind="stable")
    rows = [
        [
            name_cell(facts, row["optimizer"], row["selection"]),
            _with_interval(row, "iqm"),
            _with_interval(row, "optimality_gap"),
            Cell(f"{row['problems']:,}"),
            Cell(f"{row['seeds']:,}"),
        ]
        for row in table.to_dict("records")
    ]
    note = next((text for text in table["note"] if text), "")
    caption = (
        "Each run earns a score from 0 to 1: how much of the way from its start to the target, in "
        "decades of the gap, was gone at the end of the budget; 0 for a run that diverged. IQM, the "
        "interquartile mean, is the mean of the middle half of all scores; the optimality gap is what "
        "the mean lacks to 1. Intervals (95 %, percentile bootstrap) draw seeds anew within problems, "
        f"so they speak of these problems.{f' No interval: {note}.' if note else ''}"
    )
    tuned = table[table["selection"] == "tuned"]
    head = ["Optimizer", "IQM", "Optimality gap", "Problems", "Seeds"]
    inner = Table(
        caption, head, [("", rows)], frozenset({1, 2, 3, 4}), name="scores",
        question="How much of the way was gone, over all problems?", finding=highest_score(tuned),
    )  # fmt: skip
    return cut(inner)


def highest_score(table: pd.DataFrame) -> str:
    """Whose interquartile mean is the highest: rows of `aggregates` of one selection."""
    by = table.set_index("optimizer")["iqm"]
    first, last = leaders(by, higher=True), leaders(by)
    if not first:
        return ""
    if float(by.max()) == float(by.min()):
        return f"In these runs every interquartile mean is {number(float(by.max()))}."
    return (
        f"In these runs the highest interquartile mean is that of {few(first)} "
        f"({number(float(by.max()))}), the lowest that of {few(last)} ({number(float(by.min()))})."
    )


def _with_interval(row: dict[Any, Any], name: str) -> Cell:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    small = "" if np.isnan(low) else f"[{number(low)},{SPACE}{number(high)}]"
    return Cell(number(row[name]), small=small, value=row[name])


def _improvements(facts: Facts) -> list[Any]:
    scores = facts.normal_scores[facts.normal_scores["selection"] == "tuned"]
    names = list(scores["optimizer"].unique())
    pairs = [names]
    if len(names) > _MANY:
        leader = str(scores.groupby("optimizer", sort=False)["score"].mean().idxmax())
        pairs = [[leader, name] for name in names if name != leader]
    table = pd.concat([analysis.improvements(scores[scores["optimizer"].isin(p)]) for p in pairs])
    if table.empty:
        return []
    apart = (table["probability"] - 0.5).abs()
    table = table.iloc[np.argsort(-apart.to_numpy(), kind="stable")]
    rows = []
    for row in table.to_dict("records"):
        a, b, ends = row["a"], row["b"], (row["low"], row["high"])
        p = row["probability"]
        if p < 0.5:
            a, b, p, ends = b, a, 1 - p, (1 - ends[1], 1 - ends[0])
        small = "" if np.isnan(ends[0]) else f"[{number(ends[0])},{SPACE}{number(ends[1])}]"
        rows.append(
            [name_cell(facts, a), name_cell(facts, b), Cell(number(p), small=small, value=p)]
        )
    caption = (
        "EXPLORATORY. The chance that a run of the first scores higher than one of the second, ties "
        "counted half, the mean over problems; 0.5 is no difference. The one with the higher chance "
        "stands first, the furthest apart on top. Intervals as above, seeds drawn for both at once."
    )
    if len(names) > _MANY:
        caption += (
            f" Of {len(names)} optimizers only the pairs of the one with the best mean score."
        )
    inner = Table(
        caption, ["Optimizer", "Against", "Chance"], [("", rows)], frozenset({2}),
        question="Who scores higher, how often?", finding=likelier(table), name="improvements",
    )  # fmt: skip
    return cut(inner, rows="pair")


def likelier(table: pd.DataFrame) -> str:
    """The pair furthest from an even chance: rows of `improvements`."""
    p = table["probability"].to_numpy(dtype=float)
    row = table.iloc[int(np.abs(p - 0.5).argmax())]
    chance = float(row["probability"])
    if chance == 0.5:
        return "In these runs every pair came out even."
    a, b = (row["a"], row["b"]) if chance > 0.5 else (row["b"], row["a"])
    chance = max(chance, 1 - chance)
    if len(table) == 1:
        return f"In these runs {a} scored higher than {b} with a chance of {number(chance)}."
    return (
        f"Of {plural(len(table), 'pair')} the furthest from even: {a} scored higher than {b} with a "
        f"chance of {number(chance)}."
    )


def _solved(facts: Facts) -> list[Any]:
    """A data profile, read at a few tolerances and budgets."""
    hits = facts.hits
    if hits.empty:
        return []
    budget = float(hits["budget"].max())
    groups = []
    shares = {}
    for level in _LEVELS:
        profile = analysis.data_profile(hits, level)
        rows = []
        for optimizer in hits["optimizer"].unique():
            mine = profile[profile["optimizer"] == optimizer]
            at = [_share_at(mine, part * budget) for part in _PARTS]
            shares[level, str(optimizer)] = at[-1]
            rows.append((at[::-1], [name_cell(facts, str(optimizer)), *map(_share_cell, at)]))
        rows.sort(key=lambda row: row[0], reverse=True)
        groups.append((f"Gap down to {number(level)} of its start", [cells for _, cells in rows]))
    caption = (
        "A data profile (More and Wild 2009), read at three tolerances and three budgets: the share of "
        "all (problem, seed) pairs solved within so many gradient evaluations, f* known. Unlike a "
        "performance profile it does not depend on who else takes part."
    )
    head = ["Optimizer", *(f"Within {part * budget:,.0f}" for part in _PARTS)]
    inner = Table(
        caption, head, groups, frozenset({1, 2, 3}), name="data-profile",
        question="What share is solved within a budget, to which accuracy?",
        finding=solved_within(shares),
    )  # fmt: skip
    return cut(inner, "accuracy")


def _share_at(profile: pd.DataFrame, budget: float) -> float:
    known = profile[profile["evals"] <= budget]
    return float(known["share"].iloc[-1]) if len(known) else 0.0


def _share_cell(share: float) -> Cell:
    return Cell(f"{100 * share:.0f}{SPACE}%", value=share)


def solved_within(shares: dict[tuple[float, str], float]) -> str:
    """Who solved most at the finest tolerance: `shares` by (tolerance, optimizer) at the whole budget."""
    finest = min(level for level, _ in shares)
    by = pd.Series({name: share for (level, name), share in shares.items() if level == finest})
    best = leaders(by, higher=True)
    if by.max() == 0:
        return f"To {number(finest)} of the starting gap nothing was solved within the budget."
    each = " each" if len(best) > 1 else ""
    return (
        f"To {number(finest)} of the starting gap {few(best)} solved the most within the whole budget, "
        f"{percent(by.max())} of problems and seeds{each}."
    )


def tunability_table(facts: Facts) -> list[Any]:
    """How near to the target the best of few trials comes, in one number with three weights."""
    table = facts.tuning[facts.tuning["measure"] == "shortfall"]
    if table.empty or not np.isfinite(table["median"]).all():
        return []
    found = []
    for (problem, optimizer), mine in table.groupby(["problem", "optimizer"], sort=False):
        told = mine.sort_values("n")
        # Of very many trials not every n is told: between two the mean goes straight.
        curve = np.interp(np.arange(1, told["trials"].iloc[0] + 1), told["n"], told["mean"])
        each = {w: analysis.tunability(curve, w) for w in ("early", "even", "peak")}
        found.append({"problem": problem, "optimizer": optimizer, **each})
    rows = pd.DataFrame(found)
    groups = []
    for problem, mine in rows.sort_values("early", kind="stable").groupby("problem", sort=False):
        lines = [
            [name_cell(facts, row["optimizer"]),
             *(Cell(number(row[w]), value=row[w]) for w in ("early", "even", "peak"))]
            for row in mine.to_dict("records")
        ]  # fmt: skip
        groups.append((str(problem), lines))
    caption = (
        "How much of the way to the target, in decades of the gap, the best of n settings still lacks "
        "(0: got there, 1: no way at all), weighed over n: early counts small n most, even all alike, "
        "peak the last only (Sivaprasad et al. 2020). The less, the easier to tune. By the runs on "
        "which settings were chosen."
    )
    head = ["Optimizer", "Early", "Even", "Peak"]
    finding = (
        f"With early trials weighed most the least is lacking for {first_of_each(rows, 'early')}."
    )
    if rows["optimizer"].nunique() == 1:
        finding = (
            f"With early trials weighed most it lacks between {number(rows['early'].min())} and "
            f"{number(rows['early'].max())} of the way."
        )
    inner = Table(
        caption, head, groups, frozenset({1, 2, 3}), name="tunability",
        question="How easy is each to tune?", finding=finding,
    )  # fmt: skip
    return [Fold("How easy is each to tune, in one number?", cut(inner))]
