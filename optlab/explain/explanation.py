"""Why a run ended as it did: the run made again, measured where it matters, and said in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from optlab.draws import Draws
from optlab.explain.happened import KINDS, Event, happened
from optlab.explain.measure import Point, Turning, measure
from optlab.explain.replay import Agreement, Replay, agreement
from optlab.explain.sentence import sentence
from optlab.explain.stability import Answer
from optlab.plan import Run

__all__ = ["explain"]

WINDOW = 20
"""Steps before the one that is looked at, in which it is counted how often the run turned back."""


def explain(
    run: Run,
    row: Mapping[str, Any],
    steps: np.ndarray,
    loss: np.ndarray,
    *,
    draws: Draws,
    precision: str,
    target: str | None,
    minimum: float | None,
) -> dict[str, Any]:
    """What happened to one run, what was measured along it, and why, in plain data.

    `row` is the run's row of `runs`; its losses (points,) were recorded at `steps`. TypeError for a run
    that was made elsewhere. ValueError where the run made again does not begin at the stored loss:
    then it is another problem by now.
    Keys: run_id, problem, optimizer, setting, role, seed, kind, happened, sentence, points (a list, by
    step), turning, agreement, quadratic, convex."""
    problem = run.task.problem
    event = happened(row, steps, loss, target=target, minimum=minimum, random=problem.random)
    replay = Replay(run, draws, precision)
    walked = replay.walk([int(s) for s in steps])
    agrees = agreement(steps, loss, walked.loss[: len(loss)])
    if agrees.parts_at == 0:
        raise ValueError(
            f"{run.task.name}: made again, the run begins at a loss of {walked.loss[0]:.6g} and the "
            f"stored one at {loss[0]:.6g}; the problem is another one by now, so run the spec again"
        )
    answer = Answer(replay)
    with np.errstate(over="ignore", invalid="ignore"):  # a run that diverges overflows
        points, turning, look = _along(replay, answer, event, run.task.steps)
    if event.kind == "plateau" and turning is not None and turning.swings:
        event = replace(event, kind="oscillates")  # between two points of one loss
    told = {
        "run_id": str(row["run_id"]),
        "problem": run.task.name,
        "optimizer": run.contender.name,
        "setting": {name: float(value) for name, value in run.hypers.items()},
        "role": run.role,
        "seed": run.seed,
        "kind": event.kind,
        "happened": KINDS[event.kind],
    }
    return told | {
        "sentence": sentence(event, points, look, turning, run, row, minimum),
        "points": [point.as_dict() for point in points],
        "look": look.step,
        "turning": None if turning is None else vars(turning).copy(),
        "agreement": _agreed(agrees),
        "quadratic": bool(problem.about.quadratic),
        "convex": problem.about.convex,
    }


def _agreed(agrees: Agreement) -> dict[str, Any]:
    return {"agrees": agrees.agrees, "largest": agrees.largest, "parts_at": agrees.parts_at}


def _along(
    replay: Replay, answer: Answer, event: Event, steps: int
) -> tuple[list[Point], Turning | None, Point]:
    """Measured at the start, at each quarter, where to look and where the run ended; how often it
    turned back around there; and the point that speaks for what happened."""
    last = min(event.ended, steps) if event.kind == "diverged" else steps
    look = _where(event, last)
    after = event.ended if event.kind in ("left", "returned", "diverged") else look + 1
    wanted = {0, last // 4, last // 2, 3 * last // 4, look, max(last - 1, 0)}
    dense = range(max(0, look - WINDOW), min(max(after, look + 1), look + WINDOW + 2, steps) + 1)
    record = replay.walk(sorted({s for w in wanted for s in (w, min(w + 1, steps))} | set(dense)))
    at = {int(s): i for i, s in enumerate(record.steps)}
    worth = sorted(s for s in wanted if np.isfinite(record.x[at[s]]).all())
    points = [measure(replay, answer, record, at[s]) for s in worth]
    # A step away from where a run turned for the worse its limit may be another one: the first beyond it is
    # meant, or the nearest to it.
    if event.kind in ("left", "returned", "diverged") and dense:
        near = [measure(replay, answer, record, at[s]) for s in dense
                if look <= s < dense[-1] and np.isfinite(record.x[at[s]]).all()]  # fmt: skip
        unstable = (p for p in near if p.ratio is not None and p.ratio > 1)
        chosen = next(unstable, max(near, key=lambda p: p.ratio or 0.0, default=points[-1]))
        points = sorted({p.step: p for p in [*points, chosen]}.values(), key=lambda p: p.step)
    else:
        chosen = next(p for p in points if p.step == min(look, points[-1].step))
    if chosen.axis is None:
        return points, None, chosen
    inside = [i for s, i in at.items() if dense[0] <= s <= dense[-1]]
    return points, Turning.of(chosen.axis, record.steps[inside], record.x[inside]), chosen


def _where(event: Event, last: int) -> int:
    if event.kind in ("diverged", "left", "returned"):
        return min(event.look, max(last - 1, 0))
    return max(last - 1, 0)
