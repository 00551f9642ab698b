"""``earmark report TABLE``: a plan's finished runs in five formats, and the check against expected figures."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.commands import table_arguments
from experiments.commands.report_options import report_charts, report_instead, report_source
from experiments.commands.shell.next_command import say_next
from experiments.errors import UserError, public_uri

if TYPE_CHECKING:
    from experiments.planning.cell import Cell
    from experiments.reporting.pictures.drawn import ChartSource
    from experiments.reporting.report import Report
    from experiments.statistics.rerun_interval import RerunInterval
    from experiments.stored_results.split_references import TestSplits
    from experiments.table_files.spec import Table
    from experiments.tracking.run_store import RunStore

SUFFIXES = {".md": "md", ".tex": "latex", ".csv": "csv", ".json": "json", ".html": "html"}
EXAMPLES = """examples:
  earmark report weak_sed --scale demo                                  Markdown on standard output
  earmark report weak_sed --baseline fsl --output t.tex                 booktabs, stars against another row
  earmark report ctc_decoding --output report.html                      one page with charts, sounds and pictures
  earmark report weak_sed --charts FOLDER                               pictures: rows compared, one clip, curves
  earmark report ctc_decoding --quote greedy                            three test texts as every row wrote them
  earmark report weak_sed --by class --figures event_f1                 by class; also by language, speaker, length
  earmark report ctc_decoding --weights                                 decoder weights, and validation beside them
  earmark report ctc_decoding --cost                                    what its runs took, and on which machine
  earmark report weak_sed --as-run                                      what was run, after an edit of the code
  earmark report --results weak_sed.tar.xz                              from a pack: no store, no corpora
  earmark report weak_sed --check                                       exit code 1 if a figure left its interval
  earmark report weak_sed --write-expected                              intervals from the finished runs
