"""Escape codes are for terminals: none in pipes and files, no colours there under NO_COLOR and in a dumb terminal."""

from __future__ import annotations

import os
import pty
import re
import sys
from pathlib import Path

import pytest

from ....launches import TINY, command, earmark, environment

FORCED = {"FORCE_COLOR": "1", "TTY_COMPATIBLE": "1", "CLICOLOR_FORCE": "1", "PY_COLORS": "1"}
COLOUR = re.compile(rb"\x1b\[[0-9;]*(3[0-9]|9[0-7])m")
PACK = str(Path(__file__).parents[4] / "results" / "language_models-demo.tar.xz")
SHORT = [
    ("--help",),
    ("plan", str(TINY), "--rows", "mil,mil_oracle"),
    ("data", "check", "tones/tiny"),
    ("models",),
    ("stop",),
    ("sync",),
    ("clean",),
    ("report", "--results", PACK),
    ("plan", "--power", "language_models", "--results", PACK),
    ("run", "nowhere"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a finished run, which a plan shows in green; it was launched into a pipe."""
    home = tmp_path_factory.mktemp("home")
    for arguments in (("data", "tones", "--scale", "tiny"), ("run", str(TINY), "--rows", "mil")):
        told = earmark(home, *arguments, **FORCED)
        assert told.returncode == 0, told.stderr
        assert "\x1b" not in told.stdout + told.stderr, arguments
    return home


@pytest.mark.integration
def test_no_command_writes_them_into_a_pipe_whatever_is_forced(home: Path) -> None:
    for arguments in SHORT:
        told = earmark(home, *arguments, **FORCED)
        assert "\x1b" not in told.stdout + told.stderr, arguments


def in_a_terminal(arguments: tuple[str, ...], environment: dict[str, str]) -> bytes:
    pid, terminal = pty.fork()
    if not pid:
        os.execve(sys.executable, command(*arguments), environment)
    told = b""
    while True:
        try:
            part = os.read(terminal, 1 << 16)
        except OSError:  # Linux's end of a terminal
            part = b""
        if not part:
            os.waitpid(pid, 0)
            return told
        told += part


@pytest.mark.integration
@pytest.mark.parametrize(
    ("more", "has_colours"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_has_colours_unless_they_are_unwanted(home: Path, more: dict[str, str], has_colours: bool) -> None:
    values = {name: value for name, value in environment(home).items() if name not in ("NO_COLOR", *FORCED)}
    told = in_a_terminal(("plan", str(TINY), "--rows", "mil"), {**values, **more})
    assert bool(COLOUR.search(told)) == has_colours
    assert (b"\x1b" in told) == (more["TERM"] != "dumb")
    assert (b"reading " in told) == (more["TERM"] != "dumb")  # the spinner's words
    assert b"next: earmark report " in told
