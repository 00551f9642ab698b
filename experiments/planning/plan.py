"""Every cell of a table with its key and its state, judged by MLflow: what is there, what would run, and why.

Cells come in an order in which every run follows the runs that it stands on (``from:``). A plan works before the
data exist (state ``missing``, why ``data: …``) and imports no training code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from experiments.errors import UserError
from experiments.planning.cell import NEVER, Cell, Place
from experiments.planning.changes import change_of
from experiments.planning.checked_corpora import CheckedCorpora
from experiments.planning.judge import Judge
from experiments.planning.known_runs import KnownRuns
from experiments.planning.raw_texts import warn_of_raw_texts
from experiments.planning.source_data import check_source_data
from experiments.planning.stored_data import DataInStore
from experiments.runs import recipe
from experiments.runs.run_folder import KEY
from experiments.table_files.folds import check_fold, in_fold
from experiments.table_files.row_sources import WEIGHTS
from experiments.table_files.spec import SHARED_OVERRIDES, Table, read_table
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import TrackedRun


def make_plan(
    table: Table,
    tracker: Tracker,
    *,
    rows: Sequence[str] = (),
    seeds: Sequence[int] = (),
    folds: Sequence[str] = (),
    known: KnownRuns | None = None,
    corpora: CheckedCorpora | None = None,
    from_store: bool = False,
) -> list[Cell]:
    """The cells of the wanted rows, seeds and folds (default: all) and of every row that they stand on.

    ``known`` and ``corpora`` are what was found for another plan at the same moment. ``from_store`` is for reports,
    which start nothing: runs on a corpus that is not on this disk are found all the same.
    """
    rows = [meant for row in rows for meant in table.meant_by(row)]
    for row in rows:
        table.row(row, where=table.path.name)
    for fold in folds:
        check_fold(table.folds, fold, where=f"{table.path.name}: --folds")
    places = [
        Place(name, seed, fold)
        for seed in seeds or table.seeds
        for fold in folds or table.folds or (None,)
        for name in rows or table.rows
    ]
    known = known or KnownRuns(tracker, num_cells=len(places))
    planner = _Planner(table, tracker, known, corpora or CheckedCorpora(), from_store=from_store)
    for place in places:
        if table.rows[place.row].runs_at(place.seed, place.fold):
            planner.cell(table.name, place)
    if not planner.cells:
        raise UserError(f"{table.path.name}: none of the rows {', '.join(rows or table.rows)} runs at --seeds {seeds}")
    cells = planner.with_changes()
    if not from_store:
        warn_of_raw_texts(cells)
    return _upstream_first(cells)


def _upstream_first(cells: Sequence[Cell]) -> list[Cell]:
    depths: dict[str, int] = {}

    def depth(cell: Cell) -> int:
        if cell.name not in depths:
            depths[cell.name] = 1 + max((depth(other) for other in cell.upstream.values()), default=-1)
        return depths[cell.name]

    return sorted(cells, key=depth)


def _fold_of_source(fold: str | None, other: Table, *, where: str) -> str | None:
    """The fold of ``other`` that a row on ``fold`` stands on: the one of its name, none of a table without folds."""
    if not other.folds:
        return None
    if fold is None or fold not in other.folds:
        stands = "in a table without folds" if fold is None else f"on fold {fold!r}"
        raise UserError(f"{where}: stands {stands}, and {other.path.name} has the folds {', '.join(other.folds)} alone")
    return fold


class _Planner:
    def __init__(
        self, table: Table, tracker: Tracker, known: KnownRuns, corpora: CheckedCorpora, *, from_store: bool
    ) -> None:
        self.tables = {table.name: table}
        self.scale = table.scale
        self.shared = {path: table.overrides[path] for path in SHARED_OVERRIDES if path in table.overrides}
        self.tracker, self.known = tracker, known
        self.cells: dict[tuple[str, Place], Cell] = {}
        stored = DataInStore(tracker, recipe_version=recipe.VERSION) if from_store else None
        self._judge = Judge(tracker, known, corpora, tables=self.tables, stored=stored)
        self._open: list[str] = []

    def table(self, name: str) -> Table:
        if name not in self.tables:
            self.tables[name] = read_table(name, scale=self.scale, overrides=self.shared)
        return self.tables[name]

    def cell(self, table: str, place: Place) -> Cell:
        if (table, place) in self.cells:
            return self.cells[table, place]
        spec, name = self.table(table), place.row
        if f"{table}/{name}" in self._open:
            raise UserError(f"{spec.path.name}: rows.{name}.from: goes round in a circle: {' -> '.join(self._open)}")
        if name in spec.waiting:
            why = f"waits for the search of {spec.waiting[name]}"
            waiting = Cell(spec, spec.rows[name], place.seed, None, {}, "missing", why, None, fold=place.fold)
            return self.cells.setdefault((table, place), waiting)
        self._open.append(f"{table}/{name}")
        row = spec.rows[name] if place.fold is None else in_fold(spec.rows[name], spec.folds[place.fold])
        upstream = {}
        for source_name, source in row.sources.items():
            where = f"{spec.path.name}: rows.{name}.from.{source_name}"
            source_seed = place.seed if source.seed is None else source.seed
            other = self.table(source.table).row(source.row, where=where)
            if other.search is not None:
                raise UserError(
                    f"{where}: {source.row!r} has a search; only rows of its own table stand on its best trial"
                )
            if other.seeds is not None and source_seed not in other.seeds:
                say = f"{{row: {source.table}/{source.row}, seed: {other.seeds[0]}}}"
                raise UserError(f"{where}: {source.row!r} does not run at seed {source_seed}; say which: {say}")
            if row.stage == "fit" and source_name in WEIGHTS and other.stage != "fit":
                raise UserError(f"{where}: {source.row!r} is of stage {other.stage!r}, which leaves no weights")
            fold = _fold_of_source(place.fold, self.table(source.table), where=where)
            upstream[source_name] = self.cell(source.table, Place(source.row, source_seed, fold))
            check_source_data(row, source_name, upstream[source_name], where=where)
        self._open.pop()
        self.cells[table, place] = self._judge.judge(spec, row, place, upstream)
        return self.cells[table, place]

    def with_changes(self) -> list[Cell]:
        """All cells; those that were finished once, under another key, say what changed, and are stale if untried."""
        configs: dict[str, dict[Place, str]] = {}
        wanted: dict[str, list[Place]] = {}
        for (table, place), cell in self.cells.items():
            if cell.key is not None:
                configs.setdefault(table, {})[place] = cell.key.config
                if cell.why == NEVER or cell.state == "failed":
                    wanted.setdefault(table, []).append(place)
        older: dict[tuple[str, Place], TrackedRun] = {}
        for name, places in wanted.items():
            spec = self.tables[name]
            found = self.known.older(spec.family, table=name, scale=spec.scale, cells=configs[name], wanted=places)
            older |= {(name, place): run for place, run in found.items()}
        return [self._stale(cell, older[key]) if key in older else cell for key, cell in self.cells.items()]

    def _stale(self, cell: Cell, older: TrackedRun) -> Cell:
        record = self.tracker.run_dir(older.tags.get("key", "")) / KEY
        change = change_of(cell, older, record=record)
        if cell.state == "failed":
            return replace(cell, why=f"{cell.why}; since its last finished run {change.why}", change=change)
        return replace(cell, state="stale", why=change.why, change=change)
