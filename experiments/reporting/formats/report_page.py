"""A report as one HTML page without a network: table, tests, charts, and what each row makes of single clips.

Every number opens its runs: the values by seed, each linking to the run's page in MLflow and to its folder. The text is
put in by Jinja with escaping on; sounds and pictures travel inside (``page_media.py``), up to ``PAGE_BYTES``, and the
page says what was left out.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from experiments.errors import UserError
from experiments.planning.cell import Cell, Place
from experiments.reporting.chart_drawing import draw_charts
from experiments.reporting.comparisons.findings import JointTest, TestSetTest
from experiments.reporting.examples import Example, RowExamples, row_examples
from experiments.reporting.formats.page_analysis import RowAnalysis, first_finished, row_analysis
from experiments.reporting.formats.page_bars import bars
from experiments.reporting.formats.page_media import Media, picture
from experiments.reporting.formats.page_pictures import PageClip, add_pictures, add_sound
from experiments.reporting.formats.report_json import versions
from experiments.reporting.formats.report_markdown import label, mean_text, trials_grid
from experiments.reporting.pictures.drawn import ChartSource
from experiments.reporting.report import Report, shown
from experiments.reporting.report_notes import notes
from experiments.reporting.searches.budget_chart import draw_budget_charts
from experiments.reporting.significance import Significance
from experiments.reporting.verdict_text import verdict_lines
from experiments.stored_results.split_references import TestSplits
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.columns import Column
from experiments.table_files.spec import Row
from experiments.tracking.run_store import RunStore

TEMPLATES = Path(__file__).parents[2] / "templates"


class RunLink(NamedTuple):
    """One run behind a number; ``folder`` is relative to the page, None where it is on another disk."""

    run: str
    text: str
    run_id: str
    url: str
    folder: str | None


@dataclass(frozen=True)
class PageCell:
    """A number of the table. ``sort`` is its mean, ``of_fewer`` over how few runs that is."""

    text: str
    sort: float | None
    best: bool
    stars: str
    of_fewer: str
    runs: tuple[RunLink, ...]
    tests: tuple[str, ...] = ()


class TestLine(NamedTuple):
    """A line of the table of tests: ``row`` compared with ``against``."""

    row: str
    against: str
    column: str
    difference: str
    interval: str
    p: str
    p_holm: str
    together: str
    stars: str
    seeds: str
    better: bool | None


class PageGroup(NamedTuple):
    """Rows of the table under one heading, ``folded`` until it is pressed; ``baseline`` is that of most."""

    heading: str
    baseline: str | None
    folded: bool
    lines: list[tuple[Row, list[PageCell]]]


@dataclass
class Page:
    """What the template reads."""

    report: Report
    media: Media = field(default_factory=Media)
    comparisons: list[str] = field(default_factory=list)
    clips: list[PageClip] = field(default_factory=list)
    charts: list[str] = field(default_factory=list)
    examples: list[RowExamples] = field(default_factory=list)
    analyses: list[RowAnalysis] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def shown(self) -> list[Cell]:
        """The runs that stand for their rows."""
        return [*(of.cell for of in self.examples), *(of.cell for of in self.analyses)]

    def shown_at_once(self) -> set[str]:
        """The media that stand in the page's text; the others are put in where they are unfolded."""
        return {*self.charts, *self.comparisons, *(clip.picture for clip in self.clips)}


