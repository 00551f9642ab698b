"""How long ``earmark plan`` takes for a table of 500 cells in a store of 5,000 runs, beyond its imports.

    python benchmarks/plan_speed.py [--finished 450] [--runs 5000] [--scattered]

The store is SQLite, filled by SQL with runs that have forty metrics, fifteen params and twenty tags each: the current
runs of so many cells, and older ones of all. The cells that have none are those of the last seeds, or ``--scattered``
over rows and seeds. Printed beside the same question asked cell by cell, as a launcher that asks a tracker run by run
would, and the command in a process of its own, from its first line to its last, beyond its imports and with them.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

TABLE = """
title: Plan speed
family: sed
base:
  data: {class_path: datamodules.sed.SoundEventClips, init_args: {corpus: tones/tiny, batch_size: 4}}
  model:
    class_path: lightning_modules.sed.mil.MIL
    init_args:
      encoder: lightning_modules.layers.crnn.demo_crnn
      features: {num_mels: 40}
      optimizer: {class_path: torch.optim.Adam, init_args: {lr: 0.001}}
  trainer: {max_epochs: 1}
  checkpoint: {monitor: validation/loss, mode: min}
  scoring: lightning_modules.sed.detection_scoring.DetectionScoring
rows:
  mil: {why: how much, grid: {model.penalty_alpha: ALPHAS}}
seeds: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
columns: {test/event_f1_macro: {label: Event F1}}
"""

FRESH = """
import builtins, sys, time
begin, plain, within = time.perf_counter(), builtins.__import__, [0.0, False]
def timed(*arguments, **options):
    if within[1]:
        return plain(*arguments, **options)
    within[1], start = True, time.perf_counter()
    try:
        return plain(*arguments, **options)
    finally:
        within[0], within[1] = within[0] + time.perf_counter() - start, False
builtins.__import__ = timed
from experiments.cli import main
assert main(sys.argv[1:]) == 0
total = time.perf_counter() - begin
print(f"in a process of its own: {total - within[0]:.2f} s by the clock beyond {within[0]:.2f} s of imports",
      file=sys.stderr)
"""


def fill(home: Path, cells: list, *, num_finished: int, num_runs: int) -> None:
    """Insert current runs of the first cells, and older ones of all, into the store."""
    database = sqlite3.connect(home / "mlruns" / "mlflow.db")
    (experiment,) = database.execute("select experiment_id from experiments where name = 'sed'").fetchone()
    draw = random.Random(0)
    runs, tags, metrics, params = [], [], [], []
    for number in range(num_runs):
        cell, is_current = cells[number % len(cells)], number >= num_runs - num_finished
        if is_current:
            cell = cells[number - (num_runs - num_finished)]
        run_id = uuid.UUID(int=draw.getrandbits(128)).hex
        old = "" if is_current else f"old{number // len(cells)}"
        began = 10_000 + number
        runs.append((run_id, cell.name, "UNKNOWN", "", "", "u", "FINISHED", began, began, "", "active", "file:///none",
                     experiment, None))  # fmt: skip
        values = {
            f"row.{cell.row.table}": cell.row.name, "seed": str(cell.seed), "scale": cell.table.scale, "stage": "fit",
            "corpus": "tones/tiny", "earmark.state": "finished", "git.sha": "0" * 40, "git.dirty": "false",
            "earmark.host": "somewhere", "earmark.heartbeat": "1", "hardware": "a processor",
            "mlflow.runName": cell.name,
            "key": old or cell.key.id, **{f"key.{name}": old + part for name, part in cell.key.parts().items()},
        }  # fmt: skip
        tags += [(key, value, run_id) for key, value in values.items()]
        metrics += [(f"test/metric{k}", draw.random(), 1, 0, False, run_id) for k in range(39)]
        metrics.append(("test/event_f1_macro", draw.random(), 1, 0, False, run_id))
        params += [(f"model.param{k}", str(k), run_id) for k in range(15)]
    database.executemany(f"insert into runs values ({','.join('?' * 14)})", runs)
    database.executemany("insert into tags values (?, ?, ?)", tags)
    database.executemany(
        "insert into latest_metrics (key, value, timestamp, step, is_nan, run_uuid) values (?, ?, ?, ?, ?, ?)", metrics
    )
    database.executemany("insert into params values (?, ?, ?)", params)
    database.commit()


def main() -> None:
    """Fill a store, plan a table on it, and print how long that took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--finished", type=int, default=450, help="cells that are finished, of 500")
    parser.add_argument("--scattered", action="store_true", help="the other cells lie anywhere")
    parser.add_argument("--runs", type=int, default=5000, help="runs in the store")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ |= {"EARMARK_HOME": folder, "COLUMNS": "150"}
        os.environ.pop("EARMARK_DATA", None)
        from experiments.cli import main as earmark
        from experiments.planning.plan import make_plan
        from experiments.table_files.spec import read_table
        from experiments.tracking.mlflow_store import Tracker

        with contextlib.redirect_stdout(io.StringIO()):
            assert earmark(["data", "tones", "--scale", "tiny"]) == 0
        path = home / "plan_speed.yaml"
        path.write_text(TABLE.replace("ALPHAS", str([round(0.01 * k, 2) for k in range(50)])))
        table, tracker = read_table(str(path)), Tracker(home)
        cells = make_plan(table, tracker)  # imports and makes the store
        order = cells if not arguments.scattered else random.Random(1).sample(cells, len(cells))
        fill(home, order, num_finished=arguments.finished, num_runs=arguments.runs)
        output = io.StringIO()
        times = []
        for _ in range(3):
            wall, processor = time.perf_counter(), time.process_time()
            with contextlib.redirect_stdout(output):
                assert earmark(["plan", str(path)]) == 0
            times.append((time.process_time() - processor, time.perf_counter() - wall))
        states = [cell.state for cell in make_plan(table, tracker)]
        counts = {state: states.count(state) for state in sorted(set(states))}
        first, wall = min(times)
        print(f"earmark plan, {len(cells)} cells, {arguments.runs} runs in the store: {first:.2f} s of a processor,")
        print(f"  {wall:.2f} s by the clock; states {counts}", flush=True)
        command = [sys.executable, "-c", FRESH, "plan", str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=Path(__file__).parent.parent)
        begin = time.process_time()
        for cell in cells[:50]:
            tracker.find("sed", tags={"key": cell.key.id})
        each = (time.process_time() - begin) / 50
        print(f"asked cell by cell, the queries alone: {each * len(cells):.2f} s of a processor, "
              f"{each * len(cells) / first:.1f} x")  # fmt: skip


if __name__ == "__main__":
    main()
