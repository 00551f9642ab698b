"""The attempts of a run in its ``provenance.json``: machine, time and energy of each.

A run has one attempt as a rule, and one more for each time that it was interrupted and taken up again. The launcher
adds an attempt before it starts the process and its wall time after it ended; the process adds what it runs on and, at
its end, the energy. They never write at the same time. Sums are known only where every attempt's part is: a killed
process leaves none. The standard library alone.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments import journal, provenance
from experiments.energy import MachineEnergy

WALL = "run/wall_seconds"
ENERGY = "run/energy_joules"


def begin(run_dir: Path, facts: Mapping[str, Any]) -> None:
    """Launcher: ``facts`` of the run (its table, git, data), and a new attempt where the run is not at its end."""
    known = provenance.read(run_dir).get("attempts", [])
    if journal.final_state(run_dir / journal.NAME)[0] != "finished":  # else only its delivery is missing
        known = [*known, {"launched_unix_seconds": round(time.time(), 3)}]
    provenance.write(run_dir, {**facts, "attempts": known})


def _change_last(run_dir: Path, fields: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    record = provenance.read(run_dir)
    attempts = record.get("attempts") or [{}]
    attempts[-1] = {**attempts[-1], **fields}
    provenance.write(run_dir, {**record, "attempts": attempts})
    return list(attempts)


def _sum(attempts: Sequence[Mapping[str, Any]], name: str) -> float | None:
    values = [attempt.get(name) for attempt in attempts]
    numbers = [float(value) for value in values if value is not None]
    return sum(numbers) if len(numbers) == len(values) else None


def ended(run_dir: Path) -> dict[str, float]:
    """Launcher: the last attempt's process is gone. Returns the metric ``run/wall_seconds``, all attempts together."""
    attempts = provenance.read(run_dir).get("attempts") or []
    if not attempts or "launched_unix_seconds" not in attempts[-1]:
        return {}
    seconds = time.time() - attempts[-1]["launched_unix_seconds"]
    total = _sum(_change_last(run_dir, {"wall_seconds": round(seconds, 3)}), "wall_seconds")
    return {} if total is None else {WALL: total}


class Attempt:
    """Training process: says what it runs on, and counts energy from here on."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._energy = MachineEnergy()
        self._metrics: dict[str, float] | None = None
        with contextlib.suppress(OSError):  # a full disk ends the run by what it has to write, not by this
            _change_last(run_dir, {"hardware": provenance.hardware()})

    def end(self) -> dict[str, float]:
        """Write the energy; returns the metric ``run/energy_joules`` of the whole machine, all attempts together.

        Empty where the hardware does not count it, or did not in every attempt.
        """
        if self._metrics is None:
            used = self._energy.stop()
            fields = {"energy_joules": sum(used.values()), "energy_of": dict(used)} if used else {}
            self._metrics = {}
            with contextlib.suppress(OSError):
                total = _sum(_change_last(self._run_dir, fields), "energy_joules")
                self._metrics = {} if total is None else {ENERGY: total}
        return self._metrics
