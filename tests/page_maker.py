"""A careful student who works optimizers on paper: pages for the checker, made without it.

The formulas, the arithmetic (decimals of 50 digits), the rounding and the way of writing are the
student's own; nothing here comes from the package. A page is planned first (`Plan`: what is given,
and the habits of the hand), then worked (`work`): line by line, each from what the student has in
the calculator or from what stands above on the paper. What goes wrong on a page is in `page_slips`.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import Any

CONTEXT = decimal.Context(prec=50, traps=[decimal.DivisionByZero, decimal.InvalidOperation])
ROUNDING = {
    "half up": decimal.ROUND_HALF_UP,
    "half even": decimal.ROUND_HALF_EVEN,
    "cut": decimal.ROUND_DOWN,
}
ZERO, ONE, TWO = Decimal(0), Decimal(1), Decimal(2)

Key = tuple[int, str, str | None]
"""A place on the page: step, line, parameter (None for a line that all parameters share)."""


# Formulas: a tree is a leaf, a number (a `Decimal` or a `Num`), or (operation, tree, tree)


@dataclass(frozen=True)
class Leaf:
    """A letter of a formula: a setting, the gradient `g`, the step `t`, or a line's value.

    `back` counts steps back, `of` is another parameter than the line's own, `copied` is how its number
    is copied wrongly."""

    name: str
    back: int = 0
    of: str | None = None
    copied: Callable[[str], str] | None = None


@dataclass(frozen=True)
class Num:
    """A number on paper: what the student computes with, and what stands there."""

    used: Decimal
    text: str


Tree = Leaf | Decimal | Num | tuple


def _old(name: str) -> Leaf:
    return Leaf(name, back=1)


def _mean(state: str, beta: str, new: Tree) -> Tree:
    rest = ("-", ONE, Leaf(beta))
    return ("+", ("*", Leaf(beta), _old(state)), ("*", rest, new))


def _unbiased(state: str, beta: str) -> Tree:
    return ("/", Leaf(state), ("-", ONE, ("^", Leaf(beta), Leaf("t"))))


G, LR, EPS = Leaf("g"), Leaf("lr"), Leaf("eps")
SQUARE = ("^", G, TWO)
_V = ("*", Leaf("beta"), _old("v"))
_MOMENTS = {"m": _mean("m", "beta1", G), "v": _mean("v", "beta2", SQUARE)}


def _down(step: Tree) -> Tree:
    return ("-", _old("x"), step)


FORMULAS: dict[str, dict[str, Tree]] = {
    "sgd": {"x": _down(("*", LR, G))},
    "momentum": {"v": ("+", _V, ("*", LR, G)), "x": _down(Leaf("v"))},
    "momentum_pytorch": {"v": ("+", _V, G), "x": _down(("*", LR, Leaf("v")))},
    "nesterov": {
        "v": ("+", _V, G),
        "x": _down(("*", LR, ("+", G, ("*", Leaf("beta"), Leaf("v"))))),
    },
    "rmsprop": {
        "s": _mean("s", "beta", SQUARE),
        "x": _down(("/", ("*", LR, G), ("√", ("+", Leaf("s"), EPS)))),
    },
    "rmsprop_pytorch": {
        "s": _mean("s", "beta", SQUARE),
        "x": _down(("/", ("*", LR, G), ("+", ("√", Leaf("s")), EPS))),
    },
    "adam": {
        **_MOMENTS,
        "m_hat": _unbiased("m", "beta1"),
        "v_hat": _unbiased("v", "beta2"),
        "x": _down(("/", ("*", LR, Leaf("m_hat")), ("+", ("√", Leaf("v_hat")), EPS))),
    },
    "adam_eps_hat": {
        **_MOMENTS,
        "lr_t": (
            "/",
            ("*", LR, ("√", ("-", ONE, ("^", Leaf("beta2"), Leaf("t"))))),
            ("-", ONE, ("^", Leaf("beta1"), Leaf("t"))),
        ),
        "x": _down(("/", ("*", Leaf("lr_t"), Leaf("m")), ("+", ("√", Leaf("v")), EPS))),
    },
}
SETTINGS = {
    "sgd": ["lr"],
    "momentum": ["lr", "beta"],
    "momentum_pytorch": ["lr", "beta"],
    "nesterov": ["lr", "beta"],
    "rmsprop": ["lr", "beta", "eps"],
    "rmsprop_pytorch": ["lr", "beta", "eps"],
    "adam": ["lr", "beta1", "beta2", "eps"],
    "adam_eps_hat": ["lr", "beta1", "beta2", "eps"],
}
SHARED = {"lr_t"}
PARTS = ["square", "root", "denominator", "numerator", "increment"]  # inner ones first


def parts_of(rule: str) -> dict[str, tuple[str, Tree]]:
    """The parts that a student may write by themselves: the line each belongs to, and its tree."""
    formulas = FORMULAS[rule]
    found: dict[str, tuple[str, Tree]] = {}
    for line, tree in formulas.items():
        if put(tree, SQUARE, ONE) != tree:
            found["square"] = (line, SQUARE)
    step = formulas["x"][2]
    if isinstance(step, tuple):
        found["increment"] = ("x", step)
        if step[0] == "/":
            found["numerator"] = ("x", step[1])
            inside = step[2]
            if inside[0] == "√":
                found["root"] = ("x", inside)
            else:
                found["root"], found["denominator"] = ("x", inside[1]), ("x", inside)
    return found


def put(tree: Tree, part: Tree, into: Tree) -> Tree:
    """`tree` with every occurrence of `part` replaced by `into`."""
    if tree == part:
        return into
    if isinstance(tree, tuple):
        return (tree[0], *(put(branch, part, into) for branch in tree[1:]))
    return tree


def sheet(rule: str, parts: list[str]) -> dict[str, Tree]:
    """The lines of one step in their order, with the chosen parts as lines of their own."""
    known = parts_of(rule)
    lines: dict[str, Tree] = {}
    for line, whole in FORMULAS[rule].items():
        tree, own = whole, {}
        for part in PARTS:
            if part not in parts or known[part][0] != line:
                continue
            piece = known[part][1]
            for earlier in own:
                piece = put(piece, own[earlier], Leaf(earlier))
            own[part] = piece
            tree = put(tree, piece, Leaf(part))
        lines |= own | {line: tree}
    return lines


def value_of(tree: Tree, number: Callable[[Leaf], Decimal] | None = None) -> Decimal:
    """What a tree is worth; `number` gives the leaves. `decimal.InvalidOperation` (or its kin)
    where there is no such number."""
    if isinstance(tree, Decimal):
        return tree
    if isinstance(tree, Num):
        return tree.used
    if isinstance(tree, Leaf):
        assert number is not None, f"{tree} stands in numbers"
        return number(tree)
    operation, *branches = tree
    a, *rest = (value_of(branch, number) for branch in branches)
    match operation:
        case "+":
            return CONTEXT.add(a, rest[0])
        case "-":
            return CONTEXT.subtract(a, rest[0])
        case "*":
            return CONTEXT.multiply(a, rest[0])
        case "/":
            return CONTEXT.divide(a, rest[0])
        case "^":
            return CONTEXT.power(a, rest[0])
        case "√":
            return CONTEXT.sqrt(a)
    raise AssertionError(operation)


# What is given, and the hand that writes


@dataclass(frozen=True)
class Hand:
    """A student's habits."""

    digits: int = 4
    counting: str = "decimals"  # or "significant"
    rounding: str = "half up"
    carried: bool = False  # from what stands above, or from what the calculator still has
    zeros: bool = False  # 0.6200
    form: str = "values"  # or "chains", "mixed"
    product: str = "implicit"  # or "half", "×", "·", "*", "latex"
    power: str = "^"  # or "²", "**"
    root: str = "√"  # or "sqrt"
    minus: str = "-"  # or "−"
    fraction: str = "/"  # or "÷", "frac"
    small: str = "1e-8"  # or "10^-8", "1 × 10^-8": how eps and small values are written
    scientific: bool = False  # whether small values are written so
    settings: str = "numbers"  # or "names"
    signs: bool = True  # 0.5 - 0.1(-1.2) becomes 0.5 + 0.1(1.2)
    squares: str = "signed"  # (-0.8)^2, or "bare": 0.8^2
    nested: bool = False  # the block is nested by optimizer and step
    by_parameter: bool = False  # a parameter from top to bottom, then the next


