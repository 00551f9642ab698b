"""Every cell of a table with its key and its state, judged by MLflow: what is there, what would run, and why.

Cells come in an order in which every run follows the runs that it stands on (``from:``). A plan works before the
data exist (state ``missing``, why ``data: …``) and imports no training code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from datamodules.corpus_files import CorpusChangedError
from datamodules.corpus_folder import CorpusMissingError
from experiments.errors import UserError
from experiments.planning.changes import Change, find_change, in_other_words
from experiments.planning.checked_corpora import CheckedCorpora
from experiments.planning.known_runs import ACCEPTED, KnownRuns
from experiments.planning.stored_data import DataInStore
from experiments.runs import journal, keys, moved_files, recipe
from experiments.runs.config_form import form_key
from experiments.runs.named_files import changed_since, names
from experiments.runs.run_folder import KEY, is_locked, slurm_job
from experiments.table_files.merge import Config, get_path
from experiments.table_files.row_sources import SEED
from experiments.table_files.spec import SHARED_OVERRIDES, Row, Table, read_table
from experiments.table_files.table_values import check_corpus
from experiments.tracking.launcher_identity import alive_elsewhere, tags
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import TrackedRun

NEVER = "never run"
MOVED = "before files were moved"


@dataclass(frozen=True)
class Cell:
    """One run of ``table``, which is another than the planned one where a row of that stands on it.

    ``state`` is ``finished``, ``running``, ``failed``, ``stale`` or ``missing``; ``why`` says what a state rests on.
    ``upstream`` maps the names of ``from:`` to the cells that the run stands on. ``run`` is MLflow's record of the
    run with this very key, whatever its state. ``change`` is what a stale cell, or one whose attempt failed, differs in
    from its newest finished run.
    ``accepted`` are the modules that changed since a finished run whose result was declared to stand all the same
    (``--accept-code-change``); ``key`` is that run's. ``stored_data`` says by which data a report's cell was found
    where its corpus is not on this disk.
    """

    table: Table
    row: Row
    seed: int
    key: keys.RunKey | None
    code: Mapping[str, str]
    state: str
    why: str
    run: TrackedRun | None
    upstream: Mapping[str, Cell] = field(default_factory=dict)
    change: Change | None = None
    accepted: str = ""
    stored_data: str = ""

    @property
    def name(self) -> str:
        """``table/row seed N``."""
        return f"{self.row.table}/{self.row.name} seed {self.seed}"

    @property
    def failed_by_itself(self) -> bool:
        """Whether its last attempt ended in an error of its own: one that was stopped or killed only has to go on."""
        return self.state == "failed" and self.why.startswith("failed: ")

    @property
    def would_run(self) -> bool:
        """Whether a launch has it to do: no failed trial that its search went past, and nothing that stands on one."""
        given_up = self.row.name in self.table.given_up
        return (
            self.state != "finished"
            and not given_up
            and all(other.state == "finished" or other.would_run for other in self.upstream.values())
        )


def make_plan(
    table: Table,
    tracker: Tracker,
    *,
    rows: Sequence[str] = (),
    seeds: Sequence[int] = (),
    known: KnownRuns | None = None,
    from_store: bool = False,
) -> list[Cell]:
    """The cells of the wanted rows and seeds (default: all) and of every row that they stand on.

    ``known`` are the answers of a store that were got for another plan at the same moment. ``from_store`` is for
    reports, which start nothing: runs on a corpus that is not on this disk are found all the same.
    """
    rows = [point for row in rows for point in table.grids.get(row, (row,))]
    for row in rows:
        table.row(row, where=table.path.name)
    places = [(seed, name) for seed in seeds or table.seeds for name in rows or table.rows]
    planner = _Planner(table, tracker, known or KnownRuns(tracker, num_cells=len(places)))
    planner.stored = DataInStore(tracker, recipe_version=recipe.VERSION) if from_store else None
    for seed, name in places:
        if seed in (table.rows[name].seeds or (seed,)):
            planner.cell(table.name, name, seed)
    if not planner.cells:
        raise UserError(f"{table.path.name}: none of the rows {', '.join(rows or table.rows)} runs at --seeds {seeds}")
    return sorted(planner.with_changes(), key=_depth)


def _depth(cell: Cell) -> int:
    return 1 + max((_depth(other) for other in cell.upstream.values()), default=-1)


class _Planner:
    def __init__(self, table: Table, tracker: Tracker, known: KnownRuns) -> None:
        self.tables = {table.name: table}
        self.scale = table.scale
        self.shared = {path: table.overrides[path] for path in SHARED_OVERRIDES if path in table.overrides}
        self.tracker, self.known = tracker, known
        self.cells: dict[tuple[str, str, int], Cell] = {}
        self.corpora = CheckedCorpora()
        self.stored: DataInStore | None = None
        self._keys: dict[tuple[str, str, keys.RunKey], keys.RunKey] = {}  # by family, form and all else but the words
        self._open: list[str] = []

    def table(self, name: str) -> Table:
        if name not in self.tables:
            self.tables[name] = read_table(name, scale=self.scale, overrides=self.shared)
        return self.tables[name]

    def cell(self, table: str, name: str, seed: int) -> Cell:
        place = (table, name, seed)
        if place in self.cells:
            return self.cells[place]
        spec = self.table(table)
        if f"{table}/{name}" in self._open:
            raise UserError(f"{spec.path.name}: rows.{name}.from: goes round in a circle: {' -> '.join(self._open)}")
        self._open.append(f"{table}/{name}")
        row = spec.rows[name]
        upstream = {}
        for source_name, source in row.sources.items():
            where = f"{spec.path.name}: rows.{name}.from.{source_name}"
            source_seed = seed if source.seed is None else source.seed
            other = self.table(source.table).row(source.row, where=where)
            if other.seeds is not None and source_seed not in other.seeds:
                say = f"{{row: {source.table}/{source.row}, seed: {other.seeds[0]}}}"
                raise UserError(f"{where}: {source.row!r} does not run at seed {source_seed}; say which: {say}")
            if row.stage == "fit" and source_name == SEED and other.stage != "fit":
                raise UserError(f"{where}: {source.row!r} is of stage {other.stage!r}, which leaves no weights")
            upstream[source_name] = self.cell(source.table, source.row, source_seed)
        self._open.pop()
        self.cells[place] = self._judge(spec, row, seed, upstream)
        return self.cells[place]

    def _judge(self, table: Table, row: Row, seed: int, upstream: Mapping[str, Cell]) -> Cell:
        code = keys.code_digests(row.config, recipe_version=recipe.VERSION, imports=table.imports)
        says = ""
        where = f"{table.path.name}: rows.{row.name}"
        try:
            digest = self.corpora.digest(
                check_corpus(get_path(row.config, "data.corpus"), where=f"{where}: data.corpus")
            )
        except CorpusMissingError as error:
            changed = isinstance(error, CorpusChangedError)
            corpus = get_path(row.config, "data.corpus")
            stored = self.stored.of(corpus, self.tables.values()) if self.stored and not changed else None
            if stored is None:
                state = "stale" if changed else "missing"
                return Cell(table, row, seed, None, code, state, f"data: {error}", None, upstream)
            digest, says = stored
        upstream_keys = {name: cell.key for name, cell in upstream.items() if cell.key is not None}
        key = keys.RunKey(
            config=keys.config_key(row.config, stage=row.stage),
            code=keys.code_key(code),
            data=digest,
            seed=seed,
            upstream=keys.upstream_key(upstream_keys),
        )
        today, key = key, self._key_that_counts(table.family, row, key, code)
        own, key = key, self._as_spelled_before(table.family, row, key)
        cell = Cell(table, row, seed, key, code, "missing", NEVER, None, upstream, stored_data=says)
        state, why, run = self._state(table, key)
        if key != own and state == "finished":
            why = in_other_words(self.tracker.run_dir(key.id) / KEY, row.config)
        if state == "finished" and names(row.config):
            edited = changed_since(self.tracker.run_dir(key.id) / KEY, run=cell.name)
            if edited:
                return replace(cell, key=None, state="stale", why=f"data: {edited}")
        unmade = state == "failed" or why == NEVER  # an attempt with the new code takes nothing from what was accepted
        if unmade and (accepted := self.known.accepted(table.family, key)):
            modules = accepted.tags[ACCEPTED + key.code]
            old = replace(key, code=accepted.tags["key.code"])
            why = f"before a code change that was accepted: {modules}"
            return replace(cell, key=old, state="finished", why=why, run=accepted, accepted=modules)
        return replace(cell, state=state, why=why or (MOVED if own != today else ""), run=run)

    def _key_that_counts(self, family: str, row: Row, key: keys.RunKey, code: Mapping[str, str]) -> keys.RunKey:
        """The key that the run had before files were moved, where one is finished under that alone."""
        then, *_ = _before_files_were_moved(row, key, code)
        return then if then != key and not self._counts(family, key) and self._counts(family, then) else key

    def _counts(self, family: str, key: keys.RunKey) -> bool:
        finished = any(run.state == "finished" for run in self.known.with_key(family, key))
        return finished or self.known.accepted(family, key) is not None

    def _as_spelled_before(self, family: str, row: Row, key: keys.RunKey) -> keys.RunKey:
        """The key of a run, or of a cell of this plan, that says the same in other words; else the row's own."""
        form = form_key(row.config, stage=row.stage)
        place = (family, form, replace(key, config=""))
        if not self.known.with_key(family, key):
            same = self.known.spelled_otherwise(family, key, form)
            key = replace(key, config=same.tags["key.config"]) if same else self._keys.get(place, key)
        self._keys[place] = key
        return key

    def with_changes(self) -> list[Cell]:
        """All cells; those that were finished once, under another key, say what changed, and are stale if untried."""
        configs: dict[str, dict[tuple[str, int], str]] = {}
        wanted: dict[str, list[tuple[str, int]]] = {}
        for (table, row, seed), cell in self.cells.items():
            if cell.key is not None:
                configs.setdefault(table, {})[row, seed] = cell.key.config
                if cell.why == NEVER or cell.state == "failed":
                    wanted.setdefault(table, []).append((row, seed))
        older: dict[tuple[str, str, int], TrackedRun] = {}
        for name, places in wanted.items():
            spec = self.tables[name]
            found = self.known.older(spec.family, table=name, scale=spec.scale, cells=configs[name], wanted=places)
            older |= {(name, *place): run for place, run in found.items()}
        return [self._stale(cell, older[place]) if place in older else cell for place, cell in self.cells.items()]

    def _stale(self, cell: Cell, older: TrackedRun) -> Cell:
        assert cell.key is not None
        record = self.tracker.run_dir(older.tags.get("key", "")) / KEY
        then = _before_files_were_moved(cell.row, cell.key, cell.code)
        forms = ((cell.key, cell.row.config, cell.code), then)
        changes = [find_change(older, *form, record=record) for form in forms]
        change = min(changes, key=lambda change: (len(change.parts), len(change.modules)))
        if cell.state == "failed":
            return replace(cell, why=f"{cell.why}; since its last finished run {change.why}", change=change)
        return replace(cell, state="stale", why=change.why, change=change)

    def _state(self, table: Table, key: keys.RunKey) -> tuple[str, str, TrackedRun | None]:
        """State, why, and the store's run of this very key."""
        same = self.known.with_key(table.family, key)
        run_dir = self.tracker.run_dir(key.id)
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
            if place := alive_elsewhere(run, tags(self.tracker.root)):
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


def _before_files_were_moved(
    row: Row, key: keys.RunKey, code: Mapping[str, str]
) -> tuple[keys.RunKey, Config, Mapping[str, str]]:
    """Key, configuration and code as they were called then."""
    config, then = moved_files.config_then(row.config), moved_files.code_then(code)
    config_key = keys.config_key(config, stage=row.stage)
    return replace(key, config=config_key, code=keys.code_key(then)), config, then


def _gone(run_dir: Path) -> str:
    """Why a run that nobody works on has not ended: a cluster's job may outlive its launcher, before it has a lock."""
    job_id, _ = slurm_job(run_dir)
    if not job_id:
        return "its process is gone"
    return f"its process is gone, or SLURM job {job_id} waits: earmark run --on slurm takes it over"
