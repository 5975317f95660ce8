"""What goes wrong on paper: slips put into the pages of `page_maker`, and what a checker should say.

A slip is a wrong formula, a number that is copied wrongly, or a result that is written down wrongly,
at one line. `listed` are the kinds whose cause a checker is asked to name, `others` the rest. Each
moves what is written well beyond any rounding (`plain_to_see`). What a page then has to be judged as
follows from how its numbers were made (`Case`), by this module's own arithmetic.
"""

from __future__ import annotations

import decimal
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from random import Random

from page_maker import (
    FORMULAS,
    LARGE,
    ONE,
    SHARED,
    TWO,
    Entry,
    Key,
    Leaf,
    Num,
    Page,
    Plan,
    Slip,
    Tree,
    is_clear,
    make_plan,
    numbers,
    parts_of,
    plain,
    put,
    read_back,
    unit,
    value_of,
    work,
)

CORRECT = {"correct as rounded", "correct as truncated"}
CLOSE, SLIP, FOLLOWS, NOT_CARRIED = "close", "slip", "follows from an earlier slip", "not carried"
FINE = CORRECT | {CLOSE, FOLLOWS, NOT_CARRIED}

SQUARE_CAUSES = {"lost square", "unsquared gradient"}  # two names of one slip
ALL_MEMBERS = 99
TELLING, SHARE, MARGIN = 20, Decimal("0.02"), 3
"""A slip moves a value by more than so many units of its last digit, and by more than this share;
nearer than `MARGIN` units two values are taken for the same."""


# Trees


def branches(tree: Tree, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Tree]]:
    """Every part of a tree and where it is."""
    yield path, tree
    if isinstance(tree, tuple):
        for place, branch in enumerate(tree[1:], start=1):
            yield from branches(branch, (*path, place))


def graft(tree: Tree, path: tuple[int, ...], new: Tree) -> Tree:
    """`tree` with `new` at `path`."""
    if not path:
        return new
    assert isinstance(tree, tuple)
    first, *rest = path
    return (*tree[:first], graft(tree[first], tuple(rest), new), *tree[first + 1 :])


def is_op(tree: Tree, *operations: str) -> bool:
    return isinstance(tree, tuple) and tree[0] in operations


# Slips of the pen


def shift(by: int) -> Callable[[str], str]:
    """The decimal point `by` places too far to the right."""

    def moved(text: str) -> str:
        return plain(read_back(text).scaleb(by))

    return moved


def turned(text: str) -> str:
    """The other sign."""
    minus = text[0] in "-−"
    return text[1:] if minus else f"-{text}"


def _digits(text: str) -> list[int]:
    return [i for i, letter in enumerate(text) if letter.isdigit()]


def wrong_digit(place: int, by: int) -> Callable[[str], str]:
    """One digit read as another."""

    def moved(text: str) -> str:
        at = _digits(text)[place % len(_digits(text))]
        return text[:at] + str((int(text[at]) + by) % 10) + text[at + 1 :]

    return moved


def swapped_digits(place: int) -> Callable[[str], str]:
    def moved(text: str) -> str:
        pairs = [(a, b) for a, b in itertools.pairwise(_digits(text)) if text[a] != text[b]]
        if not pairs:
            raise decimal.InvalidOperation
        a, b = pairs[place % len(pairs)]
        letters = list(text)
        letters[a], letters[b] = letters[b], letters[a]
        return "".join(letters)

    return moved


def doubled_digit(place: int) -> Callable[[str], str]:
    def moved(text: str) -> str:
        at = _digits(text)[place % len(_digits(text))]
        return text[:at] + text[at] + text[at:]

    return moved


def added(units: int, power: int) -> Callable[[str], str]:
    """A sum that is out by some units of one place, as where a carry is forgotten."""

    def moved(text: str) -> str:
        step = unit(text).scaleb(power) * units
        return plain(read_back(text) + step)

    return moved


