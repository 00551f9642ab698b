from __future__ import annotations

from pathlib import Path

import pytest

from experiments.launching import slots
from experiments.launching.cgroup_limits import cpu_quota, memory_limit_bytes

GIB = 2**30


def _tree(folder: Path, own: str, **files: str) -> tuple[Path, Path]:
    """A cgroup mount with these files, ``__`` for a slash, and the process's own place in it."""
    mount = folder / "cgroup"
    mount.mkdir()
    for name, text in files.items():
        path = mount / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    (folder / "own").write_text(own)
    return mount, folder / "own"


@pytest.mark.parametrize(
    ("own", "files", "quota", "memory"),
    [
        # version 2 in a container: its group is the mount's root
        ("0::/\n", {"cpu.max": "50000 100000", "memory.max": str(2 * GIB)}, 0.5, 2 * GIB),
        ("0::/\n", {"cpu.max": "max 100000", "memory.max": "max"}, None, None),
        # the least of all groups above: a unit in a slice
        (
            "0::/a/b\n",
            {"a__cpu.max": "100000 100000", "a__b__cpu.max": "300000 100000", "a__memory.max": "max",
             "a__b__memory.max": "7"},
            1.0, 7,
        ),
        # version 1, on a host
        (
            "4:memory:/job\n3:cpu,cpuacct:/job\n",
            {"cpu,cpuacct__job__cpu.cfs_quota_us": "150000", "cpu,cpuacct__job__cpu.cfs_period_us": "100000",
             "cpu,cpuacct__cpu.cfs_quota_us": "-1", "cpu,cpuacct__cpu.cfs_period_us": "100000",
             "memory__job__memory.limit_in_bytes": str(GIB), "memory__memory.limit_in_bytes": "9223372036854771712"},
            1.5, GIB,
        ),
        # version 1 in a container: the host's path is not to be seen in it
        (
            "4:memory:/docker/0a1b\n3:cpuacct,cpu:/docker/0a1b\n",
            {"cpu__cpu.cfs_quota_us": "50000", "cpu__cpu.cfs_period_us": "100000",
             "memory__memory.limit_in_bytes": str(GIB)},
            0.5, GIB,
        ),
        ("", {}, None, None),
        ("nonsense\n0::/../..\n", {"cpu.max": "", "memory.max": "much"}, None, None),
    ],
)  # fmt: skip
def test_limits_of_both_versions(
    tmp_path: Path, own: str, files: dict[str, str], quota: float | None, memory: int | None
) -> None:
    mount, place = _tree(tmp_path, own, **files)
    assert cpu_quota(mount, place) == quota
    assert memory_limit_bytes(mount, place) == memory


@pytest.mark.parametrize(
    ("quota", "memory", "wanted"),
    [(0.5, 2 * GIB, 1), (3.9, 64 * GIB, 3), (None, 7 * GIB, 2), (64.0, None, 8), (None, None, 8)],
)
def test_default_slots_keep_to_a_containers_share(
    monkeypatch: pytest.MonkeyPatch, quota: float | None, memory: int | None, wanted: int
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(slots.os, "sched_getaffinity", lambda _: range(8))
    monkeypatch.setattr(slots.os, "sysconf", lambda name: 64 * GIB if name == "SC_PHYS_PAGES" else 1)
    monkeypatch.setattr(slots, "cpu_quota", lambda: quota)
    monkeypatch.setattr(slots, "memory_limit_bytes", lambda: memory)
    assert slots.default_slots() == wanted
