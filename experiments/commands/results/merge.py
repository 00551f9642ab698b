"""``earmark results merge FILE…``: the runs of packs into this store, as finished runs, weights included."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from experiments.commands.shell.next_command import say_next

DESCRIPTION = """Bring the runs of packs into the store (of EARMARK_HOME, or MLFLOW_TRACKING_URI), as finished runs:
`earmark plan` counts those whose key is today's, `earmark report --as-run` all of them. Weights that were packed
(`--weights`) come along: rows may start from these runs, and earmark transcribe, predict and export take them.

All packs are checked first (names, sizes, digests, keys, journals, weights), and nothing of them is executed. A run
that is here with the same figures is passed over, but for weights, predictions or n-grams that it lacks; one that is
here with others, or unfinished, is a conflict: it is named with both values, and nothing at all is written."""
EXAMPLES = """examples:
  earmark results merge weak_sed.tar.xz
  earmark results merge mine.tar.xz theirs.tar.xz      again and again: what is here stays as it is
exit code: 0 when the store has all runs; 1 if it could not be told of some, which earmark sync does later
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark results merge``."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="what earmark results pack wrote")


def run(arguments: argparse.Namespace) -> int:
    """Check all, then write."""
    from experiments.stored_results.packs.archive import read_archive

    archives = [read_archive(path) for path in arguments.files]  # before a store is made

    from datamodules.corpus_folder import home
    from experiments.runs.run_folder import BEST
    from experiments.stored_results.packs.merging import look, write
    from experiments.tracking.mlflow_store import Tracker

    tracker = Tracker(home())
    tracker.place.check_writable()
    merge = look(archives, tracker)
    left = write(merge, tracker, say=lambda line: print(line, file=sys.stderr))
    print(f"{len(merge.new)} runs merged, {len(merge.there)} were here with the same figures")
    if num_weights := sum(name == BEST for _, name in merge.given):
        print(f"weights came with {num_weights} of them")
    if left:
        print(f"{left} of them are in {tracker.root / 'runs'} and not in MLflow yet: earmark sync", file=sys.stderr)
    else:
        say_next("ui", why="the runs; their table: earmark report TABLE --as-run")
    return 1 if left else 0
