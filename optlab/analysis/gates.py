"""What must hold before a claim is judged at all; where it does not, the first reason, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from optlab.analysis.rates import rate_robustness
from optlab.analysis.words import listed, plural

if TYPE_CHECKING:
    from optlab.analysis.verdicts import Case

__all__ = ["Gates"]


class Gates:
    """The gates of one experiment's comparisons."""

    def __init__(self, runs: pd.DataFrame, best: pd.DataFrame, manifest: dict[str, Any]) -> None:
        self._best = best.set_index(["problem", "optimizer"])
        broken = runs[(runs["status"] == "error") & (runs["part"] != "picture")]
        self._errors = broken.groupby(["problem", "optimizer"])["run_id"].nunique().to_dict()
        rates = rate_robustness(runs, best, manifest)
        self._edges = {(r["problem"], r["optimizer"]): r["edge"] for _, r in rates.iterrows()}

    def __call__(self, case: Case, other: dict[str, str] | None, a: pd.Series, b: pd.Series) -> str:
        """Why `case` cannot be judged, from the values of both sides by seed; empty if it can."""
        sides = [case.claim["a"], *([other] if other else [])]
        checks = (
            self._ran(case, sides),
            self._measured(case, sides, a, b),
            self._enough(case, a, b),
            self._reached(case, a, b),
            self._chosen_elsewhere(case, sides),
            self._inside(case, sides),
            self._rates_inside(case, sides, other),
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

    def _enough(self, case: Case, a: pd.Series, b: pd.Series) -> str:
        n = int((a.notna() & b.notna()).sum())
        least = case.claim["min_seeds"]
        if not case.exact and n < least:
            return f"{plural(n, 'seed')}, and the claim asks for {least}"
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
            f"{name}'s best {hyper} is the {side} that was tried"
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
        cut = [
            side["optimizer"]
            for side in sides
            if self._edges.get((case.problem["name"], side["optimizer"]))
        ]
        # A wider one that is cut is wider still; it is the narrower one that must be known.
        if case.claim["kind"] == "better":
            cut = [name for name in cut if name == other["optimizer"]]
        if not cut:
            return ""
        return f"{listed(cut)} still does well at the last rate that was tried; widen the profile"
