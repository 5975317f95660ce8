"""What a reader must know before believing anything: each mistake that a comparison of optimizers can
make, told where it was made, with the way out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.settings import at_best, best_settings, pairs, rows_of
from optlab.analysis.times import is_exact
from optlab.analysis.words import listed, number, plural
from optlab.results import Results

__all__ = ["warnings"]

_FEW_SEEDS = 6  # below it an exact two-sided signed-rank test cannot reach 5 %: 2 / 2^5 > 0.05


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
