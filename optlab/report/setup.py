"""What was compared, and how it was made: the sections that come last."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from optlab import analysis
from optlab.analysis.words import brief, goal, listed, number, pairs_text, plural
from optlab.report import drawings
from optlab.report.blocks import Cell, Figures, Fold, Notes, Pre, Table, Text
from optlab.report.facts import Facts, name_cell
from optlab.report.many import cut
from optlab.report.sentences import few, what_ran
from optlab.rules import REGISTRY

__all__ = ["completeness", "limits", "optimizers", "problems", "provenance"]


def optimizers(facts: Facts) -> list[Any]:
    """What each computes, then how each was set."""
    rows = []
    for optimizer in facts.manifest["optimizers"]:
        rows.append(
            [
                Cell(
                    optimizer["name"],
                    small=optimizer.get("summary") or "",
                    look=facts.looks[optimizer["name"]],
                ),
                Cell(latex=tuple(optimizer["formulas"])),
                Cell(optimizer.get("convention") or "–"),
                Cell(optimizer.get("citation") or "–"),
            ]
        )
    head = ["Optimizer", "What it computes", "Convention", "Source"]
    caption = (
        "One update of each, in the order in which it is computed; x are the parameters, g the "
        "gradient, t the step. Libraries disagree under one name, so the convention is said."
    )
    inner = Table(
        caption, head, [("", rows)], name="optimizers", question="What does each compute?",
        finding=rules_told(facts.manifest["optimizers"]),
    )  # fmt: skip
    return [*cut(inner), *_tuning(facts), *_settings(facts)]


def rules_told(optimizers: list[dict[str, Any]]) -> str:
    """How many optimizers of how many rules, and which share one."""
    by: dict[str, list[str]] = {}
    for optimizer in optimizers:
        by.setdefault(str(optimizer.get("rule") or optimizer["name"]), []).append(optimizer["name"])
    shared = [f"{few(names)} are one rule, {rule}" for rule, names in by.items() if len(names) > 1]
    text = f"{plural(len(optimizers), 'optimizer')} of {plural(len(by), 'rule')}"
    return f"{text}: {'; '.join(shared[:3])}." if shared else f"{text}."


def _settings(facts: Facts) -> list[Any]:
    """What each was tried at, what was chosen of it, and what it is without choosing."""
    rows = []
    for optimizer in facts.manifest["optimizers"]:
        tried = "; ".join(_tried(optimizer, name) for name in optimizer["hypers"])
        rows.append(
            [
                name_cell(facts, optimizer["name"]),
                Cell(tried or "none", small=_how_many(optimizer), value=tried or "none"),
                _chosen_where(facts, optimizer),
                _effective(facts, optimizer),
                Cell(pairs_text(optimizer.get("default") or {}) or "–", whole=True),
            ]
        )
    caption = (
        "How each was set. Chosen: of what was tried, problem by problem; a choice at an edge of it may "
        "have a better one beyond. Default: what one gets without choosing, and what the spec fixes. "
        "Effective rate: how far a step goes along a gradient that stays the same, for each unit of it, "
        "once the rule has settled; step sizes of rules with momentum compare by this and not by their "
        "names. A rule that divides by the gradient’s size goes its step size itself."
    )
    inner = Table(
        caption, ["Optimizer", "Tried", "Chosen", "Effective rate", "Default"], [("", rows)],
        name="settings", question="How was each set, and were all treated alike?",
        finding=edges_told(*_edges(facts), [o["settings"] for o in facts.manifest["optimizers"]]),
    )  # fmt: skip
    return cut(inner)


def _edges(facts: Facts) -> tuple[int, int]:
    """At how many of how many pairs of problem and optimizer that had a choice it lies at an edge."""
    chosen = facts.best[facts.best["settings"] > 1]
    return sum(1 for edge in chosen["on_edge"] if edge), len(chosen)


def edges_told(on_edge: int, choices: int, trials: list[int]) -> str:
    """How many choices lie at an edge of what was tried, and whether all were given as many trials."""
    if not choices:
        return "Each was run at one setting: nothing was tuned."
    alike = f"from {min(trials):,} to {max(trials):,} settings"
    if len(set(trials)) == 1:
        alike = f"{plural(trials[0], 'setting')}"
    where = "lies inside" if choices == 1 else "all lie inside"
    text = f"Of {plural(choices, 'choice')} {where} of what was tried"
    if on_edge:
        verb = "lies" if on_edge == 1 else "lie"
        text = f"Of {plural(choices, 'choice')} {on_edge:,} {verb} at an edge of what was tried, so a better one may lie beyond"
    return f"{text}; {alike} of each optimizer were tried."


def _effective(facts: Facts, optimizer: dict[str, Any]) -> Cell:
    """The effective rate at each chosen setting: where it is known of the rule."""
    rule = REGISTRY.get(optimizer.get("rule") or "")
    settings = [facts.setting(p["name"], optimizer["name"]) for p in facts.manifest["problems"]]
    if rule is None or set(optimizer["hypers"]) != set(rule.hypers):
        return Cell("–")
    found = [rule.pace(setting) for setting in settings if setting]
    rates = [rate for rate in found if rate is not None]
    if not rates:
        return Cell("–")
    low, high = min(rates), max(rates)
    text = brief(low) if low == high else f"{brief(low)} to {brief(high)}"
    return Cell(text, small=rule.settled_formula, value=low)


def _tuning(facts: Facts) -> list[Any]:
    """How settings were chosen, in words."""
    swept = [o for o in facts.manifest["optimizers"] if o["settings"] > 1]
    if not swept:
        return []
    tuning = facts.manifest.get("tuning") or {}
    seeds = facts.manifest["seeds"]
    select, _ = selected_by(tuning.get("select", "held"), facts.manifest["problems"])
    counts = sorted({o["settings"] for o in swept})
    how = f"{listed([f'{n:,}' for n in counts])} settings"
    if tuning.get("trials"):
        how = f"{tuning['trials']:,} settings, drawn evenly over the ranges below,"
    on = plural(seeds["tune"], "tune seed")
    if (facts.best.loc[facts.best["settings"] > 1, "chosen_on"] == "evaluate").all():
        on = "the very runs that are shown, since there were no others"
    equal = "of each optimizer " if len(counts) == 1 else ""
    text = f"Tuning: {how} {equal}were tried on {on}, and the best chosen by {select}. "
    if tuning.get("staged"):
        ran = set(facts.results.runs["part"])
        also = {"default": "the default setting", "profile": "the curve over rates"}
        others = [what for part, what in also.items() if part in ran]
        text += (
            f"The chosen setting then ran on {plural(seeds['evaluate'], 'seed')} that the choice had not "
            f"seen{f', and so did {listed(others)}' if others else ''}."
        )
    return [Text(text.strip())]


_TIMES = {
    "held": "the smallest median time to hold the deciding target",
    "reached": "the smallest median time to reach the deciding target",
}
_LAST = "the smallest median last loss"


def selected_by(select: str, problems: Iterable[dict[str, Any]] = ()) -> tuple[str, str]:
    """What a setting was chosen by, of `tuning.select` on `problems` of the manifest; and what never is worth, and what settles ties,
    both as `analysis.best_settings` has it."""
    if select in _TIMES:
        ties = f"ties and problems without a target by {_LAST}"
        return _TIMES[select], f"(never counts as infinite), {ties}"
    if select == "loss":
        return _LAST, f"(diverged counts as infinite), ties by {_TIMES['held']}"
    targets = [target for problem in problems for target in problem["targets"]]
    most = "largest" if analysis.is_better_high(select, targets) else "smallest"
    ties = f"ties and problems without it by {_TIMES['held']}, then by {_LAST}"
    by = f"the {most} median last {select.replace('_', ' ')}"
    return by, f"(diverged counts as the worst), {ties}"


_SCALES = {"log": "evenly in decades", "one_minus_log": "its distance from 1 evenly in decades"}


def _tried(optimizer: dict[str, Any], name: str) -> str:
    """The range that was searched, or the values of the grid."""
    searched = optimizer.get("search", {}).get(name)
    if searched is None:
        return f"{name} {_values(optimizer['hypers'][name])}"
    low, high = searched["low"], searched["high"]
    if searched["scale"] == "one_minus_log":
        low, high = 1 - high, 1 - low
    scale = _SCALES.get(searched["scale"], "evenly")
    return f"{name} {brief(low)} to {brief(high)} ({scale})"


def _how_many(optimizer: dict[str, Any]) -> str:
    if optimizer.get("search"):
        return plural(optimizer["settings"], "random trial")
    return plural(optimizer["settings"], "setting")


def _chosen_where(facts: Facts, optimizer: dict[str, Any]) -> Cell:
    """The swept hyperparameters as chosen, with the problems on which they were, and whether they lie
    inside of what was tried."""
    where: dict[str, list[str]] = {}
    for problem in facts.manifest["problems"]:
        chosen = facts.setting(problem["name"], optimizer["name"])
        swept = {name: chosen[name] for name in optimizer["swept"] if name in chosen}
        if swept:
            where.setdefault(pairs_text(swept), []).append(problem["name"])
    if not where:
        return Cell("as given")
    text = "; ".join(f"{text} on {listed(names)}" for text, names in where.items())
    edges: dict[str, list[str]] = {}
    for problem in facts.manifest["problems"]:
        for name, side in facts.edges(problem["name"], optimizer["name"]).items():
            edges.setdefault(f"{side} {name} tried", []).append(problem["name"])
    on_edge = "; ".join(f"{what} on {listed(names)}" for what, names in edges.items())
    return Cell(text, small=f"at an edge: {on_edge}" if on_edge else "inside of what was tried")


def _values(values: list[float]) -> str:
    if len(values) <= 4:
        return ", ".join(brief(v) for v in values)
    return f"{brief(min(values))} to {brief(max(values))} ({len(values)} values)"


def problems(facts: Facts) -> list[Any]:
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
    inner = Table(
        caption, head, [("", rows)], name="problems", question="What was asked of them?",
        finding=problems_told(facts.manifest["problems"]),
    )  # fmt: skip
    blocks: list[Any] = [*cut(inner, rows="problem")]
    notes = [f"{p['name']}: {note}" for p in facts.manifest["problems"] for note in p["notes"]]
    return [*blocks, Notes(notes)] if notes else blocks


def problems_told(problems: list[dict[str, Any]]) -> str:
    """How many problems, of how many parameters, how many convex and with a known minimum."""
    sizes = sorted({int(p["dim"]) for p in problems})
    of_size = plural(sizes[0], "parameter")
    if len(sizes) > 1:
        of_size = f"{sizes[0]:,} to {sizes[-1]:,} parameters"
    whole = len(problems)
    convex = sum(1 for p in problems if p.get("convex"))
    known = sum(1 for p in problems if p.get("minimum"))
    separable = [p["name"] for p in problems if p.get("separable")]
    text = f"{plural(whole, 'problem')} of {of_size}: {convex:,} convex, {known:,} with a known f*."
    if whole == 1:
        bent = "convex" if convex else "not convex, or not known to be"
        text = f"1 problem of {of_size}, {bent}, its f* {'known' if known else 'not known'}."
    if separable and len(separable) < whole:
        each = "takes" if len(separable) == 1 else "take"
        text += (
            f" {few(separable)} {each} each coordinate alone, which flatters rules that do so too."
        )
    return text


def _minimum(minimum: dict[str, Any] | None) -> Cell:
    if not minimum:
        return Cell("not known")
    error = minimum.get("error")
    small = minimum["provenance"] + (f", to within {number(error)}" if error else "")
    return Cell(number(minimum["value"], 6), small=small)


def completeness(facts: Facts) -> list[Any]:
    table = analysis.completeness(facts.results.runs, facts.manifest)
    groups = []
    for problem, mine in table.groupby("problem", sort=False):
        columns = ("runs", "hit", "budget", "diverged", "error", "stalled")
        rows = [
            [
                name_cell(facts, row["optimizer"]),
                *[Cell(f"{row[c]:,}", value=row[c]) for c in columns],
            ]
            for _, row in mine.iterrows()
        ]
        groups.append((str(problem), rows))
    head = ["Optimizer", "Runs", "Hit", "Budget", "Diverged", "Error", "Stalled"]
    caption = (
        f"Every run of every setting, on tune and evaluation seeds{_pictured(facts)}. Hit: below the "
        "target at the "
        "end. Budget: used up its updates without. Stalled: the gradient became exactly zero away "
        "from a minimum (where none is known, from the lowest loss seen). Nothing is left out."
    )
    inner = Table(
        caption, head, groups, frozenset(range(1, 7)), name="completeness",
        question="How did every run end?", finding=what_ran(table),
    )  # fmt: skip
    if len(table) < 2:
        return cut(inner)
    picture = drawings.completeness(facts.results, table, what_ran(table))
    how = (
        "Each bar is all runs of one optimizer on one problem, whatever their settings: filled held the "
        "target to the end, pale used up the budget without it, hatched diverged, black broke. A place "
        "without a bar was not asked for."
    )
    return [Figures([picture], how, "Is anything missing?", what_ran(table)), *cut(inner)]


def _pictured(facts: Facts) -> str:
    """What is counted at the top of the page and not among the runs that count."""
    pictures = int((facts.results.runs["role"] == "picture").sum())
    if not pictures:
        return ""
    return f"; besides them {plural(pictures, 'run')} from the usual start, for pictures only"


def limits(facts: Facts) -> list[Any]:
    items = [warning["text"] for warning in facts.warnings]
    chosen = facts.best[(facts.best["settings"] > 1) & (facts.best["chosen_on"] == "tune")]
    if len(chosen):
        tune = plural(int(facts.manifest["seeds"]["tune"]), "tune seed")
        select = (facts.manifest.get("tuning") or {}).get("select", "held")
        items.append(
            f"Where there was a choice, the setting was chosen on {tune}: the one with "
            f"{' '.join(selected_by(select, facts.manifest['problems']))}. It is shown on evaluation seeds that the choice has not seen."
        )
    items.append(_tested(facts))
    if any(p["cadence"] > 1 for p in facts.manifest["problems"]):
        items.append("A time is known only to the next recorded step; see the problems' table.")
    if facts.manifest.get("record") == "summary":
        kept = facts.results.curves["run_id"].nunique()
        items.append(
            f"Curves were kept of {plural(kept, 'run')}: those at the chosen and the default settings and a sample. "
            "Of all others what they came to was kept, told at the same recorded steps."
        )
    return [Notes(items)]


def _tested(facts: Facts) -> str:
    if facts.verdicts.empty:
        return (
            "No claim was declared before these runs, so nothing here is a test: the page describes "
            "what happened on these problems, these starts and these settings."
        )
    return (
        "Only the claims were tested, on these problems, on starts drawn like these and among the "
        "settings that were tried. All else on this page describes what happened, and was not asked "
        "before."
    )


def provenance(facts: Facts) -> list[Any]:
    m = facts.manifest
    counts = ", ".join(f"{count:,} {status}" for status, count in m["counts"].items())
    seeds = m["seeds"]
    rows = [
        ("Made", m["created"]),
        ("Command", m["command"]),
        ("Spec", f"{m['spec_file']}, hash {m['spec_hash']}"),
        ("Runs", f"{facts.count:,}: {counts}"),
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
        Table(
            "What made these results, from the spec to the processor.",
            ["What", "Value"],
            [("", cells)],
            name="provenance",
            question="What made these results?",
            finding=made_told(m, facts.count),
        ),
        Fold("The spec, as it was run", [Pre(m["spec"])]),
        Fold("The rules, as they were run", [Pre(_code(m))]),
    ]


def made_told(manifest: dict[str, Any], runs: int) -> str:
    """By what command, from what, how many runs."""
    total = manifest["timings"].get("total")
    took = f" in {total:,.1f} s" if isinstance(total, int | float) else ""
    versions = manifest["versions"]
    by = f" by optlab {versions['optlab']}" if "optlab" in versions else ""
    were = "was" if runs == 1 else "were"
    return (
        f"{plural(runs, 'run')} {were} made{by}{took} from {manifest['spec_file']}; the same again: "
        f"{manifest['command']}."
    )


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