@dataclass(frozen=True)
class Plan:
    """One page to be: what is given, and how it is written. `seed` settles the small choices."""

    rule: str
    settings: Mapping[str, Decimal]
    start: Mapping[str, Decimal]
    gradients: Mapping[str, tuple[Decimal, ...]]
    hand: Hand
    parts: tuple[str, ...] = ()
    left_out: frozenset[Key] = frozenset()
    seed: int = 0

    @property
    def names(self) -> list[str]:
        return list(self.start)

    @property
    def steps(self) -> int:
        return len(next(iter(self.gradients.values())))

    def lines(self) -> dict[str, Tree]:
        lines = {"g": G} if "gradient" in self.parts else {}
        return lines | sheet(self.rule, list(self.parts))

    def places(self) -> list[Key]:
        """Every place of the page from top to bottom."""
        lines = self.lines()
        found: list[Key] = []
        for t in range(1, self.steps + 1):
            whole = [(t, line, None) for line in lines if line in SHARED]
            own = [line for line in lines if line not in SHARED]
            if self.hand.by_parameter:
                found += whole + [(t, line, name) for name in self.names for line in own]
            else:
                for line in lines:
                    found += [
                        (t, line, name) for name in ([None] if line in SHARED else self.names)
                    ]
        return found


@dataclass(frozen=True)
class Entry:
    """One line as it stands on the page."""

    key: Key
    text: str  # the whole chain
    value: str  # its last member
    used: Decimal  # what the student goes on with
    shown: str  # what later lines copy: the value, but for a slip of the pen
    sources: frozenset[Key]  # the lines that it was computed from
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Slip:
    """What goes wrong at one place: another tree, or another number written in the end.

    `late` are the chain's first members that are still right (-1: all but the last). Not `carried`:
    it is a slip of the pen, and the student goes on with the right number."""

    kind: str
    cause: str | None  # of the list, None for kinds outside it
    tree: Tree | None = None
    rewrite: Callable[[str], str] | None = None
    late: int = 0
    carried: bool = True
    note: str = ""


