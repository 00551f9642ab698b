"""Energy that a machine used, where its hardware counts it: of the whole machine, never of one run alone.

Processors count under ``/sys/class/powercap`` (RAPL, microjoules; often readable by root alone), NVIDIA's GPUs through
``nvidia-smi`` (millijoules, since the driver was loaded). A counter of RAPL starts again from 0 within an hour or less,
so it is read every half minute. What nothing counts is not known, and never 0. Runs side by side on one machine share
its energy, and each of them reports all of it.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
EVERY_SECONDS = 30.0


def processor_counters(powercap: Path) -> dict[str, tuple[int, int]]:
    """(microjoules, their range) by zone, of every processor package and its memory.

    Zones inside a package are part of it, but for ``dram``; ``psys`` holds the packages once more, and the ``mmio``
    zones are the same counters read in another way.
    """
    found = {}
    for zone in sorted(powercap.glob("*")):
        try:
            name = (zone / "name").read_text(encoding="utf-8").strip()
            if (name.startswith("package") or name == "dram") and "mmio" not in zone.name:
                energy = int((zone / "energy_uj").read_text(encoding="utf-8"))
                found[zone.name] = energy, int((zone / "max_energy_range_uj").read_text(encoding="utf-8"))
        except (OSError, ValueError):  # not readable for this user, or no zone
            continue
    return found


def gpu_counters() -> dict[str, float]:
    """Joules by GPU since its driver was loaded; empty without ``nvidia-smi`` or on GPUs that don't count."""
    query = ["nvidia-smi", "--query-gpu=uuid,total_energy_consumption", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    found = {}
    for line in done.stdout.splitlines():
        uuid, _, millijoules = line.partition(",")
        try:
            found[uuid.strip()] = float(millijoules) / 1000
        except ValueError:  # [N/A]
            continue
    return found


class MachineEnergy:
    """Counts from its making on; ``stop`` says what the whole machine used since."""

    def __init__(self, *, powercap: Path | None = None, every_seconds: float = EVERY_SECONDS) -> None:
        self._powercap = powercap or POWERCAP
        self._last = processor_counters(self._powercap)
        self._joules = dict.fromkeys(self._last, 0.0)
        self._gpus = gpu_counters()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        if self._last:
            threading.Thread(target=self._watch, args=(every_seconds,), daemon=True, name="energy").start()

    def _watch(self, every_seconds: float) -> None:
        while not self._ended.wait(every_seconds):
            self.read()

    def read(self) -> None:
        """Add what the processors' counters gained since they were last read, over their wrap-around."""
        with self._lock:
            now = processor_counters(self._powercap)
            for zone in list(self._joules):
                if zone not in now:  # no longer readable: its sum is not known
                    del self._joules[zone]
                    continue
                energy, span = now[zone]
                self._joules[zone] += ((energy - self._last[zone][0]) % (span + 1)) / 1e6
            self._last = now

    def stop(self) -> Mapping[str, float]:
        """Joules by part: ``processors``, ``gpus``; only what was counted from start to end."""
        self._ended.set()
        self.read()
        now = gpu_counters()
        gpus = [now[gpu] - joules for gpu, joules in self._gpus.items() if now.get(gpu, -1.0) >= joules]
        used = {}
        if self._joules:
            used["processors"] = sum(self._joules.values())
        if gpus:
            used["gpus"] = sum(gpus)
        return used
