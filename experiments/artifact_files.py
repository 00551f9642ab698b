"""A run's artifacts where they are files of this disk: found without asking the store, and linked instead of copied.

An artifact that is a hard link costs nothing beside the run folder's own file, and MLflow serves it as any other. Once
a run has finished nothing writes into either: what is fetched later is put in the place of a file, never into it.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit


def artifact_folder(uri: str, *, moved_to: Path) -> Path | None:
    """The folder behind a run's ``artifact_uri``; None where that is no path of a machine.

    In a home that was moved it lies at the same place below ``moved_to``: family, run id, ``artifacts``.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost") or not parts.path:
        return None
    folder = Path(unquote(parts.path) if parts.scheme else uri)
    if not folder.is_absolute():  # to where the server was started
        return None
    moved = moved_to.joinpath(*folder.parts[-3:])
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
