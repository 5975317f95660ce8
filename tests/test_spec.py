"""The border: what a spec says, and what is said of a spec that is wrong, to the letter."""

from __future__ import annotations

import copy
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optlab import plan, rules
from optlab.problems import METRICS, REGISTRY
from optlab.spec import Experiment, SpecError, Target, parse, read

PLAIN = "title: t\nsteps: 5\nproblems: [quadratic]\noptimizers: [sgd]\n"


def spec(text: str) -> Experiment:
    return parse(text, Path("s.yaml"))


def told(text: str) -> list[str]:
    """The faults of a text without the file's name and without the alignment."""
    with pytest.raises(SpecError) as caught:
        spec(text)
    return [
        f"{f.line}:{f.column}: {f.path + ': ' if f.path else ''}{f.message}"
        for f in caught.value.faults
    ]


def sweep(written: str, name: str = "lr") -> tuple[float, ...]:
    text = PLAIN.replace("[sgd]", f"[{{momentum: {{{name}: {written}}}}}]")
    return spec(text).contenders[0].sweep[name]


# --- what is right ---


def test_a_plain_spec_has_every_default() -> None:
    experiment = spec(PLAIN)
    assert (experiment.name, experiment.title, experiment.precision) == ("s", "t", "float64")
    assert (experiment.seeds.evaluate, experiment.seeds.tune, experiment.seeds.experiment) == (
        10,
        3,
        0,
    )
    [task], [contender] = experiment.tasks, experiment.contenders
    assert (task.name, task.steps, task.optimizers, task.worked) == ("quadratic", 5, ("sgd",), 0)
    assert task.targets == (Target("gap_over_start", 1e-3),)
    assert contender.sweep == {"lr": (0.01,)}
    assert experiment.text == PLAIN


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-4", 0.0001), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0), ("010", 10.0), ("+.5E0", 0.5),
        ("1.5e+2", 150.0), ("007", 7.0), ("3", 3.0),
    ],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(written: str, value: float) -> None:
    assert sweep(written) == (value,)


@pytest.mark.parametrize(
    "written",
    [
        "on",
        "yes",
        "12:30",
        "NaN",
        "1_000",
        "0x10",
        "1e",
        "'0.1'",
        '"1"',
        "1 5",
        "true",
        "null",
        "~",
    ],
)
def test_what_only_resembles_a_number_is_told(written: str) -> None:
    [fault] = told(PLAIN.replace("[sgd]", f"[{{sgd: {{lr: {written}}}}}]"))
    assert fault.startswith("4:25: optimizers[0].sgd.lr: ")
    assert " is not a number; write a number, a list of numbers, or a range" in fault


@pytest.mark.parametrize(
    ("written", "why"),
    [
        *(
            (w, "is not a finite number")
            for w in ("inf", "nan", ".inf", "-.inf", "1e400", "9" * 400, "9" * 5000)
        ),
        *((w, "is outside (0, inf)") for w in ("-1", "0")),
    ],
)
def test_numbers_outside_the_range_are_told(written: str, why: str) -> None:
    [fault] = told(PLAIN.replace("[sgd]", f"[{{sgd: {{lr: {written}}}}}]"))
    assert fault.startswith("4:25: optimizers[0].sgd.lr: ")
    assert fault.endswith(why)


def test_a_whole_number_may_be_written_with_an_exponent() -> None:
    assert spec(PLAIN.replace("5", "1e3")).tasks[0].steps == 1000
    assert told(PLAIN.replace("5", "1.5e0")) == ["2:8: steps: 1.5e0 is not a whole number"]


@pytest.mark.parametrize("n", [2, 7, 40])
def test_ranges_are_numpys_grids_with_their_ends(n: int) -> None:
    log = sweep(f"{{log: [1e-4, 3], n: {n}}}")
    np.testing.assert_allclose(log, 10 ** np.linspace(-4, np.log10(3), n), rtol=1e-13)
    assert (log[0], log[-1], len(log)) == (1e-4, 3.0, n)
    linear = sweep(f"{{linear: [0, 0.9], n: {n}}}", "beta")
    np.testing.assert_allclose(linear, [0.9 * i / (n - 1) for i in range(n)], rtol=1e-15)
    assert (linear[0], linear[-1]) == (0.0, 0.9)


