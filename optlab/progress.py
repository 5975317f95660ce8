"""Who is told how far the work is, and what broke."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "Silent", "plainly"]


class Progress(Protocol):
    """Who is told how far the work is, in run-steps (one update of one run).

    Each stage begins anew: `runs` and `stored` count those of the stages before it too, and `later` are the
    run-steps, at most, that come after it in stages of the same kind."""

    def begin(self, name: str, runs: int, run_steps: int, stored: int, later: int) -> None: ...

    def advance(self, run_steps: int) -> None: ...

    def note(self, text: str) -> None: ...


class Silent:
    def begin(self, name: str, runs: int, run_steps: int, stored: int, later: int) -> None: ...

    def advance(self, run_steps: int) -> None: ...

    def note(self, text: str) -> None: ...


def plainly(error: Exception) -> str:
    """What broke, in one line; a value that JAX cannot look into has a remedy."""
    first = str(error).splitlines()[0] if str(error) else ""
    if type(error).__name__.startswith(("Tracer", "Concretization")):
        return (
            "the loss looks at a value while it is compiled: write jnp.where(condition, a, b) for "
            f"`if`, and jax.numpy's functions for NumPy's ({type(error).__name__})"
        )
    return f"{type(error).__name__}: {first}"
