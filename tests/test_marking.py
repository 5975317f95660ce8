"""Handed-in pages to marks: against points known from how each page was made, and against malice."""

from __future__ import annotations

import csv
import os
import re
import shlex
import sys
import time
from pathlib import Path
from random import Random

import mpmath
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sheets_by_hand import entry, page, written
from typer.testing import CliRunner

from optlab import cli
from optlab.exercise import Plan, read_key, write_class, write_one
from optlab.exercise.marking import COLUMNS, mark_folder, summary
from optlab.spec import SpecError

OF = 24  # Adam, two steps, two parameters: 16 lines and 4 answers of two points


def handed_in(exercise, wrote=lambda place, value: value, tell=lambda place, text: text, **head):
    """A page as a student fills it in. `wrote` is what is put down for a value and used from there on,
    `tell` is how it is typed, empty for nothing."""
    head = {"student": exercise.student, "sheet": exercise.sheet} | head
    lines = [f"{name}: {text}" for name, text in head.items() if text is not None]
    lines.append("handwritten:")
    for name, hypers in exercise.settings.items():
        lines.append(f"  {name}:")
        step = None
        for t, line, p, value in page(name, exercise.start, exercise.gradients, hypers, wrote):
            if t != step:
                lines.append(f"    {t}:")
                step = t
            lines.append(f"      {entry(line, p)}: {tell((t, line, p), written(value))}".rstrip())
    return "\n".join(lines) + "\n"


def carried(place, value):
    """Goes on with what was written down."""
    return mpmath.mpf(written(value))


def lost_square(place, value):
    """The first v of w is g where it should be g squared: with (1 - beta2) |g|."""
    return mpmath.sqrt(value * (1 - BETA2)) if place == (1, "v", "w") else value


def swapped_sign(place, value):
    return -value if place == (1, "m", "w") else value


