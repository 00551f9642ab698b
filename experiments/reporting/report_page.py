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
from experiments.planning.cell import Cell
from experiments.reporting.chart_drawing import draw_charts
from experiments.reporting.comparisons.findings import JointTest, TestSetTest
from experiments.reporting.examples import Example, RowExamples, row_examples
from experiments.reporting.page_media import Media, picture, sound, strip
from experiments.reporting.report import Report, label, mean_text, shown, trials_grid
from experiments.reporting.report_json import versions
from experiments.reporting.report_notes import notes
from experiments.reporting.significance import Significance
from experiments.reporting.verdict_text import verdict_lines
from experiments.stored_results.split_references import TestSplits
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.columns import Column
from experiments.tracking.mlflow_store import Tracker

TEMPLATES = Path(__file__).parents[1] / "templates"


class RunLink(NamedTuple):
    """One run behind a number; ``folder`` is relative to the page, None where it is on another disk."""

    seed: int
    text: str
    run_id: str
    url: str
    folder: str | None


@dataclass(frozen=True)
class PageCell:
    """A number of the table. ``sort`` is its mean, ``of_fewer`` over how few seeds that is."""

    text: str
    sort: float | None
    best: bool
    stars: str
    of_fewer: str
    runs: tuple[RunLink, ...]
    tests: tuple[str, ...] = ()


class TestLine(NamedTuple):
    """A line of the table of tests."""

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


class BarLine(NamedTuple):
    """A bar of a chart in percent of its width: its end, and the ends of its whisker."""

    row: str
    text: str
    start: float
    width: float
    low: float
    high: float
    kind: str


@dataclass
class Page:
    """What the template reads."""

    report: Report
    media: Media = field(default_factory=Media)
    charts: list[str] = field(default_factory=list)
    examples: list[RowExamples] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def write_page(
    report: Report,
    cells: Sequence[Cell],
    tracker: Tracker,
    scores: StoredScores,
    splits: TestSplits,
    *,
    path: Path,
    mlflow_url: str,
) -> None:
    """Write the page. Raises ``OSError``."""
    page = Page(report)
    _add_charts(page, cells, tracker)
    _add_examples(page, cells, scores, splits)
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
        lines=[
            (row, report.table.rows[row], [_cell(report, row, column, links) for column in columns])
            for row in report.rows
        ],
        notes=[*notes(report), *verdict_lines(report.table, report.significance)],
        trials=[(trials.searched.row, trials_grid(trials)) for trials in report.trials],
        tests=_test_lines(report),
        bars=[(column, label(column), _bars(report, column)) for column in columns if column.better != "neither"],
        page=page,
        run_links={of.cell.row.name: links.of(of.cell) for of in page.examples},
        media={name: uri for name, uri in page.media.uris.items() if name not in page.charts},
        versions=versions(),
    )
    path.write_text(text, encoding="utf-8")


class _Links:
    def __init__(self, runs_url: str, tracker: Tracker, page: Path) -> None:
        self.runs_url, self.tracker, self.folder = runs_url, tracker, page.resolve().parent

    def run(self, seed: int, text: str, run_id: str, key: str) -> RunLink:
        run_dir = self.tracker.run_dir(key) if key else None
        there = run_dir is not None and run_dir.is_dir()
        folder = Path(os.path.relpath(run_dir.resolve(), self.folder)).as_posix() + "/" if run_dir and there else None
        return RunLink(seed, text, run_id, f"{self.runs_url}/{run_id}", folder)

    def of(self, cell: Cell) -> RunLink:
        assert cell.run is not None, "examples are of finished cells"
        key = cell.run.tags.get("key") or (cell.key.id if cell.key else "")
        return self.run(cell.seed, "", cell.run.run_id, key)


def _cell(report: Report, row: str, column: Column, links: _Links) -> PageCell:
    place = row, column.metric
    summary = report.cells[place]
    runs = tuple(links.run(of.seed, shown(of.value, column), of.run_id, of.run_key) for of in report.values[place])
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
            f"{_difference(units.difference, column)} against {significance.baselines[row]}, "
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
        against=significance.baselines[row],
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


def _bars(report: Report, column: Column) -> list[BarLine]:
    """Bars from zero (or the least value, where there are negative ones), with whiskers of one standard deviation."""
    found = [(row, summary) for row in report.rows if (summary := report.cells[row, column.metric]) is not None]
    if not found:
        return []
    most = max(0.0, *(summary.mean + (summary.std or 0) for _, summary in found)) or 1.0
    least = min(0.0, *(summary.mean - (summary.std or 0) for _, summary in found))

    def percent(value: float) -> float:
        return round(100 * (value - least) / (most - least), 3)

    lines = []
    for row, summary in found:
        spread = summary.std or 0.0
        kind = "reference" if report.table.rows[row].reference else "best" if row in report.best(column) else "row"
        ends = sorted((percent(0.0), percent(summary.mean)))
        text = " ".join((shown(summary.mean, column), report.of_fewer(row, column.metric))).strip()
        lines.append(
            BarLine(row, text, ends[0], ends[1] - ends[0], percent(summary.mean - spread),
                    percent(summary.mean + spread), kind)
        )  # fmt: skip
    diverged = [row for row in report.rows if report.cells[row, column.metric] is None]
    texts = {row: report.of_fewer(row, column.metric) for row in diverged}
    return [*lines, *(BarLine(row, text, 0.0, 0.0, 0.0, 0.0, "row") for row, text in texts.items() if text)]


def _add_charts(page: Page, cells: Sequence[Cell], tracker: Tracker) -> None:
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


def _add_examples(page: Page, cells: Sequence[Cell], scores: StoredScores, splits: TestSplits) -> None:
    """The first finished seed of each row; sounds of all rows before the runs' own pictures, which are large."""
    for row in page.report.rows:
        own = [cell for cell in cells if cell.row.table == page.report.table.name and cell.row.name == row]
        finished = next((cell for cell in own if cell.state == "finished"), None)
        if finished is not None and (found := row_examples(finished, scores, splits)) is not None:
            page.examples.append(found)
    for of_row in page.examples:
        for example in (*of_row.worst, *of_row.best):
            _add_sound(page.media, of_row, example)
    for of_row in page.examples:
        for example in (*of_row.worst, *of_row.best):
            if example.picture is not None:
                page.media.add("pictures", picture_name(of_row, example), picture(example.picture))
    page.remarks += [
        f"{where}: no sound, and no examples that need its labels: {why}" for where, why in splits.why.items()
    ]
    page.remarks += [f"the page is full: {count} {kind} were left out" for kind, count in page.media.left_out.items()]


def _add_sound(media: Media, of_row: RowExamples, example: Example) -> None:
    references = of_row.references
    if references is None or media.known(f"sound {example.name}"):
        return
    waveform_S = references.load_waveform(example.name)
    media.add("sounds", f"sound {example.name}", sound(waveform_S, sample_rate_hz=references.sample_rate_hz))
    media.add("spectrograms", f"strip {example.name}", strip(waveform_S, sample_rate_hz=references.sample_rate_hz))


def picture_name(of_row: RowExamples, example: Example) -> str:
    """The name of a run's own picture among the page's media."""
    return f"{of_row.cell.row.name} {example.name}"
