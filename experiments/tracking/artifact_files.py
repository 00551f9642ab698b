"""A run's artifacts as files: found on this disk without asking the store, linked instead of copied, fetched whole.

An artifact that is a hard link costs nothing beside the run folder's own file, and MLflow serves it as any other. Once
a run has finished nothing writes into either: what is fetched later is put in the place of a file, never into it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


def artifact_folder(uri: str, *, moved_to: Path | None = None) -> Path | None:
    """The folder behind a run's ``artifact_uri``; None where that is no path of a machine.

    In a home that was moved it may lie at the same place below ``moved_to``: family, run id, ``artifacts``.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost") or not parts.path:
        return None
    folder = Path(unquote(parts.path) if parts.scheme else uri)
    if not folder.is_absolute():  # to where the server was started
        return None
    moved = moved_to.joinpath(*folder.parts[-3:]) if moved_to else folder
    return moved if moved.is_dir() and not folder.is_dir() else folder


def link(path: Path, target: Path) -> bool:
    """Make ``target`` the same file as ``path``, in the place of one that is there; False where no link can be.

    That is on another file system, or one without links. A symbolic link is not linked: its goal may be relative.
    """
    if path.is_symlink():
        return False
    if target.exists() and target.samefile(path):
        return True
    aside = target.with_name(f".{target.name}.link")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside.unlink(missing_ok=True)
        os.link(path, aside)
        aside.replace(target)
    except OSError:
        return False
    return True


def sizes(ask: Callable[[str], Iterable[Any]]) -> dict[str, int]:
    """Bytes of every file by its path; ``ask`` lists one folder in MLflow's way, the whole by the name ``""``."""
    found, todo = {}, [""]
    while todo:
        for item in ask(todo.pop()):
            if item.is_dir:
                todo.append(item.path)
            else:
                found[str(item.path)] = int(item.file_size or 0)
    return found


def fetch(ask: Callable[[str], str], target: Path, *, folder: Path) -> None:
    """Put what ``ask`` fetches into a folder aside to ``target`` below ``folder``, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="download-") as aside:
        fetched = Path(ask(aside))
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():  # what an attempt left that did not end here
            shutil.rmtree(target)
        fetched.replace(target)
