"""The parts of a report, in the order in which they are read: each a question, its sections below it."""

from __future__ import annotations

from optlab.report import calm, checked, choices, claims, findings, setup, speed
from optlab.report.blocks import Part, Section
from optlab.report.explained import explained
from optlab.report.facts import Facts
from optlab.report.theory import theory
from optlab.report.worked import worked_blocks

__all__ = ["content"]


def content(facts: Facts) -> list[Part]:
    """Every part that has something to say. The answer itself, which comes first, is the page's."""
    title = facts.manifest["title"] or facts.manifest["name"]
    parts = [
        Part("sure", "How sure is that?", [
            Section("claims", "What was claimed, and what came of it", claims.claims(facts)),
            Section("choices", choices.title(facts), choices.choices(facts)),
        ]),
        Part("robust", "How robust is it?", [
            Section("sensitivity", "How much the step size matters", findings.sensitivity(facts)),
            Section("tuning", "What does tuning cost?", speed.tuning(facts)),
            Section("edge", "Where runs diverge, and where theory says", findings.edge(facts)),
        ]),
        Part("stable", "How stable is each?", [
            Section("stability", "Stable in which sense?", calm.stability(facts)),
            Section("explained", "Why did it diverge, oscillate, stall?", explained(facts)),
        ]),
        Part("each", "What happened, problem by problem?", [
            Section("curves", "How the loss fell", findings.curves(facts)),
            Section("times", "Steps to the target", findings.times(facts)),
            Section("runtime", "How fast, with failures counted", speed.runtime(facts)),
            Section("last", "Where it ended", findings.last(facts)),
            Section("metrics", "Other measures", findings.metrics(facts)),
            Section("paths", "The paths", findings.paths(facts)),
            Section("theory", "Theory beside measurement", theory(facts)),
        ]),
        Part("formulas", "What is the arithmetic?", [
            Section("page", "Your page, line by line", checked.whole_page(facts)),
            Section("worked", "Worked by hand", worked_blocks(facts.results.worked, title)),
        ]),
        Part("fair", "Was it fair?", [
            Section("optimizers", "The optimizers", setup.optimizers(facts)),
            Section("problems", "The problems", setup.problems(facts)),
        ]),
        Part("complete", "What is missing?", [
            Section("completeness", "What ran", setup.completeness(facts)),
            Section("limits", "Limits of this page", setup.limits(facts)),
        ]),
        Part("made", "How can it be repeated?", [
            Section("provenance", "How this was made", setup.provenance(facts)),
        ]),
    ]  # fmt: skip
    spoken = [Part(p.id, p.title, [s for s in p.sections if s.blocks]) for p in parts]
    return [part for part in spoken if part.sections]