def times(factor: str) -> Callable[[str], str]:
    def moved(text: str) -> str:
        places = max(0, -int(unit(text).as_tuple().exponent))
        return plain(round(read_back(text) * Decimal(factor), places + 1))

    return moved


# The kinds with a cause that can be named


@dataclass(frozen=True)
class Spot:
    """A line of a plan where something may go wrong."""

    plan: Plan
    key: Key
    tree: Tree

    @property
    def line(self) -> str:
        return self.key[1]

    def leaves(self) -> Iterator[tuple[tuple[int, ...], Leaf]]:
        for path, leaf in branches(self.tree):
            if isinstance(leaf, Leaf):
                yield path, leaf

    def is_value(self, leaf: Leaf) -> bool:
        """Whether a leaf is a gradient, a parameter or a line, not a setting or the step."""
        return leaf.name not in self.plan.settings and leaf.name != "t"

    def slip(self, kind: str, cause: str | None, path: tuple[int, ...], new: Tree, late: int = 0) -> Slip:  # fmt: skip
        return Slip(kind, cause, tree=graft(self.tree, path, new), late=late)


def lost_square(spot: Spot) -> Iterator[Slip]:
    for path, part in branches(spot.tree):
        if is_op(part, "^") and part[2] == TWO:
            yield spot.slip("lost square", "lost square", path, part[1])


def lost_root(spot: Spot) -> Iterator[Slip]:
    for path, part in branches(spot.tree):
        if is_op(part, "√"):
            yield spot.slip("lost root", "lost root", path, part[1])


def early_root(spot: Spot) -> Iterator[Slip]:
    if spot.line in ("s", "v", "v_hat", "square") and _is_rooted(spot):
        whole = ("√", spot.tree)
        yield Slip("early root", "early root", tree=whole, late=ALL_MEMBERS)


def _is_rooted(spot: Spot) -> bool:
    formulas = FORMULAS[spot.plan.rule]
    second = any(is_op(part, "√") for _, part in branches(formulas["x"]))
    return second and "^" in repr(formulas.get("s", formulas.get("v")))


def shifted_point(spot: Spot) -> Iterator[Slip]:
    name = "shifted decimal point"
    for by in (-1, 1, -2, 2):
        far = ", two places" if abs(by) == 2 else ""
        yield Slip(f"{name} of the result{far}", name, rewrite=shift(by))
        for path, leaf in spot.leaves():
            if leaf.name not in ("t", "eps") and not (leaf.name.startswith("beta") and by > 0):
                kind = f"{name} of a number{far}"
                yield spot.slip(kind, name, path, replace(leaf, copied=shift(by)))


def swapped_sign(spot: Spot) -> Iterator[Slip]:
    name = "swapped sign"
    yield Slip(f"{name} of the result", name, rewrite=turned)
    for path, part in branches(spot.tree):
        if is_op(part, "+", "-"):
            other = "-" if part[0] == "+" else "+"
            kind = "of the step" if path == () else "within"
            yield spot.slip(f"{name} {kind}", name, path, (other, *part[1:]))
    for path, leaf in spot.leaves():
        if spot.is_value(leaf) and leaf.name not in SHARED:
            yield spot.slip(f"{name} of a number", name, path, replace(leaf, copied=turned))


def previous_value(spot: Spot) -> Iterator[Slip]:
    t = spot.key[0]
    for path, leaf in spot.leaves():
        earliest = 1 if leaf.name in ("g", "t") or leaf.name in spot.plan.parts else 0
        if leaf.name in spot.plan.settings or t - leaf.back - 1 < earliest:
            continue
        if leaf.name in ("lr_t", "root", "square", "numerator", "denominator", "increment", "m_hat", "v_hat") and t - leaf.back - 1 < 1:  # fmt: skip
            continue
        new = replace(leaf, back=leaf.back + 1)
        kind = "of the step" if leaf.name == "t" else "of a line"
        yield spot.slip(f"previous step's value {kind}", "previous step's value", path, new)
    if t > 1 or spot.line == "x":
        same = Leaf(spot.line, back=1)
        yield Slip("previous step's value again", "previous step's value", tree=same)


