"""Results written by hand for the tests of tables: losses in, the laboratory's layout out."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from optlab.results import Results

INF, NAN = math.inf, math.nan
LABEL = "goal"


def made(
    folder, losses, *, minimum=0.0, goal=0.1, rates=None, metrics=None, kind="loss", start="drawn",
    default=None, part="chosen", cadence=1, scale=1.0, status=None,
):  # fmt: skip
    """`losses[problem, optimizer, seed]` (or `[problem, optimizer, seed, rate]`) is a curve; NaN from
    where it diverged on. `metrics[name][key]` are further curves. Everything a table of runs says is
    counted here in plain loops. `goal` is a loss (`kind` "loss") or a share of the starting gap."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, points = [], []
    for key, curve in losses.items():
        problem, optimizer, seed, *rest = key
        rate = rest[0] if rest else 0.1
        run_id = "-".join(map(str, key))
        curve = [scale * value for value in curve]
        alive = [v for v in curve if not math.isnan(v)]
        diverged = len(alive) < len(curve)
        aim = -INF if goal is None else goal
        bound = scale * aim if kind == "loss" else aim * (curve[0] - scale * (minimum or 0.0))
        bound += scale * (minimum or 0.0) if kind != "loss" else 0.0
        met = [not math.isnan(v) and v <= bound for v in curve]
        reached = next((i * cadence for i, good in enumerate(met) if good), INF)
        held = next((i * cadence for i in range(len(met)) if all(met[i:])), INF)
        lows = [min(alive[: i + 1]) for i in range(len(alive))]
        rise = max(v - low for v, low in zip(alive, lows, strict=True))
        gap0 = alive[0] - scale * minimum if minimum is not None else abs(alive[0])
        said = "diverged" if diverged else "hit" if held < INF else "budget"
        rows.append(
            {
                "run_id": run_id, "problem": problem, "optimizer": optimizer, "hyper.lr": rate,
                "role": "evaluate", "part": part, "seed": seed, "start_kind": start,
                "steps_done": cadence * (len(alive) if diverged else len(curve) - 1),
                "grad_evals": cadence * (len(alive) if diverged else len(curve) - 1),
                "loss_first": alive[0], "loss_final": alive[-1], "loss_best": min(alive),
                "gap": alive[-1] - scale * minimum if minimum is not None else NAN,
                "diverged_at": cadence * len(alive) if diverged else NAN,
                "largest_rise": INF if diverged else (rise / gap0 if gap0 > 0 else NAN),
                f"reached.{LABEL}": reached, f"held.{LABEL}": held,
                f"worst_after.{LABEL}": NAN, "status": (status or {}).get(key, said),
                "stalled": False,
            }
        )  # fmt: skip
        if said == "error":
            continue
        for name, values in [("loss", alive), *((m, c[key]) for m, c in (metrics or {}).items())]:
            points += [
                (run_id, cadence * i, name, v) for i, v in enumerate(values) if not math.isnan(v)
            ]
    curves = pd.DataFrame(points, columns=["run_id", "step", "metric", "value"])
    curves = curves.astype({"run_id": "category", "metric": "category", "step": np.int32})
    curves.to_parquet(folder / "curves.parquet")
    problems = list(dict.fromkeys(key[0] for key in losses))
    optimizers = list(dict.fromkeys(key[1] for key in losses))
    budget = cadence * (len(next(iter(losses.values()))) - 1)
    known = None if minimum is None else {"value": scale * minimum, "error": 0.0}
    value = (goal or 0.0) * (scale if kind == "loss" else 1.0)
    target = {"label": LABEL, "metric": "loss", "kind": kind, "value": value}
    manifest = {
        "problems": [
            {"name": p, "optimizers": optimizers, "steps": budget, "cadence": cadence,
             "targets": [target] if goal is not None else [], "minimum": known,
             "decision": LABEL if goal is not None else None}
            for p in problems
        ],
        "optimizers": [
            {"name": o, "hypers": {"lr": list(rates or [0.1])}, "swept": ["lr"] if rates else [],
             "settings": len(rates or [0.1]), "default": default or {}}
            for o in optimizers
        ],
        "precision": "float64",
    }  # fmt: skip
    return Results(folder, pd.DataFrame(rows), manifest)


def best_of(results, rate=0.1):
    """A table of chosen settings that says `rate` for every optimizer; more than one was tried."""
    keys = results.runs[["problem", "optimizer"]].drop_duplicates()
    return keys.assign(**{"hyper.lr": rate}, settings=2).reset_index(drop=True)
