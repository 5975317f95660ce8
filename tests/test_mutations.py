"""The checker of handwritten pages against pages with known slips, and the pages' own correctness."""

from __future__ import annotations

import argparse
import ast
import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from random import Random

import mpmath
import pytest
from page_maker import (
    FORMULAS,
    G,
    Hand,
    Key,
    Leaf,
    Plan,
    Slip,
    label,
    make_plan,
    read_back,
    spec,
    unit,
    work,
)
from page_slips import (
    CLOSE,
    CORRECT,
    FOLLOWS,
    LISTED,
    NOT_CARRIED,
    SLIP,
    SQUARE_CAUSES,
    Case,
    added,
    causes_that_fit,
    draw_case,
    draw_groups,
    draw_two,
)

from optlab import byhand
from optlab.spec.read import parse

NAMED = set(LISTED) | SQUARE_CAUSES
"""The causes of the list; any other that is told is of a kind outside it."""

# The maker of pages


def exactly(plan: Plan, name: str) -> dict[tuple[int, str], mpmath.mpf]:
    """A parameter's lines from sums written out, not step by step, to 50 digits."""
    number = {key: mpmath.mpf(str(value)) for key, value in plan.settings.items()}
    g = [mpmath.mpf(str(value)) for value in plan.gradients[name]]
    lr, beta, eps = (number.get(key, mpmath.mpf(0)) for key in ("lr", "beta", "eps"))
    b1, b2 = number.get("beta1", beta), number.get("beta2", beta)
    x, found = mpmath.mpf(str(plan.start[name])), {}
    for t in range(1, plan.steps + 1):
        past = list(enumerate(g[:t], start=1))
        heavy = sum(beta ** (t - i) * gi for i, gi in past)
        mean = (1 - b1) * sum(b1 ** (t - i) * gi for i, gi in past)
        spread = (1 - b2) * sum(b2 ** (t - i) * gi * gi for i, gi in past)
        m_hat, v_hat = mean / (1 - b1**t), spread / (1 - b2**t)
        rate = lr * mpmath.sqrt(1 - b2**t) / (1 - b1**t)
        states = {
            "sgd": {},
            "momentum": {"v": lr * heavy},
            "momentum_pytorch": {"v": heavy},
            "nesterov": {"v": heavy},
            "rmsprop": {"s": spread},
            "rmsprop_pytorch": {"s": spread},
            "adam": {"m": mean, "v": spread, "m_hat": m_hat, "v_hat": v_hat},
            "adam_eps_hat": {"m": mean, "v": spread, "lr_t": rate},
        }[plan.rule]
        x -= {
            "sgd": lr * g[t - 1],
            "momentum": lr * heavy,
            "momentum_pytorch": lr * heavy,
            "nesterov": lr * g[t - 1] + lr * beta * heavy,
            "rmsprop": lr * g[t - 1] * (spread + eps) ** mpmath.mpf("-0.5"),
            "rmsprop_pytorch": lr * g[t - 1] / (spread ** mpmath.mpf("0.5") + eps),
            "adam": lr * m_hat / (v_hat ** mpmath.mpf("0.5") + eps),
            "adam_eps_hat": rate * mean / (spread ** mpmath.mpf("0.5") + eps),
        }[plan.rule]
        found |= {(t, line): value for line, value in (states | {"x": x}).items()}
    return found


@pytest.mark.parametrize("rule", FORMULAS)
def test_the_students_values_are_those_of_sums_written_out(rule: str) -> None:
    rng = Random(f"values {rule}")
    with mpmath.workdps(50):
        for _ in range(20):
            plan = make_plan(rng, [rule])
            page = work(replace(plan, hand=replace(plan.hand, carried=False), parts=()))
            for name in plan.names:
                for (t, line), value in exactly(plan, name).items():
                    shared = line == "lr_t"
                    ours = page.at((t, line, None if shared else name)).used
                    assert abs(mpmath.mpf(str(ours)) - value) < mpmath.mpf("1e-40")


TORCH = {
    "sgd": ("SGD", {}),
    "momentum": ("SGD", {"momentum": "beta"}),
    "momentum_pytorch": ("SGD", {"momentum": "beta"}),
    "nesterov": ("SGD", {"momentum": "beta", "nesterov": True}),
    "rmsprop_pytorch": ("RMSprop", {"alpha": "beta", "eps": "eps"}),
    "adam": ("Adam", {"betas": ("beta1", "beta2"), "eps": "eps"}),
}


