"""Why runs end as they do: curvature, limits of stability, replays and sentences against closed forms
(the letters B1 to B8 of known results are those of the literature named beside them)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from optlab import cli, lab
from optlab.draws import Draws
from optlab.explain import explain_row, find_row
from optlab.explain.curvature import hessian, lanczos, spectrum
from optlab.explain.happened import happened
from optlab.explain.measure import Turning
from optlab.explain.odd import _calm
from optlab.explain.replay import Record, Replay, agreement
from optlab.explain.stability import Answer, Mode, Response
from optlab.plan import Run, runs
from optlab.problems import REGISTRY
from optlab.report.content import content
from optlab.report.facts import Facts
from optlab.spec import Experiment, parse


def experiment(problem: str, optimizer: str, more: str = "steps: 50") -> Experiment:
    text = f"title: t\n{more}\nproblems:\n  - p: {problem}\noptimizers:\n  - o: {optimizer}\n"
    return parse(text, Path("x.yaml"))


def first(asked: Experiment) -> Run:
    return next(r for r in runs(asked) if r.role == "evaluate" and r.seed == 0)


def replay(problem: str, optimizer: str, more: str = "steps: 50") -> Replay:
    asked = experiment(problem, optimizer, more)
    return Replay(first(asked), Draws(0), asked.precision)


def answered(walked: Replay, steps: list[int], i: int) -> tuple[Response, Record]:
    record = walked.walk(steps)
    found = Answer(walked)(steps[i], record.gradient[i], record.at(i)[1])
    assert found is not None
    return found, record


BOWL = "{use: quadratic, dim: 5, condition: 10, rotated: true}"


# Curvature


def test_rosenbrocks_valley_has_the_known_curvature() -> None:
    """At (1, 1) the Hessian is [[802, -400], [-400, 200]]: .399361 and 1001.600639."""
    exact = np.array([[802.0, -400.0], [-400.0, 200.0]])
    times = hessian(REGISTRY["rosenbrock"](), np.array([1.0, 1.0]))
    np.testing.assert_allclose(times(np.eye(2)), exact, rtol=1e-13)
    found = spectrum(times, 2)
    assert found.smallest == pytest.approx(0.399361, abs=5e-7)
    assert found.largest == pytest.approx(1001.600639, abs=5e-7)


def test_a_rotated_bowl_has_the_curvature_that_it_was_asked_for() -> None:
    bowl = REGISTRY["quadratic"](dim=7, condition=40.0, rotated=True)
    found = spectrum(hessian(bowl, np.ones(7)), 7)
    assert found.largest / found.smallest == pytest.approx(40.0, rel=1e-10)


def test_a_networks_hessian_is_that_of_finite_differences() -> None:
    from optlab.looks import probe

    problem = REGISTRY["relu_network"]()
    x, h = np.array([0.9, 0.2, 1.1, 0.4]), 1e-6
    ends = [x + s * h * e for e in np.eye(4) for s in (1, -1)]
    slopes = probe(problem, ends)[1].reshape(4, 2, 4)
    numeric = (slopes[:, 0] - slopes[:, 1]) / (2 * h)
    np.testing.assert_allclose(hessian(problem, x)(np.eye(4)), numeric, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dim", [3, 60, 200])
def test_lanczos_finds_both_ends_of_a_spectrum(dim: int) -> None:
    rng = np.random.default_rng(dim)
    basis = np.linalg.qr(rng.standard_normal((dim, dim)))[0]
    values = np.sort(
        np.concatenate([[-3.0, 50.0, 20.0][: min(3, dim)], rng.uniform(0, 5, dim - 3)])
    )
    matrix = (basis * values) @ basis.T
    found = lanczos(lambda v: matrix @ v, dim)
    assert found.largest == pytest.approx(values[-1], rel=1e-9)
    assert found.smallest == pytest.approx(values[0], rel=1e-9)
    assert found.error < 1e-6
    assert abs(found.top @ np.linalg.eigh(matrix)[1][:, -1]) == pytest.approx(1.0, abs=1e-8)


def test_scaled_curvature_is_that_of_the_product() -> None:
    """P H and P^1/2 H P^1/2 have the same eigenvalues."""
    rng = np.random.default_rng(0)
    matrix, scale = rng.standard_normal((6, 6)), rng.uniform(0.1, 10, 6)
    matrix = matrix + matrix.T
    found = spectrum(lambda columns: matrix @ columns, 6, scale)
    expected = np.sort(np.linalg.eigvals(scale[:, None] * matrix).real)
    np.testing.assert_allclose(found.values, expected, rtol=1e-9)


# Limits of stability


B = 0.9
LINEAR = {  # largest stable rate on curvature 1, momentum 0.9
    "sgd": 2.0,
    "momentum": 2 * (1 + B),
    "momentum_pytorch": 2 * (1 + B),
    "nesterov": 2 * (1 + B) / (1 + 2 * B),
    "ema": 2 * (1 + B) / (1 - B),
}
"""Polyak 1964 and its kin: 2, 3.8, 3.8, 1.357142857, 38."""


@pytest.mark.parametrize("name", LINEAR)
def test_the_limit_of_a_linear_rule_is_the_closed_one(name: str) -> None:
    walked = replay(BOWL, f"{{use: {name}, lr: 0.1}}")
    for i in (0, 1):
        found, record = answered(walked, [0, 17], i)
        seen = spectrum(hessian(walked.problem, record.at(i)[0]), 5)
        largest = spectrum(hessian(walked.problem, record.at(i)[0]), 5, found.scale).largest
        assert found.mode.limit() is not None
        assert not found.divides
        ratio = largest / float(found.mode.limit() or np.nan)
        assert ratio == pytest.approx(0.1 * seen.largest / LINEAR[name], rel=1e-9)


@pytest.mark.parametrize(("a", "b"), [(0.05, 0.5), (1.0, 0.9), (3.7, 0.9), (3.9, 0.9), (0.01, 0.0)])
def test_heavy_balls_factor_is_the_closed_one(a: float, b: float) -> None:
    """On curvature 1: sqrt(b) where (1 + b - a)^2 <= 4 b, else the larger root."""
    walked = replay(
        "{use: quadratic, dim: 2, condition: 1}", f"{{use: momentum, lr: {a}, beta: {b}}}"
    )
    found, record = answered(walked, [0, 3], 1)
    mu = spectrum(hessian(walked.problem, record.at(1)[0]), 2, found.scale).largest
    left = 1 + b - a
    root = left**2 - 4 * b
    exact = np.sqrt(b) if root <= 0 else (abs(left) + np.sqrt(root)) / 2
    # A double root (b = 0 has none) loses half the digits in any eigenvalue solver.
    assert found.mode.radius(mu) == pytest.approx(exact, rel=1e-7)


def test_adams_limit_is_the_adaptive_edge_of_stability() -> None:
    """Cohen et al. 2022, arXiv:2207.14484: the largest eigenvalue of D^-1/2 H D^-1/2 against
    2 (1 + beta1) / (1 - beta1) / lr, with D worked out here by hand."""
    lr, steps = 0.003, 400
    walked = replay(BOWL, f"{{use: adam, lr: {lr}, beta2: 0.99, eps: 1e-8}}", "steps: 500")
    record = walked.walk(list(range(steps + 1)))
    v = np.zeros(5)
    for g in record.gradient:
        v = 0.99 * v + 0.01 * g**2
    divisor = np.sqrt(v / (1 - 0.99 ** (steps + 1))) + 1e-8
    full = hessian(walked.problem, record.at(0)[0])(np.eye(5))
    sharpness = np.linalg.eigvals(full / divisor[:, None]).real.max()
    expected = sharpness * lr / (2 * 1.9 / 0.1)
    found = Answer(walked)(steps, record.gradient[-1], record.at(steps)[1])
    assert found is not None
    assert found.divides
    mu = spectrum(hessian(walked.problem, record.at(0)[0]), 5, found.scale).largest
    assert mu / float(found.mode.limit() or np.nan) == pytest.approx(expected, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("adam", "optax.adam"), ("ema", "optax.sgd"), ("nesterov", "optax.sgd")],
)
def test_adapters_answer_as_the_rules_that_they_are(ours: str, theirs: str) -> None:
    """optax.sgd with momentum 0.9 is `momentum_pytorch`, whose factor others do not share."""
    told = {"adam": ("lr: 0.1", "lr: 0.1"),
            "ema": ("lr: 1.0", "lr: 0.1, momentum: 0.9"),
            "nesterov": ("lr: 0.1", "lr: 0.1, momentum: 0.9, nesterov: true")}[ours]  # fmt: skip
    a = answered(replay(BOWL, f"{{use: {ours}, {told[0]}}}"), [0, 20], 1)[0]
    b = answered(replay(BOWL, f"{{use: {theirs}, {told[1]}}}"), [0, 20], 1)[0]
    limits = [float(r.mode.limit() or np.nan) for r in (a, b)]
    np.testing.assert_allclose(a.scale / limits[0], b.scale / limits[1], rtol=1e-6)


@pytest.mark.parametrize("name", ["optax.adabelief", "optax.contrib.prodigy"])
def test_a_rule_of_another_kind_has_no_limit_here(name: str) -> None:
    """A divisor that moves with the velocity, or one for all coordinates that is learned."""
    walked = replay(BOWL, f"{{use: {name}, lr: 0.1}}")
    record = walked.walk([20])
    assert Answer(walked)(20, record.gradient[0], record.at(0)[1]) is None


@pytest.mark.parametrize(("lr", "beta"), [(0.1, 0.0), (1.5, 0.0), (0.1, 0.9), (0.02, 0.5)])
def test_noise_leads_to_the_known_variance(lr: float, beta: float) -> None:
    """Stationary variance of heavy ball on curvature 1 under noise of deviation 1:
    lr (1 + beta) / ((1 - beta) (2 (1 + beta) - lr)); gradient descent with beta = 0."""
    mode = Mode(np.array([[1.0, -beta], [0.0, beta]]), np.array([-1.0, 1.0]))
    exact = lr * (1 + beta) / ((1 - beta) * (2 * (1 + beta) - lr))
    assert lr**2 * mode.variance(lr) == pytest.approx(exact, rel=1e-10)
    assert mode.variance(2.1 * (1 + beta)) == np.inf


# Replays


SMALL_SPEC = """
title: t
steps: 60
seeds: {evaluate: 2}
record: {points: 10}
problems:
  - noisy: {use: quadratic, dim: 6, condition: 20, rotated: true, noise: 0.1}
  - batches: {use: softmax_regression, data: iris, batch: 16, targets: {loss: 0.1}}