BETA2 = mpmath.mpf("0.99")
PLAN = Plan(("adam",), seed=5, fixed={"beta2": "0.99", "beta1": "0.9", "lr": "0.1"})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A class of thirty."""
    folder = tmp_path_factory.mktemp("class")
    write_class(PLAN, [f"student {i:02d}" for i in range(1, 31)], folder)
    return folder


@pytest.fixture(scope="module")
def key(place):
    return read_key(place / "key.yaml")


@pytest.fixture
def handed(tmp_path):
    folder = tmp_path / "handed-in"
    folder.mkdir()
    return folder


def put(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def row_of(table: pd.DataFrame, student: str) -> pd.Series:
    [row] = [row for _, row in table.iterrows() if row["student"] == student]
    return row


# Thirty


def test_thirty_are_marked_as_they_were_made(place, key, handed, tmp_path):
    expected = {}
    for i, exercise in enumerate(key.exercises):
        counts = {"points": OF, "right": 20, "follows": 0, "slips": 0, "coarse": 0, "missing": 0}
        text = handed_in(exercise)
        if 5 <= i < 10:  # honest rounding at every line, carried on
            text = handed_in(exercise, carried)
        elif 10 <= i < 15:  # a sign lost in m, and all that follows from it is right
            text = handed_in(exercise, swapped_sign)
            counts |= {"points": OF - 1, "right": 14, "follows": 5, "slips": 1}
        elif 15 <= i < 20:  # a square lost in v, carried on with rounding
            text = handed_in(exercise, lambda at, v: carried(at, lost_square(at, v)))
            counts |= {"points": OF - 1, "slips": 1, "follows": 5, "right": 14}
        elif 20 <= i < 23:  # the second step was not reached
            text = handed_in(exercise, tell=lambda at, text: text if at[0] == 1 else "")
            counts |= {"points": OF / 2, "right": 10, "missing": 10}
        elif 23 <= i < 26:  # both answers at the end are wrong, all before them right
            text = handed_in(exercise, lambda at, v: v + 1 if at[:2] == (2, "x") else v)
            counts |= {"points": OF - 4, "right": 18, "slips": 2}
        elif i == 26:
            text = handed_in(exercise, tell=lambda at, text: "")
            counts |= {"points": 0, "right": 0, "missing": 20}
        elif i == 27:
            text = None
            counts |= {"points": 0, "right": 0, "missing": 20}
        elif i == 28:  # whole lines, as on paper
            text = handed_in(exercise, tell=lambda at, text: f"{text} + 0 = {text}")
        elif i == 29:  # in Windows text, with the other mark at the line's end
            text = handed_in(exercise).replace("\n", "\r\n").encode("utf-16")
        if text is not None:
            put(handed, f"{i}.yaml", text)
        expected[exercise.student] = counts
    began = time.perf_counter()
    table = mark_folder(handed, place / "key.yaml", tmp_path / "marks.csv")
    assert time.perf_counter() - began < 30  # "thirty marked in a minute", on a slow machine too
    assert tuple(table.columns) == COLUMNS
    assert list(table.student) == [e.student for e in key.exercises]
    for student, counts in expected.items():
        row = row_of(table, student)
        assert {name: row[name] for name in counts} == counts, row.to_dict()
        assert row["of"] == OF
        assert row["share"] == pytest.approx(row["points"] / OF, abs=1e-4)
    assert (table.cause[10:15] == "swapped sign").all() or (table.cause[10:15] != "").all()
    assert table.first_slip[10:15].str.startswith("adam 1 m_w: ").all()
    assert table.first_slip[15:20].str.startswith("adam 1 v_w: ").all()
    assert row_of(table, "student 28")["notes"] == "nothing was handed in"
    assert row_of(table, "student 27")["notes"] == "no line is filled in"
    assert (table.notes[:26] == "").all()
    with (tmp_path / "marks.csv").open(encoding="utf-8-sig", newline="") as file:
        read = list(csv.DictReader(file))
    assert [float(row["points"]) for row in read] == list(table.points)
    assert "1 handed in nothing" in summary(table)
    assert "29 pages marked" in summary(table)


def test_without_follow_through_what_follows_is_lost(place, key, handed, tmp_path):
    strict = put(tmp_path, "key.yaml", (place / "key.yaml").read_text("utf-8").replace(
        "{line: 1, answer: 2, follow_through: true}", "{line: 2, answer: 0.5, follow_through: false}"
    ))  # fmt: skip
    put(handed, "a.yaml", handed_in(key.exercises[0], swapped_sign))
    row = row_of(mark_folder(handed, strict), "student 01")
    # m and m_hat of both steps and both new values of w are gone.
    assert (row["points"], row["of"]) == (34 - 4 * 2 - 2 * 0.5, 34)


def test_a_line_written_twice_counts_as_the_worse(place, key, handed):
    text = handed_in(key.exercises[0])
    first = next(line for line in text.splitlines() if "m_w:" in line)
    hedged = text.replace(
        first, f"{first.partition(':')[0]}: [{first.partition(':')[2]}, 7.7777]", 1
    )
    assert hedged != text
    put(handed, "a.yaml", hedged)
    row = row_of(mark_folder(handed, place / "key.yaml"), "student 01")
    assert (row["points"], row["slips"]) == (OF - 1, 1)


@pytest.mark.parametrize(
    "typed", ["0", "1", "-1", "0.5 - 0.2", "0.9 * m", "(1 - beta1) * g", "10 * 0.12345"]
)
def test_what_is_hardly_written_has_no_points(place, key, handed, typed):
    """One figure is right for half of all values, and a formula is right for all."""
    put(handed, "a.yaml", handed_in(key.exercises[0], tell=lambda at, text: typed))
    row = row_of(mark_folder(handed, place / "key.yaml"), "student 01")
    assert row["points"] == 0
    assert row["slips"] + row["coarse"] + row["missing"] == 20


@pytest.mark.parametrize(("places", "full"), [(6, True), (4, True), (3, True), (1, False)])
def test_digits(place, key, handed, places, full):
    def tell(at, text):
        value = next(v for *here, v in worked if tuple(here) == at)
        return written(value, places)

    exercise = key.exercises[0]
    worked = page("adam", exercise.start, exercise.gradients, exercise.settings["adam"])
    put(handed, "a.yaml", handed_in(exercise, tell=tell))
    row = row_of(mark_folder(handed, place / "key.yaml"), "student 01")
    assert (row["points"] == OF) is full
    if not full:
        assert row["points"] < OF / 2
        assert "too little is written" in row["notes"] or row["slips"]


def test_short_values_that_are_exact_count(place, key, handed):
    """0.48 need not be written as 0.4800."""
    put(handed, "a.yaml", handed_in(key.exercises[0], tell=lambda at, text: text.rstrip("0")))
    assert row_of(mark_folder(handed, place / "key.yaml"), "student 01")["points"] == OF


# Malice and mishap

EVIL = 'import pathlib\npathlib.Path(__file__).with_name("ran.txt").write_text("ran")\nf = None\n'


def good_beside(place, key, handed, name, text):
    """Mark `text` beside a good page; the good one must not feel it."""
    put(handed, "good.yaml", handed_in(key.exercises[1]))
    if text is not None:
        put(handed, name, text)
    put(handed, "evil.py", EVIL)
    before = set(sys.modules)
    table = mark_folder(handed, place / "key.yaml")
    assert not (handed / "ran.txt").exists()
    assert not {m for m in set(sys.modules) - before if "evil" in m}
    good = row_of(table, "student 02")
    assert (good["points"], good["notes"]) == (OF, "")
    assert "not a YAML file" in table[table.file == "evil.py"].notes.iloc[0]
    return table


def test_givens_come_from_the_key(place, key, handed):
    """A page that brings its own problem, optimizers and code is marked by the key's."""
    easy = "problems:\n  - given: {use: recorded_gradients, start: {w: 0, b: 0}, w: [0, 0], b: [0, 0]}\n"
    evil = "optimizers:\n  - {use: evil.py:f}\nimport: ../../secret.csv\n"
    zeros = handed_in(key.exercises[0], tell=lambda at, text: "0.0000")
    table = good_beside(place, key, handed, "bad.yaml", easy + evil + zeros)
    row = row_of(table, "student 01")
    assert row["points"] == 0
    assert "`problems` was not looked at" in row["notes"]


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{n}: &{n} [{', '.join(['*' + p] * 9)}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "aliases"),
        ("handwritten: !!python/object/apply:os.system ['touch ran.txt']\n", "tags such as"),
        ("a: &a {b: *a}\n", "nested too deeply"),
        ("[" * 5000, "nested too deeply"),
        ("x: [", "not YAML"),
        ("student: student 01\nstudent: student 02\n", "stands twice"),
        ("", "empty"),
        ("- a\n- b\n", "no `handwritten:` lines"),
        ("just words\n", "no `handwritten:` lines"),
        ("student: student 01\n", "no `handwritten:` lines"),
        ("student: [student 01]\nhandwritten: 3\n", "no `handwritten:` lines"),
        (b"\x00\x01\x02\xff\xfe", "not in UTF-8"),
        (b"\xff\xfe\x00", "not in UTF-8"),
        (Random(0).randbytes(64) + b"\x00", "not"),
        ("a: " + "x" * 200_000, "bytes"),
        ("%YAML 9.9\n---\na: b\n", "not YAML"),
        ("a: b\n---\nc: d\n", "not YAML"),
        ("\ta: b\n", "tabs"),
        ("? [a, b]\n: c\n", "a key must be a word"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_a_note(place, key, handed, text, said):
    table = good_beside(place, key, handed, "bad.yaml", text)
    [row] = [row for _, row in table.iterrows() if row["file"] == "bad.yaml"]
    assert said in row["notes"], row["notes"]
    assert not row["points"] > 0
    if "student 01" not in str(text):
        assert row_of(table, "student 01")["notes"] == "nothing was handed in"
    assert row_of(table, "student 03")["notes"] == "nothing was handed in"


FINE: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("__import__('os').system('touch ran.txt')", ""),
        ("!!python/name:os.system", "tags"),
        ("9^9^9^9^9^9", ""),
        ("((((9^400)^400)^400)^400)^400 = 0.5", ""),
        ("1/0", ""),
        ("+".join(["0.123456"] * 200), "characters"),
        ("=".join(["0.1"] * 90), "numbers in a line"),
        ("sqrt(-1)", ""),
        ("(" * 5000, "characters"),
        ("(" * 500, ""),
        ("0." + "9" * 1900, ""),
        ("1e999999999", ""),
        ("=cmd|' /C calc'!A0", ""),
        ("∞", ""),
        ("\U0001d7d8.\U0001d7d9", ""),
        ("{w: {w: {w: 1}}}", ""),
        ("[[1], [2]]", ""),
        ("&a 0.5", ""),
        ("*a", ""),
        ("'0.5'", ""),
    ],
)
def test_a_hostile_line_costs_its_own_points_only(place, key, handed, typed, said):
    """One line of a right page is something else."""
    text = handed_in(key.exercises[0], tell=lambda at, t: typed if at == (2, "x", "b") else t)
    began = time.perf_counter()
    table = good_beside(place, key, handed, "bad.yaml", text)
    assert time.perf_counter() - began < 20
    row = row_of(table, "student 01")
    assert said in row["notes"]
    unread = any(word in row["notes"] for word in ("not YAML", "tags", "nested too deeply"))
    # What stands below it is right given what it says, or is not touched by it.
    assert row["points"] == (0 if unread else OF if typed in FINE else OF - 2), row.to_dict()
    assert "could not be marked" not in row["notes"]


