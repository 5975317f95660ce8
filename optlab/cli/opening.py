"""`open`: a report, or the list of all, in the browser."""

from __future__ import annotations

import re
import webbrowser
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from optlab.cli.base import WRONG, app, plain_errors
from optlab.suggest import did_you_mean, meant_or_known
from optlab.terminal import complain, tell


@app.command(name="open")
def open_(
    name: Annotated[
        str,
        typer.Argument(
            help="A report's name, or how it begins; NAME#SECTION for a part of it; the list of all "
            "unless said."
        ),
    ] = "",
    out_: Annotated[Path, typer.Option("--out", help="Where the reports are.")] = Path("reports"),
) -> None:
    """Open a report in the browser, or the list of all reports."""
    with plain_errors():
        page, section = _page(name, out_) if name else (_list(out_), "")
        if section:
            _check_section(page, section)
        tell(page)
        webbrowser.open(page.resolve().as_uri() + (f"#{quote(section)}" if section else ""))


def _page(name: str, folder: Path) -> tuple[Path, str]:
    """The page that `name` means, and the section that it names."""
    stem, _, section = name.partition("#")
    for meant, at in ((name, ""), (stem, section)):
        for page in (folder / meant / "index.html", Path(meant) / "index.html", Path(meant)):
            if meant and page.is_file() and page.suffix == ".html":
                return page, at
    pages = {path.parent.name: path for path in folder.glob("*/index.html")}
    wanted = stem.rstrip("/").lower()
    begin = sorted(known for known in pages if known.lower().startswith(wanted))
    if len(begin) == 1:
        return pages[begin[0]], section
    if begin:
        complain(f"'{stem}' begins several reports: {', '.join(begin)}")
    elif (folder / stem / "manifest.json").is_file():
        complain(f"{folder / stem} has results but no page; `optlab report {stem}` renders it")
    else:
        complain(f"no report is named '{stem}' in {folder}{_meant(stem, list(pages))}")
    raise typer.Exit(WRONG)


def _meant(name: str, known: list[str]) -> str:
    if not known:
        return ", nor is any other; `optlab run` makes one"
    if len(known) > _FEW:
        return did_you_mean(name, known) or "; `optlab open` shows what there is"
    return meant_or_known(name, known)


_FEW = 20
"""Names that are all told where none is like the one that was asked for."""


def _check_section(page: Path, section: str) -> None:
    """See that the page has a part of this name: a browser would open its top and say nothing."""
    known = re.findall(r'\bid="([^"<>]+)"', page.read_text(encoding="utf-8"))
    if section not in known:
        parts = re.findall(r'<section\b[^>]*\bid="([^"<>]+)"', page.read_text(encoding="utf-8"))
        meant = did_you_mean(section, known) or f"; its sections: {', '.join(parts)}"
        complain(f"{page} has no section '{section}'{meant}")
        raise typer.Exit(WRONG)


def _list(folder: Path) -> Path:
    """The list of all reports, made anew where a report came or went without it."""
    page = folder / "index.html"
    if not folder.is_dir() or (not any(folder.glob("*/manifest.json")) and not page.is_file()):
        complain(f"no reports in {folder}; `optlab run` makes one, `--out` says where they are")
        raise typer.Exit(WRONG)
    if not page.is_file() or _listed(page) != _there(folder):
        from optlab.report import render_index

        render_index(folder)
    return page


def _listed(page: Path) -> set[str]:
    """The folders whose pages the list leads to, as they stand in its links."""
    return set(re.findall(r'href="([^"]+)/index\.html"', page.read_text(encoding="utf-8")))


def _there(folder: Path) -> set[str]:
    return {quote(page.parent.name) for page in folder.glob("*/index.html")}
