"""An optimizer of optax by its path: `optax.lion`, `optax.contrib.prodigy`.

The transformation is built anew in each step from the hyperparameters of that step, inside the
traced program, where building costs nothing. So every hyperparameter can differ from run to run
and change over time, without optax's own injection.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from optlab.adapters.protocol import OptionError, is_number
from optlab.suggest import did_you_mean

__all__ = ["OptaxOptimizer", "optax_optimizer"]

ALIASES = {"learning_rate": "lr"}
_DEFAULT_RATE = 1e-3
_PAIR = ("b1", "b2")  # what optax calls the two parts of `betas` elsewhere


@dataclass(frozen=True)
class OptaxOptimizer:
    """An optax optimizer under `path`. `hypers` are numbers by our names (`lr` is optax's
    `learning_rate`), `arguments` the switches that stand beside them."""

    path: str
    factory: Callable[..., Any]
    hypers: dict[str, float]
    arguments: dict[str, Any]
    whole: frozenset[str]
    """Hyperparameters that count something; optax wants them as `int`."""
    fixed: frozenset[str]
    source: str
    wants_loss: bool = False
    """Whether optax wants the loss in every step, as `value`."""

    one_run = True  # it is written for one run's parameters, so the engine maps it
    powers: tuple[str, ...] = ()
    form = None
    limit = None

    @property
    def name(self) -> str:
        return self.path

    @property
    def summary(self) -> str:
        return (inspect.getdoc(self.factory) or "").split("\n")[0]

    @property
    def citation(self) -> str:
        """The first reference of optax's own documentation."""
        return _reference(inspect.getdoc(self.factory) or "") or f"optax, {self.path}"

    @property
    def convention(self) -> str:
        note = (
            " The parameters are those at which gradients are taken, not the running average."
            if "schedule_free" in self.path
            else ""
        )
        return f"optax's own arithmetic; see the documentation of {self.path}.{note}"

    def start(self, params: Any, hypers: Mapping[str, Any]) -> Any:
        """The state at t = 0 for one run's `params`, in the dtypes that a step leaves it in."""
        import jax

        state = self._build(hypers).init(params)
        zeros = jax.tree.map(lambda p: p * 0, params)
        seen = {"value": jax.numpy.asarray(0.0)} if self.wants_loss else {}
        after = jax.eval_shape(lambda s: self._update(params, zeros, s, hypers, seen)[1], state)
        widest = jax.numpy.result_type(*(p.dtype for p in jax.tree.leaves(params)))
        return jax.tree.map(lambda s, a: jax.numpy.asarray(s, _settled(a.dtype, widest)),
                            state, after)  # fmt: skip

    def step(
        self, params: Any, grads: Any, t: Any, state: Any, hypers: Mapping[str, Any], **seen: Any
    ) -> tuple[Any, Any]:
        """One update of one run; `t` is not used, since optax counts in its own state. `seen` is the
        loss as `value`, where optax wants it."""
        import jax

        updates, new = self._update(params, grads, state, hypers, seen)
        params = jax.tree.map(lambda p, u: (p + u).astype(p.dtype), params, updates)
        return params, jax.tree.map(lambda s, n: jax.numpy.asarray(n, s.dtype), state, new)

    def _update(
        self,
        params: Any,
        grads: Any,
        state: Any,
        hypers: Mapping[str, Any],
        seen: Mapping[str, Any],
    ) -> Any:
        return self._build(hypers).update(grads, state, params, **seen)

    def _build(self, hypers: Mapping[str, Any]) -> Any:
        given = self.hypers | dict(hypers)
        for name in self.whole:
            if given[name] != int(given[name]):
                raise ValueError(f"{self.path}: `{name}` counts something, so it cannot be "
                                 f"{given[name]:g}")  # fmt: skip
            given[name] = int(given[name])
        if "lr" in given:
            given["learning_rate"] = given.pop("lr")
        if "betas" in self.arguments:
            given["betas"] = tuple(given.pop(part) for part in _PAIR)
        return self.factory(**(self.arguments | given))


