"""One launcher trains a cell: before a run starts it is made in the store, where launchers of other homes see it.

Two that start at one moment both ask and then look. Whoever sees an earlier or a held claim withdraws; the earliest
waits until the later ones have done so. Both asked before they looked, so at least one sees the other. A store that is
away decides nothing: runs start without it, and each home's delivery makes a run of its own (``delivery.py``).
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from experiments.runs.run_folder import TRACKED
from experiments.tracking import delivery
from experiments.tracking.launcher_identity import HEARTBEAT, alive_elsewhere, is_of, tags
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import STATE, TrackedRun

CLAIM = "earmark.claim"  # when a launcher asked for the run (nanoseconds since 1970); 0 once it has it
PATIENCE_SECONDS = 20.0  # with a launcher that asked later and neither withdraws nor goes on
LOOK_EVERY_SECONDS = 0.2


def claim(run_dir: Path, tracker: Tracker) -> str:
    """Make the prepared run this launcher's in the store; why not, where another has it. Raises ``TrackingError``."""
    known = json.loads((run_dir / TRACKED).read_text(encoding="utf-8"))
    family, key, launcher = known["family"], {"key": known["run"]["tags"]["key"]}, tags(tracker.root)
    asked = time.time_ns()
    asking = {**launcher, CLAIM: str(asked), HEARTBEAT: f"{time.time():.0f}"}
    same = tracker.find(family, tags=key)
    if any(run.state == "finished" for run in same):
        return "another launch has finished it meanwhile; the same command goes on"
    before = next((run for run in same if is_of(run, launcher)), None)
    if before is None:
        run_id = tracker.create(family, name=known["run"]["name"], tags={**known["run"]["tags"], **asking})
    else:
        run_id = before.run_id
        tracker.tag(run_id, {**asking, STATE: "scheduled"})
    deadline = time.monotonic() + PATIENCE_SECONDS
    while rivals := [run for run in tracker.find(family, tags=key) if alive_elsewhere(run, launcher)]:
        first = min(rivals, key=_place)
        if _place(first) < (asked, run_id) or time.monotonic() > deadline:
            _withdraw(run_id, before, tracker)
            return f"another launch is running it {alive_elsewhere(first, launcher)}"
        time.sleep(LOOK_EVERY_SECONDS)
    tracker.tag(run_id, {CLAIM: "0"})
    delivery.set_run(run_dir, tracker, run_id)
    return ""


def _place(run: TrackedRun) -> tuple[int, str]:
    """Claims in their order; one that is held, or was made before there were claims, is before all that ask."""
    return int(run.tags.get(CLAIM) or 0), run.run_id


def _withdraw(run_id: str, before: TrackedRun | None, tracker: Tracker) -> None:
    if before is None:
        tracker.delete(run_id)
    else:
        tracker.tag(run_id, {STATE: before.state, HEARTBEAT: "0", CLAIM: "0"})
