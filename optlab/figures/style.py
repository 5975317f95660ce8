"""How every figure looks: an optimizer's colour, dash and marker, axes in decades, and the SVG."""

from __future__ import annotations

import io
import math
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from matplotlib.transforms import offset_copy

from optlab.results import Results
from optlab.suggest import meant_or_known

__all__ = [
    "FLOOR", "GRID", "INK", "MOST", "MUTED", "PALETTE", "PAPER", "REST", "Look", "blank", "column_width", "decade",
    "label_ends", "leading", "log_axis", "looks", "panels", "short", "step_axis", "styled", "svg", "thinned",
]  # fmt: skip

# Light, dark: after Okabe & Ito (2008), told apart by readers who see few colours. On white their
# yellow and sky blue are too pale for a line, so they are darkened; on black all are lifted.
PALETTE = (
    ("#0072b2", "#56b4e9"),
    ("#c24e00", "#ff9248"),
    ("#007f5f", "#2fcf9f"),
    ("#b0558a", "#e79ac6"),
    ("#8a6d00", "#f0d442"),
    ("#5b4fc9", "#a9a1ff"),
    ("#7a3b1d", "#d8a184"),
    ("#5f6b76", "#b4bec8"),
)
# On a logarithmic axis what lies further below the largest value shown is rounding; it would take
# the room of everything else, so it stands on the lower edge.
FLOOR = 1e-16
_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.6)), (0, (1.4, 1.4)), (0, (6, 1.5, 1.4, 1.5)))
_MARKERS = "os^DvPX*"

# Colours that follow the reader's scheme. Figures are drawn in the light ones, each of which stands
# for a CSS variable; no other thing in a figure may have these very values.
PAPER, INK, MUTED, GRID, REST = "#fdfdfc", "#1b1f23", "#5a626b", "#dfe3e7", "#b3bac1"
_DARK = {PAPER: "#15181c", INK: "#e8eaed", MUTED: "#a3abb3", GRID: "#343a41", REST: "#59626b"}
_VARIABLES = {PAPER: "paper", INK: "ink", MUTED: "muted", GRID: "grid", REST: "rest"}
MOST = 8
"""So many lines can be told apart; of more optimizers the first ones have their colours, the rest is grey."""

_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "optlab",
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "figure.facecolor": "none",
    "hatch.color": GRID,
    "hatch.linewidth": 1.0,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.color": INK,
    "lines.linewidth": 1.7,
    "path.simplify": True,
}


@dataclass(frozen=True)
class Look:
    """How one optimizer is drawn, everywhere: by its place in the spec, not by the plot."""

    color: str
    dark: str
    dash: Any
    marker: str
    rest: bool = False
    """One of many that step back: thin, grey, without a name."""


def looks(manifest: dict[str, Any]) -> dict[str, Look]:
    """Each optimizer's look. After eight the colours come again with the next dash and marker."""
    out = {}
    for i, optimizer in enumerate(manifest["optimizers"]):
        again = i // len(PALETTE)
        color, dark = PALETTE[i % len(PALETTE)]
        dash = _DASHES[(i + again) % len(_DASHES)]
        out[optimizer["name"]] = Look(color, dark, dash, _MARKERS[(i + again) % len(_MARKERS)])
    return out


def leading(look: dict[str, Look], order: Iterable[str], most: int = MOST) -> dict[str, Look]:
    """`look` for a panel whose optimizers are `order`, the best by what the panel shows first: beyond `most`
    the last ones step back."""
    names = list(dict.fromkeys(order))
    if len(names) <= most + 1:  # one line alone in grey would save nothing
        return look
    back = {name: replace(look[name], color=REST, dash="-", rest=True) for name in names[most:]}
    return look | back


_COLUMN = 3.4  # inches: a column of a two-column paper
_narrow: ContextVar[bool] = ContextVar("narrow", default=False)


@contextmanager
def column_width() -> Iterator[None]:
    """Figures that are made inside have one panel below the other, as wide as a column of a paper (3.4
    inches), with text of the same size as ever."""
    token = _narrow.set(True)
    try:
        yield
    finally:
        _narrow.reset(token)


