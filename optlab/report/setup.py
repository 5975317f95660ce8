"""What was compared, and how it was made: the sections that come last."""

from __future__ import annotations

from typing import Any

from optlab import analysis
from optlab.analysis.words import brief, goal, listed, number, pairs_text, plural
from optlab.report.blocks import Cell, Fold, Notes, Pre, Table, Text
from optlab.report.facts import Facts, name_cell

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
    return [Table(caption, head, [("", rows)]), *_tuning(facts), _settings(facts)]


def _settings(facts: Facts) -> Table:
    """What each was tried at, what was chosen of it, and what it is without choosing."""
    rows = []
    for optimizer in facts.manifest["optimizers"]:
        tried = "; ".join(_tried(optimizer, name) for name in optimizer["hypers"])
        rows.append(
            [
                name_cell(facts, optimizer["name"]),
                Cell(tried or "none", small=_how_many(optimizer)),
                _chosen_where(facts, optimizer),
                Cell(pairs_text(optimizer.get("default") or {}) or "–", whole=True),
            ]
        )
    caption = (
        "How each was set. Chosen: of what was tried, problem by problem; a choice at an edge of it may "
        "have a better one beyond. Default: what one gets without choosing, and what the spec fixes."
    )
    return Table(caption, ["Optimizer", "Tried", "Chosen", "Default"], [("", rows)])


def _tuning(facts: Facts) -> list[Any]:
    """How settings were chosen, in words."""
    swept = [o for o in facts.manifest["optimizers"] if o["settings"] > 1]
    if not swept:
        return []
    tuning = facts.manifest.get("tuning") or {}
    seeds = facts.manifest["seeds"]
    select = {
        "held": "the median time to hold the deciding target",
        "reached": "the median time to reach the deciding target",
        "loss": "the median last loss",
    }.get(tuning.get("select", "held"), f"the median last {tuning.get('select')}")
    counts = sorted({o["settings"] for o in swept})
    how = f"{listed([f'{n:,}' for n in counts])} settings"
    if tuning.get("trials"):
        how = f"{tuning['trials']:,} settings, drawn evenly over the ranges below,"
    on = plural(seeds["tune"], "tune seed")
    if (facts.best.loc[facts.best["settings"] > 1, "chosen_on"] == "evaluate").all():
        on = "the very runs that are shown, since there were no others"
    equal = "of each optimizer " if len(counts) == 1 else ""
    text = f"Tuning: {how} {equal}were tried on {on}, and the best chosen by {select}. "
    text += (
        f"The chosen setting then ran on {plural(seeds['evaluate'], 'seed')} that the choice had not "
        "seen, and so did the default setting and the curve over rates."
        if tuning.get("staged")
        else ""
    )
    return [Text(text.strip())]


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
    blocks: list[Any] = [Table(caption, head, [("", rows)])]
    notes = [f"{p['name']}: {note}" for p in facts.manifest["problems"] for note in p["notes"]]
    return [*blocks, Notes(notes)] if notes else blocks


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
            [name_cell(facts, row["optimizer"]), *[Cell(f"{row[c]:,}") for c in columns]]
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


def limits(facts: Facts) -> list[Any]:
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
    items.append(_tested(facts))
    if any(p["cadence"] > 1 for p in facts.manifest["problems"]):
        items.append("A time is known only to the next recorded step; see the problems' table.")
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