BYTES = (
    st.binary(max_size=120)
    | st.text(max_size=120).map(str.encode)
    | st.text("[]{}:&*!|>'\"%@`#,?- \n\tab1", max_size=60).map(str.encode)
)


@settings(max_examples=12, deadline=None)
@given(BYTES)
def test_no_bytes_make_marking_fail(place, key, tmp_path_factory, raw):
    marked_with(place, tmp_path_factory, raw)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(BYTES)
def test_no_bytes_of_many_make_marking_fail(place, key, tmp_path_factory, raw):
    marked_with(place, tmp_path_factory, raw)


def marked_with(place, tmp_path_factory, raw):
    """A class is marked whole beside a file of these bytes and a page that ends in them."""
    folder = tmp_path_factory.mktemp("fuzz")
    put(folder, "raw.yaml", raw)
    put(folder, "lines.yaml", b"student: student 01\nhandwritten:\n  adam 1 m_w: " + raw)
    table = mark_folder(folder, place / "key.yaml", folder / "marks.csv", folder / "back")
    assert len(table) >= 30
    assert not table.notes.str.contains("could not be marked").any()
    assert (table.notes != "nothing was handed in").sum() >= 1


def test_very_many_lines_are_not_read(place, key, handed):
    many = ", ".join(["0.5"] * 4000)
    text = f"student: student 01\nhandwritten: {{adam: {{1: {{m_w: [{many}]}}}}}}\n"
    table = good_beside(place, key, handed, "bad.yaml", text)
    assert "4,000 lines, and the sheet has 20" in row_of(table, "student 01")["notes"]