@pytest.mark.parametrize("rule", TORCH)
def test_the_students_answers_are_those_of_torch(rule: str) -> None:
    torch = pytest.importorskip("torch")
    rng = Random(f"torch {rule}")
    name, options = TORCH[rule]
    for _ in range(20):
        plan = make_plan(rng, [rule])

        def setting(value: object, plan: Plan = plan) -> object:
            if isinstance(value, tuple):
                return tuple(float(plan.settings[key]) for key in value)
            return float(plan.settings[value]) if isinstance(value, str) else value

        made = {key: setting(value) for key, value in options.items()}
        start = [float(value) for value in plan.start.values()]
        x = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        optimizer = getattr(torch.optim, name)([x], lr=float(plan.settings["lr"]), **made)
        page = work(replace(plan, hand=replace(plan.hand, carried=False)))
        for t in range(1, plan.steps + 1):
            gradient = [float(plan.gradients[name][t - 1]) for name in plan.names]
            x.grad = torch.tensor(gradient, dtype=torch.float64)
            optimizer.step()
            ours = [float(page.at((t, "x", name)).used) for name in plan.names]
            assert x.tolist() == pytest.approx(ours, rel=1e-12, abs=1e-12)


def test_the_students_answers_are_those_of_optax() -> None:
    optax = pytest.importorskip("optax")
    import jax
    import jax.numpy as jnp

    rng = Random("optax")
    with jax.enable_x64(True):
        for _ in range(10):
            plan = make_plan(rng, ["rmsprop"])
            number = {key: float(value) for key, value in plan.settings.items()}
            tool = optax.rmsprop(number["lr"], decay=number["beta"], eps=number["eps"])
            x = jnp.array([float(value) for value in plan.start.values()])
            state = tool.init(x)
            page = work(replace(plan, hand=replace(plan.hand, carried=False)))
            for t in range(1, plan.steps + 1):
                g = jnp.array([float(plan.gradients[name][t - 1]) for name in plan.names])
                change, state = tool.update(g, state, x)
                x = optax.apply_updates(x, change)
                ours = [float(page.at((t, "x", name)).used) for name in plan.names]
                assert x.tolist() == pytest.approx(ours, rel=1e-12, abs=1e-12)


def test_two_ways_of_rounding_stay_near_each_other() -> None:
    """Carried and honest pages of one plan differ by rounding only."""
    rng = Random("ways")
    for _ in range(40):
        plan = make_plan(rng)
        honest, carried = (
            work(replace(plan, hand=replace(plan.hand, carried=way))) for way in (False, True)
        )
        for key in plan.places():
            a, b = honest.at(key).used, carried.at(key).used
            assert abs(a - b) <= Decimal("0.1") * max(abs(a), Decimal("0.1")), (key, a, b)


