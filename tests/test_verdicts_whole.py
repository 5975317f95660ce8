"""Verdicts from whole tables of runs and curves: what must change nothing, where settings and rates must
lie, and how often verdicts err where the truth is known."""

from __future__ import annotations

import importlib.util
import math
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_tables import LABEL, NAN, made

from optlab.analysis.settings import best_settings
from optlab.analysis.verdicts import verdicts
from optlab.measures import MEASURES
from optlab.results import Results
from optlab.spec import Claim, Side

_PLACE = Path(__file__).parents[1] / "benchmarks" / "verdicts.py"
_SPEC = importlib.util.spec_from_file_location("verdicts_table", _PLACE)
assert _SPEC is not None
assert _SPEC.loader is not None
bench = importlib.util.module_from_spec(_SPEC)
sys.modules["verdicts_table"] = bench
_SPEC.loader.exec_module(bench)

RATES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]
SEEDS, POINTS = 10, 31
SPEED = {"a": 0.20, "b": 0.10, "c": 0.15}
NOISE = {"a": 0.05, "b": 0.25, "c": 0.1}
CENTRE = {"a": 3.0, "b": 3.0, "c": 2.0}


def curve(optimizer: str, seed: int, place: int) -> list[float]:
    """A noisy fall, the faster the nearer its rate is to the best one; the highest rate diverges."""
    rng = np.random.default_rng([ord(optimizer), seed, place])
    speed = SPEED[optimizer] * math.exp(-(((place - CENTRE[optimizer]) / 1.5) ** 2))
    noise = rng.normal(0, NOISE[optimizer], POINTS)
    falls = (1 + 0.03 * seed) * np.exp(-speed * np.arange(POINTS) + noise - noise[0])
    if place == len(RATES) - 1 and optimizer != "c":
        falls[rng.integers(3, 8) :] = NAN
    return falls.tolist()


def folder(
    where: Any, optimizers: str = "ab", problems: tuple[str, ...] = ("p",), scale: float = 1.0
) -> Results:
    """Every rate on evaluation seeds and, for choosing, on others; all that measures read."""
    losses = {(p, o, s, r): curve(o, s, i) for p in problems for o in optimizers
              for s in range(SEEDS) for i, r in enumerate(RATES)}  # fmt: skip
    rng = np.random.default_rng(0)
    metrics: dict[str, Any] = {"step_cosine": {}, "test_loss": {}, "test_accuracy": {},
                               "train_accuracy": {}}  # fmt: skip
    for (problem, optimizer, seed, rate), values in losses.items():
        rng = np.random.default_rng([ord(optimizer), seed, round(1000 * rate), 5])
        noise = rng.normal(0, 1, POINTS)
        alive = sum(not math.isnan(v) for v in values)
        for name, made_ in (
            ("step_cosine", noise + (0.8 if optimizer == "a" else 0.2)),
            ("test_loss", scale * np.exp(0.1 * noise) * np.nan_to_num(values, nan=1.0)),
            ("test_accuracy", (0.93 if optimizer == "a" else 0.9) + 0.01 * noise),
            ("train_accuracy", 0.9 + 0.01 * noise),
        ):
            metrics[name][problem, optimizer, seed, rate] = list(made_[:alive])
    found = made(where, losses, rates=RATES, metrics=metrics, part="grid", scale=scale)
    trials = found.runs.assign(role="tune", part="trial", run_id="trial " + found.runs["run_id"])
    runs = pd.concat([found.runs, trials], ignore_index=True)
    found.manifest.update({"claims": claims(optimizers, problems), "seeds": {"evaluate": SEEDS}})
    made_results = replace(found, runs=runs)
    vars(made_results)["curves"] = found.curves
    return made_results


def claims(optimizers: str, problems: tuple[str, ...], a: str = "a", b: str = "b") -> list[Any]:
    """By every measure: that one is better, that both are alike, and never and sometimes."""
    stated = []
    for name, about in MEASURES.items():
        pair = Side(a), (Side(b),)
        stated.append(Claim("", "better", *pair, (name,), problems))
        stated.append(
            Claim("", "equivalent", *pair, (name,), problems, margin=max(about.margin, 0.3))
        )
    for kind in ("never", "sometimes"):
        stated.append(Claim("", kind, Side(b), (), ("overshoot",), problems))  # type: ignore[arg-type]
    # So many claims share the error that ten seeds could tell nothing at 5 %.
    stated = [replace(c, alpha=0.4) for c in stated]
    return [asdict(c) | {"id": c.id, "declared": "", "post_hoc": False} for c in stated]


