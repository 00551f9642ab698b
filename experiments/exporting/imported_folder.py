"""An exported folder back as a finished run of a store, with its weights: what ``from:`` of a row stands on.

The run's record is a pack, checked and written as ``earmark results merge`` does it; the weights are those of
``model.safetensors``, as the checkpoint that a fine-tuned row reads. The key is the run's own: a plan counts it where
code, configuration and data are today's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.applying.chosen_run import EXPORTED, read_folder
from experiments.errors import UserError
from experiments.exporting.run_record import RECORD
from experiments.runs.run_folder import BEST
from experiments.stored_results.best_weights import SYMBOLS, checkpoint_of, read_weights, save_checkpoint
from experiments.stored_results.packs.archive import Archive, read_archive
from experiments.stored_results.packs.merging import look, write
from experiments.stored_results.packs.packed_store import keys_of
from experiments.tracking.mlflow_store import Tracker


def read_exported(folder: Path) -> Archive:
    """The record of a folder's run. Raises ``UserError`` for a folder that has none, or another run's."""
    if not (folder / EXPORTED).is_file():
        raise UserError(f"{folder}: has no {EXPORTED}; allowed: a folder that earmark export wrote")
    chosen = read_folder(folder)
    if not (folder / RECORD).is_file():
        raise UserError(
            f"{folder}: has no {RECORD}: the run was in no store when it was exported; export it from there"
        )
    archive = read_archive(folder / RECORD)
    if keys_of(archive) != [chosen.key_id]:
        raise UserError(f"{folder / RECORD}: is of {', '.join(keys_of(archive))}, and {EXPORTED} of {chosen.key_id}")
    return archive


def bring_in(folder: Path, archive: Archive, tracker: Tracker, *, say: Callable[[str], None]) -> tuple[Path, bool]:
    """Write the run and its weights; its folder, and whether the store could be told of it.

    Weights that the run has here already are left. Raises ``UserError``, and ``OSError`` for what can't be written.
    """
    weights = _checkpoint(folder)
    merge = look([archive], tracker)
    [key] = keys_of(archive)
    run_dir = tracker.run_dir(key)
    if key in merge.there and not run_dir.is_dir():
        raise UserError(f"run {key}: is in {tracker.uri} as a run of another home; its weights are in its artifacts")
    left = write(merge, tracker, say=say)
    if not (run_dir / BEST).exists():
        save_checkpoint(weights, run_dir / BEST)
    return run_dir, not left


def _checkpoint(folder: Path) -> dict[str, Any]:
    """What a checkpoint of Lightning's says to those that start from it."""
    record = json.loads((folder / EXPORTED).read_text(encoding="utf-8"))
    _, state = read_weights(folder / str(record["weights"]))
    kept = record.get("checkpoint") or {}
    symbols = {SYMBOLS: list(record["symbols"])} if record["symbols"] else {}
    return checkpoint_of({**symbols, **kept}, state)
