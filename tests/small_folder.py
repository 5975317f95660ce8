"""A small folder of results for the tests of analysis, figures and report: real optimizers on real
losses, computed here with NumPy in float64, written in the layout of `optlab.results`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

RULES = {
    "sgd": lambda x, g, s, t, h: (x - h["lr"] * g, s),
    "momentum": lambda x, g, s, t, h: _momentum(x, g, s, h),
    "rmsprop": lambda x, g, s, t, h: _rmsprop(x, g, s, h),
    "adam": lambda x, g, s, t, h: _adam(x, g, s, t, h),
}
HYPERS = {
    "sgd": {"lr": None},
    "momentum": {"lr": None, "beta": [0.9]},
    "rmsprop": {"lr": None, "beta": [0.9], "eps": [1e-8]},
    "adam": {"lr": None, "beta1": [0.9], "beta2": [0.99], "eps": [1e-8]},
}
FORMULAS = {
    "sgd": [r"x_t = x_{t-1} - \eta\, g_t"],
    "momentum": [r"v_t = \beta v_{t-1} + \eta\, g_t", r"x_t = x_{t-1} - v_t"],
    "rmsprop": [
        r"s_t = \beta s_{t-1} + (1 - \beta) g_t^{2}",
        r"x_t = x_{t-1} - \frac{\eta\, g_t}{\sqrt{s_t + \epsilon}}",
    ],
    "adam": [
        r"m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t",
        r"v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^{2}",
        r"\hat{m}_t = \frac{m_t}{1 - \beta_1^{t}}",
        r"x_t = x_{t-1} - \frac{\eta\, \hat{m}_t}{\sqrt{\hat{v}_t} + \epsilon}",
    ],
}
CURVATURE = np.array([0.1, 1.0])
CENTER = np.array([1.0, -0.5])


def _momentum(x, g, s, h):
    v = h["beta"] * s.get("v", 0.0) + h["lr"] * g
    return x - v, {"v": v}


def _rmsprop(x, g, s, h):
    v = h["beta"] * s.get("v", 0.0) + (1 - h["beta"]) * g**2
    return x - h["lr"] * g / np.sqrt(v + h["eps"]), {"v": v}


def _adam(x, g, s, t, h):
    m = h["beta1"] * s.get("m", 0.0) + (1 - h["beta1"]) * g
    v = h["beta2"] * s.get("v", 0.0) + (1 - h["beta2"]) * g**2
    m_hat, v_hat = m / (1 - h["beta1"] ** t), v / (1 - h["beta2"] ** t)
    return x - h["lr"] * m_hat / (np.sqrt(v_hat) + h["eps"]), {"m": m, "v": v}


def bowl(x):
    offset = (x.T - CENTER).T
    return 0.5 * (CURVATURE[:, None] * offset.reshape(2, -1) ** 2).sum(0).reshape(x.shape[1:])


def valley(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def network(x):
    """The assignment's: 5 - relu(w2 relu(2 w1 + b1) + b2), half its square."""
    h = np.maximum(0, 2 * x[0] + x[1])
    return 0.5 * (5 - np.maximum(0, h * x[2] + x[3])) ** 2


def _bowl_gradient(x):
    return CURVATURE * (x - CENTER)


def _valley_gradient(x):
    bend = x[1] - x[0] ** 2
    return np.array([-2 * (1 - x[0]) - 400 * x[0] * bend, 200 * bend])


def _network_gradient(x):
    z = 2 * x[0] + x[1]
    h = max(0.0, z)
    out = h * x[2] + x[3]
    d = -(5 - max(0.0, out)) * (out > 0)
    dz = d * x[2] * (z > 0)
    return np.array([2 * dz, dz, d * h, d])


PROBLEMS = {
    "bowl": {
        "loss": bowl, "gradient": _bowl_gradient, "usual": [-2.0, 2.0], "names": ["x1", "x2"],
        "curvature": [0.1, 1.0], "convex": True, "window": [[-4, 4], [-4, 4]],
    },
    "valley": {
        "loss": valley, "gradient": _valley_gradient, "usual": [-1.2, 1.0],
        "names": ["x1", "x2"], "curvature": None, "convex": False, "window": [[-2, 2], [-1, 3]],
    },
    "relu network": {
        "loss": network, "gradient": _network_gradient, "given": [0.5, 0.0, 0.3, 0.0],
        "names": ["w1", "b1", "w2", "b2"], "curvature": None, "convex": False,
    },
}  # fmt: skip


