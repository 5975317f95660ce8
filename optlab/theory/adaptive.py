"""Rules that divide by a root mean square, and Polyak's step: what they do where it is simple."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from optlab.theory.checks import Check, Law, bounded
from optlab.theory.evidence import Evidence

__all__ = ["LAWS", "longest_step", "under_constant"]


def _off(seen: np.ndarray, known: np.ndarray) -> float:
    """The largest deviation, relative to the largest of what is known."""
    return float(np.abs(seen - known).max() / np.abs(known).max())


def _first_step(e: Evidence) -> Iterator[Check]:
    if e.bowl is None or not e.bowl.axes_known or e.path is None or e.noise or e.steps[1] != 1:
        return
    a, eps = e.hypers.get("lr", np.nan), e.hypers.get("eps", 0.0)
    g = e.bowl.from_axes(e.bowl.along_axes(e.path[:, 0] - e.bowl.center) * e.bowl.curvature)
    g[np.abs(g) < 1e-12 * np.abs(g).max()] = 0.0  # what the sum over axes left of a zero
    size = np.abs(g)
    if not size.any():
        return
    if e.rule == "adam":
        known, what = -a * g / (size + eps), "lr |g|/(|g| + eps)"
    elif e.rule == "adam_eps_hat":
        known = -a * g / (size + eps / math.sqrt(1 - e.hypers["beta2"]))
        what = "lr |g|/(|g| + eps/sqrt(1 - beta2))"
    elif e.rule in ("rmsprop", "rmsprop_pytorch") and e.hypers["beta"] < 1:
        share = 1 - e.hypers["beta"]
        inside = e.rule == "rmsprop"
        root = np.sqrt(share * g**2 + eps) if inside else np.sqrt(share) * size + eps
        known, what = -a * g / root, "lr |g|/sqrt((1 - beta) g^2), with its eps"
    else:
        return
    if not np.isfinite(known).all():
        return  # without eps a coordinate without slope is 0/0
    seen = e.path[:, 1] - e.path[:, 0]
    yield Check(f"longest first step of a coordinate, {what}", float(np.abs(known).max()),
                float(np.abs(seen).max()), _off(seen, known), 1e-9 if e.is_double else 1e-3, e.n)  # fmt: skip


def under_constant(
    rule: str, h: dict[str, float], g: np.ndarray, t: np.ndarray
) -> np.ndarray | None:
    """x_0 - x_t under a gradient g (dim,) that never changes, for t (points,): (points, dim)."""
    a, b, eps = h.get("lr", np.nan), h.get("beta", 0.0), h.get("eps", 0.0)
    t, size = t[:, None].astype(float), np.abs(g)
    s = np.arange(1, int(t.max()) + 1)[:, None]  # each step

    def summed(each: np.ndarray) -> np.ndarray:
        total = np.concatenate([np.zeros((1, len(g))), np.cumsum(each, axis=0)])
        return total[t[:, 0].astype(int)]

    forms: dict[str, Callable[[], np.ndarray]] = {
        "sgd": lambda: a * t * g,
        "momentum": lambda: a * g / (1 - b) * (t - b * (1 - b**t) / (1 - b)),
        "ema": lambda: a * g * (t - b * (1 - b**t) / (1 - b)),
        "nesterov": lambda: a * g * (t * (1 + b / (1 - b)) - b * b * (1 - b**t) / (1 - b) ** 2),
        "adam": lambda: a * t * g / (size + eps),
        "adam_eps_hat": lambda: summed(a * g / (size + eps / np.sqrt(1 - h["beta2"] ** s))),
        "rmsprop": lambda: summed(a * g / np.sqrt((1 - b**s) * g**2 + eps)),
        "rmsprop_pytorch": lambda: summed(a * g / (np.sqrt(1 - b**s) * size + eps)),
    }
    forms["momentum_pytorch"] = forms["momentum"]
    return forms[rule]() if rule in forms else None


def _recorded(e: Evidence) -> np.ndarray | None:
    """The list of gradients that was given, (steps, dim)."""
    if e.problem.get("family") != "recorded_gradients":
        return None
    told = e.problem["parameters"]
    if not all(isinstance(told.get(name), list) for name in e.problem["names"]):
        return None  # a problem of one's own that took the name
    return np.array([told[name] for name in e.problem["names"]], dtype=float).T


def _constant(e: Evidence) -> Iterator[Check]:
    gradients = _recorded(e)
    if gradients is None or e.path is None or np.ptp(gradients, axis=0).any() or len(gradients) < 2:
        return
    fell = under_constant(e.rule, e.hypers, gradients[0], e.steps)
    if fell is None:
        return
    seen = e.path[:, :1] - e.path
    yield Check(f"way made in {e.steps[-1]:,} updates under one gradient, at all recorded steps",
                float(np.abs(fell[-1]).max()), float(np.abs(seen[:, -1]).max()),
                _off(seen, fell[None]), 1e-10 if e.is_double else 1e-3, e.n)  # fmt: skip


def longest_step(beta1: float, beta2: float, t: np.ndarray) -> np.ndarray:
    """The longest step that Adam may take at time t, over its rate (Cauchy and Schwarz)."""
    r = beta1**2 / beta2
    run = np.where(np.isclose(r, 1.0), t, (1 - r**t) / (1 - r if r != 1 else 1.0))
    return (1 - beta1) / (1 - beta1**t) * np.sqrt((1 - beta2**t) / (1 - beta2)) * np.sqrt(run)


def _longest(e: Evidence) -> Iterator[Check]:
    if e.rule != "adam" or e.path is None or not e.hypers["beta2"] > 0:
        return
    a, b1, b2 = (e.hypers[name] for name in ("lr", "beta1", "beta2"))
    next_ = np.flatnonzero(np.diff(e.steps) == 1)
    if not len(next_):
        return
    t = e.steps[next_ + 1].astype(float)
    moved = np.abs(e.path[:, next_ + 1] - e.path[:, next_]).max(axis=2) / a
    sup = longest_step(b1, b2, t)[None]
    # A step is the difference of two stored numbers, known to within their rounding.
    slack = 4 * np.finfo(e.precision).eps * np.abs(e.path).max() / a
    later = t > 1  # the first step is as long as there can be, and has a row of its own
    if later.any():
        yield bounded("longest step of a coordinate, from the second on, over the longest there can "
                      "be at its time", float((moved / sup)[:, later].max()), n=e.n,
                      slack=float(e.slack + slack))  # fmt: skip
    given = _recorded(e)
    if given is None or len(given) < 2 or not b1 > 0:
        return
    ratio = given[1:] / np.where(given[:-1] == 0, np.nan, given[:-1])
    if np.allclose(ratio, b1 / b2, rtol=1e-6) and t[-1] == len(given):
        known, seen = float(sup[0, -1]), float(moved[0, -1])
        yield Check(f"step {len(given):,} over lr, under gradients that fall by beta2/beta1 a step "
                    "backwards", known, seen, abs(seen / known - 1), 1e-6, e.n)  # fmt: skip


def _two_cycle(e: Evidence) -> Iterator[Check]:
    fits = e.bowl is not None and e.bowl.axis_aligned and not e.noise
    if not fits or e.rule not in ("rmsprop", "rmsprop_pytorch") or e.offset is None:
        return
    assert e.bowl is not None
    a, b, eps = (e.hypers[name] for name in ("lr", "beta", "eps"))
    c = e.bowl.curvature
    # In the cycle a coordinate jumps from z to -z: 2 |z| = a c |z| / root.
    z = a / 2 - eps / c if e.rule == "rmsprop_pytorch" else np.sqrt(
        np.maximum(a**2 / 4 - eps / c**2, 0.0)
    )  # fmt: skip
    settled = 3 * np.abs(e.offset).max() / a + 60 / (1 - b)
    if (z < a / 4).any() or e.steps[-1] < settled or b == 0:
        return
    known, seen = float((0.5 * c * z**2).sum()), e.gap[:, -1]
    exact = " (lr^2 sum(c)/8)" if eps == 0 else ""
    yield Check(f"gap at the end: every coordinate jumps between +lr/2 and -lr/2{exact}", known,
                float(seen[0]), float(np.abs(seen / known - 1).max()), 1e-4, e.n)  # fmt: skip


def _sign_descent(e: Evidence) -> Iterator[Check]:
    bare = ("beta1", "beta2") if e.rule == "adam" else ("beta",) if e.rule == "rmsprop" else ()
    fits = e.bowl is not None and e.bowl.axis_aligned and not e.noise and e.path is not None
    if not bare or not fits or e.offset is None or any(e.hypers[n] for n in (*bare, "eps")):
        return
    assert e.bowl is not None
    assert e.path is not None
    a, size = e.hypers["lr"], np.abs(e.offset)
    whole = np.floor(size / a * (1 + 1e-12))
    left = size - a * whole
    if (left < 1e-6 * a).any():
        return  # it meets the minimum, where rounding decides
    t = e.steps[None, :, None]
    down = size[:, None] - a * t
    turns = (t - whole[:, None]).astype(int) % 2 == 1
    known = np.where(t <= whole[:, None], down, left[:, None] - a * turns)
    seen = (e.path - e.bowl.center) * np.sign(e.offset)[:, None]
    yield Check("offset after the last update: lr a step towards the minimum, then to and fro",
                float(known[0, -1, 0]), float(seen[0, -1, 0]), _off(seen, known),
                1e-10 if e.is_double else 1e-4, e.n)  # fmt: skip


def _polyak(e: Evidence) -> Iterator[Check]:
    if e.rule != "optax.polyak_sgd" or e.bowl is None or e.noise:
        return
    m, L = e.bowl.extremes
    told = [e.hypers.get(n, 0.0) for n in ("f_min", "eps")]
    plain = told == [e.lowest, 0.0] and e.hypers.get("scaling", 1.0) == 1.0
    if not plain or e.hypers["max_learning_rate"] < 1 / (2 * m):
        return
    if m == L:
        predicted = e.gap[:, :1] * 0.25 ** e.steps[None].astype(float)
        told_ = e.told(predicted) & (2 * L * predicted > 1e-15)  # below, optax stands still
        last = int(np.flatnonzero(told_[0])[-1])
        off = np.where(told_, np.abs(e.gap / predicted - 1), 0.0).max()
        yield Check(f"gap after {e.steps[last]:,} updates, a quarter of the last in each",
                    float(predicted[0, last]), float(e.gap[0, last]), float(off), e.tolerance, e.n)  # fmt: skip
    elif e.path is not None:
        far = np.linalg.norm(e.path - e.bowl.center, axis=2)
        known = far[:, :-1] > 1e-7 * far[:, :1]
        growth = np.where(known, far[:, 1:] / far[:, :-1], 0.0).max()
        yield bounded("distance from the minimum over that of the recorded step before, at its "
                      "largest", float(growth), n=e.n, slack=max(e.slack, 1e-6))  # fmt: skip


LAWS = [
    Law("The first adaptive step has its length from the rate",
        "Kingma & Ba 2015, section 2.1, arXiv:1412.6980", _first_step),
    Law("Under a gradient that never changes", "sums of geometric series", _constant),
    Law("Adam's step is not bounded by its rate",
        "by Cauchy and Schwarz, at most (1 - b1)/(1 - b1^t) sqrt((1 - b2^t)/(1 - b2)) "
        "sqrt((1 - r^t)/(1 - r)) times lr, r = b1^2/b2", _longest),
    Law("RMSProp ends in a cycle of two points",
        "a coordinate that jumps from z to -z has |z| = lr/2, but for eps", _two_cycle),
    Law("Without memory it is sign descent", "g/sqrt(g^2) = sign g", _sign_descent),
    Law("Polyak's step", "Polyak 1969, doi:10.1016/0041-5553(69)90035-5: (f - f*)/|g|^2 halves x on "
        "c |x|^2 and never leads away from the minimum of a convex function", _polyak),
]  # fmt: skip
