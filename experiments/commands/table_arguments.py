"""What every command on a table shares: which cells it means, its plan, the check of what would run, its views."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Container, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from experiments.errors import UserError
from experiments.table_files.table_values import LARGEST_SEED

if TYPE_CHECKING:
    from experiments.configuration.check import Question
    from experiments.configuration.early_check import EarlyCheck
    from experiments.launching.warm_start import WarmStart
    from experiments.planning.cell import Cell
    from experiments.table_files.spec import Table
    from experiments.tracking.mlflow_store import Tracker


def table_arguments(parser: argparse.ArgumentParser, *, needed: bool = True) -> None:
    """Which cells of which table."""
    number = None if needed else "?"
    parser.add_argument("table", nargs=number, help="name of a shipped table, or the path of a .yaml file")
    parser.add_argument("--scale", help="a scale of the table (default: its first)")
    parser.add_argument(
        "--rows",
        type=names,
        action="extend",
        default=[],
        metavar="A,B",
        help="only these rows, and what they stand on; may be repeated",
    )
    parser.add_argument(
        "--seeds",
        type=_numbers,
        action="extend",
        default=[],
        metavar="0,1",
        help="only these seeds (default: the table's); may be repeated",
    )
    parser.add_argument(
        "--folds",
        type=names,
        action="extend",
        default=[],
        metavar="A,B",
        help="only these folds of a table that has some (default: all); may be repeated",
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="a dotted path of every row's configuration, e.g. data.corpus=tones/demo; may be repeated",
    )  # fmt: skip


def names(text: str) -> list[str]:
    """An argument such as ``a,b``."""
    if not (found := [name for name in text.split(",") if name]):
        raise argparse.ArgumentTypeError(f"expected names such as a,b, got {text!r}")
    return found


def _numbers(text: str) -> list[int]:
    try:
        seeds = [int(number) for number in text.split(",") if number]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected integers such as 0,1, got {text!r}") from None
    if not seeds:
        raise argparse.ArgumentTypeError(f"expected integers such as 0,1, got {text!r}")
    if any(not 0 <= seed <= LARGEST_SEED for seed in seeds):
        raise argparse.ArgumentTypeError(f"seeds are from 0 to {LARGEST_SEED}, got {text!r}")
    return seeds


def overrides(texts: list[str]) -> dict[str, Any]:
    """``KEY=VALUE`` arguments as dotted paths and values. Raises ``UserError``."""
    from experiments.errors import unknown
    from experiments.table_files.spec import SECTIONS
    from experiments.table_files.yaml_files import parse_value

    values = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not key:
            raise UserError(f"--set {text!r}: expected KEY=VALUE, e.g. data.corpus=tones/demo")
        if key.split(".")[0] not in SECTIONS:
            raise UserError(f"--set {key}: {unknown('section', key.split('.')[0], SECTIONS)}")
        values[key] = parse_value(value, where=f"--set {key}")
    return values


def read_plan(
    arguments: argparse.Namespace,
    *,
    from_store: bool = False,
    runs_as_they_were: bool = False,
    begin: Callable[[Table], None] | None = None,
) -> tuple[Table, Tracker, list[Cell]]:
    """The table that the arguments name, its store, and its cells; ``from_store`` as ``make_plan`` has it.

    With ``runs_as_they_were`` the cells are judged by the store alone (``planning/as_run.py``). ``begin`` is called
    once the table is read, before what takes time.
    """
    from experiments.waiting import working

    if arguments.table is None:
        raise UserError("TABLE: the name of a shipped table, or the path of a .yaml file")
    with working(f"reading {arguments.table}"):
        from experiments.table_files.spec import read_table

        table = read_table(
            arguments.table,
            scale=arguments.scale,
            overrides=overrides(arguments.overrides),
            scored_rows=arguments.rows,
        )
        if begin is not None:
            begin(table)
        with working(f"reading {table.name}: its runs, and what they would run on"):
            return _with_cells(table, arguments, from_store=from_store, runs_as_they_were=runs_as_they_were)


def _with_cells(
    table: Table, arguments: argparse.Namespace, *, from_store: bool, runs_as_they_were: bool
) -> tuple[Table, Tracker, list[Cell]]:
    from datamodules.corpus_folder import home
    from experiments.planning.checked_corpora import CheckedCorpora
    from experiments.planning.plan import make_plan
    from experiments.tracking.mlflow_store import Tracker

    tracker, corpora = Tracker(home()), CheckedCorpora()
    if runs_as_they_were:
        from experiments.planning.as_run import as_run

        table, cells = as_run(table, tracker, rows=arguments.rows, seeds=arguments.seeds, folds=arguments.folds)
        return table, tracker, cells
    if table.searches:
        from experiments.planning.search import with_trials

        table = with_trials(table, tracker, again=arguments.rows, corpora=corpora, from_store=from_store)
    cells = make_plan(
        table, tracker, rows=arguments.rows, seeds=arguments.seeds, folds=arguments.folds,
        corpora=corpora, from_store=from_store,
    )  # fmt: skip
    return table, tracker, cells


def check_configurations(
    cells: list[Cell], *, one_of_a_shape: bool = False, warm: WarmStart | EarlyCheck | None = None
) -> None:
    """Build every row that would run: a misspelt key, a wrong type or a refused value costs seconds, not a night.

    ``one_of_a_shape`` builds one of the rows that differ in numbers alone: a sweep of hundreds is planned in a second.
    What passed before, as this home remembers, is not built again; the rest is by a process that is ``warm``.
    Raises ``UserError``.
    """
    from datamodules.corpus_folder import home
    from experiments.planning import checked_configurations
    from experiments.planning.checked_configurations import check_id
    from experiments.planning.shared_fault import told_of_all
    from experiments.table_files.merge import shape
    from experiments.waiting import working

    asked = [cell for cell in cells if cell.would_run or cell.waits]
    rows = {(cell.table.name, cell.row.name, cell.fold or ""): cell for cell in asked}
    if one_of_a_shape:
        rows = {
            (name, repr((shape(cell.row.config), sorted(cell.row.sources))), ""): cell
            for (name, *_), cell in reversed(rows.items())
        }
    passed = checked_configurations.known(home() / "mlruns") if rows else {}
    new = [cell for cell in rows.values() if check_id(cell) not in passed]
    if not new:
        return

    from experiments.configuration.check import check

    questions = [_question(cell) for cell in new]
    with working(f"checking {len(questions)} new configuration{'s' * (len(questions) != 1)}"):
        try:
            if warm is None or not warm.check(questions):
                check(questions)  # imports Lightning, which takes longer than all the rest of a plan
        except UserError as error:
            asked_anew = partial(_refusal, passed=passed)
            raise told_of_all(error, new, cells, check=asked_anew) from error
    checked_configurations.add(home() / "mlruns", map(check_id, new))


def _question(cell: Cell) -> Question:
    from experiments.configuration.check import Question
    from experiments.planning.shared_fault import row_place

    return Question(
        row_place(cell),
        cell.row.stage,
        cell.seed,
        cell.table.imports,
        cell.key is not None,
        cell.row.config,
        tuple(cell.row.sources),
    )


def _refusal(cell: Cell, *, passed: Container[str]) -> str:
    """Why a cell's configuration is refused; empty where it is not, as those that ``passed`` before."""
    from experiments.configuration.check import check
    from experiments.planning.checked_configurations import check_id

    if check_id(cell) in passed:
        return ""
    try:
        check([_question(cell)])
    except UserError as error:
        return str(error)
    return ""


def write_views(table: Table, tracker: Tracker, cells: Sequence[Cell]) -> None:
    """MLflow's saved views of the table; a warning where they cannot be written, never more."""
    from experiments.reporting import views

    if line := views.write_views(table, cells, tracker):
        print(f"warning: {line}", file=sys.stderr)
