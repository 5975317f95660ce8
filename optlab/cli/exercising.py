"""`exercise`: problem sheets to be worked by hand, for one or for a class."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from optlab.cli.base import WRONG, app, plain_errors
from optlab.terminal import complain, tell


@app.command()
def exercise(
    optimizer: Annotated[
        list[str] | None, typer.Option(help="An optimizer of the house; again for more.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Steps to be worked, 1 to 10.")] = 2,
    seed: Annotated[int, typer.Option(help="Another number gives other sheets.")] = 0,
    students: Annotated[
        int | None, typer.Option(help="A class of so many, each with a sheet of its own.")
    ] = None,
    names: Annotated[
        Path | None, typer.Option(help="A class by name: a file, one a line.", metavar="FILE")
    ] = None,
    parameters: Annotated[int, typer.Option(help="Parameters on a sheet, 1 to 4.")] = 2,
    digits: Annotated[int, typer.Option(help="Decimals that are asked for, 2 to 8.")] = 4,
    fixed: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting for all sheets, as `beta2=0.999`; again for more."),
    ] = None,
    out_: Annotated[
        Path | None,
        typer.Option("--out", help="Where to write.", show_default="exercise-SEED", metavar="DIR"),
    ] = None,
) -> None:
    """Make fresh problem sheets with forms, solutions and a key."""
    if students is not None and names is not None:
        complain("give --students or --names, not both")
        raise typer.Exit(WRONG)
    from optlab.exercise import Plan, write_class, write_one
    from optlab.exercise.writing import numbered, read_names

    folder = out_ or Path(f"exercise-{seed}")
    with plain_errors():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            complain(f"{folder} exists and is left as it is; choose another with --out")
            raise typer.Exit(WRONG)
        try:
            plan = Plan(tuple(optimizer or ["adam"]), steps, parameters, digits, seed,
                        _settings(fixed or []))  # fmt: skip
            if names is None and students is None:
                write_one(plan, folder)
                tell((str(folder), "bold"), ": the sheet, its form (form.html, answers.yaml), its "
                     "solution, and key.yaml")  # fmt: skip
                return
            listed = read_names(names) if names is not None else numbered(students or 0)
            write_class(plan, listed, folder)
        except ValueError as error:
            complain(error)
            raise typer.Exit(WRONG) from None
    tell((str(folder), "bold"), f": {len(listed)} sheets, no two alike")
    tell(f"  {folder / 'sheets'}: a folder for each student, to hand out")
    tell(f"  {folder / 'all-sheets.html'}: all of them, to print")
    tell(f"  {folder / 'solutions'} and {folder / 'key.yaml'}: yours alone")
    tell(f"Afterwards: optlab check HANDED-IN --key {folder / 'key.yaml'} --out marks.csv")


def _settings(texts: list[str]) -> dict[str, str]:
    settings = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (equals and name and value):
            raise ValueError(f"--set {text}: write it as `lr=0.1`")
        settings[name.strip()] = value.strip()
    return settings
