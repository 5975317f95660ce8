"""The smallest loss of a convex problem, with a proof of how near it is.

If every curvature of f is at least m > 0, then f(w) - f* <= ||f'(w)||^2 / (2 m) at any point w
(Nesterov 2018, Lectures on Convex Optimization, eq. 2.1.24). So whatever found w need not be
trusted: its gradient tells. Here Newton's method finds it, with derivatives written out in NumPy,
so that nothing is shared with the optimizers under test nor with the library that differentiates
their losses. The bound is of exact arithmetic; a value in float64 carries a few 1e-16 of itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from optlab.problems.protocol import Minimum

__all__ = [
    "NARROWEST",
    "Derivatives",
    "certified",
    "least_squares",
    "logistic",
    "newton",
    "softmax",
    "unproved",
]

Derivatives = Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]
"""w, of shape (d,), to the loss, its gradient (d,) and its Hessian (d, d)."""


NARROWEST = 1e-8
"""Share of the largest curvature that the smallest must have. Newton's method leaves a gradient of
1e-13 or so, hence an error of 1e-26 / (2 m); with a smaller m it may be as large as what is known."""


def certified(derivatives: Derivatives, dim: int, m: float) -> Minimum | None:
    """The smallest loss, solved from zero; no curvature may be below `m` > 0. None where the proof
    leaves more than a billionth of it open, which says nothing of gaps worth looking at."""
    w = newton(derivatives, np.zeros(dim))
    value, g, _ = derivatives(w)
    error = unproved(g, m)
    if not error <= 1e-9 * max(float(value), 1e-9):
        return None
    # No double says more than its own rounding, whatever the certificate proves of the exact loss.
    return Minimum(float(value), "certificate", error=max(error, 8 * float(np.spacing(abs(value)))))


def unproved(g: np.ndarray, m: float) -> float:
    """How far a loss of curvature at least m > 0 can lie above its minimum where its gradient is g
    (d,): ||g||^2 / (2 m), by strong convexity, in exact arithmetic."""
    return float(g @ g / (2.0 * m))


def newton(
    derivatives: Derivatives, w: np.ndarray, *, tolerance: float = 1e-13, most: int = 100
) -> np.ndarray:
    """Newton's method for a strictly convex loss, steps halved until they descend enough (Armijo).

    Ends where the norm of the gradient is at most `tolerance`, or where rounding stops progress, or
    after `most` steps: how near the point is, its gradient says.
    """
    value, g, H = derivatives(w)
    for _ in range(most):
        if np.linalg.norm(g) <= tolerance:
            break
        direction = np.linalg.solve(H, g)
        rounding = 1e-15 * abs(value)  # without it the last steps, too small to see, were refused
        step = 1.0
        while True:
            there = w - step * direction
            trial = derivatives(there)
            if trial[0] <= value - 1e-4 * step * (g @ direction) + rounding:
                break
            step /= 2.0
        if trial[0] >= value - rounding and np.linalg.norm(trial[1]) >= np.linalg.norm(g):
            break
        w, (value, g, H) = there, trial
    return w


def least_squares(X: np.ndarray, y: np.ndarray, l2: float) -> Derivatives:
    """Half the mean squared error of X w against the numbers y, and l2/2 ||w||^2."""
    H = X.T @ X / len(X) + l2 * np.eye(X.shape[1])

    def derivatives(w: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        r = X @ w - y
        return r @ r / (2 * len(X)) + l2 / 2 * (w @ w), X.T @ r / len(X) + l2 * w, H

    return derivatives


def logistic(X: np.ndarray, y: np.ndarray, l2: float) -> Derivatives:
    """The mean of log(1 + exp(-s x'w)), s = 1 for class 1 and -1 for class 0, and l2/2 ||w||^2."""
    signed = np.where(y == 1, 1.0, -1.0)[:, None] * X

    def derivatives(w: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        margin = signed @ w
        value = np.logaddexp(0.0, -margin).mean() + l2 / 2 * (w @ w)
        p = np.exp(-np.logaddexp(0.0, margin))  # of the wrong class
        g = -signed.T @ p / len(X) + l2 * w
        H = signed.T @ (signed * (p * (1 - p))[:, None]) / len(X) + l2 * np.eye(len(w))
        return value, g, H

    return derivatives


def softmax(X: np.ndarray, y: np.ndarray, classes: int, l2: float) -> Derivatives:
    """The mean cross entropy of softmax(X W'), and l2/2 ||W||^2; w is W (classes, features) by rows.

    The Hessian is dense, (features * classes)^2: some hundreds of parameters, not thousands.
    """
    n, features = X.shape
    truth = np.eye(classes)[y]

    def derivatives(w: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        z = X @ w.reshape(classes, features).T
        z = z - z.max(1, keepdims=True)
        total = np.exp(z).sum(1, keepdims=True)
        p = np.exp(z) / total
        value = (np.log(total[:, 0]) - (truth * z).sum(1)).mean() + l2 / 2 * (w @ w)
        g = ((p - truth).T @ X / n).ravel() + l2 * w
        # Per row: (diag(p) - p p') kron x x'.
        H = np.zeros((classes, features, classes, features))
        for c in range(classes):
            H[c, :, c, :] = X.T @ (X * p[:, c, None]) / n
        mixed = (p[:, :, None] * X[:, None, :]).reshape(n, -1)
        H = H.reshape(len(w), len(w)) - mixed.T @ mixed / n + l2 * np.eye(len(w))
        return value, g, H

    return derivatives
