"""A spec file -> Experiment: the one border where input can be wrong.

All faults of a file are told at once, each with its place, its reason and the way out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from optlab import rules
from optlab.errors import Fault, Faults, SpecError
from optlab.nodes import Node, compose, whole
from optlab.problems import METRICS, Problem
from optlab.spec.claims import claims
from optlab.spec.entries import TASK_KEYS, Entry, contender, entries, problem, targets
from optlab.spec.handwritten import read_entries
from optlab.spec.header import MOST_STEPS, Header, read_header
from optlab.spec.imports import imports
from optlab.spec.model import (
    GAPS,
    KINDS,
    STEP_METRICS,
    Claim,
    Contender,
    Experiment,
    Marking,
    Record,
    Seeds,
    Target,
    Task,
    Tuning,
    Written,
)
from optlab.spec.scope import groups
from optlab.spec.search import Protocol, curves, own_name, ranges
from optlab.suggest import meant_or_known

__all__ = ["DEFAULT_TARGET", "read"]

DEFAULT_TARGET = Target("gap_over_start", 1e-3)
"""Where the minimum is known and no target is given: a thousandth of the way left."""

SELECTORS = ("held", "reached", "loss")
"""What a setting can be chosen by on any problem; its own metrics come besides."""

MOST_RUNS = 20_000_000
"""Each run has a row in a table that is held in memory."""


def read(path: str | Path) -> Experiment:
    """Read and check a spec file. SpecError with every fault where it cannot be used."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SpecError(str(path), [Fault(1, 1, "", "no such file")]) from None
    except IsADirectoryError:
        reason = "this is a folder; name a spec file in it"
        raise SpecError(str(path), [Fault(1, 1, "", reason)]) from None
    except UnicodeDecodeError as error:
        byte = f"byte {error.object[error.start]:#04x} at place {error.start + 1}"
        reason = f"is not UTF-8 text ({byte}); save it as UTF-8"
        raise SpecError(str(path), [Fault(1, 1, "", reason)]) from None
    except OSError as error:
        raise SpecError(str(path), [Fault(1, 1, "", f"cannot be read: {error.strerror}")]) from None
    return parse(text, path)


def parse(text: str, path: Path) -> Experiment:
    """The Experiment of a text; `path` names it, and files it uses are looked for beside it."""
    if not path.stem.strip(".") or path.stem.startswith("."):
        # The name becomes a folder's, and `..` is one already: that of all the reports.
        reason = "a spec's name must not begin with a dot; results go to a folder of its name"
        raise SpecError(str(path), [Fault(1, 1, "", reason)])
    if any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in path.name):
        reason = "a spec's name must have no line breaks or control characters; rename the file"
        raise SpecError(str(path), [Fault(1, 1, "", reason)])
    root = compose(text, str(path))
    faults = Faults()
    if not isinstance(root.value, dict):
        faults.add(root, "a spec is keys and values; `optlab new` writes a starter")
        raise SpecError(str(path), faults.found)
    header = read_header(root, faults)
    protocol = _protocol(root, header, faults)
    contenders = [
        c for e in _listed(root, "optimizers", faults)
        if (c := contender(e, path.parent, faults, protocol)) is not None
    ]  # fmt: skip
    names = tuple(e.name for e in _listed(root, "optimizers", Faults()))
    general = targets(root.value.get("targets"), faults)
    listed = _listed(root, "problems", faults)
    made = [_task(e, path.parent, header, general, names, faults) for e in listed]
    tasks = [task for task in made if task is not None]
    before = len(faults.found)
    brought = imports(root.value.get("import"), root, path.parent, general, faults)
    sound = len(tasks) == len(made) and len(faults.found) == before  # every problem is known
    whole = sound and len(contenders) == len(names)
    _check_apart(root, tasks, names, *brought, faults)
    if len(contenders) == len(names):
        _check_used(protocol, contenders, faults)
    tasks, contenders = [*tasks, *brought[0]], [*contenders, *brought[1]]
    if tasks:
        _check_metrics(root, header, tasks, faults)
    if whole:
        _check_select(root, protocol.tuning, tasks, faults)
        _check_only(root, header, tasks, faults)
    if not any(e.origin for e, task in zip(listed, made, strict=True) if task is None):
        _check_kinds(general, tasks, faults)  # else metrics of one's own are not known yet
    if whole and tasks:
        own = {e.name for e in listed if "targets" in e.body}
        racing = [t for t in tasks if t.name not in own and t.problem.longest is None]
        _check_targets(general, racing, faults)
    stated: tuple[Claim, ...] = ()
    written: tuple[Written, ...] = ()
    if whole:
        written = read_entries(
            root.value.get("handwritten"), tuple(tasks), tuple(contenders), faults
        )
    if sound and _all_named(root):
        everyone = [*contenders, *_stand_ins(names, contenders)]
        named = groups(root.value.get("groups"), tuple(tasks), faults)
        stated = claims(root.value.get("claims"), tuple(tasks), tuple(everyone), named, faults)
    if faults.found:
        raise SpecError(str(path), faults.found)
    experiment = _experiment(header, protocol, tasks, contenders, stated, written, text, path)
    if experiment.size > MOST_RUNS:
        faults.add(root.value["optimizers"], f"{experiment.size:,} runs, and the most in one file are "
                   f"{MOST_RUNS:,}; sweep fewer values (`n: 9`), or lower `seeds`")  # fmt: skip
        raise SpecError(str(path), faults.found)
    return experiment


