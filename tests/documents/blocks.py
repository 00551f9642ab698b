"""The code blocks of README.md and docs/, and how a test runs them: as they stand in the page.

A block is fenced and says its language; ``sh`` is what a reader types. Lines that are ``earmark`` alone, or that into a
file, run in a child of a process that has its imports (``warm_commands``); pipes and other programs are bash's.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from .. import warm_commands
from ..launches import environment

ROOT = Path(__file__).resolve().parents[2]
PAGES = [path.relative_to(ROOT).as_posix() for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]]
INDENTED = "indented"
OF_BASH = re.compile(r"&&|[|<>;`]|\$\(")


class Block(NamedTuple):
    """``line`` is that of its fence, from 1; ``language`` is ``INDENTED`` where four spaces make it one."""

    page: str
    line: int
    language: str
    text: str


def all_blocks(page: str) -> Iterator[Block]:
    """Those of a page (``docs/predict.md``), in their order."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines(keepends=True)
    fence, taken, before = "", list[str](), ""
    for number, line in enumerate(lines, start=1):
        if line.lstrip().startswith("```"):
            if fence:
                yield Block(page, number - len(taken) - 1, fence[3:].strip(), "".join(taken))
                fence = ""
            else:
                fence, taken = line.strip(), []
        elif fence:
            taken.append(line)
        elif line.startswith("    ") and line.strip() and not before.strip():
            yield Block(page, number, INDENTED, line)
        before = line


def blocks(page: str, language: str) -> list[str]:
    """The texts of one language."""
    return [block.text for block in all_blocks(page) if block.language == language]


def run_block(
    text: str,
    folder: Path,
    *,
    instead: Mapping[str, str] | None = None,
    without: tuple[str, ...] = (),
    codes: Mapping[str, int] | None = None,
    home: Path | None = None,
) -> str:
    """What a block of shell lines prints in ``folder``, which is earmark's home where no other is given.

    ``instead`` says what stands for what cannot be in a test, ``without`` how lines begin that it passes over, and
    ``codes`` with what lines end that begin so, others with 0; each must be there.
    """
    for said, small in (instead or {}).items():
        assert said in text, f"the block has no {said!r} any more"
        text = text.replace(said, small)
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    for start in (*without, *(codes or {})):
        assert any(line.startswith(start) for line in lines), f"the block has no line {start!r} any more"
    printed = ""
    for line in lines:
        if not line.startswith(without):
            code = next((code for start, code in (codes or {}).items() if line.startswith(start)), 0)
            printed += run_line(line, folder, code=code, home=home)
    return printed


def run_line(line: str, folder: Path, *, code: int = 0, home: Path | None = None) -> str:
    """One line's standard output; what it says on standard error is told where it fails."""
    values = environment(home or folder)
    bare = re.split(r"\s#", line)[0]
    bare, to_file, target = bare.partition(" > ")
    if bare.startswith("earmark ") and not OF_BASH.search(bare):
        done = warm_commands.run([*_words(bare, folder)][1:], environment=values, cwd=folder)
        if to_file:
            (folder / target.strip().removeprefix("~/")).write_text(done.stdout, encoding="utf-8")
    else:
        values = bash_environment(folder, home)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line],
            cwd=folder,
            env=values,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == code, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


def bash_environment(folder: Path, home: Path | None = None) -> dict[str, str]:
    """Where ``earmark`` and ``python`` are this checkout's and this interpreter, and ``~`` is ``folder``."""
    values = environment(home or folder)
    programs = f"{_programs(home or folder)}{os.pathsep}{values['PATH']}"
    return {**values, "PATH": programs, "PYTHONPATH": str(ROOT), "HOME": str(folder)}


def _words(line: str, folder: Path) -> Iterator[str]:
    """A line's words as a shell makes them: quotes taken, names found; ``~`` never is this machine's."""
    for word in shlex.split(line):
        found = sorted(str(path.relative_to(folder)) for path in folder.glob(word)) if "*" in word else []
        yield from found or [word]


def _programs(folder: Path) -> str:
    """Where bash finds ``earmark`` and ``python``: this checkout's and this interpreter."""
    programs = folder / ".programs"
    programs.mkdir(exist_ok=True)
    for name, arguments in (("earmark", "-m experiments"), ("python", "")):
        path = programs / name
        path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {arguments} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
    return f"{programs}{os.pathsep}{Path(sys.executable).parent}"
