"""The hand-written program with its rates divided over one device a core."""

import os

cores = len(os.sched_getaffinity(0))
os.environ["XLA_FLAGS"] = (
    f"--xla_force_host_platform_device_count={cores} --xla_cpu_multi_thread_eigen=false"
)

from handwritten import program  # noqa: E402  the devices must be set before JAX wakes

__all__ = ["program"]