def write_folder(
    folder: Path,
    *,
    problems=("bowl", "valley", "relu network"),
    optimizers=("sgd", "momentum", "rmsprop", "adam"),
    rates=(0.001, 0.01, 0.1, 1.0, 10.0),
    tune=3,
    evaluate=6,
    steps=200,
    threshold=1e-2,
    known=True,
    name="small",
    title="A small comparison",
    question="Which is fastest, and which most stable?",
    worked=(),
    **over,
) -> Path:
    """Run it all and write the folder. `threshold=None` sets no target, `known=False` no f*."""
    folder.mkdir(parents=True, exist_ok=True)
    runs, curves, paths, pictures = [], [], [], {}
    label = f"loss <= {threshold:g}" if threshold is not None else None
    for problem in problems:
        about = PROBLEMS[problem]
        jobs = [("tune", "drawn", seed) for seed in range(tune)]
        jobs += [("evaluate", "drawn", seed) for seed in range(evaluate)]
        if "usual" in about:
            jobs.append(("picture", "usual", 0))
        if "given" in about:
            jobs = [("evaluate", "given", 0)]
        for optimizer in optimizers:
            hypers = {k: v or list(rates) for k, v in HYPERS[optimizer].items()}
            for rate in rates:
                setting = {k: (rate if k == "lr" else v[0]) for k, v in hypers.items()}
                for role, kind, seed in jobs:
                    row, points, path = _run(problem, about, optimizer, setting, role, kind, seed,
                                             steps, threshold, label, known)  # fmt: skip
                    runs.append(row)
                    curves.append(points)
                    if path is not None:
                        paths.append(path)
        if "window" in about:
            (low, high), (down, up) = about["window"]
            x, y = np.linspace(low, high, 61), np.linspace(down, up, 61)
            pictures |= {f"{problem}/x": x, f"{problem}/y": y}
            pictures[f"{problem}/z"] = about["loss"](np.stack(np.meshgrid(x, y)))
    table = pd.DataFrame(runs)
    table.to_parquet(folder / "runs.parquet")
    long = pd.concat(curves, ignore_index=True)
    long["metric"] = long["metric"].astype("category")
    long.to_parquet(folder / "curves.parquet")
    empty = pd.DataFrame(columns=["run_id", "step", "coordinate", "value"])
    (pd.concat(paths, ignore_index=True) if paths else empty).to_parquet(folder / "paths.parquet")
    if pictures:
        np.savez(folder / "pictures.npz", **pictures)
    if worked:
        (folder / "worked.json").write_text(json.dumps(list(worked)), encoding="utf-8")
    manifest = {
        "name": name, "title": title, "question": question,
        "spec": f"title: {title}\nsteps: {steps}\n", "spec_file": f"experiments/{name}.yaml",
        "spec_hash": "0f" * 16, "created": "2026-11-22T21:00:00+00:00",
        "problems": [_problem(p, steps, optimizers, threshold, label, known) for p in problems],
        "optimizers": [_optimizer(o, rates, problems) for o in optimizers],
        "seeds": {"tune": tune, "evaluate": evaluate, "experiment": 0}, "precision": "float64",
        "divergence": "not finite, or gap above 1e8 times its start",
        "versions": {"optlab": "0.1.0", "numpy": np.__version__}, "processor": "a processor",
        "git": None, "timings": {"total": 1.25, "compile": 0.5}, "command": f"optlab run {name}",
        "counts": {s: int((table["status"] == s).sum())
                   for s in ("hit", "budget", "diverged", "error")},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest | over), encoding="utf-8")
    return folder


