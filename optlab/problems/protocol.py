"""What a problem is: a loss, a start, and what is known about it.

Two layouts. `coordinates`: the parameters are one array with coordinates on axis 0, and the loss
reduces over axis 0 and broadcasts over whatever follows, so that one function serves a point
`(dim,)`, runs `(dim, runs)` and a picture `(2, n, n)`; runs lie last, where processors want them.
`tree`: the parameters are a dictionary of arrays, the loss is a scalar, and the engine maps it over
runs.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from optlab.straight import Straight

__all__ = [
    "About",
    "Family",
    "Minimum",
    "Problem",
    "family",
    "make_family",
    "normal",
    "problem",
    "uniform",
]

Start = Callable[[np.random.Generator], Any]


@dataclass(frozen=True)
class Minimum:
    """The smallest loss, where it is taken (if known), and how we know."""

    value: float
    provenance: Literal["closed form", "certificate", "declared", "best found"]
    at: tuple[Any, ...] = ()
    error: float = 0.0
    """The true minimum lies in [value - error, value]."""


@dataclass(frozen=True)
class About:
    """What a reader of a comparison must know of a problem. `curvature` is the smallest and the
    largest eigenvalue of the Hessian, or bounds on them that hold everywhere; `quadratic` says that
    the Hessian is constant, so that limits of stability are exact."""

    dim: int
    summary: str = ""
    curvature: tuple[float, float] | None = None
    quadratic: bool = False
    separable: bool | None = None
    convex: bool | None = None
    source: str = ""


@dataclass(frozen=True, eq=False)
class Problem:
    """A loss and all that is needed to run optimizers on it.

    `loss(params, batch)` is JAX; `batch` is `data` (the full objective) or the rows of `data` that
    `stream` names for a step. `start(rng)` draws a start in float64; `usual` is the textbook start,
    for pictures; `given` fixes the start, and then nothing is drawn. `stream(rng, steps)` gives the
    integers `(steps, rows)` of each step's minibatch. `metrics` are further functions of
    `(params, {"train": data, "test": test})`. `gradient(params, batch)` replaces the derivative of
    the loss.
    """

    name: str
    parameters: Mapping[str, Any]
    loss: Callable[[Any, Any], Any]
    about: About
    layout: Literal["coordinates", "tree"] = "coordinates"
    data: Any = None
    test: Any = None
    start: Start | None = None
    usual: Any = None
    given: Any = None
    stream: Callable[[np.random.Generator, int], np.ndarray] | None = None
    epoch: int | None = None
    """Steps in one pass over the data."""
    longest: int | None = None
    """Steps after which there is nothing more to do (a recorded list of gradients ends)."""
    metrics: Mapping[str, Callable[[Any, Any], Any]] = field(default_factory=dict)
    minimum: Minimum | Callable[[], Minimum | None] | None = None
    """Known, or a function that solves for it (slow, so asked once and cached)."""
    gradient: Callable[[Any, Any], Any] | None = None
    noise: float = 0.0
    """Standard deviation of the independent normal noise that each coordinate of the gradient gets in
    each step. What is recorded is free of it."""
    names: tuple[str, ...] = ()
    forward: Straight | None = None
    """The loss as a straight-line function of the named parameters, for a worked page."""
    constants: Mapping[str, float] = field(default_factory=dict)
    """What `forward` needs besides the parameters."""
    window: tuple[tuple[float, float], tuple[float, float]] | None = None
    """For two coordinates: the part of the plane worth drawing."""
    source: str = ""

    @property
    def random(self) -> bool:
        """Whether the gradients of a run are drawn: minibatches, or noise."""
        return self.noise > 0 or (self.stream is not None and self.longest is None)

    def scalar_loss(self, params: Any, batch: Any) -> Any:
        """The loss summed over runs: its gradient is each run's own."""
        return self.loss(params, batch).sum()


def uniform(low: float, high: float, dim: int) -> Start:
    """A start whose coordinates are uniform in [low, high)."""
    return lambda rng: rng.uniform(low, high, dim)


def normal(scale: float, dim: int, center: float = 0.0) -> Start:
    """A start whose coordinates are normal around `center`."""
    return lambda rng: center + scale * rng.standard_normal(dim)


@dataclass(frozen=True, eq=False)
class Family:
    """A function from parameters to a Problem; `signature` declares them, with defaults and types."""

    name: str
    make: Callable[..., Problem]
    source: str
    """The text that decides the result, for the key under which runs are stored."""

    @property
    def signature(self) -> inspect.Signature:
        return inspect.signature(self.make, eval_str=True)

    @property
    def summary(self) -> str:
        return (inspect.getdoc(self.make) or "").split("\n")[0]

    def __call__(self, **parameters: Any) -> Problem:
        """The problem of these parameters (the others at their default). ValueError, with the
        parameter's name first, where they do not go together."""
        declared = self.signature.parameters.items()
        full = {name: p.default for name, p in declared if p.default is not p.empty} | parameters
        made = self.make(**full)
        return replace(made, name=self.name, parameters=full, source=self.source)


