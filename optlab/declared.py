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


def declare(
    folder: Path, claims: Sequence[Claim], seen: Callable[[Claim], bool]
) -> list[dict[str, Any]]:
    """The claims as plain data, each with `id`, `hash` (of all that is claimed), `declared` (when it
    was first seen here) and `post_hoc`: whether runs that it speaks of were stored by then, which
    `seen` tells. New ones are added to the file, none is ever taken out."""
    path = folder / FILE
    known: dict[str, Any] = {}
    if path.is_file():
        known = json.loads(path.read_text(encoding="utf-8"))
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    fresh = [claim for claim in claims if claim.id not in known]
    for claim in fresh:
        known[claim.id] = {"text": claim.text, "declared": now, "post_hoc": seen(claim)}
    if fresh or not path.is_file():
        text = json.dumps(known, indent=1).encode()
        atomic_write(path, lambda file: file.write(text))
    return [_plain(claim) | known[claim.id] | {"text": claim.text} for claim in claims]


def _plain(claim: Claim) -> dict[str, Any]:
    meant = {key: value for key, value in asdict(claim).items() if key != "text"}
    hashed = hashlib.sha256(json.dumps(meant, sort_keys=True).encode()).hexdigest()
    return {"id": claim.id, "hash": hashed, **meant}
