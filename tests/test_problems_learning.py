"""Learning problems against plain NumPy, scikit-learn's own solvers and counted rows."""

import jax
import numpy as np
import pytest
from jax import numpy as jnp
from sklearn import datasets
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, log_loss

from optlab.problems import REGISTRY, certificate
from optlab.problems.data import load

CLASSES = ["iris", "wine", "breast_cancer", "digits"]


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


# --- rows ---


@pytest.mark.parametrize("name", [*CLASSES, "diabetes"])
def test_a_fifth_of_the_rows_is_held_out_and_none_is_lost(name):
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    split = load(name)
    rows = len(split.train["y"]), len(split.test["y"])
    assert sum(rows) == len(y)
    assert rows[1] == pytest.approx(0.2 * len(y), abs=3)
    # Undo the scaling, which is affine in each column: the rows are the file's, each once.
    both = np.concatenate([split.train["X"], split.test["X"]])
    for ours, theirs in zip(both.T, X.T, strict=True):
        spread = np.ptp(theirs)
        if spread == 0:
            np.testing.assert_array_equal(ours, 0.0)
        elif np.ptp(ours) > 0:
            unit = [np.sort((c - c.min()) / np.ptp(c)) for c in (ours, theirs)]
            np.testing.assert_allclose(*unit, atol=1e-12)


@pytest.mark.parametrize("name", CLASSES)
def test_classes_keep_their_shares(name):
    split = load(name)
    train, test = (np.bincount(part["y"]) for part in (split.train, split.test))
    assert split.train["y"].dtype == np.int32
    assert len(train) == len(test) == split.classes
    np.testing.assert_allclose(test, 0.2 * (train + test), atol=0.5)


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_training_features_are_standard(name):
    X = load(name).train["X"]
    np.testing.assert_allclose(X.mean(0), 0.0, atol=1e-12)
    np.testing.assert_allclose(X.std(0), 1.0, rtol=1e-12)


def test_pixels_share_one_scale():
    split = load("digits")
    X = split.train["X"]
    np.testing.assert_allclose(X.mean(0), 0.0, atol=1e-12)
    assert np.mean(X**2) == pytest.approx(1.0)
    both = np.concatenate([X, split.test["X"]])
    # Grey values are whole numbers from 0 to 16, so steps between them show the scale.
    steps = np.ptp(both, axis=0).max() / 16
    np.testing.assert_allclose(
        (both - both[0]) / steps, np.round((both - both[0]) / steps), atol=1e-9
    )


def test_targets_that_are_numbers_are_standard():
    y = load("diabetes").train["y"]
    assert y.mean() == pytest.approx(0.0, abs=1e-12)
    assert y.std() == pytest.approx(1.0)


def test_loaded_rows_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        load("iris").train["X"][0, 0] = 7.0
    assert load("iris") is load("iris")


# --- losses ---


def numpy_softmax_loss(z, y):
    total = 0.0
    for row, label in zip(z, y, strict=True):
        top = row.max()
        total += top + np.log(sum(np.exp(row - top))) - row[label]
    return total / len(y)


def test_linear_regression_is_the_plain_formula():
    problem = REGISTRY["linear_regression"](l2=0.3)
    w = problem.start(np.random.default_rng(0))["w"]
    X, y = problem.data["X"], problem.data["y"]
    wanted = sum((x @ w - t) ** 2 for x, t in zip(X, y, strict=True)) / len(y) / 2
    wanted += 0.15 * sum(w * w)
    assert float(problem.loss({"w": w}, problem.data)) == pytest.approx(wanted, rel=1e-13)


def test_logistic_regression_is_the_plain_formula():
    problem = REGISTRY["logistic_regression"](l2=0.3)
    w = problem.start(np.random.default_rng(0))["w"]
    X, y = problem.data["X"], problem.data["y"]
    odds = X @ w
    wanted = np.mean([np.log(1 + np.exp(-z if t else z)) for z, t in zip(odds, y, strict=True)])
    wanted += 0.15 * sum(w * w)
    assert float(problem.loss({"w": w}, problem.data)) == pytest.approx(wanted, rel=1e-13)


