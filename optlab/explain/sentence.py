"""One sentence about a run, made of what was measured and claiming no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from optlab.analysis.words import goal, number
from optlab.explain.happened import Event
from optlab.explain.measure import Point, Turning
from optlab.plan import Run

__all__ = ["sentence"]

RATE = "lr"


def sentence(
    event: Event,
    points: list[Point],
    look: Point,
    turning: Turning | None,
    run: Run,
    row: Mapping[str, Any],
    minimum: float | None,
) -> str:
    """What happened, and what was measured that goes with it. `look` is the point that is spoken of."""
    about = run.task.problem.about
    facts = _Facts(event, points, look, turning, run, row, minimum, about.quadratic)
    if facts.given:
        return "Its gradients were given, so the curvature of the loss says nothing of it."
    what, why = _KINDS[event.kind](facts)
    why = [part for part in why if part]
    text = what + (": " + "; ".join(why) if why else "")
    if not why:
        text += ". What was measured locally does not say why" if event.kind != "converged" else ""
    return text[0].upper() + text[1:] + "."


class _Facts:
    """What the sentences are made of."""

    def __init__(
        self,
        event: Event,
        points: list[Point],
        look: Point,
        turning: Turning | None,
        run: Run,
        row: Mapping[str, Any],
        minimum: float | None,
        quadratic: bool,
    ) -> None:
        self.event, self.points, self.look, self.turning = event, points, look, turning
        self.run, self.row, self.minimum, self.quadratic = run, row, minimum, quadratic
        self.given = run.task.problem.gradient is not None
        self.target = goal(run.task.targets[0].label) if run.task.targets else ""

    @property
    def start(self) -> Point:
        return self.points[0]

    def edge(self) -> str:
        """Where the rule stands to its limit of stability."""
        p = self.look
        if p.ratio is None or p.curvature is None:
            return ""
        where = "" if self.quadratic and not p.divides else f"at step {p.step:,}, "
        held = ", its divisor held as it then stood" if p.divides else ""
        exact = self.quadratic and not p.divides
        local = "for this quadratic" if exact else "on the local quadratic"
        seen = f"largest curvature {number(p.curvature, 4)}"
        if p.ratio == 0:
            return f"{where}no direction curves upwards ({seen})"
        rate = self.run.hypers.get(RATE)
        if rate is None:
            return (f"{where}it stands at {number(p.ratio)} of its limit of stability {local} "
                    f"({seen}{held})")  # fmt: skip
        limit = rate / p.ratio
        words = "exactly" if abs(p.ratio - 1) < 5e-6 else f"{number(p.ratio)} times"
        return (f"{where}{RATE} {number(rate, 4)} is {words} the largest rate that is stable {local}, "
                f"{number(limit)} ({seen}{held})")  # fmt: skip

    def factor(self) -> str:
        p = self.look
        if p.factor is None or not p.ratio or p.ratio <= 1 or not np.isfinite(p.factor):
            return ""
        held = "" if self.quadratic and not p.divides else ", to first order,"
        return (
            f"a step multiplies the error along the steepest direction{held} by {number(p.factor)}"
        )

    def turned(self) -> str:
        t = self.turning
        if t is None or t.pairs < 4 or t.turned < 0.3 * t.pairs:
            return ""
        much = "every one" if t.turned == t.pairs else f"{t.turned} of {t.pairs}"
        return (
            f"along the steepest direction {much} of the pairs of steps looked at from {t.first:,} to "
            f"{t.last:,} turned back"
        )

    def grown(self) -> str:
        """How the answer to a gradient has changed since the start."""
        then, now = self.start.effective, self.look.effective
        if not then or not now or not self.look.divides or now < 3 * then:
            return ""
        return (f"a step was {number(now)} times its gradient by then, {number(now / then)} times as "
                "much as at the start, since the divisor shrinks with the gradients")  # fmt: skip

    def curved(self) -> str:
        """How curvature grew on the way."""
        known = [p for p in self.points if p.curvature is not None]
        if self.quadratic or len(known) < 2:
            return ""
        then, now = known[0], max(known, key=lambda p: p.curvature or 0.0)
        if not 0 < then.curvature * 2 < now.curvature:  # type: ignore[operator]
            return ""
        return (f"the largest curvature was {number(then.curvature or 0.0)} at step {then.step:,} and "
                f"{number(now.curvature or 0.0)} at step {now.step:,}")  # fmt: skip


def _diverged(f: _Facts) -> tuple[str, list[str]]:
    what = f"diverged at step {f.event.ended:,}"
    lowest = f.event.look
    if lowest > 0:
        what += f", after its lowest loss at step {lowest:,}"
    if f.look.ratio is not None and f.look.ratio <= 1:
        return what, _below(f)
    return what, [f.edge(), f.factor(), f.curved(), f.turned()]


def _below(f: _Facts) -> list[str]:
    """A run that blew up or rose where every measured point was stable."""
    least = [p.flattest for p in f.points if p.flattest is not None]
    falling = f"the smallest curvature along the path is {number(min(least))}" if least else ""
    beyond = "what happens beyond the local quadratic is not seen by this"
    return [f.edge(), falling if least and min(least) < 0 else "", beyond]


def _left(f: _Facts) -> tuple[str, list[str]]:
    peak = float(f.row.get(f"worst_after.{f.run.task.targets[0].label}", np.nan))
    rose = f"its loss rose to {number(peak)} by step {f.event.ended:,}"
    what = f"reached {f.target} at step {f.event.reached:,} and did not hold it, {rose}"
    if f.event.kind == "returned":
        what = (
            f"reached {f.target} at step {f.event.reached:,}, left it again ({rose}) and came back"
        )
    if f.look.ratio is None or f.look.ratio > 1:
        return what, [f.edge(), f.grown(), f.turned()]
    why = [f.edge() + ", so no loss of stability was measured"]
    if f.run.task.problem.random:
        why.append("the noise of its gradients can carry it out")
    elif f.look.period is not None and f.look.factor is not None:
        why.append(f"with its velocity the error along the steepest direction swings with a period of "
                   f"{number(f.look.period)} steps, each of which multiplies it by "
                   f"{number(f.look.factor)}")  # fmt: skip
    return what, why


def _stalled(f: _Facts) -> tuple[str, list[str]]:
    above = ""
    loss = float(f.row["loss_final"])
    if f.minimum is not None:
        above = f", {number(loss - f.minimum)} above the minimum"
    what = f"stands still at a loss of {number(loss)}{above}"
    zero = "its gradient is exactly zero there, so no step along gradients can wake it"
    flat = f.points[-1].curvature
    return what, [
        zero,
        "the curvature is zero too: the loss is flat around it" if flat == 0 else "",
    ]


def _oscillates(f: _Facts) -> tuple[str, list[str]]:
    low, high = number(f.event.low), number(f.event.high)
    stays = f"stays at {low}" if low == high else f"moves between {low} and {high}"
    what = f"neither falls nor diverges: in the last quarter its loss {stays}"
    return what.replace(": ", ", "), [f.turned(), f.edge(), f.grown()]


def _floor(f: _Facts) -> tuple[str, list[str]]:
    what = (f"stays above its target without falling: in the last quarter its loss moves between "
            f"{number(f.event.low)} and {number(f.event.high)}")  # fmt: skip
    if f.look.floor is None or f.look.divides:  # a divisor moves with the noise
        return what, ["its gradients are drawn anew in each step, and a constant rate passes their "
                      "noise on", f.edge()]  # fmt: skip
    words = (
        "has a mean gap of" if f.quadratic else "would have, on the local quadratic, a mean gap of"
    )
    noise = number(f.run.task.problem.noise)
    predicted = (f"with noise of deviation {noise} in each gradient this rule at this rate {words} "
                 f"{number(f.look.floor)} once it has settled")  # fmt: skip
    return what, [predicted, f.edge()]


def _plateau(f: _Facts) -> tuple[str, list[str]]:
    what = f"does not fall any more, its last loss is {number(float(f.row['loss_final']))}"
    end, then = f.points[-1], f.start.effective
    why = []
    if then and end.effective is not None and end.effective < 0.01 * then:
        why.append(f"its steps have shrunk: {number(end.effective)} times the gradient, "
                   f"{number(end.effective / then)} of what it was at the start")  # fmt: skip
    why.append(f"its gradient is {number(end.gradient)} there"
               + (f" and its last step {number(end.length)}" if end.length is not None else ""))  # fmt: skip
    why.append(f.turned())
    if end.flattest is not None and end.flattest < 0:
        why.append(f"it is no minimum: the smallest curvature is {number(end.flattest)}")
    return what, why


def _slow(f: _Facts) -> tuple[str, list[str]]:
    what = (
        f"had not met {f.target or 'a target'} by step {f.run.task.steps:,} and was still falling"
    )
    end = f.points[-1]
    why = []
    if (
        end.slowest is not None
        and end.flattest is not None
        and 0 < end.slowest < 1
        and end.flattest > 0
    ):
        tenth = np.log(10) / -np.log(end.slowest)
        why.append(f"along the flattest direction (curvature {number(end.flattest)} against "
                   f"{number(end.curvature or np.nan)} along the steepest) a step takes "
                   f"{number(100 * (1 - end.slowest), 2)} % off the error, so a tenth of it is left "
                   f"after {number(tenth)} steps")  # fmt: skip
    elif end.flattest is not None and end.flattest < 0:
        why.append(f"the smallest curvature there is {number(end.flattest)}, below zero, so the local "
                   "quadratic has no minimum to come near to")  # fmt: skip
    why.append(f.edge())
    return what, why


def _converged(f: _Facts) -> tuple[str, list[str]]:
    return f"reached {f.target} at step {f.event.reached:,} and held it", [f.edge()]


_KINDS = {
    "diverged": _diverged, "left": _left, "returned": _left, "stalled": _stalled, "floor": _floor,
    "oscillates": _oscillates, "plateau": _plateau, "slow": _slow, "converged": _converged,
}  # fmt: skip