KEYS = ["kind", "measure", "a", "b", "problem"]
SAME = ["verdict", "label", "n", "a_n", "b_n", "level", "method", "judged", "seeds_needed"]
CLOSE = ["effect", "low", "high", "low95", "high95"]


def judged(results: Results, names: dict[str, str] | None = None) -> pd.DataFrame:
    told = verdicts(results).replace({"a": names or {}, "b": names or {}, "problem": names or {}})
    return told.sort_values(KEYS, ignore_index=True)


def assert_same(found: pd.DataFrame, plain: pd.DataFrame, tolerance: float = 1e-9) -> None:
    pd.testing.assert_frame_equal(found[KEYS + SAME], plain[KEYS + SAME], check_dtype=False)
    np.testing.assert_allclose(found[CLOSE].astype(float), plain[CLOSE].astype(float),
                               rtol=tolerance, atol=tolerance)  # fmt: skip


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    told = judged(folder(tmp_path_factory.mktemp("plain") / "x"))
    assert set(told["verdict"]) >= {"SUPPORTED", "REFUTED", "INCONCLUSIVE"}
    assert set(told.loc[told["verdict"] != "NOT TESTED", "measure"]) == set(MEASURES)
    return told


def test_names_change_nothing(tmp_path: Any, plain: pd.DataFrame) -> None:
    """Names that sort the other way round, with what tables are split by in them."""
    results = folder(tmp_path / "x")
    new = {"a": "z, the 'first'", "b": "A=1", "p": "problem | one"}
    table = results.runs.replace({"problem": new, "optimizer": new})
    manifest = results.manifest | {
        "problems": [p | {"name": new["p"], "optimizers": [new["a"], new["b"]]}
                     for p in results.manifest["problems"]],
        "optimizers": [o | {"name": new[o["name"]]} for o in results.manifest["optimizers"]],
        "claims": claims("ab", (new["p"],), new["a"], new["b"]),
    }  # fmt: skip
    renamed = replace(results, runs=table, manifest=manifest)
    vars(renamed)["curves"] = results.curves
    back = {value: key for key, value in new.items()}
    assert_same(judged(renamed, back), plain)


def test_order_changes_nothing(tmp_path: Any, plain: pd.DataFrame) -> None:
    """Rows of runs and of curves as they come, and entries of the spec the other way round."""
    results = folder(tmp_path / "x")
    manifest = results.manifest | {
        name: results.manifest[name][::-1] for name in ("problems", "optimizers", "claims")
    }
    manifest["problems"] = [p | {"optimizers": p["optimizers"][::-1]} for p in manifest["problems"]]
    shuffled = replace(
        results, runs=results.runs.sample(frac=1, random_state=1, ignore_index=True),
        manifest=manifest,
    )  # fmt: skip
    vars(shuffled)["curves"] = results.curves.sample(frac=1, random_state=2, ignore_index=True)
    assert_same(judged(shuffled), plain)


@pytest.mark.parametrize("c", [1e-7, 0.3, 1e5])
def test_the_unit_of_the_loss_changes_nothing(tmp_path: Any, plain: pd.DataFrame, c: float) -> None:
    """Losses, curves, minimum and target, all times c."""
    assert_same(judged(folder(tmp_path / "x", scale=c)), plain, 1e-8)


def test_the_unit_of_time_changes_nothing(tmp_path: Any, plain: pd.DataFrame) -> None:
    """Every step, the budget too, times seven."""
    results = folder(tmp_path / "x")
    runs, curves = results.runs.copy(), results.curves.copy()
    for name in (f"reached.{LABEL}", f"held.{LABEL}", "steps_done", "grad_evals", "diverged_at"):
        runs[name] *= 7
    curves["step"] *= 7
    later = replace(results, runs=runs, manifest=results.manifest | {
        "problems": [p | {"steps": 7 * p["steps"]} for p in results.manifest["problems"]],
    })  # fmt: skip
    vars(later)["curves"] = curves
    assert_same(judged(later), plain)


def test_company_changes_nothing(tmp_path: Any, plain: pd.DataFrame) -> None:
    """Another optimizer, another problem, neither of which is claimed about."""
    results = folder(tmp_path / "x", "cab", ("o", "p"))
    results.manifest["claims"] = claims("ab", ("p",))
    assert_same(judged(results), plain)


