"""Ctrl-C, SIGKILL, a launcher that is gone: the plan tells the truth, and a second run ends what was begun."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from ..launches import LONG, TINY, command, earmark, environment, epochs, signal_training, wait_for

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    earmark(home, "data", "tones", "--scale", "tiny")
    return home


def _launch(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(command("run", str(TINY), *LONG), stderr=subprocess.PIPE, text=True, env=environment(home))


def _checkpoints(home: Path) -> list[Path]:
    return list((home / "mlruns" / "runs").glob("*/checkpoints/last.ckpt"))


def test_ctrl_c_says_how_to_go_on_and_killed_runs_are_taken_up_again(home: Path) -> None:
    launcher = _launch(home)
    wait_for(lambda: _checkpoints(home))
    launcher.send_signal(signal.SIGINT)
    _, errors = launcher.communicate(timeout=60)
    assert launcher.returncode == 130
    assert "go on with: earmark run" in errors
    assert "stopped" in earmark(home, "plan", str(TINY), *LONG).stdout

    before = epochs(home)
    launcher = _launch(home)
    wait_for(lambda: epochs(home) > before + 2)
    launcher.kill()
    signal_training(home, signal.SIGSTOP)  # a quick machine would finish all epochs while the commands below start
    launcher.communicate()
    assert "running" in earmark(home, "plan", str(TINY), *LONG).stdout  # the training process outlives its launcher
    refused = earmark(home, "run", str(TINY), *LONG)
    assert refused.returncode == 2
    assert "another launch is running tiny/mil seed 0" in refused.stderr
    signal_training(home, signal.SIGKILL)
    wait_for(lambda: not _is_alive(home), 30)
    assert "its process is gone" in earmark(home, "plan", str(TINY), *LONG).stdout

    done = earmark(home, "run", str(TINY), *LONG)
    assert done.returncode == 0, done.stderr
    # From the last checkpoint: 50 epochs in all, but for those that were repeated after the two ends.
    assert 50 <= epochs(home) < 60
    assert "0 of 1 cells would run" in earmark(home, "plan", str(TINY), *LONG).stdout  # MLflow has it, without a sync


def _is_alive(home: Path) -> bool:
    from experiments.runs.run_folder import is_locked

    (folder,) = (home / "mlruns" / "runs").iterdir()
    return is_locked(folder)
