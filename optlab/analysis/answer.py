"""What was seen, in sentences: described with its counts, never tested.

What was claimed before the runs is judged in `verdicts.py`; nothing here says "better" or
"significant". Each sentence names what was measured, reached or held, and on how many runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.censored import quantile
from optlab.analysis.edge import edge_sentence, stability_edges
from optlab.analysis.settings import at_best, best_settings, final_loss, pairs, rows_of
from optlab.analysis.times import is_exact, time_to_target
from optlab.analysis.words import goal, listed, number, of, plural, steps
from optlab.results import Results

__all__ = ["answer", "finding", "warnings"]

_FEW_SEEDS = 6  # below it an exact two-sided signed-rank test cannot reach 5 %: 2 / 2^5 > 0.05

_FEW_PROBLEMS = 4

_VERBS = {
    ("held", False): "First to hold the target",
    ("reached", False): "first to reach it",
    ("held", True): "Held the target",
    ("reached", True): "reached it",
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


def warnings(results: Results, best: pd.DataFrame | None = None) -> list[dict[str, str]]:
    """What a reader must know before believing anything here: `kind`, `text`, worst first.

    `best` is `best_settings(...)`, if it has been computed already."""
    runs, manifest = results.runs, results.manifest
    best = best_settings(runs, manifest) if best is None else best
    chosen = at_best(runs, best)
    found = [
        *_errors(runs),
        *_incomplete(best),
        *_all_diverged(chosen),
        *_below_minimum(runs, manifest),
        *_same_seeds(best),
        *_on_edge(best),
        *_one_setting(best, manifest),
        *_unequal_tuning(best),
        *_few_seeds(runs, manifest),
        *_no_spread(chosen, runs, manifest),
        *_stalled(chosen),
        *_separable(manifest),
        *_test_rows(best, manifest),
    ]
    return [{"kind": kind, "text": text} for kind, text in found]


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
        parts.append(f"Reached but not held: {listed(each)}.")
    return " ".join(parts)


def _soonest(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Every row whose median is the least of all; none where no median is finite."""
    median = table[f"{kind}_median"]
    return table[np.isfinite(median) & (median == median.min())]


def _held(table: pd.DataFrame, first: pd.DataFrame, exact: bool) -> str:
    """Who held the target, in the order of their times, and who did not."""
    budget, label = table["budget"].iloc[0], goal(table["target"].iloc[0])
    if first.empty:
        half = "" if exact else " in half of its runs"
        alone = f"{table['optimizer'].iloc[0]} did not hold"
        who = alone if len(table) == 1 else "no optimizer held"
        return f"{who} {label} within {budget:,} updates{half}{_each(table, exact)}."
    held = table[np.isfinite(table["held_median"])].sort_values("held_median", kind="stable")
    missed = table[~np.isfinite(table["held_median"])]
    order = " soonest alike" if len(first) > 1 else " soonest" if len(table) > 1 else ""
    text = (
        f"{listed(list(first['optimizer']))} held {label}{order}, from "
        f"{_step(first['held_median'].iloc[0], exact)} on{_shares(first, 'held', exact)}"
    )
    if len(held) > len(first):
        rest = [_when(row, "held", exact) for _, row in held.iloc[len(first) :].iterrows()]
        text += f"; then {listed(rest)}"
    if len(missed):
        how = "never" if exact else "not in half of the runs"
        never = [f"{row['optimizer']}{_share(row, 'held', exact)}" for _, row in missed.iterrows()]
        text += f"; {how} within {budget:,} updates: {listed(never)}"
    return f"{text}."


def _reached(first: pd.DataFrame, exact: bool, *, alone: bool) -> str:
    """Those that reached the target first and were not the first to hold it, with what then came."""
    names = listed(list(first["optimizer"]))
    when = f"{_step(first['reached_median'].iloc[0], exact)}{_shares(first, 'reached', exact)}"
    after = [_stayed(row, exact) for _, row in first.iterrows()]
    if len(first) > 1:
        each = [f"{n} {then}" for n, then in zip(first["optimizer"], after, strict=True)]
        return f"The first to reach it were {names}, alike at {when}, but {listed(each)}."
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
    whose = listed([f"{name}'s" for _, name, *_ in lowest])
    whose = f"{whose}{' alike' if len(lowest) > 1 else ''}, " if len(rows) > 1 else ""
    text = (
        f"The {'lowest ' if len(rows) > 1 else ''}{'' if single else 'median '}{what} after "
        f"{problem['steps']:,} updates on {problem['name']} was {whose}{number(lowest[0][0])}"
    )
    text += "" if single else f" ({_counts([(name, n) for _, name, _, n in lowest])})"
    if len(finite) > len(lowest):
        rest = [f"{name} {number(m)}" for m, name, *_ in finite[len(lowest) :]]
        text += f"; then {listed(rest)}"
    failed = [f"{name} in {of(d, n)}" for _, name, d, n in rows if d]
    return f"{text}{f'; diverged: {listed(failed)}' if failed else ''}."


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
    return f" ({', '.join(f'{name} in {share}' for name, share in each)})"


