"""`check`: what stands on paper, line by line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from optlab.cli.base import CHANGED, WRONG, app, plain_errors, read_all
from optlab.terminal import complain, err, out, tell

if TYPE_CHECKING:
    from optlab.spec import Marking
    from optlab.worked.checked import Checked

SIGNS = {"slip": ("✗", "red"), "close": ("≈", "yellow"), "not carried": ("○", "cyan"),
         "follows from an earlier slip": ("↳", "yellow")}  # fmt: skip


@app.command()
def check(
    specs: Annotated[
        list[Path],
        typer.Argument(
            help="Spec files with `handwritten:` lines, or with --key a folder of handed-in pages.",
            metavar="SPEC...",
        ),
    ],
    form: Annotated[
        Literal["text", "json", "markdown"], typer.Option("--format", help="How it is told.")
    ] = "text",
    every: Annotated[bool, typer.Option("--all", help="Tell the right lines too.")] = False,
    marks: Annotated[
        bool, typer.Option("--marks", help="Add points by the marking scheme.")
    ] = False,
    key: Annotated[
        Path | None,
        typer.Option(help="Mark a folder by this key of `optlab exercise`.", metavar="FILE"),
    ] = None,
    out_: Annotated[
        Path | None, typer.Option("--out", help="Write the marks as CSV.", metavar="FILE")
    ] = None,
    feedback: Annotated[
        Path | None, typer.Option(help="Write a marked page for each student.", metavar="DIR")
    ] = None,
) -> None:
    """Check handwritten lines against the exact values; exit code 1 where a line slipped. With --key
    mark all pages in a folder; exit code 0 once they are marked."""
    if key is not None or out_ is not None or feedback is not None:
        if key is None or len(specs) != 1:
            complain("marks are made of one folder and its key: optlab check FOLDER --key key.yaml")
            raise typer.Exit(WRONG)
        with plain_errors():
            _mark(specs[0], key, out_, feedback, form)
        return
    from optlab import byhand
    from optlab.analysis.words import pairs_text

    slipped = False
    told: list[dict[str, object]] = []
    with plain_errors():
        for experiment in read_all(specs):
            try:
                lines = byhand.check(experiment)
            except ValueError as error:
                complain(f"{experiment.path}: cannot be checked: {error}")
                raise typer.Exit(WRONG) from None
            slipped |= any(line.verdict == "slip" for line in lines)
            for name in dict.fromkeys(line.written_line.optimizer for line in lines):
                if name and experiment.contender(name).size > 1:
                    setting = pairs_text(next(experiment.contender(name).settings()))
                    tell((f"{name} has several settings; its page is checked at the first, "
                          f"{setting}", "yellow"), to=err)  # fmt: skip
            if form == "json":
                told += [line.as_dict() for line in lines]
            elif not lines:
                tell(f"{experiment.path}: the spec is valid; no handwritten lines stand in it "
                     "(`handwritten:`), so there was nothing to check")  # fmt: skip
            elif form == "markdown":
                _markdown(experiment.title, lines, experiment.marking if marks else None, every)
            else:
                _text(experiment.title, lines, experiment.marking if marks else None, every)
    if form == "json":
        out.print(json.dumps(told, indent=1, ensure_ascii=False))
    if slipped:
        raise typer.Exit(CHANGED)


def _mark(folder: Path, key: Path, to: Path | None, pages: Path | None, form: str) -> None:
    """A row a student on the terminal, and the whole table as CSV where that is asked for."""
    from optlab.exercise.marking import mark_folder, summary

    table = mark_folder(folder, key, to, pages)
    if form == "json":
        out.print(table.to_json(orient="records", indent=1, force_ascii=False))
        return
    shown = table.copy()
    for name in ("points", "of"):
        shown[name] = [f"{value:g}" if value == value else "" for value in table[name]]
    head = ["student", "points", "of", "first_slip", "cause", "notes"]
    rows = [head, *shown[head].values.tolist()]
    if form == "markdown":
        rows = [[cell.replace("|", "\\|").replace("<", "&lt;") for cell in row] for row in rows]
        rows.insert(1, ["---"] * len(head))
        for row in rows:
            tell(f"| {' | '.join(row)} |")
    else:
        for student, points, of, slip, cause, notes in rows[1:]:
            said = "; ".join(text for text in (slip, cause, notes) if text)
            tell((student or "nobody's file", "bold"), f"  {points} of {of}" if of else "",
                 f"  {said}" if said else "")  # fmt: skip
    tell((summary(table), "bold"))
    for what, where in (("marks", to), ("pages to give back", pages)):
        if where is not None:
            tell(f"{what}: {where}")


def _text(title: str, lines: list[Checked], marking: Marking | None, every: bool) -> None:
    from optlab.worked.marks import points, summary, worth

    tell((title, "bold"))
    several = len({line.written_line.problem for line in lines}) > 1
    place = ""
    for line in lines:
        if line.verdict.startswith("correct") and not line.note and not every:
            continue
        w = line.written_line
        on = f" on {w.problem}" if several else ""
        here = f"{w.optimizer or 'forward'}{on}" + (f", step {w.step}" if w.step else "")
        if here != place:
            tell((here, "bold"))
            place = here
        sign, style = SIGNS.get(line.verdict, ("✓", "green"))
        had = "" if marking is None else f"  [{points(line, marking):g}/{worth(line, marking):g}]"
        tell("  ", (sign, style), f" {_label(line)}: {w.text}{had}")
        tell(f"      {_said(line)}")
    if marking is not None:
        tell(f"{sum(points(line, marking) for line in lines):g} of "
             f"{sum(worth(line, marking) for line in lines):g} points")  # fmt: skip
    tell((summary(lines), "bold"))
    counts = {v: sum(line.verdict == v for line in lines) for v in dict.fromkeys(
        line.verdict for line in lines)}  # fmt: skip
    tell("  " + ", ".join(f"{n} {name}" for name, n in counts.items()))


def _label(line: Checked) -> str:
    w = line.written_line
    if w.line == "x" and not w.part:
        return w.parameter or "x"
    return line.line + (f" of {w.parameter}" if w.parameter else "")


def _said(line: Checked) -> str:
    """The finding in words."""
    said = line.verdict
    if line.verdict in ("slip", "close"):
        said += f": {line.written} should be {line.expected}"
        if line.cause:
            said += f"; {line.cause}"
        if line.detail and line.detail != "off in the last digit only":
            said += f" ({line.detail})"
    elif line.verdict == "follows from an earlier slip":
        said += f"; exactly it would be {line.expected}"
    elif line.verdict == "not carried":
        said += ": right, though a number above it slipped"
    return said + (f"; {line.note}" if line.note else "")


def _markdown(title: str, lines: list[Checked], marking: Marking | None, every: bool) -> None:
    from optlab.worked.marks import points, summary, worth

    def cell(text: object) -> str:
        return str(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")

    head = ["where", "line", "written", "exact", "verdict", "should be", "likely cause"]
    head += ["points"] if marking is not None else []
    tell(f"## {cell(title)}\n\n{summary(lines)}\n")
    tell(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for line in lines:
        if line.verdict.startswith("correct") and not line.note and not every:
            continue
        w = line.written_line
        wrong = line.verdict in ("slip", "close")
        row = [f"{w.optimizer or 'forward'} {w.step or ''}".strip(), _label(line), f"{w.text}",
               line.exact, line.verdict, line.expected if wrong else "",
               line.detail or line.cause or line.note]  # fmt: skip
        if marking is not None:
            row.append(f"{points(line, marking):g} of {worth(line, marking):g}")
        tell(f"| {' | '.join(map(cell, row))} |")
    tell("")
