"""The interactive part of a report: which of all numbers it holds, and how they were thinned."""

from optlab.report.explore.payload import explore, payload
from optlab.report.explore.runs import unpacked

__all__ = ["explore", "payload", "unpacked"]