def test_ranges_have_a_usual_number_of_points() -> None:
    assert len(sweep("{log: [1e-4, 1]}")) == 9  # two a decade, and the end
    assert len(sweep("{linear: [0, 0.9]}", "beta")) == 5
    assert len(sweep("{log: [1e-320, 1e300], n: 3}")) == 3
    assert sweep("{log: [0.1, 10], n: 3e0}") == pytest.approx((0.1, 1.0, 10.0))


def test_a_sweep_is_a_grid_with_the_last_name_fastest() -> None:
    text = PLAIN.replace("sgd", "momentum: {beta: [0.5, 0.9], lr: [1, 2]}")
    settings_ = list(spec(text).contenders[0].settings())
    assert [(s["lr"], s["beta"]) for s in settings_] == [(1, 0.5), (1, 0.9), (2, 0.5), (2, 0.9)]


def test_names_of_ones_own() -> None:
    text = """
title: t
steps: 5
problems:
  - a: {use: quadratic, condition: 3}
  - b: {use: quadratic, condition: 30, steps: 7, targets: {loss: 1, gap: [1e-2, 1e-3]}}
  - c: {use: softmax_regression, data: iris, batch: 30, epochs: 2.5, optimizers: [slow]}
optimizers:
  - fast: {use: sgd, lr: 0.5}
  - slow: {use: sgd, lr: 0.05}
"""
    experiment = spec(text)
    a, b, c = experiment.tasks
    assert (a.name, a.problem.name, a.problem.parameters["condition"]) == ("a", "quadratic", 3.0)
    assert (a.steps, b.steps) == (5, 7)
    assert c.steps == 10  # 120 training rows, four minibatches an epoch, two and a half epochs
    assert c.notes == ("2.5 epochs of 4 steps",)
    assert b.targets == (Target("loss", 1.0), Target("gap", 0.01), Target("gap", 0.001))
    assert a.targets == (Target("gap_over_start", 1e-3),)
    assert (a.optimizers, c.optimizers) == (("fast", "slow"), ("slow",))
    assert [experiment.contender(n).sweep["lr"] for n in ("fast", "slow")] == [(0.5,), (0.05,)]


@pytest.mark.parametrize(
    ("value", "written"),
    [(1e-3, "0.001"), (1e-6, "1e-06"), (100.0, "100"), (0.95, "0.95"), (1e6, "1e+06"), (-2.5, "-2.5"),
     (0.12345678, "0.12345678"), (0.1234567, "0.1234567"), (1e6 + 1, "1000001"), (5e-324, "4.94066e-324"),
     (1.0000000000000002, "1.0000000000000002")],
)  # fmt: skip
def test_a_target_has_a_label_of_its_own(value: float, written: str) -> None:
    assert Target("loss", value).label == f"loss <= {written}"
    other = math.nextafter(value, math.inf)
    assert Target("loss", other).label != Target("loss", value).label


def test_targets_of_the_file_hold_where_they_apply() -> None:
    text = """
title: t
steps: 5
targets: {test_accuracy: 0.9, gap: 1e-3}
problems:
  - quadratic
  - softmax_regression: {data: iris}
  - recorded_gradients: {start: {w: 1}, w: [1, 2]}
  - mlp: {data: iris}
optimizers: [sgd]
"""
    bowl, softmax, recorded, network = spec(text).tasks
    assert bowl.targets == (Target("gap", 1e-3),)
    assert softmax.targets == (Target("test_accuracy", 0.9), Target("gap", 1e-3))
    assert recorded.targets == ()  # given gradients are no race
    assert network.targets == (Target("test_accuracy", 0.9),)  # its minimum is not known
    assert (recorded.steps, recorded.worked) == (2, 2)


def test_a_target_for_all_may_be_a_metric_of_ones_own(tmp_path: Path) -> None:
    own = """
from dataclasses import replace
from optlab.problems import REGISTRY, Family

def make():
    return replace(REGISTRY["quadratic"](), metrics={"far": lambda x, rows: x[0] ** 2})

made = Family("made", make, "")
"""
    (tmp_path / "own.py").write_text(own)
    text = PLAIN.replace("[quadratic]", "[quadratic, {mine: {use: 'own.py:made'}}]")
    text += "targets: {far: 0.1, loss: 2}\n"
    bowl, mine = parse(text, tmp_path / "s.yaml").tasks
    assert bowl.targets == (Target("loss", 2.0),)
    assert mine.targets == (Target("far", 0.1), Target("loss", 2.0))
    with pytest.raises(SpecError, match=r":5:11: +targets.fra: no such target; did you mean 'far'"):
        parse(text.replace("{far", "{fra"), tmp_path / "s.yaml")