optimizers:
  - adam: {lr: 0.05}
  - optax.adam: {lr: 0.05}
"""


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_replay_is_the_stored_run(tmp_path: Path, precision: str) -> None:
    spec = tmp_path / "small.yaml"
    spec.write_text(SMALL_SPEC + f"precision: {precision}\n")
    results = lab.run(spec, tmp_path / "reports")
    asked = parse(spec.read_text(), spec)
    for problem in asked.tasks:
        for contender in asked.contenders:
            row = find_row(results, f"{problem.name}/{contender.name}", seed=1)
            told = explain_row(asked, results, row)
            largest = told["agreement"]["largest"]
            if precision == "float64":
                assert told["agreement"]["agrees"], told["agreement"]
                assert largest < 1e-9
            else:  # single precision keeps seven digits of each loss
                assert told["agreement"]["parts_at"] != 0
            assert told["points"][0]["curvature"] is not None


def test_agreement_says_where_two_runs_part() -> None:
    steps = np.array([0, 5, 10, 15])
    stored = np.array([1.0, 0.5, 0.25, np.nan])
    assert agreement(steps, stored, stored).agrees
    assert agreement(steps, stored, stored * (1 + 1e-9)).largest == pytest.approx(1e-9, rel=1e-3)
    assert agreement(steps, stored, np.array([1.0, 0.5, 0.2501, np.nan])).parts_at == 10
    assert agreement(steps, stored, np.array([1.0, 0.5, 0.25, 0.1])).parts_at == 15
    # Beneath the rounding of the first loss nothing is compared.
    assert agreement(steps[:2], np.array([1.0, 1e-20]), np.array([1.0, 3e-20])).agrees


# What happened


def explained(folder: Path, text: str, place: str = "p/o", **more: object) -> dict:
    spec = folder / "asked.yaml"
    spec.write_text("title: t\n" + text)
    results = lab.run(spec, folder / "reports")
    row = find_row(results, place, **more)  # type: ignore[arg-type]
    return explain_row(parse(spec.read_text(), spec), results, row)


def looked(told: dict) -> dict:
    return next(p for p in told["points"] if p["step"] == told["look"])


@pytest.mark.parametrize("share", [0.95, 1.05])
def test_gradient_descent_around_its_limit(tmp_path: Path, share: float) -> None:
    told = explained(
        tmp_path,
        f"""
