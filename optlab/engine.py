"""Cell -> History: calls compiled programs (`optlab.kernel`) block by block and stretch by stretch, each
core its own cells, and puts together what they recorded."""

from __future__ import annotations

import functools
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from optlab.kernel import Carry, build
from optlab.plan import Cell, Program
from optlab.startup import cores, options

__all__ = ["Engine", "History", "Inputs", "StoppedError", "cast", "precise"]


class StoppedError(Exception):
    """A cell was given up because the whole execution is."""


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
    """What was recorded: `metrics[name]` is `(points, runs)`, `path` `(points, dim, runs)`. Where curves are
    not kept there are no metrics, but what they come to: `summary[name]` is `(runs,)`."""

    points: np.ndarray
    metrics: dict[str, np.ndarray]
    path: np.ndarray | None
    seconds: float = 0.0
    summary: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def runs(self) -> int:
        return next(iter((self.metrics or self.summary).values())).shape[-1]

    def of(self, columns: Sequence[int]) -> History:
        """The history of some of the runs; of all of them, itself."""
        chosen = list(columns)
        if chosen == list(range(self.runs)):
            return self
        metrics = {name: values[:, chosen] for name, values in self.metrics.items()}
        path = None if self.path is None else self.path[..., chosen]
        summary = {name: values[chosen] for name, values in self.summary.items()}
        return History(self.points, metrics, path, self.seconds, summary)


@contextmanager
def precise(name: str) -> Iterator[None]:
    """What numbers depend on besides the program, within this thread only, so that a notebook's own JAX keeps
    its settings: double precision, and how random numbers are counted off."""
    import jax

    with jax.enable_x64(name == "float64"), jax.threefry_partitionable(True):
        yield


def cast(value: Any, precision: str) -> Any:
    """Arrays with their floating numbers in the precision of the run; integers as they are."""
    from jax import tree

    def convert(leaf: Any) -> np.ndarray:
        array = np.asarray(leaf)
        return array.astype(precision) if array.dtype.kind == "f" else array

    return tree.map(convert, value)


def _workers() -> list[Any]:
    """The device of each thread: a CPU is one device that works on as many calls at once as it has
    cores, any other device on one."""
    import jax

    devices = jax.devices()
    if devices[0].platform != "cpu":
        return devices
    return [devices[i % len(devices)] for i in range(cores())]


Outcome = int | History | Exception


@dataclass(frozen=True)
class _Fault:
    """What went wrong when a history was finished: not the cell's fault, so that nothing goes on."""

    error: Exception


def _finished(
    finish: Callable[[Cell, History], History], cell: Cell, history: History
) -> History | _Fault:
    try:
        return finish(cell, history)
    except Exception as error:  # raised again where the cells are waited for
        return _Fault(error)


@dataclass(eq=False)
class _Once:
    """What is made once, by whoever comes first, however many ask at the same time; what cannot be made is
    not tried again."""

    made: Any = None
    error: Exception | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, make: Callable[[], Any]) -> Any:
        with self.lock:
            if self.error is not None:
                raise self.error
            if self.made is None:
                try:
                    self.made = make()
                except Exception as error:
                    self.error = error
                    raise
        return self.made


