"""``earmark ui``: MLflow's dashboard on this machine only, with direct links to the saved views of each table."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from experiments.launching import interruption

if TYPE_CHECKING:
    from experiments.tracking.mlflow_store import Tracker


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark ui``."""
    parser.epilog = "example: earmark ui --port 5000"
    parser.add_argument("--port", type=int, default=5000)


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C, or say where a store's own server does. Bound to 127.0.0.1: a bare server has no login."""
    from datamodules.corpus_folder import home
    from experiments.errors import public_uri
    from experiments.tracking.mlflow_store import Tracker

    tracker = Tracker(home())
    if tracker.place.has_server:  # it serves its own dashboard
        print(f"MLflow on {public_uri(tracker.uri)}, as MLFLOW_TRACKING_URI says")
        _print_links(tracker, public_uri(tracker.uri).rstrip("/"))
        return 0
    address = f"http://127.0.0.1:{arguments.port}"
    print(f"MLflow on {address} (Ctrl-C ends it)")
    _print_links(tracker, address)
    sys.stdout.flush()
    command = [
        sys.executable, "-m", "mlflow", "server",
        "--artifacts-destination", str(tracker.root / "artifacts"), "--host", "127.0.0.1",
        "--port", str(arguments.port), "--workers", "1",  # one person's page; four workers load MLflow four times
    ]  # fmt: skip
    environment = {**os.environ, "MLFLOW_BACKEND_STORE_URI": tracker.uri}  # ps shows everybody the arguments
    interruption.listen(to_hang_up=True)
    with subprocess.Popen(command, env=environment, start_new_session=True) as server:
        try:
            return server.wait()
        except KeyboardInterrupt:
            return 0
        finally:  # the whole group: MLflow's server is a process under the one that was started
            if hasattr(os, "killpg"):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(server.pid, signal.SIGTERM)
            else:
                server.terminate()


def _print_links(tracker: Tracker, address: str) -> None:
    from experiments.reporting.views import CHARTS, links

    for family, views in links(tracker, address):
        for view, link in views:
            print(f"  {family} · {view}\n    table:  {link}\n    charts: {link}{CHARTS}")