def other_parameter(spot: Spot) -> Iterator[Slip]:
    name = "another parameter's value"
    for path, leaf in spot.leaves():
        if spot.is_value(leaf) and leaf.name not in SHARED and spot.key[2] is not None:
            for other in spot.plan.names:
                if other != spot.key[2]:
                    yield spot.slip(name, name, path, replace(leaf, of=other))
    for other in spot.plan.names if spot.key[2] is not None else []:
        if other != spot.key[2]:
            yield Slip("another parameter's line", name, tree=Leaf(spot.line, of=other))


def no_correction(spot: Spot) -> Iterator[Slip]:
    name = "missing bias correction"
    if spot.line in ("m_hat", "v_hat"):
        yield Slip(f"{name} in its line", name, tree=spot.tree[1])
    for path, leaf in spot.leaves():
        if leaf.name in ("m_hat", "v_hat"):
            plainly = replace(leaf, name=leaf.name.removesuffix("_hat"))
            yield spot.slip(f"{name} in the step", name, path, plainly)
    if spot.line == "lr_t":
        above, below = spot.tree[1:]
        for tree in (above[1], above, ("/", above[1], below)):
            yield Slip(f"{name} of the rate", name, tree=tree)


def misplaced_bracket(spot: Spot) -> Iterator[Slip]:
    name = "misplaced bracket"
    for path, part in branches(spot.tree):
        if not isinstance(part, tuple):
            continue
        operation, *inner = part
        if operation == "-" and inner[0] == ONE and is_op(inner[1], "^"):
            new = ("^", ("-", ONE, inner[1][1]), inner[1][2])
            yield spot.slip(f"{name}: (1 - b)^t", name, path, new)
        if operation == "*" and is_op(inner[1], "^"):
            new = ("^", ("*", inner[0], inner[1][1]), inner[1][2])
            yield spot.slip(f"{name}: (a b)^2", name, path, new)
        if operation == "*" and is_op(inner[1], "+", "-"):
            sign, a, b = inner[1]
            new = (sign, ("*", inner[0], a), b)
            yield spot.slip(f"{name}: a b + c for a (b + c)", name, path, new)
        if operation == "*" and is_op(inner[0], "-"):
            new = ("-", inner[0][1], ("*", inner[0][2], inner[1]))
            yield spot.slip(f"{name}: 1 - b c for (1 - b) c", name, path, new)
        if operation in "+-" and is_op(inner[1], "/"):
            new = ("/", (operation, inner[0], inner[1][1]), inner[1][2])
            yield spot.slip(f"{name}: (a - b) / c", name, path, new)
        if operation in "+-" and is_op(inner[0], "*"):
            new = ("*", inner[0][1], (operation, inner[0][2], inner[1]))
            yield spot.slip(f"{name}: a (b + c) for a b + c", name, path, new)
        if operation == "/" and is_op(inner[1], "+", "-"):
            new = (inner[1][0], ("/", inner[0], inner[1][1]), inner[1][2])
            yield spot.slip(f"{name}: a / b + c for a / (b + c)", name, path, new)


