"""Worked pages as files of their own: a LaTeX document to typeset, Markdown, plain text."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from optlab.worked.formula import symbol
from optlab.worked.layout import Part, Row, parts, with_first
from optlab.worked.plain import readable

__all__ = ["LEAD", "latex", "markdown", "markdown_math", "markdown_text", "plain"]

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


_SPECIAL = {
    "&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "$": "&#36;", "`": "&#96;",
    "\\": "&#92;", "*": r"\*", "_": r"\_", "[": r"\[", "]": r"\]", "~": r"\~", "#": r"\#",
}  # fmt: skip


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is, in a paragraph or in a cell of a table."""
    return " ".join("".join(_SPECIAL.get(sign, sign) for sign in str(text)).split())


def markdown_math(formula: str) -> str:
    """LaTeX between dollar signs; a bar would end a cell of a table, so it is spelled out."""
    sides = formula.replace(r"\|", r"\Vert ").replace("|", r"\vert ").replace("$", r"\text{S}")
    return f"${' '.join(sides.split())}$"


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
        rf"{{\Large\bfseries\raggedright {_escaped(title)}\par}}",
        "",
        _escaped(LEAD),
    ]
    for page, first in with_first(pages):
        body += ["", rf"\section*{{\raggedright {_escaped(page['title'])}}}"]
        for part in parts(page, first):
            body += ["", _escaped(part.text), *_table(part)]
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
            out.append(_wide(rf"{{\small {_escaped(row.note)}}}", count) + r"\\[3pt]")
    return [*out, r"\end{longtable}"]


def _wide(cell: str, count: int) -> str:
    """A cell over all columns; ragged, and as wide as the text."""
    return rf"\multicolumn{{{count}}}{{@{{}}L{{\linewidth}}@{{}}}}{{{cell}}}"


def _whose(name: str) -> str:
    """A parameter as a symbol where its name is one; a long one as text, which can be broken."""
    if name == "all" or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,15}", name):
        return _escaped(name)
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
    safe = "".join(_math_sign(sign) for sign in formula)
    longest = max((len(readable(atom)) for atom in _atoms(formula)), default=0)
    air = r"\tall " if r"\frac" in safe or r"\begin" in safe else ""
    if longest > _LONGEST_ATOM:
        return rf"{air}\fitted{{{safe}}}"
    return rf"{air}$\displaystyle {safe}$"


def _atoms(formula: str) -> list[str]:
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


_GREEK_SIGNS = {
    **{unicodedata.lookup(f"GREEK SMALL LETTER {name.upper()}"): rf"\{name} " for name in (
        "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "mu",
        "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega")},
    "λ": r"\lambda ", "Γ": r"\Gamma ", "Δ": r"\Delta ", "Θ": r"\Theta ", "Λ": r"\Lambda ",
    "Ξ": r"\Xi ", "Π": r"\Pi ", "Σ": r"\Sigma ", "Φ": r"\Phi ", "Ψ": r"\Psi ", "Ω": r"\Omega ",
    "∂": r"\partial ", "−": "-", "·": r"\cdot ", "×": r"\times ", "≤": r"\leq ", "≥": r"\geq ",
    "≠": r"\neq ", "∞": r"\infty ", "→": r"\to ", "√": r"\surd ", "±": r"\pm ",
}  # fmt: skip
_TEXT_SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_\allowbreak{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "[": "{[}", "]": "{]}",
    '"': r"\textquotedbl{}", "`": r"\textasciigrave{}", "'": "'", "–": "--", "—": "---",
    "“": "``", "”": "''", "‘": "`", "’": "'", "…": r"\dots{}", "-": "{-}",
}  # fmt: skip
_LETTERS = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿ"
    "ĂăĄąĆćČčĎďĘęĚěĞğİĹĺĽľŁłŃńŇňŐőŒœŔŕŘřŚśŞşŠšŢţŤťŮůŰűŹźŻżŽž"
)
"""Letters that every LaTeX with T1 fonts has."""


def _escaped(text: str) -> str:
    """Text from anywhere as LaTeX that shows it. Letters that the fonts of every LaTeX lack lose
    their marks, and any other sign that they lack is named by its code."""
    words = [_word(word) for word in str(text).split()]
    return " ".join(words)


def _word(word: str) -> str:
    signs = [_text_sign(sign) for sign in word]
    # A word longer than a line has no place to break; one is made every so often.
    return r"\allowbreak{}".join("".join(signs[i : i + 12]) for i in range(0, len(signs), 12))


def _text_sign(sign: str) -> str:
    if sign in _TEXT_SIGNS:
        return _TEXT_SIGNS[sign]
    if sign in _GREEK_SIGNS:
        return f"${_GREEK_SIGNS[sign].strip()}$"
    if (sign.isascii() and sign.isprintable()) or sign in _LETTERS:
        return sign
    parts = unicodedata.normalize("NFKD", sign) if sign.isalpha() else ""  # ½ is not 12
    bare = "".join(c for c in parts if c.isascii() and c.isalpha())
    return bare or ("" if unicodedata.combining(sign) else rf"\texttt{{U+{ord(sign):04X}}}")


def _math_sign(sign: str) -> str:
    if sign.isascii():
        return sign
    return _GREEK_SIGNS.get(sign) or rf"\text{{{_text_sign(sign)}}}"
