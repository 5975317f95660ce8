"""Which setting of each optimizer is shown, and on which seeds it was chosen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.censored import quantile_by

__all__ = ["at_best", "best_settings", "final_loss", "pairs", "rows_of", "setting", "spread_of"]

Manifest = dict[str, Any]


def pairs(manifest: Manifest) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every (problem, optimizer) entry that was asked for, in the order of the spec."""
    return [
        (problem, optimizer)
        for problem in manifest["problems"]
        for optimizer in manifest["optimizers"]
        if optimizer["name"] in problem["optimizers"]
    ]


def rows_of(runs: pd.DataFrame, problem: str, optimizer: str, role: str) -> pd.DataFrame:
    """The runs of one optimizer on one problem in one role."""
    here = (runs["problem"] == problem) & (runs["optimizer"] == optimizer) & (runs["role"] == role)
    return runs[here]


def final_loss(runs: pd.DataFrame) -> pd.Series:
    """Each run's last loss, +inf where it diverged or was not finite."""
    loss = runs["loss_final"].astype(float)
    failed = (runs["status"] == "diverged") | ~np.isfinite(loss)
    return loss.mask(failed, np.inf)


def setting(row: Any, names: Any) -> dict[str, float]:
    """The hyperparameters of a row of `runs` or of `best_settings`, by their own names."""
    return {name: float(row[f"hyper.{name}"]) for name in names}


def best_settings(runs: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """One row per (problem, optimizer): the best setting, and how it was found.

    Chosen on `tune` rows by the median over seeds of the step from which the decision target is
    held (never = +inf), ties by the median last loss (diverged = +inf), then by the order of the
    grid. Without `tune` rows it is chosen on the `evaluate` rows and says so (`chosen_on`). Rows of
    errors have no part in the choice and are counted: where `errors` is not 0 it is made on what
    was left, and another setting may be the best.
    Columns: problem, optimizer, `hyper.<name>`, chosen_on, seeds, settings (tried), errors, score,
    loss (both medians), on_edge (swept name -> "smallest" or "largest" value that was tried).
    """
    rows = []
    for problem, optimizer in pairs(manifest):
        for role in ("tune", "evaluate"):
            pool = rows_of(runs, problem["name"], optimizer["name"], role)
            if len(pool):
                rows.append(_best(pool, problem, optimizer) | {"chosen_on": role})
                break
    columns = ["problem", "optimizer", *_hyper_columns(runs), "chosen_on", "seeds", "settings"]
    return pd.DataFrame(rows, columns=[*columns, "errors", "score", "loss", "on_edge"])


def at_best(runs: pd.DataFrame, best: pd.DataFrame, role: str = "evaluate") -> pd.DataFrame:
    """The rows of `runs` in `role` that were run at the chosen settings."""
    keys = ["problem", "optimizer", *_hyper_columns(runs)]
    left = runs[runs["role"] == role]
    if best.empty or left.empty:
        return left.iloc[:0]
    # A merge takes NaN for equal to NaN, which is what "has no such hyperparameter" needs.
    return left.merge(best[keys], on=keys, how="inner")


def spread_of(pool: pd.DataFrame, names: Any) -> dict[str, list[float]]:
    """Each hyperparameter's distinct values among `pool`, in rising order."""
    return {name: sorted(pool[f"hyper.{name}"].dropna().unique()) for name in names}


def _best(pool: pd.DataFrame, problem: dict[str, Any], optimizer: dict[str, Any]) -> dict[str, Any]:
    names = list(optimizer["hypers"])
    keys = [f"hyper.{name}" for name in names]
    which, settings = _numbered(pool, keys)
    decision = problem.get("decision")
    held = pool.get(f"held.{decision}") if decision else None
    times = pd.Series(np.inf, pool.index) if held is None else held.astype(float).fillna(np.inf)
    # A run that stopped with an error says nothing of its setting; one without any other comes last.
    failed = pool["status"] == "error"
    score = _median(times.mask(failed), which, len(settings))
    loss = _median(final_loss(pool).mask(failed), which, len(settings))
    # The last key decides first; then the order of the grid as it was written, name by name.
    unknown = np.bincount(which, ~failed, len(settings)) == 0
    places = reversed(_places(settings, optimizer))
    first = int(np.lexsort((*places, loss, score, unknown))[0])
    chosen = {name: float(value) for name, value in zip(names, settings[first], strict=True)}
    return {
        "problem": problem["name"],
        "optimizer": optimizer["name"],
        **{f"hyper.{name}": value for name, value in chosen.items()},
        "seeds": int(pool["seed"].nunique()),
        "settings": len(settings),
        "errors": int(failed.sum()),
        "score": score[first],
        "loss": loss[first],
        "on_edge": _edges(chosen, spread_of(pool, names), optimizer.get("swept", [])),
    }


def _median(values: pd.Series, which: np.ndarray, count: int) -> np.ndarray:
    """The median of each setting's known values, +inf where nothing is known."""
    median = quantile_by(values, which, count, 0.5)
    return np.where(np.isnan(median), np.inf, median)


def _numbered(pool: pd.DataFrame, keys: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The number of each row's setting, (rows,), and the settings, (settings, keys), by first
    appearance. NaN, which says that there is no such hyperparameter, equals itself."""
    if not keys:
        return np.zeros(len(pool), dtype=int), np.empty((1, 0))
    which = pool.groupby(keys, dropna=False, sort=False).ngroup().to_numpy()
    return which, pool[keys].drop_duplicates().to_numpy(dtype=float)


def _places(settings: np.ndarray, optimizer: dict[str, Any]) -> list[np.ndarray]:
    """Where settings stand in the grid as it was written: a hyperparameter's place in its list, for
    each of them."""
    places = []
    for column, values in zip(settings.T, optimizer["hypers"].values(), strict=True):
        grid = np.asarray(values, dtype=float)
        off = np.abs(column[:, None] - grid)
        places.append(off.argmin(axis=1) if len(grid) else np.zeros(len(column), dtype=int))
    return places


def _edges(
    chosen: dict[str, float], tried: dict[str, list[float]], swept: list[str]
) -> dict[str, str]:
    edges = {}
    for name in swept:
        values = tried.get(name, [])
        if len(values) > 1 and chosen[name] in (values[0], values[-1]):
            edges[name] = "smallest" if chosen[name] == values[0] else "largest"
    return edges


def _hyper_columns(runs: pd.DataFrame) -> list[str]:
    return [name for name in runs.columns if name.startswith("hyper.")]
