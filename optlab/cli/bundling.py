"""`bundle`: one experiment in one file, for somebody else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from optlab.cli.base import WRONG, app, plain_errors
from optlab.suggest import did_you_mean
from optlab.terminal import complain, tell


@app.command()
def bundle(
    results: Annotated[
        Path, typer.Argument(help="A report's name, or a result folder.", metavar="NAME|FOLDER")
    ],
    out_: Annotated[
        Path | None,
        typer.Option("--out", help="The file to write; NAME.zip unless said.", metavar="FILE.zip"),
    ] = None,
    spec: Annotated[
        Path | None,
        typer.Option(
            help="The spec, beside the files that it names; looked for here and in experiments/.",
            metavar="FILE",
        ),
    ] = None,
    reports: Annotated[Path, typer.Option("--reports", help="Where names are looked for.")] = Path(
        "reports"
    ),
) -> None:
    """Pack spec, results, report and the commands that make them again into one file; no names of users
    or machines."""
    folder = results if (results / "manifest.json").is_file() else reports / results
    if not (folder / "manifest.json").is_file():
        near = [path.parent.name for path in reports.glob("*/manifest.json")]
        complain(f"{results}: there are no results{did_you_mean(results.name, near)}")
        raise typer.Exit(WRONG)
    with plain_errors():
        from optlab.bundle import BundleError
        from optlab.bundle import bundle as pack

        place = out_ or Path(f"{folder.resolve().name}.zip")
        if place.is_dir():
            complain(f"{place} is a folder; --out names the file to write")
            raise typer.Exit(WRONG)
        try:
            pack(folder, place, spec)
        except BundleError as error:
            for line in error.lines:
                complain(line)
            raise typer.Exit(WRONG) from None
    tell(
        f"{place} written, {place.stat().st_size / 1e6:.1f} MB; its README.txt says how to make it again"
    )
