"""Two homes on one host, launched at one moment on a store that they share: one trains, and one run is recorded."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from mlflow import MlflowClient

from ..launches import TINY, command, earmark, environment, journal_points, runs

pytestmark = pytest.mark.integration


def test_one_of_two_homes_trains_a_cell(tmp_path: Path) -> None:
    homes = [tmp_path / "one", tmp_path / "two"]
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'shared.db'}"}
    for home in homes:
        assert earmark(home, "data", "tones", "--scale", "tiny").returncode == 0
    launches = [
        subprocess.Popen(
            command("run", str(TINY), "--rows", "mil"),
            stderr=subprocess.PIPE, text=True, env=environment(home, **store),
        )
        for home in homes
    ]  # fmt: skip
    said = [launch.communicate(timeout=300)[1] for launch in launches]
    codes = [launch.returncode for launch in launches]
    assert codes.count(0) == 1, said
    assert "another launch is running" in said[1 - codes.index(0)]
    client = MlflowClient(tracking_uri=store["MLFLOW_TRACKING_URI"])
    (run,) = client.search_runs([client.get_experiment_by_name("sed").experiment_id])
    (run_dir,) = runs(homes[codes.index(0)])
    for name in ("train/loss", "validation/loss"):
        steps = [point.step for point in client.get_metric_history(run.info.run_id, name)]
        assert steps == sorted({step for metric, step in journal_points(run_dir) if metric == name})
    for home in homes:
        assert "0 of 1 cells would run" in earmark(home, "plan", str(TINY), "--rows", "mil", **store).stdout