def write_page(
    report: Report,
    cells: Sequence[Cell],
    tracker: RunStore,
    scores: StoredScores,
    splits: TestSplits,
    *,
    path: Path,
    mlflow_url: str,
) -> None:
    """Write the page. Raises ``OSError``."""
    page = Page(report)
    add_pictures(page, ChartSource(report, cells, tracker, scores, splits))
    _add_charts(page, cells, tracker)
    _add_examples(page, cells, scores, splits)
    _add_analyses(page, cells, scores)
    page.remarks += [f"the page is full: {count} {kind} were left out" for kind, count in page.media.left_out.items()]
    runs_url = f"{mlflow_url.rstrip('/')}/#/experiments/{tracker.experiment_id(report.table.family)}/runs"
    links = _Links(runs_url, tracker, path)
    columns = report.table.columns
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    text = environment.get_template("report.html").render(
        report=report,
        table=report.table,
        labels=[label(column) for column in columns],
        groups=_groups(report, links),
        baselines=sorted({baseline for row in report.rows if (baseline := report.against(row)) is not None}),
        notes=notes(report),
        verdicts=verdict_lines(report.table, report.significance),
        trials=[(trials.searched.row, trials_grid(trials)) for trials in report.trials],
        budgets=[(of_metric.heading, of_metric.grid(), of_metric.notes()) for of_metric in report.budgets],
        tests=_test_lines(report),
        bars=[(column, label(column), bars(report, column)) for column in columns if column.better != "neither"],
        page=page,
        run_links={cell.row.name: links.of(cell) for cell in page.shown()},
        media={name: uri for name, uri in page.media.uris.items() if name not in page.shown_at_once()},
        versions=versions(),
    )
    path.write_text(text, encoding="utf-8")


class _Links:
    def __init__(self, runs_url: str, tracker: RunStore, page: Path) -> None:
        self.runs_url, self.tracker, self.folder = runs_url, tracker, page.resolve().parent

    def run(self, place: Place, text: str, run_id: str, key: str) -> RunLink:
        run_dir = self.tracker.run_dir(key) if key else None
        there = run_dir is not None and run_dir.is_dir() and self.tracker.uri != ""
        folder = Path(os.path.relpath(run_dir.resolve(), self.folder)).as_posix() + "/" if run_dir and there else None
        return RunLink(place.run, text, run_id, f"{self.runs_url}/{run_id}", folder)

    def of(self, cell: Cell) -> RunLink:
        assert cell.run is not None, "examples are of finished cells"
        key = cell.run.tags.get("key") or (cell.key.id if cell.key else "")
        return self.run(cell.place, "", cell.run.run_id, key)


def _groups(report: Report, links: _Links) -> list[PageGroup]:
    return [
        PageGroup(
            report.heading_of(group),
            group.baseline or report.table.baseline,
            report.folded and number > 0,
            [
                (report.table.rows[row], [_cell(report, row, column, links) for column in report.table.columns])
                for row in group.rows
            ],
        )
        for number, group in enumerate(report.groups)
    ]


def _cell(report: Report, row: str, column: Column, links: _Links) -> PageCell:
    place = row, column.metric
    summary = report.cells[place]
    runs = tuple(
        links.run(of.place(row), shown(of.value, column), of.run_id, of.run_key) for of in report.values[place]
    )
    tests = _tests(report, row, column)
    return PageCell(
        mean_text(report, row, column, plus_minus="±"), summary.mean if summary else None, row in report.best(column),
        report.stars(*place) + report.mark(*place), report.of_fewer(*place), runs, tests,
    )  # fmt: skip


def _tests(report: Report, row: str, column: Column) -> tuple[str, ...]:
    """What the tests say of one number, a sentence each."""
    significance, place, says = report.significance, (row, column.metric), []
    if significance is not None and (units := significance.test_set.get(place)):
        says.append(
            f"{_difference(units.difference, column)} against {report.against(row)}, "
            f"95 % {_interval(units, column)}, Holm p = {_p(units.p_holm)} over {units.num_units} {units.units}"
        )
    if significance is not None and (joint := significance.joint.get(place)):
        says.append(
            f"over other {joint.over} and {'test sets' if joint.over == 'folds' else 'test units'} together: "
            f"95 % {_interval(joint, column)}, Holm p = {_p(joint.p_holm)}"
        )
    if significance is not None and (seeds := significance.seeds.get(place)):
        says.append(f"over {seeds.n} {seeds.over}: Holm p = {_p(seeds.p_holm)}")
    if mark := report.mark(*place):
        says.append(f"{mark} of different torch versions, devices or machines: see under the table")
    return tuple(says)


def _difference(value: float, column: Column) -> str:
    return f"{'+' if value >= 0 else '−'}{shown(abs(value), column)}"


