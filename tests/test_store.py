"""Results on disk: whole or not there, checked when they are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optlab import causes, plan
from optlab.causes import program_key, summary_key
from optlab.engine import History
from optlab.files import atomic_write, clear_strays
from optlab.minima import Minima
from optlab.plan import Program
from optlab.problems import REGISTRY as FAMILIES
from optlab.problems import Minimum
from optlab.rules import REGISTRY, make_rule
from optlab.spec import parse
from optlab.store import Store

MARK = [{"value": 1.0}]  # a problem's fingerprint


def history(runs: int = 3, *, path: bool = True) -> History:
    rng = np.random.default_rng(runs)
    metrics = {name: rng.normal(size=(4, runs)) for name in ("loss", "grad_norm")}
    metrics["grad_norm"][0, 0] = np.nan
    return History(np.arange(4), metrics, rng.normal(size=(4, 2, runs)) if path else None, 1.5)


# --- one file ---


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file"
    atomic_write(target, lambda file: file.write(b"old"))

    def broken(file: object) -> None:
        file.write(b"ne")  # type: ignore[attr-defined]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomic_write(target, broken)
    assert target.read_bytes() == b"old"
    assert list(target.parent.iterdir()) == [target]
    atomic_write(target, lambda file: file.write(b"new"))
    assert target.read_bytes() == b"new"


def test_a_written_file_is_as_open_as_any(tmp_path: Path) -> None:
    plain, target = tmp_path / "plain", tmp_path / "atomic"
    plain.touch()
    atomic_write(target, lambda file: file.write(b"x"))
    assert target.stat().st_mode == plain.stat().st_mode


def test_strays_of_a_killed_process_are_cleared(tmp_path: Path) -> None:
    kept = Store(tmp_path)
    kept.put("key", ["a", "b", "c"], history())
    stray = tmp_path / "key" / ".writing-abc"
    stray.write_bytes(b"half")
    assert len(kept.load("key", ["a"])) == 1
    assert not stray.exists()
    (tmp_path / ".writing-def").write_bytes(b"half")
    clear_strays(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["key"]


# --- cells ---


@pytest.mark.parametrize("path", [True, False])
def test_what_was_put_is_found(tmp_path: Path, path: bool) -> None:
    kept, made = Store(tmp_path), history(path=path)
    kept.put("key", ["a", "b", "c"], made)
    [found] = Store(tmp_path).load("key", ["c", "e", "a"])
    assert found.run_ids == ["a", "c"]
    assert found.history.seconds == 1.5
    np.testing.assert_array_equal(found.history.points, made.points)
    for name, values in made.metrics.items():
        np.testing.assert_array_equal(found.history.metrics[name], values[:, [0, 2]])
    if path:
        np.testing.assert_array_equal(found.history.path, made.path[..., [0, 2]])  # type: ignore[index]
    else:
        assert found.history.path is None
    assert kept.load("key", ["e"]) == []
    assert kept.load("other", ["a"]) == []


def test_a_run_is_taken_from_one_cell_only(tmp_path: Path) -> None:
    kept = Store(tmp_path)
    kept.put("key", ["a", "b", "c"], history())
    kept.put("key", ["b", "d"], history(2))
    found = kept.load("key", ["a", "b", "c", "d"])
    assert sorted(name for cell in found for name in cell.run_ids) == ["a", "b", "c", "d"]


def cell_file(folder: Path) -> tuple[Store, Path]:
    kept = Store(folder)
    kept.put("key", ["a", "b", "c"], history())
    [file] = (folder / "key").glob("*.npz")
    return kept, file


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, -1])
def test_a_truncated_cell_is_set_aside(tmp_path: Path, keep: float) -> None:
    kept, file = cell_file(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * keep) if isinstance(keep, float) else keep])
    assert kept.load("key", ["a"]) == []
    assert kept.broken == [file]
    assert not file.exists()


def test_no_flipped_byte_passes(tmp_path: Path) -> None:
    """Every byte in turn: the cell is either set aside or exactly what was put."""
    _, file = cell_file(tmp_path)
    whole, wanted = file.read_bytes(), history()
    noticed = 0
    for place in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        file.write_bytes(damaged)
        reading = Store(tmp_path)
        found = reading.load("key", ["a", "b", "c"])
        noticed += bool(reading.broken)
        assert found or reading.broken
        for cell in found:
            assert cell.run_ids == ["a", "b", "c"]
            assert cell.history.metrics.keys() == wanted.metrics.keys()
            for name, values in wanted.metrics.items():
                np.testing.assert_array_equal(cell.history.metrics[name], values)
            np.testing.assert_array_equal(cell.history.path, wanted.path)
    assert noticed > len(whole) // 3 * 0.5


# --- keys ---


def sgd(x, g, *, lr=0.01):
    """Step against the gradient, with other words."""
    step = lr * g
    x = x - step
    return x


def program(**changes: object) -> Program:
    made = Program(
        FAMILIES["quadratic"](), REGISTRY["sgd"], (), "float64", 10, 2, ("loss",), True, 64
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_key_changes_with_all_that_may_change_the_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    digits, iris = (FAMILIES["softmax_regression"](data=d) for d in ("digits", "iris"))
    moved = replace(iris, data={**iris.data, "X": iris.data["X"] + 1e-9})
    keys = [
        program_key(p, MARK)
        for p in (
            program(),
            program(optimizer=make_rule(sgd)),  # the same name, another text
            program(problem=FAMILIES["quadratic"](condition=11.0)),
            program(problem=replace(FAMILIES["quadratic"](), source="another text")),
            program(problem=digits), program(problem=iris), program(problem=moved),
            program(precision="float32"), program(steps=11), program(every=3),
            program(metrics=("loss", "grad_norm")), program(path=False), program(lanes=32),
            program(fixed=(("lr", 0.1),)),
        )
    ]  # fmt: skip
    assert len(set(keys)) == len(keys)
    assert program_key(program(), MARK) == keys[0]
    assert program_key(program(), [{"value": 2.0}]) != keys[0]  # a file of data has changed
    other = {**causes.environment(), "jaxlib": "0.0.1"}
    monkeypatch.setattr(causes, "environment", lambda: other)
    assert program_key(program(), MARK) != keys[0]


def _changed_text(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file of the house, changed as seen by the key."""
    read_text = Path.read_text

    def changed(self: Path, *arguments: Any, **options: Any) -> str:
        return read_text(self, *arguments, **options) + (
            "\n#" if self.as_posix().endswith(name) else ""
        )

    causes._texts.cache_clear()
    monkeypatch.setattr(Path, "read_text", changed)


