"""What the documentation shows is what runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from optlab.lab import run
from optlab.spec import parse, read
from optlab.spec.header import KEYS
from optlab.spec.model import Range

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "examples"


def _blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_the_example_runs(tmp_path: Path) -> None:
    results = run(EXAMPLES / "mine.yaml", tmp_path)
    assert set(results.runs.optimizer) == {"sprig", "adam", "lion"}
    assert (results.runs.status != "error").all()
    crease = results.runs[results.runs.problem == "crease"]
    assert (crease.start_kind == "given").all()
    # It is a real optimizer: at its best it gets to a thousandth of the way.
    sprig = results.runs[(results.runs.optimizer == "sprig") & (results.runs.problem == "bowl")]
    assert (sprig.status == "hit").any()


def test_the_page_shows_the_examples() -> None:
    rules = (EXAMPLES / "my_rules.py").read_text(encoding="utf-8")
    problems = (EXAMPLES / "my_problems.py").read_text(encoding="utf-8")
    shown_rule, shown_problem = _blocks("docs/own.md", "python")
    for shown, kept in ((shown_rule, rules), (shown_problem, problems)):
        for line in filter(str.strip, shown.splitlines()):
            assert line in kept.splitlines()


def test_every_key_of_a_spec_has_its_row() -> None:
    text = (ROOT / "docs/spec.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?`) \|", text.split("**A problem**")[0], flags=re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named == set(KEYS)


def test_the_page_on_choosing_settings_is_right() -> None:
    """What the page says of its own example is what the spec reads from it."""
    text = (ROOT / "docs/spec.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```yaml\n(seeds:.*?)```", text, flags=re.DOTALL)
    experiment = parse("title: t\nsteps: 9\nproblems: [rosenbrock]\n" + block, EXAMPLES / "s.yaml")
    found = {c.name: (c.size, c.swept) for c in experiment.contenders}
    assert found == {
        "sgd": (50, ("lr",)), "momentum": (50, ("lr",)), "adam": (50, ("lr", "beta2")),
        "fixed": (1, ()), "sprig": (100, ("lr",)),
    }  # fmt: skip
    assert (
        Range("one_minus_log", 1e-3, 0.5).at(1),
        Range("one_minus_log", 1e-3, 0.5).at(0),
    ) == (0.5, 0.999)
    parts = set(
        re.findall(r"`(\w+)`", text[text.index("**The column `part`**") :].split("\n\n")[0])
    )
    assert {"trial", "chosen", "default", "profile", "grid", "picture"} <= parts


@pytest.mark.slow
def test_the_page_on_python_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every block, in order, as a reader would type them; and what the tables name is there."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in _blocks("docs/python.md", "python"):
        exec(compile(block, "docs/python.md", "exec"), names)
    said = capsys.readouterr().out
    assert "wrong.yaml" in said
    assert "steps" in said
    assert "A small question" in said
    results, found = names["results"], names["found"]
    assert found.same
    assert found.paired == len(results.runs)
    assert names["five"].name == "five"
    assert set(names["losses"].optimizer) == {"sgd", "momentum"}
    assert (names["best"].held_n > 0).all()
    # A step of fixed length passes a minimum that it is far from by 100 steps of 0.1.
    assert names["mine"].runs.groupby("hyper.lr")["gap"].median().is_monotonic_decreasing
    for file in ("curves.pdf", "reports/small/index.html", "reports/small/report.md"):
        assert (tmp_path / file).stat().st_size > 1000
    text = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    for table in ("runs", "curves", "paths", "chosen", "verdicts"):
        [row] = re.findall(rf"^\| `\.{table}` \| (.*) \|$", text, flags=re.MULTILINE)
        named = set(re.findall(r"`([a-z_]+)`", re.sub(r"\(.*?\)", "", row)))
        assert named
        assert named <= set(getattr(results, table).columns)


@pytest.mark.parametrize("page", ["docs/own.md", "README.md"])
def test_each_spec_shown_is_a_spec(page: str) -> None:
    blocks = _blocks(page, "yaml")
    assert blocks
    for block in blocks:
        parts = yaml.safe_load(block if "optimizers:" in block else f"optimizers:\n{block}")
        start = "" if "title" in parts else "title: shown\nsteps: 10\nproblems: [rosenbrock]\n"
        body = block if "optimizers:" in block else f"optimizers:\n{block}"
        experiment = parse(start + body, EXAMPLES / "shown.yaml")
        assert experiment.contenders


@pytest.mark.parametrize(
    "spec", sorted((ROOT / "experiments").glob("*.yaml")), ids=lambda p: p.stem
)
def test_shipped_experiments_are_right(spec: Path) -> None:
    experiment = read(spec)
    assert experiment.title
    assert experiment.question.endswith("?")
