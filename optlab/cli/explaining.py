"""`optlab explain`: why a run diverged, oscillated or stalled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optlab.cli.base import WRONG, app, plain_errors
from optlab.terminal import complain, out, tell

if TYPE_CHECKING:
    from optlab.results import Results
    from optlab.spec import Experiment

__all__ = ["explain"]

_COLUMNS = (
    ("step", "step"), ("loss", "loss"), ("gradient", "gradient"), ("curvature", "curvature"),
    ("flattest", "smallest"), ("ratio", "lr/limit"), ("factor", "factor"), ("effective", "step/gradient"),
)  # fmt: skip


@app.command()
def explain(
    report: Annotated[str, typer.Argument(help="A result folder, or its name below `reports`.")],
    run: Annotated[
        str,
        typer.Argument(
            help="A run_id or how it begins, or `problem/optimizer`: the chosen setting."
        ),
    ],
    seed: Annotated[
        int | None, typer.Option(help="With problem/optimizer: another evaluation seed.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            help="With problem/optimizer: another setting, as in lr=0.1; may be repeated."
        ),
    ] = None,
    format_: Annotated[str, typer.Option("--format", help="text or json")] = "text",
    out_: Annotated[Path, typer.Option("--out", help="Where the reports are.")] = Path("reports"),
    spec: Annotated[
        Path | None,
        typer.Option(help="Where the spec stands, if it uses files of its own beside it."),
    ] = None,
) -> None:
    """Say why a run of a report diverged, oscillated or stalled, by making it again."""
    if format_ not in ("text", "json"):
        _wrong(f"--format: text or json, not '{format_}'")
    wanted = _numbers(setting or [])
    folder = Path(report) if (Path(report) / "manifest.json").exists() else out_ / report
    with plain_errors():
        from optlab.explain import explain_row, find_row
        from optlab.results import load
        from optlab.startup import prepare

        prepare(folder.parent / ".cache" / "compiled")
        results = load(folder)
        try:
            row = find_row(results, run, wanted, seed)
            told = explain_row(_experiment(results, spec), results, row)
        except (ValueError, TypeError) as error:
            from optlab.spec import SpecError

            if isinstance(error, SpecError):
                raise
            _wrong(str(error))
    if format_ == "json":
        typer.echo(json.dumps(told, indent=1, allow_nan=False))
    else:
        _tell(told)


def _wrong(text: str) -> None:
    complain(text)
    raise typer.Exit(WRONG)


def _numbers(settings: list[str]) -> dict[str, float]:
    """`lr=0.1` and the like as numbers."""
    found = {}
    for text in settings:
        name, _, value = text.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            _wrong(f"--setting: a name and a number, as in lr=0.1, not '{text}'")
    return found


def _experiment(results: Results, spec: Path | None) -> Experiment:
    """The experiment from the text that the report keeps; files of one's own are looked for beside
    the spec, where `spec` says or in the usual places."""
    from optlab.spec import parse

    name = results.manifest["spec_file"]
    places = [spec] if spec is not None else [Path("experiments") / name, Path(name)]
    there = next((place for place in places if place.exists()), places[0])
    return parse(results.manifest["spec"], there)


def _tell(told: dict[str, Any]) -> None:
    from optlab.analysis.words import number, pairs_text

    tell((f"{told['optimizer']} on {told['problem']}", "bold"), f", {pairs_text(told['setting'])}, "
         f"{told['role']} seed {told['seed']}, run {told['run_id']}")  # fmt: skip
    tell(told["sentence"])
    out.print()
    rows = [[title for _, title in _COLUMNS]]
    for point in told["points"]:
        shown = ["–" if point[key] is None else number(point[key]) for key, _ in _COLUMNS[1:]]
        mark = "*" if point["step"] == told["look"] else ""
        rows.append([f"{point['step']:,}{mark}", *shown])
    widths = [max(len(row[i]) for row in rows) for i in range(len(_COLUMNS))]
    for row in rows:
        tell("  " + "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)))
    out.print()
    tell(("curvature, smallest: largest and smallest eigenvalue of the Hessian; lr/limit: above 1 the "
          "rule is not stable on the local quadratic, its divisor held; factor: what a step multiplies "
          "the steepest error by; *: spoken of above", "dim"))  # fmt: skip
    tell((_agreement(told["agreement"]), "dim"))


def _agreement(agreement: dict[str, Any]) -> str:
    if agreement["agrees"]:
        return (f"made again, the run agrees with the stored one at every recorded step (largest "
                f"relative difference of a loss {agreement['largest']:.1e})")  # fmt: skip
    return (f"made again, the run agrees with the stored one before step {agreement['parts_at']:,} and "
            "parts from it there: it magnifies rounding; what is said of later steps holds for a run "
            "like it")  # fmt: skip
