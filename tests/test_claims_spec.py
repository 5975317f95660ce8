"""Claims: two ways to write one thing, and what is said of mistakes, to the letter."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from optlab.errors import Faults, SpecError
from optlab.measures import MEASURES, WORDS
from optlab.nodes import compose
from optlab.spec import Claim, Side, parse
from optlab.spec.claims import claims
from optlab.spec.scope import ATTRIBUTES, ILL_CONDITIONED, groups
from optlab.spec.sentences import CLAUSES, EVENTS, PATTERNS

PAGE = Path(__file__).parents[1] / "docs" / "spec.md"

SPEC = """title: t
steps: 5
targets: {gap_over_start: [1e-3, 1e-6]}
problems:
  - bowl: {use: quadratic, condition: 10}
  - narrow: {use: quadratic, condition: 1000, rotated: true}
  - digits-mlp: {use: mlp, data: iris, batch: 10, targets: {test_accuracy: 0.9}}
  - rosenbrock
  - aside: {use: quadratic, optimizers: [sgd, adam]}
  - given: {use: recorded_gradients, start: {w: 1}, w: [1, 2]}
optimizers:
  - sgd: {lr: [0.1, 0.2]}
  - momentum: {lr: [0.1, 0.2]}
  - adam: {lr: [0.1, 0.2]}
  - sprig: {use: rmsprop}
