"""What a report asks of the place where runs are: an MLflow store with its folders, or a pack of results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from experiments.runs.journal import CurvePoint
from experiments.tracking.store_place import StorePlace


class RunStore(Protocol):
    """``Tracker`` is one, and ``PackedStore``."""

    @property
    def place(self) -> StorePlace:
        """Where it is, and whether it may be written."""

    @property
    def root(self) -> Path:
        """``mlruns/``, with what is fetched in it."""

    @property
    def uri(self) -> str:
        """The store's, for links; empty of a pack, whose folders are gone when the command ends."""

    @property
    def experiment_id(self) -> Callable[[str], str]:
        """The id of a family's experiment."""

    def run_dir(self, key_id: str) -> Path:
        """The folder of the run with this key."""

    def artifact_folder(self, uri: str) -> Path | None:
        """Where a run's artifacts lie if that is on this disk."""

    def download(self, run_id: str, artifact: str, folder: Path) -> None:
        """Fetch an artifact; raises an error of the store, or ``OSError``, for one that is not there."""

    def curve(self, run_id: str, metric: str) -> list[CurvePoint]:
        """The points of a metric that training logged, by step."""
