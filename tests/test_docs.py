"""What the documentation shows is what runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from optlab.lab import run
from optlab.spec import parse, read

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
