"""The gallery of figures, from the reports: `make report`, then `python docs/gallery.py` writes gallery.md and
gallery/*.svg. The page can be written without the reports; only the pictures are drawn from them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import optlab
from optlab import figures
from optlab.files import write_text
from optlab.results import Results

HERE = Path(__file__).parent
REPORTS = HERE.parent / "reports"
PAGE = HERE / "gallery.md"
PICTURES = HERE / "gallery"


@dataclass(frozen=True)
class Place:
    """One picture of the gallery: `figure` of the report `report`, for `problems` or, if none is named, for all.

    `reading` says how to read it, `alt` what is seen there. `name` tells apart several pictures of one figure,
    `column` asks for the width of a paper's column.
    """

    figure: str
    report: str
    problems: tuple[str, ...]
    heading: str
    reading: str
    alt: str
    name: str = ""
    column: bool = False

    @property
    def file(self) -> Path:
        return PICTURES / f"{self.name or self.figure}.svg"

    @property
    def call(self) -> str:
        """What a reader types to see the same."""
        named = ", ".join(f'"{problem}"' for problem in self.problems)
        call = f"optlab.figures.{self.figure}(results{f', [{named}]' if named else ''})"
        if self.column:
            call = f"with optlab.figures.column_width():\n    figure = {call}"
        return f'results = optlab.load("reports/{self.report}")\n{call}'


_TWO = ("narrow-bowl", "rosenbrock")

PLACES = (
    Place(
        "curves", "statements", _TWO, "How did the loss go down?",
        "Each optimizer at its chosen setting: the median over the evaluation seeds, with a band from the lower to "
        "the upper quartile. A cross ends a line where the median run diverged; a thin line across is the target, "
        "where it is one of this axis. `metric=` draws another recorded metric.",
        "Momentum and Adam end lowest on the narrow bowl, Adam alone on Rosenbrock's valley.",
    ),
    Place(
        "times", "statements", _TWO, "When was the target met, and was it kept?",
        "The median update at which the target was first reached (open) and from which it was held (filled), with "
        "a bar from the lower to the upper quartile. An arrow goes beyond the budget; on the right, how many runs "
        "held it.",
        "Adam is the first to hold the target on the narrow bowl; on Rosenbrock's valley no optimizer holds it "
        "from every start.",
    ),
    Place(
        "runtime", "statements", (), "How many targets are met within so much work?",
        "The share of all (problem, target, seed) that were hit within so many gradient evaluations, each "
        "optimizer at its chosen setting. A line that ends below 1 did not hit the rest.",
        "Over twelve problems SGD is ahead early, and Adam and momentum have met most targets at the end.",
    ),
    Place(
        "profile", "statements", (), "Who is rarely far behind the fastest?",
        "The share of problems that each solved within a multiple of the time of the fastest there. At 1 stands "
        "how often it was the fastest; where the line ends, how many it solved at all.",
        "Momentum solves all twelve problems; the three others eleven.",
    ),
    Place(
        "ranks", "statements", (), "Who is ahead on the whole, and is the difference one?",
        "The mean rank over problems by the median time to hold the target, 1 the best there is. The bar is "
        "Nemenyi's critical difference at 95 %, drawn from the best. Ranks depend on who takes part.",
        "Momentum has the lowest mean rank, and the ranks of all four lie within one critical difference.",
    ),
    Place(
        "paired", "statements", ("narrow-bowl",), "Seed by seed, how much better is what a claim names?",
        "A dot a seed, both optimizers from the same start; to the right of the line the claimed one is better. "
        "The diamond is the estimate on its corrected interval, the shaded band the margin: the claim is supported "
        "where the interval lies wholly beyond the band, one of equivalence where it lies within. A seed on which "
        "only one of the two missed stands at the border, as an arrow.",
        "A panel for each claim and measure: a dot a seed, the interval and the margin it is judged against.",
    ),
    Place(
        "sensitivity", "learning-rates", ("bowl", "narrow-bowl"), "How much does the step size matter?",
        "The median last value at each step size with its quartile band, the other hyperparameters as chosen. In "
        "the hatched strip at least half of the runs diverged. A dotted vertical line is the largest stable step "
        "size, where theory knows it.",
        "Each method diverges right of its dotted line, the largest stable step size that theory gives; Adam does "
        "not diverge, but its last loss rises.",
    ),
    Place(
        "heatmap", "statements", ("narrow-bowl",), "Which two hyperparameters go together?",
        "The median last value at every pair of values of two hyperparameters that was tried, darker is lower; a "
        "cross diverged, the ring is the lowest. A grid is drawn as cells with their numbers, a random search as "
        "points.",
        "Forty settings each of momentum, RMSProp and Adam: momentum is best just below the step sizes at which it "
        "diverges, Adam near 1.",
    ),
    Place(
        "tuning", "statements", _TWO, "What does tuning buy?",
        "The median of the best of n settings drawn from those that were tried, with its quartiles. A ring on the "
        "left is the default setting, for which nothing is tried; in the hatched strip are those that failed.",
        "The median best of n settings falls with n; on the narrow bowl Adam is good after ten settings and SGD "
        "after twenty.",
    ),
    Place(
        "stability", "statements", ("rosenbrock",), "Stable in which sense?",
        "Each kind in a panel of its own, left is better in all: the median over seeds at the chosen setting, with "
        "its exact 95 % interval where there is one. An arrow is infinite: runs that diverged.",
        "From some starts of Rosenbrock's valley SGD and momentum diverge, Adam and RMSProp from none; these rise "
        "more often, and RMSProp oscillates nearly always.",
    ),
    Place(
        "completeness", "statements", (), "What became of the runs?",
        "How all runs that were asked for ended, of all settings and seeds, as shares. An empty cell was not asked "
        "for.",
        "For each of twelve problems and four optimizers the shares of runs that held the target, ran to the "
        "budget and diverged.",
    ),
    Place(
        "paths", "statements", ("rosenbrock", "himmelblau"), "Where did they walk?",
        "Lines of equal loss, a constant factor apart, and the walk at each optimizer's chosen setting from the "
        "usual start (a ring); a cross is a minimum, where it is known. One start: a picture, not evidence.",
        "Four walks along Rosenbrock's valley, of which Adam's comes to its end, and four to the same "
        "of Himmelblau's four minima.",
    ),
)  # fmt: skip
"""A place for each figure, in the order of `figures.FIGURES`."""

MORE = (
    Place(
        "curves", "theory", ("valley",), "Many optimizers",
        "Beyond eight optimizers the best eight of a panel, by what the panel shows, keep their colours. The rest "
        "are thin and grey, and the panel says how many they are.",
        "Fourteen optimizers on a valley: eight lines with colours and names, six thin and grey.",
        name="curves-many",
    ),
    Place(
        "sensitivity", "learning-rates", ("bowl",), "The column of a paper",
        "Inside `column_width()` a figure is 3.4 inches wide, one panel below the other, its text as large as ever. "
        'Save it and place it without scaling: `figure.savefig("edge.pdf")`.',
        "The last loss on a bowl at each step size, 3.4 inches wide.",
        name="sensitivity-column", column=True,
    ),
)  # fmt: skip
_HEAD = """\
# The figures

