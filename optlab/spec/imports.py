"""Runs made elsewhere, from a table: `import: [resnet18.csv]`.

The file has one row a recorded value: `run, optimizer, seed, step, metric, value`, hyperparameters as
further columns or together in `hyperparameters` (`lr=0.1, beta=0.9`), and, where they are needed,
`problem` and `role` (`tune` or `evaluate`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optlab.adapters.recorded import Recorded
from optlab.errors import Faults
from optlab.nodes import Node
from optlab.problems import About, Minimum, Problem
from optlab.spec.entries import Entry, entries, targets
from optlab.spec.model import GAPS, KINDS, Contender, Imported, ImportedRun, Target, Task
from optlab.suggest import meant_or_known

__all__ = ["imports"]

NEEDED = ("run", "optimizer", "seed", "step", "metric", "value")
ROLES = ("tune", "evaluate")
KEYS = ("loss", "minimum", "targets")
_OTHER = ("problem", "role", "hyperparameters")
_SHOWN = 3  # places named in a message


def imports(
    node: Node | None, root: Node, folder: Path, general: list[tuple[Target, Node]], faults: Faults
) -> tuple[list[Task], list[Contender]]:
    """The problems and the optimizers of the imported files; none where a file has faults."""
    if node is None:
        return [], []
    tasks: list[Task] = []
    found: dict[str, list[ImportedRun]] = {}
    for entry in entries(node, "imports", root, faults):
        before = len(faults.found)
        table = _read(entry, folder, faults)
        if table is not None and len(faults.found) == before:
            for made in _tasks(entry, table, folder, general, faults):
                tasks.append(made)
                assert made.imported is not None
                for run in made.imported.runs:
                    found.setdefault(run.optimizer, []).append(run)
    return tasks, [_contender(name, runs) for name, runs in found.items()]


def _contender(name: str, runs: list[ImportedRun]) -> Contender:
    """An optimizer with the settings that its runs have, in the order in which they stand."""
    hypers = list(dict.fromkeys(h for run in runs for h in run.hypers))
    settings = dict.fromkeys(tuple(run.hypers.get(h, np.nan) for h in hypers) for run in runs)
    columns = zip(*settings, strict=True) if hypers else ()
    sweep = {h: tuple(dict.fromkeys(c)) for h, c in zip(hypers, columns, strict=True)}
    first = dict(zip(hypers, next(iter(settings)), strict=True))
    return Contender(name, Recorded(name, first), sweep, trials=tuple(settings))


def _read(entry: Entry, folder: Path, faults: Faults) -> pd.DataFrame | None:
    """The file as a table with the columns of `NEEDED`, `problem`, `role`, and hyperparameters."""
    path = folder / entry.use
    try:
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except FileNotFoundError:
        faults.add(entry.named, f"no such file: {entry.use}, seen from the spec's folder")
        return None
    except (OSError, ValueError, pd.errors.ParserError) as error:
        faults.add(entry.named, f"{entry.use} cannot be read: {str(error).splitlines()[0]}")
        return None
    missing = [name for name in NEEDED if name not in table]
    if missing:
        has = ", ".join(map(str, table.columns))
        faults.add(entry.named, f"{entry.use} has no column {' nor '.join(missing)}; it has {has}. "
                   "One row a value: run, optimizer, seed, step, metric, value")  # fmt: skip
        return None
    if table.empty:
        faults.add(entry.named, f"{entry.use} has no rows")
        return None
    table = _spread(table)
    if "problem" not in table:
        table["problem"] = entry.name.rsplit("/", 1)[-1].split(".")[0]
    if "role" not in table:
        table["role"] = "evaluate"
    return table if _sound(entry, table, faults) else None


def _spread(table: pd.DataFrame) -> pd.DataFrame:
    """Hyperparameters that stand together in one column, each in its own."""
    if "hyperparameters" not in table:
        return table.copy()
    parsed = {text: _pairs(text) for text in table["hyperparameters"].unique()}
    apart = pd.DataFrame([parsed[text] for text in table["hyperparameters"]], index=table.index)
    return table.drop(columns="hyperparameters").join(apart)


def _pairs(text: Any) -> dict[str, Any]:
    """`lr=0.1, beta=0.9`, or JSON."""
    if not isinstance(text, str) or not text.strip():
        return {}
    if text.lstrip().startswith("{"):
        try:
            return dict(json.loads(text))
        except (ValueError, TypeError):
            return {"hyperparameters": text}  # told as a value that is not a number
    parts = (part.partition("=") for part in text.replace(";", ",").split(",") if part.strip())
    return {name.strip(): value.strip() for name, _, value in parts}


def _hypers(table: pd.DataFrame) -> list[str]:
    return [c for c in table.columns if c not in (*NEEDED, *_OTHER)]


def _sound(entry: Entry, table: pd.DataFrame, faults: Faults) -> bool:
    """Check the columns, and make numbers of numbers; every fault with rows where it is."""
    before = len(faults.found)

    def complain(bad: pd.Series, what: str) -> None:
        if bad.any():
            lines = [str(i + 2) for i in np.flatnonzero(bad)[:_SHOWN]]  # the head is line 1
            more = f" and {int(bad.sum()) - _SHOWN} more" if bad.sum() > _SHOWN else ""
            faults.add(entry.named, f"{entry.use}: {what} (line {', '.join(lines)}{more})")

    for name in ("run", "optimizer", "metric", "problem", "role"):
        complain(table[name].isna(), f"`{name}` is empty")
        table[name] = table[name].astype(str)
    for name in ("seed", "step"):
        numbers = pd.to_numeric(table[name], errors="coerce")
        bad = numbers.isna() | (numbers < 0) | (numbers % 1 != 0)
        complain(bad, f"`{name}` must be a whole number from 0 on")
        table[name] = numbers.where(~bad, 0).astype(int)
    for name in ("value", *_hypers(table)):
        numbers = pd.to_numeric(table[name], errors="coerce")
        words = table[name].astype(str).str.strip().str.lower()
        blank = table[name].isna() | words.isin(("nan", "", "none"))
        what = "must be a number" + (
            " (nan or inf where the run diverged)" if name == "value" else ""
        )
        complain(numbers.isna() & ~blank, f"`{name}` {what}")
        table[name] = numbers
    complain(~table["role"].isin(ROLES), "`role` must be tune or evaluate")
    twice = table.duplicated(["problem", "run", "step", "metric"])
    complain(twice, "a run has two values of one metric at one step")
    causes = ["optimizer", "role", "seed", *_hypers(table)]
    for name in causes:
        first = table.groupby(["problem", "run"])[name].transform("first")
        differs = (table[name] != first) & ~(table[name].isna() & first.isna())
        complain(differs, f"a run has two values of `{name}`; give each run a name of its own")
    return len(faults.found) == before


def _tasks(
    entry: Entry,
    table: pd.DataFrame,
    folder: Path,
    general: list[tuple[Target, Node]],
    faults: Faults,
) -> Iterator[Task]:
    for key, node in entry.body.items():
        if key not in KEYS:
            faults.add(node.at_key, f"no such key{meant_or_known(key, KEYS)}")
    loss = entry.body["loss"].value if "loss" in entry.body else "loss"
    metrics = list(dict.fromkeys(table["metric"]))
    if loss not in metrics:
        place = entry.body.get("loss", entry.named)
        faults.add(place, f"no metric '{loss}' in {entry.use}: which is the loss that runs are judged "
                   f"by? write `loss: {metrics[0]}` (it has {', '.join(metrics)})")  # fmt: skip
        return
    digest = hashlib.sha256((folder / entry.use).read_bytes()).hexdigest()
    table = table.assign(metric=table["metric"].replace({loss: "loss"}))
    for name, mine in table.groupby("problem", sort=False):
        imported = _imported(entry, str(name), mine, digest, faults)
        if imported is not None:
            yield _task(entry, str(name), imported, general, faults)


def _imported(
    entry: Entry, problem: str, table: pd.DataFrame, digest: str, faults: Faults
) -> Imported | None:
    """The recorded values of one problem as arrays; its runs have the same steps."""
    names = _hypers(table)
    firsts = table.drop_duplicates("run")
    runs = tuple(
        ImportedRun(
            row["run"], row["optimizer"], row["role"], int(row["seed"]),
            {h: float(row[h]) for h in names if not pd.isna(row[h])},
        )
        for _, row in firsts.iterrows()
    )  # fmt: skip
    causes = [(r.optimizer, r.role, r.seed, tuple(sorted(r.hypers.items()))) for r in runs]
    met: dict[Any, str] = {}
    for run, cause in zip(runs, causes, strict=True):
        first = met.setdefault(cause, run.name)
        if first != run.name:
            faults.add(entry.named, f"{entry.use}: runs '{first}' and '{run.name}' have the same "
                       "optimizer, setting, role and seed; number their seeds apart")  # fmt: skip
            return None
    losses = table[table["metric"] == "loss"]
    steps = np.unique(losses["step"])
    order = [run.name for run in runs]
    wide = {
        str(metric): part.pivot(index="step", columns="run", values="value")
        .reindex(index=steps, columns=order).to_numpy(dtype=float)
        for metric, part in table.groupby("metric", sort=False)
    }  # fmt: skip
    recorded = losses.assign(there=True).pivot(index="step", columns="run", values="there")
    there = recorded.reindex(index=steps, columns=order).notna().to_numpy()
    last = np.where(there.any(axis=0), len(steps) - 1 - there[::-1].argmax(axis=0), -1)
    inside = np.arange(len(steps))[:, None] <= last
    gaps = (~there & inside).any(axis=0)
    if gaps.any():
        broken = order[int(gaps.argmax())]
        step = steps[int((~there & inside)[:, gaps.argmax()].argmax())]
        faults.add(entry.named, f"{entry.use}: run '{broken}' has no loss at step {step}, where others of "
                   f"{problem} have one; record all runs at the same steps")  # fmt: skip
        return None
    lost = there & ~np.isfinite(wide["loss"]) & (np.arange(len(steps))[:, None] < last)
    if lost.any():
        place, which = (int(i) for i in np.argwhere(lost)[0])
        faults.add(entry.named, f"{entry.use}: run '{order[which]}' has no number at step {steps[place]} and "
                   "values after it; a run that diverged ends there, and a value that was lost must be "
                   "given")  # fmt: skip
        return None
    ended = last == len(steps) - 1
    broke = np.array([not np.isfinite(wide["loss"][k, i]) for i, k in enumerate(last)])
    return Imported(entry.use, digest, steps.astype(np.int64), wide, runs, tuple(ended | broke))


def _task(
    entry: Entry, name: str, imported: Imported, general: list[tuple[Target, Node]], faults: Faults
) -> Task:
    minimum = None
    if "minimum" in entry.body:
        value = entry.body["minimum"].value
        if isinstance(value, bool) or not isinstance(value, int | float):
            faults.add(entry.body["minimum"], f"{entry.body['minimum'].shown} is not a number")
        else:
            minimum = Minimum(float(value), "declared")
    metrics = [m for m in imported.metrics if m != "loss"]
    own = targets(entry.body.get("targets"), faults) if "targets" in entry.body else None
    goals = []
    for target, node in general if own is None else own:
        known = target.kind in KINDS or target.kind in metrics
        if known and (target.kind not in GAPS or minimum is not None):
            goals.append(target)
        elif own is not None:
            hint = "give `minimum: ...`, or a target on the loss" if target.kind in GAPS else ""
            faults.add(
                node, hint or f"no such target{meant_or_known(target.kind, (*KINDS, *metrics))}"
            )
    problem = Problem(
        name=name,
        parameters={"file": entry.use},
        loss=_not_here,
        about=About(dim=0, summary=f"runs made elsewhere, from {entry.use}"),
        layout="tree",
        metrics=dict.fromkeys(metrics, _not_here),
        minimum=minimum,
    )
    notes = [f"imported from {entry.use}; seeds are as numbered there, and whether runs of one seed "
             "share their start and their data is for their maker to know"]  # fmt: skip
    if imported.steps[0] > 0:
        notes.append(f"recorded from step {imported.steps[0]} on, which stands for the start")
    optimizers = tuple(dict.fromkeys(run.optimizer for run in imported.runs))
    return Task(name, problem, int(imported.steps[-1]), tuple(dict.fromkeys(goals)), optimizers, 0,
                tuple(notes), imported=imported)  # fmt: skip


def _not_here(params: Any, batch: Any) -> Any:
    raise TypeError("an imported problem has no loss to compute")
