"""What was seen, in sentences: described with its counts, never tested.

What was claimed before the runs is judged in `verdicts.py`; nothing here says "better" or
"significant". Each sentence names what was measured, reached or held, and on how many runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.censored import quantile
from optlab.analysis.edge import edge_sentence, stability_edges
from optlab.analysis.settings import at_best, best_settings, final_loss, pairs, rows_of
from optlab.analysis.times import is_exact, time_to_target
from optlab.analysis.words import apart, goal, listed, number, of, plural, steps
from optlab.results import Results

__all__ = ["answer", "finding"]

_FEW_PROBLEMS = 4
_NAMED = 8
"""Optimizers up to which a sentence names each; of more it names the first and counts the rest."""
_SHOWN = 4

_VERBS = {
    ("held", False): "First to hold the target",
    ("reached", False): "first to reach it",
    ("held", True): "Held the target",
    ("reached", True): "reached it",
}
_NOBODY = {
    "held": "No optimizer held its target in more than half of its runs on any problem",
    "reached": "none reached it in more than half of its runs",
}


def answer(
    results: Results, best: pd.DataFrame | None = None, times: pd.DataFrame | None = None
) -> list[str]:
    """What was seen: over all problems (if there are several), then on each, then the scope.

    `best` and `times` are `best_settings(...)` and `time_to_target(...)`, if they have been computed
    already."""
    runs, manifest = results.runs, results.manifest
    best = best_settings(runs, manifest) if best is None else best
    times = time_to_target(runs, best, manifest) if times is None else times
    found = [finding(runs, best, times, problem) for problem in manifest["problems"]]
    overall = _overall(runs, best, times, manifest)
    edges = stability_edges(runs, manifest)
    theory = [edge_sentence(edges)] if len(edges) else []
    # Where most of what was run has a known edge, the edge is what was asked.
    first = len(edges) >= 0.75 * sum(1 for _ in pairs(manifest))
    ordered = [*theory, *overall, *found] if first else [*overall, *found, *theory]
    return [*ordered, _scope(runs, best, manifest)]


def finding(
    runs: pd.DataFrame, best: pd.DataFrame, times: pd.DataFrame, problem: dict[str, Any]
) -> str:
    """What was seen on one problem, each optimizer at its chosen setting."""
    name, decision = problem["name"], problem.get("decision")
    table = times[(times["problem"] == name) & (times["target"] == decision)]
    failed = list(table.loc[(table["n"] == 0) & (table["errors"] > 0), "optimizer"])
    table = table[table["n"] > 0]
    exact = is_exact(runs, name)
    note = " Exact, for this start only." if exact else ""
    if failed:
        note += f" No result for {listed(failed)}: every run stopped with an error."
    if decision is None or table.empty:
        return _by_loss(runs, best, problem) + note
    text = _by_time(table, exact)
    if not np.isfinite(table["held_median"]).any():
        text += " " + _by_loss(runs, best, problem)
    return f"On {name}: {text}{note}"


# Sentences of the answer


def _by_time(table: pd.DataFrame, exact: bool) -> str:
    """Who held the target soonest; who reached it first, where that is another."""
    first, reached = _soonest(table, "held"), _soonest(table, "reached")
    parts = [_held(table, first, exact)]
    if len(reached) and not set(reached["optimizer"]) & set(first["optimizer"]):
        parts.append(_reached(reached, exact, alone=len(table) == 1))
    relapsed = table[table["relapses"] > 0]
    if not exact and len(relapsed):
        each = [f"{r['optimizer']} in {of(r['relapses'], r['n'])}" for _, r in relapsed.iterrows()]
        parts.append(f"Reached but not held: {_some(each)}.")
    return " ".join(parts)


def _soonest(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Every row whose median is the least of all; none where no median is finite."""
    median = table[f"{kind}_median"]
    return table[np.isfinite(median) & (median == median.min())]


def _held(table: pd.DataFrame, first: pd.DataFrame, exact: bool) -> str:
    """Who held the target, in the order of their times, and who did not."""
    budget, label = table["budget"].iloc[0], goal(table["target"].iloc[0])
    if first.empty:
        half = "" if exact else " in more than half of its runs"
        alone = f"{table['optimizer'].iloc[0]} did not hold"
        who = alone if len(table) == 1 else "no optimizer held"
        return f"{who} {label} within {budget:,} updates{half}{_each(table, exact)}."
    held = table[np.isfinite(table["held_median"])].sort_values("held_median", kind="stable")
    missed = table[~np.isfinite(table["held_median"])]
    order = " soonest alike" if len(first) > 1 else " soonest" if len(table) > 1 else ""
    text = (
        f"{_some(list(first['optimizer']))} held {label}{order}, from "
        f"{_step(first['held_median'].iloc[0], exact)} on{_shares(first, 'held', exact)}"
    )
    if len(held) > len(first):
        rest = [_when(row, "held", exact) for _, row in held.iloc[len(first) :].iterrows()]
        text += f"; then {_some(rest)}"
    if len(missed) > _NAMED:
        how = "never" if exact else "not in more than half of their runs"
        text += f"; {how} within {budget:,} updates: the other {len(missed):,}"
    elif len(missed):
        how = "never" if exact else "not in more than half of the runs"
        never = [f"{row['optimizer']}{_share(row, 'held', exact)}" for _, row in missed.iterrows()]
        text += f"; {how} within {budget:,} updates: {listed(never)}"
    return f"{text}."


