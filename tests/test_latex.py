"""Tables handed out: CSV that pandas reads back, LaTeX that compiles without a line too wide."""

from __future__ import annotations

import csv
import io
import math
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_folder import write_folder

from optlab.report.blocks import Cell, Fold, Section, Table
from optlab.report.content import content
from optlab.report.facts import Facts, stored
from optlab.report.handout import named_tables, write_tables
from optlab.report.latex import PACKAGES, document, latex_table
from optlab.report.tabular import csv_text

HOSTILE = [
    r"$ & % # _ { } ~ ^ \ | < > [ ] ` ' \" @ = + - !",
    r"\input{/etc/passwd} \end{tabular} \\ \def\x{\x}\x %",
    "שלום עולם and مرحبا بالعالم",
    "👩‍🔬 🚀 日本語 Ωmega ≥ ∞ × λ ± − “q” ‘q’ … 10⁻⁵ x₁ ½ ¾ ° µ Łódź ǅ",
    "long" * 60,
    "many words " * 40,
    "a\nb\tc\r\nd\x00e\x1b[31m \u202eturned",
    "",
]
TEX = shutil.which("pdflatex")


def table(rows, head=("Name", "What"), **more):
    cells = [[c if isinstance(c, Cell) else Cell(c) for c in row] for row in rows]
    return Table(caption="Of names.", head=list(head), groups=[("", cells)], **more)


def back(block):
    return pd.read_csv(io.StringIO(csv_text(block)), keep_default_na=True)


# CSV


def test_a_csv_has_values_as_numbers_and_remarks_beside():
    block = Table(
        caption="",
        head=["Optimizer", "Median", "Verdict"],
        groups=[
            ("bowl: near, far", [[Cell("sgd", "default"), Cell("1,000"), Cell(verdict="SUPPORTED")],
                                 [Cell(), Cell("∞"), Cell("twice", verdict="REFUTED")]]),
            ("valley", [[Cell("adam"), Cell("> 1,000 [1, 2]", value=math.inf), Cell("–")],
                        [Cell("x"), Cell("−2.5e−3", value=-0.0025), Cell("−1.5")]]),
        ],
        numeric=frozenset({1}),
    )  # fmt: skip
    read = back(block)
    assert list(read.columns) == [
        "group", "Optimizer", "Optimizer, remark", "Median", "Median, as printed", "Verdict",
    ]  # fmt: skip
    assert list(read["group"]) == ["bowl: near, far"] * 2 + ["valley"] * 2
    assert list(read["Optimizer"]) == ["sgd", "sgd", "adam", "x"]  # blank: as above
    assert list(read["Median"]) == [1000, np.inf, np.inf, -0.0025]
    assert read["Median, as printed"][2] == "> 1,000 [1, 2]"
    assert list(read["Verdict"][:2]) == ["SUPPORTED", "REFUTED; twice"]
    assert pd.isna(read["Verdict"][2])
    assert read["Verdict"][3] == "-1.5"


def test_a_csv_keeps_hostile_text_and_nothing_computes_it():
    names = [*HOSTILE[:-1], 'a "quoted", name\nwith a line', "=1+1", "+cmd", "-x", "@sum", "\t=1"]
    rows = list(csv.reader(io.StringIO(csv_text(table([[name, "1"] for name in names])))))
    assert [len(row) for row in rows] == [2] * (len(names) + 1)
    for name, (shown, _) in zip(names, rows[1:], strict=True):
        assert not shown.startswith(("=", "+", "-", "@", "\t", "\r"))
        if name.isprintable():
            assert shown == name or shown == f"'{name}"
    assert "'=1+1" in [row[0] for row in rows]
    assert not any(c in "".join(map("".join, rows)) for c in "\x00\x1b\u202e")


def test_numbers_come_back_to_the_last_digit():
    rng = np.random.default_rng(0)
    numbers = [*(rng.normal(size=50) * 10.0 ** rng.integers(-300, 300, 50)), 0.0, 1e15, -3.0]
    block = table([[Cell("n"), Cell(f"{n:.3g}", value=float(n))] for n in numbers])
    rows = list(csv.reader(io.StringIO(csv_text(block))))
    assert rows[0] == ["Name", "What"]  # a number rounded for print says no more
    assert [float(row[1]) for row in rows[1:]] == numbers


# Files


def test_tables_with_a_name_are_files_and_old_ones_go(tmp_path):
    named = [table([["a", "1"]], name=name) for name in ("times", "Times", "all", "../x/..", "")]
    sections = [Section("s", "S", [*named[:2], Fold("f", named[2:])])]
    tables = named_tables(sections)
    assert list(tables) == ["times", "times-2", "all-2", "x"]
    (tmp_path / "old.tex").write_text("old")
    (tmp_path / "notes.txt").write_text("kept")
    written = write_tables(tmp_path, tables)
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in written} | {"notes.txt"}
    assert len(written) == 9
    inputs = re.findall(r"\\input\{(.*)\}", (tmp_path / "all.tex").read_text())
    assert inputs == list(tables)
    write_tables(tmp_path, {})
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


