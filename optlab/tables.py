"""History -> tidy tables: one row a run, and curves as (run_id, step, metric, value).

All summaries are taken on recorded points, so a time is known to within the cadence and is told as
the later end. Nothing is dropped and nothing is imputed: a target never reached has the time +inf.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from optlab.engine import History
from optlab.plan import Run, metrics
from optlab.spec import Experiment, Target, Task
from optlab.spec.model import GAPS

__all__ = [
    "DIVERGENCE",
    "coordinates",
    "curve_table",
    "error_rows",
    "path_table",
    "run_columns",
    "run_rows",
    "run_table",
    "summarise",
]

BLOW_UP = 1e8
DIVERGENCE = (
    "A run has diverged where its loss is not finite or its gap to the minimum exceeds "
    f"{BLOW_UP:,.0f} times the gap at the start (where the minimum is not known: the loss exceeds "
    f"{BLOW_UP:,.0f} times the larger of 1 and the loss at the start)."
)


def run_rows(runs: Sequence[Run], summary: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Columns of one row a run: its causes, and what `summarise` says; `runs[i]` is its place i, all of one
    task and contender."""
    return {**_causes(runs), **summary}


def run_columns(experiment: Experiment) -> list[str]:
    """The columns of a table of runs: what is common to all, and of each problem and optimizer in turn what
    it has of its own."""
    hypers, own = list[str](), list[str]()
    for task in experiment.tasks:
        for name in task.optimizers:
            hypers += [f"hyper.{h}" for h in experiment.contender(name).optimizer.hypers]
        recorded = metrics(experiment, task)
        own += [f"final.{name}" for name in task.problem.metrics if name in recorded]
        own += [f"{what}.{target.label}" for target in task.targets for what in _TIMES]
    return list(dict.fromkeys([*_NAMES, *hypers, *_ROLES, *_OUTCOME, *own, "status", "stalled"]))


def run_table(
    parts: Sequence[tuple[Sequence[int], dict[str, np.ndarray]]], columns: Sequence[str]
) -> pd.DataFrame:
    """The rows of all parts, each with the places that its rows have in the table; NaN where a part has no
    such column."""
    unknown = {name for _, part in parts for name in part}.difference(columns)
    if unknown:
        raise AssertionError(f"no such columns were foreseen: {sorted(unknown)}")
    order = np.argsort(np.concatenate([places for places, _ in parts]), kind="stable")
    whole = {}
    for name in columns:
        pieces = [part.get(name, np.full(len(places), np.nan)) for places, part in parts]
        values = np.concatenate(pieces)[order]
        whole[name] = pd.array(values, dtype="str") if values.dtype.kind in "OU" else values
    return pd.DataFrame(whole)


def summarise(task: Task, history: History, minimum: float | None) -> dict[str, np.ndarray]:
    """What the runs of a history come to, by column, `(runs,)`."""
    loss = history.metrics["loss"].astype(float)
    alive = np.logical_and.accumulate(~_blown_up(loss, minimum), axis=0)
    kept = np.where(alive, loss, np.nan)
    last = alive.sum(axis=0) - 1
    diverged = ~alive[-1]
    steps = history.points
    diverged_at = np.where(diverged, steps[np.minimum(last + 1, len(steps) - 1)], np.nan)
    final = _at(loss, last)
    columns: dict[str, np.ndarray] = {
        "steps_done": np.where(diverged, diverged_at, task.steps).astype(int),
        "loss_first": loss[0].copy(),  # a view would hold the whole curve
        "loss_final": final,
        "loss_best": np.fmin.reduce(kept, axis=0),
        "gap": final - minimum if minimum is not None else np.full(len(final), np.nan),
        "diverged_at": diverged_at,
        "largest_rise": _largest_rise(kept, minimum),
    }
    columns["grad_evals"] = columns["steps_done"]
    columns |= {
        f"final.{name}": _at(history.metrics[name].astype(float), last)
        for name in task.problem.metrics
        if name in history.metrics
    }
    hit = np.zeros(len(final), dtype=bool)
    for i, target in enumerate(task.targets):
        met = _met(target, history, alive, minimum)
        reached, held = _times(met, steps)
        columns |= {
            f"reached.{target.label}": reached,
            f"held.{target.label}": held,
            f"worst_after.{target.label}": _worst_after(met, kept),
        }
        if i == 0:
            hit = np.isfinite(held)
    words = np.array(["budget", "hit", "diverged"])
    columns["status"] = words[np.where(diverged, 2, hit.astype(int))]
    columns["stalled"] = _stalled(history, final, minimum) & ~diverged
    return columns


