"""How an experiment was made, in plain data: what the report says besides its tables."""

from __future__ import annotations

import hashlib
import inspect
import itertools
import math
import shlex
import subprocess
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from optlab.causes import environment
from optlab.plan import cadence, lanes
from optlab.problems import Minimum
from optlab.rules import Rule
from optlab.spec import Contender, Experiment, Target, Task, Tuning
from optlab.tables import DIVERGENCE, coordinates
from optlab.worked import formulas

__all__ = ["manifest"]


def manifest(
    experiment: Experiment,
    minima: Mapping[str, Minimum | None],
    fingerprints: Mapping[str, Any],
    operations: Mapping[str, Mapping[str, int | None]] = MappingProxyType({}),
    **more: Any,
) -> dict[str, Any]:
    """Everything that is known of an experiment but its numbers; `more` is put in as it is. Numbers
    that JSON has no word for (NaN, infinity) become null."""
    known = {
        "name": experiment.name,
        "title": experiment.title,
        "question": experiment.question,
        "spec": experiment.text,
        "spec_file": experiment.path.name,
        "spec_hash": hashlib.sha256(experiment.text.encode()).hexdigest(),
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": shlex.join(["optlab", "run", experiment.path.name]),
        "problems": [
            _problem(experiment, t, minima[t.name])
            | {"fingerprint": fingerprints.get(t.name) or []}
            | {"operations": operations.get(t.name, {})}
            for t in experiment.tasks
        ],
        "optimizers": [_optimizer(experiment, c) for c in experiment.contenders],
        "seeds": {
            "tune": experiment.seeds.tune,
            "evaluate": experiment.seeds.evaluate,
            "experiment": experiment.seeds.experiment,
        }
        | ({"only": dict([experiment.seeds.only])} if experiment.seeds.only else {}),
        "tuning": _tuning(experiment),
        "precision": experiment.precision,
        "record": experiment.record.keep,
        "divergence": DIVERGENCE,
        "versions": {"optlab": version("optlab")}
        | {
            k: v
            for k, v in environment().items()
            if k not in ("processor", "features", "device", "flags")
        },
        "processor": environment()["processor"],
        "git": _commit(experiment.path.parent),
        **more,
    }
    return _plain(known)


def _tuning(experiment: Experiment) -> dict[str, Any]:
    """How settings were chosen; `staged` says that only what was chosen was evaluated."""
    tuning = experiment.tuning or Tuning()
    return {"trials": tuning.trials, "select": tuning.select, "staged": experiment.staged}


def _problem(experiment: Experiment, task: Task, minimum: Minimum | None) -> dict[str, Any]:
    problem, about = task.problem, task.problem.about
    return {
        "name": task.name,
        "family": problem.name,
        "parameters": _plain(problem.parameters),
        "dim": about.dim,
        "summary": about.summary,
        "source": about.source,
        "curvature": list(about.curvature) if about.curvature else None,
        "quadratic": about.quadratic,
        "separable": about.separable,
        "convex": about.convex,
        "minimum": None if minimum is None else {
            "value": minimum.value, "provenance": minimum.provenance, "error": minimum.error,
            "at": [list(point) for point in minimum.at],
        },
        "steps": task.steps,
        "cadence": cadence(experiment.record, task),
        # Runs side by side in what is compiled: the bits of a run are those of a block of this width.
        "lanes": {
            name: lanes(problem, experiment.precision)
            for name in task.optimizers
            if task.imported is None
        },
        "epoch_steps": problem.epoch,
        "targets": [_target(t, minimum) for t in task.targets],
        "decision": task.targets[0].label if task.targets else None,
        "optimizers": list(task.optimizers),
        "names": list(coordinates(task)) if about.dim <= 12 and problem.layout == "coordinates"
        else [],
        "window": problem.window,
        "notes": list(task.notes),
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """Mappings, lists and arrays as JSON knows them."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _target(target: Target, minimum: Minimum | None) -> dict[str, Any]:
    threshold: float | None = target.value
    if target.kind == "gap":
        threshold = None if minimum is None else minimum.value + target.value
    elif target.kind.endswith("_over_start"):
        threshold = None  # each start has its own
    return {
        "label": target.label, "metric": target.metric, "kind": target.kind,
        "value": target.value, "threshold": threshold,
    }  # fmt: skip


def _optimizer(experiment: Experiment, contender: Contender) -> dict[str, Any]:
    optimizer = contender.optimizer
    return {
        "name": contender.name,
        "rule": optimizer.name,
        "hypers": {name: _values(contender, name) for name in contender.sweep},
        "swept": list(contender.swept),
        "settings": contender.size,
        "search": {
            name: {"scale": r.scale, "low": r.low, "high": r.high}
            for name, r in contender.search.items()
        },
        "default": contender.default,
        "profile": {name: list(values) for name, values in contender.profile.items()},
        "citation": optimizer.citation,
        "convention": optimizer.convention,
        "summary": optimizer.summary,
        "limits": _limits(experiment, contender),
        "limit_formula": optimizer.limit_formula if isinstance(optimizer, Rule) else "",
        "formulas": formulas(optimizer.form) if optimizer.form is not None else [],
        "code": optimizer.form.source if optimizer.form is not None else "",
    }


def _values(contender: Contender, name: str) -> list[float]:
    """The values that one hyperparameter was tried at, in the order of the trials or of the grid."""
    if name in contender.search:
        place = list(contender.search).index(name)
        return [drawn[place] for drawn in contender.trials]
    return list(contender.sweep[name])


def _limits(experiment: Experiment, contender: Contender) -> dict[str, list[Any]]:
    """For each problem of constant curvature, the largest stable rate at each setting of the other
    hyperparameters."""
    limit = contender.optimizer.limit
    if limit is None:
        return {}
    needed = [name for name in inspect.signature(limit).parameters if name != "L"]
    found: dict[str, list[Any]] = {}
    for task in experiment.tasks:
        about = task.problem.about
        # With minibatches each step has a curvature of its own, and with noise nothing comes to rest.
        exact = about.quadratic and about.curvature is not None and not task.problem.random
        if not exact or contender.name not in task.optimizers:
            continue
        assert about.curvature is not None
        largest = about.curvature[1]
        tried = itertools.chain(contender.settings(), [contender.default])
        settings = {tuple(s[name] for name in needed) for s in tried}  # there may be millions
        found[task.name] = [
            [dict(zip(needed, values, strict=True)), float(limit(largest, *values))]
            for values in sorted(settings)
        ]
    return found


def _commit(folder: Path) -> str | None:
    """The git commit that `folder` is at, if it is in a repository and git is there."""
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True,
            timeout=5,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return asked.stdout.strip()
