"""What must hold before a claim is judged at all; where it does not, the first reason, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from optlab.analysis.rates import rate_robustness
from optlab.analysis.settings import entrants, profile_rows
from optlab.analysis.words import listed, plural
from optlab.statistics.paired import Decision

if TYPE_CHECKING:
    from optlab.analysis.verdicts import Case

__all__ = ["Gates", "afterwards"]


class Gates:
    """The gates of one experiment's comparisons."""

    def __init__(self, runs: pd.DataFrame, best: pd.DataFrame, manifest: dict[str, Any]) -> None:
        self._best = best.set_index(["problem", "optimizer"])
        broken = runs[(runs["status"] == "error") & (runs["part"] != "picture")]
        self._errors = broken.groupby(["problem", "optimizer"])["run_id"].nunique().to_dict()
        starts = entrants(runs, best)
        sides = ["problem", "optimizer", "selection"]
        ends = starts[[*sides, "loss_first", "loss_final"]].drop_duplicates()
        self._distinct = ends.groupby(sides, observed=True).size().to_dict()
        self._seeds = starts.groupby(sides, observed=True)["seed"].nunique().to_dict()
        near = profile_rows(runs, best).groupby(["problem", "optimizer"], observed=True)["rate"]
        self._lowest, self._highest = near.min().to_dict(), near.max().to_dict()
        rates = rate_robustness(runs, best, manifest)
        self._edges = {(r["problem"], r["optimizer"]): r["edge"] for _, r in rates.iterrows()}

    def __call__(self, case: Case, other: dict[str, str] | None, a: pd.Series, b: pd.Series) -> str:
        """Why `case` cannot be judged, from the values of both sides by seed; empty if it can."""
        sides = [case.claim["a"], *([other] if other else [])]
        checks = (
            self._ran(case, sides),
            self._measured(case, sides, a, b),
            self._paired(case, sides, a, b),
            self._enough(case, sides, a, b),
            self._reached(case, a, b),
            self._chosen_elsewhere(case, sides),
            self._inside(case, sides),
            self._rates_inside(case, sides, other),
            self._same_rates(case, sides),
        )
        return next((reason for reason in checks if reason), "")

    def _ran(self, case: Case, sides: list[dict[str, str]]) -> str:
        problem = case.problem["name"]
        for side in sides:
            count = self._errors.get((problem, side["optimizer"]), 0)
            if count:
                return f"{plural(count, 'run')} of {side['optimizer']} stopped with an error"
        return ""

    def _measured(self, case: Case, sides: list[dict[str, str]], a: pd.Series, b: pd.Series) -> str:
        name = case.measure.name
        if case.measure.timed and not case.target:
            return "this problem has no target"
        for side, values in zip(sides, (a, b), strict=False):
            if values.empty and case.measure.profile:
                return f"{side['optimizer']} was run at one rate only; add `profile: {{lr: ...}}`"
            if values.notna().sum() == 0:
                why = " (the minimum is not known)" if name == "gap" else ""
                return f"{name} is not known for {side['optimizer']}{why}"
            unknown = int(values.isna().sum())
            if unknown:
                return f"{name} is not known for {plural(unknown, 'run')} of {side['optimizer']}"
            lowest = values[np.isfinite(values)].min()
            if case.measure.scale == "ratio" and lowest < 0 and name != "gap":
                return f"{name} is negative for {side['optimizer']}, so no ratio can be taken"
        return ""

    def _paired(self, case: Case, sides: list[dict[str, str]], a: pd.Series, b: pd.Series) -> str:
        """Every seed of one side has its partner: a run that is not there may be one that failed."""
        for side, values in zip(sides, (a, b), strict=False):
            key = (case.problem["name"], side["optimizer"], side["selection"])
            alone = int(self._seeds.get(key, len(values))) - len(values)
            if alone > 0 and len(sides) > 1 and len(values):
                return f"{plural(alone, 'seed')} of {side['optimizer']} without a partner"
        return ""

    def _enough(self, case: Case, sides: list[dict[str, str]], a: pd.Series, b: pd.Series) -> str:
        n = int((a.notna() & b.notna()).sum())
        least = case.claim["min_seeds"]
        if case.exact:
            return ""
        if n < least:
            return f"{plural(n, 'seed')}, and the claim asks for {least}"
        for side in sides:
            key = (case.problem["name"], side["optimizer"], side["selection"])
            different = int(self._distinct.get(key, n))
            if different < least:
                return (
                    f"only {different} of {n} runs of {side['optimizer']} differ at all; seeds that "
                    "change nothing are one observation"
                )
        return ""

    def _reached(self, case: Case, a: pd.Series, b: pd.Series) -> str:
        met = np.isfinite(a).any() or np.isfinite(b).any()
        if case.measure.timed and not met:
            verb = "reached" if case.measure.name == "steps_reached" else "held"
            return f"neither {verb} the target in any run"
        return ""

    def _tuned(self, case: Case, sides: list[dict[str, str]]) -> list[tuple[str, Any]]:
        """The chosen settings of the sides that were tuned."""
        rows = []
        for side in sides:
            key = (case.problem["name"], side["optimizer"])
            if side["selection"] == "tuned" and key in self._best.index:
                rows.append((side["optimizer"], self._best.loc[key]))
        return rows

    def _chosen_elsewhere(self, case: Case, sides: list[dict[str, str]]) -> str:
        same = [
            name
            for name, row in self._tuned(case, sides)
            if row["chosen_on"] == "evaluate" and row["settings"] > 1 and not case.exact
        ]
        if not same:
            return ""
        return f"the setting of {listed(same)} was chosen on the seeds that are reported"

    def _inside(self, case: Case, sides: list[dict[str, str]]) -> str:
        parts = [
            f"{name}'s best {hyper} lies at the {_END[side]} end of what was tried"
            for name, row in self._tuned(case, sides)
            for hyper, side in row["on_edge"].items()
        ]
        return f"{listed(parts)}; search further" if parts else ""

    def _rates_inside(
        self, case: Case, sides: list[dict[str, str]], other: dict[str, str] | None
    ) -> str:
        """A width that ends where the rates tried end is only known to be at least so much."""
        if case.measure.name != "rate_width" or other is None:
            return ""
        cut = [side["optimizer"] for side in sides if self.is_cut(case, side)]
        # A wider one that is cut is wider still; it is the narrower one that must be known.
        if case.claim["kind"] == "better":
            cut = [name for name in cut if name == other["optimizer"]]
        if not cut:
            return ""
        return f"{listed(cut)} still does well at the last rate that was tried; widen the profile"

    def is_cut(self, case: Case, side: dict[str, str]) -> bool:
        """Whether the rates at which this side does well end where those tried end."""
        return bool(self._edges.get((case.problem["name"], side["optimizer"])))

    def _same_rates(self, case: Case, sides: list[dict[str, str]]) -> str:
        """Shares and means over rates compare only where the same rates were tried."""
        if case.measure.name not in ("rate_share", "rate_loss") or len(sides) < 2:
            return ""
        keys = [(case.problem["name"], side["optimizer"]) for side in sides]
        for ends in (self._lowest, self._highest):
            tried = [ends[key] for key in keys if key in ends]
            if len(tried) == 2 and not 0.9 < tried[0] / tried[1] < 1.1:
                return (
                    "the rates that were tried do not span the same range; give both one `profile`"
                )
        return ""


_END = {"smallest": "low", "largest": "high"}


def afterwards(case: Case, decision: Decision, cut: bool) -> str:
    """Why a decision cannot stand, seen only once it is there; empty if it can. `cut`: the first
    side's rates are cut off."""
    effect = decision.effect
    if effect is not None and effect.floored > effect.n / 2:
        return f"both lie within rounding in {effect.floored} of {plural(effect.n, 'pair')}"
    if cut and case.measure.name == "rate_width" and decision.verdict != "SUPPORTED":
        a = case.claim["a"]["optimizer"]
        return f"{a} still does well at the last rate that was tried; widen the profile"
    return ""
