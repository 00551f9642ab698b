"""A table's numbers from MLflow: mean ± standard deviation over seeds, and their Markdown.

The best mean of a column stands in bold, reference rows aside; stars say which rows are better than the row that they
are compared with, and triangles which are worse (``significance.py``). A mean over fewer runs than there are seeds says
its n and how many diverged: of the others it is a mean that competes for nothing. A cell without a finished run is a
dash. What else must be known stands under the table (``report_notes.py``): a report never hides what was not run.
The other formats are in ``report_latex.py``, ``report_csv.py``, ``report_json.py`` and ``report_page.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from datamodules.corpus_folder import CorpusMissingError, read_card
from experiments.planning.cell import Cell
from experiments.reporting.environments import COMPARISON, MEAN, NOTHING_KNOWN, Environment, differing, environment_of
from experiments.reporting.markdown_text import escaped, escaped_line, one_line
from experiments.reporting.report_notes import notes, short_notes
from experiments.reporting.searched import Searched
from experiments.reporting.significance import Significance
from experiments.reporting.verdict_text import verdict_lines
from experiments.statistics.stats import Summary, stars, summarise
from experiments.table_files.columns import Column
from experiments.table_files.merge import get_path
from experiments.table_files.spec import Table

NOTE_CHARACTERS = 7500  # MLflow cuts or refuses longer tags
STAR = "∗"  # U+2217: Markdown reads * as emphasis
WORSE = "▾"  # in the place of a star: the difference goes the wrong way
SIGNS = str.maketrans({"*": STAR})


@dataclass(frozen=True)
class SeedValue:
    """One run's figure, where the run is (its MLflow id and the key that names its folder), and on what it was made."""

    seed: int
    value: float
    run_id: str
    run_key: str
    environment: Environment = NOTHING_KNOWN


@dataclass(frozen=True)
class Report:
    """Summaries by (row, metric) and the values behind them, with what a heading must say."""

    table: Table
    heading: str
    rows: tuple[str, ...]
    cells: Mapping[tuple[str, str], Summary | None]
    missing: tuple[str, ...]
    num_seeds: int
    values: Mapping[tuple[str, str], tuple[SeedValue, ...]] = field(default_factory=dict)
    significance: Significance | None = None
    accepted: tuple[str, ...] = ()  # cells whose runs stand for newer code by their user's word
    num_finished: Mapping[str, int] = field(default_factory=dict)  # runs by row, whichever figures they have
    stored_data: tuple[str, ...] = ()  # what is said of corpora that are not on this disk
    trials: tuple[Trials, ...] = ()

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
        """``†`` of a mean over runs of different environments, ``‡`` of one compared with a baseline of others."""
        own = [of.environment for of in self.values.get((row, metric), ())]
        if differing(own):
            return MEAN
        baseline = self.significance.baselines.get(row, row) if self.significance is not None else row
        others = [of.environment for of in self.values.get((baseline, metric), ())]
        return COMPARISON if own and differing([*own, *others]) else ""

    def of_fewer(self, row: str, metric: str) -> str:
        """``(n=1)``, ``(1 of 2 diverged)`` or both, of a mean over fewer runs than there are seeds; else empty."""
        summary, diverged = self.cells[row, metric], self.diverged(row, metric)
        n = summary.n if summary else 0
        says = [f"n={n}"] if n and n + len(diverged) < self.num_seeds else []
        says += [f"{len(diverged)} of {n + len(diverged)} diverged"] if diverged else []
        return f"({', '.join(says)})" if says else ""

    def best(self, column: Column) -> set[str]:
        """Rows with the best mean of a column, found once for all that ask."""
        return self._best_by_metric[column.metric]

    @cached_property
    def _best_by_metric(self) -> Mapping[str, set[str]]:
        return {column.metric: self._best(column) for column in self.table.columns}

    def _best(self, column: Column) -> set[str]:
        """Rows with the best mean of a column, as printed (ties share it).

        Reference rows do not compete, nor do rows of which a seed diverged: its mean is of those that went well.
        """
        means = {
            row: float(shown(summary.mean, column))
            for row in self.rows
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
) -> Report:
    """Gather the finished cells of a plan whose ``searches`` stand ``apart``."""
    own = [cell for cell in cells if cell.row.table == table.name]
    of_row: dict[str, list[Cell]] = {name: [] for name in table.rows}
    for cell in own:
        of_row[cell.row.name].append(cell)
    rows = tuple(name for name, cells_of in of_row.items() if cells_of)
    seeds = sorted({cell.seed for cell in own})
    values = {
        (row, column.metric): tuple(
            SeedValue(cell.seed, cell.run.metrics[column.metric], cell.run.run_id, _run_key(cell), environment_of(cell))
            for cell in of_row[row]
            if cell.state == "finished" and cell.run and column.metric in cell.run.metrics
        )
        for row in rows
        for column in table.columns
    }
    summaries = {place: summarise([value.value for value in of]) for place, of in values.items()}
    missing = tuple(f"{cell.name} ({cell.state})" for cell in own if cell.state != "finished")
    accepted = tuple(f"{cell.name} ({cell.accepted})" for cell in own if cell.accepted)
    finished = {row: sum(cell.state == "finished" for cell in of_row[row]) for row in rows}
    return Report(
        table,
        _heading(table, seeds),
        rows,
        summaries,
        missing,
        len(seeds),
        values,
        significance,
        accepted,
        finished,
        stored_data=tuple(dict.fromkeys(cell.stored_data for cell in own if cell.stored_data and cell.run)),
        trials=tuple(Trials(searched, _of_trials(table, searched)) for searched in searches),
    )


