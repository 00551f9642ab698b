"""What a store of 10,000 runs of one code costs those who ask it little, beside the ways of before.

    python benchmarks/large_store.py [--runs 10000] [--whole]

The store is SQLite, filled by SQL in MLflow's schema (``plan_speed.fill``): every run has forty metrics, fifteen params
and twenty tags, and a folder as a delivered run leaves it. Asked are the plan of one cell (the oldest run and one that
never ran), ``earmark sync`` with nothing to do, the report of one row, and a curve of 10,000 points; with ``--whole``
also the first report of all cells, whose runs are put into the table's views one by one. The ways of before, in
processor time, without the rest of their commands: every run of the code is read, every run of the store, every run of
the view; the store is asked for each score file by itself (of the first hundred runs, times their share); and an epoch
is counted anew at every point.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from plan_speed import TABLE, fill

NUM_SEEDS, NUM_TRIED, NUM_POINTS = 10, 100, 10_000


def seconds(work: Callable[[], object]) -> float:
    """Processor time of one call."""
    begin = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        work()
    return time.process_time() - begin


def compare(what: str, now: Callable[[], object], before: Callable[[], object], *, times: float = 1) -> None:
    """Print both; ``before`` did the ``times``-th part."""
    new, old = seconds(now), times * seconds(before)
    print(f"{what:45} {new:8.2f} s {old:10.2f} s {old / new:8.1f} x", flush=True)


def make_folders(runs: list, cells: list, tracker: object) -> None:
    """Run folders of which the store has all."""
    from experiments.runs.journal import NAME, Journal, size
    from experiments.tracking import delivery

    ids = {run.tags["key"]: run.run_id for run in runs}
    for cell in cells:
        folder = tracker.run_dir(cell.key.id)
        folder.mkdir(parents=True)
        delivery.track(folder, family="sed", name=cell.name, tags={"key": cell.key.id}, params={}, datasets={})
        Journal(folder).state("finished")
        mark = {"run_id": ids[cell.key.id], "journal_bytes": size(folder / NAME), "seen": "finished"}
        (folder / f"delivered.{tracker.store}.json").write_text(json.dumps({**mark, "state": "finished"}))


def main() -> None:
    """Fill a store and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_000, help="runs in the store, ten seeds a row")
    parser.add_argument("--whole", action="store_true", help="the first report of all cells too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ |= {"EARMARK_HOME": folder, "COLUMNS": "150", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
        os.environ.pop("EARMARK_DATA", None)
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        from experiments.cli import main as earmark
        from experiments.planning.plan import make_plan
        from experiments.reporting.views import shown_tag
        from experiments.table_files.spec import read_table
        from experiments.tracking.mlflow_store import Tracker, TrackingError
        from experiments.training.curves import spread_epochs

        with contextlib.redirect_stdout(io.StringIO()):
            assert earmark(["data", "tones", "--scale", "tiny"]) == 0
        path = home / "large.yaml"
        alphas = [round(0.001 * k, 3) for k in range(arguments.runs // NUM_SEEDS)]
        first = f"mil.penalty_alpha={alphas[0]}"
        path.write_text(f'baseline: "{first}"\n' + TABLE.replace("ALPHAS", str(alphas)))
        table, tracker = read_table(str(path)), Tracker(home)
        cells = make_plan(table, tracker)
        fill(home, cells, num_finished=len(cells), num_runs=len(cells))
        runs = tracker.find("sed", tags={})
        make_folders(runs, cells, tracker)
        key = cells[0].key
        print(f"{len(runs)} runs of one code, processor time           now         before", flush=True)

        def plan(seed: int) -> None:
            make_plan(table, Tracker(home), rows=[first], seeds=[seed])

        def every_run_of_the_code() -> None:
            tracker.find("sed", tags={"key.code": key.code, "key.data": key.data})

        compare("plan of one cell, finished", lambda: plan(0), every_run_of_the_code)
        compare("plan of one cell, never run", lambda: plan(99), every_run_of_the_code)
        compare("earmark sync, nothing to do", lambda: earmark(["sync"]), lambda: tracker.find("sed", tags={}))
        report = ["report", str(path), "--rows", first]
        earmark_report = lambda: earmark(report)  # noqa: E731
        seconds(earmark_report)  # imports

        def every_run_of_the_view() -> None:
            every_run_of_the_code()
            tracker.find("sed", tags={}, having=[shown_tag(table, table.views[0])])

        if arguments.whole:

            def each_file() -> None:
                for run in runs[:NUM_TRIED]:
                    for name in ("tags_test.tsv", "events_test.tsv"):
                        with contextlib.suppress(TrackingError, OSError):
                            tracker.download(run.run_id, f"scores/{name}", home / "fetched" / run.run_id)

            compare("first report of all cells (before: files)", lambda: earmark(["report", str(path)]), each_file,
                    times=len(runs) / NUM_TRIED)  # fmt: skip
        compare("report of one row", earmark_report, every_run_of_the_view)
        epochs = [k // 10 for k in range(NUM_POINTS)]

        def counted_anew() -> None:
            [epoch + epochs[:k].count(epoch) / epochs.count(epoch) for k, epoch in enumerate(epochs)]

        compare(f"a curve of {NUM_POINTS} points", lambda: spread_epochs(epochs), counted_anew)


if __name__ == "__main__":
    main()