@dataclass
class Page:
    """A worked page: its entries by place, in the order in which they stand."""

    plan: Plan
    entries: dict[Key, Entry] = field(default_factory=dict)
    unwritten: dict[Key, Entry] = field(default_factory=dict)
    slips: dict[Key, Slip] = field(default_factory=dict)

    def at(self, key: Key) -> Entry:
        return self.entries[key] if key in self.entries else self.unwritten[key]


# Numbers on paper


def plain(value: Decimal) -> str:
    """A given number in full: 0.1, -1.2, 3."""
    text = format(value.normalize(CONTEXT), "f")
    return text if value else "0"


def _small(value: Decimal, how: str) -> str:
    """A small number as a power of ten: 1e-8, 10^-8, 1.5 × 10^-8."""
    sign, digits, exponent = value.normalize(CONTEXT).as_tuple()
    mantissa = str(digits[0]) + ("." + "".join(map(str, digits[1:])) if digits[1:] else "")
    exponent = int(exponent) + len(digits) - 1
    head = "-" * sign
    if how == "1e-8":
        return f"{head}{mantissa}e{exponent}"
    if how == "10^-8" and mantissa == "1":
        return f"{head}10^{exponent}"
    return f"{head}{mantissa} × 10^{exponent}"


def rounded(value: Decimal, hand: Hand) -> Decimal:
    """`value` at the digits of this hand."""
    value = value.normalize(decimal.Context(prec=30))  # 0.0999...9 of a division is a tenth
    if hand.counting == "decimals" or not value:
        place = -hand.digits
    else:
        place = value.adjusted() + 1 - hand.digits
    return value.quantize(Decimal(1).scaleb(place), ROUNDING[hand.rounding], CONTEXT)


def written(value: Decimal, hand: Hand) -> str:
    """`value` as this hand writes it."""
    short = rounded(value, hand)
    if not short:
        return "0"
    if hand.scientific and abs(short) < Decimal("0.001"):
        return _small(short, hand.small)
    text = format(short, "f")
    if not hand.zeros and "." in text:
        text = text.rstrip("0").rstrip(".")
    return text


