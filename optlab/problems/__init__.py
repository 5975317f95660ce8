"""Every objective: loss, start, batches, known minimum; one file a family."""

from optlab.problems import assignment, learning, pictures, quadratic
from optlab.problems.learning import METRICS
from optlab.problems.protocol import (
    About,
    Family,
    Minimum,
    Problem,
    make_family,
    normal,
    problem,
    uniform,
)

__all__ = [
    "METRICS",
    "REGISTRY",
    "About",
    "Family",
    "Minimum",
    "Problem",
    "make_family",
    "normal",
    "problem",
    "uniform",
]

REGISTRY: dict[str, Family] = {
    name: getattr(module, name)
    for module in (quadratic, pictures, assignment, learning)
    for name in module.__all__
}
