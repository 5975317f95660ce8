"""How a rule answers to curvature at one step: its largest stable rate on the local quadratic.

Near a point the gradient is H (x - x*), and a rule whose divisor is held as it is now is a linear map
of x and of its velocities, coordinate by coordinate:

    w' = A w + c g,        w = (x, velocities), g = H x.

All curvature enters through one number for each eigenvector: an eigenvalue mu of P^1/2 H P^1/2, where P
is how strongly each coordinate answers to its gradient. The map is stable while every eigenvalue of
A + mu c e' (the companion of that mode) lies in the unit circle, and the largest such mu is `limit`.
For gradient descent, P = lr and the limit is 2; for Adam P = lr (1 - beta1) / (sqrt(v_hat) + eps), and
once its bias correction has faded the limit is that of Cohen et al. 2022 (arXiv:2207.14484),
2 (1 + beta1) / (1 - beta1) / lr for the curvature over the divisor.

A and c are found from any rule's own step, without knowing it: velocities are the states that change
their sign with the gradient, divisors those that do not.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

from optlab.explain.replay import Replay, cast

__all__ = ["Answer", "Mode", "Response"]

_CLOSE = 1e-6  # what numbers of one linear map may be apart, relatively
_MOST_STATES = 5


@dataclass(frozen=True, eq=False)
class Mode:
    """The map of one mode: `a` (k, k) without curvature, `c` (k,) the answer to a gradient; x is the
    first of the k numbers."""

    a: np.ndarray
    c: np.ndarray

    def radius(self, mu: float) -> float:
        """The largest factor by which a step multiplies this mode, at curvature `mu`."""
        return float(np.abs(np.linalg.eigvals(self._with(mu))).max())

    def _with(self, mu: float) -> np.ndarray:
        full = self.a.copy()
        full[:, 0] += mu * self.c
        return full

    def period(self, mu: float) -> float | None:
        """Steps in which a mode swings once around, at curvature `mu`; None where it does not swing."""
        values = np.linalg.eigvals(self._with(mu))
        largest = values[np.argmax(np.abs(values))]
        angle = abs(float(np.angle(largest)))
        return 2 * np.pi / angle if 1e-6 < angle < np.pi - 1e-6 else None

    def limit(self) -> float | None:
        """The largest curvature up to which all are stable; None where there is none (a map that
        does not answer, or is not stable without a gradient), and where the place decays by itself:
        then the rate is in the map too, and a limit of the curvature says nothing of the rate."""
        high = 1.0
        if self.radius(0.0) < 1 - 1e-9:
            return None
        if self.radius(1e-9) > 1 + 1e-9:
            return None
        while self.radius(high) <= 1 + 1e-12:
            high *= 2
            if high > 1e12:
                return None
        # Stability is not lost and won again before: search the first loss on a fine grid, then halve.
        grid = np.geomspace(1e-6, 1, 200) * high
        maps = self.a + grid[:, None, None] * np.outer(self.c, np.eye(len(self.c))[0])
        stable = np.abs(np.linalg.eigvals(maps)).max(axis=1) <= 1 + 1e-12
        first = int(np.argmin(stable))
        low, high = float(grid[first - 1]) if first else 0.0, float(grid[first])
        for _ in range(50):
            middle = (low + high) / 2
            if self.radius(middle) > 1 + 1e-12:
                high = middle
            else:
                low = middle
        return low

    def variance(self, mu: float) -> float:
        """The variance of x that independent noise of variance 1 in each gradient leads to, at
        curvature `mu`; +inf where the map is not stable."""
        full = self._with(mu)
        if np.abs(np.linalg.eigvals(full)).max() >= 1:
            return np.inf
        return float(scipy.linalg.solve_discrete_lyapunov(full, np.outer(self.c, self.c))[0, 0])


@dataclass(frozen=True, eq=False)
class Response:
    """A rule's answer at one step: `scale` (dim,) is P, `mode` the map that all coordinates share."""

    scale: np.ndarray
    mode: Mode
    divides: bool
    """Whether the rule has states of other kinds, as divisors, which are held as they are."""


