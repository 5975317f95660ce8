"""What is said on the terminal: text from elsewhere made harmless, and progress."""

from __future__ import annotations

import time

from rich.console import Console
from rich.text import Text

__all__ = ["Bar", "complain", "duration", "err", "harmless", "out", "short", "tell"]

SILENCE = 30.0
"""Seconds between two lines of progress where there is no terminal to draw a bar on."""

out = Console(soft_wrap=True, highlight=False, markup=False)
err = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)


def harmless(text: object) -> str:
    """Text from elsewhere without the control characters that a terminal would obey."""
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in str(text))


def tell(*parts: object, to: Console = out) -> None:
    """Print parts in a row, each as it is or as (text, style). Never by rich's markup: it would take
    brackets, and backslashes before them, out of text that is not ours."""
    pairs = [part if isinstance(part, tuple) else (part, "") for part in parts]
    to.print(Text.assemble(*((harmless(text), style) for text, style in pairs)))


def complain(text: object) -> None:
    tell((text, "red"), to=err)


class Bar:
    """Progress: run-steps a second and time left; as a bar on a terminal, else as a line now and then."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[rate]}"), TimeRemainingColumn(),
            console=err, transient=True, disable=not err.is_terminal,
        )  # fmt: skip
        self._bar.start()
        self._began = self._told = time.monotonic()
        self._done = self._whole = self._later = 0
        self._name = ""
        self.stored = 0
        self._task = self._bar.add_task("reading", total=None, rate="")

    def begin(self, name: str, runs: int, run_steps: int, stored: int, later: int = 0) -> None:
        self.stored = stored
        kept = f", {stored:,} of them stored" if stored else ""
        if not self._later:  # else it goes on
            self._began = self._told = time.monotonic()
            self._done = 0
        self._whole, self._later = self._done + run_steps + later, later
        self._name = name
        self._bar.update(self._task, description=f"{harmless(name)}: {runs:,} runs{kept}",
                         total=max(self._whole, 1), completed=self._done if self._whole else 1)  # fmt: skip

    def advance(self, run_steps: int) -> None:
        self._done += run_steps
        rate = self._done / max(time.monotonic() - self._began, 1e-9)
        self._bar.update(self._task, advance=run_steps, rate=f"{short(rate)} run-steps/s")
        quiet = not err.is_terminal and 0 < self._done < self._whole
        if quiet and time.monotonic() - self._told >= SILENCE:
            self._told = time.monotonic()
            left = duration((self._whole - self._done) / rate)
            share = 100 * self._done // self._whole
            tell(f"{self._name}: {share} %, {short(rate)}run-steps/s, about {left} left", to=err)

    def note(self, text: str) -> None:
        tell((text, "yellow"), to=err)

    def say(self, text: str) -> None:
        self._bar.update(self._task, description=harmless(text), total=None, rate="")

    def close(self) -> None:
        self._bar.stop()


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def short(number: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.3g} "
