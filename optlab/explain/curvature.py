"""The Hessian of a loss at a point, by products with vectors: whole where the problem is small, else its
largest and smallest eigenvalue by Lanczos' method."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

from optlab.explain.replay import cast
from optlab.problems import Problem

__all__ = ["SMALL", "Spectrum", "hessian", "lanczos", "spectrum"]

SMALL = 50
"""Problems of at most so many parameters have all eigenvalues computed."""

_TURNS = 60  # of Lanczos' method; the ends of the spectrum converge first


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues of P^1/2 H P^1/2 in rising order, all of them (`whole`) or those of Lanczos' method,
    of which the first and the last are meant. `top` and `error` are the unit eigenvector of the
    largest and the norm of its residual."""

    values: np.ndarray
    vectors: np.ndarray | None
    top: np.ndarray
    error: float

    @property
    def whole(self) -> bool:
        return self.vectors is not None

    @property
    def largest(self) -> float:
        return float(self.values[-1])

    @property
    def smallest(self) -> float:
        return float(self.values[0])


def hessian(problem: Problem, params: Any) -> Callable[[np.ndarray], np.ndarray]:
    """The full objective's Hessian at `params` as a function from columns (dim, k) to (dim, k), in
    double precision. Where the loss has a kink it is that of the side which JAX takes."""
    import jax

    product, data = _product(problem)
    with jax.enable_x64(True):
        point = cast(params, "float64")

    def times(columns: np.ndarray) -> np.ndarray:
        with jax.enable_x64(True):
            return np.asarray(product(point, np.asarray(columns, float).T, data)).T

    return times


@functools.lru_cache(maxsize=16)
def _product(problem: Problem) -> tuple[Callable[..., Any], Any]:
    """Rows (k, dim) times the Hessian, compiled when it is first called, and the data it needs."""
    import jax
    from jax.flatten_util import ravel_pytree

    def product(params: Any, rows: Any, data: Any) -> Any:
        flat, shaped = ravel_pytree(params)

        def slope(x: Any) -> Any:
            return ravel_pytree(jax.grad(problem.scalar_loss)(shaped(x), data))[0]

        return jax.vmap(lambda row: jax.jvp(slope, (flat,), (row,))[1])(rows)

    return jax.jit(product), cast(problem.data, "float64")


def spectrum(
    times: Callable[[np.ndarray], np.ndarray], dim: int, scale: np.ndarray | None = None
) -> Spectrum:
    """The spectrum of P^1/2 H P^1/2 with P = diag(`scale`) (dim,), the identity where it is None.
    LinAlgError where the Hessian is not finite."""
    root = np.ones(dim) if scale is None else np.sqrt(scale)
    if dim > SMALL:
        return lanczos(lambda v: root * times((root * v)[:, None])[:, 0], dim)
    full = root[:, None] * times(np.diag(root))
    if not np.isfinite(full).all():
        raise np.linalg.LinAlgError("the Hessian is not finite here")
    values, vectors = np.linalg.eigh((full + full.T) / 2)
    return Spectrum(values, vectors, vectors[:, -1], 0.0)


def lanczos(
    times: Callable[[np.ndarray], np.ndarray], dim: int, turns: int = _TURNS, seed: int = 0
) -> Spectrum:
    """Both ends of a symmetric operator's spectrum, v (dim,) -> (dim,), with every new vector made
    orthogonal to all before it (Paige 1972 says why). The start is drawn from `seed`, so that results
    repeat."""
    v = np.random.Generator(np.random.Philox(seed)).standard_normal(dim)
    basis = [v / np.linalg.norm(v)]
    diagonal: list[float] = []
    beside: list[float] = []
    for _ in range(min(turns, dim)):
        w = times(basis[-1])
        if not np.isfinite(w).all():
            raise np.linalg.LinAlgError("the Hessian is not finite here")
        diagonal.append(float(basis[-1] @ w))
        for _ in range(2):  # once loses half the digits where eigenvalues are close
            w = w - np.array(basis).T @ (np.array(basis) @ w)
        length = float(np.linalg.norm(w))
        beside.append(length)
        if length <= 1e-12 * max(np.abs(diagonal).max(), 1e-300):
            break
        basis.append(w / length)
    values, vectors = scipy.linalg.eigh_tridiagonal(diagonal, beside[: len(diagonal) - 1])
    top = np.array(basis[: len(diagonal)]).T @ vectors[:, -1]
    return Spectrum(values, None, top, abs(beside[len(diagonal) - 1] * vectors[-1, -1]))