def _interval(test: TestSetTest | JointTest, column: Column) -> str:
    return f"[{_difference(test.ci95.low, column)}, {_difference(test.ci95.high, column)}]"


def _p(p: float | None) -> str:
    if p is None:
        return "–"
    return f"{p:.0e}" if 0 < p < 0.0001 else f"{p:.4f}" if p < 0.01 else f"{p:.3f}"


def _test_lines(report: Report) -> list[TestLine]:
    significance = report.significance
    if significance is None:
        return []
    lines = []
    for column in report.table.columns:
        for row in report.rows:
            units = significance.test_set.get((row, column.metric))
            seeds = significance.seeds.get((row, column.metric))
            if units or seeds:
                lines.append(_test_line(report, significance, row, column))
    return lines


def _test_line(report: Report, significance: Significance, row: str, column: Column) -> TestLine:
    place = row, column.metric
    units, joint = significance.test_set.get(place), significance.joint.get(place)
    seeds = significance.seeds.get(place)
    difference = units.difference if units else seeds.difference if seeds else 0.0
    sign = report.stars(*place)
    over_seeds = "–" if seeds is None or seeds.p is None else f"{_p(seeds.p)} → {_p(seeds.p_holm)} (n={seeds.n})"
    return TestLine(
        row=row,
        against=report.against(row) or "",
        column=label(column),
        difference=_difference(difference, column),
        interval=_interval(units, column) if units else "–",
        p=_p(units.p) if units else "–",
        p_holm=_p(units.p_holm) if units else "–",
        together=f"{_interval(joint, column)} {_p(joint.p_holm)}" if joint else "–",
        stars=sign,
        seeds=over_seeds,
        better=(difference > 0) == (column.better == "higher") if sign else None,
    )


def _add_charts(page: Page, cells: Sequence[Cell], tracker: RunStore) -> None:
    """The table's own; one that cannot be drawn is a remark, since the figures do not hang on it."""
    table = page.report.table
    with tempfile.TemporaryDirectory() as folder:
        for chart in table.charts:
            try:
                paths, undrawn = draw_charts(table, (chart,), cells, tracker, folder=Path(folder))
            except UserError as error:
                paths, undrawn = [], [str(error)]
            for path in paths:
                page.media.add("charts", path.stem, picture(path))
            page.charts += [path.stem for path in paths if path.stem in page.media.uris]
            page.remarks += undrawn
        for path in draw_budget_charts(table, page.report.budgets, folder=Path(folder)):
            page.media.add("charts", path.stem, picture(path))
            page.charts += [path.stem] if path.stem in page.media.uris else []


def _add_examples(page: Page, cells: Sequence[Cell], scores: StoredScores, splits: TestSplits) -> None:
    """The first finished run of each row; sounds of all rows before the runs' own pictures, which are large."""
    for row in page.report.rows:
        finished = first_finished(cells, page.report.table.name, row)
        if finished is not None and (found := row_examples(finished, scores, splits)) is not None:
            page.examples.append(found)
    for of_row in page.examples:
        for example in (*of_row.worst, *of_row.best):
            if of_row.references is not None:
                add_sound(page.media, of_row.references, example.name, name=of_row.clip(example))
    for of_row in page.examples:
        for example in (*of_row.worst, *of_row.best):
            if example.picture is not None:
                page.media.add("pictures", picture_name(of_row, example), picture(example.picture))
    page.remarks += [
        f"{where}: no sound, and no examples that need its labels: {why}" for where, why in splits.why.items()
    ]


def _add_analyses(page: Page, cells: Sequence[Cell], scores: StoredScores) -> None:
    """Of the same runs as the examples, into what is left of the page."""
    with tempfile.TemporaryDirectory() as aside:
        for row in page.report.rows:
            finished = first_finished(cells, page.report.table.name, row)
            if finished and (found := row_analysis(finished, scores, page.media, aside=Path(aside))):
                page.analyses.append(found)


def picture_name(of_row: RowExamples, example: Example) -> str:
    """The name of a run's own picture among the page's media."""
    return f"{of_row.cell.row.name} {example.name}"