def read_back(text: str) -> Decimal:
    """The number that stands on the paper, of those that `written` and `plain` write."""
    text = text.replace("−", "-").replace(" ", "")
    if "×10^" in text:
        mantissa, _, exponent = text.partition("×10^")
        return Decimal(mantissa).scaleb(int(exponent))
    if text.lstrip("-").startswith("10^"):
        sign, _, exponent = text.partition("10^")
        return Decimal(f"{sign}1").scaleb(int(exponent))
    return Decimal(text)


def unit(text: str) -> Decimal:
    """One unit of the last digit that stands on the paper."""
    text = text.replace("−", "-").replace(" ", "")
    if "×10^" in text:
        mantissa, _, exponent = text.partition("×10^")
        return unit(mantissa).scaleb(int(exponent))
    if text.lstrip("-").startswith("10^"):
        return abs(read_back(text))
    return Decimal(1).scaleb(int(Decimal(text).as_tuple().exponent))


# Arithmetic on paper


PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 3, "√": 4}


def _negative(tree: Tree) -> bool:
    return isinstance(tree, Num) and tree.text.startswith("-") and tree.used <= 0


def _flip(tree: Num) -> Num:
    return Num(-tree.used, tree.text[1:])


class Writer:
    """Writes trees of numbers in one student's notation."""

    def __init__(self, hand: Hand, rng: Random) -> None:
        self.hand, self.rng = hand, rng

    def __call__(self, tree: Tree) -> str:
        text = self._write(tree)
        if self.hand.minus == "−":
            text = text.replace("e-", "e\0").replace("-", "−").replace("\0", "-")
        return text

    def _write(self, tree: Tree) -> str:
        if isinstance(tree, Num):
            return tree.text
        if isinstance(tree, Decimal):
            return plain(tree)
        operation, *branches = tree
        if operation in "+-":
            return self._sum(operation, *branches)
        if operation == "*":
            return self._product(self._factors(tree))
        if operation == "/":
            return self._fraction(*branches)
        if operation == "^":
            return self._power(*branches)
        return self._root(branches[0])

    def _sum(self, operation: str, a: Tree, b: Tree) -> str:
        left = self._write(a)
        if self.hand.signs:
            turned = self._without_sign(b)
            if turned is not None:
                operation, b = "-" if operation == "+" else "+", turned
        right = self._write(b)
        if _rank(b) == 1 or right.startswith("-"):
            right = f"({right})"
        return f"{left} {operation} {right}"

    def _without_sign(self, tree: Tree) -> Tree | None:
        """`tree` times -1, where that only takes one minus away."""
        if _negative(tree):
            return _flip(tree)
        if isinstance(tree, tuple) and tree[0] in "*/":
            for place in (1, 2) if tree[0] == "*" else (1,):
                turned = self._without_sign(tree[place])
                if turned is not None:
                    return (*tree[:place], turned, *tree[place + 1 :])
        return None

    def _factors(self, tree: Tree) -> list[Tree]:
        if isinstance(tree, tuple) and tree[0] == "*":
            return self._factors(tree[1]) + self._factors(tree[2])
        return [tree]

    def _product(self, factors: list[Tree]) -> str:
        how = self.hand.product
        if how in ("implicit", "half") and any(isinstance(f, Num) and _wordy(f) for f in factors):
            how = "×"  # beta(0.144) would be a function
        if how == "implicit":
            return "".join(self._bracketed(factor) for factor in factors)
        if how == "half":
            first = self._write(factors[0])
            bare = not first.startswith("-") and not isinstance(factors[0], tuple)
            head = first if bare else self._bracketed(factors[0])
            return head + "".join(self._bracketed(factor) for factor in factors[1:])
        sign = {"latex": r" \cdot ", "*": "*"}.get(how, f" {how} ")
        return sign.join(self._factor(factor) for factor in factors)

    def _bracketed(self, factor: Tree) -> str:
        if isinstance(factor, tuple) and factor[0] == "^" and self.rng.random() < 0.6:
            return self._power(*factor[1:], bracket=True)
        if isinstance(factor, tuple) and factor[0] == "√":
            return self._write(factor)
        return f"({self._write(factor)})"

    def _factor(self, factor: Tree) -> str:
        text = self._write(factor)
        loose = _rank(factor) <= 2 or text.startswith("-") or " " in text or "10^" in text
        return f"({text})" if loose else text

    def _fraction(self, a: Tree, b: Tree) -> str:
        if self.hand.fraction == "frac" and self.hand.product == "latex":
            return rf"\frac{{{self._write(a)}}}{{{self._write(b)}}}"
        top = self._write(a)
        if _rank(a) == 1 or (_rank(a) == 2 and a[0] == "/"):
            top = f"({top})"
        below = self._write(b)
        if _rank(b) <= 2 or below.startswith("-") or " " in below or "10^" in below:
            below = f"({below})" if not below.startswith(("√(", "sqrt(")) or _rank(b) < 4 else below
        sign = "÷" if self.hand.fraction == "÷" else self.rng.choice(["/", " / "])
        return f"{top}{sign if sign != '÷' else ' ÷ '}{below}"

    def _power(self, base: Tree, exponent: Tree, bracket: bool = False) -> str:
        power = int(value_of(exponent))
        if self.hand.squares == "bare" and power == 2 and _negative(base):
            base = _flip(base)
        inner = self._write(base)
        if bracket or isinstance(base, tuple) or inner.startswith("-") or "10^" in inner:
            inner = f"({inner})"
        if self.hand.power == "²" and power in (2, 3):
            return inner + "²³"[power - 2]
        return f"{inner}{'**' if self.hand.power == '**' else '^'}{power}"

    def _root(self, inside: Tree) -> str:
        text = self._write(inside)
        if self.hand.product == "latex":
            return rf"\sqrt{{{text}}}"
        if self.hand.root == "sqrt":
            return f"sqrt({text})"
        bare = isinstance(inside, Num) and text.replace(".", "").isdigit()
        return f"√{text}" if bare and self.rng.random() < 0.5 else f"√({text})"


