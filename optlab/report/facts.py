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
from optlab.analysis.scores import scores
from optlab.analysis.verdicts import verdicts
from optlab.analysis.words import listed, pairs_text
from optlab.figures import Look, looks
from optlab.report.blocks import Cell
from optlab.results import Results, load

__all__ = ["Facts", "chosen_cell", "name_cell", "stored"]

_NUMBERS = (
    "effect", "low", "high", "low95", "high95", "level", "n", "a_n", "b_n", "a_median", "b_median",
    "margin", "judged", "seeds_needed",
)  # fmt: skip


def stored(folder: str | Path) -> Results:
    """The results in `folder`, with every column that a report reads: where all runs stopped with an
    error, nothing was measured, and the columns of measurements are not there."""
    results = load(folder)
    labels = [t["label"] for p in results.manifest["problems"] for t in p["targets"]]
    times = [f"{kind}.{label}" for kind in ("reached", "held", "worst_after") for label in labels]
    needed = ["loss_first", "loss_final", "loss_best", "gap", "largest_rise", *times]
    missing = dict.fromkeys((c for c in needed if c not in results.runs), np.nan)
    return replace(results, runs=results.runs.assign(**missing)) if missing else results


@dataclass(frozen=True, eq=False)
class Facts:
    """The results and every table that is computed from them, each once."""

    results: Results

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
        return scores(self.results, self.best)

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """What became of each claim, numbers as numbers; empty where nothing was claimed."""
        found = self.results.verdicts
        if found.empty and self.manifest.get("claims"):
            found = verdicts(self.results, self.best, self.scores)
        return found.assign(**{c: pd.to_numeric(found[c]) for c in _NUMBERS if c in found})

    @cached_property
    def times(self) -> pd.DataFrame:
        return analysis.time_to_target(self.results.runs, self.best, self.manifest)

    @cached_property
    def sensitivity(self) -> pd.DataFrame:
        return analysis.rate_sensitivity(self.results.runs, self.best, self.manifest)

    @cached_property
    def answer(self) -> list[str]:
        return analysis.answer(self.results, self.best, self.times)

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


def name_cell(facts: Facts, optimizer: str) -> Cell:
    return Cell(optimizer, look=facts.looks[optimizer])


def chosen_cell(facts: Facts, problem: str, optimizer: str) -> Cell:
    edges = facts.edges(problem, optimizer)
    remark = listed([f"{side} {name} tried" for name, side in edges.items()])
    return Cell(pairs_text(facts.setting(problem, optimizer)) or "–", small=remark, whole=True)
