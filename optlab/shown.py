"""Results as a notebook shows them: what was asked, how runs ended, what each optimizer came to."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis.censored import quantile
from optlab.analysis.settings import at_best, best_settings, final_loss, setting
from optlab.analysis.times import time_to_target
from optlab.analysis.words import goal, number, pairs_text, steps
from optlab.results import Results

__all__ = ["chosen", "html"]

MOST = 40
"""Problems that are listed in a notebook; a page has room for all of them."""


def chosen(results: Results) -> pd.DataFrame:
    """One row per (problem, optimizer): its chosen setting, and its evaluation runs at it.

    Columns: problem, optimizer, setting (in words), tried (settings), chosen_on (the seeds' role),
    edge (which chosen values lie where what was tried ends), target (the deciding one, or empty),
    held (median step from which it was held, +inf for never), held_n, n (runs without an error),
    quantity (`gap` where the minimum is known, else `loss`), final (its median at the end, +inf
    where that diverged).
    """
    runs, manifest = results.runs, results.manifest
    best = best_settings(runs, manifest)
    keys = ["problem", "optimizer"]
    times = _records(time_to_target(runs, best, manifest))
    met = {(row["problem"], row["optimizer"], row["target"]): row for row in times}
    rows = at_best(runs, best)
    ends = dict(iter(rows[rows["status"] != "error"].groupby(keys, sort=False)))
    problems = {problem["name"]: problem for problem in manifest["problems"]}
    hypers = {entry["name"]: entry["hypers"] for entry in manifest["optimizers"]}
    out = []
    for row in _records(best):
        key = (row["problem"], row["optimizer"])
        problem = problems[row["problem"]]
        target = problem.get("decision")
        time = met.get((*key, target), {})
        out.append(
            {
                "problem": key[0],
                "optimizer": key[1],
                "setting": pairs_text(setting(row, hypers[key[1]])),
                "tried": row["settings"],
                "chosen_on": row["chosen_on"],
                "edge": ", ".join(f"{name}: {end}" for name, end in row["on_edge"].items()),
                "target": target or "",
                "held": float(time.get("held_median", np.nan)),
                "held_n": int(time.get("held_n", 0)),
                **_end(ends.get(key), problem),
            }
        )
    columns = ["problem", "optimizer", "setting", "tried", "chosen_on", "edge", "target", "held",
               "held_n", "n", "quantity", "final"]  # fmt: skip
    return pd.DataFrame(out, columns=pd.Index(columns))


def _end(ran: pd.DataFrame | None, problem: dict[str, Any]) -> dict[str, Any]:
    """Where the runs of one optimizer on one problem ended; `ran` is None where every one broke."""
    minimum = problem.get("minimum")
    zero = float(minimum["value"]) if minimum else 0.0
    final = np.nan if ran is None else float(quantile(final_loss(ran) - zero, 0.5))
    return {
        "n": 0 if ran is None else len(ran),
        "quantity": "gap" if minimum else "loss",
        "final": final,
    }


def html(results: Results) -> str:
    """What a notebook shows of `results`: without a script, in the colours of what stands around it.

    All text is escaped: a title is the spec's, and may be anything.
    """
    title, *facts = (escape(line) for line in results.told())
    lines = "".join(f"<div>{line}</div>" for line in facts)
    return f"<div><div><strong>{title}</strong></div>{lines}{_matrix(results)}</div>"


def _matrix(results: Results) -> str:
    """Problems by optimizers: from when the target was held, or where runs ended."""
    found = results.chosen
    if found.empty:
        return ""
    cells = {(row["problem"], row["optimizer"]): _cell(row) for row in _records(found)}
    optimizers = list(dict.fromkeys(found["optimizer"]))
    problems = list(dict.fromkeys(found["problem"]))
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ["problem", *optimizers])
    body = "".join(
        f'<tr><th scope="row">{escape(problem)}</th>'
        + "".join(f"<td>{cells.get((problem, name), '')}</td>" for name in optimizers)
        + "</tr>"
        for problem in problems[:MOST]
    )
    left = len(problems) - MOST
    more = f" {left} more problems are in <code>results.chosen</code>." if left > 0 else ""
    return (
        f'<div style="overflow-x:auto"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div><div><small>{escape(_key(found))}{more}</small></div>"
    )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table's rows, by the names of its columns."""
    return [
        dict(zip(table.columns, row, strict=True))
        for row in table.itertuples(index=False, name=None)
    ]


def _cell(row: dict[str, Any]) -> str:
    if not row["n"]:
        return "error" if row["tried"] else ""
    met = f" ({row['held_n']}/{row['n']})" if row["target"] else ""
    if np.isfinite(row["held"]):
        return f"{steps(row['held'])}{met}"
    return f"{row['quantity']} {number(row['final'])}{met}"


def _key(found: pd.DataFrame) -> str:
    """How the matrix is read."""
    at = "each optimizer at its chosen setting"
    several = set(found.loc[found["tried"] > 1, "chosen_on"])
    if several == {"tune"}:
        at += ", which was chosen on other seeds"
    elif several == {"evaluate"}:
        at += ", which was chosen on these same runs and looks better than it is"
    targets = [goal(target) for target in dict.fromkeys(found["target"]) if target]
    if not targets:
        return f"Median at the end over evaluation runs, {at}."
    target = targets[0] if len(targets) == 1 else "the problem's target"
    return (
        f"Median update from which {target} is held, and by how many of the evaluation runs; "
        f"where half of them never do, the median at the end. {at[0].upper()}{at[1:]}."
    )
