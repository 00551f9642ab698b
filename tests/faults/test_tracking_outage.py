"""An MLflow server that goes away in the middle of training: nobody waits for it, and in the end it has everything."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from experiments.runs.journal import NAME, Journal, read_lines
from experiments.tracking.delivery import track
from experiments.tracking.mlflow_store import Tracker

from ..launches import LONG, TINY, command, earmark, environment, epochs, journal_points, runs, wait_for

pytestmark = pytest.mark.slow


class Server:
    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self._folder = folder

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port),
                "--workers", "1", "--backend-store-uri", f"sqlite:///{self._folder / 'server.db'}",
                "--artifacts-destination", str(self._folder / "artifacts"),
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        wait_for(self._answers)

    def _answers(self) -> bool:
        try:
            return urllib.request.urlopen(f"{self.uri}/health", timeout=5).status == 200
        except OSError:
            return False

    def stop(self) -> None:
        import os

        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    assert earmark(tmp_path / "home", "data", "tones", "--scale", "tiny").returncode == 0
    return tmp_path / "home"


def _stored_points(uri: str, family: str = "sed") -> Counter[tuple[str, int]]:
    client = MlflowClient(tracking_uri=uri)
    (run,) = client.search_runs([client.get_experiment_by_name(family).experiment_id])
    names = [name for name in run.data.metrics if name != "epoch"]
    return Counter((name, point.step) for name in names for point in client.get_metric_history(run.info.run_id, name))


def test_training_goes_on_while_the_server_is_away_and_nothing_is_missing(home: Path, server: Server) -> None:
    launcher = subprocess.Popen(
        command("run", str(TINY), *LONG), stderr=subprocess.PIPE, text=True,
        env=environment(home, MLFLOW_TRACKING_URI=server.uri),
    )  # fmt: skip
    wait_for(lambda: epochs(home) > 3)
    server.stop()
    before, since = epochs(home), time.monotonic()
    wait_for(lambda: epochs(home) > before + 5)
    away_seconds = time.monotonic() - since
    server.start()
    _, errors = launcher.communicate(timeout=300)
    assert launcher.returncode == 0, errors
    assert "tracking: " in errors
    (run_dir,) = runs(home)
    points = journal_points(run_dir)
    assert max(points.values()) == 1
    assert _stored_points(server.uri) == points, f"after {away_seconds:.0f} s away"


def test_a_launch_that_ends_during_the_outage_is_delivered_by_sync(home: Path, server: Server) -> None:
    short = ("--rows", "mil", "--set", "trainer.max_epochs=30")
    uri = {"MLFLOW_TRACKING_URI": server.uri}
    launcher = subprocess.Popen(
        command("run", str(TINY), *short), stderr=subprocess.PIPE, text=True, env=environment(home, **uri)
    )
    wait_for(lambda: epochs(home) > 1)
    server.stop()
    _, errors = launcher.communicate(timeout=400)
    assert launcher.returncode == 1
    assert "1 run is not in MLflow yet, nothing is lost: earmark sync" in errors
    assert earmark(home, "sync", **uri).returncode == 1
    server.start()
    assert "not in the store: earmark sync" in earmark(home, "plan", str(TINY), *short, **uri).stdout
    synced = earmark(home, "sync", **uri)
    assert synced.returncode == 0, synced.stderr
    assert "1 of 1 run folders delivered" in synced.stdout
    (run_dir,) = runs(home)
    assert _stored_points(server.uri) == journal_points(run_dir)
    assert "0 of 1 cells would run" in earmark(home, "plan", str(TINY), *short, **uri).stdout
    assert "0 of 0 run folders delivered, 1 were before" in earmark(home, "sync", **uri).stdout


def test_a_server_that_refuses_a_name_or_is_away_is_told_apart(tmp_path: Path, server: Server) -> None:
    run_dir = tmp_path / "mlruns" / "runs" / "k1"
    run_dir.mkdir(parents=True)
    track(run_dir, family="sed", name="a", tags={"key": "k1"}, params={"a@b": 1, "seed": 0}, datasets={})
    journal = Journal(run_dir)
    journal.metrics({"loss": 0.5, "recall@5": 0.5}, step=0)
    (run_dir / "part#1.txt").write_text("x")
    journal.state("finished")
    uri = {"MLFLOW_TRACKING_URI": server.uri}
    server.stop()
    assert earmark(tmp_path, "sync", **uri).returncode == 1
    server.start()
    synced = earmark(tmp_path, "sync", **uri)
    assert synced.returncode == 0, synced.stderr
    assert "1 of 1 run folders delivered" in synced.stdout
    for what in ("param a@b", "metric recall@5", "file part#1.txt"):
        assert f"{what}: MLflow " in synced.stderr
    client = MlflowClient(tracking_uri=server.uri)
    (run,) = client.search_runs([client.get_experiment_by_name("sed").experiment_id])
    assert (run.data.metrics, run.data.params["seed"]) == ({"loss": 0.5}, "0")
    assert run.data.tags["earmark.state"] == "finished"
    assert "file part#1.txt: " in run.data.tags["earmark.refused"]
    assert [item.path for item in client.list_artifacts(run.info.run_id)] == ["journal.jsonl"]


def test_a_server_says_itself_what_it_refuses(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a newer server, or one on Windows, whose rule earmark does not know."""
    monkeypatch.setattr("experiments.tracking.mlflow_store.point_problem", lambda name, step: None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    tracker = Tracker(tmp_path)
    run_id = tracker.create("sed", name="a", tags={"key": "k"})
    journal = Journal(tmp_path)
    journal.metrics({"loss": 0.5, "recall@5": 0.5, "b": 1.0}, step=0)
    refused = tracker.log_metrics(run_id, read_lines(tmp_path / NAME)[0])
    assert set(refused) == {"metric recall@5"}
    assert "Names may only contain" in refused["metric recall@5"]
    (run,) = tracker.find("sed", tags={"key": "k"})
    assert run.metrics == {"loss": 0.5, "b": 1.0}


def test_eight_launches_at_once_on_a_fresh_store_are_all_recorded(home: Path) -> None:
    launches = [
        subprocess.Popen(
            command("run", str(TINY), "--rows", "mil", "--seeds", str(seed), "--slots", "1"),
            stderr=subprocess.PIPE, text=True, env=environment(home, OMP_NUM_THREADS="1"),
        )
        for seed in range(8)
    ]  # fmt: skip
    for launch in launches:
        _, errors = launch.communicate(timeout=600)
        assert launch.returncode == 0, errors
    plan = earmark(home, "plan", str(TINY), "--rows", "mil", "--seeds", "0,1,2,3,4,5,6,7").stdout
    assert plan.count("finished") == 8
