"""Which setting of each optimizer is shown, and on which seeds it was chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.censored import quantile_by
from optlab.vocabulary import Interval, look_up

__all__ = [
    "at_best", "best_settings", "entrants", "final_loss", "is_better_high", "pairs", "profile_rows",
    "rows_of", "setting", "spread_of", "unchanging",
]  # fmt: skip

RATES = ("lr", "learning_rate")
"""What optimizers call their step size."""

TRIED = ("trial", "grid", "chosen")
"""The parts of runs among which a setting was chosen, or which are the chosen one."""

Manifest = dict[str, Any]


def pairs(manifest: Manifest) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every (problem, optimizer) entry that was asked for, in the order of the spec."""
    return [
        (problem, optimizer)
        for problem in manifest["problems"]
        for optimizer in manifest["optimizers"]
        if optimizer["name"] in problem["optimizers"]
    ]


def rows_of(
    runs: pd.DataFrame, problem: str, optimizer: str, role: str, parts: tuple[str, ...] = TRIED
) -> pd.DataFrame:
    """The runs of one optimizer on one problem in one role, those that play one of `parts`."""
    if _KEPT.get() is not None:
        return _kept_rows(runs, (problem, optimizer, role), parts)
    here = (runs["problem"] == problem) & (runs["optimizer"] == optimizer) & (runs["role"] == role)
    return runs[here & runs["part"].isin(parts)]


@contextmanager
def unchanging() -> Iterator[None]:
    """Within it no table of runs is written to, so that `rows_of` looks through each of them once."""
    token = _KEPT.set({})
    try:
        yield
    finally:
        _KEPT.reset(token)


@dataclass(frozen=True, eq=False)
class _Sorted:
    """A table of runs, the places of rows by problem, optimizer, role and part, and what was asked for."""

    runs: pd.DataFrame
    places: dict[Any, np.ndarray]
    found: dict[tuple[Any, ...], pd.DataFrame]


_KEPT: ContextVar[dict[int, _Sorted] | None] = ContextVar("_KEPT", default=None)
"""By the identity of a table, which is kept as well so that no other takes it over."""


def _kept_rows(
    runs: pd.DataFrame, names: tuple[str, str, str], parts: tuple[str, ...]
) -> pd.DataFrame:
    kept = _KEPT.get()
    assert kept is not None
    if id(runs) not in kept:
        keys = ["problem", "optimizer", "role", "part"]
        groups = runs.groupby(keys, sort=False, observed=True).indices
        places = {key: np.asarray(place) for key, place in groups.items()}
        kept[id(runs)] = _Sorted(runs, places, {})
    here = kept[id(runs)]
    asked = (*names, *parts)
    if asked not in here.found:
        none = np.zeros(0, dtype=int)
        which = [here.places.get((*names, part), none) for part in dict.fromkeys(parts)]
        here.found[asked] = runs.take(np.sort(np.concatenate(which)))
    return here.found[asked].copy(deep=False)


def final_loss(runs: pd.DataFrame) -> pd.Series:
    """Each run's last loss, +inf where it diverged or was not finite."""
    loss = runs["loss_final"].to_numpy(dtype=float)
    failed = (runs["status"].to_numpy() == "diverged") | ~np.isfinite(loss)
    return pd.Series(np.where(failed, np.inf, loss), index=runs.index, name="loss_final")


def is_better_high(metric: str, targets: Iterable[Mapping[str, Any]] = ()) -> bool:
    """Whether a larger value of `metric` is better: as a target on it says (entries of the
    manifest's `targets`); where none does, an accuracy is."""
    said = (t["rising"] for t in targets if t["metric"] == metric and "rising" in t)
    return next(said, "accuracy" in metric)


def setting(row: Any, names: Any) -> dict[str, float]:
    """The hyperparameters of a row of `runs` or of `best_settings`, by their own names."""
    return {name: float(row[f"hyper.{name}"]) for name in names}


