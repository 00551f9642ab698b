"""Makes the folder of a run out of a finished one of the same training: then only its scoring is left to do.

Weights and predictions are the old run's own files (links where that can be: nothing writes into either), the curves of
its journal are written into the new one, so that the new run shows them in MLflow too. The record of it comes last: an
interruption before that takes over again, one after that scores.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from experiments.planning.cell import Cell
from experiments.runs import journal
from experiments.runs.journal import JournalLine
from experiments.runs.run_folder import BEST, PREDICTIONS
from experiments.runs.training_record import TrainingRecord, environment_of, figures, is_of_training, read_record
from experiments.table_files.merge import get_path
from experiments.tracking import run_files
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import TrackedRun


def take_over(cell: Cell, tracker: Tracker) -> TrainingRecord | None:
    """Fill the (existing) folder of a cell that is not to train; None for one that is.

    Raises ``TrackingError`` or ``OSError`` where the old run's files cannot be had.
    """
    assert cell.key is not None
    run_dir = tracker.run_dir(cell.key.id)
    known = read_record(run_dir)
    if cell.trained is None or known is not None:
        return known
    run, predicts = cell.trained.run, cell.trained.predicts
    if not predicts:
        run_files.take(tracker, run, PREDICTIONS, run_dir)
    if predicts or run_files.has(tracker, run, BEST):
        run_files.take(tracker, run, BEST, run_dir)
    lines = _journal(run, tracker)
    _write_curves(run_dir, lines)
    monitor, mode = (str(get_path(cell.row.config, f"checkpoint.{name}")) for name in ("monitor", "mode"))
    step, metrics = figures(lines, monitor=monitor, mode="max" if mode == "max" else "min")
    record = TrainingRecord(
        trained_as=cell.weights_of,
        predicted_as="" if predicts else cell.predictions_of,
        step=step,
        metrics=metrics,
        accepted=cell.trained.accepted,
        environment=environment_of(run.tags),
    )
    record.write(run_dir)
    return record


def _journal(run: TrackedRun, tracker: Tracker) -> Sequence[JournalLine]:
    found = run_files.place(tracker, run, journal.NAME)
    if found is not None:
        return journal.read_lines(found)[0]
    with tempfile.TemporaryDirectory() as aside:
        tracker.download(run.run_id, journal.NAME, Path(aside))
        return journal.read_lines(Path(aside) / journal.NAME)[0]


def _write_curves(run_dir: Path, lines: Sequence[JournalLine]) -> None:
    """The lines of the training, with their times, before what this run says; once."""
    path = run_dir / journal.NAME
    if any(is_of_training(line) for line in journal.read_lines(path)[0]):
        return
    texts = [
        json.dumps({"t": line.time_ms, "kind": line.kind, **line.fields}) for line in lines if is_of_training(line)
    ]
    with path.open("ab") as file:
        file.write("".join(f"{text}\n" for text in texts).encode())
