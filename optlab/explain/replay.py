"""One run of a report made again, with everything that a report does not keep: parameters, the rule's
states, and the gradients that it met.

The same start, the same minibatches and the same noise (`optlab.draws`), and the rule's own step, one
run at a time. The engine makes runs in batches, and a sum that is ordered otherwise differs in its last
bit; where a run magnifies such a bit the two part, and `agreement` says from which step on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from optlab.adapters import Optimizer
from optlab.draws import Draws
from optlab.engine import precise
from optlab.kernel import Clock, normal_like, powers
from optlab.plan import Run
from optlab.problems import Problem

__all__ = ["Agreement", "Record", "Replay", "agreement"]

AGREES = 1e-6
"""Relative difference of two losses that are taken for the same; beside it a loss may be off by the
rounding of the first loss."""

_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Record:
    """What was seen at some steps of a run: `steps` (points,), the full loss (points,), parameters
    and the gradient that the next step will be made from, both (points, dim), and the rule's state:
    a pytree with points on axis 0. `x` holds coordinates leaf after leaf."""

    steps: np.ndarray
    loss: np.ndarray
    x: np.ndarray
    gradient: np.ndarray
    state: Any
    params: Any

    def at(self, i: int) -> tuple[Any, Any]:
        """(parameters, state) at point i, as the rule sees them."""
        from jax import tree

        return tree.map(lambda a: a[i], (self.params, self.state))


class Replay:
    """One run, ready to be walked along. It is compiled once, for at most `points` records a walk."""

    def __init__(self, run: Run, draws: Draws, precision: str, points: int = 64) -> None:
        """TypeError for a run that was made elsewhere: there is nothing to step."""
        if run.task.imported is not None:
            raise TypeError(f"{run.task.name} was imported: its runs were made elsewhere")
        draws.prepare(run.task, [(run.role, run.seed, run.start_kind)])
        self.run, self.precision, self.points = run, precision, points
        self.problem: Problem = run.task.problem
        self.optimizer: Optimizer = run.contender.optimizer
        fixed = self.optimizer.fixed
        self.fixed = {n: v for n, v in run.hypers.items() if n in fixed}
        self.hypers = {n: np.asarray(v, precision) for n, v in run.hypers.items() if n not in fixed}
        self._data = cast(self.problem.data, precision)
        self._stream, self._key = draws.stream(run), draws.key(run)
        self._first = cast(draws.start(run), precision)
        self._walk: Callable[..., Any] | None = None
        self._state: Any = None

    def start(self) -> tuple[Any, Any]:
        """(parameters, state) before the first step."""
        import jax

        if self._state is None:
            with precise(self.precision):
                begin = jax.jit(lambda p, h: self.optimizer.start(p, {**h, **self.fixed}))
                self._state = jax.tree.map(np.asarray, begin(self._first, self.hypers))
        return self._first, self._state

    def walk(self, steps: Sequence[int], begin: tuple[int, Any, Any] | None = None) -> Record:
        """The run at `steps` (rising), from (step, parameters, state), or from its start."""
        import jax

        t, params, state = begin if begin is not None else (0, *self.start())
        parts = []
        with precise(self.precision):
            if self._walk is None:
                self._walk = jax.jit(self._build())
            for i in range(0, len(steps), self.points):
                chunk = list(steps[i : i + self.points])
                counts = np.diff(chunk, prepend=t).astype(np.int32)
                filled = np.pad(counts, (0, self.points - len(chunk)))
                seen = self._walk(
                    params, state, np.int32(t), filled, self.hypers, self._data, self._stream,
                    self._key,
                )  # fmt: skip
                kept = _first(seen, len(chunk))
                parts.append(kept)
                params, state = jax.tree.map(lambda a: a[-1], (kept["params"], kept["state"]))
                t = chunk[-1]
        whole = jax.tree.map(lambda *a: np.concatenate(a), *parts)
        return Record(
            np.asarray(steps), whole["loss"].astype(float), flat(whole["params"]),
            flat(whole["gradient"]), whole["state"], whole["params"],
        )  # fmt: skip

    def _build(self) -> Callable[..., Any]:
        """The function that is compiled: from a step on, `counts` steps to each point in turn."""
        import jax
        from jax import lax, tree
        from jax import numpy as jnp

        problem, optimizer, fixed = self.problem, self.optimizer, self.fixed
        slope = problem.gradient or jax.grad(problem.scalar_loss)

        def gradient(params: Any, t: Any, data: Any, stream: Any, key: Any) -> tuple[Any, Any]:
            batch = data if stream is None else tree.map(lambda a: a[stream[t]], data)
            g = slope(params, batch)
            if key is not None:
                alone = tree.map(lambda a: a[None], params)
                noise = normal_like(alone, key, t, problem.noise, mapped=True)
                g = tree.map(jnp.add, g, noise)
            return g, batch

        def walk(
            params: Any,
            state: Any,
            t: Any,
            counts: Any,
            hypers: Any,
            data: Any,
            stream: Any,
            key: Any,
        ) -> Any:
            logs = {n: jnp.log(hypers[n]) for n in optimizer.powers if n in hypers}
            real = tree.leaves(params)[0].dtype

            def advance(_: Any, carry: Any) -> Any:
                params, state, t = carry
                g, batch = gradient(params, t, data, stream, key)
                seen = {"value": problem.loss(params, batch)} if optimizer.wants_loss else {}
                now = (t + 1).astype(real)
                clock = Clock(now, [(hypers[n], p) for n, p in powers(now, logs).items()])
                new, after = optimizer.step(params, g, clock, state, {**hypers, **fixed}, **seen)
                return new, after, t + 1

            def point(carry: Any, count: Any) -> Any:
                carry = lax.fori_loop(0, count, advance, carry)
                params, state, t = carry
                seen = {
                    "params": params,
                    "state": state,
                    "loss": problem.loss(params, data),
                    "gradient": gradient(params, t, data, stream, key)[0],
                }
                return carry, seen

            return lax.scan(point, (params, state, t), counts)[1]

        return walk


@dataclass(frozen=True)
class Agreement:
    """How a replay compares with what was stored: whether all recorded losses agree, the largest
    relative difference among those that do, and the first step that does not (None: all do)."""

    agrees: bool
    largest: float
    parts_at: int | None


def agreement(steps: np.ndarray, stored: np.ndarray, replayed: np.ndarray) -> Agreement:
    """Compare losses (points,) at `steps`. Points at which neither is finite agree."""
    both = np.isfinite(stored) & np.isfinite(replayed)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(stored - replayed)
    start = np.abs(stored[0]) if np.isfinite(stored[0]) else 1.0
    same = apart <= AGREES * np.abs(stored) + _ROUNDING * start
    same = np.where(both, same, np.isfinite(stored) == np.isfinite(replayed))
    first = len(steps) if same.all() else int(np.argmin(same))
    scale = np.maximum(np.abs(stored), _ROUNDING * start / AGREES)
    near = np.where(both, apart / np.where(scale > 0, scale, 1.0), 0.0)[:first]
    parts_at = None if first == len(steps) else int(steps[first])
    return Agreement(parts_at is None, float(near.max(initial=0.0)), parts_at)


def _first(seen: Any, count: int) -> Any:
    from jax import tree

    return tree.map(lambda a: np.asarray(a)[:count], seen)


def cast(value: Any, precision: str) -> Any:
    """Arrays with their floating numbers in the precision of the run; integers as they are."""
    from jax import tree

    def convert(leaf: Any) -> np.ndarray:
        array = np.asarray(leaf)
        return array.astype(precision) if array.dtype.kind == "f" else array

    return tree.map(convert, value)


def flat(params: Any) -> np.ndarray:
    """A pytree with points on axis 0 as (points, dim), in double precision."""
    from jax import tree

    leaves = [np.asarray(a, float) for a in tree.leaves(params)]
    return np.concatenate([a.reshape(len(a), -1) for a in leaves], axis=1)
