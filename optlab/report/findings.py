"""What happened: the sections that show it, from curves to paths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optlab import analysis
from optlab.analysis.words import goal, number, of, pairs_text, steps
from optlab.figures import drawable
from optlab.report import drawings
from optlab.report.animation import animations
from optlab.report.blocks import Cell, Figures, Fold, Table, Text
from optlab.report.calm import rates
from optlab.report.checked import lead_problem
from optlab.report.facts import Facts, chosen_cell, default_cell, name_cell
from optlab.report.lead import (
    all_exact,
    curves_caption,
    curves_lead,
    last_values,
    quantity,
)
from optlab.report.many import figures_cut
from optlab.report.sentences import lowest_loss

__all__ = ["curves", "edge", "last", "metrics", "paths", "sensitivity", "times"]


_SPACE = "\N{NO-BREAK SPACE}"  # between what is read as one: two quartiles, 9 of 10


def curves(facts: Facts) -> list[Any]:
    # Curves that the answer shows already are not shown twice.
    if curves_lead(facts):
        return []
    first = lead_problem(facts)
    shown = first["name"] if first is not None else ""
    drawn = [(name, picture) for name, picture in facts.curve_pictures if name != shown]
    if not drawn:
        return []
    ends = last_values(facts)
    finding = lowest_loss(
        ends[ends["problem"].isin([n for n, _ in drawn])],
        "value",
        quantity(facts),
        all_exact(facts),
    )
    return figures_cut(drawn, curves_caption(facts), "How did the loss fall?", finding)


def times(facts: Facts) -> list[Any]:
    table = facts.times[facts.times["n"] > 0].assign(selection="tuned")
    if table.empty:
        return []
    if len(facts.default_times):
        default = facts.default_times.assign(selection="default")
        table = pd.concat([table, default], ignore_index=True)
    decisions = {p["name"]: p.get("decision") for p in facts.manifest["problems"]}
    main = table[table["target"] == table["problem"].map(decisions)]
    others = table.drop(main.index)
    blocks: list[Any] = [
        Text(
            "Reached is the first recorded step at which the target was met. Held is the first "
            "step from which it stayed met until the end of the budget: an optimizer may reach a "
            "target and leave it again. Both count updates, one gradient each."
        ),
        _times_table(facts, main, "Steps to the target, held soonest first"),
    ]
    pictures = drawings.times(facts.results, facts.times, facts.finding)
    if pictures:
        caption = (
            "Open marks: first reached; filled marks: held. A mark is the median, a bar runs from "
            "the lower to the upper quartile, an arrow says that it goes on beyond the budget."
        )
        blocks.append(Figures(pictures, caption))
    if len(others):
        inner = _times_table(facts, others, "Steps to the other targets")
        blocks.append(Fold("The other targets", [inner]))
    return blocks


def _times_table(facts: Facts, table: pd.DataFrame, caption: str) -> Table:
    """Optimizers below one another, a group a problem and target."""
    groups = []
    noisy = not all(facts.is_exact(name) for name in table["problem"])
    cadence = {p["name"]: p["cadence"] for p in facts.manifest["problems"]}
    for (problem, target), mine in table.groupby(["problem", "target"], sort=False):
        mine = mine.sort_values(["held_median", "reached_median"], kind="stable")
        budget, plain = mine["budget"].iloc[0], facts.is_exact(str(problem))
        heading = f"{problem}: {goal(str(target))}, within {budget:,} updates"
        every = cadence[problem]
        heading += f", recorded every {every:,}" if every > 1 else ""
        if plain:
            heading += " (exact, for this start only)"
        rows = []
        for _, row in mine.iterrows():
            rows.append(
                [
                    name_cell(facts, row["optimizer"], row["selection"]),
                    *[_time(row, kind, plain) for kind in ("reached", "held")],
                    Cell("–" if row["reached_n"] == 0 else _relapse(row, plain)),
                    Cell(number(row["worst_after"])),
                    Cell(_diverged(row, plain)),
                    _setting(facts, str(problem), row["optimizer"], row["selection"]),
                ]
            )
        groups.append((heading, rows))
    if noisy:
        caption += (
            ". Times are medians over evaluation seeds with the lower and upper quartile in "
            "brackets; “> T” is a time beyond the budget T. Below: in how many runs, and the "
            "exact 95 % interval of that share (Clopper and Pearson)"
        )
    head = ["Optimizer", "Reached", "Held", "Left again", "Worst loss after reaching", "Diverged",
            "Chosen setting"]  # fmt: skip
    return Table(caption + ".", head, groups)


def _setting(facts: Facts, problem: str, optimizer: str, selection: str) -> Cell:
    of_it = default_cell if selection == "default" else chosen_cell
    return of_it(facts, problem, optimizer)


def _time(row: pd.Series, kind: str, plain: bool) -> Cell:
    budget = row["budget"]
    if plain:
        median = row[f"{kind}_median"]
        return Cell("no" if np.isinf(median) else steps(median))
    if row[f"{kind}_n"] == 0:
        text = "in no run"
    else:
        low, middle, high = (steps(row[f"{kind}_{q}"], budget) for q in ("q25", "median", "q75"))
        text = middle if row["n"] == 1 else f"{middle} [{low}, {high}]"
    small = f"{of(row[f'{kind}_n'], row['n'])} {_share(row[f'{kind}_low'], row[f'{kind}_high'])}"
    # A line may end between a time and its quartiles, not inside either.
    return Cell(text.replace(" ", _SPACE).replace(f"{_SPACE}[", " ["), small=small)


def _share(low: float, high: float) -> str:
    """An interval of a share, in one piece."""
    return f"({100 * low:.0f} to {100 * high:.0f} %)".replace(" ", _SPACE)


def _relapse(row: pd.Series, plain: bool) -> str:
    if plain:
        return "yes, for good" if row["relapses"] else _came_back(row)
    return f"{row['relapses']}{_SPACE}of{_SPACE}{row['reached_n']}"


def _came_back(row: pd.Series) -> str:
    return "yes, and came back" if row["held_median"] > row["reached_median"] else "no"


def _diverged(row: pd.Series, plain: bool) -> str:
    if plain:
        return "yes" if row["diverged"] else "no"
    return f"{row['diverged']}{_SPACE}of{_SPACE}{row['n']}"


def last(facts: Facts) -> list[Any]:
    """The last loss, for problems without a target: there it is the result."""
    groups = []
    for problem in facts.manifest["problems"]:
        if problem.get("decision"):
            continue
        name, minimum = problem["name"], problem.get("minimum")
        rows = []
        entries = [
            (runs, selection, optimizer)
            for optimizer in problem["optimizers"]
            for runs, selection in ((facts.chosen, "tuned"), (facts.default_runs, "default"))
        ]
        for runs, selection, optimizer in entries:
            mine = runs[(runs["problem"] == name) & (runs["optimizer"] == optimizer)]
            mine = mine[mine["status"] != "error"]
            if mine.empty:
                continue
            failed = mine["status"] == "diverged"
            last = analysis.final_loss(mine) - (minimum["value"] if minimum else 0.0)
            low, middle, high = (float(analysis.quantile(last, q)) for q in (0.25, 0.5, 0.75))
            text = number(middle)
            if len(mine) > 1:
                text += f" [{number(low)}, {number(high)}]"
            cells = [
                name_cell(facts, optimizer, selection),
                Cell(text),
                Cell(f"{int(failed.sum())} of {len(mine)}"),
                _setting(facts, name, optimizer, selection),
            ]
            rows.append((middle, cells))
        rows.sort(key=lambda row: row[0])
        what = "gap (loss − f*)" if minimum else "loss"
        if rows:
            heading = f"{name}: {what} after {problem['steps']:,} updates"
            groups.append((heading, [cells for _, cells in rows]))
    if not groups:
        return []
    caption = (
        "No target applies here, so the last value stands for the result, lowest first: the median "
        "over "
        "evaluation seeds and the lower and upper quartile in brackets. A run that diverged counts "
        "as ∞."
    )
    return [Table(caption, ["Optimizer", "Last value", "Diverged", "Chosen setting"], groups)]


def sensitivity(facts: Facts) -> list[Any]:
    if facts.sensitivity.empty:
        return []
    pictures = drawings.sensitivity(facts.results, facts.sensitivity, facts.best)
    role = "evaluation" if (facts.sensitivity["role"] == "evaluate").all() else "tune"
    caption = (
        "The last loss at each step size that was tried, the other hyperparameters as chosen; the "
        f"median over the {role} seeds, with the quartiles as a band. A wide, low basin forgives a "
        "wrong guess. In the hatched strip stand the step sizes at which at least half of the runs "
        "diverged."
    )
    if any(o.get("limits") for o in facts.manifest["optimizers"]):
        caption += (
            " A dashed vertical line is the largest step size at which theory keeps that optimizer "
            "stable on this problem."
        )
    return [Figures(pictures, caption), *rates(facts)]


def edge(facts: Facts) -> list[Any]:
    edges = analysis.stability_edges(facts.results.runs, facts.manifest)
    if edges.empty:
        return []
    groups = []
    for problem, rows in edges.groupby("problem", sort=False):
        lines = [
            [
                Cell(row["optimizer"], small=pairs_text(row["setting"]),
                     look=facts.looks[row["optimizer"]]),
                Cell(number(row["limit"], 4)),
                Cell(number(row["largest_stable"], 4)),
                Cell(number(row["smallest_diverged"], 4)),
                Cell(of(row["below_diverged"], row["below"])),
                Cell(of(row["above_diverged"], row["above"])),
            ]
            for _, row in rows.iterrows()
        ]  # fmt: skip
        groups.append((str(problem), lines))
    caption = (
        "The limit is the largest step size at which theory keeps the optimizer stable on this "
        "problem: 2/L for gradient descent, L the largest curvature; each optimizer's formula stands "
        "with its convention below. Beside it the step sizes tried: the largest before any run "
        "diverged and the smallest at which one did, then how many runs diverged on either side, "
        "over all drawn starts. Just above the limit a run leaves slowly and may not get far "
        "enough within its budget to count."
    )
    head = ["Optimizer", "Limit", "Largest without", "Smallest with", "Diverged below", "Above"]
    return [
        Text(analysis.edge_sentence(edges)),
        Table(caption, head, groups, numeric=frozenset(range(1, 6))),
    ]


def paths(facts: Facts) -> list[Any]:
    pictures = drawings.paths(facts.results, facts.best)
    if not pictures:
        return []
    caption = (
        "Seen from above: thin lines join points of equal loss, each a constant factor from the "
        "next. The ring is the start, the cross the minimum, the last mark the end. Each "
        "optimizer at its chosen setting from the usual start: one run, a picture and not "
        "evidence; it enters no number on this page."
    )
    return [Figures(pictures, caption), *animations(facts, drawable(facts.results))]


def metrics(facts: Facts) -> list[Any]:
    blocks = []
    for metric, pictures in drawings.metrics(facts.results, facts.best):
        plain = metric.replace("_", " ")
        caption = (
            f"{plain[:1].upper()}{plain[1:]} over the updates, at the chosen settings; median and "
            "quartiles over the evaluation seeds."
        )
        targets = [t for problem in facts.manifest["problems"] for t in problem["targets"]]
        if analysis.is_better_high(metric, targets):
            caption += (
                " Higher is better; the first tenth of the steps may lie below the picture, so "
                "that the rest can be told apart."
            )
        blocks.append(Figures(pictures, caption))
    return blocks
