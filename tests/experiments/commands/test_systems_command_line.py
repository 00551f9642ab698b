"""The real command line trains one step of every system of the literature and scores it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ...launches import earmark

TABLE = Path(__file__).parents[1] / "tiny_systems.yaml"
pytestmark = pytest.mark.integration


def test_every_system_is_trained_and_scored(tmp_path: Path) -> None:
    from experiments.tracking.mlflow_store import Tracker

    assert earmark(tmp_path, "data", "tones", "--scale", "tiny").returncode == 0
    done = earmark(tmp_path, "run", str(TABLE), "--slots", "2")
    assert done.returncode == 0, done.stderr
    assert "7 of 7 cells are finished" in done.stderr
    tracker = Tracker(tmp_path)
    (run,) = tracker.find("sed", tags={"row.tiny_systems": "mean_teacher"})
    assert {"train/strong", "train/weak", "train/consistency", "test/event_f1_macro"} <= set(run.metrics)
    best = torch.load(tracker.run_dir(run.tags["key"]) / "checkpoints" / "best.ckpt", weights_only=True)
    assert "teacher.classifier.weight" in best["state_dict"]
    student, teacher = (best["state_dict"][f"{of}classifier.weight"] for of in ("", "teacher."))
    assert not torch.equal(student, teacher)  # after one step the teacher is half way between its start and the student
