"""The command line. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import os
import sys
import time
import webbrowser
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from optlab import __version__, freshness
from optlab.terminal import Bar, complain, err, out, short, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optlab.problems import Family
    from optlab.rules import Rule
    from optlab.spec import Contender, Experiment

app = typer.Typer(
    help="A laboratory for optimizers: one YAML file asks, one offline page answers.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
# Exit codes: some runs ended in error; results are not what they were; the spec or the call is wrong;
# Ctrl-C, as shells count it.
BROKEN, CHANGED, WRONG, STOPPED = 1, 1, 2, 130

Specs = Annotated[list[Path], typer.Argument(help="Spec files (YAML).", metavar="SPEC...")]
Out = Annotated[Path, typer.Option(help="Where results go: DIR/<name>/.", metavar="DIR")]


def main() -> None:
    """Entry point: what a user can cause ends in a message and an exit code, not in a traceback."""
    try:
        app()
    except SystemExit as leaving:
        if leaving.code != STOPPED:
            raise
        err.print("\nstopped; what is done is kept, and the same command goes on from there")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(STOPPED)  # threads may be deep inside a compiled program, which cannot be stopped


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn a wrong spec or file into its message and exit code 2."""
    from optlab.spec import SpecError

    try:
        yield
    except SpecError as error:
        for line in error.lines():
            complain(line)
        raise typer.Exit(WRONG) from None
    except BrokenPipeError:  # whoever read the output has left, as `head` does
        raise
    except OSError as error:
        complain(error)
        raise typer.Exit(WRONG) from None


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
    names = [spec.stem for spec in specs]
    for name in {n for n in names if names.count(n) > 1}:
        complain(f"two specs are named '{name}'; their results would share a folder")
        raise typer.Exit(WRONG)
    _check_writable([out_ / ".cache" / "compiled", *(out_ / name for name in names)], out_)
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
    with _plain_errors():
        if stale:
            from optlab import engine

            engine.prepare(out_ / ".cache" / "compiled")
            read = _read_all(stale)
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
            complain(f"--out {told}: cannot write there{where}: {error.strerror}")
            raise typer.Exit(WRONG) from None


def _read_all(specs: list[Path]) -> list[Experiment]:
    """Read every spec before anything runs, so that all their faults are told at once."""
    from optlab.spec import SpecError, read

    experiments, wrong = [], []
    for spec in specs:
        try:
            experiments.append(read(spec))
        except SpecError as error:
            wrong += error.lines()
    if wrong:
        for line in wrong:
            complain(line)
        raise typer.Exit(WRONG)
    return experiments


def _run_one(
    experiment: Experiment, stamp: str, folder: Path, render: bool, timings: bool, most: int | None
) -> bool:
    """Run one experiment; True where some of its runs ended in error."""
    from optlab import lab

    name = experiment.name
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
    tell((name, "bold"), f": {sum(counts.values()):,} runs ({told}){kept}")
    if len(results.verdicts):
        came = results.verdicts["verdict"].value_counts()
        tell("  verdicts: ", ", ".join(f"{count} {name}" for name, count in came.items()))
    if render:
        tell(results.folder / "index.html")
    if timings:
        for name, seconds in spent.items():
            out.print(f"  {name:<16} {seconds:7.2f} s")
        tell(("  compile and run are summed over the devices", "dim"))
    for error in results.manifest["errors"]:
        place = f"{error['optimizer']} on {error['problem']}"
        complain(f"{place}: {error['runs']} runs broke: {error['message']}")
    if render and stamp and not counts["error"]:
        freshness.mark_fresh(results.folder, stamp)
    return bool(counts["error"])