def test_the_metrics_of_the_house_are_listed() -> None:
    made = {name for family in REGISTRY.values() if family.name != "recorded_gradients"
            for name in family().metrics}  # fmt: skip
    assert made == set(METRICS)


def test_a_list_of_gradients_lasts_as_long_as_it_is() -> None:
    text = PLAIN.replace(
        "[quadratic]", "\n  - recorded_gradients: {start: {w: 1}, w: [1, 2], steps: 3}"
    )
    assert told(text) == [
        "4:59: problems[0].recorded_gradients.steps: the list of gradients ends after 2 steps"
    ]


def test_epochs_of_the_file() -> None:
    text = PLAIN.replace("steps: 5", "epochs: 3").replace("quadratic", "mlp")
    assert spec(text).tasks[0].steps == 3 * (1437 // 64)  # digits: 1,797 rows, a fifth held out
    assert told(PLAIN.replace("steps: 5", "epochs: 3")) == [
        "3:12: problems[0]: this problem has no data, so no epochs; give `steps`"
    ]
    assert told(text.replace("3\n", "1e7\n", 1)) == [
        "3:12: problems[0]: 220,000,000 steps, and the most are 100,000,000"
    ]


# --- what is wrong ---

WRONG = """\
title: 5
steps: 10
seeds: {tune: true, evalute: 3}
precision: float16
record: {metrics: [loss, lossy]}
colour: red
targets: {gapp: 1e-3, loss: NaN}
problems:
  - rosenbrok
  - quadratic: {dim: true, cond: 3}
  - quadratic: {dim: 2, condition: 0.5}
  - bowl: {use: quadratic, targets: {gap: -1}, optimizers: [adm], steps: 2.5, worked: 99}
  - soft: {use: softmax_regression, targets: {gap: 1}, batch: "64"}
  - himmelblau
optimizers:
  - adam: {beta1: 1.2, learning: 1, lr: {log: [1, 1e-4]}}
  - sgd: {lr: [0.1, 0.1, on]}
  - momentum: {lr: {log: [0, 1]}, beta: {linear: [0, 1], m: 3}}
  - adamm
  - rmsprop: {lr: 12:30, beta: null, eps: 010}
"""
TOLD = [
    "1:8: title: 5 is not text; put it in quotes",
    "3:15: seeds.tune: true is not a whole number",
    "3:21: seeds.evalute: no such key; did you mean 'evaluate'?",
    "4:12: precision: 'float16' is not one of 'float64' or 'float32'",
    "5:26: record.metrics[1]: no metric named 'lossy'; did you mean 'loss'?",
    "6:1: colour: no such key; known: claims, epochs, groups, handwritten, import, marking, optimizers, precision, "
    "problems, profile, question, record, search, seeds, steps, targets, title, tuning",
    "7:11: targets.gapp: no such target; did you mean 'gap'?",
    "7:29: targets.loss: 'NaN' is not a number",
    "9:5: problems[0]: no problem named 'rosenbrok'; did you mean 'rosenbrock'?",
    "10:22: problems[1].quadratic.dim: true is not a whole number",
    "10:28: problems[1].quadratic.cond: 'quadratic' has no such parameter; did you mean "
    "'condition'?",
    "11:16: problems[2].quadratic: two problems are named 'quadratic'; give one a name of its own: "
    "`- my-name: {use: quadratic, ...}`",
    "11:36: problems[2].quadratic.condition: must be at least 1 (largest over smallest curvature)",
    "12:43: problems[3].bowl.targets.gap: -1 must be finite and, for a gap, above 0",
    "12:61: problems[3].bowl.optimizers[0]: no optimizer named 'adm'; did you mean 'adam'?",
    "12:74: problems[3].bowl.steps: 2.5 is not a whole number from 1 to 100,000,000",
    "12:87: problems[3].bowl.worked: 99 is not a whole number from 0 to 50",
    "13:63: problems[4].soft.batch: '64' is not a whole number or 'full'",
    "16:19: optimizers[0].adam.beta1: 1.2 is outside [0, 1)",
    "16:24: optimizers[0].adam.learning: 'adam' has no such hyperparameter; known: beta2, eps",
    "16:47: optimizers[0].adam.lr.log: give two numbers, the smaller first: {log: [1e-4, 1]}",
    "17:15: optimizers[1].sgd.lr: a value stands twice; each setting is run once",
    "17:26: optimizers[1].sgd.lr[2]: 'on' is not a number; write a number, a list of numbers, or a "
    "range such as {log: [1e-4, 1], n: 9}",
    "18:26: optimizers[2].momentum.lr.log: a log range must begin above 0",
    "18:58: optimizers[2].momentum.beta.m: no such scale; known: linear, log, one_minus_log",
    "19:5: optimizers[3]: no optimizer named 'adamm'; did you mean 'adam'?",
    "20:19: optimizers[4].rmsprop.lr: '12:30' is not a number; write a number, a list of numbers, "
    "or a range such as {log: [1e-4, 1], n: 9}",
    "20:32: optimizers[4].rmsprop.beta: null is not a number; write a number, a list of numbers, or "
    "a range such as {log: [1e-4, 1], n: 9}",
]


def test_all_faults_of_a_file_are_told_at_once_with_their_places() -> None:
    assert told(WRONG) == TOLD


def test_a_fault_reads_file_line_column_path_message(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("title: t\nsteps: -1\nproblems: [nothing-like-it]\noptimizers: [sgd]\n")
    with pytest.raises(SpecError) as caught:
        read(file)
    first, second = str(caught.value).splitlines()
    assert first == f"{file}:2:8:  steps: -1 must be at least 1"
    assert second.startswith(
        f"{file}:3:12: problems[0]: no problem named 'nothing-like-it'; known: "
    )


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", ["1:1: the file is empty; `optlab new` writes a starter"]),
        ("# only this\n", ["1:1: the file is empty; `optlab new` writes a starter"]),
        ("- a\n- b\n", ["1:1: a spec is keys and values; `optlab new` writes a starter"]),
        ("hello", ["1:1: a spec is keys and values; `optlab new` writes a starter"]),
        ("title: t\n", ["1:1: `optimizers` is missing; give a list, as in `optimizers: [- name]`",
                        "1:1: `problems` is missing; give a list, as in `problems: [- name]`"]),
        (PLAIN.replace("title: t", "title:"), ["1:7: title: nothing is not text; put it in quotes"]),
        (PLAIN.replace("title: t\n", ""), ["1:1: `title` is missing"]),
        (PLAIN.replace("title: t", "title: ''"), ["1:8: title: must not be empty"]),
        (PLAIN.replace("steps: 5\n", ""),
         ["2:12: problems[0]: how long? give `steps` (or `epochs`) for the file or for this problem"]),
        (PLAIN.replace("steps: 5", "steps: 5\nepochs: 2"),
         ["3:1: epochs: give `steps` or `epochs`, not both"]),
        (PLAIN.replace("steps: 5", "steps: true"), ["2:8: steps: true is not a whole number"]),
        (PLAIN.replace("steps: 5", "steps: 1e9"), ["2:8: steps: 1e9 must be at most 1e+08"]),
        (PLAIN + "record: {every: 1, points: 2}\n",
         ["5:9: record: give `every` or `points`, not both"]),
        (PLAIN + "seeds:\n", ["5:7: seeds: nothing does not fit; write keys and values, such as "
                              "{tune: 3, evaluate: 10}, or one whole number"]),
        (PLAIN + "seeds: true\n", ["5:8: seeds: true does not fit; write keys and values, such as "
                                   "{tune: 3, evaluate: 10}, or one whole number"]),
        (PLAIN + "seeds: 1000000\n", ["5:8: seeds: 1000000 must be at most 100000"]),
        (PLAIN + "targets:\n",
         ["5:9: targets: write a kind and a value, as in {gap_over_start: 1e-3}"]),
        (PLAIN + "targets: {gap: true}\n", ["5:16: targets.gap: true is not a number"]),
        (PLAIN + "targets: {test_accuracy: 0.9}\n",
         ["5:11: targets.test_accuracy: none of these problems has such a metric"]),
        (PLAIN.replace("quadratic", "mlp") + "targets: {gap: 1}\n",
         ["5:16: targets.gap: the minimum of none of these problems is known; give a target as "
          "{loss: 0.1}"]),
        (PLAIN.replace("[quadratic]", "[{mlp: {targets: {gap: 1}}}]"),
         ["3:34: problems[0].mlp.targets.gap: the minimum of this problem is not known; give a "
          "target as {loss: 0.1}"]),
        (PLAIN + "title: again\n", ["5:1: title: this key stands twice; keep one of the two"]),
        (PLAIN + "record:\n\tevery: 1\n",
         ["6:1: not YAML: found character '\\t' that cannot start any token; indent with spaces, "
          "not tabs"]),
        (PLAIN + "---\ntitle: two\n", ["5:1: not YAML: but found another document"]),
        (PLAIN + "? [a, b]\n: 1\n", ["5:3: a key must be a word"]),
        (PLAIN.replace("title: t", "title: !mine t"),
         ["1:8: title: tags such as !mine are not used here"]),
        (PLAIN.replace("[sgd]", "[5]"),
         ["4:14: optimizers[0]: optimizer: write `- name` or `- name: {key: value}`; keys of one "
          "entry stand under its name, indented or in braces"]),
        (PLAIN.replace("[sgd]", "[{sgd: 0.1}]"),
         ["4:20: optimizers[0].sgd: write keys and values, as in `{key: value}`"]),
        (PLAIN.replace("[sgd]", "[{a: {use: 5}}]"), ["4:24: optimizers[0].a.use: 5 is not a name"]),
        (PLAIN.replace("[sgd]", "[]"),
         ["4:13: optimizers: give a list of optimizers, one a line, each beginning with `- `"]),
        (PLAIN.replace("[sgd]", "[sgd, sgd]"),
         ["4:19: optimizers[1]: two optimizers are named 'sgd'; give one a name of its own: "
          "`- my-name: {use: sgd, ...}`"]),
        (PLAIN.replace("[sgd]", "[{sgd: {lr: []}}]"),
         ["4:25: optimizers[0].sgd.lr: an empty list; give at least one number"]),
        (PLAIN.replace("[sgd]", "[{sgd: {lr: {}}}]"),
         ["4:25: optimizers[0].sgd.lr: a range has one scale, as in {log: [1e-4, 1], n: 9}"]),
        (PLAIN.replace("[sgd]", "[{sgd: {lr: {log: [1, 2], n: 1}}}]"),
         ["4:42: optimizers[0].sgd.lr.n: n must be a whole number from 2 to 1,000,000; for one value write "
          "the number, `1`"]),
        (PLAIN.replace("[sgd]", "[{sgd: {lr: {log: [1, 2], n: 1e9}}}]"),
         ["4:42: optimizers[0].sgd.lr.n: n must be a whole number from 2 to 1,000,000"]),
        (PLAIN.replace("[sgd]", "[{adam: {lr: {log: [1e-9, 1], n: 1e6}, eps: {log: [1e-9, 1], "
                                "n: 100}}}]"),
         ["4:21: optimizers[0].adam: more than 10,000,000 settings; sweep fewer values"]),
        (PLAIN.replace("[sgd]", "[{momentum: {beta: {linear: [0, 1], n: 3}}}]"),
         ["4:32: optimizers[0].momentum.beta: 1 is outside [0, 1)"]),
        (PLAIN.replace("[quadratic]", "[{quadratic: {dim: 10000000000000}}]"),
         ["3:24: problems[0].quadratic: too large to be held in memory"]),
        (PLAIN.replace("[quadratic]", "[{quadratic: {condition: .inf}}]"),
         ["3:36: problems[0].quadratic.condition: .inf is not a finite number"]),
        (PLAIN.replace("[quadratic]", "[{recorded_gradients: {start: {w: inf}, w: [nan, 1]}}]"),
         ["3:45: problems[0].recorded_gradients.start.w: inf is not a finite number",
          "3:55: problems[0].recorded_gradients.w[0]: nan is not a finite number"]),
        (PLAIN.replace("[quadratic]", "[{quadratic: {steps: 3, epochs: 2}}]"),
         ["3:43: problems[0].quadratic.epochs: give `steps` or `epochs`, not both",
          "3:43: problems[0].quadratic.epochs: this problem has no data, so no epochs; give `steps`"]),
        (PLAIN.replace("[quadratic]", "[{mlp: {data: iris, worked: 2}}]"),
         ["3:39: problems[0].mlp.worked: only problems of at most 12 coordinates are worked by hand"]),
        (PLAIN.replace("[quadratic]", "[{quadratic: {optimizers: sgd}}]"),
         ["3:37: problems[0].quadratic.optimizers: give a list of names from `optimizers`"]),
        (PLAIN.replace("[sgd]", "[nowhere.py:f]"), ["4:14: optimizers[0]: nowhere.py: no such file"]),
        (PLAIN.replace("[sgd]", "[Adam]"),
         ["4:14: optimizers[0]: no optimizer named 'Adam'; did you mean 'adam'?"]),
    ],
)  # fmt: skip
def test_each_kind_of_fault(text: str, faults: list[str]) -> None:
    assert told(text) == faults


