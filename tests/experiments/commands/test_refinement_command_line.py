"""The real command line: a round of refinement on a round before, also where that one's folder is gone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ...launches import earmark

TABLE = Path(__file__).parents[1] / "tiny_refinement.yaml"
pytestmark = pytest.mark.integration


def test_a_round_trains_on_the_round_before_and_never_on_a_strong_one(tmp_path: Path) -> None:
    from experiments.tracking.mlflow_store import Tracker

    assert earmark(tmp_path, "data", "tones", "--scale", "tiny").returncode == 0
    done = earmark(tmp_path, "run", str(TABLE), "--rows", "fsl", "--slots", "1")
    assert done.returncode == 0, done.stderr
    tracker = Tracker(tmp_path)
    (run,) = tracker.find("sed", tags={"row.tiny_refinement": "fsl"})
    shutil.rmtree(tracker.run_dir(run.tags["key"]))  # as on another machine: MLflow has its weights
    done = earmark(tmp_path, "run", str(TABLE), "--slots", "1", "--retries", "0")
    assert done.returncode == 1
    assert "tiny_refinement/round_1 seed 0: finished" in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("not finished")]
    assert "tiny_refinement/leak seed 0: from.labels: " in line
    assert "not of a system that learns from tags alone" in line
    (run,) = tracker.find("sed", tags={"row.tiny_refinement": "round_1"})
    assert 0 < run.metrics["train/labels_kept"] <= 1
