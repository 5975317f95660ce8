"""Figures in a notebook: shown as what a cell returns, though no pyplot stands behind them."""

from __future__ import annotations

import io
import sys
from typing import Any

from matplotlib.figure import Figure

__all__ = ["png", "show_figures"]

DPI = 144
"""Of a picture in a notebook, twice what it is shown at: sharp on dense screens."""


def png(figure: Figure) -> tuple[bytes, dict[str, int]]:
    """A figure as a PNG, and the size in pixels at which it is shown."""
    file = io.BytesIO()
    # A notebook may be light or dark; the ink is dark, so there is paper below it.
    figure.savefig(file, format="png", dpi=DPI, facecolor="white")
    width, height = (round(inches * DPI / 2) for inches in figure.get_size_inches())
    return file.getvalue(), {"width": width, "height": height}


def show_figures() -> None:
    """Let IPython show every matplotlib Figure, in a session that has not been told how.

    Matplotlib tells it when pyplot is first imported, and figures here are made without. Whoever
    imports pyplot or says `%matplotlib` later has that way of showing instead.
    """
    if "IPython" not in sys.modules:
        return
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    if shell is None:
        return
    formatter = shell.display_formatter.formatters["image/png"]
    if Figure not in formatter.type_printers:
        formatter.for_type(Figure, png)
