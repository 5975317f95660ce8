"""The lists of a spec: problems, optimizers, targets, each entry with its place."""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Literal, get_args, get_origin

from pydantic import ConfigDict, TypeAdapter, ValidationError

from optlab import adapters, problems
from optlab.adapters import Optimizer
from optlab.errors import Fault, Faults
from optlab.nodes import Node, unwritable, whole
from optlab.problems import Family, Problem
from optlab.spec.model import GAPS, Contender, Range, Target
from optlab.spec.search import Protocol, draws, natural, own_name, ranges
from optlab.spec.sweeps import values
from optlab.straight import FormError
from optlab.suggest import meant_or_known

__all__ = ["Entry", "contender", "entries", "problem", "targets"]

MOST_SETTINGS = 10_000_000


@dataclass(frozen=True)
class Entry:
    """`- name: {use: what, key: value}` taken apart: `use` is the name unless said."""

    name: str
    use: str
    body: Mapping[str, Node]
    node: Node
    named: Node | Fault
    """Where `use` stands: the place of faults that are about the name."""

    @property
    def origin(self) -> str:
        """`folder/file.py:function`, from the spec's folder, where that is used; else nothing."""
        file, _, name = self.use.rpartition(":")
        return f"{PurePath(file.strip()).as_posix()}:{name.strip()}" if file else ""


def entries(node: Node | None, what: str, root: Node, faults: Faults) -> list[Entry]:
    """The entries of a list of problems or optimizers, names distinct."""
    if node is None:
        faults.add(root, f"`{what}` is missing; give a list, as in `{what}: [- name]`")
        return []
    if not isinstance(node.value, list) or not node.value:
        faults.add(node, f"give a list of {what}, one a line, each beginning with `- `")
        return []
    found = [e for item in node.value if (e := _entry(item, what, faults)) is not None]
    seen: dict[str, Entry] = {}
    for entry in found:
        if odd := unwritable(entry.name) or ("" if entry.name.strip() else "is empty"):
            faults.add(entry.node.at_key, f"the name {odd}")
        if entry.name in seen:
            faults.add(entry.node, f"two {what} are named '{entry.name}'; give one a name of its "
                                   f"own: `- my-name: {{use: {entry.use}, ...}}`")  # fmt: skip
        seen[entry.name] = entry
    return found


def _entry(item: Node, what: str, faults: Faults) -> Entry | None:
    if isinstance(item.value, str):
        return Entry(item.value, item.value, {}, item, item)
    if not isinstance(item.value, dict) or len(item.value) != 1:
        faults.add(item, f"{what[:-1]}: write `- name` or `- name: {{key: value}}`; keys of one "
                         "entry stand under its name, indented or in braces")  # fmt: skip
        return None
    [(name, inner)] = item.value.items()
    if inner.value is None:
        return Entry(name, name, {}, inner, inner.at_key)
    if not isinstance(inner.value, dict):
        faults.add(inner, "write keys and values, as in `{key: value}`")
        return None
    body = dict(inner.value)
    use = body.pop("use", None)
    if use is not None and not isinstance(use.value, str):
        faults.add(use, f"{use.shown} is not a name")
        return None
    return Entry(name, use.value if use else name, body, inner, use or inner.at_key)


def problem(entry: Entry, folder: Path, faults: Faults) -> Problem | None:
    """The problem that `entry` asks for; its own keys (steps, targets, ...) are taken out before."""
    try:
        return _problem(entry, folder, faults)
    except Exception as error:
        if not entry.origin:
            raise  # optlab's own fault, and a traceback is what its makers need
        first = str(error).split("\n")[0]
        faults.add(entry.named, f"{entry.use}: {type(error).__name__}: {first}")
        return None


def _problem(entry: Entry, folder: Path, faults: Faults) -> Problem | None:
    before = len(faults.found)
    family = _family(entry, folder, faults)
    if family is None:
        return None
    declared = family.signature.parameters
    rest = next((p for p in declared.values() if p.kind is p.VAR_KEYWORD), None)
    given: dict[str, Any] = {}
    for key, node in entry.body.items():
        parameter = declared.get(key, rest)
        if parameter is None or (parameter is not rest and parameter.kind is parameter.VAR_KEYWORD):
            known = (*declared, *TASK_KEYS)
            faults.add(
                node.at_key, f"'{entry.use}' has no such parameter{meant_or_known(key, known)}"
            )
        else:
            given[key] = _typed(parameter, node, faults)
    if len(faults.found) > before:
        return None
    try:
        return family(**given)
    except ValueError as error:
        key, _, reason = str(error).partition(": ")
        place = entry.body.get(key, entry.node)
        faults.add(place, reason if key in entry.body else str(error))
        return None
    except (MemoryError, OverflowError):
        faults.add(entry.node, "too large to be held in memory")
        return None


