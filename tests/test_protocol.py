"""Settings are chosen first, on seeds of their own, and only what was chosen is evaluated."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import optlab
from optlab import plan
from optlab.analysis.settings import best_settings, entrants, profile_rows
from optlab.draws import Draws
from optlab.engine import Engine
from optlab.estimate import estimate
from optlab.results import Results
from optlab.spec import Contender, Experiment, SpecError, parse, read

TUNED = "tuning: {trials: 9}\nsearch: {lr: {log: [1e-3, 10]}}\n"


def spec(optimizers: str = "[sgd]", more: str = TUNED, problems: str = "[quadratic]") -> Experiment:
    text = f"title: t\nsteps: 5\nproblems: {problems}\noptimizers: {optimizers}\n{more}"
    return parse(text, Path("s.yaml"))


def contenders(optimizers: str, more: str = TUNED) -> dict[str, Contender]:
    return {c.name: c for c in spec(optimizers, more).contenders}


def faults(optimizers: str = "[sgd]", more: str = "") -> list[str]:
    with pytest.raises(SpecError) as caught:
        spec(optimizers, more)
    return [f"{f.line}:{f.column}: {f.path}: {f.message}" for f in caught.value.faults]


# --- joint draws ---


def radical_inverse(index: int, base: int) -> Fraction:
    """The digits of `index` behind the point, in reverse: the definition of van der Corput."""
    value, unit = Fraction(0), Fraction(1, base)
    while index:
        index, digit = divmod(index, base)
        value, unit = value + digit * unit, unit / base
    return value


def shares(trials: int, seed: int = 0) -> np.ndarray:
    """Where 2 searched values lie in their ranges, 0 to 1: `(trials, 2)`."""
    [c] = spec("[{momentum: {search: {lr: {log: [1e-3, 10]}, beta: {linear: [0.1, 0.9]}}}}]",
               f"tuning: {trials}\nseeds: {{experiment: {seed}}}\n").contenders  # fmt: skip
    drawn = np.array(c.trials)
    return np.column_stack([(np.log10(drawn[:, 0]) + 3) / 4, (drawn[:, 1] - 0.1) / 0.8])


def test_draws_are_halton_points_shifted_as_a_whole() -> None:
    drawn = shares(60)
    expected = [[float(radical_inverse(i, base)) for base in (2, 3)] for i in range(60)]
    off = (drawn - drawn[0] - expected + 0.5) % 1 - 0.5
    assert np.abs(off).max() < 1e-5  # six digits are kept
    assert not np.allclose(drawn[0], 0, atol=1e-3)


@pytest.mark.parametrize("seed", [0, 1, 77])
def test_draws_are_spread_evenly_one_by_one_and_jointly(seed: int) -> None:
    """b^k points in base b lie one in each b^-k of the range; 2^3 * 3^2 joint points, one a cell."""
    drawn = shares(72, seed)
    for axis, count in ((0, 64), (1, 27)):
        ordered = np.sort(drawn[:count, axis])
        gaps = np.diff([*ordered, ordered[0] + 1])
        np.testing.assert_allclose(gaps, 1 / count, atol=1e-5)
    places = (drawn - drawn[0] + 1e-5) % 1  # a cell begins at the shift
    cells = Counter(zip(*(places * [8, 9]).astype(int).T.tolist(), strict=True))
    assert len(cells) == 72
    assert set(cells.values()) == {1}


def test_fewer_trials_are_the_first_of_more() -> None:
    many = contenders("[{a: {use: momentum}}, {b: {use: momentum, trials: 3}}]")
    assert len(many["a"].trials) == 9
    assert many["b"].trials == many["a"].trials[:3]
    fewer = contenders("[{a: {use: momentum}}]", TUNED.replace("9", "4"))
    assert fewer["a"].trials == many["a"].trials[:4]


def test_who_searches_alike_meets_the_same_values() -> None:
    found = contenders("[sgd, {other: {use: sgd}}, optax.sgd, rmsprop, {adam: {beta1: 0.5}}]")
    assert len({c.trials for c in found.values()}) == 1
    turned = contenders("[{adam: {beta1: 0.5}}, sgd]")
    assert turned["adam"].trials == turned["sgd"].trials == found["sgd"].trials


def test_the_rate_has_two_names(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "def mine(x, g, *, keep=0.5, learning_rate=0.1):\n"
        "    x = x - learning_rate * keep * g\n    return x\n"
    )
    text = (
        "title: t\nsteps: 5\nproblems: [quadratic]\ntuning: 4\n"
        "search: {lr: {log: [0.1, 1]}}\nprofile: {lr: [2, 3]}\n"
        "optimizers: [sgd, {mine: {use: own.py:mine}}, {set: {use: own.py:mine, learning_rate: 7}},\n"
        "  {optax.sgd: {search: {learning_rate: {log: [0.1, 1]}}}}]\n"
    )
    sgd, mine, fixed, library = parse(text, tmp_path / "s.yaml").contenders
    assert mine.trials == sgd.trials == library.trials
    assert mine.swept == ("learning_rate",)
    assert mine.profile == {"learning_rate": (2.0, 3.0)}
    assert list(fixed.settings()) == [{"keep": 0.5, "learning_rate": 7.0}]


def test_the_experiment_seed_shifts_the_draws() -> None:
    one, two = (shares(8, seed) for seed in (0, 1))
    shift = (two - one) % 1
    np.testing.assert_allclose((shift - shift[0] + 0.5) % 1, 0.5, atol=1e-5)
    assert (np.abs((shift[0] + 0.5) % 1 - 0.5) > 1e-3).all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("name", "written", "low", "high"),
    [("lr", "{log: [1e-3, 10]}", 1e-3, 10), ("lr", "{linear: [0.5, 0.6]}", 0.5, 0.6),
     ("beta", "{one_minus_log: [1e-3, 0.5]}", 0.5, 0.999), ("beta", "{one_minus_log: [1e-3, 1]}", 0, 0.999),
     ("beta", "natural", 0.5, 0.99), ("lr", "natural", 1e-4, 1)],
)  # fmt: skip
def test_draws_lie_inside(name: str, written: str, low: float, high: float, seed: int) -> None:
    [c] = spec(f"[{{momentum: {{search: {{{name}: {written}}}}}}}]",
               f"tuning: 50\nseeds: {{experiment: {seed}}}\n").contenders  # fmt: skip
    drawn = np.array([s[name] for s in c.settings()])
    assert len(drawn) == 50
    assert drawn.min() >= low
    assert drawn.max() <= high
    # Evenly on its scale: the median of what is measured there lies near the middle.
    scale = np.log(1 - drawn) if "one_minus" in written or name == "beta" else (
        drawn if "linear" in written else np.log(drawn))  # fmt: skip
    ends = {"beta": lambda v: math.log(1 - v), "lr": math.log if "linear" not in written else float}
    middle = sum(ends[name](end) for end in (low, high)) / 2
    width = abs(ends[name](high) - ends[name](low))
    assert abs(np.median(scale) - middle) < 0.06 * width


# --- what is searched ---


def test_what_is_fixed_stays_fixed() -> None:
    search = "tuning: 5\nsearch: {lr: {log: [0.1, 1]}, beta: {linear: [0.1, 0.9]}}\n"
    found = contenders("[sgd, momentum, {still: {use: momentum, beta: 0.3}}, {set: {use: sgd, lr: 3}}]",
                       search)  # fmt: skip
    assert {name: c.swept for name, c in found.items()} == {
        "sgd": ("lr",), "momentum": ("lr", "beta"), "still": ("lr",), "set": (),
    }  # fmt: skip
    assert {s["beta"] for s in found["still"].settings()} == {0.3}
    assert list(found["set"].settings()) == [{"lr": 3.0}]
    # The default is the optimizer's own where something is chosen, and what the spec fixes elsewhere.
    assert found["still"].default == {"lr": 0.01, "beta": 0.3}
    assert found["momentum"].default == {"lr": 0.01, "beta": 0.9}
    assert found["set"].default == {"lr": 3.0}


def test_own_ranges_come_before_the_files() -> None:
    found = contenders("[sgd, {mine: {use: momentum, search: {beta: natural, lr: {log: [5, 6]}}}}]")
    assert list(found["mine"].search) == ["lr", "beta"]  # in the optimizer's order, not as written
    assert all(5 <= s["lr"] <= 6 for s in found["mine"].settings())
    assert (found["sgd"].search["lr"].low, found["sgd"].search["lr"].high) == (1e-3, 10)


def test_the_rate_is_searched_where_nothing_is_said() -> None:
    found = contenders("[adam, optax.lion, {still: {use: sgd, lr: 1}}]", "tuning: 4\n")
    ranges = {name: {h: (r.scale, r.low, r.high) for h, r in c.search.items()}
              for name, c in found.items()}  # fmt: skip
    assert ranges == {
        "adam": {"lr": ("log", 1e-4, 1.0)},
        "optax.lion": {"lr": ("log", 1e-4, 1.0)},
        "still": {},
    }
    assert [c.size for c in found.values()] == [4, 4, 1]


def test_short_forms() -> None:
    for short, long in (("tuning: 9\n", "tuning: {trials: 9, select: held}\n"), ("", "")):
        assert spec(more=short).tuning == spec(more=long).tuning
    assert spec(more="").tuning is None
    assert not spec(more="").staged
    assert spec("[{sgd: {lr: [1, 2]}}]", "tuning: {select: loss}\n").staged
    assert spec("[{sgd: {lr: [1, 2]}}]", "profile: {lr: [1, 2]}\n").staged


@pytest.mark.parametrize(
    ("optimizers", "more", "told"),
    [
        ("[sgd]", "search: {lr: natural}",
         ["5:1: search: a search needs trials: add `tuning: {trials: 50}`"]),
        ("[{sgd: {search: {lr: natural}}}]", "",
         ["4:21: optimizers[0].sgd.search: a search needs trials: `tuning: {trials: 50}` for the file; "
          "without it write a grid, as in lr: {log: [1e-4, 1], n: 9}"]),
        ("[{sgd: {trials: 4}}]", "",
         ["4:21: optimizers[0].sgd.trials: trials of its own need `tuning: {trials: 50}` for the file"]),
        ("[{sgd: {trials: many}}]", "tuning: 5",
         ["4:29: optimizers[0].sgd.trials: 'many' is not a whole number from 1 to 100,000"]),
        ("[{sgd: {lr: [1, 2]}}]", "tuning: 5",
         ["4:25: optimizers[0].sgd.lr: a list of values and `tuning: {trials: ...}` do not go together; "
          "write `search: {lr: {log: [1e-4, 1]}}`, or leave `trials` out and have the grid run"]),
        ("[{sgd: {lr: 1, search: {lr: natural}}}]", "tuning: 5",
         ["4:37: optimizers[0].sgd.search.lr: `lr` is searched and given a value; keep one of the two"]),
        ("[{momentum: {search: {bta: {log: [0.1, 1]}}}}]", "tuning: 5",
         ["4:35: optimizers[0].momentum.search.bta: 'momentum' has no such hyperparameter; did you mean "
          "'beta'?"]),
        ("[sgd]", "tuning: 5\nsearch: {bta: {log: [0.1, 1]}}",
         ["6:10: search.bta: none of these optimizers has such a hyperparameter; known: lr"]),
        ("[sgd]", "profile: {lrr: [1, 2]}",
         ["5:11: profile.lrr: none of these optimizers has such a hyperparameter; did you mean 'lr'?"]),
        ("[sgd]", "profile: {lr: 1}", ["5:15: profile.lr: a curve needs at least two values"]),
        ("[sgd]", "profile: {lr: [1, -2]}", ["5:19: profile.lr[1]: -2 is outside (0, inf)"]),
        ("[sgd]", "profile: [1, 2]",
         ["5:10: profile: write a hyperparameter and its values, as in {lr: {log: [1e-5, 10], n: 25}}"]),
        ("[sgd]", "tuning: 5\nsearch: [lr]",
         ["6:9: search: write a hyperparameter and a range, as in {lr: {log: [1e-5, 10]}}"]),
        ("[sgd]", "tuning: 5\nsearch: {lr: {lag: [1, 2]}}",
         ["6:15: search.lr.lag: no such scale; did you mean 'log'?"]),
        ("[sgd]", "tuning: 5\nsearch: {lr: {log: [2, 1]}}",
         ["6:20: search.lr.log: give two numbers, the smaller first: {log: [1e-3, 0.5]}"]),
        ("[sgd]", "tuning: 5\nsearch: {lr: {log: [0, 1]}}",
         ["6:20: search.lr.log: both ends must be above 0"]),
        ("[momentum]", "tuning: 5\nsearch: {beta: {one_minus_log: [0.1, 2]}}",
         ["6:32: search.beta.one_minus_log: both ends must be between 0 and 1 (the distance from 1)"]),
        ("[momentum]", "tuning: 5\nsearch: {beta: {linear: [0.5, 1]}}",
         ["6:25: search.beta.linear: 1 is outside [0, 1)"]),
        ("[sgd]", "tuning: 5\nsearch: {lr: 0.1}",
         ["6:14: search.lr: write one scale and its two ends, as in {log: [1e-5, 10]}, or `natural`"]),
        ("[sgd]", "tuning: {select: accuracy}",
         ["5:18: tuning.select: 'accuracy' cannot select; known: held, loss, reached"]),
        ("[sgd]", "tuning: {trails: 5}",
         ["5:10: tuning.trails: no such key; did you mean 'trials'?"]),
        ("[sgd]", "tuning: {trials: 0}", ["5:18: tuning.trials: 0 must be at least 1"]),
        ("[sgd]", "tuning: true",
         ["5:9: tuning: true does not fit; write keys and values, such as {trials: 50, select: loss}, "
          "or one whole number"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_place(optimizers: str, more: str, told: list[str]) -> None:
    assert faults(optimizers, f"{more}\n") == told


# --- counts ---


@pytest.mark.parametrize("more", [
    "tuning: 7\nprofile: {lr: {log: [0.001, 1.5], n: 4}, beta: [0.1, 0.2]}\n",
    "tuning: {select: loss}\n", "tuning: 1\n", "profile: {lr: [3, 4]}\n",
])  # fmt: skip
def test_counts_are_those_of_both_stages(more: str) -> None:
    experiment = spec(
        "[sgd, momentum, {still: {use: sgd, lr: 0.3}}]", f"{more}seeds: {{tune: 2, evaluate: 3}}\n",
        "[rosenbrock, {one: {use: quadratic, start: [1, 1]}}, {few: {use: booth, optimizers: [still]}}]",
    )  # fmt: skip
    first = list(plan.runs(experiment))
    chosen = {
        (t.name, name): next(experiment.contender(name).settings())
        for t in experiment.tasks for name in t.optimizers
    }  # fmt: skip
    second = list(plan.chosen_runs(experiment, chosen, chosen))
    assert experiment.size == len(first) + len(second)
    found = estimate(experiment)
    assert found.runs == experiment.size
    assert found.run_steps == 5 * experiment.size
    assert {r.part for r in first} <= {"trial"}
    assert {r.role for r in first if r.task.name == "rosenbrock"} <= {"tune"}
    assert not [r for r in first if r.task.name == "few"]  # one setting: nothing to choose


# --- from a file to tables ---

SMALL = """
title: Two stages
steps: 40
seeds: {tune: 2, evaluate: 3}
tuning: {trials: 8}
search: {lr: {log: [1e-3, 10]}}
profile: {lr: [0.01, 0.1, 1]}
targets: {gap_over_start: 0.2}
problems:
  - bowl: {use: quadratic, condition: 5}
  - iris: {use: softmax_regression, data: iris, batch: 30, steps: 20, targets: {loss_over_start: 0.6}}