def _reached(first: pd.DataFrame, exact: bool, *, alone: bool) -> str:
    """Those that reached the target first and were not the first to hold it, with what then came."""
    names = _some(list(first["optimizer"]))
    when = f"{_step(first['reached_median'].iloc[0], exact)}{_shares(first, 'reached', exact)}"
    after = [_stayed(row, exact) for _, row in first.iterrows()]
    if len(first) > 1:
        each = [f"{n} {then}" for n, then in zip(first["optimizer"], after, strict=True)]
        return f"The first to reach it were {names}, alike at {when}, but {_some(each)}."
    who = f"{names} reached it" if alone else f"The first to reach it was {names},"
    return f"{who} at {when}, but {after[0]}."


def _stayed(row: pd.Series, exact: bool) -> str:
    """What came after reaching: from when, or in how many runs, it stayed; how bad it was between."""
    if np.isfinite(row["held_median"]):
        text = f"stayed only from {_step(row['held_median'], exact)} on"
    elif row["held_n"] == 0:
        text = "did not stay" if exact else f"stayed in {of(0, row['n'])}"
    else:
        text = f"stayed in only {of(row['held_n'], row['n'])}"
    worst = row["worst_after"]
    return f"{text} (worst loss afterwards {number(worst)})" if np.isfinite(worst) else text


def _by_loss(runs: pd.DataFrame, best: pd.DataFrame, problem: dict[str, Any]) -> str:
    """Who ended lowest."""
    chosen = at_best(runs, best)
    minimum = problem.get("minimum")
    what = "gap (loss − f*)" if minimum else "loss"
    rows = []
    for name in problem["optimizers"]:
        mine = rows_of(chosen, problem["name"], name, "evaluate")
        mine = mine[mine["status"] != "error"]
        if len(mine):
            median = float(quantile(final_loss(mine), 0.5)) - (minimum or {"value": 0.0})["value"]
            rows.append((median, name, int((mine["status"] == "diverged").sum()), len(mine)))
    finite = sorted((row for row in rows if np.isfinite(row[0])), key=lambda row: row[0])
    if not rows:
        return f"On {problem['name']} there is no result to describe."
    if not finite:
        return f"On {problem['name']} every optimizer diverged in half of its runs or more."
    single = all(n == 1 for *_, n in rows)
    lowest = [row for row in finite if row[0] == finite[0][0]]
    whose = _some([f"{name}'s" for _, name, *_ in lowest])
    whose = f"{whose}{' alike' if len(lowest) > 1 else ''}, " if len(rows) > 1 else ""
    told = dict(zip((m for m, *_ in finite), apart([m for m, *_ in finite]), strict=True))
    text = (
        f"The {'lowest ' if len(rows) > 1 else ''}{'' if single else 'median '}{what} after "
        f"{problem['steps']:,} updates on {problem['name']} was {whose}{told[lowest[0][0]]}"
    )
    text += "" if single else f" ({_counts([(name, n) for _, name, _, n in lowest])})"
    if len(finite) > len(lowest):
        least = lowest[0][0]
        rest = [
            f"{name} {told[m]}"
            if told[m] != told[least]
            else f"{name} {number(m - least)} above it"
            for m, name, *_ in finite[len(lowest) :]
        ]
        text += f"; then {_some(rest)}"
    failed = [f"{name} in {of(d, n)}" for _, name, d, n in rows if d]
    return f"{text}{f'; diverged: {_some(failed)}' if failed else ''}."


def _some(parts: list[str]) -> str:
    """All of a few; of many the first and how many more."""
    if len(parts) <= _NAMED:
        return listed(parts)
    return f"{', '.join(parts[:_SHOWN])} and {len(parts) - _SHOWN:,} more"


def _counts(each: list[tuple[str, int]]) -> str:
    """`10 runs`, or `a 10 runs, b 8 runs` where they differ."""
    if len({n for _, n in each}) == 1:
        return plural(each[0][1], "run")
    return ", ".join(f"{name} {plural(n, 'run')}" for name, n in each)