def other_convention(spot: Spot) -> Iterator[Slip]:
    name = "other convention"
    rule, line, tree = spot.plan.rule, spot.line, spot.tree
    lr, v, g = Leaf("lr"), Leaf("v"), Leaf("g")
    kept = ("*", Leaf("beta"), Leaf("v", back=1))
    if rule == "momentum" and line == "v":
        yield Slip(f"{name}: the rate outside", name, tree=("+", kept, g))
        mean = ("+", kept, ("*", ("-", ONE, Leaf("beta")), g))
        yield Slip(f"{name}: a running mean", name, tree=mean)
    if rule == "momentum" and line == "x":
        outside = put(tree, v, ("*", lr, v))
        yield Slip(f"{name}: the rate outside", name, tree=outside)
    if rule in ("momentum_pytorch", "nesterov") and line == "v":
        yield Slip(f"{name}: the rate inside", name, tree=("+", kept, ("*", lr, g)))
        mean = ("+", kept, ("*", ("-", ONE, Leaf("beta")), g))
        yield Slip(f"{name}: a running mean", name, tree=mean)
    for path, part in branches(tree):
        if rule == "momentum_pytorch" and part == ("*", lr, v):
            yield spot.slip(f"{name}: the rate inside", name, path, v)
        if rule == "nesterov" and is_op(part, "+") and part[1] == g and line != "v":
            yield spot.slip(f"{name}: no look ahead", name, path, v)
        if is_op(part, "√") and is_op(part[1], "+"):
            new = ("+", ("√", part[1][1]), part[1][2])
            yield spot.slip(f"{name}: eps outside", name, path, new)
        if is_op(part, "+") and is_op(part[1], "√"):
            new = ("√", ("+", part[1][1], part[2]))
            yield spot.slip(f"{name}: eps inside", name, path, new)
    yield from _other_adam(spot)


def _other_adam(spot: Spot) -> Iterator[Slip]:
    """Adam's step with eps-hat, and the other way round: eps stands before or after the correction."""
    name = "other convention"
    below, eps = ("-", ONE, ("^", Leaf("beta2"), Leaf("t"))), Leaf("eps")
    for path, part in branches(spot.tree):
        if not (is_op(part, "+") and part[2] == eps and is_op(part[1], "√")):
            continue
        if spot.plan.rule == "adam":
            new = ("+", part[1], ("/", eps, ("√", below)))
            yield spot.slip(f"{name}: eps before the correction", name, path, new)
        if spot.plan.rule == "adam_eps_hat":
            new = ("+", part[1], ("*", eps, ("√", below)))
            yield spot.slip(f"{name}: eps after the correction", name, path, new)


LISTED: dict[str, Callable[[Spot], Iterator[Slip]]] = {
    "lost square": lost_square,
    "lost root": lost_root,
    "early root": early_root,
    "shifted decimal point": shifted_point,
    "swapped sign": swapped_sign,
    "previous step's value": previous_value,
    "another parameter's value": other_parameter,
    "missing bias correction": no_correction,
    "misplaced bracket": misplaced_bracket,
    "other convention": other_convention,
}


# Other kinds


def copied_digit(spot: Spot) -> Iterator[Slip]:
    for place, by in itertools.product(range(6), (1, 2, 3, 5, 7, 8)):
        yield Slip("wrong digit in the result", None, rewrite=wrong_digit(place, by))
    for path, leaf in spot.leaves():
        if leaf.name in ("t", "eps"):
            continue
        for place, by in itertools.product(range(4), (1, 3, 5, 6)):
            new = replace(leaf, copied=wrong_digit(place, by))
            yield spot.slip("wrong digit copied", None, path, new)


def sum_error(spot: Spot) -> Iterator[Slip]:
    if is_op(spot.tree, "+", "-"):
        for units, power in itertools.product((-3, -2, -1, 1, 2, 3), (1, 2, 3)):
            yield Slip("sum out by a place", None, rewrite=added(units, power))


def lost_term(spot: Spot) -> Iterator[Slip]:
    for path, part in branches(spot.tree):
        if is_op(part, "+", "-") and part[1] != ONE:
            for term in part[1:]:
                yield spot.slip("lost term", None, path, term)


def lost_factor(spot: Spot) -> Iterator[Slip]:
    for path, part in branches(spot.tree):
        if is_op(part, "*"):
            for factor in part[1:]:
                yield spot.slip("lost factor", None, path, factor)


def factor_two(spot: Spot) -> Iterator[Slip]:
    yield Slip("twice the result", None, rewrite=times("2"))
    yield Slip("half the result", None, rewrite=times("0.5"))
    for path, part in branches(spot.tree):
        if isinstance(part, tuple) and path and part[0] in "*/":
            yield spot.slip("twice a term", None, path, ("*", TWO, part))