def test_softmax_regression_is_the_plain_formula():
    problem = REGISTRY["softmax_regression"](l2=0.3)
    w = problem.start(np.random.default_rng(0))["w"]
    wanted = numpy_softmax_loss(problem.data["X"] @ w.T, problem.data["y"]) + 0.15 * (w * w).sum()
    assert float(problem.loss({"w": w}, problem.data)) == pytest.approx(wanted, rel=1e-13)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_mlp_is_the_plain_formula(activation):
    problem = REGISTRY["mlp"](hidden=[7, 5], activation=activation, l2=0.3)
    p = problem.start(np.random.default_rng(0))
    p = {name: value + 0.1 for name, value in p.items()}  # biases too
    act = np.tanh if activation == "tanh" else lambda z: z * (z > 0)
    h = act(problem.data["X"] @ p["w1"].T + p["b1"])
    h = act(h @ p["w2"].T + p["b2"])
    wanted = numpy_softmax_loss(h @ p["w3"].T + p["b3"], problem.data["y"])
    wanted += 0.15 * sum((p[name] ** 2).sum() for name in ("w1", "w2", "w3"))
    assert float(problem.loss(p, problem.data)) == pytest.approx(wanted, rel=1e-13)


def test_mlp_for_numbers_is_half_the_squared_error():
    problem = REGISTRY["mlp"](data="diabetes", hidden=[4])
    p = problem.start(np.random.default_rng(0))
    h = np.maximum(problem.data["X"] @ p["w1"].T + p["b1"], 0)
    wanted = np.mean(((h @ p["w2"].T + p["b2"])[:, 0] - problem.data["y"]) ** 2) / 2
    assert float(problem.loss(p, problem.data)) == pytest.approx(wanted, rel=1e-13)
    assert set(problem.metrics) == {"test_loss"}


@pytest.mark.parametrize("name", ["logistic_regression", "softmax_regression", "mlp"])
@pytest.mark.slow
def test_far_weights_give_a_finite_loss_and_slope(name):
    problem = REGISTRY[name]()
    far = {key: 1e4 * value for key, value in problem.start(np.random.default_rng(0)).items()}
    loss, slope = jax.value_and_grad(problem.loss)(far, problem.data)
    assert np.isfinite(loss)
    assert all(np.isfinite(leaf).all() for leaf in slope.values())


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("linear_regression", {"batch": 32}),
        ("logistic_regression", {"batch": 32}),
        ("softmax_regression", {"batch": 32}),
        ("mlp", {"l2": 0.1}),
    ],
)
@pytest.mark.slow
def test_runs_side_by_side_on_shared_rows_are_the_runs_alone(name, parameters):
    problem = REGISTRY[name](**parameters)
    starts = [problem.start(np.random.default_rng(seed)) for seed in range(4)]
    together = {key: jnp.stack([start[key] for start in starts]) for key in starts[0]}
    rows = problem.stream(np.random.default_rng(0), 1)[0]
    batch = {key: values[rows] for key, values in problem.data.items()}
    slopes = jax.jit(jax.vmap(jax.grad(problem.loss), in_axes=(0, None)))(together, batch)
    for i, start in enumerate(starts):
        alone = jax.grad(problem.loss)(start, batch)
        for key, slope in alone.items():
            np.testing.assert_allclose(slopes[key][i], slope, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("name", ["logistic_regression", "softmax_regression"])
def test_metrics_are_scikit_learns(name):
    problem = REGISTRY[name](l2=0.5)
    w = problem.start(np.random.default_rng(0))["w"]
    rows = {"train": problem.data, "test": problem.test}
    seen = {key: float(metric({"w": w}, rows)) for key, metric in problem.metrics.items()}
    assert set(seen) == {"test_loss", "train_accuracy", "test_accuracy"}
    for part, (X, y) in {key: (r["X"], r["y"]) for key, r in rows.items()}.items():
        z = X @ w.T
        scores = np.column_stack([np.zeros(len(z)), z]) if z.ndim == 1 else z
        assert seen[f"{part}_accuracy"] == pytest.approx(accuracy_score(y, scores.argmax(1)))
        if part == "test":
            p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
            assert seen["test_loss"] == pytest.approx(log_loss(y, p), rel=1e-12)


# --- certified minima ---


def gap_above_minimum(problem, w):
    proofs, unproved = [], certificate.unproved
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            certificate, "unproved", lambda g, m: proofs.append(unproved(g, m)) or proofs[-1]
        )
        known = problem.minimum()
    assert known.provenance == "certificate"
    assert len(proofs) == 1
    assert proofs[0] < 1e-20  # what the proof leaves open
    assert known.error == 8 * np.spacing(known.value)  # and what a double leaves open
    return float(problem.loss({"w": jnp.asarray(w)}, problem.data)) - known.value


