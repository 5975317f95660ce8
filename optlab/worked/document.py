"""Worked pages as files of their own: a LaTeX document to typeset, Markdown, plain text."""

from __future__ import annotations

import re
from typing import Any

from optlab.escape import latex_math, latex_text, markdown_math, markdown_text
from optlab.worked.formula import symbol
from optlab.worked.layout import Part, Row, parts, with_first
from optlab.worked.plain import readable

__all__ = ["LEAD", "atoms", "latex", "markdown", "plain"]

Pages = list[dict[str, Any]]

LEAD = (
    "The first steps of each optimizer, as they stand on paper: the formula, the numbers put in, the "
    "result. The lines are those that ran, executed one at a time; the numbers are rounded only where "
    "they are printed."
)


# Plain text


def plain(pages: Pages, title: str) -> str:
    """Every line with its formula and, a parameter a row, the numbers put in and the value."""
    out = [_printable(title), "=" * min(len(title), 78), ""]
    for page, first in with_first(pages):
        heading = _printable(page["title"])
        out += [heading, "-" * min(len(heading), 78), ""]
        for part in parts(page, first):
            out += [_printable(part.text), *_plain_rows(part.rows), ""]
    return "\n".join(out).rstrip() + "\n"


def _plain_rows(rows: tuple[Row, ...]) -> list[str]:
    width = max((len(row.whose) for row in rows), default=0)
    out = []
    for row in rows:
        if row.formula:
            out.append(f"  {readable(row.formula)}")
        whose = f"{_printable(row.whose):>{width}}: " if row.whose else ""
        out.append(f"      {whose}{readable(row.numbers)} = {row.result}")
        if row.note:
            out.append(f"      ({_printable(row.note)})")
    return out


