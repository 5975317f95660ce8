"""A verdict in words, made from its numbers: what was claimed, what was seen, on how many seeds."""

from __future__ import annotations

import math
from typing import Any

from optlab.analysis.words import goal, listed, number, plural, steps
from optlab.measures import MEASURES, ROUNDING, Measure

__all__ = ["sentence", "side_name"]

Row = dict[str, Any]


def side_name(optimizer: str, selection: str) -> str:
    """`adam`, or `default adam`."""
    return f"default {optimizer}" if selection == "default" else optimizer


def sentence(row: Row, problem: dict[str, Any], manifest: dict[str, Any]) -> str:
    """`SUPPORTED on bowl: momentum ...`, from a row of verdicts."""
    verdict = str(row["verdict"])
    label = f" ({row['label']})" if verdict == "REFUTED" else ""
    text = f"{verdict}{label} on {row['problem']}: {_body(row, problem, manifest)}"
    looked = next((c.get("looked") for c in manifest["claims"] if c["id"] == row["claim"]), None)
    if looked:
        before = listed([f"{n:,}" for n in looked])
        text += f" Judged before on {before} seeds: looking again costs error that is not counted."
    return f"{text} Claimed after its runs had been stored (post hoc)." if row["post_hoc"] else text


def _body(row: Row, problem: dict[str, Any], manifest: dict[str, Any]) -> str:
    measure = MEASURES[row["measure"]]
    if str(row["method"]).endswith("over problems"):
        return _over_problems(row, measure)
    if row["method"] == "intersection-union":
        return _together(row, measure)
    what = _claimed(row, measure)
    if row["verdict"] == "NOT TESTED":
        return f"{what}: {row['label']}."
    if row["verdict"] in ("TRUE HERE", "FALSE HERE"):
        return f"{what}: {_seen(row, measure, problem)}. Exact, for this one start; it says nothing of others."
    if row["method"] == "one instance":
        return f"{what}: {_seen(row, measure, problem)}; {_needed(row)}."
    if row["kind"] in ("never", "sometimes"):
        return f"{what}: {_alone(row)}."
    parts = [_seen(row, measure, problem), _interval(row, measure), _margin(row, measure)]
    parts += [_settings(row, manifest), _correction(row), _needed(row)]
    return f"{what}: {'; '.join(part for part in parts if part)}."


def _claimed(row: Row, measure: Measure) -> str:
    a = side_name(row["a"], row["selection_a"])
    b = side_name(row["b"], row["selection_b"])
    by = f"by {measure.name}"
    if measure.timed:
        verb = "reaches" if measure.name == "steps_reached" else "holds"
        by = f"{verb} {goal(row['target'])}" if row["target"] else verb
        if row["kind"] == "better":
            return f"{a} {by} sooner than {b}"
        return (
            f"{a} and {b} {verb[:-1] if verb == 'holds' else 'reach'} {goal(row['target'])} alike"
        )
    if measure.binary:
        return {
            "better": f"{a} diverges more seldom than {b}",
            "equivalent": f"{a} and {b} diverge alike",
            "never": f"{a} never diverges",
            "sometimes": f"{a} diverges in some run",
        }[row["kind"]]
    if row["kind"] == "better":
        return f"{a} is better than {b} {by}"
    if row["kind"] == "equivalent":
        return f"{a} and {b} are alike {by}"
    over = f" of more than {number(row['margin'])} {measure.unit}" if row["margin"] else ""
    if row["kind"] == "never":
        return f"{a} never shows {measure.name}{over}"
    return f"{a} shows {measure.name}{over} in some run"


def _seen(row: Row, measure: Measure, problem: dict[str, Any]) -> str:
    """The medians, and in how many runs there is one."""
    exact = row["method"] == "one instance"
    if measure.binary:
        return _diverged(row, exact)
    if not row["b"]:
        return f"its {measure.name} is {_value(row['a_median'], measure, problem)}"
    a, b = (_value(row[f"{s}_median"], measure, problem) for s in "ab")
    unit = f" {measure.unit}" if measure.timed else ""
    text = f"{'' if exact else 'median '}{a} against {b}{unit}"
    n = row["n"]
    if not exact and (measure.timed or row["a_n"] < n or row["b_n"] < n):
        verb = {"steps_reached": "reached", "steps_held": "held"}.get(measure.name, "finite")
        text += f", {verb} in {row['a_n']} and {row['b_n']} of {n} runs"
    return text


def _diverged(row: Row, exact: bool) -> str:
    """How many runs diverged, of both sides or of one."""
    if not exact:
        n = row["n"]
        return f"diverged in {n - row['a_n']} and {n - row['b_n']} of {n} runs"
    sides = [("it", "a")] if not row["b"] else [(row["a"], "a"), (row["b"], "b")]
    did = ("diverged" if row[f"{side}_median"] else "did not diverge" for _, side in sides)
    return listed([f"{name} {what}" for (name, _), what in zip(sides, did, strict=True)])


def _value(value: float, measure: Measure, problem: dict[str, Any]) -> str:
    return steps(value, problem["steps"]) if measure.timed else number(value)