exit code: 0 with a table, whole or not; 1 without a single finished run, or if --check finds something
"""
LOCAL_UI = "http://127.0.0.1:5000"  # where `earmark ui` serves


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark report``."""
    parser.epilog = EXAMPLES
    table_arguments.table_arguments(parser, needed=False)
    report_source.add_arguments(parser)
    parser.add_argument(
        "--format", choices=tuple(SUFFIXES.values()), help="default: what the name of --output ends in, else md"
    )
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    parser.add_argument("--output", type=Path, help="write there instead of printing; html needs it")
    parser.add_argument(
        "--baseline", metavar="ROW", help="the row that the others are tested against (default: the table's)"
    )
    parser.add_argument(
        "--mlflow-url", metavar="URL",
        help=f"the MLflow server that html links to (default: MLFLOW_TRACKING_URI if it is one, else {LOCAL_UI})",
    )  # fmt: skip
    report_instead.add_arguments(parser)
    report_charts.add_arguments(parser)
    parser.add_argument(
        "--check", action="store_true",
        help="compare with the intervals of expected/TABLE.yaml instead; exit code 1 names the cells that left them",
    )  # fmt: skip
    parser.add_argument(
        "--write-expected", action="store_true", help="write these intervals from the finished runs instead"
    )
    parser.add_argument(
        "--expected", type=Path, metavar="FILE", help="the file of --check and --write-expected, in place of that one"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do what the arguments ask for; a whole table also becomes the MLflow experiment's note."""
    from experiments.waiting import working

    if arguments.as_run and (arguments.check or arguments.write_expected):
        raise UserError("--as-run: not with --check or --write-expected, whose figures are of today's code")
    folder = tempfile.TemporaryDirectory(prefix="earmark-")  # gone with the command
    with working("reading results"):
        from experiments.reporting.formats.report_csv import comma_separated
        from experiments.reporting.formats.report_json import json_text
        from experiments.reporting.formats.report_latex import latex
        from experiments.reporting.formats.report_markdown import markdown, note
        from experiments.reporting.notes import write_note
        from experiments.reporting.report import make_report
        from experiments.reporting.searched import apart
        from experiments.stored_results.part_counts import with_part_counts
        from experiments.stored_results.stored_scores import StoredScores

        every_row, tracker, every_cell, splits, card, written = report_source.read_source(arguments, folder)
    style = arguments.format or SUFFIXES.get(arguments.output.suffix if arguments.output else "", "md")
    if style == "html" and not arguments.output:
        raise UserError("--format html: say where with --output FILE.html")
    if (text := report_instead.asked(arguments, every_row, every_cell, StoredScores(tracker))) is not None:
        _give(arguments, text)
        return 0
    table, cells, searches = apart(every_row, every_cell)
    whole = not (arguments.rows or arguments.seeds or arguments.folds or arguments.overrides)
    if arguments.check or arguments.write_expected:
        made = make_report(table, cells, card=card)
        return (
            _check(arguments, made, whole=whole) if arguments.check else _write_expected(arguments, made, whole=whole)
        )
    table = report_charts.asked(arguments, _compared(arguments, table), page=style == "html")
    if arguments.charts:
        report_charts.check(table)
    with working(f"comparing the rows of {table.name}"):
        cells = with_part_counts(cells, StoredScores(tracker), [column.metric for column in table.columns])
        tests = _Tests(_tested(arguments, table, cells), tracker, cells, splits)
        made = make_report(table, cells, tests.significance, searches=searches, card=card)
    _say_unknown_columns(table, cells)
    if arguments.charts and not arguments.output:
        return report_charts.draw(arguments.charts, tests.source(made))
    if written is not None:
        if whole and any(cell.state == "finished" for cell in cells):
            write_note(written, table, note(made))
        table_arguments.write_views(every_row, written, every_cell)
    if style == "html":
        tests.write_page(made, path=arguments.output, mlflow_url=_mlflow_url(arguments.mlflow_url, tracker))
    else:
        formats = {"md": markdown, "latex": latex, "csv": comma_separated, "json": json_text}
        text = formats[style](made)
        if arguments.output:
            _write(arguments.output, text)
        else:
            print(text, end="")
    if arguments.charts:
        report_charts.draw(arguments.charts, tests.source(made))
    return _ending(made)


def _say_unknown_columns(table: Table, cells: Sequence[Cell]) -> None:
    from experiments.reporting.unknown_columns import unknown_columns

    for line in unknown_columns(table, cells):
        print(f"warning: {line}", file=sys.stderr)


def _ending(made: Report) -> int:
    """1 where there is not a single finished run, else 0: what an incomplete table lacks stands under it."""
    if any(made.num_finished.values()):
        say_next("ui", why="every run's curves and files")
        return 0
    print(f"{made.table.name}: no finished run at scale {made.table.scale}", file=sys.stderr)
    return 1


def _give(arguments: argparse.Namespace, text: str) -> None:
    """Print, or write to ``--output``."""
    if arguments.output:
        _write(arguments.output, text)
    else:
        print(text, end="")


class _Tests:
    """The tests of a table's rows against their baselines, and what a page needs beside them."""

    def __init__(self, table: Table, tracker: RunStore, cells: Sequence[Cell], splits: TestSplits) -> None:
        from experiments.reporting.significance import Significance, compare_rows
        from experiments.stored_results.stored_scores import StoredScores

        self._cells, self._tracker = cells, tracker
        self._scores, self._splits = StoredScores(tracker), splits
        self.significance: Significance | None = None
        if table.baselines():
            self.significance = compare_rows(table, cells, self._scores, self._splits)

    def source(self, made: Report) -> ChartSource:
        """What pictures of the report are drawn from."""
        from experiments.reporting.pictures.drawn import ChartSource

        return ChartSource(made, self._cells, self._tracker, self._scores, self._splits)

    def write_page(self, made: Report, *, path: Path, mlflow_url: str) -> None:
        from experiments.reporting.formats.report_page import write_page
        from experiments.waiting import working

        try:
            with working(f"writing {path}"):
                write_page(
                    made, self._cells, self._tracker, self._scores, self._splits, path=path, mlflow_url=mlflow_url
                )
        except OSError as error:
            raise UserError(f"--output {path}: {error.strerror or error}") from None


def _compared(arguments: argparse.Namespace, table: Table) -> Table:
    """The table with ``--baseline``, which must be there, in every row's place."""
    if arguments.baseline is None:
        return table
    table.row(arguments.baseline, where="--baseline")
    if arguments.rows and arguments.baseline not in _asked(arguments, table):
        raise UserError(f"--baseline {arguments.baseline}: not among --rows {','.join(arguments.rows)}")
    rows = {name: replace(row, against=None) for name, row in table.rows.items()}
    groups = tuple(replace(group, baseline=None) for group in table.groups)
    return replace(table, rows=rows, groups=groups, baseline=arguments.baseline)


def _asked(arguments: argparse.Namespace, table: Table) -> set[str]:
    """The rows of ``--rows``, a grid's in its place."""
    return {point for row in arguments.rows for point in table.grids.get(row, (row,))}


def _tested(arguments: argparse.Namespace, table: Table, cells: Sequence[Cell]) -> Table:
    """The rows that have cells, without baselines that were not asked for, which is said."""
    asked = _asked(arguments, table) or set(table.rows)
    hidden = {baseline for row, baseline in table.baselines().items() if row in asked and baseline not in asked}
    for baseline in sorted(hidden):
        print(f"no tests: baseline {baseline} is not among the rows shown", file=sys.stderr)
    there = {cell.row.name for cell in cells if cell.row.table == table.name} - hidden
    return replace(table, rows={name: row for name, row in table.rows.items() if name in there})


def _mlflow_url(asked: str | None, tracker: RunStore) -> str:
    return asked or (public_uri(tracker.uri) if tracker.uri.startswith(("http://", "https://")) else LOCAL_UI)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"--output {path}: {error.strerror}") from None


