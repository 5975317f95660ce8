"""How often Python looks for cycles of objects that nobody holds."""

from __future__ import annotations

import gc

__all__ = ["collect_seldom", "leave_at_once"]


def collect_seldom() -> None:
    """For a process of our own, which makes many objects, drops few and ends soon: a report is made of a million
    small ones, and looking through them at every 2,000 takes a sixth of its time."""
    gc.set_threshold(200_000, 50, 50)


def leave_at_once() -> None:
    """For a process that is done: what it holds is not looked through once more, the system takes it back."""
    gc.freeze()
