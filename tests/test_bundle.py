"""One file for a reviewer: whole, the same each time, nobody's name in it, and its commands work."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shlex
import shutil
import subprocess
import zipfile
from base64 import b64encode
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from optlab import bundle as bundling
from optlab import cli
from optlab.identity import Identity, of_this_machine

RULE = """
def slow(x, g, t, *, lr=0.1):
    x = x - 0.5 * lr * g
    return x
"""
SPEC = """title: A bowl
question: Which is faster?
steps: 20
seeds: {tune: 1, evaluate: 3}
problems:
  - bowl: {use: quadratic, dim: 2}
optimizers:
  - sgd: {lr: [0.1, 0.5]}
  - slow: {use: "rules.py:slow", lr: 0.5}
"""
NAME = "q.zyx_Fennimore"


def call(*arguments):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a spec, the rule that it names, and the results."""
    place = tmp_path_factory.mktemp("lab")
    (place / "rules.py").write_text(RULE)
    (place / "bowl.yaml").write_text(SPEC)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        done = call("run", "bowl.yaml", "--no-report")
        assert done.exit_code == 0, done.output
    return place


@pytest.fixture(scope="module")
def packed(made, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "bowl.zip"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        done = call("bundle", "bowl", "--out", out)
    assert done.exit_code == 0, done.output
    return out


def members(path):
    with zipfile.ZipFile(path) as file:
        return {name.split("/", 1)[1]: file.read(name) for name in file.namelist()}


def test_everything_is_in_it(packed, made):
    files = members(packed)
    assert files["experiment/bowl.yaml"].decode() == SPEC
    assert files["experiment/rules.py"].decode() == RULE
    inside = {name.removeprefix("results/bowl/") for name in files if name.startswith("results/")}
    assert {"manifest.json", "runs.parquet", "runs.csv", "curves.parquet", "verdicts.csv",
            "claims.json", "index.html", "report.md", "tables/all.tex"} <= inside  # fmt: skip
    pictures = {name.removesuffix(".svg") for name in inside if name.endswith(".svg")}
    assert pictures
    assert {f"{name}.pdf" for name in pictures} <= inside
    assert not any("cells" in name or "/." in name for name in files)
    runs = pd.read_parquet(io.BytesIO(files["results/bowl/runs.parquet"]))
    pd.testing.assert_frame_equal(runs, pd.read_parquet(made / "reports/bowl/runs.parquet"))


def test_sums_are_those_of_the_files(packed):
    files = members(packed)
    lines = [line.split("  ") for line in files["SHA256SUMS"].decode().splitlines()]
    assert {name for _, name in lines} == set(files) - {"SHA256SUMS"}
    assert all(hashlib.sha256(files[name]).hexdigest() == sum_ for sum_, name in lines)


def test_versions_are_those_it_was_made_with(packed, made):
    files = members(packed)
    known = json.loads((made / "reports/bowl/manifest.json").read_text())["versions"]
    pinned = dict(line.split("==") for line in files["constraints.txt"].decode().splitlines())
    assert pinned["jax"] == known["jax"]
    assert known.items() >= pinned.items()


def test_figures_are_as_wide_as_a_column(packed):
    files = members(packed)
    found = [content for name, content in files.items() if name.endswith(".pdf")]
    for content in found:
        [width] = re.findall(rb"/MediaBox \[ ?0 0 ([0-9.]+) ", content)
        assert float(width) == pytest.approx(3.4 * 72, rel=0.01)
        assert b"/CreationDate" not in content
        assert b"/Type3" not in content  # publishers refuse these fonts


@pytest.mark.slow
def test_the_same_results_give_the_same_bytes(packed, made, tmp_path, monkeypatch):
    monkeypatch.chdir(made)
    again = bundling.bundle(Path("reports/bowl"), tmp_path / "again.zip")
    assert again.read_bytes() == packed.read_bytes()


@pytest.mark.slow
def test_the_commands_of_its_readme_make_it_again(packed, tmp_path, monkeypatch):
    with zipfile.ZipFile(packed) as file:
        file.extractall(tmp_path)
    monkeypatch.chdir(tmp_path / "bowl")
    text = Path("README.txt").read_text()
    commands = [shlex.split(line) for line in text.splitlines() if line.startswith("    optlab ")]
    assert [command[1] for command in commands] == ["run", "compare"]
    for command in commands:
        done = call(*command[1:])
        assert done.exit_code == 0, done.output
    assert "none of them changed" in done.output


# Whose machine it was


@pytest.fixture
def somebody(monkeypatch):
    """A user of a name of her own, on a machine that she has named."""
    monkeypatch.setenv("HOME", f"/home/{NAME}")
    monkeypatch.setenv("USER", NAME)
    monkeypatch.setenv("LOGNAME", NAME)
    monkeypatch.setattr("socket.gethostname", lambda: "wombat-17.example.org")


def copied(made, tmp_path):
    place = tmp_path / "lab"
    shutil.copytree(made, place)
    return place


@pytest.mark.slow
def test_what_the_program_wrote_loses_the_name(made, tmp_path, monkeypatch, somebody):
    place = copied(made, tmp_path)
    path = place / "reports/bowl/manifest.json"
    manifest = json.loads(path.read_text())
    manifest["processor"] = "WOMBAT-17 of Q.ZYX_fennimore"
    manifest["divergence"] += f" (told by /home/{NAME}/lab/engine.py and {place})"
    path.write_text(json.dumps(manifest))
    monkeypatch.chdir(place)
    out = bundling.bundle(Path("reports/bowl"), tmp_path / "b.zip")
    for name, content in members(out).items():
        text = content.decode("latin-1").lower()
        assert "fennimore" not in name.lower() + text
        assert "wombat" not in text
        assert str(tmp_path).lower() not in text


@pytest.mark.parametrize("where", ["rules.py", "bowl.yaml", "curves"])
def test_what_somebody_wrote_is_refused_with_its_place(
    made, tmp_path, monkeypatch, somebody, where
):
    place = copied(made, tmp_path)
    if where == "curves":
        told = "results/bowl/runs.parquet: 'wombat-17'"
        path = place / "reports/bowl/runs.parquet"
        pd.read_parquet(path).assign(note="made on wombat-17").to_parquet(path)
    elif where == "rules.py":
        told = f"experiment/rules.py:5: '{NAME}'"
        with (place / where).open("a") as file:
            file.write(f"# by {NAME}\n")
    else:
        told = "experiment/bowl.yaml:1: 'wombat-17.example.org'"
        manifest = json.loads((place / "reports/bowl/manifest.json").read_text())
        text = SPEC.replace("A bowl", "A bowl on wombat-17.example.org")
        (place / where).write_text(text)
        manifest |= {"spec": text, "spec_hash": hashlib.sha256(text.encode()).hexdigest()}
        (place / "reports/bowl/manifest.json").write_text(json.dumps(manifest))
    monkeypatch.chdir(place)
    done = call("bundle", "bowl", "--out", tmp_path / "b.zip")
    assert done.exit_code == 2
    assert told in done.output
    assert not (tmp_path / "b.zip").exists()


def test_names_are_found_where_they_are_packed():
    import gzip
    import zlib
    from base64 import b64encode

    import numpy as np

    who = Identity(("/srv/secret/lab",), ("fennimore",))
    packed = io.BytesIO()
    np.savez_compressed(packed, a=np.array(["by Fennimore"]))
    pdf = b"%PDF-1.4\nstream\n" + zlib.compress(b"(made by fennimore)") + b"\nendstream"
    page = b"<script>" + b64encode(gzip.compress(b"fennimore " + bytes(range(200)), mtime=0))
    for name, content in (("a.npz", packed.getvalue()), ("a.pdf", pdf), ("a.html", page),
                          ("a.csv.gz", gzip.compress(b"fennimore")), ("a.md", b"/srv/secret/lab/x"),
                          ("a.py", b"open('/home/other/x.csv')"), ("a.py", b"C:\\Users\\other\\x"),
                          ("a.json", b'"C:\\\\Users\\\\other"')):  # fmt: skip
        assert who.found(name, content), name
    assert not who.found("a.md", b"fennimores, prefennimore and /srv/secretary")
    assert who.without("Fennimore's /srv/secret/lab/x /home/her/y") == "someone's ~/x ~/y"


def test_a_name_that_is_a_word_of_the_results_cannot_be_told_from_it(monkeypatch, somebody):
    monkeypatch.setenv("LOGNAME", "adam")
    monkeypatch.setenv("USER", "root")
    assert of_this_machine(words=["Adam"]).names == (NAME, "wombat-17", "wombat-17.example.org")


# What a user can get wrong


def test_wrong_calls_end_in_a_message(made, tmp_path, monkeypatch):
    monkeypatch.chdir(made)
    assert "did you mean 'bowl'" in call("bundle", "bowk").output
    assert "is a folder" in call("bundle", "bowl", "--out", tmp_path).output
    (tmp_path / "other.yaml").write_text("title: other\n")
    told = call("bundle", "bowl", "--spec", tmp_path / "other.yaml", "--out", tmp_path / "b.zip")
    assert "is not the spec that these results were made from" in told.output
    (tmp_path / "bowl.yaml").write_text(SPEC)
    told = call("bundle", "bowl", "--spec", tmp_path / "bowl.yaml", "--out", tmp_path / "b.zip")
    assert "rules.py: the spec names this file, and it is not there" in told.output
    (tmp_path / "reports/x").mkdir(parents=True)
    (tmp_path / "reports/x/manifest.json").write_text("{")
    told = call("bundle", tmp_path / "reports/x", "--out", tmp_path / "b.zip")
    assert "x is not whole: runs.parquet and curves.parquet are missing" in told.output
    for call_ in (told,):
        assert call_.exit_code == 2
        assert "Traceback" not in call_.output


# The page of the manual

VALLEY = """title: A bowl
question: Which is faster?
steps: 60
seeds: {tune: 3, evaluate: 10}
targets: {gap_over_start: 1e-2}
problems:
  - bowl: {use: quadratic, dim: 2, condition: 10}
optimizers:
  - sgd: {lr: [0.1, 0.5]}
  - momentum: {lr: [0.1, 0.5]}
"""


@pytest.mark.slow
def test_what_the_page_says_works(tmp_path, monkeypatch):
    page = (Path(__file__).parents[1] / "docs/paper.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    Path("valley.yaml").write_text(VALLEY)
    for line in re.search(r"```sh\n(.*?)```", page, re.DOTALL)[1].splitlines():
        if line.startswith("unzip "):
            with zipfile.ZipFile(line.removeprefix("unzip ")) as file:
                file.extractall()
        else:
            done = call(*shlex.split(line)[1:])
            assert done.exit_code == 0, done.output
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], {})
    assert Path("curves.pdf").stat().st_size > 1000
    again = re.findall(
        r"^optlab (.*)$",
        re.search(r"```\n(.*?)```", page[page.index("run by run") :], re.DOTALL)[1],
        re.MULTILINE,
    )
    readme = Path("valley/README.txt").read_text()
    assert all(f"    optlab {line}\n" in readme for line in again)
    latex = re.search(r"```latex\n(.*?)```", page, re.DOTALL)[1]
    needed = re.findall(r"\\(?:input|includegraphics)\{(.*?)\}", latex)
    assert len(needed) == 2
    for file in needed:
        assert any(Path("valley", file + end).is_file() for end in ("", ".tex")), file
    tex = shutil.which("pdflatex")
    if tex is None:
        pytest.skip("pdflatex (texlive) is not installed")
    Path("valley/paper.tex").write_text(latex)
    command = [tex, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd="valley", capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout.decode("latin-1")[-1500:]
    assert b"Overfull" not in done.stdout


def test_a_name_hidden_by_escapes_is_found() -> None:
    me = Identity((), ("jürgen", "o'brien"))
    assert me.found("x.json", json.dumps({"by": "Jürgen"}).encode())
    assert me.found("x.html", b"<p>O&#39;Brien made it</p>")
    assert me.found("x.html", b"<p>J&uuml;rgen made it</p>")
    assert me.found("x.md", "by Ju\u0308rgen".encode())
    assert me.found("x.json", b'{"by": "o\\u0026#39;brien"}')
    for inside in ("by Jürgen", json.dumps({"by": "Jürgen"}), "by J&uuml;rgen"):
        filled = " ".join([inside, *(str(i * i) for i in range(200))]).encode()
        assert me.found("x.html", b"<script>" + b64encode(gzip.compress(filled)) + b"</script>")
    assert not me.found("x.json", json.dumps({"by": "Jurgens"}).encode())
