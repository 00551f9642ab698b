"""A table's numbers from MLflow: mean ± standard deviation over seeds and folds.

The best mean of a column within a group of rows stands in bold, reference rows aside; stars say which rows are better
than the row that they are compared with, and triangles which are worse (``significance.py``). A mean over fewer runs
than others are says its n and how many diverged: of the others it is a mean that competes for nothing. A cell without a
finished run is a dash. What else must be known stands under the table (``report_notes.py``): a report never hides what
was not run. ``formats/`` has how it looks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from datamodules.corpus_folder import CorpusCard, CorpusMissingError
from datamodules.joined_corpora import read_cards
from experiments.planning.cell import Cell, Place, axes, num_runs
from experiments.reporting import as_run_notes
from experiments.reporting.counted_columns import counted
from experiments.reporting.environments import COMPARISON, MEAN, NOTHING_KNOWN, Environment, differing, environment_of
from experiments.reporting.scored_by import Versions, versions_of
from experiments.reporting.searched import Searched
from experiments.reporting.searches.budget_table import BudgetTable, budget_tables
from experiments.reporting.significance import Significance
from experiments.statistics.stats import Summary, stars, summarise
from experiments.table_files.columns import Column
from experiments.table_files.groups import Group, in_groups
from experiments.table_files.merge import get_path
from experiments.table_files.spec import Table
from experiments.table_files.table_values import corpus_of
from experiments.tracking.tracked_run import TrackedRun

STAR = "∗"  # U+2217: Markdown reads * as emphasis
WORSE = "▾"  # in the place of a star: the difference goes the wrong way
MANY_COLUMNS, MANY_ROWS = 8, 20  # a table of more folds its groups


@dataclass(frozen=True)
class SeedValue:
    """One run's figure, where the run is (its MLflow id and the key that names its folder), and on what it was made."""

    seed: int
    value: float
    run_id: str
    run_key: str
    environment: Environment = NOTHING_KNOWN
    fold: str | None = None

    @property
    def name(self) -> str:
        """Of the run for programs: ``0``, on a fold ``a/0``."""
        return str(self.seed) if self.fold is None else f"{self.fold}/{self.seed}"

    def place(self, row: str) -> Place:
        """Where in its table the run stands."""
        return Place(row, self.seed, self.fold)


