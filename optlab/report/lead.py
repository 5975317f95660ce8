"""The answer's one figure and one table, and what the words of the page mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from optlab import analysis
from optlab.analysis.words import SPACE, goal, listed, number, of, part, plural, steps
from optlab.report.blocks import Cell, Figures, Fold, Table
from optlab.report.checked import lead_problem
from optlab.report.facts import Facts, name_cell
from optlab.report.glossary import glossary
from optlab.report.many import ROWS, cut
from optlab.report.sentences import (
    held_most,
    held_soonest,
    left_again,
    lowest_loss,
    shares_met,
)
from optlab.theory import long_run

__all__ = ["FEW", "curves_lead", "lead", "runtime_leads"]

FEW = 4
"""Problems of which each has its own curves and rows in the answer; more are summed up."""
_WIDE = 8
"""Optimizers up to which the matrix stands in the answer, a column each."""
_LONG = 12
"""Problems up to which it does, a row each."""


Row = dict[Any, Any]


def lead(facts: Facts) -> list[Any]:
    """One figure and one table that answer the question, and the page's words. Where a checked page
    comes first, its own table and curves answer, and stand there already."""
    if lead_problem(facts) is not None:
        return glossary(facts)
    if len(facts.manifest["problems"]) <= FEW:
        return [*_curves(facts), *_few(facts), *glossary(facts)]
    return [*_runtime(facts), *_many(facts), *glossary(facts)]


def curves_lead(facts: Facts) -> bool:
    """Whether the curves of every problem stand in the answer, and therefore nowhere else."""
    return lead_problem(facts) is None and len(facts.manifest["problems"]) <= FEW


def runtime_leads(facts: Facts) -> bool:
    """Whether the runtime distribution over all problems stands in the answer."""
    return lead_problem(facts) is None and not curves_lead(facts)


# A few problems


def _curves(facts: Facts) -> list[Any]:
    pictures = [picture for _, picture in facts.curve_pictures]
    if not pictures:
        return []
    caption = curves_caption(facts)
    ends = last_values(facts)
    finding = lowest_loss(ends, "value", quantity(facts), all_exact(facts))
    return [Figures(pictures, caption, "How did the loss fall?", finding)]


def curves_caption(facts: Facts) -> str:
    """How curves of the loss are read, and what was computed."""
    known = [p for p in facts.manifest["problems"] if p.get("minimum")]
    caption = "Each line is one optimizer at its chosen setting, lower is better. "
    if known:
        caption += (
            "Where the axis says f*, the height is the gap: the loss minus f*, the smallest loss "
            "there is, so a straight line down means a constant factor each update. "
        )
    if not all_exact(facts):
        caption += (
            "With several seeds the line is the median (half of the runs lie below it) and the "
            "band runs from the lower to the upper quartile. "
        )
    if len(long_run(facts.manifest, facts.best)):
        caption += (
            "A dotted line falls as fast as theory says that its optimizer must in the long run on such a "
            "bowl; only its slope is proved. "
        )
    return caption + (
        "A cross ends a line where half of the runs had diverged, and a band that reaches the top has "
        "runs that diverged in it. A thin level line is the target, where it is one loss for all. "
        "Computed at every recorded step from the full loss, not from a batch's; what lies more "
        "than sixteen decades below the top is rounding and stands on the lower edge."
    )


def all_exact(facts: Facts) -> bool:
    """Whether each optimizer ran once on each problem, so that no number is a median."""
    chosen = facts.chosen
    counts = chosen.groupby(["problem", "optimizer"], sort=False, observed=True).size()
    return len(counts) > 0 and int(counts.max()) == 1


def quantity(facts: Facts) -> str:
    """What the last values are of: gaps where every minimum is known, losses where none is."""
    known = [bool(p.get("minimum")) for p in facts.manifest["problems"]]
    return "gap" if all(known) else "loss" if not any(known) else "value (gap or loss)"


def last_values(facts: Facts) -> pd.DataFrame:
    """The median last gap (loss where f* is not known) of each problem and optimizer at the chosen
    setting: problem, optimizer, value (+inf where half diverged), runs."""
    rows = []
    chosen = facts.chosen[facts.chosen["status"] != "error"]
    by = dict(list(chosen.groupby(["problem", "optimizer"], sort=False, observed=True)))
    for problem in facts.manifest["problems"]:
        least = (problem.get("minimum") or {"value": 0.0})["value"]
        for optimizer in problem["optimizers"]:
            mine = by.get((problem["name"], optimizer))
            if mine is None or mine.empty:
                continue
            value = float(analysis.quantile(analysis.final_loss(mine), 0.5)) - least
            rows.append((problem["name"], optimizer, value, len(mine)))
    return pd.DataFrame(rows, columns=["problem", "optimizer", "value", "runs"])


def _few(facts: Facts) -> list[Any]:
    """Reached, held, largest rise, last value: a group a problem, soonest held first."""
    ends = {key: float(row["value"]) for key, row in _by_pair(last_values(facts)).items()}
    kinds = facts.kinds[facts.kinds["selection"] == "tuned"]
    rises = {key: float(row["overshoot"]) for key, row in _by_pair(kinds).items()}
    times = deciding(facts)
    by = _by_pair(times)
    timed = bool(len(times))
    groups = []
    for problem in facts.manifest["problems"]:
        name = problem["name"]
        ran = [o for o in problem["optimizers"] if (name, o) in ends]
        rows = []
        for optimizer in ran:
            key = (name, optimizer)
            row = by.get(key)
            value = ends[key]
            cells = [name_cell(facts, optimizer)]
            if timed:
                cells += [_time_cell(facts, row, kind) for kind in ("reached", "held")]
            rise = rises.get(key, np.nan)
            cells += [Cell(part(rise), value=rise), Cell(number(value), value=value)]
            held = np.inf if row is None else float(row["held_median"])
            rows.append((held, value, cells))
        rows.sort(key=lambda row: row[:2])
        if rows:
            groups.append((_heading(facts, problem), [cells for *_, cells in rows]))
    if not groups:
        return []
    head = ["Optimizer", *(["Reached", "Held from"] if timed else []), "Largest rise", "Last"]
    table = Table(
        _few_caption(facts, timed), head, groups, frozenset(range(1, len(head))),
        question="Fastest? Most stable?", finding=_few_finding(facts, times), name="answer",
    )  # fmt: skip
    return cut(table)


def _heading(facts: Facts, problem: dict[str, Any]) -> str:
    what = "gap" if problem.get("minimum") else "loss"
    text = f"{problem['name']}: last {what}"
    if problem.get("decision"):
        text = f"{problem['name']}: {goal(problem['decision'])}; last {what}"
    exact = " (exact, for this start only)" if facts.is_exact(problem["name"]) else ""
    return f"{text} after {problem['steps']:,} updates{exact}"


def _few_caption(facts: Facts, timed: bool) -> str:
    text = "Each optimizer at its chosen setting, on evaluation runs"
    text += "" if all_exact(facts) else "; medians over seeds"
    text += ". "
    if timed:
        text += (
            "Reached: the first recorded update at which the target was met. Held from: the one from "
            "which it stayed met to the end; beside it in how many runs. “Never” is a median beyond "
            "the budget. "
            if not all_exact(facts)
            else "Reached: the first recorded update at which the target was met. Held from: the one "
            "from which it stayed met to the end. "
        )
    return text + (
        "Largest rise: of the loss above the best it had had, as a share of the gap at the start (of "
        "the loss where f* is not known). Last: the gap, the loss minus f*, where f* is known, else "
        "the loss; ∞ where half of the runs diverged."
    )


def _few_finding(facts: Facts, times: pd.DataFrame) -> str:
    if times.empty:
        return lowest_loss(last_values(facts), "value", quantity(facts), all_exact(facts))
    return f"{held_soonest(times, all_exact(facts))} {left_again(times)}"


def deciding(facts: Facts) -> pd.DataFrame:
    """Rows of `times` for the deciding target of each problem, of whatever ran."""
    decisions = {p["name"]: p.get("decision") for p in facts.manifest["problems"]}
    table = facts.times[facts.times["n"] > 0]
    return table[table["target"] == table["problem"].map(decisions)]


def _by_pair(table: pd.DataFrame) -> dict[tuple[str, str], Row]:
    """The rows of `table` by problem and optimizer."""
    return {(row["problem"], row["optimizer"]): row for row in table.to_dict("records")}


def _time_cell(facts: Facts, row: Row | None, kind: str) -> Cell:
    """A median time, below it in how many runs; a time that was never sorts last."""
    if row is None:
        return Cell("–", value=np.nan)
    median = float(row[f"{kind}_median"])
    text = steps(median) if np.isfinite(median) else "never"
    if facts.is_exact(row["problem"]) or row["n"] == 1:
        return Cell(text, value=median)
    if not np.isfinite(median):
        text = steps(median, row["budget"])
    share = of(row[f"{kind}_n"], row["n"])
    return Cell(text.replace(" ", SPACE), small=share.replace(" ", SPACE), value=median)


# Many problems


def _runtime(facts: Facts) -> list[Any]:
    pictures = facts.runtime_pictures[:1]
    if not pictures:
        return []
    shares = analysis.runtime_shares(facts.hits)
    question = "How much was reached how soon, over all problems?"
    return [Figures(pictures, shares_caption(facts), question, shares_met(shares))]


def shares_caption(facts: Facts) -> str:
    """How a runtime distribution is read."""
    levels = analysis.LEVELS
    unknown = [p["name"] for p in facts.manifest["problems"] if not p.get("minimum")]
    left = ""
    if unknown:
        named = listed(unknown) if len(unknown) <= FEW else plural(len(unknown), "problem")
        left = f" Without {named}, where f* is not known."
    return (
        "How much was reached how soon, over many targets at once: the share of all problems, starts "
        f"and {len(levels)} targets (a gap of {number(levels[0])} down to {number(levels[-1])} of "
        "that at the start, evenly in decades) that had been met within so many gradient evaluations, "
        "known to the next recorded step. "
        "Higher and further left is better; where a line ends, the rest was not met within the "
        "budget. Met is met once: it may be lost again. Targets of one run hang together, so no "
        f"interval is drawn.{left}"
    )


def _many(facts: Facts) -> list[Any]:
    """The matrix of medians where it is small; else how many problems each held, and the matrix
    folded. Without targets: the last values."""
    costs = facts.costs.dropna(how="all")
    if costs.empty:
        return _last_matrix(facts)
    matrix = _matrix(facts, costs)
    if costs.shape[0] <= _LONG and costs.shape[1] <= _WIDE:
        return [matrix]
    inner = replace(
        matrix, name="matrix", question="Who held the target on each problem, and how soon?",
        finding=held_soonest(deciding(facts), all_exact(facts)),
    )  # fmt: skip
    title = f"Problem by problem: {costs.shape[0]} problems by {costs.shape[1]} optimizers"
    return [*_summary(facts, costs), Fold(title, [inner])]


def _matrix(facts: Facts, costs: pd.DataFrame) -> Table:
    times = _by_pair(deciding(facts))
    budgets = {p["name"]: p["steps"] for p in facts.manifest["problems"]}
    rows = []
    for problem, mine in zip(map(str, costs.index), costs.to_numpy(float), strict=True):
        first = _least(mine)
        cells = [Cell(problem, small=f"within {budgets[problem]:,}")]
        for optimizer, ahead in zip(map(str, costs.columns), first, strict=True):
            cells.append(_held_cell(times.get((problem, optimizer)), ahead))
        rows.append(cells)
    caption = (
        "Updates to hold the problem’s target, the median over evaluation runs at the chosen setting, "
        "and in how many runs it was held. ● marks the fastest of a problem, ties each; “> T” is a "
        "median beyond the budget T of its problem, a dash what was not run."
    )
    head = ["Problem", *map(str, costs.columns)]
    return Table(
        caption, head, [("", rows)], frozenset(range(1, len(head))),
        question="Who held the target, and how soon?", finding=held_most(costs), name="answer",
    )  # fmt: skip


def _least(values: np.ndarray) -> np.ndarray:
    """Which of `values` is the least finite one; ties each."""
    known = values[np.isfinite(values)]
    return values == known.min() if len(known) else np.zeros(len(values), dtype=bool)


def _held_cell(row: Row | None, first: bool) -> Cell:
    if row is None:
        return Cell("–", value=np.nan)
    median = float(row["held_median"])
    text = steps(median, row["budget"]).replace(" ", SPACE)
    share = f"{row['held_n']:,}{SPACE}of{SPACE}{row['n']:,}"
    return Cell(f"●{SPACE}{text}" if first else text, small=share, value=median)


def _summary(facts: Facts, costs: pd.DataFrame) -> list[Any]:
    """One row an optimizer: on how many problems it held, was the fastest, was within twice that."""
    ratios = costs.div(costs.replace(np.inf, np.nan).min(axis=1), axis=0)
    rows = []
    for optimizer in costs.columns:
        ran = int(costs[optimizer].notna().sum())
        mine = ratios.loc[costs[optimizer].notna(), optimizer].fillna(np.inf)
        held = int(np.isfinite(costs[optimizer]).sum())
        first, near = int((mine <= 1).sum()), int((mine <= 2).sum())
        middle = float(analysis.quantile(mine, 0.5)) if ran else np.nan
        share = held / ran if ran else np.nan
        cells = [
            name_cell(facts, str(optimizer)),
            Cell(f"{held:,}{SPACE}of{SPACE}{ran:,}", value=share),
            Cell(f"{first:,}", value=first),
            Cell(f"{near:,}", value=near),
            Cell(f"{number(middle)}×" if np.isfinite(middle) else "not half", value=middle),
        ]
        rows.append((-share, middle, cells))
    rows.sort(key=lambda row: row[:2])
    caption = (
        f"Over {plural(len(costs), 'problem')} with a target, each optimizer at its chosen setting, by "
        "the median time to hold the target. Held on: problems on which more than half of its runs "
        "did. Fastest on: ties count for each. Times the fastest: how many times the fastest one’s "
        "updates it took, the median over problems, never counted as never. Read who leads: who is "
        "second by that ratio depends on who else takes part."
    )
    head = ["Optimizer", "Held on", "Fastest on", "Within twice that", "Times the fastest"]
    table = Table(
        caption, head, [("", [cells for *_, cells in rows])], frozenset({1, 2, 3, 4}),
        question="Who held the target, on how many problems?", finding=held_most(costs),
        name="answer",
    )  # fmt: skip
    return cut(table) if len(rows) > 2 * ROWS else [table]


def _last_matrix(facts: Facts) -> list[Any]:
    """Without any target: the median last value of each."""
    ends = last_values(facts)
    if ends.empty:
        return []
    wide = ends.pivot(index="problem", columns="optimizer", values="value")
    wide = wide.reindex(index=ends["problem"].unique(), columns=ends["optimizer"].unique())
    known = {p["name"]: "gap" if p.get("minimum") else "loss" for p in facts.manifest["problems"]}
    rows = []
    for problem, mine in zip(map(str, wide.index), wide.to_numpy(float), strict=True):
        cells = [Cell(problem, small=known[problem])]
        for value, first in zip(mine, _least(mine), strict=True):
            mark = f"●{SPACE}" if first else ""
            cells.append(Cell(f"{mark}{number(float(value))}", value=float(value)))
        rows.append(cells)
    caption = (
        "No problem has a target, so the last value stands for the result: the gap where f* is known, "
        "else the loss, the median over evaluation runs at the chosen setting. ● marks the lowest of a "
        "problem, ∞ is what diverged in half of its runs."
    )
    head = ["Problem", *map(str, wide.columns)]
    finding = lowest_loss(ends, "value", quantity(facts), all_exact(facts))
    table = Table(
        caption, head, [("", rows)], frozenset(range(1, len(head))),
        question="Where did each end?", finding=finding, name="answer",
    )  # fmt: skip
    return [table]