@pytest.mark.parametrize("l2", [1e-3, 1.0])
def test_linear_minimum_is_ridges(l2):
    problem = REGISTRY["linear_regression"](l2=l2)
    X, y = problem.data["X"], problem.data["y"]
    ridge = Ridge(alpha=l2 * len(y), fit_intercept=False, solver="cholesky").fit(X, y)
    w = certificate.newton(certificate.least_squares(X, y, l2), np.zeros(11))
    np.testing.assert_allclose(w, ridge.coef_, atol=1e-12)
    assert abs(gap_above_minimum(problem, ridge.coef_)) < 1e-15


def test_linear_minimum_without_penalty_is_least_squares():
    problem = REGISTRY["linear_regression"](l2=0.0)
    X, y = problem.data["X"], problem.data["y"]
    w = np.linalg.lstsq(X, y)[0]
    assert abs(gap_above_minimum(problem, w)) < 1e-15


@pytest.mark.parametrize("l2", [1e-3, 1.0])
def test_logistic_minimum_is_scikit_learns(l2):
    problem = REGISTRY["logistic_regression"](l2=l2)
    X, y = problem.data["X"], problem.data["y"]
    theirs = LogisticRegression(
        C=1 / (l2 * len(y)), fit_intercept=False, tol=1e-12, solver="newton-cholesky"
    ).fit(X, y)
    w = certificate.newton(certificate.logistic(X, y, l2), np.zeros(31))
    np.testing.assert_allclose(w, theirs.coef_[0], atol=1e-9)
    assert abs(gap_above_minimum(problem, theirs.coef_[0])) < 1e-15


@pytest.mark.parametrize(
    ("data", "l2"),
    [pytest.param("digits", 1e-3, marks=pytest.mark.slow), ("wine", 1e-2), ("iris", 1.0)],
)
def test_softmax_minimum_is_scikit_learns(data, l2):
    problem = REGISTRY["softmax_regression"](data=data, l2=l2)
    X, y = problem.data["X"], problem.data["y"]
    theirs = LogisticRegression(
        C=1 / (l2 * len(y)), fit_intercept=False, tol=1e-10, max_iter=1000, solver="newton-cg"
    ).fit(X, y)
    classes = len(theirs.classes_)
    ours = certificate.softmax(X, y, classes, l2)
    w = certificate.newton(ours, np.zeros(X.shape[1] * classes)).reshape(classes, -1)
    np.testing.assert_allclose(w, theirs.coef_, atol=1e-7)
    assert abs(gap_above_minimum(problem, theirs.coef_)) < 1e-14


