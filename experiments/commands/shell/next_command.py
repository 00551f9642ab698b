"""The last line of a command that succeeded: what one types next. On standard error, and only where a person looks."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence


def say_next(*words: str, why: str = "") -> None:
    """``next: earmark WORDS   why``; nothing in pipes, in files and in batch jobs."""
    if sys.stdout.isatty() and sys.stderr.isatty():
        sys.stdout.flush()
        print(f"next: {shlex.join(('earmark', *words))}{f'    {why}' if why else ''}", file=sys.stderr)


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
