"""The LaTeX of formulas as text that can be read in a terminal: `xₜ = xₜ₋₁ − η m̂ₜ/(√v̂ₜ + ε)`."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["readable"]


@lru_cache(maxsize=4096)
def readable(latex: str) -> str:
    """One formula, as `formulas` and `substituted` print it, as text. What is not of that language
    stays as it is."""
    close = re.sub(r"(?<=[(\[]) | (?=[)\]])", "", _Reader(latex).whole())
    return re.sub(r" {2,}", " ", close).strip()


_TOKEN = re.compile(r"\\(?:begin|end)\{cases\}|\\text\{[^}]*\}|\\[a-zA-Z]+|\\.|\d+(?:\.\d+)?| +|.")
_GREEK = {
    name: unicodedata.lookup(f"GREEK {kind} LETTER {name.upper().replace('LAMBDA', 'LAMDA')}")
    for kind, names in (
        ("SMALL", "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho "
                  "sigma tau upsilon phi chi psi omega"),
        ("CAPITAL", "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"),
    )
    for name in names.split()
}  # fmt: skip
_SIGNS = {
    "cdot": "·", "leq": "≤", "geq": "≥", "neq": "≠", "land": "∧", "lor": "∨", "lnot": "¬",
    "infty": "∞", "partial": "∂", "bmod": "mod", "lVert": "‖", "rVert": "‖", "lfloor": "⌊",
    "rfloor": "⌋", "sum": "Σ", "left": "", "right": "", "exp": "exp", "ln": "ln", "sin": "sin",
    "cos": "cos", "tanh": "tanh", "max": "max", "min": "min", ",": " ", "_": "_", "|": "‖",
}  # fmt: skip
_ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "dot": "\u0307"}
_LOW = dict(zip("0123456789+-aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_HIGH = dict(zip("0123456789+-tni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵗⁿⁱ", strict=True))
# What may follow a fraction without seeming to belong to its denominator.
_AFTER = frozenset("+-})],=<>&")
_AFTER_COMMANDS = (
    r"\right", r"\rVert", r"\rfloor", r"\end", "\\\\", r"\text", r"\leq", r"\geq", r"\neq", r"\land",
    r"\lor", r"\cdot",
)  # fmt: skip


class _Reader:
    """Reads tokens once from left to right; groups in braces are read by calling itself."""

    def __init__(self, latex: str) -> None:
        self.tokens = _TOKEN.findall(latex)
        self.at = 0
        self.first = True
        """Whether nothing of the present group has been read."""

    def whole(self, until: frozenset[str] = frozenset()) -> str:
        out: list[str] = []
        while self.at < len(self.tokens) and self.tokens[self.at] not in until:
            self.first = not any(out)
            if out and self.tokens[self.at] == r"\right":
                out[-1] = out[-1].rstrip()
            out.append(self.piece())
        text = "".join(out)
        return text if "∂" in text else text.replace(" · ", "·")

    def piece(self) -> str:
        token = self.tokens[self.at]
        self.at += 1
        if token == "{":
            return self.rest_of_group()
        if token in ("_", "^"):
            return _shifted(self.argument(), token)
        if token == "-":
            return "−"
        if token == r"\begin{cases}":
            return self.cases()
        if token.startswith(r"\text{"):
            return token[6:-1]
        if not token.startswith("\\"):
            return token
        return self.command(token[1:])

    def command(self, name: str) -> str:
        if name == "frac":
            return self.fraction()
        if name == "sqrt":
            inside = self.argument()
            return f"√{inside}" if re.fullmatch(r"[^\W_]+\.?\w*[\u0300-\u036f]?\w*", inside) else (
                f"√({inside})")  # fmt: skip
        if name in _ACCENTS:
            return unicodedata.normalize("NFC", self.argument() + _ACCENTS[name])
        if name in ("mathrm", "mathit"):
            inside = self.argument()
            if inside == "d":
                self.skip_space()
            return inside
        if name == "left":
            return self.piece() + self.skip_space()
        if name in ("partial", "lnot", "right"):
            self.skip_space()
        return _SIGNS.get(name, _GREEK.get(name, f"\\{name}"))

    def fraction(self) -> str:
        first = self.first
        top, bottom = self.argument(), self.argument()
        if _outside(top, " +", " −", "/") or (top.startswith("−") and not first):
            top = f"({top})"
        if _outside(bottom, " ", "/", "·") or bottom.startswith("−"):
            bottom = f"({bottom})"
        after = next((t for t in self.tokens[self.at :] if t.strip()), "")
        factor = after and after not in _AFTER and not after.startswith(_AFTER_COMMANDS)
        return f"({top}/{bottom})" if factor else f"{top}/{bottom}"

    def cases(self) -> str:
        ends = frozenset(("&", "\\\\", r"\end{cases}"))
        branches, cells = [], []
        while self.at < len(self.tokens):
            cells.append(self.whole(ends).strip())
            token = self.tokens[self.at] if self.at < len(self.tokens) else r"\end{cases}"
            self.at += 1
            if token != "&":
                branches.append(" ".join(cells))
                cells = []
            if token == r"\end{cases}":
                break
        return f"{{{', '.join(branches)}}}"

    def argument(self) -> str:
        self.skip_space()
        if self.at >= len(self.tokens):
            return ""
        if self.tokens[self.at] == "{":
            self.at += 1
            return self.rest_of_group()
        return self.piece()

    def rest_of_group(self) -> str:
        inside = self.whole(frozenset("}"))
        self.at += 1
        return inside

    def skip_space(self) -> str:
        if self.at < len(self.tokens) and not self.tokens[self.at].strip():
            self.at += 1
        return ""


def _shifted(inside: str, sign: str) -> str:
    """A subscript or a power: small letters where there are such, else after the sign."""
    table = _LOW if sign == "_" else _HIGH
    plain = inside.replace("−", "-")
    if plain and all(letter in table for letter in plain):
        return "".join(table[letter] for letter in plain)
    return f"{sign}{inside}" if re.fullmatch(r"\w+", inside) else f"{sign}({inside})"


def _outside(text: str, *signs: str) -> bool:
    """Whether one of `signs` stands outside all parentheses."""
    depth, bare = 0, []
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if depth == 0:
            bare.append(letter)
    return any(sign in "".join(bare) for sign in signs)
