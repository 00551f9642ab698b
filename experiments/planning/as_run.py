"""A table's cells as they were run, whatever the code, the configuration and the data are today.

Of each row the newest finished run says which code counts; its other runs count where they were made in the same way,
by the keys in their tags: the same code, of a fold the same configuration and data, and the same of every run that they
stand on. So no mean mixes two codes. All others are counted, and the report says how many were left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from experiments.planning.cell import NEVER, Cell
from experiments.planning.known_runs import FOLD
from experiments.runs import provenance
from experiments.runs.keys import RunKey
from experiments.runs.recipe import NAME as RECIPE
from experiments.runs.run_folder import CONFIG, KEY
from experiments.table_files.folds import check_fold, in_fold
from experiments.table_files.spec import SECTIONS, Row, Table
from experiments.table_files.yaml_files import parse_value
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.stored_origin import recorded_files
from experiments.tracking.tracked_run import STATE, TrackedRun

TRIAL = ".trial="  # between the name of a row with a search and a trial's number


class _Made(NamedTuple):
    """How a run was made: by which code, and of what; either with those of the runs that it stands on."""

    code: tuple[Any, ...]
    of_what: tuple[Any, ...]


def as_run(
    table: Table, tracker: Tracker, *, rows: Sequence[str] = (), seeds: Sequence[int] = (), folds: Sequence[str] = ()
) -> tuple[Table, list[Cell]]:
    """The table with its rows as they were configured, and the cells of the wanted rows, seeds and folds."""
    rows = list(dict.fromkeys(point for row in rows for point in table.grids.get(row, (row,))))
    seeds, folds = list(dict.fromkeys(seeds)), list(dict.fromkeys(folds))  # named twice, a run counts once
    for name in rows:
        table.row(name, where=table.path.name)
    for fold in folds:
        check_fold(table.folds, fold, where="--folds")
    having = f"row.{table.name}"
    runs = tracker.find(table.family, tags={"scale": table.scale, STATE: "finished"}, having=[having])
    by_row: dict[str, list[TrackedRun]] = {}
    for run in runs:
        by_row.setdefault(run.tags[having], []).append(run)
    records = _Records(tracker)
    made: dict[str, Row] = {}
    cells: list[Cell] = []
    grids = dict(table.grids)
    for name in rows or table.rows:
        row = table.rows[name]
        names = [name] if row.search is None else sorted(of for of in by_row if of.startswith(name + TRIAL))
        own = [run for of in names for run in by_row.get(of, ())]
        code = _newest_code(own, table, records)
        for of in names:
            found = _cells(
                table, replace(row, name=of, search=None), by_row.get(of, ()), code, records, seeds=seeds, folds=folds
            )
            made[of] = found[0].row if found else row
            cells += found
        if row.search is not None:
            grids[name] = tuple(names)
    return replace(table, rows={**_others(table, made), **made}, grids=grids), cells


def _others(table: Table, made: Mapping[str, Row]) -> dict[str, Row]:
    """Rows of the table that were not asked for, in whose place stands what they are today."""
    return {name: row for name, row in table.rows.items() if name not in made and row.search is None}


def _newest_code(runs: Sequence[TrackedRun], table: Table, records: _Records) -> tuple[Any, ...] | None:
    """The code of the newest run that was made with the table's ``--set``, which is none as a rule."""
    for run in sorted(runs, key=lambda run: -run.start_ms):
        if records.overrides(run) == dict(table.overrides):
            return records.made(run).code
    return None