@pytest.mark.parametrize("name", ["..yaml", "...yaml", ".yaml", ".hidden.yaml", "....yaml"])
def test_a_specs_name_is_a_folders(tmp_path: Path, name: str) -> None:
    """`...yaml` would write into the parent of where results go."""
    (tmp_path / name).write_text(PLAIN)
    with pytest.raises(SpecError, match="a spec's name must not begin with a dot"):
        read(tmp_path / name)
    (tmp_path / "a.b.yaml").write_text(PLAIN)
    assert read(tmp_path / "a.b.yaml").name == "a.b"


@pytest.mark.parametrize("odd", ["\\n", "\\x1b", "\\t", "\\x7f", "\\x9b", "\\0", "\\u2028"])
def test_names_and_titles_have_no_control_characters(odd: str) -> None:
    text = PLAIN.replace("title: t", f'title: "a{odd}b"')
    text = text.replace("[quadratic]", f'[{{"p{odd}": {{use: quadratic}}}}]')
    text = text.replace("[sgd]", f'[{{"o{odd}": {{use: sgd}}}}, {{" ": {{use: sgd}}}}]')
    with pytest.raises(SpecError) as caught:
        spec(text)
    faults = caught.value.faults
    assert [(f.line, f.column) for f in faults] == [
        (1, 8),
        (3, 13),
        (4, 15),
        (4, 34 + len(odd)),
    ]
    assert all("has the control character '" in f.message for f in faults[:3])
    assert faults[3].message == "the name is empty"


