"""Where a result comes from: the commit, what was changed on top of it, the packages and the machine.

Standard library only. Everything is best effort: earmark runs from a wheel, without git, too.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.runs import repositories
from experiments.runs.run_folder import write_whole

NAME = "provenance.json"
ENVIRONMENT = "environment.txt"
DIFF = "git.diff"
VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2", "asimd": "NEON"}  # by flags of /proc/cpuinfo, the widest first
SOURCE = Path(__file__).resolve().parents[2]


def git_state() -> dict[str, str]:
    """``git.sha`` and ``git.dirty`` of earmark's own checkout; empty outside one."""
    return repositories.state(SOURCE) if (SOURCE / ".git").exists() else {}


def environment() -> str:
    """Python, platform, cores and the exact version of every installed package, one a line.

    Not what setuptools brings along for itself: that is on ``sys.path`` once something imported setuptools.
    """
    installed = [
        item for item in importlib.metadata.distributions() if "_vendor" not in Path(str(item.locate_file(""))).parts
    ]
    packages = sorted({_package(item) for item in installed}, key=str.lower)
    machine = f"# python {platform.python_version()} on {platform.platform()}, {os.cpu_count()} cores"
    return "\n".join([machine, *packages]) + "\n"


def _package(item: importlib.metadata.Distribution) -> str:
    """``name==version``, from the first lines alone: parsing hundreds of descriptions took half a second a run."""
    head = (item.read_text("METADATA") or item.read_text("PKG-INFO") or "").partition("\n\n")[0]
    found = [re.search(rf"^{field}: *(.*\S)", head, re.MULTILINE) for field in ("Name", "Version")]
    name, version = (match.group(1) if match else None for match in found)
    return f"{name or item.metadata['Name']}=={version or item.version}"


def hardware(proc: Path = Path("/proc")) -> dict[str, Any]:
    """What this machine is: ``cpu``, ``vectors``, ``cores``, ``memory_bytes``, ``gpus``, their ``driver`` and ``cuda``.

    ``vectors`` is the widest set of vector instructions: torch sums in another order with each, and one name of a
    processor stands for several. What cannot be found out is left out.
    """
    found: dict[str, Any] = {"cpu": _line(proc / "cpuinfo", r"model name\s*:\s*(.+)") or platform.processor()}
    flags = (_line(proc / "cpuinfo", r"(?:flags|Features)\s*:\s*(.+)") or "").split()
    found["vectors"] = next((name for flag, name in VECTORS.items() if flag in flags), None)
    found["cores"] = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if kilobytes := _line(proc / "meminfo", r"MemTotal:\s*(\d+) kB"):
        found["memory_bytes"] = int(kilobytes) * 1024
    rows = [line.split(", ") for line in (_nvidia_smi("--query-gpu=name,driver_version", "--format=csv,noheader"))]
    if gpus := [row for row in rows if len(row) == 2]:
        found |= {"gpus": [name for name, _ in gpus], "driver": gpus[0][1].strip()}
        if cuda := re.search(r"CUDA Version: *([0-9.]+)", "\n".join(_nvidia_smi())):
            found["cuda"] = cuda.group(1)
    return {name: value for name, value in found.items() if value not in ("", None)}


def _line(path: Path, pattern: str) -> str | None:
    try:
        found = re.search(pattern, path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    return found.group(1).strip() if found else None


def _nvidia_smi(*arguments: str) -> list[str]:
    try:
        done = subprocess.run(["nvidia-smi", *arguments], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def hardware_line(machine: Mapping[str, Any]) -> str:
    """One line of ``hardware()`` for people and tags.

    >>> gpu = {"gpus": ["H100"], "driver": "1", "cuda": "12"}
    >>> hardware_line({"cpu": "EPYC", "cores": 2, "memory_bytes": 8 << 30, **gpu})
    'EPYC, 2 cores, 8.0 GiB, H100 (driver 1, CUDA 12)'
    >>> hardware_line({"cpu": "EPYC", "vectors": "AVX2", "cores": 2})
    'EPYC with AVX2, 2 cores'
    """
    with_vectors = f" with {machine['vectors']}" if "vectors" in machine else ""
    parts = [f"{machine.get('cpu', 'unknown processor')}{with_vectors}", f"{machine.get('cores', '?')} cores"]
    if "memory_bytes" in machine:
        parts.append(f"{machine['memory_bytes'] / 2**30:.1f} GiB")
    if gpus := machine.get("gpus"):
        parts.append(f"{' + '.join(gpus)} (driver {machine.get('driver', '?')}, CUDA {machine.get('cuda', '?')})")
    return ", ".join(parts)


def read(run_dir: Path) -> dict[str, Any]:
    """A run's ``provenance.json``; empty where there is none, or a damaged one."""
    try:
        record = json.loads((run_dir / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def write(run_dir: Path, record: Mapping[str, Any]) -> None:
    """Replace a run's ``provenance.json`` in one step."""
    write_whole(run_dir / NAME, json.dumps(record, indent=1, ensure_ascii=False) + "\n")


def tags(run_dir: Path) -> dict[str, str]:
    """``hardware`` (and ``hardware.gpus``), ``torch`` and ``device`` for MLflow; without what a run does not know.

    A run that was taken up again elsewhere has all that it was made on, in turn.
    """
    attempts = read(run_dir).get("attempts") or [{}]
    machines = [machine for attempt in attempts if isinstance(machine := attempt.get("hardware"), dict)]
    found = {"hardware": [hardware_line(machine) for machine in machines]}
    found["hardware.gpus"] = [" + ".join(machine["gpus"]) for machine in machines if machine.get("gpus")]
    found |= {name: [attempt[name] for attempt in attempts if name in attempt] for name in ("torch", "device")}
    return {name: ", then ".join(dict.fromkeys(values)) for name, values in found.items() if values}