steps: 400
problems:
  - p: {{use: quadratic, dim: 4, condition: 10, rotated: true}}
optimizers:
  - o: {{use: sgd, lr: {2 * share}}}
""",
    )
    assert looked(told)["ratio"] == pytest.approx(share, rel=1e-9)
    assert looked(told)["factor"] == pytest.approx(
        max(abs(1 - 2 * share), 1 - 0.2 * share), rel=1e-9
    )
    if share < 1:
        assert told["kind"] == "converged"
        assert "0.95 times" in told["sentence"]
    else:
        assert told["kind"] == "diverged"
        assert (
            "lr 2.1 is 1.05 times the largest rate that is stable for this quadratic, 2 "
            in told["sentence"]
        )
        assert "every one of the pairs of steps" in told["sentence"]


def test_rmsprop_ends_at_its_edge_of_stability(tmp_path: Path) -> None:
    """On a parabola it ends in a cycle between x = lr / 2 and -lr / 2 at the loss lr^2 / 8, where the
    curvature over the root is 2 / lr: exactly its limit."""
    told = explained(
        tmp_path,
        """
steps: 400
targets: {gap: 1e-40}  # it comes within 1e-38 and leaves again
problems:
  - p: {use: quadratic, dim: 1, condition: 1, shifted: false, start: [0.97]}
