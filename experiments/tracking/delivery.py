"""Brings MLflow up to what a run folder holds: the run, its tags, the journal's new lines, its end with every artifact.

All that it needs lies in the folder, so it can be done at any time, again, and by whoever comes: the launcher's courier
while a run goes on, ``earmark sync`` after an outage or a kill. What was delivered to which store is marked in the
folder; a step that is repeated because the mark was not written changes nothing in the store.
"""

from __future__ import annotations

import json
import time
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.runs import journal, provenance
from experiments.runs.run_folder import (
    DELIVERY_LOCK,
    LAST,
    SLURM_JOB,
    TABLE_PATH,
    TRACKED,
    artifacts,
    is_locked,
    locked,
    write_whole,
)
from experiments.tracking.launcher_identity import HOME, HOST, is_of

if TYPE_CHECKING:
    from experiments.tracking.mlflow_store import Tracker

FINAL = ("finished", "failed", "stopped")
HEARTBEAT_SECONDS = 30.0


@dataclass
class Mark:
    """What one store has of one folder: its run, how much of the journal, and the last state that it was told."""

    run_id: str = ""
    journal_bytes: int = 0
    seen: str = ""  # the journal's last state line among those bytes
    message: str = ""
    state: str = ""  # what the store was told
    heartbeat_seconds: float = 0.0  # since 1970
    refused: dict[str, str] = field(default_factory=dict)  # what it did not take, and why: here it lies as before


def track(
    run_dir: Path,
    *,
    family: str,
    name: str,
    tags: Mapping[str, str],
    params: Mapping[str, Any],
    datasets: Mapping[str, str],
    table_path: Path | None = None,
    start_ms: int | None = None,
) -> None:
    """Write down what MLflow is to know of a run before its first line; ``datasets`` are digests by corpus.

    ``table_path`` stays here: where a user's own table lies. ``start_ms`` is of a run that was made elsewhere.
    """
    run: dict[str, Any] = {"name": name, "tags": dict(tags), "params": dict(params), "datasets": dict(datasets)}
    if start_ms is not None:
        run["start_ms"] = start_ms
    known = {"family": family, "run": run} | ({TABLE_PATH: str(table_path)} if table_path else {})
    write_whole(run_dir / TRACKED, json.dumps(known, indent=1) + "\n")


def set_run(run_dir: Path, tracker: Tracker, run_id: str) -> None:
    """Deliver to this run of the store from now on, from the first line where it was another until now."""
    path = _mark_path(run_dir, tracker)
    if _read(path).run_id != run_id:
        _write(Mark(run_id=run_id), path)


def is_delivered(run_dir: Path, tracker: Tracker, *, present: Container[str]) -> bool:
    """Whether the store, whose runs are ``present``, has all of a run that has ended."""
    mark = _read(_mark_path(run_dir, tracker))
    if mark.run_id not in present:
        return False
    whole = mark.journal_bytes == journal.size(run_dir / journal.NAME)
    return whole and mark.state in FINAL and mark.state == mark.seen


def delivered_run(run_dir: Path, tracker: Tracker) -> str:
    """The id of the store's run, empty where there is none yet."""
    return _read(_mark_path(run_dir, tracker)).run_id


def refused(run_dir: Path, tracker: Tracker) -> dict[str, str]:
    """What the store did not take of a run, such as ``metric recall@5``, with its reasons; the folder has it."""
    return _read(_mark_path(run_dir, tracker)).refused


def close_dead(run_dir: Path) -> None:
    """Say in the journal that a run's process is gone, where it could not and its launcher did not."""
    state = journal.final_state(run_dir / journal.NAME).state
    if not state and (run_dir / SLURM_JOB).exists():  # it may wait in the queue still
        return
    if not is_locked(run_dir) and state not in FINAL:
        journal.Journal(run_dir).state("failed", "its process is gone", afterwards=True)


