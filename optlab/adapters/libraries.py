"""The names that PyTorch and Keras users know, with what these libraries mean by them.

One table: which rule of the house does the library's arithmetic, with the library's own defaults
and argument names. Defaults as in PyTorch 2 (torch.optim) and Keras 3 (keras.optimizers).
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from optlab.adapters.protocol import OptionError, is_number
from optlab.rules import REGISTRY, Rule
from optlab.suggest import did_you_mean
from optlab.vocabulary import look_up

__all__ = ["NAMES", "Resolved", "arguments", "resolve"]


@dataclass(frozen=True)
class _Meaning:
    """One optimizer of a library. `names` maps its arguments to ours, `defaults` are by our names.
    `variants` are the rules that a given argument chooses instead of `rule`; the last one given
    wins. `off` are arguments that the rules cannot do, with the value that switches them off;
    `pairs` are arguments that hold two of ours."""

    rule: str
    names: Mapping[str, str]
    defaults: Mapping[str, float]
    off: Mapping[str, Any]
    variants: Mapping[str, str] = field(default_factory=dict)
    pairs: Mapping[str, tuple[str, str]] = field(default_factory=dict)


class Resolved(NamedTuple):
    """A library's name understood: `rule` has `defaults` (the library's own) for its hypers;
    `options` are the user's values by our names."""

    rule: Rule
    defaults: dict[str, float]
    options: dict[str, Any]
    renamed: dict[str, str]
    """The user's key -> ours, where one key is one hyperparameter."""
    used: frozenset[str]
    """The user's keys that are settled: switches, and pairs, which became defaults."""


_TORCH_OFF = {"weight_decay": 0, "maximize": False}
# These say how PyTorch computes, not what; any value gives the same numbers.
_TORCH_MANNER = ("foreach", "fused", "capturable", "differentiable")
_KERAS_OFF = {
    "weight_decay": None, "clipnorm": None, "clipvalue": None, "global_clipnorm": None,
    "use_ema": False, "loss_scale_factor": None, "gradient_accumulation_steps": None,
}  # fmt: skip
_KERAS_MANNER = ("jit_compile", "name")