@dataclass(eq=False)
class Engine:
    """Executes cells on all cores; a program is compiled once for each device that needs it."""

    timings: dict[str, float] = field(default_factory=lambda: {"compile": 0.0, "run": 0.0})
    _programs: dict[tuple[Any, Program], _Once] = field(default_factory=dict)
    _compiled: dict[tuple[Any, str], _Once] = field(default_factory=dict)
    """By their text: problems of one family are often one program with other data."""
    _data: dict[tuple[Any, Any, str], Any] = field(default_factory=dict)
    _states: dict[Program, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)

    def execute(
        self,
        cells: Sequence[Cell],
        inputs: Callable[[Cell], Inputs],
        finish: Callable[[Cell, History], History] = lambda cell, history: history,
    ) -> Generator[tuple[Cell, Outcome]]:
        """Run the cells, each core its own. Yields each with the run-steps just made (int) as it moves,
        and once, when it is done, with its History; an Exception in the place of a History says what
        broke that cell, and the others go on. `finish` is called by the core that made a history, so that
        what is not needed of it does not wait in memory; what it raises is raised here."""
        schedule, done = _Schedule(cells), queue.SimpleQueue[tuple[Cell, Outcome | _Fault]]()
        self._stop.clear()

        def tell(cell: Cell, outcome: Outcome | _Fault) -> None:
            done.put((cell, outcome))

        def work(number: int, device: Any) -> None:
            while (cell := schedule.next(number)) is not None:
                outcome: Outcome | _Fault
                try:
                    moved = functools.partial(tell, cell)
                    outcome = self.run(cell.program, inputs(cell), device, moved)
                    schedule.took(cell, outcome.seconds)
                    outcome = _finished(finish, cell, outcome)
                except Exception as error:  # this cell is reported as broken, the others go on
                    outcome = error
                except BaseException as error:  # sys.exit() in a loss must not end this thread
                    outcome = RuntimeError(f"{type(error).__name__}: {error}")
                tell(cell, outcome)

        workers = [
            threading.Thread(target=work, args=(i, d), daemon=True, name=f"optlab worker {i}")
            for i, d in enumerate(_workers())
        ]
        for worker in workers:
            worker.start()
        left = len(cells)
        try:
            while left:
                cell, outcome = done.get()
                if isinstance(outcome, _Fault):
                    raise outcome.error
                left -= not isinstance(outcome, int)
                yield cell, outcome
        except BaseException:
            # A process that ends while a thread is inside compiled code is aborted: wait for the calls
            # under way, which are short.
            schedule.clear()
            self._stop.set()
            for worker in workers:
                worker.join(timeout=5)
            raise

    def run(
        self,
        program: Program,
        inputs: Inputs,
        device: Any = None,
        moved: Callable[[int], None] = lambda steps: None,
    ) -> History:
        """Execute one cell on `device` (the first one unless said); `moved` is told run-steps as they
        are made. StoppedError where the engine is stopped meanwhile."""
        import jax

        device = device if device is not None else jax.devices()[0]
        width = program.lanes * program.blocks
        began = time.perf_counter()
        with precise(program.precision):
            parts = [
                self._call(
                    program, inputs, range(i, min(i + width, len(inputs.starts))), device, moved
                )
                for i in range(0, len(inputs.starts), width)
            ]
        seconds = time.perf_counter() - began
        recorded = {name: _joined(parts, name, axis=-1) for name in parts[0]}
        return _history(program, recorded, seconds)

    def _call(
        self,
        program: Program,
        inputs: Inputs,
        columns: range,
        device: Any,
        moved: Callable[[int], None],
    ) -> dict[str, np.ndarray]:
        """Some runs of a cell, as many as one call works on, from their start to their end: what was
        recorded, `(points, ..., runs)`."""
        import jax

        blocks = -(-len(columns) // program.lanes)
        params, *others = _batch(program, inputs, columns)
        carry = self._carry(program, params, others[0])
        carry, hypers, keys = jax.device_put((carry, *others), device)
        data, test = self._resident(program, device)
        parts, t = [], 0
        for i in range(0, len(program.pieces), program.together):
            if self._stop.is_set():
                raise StoppedError
            pieces = program.pieces[i : i + program.together]
            counts = np.zeros(program.together, np.int32)
            counts[: len(pieces)] = [steps for steps, _ in pieces]
            rows = _rows(program, inputs.stream, t)
            numbers = (np.uint32(len(pieces)), np.uint32(blocks))
            arguments = (carry, np.int32(t), hypers, keys, data, test, rows, counts, *numbers)
            compiled = self._program(program, arguments, device)
            began = time.perf_counter()
            carry, recorded = compiled(*arguments)
            kept = _kept(pieces)
            parts.append({n: np.asarray(a)[:blocks, kept] for n, a in recorded.items()})
            steps = int(counts.sum())
            t += steps
            with self._lock:
                self.timings["run"] += time.perf_counter() - began
            moved(steps * len(columns))
        return {
            name: _runs_last(_joined(parts, name, axis=1), program, name, len(columns))
            for name in parts[0]
        }

    def _carry(self, program: Program, params: Any, hypers: Any) -> Carry:
        """Blocks of runs before their first step; the kernel makes the rule's state."""
        from jax import tree

        if program not in self._states:  # traced once: a small call takes less time than that
            self._states[program] = _state_shapes(program, params, hypers)
        empty = tree.map(lambda a: np.zeros(a.shape, a.dtype), self._states[program])
        nothing = tree.map(np.zeros_like, params)
        return Carry(params, empty, nothing, nothing)

    def _program(self, program: Program, arguments: Any, device: Any) -> Any:
        import jax

        def compiled() -> Any:
            began = time.perf_counter()
            lowered = jax.jit(build(program)).lower(*arguments)
            told = options() if device.platform == "cpu" else None
            with self._lock:
                same = self._compiled.setdefault((device, lowered.as_text()), _Once())
            call = same.get(lambda: lowered.compile(compiler_options=told))
            with self._lock:
                self.timings["compile"] += time.perf_counter() - began
            return call

        with self._lock:
            mine = self._programs.setdefault((device, program), _Once())
        return mine.get(compiled)

    def _resident(self, program: Program, device: Any) -> Any:
        """The problem's data on the device, moved there once."""
        import jax

        problem = program.problem
        key = (device, problem, program.precision)
        if key not in self._data:
            both = cast((problem.data, problem.test), program.precision)
            self._data[key] = jax.device_put(both, device)
        return self._data[key]


def _batch(program: Program, inputs: Inputs, columns: range) -> tuple[Any, Any, Any]:
    """Starts, hyperparameters and keys of the runs in `columns`, stacked over blocks and lanes, the last
    run repeated in the lanes that are left."""
    from jax import tree

    shape = (program.blocks, program.lanes)
    chosen = [columns[min(i, len(columns) - 1)] for i in range(shape[0] * shape[1])]

    def blocked(values: list[Any], last: bool = False) -> np.ndarray:
        array = np.array(values)
        array = array.reshape(*shape, *array.shape[1:])
        return np.moveaxis(array, 1, -1) if last else array

    params = tree.map(
        lambda *leaves: blocked([leaves[i] for i in chosen], last=not program.mapped),
        *inputs.starts,
    )
    hypers = {name: blocked([inputs.hypers[i][name] for i in chosen]) for name in program.hypers}
    keys = None if inputs.keys is None else blocked([inputs.keys[i] for i in chosen])
    params, hypers = cast((params, hypers), program.precision)
    return params, hypers, keys


def _state_shapes(program: Program, params: Any, hypers: Any) -> Any:
    """The shapes and types of the rule's state of a call's runs."""
    import jax

    def state(params: Any, hypers: Any) -> Any:
        return program.optimizer.start(params, {**hypers, **dict(program.fixed)})

    once = jax.vmap(state) if program.mapped else state
    return jax.eval_shape(jax.vmap(once), params, hypers)


def _rows(program: Program, stream: np.ndarray | None, t: int) -> np.ndarray | None:
    """The minibatches of a call's steps from `t` on, always of one shape."""
    if stream is None:
        return None
    rows = np.zeros((program.call_steps, *stream.shape[1:]), stream.dtype)
    mine = stream[t : t + program.call_steps]
    rows[: len(mine)] = mine
    return rows


def _kept(pieces: Sequence[tuple[int, bool]]) -> slice | list[int]:
    """The places of the pieces that end in a recorded point; a slice, which copies nothing, where all do."""
    found = [place for place, (_, point) in enumerate(pieces) if point]
    return slice(len(pieces)) if len(found) == len(pieces) else found


def _joined(parts: Sequence[dict[str, np.ndarray]], name: str, axis: int) -> np.ndarray:
    arrays = [part[name] for part in parts]
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis)  # which copies even one