TASK_KEYS = ("steps", "epochs", "targets", "optimizers", "worked")


def _family(entry: Entry, folder: Path, faults: Faults) -> Family | None:
    if ":" in entry.use:
        try:
            return adapters.family_from_file(entry.use, folder)
        except (FormError, ValueError) as error:
            faults.add(entry.named, str(error))
            return None
    family = problems.REGISTRY.get(entry.use)
    if family is None:
        hint = meant_or_known(entry.use, problems.REGISTRY)
        faults.add(entry.named, f"no problem named '{entry.use}'{hint}")
    return family


def _typed(parameter: inspect.Parameter, node: Node, faults: Faults) -> Any:
    """The node's value as the parameter's type, so that 10 and 10.0 are one condition number."""
    value, kind = node.plain(), parameter.annotation
    if kind is parameter.empty:
        return value
    adapter = TypeAdapter[Any](kind, config=ConfigDict(strict=True))
    for candidate in (value, whole(value)):
        with contextlib.suppress(ValidationError):
            typed = adapter.validate_python(candidate)
            for place in _infinite(node):
                faults.add(place, f"{place.shown} is not a finite number")
            return typed
    faults.add(node, f"{node.shown} is not {_kind(kind)}")
    return None


def _infinite(node: Node) -> Iterator[Node]:
    """The numbers in `node` that are not finite."""
    inside = node.value.values() if isinstance(node.value, dict) else node.value
    if isinstance(inside, float):
        if not math.isfinite(inside):
            yield node
    elif not isinstance(inside, str | int | None):
        for child in inside:
            yield from _infinite(child)


_SIMPLE = {
    int: "a whole number", float: "a number", bool: "true or false", str: "text",
    type(None): "null", Mapping[str, float]: "names with numbers",
    list[float]: "a list of numbers", list[int]: "a list of whole numbers",
    Sequence[int]: "a list of whole numbers",
}  # fmt: skip


def _kind(annotation: Any) -> str:
    """A type in plain words."""
    if get_origin(annotation) is Literal:
        return " or ".join(repr(choice) for choice in get_args(annotation))
    if annotation in _SIMPLE:
        return _SIMPLE[annotation]
    parts = get_args(annotation)
    return " or ".join(_kind(part) for part in parts) if parts else str(annotation)


def contender(
    entry: Entry, folder: Path, faults: Faults, protocol: Protocol | None = None
) -> Contender | None:
    """The optimizer that `entry` asks for, with the values of its hyperparameters."""
    protocol = protocol or Protocol()
    own = {key: node for key, node in entry.body.items() if key in CONTENDER_KEYS}
    rest = {key: node for key, node in entry.body.items() if key not in CONTENDER_KEYS}
    found = _optimizer(Entry(entry.name, entry.use, rest, entry.node, entry.named), folder, faults)
    if found is None:
        ranges(own.get("search"), faults)
        return None
    optimizer, swept = found
    sweep: dict[str, tuple[float, ...]] = {}
    for name, default in optimizer.hypers.items():
        sweep[name] = values(name, swept[name], faults) if name in swept else (float(default),)
    if math.prod(len(v) for v in sweep.values()) > MOST_SETTINGS:
        faults.add(entry.node, f"more than {MOST_SETTINGS:,} settings; sweep fewer values")
        return None
    search = _searched(optimizer, swept, own, protocol, entry, faults)
    trials = _trials(search, sweep, own.get("trials"), protocol, entry, faults)
    curves = {own_name(n, optimizer): v for n, (v, _) in protocol.profile.items()}
    profile = {name: v for name, v in curves.items() if name is not None}
    return Contender(
        entry.name, optimizer, sweep, entry.origin,
        search=search if trials else {}, trials=trials, profile=profile,
    )  # fmt: skip


CONTENDER_KEYS = ("search", "trials")


