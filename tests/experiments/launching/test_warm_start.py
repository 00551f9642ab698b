"""Runs that are forked from a warm process: what they are, and what is left of them whatever dies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments.launching import executors, warm_start
from experiments.launching.executors import LocalProcess
from experiments.launching.warm_start import WarmProcess, WarmStart

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="runs are forked on Linux alone")

STUB = """
import time, {imports}
time.sleep({import_seconds})

def main(arguments):
    exec(open(arguments[0] + "/do.py").read(), {{**globals(), "arguments": arguments}})
    return 0
"""
FACTS = """
import json, os, sys
names = ("MINE", "CUDA_VISIBLE_DEVICES", "GONE")
facts = {"argv": sys.argv, "leads": os.getsid(0) == os.getpid() == os.getpgid(0), "environment":
         {name: os.environ.get(name) for name in names}, "main": sys.modules["__main__"].__name__,
         "shown": open("/proc/self/cmdline").read().split(chr(0)), "open": len(os.listdir("/proc/self/fd"))}
open(arguments[0] + "/facts.json", "w").write(json.dumps(facts))
print("said", file=sys.stderr)
"""
ENDLESS = "import pathlib, time; pathlib.Path(arguments[0], 'begun').touch(); time.sleep(600)"


class Warm:
    """A warm process whose training is what a run's folder says, and takes so long to import."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._patch = folder, monkeypatch
        self.starts: list[WarmStart] = []
        self.environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)])}

    def start(self, *, import_seconds: float = 0, imports: str = "os", **environment: str) -> WarmStart:
        (self.folder / "stub_train.py").write_text(STUB.format(import_seconds=import_seconds, imports=imports))
        program = (
            "import sys; from experiments.training import warm; warm.TRAIN = 'stub_train'; warm.main(sys.argv[1:])"
        )
        self._patch.setattr(warm_start, "TRAIN", "stub_train")
        self._patch.setattr(warm_start, "COMMAND", (sys.executable, "-c", program))
        self.starts.append(WarmStart({**self.environment, **environment}))
        return self.starts[-1]

    def run_dir(self, name: str, do: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        (folder / "do.py").write_text(do)
        return folder


@pytest.fixture
def warm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Warm]:
    made = Warm(tmp_path, monkeypatch)
    yield made
    for start in made.starts:
        for run in start._runs:
            run.kill()
        start.end()


