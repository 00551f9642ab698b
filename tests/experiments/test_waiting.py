"""Spinners and bars are for terminals alone, and take nothing of what is printed meanwhile."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

OUTER = """
import sys, time
from experiments.waiting import counter, with_bar, working
with working("reading [a] table"):
    for item in with_bar(range(3), "runs of [b]"):
        print("run", item)
    with working("comparing"), counter("pages") as tell:
        tell(1200)
        time.sleep(0.3)
        print("a warning", file=sys.stderr)
print("end")
"""
BARS = {
    "transcribe": """
from experiments.applying.transcribing.progress import progress
with progress([]) as advance:
    advance(None)(1.0)
    print("a text")
""",
    "predict": """
from experiments.applying.predicting.seconds_bar import SecondsBar
with SecondsBar([]):
    print("a text")
""",
    "run": """
from experiments.launching.progress import LaunchProgress
with LaunchProgress("a table", 2):
    print("a text")
""",
}
NOTHING = "import sys, experiments.waiting as w\nwith w.working('a'):\n list(w.with_bar([1], 'b'))\n"


def told(script: str, *, out: bool, **more: str) -> tuple[str, str]:
    """(what came on standard output, on standard error): a terminal each, or pipes; ``out`` is of the first."""
    values = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    terminal, its_end = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=its_end if out else subprocess.PIPE, stderr=its_end,
        env={**values, "TERM": "xterm", "COLUMNS": "100", **more},
    ) as process:  # fmt: skip
        os.close(its_end)
        seen = b""
        while part := _read(terminal):
            seen += part
        printed = process.stdout.read().decode() if process.stdout else ""
    os.close(terminal)
    assert process.returncode == 0, seen
    return printed, seen.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux's end of a terminal
        return b""


@pytest.mark.parametrize("out", [True, False], ids=["both", "output into a pipe"])
def test_a_terminal_sees_each_step_and_what_is_printed(out: bool) -> None:
    printed, seen = told(OUTER, out=out)
    for words in ("reading [a] table", "runs of [b]", "comparing", "1,200 pages", "a warning\r\n"):
        assert words in seen
    assert seen.rstrip().endswith("end" if out else "\x1b[2K")  # the line is gone
    lines = [*(f"run {number}" for number in range(3)), "end"]
    if out:
        assert all(f"{line}\r\n" in seen for line in lines)
    else:
        assert printed.splitlines() == lines
        assert "run 0" not in seen


@pytest.mark.parametrize("command", BARS)
def test_no_bar_takes_the_output_of_a_pipe(command: str) -> None:
    printed, seen = told(BARS[command], out=False)
    assert printed == "a text\n"
    assert "a text" not in seen
    assert "\x1b" in seen


def test_a_terminal_without_colours_or_control_gets_none() -> None:
    assert "\x1b[3" not in told(OUTER, out=True, NO_COLOR="1")[1].replace("\x1b[?25", "")
    _, seen = told(OUTER, out=True, TERM="dumb")
    assert seen.split() == ["run", "0", "run", "1", "run", "2", "a", "warning", "end"]


def test_a_pipe_gets_nothing_and_pays_for_nothing() -> None:
    script = NOTHING + "assert not any(name.startswith('rich') for name in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
