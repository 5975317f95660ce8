"""What a page says of its figures and tables: each asks a question, says how it is read, and tells in
one sentence what it shows; the sentences are true of tables whose right sentence is known."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from many_results import many
from small_folder import write_folder

from optlab.analysis.ranks import leave_one_out, rank_table
from optlab.report.blocks import Cell, Figures, Fold, Notes, Table, Text
from optlab.report.calm import _MEASURED
from optlab.report.choices import ranks_told
from optlab.report.content import content
from optlab.report.downloads import column_meaning
from optlab.report.drawings import _lowest
from optlab.report.explained import happened, sharpest
from optlab.report.facts import Facts, stored
from optlab.report.findings import apart
from optlab.report.glossary import glossary
from optlab.report.lead import lead
from optlab.report.many import GROUPS, ROWS, cut
from optlab.report.overall import likelier, solved_within
from optlab.report.sentences import (
    after_holm,
    best_rates,
    counted,
    diverging,
    few,
    first_of_each,
    flips,
    held_most,
    held_soonest,
    late_crossings,
    leaders,
    left_again,
    lowest_loss,
    most_stable,
    one_trial_and_all,
    seeds_favour,
    shares_met,
    verdict_counts,
    what_ran,
    where_diverged,
    widest,
)
from optlab.report.setup import (
    edges_told,
    limits,
    optimizers,
    problems_told,
    rules_told,
    selected_by,
)
from optlab.report.speed import cheapest, fastest_on, one_by_one, profile_leads
from optlab.report.tabular import csv_text

NEVER = math.inf


# --- sentences over tables whose right sentence is known ---


def times(*rows):
    """Rows of `time_to_target`: problem, optimizer, reached, held, n, runs that reached, those of them that
    left it for good (and no others left it)."""
    columns = [
        "problem",
        "optimizer",
        "reached_median",
        "held_median",
        "n",
        "reached_n",
        "relapses",
    ]
    table = pd.DataFrame(rows, columns=columns)
    gone = table["relapses"]
    return table.assign(held_n=table["reached_n"] - gone, left=gone, budget=100)


def test_counts_in_words():
    assert [counted(k, 2, "problem") for k in (0, 1, 2)] == [
        "no problem", "1 of 2 problems", "both problems",
    ]  # fmt: skip
    assert counted(1, 1, "run") == "the run"
    assert counted(4, 4, "pair") == "all 4 pairs"
    assert few(["a", "b", "c", "d"]) == "a, b, c and d"
    assert few(list("abcdef")) == "a, b, c and 3 more"


def test_leaders_tie_and_infinities_lead_nobody():
    values = pd.Series({"a": 1.0, "b": 1.0, "c": np.inf, "d": np.nan})
    assert leaders(values) == ["a", "b"]
    assert leaders(values, higher=True) == ["a", "b"]
    assert leaders(pd.Series({"a": np.inf, "b": np.nan})) == []


def test_first_of_each_names_few_problems_and_counts_many():
    rows = [("bowl", "a", 1.0), ("bowl", "b", 2.0), ("net", "a", NEVER), ("net", "b", NEVER)]
    table = pd.DataFrame(rows, columns=["problem", "optimizer", "v"])
    assert first_of_each(table, "v") == "a on bowl, nobody on net"
    assert first_of_each(table, "v", higher=True) == "b on bowl, nobody on net"
    many = pd.DataFrame(
        [(f"p{i}", name, value) for i in range(6) for name, value in (("a", i), ("b", 2.5))],
        columns=["problem", "optimizer", "v"],
    )
    assert first_of_each(many, "v") == "a on 3, b on 3 (of 6 problems)"
    alike = pd.DataFrame(
        [("p", name, 1.0) for name in "abcd"] + [("q", name, 1.0) for name in "abcd"],
        columns=["problem", "optimizer", "v"],
    )
    assert first_of_each(alike, "v") == "4 alike on both problems"


def test_held_soonest():
    two = times(("bowl", "sgd", 10, 12, 8, 8, 0), ("bowl", "adam", 5, 20, 8, 8, 2))
    assert held_soonest(two) == (
        "In these runs the target was held soonest, by the median: sgd on bowl."
    )
    assert (
        held_soonest(two, exact=True) == "In these runs the target was held soonest: sgd on bowl."
    )
    # One run each has no median.
    assert "median" not in held_soonest(two.assign(n=1))
    alone = times(("bowl", "sgd", 10, 12, 8, 8, 0))
    assert held_soonest(alone) == (
        "In these runs sgd held the target from a median of 12 updates on (8 of 8 runs)."
    )
    several = times(("bowl", "sgd", 10, 12, 8, 8, 0), ("net", "sgd", 10, NEVER, 8, 8, 8))
    assert held_soonest(several) == (
        "In these runs sgd held the target on 1 of 2 problems in more than half of its runs."
    )
    never = times(("bowl", "sgd", NEVER, NEVER, 8, 0, 0), ("bowl", "adam", 5, NEVER, 8, 8, 8))
    assert held_soonest(never) == (
        "In these runs no optimizer held its target in more than half of its runs."
    )
    assert held_soonest(never.iloc[:0]) == ""


def test_left_again():
    assert left_again(times(("b", "sgd", NEVER, NEVER, 8, 0, 0))) == "No run reached it."
    kept = times(("b", "sgd", 10, 12, 8, 8, 0))
    assert left_again(kept) == "What reached it never left it again (8 runs)."
    one = times(("b", "sgd", 10, 12, 8, 8, 0), ("b", "adam", 5, 20, 8, 8, 2))
    assert left_again(one) == (
        "2 of 16 runs that reached it left it again, all of adam; none of them came back."
    )
    back = "2 of 16 runs that reached it left it again, all of adam; all of them came back."
    assert left_again(one.assign(left=one["relapses"], relapses=0)) == back
    assert left_again(one.assign(left=[3, 2])) == (
        "5 of 16 runs that reached it left it again, most often sgd (3 of 8); 2 of them did not come back."
    )
    assert left_again(one.assign(left=[0, 1], relapses=0)).endswith("that of adam; it came back.")
    both = times(("b", "sgd", 10, 12, 8, 8, 2), ("b", "adam", 5, 20, 8, 8, 2))
    assert left_again(both) == (
        "4 of 16 runs that reached it left it again, each optimizer as often; none of them came back."
    )
    alone = times(
        ("b", "sgd", 10, 12, 1, 1, 1), ("b", "adam", 5, 20, 1, 1, 1), ("b", "rms", 5, 5, 1, 1, 0)
    )
    assert left_again(alone) == (
        "2 of 3 runs that reached it left it again, those of sgd and adam; none of them came back."
    )
    # The largest share, of which there need be no half; one may have reached it in more runs.
    three = times(
        ("b", "sgd", 10, 12, 20, 20, 4),
        ("b", "adam", 5, 20, 10, 10, 3),
        ("b", "rms", 5, 20, 10, 10, 3),
    )
    assert left_again(three) == (
        "10 of 40 runs that reached it left it again, most often adam (3 of 10) and rms (3 of 10); none of "
        "them came back."
    )


def test_apart_tells_the_widest_distance_between_reaching_and_holding():
    table = times(("b", "sgd", 10, 12, 8, 8, 0), ("b", "adam", 5, 50, 8, 8, 0))
    assert apart(table) == (
        "In these runs adam on b reached its target at 5 and held it only from 50 on, "
        "the furthest apart of 2."
    )
    table = times(("b", "sgd", 10, 10, 8, 8, 0), ("b", "adam", 5, NEVER, 8, 8, 8))
    assert apart(table) == (
        "In these runs adam on b reached its target at update 5 and held it in 0 of 8 runs."
    )
    # Where half of the runs did not hold it, some may have.
    table = times(("b", "adam", 5, NEVER, 10, 9, 5), ("c", "adam", 7, NEVER, 10, 9, 5))
    assert apart(table) == (
        "In these runs adam on b reached its target at update 5 and held it in only 4 of 10 runs, "
        "the soonest of 2 such."
    )
    assert apart(times(("b", "adam", 5, NEVER, 1, 1, 1))) == (
        "In these runs adam on b reached its target at update 5 and did not hold it."
    )
    same = times(("b", "sgd", 10, 10, 8, 8, 0))
    assert apart(same) == "In these runs every median time of reaching is also that of holding."
    assert "no target was reached" in apart(times(("b", "sgd", NEVER, NEVER, 8, 0, 0)))


def test_held_most():
    costs = pd.DataFrame(
        {"a": [1.0, 2.0, NEVER], "b": [1.0, NEVER, NEVER], "c": [NEVER, NEVER, NEVER]},
        index=["p", "q", "r"],
    )
    assert held_most(costs) == (
        "In these runs a held the target in more than half of its runs on 2 of 3 problems, the most of 3 "
        "optimizers; c on none, the fewest; nobody did on 1."
    )
    assert held_most(costs[["a"]]) == (
        "In these runs a held the target in more than half of its runs on 2 of 3 problems."
    )
    assert held_most(costs[["c"]]) == (
        "In these runs no optimizer held its target in more than half of its runs on any problem."
    )
    tied = costs[["a"]].assign(d=costs["a"])
    assert held_most(tied) == (
        "In these runs both held the target in more than half of their runs on 2 of 3 problems each; "
        "nobody did on 1."
    )
    assert held_most(costs.iloc[:0]) == ""


def test_shares_met():
    rows = [("a", 1.0, 0.5), ("a", 9.0, 0.9), ("b", 1.0, 0.25)]
    table = pd.DataFrame(rows, columns=["optimizer", "evals", "share"])
    assert shares_met(table) == (
        "By the end of the budget a had met 90 % of the targets, the largest share; b 25 %, the smallest."
    )
    assert shares_met(table[table["optimizer"] == "a"]) == (
        "By the end of the budget a had met 90 % of the targets."
    )
    assert shares_met(table.iloc[:0]) == "In these runs no target was met."
    # Nearly all is not all.
    assert "over 99 %" in shares_met(table.assign(share=0.999))


def test_lowest_loss():
    rows = [("p", "a", 0.1), ("p", "b", 0.2), ("q", "a", NEVER), ("q", "b", 0.2)]
    table = pd.DataFrame(rows, columns=["problem", "optimizer", "value"])
    assert lowest_loss(table, "value", "gap") == (
        "In these runs the lowest last median gap was that of a on p, b on q."
    )
    gone = table.assign(value=[NEVER, 0.2, NEVER, 0.2])
    assert lowest_loss(gone, "value", "gap", exact=True) == (
        "In these runs the lowest last gap was that of b on both problems. a diverged on every problem."
    )
    # A median over runs is infinite where half of them diverged.
    assert lowest_loss(gone, "value", "gap") == (
        "In these runs the lowest last median gap was that of b on both problems. a diverged in half of "
        "its runs or more on every problem."
    )
    assert lowest_loss(gone[:2], "value", "gap").endswith(
        " of b on p. a diverged in half of its runs or more."
    )
    assert lowest_loss(gone[:1], "value", "gap", exact=True) == "Everything shown diverged."
    assert lowest_loss(table.assign(value=NEVER), "value", "gap") == (
        "Everything shown diverged, in half of its runs or more."
    )
    assert lowest_loss(table.assign(value=np.nan), "value", "gap").startswith("Everything shown")
    assert lowest_loss(table.iloc[:1], "value", "loss") == (
        "In these runs the last median loss of a was 0.1."
    )


def test_verdicts_in_numbers():
    order = ("SUPPORTED", "REFUTED", "NOT TESTED")
    table = pd.DataFrame({"verdict": ["REFUTED", "SUPPORTED", "REFUTED"]})
    assert verdict_counts(table, order) == "Of 3 comparisons, 1 SUPPORTED and 2 REFUTED."
    assert verdict_counts(table[:1], order) == "The one comparison is REFUTED."
    assert verdict_counts(table[table["verdict"] == "REFUTED"], order) == (
        "Both comparisons are REFUTED."
    )


def seen(problem, differences, kind="better"):
    """The seeds of one comparison."""
    same = {"claim": kind, "problem": problem, "measure": "gap", "b": "sgd", "selection_b": "tuned"}
    return pd.DataFrame({"seed": range(len(differences)), "difference": differences}).assign(
        **same, kind=kind
    )


def test_seeds_are_counted_within_a_comparison():
    one = seen("p", [1.0, -0.5, np.inf, 0.0])
    assert seeds_favour(one) == (
        "Of 4 paired seeds 2 favour the claimed optimizer, 1 the other and 1 came out alike."
    )
    # What is rounding favours nobody.
    dust = seen("q", [1e-16, 1e-12, -1e-16, 2e-10])
    assert seeds_favour(dust) == (
        "Of 4 paired seeds 0 favour the claimed optimizer, 0 the other and 4 came out alike."
    )
    # Over several, comparisons are counted: their seeds are the same ones once more.
    several = pd.concat([
        seen("p", [1.0, 1.0, -np.inf, 1.0]), dust, seen("r", [1.0, 1.0, -1.0, -1.0]),
        seen("s", [-1.0, -1.0, -1.0, 1.0]),
    ])  # fmt: skip
    assert seeds_favour(several) == (
        "In 1 of 4 comparisons most of their 4 seeds favour the claimed optimizer, in 1 the other and in "
        "2 neither."
    )
    assert "most of their 2 to 4 seeds" in seeds_favour(pd.concat([several, seen("t", [1.0, 1.0])]))
    # Who is claimed to be alike is not claimed to be better.
    alike = seen("p", [1.0, 1.0], "equivalent")
    assert seeds_favour(pd.concat([several, alike])).endswith(
        "in 2 neither; 1 more of two claimed to be alike."
    )
    assert seeds_favour(alike) == "Every comparison shown is of two that are claimed to be alike."
    assert seeds_favour(alike[:0]) == ""


def test_flips_and_crossings_and_pairs():
    table = pd.DataFrame({
        "claim": ["x", "x", "y", "y"], "choice": ["t", "half", "t", "half"],
        "flips": [False, True, False, False],
    })  # fmt: skip
    assert flips(table, ["claim"]) == (
        "Of 2 verdicts, 1 would have come out alike by every other choice below and 1 otherwise by at "
        "least one, most often by half (1)."
    )
    assert flips(table.assign(flips=False), ["claim"]) == (
        "Both verdicts would have come out alike by every other choice below."
    )
    crossing = pd.DataFrame({
        "problem": ["p", "q"], "step": [30, 80], "before": ["a", "b"], "after": ["b", "a"],
        "near_rounding": False,
    })  # fmt: skip
    late = "2 pairs of median curves change order after a quarter of the budget on 2 problems"
    assert late_crossings(crossing.assign(near_rounding=[False, True])) == (
        f"{late}, 1 of them near rounding; the last of the others at update 30, where b passes a on p."
    )
    assert late_crossings(crossing.assign(near_rounding=True)) == (
        f"{late}, all of them near rounding, where errors of arithmetic decide."
    )
    assert late_crossings(crossing) == (
        "2 pairs of median curves change order after a quarter of the budget on 2 problems; the last at "
        "update 80, where a passes b on q."
    )
    assert after_holm(pd.DataFrame({"holm": [0.01, 0.5]})).startswith(
        "Exploratory: 1 of 2 pairs has "
    )
    assert after_holm(pd.DataFrame({"holm": [0.5]})).startswith("Exploratory: no pair has ")


def rates(*rows):
    columns = ["problem", "optimizer", "rate", "median", "diverged"]
    return pd.DataFrame(rows, columns=columns)


def test_step_sizes():
    table = rates(
        ("p", "a", 0.1, 1.0, 0.0), ("p", "a", 1.0, 0.5, 0.0),
        ("p", "b", 0.1, 0.2, 0.0), ("p", "b", 1.0, NEVER, 1.0),
    )  # fmt: skip
    assert where_diverged(table) == (
        "At some of the step sizes tried half of the runs or more diverged: b; never those of a."
    )
    assert best_rates(table).startswith(
        "The step sizes that ended lowest lie between 0.1 and 1, 1 decade apart."
    )
    gone = rates(("p", "a", 0.1, NEVER, 1.0))
    assert best_rates(gone) == "No step size that was tried kept half of the runs from diverging."
    width = pd.DataFrame({
        "problem": ["p", "p"], "optimizer": ["a", "b"], "width": [1.5, -np.inf],
        "text": ["1.5 decades", "none"], "edge": ["high", ""],
    })  # fmt: skip
    assert widest(width) == (
        "In these runs the widest was that of a on p. Each width is 1.5 decades. 1 of 2 "
        "have none: nothing that was tried did well. 1 of 2 end with the step sizes tried, so may be "
        "wider."
    )


def test_tuning_in_words():
    rows = [
        ("p", "a", 1, 2, 5.0),
        ("p", "a", 2, 2, 3.0),
        ("p", "b", 1, 2, 4.0),
        ("p", "b", 2, 2, 4.0),
    ]
    table = pd.DataFrame(rows, columns=["problem", "optimizer", "n", "trials", "median"])
    assert one_trial_and_all(table) == (
        "With one setting tried the best median was that of b on p; with all of them another leads on "
        "the problem."
    )
    tied = one_trial_and_all(table.assign(median=[5.0, 4.0, 4.0, 4.0]))
    assert tied.endswith("with all of them the same leads on the problem.")  # b, if not alone
    never = table.assign(median=[NEVER, 3.0, NEVER, 4.0])
    assert one_trial_and_all(never) == (
        "With one setting tried no median is finite; with all of them the best is that of a on p."
    )
    assert edges_told(0, 0, [1]) == "Each was run at one setting: nothing was tuned."
    assert edges_told(2, 8, [16, 16]) == (
        "Of 8 choices 2 lie at an edge of what was tried, so a better one may lie beyond; 16 settings "
        "of each optimizer were tried."
    )
    assert edges_told(0, 8, [4, 16]).endswith("from 4 to 16 settings of each optimizer were tried.")


def test_stability_in_words():
    rows = [
        ("p", "a", 1, 10, 0.1),
        ("p", "b", 0, 10, 0.3),
        ("q", "a", 0, 10, 0.1),
        ("q", "b", 0, 10, 0.3),
    ]
    table = pd.DataFrame(rows, columns=["problem", "optimizer", "diverged", "n", "overshoot"])
    table = table.assign(selection="tuned")
    assert most_stable(table, {"overshoot": "overshoot"}) == (
        "At the chosen settings 1 of 40 runs diverged, that of a. Least of each kind on the most "
        "problems: overshoot a."
    )
    # Where all tie, no one is named.
    assert most_stable(table.assign(overshoot=0.0, diverged=0), {"overshoot": "overshoot"}) == (
        "At the chosen settings 0 of 40 runs diverged."
    )
    assert most_stable(table.assign(diverged=10), {}) == (
        "At the chosen settings 40 of 40 runs diverged, each optimizer as often."
    )
    assert most_stable(table.assign(diverged=[1, 2, 1, 1], n=[10, 30, 10, 30]), {}) == (
        "At the chosen settings 5 of 80 runs diverged, most often a (2 of 20)."
    )


def test_pairs_of_hyperparameters_in_words():
    """A median of infinity says that half of the runs diverged, not all of them."""
    table = pd.DataFrame({
        "optimizer": ["a", "a", "b", "b"], "across": "lr", "up": "beta", "x": [0.1, 1.0, 0.1, 1.0],
        "y": 0.9, "median": [0.5, NEVER, NEVER, NEVER],
    })  # fmt: skip
    assert diverging(table) == (
        "Half of the runs or more diverged at 3 of 4 pairs of values, the largest share with b (100 %)."
    )
    assert diverging(table[:1]) == "Half of the runs or more diverged at 0 of 1 pair of values."
    assert _lowest(table[:2], "p") == (
        "a on p: of 2 pairs of lr and beta the lowest last value, 0.5, came at lr = 0.1 and beta = 0.9; "
        "half of the runs or more diverged at 1."
    )
    assert _lowest(table[2:], "p") == (
        "b on p: of 2 pairs of lr and beta all diverged in half of their runs or more."
    )


def test_costs_in_words():
    table = pd.DataFrame({
        "problem": ["p", "p"], "optimizer": ["a", "b"], "hits": [3, 0], "ert": [40.0, NEVER],
    })  # fmt: skip
    assert cheapest(table) == (
        "In these runs the expected time with restarts was least for a on p. 1 of 2 had no success, so "
        "only a bound."
    )
    assert cheapest(table.assign(ert=NEVER, hits=0)) == (
        "No run succeeded, so of every expected time only a bound is known."
    )
    scores = pd.DataFrame(
        {"optimizer": ["a", "b"], "problems": 12, "wins": [7, 6], "solved": [9, 12]}
    )
    assert fastest_on(scores) == (
        "a held the target first on 7 of 12 problems; the most, 12, was solved by b."
    )
    assert fastest_on(scores.assign(wins=0, solved=0)) == (
        "No optimizer held its target in more than half of its runs on any of 12 problems."
    )
    assert profile_leads(scores.assign(score=0.0)) == (
        "No target was held in more than half of the runs, so every line stays at 0."
    )
    costs = pd.DataFrame({"a": [1.0, 2.0, NEVER], "b": [2.0, NEVER, 1.0], "c": [0.5, 1.0, 1.0]})
    assert one_by_one(costs, "a") == (
        "Alone against each other one, a held the target as soon or sooner on half of the problems or "
        "more against 1 of 2."
    )
    pair = pd.DataFrame({"a": ["x"], "b": ["y"], "probability": [0.2]})
    assert likelier(pair) == "In these runs y scored higher than x with a chance of 0.8."
    assert solved_within({(0.1, "a"): 1.0, (0.01, "a"): 0.5, (0.01, "b"): 0.25}) == (
        "To 0.01 of the starting gap a solved the most within the whole budget, 50 % of problems and "
        "seeds."
    )


def test_ranks_in_words():
    costs = pd.DataFrame({"a": [1.0, 2.0, NEVER], "b": [2.0, 3.0, NEVER]}, index=["p", "q", "r"])
    assert ranks_told(rank_table(costs), leave_one_out(costs)) == (
        "Ranked by the median time to hold the target over 3 problems, a has the best mean rank; "
        "leaving out any one problem changes nothing about that."
    )
    nobody = costs * NEVER
    assert ranks_told(rank_table(nobody), leave_one_out(nobody)) == (
        "Nobody held the target in more than half of the runs on any of 3 problems, so all share one rank."
    )


def test_what_ran_in_words():
    row = {"runs": 10, "hit": 4, "budget": 3, "diverged": 3, "error": 0}
    table = pd.DataFrame([row, row | {"runs": 0, "hit": 0, "budget": 0, "diverged": 0}])
    assert what_ran(table) == (
        "Of 10 runs 4 hit the target, 3 used up the budget and 3 diverged; none stopped with an error. "
        "Nothing ran for 1 of 2 pairs of problem and optimizer."
    )
    assert what_ran(table[:1].assign(error=1)).endswith("3 diverged and 1 stopped with an error.")


def test_what_was_asked_in_words():
    bowl = {"name": "bowl", "dim": 2, "convex": True, "separable": True, "minimum": {"value": 0}}
    net = {"name": "net", "dim": 650, "convex": False, "separable": False, "minimum": None}
    assert problems_told([bowl, net]) == (
        "2 problems of 2 to 650 parameters: 1 convex, 1 with a known f*. bowl takes each coordinate "
        "alone, which flatters rules that do so too."
    )
    assert problems_told([net]) == (
        "1 problem of 650 parameters, not convex, or not known to be, its f* not known."
    )
    two = [
        {"name": "a", "rule": "sgd"},
        {"name": "b", "rule": "sgd"},
        {"name": "c", "rule": "adam"},
    ]
    assert rules_told(two) == "3 optimizers of 2 rules: a and b are one rule, sgd."


def test_what_happened_in_words():
    points = [{"curvature": None, "step": 0}, {"curvature": 4.0, "step": 7}]
    told = [{"happened": "diverged", "optimizer": "a", "problem": "p", "points": points}]
    assert happened(told) == "1 run was made again and measured. What happened: diverged (1)."
    assert sharpest(told) == "The largest curvature met was 4, by a on p at step 7."
    assert sharpest([told[0] | {"points": points[:1]}]) == "No curvature could be measured."


def test_columns_have_a_meaning():
    assert column_meaning("held.gap_over_start <= 1e-06") == (
        "the step from which gap ≤ 1e-6 × its start stayed met to the end; infinite is never"
    )
    assert "lr" in column_meaning("hyper.lr")


# --- long tables ---


def long_table(groups, rows):
    cells = [
        (f"p{g}: target", [[Cell(f"o{r}", value=f"o{r}"), Cell("1")] for r in range(rows)])
        for g in range(groups)
    ]
    return Table("A caption.", ["Optimizer", "N"], cells, question="Q?", finding="F.", name="t")


@pytest.mark.parametrize(("groups", "rows"), [(1, 1), (4, 6), (GROUPS, ROWS), (1, 24)])
def test_a_short_table_stays_as_it_is(groups, rows):
    table = long_table(groups, rows)
    assert cut(table) == [table]


@pytest.mark.parametrize(("groups", "rows"), [(40, 30), (40, 2), (1, 30), (12, 12)])
def test_a_long_table_is_cut_and_nothing_of_it_is_lost(groups, rows):
    first, *folds = cut(long_table(groups, rows))
    assert len(first.groups) <= GROUPS
    assert all(len(mine) <= ROWS for _, mine in first.groups)
    assert first.question == "Q?"
    assert first.finding == "F."
    lines = csv_text(first).splitlines()[1:]
    assert len(lines) == len(set(lines)) == groups * rows
    shown = sum(len(mine) for _, mine in first.groups)
    shown += sum(len(mine) for fold in folds for block in fold.blocks for _, mine in block.groups)
    left = groups * rows - shown
    assert left == 0 or f"{left:,} more are left out" in first.caption
    names = [block.name for fold in folds for block in fold.blocks]
    assert len({*names, "t"}) == len(names) + 1


# --- how settings were chosen ---


def texts(blocks):
    """All paragraphs and notes."""
    return " ".join(
        block.text if isinstance(block, Text) else " ".join(block.items)
        for block in blocks
        if isinstance(block, Text | Notes)
    )


@pytest.mark.parametrize(
    ("select", "by", "then"),
    [
        ("held", "the smallest median time to hold the deciding target", "without a target by"),
        ("reached", "the smallest median time to reach the deciding target", "without a target by"),
        ("loss", "the smallest median last loss", "ties by the smallest median time to hold"),
        ("test_loss", "the smallest median last test loss", "without it by"),
        ("test_accuracy", "the largest median last test accuracy", "without it by"),
    ],
)
def test_both_places_tell_by_what_settings_were_chosen(tmp_path, select, by, then):
    results = stored(write_folder(tmp_path / "small", problems=["bowl"], tune=2, evaluate=2))
    results.manifest["tuning"] = {"select": select, "staged": True, "trials": None}
    facts = Facts(results)
    assert f"the best chosen by {by}." in texts(optimizers(facts))
    assert f"the one with {by} (" in texts(limits(facts))
    assert then in texts(limits(facts))
    assert selected_by(select)[0] == by


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([], "had not seen."),
        (["default"], "had not seen, and so did the default setting."),
        (["profile"], "had not seen, and so did the curve over rates."),
        (["default", "profile"], "and so did the default setting and the curve over rates."),
    ],
)
def test_only_what_ran_is_said_to_have_run(tmp_path, parts, said):
    results = stored(write_folder(tmp_path / "small", problems=["bowl"], tune=2, evaluate=2))
    results.manifest["tuning"] = {"select": "held", "staged": True, "trials": None}
    runs = results.runs[~results.runs["part"].isin(["default", "profile"])]
    extra = [runs[runs["role"] == "evaluate"].assign(part=part) for part in parts]
    facts = Facts(replace(results, runs=pd.concat([runs, *extra], ignore_index=True)))
    assert said in texts(optimizers(facts))


# --- whole pages ---


CASES = {
    "usual": {},
    "one problem, one optimizer, one seed": {
        "problems": ["bowl"], "optimizers": ["sgd"], "rates": (0.1,), "tune": 1, "evaluate": 1,
    },
    "everything diverged": {"problems": ["bowl"], "rates": (1e6, 1e7)},
    "no target": {"threshold": None},
    "f* is not known": {"known": False},
    "no target, f* not known": {"threshold": None, "known": False, "problems": ["valley"]},
}  # fmt: skip


@pytest.fixture(scope="module", params=list(CASES))
def facts(request, tmp_path_factory):
    folder = write_folder(tmp_path_factory.mktemp("content") / "small", **CASES[request.param])
    return Facts(stored(folder))


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """Twelve optimizers on fourteen problems."""
    folder = write_folder(
        tmp_path_factory.mktemp("crowd") / "small", problems=["bowl", "valley"], rates=(0.01, 0.1),
        evaluate=2, tune=1, steps=60, optimizers=["sgd", "adam"],
    )  # fmt: skip
    return Facts(many(stored(folder), 12, 14))


@pytest.mark.slow
def test_a_crowd_is_summed_up_first_and_folded_below(crowd):
    picture, table, *rest = [block for block in lead(crowd) if not isinstance(block, Fold)]
    assert not rest
    assert len(picture.pictures) == 1
    assert table.name == "answer"
    assert sum(len(rows) for _, rows in table.groups) <= 2 * ROWS
    folds = [block for block in lead(crowd) if isinstance(block, Fold)]
    matrix = next(b for b in blocks_of(folds) if isinstance(b, Table) and b.name == "matrix")
    assert len(matrix.head) == 13
    assert [len(rows) for _, rows in matrix.groups] == [14]
    for row in matrix.groups[0][1]:
        times = [cell.value for cell in row[1:]]
        first = [cell.value for cell in row[1:] if cell.text.startswith("●")]
        known = [value for value in times if np.isfinite(value)]
        assert first == [value for value in known if value == min(known)]


@pytest.mark.slow
def test_a_crowd_fits_a_reader(crowd):
    for name, blocks in sections(crowd):
        if name == "worked":
            continue
        for block in blocks:
            if isinstance(block, Table):
                assert len(block.groups) <= GROUPS, name
            elif isinstance(block, Figures):
                assert len(block.pictures) <= GROUPS, name
        for block in blocks_of(blocks):
            if not block.caption.startswith(("More rows", "As above")):
                assert block.question.endswith("?"), block.caption
                assert block.finding.endswith("."), block.question
                assert len(block.finding) < 500, block.finding
    assert all(len(sentence) < 1000 for sentence in crowd.answer)


@cache
def sections(facts):
    """Every section's name and blocks, made once for all that look at them."""
    told = [(section.id, section.blocks) for part in content(facts) for section in part.sections]
    return [("answer", lead(facts)), *told]


