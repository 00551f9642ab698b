"""Which run counts for a cell, and in which state it is: asked of data, store and the folder of the run, in this order.

The key of a cell is that of its configuration, code and data. A finished run counts under another key where files were
moved since (``moved_files.py``), where its configuration says the same in other words (``config_form.py``), and where a
change of code was accepted (``accepted_code.py``); the cell has that run's key then, so what stands on it stays valid.
A cell whose training alone is finished is scored from that (``trained_before.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from datamodules.corpus_files import CorpusChangedError
from datamodules.corpus_folder import CorpusMissingError
from experiments.planning.cell import NEVER, Cell, Place, stood_on
from experiments.planning.changes import in_other_words
from experiments.planning.checked_corpora import CheckedCorpora
from experiments.planning.known_runs import ACCEPTED, KnownRuns
from experiments.planning.merged_sources import lacking_of_merged
from experiments.planning.stored_data import DataInStore
from experiments.planning.trained_before import TrainedBefore
from experiments.runs import journal, keys, moved_files, recipe
from experiments.runs.config_form import form_key
from experiments.runs.named_files import NOISE, changed_since, lacking, names
from experiments.runs.run_folder import KEY, is_locked, slurm_job
from experiments.table_files.merge import get_path
from experiments.table_files.row_sources import WEIGHTS
from experiments.table_files.spec import Row, Table
from experiments.table_files.table_values import check_apart, check_corpora, data_of
from experiments.tracking.launcher_identity import alive_elsewhere, tags
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import TrackedRun

MOVED = "before files were moved"


class Judge:
    """Judges the cells of one plan.

    ``tables`` are those that the plan has read so far. With ``stored``, a report's, runs on a corpus that is not on
    this disk are found all the same.
    """

    def __init__(
        self,
        tracker: Tracker,
        known: KnownRuns,
        corpora: CheckedCorpora,
        *,
        tables: Mapping[str, Table],
        stored: DataInStore | None,
    ) -> None:
        self._tracker, self._known, self._corpora, self._tables, self._stored = tracker, known, corpora, tables, stored
        self._trained = TrainedBefore(tracker, known)
        self._keys: dict[tuple[str, str, keys.RunKey], keys.RunKey] = {}  # by family, form and all else but the words

    def judge(self, table: Table, row: Row, place: Place, upstream: Mapping[str, Cell]) -> Cell:
        """The cell of a row that has its fold's settings, at its place, standing on these others."""
        seed, fold = place.seed, place.fold
        code = keys.code_digests(row.config, recipe_version=recipe.VERSION, imports=table.imports)
        try:
            digest, stored_data = self._data(table, row)
        except CorpusMissingError as error:
            state = "stale" if isinstance(error, CorpusChangedError) else "missing"
            return Cell(table, row, seed, None, code, state, f"data: {error}", None, upstream, fold=fold)
        lacks = lacking(row.config)
        today = keys.RunKey(
            config=keys.config_key(row.config, stage=row.stage),
            code=keys.code_key(code),
            data=digest,
            seed=seed,
            upstream=keys.upstream_key(stood_on(row, upstream)),
        )
        moved = self._before_a_move(table.family, row, today, code)
        key = self._as_spelled_before(table.family, row, moved)
        state, why, run = self._state(table, key)
        cell = Cell(table, row, seed, key, code, state, why, run, upstream, stored_data=stored_data, fold=fold)
        if state != "finished":
            cell = self._accepted(cell, key)
        elif key != moved:
            cell = replace(cell, why=in_other_words(self._tracker.run_dir(key.id) / KEY, row.config))
        elif moved != today:
            cell = replace(cell, why=MOVED)
        cell = self._trained.look(cell)
        is_needed = not lacks.startswith(NOISE) or (row.stage == "fit" and cell.trained is None)  # noises: to train
        if lacks and is_needed and cell.state != "finished":
            return replace(cell, key=None, state="missing", why=lacks, trained=None)
        if cell.state != "finished" and (lacks := self._not_merged(cell)):
            return replace(cell, key=None, state="missing", why=lacks, trained=None)
        edited = self._edited_files(cell)
        return replace(cell, key=None, state="stale", why=f"data: {edited}") if edited else cell

    def _not_merged(self, cell: Cell) -> str:
        """What it would read of merged runs that did not come along; a cell whose training is done needs no weights."""
        trained = cell.trained is not None
        upstream = {name: of for name, of in cell.upstream.items() if not (trained and name in WEIGHTS)}
        return lacking_of_merged(cell.row, upstream, self._tracker)

    def _edited_files(self, cell: Cell) -> str:
        """What was edited of the files that a row names, since its run, or since what a resume would go on from."""
        if cell.key is None or cell.state not in ("finished", "failed") or not names(cell.row.config):
            return ""
        run_dir = self._tracker.run_dir(cell.key.id)
        if cell.state == "failed":
            lines, _ = journal.read_lines(run_dir / journal.NAME)
            if cell.trained is not None or not any(line.kind == "metrics" for line in lines):
                return ""
        return changed_since(run_dir / KEY, run=cell.name)

    def _data(self, table: Table, row: Row) -> tuple[str, str]:
        """The digest of a row's corpus and, where it is a stored run's, what a report says of that.

        Raises ``CorpusMissingError``, and ``CorpusChangedError`` for one that was edited in place.
        """
        where = f"{table.path.name}: rows.{row.name}: data"
        check_corpora(get_path(row.config, "data.corpus"), where=f"{where}.corpus")
        check_apart(get_path(row.config, "data.apart_from"), where=f"{where}.apart_from")
        corpus = data_of(row.config)
        try:
            return self._corpora.digest(corpus), ""
        except CorpusChangedError:
            raise
        except CorpusMissingError:
            if self._stored is None or (found := self._stored.of(corpus, self._tables.values())) is None:
                raise
            return found

    def _before_a_move(self, family: str, row: Row, key: keys.RunKey, code: Mapping[str, str]) -> keys.RunKey:
        """The key that the run had before files were moved, where one is finished under that alone."""
        then, *_ = moved_files.then(row.config, code, key=key, stage=row.stage)
        return then if then != key and not self._counts(family, key) and self._counts(family, then) else key

    def _counts(self, family: str, key: keys.RunKey) -> bool:
        finished = any(run.state == "finished" for run in self._known.with_key(family, key))
        return finished or self._known.accepted(family, key) is not None

    def _as_spelled_before(self, family: str, row: Row, key: keys.RunKey) -> keys.RunKey:
        """The key of a run, or of a cell of this plan, that says the same in other words; else the row's own."""
        form = form_key(row.config, stage=row.stage)
        place = (family, form, replace(key, config=""))
        own = self._known.with_key(family, key)
        if not any(run.state == "finished" for run in own):
            same = self._known.spelled_otherwise(family, key, form)
            if same is not None and (same.state == "finished" or not own):
                key = replace(key, config=same.tags["key.config"])
            elif not own:
                key = self._keys.get(place, key)
        self._keys[place] = key
        return key

    def _accepted(self, cell: Cell, key: keys.RunKey) -> Cell:
        """The cell as a run before an accepted change of code left it; the cell itself where there is none.

        An attempt with the new code that failed takes nothing from what was accepted; one that goes on does.
        """
        unmade = cell.state == "failed" or cell.why == NEVER
        if not unmade or (accepted := self._known.accepted(cell.table.family, key)) is None:
            return cell
        modules = accepted.tags[ACCEPTED + key.code]
        old = replace(key, code=accepted.tags["key.code"])
        why = f"before a code change that was accepted: {modules}"
        return replace(cell, key=old, state="finished", why=why, run=accepted, accepted=modules)

    def _state(self, table: Table, key: keys.RunKey) -> tuple[str, str, TrackedRun | None]:
        """State, why, and the store's run of this very key."""
        same = self._known.with_key(table.family, key)
        run_dir = self._tracker.run_dir(key.id)
        for run in same:
            if run.state == "finished":
                return "finished", "", run
        newest = same[0] if same else None
        if is_locked(run_dir):
            return "running", "its process is alive", newest
        ending = journal.final_state(run_dir / journal.NAME)
        if ending.state == "finished":
            return "missing", "it is finished here and not in the store: earmark sync", newest
        for run in same:
            if place := alive_elsewhere(run, tags(self._tracker.root)):
                return "running", place, run
        if ending.state in ("failed", "stopped"):
            return "failed", f"{ending.state}: {ending.message}", newest
        if ending.state == "started":  # whatever the store was last told
            return "failed", _gone(run_dir), newest
        if newest is not None and newest.state in ("failed", "stopped"):
            return "failed", f"{newest.state}: {newest.tags.get('earmark.error')}", newest
        if newest is not None:
            return "failed", _gone(run_dir), newest
        return "missing", NEVER, None


def _gone(run_dir: Path) -> str:
    """Why a run that nobody works on has not ended: a cluster's job may outlive its launcher, before it has a lock."""
    job_id, _ = slurm_job(run_dir)
    if not job_id:
        return "its process is gone"
    return f"its process is gone, or SLURM job {job_id} waits: earmark run --on slurm takes it over"
