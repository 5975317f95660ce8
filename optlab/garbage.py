"""How often Python looks for cycles of objects that nobody holds."""

from __future__ import annotations

import gc

__all__ = ["collect_seldom"]


def collect_seldom() -> None:
    """For a process of our own, which makes many objects, drops few and ends soon: a report is made of a million
    small ones, and looking through them at every 2,000 takes a sixth of its time."""
    gc.set_threshold(200_000, 50, 50)