def best_settings(runs: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """One row per (problem, optimizer): the best setting, and how it was found.

    Chosen on `tune` rows by the median over seeds of the step from which the decision target is
    held (never = +inf), ties by the median last loss (diverged = +inf), then by the order of the
    grid or of the draws; with `tuning: {select: ...}` by what that says first (`loss`, `reached`, or
    a metric's last value). Without `tune` rows it is chosen on the `evaluate` rows and says so
    (`chosen_on`). Rows of
    errors have no part in the choice and are counted: where `errors` is not 0 it is made on what
    was left, and another setting may be the best.
    Columns: problem, optimizer, `hyper.<name>`, chosen_on, seeds, settings (tried), errors, score,
    loss (both medians), on_edge (swept name -> "smallest" or "largest" value that was tried; in a
    search by the rule at `EDGE`).
    """
    rows = []
    select = (manifest.get("tuning") or {}).get("select", "held")
    for problem, optimizer in pairs(manifest):
        for role, parts in (("tune", ("trial",)), ("evaluate", ("trial",)), ("evaluate", TRIED)):
            pool = rows_of(runs, problem["name"], optimizer["name"], role, parts)
            if len(pool):
                rows.append(_best(pool, problem, optimizer, select) | {"chosen_on": role})
                break
    columns = ["problem", "optimizer", *_hyper_columns(runs), "chosen_on", "seeds", "settings"]
    return pd.DataFrame(rows, columns=[*columns, "errors", "score", "loss", "on_edge"])


def at_best(runs: pd.DataFrame, best: pd.DataFrame, role: str = "evaluate") -> pd.DataFrame:
    """The rows of `runs` in `role` that were run at the chosen settings."""
    keys = ["problem", "optimizer", *_hyper_columns(runs)]
    left = runs[(runs["role"] == role) & runs["part"].isin(("grid", "chosen", "picture"))]
    if best.empty or left.empty:
        return left.iloc[:0]
    # A merge takes NaN for equal to NaN, which is what "has no such hyperparameter" needs.
    return left.merge(best[keys], on=keys, how="inner")


def entrants(runs: pd.DataFrame, best: pd.DataFrame) -> pd.DataFrame:
    """The evaluation rows of every optimizer as tuned and as it comes, told apart in `selection`
    ("tuned", "default"). An optimizer with one setting enters as both."""
    tuned = at_best(runs, best).assign(selection="tuned")
    default = runs[runs["part"] == "default"].assign(selection="default")
    single = best.loc[best["settings"] == 1, ["problem", "optimizer"]]
    same = tuned.merge(single, on=["problem", "optimizer"]).assign(selection="default")
    return pd.concat([t for t in (tuned, default, same) if len(t)] or [tuned], ignore_index=True)


def profile_rows(runs: pd.DataFrame, best: pd.DataFrame) -> pd.DataFrame:
    """Evaluation rows around each chosen setting in which only the rate differs, with the rate in
    `rate`: from the profile, or from the grid where every setting was evaluated."""
    pool = runs[runs["part"].isin(("grid", "profile", "chosen")) & (runs["role"] == "evaluate")]
    found = []
    for name in RATES:
        column = f"hyper.{name}"
        if column not in pool or best.empty:
            continue
        others = [c for c in _hyper_columns(runs) if c != column]
        with_rate = best.loc[best[column].notna(), ["problem", "optimizer", *others]]
        near = pool[pool[column].notna()].merge(
            with_rate, on=["problem", "optimizer", *others], how="inner"
        )
        found.append(near.assign(rate=near[column].astype(float)))
    rows = pd.concat(found, ignore_index=True) if found else pool.iloc[:0].assign(rate=0.0)
    return rows.drop_duplicates(["problem", "optimizer", "run_id"], ignore_index=True)


def spread_of(pool: pd.DataFrame, names: Any) -> dict[str, list[float]]:
    """Each hyperparameter's distinct values among `pool`, in rising order."""
    return {name: sorted(pool[f"hyper.{name}"].dropna().unique()) for name in names}


def _best(
    pool: pd.DataFrame, problem: dict[str, Any], optimizer: dict[str, Any], select: str
) -> dict[str, Any]:
    names = list(optimizer["hypers"])
    keys = [f"hyper.{name}" for name in names]
    which, settings = _numbered(pool, keys)
    # A run that stopped with an error says nothing of its setting; one without any other comes last.
    failed = pool["status"] == "error"
    score = _median(_times(pool, problem, select).mask(failed), which, len(settings))
    loss = _median(final_loss(pool).mask(failed), which, len(settings))
    order = [loss, score]  # the last key decides first
    if select == "loss":
        order = [score, loss]
    elif f"final.{select}" in pool:
        sign = -1 if is_better_high(select, problem["targets"]) else 1
        value = pool[f"final.{select}"].astype(float) * sign
        value = value.mask(pool["status"] == "diverged", np.inf)
        order = [loss, score, _median(value.mask(failed), which, len(settings))]
    # Ties go by the order of the grid as it was written, name by name.
    unknown = np.bincount(which, ~failed, len(settings)) == 0
    places = reversed(_places(settings, optimizer))
    ranked = np.lexsort((*places, *order, unknown))
    first = int(ranked[0])
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
        "on_edge": _edges(chosen, spread_of(pool, names), settings[ranked[:LEADERS]], optimizer),
    }


