"""What finished runs keep in ``scores/``: from the run's folder or, where that is not on this disk, from MLflow.

Artifacts that lie on this disk are read there. From a server small files only are fetched, each once, into
``mlruns/fetched/RUN_ID``. A file that is nowhere is None.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import NamedTuple

from experiments.planning.cell import Cell
from experiments.tracking.run_store import RunStore
from experiments.tracking.tracked_run import TrackedRun

UTTERANCES, SENTENCES, CONSTANTS = "errors_test.csv", "sentences.csv", "constants.json"
EVENTS, TAGS, CURVES = "events_test.tsv", "tags_test.tsv", "curve_statistics.npz"
TUNED_EVENTS, TUNED = "events_tuned_test.tsv", "_tuned"  # of a scoring with tuned: true, and its metrics' suffix


class Utterance(NamedTuple):
    """One test utterance, and what a run wrote of it.

    ``training_text`` is ``near_training`` or ``far_from_training``, empty of runs that did not say it.
    """

    utterance_id: str
    language: str
    speaker: str
    reference: str
    hypothesis: str
    training_text: str = ""


class Sentence(NamedTuple):
    """One test sentence with what it costs a language model; ``characters`` counts the end too."""

    text_id: str
    text: str
    nats: float
    characters: int


class StoredScores:
    """Finds the score files of a plan's finished cells."""

    def __init__(self, tracker: RunStore) -> None:
        self._tracker = tracker
        self._nowhere: set[tuple[str, str]] = set()

    def run_dir(self, cell: Cell) -> Path | None:
        """The run's folder, where it is on this disk; the run says its key, which the plan may only have accepted."""
        key = (cell.run.tags.get("key") if cell.run else None) or (cell.key.id if cell.key else None)
        folder = self._tracker.run_dir(key) if key else None
        return folder if folder is not None and (folder / "scores").is_dir() else None

    def file(self, cell: Cell, name: str) -> Path | None:
        """``scores/NAME`` of a finished cell."""
        if (run_dir := self.run_dir(cell)) is not None:
            path = run_dir / "scores" / name
            return path if path.is_file() else None
        return self._stored(cell.run, f"scores/{name}") if cell.run else None

    def _stored(self, run: TrackedRun, artifact: str) -> Path | None:
        """The store's own file where it lies on this disk, else a copy that is fetched once."""
        from experiments.tracking.mlflow_store import TrackingError  # mlflow, which a pack does without

        if (stored := self._tracker.artifact_folder(run.artifact_uri)) is not None:
            return stored / artifact if (stored / artifact).is_file() else None
        run_id, folder = run.run_id, self._tracker.root / "fetched" / run.run_id
        if not (folder / artifact).is_file() and (run_id, artifact) not in self._nowhere:
            try:
                self._tracker.download(run_id, artifact, folder)
            except (TrackingError, OSError):
                self._nowhere.add((run_id, artifact))
        return folder / artifact if (folder / artifact).is_file() else None


def read_utterances(path: Path) -> list[Utterance]:
    """The lines of ``errors_test.csv``."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Utterance(
                line["utterance"],
                line["language"],
                line["speaker"],
                line["reference"],
                line["hypothesis"],
                line.get("training_text") or "",
            )
            for line in csv.DictReader(file)
        ]


def read_sentences(path: Path) -> list[Sentence]:
    """The lines of ``sentences.csv``."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Sentence(line["id"], line["text"], float(line["nats"]), int(line["characters"]))
            for line in csv.DictReader(file)
        ]


def read_constants(path: Path) -> dict[str, str]:
    """The text that was scored for every utterance, by ``wer`` and ``cer``."""
    return {name: str(constant["text"]) for name, constant in json.loads(path.read_text(encoding="utf-8")).items()}
