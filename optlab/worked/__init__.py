"""A straight-line function as its formulas, and its steps worked by hand."""

from optlab.worked.backward import trace_backward
from optlab.worked.formula import formulas, mathml
from optlab.worked.trace import trace_forward, trace_rule

__all__ = ["formulas", "mathml", "trace_backward", "trace_forward", "trace_rule"]
