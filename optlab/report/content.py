"""What a report says, section by section, from the stored tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optlab import analysis
from optlab.analysis import at_best, setting
from optlab.analysis.words import brief, goal, listed, number, of, pairs_text, plural, steps
from optlab.figures import Look, looks
from optlab.report import drawings
from optlab.report.blocks import Cell, Figures, Fold, Notes, Pre, Section, Table, Text
from optlab.report.worked import worked_blocks
from optlab.results import Results, load

__all__ = ["Facts", "content", "stored"]


_SPACE = "\N{NO-BREAK SPACE}"  # between what is read as one: two quartiles, 9 of 10


def stored(folder: str | Path) -> Results:
    """The results in `folder`, with every column that a report reads: where all runs stopped with an
    error, nothing was measured, and the columns of measurements are not there."""
    results = load(folder)
    labels = [t["label"] for p in results.manifest["problems"] for t in p["targets"]]
    times = [f"{kind}.{label}" for kind in ("reached", "held", "worst_after") for label in labels]
    needed = ["loss_first", "loss_final", "loss_best", "gap", "largest_rise", *times]
    missing = dict.fromkeys((c for c in needed if c not in results.runs), np.nan)
    return replace(results, runs=results.runs.assign(**missing)) if missing else results


@dataclass(frozen=True, eq=False)
class Facts:
    """The results and every table that is computed from them, each once."""

    results: Results

    @property
    def manifest(self) -> dict[str, Any]:
        return self.results.manifest

    @cached_property
    def looks(self) -> dict[str, Look]:
        return looks(self.manifest)

    @cached_property
    def best(self) -> pd.DataFrame:
        return analysis.best_settings(self.results.runs, self.manifest)

    @cached_property
    def chosen(self) -> pd.DataFrame:
        """The evaluation runs at the chosen settings."""
        return at_best(self.results.runs, self.best)

    @cached_property
    def times(self) -> pd.DataFrame:
        return analysis.time_to_target(self.results.runs, self.best, self.manifest)

    @cached_property
    def sensitivity(self) -> pd.DataFrame:
        return analysis.rate_sensitivity(self.results.runs, self.best, self.manifest)

    @cached_property
    def answer(self) -> list[str]:
        return analysis.answer(self.results, self.best, self.times)

    @cached_property
    def warnings(self) -> list[dict[str, str]]:
        return analysis.warnings(self.results, self.best)

    def finding(self, problem: dict[str, Any]) -> str:
        return analysis.finding(self.results.runs, self.best, self.times, problem)

    def setting(self, problem: str, optimizer: str) -> dict[str, float]:
        """The chosen hyperparameters, empty where nothing ran."""
        row = self.best[(self.best["problem"] == problem) & (self.best["optimizer"] == optimizer)]
        entry = next(o for o in self.manifest["optimizers"] if o["name"] == optimizer)
        return setting(row.iloc[0], entry["hypers"]) if len(row) else {}

    def edges(self, problem: str, optimizer: str) -> dict[str, str]:
        row = self.best[(self.best["problem"] == problem) & (self.best["optimizer"] == optimizer)]
        return row.iloc[0]["on_edge"] if len(row) else {}

    @cached_property
    def _exact(self) -> dict[str, bool]:
        names = [problem["name"] for problem in self.manifest["problems"]]
        return {name: analysis.is_exact(self.results.runs, name) for name in names}

    def is_exact(self, problem: str) -> bool:
        return self._exact[problem]


def content(facts: Facts) -> list[Section]:
    """Every section that has something to say, in the order in which it is read."""
    sections = [
        Section("curves", "How the loss fell", _curves(facts)),
        Section("times", "Steps to the target", _times(facts)),
        Section("last", "Where it ended", _last(facts)),
        Section("worked", "Worked by hand", worked_blocks(facts.results.worked, facts.manifest)),
        Section("sensitivity", "How much the step size matters", _sensitivity(facts)),
        Section("edge", "Where runs diverge, and where theory says", _edge(facts)),
        Section("paths", "The paths", _paths(facts)),
        Section("metrics", "Other measures", _metrics(facts)),
        Section("stability", "Stability", _stability(facts)),
        Section("optimizers", "The optimizers", _optimizers(facts)),
        Section("problems", "The problems", _problems(facts)),
        Section("completeness", "What ran", _completeness(facts)),
        Section("limits", "Limits of this page", _limits(facts)),
        Section("provenance", "How this was made", _provenance(facts)),
    ]
    return [section for section in sections if section.blocks]


def _curves(facts: Facts) -> list[Any]:
    pictures = drawings.curves(facts.results, facts.best, facts.finding)
    if not pictures:
        return []
    known = [p for p in facts.manifest["problems"] if p.get("minimum")]
    several = not all(facts.is_exact(p["name"]) for p in facts.manifest["problems"])
    caption = "Each line is one optimizer at its chosen setting, lower is better. "
    if known:
        caption += (
            "Where the axis says f*, the height is the gap: the loss minus f*, the smallest loss "
            "there is, so a straight line down means a constant factor each update. "
        )
    if several:
        caption += (
            "With several seeds the line is the median (half of the runs lie below it) and the "
            "band runs from the lower to the upper quartile. "
        )
    caption += (
        "A cross ends a line where half of the runs had diverged, and a band that reaches the top has "
        "runs that diverged in it. A thin level line is the target, where it is one loss for all. "
        "Computed at every recorded step from the full loss, not from a batch's; what lies more "
        "than sixteen decades below the top is rounding and stands on the lower edge."
    )
    return [Figures(pictures, caption)]


def _name(facts: Facts, optimizer: str) -> Cell:
    return Cell(optimizer, look=facts.looks[optimizer])


def _chosen(facts: Facts, problem: str, optimizer: str) -> Cell:
    edges = facts.edges(problem, optimizer)
    remark = listed([f"{side} {name} tried" for name, side in edges.items()])
    return Cell(pairs_text(facts.setting(problem, optimizer)) or "–", small=remark, whole=True)


def _times(facts: Facts) -> list[Any]:
    table = facts.times[facts.times["n"] > 0]
    if table.empty:
        return []
    decisions = {p["name"]: p.get("decision") for p in facts.manifest["problems"]}
    main = table[table["target"] == table["problem"].map(decisions)]
    others = table.drop(main.index)
    blocks: list[Any] = [
        Text(
            "Reached is the first recorded step at which the target was met. Held is the first "
            "step from which it stayed met until the end of the budget: an optimizer may reach a "
            "target and leave it again. Both count updates, one gradient each."
        ),
        _times_table(facts, main, "Steps to the target, held soonest first"),
    ]
    pictures = drawings.times(facts.results, facts.times, facts.finding)
    if pictures:
        caption = (
            "Open marks: first reached; filled marks: held. A mark is the median, a bar runs from "
            "the lower to the upper quartile, an arrow says that it goes on beyond the budget."
        )
        blocks.append(Figures(pictures, caption))
    if len(others):
        inner = _times_table(facts, others, "Steps to the other targets")
        blocks.append(Fold("The other targets", [inner]))
    return blocks


def _times_table(facts: Facts, table: pd.DataFrame, caption: str) -> Table:
    """Optimizers below one another, a group a problem and target."""
    groups = []
    noisy = not all(facts.is_exact(name) for name in table["problem"])
    cadence = {p["name"]: p["cadence"] for p in facts.manifest["problems"]}
    for (problem, target), mine in table.groupby(["problem", "target"], sort=False):
        mine = mine.sort_values(["held_median", "reached_median"], kind="stable")
        budget, plain = mine["budget"].iloc[0], facts.is_exact(str(problem))
        heading = f"{problem}: {goal(str(target))}, within {budget:,} updates"
        every = cadence[problem]
        heading += f", recorded every {every:,}" if every > 1 else ""
        if plain:
            heading += " (exact, for this start only)"
        rows = []
        for _, row in mine.iterrows():
            rows.append(
                [
                    _name(facts, row["optimizer"]),
                    *[_time(row, kind, plain) for kind in ("reached", "held")],
                    Cell("–" if row["reached_n"] == 0 else _relapse(row, plain)),
                    Cell(number(row["worst_after"])),
                    Cell(_diverged(row, plain)),
                    _chosen(facts, str(problem), row["optimizer"]),
                ]
            )
        groups.append((heading, rows))
    if noisy:
        caption += (
            ". Times are medians over evaluation seeds with the lower and upper quartile in "
            "brackets; “> T” is a time beyond the budget T. Below: in how many runs, and the "
            "exact 95 % interval of that share (Clopper and Pearson)"
        )
    head = ["Optimizer", "Reached", "Held", "Left again", "Worst loss after reaching", "Diverged",
            "Chosen setting"]  # fmt: skip
    return Table(caption + ".", head, groups)


def _time(row: pd.Series, kind: str, plain: bool) -> Cell:
    budget = row["budget"]
    if plain:
        median = row[f"{kind}_median"]
        return Cell("no" if np.isinf(median) else steps(median))
    if row[f"{kind}_n"] == 0:
        text = "in no run"
    else:
        low, middle, high = (steps(row[f"{kind}_{q}"], budget) for q in ("q25", "median", "q75"))
        text = middle if row["n"] == 1 else f"{middle} [{low}, {high}]"
    small = f"{of(row[f'{kind}_n'], row['n'])} {_share(row[f'{kind}_low'], row[f'{kind}_high'])}"
    # A line may end between a time and its quartiles, not inside either.
    return Cell(text.replace(" ", _SPACE).replace(f"{_SPACE}[", " ["), small=small)


def _share(low: float, high: float) -> str:
    """An interval of a share, in one piece."""
    return f"({100 * low:.0f} to {100 * high:.0f} %)".replace(" ", _SPACE)


def _relapse(row: pd.Series, plain: bool) -> str:
    if plain:
        return "yes, for good" if row["relapses"] else _came_back(row)
    return f"{row['relapses']}{_SPACE}of{_SPACE}{row['reached_n']}"


def _came_back(row: pd.Series) -> str:
    return "yes, and came back" if row["held_median"] > row["reached_median"] else "no"


def _diverged(row: pd.Series, plain: bool) -> str:
    if plain:
        return "yes" if row["diverged"] else "no"
    return f"{row['diverged']}{_SPACE}of{_SPACE}{row['n']}"


def _last(facts: Facts) -> list[Any]:
    """The last loss, for problems without a target: there it is the result."""
    groups = []
    for problem in facts.manifest["problems"]:
        if problem.get("decision"):
            continue
        name, minimum = problem["name"], problem.get("minimum")
        rows = []
        for optimizer in problem["optimizers"]:
            mine = facts.chosen[
                (facts.chosen["problem"] == name) & (facts.chosen["optimizer"] == optimizer)
            ]
            mine = mine[mine["status"] != "error"]
            if mine.empty:
                continue
            failed = mine["status"] == "diverged"
            last = analysis.final_loss(mine) - (minimum["value"] if minimum else 0.0)
            low, middle, high = (float(analysis.quantile(last, q)) for q in (0.25, 0.5, 0.75))
            text = number(middle)
            if len(mine) > 1:
                text += f" [{number(low)}, {number(high)}]"
            cells = [
                _name(facts, optimizer),
                Cell(text),
                Cell(f"{int(failed.sum())} of {len(mine)}"),
                _chosen(facts, name, optimizer),
            ]
            rows.append((middle, cells))
        rows.sort(key=lambda row: row[0])
        what = "gap (loss − f*)" if minimum else "loss"
        if rows:
            heading = f"{name}: {what} after {problem['steps']:,} updates"
            groups.append((heading, [cells for _, cells in rows]))
    if not groups:
        return []
    caption = (
        "No target applies here, so the last value stands for the result, lowest first: the median "
        "over "
        "evaluation seeds and the lower and upper quartile in brackets. A run that diverged counts "
        "as ∞."
    )
    return [Table(caption, ["Optimizer", "Last value", "Diverged", "Chosen setting"], groups)]


def _sensitivity(facts: Facts) -> list[Any]:
    if facts.sensitivity.empty:
        return []
    pictures = drawings.sensitivity(facts.results, facts.sensitivity, facts.best)
    role = "evaluation" if (facts.sensitivity["role"] == "evaluate").all() else "tune"
    caption = (
        "The last loss at each step size that was tried, the other hyperparameters as chosen; the "
        f"median over the {role} seeds, with the quartiles as a band. A wide, low basin forgives a "
        "wrong guess. In the hatched strip stand the step sizes at which at least half of the runs "
        "diverged."
    )
    if any(o.get("limits") for o in facts.manifest["optimizers"]):
        caption += (
            " A dashed vertical line is the largest step size at which theory keeps that optimizer "
            "stable on this problem."
        )
    return [Figures(pictures, caption)]


def _edge(facts: Facts) -> list[Any]:
    edges = analysis.stability_edges(facts.results.runs, facts.manifest)
    if edges.empty:
        return []
    groups = []
    for problem, rows in edges.groupby("problem", sort=False):
        lines = [
            [
                Cell(row["optimizer"], small=pairs_text(row["setting"]),
                     look=facts.looks[row["optimizer"]]),
                Cell(number(row["limit"], 4)),
                Cell(number(row["largest_stable"], 4)),
                Cell(number(row["smallest_diverged"], 4)),
                Cell(of(row["below_diverged"], row["below"])),
                Cell(of(row["above_diverged"], row["above"])),
            ]
            for _, row in rows.iterrows()
        ]  # fmt: skip
        groups.append((str(problem), lines))
    caption = (
        "The limit is the largest step size at which theory keeps the optimizer stable on this "
        "problem: 2/L for gradient descent, L the largest curvature; each optimizer's formula stands "
        "with its convention below. Beside it the step sizes tried: the largest before any run "
        "diverged and the smallest at which one did, then how many runs diverged on either side, "
        "over all drawn starts. Just above the limit a run leaves slowly and may not get far "
        "enough within its budget to count."
    )
    head = ["Optimizer", "Limit", "Largest without", "Smallest with", "Diverged below", "Above"]
    return [
        Text(analysis.edge_sentence(edges)),
        Table(caption, head, groups, numeric=frozenset(range(1, 6))),
    ]


def _paths(facts: Facts) -> list[Any]:
    pictures = drawings.paths(facts.results, facts.best)
    if not pictures:
        return []
    caption = (
        "Seen from above: thin lines join points of equal loss, each a constant factor from the "
        "next. The ring is the start, the cross the minimum, the last mark the end. Each "
        "optimizer at its chosen setting from the usual start: one run, a picture and not "
        "evidence; it enters no number on this page."
    )
    return [Figures(pictures, caption)]


def _metrics(facts: Facts) -> list[Any]:
    blocks = []
    for metric, pictures in drawings.metrics(facts.results, facts.best):
        plain = metric.replace("_", " ")
        caption = (
            f"{plain[:1].upper()}{plain[1:]} over the updates, at the chosen settings; median and "
            "quartiles over the evaluation seeds."
        )
        targets = [t for problem in facts.manifest["problems"] for t in problem["targets"]]
        if analysis.is_better_high(metric, targets):
            caption += (
                " Higher is better; the first tenth of the steps may lie below the picture, so "
                "that the rest can be told apart."
            )
        blocks.append(Figures(pictures, caption))
    return blocks


def _stability(facts: Facts) -> list[Any]:
    table = analysis.stability(facts.results.runs, facts.best, facts.manifest)
    table = table[table["n"] > 0]
    if table.empty:
        return []
    groups = []
    for problem, mine in table.groupby("problem", sort=False):
        plain = facts.is_exact(str(problem))
        rows = []
        for _, row in mine.iterrows():
            rows.append(
                [
                    _name(facts, row["optimizer"]),
                    Cell(_percent(row["rise_median"]), small=_unscaled(row)),
                    Cell("–" if plain else _percent(row["rise_max"])),
                    Cell(
                        _diverged(row, plain),
                        small="" if plain else _share(row["low"], row["high"]),
                    ),
                    Cell(f"{row['all_diverged']:,} of {row['all_runs']:,}"),
                ]
            )
        groups.append((str(problem), rows))
    text = (
        "“Stable” can mean several things; here are two. The largest rise is how far the loss ever "
        "climbed above the best it had had, as a share of the gap at the start (of the loss where "
        "f* is not known): 0 % never rose, 100 % fell back as far as it began, ∞ diverged. "
        f"{facts.manifest['divergence']}"
    )
    head = ["Optimizer", "Largest rise, median", "Largest rise, worst run",
            "Diverged, chosen setting", "Diverged, all settings tried"]  # fmt: skip
    caption = (
        "Evaluation runs at the chosen setting, in brackets the exact 95 % interval of the share; "
        "the last column counts every setting and seed that ran."
    )
    return [Text(text), Table(caption, head, groups)]


def _unscaled(row: pd.Series) -> str:
    """How many runs have no share, since they began at the minimum."""
    if not row["unscaled"]:
        return ""
    return f"without {of(row['unscaled'], row['n'])}, with no gap at the start to compare with"


def _percent(share: float) -> str:
    if not np.isfinite(share):
        return number(share)
    text = "< 0.001 %" if 0 < share < 1e-5 else f"{number(100 * share)} %"
    return text.replace(" ", _SPACE)


def _optimizers(facts: Facts) -> list[Any]:
    rows = []
    for optimizer in facts.manifest["optimizers"]:
        tried = "; ".join(
            f"{name} {_values(values)}" for name, values in optimizer["hypers"].items()
        )
        rows.append(
            [
                Cell(
                    optimizer["name"],
                    small=optimizer.get("summary") or "",
                    look=facts.looks[optimizer["name"]],
                ),
                Cell(latex=tuple(optimizer["formulas"])),
                Cell(optimizer.get("convention") or "–"),
                Cell(tried or "none", small=plural(optimizer["settings"], "setting")),
                Cell(_chosen_where(facts, optimizer)),
                Cell(optimizer.get("citation") or "–"),
            ]
        )
    head = ["Optimizer", "What it computes", "Convention", "Tried", "Chosen", "Source"]
    caption = (
        "One update of each, in the order in which it is computed; x are the parameters, g the "
        "gradient, t the step. Libraries disagree under one name, so the convention is said."
    )
    return [Table(caption, head, [("", rows)])]


def _chosen_where(facts: Facts, optimizer: dict[str, Any]) -> str:
    """The swept hyperparameters as chosen, with the problems on which they were."""
    where: dict[str, list[str]] = {}
    for problem in facts.manifest["problems"]:
        chosen = facts.setting(problem["name"], optimizer["name"])
        swept = {name: chosen[name] for name in optimizer["swept"] if name in chosen}
        if swept:
            where.setdefault(pairs_text(swept), []).append(problem["name"])
    return "; ".join(f"{text} on {listed(names)}" for text, names in where.items()) or "as given"


def _values(values: list[float]) -> str:
    if len(values) <= 4:
        return ", ".join(brief(v) for v in values)
    return f"{brief(min(values))} to {brief(max(values))} ({len(values)} values)"


def _problems(facts: Facts) -> list[Any]:
    rows = []
    for problem in facts.manifest["problems"]:
        curvature, minimum = problem.get("curvature"), problem.get("minimum")
        bent = "–"
        if curvature:
            low, high = curvature
            ratio = f"; condition {number(high / low)}" if low > 0 else ""
            bent = f"{number(low)} to {number(high)}{ratio}"
        traits = [
            {True: "convex", False: "not convex"}.get(problem.get("convex")),
            {True: "separable", False: "not separable"}.get(problem.get("separable")),
        ]
        epoch = problem.get("epoch_steps")
        budget = f"{problem['steps']:,} updates"
        rows.append(
            [
                Cell(problem["name"], small=problem.get("summary") or ""),
                Cell(f"{problem['dim']:,}", small=", ".join(t for t in traits if t)),
                Cell(bent),
                _minimum(minimum),
                Cell(
                    budget,
                    small=f"one epoch is {epoch:,} updates" if epoch else "",
                ),
                Cell(f"every {problem['cadence']:,}" if problem["cadence"] > 1 else "every step"),
                Cell("; ".join(goal(t["label"]) for t in problem["targets"]) or "none"),
                Cell(problem.get("source") or "–"),
            ]
        )
    head = ["Problem", "Parameters", "Curvature", "Smallest loss f*", "Budget", "Recorded",
            "Targets", "Source"]  # fmt: skip
    caption = (
        "Curvature: the smallest and the largest second derivative in any direction; their ratio, "
        "the condition number, says how hard the problem is for plain gradient steps."
    )
    blocks: list[Any] = [Table(caption, head, [("", rows)])]
    notes = [f"{p['name']}: {note}" for p in facts.manifest["problems"] for note in p["notes"]]
    return [*blocks, Notes(notes)] if notes else blocks


def _minimum(minimum: dict[str, Any] | None) -> Cell:
    if not minimum:
        return Cell("not known")
    error = minimum.get("error")
    small = minimum["provenance"] + (f", to within {number(error)}" if error else "")
    return Cell(number(minimum["value"], 6), small=small)


def _completeness(facts: Facts) -> list[Any]:
    table = analysis.completeness(facts.results.runs, facts.manifest)
    groups = []
    for problem, mine in table.groupby("problem", sort=False):
        columns = ("runs", "hit", "budget", "diverged", "error", "stalled")
        rows = [
            [_name(facts, row["optimizer"]), *[Cell(f"{row[c]:,}") for c in columns]]
            for _, row in mine.iterrows()
        ]
        groups.append((str(problem), rows))
    head = ["Optimizer", "Runs", "Hit", "Budget", "Diverged", "Error", "Stalled"]
    caption = (
        f"Every run of every setting, on tune and evaluation seeds{_pictured(facts)}. Hit: below the "
        "target at the "
        "end. Budget: used up its updates without. Stalled: the gradient became exactly zero away "
        "from a minimum. Nothing is left out."
    )
    return [Table(caption, head, groups, frozenset(range(1, 7)))]


def _pictured(facts: Facts) -> str:
    """What is counted at the top of the page and not among the runs that count."""
    pictures = int((facts.results.runs["role"] == "picture").sum())
    if not pictures:
        return ""
    return f"; besides them {plural(pictures, 'run')} from the usual start, for pictures only"


def _limits(facts: Facts) -> list[Any]:
    items = [warning["text"] for warning in facts.warnings]
    chosen = facts.best[(facts.best["settings"] > 1) & (facts.best["chosen_on"] == "tune")]
    if len(chosen):
        tune = plural(int(facts.manifest["seeds"]["tune"]), "tune seed")
        items.append(
            f"Where there was a choice, the setting was chosen on {tune}: the one with the smallest "
            "median time to hold the target (never counts as infinite), ties and problems without a "
            "target by the smallest median last loss. It is shown on evaluation seeds that the choice "
            "has not seen."
        )
    items.append(
        "No claim was declared before these runs, so nothing here is a test: the page describes "
        "what happened on these problems, these starts and these settings."
    )
    if any(p["cadence"] > 1 for p in facts.manifest["problems"]):
        items.append("A time is known only to the next recorded step; see the problems' table.")
    return [Notes(items)]


def _provenance(facts: Facts) -> list[Any]:
    m = facts.manifest
    counts = ", ".join(f"{count:,} {status}" for status, count in m["counts"].items())
    seeds = m["seeds"]
    rows = [
        ("Made", m["created"]),
        ("Command", m["command"]),
        ("Spec", f"{m['spec_file']}, hash {m['spec_hash']}"),
        ("Runs", f"{len(facts.results.runs):,}: {counts}"),
        ("Seeds", f"{_seeds(facts)}experiment seed {seeds['experiment']}"),
        ("Numbers", m["precision"]),
        ("Diverged means", m["divergence"]),
        ("Versions", ", ".join(f"{name} {v}" for name, v in m["versions"].items())),
        ("Processor", m["processor"]),
        ("Commit", m.get("git") or ""),
        ("Time", ", ".join(_timing(k, v) for k, v in m["timings"].items())),
        ("Losses at fixed points", "; ".join(_fingerprint(p) for p in m["problems"])),
    ]  # fmt: skip
    cells = [[Cell(name), Cell(str(value))] for name, value in rows if value]
    return [
        Table("", ["What", "Value"], [("", cells)]),
        Fold("The spec, as it was run", [Pre(m["spec"])]),
        Fold("The rules, as they were run", [Pre(_code(m))]),
    ]


def _seeds(facts: Facts) -> str:
    """How many seeds ran in each role."""
    counting = facts.results.runs[facts.results.runs["role"] != "picture"]
    counts = counting.groupby("role", observed=True)["seed"].nunique()
    return "".join(f"{n} {role}, " for role, n in counts.items())


def _fingerprint(problem: dict[str, Any]) -> str:
    """The loss at the points that stand for a problem, by which two machines can be compared."""
    points = problem["fingerprint"]
    if isinstance(points, str):  # of an earlier make
        return f"{problem['name']} {points}"
    values = [number(at["value"], 8) for at in points]
    return f"{problem['name']} {', '.join(values) or 'not known'}"


def _timing(name: str, value: Any) -> str:
    return f"{name} {value:.2f} s" if isinstance(value, int | float) else f"{name} {value}"


def _code(manifest: dict[str, Any]) -> str:
    sources = dict.fromkeys(o.get("code") or "" for o in manifest["optimizers"])
    return "\n\n".join(source.strip() for source in sources if source)
