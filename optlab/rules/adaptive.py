"""Rules that divide by a running root mean square of the gradient, coordinate by coordinate."""

from optlab.algebra import sqrt
from optlab.rules.protocol import rule


@rule(
    "Tieleman & Hinton 2012, Neural Networks for Machine Learning, lecture 6e",
    convention="eps stands inside the root, as in Keras and optax; PyTorch adds it outside "
    "(rmsprop_pytorch). No bias correction. Default decay 0.9 (PyTorch: 0.99).",
    settled=lambda lr: lr,
    settled_formula="lr, at any size of gradient",
)
def rmsprop(x, g, s=0.0, *, lr=1e-3, beta=0.9, eps=1e-7):
    """Step along the gradient over its root mean square."""
    s = beta * s + (1 - beta) * g**2
    x = x - lr * g / sqrt(s + eps)
    return x, s


@rule(
    "Tieleman & Hinton 2012, lecture 6e, as in torch.optim.RMSprop",
    convention="eps stands outside the root, as in PyTorch; Keras, optax and the rule `rmsprop` "
    "add it inside. No bias correction. Default decay 0.99.",
    settled=lambda lr: lr,
    settled_formula="lr, at any size of gradient",
)
def rmsprop_pytorch(x, g, s=0.0, *, lr=0.01, beta=0.99, eps=1e-8):
    """Step along the gradient over its root mean square."""
    s = beta * s + (1 - beta) * g**2
    x = x - lr * g / (sqrt(s) + eps)
    return x, s


@rule(
    "Kingma & Ba 2015, Algorithm 1, arXiv:1412.6980",
    convention="eps stands outside the root, after bias correction, as in PyTorch and optax; Keras "
    "uses the paper's second form (adam_eps_hat).",
    settled=lambda lr: lr,
    settled_formula="lr, at any size of gradient",
)
def adam(x, g, t, m=0.0, v=0.0, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    """Step along the mean gradient over its root mean square, both freed of their zero start."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    x = x - lr * m_hat / (sqrt(v_hat) + eps)
    return x, m, v


@rule(
    "Kingma & Ba 2015, end of section 2, arXiv:1412.6980",
    convention="eps-hat is added to the root before bias correction, as in Keras (1e-7 there): at "
    "step 1 it weighs 1 / sqrt(1 - beta2) times as much as the eps of `adam`.",
    settled=lambda lr: lr,
    settled_formula="lr, at any size of gradient",
)
def adam_eps_hat(x, g, t, m=0.0, v=0.0, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-7):
    """Step along the mean gradient over its root mean square, the correction put into the rate."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    lr_t = lr * sqrt(1 - beta2**t) / (1 - beta1**t)
    x = x - lr_t * m / (sqrt(v) + eps)
    return x, m, v