def test_the_makers_know_nothing_of_the_package() -> None:
    for module in ("page_maker", "page_slips"):
        tree = ast.parse(Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8"))
        imported = {
            node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
        }
        imported |= {n.name for node in ast.walk(tree) if isinstance(node, ast.Import) for n in node.names}  # fmt: skip
        assert not any(name.split(".")[0] == "optlab" for name in imported)


ONE = {"w1": Decimal("0.5")}
ASSIGNMENT = Plan(
    "rmsprop",
    {"lr": Decimal("0.1"), "beta": Decimal("0.9"), "eps": Decimal("1e-8")},
    ONE,
    {"w1": (Decimal("-1.2"), Decimal("-0.8"))},
    Hand(digits=4, carried=True, form="chains"),
)


def test_a_page_as_the_assignment_has_it() -> None:
    page = work(ASSIGNMENT)
    assert page.entries[1, "s", "w1"].value == "0.144"
    assert page.entries[1, "x", "w1"].value == "0.8162"
    assert page.entries[2, "s", "w1"].value == "0.1936"
    assert page.entries[2, "x", "w1"].value == "0.998"
    assert page.entries[2, "s", "w1"].text.startswith("(0.9)(0.144) + (1 - 0.9)(")
    assert page.entries[2, "s", "w1"].text.endswith(" = 0.1296 + 0.064 = 0.1936")
    tidy = spec(page).replace(" / ", "/")
    assert "rmsprop 1 w1: 0.5 + (0.1)(1.2)/√(0.144 + 1e-8)" in tidy


@pytest.mark.parametrize(
    ("carried", "below"), [(True, {FOLLOWS}), (False, {NOT_CARRIED})], ids=["carried", "pen"]
)
def test_what_is_expected_below_a_slip(carried: bool, below: set[str]) -> None:
    """s of step 1 without its square: 0.1 (-1.2) is no square, so 0.1 (1.2) is written."""
    wrong = ("*", ("-", Decimal(1), Leaf("beta")), ("-", Decimal(0), G))
    slip = Slip("lost square", "lost square", tree=wrong, carried=carried)
    key = (1, "s", "w1")
    page = work(ASSIGNMENT, {key: slip})
    case = Case(page, work(ASSIGNMENT))
    assert page.entries[key].value == "0.12"
    assert page.entries[2, "s", "w1"].value == ("0.172" if carried else "0.1936")
    assert page.entries[1, "x", "w1"].value == ("0.8464" if carried else "0.8162")
    expected = case.expected()
    assert expected[key] == {SLIP}
    assert expected[1, "x", "w1"] == expected[2, "s", "w1"] == below
    assert FOLLOWS in expected[2, "x", "w1"] if carried else CLOSE in expected[2, "x", "w1"]


def test_every_slip_is_plain_to_see() -> None:
    """What is written stands two hundredths, and twenty units of its last digit, from the right."""
    rng = Random("plain")
    for group in draw_groups(rng, 46):
        case = draw_case(rng, group)
        ((key, slip),) = case.slips.items()
        value, right = (read_back(page.entries[key].value) for page in (case.page, case.clean))
        assert abs(value - right) > 20 * unit(case.page.entries[key].value)
        assert abs(value - right) > Decimal("0.02") * max(abs(value), abs(right))
        assert (slip.cause is not None) == (group in LISTED)


# What the checker says of a page


@dataclass(frozen=True)
class Said:
    verdict: str
    cause: str | None
    expected: str
    detail: str


def check(case: Case) -> dict[Key, Said]:
    """The checker's verdict on every line of a page, by the place that the maker knows it by."""
    found = {}
    for checked in byhand.check(parse(spec(case.page), Path("page.yaml"))):
        entry = checked.as_dict()
        found[entry["key"]] = Said(*(entry[k] for k in ("verdict", "cause", "expected", "detail")))
    keys = {f"{case.plan.rule} {key[0]} {label(key)}": key for key in case.page.entries}
    assert set(found) == set(keys)
    return {keys[words]: said for words, said in found.items()}


@dataclass
class Row:
    """One kind of slip in the table."""

    pages: int = 0
    found: int = 0  # a slip there, and nowhere else
    right: int = 0
    wrong: int = 0
    none: int = 0
    invented: int = 0  # a cause of the list for a kind outside it
    undecidable: int = (
        0  # a kind outside it that writes the number that one of the list would write
    )
    called: int = 0  # of these, called by that cause


@dataclass
class Tally:
    """What came of many pages."""

    rows: dict[str, Row] = field(default_factory=dict)
    lines: Counter[str] = field(default_factory=Counter)  # expected -> as expected, or not
    verdicts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, case: Case, said: dict[Key, Said]) -> None:
        """Count one page."""
        expected = case.expected()
        slipped = {key for key, found in said.items() if found.verdict == SLIP}
        astray = [key for key in said if said[key].verdict not in expected[key]]
        for key, found in said.items():
            self.verdicts[found.verdict] += 1
            for name in (FOLLOWS, NOT_CARRIED, SLIP):
                if expected[key] == {name}:
                    self.lines[name] += 1
                    self.lines[f"{name}, told"] += found.verdict == name
            if expected[key] == CORRECT | {CLOSE}:
                self.lines["untouched"] += 1
                self.lines["untouched, close"] += found.verdict == CLOSE
                self.lines["untouched, told"] += found.verdict in CORRECT
        faults = [f"line {case.plan.rule} {k[0]} {label(k)}: {said[k]}, not {expected[k]}" for k in astray]  # fmt: skip
        for key in case.slips:
            faults += self._add_slip(case, key, said[key], slipped == set(case.slips))
        if not case.slips:
            row = self.rows.setdefault("clean", Row())
            row.pages += 1
            row.found += not astray
        if faults:
            self.failures.append(told(case, said, faults))

    def _add_slip(self, case: Case, key: Key, said: Said, placed: bool) -> list[str]:
        slip, group = case.slips[key], case.group[key]
        row = self.rows.setdefault(group, Row())
        row.pages += 1
        row.found += placed
        if said.verdict != SLIP:
            return []  # told with the lines
        fit, same = causes_that_fit(case, key)
        cause = said.cause if said.cause in NAMED else None
        row.none += cause is None
        if slip.cause is None:
            row.undecidable += bool(fit)
            row.invented += cause is not None and cause not in fit
            row.called += cause in fit
            return [f"invented: {slip.kind} was called {cause}"] * (cause is not None and cause not in fit)  # fmt: skip
        right = cause in same | {slip.cause} | (
            SQUARE_CAUSES if slip.cause in SQUARE_CAUSES else set()
        )
        row.right += right
        row.wrong += cause is not None and not right
        return [] if right else [f"cause: {slip.kind} was called {said.cause} ({said.detail})"]

    def total(self, groups: Iterable[str]) -> Row:
        whole = Row()
        for group in groups:
            for name, value in vars(self.rows.get(group, Row())).items():
                setattr(whole, name, getattr(whole, name) + value)
        return whole

    def table(self) -> str:
        """Everything counted, as text."""
        head = ["kind", *vars(Row())]
        rows = [[name, *map(str, vars(row).values())] for name, row in sorted(self.rows.items())]
        named = self.total(LISTED)
        other = self.total(set(self.rows) - set(LISTED) - {"clean"})
        rows += [["of the list", *map(str, vars(named).values())]]
        rows += [["outside it", *map(str, vars(other).values())]]
        wide = max(len(row[0]) for row in [head, *rows])
        lines = ["  ".join([row[0].ljust(wide), *(c.rjust(11) for c in row[1:])]) for row in [head, *rows]]  # fmt: skip
        lines += ["", *(f"{name}: {count}" for name, count in sorted(self.lines.items()))]
        lines += [
            "",
            *(f"verdict {name}: {count}" for name, count in sorted(self.verdicts.items())),
        ]
        return "\n".join(lines)


