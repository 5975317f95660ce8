"""What happened: the sections that show it, from curves to paths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optlab import analysis
from optlab.analysis.words import SPACE, goal, number, of, pairs_text, steps
from optlab.figures import drawable
from optlab.report import drawings
from optlab.report.animation import animations
from optlab.report.blocks import Cell, Fold, Table, Text
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
from optlab.report.many import GROUPS, cut, figures_cut, paired_cut
from optlab.report.sentences import (
    best_rates,
    diverging,
    few,
    first_of_each,
    held_soonest,
    left_again,
    lowest_loss,
)

__all__ = ["curves", "edge", "last", "metrics", "pairs", "paths", "sensitivity", "times"]


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
        *_times_table(facts, main, "Steps to the target, held soonest first", "times"),
    ]
    pictures = drawings.times(facts.results, facts.times, facts.finding)
    if pictures:
        caption = (
            "Open marks: first reached; filled marks: held. A mark is the median, a bar runs from "
            "the lower to the upper quartile, an arrow says that it goes on beyond the budget."
        )
        timed = [p["name"] for p in facts.manifest["problems"] if p["name"] in _timed(facts)]
        drawn = list(zip(timed, pictures, strict=True))
        question = "How far apart are reaching and holding?"
        tuned = main[main["selection"] == "tuned"]
        if len(drawn) > GROUPS:
            caption += f" The first {GROUPS} of {len(drawn)} problems; the table has all."
        blocks += figures_cut(drawn[:GROUPS], caption, question, apart(tuned))
    if len(others):
        inner = _times_table(facts, others, "Steps to the other targets", "times-other")
        blocks.append(Fold("The other targets", inner))
    return blocks


def _timed(facts: Facts) -> set[str]:
    """Problems whose times are drawn."""
    with_target = {p["name"] for p in facts.manifest["problems"] if p.get("decision")}
    return with_target & set(facts.times.loc[facts.times["n"] > 0, "problem"])


def _times_table(facts: Facts, table: pd.DataFrame, caption: str, name: str) -> list[Any]:
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
                    Cell(
                        "–" if row["reached_n"] == 0 else _left(row, plain),
                        small="" if plain or not row["relapses"] else f"{row['relapses']} for good",
                        value=row["left"],
                    ),
                    Cell(number(row["worst_after"]), value=row["worst_after"]),
                    Cell(_diverged(row, plain), value=row["diverged"]),
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
    tuned = table[table["selection"] == "tuned"]
    finding = left_again(tuned)
    if name == "times":
        finding = f"{held_soonest(tuned, all_exact(facts))} {finding}".strip()
    question = "When was the target reached, and when held?"
    if name != "times":
        question = "When were the other targets reached, and when held?"
    inner = Table(caption + ".", head, groups, question=question, finding=finding, name=name)
    return cut(inner, "problem" if name == "times" else "problem and target")


def _setting(facts: Facts, problem: str, optimizer: str, selection: str) -> Cell:
    of_it = default_cell if selection == "default" else chosen_cell
    return of_it(facts, problem, optimizer)


def _time(row: pd.Series, kind: str, plain: bool) -> Cell:
    budget = row["budget"]
    if plain:
        median = row[f"{kind}_median"]
        return Cell("no" if np.isinf(median) else steps(median), value=median)
    if row[f"{kind}_n"] == 0:
        text = "in no run"
    else:
        low, middle, high = (steps(row[f"{kind}_{q}"], budget) for q in ("q25", "median", "q75"))
        text = middle if row["n"] == 1 else f"{middle} [{low}, {high}]"
    small = f"{of(row[f'{kind}_n'], row['n'])} {_share(row[f'{kind}_low'], row[f'{kind}_high'])}"
    # A line may end between a time and its quartiles, not inside either.
    text = text.replace(" ", SPACE).replace(f"{SPACE}[", " [")
    return Cell(text, small=small, value=row[f"{kind}_median"])


def _share(low: float, high: float) -> str:
    """An interval of a share, in one piece."""
    return f"({100 * low:.0f} to {100 * high:.0f} %)".replace(" ", SPACE)


def _left(row: pd.Series, plain: bool) -> str:
    if plain and row["left"]:
        return "yes, for good" if row["relapses"] else "yes, and came back"
    return "no" if plain else f"{row['left']}{SPACE}of{SPACE}{row['reached_n']}"


def _diverged(row: pd.Series, plain: bool) -> str:
    if plain:
        return "yes" if row["diverged"] else "no"
    return f"{row['diverged']}{SPACE}of{SPACE}{row['n']}"


def last(facts: Facts) -> list[Any]:
    """The last loss, for problems without a target: there it is the result."""
    groups = []
    ends = []
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
                Cell(text, value=middle),
                Cell(f"{int(failed.sum())} of {len(mine)}", value=failed.mean()),
                _setting(facts, name, optimizer, selection),
            ]
            rows.append((middle, cells))
            if selection == "tuned":
                ends.append((name, optimizer, middle))
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
    table = pd.DataFrame(ends, columns=["problem", "optimizer", "value"])
    inner = Table(
        caption, ["Optimizer", "Last value", "Diverged", "Chosen setting"], groups, name="last",
        question="Where did each end, where there is no target?",
        finding=lowest_loss(table, "value", "value", all_exact(facts)),
    )  # fmt: skip
    return cut(inner)


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
    shown = set(facts.sensitivity["problem"])
    names = [p["name"] for p in facts.manifest["problems"] if p["name"] in shown]
    drawn = list(zip(names, pictures, strict=True))
    question = "What does a wrong step size cost?"
    return [*figures_cut(drawn, caption, question, best_rates(facts.sensitivity)), *rates(facts)]


def pairs(facts: Facts) -> list[Any]:
    """The last loss over two hyperparameters at once, where two were varied."""
    table = facts.landscape
    if table.empty:
        return []
    caption = (
        "The median last value over seeds at each pair that was tried, darker is lower; at a cross (in a "
        "grid of many cells: where it is empty) half of the runs or more diverged, the ring is the lowest. Where a pair was tried at several values of a third hyperparameter, the best of "
        "those. A narrow dark valley that runs aslant means that the two must be chosen together."
    )
    question = "Must two hyperparameters be chosen together?"
    return paired_cut(drawings.heatmap(facts.results, table), caption, question, diverging(table))


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
                Cell(number(row["limit"], 4), value=row["limit"]),
                Cell(number(row["largest_stable"], 4), value=row["largest_stable"]),
                Cell(number(row["smallest_diverged"], 4), value=row["smallest_diverged"]),
                Cell(of(row["below_diverged"], row["below"]), value=row["below_diverged"]),
                Cell(of(row["above_diverged"], row["above"]), value=row["above_diverged"]),
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
    inner = Table(
        caption, head, groups, numeric=frozenset(range(1, 6)), name="edge",
        question="Do runs diverge where theory says?", finding=analysis.edge_sentence(edges),
    )  # fmt: skip
    return cut(inner)


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
    names = drawable(facts.results)
    runs = analysis.at_best(facts.results.runs, facts.best, "picture")
    runs = runs[runs["problem"].isin(names)].drop_duplicates(["problem", "optimizer"])
    ends = runs.assign(value=analysis.final_loss(runs))
    finding = lowest_loss(ends, "value", "loss", exact=True).replace(
        "In these runs", "From the usual start", 1
    )
    question = "Which way did each go?"
    drawn = list(zip(names, pictures, strict=True))
    return [*figures_cut(drawn, caption, question, finding), *animations(facts, names)]


def metrics(facts: Facts) -> list[Any]:
    blocks = []
    for metric, pictures in drawings.metrics(facts.results, facts.best):
        plain = metric.replace("_", " ")
        caption = (
            f"{plain[:1].upper()}{plain[1:]} over the updates, at the chosen settings; median and "
            "quartiles over the evaluation seeds."
        )
        if any(_rising(facts, metric).values()):
            caption += (
                " Higher is better; the first tenth of the steps may lie below the picture, so "
                "that the rest can be told apart."
            )
        blocks += paired_cut(pictures, caption, f"How did {plain} change?", _last_of(facts, metric))
    return blocks


def _rising(facts: Facts, metric: str) -> dict[str, bool]:
    """Of each problem, whether more of `metric` is better there."""
    return {
        problem["name"]: analysis.is_better_high(metric, problem["targets"])
        for problem in facts.manifest["problems"]
    }


def _last_of(facts: Facts, metric: str) -> str:
    """Who ended best by another measure than the loss."""
    bands = analysis.curve_bands(
        facts.results.curves, facts.results.runs, facts.best, facts.manifest, metric
    )
    last = bands.groupby(["problem", "optimizer"], sort=False, observed=True).tail(1)
    rising = _rising(facts, metric)
    ways = {rising[str(name)] for name in last["problem"].unique()}
    higher = ways == {True}
    plain = metric.replace("_", " ")
    if (
        len(ways) > 1
        or last["optimizer"].nunique() == 1
        or not np.isfinite(last["median"].astype(float)).any()
    ):
        each = [f"{number(float(row['median']))} on {row['problem']}" for _, row in last.iterrows()]
        return f"The last median {plain} was {few(each)}."
    best = "highest" if higher else "lowest"
    who = first_of_each(last, "median", higher=higher)
    return f"In these runs the {best} last median {plain} was that of {who}."


def _kept(row: pd.Series) -> str:
    """In how many runs a target that half of them reached was held, where half did not hold it."""
    if row["n"] == 1:
        return "did not hold it"
    return f"held it in {'only ' if row['held_n'] else ''}{of(row['held_n'], row['n'])}"


def apart(times: pd.DataFrame) -> str:
    """Where reaching and holding lie furthest apart: rows of `time_to_target`, one target each."""
    known = times[np.isfinite(times["reached_median"].astype(float))]
    if known.empty:
        return "In these runs no target was reached in more than half of the runs."
    never = known[~np.isfinite(known["held_median"].astype(float))]
    kept = known[np.isfinite(known["held_median"].astype(float))]
    later = kept[kept["held_median"] > kept["reached_median"]]
    if never.empty and later.empty:
        return "In these runs every median time of reaching is also that of holding."
    parts = []
    if len(never):
        row = never.iloc[int(never["reached_median"].to_numpy(dtype=float).argmin())]
        others = f", the soonest of {len(never):,} such" if len(never) > 1 else ""
        parts.append(
            f"{row['optimizer']} on {row['problem']} reached its target at update "
            f"{steps(row['reached_median'])} and {_kept(row)}{others}"
        )
    if len(later):
        factor = (later["held_median"] / later["reached_median"].clip(lower=1)).to_numpy(float)
        row = later.iloc[int(factor.argmax())]
        parts.append(
            f"{row['optimizer']} on {row['problem']} reached its target at "
            f"{steps(row['reached_median'])} and held it only from {steps(row['held_median'])} on"
            + (f", the furthest apart of {len(later):,}" if len(later) > 1 else "")
        )
    return f"In these runs {'; '.join(parts)}."