class Answer:
    """The answer of a run's rule at any of its steps; compiled once."""

    def __init__(self, replay: Replay) -> None:
        import jax

        self.replay = replay
        self._shape = jax.tree.structure(replay.start()[0])
        self._sizes = [np.shape(leaf) for leaf in jax.tree.leaves(replay.start()[0])]
        self._compiled: Any = None

    def __call__(self, t: int, gradient: np.ndarray, state: Any) -> Response | None:
        """The answer in step `t` + 1, made from `gradient` (dim,) and `state`.

        None where the rule is not of this kind: a step that does not go along gradient and velocities
        coordinate by coordinate (a sign, a norm), or whose coordinates answer in different ways; and
        where the gradient is zero, from which nothing can be told."""
        from jax import tree

        parts, form = tree.flatten(state, is_leaf=self._fits)
        whole = [i for i, part in enumerate(parts) if self._fits(part)]
        if not gradient.any() or not np.isfinite(gradient).all() or len(whole) > _MOST_STATES:
            return None
        states = [self._flat(parts[i]) for i in whole]
        apply = self._map(t, parts, form, whole)
        for signs in itertools.product((True, False), repeat=len(states)):
            odd = [i for i, sign in enumerate(signs) if sign]
            if _turns(apply, gradient, states, signs):
                found = _matrices(apply, gradient, states, odd)
                return None if found is None else _shared(*found, len(odd) < len(states))
        return None

    def _fits(self, node: Any) -> bool:
        """Whether a part of the state has one number for each parameter."""
        from jax import tree

        same = tree.structure(node) == self._shape
        return same and [np.shape(leaf) for leaf in tree.leaves(node)] == self._sizes

    @staticmethod
    def _flat(part: Any) -> np.ndarray:
        from jax import tree

        return np.concatenate([np.asarray(a, float).ravel() for a in tree.leaves(part)])

    def _map(self, t: int, parts: list[Any], form: Any, whole: list[int]) -> _Map:
        """The step as a function of (x, gradient, states) and of a direction: values and slopes."""
        import jax
        from jax import tree
        from jax.flatten_util import ravel_pytree

        replay = self.replay
        if self._compiled is None:
            with jax.enable_x64(True):
                shaped = ravel_pytree(cast(replay.start()[0], "float64"))[1]
            rule, fixed = replay.optimizer, replay.fixed
            seen = {"value": np.float64(1.0)} if rule.wants_loss else {}

            def step(t: Any, rest: Any, hypers: Any, given: Any, along: Any) -> Any:
                def once(*flats: Any) -> Any:
                    x, g, *states = map(shaped, flats)
                    filled = list(rest)
                    for i, part in zip(whole, states, strict=True):
                        filled[i] = part
                    state = tree.unflatten(form, filled)
                    new, after = rule.step(x, g, t, state, {**hypers, **fixed}, **seen)
                    kept = tree.flatten(after, is_leaf=self._fits)[0]
                    return [ravel_pytree(p)[0] for p in (new, *(kept[i] for i in whole))]

                return jax.jvp(once, given, along)

            self._compiled = jax.jit(step)

        rest = [None if i in whole else cast(part, "float64") for i, part in enumerate(parts)]
        now = np.float64(t + 1)

        def apply(given: list[np.ndarray], along: int | None = None) -> tuple[Any, Any]:
            moved = tuple(np.full(len(v), float(i == along), v.dtype) for i, v in enumerate(given))
            with jax.enable_x64(True):
                values, slopes = self._compiled(now, rest, replay.hypers, tuple(given), moved)
            return np.stack(values, axis=1), np.stack(slopes, axis=1)

        return apply


_Map = Callable[..., tuple[Any, Any]]


def _turns(apply: _Map, g: np.ndarray, states: list[np.ndarray], odd: Sequence[bool]) -> bool:
    """Whether the gradient and the `odd` states with their signs turned give, from x = 0, the same
    step with its signs turned."""
    zero = np.zeros_like(g)
    after, _ = apply([zero, g, *states])
    turned = [-s if o else s for s, o in zip(states, odd, strict=True)]
    other, _ = apply([zero, -g, *turned])
    signs = np.where([True, *odd], -1.0, 1.0)
    return bool(np.isfinite(after).all() and np.allclose(after, other * signs, rtol=1e-9, atol=0))


def _matrices(
    apply: _Map, g: np.ndarray, states: list[np.ndarray], odd: list[int]
) -> tuple[np.ndarray, np.ndarray] | None:
    """A (dim, k, k) and c (dim, k): each column by what one argument does, with every even state as
    the step leaves it.

    The columns of the position and of the velocities are derivatives, since divisors do not move with
    them; the gradient's is what the gradient does alone, over the gradient: its derivative would see
    the divisor move. Together they must make the step that the rule makes."""
    zero, kept = np.zeros_like(g), [0, *(1 + i for i in odd)]
    whole = [zero, g, *states]
    slopes = [apply(whole, 0 if j == 0 else 1 + j)[1] for j in kept]
    rest = [j for j in range(1, 1 + len(states)) if j not in kept]
    if any(moved[:, rest].any() for moved in slopes):  # a divisor that moves with a velocity
        return None
    a = np.stack([moved[:, kept] for moved in slopes], axis=2)
    alone, slope = apply([zero, g, *(zero if i in odd else s for i, s in enumerate(states))], 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        c = np.where(g[:, None] != 0, alone[:, kept] / g[:, None], slope[:, kept])
    w = np.stack([zero, *(states[i] for i in odd)], axis=1)
    made = np.einsum("nij,nj->ni", a, w) + c * g[:, None]
    size = np.einsum("nij,nj->ni", np.abs(a), np.abs(w)) + np.abs(c * g[:, None])
    true = apply(whole)[0][:, kept]
    fits = np.abs(made - true) <= _CLOSE * size
    return (a, c) if fits.all() and np.isfinite(a).all() and np.isfinite(c).all() else None


def _shared(a: np.ndarray, c: np.ndarray, divides: bool) -> Response | None:
    """One map for all coordinates and each one's strength, where they differ in nothing else.

    From gradient to position a coordinate answers, at frequency z, by the first number of
    (z - A)^-1 c; velocities may be measured in units of their own, which this does not see."""
    identity = np.eye(a.shape[1])
    first = int(np.argmax(np.abs(c[:, 0])))
    strength = -c[first, 0]
    if not strength > 0:
        return None
    shares = []
    for z in (2.0, 1.5, -1.5):
        answers = np.linalg.solve(z * identity - a, c[:, :, None])[:, 0, 0]
        shares.append(answers / answers[first])
    share = shares[0]
    if not all(np.allclose(s, share, rtol=_CLOSE, atol=1e-12) for s in shares) or (share < 0).any():
        return None
    return Response(strength * share, Mode(a[first], c[first] / strength), divides)
