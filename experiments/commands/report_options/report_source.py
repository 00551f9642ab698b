"""Where a report's cells come from: the store by today's code or as they were run, or packs of results."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from experiments.commands import table_arguments
from experiments.errors import UserError

if TYPE_CHECKING:
    from datamodules.corpus_folder import CorpusCard
    from experiments.planning.cell import Cell
    from experiments.stored_results.packs.packed_store import Packed
    from experiments.stored_results.split_references import TestSplits
    from experiments.table_files.spec import Table
    from experiments.tracking.mlflow_store import Tracker
    from experiments.tracking.run_store import RunStore


class Source(NamedTuple):
    """A plan, the store of its runs, and what is known of their corpora.

    ``written`` is the store where notes and views of the report go; None where it stays as it is.
    """

    table: Table
    store: RunStore
    cells: list[Cell]
    splits: TestSplits
    card: Callable[[str], CorpusCard]
    written: Tracker | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What a command that reads finished runs takes beside the table."""
    parser.add_argument(
        "--as-run", action="store_true",
        help="the newest finished runs of each row, made by one code each, whatever today's code is; marked as such",
    )  # fmt: skip
    parser.add_argument(
        "--results", type=_files, action="extend", default=[], metavar="FILE,FILE",
        help="from packs of earmark results pack, without a store and without corpora; TABLE may be left out",
    )  # fmt: skip


def _files(text: str) -> list[Path]:
    return [Path(name) for name in text.split(",") if name]


def read_source(arguments: argparse.Namespace, folder: tempfile.TemporaryDirectory[str]) -> Source:
    """The plan that the arguments mean; ``folder`` is where packs are unfolded. Raises ``UserError``."""
    if arguments.results:
        return _packed(arguments, Path(folder.name))
    from experiments.stored_results.packs.merged_references import MergedSplits

    table, tracker, cells = table_arguments.read_plan(arguments, from_store=True, runs_as_they_were=arguments.as_run)
    stays = tracker.place.read_only or arguments.as_run  # a colleague's store is reported as it is
    splits = MergedSplits(tracker.root, cells)
    return Source(table, tracker, cells, splits, splits.card, None if stays else tracker)


def _packed(arguments: argparse.Namespace, folder: Path) -> Source:
    for name, given in (("--set", arguments.overrides), ("--as-run", arguments.as_run)):
        if given:
            raise UserError(f"{name}: not with --results; a pack holds the cells that it was made of")
    from datamodules.run_warning import first_names
    from experiments.stored_results.packs.packed_store import open_packs
    from experiments.stored_results.packs.plan_record import wanted
    from experiments.waiting import working

    with working(f"reading {first_names(map(str, arguments.results))}"):
        packed = open_packs(arguments.results, folder)
    table = packed.table
    asked = {
        "TABLE": (arguments.table and Path(arguments.table).stem, table.name),
        "--scale": (arguments.scale, table.scale),
    }
    for name, (given, there) in asked.items():
        if given not in (None, there):
            raise UserError(f"{name} {given}: {arguments.results[0]} has {there}")
    cells = wanted(packed.cells, table=table, rows=arguments.rows, seeds=arguments.seeds, folds=arguments.folds)
    if not cells:
        raise UserError(f"{arguments.results[0]}: no cells of --rows and --seeds")
    return of_packs(packed)._replace(cells=cells)


def of_packs(packed: Packed) -> Source:
    """All that packs hold."""
    return Source(packed.table, packed.store, packed.cells, packed.splits, packed.card)