def test_names_sheets_and_copies(place, key, handed):
    e = key.exercises
    put(handed, "0.yaml", handed_in(e[0], student="  Student   01 "))
    put(handed, "1.yaml", handed_in(e[1], student="Stud. Two"))  # found by its sheet
    put(handed, "student-03.yaml", handed_in(e[2], student=None, sheet=None))  # by the file's name
    put(handed, "3.yaml", handed_in(e[4], student="student 04"))  # copied from a neighbour
    put(handed, "4.yaml", handed_in(e[5], sheet="deadbeef"))
    put(handed, "5.yaml", handed_in(e[6], student="Nobody", sheet=None))
    put(handed, "6/a.yaml", handed_in(e[7]))
    put(handed, "6/b.yaml", handed_in(e[7]))
    put(handed, "7/a.yml", handed_in(e[8]))
    put(handed, "7/b.yml", handed_in(e[8], tell=lambda at, text: ""))
    table = mark_folder(handed, place / "key.yaml")
    row = row_of(table, "student 01")
    assert (row["points"], row["notes"]) == (OF, "")
    row = row_of(table, "student 02")
    assert row["points"] == OF
    assert row["notes"] == "no student of the key is called 'Stud. Two'; found by its sheet"
    row = row_of(table, "student 03")
    assert (row["points"], row["notes"]) == (OF, "it names nobody; found by the file's name")
    row = row_of(table, "student 04")
    # Each line that takes a given slips; what only takes lines above follows, which the note tells of.
    assert (row["slips"], row["follows"], row["points"]) == (10, 10, 8 + 2 * 2)
    assert "the sheet is that of student 05" in row["notes"]
    assert row_of(table, "student 05")["notes"] == "nothing was handed in"
    assert "no sheet of the key is called 'deadbeef'" in row_of(table, "student 06")["notes"]
    row = row_of(table, "Nobody")
    assert pd.isna(row["points"])
    assert row["notes"] == "no student of the key is called 'Nobody'"
    row = row_of(table, "student 08")
    assert (row["points"], row["notes"]) == (OF, "the same stands in 6/b.yaml")
    both = table[table.student == "student 09"]
    assert list(both.points) == [OF, 0]
    assert list(both.file) == ["7/a.yml", "7/b.yml"]
    assert both.notes.str.contains("another page too").all()


