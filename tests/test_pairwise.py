"""Pairs of optimizers, seed by seed: against differences written down by hand and closed forms."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from small_folder import write_folder

from optlab import analysis
from optlab.analysis.pairwise import differences, pairwise
from optlab.analysis.verdicts import verdicts
from optlab.results import load
from optlab.spec import Claim, Side

HELD = "held.loss <= 0.01"


def folder(path, times, claim=None):
    """Eight seeds on the bowl whose times to hold the target are those given, optimizer -> times."""
    folder = write_folder(path, problems=["bowl"], optimizers=list(times), rates=[0.1, 1.0], tune=2,
                          evaluate=8, steps=50)  # fmt: skip
    runs = pd.read_parquet(folder / "runs.parquet")
    for optimizer, values in times.items():
        mine = (runs["optimizer"] == optimizer) & (runs["role"] == "evaluate")
        runs.loc[mine, HELD] = runs.loc[mine, "seed"].map(dict(enumerate(values))).astype(float)
        tuned = (runs["optimizer"] == optimizer) & (runs["role"] == "tune")
        # The middle one would be chosen of three; of two the first, by its order.
        runs.loc[tuned, HELD] = 5.0
        runs.loc[tuned, "loss_final"] = runs.loc[tuned, "hyper.lr"]
    runs.to_parquet(folder / "runs.parquet")
    if claim is not None:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        plain = {"id": claim.id, "hash": "", "declared": "", "post_hoc": False}
        manifest["claims"] = [asdict(claim) | plain]
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return load(folder)


INF = math.inf
SGD = [10, 10, 20, 40, 10, INF, INF, 10]
ADAM = [10, 20, 10, 10, INF, 10, INF, 20]


def judged(results):
    best = analysis.best_settings(results.runs, results.manifest)
    # An edge of what was tried shuts a gate, which is not what is looked at here.
    best = best.assign(on_edge=[{} for _ in range(len(best))])
    table = analysis.scores(results, best)
    return best, table


def test_differences_are_logs_of_ratios_and_misses_are_infinite(tmp_path):
    claim = Claim("adam is faster than sgd", "better", Side("adam"), (Side("sgd"),),
                  ("steps_held",), ("bowl",), min_seeds=6)  # fmt: skip
    results = folder(tmp_path / "f", {"sgd": SGD, "adam": ADAM}, claim)
    best, table = judged(results)
    told = verdicts(results, best, table)
    assert told["verdict"].iloc[0] in ("SUPPORTED", "REFUTED", "INCONCLUSIVE"), told.iloc[0]
    found = differences(results, told, best, table).set_index("seed")["difference"]
    two = math.log10(2)
    wanted = [0, -two, two, 2 * two, -INF, INF, 0, -two]  # both missed: alike
    assert list(found.index) == list(range(8))
    np.testing.assert_allclose(found.to_numpy(), wanted, rtol=1e-12)


def test_what_was_not_judged_has_no_differences(tmp_path):
    claim = Claim("adam is faster than sgd", "better", Side("adam"), (Side("sgd"),),
                  ("steps_held",), ("bowl",), min_seeds=30)  # fmt: skip
    results = folder(tmp_path / "f", {"sgd": SGD, "adam": ADAM}, claim)
    best, table = judged(results)
    told = verdicts(results, best, table)
    assert list(told["verdict"]) == ["NOT TESTED"]
    assert differences(results, told, best, table).empty


def test_every_two_with_their_sign_tests(tmp_path):
    fast = [5] * 7 + [10]
    results = folder(tmp_path / "f", {"sgd": SGD, "adam": ADAM, "rmsprop": fast})
    best, table = judged(results)
    found = pairwise(results, best, table)
    assert len(found) == 3
    assert set(found["measure"]) == {"steps_held"}
    pair = found.set_index(["a", "b"])
    # The one that won more stands first, whatever the order of the spec.
    close = (
        pair.loc[("sgd", "adam")] if ("sgd", "adam") in pair.index else pair.loc[("adam", "sgd")]
    )
    assert (close["wins"], close["ties"], close["losses"]) == (3, 2, 3)
    assert close["p"] == 1.0
    row = pair.loc[("rmsprop", "sgd")]
    assert (row["wins"], row["ties"], row["losses"]) == (7, 1, 0)
    assert row["p"] == pytest.approx(2 * 0.5**7)  # seven fair coins alike
    other = pair.loc[("rmsprop", "adam")]
    assert (other["wins"], other["losses"]) == (8, 0)
    assert other["p"] == pytest.approx(2 * 0.5**8)
    # Holm: the least of three counts threefold, the next twofold.
    assert other["holm"] == pytest.approx(3 * 2 * 0.5**8)
    assert row["holm"] == pytest.approx(max(3 * 2 * 0.5**8, 2 * 2 * 0.5**7))
    assert close["holm"] == 1.0


def test_one_instance_is_not_tested(tmp_path):
    results = load(write_folder(tmp_path / "e", problems=["relu network"], rates=[0.1]))
    best = analysis.best_settings(results.runs, results.manifest)
    assert pairwise(results, best, analysis.scores(results, best)).empty