def _step(value: float, exact: bool) -> str:
    return f"update {steps(value)}" if exact else f"a median of {steps(value)} updates"


def _when(row: pd.Series, kind: str, exact: bool) -> str:
    return f"{row['optimizer']} at {steps(row[f'{kind}_median'])}{_share(row, kind, exact)}"


def _share(row: pd.Series, kind: str, exact: bool) -> str:
    return "" if exact else f" ({of(row[f'{kind}_n'], row['n'])})"


def _shares(rows: pd.DataFrame, kind: str, exact: bool) -> str:
    """In how many runs: said once where all rows agree, else of each by name."""
    each = [(row["optimizer"], of(row[f"{kind}_n"], row["n"])) for _, row in rows.iterrows()]
    if exact:
        return ""
    if len({share for _, share in each}) == 1:
        return f" ({each[0][1]})"
    said = [f"{name} in {share}" for name, share in each]
    return f" ({', '.join(said) if len(said) <= _NAMED else _some(said)})"


def _each(table: pd.DataFrame, exact: bool) -> str:
    if exact:
        return ""
    each = [f"{row['optimizer']} in {of(row['held_n'], row['n'])}" for _, row in table.iterrows()]
    return f" ({', '.join(each)})" if len(each) <= _NAMED else f" ({_some(each)})"


def _overall(
    runs: pd.DataFrame, best: pd.DataFrame, times: pd.DataFrame, manifest: dict[str, Any]
) -> list[str]:
    """Over several problems: on how many each optimizer was first to hold, and first to reach."""
    problems = [p for p in manifest["problems"] if p.get("decision")]
    if len(problems) < 2:
        return []
    parts, tied = [], False
    # With one optimizer nobody is first.
    alone = times["optimizer"].nunique() == 1
    for kind in ("held", "reached"):
        firsts: dict[str, list[str]] = {}
        for problem in problems:
            table = times[
                (times["problem"] == problem["name"]) & (times["target"] == problem["decision"])
            ]
            names = list(_soonest(table, kind)["optimizer"])
            tied |= len(names) > 1
            for name in names or ["nobody"]:
                firsts.setdefault(name, []).append(problem["name"])
        if list(firsts) == ["nobody"]:
            parts.append(_NOBODY[kind])
            continue
        order = sorted(firsts, key=lambda name: (name == "nobody", -len(firsts[name])))
        # A few problems by name, many by number.
        few = len(problems) <= _FEW_PROBLEMS
        where = {name: listed(on) if few else str(len(on)) for name, on in firsts.items()}
        verb = _VERBS[kind, alone]
        said = [f"{name} on {where[name]}" for name in order]
        if len(said) > _NAMED:
            said = [*said[:_SHOWN], f"{len(said) - _SHOWN} more on fewer"]
        parts.append(f"{verb}: {', '.join(said)}")
    ties = "; where several tied, each is named" if tied else ""
    return [f"{'; '.join(parts)} (of {plural(len(problems), 'problem')}, by median updates{ties})."]


def _scope(runs: pd.DataFrame, best: pd.DataFrame, manifest: dict[str, Any]) -> str:
    """How far this may be carried."""
    problems = manifest["problems"]
    exact = all(is_exact(runs, problem["name"]) for problem in problems)
    [(role, seed)] = (manifest.get("seeds", {}).get("only") or {"": 0}).items()
    if role:
        seed_of = {"tune": "tune", "evaluate": "evaluation"}
        seen = f"{seed_of[role]} seed {seed}" if role in seed_of else "the usual start"
        return f"One seed alone, as the spec asks: {seen}. Nothing is compared over seeds."
    where = plural(len(problems), "problem")
    said = "A description of these runs, not a test"
    if manifest.get("claims"):
        said = "Besides the claims, a description of these runs, not a test"
    if exact:
        return f"{said}: {where}, one start each."
    random = [p["name"] for p in problems if not is_exact(runs, p["name"])]
    drawn = runs[(runs["role"] == "evaluate") & runs["problem"].isin(random)]
    evaluated = drawn.groupby("problem", observed=True)["seed"].nunique()
    if len(random) < len(problems):
        where += f" ({len(problems) - len(random)} with one given start)"
    low, high = (int(evaluated.min()), int(evaluated.max())) if len(evaluated) else (0, 0)
    seeds = f"{low}" if low == high else f"{low} to {high}"
    text = f"{said}: {where}, {seeds} evaluation seed{'s' * (high != 1)}"
    if (best["chosen_on"] == "tune").any() and (best["settings"] > 1).any():
        everywhere = (best.loc[best["settings"] > 1, "chosen_on"] == "tune").all()
        text += "; settings were chosen on other seeds"
        text += "" if everywhere else " where starts are drawn"
    return text + "."
