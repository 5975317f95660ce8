"""Everything about one experiment in one file, for a reviewer: what was asked, what came out, the report,
and the commands that make it again. Nobody's name is in it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shlex
import shutil
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import matplotlib as mpl

from optlab import figures
from optlab.files import atomic_write
from optlab.freshness import files_named, read_by
from optlab.identity import Identity, of_this_machine
from optlab.report.blocks import Picture
from optlab.report.downloads import FILES
from optlab.report.page import render_page
from optlab.report.publish import pictures_of
from optlab.results import load

__all__ = ["BundleError", "bundle"]

_REPORT = ("index.html", "report.md", "summary.json", "worked.tex", "figures/*", "tables/*")
_TEXTS = tuple(name for name in FILES if name.endswith(".json") or name == "verdicts.csv")
"""What the program wrote in words, where a name of this machine may be replaced."""
_TIME = (1980, 1, 1, 0, 0, 0)
"""The same for every file: a bundle of the same things has the same bytes."""
_TOLD = 8
"""Places of a name that are listed; the message says how many more there are."""


class BundleError(Exception):
    """What keeps a bundle from being made; `lines` are to be told."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def bundle(folder: Path, out: Path, spec: Path | None = None) -> Path:
    """Write the bundle of the results in `folder` to the zip file `out` and return it.

    `spec` is the spec file in its own folder, where the Python files and tables that it names lie; it is
    needed only if it names some. Raises BundleError if the spec there is another one, if a file that it
    names is missing, or if a name of this user or machine stands where it cannot be replaced.
    FileNotFoundError where there are no results, DamagedError where they cannot be read.
    """
    manifest = load(folder).manifest  # a folder that is not whole is told before anything is made
    text = (folder / "manifest.json").read_text(encoding="utf-8")
    name = PurePosixPath(manifest["name"].replace("\\", "/")).name or "experiment"
    who = of_this_machine([folder.resolve(), Path.cwd()], _words(manifest))
    asked, start = _experiment(manifest, spec)
    members = {f"experiment/{path}": content for path, content in asked.items()}
    _refuse_names(members, who)  # before the report is made, which takes its time
    with tempfile.TemporaryDirectory(prefix="optlab-bundle-") as stage:
        place = Path(stage) / name
        _results(folder, place, who)
        members |= {f"results/{name}/{path}": content for path, content in _reported(place).items()}
    told = json.loads(who.without(text))
    members["constraints.txt"] = _constraints(told).encode()
    members["README.txt"] = _readme(told, name, f"experiment/{start}").encode()
    _refuse_names(members, who)
    sums = [f"{hashlib.sha256(members[path]).hexdigest()}  {path}" for path in sorted(members)]
    members["SHA256SUMS"] = "\n".join([*sums, ""]).encode()
    atomic_write(out, lambda file: file.write(_zipped(members, name)))
    return out


def _words(manifest: dict[str, Any]) -> set[str]:
    """What the experiment calls its own things: somebody named Adam is not to be found in it."""
    entries = [*manifest["optimizers"], *manifest["problems"]]
    named_ = {str(entry.get(key, "")) for entry in entries for key in ("name", "rule", "family")}
    return named_ | {part for word in named_ for part in word.replace("_", "-").split("-")}


# --- what was asked ---


def _spec_name(manifest: dict[str, Any]) -> str:
    return PurePosixPath(manifest["spec_file"].replace("\\", "/")).name


def _experiment(manifest: dict[str, Any], spec: Path | None) -> tuple[dict[str, bytes], str]:
    """The spec that ran and the files that it names, by their paths below one folder; the spec's."""
    text = manifest["spec"].encode()
    here = spec or _found(manifest)
    if spec is not None and _hash(spec) != manifest["spec_hash"]:
        raise BundleError(f"{spec} is not the spec that these results were made from; run it first")
    files = _needed(manifest["spec"], here)
    if not files:
        return {_spec_name(manifest): text}, _spec_name(manifest)
    place = here.resolve().parent
    root = Path(os.path.commonpath([place, *(file.parent for file in files)]))
    start = (place / _spec_name(manifest)).relative_to(root).as_posix()
    found = {file.relative_to(root).as_posix(): file.read_bytes() for file in files}
    return found | {start: text}, start


