"""The words of the page that a newcomer does not know, said once: only those that occur."""

from __future__ import annotations

from typing import Any

from optlab.report.blocks import Fold, Notes
from optlab.report.facts import Facts

__all__ = ["glossary"]


def glossary(facts: Facts) -> list[Any]:
    """A fold below the answer. Each entry begins with its word."""
    return [Fold("What the words on this page mean", [Notes(_entries(facts))])]


def _entries(facts: Facts) -> list[str]:
    m = facts.manifest
    problems = m["problems"]
    targets = any(p["targets"] for p in problems)
    exact = all(facts.is_exact(p["name"]) for p in problems)
    said = [
        ("Run", "one optimizer at one setting on one problem from one start, to the end of its budget."),
        ("Update, or step", "one change of the parameters. It costs one gradient unless said."),
        ("Budget, T", "how many updates every run of a problem has. “> T” is a time beyond it."),
        ("Setting", "one value for each hyperparameter, such as the step size (learning rate)."),
    ]  # fmt: skip
    if not exact:
        said += [
            ("Seed", "what a start and everything random of a run is drawn from. Every optimizer meets "
             "the same seeds, so their runs can be compared in pairs."),
            ("Tune and evaluation seeds", "a setting is chosen on the first and shown on the second, "
             "which the choice has not seen; the best of many is best partly by luck."),
            ("Median, quartiles", "half of the values lie below the median, a quarter below the lower "
             "and a quarter above the upper quartile. Failures count, as never or as ∞."),
            ("95 % interval", "made by a rule that, over many experiments, covers the truth in at "
             "least 95 of 100."),
        ]  # fmt: skip
    if any(p.get("minimum") for p in problems):
        said.append(("f*, gap", "f* is the smallest loss there is; the gap is the loss minus f*."))
    if targets:
        said += [
            ("Target", "what a run is to achieve, such as a gap of a thousandth of that at the start."),
            ("Reached", "the target was met at least once."),
            ("Held", "it was met and stayed so to the end: an optimizer may reach and not hold."),
            ("Hit, budget, diverged, error", "how a run ended: holding its target; at the end of its "
             "budget without; without bound; or stopped by a fault of the program, which is no result."),
        ]  # fmt: skip
    else:
        said.append(("Diverged", f"{m['divergence']}."))
    if targets and not exact:
        said += [
            ("ERT", "expected running time: what all runs cost, over how many succeeded; what one would "
             "pay on average if one began again after each failure."),
            ("RMST", "restricted mean time: the mean time with never counted as the budget."),
        ]  # fmt: skip
    said += _judged(facts)
    if facts.results.runs["part"].eq("trial").any() or len(facts.tuning):
        said.append(("Trial", "a setting that was tried in order to choose one."))
    return [f"{word}: {meaning}" for word, meaning in said]


def _judged(facts: Facts) -> list[tuple[str, str]]:
    """The words of verdicts, where something was claimed."""
    if facts.verdicts.empty:
        return []
    return [
        ("Claim", "a statement made before its runs, which they then bear out or not; one made after "
         "them is marked post hoc."),
        ("Margin", "the least difference that is worth a claim."),
        ("SUPPORTED, REFUTED, INCONCLUSIVE", "the interval lies beyond the margin; short of it; across "
         "it, so that these runs do not decide."),
        ("TRUE HERE, FALSE HERE", "nothing is random: one instance, exact, silent on other starts."),
        ("NOT TESTED", "something that must be so before a claim can be judged is not so."),
    ]  # fmt: skip
