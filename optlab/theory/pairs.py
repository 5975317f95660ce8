"""Laws that hold one run against another: invariances, and rules that are one another."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterator, Sequence

import numpy as np

from optlab.theory.checks import Check, Law
from optlab.theory.evidence import Evidence

__all__ = ["LAWS"]

ADAPTIVE = ("adam", "adam_eps_hat", "rmsprop", "rmsprop_pytorch")
LINEAR = ("sgd", "momentum", "momentum_pytorch", "ema", "nesterov")


def _groups(
    all_: Sequence[Evidence], key: Callable[[Evidence], Hashable | None]
) -> Iterator[tuple[Evidence, Evidence]]:
    """The first of each group of one key with each of the others."""
    groups: dict[Hashable, list[Evidence]] = {}
    for e in all_:
        name = key(e)
        if name is not None:
            groups.setdefault(name, []).append(e)
    for first, *rest in groups.values():
        for other in rest:
            alike = len(first.steps) == len(other.steps) and (first.steps == other.steps).all()
            if alike and list(first.runs["seed"]) == list(other.runs["seed"]):
                yield first, other


def _digits(value: float) -> float:
    return float(f"{value:.12e}")


def _kind(e: Evidence) -> Hashable | None:
    """What a rule is at a constant rate: its problem, its family, and its numbers there."""
    a, b = e.hypers.get("lr", np.nan), e.hypers.get("beta", 0.0)
    problem = e.problem["name"]
    if e.rule == "sgd" or (e.rule in (*LINEAR, "ema") and b == 0):
        return problem, "velocity", _digits(a), 0.0
    if e.rule in ("momentum", "momentum_pytorch"):
        return problem, "velocity", _digits(a), b
    if e.rule == "ema":
        return problem, "velocity", _digits(a * (1 - b)), b
    memory = {"adam": ("beta1", "beta2"), "rmsprop": ("beta",), "rmsprop_pytorch": ("beta",)}
    bare = memory.get(e.rule)
    if bare is not None and not any(e.hypers[n] for n in (*bare, "eps")):
        return problem, "sign", _digits(a)
    return None


def _same_rule(all_: Sequence[Evidence]) -> Iterator[Check]:
    convex = [e for e in all_ if e.problem.get("convex")]  # elsewhere rounding may lead astray
    for a, b in _groups(convex, _kind):
        if a.rule == b.rule:
            continue
        scale = np.abs(a.gap)
        told = a.told(scale)
        if not told[0].any():  # it began at the minimum: there is nothing to compare
            continue
        off = np.where(told, np.abs(b.gap - a.gap) / np.where(told, scale, 1.0), 0.0)
        last = int(np.flatnonzero(told[0])[-1])
        yield Check(
            f"gap of the second after {a.steps[last]:,} updates; that of the first is the prediction",
            float(a.gap[0, last]), float(b.gap[0, last]), float(off.max()), a.tolerance, a.n,
            optimizer=f"{a.optimizer['name']} and {b.optimizer['name']}", problem=a.problem["name"],
            setting=f"{a.setting}; {b.setting}",
        )  # fmt: skip


def _straight(e: Evidence) -> Hashable | None:
    """Adaptive rules without eps on axis-aligned bowls from one offset."""
    fits = e.bowl is not None and e.bowl.axis_aligned and e.path is not None and not e.noise
    if not fits or e.rule not in ADAPTIVE or e.hypers["eps"] != 0 or e.offset is None:
        return None
    assert e.bowl is not None
    return e.optimizer["name"], tuple(e.bowl.center), e.offset.tobytes(), len(e.steps)


def _scale_free(all_: Sequence[Evidence]) -> Iterator[Check]:
    for a, b in _groups(all_, _straight):
        assert a.path is not None
        assert b.path is not None
        assert a.bowl is not None
        assert b.bowl is not None
        ratio = b.bowl.curvature / a.bowl.curvature
        if (ratio == 1).all():
            continue
        # Multiplying by a power of two rounds nothing; anything else rounds the last digit.
        powers = (np.frexp(ratio)[0] == 0.5).all()
        off = np.abs(b.path - a.path).max() / np.abs(a.path[:, 0] - a.bowl.center).max()
        names = f"{a.problem['name']} and {b.problem['name']}"
        where = (
            "bit by bit, since the gradients differ by powers of two"
            if powers
            else (
                f"condition {a.bowl.extremes[1] / a.bowl.extremes[0]:g} and "
                f"{b.bowl.extremes[1] / b.bowl.extremes[0]:g}"
            )
        )
        yield Check(f"largest difference of the two paths over the starting distance, {where}", 0.0,
                    float(off), float(off), 0.0 if powers else 1e-9 if a.is_double else 1e-3, a.n,
                    "absolute", optimizer=a.optimizer["name"], problem=names,
                    setting=a.setting)  # fmt: skip


def _turned(all_: Sequence[Evidence]) -> Iterator[Check]:
    """Linear rules see no axes: from a start that is turned with the bowl, one curve of the loss."""
    fit = [e for e in all_ if e.rule in LINEAR and e.offset is not None and not e.noise]
    for a, b in itertools.combinations(fit, 2):
        assert a.bowl is not None
        assert b.bowl is not None
        assert a.offset is not None
        assert b.offset is not None
        same = a.optimizer["name"] == b.optimizer["name"] and len(a.steps) == len(b.steps)
        turned = a.bowl.axis_aligned != b.bowl.axis_aligned
        if not same or not turned or a.offset.shape != b.offset.shape:
            continue
        if not np.allclose(a.bowl.curvature, b.bowl.curvature, rtol=1e-12) or not np.allclose(
            a.offset, b.offset, rtol=1e-12, atol=1e-12
        ):
            continue
        told = a.told(a.gap)
        if not told[0].any():
            continue
        off = np.where(told, np.abs(b.gap - a.gap) / np.where(told, a.gap, 1.0), 0.0).max()
        last = int(np.flatnonzero(told[0])[-1])
        yield Check(
            f"gap on the second after {a.steps[last]:,} updates; that on the first is the prediction",
            float(a.gap[0, last]), float(b.gap[0, last]), float(off), a.tolerance, a.n,
            optimizer=a.optimizer["name"], problem=f"{a.problem['name']} and {b.problem['name']}",
            setting=a.setting,
        )  # fmt: skip


LAWS = [
    Law("Rules that are one another",
        "at a constant rate the rate may stand inside or outside the velocity, and a running mean "
        "is a velocity at lr (1 - beta)", _same_rule, True),
    Law("Adaptive rules do not see the scale of a gradient",
        "with eps = 0 a factor for each coordinate of the gradient cancels; Kingma & Ba 2015, "
        "section 2.1", _scale_free, True),
    Law("Linear rules do not see the axes", "a rotation of the plane commutes with every step",
        _turned, True),
]  # fmt: skip