def _found(manifest: dict[str, Any]) -> Path:
    """The spec where one keeps specs, if it is the one that ran; else where it would be."""
    name = _spec_name(manifest)
    for path in (Path(name), Path("experiments") / name):
        if path.is_file() and _hash(path) == manifest["spec_hash"]:
            return path
    return Path(name)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _needed(text: str, spec: Path) -> list[Path]:
    """The Python files and tables that the spec names, and what those read; resolved."""
    found: set[Path] = set()
    for path in files_named(text, spec.parent):
        if not path.is_file():
            raise BundleError(
                f"{path}: the spec names this file, and it is not there; --spec says where the spec lies"
            )
        code = path.suffix not in (".csv", ".gz", ".parquet")
        found |= {file.resolve() for file in (read_by(path) if code else {path})}
    return sorted(found)


# --- what came out ---


def _results(folder: Path, place: Path, who: Identity) -> None:
    """The results in `place`, without names where words are ours, and their report made anew."""
    place.mkdir()
    for name in FILES:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, place / name)
    for name in _TEXTS:
        if (place / name).is_file():
            text = (place / name).read_text(encoding="utf-8")
            (place / name).write_text(who.without(text), encoding="utf-8")
    page, _ = render_page(place)
    pictures = {p.file: p for section in page.sections for p in pictures_of(section.blocks)}
    for picture in pictures.values():
        if picture.request is not None:
            (place / picture.file).with_suffix(".pdf").write_bytes(_pdf(picture))


def _pdf(picture: Picture) -> bytes:
    """A picture as wide as a column of a paper, its letters as letters, without a date."""
    assert picture.request is not None
    buffer = io.BytesIO()
    with figures.column_width(), mpl.rc_context({"pdf.fonttype": 42}):
        figure = getattr(figures, picture.request.figure)(**picture.request.arguments)
        nothing = dict.fromkeys(("Creator", "Producer", "CreationDate"))
        figure.savefig(buffer, format="pdf", metadata=nothing)
    return buffer.getvalue()


def _reported(place: Path) -> dict[str, bytes]:
    """The files of results and report, by their paths below their folder."""
    files = [file for pattern in (*FILES, *_REPORT) for file in place.glob(pattern)]
    return {
        file.relative_to(place).as_posix(): file.read_bytes()
        for file in sorted(files)
        if file.is_file() and not file.name.startswith(".")
    }


# --- how it is made again ---


def _constraints(manifest: dict[str, Any]) -> str:
    versions = {
        k: v for k, v in manifest["versions"].items() if k not in ("python", "backend", "optlab")
    }
    return "".join(f"{package}=={number}\n" for package, number in sorted(versions.items()))


def _readme(manifest: dict[str, Any], name: str, spec: str) -> str:
    versions = manifest["versions"]
    made = f"optlab {versions['optlab']}, Python {versions['python']}, {manifest['processor']}"
    results = shlex.quote(f"results/{name}")
    again = shlex.quote(f"again/{name}")
    return f"""{manifest["title"] or name}
{manifest["question"]}

experiment/       the spec that was run, and the files that it names
results/          every run (runs.parquet, curves.parquet), how it was made
                  (manifest.json), what became of claims (verdicts.csv), and the
                  report: open index.html in a browser. figures/ has each figure
                  as SVG, as PDF at the width of a column, and its numbers as CSV;
                  tables/ has each table as CSV and as LaTeX
constraints.txt   the versions of packages that it was made with
SHA256SUMS        to see that nothing was changed: sha256sum -c SHA256SUMS

Made with {made}.

To make it again, in this folder, with optlab {versions["optlab"]} and these versions installed
(pip install -c constraints.txt optlab=={versions["optlab"]}, or from its source):

    optlab run {shlex.quote(spec)} --out again
    optlab compare {results} {again}

The second says what changed, run by run, and ends with exit code 0 where nothing did.
With the same versions and kind of processor nothing should; otherwise last digits may.
"""


# --- the file ---


def _refuse_names(members: dict[str, bytes], who: Identity) -> None:
    places = [
        place
        for file, content in sorted(members.items())
        for place in [*who.found("a file's name", file.encode()), *who.found(file, content)]
    ]
    if places:
        more = [f"and {len(places) - _TOLD} more"] if len(places) > _TOLD else []
        raise BundleError(
            "a name of this user or machine would be in the bundle; take it out of these and run again:",
            *(f"  {place}" for place in places[:_TOLD]),
            *more,
        )


def _zipped(members: dict[str, bytes], name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for path in sorted(members):
            entry = zipfile.ZipInfo(f"{name}/{path}", _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            file.writestr(entry, members[path])
    return buffer.getvalue()
