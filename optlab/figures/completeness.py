"""What became of every run: problems by optimizers, each cell a bar of how its runs ended."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from optlab.analysis import completeness as counted
from optlab.figures.style import GRID, INK, MUTED, PALETTE, asked, blank, panels, short, styled
from optlab.results import Results

__all__ = ["completeness"]

# Told apart without colour too: full, pale, hatched, dark.
_ENDS = {
    "hit": ("held its target", PALETTE[0][0], ""),
    "budget": ("ran to its budget", GRID, ""),
    "diverged": ("diverged", "none", "//////"),
    "error": ("stopped with an error", INK, ""),
}


@styled
def completeness(
    results: Results,
    problems: str | Sequence[str] | None = None,
    *,
    table: pd.DataFrame | None = None,
) -> Figure:
    """How the runs of each optimizer (columns) on each problem (rows) ended, as shares of all that were
    asked for, all settings and seeds. An empty cell was not asked for. `table` is
    `analysis.completeness(...)`."""
    if table is None:
        table = counted(results.runs, results.manifest)
    names = asked(results, problems)
    table = table[table["problem"].isin(names) & (table["runs"] > 0)]
    columns = [
        o["name"] for o in results.manifest["optimizers"] if (table["optimizer"] == o["name"]).any()
    ]
    width = max(3.4, 1.6 + len(columns) * min(1.1, 11.0 / max(len(columns), 1)))
    slanted = len(columns) > 6 or max(map(len, columns), default=0) > 10
    height = 1.15 + 0.3 * len(names) + 0.9 * slanted
    figure, axes = panels(["How the runs ended"], size=(width, height))
    axis = next(axes)
    if table.empty:
        blank(axis, "nothing ran")
        return figure
    rows = {name: len(names) - 1 - i for i, name in enumerate(names)}
    place = {name: i for i, name in enumerate(columns)}
    for _, row in table.iterrows():
        left = place[row["optimizer"]] - 0.43
        for end, (_, color, hatch) in _ENDS.items():
            part = 0.86 * row[end] / row["runs"]
            if part > 0:
                axis.barh(rows[row["problem"]], part, 0.62, left=left, color=color, hatch=hatch,
                          edgecolor=MUTED, linewidth=0.5)  # fmt: skip
            left += part
    axis.set_xlim(-0.55, len(columns) - 0.45)
    axis.set_ylim(-0.6, len(names) - 0.4)
    axis.set_xticks(range(len(columns)), [short(c, 16) for c in columns],
                    rotation=50 if slanted else 0, ha="right" if slanted else "center")  # fmt: skip
    axis.set_yticks(range(len(names)), [short(n, 24) for n in reversed(names)])
    axis.tick_params(length=0, labelsize=8)
    axis.grid(False)
    seen = [end for end in _ENDS if table[end].sum()]
    handles = [
        Patch(facecolor=_ENDS[e][1], hatch=_ENDS[e][2], edgecolor=MUTED, label=_ENDS[e][0])
        for e in seen
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure
