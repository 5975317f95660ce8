"""Text from anywhere, written so that Markdown or LaTeX shows it instead of obeying it.

Nothing else in the project escapes for these two languages; HTML is escaped by Jinja2.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = [
    "latex_math", "latex_pieces", "latex_signs", "latex_text", "markdown_alt", "markdown_math", "markdown_signs",
    "markdown_text", "tame",
]  # fmt: skip


# --- what no reader should obey, whatever the language ---

# Control characters become their pictures; signs that turn the direction of all that follows, and
# halves of pairs that no file can hold, become a mark that something is there.
_TAMED = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n\r\f"}
_TAMED |= dict.fromkeys(
    (*range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), 0xFFFD
)
_TAMED |= dict.fromkeys((*range(0xD800, 0xE000), 0xFFFE, 0xFFFF), 0xFFFD)
_ODD = re.compile(f"[{re.escape(''.join(map(chr, _TAMED)))}]")


def tame(text: object) -> str:
    """Text without what is obeyed rather than shown: control characters, turns of direction."""
    return _ODD.sub(lambda found: chr(_TAMED[ord(found[0])]), str(text))


# --- Markdown ---

_MARKDOWN = {
    "&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "`": "&#96;", "\\": "&#92;",
    "*": r"\*", "_": r"\_", "[": r"\[", "]": r"\]", "~": r"\~",
    # GitHub looks for formulas in the page that Markdown has made, where an escaped dollar is a
    # dollar; its manual says to set one apart by a span. Others look in the source: hence the code.
    "$": "<span>&#36;</span>",
}  # fmt: skip
# What GitHub makes of a text that Markdown lets pass: mentions, numbers of issues and headings, small
# pictures between colons, addresses. A number sign or colon of a code above stands between & and ;.
_GITHUB = (
    (re.compile(r"@(?=\w)"), "<span>@</span>"),
    (re.compile(r"(?<!&)#(?=\d)"), "<span>#</span>"),
    (re.compile(r"(?<!&)#(?![\d<])"), r"\\#"),
    (re.compile(r"(?<=\bGH)-(?=\d)", re.IGNORECASE), "<span>-</span>"),
    (re.compile(r":(?=[a-z+-][a-z0-9_+\\-]*:)"), "<span>:</span>"),
    (re.compile(r"(?<=[A-Za-z]):(?=//)"), "&#58;"),
    (re.compile(r"(?<=\bwww)\.", re.IGNORECASE), "&#46;"),
)
_LIST = re.compile(r"^(?:[-+](?=\s|$|-)|=(?==*$))")
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")


def markdown_signs(text: object) -> str:
    """A piece of a line for Markdown, its spaces as they are: neither Markdown nor what GitHub does
    with a text besides finds anything in it."""
    out = "".join(_MARKDOWN.get(sign, sign) for sign in tame(text))
    for found, shown in _GITHUB:
        out = found.sub(shown, out)
    return out


def markdown_text(text: object) -> str:
    """Text that Markdown shows as it is, in a paragraph, a heading, an item or a cell of a table;
    on one line."""
    line = " ".join(markdown_signs(text).split())
    return _NUMBERED.sub(r"\1\\\2", _LIST.sub(lambda sign: "\\" + sign[0], line))


def markdown_alt(text: object) -> str:
    """The words that stand for a picture: tags would be read out, so there are codes alone."""
    return " ".join(re.sub(r"[&<>|$`\\*_\[\]~!#@\"]", _code, tame(text)).split())


def _code(sign: re.Match[str]) -> str:
    return f"&#{ord(sign[0])};"


# What Markdown would take from a formula before anybody reads it as one, as GitHub does: a backslash
# before a sign, stars, tags. Each has a name in LaTeX that Markdown does not know.
_PLAIN_MATH = {
    r"\|": r"\Vert ", r"\{": r"\lbrace ", r"\}": r"\rbrace ", r"\,": r"\thinspace ",
    r"\:": r"\medspace ", r"\;": r"\thickspace ", r"\!": r"\negthinspace ", r"\\": r"\cr ",
    r"\_": r"\text{-}", r"\%": r"\text{percent}", r"\#": r"\text{No.}", r"\&": r"\text{and}",
    r"\$": r"\text{S}", "$": r"\text{S}", "|": r"\vert ", "*": r"\ast ", "<": r"\lt ", ">": r"\gt ",
    "`": "'", "~": " ", "@": r"\text{at}", "\\ ": r"\enspace ",
}  # fmt: skip
_MATH_TOKEN = re.compile(r"\\(?:[A-Za-z]+|.)|.", re.DOTALL)


def markdown_math(formula: str) -> str:
    r"""LaTeX between dollar signs that means the same before and after Markdown has read it.

    GitHub reads Markdown first and looks for formulas in what is left, where `\,` has lost its
    backslash and two low lines have become emphasis; other readers take formulas out first. GitHub's
    other form, $`...`$, is proof against the first and shows its backticks in most of the others.
    So the formula is written with nothing that Markdown knows: signs by their names, and a low line
    between spaces where it might begin emphasis. A bar would end a cell and is named as well.
    """
    words = (_PLAIN_MATH.get(token, token) for token in _MATH_TOKEN.findall(tame(formula)))
    # A low line between letters begins no emphasis; after any other sign it might.
    spaced = re.sub("(?<=[^A-Za-z0-9])_", " _ ", "".join(words)).replace("](", "] (")
    return f"${' '.join(spaced.split())}$"


# --- LaTeX ---

_GREEK = {
    **{unicodedata.lookup(f"GREEK SMALL LETTER {name.upper()}"): rf"\{name} " for name in (
        "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "mu",
        "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega")},
    "λ": r"\lambda ", "Γ": r"\Gamma ", "Δ": r"\Delta ", "Θ": r"\Theta ", "Λ": r"\Lambda ",
    "Ξ": r"\Xi ", "Π": r"\Pi ", "Σ": r"\Sigma ", "Φ": r"\Phi ", "Ψ": r"\Psi ", "Ω": r"\Omega ",
    "µ": r"\mu ",
}  # fmt: skip
_MATH = {
    **_GREEK,
    "∂": r"\partial ", "∇": r"\nabla ", "−": "-", "·": r"\cdot ", "×": r"\times ", "±": r"\pm ",
    "≤": r"\leq ", "≥": r"\geq ", "≠": r"\neq ", "≈": r"\approx ", "≪": r"\ll ", "≫": r"\gg ",
    "∞": r"\infty ", "→": r"\to ", "←": r"\leftarrow ", "↔": r"\leftrightarrow ",
    "↑": r"\uparrow ", "↓": r"\downarrow ", "⇒": r"\Rightarrow ", "√": r"\surd ", "∑": r"\sum ",
    "∏": r"\prod ", "∈": r"\in ", "∉": r"\notin ", "‖": r"\Vert ", "∝": r"\propto ",
    "∧": r"\wedge ", "∨": r"\vee ", "¬": r"\neg ", "½": r"\tfrac{1}{2} ", "¼": r"\tfrac{1}{4} ",
    "°": r"^{\circ}", "′": "'", "●": r"\bullet ", "○": r"\circ ", "■": r"\rule{1ex}{1ex} ",
    "▲": r"\triangle ", "▼": r"\bigtriangledown ", "◆": r"\diamond ", "★": r"\star ", "✚": "+",
    "✖": r"\times ", "✓": r"\surd ",
}  # fmt: skip
_TEXT = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_\allowbreak{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "[": "{[}", "]": "{]}",
    '"': r"\textquotedbl{}", "`": r"\textasciigrave{}", "'": "'", "–": "--", "—": "---",
    "“": "``", "”": "''", "‘": "`", "’": "'", "…": r"\dots{}", "-": "{-}", "•": r"\textbullet{}",
    "\u00a0": "~", "\u202f": r"\,", "\u2009": r"\,", "§": r"\S{}", "\u200b": "", "\ufeff": "",
}  # fmt: skip
_LETTERS = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿ"
    "ĂăĄąĆćČčĎďĘęĚěĞğİĹĺĽľŁłŃńŇňŐőŒœŔŕŘřŚśŞşŠšŢţŤťŮůŰűŹźŻżŽž"
)
"""Letters that every LaTeX with T1 fonts has."""
_RAISED = str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹ⁿ", "+-0123456789n")
_LOWERED = str.maketrans("₊₋₀₁₂₃₄₅₆₇₈₉", "+-0123456789")
_SCRIPT = re.compile("([⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹ⁿ]+)|([₊₋₀₁₂₃₄₅₆₇₈₉]+)")
_CUT = re.compile(r"([^\u0000-\u024f]|(?<=_))")
_PIECE = 12
"""Signs of a word after which a line may break: one longer than a line has no other place."""


@lru_cache(maxsize=1 << 14)
def latex_text(text: object, every: bool = False) -> str:
    """Text from anywhere as LaTeX that shows it, on one line, in words that can be broken.

    Letters that the fonts of every LaTeX lack lose their marks, and any other sign that they lack is
    named by its code; with `every` both stay, for a document that says which engine has them.
    """
    return " ".join(_word(word, every) for word in _words(tame(text)))


def latex_signs(text: object, every: bool = False) -> str:
    """A piece of a line for LaTeX, its spaces as they are."""
    parts = re.split(r"([ \t\r\n]+)", tame(text))
    return "".join(" " if i % 2 else _word(part, every) for i, part in enumerate(parts))


def latex_pieces(text: object) -> list[str]:
    """The signs of `latex_text` between which a line may break, as they were written."""
    words = _words(tame(text))
    chunks = [word[i : i + _PIECE] for word in words for i in range(0, len(word), _PIECE)]
    return [piece for chunk in chunks for piece in _CUT.split(chunk) if piece]


def _words(text: str) -> list[str]:
    """What stands between spaces. A space that does not break does where its word is long."""
    held = re.split(r"[ \t\r\n\f\v\u2028\u2029]+", text)
    return [
        word for part in held for word in ([part] if len(part) <= _PIECE else part.split()) if word
    ]


def _word(word: str, every: bool) -> str:
    signs: list[str] = []
    at = 0
    for script in _SCRIPT.finditer(word):
        signs += [_sign(sign, every) for sign in word[at : script.start()]]
        high, low = script.groups()
        signs.append(
            f"$^{{{high.translate(_RAISED)}}}$" if high else f"$_{{{low.translate(_LOWERED)}}}$"
        )
        at = script.end()
    signs += [_sign(sign, every) for sign in word[at:]]
    pieces = ["".join(signs[i : i + _PIECE]) for i in range(0, len(signs), _PIECE)]
    return r"\allowbreak{}".join(pieces)


def _sign(sign: str, every: bool) -> str:
    if sign in _TEXT:
        return _TEXT[sign]
    if sign in _MATH:
        return f"${_MATH[sign].strip()}$"
    if (
        (sign.isascii() and sign.isprintable())
        or sign in _LETTERS
        or (every and sign.isprintable())
    ):
        return sign
    parts = unicodedata.normalize("NFKD", sign) if sign.isalpha() else ""  # ¾ is not 34
    bare = "".join(c for c in parts if c.isascii() and c.isalpha())
    return bare or (
        "" if unicodedata.combining(sign) else rf"\texttt{{U+{ord(sign):04X}}}\allowbreak{{}}"
    )


def latex_math(formula: str) -> str:
    """A formula for LaTeX: its letters beyond ASCII by their names."""
    return "".join(
        sign if sign.isascii() else _MATH.get(sign) or rf"\text{{{_sign(sign, False)}}}"
        for sign in formula
    )