_ONE_AT_A_TIME = threading.RLock()


def styled(draw: Callable[..., Any]) -> Callable[..., Any]:
    """Run `draw` in the house style. Matplotlib's settings are the whole process's, so that of two
    threads the second waits."""

    @wraps(draw)
    def in_style(*args: Any, **kwargs: Any) -> Any:
        with _ONE_AT_A_TIME, mpl.rc_context(_STYLE):
            return draw(*args, **kwargs)

    return in_style


PANELS = 60


def panels(
    names: Sequence[str], size: tuple[float, float] = (4.5, 3.2), columns: int = 3
) -> tuple[Figure, Iterator[Axes]]:
    """A figure with one panel a name, in rows of at most `columns`; `size` of one in inches. ValueError for
    more than PANELS."""
    count = max(1, len(names))
    if count > PANELS:
        raise ValueError(
            f"{count} panels are more than a reader takes in; name at most {PANELS}: problems=[...]"
        )
    if _narrow.get():
        size, columns = (_COLUMN, max(2.3, size[1] * min(1.0, 0.85 * _COLUMN / size[0] + 0.15))), 1
    across = min(columns, count)
    down = math.ceil(count / across)
    figure = Figure(figsize=(size[0] * across, size[1] * down), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for spare in axes[count:]:
        spare.set_axis_off()
    for axis, name in zip(axes, names, strict=False):
        axis.set_title(
            short(name, 34 if _narrow.get() else 44), fontweight="bold", loc="left", fontsize=9.5
        )
        axis.tick_params(length=3, labelsize=8)
    return figure, iter(axes[:count])


def asked(results: Results, problems: str | Sequence[str] | None) -> list[str]:
    """The names of the problems to draw: those that are asked for, or all. ValueError where there is no such
    problem, or none at all is named."""
    known = [problem["name"] for problem in results.manifest["problems"]]
    if problems is None:
        return known
    names = [problems] if isinstance(problems, str) else list(problems)
    for name in names:
        if name not in known:
            raise ValueError(f"there is no problem '{name}'{meant_or_known(name, known)}")
    if not names:
        raise ValueError("no problem is named; leave `problems` out to draw all")
    return names


def blank(axis: Axes, why: str) -> None:
    """A panel that has nothing to show says why."""
    axis.set_axis_off()
    axis.text(0.5, 0.5, why, transform=axis.transAxes, ha="center", va="center", color=MUTED)


def short(name: str, most: int = 18) -> str:
    """A name that fits, cut in the middle: names that begin alike mostly end differently. Dollar signs are
    escaped: matplotlib takes a pair of them for math."""
    end = (most - 1) // 2
    cut = name if len(name) <= most else f"{name[: most - 1 - end]}…{name[-end:]}"
    return cut.replace("$", r"\$")


def thinned(*columns: Any, most: int = 300) -> tuple[np.ndarray, ...]:
    """At most about `most` points of a line, with both ends: of each stretch the lowest and the
    highest of the last column, so that spikes stay."""
    arrays = [np.asarray(column, dtype=float) for column in columns]
    n = len(arrays[0])
    if n <= most:
        return tuple(arrays)
    keep = {0, n - 1}
    for part in np.array_split(np.arange(n), most // 2):
        last = arrays[-1][part]
        if np.isnan(last).all():
            keep.add(int(part[0]))
            continue
        keep |= {int(part[np.nanargmin(last)]), int(part[np.nanargmax(last)])}
    index = sorted(keep)
    return tuple(array[index] for array in arrays)


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def decade(value: float, _: Any = None) -> str:
    """`10⁻³` without mathtext, so that the label is one piece of text in whatever font there is."""
    if value <= 0:
        return ""
    exponent = math.log10(value)
    if abs(exponent - round(exponent)) > 1e-6:
        return f"{value:,g}"
    power = round(exponent)
    return f"{value:,g}" if -3 <= power <= 3 else f"10{str(power).translate(_RAISED)}"


def log_axis(axis: Axes, which: str) -> None:
    """A logarithmic axis with whole decades as ticks (and 2 and 5 where fewer than two decades)."""
    getattr(axis, f"set_{which}scale")("log")
    side = getattr(axis, f"{which}axis")
    low, high = getattr(axis, f"get_{which}lim")()
    narrow = low > 0 and high / low < 50
    ticks = 5 if which == "y" else 6
    side.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,), numticks=ticks + 2))
    side.set_major_formatter(FuncFormatter(decade))
    side.set_minor_locator(NullLocator())
    side.set_minor_formatter(NullFormatter())


