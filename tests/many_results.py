"""Results of any number of optimizers and problems, made of a small folder by writing its runs again under
other names, with other losses: what figures and reports must stay readable for."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pandas as pd

from optlab.results import Results

LONG = "an optimizer with a name of very many words, as some people like to give them to theirs {}"


def many(results: Results, optimizers: int, problems: int, name: str = "o{}") -> Results:
    """`results` with its optimizers and problems repeated in turn under new names until there are so many;
    each copy has its losses times a factor of its own."""
    manifest = copy.deepcopy(results.manifest)
    old_problems, old_optimizers = manifest["problems"], manifest["optimizers"]
    new_problems = {
        f"p{i} {old_problems[i % len(old_problems)]['name']}": i for i in range(problems)
    }
    new_optimizers = {name.format(i): i for i in range(optimizers)}
    manifest["problems"] = [
        old_problems[i % len(old_problems)] | {"name": n, "optimizers": list(new_optimizers)}
        for n, i in new_problems.items()
    ]
    manifest["optimizers"] = [
        old_optimizers[i % len(old_optimizers)] | {"name": n, "limits": {}}
        for n, i in new_optimizers.items()
    ]
    runs, curves, paths, pictures = [], [], [], {}
    for problem, i in new_problems.items():
        here = old_problems[i % len(old_problems)]["name"]
        if here in results.pictures:
            pictures[problem] = results.pictures[here]
        for optimizer, j in new_optimizers.items():
            there = old_optimizers[j % len(old_optimizers)]["name"]
            mine = results.runs[
                (results.runs["problem"] == here) & (results.runs["optimizer"] == there)
            ]
            mark, factor = f"-{i}-{j}", 1 + 0.07 * j + 0.01 * i
            losses = {c: mine[c] * factor for c in ("loss_first", "loss_final", "loss_best", "gap")}
            runs.append(
                mine.assign(
                    problem=problem, optimizer=optimizer, run_id=mine["run_id"] + mark, **losses
                )
            )
            found = results.curves[results.curves["run_id"].isin(mine["run_id"])]
            curves.append(
                found.assign(run_id=found["run_id"] + mark, value=found["value"] * factor)
            )
            walked = results.paths[results.paths["run_id"].isin(mine["run_id"])]
            paths.append(walked.assign(run_id=walked["run_id"] + mark))
    made = replace(
        results,
        folder=Path(),
        runs=pd.concat(runs, ignore_index=True),
        manifest=manifest,
        pictures=pictures,
    )
    vars(made)["curves"] = pd.concat(curves, ignore_index=True)
    vars(made)["paths"] = pd.concat(paths, ignore_index=True)
    return made
