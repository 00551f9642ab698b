"""An exported folder as an MLflow model in its sub-folder ``mlflow``: what ``mlflow models serve`` serves."""

from __future__ import annotations

import base64
import importlib.metadata
import io
import json
import shutil
import tempfile
import wave
from pathlib import Path

import numpy as np

from experiments.applying.chosen_run import EXPORTED
from experiments.exporting.exportable import Exportable
from experiments.exporting.shipped_code import PACKAGE
from experiments.tracking.served_model import save_served_model

FOLDER = "mlflow"
SCRIPT = Path(__file__).resolve().parents[1] / "templates" / "served_model.txt"
NEEDED = ("numpy", "onnxruntime")
EXAMPLE_SECONDS = 1.0


def write_mlflow_model(folder: Path, graphs: Exportable) -> None:
    """Add the MLflow model to an exported folder."""
    rate_hz = int(json.loads((folder / EXPORTED).read_text(encoding="utf-8"))["sample_rate_hz"])
    with tempfile.TemporaryDirectory() as name:
        aside = Path(name)
        script = aside / "served_model.py"
        shutil.copyfile(SCRIPT, script)
        exported = aside / "exported"
        exported.mkdir()
        for path in (folder / EXPORTED, folder / "log_mel.npz", *(folder / graph for graph in graphs.graphs)):
            if path.is_file():
                shutil.copyfile(path, exported / path.name)
        if (folder / "scores").is_dir():
            shutil.copytree(folder / "scores", exported / "scores")
        save_served_model(
            folder / FOLDER, script=script, package=folder / PACKAGE, exported=exported,
            speech=graphs.kind != "sound events", wav=example_wav(rate_hz),
            requirements=[f"{package}=={importlib.metadata.version(package)}" for package in NEEDED],
        )  # fmt: skip


def example_wav(rate_hz: int) -> str:
    """A second of a tone that swells and ends, as a WAV in base64."""
    times_S = np.arange(round(EXAMPLE_SECONDS * rate_hz)) / rate_hz
    samples_S = np.sin(2 * np.pi * 440 * times_S) * np.hanning(len(times_S)) * 16_000
    stream = io.BytesIO()
    with wave.open(stream, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate_hz)
        sound.writeframes(samples_S.astype("<i2").tobytes())
    return base64.b64encode(stream.getvalue()).decode()
