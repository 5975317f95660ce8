"""A comparison in words: for a terminal, for a page of Markdown, for a program."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.words import exact, goal, listed, plural
from optlab.compare.comparison import Comparison

__all__ = [
    "apart", "as_json", "as_markdown", "as_text", "claim_text", "column_text", "headline",
    "only_lines", "refusal_text", "summary", "tiny", "verdict_text", "which",
]  # fmt: skip

_WORST_FIRST = ("error", "diverged", "budget", "hit")
_TINY = 1e-12
"""Changes of this size or less are most often rounding near a minimum of zero."""


@dataclass(frozen=True)
class _Section:
    """A title, then a table (whose first row heads it), then lines."""

    title: str
    lines: list[str] = field(default_factory=list)
    table: list[tuple[str, ...]] = field(default_factory=list)


def as_text(c: Comparison) -> str:
    """For a terminal."""
    parts = [headline(c)]
    for section in _sections(c):
        rows = [f"  {row}" for row in _aligned(section.table)]
        lines = [f"  {line}" for line in section.lines]
        parts.append("\n".join([section.title, *rows, *lines]))
    return "\n\n".join(parts) + "\n"


def as_markdown(c: Comparison) -> str:
    """For the page that a CI service shows of a job."""
    parts = [_escaped(headline(c))]
    for section in _sections(c):
        parts.append(f"### {_escaped(section.title)}")
        if section.table:
            head, *rows = (f"| {' | '.join(map(_escaped, row))} |" for row in section.table)
            rule = "|" + "---|" * len(section.table[0])
            parts.append("\n".join([head, rule, *rows]))
        if section.lines:
            parts.append("\n".join(f"- {_escaped(line)}" for line in section.lines))
    return "\n\n".join(parts) + "\n"


def _escaped(text: str) -> str:
    for sign in "\\|<*_`[]":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def as_json(c: Comparison) -> str:
    """For a program. Numbers that JSON has no word for: null is unknown, "inf" and "-inf"."""
    tables = ("statuses", "numbers", "only", "refused", "targets", "verdicts")
    told = {
        "same": c.same, "a": c.a.told, "b": c.b.told, "rtol": c.rtol, "atol": c.atol,
        "runs_a": len(c.a.runs), "runs_b": len(c.b.runs), "paired": c.paired, "changed": c.changed,
        "verdicts_paired": c.verdicts_paired, "headline": headline(c),
        **{name: [_plain(row) for row in getattr(c, name).to_dict("records")] for name in tables},
        "summary": [_plain(row) for row in summary(c).to_dict("records")],
        "notes": list(c.notes), "causes": list(c.causes),
    }  # fmt: skip
    return json.dumps(told, indent=1, allow_nan=False) + "\n"


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): _jsonable(value) for name, value in row.items()}


def _jsonable(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


def headline(c: Comparison) -> str:
    """What was compared, how many runs were paired, how many changed, and what has no partner."""
    parts = [_paired(c), _judged(c), *_alone(c)]
    if len(c.refused):
        parts.append(f"{plural(len(c.refused), 'problem')} not compared")
    tolerance = f"relative {exact(c.rtol)}" + (f", absolute {exact(c.atol)}" if c.atol else "")
    asked = "the bits must be the same" if c.rtol == c.atol == 0 else f"tolerance: {tolerance}"
    result = "No change" if c.same else "Changed"
    held = "; ".join(part for part in parts if part)
    return f"{result}: {c.b.name} ({c.b.told}) against {c.a.name} ({c.a.told}). {held} ({asked})."


def _paired(c: Comparison) -> str:
    if not c.paired:
        return "No run is paired"
    changed = f"{c.changed:,}" if c.changed else "none"
    return f"{plural(c.paired, 'run')} paired, {changed} of them changed"


def _judged(c: Comparison) -> str:
    """What became of the verdicts: words, rules, numbers, and those that one side alone has."""
    if not c.verdicts_paired and c.verdicts.empty:
        return ""
    count = c.verdicts["what"].value_counts()
    told = ["no verdict paired"]
    if c.verdicts_paired:
        told = [f"{plural(c.verdicts_paired, 'verdict')} paired, {count.get('verdict', 0) or 'none'} of "
                "them changed"]  # fmt: skip
    if count.get("rules"):
        told.append(f"{count['rules']} judged by other rules")
    if count.get("numbers"):
        told.append(f"the numbers of {count['numbers']} moved")
    for side in (c.a, c.b):
        if count.get(side.name):
            told.append(f"{count[side.name]} in {side.name} alone")
    return ", ".join(told)


def _alone(c: Comparison) -> Iterator[str]:
    for side in (c.a, c.b):
        runs = int(c.only.loc[c.only["side"] == side.name, "runs"].sum())
        if runs:
            yield f"{plural(runs, 'run')} in {side.name} alone"


def summary(c: Comparison) -> pd.DataFrame:
    """The numbers that changed in runs whose status stayed, a row for each problem and optimizer:
    changed, paired (runs), and the largest relative change: relative, column, setting, role, seed,
    run_id, a, b."""
    columns = ["problem", "optimizer", "changed", "paired", "relative", "column", "setting", "role",
               "seed", "run_id", "a", "b"]  # fmt: skip
    key = ["problem", "optimizer"]
    stayed = c.numbers.merge(c.statuses[[*key, "run_id"]], how="left", indicator=True)
    stayed = stayed[stayed["_merge"] == "left_only"]
    paired = c.counts.set_index(key)["paired"].to_dict()
    rows = []
    for _, found in stayed.groupby(key, sort=False):
        # Among changes from or to nothing, which have no size, a finite one says more.
        sizes = found["relative"].to_numpy(dtype=float)
        sized = np.where(np.isfinite(sizes), sizes, -1.0)
        largest = found.iloc[int(sized.argmax())]
        row = {name: largest[name] for name in columns if name in largest}
        of = paired[(largest["problem"], largest["optimizer"])]
        rows.append(row | {"changed": found["run_id"].nunique(), "paired": of})
    return pd.DataFrame(rows, columns=pd.Index(columns))


def _sections(c: Comparison) -> Iterator[_Section]:
    """What there is to say, the worst first."""
    if len(c.statuses):
        yield _Section("Status changed", list(_statuses(c)))
    found = summary(c)
    if len(found):
        title = "Numbers changed" + (" in runs whose status stayed" if len(c.statuses) else "")
        yield _Section(title, list(_hints(c)), _numbers_table(c, found))
    if len(c.verdicts):
        yield _Section(
            "Verdicts changed" if c.verdicts_paired else "Verdicts of one side only",
            list(_verdicts(c)),
        )
    if len(c.refused):
        refused = c.refused.to_dict("records")
        yield _Section(
            "Not compared: not known to be the same problem", [refusal_text(c, r) for r in refused]
        )
    if len(c.only):
        yield _Section("Not paired: only on one side", list(only_lines(c)))
    if len(c.targets):
        targets = c.targets.to_dict("records")
        yield _Section("Targets of one side only", [_target(r) for r in targets])
    if c.notes:
        yield _Section("To know", list(c.notes))
    if c.causes:
        title = (
            "What else differs, without effect" if c.same else "What else differs, and may be why"
        )
        yield _Section(title, list(c.causes))


def _statuses(c: Comparison) -> Iterator[str]:
    groups = [
        (rows.iloc[0], len(rows))
        for _, rows in c.statuses.groupby(["a", "b", "problem", "optimizer"], sort=False)
    ]
    groups.sort(key=lambda group: (_rank(group[0]["b"]), -_rank(group[0]["a"])))
    for row, n in groups:
        example = "" if n == 1 else "for example "
        yield (
            f"{row['a']} -> {row['b']}: {plural(n, 'run')} of {row['optimizer']} on "
            f"{row['problem']}, {example}{which(row)}{_broken(c, row)}"
        )


def _broken(c: Comparison, row: pd.Series) -> str:
    """What the later runs of this kind broke with, where they did and the manifest says."""
    if row["b"] != "error":
        return ""
    said = [
        error["message"]
        for error in c.b.manifest.get("errors", [])
        if (error["problem"], error["optimizer"]) == (row["problem"], row["optimizer"])
    ]
    return f": {said[0]}" if said else ""


def _rank(status: str) -> int:
    return _WORST_FIRST.index(status) if status in _WORST_FIRST else len(_WORST_FIRST)


def which(row: Mapping[str, Any] | pd.Series) -> str:
    setting = f"{row['setting']}, " if row["setting"] else ""
    return f"{setting}{row['role']} seed {row['seed']}"


def _numbers_table(c: Comparison, found: pd.DataFrame) -> list[tuple[str, ...]]:
    way = f"{c.a.name} -> {c.b.name}"
    head = ("problem", "optimizer", "runs changed", "largest change", "in", way, "of the run")
    rows: list[tuple[str, ...]] = [head]
    for row in found.to_dict("records"):
        size = row["relative"]
        before, after = apart(row["column"], row["a"], row["b"])
        rows.append(
            (
                row["problem"], row["optimizer"], f"{row['changed']:,} of {row['paired']:,}",
                f"relative {size:.1e}" if math.isfinite(size) else "no size", column_text(row["column"]),
                f"{before} -> {after}", which({str(k): v for k, v in row.items()}),
            )
        )  # fmt: skip
    return rows


def column_text(name: str) -> str:
    """A column of the table of runs as one says it: `held gap ≤ 0.001 × its start`."""
    kind, dot, label = name.partition(".")
    return f"{kind} {goal(label)}" if dot and kind != "final" else name


def _hints(c: Comparison) -> Iterator[str]:
    """A change of nothing to next to nothing is large only relatively."""
    enough = tiny(c)
    if enough:
        yield f"no number changed by more than {enough:g}: `--atol {enough:g}` lets them pass"


def tiny(c: Comparison) -> float:
    """The power of ten that no change of a number exceeds, where that is so small that it is most often
    rounding; else 0."""
    with np.errstate(invalid="ignore"):
        sizes = np.abs(c.numbers["a"].to_numpy(float) - c.numbers["b"].to_numpy(float))
    if len(sizes) and np.isfinite(sizes).all() and 0 < sizes.max() <= _TINY:
        return 10.0 ** math.ceil(math.log10(sizes.max()))
    return 0.0


def apart(column: str, a: float, b: float) -> tuple[str, str]:
    """Both values, to as many figures as tell them apart."""
    for digits in range(6, 18):
        before, after = (_value(column, x, digits) for x in (a, b))
        if before != after:
            break
    return before, after


def _value(column: str, x: float, digits: int) -> str:
    timed = column.startswith(("reached.", "held."))
    if math.isnan(x):
        return "never" if column == "diverged_at" else "none"
    if math.isinf(x):
        return "never" if timed and x > 0 else f"{x:g}"
    return f"{x:.{digits}g}"


def _verdicts(c: Comparison) -> Iterator[str]:
    """Each verdict that changed; of those whose numbers alone moved, the one that moved most."""
    table = c.verdicts
    moved = table[table["what"] == "numbers"]
    others = table[table["what"] != "numbers"].to_dict("records")
    yield from (f"{claim_text(row)}: {verdict_text(c, row)}" for row in others)
    if len(moved):
        most = moved.iloc[int(moved["relative"].to_numpy(dtype=float).argmax())]
        more = f"; so do the numbers of {plural(len(moved) - 1, 'other')}" if len(moved) > 1 else ""
        yield f"{claim_text(most)}: {verdict_text(c, most.to_dict())}{more}"


def claim_text(row: Mapping[Any, Any] | pd.Series) -> str:
    """What was claimed, where, of whom and by which measure."""
    where = f" on {row['problem']}" if row["problem"] else ""
    target = f", {goal(row['target'])}" if row["target"] else ""
    return f"{row['text']}{where} ({row['who']}: {row['measure']}{target})"


def verdict_text(c: Comparison, row: Mapping[Any, Any]) -> str:
    """What became of one verdict, a row of `c.verdicts`."""
    before, after = (
        row[f"verdict_{s}"] + (f" ({row[f'label_{s}']})" if row[f"label_{s}"] else "") for s in "ab"
    )
    if row["what"] == "verdict":
        return f"{before} -> {after}"
    if row["what"] == c.a.name:
        return f"{before} in {c.a.name}, not judged in {c.b.name}"
    if row["what"] == c.b.name:
        return f"not judged in {c.a.name}, {after} in {c.b.name}"
    column = row["column"]
    a, b = moved(row)
    if row["what"] == "rules":
        return f"judged by other rules ({column} {a} -> {b}); still {after}"
    return f"still {after}, but {column} {a} -> {b}"


def moved(row: Mapping[Any, Any]) -> tuple[str, str]:
    """What the column that moved most was before and is now; ratios as such."""
    column, a, b = str(row["column"]), row["a"], row["b"]
    if isinstance(a, str):
        return a, str(b)
    if row["scale"] != "ratio" or column not in ("effect", "low", "high", "low95", "high95"):
        return apart(column, float(a), float(b))
    with np.errstate(over="ignore"):
        before, after = apart(column, float(np.power(10.0, a)), float(np.power(10.0, b)))
    return f"{before} times", f"{after} times"


def refusal_text(c: Comparison, row: Mapping[Any, Any]) -> str:
    """Why a problem, a row of `c.refused`, is not compared."""
    name = (
        row["problem"]
        if row["problem"] == row["other"]
        else f"{row['problem']} ({row['other']} in {c.b.name})"
    )
    why = row["why"]
    if row["probe"]:
        before, after = apart("", row["a"], row["b"])
        what = {"gradient_norm": "norm of its gradient", "weighted": "weighted sum of its gradient"}
        quantity = what.get(row["quantity"], row["quantity"])
        why += (
            f": at probe point {row['probe']} of {row['probes']}, the {quantity} is {before} "
            f"in {c.a.name} and {after} in {c.b.name}; the loss itself is another, or its data"
        )
    return f"{name}: {why}. {plural(row['runs'], 'run')} not compared"


def only_lines(c: Comparison) -> Iterator[str]:
    """The runs that one side alone has, and why, a line for each reason."""
    for key, rows in c.only.groupby(["side", "problem", "why"], sort=False):
        side, problem, why = key
        yield (
            f"only in {side}: {plural(int(rows['runs'].sum()), 'run')} of "
            f"{listed(list(rows['optimizer']))} on {problem} "
            f"({plural(int(rows['seeds'].max()), 'seed')}): {why}"
        )


def _target(row: Mapping[Any, Any]) -> str:
    return f"only in {row['side']}: {goal(row['target'])} on {row['problem']}"