def test_sides_exchanged_turn_effects_round(tmp_path: Any, plain: pd.DataFrame) -> None:
    results = folder(tmp_path / "x")
    results.manifest["claims"] = claims("ab", ("p",), "b", "a")
    turned = verdicts(results).set_index(["kind", "measure"])
    for row in plain[plain["b"] != ""].to_dict("records"):
        other = turned.loc[(row["kind"], row["measure"])]
        if "NOT TESTED" not in (row["verdict"], other["verdict"]):
            ends = [-other["high"], -other["low"]]
            assert [row["low"], row["high"]] == pytest.approx(ends, abs=1e-12)
            if row["kind"] == "equivalent":
                assert row["verdict"] == other["verdict"]
            else:
                assert {row["verdict"], other["verdict"]} != {"SUPPORTED"}


# Rates and settings


def widths(where: Any, stated: Claim, spans: dict[str, tuple[int, int]]) -> dict[str, Any]:
    """Optimizers that do well from one rate to another (places in RATES) and nowhere else."""
    losses = {
        ("p", o, s, r): [1 + 0.01 * s, 0.01 if low <= i <= high else 0.9, 0.01 if low <= i <= high else 0.9]
        for o, (low, high) in spans.items() for s in range(12) for i, r in enumerate(RATES)
    }  # fmt: skip
    for key in losses:  # runs of different seeds differ, and so do their widths, by a rate
        losses[key][-1] += 1e-6 * key[2]
    results = made(where, losses, rates=RATES, part="grid")
    trials = results.runs.assign(
        role="tune", part="trial", run_id="trial " + results.runs["run_id"]
    )
    results = replace(results, runs=pd.concat([results.runs, trials], ignore_index=True))
    plain = asdict(stated) | {"id": stated.id, "declared": "", "post_hoc": False}
    results.manifest.update({"claims": [plain], "seeds": {"evaluate": 12}})
    best = best_settings(results.runs, results.manifest)
    best = best.assign(on_edge=[{}] * len(best), **{"hyper.lr": [
        RATES[(low + high) // 2] for low, high in spans.values()]})  # fmt: skip
    [row] = verdicts(results, best).to_dict("records")
    return row


WIDER = Claim("", "better", Side("a"), (Side("b"),), ("rate_width",), ("p",))
AS_WIDE = Claim("", "equivalent", Side("a"), (Side("b"),), ("rate_width",), ("p",), margin=0.3)


@pytest.mark.parametrize(("stated", "a", "b", "verdict", "name"), [
    (WIDER, (1, 5), (2, 3), "SUPPORTED", ""), (WIDER, (2, 3), (1, 5), "REFUTED", ""),
    (WIDER, (0, 6), (2, 3), "SUPPORTED", ""),  # wider still, whatever lies beyond
    (WIDER, (2, 3), (0, 6), "NOT TESTED", "b"), (WIDER, (1, 5), (0, 2), "NOT TESTED", "b"),
    (WIDER, (0, 1), (1, 5), "NOT TESTED", "a"),  # might be wider than what is seen
    (AS_WIDE, (1, 4), (2, 5), "SUPPORTED", ""), (AS_WIDE, (0, 3), (2, 5), "NOT TESTED", "a"),
    (AS_WIDE, (1, 4), (3, 6), "NOT TESTED", "b"),
])  # fmt: skip
def test_a_width_must_end_inside_of_what_was_tried(
    tmp_path: Any, stated: Claim, a: tuple[int, int], b: tuple[int, int], verdict: str, name: str
) -> None:
    row = widths(tmp_path / "x", stated, {"a": a, "b": b})
    assert row["verdict"] == verdict
    if name:
        assert row["label"] == (
            f"{name} still does well at the last rate that was tried; widen the profile"
        )
    else:
        decades = [math.log10(RATES[high] / RATES[low]) for low, high in (a, b)]
        assert row["effect"] == pytest.approx(decades[0] - decades[1], abs=2e-5)  # five places


def test_a_share_of_rates_is_compared_over_the_same_rates(tmp_path: Any) -> None:
    results = folder(tmp_path / "x")
    results.manifest["claims"] = [c for c in results.manifest["claims"] if c["kind"] == "better"]
    cut = results.runs[(results.runs["optimizer"] == "a") | (results.runs["hyper.lr"] < 0.5)]
    fewer = replace(results, runs=cut)
    vars(fewer)["curves"] = results.curves
    told = verdicts(fewer).set_index("measure")
    for name in ("rate_share", "rate_loss"):
        assert told.loc[name, "verdict"] == "NOT TESTED"
        assert "do not span the same range" in told.loc[name, "label"]
    assert verdicts(results).set_index("measure").loc["rate_loss", "verdict"] != "NOT TESTED"


@pytest.mark.parametrize(("values", "shut"), [([0.0, 0.5, 0.9], False), ([0.3, 0.5, 0.9], True)])
def test_the_best_of_a_grid_may_be_no_momentum_at_all(
    tmp_path: Any, values: list[float], shut: bool
) -> None:
    """The less momentum the faster: 0 is as little as there is, 0.3 is not."""
    losses = {("p", o, s, b): [1 + 0.01 * s, *(10 ** (-(2 - b) * t / (2 if o == "b" else 1))
                                               for t in range(1, 6))]
              for o in "ab" for s in range(12) for b in values}  # fmt: skip
    results = made(tmp_path / "x", losses, rates=values, part="grid")
    runs = results.runs.rename(columns={"hyper.lr": "hyper.beta"})
    trials = runs.assign(role="tune", part="trial", run_id="trial " + runs["run_id"])
    stated = Claim("", "better", Side("a"), (Side("b"),), ("gap",), ("p",))
    optimizers = [o | {"hypers": {"beta": values}, "swept": ["beta"]}
                  for o in results.manifest["optimizers"]]  # fmt: skip
    manifest = results.manifest | {
        "optimizers": optimizers, "seeds": {"evaluate": 12},
        "claims": [asdict(stated) | {"id": "1", "declared": "", "post_hoc": False}],
    }  # fmt: skip
    [row] = verdicts(
        replace(results, runs=pd.concat([runs, trials], ignore_index=True), manifest=manifest)
    ).to_dict("records")
    assert row["verdict"] == ("NOT TESTED" if shut else "SUPPORTED")
    assert ("a's best beta lies at the low end" in row["label"]) == shut


# How often verdicts err


def allowed(times: int) -> float:
    return 0.025 + 2 * math.sqrt(0.025 * 0.975 / times)


@pytest.mark.parametrize(("measure", "missed"), [
    ("gap", 0.0), ("steps_held", 0.25), ("steps_held", 0.5), ("test_accuracy", 0.0),
    ("overshoot", 0.0),
])  # fmt: skip
@pytest.mark.slow
def test_tables_of_runs_are_judged_as_their_intervals_are(measure: str, missed: float) -> None:
    """Level, margin, budget and which way is better arrive where intervals are made: an effect well
    beyond the margin, one at it, and one the other way round."""
    a, b = bench.at_the_margin("log-normal", 0.5, measure, missed, (30, 12), 3)
    about = MEASURES[measure]
    worse = -0.6 if about.higher else 0.6
    if about.scale == "ratio":
        b[:10] *= 4
        a[10:20], b[10:20] = 1.5 * b[10:20], a[10:20].copy()
    else:
        b[:10] += worse
        a[10:20], b[10:20] = b[10:20] + worse, a[10:20].copy()
    if about.timed:
        a, b = (np.where(x > bench.BUDGET, np.inf, x) for x in (a, b))
    told = bench.judged(a, b, measure)
    expected = bench.told_at_once(a, b, measure)
    assert told["verdict"].tolist() == expected["verdict"].tolist()
    assert told["method"].tolist() == expected["method"].tolist()
    assert set(told["verdict"]) == {"SUPPORTED", "REFUTED", "INCONCLUSIVE"}


@pytest.mark.slow
@pytest.mark.parametrize("n", [6, 10, 20])
@pytest.mark.parametrize(("law", "shared", "measure", "missed"), [
    ("normal", 0.0, "gap", 0.0), ("heavy", 0.9, "steps_held", 0.25),
    ("log-normal", 0.5, "steps_held", 0.5), ("heavy", 0.5, "test_accuracy", 0.0),
])  # fmt: skip
def test_at_the_margin_verdicts_err_no_more_often_than_said(
    law: str, shared: float, measure: str, missed: float, n: int
) -> None:
    times = 300
    a, b = bench.at_the_margin(law, shared, measure, missed, (times, n), 4)
    share = bench.judged(a, b, measure)["verdict"].value_counts(normalize=True)
    assert share.get("SUPPORTED", 0.0) <= allowed(times)
    assert share.get("REFUTED", 0.0) <= allowed(times)
    assert share.get("NOT TESTED", 0.0) == 0


@pytest.mark.parametrize("n", [6, 10, 20])
@pytest.mark.parametrize(("measure", "missed"), [
    ("steps_held", 0.0), ("steps_held", 0.25), ("steps_held", 0.5), ("gap", 0.0),
    ("overshoot", 0.0), ("test_accuracy", 0.0),
])  # fmt: skip
@pytest.mark.slow
def test_at_the_margin_the_same_intervals_err_no_more_often_than_said(
    measure: str, missed: float, n: int
) -> None:
    """Many more comparisons than can be written as tables; that both say the same is tested above."""
    times = 4000
    for law in bench.LAWS:
        for shared in (0.0, 0.5, 0.9):
            a, b = bench.at_the_margin(law, shared, measure, missed, (times, n), 5)
            share = bench.told_at_once(a, b, measure)["verdict"].value_counts(normalize=True)
            assert share.get("SUPPORTED", 0.0) <= allowed(times), (law, shared)
            assert share.get("REFUTED", 0.0) <= allowed(times), (law, shared)


@pytest.mark.slow
@pytest.mark.parametrize("n", [6, 10, 20])
def test_a_rule_against_itself(tmp_path: Path, n: int) -> None:
    """Real runs: SGD on a noisy quadratic, half of its seeds under another name."""
    times = 200
    for measure, told in bench.judged_against_itself(tmp_path, times, n).items():
        share = told["verdict"].value_counts(normalize=True)
        assert len(told) == times
        assert share.get("SUPPORTED", 0.0) <= allowed(times), measure
        assert share.get("REFUTED", 0.0) <= allowed(times), measure
        assert share.get("INCONCLUSIVE", 0.0) >= 0.9, measure


@pytest.mark.slow
@pytest.mark.parametrize(("missed", "shift"), [(0.0, 1.25), (0.5, 1.4)])
def test_the_seeds_asked_for_decide_at_the_alternative_named(missed: float, shift: float) -> None:
    """Times, of which some are missed: as many fresh seeds as INCONCLUSIVE asks for, drawn from the
    alternative that it names, decide in 75 % at the least."""
    rng, n, decided = np.random.default_rng(6), 12, []
    budget = bench.BUDGET

    def times(size: tuple[int, ...], ratio: float) -> np.ndarray:
        scale = 400.0 if not missed else budget / 1.15
        drawn = scale * ratio * 10 ** rng.normal(0, 0.12, size)
        return np.where(drawn > budget, np.inf, drawn)

    pilots = bench.judged(times((70, n), 1.0), times((70, n), shift), "steps_held")
    open_ = pilots[(pilots["verdict"] == "INCONCLUSIVE") & pilots["seeds_needed"].notna()]
    assert len(open_) >= 30
    for row in open_.to_dict("records"):
        need, said = int(row["seeds_needed"]), row["alternative"]
        if need > 200:
            continue
        if said.startswith("the true ratio is "):
            a, b = times((2, need), 1.0), times((2, need), float(said.rsplit(" ", 1)[1]))
        else:
            share = float(said.split(" ")[2]) / 100
            assert said == f"one wins {100 * share:.0f} % of decided pairs"
            won = rng.random((2, need)) < share
            # Who wins reaches the target well before the other; as many pairs are decided as were.
            tie = rng.random((2, need)) < 1 - decided_share(pilots)
            a = np.where(tie | ~won, np.inf, 100.0)
            b = np.where(tie | won, np.inf, 100.0)
        if not np.isfinite(np.stack([a, b])).any(axis=(0, 2)).all():
            continue
        decided += (bench.judged(a, b, "steps_held")["verdict"] != "INCONCLUSIVE").tolist()
    assert len(decided) >= 40
    assert np.mean(decided) >= 0.75, np.mean(decided)


def decided_share(pilots: pd.DataFrame) -> float:
    """A share of pairs in which one side reached the target at least, from how many each did."""
    missed_a, missed_b = (1 - pilots[name].sum() / pilots["n"].sum() for name in ("a_n", "b_n"))
    return float(1 - missed_a * missed_b)
