"""Searches of a table (``search:`` of a row) as rows: every trial is a row, its run a run as any other.

Nothing of a search is stored but its runs. Optuna's sampler (TPE, Bergstra et al. 2011) has a fixed seed, so the trials
that it chooses are a function of the table and of the finished runs' values: they are asked for again, wave by wave,
each time that the table is read. So a search goes on after any interruption, and on any machine that has its store.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from experiments.errors import UserError, unknown
from experiments.known_runs import KnownRuns
from experiments.merge import set_path
from experiments.plan import Cell, make_plan
from experiments.search_spec import Range, Search
from experiments.spec import Row, Table

if TYPE_CHECKING:
    from experiments.tracking import Tracker

DIGITS = 4  # of a number in a configuration: more say nothing and cannot be read


def with_trials(table: Table, tracker: Tracker, *, from_store: bool = False) -> Table:
    """The table with each row that has a search replaced by its finished trials and those that come next.

    ``from_store`` as ``make_plan`` has it.
    """
    for row in [row for row in table.rows.values() if row.search is not None]:
        assert row.search is not None
        trials = _trials(table, row, row.search, tracker, from_store=from_store)
        rows = {
            name: other
            for here in table.rows.values()
            for name, other in (trials.items() if here.name == row.name else [(here.name, here)])
        }
        varied = sorted({*table.varied, *row.search.space})  # what was chosen is a param, of the first trial too
        grids = {**table.grids, row.name: tuple(trials)}
        table = replace(table, rows=rows, grids=grids, varied=tuple(varied))
    return table


def _trials(table: Table, row: Row, search: Search, tracker: Tracker, *, from_store: bool) -> dict[str, Row]:
    """Rows of the trials by name: wave after wave as far as all of a wave have their value, and the next wave."""
    num_cells = search.trials * len(row.seeds or table.seeds)
    study, known = _study(search), KnownRuns(tracker, num_cells=num_cells)
    rows: dict[str, Row] = {}
    while len(rows) < search.trials:
        asked = [study.ask() for _ in range(min(search.parallel, search.trials - len(rows)))]
        wave = {f"{row.name}.trial={number:03d}": trial for number, trial in enumerate(asked, start=len(rows))}
        new = {name: _row(table, row, name, _point(trial, search)) for name, trial in wave.items()}
        rows |= new
        with_new = replace(table, rows={**table.rows, **new})
        cells = make_plan(with_new, tracker, rows=list(new), known=known, from_store=from_store)
        values = {name: _value(search, cells, name, where=f"{table.path.name}: rows.{row.name}") for name in new}
        if None in values.values():
            break
        for name, trial in wave.items():
            study.tell(trial, values[name])
    return rows


def _study(search: Search) -> Any:
    try:
        import optuna
    except ModuleNotFoundError:
        raise UserError("search: needs optuna: pip install 'earmark[search]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(seed=0, constant_liar=True)  # keeps the trials of one wave apart
    return optuna.create_study(sampler=sampler, direction="maximize" if search.better == "higher" else "minimize")


def _point(trial: Any, search: Search) -> dict[str, Any]:
    return {path: _suggest(trial, path, axis) for path, axis in search.space.items()}


def _suggest(trial: Any, path: str, axis: Range | tuple[Any, ...]) -> Any:
    if not isinstance(axis, Range):
        return trial.suggest_categorical(path, axis)
    if axis.is_whole:
        return trial.suggest_int(path, axis.low, axis.high, log=axis.log)
    return float(f"{trial.suggest_float(path, axis.low, axis.high, log=axis.log):.{DIGITS}g}")


def _row(table: Table, row: Row, name: str, point: Mapping[str, Any]) -> Row:
    config = copy.deepcopy(row.config)
    try:
        for path, value in point.items():
            set_path(config, path, value)
    except ValueError as error:
        raise UserError(f"{table.path.name}: rows.{row.name}.search.space: {error}") from None
    says = ", ".join(f"{path.rpartition('.')[2]}={value}" for path, value in point.items())
    return replace(row, name=name, why=f"{row.why}: {says}", config=config, search=None)


def _value(search: Search, cells: Sequence[Cell], name: str, *, where: str) -> float | None:
    """The metric's mean over a trial's seeds; None until every run is finished."""
    values = []
    for cell in cells:
        if cell.row.name != name:
            continue
        if cell.state != "finished" or cell.run is None:
            return None
        if search.metric not in cell.run.metrics:
            raise UserError(f"{where}.search.metric: {unknown('metric', search.metric, sorted(cell.run.metrics))}")
        values.append(cell.run.metrics[search.metric])
    mean = fmean(values)
    if not math.isfinite(mean):  # worse than anything: Optuna refuses it
        mean = -1e30 if search.better == "higher" else 1e30
    return mean