optimizers:
  - o: {use: rmsprop, lr: 0.1, beta: 0.9, eps: 1e-30}
""",
    )
    assert told["kind"] == "oscillates"
    end = told["points"][-1]
    assert end["ratio"] == pytest.approx(1.0, rel=1e-6)
    assert end["divides"]
    assert end["loss"] == pytest.approx(0.1**2 / 8, rel=1e-6)
    assert end["effective"] == pytest.approx(2.0, rel=1e-6)
    assert told["turning"]["turned"] == told["turning"]["pairs"]
    assert "is exactly the largest rate that is stable" in told["sentence"]


def test_a_dead_network_stands_still(tmp_path: Path) -> None:
    told = explained(
        tmp_path,
        """
steps: 20
problems:
  - p: {use: relu_network, start: {w1: -1, b1: 0, w2: 1, b2: -1}}
optimizers:
  - o: {use: sgd, lr: 0.1}
""",
    )
    assert told["kind"] == "stalled"
    assert "loss of 12.5, 12.5 above the minimum" in told["sentence"]
    assert "exactly zero" in told["sentence"]
    assert told["points"][-1]["curvature"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["{use: sgd, lr: 0.1}", "{use: momentum, lr: 0.1, beta: 0.9}"])
def test_noise_keeps_a_run_at_the_known_floor(tmp_path: Path, rule: str) -> None:
    """Mean loss 1/2 dim times the stationary variance on curvature 1."""
    beta = 0.9 if "momentum" in rule else 0.0
    told = explained(
        tmp_path,
        f"""
