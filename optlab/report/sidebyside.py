"""Optimizers on problems in several folders: curves over one another, medians and counts in a row."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.words import goal, listed, number, plural, steps
from optlab.compare import Comparison
from optlab.compare.runs import relative
from optlab.figures import Look, looks, svg
from optlab.report.blocks import Cell, Figures, Fold, Picture, Table, Text
from optlab.report.medians import STATUSES, Held, curves, medians
from optlab.report.overlaid import overlaid

__all__ = ["SideBySide", "counted", "drawn", "matrix", "moved"]

_LINES = 8
"""Lines in one panel that can be told apart."""
_PANELS = 12
"""Problems whose curves are drawn."""


@dataclass(frozen=True, eq=False)
class SideBySide:
    """The folders of a comparison and what is computed from all of them, each once."""

    sides: Sequence[Held]
    found: Sequence[Comparison]

    @property
    def names(self) -> list[str]:
        return [side.name for side in self.sides]

    @cached_property
    def looks(self) -> dict[str, Look]:
        """Of every optimizer in any folder; those of the first look as in its own report."""
        called = [
            side.optimizers.get(entry["name"], entry["name"])
            for side in self.sides
            for entry in side.facts.manifest["optimizers"]
        ]
        return looks({"optimizers": [{"name": name} for name in dict.fromkeys(called)]})

    @cached_property
    def medians(self) -> pd.DataFrame:
        """`report.medians.medians`, of what at least two sides ran."""
        table = medians(self.sides)
        sides = table.groupby(["problem", "optimizer"])["side"].transform("size")
        return table[sides > 1].reset_index(drop=True)

    @cached_property
    def changes(self) -> pd.DataFrame:
        """A row for each problem and optimizer that two sides ran: change (the largest of its last
        value against the first side that has it, relative to the larger), side (where), and the
        same of the time to hold the target: held_change."""
        rows = []
        for (problem, optimizer), mine in self.medians.groupby(
            ["problem", "optimizer"], sort=False
        ):
            if mine["final"].isna().all():  # every run ended in error, everywhere
                continue
            final, held = (
                _relative(mine[name].to_numpy(dtype=float)) for name in ("final", "held")
            )
            if mine["target"].nunique() > 1:  # times to other things
                held = np.zeros(1)
            k = int(final.argmax())
            rows.append(
                (problem, optimizer, mine["side"].iloc[k + 1], float(final[k]), float(held.max()))
            )
        columns = ["problem", "optimizer", "side", "change", "held_change"]
        return pd.DataFrame(rows, columns=pd.Index(columns))


def _relative(values: np.ndarray) -> np.ndarray:
    """The change of every value but the first against it, over the larger size of both."""
    return relative(np.full(len(values) - 1, values[0]), values[1:])


def moved(beside: SideBySide) -> str:
    """How many medians are not the same, and the one that changed most."""
    table = beside.changes
    if table.empty:
        return (
            "No median of one optimizer on one problem is known in two of the folders, so none are "
            "beside one another."
        )
    n = len(table)
    last, held = (table[table[name] > 0] for name in ("change", "held_change"))
    if last.empty and held.empty:
        every = f"All {plural(n, 'median')} of" if n > 1 else "The one median of"
        return f"{every} the last loss or gap {'are' if n > 1 else 'is'} the same to the last bit{_endless(beside)}."
    told = f"{len(last) or 'None'} of {plural(n, 'median')} of the last loss or gap differ"
    if len(held):
        told += f", and {len(held)} of the time to hold the target"
    if last.empty:
        return f"{told}."
    beyond = last[~np.isfinite(last["change"])]
    finite = last[np.isfinite(last["change"])].sort_values("change", kind="stable")
    if len(beyond):
        told += f"; {len(beyond):,} from or to ∞, as {_values(beside, beyond.iloc[0])}"
    if len(finite):
        told += f"; the most{' of the others' if len(beyond) else ''}, {_values(beside, finite.iloc[-1])}"
    return f"{told}."


def _endless(beside: SideBySide) -> str:
    """How many medians are the same because both diverged."""
    table = beside.medians.assign(gone=np.isposinf(beside.medians["final"].astype(float)))
    gone = table.groupby(["problem", "optimizer"])["gone"].all()
    return f" ({int(gone.sum()):,} of them ∞: half of the runs diverged)" if gone.any() else ""


def _values(beside: SideBySide, row: Any) -> str:
    """What a median was on the first side and where it changed most."""
    table = beside.medians
    mine = table[(table["problem"] == row["problem"]) & (table["optimizer"] == row["optimizer"])]
    first, other = mine.iloc[0], mine[mine["side"] == row["side"]].iloc[0]
    digits = 3
    while digits < 17 and number(first["final"], digits) == number(other["final"], digits):
        digits += 1
    what = [f"{number(one['final'], digits)} in {one['side']}" for one in (first, other)]
    return f"{row['optimizer']} on {row['problem']}: {listed(what)}"


# --- curves ---


def drawn(beside: SideBySide) -> list[Any]:
    """The median curves that differ, a picture a problem."""
    bands = curves(beside.sides)
    both = bands.groupby(["problem", "optimizer"])["side"].transform("nunique") > 1
    bands = bands[both]
    if bands.empty:
        return []
    differ = _curve_changes(bands)
    differ = differ[differ["size"] > 0].sort_values("size", ascending=False, kind="stable")
    if differ.empty:
        n = plural(bands["problem"].nunique(), "problem")
        return [Text(f"On {n} every median curve is the same to the last bit, so none is drawn.")]
    worst = list(dict.fromkeys(differ.loc[differ["drawable"], "problem"]))
    order = list(dict.fromkeys(bands["problem"]))
    pictures = [
        _picture(
            beside,
            place,
            problem,
            bands,
            list(differ.loc[differ["problem"] == problem, "optimizer"]),
        )
        for place, problem in enumerate(order, start=1)
        if problem in worst[:_PANELS]
    ]
    finding = _parting(differ, bands)
    if not pictures:
        return [Text(finding)]
    dashes = ["dashed", "full", "dotted", "dash and dot"]
    ways = [
        f"{side.name} ({side.label}) {dashes[i % len(dashes)]}"
        for i, side in enumerate(beside.sides)
    ]
    caption = (
        "Each line is the median over evaluation seeds of one optimizer, at the setting chosen in its "
        f"folder: {listed(ways)}. Lower is better. A cross ends a line where half of the runs had "
        "diverged. Optimizers whose curves are the same to the last bit are not drawn"
    )
    most = _most_lines(beside)
    fewer = [p for p in worst if (differ["problem"] == p).sum() > most]
    caption += f"; on {listed(fewer)}, only the {most} that part most." if fewer else "."
    same = [p for p in order if p not in set(differ["problem"])]
    caption += f" On {listed(same)}, all curves are the same." if same else ""
    at_once = [p for p in set(differ["problem"]) if p not in worst]
    caption += f" On {listed(sorted(at_once))}, what differs diverged at once." if at_once else ""
    if len(worst) > _PANELS:
        caption += f" {plural(len(worst) - _PANELS, 'problem')} more, on which curves part less, are left out."
    return [Figures(pictures, caption, "Where do the curves part?", finding)]


def _most_lines(beside: SideBySide) -> int:
    """Optimizers in one panel."""
    return max(1, _LINES // len(beside.sides))


def _picture(
    beside: SideBySide, place: int, problem: str, bands: pd.DataFrame, names: list[str]
) -> Picture:
    """The curves of `names`, those that part most first."""
    names = names[: _most_lines(beside)]
    lines = bands[(bands["problem"] == problem) & bands["optimizer"].isin(names)]
    figure = overlaid(lines, problem, beside.names, beside.looks)
    alt = _alt(beside, problem, names)
    stem = re.sub(r"[^a-z0-9]+", "-", problem.lower()).strip("-")[:40] or "x"
    return Picture(
        f"figures/curves-{place}-{stem}.svg", svg(figure, alt), alt,
        round(figure.get_figwidth() * 96), data=lines.reset_index(drop=True),
    )  # fmt: skip


def _curve_changes(bands: pd.DataFrame) -> pd.DataFrame:
    """How far the curves of each problem and optimizer lie apart: size, the largest distance in
    decades of two sides at one step (linear where a value is not positive); 0 where all bits agree,
    infinite where one is finite and the other is not; and whether there is a line to draw."""
    rows = []
    for (problem, optimizer), mine in bands.groupby(["problem", "optimizer"], sort=False):
        lines = [line.set_index("step")["median"] for _, line in mine.groupby("side", sort=False)]
        far = max(_apart(lines[0], line) for line in lines[1:])
        drawable = any(np.isfinite(line).sum() > 1 for line in lines)
        rows.append((problem, optimizer, far, drawable))
    return pd.DataFrame(rows, columns=pd.Index(["problem", "optimizer", "size", "drawable"]))


def _apart(a: pd.Series, b: pd.Series) -> float:
    if a.index.equals(b.index) and np.array_equal(a, b, equal_nan=True):
        return 0.0
    x, y = a.align(b, join="inner")
    both = np.isfinite(x) & np.isfinite(y)
    if (np.isfinite(x) != np.isfinite(y)).any() or not len(x):
        return math.inf
    x, y = x[both], y[both]
    positive = (x > 0) & (y > 0)
    with np.errstate(all="ignore"):
        far = np.where(positive, np.abs(np.log10(x / y)), np.abs(x - y))
    return max(float(far.max(initial=0.0)), 5e-324)  # they differ, if only where both had failed


def _parting(differ: pd.DataFrame, bands: pd.DataFrame) -> str:
    lines = bands.drop_duplicates(["problem", "optimizer"])
    most = differ.sort_values("size", kind="stable").iloc[-1]
    far = f" ({number(most['size'], 2)} decades at most)" if math.isfinite(most["size"]) else ""
    return (
        f"{len(differ):,} of {plural(len(lines), 'median curve')} are not the same; "
        f"{most['optimizer']} on {most['problem']} parts most{far}."
    )


def _alt(beside: SideBySide, problem: str, names: Sequence[str]) -> str:
    table = beside.medians[beside.medians["problem"] == problem]
    told = []
    for name in names:
        mine = table[table["optimizer"] == name]
        told.append(
            f"{name} {listed([f'{number(v)} in {s}' for v, s in zip(mine['final'], mine['side'], strict=True)])}"
        )
    return f"Last medians on {problem}: {'; '.join(told)}."


# --- tables ---


def matrix(beside: SideBySide) -> list[Any]:
    """Every median of every folder, a row an optimizer and problem."""
    table = beside.medians
    if table.empty:
        return []
    names = beside.names
    timed = bool(table["target"].astype(bool).any())
    groups = []
    for problem, mine in table.groupby("problem", sort=False):
        rows = [
            _medians_row(beside, o, part, timed)
            for o, part in mine.groupby("optimizer", sort=False)
        ]
        groups.append((_heading(str(problem), mine), rows))
    head = ["Optimizer", *[f"Last, {name}" for name in names], "Change"]
    head += [*[f"Held, {name}" for name in names], "Change of held"] if timed else []
    caption = (
        "Last: median over evaluation seeds of the gap (loss minus f*) at the end, or of the loss where "
        "f* is not known, at the setting chosen in that folder, which stands below where they differ. "
    )
    if timed:
        caption += (
            "Held: median step from which the target stayed met, and in how many runs it did. "
        )
    caption += f"Change: against {names[0]}" + (", the largest." if len(names) > 2 else ".")
    return [
        Table(caption, head, groups, frozenset(range(1, len(head))), question="What moved, by how much?",
              finding=moved(beside), name="compared-medians"),
    ]  # fmt: skip


def _heading(problem: str, mine: pd.DataFrame) -> str:
    """Its target and budget; of each folder where they are not the same."""
    told = [problem]
    for name, say in (("target", lambda t: goal(t) if t else "no target"),
                      ("steps", lambda n: f"{n:,} updates")):  # fmt: skip
        each = mine.drop_duplicates("side")
        if each[name].nunique() == 1:
            told.append(say(each[name].iloc[0]))
        else:
            told.append(
                listed([f"{say(v)} in {s}" for v, s in zip(each[name], each["side"], strict=True)])
            )
    return f"{told[0]}: {', '.join(told[1:])}"


def _medians_row(beside: SideBySide, optimizer: Any, mine: pd.DataFrame, timed: bool) -> list[Cell]:
    by_side = {row["side"]: row for row in mine.to_dict("records")}
    common = set.intersection(*(set(text.split(", ")) for text in mine["setting"]))
    cells = [Cell(str(optimizer), look=beside.looks.get(str(optimizer)))]
    for name in beside.names:
        row = by_side.get(name)
        parts = row["setting"].split(", ") if row else []
        small = ", ".join(part for part in parts if part not in common)
        cells.append(
            Cell(number(row["final"]), small=small, value=row["final"]) if row else Cell("not run")
        )
    cells.append(_change(mine["final"].to_numpy(dtype=float)))
    if not timed:
        return cells
    for name in beside.names:
        row = by_side.get(name)
        cells.append(_held_cell(row) if row else Cell("not run"))
    same = mine["target"].nunique() == 1
    return [*cells, _change(mine["held"].to_numpy(dtype=float)) if same else Cell("other target")]


def _held_cell(row: dict[Any, Any]) -> Cell:
    if not row["target"]:
        return Cell("–")
    told = steps(row["held"], row["steps"])
    return Cell(told, small=f"{row['held_n']} of {row['n']}", value=row["held"])


def _change(values: np.ndarray) -> Cell:
    """The largest change against the first value: a share, a factor, or that one is never."""
    sizes = _relative(values)
    k = int(sizes.argmax())
    size, before, after = float(sizes[k]), float(values[0]), float(values[k + 1])
    if size == 0:
        return Cell("none", value=0.0)
    if not math.isfinite(size):
        return Cell("not finite in one", value=math.inf)
    if before == 0 or after == 0 or (before < 0) != (after < 0):
        return Cell("from or to 0" if 0 in (before, after) else "other sign", value=size)
    factor = after / before
    if size < 1e-3:
        return Cell(f"{'+' if after > before else '−'}{number(size, 2)} relative", value=size)
    if 0.1 <= factor <= 10 or before < 0:  # no factor tells of a negative loss which way it went
        share = number(abs(factor - 1) * 100)
        return Cell(f"{'+' if after > before else '−'}{share} %", value=size)
    return Cell(
        f"× {number(factor, 2)}" if factor > 1 else f"÷ {number(1 / factor, 2)}", value=size
    )


def counted(beside: SideBySide) -> list[Any]:
    """How many runs ended how, where that is not the same in all folders; all of it folded away."""
    table = beside.medians
    if table.empty:
        return []
    every, other = [], []
    for problem, mine in table.groupby("problem", sort=False):
        rows, changed = [], []
        for optimizer, part in mine.groupby("optimizer", sort=False):
            texts = {row["side"]: _ended(row) for row in part.to_dict("records")}
            row = [Cell(str(optimizer), look=beside.looks.get(str(optimizer)))]
            row += [Cell(texts.get(name, "not run")) for name in beside.names]
            rows.append(row)
            changed += [row] if len(set(texts.values())) > 1 else []
        every.append((str(problem), rows))
        other += [(str(problem), changed)] if changed else []
    head = ["Optimizer", *[f"In {name}" for name in beside.names]]
    caption = "All runs of every setting, on tune and evaluation seeds."
    whole = Fold("All of them", [Table(caption, head, every, name="compared-counts")])
    n = sum(len(rows) for _, rows in other)
    of = sum(len(rows) for _, rows in every)
    if not other:
        return [Text("In every folder as many runs ended in each way."), whole]
    said = f"Counts differ in {n:,} of {plural(of, 'pair')} of optimizer and problem."
    return [Table(caption, head, other, finding=said), whole]


def _ended(row: dict[Any, Any]) -> str:
    return ", ".join(f"{row[status]:,} {status}" for status in STATUSES if row[status]) or "no runs"
