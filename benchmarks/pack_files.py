"""Files of a pack's runs, as the scripts beside this one read them."""

from __future__ import annotations

import tarfile
from pathlib import Path


def texts(pack: Path, *endings: str) -> dict[str, str]:
    """The texts of all files whose path in the pack ends so, by that path."""
    found = {}
    with tarfile.open(pack) as archive:
        for member in archive:
            if member.name.endswith(endings):
                content = archive.extractfile(member)
                assert content is not None
                found[member.name] = content.read().decode()
    return found
