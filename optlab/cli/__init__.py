"""The command line. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading

from optlab.cli import (
    bundling,
    checking,
    comparing,
    exercising,
    explaining,
    opening,
    running,
    tracing,
    viewing,
)
from optlab.cli.base import STOPPED, app
from optlab.garbage import collect_seldom, leave_at_once
from optlab.terminal import err

__all__ = [
    "app",
    "bundling",
    "checking",
    "comparing",
    "exercising",
    "explaining",
    "main",
    "opening",
    "running",
    "tracing",
    "viewing",
]

# In the order of the work, for `--help`; what is not named here comes last.
_ORDER = ("new", "plan", "run", "report", "open", "trace", "check", "exercise", "explain", "compare",
          "bundle", "list", "show", "version")  # fmt: skip
_PLACES = {name: place for place, name in enumerate(_ORDER)}
app.registered_commands.sort(
    key=lambda c: _PLACES.get(str(c.name or getattr(c.callback, "__name__", "")), len(_ORDER))
)


def main() -> None:
    """Entry point: what a user can cause ends in a message and an exit code, not in a traceback."""
    collect_seldom()
    sys.unraisablehook = _unraised
    try:
        app()
    except SystemExit as leaving:
        if leaving.code != STOPPED:
            _dismiss(at_once=bool(leaving.code))
            raise
        err.print("\nstopped; what is done is kept, and the same command goes on from there")
        _dismiss(at_once=True)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(STOPPED)  # threads may be deep inside a compiled program, which cannot be stopped
    finally:
        _dismiss(at_once=True)  # something broke, if they are still there
        leave_at_once()


def _unraised(lost: sys.UnraisableHookArgs) -> None:
    """Ctrl-C that falls into a callback of the garbage collector (JAX has one) is printed and lost: it is pressed
    once more, by a thread, when the callback is over."""
    if issubclass(lost.exc_type, KeyboardInterrupt):
        threading.Timer(0.02, _press).start()
    else:
        sys.__unraisablehook__(lost)


def _press() -> None:
    """Ctrl-C for the main thread, whatever it waits for; where no signal can be sent to it, when it is done
    with that."""
    main_thread = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main_thread is not None:
        signal.pthread_kill(main_thread, signal.SIGINT)
    else:
        _thread.interrupt_main()


def _dismiss(at_once: bool) -> None:
    """Send the processes that draw away, where there are any."""
    if "optlab.report.drawing" in sys.modules:
        sys.modules["optlab.report.drawing"].dismiss(at_once)
