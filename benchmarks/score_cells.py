"""What a score cell costs in a process of its own, and forked from a warm one.

    python benchmarks/score_cells.py [--home HOME] [--cells 8]

The cells are finished runs of ``stage: score``, done again: those of a home (made by this code; nothing in it is
written), or else of a tiny table of tones, which is trained first. Both ways do the same cells one after the other, and
their scores are compared to the last bit. Printed are seconds a cell, of the clock and of the processor (a machine that
is busy with others slows the first alone); what the warm process's own start took stands apart.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from experiments.launching.executors import LocalExecutor, LocalProcess, RunProcess  # noqa: E402
from experiments.launching.warm_start import WarmStart  # noqa: E402
from experiments.runs import journal, keys  # noqa: E402
from experiments.table_files.yaml_files import read_yaml  # noqa: E402

TABLE = """
title: Score cells
family: sed
base:
  data: {{class_path: datamodules.sed.SoundEventClips, init_args: {{corpus: tones/tiny, batch_size: 4}}}}
  model:
    class_path: lightning_modules.sed.mil.MIL
    init_args:
      encoder: lightning_modules.layers.crnn.demo_crnn
      features: {{num_mels: 40}}
      optimizer: {{class_path: torch.optim.Adam, init_args: {{lr: 0.001}}}}
  trainer: {{max_epochs: 1}}
  checkpoint: {{monitor: validation/loss, mode: min}}
  scoring: {{class_path: lightning_modules.sed.detection_scoring.DetectionScoring, init_args: {{num_pictures: 0}}}}
rows:
  mil: {{why: what is scored}}
{rows}
seeds: [0]
scales: {{demo: {{}}}}
columns: {{test/event_f1_macro: {{label: Event F1}}}}
"""
ROW = """  oracle_{n}:
    why: true tags
    stage: score
    from: {{own: mil}}
    set: {{scoring.tags: oracle, data.batch_size: {n}}}"""


def main() -> None:
    """Score the same cells both ways and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--home", type=Path, help="EARMARK_HOME with finished score cells (default: a tiny one is made)"
    )
    parser.add_argument("--cells", type=int, default=8, help="score at most so many (default: 8)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = arguments.home or _tiny_home(Path(folder) / "home", arguments.cells)
        os.environ.setdefault("EARMARK_DATA", str(home / "data"))
        cells = _score_cells(home)[: arguments.cells]
        if not cells:
            sys.exit(f"{home}: no finished score cell in it")
        runs = Path(folder) / "runs"
        runs.mkdir()
        for run_dir in (home / "mlruns" / "runs").iterdir():
            (runs / run_dir.name).symlink_to(run_dir.resolve())
        environment = LocalExecutor({"threads": 1}).environment(0)
        print(f"{len(cells)} score cells")
        plain = _measure("plain", runs, cells, lambda run_dir: LocalProcess(run_dir, environment), _processor_seconds)
        modules = sorted({name for cell in cells for name in keys.named_modules(read_yaml(cell / "config.yaml"))})
        begin = time.perf_counter()
        warm = WarmStart(environment, modules)
        _wait(warm.start(_fresh(runs, cells[0], "first"), environment))
        print(f"the warm process's start and a first cell: {time.perf_counter() - begin:.2f} s by the clock")
        forked = _measure(
            "warm", runs, cells, lambda run_dir: warm.start(run_dir, environment), lambda: _of_children(warm.pid)
        )
        warm.end()
        print(f"plain : warm = {plain / forked:.1f} by the clock")
        for cell in cells:
            plain_scores, warm_scores = ((runs / f"{how}_{cell.name}" / "metrics.json").read_bytes() for how in HOWS)
            assert plain_scores == warm_scores, cell
        print("their scores are the same to the last bit")


HOWS = ("plain", "warm")


def _tiny_home(home: Path, num_cells: int) -> Path:
    table = home / "cells.yaml"
    home.mkdir()
    table.write_text(TABLE.format(rows="\n".join(ROW.format(n=n) for n in range(1, num_cells + 1))))
    environment = {**os.environ, "EARMARK_HOME": str(home), "PYTHONPATH": str(ROOT)}
    environment.pop("EARMARK_DATA", None)
    os.environ.pop("EARMARK_DATA", None)
    for command in (["data", "tones", "--scale", "tiny"], ["run", str(table)]):
        subprocess.run(
            [sys.executable, "-m", "experiments", *command], env=environment, check=True, capture_output=True
        )
    return home


def _score_cells(home: Path) -> list[Path]:
    folders = sorted(path.parent for path in (home / "mlruns" / "runs").glob("*/config.yaml"))
    return [
        folder
        for folder in folders
        if read_yaml(folder / "config.yaml")["stage"] == "score"
        and journal.final_state(folder / journal.NAME).state == "finished"
    ]


def _fresh(runs: Path, cell: Path, how: str) -> Path:
    folder = runs / f"{how}_{cell.name}"
    folder.mkdir()
    for name in ("config.yaml", "key.json"):
        shutil.copy(cell / name, folder)
    return folder


def _measure(
    how: str, runs: Path, cells: list[Path], begin: Callable[[Path], RunProcess], spent_seconds: Callable[[], float]
) -> float:
    """Seconds a cell by the clock; ``spent_seconds`` is the processor's, of the cells that have ended."""
    since, spent = time.perf_counter(), spent_seconds()
    for cell in cells:
        _wait(begin(_fresh(runs, cell, how)))
    seconds = (time.perf_counter() - since) / len(cells)
    processor = (spent_seconds() - spent) / len(cells)
    print(f"{how:>6}: {seconds:6.2f} s a cell by the clock, {processor:5.2f} s of the processor", flush=True)
    return seconds


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _of_children(pid: int) -> float:
    """What the ended children of another process have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def _wait(process: RunProcess) -> None:
    while (how := process.ended()) is None:
        time.sleep(0.01)
    assert how == "exit code 0", how


if __name__ == "__main__":
    main()
