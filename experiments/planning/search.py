"""Searches of a table (``search:`` of a row or of all) as rows: every trial is a row, its run a run as any other.

Nothing of a search is stored but its runs. Optuna's sampler (TPE, Bergstra et al. 2011, or random) has a fixed seed, so
the trials that it chooses are a function of the table and of the finished runs' values: they are asked for again, wave
by wave, each time that the table is read. So a search goes on after any interruption, and on any machine that has its
store. Random trials rest on no value: rows with one space have the same.

Rows that stand on a row with a search stand on its best trial, and wait until there is one. Trials may run at fewer
seeds and folds than the row; the best one then runs at the rest.

A trial of which a run failed by itself, or whose figure is not finite, is told to the sampler as worse than any other,
and the search goes on. Later trials rest on that, so a failed one is tried again only when ``--rows`` names it.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING, Any

from experiments.errors import UserError, unknown
from experiments.planning.cell import Cell
from experiments.planning.checked_corpora import CheckedCorpora
from experiments.planning.known_runs import KnownRuns
from experiments.planning.plan import make_plan
from experiments.table_files.merge import set_path
from experiments.table_files.search_spec import Range, Search
from experiments.table_files.spec import Row, Table
from experiments.table_files.view_spec import View

if TYPE_CHECKING:
    from experiments.tracking.mlflow_store import Tracker

WORST = 1e30  # what the sampler hears of a trial without a finite figure: it refuses infinity
DIGITS = 4  # of a number in a configuration: more say nothing and cannot be read


@dataclass
class _Trials:
    """What is known of a search: its trials' rows, the figures of those that ended, and those that failed.

    A figure is the mean over the row's seeds and folds; None where there is no finite one.
    """

    rows: dict[str, Row] = field(default_factory=dict)
    values: dict[str, float | None] = field(default_factory=dict)
    failed: dict[str, frozenset[str]] = field(default_factory=dict)  # with the keys of their failed runs


def with_trials(
    table: Table,
    tracker: Tracker,
    *,
    again: Collection[str] = (),
    corpora: CheckedCorpora | None = None,
    from_store: bool = False,
) -> Table:
    """The table with each row that has a search replaced by the trials that ended and those that come next.

    ``again`` are failed trials to be tried once more, ``corpora`` and ``from_store`` are as ``make_plan`` has them.
    Raises ``UserError``.
    """
    plan = partial(make_plan, corpora=corpora or CheckedCorpora(), from_store=from_store)
    while (row := _next(table)) is not None:
        assert row.search is not None
        trials = _trials(table, row, row.search, tracker, plan)
        best = _winner(search=row.search, values=trials.values)
        stand_on_it = [name for name in table.rows if row.name in _upstream(table, name)]
        if best is not None:
            trials.rows[best] = replace(trials.rows[best], seeds=row.seeds, folds=row.folds)
        rows = {
            name: other if best is None else _on_winner(other, table=table.name, row_name=row.name, best=best)
            for here in table.rows.values()
            for name, other in (trials.rows.items() if here.name == row.name else [(here.name, here)])
        }
        varied = sorted({*table.varied, *row.search.space})  # what was chosen is a param, of the first trial too
        table = replace(
            table,
            rows=rows,
            grids={**table.grids, row.name: tuple(trials.rows)},
            varied=tuple(varied),
            winners=table.winners if best is None else {**table.winners, row.name: best},
            given_up=table.given_up | (trials.failed.keys() - set(again)),
            views=tuple(_with_trials(view, row.name, tuple(trials.rows)) for view in table.views),
            waiting=table.waiting if best else {**dict.fromkeys(stand_on_it, row.name), **table.waiting},
        )
    return table


def _next(table: Table) -> Row | None:
    """A row whose search can be asked for: what it stands on has none, or one that has ended."""
    searching = {row.name for row in table.rows.values() if row.search is not None}
    free = searching - table.waiting.keys()
    return next(
        (table.rows[name] for name in table.rows if name in free and not searching & _upstream(table, name)), None
    )


def _upstream(table: Table, name: str) -> set[str]:
    """All rows of the same table that a row stands on, over however many others."""
    found: set[str] = set()
    ask = [name]
    while ask:
        sources = table.rows[ask.pop()].sources.values()
        new = {of.row for of in sources if of.table == table.name and of.row in table.rows} - found
        found |= new
        ask += new
    return found


def _on_winner(row: Row, *, table: str, row_name: str, best: str) -> Row:
    """The row on the best trial in the place of the row with the search."""
    sources = {
        name: replace(of, row=best) if (of.table, of.row) == (table, row_name) else of
        for name, of in row.sources.items()
    }
    return replace(row, sources=sources)


def _with_trials(view: View, row: str, trials: tuple[str, ...]) -> View:
    """The view with all trials where it names the row with the search."""
    rows = view.rows and tuple(name for here in view.rows for name in (trials if here == row else (here,)))
    return replace(view, rows=rows)


def _winner(*, search: Search, values: Mapping[str, float | None]) -> str | None:
    """The trial with the best figure, the first of equals; None before all trials ended, or where none has a figure."""
    finite = {name: value for name, value in values.items() if value is not None}
    return best_trial(search, finite) if len(values) == search.trials else None


def best_trial(search: Search, figures: Mapping[str, float]) -> str | None:
    """The trial with the best figure so far, the first of equals; None where there is none."""
    best = max if search.better == "higher" else min
    return best(figures, key=lambda name: figures[name], default=None)


def _trials(table: Table, row: Row, search: Search, tracker: Tracker, make: Callable[..., list[Cell]]) -> _Trials:
    """Wave after wave as far as all runs of a wave ended, and the next wave."""
    num_seeds, num_folds = len(search.seeds or row.seeds or table.seeds), max(1, len(search.folds or table.folds))
    num_cells = search.trials * num_seeds * num_folds
    study, known, trials = _study(search), KnownRuns(tracker, num_cells=num_cells), _Trials()
    worst = -WORST if search.better == "higher" else WORST
    while len(trials.rows) < search.trials:
        num_asked = len(trials.rows)
        asked = [study.ask() for _ in range(min(search.parallel, search.trials - num_asked))]
        wave = {f"{row.name}.trial={number:03d}": trial for number, trial in enumerate(asked, start=num_asked)}
        new = {name: _row(table, row, name, _point(trial, search)) for name, trial in wave.items()}
        trials.rows |= new
        with_new = replace(table, rows={**table.rows, **new})
        plan = make(with_new, tracker, rows=list(new), known=known)
        cells = {name: [cell for cell in plan if cell.row.name == name] for name in new}
        failed = {name: keys for name in new if (keys := _failed_keys(cells[name]))}
        if not all(cell.state == "finished" or cell.failed_by_itself for cell in plan if cell.row.name in new):
            before = frozenset().union(*trials.failed.values())
            trials.failed |= {name: keys for name, keys in failed.items() if keys <= before}  # the same point again
            break
        trials.failed |= failed
        for name, trial in wave.items():
            value = None if name in failed else _value(search, cells[name], where=f"{table.path.name}: rows.{row.name}")
            trials.values[name] = value
            study.tell(trial, worst if value is None else value)
    return trials


def _failed_keys(cells: Sequence[Cell]) -> frozenset[str]:
    return frozenset(cell.key.id for cell in cells if cell.failed_by_itself and cell.key is not None)


def _study(search: Search) -> Any:
    try:
        import optuna
    except ModuleNotFoundError:
        raise UserError("search: needs optuna: pip install 'earmark[search]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        tpe = optuna.samplers.TPESampler(seed=0, constant_liar=True)  # keeps the trials of one wave apart
        sampler = optuna.samplers.RandomSampler(seed=0) if search.sampler == "random" else tpe
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
    assert row.search is not None
    config = copy.deepcopy(row.config)
    try:
        for path, value in point.items():
            set_path(config, path, value)
    except ValueError as error:
        raise UserError(f"{table.path.name}: rows.{row.name}.search.space: {error}") from None
    says = ", ".join(f"{path.rpartition('.')[2]}={value}" for path, value in point.items())
    seeds, folds = row.search.seeds or row.seeds, row.search.folds
    return replace(row, name=name, why=f"{row.why}: {says}", config=config, search=None, seeds=seeds, folds=folds)


def _value(search: Search, cells: Sequence[Cell], *, where: str) -> float | None:
    """The metric's mean over the finished runs of a trial; None where it is not finite."""
    values = []
    for cell in cells:
        assert cell.run is not None
        if search.metric not in cell.run.metrics:
            raise UserError(f"{where}.search.metric: {unknown('metric', search.metric, sorted(cell.run.metrics))}")
        values.append(cell.run.metrics[search.metric])
    mean = fmean(values)
    return mean if math.isfinite(mean) else None
