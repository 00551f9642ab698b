"""Weights in packs: which runs of a table have them, as files of a pack, and read again as what a stranger wrote.

A run's are two files, safetensors and what else those that start from them read (``best_weights.py``).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.errors import UserError, first_line, unknown
from experiments.planning.cell import Cell
from experiments.runs.run_folder import BEST
from experiments.stored_results.packs import layout
from experiments.stored_results.packs.plan_record import every_cell
from experiments.table_files.spec import Table
from experiments.tracking import run_files
from experiments.tracking.mlflow_store import Tracker, TrackingError
from experiments.tracking.tracked_run import TrackedRun

if TYPE_CHECKING:
    from torch import Tensor

ALL = "all"


def keys_with_weights(names: Sequence[str], table: Table, cells: Sequence[Cell]) -> set[str]:
    """The keys of the finished trainings of these rows: of the table by name, of others that come along as TABLE/ROW.

    ``all`` is every training of the pack. Raises ``UserError`` for a row that there is not, that has no weights, or of
    which no finished run is packed.
    """
    runs: dict[str, set[str]] = {}  # of every row of the pack; empty where it has no weights
    untrained: set[str] = set()
    for cell in every_cell(cells):
        row = cell.row.name if cell.row.table == table.name else f"{cell.row.table}/{cell.row.name}"
        of_row = runs.setdefault(row, set())
        if cell.row.stage != "fit":
            untrained.add(row)
        elif cell.state == "finished" and cell.run is not None:
            of_row.add(cell.run.tags["key"])
    having = [row for row, keys in runs.items() if keys]
    allowed = ", ".join([ALL, *having])
    wanted = dict.fromkeys(meant for name in names for meant in _meant(name, table, having))
    for row in wanted:
        if row not in runs and row not in table.rows:
            raise UserError(f"--weights: {unknown('row', row, [ALL, *having])}")
        if row not in runs:
            raise UserError(f"--weights: row {row!r} is not among what is packed; allowed: {allowed}")
        if row in untrained:
            raise UserError(f"--weights: row {row!r} has no weights, nothing is trained in it; allowed: {allowed}")
        if not runs[row]:
            raise UserError(f"--weights: row {row!r} has no finished run; allowed: {allowed}")
    if names and not wanted:
        raise UserError(f"--weights {ALL}: no finished run of {table.name} at scale {table.scale} was trained")
    return {key for row in wanted for key in runs[row]}


def _meant(name: str, table: Table, having: Sequence[str]) -> Sequence[str]:
    return having if name == ALL and ALL not in table.rows else table.meant_by(name)


def packed_weights(tracker: Tracker, run: TrackedRun) -> dict[str, bytes]:
    """A run's two files by their names below its folder. Raises ``UserError`` where its weights are gone."""
    from experiments.stored_results.best_weights import as_safetensors, kept_of, read_weights

    called = f"run {run.run_id} ({run.tags.get('mlflow.runName', '?')})"
    with tempfile.TemporaryDirectory(prefix="earmark-") as aside:
        path = run_files.place(tracker, run, BEST)
        try:
            if path is None:
                tracker.download(run.run_id, BEST, Path(aside))
                path = Path(aside) / BEST
        except (TrackingError, OSError) as error:
            raise UserError(
                f"{called}: its weights are gone, {BEST} is neither here nor in MLflow ({first_line(error)}); allowed: "
                "--weights of rows whose runs have them; or train it again"
            ) from None
        try:
            checkpoint, state = read_weights(path)
            data = as_safetensors(state)
            kept = json.dumps(kept_of(checkpoint), sort_keys=True, ensure_ascii=False, indent=0).encode()
        except UserError:
            raise
        except Exception as error:  # whatever torch raises for a damaged file
            raise UserError(f"{called}: its {BEST} can't be packed: {first_line(error)}") from None
    if len(data) > layout.MOST_BYTES_OF_A_FILE:
        raise UserError(
            f"{called}: its weights are {len(data):,} bytes, a file of a pack {layout.MOST_BYTES_OF_A_FILE:,} at most; "
            "take other --weights, and earmark export for this run"
        )
    return {layout.WEIGHTS: data, layout.WEIGHTS_KEPT: kept}


def has_weights(files: Mapping[str, bytes], key: str) -> bool:
    """Whether a pack has weights of a run, or a part of them."""
    return any(f"runs/{key}/{name}" in files for name in layout.OF_WEIGHTS)


def checked_weights(files: Mapping[str, bytes], key: str) -> tuple[dict[str, Any], Mapping[str, Tensor]]:
    """(what else its checkpoint says, its state_dict) of a run of a pack that has weights.

    Raises ``ValueError`` for damaged ones, and where one of the two files is not there.
    """
    from experiments.stored_results.best_weights import checked_kept, from_safetensors

    data = {}
    for name in layout.OF_WEIGHTS:
        if f"runs/{key}/{name}" not in files:
            raise ValueError(f"run {key}: weights without {name}")
        data[name] = files[f"runs/{key}/{name}"]
    try:
        kept = checked_kept(json.loads(data[layout.WEIGHTS_KEPT]))
    except UserError:
        raise
    except ValueError as error:
        raise ValueError(f"run {key}: {layout.WEIGHTS_KEPT}: {first_line(error)}") from None
    try:
        return kept, from_safetensors(data[layout.WEIGHTS])
    except UserError:
        raise
    except ValueError as error:
        raise ValueError(f"run {key}: {layout.WEIGHTS}: {first_line(error)}") from None