def _all_named(root: Node) -> bool:
    """Whether every problem and optimizer that is listed has a name, whatever else is wrong with it."""
    nameless = Faults()
    for what in ("problems", "optimizers"):
        _listed(root, what, nameless)
    return not nameless.found


def _stand_ins(names: Sequence[str], contenders: Sequence[Contender]) -> list[Contender]:
    """Optimizers that have a name and a fault, so that what is claimed of them is looked at all the same."""
    known = {c.name for c in contenders}
    some = next(iter(rules.REGISTRY.values()))
    return [Contender(name, some, {"lr": (0.1, 1.0)}) for name in names if name not in known]


def _listed(root: Node, what: str, faults: Faults) -> list[Entry]:
    """The entries of `problems` or `optimizers`, which a spec may leave out where it imports runs."""
    found = root.value.get(what)
    if found is None and root.value.get("import") is not None:
        return []
    return entries(found, what, root, faults)


def _check_apart(
    root: Node,
    tasks: list[Task],
    names: tuple[str, ...],
    brought: list[Task],
    arrived: list[Contender],
    faults: Faults,
) -> None:
    """What is imported has names of its own."""
    if not brought:
        return
    problems = [task.name for task in [*tasks, *brought]]
    for what, twice in (
        ("problem", {name for name in problems if problems.count(name) > 1}),
        ("optimizer", {c.name for c in arrived} & set(names)),
    ):
        for name in sorted(twice):
            faults.add(root.value["import"], f"two of a kind: the {what} '{name}' stands in this spec "
                       "and is imported, or is imported twice; rename one of them")  # fmt: skip


def _protocol(root: Node, header: Header, faults: Faults) -> Protocol:
    tuning = None if header.tuning is None else Tuning(header.tuning.trials, header.tuning.select)
    search = root.value.get("search")
    if search is not None and (tuning is None or tuning.trials is None):
        faults.add(search.at_key, "a search needs trials: add `tuning: {trials: 50}`")
    return Protocol(
        tuning, ranges(search, faults), curves(root.value.get("profile"), faults),
        header.seeds.experiment,
    )  # fmt: skip


def _check_used(protocol: Protocol, contenders: list[Contender], faults: Faults) -> None:
    """A range or a curve that no optimizer has a use for would be passed over in silence."""
    known = {name for c in contenders for name in c.optimizer.hypers}
    for name, node in [
        *((name, node) for name, (_, node) in protocol.search.items()),
        *((name, node) for name, (_, node) in protocol.profile.items()),
    ]:
        if all(own_name(name, c.optimizer) is None for c in contenders):
            faults.add(node.at_key, "none of these optimizers has such a hyperparameter"
                       f"{meant_or_known(name, known)}")  # fmt: skip


