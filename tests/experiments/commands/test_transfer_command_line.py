"""The real command line: a seed on one language, fine-tuned to another, also where the seed's folder is gone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from ...launches import earmark

TABLE = Path(__file__).parents[1] / "tiny_transfer.yaml"
pytestmark = pytest.mark.integration


def best(home: Path, row: str) -> tuple[Path, dict[str, Any]]:
    """The folder of a row's run and its best checkpoint."""
    from experiments.tracking.mlflow_store import Tracker

    tracker = Tracker(home)
    (run,) = tracker.find("asr", tags={"row.tiny_transfer": row})
    folder = tracker.run_dir(run.tags["key"])
    return folder, torch.load(folder / "checkpoints" / "best.ckpt", weights_only=True)


def _scores_stand_after_what_training_logged(home: Path, row: str) -> None:
    """MLflow shows the value of the highest step, and validation has scores of the same names."""
    from mlflow import MlflowClient

    from experiments.tracking.mlflow_store import Tracker

    tracker = Tracker(home)
    (run,) = tracker.find("asr", tags={"row.tiny_transfer": row})
    scores = json.loads((tracker.run_dir(run.tags["key"]) / "metrics.json").read_text())
    assert {name: run.metrics[name] for name in scores} == pytest.approx(scores, nan_ok=True)
    client = MlflowClient(tracking_uri=tracker.uri)

    def last_step(name: str) -> int:
        return max(point.step for point in client.get_metric_history(run.run_id, name))

    assert all(last_step(name) > last_step("train/loss") for name in scores)
    assert last_step("validation/loss") > last_step("train/loss")  # what the best epoch was chosen by


def test_a_seed_run_is_fine_tuned_to_another_language(tmp_path: Path) -> None:
    assert earmark(tmp_path, "data", "spoken_tones", "--scale", "tiny").returncode == 0
    done = earmark(tmp_path, "run", str(TABLE), "--rows", "frozen", "--seeds", "1", "--slots", "1")
    assert done.returncode == 0, done.stderr
    folder, seed = best(tmp_path, "seed_model")
    _scores_stand_after_what_training_logged(tmp_path, "frozen")
    _, tuned = best(tmp_path, "frozen")
    assert "ě" in set(tuned["symbols"]) - set(seed["symbols"])
    kept = [name for name in seed["state_dict"] if name.startswith("encoder.")]
    assert kept
    for name in kept:
        assert torch.equal(tuned["state_dict"][name], seed["state_dict"][name]), name
    assert len(tuned["state_dict"]["classifier.bias"]) == len(tuned["symbols"])

    shutil.rmtree(folder)  # as on another machine: MLflow has the seed's weights
    done = earmark(tmp_path, "run", str(TABLE), "--rows", "misfit,two_stage", "--seeds", "1", "--slots", "1")
    assert done.returncode == 1
    assert "1 of 3 cells are finished" in done.stderr
    assert "tiny_transfer/two_stage seed 1: finished" in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("not finished")]
    assert "tiny_transfer/misfit seed 1: fine_tuning: seed" in line
    assert "has shape" in line
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["best.ckpt"]
    _, tuned = best(tmp_path, "two_stage")
    assert not all(torch.equal(tuned["state_dict"][name], seed["state_dict"][name]) for name in kept)
