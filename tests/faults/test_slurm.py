"""On a real SLURM, wherever ``sinfo`` finds one (a one-node one will do): the report is a local launch's."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from experiments.runs.run_folder import SLURM_JOB

from ..launches import (
    LONG,
    TINY,
    command,
    earmark,
    environment,
    epochs,
    journal_points,
    runs,
    signal_training,
    wait_for,
)

pytestmark = pytest.mark.slow


def _has_nodes() -> bool:
    if shutil.which("sinfo") is None:
        return False
    return bool(subprocess.run(["sinfo", "-h"], capture_output=True, text=True, check=False).stdout.strip())


if not _has_nodes():
    pytest.skip("needs a SLURM with nodes", allow_module_level=True)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    assert earmark(tmp_path, "data", "tones", "--scale", "tiny").returncode == 0
    return tmp_path


def _report(home: Path, *arguments: str) -> str:
    return earmark(home, "report", str(TINY), "--rows", "mil,mil_oracle", *arguments).stdout


def _launch(home: Path) -> subprocess.Popen[str]:
    arguments = ("run", str(TINY), *LONG, "--on", "slurm", "--time", "30")
    return subprocess.Popen(command(*arguments), stderr=subprocess.PIPE, text=True, env=environment(home))


def test_a_table_gives_the_report_of_a_local_launch(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    rows = ("--rows", "mil,mil_oracle", "--seeds", "0,1")
    done = earmark(home, "run", str(TINY), *rows, "--on", "slurm", "--slots", "2", "--time", "30")
    assert done.returncode == 0, done.stderr
    local = tmp_path_factory.mktemp("local")
    assert earmark(local, "data", "tones", "--scale", "tiny").returncode == 0
    assert earmark(local, "run", str(TINY), *rows, "--slots", "2").returncode == 0
    assert _report(home, "--seeds", "0,1") == _report(local, "--seeds", "0,1")
    assert list((home / "mlruns" / "slurm").glob("*_submission.sh"))


def test_a_requeued_job_goes_on_from_its_checkpoint(home: Path) -> None:
    launcher = _launch(home)
    wait_for(lambda: epochs(home) > 2)
    before = epochs(home)
    (job,) = _queue("%A")
    subprocess.run(["scontrol", "requeue", job], check=True)
    _, errors = launcher.communicate(timeout=900)
    assert launcher.returncode == 0, errors
    (run_dir,) = runs(home)
    assert before <= epochs(home) == 50
    assert max(journal_points(run_dir).values()) == 1


@pytest.mark.parametrize("waits", [True, False], ids=["waiting", "running"])
def test_the_job_of_a_launcher_that_was_killed_is_taken_over(home: Path, waits: bool) -> None:
    blocker = _submit_blocker() if waits else ""
    launcher = _launch(home)
    if waits:
        wait_for(lambda: "PD" in _queue("%t") and [run_dir for run_dir in runs(home) if (run_dir / SLURM_JOB).exists()])
    else:
        wait_for(lambda: epochs(home) > 2)
        signal_training(home, signal.SIGSTOP)  # else it ends before the second launcher has looked
    launcher.kill()
    launcher.wait()
    again = _launch(home)
    said = _until(again, "takes over SLURM job")
    if waits:
        subprocess.run(["scancel", blocker], check=True)
    else:
        signal_training(home, signal.SIGCONT)
    _, errors = again.communicate(timeout=900)
    assert again.returncode == 0, said + errors
    (run_dir,) = runs(home)
    assert epochs(home) == 50
    assert max(journal_points(run_dir).values()) == 1
    assert len(list((home / "mlruns" / "slurm").glob("*_submission.sh"))) == 1


def _until(process: subprocess.Popen[str], text: str) -> str:
    """What a process says up to the line with this text."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if text in line:
            return said
    raise AssertionError(said)


def _submit_blocker() -> str:
    """A job that has every node to itself, so that others wait."""
    command = ["sbatch", "--parsable", "--exclusive", "--output=/dev/null", "--wrap=sleep 600"]
    job = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split(";")[0].strip()
    wait_for(lambda: "R" in _queue("%t"))
    return job


def _queue(field: str) -> list[str]:
    return subprocess.run(["squeue", "-h", "-o", field], capture_output=True, text=True, check=True).stdout.split()


def test_ctrl_c_stops_the_jobs_and_says_how_to_go_on(home: Path) -> None:
    launcher = _launch(home)
    wait_for(lambda: epochs(home) > 1)
    launcher.send_signal(signal.SIGINT)
    _, errors = launcher.communicate(timeout=200)
    assert launcher.returncode == 130, errors
    assert "go on with: earmark run" in errors
    assert not _queue("%A")
    assert "stopped" in earmark(home, "plan", str(TINY), *LONG).stdout
