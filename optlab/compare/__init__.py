"""Two folders of results held against each other: the regression gate."""

from optlab.compare.baseline import read_baseline, read_side, write_baseline
from optlab.compare.command import Asked, answer
from optlab.compare.comparison import TOLERANCE, Comparison, compare
from optlab.compare.side import CompareError, Side, taken
from optlab.compare.telling import as_json, as_markdown, as_text

__all__ = [
    "TOLERANCE",
    "Asked",
    "CompareError",
    "Comparison",
    "Side",
    "answer",
    "as_json",
    "as_markdown",
    "as_text",
    "compare",
    "read_baseline",
    "read_side",
    "taken",
    "write_baseline",
]
