"""YAML -> a frozen, validated Experiment."""

from optlab.spec.errors import Fault, SpecError
from optlab.spec.model import STEP_METRICS, Contender, Experiment, Record, Seeds, Target, Task
from optlab.spec.read import parse, read

__all__ = [
    "STEP_METRICS",
    "Contender",
    "Experiment",
    "Fault",
    "Record",
    "Seeds",
    "SpecError",
    "Target",
    "Task",
    "parse",
    "read",
]