# LaTeX


def test_a_table_is_in_the_style_of_booktabs():
    block = Table(
        caption="Steps & more.", head=["Optimizer", "Steps"], question="Who is first?",
        groups=[("a bowl", [[Cell("sgd"), Cell("12")], [Cell("adam", "tuned"), Cell("9")]])],
        numeric=frozenset({1}), name="times",
    )  # fmt: skip
    text = latex_table(block)
    assert r"\caption{Who is first? Steps \& more.}\label{tab:times}" in text
    assert r"\begin{tabular}{@{}lr@{}}" in text
    assert text.index(r"\toprule") < text.index(r"\midrule") < text.index(r"\bottomrule")
    assert re.search(r"\\multicolumn\{2\}.*\\emph\{a bowl\}", text)
    assert "adam {\\scriptsize tuned} & 9 \\\\" in text
    assert all(rf"\usepackage{{{name}}}" in text for name in PACKAGES)


def test_a_long_table_goes_on_over_pages_and_a_wide_one_is_broken():
    assert "longtable" in latex_table(table([["a", str(i)] for i in range(41)])).partition("\n")[2]
    assert "longtable" not in latex_table(table([["a", "1"]] * 30)).partition("\n")[2]
    wide = latex_table(table([["sgd", "many words " * 20]]))
    shares = [float(share) for share in re.findall(r"p\{([0-9.]+)\\linewidth\}", wide)]
    assert len(shares) == 2
    assert 0.8 < sum(shares) <= 1
    many = latex_table(table([["1,000 [2, 3]"] * 14], head=[f"Measure{i}" for i in range(14)]))
    assert r"\begin{landscape}" in many


def test_formulas_stay_formulas():
    text = latex_table(table([[Cell(r"\frac{a}{b}", math=True), Cell(latex=("x_t", r"\hat{v}"))]]))
    assert r"$\frac{a}{b}$" in text
    assert "$x_t$ $\\hat{v}$" in text


def compiled(folder: Path, names) -> str:
    """The log of LaTeX over the tables `names`, after the columns of long ones are known."""
    (folder / "all.tex").write_text(document(names), encoding="utf-8")
    command = [TEX, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "all.tex"]
    for _ in range(2):
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=240, check=False)
        assert done.returncode == 0, done.stdout.decode("latin-1")[-2000:]
    return (folder / "all.log").read_text(encoding="latin-1")


def too_wide(log: str, most: float = 3) -> list[float]:
    found = re.findall(r"Overfull \\hbox \(([0-9.]+)pt", log)
    return [float(points) for points in found if float(points) > most]


needs_tex = pytest.mark.skipif(TEX is None, reason="pdflatex (texlive) is not installed")


@needs_tex
def test_hostile_text_compiles_and_fits(tmp_path):
    tables = [
        table([[text, text[::-1]] for text in HOSTILE], name=HOSTILE[0], question=HOSTILE[1]),
        table([[Cell(text, text, verdict=text) for text in HOSTILE]], head=HOSTILE),
        table([[text] for text in HOSTILE * 8], head=["One"]),
        Table(HOSTILE[3], ["a", "b"], [(text, [[Cell("x"), Cell("1")]]) for text in HOSTILE]),
        table([[f"{i} [1.5, 2]" for i in range(14)]] * 3, head=[f"Of{i}" for i in range(14)]),
        table([[f"{i} [1.5, 2]" for i in range(9)]] * 60, head=[f"Column {i}" for i in range(9)]),
        table([], head=["nothing"]),
    ]
    for i, block in enumerate(tables):
        (tmp_path / f"t{i}.tex").write_text(latex_table(block, f"t{i}"), encoding="utf-8")
    log = compiled(tmp_path, [f"t{i}" for i in range(len(tables))])
    assert too_wide(log) == []
    assert "multiply defined" not in log
    assert "root:" not in log  # nothing was read in


@needs_tex
@pytest.mark.slow
@pytest.mark.parametrize(
    "made",
    [{}, {"tune": 0, "evaluate": 1}, {"optimizers": ["sgd"], "rates": [50.0, 500.0]},
     {"threshold": None, "known": False}],
    ids=["usual", "one seed", "all diverged", "no target"],
)  # fmt: skip
def test_every_table_of_a_report_compiles_and_fits(tmp_path, made):
    facts = Facts(stored(write_folder(tmp_path / "r", **made)))
    tables = [b for part in content(facts) for s in part.sections for b in all_tables(s.blocks)]
    assert len(tables) > 8
    names = []
    for i, block in enumerate(tables):
        names.append(f"t{i}")
        (tmp_path / f"t{i}.tex").write_text(latex_table(block, f"t{i}"), encoding="utf-8")
        rows = sum(len(rows) for _, rows in block.groups)
        assert len(back(block)) == rows
    assert too_wide(compiled(tmp_path, names)) == []


def all_tables(blocks):
    for block in blocks:
        if isinstance(block, Table):
            yield block
        elif isinstance(block, Fold):
            yield from all_tables(block.blocks)
