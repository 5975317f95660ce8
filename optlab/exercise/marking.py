"""A folder of handed-in pages to marks.

What is handed in is somebody else's text. It is read as YAML nodes and as arithmetic, nothing more:
only its `student`, `sheet` and `handwritten` are looked at, what was given comes from the key, and
nothing in it is imported, evaluated, opened as a path or followed as a link. Whatever is wrong with a
file becomes a note in its row.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from optlab import byhand
from optlab.errors import Faults, SpecError
from optlab.exercise.drawing import Exercise, wanted
from optlab.exercise.feedback import Finding, feedback
from optlab.exercise.form import slug
from optlab.exercise.key import Key, read_key, spec_of
from optlab.exercise.paper import Page, as_html
from optlab.exercise.writing import write
from optlab.files import atomic_write
from optlab.nodes import Node, compose
from optlab.spec.handwritten import read_entries
from optlab.spec.model import Experiment, Marking, Written
from optlab.spec.read import parse
from optlab.worked.checked import Checked
from optlab.worked.digits import figure_of
from optlab.worked.marks import points as points_of
from optlab.worked.standard import FOLLOWS, SLIP

__all__ = ["COLUMNS", "Handed", "mark", "mark_folder", "summary"]

COLUMNS = ("student", "points", "of", "share", "right", "follows", "slips", "coarse", "missing",
           "first_slip", "cause", "file", "notes")  # fmt: skip

_COUNTS = ("right", "follows", "slips", "coarse", "missing")

LARGEST = 100_000  # bytes; a filled-in page has two thousand
MOST_FILES = 5_000
MOST_NOTES = 4
LONGEST_NOTE = 200
_READ = ("student", "sheet", "handwritten")

Place = tuple[str, int | None, str, str | None]
"""Optimizer, step, the rule's line, parameter."""


@dataclass
class Handed:
    """One file that was handed in: whose it says it is, and its lines, as far as it can be read."""

    file: str
    text: str = ""
    student: str = ""
    sheet: str = ""
    lines: Node | None = None
    notes: list[str] = field(default_factory=list)


def mark_folder(
    folder: Path, key: Path, out: Path | None = None, pages: Path | None = None
) -> pd.DataFrame:
    """Mark every file in `folder` by the key, a row a student in the key's order, then a row for each
    file that is nobody's; write them as CSV to `out`, and a page for each student into the folder
    `pages`. SpecError where the key cannot be used, OSError where the folder cannot be read."""
    known = read_key(key)
    if not folder.is_dir():
        raise NotADirectoryError(20, "not a folder of handed-in pages", str(folder))
    ours = {path.absolute() for path in (key, out) if path is not None}
    back = pages.absolute() if pages is not None else None
    handed = [
        _opened(path, folder)
        for path in _files(folder)
        if path.absolute() not in ours and back not in path.absolute().parents
    ]
    marked: list[Page] = []
    table = mark(handed, known, marked)
    if pages is not None:
        _write_pages(marked, pages)
    if out is not None:
        # With the mark by which spreadsheets know UTF-8; names have accents.
        text = table.to_csv(index=False, lineterminator="\n").encode("utf-8-sig")
        atomic_write(out, lambda file: file.write(text))
    return table


def _write_pages(marked: Sequence[Page], folder: Path) -> None:
    names: list[str] = []
    for page in marked:
        name, count = slug(page.student), 2
        while name in names:
            name, count = f"{slug(page.student)}-{count}", count + 1
        names.append(name)
        write(folder / f"{name}.html", as_html([page], page.title))


def mark(handed: Sequence[Handed], key: Key, marked: list[Page] | None = None) -> pd.DataFrame:
    """Mark files that were read, and add each page that could be read to `marked`; see
    `mark_folder`."""
    of: dict[str, list[Handed]] = {exercise.student: [] for exercise in key.exercises}
    strays = []
    for one in handed:
        owner = _owner(one, key)
        if owner is None:
            strays.append(one)
        else:
            of[owner.student].append(one)
    rows: list[dict[str, Any]] = []
    for exercise in key.exercises:
        rows += _rows(
            exercise, _distinct(of[exercise.student]), key, [] if marked is None else marked
        )
    rows += [_row(one.student, one, None) for one in strays]
    frame = pd.DataFrame([{name: _cell(row[name]) for name in COLUMNS} for row in rows])
    return frame.reindex(columns=list(COLUMNS)).astype(dict.fromkeys(_COUNTS, "Int64"))