def _interval(row: Row, measure: Measure) -> str:
    """The effect with its corrected interval, in words that need no sign."""
    n = f"{plural(row['n'], 'paired seed')}"
    level = f"{100 * row['level']:.3g} % interval"
    if measure.scale == "ratio":
        times, least, most = (_factor(row[name]) for name in ("effect", "low", "high"))
        a, b = side_name(row["a"], row["selection_a"]), side_name(row["b"], row["selection_b"])
        over = f"{a} over {b}" if measure.higher else f"{b} over {a}"
        told = f"{over}: {times} times ({level} {least} to {most}, {n}, {row['method']})"
        return told + _counted(row, measure)
    effect, low, high = (_rounded(float(row[name])) for name in ("effect", "low", "high"))
    how = ("worse" if effect < 0 else "better") if effect else "apart"
    size = "unknown" if math.isnan(effect) else number(abs(effect))
    between = f"{level} {number(low)} to {number(high)}"
    return f"{how} by {size} {measure.unit} ({between}, {n}, {row['method']})"


def _counted(row: Row, measure: Measure) -> str:
    """What rounding counts as, where a median is no more than that: the ratio ends there."""
    floor = float(row["floor"])
    medians = [row[name] for name in ("a_median", "b_median") if row[name] is not None]
    if floor == 0 or not any(median <= floor for median in medians):
        return ""
    name = measure.name.replace("_", " ")
    return f", where a {name} of {number(floor)} or less is rounding and counts as that"


def _rounded(difference: float) -> float:
    """What is rounding is told as nothing: 1e-16 is neither better nor worse."""
    return 0.0 if abs(difference) < ROUNDING else difference


def _factor(effect: float) -> str:
    if math.isnan(effect):
        return "unknown"
    if math.isinf(effect):
        return "∞" if effect > 0 else "0"
    return number(10.0**effect)


def _margin(row: Row, measure: Measure) -> str:
    if measure.scale == "ratio":
        return f"margin {number(row['margin'])}×"
    return f"margin {number(row['margin'])}" if row["margin"] else ""


def _settings(row: Row, manifest: dict[str, Any]) -> str:
    """How fairly the settings were found."""
    tried = {o["name"]: o["settings"] for o in manifest["optimizers"]}
    sides = [(row["a"], row["selection_a"]), (row["b"], row["selection_b"])]
    tuned = {name: tried[name] for name, selection in sides if selection == "tuned"}
    counts = set(tuned.values())
    if not counts or counts == {1}:
        return ""
    if len(counts) == 1:
        both = "both tuned" if len(tuned) == 2 else f"{next(iter(tuned))} tuned"
        return f"{both} over {plural(counts.pop(), 'setting')} on other seeds"
    each = " and ".join(f"{name} over {count:,}" for name, count in tuned.items())
    return f"tuned unequally: {each} settings"


def _correction(row: Row) -> str:
    judged = row["judged"]
    return f"interval corrected for {judged} judgements a problem" if judged > 1 else ""


def _needed(row: Row) -> str:
    if row["verdict"] != "INCONCLUSIVE":
        return ""
    if row["label"].startswith("times"):
        return f"{row['label']}, which cannot tell them apart; record more often"
    if row["label"]:
        return str(row["label"])
    if row["method"] == "exact shares":
        return "more seeds are needed"
    return _seeds(row)


def _seeds(row: Row) -> str:
    needed = row["seeds_needed"]
    condition = f" if {row['alternative']}" if row["alternative"] else ""
    if needed is None or (isinstance(needed, float) and math.isnan(needed)):
        return f"no number of seeds up to 1,000 is likely to decide it{condition}"
    return f"about {int(needed):,} seeds in all would decide it{condition}"


def _alone(row: Row) -> str:
    n, hits = row["n"], row["a_n"]
    share = f"{hits} of {plural(n, 'run')}"
    low, high = (f"{100 * row[name]:.3g} %" for name in ("low", "high"))
    level = f"{100 * row['level']:.3g} %"
    text = f"seen in {share}; at {level} the share of all runs lies between {low} and {high}"
    if row["verdict"] == "INCONCLUSIVE":
        text += f"; {_seeds(row)}"
    return text


def _over_problems(row: Row, measure: Measure) -> str:
    a, b = side_name(row["a"], row["selection_a"]), side_name(row["b"], row["selection_b"])
    what = (
        f"{a} is {'like' if row['kind'] == 'equivalent' else 'better than'} {b} by {measure.name}"
    )
    if row["verdict"] == "NOT TESTED":
        return f"{what}: {row['label']}."
    interval = _interval(row, measure).replace("paired seeds", "problems")
    parts = [interval, _margin(row, measure), _correction(row)]
    return f"{what}, one effect for each problem: {'; '.join(p for p in parts if p)}."


def _together(row: Row, measure: Measure) -> str:
    a = side_name(row["a"], row["selection_a"])
    by = f"by {measure.name}" + (f" ({goal(row['target'])})" if row["target"] else "")
    weakest = {
        "SUPPORTED": "every comparison supports it",
        "TRUE HERE": "true against each, exact, for this one start",
    }.get(row["verdict"], row["label"])
    return f"{a} is better than every other {by}: {weakest}."