def _settled(dtype: Any, widest: Any) -> Any:
    """`dtype` of a state after a step, but never a wider float than the parameters have."""
    from jax import numpy as jnp

    floating = jnp.issubdtype(dtype, jnp.floating)
    return widest if floating and jnp.finfo(dtype).bits > jnp.finfo(widest).bits else dtype


def optax_optimizer(path: str, options: Mapping[str, Any] | None = None) -> OptaxOptimizer:
    """The optax optimizer under `path`, such as `optax.lion`.

    `options` are arguments by optax's names (`lr` and `learning_rate` are one). Numbers become
    hyperparameters with that default; so an argument that optax leaves at None (`momentum` of
    `optax.sgd`) can be swept once it is given any number. Booleans and texts are switches.
    ValueError, in plain words, where there is no such optimizer or optlab cannot run it.
    """
    import optax

    factory = _find(path)
    options = options or {}
    for alias, name in ALIASES.items():
        if alias in options and name in options:
            raise OptionError(path, alias, f"the same as `{name}`; give one of them")
    options = {ALIASES.get(name, name): value for name, value in options.items()}
    found = _sort_out(path, inspect.signature(factory).parameters, options)
    whole = frozenset(found.whole)
    draft = OptaxOptimizer(path, factory, found.hypers, found.arguments, whole, whole, "")
    draft = replace(draft, wants_loss=_wants_loss(draft))
    untraced = {n for n in found.hypers if n not in whole and not _traceable(draft, n)}
    told = {n: v for n, v in found.arguments.items() if not callable(v)}
    switches = "".join(f"\n{name}={told[name]!r}" for name in sorted(told))
    source = f"optax {optax.__version__}\n{path}({', '.join(found.hypers)}){switches}"
    return replace(draft, fixed=whole | untraced, source=source)


def _find(path: str) -> Callable[..., Any]:
    import optax
    import optax.contrib  # optax does not import it by itself

    _, *names = path.split(".")
    found: Any = optax
    for i, name in enumerate(names):
        public = {n: v for n, v in vars(found).items() if not n.startswith("_")}
        if name not in public:
            near = [n for n in public if inspect.isfunction(public[n])]
            raise ValueError(f"{'.'.join(['optax', *names[:i]])} has nothing named '{name}'"
                             f"{did_you_mean(name, near)}")  # fmt: skip
        found = public[name]
    if not inspect.isfunction(found):
        raise ValueError(f"{path} is not an optimizer; name a function of optax, as in optax.adamw")
    declared = inspect.signature(found).parameters
    if names[-1].startswith("scale_by_") or not any(n.endswith("learning_rate") for n in declared):
        raise ValueError(f"{path} is a part from which optimizers are built, not an optimizer; "
                         "name one with a learning rate, as in optax.adamw")  # fmt: skip
    if {"key", "seed"} & set(declared):
        raise ValueError(f"{path} draws random numbers of its own, the same in every run, so runs "
                         "would not be independent; put the noise into the problem")  # fmt: skip
    return found


@dataclass
class _Sorted:
    """A factory's arguments, split by what optlab does with them."""

    hypers: dict[str, float] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)


def _sort_out(
    path: str, declared: Mapping[str, inspect.Parameter], options: Mapping[str, Any]
) -> _Sorted:
    found = _Sorted()
    known = [_PAIR if name == "betas" else (name,) for name in declared]
    names = [ALIASES.get(name, name) for group in known for name in group]
    for name in options:
        if name == "betas" and name in declared:
            raise OptionError(path, name, f"write `{_PAIR[0]}` and `{_PAIR[1]}` instead")
        if name not in names:
            hint = did_you_mean(name, names) or f"; it takes {', '.join(names)}"
            raise OptionError(path, name, f"{path} has no such argument{hint}")
    for parameter in declared.values():
        name = ALIASES.get(parameter.name, parameter.name)
        if name == "betas":
            found.arguments[name] = parameter.default
            for part, default in zip(_PAIR, parameter.default, strict=True):
                found.hypers[part] = _number(path, part, default, options.get(part, default))
        elif name == "lr":
            # Without a rate optax takes None for 1, uphill in some optimizers.
            default = parameter.default if is_number(parameter.default) else _DEFAULT_RATE
            found.hypers[name] = _number(path, name, default, options.get(name, default))
        else:
            _sort_one(path, name, parameter, options.get(name, parameter.default), found)
    return found