def wrong_setting(spot: Spot) -> Iterator[Slip]:
    for path, leaf in spot.leaves():
        if leaf.name in ("beta1", "beta2"):
            other = "beta1" if leaf.name == "beta2" else "beta2"
            yield spot.slip("the other decay", None, path, Leaf(other))
        if leaf.name in spot.plan.settings and leaf.name != "eps":
            for text in ("0.9", "0.99", "0.8", "0.1", "0.2", "0.05", "0.3"):
                if Decimal(text) != spot.plan.settings[leaf.name]:
                    yield spot.slip("another setting", None, path, Decimal(text))


def digits_swapped(spot: Spot) -> Iterator[Slip]:
    for place in range(5):
        yield Slip("swapped digits in the result", None, rewrite=swapped_digits(place))
        for path, leaf in spot.leaves():
            if spot.is_value(leaf):
                new = replace(leaf, copied=swapped_digits(place))
                yield spot.slip("swapped digits copied", None, path, new)


def digit_doubled(spot: Spot) -> Iterator[Slip]:
    for place in range(5):
        yield Slip("doubled digit", None, rewrite=doubled_digit(place))


def reciprocal(spot: Spot) -> Iterator[Slip]:
    for path, part in branches(spot.tree):
        if is_op(part, "/"):
            yield spot.slip("fraction upside down", None, path, ("/", part[2], part[1]))
    yield Slip("reciprocal", None, tree=("/", ONE, spot.tree), late=ALL_MEMBERS)


def wrong_operation(spot: Spot) -> Iterator[Slip]:
    for path, part in branches(spot.tree):
        if is_op(part, "+"):
            yield spot.slip("multiplied instead of added", None, path, ("*", *part[1:]))
        if is_op(part, "*"):
            yield spot.slip("added instead of multiplied", None, path, ("+", *part[1:]))
        if is_op(part, "/"):
            yield spot.slip("multiplied instead of divided", None, path, ("*", *part[1:]))
        if is_op(part, "^"):
            yield spot.slip("multiplied instead of raised", None, path, ("*", *part[1:]))
            if part[2] == TWO:
                yield spot.slip("cube", None, path, ("^", part[1], Decimal(3)))


def wrong_decay(spot: Spot) -> Iterator[Slip]:
    """b and 1 - b exchanged, or one in the other's place."""
    for path, part in branches(spot.tree):
        if is_op(part, "-") and part[1] == ONE:
            yield spot.slip("b for 1 - b", None, path, part[2])
        if isinstance(part, Leaf) and part.name.startswith("beta"):
            yield spot.slip("1 - b for b", None, path, ("-", ONE, part))


def another_line(spot: Spot) -> Iterator[Slip]:
    lines = [line for line in spot.plan.lines() if line not in SHARED]
    before = lines[: lines.index(spot.line)] if spot.line in lines else []
    for path, leaf in spot.leaves():
        if not spot.is_value(leaf) or leaf.name in SHARED or spot.key[2] is None:
            continue
        corrected = {leaf.name, leaf.name + "_hat", leaf.name.removesuffix("_hat")}
        names = [n for n in (*before, "g") if n not in corrected]
        for name in names if leaf.back == 0 else []:
            yield spot.slip("another line's value", None, path, Leaf(name))


def no_step(spot: Spot) -> Iterator[Slip]:
    t = spot.key[0]
    for path, leaf in spot.leaves():
        if leaf.name == "t":
            yield spot.slip("one step too many", None, path, Decimal(t + 1))


OTHERS: dict[str, Callable[[Spot], Iterator[Slip]]] = {
    "copied digit": copied_digit,
    "sum error": sum_error,
    "lost term": lost_term,
    "lost factor": lost_factor,
    "factor two": factor_two,
    "wrong setting": wrong_setting,
    "swapped digits": digits_swapped,
    "doubled digit": digit_doubled,
    "reciprocal": reciprocal,
    "wrong operation": wrong_operation,
    "wrong decay": wrong_decay,
    "another line": another_line,
    "one step too many": no_step,
}


