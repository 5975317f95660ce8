"""Cell -> History: one compiled program a problem and rule, vectorised over runs.

A program scans over recorded points; between two of them it loops over steps. Nothing here knows
any optimizer or problem by name.
"""

from __future__ import annotations

import functools
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from optlab.plan import Cell, Program
from optlab.problems import Problem

__all__ = ["Clock", "Engine", "History", "Inputs", "picture", "prepare", "probe"]


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a cell is started with: one start and one set of hyperparameters a run, and the rows of
    each step's minibatch `(steps, rows)`, if any, shared by the runs. Where gradients are noisy, each
    run has a key `(2,)`, uint32, from which its noise is drawn."""

    starts: Sequence[Any]
    hypers: Sequence[dict[str, float]]
    stream: np.ndarray | None = None
    keys: Sequence[np.ndarray] | None = None


@dataclass(frozen=True, eq=False)
class History:
    """What was recorded: `metrics[name]` is `(points, runs)`, `path` `(points, dim, runs)`."""

    points: np.ndarray
    metrics: dict[str, np.ndarray]
    path: np.ndarray | None
    seconds: float = 0.0

    def of(self, columns: Sequence[int]) -> History:
        """The history of some of the runs."""
        chosen = list(columns)
        metrics = {name: values[:, chosen] for name, values in self.metrics.items()}
        path = None if self.path is None else self.path[..., chosen]
        return History(self.points, metrics, path, self.seconds)


class Clock:
    """The step number t as rules see it, with powers made cheap.

    `beta**t` for an array `beta` is a power for every run and step, several times the cost of the
    rest of a rule. It equals exp(t log beta), whose logarithm is taken once before the loop; the
    error of the result is that of a power to within two units in the last place. A hyperparameter is
    known by being the very same object; any other base is raised as usual.
    """

    is_clock = True

    def __init__(self, value: Any, logs: list[tuple[Any, Any]]) -> None:
        self.value = value
        self._logs = logs

    def __rpow__(self, base: Any) -> Any:
        from jax import numpy as jnp

        for known, log in self._logs:
            if known is base:
                return jnp.exp(self.value * log)
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
Clock.__hash__ = object.__hash__  # type: ignore[method-assign]


def build(program: Program) -> Callable[..., dict[str, Any]]:
    """The function that JAX compiles: (params, hypers, data, test, stream, keys) -> recorded arrays.

    Runs lie first in every leaf of `params` where the program is mapped, else last; `keys` is
    `(runs, 2)` where the problem adds noise to gradients, else None.
    """
    import jax
    from jax import lax, tree
    from jax import numpy as jnp

    problem, optimizer = program.problem, program.optimizer
    fixed = dict(program.fixed)
    gradient = problem.gradient or jax.grad(problem.scalar_loss)
    axis = None if program.mapped else 0

    def start(params: Any, hypers: Any) -> Any:
        return optimizer.start(params, {**hypers, **fixed})

    def step(
        params: Any, state: Any, t: Any, hypers: Any, logs: Any, batch: Any, noise: Any
    ) -> Any:
        clock = Clock(t, [(hypers[name], log) for name, log in logs.items()])
        g = gradient(params, batch)
        if problem.noise:
            g = tree.map(jnp.add, g, noise)
        # The loss that the gradient is of: of the batch in hand, and without the noise.
        seen = {"value": problem.loss(params, batch)} if optimizer.wants_loss else {}
        return optimizer.step(params, g, clock, state, {**hypers, **fixed}, **seen)

    def dot(a: Any, b: Any) -> Any:
        return sum((x * y).sum(axis) for x, y in zip(tree.leaves(a), tree.leaves(b), strict=True))

    def observe(params: Any, last: Any, previous: Any, data: Any, test: Any) -> dict[str, Any]:
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

    if program.mapped:
        start = jax.vmap(start)
        step = jax.vmap(step, in_axes=(0, 0, None, 0, 0, None, 0))
        observe = jax.vmap(observe, in_axes=(0, 0, 0, None, None))

    steps_wanted = {"step_norm", "step_cosine"} & set(program.metrics)
    counts = np.diff(program.points, prepend=0).astype(np.int32)

    def noise_at(params: Any, keys: Any, t: Any) -> Any:
        """The noise of step t + 1, like `params`: of a run's key and of t alone."""
        return jax.vmap(
            lambda key: _normal_like(params, key, t, problem.noise, program.mapped),
            out_axes=0 if program.mapped else -1,
        )(keys)

    def run(
        params: Any, hypers: Any, data: Any, test: Any, stream: Any, keys: Any
    ) -> dict[str, Any]:
        logs = {name: jnp.log(hypers[name]) for name in optimizer.powers if name in hypers}
        real = tree.leaves(params)[0].dtype

        def advance(params: Any, state: Any, t: Any) -> Any:
            batch = data if stream is None else tree.map(lambda a: a[stream[t]], data)
            noise = noise_at(params, keys, t) if problem.noise else None
            params, state = step(params, state, (t + 1).astype(real), hypers, logs, batch, noise)
            return params, state, t + 1

        def plain(_: Any, carry: Any) -> Any:
            params, state, t, last, previous = carry
            return (*advance(params, state, t), last, previous)

        def watched(_: Any, carry: Any) -> Any:
            params, state, t, last, _ = carry
            new, state, t = advance(params, state, t)
            return new, state, t, tree.map(jnp.subtract, new, params), last

        def point(carry: Any, count: Any) -> Any:
            # Only the last two steps before a recorded point are looked at closely.
            closely = jnp.minimum(count, 2) if steps_wanted else 0
            carry = lax.fori_loop(0, count - closely, plain, carry)
            if steps_wanted:
                carry = lax.fori_loop(0, closely, watched, carry)
            params, _, _, last, previous = carry
            return carry, observe(params, last, previous, data, test)

        nothing = tree.map(jnp.zeros_like, params) if steps_wanted else params
        carry = (params, start(params, hypers), jnp.int32(0), nothing, nothing)
        return lax.scan(point, carry, counts)[1]

    return run