def _check_select(root: Node, tuning: Tuning | None, tasks: list[Task], faults: Faults) -> None:
    if tuning is None or tuning.select in SELECTORS:
        return
    node = root.at(("tuning", "select"))
    known = (*SELECTORS, *dict.fromkeys(m for task in tasks for m in task.problem.metrics))
    if tuning.select not in known:
        faults.add(node, f"{node.shown} cannot select{meant_or_known(tuning.select, known)}")


def _check_only(root: Node, header: Header, tasks: list[Task], faults: Faults) -> None:
    """One seed alone leaves nothing to choose settings by, and some problems have no usual start."""
    only = header.seeds.only
    if only is None:
        return
    node = root.at(("seeds", "only"))
    for key in ("tuning", "profile"):
        if root.value.get(key) is not None:
            faults.add(node.at_key, f"one seed alone chooses nothing; leave `{key}` or `only` out")
    if root.value.get("claims") is not None:
        faults.add(node.at_key, "one seed alone decides no claim; leave `claims` or `only` out")
    for task in tasks:
        if only.picture is not None and task.problem.usual is None:
            faults.add(node, f"'{task.name}' has no usual start, so no picture; give a seed of "
                       "`evaluate` or `tune`")  # fmt: skip


def _seeds(header: Header) -> Seeds:
    given = header.seeds
    if given.only is None:
        return Seeds(given.evaluate, given.tune, given.experiment)
    [(role, seed)] = given.only.model_dump(exclude_none=True).items()
    return Seeds(1, 1, given.experiment, (role, seed))


def _experiment(
    header: Header,
    protocol: Protocol,
    tasks: list[Task],
    contenders: list[Contender],
    stated: tuple[Claim, ...],
    written: tuple[Written, ...],
    text: str,
    path: Path,
) -> Experiment:
    record = header.record
    metrics = None if record.metrics is None else tuple(record.metrics)
    return Experiment(
        name=path.stem,
        title=header.title,
        question=header.question,
        text=text,
        path=path,
        precision=header.precision,
        seeds=_seeds(header),
        record=Record(record.every, record.points, metrics, record.keep),
        tasks=tuple(tasks),
        contenders=tuple(contenders),
        tuning=protocol.tuning,
        claims=stated,
        handwritten=written,
        marking=Marking(**header.marking.model_dump()),
    )


def _task(
    entry: Entry,
    folder: Path,
    header: Header,
    general: list[tuple[Target, Node]],
    optimizers: tuple[str, ...],
    faults: Faults,
) -> Task | None:
    own = {key: node for key, node in entry.body.items() if key in TASK_KEYS}
    rest = {key: node for key, node in entry.body.items() if key not in TASK_KEYS}
    made = problem(Entry(entry.name, entry.use, rest, entry.node, entry.named), folder, faults)
    chosen = _chosen(own.get("optimizers"), optimizers, faults)
    if made is None:
        targets(own.get("targets"), faults)
        return None
    steps, notes = _steps(made, own, header, entry, faults)
    goals = _goals(made, own.get("targets"), general, faults)
    worked = _worked(made, own.get("worked"), faults)
    return Task(entry.name, made, steps, goals, chosen, worked, notes, entry.origin)


def _chosen(node: Node | None, known: tuple[str, ...], faults: Faults) -> tuple[str, ...]:
    if node is None:
        return known
    if not isinstance(node.value, list) or not node.value:
        faults.add(node, "give a list of names from `optimizers`")
        return known
    for item in node.value:
        if item.value not in known:
            faults.add(
                item, f"no optimizer named {item.shown}{meant_or_known(str(item.value), known)}"
            )
    return tuple(name for name in known if name in node.plain())


