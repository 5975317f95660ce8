"""All folders of results as one list."""

from __future__ import annotations

import json
from pathlib import Path

from optlab.analysis.words import plural
from optlab.files import write_text
from optlab.report.html import html
from optlab.report.summary import SUMMARY, day

__all__ = ["render_index"]


def render_index(out_folder: str | Path) -> Path:
    """Write `index.html` over all folders of results in `out_folder`, the newest first: each with
    its question, the first sentence of its answer, its date, its runs and a thumbnail.

    Read off each folder's `summary.json`, which `render` leaves there, so that many large folders
    cost nothing. A folder that has none, or that cannot be read, is listed with what is wrong.
    """
    root = Path(out_folder)
    folders = sorted({path.parent for name in _MARKS for path in root.glob(f"*/{name}")})
    entries = [_entry(folder) for folder in folders]
    entries.sort(key=lambda entry: entry["date"], reverse=True)
    text = html().get_template("list.html.j2").render(entries=entries)
    return write_text(root / "index.html", text)


_MARKS = (SUMMARY, "manifest.json", "runs.parquet")
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)
"""What a file that is damaged, or of another make, may raise; bad JSON is a ValueError."""


def _entry(folder: Path) -> dict[str, str]:
    """One entry of the list; never an error, since one bad folder must not hide the others."""
    unknown = {"title": folder.name, "question": "", "date": "", "day": "", "runs": "", "link": "",
               "thumbnail": ""}  # fmt: skip
    try:
        if not (folder / SUMMARY).exists():
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            known = {"title": str(manifest["title"] or manifest["name"]),
                     "question": str(manifest["question"])}  # fmt: skip
            if not (folder / "index.html").exists():
                return unknown | known | {"answer": "Not rendered yet."}
            return (
                unknown
                | known
                | {
                    "answer": "Rendered by an earlier optlab; `optlab report` does it again.",
                    "link": f"{folder.name}/index.html",
                }
            )
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        return {
            "title": str(summary["title"]),
            "question": str(summary["question"]),
            "answer": str(summary["answer"]),
            "date": str(summary["created"]),
            "day": day(summary["created"]),
            "runs": plural(int(summary["runs"]), "run"),
            "link": f"{folder.name}/index.html",
            "thumbnail": f"{folder.name}/{summary['thumbnail']}" if summary["thumbnail"] else "",
        }
    except _UNREADABLE:
        return unknown | {"answer": "This folder cannot be read."}