def family(function: Callable[..., Problem]) -> Family:
    """Declare the function below (keyword parameters with defaults) as a family of problems."""
    source = inspect.getsource(inspect.getmodule(function) or function)
    return Family(function.__name__, function, source)


def make_family(
    loss: Callable[..., Any],
    *,
    start: Any = None,
    usual: Any = None,
    minimum: float | None = None,
    window: tuple[tuple[float, float], tuple[float, float]] | None = None,
    separable: bool | None = None,
) -> Family:
    """A family from one JAX function `loss(x, *, parameter=default)` and a start.

    `start` is a list of numbers (the one start of every run) or a function of a NumPy generator,
    such as `uniform(-5, 5, dim=2)`. A loss that is not written in the `coordinates` layout (it does
    not broadcast over runs) is mapped over them, which costs some speed and nothing else.
    """
    if start is None:
        raise ValueError(f"{loss.__name__}: give a start, as in `start=[3.0, -2.0]`")
    drawn = start if callable(start) else None
    point = np.atleast_1d(np.asarray(start if drawn is None else drawn(np.random.default_rng(0)),
                                     dtype=float))  # fmt: skip
    if point.ndim != 1:
        raise ValueError(f"{loss.__name__}: the start must be a list of numbers, one a coordinate")

    if window is not None and np.shape(window) != (2, 2):
        raise ValueError(f"{loss.__name__}: the window is two ranges, as in "
                         "`window=((-4, 4), (-4, 4))`")  # fmt: skip

    def make(**parameters: Any) -> Problem:
        return Problem(
            name=loss.__name__,
            parameters=parameters,
            loss=_over_runs(loss, parameters, len(point)),
            about=About(dim=len(point), summary=_first_line(loss), separable=separable),
            start=drawn,
            given=None if drawn else point,
            usual=None if usual is None else np.asarray(usual, dtype=float),
            minimum=None if minimum is None else Minimum(minimum, "declared"),
            window=window,
        )

    declared = list(inspect.signature(loss, eval_str=True).parameters.values())[1:]
    make.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [p.replace(kind=p.KEYWORD_ONLY) for p in declared]
    )
    make.__doc__ = loss.__doc__
    return Family(loss.__name__, make, inspect.getsource(loss))


def problem(**about: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare the function below, a loss, as a problem: `@problem(start=[3.0, -2.0], minimum=0.0)`.
    The function stays callable as it is. See `make_family` for what may be said."""

    def declare(loss: Callable[..., Any]) -> Callable[..., Any]:
        vars(loss)["family"] = make_family(loss, **about)
        return loss

    return declare


def _first_line(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").split("\n")[0]


def _over_runs(
    loss: Callable[..., Any], parameters: dict[str, Any], dim: int
) -> Callable[[Any, Any], Any]:
    """`loss(x)` as `loss(x, batch)` over `(dim, runs)`: as it stands where it broadcasts over runs,
    else mapped. Widths of a prime that cannot be `dim` by chance tell the two apart, and numbers
    decide where shapes agree."""
    import jax

    def plain(x: Any, batch: Any) -> Any:
        return loss(x, **parameters)

    def mapped(x: Any, batch: Any) -> Any:
        flat = x.reshape(dim, -1)
        values = jax.vmap(lambda p: loss(p, **parameters), in_axes=1)(flat)
        return values.reshape(x.shape[1:])

    def at(point: np.ndarray) -> np.ndarray:
        try:
            return np.asarray(plain(jax.numpy.asarray(point), None))
        except Exception as error:  # whatever a user's function raises is theirs to read
            raise ValueError(_told(loss, error)) from error

    width = 13 if dim != 13 else 17
    points = np.random.default_rng(0).uniform(0.5, 1.5, (dim, width)).astype(np.float32)
    single = at(points[:, 0])
    if single.shape != () or single.dtype.kind in "OUSc":
        was = f"an array of shape {single.shape}" if single.shape else repr(single.item())
        raise ValueError(f"{loss.__name__}: the loss of one point must be one number, not {was}; "
                         "take a sum over axis 0")  # fmt: skip
    try:
        together = np.asarray(plain(jax.numpy.asarray(points), None))
    except Exception:  # written for one point, where it was sound just now: any check of its own
        return mapped  # (a shape, an `if`, a conversion) may refuse many points at once
    each = np.stack([at(p) for p in points.T])
    same = together.shape == (width,) and np.allclose(together, each, rtol=1e-4, equal_nan=True)
    return plain if same else mapped


def _told(function: Callable[..., Any], error: Exception) -> str:
    """`file:line: function: NameError: ...`, with the last line of the function's file that
    `error` came through."""
    code = inspect.unwrap(function).__code__
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f.lineno for f in frames if f.filename == code.co_filename]
    first = str(error).split("\n")[0]
    reason = f"{type(error).__name__}: {first}" if first else type(error).__name__
    line = (lines and lines[-1]) or code.co_firstlineno
    return f"{code.co_filename}:{line}: {function.__name__}: {reason}"
