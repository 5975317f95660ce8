"""What a table or a figure shows, in one plain sentence made of its numbers.

Each function takes the rows that are shown and returns a sentence, empty where there is nothing to
say. They describe these runs: medians and counts, ties named, never what was not asked. Nothing here
says that one is better than another; that is for verdicts, which have intervals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from optlab.analysis.words import listed, number, percent, plural, steps
from optlab.measures import ROUNDING

__all__ = [
    "after_holm", "best_rates", "counted", "diverging", "few", "first_of_each", "flips", "held_most",
    "held_soonest", "late_crossings", "leaders", "left_again", "lowest_loss", "most_often",
    "most_stable", "one_trial_and_all", "seeds_favour", "shares_met", "verdict_counts", "what_ran",
    "where_diverged", "widest",
]  # fmt: skip

_FEW_NAMES = 4
"""So many problems are named; more are counted."""
_FEW_LEADERS = 3
"""So many optimizers are told with where they lead; of more the rest is counted."""


def counted(count: int, whole: int, word: str) -> str:
    """`3 of 12 problems`, `both problems`, `all 4 problems`, `the problem`, `no problem`."""
    if count == 0:
        return f"no {word}"
    if count < whole:
        return f"{count:,} of {plural(whole, word)}"
    return {1: f"the {word}", 2: f"both {word}s"}.get(whole, f"all {plural(whole, word)}")


def few(names: Sequence[str], most: int = _FEW_NAMES) -> str:
    """`a, b and c`; of many the first and how many more: `a, b, c and 27 more`."""
    names = [str(name) for name in names]
    if len(names) <= most:
        return listed(names)
    return f"{', '.join(names[: most - 1])} and {len(names) - most + 1:,} more"


def leaders(values: pd.Series, *, higher: bool = False) -> list[str]:
    """Whose value (the index) is the best of all that are finite; several where they tie, none where
    none is finite."""
    known = values[np.isfinite(values.to_numpy(dtype=float))].astype(float)
    if known.empty:
        return []
    best = known.max() if higher else known.min()
    return [str(name) for name in known.index[known == best]]


def first_of_each(table: pd.DataFrame, value: str, *, higher: bool = False) -> str:
    """`adam on bowl and valley, sgd on network, nobody on iris`: who is first by `value` where.

    Columns of `table`: problem, optimizer and `value`, one row each. Those who tie share a place.
    Problems are named if there are few, else counted.
    """
    where: dict[str, list[str]] = {}
    for problem, rows in table.groupby("problem", sort=False, observed=True):
        first = leaders(rows.set_index("optimizer")[value], higher=higher)
        who = listed(first) if len(first) <= _FEW_LEADERS else str(len(first))
        who += " alike" if len(first) > 1 else ""
        where.setdefault(who or "nobody", []).append(str(problem))
    if len(where) == 1 and len(next(iter(where.values()))) > 1:
        who, problems = next(iter(where.items()))
        return f"{who} on {counted(len(problems), len(problems), 'problem')}"
    order = sorted(where, key=lambda who: (who == "nobody", -len(where[who])))
    named = table["problem"].nunique() <= _FEW_NAMES
    shown = order if len(order) <= _FEW_LEADERS + 1 else order[:_FEW_LEADERS]
    parts = [f"{who} on {listed(where[who]) if named else len(where[who])}" for who in shown]
    if len(shown) < len(order):
        rest = sum(len(where[who]) for who in order[len(shown) :])
        parts.append(f"others on {rest}")
    text = ", ".join(parts)
    return text if named else f"{text} (of {plural(table['problem'].nunique(), 'problem')})"


def held_soonest(times: pd.DataFrame, exact: bool = False) -> str:
    """Who held the target soonest, on which problem: rows of `time_to_target`, one target each."""
    if times.empty:
        return ""
    exact = exact or bool((times["n"] == 1).all())
    if not np.isfinite(times["held_median"].astype(float)).any():
        half = "" if exact else " in more than half of its runs"
        who = "no optimizer held"
        if times["optimizer"].nunique() == 1:
            who = f"{times['optimizer'].iloc[0]} did not hold"
        return f"In these runs {who} its target{half}."
    if times["optimizer"].nunique() == 1:
        return _alone(times, exact)
    by = "" if exact else ", by the median"
    return f"In these runs the target was held soonest{by}: {first_of_each(times, 'held_median')}."


def _alone(times: pd.DataFrame, exact: bool) -> str:
    """Of one optimizer there is no first."""
    held = np.isfinite(times["held_median"].astype(float))
    name = times["optimizer"].iloc[0]
    half = "" if exact else " in more than half of its runs"
    if len(times) == 1:
        row = times.iloc[0]
        when = f"update {steps(row['held_median'])}"
        when = when if exact else f"a median of {steps(row['held_median'])} updates"
        share = "" if exact else f" ({row['held_n']:,} of {plural(row['n'], 'run')})"
        return f"In these runs {name} held the target from {when} on{share}."
    return (
        f"In these runs {name} held the target on "
        f"{counted(int(held.sum()), len(times), 'problem')}{half}."
    )


def left_again(times: pd.DataFrame) -> str:
    """In how many runs a target that was reached was left again, by whom most often, and in how many for
    good."""
    reached, left, gone = (int(times[name].sum()) for name in ("reached_n", "left", "relapses"))
    if not reached:
        return "No run reached it." if times["n"].sum() > 1 else "It did not reach it."
    if not left:
        return f"What reached it never left it again ({plural(reached, 'run')})."
    text = f"{left:,} of {plural(reached, 'run')} that reached it left it again"
    if left == 1:
        back = "it did not come back" if gone else "it came back"
    else:
        back = {0: "all of them came back", left: "none of them came back"}.get(
            gone, f"{gone:,} of them did not come back"
        )
    return f"{text}{_mostly(times, 'left', 'reached_n')}; {back}."


def _mostly(table: pd.DataFrame, count: str, whole: str) -> str:
    """`, most often adam (4 of 10)`: of which optimizer the largest share, as the end of a sentence on
    `count` of `whole` in all rows. Shares, since one may have had more runs than another."""
    by = table.groupby("optimizer", sort=False, observed=True)[[count, whole]].sum()
    by = by[by[whole] > 0]
    some = [str(name) for name in by.index[by[count] > 0]]
    if len(by) == 1 or not some:
        return ""
    if len(some) == 1:
        return f", {'that' if by[count].sum() == 1 else 'all'} of {some[0]}"
    most = leaders(by[count] / by[whole], higher=True)
    if by[whole].max() == 1:
        return f", those of {few(some)}"
    if len(most) == len(by):
        return ", each optimizer as often"
    some_of = {str(n): f"{k:,} of {of:,}" for n, k, of in by.astype(int).itertuples()}
    each = [f"{name} ({some_of[name]})" for name in most]
    return f", most often {few(each)}"


def held_most(costs: pd.DataFrame) -> str:
    """Who held the target on the most problems, and how many nobody did. `costs`: problems by
    optimizers, the median time, +inf for never, NaN where it was not run."""
    known = costs.dropna(axis=0, how="all").dropna(axis=1, how="all")
    if known.empty:
        return ""
    solved = np.isfinite(known).sum(axis=0)
    whole = len(known)
    nobody = int((~np.isfinite(known).any(axis=1)).sum())
    rest = f"; nobody did on {nobody:,}" if 0 < nobody < whole else ""
    if nobody == whole:
        return "In these runs no optimizer held its target in more than half of its runs on any problem."
    best = leaders(solved, higher=True)
    on = counted(int(solved.max()), whole, "problem")
    if known.shape[1] == 1:
        return f"In these runs {best[0]} held the target in more than half of its runs on {on}."
    if len(best) == known.shape[1]:
        who = "both" if len(best) == 2 else f"all {len(best)} optimizers"
        each = "" if int(solved.max()) == whole else " each"
        return f"In these runs {who} held the target in more than half of their runs on {on}{each}{rest}."
    least = leaders(solved)
    low = "none" if int(solved.min()) == 0 else f"{int(solved.min()):,}"
    return (
        f"In these runs {few(best)} held the target in more than half of "
        f"{'its' if len(best) == 1 else 'their'} runs on {on}, the most of {plural(known.shape[1], 'optimizer')}; "
        f"{few(least)} on {low}, the fewest{rest}."
    )


def shares_met(shares: pd.DataFrame) -> str:
    """The share of all targets met by the end: rows of `runtime_shares`."""
    last = shares.groupby("optimizer", sort=False, observed=True)["share"].last()
    if not last.any():
        return "In these runs no target was met."
    most, least = leaders(last, higher=True), leaders(last)
    text = f"By the end of the budget {few(most)} had met {percent(last.max())} of the targets"
    if len(last) == 1:
        return f"{text}."
    if len(most) == len(last):
        return f"{text} each."
    return f"{text}, the largest share; {few(least)} {percent(last.min())}, the smallest."


def lowest_loss(table: pd.DataFrame, value: str, what: str, exact: bool = False) -> str:
    """Who ended lowest where. `table`: problem, optimizer and `value`, a row each; `what` the value
    is called."""
    known = table[np.isfinite(table[value].astype(float))]
    median = "" if exact else "median "
    if table.empty:
        return ""
    if known.empty:
        return f"Everything shown diverged{'' if exact else ', in half of its runs or more'}."
    gone = sorted(set(table["optimizer"]) - set(known["optimizer"]))
    # A median is infinite as soon as half of the runs diverged.
    half = f" in half of {'its' if len(gone) == 1 else 'their'} runs or more"
    where = " on every problem" if table["problem"].nunique() > 1 else ""
    lost = f" {few(gone)} diverged{'' if exact else half}{where}." if gone else ""
    if table["optimizer"].nunique() == 1:
        name = table["optimizer"].iloc[0]
        if len(known) == 1:
            return f"In these runs the last {median}{what} of {name} was {number(float(known[value].iloc[0]))}."
        low, high = float(known[value].min()), float(known[value].max())
        return (
            f"In these runs the last {median}{what} of {name} was between {number(low)} and "
            f"{number(high)}, over {plural(len(known), 'problem')}."
        )
    return f"In these runs the lowest last {median}{what} was that of {first_of_each(table, value)}.{lost}"


# What was claimed


def verdict_counts(verdicts: pd.DataFrame, order: Sequence[str]) -> str:
    """How many comparisons came out how: `verdicts` has a row for each, `order` their words."""
    seen = verdicts["verdict"].value_counts()
    each = [f"{int(seen[word]):,} {word}" for word in order if word in seen.index]
    if len(verdicts) == 1:
        return f"The one comparison is {verdicts['verdict'].iloc[0]}."
    if len(each) == 1:
        word = verdicts["verdict"].iloc[0]
        return f"{counted(len(verdicts), len(verdicts), 'comparison').capitalize()} are {word}."
    return f"Of {plural(len(verdicts), 'comparison')}, {listed(each)}."


def seeds_favour(differences: pd.DataFrame) -> str:
    """In how many comparisons most seeds favour the claim: rows of `differences` (above zero favours
    it) with the `kind` of the claim. Seeds are counted within a comparison and never over several, of
    which many may be of the same runs. A claim that two are alike is favoured by neither side."""
    if differences.empty:
        return ""
    each = differences[differences["kind"] != "equivalent"]
    if each.empty:
        return "Every comparison shown is of two that are claimed to be alike."
    keys = ["claim", "problem", "measure", "b", "selection_b"]
    side = np.sign(each["difference"].where(each["difference"].abs() >= ROUNDING, 0.0))
    counts = each[keys].assign(better=side > 0, worse=side < 0, n=1)
    counts = counts.groupby(keys, sort=False, observed=True)[["better", "worse", "n"]].sum()
    if len(counts) == 1:
        better, worse, n = (int(count) for count in counts.iloc[0])
        alike = n - better - worse
        text = f"Of {plural(n, 'paired seed')} {better:,} favour the claimed optimizer, {worse:,} the other"
        text += f" and {alike:,} came out alike" if alike else ""
    else:
        most = [int((counts[name] > counts["n"] / 2).sum()) for name in ("better", "worse")]
        low, high = int(counts["n"].min()), int(counts["n"].max())
        seeds = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        neither = len(counts) - sum(most)
        text = (
            f"In {most[0]:,} of {len(counts):,} comparisons most of their {seeds} seeds favour the claimed "
            f"optimizer, in {most[1]:,} the other"
        )
        text += f" and in {neither:,} neither" if neither else ""
    rest = len(differences[keys].drop_duplicates()) - len(counts)
    return f"{text}; {rest:,} more of two claimed to be alike." if rest else f"{text}."


def flips(table: pd.DataFrame, keys: Sequence[str]) -> str:
    """How many verdicts would have come out otherwise by another choice: rows of `robustness`."""
    turned = table.groupby(list(keys), sort=False)["flips"].any()
    whole, some = len(turned), int(turned.sum())
    if whole == 1:
        return f"The one verdict would have come out {'otherwise by at least one other choice' if some else 'alike by every other choice'} below."
    if not some:
        return f"{counted(whole, whole, 'verdict').capitalize()} would have come out alike by every other choice below."
    by = table[table["flips"]].groupby("choice", sort=False).size()
    most = leaders(by, higher=True)
    return (
        f"Of {plural(whole, 'verdict')}, {whole - some:,} would have come out alike by every other "
        f"choice below and {some:,} otherwise by at least one, most often by "
        f"{listed(most)} ({int(by.max()):,})."
    )


def late_crossings(table: pd.DataFrame) -> str:
    """How many pairs change order late, and which one last: rows of `crossings`."""
    low = table["near_rounding"].to_numpy(dtype=bool)
    sound = table if low.all() else table[~low]
    last = sound.iloc[int(sound["step"].to_numpy(dtype=float).argmax())]
    where = f"on {table['problem'].nunique():,} problems" if table["problem"].nunique() > 1 else ""
    text = (
        f"{plural(len(table), 'pair')} of median curves change order after a quarter of the budget"
    )
    if len(table) == 1:
        text = "1 pair of median curves changes order after a quarter of the budget"
    text = f"{text} {where}".rstrip()
    if low.all():
        every = "all of them " if len(table) > 1 else ""
        return f"{text}, {every}near rounding, where errors of arithmetic decide."
    some = f", {int(low.sum()):,} of them near rounding" if low.any() else ""
    which = "that" if len(table) == 1 else "the last of the others" if low.any() else "the last"
    return (
        f"{text}{some}; {which} at update {int(last['step']):,}, where "
        f"{last['after']} passes {last['before']} on {last['problem']}."
    )


def after_holm(table: pd.DataFrame) -> str:
    """How many exploratory pairs are below 5 % after Holm: rows of `pairwise`."""
    below = int((table["holm"] < 0.05).sum())
    whole = counted(below, len(table), "pair")
    return (
        f"Exploratory: {whole} {'has' if below < 2 else 'have'} a p after Holm below 0.05; nobody "
        "claimed them before the runs, so this asks and does not answer."
    )


# How robust, how stable


def where_diverged(table: pd.DataFrame) -> str:
    """Who diverged at some step size, on how many problems: rows of `rate_sensitivity`."""
    failed = table[table["diverged"] >= 0.5]
    whole = table["problem"].nunique()
    if failed.empty:
        return "At no step size that was tried did half of the runs diverge."
    on = failed.groupby("optimizer", sort=False, observed=True)["problem"].nunique()
    everyone = table["optimizer"].unique()
    never = [str(name) for name in everyone if name not in on.index]
    order = on.sort_values(ascending=False, kind="stable")
    by: dict[int, list[str]] = {}
    for name, count in order.items():
        by.setdefault(int(count), []).append(str(name))
    each = [
        few(names) + (f" on {counted(n, whole, 'problem')}" if whole > 1 else "")
        for n, names in by.items()
    ]
    told = "; ".join(each[:_FEW_NAMES])
    text = f"At some of the step sizes tried half of the runs or more diverged: {told}"
    return f"{text}; never those of {few(never)}." if never else f"{text}."


def best_rates(table: pd.DataFrame) -> str:
    """How far apart the best step sizes lie, then who diverged: rows of `rate_sensitivity`."""
    best = {}
    for key, rows in table.groupby(["problem", "optimizer"], sort=False, observed=True):
        known = rows[np.isfinite(rows["median"].astype(float))]
        if len(known):
            lowest = int(known["median"].to_numpy(dtype=float).argmin())
            best[key] = float(known["rate"].iloc[lowest])
    if not best:
        return "No step size that was tried kept half of the runs from diverging."
    low, high = min(best.values()), max(best.values())
    if len(best) == 1:
        (_, name), rate = next(iter(best.items()))
        text = f"The step size tried that ended lowest was {number(rate)} for {name}."
    elif low == high:
        text = f"The step size tried that ended lowest was {number(low)} everywhere."
    else:
        text = (
            f"The step sizes that ended lowest lie between {number(low)} and {number(high)}, "
            f"{_decades(math.log10(high / low))} apart."
        )
    return f"{text} {where_diverged(table)}"


def _decades(size: float) -> str:
    told = number(size, 2)
    return f"{told} {'decade' if told == '1' else 'decades'}"


def widest(table: pd.DataFrame) -> str:
    """Whose stretch of good step sizes was the widest, where: rows of `rate_robustness`."""
    if not np.isfinite(table["width"].astype(float)).any():
        return "No step size that was tried held the target in more than half of the runs."
    if len(table) == 1:
        row = table.iloc[0]
        return (
            f"The stretch of step sizes that do well by {row['optimizer']} was {row['text']} wide."
        )
    known = table.loc[np.isfinite(table["width"].astype(float)), "width"]
    low, high = known.min(), known.max()
    span = f"Widths lie between {number(float(low), 2)} and {number(float(high), 2)} decades."
    if low == high:
        span = f"Each width is {_decades(float(low))}."
    if len(known) < len(table):
        span += f" {len(table) - len(known):,} of {len(table):,} have none: nothing that was tried did well."
    if table["optimizer"].nunique() == 1:
        return span
    open_ended = int((table["edge"].astype(str) != "").sum())
    text = (
        f"In these runs the widest was that of {first_of_each(table, 'width', higher=True)}. {span}"
    )
    if open_ended:
        text += f" {open_ended:,} of {len(table):,} end with the step sizes tried, so may be wider."
    return text


def one_trial_and_all(table: pd.DataFrame) -> str:
    """Who leads with one setting tried and with all: rows of `tuning_curves`, one measure a problem."""
    one = table[table["n"] == 1]
    all_ = table[table["n"] == table["trials"]]
    if table["optimizer"].nunique() == 1:
        gained = one.merge(all_, on="problem")
        better = int((gained["median_y"] < gained["median_x"]).sum())
        on = counted(better, len(gained), "problem")
        return f"With all settings tried the median best was lower than with one on {on}."
    changed = 0
    problems = [
        name for name, rows in all_.groupby("problem", sort=False)
        if np.isfinite(rows["median"].astype(float)).any()
    ]  # fmt: skip
    if not problems:
        return "Neither with one setting tried nor with all of them is a median finite."
    start = (
        f"With one setting tried the best median was that of {first_of_each(one, 'median')}"
        if np.isfinite(one["median"].astype(float)).any()
        else "With one setting tried no median is finite"
    )
    for name in problems:
        first = leaders(one[one["problem"] == name].set_index("optimizer")["median"])
        last = leaders(all_[all_["problem"] == name].set_index("optimizer")["median"])
        changed += bool(last) and not set(first) & set(last)
    same = "the same leads" if not changed else "another leads"
    on = counted(changed or len(problems), all_["problem"].nunique(), "problem")
    if changed and not np.isfinite(one["median"].astype(float)).any():
        return f"{start}; with all of them the best is that of {first_of_each(all_, 'median')}."
    return f"{start}; with all of them {same} on {on}."


def most_stable(table: pd.DataFrame, kinds: Mapping[str, str]) -> str:
    """Who had least of each kind of stability, on the most problems; how many runs diverged. Rows of
    `kinds_of_stability`; `kinds`: column -> what it is called."""
    tuned = table[table["selection"] == "tuned"]
    diverged, runs = int(tuned["diverged"].sum()), int(tuned["n"].sum())
    text = f"At the chosen settings {diverged:,} of {plural(runs, 'run')} diverged"
    text += _mostly(tuned, "diverged", "n")
    if tuned["optimizer"].nunique() < 2:
        return f"{text}."
    told: dict[str, list[str]] = {}
    for column, called in kinds.items():
        first = most_often(tuned, column)
        if first:
            told.setdefault(few(first, 3), []).append(called)
    each = [f"{listed(names)} {who}" for who, names in told.items()]
    where = " on the most problems" if tuned["problem"].nunique() > 1 else ""
    return f"{text}. Least of each kind{where}: {'; '.join(each)}." if each else f"{text}."


def most_often(table: pd.DataFrame, value: str, *, higher: bool = False) -> list[str]:
    """Those who are first by `value` on the most problems; ties each. All who tie everywhere: none."""
    first: dict[str, int] = {}
    for _, rows in table.groupby("problem", sort=False, observed=True):
        for name in leaders(rows.set_index("optimizer")[value], higher=higher):
            first[name] = first.get(name, 0) + 1
    if not first or (len(first) == table["optimizer"].nunique() and len(set(first.values())) == 1):
        return []
    return [name for name, count in first.items() if count == max(first.values())]


# What ran


def what_ran(table: pd.DataFrame) -> str:
    """How many runs ended how, and whether any is missing: rows of `completeness`."""
    runs = int(table["runs"].sum())
    parts = [
        f"{int(table[name].sum()):,} {said}"
        for name, said in (("hit", "hit the target"), ("budget", "used up the budget"),
                           ("diverged", "diverged"), ("error", "stopped with an error"))
        if table[name].sum()
    ]  # fmt: skip
    empty = int((table["runs"] == 0).sum())
    text = f"Of {plural(runs, 'run')} {listed(parts)}" if parts else "Nothing ran"
    text += "." if table["error"].sum() or not parts else "; none stopped with an error."
    if empty:
        text += f" Nothing ran for {counted(empty, len(table), 'pair')} of problem and optimizer."
    return text


def diverging(table: pd.DataFrame) -> str:
    """At how many pairs of hyperparameters half of the runs diverged: rows of `landscape`."""
    failed = np.isposinf(table["median"].to_numpy(float))
    some = table.assign(failed=failed).groupby("optimizer", sort=False)["failed"].mean()
    at = f"{int(failed.sum()):,} of {plural(len(table), 'pair')} of values"
    text = f"Half of the runs or more diverged at {at}"
    if len(some) < 2 or not failed.any():
        return f"{text}."
    worst = float(some.max())
    most = listed([str(name) for name, part in some.items() if part == worst])
    return f"{text}, the largest share with {most} ({percent(worst)})."
