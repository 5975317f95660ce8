"""What was claimed, and what came of it: the headline, each claim in short, and the section."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from optlab.analysis.sentences import side_name
from optlab.analysis.verdicts import ALL_OTHERS, ALL_PROBLEMS
from optlab.analysis.words import SPACE, goal, listed, number, plural, steps
from optlab.measures import MEASURES
from optlab.report import drawings
from optlab.report.blocks import Cell, Fold, Notes, Table, Text
from optlab.report.facts import Facts
from optlab.report.many import paired_cut
from optlab.report.sentences import seeds_favour, verdict_counts

__all__ = ["Line", "Told", "claims", "headline", "told"]

_HELD, _REFUTED = ("SUPPORTED", "TRUE HERE"), ("REFUTED", "FALSE HERE")
_ORDER = (*_HELD, *_REFUTED, "INCONCLUSIVE", "NOT TESTED")
_BY = {"steps_reached": "to reach the target", "steps_held": "to hold the target"}
_FEW = 4  # problems that are named; more are counted


@dataclass(frozen=True)
class Line:
    """One verdict on a claim, and where it holds."""

    verdict: str
    text: str


@dataclass(frozen=True)
class Told:
    """A claim as it was written, with its verdicts in short."""

    text: str
    post_hoc: bool
    lines: list[Line]


def told(verdicts: pd.DataFrame) -> list[Told]:
    """Each claim with what became of it, in the order in which they were written."""
    return [
        Told(rows["text"].iloc[0], bool(rows["post_hoc"].iloc[0]), _lines(rows))
        for _, rows in verdicts.groupby("claim", sort=False)
    ]


def headline(verdicts: pd.DataFrame) -> str:
    """What became of all claims, in one sentence or two; those made after their runs apart."""
    each = [
        (bool(rows["post_hoc"].iloc[0]), rows["text"].iloc[0], _fates(rows))
        for _, rows in verdicts.groupby("claim", sort=False)
    ]
    before = [(text, fates) for late, text, fates in each if not late]
    after = [(text, fates) for late, text, fates in each if late]
    if len(before) == 1 and not after:
        text = f"The claim that {_quoted(before[0][0])} {_fate(before[0][1])}."
    elif before:
        count = plural(len(before), "claim")
        text = f"Of {count}, {_counted([fates for _, fates in before])}."
        if len(before) == 1:
            text = f"The one claim made before the runs {_fate(before[0][1])}."
    else:
        text = "No claim was declared before the runs."
    more = "more " if before else ""
    if len(after) == 1:
        text += f" 1 {more}made after its runs (post hoc) {_fate(after[0][1])}."
    elif after:
        text += f" Of {len(after)} {more}made after their runs (post hoc), "
        text += f"{_counted([fates for _, fates in after])}."
    if set(verdicts["verdict"]) <= {*_HERE, "NOT TESTED"} and set(verdicts["verdict"]) & _HERE:
        text += " Exact, for these starts only."
    return text


_HERE = {"TRUE HERE", "FALSE HERE"}


# In short


def _deciding(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a problem and measure: against all others together, where there are several."""
    rows = rows[rows["problem"] != ALL_PROBLEMS]
    last = ~rows.duplicated(["claim", "problem", "measure"], keep="last")
    return rows[last]


def _lines(rows: pd.DataFrame) -> list[Line]:
    """The verdicts of one claim: problems and measures that share one are named together."""
    decided = _deciding(rows)
    out = []
    for verdict in _ORDER:
        mine = decided[decided["verdict"] == verdict]
        by: dict[tuple[str, ...], list[str]] = {}
        for problem, here in mine.groupby("problem", sort=False):
            by.setdefault(tuple(here["measure"]), []).append(str(problem))
        for measures, problems in by.items():
            why = _why(rows, problems, measures, verdict)
            on = listed(problems)
            if len(problems) == len(set(decided["problem"])) > _FEW:
                on = f"all {len(problems)} problems"
            out.append(Line(verdict, f"on {on}, {_measured(measures)}{why}"))
    return [*out, *_over_problems(rows)]