@pytest.mark.parametrize(("name", "data"), [
    ("linear_regression", "diabetes"), ("logistic_regression", "breast_cancer"),
    ("softmax_regression", "wine"),
    # 640 parameters, whose every Newton step solves for all of them
    pytest.param("softmax_regression", "digits", marks=pytest.mark.slow),
])  # fmt: skip
def test_jax_too_finds_no_slope_at_the_certified_point(name, data):
    problem = REGISTRY[name](l2=0.01, data=data)
    X, y = problem.data["X"], problem.data["y"]
    classes = int(y.max()) + 1
    derivatives = {
        "linear_regression": lambda: certificate.least_squares(X, y, 0.01),
        "logistic_regression": lambda: certificate.logistic(X, y, 0.01),
        "softmax_regression": lambda: certificate.softmax(X, y, classes, 0.01),
    }[name]()
    start = problem.start(np.random.default_rng(0))["w"]
    w = certificate.newton(derivatives, start.ravel()).reshape(start.shape)
    value, slope = jax.value_and_grad(problem.loss)({"w": jnp.asarray(w)}, problem.data)
    assert np.linalg.norm(slope["w"]) < 1e-12
    assert float(value) == pytest.approx(problem.minimum().value, rel=1e-14)


def test_a_minimum_by_hand():
    # (w - 1)^2 / 2 + w^2 / 2 is least at w = 1/2, where it is 1/4.
    by_hand = certificate.least_squares(np.ones((1, 1)), np.ones(1), 1.0)
    assert certificate.certified(by_hand, 1, 2.0).value == pytest.approx(0.25, rel=1e-15)


def test_the_error_covers_the_distance_to_the_minimum():
    # Stopped early, the certificate must say so: its interval still holds the true minimum.
    problem = REGISTRY["softmax_regression"](data="iris", l2=0.01)
    derivatives = certificate.softmax(problem.data["X"], problem.data["y"], 3, 0.01)
    true = problem.minimum().value
    for most in range(6):
        w = certificate.newton(derivatives, np.zeros(15), most=most)
        value, g, _ = derivatives(w)
        assert value - g @ g / (2 * 0.01) - 1e-16 <= true <= value + 1e-16


def test_newton_steps_back_where_a_full_step_overshoots():
    # log(cosh w) from w = 3: the pure Newton step lands near -100, and diverges from there.
    def log_cosh(w):
        sech2 = np.cosh(w[0]) ** -2
        return float(np.logaddexp(w[0], -w[0])), np.tanh(w), np.array([[sech2]])

    w = certificate.newton(log_cosh, np.array([3.0]))
    assert abs(w[0]) <= 1e-13


def test_nothing_is_claimed_where_there_may_be_no_minimum():
    assert REGISTRY["logistic_regression"](l2=0.0).minimum is None
    assert REGISTRY["softmax_regression"](l2=0.0).minimum is None
    assert REGISTRY["mlp"]().minimum is None


@pytest.mark.parametrize("name", ["logistic_regression", "softmax_regression"])
@pytest.mark.parametrize("l2", [1e-30, 1e-12, 1e-10])
def test_a_penalty_too_small_to_prove_anything_proves_nothing(name, l2):
    assert REGISTRY[name](l2=l2).minimum is None
    problem = REGISTRY["logistic_regression"](l2=l2)
    loose = certificate.certified(certificate.logistic(*problem.data.values(), l2), 31, 1e-30)
    assert loose is None


@pytest.mark.parametrize("l2", [1e-7, 1e-6, 1e-4, 1.0, 1e3])
def test_what_is_claimed_is_proved_to_a_billionth(l2):
    found = REGISTRY["logistic_regression"](l2=l2).minimum()
    assert found.error <= 1e-9 * found.value


@pytest.mark.parametrize(
    ("name", "bend"), [("logistic_regression", 1 / 4), ("softmax_regression", 1 / 2)]
)
def test_curvature_bounds_come_from_the_largest_singular_value(name, bend):
    problem = REGISTRY[name](l2=0.02)
    X = problem.data["X"]
    largest = np.linalg.norm(X, 2) ** 2 / len(X)
    np.testing.assert_allclose(problem.about.curvature, (0.02, 0.02 + bend * largest), rtol=1e-12)


