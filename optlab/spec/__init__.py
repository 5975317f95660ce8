"""YAML -> a frozen, validated Experiment."""

from optlab.spec.errors import Fault, SpecError
from optlab.spec.model import (
    STEP_METRICS,
    Claim,
    Contender,
    Experiment,
    Imported,
    Range,
    Record,
    Seeds,
    Side,
    Target,
    Task,
    Tuning,
)
from optlab.spec.read import parse, read

__all__ = [
    "STEP_METRICS",
    "Claim",
    "Contender",
    "Experiment",
    "Fault",
    "Imported",
    "Range",
    "Record",
    "Seeds",
    "Side",
    "SpecError",
    "Target",
    "Task",
    "Tuning",
    "parse",
    "read",
]