def _over_problems(rows: pd.DataFrame) -> list[Line]:
    """The verdicts on problems like these, where there were enough of them."""
    out = []
    for _, row in rows[rows["problem"] == ALL_PROBLEMS].iterrows():
        against = f" against {side_name(row['b'], row['selection_b'])}"
        label = f" ({row['label']})" if row["label"] else ""
        over = f"over {plural(int(row['n']), 'problem')} taken as a sample{against}"
        out.append(Line(row["verdict"], f"{over}, {_measured([row['measure']])}{label}"))
    return out


def _measured(measures: Iterable[str]) -> str:
    return listed([_BY.get(name, f"by {name.replace('_', ' ')}") for name in measures]).replace(
        "to reach the target and to hold the target", "to reach the target and to hold it"
    )


def _why(rows: pd.DataFrame, problems: list[str], measures: tuple[str, ...], verdict: str) -> str:
    """What explains a verdict: its label, and against whom where there are several."""
    here = rows["problem"].isin(problems) & rows["measure"].isin(measures)
    mine = rows[here & (rows["verdict"] == verdict) & (rows["b"] != ALL_OTHERS)]
    several = (rows.loc[here, "b"] == ALL_OTHERS).any() and verdict in _REFUTED
    reasons: dict[str, list[str]] = {}
    for problem, there in mine.groupby("problem", sort=False):
        for label, alike in there.groupby("label", sort=False):
            names = [
                side_name(*pair) for pair in zip(alike["b"], alike["selection_b"], strict=True)
            ]
            against = f"against {listed(list(dict.fromkeys(names)))}" if several else ""
            reason = " ".join(part for part in (str(label), against) if part)
            reasons.setdefault(reason, []).append(str(problem))
    reasons.pop("", None)
    if len(reasons) > _FEW:
        return " (each one’s reason stands in the table below)"
    said = [r if on == problems else f"{r}: {listed(on)}" for r, on in reasons.items()]
    return f" ({'; '.join(said)})" if said else ""


# In one sentence


def _fates(rows: pd.DataFrame) -> dict[str, str]:
    """What became of one claim on each problem: held, refuted, both (by different measures),
    open (not enough is known) or untested."""
    out = {}
    for problem, here in _deciding(rows).groupby("problem", sort=False):
        seen = set(here["verdict"])
        held, refuted = bool(seen & set(_HELD)), bool(seen & set(_REFUTED))
        fate = "untested" if seen == {"NOT TESTED"} else "open"
        if refuted:
            fate = "both" if held else "refuted"
        elif seen <= set(_HELD):
            fate = "held"
        out[str(problem)] = fate
    return out


_SAID = {
    "held": "holds",
    "both": "holds by one measure but not by another",
    "refuted": "is refuted",
    "open": "is undecided",
    "untested": "was not tested",
}


def _fate(fates: dict[str, str]) -> str:
    """`holds on a, is refuted on b and c and is undecided on d`."""
    if len(fates) == 1:
        problem, fate = next(iter(fates.items()))
        return f"{_SAID[fate]} on {problem}"
    parts = []
    for fate, said in _SAID.items():
        on = [problem for problem, what in fates.items() if what == fate]
        if len(on) == len(fates):
            return f"{said} on every problem" if fate != "untested" else said
        if on:
            where = listed(on) if len(fates) <= _FEW else f"{len(on)} of {len(fates)} problems"
            parts.append(f"{said} on {where}")
    return listed(parts)


_KINDS = (
    ("hold on every problem", "holds on every problem"),
    ("hold in part and are refuted in part", ""),
    ("hold on some problems and are open on others", ""),
    ("are refuted on every problem", "is refuted on every problem"),
    ("are refuted on some problems and open on others", ""),
    ("are undecided", ""),
    ("were not tested", "was not tested"),
)


def _kind(fates: dict[str, str]) -> int:
    """The place in `_KINDS` of what became of a claim."""
    seen = set(fates.values())
    held, refuted = bool(seen & {"held", "both"}), bool(seen & {"refuted", "both"})
    if held and refuted:
        return 1
    if held:
        return 0 if seen == {"held"} else 2
    if refuted:
        return 3 if seen == {"refuted"} else 4
    return 6 if seen == {"untested"} else 5


def _counted(all_fates: list[dict[str, str]]) -> str:
    """`2 hold on every problem, 1 is refuted on a and 3 were not tested`."""
    parts = []
    for place, (many, _) in enumerate(_KINDS):
        mine = [fates for fates in all_fates if _kind(fates) == place]
        if len(mine) == 1:
            parts.append(f"1 {_fate(mine[0])}")
        elif mine:
            parts.append(f"{len(mine)} {many}")
    return "; ".join(parts) if any(" and " in part for part in parts) else listed(parts)


