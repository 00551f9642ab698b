"""Edits, kills, twins and moves in random order; what a plan calls finished is exactly what a fresh training gives.

A walk drives ``earmark`` as its users do, on a table whose loss lies in code of their own: a single
file that imports a namespace package. After every step the plan is asked, and each cell that it calls finished must
have the figures, to the last bit, of a training of that very state of code, table and data in a home of its own.

One walk takes minutes, and its number decides it. ``EARMARK_ATTACK_WALKS`` (``7:40``: numbers 7 to 39) and
``EARMARK_ATTACK_STEPS`` ask for more. Not hypothesis: its first examples repeat one rule, and nobody shrinks minutes.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
import soundfile

from ..launches import command, environment, hear_hang_ups, journal_points

pytestmark = pytest.mark.slow

FIRST, _, END = os.environ.get("EARMARK_ATTACK_WALKS", "0:2").partition(":")
STEPS = int(os.environ.get("EARMARK_ATTACK_STEPS", "10"))
SYSTEM = """
from lightning_modules.sed.mil import MIL

from own_parts.scale import scaled

FACTOR = {0}


class Own(MIL):
    def training_step(self, batch, batch_idx):
        return FACTOR * scaled(super().training_step(batch, batch_idx))
"""
PART = """
def scaled(loss):
    return {0} * loss
"""
TABLE = """
title: Attacked
family: sed
imports: [own_system]
base:
  data: {{class_path: datamodules.sed.SoundEventClips, init_args: {{corpus: tones/tiny, batch_size: 4}}}}
  model:
    class_path: own_system.Own
    init_args:
      encoder: lightning_modules.layers.crnn.demo_crnn
      features: {{num_mels: 40}}
      optimizer: {{class_path: torch.optim.SGD, init_args: {{lr: {0}}}}}
  trainer: {{max_epochs: 3}}
  checkpoint: {{monitor: validation/loss, mode: min}}
  scoring: {{class_path: lightning_modules.sed.detection_scoring.DetectionScoring, init_args: {{num_pictures: 1}}}}
rows:
  mil: {{why: maximum over frames}}
  mil_oracle: {{why: true tags, stage: score, from: {{own: mil}}, set: {{scoring.tags: oracle}}}}
seeds: [0]
scales: {{demo: {{}}}}
columns:
  test/event_er: {{label: ER, better: lower, unit: number, decimals: 2}}
  validation/loss: {{label: Loss, better: lower, unit: number, decimals: 4}}
