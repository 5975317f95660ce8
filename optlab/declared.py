"""When each claim was first seen, kept beside the results: a claim made after its runs is marked.

`claims.json` in the result folder holds the id, the words and the time of every claim that a spec has
ever had there. It is written before anything runs, so that an interrupted run keeps its claims.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from optlab.files import atomic_write
from optlab.spec import Claim

__all__ = ["FILE", "declare"]

FILE = "claims.json"

_BEFORE = {"seeds": [], "measures": [""], "problems": [""]}
"""What files did not keep at first. A claim of which nothing is known counts as one judgement."""


def _read(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(stored, dict) and all(isinstance(entry, dict) for entry in stored.values()):
            return stored
        reason = "not what was written"
    except ValueError as error:
        reason = str(error)
    raise OSError(
        f"{path} is damaged ({reason}). It says when each claim was first made: bring it back from a copy; "
        "if there is none, delete it, and claims about runs that are stored count as made after them"
    )


def declare(
    folder: Path,
    claims: Sequence[Claim],
    seen: Callable[[Claim], bool],
    seeds: int,
    looks: Sequence[int] = (),
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The claims as plain data, and those that were made before the runs and withdrawn since: they
    count in the correction all the same.

    Each has `id`, `hash` (of all that is claimed), `declared` (when it was first seen here),
    `post_hoc`: whether runs that it speaks of were stored by then, which `seen` tells; and `looked`:
    on how many seeds it was judged before, besides this number of `seeds` and the planned `looks`.
    New ones are added to the file, none is ever taken out."""
    path = folder / FILE
    known: dict[str, Any] = {}
    if path.is_file():
        stored = _read(path)
        known = {name: _BEFORE | entry for name, entry in stored.items()}
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    fresh = [claim for claim in claims if claim.id not in known]
    for claim in fresh:
        known[claim.id] = {"text": claim.text, "declared": now, "post_hoc": seen(claim), "seeds": [],
                           "measures": claim.measures, "problems": claim.problems}  # fmt: skip
    for claim in claims:
        entry = known[claim.id]
        entry["seeds"] = sorted({*entry["seeds"], seeds})
    text = json.dumps(known, indent=1, ensure_ascii=False).encode()
    if not path.is_file() or path.read_bytes() != text:
        atomic_write(path, lambda file: file.write(text))
    made = [_plain(claim) | _of(known[claim.id], claim, {seeds, *looks}) for claim in claims]
    here = {claim.id for claim in claims}
    gone = [e for name, e in known.items() if name not in here and not e["post_hoc"]]
    return made, gone


def _of(entry: dict[str, Any], claim: Claim, planned: set[int]) -> dict[str, Any]:
    looked = [n for n in entry["seeds"] if n not in planned]
    return {name: entry[name] for name in ("declared", "post_hoc")} | {
        "text": claim.text, "looked": looked,
    }  # fmt: skip


def _plain(claim: Claim) -> dict[str, Any]:
    meant = {key: value for key, value in asdict(claim).items() if key != "text"}
    hashed = hashlib.sha256(json.dumps(meant, sort_keys=True).encode()).hexdigest()
    return {"id": claim.id, "hash": hashed, **meant}
