"""A page of paper in three languages: HTML that prints well, Markdown, LaTeX.

A page is a list of blocks; texts are plain, and each language escapes them for itself. Formulas are
LaTeX of our own printer (`optlab.worked`), never anybody's text.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.resources import files

from optlab.escape import (
    latex_math,
    latex_signs,
    latex_text,
    markdown_math,
    markdown_signs,
    markdown_text,
)
from optlab.worked import mathml

__all__ = ["BLANK", "Heading", "Math", "Page", "Table", "Text", "as_html", "as_latex", "as_markdown",
           "html_blocks", "style"]  # fmt: skip


@dataclass(frozen=True)
class Math:
    """A formula in a line of text."""

    latex: str


Pieces = Sequence[str | Math]
"""A line of text with formulas in it."""


@dataclass(frozen=True)
class Heading:
    text: str


@dataclass(frozen=True)
class Text:
    pieces: Pieces


@dataclass(frozen=True)
class Table:
    """Rows of cells under a head; `BLANK` is a cell to be written in."""

    head: Sequence[Pieces]
    rows: Sequence[Sequence[Pieces]]
    caption: str = ""


Block = Heading | Text | Table
BLANK: Pieces = ("\0",)


@dataclass(frozen=True)
class Page:
    """One sheet of paper: its title, whose it is, what stands on it."""

    title: str
    student: str
    blocks: Sequence[Block]


# HTML


@lru_cache(maxsize=1)
def style() -> str:
    return files("optlab.exercise").joinpath("templates/paper.css").read_text("utf-8")


def as_html(pages: Sequence[Page], title: str) -> str:
    """Pages as one HTML file that needs no other, each on paper of its own where it is printed."""
    articles = "\n".join(
        f'<article>\n<header><h1>{html.escape(page.title)}</h1>\n<p class="name">Name: '
        f"{_line_for(page.student)}</p></header>\n{html_blocks(page.blocks)}\n</article>"
        for page in pages
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{style()}</style>\n</head>\n"
        f"<body>\n<main>\n{articles}\n</main>\n</body>\n</html>\n"
    )


def _line_for(student: str) -> str:
    return html.escape(student) if student else '<span class="rule"></span>'


def html_blocks(blocks: Sequence[Block]) -> str:
    return "\n".join(map(_html_block, blocks))


def _html_block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h2>{html.escape(block.text)}</h2>"
    if isinstance(block, Text):
        return f"<p>{_html(block.pieces)}</p>"
    caption = f"<caption>{html.escape(block.caption)}</caption>" if block.caption else ""
    head = "".join(f'<th scope="col">{_html(cell)}</th>' for cell in block.head)
    rows = "\n".join(
        "<tr>" + "".join(_html_cell(cell, i) for i, cell in enumerate(row)) + "</tr>"
        for row in block.rows
    )
    label = html.escape(block.caption or "Table", quote=True)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}"><table>{caption}'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def _html_cell(cell: Pieces, column: int) -> str:
    if cell is BLANK:
        return '<td class="blank"></td>'
    return f'<th scope="row">{_html(cell)}</th>' if column == 0 else f"<td>{_html(cell)}</td>"


def _html(pieces: Pieces) -> str:
    return _joined(pieces, html.escape, _inline)


@lru_cache(maxsize=4096)
def _inline(latex: str) -> str:
    # In a line of text, and its fractions as large as in a formula of its own.
    return mathml(latex).replace('display="block"', 'display="inline" displaystyle="true"', 1)


def _joined(pieces: Pieces, text: Callable[[str], str], math: Callable[[str], str]) -> str:
    return "".join(math(p.latex) if isinstance(p, Math) else text(p) for p in pieces)


# Markdown


def as_markdown(page: Page) -> str:
    """A page as Markdown, formulas between dollar signs."""
    whose = f"Name: {markdown_text(page.student)}" if page.student else "Name:"
    blocks = [f"# {markdown_text(page.title)}", whose, *map(_markdown_block, page.blocks)]
    return "\n\n".join(blocks) + "\n"


def _markdown_block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"## {markdown_text(block.text)}"
    if isinstance(block, Text):
        return _markdown(block.pieces)
    lines = [block.head, *block.rows]
    rows = ["| " + " | ".join(map(_markdown, line)) + " |" for line in lines]
    rows.insert(1, "|" + " --- |" * len(block.head))
    caption = f"{markdown_text(block.caption)}\n\n" if block.caption else ""
    return caption + "\n".join(rows)


def _markdown(pieces: Pieces) -> str:
    if pieces is BLANK:
        return " "
    return _joined(pieces, markdown_signs, markdown_math)


# LaTeX

_RULE = r"\underline{\hspace{7cm}}"
_PREAMBLE = r"""\documentclass[11pt,a4paper]{article}
% Names outside the Latin script need xelatex or lualatex.
\usepackage{iftex}
\ifPDFTeX\IfFileExists{lmodern.sty}{\usepackage[T1]{fontenc}\usepackage{lmodern}}{}\else\usepackage{fontspec}\fi
\usepackage[margin=2.2cm]{geometry}
\usepackage{amsmath,array}
\setlength{\parindent}{0pt}
\setlength{\parskip}{6pt}
\renewcommand{\arraystretch}{1.4}
\pagestyle{plain}
\begin{document}
"""


def as_latex(pages: Sequence[Page]) -> str:
    """Pages as one LaTeX document, each beginning on a new sheet."""
    bodies = [
        f"\\section*{{{latex_text(page.title, every=True)}}}\n\nName: "
        f"{latex_text(page.student, every=True) or _RULE}\n\n"
        + "\n\n".join(map(_latex_block, page.blocks))
        for page in pages
    ]
    return _PREAMBLE + "\n\n\\newpage\n".join(bodies) + "\n\\end{document}\n"


def _latex_block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"\\subsection*{{{latex_text(block.text, every=True)}}}"
    if isinstance(block, Text):
        return _latex(block.pieces)
    blanks = {i for row in block.rows for i, cell in enumerate(row) if cell is BLANK}
    width = 0.8 / max(1, len(blanks))
    kinds = [f"p{{{width:.2f}\\textwidth}}" if i in blanks else "l" for i in range(len(block.head))]
    edge, line = ("|", " \\\\ \\hline\n") if blanks else ("", " \\\\\n")
    rows = line.join(_strut(row) + " & ".join(map(_latex, row)) for row in block.rows)
    caption = f"{latex_text(block.caption, every=True)}\\par\\smallskip\n" if block.caption else ""
    return (  # in a box of its own, so that no page ends inside a table
        f"\\begin{{minipage}}{{\\textwidth}}\n{caption}"
        f"\\begin{{tabular}}{{{edge}{edge.join(kinds)}{edge}}}\n\\hline\n"
        f"{' & '.join(map(_latex, block.head))} \\\\ \\hline\n{rows} \\\\ \\hline\n"
        "\\end{tabular}\\par\\medskip\n\\end{minipage}"
    )


def _strut(row: Sequence[Pieces]) -> str:
    """Height for a hand, or for a fraction."""
    if any(cell is BLANK for cell in row):
        return r"\rule[-8pt]{0pt}{24pt}"
    tall = any(isinstance(p, Math) and r"\frac" in p.latex for cell in row for p in cell)
    return r"\rule[-15pt]{0pt}{34pt}" if tall else ""


def _latex(pieces: Pieces) -> str:
    if pieces is BLANK:
        return ""
    # Every sign stays: the preamble says which engine has those beyond Latin.
    text = partial(latex_signs, every=True)
    return _joined(pieces, text, lambda latex: rf"$\displaystyle {latex_math(latex)}$")
