"""Packs with something changed inside, and what lies in a home."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from experiments.stored_results.packs.archive import read_archive, write_archive
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import TrackedRun

Report = Callable[..., str]


def spoilt_pack(pack: Path, target: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    files = dict(read_archive(pack).files)
    change(files)
    write_archive(target, files)
    return target


def stored_runs(home: Path) -> list[TrackedRun]:
    return Tracker(home).find("sed", tags={})


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
