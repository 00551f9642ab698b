"""``earmark import FOLDER``: an exported run back into this store, with its weights."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

DESCRIPTION = """Bring a run that earmark export wrote into the store (of EARMARK_HOME, or MLFLOW_TRACKING_URI), as a
finished run with its key, its record and its weights: `from:` of a row that stands on it finds it, and
`earmark predict` takes it by its id or key. What is in the folder is data: nothing of it is executed. A run that is here
with the same figures is passed over; one that is here with others is a conflict, and nothing is written.

A plan counts it where today's code, configuration and data give its key; earmark plan says what differs."""
EXAMPLES = """examples:
  earmark import seed_model             then: earmark run transfer --rows encoder_only
exit code: 0 when the store has the run; 1 if it could not be told of it, which earmark sync does later
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark import``."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="what earmark export wrote")


def run(arguments: argparse.Namespace) -> int:
    """Check, then write."""
    from experiments.exporting.imported_folder import bring_in, read_exported

    archive = read_exported(arguments.folder)  # before a store is made

    from datamodules.corpus_folder import home
    from experiments.tracking.mlflow_store import Tracker

    tracker = Tracker(home())
    tracker.place.check_writable()
    folder, told = bring_in(
        arguments.folder, archive, tracker, say=lambda line: print(line, file=sys.stderr)
    )
    print(f"run {folder.name} is in {folder}")
    return 0 if told else 1
