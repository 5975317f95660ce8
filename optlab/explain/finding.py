"""Which run of a report is meant, and the run as the laboratory made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.settings import at_best, best_settings
from optlab.draws import Draws
from optlab.explain.explanation import explain
from optlab.plan import Run
from optlab.results import Results
from optlab.spec import Experiment
from optlab.suggest import meant_or_known

__all__ = ["curve", "explain_row", "find_row"]


def find_row(
    results: Results, name: str, setting: Mapping[str, float] | None = None, seed: int | None = None
) -> dict[str, Any]:
    """The row of `runs` that `name` means: a run_id or its beginning, or `problem/optimizer`: the
    chosen setting, or the one that `setting` says, on its first evaluation seed unless `seed` says
    another. ValueError, with what is there, where none or more than one is meant."""
    runs = results.runs
    if "/" not in name:
        found = runs[runs["run_id"].astype(str).str.startswith(name)].drop_duplicates("run_id")
        if len(found) == 1:
            return _plain(found.iloc[0])
        if len(found) > 1:
            raise ValueError(f"{len(found):,} runs begin with '{name}'; write more of the run_id")
        raise ValueError(f"no run begins with '{name}'; a run is a run_id, or `problem/optimizer`, as "
                         f"in `{runs.iloc[0]['problem']}/{runs.iloc[0]['optimizer']}`")  # fmt: skip
    problem, _, optimizer = name.partition("/")
    for what, value in (("problem", problem), ("optimizer", optimizer)):
        known = [str(v) for v in runs[what].unique()]
        if value not in known:
            raise ValueError(f"there is no {what} '{value}'{meant_or_known(value, tuple(known))}")
    here = runs[(runs["problem"] == problem) & (runs["optimizer"] == optimizer)]
    here = here[here["role"] == "evaluate"]
    if here.empty:
        raise ValueError(f"{optimizer} has no runs on {problem}")
    if setting:
        here = _with(here, setting)
    else:
        best = best_settings(runs, results.manifest)
        mine = (best["problem"] == problem) & (best["optimizer"] == optimizer)
        here = at_best(runs, best[mine])
    wanted = seed if seed is not None else here["seed"].min()
    found = here[here["seed"] == wanted].drop_duplicates("run_id")
    if found.empty:
        there = ", ".join(str(s) for s in sorted(here["seed"].unique())[:12])
        raise ValueError(f"there is no seed {wanted} of {name}; there are {there}")
    if len(found) > 1:
        raise ValueError(f"{len(found):,} runs are meant; say more of the setting")
    return _plain(found.iloc[0])


def _plain(row: pd.Series) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}


def _with(here: pd.DataFrame, setting: Mapping[str, float]) -> pd.DataFrame:
    for key, value in setting.items():
        column = f"hyper.{key}"
        if column not in here or here[column].isna().all():
            raise ValueError(f"there is no hyperparameter '{key}' here")
        values = here[column].astype(float)
        near = here[np.isclose(values, value, rtol=1e-3, atol=0)]
        if near.empty:
            known = ", ".join(f"{v:.4g}" for v in sorted(values.unique())[:20])
            raise ValueError(f"{key} {value:g} was not run; there are {known}")
        here = near
    return here


def explain_row(
    experiment: Experiment, results: Results, row: Mapping[str, Any], draws: Draws | None = None
) -> dict[str, Any]:
    """`explain` for one row of the results of `experiment`. ValueError where it has no curve, or is
    not in the spec any more; TypeError where the run was made elsewhere."""
    task = next((t for t in experiment.tasks if t.name == row["problem"]), None)
    known = {c.name for c in experiment.contenders}
    if task is None or row["optimizer"] not in known:
        raise ValueError(f"{row['problem']}/{row['optimizer']} is not in the spec that made it")
    contender = experiment.contender(str(row["optimizer"]))
    if task.imported is not None:
        raise TypeError(f"{task.name} was imported: its runs were made elsewhere, and what made them "
                        "is not known here, so they cannot be made again")  # fmt: skip
    if row["status"] == "error":
        raise ValueError(f"{row['run_id']} stopped with an error, so there is nothing to explain")
    hypers = {n: float(row[f"hyper.{n}"]) for n in contender.optimizer.hypers}
    run = Run(str(row["run_id"]), task, contender, hypers, str(row["role"]), int(row["seed"]),
              str(row["start_kind"]), str(row["part"]))  # fmt: skip
    steps, loss = curve(results, str(row["run_id"]))
    if not len(steps):
        raise ValueError(f"{row['run_id']}: its curve is not stored")
    entry = next(p for p in results.manifest["problems"] if p["name"] == task.name)
    minimum = entry["minimum"]["value"] if entry["minimum"] else None
    return explain(
        run, row, steps, loss, draws=draws or Draws(experiment.seeds.experiment),
        precision=experiment.precision, target=entry["decision"], minimum=minimum,
    )  # fmt: skip


def curve(results: Results, run_id: str) -> tuple[np.ndarray, np.ndarray]:
    """(steps, loss) of one run, as it was recorded."""
    curves = results.curves
    mine = curves[(curves["run_id"] == run_id) & (curves["metric"] == "loss")]
    return mine["step"].to_numpy(), mine["value"].to_numpy(dtype=float)
