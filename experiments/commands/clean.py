"""``earmark clean``: what of ``mlruns`` is needed by nobody, and with ``--yes`` its end."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark clean``."""
    parser.description = (
        "Say what of mlruns can be freed: of finished runs that the store has whole, the checkpoint for a resume and "
        "second copies of artifacts (they become links); files that were fetched and can be again; features of "
        "clips (mlruns/features); snapshots of code that no run imports. Runs that go on, can be resumed or are not "
        "wholly in the store keep all. Weights, predictions and scores stay; with --folders in the store alone, which "
        "gives them back where a row needs them."
    )
    parser.epilog = "example: earmark clean    (it frees nothing; earmark clean --yes does)"
    parser.add_argument("--yes", action="store_true", help="free it (default: only say how much it is)")
    parser.add_argument(
        "--folders",
        action="store_true",
        help="whole folders too, of finished runs of which the store has every file and no unfinished run stands on",
    )


def run(arguments: argparse.Namespace) -> int:
    """Say or do it; exit code 1 where the store does not answer or something could not be freed."""
    from datamodules.corpus_folder import home
    from experiments.errors import first_line
    from experiments.tracking.clean import find, free
    from experiments.tracking.mlflow_store import Tracker, TrackingError
    from experiments.waiting import with_bar

    try:
        found = find(Tracker(home()), whole_folders=arguments.folders)
    except (TrackingError, OSError) as error:
        print(f"nothing freed, the store is needed to know what can be: {first_line(error)}", file=sys.stderr)
        return 1
    failed = 0
    done = []
    for item in with_bar(found.items, "clean") if arguments.yes else ():
        try:
            if free(item):
                done.append(item)
            else:
                why = f"is no copy of {item.twin}, or cannot be linked" if item.twin else "is in use again"
                print(f"kept: {item.path} {why}", file=sys.stderr)
        except OSError as error:
            failed += 1
            print(f"not freed: {item.path}: {error.strerror or error}", file=sys.stderr)
    counted = done if arguments.yes else found.items
    sizes: Counter[str] = Counter()
    for item in counted:
        sizes[item.kind] += item.num_bytes
    _say(sizes, Counter(item.kind for item in counted), found.kept, freed=arguments.yes)
    return 1 if failed else 0


def _say(sizes: Mapping[str, int], numbers: Mapping[str, int], kept: Mapping[str, int], *, freed: bool) -> None:
    for kind, number in numbers.items():
        print(f"{readable(sizes[kind]):>10}  {kind}: {number}")
    print(f"{readable(sum(sizes.values())):>10}  {'freed' if freed else 'would be freed'}")
    for reason, number in kept.items():
        print(f"kept as they are, runs {reason}: {number}")
    if numbers and not freed:
        print("nothing was changed; earmark clean --yes frees it")


def readable(num_bytes: int) -> str:
    """``1.5 GB``: three digits or fewer before the point, powers of 1000.

    >>> [readable(number) for number in (0, 999, 1500, 2_000_000_000)]
    ['0 B', '999 B', '1.5 kB', '2.0 GB']
    """
    if num_bytes < 1000:
        return f"{num_bytes} B"
    size = float(num_bytes)
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.95:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"
