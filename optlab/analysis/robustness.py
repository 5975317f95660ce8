"""Would another choice have changed a verdict? Other targets, less of the budget, another test.

Everything is told from the same runs: a shorter budget is what was seen by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.scores import scores
from optlab.analysis.settings import best_settings
from optlab.analysis.tracks import Points, points, track
from optlab.analysis.verdicts import ALL_OTHERS, ALL_PROBLEMS, Case, Judge
from optlab.analysis.weighing import earliest, weigh
from optlab.results import Results
from optlab.statistics.paired import paired_t

__all__ = ["robustness"]

COLUMNS = ["claim", "problem", "measure", "a", "b", "selection_b", "choice", "verdict", "as_judged", "flips",
           "effect", "low", "high"]  # fmt: skip

Row = dict[str, Any]


def robustness(
    results: Results,
    judged: pd.DataFrame,
    best: pd.DataFrame | None = None,
    table: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per judged comparison (a row of `judged`, which is `verdicts(...)`) and other choice.

    Choices: `target x 10` and `target / 10` (a target ten times looser or tighter, for times to a
    target on the loss or the gap), `half the budget` and `a quarter of the budget` (times, and the
    last loss or gap), `paired t` (the same differences). `flips` says that the verdict is another
    one. effect, low and high as in `verdicts`, at the same level.
    """
    best = best_settings(results.runs, results.manifest) if best is None else best
    table = scores(results, best) if table is None else table
    if judged.empty:
        return pd.DataFrame(columns=COLUMNS)
    judge = Judge(results, best, table)
    seen = points(results.curves, "loss", judge.entrants["run_id"])
    claims = {claim["id"]: claim for claim in judge.claims}
    tested = judged[
        ~judged["b"].isin(("", ALL_OTHERS))
        & (judged["problem"] != ALL_PROBLEMS)
        & judged["verdict"].isin(("SUPPORTED", "REFUTED", "INCONCLUSIVE"))
    ]
    found: dict[tuple[str, str, str], _Curves] = {}

    def curves_of(problem: str, optimizer: str, selection: str) -> _Curves:
        key = problem, optimizer, selection
        if key not in found:
            found[key] = _curves(judge, *key, seen)
        return found[key]

    rows = []
    for record in tested.to_dict("records"):
        row = {str(name): value for name, value in record.items()}
        case = judge.case(claims[row["claim"]], row["problem"], row["measure"])
        other = {"optimizer": row["b"], "selection": row["selection_b"]}
        mine, theirs = (
            curves_of(row["problem"], side["optimizer"], side["selection"])
            for side in (case.claim["a"], other)
        )
        curves = _paired(mine, theirs, int(row["n"]))
        for choice, verdict, effect, low, high in _choices(judge, case, other, row, curves):
            rows.append(
                {name: row[name] for name in ("claim", "problem", "measure", "a", "b", "selection_b")}
                | {"choice": choice, "verdict": verdict, "as_judged": row["verdict"],
                   "flips": verdict != row["verdict"], "effect": effect, "low": low, "high": high}
            )  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


_Curves = tuple[np.ndarray, pd.DataFrame]
"""Steps (points,) and losses with one row a seed and one column a point; NaN after divergence."""

_Choice = tuple[str, str, float, float, float]

_ROUNDING = 1e-12

_MEASURED = ("scale", "higher", "budget", "floor")  # of how arms are weighed, what a test must know


def _curves(judge: Judge, problem: str, optimizer: str, selection: str, seen: Points) -> _Curves:
    mine = judge.entrants
    mine = mine[
        (mine["problem"] == problem)
        & (mine["optimizer"] == optimizer)
        & (mine["selection"] == selection)
    ]
    steps, values = track(seen, mine["run_id"])
    return steps, pd.DataFrame(values, index=mine["seed"].to_numpy()).sort_index()


def _paired(a: _Curves, b: _Curves, n: int) -> tuple[_Curves, _Curves]:
    """The curves of the seeds that both sides have, the first `n`: those by which it was judged."""
    shared = a[1].index.intersection(b[1].index)[:n]
    return (a[0], a[1].loc[shared]), (b[0], b[1].loc[shared])


