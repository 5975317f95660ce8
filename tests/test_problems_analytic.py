"""Analytic problems against closed forms, scipy and sums written out in Python."""

import math

import jax
import numpy as np
import pytest
from jax import numpy as jnp
from scipy import optimize

from optlab.problems import REGISTRY, make_family, uniform


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


def loss(problem, x):
    return float(problem.loss(jnp.asarray(x, dtype=float), problem.data))


def slope(problem, x):
    return np.asarray(jax.grad(problem.loss)(jnp.asarray(x, dtype=float), problem.data))


def hessian(problem, x):
    return np.asarray(jax.hessian(problem.loss)(jnp.asarray(x, dtype=float), problem.data))


# --- quadratic ---


@pytest.mark.parametrize("dim", [2, 3, 10])
@pytest.mark.parametrize("rotated", [False, True])
def test_quadratic_has_the_stated_spectrum(dim, rotated):
    problem = REGISTRY["quadratic"](dim=dim, condition=100.0, largest=5.0, rotated=rotated)
    H = hessian(problem, np.zeros(dim))
    eigenvalues = np.linalg.eigvalsh(H)
    wanted = [5.0 * 100.0 ** (i / (dim - 1) - 1) for i in range(dim)]
    np.testing.assert_allclose(eigenvalues, wanted, rtol=1e-12)
    np.testing.assert_allclose(problem.about.curvature, eigenvalues[[0, -1]], rtol=1e-12)
    off_diagonal = np.abs(H - np.diag(np.diag(H))).max()
    assert off_diagonal > 0.1 if rotated else off_diagonal == 0
    assert problem.about.separable is not rotated


@pytest.mark.parametrize("rotated", [False, True])
@pytest.mark.parametrize(("shifted", "center"), [(True, [1, -0.5, 1]), (False, [0, 0, 0])])
def test_quadratic_is_half_the_offset_on_its_hessian(rotated, shifted, center):
    problem = REGISTRY["quadratic"](dim=3, condition=50.0, rotated=rotated, shifted=shifted)
    x = np.array([0.3, -2.0, 1.7])
    H, offset = hessian(problem, x), x - center
    assert loss(problem, x) == pytest.approx(offset @ H @ offset / 2, rel=1e-13)
    np.testing.assert_allclose(slope(problem, x), H @ offset, rtol=1e-12)
    assert problem.minimum.at == (tuple(center),)


def test_quadratic_in_the_plane_is_turned_by_45_degrees():
    H = hessian(REGISTRY["quadratic"](condition=4.0, rotated=True), [0.0, 0.0])
    np.testing.assert_allclose(H, [[0.625, -0.375], [-0.375, 0.625]], atol=1e-15)


def test_gradient_descent_contracts_a_quadratic_at_the_textbook_rate():
    # From (1, 1) off the center with step 2/(L + m), each step multiplies the offset by
    # (k - 1)/(k + 1), so the loss by its square, exactly.
    problem = REGISTRY["quadratic"](condition=10.0)
    x = np.array(problem.minimum.at[0]) + 1.0
    losses = []
    for _ in range(20):
        losses.append(loss(problem, x))
        x = x - 2 / 1.1 * slope(problem, x)
    np.testing.assert_allclose(np.divide(losses[1:], losses[:-1]), (9 / 11) ** 2, rtol=1e-10)


# --- pictures ---


@pytest.mark.parametrize("dim", [2, 10])
def test_rosenbrock_is_scipys(dim):
    problem = REGISTRY["rosenbrock"](dim=dim)
    for x in (*np.random.default_rng(dim).uniform(-2, 2, (5, dim)), problem.usual):
        assert loss(problem, x) == pytest.approx(optimize.rosen(x), rel=1e-13)
        np.testing.assert_allclose(slope(problem, x), optimize.rosen_der(x), rtol=1e-12, atol=1e-11)
        np.testing.assert_allclose(hessian(problem, x), optimize.rosen_hess(x), atol=1e-10)


