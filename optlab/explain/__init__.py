"""Why a run diverged, oscillated or stalled: it is made again, and its curvature, its limit of
stability and its steps are measured."""

from optlab.explain.explanation import explain
from optlab.explain.finding import explain_row, find_row
from optlab.explain.happened import KINDS, ODD
from optlab.explain.odd import explain_odd

__all__ = ["KINDS", "ODD", "explain", "explain_odd", "explain_row", "find_row"]
