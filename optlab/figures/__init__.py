"""Tables to matplotlib figures, one function a figure; nothing here uses pyplot's global state.

Each function takes `Results` and returns a `matplotlib.figure.Figure`, mostly with one panel a problem, so
it works in a notebook and in a thread; inside `column_width()` it is as wide as a column of a paper.
`svg` turns a figure into text that follows a reader's light or dark scheme.
"""

from optlab.figures.completeness import completeness
from optlab.figures.curves import curves
from optlab.figures.heatmap import heatmap
from optlab.figures.notebook import show_figures
from optlab.figures.paired import paired
from optlab.figures.paths import chosen_walks, contour_levels, drawable, paths
from optlab.figures.ranks import ranks
from optlab.figures.runtime import profile, runtime
from optlab.figures.sensitivity import sensitivity
from optlab.figures.stability import stability
from optlab.figures.style import PALETTE, Look, column_width, looks, svg
from optlab.figures.times import times
from optlab.figures.tuning import tuning

FIGURES = (
    "curves", "times", "runtime", "profile", "ranks", "paired", "sensitivity", "heatmap", "tuning",
    "stability", "completeness", "paths",
)  # fmt: skip
"""Every figure, each a function `figure(results, problems=None, *, ...)`, in the order of a report."""

__all__ = [
    "FIGURES",
    "PALETTE",
    "Look",
    "chosen_walks",
    "column_width",
    "completeness",
    "contour_levels",
    "curves",
    "drawable",
    "heatmap",
    "looks",
    "paired",
    "paths",
    "profile",
    "ranks",
    "runtime",
    "sensitivity",
    "stability",
    "svg",
    "times",
    "tuning",
]

show_figures()
