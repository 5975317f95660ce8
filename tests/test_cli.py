"""The command line, as a user meets it: words, exit codes, files."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import optlab
from optlab import cli, freshness, problems, rules
from optlab.adapters import libraries
from optlab.spec import read
from optlab.terminal import Bar

SMALL = """
title: A bowl
steps: 12
seeds: {tune: 1, evaluate: 2}
problems: [{bowl: {use: quadratic, dim: 3, condition: 2}}]
optimizers: [{sgd: {lr: [0.1, 0.3]}}]
"""
BROKEN = """
import numpy
from optlab import problem

@problem(start=[3.0, -2.0])
def loss(x):
    return numpy.asarray(x).sum(0)
"""
LONG = """
title: A long one
steps: 100000000
seeds: 1
problems: [{quick: {use: quadratic, dim: 3, condition: 2, steps: 10}}, {rosenbrock: {dim: 100}}]
optimizers: [sgd]
"""


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.app, [str(a) for a in arguments], env={"TERM": "dumb"})


def write(folder: Path, text: str = SMALL, name: str = "small.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def tree(folder: Path) -> dict[str, int]:
    """Every file below `folder` with its time."""
    return {
        str(p.relative_to(folder)): p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()
    }


def shell(*arguments: str | Path, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "optlab.cli", *map(str, arguments)], check=False,
                          capture_output=True, text=True, **more)  # type: ignore[call-overload]  # fmt: skip


# --- run ---


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec and its finished report."""
    folder = tmp_path_factory.mktemp("place")
    told = call("run", write(folder), "--out", folder / "out", "--timings")
    assert told.exit_code == 0, told.output
    assert "small: 8 runs (" in told.output
    assert "compile" in told.output
    return folder


def test_a_run_leaves_a_report_and_nothing_outside(place: Path) -> None:
    out = place / "out"
    assert {p.name for p in place.iterdir()} == {"small.yaml", "out"}
    # What is kept of compiled programs lies in .cache, unless this process has used JAX before.
    assert {p.name for p in out.iterdir()} - {".cache"} == {"index.html", "small"}
    here = {p.name for p in (out / "small").iterdir()}
    assert {"index.html", "report.md", "runs.parquet", "runs.csv", "manifest.json"} <= here
    assert not [name for name in tree(place) if ".writing-" in name]
    assert len(optlab.load(out / "small").runs) == 8


