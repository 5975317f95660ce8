"""Scores between 0 and 1, and what they come to over problems."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.settings import entrants, final_loss
from optlab.analysis.tracks import once, starting_gap
from optlab.statistics.bootstrap import LEAST, interval
from optlab.statistics.exact import probability_of_improvement

__all__ = ["aggregates", "improvements", "normal_scores", "score_of"]

GOAL = 1e-8
"""The gap, over that at the start, that earns a whole score where no target says another."""

_TRIMMED = 0.25

_RESAMPLED = 1000


def normal_scores(runs: pd.DataFrame, best: pd.DataFrame, manifest: dict[str, Any]) -> pd.DataFrame:
    """One row per (problem, optimizer, selection, seed): the part of the way, in decades of the gap,
    from the start to the target that was gone at the end of the budget,

        score = clip((log10 gap_0 - log10 gap_T) / (log10 gap_0 - log10 gap_target), 0, 1),

    0 for a run that diverged. The target is the deciding one where it is one on the loss, else 10^-8
    of the starting gap. Problems whose minimum is not known have none and are left out, as are runs
    with an error. Columns: problem, optimizer, selection, seed, score.
    """
    chosen = once(entrants(runs, best))
    chosen = chosen[chosen["status"] != "error"]
    tables = []
    for problem in manifest["problems"]:
        mine = chosen[chosen["problem"] == problem["name"]]
        if len(mine) and problem.get("minimum"):
            table = mine[["problem", "optimizer", "selection", "seed"]]
            tables.append(table.assign(score=score_of(mine, problem)))
    columns = ["problem", "optimizer", "selection", "seed", "score"]
    if not tables:
        return pd.DataFrame(columns=columns)
    return pd.concat(tables, ignore_index=True)


def score_of(mine: pd.DataFrame, problem: dict[str, Any]) -> np.ndarray:
    """The score of each row of `mine`, runs on `problem`, whose minimum is known."""
    start = starting_gap(mine["loss_first"].to_numpy(float), problem["minimum"])
    end = final_loss(mine).to_numpy() - float(problem["minimum"]["value"])
    aim = _aim(problem, start)
    with np.errstate(divide="ignore", invalid="ignore"):
        # A start at or below the target has no way to go: it is there if it stays.
        gone = np.log10(start / np.maximum(end, 0.0)) / np.log10(start / aim)
        score = np.where(start > aim, np.clip(gone, 0.0, 1.0), (end <= aim).astype(float))
    return np.where(np.isfinite(end), score, 0.0)


def _aim(problem: dict[str, Any], start: np.ndarray) -> np.ndarray:
    """The gap that each run is to reach."""
    target = next((t for t in problem["targets"] if t["label"] == problem.get("decision")), None)
    kind = target["kind"] if target else ""
    value = float(target["value"]) if target else GOAL
    least = float(problem["minimum"]["value"])
    aims = {
        "gap": np.full(len(start), value),
        "gap_over_start": value * start,
        "loss": np.full(len(start), value - least),
        "loss_over_start": value * (start + least) - least,
    }
    aim = aims.get(kind, GOAL * start)
    # A loss below the minimum cannot be reached; then the usual goal stands in for it.
    return np.where(aim > 0, aim, GOAL * start)


def aggregates(scores: pd.DataFrame, draws: int = _RESAMPLED) -> pd.DataFrame:
    """One row per (optimizer, selection) over all its problems and seeds, from `normal_scores`.

    Columns: problems, seeds (of a problem), iqm (the mean of the middle half of all problem-seed
    scores; Agarwal et al. 2021, arXiv:2108.13264, section 4.3), iqm_low, iqm_high, optimality_gap
    (1 - mean score), optimality_gap_low, optimality_gap_high, note. Intervals (95 %, percentile)
    resample seeds within problems, so they speak of these problems; under 20 seeds there are none,
    and the note says why.
    """
    rows = []
    for names, mine in scores.groupby(["optimizer", "selection"], sort=False, observed=True):
        cube, problems = _cube(_wide(mine), [str(names[0])])
        if not problems:
            continue
        row: dict[str, Any] = dict(zip(("optimizer", "selection"), names, strict=True))
        row |= {"problems": len(problems), "seeds": cube.shape[2], "note": ""}
        for name, statistic in (("iqm", _iqm), ("optimality_gap", _optimality_gap)):
            found = interval(cube, statistic, method="percentile", times=draws)
            row |= {name: found.estimate, f"{name}_low": found.low, f"{name}_high": found.high}
            row["note"] = found.note
        rows.append(row)
    ends = [f"{name}{end}" for name in ("iqm", "optimality_gap") for end in ("", "_low", "_high")]
    return pd.DataFrame(
        rows, columns=["optimizer", "selection", "problems", "seeds", *ends, "note"]
    )


def improvements(scores: pd.DataFrame, draws: int = _RESAMPLED) -> pd.DataFrame:
    """P(a does better than b), for every two optimizers of one selection: the mean over the problems
    of both of P(a_s > b_r) + P(a_s = b_r) / 2 for seeds s, r drawn apart (Mann & Whitney's U over
    n m; Agarwal et al. 2021, section 4.3).

    Columns: selection, a, b, problems, seeds, probability, low, high, note. The interval (95 %,
    percentile, from 20 seeds on) draws a seed for both at once, since they are paired by seed.
    """
    rows = []
    for selection, mine in scores.groupby("selection", sort=False, observed=True):
        wide = _wide(mine)
        for a, b in combinations(mine["optimizer"].unique(), 2):
            cube, problems = _cube(wide, [a, b])
            if problems:
                rows.append(
                    {
                        "selection": selection,
                        "a": a,
                        "b": b,
                        "problems": len(problems),
                        "seeds": cube.shape[2],
                        **_improvement(cube[0], cube[1], draws),
                    }
                )
    columns = ["selection", "a", "b", "problems", "seeds", "probability", "low", "high", "note"]
    return pd.DataFrame(rows, columns=columns)


def _wide(scores: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Each problem's scores, a row a seed, a column an optimizer. In the order of names, so that
    resamples do not depend on the order of rows."""
    return {
        str(problem): mine.pivot(index="seed", columns="optimizer", values="score").sort_index()
        for problem, mine in scores.groupby("problem", observed=True)
    }


