"""Starts and minibatches come from the causes of a run alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from optlab import plan
from optlab.draws import Draws, fingerprint
from optlab.plan import Run
from optlab.problems import REGISTRY, normal
from optlab.spec import Experiment, parse


def spec(
    problems: str, optimizers: str = "[sgd, {adam: {lr: [0.1, 0.2]}}]", more: str = ""
) -> Experiment:
    text = f"title: t\nsteps: 12\nproblems: {problems}\noptimizers: {optimizers}\n{more}"
    return parse(text, Path("s.yaml"))


def drawn(experiment: Experiment) -> list[tuple[Run, Any, Any]]:
    """Every run with its start and its minibatches."""
    draws, runs = Draws(experiment.seeds.experiment), list(plan.runs(experiment))
    for task in experiment.tasks:
        draws.prepare(task, {(r.role, r.seed, r.start_kind): None for r in runs if r.task is task})
    return [(r, draws.start(r), draws.stream(r)) for r in runs]


def test_optimizers_and_condition_numbers_share_their_starts() -> None:
    experiment = spec("[{a: {use: quadratic, condition: 2}}, {b: {use: quadratic, condition: 200}}]",
                      more="seeds: {tune: 2, evaluate: 3}\n")  # fmt: skip
    starts: dict[Any, list[Any]] = {}
    for run, start, stream in drawn(experiment):
        assert stream is None
        starts.setdefault((run.role, run.seed), []).append(start)
    # Two problems, sgd and two settings of adam; on evaluation seeds adam's default as well.
    assert {role: len(same) for (role, _), same in starts.items()} == {
        "tune": 2 * (1 + 2), "evaluate": 2 * (1 + 2 + 1), "picture": 2 * (1 + 2),
    }  # fmt: skip
    for same in starts.values():
        for other in same:
            np.testing.assert_array_equal(other, same[0])
    assert len({tuple(same[0]) for same in starts.values()}) == 2 + 3 + 1  # roles and seeds differ
    np.testing.assert_array_equal(starts["picture", 0][0], [-2.0, 2.0])


def test_optimizers_share_their_minibatches() -> None:
    experiment = spec("[{mlp: {data: iris, batch: 50}}]", more="seeds: {tune: 1, evaluate: 2}\n")
    streams: dict[Any, list[Any]] = {}
    for run, _, stream in drawn(experiment):
        streams.setdefault((run.role, run.seed), []).append(stream)
    for (role, _), same in streams.items():
        assert len(same) == (4 if role == "evaluate" else 3)
        assert all((s == same[0]).all() for s in same)
    assert len({s[0].tobytes() for s in streams.values()}) == 3
    [stream, *_] = streams["evaluate", 0]
    assert stream.shape == (12, 50)
    for epoch in stream.reshape(6, -1):  # 120 rows: two minibatches an epoch, 20 rows sit it out
        assert len(set(epoch)) == 100
        assert set(epoch) <= set(range(120))


def test_a_longer_run_meets_the_same_batches_first() -> None:
    short = drawn(spec("[{mlp: {data: iris, batch: 50}}]", "[sgd]"))[0][2]
    long = drawn(spec("[{mlp: {data: iris, batch: 50, steps: 31}}]", "[sgd]"))[0][2]
    np.testing.assert_array_equal(long[:12], short)


def test_the_experiment_seed_changes_every_start() -> None:
    one, two = (
        drawn(spec("[rosenbrock]", "[sgd]", f"seeds: {{experiment: {s}}}\n")) for s in (0, 1)
    )
    for (run, a, _), (_, b, _) in zip(one, two, strict=True):
        assert (a == b).all() == (run.role == "picture")


def test_a_place_in_the_list_changes_nothing() -> None:
    both, alone = drawn(spec("[rosenbrock, beale]", "[sgd]")), drawn(spec("[beale]", "[adam]"))
    wanted = [start for run, start, _ in both if run.task.name == "beale"]
    np.testing.assert_array_equal(wanted, [start for _, start, _ in alone])


def test_starts_are_spread_as_the_problem_says() -> None:
    starts = [s for r, s, _ in drawn(spec("[{rosenbrock: {dim: 3}}]", "[sgd]", "seeds: 400\n"))
              if r.role == "evaluate"]  # fmt: skip
    values = np.concatenate(starts)
    assert stats.kstest(values, stats.uniform(-2, 4).cdf).pvalue > 0.01
    assert abs(np.corrcoef(np.array(starts).T) - np.eye(3)).max() < 0.2


def test_a_dead_start_is_drawn_again() -> None:
    made = [
        s
        for r, s, _ in drawn(spec("[relu_network]", "[sgd]", "seeds: 300\n"))
        if r.role == "evaluate"
    ]
    for w1, b1, w2, b2 in made:
        h = max(0.0, 2 * w1 + b1)
        assert h * w2 + b2 > 0  # the last unit is awake, so its bias has a gradient
    [task] = spec("[rosenbrock]").tasks
    dead = replace(task.problem, loss=lambda x, data: 0.0 * x.sum(0), start=normal(1.0, 2))
    with pytest.raises(ValueError, match="1000 starts in a row have a gradient of zero"):
        Draws(0).prepare(replace(task, problem=dead), [("evaluate", 0, "drawn")])


def test_a_fingerprint_tells_problems_apart() -> None:
    bowl = REGISTRY["quadratic"]
    prints = [fingerprint(bowl(condition=c, rotated=r)) for c in (2.0, 3.0) for r in (False, True)]
    assert len({str(p) for p in prints}) == 4
    assert fingerprint(bowl(condition=2.0)) == prints[0]
    for looked in prints[0]:
        assert looked["value"] > 0
        # On a bowl of curvatures 1/2 and 1: L * 2 f >= |g|^2 >= m * 2 f.
        assert looked["value"] <= looked["gradient_norm"] ** 2 <= 2 * looked["value"]