def test_curvature_of_linear_regression_is_its_hessians():
    problem = REGISTRY["linear_regression"](l2=0.02)
    w = problem.start(np.random.default_rng(0))
    H = jax.hessian(problem.loss)(w, problem.data)["w"]["w"]
    np.testing.assert_allclose(problem.about.curvature, np.linalg.eigvalsh(H)[[0, -1]], rtol=1e-11)


# --- minibatches ---


def test_every_row_comes_once_an_epoch_save_the_partial_batch():
    problem = REGISTRY["softmax_regression"](data="iris", batch=25)  # 120 rows: 4 steps, 20 left
    assert problem.epoch == 4
    order = problem.stream(np.random.default_rng(0), 10)
    assert order.shape == (10, 25)
    epochs = [order[i : i + 4].ravel() for i in (0, 4)]
    for epoch in epochs:
        assert len(set(epoch.tolist())) == 100
    assert set(epochs[0]) != set(epochs[1])  # others sit out
    whole = REGISTRY["softmax_regression"](data="iris", batch=30)
    order = whole.stream(np.random.default_rng(0), 8)
    for i in (0, 4):
        np.testing.assert_array_equal(np.sort(order[i : i + 4].ravel()), np.arange(120))
    assert (order[:4] != order[4:]).any()


def test_a_stream_follows_its_seed_and_a_longer_one_begins_alike():
    stream = REGISTRY["mlp"]().stream
    first, again, other = (stream(np.random.default_rng(seed), 50) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(stream(np.random.default_rng(0), 70)[:50], first)
    assert stream(np.random.default_rng(0), 0).shape == (0, 64)


def test_a_full_batch_needs_no_stream():
    problem = REGISTRY["mlp"](batch="full")
    assert problem.stream is None
    assert problem.epoch == 1


# --- starts, and what may be wrong ---


@pytest.mark.parametrize(("activation", "variance"), [("relu", 2 / 64), ("tanh", 2 / (64 + 500))])
def test_network_weights_start_at_the_textbook_size(activation, variance):
    problem = REGISTRY["mlp"](hidden=[500, 3], activation=activation)
    start = problem.start(np.random.default_rng(0))
    shapes = {name: value.shape for name, value in start.items()}
    assert shapes == {
        "w1": (500, 64), "b1": (500,), "w2": (3, 500), "b2": (3,), "w3": (10, 3), "b3": (10,),
    }  # fmt: skip
    assert start["w1"].var() == pytest.approx(variance, rel=0.03)
    assert all((start[f"b{i}"] == 0).all() for i in (1, 2, 3))


@pytest.mark.parametrize(
    ("name", "parameters", "first"),
    [
        ("linear_regression", {"data": "digits"}, "data:"),
        ("logistic_regression", {"data": "iris"}, "data:"),
        ("logistic_regression", {"data": "diabetes"}, "data:"),
        ("softmax_regression", {"data": "diabetes"}, "data:"),
        ("mlp", {"data": "mnist"}, "data:"),
        ("mlp", {"hidden": []}, "hidden:"),
        ("mlp", {"hidden": [8, 0]}, "hidden:"),
        ("mlp", {"hidden": [8.5]}, "hidden:"),
        ("mlp", {"activation": "gelu"}, "activation:"),
        ("mlp", {"l2": -1.0}, "l2:"),
        ("softmax_regression", {"l2": float("nan")}, "l2:"),
        ("mlp", {"batch": 0}, "batch:"),
        ("mlp", {"batch": True}, "batch:"),
        ("mlp", {"batch": "half"}, "batch:"),
        ("logistic_regression", {"batch": 10_000}, "batch:"),
    ],
)
def test_an_error_begins_with_the_parameter(name, parameters, first):
    with pytest.raises(ValueError, match=f"^{first} ."):
        REGISTRY[name](**parameters)
