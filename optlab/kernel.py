"""What is compiled for a problem and a rule: steps between recorded points, for a block of runs.

A block is a fixed number of runs side by side (`Program.lanes`), and every block goes through the same
loop, so that the bits of a run depend neither on its neighbours nor on how many blocks there are. Nothing
here knows any optimizer or problem by name, and nothing knows how long a run is: it is called again and
again, each time with the steps of a few more points.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from optlab.plan import Program

__all__ = ["Carry", "Clock", "build", "normal_like", "powers"]


class Clock:
    """The step number t as rules see it, with powers made cheap.

    `beta**t` for an array `beta` is a power for every run and step, several times the cost of the rest
    of a rule; who steps a rule has it from the step before. `known` pairs a base with its power. A base
    is known by being the very same object; any other is raised as usual.
    """

    is_clock = True

    def __init__(self, value: Any, known: list[tuple[Any, Any]]) -> None:
        self.value = value
        self._known = known

    def __rpow__(self, base: Any) -> Any:
        for known, power in self._known:
            if known is base:
                return power
        return base**self.value


def _delegate(name: str) -> Callable[..., Any]:
    def operator(self: Clock, *other: Any) -> Any:
        return getattr(self.value, name)(*(o.value if isinstance(o, Clock) else o for o in other))

    return operator


for _name in (
    "add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "pow", "neg",
    "lt", "le", "gt", "ge", "eq", "ne", "mod", "rmod", "floordiv", "rfloordiv",
):  # fmt: skip
    setattr(Clock, f"__{_name}__", _delegate(f"__{_name}__"))


def powers(t: Any, logs: dict[str, Any]) -> dict[str, Any]:
    """beta**t of each hyperparameter, from its logarithm: exact to within |t log beta| + 2 units in the
    last place of the result."""
    from jax import numpy as jnp

    return {name: jnp.where(t == 0, 1, jnp.exp(t * log)) for name, log in logs.items()}


class Carry(NamedTuple):
    """What a run is between two calls: parameters, the rule's state, and the last step and the one before
    (like the parameters, where they are looked at)."""

    params: Any
    state: Any
    last: Any
    previous: Any


def build(program: Program) -> Callable[..., tuple[Carry | None, dict[str, Any]]]:
    """The function that JAX compiles:
    (carry, t, hypers, keys, data, test, rows, counts, points, blocks) -> (carry, recorded).

    Leaves of `carry`, `hypers` and `keys` have blocks on axis 0, of which the first `blocks` are worked
    on. Within a block runs lie first in every leaf of the parameters where the program is mapped, else
    last. `t` is the number of steps made before. `counts` are the steps to each of the first `points`
    recorded points, `rows` `(steps, batch)` the rows of their minibatches, `keys` `(blocks, runs, 2)`,
    where gradients are noisy. What is recorded is `(blocks, points, ..., runs)`.

    At t = 0 the carry's parameters are the starts, and the rest of it does not matter. A program that
    makes all steps in one call gives no carry back.
    """
    import jax
    from jax import lax, tree
    from jax import numpy as jnp

    problem, optimizer = program.problem, program.optimizer
    fixed = dict(program.fixed)
    gradient = problem.gradient or jax.grad(problem.scalar_loss)
    steps_wanted = bool({"step_norm", "step_cosine"} & set(program.metrics))

    def start(params: Any, hypers: Any) -> Any:
        return optimizer.start(params, {**hypers, **fixed})

    def step(
        params: Any, state: Any, t: Any, hypers: Any, raised: Any, batch: Any, noise: Any
    ) -> Any:
        clock = Clock(t, [(hypers[name], power) for name, power in raised.items()])
        g = gradient(params, batch)
        if problem.noise:
            g = tree.map(jnp.add, g, noise)
        # The loss that the gradient is of: of the batch in hand, and without the noise.
        seen = {"value": problem.loss(params, batch)} if optimizer.wants_loss else {}
        return optimizer.step(params, g, clock, state, {**hypers, **fixed}, **seen)

    def look(carry: Carry, data: Any, test: Any) -> dict[str, Any]:
        return observe(program, carry.params, carry.last, carry.previous, data, test)

    if program.mapped:
        start = jax.vmap(start)
        step = jax.vmap(step, in_axes=(0, 0, None, 0, 0, None, 0))
        look = jax.vmap(look, in_axes=(0, None, None))

    def noise_at(params: Any, keys: Any, t: Any) -> Any:
        """The noise of step t + 1, like `params`: of a run's key and of t alone."""
        return jax.vmap(
            lambda key: normal_like(params, key, t, problem.noise, program.mapped),
            out_axes=0 if program.mapped else -1,
        )(keys)

    def begin(carry: Carry, t: Any, hypers: Any) -> Carry:
        state = start(carry.params, hypers)
        if program.at_once:
            nothing = tree.map(jnp.zeros_like, carry.params) if steps_wanted else None
            return Carry(carry.params, state, nothing, nothing)
        state = tree.map(lambda a, b: lax.select(t == 0, a, b.astype(a.dtype)), state, carry.state)
        return carry._replace(state=state)

    def block(
        b: Any, carry: Carry, t: Any, hypers: Any, keys: Any, world: Any, recorded: Any
    ) -> Any:
        data, test, rows, counts, points = world
        began, real = t, tree.leaves(carry.params)[0].dtype
        logs = {name: jnp.log(hypers[name]) for name in optimizer.powers if name in hypers}

        def advance(carry: Carry, t: Any, raised: Any) -> tuple[Carry, Any]:
            raised = {name: power * hypers[name] for name, power in raised.items()}
            batch = data if rows is None else tree.map(lambda a: a[rows[t - began]], data)
            noise = noise_at(carry.params, keys, t) if problem.noise else None
            params, state = step(
                carry.params, carry.state, (t + 1).astype(real), hypers, raised, batch, noise
            )
            return carry._replace(params=params, state=state), raised

        def walk(carry: Carry, t: Any, raised: Any, count: Any) -> tuple[Carry, Any]:
            return lax.fori_loop(
                0, count, lambda j, now: advance(now[0], t + j, now[1]), (carry, raised)
            )

        def watch(carry: Carry, t: Any, raised: Any, count: Any) -> Carry:
            # The last two steps before a point are looked at, so these are walked one by one. All three
            # stretches share one loop, so that there is one way to make a step.
            lasts = jnp.minimum(count, 1)
            both = jnp.minimum(count, 2)
            ends = jnp.stack([0 * count, count - both, count - lasts, count])

            def stretch(k: Any, now: Any) -> tuple[Carry, Any]:
                before, raised = now
                steps = ends[k + 1] - ends[k]
                after, raised = walk(before, t + ends[k], raised, steps)
                alone = (k > 0) & (steps > 0)
                moved = tree.map(jnp.subtract, after.params, before.params)
                last, previous = tree.map(
                    lambda new, old: lax.select(jnp.broadcast_to(alone, old.shape), new, old),
                    (moved, before.last), (before.last, before.previous),
                )  # fmt: skip
                return after._replace(last=last, previous=previous), raised

            return lax.fori_loop(0, 3, stretch, (carry, raised))[0]

        def point(i: Any, now: Any) -> Any:
            carry, t, recorded = now
            # A power is a running product from the point before, where it is taken anew, so that its
            # error stays small.
            raised = powers(t.astype(real), logs)
            carry = (watch if steps_wanted else lambda *a: walk(*a)[0])(carry, t, raised, counts[i])
            seen = look(carry, data, test)
            return carry, t + counts[i], tree.map(lambda a, c: _put(a, c, b, i), recorded, seen)

        first = (begin(carry, t, hypers), t, recorded)
        carry, _, recorded = lax.fori_loop(jnp.uint32(0), points, point, first)
        return carry, recorded

    def run(
        carry: Carry, t: Any, hypers: Any, keys: Any, data: Any, test: Any, rows: Any, counts: Any,
        points: Any, blocks: Any,
    ) -> tuple[Carry | None, dict[str, Any]]:  # fmt: skip
        def one(b: Any, now: Any) -> Any:
            own, values, drawn = tree.map(
                lambda a: lax.dynamic_index_in_dim(a, b, keepdims=False), (carry, hypers, keys)
            )
            made, recorded = block(
                b, own, t, values, drawn, (data, test, rows, counts, points), now[1]
            )
            return None if program.at_once else tree.map(
                lambda a, c: _put(a, c, b), now[0], made
            ), recorded

        leaf = tree.leaves(carry.params)[0]
        room = (program.blocks, program.together)
        shapes = dict.fromkeys(program.metrics, (program.lanes,)) | (
            {"path": leaf.shape[1:]} if program.path else {}
        )
        empty = {name: jnp.zeros((*room, *shape), leaf.dtype) for name, shape in shapes.items()}
        return lax.fori_loop(
            jnp.uint32(0), blocks, one, (None if program.at_once else carry, empty)
        )

    return run


