"""Tables to matplotlib figures, one function a figure; nothing here uses pyplot's global state.

Each function takes `Results` and returns a `matplotlib.figure.Figure` with one panel a problem, so
it works in a notebook and in a thread. `svg` turns a figure into text that follows a reader's light
or dark scheme.
"""

from optlab.figures.curves import curves
from optlab.figures.notebook import show_figures
from optlab.figures.paired import paired
from optlab.figures.paths import chosen_walks, contour_levels, drawable, paths
from optlab.figures.runtime import profile, runtime
from optlab.figures.sensitivity import sensitivity
from optlab.figures.style import PALETTE, Look, looks, svg
from optlab.figures.times import times
from optlab.figures.tuning import tuning

__all__ = [
    "PALETTE",
    "Look",
    "chosen_walks",
    "contour_levels",
    "curves",
    "drawable",
    "looks",
    "paired",
    "paths",
    "profile",
    "runtime",
    "sensitivity",
    "svg",
    "times",
    "tuning",
]

show_figures()
