"""The real command line trains one step of every system of the literature and scores it, two with other tags too."""

from __future__ import annotations

import json
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
    assert done.stderr.count(": finished after") == 15
    tracker = Tracker(tmp_path)
    (run,) = tracker.find("sed", tags={"row.tiny_systems": "mean_teacher"})
    assert {"train/strong", "train/weak", "train/consistency", "test/event_f1_macro"} <= set(run.metrics)
    best = torch.load(tracker.run_dir(run.tags["key"]) / "checkpoints" / "best.ckpt", weights_only=True)
    assert "teacher.classifier.weight" in best["state_dict"]
    student, teacher = (best["state_dict"][f"{of}classifier.weight"] for of in ("", "teacher."))
    assert not torch.equal(student, teacher)  # after one step the teacher is half way between its start and the student
    (strong,) = tracker.find("sed", tags={"row.tiny_systems": "strong"})
    assert strong.metrics["validation/frame_loss"] == strong.metrics["validation/loss"]
    said = earmark(tmp_path, "report", str(TABLE)).stdout
    own, same, true = (said.index(heading) for heading in ("Own tags", "The same tags", "True tags"))
    assert own < same < said.index("power_tagger_tags") < true < said.index("strong_oracle_tags")
    for row in ("energy_tagger_tags", "energy_oracle_tags", "strong_tagger_tags"):
        (scored,) = tracker.find("sed", tags={"row.tiny_systems": row})
        assert {"test/event_f1_macro", "test/event_f1_macro_tuned"} <= set(scored.metrics), row
    reported = json.loads(earmark(tmp_path, "report", str(TABLE), "--json").stdout)
    assert "test_set" in reported["rows"]["strong_tagger_tags"]["test/event_f1_macro_tuned"]
