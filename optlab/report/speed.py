"""How fast with failures counted, and what tuning costs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from optlab import analysis
from optlab.analysis.words import SPACE, goal, listed, number, of, plural, steps
from optlab.report import drawings
from optlab.report.blocks import Cell, Figures, Fold, Table, Text
from optlab.report.facts import Facts, name_cell
from optlab.report.lead import runtime_leads, shares_caption
from optlab.report.many import cut, figures_cut, paired_cut
from optlab.report.overall import overall, tunability_table
from optlab.report.sentences import few, first_of_each, leaders, one_trial_and_all, shares_met

__all__ = ["runtime", "tuning"]

_ENOUGH = 10  # problems from which on a performance profile is drawn
_LARGEST = 10.0  # times as slow as the fastest, where a profile's axis ends at least
_MANY = 4  # optimizers up to which every pair's profile is drawn


def runtime(facts: Facts) -> list[Any]:
    """Times with their intervals where something is random, the runtime distribution, profiles."""
    blocks: list[Any] = []
    table = facts.runtimes
    drawn = [p for p in facts.manifest["problems"] if not facts.is_exact(p["name"])]
    decisions = {p["name"]: p["decision"] for p in drawn if p.get("decision")}
    table = table[(table["target"] == table["problem"].map(decisions)) & (table["n"] > 0)]
    if len(table):
        blocks += [
            Text(_WORDS),
            *cut(_table(facts, table[table["kind"] == "held"], "held")),
            Fold(
                "The same for the first time it was reached",
                cut(_table(facts, table[table["kind"] == "reached"], "reached")),
            ),
        ]
    return [*blocks, *_shares(facts), *_profiles(facts), *overall(facts)]


def _shares(facts: Facts) -> list[Any]:
    """The runtime distribution over all problems, unless the answer shows it, and of each."""
    drawn = facts.runtime_pictures
    if not drawn:
        return []
    question = "How much was reached how soon, over many targets?"
    finding = shares_met(analysis.runtime_shares(facts.hits))
    blocks: list[Any] = []
    if not runtime_leads(facts):
        blocks.append(Figures(drawn[:1], shares_caption(facts), question, finding))
    if len(drawn) > 1:
        each = Figures(
            drawn[1:], "The same for each problem alone, read in the same way.",
            "And on each problem alone?", _most_met(facts.hits),
        )  # fmt: skip
        blocks.append(Fold("How much was reached how soon, problem by problem", [each]))
    return blocks


_WORDS = (
    "Four ways to sum up times of which some are “never”. The median: half of the runs were that fast. "
    "The share of runs that made it within the budget. ERT, the expected running time with restarts: "
    "what all runs cost, failures up to where they stopped, over how many succeeded; it is what you "
    "would pay if you began again from a new start after each failure, and it rests on the budget. "
    "RMST, the restricted mean: the mean time, with never counted as the budget, so a lower bound; "
    "compare it within one problem only."
)
_CAPTION = (
    "Gradient evaluations at each optimizer’s chosen setting and, beside it, at its default one. In "
    "brackets exact 95 % intervals: of the median by order statistics (none under six runs), of the "
    "share after Clopper and Pearson. The interval of ERT is a percentile bootstrap over runs, shown "
    "from 20 runs on; “none” is the chance that as many new runs would all fail, were this share the true "
    "one."
)


def _table(facts: Facts, table: pd.DataFrame, kind: str) -> Table:
    groups = []
    for problem, mine in table.groupby("problem", sort=False):
        budget = int(mine["budget"].iloc[0])
        label = goal(str(mine["target"].iloc[0]))
        mine = mine.sort_values(["median", "rmst"], kind="stable")
        groups.append(
            (f"{problem}: {label}, {kind} within {budget:,} updates",
             [_row(facts, row, budget) for _, row in mine.iterrows()])
        )  # fmt: skip
    verb = kind[:1].upper() + kind[1:]
    tuned = table[table["selection"] == "tuned"]
    return Table(
        _CAPTION, ["Optimizer", "Median", f"{verb} in", "ERT", "RMST"], groups,
        question=f"What does it cost until the target is {kind}, failures counted?",
        finding=cheapest(tuned), name=f"runtime-{kind}",
    )  # fmt: skip


def _row(facts: Facts, row: pd.Series, budget: int) -> list[Cell]:
    low, high = row["median_low"], row["median_high"]
    around = ""
    if np.isfinite(low) or np.isposinf(low):
        around = f"[{steps(low, budget)}, {steps(high, budget)}]"
    share = f"{100 * row['low']:.0f} to {100 * row['high']:.0f} %"
    return [
        name_cell(facts, row["optimizer"], row["selection"]),
        Cell(
            row["median_text"].replace(" ", SPACE),
            small=around.replace(" ", SPACE),
            value=row["median"],
        ),
        Cell(
            of(row["hits"], row["n"]),
            small=share.replace(" ", SPACE),
            value=row["hits"] / row["n"],
        ),
        Cell(row["ert_text"], small=_beside(row), value=row["ert"]),
        Cell(f"{row['rmst']:,.0f}", value=row["rmst"]),
    ]


def _beside(row: pd.Series) -> str:
    """The interval of ERT, and how likely none of as many new runs would make it."""
    if row["hits"] == 0:
        return ""
    parts = []
    if not math.isnan(row["ert_low"]):
        parts.append(f"[{_count(row['ert_low'])}, {_count(row['ert_high'])}]")
    if row["p_none"] >= 0.001:
        parts.append(f"none: {number(row['p_none'], 2)}")
    return "; ".join(parts)


def _count(value: float) -> str:
    return "∞" if math.isinf(value) else f"{value:,.0f}"


def _most_met(hits: pd.DataFrame) -> str:
    """Who had met the most targets by the end, where: rows of `first_hits`."""
    met = hits.assign(share=np.isfinite(hits["evals"].astype(float)))
    shares = met.groupby(["problem", "optimizer"], sort=False, observed=True)["share"].mean()
    shares = shares.where(shares > 0)  # where no target was met nobody had met the most
    who = first_of_each(shares.reset_index(), "share", higher=True)
    return f"In these runs the largest share of the targets was met by {who}."


def _profiles(facts: Facts) -> list[Any]:
    """Performance profiles, where there are problems enough for a share of them to mean something."""
    costs = facts.costs.dropna()
    if len(costs) < _ENOUGH or costs.shape[1] < 2:
        return []
    caption = (
        f"Over {plural(len(costs), 'problem')}: the share that each optimizer held the target on within "
        "so many times the fastest one’s time (medians over seeds). At the left edge the share of "
        "problems on which it was fastest, ties counting for each; far right the share that it solved "
        "at all. Read only who leads: who is second depends on who else takes part, so each pair "
        "alone stands beside it."
    )
    scores = analysis.profile_scores(costs)
    rows = [
        [name_cell(facts, row["optimizer"]), Cell(f"{row['wins']}"), Cell(f"{row['solved']}"),
         Cell(number(row["score"]), value=row["score"])]
        for _, row in scores.sort_values("score", ascending=False, kind="stable").iterrows()
    ]  # fmt: skip
    table = Table(
        "Problems on which it was fastest, problems solved, and the mean height of its line from 1 "
        "to 4 times the fastest (the score of AlgoPerf, integrated exactly).",
        ["Optimizer", "Fastest on", "Solved", "Score"], [("", rows)], frozenset({1, 2, 3}),
        question="What do the profiles come to?", finding=profile_leads(scores), name="profiles",
    )  # fmt: skip
    whole, pairs = drawings.profiles(facts.results, costs, _LARGEST)
    leader = str(scores.sort_values("score", kind="stable")["optimizer"].iloc[-1])
    question = "Who is fast, on what share of the problems?"
    blocks: list[Any] = []
    if costs.shape[1] <= _MANY:
        blocks.append(Figures([whole, *pairs], caption, question, fastest_on(scores)))
    else:
        blocks += [
            Figures([whole], caption, question, fastest_on(scores)),
            Fold(
                "The leader beside each other one alone",
                paired_cut(
                    pairs,
                    "Two at a time: no third one changes these.",
                    "And without the others?",
                    one_by_one(costs, leader),
                ),
            ),
        ]
    return [*blocks, *cut(table)]


def cheapest(table: pd.DataFrame) -> str:
    """Whose expected running time was least, where, and how many had no success: rows of `runtimes`,
    one selection and kind."""
    none = int((table["hits"] == 0).sum())
    rest = f" {none:,} of {len(table):,} had no success, so only a bound." if none else ""
    if not np.isfinite(table["ert"].astype(float)).any():
        return "No run succeeded, so of every expected time only a bound is known."
    if table["optimizer"].nunique() == 1:
        known = table[np.isfinite(table["ert"].astype(float))]
        low, high = float(known["ert"].min()), float(known["ert"].max())
        name, apart = table["optimizer"].iloc[0], f"between {low:,.0f} and {high:,.0f}"
        apart = f"{low:,.0f}" if len(known) == 1 else apart
        return f"In these runs the expected time of {name} with restarts was {apart} evaluations.{rest}"
    return (
        "In these runs the expected time with restarts was least for "
        f"{first_of_each(table, 'ert')}.{rest}"
    )


def fastest_on(scores: pd.DataFrame) -> str:
    """Who was fastest on the most problems, and who solved the most: rows of `profile_scores`."""
    by = scores.set_index("optimizer")
    whole = int(scores["problems"].iloc[0])
    if not by["solved"].any():
        return f"No optimizer held its target in more than half of its runs on any of {plural(whole, 'problem')}."
    wins, solved = leaders(by["wins"], higher=True), leaders(by["solved"], higher=True)
    return (
        f"{few(wins)} held the target first on {int(by['wins'].max()):,} of {plural(whole, 'problem')}"
        f"{' each' * (len(wins) > 1)}; the most, {int(by['solved'].max()):,}, "
        f"{'was' if len(solved) == 1 else 'were'} solved by {few(solved)}."
    )


def one_by_one(costs: pd.DataFrame, leader: str) -> str:
    """Against how many of the others alone `leader` is as fast or faster on most problems. `costs`:
    problems by optimizers, +inf for never."""
    others = [name for name in costs.columns if name != leader]
    mine = costs[leader]
    ahead = sum(1 for name in others if ((mine <= costs[name]) & np.isfinite(mine)).mean() >= 0.5)
    return (
        f"Alone against each other one, {leader} held the target as soon or sooner on half of the "
        f"problems or more against {ahead:,} of {len(others):,}."
    )


def profile_leads(scores: pd.DataFrame) -> str:
    """Whose profile is the highest on average: rows of `profile_scores`."""
    by = scores.set_index("optimizer")["score"]
    first = leaders(by, higher=True)
    if not by.any():
        return "No target was held in more than half of the runs, so every line stays at 0."
    return (
        f"The highest mean line from 1 to 4 times the fastest is that of {few(first)} "
        f"({number(float(by.max()))}); the lowest is {number(float(by.min()))}."
    )


def tuning(facts: Facts) -> list[Any]:
    """How good the best of n settings is, where there was more than one."""
    table = facts.tuning
    if table.empty:
        return []
    chosen = pd.concat([_measured(facts, mine) for _, mine in table.groupby("problem", sort=False)])
    pictures = drawings.tuning(facts.results, chosen)
    counts = sorted(set(table["trials"]))
    each = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    caption = (
        f"The best of n settings, drawn in random order from the {each} that were tried: its median "
        "over all such orders, and its quartiles as a band. Each setting counts by its median over "
        f"{_seeds(table)}, by what settings were chosen by. The marks at 0 are the default "
        "settings, for which nothing is tried. A line that is low at once is easy to tune. The right "
        "end flatters, since the best of many is best partly by luck: what the winner does on other "
        "seeds stands in the tables above. In the hatched strip stands what never held the target, or "
        "diverged."
    )
    question = "How good is the best of n settings?"
    drawn = [(str(name), picture) for name, picture in zip(chosen["problem"].unique(), pictures,
             strict=True)]  # fmt: skip
    return [
        *figures_cut(drawn, caption, question, one_trial_and_all(chosen)),
        *tunability_table(facts),
    ]


def _seeds(table: pd.DataFrame) -> str:
    count = sorted(set(table["seeds"]))
    return f"{listed([f'{n:,}' for n in count])} seed{'s' * (count != [1])}"


def _measured(facts: Facts, mine: pd.DataFrame) -> pd.DataFrame:
    """The curves of one problem in the measure that decided, or in one that tells something."""
    select = (facts.manifest.get("tuning") or {}).get("select", "held")
    loss = "gap" if (mine["measure"] == "gap").any() else "loss"
    timed = mine[mine["measure"] == "steps_held"]
    held = np.isfinite(timed["median"]).any()
    return timed if held and select in ("held", "reached") else mine[mine["measure"] == loss]
