"""A page that was worked by hand, checked: what is right, what slipped and how, what it comes to."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis import final_loss
from optlab.analysis.words import listed, number, part, plural, steps
from optlab.report.blocks import Cell, Figures, Picture, Table, Text
from optlab.report.facts import Facts
from optlab.report.sentences import held_soonest, left_again, lowest_loss
from optlab.worked.layout import anchor, given_apart

__all__ = ["first_screen", "lead_problem", "whole_page"]

_WRONG = ("slip", "close")


def first_screen(facts: Facts) -> list[Any]:
    """Before anything else: what slipped, each with its cause and its step; then who was fastest and
    who most stable where it can be told. Empty where nothing was written by hand."""
    checked = facts.results.checked
    if not checked:
        return []
    blocks: list[Any] = [*_slips(checked["lines"]), *_remarks(facts)]
    return [*blocks, *_race(facts)]


def _slips(lines: list[dict[str, Any]]) -> list[Any]:
    rows = []
    wrong = [line for line in lines if line["verdict"] in _WRONG]
    for _, group in groupby(wrong, key=_kind):
        several = list(group)
        first = several[0]
        rows.append([
            Cell(_where(several), small=_cause(several), link=_link(first)),
            Cell(", ".join(line["written"] for line in several)),
            Cell(", ".join(line["expected"] for line in several)),
        ])  # fmt: skip
    if not rows:
        return []
    caption = (
        "What slipped, as it was written and as it should be, below it the likely cause: the change of "
        "the line that gives these digits. Each leads to its step, worked line by line."
    )
    return [
        Table(
            caption, ["Line, and likely cause", "You wrote", "It is"], [("", rows)], name="slips",
            question="What slipped?", finding=slipped(wrong),
        )
    ]  # fmt: skip


def slipped(wrong: list[dict[str, Any]]) -> str:
    """How many lines slipped, and for how many a likely cause is known."""
    causes = sum(1 for line in wrong if line["cause"])
    verb = "is" if len(wrong) == 1 else "are"
    text = f"{plural(len(wrong), 'line')} {verb} not what {'it' if len(wrong) == 1 else 'they'} should be"
    known = (
        f"; a likely cause was found for {causes:,}" if causes else "; no likely cause was found"
    )
    return f"{text}{known}."


def _kind(line: dict[str, Any]) -> tuple[Any, ...]:
    """Lines that slipped in the same way, one a parameter, are told together."""
    return (line["problem"], line["optimizer"], line["step"], line["line"], line["verdict"],
            line["cause"], line["detail"] if line["cause"] is None else "")  # fmt: skip


def _where(lines: list[dict[str, Any]]) -> str:
    first = lines[0]
    step = f" {first['step']}" if first["step"] else ""
    whose = ", ".join(line["parameter"] for line in lines if line["parameter"])
    if first["line"] == "x":
        label = whose
    else:
        label = f"{first['line']} of {whose}" if whose else f"{first['line']}, the formula"
    return f"{first['optimizer']}{step}, {label}"


def _cause(lines: list[dict[str, Any]]) -> str:
    first = lines[0]
    detail = first["detail"]
    if first["verdict"] == "close":
        return detail
    if not first["cause"]:
        return detail or "no likely cause found"
    if len(lines) > 1:
        detail = detail.split("; ")[-1]
        return f"{first['cause']}: {detail}"
    return f"{first['cause']}: {detail}" if detail else first["cause"]


def _link(line: dict[str, Any]) -> str:
    if line["optimizer"] == "forward":
        return ""
    return anchor(line["problem"], line["optimizer"], line["step"] or 1)


def _remarks(facts: Facts) -> list[Any]:
    """What the page is right about all the same, and what it takes for granted."""
    lines = facts.results.checked["lines"]
    said = []
    passed = [line for line in lines if line["verdict"] == "not carried"]
    if passed:
        said.append(f"{plural(len(passed), 'line')} below a slip {'is' if len(passed) == 1 else 'are'} "
                    "right all the same: the slip was not used further.")  # fmt: skip
    followed = [line for line in lines if line["verdict"].startswith("follows")]
    if followed:
        said.append(f"{plural(len(followed), 'line')} only followed from a slip above.")
    for note, group in groupby(sorted((x for x in lines if x["note"]), key=lambda x: x["note"]),
                               key=lambda x: x["note"]):  # fmt: skip
        mine = list(group)
        where = sorted({f"{x['optimizer']} {x['step']}" for x in mine})
        said.append(f"In {', '.join(where)}: {note}.")
    seen: set[str] = set()
    for page in facts.results.worked:
        told = given_apart(page)
        if told and told not in seen:
            seen.add(told)
            said.append(told)
    return [Text(" ".join(said))] if said else []


def lead_problem(facts: Facts) -> dict[str, Any] | None:
    """The problem on which a checked page's question is answered: the first with one exact start and a
    target."""
    for problem in facts.manifest["problems"] if facts.results.checked else ():
        if problem.get("decision") and facts.is_exact(problem["name"]):
            return problem
    return None


def _race(facts: Facts) -> list[Any]:
    problem = lead_problem(facts)
    if problem is None:
        return []
    name, target = problem["name"], problem["decision"]
    times = facts.times[(facts.times["problem"] == name) & (facts.times["target"] == target)]
    kinds = facts.kinds[facts.kinds["problem"] == name].set_index("optimizer")
    runs = facts.chosen[facts.chosen["problem"] == name].set_index("optimizer")
    rows = []
    for _, row in times.iterrows():
        optimizer = row["optimizer"]
        rise = float(kinds["overshoot"].get(optimizer, np.nan))
        last = float(runs["loss_final"].get(optimizer, np.nan))
        rows.append([
            Cell(optimizer, small=_relapse(facts, runs, optimizer, row), look=facts.looks[optimizer]),
            Cell(_time(row["reached_median"]), value=row["reached_median"]),
            Cell(_time(row["held_median"]), value=row["held_median"]),
            Cell(part(rise), value=rise),
            Cell(number(last), value=last),
        ])  # fmt: skip
    value = next(t["label"] for t in problem["targets"] if t["label"] == target)
    caption = (
        f"On {name}: {value.replace('<=', '≤')}, within {problem['steps']} updates from this one start, so "
        "these numbers are exact and say nothing of other starts. Largest rise: above the best loss so "
        "far, as a share of the gap at the start."
    )
    head = ["Optimizer", "Reaches", "Stays from", "Largest rise", "Last loss"]
    return [
        Table(
            caption,
            head,
            [("", rows)],
            frozenset({1, 2, 3, 4}),
            name="answer",
            question="Fastest? Most stable?",
            finding=f"{held_soonest(times, exact=True)} {left_again(times)}",
        ),
        *_curves(facts, name),
    ]


def _time(value: float) -> str:
    return steps(value) if np.isfinite(value) else "never"


def _relapse(facts: Facts, runs: pd.DataFrame, optimizer: str, row: pd.Series) -> str:
    """Where it was worst after it had reached the target and left it again."""
    if not np.isfinite(row["reached_median"]) or row["held_median"] == row["reached_median"]:
        return ""
    curves = facts.results.curves
    mine = curves[
        (curves["run_id"] == runs.loc[optimizer, "run_id"]) & (curves["metric"] == "loss")
    ]
    after = mine[mine["step"] > row["reached_median"]]
    worst = after.loc[after["value"].idxmax()]
    return f"left it again: {number(float(worst['value']))} at step {int(worst['step'])}"


def _curves(facts: Facts, name: str) -> list[Figures]:
    pictures = [p for p in facts.curve_pictures if p[0] == name]
    if not pictures:
        return []
    picture: Picture = pictures[0][1]
    caption = (
        f"The loss on {name}, one line an optimizer, lower is better; the level line is the target."
    )
    runs = facts.chosen[facts.chosen["problem"] == name]
    ends = runs.assign(value=final_loss(runs))
    finding = lowest_loss(ends, "value", "loss", exact=True)
    return [Figures([picture], caption, "How did the loss fall?", finding)]


def whole_page(facts: Facts) -> list[Any]:
    """Every line of the page with its verdict."""
    checked = facts.results.checked
    if not checked:
        return []
    groups = []
    for (_, optimizer, step), lines in groupby(checked["lines"], key=lambda line: (
            line["problem"], line["optimizer"], line["step"])):  # fmt: skip
        heading = optimizer + (f", step {step}" if step else "")
        groups.append((heading, [_row(line) for line in lines]))
    text = (
        f"{checked['summary']} Each line is held against the value in 50 digits and against what follows "
        "from the numbers written above it, so that carried rounding is no slip and one slip is told "
        "once. Rounded: the digits are those of the value, rounded. Truncated: cut off. Close: only the "
        "last digit is off. Follows: right, given a wrong number above. Not carried: right, though a "
        "number above is wrong."
    )
    head = ["Line", "Written", "Exact", "Verdict"]
    caption = "The page, line by line: as it was written, what it is, and the verdict; below a slip its likely cause."
    inner = Table(
        caption, head, groups, name="page", question="Which lines are right?",
        finding=line_counts(checked["lines"]),
    )  # fmt: skip
    return [Text(text), inner]


def line_counts(lines: list[dict[str, Any]]) -> str:
    """How many lines got which verdict."""
    by = Counter(str(line["verdict"]) for line in lines)
    each = [f"{count:,} {verdict}" for verdict, count in by.most_common()]
    return f"Of {plural(len(lines), 'line')}: {listed(each)}."


def _row(line: dict[str, Any]) -> list[Cell]:
    label = "" if line["line"] == "x" else line["line"]
    name = " of ".join(part for part in (label, line["parameter"]) if part) or "x"
    wrong = line["verdict"] in _WRONG
    small = (
        f"{line['written']} should be {line['expected']}; {_cause([line])}"
        if wrong
        else line["note"]
    )
    return [Cell(name), Cell(line["text"]), Cell(line["exact"]), Cell(line["verdict"], small=small)]
