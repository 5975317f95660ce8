"""A claim in words -> what it says, by a small grammar.

Names are of the user's making: they may hold spaces, hyphens, commas, or be words of the grammar. So
every way to read a sentence is tried, and one that can be read in two ways is told rather than
guessed; quotes around a name decide.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from optlab.measures import MEASURES, WORDS
from optlab.spec.model import KINDS, Side, Target

__all__ = [
    "CLAUSES", "EVENTS", "PATTERNS", "Draft", "Pattern", "Vocabulary", "label", "listed", "number",
    "quoted", "sentence",
]  # fmt: skip


@dataclass(frozen=True)
class Vocabulary:
    """The names that a sentence may use: of optimizers, of problems, and words for several problems
    (groups and attributes)."""

    optimizers: tuple[str, ...]
    problems: tuple[str, ...]
    several: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """What was said, in words or in keys, before it is checked: names may be unknown."""

    kind: str
    a: Side
    others: tuple[Side, ...] | None = ()
    """None: all others."""
    quality: str = ""
    """`fast`, `stable` or `good`: which measures fit the words."""
    measures: tuple[str, ...] = ()
    problems: tuple[str, ...] | None = None
    """None: all on which it can be told."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """target, margin, within, above, alpha, min_seeds, at_most, as far as they were said."""


@dataclass(frozen=True)
class Pattern:
    """One form of a claim: lower-case words stand as they are, capitals are places, brackets hold
    what may be left out."""

    form: str
    kind: str
    quality: str = ""
    measure: str = ""
    turned: bool = False
    """B is the better one."""

    @property
    def words(self) -> list[str]:
        return re.findall(r"\[|\]|[^\s\[\]]+", self.form)


PATTERNS = (
    Pattern("A is [at least N times] faster than OTHERS", "better", "fast"),
    Pattern("A is the fastest", "better", "fast"),
    Pattern("A is [at least N times] slower than B", "better", "fast", turned=True),
    Pattern("A reaches GOAL sooner than OTHERS", "better", "fast", "steps_reached"),
    Pattern("A reaches GOAL first", "better", "fast", "steps_reached"),
    Pattern("A holds GOAL sooner than OTHERS", "better", "fast", "steps_held"),
    Pattern("A holds GOAL first", "better", "fast", "steps_held"),
    Pattern("A is more stable than OTHERS", "better", "stable"),
    Pattern("A is the most stable", "better", "stable"),
    Pattern("A is less stable than B", "better", "stable", turned=True),
    Pattern("A is better than OTHERS", "better", "good"),
    Pattern("A beats OTHERS", "better", "good"),
    Pattern("A is the best", "better", "good"),
    Pattern("A is worse than B", "better", "good", turned=True),
    Pattern("A DOES less than OTHERS", "better"),
    Pattern("A DOES more than B", "better", turned=True),
    Pattern("A never DOES", "never"),
    Pattern("A may DO", "sometimes"),
    Pattern("A and B are equivalent", "equivalent"),
)
"""How a claim begins. `DOES` is a word of `WORDS` (overshoots), `DO` the same without its s."""

CLAUSES = {
    "by MEASURES": "by",
    "to TARGET": "target",
    "within WIDTH": "within",
    "above LEVEL": "above",
    "on PROBLEMS": "on",
    "(OPTIONS)": "options",
}
"""What may follow, each at most once and in any order."""

OPTIONS = ("margin", "alpha", "min_seeds", "at_most")

EVENTS = {word: measures[0] for word, measures in WORDS.items() if word.endswith("s")}

_SAYS = {"GOAL": "target", "N": "margin", "DOES": "by", "DO": "by"}
"""Places that say what a clause would say."""

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_QUOTED = re.compile(r"'((?:[^']|'')+)'|\"((?:[^\"]|\"\")+)\"")
_TARGET = re.compile(r"(\w+)\s*(<=|>=|)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")
_BARE = re.compile(r"[^\s,()'\"]+")
_ALL = ("all others", "the others", "all")

Selection = Literal["tuned", "default"]
Found = Mapping[str, Any]
Values = Iterator[tuple[Any, int]]


def number(value: float) -> str:
    """A number as short as it can be written and read back."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def sentence(text: str, known: Vocabulary) -> list[Draft] | str:
    """Every distinct way to read `text`, or what of it is not understood. Unknown names are let pass
    only where nothing else reads it, to be told by name."""
    strict = _Reader(text, known)
    if drafts := strict.drafts():
        return drafts
    lenient = _Reader(text, known, lenient=True)
    if drafts := lenient.drafts():
        return [min(drafts, key=lambda draft: _unknown(draft, known))]
    return _not_understood(text, strict, lenient)


