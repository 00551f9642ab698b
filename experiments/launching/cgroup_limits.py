"""What a container, a batch job or a systemd unit may use of its machine: the limits of cgroups, versions 1 and 2.

A limit holds for everything below it, so a process has the least of its own group's and of all above.
https://docs.kernel.org/admin-guide/cgroup-v2.html (``cpu.max``, ``memory.max``) and cgroup-v1/ (``cpu.cfs_quota_us``,
``memory.limit_in_bytes``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def cpu_quota(mount: Path = MOUNT, own: Path = OWN) -> float | None:
    """Cores' worth of time that this process may use, 0.5 for instance; None where nothing limits it."""
    limits = []
    for folder in _groups(mount, own, controller="cpu"):
        quota, _, period = _read(folder / "cpu.max").partition(" ")  # version 2: "50000 100000", "max 100000"
        if not quota:
            quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")  # -1 is no limit
        if quota.isdigit() and period.isdigit() and int(quota) > 0 and int(period) > 0:
            limits.append(int(quota) / int(period))
    return min(limits, default=None)


def memory_limit_bytes(mount: Path = MOUNT, own: Path = OWN) -> int | None:
    """Memory that this process may use; None where nothing limits it. Version 1 writes a huge number for that."""
    names = ("memory.max", "memory.limit_in_bytes")
    found = [_read(folder / name) for folder in _groups(mount, own, controller="memory") for name in names]
    return min((int(limit) for limit in found if limit.isdigit() and int(limit) > 0), default=None)


def _groups(mount: Path, own: Path, *, controller: str) -> Iterator[Path]:
    """The folders of this process's group and of all above, as far as they are to be seen.

    A container may see its own group as the mount's root, under a path that is the host's: the root counts always.
    """
    for line in _read(own).splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers and controller not in controllers.split(","):
            continue
        roots = [mount / controllers, mount / controller] if controllers else [mount]
        root = next((root for root in roots if root.is_dir()), mount)
        parts = [part for part in path.split("/") if part not in ("", ".", "..")]
        for depth in range(len(parts), -1, -1):
            yield root.joinpath(*parts[:depth])


def _read(path: Path) -> str:
    """A file's text; empty where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
