"""What theory says of an experiment's runs, beside what was measured.

Each law knows to which runs it applies, from the manifest alone, and computes its prediction from the
closed form; the measurement comes from the tables. No rule and no loss of the house is called here.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from optlab.results import Results
from optlab.theory import adaptive, bounds, linear, noise, pairs
from optlab.theory.checks import Check, Law
from optlab.theory.evidence import Evidence, gather
from optlab.theory.rates import long_run

__all__ = ["LAWS", "Law", "holding", "long_run", "theory_checks"]

EDGES = Law(
    "Largest stable step size",
    "the step size at which a root of the recurrence along the largest curvature reaches 1",
    linear.edges,
)

LAWS: list[Law] = [
    *linear.LAWS, EDGES, *bounds.LAWS, *noise.LAWS, *adaptive.LAWS, *pairs.LAWS,
]  # fmt: skip

COLUMNS = [
    "law", "source", "problem", "optimizer", "setting", "quantity", "relation", "predicted",
    "measured", "deviation", "unit", "tolerance", "holds", "n",
]  # fmt: skip


def theory_checks(results: Results, best: pd.DataFrame | None = None) -> pd.DataFrame:
    """Every prediction that applies, one row each, in the order of the laws.

    Columns: law, source, problem, optimizer, setting, quantity (in words), relation (`=`, `<=` or
    `>=`: what is predicted of the measured number), predicted, measured, deviation, unit (of the
    deviation), tolerance, holds, n (runs). Where several runs are compared, predicted and measured are
    those of the first seed and the deviation is the largest. Runs at chosen settings, on evaluation
    seeds; limits of stability from all rates that ran.
    """
    evidence = gather(results, best)
    rows = []
    for law in LAWS:
        for check, home in _found(law, results, evidence):
            nowhere = dict.fromkeys(("problem", "optimizer", "setting"), "")
            rows.append({"law": law.name, "source": law.source} | nowhere | home | _columns(check))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"holds": bool})


def _found(
    law: Law, results: Results, evidence: list[Evidence]
) -> Iterator[tuple[Check, dict[str, str]]]:
    if law is EDGES:
        yield from ((check, {}) for check in law.check(results))
    elif law.together:
        yield from ((check, {}) for check in law.check(evidence))
    else:
        for e in evidence:
            home = {
                "problem": e.problem["name"], "optimizer": e.optimizer["name"],
                "setting": e.setting,
            }  # fmt: skip
            yield from ((check, home) for check in law.check(e))


def _columns(check: Check) -> dict[str, object]:
    own = {n: getattr(check, n) for n in ("problem", "optimizer", "setting") if getattr(check, n)}
    return own | {
        "quantity": check.quantity, "relation": check.relation, "predicted": check.predicted,
        "measured": check.measured, "deviation": check.deviation, "unit": check.unit,
        "tolerance": check.tolerance, "holds": check.holds, "n": check.n,
    }  # fmt: skip


def holding(checks: pd.DataFrame) -> str:
    """`k of K predictions hold`; empty where there are none."""
    if checks.empty:
        return ""
    held, total = int(checks["holds"].sum()), len(checks)
    if total == 1:
        return f"The one prediction that theory makes of these runs {'holds' if held else 'fails'}."
    return f"{held:,} of {total:,} predictions that theory makes of these runs hold."