def error_rows(runs: Sequence[Run]) -> dict[str, np.ndarray]:
    """The columns of runs that could not be executed: nothing is known of them but their causes."""
    known: dict[str, Any] = {"steps_done": 0, "grad_evals": 0, "status": "error", "stalled": False}
    columns = [*_OUTCOME, "status", "stalled"]
    blank = {name: _same(known.get(name, np.nan), len(runs)) for name in columns}
    return {**_causes(runs), **blank}


_NAMES = ("run_id", "problem", "optimizer", "rule")
_ROLES = ("role", "seed", "start_kind", "part")
_OUTCOME = (
    "steps_done", "loss_first", "loss_final", "loss_best", "gap", "diverged_at", "largest_rise", "grad_evals",
)  # fmt: skip
_TIMES = ("reached", "held", "worst_after")


def _causes(runs: Sequence[Run]) -> dict[str, np.ndarray]:
    contender, n = runs[0].contender, len(runs)
    names = contender.optimizer.hypers
    return {
        "run_id": np.array([r.run_id for r in runs], dtype=object),
        "problem": _same(runs[0].task.name, n),
        "optimizer": _same(contender.name, n),
        "rule": _same(contender.optimizer.name, n),
        **{f"hyper.{name}": np.array([r.hypers[name] for r in runs], float) for name in names},
        "role": np.array([r.role for r in runs], dtype=object),
        "seed": np.array([r.seed for r in runs], dtype=np.int64),
        "start_kind": np.array([r.start_kind for r in runs], dtype=object),
        "part": np.array([r.part for r in runs], dtype=object),
    }


def _same(value: Any, n: int) -> np.ndarray:
    return np.full(n, value, dtype=object if isinstance(value, str) else None)


def _blown_up(loss: np.ndarray, minimum: float | None) -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):
        if minimum is None:
            bad = np.abs(loss) > BLOW_UP * np.maximum(1.0, np.abs(loss[0]))
        else:
            # A start at the very minimum has no gap to compare with; rounding is its scale then.
            floor = np.finfo(float).eps * max(1.0, abs(minimum))
            bad = loss - minimum > BLOW_UP * np.maximum(loss[0] - minimum, floor)
    return bad | ~np.isfinite(loss)


