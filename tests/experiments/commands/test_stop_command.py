"""``earmark stop`` on processes that do nothing but hold a run's locks."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.cli import main
from experiments.commands import stop
from experiments.launching import living
from experiments.runs import provenance
from experiments.runs.run_folder import LAUNCH_LOCK, LOCK, TRACKED, holder, is_locked, locked

HOLD = """
import signal, sys, time
from pathlib import Path
from experiments.runs.run_folder import locked
if sys.argv[3] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with locked(Path(sys.argv[1]), sys.argv[2]):
    print("holds", flush=True)
    time.sleep(600)
"""


class Holders:
    """Starts processes that hold locks, and ends what a test leaves."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.processes: list[subprocess.Popen[str]] = []

    def run_dir(self, row: str) -> Path:
        folder = self.home / "mlruns" / "runs" / row
        folder.mkdir(parents=True, exist_ok=True)
        (folder / TRACKED).write_text(json.dumps({"family": "sed", "run": {"tags": {"row.tiny": row}}}))
        provenance.write(folder, {"table": "tiny", "row": row, "seed": 0})
        return folder

    def hold(self, row: str, lock: str = LOCK, how: str = "") -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(self.run_dir(row)), lock, how],
            stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "holds\n"
        self.processes.append(process)
        return process


@pytest.fixture
def holders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Holders]:
    monkeypatch.setenv("EARMARK_HOME", str(tmp_path))
    holders = Holders(tmp_path)
    yield holders
    for process in holders.processes:
        process.kill()
        process.wait()


def test_a_lock_says_who_holds_it(tmp_path: Path) -> None:
    with locked(tmp_path), locked(tmp_path, LAUNCH_LOCK):
        process = living.living(tmp_path)
    assert process is not None
    assert process.is_launcher
    assert holder(tmp_path / LOCK)[0] == process.pid
    assert living.living(tmp_path) is None


def test_trainings_without_a_launcher_are_ended_and_named(holders: Holders, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = holders.hold("a"), holders.hold("b", how="deaf")
    other = holders.hold("c", LAUNCH_LOCK)
    assert main(["stop", "tiny", "--rows", "a"]) == 0
    assert capsys.readouterr().out == f"tiny/a seed 0: training (process {one.pid}): asked to stop\n"
    assert one.wait(10) == -signal.SIGTERM
    assert two.poll() is None
    assert other.poll() is None


def test_what_does_not_stop_is_killed(
    holders: Holders, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(living, "TRAINING_GRACE_SECONDS", 0.3)
    deaf, launcher = holders.hold("b", how="deaf"), holders.hold("c", LAUNCH_LOCK)
    assert main(["stop"]) == 0
    assert deaf.wait(10) == -signal.SIGKILL
    assert launcher.wait(10) == -signal.SIGTERM
    assert "tiny/b seed 0: training" in (said := capsys.readouterr().out)
    assert "does not stop, killed" in said
    assert "tiny/c seed 0: launcher" in said
    assert not any(is_locked(holders.run_dir(row)) for row in "bc")


def test_nothing_to_stop_is_said(holders: Holders, capsys: pytest.CaptureFixture[str]) -> None:
    holders.run_dir("a")
    assert main(["stop"]) == 0
    assert main(["stop", "tiny"]) == 0
    assert capsys.readouterr().out == "nothing is running\nnothing is running of tiny\n"
    assert main(["stop", "--rows", "a"]) == 2


def test_a_misspelt_table_or_row_is_refused(holders: Holders, capsys: pytest.CaptureFixture[str]) -> None:
    holders.run_dir("a")
    assert main(["stop", "tinny"]) == 2
    assert "unknown table 'tinny'" in capsys.readouterr().err
    assert main(["stop", "tiny", "--rows", "aa"]) == 2
    assert "--rows: unknown row 'aa'" in capsys.readouterr().err


def test_a_training_that_leads_no_group_is_ended_too(holders: Holders) -> None:
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD!r}, *sys.argv[1:]])"
    shell = subprocess.Popen(
        [sys.executable, "-c", script, str(holders.run_dir("a")), LOCK, ""],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert shell.stdout is not None
    assert shell.stdout.readline() == "holds\n"
    assert main(["stop"]) == 0
    assert shell.wait(10) == 0


def test_a_process_on_another_machine_or_a_number_given_anew_is_not_touched(
    holders: Holders, capsys: pytest.CaptureFixture[str]
) -> None:
    held = holders.hold("a")
    path = holders.run_dir("a") / LOCK
    path.write_text("1 elsewhere\n")
    assert main(["stop"]) == 1
    assert "tiny/a seed 0: process 1 on elsewhere works on it; stop it there" in capsys.readouterr().err
    bystander = subprocess.Popen(["sleep", "60"], start_new_session=True)
    holders.processes.append(bystander)  # type: ignore[arg-type]
    path.write_text(f"{bystander.pid} {living.socket.gethostname()}\n")
    assert main(["stop"]) == 1
    assert (held.poll(), bystander.poll()) == (None, None)


def test_a_run_on_a_fold_is_named_by_it(tmp_path: Path) -> None:
    provenance.write(tmp_path, {"table": "mine/tiny.yaml", "row": "a", "fold": "b", "seed": 1})
    assert stop._name(tmp_path) == "tiny/a fold b seed 1"