steps: 800
problems:
  - p: {{use: quadratic, dim: 10, condition: 1, noise: 1}}
optimizers:
  - o: {rule}
""",
    )
    variance = 0.1 * (1 + beta) / ((1 - beta) * (2 * (1 + beta) - 0.1))
    assert told["kind"] == "floor"
    assert looked(told)["floor"] == pytest.approx(5 * variance, rel=1e-8)
    assert f"a mean gap of {5 * variance:.3g}" in told["sentence"]


def test_a_narrow_valley_is_slow_for_the_known_reason(tmp_path: Path) -> None:
    told = explained(
        tmp_path,
        """
steps: 100
targets: {gap_over_start: 1e-6}
problems:
  - p: {use: quadratic, dim: 2, condition: 1000}
optimizers:
  - o: {use: sgd, lr: 1.0}
""",
    )
    assert told["kind"] == "slow"
    assert "0.1 % off the error" in told["sentence"]  # 1 - lr m with m = 1/1000
    assert "after 2,300 steps" in told["sentence"]  # ln 10 / -ln 0.999 = 2301.4


ASSIGNMENT = """
steps: 200
record: {every: 1}
targets: {loss: 0.01}
problems:
  - true-gradient: {use: relu_network, x: 2, y: 5, start: {w1: 0.5, b1: 0, w2: 0.3, b2: 0}}
  - given: {use: recorded_gradients, start: relu_network, w1: [-1.2], b1: [-0.6], w2: [-2], b2: [-1]}
optimizers:
  - sgd: {lr: 0.1}
  - rmsprop: {lr: 0.1, beta: 0.9, eps: 1e-8}