def test_rosenbrock_curvature_at_its_minimum():
    H = hessian(REGISTRY["rosenbrock"](), [1.0, 1.0])
    np.testing.assert_array_equal(H, [[802, -400], [-400, 200]])
    np.testing.assert_allclose(np.linalg.eigvalsh(H), [0.399361, 1001.600639], atol=1e-6)


def test_booth_curvature():
    H = hessian(REGISTRY["booth"](), [0.0, 0.0])
    np.testing.assert_allclose(H, [[10, 8], [8, 10]], atol=1e-14)
    np.testing.assert_allclose(REGISTRY["booth"]().about.curvature, np.linalg.eigvalsh(H))


WRITTEN_OUT = {
    "booth": lambda x, y: (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2,
    "himmelblau": lambda x, y: (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2,
    "beale": lambda x, y: sum(
        (c - x * (1 - y**i)) ** 2 for i, c in enumerate([1.5, 2.25, 2.625], start=1)
    ),
    "rastrigin": lambda *x: 10 * len(x) + sum(a * a - 10 * math.cos(2 * math.pi * a) for a in x),
}


@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_pictures_are_their_formulas(name):
    problem = REGISTRY[name]()
    for point in np.random.default_rng(6).uniform(-4, 4, (10, 2)):
        x, y = point.tolist()
        assert loss(problem, point) == pytest.approx(WRITTEN_OUT[name](x, y), rel=1e-11)


def test_himmelblau_has_four_separate_minima():
    places = np.array(REGISTRY["himmelblau"]().minimum.at)
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
    assert places.shape == (4, 2)
    assert distances[~np.eye(4, dtype=bool)].min() > 3


@pytest.mark.parametrize("name", ["rosenbrock", "himmelblau", "beale", "booth", "rastrigin"])
def test_starts_and_minima_lie_in_the_window(name):
    problem = REGISTRY[name]()
    (left, right), (bottom, top) = problem.window
    drawn = [problem.start(np.random.default_rng(seed)) for seed in range(50)]
    for x, y in (*problem.minimum.at, problem.usual):
        assert left <= x <= right
        assert bottom <= y <= top
    assert all(left <= x <= right for x, _ in drawn)


# --- the assignment ---


def test_relu_network_at_the_start_of_the_page():
    # h = 1, y_hat = 0.3, and the error y_hat - y = -4.7 goes back through both units.
    problem = REGISTRY["relu_network"]()
    assert problem.names == ("w1", "b1", "w2", "b2")
    np.testing.assert_array_equal(problem.usual, [0.5, 0.0, 0.3, 0.0])
    assert loss(problem, problem.usual) == pytest.approx(11.045, abs=1e-14)
    wanted = [-4.7 * 0.3 * 2, -4.7 * 0.3, -4.7 * 1, -4.7]
    np.testing.assert_allclose(slope(problem, problem.usual), wanted, rtol=1e-14)
    assert wanted[0] == pytest.approx(-2.82)


def test_relu_network_reaches_its_stated_minimum():
    exact = REGISTRY["relu_network"](y=5.0)
    assert loss(exact, [1.0, 0.0, 2.5, 0.0]) == exact.minimum.value == 0.0
    out_of_reach = REGISTRY["relu_network"](y=-2.0)  # the last unit is at least 0
    assert loss(out_of_reach, [1.0, 0.0, -1.0, 0.0]) == out_of_reach.minimum.value == 2.0


def test_a_dead_network_has_no_slope():
    np.testing.assert_array_equal(slope(REGISTRY["relu_network"](), [-1.0, -1.0, 0.3, -0.1]), 0.0)


PAGE = {"w1": [-1.2, -0.8], "b1": [-0.6, -0.4], "w2": [-2.0, -1.5], "b2": [-1.0, -0.5]}


def test_recorded_gradients_come_in_order_whatever_the_point():
    problem = REGISTRY["recorded_gradients"](**PAGE)
    assert problem.longest == 2
    order = problem.stream(np.random.default_rng(0), 2)
    for t, wanted in enumerate([[-1.2, -0.6, -2.0, -1.0], [-0.8, -0.4, -1.5, -0.5]]):
        batch = {"gradients": jnp.asarray(problem.data["gradients"][order[t]])}
        for x in (np.zeros(4), np.ones((4, 3))):
            g = problem.gradient(jnp.asarray(x), batch)
            assert g.shape == x.shape
            np.testing.assert_array_equal(np.asarray(g).reshape(4, -1).T[-1], wanted)
    assert loss(problem, problem.given) == pytest.approx(11.045, abs=1e-14)


def test_recorded_gradients_of_ones_own_parameters_belong_to_a_linear_loss():
    problem = REGISTRY["recorded_gradients"](start={"a": 1.0, "b": 2.0}, a=[1.0, 2.0], b=[0.0, 4.0])
    assert loss(problem, [10.0, 100.0]) == 1.5 * 10 + 2 * 100
    np.testing.assert_array_equal(slope(problem, [10.0, 100.0]), [1.5, 2.0])


# --- what a user may get wrong, or write ---


@pytest.mark.parametrize(
    ("name", "parameters", "first"),
    [
        ("quadratic", {"dim": 0}, "dim:"),
        ("quadratic", {"condition": 0.5}, "condition:"),
        ("quadratic", {"largest": 0.0}, "largest:"),
        ("quadratic", {"dim": 1}, "condition:"),
        ("quadratic", {"dim": 1, "condition": 1.0, "rotated": True}, "rotated:"),
        ("rosenbrock", {"dim": 1}, "dim:"),
        ("rastrigin", {"dim": 0}, "dim:"),
        ("relu_network", {"start": {"w1": 1.0}}, "start:"),
        ("recorded_gradients", {**PAGE, "start": "elsewhere"}, "start:"),
        ("recorded_gradients", {**PAGE, "start": {"w1": 1.0}}, "start:"),
    ],
)
def test_an_error_begins_with_the_parameter(name, parameters, first):
    with pytest.raises(ValueError, match=f"^{first} ."):
        REGISTRY[name](**parameters)


def broadcasting(x, *, tilt=1.0):
    """Over runs."""
    return (x**2).sum(0) + tilt * x[0]


def pointwise(x, *, tilt=1.0):
    """Of one point."""
    return jnp.sum(x**2) + tilt * x[0]


def matrix(x, *, tilt=1.0):
    """Of one point, by a product that does not broadcast."""
    return x @ jnp.eye(2) @ x + tilt * x[0]


@pytest.mark.parametrize("function", [broadcasting, pointwise, matrix])
@pytest.mark.parametrize("tilt", [1.0, -3.0])
def test_a_users_loss_serves_runs_however_it_is_written(function, tilt):
    problem = make_family(function, start=[3.0, -2.0])(tilt=tilt)
    x = np.random.default_rng(8).normal(size=(2, 4, 5))
    wanted = x[0] ** 2 + x[1] ** 2 + tilt * x[0]
    np.testing.assert_allclose(problem.loss(jnp.asarray(x), None), wanted, rtol=1e-13)
    np.testing.assert_allclose(
        problem.loss(jnp.asarray(x[:, :2, 0]), None), wanted[:2, 0], rtol=1e-13
    )
    assert loss(problem, x[:, 0, 0]) == pytest.approx(wanted[0, 0], rel=1e-13)
    each = jax.grad(problem.scalar_loss)(jnp.asarray(x[:, 0]), None)
    np.testing.assert_allclose(each, 2 * x[:, 0] + np.array([[tilt], [0]]), rtol=1e-13)
    assert problem.about.dim == 2
    np.testing.assert_array_equal(problem.given, [3.0, -2.0])


def test_a_users_start_may_be_drawn():
    problem = make_family(broadcasting, start=uniform(-5, 5, dim=3), minimum=-0.25)()
    drawn = problem.start(np.random.default_rng(1))
    assert problem.given is None
    assert problem.about.dim == 3
    assert drawn.shape == (3,)
    assert problem.minimum.value == -0.25


def test_a_users_mistakes_are_named():
    with pytest.raises(ValueError, match="give a start"):
        make_family(broadcasting)
    with pytest.raises(ValueError, match="list of numbers"):
        make_family(broadcasting, start=[[1.0], [2.0]])
    with pytest.raises(ValueError, match="must be one number"):
        make_family(lambda x: x**2, start=[1.0, 2.0])()
