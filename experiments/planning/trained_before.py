"""Cells whose very training is finished, under another key: an edit of their scoring asks for scores alone.

Runs are found by the keys of their phases (``phase_keys.py``); those of before these were tags by what their
``key.json`` says of each module. Such a cell is ``unscored``, or ``unpredicted`` where its weights have to predict
again. It gets a run of its own, made of the old one, which stays as it was. That may be one whose scoring failed: hours
of training are not done again for a decoder that was misspelt.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from experiments.planning.cell import NEVER, Cell, Trained
from experiments.planning.changes import change_of
from experiments.planning.known_runs import TRAINING_ACCEPTED, KnownRuns
from experiments.runs import journal, moved_files, phase_keys, training_record
from experiments.runs.named_files import changed_since
from experiments.runs.phase_keys import PhaseCode, PhaseKeys
from experiments.runs.run_folder import BEST, KEY, LAST, PREDICTIONS, is_locked
from experiments.table_files.row_sources import WEIGHTS
from experiments.tracking import run_files
from experiments.tracking.mlflow_store import Tracker, TrackingError
from experiments.tracking.tracked_run import TrackedRun

NUM_RECORDS = 3  # of a row's newest runs without phase keys, so many key files are read


def phases_of(cell: Cell) -> PhaseKeys:
    """The phase keys of a cell of stage fit."""
    assert cell.key is not None
    code = phase_keys.phase_code(cell.row.config, cell.code, imports=cell.table.imports)
    return phase_keys.phase_keys(
        cell.row.config, code, data=cell.key.data, seed=cell.seed, seed_run=_seed_run(cell), upstream=cell.key.upstream
    )


def _seed_run(cell: Cell) -> str:
    """The runs whose weights the training stands on, by one name; a row has one of them at most."""
    return "".join(cell.upstream[name].weights_of for name in WEIGHTS if name in cell.upstream)


class TrainedBefore:
    """Looks for the training of cells that are not finished."""

    def __init__(self, tracker: Tracker, known: KnownRuns) -> None:
        self._tracker, self._known = tracker, known

    def look(self, cell: Cell) -> Cell:
        """The cell with its ``trained``, and with what was accepted of the training of a finished one."""
        if cell.key is None or cell.row.stage != "fit":
            return cell
        if cell.state == "finished":
            accepted = cell.run.tags.get(training_record.ACCEPTED, "") if cell.run is not None else ""
            why = f"trained before a code change that was accepted: {accepted}"
            return replace(cell, why=cell.why or why, accepted=accepted) if accepted and not cell.accepted else cell
        run_dir = self._tracker.run_dir(cell.key.id)
        if (run_dir / LAST).exists() and training_record.read_record(run_dir) is None:
            return cell  # it has begun to train by itself, and goes on
        same = [self._as_left(trained) for trained in self._of_same_training(cell)]
        usable = [trained for trained in same if self._can_be_used(trained)]
        if usable:
            return self._state(replace(cell, trained=min(usable, key=lambda one: _preference(one, cell))))
        if same and cell.why == NEVER:
            return replace(cell, why=f"trained before, but weights and predictions of {same[0].run.run_id} are gone")
        return cell

    def _state(self, cell: Cell) -> Cell:
        assert cell.trained is not None
        if cell.why != NEVER:
            return cell
        run = cell.trained.run
        change = change_of(cell, run, record=self._tracker.run_dir(run.tags["key"]) / KEY)
        why = f"{'' if run.state == 'finished' else 'that run failed in its scoring; '}{change.why}"
        if not cell.trained.predicts:
            return replace(cell, state="unscored", why=f"trained, not scored so: {why}", change=change)
        lost = "" if run_files.has(self._tracker, run, PREDICTIONS) else "its predictions are gone; "
        return replace(cell, state="unpredicted", why=f"trained, not predicted so: {lost}{why}", change=change)

    def _of_same_training(self, cell: Cell) -> Iterator[Trained]:
        assert cell.key is not None
        phases = phases_of(cell)
        known = self._known.trained(cell.table.family, cell.key, phases)
        found = [run for run in known if self._has_trained(run, cell)]
        for run in found:
            accepted = run.tags.get(TRAINING_ACCEPTED + phases.code, "")
            predicts = not accepted and run.tags.get(phase_keys.PREDICT) != phases.predict
            yield Trained(run, predicts, accepted or run.tags.get(training_record.ACCEPTED, ""))
        if not found:
            yield from self._of_before(cell)

    def _has_trained(self, run: TrackedRun, cell: Cell) -> bool:
        """Whether a run is finished, or has trained and predicted and ended there; the cell's own goes on by itself."""
        if run.state == "finished":
            return True
        run_dir = self._tracker.run_dir(key := run.tags["key"])
        assert cell.key is not None
        return key != cell.key.id and not is_locked(run_dir) and journal.is_fitted(run_dir / journal.NAME)

    def _of_before(self, cell: Cell) -> Iterator[Trained]:
        """Runs of the row without phase keys."""
        assert cell.key is not None
        wanted = {"key.data": cell.key.data, "key.upstream": cell.key.upstream}
        runs = self._known.at(cell.table.family, cell.place, table=cell.table.name, scale=cell.table.scale)
        runs = [run for run in runs if phase_keys.FIT not in run.tags and wanted.items() <= run.tags.items()]
        for run in runs[:NUM_RECORDS]:
            if record := self._record(run):
                for today, recorded in _both_forms(cell, record):
                    if today.fit == recorded.fit:
                        yield Trained(run, today.predict != recorded.predict)
                        break

    def _record(self, run: TrackedRun) -> Mapping[str, Any]:
        """A run's key file, from its folder or from the store; empty where it is nowhere."""
        path = run_files.place(self._tracker, run, KEY)
        try:
            if path is not None:
                return dict(json.loads(path.read_text(encoding="utf-8")))
            with tempfile.TemporaryDirectory() as aside:
                self._tracker.download(run.run_id, KEY, Path(aside))
                return dict(json.loads((Path(aside) / KEY).read_text(encoding="utf-8")))
        except (TrackingError, OSError, ValueError):
            return {}

    def _as_left(self, trained: Trained) -> Trained:
        """It predicts again where its predictions are gone."""
        return replace(trained, predicts=trained.predicts or not run_files.has(self._tracker, trained.run, PREDICTIONS))

    def _can_be_used(self, trained: Trained) -> bool:
        run_dir = self._tracker.run_dir(trained.run.tags["key"])
        record = self._record(trained.run) if (run_dir / KEY).is_file() else {}
        sections = phase_keys.but_scoring(record.get("config", {}))
        if changed_since(run_dir / KEY, run="", among=sections):
            return False  # it was trained on files that are edited since
        return not trained.predicts or run_files.has(self._tracker, trained.run, BEST)


def _both_forms(cell: Cell, record: Mapping[str, Any]) -> Iterator[tuple[PhaseKeys, PhaseKeys]]:
    """The phase keys of a cell and of a record, by the names of today and by those before files were moved."""
    assert cell.key is not None
    data, upstream, seed_run = cell.key.data, cell.key.upstream, _seed_run(cell)
    code = phase_keys.phase_code(cell.row.config, cell.code, imports=cell.table.imports)
    then = PhaseCode(*(moved_files.code_then(part) for part in (code.fit, code.predict, code.score)))
    for config, parts in ((cell.row.config, code), (moved_files.config_then(cell.row.config), then)):
        today = phase_keys.phase_keys(
            config, parts, data=data, seed=cell.seed, seed_run=seed_run, upstream=upstream
        )  # fmt: skip
        yield today, phase_keys.recorded_keys(record, parts, seed_run=seed_run, upstream=upstream)


def _preference(trained: Trained, cell: Cell) -> tuple[bool, bool, bool, int]:
    """Predictions before weights, a finished run before a failed one, the row's own before another's, the newest."""
    run = trained.run
    of_another = run.tags.get(f"row.{cell.table.name}") != cell.row.name
    return trained.predicts, run.state != "finished", of_another, -run.start_ms
