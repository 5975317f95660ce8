"""Stored results to pages: one HTML file that needs nothing else, and the same as Markdown.

Nothing is run here: a report is made again from its folder alone, in seconds.
"""

from optlab.report.overview import render_index
from optlab.report.page import render

__all__ = ["render", "render_index"]
