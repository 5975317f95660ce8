"""The one loop: plan -> (stored already?) -> engine -> tables -> disk."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optlab import byhand, freshness, plan
from optlab.analysis.verdicts import undecided, verdicts
from optlab.analysis.words import plural
from optlab.causes import program_key, summary_key
from optlab.declared import declare
from optlab.draws import Draws, fingerprint
from optlab.effort import operations
from optlab.engine import Engine, History, Inputs
from optlab.explain import explain_odd
from optlab.faults import Faults
from optlab.files import clear_strays
from optlab.gathered import Gathered, summaries
from optlab.manifest import manifest
from optlab.minima import Minima
from optlab.owner import keep_for
from optlab.plan import Cell, Portion, Run
from optlab.problems import Minimum
from optlab.progress import Progress, Silent, plainly
from optlab.remembered import Remembered
from optlab.results import Results, load
from optlab.rules import Rule
from optlab.spec import Claim, Experiment, Task, read
from optlab.standing import Standing
from optlab.startup import prepare
from optlab.store import Store
from optlab.tables import run_columns
from optlab.tally import Tally
from optlab.worked.marks import summary
from optlab.written import portions as write_portions
from optlab.written import write_csv, write_json, write_pictures, write_table

__all__ = ["Progress", "run"]

LINES = 1_000_000
"""The most rows of runs.csv: a spreadsheet takes 1,048,576 of them."""


def run(
    spec: str | Path | Experiment,
    out: str | Path = "reports",
    progress: Progress | None = None,
    most_seeds: int | None = None,
) -> Results:
    """Run what a spec file (or an experiment read from one) asks for that is not stored yet, and
    write the tables to `out`/<name>/.

    With `most_seeds`, evaluation seeds are doubled until every claim is decided or there are so many;
    the error is kept over all of these looks (`optlab.statistics.sequential`).
    SpecError where the spec is wrong, TakenError where the folder is another spec's. An interrupted run goes on where it stopped.
    """
    began = time.perf_counter()
    prepare(Path(out) / ".cache" / "compiled")
    experiment = spec if isinstance(spec, Experiment) else read(spec)
    progress = progress or Silent()
    if most_seeds is None:
        return _Laboratory(experiment, Path(out), progress, began).run()
    looks = _looks(experiment, most_seeds)
    for seeds in looks:
        now = replace(experiment, seeds=replace(experiment.seeds, evaluate=seeds))
        results = _Laboratory(now, Path(out), progress, began, looks).run()
        began = time.perf_counter()
        left = undecided(results.verdicts)
        if not left:
            break
        progress.note(f"after {plural(seeds, 'seed')}: {plural(left, 'verdict')} still open")
    return results


def _looks(experiment: Experiment, most: int) -> tuple[int, ...]:
    """The numbers of seeds at which claims are judged: doubled from what the spec asks for, and no
    fewer than a claim needs, up to `most`."""
    first = max([experiment.seeds.evaluate, *(c.min_seeds for c in experiment.claims)])
    looks = [min(first, most)]
    while looks[-1] < most:
        looks.append(min(2 * looks[-1], most))
    return tuple(looks)


class _Laboratory:
    """One experiment on its way from plan to tables."""

    def __init__(
        self,
        experiment: Experiment,
        out: Path,
        progress: Progress,
        began: float,
        looks: tuple[int, ...] = (),
    ) -> None:
        self.experiment, self.looks = experiment, looks
        self.folder = out / experiment.name
        self.progress = progress
        self.store = Store(self.folder / "cells")
        self.draws = Draws(experiment.seeds.experiment)
        self.minima = Minima(out / ".cache" / "minima.json")
        self.operations = Remembered(out / ".cache" / "operations.json")
        self.faults = Faults(experiment)
        self.fingerprints: dict[str, Any] = {}
        self.gathered = Gathered(self._key)
        self.keep = experiment.record.keep
        self.found: dict[str, Minimum | None] = {}
        self.columns = run_columns(experiment)
        self.imported: dict[str, dict[str, int]] = {}
        self.tally = Tally(experiment)
        self.engine = Engine()
        self.programs: dict[tuple[Any, ...], plan.Program] = {}
        self._keys: dict[tuple[Any, ...], str] = {}
        self.timings = {"import and spec": time.perf_counter() - began}

    def run(self) -> Results:
        keep_for(self.folder, self.experiment.path)
        self.folder.mkdir(parents=True, exist_ok=True)
        freshness.mark_stale(self.folder)
        clear_strays(self.folder)
        with self._timed("plan"):
            self.found = {t.name: self.minima(t.problem) for t in self.experiment.tasks}
            self.standing = Standing(manifest(self.experiment, self.found, {}))
            self.claims, self.withdrawn = declare(
                self.folder, self.experiment.claims, self._seen, self.experiment.seeds.evaluate,
                self.looks,
            )  # fmt: skip
        table = self._portions()
        if self.keep == "summary":
            table = self._again()
        with ThreadPoolExecutor(1) as aside:  # a long table is written beside what follows
            with self._timed("tables"):
                curves, paths = self._curves(table)
                written = [
                    aside.submit(write_table, self.folder, "curves", curves),
                    aside.submit(write_table, self.folder, "paths", paths),
                ]
                self.gathered = Gathered(self._key)
                sound = [t for t in self.experiment.tasks if t.name not in self.standing.broken]
                write_pictures(self.folder, sound, self.progress.note)
                self._worked(sound)
                self._checked()
            made = self._manifest()
            seen = Results(self.folder, self.standing.leading() if self.apart else table, made)
            with self._timed("explanations"):
                self._explained(seen.with_curves(curves))
            with self._timed("tables"):
                for table_written in written:
                    table_written.result()
        write_json(self.folder, "manifest", made)
        del table, curves, paths, seen  # read again from disk where they are wanted
        results = load(self.folder)
        with self._timed("verdicts"):
            self._verdicts(results)
        # With the verdicts, which are of what was written.
        results.manifest["timings"] = self._seconds()
        write_json(self.folder, "manifest", results.manifest)
        return results

    @property
    def apart(self) -> bool:
        """Whether runs are told portion by portion and no table of all is at hand."""
        return self.experiment.record.keep == "summary"

    def _portions(self) -> pd.DataFrame:
        """Make all runs, as many at a time as are held at once, and write their table; the last portion of it,
        which is all where curves are kept."""
        text = self.tally.runs <= LINES
        if not text:
            self.progress.note(
                f"runs.csv is left out: {self.tally.runs:,} runs are more than a spreadsheet takes"
            )
        table = pd.DataFrame()
        portions = plan.portions(self.experiment, plan.PORTION if self.apart else None)
        with write_portions(self.folder, "runs", text) as put:
            while True:
                with self._timed("plan"):
                    portion = next(portions, None)
                if portion is None:
                    for of_other_tables in ("manifest.json", "verdicts.csv"):
                        (self.folder / of_other_tables).unlink(missing_ok=True)
                    return table
                table = self._portion(portion)
                with self._timed("tables"):
                    put(table)

    def _portion(self, portion: Portion) -> pd.DataFrame:
        """Make some runs, and the second stage of the (problem, optimizer) whose trials end with them; the rows
        of both."""
        if self.apart:
            self.gathered = Gathered(self._key)
        runs = portion.runs
        self._import(runs)
        self._stage(runs, portion.last)
        if self.experiment.staged:
            with self._timed("tables"):
                trials = [run for run in runs if run.part == "trial"]
                if trials:
                    self.standing.lead(self._rows(trials), trials)
                chosen = self.standing.chosen(portion.ended) | self._only(portion.ended)
            with self._timed("plan"):
                second = list(plan.chosen_runs(self.experiment, chosen, portion.ended))
            self._stage(second, portion.last)
            runs = _by_task(self.experiment, [*runs, *second])
        with self._timed("tables"):
            table = self._rows(runs)
            if self.apart and not self.experiment.staged:
                self.standing.lead(table, runs)
            self.standing.see(table, runs, curves=not self.apart)
        self.tally.close()
        return table

    def _rows(self, runs: list[Run]) -> pd.DataFrame:
        return self.gathered.rows(runs, self.found, self.columns)

    def _explained(self, results: Results) -> None:
        """Why runs ended oddly; a loss that cannot be differentiated twice has no such part."""
        try:
            found = explain_odd(self.experiment, results, self.draws, self.standing.lowest)
        except Exception as error:  # the runs themselves are sound, and the report stands without
            self.progress.note(f"not explained why runs ended oddly: {plainly(error)}")
            found = []
        write_json(self.folder, "explained", found)

    def _verdicts(self, results: Results) -> None:
        write_csv(self.folder, "verdicts", verdicts(results))

    def _import(self, runs: list[Run]) -> None:
        """Take in the runs that were made elsewhere, as if they had been found in the store. One that ends
        early, without a word of divergence, is an error: it says nothing of its optimizer."""
        for task in self.experiment.tasks:
            if task.imported is None:
                continue
            mine = [run for run in runs if run.task is task]
            places = self.imported.setdefault(task.name, {})
            columns = [places.setdefault(run.run_id, len(places)) for run in mine]
            history = History(task.imported.steps, dict(task.imported.metrics), None, 0.0)
            self.gathered.known.update(run.run_id for run in mine)
            whole = [i for i, column in enumerate(columns) if task.imported.finished[column]]
            if whole:
                self.gathered.add(
                    _elsewhere(task),
                    [mine[i] for i in whole],
                    history.of([columns[i] for i in whole]),
                )
            ended = [mine[i] for i in sorted({*range(len(mine))} - {*whole})]
            if ended:
                self._broken(
                    ended,
                    ValueError("ends before the last step of the others; complete it in its table"),
                )

    def _seen(self, claim: Claim) -> bool:
        """Whether runs of both sides of a claim are stored, on any problem that it speaks of."""
        others = {side.optimizer for side in claim.others}
        for task in self.experiment.tasks:
            if task.name in claim.problems:
                stored = {name for name in task.optimizers if self._is_stored(task, name)}
                if claim.a.optimizer in stored and (not others or others & stored):
                    return True
        return False

    def _is_stored(self, task: Task, name: str) -> bool:
        """Whether any run of one optimizer on one problem is stored."""
        if task.imported is not None:  # whoever has the file may have looked at it
            return True
        contender = self.experiment.contender(name)
        run = Run("", task, contender, next(contender.settings()), "evaluate", 0, "", "")
        return self.store.has(self._program_key(run))  # whatever they were judged by

    def _stage(self, runs: list[Run], last: bool = True) -> None:
        """Bring in what is stored of `runs`, and run the rest; `last` where no other portion comes after."""
        todo = self._missing(runs)
        self.tally.add(runs, todo)
        self._make(todo, last)

    def _missing(self, runs: list[Run]) -> list[Run]:
        with self._timed("plan"):
            return self._stored(runs)

    def _make(self, todo: list[Run], last: bool) -> None:
        with self._timed("starts"):
            todo = self._draw(todo)
        self._execute(todo, last)

    def _only(self, pairs: list[tuple[str, str]]) -> dict[tuple[str, str], dict[str, float]]:
        """The settings of those that have one alone."""
        contenders = {pair: self.experiment.contender(pair[1]) for pair in pairs}
        return {pair: next(c.settings()) for pair, c in contenders.items() if c.size == 1}

    def _seconds(self) -> dict[str, float]:
        return {name: round(seconds, 3) for name, seconds in self.timings.items()}

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.timings[name] = self.timings.get(name, 0.0) + time.perf_counter() - began

    def _stored(self, runs: list[Run]) -> list[Run]:
        """Bring in what is stored and was not yet gathered; the runs that are neither, one of each
        run_id."""
        wanted: dict[str, dict[str, Run]] = {}
        for run in runs:
            key = self._key(run)
            if run.run_id not in self.gathered.known:
                wanted.setdefault(key, {}).setdefault(run.run_id, run)
        todo: list[Run] = []
        for key, by_id in wanted.items():
            self.gathered.known.update(by_id)
            for cell in self.store.load(key, by_id):
                members = [by_id.pop(name) for name in cell.run_ids]
                self.gathered.add(key, members, cell.history)
            todo.extend(by_id.values())
        for path in self.store.broken:
            self.progress.note(f"{path.name} could not be read and is run again")
        self.store.broken.clear()
        return todo

    def _key(self, run: Run) -> str:
        if run.task.imported is not None:
            return _elsewhere(run.task)
        of = plan.program_of(self.experiment, run)
        if of not in self._keys:
            key = self._program_key(run)
            if self.keep == "summary":
                key = summary_key(key, self.experiment.namesakes(run.task), self.found)
            self._keys[of] = key
        return self._keys[of]

    def _program_key(self, run: Run) -> str:
        mark = self._fingerprint(run.task)
        return program_key(plan.program(self.experiment, run), mark)

    def _fingerprint(self, task: Task) -> Any:
        """The task's problem at fixed points; None where it cannot even be looked at."""
        if task.name not in self.fingerprints:
            try:
                self.fingerprints[task.name] = fingerprint(task.problem)
            except Exception:  # its runs will break in the same way, and be told
                self.fingerprints[task.name] = None
        return self.fingerprints[task.name]

    def _draw(self, todo: list[Run]) -> list[Run]:
        """Draw the starts; the runs that have one. A user's loss may break when it is looked at."""
        by_task: dict[str, list[Run]] = {}
        for run in todo:
            by_task.setdefault(run.task.name, []).append(run)
        ready = []
        for members in by_task.values():
            try:
                starts = dict.fromkeys((r.role, r.seed, r.start_kind) for r in members)
                self.draws.prepare(members[0].task, starts)
            except Exception as error:  # this problem is reported as broken, the others go on
                self._broken(members, error)
            else:
                ready += members
        return ready

    def _inputs(self, cell: Cell) -> Inputs:
        return Inputs(
            [self.draws.start(r) for r in cell.runs],
            [dict(r.hypers) for r in cell.runs],
            self.draws.stream(cell.runs[0]),
            self._noise_keys(cell),
        )

    def _noise_keys(self, cell: Cell) -> list[np.ndarray] | None:
        keys = (self.draws.key(run) for run in cell.runs)
        return [key for key in keys if key is not None] or None

    def _execute(self, todo: list[Run], last: bool) -> None:
        cells = plan.cells(self.experiment, todo, self.programs)
        steps = sum(len(c.runs) * c.program.steps for c in cells)
        later = 0 if last else self.tally.later
        self.progress.begin(self.experiment.name, self.tally.asked, steps, self.tally.stored, later)
        # Closed whatever happens here, Ctrl-C or a full disk: the threads end before anything else goes on.
        with closing(self.engine.execute(cells, self._inputs, self._keep)) as execution:
            for cell, outcome in execution:
                if isinstance(outcome, int):
                    self.progress.advance(outcome)
                else:
                    self._take(cell, outcome)
        self.timings |= self.engine.timings

    def _take(self, cell: Cell, outcome: History | Exception) -> None:
        if isinstance(outcome, Exception):
            self._broken(cell.runs, outcome)
            return
        self.gathered.add(self._key(cell.runs[0]), cell.runs, outcome)

    def _keep(self, cell: Cell, history: History) -> History:
        """Store a history, or what it comes to; what is left of it."""
        if self.keep == "summary":
            history = summaries(self.experiment.namesakes(cell.runs[0].task), history, self.found)
        self.store.put(self._key(cell.runs[0]), [r.run_id for r in cell.runs], history)
        return history

    def _broken(self, members: Sequence[Run], error: Exception) -> None:
        self.gathered.fail(members)
        for fault in self.faults.add(members, plainly(error)):
            self.progress.note(fault)

    def _again(self) -> pd.DataFrame:
        """Make some runs once more and keep their curves: those at the chosen and the default settings and
        a sample of the rest. They are the same to the last bit. Their rows."""
        table, runs = self.standing.shown()
        self.keep = "curves"
        self._keys.clear()
        self.gathered = Gathered(self._key)
        self._import(runs)
        self._make(self._missing(runs), last=True)  # they are counted already
        return table

    def _curves(self, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Curves and paths of those runs in `table` of which there are any."""
        return self.gathered.curves_and_paths(table[table["run_id"].isin(self.gathered.known)])

    def _worked(self, tasks: list[Task]) -> None:
        """The first steps by hand, where a task asks for them, at each optimizer's first setting."""
        pages: list[dict[str, Any]] = []
        for task in tasks:
            for name in task.optimizers if task.worked else ():
                contender = self.experiment.contender(name)
                if isinstance(contender.optimizer, Rule):
                    start = self.draws.first(task)
                    pages.append(byhand.page(task, contender, start, steps=task.worked))
        write_json(self.folder, "worked", pages)

    def _checked(self) -> None:
        """What stands on paper, against what it should be."""
        if not self.experiment.handwritten:
            (self.folder / "checked.json").unlink(missing_ok=True)
            return
        try:
            lines = byhand.check(self.experiment)
        except ValueError as error:  # a line that divides by zero, say; the runs stand all the same
            self.progress.note(f"the handwritten page cannot be checked: {error}")
            (self.folder / "checked.json").unlink(missing_ok=True)
            return
        told = {"summary": summary(lines), "lines": [line.as_dict() for line in lines]}
        write_json(self.folder, "checked", told)

    def _operations(self) -> dict[str, dict[str, int | None]]:
        """The arithmetic of an update, by problem and optimizer, of all that ran here."""
        there = self.standing.ran
        found: dict[str, dict[str, int | None]] = {}
        for task in self.experiment.tasks:
            names = [o for o in task.optimizers if (task.name, o) in there]
            if task.imported is None and names:
                start = self.draws.first(task)
                found[task.name] = {name: self._counted(task, name, start) for name in names}
        return found

    def _counted(self, task: Task, name: str, start: Any) -> int | None:
        contender = self.experiment.contender(name)
        run = Run("", task, contender, contender.default, "evaluate", 0, "", "")
        return self.operations(
            self._key(run),
            lambda: operations(task.problem, contender.optimizer, start, contender.default),
        )

    def _manifest(self) -> dict[str, Any]:
        counts = self.standing.counts(self.folder / "runs.parquet")
        return manifest(
            self.experiment, self.found, self.fingerprints, self._operations(),
            counts={status: counts[status] for status in ("hit", "budget", "diverged", "error")},
            errors=self.faults.told(),
            claims=self.claims,
            withdrawn=self.withdrawn,
            looks=list(self.looks),
            timings=self._seconds(),
        )  # fmt: skip


def _elsewhere(task: Task) -> str:
    """What stands for a program's key where runs were imported."""
    return f"imported {task.name}"


def _by_task(experiment: Experiment, runs: list[Run]) -> list[Run]:
    """Runs of both stages in the order of the spec: by problem, then by optimizer."""
    tasks = {id(task): i for i, task in enumerate(experiment.tasks)}
    contenders = {id(contender): i for i, contender in enumerate(experiment.contenders)}
    return sorted(runs, key=lambda run: (tasks[id(run.task)], contenders[id(run.contender)]))
