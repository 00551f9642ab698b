"""Lines with ``--on slurm``, over programs that stand for SLURM's: what is submitted, and that a job array trains.

No GPU is asked of this machine: where a line asks for some, the jobs wait in the queue until the launcher is stopped.
A real SLURM is in tests/faults/test_slurm.py.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ..launches import command, environment, wait_for
from .blocks import blocks
from .page_homes import put_corpora

pytest.importorskip("submitit")
pytestmark = pytest.mark.slow

SBATCH = """import os, pathlib, re, subprocess, sys
batch = pathlib.Path(sys.argv[-1]).read_text()
last = re.search(r"--array=0-(\\d+)", batch)
name = re.search(r"--job-name=(\\S+)", batch)[1]
queue = pathlib.Path(os.environ["QUEUE"])
for task in range(int(last[1]) + 1) if last else [None]:
    job = "7" if task is None else f"7_{task}"
    (queue / job).write_text(name)
    values = dict(os.environ, SLURM_JOB_ID="7", SLURM_NTASKS="1", SLURM_PROCID="0", SLURM_LOCALID="0", SLURM_NODEID="0",
                  SLURM_JOB_NUM_NODES="1", SLURM_JOB_NODELIST="here")
    if task is not None:
        values |= {"SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": str(task)}
    if "WAITS" not in os.environ:
        subprocess.Popen(["sh", "-c", f'bash "{sys.argv[-1]}"; rm "{queue / job}"'], env=values, start_new_session=True,
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print("Submitted batch job 7")
"""
SRUN = """import os, sys
place = next(number for number, word in enumerate(sys.argv) if word.rpartition("/")[2].startswith("python"))
os.execv(sys.argv[place], sys.argv[place:])
"""
SQUEUE = """import os, pathlib
state = "PD" if "WAITS" in os.environ else "R"
for job in pathlib.Path(os.environ["QUEUE"]).iterdir():
    print(job.name, state, job.read_text())
"""
SCANCEL = """import os, pathlib, sys
if "WAITS" in os.environ:
    (pathlib.Path(os.environ["QUEUE"]) / sys.argv[-1]).unlink(missing_ok=True)
"""
ON_LAUNCHING, ON_README = blocks("docs/launching.md", "sh")[1], blocks("README.md", "sh")[2]
FIRST, SECOND = ON_LAUNCHING.splitlines()
(THIRD,) = (line for line in ON_README.splitlines() if "--on slurm" in line)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """With corpora, and programs of those names."""
    put_corpora(tmp_path)
    (tmp_path / "queue").mkdir()
    (tmp_path / "bin").mkdir()
    for name, text in (("sbatch", SBATCH), ("srun", SRUN), ("squeue", SQUEUE), ("scancel", SCANCEL)):
        path = tmp_path / "bin" / name
        path.write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
        path.chmod(0o755)
    return tmp_path


def values(home: Path, **more: str) -> dict[str, str]:
    of_slurm = {"PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}", "QUEUE": str(home / "queue")}
    return environment(home, **of_slurm, **more)


def words(line: str, rows: str, *, without: str = "") -> list[str]:
    """The line's arguments, of some rows; ``without`` must be in it."""
    assert without in line
    name, *arguments = shlex.split(line.replace(without, ""), comments=True)
    assert name == "earmark"
    return [*arguments, *shlex.split(rows)]


def submitted(home: Path) -> list[Path]:
    return [*(home / "mlruns" / "slurm").glob("*_submission.sh")]


def test_a_job_array_trains(home: Path) -> None:
    line = words(FIRST, "--rows mil --seeds 0,1 --set trainer.max_epochs=1", without="--gpus 1 ")
    done = subprocess.run(command(*line), env=values(home), capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(": finished after") == 2
    (batch,) = submitted(home)
    text = batch.read_text(encoding="utf-8")
    assert [said for said in ("--partition=gpu", "--time=480", "--array=0-1%2") if said not in text] == []


@pytest.mark.parametrize(("line", "rows", "says"), [
    (FIRST, "--rows mil", ["--partition=gpu", "--time=480", "--gpus-per-node=1", "--array=0-1%2"]),
    (SECOND, "--rows ctc --seeds 0",
     ["--gpus-per-node=4", "--nodes=2", "--ntasks-per-node=4", "--account=speech", "--mem=120G"]),
    (THIRD, "--rows mil", ["--partition=gpu", "--gpus-per-node=1", "--array=0-1%2"]),
], ids=["launching", "several nodes", "README"])  # fmt: skip
def test_jobs_ask_for_what_the_line_says(home: Path, line: str, rows: str, says: list[str]) -> None:
    launcher = subprocess.Popen(
        command(*words(line, rows)), env=values(home, WAITS="1"), stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for(lambda: launcher.poll() is not None or (submitted(home) and [*(home / "queue").iterdir()]))
    finally:
        launcher.send_signal(signal.SIGINT)
        _, errors = launcher.communicate(timeout=200)
    assert launcher.returncode == 130, errors
    (batch,) = submitted(home)
    text = batch.read_text(encoding="utf-8")
    assert [said for said in says if said not in text] == [], text