def _rank(tree: Tree) -> int:
    return PRECEDENCE[tree[0]] if isinstance(tree, tuple) else 5


def _wordy(number: Num) -> bool:
    return number.text.isidentifier()


# Working a page


def work(plan: Plan, slips: Mapping[Key, Slip] | None = None) -> Page:
    """The page of this plan, with these slips in it. `decimal.InvalidOperation` or
    `decimal.DivisionByZero` where a slip leaves no number to write."""
    page = Page(plan, slips=dict(slips or {}))
    lines = plan.lines()
    done: dict[Key, Entry] = {}
    order = plan.places()
    for key in sorted(order, key=lambda key: key[0]):
        done[key] = _entry(page, done, key, lines[key[1]])
    for key in order:
        kept = page.unwritten if key in plan.left_out else page.entries
        kept[key] = done[key]
    return page


def place_of(plan: Plan, leaf: Leaf, key: Key) -> Key | None:
    """The line whose value `leaf` is in the line at `key`; None for what is given."""
    t, line, parameter = key
    name = None if leaf.name in SHARED else (leaf.of or parameter)
    place = (t - leaf.back, leaf.name, name)
    if place[0] < 1 or (leaf.name == "g" and line == "g"):
        return None
    return place if leaf.name in plan.lines() else None


def given(plan: Plan, leaf: Leaf, key: Key) -> Decimal:
    """The value of a leaf that no line of the page gives."""
    t, _, parameter = key
    name = leaf.of or parameter
    if leaf.name in plan.settings:
        return plan.settings[leaf.name]
    if leaf.name == "t":
        return Decimal(t - leaf.back)
    if leaf.name == "g":
        return plan.gradients[name][t - 1 - leaf.back]
    assert t - leaf.back <= 0, f"{leaf} at {key}"
    return plan.start[name] if leaf.name == "x" else ZERO