def _at(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Column i at row index[i]; NaN where the index is before the first row."""
    picked = values[np.maximum(index, 0), np.arange(values.shape[1])]
    return np.where(index >= 0, picked, np.nan)


def _largest_rise(kept: np.ndarray, minimum: float | None) -> np.ndarray:
    """S2: the largest rise above the best loss so far, as a share of the gap at the start (of the
    loss at the start where the minimum is not known); +inf for a run that diverged, NaN where there
    is no scale to compare with."""
    risen = _best_so_far(kept)
    np.subtract(kept, risen, out=risen)
    rise = risen.max(axis=0)  # NaN where any is
    rise[np.isnan(rise)] = np.inf
    scale = kept[0] - minimum if minimum is not None else np.abs(kept[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(scale > 0, rise / scale, np.nan)
    return np.select([np.isinf(rise), rise == 0], [np.inf, 0.0], share)


def _best_so_far(kept: np.ndarray) -> np.ndarray:
    """Row by row: `np.fmin.accumulate` goes down each column by itself and takes ten times as long."""
    best = kept.copy()
    for before, now in pairwise(best):
        np.fmin(before, now, out=now)
    return best


def _met(target: Target, history: History, alive: np.ndarray, minimum: float | None) -> np.ndarray:
    """Where the target is met, at each point of each run; never after divergence."""
    values = history.metrics[target.metric].astype(float)
    bound: Any = target.value
    if target.kind == "loss_over_start":
        bound = target.value * values[0]
    if target.kind in GAPS:
        if minimum is None:  # it could not be certified, so no gap is known
            return np.zeros_like(alive)
        scale = values[0] - minimum if target.kind == "gap_over_start" else 1.0
        bound = minimum + target.value * scale
    with np.errstate(invalid="ignore"):
        good = values >= bound if target.rising else values <= bound
    return good & alive


def _times(met: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(first reached, held from): the first step at which the target is met, and the first from
    which it is met to the end; +inf for never."""
    reached = np.where(met.any(axis=0), steps[met.argmax(axis=0)], np.inf)
    trailing = np.logical_and.accumulate(met[::-1], axis=0).sum(axis=0)
    first = np.minimum(len(steps) - trailing, len(steps) - 1)
    return reached, np.where(trailing > 0, steps[first], np.inf)


def _worst_after(met: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The largest loss from the first hit on; +inf where the run diverged after it."""
    after = np.logical_or.accumulate(met, axis=0)
    worst = np.where(after, kept, -np.inf).max(axis=0)  # NaN where any is
    return np.where(met.any(axis=0), np.where(np.isnan(worst), np.inf, worst), np.nan)


def _stalled(history: History, final: np.ndarray, minimum: float | None) -> np.ndarray:
    """Whether the gradient is exactly zero at the end, away from a known minimum."""
    if "grad_norm" not in history.metrics:
        return np.zeros(len(final), dtype=bool)
    flat = history.metrics["grad_norm"][-1] == 0
    if minimum is None:
        return flat
    first = history.metrics["loss"][0].astype(float)
    return flat & (final - minimum > 1e-9 * np.maximum(1.0, first - minimum))


def curve_table(
    histories: Sequence[tuple[np.ndarray, History, np.ndarray]], run_ids: Sequence[str]
) -> pd.DataFrame:
    """Curves of many cells: each a triple (index of each column's run in `run_ids`, history, the
    step at which each column diverged or NaN). Rows in the order of runs, metrics, steps."""
    metrics = list(dict.fromkeys(name for _, h, _ in histories for name in h.metrics))
    parts = []
    for index, history, diverged_at in histories:
        before = history.points < np.where(np.isnan(diverged_at), np.inf, diverged_at)[:, None]
        names = [name for name in metrics if name in history.metrics]
        codes = np.array([metrics.index(name) for name in names], dtype=np.int16)
        # (runs, metrics, points), so that what is picked is in order within each history.
        values = np.stack([history.metrics[name].T for name in names], axis=1)
        picked = before[:, None] & ~np.isnan(values)
        parts.append((
            np.repeat(index.astype(np.int32), np.count_nonzero(picked, axis=(1, 2))),
            np.broadcast_to(codes[:, None], picked.shape)[picked],
            np.broadcast_to(history.points.astype(np.int32), picked.shape)[picked],
            values[picked],
        ))  # fmt: skip
    run, metric, step, value = _by_run(*_joined(parts))
    return pd.DataFrame(
        {
            "run_id": pd.Categorical.from_codes(run, pd.Index(run_ids, dtype=str)),
            "step": step.astype(np.int32, copy=False),
            "metric": pd.Categorical.from_codes(metric, pd.Index(metrics, dtype=str)),
            "value": value.astype(float, copy=False),
        }
    )


def path_table(
    histories: Sequence[tuple[np.ndarray, History, tuple[str, ...]]], run_ids: Sequence[str]
) -> pd.DataFrame:
    """Paths of many cells: each a triple (index of each column's run, history, coordinates)."""
    names = list(dict.fromkeys(name for _, _, coordinates in histories for name in coordinates))
    parts = []
    for index, history, coordinates in histories:
        assert history.path is not None
        path = np.moveaxis(history.path, -1, 0)  # (runs, points, dim): what is picked is in order
        picked = np.isfinite(path).all(axis=-1)
        codes = np.array([names.index(name) for name in coordinates], dtype=np.int16)
        dim = len(codes)
        run = np.repeat(index.astype(np.int32), np.count_nonzero(picked, axis=1))
        step = np.broadcast_to(history.points.astype(np.int32), picked.shape)[picked]
        parts.append(
            (run.repeat(dim), np.tile(codes, len(run)), step.repeat(dim), path[picked].ravel())
        )
    run, coordinate, step, value = _by_run(*_joined(parts))
    return pd.DataFrame(
        {
            "run_id": pd.Categorical.from_codes(run, pd.Index(run_ids, dtype=str)),
            "step": step.astype(np.int32, copy=False),
            "coordinate": pd.Categorical.from_codes(coordinate, pd.Index(names, dtype=str)),
            "value": value.astype(float, copy=False),
        }
    )


def _by_run(run: np.ndarray, *others: np.ndarray) -> tuple[np.ndarray, ...]:
    """All in the order of runs, which histories have within themselves."""
    if not (np.diff(run) < 0).any():
        return run, *others
    order = np.argsort(run, kind="stable")
    return run[order], *(values[order] for values in others)


def _joined(parts: Sequence[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
    if not parts:
        return tuple(np.zeros(0, dtype=kind) for kind in (int, int, int, float))
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def coordinates(task: Task) -> tuple[str, ...]:
    """The names of a problem's coordinates."""
    return task.problem.names or tuple(f"x{i + 1}" for i in range(task.problem.about.dim))
