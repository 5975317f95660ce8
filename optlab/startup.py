"""What JAX is told before its first use, and with every program."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import Any

__all__ = ["OPTIONS", "WHOLE_LOOPS", "cores", "options", "prepare"]

OPTIONS = {
    "xla_cpu_prefer_vector_width": 512,
    "xla_cpu_multi_thread_eigen": False,
    "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT",
}
"""How programs are compiled for a CPU. Vectors as wide as the processor has them: XLA uses half of the
widest unless told. One thread an operation: cores work on cells of their own. Of the library of kernels
that XLA would call, products of matrices alone: its exponentials and sums over classes take several times
as long as those that XLA makes itself (a softmax regression in float32 makes twice as many steps)."""

WHOLE_LOOPS = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=2000000"
"""Loops whose turn touches at most so many bytes become one function of machine code. Otherwise each turn
calls every operation by itself, which takes longer than most rules do; beyond the size, operations by
themselves are faster (measured, `benchmarks/`). The bits are the same either way (`tests/test_bits.py`). It
is no option of a single program, so it is set for a process, and only before JAX is used in it."""


def cores() -> int:
    """Cores that this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def options() -> dict[str, Any]:
    """Those of OPTIONS that the installed XLA knows: experimental ones come and go with its versions, which
    are part of the key under which runs are stored."""
    import jax

    nothing = jax.jit(lambda x: x).lower(0.0)

    def known(name: str) -> bool:
        try:
            nothing.compile(compiler_options={name: OPTIONS[name]})
        except jax.errors.JaxRuntimeError as error:
            if "INVALID_ARGUMENT" not in str(error):
                raise
            return False
        return True

    return {name: value for name, value in OPTIONS.items() if known(name)}


def prepare(cache: Path) -> None:
    """Give JAX a folder for compiled programs, where it is not yet in use. A process that has used JAX
    before (a notebook) keeps the settings it has; a folder that an earlier call has set is ours, and is
    changed for this one."""
    if "jax" in sys.modules and not _kept_by_us and _in_use():
        return
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    if not _in_use():
        _compile_loops_whole()
    known = jax.config.jax_compilation_cache_dir
    if known == str(cache) or (known is not None and known not in _kept_by_us):
        return
    _kept_by_us.add(str(cache))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.config.update("jax_compilation_cache_dir", str(cache))
    compilation_cache.reset_cache()  # JAX opens its folder once


def _in_use() -> bool:
    """Whether JAX has made its devices. It has no public way to ask; in doubt they are made."""
    try:
        from jax._src import xla_bridge

        return bool(xla_bridge.backends_are_initialized())
    except (ImportError, AttributeError):
        return True


_kept_by_us: set[str] = set()
"""Folders of compiled programs that this process was given by `prepare`, not by whoever runs it."""


def _compile_loops_whole() -> None:
    """Start JAX with `WHOLE_LOOPS`, unless the user says such things in XLA_FLAGS himself."""
    import jax

    flags = os.environ.get("XLA_FLAGS")
    told = (flags or "").strip()
    if "xla_backend_extra_options" in told or (
        told and not told.startswith("-")
    ):  # a file of flags
        return
    os.environ["XLA_FLAGS"] = f"{flags or ''} {WHOLE_LOOPS}".strip()
    try:
        jax.devices()  # read here, once
    finally:  # what this process starts is no business of ours
        if flags is None:
            del os.environ["XLA_FLAGS"]
        else:
            os.environ["XLA_FLAGS"] = flags