def summary(table: pd.DataFrame) -> str:
    """One sentence: how many were marked, what they came to, and what needs a look."""
    marked = table[table["share"].notna() & (table["file"] != "")]
    missing = int((table["notes"] == _NOTHING).sum())
    strange = int(((table["notes"] != "") & (table["notes"] != _NOTHING)).sum())
    said = [f"{len(marked)} page{'s' * (len(marked) != 1)} marked"]
    if len(marked):
        said.append(f"{marked['share'].mean():.0%} of the points on average")
    if missing:
        said.append(f"{missing} handed in nothing")
    if strange:
        said.append(f"{strange} with a note that you should read")
    return ", ".join(said)


# Files


def _files(folder: Path) -> Iterator[Path]:
    """Every file below `folder` that is not hidden, in order. Links are named and never followed."""
    count = 0
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] not in "._")
        for name in sorted(names):
            count += 1
            if count > MOST_FILES:
                raise OSError(27, f"more than {MOST_FILES:,} files", str(folder))
            if not name.startswith("."):
                yield Path(root) / name


def _opened(path: Path, folder: Path) -> Handed:
    """A file's text and its three fields; whatever keeps it from being read is noted."""
    one = Handed(path.relative_to(folder).as_posix())
    try:
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode):
            one.notes.append("a link or a device, not a file; not opened")
        elif path.suffix.lower() not in (".yaml", ".yml"):
            one.notes.append("not a YAML file; not read")
        elif about.st_size > LARGEST:
            one.notes.append(
                f"{about.st_size:,} bytes, and a page has at most {LARGEST:,}; not read"
            )
        else:
            one.text = _decoded(path.read_bytes()[:LARGEST], one)
            _look(one)
    except OSError as error:
        one.notes.append(f"cannot be opened: {error.strerror}")
    return one


def _decoded(raw: bytes, one: Handed) -> str:
    try:
        if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return raw.decode("utf-16")
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        one.notes.append("not in UTF-8; letters with accents may be misread")
        return raw.decode("latin-1")


def _look(one: Handed) -> None:
    """Take student, sheet and lines from the text; the rest is not looked at."""
    try:
        root = compose(one.text, one.file)
    except SpecError as error:
        one.notes += [f"line {fault.line}: {fault.message}" for fault in error.faults]
        for name in ("student", "sheet"):  # so that it is known at least whose page cannot be read
            found = re.search(rf"^{name}:[ \t]*(\S.*)$", one.text, flags=re.MULTILINE)
            setattr(one, name, " ".join(found.group(1).split())[:100] if found else "")
        return
    if not isinstance(root.value, dict):
        one.notes.append("has no `handwritten:` lines")
        return
    others = [name for name in root.value if name not in _READ]
    if others:
        one.notes.append(f"`{others[0]}` was not looked at: what was given stands in the key")
    for name in ("student", "sheet"):
        node = root.value.get(name)
        if node is not None and not isinstance(node.value, dict | list):
            setattr(one, name, " ".join(node.text.split())[:100])
    one.lines = root.value.get("handwritten")
    if one.lines is None or not isinstance(one.lines.value, dict):
        one.notes.append("has no `handwritten:` lines")
        one.lines = None


# Whose it is


def _owner(one: Handed, key: Key) -> Exercise | None:
    """The sheet that a file belongs to: by the student's name, else by the sheet's, else by the
    file's. What does not agree is noted."""
    if len(key.exercises) == 1 and not key.exercises[0].student:  # one sheet for all
        one.student = one.student or Path(one.file).stem
        return key.exercises[0] if one.lines is not None else None
    by_name = [e for e in key.exercises if _same(e.student, one.student)]
    by_sheet = [e for e in key.exercises if e.sheet == one.sheet]
    by_file = [e for e in key.exercises if slug(e.student) == slug(Path(one.file).stem)]
    if by_name:
        if by_sheet and by_sheet[0] is not by_name[0]:
            one.notes.append(
                f"the sheet is that of {by_sheet[0].student}; marked by this student's"
            )
        elif one.sheet and not by_sheet:
            one.notes.append(
                f"no sheet of the key is called '{one.sheet}'; marked by this student's"
            )
        return by_name[0]
    said = f"no student of the key is called '{one.student}'" if one.student else "it names nobody"
    for found, why in ((by_sheet, "by its sheet"), (by_file, "by the file's name")):
        if len(found) == 1:
            if one.lines is not None:
                one.notes.append(f"{said}; found {why}")
            return found[0]
    if one.lines is not None:
        one.notes.append(said)
    return None


