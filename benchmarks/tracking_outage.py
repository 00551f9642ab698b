"""An MLflow server goes away for two minutes in the middle of training: earmark beside Lightning's ``MLFlowLogger``.

Both train the same system on the same clips and log every tenth step to the same server, at the same time.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

TABLE = Path(__file__).resolve().parents[1] / "tests" / "experiments" / "tiny.yaml"
FOREVER = ("--rows", "mil", "--set", "trainer.max_epochs=1000000")
PEER_EXPERIMENT = "peer"
STEPS = "peer.jsonl"
QUIET = subprocess.DEVNULL


def _wait(condition: Callable[[], object], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the training or the server did not come up")
        time.sleep(0.1)


class Server:
    """MLflow's server on a free port of this machine."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self._port}"
        self._store = f"sqlite:///{folder / 'server.db'}"
        self._artifacts = folder / "artifacts"

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--port", str(self._port), "--workers", "1"]
        command += ["--backend-store-uri", self._store, "--artifacts-destination", str(self._artifacts)]
        # Below the trainings: elsewhere it has a machine of its own, and its start takes a core for ten seconds.
        self._process = subprocess.Popen(
            ["nice", "-n", "5", *command], start_new_session=True, stdout=QUIET, stderr=QUIET
        )
        _wait(self._answers)

    def stop(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _answers(self) -> bool:
        try:
            return bool(urllib.request.urlopen(f"{self.uri}/health", timeout=5).status == 200)
        except OSError:
            return False


def train_peer(run_dir: Path, uri: str, steps: Path) -> None:
    """The run's own system and data under Lightning's logger; ``steps`` gets a line a batch and one a logging."""
    import pytorch_lightning as lightning
    from pytorch_lightning.loggers import MLFlowLogger

    from experiments.configuration.schema import build
    from experiments.table_files.yaml_files import read_yaml

    out = steps.open("w", buffering=1)

    def say(kind: str, count: int) -> None:
        out.write(json.dumps({"t": time.time(), "kind": kind, "count": count}) + "\n")

    class Counting(MLFlowLogger):
        def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
            say("points", len([name for name in metrics if name != "epoch"]))
            super().log_metrics(metrics, step)

    class Batches(lightning.Callback):
        def on_train_batch_end(self, *_: Any) -> None:
            say("batch", 1)

    config = read_yaml(run_dir / "config.yaml")
    sections = {name: config[name] for name in ("data", "model", "trainer", "checkpoint", "scoring")}
    parts = build(sections, stage="fit", seed=0, where="peer")
    parts.data.setup("fit")
    settings = {
        **parts.trainer,
        "log_every_n_steps": 10,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
    }
    logger = Counting(PEER_EXPERIMENT, tracking_uri=uri)
    trainer = lightning.Trainer(logger=logger, callbacks=[Batches()], accelerator="cpu", **settings)
    assert isinstance(parts.model, lightning.LightningModule)
    assert isinstance(parts.data, lightning.LightningDataModule)
    trainer.fit(parts.model, datamodule=parts.data)


def longest_pause(times: list[float], begin: float, end: float) -> float:
    """Seconds of the longest pause between two signs of training of which a part lies in begin … end."""
    seen = [*times, end]  # a training that never came back has paused until now
    return max((b - a for a, b in itertools.pairwise(seen) if b > begin and a < end), default=float("nan"))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


def stored_points(uri: str, experiment: str) -> int:
    """Metrics times steps that the server has of an experiment's one run."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment)
    assert found is not None, f"the server has no experiment {experiment}"
    (run,) = client.search_runs([found.experiment_id])
    names = [name for name in run.data.metrics if name != "epoch"]
    return sum(len(client.get_metric_history(run.info.run_id, name)) for name in names)


class Row(NamedTuple):
    """What one system did; pauses in seconds, points in metrics times steps."""

    system: str
    pause_before: float
    pause_after: float  # from the outage on
    points_logged: int
    points_stored: int


def outage(server: Server, home: Path, *, away_seconds: float, around_seconds: float) -> tuple[float, float, float]:
    """Train both and take the server away; begin, when the server went, and end, in seconds since 1970."""
    os.environ.update(EARMARK_HOME=str(home), MLFLOW_TRACKING_URI=server.uri, OMP_NUM_THREADS="1")
    os.environ.pop("EARMARK_DATA", None)
    earmark = [sys.executable, "-m", "experiments"]
    subprocess.run([*earmark, "data", "tones", "--scale", "tiny"], check=True, stdout=QUIET, stderr=QUIET)
    ours = subprocess.Popen([*earmark, "run", str(TABLE), *FOREVER, "--slots", "1"], stdout=QUIET, stderr=QUIET)
    _wait(lambda: list(home.glob("mlruns/runs/*/checkpoints/last.ckpt")))
    (run_dir,) = home.glob("mlruns/runs/*")
    steps = home / STEPS
    peer = subprocess.Popen(
        [sys.executable, __file__, "--peer", str(run_dir), server.uri, str(steps)], stdout=QUIET, stderr=QUIET
    )
    _wait(lambda: steps.exists() and len(_lines(steps)) > 20)
    begin = time.time()
    time.sleep(around_seconds)
    server.stop()
    away = time.time()
    time.sleep(away_seconds)
    server.start()
    time.sleep(around_seconds)
    end = time.time()
    for training in (ours, peer):
        training.send_signal(signal.SIGINT)
        training.wait(300)
    return begin, away, end


def rows(server: Server, home: Path, begin: float, away: float, end: float) -> Iterator[Row]:
    """What the journal and the peer's steps say of both, and what the server has."""
    (run_dir,) = home.glob("mlruns/runs/*")
    journal, steps = _lines(run_dir / "journal.jsonl"), _lines(home / STEPS)
    ours = [line["t"] / 1000 for line in journal if line["kind"] in ("progress", "metrics")]
    peer = [line["t"] for line in steps if line["kind"] == "batch"]
    logged = sum(len(set(line["values"]) - {"epoch"}) for line in journal if line["kind"] == "metrics")
    peer_logged = sum(line["count"] for line in steps if line["kind"] == "points")
    for system, times, points, experiment in (
        ("earmark", ours, logged, "sed"),
        ("Lightning's MLFlowLogger", peer, peer_logged, PEER_EXPERIMENT),
    ):
        before, after = longest_pause(times, begin, away), longest_pause(times, away, end)
        yield Row(system, before, after, points, stored_points(server.uri, experiment))


def main() -> None:
    """Print both systems' pauses and points."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--away-seconds", type=float, default=120.0, help="how long there is no server (%(default)s)")
    parser.add_argument("--around-seconds", type=float, default=60.0, help="before and after that (%(default)s)")
    parser.add_argument("--peer", nargs=3, metavar=("RUN_DIR", "URI", "FILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        run_dir, uri, steps = arguments.peer
        train_peer(Path(run_dir), uri, Path(steps))
        return
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        server.start()
        try:
            times = outage(
                server, Path(folder), away_seconds=arguments.away_seconds, around_seconds=arguments.around_seconds
            )
            ours, peer = rows(server, Path(folder), *times)
        finally:
            server.stop()
    print(f"a server that is away for {arguments.away_seconds:g} s")
    print("| system | longest pause before, s | from the outage on, s | points logged | in the store |")
    print("| --- | --- | --- | --- | --- |")
    for row in (ours, peer):
        print(
            f"| {row.system} | {row.pause_before:.2f} | {row.pause_after:.2f} "
            f"| {row.points_logged} | {row.points_stored} |"
        )
    print(f"ratio of the pauses from the outage on: {peer.pause_after / ours.pause_after:.0f}")


if __name__ == "__main__":
    main()
