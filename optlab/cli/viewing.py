"""`plan`, `list`, `show`, `new`, `version`: looking before and after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optlab import __version__
from optlab.cli.base import WRONG, Specs, app, plain_errors, read_all
from optlab.terminal import complain, duration, out, short, tell

if TYPE_CHECKING:
    from optlab.problems import Family
    from optlab.rules import Rule
    from optlab.spec import Contender, Experiment


@app.command()
def plan(specs: Specs) -> None:
    """Say what a spec asks for and what it will cost, without running it."""
    with plain_errors():
        from optlab.estimate import estimate
        from optlab.foresee import foresee

        for experiment in read_all(specs):
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
                f"  {most}{cost.runs:,} runs, {short(cost.run_steps)}run-steps, "
                f"{_many(cost.cells, 'cell')} of {_many(cost.programs, 'program')}\n"
                f"  about {duration(cost.seconds)} from a cold start, the report not counted "
                f"({duration(cost.compile_seconds)} of it compiling, kept for next time), and "
                f"{max(cost.memory, 1e6) / 1e6:,.0f} MB of memory"
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
    with plain_errors():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(files("optlab").joinpath("starter.yaml").read_text("utf-8"), "utf-8")
    tell(f"{file} written; next: optlab run {file}")


@app.command()
def version() -> None:
    """Print the version."""
    out.print(__version__)