def numbers(plan: Plan, done: Mapping[Key, Entry], tree: Tree, key: Key) -> Tree:
    """`tree` with its numbers put in, as the student has and shows them."""
    hand = plan.hand
    if isinstance(tree, tuple):
        return (tree[0], *(numbers(plan, done, branch, key) for branch in tree[1:]))
    if isinstance(tree, Decimal):
        return Num(tree, plain(tree))
    if isinstance(tree, Num):
        return tree
    if tree.copied is not None:
        seen = numbers(plan, done, replace(tree, copied=None), key)
        assert isinstance(seen, Num)
        text = tree.copied(plain(seen.used) if seen.text == tree.name else seen.text)
        return Num(read_back(text), text)
    place = place_of(plan, tree, key)
    if place is not None:
        return Num(done[place].used, done[place].shown)
    value = given(plan, tree, key)
    if tree.name in plan.settings and hand.settings == "names":
        return Num(value, tree.name)
    if tree.name == "eps" and ZERO < value < Decimal("0.001"):
        return Num(value, _small(value, hand.small))
    return Num(value, plain(value))


def sources(plan: Plan, tree: Tree, key: Key) -> set[Key]:
    """The lines that `tree` takes its numbers from."""
    if isinstance(tree, tuple):
        return {place for branch in tree[1:] for place in sources(plan, branch, key)}
    place = place_of(plan, tree, key) if isinstance(tree, Leaf) else None
    return set() if place is None else {place}


def _entry(page: Page, done: Mapping[Key, Entry], key: Key, right: Tree) -> Entry:
    plan, slip = page.plan, page.slips.get(key)
    wrong = right if slip is None or slip.tree is None else slip.tree
    writer = Writer(plan.hand, Random(f"{plan.seed} {key}"))
    trees = [numbers(plan, done, tree, key) for tree in (right, wrong)]
    late = 0 if slip is None else slip.late
    if key in plan.left_out:
        exact = value_of(trees[1])
        text = written(exact, plan.hand)
        return Entry(key, "", text, exact, text, frozenset(sources(plan, wrong, key)))
    members, used = _chain(trees[0], trees[1], late, plan.hand, writer)
    value = shown = members[-1]
    if slip is not None and slip.rewrite is not None:
        value = shown = slip.rewrite(value)
        members, used = [*members[:-1], value], read_back(value)
    if slip is not None and not slip.carried:
        again = Writer(plan.hand, Random(f"{plan.seed} {key}"))
        honest, used = _chain(trees[0], trees[0], 0, plan.hand, again)
        shown = honest[-1]
    text = " = ".join(writer_minus(member, plan.hand) for member in members)
    found = frozenset(sources(plan, wrong, key))
    return Entry(key, text, value, used, shown, found, tuple(members))


def writer_minus(text: str, hand: Hand) -> str:
    """A finished member with this hand's minus sign."""
    if hand.minus == "−":
        text = text.replace("e-", "e\0").replace("-", "−").replace("\0", "-")
    return text


def _chain(
    right: Tree, wrong: Tree, late: int, hand: Hand, writer: Writer
) -> tuple[list[str], Decimal]:
    """The members of a line and what the student goes on with. The first `late` members are those
    of the right tree."""
    if hand.form == "mixed":
        shape = writer.rng.choice(["value", "two", "three", "short", "roots"])
    else:
        shape = "value" if hand.form == "values" else writer.rng.choice(["two", "three", "roots"])
    if late and shape in ("value", "short"):
        shape = "three" if late > 1 else "two"
    stages = _stages(wrong, shape, hand)
    shown = [writer(stage) for stage in stages]
    if late and shown:
        first = [writer(stage) for stage in _stages(right, shape, hand)]
        keep = min(late, len(first), len(shown))
        shown = first[:keep] + shown[keep:]
    last = stages[-1] if stages and hand.carried else wrong
    exact = value_of(last)
    result = written(exact, hand)
    if isinstance(wrong, Num):
        shown = []
        if wrong.used == read_back(wrong.text):
            result, exact = wrong.text, wrong.used
    members = [*shown, result]
    members = [m for m, before in zip(members, [None, *members], strict=False) if m != before]
    return members, read_back(result) if hand.carried else exact


def _stages(tree: Tree, shape: str, hand: Hand) -> list[Tree]:
    """The members before the result, each a tree of numbers. A hand that carries computes the
    next one from the numbers that it has written."""
    if shape == "value" or not isinstance(tree, tuple):
        return []
    full = _without_zero_terms(tree)
    steps = [] if shape == "short" else [full]
    if shape == "roots":
        rooted = _evaluate_roots(full, hand)
        steps += [rooted] if rooted not in (full, None) else []
        full = rooted or full
    if shape in ("three", "short", "roots"):
        reduced = _reduce(full, hand)
        steps += [reduced] if reduced not in (full, None) and isinstance(reduced, tuple) else []
    return steps