def _cells(
    table: Table,
    row: Row,
    runs: Sequence[TrackedRun],
    code: tuple[Any, ...] | None,
    records: _Records,
    *,
    seeds: Sequence[int],
    folds: Sequence[str],
) -> list[Cell]:
    """A row's cells by fold and seed; a run of another code, configuration or data is left out."""
    chosen: dict[tuple[str | None, int], TrackedRun] = {}
    config = row.config
    every_fold: tuple[str | None, ...] = tuple(folds or table.folds) or (None,)
    for fold in every_fold:
        of_fold = [run for run in runs if run.tags.get(FOLD) == fold and records.made(run).code == code]
        newest = next((run for run in of_fold if records.overrides(run) == dict(table.overrides)), None)
        if newest is not None:
            of_what, config = records.made(newest).of_what, records.config(newest) or row.config
            for run in reversed(of_fold):  # of two of one key the newer
                if records.made(run).of_what == of_what:
                    chosen[fold, int(run.tags["seed"])] = run
    row, left_out = replace(row, config=config), len(runs) - len(chosen)
    cells = []
    for fold in every_fold:
        today = row if fold is None else in_fold(row, table.folds[fold])
        for seed in seeds or table.seeds:
            if seed in (row.seeds or (seed,)):
                cell = Cell(table, today, seed, None, {}, "missing", NEVER, None)
                if found := chosen.get((fold, seed)):
                    own = replace(row, config=records.config(found) or today.config)
                    cell = replace(records.cell(table, found), row=own)
                cells.append(replace(cell, fold=fold, left_out=left_out))
    return cells


class _Records:
    """What runs say of themselves in their tags and files, each read once."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._files: dict[str, dict[str, bytes]] = {}
        self._runs: dict[str, TrackedRun | None] = {}
        self._made: dict[str, _Made] = {}

    def made(self, run: TrackedRun) -> _Made:
        """How a run was made."""
        if run.run_id not in self._made:
            upstream = {name: other and self.made(other) for name, other in self.upstream(run).items()}
            code = tuple((name, other and other.code) for name, other in upstream.items())
            of_what = tuple((name, other and other.of_what) for name, other in upstream.items())
            tags = run.tags
            self._made[run.run_id] = _Made(
                (tags.get("key.code"), tags.get(RECIPE), *code),
                (tags.get("key.config"), tags.get("key.data"), *of_what),
            )
        return self._made[run.run_id]

    def upstream(self, run: TrackedRun) -> dict[str, TrackedRun | None]:
        """The runs that a run stands on, by the names of its ``from:``; None for one that is gone."""
        if not run.tags.get("key.upstream"):
            return {}
        record = parse_value(self._read(run, CONFIG).decode() or "{}")
        return {name: self._run_of(Path(folder).name) for name, folder in sorted((record.get("from") or {}).items())}

    def _run_of(self, key: str) -> TrackedRun | None:
        if key not in self._runs:
            found = [run for run in self._tracker.beginning_with(key) if run.state == "finished"]
            self._runs[key] = found[0] if found else None
        return self._runs[key]

    def config(self, run: TrackedRun) -> dict[str, Any]:
        """The configuration that a run was made with; empty where its files are gone."""
        recorded = json.loads(self._read(run, KEY) or "{}").get("config") or {}
        return {name: section for name, section in recorded.items() if name in SECTIONS}

    def overrides(self, run: TrackedRun) -> dict[str, Any]:
        """The ``--set`` that a run was launched with; none where its files are gone."""
        return dict(json.loads(self._read(run, provenance.NAME) or "{}").get("overrides") or {})

    def _read(self, run: TrackedRun, name: str) -> bytes:
        if run.run_id not in self._files:
            self._files[run.run_id] = recorded_files(self._tracker, run, (CONFIG, KEY, provenance.NAME))
        return self._files[run.run_id].get(name, b"")

    def cell(self, table: Table, run: TrackedRun) -> Cell:
        """A finished cell of a run, and of those that it stands on."""
        tags = run.tags
        name = next((tag.removeprefix("row.") for tag in tags if tag.startswith("row.") and "/" not in tag), table.name)
        row = Row(name, tags.get(f"row.{name}", ""), "", "fit" if tags.get("stage") == "fit" else "score",
                  self.config(run), {})  # fmt: skip
        key = RunKey(tags["key.config"], tags["key.code"], tags["key.data"], int(tags["seed"]), tags["key.upstream"])
        upstream = {name: self.cell(table, other) for name, other in self.upstream(run).items() if other is not None}
        return Cell(table, row, key.seed, key, {}, "finished", "as it was run", run, upstream, left_out=0)
