"""Problems of constant curvature, rebuilt from what a manifest says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Bowl", "bowl"]


@dataclass(frozen=True, eq=False)
class Bowl:
    """f = f* + sum_i curvature_i z_i^2 / 2 with z = basis' (x - center). `basis` (dim, dim) has the
    axes as columns; None where it cannot be told from the manifest, and where they are those of x."""

    curvature: np.ndarray
    center: np.ndarray
    basis: np.ndarray | None
    axis_aligned: bool = False

    @property
    def axes_known(self) -> bool:
        return self.axis_aligned or self.basis is not None

    def along_axes(self, x: np.ndarray) -> np.ndarray:
        """Vectors `(..., dim)` told by the axes, which are known."""
        return x if self.basis is None else x @ self.basis

    def from_axes(self, z: np.ndarray) -> np.ndarray:
        """The way back."""
        return z if self.basis is None else z @ self.basis.T

    @property
    def extremes(self) -> tuple[float, float]:
        return float(self.curvature.min()), float(self.curvature.max())


def bowl(problem: dict[str, Any]) -> Bowl | None:
    """The bowl that a manifest's entry describes; None for any other problem."""
    if not problem.get("quadratic"):
        return None
    told = problem.get("parameters", {})
    return {"quadratic": _quadratic, "nesterov_chain": _chain}.get(
        problem.get("family", ""), lambda told: None
    )(told)


def _quadratic(told: dict[str, Any]) -> Bowl:
    dim, largest = int(told["dim"]), float(told["largest"])
    # Even ratios from smallest to largest.
    share = np.arange(dim) / max(dim - 1, 1) if dim > 1 else np.ones(1)
    curvature = largest * float(told["condition"]) ** (share - 1.0)
    center = np.where(np.arange(dim) % 2, -0.5, 1.0) if told["shifted"] else np.zeros(dim)
    if not told["rotated"]:
        return Bowl(curvature, center, None, axis_aligned=True)
    turn = np.sqrt(0.5)  # 45 degrees in the plane; elsewhere the manifest does not say
    return Bowl(curvature, center, np.array([[turn, -turn], [turn, turn]]) if dim == 2 else None)


def _chain(told: dict[str, Any]) -> Bowl:
    n, largest = int(told["dim"]), float(told["largest"])
    i = np.arange(1, n + 1)
    # The second difference has sine waves for axes.
    basis = np.sqrt(2 / (n + 1)) * np.sin(np.outer(i, i) * np.pi / (n + 1))
    curvature = largest * np.sin(i * np.pi / (2 * (n + 1))) ** 2
    return Bowl(curvature, 1.0 - i / (n + 1), basis)