def _normal_like(params: Any, key: Any, t: Any, scale: float, mapped: bool) -> Any:
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


def prepare(cache: Path | None = None) -> None:
    """Give JAX one device a core, and a folder for compiled programs, where it is not yet in use.

    Cores then work on cells of their own, which beats threads inside small operations. A process that
    has used JAX before (a notebook) keeps the devices and the folder it has; a folder that an
    earlier call has set is ours, and is changed for this one.
    """
    if "jax" in sys.modules and _in_use():
        if cache is not None and _kept_by_us:
            _keep_programs(cache)
        return
    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_force_host_platform_device_count" not in flags:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        flags += f" --xla_force_host_platform_device_count={cores or 1}"
    if "xla_cpu_multi_thread_eigen" not in flags:
        flags += " --xla_cpu_multi_thread_eigen=false"
    os.environ["XLA_FLAGS"] = flags.strip()
    import jax

    if cache is not None and jax.config.jax_compilation_cache_dir is None:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
        _keep_programs(cache)


_kept_by_us: set[str] = set()
"""Folders of compiled programs that this process was given by `prepare`, not by whoever runs it."""


def _keep_programs(cache: Path) -> None:
    """Compiled programs go to `cache` from now on, and are looked for there."""
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    known = jax.config.jax_compilation_cache_dir
    if known == str(cache) or (known is not None and known not in _kept_by_us):
        return
    _kept_by_us.add(str(cache))
    jax.config.update("jax_compilation_cache_dir", str(cache))
    compilation_cache.reset_cache()  # JAX opens its folder once


def _in_use() -> bool:
    """Whether JAX has made its devices. It has no public way to ask; in doubt they are made."""
    try:
        from jax._src import xla_bridge

        return bool(xla_bridge.backends_are_initialized())
    except (ImportError, AttributeError):
        return True


@contextmanager
def _precision(name: str) -> Iterator[None]:
    """Double precision within this thread only, so that a notebook's own JAX keeps its setting."""
    import jax

    with jax.enable_x64(name == "float64"):
        yield