def _runs_last(values: np.ndarray, program: Program, name: str, runs: int) -> np.ndarray:
    """(blocks, points, ..., lanes) as (points, ..., runs), without what filled up the last block."""
    if name == "path" and program.mapped:  # a mapped program has its runs first
        values = np.moveaxis(values, 2, -1)
    lined = np.moveaxis(values, 0, -2).reshape(*values.shape[1:-1], -1)
    return lined if lined.shape[-1] == runs else lined[..., :runs].copy()  # a view would hold all


class _Schedule:
    """Which cell a worker takes next: of a program that it has begun, else of one that nobody has, so
    that programs are compiled side by side, else of the one with the most work left."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._left: dict[Program, list[Cell]] = {}
        for cell in cells:
            self._left.setdefault(cell.program, []).append(cell)
        self._begun: dict[Program, set[int]] = {program: set() for program in self._left}
        self._seconds: dict[Program, float] = {}
        self._lock = threading.Lock()

    def next(self, worker: int) -> Cell | None:
        with self._lock:
            waiting = [program for program, left in self._left.items() if left]
            own = [program for program in waiting if worker in self._begun[program]]
            free = [program for program in waiting if not self._begun[program]]
            choice = own or free or waiting
            if not choice:
                return None
            program = max(choice, key=self._work)
            self._begun[program].add(worker)
            return self._left[program].pop(0)

    def _work(self, program: Program) -> float:
        """Seconds of work left, by the last cell; before there is one, a guess that favours many."""
        return len(self._left[program]) * self._seconds.get(program, 0.2)

    def took(self, cell: Cell, seconds: float) -> None:
        with self._lock:
            self._seconds[cell.program] = seconds

    def clear(self) -> None:
        with self._lock:
            for left in self._left.values():
                left.clear()


def _history(program: Program, recorded: dict[str, np.ndarray], seconds: float) -> History:
    path = recorded.pop("path", None)
    for name in recorded.keys() & {"step_norm", "step_cosine"}:
        # Memory of the device is not ours to write in.
        recorded[name] = np.require(recorded[name], requirements="W")
        recorded[name][0] = np.nan  # there is no step before the first
    return History(np.array(program.points), recorded, path, seconds)
