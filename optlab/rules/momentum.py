"""Gradient descent and its velocities."""

from optlab.rules.protocol import rule


@rule(
    "Robbins & Monro 1951, doi:10.1214/aoms/1177729586",
    convention="The plain step; the same in every library.",
    limit=lambda L: 2 / L,
    limit_formula="2 / L",
    settled=lambda lr: lr,
    settled_formula="lr",
)
def sgd(x, g, *, lr=0.01):
    """Step against the gradient."""
    x = x - lr * g
    return x


@rule(
    "Polyak 1964, doi:10.1016/0041-5553(64)90137-5",
    convention="The rate stands inside the velocity, as in Keras; PyTorch and optax keep it "
    "outside (momentum_pytorch), which differs when the rate changes over time.",
    limit=lambda L, beta: 2 * (1 + beta) / L,
    limit_formula="2 (1 + beta) / L",
    settled=lambda lr, beta: lr / (1 - beta),
    settled_formula="lr / (1 − beta)",
)
def momentum(x, g, v=0.0, *, lr=0.01, beta=0.9):
    """Step along a velocity that remembers past gradients, each with the rate of its own step."""
    v = beta * v + lr * g
    x = x - v
    return x, v


@rule(
    "Sutskever et al. 2013, section 2, as in torch.optim.SGD",
    convention="The rate stands outside the velocity, as in PyTorch and optax; Keras and the "
    "rule `momentum` keep it inside, the same thing while the rate is constant.",
    limit=lambda L, beta: 2 * (1 + beta) / L,
    limit_formula="2 (1 + beta) / L",
    settled=lambda lr, beta: lr / (1 - beta),
    settled_formula="lr / (1 − beta)",
)
def momentum_pytorch(x, g, v=0.0, *, lr=0.01, beta=0.9):
    """Step along a velocity that remembers past gradients, with the rate of now."""
    v = beta * v + g
    x = x - lr * v
    return x, v


@rule(
    "Kingma & Ba 2015, arXiv:1412.6980, the running mean of Algorithm 1 without its bias correction",
    convention="The velocity is a running mean, (1 - beta) g in place of g: the same as `momentum` "
    "at the rate lr (1 - beta). PyTorch's dampening is not this: its first velocity is g itself.",
    limit=lambda L, beta: 2 * (1 + beta) / ((1 - beta) * L),
    limit_formula="2 (1 + beta) / ((1 - beta) L)",
    settled=lambda lr: lr,
    settled_formula="lr",
)
def ema(x, g, v=0.0, *, lr=0.01, beta=0.9):
    """Step along a running mean of past gradients."""
    v = beta * v + (1 - beta) * g
    x = x - lr * v
    return x, v


@rule(
    "Nesterov 1983; Sutskever et al. 2013, section 2",
    convention="The form of PyTorch, optax and Keras: the gradient is taken at x and the velocity "
    "is looked ahead by one step; the rate stands outside the velocity.",
    limit=lambda L, beta: 2 * (1 + beta) / ((1 + 2 * beta) * L),
    limit_formula="2 (1 + beta) / ((1 + 2 beta) L)",
    settled=lambda lr, beta: lr / (1 - beta),
    settled_formula="lr / (1 − beta)",
)
def nesterov(x, g, v=0.0, *, lr=0.01, beta=0.9):
    """Step along the gradient plus the velocity that it leads to."""
    v = beta * v + g
    x = x - lr * (g + beta * v)
    return x, v
