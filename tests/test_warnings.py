"""Every kind of warning, with what brings it about and what does not; a clean experiment has none."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pandas as pd
import pytest
from made_tables import made
from typer.testing import CliRunner

import optlab
from optlab import analysis, cli
from optlab.analysis.counts import stands_still
from optlab.analysis.foreseen import Asked, foreseen
from optlab.analysis.warnings import KINDS
from optlab.foresee import foresee
from optlab.results import Results
from optlab.spec import parse

ROOT = Path(__file__).parent.parent
NAN = math.nan


# --- before anything runs ---

CLEAN = {
    "title": "t",
    "steps": "100",
    "seeds": "{tune: 3, evaluate: 10}",
    "targets": "{gap_over_start: 1e-3}",
    "problems": "[rosenbrock, {bowl: {use: quadratic, rotated: true}}]",
    "optimizers": "[{sgd: {lr: [0.01, 0.1, 1]}}, {adam: {lr: [0.01, 0.1, 1]}}]",
}


def before(**over: str) -> dict[str, str]:
    """kind -> text of what is foreseen of the clean spec with some lines changed."""
    lines = {name: text for name, text in (CLEAN | over).items() if text}
    text = "\n".join(f"{name}: {value}" for name, value in lines.items())
    return {found["kind"]: found["text"] for found in foresee(parse(text, Path("s.yaml")))}


def test_a_clean_spec_has_none() -> None:
    assert before() == {}
    assert before(claims="[adam is faster than sgd by steps_held]") == {}


TORCH = "{torch: {use: torch.optim.RMSprop, lr: [0.01, 0.1, 1]}}"
HOUSE = "{house: {use: rmsprop, lr: [0.01, 0.1, 1]}}"
IRIS = "[{mlp: {data: iris}}]"
FORESEEN = [
    ("seeds", {"seeds": "{tune: 3, evaluate: 5}"}, "evaluate: 10", {"seeds": "{evaluate: 6}"}),
    ("hard", {"problems": "[{bowl: {use: quadratic, rotated: true, targets: {loss: -1}}}, rosenbrock]"},
     "loss ≤ −1 on bowl, whose minimum is 0",
     {"problems": "[{bowl: {use: quadratic, rotated: true, targets: {loss: 0}}}, rosenbrock]"}),
    ("claims", {"claims": "[adam never diverges]"}, "needs 36 and has 10 on rosenbrock and bowl",
     {"claims": "[adam never diverges]", "seeds": "{evaluate: 36}"}),
    ("claims", {"claims": "[adam is faster than sgd]", "seeds": "{evaluate: 9}"}, "needs 10",
     {"claims": "[{better: adam, than: sgd, metric: gap, min_seeds: 9}]",
      "seeds": "{evaluate: 9}"}),
    ("tune-seeds", {"seeds": "{tune: 1, evaluate: 10}"}, "{tune: 3}", {"seeds": "{tune: 2}"}),
    ("untuned", {"optimizers": "[{sgd: {lr: 0.1}}, {adam: {lr: [0.1, 1]}}]"},
     "only for sgd, beside others that are searched",
     {"optimizers": "[{sgd: {lr: [0.1, 1]}}, {adam: {lr: [0.1, 1]}}]"}),
    ("untuned", {"optimizers": "[{sgd: {lr: 0.1}}, {momentum: {lr: 0.1, beta: 0.9}}]"},
     "All have the rate 0.1, which suits no two rules alike, and momentum's velocity follows a "
     "steady gradient at 1.", {}),
    ("tuning", {"optimizers": "[{sgd: {lr: [0.1, 1]}}, {adam: {lr: [0.1, 1, 2]}}]"},
     "sgd 2, adam 3", {}),
    ("profile", {"profile": "{lr: [10, 20]}"}, "sgd's lr (10 to 20) and adam's lr (10 to 20)",
     {"profile": "{lr: [0.1, 1]}"}),
    ("twice", {"optimizers": f"[{TORCH}, {{other: {{use: rmsprop_pytorch, beta: 0.99, "
               "eps: 1e-8, lr: [0.01, 0.1, 1]}}]"}, "torch and other",
     {"optimizers": f"[{TORCH}, {{other: {{use: rmsprop_pytorch, beta: 0.9, "
      "lr: [0.01, 0.1, 1]}}]"}),
    ("conventions", {"optimizers": f"[{TORCH}, {HOUSE}]"},
     "rmsprop (eps inside the root), rmsprop_pytorch (eps outside it)",
     {"optimizers": f"[{TORCH}]"}),
    ("conventions", {"optimizers": "[{momentum: {lr: [1, 2]}}, {ema: {lr: [1, 2]}}]"},
     "(1 − beta) times the rate", {}),
    ("separable", {"problems": "[quadratic, {other: {use: quadratic, dim: 3}}]"},
     "rotated: true", {"problems": "[quadratic, rosenbrock]"}),
    ("separable", {"problems": "[quadratic, {other: {use: quadratic, dim: 3}}]"}, "such as Adam",
     {"problems": "[quadratic, {other: {use: quadratic, dim: 3}}]",
      "optimizers": "[{sgd: {lr: [1, 2]}}, {momentum: {lr: [1, 2]}}]"}),
    ("origin", {"problems": "[{quadratic: {rotated: true, shifted: false}}, "
                "{other: {use: quadratic, dim: 3, shifted: false}}]"}, "quadratic and other",
     {"problems": "[{quadratic: {shifted: false}}, rosenbrock]"}),
    ("problem", {"problems": "[rosenbrock]"}, "rosenbrock", {}),
    ("instance", {"problems": "[{quadratic: {start: [1, 2], rotated: true}}]"}, "leave `start`",
     {"problems": "[{quadratic: {start: [1, 2], rotated: true}}]", "seeds": ""}),
    ("target", {"targets": "", "problems": "[{mlp: {data: iris, batch: 30}}, rosenbrock]"},
     "No target on mlp", {"problems": "[{mlp: {data: iris, batch: 30}}, rosenbrock]",
                          "targets": "{loss: 0.1}"}),
    ("target", {"targets": "", "problems": "[{mlp: {data: iris, batch: 30}}]"}, "mlp",
     {"targets": "", "problems": "[{recorded_gradients: {start: {w: 1}, w: [1, 2]}}]"}),
    ("rounding", {"precision": "float32", "targets": "{gap_over_start: 1e-8}"},
     "gap ≤ 1e-8 × its start on rosenbrock and bowl", {"targets": "{gap_over_start: 1e-8}"}),
    ("cadence", {"record": "{every: 20}"}, "every 20 of 100 updates", {"record": "{every: 10}"}),
    ("test", {"problems": IRIS, "targets": "{loss: 0.1}", "tuning": "{select: test_accuracy}"},
     "on mlp", {"problems": IRIS, "targets": "{loss: 0.1}", "tuning": "{select: loss}"}),
    ("test", {"problems": IRIS, "targets": "{test_accuracy: 0.9}"}, "no estimate for new data",
     {"problems": IRIS, "targets": "{train_accuracy: 0.9}"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "spec", "says", "without"), FORESEEN)
def test_each_mistake_of_a_spec_is_foreseen(kind, spec, says, without) -> None:
    told = before(**spec)
    assert says in told[kind]
    assert kind not in before(**without)


@pytest.mark.parametrize("claims", [1, 2, 5, 20])
def test_a_claim_needs_the_seeds_that_the_exact_test_can_reach(claims: int) -> None:
    """2/2^n <= alpha / M, by whole numbers: alpha = 1/20, so that 40 M <= 2^n."""
    least = next(n for n in range(1, 99) if 40 * claims <= 2**n)
    side = {"optimizer": "b", "selection": "tuned"}
    claim = {"id": "c", "text": "a beats b", "kind": "better", "alpha": 0.05, "min_seeds": 1,
             "others": [side], "measures": ["gap"], "problems": ["p"], "post_hoc": False}  # fmt: skip
    manifest = {"problems": [{"name": "p", "optimizers": [], "decision": "L", "steps": 9}], "optimizers": [],
                "claims": [claim] * claims}  # fmt: skip

    def told(seeds: int) -> dict[str, str]:
        return dict(foreseen(Asked(manifest, {"p": seeds}, {}, frozenset())))

    assert f"needs {least} and has {least - 1} on p" in told(least - 1)["claims"]
    assert f"seeds: {{evaluate: {least}}}" in told(least - 1)["claims"]
    assert "claims" not in told(least)
    # Where nothing is random there is nothing to be sure of.
    assert "claims" not in dict(foreseen(Asked(manifest, {"p": 1}, {}, frozenset({"p"}))))
    # What runs have decided had seeds enough.
    decided = Asked(manifest, {"p": least - 1}, {}, frozenset(), frozenset({"c"}))
    assert "claims" not in dict(foreseen(decided))


@pytest.mark.parametrize("at_most", [0.05, 0.1, 0.2])
def test_never_needs_enough_runs_to_exclude_its_share(at_most: float) -> None:
    """None of n: the exact interval ends at 1 - (alpha/2)^(1/n)."""
    least = next(n for n in range(1, 999) if 1 - 0.025 ** (1 / n) < at_most)
    told = before(claims=f"[{{never: sgd, metric: diverged, at_most: {at_most}}}]")
    assert f"needs {least} and has 10" in told["claims"]


def test_runs_made_elsewhere_have_the_seeds_of_their_file(tmp_path: Path) -> None:
    rows = [
        {"run": f"{name}-{lr}-{seed}", "optimizer": name, "lr": lr, "seed": seed, "step": step,
         "metric": "loss", "value": 2.0 + seed - step * lr}
        for name in ("a", "b") for lr in (0.1, 0.2) for seed in range(4) for step in range(6)
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(tmp_path / "runs.csv", index=False)
    text = "title: t\nimport: [{net: {use: runs.csv, targets: {loss: 1.8}}}]\n"
    found = foresee(parse(text, tmp_path / "s.yaml"))
    told = {each["kind"]: each["text"] for each in found}
    assert set(told) == {"seeds", "selection", "problem"}
    assert told["seeds"].startswith("Only 4 evaluation seeds on net")
    assert "a and b on net" in told["selection"]


def test_plan_prints_them_and_where(tmp_path: Path) -> None:
    path = tmp_path / "few.yaml"
    lines = CLEAN | {"seeds": "{evaluate: 3}"}
    path.write_text("\n".join(f"{k}: {v}" for k, v in lines.items()), encoding="utf-8")
    told = CliRunner().invoke(cli.app, ["plan", str(path)], env={"TERM": "dumb"})
    assert told.exit_code == 0
    assert "  warning: Only 3 evaluation seeds on rosenbrock and bowl" in told.output
    assert not (tmp_path / "reports").exists()


# --- what runs show ---

GRID = {0.05: 0.5, 0.1: 1.0, 0.2: 0.8}
"""How well each rate does: 0.1 is the best, and lies inside."""


def falling(optimizer: str, seed: float, rate: float) -> list[float]:
    """A loss that falls by a constant factor an update: `a` faster than `b`, no curves crossing."""
    share = {"a": 0.5, "b": 0.7}[optimizer] ** GRID.get(rate, 0.6)
    return [(1 + seed / 10) * share**t for t in range(21)]


def lab(folder: Path, curve=falling, tune=None, default=None, seeds=8, **more) -> Results:
    """Runs of `a` and `b` on p and q: three rates on tune seeds, 0.1 on evaluation seeds; `curve`
    gives the losses of a run, `tune` and `default` those of other parts where they differ."""
    pairs = [(problem, name) for problem in ("p", "q") for name in ("a", "b")]

    def part(name: str, of, keys) -> Results:
        losses = {
            (*pair, seed, rate): of(pair[1], seed, rate) for pair in pairs for seed, rate in keys
        }
        known = {"minimum": 0.0, "goal": 0.1} | more
        return made(folder / name, losses, rates=list(GRID), part=name, **known)

    chosen = part("chosen", curve, [(seed, 0.1) for seed in range(seeds)])
    tried = [(seed + 0.5, rate) for seed in range(3) for rate in GRID]
    trial = part("trial", tune or falling, tried).runs.assign(role="tune")
    tables = [trial, chosen.runs]
    if default is not None:
        tables.append(part("default", default, [(seed, 1.0) for seed in range(seeds)]).runs)
    runs = pd.concat(tables, ignore_index=True)
    for problem in chosen.manifest["problems"]:
        if problem["minimum"] is not None:
            problem["minimum"]["provenance"] = "closed form"
    return Results(folder / "chosen", runs, chosen.manifest | {"seeds": {"tune": 3}})


def told(results: Results) -> dict[str, str]:
    found = analysis.warnings(results)
    assert all(set(each) == {"kind", "text"} for each in found)
    assert len({each["kind"] for each in found}) == len(found)
    return {each["kind"]: each["text"] for each in found}


def with_runs(results: Results, runs: pd.DataFrame) -> Results:
    return Results(results.folder, runs, results.manifest)


def test_a_clean_experiment_has_none(tmp_path: Path) -> None:
    assert told(lab(tmp_path, default=lambda o, s, r: falling(o, s, 0.05))) == {}


def by_optimizer(**curves):
    """Curves of (seed, rate) by optimizer, the rest as in a clean experiment."""
    return lambda o, s, r: curves[o](s, r) if o in curves else falling(o, s, r)


def late(seed: float, rate: float) -> list[float]:
    """Above `a` until update 14 of 20, then far below."""
    return [(1 + seed / 10) * (0.9**t if t < 14 else 1e-9) for t in range(21)]


SEEN = [
    ("minimum", {"curve": by_optimizer(a=lambda s, r: [1 + s, 0.05, -0.5 - s])},
     "8 runs on p (f* = 0, closed form) and 8 runs on q"),
    ("diverged", {"curve": by_optimizer(b=lambda s, r: [1 + s, 5.0 + s, NAN, NAN])},
     "b on p and q"),
    ("alike", {"curve": by_optimizer(b=lambda s, r: falling("b", 0, r))},
     "b (1 of 8 seeds) on p and q"),
    ("alike", {"curve": by_optimizer(b=lambda s, r: falling("b", s // 2, r))},
     "b (4 of 8 seeds) on p and q"),
    ("duplicate", {"curve": by_optimizer(b=lambda s, r: falling("a", s, r))}, "a and b on p and q"),
    ("edge", {"tune": lambda o, s, r: falling(o, s, {0.05: 0.1, 0.1: 0.2, 0.2: 0.05}[r])},
     "a (smallest lr) and b (smallest lr)"),
    ("default", {"default": lambda o, s, r: [(1 + s / 10) * 0.1**t for t in range(21)]},
     "a (2 against 4 updates) and b (2 against 8 updates) on p and q"),
    ("idle", {"tune": by_optimizer(a=lambda s, r: falling("a", s, 0.1))}, "lr of a on p and q"),
    ("easy", {"goal": 1e9}, "goal on p and q"),
    ("hard", {"goal": 1e-12}, "goal on p and q"),
    ("budget", {"goal": 1e-5}, "b on p (20 updates) and q (20 updates)"),
    ("crossing", {"curve": by_optimizer(b=late)}, "on p b is lowest at the end, and a was until update 14"),
    ("cadence", {"cadence": 50, "curve": by_optimizer(b=lambda s, r: [0.99 * v for v in
                 falling("a", s, r)])}, "a and b (reached and held within 50 updates of each other)"),
    ("rounding", {"curve": lambda o, s, r: [*falling(o, s, r), 0.0], "goal": None}, "a and b on p and q"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "how", "says"), SEEN)
def test_each_mistake_of_runs_is_seen(tmp_path: Path, kind, how, says) -> None:
    if kind == "edge":  # the smallest rate is the best there, and was evaluated
        results = lab(tmp_path, **how)
        runs = results.runs
        chosen = runs["part"] == "chosen"
        results = with_runs(
            results, runs.assign(**{"hyper.lr": runs["hyper.lr"].mask(chosen, 0.05)})
        )
    else:
        results = lab(tmp_path, **how)
    assert says in told(results)[kind]


def test_a_loss_that_is_no_number_at_the_start_is_the_problems_doing(tmp_path: Path) -> None:
    results = lab(tmp_path)
    runs = results.runs
    bad = (runs["problem"] == "p") & (runs["seed"] == 3) & (runs["part"] == "chosen")
    results = with_runs(results, runs.assign(loss_first=runs["loss_first"].mask(bad)))
    ran = runs.loc[runs["problem"] == "p", ["optimizer", "run_id"]].drop_duplicates()
    text = told(results)["diverged"]
    assert f"before the first step: p ({bad.sum()} of {len(ran)} runs)." in text


def test_only_what_is_wrong_is_said(tmp_path: Path) -> None:
    """The warning at hand and none besides, but where one mistake is two."""
    with_it = {"default": {"default"}, "duplicate": {"duplicate"}, "idle": {"idle", "edge"},
               "hard": {"hard"}, "crossing": {"crossing"}, "alike": {"alike"}}  # fmt: skip
    for i, (kind, how, _) in enumerate(SEEN):
        if kind in with_it:
            assert set(told(lab(tmp_path / str(i), **how))) == with_it[kind], kind


def test_runs_that_broke_are_counted_once(tmp_path: Path) -> None:
    key = ("p", "a", 0, 0.1)
    results = lab(tmp_path, status={key: "error"})
    again = results.runs[results.runs["status"] == "error"].assign(part="default")
    twice = with_runs(results, pd.concat([results.runs, again], ignore_index=True))
    assert told(twice)["error"].startswith("1 run stopped with an error")
    tried = lab(tmp_path / "tried", status={("p", "a", 0.5, 0.2): "error"})
    assert "a (without 1 run) on p" in told(tried)["incomplete"]


def test_a_choice_on_what_is_shown(tmp_path: Path) -> None:
    results = lab(tmp_path)
    tuned = results.runs["part"] == "trial"
    shown = results.runs.assign(role=results.runs["role"].mask(tuned, "evaluate"))
    shown["part"] = shown["part"].mask(tuned, "grid")
    assert "a and b on p and q" in told(with_runs(results, shown))["selection"]
    # Of one exact instance there are no other seeds.
    given = shown[shown["seed"].isin([0.5])].assign(seed=0, start_kind="given")
    assert "selection" not in told(with_runs(results, given))


def test_claims_made_after_their_runs(tmp_path: Path) -> None:
    results = lab(tmp_path, seeds=12)
    side = {"optimizer": "b", "selection": "tuned"}
    claim = {"id": "c", "text": "a beats b", "kind": "better", "alpha": 0.05, "min_seeds": 10,
             "a": side | {"optimizer": "a"}, "others": [side], "measures": ["gap"],
             "problems": ["p"], "post_hoc": True}  # fmt: skip
    results.manifest["claims"] = [claim]
    assert "“a beats b”" in told(results)["post-hoc"]
    claim["post_hoc"] = False
    assert told(results) == {}


def test_a_negative_loss_may_be_asked_for() -> None:
    assert "rounding" not in before(targets="{loss: -0.5}")


def test_who_stands_at_the_lowest_loss_known_does_not_stall() -> None:
    """Where no minimum is known, the lowest loss may be one; where one is, it is what counts."""
    runs = pd.DataFrame({
        "problem": ["p", "p", "p", "q"], "stalled": [True, True, False, True], "loss_first": 9.0,
        "loss_best": [3.0, 5.0, 3.0, 3.0], "loss_final": [3.0, 5.0, 3.0, 3.0],
    })  # fmt: skip
    manifest = {
        "problems": [{"name": "p", "minimum": None}, {"name": "q", "minimum": {"value": 1.0}}]
    }
    assert list(stands_still(runs, manifest)) == [False, True, False, True]


def test_two_at_rounding_are_no_contest_for_a_claim(tmp_path: Path) -> None:
    """With a target the time decides; a claim on the gap compares rounding nevertheless."""
    results = lab(tmp_path, curve=lambda o, s, r: [*falling(o, s, r), 1e-30 * (1 + s)], seeds=12)
    assert "rounding" not in told(results)
    side = {"optimizer": "b", "selection": "tuned"}
    results.manifest["claims"] = [
        {"id": "c", "text": "a beats b", "kind": "better", "alpha": 0.05, "min_seeds": 10,
         "a": side | {"optimizer": "a"}, "others": [side], "measures": ["gap"],
         "problems": ["q"], "post_hoc": False}
    ]  # fmt: skip
    assert "a and b on q" in told(results)["rounding"]


def test_a_profile_that_does_not_contain_the_chosen_rate(tmp_path: Path) -> None:
    results = lab(tmp_path)
    results.manifest["optimizers"][0]["profile"] = {"lr": [0.15, 0.3]}
    assert "a (lr 0.1) on p and q" in told(results)["profile"]
    results.manifest["optimizers"][0]["profile"] = {"lr": [0.05, 0.3]}
    assert told(results) == {}


def test_a_stalled_run_is_counted(tmp_path: Path) -> None:
    results = lab(tmp_path)
    first = results.runs["run_id"] == results.runs["run_id"].iloc[-1]
    stalled = with_runs(results, results.runs.assign(stalled=first))
    assert told(stalled)["stalled"].startswith("1 run stalled")


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_the_unit_of_the_loss_changes_no_warning(tmp_path: Path, scale: float) -> None:
    for i, (kind, how, _) in enumerate(SEEN):
        if kind != "minimum":  # an absolute slack stands for the error of f* there
            plain = told(lab(tmp_path / f"{i}", **how))
            other = told(lab(tmp_path / f"{i}-scaled", **how, scale=scale))
            assert set(plain) == set(other), kind


def test_runs_at_the_minimum_are_not_called_the_same(tmp_path: Path) -> None:
    """All reach the same zero, from starts of their own."""
    results = lab(tmp_path, curve=lambda o, s, r: [*falling(o, s, r)[:12], 0.0, 0.0])
    assert not {"alike", "duplicate"} & set(told(results))


# --- the shipped experiments ---

SHIPPED = {
    "assignment-02": ["claims", "untuned"],
    "digits": [],
    "first-look": [],
    "learning-rates": [],
    "statements": [],
    "theory": ["untuned", "conventions"],
}


def test_what_is_foreseen_of_the_shipped_experiments() -> None:
    found = {
        path.stem: [w["kind"] for w in foresee(parse(path.read_text("utf-8"), path))]
        for path in sorted((ROOT / "experiments").glob("*.yaml"))
    }
    assert found == SHIPPED


TINY = {
    "assignment-02": ({"evaluate: 40": "evaluate: 10"}, ["untuned", "crossing", "stalled"]),
    "learning-rates": (
        {"steps: 2000": "steps: 600", "n: 61": "n: 4", "points: 100": "every: 1"},
        ["crossing"],
    ),
    "first-look": (
        {"steps: 1000": "steps: 300", "n: 16": "n: 3"},
        ["edge", "default", "hard", "budget", "crossing"],
    ),
}
"""What to change in a shipped spec, and the kinds of warning that its runs then get, in their order.
Three rates are a poor search and 300 steps a short budget, and that is what is said."""


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n != "learning-rates" else n for n in TINY]
)
def test_what_is_said_of_small_copies_of_them(tmp_path: Path, name: str) -> None:
    changes, kinds = TINY[name]
    path = ROOT / "experiments" / f"{name}.yaml"
    text = path.read_text("utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    results = optlab.run(parse(text, tmp_path / path.name), out=tmp_path)
    assert [w["kind"] for w in analysis.warnings(results)] == kinds


# --- the page ---


def test_the_page_of_mistakes_names_every_kind() -> None:
    page = (ROOT / "docs" / "mistakes.md").read_text("utf-8")
    assert set(re.findall(r"`([a-z-]+)`", page)) >= set(KINDS)
    starred = {kind for kind, *_ in FORESEEN} | {"selection"}
    assert set(re.findall(r"`([a-z-]+)`\*", page)) == starred
    rows = [
        line.split("|")[2:-1] for line in page.splitlines() if re.match(r"\| (judge|seeds n)", line)
    ]
    for judgements, seeds in zip(*([int(cell) for cell in row] for row in rows), strict=True):
        assert 2 ** (seeds - 1) < 40 * judgements <= 2**seeds  # 2/2^n <= 1 / (20 M)
    assert len(rows) == 2
    assert "(docs/mistakes.md)" in (ROOT / "README.md").read_text("utf-8")
