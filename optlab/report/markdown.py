"""The Markdown of a page: Jinja2's environment and what makes text safe in it."""

from __future__ import annotations

import re
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from optlab.escape import markdown_math, markdown_text
from optlab.report.glyphs import glyph

__all__ = ["markdown", "tidy"]


@lru_cache(maxsize=1)
def markdown() -> Environment:
    environment = Environment(
        loader=PackageLoader("optlab.report"),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "md": markdown_text,
        "tex": markdown_math,
        "fence": _fence,
        "glyph": glyph,
    }
    return environment


def _fence(text: str) -> str:
    """A code block with a fence longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{text.rstrip()}\n{fence}"


def tidy(markdown: str) -> str:
    """One empty line between blocks, none more."""
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", markdown)).strip() + "\n"
