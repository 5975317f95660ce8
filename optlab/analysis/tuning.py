"""What tuning costs: how good the best of n settings is, for every n that was tried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import gammaln

from optlab.analysis.aggregate import score_of
from optlab.analysis.censored import quantile_by
from optlab.analysis.settings import final_loss, pairs, rows_of
from optlab.analysis.tracks import floors

__all__ = ["best_of_n", "best_of_n_quantile", "best_of_n_weights", "tunability", "tuning_curves"]

Draw = Literal["without", "with"]

EACH, SPREAD = 256, 100
"""So many n are told each; of more, so many in all the decades beyond."""

COLUMNS = [
    "problem", "optimizer", "measure", "n", "trials", "seeds", "q25", "median", "q75", "mean",
    "default", "default_on",
]  # fmt: skip


def best_of_n_weights(count: int, n: int, draw: Draw = "without") -> np.ndarray:
    """The chance, (count,), that the i-th best of `count` settings is the best of `n` drawn.

    `without` replacement (the U-statistic; Dodge et al. 2021, arXiv:2109.00478; unbiased): random
    order of these settings, C(count - i, n - 1) / C(count, n) for i = 1 ... count, and n at most
    count. `with` replacement (the V-statistic; Dodge et al. 2019, arXiv:1909.03004, eq. 7):
    S_{i-1}^n - S_i^n with S_i = 1 - i / count. ValueError outside of 1 <= n, and n <= count without.
    """
    if n < 1 or (draw == "without" and n > count):
        raise ValueError(f"the best of {n} of {count} settings drawn {draw} replacement")
    place = np.arange(count + 1)
    if draw == "with":
        return -np.diff((1.0 - place / count) ** n)
    # The chance that the n settings are all worse than the i best: C(count - i, n) / C(count, n).
    left = count - place
    possible = left >= n
    log = gammaln(left[possible] + 1) - gammaln(left[possible] - n + 1)
    worse = np.zeros(count + 1)
    worse[possible] = np.exp(log - (gammaln(count + 1) - gammaln(count - n + 1)))
    return -np.diff(worse)


def best_of_n(values: Any, n: int, draw: Draw = "without") -> float:
    """The expected least of `n` of `values` (see `best_of_n_weights`); +inf where that of a setting
    that diverged has a chance to be the least."""
    ordered = np.sort(np.asarray(values, dtype=float))
    weights = best_of_n_weights(len(ordered), n, draw)
    kept = weights > 0
    return float((weights[kept] * ordered[kept]).sum())


def best_of_n_quantile(values: Any, n: int, q: float = 0.5, draw: Draw = "without") -> float:
    """The q-quantile of the least of `n` of `values`: the first value at which the chance of a least
    no larger is q or more. Finite where enough settings are, as `best_of_n` is not."""
    ordered = np.sort(np.asarray(values, dtype=float))
    reached = np.cumsum(best_of_n_weights(len(ordered), n, draw))
    return float(ordered[np.argmax(reached >= q - 1e-12)])


def tunability(losses: Any, weights: Literal["even", "early", "peak"] = "even") -> float:
    """omega-tunability: sum_t w_t L(best after t of T trials), the weights adding to 1 (Sivaprasad
    et al. 2020, arXiv:1910.11758, section 3.2). `losses` (T,) is the curve over t = 1 ... T, lower
    better; `early` weighs w_t ~ T - t + 1, `peak` only the last."""
    losses = np.asarray(losses, dtype=float)
    count = len(losses)
    weight = {
        "even": np.ones(count),
        "early": np.arange(count, 0.0, -1.0),
        "peak": (np.arange(count) == count - 1).astype(float),
    }[weights]
    kept = weight > 0
    return float((weight[kept] * losses[kept]).sum() / weight.sum())


def tuning_curves(runs: pd.DataFrame, best: pd.DataFrame, manifest: dict[str, Any]) -> pd.DataFrame:
    """The best of n settings, drawn without replacement from those that were tried: one row per
    (problem, optimizer, measure, n), n = 1 ... trials (beyond `EACH` evenly in decades), for whatever was tried at two settings or more.

    Measures: `steps_held` of the deciding target (+inf for never), `gap` (`loss` where the minimum is
    not known) at the end, and `shortfall`, 1 - the normal score of `aggregate`, in [0, 1], where it
    is known. Each setting's value is its median over tuning seeds, so the lower end of a curve
    flatters (the winner's curse): what the winner does on other seeds stands in `scores`.
    Columns further: trials, seeds, q25, median, q75 (of the best of n), mean (+inf where it may be a
    setting that diverged), default (the default setting's median, NaN where it was not run) and
    default_on (`tune` if it was among those tried, else `evaluate`).
    """
    tables = []
    for problem, optimizer in pairs(manifest):
        pool = rows_of(runs, problem["name"], optimizer["name"], "tune", ("trial",))
        if pool.empty:
            pool = rows_of(runs, problem["name"], optimizer["name"], "evaluate")
        pool = pool[pool["status"] != "error"]
        keys = [f"hyper.{name}" for name in optimizer["hypers"]]
        if pool.empty or not keys:
            continue
        which = pool.groupby(keys, dropna=False, sort=False).ngroup().to_numpy()
        count = int(which.max()) + 1
        if count < 2:
            continue
        default, default_on = _default(runs, pool, problem["name"], optimizer)
        precision = manifest.get("precision", "float64")
        beside = dict(_values(default, problem, precision))
        for measure, value in _values(pool, problem, precision):
            trials = quantile_by(value, which, count, 0.5)
            known = beside.get(measure, np.zeros(0))
            middle = quantile_by(known, np.zeros(len(known), dtype=int), 1, 0.5)[0]
            table = _curve(trials[~np.isnan(trials)])
            tables.append(
                table.assign(
                    problem=problem["name"],
                    optimizer=optimizer["name"],
                    measure=measure,
                    seeds=pool["seed"].nunique(),
                    default=middle,
                    default_on=default_on,
                )
            )
    found = [table for table in tables if len(table)]
    return pd.concat(found, ignore_index=True)[COLUMNS] if found else pd.DataFrame(columns=COLUMNS)


def _curve(trials: np.ndarray) -> pd.DataFrame:
    """The best of n for the n that are told."""
    ordered = np.sort(trials)
    finite = np.isfinite(ordered)
    numbers = np.where(finite, ordered, 0.0)
    n = _told(len(ordered))
    rows = []
    for k in n.tolist():
        weights = best_of_n_weights(len(ordered), k)
        reached = np.cumsum(weights)
        quartiles = [ordered[np.argmax(reached >= q - 1e-12)] for q in (0.25, 0.5, 0.75)]
        failed = (weights[~finite] > 0).any()
        rows.append((*quartiles, np.inf if failed else float(weights @ numbers)))
    table = pd.DataFrame(rows, columns=["q25", "median", "q75", "mean"], dtype=float)
    return table.assign(n=n, trials=len(ordered))


def _told(count: int) -> np.ndarray:
    """Every n up to `EACH`, from there evenly in decades, and all."""
    beyond = np.geomspace(EACH, max(count, EACH), SPREAD).round().astype(int)
    each = np.arange(1, count + 1)[:EACH]
    return np.union1d(each, beyond[beyond <= count])


def _values(
    pool: pd.DataFrame, problem: dict[str, Any], precision: str
) -> Iterator[tuple[str, np.ndarray]]:
    """Each measure's values, one a row of `pool`; lower is better."""
    label = problem.get("decision")
    if label:
        yield "steps_held", pool[f"held.{label}"].astype(float).fillna(np.inf).to_numpy()
    minimum = problem.get("minimum")
    loss = final_loss(pool).to_numpy()
    first = pool["loss_first"].to_numpy(float)
    if minimum is None:
        yield "loss", loss
        return
    yield "gap", np.maximum(loss - float(minimum["value"]), floors(first, minimum, precision))
    yield "shortfall", 1.0 - score_of(pool, problem)


def _default(
    runs: pd.DataFrame, pool: pd.DataFrame, problem: str, optimizer: dict[str, Any]
) -> tuple[pd.DataFrame, str]:
    """The rows of the default setting, and the seeds on which it ran."""
    if not optimizer.get("default"):
        return pool.iloc[:0], ""
    same = np.ones(len(pool), dtype=bool)
    for name, value in optimizer["default"].items():
        same &= np.isclose(pool[f"hyper.{name}"].to_numpy(float), value, rtol=1e-12, atol=0)
    if same.any():
        return pool[same], "tune"
    ran = rows_of(runs, problem, optimizer["name"], "evaluate", ("default",))
    return ran[ran["status"] != "error"], "evaluate"
