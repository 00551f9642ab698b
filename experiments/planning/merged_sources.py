"""What a row would read of merged runs and what did not come in their packs: said by a plan, before anything starts.

A pack holds weights and predictions only where they were asked for. A run that was made here has both.
"""

from __future__ import annotations

from collections.abc import Mapping

from experiments.planning.cell import MERGED_RUN, Cell
from experiments.planning.merged_data import MERGED
from experiments.runs.run_folder import BEST, PREDICTIONS
from experiments.table_files.row_sources import WEIGHTS
from experiments.table_files.spec import Row
from experiments.tracking import run_files
from experiments.tracking.mlflow_store import Tracker


def lacking_of_merged(row: Row, upstream: Mapping[str, Cell], tracker: Tracker) -> str:
    """Why a row can't run on the finished trainings that it stands on; empty where it can."""
    for name, cell in upstream.items():
        if cell.state != "finished" or cell.run is None or cell.row.stage != "fit" or MERGED not in cell.run.tags:
            continue
        starts_from = row.stage == "fit" and name in WEIGHTS
        if run_files.has(tracker, cell.run, BEST if starts_from else PREDICTIONS):
            continue
        what = "weights" if starts_from else "predictions"
        option = f"--weights {cell.row.name}" if starts_from else "--predictions all"
        return (
            f"{MERGED_RUN}{cell.name} came in a pack without its {what}, which from.{name} of this row reads: "
            f"merge one of earmark results pack {cell.row.table} {option}"
        )
    return ""
