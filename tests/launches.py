"""What tests of real launches share: a home with tones, earmark as a user types it, waiting, counting points."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from . import warm_commands

TINY = Path(__file__).parent / "experiments" / "tiny.yaml"
LONG = ("--rows", "mil", "--set", "trainer.max_epochs=50")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "experiments", *arguments]


def environment(home: Path, **more: str) -> dict[str, str]:
    values = {**os.environ, "EARMARK_HOME": str(home), "COLUMNS": "200", **more}
    values.pop("EARMARK_DATA", None)
    return values


def earmark(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return warm_commands.run(arguments, environment=environment(home, **more))


def hear_hang_ups() -> None:
    """For ``preexec_fn``: tests that run under nohup hand its deafness on."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def wait_for(condition: Callable[[], object], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def runs(home: Path) -> list[Path]:
    return list((home / "mlruns" / "runs").glob("*"))


def signal_training(home: Path, number: signal.Signals) -> None:
    """A signal to the processes that train the home's one run."""
    (run_dir,) = runs(home)
    command = ["pgrep", "-f", f"experiments.training.train {run_dir}"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    for pid in found.stdout.split():
        os.kill(int(pid), number)


def epochs(home: Path) -> int:
    """Validations of all runs; a run's scores have the chosen epoch's loss once more, and no epoch."""
    lines = [line for run_dir in runs(home) for line in _text(run_dir).splitlines()]
    return sum('"epoch": ' in line and '"validation/loss": ' in line for line in lines)


def journal_points(run_dir: Path) -> Counter[tuple[str, int]]:
    """How often the journal has each metric's step."""
    points: Counter[tuple[str, int]] = Counter()
    for line in _lines(run_dir):
        if line["kind"] == "metrics":
            points.update((name, line["step"]) for name in line["values"] if name != "epoch")
    return points


def _lines(run_dir: Path) -> Iterator[dict]:
    for line in _text(run_dir).splitlines():
        yield json.loads(line)


def _text(run_dir: Path) -> str:
    path = run_dir / "journal.jsonl"
    return path.read_text() if path.exists() else ""
