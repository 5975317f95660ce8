"""Scores written by hand, and the verdicts that they come to."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from made_tables import LABEL, best_of, made

from optlab.analysis.verdicts import verdicts
from optlab.measures import MEASURES
from optlab.results import Results
from optlab.spec import Claim, Side

INF = math.inf
STEPS = 100

Scores = dict[tuple[str, str], Any]


def claim(
    kind: str = "better", a: str = "a", others: tuple[str, ...] = ("b",), measure: Any = "gap",
    problems: tuple[str, ...] = ("p",), post_hoc: bool = False, **more: Any,
) -> dict[str, Any]:  # fmt: skip
    measures = (measure,) if isinstance(measure, str) else tuple(measure)
    sides = tuple(Side(name) for name in others)
    stated = Claim("as written", kind, Side(a), sides, measures, problems, **more)  # type: ignore[arg-type]
    return asdict(stated) | {"id": stated.id, "declared": "2026-01-01", "post_hoc": post_hoc}


def results(folder: Any, claims: list[dict[str, Any]], scores: Scores, start: str = "drawn",
            cadence: int = 1, **manifest: Any) -> Results:  # fmt: skip
    """Runs for every problem, optimizer and seed of `scores`; only what gates look at is real."""
    losses = {}
    for (problem, optimizer), values in scores.items():
        for seed in range(len(np.atleast_1d(values))):
            first = 1.0 if start == "given" else 1.0 + 0.01 * seed
            losses[problem, optimizer, seed] = [first, 0.5 + 0.001 * seed * (start != "given")]
    found = made(folder, losses, start=start, cadence=cadence)
    for problem in found.manifest["problems"]:
        problem |= {"steps": STEPS, "cadence": cadence}
    n = max(len(np.atleast_1d(v)) for v in scores.values())
    found.manifest.update({"claims": claims, "seeds": {"evaluate": n}} | manifest)
    return found


def table(scores: Scores, measure: str, target: str | None = None) -> pd.DataFrame:
    label = (LABEL if MEASURES[measure].timed else "") if target is None else target
    return pd.DataFrame(
        [
            {"problem": problem, "optimizer": optimizer, "selection": "tuned", "measure": measure,
             "target": label, "seed": seed, "value": float(value), "status": "budget"}
            for (problem, optimizer), values in scores.items()
            for seed, value in enumerate(np.atleast_1d(values))
        ]
    )  # fmt: skip


def alone(runs: Results) -> pd.DataFrame:
    return best_of(runs).assign(settings=1, on_edge=[{}] * len(best_of(runs)), chosen_on="evaluate")


def judge(folder: Any, claims: Any, scores: Scores, measure: str = "gap", best: Any = None,
          **more: Any) -> pd.DataFrame:  # fmt: skip
    claims = [claims] if isinstance(claims, dict) else claims
    runs = results(folder, claims, scores, **more)
    return verdicts(runs, alone(runs) if best is None else best(runs), table(scores, measure))


def logs(seed: int, n: int, factor: float = 1.0, sd: float = 0.1) -> np.ndarray:
    return factor * 10 ** np.random.default_rng(seed).normal(0.0, sd, n)


GOOD: Scores = {("p", "a"): logs(1, 20), ("p", "b"): logs(2, 20, 3.0)}