@dataclass(frozen=True)
class Report:
    """Summaries by (row, metric) and the values behind them, with what a heading must say.

    ``num_runs`` is over how many runs a row's mean is that has a figure at every seed and on every fold.
    """

    table: Table
    heading: str
    rows: tuple[str, ...]
    cells: Mapping[tuple[str, str], Summary | None]
    missing: tuple[str, ...]
    num_runs: int
    values: Mapping[tuple[str, str], tuple[SeedValue, ...]] = field(default_factory=dict)
    significance: Significance | None = None
    accepted: tuple[str, ...] = ()  # cells whose runs stand for newer code by their user's word
    num_finished: Mapping[str, int] = field(default_factory=dict)  # runs by row, whichever figures they have
    stored_data: tuple[str, ...] = ()  # what is said of corpora that are not on this disk
    trials: tuple[Trials, ...] = ()
    scored_by: Versions = field(default_factory=dict)
    as_run: as_run_notes.AsRun | None = None  # of runs as they were, whatever today's code is

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The rows by group, in the order in which they are shown; a table without groups is one without a heading."""
        return in_groups(self.table.groups, self.rows)

    @property
    def folded(self) -> bool:
        """Whether all groups but the first are folded, or a table each: side by side they would be too much to read."""
        return len(self.groups) > 1 and (len(self.table.columns) > MANY_COLUMNS or len(self.rows) > MANY_ROWS)

    def against(self, row: str) -> str | None:
        """The row that a row is compared with; None of one that is not, and where nothing is tested."""
        if self.significance is None:
            return None
        baseline = self.significance.baselines.get(row)
        return baseline if baseline in self.rows else None

    def heading_of(self, group: Group) -> str:
        """The group's heading with the row that its rows are compared with; empty in a table without groups."""
        baseline = group.baseline or self.table.baseline
        with_it = group.heading and baseline and any(self.against(row) == baseline for row in group.rows)
        return f"{group.heading} · against {baseline}" if with_it else group.heading

    @property
    def budgets(self) -> list[BudgetTable]:
        """The expected best of each search against its budget."""
        return budget_tables([trials.searched for trials in self.trials])

    def stars(self, row: str, metric: str) -> str:
        """``*`` to ``***`` of a row that is better than its baseline, ``▾`` to ``▾▾▾`` of one that is worse."""
        if self.significance is None or not (sign := stars(self.significance.p(row, metric))):
            return ""
        higher = self.significance.joint[row, metric].difference > 0
        column = next(column for column in self.table.columns if column.metric == metric)
        return sign if higher == (column.better == "higher") else WORSE * len(sign)

    def diverged(self, row: str, metric: str) -> tuple[SeedValue, ...]:
        """The runs whose figure is NaN or infinite."""
        return tuple(of for of in self.values.get((row, metric), ()) if not math.isfinite(of.value))

    def mark(self, row: str, metric: str) -> str:
        """``†`` of a mean over runs of different environments, ``‡`` of one compared with a baseline of others.

        ``§`` comes before them in a report of runs as they were, of a row that other code made than most.
        """
        of_other_code = self.as_run is not None and row in self.as_run.marked and self.values.get((row, metric))
        return (as_run_notes.MARK if of_other_code else "") + self._environment_mark(row, metric)

    def _environment_mark(self, row: str, metric: str) -> str:
        own = [of.environment for of in self.values.get((row, metric), ())]
        if differing(own):
            return MEAN
        others = [of.environment for of in self.values.get((self.against(row) or row, metric), ())]
        return COMPARISON if own and differing([*own, *others]) else ""

    def of_fewer(self, row: str, metric: str) -> str:
        """``(n=1)``, ``(1 of 2 diverged)`` or both, of a mean over fewer runs than a row has; else empty."""
        summary, diverged = self.cells[row, metric], self.diverged(row, metric)
        n = summary.n if summary else 0
        says = [f"n={n}"] if n and n + len(diverged) < self.num_runs else []
        says += [f"{len(diverged)} of {n + len(diverged)} diverged"] if diverged else []
        return f"({', '.join(says)})" if says else ""

    def best(self, column: Column) -> set[str]:
        """Rows with the best mean of a column in their group, found once for all that ask."""
        return self._best_by_metric[column.metric]

    @cached_property
    def _best_by_metric(self) -> Mapping[str, set[str]]:
        return {
            column.metric: {row for group in self.groups for row in self._best(column, group.rows)}
            for column in self.table.columns
        }

    def _best(self, column: Column, rows: Sequence[str]) -> set[str]:
        """Of ``rows`` those with the best mean of a column, as printed (ties share it).

        Reference rows do not compete, nor do rows of which a seed diverged: its mean is of those that went well.
        """
        means = {
            row: float(shown(summary.mean, column))
            for row in rows
            if (summary := self.cells[row, column.metric]) is not None
            and not self.table.rows[row].reference
            and not self.diverged(row, column.metric)
        }
        if not means or column.better == "neither":
            return set()
        target = max(means.values()) if column.better == "higher" else min(means.values())
        return {row for row, mean in means.items() if mean == target}


class Trials(NamedTuple):
    """A search of a report, and the report of its trials, which is shown plain: nothing in bold, nothing tested."""

    searched: Searched
    report: Report


def shown(value: float, column: Column) -> str:
    """A figure in its column's unit and decimals."""
    return f"{100 * value if column.unit == 'percent' else value:.{column.decimals}f}"


