"""The Markdown of a page: Jinja2's environment and what makes text safe in it."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from functools import lru_cache
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from optlab.escape import markdown_alt, markdown_math, markdown_text, tame
from optlab.report.blocks import Part
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
        "alt": markdown_alt,
        "address": quote,
        "tagged": _tagged,
        "fence": _fence,
        "glyph": glyph,
        "readable": _readable,
    }
    return environment


def _tagged(text: str) -> str:
    """Text between HTML tags on a line of their own, where Markdown is not read."""
    whole = html.escape(" ".join(tame(text).split()))
    return whole.replace("$", "<span>&#36;</span>")


def _fence(text: str) -> str:
    """A code block with a fence longer than any in the text."""
    shown = tame(text).rstrip()
    longest = max((len(run) for run in re.findall(r"`{3,}", shown)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{shown}\n{fence}"


_LIVE = ("animation",)
"""Kinds of blocks that are nothing without a script."""


def _readable(parts: list[Part]) -> list[Part]:
    """Parts and sections that have something to read."""
    kept = []
    for part in parts:
        sections = [s for s in part.sections if any(b.kind not in _LIVE for b in s.blocks)]
        if sections:
            kept.append(replace(part, sections=sections))
    return kept


def tidy(markdown: str) -> str:
    """One empty line between blocks, none more; what stands between fences stays as it was."""
    out: list[str] = []
    fence = ""
    for line in markdown.split("\n"):
        mark = re.match(r"`{3,}", line)
        if fence:
            fence = "" if line == fence else fence
            out.append(line)
        elif mark:
            fence = mark[0]
            out.append(line)
        elif line.strip() or (out and out[-1]):
            out.append(line.rstrip())
    return "\n".join(out).strip() + "\n"
