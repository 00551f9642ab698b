"""Git checkouts: their commit, whether it was changed, and the change as a patch that ``git apply`` takes.

Best effort, and blind to a user's settings of git (colours, prefixes, lines of context, a diff program) and to what a
hook says of its own repository, under which a patch would be empty, of another, or not apply. The standard library
alone.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

PATCH = ("diff", "--no-ext-diff", "--no-color", "--no-textconv", "--binary", "--full-index", "--no-renames",
         "--src-prefix=a/", "--dst-prefix=b/", "--unified=3", "--submodule=short")  # fmt: skip
# A hook's environment (git rev-parse --local-env-vars), and what would win over the options.
NOT_OURS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY", "GIT_DIFF_OPTS")
PATIENCE_SECONDS = 30.0


def _git(folder: Path, *arguments: str, differs: bool = False) -> bytes | None:
    """What git prints; None where it can't. ``differs``: exit code 1 says that files differ."""
    environment = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE_SECONDS, env=environment)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode in ((0, 1) if differs else (0,)) else None


def root(folder: Path) -> Path | None:
    """The checkout that a folder lies in."""
    found = _git(folder, "rev-parse", "--show-toplevel")
    return Path(found.decode(errors="surrogateescape").rstrip("\n")) if found else None


def state(checkout: Path) -> dict[str, str]:
    """``git.sha`` and ``git.dirty`` (``true`` or ``false``); empty where there is no commit."""
    sha = _git(checkout, "rev-parse", "HEAD")
    if sha is None:
        return {}
    changes = _git(checkout, "status", "--porcelain", "--untracked-files=normal")
    return {"git.sha": sha.decode().strip(), "git.dirty": str(changes is None or bool(changes.strip())).lower()}


def patch(checkout: Path, files: Iterable[Path]) -> bytes:
    """Uncommitted changes to tracked files, and those of ``files`` that git does not track, new ones in the patch.

    Raises ``OSError`` where git can't say.
    """
    tracked = _git(checkout, *PATCH, "HEAD")
    here = checkout.resolve()
    real = [path.resolve() for path in files]
    inside = sorted(path.relative_to(here).as_posix() for path in real if path.is_relative_to(here))
    others = _git(checkout, "ls-files", "-z", "--others", "--", *inside) if inside else b""
    if tracked is None or others is None:
        raise OSError(f"git could not say what was changed in {checkout.name}")
    new = [name.decode(errors="surrogateescape") for name in others.split(b"\0") if name]
    parts = [_git(checkout, *PATCH, "--no-index", "--", "/dev/null", name, differs=True) or b"" for name in new]
    return b"".join([tracked, *parts])
