"""All that the interactive part is given: tables whole, curves as far as there is room for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optlab.analysis import is_better_high, profiles
from optlab.analysis import metrics as recorded_metrics
from optlab.analysis.words import goal, listed, plural
from optlab.report.animation import contours
from optlab.report.blocks import Explore
from optlab.report.explore.curves import Curves, coded, fewer
from optlab.report.explore.runs import (
    PARTS,
    ROLES,
    STATUSES,
    cut,
    one_row_each,
    run_columns,
    setting_place,
    settings_of,
)
from optlab.report.explore.singles import optimizer_entry, problem_entry, spec_tree
from optlab.report.facts import Facts

__all__ = ["explore", "payload"]

ROOM = 90_000
"""Numbers that curves may take, and so many more for each run: by measurement under 2 bytes each in the
page."""
ROOM_A_RUN = 1
MOST_RUNS = 120_000
"""Runs that the page holds; of more, all those at chosen and default settings and an even choice."""
_PATHS = 60_000
_STEP_METRICS = ("grad_norm", "step_norm", "step_cosine")


def explore(facts: Facts) -> list[Any]:
    """The block, where anything ran."""
    if not len(facts.results.runs):
        return []
    data, told = payload(facts)
    return [Explore(data, told)]


def payload(facts: Facts) -> tuple[dict[str, Any], str]:
    """What the page's script reads, and in words what of all there is it holds."""
    manifest = facts.manifest
    every = one_row_each(facts.results.runs)
    rows = _held(every, facts)
    place, settings = settings_of(rows, manifest)
    chosen = setting_place(facts.best, manifest, settings)
    default = setting_place(_default(facts), manifest, settings)
    rows = rows.assign(setting=place, **_selected(rows, place, chosen, default, manifest))
    curves = Curves(facts.results.curves, "metric", rows)
    drawn, told = _curves(rows, curves, manifest)
    paths, walked = _paths(facts, rows)
    data = {
        "name": manifest["name"],
        "problems": _problems(facts, curves, rows),
        "optimizers": _optimizers(facts),
        "settings": settings,
        "chosen": chosen,
        "default": default,
        "costs": {name: _costs(facts, name) for name in ("tuned", "default")},
        "roles": ROLES,
        "parts": PARTS,
        "statuses": STATUSES,
        "runs": run_columns(rows, place, manifest),
        "curves": drawn,
        "paths": paths,
        "experiment": manifest["seeds"]["experiment"],
        "only": next(iter(manifest["seeds"].get("only") or {}), ""),
        "spec_file": manifest.get("spec_file") or "",
    }
    rest = ", and evenly chosen of the rest" if len(rows) >= MOST_RUNS else ""
    which = "" if len(rows) == len(every) else f" (those at chosen and default settings{rest})"
    text = f"{plural(len(rows), 'run')} of {len(every):,} in the tables{which}. Curves: {told}."
    text += f" Paths: {walked}." if walked else ""
    return data, text


