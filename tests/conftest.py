"""What all tests share: one folder of compiled programs.

Most of a test's time is XLA compiling small programs, the same ones in many tests. JAX keeps what it
has compiled under the program's own text, flags and versions, so that a program found there is the
one that would have been compiled. The folder stays from one session to the next (`pytest
--cache-clear` empties it) and is handed to the workers and to every process that a test starts, by
the environment. A result folder's own `.cache` stays empty then; the tests that are about it take
the setting away.
"""

from __future__ import annotations

import os

import pytest

from optlab.garbage import collect_seldom


def pytest_configure(config: pytest.Config) -> None:
    collect_seldom()
    # A worker of xdist has it from the process that started it.
    if "JAX_COMPILATION_CACHE_DIR" in os.environ or getattr(config, "cache", None) is None:
        return
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(config.cache.mkdir("programs"))
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