def _printable(text: str) -> str:
    """Text from a spec without what a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in text)


# Markdown


def markdown(pages: Pages, title: str) -> str:
    """Tables with formulas between dollar signs, as GitHub and most readers draw them."""
    out = [f"# {markdown_text(title)}", "", LEAD, ""]
    for page, first in with_first(pages):
        out += [f"## {markdown_text(page['title'])}", ""]
        for part in parts(page, first):
            out += [markdown_text(part.text), "", *_markdown_rows(part)]
    return "\n".join(out).rstrip() + "\n"


def _markdown_rows(part: Part) -> list[str]:
    if not part.rows:
        return []
    head = ["Formula", *(["Parameter"] if part.by_parameter else []), "Numbers put in", "Result"]
    out = [_bars(head), _bars([*["---"] * (len(head) - 1), "---:"])]
    for row in part.rows:
        formula = markdown_math(row.formula) if row.formula else ""
        note = f"<br><sub>{markdown_text(row.note)}</sub>" if row.note else ""
        whose = [markdown_text(row.whose)] if part.by_parameter else []
        out.append(_bars([formula, *whose, markdown_math(row.numbers) + note, f"= {row.result}"]))
    return [*out, ""]


def _bars(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


# LaTeX


_HEAD = r"""\documentclass[10pt,a4paper]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage[margin=22mm]{geometry}
\usepackage{amsmath}
\usepackage{array}
\usepackage{graphicx}
\usepackage{longtable}
% A formula that is wider than its column and cannot be broken is made smaller.
\newsavebox{\formulabox}
\newcommand{\fitted}[1]{\sbox{\formulabox}{$\displaystyle #1$}%
  \ifdim\wd\formulabox>\linewidth\resizebox{\linewidth}{!}{\usebox{\formulabox}}%
  \else\usebox{\formulabox}\fi}
% Air above and below fractions.
\newcommand{\tall}{\rule[-3.1ex]{0pt}{7.2ex}}
\newcolumntype{L}[1]{>{\raggedright\arraybackslash}p{#1}}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\setlength{\extrarowheight}{3pt}
\setlength{\lineskip}{4pt}
\setlength{\lineskiplimit}{2pt}
\setlength{\LTleft}{0pt}
\setlength{\LTpre}{2pt}
\setlength{\LTpost}{4pt}
\emergencystretch=3em
\sloppy
"""
_LINE = 470
"""Points in a line of this document; a figure has 5, and between two columns there are 12."""
_LONGEST_ATOM = 60
"""Characters of a fraction, a root or an enumeration of cases that surely fit on a line; TeX breaks a
formula between such pieces, never inside them."""


def latex(pages: Pages, title: str) -> str:
    """A complete document: article, amsmath and what comes with every LaTeX. Text from a spec is
    escaped, long lines break at their operators, and tables go on over pages."""
    body = [
        _HEAD,
        r"\begin{document}",
        rf"{{\Large\bfseries\raggedright {latex_text(title)}\par}}",
        "",
        latex_text(LEAD),
    ]
    for page, first in with_first(pages):
        body += ["", rf"\section*{{\raggedright {latex_text(page['title'])}}}"]
        for part in parts(page, first):
            body += ["", latex_text(part.text), *_table(part)]
    return "\n".join([*body, r"\end{document}", ""])


def _table(part: Part) -> list[str]:
    """Each formula over the whole width; below it a row a parameter."""
    if not part.rows:
        return []
    whose = min(max(6 * max(len(row.whose) for row in part.rows) + 4, 24), 120)
    result = 5.3 * max(len(row.result) for row in part.rows) + 18
    count = 3 if part.by_parameter else 2
    numbers = _LINE - result - (whose if part.by_parameter else 0) - 12 * (count - 1)
    first = f"L{{{whose}pt}}" if part.by_parameter else ""
    out = ["", rf"\begin{{longtable}}{{@{{}}{first}L{{{numbers:.0f}pt}}r@{{}}}}"]
    for row in part.rows:
        if row.formula:
            out.append(_wide(_math(row.formula), count) + r"\\*")
        name = f"{_whose(row.whose)} & " if part.by_parameter else ""
        value = _result(row.result)
        out.append(rf"{name}{_math('{} = ' + row.numbers)} & $= {value}$ \\[3pt]")
        if row.note:
            out.append(_wide(rf"{{\small {latex_text(row.note)}}}", count) + r"\\[3pt]")
    return [*out, r"\end{longtable}"]


def _wide(cell: str, count: int) -> str:
    """A cell over all columns; ragged, and as wide as the text."""
    return rf"\multicolumn{{{count}}}{{@{{}}L{{\linewidth}}@{{}}}}{{{cell}}}"


def _whose(name: str) -> str:
    """A parameter as a symbol where its name is one; a long one as text, which can be broken."""
    if name == "all" or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,15}", name):
        return latex_text(name)
    return f"${symbol(name)}$"


def _result(text: str) -> str:
    """`−1.2·10⁻⁵` and `−0.1200` as LaTeX."""
    if text == "not finite":
        return r"\text{not finite}"
    mantissa, times, power = text.replace("−", "-").partition("·10")
    plain_power = power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    whole = mantissa.replace("∞", r"\infty").replace("NaN", r"\mathrm{NaN}")
    return rf"{whole} \cdot 10^{{{plain_power}}}" if times else whole


def _math(formula: str) -> str:
    """A formula in a line of text, which TeX breaks at its operators; one with a piece too long to
    stand on a line is fitted."""
    safe = latex_math(formula)
    longest = max((len(readable(atom)) for atom in atoms(formula)), default=0)
    air = r"\tall " if r"\frac" in safe or r"\begin" in safe else ""
    if longest > _LONGEST_ATOM:
        return rf"{air}\fitted{{{safe}}}"
    return rf"{air}$\displaystyle {safe}$"


def atoms(formula: str) -> list[str]:
    """The pieces between which TeX may begin a new line: it does so after an operator that stands in
    no braces and not between `\\left` and `\\right`."""
    out, depth, now = [], 0, ""
    for token in re.findall(r"\\[a-zA-Z]+|\\.|.", formula):
        depth += (token in ("{", r"\left", r"\begin")) - (token in ("}", r"\right", r"\end"))
        now += token
        if token == " " and depth == 0 and now.endswith((" + ", " - ", " = ", r"\cdot ")):
            out.append(now)
            now = ""
    return [*out, now]
