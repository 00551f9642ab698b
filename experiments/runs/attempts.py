"""The attempts of a run in its ``provenance.json``: machine, time and energy of each.

A run has one attempt as a rule, and one more for each time that it was interrupted and taken up again. The launcher
adds an attempt before it starts the process; the process adds what it runs on and, at its end, time and energy, or the
launcher the time of one that was killed. A process that nobody launched (SLURM requeued its job) adds an attempt of its
own. They never write at the same time. Sums are known only where every attempt's part is: a killed process leaves no
energy. The standard library alone.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.runs import journal, provenance
from experiments.runs.energy import MachineEnergy

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


def _add_requeued(run_dir: Path) -> None:
    """A new attempt where a process had the last one; one that was killed ends now, where it is not known when."""
    record = provenance.read(run_dir)
    *before, last = record.get("attempts") or [{}]
    if "hardware" in last:
        ended = {**_wall(run_dir), **last}
        new = {"launched_unix_seconds": round(time.time(), 3)}
        provenance.write(run_dir, {**record, "attempts": [*before, ended, new]})


def _sum(attempts: Sequence[Mapping[str, Any]], name: str) -> float | None:
    values = [attempt.get(name) for attempt in attempts]
    numbers = [float(value) for value in values if value is not None]
    return sum(numbers) if len(numbers) == len(values) else None


def _wall(run_dir: Path) -> dict[str, float]:
    """Wall time of the last attempt until now, where it is known when it was launched."""
    attempts = provenance.read(run_dir).get("attempts") or [{}]
    launched = attempts[-1].get("launched_unix_seconds")
    return {} if launched is None else {"wall_seconds": round(time.time() - launched, 3)}


def ended(run_dir: Path) -> None:
    """Launcher: the last attempt's process is gone and could not say how long it took."""
    if wall := _wall(run_dir):
        with contextlib.suppress(OSError):
            _change_last(run_dir, wall)


class Attempt:
    """Training process: says what it runs on, and counts energy from here on."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._energy = MachineEnergy()
        self._metrics: dict[str, float] | None = None
        with contextlib.suppress(OSError):  # a full disk ends the run by what it has to write, not by this
            _add_requeued(run_dir)
            _change_last(run_dir, {"hardware": provenance.hardware()})

    def runs_on(self, **facts: str) -> None:
        """Note ``torch`` and ``device``, which results hang on and the machine does not say."""
        with contextlib.suppress(OSError):
            _change_last(self._run_dir, facts)

    def end(self) -> dict[str, float]:
        """Write time and energy; returns the metrics ``run/wall_seconds`` and ``run/energy_joules``, of all attempts.

        Energy is the whole machine's. Without one that the hardware does not count, or did not in every attempt.
        """
        if self._metrics is None:
            used = self._energy.stop()
            energy = {"energy_joules": sum(used.values()), "energy_of": dict(used)} if used else {}
            self._metrics = {}
            with contextlib.suppress(OSError):
                attempts = _change_last(self._run_dir, {**_wall(self._run_dir), **energy})
                sums = {WALL: _sum(attempts, "wall_seconds"), ENERGY: _sum(attempts, "energy_joules")}
                self._metrics = {name: total for name, total in sums.items() if total is not None}
        return self._metrics
