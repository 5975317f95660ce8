"""The sections of a report, in the order in which they are read."""

from __future__ import annotations

from optlab.report import calm, checked, choices, claims, findings, setup, speed
from optlab.report.blocks import Section
from optlab.report.explained import explained
from optlab.report.facts import Facts
from optlab.report.theory import theory
from optlab.report.worked import worked_blocks

__all__ = ["content"]


def content(facts: Facts) -> list[Section]:
    """Every section that has something to say, in the order in which it is read."""
    sections = [
        Section("claims", "What was claimed, and what came of it", claims.claims(facts)),
        Section("curves", "How the loss fell", findings.curves(facts)),
        Section("times", "Steps to the target", findings.times(facts)),
        Section("runtime", "How fast, with failures counted", speed.runtime(facts)),
        Section("last", "Where it ended", findings.last(facts)),
        Section("page", "Your page, line by line", checked.whole_page(facts)),
        Section(
            "worked",
            "Worked by hand",
            worked_blocks(facts.results.worked, facts.manifest["title"] or facts.manifest["name"]),
        ),
        Section("sensitivity", "How much the step size matters", findings.sensitivity(facts)),
        Section("tuning", "What does tuning cost?", speed.tuning(facts)),
        Section("edge", "Where runs diverge, and where theory says", findings.edge(facts)),
        Section("explained", "Why did it diverge, oscillate, stall?", explained(facts)),
        Section("theory", "Theory beside measurement", theory(facts)),
        Section("paths", "The paths", findings.paths(facts)),
        Section("metrics", "Other measures", findings.metrics(facts)),
        Section("stability", "Stable in which sense?", calm.stability(facts)),
        Section("choices", choices.title(facts), choices.choices(facts)),
        Section("optimizers", "The optimizers", setup.optimizers(facts)),
        Section("problems", "The problems", setup.problems(facts)),
        Section("completeness", "What ran", setup.completeness(facts)),
        Section("limits", "Limits of this page", setup.limits(facts)),
        Section("provenance", "How this was made", setup.provenance(facts)),
    ]
    return [section for section in sections if section.blocks]
