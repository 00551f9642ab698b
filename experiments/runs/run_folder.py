"""A run's folder: the names in it, its lock, and the files that travel to MLflow as artifacts.

The training process holds a lock for as long as it lives, and so does its launcher: no kill and no reboot can make the
answer to "is this run alive?" wrong.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from datamodules.corpora.file_locks import take

LOCK = "lock"  # held by the training process
LAUNCH_LOCK = "launch.lock"  # held by the launcher that started it
CONFIG = "config.yaml"
KEY = "key.json"
TEXT_RULES = "text_rules"  # in it, of a user's corpus of speech: those that it was imported with
METRICS = "metrics.json"
BEST = "checkpoints/best.ckpt"  # weights of the epoch that is scored: what a fine-tuned run starts from
LAST = "checkpoints/last.ckpt"  # what a resume starts from, of no use once the run has finished
PREDICTIONS = "predictions"
NGRAMS = "scores/language_model.arpa"  # of a counted language model
SYMBOLS_OF_NGRAMS = "scores/language_model.json"  # beside it
FEATURES = "features"  # of clips, for all runs: beside their folders, in mlruns/
LOG = "log.txt"
TRACKED = "tracked.json"  # what MLflow is to know of the run: delivery.py
TABLE_PATH = "table_path"  # in it, for this machine alone: where a user's own table lies
SLURM_JOB = "slurm_job"  # id and name of the job that was submitted for the run last: slurm.py
DELIVERY_LOCK = "delivery.lock"
NOT_ARTIFACTS = (LOCK, LAUNCH_LOCK, DELIVERY_LOCK, TRACKED, SLURM_JOB, "last.ckpt", "before_last.ckpt")


def is_locked(run_dir: Path) -> bool:
    """Whether a launcher or a training process that lives works in this run folder."""
    return is_training(run_dir) or is_launched(run_dir)


def is_training(run_dir: Path) -> bool:
    """Whether a training process that lives works in this run folder."""
    return _is_held(run_dir / LOCK)


def is_launched(run_dir: Path) -> bool:
    """Whether a launcher that lives works in this run folder."""
    return _is_held(run_dir / LAUNCH_LOCK)


def slurm_job(run_dir: Path) -> tuple[str, str]:
    """(id, name) of the SLURM job that was submitted for the run last; empty where there is none."""
    path = run_dir / SLURM_JOB
    job_id, _, name = (path.read_text(encoding="utf-8") if path.exists() else "").strip().partition(" ")
    return job_id, name


def write_whole(path: Path, data: str | bytes) -> None:
    """Write a file in one step: a power cut or a reader finds the old one or the new one. Raises ``OSError``."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(data.encode() if isinstance(data, str) else data)
    partial.replace(path)


def _is_held(path: Path) -> bool:
    if not path.exists():
        return False
    with path.open("rb") as file:
        return not take(file, shared=True, wait=False)


@contextmanager
def locked(run_dir: Path, name: str = LOCK, *, patience_seconds: float = 1.0) -> Iterator[bool]:
    """Hold one of the folder's locks; yields False where another process has it.

    Whoever only looks holds it for an instant, so a refusal counts when it lasts a second.
    """
    deadline = time.monotonic() + patience_seconds
    with (run_dir / name).open("a") as file:
        while True:
            if take(file, wait=False):
                _sign(file)
                yield True
                return
            if time.monotonic() >= deadline:
                yield False
                return
            time.sleep(0.1)


def _sign(file: TextIO) -> None:
    """Write into a lock who holds it: ``PID HOST``."""
    with contextlib.suppress(OSError):  # on a full disk it holds all the same
        file.truncate(0)
        file.write(f"{os.getpid()} {socket.gethostname()}\n")
        file.flush()


def holder(path: Path) -> tuple[int, str]:
    """(process, host) of whoever took a lock last; 0 where it did not say."""
    pid, _, host = path.read_text(encoding="utf-8", errors="replace").strip().partition(" ")
    return int(pid) if pid.isdigit() else 0, host


def offered(run_dir: Path) -> Path:
    """What a run gives to those that stand on it: its predictions or, where it has none, what its scoring wrote."""
    predictions = run_dir / PREDICTIONS
    return predictions if predictions.is_dir() else run_dir / "scores"


def artifacts(run_dir: Path) -> list[Path]:
    """Every file that MLflow keeps of a run: all but the lock, the shipping mark and the resume checkpoint."""
    files = (path for path in sorted(run_dir.rglob("*")) if path.is_file())
    return [
        path
        for path in files
        if path.name not in NOT_ARTIFACTS and path.suffix != ".partial" and not path.name.startswith("delivered.")
    ]
