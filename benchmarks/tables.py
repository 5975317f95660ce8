"""Seconds for each table over problems, from a made-up folder of results.

`python benchmarks/tables.py [--runs 100000] [--points 101]`. Eight optimizers on eight problems; every
setting of a grid of rates was tried on twenty seeds and evaluated on twenty others, as many rates as the
number of runs allows, and every run has its curve of losses.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.aggregate import aggregates, improvements, normal_scores
from optlab.analysis.calm import kinds_of_stability
from optlab.analysis.crossings import crossings
from optlab.analysis.profiles import profile_scores, target_costs, two_solver_profiles
from optlab.analysis.ranks import leave_one_out, rank_table, rank_test
from optlab.analysis.rates import rate_robustness
from optlab.analysis.robustness import robustness
from optlab.analysis.runtime import data_profile, first_hits, runtime_shares, runtimes
from optlab.analysis.scores import scores
from optlab.analysis.settings import best_settings
from optlab.analysis.tuning import tuning_curves
from optlab.analysis.verdicts import verdicts
from optlab.results import Results
from optlab.spec import Claim, Side

OPTIMIZERS = PROBLEMS = 8
SEEDS = 20
TARGET = "gap_over_start <= 0.001"


def claims(names: list[str]) -> list[dict[str, Any]]:
    """Each optimizer is claimed to be faster, to end lower and to be more robust than the next one, on
    every problem."""
    problems = tuple(f"problem-{i}" for i in range(PROBLEMS))
    sides = [Side(name) for name in names]
    made = [
        Claim("", "better", a, (b,), measures, problems)
        for a, b in zip(sides, sides[1:] + sides[:1], strict=True)
        for measures in (("steps_reached", "steps_held"), ("gap",), ("rate_width",))
    ]
    return [asdict(c) | {"id": c.id, "declared": "", "post_hoc": False} for c in made]


def folder_of(runs: int, points: int) -> Results:
    """Runs whose gap falls at a speed that has its best rate in the middle of the grid, with noise;
    the highest rates diverge."""
    rates = max(2, runs // (OPTIMIZERS * PROBLEMS * SEEDS * 2))
    generator = np.random.default_rng(0)
    shape = (PROBLEMS, OPTIMIZERS, rates, 2, SEEDS)
    problem, optimizer, rate, role, seed = (i.ravel() for i in np.indices(shape))
    count = len(problem)
    place = rate / (rates - 1)
    speed = 0.15 * np.exp(-(((place - 0.6) / 0.25) ** 2)) * generator.lognormal(0, 0.3, count)
    fall = speed[:, None] * generator.exponential(1.0, (count, points)) * 3
    noise = generator.normal(0, 0.1, (count, points))
    loss = np.exp(np.cumsum(-fall + noise, axis=1)) * generator.lognormal(0, 0.5, count)[:, None]
    diverged = (place > 0.9) & (generator.random(count) < 0.8)
    last = np.where(diverged, points // 3, points - 1)
    kept = np.arange(points) <= last[:, None]
    loss = np.where(kept, loss, np.nan)
    step = 10 * np.arange(points)
    met = loss <= 1e-3 * loss[:, :1]
    reached = np.where(met.any(axis=1), step[met.argmax(axis=1)], np.inf)
    trailing = np.logical_and.accumulate(met[:, ::-1], axis=1).sum(axis=1)
    held = np.where(trailing > 0, step[np.minimum(points - trailing, points - 1)], np.inf)
    rise = np.where(kept, loss - np.fmin.accumulate(loss, axis=1), 0.0).max(axis=1) / loss[:, 0]
    final = loss[np.arange(count), last]
    ids = np.array([f"{i:016x}" for i in range(count)])
    table = pd.DataFrame(
        {
            "run_id": ids,
            "problem": np.char.add("problem-", problem.astype(str)),
            "optimizer": np.char.add("optimizer-", optimizer.astype(str)),
            "hyper.lr": 10.0 ** (-4 + 5 * place),
            "role": np.where(role == 0, "tune", "evaluate"),
            "part": np.where(role == 0, "trial", "grid"),
            "seed": seed,
            "start_kind": "drawn",
            "steps_done": step[last],
            "grad_evals": step[last],
            "loss_first": loss[:, 0],
            "loss_final": final,
            "loss_best": np.nanmin(loss, axis=1),
            "gap": final,
            "largest_rise": np.where(diverged, np.inf, rise),
            f"reached.{TARGET}": reached,
            f"held.{TARGET}": held,
            "status": np.select([diverged, np.isfinite(held)], ["diverged", "hit"], "budget"),
        }
    )
    run, point = np.nonzero(kept)
    curves = pd.DataFrame(
        {
            "run_id": pd.Categorical.from_codes(run, pd.Index(ids)),
            "step": step[point].astype(np.int32),
            "metric": pd.Categorical.from_codes(np.zeros(len(run), dtype=int), ["loss"]),
            "value": loss[run, point],
        }
    )
    names = [f"optimizer-{i}" for i in range(OPTIMIZERS)]
    target = {"label": TARGET, "metric": "loss", "kind": "gap_over_start", "value": 1e-3}
    manifest: dict[str, Any] = {
        "precision": "float64",
        "problems": [
            {
                "name": f"problem-{i}", "optimizers": names, "steps": int(step[-1]), "cadence": 10,
                "targets": [target], "decision": TARGET, "minimum": {"value": 0.0, "error": 0.0},
            }
            for i in range(PROBLEMS)
        ],
        "optimizers": [
            {
                "name": name, "hypers": {"lr": sorted(set(table["hyper.lr"]))}, "swept": ["lr"],
                "settings": rates,
            }
            for name in names
        ],
        "seeds": {"evaluate": SEEDS},
        "claims": claims(names),
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        results = Results(Path(folder), table, manifest)
    vars(results)["curves"] = curves
    return results


def measure(results: Results) -> dict[str, float]:
    """Seconds of each table, each from what those before it left."""
    seconds = {}

    def timed(name: str, made: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        table = made()
        seconds[name] = time.perf_counter() - began
        return table

    runs, manifest = results.runs, results.manifest
    best = timed("best settings", lambda: best_settings(runs, manifest))
    found = timed("scores", lambda: scores(results, best))
    judged = timed("verdicts", lambda: verdicts(results, best, found))
    timed("robustness", lambda: robustness(results, judged, best, found))
    costs = timed("target costs", lambda: target_costs(found, manifest))
    timed("profile scores", lambda: profile_scores(costs))
    timed("two-solver profiles", lambda: two_solver_profiles(costs))
    timed("runtimes", lambda: runtimes(runs, best, manifest))
    hits = timed("first hits", lambda: first_hits(results, best))
    timed("runtime shares", lambda: runtime_shares(hits))
    timed("data profile", lambda: data_profile(hits, 1e-3))
    timed("tuning curves", lambda: tuning_curves(runs, best, manifest))
    normal = timed("normal scores", lambda: normal_scores(runs, best, manifest))
    timed("aggregates", lambda: aggregates(normal))
    timed("improvements", lambda: improvements(normal))
    timed("rate robustness", lambda: rate_robustness(runs, best, manifest))
    timed("kinds of stability", lambda: kinds_of_stability(found, runs, best, manifest))
    timed("ranks", lambda: (rank_table(costs), rank_test(costs), leave_one_out(costs)))
    timed("crossings", lambda: crossings(results, best))
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--points", type=int, default=101)
    asked = parser.parse_args()
    results = folder_of(asked.runs, asked.points)
    print(f"{len(results.runs):,} runs, {len(results.curves):,} points")
    seconds = measure(results)
    for name, value in seconds.items():
        print(f"{value:8.3f} s  {name}")
    print(f"{sum(seconds.values()):8.3f} s  all")


if __name__ == "__main__":
    main()
