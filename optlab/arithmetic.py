"""Arithmetic as it stands on paper: `(0.9)(0.144) + (0.1)(0.8^2) = 0.1296 + 0.064 = 0.1936`.

Read into small trees of numbers, names and operations that keep every digit as it was written, so
that a number knows how precisely it was meant. Nothing is ever handed to Python to evaluate.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

__all__ = ["Name", "Number", "Operation", "PaperError", "Term", "members_of", "names", "numbers", "read_chain",
           "value_of"]  # fmt: skip

LONGEST = 1_000  # characters of a line, and
DEEPEST = 40  # brackets within brackets; no page has more
MOST_NUMBERS = 40  # a rule has about ten, and a cause is looked for in each
LARGEST_POWER = 400
_HUGE = 10**LARGEST_POWER
_LARGEST_ARGUMENT = 1_000  # of an exponential or a sine; no page has more


class PaperError(ValueError):
    """A line cannot be read; the message says where and what to write."""


@dataclass(frozen=True)
class Number:
    """A number as written: `0.8160` has four decimals and `text` keeps them."""

    text: str
    place: int
    scale: int = 0
    """Power of ten that was written behind it."""

    @property
    def decimal(self) -> Decimal:
        return Decimal(self.text).scaleb(self.scale)

    @property
    def quantum(self) -> Decimal:
        """One unit of the last digit that was written."""
        exponent = Decimal(self.text).as_tuple().exponent
        return Decimal(1).scaleb(int(exponent) + self.scale)

    @property
    def figures(self) -> int:
        """Significant figures: those from the first that is not zero."""
        digits = self.text.lower().split("e")[0].replace(".", "").lstrip("0")
        return len(digits)


@dataclass(frozen=True)
class Name:
    """A symbol, in the spelling of specs: `beta1`, `eps`, `m_hat`."""

    name: str


@dataclass(frozen=True)
class Operation:
    """`what` is one of + - * / ^ or a function's name; `-` with one operand is a sign."""

    what: str
    operands: tuple[Term, ...]


Term = Number | Name | Operation


def members_of(text: str) -> list[str]:
    """The members of a chain of equalities as they were written; what was struck out (`~~0.02~~`) and
    the marks behind a result (`//`) are left out."""
    plain = _STRUCK.sub("", _boxes(text)).strip()
    # A point at the end of a line ends it; one at the beginning is that of `.144`.
    parts = [part.strip().rstrip(" .,;") for part in _EQUALS.split(plain.rstrip(" /,.;"))]
    return [part for part in parts if part]


def read_chain(text: str) -> tuple[Term, ...]:
    """The members of a chain of equalities, at least one. PaperError where it cannot be read."""
    if len(text) > LONGEST:
        raise PaperError(f"a line of {len(text):,} characters; the longest is {LONGEST:,}")
    parts = members_of(text)
    if not parts:
        raise PaperError("nothing is written here")
    chain = tuple(_Reader(part).whole() for part in parts)
    if sum(_leaves(term) for term in chain) > MOST_NUMBERS:
        raise PaperError(f"more than {MOST_NUMBERS} numbers in a line")
    return chain


def _leaves(term: Term) -> int:
    return sum(map(_leaves, term.operands)) if isinstance(term, Operation) else 1


def numbers(term: Term) -> Iterator[Number]:
    """Every number of `term`, from left to right."""
    if isinstance(term, Number):
        yield term
    elif isinstance(term, Operation):
        for operand in term.operands:
            yield from numbers(operand)


def names(term: Term) -> set[str]:
    """Every symbol of `term`."""
    if isinstance(term, Name):
        return {term.name}
    if isinstance(term, Operation):
        return set().union(*(names(operand) for operand in term.operands))
    return set()


