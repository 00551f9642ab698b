"""A run's process and all that belongs to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.launching import executors
from experiments.launching.executors import LocalProcess

LEADER = """#!/bin/sh
sleep 600 &
echo $! > {folder}/rank
{then}
"""


@pytest.mark.parametrize("how", ["dies", "is killed"])
def test_a_rank_that_hangs_ends_with_the_first_process(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "python"
    script.write_text(LEADER.format(folder=tmp_path, then="exit 3" if how == "dies" else "sleep 600"))
    script.chmod(0o755)
    monkeypatch.setattr(executors.sys, "executable", str(script))
    process = LocalProcess(tmp_path, dict(os.environ))
    rank = tmp_path / "rank"
    _wait_for(lambda: rank.exists() and rank.read_text().strip())
    if how == "is killed":
        os.kill(process._process.pid, 9)
    _wait_for(process.ended)
    assert process.ended() == ("exit code 3" if how == "dies" else "exit code -9")
    _wait_for(lambda: not _is_alive(int(rank.read_text())))
    process.kill()  # of one that has ended nothing more is signalled


def _is_alive(pid: int) -> bool:
    """Whether it runs: one that nobody waits for stays as a zombie."""
    if sys.platform != "linux":
        return False
    try:
        state = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _wait_for(condition: object, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_where_one_cannot_be_started_none_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    make = subprocess.Popen

    def popen(_: object, **options: object) -> subprocess.Popen[bytes]:
        if started:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        started.append(make([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True))
        return started[0]

    monkeypatch.setattr(executors.subprocess, "Popen", popen)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with pytest.raises(BlockingIOError):
        executors.LocalExecutor({}).start([tmp_path / "one", tmp_path / "two"])
    assert started[0].poll() == -signal.SIGKILL
