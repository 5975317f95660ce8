r"""A table of a report as LaTeX, in the style of booktabs, for any document that `\input`s it.

Widths are fractions of `\linewidth`, so that a table suits one column or two. What does not fit is
broken into lines, then set smaller, then turned on its side.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from optlab.escape import latex_math, latex_pieces, latex_text
from optlab.report.blocks import Cell, Table
from optlab.worked.document import atoms
from optlab.worked.plain import readable

__all__ = ["PACKAGES", "document", "latex_table"]

PACKAGES = ("amsmath", "array", "booktabs", "longtable", "pdflscape")
"""What a document that has these tables must load."""

_LONG = 40
"""Lines above which a table goes on over pages."""
_LINE = 345.0
"""Points of a line for which a table is planned: LaTeX's own `article` at 10 pt on A4."""
_SIDEWAYS = 550.0
"""Points of a line along the long side of the page."""
_GAP = 8.0
"""Points between two columns (twice `\\tabcolsep`)."""
_SIZES = (("small", 0.92), ("footnotesize", 0.82), ("scriptsize", 0.74))
"""Sizes of letters, against those of which the widths below are."""
_AIR = 1.06
"""A word's width is estimated; so much more keeps it inside of its column."""


@dataclass(frozen=True)
class _Plan:
    """How a table is laid out: the size of its letters, the width of each column as a fraction of
    the line (0 for as wide as its content), whether it is turned."""

    size: str
    fractions: tuple[float, ...]
    wide: float
    """Points that it takes, about."""
    turned: bool = False


def latex_table(table: Table, label: str = "") -> str:
    """`table` with its caption and `\\label{tab:...}`, to be put into a document by `\\input`."""
    rows = [row for _, rows in table.groups for row in rows]
    plan = _plan(table, rows)
    called = label or table.name or table.anchor or "table"
    caption = rf"\caption{{{_caption(table)}}}\label{{tab:{_label(called)}}}"
    needs = "% needs: " + " ".join(rf"\usepackage{{{name}}}" for name in PACKAGES)
    long = sum(_height(row, plan) for row in rows) + len(table.groups) > _LONG
    body = _long(table, plan, caption) if long else _short(table, plan, caption)
    turned = ["\\begin{landscape}", *body, "\\end{landscape}"] if plan.turned else body
    return "\n".join([needs, *turned, ""])


def document(names: Sequence[str]) -> str:
    """A document that has the tables of the files `names`, which lie beside it."""
    load = [rf"\usepackage{{{name}}}" for name in PACKAGES]
    return "\n".join(
        [
            "% All tables of one report. In a paper of your own, load these packages and \\input one.",
            r"\documentclass{article}",
            r"\usepackage[T1]{fontenc}",
            r"\usepackage[utf8]{inputenc}",
            r"\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}",
            *load,
            r"\begin{document}",
            *(line for name in names for line in (rf"\input{{{name}}}", r"\clearpage")),
            r"\end{document}",
            "",
        ]
    )


def _caption(table: Table) -> str:
    """What it answers, what it shows, how it is read."""
    said = [part for part in (table.question, table.finding, table.caption) if part]
    return " ".join(latex_text(part) for part in said)


