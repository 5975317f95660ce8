"""The HTML of a page: Jinja2's environment, text made safe to read, formulas as MathML, pictures and
files held in the page."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree

from jinja2 import Environment, PackageLoader, StrictUndefined
from latex2mathml import exceptions
from markupsafe import Markup

from optlab.escape import tame
from optlab.report.blocks import Figures, Fold, Picture, Section
from optlab.report.glyphs import glyph
from optlab.report.handout import named_tables
from optlab.report.latex import latex_table
from optlab.report.tabular import csv_text
from optlab.worked import mathml

__all__ = ["files", "html", "kinds", "packed"]


@lru_cache(maxsize=1)
def html() -> Environment:
    environment = Environment(
        loader=PackageLoader("optlab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_readable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "download": _download,
        "mathml": _formula,
        "data": _data,
        "height": _height,
        "stem": lambda file: PurePosixPath(file).stem,
        "kinds": kinds,
        "packed": packed,
        "files": files,
        "glyph": glyph,
    }
    environment.policies["json.dumps_function"] = _json
    loader = environment.loader
    assert loader is not None
    # Parts of the program itself, put into the pages that need them.
    for name, file in _OWN.items():
        environment.globals[name] = Markup(loader.get_source(environment, file)[0])
    return environment


_OWN = {
    "style": "style.css",
    "page_script": "page.js",
    "moving_style": "animation.css",
    "moving_script": "animation.js",
    "explore_style": "explore.css",
    "explore_data_script": "explore-data.js",
    "explore_draw_script": "explore-draw.js",
    "explore_script": "explore.js",
    "list_style": "list.css",
    "list_script": "list.js",
}


# --- text ---

_LEFTWARD = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
_RUN = re.compile(f"[{_LEFTWARD}](?:[^A-Za-z0-9\u00c0-\u024f\u0370-\u058f]*[{_LEFTWARD}])*")


def _readable(value: Any) -> Any:
    """What a template writes. Text from elsewhere keeps its direction to itself: words written from
    right to left stand isolated, so that the numbers after them stay where they belong."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    shown = tame(value)
    return shown if shown.isascii() else _RUN.sub("\u2068\\g<0>\u2069", shown)


def _json(value: Any, **kwargs: Any) -> str:
    """Data for a script of the page, which shows its texts."""
    return json.dumps(_each(value), **kwargs)


def _each(value: Any) -> Any:
    if isinstance(value, dict):
        return {_each(key): _each(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_each(held) for held in value]
    return tame(value) if isinstance(value, str) else value


# --- what a page holds ---


def _blocks(blocks: list[Any]) -> Iterator[Any]:
    for block in blocks:
        yield block
        if isinstance(block, Fold):
            yield from _blocks(block.blocks)


def kinds(sections: list[Section]) -> set[str]:
    """The kinds of blocks, folded ones too: what decides which scripts a page needs."""
    return {block.kind for section in sections for block in _blocks(section.blocks)}


def files(sections: list[Section]) -> dict[str, str]:
    """The files that a page hands out, by their names below its folder: its tables as CSV and LaTeX,
    the data of its figures as CSV."""
    held: dict[str, str] = {}
    for stem, table in named_tables(sections).items():
        held[f"tables/{stem}.csv"] = csv_text(table)
        held[f"tables/{stem}.tex"] = latex_table(table, stem)
    for block in (block for section in sections for block in _blocks(section.blocks)):
        if isinstance(block, Figures):
            held |= {_data_file(p): p.csv for p in block.pictures if p.data is not None}
    return held


def _data_file(picture: Picture) -> str:
    return str(PurePosixPath(picture.file).with_suffix(".csv"))


def packed(held: dict[str, str]) -> str:
    """Files as text that may stand anywhere in a page: gzip of a JSON object, in base64. The same
    files give the same text."""
    text = json.dumps(held, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode("utf-8", "replace"), 9, mtime=0)).decode()


# --- formulas ---


_MATHML = {
    "math", "mrow", "mi", "mo", "mn", "mtext", "mspace", "msub", "msup", "msubsup", "mfrac",
    "msqrt", "mroot", "mover", "munder", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded",
    "mphantom", "menclose",
}  # fmt: skip
_NOT_A_FORMULA: tuple[type[Exception], ...] = (
    ElementTree.ParseError,
    *(
        kind
        for kind in vars(exceptions).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    ),
)


@lru_cache(maxsize=4096)
def _formula(latex: str) -> Markup:
    """LaTeX as MathML, which a browser draws without a script.

    The converter passes some text on as it is, so what it gives is let into the page only if it is
    MathML and nothing else; otherwise the LaTeX stands there as text.
    """
    try:
        block = mathml(latex)
        parts = list(ElementTree.fromstring(block).iter())
    except _NOT_A_FORMULA:
        return Markup("<code>{}</code>").format(latex)
    names = {part.tag.rpartition("}")[2] for part in parts}
    attributes = {name.lower() for part in parts for name in part.attrib}
    if names <= _MATHML and not any(a == "href" or a.startswith("on") for a in attributes):
        return Markup(block)
    return Markup("<code>{}</code>").format(latex)


# --- pictures and files ---


def _download(text: str) -> str:
    """A file of text as an address, so that a page that travels alone can hand it out."""
    return "data:text/plain;charset=utf-8;base64," + base64.b64encode(text.encode()).decode()


# In an address within double quotes these would end it, be read as something else, or be dropped.
_ESCAPED = {ord(sign): f"%{ord(sign):02X}" for sign in '%#"&<>\\^`{|}\t\r\n'}


def _data(svg: str) -> Markup:
    """An SVG as an address that needs no file, and as an attribute that needs no more escaping:
    text, which takes a quarter less room than base64, and less again when the page is packed."""
    quiet = re.sub(r"\s*\n\s*", " ", svg)
    # Tags with single quotes: theirs need no escape. A text may hold either, and keeps it.
    quiet = _TAG.sub(lambda tag: _ATTRIBUTE.sub(_single, tag[0]), quiet)
    return Markup("data:image/svg+xml;charset=utf-8," + quiet.translate(_ESCAPED))


_TAG = re.compile(r"<[^<>]*>")
_ATTRIBUTE = re.compile(r'="([^"]*)"')


def _single(attribute: re.Match[str]) -> str:
    return attribute[0] if "'" in attribute[1] else f"='{attribute[1]}'"


_BOX = re.compile(r'<svg[^>]*?viewBox="\S+ \S+ ([0-9.]+) ([0-9.]+)"')


def _height(picture: Picture) -> int:
    """How high a picture is at its width, in pixels, so that its room is kept before it is drawn;
    0 if it does not say."""
    box = _BOX.search(picture.svg)
    return round(picture.width * float(box[2]) / float(box[1])) if box else 0