def _same(a: str, b: str) -> bool:
    return " ".join(a.split()).casefold() == " ".join(b.split()).casefold()


def _distinct(handed: Sequence[Handed]) -> list[Handed]:
    """Without second copies of the same text; two that differ both stay, and it is for the teacher to
    choose."""
    kept: list[Handed] = []
    for one in handed:
        twin = next((k for k in kept if k.text and k.text == one.text), None)
        if twin is None:
            kept.append(one)
        else:
            twin.notes.append(f"the same stands in {one.file}")
    return kept


# Marks

_NOTHING = "nothing was handed in"


def _rows(
    exercise: Exercise, handed: list[Handed], key: Key, marked: list[Page]
) -> list[dict[str, Any]]:
    if exercise.student and not handed:
        handed = [Handed("", notes=[_NOTHING])]
    readable = [one for one in handed if one.lines is not None]
    for one in handed if exercise.student else []:
        one.student = exercise.student
        others = [other.file for other in readable if other is not one]
        if one.lines is not None and others:
            one.notes.insert(0, f"this student handed in another page too ({others[0]}): choose")
    return [_marked(exercise, one, key, marked) for one in handed]


def _marked(exercise: Exercise, one: Handed, key: Key, marked: list[Page]) -> dict[str, Any]:
    found: list[Finding] = []
    try:
        found = _findings(exercise, _checked(exercise, one), key)
    except Exception as error:  # one page must never keep the others from being marked
        one.notes.append(f"could not be marked ({type(error).__name__}: {error}); mark it by hand")
    row = _row(one.student, one, _counts(exercise, found, key), found)
    if one.lines is not None:
        # Of the notes only those about lines: others are the teacher's, and may name somebody else.
        own = [note for note in one.notes if note.startswith("line ")]
        marked.append(feedback(exercise, key.title, one.student, found, row, own))
    return row


def _checked(exercise: Exercise, one: Handed) -> list[Checked]:
    """The lines of a page against the givens of the key."""
    if one.lines is None:
        return []
    experiment = parse(spec_of(exercise), Path("sheet.yaml"))
    faults = Faults()
    written = read_entries(one.lines, experiment.tasks, experiment.contenders, faults)
    one.notes += [f"line {fault.line}: {fault.message}" for fault in faults.found]
    asked = _places(exercise)
    if len(written) > 2 * len(asked):
        one.notes.append(f"{len(written):,} lines, and the sheet has {len(asked)}; not read")
        return []
    whole = [line for line in written if line.step is not None or line.part]
    if len(whole) < len(written):
        one.notes.append("lines that do not say their step were not marked")
    return _checked_as_far(experiment, whole, one)


def _checked_as_far(experiment: Experiment, lines: list[Written], one: Handed) -> list[Checked]:
    """A page without those of its lines whose arithmetic cannot be done, such as 1e999999999."""
    try:
        return byhand.check(experiment, lines)
    except (ArithmeticError, ValueError, RecursionError):
        sound = []
        for line in lines:
            try:
                byhand.check(experiment, [line])
            except (ArithmeticError, ValueError, RecursionError):
                one.notes.append(f"line {line.row}: {line.key} cannot be worked out")
            else:
                sound.append(line)
        if len(sound) == len(lines):  # it is not a line of its own that fails
            raise
        return byhand.check(experiment, sound)


def _places(exercise: Exercise) -> list[Place]:
    return [place[:4] for place in wanted(exercise)]


def _place(line: Written) -> Place | None:
    return None if line.part else (line.optimizer, line.step, line.line, line.parameter)


