"""Learning from real rows: linear, logistic and softmax regression, then a small network.

The first three are strictly convex with l2 > 0, so their smallest loss is certified. All share one
form, a prediction and its error; `data` is {"X": (rows, features), "y": (rows,)}.

Weights are (outputs, inputs), and what is made of rows has them last: (classes, rows), (hidden, rows).
Then neither a product nor its slopes need an array turned over, sums over classes run along vectors of
rows, and a step takes two thirds of the time that it takes the other way round (`benchmarks/`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from jax import custom_jvp, nn
from jax import numpy as jnp

from optlab.problems import certificate
from optlab.problems.data import Classes, Numbers, Rows, Shipped, Split, load
from optlab.problems.protocol import About, Problem, Start, family

__all__ = ["linear_regression", "logistic_regression", "mlp", "softmax_regression"]

METRICS = ("test_loss", "train_accuracy", "test_accuracy")
"""What the problems of the house record besides the objective: the last two where there are
classes."""

Batch = int | Literal["full"]
Predict = Callable[[Any, Any], Any]


def _half_squared_error(prediction: Any, y: Any) -> Any:
    error = prediction - y
    return 0.5 * (error * error).mean()


@custom_jvp
def _softplus(z: Any) -> Any:
    return jnp.logaddexp(z, 0.0)


# Its slope, in one exponential: what is derived from log(exp(z) + exp(0)) has four, and they are most of a step.
_softplus.defjvps(lambda dz, value, z: dz * nn.sigmoid(z))


def _log_loss(margin: Any, y: Any) -> Any:
    # log(1 + exp(z)) - y z: the cross entropy of classes 0 and 1 whose log odds are z.
    return (_softplus(margin) - y.astype(margin.dtype) * margin).mean()


def _cross_entropy(logits: Any, y: Any) -> Any:
    # A product with one-hot columns is as fast as gathering, and needs no scatter on the way back.
    truth = nn.one_hot(y, len(logits), dtype=logits.dtype, axis=0)
    return (nn.logsumexp(logits, axis=0) - (truth * logits).sum(0)).mean()


def _likely(scores: Any) -> Any:
    """The class that log odds (rows,) or logits (classes, rows) speak for."""
    return (scores > 0).astype(jnp.int32) if scores.ndim == 1 else scores.argmax(0)


def _loss(predict: Predict, error: Predict, l2: float, penalised: Sequence[str]) -> Predict:
    def loss(params: Any, batch: Any) -> Any:
        mean = error(predict(params, batch["X"]), batch["y"])
        if l2 == 0:
            return mean
        return mean + 0.5 * l2 * sum((params[name] ** 2).sum() for name in penalised)

    return loss


def _metrics(predict: Predict, error: Predict, *, classes: bool) -> dict[str, Predict]:
    """What is recorded besides the objective; the penalty is left out of all of them."""

    def test_loss(params: Any, rows: Any) -> Any:
        return error(predict(params, rows["test"]["X"]), rows["test"]["y"])

    def accuracy(params: Any, rows: Any) -> Any:
        scores = predict(params, rows["X"])
        return (_likely(scores) == rows["y"]).astype(scores.dtype).mean()

    def train_accuracy(params: Any, rows: Any) -> Any:
        return accuracy(params, rows["train"])

    def test_accuracy(params: Any, rows: Any) -> Any:
        return accuracy(params, rows["test"])

    of_classes = (train_accuracy, test_accuracy) if classes else ()
    return dict(zip(METRICS, (test_loss, *of_classes), strict=False))


def _stream(rows: int, batch: Batch) -> tuple[Any, int]:
    """The order of minibatches, and the steps in an epoch; (None, 1) where every step sees all.

    Rows are shuffled anew each epoch, and those that do not fill the last minibatch sit it out.
    """
    if batch == "full":
        return None, 1
    if not isinstance(batch, int) or isinstance(batch, bool) or batch < 1:
        raise ValueError("batch: must be a number of rows from 1, or `full`")
    if batch > rows:
        raise ValueError(f"batch: there are {rows} training rows")
    steps_each = rows // batch

    def stream(rng: np.random.Generator, steps: int) -> np.ndarray:
        epochs = -(-steps // steps_each)
        order = [rng.permutation(rows)[: steps_each * batch] for _ in range(epochs)]
        return np.array(order, dtype=np.int32).reshape(-1, batch)[:steps]

    return stream, steps_each


def _checked(l2: float) -> float:
    if not 0 <= l2 < np.inf:
        raise ValueError("l2: must be a number from 0")
    return float(l2)


# --- one matrix of weights, convex ---


def _with_ones(rows: Rows) -> Rows:
    """A last column of ones, whose weight is the intercept (penalised like any other)."""
    return {"X": np.column_stack([rows["X"], np.ones(len(rows["X"]))]), "y": rows["y"]}


def _linear_prediction(params: Any, X: Any) -> Any:
    return params["w"] @ X.T


def _small(*shape: int) -> Start:
    """Weights normal with deviation 0.1: drawn, so that seeds differ, and near the usual zero."""
    return lambda rng: {"w": 0.1 * rng.standard_normal(shape[::-1]).T}


def _linear(
    name: str,
    split: Split,
    error: Predict,
    derivatives: Callable[[np.ndarray, np.ndarray, float], certificate.Derivatives],
    *,
    shape: tuple[int, ...],
    bend: float,
    l2: float,
    batch: Batch,
    exact: bool = False,
) -> Problem:
    """A linear prediction under `error`, whose second derivative by the prediction is at most
    `bend` (`exact`: is `bend` everywhere), plus l2/2 times the squared weights."""
    l2 = _checked(l2)
    train, test = _with_ones(split.train), _with_ones(split.test)
    rows = len(train["X"])
    stream, epoch = _stream(rows, batch)
    spread = np.linalg.eigvalsh(train["X"].T @ train["X"] / rows)
    m = l2 + (bend * max(0.0, float(spread[0])) if exact else 0.0)
    largest = l2 + bend * float(spread[-1])
    enough = m >= certificate.NARROWEST * largest
    dim = int(np.prod(shape))
    known = derivatives(train["X"], train["y"], l2)
    return Problem(
        name=name,
        parameters={},
        loss=_loss(_linear_prediction, error, l2, ["w"]),
        about=About(
            dim=dim,
            summary=f"{name.replace('_', ' ')} on {split.name}",
            curvature=(m, largest),
            quadratic=exact,
            separable=False,
            convex=True,
            source="scikit-learn's shipped data",
        ),
        layout="tree",
        data=train,
        test=test,
        start=_small(*shape),
        stream=stream,
        epoch=epoch,
        metrics=_metrics(_linear_prediction, error, classes=split.classes is not None),
        # Without a curvature to stand on there may be no smallest loss, and nothing is claimed. That
        # is settled before anything is solved: the spec must know whether a gap can be a target.
        minimum=(lambda: certificate.certified(known, dim, m)) if enough else None,
    )


@family
def linear_regression(
    *, data: Numbers = "diabetes", l2: float = 1e-3, batch: Batch = "full"
) -> Problem:
    """Half the mean squared error of a linear prediction, plus l2/2 times the squared weights.

    The target is standardised. `w` (features + 1,) ends with the intercept.
    """
    split = load(data)
    if split.classes is not None:
        raise ValueError(f"data: {data} has classes; use softmax_regression")
    return _linear(
        "linear_regression", split, _half_squared_error, certificate.least_squares,
        shape=(split.features + 1,), bend=1.0, l2=l2, batch=batch, exact=True,
    )  # fmt: skip


@family
def logistic_regression(
    *, data: Literal["breast_cancer"] = "breast_cancer", l2: float = 1e-3, batch: Batch = "full"
) -> Problem:
    """The mean log loss of two classes, plus l2/2 times the squared weights.

    `w` (features + 1,) ends with the intercept; x'w is the log odds of class 1. A log loss bends
    by p (1 - p) <= 1/4.
    """
    split = load(data)
    if split.classes != 2:
        raise ValueError(f"data: {data} has not two classes; "
                         f"use {'softmax' if split.classes else 'linear'}_regression")  # fmt: skip
    return _linear(
        "logistic_regression", split, _log_loss, certificate.logistic,
        shape=(split.features + 1,), bend=0.25, l2=l2, batch=batch,
    )  # fmt: skip


@family
def softmax_regression(
    *, data: Classes = "digits", l2: float = 1e-3, batch: Batch = "full"
) -> Problem:
    """The mean cross entropy of several classes, plus l2/2 times the squared weights.

    `w` (classes, features + 1) has the intercepts in its last column. diag(p) - p p' has no
    eigenvalue above 1/2 (Böhning 1992).
    """
    split = load(data)
    if split.classes is None:
        raise ValueError(f"data: {data} has no classes; use linear_regression")
    classes = split.classes
    return _linear(
        "softmax_regression", split, _cross_entropy,
        lambda X, y, l2: certificate.softmax(X, y, classes, l2),
        shape=(classes, split.features + 1), bend=0.5, l2=l2, batch=batch,
    )  # fmt: skip


# --- a network ---

_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {"relu": nn.relu, "tanh": jnp.tanh}


def _network(layers: int, activation: Callable[[Any], Any], *, column: bool) -> Predict:
    """Logits (classes, rows), or with `column` one number a row."""

    def predict(params: Any, X: Any) -> Any:
        h = X.T
        for i in range(1, layers):
            h = activation(params[f"w{i}"] @ h + params[f"b{i}"][:, None])
        h = params[f"w{layers}"] @ h + params[f"b{layers}"][:, None]
        return h[0] if column else h

    return predict


def _network_start(widths: Sequence[int], activation: str) -> Start:
    """Normal weights that keep the size of what passes through (He et al. 2015 for ReLU; Glorot &
    Bengio 2010 for tanh), biases zero."""

    def start(rng: np.random.Generator) -> dict[str, np.ndarray]:
        params = {}
        for i, (fan_in, fan_out) in enumerate(pairwise(widths), start=1):
            fan = fan_in if activation == "relu" else fan_in + fan_out
            params[f"w{i}"] = np.sqrt(2.0 / fan) * rng.standard_normal((fan_in, fan_out)).T
            params[f"b{i}"] = np.zeros(fan_out)
        return params

    return start


@family
def mlp(
    *,
    data: Shipped = "digits",
    hidden: list[int] = [32],  # noqa: B006  never changed, and equal to what YAML reads
    activation: Literal["relu", "tanh"] = "relu",
    l2: float = 0.0,
    batch: Batch = 64,
) -> Problem:
    """A fully connected network, with cross entropy for classes and half squared error for numbers.

    Parameters are w1 (hidden[0], features), b1 (hidden[0],), w2, b2 and so on; l2/2 times the
    squared weights is added, biases go free.
    """
    widths_fit = len(hidden) > 0 and all(
        isinstance(width, int) and not isinstance(width, bool) and width > 0 for width in hidden
    )
    if not widths_fit:
        raise ValueError("hidden: give the width of at least one layer, as in `[32]` or `[64, 32]`")
    if activation not in _ACTIVATIONS:
        raise ValueError(f"activation: must be one of {', '.join(_ACTIVATIONS)}")
    l2 = _checked(l2)
    split = load(data)
    stream, epoch = _stream(len(split.train["X"]), batch)
    widths = (split.features, *hidden, split.classes or 1)
    layers = len(widths) - 1
    predict = _network(layers, _ACTIVATIONS[activation], column=split.classes is None)
    error = _half_squared_error if split.classes is None else _cross_entropy
    return Problem(
        name="mlp",
        parameters={},
        loss=_loss(predict, error, l2, [f"w{i}" for i in range(1, layers + 1)]),
        about=About(
            dim=sum((a + 1) * b for a, b in pairwise(widths)),
            summary=f"{'-'.join(map(str, widths))} {activation} network on {data}",
            separable=False,
            convex=False,
            source="scikit-learn's shipped data",
        ),
        layout="tree",
        data=split.train,
        test=split.test,
        start=_network_start(widths, activation),
        stream=stream,
        epoch=epoch,
        metrics=_metrics(predict, error, classes=split.classes is not None),
    )