def told(case: Case, said: dict[Key, Said], faults: list[str]) -> str:
    """A page of which something was not told right, as text to work on."""
    slips = [f"slip at {k[0]} {label(k)}: {s.kind} ({s.cause}){'' if s.carried else ', of the pen'}; "
             f"right: {case.clean.entries[k].text}" for k, s in case.slips.items()]  # fmt: skip
    hand = case.plan.hand
    how = (
        f"{hand.digits} {hand.counting}, {hand.rounding}, {'carried' if hand.carried else 'honest'}"
    )
    found = [f"  {k[0]} {label(k)}: {s.verdict}{f' ({s.cause})' if s.cause else ''}" for k, s in said.items()]  # fmt: skip
    return "\n".join([*faults, *slips, how, "```yaml", spec(case.page) + "```", *found])


def clean_case(rng: Random) -> Case:
    page = work(make_plan(rng))
    return Case(page, page)


def tally_of(cases: Iterable[Case]) -> Tally:
    tally = Tally()
    for case in cases:
        try:
            said = check(case)
        except Exception:  # told with the page; no page may end so
            tally.lines["crashed"] += 1
            tally.failures.append(f"{traceback.format_exc()}\n```yaml\n{spec(case.page)}```")
            continue
        tally.add(case, said)
    return tally


def slip_cases(seed: int, count: int) -> Iterable[Case]:
    rng = Random(f"slips {seed}")
    return (draw_case(rng, group) for group in draw_groups(rng, count))


def clean_cases(seed: int, count: int) -> Iterable[Case]:
    rng = Random(f"clean {seed}")
    return (clean_case(rng) for _ in range(count))


def two_slip_cases(seed: int, count: int) -> Iterable[Case]:
    rng = Random(f"two {seed}")
    return (draw_two(rng) for _ in range(count))


def assert_clean(tally: Tally) -> None:
    assert tally.lines["crashed"] == 0, tally.failures[0]
    assert tally.verdicts.keys() <= CORRECT | {CLOSE}, tally.failures[0]
    assert tally.lines["untouched, close"] <= 0.01 * tally.lines["untouched"], tally.table()


