"""Where a result comes from: the commit, what was changed on top of it, the packages and the machine.

Standard library only. Everything is best effort: earmark runs from a wheel, without git, too.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(SOURCE), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def git_state() -> dict[str, str]:
    """``git.sha`` and ``git.dirty`` of earmark's own checkout; empty outside one."""
    sha = _git("rev-parse", "HEAD")
    if sha is None or not (SOURCE / ".git").exists():
        return {}
    return {"git.sha": sha.strip(), "git.dirty": str(bool((_git("status", "--porcelain") or "").strip())).lower()}


def git_diff() -> str:
    """Uncommitted changes to tracked files as a patch."""
    return (_git("diff", "HEAD") or "") if (SOURCE / ".git").exists() else ""


def environment() -> str:
    """Python, platform, cores and the exact version of every installed package, one a line."""
    packages = sorted(
        {f"{item.metadata['Name']}=={item.version}" for item in importlib.metadata.distributions()}, key=str.lower
    )
    machine = f"# python {platform.python_version()} on {platform.platform()}, {os.cpu_count()} cores"
    return "\n".join([machine, *packages]) + "\n"
