"""YAML -> a frozen, validated Experiment."""

from optlab.spec.errors import Fault, SpecError
from optlab.spec.model import (
    STEP_METRICS,
    Claim,
    Contender,
    Experiment,
    Record,
    Seeds,
    Side,
    Target,
    Task,
)
from optlab.spec.read import parse, read

__all__ = [
    "STEP_METRICS",
    "Claim",
    "Contender",
    "Experiment",
    "Fault",
    "Record",
    "Seeds",
    "Side",
    "SpecError",
    "Target",
    "Task",
    "parse",
    "read",
]