def label(text: str, known: Vocabulary) -> str:
    """The label of the target that `text` means, or `text` itself."""
    reader = _Reader(text, known, lenient=True)
    return next((value for value, end in reader.target(0) if end == len(text)), text)


def _unknown(draft: Draft, known: Vocabulary) -> int:
    sides = [side.optimizer for side in (draft.a, *(draft.others or ()))]
    places = [*known.problems, *known.several]
    return (
        sum(name not in known.optimizers for name in sides)
        + sum(name not in places for name in draft.problems or ())
        + sum(name not in MEASURES for name in draft.measures)
    )


def _not_understood(text: str, strict: _Reader, lenient: _Reader) -> str:
    """From which words on a sentence is not understood, and what could stand there."""
    rest = text[strict.furthest :].strip() or "its end"
    where = f"not understood from '{rest if len(rest) <= 60 else rest[:57] + '...'}' on"
    if strict.complete:
        return f"{where}; there may stand {', '.join(f'`{clause}`' for clause in CLAUSES)}"
    came = {p.form: lenient.reached.get(p.form, 0) for p in PATTERNS}
    furthest = [form for form in came if came[form] == max(came.values())]
    near = sorted(furthest, key=lambda form: _alike(form, text), reverse=True)[:3]
    message = f"{where}; the nearest forms: {', '.join(f'`{form}`' for form in near)}"
    if any("DO" in form for form in near):
        message += f" (DOES: {', '.join(EVENTS)})"
    if strict.furthest == 0:
        message += f"; optimizers: {', '.join(strict.known.optimizers)}"
    return message


def _alike(form: str, text: str) -> float:
    short = re.sub(r" \[.*\]", "", form)
    return difflib.SequenceMatcher(None, short.split(), text.lower().split()).ratio()


