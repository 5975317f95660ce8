"""The signs that stand for matplotlib's markers in running text."""

from __future__ import annotations

__all__ = ["glyph"]

_GLYPHS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚", "X": "✖", "*": "★"}


def glyph(marker: str) -> str:
    """The sign that looks like one of matplotlib's markers."""
    return _GLYPHS[marker]
