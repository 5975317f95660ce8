"""How often the intervals err, where the truth is known: `python benchmarks/calibration.py`.

Two arms are drawn whose true effect is exactly the margin, so that neither SUPPORTED nor REFUTED is
right: each may come in at most (1 - level)/2 of the comparisons, whatever the law of costs, however
strongly arms are paired, and however many costs were missed. `naive` is the same without censoring
both arms again at a common window.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from optlab.statistics.paired import shift_of
from optlab.statistics.sequential import levels
from optlab.statistics.shifted import costs

Law = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]

ON_LOGS: dict[str, Law] = {
    "log-normal": lambda g, shape: 0.25 * g.standard_normal(shape),
    "skewed": lambda g, shape: 0.25 * np.log10(g.chisquare(1, shape)),
    "t, 2 d.f.": lambda g, shape: 0.2 * g.standard_t(2, shape),
    "Cauchy": lambda g, shape: 0.1 * g.standard_cauchy(shape),
}
"""log10 of a cost, up to what a pair shares."""

ON_VALUES: dict[str, Law] = {
    "normal": lambda g, shape: g.standard_normal(shape),
    "log-normal": lambda g, shape: g.lognormal(0, 1, shape),
    "t, 2 d.f.": lambda g, shape: g.standard_t(2, shape),
    "whole numbers": lambda g, shape: g.integers(0, 5, shape).astype(float),
}


@dataclass(frozen=True)
class Rates:
    """Shares of comparisons."""

    supported: float
    refuted: float
    covered: float
    ranked: float
    """Judged by the signed-rank test, not by who wins."""


def arms(
    law: Law, generator: np.random.Generator, shape: tuple[int, int], shared: float
) -> tuple[np.ndarray, np.ndarray]:
    """Two arms of one law (comparisons, pairs), of which each pair shares a part of the variance."""
    common, a, b = (law(generator, shape) for _ in range(3))
    a, b = (math.sqrt(shared) * common + math.sqrt(1 - shared) * x for x in (a, b))
    return a, b


def rates(
    a: np.ndarray, b: np.ndarray, delta: float, *, missed: float = 0.0, level: float = 0.95,
    again: bool = True,
) -> Rates:  # fmt: skip
    """Arms (comparisons, pairs) on the scale that shifts compare, `b` shifted by `delta` against
    `a`; a share `missed` of all costs lies beyond the budget. `again`: censor both again."""
    window = math.inf
    if missed:
        window = float(np.quantile(np.concatenate([a, b]), 1 - missed))
        a, b = (np.where(x > window, math.inf, x) for x in (a, b))
    _, low, high, ranked = shift_of(a, b, level, window if again else math.inf)
    slack = 1e-12
    above, below = low > delta + slack, high < delta - slack
    return Rates(
        float(above.mean()), float(below.mean()), float(1 - (above | below).mean()),
        float(ranked.mean()),
    )  # fmt: skip


def looked_at(
    looks: tuple[int, ...], times: int, generator: np.random.Generator, alpha: float | None
) -> float:
    """How often any look supports an effect that lies at the margin; `alpha` None: 95 % each time."""
    a, b = generator.standard_normal((2, times, looks[-1]))
    each = np.full(len(looks), 0.95) if alpha is None else levels(looks, alpha)
    ever = np.zeros(times, dtype=bool)
    for n, level in zip(looks, each, strict=True):
        if level < 1:
            ever |= shift_of(a[:, :n], b[:, :n], float(level))[1] > 0
    return float(ever.mean())


def on_cadence(
    generator: np.random.Generator, shape: tuple[int, int], cadence: int
) -> tuple[np.ndarray, np.ndarray]:
    """Two arms of one law, of times rounded up to the next that was recorded."""
    times = 10 ** (1.7 + 0.15 * generator.standard_normal((2, *shape)))
    a, b = costs(np.ceil(times / cadence) * cadence, "ratio")
    return a, b


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=2000, help="comparisons a row")
    times = parser.parse_args().times
    generator = np.random.default_rng(0)
    error = math.sqrt(0.025 * 0.975 / times)
    print(f"{times} comparisons a row; allowed 2.5 % (two standard errors: {2 * error:.1%})\n")
    head = (
        "| law | shared | margin | missed | n | supported | refuted | covered | naive | by rank |"
    )
    print(head, "|---" * 10 + "|", sep="\n")

    def row(name: str, shared: float, margin: str, missed: float, n: int, a: np.ndarray,
            b: np.ndarray, delta: float) -> None:  # fmt: skip
        found = rates(a, b, delta, missed=missed)
        naive = f"{rates(a, b, delta, missed=missed, again=False).supported:.1%}" if missed else ""
        print(f"| {name} | {shared} | {margin} | {missed:.0%} | {n} | {found.supported:.1%} "
              f"| {found.refuted:.1%} | {found.covered:.1%} | {naive} | {found.ranked:.0%} |",
              flush=True)  # fmt: skip

    for name, law in ON_LOGS.items():
        for margin in (1.1, 2.0):
            for missed in (0.0, 0.1, 0.25, 0.5):
                for shared in (0.0, 0.5, 0.9):
                    for n in (6, 10, 20):
                        a, b = arms(law, generator, (times, n), shared)
                        delta = math.log10(margin)
                        row(f"{name} (logs)", shared, f"{margin}x", missed, n, a, b + delta, delta)
    for name, law in ON_VALUES.items():
        for shared in (0.0, 0.5, 0.9):
            for n in (6, 10, 20):
                a, b = arms(law, generator, (times, n), shared)
                row(f"{name} (values)", shared, "1", 0.0, n, a, b + 1, 1.0)
    for cadence in (5, 20):
        for n in (6, 10, 20):
            a, b = on_cadence(generator, (times, n), cadence)
            for factor in (1, 2):
                delta = math.log10(factor)
                row(f"every {cadence} of about 50", 0.0, f"{factor}x", 0.0, n, a, b + delta, delta)

    print("\n| looks | every look at 95 % | error spent over looks |", "|---|---|---|", sep="\n")
    for looks in ((10, 20, 40), (10, 20, 30, 40, 50), (6, 12, 24, 48, 96)):
        plain = looked_at(looks, times, generator, None)
        print(f"| {looks} | {plain:.1%} | {looked_at(looks, times, generator, 0.05):.1%} |")


if __name__ == "__main__":
    main()
