"""Runs without their imports: ``python -m experiments.training.warm SOCKET MODULES`` imports once, then forks.

The launcher sends a run as one message of JSON, ``{"run": 3, "module": …, "folder": …, "environment": {…}}``. The child
says ``{"run": 3, "pid": …}`` before anything else, and this process ``{"run": 3, "ended": "exit code 0"}`` when it is
gone.
Each child leads a session of its own and is in all else what ``python -m experiments.training.train RUN_DIR`` is, to
the bits of its figures: no tensor is touched and no thread started before a fork, and CUDA is first asked by the child.
With the launcher this process ends and its children go on, as subprocesses of a launcher would.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import experiments.lean_imports  # noqa: F401  before Lightning
from experiments.runs.own_code import find_own_code
from experiments.runs.run_folder import LOG
from experiments.training import process_title
from experiments.training.threads import use_blas_threads

LONGEST_MESSAGE_BYTES = 1 << 20
TRAIN = "experiments.training.train"


def main(arguments: Sequence[str]) -> NoReturn:
    """Import, then fork a child for each message, until the launcher is gone."""
    channel = socket.socket(fileno=int(arguments[0]))
    process_title.show_as([sys.executable, "-m", "experiments.training.warm"])
    find_own_code()
    gc.disable()  # what imports make stays: looking through it is a sixth of their time
    importlib.import_module(TRAIN)
    for name in filter(None, arguments[1].split(",")):
        with contextlib.suppress(Exception):  # what is wrong with it is said by the run that needs it
            importlib.import_module(name)
    if _can_fork():
        gc.collect()
        gc.freeze()  # a child that collects would write into every page, and get a copy of each
        gc.enable()
        _serve(channel)
    os._exit(0)


def _can_fork() -> bool:
    """Not with a second thread, which a child lacks and whose locks it keeps, nor once CUDA was asked for anything.

    OpenBLAS starts its threads when it is loaded, so this process is started with one of them (``threads.py``).
    """
    open_files = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return len(os.listdir("/proc/self/task")) == 1 and not any(name.startswith("/dev/nvidia") for name in open_files)


def _serve(channel: socket.socket) -> None:
    woken, waker = socket.socketpair()
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)  # only to be woken
    runs: dict[int, int] = {}  # number of the run by process
    with contextlib.suppress(OSError):  # the launcher is gone
        while True:
            ready, _, _ = select.select([channel, woken], [], [])
            if woken in ready:
                woken.recv(4096)
                _tell_ended(channel, runs)
            if channel in ready:
                if not (message := channel.recv(LONGEST_MESSAGE_BYTES)):
                    return
                request = json.loads(message)
                try:
                    pid = os.fork()
                except OSError as error:  # the machine has no process or no memory left
                    _tell(channel, run=request["run"], ended=f"no process: {error.strerror}")
                    continue
                if not pid:
                    woken.close()
                    waker.close()
                    _be(request, channel)
                runs[pid] = request["run"]


def _tell(channel: socket.socket, **message: Any) -> None:
    channel.send(json.dumps(message).encode())


def _tell_ended(channel: socket.socket, runs: dict[int, int]) -> None:
    """Say which children are gone. With its first process a whole group ends, before its number can be given anew."""
    while runs and (status := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(status.si_pid, signal.SIGKILL)
        _, code = os.waitpid(status.si_pid, 0)
        _tell(channel, run=runs.pop(status.si_pid), ended=f"exit code {os.waitstatus_to_exitcode(code)}")


def _be(request: Mapping[str, Any], channel: socket.socket) -> NoReturn:
    """The life of a child: what a fresh interpreter would be for one run."""
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        with contextlib.suppress(OSError):  # a launcher that was killed: its runs go on
            _tell(channel, run=request["run"], pid=os.getpid())
        channel.close()
        folder, name = request["folder"], request["module"]
        with Path(folder, LOG).open("ab") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        for variable, value in request["environment"].items():
            if value is None:
                os.environ.pop(variable, None)
            else:
                os.environ[variable] = value
        use_blas_threads()
        process_title.show_as([sys.executable, "-m", name, folder])
        module = sys.modules["__main__"] = importlib.import_module(name)
        sys.argv = [str(module.__file__), folder]
        code = module.main([folder])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):  # a full disk
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
