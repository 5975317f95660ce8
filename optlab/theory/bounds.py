"""Worst cases of convex problems, and the functions that attain them."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from optlab.theory.checks import Check, Law, bounded
from optlab.theory.evidence import Evidence

__all__ = ["LAWS"]

HOUSE = ("sgd", "momentum", "momentum_pytorch", "ema", "nesterov", "adam", "adam_eps_hat", "rmsprop",
         "rmsprop_pytorch")  # fmt: skip
"""Rules whose steps are of past gradients, coordinate by coordinate, and from nothing else."""


def _exact_convex(e: Evidence) -> tuple[float, float] | None:
    """Smallest and largest curvature of a convex problem without noise or minibatches."""
    random = e.noise or e.problem.get("epoch_steps")
    if not e.problem.get("convex") or not e.problem.get("curvature") or random or e.lowest is None:
        return None
    m, L = e.problem["curvature"]
    return float(m), float(L)


def _gradient_descent(e: Evidence) -> Iterator[Check]:
    ends = _exact_convex(e)
    if ends is None or e.rule != "sgd" or e.distance is None:
        return
    L = ends[1]
    if not math.isclose(e.hypers["lr"], 1 / L, rel_tol=1e-12):
        return
    bound = L * e.distance[:, None] ** 2 / (4.0 * e.steps[None] + 2)
    yield bounded("gap over L R^2/(4t + 2), at its largest over all recorded steps",
                  float((e.gap / bound).max()), n=e.n, slack=e.slack)  # fmt: skip
    told = e.problem.get("parameters", {})
    if e.problem.get("family") == "huber" and e.problem["dim"] == 1:
        N = (e.distance[0] / told["corner"] - 1) / 2
        place = np.flatnonzero(e.steps == round(N))
        if abs(N - round(N)) < 1e-6 and len(place):
            known, seen = float(bound[0, place[0]]), float(e.gap[0, place[0]])
            yield Check(f"gap after {round(N):,} updates, where Huber's function attains the bound",
                        known, seen, abs(seen / known - 1), 1e-12 if e.is_double else 1e-4, e.n)  # fmt: skip


def _never_rises(e: Evidence) -> Iterator[Check]:
    ends = _exact_convex(e)
    if ends is None or e.rule != "sgd" or not e.hypers["lr"] * ends[1] <= 2:
        return
    rise = e.runs["largest_rise"].astype(float).max()
    slack = 1e-9 if e.is_double else 1e-4
    if np.isfinite(rise):  # not known where a run began at the minimum
        yield Check("largest rise of the loss above the best so far, over the starting gap", 0.0,
                    float(rise), float(rise), slack, e.n, "absolute")  # fmt: skip


def _nesterov(e: Evidence) -> Iterator[Check]:
    ends = _exact_convex(e)
    if ends is None or e.rule != "nesterov" or e.distance is None or not ends[0] > 0:
        return
    m, L = ends
    k = math.sqrt(L / m)
    tuned = math.isclose(e.hypers["lr"], 1 / L, rel_tol=1e-12) and math.isclose(
        e.hypers["beta"], (k - 1) / (k + 1), rel_tol=1e-12, abs_tol=1e-15
    )
    if not tuned:
        return
    t = e.steps[None].astype(float)
    bound = (1 - 1 / k) ** t * (e.gap[:, :1] + m / 2 * e.distance[:, None] ** 2)
    told = e.told(bound)
    share = np.where(told, e.gap / bound, 0.0).max()
    yield bounded("gap over (1 - 1/sqrt k)^t (f_0 - f* + m R^2/2), at its largest over all recorded "
                  "steps", float(share), n=e.n, slack=e.slack)  # fmt: skip


def _zero_chain(e: Evidence) -> Iterator[Check]:
    chain = e.problem.get("family") == "nesterov_chain" and e.bowl is not None
    if not chain or e.rule not in HOUSE:
        return
    n, L = e.problem["dim"], e.problem["parameters"]["largest"]
    if e.path is not None:
        ahead = np.arange(n)[None] >= e.steps[:, None]  # coordinate i + 1 > t
        if ahead[1:].any():
            beyond = np.abs(e.path[:, ahead]).max()
            yield Check("largest |x_i| after t updates over all i > t", 0.0, float(beyond),
                        float(beyond), 0.0, e.n, "absolute")  # fmt: skip
    place = np.flatnonzero(2 * e.steps + 1 == n)
    if len(place):
        t = int(e.steps[place[0]])
        far = ((1 - np.arange(1, n + 1) / (n + 1)) ** 2).sum()
        bound = 3 * L * far / (32 * (t + 1) ** 2)
        yield bounded(f"gap after {t:,} updates over 3 L R^2/(32 (t + 1)^2) = {bound:.5g}, in "
                      f"{n:,} = 2t + 1 dimensions", float((e.gap[:, place[0]] / bound).min()), n=e.n,
                      slack=e.slack, at_least=True)  # fmt: skip


LAWS = [
    Law("Gradient descent never rises below 2/L",
        "f_(t+1) <= f_t - lr (1 - lr L/2) |g|^2, even where coordinates swing from side to side; "
        "Nesterov 2018, eq. 2.1.9 and after", _never_rises),
    Law("Gradient descent on convex functions",
        "Drori & Teboulle 2014, Theorem 3.1: at 1/L, f_t - f* <= L R^2/(4t + 2), attained by a "
        "Huber function", _gradient_descent),
    Law("Nesterov's method on strongly convex functions",
        "Nesterov 2018, section 2.2.1: at 1/L and beta = (sqrt k - 1)/(sqrt k + 1)", _nesterov),
    Law("No first-order method is faster",
        "Nesterov 2018, Theorem 2.1.7: the chain passes the slope on by one coordinate a step",
        _zero_chain),
]  # fmt: skip
