"""What a row would read of merged runs and what did not come in their packs: said by a plan, before anything starts.

A pack holds weights, predictions and counted n-grams only where they were asked for. A run that was made here has them.
"""

from __future__ import annotations

from collections.abc import Mapping

from experiments.planning.cell import MERGED_RUN, Cell
from experiments.planning.merged_data import MERGED
from experiments.runs.run_folder import BEST, NGRAMS, PREDICTIONS, SYMBOLS_OF_NGRAMS
from experiments.table_files.row_sources import WEIGHTS
from experiments.table_files.spec import Row
from experiments.tracking import run_files
from experiments.tracking.mlflow_store import Tracker


def lacking_of_merged(row: Row, upstream: Mapping[str, Cell], tracker: Tracker) -> str:
    """Why a row can't run on the finished runs that it stands on; empty where it can."""
    for name, cell in upstream.items():
        if cell.state != "finished" or cell.run is None or MERGED not in cell.run.tags:
            continue
        wanted, what, option = _read(row, name, cell)
        if run_files.has(tracker, cell.run, wanted):
            continue
        if wanted == NGRAMS and not run_files.has(tracker, cell.run, SYMBOLS_OF_NGRAMS):
            continue  # it counted none: its scores, which come in every pack, are all that it gives
        return (
            f"{MERGED_RUN}{cell.name} came in a pack without its {what}, which from.{name} of this row reads: "
            f"merge one of earmark results pack {cell.row.table} {option}"
        )
    return ""


def _read(row: Row, name: str, cell: Cell) -> tuple[str, str, str]:
    """What a row reads of the run that it calls ``name``: the file or folder, in words, and what packs it."""
    if cell.row.stage != "fit":
        return NGRAMS, "n-grams", "--predictions all"
    if row.stage == "fit" and name in WEIGHTS:
        return BEST, "weights", f"--weights {cell.row.name}"
    return PREDICTIONS, "predictions", "--predictions all"
