"""Where divergence begins, beside the largest stable rate that theory gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.sensitivity import rate_name

__all__ = ["edge_sentence", "stability_edges"]

_COLUMNS = [
    "problem", "optimizer", "setting", "limit", "below", "below_diverged", "above",
    "above_diverged", "largest_stable", "smallest_diverged",
]  # fmt: skip


def stability_edges(runs: pd.DataFrame, manifest: dict[str, Any]) -> pd.DataFrame:
    """One row per problem, optimizer and setting of its other hyperparameters, where the limit is
    known and rates were tried on both sides of it.

    Over drawn starts of all roles. Columns: problem, optimizer, setting (of the hyperparameters that
    the limit depends on), limit, below and above (runs at rates under and over the limit),
    below_diverged and above_diverged (how many of them diverged), largest_stable (the largest rate
    at which no run diverged, before the first at which one did), smallest_diverged.
    """
    rows = []
    for optimizer in manifest["optimizers"]:
        rate = rate_name(optimizer)
        for problem, limits in optimizer.get("limits", {}).items():
            pool = runs[(runs["problem"] == problem) & (runs["optimizer"] == optimizer["name"])]
            pool = pool[pool["role"].isin(["tune", "evaluate"]) & (pool["status"] != "error")]
            pool = pool.drop_duplicates("run_id")
            tried, places = _settings(pool, list(limits[0][0]) if limits else [])
            for setting, limit in limits:
                same = np.isclose(tried, list(setting.values())).all(axis=1)
                found = [places[i] for i in np.flatnonzero(same)]
                mine = pool.iloc[np.sort(np.concatenate([*found, np.zeros(0, dtype=int)]))]
                rates = mine[f"hyper.{rate}"]
                if rates.min() < limit < rates.max():
                    rows.append(
                        {
                            "problem": problem,
                            "optimizer": optimizer["name"],
                            "setting": setting,
                            "limit": limit,
                            **_sides(rates, mine["status"] == "diverged", limit),
                        }
                    )
    return pd.DataFrame(rows, columns=_COLUMNS)


def _settings(pool: pd.DataFrame, names: list[str]) -> tuple[np.ndarray, list[np.ndarray]]:
    """The settings of `names` that were run, (settings, names), and the places of their runs; looked for once,
    since there may be thousands."""
    if not names:
        return np.zeros((1, 0)), [np.arange(len(pool))]
    found = pool.groupby([f"hyper.{name}" for name in names], sort=False).indices
    keys = np.array([key if isinstance(key, tuple) else (key,) for key in found], dtype=float)
    return keys.reshape(-1, len(names)), [np.asarray(places) for places in found.values()]


def _sides(rates: pd.Series, diverged: pd.Series, limit: float) -> dict[str, Any]:
    first = rates[diverged].min()  # NaN where none did
    calm = rates[~(rates >= first)]
    return {
        "below": int((rates < limit).sum()),
        "below_diverged": int((diverged & (rates < limit)).sum()),
        "above": int((rates > limit).sum()),
        "above_diverged": int((diverged & (rates > limit)).sum()),
        "largest_stable": calm.max(),
        "smallest_diverged": first,
    }


def edge_sentence(edges: pd.DataFrame) -> str:
    """What the edges show, in one sentence with its counts; empty where there are none."""
    if edges.empty:
        return ""
    below, above = edges["below"].sum(), edges["above"].sum()
    early, late = edges["below_diverged"].sum(), edges["above_diverged"].sum()
    cases = len(edges)
    where = "the case" if cases == 1 else f"the {cases} cases"
    return (
        f"In {where} with a known largest stable rate, {late:,} of {above:,} runs above it diverged "
        f"and {early:,} of {below:,} below it."
    )
