"""What the process of ``warm_commands`` imports and makes ready, once: forked commands and trainings have it then.

Its name leads here only while that process starts, since its current folder is this file's.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

gc.disable()  # what imports make stays: looking through it is a sixth of their time

MODULES = (
    "experiments.lean_imports",  # before Lightning
    "experiments.__main__",
    "experiments.cli",
    "experiments.configuration.schema",  # torch and Lightning
    "experiments.launching.launch",
    "experiments.planning.plan",
    "experiments.tracking.mlflow_store",
    "experiments.training.train",
    "experiments.training.curves",
    "datamodules.asr",
    "datamodules.sed",
    "lightning_modules.asr.ctc.ctc",
    "lightning_modules.sed.detection_scoring",
    "lightning_modules.sed.mil",
    "lhotse",
    "librosa.filters",  # of log mel features
    "joblib.parallel",
    "matplotlib.backends.backend_agg",
    "mlflow.tracking",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
    "rich.console",
    "rich.status",
    "rich.table",
)
for name in MODULES:
    with contextlib.suppress(ImportError):  # said by the command that needs it
        importlib.import_module(name)


def score_curves_once(folder: Path) -> None:
    """A scoring as every training of sound events ends with: numba's code is compiled or read, matplotlib has fonts."""
    from datamodules.annotations import ClipReferences, Event, FrameGrid
    from lightning_modules.sed.detection_scoring import DetectionScoring
    from lightning_modules.sed.predictions import DetectionPredictions

    classes, grid = ("bird", "dog"), FrameGrid(hop_seconds=0.05)
    events = {f"clip{n}": tuple(Event(0.5 + n / 4, 2.0, label) for label in classes[: n % 3]) for n in range(6)}
    references = ClipReferences(
        classes=classes,
        sample_rate_hz=8000,
        tags={clip: frozenset(event.label for event in rows) for clip, rows in events.items()},
        events=events,
        duration_seconds=dict.fromkeys(events, 4.0),
        load_waveform=lambda _: np.zeros(32_000, np.float32),
        split="test",
    )
    active_NTC = np.stack([grid.activity(rows, classes=classes, num_frames=80) for rows in events.values()])
    curves_NTC = (0.1 + 0.8 * active_NTC).astype(np.float32)
    num_frames_N = np.full(len(events), 80, np.int64)
    own = DetectionPredictions(
        classes, tuple(events), curves_NTC.max(axis=1), curves_NTC, num_frames_N, grid.hop_seconds
    )
    for split in ("validation", "test"):
        own.save(folder / f"{split}.npz")
    known = {"validation": replace(references, split="validation"), "test": references}
    DetectionScoring(num_pictures=1).score(predictions={"own": folder}, references=known, output_dir=folder)


with contextlib.suppress(Exception), tempfile.TemporaryDirectory() as name:  # what is wrong is told by its tests
    score_curves_once(Path(name))
gc.collect()
gc.freeze()  # a child that collects would write into every page, and get a copy of each
gc.enable()
