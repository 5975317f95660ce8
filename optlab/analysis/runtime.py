"""How long it takes to reach: expected and restricted times of one target, and shares over many."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd

from optlab.analysis.censored import clopper_pearson, quantile
from optlab.analysis.settings import entrants
from optlab.analysis.times import is_exact
from optlab.analysis.tracks import once, points, starting_gap, track
from optlab.analysis.words import steps
from optlab.results import Results
from optlab.statistics.exact import median_interval

__all__ = [
    "LEVELS",
    "data_profile",
    "expected_runtime",
    "first_hits",
    "restarts",
    "restricted_mean",
    "runtime_shares",
    "runtimes",
]

LEVELS = tuple(10.0 ** (-k / 2) for k in range(1, 17))
"""Gaps over the gap at the start, from 10^-0.5 to 10^-8, half a decade apart."""

_RESAMPLED = 2000

_FEW = 20  # runs below which a percentile interval is too short to be shown


# One target


def expected_runtime(cost: Any, success: Any) -> float:
    """ERT: what all runs cost, over the number that succeeded (Hansen et al. 2016, arXiv:1605.03560,
    section 3.2); the expected cost with independent restarts. +inf without a success.

    `cost` (runs,) is the time of the hit for a success, of the end (or divergence) for a failure.
    """
    cost, success = np.asarray(cost, dtype=float), np.asarray(success, dtype=bool)
    hits = int(success.sum())
    return float(cost.sum() / hits) if hits else np.inf


def restarts(cost: Any, success: Any, times: int, generator: np.random.Generator) -> np.ndarray:
    """Simulated restarts (the same, section 3.1): runs drawn with replacement until one succeeds, and
    their costs added, `times` over. The mean tends to `expected_runtime`. +inf without a success."""
    cost, success = np.asarray(cost, dtype=float), np.asarray(success, dtype=bool)
    if not success.any():
        return np.full(times, np.inf)
    failures = np.zeros(times, dtype=int)
    if not success.all():
        failures = generator.geometric(success.mean(), times) - 1
    total = generator.choice(cost[success], times)
    lost: np.ndarray = np.zeros(times)
    if failures.sum():
        drawn = generator.choice(cost[~success], int(failures.sum()))
        lost = np.bincount(np.repeat(np.arange(times), failures), drawn, times)
    return total + lost


def restricted_mean(times: Any, budget: float) -> float:
    """RMST, E[min(tau, T)]: never counts as the budget, which makes it a lower bound of the mean
    time, to be compared under one budget only. NaN without runs."""
    times = np.asarray(times, dtype=float)
    return float(np.minimum(times, budget).mean()) if len(times) else np.nan


def runtimes(runs: pd.DataFrame, best: pd.DataFrame, manifest: dict[str, Any]) -> pd.DataFrame:
    """One row per (problem, optimizer, selection, target, kind), kind `reached` or `held`.

    Over runs without an error: n, errors, hits and the exact 95 % interval of their share (low,
    high); median with its exact 95 % interval (median_low, median_high; for fewer than six runs all
    of (-inf, inf)) and its text ("> 1,000" where it is +inf); relapses (reached, and not held); rmst
    (see `restricted_mean`); ert, its text ("> 12,000 evaluations", the total, without a success),
    ert_low and ert_high (95 % percentile bootstrap over runs, from 20 runs on, else NaN), and p_none,
    the chance that as many new runs would all fail were the share of hits the true one. A start that
    is given cannot be drawn again: ert is NaN then, and its text says why.
    """
    chosen = once(entrants(runs, best))
    exact = {p["name"]: is_exact(runs, p["name"]) for p in manifest["problems"]}
    keys = ["problem", "optimizer", "selection"]
    groups = chosen.groupby(keys, sort=False, observed=True).indices
    rows = []
    for problem in manifest["problems"]:
        name = problem["name"]
        for key, place in groups.items():
            on, optimizer, selection = cast(tuple[str, str, str], key)
            if on != name:
                continue
            mine = chosen.iloc[place]
            errors = int((mine["status"] == "error").sum())
            mine = mine[mine["status"] != "error"]
            for target in problem["targets"]:
                for kind in ("reached", "held"):
                    rows.append(
                        {
                            "problem": name,
                            "optimizer": optimizer,
                            "selection": selection,
                            "target": target["label"],
                            "kind": kind,
                            "budget": problem["steps"],
                            "n": len(mine),
                            "errors": errors,
                            **_runtime(mine, target["label"], kind, problem["steps"], exact[name]),
                        }
                    )
    return pd.DataFrame(rows, columns=_COLUMNS)


_COLUMNS = [
    "problem", "optimizer", "selection", "target", "kind", "budget", "n", "errors", "hits", "low",
    "high", "median", "median_low", "median_high", "median_text", "relapses", "rmst", "ert",
    "ert_text", "ert_low", "ert_high", "p_none",
]  # fmt: skip


def _runtime(mine: pd.DataFrame, label: str, kind: str, budget: int, exact: bool) -> dict[str, Any]:
    tau = mine[f"{kind}.{label}"].astype(float).fillna(np.inf).to_numpy()
    reached = np.isfinite(mine[f"reached.{label}"].to_numpy(float))
    held = np.isfinite(mine[f"held.{label}"].to_numpy(float))
    hit = np.isfinite(tau)
    low, high = clopper_pearson(int(hit.sum()), len(tau))
    median = float(quantile(tau, 0.5))
    around = median_interval(tau) if len(tau) else (-np.inf, np.inf)
    cost = np.where(hit, tau, mine["grad_evals"].to_numpy(float))
    return {
        "hits": int(hit.sum()),
        "low": low,
        "high": high,
        "median": median,
        "median_low": around[0],
        "median_high": around[1],
        "median_text": steps(median, budget),
        "relapses": int((reached & ~held).sum()),
        "rmst": restricted_mean(tau, budget),
        **_expected(cost, hit, exact),
    }


def _expected(cost: np.ndarray, hit: np.ndarray, exact: bool) -> dict[str, Any]:
    n = len(cost)
    if exact or not n:
        text = "one given start: a restart repeats it" if n else "no runs"
        return {"ert": np.nan, "ert_text": text, "ert_low": np.nan, "ert_high": np.nan,
                "p_none": np.nan}  # fmt: skip
    ert = expected_runtime(cost, hit)
    low = high = np.nan
    if n >= _FEW:
        low, high = _interval(cost, hit)
    text = f"{ert:,.0f}" if np.isfinite(ert) else f"> {cost.sum():,.0f} evaluations"
    return {"ert": ert, "ert_text": text, "ert_low": low, "ert_high": high,
            "p_none": float((1.0 - hit.mean()) ** n)}  # fmt: skip


def _interval(cost: np.ndarray, hit: np.ndarray) -> tuple[float, float]:
    drawn = np.random.default_rng(0).integers(len(cost), size=(_RESAMPLED, len(cost)))
    with np.errstate(divide="ignore"):
        found = cost[drawn].sum(axis=1) / hit[drawn].sum(axis=1)
    low, high = quantile(found, 0.025), quantile(found, 0.975)
    return float(low), float(high)


# Many targets


def first_hits(
    results: Results,
    best: pd.DataFrame,
    levels: tuple[float, ...] = LEVELS,
    reference: str = "minimum",
) -> pd.DataFrame:
    """When each run's gap first fell to `levels` times its gap at the start: one row per (problem,
    optimizer, selection, seed, level), from the recorded points.

    Columns further: evals (gradient evaluations, +inf for never), budget, reference. The gap is that
    to the known minimum; with `reference="best found"` a problem without one takes the lowest loss
    that any entrant met there, and says so: another optimizer may then move everybody's curves, which
    it cannot where f* is known. Runs with an error are left out.
    """
    chosen = once(entrants(results.runs, best))
    chosen = chosen[chosen["status"] != "error"].reset_index(drop=True)
    found = points(results.curves, "loss", chosen["run_id"])
    tables = []
    for problem in results.manifest["problems"]:
        mine = chosen[chosen["problem"] == problem["name"]]
        minimum = problem.get("minimum")
        if mine.empty or (minimum is None and reference != "best found"):
            continue
        lowest = minimum or {"value": float(mine["loss_best"].min())}
        at, losses = track(found, mine["run_id"])
        evals = _first_below(at, losses, mine["loss_first"].to_numpy(float), lowest, levels)
        table = mine[["problem", "optimizer", "selection", "seed"]]
        table = table.loc[table.index.repeat(len(levels))].reset_index(drop=True)
        tables.append(
            table.assign(
                level=np.tile(levels, len(mine)),
                evals=evals.ravel(),
                budget=problem["steps"],
                reference="minimum" if minimum else "best found",
            )
        )
    columns = ["problem", "optimizer", "selection", "seed", "level", "evals", "budget", "reference"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _first_below(
    at: np.ndarray, losses: np.ndarray, first: np.ndarray, minimum: dict[str, Any],
    levels: tuple[float, ...],
) -> np.ndarray:  # fmt: skip
    """(runs, levels): the first step at which the gap is at most `level` times that at the start."""
    start = starting_gap(first, minimum)
    best = np.fmin.accumulate(losses - float(minimum["value"]), axis=1)
    out = np.full((len(losses), len(levels)), np.inf)
    for i, level in enumerate(levels):
        # The best so far falls, so its points above the bound come first; NaN only at the end.
        met = best <= (level * start)[:, None]
        out[:, i] = np.where(met.any(axis=1), at[met.argmax(axis=1)], np.inf)
    return out


def runtime_shares(hits: pd.DataFrame) -> pd.DataFrame:
    """The runtime distribution over targets (Hansen et al. 2016, section 3.3): for each (optimizer,
    selection) the share of its (problem, level, seed) triples that `first_hits` finds hit within so
    many gradient evaluations, as the steps of that function: each has a row at 0 evaluations and at
    every number of them where it rises, and who met nothing that one row alone, its share 0.

    Columns: optimizer, selection, evals, share, triples, problems. Triples of one run hang together:
    an interval must resample seeds or problems, never triples.
    """
    return _steps(hits, ["optimizer", "selection"])


def data_profile(hits: pd.DataFrame, level: float) -> pd.DataFrame:
    """d_s(n): the share of (problem, seed) instances with f(x_0) - f(x) >= (1 - level) (f(x_0) - f_L)
    within n gradient evaluations (More & Wild 2009, doi:10.1137/080724083, eqs. 2.2 and 2.8; their
    unit is a simplex gradient, n / (dim + 1) function values). f_L is the reference of `first_hits`.
    Columns: optimizer, selection, evals, share, triples, problems. ValueError where `level` is none
    of those of `hits`."""
    mine = hits[np.isclose(hits["level"].to_numpy(float), level, rtol=1e-9)]
    if len(hits) and mine.empty:
        raise ValueError(f"no hits of level {level:g} were counted")
    return _steps(mine, ["optimizer", "selection"])


def _steps(hits: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    tables = []
    for names, mine in hits.groupby(keys, sort=False, observed=True):
        evals = mine["evals"].to_numpy(float)
        # From nothing on, so that who met no target is there as well, at 0 and not left out.
        at = np.unique(np.append(evals[np.isfinite(evals)], 0.0))
        share = np.searchsorted(np.sort(evals), at, side="right") / len(evals)
        tables.append(
            pd.DataFrame(
                {
                    **dict(zip(keys, names, strict=True)),
                    "evals": at,
                    "share": share,
                    "triples": len(evals),
                    "problems": mine["problem"].nunique(),
                }
            )
        )
    columns = [*keys, "evals", "share", "triples", "problems"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)