def _times(pool: pd.DataFrame, problem: dict[str, Any], select: str) -> pd.Series:
    """When each run held (or reached, where that selects) the deciding target; +inf for never."""
    kind = "reached" if select == "reached" else "held"
    decision = problem.get("decision")
    found = pool.get(f"{kind}.{decision}") if decision else None
    return pd.Series(np.inf, pool.index) if found is None else found.astype(float).fillna(np.inf)


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
    each of them. Joint draws have one order."""
    if optimizer.get("search"):
        return [np.arange(len(settings))]
    places = []
    for column, values in zip(settings.T, optimizer["hypers"].values(), strict=True):
        grid = np.asarray(values, dtype=float)
        places.append(_nearest(column, grid) if len(grid) else np.zeros(len(column), dtype=int))
    return places


def _nearest(values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """The place of each value's nearest neighbour in `grid`."""
    order = np.argsort(grid, kind="stable")
    rising = grid[order]
    above = np.clip(np.searchsorted(rising, values), 1, len(grid) - 1) if len(grid) > 1 else 0
    below = np.maximum(np.asarray(above) - 1, 0)
    nearer = np.abs(values - rising[below]) <= np.abs(values - rising[above])
    return order[np.where(nearer, below, above)]


def _edges(
    chosen: dict[str, float],
    tried: dict[str, list[float]],
    leaders: np.ndarray,
    optimizer: dict[str, Any],
) -> dict[str, str]:
    """Which chosen values lie where what was tried ends; `leaders` are the best settings."""
    edges = {}
    for name in optimizer.get("swept", []):
        searched = optimizer.get("search", {}).get(name)
        if searched is not None:
            best = leaders[:, list(chosen).index(name)]
            low, high = _at_ends(searched, chosen[name], best, look_up(name).interval)
        else:
            values = tried.get(name, [])
            possible = look_up(name).interval
            low, high = (
                len(values) > 1 and chosen[name] == values[i] and values[i] not in possible.ends
                for i in (0, -1)
            )
        if low or high:
            edges[name] = "smallest" if low else "largest"
    return edges


EDGE, NEAR, LEADERS = 0.1, 0.2, 3
"""A search has come to its edge where the chosen value lies in the outer tenth of the range and the
best three trials all lie in the outer fifth at the same end. The chosen one alone says little: a
hyperparameter that hardly matters is chosen anywhere, one time in five in one of the outer tenths."""


def _at_ends(
    searched: dict[str, Any], chosen: float, leaders: np.ndarray, possible: Interval
) -> tuple[bool, bool]:
    """Whether a search has come to its low end, and to its high end."""
    place = _share(searched, chosen)
    places = np.array([_share(searched, float(value)) for value in leaders])
    low = place < EDGE and bool((places < NEAR).all())
    high = place > 1 - EDGE and bool((places > 1 - NEAR).all())
    ends = [searched["low"], searched["high"]]
    if searched["scale"] == "one_minus_log":  # a small distance from 1 is a large value
        low, high, ends = high, low, [1 - end for end in reversed(ends)]
    # Where nothing lies beyond (no momentum at all), the end of the range cuts nothing off.
    return low and ends[0] not in possible.ends, high and ends[1] not in possible.ends


def _share(searched: dict[str, Any], value: float) -> float:
    """How far along a searched range `value` lies, from 0 to 1, on the range's scale."""
    low, high = searched["low"], searched["high"]
    if searched["scale"] == "linear":
        return (value - low) / (high - low)
    distance = 1 - value if searched["scale"] == "one_minus_log" else value
    return float(np.log(distance / low) / np.log(high / low))


def _hyper_columns(runs: pd.DataFrame) -> list[str]:
    return [name for name in runs.columns if name.startswith("hyper.")]
