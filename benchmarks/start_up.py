"""How long ``earmark plan`` takes, and ``earmark run`` until its first training is at work.

    python benchmarks/start_up.py [--code FOLDER …] [--times 3]

A tiny table of tones: in a home without a store; the same again, under another name too; and with another learning
rate, so that its configurations are checked anew. Of ``run`` it is when the first training has started (its process has
its imports and says so), and when it is at work (its first line of metrics). All is measured for every checkout in turn
(default: this one), so that a busy machine is as busy for each; printed are the least seconds by the clock, and the
seconds of the processor that went with them.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = (ROOT / "tests" / "experiments" / "tiny.yaml").read_text(encoding="utf-8")


def main() -> None:
    """Time each start with each checkout."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--code", type=Path, nargs="+", default=[ROOT], help="checkouts of earmark (default: this one)")
    parser.add_argument("--times", type=int, default=3, help="the least of so many (default: 3)")
    arguments = parser.parse_args()
    found: dict[tuple[str, Path], list[tuple[float, float]]] = {}
    for time_ in range(arguments.times):
        for code in arguments.code:
            with tempfile.TemporaryDirectory() as folder:
                for case, seconds in _cases(Path(folder), code.resolve(), time_).items():
                    found.setdefault((case, code), []).append(seconds)
    for (case, code), measured in found.items():
        clock, processor = min(measured)
        print(f"{case:>56}: {clock:6.2f} s, processor {processor:6.2f} s   {code.resolve().name}")


def _cases(home: Path, code: Path, time_: int) -> dict[str, tuple[float, float]]:
    environment = {**os.environ, "EARMARK_HOME": str(home), "PYTHONPATH": str(code), "PYTHONSAFEPATH": "1"}
    environment.pop("EARMARK_DATA", None)
    table, twin, numbers = (home / f"{name}.yaml" for name in ("tiny", "twin", "numbers"))
    table.write_text(TABLE)
    twin.write_text(TABLE)
    numbers.write_text(TABLE.replace("lr: 0.001", "lr: 0.002"))
    _run(["data", "tones", "--scale", "tiny"], environment)
    cases = {
        "plan, no store yet": _timed(["plan", str(table)], environment),
        "plan, again": _timed(["plan", str(table)], environment),
        "plan, the same rows in another file": _timed(["plan", str(twin)], environment),
        "plan, another learning rate": _timed(["plan", str(numbers)], environment),
    }
    arguments = ["run", str(table), "--rows", "mil"]
    for line, says in ((b'"started"', "the first training starts"), (b'"metrics"', "it is at work")):
        _until(line, home, arguments, environment)  # once, so that its rows are checked
        shutil.rmtree(home / "mlruns" / "runs")
        cases[f"run, {says}"] = _until(line, home, arguments, environment)
        shutil.rmtree(home / "mlruns")
        cases[f"run in a home without a store, {says}"] = _until(line, home, arguments, environment)
        shutil.rmtree(home / "mlruns")
    return cases


def _command(arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "experiments", *arguments]


def _run(arguments: list[str], environment: dict[str, str]) -> None:
    subprocess.run(_command(arguments), env=environment, check=True, capture_output=True)


def _timed(arguments: list[str], environment: dict[str, str]) -> tuple[float, float]:
    return _measured(lambda: _run(arguments, environment))


def _until(line: bytes, home: Path, arguments: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Until a run's journal has a line; the launch is stopped then."""
    seconds = 0.0

    def launch() -> None:
        nonlocal seconds
        begin = time.perf_counter()
        process = subprocess.Popen(_command(arguments), env=environment, stderr=subprocess.DEVNULL)
        while not any(line in path.read_bytes() for path in home.glob("mlruns/runs/*/journal.jsonl")):
            assert process.poll() is None
            time.sleep(0.02)
        seconds = time.perf_counter() - begin
        process.send_signal(signal.SIGTERM)
        process.wait()

    _, processor = _measured(launch)
    return seconds, processor


def _measured(do: Callable[[], None]) -> tuple[float, float]:
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    do()
    seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
