"""The real command line: a run leaves one home as a folder, is served by MLflow, and stands in another under a row."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch

from ...launches import earmark

pytest.importorskip("onnxruntime")
TABLE = Path(__file__).parents[1] / "tiny_transfer.yaml"
pytestmark = pytest.mark.integration


def test_a_seed_is_exported_served_and_imported_elsewhere(tmp_path: Path) -> None:
    here, there, folder = tmp_path / "here", tmp_path / "there", tmp_path / "seed"
    assert earmark(here, "data", "spoken_tones", "--scale", "tiny").returncode == 0
    shutil.copytree(here / "data", there / "data")
    assert earmark(here, "run", str(TABLE), "--rows", "seed_model", "--slots", "1").returncode == 0
    done = earmark(here, "export", f"{TABLE}/seed_model", str(folder), "--mlflow")
    assert done.returncode == 0, done.stderr
    assert "model.onnx, which differ from it by" in done.stdout
    assert "without" not in done.stderr
    _served_answers(folder)

    again = earmark(here, "export", f"{TABLE}/seed_model", str(folder))
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "is there already" in again.stderr

    for _ in range(2):  # what is here is left as it is
        done = earmark(there, "import", str(folder))
        assert done.returncode == 0, done.stderr
    done = earmark(there, "run", str(TABLE), "--rows", "frozen", "--seeds", "1", "--slots", "1")
    assert done.returncode == 0, done.stderr
    imported, tuned = (_weights(there, row) for row in ("seed_model", "frozen"))
    kept = [name for name in _weights(here, "seed_model") if name.startswith("encoder.")]
    assert kept
    assert all(torch.equal(tuned[name], imported[name]) for name in kept)


def _weights(home: Path, row: str) -> dict[str, torch.Tensor]:
    """Those of a row's one run."""
    from experiments.tracking.mlflow_store import Tracker

    tracker = Tracker(home)
    (run,) = tracker.find("asr", tags={"row.tiny_transfer": row})
    checkpoint = torch.load(tracker.run_dir(run.tags["key"]) / "checkpoints" / "best.ckpt", weights_only=True)
    weights: dict[str, torch.Tensor] = checkpoint["state_dict"]
    return weights


def _served_answers(folder: Path) -> None:
    """As ``mlflow models serve`` asks it: a sound file in base64, or numbers."""
    import mlflow
    import pandas as pd

    from experiments.exporting.mlflow_folder import example_wav

    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    model = mlflow.pyfunc.load_model(str(folder / "mlflow"))
    assert [column.name for column in model.metadata.signature.inputs] == ["wav", "samples"]
    [by_file] = model.predict(pd.DataFrame({"wav": [example_wav(16000)]}))
    assert set(by_file) == {"text"}
    [by_numbers] = model.predict(pd.DataFrame({"samples": [[0.0] * 16000]}))
    assert set(by_numbers) == {"text"}