# Cases


@dataclass
class Case:
    """A page with slips in it, and what is to be said of each of its lines."""

    page: Page
    clean: Page
    group: dict[Key, str] = field(default_factory=dict)  # the name in LISTED or OTHERS

    @property
    def plan(self) -> Plan:
        return self.page.plan

    @property
    def slips(self) -> Mapping[Key, Slip]:
        return self.page.slips

    @cached_property
    def honest(self) -> Page:
        return work(_other_way(self.plan, carried=False))

    @cached_property
    def tainted(self) -> set[Key]:
        """Lines that use what a slip left behind, however far above."""
        found: set[Key] = {key for key, slip in self.slips.items() if slip.carried}
        for key in sorted(self.plan.places(), key=lambda k: k[0]):
            if self.page.at(key).sources & found:
                found.add(key)
        return found

    def expected(self) -> dict[Key, set[str]]:
        """The verdicts that are right for each line."""
        return {key: self._expected(key) for key in self.page.entries}

    def _expected(self, key: Key) -> set[str]:
        if key in self.slips:
            return {SLIP}
        entry = self.page.entries[key]
        right = [self.clean.at(key).used, self.honest.at(key).used]
        if key in self.tainted:
            same = any(near(entry, value) for value in right)
            return FINE if same else {FOLLOWS}
        pens = {k for k, slip in self.slips.items() if not slip.carried}
        if not self._below(key) & pens:
            return CORRECT | {CLOSE}
        if self.would_differ(key, pens):
            return {NOT_CARRIED}
        return CORRECT | {CLOSE, NOT_CARRIED, FOLLOWS}

    def _below(self, key: Key) -> set[Key]:
        """The lines above that `key` comes from, however far."""
        found = set(self.clean.at(key).sources)
        for source in list(found):
            found |= self._below(source)
        return found

    def would_differ(self, key: Key, pens: set[Key]) -> bool:
        """Whether a line taken straight from what a slip of the pen left would look different: only
        then it can be seen that it was not."""
        entry = self.page.entries[key]
        direct = self.clean.at(key).sources & pens
        if not direct:
            return False
        done = {k: self.page.at(k) for k in self.plan.places()}
        for pen in direct:
            text = self.page.at(pen).value
            done[pen] = replace(done[pen], used=read_back(text))
        try:
            value = value_of(numbers(self.plan, done, self.plan.lines()[key[1]], key))
        except decimal.DecimalException:
            return False
        return not near(entry, value, 2 * MARGIN)


def near(entry: Entry, value: Decimal, units: int = MARGIN) -> bool:
    """Whether `value` is what stands there but for rounding."""
    return abs(read_back(entry.value) - value) <= units * unit(entry.value)


def _other_way(plan: Plan, carried: bool) -> Plan:
    return replace(plan, hand=replace(plan.hand, carried=carried))


def plain_to_see(case: Case, key: Key) -> bool:
    """Whether the slip at `key` moves what is written well beyond rounding: from the right value, from
    what follows from the other slips, and from every mixture of the two."""
    entry = case.page.entries[key]
    value, least = read_back(entry.value), TELLING * unit(entry.value)
    without = {k: slip for k, slip in case.slips.items() if k != key}
    pages = [case.clean, work(_other_way(case.plan, not case.plan.hand.carried))]
    pages.append(work(case.plan, without))
    rights = [page.at(key).used for page in pages] + [read_back(pages[2].at(key).value)]
    rights += list(_mixtures(case, key, pages[2]))
    spread = _spread(case, key, pages[2])
    return all(
        abs(value - right) > least + MARGIN * spread
        and abs(value - right) > SHARE * max(abs(value), abs(right))
        for right in rights
    )


def _mixtures(case: Case, key: Key, without: Page) -> Iterator[Decimal]:
    """The right line with some of its numbers right and some as they stand."""
    tree = case.plan.lines()[key[1]]
    sources = sorted(without.at(key).sources | case.clean.at(key).sources, key=str)
    for picked in itertools.product((without, case.clean), repeat=len(sources)):
        done = {k: page.at(k) for k, page in zip(sources, picked, strict=True)}
        yield value_of(numbers(case.plan, done, tree, key))