def step_axis(axis: Axes, label: str = "updates") -> None:
    """The axis of time: optimizer updates, written with thousands apart."""
    axis.set_xlabel(label)
    axis.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def label_ends(axis: Axes, ends: list[tuple[float, str, Look]]) -> None:
    """Names beside the right ends of lines, at heights (data) pushed apart until they do not meet,
    each with its marker so that grey print can be read. Those that step back are counted."""
    back = sum(look.rest for _, _, look in ends)
    ends = [end for end in ends if not end[2].rest]
    if back:
        axis.annotate(f"{back} more in grey", (1, 1), (0, 3), xycoords="axes fraction", ha="right",
                      textcoords="offset points", va="bottom", fontsize=7.5, color=MUTED)  # fmt: skip
    if not ends:
        return
    transform = axis.transData + axis.transAxes.inverted()
    x = axis.get_xlim()[1]
    wanted = sorted(
        ((float(transform.transform((x, y))[1]), name, look) for y, name, look in ends),
        key=lambda end: end[0],
    )
    # A name is 8.5 points high; how high its panel will be is known only about before it is laid out.
    inches = 0.72 * axis.get_position().height * _height(axis)
    gap = min(max(0.075, 11.5 / 72 / max(inches, 0.1)), 1.0 / len(wanted))
    heights = _apart([min(max(end[0], 0.0), 1.0) for end in wanted], gap)
    for height, (y, name, look) in zip(heights, wanted, strict=True):
        y = min(max(y, 0.0), 1.0)
        axis.plot([1.0, 1.025], [y, height], transform=axis.transAxes, color=look.color,
                  linewidth=0.7, clip_on=False)  # fmt: skip
        beside = offset_copy(axis.transAxes, axis.get_figure(root=True), x=7, units="points")
        axis.plot([1.025], [height], look.marker, transform=beside, color=look.color,
                  markersize=4.2, clip_on=False)  # fmt: skip
        axis.annotate(short(name), (1.025, height), (13, 0), xycoords="axes fraction",
                      textcoords="offset points", va="center", color=look.color, fontsize=8.5,
                      annotation_clip=False)  # fmt: skip


def _height(axis: Axes) -> float:
    """Of the whole figure, in inches."""
    figure = axis.get_figure(root=True)
    assert figure is not None
    return float(figure.get_figheight())


def _apart(heights: list[float], gap: float) -> list[float]:
    """Rising heights moved as little as a few sweeps need, until neighbours are `gap` apart."""
    out = list(heights)
    for _ in range(200):
        moved = False
        for i in range(len(out) - 1):
            lack = gap - (out[i + 1] - out[i])
            if lack > 1e-9:
                out[i] -= lack / 2
                out[i + 1] += lack / 2
                moved = True
        if not moved:
            break
    low = min(0.0, 1.0 - gap * (len(out) - 1))
    shift = max(0.0, low - out[0]) - max(0.0, out[-1] - 1.02)
    return [height + shift for height in out]


_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_PATH = re.compile(r'( d=")([MLz0-9. \n-]+)(")')
_PLACES = re.compile(r'((?: d| points| x| y| x1| y1| x2| y2| width| height)=")([^"]*)(")')


