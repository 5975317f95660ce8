"""Signs in the runs that settings were chosen badly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.censored import quantile
from optlab.analysis.foreseen import Asked, Found, named
from optlab.analysis.seen_runs import ENDS, moved, pairs_of, rounding
from optlab.analysis.settings import TRIED, final_loss, pairs, rows_of, setting
from optlab.analysis.words import brief, listed, number, steps

__all__ = ["default_better", "idle", "on_edge", "profile_beside", "same_seeds"]

_NEGLIGIBLE = 1.1  # a factor that nobody would call a difference


def same_seeds(best: pd.DataFrame, asked: Asked) -> Iterator[Found]:
    # Of one exact instance there are no other seeds to choose on.
    bad = best[(best["chosen_on"] == "evaluate") & (best["settings"] > 1)]
    bad = bad[~bad["problem"].isin(asked.exact)]
    if len(bad):
        yield (
            "selection",
            (
                "Settings were chosen on the runs that are shown (there were no tune seeds), which "
                f"flatters whoever had more settings to try: {named(pairs_of(bad))}; write "
                "`seeds: {tune: 3}`."
            ),
        )


def on_edge(best: pd.DataFrame) -> Iterator[Found]:
    parts = []
    for _, row in best.iterrows():
        if row["on_edge"]:
            sides = listed([f"{side} {name}" for name, side in row["on_edge"].items()])
            parts.append((f"{row['optimizer']} ({sides})", row["problem"]))
    if parts:
        yield (
            "edge",
            (
                "The best setting lies at the edge of what was tried, so a better one may lie beyond it: "
                f"{named(parts)}; widen the range."
            ),
        )


def default_better(
    runs: pd.DataFrame, chosen: pd.DataFrame, best: pd.DataFrame, manifest: dict[str, Any]
) -> Iterator[Found]:
    """A search that ends worse than what one gets without it has not searched well."""
    select = (manifest.get("tuning") or {}).get("select") or "held"
    defaults = runs[runs["part"] == "default"]
    searched = set(pairs_of(best[best["settings"] > 1]))
    parts = []
    for problem, optimizer in pairs(manifest):
        where = (problem["name"], optimizer["name"], "evaluate")
        default, tuned = rows_of(defaults, *where, parts=("default",)), rows_of(chosen, *where)
        if len(default) and len(tuned) and (optimizer["name"], problem["name"]) in searched:
            said = _ahead(default, tuned, problem, manifest, select)
            if said:
                parts.append((f"{optimizer['name']} ({said})", problem["name"]))
    if parts:
        yield (
            "default",
            (
                "The default setting does better than the one that was chosen, a sign of a poor search "
                f"(too few trials or tune seeds, or a range beside the point): {named(parts)}."
            ),
        )


def _ahead(
    a: pd.DataFrame, b: pd.DataFrame, problem: dict[str, Any], manifest: dict[str, Any], select: str
) -> str:
    """By what the rows of `a` are ahead of those of `b`, as settings are chosen; empty if they are
    not, or not by more than a negligible factor."""
    a, b = a[a["status"] != "error"], b[b["status"] != "error"]
    column = f"{'reached' if select == 'reached' else 'held'}.{problem.get('decision')}"
    if select in ("held", "reached") and column in a:
        x, y = (float(quantile(rows[column].astype(float).fillna(np.inf), 0.5)) for rows in (a, b))
        if np.isfinite([x, y]).any():
            return f"{steps(x)} against {steps(y)} updates" if x * _NEGLIGIBLE < y else ""
    elif select not in ("held", "reached", "loss"):
        return ""  # a metric has a scale of its own
    minimum = (problem.get("minimum") or {"value": 0.0})["value"]
    floor = rounding(b, problem, manifest)
    x, y = (max(float(quantile(final_loss(rows), 0.5)) - minimum, floor) for rows in (a, b))
    return f"{number(x)} against {number(y)} left" if x * _NEGLIGIBLE < y else ""


def idle(runs: pd.DataFrame, manifest: dict[str, Any]) -> Iterator[Found]:
    """Settings that differ and do the same: fewer were tried than are counted."""
    parts = []
    for problem, optimizer in pairs(manifest):
        swept = optimizer.get("swept", [])
        pool = rows_of(runs, problem["name"], optimizer["name"], "tune", ("trial",))
        if pool.empty:
            pool = rows_of(runs, problem["name"], optimizer["name"], "evaluate", TRIED)
        pool = pool[moved(pool, problem, manifest)]
        first = pool[pool["seed"] == pool["seed"].min()].drop_duplicates("run_id")
        for name in swept if len(first) > 1 else ():
            column = f"hyper.{name}"
            by = first.groupby(ENDS, dropna=False)[column].nunique()
            if len(first) >= 2 * len(by) and (by > 1).all():
                parts.append((f"{name} of {optimizer['name']}", problem["name"]))
    if parts:
        yield (
            "idle",
            (
                "Varied, and without any effect on a run, so that fewer settings were tried than are "
                f"counted: {named(parts)}."
            ),
        )


def profile_beside(best: pd.DataFrame, manifest: dict[str, Any]) -> Iterator[Found]:
    curves = {o["name"]: o.get("profile") or {} for o in manifest["optimizers"]}
    parts = []
    for _, row in best.iterrows():
        for name, values in curves[row["optimizer"]].items():
            value = setting(row, [name])[name]
            if not min(values) <= value <= max(values):
                parts.append((f"{row['optimizer']} ({name} {brief(value)})", row["problem"]))
    if parts:
        yield (
            "profile",
            (
                "The setting that is shown lies outside the profile, whose curve and widths then say "
                f"nothing of it: {named(parts)}; let `profile` span what is searched."
            ),
        )