def _choices(
    judge: Judge, case: Case, other: dict[str, str], row: Row, curves: tuple[_Curves, ...]
) -> Iterator[_Choice]:
    level, how = float(row["level"]), judge.how(case)

    def told(choice: str, a: np.ndarray, b: np.ndarray, **changed: Any) -> _Choice:
        changed = how | changed
        found = judge.strictly(case, weigh(a, b, level=level, **changed), a, b, changed, level)
        assert found.effect is not None
        return choice, found.verdict, found.effect.estimate, found.low, found.high

    for share, name in ((0.5, "half the budget"), (0.25, "a quarter of the budget")):
        budget = share * case.problem["steps"]
        pair = _both(_at_budget(case, each, budget) for each in curves)
        if pair is not None:
            yield told(name, *pair, **({"budget": budget} if case.measure.timed else {}))
    for factor, name in ((10.0, "target x 10"), (0.1, "target / 10")):
        pair = _both(_to_target(case, each, factor, np.inf) for each in curves)
        # Where nobody gets there is nothing to compare.
        if case.measure.timed and pair is not None and np.isfinite(pair).any():
            yield told(name, *pair)
    if case.measure.binary:
        return
    a, b = (arm.to_numpy()[: row["n"]] for arm in judge.pair(case, other))
    plain, cadence = {name: how[name] for name in _MEASURED}, how["cadence"]

    def student(level: float) -> tuple[float, float, float]:
        """Estimate, low and high, over all that the times may have been."""
        seen, worst, best = (
            paired_t(x, y, level=level, **plain)
            for x, y in ((a, b), (a, earliest(b, cadence)), (earliest(a, cadence), b))
        )
        return seen.estimate, worst.low, best.high

    effect, low, high = student(level)
    if np.isfinite(effect):
        delta = np.log10(case.margin) if how["scale"] == "ratio" else case.margin
        verdict = _read(low, high, delta, case)
        others = len(case.claim["others"])
        if verdict == "REFUTED" and others > 1:  # as strictly as the verdict itself
            _, low_, high_ = student(1 - (1 - level) / others)
            verdict = _read(low_, high_, delta, case)
        yield "paired t", verdict, effect, low, high


def _both(arms: Iterable[np.ndarray | None]) -> tuple[np.ndarray, np.ndarray] | None:
    a, b = arms
    return None if a is None or b is None else (a, b)


def _read(low: float, high: float, delta: float, case: Case) -> str:
    """The verdict that an interval gives; an end at the margin but for rounding holds it."""
    inner, outer = delta - _ROUNDING, delta + _ROUNDING
    if case.claim["kind"] == "equivalent":
        inside, outside = -inner < low and high < inner, low > outer or high < -outer
        return "SUPPORTED" if inside else "REFUTED" if outside else "INCONCLUSIVE"
    return "SUPPORTED" if low > outer else "REFUTED" if high < inner else "INCONCLUSIVE"


def _at_budget(case: Case, curves: _Curves, budget: float) -> np.ndarray | None:
    """What the measure would have been had the runs ended at `budget`; None where it is not told from
    the loss alone."""
    steps, losses = curves
    within = steps <= budget
    if not within.any():
        return None
    if case.measure.timed:
        return _to_target(case, curves, 1.0, budget)
    if case.measure.name not in ("loss", "gap"):
        return None
    last = losses.to_numpy()[:, np.flatnonzero(within)[-1]]
    minimum = case.problem["minimum"]
    below = float(minimum["value"]) if case.measure.name == "gap" and minimum else 0.0
    value = last - below
    if case.measure.name == "gap":  # below f* by rounding is at f*
        value = np.maximum(value, 0.0)
    return np.where(np.isnan(last), np.inf, value)


def _to_target(case: Case, curves: _Curves, factor: float, budget: float) -> np.ndarray | None:
    """The times to a target `factor` times as far away, seen up to `budget`; None where the target
    is not on the loss."""
    target = next((t for t in case.problem["targets"] if t["label"] == case.target), None)
    steps, frame = curves
    losses = frame.to_numpy()
    bound = _bound(target, case.problem["minimum"], losses, factor)
    if bound is None:
        return None
    within = steps <= budget
    met = losses[:, within] <= bound[:, None]
    if case.measure.name == "steps_reached":
        return np.where(met.any(axis=1), steps[within][met.argmax(axis=1)], np.inf)
    trailing = np.logical_and.accumulate(met[:, ::-1], axis=1).sum(axis=1)
    first = np.minimum(met.shape[1] - trailing, met.shape[1] - 1)
    return np.where(trailing > 0, steps[within][first], np.inf)


def _bound(
    target: dict[str, Any] | None, minimum: dict[str, Any] | None, losses: np.ndarray, factor: float
) -> np.ndarray | None:
    """The loss that each run must come under."""
    if target is None or not losses.size:
        return None
    first, value = losses[:, 0], factor * float(target["value"])
    f_star = float(minimum["value"]) if minimum else np.nan
    bounds = {
        "loss": np.full(len(first), value),
        "loss_over_start": value * first,
        "gap": np.full(len(first), f_star + value),
        "gap_over_start": f_star + value * (first - f_star),
    }
    bound = bounds.get(target["kind"])
    return None if bound is None or np.isnan(bound).any() else bound