@styled
def svg(figure: Figure, alt: str = "") -> str:
    """The figure as SVG text: text stays text, colours are CSS variables that follow the reader's
    light or dark scheme, and the same figure gives the same bytes."""
    buffer = io.StringIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Two decimals of a point are finer than any screen, and half the bytes.
    text = _PLACES.sub(lambda m: m[1] + _NUMBER.sub(_rounded, m[2]) + m[3], text)
    text = _lean(_PATH.sub(lambda m: m[1] + _strides(m[2]) + m[3], text))
    text = re.sub(r" ?font-family: [^;\"]+;?", "", text)
    pairs = {**{light: (name, _DARK[light]) for light, name in _VARIABLES.items()}}
    pairs |= {light: (f"c{i}", dark) for i, (light, dark) in enumerate(PALETTE)}
    for light, (name, _) in pairs.items():
        text = text.replace(light, f"var(--{name})")
    # A presentation attribute takes no var(); a style does.
    text = re.sub(r' (fill|stroke)="(var\(--\w+\))"', r' style="\1: \2"', text)
    day = "; ".join(f"--{name}: {light}" for light, (name, _) in pairs.items())
    night = "; ".join(f"--{name}: {dark}" for name, dark in pairs.values())
    style = (
        f"<style>text {{ font-family: {_FONT} }} :root {{ {day} }} "
        f"@media (prefers-color-scheme: dark) {{ :root {{ {night} }} }}</style>"
    )
    head, rest = text.split(">", 1)
    title = f"<title>{_plain(alt)}</title>" if alt else ""
    return f'{head} role="img">{title}{style}{rest}'


_FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"


def _rounded(match: re.Match[str]) -> str:
    text = f"{float(match[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _lean(text: str) -> str:
    """The same drawing without what nothing reads: line ends between elements, the names of groups, turns by
    no angle, groups around one element. A third of a page's figures."""
    text = _TURNED.sub(r"\1", text)
    text = _NAMED.sub("<g>", text)
    text = _BETWEEN.sub("><", text)
    # Groups stand in one another, so that each round frees those of the next.
    while (fewer := _ALONE.sub(r"\1", text).replace("<g></g>", "")) != text:
        text = fewer
    return _DRESSED.sub(_tight, text)


def _tight(match: re.Match[str]) -> str:
    tag, style = match[0].split(' style="')
    return f'{tag} style="{style.replace("; ", ";").replace(": ", ":")}'


_TURNED = re.compile(r'(<[^<>]*) transform="rotate\(-?0 [^)]*\)"')
_NAMED = re.compile(r'<g id="[A-Za-z0-9]+_\d+">')
_BETWEEN = re.compile(r">\s+<")
_ALONE = re.compile(r"<g>(<(?:use|path)\b[^<>]*/>|<text\b[^<>]*>[^<>]*</text>)</g>")
_DRESSED = re.compile(r'<[^<>]* style="[^"<>]*"')


def _strides(path: str) -> str:
    """A path of straight lines, each told from the place before: a third of the bytes. Strides lie between
    places that are rounded already, in hundredths, so that nothing adds up."""
    out: list[str] = []
    at = begun = (0, 0)
    before = ""
    for command, place in _STEP.findall(path):
        if command == "z":
            out.append("z")
            at = begun
        else:
            x, y = (round(100 * float(number)) for number in place.split())
            # After "m", as after "l", further pairs are lines.
            line = command == "L" and before in ("M", "L")
            out.append(("" if line else command.lower()) + _pair(x - at[0], y - at[1], line))
            at = (x, y)
            begun = at if command == "M" else begun
        before = command
    return "".join(out)


_STEP = re.compile(r"([MLz])([^MLz]*)")


def _pair(x: int, y: int, parted: bool) -> str:
    """Two numbers of hundredths; a minus sign parts them as well as a space does."""
    first, second = _hundredths(x), _hundredths(y)
    space = " " if parted and not first.startswith("-") else ""
    return f"{space}{first}{'' if second.startswith('-') else ' '}{second}"


def _hundredths(number: int) -> str:
    whole, part = divmod(abs(number), 100)
    digits = f"{part:02d}".rstrip("0")
    text = f"{whole or ''}{'.' if digits else ''}{digits}" or "0"
    return f"-{text}" if number < 0 else text


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