def value_of(
    term: Term, number: Callable[[Number], Any], name: Callable[[str], Any], of: dict[str, Any]
) -> Any:
    """`term` evaluated: `number` and `name` give the leaves, `of` the functions by name. Division by
    zero and roots of negative numbers raise ZeroDivisionError and ValueError."""
    if isinstance(term, Number):
        return number(term)
    if isinstance(term, Name):
        return name(term.name)
    values = [value_of(operand, number, name, of) for operand in term.operands]
    for value in values:  # a function of a huge number may take for ever
        if abs(value) > _HUGE:
            raise ValueError("a number out of reach")
    match term.what, values:
        case "+", [a, b]:
            return a + b
        case "-", [a]:
            return -a
        case "-", [a, b]:
            return a - b
        case "*", [a, b]:
            return a * b
        case "/", [a, b]:
            return a / b
        case "^", [a, b]:
            if abs(b) > LARGEST_POWER:
                raise ValueError(f"a power of {b}")
            if a < 0 and b != int(b):
                raise ValueError("a root of a negative number")
            return a ** int(b) if b == int(b) else a**b
    if term.what in ("exp", "sin", "cos", "tanh") and abs(values[0]) > _LARGEST_ARGUMENT:
        raise ValueError(f"{term.what} of a number out of reach")
    return of[term.what](*values)


# Reading

_EQUALS = re.compile(r"\\approx|=|≈|≃")
_STRUCK = re.compile(r"~~.*?~~|\\cancel\{[^{}]*\}")
_BOX = re.compile(r"\\(?:boxed|mathbf|text|mathrm)\{([^{}]*)\}")
_TOKEN = re.compile(
    r"\s+|(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)"
    r"|(?P<name>\\?[A-Za-zα-ωΑ-Ω][A-Za-zα-ωΑ-Ω]*\d*(?:_(?:\{[A-Za-z0-9]+\}|[A-Za-z0-9]+))*)"
    r"|(?P<sign>\*\*|[-+*/^(){}\[\]|,²³√×·÷∗⋅−–!_])"
)
_SIGNS = {"×": "*", "·": "*", "∗": "*", "⋅": "*", "÷": "/", "−": "-", "–": "-", "**": "^",
          "[": "(", "]": ")"}  # fmt: skip
_WORDS = {r"\cdot": "*", r"\times": "*", r"\div": "/", r"\left": "", r"\right": "", "x": "*",
          r"\,": "", r"\sqrt": "√"}  # fmt: skip
_FUNCTIONS = {"sqrt": 1, "max": 2, "min": 2, "relu": 1, "abs": 1, "exp": 1, "ln": 1, "log": 1,
              "tanh": 1, "sin": 1, "cos": 1}  # fmt: skip
_GREEK = {"α": "alpha", "β": "beta", "γ": "gamma", "ε": "eps", "η": "eta", "ϵ": "eps", "λ": "lambda",
          "μ": "mu", "ρ": "rho", "epsilon": "eps", "varepsilon": "eps"}  # fmt: skip


def _boxes(text: str) -> str:
    while (plain := _BOX.sub(r"\1", text)) != text:
        text = plain
    return text


def _spelled(name: str) -> str:
    """A symbol in the spelling of specs: `\\beta_{1}` and `β1` are `beta1`."""
    plain = name.replace("\\", "").replace("{", "").replace("}", "")
    for sign, word in _GREEK.items():
        plain = re.sub(rf"{sign}(?![a-z])", word, plain)
    return re.sub(r"^(beta)_(\d)", r"\1\2", plain)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    place: int


