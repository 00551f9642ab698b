"""``earmark ui``: MLflow's dashboard on this machine only, with links to each experiment's runs and charts."""

from __future__ import annotations

import argparse
import subprocess
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark ui``."""
    parser.epilog = "example: earmark ui --port 5000"
    parser.add_argument("--port", type=int, default=5000)


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C. Bound to 127.0.0.1: a bare MLflow server has no login."""
    from datamodules.corpus_folder import home
    from experiments.tracking import Tracker

    tracker = Tracker(home())
    address = f"http://127.0.0.1:{arguments.port}"
    print(f"MLflow on {address} (Ctrl-C ends it)")
    for name, experiment_id in tracker.experiments():
        page = f"{address}/#/experiments/{experiment_id}/runs"
        print(f"  {name}: {page}\n  {' ' * len(name)}  {page}?compareRunsMode=CHART  (charts)")
    sys.stdout.flush()
    command = [
        sys.executable, "-m", "mlflow", "server", "--backend-store-uri", tracker.uri,
        "--artifacts-destination", str(tracker.root / "artifacts"), "--host", "127.0.0.1",
        "--port", str(arguments.port),
    ]  # fmt: skip
    try:
        return subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        return 0