def blocks_of(blocks):
    for block in blocks:
        if isinstance(block, Fold):
            yield from blocks_of(block.blocks)
        elif isinstance(block, Figures | Table):
            yield block


def test_each_figure_and_table_asks_says_how_and_tells(facts):
    asked = 0
    for name, blocks in sections(facts):
        if name == "worked":  # its tables are lines of one derivation, each with its formula
            continue
        for block in blocks_of(blocks):
            assert block.question.endswith("?"), block
            assert block.finding.endswith("."), block.question
            assert len(block.caption) > 20, block.question
            assert "nan" not in block.finding.lower().split(), block.finding
            assert not re.search(r"significant|better than", block.finding), block.finding
            asked += 1
    assert asked > 8


def test_no_empty_section_and_no_picture_twice(facts):
    files = []
    for name, blocks in sections(facts):
        assert blocks, name
        files += [p.file for b in blocks_of(blocks) if isinstance(b, Figures) for p in b.pictures]
    assert len(files) == len(set(files))


def test_every_table_of_data_has_a_name_of_its_own(facts):
    found = [
        block.name
        for name, blocks in sections(facts)
        if name != "worked"
        for block in blocks_of(blocks)
        if isinstance(block, Table)
    ]
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in found)
    assert len(found) == len(set(found))