@app.command()
def report(
    folders: Annotated[list[Path], typer.Argument(help="Result folders.", metavar="FOLDER...")],
    out_: Annotated[Path, typer.Option("--out", help="Where names are looked for.")] = Path(
        "reports"
    ),
) -> None:
    """Render the pages of result folders again; nothing is run."""
    from optlab import report as pages

    with _plain_errors():
        # A report's name will do as well, as it does for `open`.
        found = [f if f.is_dir() or not (out_ / f).is_dir() else out_ / f for f in folders]
        for folder in found:
            for path in pages.render(folder):
                tell(path)
        for parent in sorted({folder.resolve().parent for folder in found}):
            pages.render_index(parent)


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(help="A result folder, or a baseline.", metavar="A")],
    b: Annotated[Path | None, typer.Argument(help="What is held against it.", metavar="B")] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="Hold A against this baseline.", metavar="FILE")
    ] = None,
    write_baseline: Annotated[
        Path | None, typer.Option(help="Write A's baseline, for a repository.", metavar="FILE")
    ] = None,
    rtol: Annotated[
        float | None,
        typer.Option(help="Relative tolerance, 0 for the same bits.", show_default="1e-9"),
    ] = None,
    atol: Annotated[float, typer.Option(help="Absolute tolerance.")] = 0.0,
    only: Annotated[str, typer.Option(help="PROBLEM/OPTIMIZER, either may be *.")] = "",
    form: Annotated[
        Literal["text", "json", "markdown"], typer.Option("--format", help="How it is told.")
    ] = "text",
) -> None:
    """Say what changed from A to B, run by run; exit code 0 nothing, 1 something, 2 a wrong call."""
    from optlab import compare as gate

    with _plain_errors():
        try:
            asked = gate.Asked(a, b, baseline, write_baseline, rtol, atol, only, form)
            told, same = gate.answer(asked)
        except gate.CompareError as error:
            complain(error)
            raise typer.Exit(WRONG) from None
    tell(told)
    if not same:
        raise typer.Exit(CHANGED)


@app.command()
def plan(specs: Specs) -> None:
    """Say what a spec asks for and what it will cost, without running it."""
    with _plain_errors():
        from optlab.estimate import estimate
        from optlab.foresee import foresee

        for experiment in _read_all(specs):
            cost = estimate(experiment)
            tell((experiment.title, "bold"), f"  {experiment.path}")
            for task in experiment.tasks:
                goal = task.targets[0].label if task.targets else "no target"
                size = f"{task.problem.about.dim} parameters"
                if task.imported is not None:
                    size = f"{len(task.imported.runs):,} runs made elsewhere"
                tell(f"  {task.name}: {size}, "
                      f"{task.steps:,} steps, {goal}"
                      + "".join(f" ({note})" for note in task.notes))  # fmt: skip
            for c in experiment.contenders:
                tell(f"  {c.name}: {_settings(experiment, c)}")
            if any(c.swept for c in experiment.contenders):
                tell(f"  settings are chosen by {_chosen_by(experiment)}")
            most = "up to " if experiment.staged else ""
            out.print(
                f"  {most}{cost.runs:,} runs, {short(cost.run_steps)}run-steps, {cost.cells:,} cells of "
                f"{cost.programs} programs\n"
                f"  about {_duration(cost.seconds)} from a cold start ({_duration(cost.compile_seconds)}"
                f" of it compiling, kept for next time), {max(cost.memory, 1e6) / 1e6:,.0f} MB "
                "for the tables and the orders of minibatches"
            )
            for found in foresee(experiment):
                tell(("  warning: ", "yellow"), found["text"])


def _settings(experiment: Experiment, contender: Contender) -> str:
    """What is tried of an optimizer, and in two stages what is run of it after that."""
    swept = contender.swept
    tried = _many(contender.size, "trial" if contender.search else "setting")
    tried += f" over {', '.join(swept)}" if swept else ""
    if not experiment.staged or contender.imported:
        return tried
    tasks = [task for task in experiment.tasks if contender.name in task.optimizers]
    seeds = [experiment.seeds_of(task) for task in tasks]
    given = all(start[0][2] == "given" and len(start) == 1 for _, start, _ in seeds)
    tune, evaluate = (max((len(s[i]) for s in seeds), default=0) for i in (0, 1))
    here = "the given start" if given else _many(tune, "tune seed")
    there = "it" if given else _many(evaluate, "evaluate seed")
    curves = [f"{_many(len(v), 'value')} of {name}" for name, v in contender.profile.items()]
    if not swept:
        return f"{' and '.join([tried, *curves])} on {here if given else there}"
    last = ["the chosen setting", "the default", *curves]
    return f"{tried} on {here}; then {', '.join(last[:-1])} and {last[-1]} on {there}"


def _chosen_by(experiment: Experiment) -> str:
    select = experiment.tuning.select if experiment.tuning else "held"
    known = {
        "held": "the time to hold the target",
        "reached": "the time to reach the target",
        "loss": "the last loss",
    }
    return f"{known.get(select, select)}, the median over seeds"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@app.command(name="list")