_MEANINGS = {
    "torch.optim.SGD": _Meaning(
        "sgd",
        names={"lr": "lr", "momentum": "beta"},
        defaults={"lr": 1e-3, "beta": 0.0},
        off={**_TORCH_OFF, "dampening": 0},
        variants={"momentum": "momentum_pytorch", "nesterov": "nesterov"},
    ),
    "torch.optim.RMSprop": _Meaning(
        "rmsprop_pytorch",
        names={"lr": "lr", "alpha": "beta", "eps": "eps"},
        defaults={"lr": 1e-2, "beta": 0.99, "eps": 1e-8},
        off={**_TORCH_OFF, "momentum": 0, "centered": False},
    ),
    "torch.optim.Adam": _Meaning(
        "adam",
        names={"lr": "lr", "beta1": "beta1", "beta2": "beta2", "eps": "eps"},
        defaults={"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
        off={**_TORCH_OFF, "amsgrad": False, "decoupled_weight_decay": False},
        pairs={"betas": ("beta1", "beta2")},
    ),
    "keras.optimizers.SGD": _Meaning(
        "sgd",
        names={"learning_rate": "lr", "momentum": "beta"},
        defaults={"lr": 0.01, "beta": 0.0},
        off=_KERAS_OFF,
        variants={"momentum": "momentum", "nesterov": "nesterov"},
    ),
    "keras.optimizers.RMSprop": _Meaning(
        "rmsprop",
        names={"learning_rate": "lr", "rho": "beta", "epsilon": "eps"},
        defaults={"lr": 1e-3, "beta": 0.9, "eps": 1e-7},
        off={**_KERAS_OFF, "momentum": 0, "centered": False},
    ),
    "keras.optimizers.Adam": _Meaning(
        "adam_eps_hat",
        names={"learning_rate": "lr", "beta_1": "beta1", "beta_2": "beta2", "epsilon": "eps"},
        defaults={"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-7},
        off={**_KERAS_OFF, "amsgrad": False},
    ),
}
NAMES = tuple(_MEANINGS)


def arguments(name: str) -> tuple[str, ...]:
    """The arguments that may stand beside `name`, by the library's names and by ours."""
    meaning = _MEANINGS[_full(name)]
    return tuple(dict.fromkeys((*meaning.names, *meaning.pairs, *meaning.variants, *meaning.off,
                                *meaning.names.values())))  # fmt: skip


def resolve(name: str, options: Mapping[str, Any] | None = None) -> Resolved:
    """What a PyTorch or Keras user means by `torch.optim.SGD` with `options`.

    Options go by the library's names or by ours; a value is a number or a sweep (passed on as it
    stands), a switch is true or false. `OptionError` for what optlab's rules cannot do; ValueError
    for a name that is in no table.
    """
    name = _full(name)
    meaning = _MEANINGS[name]
    options = options or {}
    defaults = dict(meaning.defaults)
    ours: dict[str, Any] = {}
    renamed: dict[str, str] = {}
    used: set[str] = set()
    for key, value in options.items():
        if key in meaning.pairs:
            defaults |= _pair(name, key, value, meaning.pairs[key], options)
            used.add(key)
        elif key in meaning.names or key in meaning.names.values():
            renamed[key] = meaning.names.get(key, key)
            if renamed[key] in ours:
                raise OptionError(name, key, f"the same as `{renamed[key]}`; give one of them")
            ours[renamed[key]] = value
        else:
            _check_switch(name, key, value, meaning)
            used.add(key)
    rule = REGISTRY[_variant(name, meaning, options, ours)]
    defaults = {ours_: value for ours_, value in defaults.items() if ours_ in rule.hypers}
    form = replace(rule.form, constants=rule.form.constants | defaults)
    return Resolved(replace(rule, form=form), defaults, ours, renamed, frozenset(used))


def _full(name: str) -> str:
    """The table's name for `name`, which may be `tf.keras.optimizers.SGD`."""
    short = name.removeprefix("tf.").removeprefix("tensorflow.")
    if short in _MEANINGS:
        return short
    same = [known for known in _MEANINGS if known.lower() == short.lower()]
    word = short.rpartition(".")[2].lower()
    if not same and short.startswith(("torch.", "keras.")) and word in _optax_names():
        raise ValueError(f"'{name}' is not among the names that optlab translates ("
                         f"{', '.join(_MEANINGS)}); write `use: optax.{word}`")  # fmt: skip
    if hint := did_you_mean(short, same or _MEANINGS):
        raise ValueError(f"no optimizer named '{name}'{hint}")
    raise ValueError(f"no optimizer named '{name}'; of other libraries optlab knows "
                     f"{', '.join(_MEANINGS)}, and all of optax, as in optax.adamw")  # fmt: skip


def _optax_names() -> set[str]:
    """Functions of optax that take a learning rate first: its optimizers."""
    import optax

    return {n for n, f in vars(optax).items()
            if inspect.isfunction(f) and [*inspect.signature(f).parameters][:1] == ["learning_rate"]
            }  # fmt: skip


def _variant(
    name: str, meaning: _Meaning, options: Mapping[str, Any], ours: Mapping[str, Any]
) -> str:
    """The rule that the given arguments choose."""
    chosen = meaning.rule
    for key, rule in meaning.variants.items():
        given = key in options or (key != "nesterov" and meaning.names[key] in ours)
        if given and options.get(key) is not False:
            chosen = rule
    if chosen == "nesterov" and "beta" not in ours:
        raise OptionError(name, "nesterov", "needs a momentum, as in `momentum: 0.9`")
    return chosen


def _pair(
    name: str, key: str, value: Any, parts: tuple[str, str], options: Mapping[str, Any]
) -> dict[str, float]:
    two = isinstance(value, list | tuple) and len(value) == 2 and all(is_number(v) for v in value)
    if not two:
        raise OptionError(name, key, f"give two numbers, as in `{key}: [0.9, 0.999]`, or sweep "
                                     f"`{parts[0]}: ...` and `{parts[1]}: ...`")  # fmt: skip
    both = [part for part in parts if part in options]
    if both:
        raise OptionError(name, key, f"`{both[0]}` stands in it already; give one of them")
    for part, number in zip(parts, value, strict=True):
        if number not in look_up(part).interval:
            raise OptionError(name, key, f"{number:g} is outside {look_up(part).interval}")
    return {part: float(number) for part, number in zip(parts, value, strict=True)}


def _check_switch(name: str, key: str, value: Any, meaning: _Meaning) -> None:
    """`OptionError` where `key` is no argument, or one that the rules of the house cannot do."""
    if key in meaning.variants:
        if not isinstance(value, bool):
            raise OptionError(name, key, f"{value!r} is not true or false; a switch cannot be "
                                         "swept, so list two optimizers")  # fmt: skip
        return
    if key in (_TORCH_MANNER if name.startswith("torch") else _KERAS_MANNER):
        return
    if key not in meaning.off:
        hint = did_you_mean(key, arguments(name)) or f"; it takes {', '.join(arguments(name))}"
        raise OptionError(name, key, f"{name} has no such argument{hint}")
    off = meaning.off[key]
    if not (value == off or (value in (None, 0) and off in (None, 0))):
        raise OptionError(name, key, f"not supported for {name}; see whether optax has what you "
                                     "need, as in `use: optax.adamw`")  # fmt: skip