"""

EXPERIMENT = parse(SPEC, Path("s.yaml"))
FOUR = ("bowl", "narrow", "digits-mlp", "rosenbrock")
SCORED = ("bowl", "narrow", "rosenbrock")


def judged(
    text: str, tasks: Any = EXPERIMENT.tasks, contenders: Any = EXPERIMENT.contenders
) -> tuple[tuple[Claim, ...], list[str]]:
    root = compose(text, "s.yaml").value
    faults = Faults()
    named = groups(root.get("groups"), tasks, faults)
    found = claims(root.get("claims"), tasks, contenders, named, faults)
    return found, [f"{f.line}:{f.column}: {f.path}: {f.message}" for f in sorted(faults.found)]


def one(written: Any, **where: Any) -> Claim:
    """The claim of a sentence or of keys, without a fault."""
    text = yaml.safe_dump(
        {"groups": {"hard": ["narrow", "rosenbrock"]}, "claims": [written]}, allow_unicode=True
    )
    if where:
        text = yaml.safe_dump({"claims": [written]}, allow_unicode=True)
    found, faults = judged(text, **where)
    assert faults == []
    return found[0]


def fault(written: Any) -> str:
    _, [message] = judged(yaml.safe_dump({"claims": [written]}))
    return message.split(": ", 2)[2]


# --- sentences ---

BOTH = ("steps_reached", "steps_held")
SGD, MOMENTUM, ADAM, SPRIG = (Side(name) for name in ("sgd", "momentum", "adam", "sprig"))

SAID: list[tuple[str, dict[str, Any]]] = [
    ("adam is faster than sgd on bowl", {}),
    ("adam is the fastest on bowl", {"others": (SGD, MOMENTUM, SPRIG)}),
    ("sgd is slower than adam on bowl", {}),
    ("adam is at least 1.5 times faster than sgd on bowl", {"margin": 1.5}),
    ("sgd is at least 2 times slower than adam on bowl", {"margin": 2.0}),
    ("adam reaches the target sooner than sgd on bowl", {"measures": BOTH[:1]}),
    ("adam holds gap_over_start 1e-6 sooner than sgd on bowl",
     {"measures": BOTH[1:], "target": "gap_over_start <= 1e-06"}),
    ("adam reaches the target first on bowl",
     {"measures": BOTH[:1], "others": (SGD, MOMENTUM, SPRIG)}),
    ("adam holds gap_over_start <= 1e-6 first on bowl",
     {"measures": BOTH[1:], "others": (SGD, MOMENTUM, SPRIG), "target": "gap_over_start <= 1e-06"}),
    ("adam is more stable than sgd by overshoot on bowl", {"measures": ("overshoot",)}),
    ("adam is the most stable by rate_width on bowl",
     {"measures": ("rate_width",), "others": (SGD, MOMENTUM, SPRIG)}),
    ("sgd is less stable than adam by rate width on bowl", {"measures": ("rate_width",)}),
    ("adam is better than default sgd by gap on bowl",
     {"measures": ("gap",), "others": (Side("sgd", "default"),)}),
    ("tuned adam beats sprig, sgd and momentum by loss on bowl",
     {"measures": ("loss",), "others": (SGD, MOMENTUM, SPRIG)}),
    ("adam is the best by gap on bowl", {"measures": ("gap",), "others": (SGD, MOMENTUM, SPRIG)}),
    ("sgd is worse than adam by gap on bowl", {"measures": ("gap",)}),
    ("adam overshoots less than sgd on bowl", {"measures": ("overshoot",)}),
    ("sgd spikes more than adam on bowl", {"measures": ("spikes",)}),
    ("adam never diverges on bowl", {"kind": "never", "others": (), "measures": ("diverged",)}),
    ("adam may oscillate above 0.05 on bowl",
     {"kind": "sometimes", "others": (), "measures": ("oscillation",), "margin": 0.05}),
    ("adam and sgd are equivalent by gap within 1.5 on bowl",
     {"kind": "equivalent", "a": SGD, "others": (ADAM,), "measures": ("gap",), "margin": 1.5}),
    ("ADAM  is faster than\tSgd on Bowl (alpha 0.01, min_seeds 20).".replace("\t", " "),
     {"alpha": 0.01, "min_seeds": 20}),
    ("adam is faster than sgd (margin 1.2) to gap_over_start <= 0.001 on bowl by steps_held",
     {"measures": BOTH[1:], "margin": 1.2, "target": "gap_over_start <= 0.001"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), SAID, ids=[text for text, _ in SAID])
def test_a_sentence_says(text: str, says: dict[str, Any]) -> None:
    plain = Claim(text, "better", ADAM, (SGD,), BOTH, ("bowl",))
    assert one(text) == replace(plain, **says)


def test_every_form_is_tried_above() -> None:
    for pattern in PATTERNS:
        words = re.sub(r"\[.*?\] ", "", pattern.form)
        shape = re.sub(r"\b[A-Z]+\b", r".+", words).replace(".+ .+", ".+")
        assert any(re.match(shape, text.strip()) for text, _ in SAID), pattern.form


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("adam is faster than all others", {"better": "adam", "than": "all", "metric": "fast"}),
        ("momentum is faster than sgd by steps_held on hard",
         {"better": "momentum", "than": "sgd", "metric": "steps_held", "problems": "hard"}),
        ("sgd beats default adam by gap (margin 2)",
         {"better": "tuned sgd", "than": [{"default": "adam"}], "metric": "gap", "margin": 2}),
        ("sprig and adam are equivalent by test_accuracy within 0.006 on digits-mlp",
         {"equivalent": ["sprig", "adam"], "metric": "test_accuracy", "problems": "digits-mlp",
          "within": 0.006}),
        ("adam and sprig are equivalent by gap", {"equivalent": ["sprig", "adam"], "metric": "gap"}),
        ("sprig never overshoots (at_most 0.2)",
         {"never": "sprig", "metric": "overshoot", "above": 0.01, "at_most": 0.2}),
        ("sprig may overshoot", {"sometimes": "sprig", "metric": "overshoot"}),
        ("adam is faster than sgd to gap_over_start 1e-6 on narrow and bowl",
         {"better": "adam", "than": "sgd", "metric": ["steps_held", "steps_reached"],
          "target": {"gap_over_start": 1e-6}, "problems": ["bowl", "narrow"]}),
    ],
)  # fmt: skip
def test_words_and_keys_are_one_claim(text: str, keys: dict[str, Any]) -> None:
    said = one(keys)
    assert one(text).id == said.id
    assert one(said.text) == said


def test_what_makes_another_claim_has_another_id() -> None:
    texts = [text for text, _ in SAID if "ADAM" not in text]
    same = {
        "sgd is slower than adam on bowl",
        "adam overshoots less than sgd on bowl",
    }
    different = [one(text).id for text in texts if text not in same]
    assert len(set(different)) == len(different)


def test_own_wording_is_kept_and_changes_nothing() -> None:
    keys = {"never": "sgd", "metric": "diverged"}
    assert one({**keys, "text": "small steps are safe"}).text == "small steps are safe"
    assert one({**keys, "text": "small steps are safe"}).id == one(keys).id


@pytest.mark.parametrize(
    ("clause", "problems"),
    [
        ("", FOUR),
        (" on hard", ("narrow", "rosenbrock")),
        (" on hard and bowl", SCORED),
        (" on convex", ("bowl", "narrow")),
        (" on convex problems", ("bowl", "narrow")),
        (" on not convex", ("digits-mlp", "rosenbrock")),
        (" on separable", ("bowl",)),
        (" on ill-conditioned", ("narrow",)),
        (" on not ill-conditioned problems", ("bowl",)),
        (" on quadratic", ("bowl", "narrow")),
        (" on stochastic", ("digits-mlp",)),
        (" on not stochastic", SCORED),
    ],
)
def test_problems_are_chosen(clause: str, problems: tuple[str, ...]) -> None:
    assert one(f"momentum is faster than sgd{clause}").problems == problems
    if clause.strip():
        words = clause.removeprefix(" on ").removesuffix(" problems").split(" and ")
        keys = {"better": "momentum", "than": "sgd", "metric": "fast"}
        assert one({**keys, "problems": words}).problems == problems
        assert one({**keys, "problems": words[0] if len(words) == 1 else words}).id


def test_a_claim_is_told_where_it_can_be() -> None:
    # `aside` runs only two of them; the list of gradients is no race; a network's minimum is unknown.
    assert one("adam is faster than sgd").problems == (*FOUR, "aside")
    assert one("adam beats sgd by gap").problems == (*SCORED, "aside")
    assert one("adam beats sgd by test_accuracy").problems == ("digits-mlp",)
    assert one("adam is faster than sgd to gap_over_start 1e-6").problems == (*SCORED, "aside")


# --- names of the user's making ---


def _renamed(optimizers: list[str], problems: list[str]) -> dict[str, Any]:
    return {
        "contenders": tuple(
            replace(c, name=n) for c, n in zip(EXPERIMENT.contenders, optimizers, strict=False)
        ),
        "tasks": tuple(
            replace(t, name=n, optimizers=tuple(optimizers))
            for t, n in zip(EXPERIMENT.tasks, problems, strict=False)
        ),
    }


def test_a_name_may_hold_another_and_be_a_word() -> None:
    where = _renamed(["adam", "adam w", "and", "adam-w"], ["on bowl", "bowl"])
    assert one("adam w is faster than adam", **where).a == Side("adam w")
    assert one("adam-w is faster than adam w on on bowl", **where).problems == ("on bowl",)
    assert one("adam-w is faster than adam and and", **where).others == (Side("adam"), Side("and"))
    assert one("and and adam are equivalent by gap", **where).others == (Side("and"),)


def test_what_can_be_read_in_two_ways_is_told_and_quotes_decide() -> None:
    where = _renamed(["adam", "default adam", "sgd"], ["bowl"])
    _, [message] = judged("claims: [default adam beats sgd by gap]", **where)
    assert message == (
        "1:10: claims[0]: can be read in 2 ways, because a name is also a word; put names in quotes, "
        "as in \"'my adam' beats 'sgd' by gap\", or write keys: {better: ..., than: [...], metric: ...}"
    )
    assert one("'default adam' beats sgd by gap", **where).a == Side("default adam")
    assert one("default 'adam' beats sgd by gap", **where).a == Side("adam", "default")
    keys = {"than": "sgd", "metric": "gap"}
    assert one({"better": "default adam", **keys}, **where).a == Side("default adam")
    assert one({"better": {"default": "adam"}, **keys}, **where).a == Side("adam", "default")


NAMES = st.lists(
    st.one_of(
        st.sampled_from(
            ["adam", "sgd", "default adam", "tuned", "and", "all", "all others", "on", "by", "is",
             "than", "the best", "faster than sgd", "sgd on bowl", "a, b", "it's", "'q'", 'say "x"',
             "sgd.", "(x)", "convex", "not convex", "problems", "bowl problems", "never", "1.5",
             "Adam", "ADAM", "within 2", "gap", "by gap", "to gap <= 1e-06", "über", "İ", "x - y"]
        ),
        st.text("ab ',.", min_size=1, max_size=6).filter(str.strip),
    ),
    min_size=3, max_size=3, unique=True,
)  # fmt: skip


@st.composite
def _keys(draw: st.DrawFn, optimizers: list[str], problems: list[str]) -> dict[str, Any]:
    kind = draw(st.sampled_from(["better", "equivalent", "never", "sometimes"]))
    order = draw(st.permutations(optimizers))
    sides = [{draw(st.sampled_from(["tuned", "default"])): name} for name in order]
    keys: dict[str, Any] = {kind: sides[0]}
    alone = kind in ("never", "sometimes")
    known = {n: m for n, m in MEASURES.items() if "accuracy" not in n and n != "test_loss"}
    fit = EVENTS.values() if alone else (n for n, m in known.items() if not m.profile)
    metric = draw(st.sampled_from([*fit, *([] if alone else ["fast"])]))
    keys["metric"] = metric
    measure = MEASURES[WORDS[metric][0] if metric in WORDS else metric]
    if kind == "better":
        keys["than"] = draw(st.one_of(st.just("all"), st.just(sides[1:]), st.just(sides[1:2])))
    if kind == "equivalent":
        keys[kind] = sides[:2]
    margin = {"better": "margin", "equivalent": "within"}.get(kind, "above")
    needed = kind == "equivalent" and measure.margin == 0
    if needed or (draw(st.booleans()) and not (alone and measure.name == "diverged")):
        least = 1.0 if measure.scale == "ratio" else 0.0
        keys[margin] = least + draw(st.floats(1e-9, 1e6))
    if draw(st.booleans()) and measure.timed:
        keys["target"] = draw(
            st.sampled_from(["gap_over_start <= 0.001", {"gap_over_start": 1e-6}])
        )
    if draw(st.booleans()):
        keys["problems"] = draw(st.lists(st.sampled_from(problems), min_size=1, unique=True))
    if draw(st.booleans()):
        keys["alpha"] = draw(st.floats(1e-9, 0.49))
    if draw(st.booleans()):
        keys["min_seeds"] = draw(st.integers(6, 10**6))
    if alone and draw(st.booleans()):
        keys["at_most"] = draw(st.floats(1e-9, 0.99))
    return keys


@settings(deadline=None, derandomize=True, max_examples=300)
@given(optimizers=NAMES, problems=NAMES, data=st.data())
def test_the_sentence_of_keys_reads_as_the_same_claim(
    optimizers: list[str], problems: list[str], data: st.DataObject
) -> None:
    bowls = SimpleNamespace(tasks=EXPERIMENT.tasks[:2] + EXPERIMENT.tasks[3:4])
    where = {
        "contenders": tuple(
            replace(c, name=n) for c, n in zip(EXPERIMENT.contenders, optimizers, strict=False)
        ),
        "tasks": tuple(
            replace(t, name=n, optimizers=tuple(optimizers))
            for t, n in zip(bowls.tasks, problems, strict=True)
        ),
    }
    keys = data.draw(_keys(optimizers, problems))
    said = one(keys, **where)
    assert one(said.text, **where) == said


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    st.lists(
        st.sampled_from(
            ["adam", "sgd", "sprig", "is", "faster", "than", "the", "never", "diverges", "by", "gap",
             "on", "bowl", "hard", "and", ",", "(", "alpha", "0.1", ")", "all", "others", "to", "'",
             "default", "best", "within", "adm", "."]
        ), min_size=1, max_size=12,
    ).map(" ".join)
)  # fmt: skip
def test_any_words_are_a_claim_or_a_fault(text: str) -> None:
    found, faults = judged(yaml.safe_dump({"claims": [text]}))
    assert bool(found) != bool(faults)


# --- mistakes ---

WRONG = """groups:
  bowl: [narrow]
  hard: [narow]