def _label(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-") or "table"


# --- the two forms ---


def _short(table: Table, plan: _Plan, caption: str) -> list[str]:
    return [
        r"\begin{table}[tbp]",
        rf"\centering\{plan.size}\setlength{{\tabcolsep}}{{{_GAP / 2:g}pt}}",
        caption,
        r"\smallskip",
        rf"\begin{{tabular}}{{{_columns(table, plan)}}}",
        r"\toprule",
        _head(table),
        r"\midrule",
        *_body(table, plan),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


def _long(table: Table, plan: _Plan, caption: str) -> list[str]:
    n = len(table.head)
    over = [r"\toprule", _head(table), r"\midrule"]
    return [
        rf"{{\{plan.size}\setlength{{\tabcolsep}}{{{_GAP / 2:g}pt}}\setlength{{\LTcapwidth}}{{\linewidth}}",
        rf"\begin{{longtable}}{{{_columns(table, plan)}}}",
        rf"{caption}\\",
        *over,
        r"\endfirsthead",
        rf"\multicolumn{{{n}}}{{@{{}}l@{{}}}}{{\emph{{Continued}}}}\\",
        *over,
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
        *_body(table, plan),
        r"\end{longtable}}",
    ]


def _columns(table: Table, plan: _Plan) -> str:
    kinds = [_column(i in table.numeric, share) for i, share in enumerate(plan.fractions)]
    return f"@{{}}{''.join(kinds)}@{{}}"


def _column(numeric: bool, share: float) -> str:
    if not share:
        return "r" if numeric else "l"
    side = "left" if numeric else "right"
    return rf">{{\ragged{side}\arraybackslash}}p{{{share:.4f}\linewidth}}"


def _head(table: Table) -> str:
    return " & ".join(latex_text(name) for name in table.head) + r" \\"


def _body(table: Table, plan: _Plan) -> list[str]:
    out: list[str] = []
    for i, (heading, rows) in enumerate(table.groups):
        if heading:
            out += [*([r"\addlinespace"] if i else []), _over(table, plan, heading)]
        elif i:
            out.append(r"\midrule")
        for row in rows:
            cells = [
                _cell(cell, bool(share)) for cell, share in zip(row, plan.fractions, strict=False)
            ]
            out.append(" & ".join(cells) + r" \\")
    return out


def _over(table: Table, plan: _Plan, heading: str) -> str:
    """A group's heading over all columns, never alone at the foot of a page."""
    n = len(table.head)
    # A narrow table makes room for it, up to a line.
    wide = max(plan.wide, min(_length(latex_pieces(heading)), 0.9 * _LINE))
    width = r"\linewidth" if any(plan.fractions) else f"{wide:.0f}pt"
    text = rf"\raggedright\emph{{{latex_text(heading)}}}"
    return rf"\multicolumn{{{n}}}{{@{{}}p{{{width}}}@{{}}}}{{{text}}} \\*"


def _cell(cell: Cell, broken: bool) -> str:
    """A verdict, the text, the remark below it where lines may break and after it where not."""
    verdict = rf"\textsc{{{latex_text(cell.verdict.lower())}}}" if cell.verdict else ""
    text = f"${latex_math(cell.text)}$" if cell.math and cell.text else latex_text(cell.text)
    formulas = [f"${latex_math(formula)}$" for formula in cell.latex]
    main = [part for part in (verdict, text, *formulas) if part]
    if not cell.small:
        return _lines(main, broken)
    return _lines([*main, rf"{{\scriptsize {latex_text(cell.small)}}}"], broken)


def _lines(parts: list[str], broken: bool) -> str:
    return (r"\newline " if broken else " ").join(parts)


# --- the plan ---


@dataclass(frozen=True)
class _Need:
    """Points that a column takes at 10 pt: with each cell on one line, with the parts of a cell below
    each other, and for its longest word."""

    whole: float
    parts: float
    word: float


def _plan(table: Table, rows: list[list[Cell]]) -> _Plan:
    """The first layout that fits: columns as wide as they need, in small letters or smaller; then
    broken into lines; then turned on its side and broken."""
    columns = [[row[i] for row in rows if i < len(row)] for i in range(len(table.head))]
    needs = [_need(name, cells) for name, cells in zip(table.head, columns, strict=True)]
    gaps = _GAP * (len(needs) - 1)
    for size, scale in _SIZES[:2]:
        wide = sum(need.whole for need in needs) * scale + gaps
        if wide <= _LINE:
            return _Plan(size, (0.0,) * len(needs), wide)
    for line in (_LINE, _SIDEWAYS):
        for size, scale in _SIZES:
            shares = _shares(needs, scale, line - gaps)
            if shares:
                return _Plan(size, tuple(s / line for s in shares), line, line > _LINE)
    # So many columns that not all words fit: each has its part of the longest line there is.
    room = _SIDEWAYS - gaps
    total = sum(need.word for need in needs)
    even = tuple(room * need.word / total / _SIDEWAYS for need in needs)
    return _Plan(_SIZES[-1][0], even, _SIDEWAYS, turned=True)


def _shares(needs: list[_Need], scale: float, room: float) -> list[float]:
    """Points of each column in `room`, none narrower than its longest word; nothing if words do not
    fit. What is left goes where lines are long."""
    least = [need.word * scale * _AIR for need in needs]
    left = room - sum(least)
    if left < 0:
        return []
    wanted = [max(n.parts * scale * _AIR - low, 0.0) for n, low in zip(needs, least, strict=True)]
    part = min(left / (sum(wanted) or 1.0), 1.0)
    return [low + want * part for low, want in zip(least, wanted, strict=True)]


def _need(name: str, cells: list[Cell]) -> _Need:
    lines = [[latex_pieces(name)], *map(_parts, cells)]
    wholes = [_length([word for part in parts for word in part]) for parts in lines]
    parts = [_length(part) for parts in lines for part in parts]
    words = [_width(word) for parts in lines for part in parts for word in part]
    return _Need(max(wholes), max(parts, default=0.0), max(words, default=0.0))


def _parts(cell: Cell) -> list[list[str]]:
    """What stands below each other in a cell, in pieces that are not broken."""
    text = _formula(cell.text) if cell.math else latex_pieces(cell.text)
    parts = [
        [sign.upper() for sign in latex_pieces(cell.verdict)],
        text,
        *map(_formula, cell.latex),
        latex_pieces(cell.small),
    ]
    return [part for part in parts if part]


def _formula(latex: str) -> list[str]:
    return [readable(atom) for atom in atoms(latex)]


_NARROW = frozenset("iljtfI.,:;'!|()[]/ ")
_BROAD = frozenset("mwMW@%×≤≥±∞−→λ—")
_CODE = 45.0
"""A sign without a glyph, whose code is printed."""


@lru_cache(maxsize=1 << 14)
def _width(word: str) -> float:
    """Points of a word at 10 pt, about: Computer Modern's digits take 5."""
    return sum(map(_sign, word))


def _sign(sign: str) -> float:
    if sign in _NARROW:
        return 3.6
    if sign in _BROAD:
        return 8.5
    if sign.isupper():
        return 7.4
    return 5.3 if sign.isascii() or ord(sign) < 0x250 or not latex_text(sign).count("U+") else _CODE


def _length(words: list[str]) -> float:
    return sum(map(_width, words)) + 3.4 * max(len(words) - 1, 0)


def _height(row: list[Cell], plan: _Plan) -> int:
    """Lines that a row takes."""
    scale = dict(_SIZES)[plan.size]
    line = _SIDEWAYS if plan.turned else _LINE
    return max(
        (
            sum(1 + int(_length(part) * scale // (share * line)) for part in _parts(cell))
            if share
            else 1
            for cell, share in zip(row, plan.fractions, strict=False)
        ),
        default=1,
    )