@dataclass
class _Reader:
    """Follows the patterns through one text; keeps how far it came."""

    text: str
    known: Vocabulary
    lenient: bool = False
    reached: dict[str, int] = field(default_factory=dict)
    furthest: int = 0
    complete: bool = False
    """Whether a whole pattern was followed to where it failed."""

    def drafts(self) -> list[Draft]:
        found: list[Draft] = []
        for pattern in PATTERNS:
            fixed = {"by": (pattern.measure,)} if pattern.measure else {}
            for i, parts in self.parts(pattern.words, 0, fixed, pattern.form):
                self.note(pattern.form, i, complete=True)
                for end, all_parts in self.clauses(i, parts):
                    draft = _draft(pattern, all_parts)
                    if self.text[end:].strip() in ("", ".") and draft not in found:
                        found.append(draft)
        return found

    def note(self, form: str, i: int, complete: bool = False) -> None:
        self.reached[form] = max(self.reached.get(form, 0), i)
        if i > self.furthest or (i == self.furthest and complete):
            self.furthest, self.complete = i, complete

    def parts(
        self, words: list[str], i: int, found: Found, form: str
    ) -> Iterator[tuple[int, Found]]:
        """Follow the words of a pattern from `i`."""
        self.note(form, i)
        if not words:
            yield i, found
            return
        head, rest = words[0], words[1:]
        if head == "[":
            close = rest.index("]")
            yield from self.parts(rest[:close] + rest[close + 1 :], i, found, form)
            yield from self.parts(rest[close + 1 :], i, found, form)
        elif head.isupper():
            for value, j in self.slot(head, self.skip(i)):
                said = {} if head == "GOAL" and value is None else {_SAYS.get(head, head): value}
                yield from self.parts(rest, j, {**found, **said}, form)
        elif (end := self.word(head, self.skip(i))) is not None:
            yield from self.parts(rest, end, found, form)

    def clauses(self, i: int, found: Found) -> Iterator[tuple[int, Found]]:
        yield i, found
        for clause, name in CLAUSES.items():
            if name in found:
                continue
            words = [clause] if name == "options" else clause.split()
            begun = i if name == "options" else self.word(words[0], self.skip(i))
            if begun is None:
                continue
            for value, k in self.slot(words[-1].strip("()"), self.skip(begun)):
                if name == "options" and value.keys() & found.keys():
                    continue  # `at least 2 times` and `(margin 3)`: one of them would be dropped
                self.note(clause, k, complete=True)
                yield from self.clauses(k, {**found, name: value})

    def skip(self, i: int) -> int:
        while i < len(self.text) and self.text[i].isspace():
            i += 1
        return i

    def ends(self, i: int) -> bool:
        """Whether a word may end before `i`."""
        rest = self.text[i : i + 1]
        return not rest or rest.isspace() or rest in ",()" or self.text[i:].strip() == "."

    def word(self, words: str, i: int) -> int | None:
        """The end of these words, if they stand at `i`, whatever the capitals."""
        for word in words.split():
            i = self.skip(i)
            end = i + len(word)
            if self.text[i:end].lower() != word or not self.ends(end):
                return None
            i = end
        return i

    # Places

    def slot(self, place: str, i: int) -> Values:
        readers: dict[str, Callable[[int], Values]] = {
            "A": self.side, "B": self.side, "OTHERS": self.others, "GOAL": self.goal,
            "N": self.number, "WIDTH": self.number, "LEVEL": self.number,
            "MEASURES": self.measures, "PROBLEMS": self.problems, "TARGET": self.target,
            "OPTIONS": self.options,
            "DOES": lambda i: self.event(i, 0), "DO": lambda i: self.event(i, 1),
        }  # fmt: skip
        return readers[place](i)

    def name(self, names: Sequence[str], i: int) -> Values:
        """A known name at `i`: as it is written, else whatever the capitals; or one in quotes."""
        match = _QUOTED.match(self.text, i)
        if match and self.ends(match.end()):
            inside = (match[1] or "").replace("''", "'") or (match[2] or "").replace('""', '"')
            if inside in names or self.lenient:
                yield inside, match.end()
            return  # a name that has quotes of its own needs another pair
        ends = {n: i + len(n) for n in names if self.ends(i + len(n))}
        exact = {n: end for n, end in ends.items() if self.text[i:end] == n}
        taken = set(exact.values())
        for n, end in ends.items():
            if n in exact or (end not in taken and self.text[i:end].lower() == n.lower()):
                yield n, end
        bare = _BARE.match(self.text, i)
        if self.lenient and bare and bare[0].lower() not in _GRAMMAR and bare[0] not in names:
            word = bare[0].removesuffix(".") or bare[0]
            yield word, i + len(word)

    def side(self, i: int) -> Values:
        for name, j in self.name(self.known.optimizers, i):
            yield Side(name), j
        selections: tuple[Selection, ...] = ("tuned", "default")
        for selection in selections:
            if (begun := self.word(selection, i)) is not None:
                for name, j in self.name(self.known.optimizers, self.skip(begun)):
                    yield Side(name, selection), j

    def others(self, i: int) -> Values:
        for words in _ALL:
            if (j := self.word(words, i)) is not None:
                yield None, j
        yield from self.several(self.side, i)

    def several(self, one: Callable[[int], Values], i: int) -> Values:
        """`x`, `x and y`, `x, y and z`."""
        for value, j in one(i):
            yield (value,), j
            k = self.skip(j)
            if self.text[k : k + 1] == ",":
                for rest, end in self.several(one, self.skip(k + 1)):
                    yield (value, *rest), end
            if (m := self.word("and", k)) is not None:
                for last, end in one(self.skip(m)):
                    yield (value, last), end

    def goal(self, i: int) -> Values:
        if (j := self.word("the target", i)) is not None:
            yield None, j
        yield from self.target(i)

    def target(self, i: int) -> Values:
        """A target's label, or a kind and a number."""
        yield from self.name(self.known.targets, i)
        if (match := _TARGET.match(self.text, i)) and self.ends(match.end()):
            target = Target(match[1], float(match[3]))
            sign = ">=" if target.rising else "<="
            known = target.kind in KINDS or target.label in self.known.targets or self.lenient
            if match[2] in ("", sign) and known:
                yield target.label, match.end()

    def number(self, i: int) -> Values:
        if match := _NUMBER.match(self.text, i):
            if self.ends(match.end()):
                yield float(match[0]), match.end()
            elif match[0].endswith(".") and self.ends(match.end() - 1):
                yield float(match[0]), match.end() - 1

    def measures(self, i: int) -> Values:
        yield from self.several(self.measure, i)

    def measure(self, i: int) -> Values:
        spaced = {name.replace("_", " "): name for name in MEASURES}
        names = tuple(dict.fromkeys((*MEASURES, *spaced, *WORDS)))
        for name, j in self.name(names, i):
            yield spaced.get(name, name), j

    def event(self, i: int, short: int) -> Values:
        for word, measure in EVENTS.items():
            if (j := self.word(word[: len(word) - short], i)) is not None:
                yield (measure,), j

    def problems(self, i: int) -> Values:
        if (j := self.word("all", i)) is not None:
            for end in self.noun(j):
                yield self.known.problems, end
        for names, j in self.several(self.problem, i):
            for end in self.noun(j):
                yield names, end

    def problem(self, i: int) -> Values:
        seen = set()
        for value, j in self.name((*self.known.problems, *self.known.several), i):
            if (value, j) not in seen:
                seen.add((value, j))
                yield value, j

    def noun(self, i: int) -> Iterator[int]:
        """Before and after `problems`, which may stand behind the names."""
        yield i
        if (j := self.word("problems", self.skip(i))) is not None:
            yield j

    def options(self, i: int) -> Values:
        """`(margin 1.5, alpha 0.01)`."""
        if self.text[i : i + 1] != "(":
            return
        found: dict[str, float] = {}
        while True:
            i = self.skip(i + 1)
            key = next((k for k in OPTIONS if k not in found and self.word(k, i)), None)
            if key is None:
                return
            [*value] = self.number(self.skip(i + len(key)))
            if not value:
                return
            found[key], i = value[0][0], self.skip(value[0][1])
            if self.text[i : i + 1] == ")":
                yield found, i + 1
                return
            if self.text[i : i + 1] != ",":
                return


_GRAMMAR = {
    word
    for form in (*(p.form for p in PATTERNS), *CLAUSES)
    for word in re.findall(r"\w+", form)
    if word.islower()
} | {"tuned", "default", "all", "target", "others"}


def _draft(pattern: Pattern, found: Found) -> Draft:
    a, b = found["A"], found.get("B")
    others = (b,) if b is not None else found.get("OTHERS")
    if pattern.turned:
        a, others = b, (found["A"],)
    if pattern.kind in ("never", "sometimes"):
        others = ()
    said = {key: found[key] for key in ("target", "margin", "within", "above") if key in found}
    return Draft(
        pattern.kind, a, others, pattern.quality, found.get("by", ()), found.get("on"),
        said | found.get("options", {}),
    )  # fmt: skip
