"""Tables of many problems and many optimizers, cut so that a person can read them.

Nothing is lost by it: what is folded can be opened, and what is left out stands in the table's CSV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from optlab.analysis.words import plural
from optlab.report.blocks import Cell, Figures, Fold, Picture, Table

__all__ = ["GROUPS", "ROWS", "cut", "figures_cut", "paired_cut"]

GROUPS = 9
"""Groups (problems) that stand open; more are folded, so many at a time."""
ROWS = 10
"""Rows of a group (optimizers) that stand open where there are more than twice as many in all as
`_SMALL`."""
_SMALL = 24
_MOST = 120
"""Rows beyond which what is left of each group is not folded but left to the CSV."""

Groups = list[tuple[str, list[list[Cell]]]]


def cut(table: Table, noun: str = "problem", rows: str = "optimizer") -> list[Any]:
    """`table` as it stands where it is short; else its first groups and rows, and folds for the rest.

    Groups are of one `noun` each, their rows of `rows`, the first of which matter most. The first
    table keeps the name, and its CSV has every row; those in folds have the name and a number.
    """
    whole = sum(len(mine) for _, mine in table.groups)
    longest = max((len(mine) for _, mine in table.groups), default=0)
    if whole <= _SMALL or (longest <= ROWS and len(table.groups) <= GROUPS):
        return [table]
    top: Groups = [(heading, mine[:ROWS]) for heading, mine in table.groups]
    rest: Groups = [(heading, mine[ROWS:]) for heading, mine in table.groups if mine[ROWS:]]
    left = sum(len(mine) for _, mine in rest)
    note = ""
    folds: list[Any] = []
    for begin in range(GROUPS, len(top), GROUPS):
        part = top[begin : begin + GROUPS]
        folds.append(_fold(table, f"{noun.capitalize()}s {begin + 1} to {begin + len(part)}", part))
    if left > _MOST:
        note = (
            f" Of each {noun} the first {ROWS} rows stand here; {left:,} more are left out of the page "
            f"and stand in tables/{table.name}.csv."
        )
    elif left:
        title = f"The other {plural(longest - ROWS, rows)}"
        title += f" of each {noun}" if len(table.groups) > 1 else ""
        folds.append(_fold(table, title, rest))
    hidden: Groups = [*top[GROUPS:], *rest]
    first = replace(table, groups=top[:GROUPS], beyond=hidden, caption=f"{table.caption}{note}")
    return [first, *_numbered(folds, table.name)]


def figures_cut(
    drawn: Sequence[tuple[str, Picture]], caption: str, question: str, finding: str
) -> list[Any]:
    """Pictures of one problem each, by its name: the first stand open, more in folds."""
    first = Figures([p for _, p in drawn[:GROUPS]], caption, question, finding)
    out: list[Any] = [first]
    for begin in range(GROUPS, len(drawn), GROUPS):
        part = drawn[begin : begin + GROUPS]
        title = f"Problems {begin + 1} to {begin + len(part)}: {', '.join(n for n, _ in part)}"
        out.append(Fold(title, [Figures([p for _, p in part], "As above.")]))
    return out


def paired_cut(pictures: Sequence[Picture], caption: str, question: str, finding: str) -> list[Any]:
    """Pictures of whatever they are: the first stand open, the rest in one fold."""
    out: list[Any] = [Figures(list(pictures[:GROUPS]), caption, question, finding)]
    rest = list(pictures[GROUPS:])
    if rest:
        out.append(
            Fold(f"{plural(len(rest), 'more picture')} of the same", [Figures(rest, "As above.")])
        )
    return out


def _fold(table: Table, title: str, groups: Groups) -> Fold:
    names = [heading.partition(":")[0] for heading, _ in groups]
    told = title if not title[-1].isdigit() else f"{title}: {', '.join(names)}"
    caption = "More rows of the table above, read in the same way."
    inner = replace(table, groups=groups, caption=caption, question="", finding="", anchor="")
    return Fold(told, [inner])


def _numbered(folds: Sequence[Fold], name: str) -> list[Fold]:
    return [
        replace(
            fold, blocks=[replace(b, name=f"{name}-{place}" if name else "") for b in fold.blocks]
        )
        for place, fold in enumerate(folds, start=2)
    ]
