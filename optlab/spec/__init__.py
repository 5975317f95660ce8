"""YAML -> a frozen, validated Experiment."""

from optlab.errors import Fault, SpecError
from optlab.spec.handwritten import read_entries
from optlab.spec.model import (
    STEP_METRICS,
    Claim,
    Contender,
    Experiment,
    Imported,
    Marking,
    Range,
    Record,
    Seeds,
    Side,
    Target,
    Task,
    Tuning,
    Written,
)
from optlab.spec.read import parse, read

__all__ = [
    "STEP_METRICS",
    "Claim",
    "Contender",
    "Experiment",
    "Fault",
    "Imported",
    "Marking",
    "Range",
    "Record",
    "Seeds",
    "Side",
    "SpecError",
    "Target",
    "Task",
    "Tuning",
    "Written",
    "parse",
    "read",
    "read_entries",
]
