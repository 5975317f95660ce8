"""What the list of reports says of one of them, kept beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from optlab import __version__
from optlab.report.claims import headline
from optlab.report.facts import Facts

__all__ = ["FORMAT", "SUMMARY", "about", "day", "summary", "summary_text", "what_became"]

SUMMARY = "summary.json"

FORMAT = 2
"""Of `summary.json`: a summary of another one was written by another optlab."""


def summary(facts: Facts, written: list[Path]) -> str:
    """What the list of reports says of this one."""
    answer = filter(None, [facts.results.checked.get("summary", ""), what_became(facts)])
    return summary_text(about(facts.manifest), " ".join(answer) or facts.answer[0], written)


def summary_text(about: Mapping[str, Any], answer: str, written: list[Path]) -> str:
    """The text of a `summary.json`. `written`: the files of the page, one of whose pictures becomes
    the thumbnail."""
    curves = sorted(p.name for p in written if p.name.startswith("curves-") and p.suffix == ".svg")
    made = {
        "format": FORMAT,
        "optlab": __version__,
        "answer": answer,
        "thumbnail": f"figures/{curves[0]}" if curves else "",
    }
    return json.dumps(dict(about) | made, ensure_ascii=False, indent=1)


def about(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest says of an experiment that a list of reports can be searched for."""
    return {
        "kind": "report",
        "title": str(manifest["title"] or manifest["name"]),
        "question": str(manifest["question"]),
        "created": str(manifest["created"]),
        "runs": sum(int(count) for count in manifest["counts"].values()),
        "broken": int(manifest["counts"].get("error", 0)),
        "optimizers": [str(entry["name"]) for entry in manifest["optimizers"]],
        "problems": [str(entry["name"]) for entry in manifest["problems"]],
        "claims": [str(claim["text"]) for claim in manifest.get("claims") or []],
    }


def what_became(facts: Facts) -> str:
    """What became of the claims; empty where there are none."""
    return headline(facts.verdicts) if len(facts.verdicts) else ""


def day(created: str) -> str:
    """The date of an ISO time, `22 November 2026`."""
    made = datetime.fromisoformat(created)
    return f"{made.day} {made:%B %Y}"
