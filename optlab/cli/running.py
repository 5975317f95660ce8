"""`run`, `report`: making results and rendering them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optlab import freshness
from optlab.cli.base import BROKEN, WRONG, Specs, app, plain_errors, read_all
from optlab.owner import TakenError, check_owner
from optlab.terminal import Bar, complain, duration, err, out, tell

if TYPE_CHECKING:
    from optlab.spec import Experiment

LONG = 120.0
"""Seconds from which an experiment says beforehand how long it will take."""


@app.command()
def run(
    specs: Specs,
    out_: Annotated[Path, typer.Option("--out", help="Results go to DIR/<name>/.")] = Path(
        "reports"
    ),
    report_: Annotated[bool, typer.Option("--report/--no-report", help="Render the pages.")] = True,
    timings: Annotated[bool, typer.Option(help="Print where the time went.")] = False,
    until_resolved: Annotated[
        bool, typer.Option("--until-resolved", help="Add seeds until every claim is decided.")
    ] = False,
    most_seeds: Annotated[
        int, typer.Option(min=1, help="Evaluation seeds at most, with --until-resolved.")
    ] = 160,
) -> None:
    """Run spec files and render their reports. What is up to date or stored is not run again."""
    began = time.perf_counter()
    _check_names(specs, out_)
    _check_writable([out_ / ".cache" / "compiled", *(out_ / spec.stem for spec in specs)], out_)
    most = most_seeds if until_resolved else None
    stamps = {
        spec: _stamp(spec, most) for spec in specs
    }  # taken before anything is read for the run
    stale = [spec for spec in specs if not _fresh(out_ / spec.stem, stamps[spec])]
    for spec in specs:
        if spec not in stale:
            tell((spec.stem, "green"), ": up to date, nothing to do")
    listed = (out_ / "index.html").is_file()
    if not stale and (listed or not report_):
        return
    broken = 0
    with plain_errors():
        if stale:
            from optlab.startup import prepare

            prepare(out_ / ".cache" / "compiled")
            read = read_all(stale)
            broken = sum([_run_one(e, stamps[e.path], out_, report_, timings, most) for e in read])
        if report_:
            from optlab import report

            page = report.render_index(out_)
            tell(page, ("  all reports", "dim"))
    if timings:
        out.print(f"in all {time.perf_counter() - began:.1f} s")
    if broken:
        raise typer.Exit(BROKEN)


def _stamp(spec: Path, most: int | None) -> str:
    """What the finished report of `spec` depends on, with how far seeds may be added."""
    try:
        return freshness.stamp(spec) + (f" up to {most} seeds" if most else "")
    except OSError:  # what cannot be read is not fresh; reading it for the run says why
        return ""


def _fresh(folder: Path, stamp: str) -> bool:
    try:
        return bool(stamp) and freshness.is_fresh(folder, stamp)
    except OSError:
        return False


def _check_names(specs: list[Path], out: Path) -> None:
    """See that no two specs would write to one folder, of this call or of an earlier one."""
    names = [spec.stem for spec in specs]
    taken = [
        f"two specs are named '{name}'; their results would share a folder"
        for name in sorted({n for n in names if names.count(n) > 1})
    ]
    for spec in specs:
        try:
            check_owner(out / spec.stem, spec)
        except TakenError as error:
            taken.append(str(error))
    for line in taken:
        complain(line)
    if taken:
        raise typer.Exit(WRONG)


def _check_writable(folders: list[Path], told: Path) -> None:
    """See that each folder can be made and written, leaving nothing behind: JAX would only warn of
    its own, one program at a time, and results would fail after the work."""
    from tempfile import TemporaryFile

    for folder in folders:
        there = folder
        try:
            while not there.exists():
                there = there.parent
            with TemporaryFile(dir=there):
                pass
        except OSError as error:
            where = "" if there == told else f" ({there})"
            # A file that cannot be made in a folder that is there has no better reason.
            why = "" if isinstance(error, FileNotFoundError) else f": {error.strerror}"
            complain(f"--out {told}: cannot write there{where}{why}")
            raise typer.Exit(WRONG) from None


def _run_one(
    experiment: Experiment, stamp: str, folder: Path, render: bool, timings: bool, most: int | None
) -> bool:
    """Run one experiment; True where some of its runs ended in error."""
    from optlab import lab
    from optlab.analysis.words import plural

    name = experiment.name
    _announce(experiment, first=most is not None)
    bar = Bar()
    try:
        results = lab.run(experiment, folder, bar, most)
        spent = dict(results.manifest["timings"])
        if render:
            from optlab import report

            bar.say(f"{name}: report")
            began = time.perf_counter()
            report.render(results.folder)
            spent["report"] = time.perf_counter() - began
    finally:
        bar.close()
    counts = results.manifest["counts"]
    told = ", ".join(f"{n:,} {status}" for status, n in counts.items() if n)
    kept = f"; {bar.stored:,} were stored already" if bar.stored else ""
    tell((name, "bold"), f": {plural(sum(counts.values()), 'run')} ({told}){kept}")
    if results.came:
        tell("  comparisons: ", results.came)
    if render:
        tell(results.folder / "index.html")
    if timings:
        for name, seconds in spent.items():
            out.print(f"  {name:<16} {seconds:7.2f} s")
        tell(("  compile and run are summed over the cores", "dim"))
    for error in results.manifest["errors"]:
        place = f"{error['optimizer']} on {error['problem']}"
        complain(f"{place}: {error['runs']} runs broke: {error['message']}")
    if render and stamp and not counts["error"]:
        freshness.mark_fresh(results.folder, stamp)
    return bool(counts["error"])


def _announce(experiment: Experiment, first: bool) -> None:
    """What a long experiment will cost, and what this machine has not got, before anything runs; `first`
    where more looks may follow."""
    from optlab.estimate import estimate, machine_memory

    cost = estimate(experiment)
    if cost.seconds >= LONG:
        most = "up to " if experiment.staged else ""
        later = ", and more for each look that leaves a verdict open" if first else ""
        tell(f"{experiment.name}: {most}{cost.runs:,} runs, about {duration(cost.seconds)} where nothing is "
             f"stored yet{later}; Ctrl-C stops it, and what is finished by then is kept", to=err)  # fmt: skip
    there = machine_memory()
    if there is not None and cost.memory > there:
        complain(f"{experiment.name}: about {cost.memory / 1e9:,.0f} GB of memory will be needed at once, and "
                 f"this machine has {there / 1e9:,.0f}; `record: {{points: 20}}` keeps shorter curves, "
                 "`record: {keep: summary}` next to none")  # fmt: skip


@app.command()
def report(
    folders: Annotated[list[Path], typer.Argument(help="Result folders.", metavar="FOLDER...")],
    out_: Annotated[Path, typer.Option("--out", help="Where names are looked for.")] = Path(
        "reports"
    ),
) -> None:
    """Render the pages of result folders again; nothing is run."""
    from optlab import report as pages
    from optlab.analysis.words import plural

    with plain_errors():
        # A report's name will do as well, as it does for `open`.
        found = [f if f.is_dir() or not (out_ / f).is_dir() else out_ / f for f in folders]
        for folder in found:
            page, markdown, *others = pages.render(folder)
            tell(page)
            tell(markdown)
            for place in dict.fromkeys(path.parent for path in others if path.parent != folder):
                count = sum(path.parent == place for path in others)
                tell(place, f"/  {plural(count, 'file')}")
        for parent in sorted({folder.resolve().parent for folder in found}):
            pages.render_index(parent)