def deliver(run_dir: Path, tracker: Tracker) -> bool:
    """Send what the store does not have yet; True when the run has ended and the store has all that it takes.

    What it refuses for good is marked, named in the tag ``earmark.refused`` and passed over (``refused``). Raises
    ``TrackingError`` or ``OSError``; what was sent until then stays sent.
    """
    with locked(run_dir, DELIVERY_LOCK) as mine:
        if not mine:  # another process is at it
            return False
        known = json.loads((run_dir / TRACKED).read_text(encoding="utf-8"))
        path, run = _mark_path(run_dir, tracker), known["run"]
        mark = _read(path)
        told = tracker.state(mark.run_id) if mark.run_id else None
        if told is None:  # never there, or deleted since
            mark, told = _run_of_folder(known["family"], run, tracker)
            _write(mark, path)
        if told == "finished" and mark.state == "finished":  # what was begun again since takes nothing back
            return True
        if told == "finished":  # on another disk: what is here is of an attempt before
            size, ending = journal.size(run_dir / journal.NAME), journal.final_state(run_dir / journal.NAME).state
            mark.journal_bytes, mark.seen, mark.state = size, ending, ending
            _write(mark, path)
            return ending in FINAL
        if not mark.journal_bytes:  # an outage may have come after the run was made: until the first lines are sent
            known_of_run = {name: run[name] for name in ("tags", "params", "datasets")}
            mark.refused |= tracker.describe(mark.run_id, **known_of_run)
        _deliver_lines(run_dir, mark, tracker)
        _write(mark, path)
        _deliver_state(run_dir, mark, run["tags"], tracker)
        _write(mark, path)
        return mark.state in FINAL and mark.state == mark.seen


def _run_of_folder(family: str, run: Mapping[str, Any], tracker: Tracker) -> tuple[Mark, str]:
    """The store's run for a folder, new where it has none, and its state.

    A run of the same key that another home has begun is left to it: points of two trainings would mix in it.
    """
    launcher = {name: run["tags"][name] for name in (HOST, HOME) if name in run["tags"]}
    for other in tracker.find(family, tags={"key": run["tags"]["key"]}):
        if other.state == "finished" or is_of(other, launcher):
            return Mark(run_id=other.run_id), other.state
    started = {"start_ms": run["start_ms"]} if "start_ms" in run else {}
    return Mark(run_id=tracker.create(family, name=run["name"], tags=run["tags"], **started)), ""


def _deliver_lines(run_dir: Path, mark: Mark, tracker: Tracker) -> None:
    lines, end = journal.read_lines(run_dir / journal.NAME, offset=mark.journal_bytes)
    if lines:
        mark.refused |= tracker.log_metrics(mark.run_id, lines)
    mark.journal_bytes = end
    for line in lines:
        if line.kind == "state":
            mark.seen, mark.message = str(line.fields["state"]), str(line.fields["message"])
            mark.state = ""  # an attempt that ends as the last one did is told again


def _deliver_state(run_dir: Path, mark: Mark, tags: Mapping[str, str], tracker: Tracker) -> None:
    now = time.time()
    if now - mark.heartbeat_seconds > HEARTBEAT_SECONDS and is_locked(run_dir):  # a job may wait in a queue for hours
        tracker.beat(mark.run_id, now)
        mark.heartbeat_seconds = now
    if mark.seen == "started":
        if mark.state != "running":
            mark.refused |= tracker.start(mark.run_id, tags)
            mark.state = "running"
    elif mark.seen != mark.state:
        mark.refused |= tracker.tag_as_taken(mark.run_id, provenance.tags(run_dir))
        if mark.seen == "finished":
            tracker.check_files(mark.run_id)
            files = artifacts(run_dir)
            mark.refused |= tracker.finish(mark.run_id, run_dir, artifacts=files, refused=mark.refused)
            (run_dir / LAST).unlink(missing_ok=True)
        else:
            tracker.fail(mark.run_id, state=mark.seen, message=mark.message, refused=mark.refused)
        mark.state = mark.seen


def _mark_path(run_dir: Path, tracker: Tracker) -> Path:
    return run_dir / f"delivered.{tracker.store}.json"


def _read(path: Path) -> Mark:
    """The mark; a new one where there is none or a power cut tore it, and what is sent twice changes nothing."""
    try:
        return Mark(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return Mark()


def _write(mark: Mark, path: Path) -> None:
    write_whole(path, json.dumps(asdict(mark)))
