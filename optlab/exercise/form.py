"""What a student fills in: a YAML file, and a page that writes that file without being installed.

Both name every line of every step. The page is one HTML file with a script of its own; it asks
nothing of any address and sends nothing anywhere.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from importlib.resources import files
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from optlab.exercise.drawing import Exercise, wanted
from optlab.exercise.paper import html_blocks, style
from optlab.exercise.sheet import Scheme, label, question
from optlab.rules import REGISTRY
from optlab.worked import formulas, mathml

__all__ = ["answers_file", "form_page", "scalar", "slug"]

_HEAD = (
    "Write what stands on your page behind the colons: a value, as in `m_w: 0.48`, or the whole line,",
    "as in `m_w: 0.9 * 0.2 + 0.1 * 3 = 0.48`. Leave empty what you have not worked, and keep the rest",
    "of the file as it is.",
)


def answers_file(exercise: Exercise) -> str:
    """The YAML file with every line named and no value."""
    lines = [*(f"# {line}" for line in _HEAD), f"student: {scalar(exercise.student)}".rstrip(),
             f"sheet: {scalar(exercise.sheet)}", "handwritten:"]  # fmt: skip
    for optimizer, of_optimizer in groupby(wanted(exercise), key=lambda place: place[0]):
        lines.append(f"  {optimizer}:")
        for step, of_step in groupby(of_optimizer, key=lambda place: place[1]):
            lines += [f"    {step}:", *(f"      {place[-1]}:" for place in of_step)]
    return "\n".join(lines) + "\n"


def scalar(text: str) -> str:
    """`text` (printable, one line) as a YAML scalar: plain where it is only words, else quoted."""
    plain = re.fullmatch(r"[^\W_](?:[\w.'()-]| (?=\S))*", text)
    if plain or not text:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return re.sub("[\ufeff\ufffe\uffff]", lambda sign: f"\\u{ord(sign.group()):04x}", quoted)


def slug(name: str) -> str:
    """A file's name for a person's."""
    return re.sub(r"[^\w]+", "-", name.casefold()).strip("-_")[:60] or "sheet"


def form_page(exercise: Exercise, scheme: Scheme, title: str, file: str) -> str:
    """The page on which answers are typed, and which writes them as `file`."""
    data = {
        "head": _HEAD,
        "student": exercise.student,
        "sheet": exercise.sheet,
        "file": file,
    }
    return (
        _template()
        .get_template("form.html.j2")
        .render(
            title=title,
            student=exercise.student,
            style=Markup(style() + _read("form.css")),
            script=Markup(_read("form.js")),
            question=Markup(html_blocks(question(exercise, scheme))),
            optimizers=_fields(exercise),
            # `<` is written as JSON may write it, so that no text can end the element.
            data=Markup(json.dumps(data, ensure_ascii=False).replace("<", r"\u003c")),
        )
    )


def _fields(exercise: Exercise) -> list[dict[str, Any]]:
    """The form as optimizers, their steps, the lines of each, and what is entered for each line."""
    numbered = enumerate(wanted(exercise))
    shown = []
    for optimizer, of_optimizer in groupby(numbered, key=lambda item: item[1][0]):
        form = REGISTRY[optimizer].form
        equations = dict(zip((line.name for line in form.lines), formulas(form), strict=True))
        steps = []
        for step, of_step in groupby(of_optimizer, key=lambda item: item[1][1]):
            lines = [
                {
                    "formula": Markup(mathml(equations[name])),
                    "entries": [{"id": f"line-{i}", "name": place[-1]} for i, place in of_line],
                }
                for name, of_line in groupby(of_step, key=lambda item: item[1][2])
            ]
            steps.append({"t": step, "lines": lines})
        title = label(optimizer)
        shown.append({"name": optimizer, "title": title[:1].upper() + title[1:], "steps": steps})
    return shown


@lru_cache(maxsize=1)
def _template() -> Environment:
    return Environment(
        loader=PackageLoader("optlab.exercise"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


@lru_cache(maxsize=4)
def _read(name: str) -> str:
    return files("optlab.exercise").joinpath(f"templates/{name}").read_text("utf-8")
