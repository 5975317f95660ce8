"""What an optimizer is to the engine, and how a wrong option is reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from optlab.straight import Straight

__all__ = ["Optimizer", "OptionError", "is_number"]


@runtime_checkable
class Optimizer(Protocol):
    """What the engine needs of an optimizer; `rules.Rule` and `optax.OptaxOptimizer` have it."""

    @property
    def name(self) -> str: ...

    @property
    def hypers(self) -> Mapping[str, float]:
        """Every numeric hyperparameter with its default; all can be swept."""

    @property
    def powers(self) -> tuple[str, ...]:
        """Hyperparameters b that stand in `b**t`."""

    @property
    def source(self) -> str:
        """The text that decides the result, besides the values of `hypers`."""

    @property
    def one_run(self) -> bool:
        """True: `start` and `step` take one run's parameters, and the engine maps them over runs.
        False: they broadcast over runs."""

    @property
    def wants_loss(self) -> bool:
        """Whether `step` takes the loss that the gradient is of, as `value=`. Only where
        `one_run`."""

    @property
    def fixed(self) -> frozenset[str]:
        """Hyperparameters that cannot be traced: one program per value, given as Python numbers."""

    @property
    def citation(self) -> str: ...

    @property
    def convention(self) -> str: ...

    @property
    def summary(self) -> str: ...

    @property
    def form(self) -> Straight | None:
        """The text as a straight-line function, where there is one."""

    @property
    def limit(self) -> Callable[..., Any] | None:
        """Largest stable step size on a quadratic, of `L` and of hyperparameters by name."""

    def start(self, params: Any, hypers: Mapping[str, Any]) -> Any:
        """The state at t = 0."""

    def step(
        self, params: Any, grads: Any, t: Any, state: Any, hypers: Mapping[str, Any], **seen: Any
    ) -> tuple[Any, Any]:
        """One update, t counting from 1: the new parameters (dtypes as before) and state."""


class OptionError(ValueError):
    """`option` of `optimizer` cannot be what the user wrote; `reason` says what to write."""

    def __init__(self, optimizer: str, option: str, reason: str) -> None:
        super().__init__(f"{optimizer}: `{option}`: {reason}")
        self.option = option
        self.reason = reason


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
