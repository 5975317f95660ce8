"""The interactive part of a report: which of all numbers it holds, and how they were thinned."""

from optlab.report.explore.payload import explore, payload

__all__ = ["explore", "payload"]
