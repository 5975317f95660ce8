"""`trace`: the first steps of optimizers on paper."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from optlab.cli.base import WRONG, app, plain_errors, read_all
from optlab.terminal import complain, err, harmless, out, tell

if TYPE_CHECKING:
    from optlab.spec import Contender, Experiment, Task
    from optlab.worked.layout import Part

MOST_STEPS, MOST_DIGITS, MOST_COORDINATES = 50, 15, 12
Format = Literal["table", "text", "json", "markdown", "html", "latex"]
_SUFFIXES: dict[str, Format] = {
    ".txt": "text", ".json": "json", ".md": "markdown", ".html": "html", ".tex": "latex",
}  # fmt: skip


@app.command()
def trace(
    spec: Annotated[Path, typer.Argument(help="A spec file (YAML).", metavar="SPEC")],
    steps: Annotated[int, typer.Option(min=1, max=MOST_STEPS, help="How many steps.")] = 2,
    digits: Annotated[int, typer.Option(min=1, max=MOST_DIGITS, help="Decimals printed.")] = 4,
    optimizer: Annotated[str, typer.Option(help="This optimizer of the spec only.")] = "",
    problem: Annotated[str, typer.Option(help="This problem of the spec only.")] = "",
    format_: Annotated[
        Format | None,
        typer.Option("--format", help="By default a table, or what the file's name ends in."),
    ] = None,
    out_: Annotated[Path | None, typer.Option("--out", help="Write to a file.")] = None,
) -> None:
    """Work the first steps of each optimizer by hand: every line of its rule as a formula, with the
    numbers put in, and its value, for every parameter."""
    with plain_errors():
        (experiment,) = read_all([spec])
        pages = _pages(experiment, _wanted(experiment, optimizer, problem), steps, digits)
        if not pages:
            raise typer.Exit(WRONG)
        kind = format_ or _SUFFIXES.get(out_.suffix.lower() if out_ else "", "table")
        if kind == "table" and out_ is None:
            _print_tables(pages)
            return
        text = _written(pages, experiment.title, kind)
        if out_ is None:
            typer.echo(text, nl=False)
            return
        from optlab.files import atomic_write

        atomic_write(out_, lambda file: file.write(text.encode()))
        tell(out_)


def _wanted(experiment: Experiment, optimizer: str, problem: str) -> list[tuple[Task, Contender]]:
    """The pairs that are asked for; a name that is not there is told with those that are."""
    from optlab.suggest import meant_or_known

    known = {
        "problem": (problem, [task.name for task in experiment.tasks]),
        "optimizer": (optimizer, [contender.name for contender in experiment.contenders]),
    }
    for what, (name, names) in known.items():
        if name and name not in names:
            complain(f"{experiment.path}: no {what} named '{name}'{meant_or_known(name, names)}")
            raise typer.Exit(WRONG)
    pairs = [
        (task, experiment.contender(name))
        for task in experiment.tasks
        if problem in ("", task.name)
        for name in task.optimizers
        if optimizer in ("", name)
    ]
    if not pairs:
        complain(f"{experiment.path}: {optimizer} does not run on {problem}")
        raise typer.Exit(WRONG)
    return pairs


def _pages(
    experiment: Experiment, pairs: list[tuple[Task, Contender]], steps: int, digits: int
) -> list[dict[str, Any]]:
    """A page for each pair that can be worked; of the others it is said why not, once."""
    from optlab import byhand
    from optlab.draws import Draws

    draws = Draws(experiment.seeds.experiment)
    pages: list[dict[str, Any]] = []
    hindered: list[str] = []
    for task, contender in pairs:
        reason = _hindrance(task, contender)
        if not reason:
            try:
                start = draws.first(task)
                pages.append(byhand.page(task, contender, start, steps=steps, digits=digits))
                continue
            except (ValueError, ArithmeticError) as error:
                reason = f"{contender.name} on {task.name} cannot be worked: {error}"
        hindered.append(reason)
    for reason in dict.fromkeys(hindered):
        complain(reason)
    for remark in dict.fromkeys(r for t, c in pairs for r in _remarks(t, c, steps)):
        tell((remark, "yellow"), to=err)
    return pages


def _hindrance(task: Task, contender: Contender) -> str:
    """Why a pair has no lines to work, in one sentence; empty where it has."""
    from optlab.rules import Rule

    if task.imported is not None:
        return f"{task.name}: its runs were made elsewhere, so there are no steps here to work."
    if task.problem.layout != "coordinates" or task.problem.about.dim > MOST_COORDINATES:
        return (f"{task.name} has {task.problem.about.dim:,} parameters; problems of at most "
                f"{MOST_COORDINATES} coordinates are worked by hand.")  # fmt: skip
    if not isinstance(contender.optimizer, Rule):
        return (f"{contender.name} is {contender.optimizer.name}, which is not written as a rule, so "
                "it has no lines to work.")  # fmt: skip
    return ""


def _remarks(task: Task, contender: Contender, steps: int) -> list[str]:
    """What a reader of the page must know: where it is not the run of the spec, or not all of it."""
    if _hindrance(task, contender):
        return []
    said = []
    problem = task.problem
    if contender.size > 1:
        hypers = ", ".join(contender.swept)
        said.append(f"{contender.name} has {contender.size:,} settings (over {hypers}); the first "
                    "is worked.")  # fmt: skip
    if problem.longest is not None and problem.longest < steps:
        ends = f"{problem.longest} step" + "s" * (problem.longest != 1)
        said.append(f"{task.name} gives gradients for {ends}, so there are no more.")
    if problem.random:
        said.append(f"{task.name}: the runs draw noise or minibatches; the gradients here are those "
                    "of the whole loss.")  # fmt: skip
    return said


# Writing


def _written(pages: list[dict[str, Any]], title: str, kind: Format) -> str:
    from optlab.worked import document

    title = f"Worked by hand: {title}"
    match kind:
        case "json":
            return json.dumps(pages, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        case "markdown":
            return document.markdown(pages, title)
        case "latex":
            return document.latex(pages, title)
        case "html":
            from optlab.report.page import render_worked

            return render_worked(pages, title)
        case "text":
            return document.plain(pages, title)
        case "table":
            return _tables_as_text(pages)


def _print_tables(pages: list[dict[str, Any]]) -> None:
    from rich.console import Console

    # Rich shrinks a table to the width of the terminal; what is piped has no width to keep to.
    width = out.width if out.is_terminal else 140
    _tables(pages, Console(highlight=False, markup=False, width=width))


def _tables_as_text(pages: list[dict[str, Any]]) -> str:
    import io

    from rich.console import Console

    file = io.StringIO()
    _tables(pages, Console(file=file, highlight=False, markup=False, width=140))
    return file.getvalue()


def _tables(pages: list[dict[str, Any]], to: Any) -> None:
    """A heading and a table for each part of each page."""
    from rich.text import Text

    from optlab.worked.layout import parts, with_first

    for page, first in with_first(pages):
        to.print(Text(harmless(page["title"]), style="bold"))
        for part in parts(page, first):
            to.print(Text(harmless(part.text)))
            if part.rows:
                to.print(_table(part))
        to.print()


def _table(part: Part) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from optlab.worked.plain import readable

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("Formula")
    if part.by_parameter:
        table.add_column("Parameter")
    table.add_column("Numbers put in")
    table.add_column("Result", justify="right", no_wrap=True)
    for i, row in enumerate(part.rows):
        numbers = readable(row.numbers) + (f"\n({row.note})" if row.note else "")
        whose = [row.whose] if part.by_parameter else []
        cells = [readable(row.formula), *whose, numbers, f"= {row.result}"]
        ends = i + 1 < len(part.rows) and bool(part.rows[i + 1].formula) and part.by_parameter
        table.add_row(*(Text(harmless(cell)) for cell in cells), end_section=ends)
    return table
