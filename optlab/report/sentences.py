"""What a table or a figure shows, in one plain sentence made of its numbers.

Each function takes the rows that are shown and returns a sentence, empty where there is nothing to
say. They describe these runs: medians and counts, ties named, never what was not asked. Nothing here
says that one is better than another; that is for verdicts, which have intervals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from optlab.analysis.words import listed, number, plural, steps

__all__ = [
    "counted", "few", "first_of_each", "held_most", "held_soonest", "leaders", "left_again",
    "lowest_loss", "shares_met",
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
        alike = first if len(first) <= _FEW_LEADERS else [f"{len(first)} alike"]
        where.setdefault(" and ".join(alike) or "nobody", []).append(str(problem))
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
    if not np.isfinite(times["held_median"].astype(float)).any():
        half = "" if exact else " in half of its runs"
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
    half = "" if exact else " in at least half of its runs"
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
    """In how many runs a target that was reached was not kept to the end, and by whom most."""
    reached, left = int(times["reached_n"].sum()), int(times["relapses"].sum())
    if not reached:
        return "No run reached it."
    if not left:
        return f"Whatever reached it kept it to the end ({plural(reached, 'run')})."
    mine = times.groupby("optimizer", sort=False, observed=True)["relapses"].sum()
    most = leaders(mine, higher=True)
    text = f"{left:,} of {plural(reached, 'run')} that reached it did not keep it to the end"
    if times["optimizer"].nunique() == 1:
        return f"{text}."
    if int((mine > 0).sum()) == 1:
        return f"{text}, all of {most[0]}."
    return f"{text}, most of {few(most)} ({plural(int(mine.max()), 'run')}{' each' * (len(most) > 1)})."


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
        return "In these runs no optimizer held its target in half of its runs on any problem."
    best = leaders(solved, higher=True)
    on = counted(int(solved.max()), whole, "problem")
    if known.shape[1] == 1:
        return f"In these runs {best[0]} held the target in half of its runs or more on {on}."
    if len(best) == known.shape[1]:
        who = "both" if len(best) == 2 else f"all {len(best)} optimizers"
        each = "" if int(solved.max()) == whole else " each"
        return f"In these runs {who} held the target in half of their runs or more on {on}{each}{rest}."
    least = leaders(solved)
    low = "none" if int(solved.min()) == 0 else f"{int(solved.min()):,}"
    return (
        f"In these runs {few(best)} held the target in half of {'its' if len(best) == 1 else 'their'} "
        f"runs or more on {on}, the most of {plural(known.shape[1], 'optimizer')}; "
        f"{few(least)} on {low}, the fewest{rest}."
    )


def shares_met(shares: pd.DataFrame) -> str:
    """The share of all targets met by the end: rows of `runtime_shares`, and who had none."""
    last = shares.groupby("optimizer", sort=False, observed=True)["share"].last().fillna(0.0)
    if last.empty:
        return "In these runs no target was met."
    most, least = leaders(last, higher=True), leaders(last)
    text = f"By the end of the budget {few(most)} had met {_percent(last.max())} of the targets"
    if len(last) == 1:
        return f"{text}."
    if len(most) == len(last):
        return f"{text} each."
    return f"{text}, the largest share; {few(least)} {_percent(last.min())}, the smallest."


def lowest_loss(table: pd.DataFrame, value: str, what: str, exact: bool = False) -> str:
    """Who ended lowest where. `table`: problem, optimizer and `value`, a row each; `what` the value
    is called."""
    known = table[np.isfinite(table[value].astype(float))]
    median = "" if exact else "median "
    if table.empty:
        return ""
    if known.empty:
        return "Everything shown diverged, in half of its runs or more."
    gone = sorted(set(table["optimizer"]) - set(known["optimizer"]))
    lost = f" {few(gone)} diverged everywhere." if gone else ""
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


def _percent(share: float) -> str:
    if 0 < share < 0.005 or 0.995 < share < 1:
        return "under 1 %" if share < 0.5 else "over 99 %"
    return f"{100 * share:.0f} %" if math.isfinite(share) else "–"