@pytest.mark.skipif(os.name == "nt", reason="links and pipes of Unix")
def test_links_and_pipes_are_not_opened(place, key, handed, tmp_path):
    secret = put(tmp_path, "secret.yaml", handed_in(key.exercises[0]))
    (handed / "link.yaml").symlink_to(secret)
    (handed / "loop").symlink_to(handed, target_is_directory=True)
    (handed / "gone.yaml").symlink_to(tmp_path / "nowhere")
    os.mkfifo(handed / "pipe.yaml")
    table = good_beside(place, key, handed, ".hidden.yaml", "x")
    strays = table[table.student == ""]
    assert dict(zip(strays.file, strays.notes, strict=True)) == {
        "evil.py": "not a YAML file; not read",
        "gone.yaml": "a link or a device, not a file; not opened",
        "link.yaml": "a link or a device, not a file; not opened",
        "pipe.yaml": "a link or a device, not a file; not opened",
    }
    assert row_of(table, "student 01")["notes"] == "nothing was handed in"


def test_a_cell_is_never_a_formula(place, key, handed, tmp_path):
    name = '=HYPERLINK("http:evil")'
    put(handed, "@sum.yaml", handed_in(key.exercises[0], student=f"'{name}'", sheet=None))
    put(handed, "a\nb.txt", "x")
    mark_folder(handed, place / "key.yaml", tmp_path / "m.csv")
    with (tmp_path / "m.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert f"'{name}" in cells
    assert "'@sum.yaml" in cells
    assert r"a\nb.txt" in cells
    assert not [cell for cell in cells if cell[:1] in "=+-@" and cell]


@pytest.mark.skipif(sys.platform != "linux", reason="file names that are no text")
def test_a_file_name_that_is_no_text(place, key, handed, tmp_path):
    (Path(os.fsdecode(os.fsencode(handed) + b"/\xff.yaml"))).write_text(handed_in(key.exercises[0]))
    mark_folder(handed, place / "key.yaml", tmp_path / "m.csv")
    assert "student 01,24.0" in (tmp_path / "m.csv").read_text(encoding="utf-8-sig")


def test_key_and_marks_in_the_folder_are_not_pages(place, key, tmp_path):
    folder = tmp_path / "all"
    folder.mkdir()
    put(folder, "key.yaml", (place / "key.yaml").read_bytes())
    put(folder, "a.yaml", handed_in(key.exercises[0]))
    first = mark_folder(folder, folder / "key.yaml", folder / "marks.csv")
    again = mark_folder(folder, folder / "key.yaml", folder / "marks.csv")
    pd.testing.assert_frame_equal(first, again)
    assert len(first) == 30


def test_one_sheet_for_all(tmp_path):
    """The sheet of `optlab exercise` without a class: everybody's name is their own."""
    write_one(Plan(seed=9), tmp_path / "one")
    [exercise] = read_key(tmp_path / "one" / "key.yaml").exercises
    folder = tmp_path / "in"
    put(folder, "a.yaml", handed_in(exercise, student="Ada"))
    put(folder, "b.yaml", handed_in(exercise, student=""))
    put(folder, "c.yaml", "[")
    table = mark_folder(folder, tmp_path / "one" / "key.yaml")
    assert list(table.student) == ["Ada", "b", "c"]
    assert list(table.points[:2]) == [OF, OF]
    assert "not YAML" in table.notes[2]


def test_faults_of_the_teacher_are_told(place, handed, tmp_path):
    with pytest.raises(OSError, match="not a folder"):
        mark_folder(tmp_path / "nowhere", place / "key.yaml")
    with pytest.raises(OSError, match="No such file"):
        mark_folder(handed, tmp_path / "nowhere.yaml")
    with pytest.raises(SpecError, match="is missing"):
        mark_folder(handed, put(tmp_path, "key.yaml", "format: 1\n"))


# What is given back


def test_a_page_is_given_back(place, key, handed, tmp_path):
    exercise = key.exercises[0]
    put(handed, "a.yaml", handed_in(exercise, swapped_sign, student="student 01"))
    strange = handed_in(key.exercises[1], tell=lambda at, text: "<b>0.1</b>")
    put(handed, "b.yaml", strange.replace(key.exercises[1].sheet, key.exercises[2].sheet))
    mark_folder(handed, place / "key.yaml", pages=tmp_path / "back")
    assert {p.name for p in (tmp_path / "back").iterdir()} == {"student-01.html", "student-02.html"}
    text = (tmp_path / "back" / "student-01.html").read_text("utf-8")
    assert "23 of 24 points" in text
    assert text.count("right given the line above that slipped") == 5
    assert text.count(">slip: ") == 1
    solved = page("adam", exercise.start, exercise.gradients, exercise.settings["adam"])
    for *_, value in solved:  # the right value stands beside each line
        short = written(value).rstrip("0").replace("-", "−")
        assert short in text
    text = (tmp_path / "back" / "student-02.html").read_text("utf-8")
    assert "0 of 24 points" in text
    assert "<b>" not in text
    assert "In the file, line " in text
    assert "student 03" not in text  # whose sheet it was is between the teacher and the two
    again = mark_folder(handed, place / "key.yaml", handed / "m.csv", handed / "back")
    assert len(mark_folder(handed, place / "key.yaml", handed / "m.csv", handed / "back")) == len(
        again
    )


# The commands


def call(*arguments):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments], env={"TERM": "dumb"})