def make_report(
    table: Table,
    cells: Sequence[Cell],
    significance: Significance | None = None,
    *,
    searches: Sequence[Searched] = (),
    card: Callable[[str], CorpusCard] = read_cards,
) -> Report:
    """Gather the finished cells of a plan whose ``searches`` stand ``apart``; ``card`` says what a corpus is."""
    own = [cell for cell in cells if cell.row.table == table.name]
    of_row: dict[str, list[Cell]] = {name: [] for name in table.rows}
    for cell in own:
        of_row[cell.row.name].append(cell)
    shown_rows = [name for name, cells_of in of_row.items() if cells_of]
    rows = tuple(row for group in in_groups(table.groups, shown_rows) for row in group.rows)
    values = {
        (row, column.metric): tuple(
            _seed_value(cell, cell.run, column.metric)
            for cell in of_row[row]
            if cell.state == "finished" and cell.run and column.metric in cell.run.metrics
        )
        for row in rows
        for column in table.columns
    }
    summaries = {place: summarise([value.value for value in of]) for place, of in values.items()}
    missing = tuple(f"{cell.name} ({cell.state})" for cell in own if cell.state != "finished")
    accepted = tuple(f"{cell.name} ({cell.accepted})" for cell in own if cell.accepted)
    runs = [cell.run for cell in own if cell.state == "finished" and cell.run]
    finished = {row: sum(cell.state == "finished" for cell in of_row[row]) for row in rows}
    as_run = as_run_notes.as_run_notes(own)
    return Report(
        replace(table, columns=counted(table.columns, runs)),
        _heading(table, own, card) + (" · as run" if as_run else ""),
        rows,
        summaries,
        missing,
        num_runs(own),
        values,
        significance,
        accepted,
        finished,
        stored_data=tuple(dict.fromkeys(cell.stored_data for cell in own if cell.stored_data and cell.run)),
        trials=tuple(Trials(searched, _of_trials(table, searched)) for searched in searches),
        scored_by=versions_of(own),
        as_run=as_run,
    )


def _of_trials(table: Table, searched: Searched) -> Report:
    rows = {name: cells[0].row for name, cells in searched.trials.items()}
    return make_report(replace(table, rows=rows), [cell for name in rows for cell in searched.runs(name)])


def _seed_value(cell: Cell, run: TrackedRun, metric: str) -> SeedValue:
    key = run.tags.get("key") or (cell.key.id if cell.key else "")
    return SeedValue(cell.seed, run.metrics[metric], run.run_id, key, environment_of(cell), cell.fold)


def _heading(table: Table, cells: Sequence[Cell], card_of: Callable[[str], CorpusCard]) -> str:
    rows = [cell.row for cell in cells] if table.folds else table.rows.values()
    corpora = sorted({corpus_of(row.config) for row in rows})
    deal = next((deal for row in rows if (deal := get_path(row.config, "data.deal"))), None)
    says: dict[str, list[str]] = {}
    for corpus in corpora:
        try:
            card = card_of(corpus)
        except CorpusMissingError:
            says.setdefault(" (not prepared here)", []).append(corpus)
            continue
        kind = "SYNTHETIC TONES, NOT REAL AUDIO" if card.synthetic else "real recordings"
        counts = "/".join(str(count) for count in card.num_clips.values())
        of = f"{counts} clips ({'/'.join(card.num_clips)})"
        if deal is not None:
            of = f"{sum(card.num_clips.values())} clips in {deal['of']} deals by {deal['by']}"
        says.setdefault(f": {kind}, {of}", []).append(corpus)
    data = "; ".join(f"{_named(names)}{what}" for what, names in says.items())
    with_set = "".join(f" · with {path}={value}" for path, value in table.overrides.items())
    return f"{table.title} · scale {table.scale}{with_set} · {data} · mean ± std over {axes(cells)}"


def _named(corpora: Sequence[str]) -> str:
    """Corpora of which the same is said; numbered ones, as folds are, by the first and the last."""
    if len(corpora) > 2 and len({corpus.rstrip("0123456789") for corpus in corpora}) == 1:
        return f"{corpora[0]} to {corpora[-1]}, each"
    return ", ".join(corpora)