optimizers:
  - sgd
  - twin: {use: sgd}
  - momentum: {search: {lr: {log: [1e-3, 10]}, beta: natural}}
  - few: {use: sgd, trials: 3}
  - still: {use: sgd, lr: 0.3}
"""


class Listener:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, int, int]] = []
        self.steps = 0
        self.notes: list[str] = []

    def begin(self, name: str, runs: int, run_steps: int, stored: int, later: int) -> None:
        self.begun.append((runs, run_steps, stored))

    def advance(self, run_steps: int) -> None:
        self.steps += run_steps

    def note(self, text: str) -> None:
        self.notes.append(text)


def run(folder: Path, text: str = SMALL) -> tuple[Results, Listener]:
    path, listener = folder / "small.yaml", Listener()
    path.write_text(text, encoding="utf-8")
    return optlab.run(path, folder / "out", listener), listener


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Listener]:
    return run(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def done(made: tuple[Results, Listener]) -> Results:
    return made[0]


def part(runs: pd.DataFrame, problem: str, optimizer: str, name: str) -> pd.DataFrame:
    return runs[
        (runs["problem"] == problem) & (runs["optimizer"] == optimizer) & (runs["part"] == name)
    ]


PAIRS = [(p, o) for p in ("bowl", "iris") for o in ("sgd", "twin", "momentum", "few", "still")]
HYPERS = ["hyper.lr", "hyper.beta"]
TARGETS = {"bowl": "gap_over_start <= 0.2", "iris": "loss_over_start <= 0.6"}


def by_hand(trials: pd.DataFrame, columns: list[str]) -> Any:
    """The setting whose medians over seeds come first, column by column; then the first drawn."""
    ranked = []
    groups = trials.groupby(HYPERS, dropna=False, sort=False)
    for i, (setting, rows) in enumerate(groups):
        worth = []
        for name in columns:
            sign = -1 if "accuracy" in name else 1
            values = sign * rows[name].astype(float)
            values = values.mask(rows["status"] == "diverged", np.inf)
            worth.append(float(np.median(values)))
        ranked.append((*worth, i, setting))
    return min(ranked)[-1]


def test_each_part_has_its_runs(done: Results) -> None:
    counted = done.runs.groupby(["problem", "optimizer", "role", "part"]).size().to_dict()
    expected = {}
    for problem, optimizer in PAIRS:
        trials = {"few": 3, "still": 1}.get(optimizer, 8)
        parts = {"trial": 2 * trials, "chosen": 3, "profile": 3 * 3}
        if optimizer != "still":  # one setting is its own default
            parts["default"] = 3
        for name, count in parts.items():
            role = "tune" if name == "trial" else "evaluate"
            expected[problem, optimizer, role, name] = count
        if problem == "bowl":
            expected[problem, optimizer, "picture", "picture"] = 1
    assert counted == expected
    assert len(done.runs) == read(done.folder.parent.parent / "small.yaml").size


def test_only_what_was_chosen_is_evaluated(done: Results) -> None:
    best = best_settings(done.runs, done.manifest).set_index(["problem", "optimizer"])
    for problem, optimizer in PAIRS:
        trials, chosen = (part(done.runs, problem, optimizer, p) for p in ("trial", "chosen"))
        expected = by_hand(trials, [f"held.{TARGETS[problem]}", "loss_final"])
        [(found, rows)] = chosen.groupby(HYPERS, dropna=False)
        np.testing.assert_array_equal(found, expected)
        assert sorted(rows["seed"]) == [0, 1, 2]
        told: Any = best.loc[(problem, optimizer)]
        np.testing.assert_array_equal(told[HYPERS].astype(float), expected)
        assert (told["chosen_on"], told["seeds"]) == ("tune", 2)
        if problem == "bowl":
            picture = part(done.runs, problem, optimizer, "picture")
            np.testing.assert_array_equal(picture[HYPERS].to_numpy(float), [expected])


@pytest.mark.slow
def test_what_selects_decides(tmp_path: Path) -> None:
    chosen: dict[tuple[str, str], tuple[float, ...]] = {}
    selects = {
        "loss": ["loss_final"],
        "reached": ["reached", "loss_final"],
        "held": ["held", "loss_final"],
        "test_accuracy": ["final.test_accuracy", "held", "loss_final"],
        "test_loss": ["final.test_loss", "held", "loss_final"],
    }
    for select, columns in selects.items():
        text = SMALL.replace("{trials: 8}", f"{{trials: 16, select: {select}}}")
        text = text.replace("evaluate: 3", "evaluate: 1, experiment: 4")
        text = text[: text.index("profile")] + text[text.index("targets") : text.index("  - sgd")]
        text += "  - momentum: {search: {lr: {log: [1e-3, 10]}, beta: natural}}\n"
        found = run(tmp_path, text)[0]  # what was run for another is stored
        for problem, target in TARGETS.items():
            mine = [f"{c}.{target}" if c in ("reached", "held") else c for c in columns]
            if problem == "bowl":  # which has no rows held out, and so goes by the time
                mine = [c for c in mine if not c.startswith("final.")]
            expected = by_hand(part(found.runs, problem, "momentum", "trial"), mine)
            winner = part(found.runs, problem, "momentum", "chosen")[HYPERS].drop_duplicates()
            np.testing.assert_array_equal(winner.to_numpy(float), [expected])
            chosen[problem, select] = expected
        assert found.manifest["tuning"] == {"trials": 16, "select": select, "staged": True}
    # Here the three ways to judge a curve choose three settings, and held-out rows another one.
    assert len({chosen["bowl", select] for select in ("loss", "reached", "held")}) == 3
    for select in ("test_accuracy", "test_loss"):
        assert chosen["iris", select] != chosen["iris", "held"]


def test_what_selects_is_recorded() -> None:
    experiment = spec("[sgd]", "tuning: {trials: 2, select: test_accuracy}\nrecord: {metrics: [loss]}\n",
                      "[{softmax_regression: {data: iris}}]")  # fmt: skip
    [cell] = plan.cells(experiment, list(plan.runs(experiment))[:1])
    assert cell.program.metrics == ("loss", "test_accuracy")


def test_seeds_that_choose_are_not_those_that_judge(done: Results) -> None:
    for problem, optimizer in PAIRS:
        tune, evaluate = (part(done.runs, problem, optimizer, p) for p in ("trial", "chosen"))
        assert set(tune["role"]) == {"tune"}
        assert set(evaluate["role"]) == {"evaluate"}
        assert set(tune["run_id"]).isdisjoint(evaluate["run_id"])
        # `loss_first` tells starts apart, and all optimizers start alike.
        assert tune["loss_first"].nunique() == 2
        assert set(tune["loss_first"]).isdisjoint(evaluate["loss_first"])
    firsts = done.runs.groupby(["problem", "role", "seed"])["loss_first"].nunique()
    assert (firsts == 1).all()
    [task] = spec(problems="[{mlp: {data: iris, batch: 30}}]").tasks
    experiment = spec(problems="[{mlp: {data: iris, batch: 30}}]")
    draws, first = Draws(0), next(plan.runs(experiment))
    orders = {
        np.asarray(draws.stream(plan.Run("", task, first.contender, {}, role, seed, "drawn", ""))).tobytes()
        for role in ("tune", "evaluate") for seed in range(3)
    }  # fmt: skip
    assert len(orders) == 6


def test_the_default_stands_beside_the_tuned(done: Results) -> None:
    both = entrants(done.runs, best_settings(done.runs, done.manifest))
    for problem, optimizer in PAIRS:
        mine = both[(both["problem"] == problem) & (both["optimizer"] == optimizer)]
        default = mine[mine["selection"] == "default"]
        assert sorted(default["seed"]) == [0, 1, 2]
        assert set(default["hyper.lr"]) == {0.3 if optimizer == "still" else 0.01}
        assert set(default["hyper.beta"].dropna()) == ({0.9} if optimizer == "momentum" else set())
        assert sorted(mine.loc[mine["selection"] == "tuned", "seed"]) == [0, 1, 2]


def test_a_profile_varies_one_thing(done: Results) -> None:
    around = profile_rows(done.runs, best_settings(done.runs, done.manifest))
    for problem, optimizer in PAIRS:
        profile, chosen = (part(done.runs, problem, optimizer, p) for p in ("profile", "chosen"))
        assert sorted(profile["hyper.lr"]) == sorted([0.01, 0.1, 1.0] * 3)
        np.testing.assert_array_equal(profile["hyper.beta"].unique(), chosen["hyper.beta"].unique())
        mine = around[(around["problem"] == problem) & (around["optimizer"] == optimizer)]
        assert set(mine["rate"]) == {0.01, 0.1, 1.0, *chosen["hyper.lr"]}
        assert (mine["rate"] == mine["hyper.lr"]).all()


def test_a_run_in_two_parts_is_run_once(made: tuple[Results, Listener]) -> None:
    found, listener = made
    runs = found.runs
    # sgd's default rate, 0.01, is on its profile: one run, two rows with the same numbers.
    for problem in ("bowl", "iris"):
        default, profile = (part(runs, problem, "sgd", p) for p in ("default", "profile"))
        profile = profile[profile["hyper.lr"] == 0.01]
        assert list(default["run_id"]) == list(profile["run_id"])
        pd.testing.assert_frame_equal(
            default.drop(columns="part").reset_index(drop=True),
            profile.drop(columns="part").reset_index(drop=True),
        )
    once = runs.drop_duplicates("run_id")
    assert len(once) < len(runs)
    assert listener.steps == once["problem"].map({"bowl": 40, "iris": 20}).sum()
    assert not found.curves.duplicated(["run_id", "step", "metric"]).any()
    counted = runs.drop_duplicates(["problem", "optimizer", "run_id"])
    assert sum(found.manifest["counts"].values()) == len(counted)
    assert listener.begun[-1][0] == len(counted)
    assert [stored for _, _, stored in listener.begun] == [0, 0]


def test_a_name_changes_nothing(done: Results) -> None:
    columns = [c for c in done.runs.columns if c != "optimizer"]
    sgd, twin = (done.runs[done.runs["optimizer"] == name][columns] for name in ("sgd", "twin"))
    pd.testing.assert_frame_equal(sgd.reset_index(drop=True), twin.reset_index(drop=True))


def test_everyone_has_the_same_budget(done: Results) -> None:
    whole = done.runs[done.runs["status"] != "diverged"]
    assert (whole["grad_evals"] == whole["problem"].map({"bowl": 40, "iris": 20})).all()


def test_a_target_over_the_loss_at_the_start(done: Results) -> None:
    runs = done.runs[done.runs["problem"] == "iris"].drop_duplicates("run_id")
    curves = done.curves[done.curves["metric"] == "loss"]
    label = "reached.loss_over_start <= 0.6"
    assert np.isfinite(runs[label]).any()
    for row in runs.to_dict("records"):
        curve = curves[curves["run_id"] == row["run_id"]].sort_values("step")
        met = curve.loc[curve["value"] <= 0.6 * curve["value"].iloc[0], "step"]
        assert row[label] == (met.iloc[0] if len(met) else math.inf)


def test_a_second_run_has_nothing_to_do(tmp_path: Path) -> None:
    text = SMALL[: SMALL.index("  - twin")]
    before, first = run(tmp_path, text)
    count = first.begun[-1][0]
    again, second = run(tmp_path, text)
    assert second.steps == 0
    assert second.begun[-1] == (count, 0, count)
    pd.testing.assert_frame_equal(again.runs, before.runs)
    # One evaluation seed more: each setting that was evaluated meets it, and nothing else is run.
    more, third = run(tmp_path, text.replace("evaluate: 3", "evaluate: 4"))
    fresh = more.runs[~more.runs["run_id"].isin(before.runs["run_id"])]
    assert set(fresh["seed"]) == {3}
    assert set(fresh["role"]) == {"evaluate"}
    ids = fresh.drop_duplicates("run_id")
    assert third.steps == ids["problem"].map({"bowl": 40, "iris": 20}).sum()
    assert third.begun[-1][2] == count
    kept = more.runs[more.runs["run_id"].isin(before.runs["run_id"])]
    pd.testing.assert_frame_equal(kept.reset_index(drop=True), before.runs)


def test_the_second_stage_has_the_bits_of_a_run_alone(done: Results, tmp_path: Path) -> None:
    text = SMALL[: SMALL.index("tuning")] + SMALL[SMALL.index("targets") : SMALL.index("  - sgd")]
    for problem in ("bowl", "iris"):
        chosen = part(done.runs, problem, "momentum", "chosen")
        lr, beta = (float(chosen[name].iloc[0]) for name in HYPERS)
        text += f"  - {problem}: {{use: momentum, lr: {lr!r}, beta: {beta!r}}}\n"
    alone = run(tmp_path, text)[0].runs
    assert set(alone["part"]) == {"grid", "picture"}
    for problem in ("bowl", "iris"):
        chosen = part(done.runs, problem, "momentum", "chosen").set_index("run_id")
        same = part(alone, problem, problem, "grid").set_index("run_id").loc[chosen.index]
        for name in ("loss_final", "loss_best", "largest_rise"):
            assert (same[name] == chosen[name]).all()


def test_one_exact_instance(tmp_path: Path) -> None:
    text = SMALL[: SMALL.index("problems")]
    text += "problems: [{one: {use: quadratic, start: [1, 1]}}]\noptimizers: [sgd]\n"
    found, listener = run(tmp_path, text)
    runs = found.runs
    assert set(runs["role"]) == {"evaluate"}
    assert set(runs["seed"]) == {0}
    assert runs["part"].value_counts().to_dict() == {
        "trial": 8, "chosen": 1, "default": 1, "profile": 3,
    }  # fmt: skip
    # The chosen one is a trial, and the default's rate is on the profile.
    assert listener.steps == 40 * runs["run_id"].nunique() == 40 * (8 + 3)
    assert [stored for _, _, stored in listener.begun] == [0, 0]
    [best] = best_settings(runs, found.manifest).to_dict("records")
    assert (best["chosen_on"], best["settings"]) == ("evaluate", 8)


def test_where_every_trial_broke_nothing_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = Engine.execute

    def broken(self: Engine, cells: Any, inputs: Any, finish: Any) -> Any:
        for cell, outcome in execute(self, cells, inputs, finish):
            first = cell.runs[0]
            lost = first.role == "tune" and first.contender.name == "sgd"
            lost = lost and not isinstance(outcome, int)
            yield cell, (RuntimeError("no") if lost else outcome)

    text = (
        SMALL[: SMALL.index("  - iris")] + "optimizers: [sgd, {few: {use: rmsprop, trials: 3}}]\n"
    )
    with monkeypatch.context() as patched:
        patched.setattr(Engine, "execute", broken)
        found, listener = run(tmp_path, text)
    parts = {o: set(rows["part"]) for o, rows in found.runs.groupby("optimizer")}
    assert parts == {
        "sgd": {"trial", "default"},
        "few": {"trial", "default", "chosen", "profile", "picture"},
    }
    trials = part(found.runs, "bowl", "sgd", "trial")
    assert set(trials["status"]) == {"error"}
    assert "sgd on bowl broke: RuntimeError: no" in listener.notes
    assert found.manifest["counts"]["error"] == 2 * 8
    # Run again without the fault, it is chosen as if nothing had happened.
    after = run(tmp_path, text)[0]
    assert set(part(after.runs, "bowl", "sgd", "chosen")["seed"]) == {0, 1, 2}


# --- the edge of a search ---


def edge(
    values: list[float], scale: str, low: float, high: float, name: str = "lr"
) -> dict[str, str]:
    """`on_edge` where trials at `values`, best first, were all there was."""
    runs = pd.DataFrame(
        {
            "problem": "p", "optimizer": "o", "role": "tune", "part": "trial", "seed": 0,
            "status": "budget", "loss_final": np.arange(len(values), dtype=float) + 1,
            f"hyper.{name}": values,
        }
    )  # fmt: skip
    manifest = {
        "problems": [{"name": "p", "optimizers": ["o"], "decision": None}],
        "optimizers": [{"name": "o", "hypers": {name: values}, "swept": [name],
                        "search": {name: {"scale": scale, "low": low, "high": high}}}],
    }  # fmt: skip
    return best_settings(runs, manifest).iloc[0]["on_edge"]


@pytest.mark.parametrize(
    ("values", "scale", "found"),
    [
        # Of four decades from 0.001 to 10, the outer tenth ends at 4 and the outer fifth at 1.58.
        ([5, 2, 3, 0.1], "log", {"lr": "largest"}),
        ([3.9, 2, 3, 0.1], "log", {}),
        ([5, 2, 1.5, 0.1], "log", {}),
        ([0.002, 0.003, 0.006, 1], "log", {"lr": "smallest"}),
        ([0.002, 0.003, 0.007, 1], "log", {}),
        ([0.002, 9, 8, 1], "log", {}),
        ([9.5, 9, 8.5, 1], "linear", {"lr": "largest"}),
        ([8.9, 9, 8.5, 1], "linear", {}),
    ],
)
def test_a_search_has_an_edge(values: list[float], scale: str, found: dict[str, str]) -> None:
    assert edge(values, scale, 0.001, 10) == found


def test_the_edge_of_what_is_counted_from_one() -> None:
    # Distances from 1 between 0.001 and 0.1: a decay of 0.9989 is large, one of 0.9 is small.
    assert edge([0.9989, 0.9988, 0.9985, 0.95], "one_minus_log", 1e-3, 0.1, "beta") == {
        "beta": "largest"
    }
    assert edge([0.901, 0.91, 0.92, 0.99], "one_minus_log", 1e-3, 0.1, "beta") == {
        "beta": "smallest"
    }
    # Below a decay of 0 there is nothing, so nothing was cut off.
    assert edge([0.001, 0.01, 0.02, 0.9], "one_minus_log", 1e-3, 1.0, "beta") == {}