def test_the_command(place, key, handed, tmp_path):
    put(handed, "a.yaml", handed_in(key.exercises[0], swapped_sign))
    put(handed, "b.txt", "x")
    marks = tmp_path / "marks.csv"
    told = call("check", handed, "--key", place / "key.yaml", "--out", marks)
    assert told.exit_code == 0, told.output
    assert "student 01  23 of 24  adam 1 m_w: " in told.output
    assert "nobody's file  not a YAML file; not read" in told.output
    assert "1 page marked, 96% of the points on average, 29 handed in nothing" in told.output
    assert len(marks.read_text("utf-8-sig").splitlines()) == 1 + 30 + 1
    told = call("check", handed, "--key", place / "key.yaml", "--format", "markdown")
    assert told.output.startswith("| student | points | of |")
    for wrong in (
        ["check", handed, handed, "--key", place / "key.yaml"],
        ["check", handed, "--out", marks],
        ["check", tmp_path / "nowhere", "--key", place / "key.yaml"],
        ["check", handed, "--key", handed / "a.yaml"],
    ):
        told = call(*wrong)
        assert told.exit_code == 2, told.output


def test_the_page_on_teaching_is_right(tmp_path, monkeypatch):
    """Its commands are run as they stand, its example of a page is one, its tables name what there is."""
    root = Path(__file__).parents[1]
    text = (root / "docs" / "teaching.md").read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    make, check = re.findall(r"```sh\n(optlab .*)\n```", text)
    told = call(*shlex.split(make)[1:])
    assert told.exit_code == 0, told.output
    made = Path("adam-class")
    for name in ("all-sheets.html", "all-sheets.tex", "key.yaml", "solutions/all-solutions.html",
                 "sheets/student-01/sheet.html", "sheets/student-01/form.html",
                 "sheets/student-01/student-01.yaml"):  # fmt: skip
        assert (made / name).is_file(), name
    exercises = read_key(made / "key.yaml").exercises
    assert len(exercises) == 30
    for exercise in exercises:
        put(Path("handed-in"), f"{exercise.sheet}/page.yaml", handed_in(exercise))
    told = call(*shlex.split(check)[1:])
    assert told.exit_code == 0, told.output
    assert "30 pages marked, 100% of the points on average" in told.output
    assert len(list(Path("feedback").iterdir())) == 30
    columns = re.findall(r"^\| (`.*?`) \| ", text[text.index("## Marks") :], flags=re.MULTILINE)
    assert re.findall(r"`(\w+)`", " ".join(columns)) == list(COLUMNS[1:])
    options = set(re.findall(r"^\| `(--\w+)", text, flags=re.MULTILINE))
    listed = call("exercise", "--help").output
    assert options == set(re.findall(r"--[a-z]+", listed)) - {
        "--out",
        "--help",
        "--students",
        "--names",
    }
    [scheme] = re.findall(r"^scheme: .*$", text, flags=re.MULTILINE)
    assert scheme in (made / "key.yaml").read_text("utf-8")
    example = next(b for b in re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL) if "m_w" in b)
    put(Path("one"), "a.yaml", example)
    givens = (made / "key.yaml").read_text("utf-8").split("students:")[0] + (
        "students:\n  - student: Ada Lovelace\n    sheet: 5be1a3f0\n"
        "    start: {w: 0.2, b: 0.3}\n    gradients: {w: [0.5], b: [0.6]}\n"
    )
    givens = re.sub(r"adam: .*", "adam: {lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 1e-8}", givens)
    row = mark_folder(Path("one"), put(tmp_path, "k.yaml", givens)).iloc[0]
    assert (row["right"], row["slips"], row["missing"], row["points"]) == (5, 0, 5, 6)
