"""How fast linear rules come down a quadratic bowl in the long run: a straight line in a plot of the gap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis import setting
from optlab.theory.evidence import rule_of
from optlab.theory.linear import radius

__all__ = ["long_run"]


def long_run(manifest: dict[str, Any], best: pd.DataFrame) -> pd.DataFrame:
    """Of every optimizer that is a linear rule, at its chosen setting, on every bowl with exact gradients: the
    factor by which its gap shrinks each update in the long run, the square of the largest spectral radius at
    the smallest and the largest curvature (Polyak 1964, doi:10.1016/0041-5553(64)90137-5; Lessard, Recht &
    Packard 2016, section 2.2, doi:10.1137/15M1009597). None where it is not below 1. Columns: problem,
    optimizer, factor."""
    rows = []
    entries = {optimizer["name"]: optimizer for optimizer in manifest["optimizers"]}
    for problem in manifest["problems"]:
        curvature = problem.get("curvature")
        noisy = problem["parameters"].get("noise") or problem.get("epoch_steps")
        if not problem.get("quadratic") or not curvature or noisy:
            continue
        for _, row in best[best["problem"] == problem["name"]].iterrows():
            entry = entries[row["optimizer"]]
            chosen = setting(row, entry["hypers"])
            factor = max(radius(rule_of(entry), chosen, float(c)) for c in curvature) ** 2
            if np.isfinite(factor) and factor < 1:
                rows.append((problem["name"], row["optimizer"], factor))
    return pd.DataFrame(rows, columns=["problem", "optimizer", "factor"])