def _spread(case: Case, key: Key, without: Page) -> Decimal:
    """How far the right line may move where each of its numbers is a unit of its last digit off."""
    tree, total = case.plan.lines()[key[1]], Decimal(0)
    done = {k: without.at(k) for k in without.at(key).sources}
    middle = value_of(numbers(case.plan, done, tree, key))
    for k, entry in done.items():
        moved = replace(entry, used=entry.used + unit(entry.value))
        total += abs(value_of(numbers(case.plan, done | {k: moved}, tree, key)) - middle)
    return total


def causes_that_fit(case: Case, key: Key) -> tuple[set[str], set[str]]:
    """Causes of the list that give the written value at `key` too: to within rounding, and exactly."""
    trees = [case.plan.lines()[key[1]], _whole(case.plan.rule, key[1])]
    spots = [Spot(case.plan, key, tree) for tree in trees]
    entry = case.page.entries[key]
    mine = case.page.entries[key].used if case.slips[key].carried else read_back(entry.value)
    fit: set[str] = set()
    same: set[str] = set()
    right = work(case.plan, {k: slip for k, slip in case.slips.items() if k != key}).at(key)
    for make, spot in itertools.product(LISTED.values(), spots):
        for slip in make(spot):
            for value in _worth(case, key, slip, right):
                assert slip.cause is not None
                if near(entry, value, 2):
                    fit.add(slip.cause)
                if abs(value - mine) <= Decimal("1e-9") * abs(mine):
                    same.add(slip.cause)
    for found in (fit, same):
        if found & SQUARE_CAUSES:
            found |= SQUARE_CAUSES
    return fit, same


def _whole(rule: str, line: str) -> Tree:
    """A line without any part of it written apart."""
    known = parts_of(rule)
    if line in known:
        return known[line][1]
    return FORMULAS[rule].get(line, Leaf(line))


def _worth(case: Case, key: Key, slip: Slip, right: Entry) -> Iterator[Decimal]:
    """What a slip at `key` would come to: from the numbers in the calculator, from those on paper,
    and from right ones."""
    try:
        if slip.rewrite is not None:
            yield read_back(slip.rewrite(right.value))
            return
        done = {k: case.page.at(k) for k in case.plan.places() if k != key}
        paper = {
            k: replace(e, used=read_back(e.shown))
            for k, e in done.items()
            if k in case.page.entries
        }
        clean = {k: case.clean.at(k) for k in case.plan.places()}
        for known in (done, done | paper, clean):
            yield value_of(numbers(case.plan, known, slip.tree, key))
    except (decimal.DecimalException, KeyError, IndexError):
        return


# Drawing cases


WHERE: dict[str, list[str]] = {
    "lost square": ["rmsprop", "rmsprop_pytorch", "adam", "adam_eps_hat"],
    "lost root": ["rmsprop", "rmsprop_pytorch", "adam", "adam_eps_hat"],
    "early root": ["rmsprop", "rmsprop_pytorch", "adam", "adam_eps_hat"],
    "missing bias correction": ["adam", "adam", "adam_eps_hat"],
    "misplaced bracket": ["rmsprop", "rmsprop_pytorch", "adam", "adam", "adam_eps_hat", "nesterov"],
    "one step too many": ["adam", "adam_eps_hat"],
}
LATE = {
    "lost square", "lost root", "swapped sign", "misplaced bracket", "lost term", "lost factor",
    "wrong operation",
}  # fmt: skip
"""What may go wrong in the head, after the numbers were put in rightly."""

WIDE_EPS = ["rmsprop", "rmsprop_pytorch", "adam", "adam_eps_hat"]


def draw_case(rng: Random, group: str, pen: bool | None = None) -> Case:
    """A page with one slip of this group. `pen`: whether it is a slip of the pen, not carried."""
    while True:
        case = _try_case(rng, group, rng.random() < 0.12 if pen is None else pen)
        if case is not None:
            return case


