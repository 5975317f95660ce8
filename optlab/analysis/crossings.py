"""Curves that cross: where who leads depends on when one looks."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from optlab.analysis.censored import quantile
from optlab.analysis.settings import at_best
from optlab.analysis.tracks import floors, once, points, track
from optlab.results import Results

__all__ = ["crossings"]

_FROM = 0.25  # of the budget; before, curves of anything cross
_NEAR = 100.0
"""So many times the floor of rounding is near it: errors of many steps have added up there."""


def crossings(results: Results, best: pd.DataFrame) -> pd.DataFrame:
    """Pairs of optimizers whose median curves, each at its chosen setting, change order between a
    quarter of the budget and its end: one row a pair.

    Columns: problem, a, b, step (the first recorded step at which the order of the end stands, for
    good), times (how often they changed places), before and after (who was ahead before `step`, and
    who is from there on), near_rounding (whether both are then so near the minimum, or to 0 where none is
    known, that rounding decides). Medians are of the loss at each recorded step, +inf where half had
    diverged. Losses that differ by less than rounding are alike, and being alike is no change.
    """
    chosen = once(at_best(results.runs, best))
    chosen = chosen[chosen["status"] != "error"]
    found = points(results.curves, "loss", chosen["run_id"])
    precision = results.manifest.get("precision", "float64")
    rows = []
    for problem in results.manifest["problems"]:
        here = chosen[chosen["problem"] == problem["name"]]
        if here.empty:
            continue
        steps, values = track(found, here["run_id"])
        late = steps >= _FROM * problem["steps"]
        # Nothing is recorded any more of a run that has diverged.
        values = np.where(np.isnan(values), np.inf, values)[:, late]
        names = here["optimizer"].to_numpy()
        order = [name for name in problem["optimizers"] if (names == name).any()]
        middle = {name: quantile(values[names == name].T, 0.5) for name in order}
        first = here["loss_first"].to_numpy(float)
        minimum = problem.get("minimum")
        floor = float(np.median(floors(first, minimum, precision)))
        lowest = float(minimum["value"]) if minimum else 0.0
        for a, b in combinations(order, 2):
            change = _last_change(middle[a], middle[b], floor)
            if change is not None:
                place, times, ahead = change
                pair = (b, a) if ahead < 0 else (a, b)
                far = max(abs(middle[name][place] - lowest) for name in (a, b))
                low = bool(far < _NEAR * floor)
                rows.append((problem["name"], a, b, int(steps[late][place]), times, *pair, low))
    return pd.DataFrame(rows, columns=_COLUMNS)


_COLUMNS = ["problem", "a", "b", "step", "times", "before", "after", "near_rounding"]


def _last_change(a: np.ndarray, b: np.ndarray, floor: float) -> tuple[int, int, int] | None:
    """(place, times, sign after) of the last change of order, None if there is none; the sign is -1
    where a is lower."""
    with np.errstate(invalid="ignore"):
        apart = a - b
    sign = np.where(np.abs(apart) > floor, np.sign(apart), 0)  # inf - inf is NaN: alike
    told = np.flatnonzero(sign)
    changes = np.flatnonzero(np.diff(sign[told])) + 1
    if not len(changes):
        return None
    place = told[changes[-1]]
    return int(place), len(changes), int(sign[place])