def _without_zero_terms(tree: Tree) -> Tree:
    if isinstance(tree, tuple) and tree[0] == "+" and isinstance(tree[1], tuple):
        branch = tree[1]
        zero = branch[0] == "*" and any(isinstance(b, Num) and not b.used for b in branch[1:])
        if zero and isinstance(tree[2], tuple):
            return tree[2]
    return tree


def _short(tree: Tree, hand: Hand) -> Num | None:
    """A branch worked out; None where this hand's digits would not do."""
    value = value_of(tree)
    text = written(value, hand)
    if not is_clear(value, hand):
        return None
    return Num(read_back(text) if hand.carried else value, text)


def _evaluate_roots(tree: Tree, hand: Hand) -> Tree | None:
    if not isinstance(tree, tuple):
        return tree
    if tree[0] == "√":
        return _short(tree, hand)
    inner = [_evaluate_roots(branch, hand) for branch in tree[1:]]
    return None if None in inner else (tree[0], *inner)


def _reduce(tree: Tree, hand: Hand) -> Tree | None:
    """The outermost operation, with each of its sides worked out."""
    if not isinstance(tree, tuple):
        return tree
    sides = [_short(branch, hand) if isinstance(branch, tuple) else branch for branch in tree[1:]]
    return None if None in sides else (tree[0], *sides)


# Pages


PARAMETERS = [
    ["w"], ["w1"], ["x"], ["w", "b"], ["w1", "b1"], ["x1", "x2"], ["a", "b"], ["w1", "w2", "b"],
    ["a", "b", "c"], ["w1", "b1", "w2", "b2"], ["theta1", "theta2"], ["p", "q", "r"],
]  # fmt: skip
RATES = ["0.1", "0.1", "0.01", "0.05", "0.2", "0.5", "0.02", "0.3", "0.25"]
DECAYS = ["0.9", "0.9", "0.8", "0.5", "0.95", "0.6", "0.7"]
SLOW_DECAYS = ["0.99", "0.999", "0.9", "0.95", "0.98", "0.8"]
TINY = ["1e-8", "1e-8", "1e-7", "1e-10", "1e-6"]
LARGE = ["0.1", "0.5", "0.05", "1", "0.2"]


def make_plan(rng: Random, rules: list[str] | None = None, large_eps: bool | None = None) -> Plan:
    """A page with nice numbers and some hand, whose values keep three significant digits."""
    while True:
        plan = _draw(rng, rules, large_eps)
        if _legible(plan):
            return plan


def _draw(rng: Random, rules: list[str] | None, large_eps: bool | None) -> Plan:
    rule = rng.choice(rules or list(FORMULAS))
    names = rng.choice(PARAMETERS)
    steps = rng.choice([2, 2, 3])
    if large_eps is None:
        large_eps = rng.random() < 0.25
    pools = {
        "lr": RATES, "beta": DECAYS, "beta1": DECAYS, "beta2": SLOW_DECAYS,
        "eps": LARGE if large_eps else TINY,
    }  # fmt: skip
    settings = {name: Decimal(rng.choice(pools[name])) for name in SETTINGS[rule]}
    gradients = {name: tuple(_nice(rng) for _ in range(steps)) for name in names}
    start = {name: rng.choice([ZERO, _nice(rng), _nice(rng)]) for name in names}
    plan = Plan(rule, settings, start, gradients, draw_hand(rng), seed=rng.randrange(10**9))
    parts = tuple(p for p in PARTS if p in parts_of(rule) and rng.random() < 0.25)
    parts += ("gradient",) if rng.random() < 0.1 else ()
    plan = replace(plan, parts=parts)
    if rng.random() < 0.25:
        final = {"x"} if "increment" not in plan.parts else {"x", "increment"}
        gone = [key for key in plan.places() if key[1] not in final and rng.random() < 0.2]
        plan = replace(plan, left_out=frozenset(gone))
    return plan


