"""Would another choice change the verdicts? Other targets, budgets and tests; where curves cross; what
one problem decides; and every two optimizers, for those who look around."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from optlab import analysis
from optlab.analysis.sentences import side_name
from optlab.analysis.words import listed, number, plural
from optlab.measures import MEASURES
from optlab.report import drawings
from optlab.report.blocks import Cell, Figures, Fold, Table
from optlab.report.facts import Facts, name_cell
from optlab.report.many import cut
from optlab.report.sentences import after_holm, few, flips, late_crossings

__all__ = ["choices", "title"]

_CHOICES = {
    "target x 10": "Target ten times looser",
    "target / 10": "Target ten times tighter",
    "half the budget": "Half the budget",
    "a quarter of the budget": "A quarter of the budget",
    "paired t": "Student’s t",
}
_MANY_ROWS = 12
_KEYS = ["claim", "problem", "measure", "a", "b", "selection_b"]


def title(facts: Facts) -> str:
    """What is asked where there are verdicts, and where there are none."""
    if facts.verdicts.empty:
        return "Would another choice show another winner?"
    return "Would another choice change the verdicts?"


def choices(facts: Facts) -> list[Any]:
    """What else might have been chosen, and what it would have said."""
    return [*_robustness(facts), *_crossings(facts), *_ranks(facts), *_pairwise(facts)]


def _robustness(facts: Facts) -> list[Any]:
    if facts.verdicts.empty or facts.robustness.empty:
        return []
    table = facts.robustness
    seen = [choice for choice in _CHOICES if (table["choice"] == choice).any()]
    texts = facts.verdicts.drop_duplicates("claim").set_index("claim")["text"]
    groups: list[tuple[str, list[list[Cell]]]] = []
    for claim, mine in table.groupby("claim", sort=False):
        rows = []
        for _, each in mine.groupby(_KEYS, sort=False):
            first = each.iloc[0]
            by = {str(row["choice"]): _choice(row) for _, row in each.iterrows()}
            cells = [by.get(choice, Cell("–")) for choice in seen]
            other = side_name(first["b"], first["selection_b"])
            what = f"by {first['measure'].replace('_', ' ')}, against {other}"
            judged = Cell(verdict=first["as_judged"])
            rows.append([Cell(first["problem"], small=what), judged, *cells])
        groups.append((str(texts[claim]), rows))
    caption = (
        "The same runs and the same level, judged once more: with the target ten times looser or tighter, "
        "with what was seen by half and by a quarter of the budget, and by Student’s t interval for the "
        "mean in place of ranks. “Same” is the verdict as it was judged; a dash where the choice does "
        "not apply, or where nobody got there. A verdict that flips rests on that choice, which was made "
        "before the runs where the claim was."
    )
    head = ["Problem", "As judged", *(_CHOICES[choice] for choice in seen)]
    inner = Table(
        caption, head, groups, question="Would the verdicts have come out otherwise?",
        finding=flips(table, _KEYS), name="robustness",
    )  # fmt: skip
    return cut(inner, "claim", "comparison")


def _choice(row: pd.Series) -> Cell:
    if not row["flips"]:
        return Cell("same")
    ratio = MEASURES[row["measure"]].scale == "ratio"
    ends = [_factor(row[name]) if ratio else number(row[name]) for name in ("low", "high")]
    return Cell(verdict=row["verdict"], small=f"[{ends[0]}, {ends[1]}]")


def _factor(effect: float) -> str:
    if math.isinf(effect):
        return "∞" if effect > 0 else "0×"
    return f"{number(10.0**effect)}×"


def _crossings(facts: Facts) -> list[Any]:
    table = facts.crossings
    if table.empty:
        return []
    budgets = {p["name"]: p["steps"] for p in facts.manifest["problems"]}
    groups = []
    for problem, mine in table.groupby("problem", sort=False):
        rows = [
            [
                name_cell(facts, row["before"]),
                name_cell(facts, row["after"]),
                Cell(
                    f"{row['step']:,}", small=f"of {budgets[row['problem']]:,}", value=row["step"]
                ),
                Cell(f"{row['times']:,}", small="near rounding" if row["near_rounding"] else ""),
            ]
            for _, row in mine.sort_values("step", ascending=False, kind="stable").iterrows()
        ]
        groups.append((str(problem), rows))
    caption = (
        "Pairs whose median curves of the loss change order between a quarter of the budget and its end: "
        "whoever looks earlier sees another winner. The step is the first recorded one from which the "
        "order of the end stands. Near rounding: both gaps (losses, where f* is not known) are then within "
        "a hundred times the rounding of the one at the start, where errors of arithmetic decide."
    )
    head = ["Ahead before", "Ahead from there on", "From update", "Changes of order"]
    inner = Table(
        caption, head, groups, frozenset({2, 3}), finding=late_crossings(table), name="crossings",
        question="Would a smaller budget have shown another winner?",
    )  # fmt: skip
    if len(table) > _MANY_ROWS:
        return [Fold(f"{plural(len(table), 'pair')} of curves cross late", cut(inner, rows="pair"))]
    return [inner]


def _ranks(facts: Facts) -> list[Any]:
    """Mean ranks over problems, and whether one problem decides who is first."""
    costs = facts.costs.dropna()
    if len(costs) < 3 or costs.shape[1] < 2:
        return []
    ranks, left = analysis.rank_table(costs), analysis.leave_one_out(costs)
    test = analysis.rank_test(costs)
    text = ranks_told(ranks, left)
    rows = [
        [name_cell(facts, row["optimizer"]), Cell(number(row["mean_rank"]), value=row["mean_rank"]), Cell(f"{row['first']}"),
         Cell(f"{row['last']}")]
        for _, row in ranks.iterrows()
    ]  # fmt: skip
    caption = (
        "1 is the best rank; ties share, and those that never held the target rank last together; where "
        "nobody held it, nobody was first. A rank "
        "depends on who else takes part, so this is decoration: verdicts come from pairs."
    )
    if not math.isnan(test.p):
        caption += (
            f" Friedman’s test: p = {number(test.p, 2)}; by Nemenyi’s, mean ranks at least "
            f"{number(test.critical_difference)} apart differ at 95 %."
        )
        caption += f" But {test.note}." if test.note else ""
    head = ["Optimizer", "Mean rank", "First on", "Last on"]
    inner = Table(
        caption, head, [("", rows)], frozenset({1, 2, 3}), name="ranks", finding=text,
        question="Does one problem decide who comes first?",
    )  # fmt: skip
    picture = drawings.ranks(facts.results, costs, text)
    how = (
        "One mark an optimizer: its rank by the median time to hold the target, averaged over problems. The "
        "bar below is how far apart two must be for Nemenyi’s test at 95 %; hidden where no test applies."
    )
    return [Figures([picture], how, "Who ranks where?", text), *cut(inner)]


def ranks_told(ranks: pd.DataFrame, left: pd.DataFrame) -> str:
    """Who has the best mean rank, and whether one problem decides it: rows of `rank_table` and of
    `leave_one_out`."""
    whole = plural(int(ranks["problems"].iloc[0]), "problem")
    if not ranks["first"].any():
        return f"Nobody held the target in more than half of the runs on any of {whole}, so all share one rank."
    first = _first(ranks)
    text = (
        f"Ranked by the median time to hold the target over {whole}, {listed(first)} "
        f"{'has' if len(first) == 1 else 'share'} the best mean rank"
    )
    changing = left[left["first_changes"]]
    each = [f"{r['left_out']} ({listed(r['first'])} then)" for _, r in changing.iterrows()]
    if each:
        return f"{text}; without {few(each)} another would be first."
    return f"{text}; leaving out any one problem changes nothing about that."


def _first(ranks: pd.DataFrame) -> list[str]:
    best = ranks["mean_rank"].min()
    return list(ranks.loc[ranks["mean_rank"] <= best + 1e-9, "optimizer"])


def _pairwise(facts: Facts) -> list[Any]:
    table = facts.pairwise
    if table.empty:
        return []
    groups = []
    for (problem, measure), mine in table.groupby(["problem", "measure"], sort=False):
        by = MEASURES[str(measure)].meaning
        rows = [_pair(facts, row) for _, row in mine.sort_values("p", kind="stable").iterrows()]
        groups.append((f"{problem}: {by}", rows))
    caption = (
        "EXPLORATORY: nobody claimed these before the runs, so they raise questions and settle none. "
        "Every two optimizers at their chosen settings, the one that won more seeds first. Won, alike and "
        "lost count seeds; a run that never got there loses to any that did. The effect is the "
        "Hodges-Lehmann estimate with a plain 95 % interval; p is that of the exact sign test, and "
        "beside it adjusted after Holm over the pairs of its problem."
    )
    head = ["Optimizer", "Against", "Won, alike, lost", "Effect", "p", "p after Holm"]
    inner = Table(
        caption, head, groups, frozenset({4, 5}), name="pairwise", finding=after_holm(table),
        question="How does every optimizer stand against every other?",
    )  # fmt: skip
    return [Fold("Exploratory: every two optimizers", cut(inner, rows="pair"))]


def _pair(facts: Facts, row: pd.Series) -> list[Cell]:
    said = _factor if row["scale"] == "ratio" else number
    effect = "–"
    if not (math.isnan(row["effect"]) and math.isinf(row["low"]) and math.isinf(row["high"])):
        middle = "?" if math.isnan(row["effect"]) else said(row["effect"])
        effect = f"{middle} [{said(row['low'])}, {said(row['high'])}]"
    value = 10.0 ** row["effect"] if row["scale"] == "ratio" else row["effect"]
    counts = f"{row['wins']}, {row['ties']}, {row['losses']}"
    return [
        name_cell(facts, row["a"]),
        name_cell(facts, row["b"]),
        Cell(counts, value=row["wins"]),
        Cell(effect, value=value),
        Cell(number(row["p"], 2), value=row["p"]),
        Cell(number(row["holm"], 2), value=row["holm"]),
    ]