def _problem(name, steps, optimizers, threshold, label, known):
    about = PROBLEMS[name]
    minimum = {"value": 0.0, "provenance": "closed form", "error": 0.0, "at": [[1.0, -0.5]]}
    if name == "valley":
        minimum["at"] = [[1.0, 1.0]]
    return {
        "name": name, "family": name, "parameters": {"condition": 10}, "dim": len(about["names"]),
        "summary": f"the {name}", "source": "a book", "curvature": about["curvature"],
        "separable": name == "bowl", "convex": about["convex"],
        "minimum": minimum if known else None, "steps": steps, "cadence": 1, "epoch_steps": None,
        "targets": [] if threshold is None else [
            {"label": label, "metric": "loss", "kind": "loss", "value": threshold,
             "threshold": threshold}],
        "decision": label, "optimizers": list(optimizers), "names": about["names"],
        "window": about.get("window"), "fingerprint": "ab" * 8, "notes": [],
    }  # fmt: skip


def _optimizer(name, rates, problems):
    hypers = {k: v or list(rates) for k, v in HYPERS[name].items()}
    limits = {}
    if name in ("sgd", "momentum") and "bowl" in problems:
        setting = {k: v[0] for k, v in hypers.items() if k != "lr"}
        limits = {"bowl": [[setting, 2.0 if name == "sgd" else 3.8]]}
    return {
        "name": name, "rule": name, "hypers": hypers, "swept": ["lr"] if len(rates) > 1 else [],
        "settings": len(rates), "citation": f"The {name} paper, 1964", "summary": f"{name} steps.",
        "convention": f"the rate as {name} has it", "limits": limits, "limit_formula": "2 / L",
        "formulas": FORMULAS[name], "code": f"def {name}(x, g): ...",
    }  # fmt: skip


def _run(problem, about, optimizer, setting, role, kind, seed, steps, threshold, label, known):
    if kind == "drawn":
        stream = np.random.default_rng([{"tune": 0, "evaluate": 1}[role], seed])
        x = stream.uniform(-2, 2, 2)
    else:
        x = np.array(about["usual" if kind == "usual" else "given"])
    state, losses, points, diverged = {}, [], [], None
    with np.errstate(all="ignore"):
        for t in range(steps + 1):
            loss = float(about["loss"](x))
            if not np.isfinite(loss) or loss > 1e8 * max(1.0, losses[0] if losses else loss):
                diverged = t
                break
            losses.append(loss)
            points.append(x)
            if t < steps:
                x, state = RULES[optimizer](x, about["gradient"](x), state, t + 1, setting)
    cause = json.dumps([problem, optimizer, setting, role, kind, seed])
    run_id = hashlib.sha256(cause.encode()).hexdigest()[:16]
    loss = np.array(losses)
    status = "diverged" if diverged is not None else "budget"
    times = {}
    if label is not None:
        below = loss <= threshold
        reached = int(below.argmax()) if below.any() else np.inf
        held = np.inf
        if diverged is None and below[-1]:
            held = 0 if below.all() else len(below) - int((~below[::-1]).argmax())
            status = "hit"
        worst = loss[reached:].max() if np.isfinite(reached) else np.nan
        times = {f"reached.{label}": float(reached), f"held.{label}": float(held),
                 f"worst_after.{label}": worst}  # fmt: skip
    row = {
        "run_id": run_id, "problem": problem, "optimizer": optimizer, "rule": optimizer,
        **{f"hyper.{n}": setting.get(n, np.nan) for n in ("lr", "beta", "beta1", "beta2", "eps")},
        "role": role, "seed": seed, "start_kind": kind, "status": status, "stalled": False,
        "part": {"tune": "trial", "evaluate": "grid", "picture": "picture"}[role],
        "steps_done": len(loss) - 1, "grad_evals": len(loss) - 1, "loss_first": loss[0],
        "loss_final": loss[-1], "loss_best": loss.min(), "gap": loss[-1] if known else np.nan,
        **times, "diverged_at": np.nan if diverged is None else diverged,
        "largest_rise": float((loss - np.minimum.accumulate(loss)).max() / loss[0]),
    }  # fmt: skip
    curve = pd.DataFrame({"run_id": run_id, "step": np.arange(len(loss)), "metric": "loss",
                          "value": loss})  # fmt: skip
    return row, curve, None if kind == "drawn" else _path(run_id, np.array(points), about["names"])


def _path(run_id, points, names):
    return pd.DataFrame({
        "run_id": run_id, "step": np.tile(np.arange(len(points)), len(names)),
        "coordinate": np.repeat(names, len(points)), "value": points.T.ravel(),
    })  # fmt: skip