def _whole(node: Node, low: int, high: int, faults: Faults) -> int | None:
    value = whole(node.value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        faults.add(node, f"{node.shown} is not a whole number from {low} to {high:,}")
        return None
    return value


def _steps(
    made: Problem, own: dict[str, Node], header: Header, entry: Entry, faults: Faults
) -> tuple[int, tuple[str, ...]]:
    """The budget in updates, and what must be said about it."""
    if "steps" in own and "epochs" in own:
        faults.add(own["epochs"], "give `steps` or `epochs`, not both")
    if "epochs" in own:
        epochs = own["epochs"].value
        if isinstance(epochs, bool) or not isinstance(epochs, int | float) or not 0 < epochs < 1e8:
            faults.add(own["epochs"], f"{own['epochs'].shown} is not a number above 0")
            return 1, ()
        return _from_epochs(made, float(epochs), own["epochs"], faults)
    if "steps" in own:
        steps = _whole(own["steps"], 1, MOST_STEPS, faults) or 1
        if made.longest is not None and steps > made.longest:
            faults.add(own["steps"], f"the list of gradients ends after {made.longest} steps")
        return steps, ()
    if header.epochs is not None and made.longest is None:
        return _from_epochs(made, header.epochs, entry.node, faults)
    if made.longest is not None:
        return made.longest, (f"lasts as long as its list of gradients: {made.longest} steps",)
    if header.steps is None:
        faults.add(
            entry.node, "how long? give `steps` (or `epochs`) for the file or for this problem"
        )
        return 1, ()
    return header.steps, ()


def _from_epochs(
    made: Problem, epochs: float, node: Node, faults: Faults
) -> tuple[int, tuple[str, ...]]:
    if made.epoch is None:
        faults.add(node, "this problem has no data, so no epochs; give `steps`")
        return 1, ()
    steps = max(1, round(epochs * made.epoch))
    if steps > MOST_STEPS:
        faults.add(node, f"{steps:,} steps, and the most are {MOST_STEPS:,}")
        return 1, ()
    return steps, (f"{epochs:g} epochs of {made.epoch} steps",)


def _goals(
    made: Problem, own: Node | None, general: list[tuple[Target, Node]], faults: Faults
) -> tuple[Target, ...]:
    """The problem's own targets, else the file's as far as they apply, else the default."""
    if own is None and made.longest is not None:
        return ()  # a recorded list of gradients shows steps; it is not a race
    stated = targets(own, faults) if own is not None else general
    goals = []
    for target, node in stated:
        if target.kind in GAPS:
            if made.minimum is not None:
                goals.append(target)
            elif own is not None:
                faults.add(node, "the minimum of this problem is not known; give a target as "
                                 "{loss: 0.1}")  # fmt: skip
        elif target.kind in KINDS or target.kind in made.metrics:
            goals.append(target)
        elif own is not None:
            known = (*KINDS, *made.metrics)
            faults.add(node.at_key, f"no such target{meant_or_known(target.kind, known)}")
    if not stated and made.minimum is not None:
        goals.append(DEFAULT_TARGET)
    return tuple(dict.fromkeys(goals))


def _check_kinds(general: list[tuple[Target, Node]], tasks: list[Task], faults: Faults) -> None:
    """A target for all problems has a kind that one of them, or one of the house, knows."""
    known = {*KINDS, *METRICS, *(name for task in tasks for name in task.problem.metrics)}
    for target, node in general:
        if target.kind not in known:
            faults.add(node.at_key, f"no such target{meant_or_known(target.kind, known)}")


def _check_targets(general: list[tuple[Target, Node]], tasks: list[Task], faults: Faults) -> None:
    """A target for all problems that applies to none of them would be passed over in silence."""
    for target, node in general:
        if not tasks or any(target in task.targets for task in tasks):
            continue
        if target.kind in GAPS:
            faults.add(node, "the minimum of none of these problems is known; give a target as "
                             "{loss: 0.1}")  # fmt: skip
        elif target.kind in METRICS:
            faults.add(node.at_key, "none of these problems has such a metric")


def _worked(made: Problem, node: Node | None, faults: Faults) -> int:
    """How many steps to work by hand: given gradients all (up to three), others none unless asked."""
    if node is None:
        return min(made.longest, 3) if made.longest is not None else 0
    if made.layout != "coordinates" or made.about.dim > 12:
        faults.add(node, "only problems of at most 12 coordinates are worked by hand")
        return 0
    return _whole(node, 0, 50, faults) or 0


def _check_metrics(root: Node, header: Header, tasks: list[Task], faults: Faults) -> None:
    for i, name in enumerate(header.record.metrics or ()):
        known = {*STEP_METRICS, *(m for task in tasks for m in task.problem.metrics)}
        if name not in known:
            place = root.at(("record", "metrics", i))
            faults.add(place, f"no metric named '{name}'{meant_or_known(name, known)}")