def _each(table: pd.DataFrame, exact: bool) -> str:
    if exact:
        return ""
    each = [f"{row['optimizer']} in {of(row['held_n'], row['n'])}" for _, row in table.iterrows()]
    return f" ({', '.join(each)})"


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
        order = sorted(firsts, key=lambda name: (name == "nobody", -len(firsts[name])))
        # A few problems by name, many by number.
        few = len(problems) <= _FEW_PROBLEMS
        where = {name: listed(on) if few else str(len(on)) for name, on in firsts.items()}
        verb = _VERBS[kind, alone]
        parts.append(f"{verb}: {', '.join(f'{name} on {where[name]}' for name in order)}")
    ties = "; where several tied, each is named" if tied else ""
    return [f"{'; '.join(parts)} (of {plural(len(problems), 'problem')}, by median updates{ties})."]


def _scope(runs: pd.DataFrame, best: pd.DataFrame, manifest: dict[str, Any]) -> str:
    """How far this may be carried."""
    problems = manifest["problems"]
    exact = all(is_exact(runs, problem["name"]) for problem in problems)
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


# Warnings


def _names(found: Iterable[tuple[Any, Any]]) -> str:
    """Pairs of (optimizer, problem) in few words: `sgd and adam on bowl; momentum on valley`."""
    on: dict[str, list[str]] = {}
    for optimizer, problem in dict.fromkeys(found):
        on.setdefault(problem, []).append(optimizer)
    alike: dict[tuple[str, ...], list[str]] = {}
    for problem, optimizers in on.items():
        alike.setdefault(tuple(optimizers), []).append(problem)
    return "; ".join(f"{listed(os)} on {listed(problems)}" for os, problems in alike.items())


def _pairs_of(table: pd.DataFrame) -> Iterable[tuple[Any, Any]]:
    return zip(table["optimizer"], table["problem"], strict=True)


def _errors(runs: pd.DataFrame) -> list[tuple[str, str]]:
    bad = runs[runs["status"] == "error"]
    if bad.empty:
        return []
    return [("error", f"{plural(len(bad), 'run')} stopped with an error, which says nothing about "
             f"the optimizer; run them again: {_names(_pairs_of(bad))}.")]  # fmt: skip


def _incomplete(best: pd.DataFrame) -> list[tuple[str, str]]:
    bad = best[(best["errors"] > 0) & (best["settings"] > 1)]
    parts = [
        (f"{row['optimizer']} (without {plural(row['errors'], 'run')})", row["problem"])
        for _, row in bad.iterrows()
    ]
    text = (
        "Settings were chosen from incomplete runs, since some stopped with an error; another "
        f"setting may be the best: {_names(parts)}."
    )
    return [("incomplete", text)] if parts else []


def _all_diverged(chosen: pd.DataFrame) -> list[tuple[str, str]]:
    names = []
    for (problem, optimizer), mine in chosen.groupby(
        ["problem", "optimizer"], sort=False, observed=True
    ):
        if (mine["status"] == "diverged").all():
            names.append((optimizer, problem))
    text = f"Every run diverged even at the chosen setting: {_names(names)}."
    return [("diverged", text)] if names else []


