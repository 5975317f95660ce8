"""The loop that everyone writes: `torch.optim.Adam`, one run after another.

A few runs are timed and the rest is multiplied up; every run costs the same.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from cases import POINTS, Case

RUNS = 1
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)  # faster than many on work this small


def program(case: Case, inputs: dict[str, np.ndarray]) -> Callable[[], np.ndarray]:
    """A function that does the first few runs: losses `(points + 1, runs)`."""
    every = case.steps // POINTS
    data = None if case.hidden is None else (
        torch.tensor(inputs["X"]), torch.tensor(inputs["y"]).long()
    )  # fmt: skip
    order = torch.tensor(inputs["stream"]).long() if "stream" in inputs else None

    rates = inputs["hyper/lr"]
    betas = (float(inputs["hyper/beta1"][0]), float(inputs["hyper/beta2"][0]))
    eps = float(inputs["hyper/eps"][0])
    bowl = {k[5:]: torch.tensor(v) for k, v in inputs.items() if k.startswith("data/")}

    def one(lr: float) -> list[float]:
        params = _params(case, inputs)
        optimizer = torch.optim.Adam(params, lr=lr, betas=betas, eps=eps)
        losses = [_loss(case, params, data, bowl).item()]
        for t in range(case.steps):
            batch = None if data is None else (data[0][order[t]], data[1][order[t]])
            optimizer.zero_grad()
            _loss(case, params, batch, bowl).backward()
            optimizer.step()
            if (t + 1) % every == 0:
                with torch.no_grad():
                    losses.append(_loss(case, params, data, bowl).item())
        return losses

    return lambda: np.array([one(float(lr)) for lr in rates[:RUNS]]).T


def _params(case: Case, inputs: dict[str, np.ndarray]) -> list[torch.Tensor]:
    names = ["x"] if case.hidden is None else [n for n in inputs if n.startswith("start/")]
    arrays = [
        inputs[name][0] if name == "x" else inputs[name] for name in sorted(names, key=_layer)
    ]
    return [torch.tensor(array, requires_grad=True) for array in arrays]


def _layer(name: str) -> tuple[str, str]:
    return name[-1], {"w": "0", "b": "1"}.get(name[-2:-1], "")


def _loss(
    case: Case, params: list[torch.Tensor], batch: object, bowl: dict[str, torch.Tensor]
) -> torch.Tensor:
    if case.hidden is None:
        x = params[0]
        if bowl:
            return 0.5 * (bowl["curvature"] * (x - bowl["center"]) ** 2).sum()
        return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()
    h, y = batch  # type: ignore[misc]
    if len(params) == 1:
        return torch.nn.functional.cross_entropy(h @ params[0].T, y)
    for i in range(0, len(params), 2):
        h = torch.nn.functional.linear(h, params[i], params[i + 1])
        if i + 2 < len(params):
            h = torch.relu(h)
    return torch.nn.functional.cross_entropy(h, y)
