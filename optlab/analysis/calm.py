"""Stability, which is at least six different things, each under its own name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.censored import clopper_pearson, quantile
from optlab.analysis.rates import rate_robustness
from optlab.analysis.settings import entrants
from optlab.analysis.tracks import decades, once
from optlab.statistics.exact import median_interval

__all__ = ["kinds_of_stability", "worst_fifth"]

_MEDIANS = ("overshoot", "rises", "variation", "oscillation", "spikes")

_TAIL = 0.2


def worst_fifth(values: Any) -> float:
    """CVaR at 0.8 (Chan et al. 2020, arXiv:1912.05663, section 4.2): the mean of the worst, largest,
    fifth of `values`, rounded up to whole values; +inf if one of them is. NaN without values."""
    known = np.sort(np.asarray(values, dtype=float))
    known = known[~np.isnan(known)]
    if not len(known):
        return np.nan
    return float(known[len(known) - int(np.ceil(_TAIL * len(known))) :].mean())


def kinds_of_stability(
    scores: pd.DataFrame, runs: pd.DataFrame, best: pd.DataFrame, manifest: dict[str, Any]
) -> pd.DataFrame:
    """One row per (problem, optimizer, selection), over its evaluation runs without an error; `scores`
    is `scores(...)` of the same runs. Every kind is better the smaller it is, save the rates' width
    and share.

    S1: n, diverged (count), diverged_low and diverged_high (exact 95 % interval of the share).
    S2 overshoot, S3 rises and variation, S4 oscillation, S5 spikes: medians over seeds, +inf where
    they fall among runs that diverged, each with its exact 95 % interval (`_low`, `_high`; (-inf, inf)
    under six runs). S6, in decades of the last gap (or loss; `quantity` says which): spread_iqr, the
    distance of its quartiles, and tail, its worst fifth above its median. S7, of the tuned setting
    only: rate_width with rate_text, rate_share, rate_loss.
    """
    chosen = once(entrants(runs, best))
    keys = ["problem", "optimizer", "selection"]
    wanted = scores[scores["measure"].isin(_MEDIANS)]
    groups = wanted.groupby([*keys, "measure"], sort=False, observed=True)["value"]
    by = {key: values.to_numpy() for key, values in groups}
    precision = manifest.get("precision", "float64")
    rows = []
    for problem in manifest["problems"]:
        here = chosen[chosen["problem"] == problem["name"]]
        if here.empty:
            continue
        where = decades(here, problem, precision)
        for key, place in here.groupby(keys, sort=False, observed=True).indices.items():
            mine = here.iloc[place]
            known = mine["status"].to_numpy() != "error"
            rows.append(
                {
                    **dict(zip(keys, key, strict=True)),
                    "n": int(known.sum()),
                    "errors": int((~known).sum()),
                    **_share(int((mine["status"] == "diverged").sum()), int(known.sum())),
                    **{k: v for m in _MEDIANS for k, v in _median(m, by.get((*key, m))).items()},
                    "quantity": "gap" if problem.get("minimum") else "loss",
                    **_apart(where[place]),
                }
            )
    found = pd.DataFrame(rows, columns=_COLUMNS)
    rates = rate_robustness(runs, best, manifest).assign(selection="tuned")
    rates = rates[[*keys, "width", "text", "share", "lost"]]
    return found.merge(rates.rename(columns=_RATES), on=keys, how="left")


_RATES = {"width": "rate_width", "text": "rate_text", "share": "rate_share", "lost": "rate_loss"}

_COLUMNS = [
    "problem", "optimizer", "selection", "n", "errors", "diverged", "diverged_low",
    "diverged_high", *(f"{name}{end}" for name in _MEDIANS for end in ("", "_low", "_high")),
    "quantity", "spread_iqr", "tail",
]  # fmt: skip


def _share(diverged: int, n: int) -> dict[str, Any]:
    low, high = clopper_pearson(diverged, n)
    return {"diverged": diverged, "diverged_low": low, "diverged_high": high}


def _median(name: str, values: np.ndarray | None) -> dict[str, float]:
    known = np.zeros(0) if values is None else values[~np.isnan(values)]
    low, high = median_interval(known) if len(known) else (np.nan, np.nan)
    return {name: float(quantile(known, 0.5)), f"{name}_low": low, f"{name}_high": high}


def _apart(where: np.ndarray) -> dict[str, float]:
    """How far the last gaps lie apart. +inf where a quartile, or one of the worst fifth, diverged."""
    if np.isnan(where).all():
        return {"spread_iqr": np.nan, "tail": np.nan}
    low, middle, high = (float(quantile(where, q)) for q in (0.25, 0.5, 0.75))
    worst = worst_fifth(where)
    return {
        "spread_iqr": high - low if np.isfinite(high) else np.inf,
        "tail": worst - middle if np.isfinite(worst) else np.inf,
    }
