"""Which of the known names was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean", "meant_or_known"]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, whatever the capitals; or nothing."""
    lower = {n.lower(): n for n in known}
    near = difflib.get_close_matches(name.lower(), lower, n=1)
    return f"; did you mean '{lower[near[0]]}'?" if near else ""


def meant_or_known(name: str, known: Iterable[str]) -> str:
    """`did_you_mean`, else the list of what there is, or nothing."""
    names = sorted(known)
    return did_you_mean(name, names) or (f"; known: {', '.join(names)}" if names else "")