def draw_hand(rng: Random) -> Hand:
    return Hand(
        digits=rng.choice([3, 4, 4, 5, 6]),
        counting=rng.choice(["decimals", "significant"]),
        rounding=rng.choice(["half up", "half up", "half even", "cut"]),
        carried=rng.random() < 0.5,
        zeros=rng.random() < 0.3,
        form=rng.choice(["values", "chains", "mixed"]),
        product=rng.choice(["implicit", "implicit", "half", "half", "×", "·", "*", "latex"]),
        power=rng.choice(["^", "^", "²", "**"]),
        root=rng.choice(["√", "sqrt"]),
        minus=rng.choice(["-", "-", "-", "−"]),
        fraction=rng.choice(["/", "/", "÷", "frac"]),
        small=rng.choice(["1e-8", "10^-8", "1 × 10^-8"]),
        scientific=rng.random() < 0.3,
        settings=rng.choice(["numbers"] * 5 + ["names"]),
        signs=rng.random() < 0.6,
        squares=rng.choice(["signed", "bare"]),
        nested=rng.random() < 0.3,
        by_parameter=rng.random() < 0.4,
    )


def _nice(rng: Random) -> Decimal:
    """A number such as an exercise gives: -1.2, 0.5, 0.25, 3."""
    size = rng.choice([
        Decimal(rng.randint(1, 30)) / 10, Decimal(rng.randint(1, 30)) / 10,
        Decimal(rng.randint(1, 12)) / 4, Decimal(rng.randint(1, 5)),
    ])  # fmt: skip
    return size if rng.random() < 0.5 else -size


def _legible(plan: Plan) -> bool:
    """Whether every value, honest or carried, stands in full or keeps three significant digits."""
    hands = [replace(plan.hand, form="values", carried=carried) for carried in (False, True)]
    try:
        honest, carried = (work(replace(plan, hand=hand)) for hand in hands)
    except decimal.DecimalException:  # a small value is 0 at these digits, and divides
        return False
    return all(
        is_clear(honest.at(key).used, plan.hand) and bool(honest.at(key).used) == bool(carried.at(key).used)
        for key in plan.places()
    )  # fmt: skip


def is_clear(value: Decimal, hand: Hand) -> bool:
    short = rounded(value, hand)
    in_full = abs(short - value) < Decimal("1e-25")
    return in_full or (bool(short) and short.adjusted() - int(short.as_tuple().exponent) >= 2)


# The spec of a page


def spec(page: Page) -> str:
    """The page as a spec with a `handwritten` block."""
    plan = page.plan
    rows = {name: ", ".join(plain(g) for g in plan.gradients[name]) for name in plan.names}
    start = ", ".join(f"{name}: {plain(value)}" for name, value in plan.start.items())
    gradients = ", ".join(f"{name}: [{row}]" for name, row in rows.items())
    settings = ", ".join(f"{name}: {_yaml(value)}" for name, value in plan.settings.items())
    lines = [
        "title: A page",
        f"steps: {plan.steps}",
        "problems:",
        f"  - given: {{use: recorded_gradients, start: {{{start}}}, {gradients}}}",
        "optimizers:",
        f"  - {plan.rule}: {{{settings}}}",
        "handwritten:",
    ]
    if not plan.hand.nested:
        return "\n".join([
            *lines, *(f"  {plan.rule} {e.key[0]} {label(e.key)}: {e.text}" for e in page.entries.values())
        ]) + "\n"  # fmt: skip
    lines.append(f"  {plan.rule}:")
    for t in range(1, plan.steps + 1):
        own = [e for e in page.entries.values() if e.key[0] == t]
        lines += [f"    {t}:"] * bool(own)
        lines += [f"      {label(e.key)}: {e.text}" for e in own]
    return "\n".join(lines) + "\n"


def _yaml(value: Decimal) -> str:
    return plain(value) if not ZERO < value < Decimal("0.0001") else _small(value, "1e-8")


def label(key: Key) -> str:
    """What a place is called in a spec: `s_w1`, `root_w1`, `lr_t`, and `w1` for the line x."""
    _, line, parameter = key
    if parameter is None:
        return line
    return parameter if line == "x" else f"{line}_{parameter}"


def as_any(page: Page) -> dict[str, Any]:
    """A page's entries as text by label, for messages."""
    return {f"{key[0]} {label(key)}": entry.text for key, entry in page.entries.items()}
