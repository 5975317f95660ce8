"""What lies beside the page for those who compute on: each file, and each column of the runs' table."""

from __future__ import annotations

from typing import Any

import pandas as pd

from optlab.analysis.words import goal, plural
from optlab.report.blocks import Cell, Fold, Pre, Table
from optlab.report.facts import Facts

__all__ = ["FILES", "column_meaning", "downloads"]

FILES = {
    "runs.parquet": "one row a run and part that it plays: its setting, its seed, how it ended",
    "runs.csv": "the same as text",
    "curves.parquet": "run_id, step, metric, value at the recorded steps; a diverged run ends early",
    "paths.parquet": "run_id, step, coordinate, value, of problems of few parameters",
    "verdicts.csv": "one row a comparison that was claimed, and one for all others together where a claim "
    "is against several: effect, interval and verdict",
    "claims.json": "each claim, and when it was first seen here",
    "explained.json": "why runs diverged, oscillated or stalled",
    "worked.json": "the steps worked by hand",
    "checked.json": "the page that was checked, line by line",
    "pictures.npz": "the loss on a grid, of problems of two parameters",
    "manifest.json": "how it was made: the spec, versions, seeds, targets, formulas, code",
}
"""What is in a folder of results, and what it says."""
_MADE = (
    (
        "tables/*.csv",
        "every table of this page that has a name, all rows, raw numbers, infinite for never",
    ),
    ("tables/*.tex", "the same for a paper, in LaTeX"),
    ("figures/*.svg, *.csv", "every figure, and beside it the numbers that are drawn"),
)
_COLUMNS = {
    "run_id": "the run’s name, a hash of its causes; the same in curves and paths",
    "problem": "as in the spec",
    "optimizer": "as in the spec",
    "rule": "what it computes; several optimizers may share one",
    "role": "tune: its setting was chosen by it; evaluate: shown; picture: from the usual start",
    "part": "trial, chosen, default, profile or grid: what the run was made for",
    "seed": "what its start and its noise are drawn from; the same for every optimizer",
    "start_kind": "drawn, given, fixed or usual",
    "steps_done": "updates until the end of its budget, or until it diverged",
    "grad_evals": "gradients that it cost",
    "loss_first": "the loss at the start, over all data",
    "loss_final": "the last loss recorded",
    "loss_best": "the lowest loss recorded",
    "gap": "the last loss minus f*; empty where f* is not known",
    "diverged_at": "the step at which it had diverged; empty if it did not",
    "largest_rise": "the largest rise of the loss above the best it had had, over the gap at the start",
    "status": "hit, budget, diverged or error",
    "stalled": "whether the gradient became exactly zero away from a minimum, or where none is known",
}
_BEGINNINGS = {
    "hyper.": "the hyperparameter {}; empty where the optimizer has none of that name",
    "final.": "the last {} recorded",
    "reached.": "the first recorded step at which {} was met; infinite is never",
    "held.": "the step from which {} stayed met to the end; infinite is never",
    "worst_after.": "the largest loss after {} was first met",
}


def downloads(facts: Facts) -> list[Any]:
    """The files of the folder, and the columns of the one that all is computed from."""
    folder = facts.results.folder
    rows = [
        [Cell(name), Cell(said), Cell(_size(facts, name))]
        for name, said in FILES.items()
        if (folder / name).exists()
    ]
    rows += [[Cell(name), Cell(said), Cell("made with the page")] for name, said in _MADE]
    runs = facts.results.runs
    files = Table(
        "The files in the folder that this page was made in. The page itself needs none of them.",
        ["File", "What it holds", "How much"], [("", rows)], name="files",
        question="Where are the numbers?",
        finding=f"Everything here is computed from {plural(len(runs), 'row')} of runs.parquet and from "
        "curves.parquet; the files are in the folder of the report.",
    )  # fmt: skip
    return [files, Fold("What each column of the runs means", [_columns(runs)]), Pre(_CODE.strip())]


_CODE = """
from optlab.results import load

results = load("THIS FOLDER")
results.runs      # one row a run, a pandas table
results.curves    # run_id, step, metric, value
results.verdicts  # what became of each claim
"""


def _size(facts: Facts, name: str) -> str:
    size = (facts.results.folder / name).stat().st_size
    text = f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.0f} kB"
    if name.startswith("runs."):
        text += f", {plural(len(facts.results.runs), 'row')}"
    elif name == "verdicts.csv":
        text += f", {plural(len(facts.verdicts), 'row')}"
    return text


def _columns(runs: pd.DataFrame) -> Table:
    known = [(str(name), column_meaning(str(name)), runs[name]) for name in runs.columns]
    rows = [
        [Cell(name), Cell(meaning), Cell(f"{int(column.notna().sum()):,}")]
        for name, meaning, column in known
    ]
    return Table(
        "The columns of runs.parquet in their order; the last column counts the rows that have one.",
        ["Column", "What it means", "Rows"], [("", rows)], frozenset({2}), name="columns",
        question="What does each column of the runs mean?",
        finding=f"{plural(len(known), 'column')}, {len([n for n, *_ in known if n.startswith('hyper.')]):,} of "
        "them hyperparameters.",
    )  # fmt: skip


def column_meaning(name: str) -> str:
    """What a column of the runs' table means; a name without a meaning of its own stands for itself."""
    for beginning, said in _BEGINNINGS.items():
        if name.startswith(beginning):
            rest = name.removeprefix(beginning)
            return said.format(goal(rest) if "=" in rest else rest.replace("_", " "))
    return _COLUMNS.get(name, name.replace("_", " "))
