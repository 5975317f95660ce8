"""What every command shares: the application, its exit codes, and errors as messages."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optlab.terminal import complain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optlab.spec import Experiment

__all__ = ["BROKEN", "CHANGED", "STOPPED", "WRONG", "Specs", "app", "plain_errors", "read_all"]

app = typer.Typer(
    help="A laboratory for optimizers: one YAML file asks, one offline page answers.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
# Exit codes: some runs ended in error; results are not what they were; the spec or the call is wrong;
# Ctrl-C, as shells count it.
BROKEN, CHANGED, WRONG, STOPPED = 1, 1, 2, 130

Specs = Annotated[list[Path], typer.Argument(help="Spec files (YAML).", metavar="SPEC...")]


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn a wrong spec or file into its message and exit code 2."""
    from optlab.spec import SpecError

    try:
        yield
    except SpecError as error:
        for line in error.lines():
            complain(line)
        raise typer.Exit(WRONG) from None
    except BrokenPipeError:  # whoever read the output has left, as `head` does
        raise
    except OSError as error:
        complain(
            f"{error.filename}: {error.strerror}" if error.filename and error.strerror else error
        )
        raise typer.Exit(WRONG) from None


def read_all(specs: list[Path]) -> list[Experiment]:
    """Read every spec before anything runs, so that all their faults are told at once."""
    from optlab.spec import SpecError, read

    experiments, wrong = [], []
    for spec in specs:
        try:
            experiments.append(read(spec))
        except SpecError as error:
            wrong += error.lines()
    if wrong:
        for line in wrong:
            complain(line)
        raise typer.Exit(WRONG)
    return experiments
