"""Runs as SLURM jobs: what is ready together is one job array, and each task calls the command that a local slot calls.

submitit writes the batch file and requeues a job that was preempted or ran out of time; the run then goes on from its
last checkpoint. A run on several GPUs or nodes has one task a GPU, and Lightning joins them. Whether a job lives is
asked of ``squeue`` alone, which every cluster has; what the run achieved stands in its journal. The run folders must
lie on a disk that launcher and nodes share.
"""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import submitit
from submitit.helpers import Checkpointable

from experiments.errors import UserError
from experiments.executors import RunProcess, share_of_threads
from experiments.run_folder import LOG
from experiments.slurm_options import SlurmOptions

ASK_EVERY_SECONDS = 5.0


class TrainRun(Checkpointable):
    """What a task runs; requeued, it is called again and the run goes on from its last checkpoint."""

    def __init__(self, run_dir: str, threads: int) -> None:
        self.run_dir, self.threads = run_dir, threads

    def __call__(self) -> int:
        """Train in a process of its own, whose exit code is returned; the journal says how it ended."""
        rank = int(os.environ.get("SLURM_PROCID", "0"))
        log = Path(self.run_dir) / (f"{Path(LOG).stem}.{rank}.txt" if rank else LOG)
        with log.open("ab") as stream:
            return subprocess.run(
                [sys.executable, "-m", "experiments.train", self.run_dir], stdin=subprocess.DEVNULL, stdout=stream,
                stderr=subprocess.STDOUT, env={**os.environ, **share_of_threads(self.threads)}, check=False,
            ).returncode  # fmt: skip


class SlurmExecutor:
    """Submits runs; batch files and submitit's logs go to ``folder``."""

    stop_grace_seconds = 60.0

    def __init__(self, folder: Path, options: SlurmOptions, machine: Mapping[str, Any], *, slots: int) -> None:
        try:
            self._executor = submitit.SlurmExecutor(folder, max_num_timeout=options.requeues)
        except RuntimeError as error:  # no srun here
            raise UserError(f"--on slurm: {error}") from None
        self._threads = int(machine.get("threads", 1))
        self._executor.update_parameters(
            job_name="earmark", partition=options.partition, time=options.minutes, nodes=options.nodes,
            ntasks_per_node=int(machine.get("devices", 1)), cpus_per_task=options.cpus_per_task,
            gpus_per_node=options.gpus_per_node or None, array_parallelism=slots,
            additional_parameters=dict(options.more),
        )  # fmt: skip
        self._queue = Queue()

    def start(self, run_dirs: Sequence[Path]) -> list[RunProcess]:
        """One job, or one array of jobs; in a queue they may wait for long."""
        if not run_dirs:
            return []
        with self._executor.batch():
            jobs = [self._executor.submit(TrainRun(str(run_dir), self._threads)) for run_dir in run_dirs]
        self._queue.expect(job.job_id for job in jobs)
        return [SlurmProcess(job.job_id, self._queue) for job in jobs]


class Queue:
    """The user's jobs that wait or run, asked of SLURM every few seconds for all of them at once."""

    def __init__(self) -> None:
        self._alive: set[str] = set()
        self._asked = 0.0

    def expect(self, job_ids: Any) -> None:
        """Jobs just submitted, which count as alive until SLURM was asked."""
        self._alive |= set(job_ids)
        self._asked = time.monotonic()

    def has(self, job_id: str, *, now: bool = False) -> bool:
        """Whether a job waits or runs. A SLURM that does not answer changes nothing."""
        if now or time.monotonic() - self._asked > ASK_EVERY_SECONDS:
            self._asked = time.monotonic()
            asked = subprocess.run(
                ["squeue", "--noheader", "--array", f"--user={getpass.getuser()}", "--format=%i"],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if asked.returncode == 0:
                self._alive = set(asked.stdout.split())
        return job_id in self._alive


class SlurmProcess:
    """One job of an array, or one alone."""

    def __init__(self, job_id: str, queue: Queue) -> None:
        self.job_id, self._queue = job_id, queue

    def ended(self) -> str | None:
        """``SLURM job N``, or None while it waits or runs, requeued or not."""
        return None if self._queue.has(self.job_id) else f"SLURM job {self.job_id}"

    def stop(self) -> None:
        """SIGTERM to every process of a running job; a waiting one is taken out of the queue."""
        subprocess.run(["scancel", "--state=PENDING", self.job_id], capture_output=True, check=False)
        subprocess.run(["scancel", "--signal=TERM", self.job_id], capture_output=True, check=False)

    def kill(self) -> None:
        """Cancel the job, and wait until SLURM has forgotten it."""
        subprocess.run(["scancel", self.job_id], capture_output=True, check=False)
        deadline = time.monotonic() + 2 * ASK_EVERY_SECONDS
        while self._queue.has(self.job_id, now=True) and time.monotonic() < deadline:
            time.sleep(1)