def assert_found(tally: Tally, found: float, below: float = 0.99, pen: float = 0.95) -> None:
    """A share of `found` of the pages with each slip at its line and at no other, and of the lines
    below it that use it (`below`), or could have (`pen`), told as such."""
    whole = tally.total(tally.rows)
    assert tally.lines["crashed"] == 0, tally.failures[0]
    assert whole.found >= found * whole.pages, tally.table()
    assert tally.lines[f"{SLIP}, told"] >= found * tally.lines[SLIP], tally.table()
    for name, share in ((FOLLOWS, below), (NOT_CARRIED, pen)):
        assert tally.lines[f"{name}, told"] >= share * tally.lines[name], tally.table()


def assert_named(tally: Tally, right: float = 0.8, invented: float = 0.05) -> None:
    """Causes of the list named for slips of the list, and not for others."""
    named, other = tally.total(LISTED), tally.total(set(tally.rows) - set(LISTED) - {"clean"})
    assert named.right >= right * named.pages, tally.table()
    assert other.invented <= invented * (other.pages - other.undecidable), tally.table()


def test_clean_pages_have_no_slips() -> None:
    assert_clean(tally_of(clean_cases(11, 40)))


def test_one_slip_is_found_where_it_is() -> None:
    tally = tally_of(slip_cases(11, 40))
    assert_found(tally, 0.97, below=0.97, pen=0.9)
    assert_named(tally, right=0.75, invented=0.1)


@pytest.mark.slow
def test_two_slips_are_told_from_what_follows() -> None:
    assert_found(tally_of(two_slip_cases(11, 15)), 0.95, below=0.97)


def test_a_slip_of_the_pen_is_not_carried() -> None:
    rng = Random("pen")
    tally = tally_of(draw_case(rng, group, pen=True) for group in draw_groups(rng, 22))
    assert tally.lines[NOT_CARRIED] >= 10
    assert_found(tally, 0.95, pen=0.9)


def test_a_last_digit_that_is_off_is_no_slip() -> None:
    """One unit of the last of four digits or more: close, or right where both ways of rounding meet."""
    rng, verdicts = Random("last digit"), Counter[str]()
    while verdicts.total() < 30:
        plan = make_plan(rng)
        digits = max(4, plan.hand.digits)
        hand = replace(plan.hand, form="values", zeros=True, digits=digits, scientific=False)
        plan = replace(plan, hand=hand)
        clean = work(plan)
        key = rng.choice(sorted(clean.entries, key=str))
        if len(clean.entries[key].value.strip("-0.").replace(".", "")) < 4:
            continue
        off = Slip("last digit", None, rewrite=added(rng.choice([-1, 1]), 0))
        said = check(Case(work(plan, {key: off}), clean))
        assert SLIP not in {found.verdict for found in said.values()}, (spec(clean), key, said)
        verdicts[said[key].verdict] += 1
    assert verdicts.keys() <= CORRECT | {CLOSE}
    assert verdicts[CLOSE] > 15, verdicts


@pytest.mark.slow
def test_a_thousand_clean_pages() -> None:
    assert_clean(tally_of(clean_cases(1, 1000)))


@pytest.mark.slow
def test_a_thousand_pages_with_one_slip() -> None:
    tally = tally_of(slip_cases(1, 1000))
    assert_found(tally, 0.99)
    assert_named(tally)


@pytest.mark.slow
def test_three_hundred_pages_with_two_slips() -> None:
    assert_found(tally_of(two_slip_cases(1, 300)), 0.99)


def main() -> None:
    """Print what the checker says of many pages, and write those that it does not judge rightly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument(
        "--failures", type=Path, help="a Markdown file for the pages judged wrongly"
    )
    options = parser.parse_args()
    texts = []
    for name, cases in (
        ("clean pages", clean_cases(options.seed, options.pages)),
        ("pages with one slip", slip_cases(options.seed, options.pages)),
        ("pages with two slips", two_slip_cases(options.seed, options.pages * 3 // 10)),
    ):
        tally = tally_of(cases)
        print(f"# {name}\n\n{tally.table()}\n", flush=True)
        texts += [f"# {name}: {len(tally.failures)} not judged rightly\n\n```\n{tally.table()}\n```\n"]  # fmt: skip
        texts += [f"## {name} {i}\n\n{text}\n" for i, text in enumerate(tally.failures, start=1)]
    if options.failures:
        options.failures.write_text("\n".join(texts), encoding="utf-8")


if __name__ == "__main__":
    main()
