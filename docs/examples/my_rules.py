"""A rule of one's own: five lines, and it is compiled, swept, traced and printed like the others."""

from optlab.algebra import norm, sqrt


def sprig(x, g, t, m=0.0, *, lr=0.1, rho=0.9):
    """Step along the mean gradient, scaled to unit length and slowed as time goes on."""
    m = rho * m + (1 - rho) * g
    x = x - lr * m / (norm(m) + 1e-12) / sqrt(t)
    return x, m