def test_nothing_is_constructed_from_a_tag(tmp_path: Path) -> None:
    victim = tmp_path / "touched"
    text = PLAIN.replace("title: t", f"title: !!python/object/apply:os.mkdir ['{victim}']")
    assert told(text) == [
        "1:8: title: tags such as tag:yaml.org,2002:python/object/apply:os.mkdir are not used here"
    ]
    assert not victim.exists()


def test_aliases_are_no_bomb() -> None:
    assert spec(PLAIN + "seeds: {tune: &n 2, evaluate: *n}\n").seeds.evaluate == 2
    laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{c}: &{c} [{', '.join([f'*{p}'] * 9)}]\n"
        for p, c in zip("abcdefgh", "bcdefghi", strict=True)
    )
    [bomb] = told(laughs)
    assert bomb.endswith(": too large once its aliases are expanded")
    [endless] = told(PLAIN + "seeds: &a [*a]\n")
    assert endless.endswith(" nested too deeply")
    [deep] = told("title: " + "[" * 5000 + "]" * 5000)
    assert deep.endswith(" nested too deeply")
    with pytest.raises(SpecError, match=r"^s\.yaml:"):
        spec(laughs)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    def fault(path: Path) -> str:
        with pytest.raises(SpecError) as caught:
            read(path)
        return str(caught.value)

    assert fault(tmp_path / "none.yaml") == f"{tmp_path / 'none.yaml'}:1:1: no such file"
    assert fault(tmp_path) == f"{tmp_path}:1:1: this is a folder; name a spec file in it"
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("title: Größe\n".encode("latin-1"))
    assert "is not UTF-8 text (byte 0xf6 at place 10); save it as UTF-8" in fault(latin)
    odd = tmp_path / "a\nb.yaml"
    odd.write_text(PLAIN, "utf-8")
    assert "must have no line breaks" in fault(odd)
    windows = tmp_path / "windows.yaml"
    windows.write_bytes(b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode())
    assert read(windows).title == "t"


