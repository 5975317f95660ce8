"""The HTML of a page: Jinja2's environment, formulas as MathML, pictures and files held in the page."""

from __future__ import annotations

import base64
from functools import lru_cache
from xml.etree import ElementTree

from jinja2 import Environment, PackageLoader, StrictUndefined
from latex2mathml import exceptions
from markupsafe import Markup

from optlab.report.glyphs import glyph
from optlab.worked import mathml

__all__ = ["html"]


@lru_cache(maxsize=1)
def html() -> Environment:
    environment = Environment(
        loader=PackageLoader("optlab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "download": _download,
        "mathml": _formula,
        "data": _data,
        "glyph": glyph,
    }
    loader = environment.loader
    assert loader is not None
    style = loader.get_source(environment, "style.css")[0]
    environment.globals["style"] = Markup(style)
    # Parts of the program itself, put into the pages that need them.
    for name, file in (("moving_style", "animation.css"), ("moving_script", "animation.js")):
        environment.globals[name] = Markup(loader.get_source(environment, file)[0])
    return environment


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


def _download(text: str) -> str:
    """A file of text as an address, so that a page that travels alone can hand it out."""
    return "data:text/plain;charset=utf-8;base64," + base64.b64encode(text.encode()).decode()


def _data(svg: str) -> str:
    """An SVG as an address that needs no file."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