Each is one function, `optlab.figures.NAME(results, problems=None)`, that gives a matplotlib `Figure`: what is on
a report's page can be had in a notebook or a script, and changed there like any other figure. With `results`
alone all problems are drawn, up to sixty panels. Everything here comes from the experiments in [`experiments/`](../experiments/),
run as they are: `make report`, then `python docs/gallery.py`, which also writes this page.

What all of them share: a colour, dash and marker belong to an optimizer, by its place in the spec, in every
figure; they are told apart by readers who see few colours, and in grey by dash and marker. Names stand at the
lines. What diverged is drawn as such and never left out. `optlab.figures.svg(figure, alt)` gives the SVG of the
report, whose colours follow a reader's light or dark scheme; `figure.savefig("loss.pdf")` is matplotlib's own.
"""


def page() -> str:
    """The gallery as Markdown."""
    names = [f"[{place.figure}](#{place.figure})" for place in PLACES]
    parts = [_HEAD, " · ".join(names) + "\n"]
    parts += [_shown(f"`{p.figure}`", f"**{p.heading}** {p.reading}", p) for p in PLACES]
    parts += [_shown(place.heading, place.reading, place) for place in MORE]
    return "\n".join(parts)


def _shown(heading: str, text: str, place: Place) -> str:
    picture = f"![{place.alt}]({place.file.relative_to(HERE).as_posix()})"
    return f"## {heading}\n\n{text}\n\n{picture}\n\n```python\n{place.call}\n```\n"


@cache
def _results(report: str) -> Results:
    return optlab.load(REPORTS / report)


def picture(place: Place) -> str:
    """The SVG of one place, drawn now. OSError where its report has not been made."""
    problems: Sequence[str] | None = place.problems or None
    with figures.column_width() if place.column else nullcontext():
        figure = getattr(figures, place.figure)(_results(place.report), problems)
    return figures.svg(figure, place.alt)


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    for place in (*PLACES, *MORE):
        write_text(place.file, picture(place))
    write_text(PAGE, page())


if __name__ == "__main__":
    main()