"""


def test_why_rmsprop_leaves_the_assignments_target(tmp_path: Path) -> None:
    told = explained(tmp_path, ASSIGNMENT, "true-gradient/rmsprop")
    assert told["kind"] == "left"
    assert told["agreement"]["agrees"]
    assert "at step 5 and did not hold it, its loss rose to 1.08 by step 40" in told["sentence"]
    assert looked(told)["ratio"] > 2
    assert looked(told)["step"] < 40
    assert told["turning"]["turned"] == told["turning"]["pairs"]
    # Its divisor by hand, at the step that is spoken of: s = 0.9 s + 0.1 g^2 on the network itself.
    x, s = np.array([0.5, 0.0, 0.3, 0.0]), np.zeros(4)
    for _ in range(told["look"] + 1):
        w1, b1, w2, b2 = x
        h = 2 * w1 + b1
        r = h * w2 + b2 - 5.0
        g = np.array([2 * r * w2, r * w2, r * h, r])
        full = np.outer(g, g) / r**2 if r else np.zeros((4, 4))
        full[0, 2] = full[2, 0] = full[0, 2] + 2 * r
        full[1, 2] = full[2, 1] = full[1, 2] + r
        s = 0.9 * s + 0.1 * g**2
        x = x - 0.1 * g / np.sqrt(s + 1e-8)
    sharp = np.linalg.eigvals(0.1 * full / np.sqrt(s + 1e-8)[:, None]).real.max()
    assert looked(told)["ratio"] == pytest.approx(sharp / 2, rel=1e-6)


def test_given_gradients_are_not_explained_by_the_losss_curvature(tmp_path: Path) -> None:
    told = explained(tmp_path, ASSIGNMENT, "given/sgd")
    assert "were given" in told["sentence"]
    assert all(p["curvature"] is None for p in told["points"])


def row(**known: object) -> dict:
    return {"status": "budget", "stalled": False, "reached.t": np.inf, "held.t": np.inf, **known}


@pytest.mark.parametrize(
    ("losses", "known", "random", "kind"),
    [
        (np.geomspace(1, 1e-3, 40), {}, False, "slow"),
        (np.full(40, 0.5), {}, False, "plateau"),
        (np.where(np.arange(40) % 2, 0.5, 0.7), {}, False, "oscillates"),
        (np.where(np.arange(40) % 2, 0.5, 0.7), {}, True, "floor"),
        (np.geomspace(1, 1e-3, 40), {"reached.t": 9, "held.t": 9}, False, "converged"),
        (np.ones(40), {"stalled": True}, False, "stalled"),
        (np.geomspace(1, 1e9, 40), {"status": "diverged", "diverged_at": 39}, False, "diverged"),
    ],
)
def test_what_happened_is_told_from_the_losses(
    losses: np.ndarray, known: dict, random: bool, kind: str
) -> None:
    event = happened(row(**known), np.arange(40), losses, target="t", minimum=0.0, random=random)
    assert event.kind == kind


def test_a_target_that_was_left_is_looked_at_before_the_peak() -> None:
    loss = np.array([9, 1, 0.5, 0.9, 0.4, 3, 5, 2, 0.8])
    event = happened(
        row(**{"reached.t": 1}), np.arange(9), loss, target="t", minimum=0.0, random=False
    )
    assert (event.kind, event.look, event.ended, event.reached) == ("left", 4, 6, 1)


def test_turning_counts_steps_that_go_back() -> None:
    x = np.array([[0.0, 5], [1, 6], [0, 7], [1, 8], [2, 9]])
    turning = Turning.of(np.array([1.0, 0.0]), np.arange(5), x)
    assert (turning.turned, turning.pairs) == (2, 3)
    assert Turning.of(np.array([0.0, 1.0]), np.arange(5), x).turned == 0


# The command and the section


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explained")
    spec = folder / "page.yaml"
    spec.write_text("title: t\n" + ASSIGNMENT)
    lab.run(spec, folder / "reports")
    return folder / "reports"


def invoke(reports: Path, *arguments: str) -> tuple[int, str]:
    called = CliRunner().invoke(
        cli.app, ["explain", *arguments, "--out", str(reports)], env={"TERM": "dumb"}
    )
    return called.exit_code, called.output


def test_the_command_tells_a_run_by_place_and_by_id(reports: Path) -> None:
    code, text = invoke(reports, "page", "true-gradient/rmsprop")
    assert code == 0
    assert "rose to 1.08 by step 40" in text
    assert "agrees with the stored one" in text
    code, told = invoke(reports, "page", "true-gradient/rmsprop", "--format", "json")
    name = json.loads(told)["run_id"]
    assert code == 0
    for said in (name, name[:8]):
        assert json.loads(invoke(reports, "page", said, "--format", "json")[1]) == json.loads(told)
    assert invoke(reports, str(reports / "page"), name)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere", "x"), "no results here"),
        (("page", "zzz"), "no run begins with 'zzz'"),
        (("page", ""), "runs begin with ''"),
        (("page", "true-gradient/rmsprp"), "did you mean 'rmsprop'"),
        (("page", "elsewhere/rmsprop"), "there is no problem 'elsewhere'"),
        (("page", "true-gradient/sgd", "--seed", "7"), "there is no seed 7"),
        (("page", "true-gradient/sgd", "--setting", "lr=3"), "lr 3 was not run; there are 0.1"),
        (("page", "true-gradient/sgd", "--setting", "beta=3"), "no hyperparameter 'beta'"),
        (("page", "true-gradient/sgd", "--setting", "lr"), "a name and a number"),
        (("page", "true-gradient/sgd", "--format", "xml"), "text or json"),
    ],
)
def test_what_is_wrong_is_said_plainly(
    reports: Path, arguments: tuple[str, ...], said: str
) -> None:
    code, text = invoke(reports, *arguments)
    assert code == 2
    assert said in text
    assert "Traceback" not in text


def test_a_problem_that_has_changed_is_not_explained(reports: Path) -> None:
    from optlab.results import load

    results = load(reports / "page")
    changed = parse(results.manifest["spec"].replace("y: 5", "y: 4"), Path("page.yaml"))
    with pytest.raises(ValueError, match="another one by now"):
        explain_row(changed, results, find_row(results, "true-gradient/sgd"))


def test_imported_runs_are_not_made_again(tmp_path: Path) -> None:
    lines = ["run,optimizer,lr,seed,step,metric,value"]
    lines += [f"r{s},fast,0.1,{s},{t},loss,{1 / (1 + t)}" for s in range(2) for t in range(4)]
    (tmp_path / "mine.csv").write_text("\n".join(lines) + "\n")
    spec = tmp_path / "theirs.yaml"
    spec.write_text("title: t\nimport:\n  - mine.csv\n")
    results = lab.run(spec, tmp_path / "reports")
    place = f"{results.runs['problem'].iloc[0]}/fast"
    code, text = invoke(tmp_path / "reports", "theirs", place, "--spec", str(spec))
    assert code == 2
    assert "made elsewhere" in text


def test_the_section_says_what_was_stored_and_nothing_where_all_is_well(
    reports: Path, tmp_path: Path
) -> None:
    from optlab.report.facts import stored

    parts = content(Facts(stored(reports / "page")))
    sections = {section.id: section for part in parts for section in part.sections}
    table = sections["explained"].blocks[1]
    cells = [row[1].text for _, rows in table.groups for row in rows]
    assert len(cells) == 1
    assert "rose to 1.08 by step 40" in cells[0]
    calm = tmp_path / "calm.yaml"
    calm.write_text("title: t\nsteps: 100\nproblems:\n  - p: {use: quadratic, dim: 2, condition: 2}\n"
                    "optimizers:\n  - sgd: {lr: 1.0}\n")  # fmt: skip
    results = lab.run(calm, tmp_path / "reports")
    assert results.explained == []
    parts = content(Facts(stored(results.folder)))
    assert "explained" not in {section.id for part in parts for section in part.sections}


def test_no_rate_is_called_the_limit_of_a_rule_that_decays_by_itself(tmp_path: Path) -> None:
    """x - lr (g + wd x) on curvature 1 with wd 3: stable up to 2 / 4, not up to what 2 / 1 gives."""
    (tmp_path / "r.py").write_text(
        "def decayed(x, g, *, lr=0.1, wd=3.0):\n    x = x - lr * (g + wd * x)\n    return x\n"
    )
    text = (
        "steps: 200\nproblems:\n  - p: {use: quadratic, dim: 2, condition: 2, start: [1, 1]}\n"
        "optimizers:\n  - o: {use: r.py:decayed, lr: 0.9}\n"
    )
    told = explained(tmp_path, text)
    assert "largest rate" not in told["sentence"]
    assert all(point["ratio"] is None for point in told["points"])


def test_a_run_that_diverged_is_told_before_one_that_did_not() -> None:
    """And one that left its target for good before one that kept it, whatever their seeds."""
    runs = pd.DataFrame({
        "seed": [0, 1, 2, 3], "status": ["hit", "budget", "diverged", "budget"],
        "reached.L": [5.0, 7.0, 3.0, np.inf], "held.L": [5.0, np.inf, np.inf, np.inf],
    })  # fmt: skip
    assert list(_calm(runs, "L")) == [2, 1, 0, 2]
    assert list(_calm(runs, None)) == [2, 2, 0, 2]
