"""How often verdicts err where the truth is known, from tables of runs on; and how long they take.

`python benchmarks/verdicts.py [--times 2000] [--only laws|itself|seconds]`. Two arms are drawn whose true
effect is exactly the margin, so that neither SUPPORTED nor REFUTED is right: each may come in at most 2.5 %
of the comparisons. They are told by the interval itself, all at once; some are also written as runs and
curves, many comparisons to a folder, each as a problem of its own, and judged as an experiment is (settings,
scores, gates, interval, verdict): `agree` is the share of those of which both say the same. `sgd against
itself` is judged only that way: one rule on a noisy quadratic, one half of whose seeds has another name.
The intervals alone, of far more laws, are in `calibration.py`.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import ndtr

import optlab
from optlab.analysis.scores import scores
from optlab.analysis.settings import best_settings
from optlab.analysis.verdicts import ALL_PROBLEMS, verdicts
from optlab.measures import MEASURES
from optlab.results import Results
from optlab.spec import Claim, Side
from optlab.statistics.paired import shift_of
from optlab.statistics.shifted import costs

BUDGET, LABEL = 1000, "loss <= 0.1"
AT_ONCE = 100  # comparisons in one folder

LAWS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "normal": lambda z: 10 + z,
    "log-normal": lambda z: np.exp(0.5 * z),
    "heavy": lambda z: 10 ** (0.2 * stats.t.ppf(ndtr(z), 2)),
}
"""Costs made from standard normals, so that a pair's correlation is that of its normals."""