def _wait_for(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_a_child_is_what_a_process_of_its_own_would_be(warm: Warm) -> None:
    start = warm.start(GONE="1", CUDA_VISIBLE_DEVICES="0")
    folder = warm.run_dir("a", FACTS)
    run = start.start(folder, {**warm.environment, "MINE": "2", "CUDA_VISIBLE_DEVICES": "1"})
    _wait_for(run.ended)
    assert run.ended() == "exit code 0"
    facts = json.loads((folder / "facts.json").read_text())
    assert facts["argv"] == [str(warm.folder / "stub_train.py"), str(folder)]
    assert facts["leads"]
    assert facts["main"] == "stub_train"
    assert facts["environment"] == {"MINE": "2", "CUDA_VISIBLE_DEVICES": "1", "GONE": None}
    assert [part for part in facts["shown"] if part][-3:] == ["-m", "stub_train", str(folder)]
    assert facts["open"] == 4  # the three of every process, and the folder that is being listed
    assert (folder / "log.txt").read_text() == "said\n"


def test_a_slot_of_several_threads_is_forked_too_and_its_linear_algebra_has_them(warm: Warm) -> None:
    start = warm.start(imports="numpy, scipy.linalg", OMP_NUM_THREADS="2")
    blas = "[of['num_threads'] for of in threadpool_info() if of['user_api'] == 'blas']"
    folder = warm.run_dir("a", f"from threadpoolctl import threadpool_info\nprint({blas}, flush=True)")
    run = start.start(folder, {**warm.environment, "OMP_NUM_THREADS": "2"})
    _wait_for(run.ended)
    assert run.ended() == "exit code 0"
    assert isinstance(run, WarmProcess)
    assert not start.is_gone
    assert (folder / "log.txt").read_text() == "[2, 2]\n"


@pytest.mark.parametrize(
    ("do", "how"),
    [
        ("raise SystemExit(3)", "exit code 3"),
        ("raise SystemExit('no')", "exit code 1"),
        ("raise ValueError('of a fault')", "exit code 1"),
        ("import os; os.kill(os.getpid(), 9)", "exit code -9"),
    ],
)
def test_how_it_ended_is_told(warm: Warm, do: str, how: str) -> None:
    run = warm.start().start(folder := warm.run_dir("a", do), warm.environment)
    _wait_for(run.ended)
    assert run.ended() == how
    assert ("of a fault" in (folder / "log.txt").read_text()) == ("fault" in do)


def test_with_its_first_process_the_whole_group_ends(warm: Warm) -> None:
    do = "import os\nif not os.fork():\n    import time; open(arguments[0] + '/worker', 'w').write(str(os.getpid()))\n"
    do += "    time.sleep(600)\nwhile not os.path.exists(arguments[0] + '/worker'): pass"
    run = warm.start().start(folder := warm.run_dir("a", do), warm.environment)
    _wait_for(run.ended)
    _wait_for(lambda: not warm_start._lives(int((folder / "worker").read_text())))


def test_stopped_and_killed_runs_are_gone(warm: Warm) -> None:
    start = warm.start()
    first, second = (start.start(warm.run_dir(name, ENDLESS), warm.environment) for name in "ab")
    _wait_for(lambda: all((warm.folder / name / "begun").exists() for name in "ab"))
    first.stop()
    _wait_for(first.ended)
    assert first.ended() == "exit code -15"
    assert second.ended() is None
    second.kill()
    assert second.ended() == "exit code -9"


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_what_had_not_begun_does_not_begin(warm: Warm, how: str) -> None:
    start = warm.start(import_seconds=600)
    runs = [start.start(warm.run_dir(name, ENDLESS), warm.environment) for name in "ab"]
    for run in runs:
        getattr(run, how)()
    assert [run.ended() for run in runs] == ["an end before it began"] * 2


def test_a_warm_process_that_dies_leaves_its_runs_going_and_the_rest_to_subprocesses(
    warm: Warm, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    start = warm.start()
    do = "import os, time\nwhile not os.path.exists(arguments[0] + '/end'): time.sleep(0.01)"
    run = start.start(warm.run_dir("a", do), warm.environment)
    _wait_for(lambda: run.ended() or run.pid)
    start._process.kill()
    _wait_for(lambda: run.ended() or start.is_gone)
    assert run.ended() is None
    (warm.folder / "a" / "end").touch()
    _wait_for(run.ended)
    assert run.ended() == "an exit code that nobody heard"

    plainly: list[Path] = []
    monkeypatch.setattr(warm_start, "LocalProcess", lambda folder, _: plainly.append(folder))
    for name in "bc":
        start.start(warm.run_dir(name, ""), warm.environment)
    assert plainly == [warm.folder / "b", warm.folder / "c"]
    assert capfd.readouterr().err.count("the warm process is gone") == 1


def test_a_run_that_waits_for_imports_that_fail_starts_as_a_subprocess(
    warm: Warm, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Plain:
        def ended(self) -> str:
            return "exit code 5"

    monkeypatch.setattr(warm_start, "LocalProcess", lambda *_: Plain())
    start = warm.start(import_seconds=600)
    run = start.start(warm.run_dir("a", ENDLESS), warm.environment)
    assert run.ended() is None
    start._process.kill()
    _wait_for(run.ended)
    assert run.ended() == "exit code 5"


def test_a_killed_launcher_ends_the_warm_process_and_not_its_runs(warm: Warm) -> None:
    start = warm.start()
    run = start.start(warm.run_dir("a", ENDLESS), warm.environment)
    _wait_for(lambda: run.ended() or run.pid)
    start._channel.close()  # as the kernel does for a launcher that is gone
    start.is_gone = True
    assert start._process.wait(60) == 0
    assert run.pid is not None
    assert warm_start._lives(run.pid)


def test_where_there_is_no_process_left_it_is_said_of_the_run(warm: Warm, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> LocalProcess:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    start = warm.start(import_seconds=600)
    run = start.start(warm.run_dir("a", ""), warm.environment)
    monkeypatch.setattr(warm_start, "LocalProcess", refuse)
    start._process.kill()
    _wait_for(run.ended)
    assert run.ended() == "no process: Resource temporarily unavailable"


def test_a_check_that_no_child_could_do_is_said_to_be_undone(warm: Warm) -> None:
    start = warm.start(import_seconds=600)
    start._process.kill()
    assert not start.check([])
    _wait_for(lambda: start.hear() or start.is_gone)
    assert not start.check([])


@pytest.mark.integration
def test_a_warm_training_has_the_bits_of_a_plain_one(tiny_tones: Path, earmark_home: Path) -> None:
    import torch

    table = Path(__file__).parents[1] / "tiny.yaml"
    arguments = ["run", str(table), "--rows", "mil", "--set", "trainer.max_epochs=2"]
    environment = {**os.environ, "EARMARK_HOME": str(earmark_home)}
    command = [sys.executable, "-m", "experiments", *arguments]
    misspelt = [*command, "--set", "model.nothing=3"]
    refused = subprocess.run(misspelt, env=environment, check=False, timeout=600, capture_output=True, text=True)
    assert refused.returncode == 2
    assert "tiny.yaml: rows.mil: model: unknown key 'nothing'; allowed: augmentation, encoder" in refused.stderr
    assert not list(earmark_home.glob("mlruns/runs/*"))
    launch = subprocess.run(command, env=environment, check=True, timeout=600, capture_output=True, text=True)
    assert "warm process is gone" not in launch.stderr
    (run_dir,) = (earmark_home / "mlruns" / "runs").iterdir()
    plain = run_dir.with_name("plain")
    plain.mkdir()
    for name in ("config.yaml", "key.json"):
        shutil.copy(run_dir / name, plain)
    process = executors.LocalProcess(plain, {**environment, **executors.share_of_threads(1)})
    _wait_for(process.ended, seconds=300)
    assert process.ended() == "exit code 0", (plain / "log.txt").read_text()
    assert (plain / "metrics.json").read_bytes() == (run_dir / "metrics.json").read_bytes()
    weights, plain_weights = (
        torch.load(folder / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"] for folder in (run_dir, plain)
    )
    assert weights.keys() == plain_weights.keys()
    assert all(torch.equal(weights[name], plain_weights[name]) for name in weights)


@pytest.mark.integration
def test_what_shipped_tables_import_starts_no_thread(tmp_path: Path) -> None:
    from experiments.runs import keys
    from experiments.table_files.spec import TABLES
    from experiments.table_files.yaml_files import read_yaml

    modules = {"experiments.training.train"}
    for path in TABLES.glob("*.yaml"):
        modules |= keys.named_modules(read_yaml(path))
    assert len(modules) > 10
    program = f"""
import contextlib, importlib, os, sys
from experiments.lean_imports import LATER
for name in {sorted(modules)}:
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
print(len(os.listdir('/proc/self/task')), set(LATER) & set(sys.modules))
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "1 set()"
