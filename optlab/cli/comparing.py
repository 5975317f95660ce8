"""`compare`: folders of results held against one another."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from optlab.cli.base import CHANGED, WRONG, app, plain_errors
from optlab.suggest import did_you_mean
from optlab.terminal import complain, err, out, tell

if TYPE_CHECKING:
    from optlab.compare import Asked, Comparison


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(help="A result folder, or a baseline.", metavar="A")],
    others: Annotated[
        list[Path] | None, typer.Argument(help="What is held against it.", metavar="B")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write a report of it to this new folder.", metavar="DIR")
    ] = None,
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
    out_: Annotated[Path, typer.Option("--out", help="Where names are looked for.")] = Path(
        "reports"
    ),
) -> None:
    """Say what changed from A to B, run by run; exit code 0 nothing, 1 something, 2 a wrong call."""
    from optlab import compare as gate

    with plain_errors():
        try:
            folders = [_found(path, out_) for path in (a, *(others or []))]
            asked = gate.Asked(
                folders, baseline, write_baseline, report, rtol, atol, only, form
            )  # fmt: skip
            if report is not None:
                from optlab.report import check_place

                check_place(report)
            told, found = gate.answer(asked)
            tell(told)
            if report is not None:
                _write(found, report, asked)
        except gate.CompareError as error:
            complain(error)
            raise typer.Exit(WRONG) from None
    if not all(c.same for c in found):
        raise typer.Exit(CHANGED)


def _found(path: Path, out: Path) -> Path:
    """The path, or the report of that name."""
    if path.exists() or not (out / path / "manifest.json").is_file():
        if not path.exists() and len(path.parts) == 1 and out.is_dir():
            near = did_you_mean(path.name, [p.parent.name for p in out.glob("*/manifest.json")])
            if near:
                raise FileNotFoundError(f"{path}: there is no such folder of results{near}")
        return path
    return out / path


def _write(found: list[Comparison], place: Path, asked: Asked) -> None:
    from optlab import report as pages

    pages.render_comparison(found, asked.folders, place, _command(asked, place))
    # What a program reads is not to be mixed with the name of a page.
    tell(place / "index.html", to=out if asked.form == "text" else err)
    listed = place.resolve().parent / "index.html"
    if listed.is_file() and "optlab, list of reports" in listed.read_text("utf-8"):
        pages.render_index(listed.parent)


def _command(asked: Asked, place: Path) -> str:
    """The call that makes the page again; of a path from the root only its last part, since where
    things lie on this machine is nobody's business."""
    parts = [path.name if path.is_absolute() else str(path) for path in (*asked.folders, place)]
    call = ["optlab", "compare", *parts[:-1], "--report", parts[-1]]
    call += ["--rtol", f"{asked.rtol:g}"] if asked.rtol is not None else []
    call += ["--atol", f"{asked.atol:g}"] if asked.atol else []
    call += ["--only", asked.only] if asked.only else []
    return shlex.join(call)