def _row(
    student: str, one: Handed, counts: dict[str, Any] | None, found: Sequence[Finding] = ()
) -> dict[str, Any]:
    """One row; a file that is nobody's has no counts."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS, None)
    row |= {"student": student, "file": one.file, "first_slip": "", "cause": ""} | (counts or {})
    coarse = next((checked for checked, _, kind in found if kind == "coarse"), None)
    if coarse is not None:
        one.notes.append(f"too little is written for a mark, as in {_told(coarse)}")
    slip = next((checked for checked, _, kind in found if kind == "slips"), None)
    if slip is not None:
        row["first_slip"] = f"{_told(slip)}, should be {slip.expected}"
        row["cause"] = slip.detail or slip.cause or ""
    if counts is not None and one.lines is not None and not found and not one.notes:
        one.notes.append("no line is filled in")
    row["notes"] = _notes(one.notes)
    return row


def _findings(exercise: Exercise, checked: list[Checked], key: Key) -> list[Finding]:
    """Each line with its points and its kind."""
    scheme = key.scheme
    marking = Marking(float(scheme["line"]), float(scheme["answer"]), scheme["follow_through"])
    kinds = [(one, _kind(one, exercise.digits)) for one in checked]
    return [(one, 0.0 if kind == "coarse" else points_of(one, marking), kind)
            for one, kind in kinds]  # fmt: skip


def _counts(exercise: Exercise, found: Sequence[Finding], key: Key) -> dict[str, Any]:
    """Points and kinds of lines. Of a line that is written twice the worse counts."""
    asked = _places(exercise)
    had: dict[Place, tuple[float, str]] = {}
    for checked, points, kind in found:
        place = _place(checked.written_line)
        if place in asked:
            had[place] = min(had.get(place, (points, kind)), (points, kind))
    of = float(sum(key.scheme["answer" if line == "x" else "line"] for _, _, line, _ in asked))
    kinds = Counter(kind for _, kind in had.values())
    total = float(sum(points for points, _ in had.values()))
    return {
        "points": total,
        "of": of,
        "share": round(total / of, 4) if of else 0.0,
        "right": kinds["right"],
        "follows": kinds["follows"],
        "slips": kinds["slips"],
        "coarse": kinds["coarse"],
        "missing": len(asked) - len(had),
    }


def _kind(checked: Checked, digits: int) -> str:
    """What is counted of a line: right, follows, slips, coarse."""
    if checked.verdict == SLIP:
        return "slips"
    if not checked.written_line.part and _is_coarse(checked, digits):
        return "coarse"
    return "follows" if checked.verdict == FOLLOWS else "right"


def _is_coarse(checked: Checked, digits: int) -> bool:
    """Whether a value is right only because hardly anything is written: not worked out to a number,
    or more than one digit short of what was asked and not the value itself. No value of a sheet is
    zero, and noughts all down a page would follow from each other."""
    figure = figure_of(checked.written_line.chain[-1])
    if figure is None or figure.value == 0:
        return True
    number = figure.number
    if number.quantum <= Decimal(1).scaleb(1 - digits) or number.figures >= digits - 1:
        return False
    if checked.verdict == FOLLOWS:  # what would be exact then is not known to more digits
        return number.figures < 2
    exact = abs(Decimal(checked.exact))
    size = min(Decimal(1), 10 * exact)  # below a tenth, figures are asked and not decimals
    return abs(number.decimal - exact) > Decimal("0.5").scaleb(-digits) * size


def _told(checked: Checked) -> str:
    line = checked.written_line
    return f"{line.key}: {checked.written}"


def _notes(notes: Sequence[str]) -> str:
    cut = [note if len(note) <= LONGEST_NOTE else f"{note[:LONGEST_NOTE]}..." for note in notes]
    more = [f"and {len(cut) - MOST_NOTES} more notes"] if len(cut) > MOST_NOTES else []
    return "; ".join([*cut[:MOST_NOTES], *more])


def _cell(value: Any) -> Any:
    """A text as it may stand in a spreadsheet: one line, printable, and never a formula there."""
    if not isinstance(value, str):
        return value
    plain = "".join(c if c.isprintable() else repr(c)[1:-1] for c in value)
    return f"'{plain}" if plain[:1] in "=+-@" and plain else plain
