"""What several folders of results say of the same optimizers on the same problems, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis import completeness, curve_bands, final_loss, quantile
from optlab.analysis.words import pairs_text
from optlab.compare import Comparison
from optlab.report.facts import Facts

__all__ = ["STATUSES", "Held", "curves", "held", "medians"]

STATUSES = ("hit", "budget", "diverged", "error")


@dataclass(frozen=True, eq=False)
class Held:
    """One folder of a comparison. `name`: how sentences call it; `label`: its folder. `problems` and
    `optimizers`: its own names -> those of the first folder, of what can be held against that."""

    name: str
    label: str
    facts: Facts
    problems: dict[str, str]
    optimizers: dict[str, str]


def held(
    found: Sequence[Comparison], facts: Sequence[Facts], labels: Sequence[str]
) -> list[Held]:  # fmt: skip
    """The folders, the first first. `facts`, `labels`: of each; `found`: the first against each of
    the others. Problems that are known not to be the first's are left out."""
    first = found[0].a
    problems, optimizers = (
        {str(name): str(name) for name in first.runs[kind].unique()}
        for kind in ("problem", "optimizer")
    )
    out = [Held(first.name, labels[0], facts[0], problems, optimizers)]
    for c, mine, label in zip(found, facts[1:], labels[1:], strict=True):
        renamed = dict(zip(c.names["problem_b"], c.names["problem_a"], strict=True))
        others = set(c.strangers["other"])
        problems = {
            str(q): str(renamed.get(q, q)) for q in c.b.runs["problem"].unique() if q not in others
        }
        called = dict(zip(c.names["optimizer_b"], c.names["optimizer_a"], strict=True))
        optimizers = {str(o): str(called.get(o, o)) for o in c.b.runs["optimizer"].unique()}
        out.append(Held(c.b.name, label, mine, problems, optimizers))
    return out


def medians(sides: Sequence[Held]) -> pd.DataFrame:
    """A row for each problem, optimizer and side that ran it, at the setting chosen there, over its
    evaluation runs: setting (in words), quantity (`gap` or `loss`), final (its median at the end),
    target, held (median step from which it was held, +inf where that is never), held_n of n runs,
    steps (the budget); and of all its runs how many ended how: `STATUSES`."""
    table = pd.concat([_medians(side) for side in sides], ignore_index=True)
    mixed = _mixed(table)
    table.loc[mixed, "final"] = table.loc[mixed, "loss"]
    table.loc[mixed, "quantity"] = "loss"
    places = {side.name: place for place, side in enumerate(sides)}
    names = [dict.fromkeys(table[kind]) for kind in ("problem", "optimizer")]
    order = [{name: place for place, name in enumerate(all_)} for all_ in names]
    keys = zip(("problem", "optimizer", "side"), (*order, places), strict=True)
    return (
        table.assign(**{f"_{kind}": table[kind].map(place) for kind, place in keys})
        .sort_values(["_problem", "_optimizer", "_side"], ignore_index=True)
        .drop(columns=["_problem", "_optimizer", "_side", "loss"])
    )


def _mixed(table: pd.DataFrame) -> pd.Series:
    """The rows of problems whose minimum one side knows and another does not: only their losses can
    be held against each other."""
    return table.groupby("problem")["quantity"].transform("nunique") > 1


def _medians(side: Held) -> pd.DataFrame:
    facts = side.facts
    known = {p["name"]: p for p in facts.manifest["problems"]}
    keys = ["problem", "optimizer"]
    counts = completeness(facts.results.runs, facts.manifest).set_index(keys).to_dict("index")
    decisions = {name: problem.get("decision") for name, problem in known.items()}
    times = facts.times[facts.times["target"] == facts.times["problem"].map(decisions)]
    met = times.set_index(keys).to_dict("index")
    rows: list[dict[str, Any]] = []
    for key, ran in facts.chosen.groupby(["problem", "optimizer"], sort=False, observed=True):
        problem, optimizer = (str(part) for part in key)
        if problem not in side.problems or optimizer not in side.optimizers:
            continue
        ran = ran[ran["status"] != "error"]
        minimum = known[problem].get("minimum")
        loss = float(quantile(final_loss(ran), 0.5))
        time = met.get((problem, optimizer), {})
        rows.append(
            {
                "problem": side.problems[problem],
                "optimizer": side.optimizers[optimizer],
                "side": side.name,
                "setting": pairs_text(facts.setting(problem, optimizer)),
                "quantity": "gap" if minimum else "loss",
                "loss": loss,
                "final": loss - (float(minimum["value"]) if minimum else 0.0),
                "target": decisions[problem] or "",
                "held": float(time.get("held_median", np.nan)),
                "held_n": int(time.get("held_n", 0)),
                "n": len(ran),
                "steps": int(known[problem]["steps"]),
                **{status: int(counts[(problem, optimizer)][status]) for status in STATUSES},
            }
        )
    columns = ["problem", "optimizer", "side", "setting", "quantity", "loss", "final", "target", "held",
               "held_n", "n", "steps", *STATUSES]  # fmt: skip
    return pd.DataFrame(rows, columns=pd.Index(columns))


def curves(sides: Sequence[Held]) -> pd.DataFrame:
    """`analysis.curve_bands` of every side, with the first's names and a column `side`; the gap of a
    problem whose minimum another side does not know is the loss again."""
    parts = []
    for side in sides:
        facts = side.facts
        bands = curve_bands(facts.results.curves, facts.results.runs, facts.best, facts.manifest)
        mine = bands["problem"].isin(list(side.problems)) & bands["optimizer"].isin(
            list(side.optimizers)
        )
        values = {
            p["name"]: (p.get("minimum") or {}).get("value", 0.0)
            for p in facts.manifest["problems"]
        }
        parts.append(
            bands[mine].assign(
                side=side.name,
                minimum=bands.loc[mine, "problem"].map(values).astype(float),
                problem=bands.loc[mine, "problem"].map(side.problems),
                optimizer=bands.loc[mine, "optimizer"].map(side.optimizers),
            )
        )
    table = pd.concat(parts, ignore_index=True)
    mixed = _mixed(table)
    for name in ("median", "q25", "q75"):
        table.loc[mixed, name] += table.loc[mixed, "minimum"]
    table.loc[mixed, "quantity"] = "loss"
    return table.drop(columns="minimum")
