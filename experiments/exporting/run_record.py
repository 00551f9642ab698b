"""The record of a run beside its model: a pack of results with this run alone, which brings it back into a store.

What a pack holds no folder of this machine and no host name stands in. A run that no store knows has no such record:
its folder runs, and can't be imported.
"""

from __future__ import annotations

from pathlib import Path

from datamodules.corpus_folder import home
from experiments.applying.chosen_run import ChosenRun
from experiments.errors import UserError
from experiments.runs.phase_keys import SCORED_BY
from experiments.stored_results.packs.archive import write_archive
from experiments.stored_results.packs.blanked import Blanked
from experiments.stored_results.packs.packed_run import packed_run
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import STATE

RECORD = "run.tar.xz"


def write_record(chosen: ChosenRun, path: Path) -> str | None:
    """Write the pack; or why there is none, in words."""
    if not chosen.family:
        return f"{RECORD}: the run does not say its family, so earmark import can't bring it back"
    tracker = Tracker(home())
    found = tracker.find(chosen.family, tags={"key": chosen.key_id, STATE: "finished"})
    if not found:
        return f"{RECORD}: the store has no finished run of the key {chosen.key_id}; earmark import can't bring it back"
    try:
        files = packed_run(
            tracker, found[0], family=chosen.family, scored_by=found[0].tags.get(SCORED_BY, ""),
            predictions="none", curves=False, blanked=Blanked(),
        )  # fmt: skip
    except UserError as error:
        return f"{RECORD}: {error}; earmark import can't bring it back"
    write_archive(path, {f"runs/{chosen.key_id}/{name}": data for name, data in files.items()})
    return None
