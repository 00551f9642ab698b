"""Runs as SLURM jobs: what is ready together is one job array, and each task calls the command that a local slot calls.

submitit writes the batch file and requeues a job that was preempted or ran out of time; the run then goes on from its
last checkpoint. A run on several GPUs or nodes has one task a GPU, and Lightning joins them. Whether a job lives is
asked of ``squeue`` alone, which every cluster has; what the run achieved stands in its journal. A job outlives its
launcher: the run folder has its id, and the next launcher takes it over. The run folders must lie on a disk that
launcher and nodes share.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import submitit
from submitit.helpers import Checkpointable

from experiments.errors import UserError
from experiments.launching.executors import QueueAwayError, RunProcess, share_of_threads
from experiments.launching.slurm_options import SlurmOptions
from experiments.runs import journal
from experiments.runs.run_folder import LOG, SLURM_JOB, slurm_job

ASK_EVERY_SECONDS = 5.0


class TrainRun(Checkpointable):
    """What a task runs; requeued, it is called again and the run goes on from its last checkpoint."""

    def __init__(self, run_dir: str, threads: int, code: Mapping[str, str] | None = None) -> None:
        self.run_dir, self.threads, self.code = run_dir, threads, dict(code or {})

    def __call__(self) -> int:
        """Train in a process of its own, whose exit code is returned; the journal says how it ended."""
        if journal.final_state(Path(self.run_dir) / journal.NAME).state == "finished":  # while this job waited
            return 0
        rank = int(os.environ.get("SLURM_PROCID", "0"))
        log = Path(self.run_dir) / (f"{Path(LOG).stem}.{rank}.txt" if rank else LOG)
        with log.open("ab") as stream:
            return subprocess.run(
                [sys.executable, "-m", "experiments.training.train", self.run_dir], stdin=subprocess.DEVNULL,
                stdout=stream, stderr=subprocess.STDOUT,
                env={**os.environ, **share_of_threads(self.threads), **self.code}, check=False,
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
        self.code: Mapping[str, str] = {}
        os.environ.pop("SBATCH_JOB_NAME", None)  # it would win over ours
        self._job_name = f"earmark-{uuid.uuid4().hex[:8]}"  # ids alone begin anew where a cluster's database does
        self._executor.update_parameters(
            job_name=self._job_name, partition=options.partition, time=options.minutes, nodes=options.nodes,
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
            jobs = [self._executor.submit(TrainRun(str(run_dir), self._threads, self.code)) for run_dir in run_dirs]
        for run_dir, job in zip(run_dirs, jobs, strict=True):
            self._queue.expect(job.job_id, self._job_name)
            with contextlib.suppress(OSError):  # a full disk: the next launcher submits a second job, which waits
                (run_dir / SLURM_JOB).write_text(f"{job.job_id} {self._job_name}\n", encoding="utf-8")
        return [SlurmProcess(job.job_id, self._queue) for job in jobs]

    def adopt(self, run_dir: Path) -> RunProcess | None:
        """The job of an earlier launcher that waits or runs still: a second would wait for it on a GPU of its own.

        Raises ``QueueAwayError``.
        """
        return find_job(run_dir, self._queue)


def find_job(run_dir: Path, queue: Queue | None = None) -> SlurmProcess | None:
    """The job that was submitted for a folder last, where it waits or runs still. Raises ``QueueAwayError``."""
    queue = queue or Queue()
    job_id, name = slurm_job(run_dir)
    if not name:
        return None
    state, _, its_name = (queue.state_and_name(job_id) or "").partition(" ")
    if not queue.has_answered:
        raise QueueAwayError(f"squeue does not say whether SLURM job {job_id} lives")
    return SlurmProcess(job_id, queue) if its_name == name and state != "CG" else None


class Queue:
    """The user's jobs that wait or run, asked of SLURM every few seconds for all of them at once."""

    def __init__(self) -> None:
        self._jobs: dict[str, str] = {}  # by id, as squeue says it: "PD earmark-0a1b2c3d"; CG is one that ends
        self._asked = -ASK_EVERY_SECONDS
        self.has_answered = False

    def expect(self, job_id: str, name: str) -> None:
        """A job just submitted, which counts as alive until SLURM was asked."""
        self._jobs[job_id] = f"PD {name}"
        self._asked = time.monotonic()

    def has(self, job_id: str, *, now: bool = False) -> bool:
        """Whether a job waits or runs. A SLURM that does not answer changes nothing."""
        return self.state_and_name(job_id, now=now) is not None

    def state_and_name(self, job_id: str, *, now: bool = False) -> str | None:
        """``R earmark-0a1b2c3d`` of a job that waits or runs."""
        if now or time.monotonic() - self._asked >= ASK_EVERY_SECONDS:
            self._asked = time.monotonic()
            asked = subprocess.run(
                ["squeue", "--noheader", "--array", f"--user={getpass.getuser()}", "--format=%i %t %j"],
                capture_output=True, text=True, check=False, errors="replace",
            )  # fmt: skip
            if asked.returncode == 0:
                self.has_answered = True
                jobs = (line.strip().partition(" ") for line in asked.stdout.splitlines())
                self._jobs = {job_id: state_and_name for job_id, _, state_and_name in jobs}
        return self._jobs.get(job_id)


class SlurmProcess:
    """One job of an array, or one alone."""

    def __init__(self, job_id: str, queue: Queue) -> None:
        self.job_id, self._queue = job_id, queue

    def __str__(self) -> str:
        return f"SLURM job {self.job_id}"

    def ended(self) -> str | None:
        """``SLURM job N``, or None while it waits or runs, requeued or not."""
        return None if self._queue.has(self.job_id) else str(self)

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
