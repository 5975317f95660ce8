"""What every section of a report reads: the results, and each table computed from them once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optlab import analysis
from optlab.analysis import at_best, setting
from optlab.analysis.pairwise import differences, pairwise
from optlab.analysis.robustness import robustness
from optlab.analysis.verdicts import verdicts
from optlab.analysis.words import listed, pairs_text
from optlab.figures import Look, looks
from optlab.report import drawings
from optlab.report.blocks import Cell, Picture
from optlab.results import Results, load
from optlab.theory import holding, theory_checks

__all__ = ["Facts", "chosen_cell", "default_cell", "name_cell", "stored"]

_NUMBERS = (
    "effect", "low", "high", "low95", "high95", "level", "n", "a_n", "b_n", "a_median", "b_median",
    "margin", "judged", "seeds_needed",
)  # fmt: skip


_MANY_LAWS = 10
"""From so many laws on an experiment is about theory."""


def stored(folder: str | Path) -> Results:
    """The results in `folder`, with every column that a report reads: where all runs stopped with an
    error, nothing was measured, and the columns of measurements are not there."""
    results = load(folder)
    labels = [t["label"] for p in results.manifest["problems"] for t in p["targets"]]
    times = [f"{kind}.{label}" for kind in ("reached", "held", "worst_after") for label in labels]
    needed = [
        "loss_first", "loss_final", "loss_best", "gap", "diverged_at", "largest_rise", *times,
    ]  # fmt: skip
    missing = dict.fromkeys((c for c in needed if c not in results.runs), np.nan)
    runs = results.runs.assign(**missing) if missing else results.runs
    if results.manifest["seeds"].get("only"):
        runs = _alone(runs)
    return results if runs is results.runs else replace(results, runs=runs)


def _alone(runs: pd.DataFrame) -> pd.DataFrame:
    """One seed alone is what the page is about, whichever seed it is: it stands as what is reported."""
    part = np.where(runs["part"] == "default", "default", "grid")
    return runs.assign(role="evaluate", part=part)


@dataclass(frozen=True, eq=False)
class Facts:
    """The results and every table that is computed from them, each once."""

    results: Results

    @property
    def count(self) -> int:
        """How many runs there are. One that plays several parts has a row for each, and counts once."""
        return sum(int(count) for count in self.manifest["counts"].values())

    @property
    def manifest(self) -> dict[str, Any]:
        return self.results.manifest

    @cached_property
    def looks(self) -> dict[str, Look]:
        return looks(self.manifest)

    @cached_property
    def best(self) -> pd.DataFrame:
        return analysis.best_settings(self.results.runs, self.manifest)

    @cached_property
    def chosen(self) -> pd.DataFrame:
        """The evaluation runs at the chosen settings."""
        return at_best(self.results.runs, self.best)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """What claims are judged by: one number a seed."""
        return analysis.scores(self.results, self.best)

    @cached_property
    def curve_pictures(self) -> list[tuple[str, Picture]]:
        """The loss of each problem, by its name: drawn once, wherever it stands."""
        return drawings.curves(self.results, self.best, self.finding)

    @cached_property
    def runtime_pictures(self) -> list[Picture]:
        """The runtime distribution over all problems, then of each: drawn once."""
        return drawings.runtime(self.results, self.hits)

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """What became of each claim, numbers as numbers; empty where nothing was claimed."""
        found = self.results.verdicts
        if found.empty and self.manifest.get("claims"):
            found = verdicts(self.results, self.best, self.scores)
        return found.assign(**{c: pd.to_numeric(found[c]) for c in _NUMBERS if c in found})

    @cached_property
    def differences(self) -> pd.DataFrame:
        """The seeds of each pair that was judged."""
        return differences(self.results, self.verdicts, self.best, self.scores)

    @cached_property
    def pairwise(self) -> pd.DataFrame:
        return pairwise(self.results, self.best, self.scores)

    @cached_property
    def robustness(self) -> pd.DataFrame:
        """What other choices would have made of the verdicts."""
        return robustness(self.results, self.verdicts, self.best, self.scores)

    @cached_property
    def runtimes(self) -> pd.DataFrame:
        return self._once(analysis.runtimes(self.results.runs, self.best, self.manifest))

    @cached_property
    def hits(self) -> pd.DataFrame:
        """When each tuned run met each of many targets."""
        found = analysis.first_hits(self.results, self.best)
        return found[found["selection"] == "tuned"]

    @cached_property
    def normal_scores(self) -> pd.DataFrame:
        """How much of the way to the target was gone, of each run between 0 and 1."""
        return self._once(analysis.normal_scores(self.results.runs, self.best, self.manifest))

    @cached_property
    def costs(self) -> pd.DataFrame:
        """Problems by optimizers: median time to hold the deciding target."""
        return analysis.target_costs(self.scores, self.manifest)

    @cached_property
    def tuning(self) -> pd.DataFrame:
        return analysis.tuning_curves(self.results.runs, self.best, self.manifest)

    @cached_property
    def landscape(self) -> pd.DataFrame:
        """The last loss over pairs of hyperparameters."""
        return analysis.landscape(self.results.runs, self.manifest)

    @cached_property
    def kinds(self) -> pd.DataFrame:
        """Every kind of stability."""
        return self._once(
            analysis.kinds_of_stability(self.scores, self.results.runs, self.best, self.manifest)
        )

    def _once(self, table: pd.DataFrame) -> pd.DataFrame:
        """Without the default rows of optimizers that were run at one setting, which is both."""
        keys = ["problem", "optimizer"]
        ran = pd.MultiIndex.from_frame(self.defaults[keys])
        apart = pd.MultiIndex.from_frame(table[keys]).isin(ran)
        return table[(table["selection"] == "tuned") | apart]

    @cached_property
    def rates(self) -> pd.DataFrame:
        return analysis.rate_robustness(self.results.runs, self.best, self.manifest)

    @cached_property
    def crossings(self) -> pd.DataFrame:
        return analysis.crossings(self.results, self.best)

    @cached_property
    def defaults(self) -> pd.DataFrame:
        """`best` with every default setting that was run beside a tuned one."""
        ran = self.results.runs[self.results.runs["part"] == "default"]
        keys = ["problem", "optimizer"]
        hypers = [name for name in ran.columns if name.startswith("hyper.")]
        settings = ran.drop_duplicates(keys)[[*keys, *hypers]]
        rest = [name for name in self.best.columns if name not in hypers]
        return self.best[rest].merge(settings, on=keys)

    @cached_property
    def default_times(self) -> pd.DataFrame:
        """`times` of the default settings."""
        if self.defaults.empty:
            return self.times.iloc[:0]
        found = analysis.time_to_target(self._as_grid, self.defaults, self.manifest)
        return found[found["n"] > 0]

    @cached_property
    def default_runs(self) -> pd.DataFrame:
        """The evaluation runs at the default settings that were run beside tuned ones."""
        return at_best(self._as_grid, self.defaults)

    @cached_property
    def _as_grid(self) -> pd.DataFrame:
        ran = self.results.runs
        return ran[ran["part"] == "default"].assign(part="grid")

    @cached_property
    def times(self) -> pd.DataFrame:
        return analysis.time_to_target(self.results.runs, self.best, self.manifest)

    @cached_property
    def sensitivity(self) -> pd.DataFrame:
        return analysis.rate_sensitivity(self.results.runs, self.best, self.manifest)

    @cached_property
    def answer(self) -> list[str]:
        """What was seen, and how it agrees with theory: that first where theory is what was asked."""
        seen = analysis.answer(self.results, self.best, self.times)
        if self.checks.empty:
            return seen
        told = holding(self.checks)
        if self.checks["law"].nunique() >= _MANY_LAWS:
            return [told, *seen]
        return [*seen[:-1], told, seen[-1]]

    @cached_property
    def checks(self) -> pd.DataFrame:
        """What theory predicts, beside what was measured."""
        return theory_checks(self.results, self.best)

    @cached_property
    def warnings(self) -> list[dict[str, str]]:
        return analysis.warnings(self.results, self.best)

    def finding(self, problem: dict[str, Any]) -> str:
        return analysis.finding(self.results.runs, self.best, self.times, problem)

    def setting(self, problem: str, optimizer: str) -> dict[str, float]:
        """The chosen hyperparameters, empty where nothing ran."""
        row = self.best[(self.best["problem"] == problem) & (self.best["optimizer"] == optimizer)]
        entry = next(o for o in self.manifest["optimizers"] if o["name"] == optimizer)
        return setting(row.iloc[0], entry["hypers"]) if len(row) else {}

    def edges(self, problem: str, optimizer: str) -> dict[str, str]:
        row = self.best[(self.best["problem"] == problem) & (self.best["optimizer"] == optimizer)]
        return row.iloc[0]["on_edge"] if len(row) else {}

    @cached_property
    def _exact(self) -> dict[str, bool]:
        names = [problem["name"] for problem in self.manifest["problems"]]
        return {name: analysis.is_exact(self.results.runs, name) for name in names}

    def is_exact(self, problem: str) -> bool:
        return self._exact[problem]


def name_cell(facts: Facts, optimizer: str, selection: str = "tuned") -> Cell:
    """An optimizer's name with its mark; the default setting says that it is one."""
    small = "default setting" if selection == "default" else ""
    return Cell(optimizer, small=small, look=facts.looks[optimizer])


def default_cell(facts: Facts, problem: str, optimizer: str) -> Cell:
    """The default setting, as it was run."""
    row = facts.defaults
    row = row[(row["problem"] == problem) & (row["optimizer"] == optimizer)]
    entry = next(o for o in facts.manifest["optimizers"] if o["name"] == optimizer)
    return Cell(pairs_text(setting(row.iloc[0], entry["hypers"])), whole=True)


def chosen_cell(facts: Facts, problem: str, optimizer: str) -> Cell:
    edges = facts.edges(problem, optimizer)
    remark = listed([f"{side} {name} tried" for name, side in edges.items()])
    return Cell(pairs_text(facts.setting(problem, optimizer)) or "–", small=remark, whole=True)
