"""S7: how far the rate may be off before it costs something.

Everything here is read from a profile: runs on evaluation seeds around the chosen setting in which
only the rate differs. A profile is seen as matrices with one row a seed and one column a rate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.censored import quantile
from optlab.analysis.settings import final_loss, pairs, profile_rows
from optlab.analysis.tracks import floors, starting_gap

__all__ = ["expected_loss", "rate_robustness", "rate_scores", "width"]

_TIME_FACTOR, _GAP_FACTOR = 2.0, 10.0


@dataclass(frozen=True)
class _Profile:
    """`rates` in rising order, `seeds`, and matrices (seeds, rates) with NaN where there is no run
    or it stopped with an error: time at which the decision target was held, last loss and gap (+inf
    where diverged). `start` is the starting gap of each seed."""

    problem: str
    optimizer: str
    rates: np.ndarray
    seeds: np.ndarray
    held: np.ndarray | None
    loss: np.ndarray
    gap: np.ndarray
    first: np.ndarray
    start: np.ndarray


def width(values: np.ndarray, rates: np.ndarray, factor: float) -> tuple[float, int, int]:
    """(decades, first, last): the widest stretch of neighbouring rates that holds the least of
    `values`, (rates,), and nothing above `factor` times it; its width is log10(a_last / a_first).

    Where no value is finite no rate does well: (-inf, -1, -1). NaN breaks a stretch.
    """
    if not np.isfinite(values).any():
        return -np.inf, -1, -1
    least = values[np.isfinite(values)].min()
    good = np.concatenate([[False], values <= factor * least, [False]])
    first = np.flatnonzero(good[1:] & ~good[:-1])
    last = np.flatnonzero(good[:-1] & ~good[1:]) - 1
    decades = [
        np.log10(rates[j] / rates[i]) if (values[i : j + 1] == least).any() else -np.inf
        for i, j in zip(first, last, strict=True)
    ]
    widest = int(np.argmax(decades))
    return float(decades[widest]), int(first[widest]), int(last[widest])


def expected_loss(loss: np.ndarray, first: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """For each row of `loss`, (seeds, rates), the mean over rates drawn log-uniformly of
    min(loss(a), loss_0) - best loss (Wortsman et al. 2023, arXiv:2309.14322, section 2.3: learning
    rate sensitivity). The clip at the starting loss makes divergence finite; where every rate
    diverged there is no best to lose against, +inf. A rate stands for the stretch up to half way to
    its neighbours, so evenly spaced rates are averaged plainly.
    """
    best = loss.min(axis=1)
    spared = np.minimum(loss, first[:, None])
    with np.errstate(invalid="ignore"):
        lost = spared - np.minimum(best, first)[:, None]
    mean = lost @ _log_weights(rates)
    return np.where(np.isposinf(best), np.inf, mean)


def rate_scores(runs: pd.DataFrame, best: pd.DataFrame, manifest: dict[str, Any]) -> pd.DataFrame:
    """rate_width, rate_share and rate_loss, one value for each seed, in the columns of `scores`.

    `rate_width` counts rates that hold the decision target within twice the steps of the best one;
    on a problem without a decision target, those that end within ten times the best gap (loss).
    -inf where no rate does. `rate_share` is the share of rates that hold the decision target, NaN
    without one. `rate_loss` is `expected_loss` over the starting gap. NaN where one of a seed's runs
    is missing or stopped with an error.
    """
    tables = []
    for profile in _profiles(runs, best, manifest):
        whole = ~np.isnan(profile.loss).any(axis=1)
        costs, factor = _criterion(profile)
        # Rates drawn over a range have six figures: what two widths differ by below that is no difference.
        widths = np.round([width(row, profile.rates, factor)[0] for row in costs], 5)
        share = np.full(len(whole), np.nan)
        if profile.held is not None:
            share = np.isfinite(profile.held).mean(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            lost = expected_loss(profile.loss, profile.first, profile.rates) / profile.start
        lost = np.where(profile.start > 0, lost, np.nan)
        for name, value in (("rate_width", widths), ("rate_share", share), ("rate_loss", lost)):
            tables.append(
                pd.DataFrame(
                    {
                        "problem": profile.problem,
                        "optimizer": profile.optimizer,
                        "selection": "tuned",
                        "measure": name,
                        "target": "",
                        "seed": profile.seeds,
                        "value": np.where(whole, value, np.nan),
                        "status": np.where(whole, "budget", "error"),
                    }
                )
            )
    columns = ["problem", "optimizer", "selection", "measure", "target", "seed", "value", "status"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def rate_robustness(
    runs: pd.DataFrame, best: pd.DataFrame, manifest: dict[str, Any]
) -> pd.DataFrame:
    """One row per (problem, optimizer) with a profile, from Q(a), the median over seeds at each rate.

    Columns: problem, optimizer, rates (how many), seeds, criterion (`held` or `gap`, see
    `rate_scores`), width (decades; -inf where no rate does), first and last (the rates of that
    stretch), edge (`low`, `high`, `both` or empty: the stretch ends where the rates tried end, so the
    width is at least this), grid_step (decades: the width is known to within one), text ("1.3 ± 0.3
    decades", "≥ 1.3"), share (of all runs that hold the decision target), lost (median over seeds of
    `expected_loss` over the starting gap).
    """
    rows = []
    for profile in _profiles(runs, best, manifest):
        costs, factor = _criterion(profile)
        decades, first, last = width(quantile(costs.T, 0.5), profile.rates, factor)
        found = first >= 0
        low, high = found and first == 0, found and last == len(profile.rates) - 1
        edge = "both" if low and high else "low" if low else "high" if high else ""
        step = float(np.diff(np.log10(profile.rates)).max())
        with np.errstate(divide="ignore", invalid="ignore"):
            lost = expected_loss(profile.loss, profile.first, profile.rates) / profile.start
        rows.append(
            {
                "problem": profile.problem,
                "optimizer": profile.optimizer,
                "rates": len(profile.rates),
                "seeds": len(profile.seeds),
                "criterion": "gap" if profile.held is None else "held",
                "width": decades,
                "first": profile.rates[first] if found else np.nan,
                "last": profile.rates[last] if found else np.nan,
                "edge": edge,
                "grid_step": step,
                "text": _text(decades, step, edge),
                "share": np.nan if profile.held is None else _share(profile.held),
                "lost": float(quantile(lost, 0.5)),
            }
        )
    columns = ["problem", "optimizer", "rates", "seeds", "criterion", "width", "first", "last"]
    return pd.DataFrame(rows, columns=[*columns, "edge", "grid_step", "text", "share", "lost"])


def _share(held: np.ndarray) -> float:
    known = ~np.isnan(held)
    return float(np.isfinite(held).sum() / known.sum()) if known.any() else np.nan


def _text(decades: float, step: float, edge: str) -> str:
    if not np.isfinite(decades):
        return "no rate"
    return f"{'≥ ' if edge else ''}{decades:.2g} ± {step:.2g} decades"


def _criterion(profile: _Profile) -> tuple[np.ndarray, float]:
    if profile.held is not None:
        return profile.held, _TIME_FACTOR
    return profile.gap, _GAP_FACTOR


def _log_weights(rates: np.ndarray) -> np.ndarray:
    """The share of the log-axis that each rate stands for; a rate at the end stands for as much
    beyond it as towards its neighbour."""
    if len(rates) == 1:
        return np.ones(1)
    steps = np.diff(np.log(rates))
    cells = (np.concatenate([steps[:1], steps]) + np.concatenate([steps, steps[-1:]])) / 2
    return cells / cells.sum()


def _profiles(
    runs: pd.DataFrame, best: pd.DataFrame, manifest: dict[str, Any]
) -> Iterator[_Profile]:
    """The profile of every (problem, optimizer) at two rates or more, in the order of the spec."""
    rows = profile_rows(runs, best)
    groups = rows.groupby(["problem", "optimizer"], sort=False, observed=True).indices
    for problem, optimizer in pairs(manifest):
        place = groups.get((problem["name"], optimizer["name"]))
        if place is None:
            continue
        mine = rows.iloc[place]
        if mine["rate"].nunique() > 1:
            yield _profile(mine, problem, optimizer["name"], manifest.get("precision", "float64"))


def _profile(
    mine: pd.DataFrame, problem: dict[str, Any], optimizer: str, precision: str
) -> _Profile:
    rates, column = np.unique(mine["rate"].to_numpy(float), return_inverse=True)
    seeds, row = np.unique(mine["seed"].to_numpy(), return_inverse=True)
    error = (mine["status"] == "error").to_numpy()

    def matrix(values: pd.Series) -> np.ndarray:
        filled = np.full((len(seeds), len(rates)), np.nan)
        filled[row, column] = np.where(error, np.nan, values.to_numpy(float))
        return filled

    minimum = problem.get("minimum")
    label = problem.get("decision")
    held = None
    if label and f"held.{label}" in mine:
        held = matrix(mine[f"held.{label}"].astype(float).fillna(np.inf))
    loss = matrix(final_loss(mine))
    # The same seed starts at the same place, whatever the rate.
    first = quantile(matrix(mine["loss_first"]), 0.5)
    above = float(minimum["value"]) if minimum else 0.0
    gap = np.maximum(loss - above, floors(first, minimum, precision)[:, None])
    return _Profile(
        problem["name"], optimizer, rates, seeds, held, loss, gap, first,
        starting_gap(first, minimum),
    )  # fmt: skip