def list_() -> None:
    """List the optimizers and problems of the house."""
    from optlab import problems, rules
    from optlab.adapters import libraries

    tell(("Optimizers", "bold"))
    for name, rule in rules.REGISTRY.items():
        tell(f"  {name:<22} {rule.summary}")
    for name in libraries.NAMES:
        tell(f"  {name:<22} ", ("with that library's convention and defaults", "dim"))
    tell(f"  {'optax.<name>':<22} ", ("any transformation of optax", "dim"))
    tell(f"  {'file.py:function':<22} ", ("a rule of your own, beside the spec", "dim"))
    tell(("Problems", "bold"))
    for name, family in problems.REGISTRY.items():
        tell(f"  {name:<22} {family.summary}")
    tell(f"  {'file.py:function':<22} ", ("a loss of your own, beside the spec", "dim"))
    tell(("`optlab show NAME` says more of one.", "dim"))


@app.command()
def show(name: Annotated[str, typer.Argument(help="An optimizer or a problem.")]) -> None:
    """Show an optimizer (formula, hyperparameters, paper, convention) or a problem."""
    from optlab import problems
    from optlab.adapters import OptionError, find
    from optlab.suggest import meant_or_known

    if name in problems.REGISTRY:
        _show_family(problems.REGISTRY[name])
        return
    try:
        found = find(name, {}, Path())
    except (OptionError, ValueError) as error:
        from optlab import rules

        known = meant_or_known(name, (*rules.REGISTRY, *problems.REGISTRY))
        reason = str(error) if "." in name or ":" in name else f"nothing is named '{name}'{known}"
        complain(reason)
        raise typer.Exit(WRONG) from None
    _show_optimizer(name, found.optimizer)  # type: ignore[arg-type]


def _show_optimizer(name: str, rule: Rule) -> None:
    from optlab.vocabulary import look_up
    from optlab.worked import formulas

    tell((name, "bold"), f"  {rule.summary}")
    if rule.form is not None:
        tell(f"\n{rule.form.source.rstrip()}\n")
        for latex in formulas(rule.form):
            tell(f"  $ {latex} $")
    out.print("\nHyperparameters")
    for hyper, default in rule.hypers.items():
        word = look_up(hyper)
        natural = f"natural {word.sweep[0]:g} to {word.sweep[1]:g}" if word.sweep else ""
        out.print(f"  {hyper:<10} default {default:<8g} in {word.interval!s:<10} {natural:<23} "
                  f"{word.meaning}".rstrip())  # fmt: skip
    for label, text in (("Paper", rule.citation), ("Convention", rule.convention)):
        if text:
            tell(f"{label}: {text}")
    if getattr(rule, "limit_formula", ""):
        out.print(
            f"Largest stable rate on a quadratic of largest curvature L: {rule.limit_formula}"
        )


def _show_family(family: Family) -> None:
    import inspect

    tell((family.name, "bold"), f"  {inspect.getdoc(family.make) or ''}")
    out.print("\nParameters" if family.signature.parameters else "\nNo parameters.")
    for parameter in family.signature.parameters.values():
        kind = inspect.formatannotation(parameter.annotation)
        if parameter.kind is parameter.VAR_KEYWORD:
            out.print(f"  {'<name>':<12} {kind}, any number of them")
        else:
            out.print(f"  {parameter.name:<12} {kind}, default {parameter.default!r}")


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help="Where to write the starter.")],
) -> None:
    """Write a commented starter spec."""
    from importlib.resources import files

    if file.exists():
        complain(f"{file} exists and is left as it is; choose another name")
        raise typer.Exit(WRONG)
    with _plain_errors():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(files("optlab").joinpath("starter.yaml").read_text("utf-8"), "utf-8")
    tell(f"{file} written; next: optlab run {file}")


@app.command(name="open")
def open_(
    name: Annotated[
        str, typer.Argument(help="A report's name; the index of all unless said.")
    ] = "",
    out_: Annotated[Path, typer.Option("--out", help="Where the reports are.")] = Path("reports"),
) -> None:
    """Open a report in the browser."""
    page = (out_ / name / "index.html").resolve()
    if not page.is_file():
        complain(f"{page} is not there; `optlab run` makes it")
        raise typer.Exit(WRONG)
    tell(page)
    webbrowser.open(page.as_uri())


@app.command()
def version() -> None:
    """Print the version."""
    out.print(__version__)


if __name__ == "__main__":
    main()