def _held(every: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """The runs that the page holds, in their order."""
    if len(every) <= MOST_RUNS:
        return every
    shown = {*facts.chosen["run_id"], *facts.default_runs["run_id"]}
    keep = every["run_id"].isin(shown).to_numpy(copy=True)
    rest = np.flatnonzero(~keep)
    room = max(MOST_RUNS - int(keep.sum()), 0)
    keep[rest[np.linspace(0, len(rest) - 1, room).astype(int)]] = True
    return every[keep].reset_index(drop=True)


def _default(facts: Facts) -> pd.DataFrame:
    """The default settings that were run, those of optimizers with one setting among them."""
    single = facts.best[facts.best["settings"] == 1]
    parts = [table for table in (facts.defaults, single) if len(table)]
    return pd.concat(parts, ignore_index=True) if parts else facts.best.iloc[:0]


def _selected(
    rows: pd.DataFrame,
    place: np.ndarray,
    chosen: list[list[int]],
    default: list[list[int]],
    manifest: dict[str, Any],
) -> dict[str, np.ndarray]:
    """Whether each row is an evaluation run at the chosen, at the default setting."""
    problems = [p["name"] for p in manifest["problems"]]
    optimizers = [o["name"] for o in manifest["optimizers"]]
    at = (rows["problem"].map(problems.index), rows["optimizer"].map(optimizers.index))
    reported = (rows["role"] == "evaluate").to_numpy()
    return {
        "tuned": reported & (np.array(chosen)[at] == place),
        "plain": reported & (np.array(default)[at] == place),
    }


def _costs(facts: Facts, selection: str) -> list[list[float | None]]:
    """Problems by optimizers: the median time to hold the deciding target, as the report judges by;
    exactly, since ties count."""
    table = profiles.target_costs(facts.scores, facts.manifest, selection=selection)
    names = [o["name"] for o in facts.manifest["optimizers"]]
    table = table.reindex(index=[p["name"] for p in facts.manifest["problems"]], columns=names)
    return [cut(line, 17) for line in table.to_numpy(float)]


# --- what was compared ---


def _problems(facts: Facts, curves: Curves, rows: pd.DataFrame) -> list[dict[str, Any]]:
    tree = spec_tree(facts.manifest)
    out = []
    names = [optimizer["name"] for optimizer in facts.manifest["optimizers"]]
    recorded = recorded_metrics(facts.results.curves)
    for problem in facts.manifest["problems"]:
        minimum = problem.get("minimum")
        mine = np.flatnonzero((rows["problem"] == problem["name"]).to_numpy())
        out.append(
            {
                "name": problem["name"],
                "dim": problem["dim"],
                "summary": problem.get("summary") or "",
                "minimum": minimum["value"] if minimum else None,
                "steps": problem["steps"],
                "epoch": problem.get("epoch_steps"),
                "operations": [problem.get("operations", {}).get(name) for name in names],
                "targets": [_target(t, minimum) for t in problem["targets"]],
                "decision": problem.get("decision") or "",
                "goal": goal(problem.get("decision") or ""),
                "rising": [m for m in recorded if is_better_high(m, problem["targets"])],
                "spec": problem_entry(
                    tree, problem, facts.manifest, curves.kinds_of(curves.has(mine)[:1])
                ),
                "plane": _plane(facts, problem),
            }
        )
    return out


def _target(target: dict[str, Any], minimum: dict[str, Any] | None) -> dict[str, Any]:
    """A target and, where it is one height for all runs, that height on the axis of its metric."""
    threshold = target.get("threshold")
    if threshold is not None and target["metric"] == "loss" and minimum:
        threshold -= minimum["value"]
    return {"label": target["label"], "metric": target["metric"], "height": threshold}


def _plane(facts: Facts, problem: dict[str, Any]) -> dict[str, Any] | None:
    """The loss on the plane as lines of equal height, for problems of two coordinates."""
    picture = facts.results.pictures.get(problem["name"])
    if picture is None or problem["dim"] != 2:
        return None
    x, y, z = (np.asarray(part, dtype=float) for part in picture)
    minimum = problem.get("minimum")
    floor = minimum["value"] if minimum else float(np.nanmin(z))
    return {
        "window": [float(x.min()), float(x.max()), float(y.min()), float(y.max())],
        "names": list(problem.get("names") or ["x1", "x2"]),
        "contours": contours(x, y, z - floor)[::2],
        "minima": [list(p) for p in (minimum or {}).get("at") or [] if len(p) == 2],
    }


def _optimizers(facts: Facts) -> list[dict[str, Any]]:
    tree = spec_tree(facts.manifest)
    out = []
    for optimizer in facts.manifest["optimizers"]:
        look = facts.looks[optimizer["name"]]
        dash = [] if look.dash == "-" else [float(part) for part in look.dash[1]]
        out.append(
            {
                "name": optimizer["name"],
                "day": look.color,
                "night": look.dark,
                "marker": look.marker,
                "dash": dash,
                "spec": optimizer_entry(tree, optimizer),
            }
        )
    return out


# --- curves ---


def _curves(
    rows: pd.DataFrame, curves: Curves, manifest: dict[str, Any]
) -> tuple[list[dict[str, Any]], str]:
    """Curves of as many runs as there is room for, what matters most first, and in words which."""
    room = ROOM + ROOM_A_RUN * len(rows)
    others = [kind for kind in curves.kinds if kind != "loss"]
    others.sort(key=lambda kind: kind in _STEP_METRICS)
    tuned, plain, single, rest = (curves.has(group) for group in _groups(rows))
    out: list[dict[str, Any]] = []
    told = []
    plans = [
        ("the loss at chosen settings", tuned, ["loss"], 0.4, 200, 24),
        ("the loss at default settings", plain, ["loss"], 0.25, 80, 24),
        ("the loss of one run of each other setting", single, ["loss"], 0.6, 60, 24),
        ("other measures at chosen settings", tuned, others, 0.5, 60, 16),
        ("the loss of the other runs", rest, ["loss"], 1.0, 60, 24),
    ]
    for what, group, metrics, share, most, least in plans:
        if not len(group) or not metrics:
            continue
        kept, points = fewer(group, int(room * share) // len(metrics), least, most)
        made = [c for m in metrics for c in _coded(rows, curves, kept, m, points, manifest)]
        room -= sum(len(row) for part in made for row in part["values"])
        out += made
        told.append(f"{what}, {_share(len(kept), len(group))}" + _points(made, points))
    return out, "; ".join(told) or "none recorded"


def _groups(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The rows at chosen settings, at default ones, one of each other setting (an evaluation run where
    there is one), and all others."""
    tuned = rows["tuned"].to_numpy()
    plain = rows["plain"].to_numpy() & ~tuned
    left = rows[~tuned & ~plain]
    order = left.assign(rank=left["role"].map({"evaluate": 0, "tune": 1, "picture": 2}))
    order = order.sort_values(["rank", "seed"], kind="stable")
    single = np.zeros(len(rows), dtype=bool)
    single[order.drop_duplicates(["problem", "optimizer", "setting"]).index] = True
    return (
        np.flatnonzero(tuned),
        np.flatnonzero(plain),
        np.flatnonzero(single),
        np.flatnonzero(~(tuned | plain | single)),
    )


def _coded(
    rows: pd.DataFrame,
    curves: Curves,
    kept: np.ndarray,
    metric: str,
    points: int,
    manifest: dict[str, Any],
) -> list[dict[str, Any]]:
    """One entry a problem: the steps, and a coded row for each run."""
    out = []
    names = rows["problem"].to_numpy()
    for place, problem in enumerate(manifest["problems"]):
        mine = kept[names[kept] == problem["name"]]
        if not len(mine):
            continue
        steps, values = curves.matrix(mine, metric, points)
        there = np.isfinite(values).any(axis=1)
        if not there.any():
            continue
        mine, values = mine[there], values[there]
        minimum = problem.get("minimum") if metric == "loss" else None
        if minimum:
            values = values - minimum["value"]
        finite = values[np.isfinite(values)]
        logarithmic = minimum is not None or (finite.min() >= 0 and "accuracy" not in metric)
        unit = None if logarithmic else _unit(finite)
        out.append(
            {
                "problem": place,
                "metric": metric,
                "unit": unit,
                "steps": steps.tolist(),
                "runs": np.diff(mine, prepend=0).tolist(),
                "values": coded(values, unit),
            }
        )
    return out


def _unit(values: np.ndarray) -> float:
    """Four digits of the largest, unless that has blown up."""
    usual = float(np.quantile(np.abs(values), 0.95)) or 1.0
    return float(f"{usual * 1e-4:.1g}")


def _share(kept: int, all_: int) -> str:
    return f"all {all_:,}" if kept == all_ else f"{kept:,} of {all_:,}, evenly chosen"


def _points(made: list[dict[str, Any]], points: int) -> str:
    longest = max((len(part["steps"]) for part in made), default=0)
    return f" at up to {plural(min(points, longest), 'point')}" if longest else ""


# --- paths ---


def _paths(facts: Facts, rows: pd.DataFrame) -> tuple[list[dict[str, Any]], str]:
    """Walks in the plane: those from the textbook's start and at chosen settings, then others."""
    planes = [p for p in facts.manifest["problems"] if p["dim"] == 2]
    if not planes or not len(facts.results.paths):
        return [], ""
    walks = Curves(facts.results.paths, "coordinate", rows)
    names = rows["problem"].to_numpy()
    here = np.isin(names, [p["name"] for p in planes])
    first = rows["tuned"].to_numpy() | (rows["role"] == "picture").to_numpy()
    groups = [np.flatnonzero(here & first), np.flatnonzero(here & ~first)]
    out: list[dict[str, Any]] = []
    told, room = [], _PATHS
    for what, group in zip(
        ("at chosen settings and from the usual start", "others"), groups, strict=True
    ):
        group = walks.has(group)
        kept, points = fewer(group, int(room * (0.3 if what != "others" else 0.5)), 24, 120)
        if not len(kept):
            continue
        for place, problem in enumerate(facts.manifest["problems"]):
            mine = kept[names[kept] == problem["name"]]
            if len(mine):
                out += _walks(walks, mine, place, points)
        room = max(0, room - 2 * points * len(kept))
        told.append(f"{what}, {_share(len(kept), len(group))} at up to {plural(points, 'point')}")
    return out, listed(told)


def _walks(walks: Curves, mine: np.ndarray, place: int, points: int) -> list[dict[str, Any]]:
    kinds = walks.kinds_of(mine)
    if len(kinds) != 2:
        return []
    found = [walks.matrix(mine, kind, points) for kind in sorted(kinds)]
    if len(found[0][0]) != len(found[1][0]):
        return []
    finite = np.concatenate([v[np.isfinite(v)] for _, v in found])
    unit = _unit(finite)
    # A walk that leaves is kept near, so that its numbers stay short.
    bound = 100 * (float(np.quantile(np.abs(finite), 0.95)) or 1.0)
    x, y = (coded(np.clip(v, -bound, bound), unit) for _, v in found)
    steps = found[0][0].tolist()
    return [
        {"problem": place, "unit": unit, "steps": steps,
         "runs": np.diff(mine, prepend=0).tolist(), "x": x, "y": y}
    ]  # fmt: skip