@pytest.mark.parametrize(
    ("lines", "fault"),
    [("return y[0] ** 2", "own.py:5: f: NameError: name 'y' is not defined"),
     ("return {}[x.ndim]", "own.py:5: f: KeyError: 1"),
     ("assert len(x) == 3, 'three'", "own.py:5: f: AssertionError: three"),
     ("return f(x)", "own.py:5: f: RecursionError: maximum recursion depth exceeded"),
     ("return x", "f: the loss of one point must be one number, not an array of shape (2,)"),
     ("x.sum()", "f: the loss of one point must be one number, not None"),
     ("return 'low'", "f: the loss of one point must be one number, not 'low'")],
)  # fmt: skip
def test_a_loss_that_breaks_is_told_with_its_line(tmp_path: Path, lines: str, fault: str) -> None:
    own = f"from optlab import problem\n\n@problem(start=[1.0, 2.0])\ndef f(x):\n    {lines}\n"
    (tmp_path / "own.py").write_text(own)
    with pytest.raises(SpecError) as caught:
        parse(PLAIN.replace("[quadratic]", "['own.py:f']"), tmp_path / "s.yaml")
    [found] = caught.value.faults
    assert (found.line, found.column) == (3, 12)
    assert fault in found.message


def test_a_loss_that_checks_for_one_point_is_mapped(tmp_path: Path) -> None:
    own = (
        "from optlab import problem\n\n@problem(start=[1.0, 2.0])\ndef f(x):\n"
        "    assert x.shape == (2,)\n    return x[0] ** 2 + 3 * x[1]\n"
    )
    (tmp_path / "own.py").write_text(own)
    made = parse(PLAIN.replace("[quadratic]", "['own.py:f']"), tmp_path / "s.yaml")
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    np.testing.assert_allclose(made.tasks[0].problem.loss(x, None), [13.0, 19.0, 27.0])