"""
VALUES = {"factor": ("1.0", "2.0"), "part": ("1.0", "3.0"), "rate": ("0.01", "0.02")}
AS_PREPARED = "as prepared"
Figures = dict[str, dict[str, Any]]  # by row and column


class Workplace:
    """A home, a user's code beside their table, and ``earmark`` in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home, self.own = folder / "home", folder / "own"
        self.home.mkdir(parents=True)
        (self.own / "own_parts").mkdir(parents=True)

    def write(self, factor: str, part: str, rate: str, *, ends: str = "\n") -> None:
        for path, text in {
            self.own / "own_system.py": SYSTEM.format(factor),
            self.own / "own_parts" / "scale.py": PART.format(part),
            self.own / "table.yaml": TABLE.format(rate),
        }.items():
            path.write_bytes(text.replace("\n", ends).encode())

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            env=self._environment(), preexec_fn=hear_hang_ups,
        )  # fmt: skip

    def earmark(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments), capture_output=True, text=True, env=self._environment(), check=False, timeout=900
        )

    def _environment(self) -> dict[str, str]:
        python_path = os.pathsep.join([str(self.own), *filter(None, [os.environ.get("PYTHONPATH")])])
        return environment(self.home, PYTHONPATH=python_path, PYTHONDONTWRITEBYTECODE="1")

    @property
    def table(self) -> str:
        return str(self.own / "table.yaml")

    def states(self) -> dict[str, str]:
        """State by row, as ``earmark plan`` prints it; nothing where it refuses in one line."""
        planned = self.earmark("plan", self.table)
        assert "Traceback" not in planned.stdout + planned.stderr, planned.stderr
        if planned.returncode:
            assert planned.returncode == 2, planned.stderr
            return {}
        found: list[tuple[str, str]] = re.findall(r"table/(\w+) seed 0 +│ (\w+)", planned.stdout)
        return dict(found)

    def figures(self) -> Figures:
        """Values by row and column, as ``earmark report`` gives them to programs."""
        report = self.earmark("report", self.table, "--format", "json")
        assert report.returncode in (0, 1), report.stderr
        return {
            row: {metric: cell["seeds"]["0"]["value"] for metric, cell in columns.items() if cell["seeds"]}
            for row, columns in json.loads(report.stdout)["rows"].items()
        }

    def processes(self) -> list[int]:
        """Trainings and launchers that work on this home."""
        found = []
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                is_ours = f"EARMARK_HOME={self.home}\0".encode() in (folder / "environ").read_bytes()
                if is_ours and int(folder.name) != os.getpid():
                    found.append(int(folder.name))
        return found

    def wait_until_quiet(self, seconds: float = 300) -> None:
        deadline = time.monotonic() + seconds
        while self.processes():
            assert time.monotonic() < deadline, f"left running: {self.processes()}"
            time.sleep(0.2)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with tones."""
    place = Workplace(tmp_path_factory.mktemp("prepared"))
    assert place.earmark("data", "tones", "--scale", "tiny").returncode == 0
    return place.home / "data"


class Attack:
    """What users, editors, schedulers and power cuts do; ``fresh`` are figures by state, which all walks share."""

    def __init__(self, folder: Path, prepared: Path, fresh: dict[tuple[str, ...], Figures], number: int) -> None:
        self.folder, self.prepared, self.fresh = folder, prepared, fresh
        self.random = random.Random(number)
        self.place = Workplace(folder / "work")
        shutil.copytree(prepared, self.place.home / "data")
        self.factor, self.part, self.rate = (first for first, _ in VALUES.values())
        self.data = AS_PREPARED
        self.steps: list[str] = []
        self.moves = 0
        self._write()

    def step(self) -> None:
        """One thing happens, and the promise is checked."""
        happens = [self.edit, self.change_the_audio, self.launch, self.launch_and_kill, self.launch_twins, self.befall]
        self.random.choices(happens, weights=[3, 2, 3, 4, 1, 3])[0]()
        self.finished_is_what_a_fresh_training_gives()
        self.no_point_is_written_twice()

    def end(self) -> None:
        """Nothing of it stays."""
        for process in self.place.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def _write(self, *, ends: str = "\n") -> None:
        self.place.write(self.factor, self.part, self.rate, ends=ends)

    def _did(self, *what: object) -> None:
        self.steps.append(" ".join(map(str, what)))
        print(f"{time.strftime('%H:%M:%S')} {self.steps[-1]}", flush=True)

    # Edits

    def edit(self) -> None:
        """One value becomes the other, or a file is saved as it was, perhaps with other line ends."""
        what, other, ends = self._any(*VALUES), self._any(True, False), self._any("\n", "\n", "\r\n")
        self._did("edit", what if other else "nothing", repr(ends))
        if other:
            self._change(what)
        self._write(ends=ends)

    def _any(self, *values: Any) -> Any:
        return self.random.choice(values)

    def _change(self, what: str) -> None:
        """To the other value, or back."""
        first, second = VALUES[what]
        setattr(self, what, second if getattr(self, what) == first else first)

    def change_the_audio(self) -> None:
        """All training audio is played backwards in place, or the corpus comes again from where it was prepared."""
        what = self._any("edited", "edited, with its old times", "copied anew", "copied anew")
        self._did("audio", what)
        self.place.wait_until_quiet()
        if what == "copied anew":
            shutil.rmtree(self.place.home / "data")
            shutil.copytree(self.prepared, self.place.home / "data", copy_function=shutil.copyfile)  # with new times
            self.data = AS_PREPARED
            return
        self.data = AS_PREPARED if self.data == "backwards" else "backwards"
        for path in sorted((self.place.home / "data/tones/tiny/audio/train").glob("*.flac")):
            times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
            if self.data == AS_PREPARED:
                shutil.copyfile(self.prepared / "tones/tiny/audio/train" / path.name, path)
            else:
                samples, rate_hz = soundfile.read(path)
                soundfile.write(path, samples[::-1], rate_hz)
            if what != "edited":
                os.utime(path, ns=times)

    # Launches

    def launch(self) -> None:
        self._did("launch")
        self.place.wait_until_quiet()
        done = self.place.earmark("run", self.place.table)
        assert "Traceback" not in done.stderr, done.stderr
        if self.data == AS_PREPARED:
            assert done.returncode == 0, done.stderr
            assert self.place.states() == {"mil": "finished", "mil_oracle": "finished"}, self.place.earmark(
                "plan", self.place.table
            ).stdout

    def launch_and_kill(self) -> None:
        """Killed by a scheduler, a user, a closed terminal or a power cut; perhaps with an edit while it ran."""
        after_seconds = self.random.uniform(0, 25)
        how = self._any("launcher", "training", "all", "ctrl-c", "hang-up", "terminate")
        edit = self._any("", "", "factor", "rate")
        self._did(f"launch, after {after_seconds:.1f} s", how, f"edit {edit}" if edit else "")
        launcher = self.place.start("run", self.place.table)
        time.sleep(after_seconds)
        if edit:
            self._change(edit)
            self._write()
        asked = {"ctrl-c": signal.SIGINT, "hang-up": signal.SIGHUP, "terminate": signal.SIGTERM}
        if how in asked:
            launcher.send_signal(asked[how])
        elif how == "launcher":
            launcher.kill()
        else:
            for process in self.place.processes():
                if how == "all" or process != launcher.pid:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
        said, _ = launcher.communicate(timeout=600)
        assert "Traceback" not in said, said
        if how in asked:
            self.place.wait_until_quiet(seconds=60)

    def launch_twins(self) -> None:
        self._did("two launches at once")
        twins = [self.place.start("run", self.place.table) for _ in range(2)]
        said = [twin.communicate(timeout=900)[0] for twin in twins]
        for text in said:
            assert "Traceback" not in text, text
        if self.data == AS_PREPARED:
            assert 0 in [twin.returncode for twin in twins], said

    # What befalls folders

    def befall(self) -> None:
        """A home is renamed, folders are removed by hand, power goes while a checkpoint is written, disk is freed."""
        what = self._any("moved", "folders lost", "scores lost", "checkpoint torn", "cleaned")
        self._did(what)
        self.place.wait_until_quiet()
        runs = self.place.home / "mlruns" / "runs"
        if what == "moved":
            self.moves += 1
            self.place.home = self.place.home.rename(self.folder / f"home{self.moves}")
        elif what == "folders lost":
            shutil.rmtree(runs, ignore_errors=True)
        elif what == "scores lost":
            for folder in runs.glob("*/scores"):
                shutil.rmtree(folder)
        elif what == "checkpoint torn":
            for path in runs.glob("*/checkpoints/last.ckpt"):
                os.truncate(path, path.stat().st_size // 2)
        else:
            cleaned = self.place.earmark("clean", "--yes")
            assert cleaned.returncode == 0, cleaned.stderr

    # The promise

    def finished_is_what_a_fresh_training_gives(self) -> None:
        states = self.place.states()
        finished = [row for row, state in states.items() if state == "finished"]
        print("         ", states, flush=True)
        if not finished:
            return
        assert self.data == AS_PREPARED, f"audio was replaced, and still finished: {self.steps}"
        figures, fresh = self.place.figures(), self._fresh()
        for row in finished:
            assert figures[row] == fresh[row], self.steps

    def no_point_is_written_twice(self) -> None:
        for run_dir in self.place.home.glob("mlruns/runs/*"):
            assert max(journal_points(run_dir).values(), default=1) == 1, self.steps

    def _fresh(self) -> Figures:
        state = (self.factor, self.part, self.rate)
        if state not in self.fresh:
            with tempfile.TemporaryDirectory(prefix="fresh-") as folder:
                place = Workplace(Path(folder))
                shutil.copytree(self.prepared, place.home / "data")
                place.write(*state)
                done = place.earmark("run", place.table)
                assert done.returncode == 0, done.stderr
                self.fresh[state] = place.figures()
        return self.fresh[state]


@pytest.fixture(scope="module")
def fresh() -> dict[tuple[str, ...], Figures]:
    """Figures by what they were trained from."""
    return {}


@pytest.mark.parametrize("number", range(int(FIRST), int(END)))
def test_what_is_finished_survives_attacks(
    number: int, prepared: Path, fresh: dict[tuple[str, ...], Figures], tmp_path: Path
) -> None:
    attack = Attack(tmp_path, prepared, fresh, number)
    try:
        for _ in range(STEPS):
            attack.step()
    finally:
        attack.end()
