"""A search in a report: its row has the figures of the trial that validation chose, the other trials stand apart.

So many trials would crowd out the table's systems, and the best of them on the test split was chosen by nobody: they
are listed under the table, never bold and never tested.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from experiments.planning.cell import Cell
from experiments.planning.search import best_trial
from experiments.table_files.merge import get_path
from experiments.table_files.search_spec import Search
from experiments.table_files.spec import Row, Table


@dataclass(frozen=True)
class Searched:
    """One search: its trials' cells by name, the validation figure of each that has one, and the winner's name.

    A figure is the mean over the search's seeds and folds, there only where all of a trial's runs at these are finished
    and finite. ``trials`` has the runs of the winner at others too.
    """

    row: str
    search: Search
    trials: Mapping[str, tuple[Cell, ...]]
    figures: Mapping[str, float]
    winner: str | None

    @property
    def says(self) -> str:
        """Who won by what, and of how many trials, in a line."""
        total, failed = self.search.trials, sum(self.state(name) == "failed" for name in self.trials)
        rest = f", {failed} failed" if failed else ""
        if self.winner is None:
            return f"{self.row}: none of {total} trials has a figure yet{rest}"
        if self.winner not in self.figures:
            return f"{self.row} is {self.winner}, chosen by {self.search.metric} of runs that are not shown"
        figure = f"{self.search.metric} {self.figures[self.winner]:.4g}, {self.search.better} is better"
        best = "best" if len(self.figures) + failed >= total else "best so far"
        return (
            f"{self.row} is {self.winner}, the {best}: {figure}; {len(self.figures)} of {total} trials have one{rest}"
        )

    def runs(self, trial: str) -> tuple[Cell, ...]:
        """The trial's cells at the seeds and on the folds of the search."""
        return _of_search(self.trials[trial], self.search)

    def state(self, trial: str) -> str:
        """``finished``, or what the first of the trial's other cells is."""
        return next((cell.state for cell in self.runs(trial) if cell.state != "finished"), "finished")

    @property
    def num_ended(self) -> int:
        """How many trials have a figure, or had their chance of one."""
        return sum(
            all(cell.state == "finished" or cell.failed_by_itself for cell in self.runs(name)) for name in self.trials
        )

    def settings(self, trial: str) -> dict[str, object]:
        """What the search chose, by dotted path."""
        config = self.trials[trial][0].row.config
        return {path: get_path(config, path) for path in self.search.space}


def apart(table: Table, cells: Sequence[Cell]) -> tuple[Table, list[Cell], tuple[Searched, ...]]:
    """The table and its cells with each search as one row, the winner's, and the searches by themselves."""
    searches = tuple(found for row, search in table.searches.items() if (found := _searched(table, row, search, cells)))
    for searched in searches:
        first = next(iter(searched.trials))
        chosen = searched.trials[searched.winner or first]
        row = replace(chosen[0].row, name=searched.row, why=_why(chosen[0].row, searched))
        rows: dict[str, Row] = {}
        for name, other in table.rows.items():
            if name == first:
                rows[searched.row] = row
            elif name not in searched.trials:
                rows[name] = other
        grids = {name: points for name, points in table.grids.items() if name != searched.row}
        table = replace(table, rows=rows, grids=grids)
        if searched.winner is None:
            chosen = tuple(replace(cell, state="missing", why="no trial has ended", run=None) for cell in chosen)
        others = [cell for cell in cells if not _is_trial(cell, table, searched)]
        own = [replace(cell, row=replace(row, config=cell.row.config)) for cell in chosen]  # each as its fold has it
        cells = [*others, *own]
    return table, list(cells), searches


def _searched(table: Table, row: str, search: Search, cells: Sequence[Cell]) -> Searched | None:
    """None where not all trials are among the cells: some were asked for by name, and are rows as any other.

    The winner may stand alone where the seeds or folds that are shown are none of the search's.
    """
    names = table.grids.get(row, ())
    own: dict[str, list[Cell]] = {name: [] for name in names}
    for cell in cells:
        if cell.row.table == table.name and cell.row.name in own:
            own[cell.row.name].append(cell)
    trials = {name: tuple(of) for name, of in own.items() if of}
    figures = {name: figure for name, of in trials.items() if (figure := _figure(of, search)) is not None}
    winner = table.winners.get(row) or best_trial(search, figures)  # of all the row's seeds, whichever are shown
    alone = winner is not None and set(trials) == {winner} and not _of_search(trials[winner], search)
    return Searched(row, search, trials, figures, winner) if trials and (len(trials) == len(names) or alone) else None


def _figure(cells: Sequence[Cell], search: Search) -> float | None:
    runs = _of_search(cells, search)
    values = [cell.run.metrics.get(search.metric, math.nan) for cell in runs if cell.run and cell.state == "finished"]
    return fmean(values) if values and len(values) == len(runs) and all(map(math.isfinite, values)) else None


def _of_search(cells: Sequence[Cell], search: Search) -> tuple[Cell, ...]:
    return tuple(
        cell
        for cell in cells
        if cell.seed in (search.seeds or (cell.seed,)) and cell.fold in (search.folds or (cell.fold,))
    )


def _is_trial(cell: Cell, table: Table, searched: Searched) -> bool:
    return cell.row.table == table.name and cell.row.name in searched.trials


def _why(row: Row, searched: Searched) -> str:
    return f"{row.why} ({searched.winner}, chosen by {searched.search.metric})" if searched.winner else searched.says
