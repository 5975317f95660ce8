"""scikit-learn's shipped data sets, split once and scaled: real rows without a download.

The split belongs to the data set, not to an experiment: every experiment sees the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np

__all__ = ["Classes", "Numbers", "Rows", "Shipped", "Split", "load"]

Classes = Literal["iris", "wine", "breast_cancer", "digits"]
"""Data sets whose target is a class."""
Numbers = Literal["diabetes"]
"""Data sets whose target is a number."""
Shipped = Literal[Classes, Numbers]

Rows = dict[str, np.ndarray]
"""`X`: (rows, features) float64. `y`: (rows,), int32 classes from 0, or float64 numbers."""

HELD_OUT = 0.2
SEED = 20150713


@dataclass(frozen=True, eq=False)
class Split:
    """A data set ready for learning. `classes` is None where the target is a number."""

    name: str
    train: Rows
    test: Rows
    classes: int | None

    @property
    def features(self) -> int:
        return self.train["X"].shape[1]


@lru_cache
def load(name: str) -> Split:
    """The data set of this name: a fifth of the rows held out (of each class, where there are
    classes), everything scaled by what the training rows say. The arrays are read-only.

    Each feature is centred and divided by its standard deviation; a constant one becomes 0. The
    pixels of `digits` share one scale instead (their mean square becomes 1): a border pixel lit in
    one image of a thousand would otherwise count as 30 standard deviations there. Numbers to
    predict are standardised too, so a squared error of 1 is what the mean predicts.
    """
    from sklearn import datasets  # takes a second, for those alone who need it

    if name not in get_args(Shipped):
        known = ", ".join(get_args(Shipped))
        raise ValueError(f"data: no data set named {name!r}; there are {known}")
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    train, test = _rows(y if name in get_args(Classes) else np.zeros(len(y)))
    X = _scaled(X.astype(float), train, shared=name == "digits")
    if name in get_args(Classes):
        y, classes = y.astype(np.int32), int(y.max()) + 1
    else:
        y, classes = _scaled(y.astype(float)[:, None], train)[:, 0], None
    X.flags.writeable = y.flags.writeable = False
    return Split(name, _taken(X, y, train), _taken(X, y, test), classes)


def _rows(groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Training and held-out row numbers, a fifth of each group held out, in the file's order."""
    # RandomState, because NumPy promises that its stream never changes; Generator's may.
    rng = np.random.RandomState(SEED)
    held_out = np.zeros(len(groups), dtype=bool)
    for group in np.unique(groups):
        members = rng.permutation(np.flatnonzero(groups == group))
        held_out[members[: round(HELD_OUT * len(members))]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def _scaled(X: np.ndarray, train: np.ndarray, *, shared: bool = False) -> np.ndarray:
    """Columns centred and divided by their deviation over the training rows, or by one number."""
    X = X - X[train].mean(0)
    variance = (X[train] ** 2).mean(0)
    constant = np.ptp(X[train], axis=0) == 0
    if shared:
        variance = np.full_like(variance, variance.mean())
    X = X / np.sqrt(np.where(constant, 1.0, variance))
    X[:, constant] = 0.0
    return X


def _taken(X: np.ndarray, y: np.ndarray, rows: np.ndarray) -> Rows:
    taken = {"X": X[rows], "y": y[rows]}
    for array in taken.values():
        array.flags.writeable = False
    return taken