def test_a_family_of_ones_own_that_breaks_is_told(tmp_path: Path) -> None:
    own = (
        "from optlab.problems import Family\n\ndef make(*, size=3):\n    return 1 // 0\n\n"
        "made = Family('made', make, '')\n"
    )
    (tmp_path / "own.py").write_text(own)
    with pytest.raises(SpecError, match=r"own.py:made: ZeroDivisionError: "):
        parse(PLAIN.replace("[quadratic]", "['own.py:made']"), tmp_path / "s.yaml")


def test_every_rule_can_be_named_alone() -> None:
    text = f"title: t\nsteps: 5\nproblems: [quadratic]\noptimizers: [{', '.join(rules.REGISTRY)}]\n"
    experiment = spec(text)
    assert [c.name for c in experiment.contenders] == list(rules.REGISTRY)
    for c in experiment.contenders:
        assert c.sweep == {n: (float(v),) for n, v in c.optimizer.hypers.items()}


# --- any text is an Experiment or a SpecError ---

GOOD: dict[str, Any] = {
    "title": "Which?",
    "question": "Is it?",
    "steps": 20,
    "seeds": {"tune": 1, "evaluate": 2},
    "precision": "float32",
    "record": {"every": 3, "metrics": ["loss", "grad_norm"]},
    "targets": {"gap_over_start": 0.001, "loss": [1, 2]},
    "problems": [
        "rosenbrock",
        {"bowl": {"use": "quadratic", "dim": 3, "condition": 10.0, "rotated": True, "steps": 7}},
        {"net": {"use": "relu_network", "start": {"w1": 1, "b1": 0, "w2": 1, "b2": 0}, "worked": 2}},
        {"given": {"use": "recorded_gradients", "start": "relu_network", "w1": [1, 2], "b1": [0, 1],
                   "w2": [1, 1], "b2": [2, 2]}},
    ],
    "optimizers": [
        {"sgd": {"lr": {"log": [0.0001, 1], "n": 3}}},
        {"mine": {"use": "momentum", "lr": [0.1, 0.2], "beta": {"linear": [0, 0.9], "n": 3}}},
        {"torch": {"use": "torch.optim.RMSprop", "lr": 0.1}},
        "adam",
    ],
}  # fmt: skip
ODD: list[Any] = [
    None, True, False, -1, 0, 1, 2.5, 1e308, 1e-320, 10**25, 10**400, float("inf"), float("nan"), "",
    "nan", "on", "sgd", "quadratic", "loss", "optax", "torch.optim", "a:b", "\x1b[31m", "[red]", "é",
    "use", [], {}, [[]], [None], {"use": "adam"}, {"log": [1, 2]}, {"log": [0, "a"], "n": {}},
    {"a": {"b": {"c": 1}}}, ["sgd", "sgd"], [1, "x", None], "gap", "steps",
]  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of everything inside `value`."""
    if not isinstance(value, dict | list):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    return [p for k in keys for p in [(value, k), *places(value[k])]]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A good spec with a few values replaced, dropped or moved, and its lines disturbed."""
    made = copy.deepcopy(GOOD)
    for _ in range(draw(st.integers(1, 3))):
        spots = places(made)
        container, key = spots[draw(st.integers(0, len(spots) - 1))]
        what = draw(st.sampled_from(["replace", "drop", "rename", "double"]))
        if what == "replace":
            container[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
        elif what == "drop":
            del container[key]
        elif what == "double" and isinstance(container, list):
            container.append(container[key])
        elif isinstance(container, dict):
            container[
                draw(st.sampled_from(["use", "lr", "steps", "targets", "epochs", "", "x"]))
            ] = container.pop(key)
    lines = yaml.safe_dump(made, sort_keys=False, allow_unicode=True).splitlines()
    for _ in range(draw(st.integers(0, 2))):
        i = draw(st.integers(0, len(lines) - 1))
        what = draw(st.sampled_from(["drop", "double", "indent", "cut", "insert"]))
        if what == "drop" and len(lines) > 1:
            del lines[i]
        elif what == "double":
            lines.insert(i, lines[i])
        elif what == "indent":
            lines[i] = draw(st.sampled_from(["\t", " ", "  ", "- "])) + lines[i]
        elif what == "cut":
            lines[i] = lines[i][: draw(st.integers(0, len(lines[i])))]
        else:
            j = draw(st.integers(0, len(lines[i])))
            lines[i] = (
                lines[i][:j]
                + draw(st.sampled_from(list("{}[]:&*!|>'\"%@#-,~\0é\x07")))
                + lines[i][j:]
            )
    return "\n".join(lines)


@settings(max_examples=int(os.environ.get("OPTLAB_FUZZ", "150")), deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
@given(mutated())
def test_any_mutation_is_an_experiment_or_told(text: str) -> None:
    faults = []
    try:
        made = spec(text)
    except SpecError as error:
        faults = error.faults
    else:
        assert isinstance(made, Experiment)
        assert made.tasks
        assert made.contenders
    lines = text.count("\n") + 2
    assert all(1 <= f.line <= lines and f.column >= 1 and f.message for f in faults)
    assert faults or made


ALONE = "title: t\nsteps: 5\nproblems: [rosenbrock]\noptimizers: [sgd: {lr: 0.1}]\n"


@pytest.mark.parametrize(
    ("only", "kind", "part"),
    [
        (("evaluate", 7), "drawn", "grid"),
        (("tune", 2), "drawn", "trial"),
        (("picture", 0), "usual", "picture"),
    ],
)
def test_one_seed_alone_is_the_run_that_it_is_among_all(
    only: tuple[str, int], kind: str, part: str
) -> None:
    role, seed = only
    among = spec(ALONE.replace("0.1", "[0.1, 0.2]").replace("steps", "seeds: 8\nsteps"))
    [alone] = plan.runs(spec(f"{ALONE}seeds: {{only: {{{role}: {seed}}}}}\n"))
    assert (alone.role, alone.seed, alone.start_kind, alone.part) == (role, seed, kind, part)
    same = [run for run in plan.runs(among) if run.run_id == alone.run_id]
    assert [(run.role, run.seed, run.hypers) for run in same] == [(role, seed, {"lr": 0.1})]


@pytest.mark.parametrize(
    ("seeds", "fault"),
    [
        ("{only: {evaluate: 1, tune: 1}}", "seeds.only: give one seed of one role, as in {evaluate: 7}"),
        ("{only: {}}", "seeds.only: give one seed of one role, as in {evaluate: 7}"),
        ("{only: 3}", "seeds.only: 3 does not fit; write keys and values, such as {evaluate: 7}"),
        ("{only: {tune: -1}}", "seeds.only.tune: -1 must be at least 0"),
        ("{only: {tone: 1}}", "seeds.only.tone: no such key; did you mean 'tune'?"),
        ("{only: {tune: 1}, tune: 3}",
         "seeds: `only` is the one seed that is run; leave `tune` and `evaluate` out"),
        ("{only: {tune: 1}}\ntuning: {select: loss}",
         "seeds.only: one seed alone chooses nothing; leave `tuning` or `only` out"),
    ],
)  # fmt: skip
def test_one_seed_alone_is_one_seed_of_one_role(seeds: str, fault: str) -> None:
    [said] = told(f"{ALONE}seeds: {seeds}\n")
    assert said.partition(": ")[2] == fault


def test_a_problem_without_a_usual_start_has_no_picture() -> None:
    text = ALONE.replace("rosenbrock", "logistic_regression")
    assert "has no usual start" in told(f"{text}seeds: {{only: {{picture: 0}}}}\n")[0]
