"""A module imports only lower layers, and every module has its place."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
[CONTRACT] = SETTINGS["tool"]["importlinter"]["contracts"]
LAYERS = [set(layer.split(" : ")) for layer in CONTRACT["layers"]]


def test_every_module_of_the_house_has_a_layer() -> None:
    house = ROOT / "optlab"
    there = {p.stem for p in house.glob("*.py")} | {
        p.parent.name for p in house.glob("*/__init__.py")
    }
    placed = [name for layer in LAYERS for name in layer]
    assert sorted(placed) == sorted(there - {"__init__", "__main__"})


def test_the_contract_holds() -> None:
    pytest.importorskip("importlinter")
    asked = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as go; go()",
         "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert asked.returncode == 0, asked.stdout + asked.stderr
    assert "1 kept, 0 broken" in asked.stdout


@pytest.mark.parametrize(
    ("module", "heavy"),
    [("optlab", "jax pandas numpy matplotlib typer"), ("optlab.cli", "jax pandas numpy matplotlib"),
     ("optlab.freshness", "jax pandas numpy"), ("optlab.lab", "matplotlib jinja2 torch"),
     ("optlab.report", "jax torch sklearn")],
)  # fmt: skip
def test_nothing_heavy_is_loaded_before_it_is_needed(module: str, heavy: str) -> None:
    code = f"import sys, {module}; print([m for m in {heavy.split()!r} if m in sys.modules])"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == "[]"