def _cast(value: Any, precision: str) -> Any:
    """Arrays with their floating numbers in the precision of the run; integers as they are."""
    from jax import tree

    def convert(leaf: Any) -> np.ndarray:
        array = np.asarray(leaf)
        return array.astype(precision) if array.dtype.kind == "f" else array

    return tree.map(convert, value)


@dataclass(eq=False)
class Engine:
    """Executes cells on all devices; a program is compiled once for each device that needs it."""

    timings: dict[str, float] = field(default_factory=lambda: {"compile": 0.0, "run": 0.0})
    _compiled: dict[tuple[int, Any], Any] = field(default_factory=dict)
    _data: dict[tuple[int, Any, str], Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def execute(
        self, cells: Sequence[Cell], inputs: Callable[[Cell], Inputs]
    ) -> Generator[tuple[Cell, History | Exception]]:
        """Run the cells, each device its own, and yield each as it is done; an Exception in the
        place of a History says what broke that cell, and the others go on."""
        import jax

        schedule, done = _Schedule(cells), queue.SimpleQueue[tuple[Cell, History | Exception]]()

        def work(device: Any) -> None:
            while (cell := schedule.next(device.id)) is not None:
                outcome: History | Exception
                try:
                    outcome = history = self.run(cell.program, inputs(cell), device)
                    schedule.took(cell, history.seconds)
                except Exception as error:  # this cell is reported as broken, the others go on
                    outcome = error
                except BaseException as error:  # sys.exit() in a loss must not end this thread
                    outcome = RuntimeError(f"{type(error).__name__}: {error}")
                done.put((cell, outcome))

        workers = [
            threading.Thread(target=work, args=(d,), daemon=True, name=f"optlab device {d.id}")
            for d in jax.devices()
        ]
        for worker in workers:
            worker.start()
        try:
            for _ in cells:
                yield done.get()
        except KeyboardInterrupt:  # the cells under way may take hours; the process ends soon
            schedule.clear()
            raise
        except BaseException:
            # A process that ends while a thread is inside compiled code is aborted: wait for it.
            schedule.clear()
            for worker in workers:
                worker.join()
            raise

    def run(self, program: Program, inputs: Inputs, device: Any = None) -> History:
        """Execute one cell on `device` (the first one unless said)."""
        import jax

        device = device if device is not None else jax.devices()[0]
        with _precision(program.precision):
            arguments = jax.device_put(self._batch(program, inputs), device)
            data = self._resident(program, device)
            everything = (*arguments[:2], *data, *arguments[2:])
            compiled = self._program(program, everything, device)
            began = time.perf_counter()
            recorded = jax.tree.map(np.asarray, compiled(*everything))
            seconds = time.perf_counter() - began
        with self._lock:
            self.timings["run"] += seconds
        return _history(program, recorded, len(inputs.starts), seconds)

    def _program(self, program: Program, arguments: Any, device: Any) -> Any:
        import jax

        key = (device.id, id(program))
        if key not in self._compiled:
            began = time.perf_counter()
            compiled = jax.jit(build(program)).lower(*arguments).compile()
            with self._lock:
                self.timings["compile"] += time.perf_counter() - began
            self._compiled[key] = (
                compiled,
                program,
            )  # the program is kept, so its id stays its own
        return self._compiled[key][0]

    def _resident(self, program: Program, device: Any) -> Any:
        """The problem's data on the device, moved there once."""
        import jax

        problem = program.problem
        key = (device.id, id(problem), program.precision)
        if key not in self._data:
            both = _cast((problem.data, problem.test), program.precision)
            self._data[key] = (*jax.device_put(both, device), problem)
        return self._data[key][:2]

    def _batch(self, program: Program, inputs: Inputs) -> tuple[Any, Any, Any, Any]:
        """Starts and hyperparameters stacked over lanes, the last run repeated in the empty ones."""
        from jax import tree

        lanes = [min(i, len(inputs.starts) - 1) for i in range(program.lanes)]
        axis = 0 if program.mapped else -1
        params = tree.map(
            lambda *leaves: np.stack([leaves[i] for i in lanes], axis=axis), *inputs.starts
        )
        hypers = {
            name: np.array([inputs.hypers[i][name] for i in lanes]) for name in program.hypers
        }
        keys = None
        if inputs.keys is not None:
            keys = np.stack([inputs.keys[i] for i in lanes])
        return (*_cast((params, hypers), program.precision), inputs.stream, keys)


class _Schedule:
    """Which cell a device takes next: of a program that it has compiled, else of one that nobody
    has, else it helps another device where the work left is longer than compiling again."""

    COMPILING = 0.5  # seconds, about what a program takes

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._left: dict[int, list[Cell]] = {}
        for cell in cells:
            self._left.setdefault(id(cell.program), []).append(cell)
        self._owners: dict[int, set[int]] = {key: set() for key in self._left}
        self._seconds: dict[int, float] = {}
        self._lock = threading.Lock()

    def next(self, device: int) -> Cell | None:
        with self._lock:
            waiting = [key for key, left in self._left.items() if left]
            own = [key for key in waiting if device in self._owners[key]]
            free = [key for key in waiting if not self._owners[key]]
            long = [key for key in waiting if self._work(key) > self.COMPILING]
            for choice in (own, free, long):
                if choice:
                    key = max(choice, key=self._work)
                    self._owners[key].add(device)
                    return self._left[key].pop(0)
            return None

    def _work(self, key: int) -> float:
        """Seconds of work left, by the last cell; before there is one, a guess that favours many."""
        return len(self._left[key]) * self._seconds.get(key, 0.2)

    def took(self, cell: Cell, seconds: float) -> None:
        with self._lock:
            self._seconds[id(cell.program)] = seconds

    def clear(self) -> None:
        with self._lock:
            for left in self._left.values():
                left.clear()


def _history(program: Program, recorded: dict[str, Any], runs: int, seconds: float) -> History:
    path = recorded.pop("path", None)
    if path is not None:
        path = (np.moveaxis(path, 1, -1) if program.mapped else path)[..., :runs]
    metrics = {name: np.array(values[:, :runs]) for name, values in recorded.items()}
    for name in metrics.keys() & {"step_norm", "step_cosine"}:
        metrics[name][0] = np.nan  # there is no step before the first
    return History(np.array(program.points), metrics, path, seconds)


def probe(problem: Problem, points: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The full objective `(points,)` and its gradient `(points, dim)`, leaf after leaf, in double
    precision, at each of `points`."""
    from jax import tree

    width = 16  # one shape, compiled once
    values, gradients = [], []
    with _precision("float64"):
        data = _cast(problem.data, "float64")
        for i in range(0, len(points), width):
            chunk = [points[min(j, len(points) - 1)] for j in range(i, i + width)]
            stacked = _cast(tree.map(lambda *leaves: np.stack(leaves), *chunk), "float64")
            value, gradient = _looking(problem)(stacked, data)
            values.append(np.asarray(value))
            gradients.append(np.asarray(gradient))
    return np.concatenate(values)[: len(points)], np.concatenate(gradients)[: len(points)]


@functools.lru_cache(maxsize=64)
def _looking(problem: Problem) -> Callable[..., tuple[Any, Any]]:
    """Loss and gradient of many points as one function, which JAX compiles when it is first called:
    starts may be probed over and over."""
    import jax
    from jax import numpy as jnp
    from jax import tree

    def look(params: Any, data: Any) -> Any:
        gradients = jax.grad(problem.scalar_loss)(params, data)
        flat = jnp.concatenate([g.ravel() for g in tree.leaves(gradients)])
        return problem.loss(params, data), flat

    return jax.jit(jax.vmap(look, in_axes=(0, None)))


def picture(problem: Problem, size: int = 121) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The loss over a problem's window: x `(size,)`, y `(size,)`, z `(size, size)` with y down the
    rows."""
    import jax

    assert problem.window is not None
    x, y = (np.linspace(low, high, size) for low, high in problem.window)
    with _precision("float64"):
        points = np.stack(np.meshgrid(x, y)).reshape(2, -1)
        z = np.asarray(jax.jit(problem.loss)(points, _cast(problem.data, "float64")))
    return x, y, z.reshape(size, size)