@pytest.mark.parametrize("name", causes._HOUSE)
def test_a_key_changes_with_the_text_that_every_run_goes_through(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file alone; the list is what a run really goes through."""
    before = program_key(program(), MARK)
    _changed_text(name, monkeypatch)
    try:
        assert program_key(program(), MARK) != before
    finally:
        monkeypatch.undo()
        causes._texts.cache_clear()
    assert program_key(program(), MARK) == before


def test_a_key_knows_how_calls_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stretch that is longer than a call is cut, and powers of t taken anew there."""
    before = program_key(program(steps=10**6, every=10**6), MARK)
    monkeypatch.setattr(plan, "CALL", plan.CALL / 3)
    assert program_key(program(steps=10**6, every=10**6), MARK) != before


def _tasks(text: str) -> list[Any]:
    return list(
        parse(f"title: t\nsteps: 9\noptimizers: [sgd]\nproblems: {text}\n", Path("s.yaml")).tasks
    )


def test_the_key_of_a_summary_knows_what_it_is_told_by() -> None:
    near, far = (
        _tasks(f"[{{booth: {{targets: {{gap: {gap}}}}}}}, rosenbrock]") for gap in (1.0, 2.0)
    )
    minima = {"booth": Minimum(0.0, "closed form"), "rosenbrock": Minimum(0.0, "closed form")}
    keys = [
        summary_key("k", near[:1], minima), summary_key("k", far[:1], minima),
        summary_key("k", near, minima), summary_key("other", near[:1], minima),
        summary_key("k", near[:1], {**minima, "booth": Minimum(1.0, "closed form")}),
    ]  # fmt: skip
    assert len(set(keys)) == len(keys)
    assert all(key.startswith(("k-", "other-")) for key in keys)
    others = {**minima, "rosenbrock": Minimum(1.0, "closed form")}  # no runs of this problem
    assert summary_key("k", near[:1], others) == keys[0]


@pytest.mark.parametrize("name", causes._TOLD)
def test_the_key_of_a_summary_changes_with_the_text_that_tells_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = _tasks("[booth]")
    before = summary_key("k", tasks, {})
    _changed_text(name, monkeypatch)
    try:
        assert summary_key("k", tasks, {}) != before
    finally:
        monkeypatch.undo()
        causes._texts.cache_clear()


# --- minima ---


def test_a_minimum_is_solved_for_again_where_a_cause_has_changed(tmp_path: Path) -> None:
    asked = []

    def solve() -> Minimum:
        asked.append(1)
        return Minimum(0.25, "certificate")

    iris = replace(FAMILIES["softmax_regression"](data="iris"), minimum=solve)
    others = [
        iris,
        replace(iris, data={**iris.data, "y": iris.data["y"][::-1]}),
        replace(iris, source="another text"),
        replace(iris, parameters={**iris.parameters, "l2": 0.5}),
    ]
    for _ in range(2):
        for problem in others:
            Minima(tmp_path / "minima.json")(problem)
    assert len(asked) == len(others)


def test_a_minimum_that_is_not_found_is_kept_as_such(tmp_path: Path) -> None:
    asked = []
    problem = replace(FAMILIES["quadratic"](), minimum=lambda: asked.append(1))
    assert Minima(tmp_path / "m.json")(problem) is Minima(tmp_path / "m.json")(problem) is None
    assert len(asked) == 1


def test_a_minimum_is_solved_for_once(tmp_path: Path) -> None:
    asked = []

    def solve() -> Minimum:
        asked.append(1)
        return Minimum(0.25, "certificate", error=1e-12)

    file = tmp_path / "deep" / "minima.json"
    problem = replace(FAMILIES["quadratic"](), minimum=solve)
    assert Minima(file)(problem) == Minima(file)(problem) == Minimum(0.25, "certificate", (), 1e-12)
    assert len(asked) == 1
    for damage in (b"", b"{", b"\xff\xfe{}", b"[1, 2]"):
        file.write_bytes(damage)
        assert Minima(file)(problem).value == 0.25  # type: ignore[union-attr]
    assert len(asked) == 5
    known = FAMILIES["quadratic"]()
    assert Minima(file)(known) is known.minimum
    assert Minima(file)(FAMILIES["mlp"](data="iris")) is None
