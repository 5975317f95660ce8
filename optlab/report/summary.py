"""What the list of reports says of one of them, kept beside it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from optlab.report.claims import headline
from optlab.report.facts import Facts

__all__ = ["SUMMARY", "day", "summary", "what_became"]

SUMMARY = "summary.json"


def summary(facts: Facts, written: list[Path]) -> str:
    """What the list of reports says of this one."""
    m = facts.manifest
    thumbnail = next((p.name for p in sorted(written) if p.name.startswith("curves-")), "")
    return json.dumps(
        {
            "title": m["title"] or m["name"],
            "question": m["question"],
            "answer": " ".join(
                filter(None, [facts.results.checked.get("summary", ""), what_became(facts)])
            )
            or facts.answer[0],
            "created": m["created"],
            "runs": len(facts.results.runs),
            "thumbnail": f"figures/{thumbnail}" if thumbnail else "",
        },
        ensure_ascii=False,
        indent=1,
    )


def what_became(facts: Facts) -> str:
    """What became of the claims; empty where there are none."""
    return headline(facts.verdicts) if len(facts.verdicts) else ""


def day(created: str) -> str:
    """The date of an ISO time, `22 November 2026`."""
    made = datetime.fromisoformat(created)
    return f"{made.day} {made:%B %Y}"