def _searched(
    optimizer: Optimizer,
    given: Mapping[str, Node],
    own: Mapping[str, Node],
    protocol: Protocol,
    entry: Entry,
    faults: Faults,
) -> dict[str, Range]:
    """What is searched: the optimizer's own ranges, then the file's for what it does not fix; its
    rate over the natural range where nothing is said and the rate is not fixed either."""
    if protocol.tuning is None or protocol.tuning.trials is None:
        if "search" in own:
            faults.add(own["search"].at_key, "a search needs trials: `tuning: {trials: 50}` for the "
                       "file; without it write a grid, as in lr: {log: [1e-4, 1], n: 9}")  # fmt: skip
        return {}
    found: dict[str, Range] = {}
    for name, (scale, node) in ranges(own.get("search"), faults).items():
        mine = own_name(name, optimizer)
        if mine is None:
            known = meant_or_known(name, optimizer.hypers)
            faults.add(node.at_key, f"'{entry.use}' has no such hyperparameter{known}")
        elif mine in given:
            faults.add(node.at_key, f"`{name}` is searched and given a value; keep one of the two")
        else:
            found[mine] = scale
    for name, (scale, _) in protocol.search.items():
        mine = own_name(name, optimizer)
        if mine is not None and mine not in given and mine not in found:
            found[mine] = scale
    rate = own_name("lr", optimizer)
    usual = natural(rate) if rate is not None and rate not in given else None
    if not found and rate is not None and usual is not None:
        found[rate] = usual
    # In the optimizer's own order, so that two which search alike meet the same draws.
    return {name: found[name] for name in optimizer.hypers if name in found}


def _trials(
    search: Mapping[str, Range],
    sweep: Mapping[str, tuple[float, ...]],
    node: Node | None,
    protocol: Protocol,
    entry: Entry,
    faults: Faults,
) -> tuple[tuple[float, ...], ...]:
    """The joint draws; none where the optimizer has a grid or nothing to search."""
    count = protocol.tuning.trials if protocol.tuning else None
    if node is not None:
        own = whole(node.value)
        if isinstance(own, bool) or not isinstance(own, int) or not 1 <= own <= 100_000:
            faults.add(node, f"{node.shown} is not a whole number from 1 to 100,000")
            return ()
        if count is None:
            faults.add(node.at_key, "trials of its own need `tuning: {trials: 50}` for the file")
            return ()
        count = own
    grid = [name for name, values_ in sweep.items() if len(values_) > 1]
    if count is not None and grid:
        faults.add(entry.body.get(grid[0], entry.node), "a list of values and `tuning: {trials: ...}` "
                   f"do not go together; write `search: {{{grid[0]}: {{log: [1e-4, 1]}}}}`, or leave "
                   "`trials` out and have the grid run")  # fmt: skip
        return ()
    return draws(search, count, protocol.seed) if search and count is not None else ()


def _optimizer(
    entry: Entry, folder: Path, faults: Faults
) -> tuple[Optimizer, dict[str, Node]] | None:
    """The optimizer, and the nodes of its numeric hyperparameters by their names of the house."""
    options = {key: node.plain() for key, node in entry.body.items()}
    try:
        found = adapters.find(entry.use, options, folder)
    except adapters.OptionError as error:
        node = entry.body.get(error.option)
        faults.add(node.at_key if node else entry.node, error.reason)
        return None
    except (FormError, ValueError) as error:
        faults.add(entry.named, str(error))
        return None
    swept: dict[str, Node] = {}
    for key, node in entry.body.items():
        name = found.renamed.get(key, key)
        if name in found.optimizer.hypers:
            swept[name] = node
        elif key not in found.used:
            known = [k for k in found.known if k not in entry.body]
            faults.add(node.at_key, f"'{entry.use}' has no such hyperparameter"
                                    f"{meant_or_known(key, known)}")  # fmt: skip
    return found.optimizer, swept


def targets(node: Node | None, faults: Faults) -> list[tuple[Target, Node]]:
    """The targets of `{kind: value, ...}` in order; the first is the one that decides."""
    if node is None:
        return []
    if not isinstance(node.value, dict) or not node.value:
        faults.add(node, "write a kind and a value, as in {gap_over_start: 1e-3}")
        return []
    found: list[tuple[Target, Node]] = []
    for kind, inner in node.value.items():
        for item in inner.value if isinstance(inner.value, list) else [inner]:
            value = item.value
            if isinstance(value, bool) or not isinstance(value, int | float):
                faults.add(item, f"{item.shown} is not a number")
            elif not math.isfinite(value) or (kind in GAPS and value <= 0):
                faults.add(item, f"{item.shown} must be finite and, for a gap, above 0")
            else:
                found.append((Target(kind, float(value)), inner))
    return found