def _cube(wide: dict[str, pd.DataFrame], optimizers: list[str]) -> tuple[np.ndarray, list[str]]:
    """Scores as (optimizers, problems, seeds), and the problems: those that all were run on, with the
    seeds that all have. Where problems differ in seeds the fewest are taken of each, save that the
    one seed of a problem whose start is given stands for as many as the others have."""
    found, problems = [], []
    for problem, table in wide.items():
        if not set(optimizers) <= set(table.columns):
            continue
        values = table[optimizers].to_numpy(dtype=float)
        values = values[~np.isnan(values).any(axis=1)]
        if len(values):
            found.append(values.T)
            problems.append(problem)
    if not found:
        return np.zeros((len(optimizers), 0, 0)), []
    counts = {part.shape[1] for part in found}
    seeds = min(counts - {1}, default=1)
    same = [np.repeat(p, seeds, axis=1) if p.shape[1] == 1 else p[:, :seeds] for p in found]
    return np.stack(same, axis=1), problems


def _iqm(cube: np.ndarray) -> np.ndarray:
    """The mean of the middle half of all but the leading axes' optimizers, problems and seeds."""
    pooled = np.sort(cube.reshape(*cube.shape[:-3], -1), axis=-1)
    cut = int(_TRIMMED * pooled.shape[-1])
    return pooled[..., cut : pooled.shape[-1] - cut].mean(axis=-1)


def _optimality_gap(cube: np.ndarray) -> np.ndarray:
    return 1.0 - np.minimum(cube, 1.0).mean(axis=(-3, -2, -1))


def _improvement(a: np.ndarray, b: np.ndarray, draws: int) -> dict[str, Any]:
    """Of two optimizers, each (problems, seeds). A resample is counted, not copied: if seed s is drawn
    c_s times, U is c' W c with W the table of who beats whom, made once."""
    each = [
        probability_of_improvement(one, two, higher=True) for one, two in zip(a, b, strict=True)
    ]
    seeds = a.shape[1]
    out = {"probability": float(np.mean(each)), "low": np.nan, "high": np.nan, "note": ""}
    if seeds < LEAST:
        note = f"no bootstrap of {seeds} seeds: under {LEAST} its intervals are too short"
        return out | {"note": note}
    wins = (a[:, :, None] > b[:, None, :]) + 0.5 * (a[:, :, None] == b[:, None, :])
    generator = np.random.default_rng(0)
    total = np.zeros(draws)
    for table in wins:
        count = generator.multinomial(seeds, np.full(seeds, 1.0 / seeds), size=draws)
        total += ((count @ table) * count).sum(axis=1) / seeds**2
    low, high = np.quantile(total / len(wins), [0.025, 0.975])
    return out | {"low": float(low), "high": float(high)}
