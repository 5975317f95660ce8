"""A laboratory for optimizers: one YAML file asks, one offline page answers."""

import importlib
from typing import Any

# Where the names for a user's own file live; looked up when asked for (PEP 562), so that
# `import optlab` stays quick.
_HOMES = {"problem": "optlab.problems", "rule": "optlab.rules"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'optlab' has no attribute '{name}'")
