"""``earmark results pack TABLE --output FILE``: a table's finished runs as one file, with weights if asked for."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.commands import table_arguments
from experiments.commands.shell.next_command import say_next
from experiments.errors import UserError

if TYPE_CHECKING:
    from experiments.table_files.spec import Table

DESCRIPTION = """Write the finished runs of a table, and those that they stand on, to one file: configuration, key,
journal, environment, scores (no pictures), what MLflow knows, provenance; with the table's file, the cards of its
corpora and the labels of the test split, so that `earmark report --results FILE` prints the same table anywhere.

Left out are code, logs, sounds, the lines of a journal that say how far a training is, and who ran it where:
tags of host and home, MLflow's user and source. Weights go in for the rows that --weights names: those of the best
epoch, as safetensors, with what rows that start from them read (symbols, classes), never an optimizer's state. Paths of
this machine become names ($EARMARK_HOME, $EARMARK_DATA, ~) or lose their folders, its name becomes "…"; how many were
replaced is said."""
EXAMPLES = """examples:
  earmark results pack weak_sed --scale demo --output weak_sed.tar.xz
  earmark results pack weak_sed --rows mil,fsl --seeds 0 --output two_rows.tar.xz
  earmark results pack weak_sed --as-run --output before_the_edit.tar.xz        whatever today's code is
  earmark results pack weak_sed --predictions all --output whole.tar.xz         rows that stand on these can run there
  earmark results pack transfer --weights seed_model --output seed.tar.xz       fine-tune, transcribe, export from it
  earmark results pack weak_sed --weights all --output with_weights.tar.xz      those of every row that was trained
  earmark results pack weak_sed --curves --output with_tests_of_psds.tar.xz     its report has the stars of PSDS too
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark results pack``."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    table_arguments.table_arguments(parser)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="where to; one that is there goes")
    parser.add_argument(
        "--predictions", choices=("none", "test", "all"), default="none",
        help="stored posteriors: none (default), of the test split, or all with n-grams, which a merge takes along",
    )  # fmt: skip
    parser.add_argument(
        "--weights", type=table_arguments.names, action="extend", default=[], metavar="ROW,ROW",
        help="weights of these rows' runs (TABLE/ROW of other tables that come along), or all; some megabytes a run",
    )  # fmt: skip
    parser.add_argument(
        "--curves", action="store_true",
        help="the statistics of each run's curves too, some hundred kB: tests of PSDS and mAP are drawn from them",
    )  # fmt: skip
    parser.add_argument(
        "--as-run", action="store_true", help="the newest finished runs of each row, whatever today's code is"
    )


def run(arguments: argparse.Namespace) -> int:
    """Pack; the last line says what is in the file."""
    from experiments.reporting.scored_by import version_of
    from experiments.stored_results.packs.packing import Packing

    table, tracker, cells = table_arguments.read_plan(arguments, from_store=True, runs_as_they_were=arguments.as_run)
    packing = Packing(table, cells, tracker, scored_by=version_of)
    try:
        digest = packing.write(
            arguments.output, predictions=arguments.predictions, curves=arguments.curves, weights=arguments.weights
        )
    except OSError as error:
        raise UserError(f"--output {arguments.output}: {error.strerror or error}") from None
    own = [cell for cell in cells if cell.row.table == table.name]
    finished = sum(cell.state == "finished" for cell in own)
    print(
        f"{arguments.output}: {finished} of {len(own)} cells of {table.name} at scale {table.scale}, "
        f"{len(packing.runs)} runs, {arguments.output.stat().st_size:,} bytes, digest {digest[:16]}"
    )
    untested = [] if arguments.curves else curve_columns(table)
    if untested:
        print(f"no tests from it in {', '.join(untested)}: what these are drawn from takes --curves", file=sys.stderr)
    if packing.blanked.num_replaced:
        print(f"{packing.blanked.num_replaced} paths or names of this machine were replaced in it")
    print(f"weights are in it of {packing.num_with_weights or 'no'} run{'s' * (packing.num_with_weights != 1)}")
    say_next("report", "--results", str(arguments.output), why="the table from it, without a store")
    return 0


def curve_columns(table: Table) -> list[str]:
    """Labels of the columns whose tests draw from curve statistics."""
    from experiments.stored_results.curve_counts import METRICS

    return [column.label for column in table.columns if column.metric in METRICS]