def _quoted(text: str) -> str:
    return f"“{text}”"


# The section


def claims(facts: Facts) -> list[Any]:
    """The table of verdicts, how to read it, the seeds of each pair, and each verdict in a sentence;
    nothing without claims."""
    table = facts.verdicts
    if table.empty:
        return []
    blocks = [*_reading(facts), *_tables(facts, table), Notes(_meanings(table))]
    if len(facts.differences):
        keys = ["claim", "problem", "measure", "b", "selection_b"]
        pairs = table.merge(facts.differences[keys].drop_duplicates(), on=keys)
        pictures = drawings.paired(facts.results, pairs, facts.differences)
        kinds = pairs[[*keys, "kind"]].drop_duplicates()
        finding = seeds_favour(facts.differences.merge(kinds, on=keys))
        blocks += paired_cut(pictures, _SEEDS, "How much better, seed by seed?", finding)
    blocks.append(Fold("Each verdict in a sentence", [Notes(list(table["sentence"]))]))
    blocks.append(Text(_made(facts), small=True))
    return blocks


_MEANS = {
    "SUPPORTED": "the whole interval lies beyond the margin, the least difference that is worth a "
    "claim.",
    "REFUTED": "the whole interval lies short of the margin. Reversed: the other one is better; "
    "equivalent: they differ by less than the margin. A claim that something never happens is refuted "
    "by one run in which it does (counterexample).",
    "INCONCLUSIVE": "the margin lies inside the interval; so many seeds in all as stand below would "
    "probably decide it.",
    "NOT TESTED": "something that must be so before anything can be judged is not; the reason stands "
    "below.",
    "TRUE HERE": "nothing is random, so this is one instance, without sampling error; it says nothing "
    "of other starts. FALSE HERE likewise.",
    "FALSE HERE": "nothing is random, so this is one instance, without sampling error; it says nothing "
    "of other starts.",
}


def _reading(facts: Facts) -> list[Any]:
    """How a verdict is read off an interval: the words that occur, and what makes intervals wide."""
    seen = list(dict.fromkeys(sorted(facts.verdicts["verdict"], key=_ORDER.index)))
    if "TRUE HERE" in seen and "FALSE HERE" in seen:
        seen.remove("FALSE HERE")
    blocks: list[Any] = []
    if set(seen) & {"SUPPORTED", "REFUTED", "INCONCLUSIVE"}:
        text = (
            "A claim is judged seed by seed, each optimizer from the same starts: by how much better "
            "the claimed one is, and by the interval in which the truth lies. Intervals are exact, "
            "and a run that never reached or diverged counts as worse than any that did not."
        )
        count = int(facts.verdicts["judged"].max())
        if count > 1:
            text += (
                f" Since {count} judgements are made on a problem, each interval is wider than one of "
                "95 %, so that all of them together err as rarely there as one would; the plain 95 % "
                "interval stands below it. For the number of problems nothing is corrected: on how many "
                "a claim holds is there to be seen."
            )
        looks = facts.manifest.get("looks")
        if looks:
            text += (
                " Seeds were added until the claims were decided: looks were planned at "
                f"{listed([f'{n:,}' for n in looks])} seeds, each interval widened for all of them."
            )
        blocks.append(Text(text))
    return [*blocks, Notes([f"{word}: {_MEANS[word]}" for word in seen])]


_SEEDS = (
    "One dot for each seed: how many times better (or better by how much) the claimed optimizer was than "
    "the other from that start; an arrow at the border is a seed on which only one of them got there. "
    "The diamond is the Hodges-Lehmann estimate, the bar the corrected interval; the shaded band is the "
    "margin. A claim is supported where the whole bar lies to the right of the band (inside it, where "
    "two are claimed to be alike), refuted where it lies wholly to the left of its right edge. The axis "
    "is logarithmic for ratios; differences over decades have one that is linear near zero only."
)


