"""Scored again in a home that never had the run, from a server, and killed while at it: it goes on and never trains."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from mlflow import MlflowClient

from ..launches import TINY, earmark, journal_points, runs
from .test_tracking_outage import Server

pytestmark = pytest.mark.slow
SCORES = """
import os

from lightning_modules.sed.detection_scoring import DetectionScoring


class Scores(DetectionScoring):
    def score(self, *, predictions, references, output_dir):
        if "KILLED" in os.environ:
            os.kill(os.getpid(), 9)
        found = super().score(predictions=predictions, references=references, output_dir=output_dir)
        return {**found, "test/version": VERSION}


VERSION = 1.0
"""


def test_a_killed_rescoring_goes_on_as_one(tmp_path: Path) -> None:
    scores, table = tmp_path / "my_scores.py", tmp_path / "t.yaml"
    scores.write_text(SCORES)
    text = TINY.read_text().replace("lightning_modules.sed.detection_scoring.DetectionScoring", "my_scores.Scores")
    table.write_text(text + "imports: [my_scores]\n")
    server = Server(tmp_path)
    server.start()
    try:
        _score_twice(tmp_path, scores, table, server.uri)
    finally:
        server.stop()


def _score_twice(folder: Path, scores: Path, table: Path, uri: str) -> None:
    root = Path(__file__).resolve().parents[2]
    more = {"MLFLOW_TRACKING_URI": uri, "PYTHONPATH": f"{root}{os.pathsep}{folder}"}
    one, two = folder / "one", folder / "two"
    cells = (str(table), "--rows", "mil")
    for home in (one, two):
        assert earmark(home, "data", "tones", "--scale", "tiny").returncode == 0
    done = earmark(one, "run", *cells, **more)
    assert done.returncode == 0, done.stderr
    (trained,) = runs(one)

    scores.write_text(SCORES.replace("VERSION = 1.0", "VERSION = 2.0"))
    done = earmark(two, "run", *cells, "--rescore", "--retries", "0", KILLED="1", **more)
    assert done.returncode == 1
    assert "said nothing" in done.stderr
    (scored,) = runs(two)
    record = json.loads((scored / "trained.json").read_text())
    assert (record["trained_as"], record["predicted_as"]) == (trained.name, trained.name)
    assert "failed" in earmark(two, "plan", *cells, **more).stdout
    done = earmark(two, "run", *cells, "--rescore", **more)
    assert done.returncode == 0, done.stderr
    assert "left" not in done.stderr

    client = MlflowClient(tracking_uri=uri)
    new, old = client.search_runs(
        [client.get_experiment_by_name("sed").experiment_id], order_by=["attributes.start_time DESC"]
    )
    assert new.data.tags["trained_as"] == trained.name
    assert new.data.metrics["test/version"] == 2.0
    same = {name for name in old.data.metrics if name.startswith(("test/", "validation/", "train/", "model/"))}
    same -= {"test/version"}
    assert {name: new.data.metrics[name] for name in same} == {name: old.data.metrics[name] for name in same}
    points = journal_points(scored)
    assert max(points.values()) == 1  # the curves were taken over once
    assert {place for place in points if place[0] == "train/loss"} == {
        place for place in journal_points(trained) if place[0] == "train/loss"
    }
    assert {"best.ckpt"} == {path.name for path in (scored / "checkpoints").iterdir()}