claims:
  - momentun is faster than sgd
  - adam is quicker than sgd
  - adam beats sgd
  - adam is faster than sgd in bowl
  - adam is faster than adam
  - adam never wobbles
  - adam is at least 0.5 times faster than sgd
  - adam is faster than sgd on bwol
  - {better: adam, then: sgd, metric: gap}
  - {better: adam, than: sgd, metric: gapp, problems: bwol}
  - {better: adam, than: [sgd, sgd], metric: gap, within: 2}
  - {better: momentum, than: sgd, metric: fast, problems: [aside, given]}
  - {better: adam, than: sgd, metric: test_accuracy, problems: all}
  - {equivalent: [adam, sgd], metric: gap, within: 1, alpha: 2, min_seeds: 5}
  - {never: adam, metric: gap}
  - {never: adam, metric: diverged, above: 0.5}
  - adam is more stable than default sgd by rate_width
  - adam is faster than sgd to gap_over_start 1e-5
  - sgd is faster than adam
  - {better: sgd, than: adam, metric: fast}
"""


def test_a_block_of_mistakes_is_told_at_once() -> None:
    accuracy = "'{}' does not record `test_accuracy`"
    assert judged(WRONG)[1] == [
        "2:3: groups.bowl: 'bowl' names a problem already",
        "3:10: groups.hard[0]: no problem named 'narow'; did you mean 'narrow'?",
        "5:5: claims[0]: no optimizer named 'momentun'; did you mean 'momentum'?",
        "6:5: claims[1]: not understood from 'quicker than sgd' on; the nearest forms: "
        "`A is [at least N times] faster than OTHERS`, `A is [at least N times] slower than B`, "
        "`A is better than OTHERS`",
        "7:5: claims[2]: by which measure? say `by gap` or another of: " + ", ".join(MEASURES),
        "8:5: claims[3]: not understood from 'in bowl' on; there may stand "
        + ", ".join(f"`{clause}`" for clause in CLAUSES),
        "9:5: claims[4]: 'adam' stands on both sides",
        "10:5: claims[5]: not understood from 'wobbles' on; the nearest forms: `A never DOES` "
        "(DOES: diverges, overshoots, rises, oscillates, spikes)",
        "11:5: claims[6]: 0.5: `margin` is a factor for `steps_reached`, at least 1",
        "12:5: claims[7]: no problem named 'bwol'; did you mean 'bowl'?",
        "13:6: claims[8].better: better than which? give `than: sgd`, a list, or `than: all`",
        "13:20: claims[8].then: no such key for `better`; did you mean 'than'?",
        "14:39: claims[9].metric: no measure named 'gapp'; did you mean 'gap'?",
        "14:55: claims[9].problems: no problem named 'bwol'; did you mean 'bowl'?",
        "15:51: claims[10].within: no such key for `better`; it goes with `equivalent`",
        "16:59: claims[11].problems: 'given' is a recorded list of gradients, and no race",
        "16:59: claims[11].problems: 'momentum' does not run on 'aside'",
        f"17:64: claims[12].problems: {accuracy.format('aside')}",
        f"17:64: claims[12].problems: {accuracy.format('bowl')}",
        "17:64: claims[12].problems: 'given' is a recorded list of gradients, and no race",
        f"17:64: claims[12].problems: {accuracy.format('narrow')}",
        f"17:64: claims[12].problems: {accuracy.format('rosenbrock')}",
        "18:52: claims[13].within: 1: `within` is a factor for `gap`, more than 1",
        "18:62: claims[13].alpha: 2 is not between 0 and 0.5",
        "18:76: claims[13].min_seeds: 5 is not a whole number of at least 6: "
        "from fewer seeds no test can tell",
        "19:27: claims[14].metric: `never` is about what a single run does: diverged (diverges), "
        "overshoot (overshoots), rises (rises), oscillation (oscillates), spikes (spikes); `gap` is "
        "not one of them",
        "20:44: claims[15].above: a run diverges or does not; leave `above` out",
        "21:5: claims[16]: `rate_width` is about the rates around the tuned setting; it has no value "
        "at the default one",
        "22:5: claims[17]: no target 'gap_over_start <= 1e-05' in this file; did you mean "
        "'gap_over_start <= 1e-06'?",
        "24:5: claims[19]: the same claim as on line 23; keep one of the two",
    ]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (5, "a claim is a sentence, as in `adam is faster than sgd`, or keys, as in "
            "`{better: adam, than: sgd, metric: gap}`"),
        ({"bettr": "adam"}, "a claim in keys has one of `better` or `equivalent` or `never` or "
                            "`sometimes`; did you mean 'better'?"),
        ({"equivalent": ["adam"], "metric": "gap"},
         "give two optimizers, as in `equivalent: [adam, sgd]`"),
        ({"equivalent": ["adam", "sgd"], "metric": "diverged"},
         "how near is equal? give `within` for `diverged`"),
        ({"better": "adam", "than": "sgd", "metric": ["gap", "loss"]},
         "one measure a claim, or steps_reached and steps_held; write 2 claims"),
        ({"better": "adam", "than": "sgd", "metric": "gap", "target": {"gap_over_start": 1e-3}},
         "`gap` is no time to a target; leave the target out"),
        ({"better": "adam", "than": "sgd", "metric": "gap", "margin": "big"}, "'big' is not a number"),
        ({"better": "adam", "than": "sgd", "metric": "gap", "margin": float("nan")},
         "nan: `margin` is a factor for `gap`, at least 1"),
        ({"better": "adam", "than": "sgd", "metric": "overshoot", "margin": -1},
         "-1: `margin` is a difference in starting gaps for `overshoot`, at least 0"),
        ("sprig is better than default sprig by loss",
         "'sprig' has nothing to tune, so that tuned and default are the same runs"),
        ("adam is faster than sgd by gap", "`gap` is not one of them: faster goes by steps_reached "
                                           "and steps_held; for others say `better ... by`"),
        ("adam beats sgd by gap on convex and bowl", "'convex' stands alone; for several kinds "
                                                     "together name a group under `groups`"),
        ("adam beats sgd by gap within 2", "`within` does not go with `better`; there it is `margin`"),
        ("adam beats sgd by test_accuracy on convex",
         "no problem to tell it on: 'bowl' does not record `test_accuracy`; 'narrow' does not record "
         "`test_accuracy`; 'aside' does not record `test_accuracy`"),
        ("adam is at least 2 times faster than sgd (margin 3)",
         "not understood from '(margin 3)' on; there may stand `by MEASURES`, `to TARGET`, "
         "`within WIDTH`, `above LEVEL`, `on PROBLEMS`, `(OPTIONS)`"),
        ("what is this", "not understood from 'what is this' on; the nearest forms: "
                         "`A is the fastest`, `A is the best`, "
                         "`A is [at least N times] faster than OTHERS`; optimizers: sgd, momentum, adam, sprig"),
    ],
)  # fmt: skip
def test_a_mistake_is_told(written: Any, message: str) -> None:
    assert fault(written) == message


def test_a_long_sentence_is_read_and_a_longer_one_told() -> None:
    many = ",".join(["sgd"] * 245)
    assert fault(f"adam beats {many} by gap") == "'sgd' stands twice"
    assert fault(f"adam beats {many},sgd,sgd by gap").startswith("longer than 1,000 characters")


def test_stable_asks_in_which_sense() -> None:
    message = fault("adam is more stable than sgd")
    assert message.startswith(
        "stable in which sense? say `by overshoot` or another of: S1 diverged: "
    )
    for name, measure in MEASURES.items():
        assert (f"{measure.stability} {name}: {measure.meaning}" in message) == bool(
            measure.stability
        )
    wrong = fault("adam is more stable than sgd by gap")
    assert wrong.startswith("stable in which sense? `gap` is not one of them; say `by overshoot`")


# --- the page ---


def _tables() -> list[list[list[str]]]:
    """The rows of each table under `Claims`, cell by cell, without headings."""
    text = PAGE.read_text(encoding="utf-8").split("\n## Claims\n")[1].split("\n## ")[0]
    found = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    return [
        [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]
        for table in found
    ]


def test_the_page_has_every_form_clause_and_measure() -> None:
    forms, clauses, measures, _ = _tables()
    assert [row[0] for row in forms] == [f"`{pattern.form}`" for pattern in PATTERNS]
    assert [row[0] for row in clauses] == [f"`{clause}`" for clause in CLAUSES]
    assert measures == [
        [f"`{m.name}`", m.meaning, "higher" if m.higher else "lower",
         ("x " if m.scale == "ratio" else "") + f"{m.margin:g}", m.stability]
        for m in MEASURES.values()
    ]  # fmt: skip
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"`{word}`" in text for word in ATTRIBUTES)
    assert f"{ILL_CONDITIONED:g} times apart" in text


def test_the_claims_shown_are_claims() -> None:
    [block] = re.findall(r"```yaml\n(groups:.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    start = """title: t