def _made(facts: Facts) -> str:
    """When claims were declared, and how far that can be trusted."""
    each = [
        f"“{c['text']}” {_moment(c['declared'])}{', after its runs' if c['post_hoc'] else ''}"
        f"{', ' + c['hash'][:12] if c.get('hash') else ''}"
        for c in facts.manifest.get("claims") or []
    ]
    gone = [f"“{c['text']}”" for c in facts.manifest.get("withdrawn") or []]
    withdrawn = f"Withdrawn since, and counted all the same: {listed(gone)}. " if gone else ""
    return (
        f"{withdrawn}First seen here, with the hash of what is claimed: {'; '.join(each)}. A claim is dated when "
        "a spec that holds it is first run into this folder, and marked post hoc where its runs were "
        "stored by then. A report folder that was deleted forgets when its claims were made, so a "
        "date is the word of whoever kept the folder."
    )


def _moment(text: str) -> str:
    """An ISO time, `22 November 2026, 23:01`; as it is where it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{at.day} {at:%B %Y, %H:%M}"


def _meanings(table: pd.DataFrame) -> list[str]:
    """What each measure is, once."""
    out = []
    for name in table["measure"].unique():
        about = MEASURES[name]
        sense = "higher is better" if about.higher else "lower is better"
        kind = f", {about.stability} of the kinds of stability" if about.stability else ""
        compared = "as a ratio" if about.scale == "ratio" else f"as a difference in {about.unit}"
        out.append(f"{name}: {about.meaning}; {sense}, compared {compared}{kind}.")
    return out


_HEAD = ["Problem", "Measure", "Against", "Verdict", "Effect", "Medians", "Test"]


_LONG = 40  # rows; a longer table is folded, claim by claim

_CAPTION = (
    "Effect: how many times better (×), or better by how much, the claimed optimizer is than the other; "
    "above 1× or above 0 favours the claim. It is the Hodges-Lehmann estimate over paired seeds, the "
    "median of all means of two; in brackets the corrected interval. Medians count runs that never "
    "reached as never (> T), and those that diverged as ∞."
)


def _tables(facts: Facts, table: pd.DataFrame) -> list[Any]:
    """The verdicts, a group a claim; many of them in a fold each."""
    groups = []
    for _, rows in table.groupby("claim", sort=False):
        late = " (post hoc: made after its runs)" if rows["post_hoc"].iloc[0] else ""
        cells = [_row(facts, row, shown) for row, shown in _with_news(rows)]
        groups.append((f"{rows['text'].iloc[0]}{late}", cells))
    # What came of all others together follows from the comparisons with each.
    each = table[table["b"] != ALL_OTHERS]
    question, finding = "What came of each comparison?", verdict_counts(each, _ORDER)
    if len(table) <= _LONG:
        return [Table(_CAPTION, _HEAD, groups, question=question, finding=finding, name="verdicts")]
    folds = [
        Fold(heading, [Table(_CAPTION, _HEAD, [("", cells)], name=f"verdicts-{place}")])
        for place, (heading, cells) in enumerate(groups, start=1)
    ]
    return [_counts(each, question, finding), *folds]


def _counts(table: pd.DataFrame, question: str, finding: str) -> Table:
    """How many comparisons of each claim came out how."""
    seen = [word for word in _ORDER if (table["verdict"] == word).any()]
    rows = []
    for _, mine in table.groupby("claim", sort=False):
        count = mine["verdict"].value_counts()
        cells = [Cell(f"{int(count.get(word, 0)):,}") for word in seen]
        rows.append([Cell(str(mine["text"].iloc[0])), *cells])
    caption = (
        "How many comparisons of each claim (problems, measures and opponents) came out how; each of "
        "them stands in the fold of its claim below."
    )
    return Table(
        caption, ["Claim", *seen], [("", rows)], frozenset(range(1, len(seen) + 1)),
        question=question, finding=finding, name="verdict-counts",
    )  # fmt: skip


def _with_news(rows: pd.DataFrame) -> Iterable[tuple[pd.Series, bool]]:
    """Each row, and whether its problem is another than that of the row above."""
    above = None
    for _, row in rows.iterrows():
        yield row, row["problem"] != above
        above = row["problem"]


def _row(facts: Facts, row: pd.Series, news: bool) -> list[Cell]:
    against = "all others together" if row["b"] == ALL_OTHERS else ""
    against = against or side_name(row["b"], row["selection_b"]) or "–"
    return [
        Cell(row["problem"] if news else "", value=row["problem"]),
        Cell(row["measure"], small=goal(row["target"]) if row["target"] else ""),
        Cell(against),
        Cell(verdict=row["verdict"], small=row["label"] or _needed(row)),
        _effect(row),
        _medians(facts, row),
        _test(row),
    ]


def _needed(row: pd.Series) -> str:
    """How many seeds would decide it."""
    if row["verdict"] != "INCONCLUSIVE" or row["b"] == ALL_OTHERS:
        return ""
    condition = f" if {row['alternative']}" if row.get("alternative") else ""
    if row["seeds_needed"] > 0:
        return f"about {row['seeds_needed']:,.0f} seeds would decide it{condition}"
    return f"no number of seeds up to 1,000 is likely to decide it{condition}"


def _effect(row: pd.Series) -> Cell:
    if math.isnan(row["effect"]) and math.isnan(row["low"]):
        return Cell("–")
    alone = row["kind"] in ("never", "sometimes")
    if alone and row["method"] == "one instance":
        return Cell("–")

    def said(name: str, unit: bool = False) -> str:
        value = row[name]
        if alone:
            return f"{100 * value:.3g}{f'{SPACE}%' if unit else ''}"
        if row["scale"] == "ratio":
            return _factor(value).removesuffix("" if unit else "×")
        return _small(value, row)

    text = ("in " if alone else "") + said("effect", unit=True)
    value = float(row["effect"])
    if row["scale"] == "ratio" and not alone:
        value = float(10.0**value)
    if row["method"] == "one instance":
        return Cell(text, value=value)
    small = f"margin {said_margin}" if (said_margin := _margin(row)) else ""
    if abs(row["level"] - 0.95) > 1e-9:
        plain = f"95{SPACE}%: [{said('low95')},{SPACE}{said('high95')}]"
        small = f"{plain}; {small}" if small else plain
    return Cell(f"{text} [{said('low')},{SPACE}{said('high')}]", small=small, value=value)


def _small(value: float, row: pd.Series) -> str:
    """A number in the unit of a difference; far below the margin it is nothing."""
    if row["scale"] == "difference" and 0 < abs(value) < 1e-3 * row["margin"]:
        return f"≈{SPACE}0"
    return number(value)


def _factor(effect: float) -> str:
    if math.isnan(effect):
        return "?"
    if math.isinf(effect):
        return "∞" if effect > 0 else "0×"
    return f"{number(10.0**effect)}×"


def _medians(facts: Facts, row: pd.Series) -> Cell:
    measure = MEASURES[row["measure"]]
    if row["problem"] == ALL_PROBLEMS or row["b"] == ALL_OTHERS or math.isnan(row["a_median"]):
        return Cell("–")
    budget = next(p["steps"] for p in facts.manifest["problems"] if p["name"] == row["problem"])

    def said(value: float) -> str:
        return steps(value, budget).replace(" ", SPACE) if measure.timed else _small(value, row)

    n = int(row["n"])
    if row["b"] == "":
        small = f"above the margin in {row['a_n']:.0f} of {plural(n, 'run')}"
        return Cell(said(row["a_median"]), small="" if row["method"] == "one instance" else small)
    text = f"{said(row['a_median'])}{SPACE}against {said(row['b_median'])}"
    if row["method"] == "one instance":
        return Cell(text)
    verb = {"steps_reached": "reached", "steps_held": "held"}.get(measure.name, "not diverged")
    if not measure.timed and row["a_n"] == row["b_n"] == n:
        return Cell(text)
    return Cell(text, small=f"{verb} in {row['a_n']:.0f} and {row['b_n']:.0f} of {n}")


def _margin(row: pd.Series) -> str:
    if not row["margin"] > 0:
        return ""
    return f"{number(row['margin'])}{'×' if row['scale'] == 'ratio' else ''}"


def _test(row: pd.Series) -> Cell:
    if not row["method"] or row["verdict"] == "NOT TESTED":
        return Cell("–")
    if row["method"] == "one instance":
        return Cell("one instance")
    if row["method"] == "intersection-union":
        return Cell("each of its pairs")
    counted = "seed" if row["b"] == "" else "paired seed"
    if row["problem"] == ALL_PROBLEMS:
        counted = "problem"
    level = f"{100 * row['level']:.3g}{SPACE}%"
    return Cell(row["method"], small=f"{plural(int(row['n']), counted)}, {level}")