class _Reader:
    """One member, by recursive descent: sum, product, power, atom."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_tokens(text))
        self.at = 0
        self.depth = 0
        self.bars = 0
        self.roots = 0

    def whole(self) -> Term:
        term = self.sum()
        if self.next is not None:
            raise self.wrong(f"{self.next.text!r} is not expected here")
        return term

    @property
    def next(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def wrong(self, reason: str) -> PaperError:
        return PaperError(f"cannot read {self.text!r}: {reason}")

    def take(self, *texts: str) -> bool:
        if self.next is not None and self.next.kind == "sign" and self.next.text in texts:
            self.at += 1
            return True
        return False

    def need(self, text: str) -> None:
        if not self.take(text):
            raise self.wrong(f"a {text!r} is missing")

    def sum(self) -> Term:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong("too many brackets within brackets")
        term = self.product()
        while self.next is not None and self.next.text in "+-" and self.next.kind == "sign":
            what = self.next.text
            self.at += 1
            term = Operation(what, (term, self.product()))
        self.depth -= 1
        return term

    def product(self) -> Term:
        term = self.signed()
        while True:
            if self.take("*"):
                term = _scaled(term, self.signed())
            elif self.take("/"):
                term = Operation("/", (term, self.signed()))
            elif self.begins_a_factor():
                term = _scaled(term, self.power())
            else:
                return term

    def begins_a_factor(self) -> bool:
        """Whether a factor follows without a sign between, as in `(0.9)(0.144)`."""
        if self.next is None:
            return False
        if self.next.kind == "sign":
            return self.next.text in "({√" or (self.next.text == "|" and self.bars == 0)
        return self.next.kind == "name" or self.tokens[self.at - 1].text in ")}"

    def signed(self) -> Term:
        minus = False
        while self.next is not None and self.next.kind == "sign" and self.next.text in "+-":
            minus ^= self.next.text == "-"
            self.at += 1
        term = self.power()
        return Operation("-", (term,)) if minus else term

    def power(self) -> Term:
        term = self.atom()
        while True:
            if self.take("^"):
                term = Operation("^", (term, self.signed()))
            elif self.take("²"):
                term = Operation("^", (term, Number("2", 0)))
            elif self.take("³"):
                term = Operation("^", (term, Number("3", 0)))
            else:
                return term

    def atom(self) -> Term:
        self.roots += 1  # a root of a root, and so on
        if self.roots > LONGEST // 4:
            raise self.wrong("too many parts")
        token = self.next
        if token is None:
            raise self.wrong("it ends in the middle")
        self.at += 1
        if token.kind == "number":
            if abs(int(token.text.lower().partition("e")[2] or 0)) > LARGEST_POWER:
                raise self.wrong(f"{token.text} is out of reach")
            return Number(token.text, token.place)
        if token.kind == "name":
            return self.named(token)
        if token.text in "({":
            term = self.sum()
            self.need(")" if token.text == "(" else "}")
            return term
        if token.text == "√":
            return Operation("sqrt", (self.atom(),))
        if token.text == "|":
            self.bars += 1
            term = self.sum()
            self.bars -= 1
            self.need("|")
            return Operation("abs", (term,))
        raise self.wrong(f"{token.text!r} is not expected here")

    def named(self, token: _Token) -> Term:
        plain = token.text.removeprefix("\\")
        if plain in ("frac", "dfrac", "tfrac"):
            return Operation("/", (self.atom(), self.atom()))
        function = plain.lower()
        if function not in _FUNCTIONS:
            return Name(_spelled(plain))
        if function == "sqrt" and not self.take("("):
            return Operation("sqrt", (self.atom(),))
        if function != "sqrt":
            self.need("(")
        operands = [self.sum()]
        while self.take(","):
            operands.append(self.sum())
        self.need(")")
        if len(operands) != _FUNCTIONS[function]:
            raise self.wrong(f"{plain} takes {_FUNCTIONS[function]}, not {len(operands)}")
        return Operation(function, tuple(operands))


def _tokens(text: str) -> Iterator[_Token]:
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise PaperError(f"cannot read {text!r}: {text[place]!r} is not expected here")
        kind, found = match.lastgroup, match.group()
        word = _WORDS.get(found)
        if kind == "sign":
            yield _Token("sign", _SIGNS.get(found, found), place)
        elif kind == "name" and word is not None:
            if word:
                yield _Token("sign", word, place)
        elif kind is not None:
            yield _Token(kind, found, place)
        place = match.end()


def _scaled(left: Term, right: Term) -> Term:
    """A product; a number times a power of ten is one number, so that it keeps its precision."""
    match left, right:
        case Number(), Operation("^", (Number(text="10"), power)):
            exponent = _whole(power)
            if exponent is not None and abs(left.scale + exponent) <= LARGEST_POWER:
                return Number(left.text, left.place, left.scale + exponent)
        case Operation("-", (Number() as inner,)), Operation("^", (Number(text="10"), _)):
            return Operation("-", (_scaled(inner, right),))
    return Operation("*", (left, right))


def _whole(term: Term) -> int | None:
    if isinstance(term, Number) and term.text.isdigit() and len(term.text) <= 3:
        return int(term.text)
    if isinstance(term, Operation) and term.what == "-" and len(term.operands) == 1:
        inner = _whole(term.operands[0])
        return None if inner is None else -inner
    return None