def _of_trials(table: Table, searched: Searched) -> Report:
    rows = {name: cells[0].row for name, cells in searched.trials.items()}
    return make_report(replace(table, rows=rows), [cell for of in searched.trials.values() for cell in of])


def _run_key(cell: Cell) -> str:
    of_run = cell.run.tags.get("key") if cell.run else None
    return of_run or (cell.key.id if cell.key else "")


def _heading(table: Table, seeds: Sequence[int]) -> str:
    corpora = sorted({str(get_path(row.config, "data.corpus")) for row in table.rows.values()})
    says = []
    for corpus in corpora:
        try:
            card = read_card(corpus)
        except CorpusMissingError:
            says.append(f"{corpus} (not prepared here)")
            continue
        kind = "SYNTHETIC TONES, NOT REAL AUDIO" if card.synthetic else "real recordings"
        counts = "/".join(str(count) for count in card.num_clips.values())
        says.append(f"{corpus}: {kind}, {counts} clips ({'/'.join(card.num_clips)})")
    runs = f"{len(seeds)} seed" + ("s" if len(seeds) != 1 else "")
    return f"{table.title} · scale {table.scale} · {'; '.join(says)} · mean ± std over {runs}"


def row_texts(
    report: Report, row: str, *, plus_minus: str, bold: str, raised: str = "{}", signs: Mapping[int, str] = SIGNS
) -> list[str]:
    """The numbers of a row; ``bold`` and ``raised`` (for stars and marks) have ``{}`` where the text goes."""
    texts = []
    for column in report.table.columns:
        text = mean_text(report, row, column, plus_minus=plus_minus)
        text = bold.replace("{}", text) if row in report.best(column) else text
        if sign := report.stars(row, column.metric) + report.mark(row, column.metric):
            text += raised.replace("{}", sign.translate(signs))
        texts.append(" ".join(part for part in (text, report.of_fewer(row, column.metric)) if part))
    return texts


def mean_text(report: Report, row: str, column: Column, *, plus_minus: str) -> str:
    """Mean and spread; of runs that all diverged what they came to, a dash where there is no run."""
    summary = report.cells[row, column.metric]
    if summary is None:
        return "/".join(dict.fromkeys(shown(of.value, column) for of in report.diverged(row, column.metric))) or "–"
    spread = "" if summary.std is None else f" {plus_minus} {shown(summary.std, column)}"
    return f"{shown(summary.mean, column)}{spread}"


def label(column: Column) -> str:
    """A column's heading: which way is better, and its unit."""
    arrow = {"higher": " ↑", "lower": " ↓", "neither": ""}[column.better]
    return f"{column.label}{arrow}" + (" %" if column.unit == "percent" else "")


def _grid(report: Report) -> list[list[str]]:
    heading = ["row", *(escaped(label(column)) for column in report.table.columns)]
    return [heading, *([escaped(row), *row_texts(report, row, plus_minus="±", bold="**{}**")] for row in report.rows)]


def note(report: Report) -> str:
    """The heading and the table alone, unpadded, for MLflow's note: what does not fit is dropped from the end."""
    heading, *lines = ["| " + " | ".join(line) + " |" for line in _grid(report)]
    start = [escaped_line(report.heading), "", heading, "|" + " --- |" * (1 + len(report.table.columns))]
    foot = short_notes(report)
    for kept in range(len(lines), -1, -1):
        dropped = len(lines) - kept
        end = [*foot, *([f"{dropped} more rows: earmark report {report.table.name}"] if dropped else [])]
        text = "\n".join([*start, *lines[:kept], *([""] if end else []), *end]) + "\n"
        if len(text) <= NOTE_CHARACTERS:
            break
    return text


def trials_grid(trials: Trials) -> list[list[str]]:
    """A line a trial: what was chosen, by which figure the winner was, and its columns as they are."""
    searched, report = trials
    lines = [["trial", "state", searched.search.metric, *searched.search.space, *map(label, report.table.columns)]]
    for name in report.rows:
        figure = searched.figures.get(name)
        chosen = " (chosen)" if name == searched.winner else ""
        settings = [str(value) for value in searched.settings(name).values()]
        figures = [
            f"{mean_text(report, name, column, plus_minus='±')} {report.of_fewer(name, column.metric)}".strip()
            for column in report.table.columns
        ]
        figure_text = "–" if figure is None else f"{figure:.4g}"
        lines.append([name + chosen, searched.state(name), figure_text, *settings, *figures])
    return lines


def markdown(report: Report) -> str:
    """A GitHub-flavoured table, columns padded so that it reads in a terminal too; trials of searches are folded."""
    whys = [f"- `{row}`: {one_line(report.table.rows[row].why)}" for row in report.rows]
    under = [line for text in notes(report) for line in ("", text)]
    lines = [escaped_line(report.heading), "", *_padded(_grid(report)), "", *whys, *under]
    if verdicts := [escaped_line(line) for line in verdict_lines(report.table, report.significance)]:
        lines += ["", verdicts[0], "", *(f"- {line}" for line in verdicts[1:])]
    for trials in report.trials:
        summary = f"<details><summary>Trials of {escaped(trials.searched.row)}</summary>"
        grid = [[escaped(text) for text in line] for line in trials_grid(trials)]
        lines += ["", summary, "", *_padded(grid), "", "</details>"]
    return "\n".join(lines) + "\n"


def _padded(grid: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[k]) for line in grid) for k in range(len(grid[0]))]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |" for line in grid
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return lines
