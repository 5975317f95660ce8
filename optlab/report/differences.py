"""What changed between folders, as tables: runs, numbers, verdicts, and what has no partner."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from optlab.analysis.words import goal, number, plural
from optlab.compare import Comparison
from optlab.compare.telling import (
    apart,
    claim_text,
    column_text,
    moved,
    only_lines,
    refusal_text,
    summary,
    which,
)
from optlab.report.blocks import Cell, Notes, Table
from optlab.report.sidebyside import SideBySide

__all__ = ["alone", "ended", "notes", "numbers", "refused", "targets", "verdicts"]

Rows = list[list[Cell]]


def _groups(
    found: Sequence[Comparison], rows: Callable[[Comparison], Rows]
) -> list[tuple[str, Rows]]:
    """A group of rows for each folder that is held against the first; untitled where it is one."""
    made = [(c, rows(c)) for c in found]
    several = len(found) > 1
    return [(f"{c.b.name} against {c.a.name}" if several else "", mine) for c, mine in made if mine]


def _ways(found: Sequence[Comparison]) -> tuple[str, str]:
    """How a table calls the first side and the other."""
    return (found[0].a.name, found[0].b.name) if len(found) == 1 else (found[0].a.name, "the other")


def ended(found: Sequence[Comparison], beside: SideBySide) -> list[Any]:
    """Runs whose status changed."""

    def rows(c: Comparison) -> Rows:
        keys = ["a", "b", "problem", "optimizer"]
        out = []
        for _, same in c.statuses.groupby(keys, sort=False):
            row = same.iloc[0]
            out.append([
                Cell(row["optimizer"], look=beside.looks.get(row["optimizer"])), Cell(row["problem"]),
                Cell(row["a"]), Cell(row["b"]), Cell(f"{len(same):,}", value=len(same)),
                Cell(which(row)),
            ])  # fmt: skip
        return out

    groups = _groups(found, rows)
    if not groups:
        return []
    before, after = _ways(found)
    changed = sum(int(cell[4].value or 0) for _, rows_ in groups for cell in rows_)
    n = plural(changed, "paired run")
    return [
        Table(
            "A row for each way in which runs of one optimizer on one problem ended otherwise.",
            ["Optimizer", "Problem", f"In {before}", f"In {after}", "Runs", "One of them"],
            groups, frozenset({4}), name="compared-statuses",
            finding=f"{n} ended otherwise.",
        )
    ]  # fmt: skip


def numbers(found: Sequence[Comparison], beside: SideBySide) -> list[Any]:
    """The largest change of each optimizer on each problem, among runs that ended alike."""

    def rows(c: Comparison) -> Rows:
        out = []
        for row in summary(c).to_dict("records"):
            before, after = apart(row["column"], row["a"], row["b"])
            size = float(row["relative"])
            out.append([
                Cell(row["optimizer"], look=beside.looks.get(row["optimizer"])), Cell(row["problem"]),
                Cell(f"{row['changed']:,} of {row['paired']:,}", value=int(row["changed"])),
                Cell(number(size, 2) if math.isfinite(size) else "no size", value=size),
                Cell(_column(row["column"])), Cell(before, value=float(row["a"])),
                Cell(after, value=float(row["b"])), Cell(which({str(k): v for k, v in row.items()})),
            ])  # fmt: skip
        return sorted(out, key=lambda cells: -float(cells[3].value or 0))

    groups = _groups(found, rows)
    if not groups:
        return []
    before, after = _ways(found)
    first = groups[0][1][0]
    return [
        Table(
            "Numbers that moved beyond the tolerance in runs that ended alike: how many runs, and the "
            "largest change, as a share of the larger of both values, with the run it happened in.",
            ["Optimizer", "Problem", "Runs", "Largest change", "Of", f"In {before}", f"In {after}",
             "In the run"],
            groups, frozenset({2, 3, 5, 6}), name="compared-numbers",
            finding=f"{first[0].text} on {first[1].text} moved most: {first[4].text} from "
            f"{first[5].text} to {first[6].text}.",
        )
    ]  # fmt: skip


_COLUMNS = {
    "loss_first": "first loss", "loss_final": "last loss", "loss_best": "best loss",
    "diverged_at": "step at which it diverged", "grad_evals": "gradient evaluations",
}  # fmt: skip


def _column(name: str) -> str:
    """A column of the table of runs in words."""
    return _COLUMNS.get(name) or column_text(name).replace("_", " ")


_ORDER = {"verdict": 0, "rules": 1}


def verdicts(found: Sequence[Comparison]) -> list[Any]:
    """Verdicts that changed, with the sentences of both sides."""

    def rows(c: Comparison) -> Rows:
        changed = c.verdicts.to_dict("records")
        changed.sort(
            key=lambda row: _ORDER.get(str(row["what"]), 3 if row["what"] == "numbers" else 2)
        )
        return [
            [
                Cell(row["text"], small=claim_text(row).removeprefix(row["text"]).strip()),
                *[_judged(row, side) for side in "ab"],
                Cell(_what(c, row)),
            ]
            for row in changed
        ]  # fmt: skip

    groups = _groups(found, rows)
    if not groups:
        return []
    before, after = _ways(found)
    words = sum(int((c.verdicts["what"] == "verdict").sum()) for c in found)
    rest = sum(len(c.verdicts) for c in found) - words
    said = [f"{plural(words, 'verdict')} changed" if words else "No verdict changed its word"]
    said += [f"of {plural(rest, 'other')} something else did"] if rest else []
    return [
        Table(
            "Each verdict that is not the same, with the sentence that was said of it in each folder.",
            ["Claim", f"In {before}", f"In {after}", "What moved"],
            groups, name="compared-verdicts", finding="; ".join(said) + ".",
        )
    ]  # fmt: skip


def _what(c: Comparison, row: dict[Any, Any]) -> str:
    """What of a verdict moved beside its word, or that one side does not have it."""
    if row["what"] == "verdict":
        return ""
    if row["what"] not in ("numbers", "rules"):
        other = c.b.name if row["what"] == c.a.name else c.a.name
        return f"only in {row['what']}; not judged in {other}"
    before, after = moved(row)
    a, _, b = row["who"].partition(" against ")
    known = {"a_median": f"median of {a}", "b_median": f"median of {b}", "n": "pairs",
             "a_n": f"runs of {a}", "b_n": f"runs of {b}"}  # fmt: skip
    column = known.get(row["column"], str(row["column"]).replace("_", " "))
    rules = " (a rule of judging)" if row["what"] == "rules" else ""
    return f"{column} {before} → {after}{rules}"


def _judged(row: dict[Any, Any], side: str) -> Cell:
    word, label = row[f"verdict_{side}"], row[f"label_{side}"]
    if not word:
        return Cell("not judged")
    sentence = str(row[f"sentence_{side}"])
    if side == "b" and sentence == row["sentence_a"] and word == row["verdict_a"]:
        return Cell("the same sentence", value=sentence)
    said = sentence.removeprefix(word).lstrip()  # a sentence begins with its verdict's word
    return Cell(f" {said or label}", verdict=word, value=sentence or word)


def refused(found: Sequence[Comparison]) -> list[Any]:
    lines = [f"{refusal_text(c, row)}." for c in found for row in c.refused.to_dict("records")]
    for c in found:
        told = set(c.refused["other"])
        rest = [row for row in c.strangers.to_dict("records") if row["other"] not in told]
        lines += [
            f"{row['problem']} in {c.a.name} and {c.b.name}: {row['why']}. No run of it is paired."
            for row in rest
        ]
    return [Notes(lines)] if lines else []


def alone(found: Sequence[Comparison]) -> list[Any]:
    lines = [f"{line[0].upper()}{line[1:]}." for c in found for line in only_lines(c)]
    return [Notes(list(dict.fromkeys(lines)))] if lines else []


def targets(found: Sequence[Comparison]) -> list[Any]:
    lines = [
        f"Only in {row['side']}: {goal(row['target'])} on {row['problem']}."
        for c in found
        for row in c.targets.to_dict("records")
    ]
    return [Notes(list(dict.fromkeys(lines)))] if lines else []


def notes(found: Sequence[Comparison]) -> list[Any]:
    lines = [f"{note[0].upper()}{note[1:]}." for c in found for note in c.notes]
    return [Notes(list(dict.fromkeys(lines)))] if lines else []
