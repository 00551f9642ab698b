"""The last line of a command that succeeded: what one types next. On standard error, and only where a person looks."""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

OPENERS = {"darwin": "open", "win32": "explorer"}  # elsewhere xdg-open


def say_next(*words: str, why: str = "") -> None:
    """``next: earmark WORDS   why``; nothing in pipes, in files and in batch jobs."""
    _say("earmark", *words, why=why)


def say_open(page: Path, *, why: str = "") -> None:
    """The same of the program that opens a page in this machine's browser; nothing where there is none."""
    if shutil.which(opener := OPENERS.get(sys.platform, "xdg-open")):
        _say(opener, str(page), why=why)


def _say(*words: str, why: str) -> None:
    if sys.stdout.isatty() and sys.stderr.isatty():
        sys.stdout.flush()
        print(f"next: {shlex.join(words)}{f'    {why}' if why else ''}", file=sys.stderr)


def with_scale(run: str, scale: str | None) -> Sequence[str]:
    """A RUN with the scale that it was chosen by, as arguments of the next command."""
    return [run] if scale is None else [run, "--scale", scale]


def same_cells(arguments: argparse.Namespace) -> Sequence[str]:
    """The cells of a command on a table (``table_arguments``) as arguments of the next one."""
    words = [arguments.table]
    if arguments.scale is not None:
        words += ["--scale", arguments.scale]
    for option in ("rows", "seeds", "folds"):
        if given := getattr(arguments, option):
            words += [f"--{option}", ",".join(map(str, given))]
    for override in arguments.overrides:
        words += ["--set", override]
    return words
