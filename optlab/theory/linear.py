"""Rules that are linear in the gradient, on problems of constant curvature: every step is known.

Along each axis of a bowl of curvature c such a rule maps (z, v) to M (z, v), z the offset and v the
velocity, with a matrix M of its hyperparameters; so z_t is an entry of M^t.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis import stability_edges
from optlab.analysis.words import pairs_text
from optlab.results import Results
from optlab.theory.checks import Check, Law, bounded
from optlab.theory.evidence import Evidence, rule_of

__all__ = ["LAWS", "edges", "kick", "offsets", "radius", "transition"]


def transition(rule: str, hypers: Mapping[str, Any], c: np.ndarray) -> np.ndarray | None:
    """M for each curvature of `c` (dim,): (dim, 2, 2). None for a rule that is not linear. Hyperparameters that
    are arrays (dim,) too stand beside the curvatures one by one."""
    a, b = hypers.get("lr", np.nan), hypers.get("beta", 0.0)
    one = np.ones_like(c)
    entries: dict[str, Callable[[], list[list[np.ndarray]]]] = {
        "sgd": lambda: [[1 - a * c, 0 * one], [0 * one, 0 * one]],
        "momentum": lambda: [[1 - a * c, -b * one], [a * c, b * one]],
        "momentum_pytorch": lambda: [[1 - a * c, -a * b * one], [c, b * one]],
        "ema": lambda: [[1 - a * (1 - b) * c, -a * b * one], [(1 - b) * c, b * one]],
        "nesterov": lambda: [[1 - a * (1 + b) * c, -a * b * b * one], [c, b * one]],
    }
    if rule not in entries:
        return None
    return np.moveaxis(np.array(entries[rule]()), -1, 0)


def kick(rule: str, hypers: dict[str, float]) -> np.ndarray:
    """What a gradient of 1 beyond the bowl's own adds to (z, v) in one step, (2,)."""
    a, b = hypers["lr"], hypers.get("beta", 0.0)
    return np.array(
        {
            "sgd": [-a, 0.0],
            "momentum": [-a, a],
            "momentum_pytorch": [-a, 1.0],
            "ema": [-a * (1 - b), 1 - b],
            "nesterov": [-a * (1 + b), 1.0],
        }[rule]
    )


def radius(rule: str, hypers: Mapping[str, float], c: float) -> float:
    """The factor per step that is left in the long run along an axis of curvature c."""
    return float(_radii(rule, hypers, np.array([c]))[0])


def _radii(rule: str, hypers: Mapping[str, Any], c: np.ndarray) -> np.ndarray:
    """`radius` of many, (n,); NaN for a rule that is not linear."""
    matrix = transition(rule, hypers, c)
    if matrix is None:
        return np.full(len(c), np.nan)
    return np.abs(np.linalg.eigvals(matrix)).max(axis=1)