def test_a_second_run_is_told_at_once_without_jax(place: Path) -> None:
    before, began = tree(place), time.monotonic()
    code = (
        "import sys; from optlab.cli import app\n"
        "try: app(sys.argv[1:])\n"
        "finally: print([m for m in ('jax', 'pandas', 'matplotlib') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code, "run", "small.yaml", "--out", "out"], cwd=place,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert time.monotonic() - began < 3
    assert told.returncode == 0
    assert told.stdout.splitlines() == ["small: up to date, nothing to do", "[]"]
    assert tree(place) == before


def test_an_index_that_is_missing_comes_back(place: Path) -> None:
    page = place / "out" / "index.html"
    was = page.read_text()
    page.unlink()
    told = call("run", place / "small.yaml", "--out", place / "out", "--no-report")
    assert (told.output, page.exists()) == ("small: up to date, nothing to do\n", False)
    told = call("run", place / "small.yaml", "--out", place / "out")
    assert told.output.splitlines() == [
        "small: up to date, nothing to do",
        f"{page}  all reports",
    ]
    assert page.read_text() == was


def test_what_a_report_is_made_of_makes_it_stale(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    rule = write(tmp_path, "x = 1\n", "my rules.py")
    other, deep = write(tmp_path, "", "helper.py"), write(tmp_path, "x = 1\n", "more/deep.py")
    spec = write(tmp_path, "optimizers:\n - 'my rules.py:f'\n - {use: more/deep.py:g}\n - a.py:x\n")
    stamps = [freshness.stamp(spec)]
    for path in (rule, other, deep, spec):
        path.write_text(path.read_text() + "# more\n")
        stamps.append(freshness.stamp(spec))
    write(tmp_path, "", "a.py")
    stamps.append(freshness.stamp(spec))
    assert len(set(stamps)) == len(stamps)
    write(tmp_path, "", "notes.txt")
    assert freshness.stamp(spec) == stamps[-1]


def test_a_report_of_another_text_is_not_up_to_date(place: Path, tmp_path: Path) -> None:
    """Run, change the spec, run without a report, change it back: the tables are not this text's."""
    spec, out = write(tmp_path), tmp_path / "out"
    optlab.run(spec, out)
    folder = out / "small"
    for name in ("index.html", "report.md", "summary.json"):
        (folder / name).write_text("")
    freshness.mark_fresh(folder, freshness.stamp(spec))
    assert freshness.is_fresh(folder, freshness.stamp(spec))
    write(tmp_path, SMALL.replace("steps: 12", "steps: 6"))
    assert call("run", spec, "--out", out, "--no-report").exit_code == 0
    write(tmp_path)
    assert not freshness.is_fresh(folder, freshness.stamp(spec))
    (folder / ".fresh").write_bytes(b"\xff\xfe")
    assert not freshness.is_fresh(folder, freshness.stamp(spec))


def test_without_a_report(tmp_path: Path) -> None:
    told = call("run", write(tmp_path), "--out", tmp_path / "out", "--no-report")
    assert told.exit_code == 0
    assert re.fullmatch(r"small: 8 runs \([^()]*\)\n", told.output)
    assert {p.name for p in (tmp_path / "out").iterdir()} <= {".cache", "small"}
    assert not (tmp_path / "out/small/index.html").exists()


def test_runs_that_break_end_in_1_and_the_others_stand(tmp_path: Path) -> None:
    write(tmp_path, BROKEN, "own.py")
    text = SMALL.replace("problems: [", "problems: [{mine: {use: own.py:loss}}, ")
    spec, out = write(tmp_path, text), tmp_path / "out"
    for _ in range(2):  # it is never up to date
        told = call("run", spec, "--out", out)
        assert told.exit_code == 1
        assert (
            "sgd on mine: 3 runs broke: the loss looks at a value while it is compiled"
            in told.output
        )
        assert "Traceback" not in told.output
    runs = pd.read_parquet(out / "small" / "runs.parquet")
    assert (runs["status"] == "error").sum() == 3
    assert set(runs.loc[runs["problem"] == "bowl", "status"]) <= {"hit", "budget"}
    assert (out / "small" / "index.html").is_file()


def test_a_users_file_is_executed_once(tmp_path: Path) -> None:
    own = """
from pathlib import Path
from optlab import problem

with Path(__file__).with_name("count").open("a") as count:
    count.write("x")

@problem(start=[3.0, -2.0])
def loss(x):
    return (x**2).sum(0)
"""
    write(tmp_path, own, "own.py")
    spec = write(tmp_path, SMALL.replace("problems: [", "problems: [{mine: {use: own.py:loss}}, "))
    assert call("run", spec, "--out", tmp_path / "out", "--no-report").exit_code == 0
    assert (tmp_path / "count").read_text() == "x"


# --- what is wrong ---


def test_wrong_specs_end_in_2_with_all_their_faults(tmp_path: Path) -> None:
    one = write(tmp_path, SMALL.replace("steps: 12", "steps: 0"), "one.yaml")
    two = write(tmp_path, SMALL.replace("sgd", "sdg"), "two.yaml")
    for command in ("run", "plan"):
        told = call(command, one, two, tmp_path / "three.yaml")
        assert told.exit_code == 2
        assert [" ".join(line.split()) for line in told.output.splitlines()] == [
            f"{one}:3:8: steps: 0 must be at least 1",
            f"{two}:6:15: optimizers[0].sdg: no optimizer named 'sdg'; did you mean 'sgd'?",
            f"{tmp_path / 'three.yaml'}:1:1: no such file",
        ]
        assert not (tmp_path / "reports").exists()


def test_wrong_calls_end_in_2(place: Path, tmp_path: Path) -> None:
    spec = place / "small.yaml"
    assert call("run", spec, "--nonsense").exit_code == 2
    assert call("run").exit_code == 2
    assert call("fly").exit_code == 2
    assert call("run", tmp_path).exit_code == 2
    same = call("run", spec, write(tmp_path), "--out", tmp_path / "out")
    assert (same.exit_code, "two specs are named 'small'" in same.output) == (2, True)
    told = call("run", write(tmp_path, SMALL, "new.yaml"), "--out", spec)  # a file, not a folder
    assert told.exit_code == 2
    assert str(spec) in told.output
    told = call("report", tmp_path / "nothing")
    assert (told.exit_code, "no results here" in told.output) == (2, True)
    assert call().exit_code in (0, 2)  # help


@pytest.mark.parametrize("where", ["file", "file/deep", "out", "out/new"])
def test_where_nothing_can_be_written_is_told_before_anything_else(
    tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "out").mkdir()

    def refuse(*_: object, dir: Path, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(dir))

    if "file" not in where:  # whoever runs the tests may be allowed everything
        monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    monkeypatch.setattr(
        cli.running, "read_all", lambda _: pytest.fail("read before it could be kept")
    )
    told = call("run", write(tmp_path, SMALL.replace("12", "0")), "--out", tmp_path / where)
    assert told.exit_code == 2
    [line] = told.output.splitlines()
    assert line.startswith(f"--out {tmp_path / where}: cannot write there")
    assert line.endswith("Not a directory" if "file" in where else "Permission denied")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "out", "small.yaml"]


def test_the_check_of_where_results_go_leaves_nothing(tmp_path: Path) -> None:
    spec = write(tmp_path, SMALL.replace("steps: 12", "steps: 0"))
    assert call("run", spec, "--out", tmp_path / "a" / "b").exit_code == 2
    assert [p.name for p in tmp_path.iterdir()] == ["small.yaml"]


# --- the other commands ---


def test_plan_says_what_it_will_cost(place: Path) -> None:
    told = call("plan", place / "small.yaml")
    assert told.exit_code == 0
    assert "bowl: 3 parameters, 12 steps, gap_over_start <= 0.001" in told.output
    assert "sgd: 2 settings over lr" in told.output
    assert "8 runs, 96 run-steps, 1 cell of 1 program\n" in told.output


def test_plan_says_what_is_run_in_two_stages(tmp_path: Path) -> None:
    text = """
title: t
steps: 12
seeds: {tune: 2, evaluate: 20}
tuning: {trials: 50, select: loss}
profile: {lr: {log: [1e-3, 1], n: 25}}
problems: [rosenbrock]
optimizers: [sgd, {momentum: {search: {lr: natural, beta: natural}, trials: 1}}, {still: {use: sgd, lr: 1}}]
"""
    told = call("plan", write(tmp_path, text)).output
    for line in (
        "sgd: 50 trials over lr on 2 tune seeds; then the chosen setting, the default and 25 values of "
        "lr on 20 evaluate seeds",
        "momentum: 1 trial over lr, beta on 2 tune seeds; then",
        "still: 1 setting and 25 values of lr on 20 evaluate seeds",
        "settings are chosen by the last loss, the median over seeds",
        # 51 settings and the fixed one on 2 seeds; 1 chosen, 1 default and 25 rates on 20; 3 pictures.
        f"up to {52 * 2 + (27 + 27 + 26) * 20 + 3:,} runs, ",
    ):
        assert f"  {line}" in told
    one = text.replace("[rosenbrock]", "[{q: {use: quadratic, start: [1, 1]}}]")
    assert "  sgd: 50 trials over lr on the given start; then the chosen setting, the default and 25 " \
        "values of lr on it\n" in call("plan", write(tmp_path, one)).output  # fmt: skip


def test_a_run_in_two_stages_counts_what_was_stored_before(tmp_path: Path) -> None:
    text = SMALL.replace("{lr: [0.1, 0.3]}", "{}").replace("seeds", "tuning: 5\nseeds")
    spec = write(tmp_path, text + "profile: {lr: [0.01, 0.1]}\n")
    count = 5 + 2 + 2 * 2  # trials; the chosen one; a profile, on which the default lies
    for more, kept in (("", ""), ("# again\n", f"; {count} were stored already")):
        spec.write_text(spec.read_text() + more)
        told = call("run", spec, "--out", tmp_path / "out", "--no-report").output
        assert re.fullmatch(rf"small: {count} runs \([^()]*\){kept}\n", told)


def test_list_names_everything() -> None:
    told = call("list")
    assert told.exit_code == 0
    words = set(told.output.split())
    assert {*rules.REGISTRY, *problems.REGISTRY, "torch.optim.Adam"} <= words


def test_show_knows_every_name() -> None:
    for name in (*rules.REGISTRY, *problems.REGISTRY, *libraries.NAMES, "optax.lion"):
        told = call("show", name)
        assert told.exit_code == 0, (name, told.output)
        assert told.output.startswith(f"{name}  "), name
        assert len(told.output.splitlines()) > 2
    assert "x = x - lr * m_hat / (sqrt(v_hat) + eps)" in call("show", "adam").output
    assert "natural 0.9 to 0.9999" in call("show", "adam").output
    assert "Largest stable rate" in call("show", "momentum").output
    assert "condition" in call("show", "quadratic").output


@pytest.mark.parametrize(
    ("name", "reason"),
    [("adamm", "nothing is named 'adamm'; did you mean 'adam'?"),
     ("rosenbrok", "nothing is named 'rosenbrok'; did you mean 'rosenbrock'?"),
     ("torch.optim.Adm", "did you mean 'torch.optim.Adam'?"),
     ("optax.lions", "did you mean 'lion'?"), ("optax", "optax"), ("nofile.py:f", "no such file"),
     ("[red]", "nothing is named '[red]'")],
)  # fmt: skip
def test_show_says_what_was_meant(name: str, reason: str) -> None:
    told = call("show", name)
    assert told.exit_code == 2
    assert reason in told.output


def test_new_writes_a_starter_that_runs(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "mine.yaml"
    assert call("new", file).exit_code == 0
    experiment = read(file)
    assert {t.name for t in experiment.tasks} == {"rosenbrock", "bowl"}
    file.write_text(file.read_text() + "# mine now\n")
    told = call("new", file)
    assert (told.exit_code, "is left as it is" in told.output) == (2, True)
    assert file.read_text().endswith("# mine now\n")
    (tmp_path / "file").write_text("")
    assert call("new", tmp_path / "file" / "x.yaml").exit_code == 2


@pytest.mark.slow
def test_the_starter_runs_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    call("new", file)
    told = call("run", file, "--out", tmp_path / "out")
    assert told.exit_code == 0, told.output
    assert " error" not in told.output


def test_open(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(cli.opening.webbrowser, "open", opened.append)
    assert call("open", "small", "--out", place / "out").exit_code == 0
    assert call("open", "--out", place / "out").exit_code == 0
    assert opened == [(place / "out" / p).as_uri() for p in ("small/index.html", "index.html")]
    told = call("open", "missing", "--out", place / "out")
    assert (told.exit_code, "no report is named 'missing'" in told.output) == (2, True)


def test_version() -> None:
    assert call("version").output == f"{optlab.__version__}\n"


# --- hostile text ---


@pytest.mark.parametrize("text", ["[red]", "[/]", "[/red]", "[link=x]", "\\\\", "\\\\[0]",
                                  "[0]", "\\\\[red]", "a\\\\"])  # fmt: skip
def test_text_from_a_file_is_only_text(tmp_path: Path, text: str) -> None:
    spec = write(tmp_path, f'''
title: "{text}"
steps: 3
problems: [{{"{text}": {{use: quadratic, bad: 1}}}}]
optimizers: [{{"{text}": {{use: sgd, lr: 0.1}}}}]
''')  # fmt: skip
    wrong = call("run", spec, "--out", tmp_path / "out")
    assert wrong.exit_code == 2
    shown = text.replace("\\\\", "\\")
    assert f"problems[0].{shown}.bad: 'quadratic' has no such parameter" in wrong.output
    spec.write_text(spec.read_text().replace(", bad: 1", ""))
    told = call("plan", spec)
    assert told.exit_code == 0
    assert told.output.startswith(f"{shown}  ")
    for output in (wrong.output, told.output):
        assert all(c.isprintable() or c == "\n" for c in output)


def test_hostile_titles_reach_the_end(tmp_path: Path) -> None:
    text = SMALL.replace("A bowl", "'[/] [red] <b>&'").replace("bowl:", "'[/red]':")
    told = call("run", write(tmp_path, text, "[red].yaml"), "--out", tmp_path / "out")
    assert told.exit_code == 0, told.output
    assert "[red]: 8 runs" in told.output


def test_what_takes_long_or_does_not_fit_is_told_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optlab.cli.running.LONG", 0.0)
    monkeypatch.setattr("optlab.estimate.machine_memory", lambda: 1e6)
    told = call("run", write(tmp_path), "--out", tmp_path / "out", "--no-report")
    assert told.exit_code == 0
    first, second, *_ = told.stderr.splitlines()
    assert re.match(r"small: 8 runs, about \d+ s where nothing is stored yet; Ctrl-C", first)
    assert "GB of memory will be needed at once, and this machine has 0" in second


def test_without_a_terminal_progress_is_told_in_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bar = Bar()
    bar.begin("many", 10, 1000, 0)
    bar.advance(300)  # half a minute has not gone by
    assert not capsys.readouterr().err
    monkeypatch.setattr("optlab.terminal.SILENCE", 0.0)
    bar.begin("many", 10, 1000, 0)
    bar.advance(0)  # the first recorded point needs no step
    assert not capsys.readouterr().err
    bar.advance(600)
    assert re.fullmatch(
        r"many: 60 %, \S+ \w?run-steps/s, about 1 s left\n", capsys.readouterr().err
    )
    bar.advance(400)
    bar.close()
    assert not capsys.readouterr().err


# --- Ctrl-C ---


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done(tmp_path: Path) -> None:
    spec, out = write(tmp_path, LONG, "long.yaml"), tmp_path / "out"
    command = [sys.executable, "-m", "optlab.cli", "run", str(spec), "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    cells, waited = out / "long" / "cells", time.monotonic()
    while not list(cells.rglob("*.npz")) and time.monotonic() - waited < 60:
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    time.sleep(0.5)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    told, faults = process.communicate(timeout=30)
    assert time.monotonic() - began < 5  # the cell under way would take minutes
    assert process.returncode == 130
    assert "stopped; what is done is kept" in faults
    assert "Traceback" not in told + faults
    said = [line for line in faults.splitlines() if line.strip()]
    assert (
        len(said) == 2
    )  # how long it would take and that it was stopped; no warning of Python's own
    assert said[0].startswith("long: ")
    assert not (out / "long" / "runs.parquet").exists()
    kept = tree(cells)
    spec.write_text(LONG.replace("100000000", "20"))
    again = shell("run", spec, "--out", out, "--no-report", env={**os.environ, "TERM": "dumb"})
    assert again.returncode == 0, again.stderr
    assert kept.items() <= tree(cells).items()
    assert not list(out.rglob(".writing-*"))


def test_ctrl_c_that_falls_into_a_callback_of_the_collector_is_heard(tmp_path: Path) -> None:
    """Python prints an exception that is raised there, and goes on; JAX has such a callback."""
    code = (
        "import gc, signal, sys, time\n"
        "from optlab import cli\n"
        "@cli.app.command()\n"
        "def waits():\n"
        "    gc.callbacks.append(lambda phase, info: phase == 'stop' and signal.raise_signal(signal.SIGINT))\n"
        "    gc.collect()\n"
        "    gc.callbacks.clear()\n"
        "    time.sleep(60)\n"
        "    print('went on')\n"
        "sys.argv = ['optlab', 'waits']\n"
        "cli.main()\n"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 130
    assert "went on" not in done.stdout
    assert time.monotonic() - began < 30  # it does not wait for what the main thread waits for
    assert "Traceback" not in done.stderr


def test_a_deleted_figure_is_made_again(tmp_path: Path) -> None:
    spec, out = write(tmp_path), tmp_path / "out"
    assert call("run", spec, "--out", out).exit_code == 0
    assert "up to date" in call("run", spec, "--out", out).output
    figure, table = (next((out / "small" / name).iterdir()) for name in ("figures", "tables"))
    for gone in (figure, table):
        gone.unlink()
        assert "up to date" not in call("run", spec, "--out", out).output
        assert gone.exists()


def test_a_table_that_was_damaged_is_made_again(tmp_path: Path) -> None:
    spec, out = write(tmp_path), tmp_path / "out"
    assert call("run", spec, "--out", out).exit_code == 0
    assert "up to date" in call("run", spec, "--out", out).output
    before = (out / "small/runs.csv").read_bytes()
    for name in ("runs.parquet", "manifest.json"):
        (out / "small" / name).write_bytes(b"x")
        told = call("run", spec, "--out", out)
        assert told.exit_code == 0
        assert "8 were stored already" in told.output
    assert (out / "small/runs.csv").read_bytes() == before
    assert not pd.read_parquet(out / "small/runs.parquet").empty


def test_another_spec_of_the_same_name_does_not_take_over_the_results(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = write(tmp_path / "a", SMALL), write(tmp_path / "b", SMALL + "\n# asked anew\n")
    assert call("run", first, "--out", out, "--no-report").exit_code == 0
    before = {path: path.read_bytes() for path in (out / "small").rglob("*") if path.is_file()}
    told = call("run", second, "--out", out)
    assert told.exit_code == 2
    said = " ".join(told.output.split())
    assert "another spec of the same name" in said
    assert "a/small.yaml" in said
    assert "--out" in said
    assert before == {p: p.read_bytes() for p in (out / "small").rglob("*") if p.is_file()}
    with pytest.raises(OSError, match="another spec of the same name"):
        optlab.run(second, out)
    # The same spec goes on after a change, and so does one that was moved or copied.
    first.write_text(SMALL + "\n# a remark\n", "utf-8")
    assert call("run", first, second, "--out", out, "--no-report").exit_code == 2  # two at once
    assert call("run", first, "--out", out, "--no-report").exit_code == 0
    second.write_bytes(first.read_bytes())
    assert call("run", second, "--out", out, "--no-report").exit_code == 0
    second.rename(tmp_path / "small.yaml")
    (tmp_path / "small.yaml").write_text(SMALL, "utf-8")
    assert call("run", tmp_path / "small.yaml", "--out", out, "--no-report").exit_code == 0


def test_results_that_were_deleted_are_nobodys(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "b").mkdir()
    first, second = write(tmp_path, SMALL), write(tmp_path / "b", SMALL + "\n# asked anew\n")
    assert call("run", first, "--out", out, "--no-report").exit_code == 0
    # Where the spec lies is not said in what is given away.
    assert not any(path.name == ".spec" for path in (out / "small").rglob("*"))
    shutil.rmtree(out / "small")
    assert call("run", second, "--out", out, "--no-report").exit_code == 0


@pytest.mark.parametrize("only", ["tune: 1", "picture: 0"])
def test_one_seed_alone_has_a_page_that_tells_of_it(tmp_path: Path, only: str) -> None:
    text = re.sub(r"seeds: .*", f"seeds: {{only: {{{only}}}}}", SMALL)
    text = re.sub(r"\[[\d., ]+\]", "0.1", text).replace("dim: 3", "dim: 2")
    spec = write(tmp_path, text, "alone.yaml")
    told = call("run", spec, "--out", tmp_path / "out")
    assert told.exit_code == 0, told.output
    page = (tmp_path / "out" / "alone" / "report.md").read_text("utf-8")
    assert "there is no result to describe" not in page
    said = "tune seed 1" if only.startswith("tune") else "the usual start"
    assert f"One seed alone, as the spec asks: {said}." in page
    assert "0 evaluation seeds" not in page
    assert call("plan", spec).exit_code == 0


def test_one_seed_with_a_grid_chooses_among_what_was_tried(tmp_path: Path) -> None:
    text = re.sub(r"seeds: .*", "seeds: {only: {evaluate: 3}}", SMALL)
    spec = write(tmp_path, text.replace("[0.1, 0.3]", "[1.0e-6, 1.0e-5]"), "grid.yaml")
    assert call("run", spec, "--out", tmp_path / "out").exit_code == 0
    page = (tmp_path / "out" / "grid" / "report.md").read_text("utf-8")
    assert "The step size tried that ended lowest was 1e−5 for sgd" in page.replace("1e-5", "1e−5")
    runs = pd.read_parquet(tmp_path / "out" / "grid" / "runs.parquet")
    assert f"Of {runs['run_id'].nunique()} runs" in page
    claimed = write(tmp_path, text + "claims: [sgd never diverges]\n", "claimed.yaml")
    told = call("plan", claimed)
    assert told.exit_code == 2
    assert "one seed alone decides no claim" in told.output


@pytest.mark.slow
def test_a_page_is_drawn_without_a_word_of_complaint(tmp_path: Path) -> None:
    """Processes draw beside; when they end nothing of theirs is left to be told."""
    out = tmp_path / "out"
    assert call("run", write(tmp_path, SMALL), "--out", out, "--no-report").exit_code == 0
    command = [sys.executable, "-m", "optlab.cli", "report", str(out / "small")]
    for _ in range(3):
        shutil.rmtree(out / "small/figures", ignore_errors=True)
        for kept in (out / "small").glob(".*"):
            kept.unlink()
        told = subprocess.run(command, capture_output=True, text=True, check=True)
        assert told.stderr == ""
