"""``earmark`` in a child of a process that has its imports: what a command of a test would spend most of its time on.

The child is in all else what ``python -m experiments`` is: its own environment, folder, arguments and output, and the
same ``main``. What a launch forks its trainings from is a fork of it for the same reason, so that they import the
checkout and not a snapshot of it. Tests that signal a command, read it while it runs, edit code or ask what it imports
start it as a process anew.
"""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

CHILD = "earmark in a test"  # run by path: pytest's import mode gives this file no name that a child could import
_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["imported_before"])


def _start_server() -> None:
    """Where it does not run yet. It finds what it imports in its current folder, ``python -c`` having that first."""
    with contextlib.chdir(Path(__file__).parent / "warm"):
        forkserver.ensure_running()


def run(
    arguments: Sequence[str], *, environment: Mapping[str, str], cwd: Path | None = None, timeout_seconds: float = 600
) -> subprocess.CompletedProcess[str]:
    """A command that runs to its end, with its output."""
    return _run("earmark", arguments, environment, cwd, timeout_seconds)


def train(run_dir: Path, *, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """``python -m experiments.training.train RUN_DIR``, likewise."""
    return _run("train", [str(run_dir)], environment, None, 600)


def _run(
    program: str, arguments: Sequence[str], environment: Mapping[str, str], cwd: Path | None, timeout_seconds: float
) -> subprocess.CompletedProcess[str]:
    _start_server()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        request = (program, list(arguments), dict(environment), str(cwd or Path.cwd()), name)
        child = _server.Process(target=runpy.run_path, args=(__file__, {"REQUEST": request}, CHILD))
        child.start()
        child.join(timeout_seconds)
        if child.exitcode is None:
            child.kill()
            raise subprocess.TimeoutExpired(list(arguments), timeout_seconds)
        said, errors = ((folder / name).read_text(encoding="utf-8") for name in ("stdout", "stderr"))
        return subprocess.CompletedProcess(list(arguments), child.exitcode, said, errors)


def _be(program: str, arguments: list[str], environment: dict[str, str], cwd: str, folder: str) -> None:
    for number, name in ((1, "stdout"), (2, "stderr")):
        with Path(folder, name).open("wb") as file:
            os.dup2(file.fileno(), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.argv = [program, *arguments]
    named = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:0] = [path for path in named if path not in sys.path]  # as a process that starts anew reads it
    from experiments.__main__ import main
    from experiments.launching import warm_start
    from experiments.training import train

    # Only its part that starts and ends a process is used there.
    vars(warm_start)["subprocess"] = SimpleNamespace(Popen=_WarmProcess, DEVNULL=subprocess.DEVNULL)
    code: object = 1
    try:
        code = main() if program == "earmark" else train.main(arguments)
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    with contextlib.suppress(Exception):
        atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


class _WarmProcess:
    """``experiments.training.warm``, in a fork of this process instead of a new one."""

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str], pass_fds: Sequence[int], **_: Any) -> None:
        self.pid = os.fork()
        if not self.pid:
            _be_warm(command[command.index("experiments.training.warm") + 1 :], env, *pass_fds)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> None:
        os.waitpid(self.pid, 0)


def _be_warm(arguments: Sequence[str], environment: Mapping[str, str], kept: int) -> NoReturn:
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nowhere, number)
        os.closerange(3, kept)
        os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))
        os.environ.clear()
        os.environ.update(environment)
        from experiments.training import warm

        warm.main(arguments)
    finally:
        os._exit(1)


if __name__ == CHILD:
    _be(*globals()["REQUEST"])
