"""The launcher's side of ``experiments.training.warm``: a run starts in milliseconds, where imports took seconds.

What it cannot do is done without it: where the warm process is gone, which is said once, runs start as subprocesses.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from experiments.configuration import check
from experiments.launching.executors import Executor, LocalExecutor, LocalProcess
from experiments.runs import keys
from experiments.runs.run_folder import LOG
from experiments.table_files.spec import Table
from experiments.training.process_title import ROOM
from experiments.training.threads import BLAS_THREADS

COMMAND = (sys.executable, "-m", "experiments.training.warm")
TRAIN = "experiments.training.train"
LOOK_EVERY_SECONDS = 0.02
LONGEST_MESSAGE_BYTES = 1 << 16


@contextlib.contextmanager
def warmed(executor: Executor, table: Table) -> Iterator[WarmStart | None]:
    """While it holds, an executor's runs of a table come from a warm process.

    On this machine, if it has Linux (elsewhere system libraries do not survive a fork), and of one device each:
    Lightning starts the ranks of a run on several as its first process was started.
    """
    if not isinstance(executor, LocalExecutor) or sys.platform != "linux" or executor.devices > 1:
        yield None
        return
    modules = {module for row in table.rows.values() for module in keys.named_modules(row.config)}
    try:
        executor.warm = warm = WarmStart(executor.environment(0), sorted(modules))
    except OSError:  # no process or no memory left: the runs themselves will say so
        yield None
        return
    try:
        yield warm
    finally:
        executor.warm = None
        warm.end()


class WarmStart:
    """A process that imports what runs need (torch, Lightning and ``modules``) while the launcher goes on planning."""

    def __init__(self, environment: Mapping[str, str], modules: Sequence[str] = ()) -> None:
        """``environment`` is what its runs have in common: some variables are read by the imports. Raises OSError."""
        self._environment = {**environment, BLAS_THREADS: "1"}  # others could not be forked
        self._runs: list[WarmProcess] = []
        self._is_gone_said = False
        self.is_gone = False  # and no child is on its way
        self._channel, its_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.setblocking(False)
        with its_end:
            self._process = subprocess.Popen(
                [*COMMAND, str(its_end.fileno()), ",".join(modules), ROOM],
                start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=self._environment, pass_fds=[its_end.fileno()],
            )  # fmt: skip

    def start(self, run_dir: Path, environment: Mapping[str, str]) -> WarmProcess | LocalProcess:
        """A process for a run, by a subprocess of its own where this one is gone. Raises ``OSError``."""
        (run_dir / LOG).open("ab").close()  # a disk without a place for it is told here
        return self.fork(TRAIN, run_dir, environment) or self.start_plainly(run_dir, environment)

    def fork(self, module: str, folder: Path, environment: Mapping[str, str] | None = None) -> WarmProcess | None:
        """A child that calls a module's ``main`` with a folder and has its log there; None where this one is gone.

        ``environment`` None is this one's.
        """
        self.hear()
        wanted = self._environment if environment is None else environment
        changed: dict[str, str | None] = {
            name: wanted.get(name)
            for name in {*wanted, *self._environment}
            if wanted.get(name) != self._environment.get(name)
        }
        request = {"run": len(self._runs), "module": module, "folder": str(folder), "environment": changed}
        if not self.is_gone:
            with contextlib.suppress(OSError):  # gone in this moment, or a message that is too long
                self._channel.send(json.dumps(request).encode())
                self._runs.append(WarmProcess(self, module, folder, wanted))
                return self._runs[-1]
        return None

    def start_plainly(self, run_dir: Path, environment: Mapping[str, str]) -> LocalProcess:
        """A subprocess. Raises ``OSError``."""
        if not self._is_gone_said:
            self._is_gone_said = True
            with contextlib.suppress(OSError):
                print("the warm process is gone; runs start as processes of their own", file=sys.stderr)
        return LocalProcess(run_dir, environment)

    def check(self, questions: Sequence[check.Question]) -> bool:
        """Whether a child checked configurations; False where none could. Raises ``UserError`` for a refused one."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            check.ask(folder, questions)
            if (process := self.fork(check.__name__, folder)) is None:
                return False
            try:
                while (how := process.ended()) is None:
                    time.sleep(LOOK_EVERY_SECONDS)
            finally:  # Ctrl-C
                process.kill()
            if how != "exit code 0":
                return False
            check.hear(folder)
        return True

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def hear(self) -> None:
        """Read what it and its children said since the last time."""
        while not self.is_gone:
            try:
                message = self._channel.recv(LONGEST_MESSAGE_BYTES)
            except BlockingIOError:
                return
            except OSError:  # it was killed with something unread
                message = b""
            if not message:
                self.is_gone = True
                return
            said = json.loads(message)
            run = self._runs[said["run"]]
            run.pid, run.how_it_ended = said.get("pid", run.pid), said.get("ended", run.how_it_ended)

    def end(self) -> None:
        """End it, whatever it does, but not its children; those that it began are known then."""
        self._process.kill()
        self._process.wait()
        while not self.is_gone:  # a child that was just born has yet to say its number
            self.hear()
            time.sleep(LOOK_EVERY_SECONDS)
        self._channel.close()


class WarmProcess:
    """A child of the warm process; a training is a subprocess of this one, where that ended before it began."""

    def __init__(self, warm: WarmStart, module: str, folder: Path, environment: Mapping[str, str]) -> None:
        self._warm, self._module, self._folder, self._environment = warm, module, folder, environment
        self._plain: LocalProcess | None = None
        self._is_asked_to_stop = False
        self.pid: int | None = None
        self.how_it_ended: str | None = None

    def ended(self) -> str | None:
        """``exit code N``, or None while it waits or lives."""
        self._warm.hear()
        if self._plain is not None:
            return self._plain.ended()
        if self.how_it_ended is None and self._warm.is_gone:
            if self.pid is None:
                self._start_plainly()
            elif not _lives(self.pid):
                self._signal(signal.SIGKILL)  # to what is left of its group
                self.how_it_ended = "an exit code that nobody heard"
        return self.how_it_ended

    def _start_plainly(self) -> None:
        if self._is_asked_to_stop or self._module != TRAIN:
            self.how_it_ended = "an end before it began"
            return
        try:
            self._plain = self._warm.start_plainly(self._folder, self._environment)
        except OSError as error:
            self.how_it_ended = f"no process: {error.strerror}"

    def stop(self) -> None:
        """SIGTERM to the group; one that has not begun does not."""
        self._is_asked_to_stop = True
        if self.ended() is None:
            if self._plain is not None:
                self._plain.stop()
                return
            if self.pid is None:  # a launch that stops one stops all
                self._warm.end()
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the group."""
        self._is_asked_to_stop = True
        if self.ended() is None:
            if self._plain is not None:
                self._plain.kill()
                return
            if self.pid is None:
                self._warm.end()
            self._signal(signal.SIGKILL)
            while self.ended() is None:
                time.sleep(LOOK_EVERY_SECONDS)

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)


def _lives(pid: int) -> bool:
    """Whether a process that is no child of this one runs; one that nobody waits for does not."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        return not select.select([descriptor], [], [], 0)[0]
    finally:
        os.close(descriptor)