def test_numbers_sort_as_numbers(facts):
    """In a column of times or values every cell has a raw value, so that never sorts last."""
    for name, blocks in sections(facts):
        for block in blocks_of(blocks):
            if not isinstance(block, Table) or name == "worked":
                continue
            for place, title in enumerate(block.head):
                if title in ("Reached", "Held", "Held from", "Last", "Median", "ERT", "RMST"):
                    cells = [row[place] for _, rows in block.groups for row in rows]
                    assert all(isinstance(cell.value, float | int) for cell in cells), title


def test_words_are_explained_where_they_occur(facts):
    fold = glossary(facts)[0]
    words = " ".join(fold.blocks[0].items)
    assert "Update, or step" in words
    assert ("Held:" in words) == any(p["targets"] for p in facts.manifest["problems"])
    assert ("f*, gap:" in words) == any(p["minimum"] for p in facts.manifest["problems"])


def test_findings_follow_the_data(tmp_path):
    """Two experiments that differ only in their step sizes: what can differ is told differently."""
    slow = Facts(stored(write_folder(tmp_path / "a", problems=["bowl"], rates=(0.001, 0.01))))
    fast = Facts(stored(write_folder(tmp_path / "b", problems=["bowl"], rates=(0.1, 1.0))))
    told = []
    for facts in (slow, fast):
        each = {}
        for name, blocks in sections(facts):
            for place, block in enumerate(blocks_of(blocks)):
                each[name, place, block.question] = block.finding
        told.append(each)
    same = [key for key in told[0] if told[0][key] == told[1].get(key)]
    assert {name for name, *_ in same} <= {
        "optimizers", "problems", "downloads", "provenance", "paths", "choices",
    }  # fmt: skip


def test_a_checked_kind_of_stability_is_told_by_its_own_column(facts):
    if len(facts.kinds):
        assert set(_MEASURED) <= set(facts.kinds.columns)


def test_a_run_that_plays_two_parts_counts_once(tmp_path):
    folder = write_folder(tmp_path / "a", problems=["bowl"], rates=(0.1,), optimizers=["sgd"])
    runs = pd.read_parquet(folder / "runs.parquet")
    again = runs[runs["role"] == "evaluate"].assign(part="default")
    pd.concat([runs, again]).to_parquet(folder / "runs.parquet")
    made = next(block for name, blocks in sections(Facts(stored(folder))) if name == "provenance"
            for block in blocks_of(blocks))  # fmt: skip
    (told,) = (row[1].text for _, rows in made.groups for row in rows if row[0].text == "Runs")
    total, parts = told.split(": ")
    assert int(total) == sum(int(part.split()[0]) for part in parts.split(", ")) == len(runs)
