"""Commands that train nothing start where there is neither fcntl nor a process group, as on Windows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

RESULTS = Path(__file__).parents[4] / "results"
# The standard library keeps its own; what earmark imports and calls is gone.
WITHOUT = """
import sys, os, signal, types
import subprocess, tempfile, multiprocessing, asyncio  # the standard library's own
locked = []
sys.modules["msvcrt"] = types.SimpleNamespace(LK_LOCK=1, LK_NBLCK=2, locking=lambda *of: locked.append(of))
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for name in ("fork", "killpg", "setsid", "getpgid", "sched_getaffinity"):
    delattr(os, name)
for name in ("SIGHUP", "SIGKILL"):
    delattr(signal, name)
from experiments.cli import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print("locks", len(locked), file=sys.stderr)
sys.exit(code)
"""


def earmark_without(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "EARMARK_HOME": str(home), "COLUMNS": "200"}
    command = [sys.executable, "-c", WITHOUT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_help_and_completion(tmp_path: Path) -> None:
    told = earmark_without(tmp_path, "--help")
    assert told.returncode == 0, told.stderr
    assert "completion" in told.stdout


def test_a_corpus_is_made_under_a_lock(tmp_path: Path) -> None:
    told = earmark_without(tmp_path, "data", "tones", "--scale", "tiny")
    assert told.returncode == 0, told.stderr
    assert "locks 0" not in told.stderr


@pytest.mark.parametrize("command", [("run", "weak_sed"), ("fit", "config.yaml"), ("stop",)])
def test_what_needs_process_groups_says_so_in_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    told = earmark_without(tmp_path, *command)
    assert told.returncode == 2
    line = told.stderr.partition("locks")[0]
    assert line.count("\n") == 1
    assert "process groups" in line


@pytest.mark.integration  # mlflow's imports
def test_plan_and_report(tmp_path: Path) -> None:
    pack = str(RESULTS / "language_models-demo.tar.xz")
    for arguments, expected in (
        (("plan", "weak_sed", "--rows", "mil"), "weak_sed/mil"),
        (("report", "--results", pack), "gated_conv"),
    ):
        told = earmark_without(tmp_path, *arguments)
        assert expected in told.stdout, told.stderr
        assert "Traceback" not in told.stderr