def _sort_one(
    path: str, name: str, parameter: inspect.Parameter, value: Any, found: _Sorted
) -> None:
    default = parameter.default
    if value is parameter.empty:
        raise ValueError(f"{path} needs `{name}`, for which optax has no default")
    if isinstance(default, bool) and not isinstance(value, bool):
        raise OptionError(path, name, f"{value!r} is not true or false; a switch cannot be swept, "
                                      "so list two optimizers")  # fmt: skip
    absent = default is None or default is parameter.empty
    if not is_number(default) and not (absent and isinstance(value, int | float | list | dict)):
        found.arguments[name] = value
        return
    if isinstance(value, bool):
        raise OptionError(path, name, f"{value!r} is not a number")
    found.hypers[name] = _number(path, name, _first_number(value) if absent else default, value)
    kind = parameter.annotation
    if kind in (int, int | None, "int") or (isinstance(default, int) and kind is not float):
        found.whole.add(name)


def _number(path: str, name: str, default: float, value: Any) -> float:
    """`value` where it is one number; `default` where it is a sweep, a list or a range."""
    if isinstance(value, list | dict):
        return default
    if not is_number(value):
        raise OptionError(path, name, f"{value!r} is not a number")
    return value


def _first_number(value: Any) -> Any:
    """The first number in a sweep, or None."""
    if is_number(value):
        return value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((n for n in map(_first_number, inside) if n is not None), None)


def _trial(optimizer: OptaxOptimizer, traced: tuple[str, ...]) -> None:
    """Trace a start and a step on parameters of every usual shape, `traced` hypers as arrays."""
    import jax
    from jax import numpy as jnp

    params = {"matrix": jnp.ones((2, 3)), "vector": jnp.ones(3)}

    seen = {"value": jnp.asarray(1.0)} if optimizer.wants_loss else {}

    def both(values: dict[str, Any]) -> Any:
        return optimizer.step(params, params, 1, optimizer.start(params, values), values, **seen)

    jax.eval_shape(both, {name: jnp.asarray(float(optimizer.hypers[name])) for name in traced})


def _traceable(optimizer: OptaxOptimizer, name: str) -> bool:
    """Whether optax can work with hyperparameter `name` as an array of unknown value. It cannot
    where it branches on the value in Python or makes a shape of it."""
    import jax

    try:
        _trial(optimizer, (name,))
    except (jax.errors.JAXTypeError, jax.errors.JAXIndexError, TypeError, ValueError):
        return False
    return True


def _wants_loss(optimizer: OptaxOptimizer) -> bool:
    """Whether the optimizer wants the loss beside parameters and gradients; ValueError where it
    wants more."""
    path = optimizer.path
    try:
        _trial(optimizer, ())
    except TypeError as error:
        missing = re.findall(r"'(\w+)'", str(error).partition("keyword-only argument")[2])
        if missing == ["value"] and not optimizer.wants_loss:
            _wants_loss(replace(optimizer, wants_loss=True))  # nothing else is in its way
            return True
        if not missing:
            raise ValueError(f"{path} cannot be set up like this: {error}") from error
        raise ValueError(
            f"{path} needs {' and '.join(f'`{name}`' for name in missing)} (the loss or a function "
            "that evaluates it) in every step, and optlab hands an optimizer the gradient and the "
            "loss, not a function"
        ) from error
    except (ValueError, AttributeError, KeyError, NotImplementedError) as error:
        raise ValueError(f"{path} cannot be set up like this: {error}") from error
    return False


def _reference(doc: str) -> str:
    """The first entry under `References:` as plain text."""
    _, found, rest = doc.partition("References:")
    if not found:
        return ""
    entry = rest.strip().split("\n\n")[0]
    text = re.sub(r"`([^`<]+?)\s*<([^`>]+)>`_+", r"\1, \2", " ".join(entry.split()))
    return text.strip("* .")
