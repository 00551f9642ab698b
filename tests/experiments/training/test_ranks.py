"""A rank that hangs does not outlive the process that started it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time

import pytest

CHILD = """
import time
from experiments.training.train import _end_with_rank_0
_end_with_rank_0()
print("up", flush=True)
time.sleep(600)
"""
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
print(child.pid, flush=True)
child.wait()
"""


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.integration
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_a_rank_ends_with_the_process_that_started_it() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    try:
        assert parent.stdout.readline() == "up\n"
        assert _is_alive(pid)
        parent.kill()
        parent.wait()
        deadline = time.monotonic() + 10
        while _is_alive(pid):
            assert time.monotonic() < deadline, "the rank lives on"
            time.sleep(0.05)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)