def _put(whole: Any, part: Any, *place: Any) -> Any:
    """Write `part` at a place of the first axes, given by unsigned numbers (XLA then asks for no sign)."""
    from jax import lax
    from jax import numpy as jnp

    part = jnp.asarray(part).astype(whole.dtype)  # a user's loss may be of another precision
    rest = (jnp.uint32(0),) * part.ndim
    return lax.dynamic_update_slice(
        whole, part.reshape((1,) * len(place) + part.shape), (*place, *rest)
    )


def observe(
    program: Program, params: Any, last: Any, previous: Any, data: Any, test: Any
) -> dict[str, Any]:
    """What is recorded of runs at a point; reduces over everything but runs."""
    import jax
    from jax import numpy as jnp
    from jax import tree

    problem, axis = program.problem, None if program.mapped else 0

    def dot(a: Any, b: Any) -> Any:
        return sum((x * y).sum(axis) for x, y in zip(tree.leaves(a), tree.leaves(b), strict=True))

    seen: dict[str, Any] = {}
    if "grad_norm" in program.metrics:
        gradients = jax.grad(problem.scalar_loss)(params, data)
        seen["grad_norm"] = jnp.sqrt(dot(gradients, gradients))
    seen["loss"] = problem.loss(params, data)
    if "step_norm" in program.metrics:
        seen["step_norm"] = jnp.sqrt(dot(last, last))
    if "step_cosine" in program.metrics:
        lengths = jnp.sqrt(dot(last, last)) * jnp.sqrt(dot(previous, previous))
        seen["step_cosine"] = dot(last, previous) / lengths
    for name, metric in problem.metrics.items():
        if name in program.metrics:
            seen[name] = metric(params, {"train": data, "test": test})
    if program.path:
        seen["path"] = params
    return seen


def normal_like(params: Any, key: Any, t: Any, scale: float, mapped: bool) -> Any:
    """Independent normal numbers of deviation `scale`, one for each parameter of one run. The
    generator counts (Threefry), so that nothing is stored and a step's noise needs no earlier one."""
    import jax
    from jax import tree

    now = jax.random.fold_in(jax.random.wrap_key_data(key, impl="threefry2x32"), t)
    leaves, structure = tree.flatten(params)
    drawn = []
    for i, leaf in enumerate(leaves):
        shape = leaf.shape[1:] if mapped else leaf.shape[:-1]
        own = jax.random.fold_in(now, i)
        drawn.append(scale * jax.random.normal(own, shape, leaf.dtype))
    return tree.unflatten(structure, drawn)
