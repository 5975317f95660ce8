"""Stored results to pages: one HTML file that needs nothing else, and the same as Markdown.

Nothing is run here: a report is made again from its folder alone, in seconds.
"""

from optlab.report.comparison import check_place, render_comparison
from optlab.report.overview import render_index
from optlab.report.page import render

__all__ = ["check_place", "render", "render_comparison", "render_index"]