def _check(arguments: argparse.Namespace, made: Report, *, whole: bool) -> int:
    """One line a cell that left its interval, or one line that says how many are within; what a check can't see too."""
    from experiments.reporting.expected import checked, expected_path, leaving, read_expected, rules_text

    path = arguments.expected or expected_path(made.table)
    by_scale = read_expected(path)
    if made.table.scale not in by_scale:
        allowed = ", ".join(by_scale) or "none"
        raise UserError(f"{path}: no intervals of scale {made.table.scale!r}; allowed: {allowed}, or --write-expected")
    expected = by_scale[made.table.scale]
    found = checked(made, expected)
    _say_weak(made, found)
    if lines := leaving(made, expected, whole=whole):
        print("\n".join(lines))
        return 1
    place = f"{made.table.name}, scale {made.table.scale}"
    print(f"{place}: all {len(found)} figures are within {os.path.relpath(path)} ({rules_text(found)})")
    return 0


def _say_weak(made: Report, found: Mapping[tuple[str, str], RerunInterval]) -> None:
    from experiments.reporting.expected import weak_checks

    for line in weak_checks(made, found):
        print(f"warning: {line}", file=sys.stderr)


def _write_expected(arguments: argparse.Namespace, made: Report, *, whole: bool) -> int:
    from experiments.reporting.expected import checked, expected_path, rules_text, write_expected

    if not whole:
        raise UserError("--write-expected: of a whole table only, without --rows, --seeds, --folds and --set")
    if not any(made.values.values()):
        raise UserError(f"--write-expected: {made.table.name} has no finished run at scale {made.table.scale}")
    path = arguments.expected or expected_path(made.table)
    try:
        found = checked(made, write_expected(path, made))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    for cell in made.missing:
        print(f"warning: {cell}: its row's intervals are of fewer runs, or missing", file=sys.stderr)
    for row, metric in made.cells:
        if diverged := made.diverged(row, metric):
            runs = ", ".join(f"{of.place(row).run} is {of.value}" for of in diverged)
            print(f"warning: {made.table.name}/{row} {metric}: no interval, {runs}", file=sys.stderr)
    _say_weak(made, found)
    print(f"{os.path.relpath(path)}: {len(found)} intervals of scale {made.table.scale} ({rules_text(found)})")
    return 0