steps: 5
targets: {gap_over_start: [1e-3, 1e-6]}
problems: [bowl: {use: quadratic}, narrow-bowl: {use: quadratic, condition: 1000}, rosenbrock]
optimizers: [sgd: {lr: [1, 2]}, momentum: {lr: [1, 2]}, rmsprop: {lr: [1, 2]}, adam: {lr: [1, 2]}]
"""
    experiment = parse(start, Path("s.yaml"))
    found, faults = judged(block, experiment.tasks, experiment.contenders)
    assert faults == []
    assert len(found) == 7


def test_faults_of_claims_are_told_beside_those_of_optimizers() -> None:
    """What is claimed of an optimizer that has a fault is no fault; what is wrong besides is told."""
    text = SPEC.replace("- sgd: {lr: [0.1, 0.2]}", "- sgd: {use: sgdd}")
    text += (
        "claims:\n  - sgd is faster than adam\n  - default sgd is faster than sgd\n"
        "  - adma beats sgd by gap\n"
    )
    with pytest.raises(SpecError) as caught:
        parse(text, Path("s.yaml"))
    told = caught.value.lines()
    assert len(told) == 2
    assert "no optimizer named 'sgdd'" in told[0]
    assert "claims[2]" in told[1]
    assert "did you mean 'adam'" in told[1]


def test_without_the_problems_claims_wait() -> None:
    text = (
        SPEC.replace("  - rosenbrock", "  - rosenbrok") + "claims:\n  - adma is faster than sgd\n"
    )
    with pytest.raises(SpecError) as caught:
        parse(text, Path("s.yaml"))
    assert all("claims" not in line for line in caught.value.lines())
