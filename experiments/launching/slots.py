"""How many runs a machine can do at once, and what each of them gets."""

from __future__ import annotations

import os
import shutil
import subprocess

from experiments.launching.cgroup_limits import cpu_quota, memory_limit_bytes

GIB_PER_RUN = 3


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, by the names that CUDA_VISIBLE_DEVICES takes.

    Asked of the driver: importing torch for it would take seconds.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [device.strip() for device in visible.split(",") if device.strip()]
    if shutil.which("nvidia-smi") is None:
        return []
    listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False).stdout
    return [str(index) for index, line in enumerate(listing.splitlines()) if line.startswith("GPU ")]


def num_cores() -> int:
    """Cores that this process may run on, or has the time of: of 2.5 in a container two, of half a core one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota()
    return cores if quota is None else max(1, min(cores, int(quota)))


def memory_gib() -> float:
    """Memory that this process may use: the machine's, or its container's where that is less."""
    machine_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(machine_bytes, memory_limit_bytes() or machine_bytes) / 2**30


def default_slots(devices: int = 1) -> int:
    """Runs of so many GPUs each that fit on this machine; without a GPU, a run a core as far as memory goes."""
    if gpus := visible_gpus():
        return max(1, len(gpus) // devices)
    return max(1, min(num_cores(), int(memory_gib() // GIB_PER_RUN)))
