"""What a stored run was made of, read from its folder or, where that is gone, from its artifacts in MLflow."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.errors import UserError, public_uri
from experiments.runs import provenance
from experiments.runs.code_record import ARCHIVE
from experiments.runs.run_folder import CONFIG, KEY, TABLE_PATH, TRACKED
from experiments.table_files.yaml_files import read_yaml
from experiments.tracking.mlflow_store import Tracker, TrackingError
from experiments.tracking.tracked_run import TrackedRun

FILES = (CONFIG, provenance.ENVIRONMENT, provenance.DIFF, ARCHIVE)


@dataclass(frozen=True)
class Origin:
    """A run as it was planned, launched and recorded.

    ``files`` are config.yaml, environment.txt, code.zip and, for a dirty checkout, git.diff. ``key`` is key.json: the
    parts of the key, digests of code by module, the configuration. ``place`` is the table's cell (None where the
    record is older than provenance.json and the tags do not say), of table ``fit`` for a run of ``earmark fit``.
    ``upstream`` are the runs that it stands on, None for one that is no longer in the store.
    """

    run_id: str
    name: str
    key_id: str
    stage: str
    tags: Mapping[str, str]
    files: Mapping[str, bytes]
    config: Mapping[str, Any]
    key: Mapping[str, Any]
    record: Mapping[str, Any]
    place: Mapping[str, Any] | None
    upstream: Mapping[str, Origin | None]


def find_origin(tracker: Tracker, text: str) -> Origin:
    """The run whose MLflow id or key begins with ``text``. Raises ``UserError`` for none, or several."""
    if not re.fullmatch(r"[0-9a-f]{3,}", text):
        raise UserError(f"run {text!r}: expected at least three hexadecimal digits of a run's id or key")
    found = tracker.beginning_with(text)
    if not found:
        raise UserError(f"run {text!r}: no run in {public_uri(tracker.uri)} has an id or a key that begins so")
    newest = {run.tags.get("key", run.run_id): run for run in reversed(found)}  # found are newest first
    if len(newest) > 1:
        names = ", ".join(f"{run.run_id} ({run.tags.get('mlflow.runName', '?')})" for run in newest.values())
        raise UserError(f"run {text!r}: fits {len(newest)} runs: {names}")
    finished = [run for run in found if run.state == "finished"]
    return _origin(tracker, (finished or found)[0])


def _origin(tracker: Tracker, run: TrackedRun) -> Origin:
    if "key" not in run.tags:
        raise UserError(f"run {run.run_id}: has no key; earmark did not make it")
    files = recorded_files(tracker, run, (*FILES, KEY, provenance.NAME))
    if CONFIG not in files or KEY not in files:
        raise UserError(f"run {run.run_id}: neither its folder nor its artifacts have {CONFIG} and {KEY}")
    with tempfile.TemporaryDirectory() as aside:
        path = Path(aside) / CONFIG
        path.write_bytes(files[CONFIG])
        config = read_yaml(path)
    record = json.loads(files.get(provenance.NAME, b"{}"))
    upstream: dict[str, Origin | None] = {}
    for source, folder in (config.get("from") or {}).items():
        others = tracker.beginning_with(Path(folder).name)
        finished = [other for other in others if other.state == "finished"]
        upstream[source] = _origin(tracker, finished[0]) if finished else None
    return Origin(
        run_id=run.run_id,
        name=run.tags.get("mlflow.runName", ""),
        key_id=run.tags["key"],
        stage=str(config.get("stage", "fit")),
        tags=run.tags,
        files={name: data for name, data in files.items() if name in FILES},
        config=config,
        key=json.loads(files[KEY]),
        record=record,
        place=_place(run, record, tracker.run_dir(run.tags["key"])),
        upstream=upstream,
    )


def _place(run: TrackedRun, record: Mapping[str, Any], folder: Path) -> Mapping[str, Any] | None:
    if "table" in record:
        if "row.fit" in run.tags and record["scale"] == "none":  # records before said the path of its file
            return {**record, "table": "fit"}
        return {**record, "table": _table_file(folder) or record["table"]}
    rows = [(key, row) for key, row in run.tags.items() if key.startswith("row.") and "/" not in key]
    if len(rows) != 1 or not {"scale", "seed"} <= set(run.tags):
        return None
    key, row = rows[0]
    return {
        "table": key.removeprefix("row."), "row": row, "scale": run.tags["scale"], "seed": int(run.tags["seed"]),
        "overrides": {}, **({"fold": run.tags["fold"]} if "fold" in run.tags else {}),
    }  # fmt: skip


def _table_file(folder: Path) -> str | None:
    """The whole path of a user's own table, where this machine launched the run and the file is still there."""
    try:
        path = json.loads((folder / TRACKED).read_text(encoding="utf-8")).get(TABLE_PATH)
    except (OSError, ValueError, AttributeError):
        return None
    return str(path) if path is not None and Path(path).is_file() else None


def recorded_files(tracker: Tracker, run: TrackedRun, names: Sequence[str]) -> dict[str, bytes]:
    """The files that there are, from the run's folder or else from MLflow."""
    folder = tracker.run_dir(run.tags["key"])
    files = {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}
    if CONFIG in files and KEY in files:
        return files
    stored = {}
    with tempfile.TemporaryDirectory() as aside:
        for name in names:
            try:
                tracker.download(run.run_id, name, Path(aside))
            except (TrackingError, OSError):  # no such artifact
                continue
            stored[name] = (Path(aside) / name).read_bytes()
    return stored
