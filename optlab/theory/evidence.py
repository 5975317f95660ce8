"""What was measured, as laws want it: the runs of one optimizer on one problem at its chosen setting.

Everything here is read from the tables that the laboratory wrote; no rule and no loss is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis import at_best, best_settings, setting
from optlab.analysis.settings import pairs
from optlab.analysis.tracks import points, track
from optlab.analysis.words import pairs_text
from optlab.results import Results
from optlab.rules import REGISTRY
from optlab.theory.bowls import Bowl, bowl

__all__ = ["Evidence", "gather", "rule_of"]


@dataclass(frozen=True, eq=False)
class Evidence:
    """The evaluation runs of one optimizer on one problem at its chosen setting, none of which
    diverged. `runs` is their table in the order of seeds; `steps` (points,) what was recorded,
    `loss` (runs, points), `path` (runs, points, dim) or None where it was not kept."""

    problem: dict[str, Any]
    optimizer: dict[str, Any]
    hypers: dict[str, float]
    runs: pd.DataFrame
    steps: np.ndarray
    loss: np.ndarray
    path: np.ndarray | None
    precision: str

    @property
    def rule(self) -> str:
        """The rule that laws speak of; empty for anything else."""
        return rule_of(self.optimizer)

    @property
    def n(self) -> int:
        return len(self.runs)

    @property
    def noise(self) -> float:
        return float(self.problem.get("parameters", {}).get("noise") or 0.0)

    @property
    def setting(self) -> str:
        return pairs_text(self.hypers)

    @cached_property
    def bowl(self) -> Bowl | None:
        return bowl(self.problem)

    @property
    def lowest(self) -> float | None:
        known = self.problem.get("minimum")
        return None if known is None else float(known["value"])

    @property
    def gap(self) -> np.ndarray:
        """The loss above its minimum, (runs, points); the loss where no minimum is known."""
        return self.loss - (self.lowest or 0.0)

    @cached_property
    def start(self) -> np.ndarray | None:
        """Where the runs began, (runs, dim), if the tables or the problem's parameters say."""
        if self.path is not None:
            return self.path[:, 0]
        given = self.problem.get("parameters", {}).get("start")
        if self.problem.get("family") == "nesterov_chain" and self.bowl is not None:
            given = [0.0] * self.problem["dim"]
        if not isinstance(given, list) or len(given) != self.problem["dim"]:
            return None
        return np.tile(np.asarray(given, dtype=float), (self.n, 1))

    @cached_property
    def distance(self) -> np.ndarray | None:
        """How far from the nearest minimum the runs began, (runs,), if that can be told."""
        places = (self.problem.get("minimum") or {}).get("at") or []
        if self.start is None or not places:
            return None
        apart = self.start[:, None, :] - np.asarray(places, dtype=float)[None]
        return np.linalg.norm(apart, axis=2).min(axis=1)

    @cached_property
    def offset(self) -> np.ndarray | None:
        """The start off the centre of a bowl along its axes, (runs, dim), if both are known."""
        if self.bowl is None or self.start is None or not self.bowl.axes_known:
            return None
        return self.bowl.along_axes(self.start - self.bowl.center)

    @property
    def is_double(self) -> bool:
        return self.precision == "float64"

    @property
    def tolerance(self) -> float:
        """Relative deviation that rounding may cause where `told` is true."""
        return 1e-6 if self.is_double else 0.05

    @property
    def slack(self) -> float:
        """What rounding may add to a share of a bound."""
        return 1e-9 if self.is_double else 1e-4

    def told(self, predicted: np.ndarray) -> np.ndarray:
        """Where a gap that is `predicted` (runs, points) can be told from rounding: parameters are
        stored to within epsilon of their own size, not of their distance from the minimum, and a loss
        is rounded at the size of its minimum, once for each of its terms, before that is taken off."""
        least = (1e-12 if self.is_double else 1e-5) * np.abs(self.gap[:, :1])
        minimum = abs(float((self.problem.get("minimum") or {"value": 0.0})["value"]))
        taken_off = self.problem["dim"] * np.finfo(self.precision).eps * minimum / self.tolerance
        return predicted > np.maximum(least, taken_off)


def rule_of(optimizer: dict[str, Any]) -> str:
    """The rule of a manifest's entry, where it is the house's by its text (in files of one's own a
    name may be taken) or optax's; else empty."""
    name = str(optimizer["rule"])
    known = REGISTRY.get(name)
    if known is None:
        return name if name.startswith("optax.") else ""
    return name if optimizer.get("code") == known.form.source else ""


def gather(results: Results, best: pd.DataFrame | None = None) -> list[Evidence]:
    """Every optimizer on every problem, in the order of the spec, that ran without diverging."""
    manifest = results.manifest
    best = best_settings(results.runs, manifest) if best is None else best
    chosen = at_best(results.runs, best, "evaluate")
    chosen = chosen[chosen["status"].isin(["hit", "budget"])]
    chosen = chosen.drop_duplicates(["problem", "optimizer", "run_id"])
    if chosen.empty:
        return []
    return list(_gathered(results, chosen))


def _gathered(results: Results, chosen: pd.DataFrame) -> Iterator[Evidence]:
    losses = points(results.curves, "loss", chosen["run_id"])
    paths = results.paths
    for problem, optimizer in pairs(results.manifest):
        here = (chosen["problem"] == problem["name"]) & (chosen["optimizer"] == optimizer["name"])
        mine = chosen[here].sort_values("seed", kind="stable")
        if mine.empty:
            continue
        steps, loss = track(losses, mine["run_id"])
        yield Evidence(
            problem, optimizer, setting(mine.iloc[0], optimizer["hypers"]), mine, steps, loss,
            _positions(paths, mine["run_id"], problem.get("names") or [], len(steps)),
            results.manifest.get("precision", "float64"),
        )  # fmt: skip


def _positions(
    paths: pd.DataFrame, run_ids: pd.Series, names: list[str], count: int
) -> np.ndarray | None:
    """The recorded parameters, (runs, points, dim); None where any is missing."""
    run, coordinate = (paths[c].astype("category").cat for c in ("run_id", "coordinate"))
    which = pd.Index(run_ids).get_indexer(run.categories)[run.codes.to_numpy()]
    place = pd.Index(names).get_indexer(coordinate.categories)[coordinate.codes.to_numpy()]
    row = np.flatnonzero((which >= 0) & (place >= 0))
    if not len(names) or len(row) != len(run_ids) * count * len(names):
        return None
    order = row[np.lexsort((place[row], paths["step"].to_numpy()[row], which[row]))]
    values = paths["value"].to_numpy(dtype=float)[order]
    return values.reshape(len(run_ids), count, len(names))
