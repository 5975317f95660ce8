"""Two or more folders of results held against the first of them, as a page like a report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from optlab.analysis.words import exact, listed, plural
from optlab.compare import Comparison, compare
from optlab.compare.short import in_short, kept
from optlab.compare.side import CompareError
from optlab.files import write_text
from optlab.report import differences, origins
from optlab.report.blocks import Part, Section
from optlab.report.facts import Facts, stored
from optlab.report.medians import held
from optlab.report.publish import Page, publish
from optlab.report.sidebyside import SideBySide, counted, drawn, matrix, moved
from optlab.report.summary import SUMMARY, about, day, summary_text

__all__ = ["check_place", "render_comparison"]


def render_comparison(
    found: Sequence[Comparison], folders: Sequence[str | Path], out: str | Path, command: str = ""
) -> list[Path]:
    """Write the report of a comparison to `out`: index.html, report.md, figures/*.svg, and
    summary.json for the list of reports. Returns what was written.

    `found`: the first folder against each of the others, as `compare(..., names=("A", "B"))` gives
    them; `folders`: all of them, the first first. CompareError where `out` holds something else;
    FileNotFoundError where one of `folders` has no results.
    """
    out = Path(out)
    check_place(out)
    labels = _labels([Path(folder) for folder in folders])
    facts = [Facts(stored(folder)) for folder in folders]
    sides = held(found, facts, labels)
    beside = SideBySide(sides, found)
    bits = [_to_the_bit(c) for c in found]
    names = [f"{side.name} ({side.label})" for side in sides]
    page = Page(
        title=_title(facts, labels),
        name=", ".join(labels),
        line=_line(facts),
        question=_question(names),
        answer=_answer(found, bits, beside, names),
        warnings=[{"text": text} for text in _warnings(found)],
        words=_words(found),
        parts=_parts(found, beside, command),
    )
    written = publish(out, page)
    said = {
        "kind": "comparison",
        "title": page.title,
        "question": page.question,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "runs": sum(map(_runs, facts)),
        "broken": 0,
        **_joined(facts),
    }
    return [*written, write_text(out / SUMMARY, summary_text(said, page.answer[0], written))]


def check_place(out: Path) -> None:
    """See that a comparison may be written to `out`: nothing else is written over."""
    if out.is_file():
        raise CompareError(f"--report {out}: this is a file; name a folder")
    if not out.exists() or not any(out.iterdir()):
        return
    try:
        kind = json.loads((out / SUMMARY).read_text(encoding="utf-8"))["kind"]
    except (OSError, ValueError, KeyError, TypeError):  # whatever it is, it is none of ours
        kind = ""
    if kind != "comparison" or (out / "manifest.json").exists():
        what = "holds results" if (out / "manifest.json").exists() else "holds something else"
        raise CompareError(f"--report {out}: this folder {what}; name a new one")


def _labels(folders: list[Path]) -> list[str]:
    """The last parts of each path, as many as tell all of them apart, without those at the end that
    all have; never the whole path, since a report is sent to others. `a/gate`, `b/gate`: a, b."""
    whole = [folder.resolve().parts[1:] for folder in folders]
    for length in range(1, max(map(len, whole)) + 1):
        labels = ["/".join(parts[-length:]) for parts in whole]
        if len(set(labels)) == len({tuple(parts) for parts in whole}):
            break
    shared = 0
    while (
        min(length, *map(len, whole)) - shared > 1
        and len({parts[-1 - shared] for parts in whole}) == 1
    ):
        shared += 1
    return ["/".join(parts[-length : len(parts) - shared]) for parts in whole]


def _to_the_bit(c: Comparison) -> Comparison:
    if c.rtol == c.atol == 0:
        return c
    return compare(c.a, c.b, rtol=0, names=(c.a.name, c.b.name))


def _title(facts: Sequence[Facts], labels: Sequence[str]) -> str:
    what = f"{listed(labels[1:])} against {labels[0]}"
    titles = {str(f.manifest["title"] or f.manifest["name"]) for f in facts}
    if len(titles) > 1:
        return what
    [title] = titles
    return f"{title}{':' if title[-1:].isalnum() else ''} {what}"


def _question(names: Sequence[str]) -> str:
    if len(names) == 2:
        return f"What changed from {names[0]} to {names[1]}?"
    return f"How do {listed(names[1:])} differ from {names[0]}?"


def _line(facts: Sequence[Facts]) -> str:
    days = list(dict.fromkeys(day(f.manifest["created"]) for f in facts))
    runs = sum(map(_runs, facts))
    return f"{plural(len(facts), 'folder')}, {plural(runs, 'run')}, made on {listed(days)}"


def _runs(facts: Facts) -> int:
    """How many runs a folder has; one that plays several parts is one."""
    return sum(facts.manifest["counts"].values())


def _answer(
    found: Sequence[Comparison],
    bits: Sequence[Comparison],
    beside: SideBySide,
    names: Sequence[str],
) -> list[str]:
    """What changed, then how much is the same, what moved most and what may be why."""
    if len(found) == 1:
        [c], [b] = found, bits
        told = [in_short(c, b), "" if c.same and not b.changed else kept(c, b)]
    else:
        same = [name for c, name in zip(found, names[1:], strict=True) if c.same]
        others = [name for c, name in zip(found, names[1:], strict=True) if not c.same]
        be = "is" if len(same) == 1 else "are"
        parts = [f"{listed(same)} {be} the same as {names[0]}"] if same else []
        parts += (
            [f"{listed(others)} {'differs' if len(others) == 1 else 'differ'}"] if others else []
        )
        told = ["; ".join(parts) + ("." if same else f" from {names[0]}.")]
        told += [
            " ".join(
                filter(None, [f"{name}:", _small(in_short(c, b)), kept(c, b) if b.changed else ""])
            )
            for c, b, name in zip(found, bits, names[1:], strict=True)
        ]
    told.append(moved(beside))
    for c in found:
        if c.causes and not c.same:
            more = f" (and {plural(len(c.causes) - 1, 'other difference')})" if c.causes[1:] else ""
            told.append(f"What else differs and may be why: {c.causes[0]}{more}.")
    told.append(
        "Runs are paired by what was asked for: rule, setting, problem, seeds, steps, precision."
    )
    return [text for text in told if text]


def _small(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:] if sentence[:2].istitle() else sentence


def _warnings(found: Sequence[Comparison]) -> list[str]:
    """What would mislead a reader who does not know it."""
    told = []
    sides = [found[0].a, *(c.b for c in found)]
    for side in sides:
        broken = int((side.runs["status"] == "error").sum())
        if broken:
            told.append(f"{plural(broken, 'run')} of {side.name} ended in error.")
    for c in found:
        for row in c.strangers.to_dict("records"):
            told.append(
                f"{row['problem']} is not known to be the same problem in {c.a.name} and {c.b.name}: "
                f"{row['why']}. Neither its runs nor its medians are held against each other."
            )
    return told


def _words(found: Sequence[Comparison]) -> str:
    tolerance = found[0].rtol, found[0].atol
    asked = (
        "Two numbers are the same where all their bits are."
        if tolerance == (0, 0)
        else f"Two numbers agree where they differ by at most {_tolerance(*tolerance)}."
    )
    return (
        f"{asked} Median: the middle of all seeds, failures included as never or as infinitely bad."
    )


def _tolerance(rtol: float, atol: float) -> str:
    share = f"{exact(rtol)} of the larger"
    return f"{exact(atol)} or {share}" if atol and rtol else exact(atol) if atol else share


def _parts(found: Sequence[Comparison], beside: SideBySide, command: str) -> list[Part]:
    parts = [
        Part("changed", "What changed?", [
            Section("ended", "Which runs ended otherwise?", differences.ended(found, beside)),
            Section("numbers", "How far did numbers move?", differences.numbers(found, beside)),
            Section("verdicts", "Which verdicts changed?", differences.verdicts(found)),
        ]),
        Part("beside", "How does each do, side by side?", [
            Section("curves", "How the loss fell in each", drawn(beside)),
            Section("medians", "The medians in each", matrix(beside)),
            Section("counts", "How the runs ended in each", counted(beside)),
        ]),
        Part("apart", "What could not be held against what?", [
            Section("refused", "Problems that are not the same", differences.refused(found)),
            Section("alone", "Runs without a partner", differences.alone(found)),
            Section("targets", "Targets of one folder only", differences.targets(found)),
            Section("notes", "To know", differences.notes(found)),
        ]),
        Part("made", "How were they made?", [
            Section("folders", "The folders", origins.folders(beside.sides)),
            Section("causes", "What may be why", origins.why(found)),
            Section("specs", "What the specs ask", origins.specs(beside.sides)),
            Section("codes", "The rules", origins.codes(beside.sides)),
            Section("compared", "How this was compared", origins.compared(found, command)),
        ]),
    ]  # fmt: skip
    spoken = [Part(p.id, p.title, [s for s in p.sections if s.blocks]) for p in parts]
    return [part for part in spoken if part.sections]


def _joined(facts: Sequence[Facts]) -> dict[str, list[str]]:
    """Every optimizer, problem and claim of any of them, once."""
    each = [about(f.manifest) for f in facts]
    return {
        kind: list(dict.fromkeys(name for one in each for name in one[kind]))
        for kind in ("optimizers", "problems", "claims")
    }
