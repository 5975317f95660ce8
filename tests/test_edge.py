"""Edges of stability against a table worked by hand, and theory against an experiment."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from optlab.analysis.edge import edge_sentence, stability_edges
from optlab.lab import run

MANIFEST = {
    "optimizers": [
        {"name": "sgd", "hypers": {"lr": [1.0, 1.9, 2.1, 3.0]}, "limits": {"bowl": [[{}, 2.0]]}},
        {"name": "adam", "hypers": {"lr": [1.0, 2.0]}, "limits": {}},
    ]
}


def _runs(statuses: dict[float, list[str]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "problem": "bowl",
                "optimizer": "sgd",
                "role": role,
                "status": s,
                "hyper.lr": lr,
                "run_id": f"{lr}-{role}",
            }
            for lr, row in statuses.items()
            for role, s in zip(["tune", "evaluate", "picture"], row, strict=True)
        ]
    )


def test_both_sides_are_counted() -> None:
    runs = _runs(
        {
            1.0: ["hit", "hit", "diverged"],  # a picture's run is not counted
            1.9: ["budget", "diverged", "hit"],
            2.1: ["budget", "diverged", "hit"],
            3.0: ["diverged", "error", "hit"],
        }
    )
    (row,) = stability_edges(runs, MANIFEST).to_dict("records")
    assert (row["below"], row["below_diverged"]) == (4, 1)
    assert (row["above"], row["above_diverged"]) == (3, 2)
    assert (row["largest_stable"], row["smallest_diverged"]) == (1.0, 1.9)
    sentence = edge_sentence(stability_edges(runs, MANIFEST))
    assert "2 of 3 runs above it diverged and 1 of 4 below it" in sentence


def test_a_limit_outside_the_grid_is_left_out() -> None:
    runs = _runs({1.0: ["hit"] * 3, 1.9: ["hit"] * 3})
    assert stability_edges(runs, MANIFEST).empty
    assert edge_sentence(stability_edges(runs, MANIFEST)) == ""


def test_nothing_diverged() -> None:
    (row,) = stability_edges(_runs({1.0: ["hit"] * 3, 3.0: ["hit"] * 3}), MANIFEST).to_dict(
        "records"
    )
    assert row["largest_stable"] == 3.0
    assert pd.isna(row["smallest_diverged"])


@pytest.mark.parametrize("rotated", ["false", "true"])
def test_runs_diverge_where_theory_says(tmp_path: Path, rotated: str) -> None:
    """2/L, 2(1+b)/L and 2(1+b)/((1+2b)L), half a percent to either side, with L = 4."""
    spec = tmp_path / "edge.yaml"
    spec.write_text(
        "title: edge\nsteps: 6000\nseeds: 2\nrecord: {points: 10}\nproblems:\n"
        f"  - bowl: {{use: quadratic, dim: 3, condition: 10, largest: 4, rotated: {rotated}}}\n"
        "optimizers:\n"
        "  - sgd: {lr: [0.4975, 0.5025]}\n"
        "  - momentum: {beta: 0.9, lr: [0.94525, 0.95475]}\n"
        "  - momentum_pytorch: {beta: 0.5, lr: [0.74625, 0.75375]}\n"
        "  - nesterov: {beta: 0.9, lr: [0.337589, 0.340982]}\n"
    )
    results = run(spec, tmp_path / "out")
    edges = stability_edges(results.runs, results.manifest)
    assert len(edges) == 4
    assert (edges["below_diverged"] == 0).all()
    assert (edges["above_diverged"] == edges["above"]).all()