def _below_minimum(runs: pd.DataFrame, manifest: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    for problem in manifest["problems"]:
        minimum = problem.get("minimum")
        if not minimum:
            continue
        mine = runs[runs["problem"] == problem["name"]]
        # Rounding: a loss may fall short of f* by some last bits of the numbers summed into it.
        bits = 1e-6 if manifest.get("precision") == "float32" else 1e-12
        slack = bits * max(1.0, abs(minimum["value"])) + 1e-12
        bound = minimum["value"] - (minimum.get("error") or 0.0) - slack
        below = mine[mine["loss_best"] < bound]
        if len(below):
            found.append(("minimum", f"{plural(len(below), 'run')} on {problem['name']} went below "
                          f"the minimum f* = {number(minimum['value'], 6)} "
                          f"({minimum['provenance']}): f* is wrong there, and every gap and target "
                          "that rests on it."))  # fmt: skip
    return found


def _same_seeds(best: pd.DataFrame) -> list[tuple[str, str]]:
    bad = best[(best["chosen_on"] == "evaluate") & (best["settings"] > 1)]
    text = (
        "Settings were chosen on the runs that are shown (there were no tune seeds), which "
        f"flatters whoever had more settings to try: {_names(_pairs_of(bad))}."
    )
    return [("selection", text)] if len(bad) else []


def _on_edge(best: pd.DataFrame) -> list[tuple[str, str]]:
    parts = []
    for _, row in best.iterrows():
        if row["on_edge"]:
            sides = listed([f"{side} {name}" for name, side in row["on_edge"].items()])
            parts.append((f"{row['optimizer']} ({sides})", row["problem"]))
    text = (
        "The best setting lies at the edge of what was tried, so a better one may lie beyond it: "
        f"{_names(parts)}."
    )
    return [("edge", text)] if parts else []


def _one_setting(best: pd.DataFrame, manifest: dict[str, Any]) -> list[tuple[str, str]]:
    names = sorted(set(best["optimizer"][best["settings"] == 1]))
    order = [o["name"] for o in manifest["optimizers"] if o["name"] in names]
    text = (
        f"One setting only was tried for {listed(order)}: this compares those settings, not the "
        "optimizers at their best."
    )
    return [("untuned", text)] if order else []


def _unequal_tuning(best: pd.DataFrame) -> list[tuple[str, str]]:
    each = best.groupby("optimizer", sort=False)["settings"].max()
    if each.nunique() < 2:
        return []
    parts = [f"{name} {count}" for name, count in each.items()]
    return [("tuning", f"Unequal numbers of settings were tried ({', '.join(parts)}): whoever had "
             "more had more chances.")]  # fmt: skip


def _few_seeds(runs: pd.DataFrame, manifest: dict[str, Any]) -> list[tuple[str, str]]:
    few = {}
    for problem in manifest["problems"]:
        if not is_exact(runs, problem["name"]):
            mine = runs[(runs["problem"] == problem["name"]) & (runs["role"] == "evaluate")]
            few[problem["name"]] = int(mine["seed"].nunique())
    names = [name for name, seeds in few.items() if seeds < _FEW_SEEDS]
    if not names:
        return []
    seeds = sorted({few[name] for name in names})
    return [("seeds", f"Only {listed([str(s) for s in seeds])} evaluation seed"
             f"{'' if seeds == [1] else 's'} on {listed(names)}; with fewer than {_FEW_SEEDS} no "
             "exact test could tell a difference from chance.")]  # fmt: skip


def _no_spread(
    chosen: pd.DataFrame, runs: pd.DataFrame, manifest: dict[str, Any]
) -> list[tuple[str, str]]:
    """Seeds that change nothing are one observation, however many they are."""
    names = []
    for problem, optimizer in pairs(manifest):
        mine = rows_of(chosen, problem["name"], optimizer["name"], "evaluate")
        alike = mine["loss_final"].nunique(dropna=False) == 1 and np.isfinite(
            mine["loss_final"].astype(float)
        ).all()  # fmt: skip
        at_minimum = bool((mine["gap"].astype(float) == 0).all())
        if len(mine) > 1 and alike and not at_minimum and not is_exact(runs, problem["name"]):
            names.append((optimizer["name"], problem["name"]))
    text = f"All seeds ended alike, so they count as one observation: {_names(names)}."
    return [("alike", text)] if names else []


def _stalled(chosen: pd.DataFrame) -> list[tuple[str, str]]:
    bad = chosen[chosen["stalled"].astype(bool)]
    text = (
        f"{plural(len(bad), 'run')} stalled (the gradient became exactly zero away from a "
        f"minimum): {_names(_pairs_of(bad))}."
    )
    return [("stalled", text)] if len(bad) else []


def _separable(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    if not all(problem.get("separable") for problem in manifest["problems"]):
        return []
    return [("separable", "Every problem here is separable (a sum of functions of one coordinate), "
             "which favours rules that scale each coordinate, such as Adam; compare on a rotated "
             "copy.")]  # fmt: skip


def _test_rows(best: pd.DataFrame, manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """Rows that took part in a choice are no longer unseen."""
    names = [
        problem["name"]
        for problem in manifest["problems"]
        for target in problem["targets"]
        if target["label"] == problem.get("decision") and target["metric"].startswith("test")
        if (best.loc[best["problem"] == problem["name"], "settings"] > 1).any()
    ]
    text = (
        f"Settings on {listed(names)} were chosen by a measure on the test rows, so that measure "
        "is no estimate for new data; it compares the optimizers on these rows."
    )
    return [("test", text)] if names else []