def _try_case(rng: Random, group: str, pen: bool) -> Case | None:
    rules, large = WHERE.get(group), None
    if group == "other convention":
        eps = rng.random() < 0.6
        rules, large = (
            (WIDE_EPS, True) if eps else (["momentum", "momentum_pytorch", "nesterov"], None)
        )
    plan = make_plan(rng, rules, large)
    clean = work(plan)
    for _ in range(8):
        slip = _draw_slip(rng, plan, clean, group)
        if slip is None:
            return None
        key, found = slip
        case = try_slips(plan, clean, {key: replace(found, carried=not pen)})
        if case is not None:
            case.group[key] = group
            return case
    return None


def _draw_slip(rng: Random, plan: Plan, clean: Page, group: str) -> tuple[Key, Slip] | None:
    """A slip of this group somewhere on the page: first its kind, so that rare kinds come too."""
    lines = plan.lines()
    makers = LISTED | OTHERS
    found: dict[str, list[tuple[Key, Slip]]] = {}
    for key in clean.entries:
        for slip in makers[group](Spot(plan, key, lines[key[1]])):
            found.setdefault(slip.kind, []).append((key, slip))
    found.pop("previous step's value of the step", None)  # as well the wrong t
    kinds = [kind for kind in sorted(found) if "two places" not in kind or rng.random() < 0.2]
    if not kinds:
        return None
    usual = [kind for kind in kinds if kind.endswith("(1 - b)^t")]
    kind = rng.choice(usual if usual and rng.random() < 0.5 else kinds)
    key, slip = rng.choice(found[kind])
    late = 1 if group in LATE and rng.random() < 0.3 else 0
    copied = any(isinstance(leaf, Leaf) and leaf.copied for _, leaf in branches(slip.tree or ONE))
    return key, replace(slip, late=0 if copied else slip.late or late)


def try_slips(plan: Plan, clean: Page, slips: dict[Key, Slip]) -> Case | None:
    """The page with these slips, None where a slip leaves nothing to write, cannot be seen, or makes
    numbers that no one would write down."""
    try:
        case = Case(work(plan, slips), clean)
        if all(plain_to_see(case, key) for key in slips) and _is_writable(case):
            return case
    except (decimal.DecimalException, ValueError, IndexError, KeyError):
        return None
    return None


def _is_writable(case: Case) -> bool:
    for key in case.plan.places():
        entry = case.page.at(key)
        if abs(entry.used) > 10**4 or (
            key not in case.slips and not is_clear(entry.used, case.plan.hand)
        ):
            return False
        if entry.used == 0 and case.clean.at(key).used != 0:
            return False
    return True


def draw_two(rng: Random) -> Case:
    """A page with two slips, each carried, of any kinds; the second often uses the first."""
    groups = [*LISTED, *OTHERS]
    while True:
        first = draw_case(rng, rng.choice(groups), pen=False)
        (key, slip), group = next(iter(first.slips.items())), first.group
        for _ in range(6):
            other = rng.choice(groups)
            drawn = _draw_slip(rng, first.plan, first.clean, other)
            if drawn is None or drawn[0] == key:
                continue
            case = try_slips(first.plan, first.clean, {key: slip, drawn[0]: drawn[1]})
            if case is not None:
                case.group.update(group | {drawn[0]: other})
                return case


def draw_groups(rng: Random, count: int) -> list[str]:
    """Two thirds of the kinds that can be named, one third of the others, each as often."""
    named, rest = itertools.cycle(LISTED), itertools.cycle(OTHERS)
    groups = [next(rest) if i % 3 == 2 else next(named) for i in range(count)]
    rng.shuffle(groups)
    return groups


__all__ = [
    "CORRECT",
    "LARGE",
    "LISTED",
    "OTHERS",
    "Case",
    "Num",
    "draw_case",
    "draw_groups",
    "draw_two",
]
