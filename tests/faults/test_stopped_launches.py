"""A terminal that closes, and ``earmark stop`` after a launcher's death: nothing is left running, nothing is lost."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from ..launches import TINY, command, earmark, environment, epochs, hear_hang_ups, runs, wait_for

pytestmark = pytest.mark.integration
ENDLESS = ("--rows", "mil", "--set", "trainer.max_epochs=5000")  # no machine is done before the commands below start


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    earmark(home, "data", "tones", "--scale", "tiny")
    return home


def _launch(home: Path, *before: str) -> subprocess.Popen[str]:
    arguments = [*before, *command("run", str(TINY), *ENDLESS)]
    return subprocess.Popen(
        arguments, stderr=subprocess.PIPE, text=True, env=environment(home), preexec_fn=hear_hang_ups
    )


def _is_training(home: Path) -> bool:
    from experiments.runs.run_folder import is_training

    return any(is_training(run_dir) for run_dir in runs(home))


def test_a_closed_terminal_and_a_killed_launcher_leave_nothing_running(home: Path) -> None:
    launcher = _launch(home)
    wait_for(lambda: epochs(home) > 0)
    launcher.send_signal(signal.SIGHUP)
    _, errors = launcher.communicate(timeout=120)
    assert launcher.returncode == 130, errors
    assert "go on with: earmark run" in errors
    assert not _is_training(home)
    assert "stopped" in earmark(home, "plan", str(TINY), *ENDLESS).stdout

    before = epochs(home)
    launcher = _launch(home, "nohup")
    wait_for(lambda: epochs(home) > before)
    launcher.send_signal(signal.SIGHUP)
    before = epochs(home)
    wait_for(lambda: epochs(home) > before)
    launcher.kill()
    launcher.communicate()
    assert _is_training(home)
    refused = earmark(home, "run", str(TINY), *ENDLESS)
    assert "another launch is running tiny/mil seed 0; wait for it, or: earmark stop" in refused.stderr

    stopped = earmark(home, "stop")
    assert stopped.returncode == 0, stopped.stderr
    assert "tiny/mil seed 0: training (process " in stopped.stdout
    assert not _is_training(home)
    assert earmark(home, "stop").stdout == "nothing is running\n"
    assert "stopped" in earmark(home, "plan", str(TINY), *ENDLESS).stdout
