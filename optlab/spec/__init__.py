"""YAML -> a frozen, validated Experiment."""

from optlab.spec.errors import Fault, SpecError
from optlab.spec.model import Contender, Experiment, Record, Seeds, Target, Task
from optlab.spec.read import parse, read

__all__ = [
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
