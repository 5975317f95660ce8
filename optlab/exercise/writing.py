"""Sheets, forms, solutions and the key as files of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from optlab.exercise.drawing import Exercise, Plan, draw
from optlab.exercise.form import answers_file, form_page, slug
from optlab.exercise.key import SCHEME, key_file
from optlab.exercise.paper import Page, as_html, as_latex, as_markdown
from optlab.exercise.sheet import heading, sheet, solution
from optlab.files import atomic_write
from optlab.nodes import unwritable

__all__ = ["MOST_STUDENTS", "numbered", "read_names", "write", "write_class", "write_one"]

MOST_STUDENTS = 1000


def write_one(plan: Plan, folder: Path) -> list[Path]:
    """One sheet, nobody's yet: sheet, form and solution in `folder`, and the key."""
    [exercise] = draw(plan, [""])
    title = f"{heading(exercise)}, sheet {plan.seed}"
    return [
        *_sheet(exercise, title, folder, "sheet"),
        write(folder / "form.html", form_page(exercise, SCHEME, title, "answers.yaml")),
        write(folder / "answers.yaml", answers_file(exercise)),
        *_solution(exercise, title, folder, "solution"),
        write(folder / "key.yaml", key_file([exercise], plan, title)),
    ]


def write_class(plan: Plan, students: Sequence[str], folder: Path) -> list[Path]:
    """A sheet of one's own for each student: `sheets/` has a folder for each, with the sheet, its
    form and its file for the answers, and never a solution; those are in `solutions/`. All sheets
    stand once more in one file for the printer, and so do all solutions. ValueError for names that
    cannot be told apart."""
    _check(students)
    exercises = draw(plan, students)
    title = heading(exercises[0])
    written = []
    for exercise, name in zip(exercises, _folders(students), strict=True):
        own = folder / "sheets" / name
        written += [
            *_sheet(exercise, title, own, "sheet"),
            write(own / "form.html", form_page(exercise, SCHEME, title, f"{name}.yaml")),
            write(own / f"{name}.yaml", answers_file(exercise)),
            *_solution(exercise, title, folder / "solutions", name),
        ]
    sheets = [sheet(exercise, SCHEME, title) for exercise in exercises]
    solutions = [solution(exercise, SCHEME, title) for exercise in exercises]
    return [
        *written,
        *_all(sheets, title, folder, "all-sheets"),
        *_all(solutions, f"Solutions: {title}", folder / "solutions", "all-solutions"),
        write(folder / "key.yaml", key_file(exercises, plan, title)),
    ]


def numbered(count: int) -> list[str]:
    """Names for a class whose names are nobody's business: `student 01` and so on."""
    if not 1 <= count <= MOST_STUDENTS:
        raise ValueError(f"students: {count} is not a whole number from 1 to {MOST_STUDENTS:,}")
    return [f"student {i:0{max(2, len(str(count)))}d}" for i in range(1, count + 1)]


def read_names(path: Path) -> list[str]:
    """The names in a file, one a line; empty lines are passed over. ValueError where it is no text."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a text in UTF-8; save it as UTF-8") from None
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def _check(students: Sequence[str]) -> None:
    if not 1 <= len(students) <= MOST_STUDENTS:
        raise ValueError(f"{len(students)} names, and there must be 1 to {MOST_STUDENTS:,}")
    seen: dict[str, str] = {}
    for name in students:
        if odd := unwritable(name):
            raise ValueError(f"the name {name!r} {odd}")
        if len(name) > 100:
            raise ValueError(f"the name '{name[:40]}...' is longer than 100 characters")
        if name.casefold() in seen:
            raise ValueError(f"two students are called '{name}'; tell them apart")
        seen[name.casefold()] = name


_TAKEN = ("all-solutions", "con", "prn", "aux", "nul")
"""Names of files that are not a student's: ours, and those that Windows keeps for itself."""


def _folders(students: Sequence[str]) -> list[str]:
    """A folder's name for each student; two that would share one are numbered."""
    taken = list(_TAKEN)
    for student in students:
        name, count = slug(student), 2
        while name in taken:
            name, count = f"{slug(student)}-{count}", count + 1
        taken.append(name)
    return taken[len(_TAKEN) :]


def _sheet(exercise: Exercise, title: str, folder: Path, name: str) -> list[Path]:
    return _paper(sheet(exercise, SCHEME, title), folder, name)


def _solution(exercise: Exercise, title: str, folder: Path, name: str) -> list[Path]:
    return _paper(solution(exercise, SCHEME, title), folder, name)


def _paper(page: Page, folder: Path, name: str) -> list[Path]:
    """One page in its three languages."""
    markdown = write(folder / f"{name}.md", as_markdown(page))
    return [markdown, *_all([page], page.title, folder, name)]


def _all(pages: Sequence[Page], title: str, folder: Path, name: str) -> list[Path]:
    return [
        write(folder / f"{name}.html", as_html(pages, title)),
        write(folder / f"{name}.tex", as_latex(pages)),
    ]


def write(path: Path, text: str) -> Path:
    """Write `text` to `path`, whole or not at all."""
    atomic_write(path, lambda file: file.write(text.encode()))
    return path
