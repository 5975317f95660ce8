"""How fast with failures counted, and what tuning costs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from optlab import analysis
from optlab.analysis.words import goal, listed, number, of, plural, steps
from optlab.report import drawings
from optlab.report.blocks import Cell, Figures, Fold, Table, Text
from optlab.report.facts import Facts, name_cell
from optlab.report.lead import runtime_leads, shares_caption
from optlab.report.sentences import shares_met

__all__ = ["runtime", "tuning"]

_SPACE = "\N{NO-BREAK SPACE}"
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
            _table(facts, table[table["kind"] == "held"], "held", _CAPTION),
            Fold(
                "The same for the first time it was reached",
                [_table(facts, table[table["kind"] == "reached"], "reached", "")],
            ),
        ]
    return [*blocks, *_shares(facts), *_profiles(facts)]


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
        each = Figures(drawn[1:], "The same for each problem alone.")
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


def _table(facts: Facts, table: pd.DataFrame, kind: str, caption: str) -> Table:
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
    return Table(caption, ["Optimizer", "Median", f"{verb} in", "ERT", "RMST"], groups)


def _row(facts: Facts, row: pd.Series, budget: int) -> list[Cell]:
    low, high = row["median_low"], row["median_high"]
    around = ""
    if np.isfinite(low) or np.isposinf(low):
        around = f"[{steps(low, budget)}, {steps(high, budget)}]"
    share = f"{100 * row['low']:.0f} to {100 * row['high']:.0f} %"
    return [
        name_cell(facts, row["optimizer"], row["selection"]),
        Cell(row["median_text"].replace(" ", _SPACE), small=around.replace(" ", _SPACE)),
        Cell(of(row["hits"], row["n"]), small=share.replace(" ", _SPACE)),
        Cell(row["ert_text"], small=_beside(row)),
        Cell(f"{row['rmst']:,.0f}"),
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
         Cell(number(row["score"]))]
        for _, row in scores.sort_values("score", ascending=False, kind="stable").iterrows()
    ]  # fmt: skip
    table = Table(
        "Problems on which it was fastest, problems solved, and the mean height of its line from 1 "
        "to 4 times the fastest (the score of AlgoPerf, integrated exactly).",
        ["Optimizer", "Fastest on", "Solved", "Score"], [("", rows)], frozenset({1, 2, 3}),
    )  # fmt: skip
    whole, pairs = drawings.profiles(facts.results, costs, _LARGEST)
    blocks: list[Any] = []
    if costs.shape[1] <= _MANY:
        blocks.append(Figures([whole, *pairs], caption))
    else:
        blocks += [
            Figures([whole], caption),
            Fold(
                "The leader beside each other one alone",
                [Figures(pairs, "Two at a time: no third one changes these.")],
            ),
        ]
    return [*blocks, table]


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
    return [Figures(pictures, caption)]


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