def offsets(matrix: np.ndarray, start: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """z at each of `steps` (points,) from `start` (runs, dim): (runs, points, dim)."""
    first = np.empty((len(steps), len(matrix)))
    power, last = np.tile(np.eye(2), (len(matrix), 1, 1)), 0
    jumps = {int(j): np.linalg.matrix_power(matrix, int(j)) for j in np.unique(np.diff(steps))}
    for i, t in enumerate(steps):
        if t > last:
            power = jumps[int(t - last)] @ power
        first[i], last = power[:, 0, 0], int(t)
    return start[:, None, :] * first[None]


def _losses(e: Evidence) -> np.ndarray | None:
    """The predicted gap, (runs, points), where the law of linear rules applies."""
    if e.bowl is None or e.offset is None or e.noise:
        return None
    matrix = transition(e.rule, e.hypers, e.bowl.curvature)
    if matrix is None:
        return None
    return 0.5 * (e.bowl.curvature * offsets(matrix, e.offset, e.steps) ** 2).sum(axis=2)


def same_curve(e: Evidence, predicted: np.ndarray, how: str = "") -> Iterator[Check]:
    """That the gap follows `predicted` (runs, points) at every point where rounding lets it."""
    told = e.told(predicted)
    if not told[:, 1:].any():
        return
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.where(told, np.abs(e.gap - predicted) / predicted, 0.0)
    last = int(np.flatnonzero(told[0])[-1]) if told[0, 1:].any() else 0
    yield Check(
        f"gap after {e.steps[last]:,} updates{how}, and at all {int(told[0].sum()):,} points recorded "
        "above rounding",
        float(predicted[0, last]), float(e.gap[0, last]), float(off.max()), e.tolerance, e.n,
    )  # fmt: skip


def _recurrence(e: Evidence) -> Iterator[Check]:
    predicted = _losses(e)
    if predicted is None or (predicted[:, 0] <= 0).any():  # a start at the minimum goes nowhere
        return
    yield from same_curve(e, predicted)
    yield from _arrival(e)
    peaks = predicted.max(axis=1) / predicted[:, 0]
    if (peaks > 1 + 1e-6).any():
        seen = e.gap.max(axis=1) / e.gap[:, 0]
        yield Check("highest gap over the starting gap: how far it rises before it falls",
                    float(peaks[0]), float(seen[0]), float(np.abs(seen / peaks - 1).max()),
                    e.tolerance, e.n)  # fmt: skip
        known, found = (
            np.abs(np.diff(f, axis=1)).sum(axis=1) / (f[:, 0] - f[:, -1])
            for f in (predicted, e.gap)
        )
        yield Check("total variation of the loss over its net fall (1 for one that only falls)",
                    float(known[0]), float(found[0]), float(np.abs(found / known - 1).max()),
                    e.tolerance, e.n)  # fmt: skip


def _arrival(e: Evidence) -> Iterator[Check]:
    """The first recorded step at which a millionth of the distance is left."""
    assert e.bowl is not None
    assert e.offset is not None
    if e.path is None or not e.is_double:
        return
    matrix = transition(e.rule, e.hypers, e.bowl.curvature)
    assert matrix is not None
    known = np.linalg.norm(offsets(matrix, e.offset, e.steps), axis=2)
    seen = np.linalg.norm(e.path - e.bowl.center, axis=2)
    hits = [d <= 1e-6 * d[:, :1] for d in (known, seen)]
    if not hits[0].any(axis=1).all():
        return
    known, seen = (np.where(h.any(axis=1), e.steps[h.argmax(axis=1)], np.inf) for h in hits)
    yield Check("updates until a millionth of the distance is left", float(known[0]),
                float(seen[0]), float(np.abs(seen - known).max()), 0.0, e.n, "absolute")  # fmt: skip


def _best_rate(e: Evidence) -> Iterator[Check]:
    """Gradient descent at 2/(L + m), where both ends of the spectrum shrink alike."""
    if e.rule != "sgd" or e.bowl is None or e.noise:
        return
    m, L = e.bowl.extremes
    middle = e.bowl.curvature[(e.bowl.curvature > m) & (e.bowl.curvature < L)]
    if len(middle) or m == L or not math.isclose(e.hypers["lr"], 2 / (L + m), rel_tol=1e-12):
        return
    r = (L - m) / (L + m)
    yield from same_curve(e, e.gap[:, :1] * r ** (2.0 * e.steps[None]), ", r^(2 t) of the first")
    every = e.problem["cadence"]
    for target in e.problem["targets"]:
        if target["kind"] == "gap_over_start":
            first = math.ceil(math.log(target["value"]) / (2 * math.log(r)))
            first = math.ceil(first / every) * every
            if first <= e.problem["steps"]:
                seen = e.runs[f"reached.{target['label']}"].to_numpy(float)
                yield Check(f"updates until {target['label']}, ceil(ln / 2 ln r)", float(first),
                            float(seen[0]), float(np.abs(seen - first).max()), 0.0, e.n,
                            "absolute")  # fmt: skip


def _optimal_heavy_ball(e: Evidence) -> Iterator[Check]:
    if e.rule not in ("momentum", "momentum_pytorch") or e.bowl is None or e.offset is None:
        return
    m, L = e.bowl.extremes
    r = (math.sqrt(L) - math.sqrt(m)) / (math.sqrt(L) + math.sqrt(m))
    tuned = math.isclose(e.hypers["lr"], 4 / (math.sqrt(L) + math.sqrt(m)) ** 2, rel_tol=1e-12)
    if not (tuned and math.isclose(e.hypers["beta"], r * r, rel_tol=1e-12)) or e.noise:
        return
    if len(e.bowl.curvature) != 2 or m == L:
        return
    t = e.steps.astype(float)
    slow, fast = r**t * (1 + t * (1 - r)), r**t * (1 + t * (1 + r))  # the sign of (-r)^t is squared
    predicted = 0.5 * (
        m * (e.offset[:, :1] * slow[None]) ** 2 + L * (e.offset[:, 1:] * fast[None]) ** 2
    )
    yield from same_curve(e, predicted, ", by the double root")


def _contraction(e: Evidence) -> Iterator[Check]:
    """Gradient descent where the start or the axes are not known: between two rates."""
    curvature = e.problem.get("curvature")
    exact = e.offset is not None
    if e.rule != "sgd" or not e.problem.get("quadratic") or not curvature or e.noise or exact:
        return
    if e.bowl is None and e.problem.get("epoch_steps"):
        return  # minibatches: each step has a curvature of its own
    a = e.hypers["lr"]
    fastest = max(abs(1 - a * c) for c in curvature)
    bound = e.gap[:, :1] * fastest ** (2.0 * e.steps[None])
    told = e.told(bound)
    told[:, 0] = False  # where it begins it is the bound
    if fastest < 1 and told.any():
        share = np.where(told, e.gap / np.where(told, bound, 1.0), 0.0).max()
        yield bounded("gap over max(|1 - lr m|, |1 - lr L|)^(2 t) of the starting gap, at its "
                      "largest", float(share), n=e.n, slack=e.slack)  # fmt: skip


def edges(results: Results) -> Iterator[Check]:
    """Where divergence begins, among all rates that ran: the limit must lie between the largest that
    did not diverge and the smallest that did."""
    runs, manifest = results.runs, results.manifest
    seen = np.ones(len(runs), dtype=bool)
    for problem in manifest["problems"]:
        for optimizer in manifest["optimizers"]:
            seen[_hidden(runs, problem, optimizer)] = False
    for row in stability_edges(runs[seen], manifest).to_dict("records"):
        low, high = row["largest_stable"], row["smallest_diverged"]
        problem = next(p for p in manifest["problems"] if p["name"] == row["problem"])
        if (problem.get("parameters") or {}).get("noise") or not low < np.inf or not high < np.inf:
            continue
        middle = (low + high) / 2
        yield Check(
            f"largest stable step size, between {low:.6g} (no run diverged) and {high:.6g}",
            row["limit"], middle, abs(middle - row["limit"]), (high - low) / 2 * (1 + 1e-9),
            row["below"] + row["above"], "absolute", "in", optimizer=row["optimizer"],
            problem=row["problem"],
            setting=pairs_text(row["setting"]),
        )  # fmt: skip


def _hidden(runs: pd.DataFrame, problem: dict[str, Any], optimizer: dict[str, Any]) -> np.ndarray:
    """The places of runs so little above the limit that they need not show it: within their budget the
    loss grows by less than a million times the 1e8 at which a run has diverged, and a start may have
    that little along the axis that grows."""
    here = (runs["problem"] == problem["name"]) & (runs["optimizer"] == optimizer["name"])
    places = np.flatnonzero(here)
    known = problem.get("quadratic") and problem.get("curvature") and "lr" in optimizer["hypers"]
    if not known or not len(places):
        return places[:0]
    names = [name for name in ("lr", "beta") if name in optimizer["hypers"]]
    settings = runs.loc[here, [f"hyper.{name}" for name in names]].astype(float)
    which = settings.groupby(list(settings), dropna=False, sort=False).ngroup().to_numpy()
    each = dict(zip(names, settings.drop_duplicates().to_numpy().T, strict=True))
    largest = np.full(which.max() + 1, problem["curvature"][1])
    growth = _radii(rule_of(optimizer), each, largest)
    with np.errstate(divide="ignore", invalid="ignore"):
        little = (growth > 1) & (2 * problem["steps"] * np.log10(growth) < 14)
    return places[little[which]]


LAWS = [
    Law("Gradient descent at 2/(L + m)",
        "Polyak 1987, section 1.4: with r = (L - m)/(L + m), x_t - x* shrinks by r in each step",
        _best_rate),
    Law("Heavy ball at its optimal tuning",
        "Polyak 1964: with r = (sqrt L - sqrt m)/(sqrt L + sqrt m), z_m = r^t (1 + t (1 - r)) and "
        "z_L = (-r)^t (1 + t (1 + r)) times their start", _optimal_heavy_ball),
    Law("Linear rules on a quadratic",
        "(z, v) is multiplied by a 2 x 2 matrix in each step, along each axis; Goh 2017, "
        "doi:10.23915/distill.00006", _recurrence),
    Law("Gradient descent contracts", "f_t - f* <= max_c |1 - lr c|^(2 t) (f_0 - f*)", _contraction),
]  # fmt: skip
