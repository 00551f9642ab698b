"""One finished run as files of a pack: what MLflow knows of it, its records and scores, no pictures.

Weights are of those runs alone of which they are asked for (``packed_weights.py``).
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from experiments.errors import UserError, first_line
from experiments.runs import journal
from experiments.runs.phase_keys import SCORED_BY
from experiments.stored_results.packs import layout
from experiments.stored_results.packs.blanked import Blanked
from experiments.tracking.mlflow_store import Tracker, TrackingError
from experiments.tracking.tracked_run import TrackedRun

Predictions = Literal["none", "test", "all"]
FAMILY, NAME = "family", "mlflow.runName"
OF_A_STORE = ("mlflow.", "earmark.")  # tags that say where, when and by whom a run was made
TIMES = ("decoding_seconds", "real_time_factor")  # figures of a scoring that are of the machine


def packed_run(
    tracker: Tracker,
    run: TrackedRun,
    *,
    family: str,
    scored_by: str,
    predictions: Predictions,
    curves: bool,
    blanked: Blanked,
) -> dict[str, bytes]:
    """Bytes by name below the run's folder; ``scored_by`` is the version of its scoring, which older runs do not say.

    ``curves``: with the statistics that tests of curve metrics draw from.

    Raises ``UserError`` for a run whose files are nowhere, or are others'.
    """
    with tempfile.TemporaryDirectory() as aside:
        files = _files(tracker, run, lambda name: _is_wanted(name, predictions, curves=curves), Path(aside))
    if missing := [name for name in ("config.yaml", "key.json", journal.NAME) if name not in files]:
        raise UserError(f"run {run.run_id} ({run.tags.get(NAME, '?')}): no {missing[0]}, neither here nor in MLflow")
    files[journal.NAME] = _journal(files[journal.NAME], blanked)
    if differing := differing_figure(run.metrics, logged(files[journal.NAME])):
        raise UserError(f"run {run.run_id} ({run.tags.get(NAME, '?')}): its journal and MLflow differ: {differing}")
    for name in files:
        if name.endswith((".yaml", ".json", "environment.txt")) and not name.startswith("predictions/"):
            files[name] = blanked.text(files[name].decode()).encode()
    says = {SCORED_BY: scored_by} if scored_by else {}
    record = {
        FAMILY: family,
        "name": run.tags.get(NAME, ""),
        "predictions": predictions,
        "run_id": run.run_id,
        "start_ms": run.start_ms,
        "tags": says | {name: blanked.text(of) for name, of in run.tags.items() if not name.startswith(OF_A_STORE)},
        "params": {name: blanked.text(text) for name, text in run.params.items()},
        "metrics": {name: plain(value) for name, value in run.metrics.items()},
    }
    return {**files, layout.RUN: json.dumps(record, sort_keys=True, ensure_ascii=False, indent=0).encode()}


def _is_wanted(name: str, predictions: Predictions, *, curves: bool) -> bool:
    folder, _, last = name.partition("/")
    if folder == "scores":
        offered = (curves and last == layout.CURVES) or (predictions == "all" and last == layout.NGRAMS)
        if "/" in last:
            return last.count("/") == 1 and last.endswith(f"/{layout.DECODING}")
        return last.endswith(layout.SCORES) or offered
    if folder == "predictions":
        return predictions == "all" or (predictions == "test" and Path(last).name.startswith("test"))
    return name in layout.RECORDS


def _files(tracker: Tracker, run: TrackedRun, wanted: Callable[[str], bool], aside: Path) -> dict[str, bytes]:
    """From the run's folder where it is whole, from the store's own, or fetched from a server."""
    folder = tracker.run_dir(run.tags.get("key", ""))
    if journal.final_state(folder / journal.NAME).state != "finished":
        stored = tracker.artifact_folder(run.artifact_uri)
        folder = _fetched(tracker, run, wanted, aside) if stored is None else stored
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in found}
    return {name: path.read_bytes() for name, path in names.items() if wanted(name)}


def _fetched(tracker: Tracker, run: TrackedRun, wanted: Callable[[str], bool], aside: Path) -> Path:
    try:
        for name in tracker.stored_files(run.run_id):
            if wanted(name):
                tracker.download(run.run_id, name, aside)
    except (TrackingError, OSError) as error:
        raise UserError(f"run {run.run_id}: its files can't be fetched: {first_line(error)}") from None
    return aside


def _journal(data: bytes, blanked: Blanked) -> bytes:
    """Every line but those that say how far a training is, which are most, and those that a kill tore."""
    lines = []
    for line in data.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if record["kind"] != "progress":
            if "message" in record:
                record["message"] = blanked.message(record["message"])
            lines.append(json.dumps(record, allow_nan=False).encode() + b"\n")
    return b"".join(lines)


def logged(data: bytes) -> dict[str, float]:
    """The last value of each metric of a journal, as a store shows it: of the last step, and there of the last line."""
    last: dict[str, tuple[int, float]] = {}
    for line in data.splitlines():
        record: dict[str, Any] = json.loads(line)
        if record["kind"] == "metrics":
            step = int(record["step"])
            for name, value in record["values"].items():
                if name not in last or step >= last[name][0]:
                    last[name] = step, float(value)
    return {name: value for name, (_, value) in last.items()}


def differing_figure(one: Mapping[str, float], other: Mapping[str, float]) -> str:
    """The first figure that two runs of one key do not share, with both values; empty where there is none.

    Time and energy are of the machine, not of the result: the same training, run again, is the same run. A figure that
    one lacks is no other value: a store may have refused it.
    """
    for name in sorted(one.keys() & other.keys()):
        a, b = one[name], other[name]
        if not (_is_of_machine(name) or a == b or (math.isnan(a) and math.isnan(b))):
            return f"{name} is {a!r} and {b!r}"
    return ""


def _is_of_machine(name: str) -> bool:
    kind, _, figure = name.partition("/")
    return kind == "run" or figure in TIMES


def plain(value: float) -> float | str:
    """JSON has neither NaN nor infinity."""
    return value if math.isfinite(value) else str(value)