def at_the_margin(
    law: str, shared: float, measure: str, missed: float, shape: tuple[int, int], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Two arms (comparisons, seeds) of one law, correlated in pairs; b is worse than a by exactly the
    margin of `measure`. Of times a share `missed` lies beyond the budget."""
    generator = np.random.default_rng([seed, shape[1]])
    common, *own = generator.standard_normal((3, *shape))
    a, b = (LAWS[law](math.sqrt(shared) * common + math.sqrt(1 - shared) * z) for z in own)
    about = MEASURES[measure]
    b = (
        b * about.margin
        if about.scale == "ratio"
        else b + about.margin * (-1 if about.higher else 1)
    )
    if about.timed:
        scale = BUDGET / np.quantile(np.concatenate([a, b]), 1 - missed) if missed else 10.0
        a, b = (np.where(scale * x > BUDGET, np.inf, np.maximum(scale * x, 1.0)) for x in (a, b))
    return a, b


def folder_of(a: np.ndarray, b: np.ndarray, measure: str, margin: float | None = None) -> Results:
    """Runs and curves of two optimizers, `one` and `other`, with these values of `measure`: a problem
    for each row of `a` and `b`, (comparisons, seeds)."""
    names = [f"problem-{i}" for i in range(len(a))]
    count, n = a.shape
    problem, optimizer, seed = (i.ravel() for i in np.indices((count, 2, n)))
    values = np.stack([a, b], axis=1).ravel()
    ids = np.array([f"{i:08x}" for i in range(len(values))])
    first = 1.0 + seed / 1000
    final = values if measure == "gap" else 0.5 + seed / 1000
    timed = MEASURES[measure].timed
    held = values if timed else np.full(len(values), np.inf)
    runs = pd.DataFrame(
        {
            "run_id": ids, "problem": np.array(names)[problem],
            "optimizer": np.array(["one", "other"])[optimizer], "hyper.lr": 0.1,
            "role": "evaluate", "part": "chosen", "seed": seed, "start_kind": "drawn",
            "steps_done": BUDGET, "grad_evals": BUDGET, "loss_first": first, "loss_final": final,
            "loss_best": final, "gap": final,
            "largest_rise": values if measure == "overshoot" else 0.0,
            f"reached.{LABEL}": held, f"held.{LABEL}": held, f"worst_after.{LABEL}": np.nan,
            "status": np.where(np.isfinite(held), "hit", "budget"), "stalled": False,
        }
    )  # fmt: skip
    ends = [("loss", 0, first), ("loss", BUDGET, final)]
    if measure == "test_accuracy":
        ends.append((measure, BUDGET, values))
    curves = pd.concat(
        pd.DataFrame({"run_id": ids, "step": step, "metric": metric, "value": value})
        for metric, step, value in ends
    ).astype({"run_id": "category", "metric": "category", "step": np.int32})
    target = {"label": LABEL, "metric": "loss", "kind": "loss", "value": 0.1}
    about = {"optimizers": ["one", "other"], "steps": BUDGET, "cadence": 1, "targets": [target],
             "decision": LABEL, "minimum": {"value": 0.0, "error": 0.0}}  # fmt: skip
    return _results(runs, curves, about, names, n, claim(measure, names, margin))


def claim(measure: str, problems: list[str], margin: float | None = None) -> dict[str, Any]:
    """`one` is better than `other`, from six seeds on."""
    sides = Side("one"), (Side("other"),)
    made = Claim("", "better", *sides, (measure,), tuple(problems), margin=margin, min_seeds=6)
    return asdict(made) | {"id": made.id, "declared": "", "post_hoc": False}


def _results(
    runs: pd.DataFrame, curves: pd.DataFrame, about: dict[str, Any], names: list[str], seeds: int,
    stated: dict[str, Any],
) -> Results:  # fmt: skip
    manifest = {
        "precision": "float64",
        "problems": [{"name": name, **about} for name in names],
        "optimizers": [
            {"name": name, "hypers": {"lr": [0.1]}, "swept": [], "settings": 1, "default": {}}
            for name in ("one", "other")
        ],
        "seeds": {"evaluate": seeds},
        "claims": [stated],
    }
    made = Results(Path(), runs, manifest)
    vars(made)["curves"] = curves
    return made


def verdicts_of(results: Results) -> pd.DataFrame:
    """One verdict for each comparison."""
    told = verdicts(results)
    return told[told["problem"] != ALL_PROBLEMS]


def judged(a: np.ndarray, b: np.ndarray, measure: str, margin: float | None = None) -> pd.DataFrame:
    """The verdicts on many comparisons, some at a time."""
    parts = range(0, len(a), AT_ONCE)
    tables = (folder_of(a[i : i + AT_ONCE], b[i : i + AT_ONCE], measure, margin) for i in parts)
    return pd.concat([verdicts_of(each) for each in tables], ignore_index=True)


def told_at_once(a: np.ndarray, b: np.ndarray, measure: str) -> pd.DataFrame:
    """The verdicts on all comparisons, from nothing but the interval, the margin and the budget."""
    about = MEASURES[measure]
    x, y = (costs(each, about.scale, about.higher) for each in (a, b))
    ratio = about.scale == "ratio"
    delta = math.log10(about.margin) if ratio else about.margin
    _, low, high, ranked = shift_of(x, y, 0.95, math.log10(BUDGET) if about.timed else math.inf)
    verdict = np.select([low > delta, high < delta], ["SUPPORTED", "REFUTED"], "INCONCLUSIVE")
    return pd.DataFrame({"verdict": verdict, "method": np.where(ranked, "signed-rank", "win rate")})


ITSELF = """
title: One rule against itself
steps: 60
seeds: {{evaluate: {seeds}}}
targets: {{gap_over_start: 0.05}}
record: {{every: 1, metrics: [loss]}}
problems: [{{p: {{use: quadratic, dim: 2, condition: 2, noise: 0.3}}}}]
optimizers: [{{one: {{use: sgd, lr: 0.2}}}}]
"""


def against_itself(folder: Path, times: int, n: int) -> Iterator[Results]:
    """Folders of comparisons of a rule with itself: as many runs of one optimizer as both arms need,
    of which every other one is called by another name."""
    spec = folder / "itself.yaml"
    spec.write_text(ITSELF.format(seeds=2 * n * times))
    whole = optlab.run(spec, folder / "out")
    runs = whole.runs[whole.runs["role"] == "evaluate"].sort_values("seed", ignore_index=True)
    curves = whole.curves
    index = pd.Index(runs["run_id"])
    row = index.get_indexer(curves["run_id"].cat.categories)[curves["run_id"].cat.codes]
    about = whole.manifest["problems"][0] | {"optimizers": ["one", "other"]}
    del about["name"]
    size = 2 * n * AT_ONCE
    for begin in range(0, len(runs), size):
        mine = runs.iloc[begin : begin + size]
        place = np.arange(len(mine))
        names = [f"problem-{i}" for i in range(len(mine) // (2 * n))]
        relabelled = mine.assign(
            problem=np.array(names)[place // (2 * n)],
            optimizer=np.where(place % 2, "other", "one"), seed=place % (2 * n) // 2,
        )  # fmt: skip
        here = curves[(row >= begin) & (row < begin + size)]
        yield _results(relabelled, here, about, names, n, claim("gap", names))


ON_ITSELF = {"steps_reached": 1.0, "steps_held": 1.0, "gap": 1.0, "overshoot": 0.0, "rises": 0.0}
"""Margins at which the effect of a rule on itself lies."""


def judged_against_itself(folder: Path, times: int, n: int) -> dict[str, pd.DataFrame]:
    """For each measure, the verdicts on comparisons of a rule with itself."""
    found: dict[str, list[pd.DataFrame]] = {measure: [] for measure in ON_ITSELF}
    for results in against_itself(folder, times, n):
        best = best_settings(results.runs, results.manifest)
        table = scores(results, best)
        names = [p["name"] for p in results.manifest["problems"]]
        for measure, margin in ON_ITSELF.items():
            manifest = results.manifest | {"claims": [claim(measure, names, margin)]}
            told = verdicts(replace(results, manifest=manifest), best, table)
            found[measure].append(told[told["problem"] != ALL_PROBLEMS])
    return {measure: pd.concat(tables) for measure, tables in found.items()}


HEAD = "| costs | measure | n | supported | refuted | open | by rank | agree |"


def row(name: str, measure: str, n: int, told: pd.DataFrame, agree: float | None = None) -> None:
    """A line of the table: shares of all comparisons, and how they were judged."""
    share = told["verdict"].value_counts(normalize=True)
    shares = [share.get(each, 0.0) for each in ("SUPPORTED", "REFUTED", "INCONCLUSIVE")]
    texts = [f"{each:.1%}" for each in shares]
    ranked = f"{(told['method'] == 'signed-rank').mean():.0%}"
    alike = "" if agree is None else f"{agree:.0%}"
    print(f"| {' | '.join([name, measure, str(n), *texts, ranked, alike])} |", flush=True)


def print_laws(times: int, whole: int) -> None:
    cases = [("steps_held", 0.0), ("steps_held", 0.25), ("steps_held", 0.5)]
    for measure, missed in [*cases, ("gap", 0.0), ("overshoot", 0.0), ("test_accuracy", 0.0)]:
        for law in LAWS:
            for shared in (0.0, 0.5, 0.9):
                for n in (6, 10, 20):
                    a, b = at_the_margin(law, shared, measure, missed, (times, n), 1)
                    told = told_at_once(a, b, measure)
                    through = judged(a[:whole], b[:whole], measure)["verdict"].to_numpy()
                    agree = float(np.mean(through == told["verdict"].to_numpy()[:whole]))
                    name = f"{law}, {shared} shared" + (f", {missed:.0%} missed" if missed else "")
                    row(name, measure, n, told, agree)


def print_itself(times: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for n in (6, 10, 20):
            for measure, told in judged_against_itself(Path(folder), times, n).items():
                row("sgd against itself", measure, n, told)


def print_seconds(runs: int) -> None:
    from tables import folder_of as large
    from tables import measure

    results = large(runs, 101)
    began = time.perf_counter()
    told = verdicts(results)
    alone = time.perf_counter() - began
    every = sum(measure(results).values())
    print(f"{len(results.runs):,} runs, {len(results.curves):,} points, {len(told):,} verdicts")
    print(f"{alone:.2f} s  settings, scores and verdicts\n{every:.2f} s  all tables (under 10)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=2000, help="comparisons a row")
    parser.add_argument("--whole", type=int, default=20, help="of them, judged as an experiment is")
    parser.add_argument("--runs", type=int, default=100_000, help="of the folder that is timed")
    parser.add_argument("--only", choices=("laws", "itself", "seconds"))
    asked = parser.parse_args()
    error = 2 * math.sqrt(0.025 * 0.975 / asked.times)
    if asked.only in (None, "seconds"):
        print_seconds(asked.runs)
    if asked.only in (None, "itself", "laws"):
        print(f"\n{asked.times} comparisons a row; allowed 2.5 % (and {error:.1%})\n\n{HEAD}")
        print("|---" * 8 + "|")
    if asked.only in (None, "itself"):
        print_itself(asked.times)
    if asked.only in (None, "laws"):
        print_laws(asked.times, asked.whole)


if __name__ == "__main__":
    main()
