"""The parts of a report, in the order in which they are read: each a question, its sections below it."""

from __future__ import annotations

from collections.abc import Iterator

from optlab.report import calm, checked, choices, claims, findings, setup, speed
from optlab.report.blocks import Part, Section
from optlab.report.downloads import downloads
from optlab.report.explained import explained
from optlab.report.explore import explore
from optlab.report.facts import Facts
from optlab.report.theory import theory
from optlab.report.worked import worked_blocks

__all__ = ["content"]


def content(facts: Facts) -> Iterator[Part]:
    """Every part that has something to say, each made when it is asked for, so that its pictures can be
    drawn while the next one is made. The answer itself, which comes first, is the page's."""
    return (part for part in _parts(facts) if part.sections)


def _part(name: str, title: str, *sections: Section) -> Part:
    return Part(name, title, [section for section in sections if section.blocks])


def _parts(facts: Facts) -> Iterator[Part]:
    title = facts.manifest["title"] or facts.manifest["name"]
    yield _part(
        "sure",
        "How sure is that?",
        Section("claims", "What was claimed, and what came of it", claims.claims(facts)),
        Section("choices", choices.title(facts), choices.choices(facts)),
    )
    yield _part(
        "robust",
        "How robust is it?",
        Section("sensitivity", "How much the step size matters", findings.sensitivity(facts)),
        Section("pairs", "Two hyperparameters at once", findings.pairs(facts)),
        Section("tuning", "What does tuning cost?", speed.tuning(facts)),
        Section("edge", "Where runs diverge, and where theory says", findings.edge(facts)),
    )
    yield _part(
        "stable",
        "How stable is each?",
        Section("stability", "Stable in which sense?", calm.stability(facts)),
        Section("explained", "Why did it diverge, oscillate, stall?", explained(facts)),
    )
    yield _part(
        "each",
        "What happened, problem by problem?",
        Section("curves", "How the loss fell", findings.curves(facts)),
        Section("times", "Steps to the target", findings.times(facts)),
        Section("runtime", "How fast, with failures counted", speed.runtime(facts)),
        Section("last", "Where it ended", findings.last(facts)),
        Section("metrics", "Other measures", findings.metrics(facts)),
        Section("paths", "The paths", findings.paths(facts)),
        Section("theory", "Theory beside measurement", theory(facts)),
    )
    yield _part("explore", "Explore it yourself", Section("every-run", "Every run", explore(facts)))
    yield _part(
        "formulas",
        "What is the arithmetic?",
        Section("page", "Your page, line by line", checked.whole_page(facts)),
        Section("worked", "Worked by hand", worked_blocks(facts.results.worked, title)),
    )
    yield _part(
        "fair",
        "Was it fair?",
        Section("optimizers", "The optimizers", setup.optimizers(facts)),
        Section("problems", "The problems", setup.problems(facts)),
    )
    yield _part(
        "complete",
        "What is missing?",
        Section("completeness", "What ran", setup.completeness(facts)),
        Section("limits", "Limits of this page", setup.limits(facts)),
    )
    yield _part(
        "made",
        "How can it be repeated?",
        Section("provenance", "How this was made", setup.provenance(facts)),
        Section("downloads", "The numbers themselves", downloads(facts)),
    )
