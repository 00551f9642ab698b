"""Fetches Debian packages with ``apt-get download`` (no root, nothing installed) and reads files out of them.

A package becomes a folder ``DATA_ROOT/packages/NAME`` with the .deb and its size and SHA-256, made aside and renamed,
so an interrupted download is never taken for whole. The hash is checked against the archive's own
(``apt-cache show``) after the download, and against the stored one at every later use.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from datamodules.corpora.whole_folder import locked, whole_folder
from datamodules.corpus_folder import data_root


class NoPackageManagerError(ValueError):
    """There is no apt-get on this machine."""


class PackageError(ValueError):
    """A package can't be downloaded or read, or is damaged."""


class _Listed(NamedTuple):
    """What the package lists say of a package."""

    version: str
    size_bytes: int
    sha256: str


def fetch(packages: Sequence[str]) -> dict[str, Path]:
    """The .deb file of each package, downloaded unless it is already there and whole.

    Raises ``NoPackageManagerError`` if something is missing and there is no apt-get, ``PackageError`` for a package
    that is unknown, can't be downloaded or arrives damaged.
    """
    files = {}
    with locked(data_root() / "packages"):
        missing = []
        for package in packages:
            folder = data_root() / "packages" / package
            stored = _stored(folder)
            if stored is None:
                if folder.exists():
                    print(
                        f"package {package}: the copy under {folder} is damaged; it is fetched again", file=sys.stderr
                    )
                    shutil.rmtree(folder)
                missing.append(package)
            else:
                files[package] = stored
        if missing:
            files |= _download(missing)
    return files


def members(deb: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """The files of a package whose path (without a leading slash) is ``wanted``, in the package's order, with contents.

    Raises ``PackageError`` if the package is damaged.
    """
    if shutil.which("dpkg-deb") is None:
        raise NoPackageManagerError(
            f"no dpkg-deb on this machine to read {deb}; prepare the corpus on Debian or Ubuntu"
        )
    command = ["dpkg-deb", "--fsys-tarfile", str(deb)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
                for member in tar:
                    path = member.name.removeprefix("./")
                    file = tar.extractfile(member) if wanted(path) else None
                    if file is not None:
                        yield path, file.read()
            while process.stdout.read(1 << 20):  # tar's padding: a closed pipe would look like a failure
                pass
        except tarfile.TarError as error:
            raise PackageError(f"{deb}: damaged package ({error}); {_REMEDY.format(deb.parent)}") from error
        complaint = " ".join(process.stderr.read().decode(errors="replace").split())
    if process.returncode:
        raise PackageError(f"{deb}: damaged package ({complaint}); {_REMEDY.format(deb.parent)}")


_REMEDY = "remove {} and run the command again"


def _stored(folder: Path) -> Path | None:
    """The .deb of a finished download, or None if there is none or it no longer is what was downloaded."""
    try:
        facts = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        deb = folder / str(facts["file"])
        whole = deb.stat().st_size == facts["size_bytes"] and _sha256(deb) == facts["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return deb if whole else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(packages: Sequence[str]) -> dict[str, Path]:
    if shutil.which("apt-get") is None:
        raise NoPackageManagerError(
            f"no apt-get on this machine, so Debian's package {packages[0]} can't be fetched; prepare the corpus on "
            "Debian or Ubuntu and copy its data folder, or use a synthetic corpus: earmark data tones (events) or "
            "earmark data spoken_tones (speech)"
        )
    listed = {package: _listed(package) for package in packages}
    files = {}
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as progress:
        task = progress.add_task("packages", total=sum(facts.size_bytes for facts in listed.values()))
        done_bytes = 0
        for package, facts in listed.items():
            progress.update(task, description=package)
            with whole_folder(data_root() / "packages" / package) as folder:
                deb = _run_download(package, facts, folder, progress, task, done_bytes)
                _verify(package, facts, deb)
                stored = {
                    "file": deb.name,
                    "version": facts.version,
                    "size_bytes": facts.size_bytes,
                    "sha256": facts.sha256,
                }
                (folder / "package.json").write_text(json.dumps(stored) + "\n", encoding="utf-8")
            files[package] = data_root() / "packages" / package / deb.name
            done_bytes += facts.size_bytes
            progress.update(task, completed=done_bytes)
    return files


def _listed(package: str) -> _Listed:
    """Version, size and hash by the package lists; empty lists are filled once, if this process may."""
    fields = _show(package)
    if not fields and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False, capture_output=True)
        fields = _show(package)
    if not fields:
        remedy = (
            "this system's archive does not have it (Debian 12 does)"
            if os.geteuid() == 0
            else "run: sudo apt-get update"
        )
        raise PackageError(f"package {package}: not in apt's package lists; {remedy}")
    try:
        return _Listed(fields["Version"], int(fields["Size"]), fields["SHA256"])
    except (KeyError, ValueError) as error:
        raise PackageError(
            f"package {package}: apt-cache show gives no usable {error}; it can't be verified"
        ) from error


def _show(package: str) -> dict[str, str]:
    command = ["apt-cache", "show", "--no-all-versions", package]
    output = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    lines = (line.partition(": ") for line in output.split("\n\n")[0].splitlines() if not line.startswith(" "))
    return {key: value.strip() for key, _, value in lines}


def _run_download(
    package: str, facts: _Listed, folder: Path, progress: Progress, task: TaskID, done_bytes: int
) -> Path:
    """Run apt-get in ``folder`` while the bar follows the file's size; return the downloaded file."""
    command = ["apt-get", "download", "-q", f"{package}={facts.version}"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        while True:
            try:
                _, complaint = process.communicate(timeout=0.3)
                break
            except subprocess.TimeoutExpired:
                part_bytes = sum(file.stat().st_size for file in folder.iterdir())
                progress.update(task, completed=done_bytes + part_bytes)
    finally:  # Ctrl-C must not leave apt-get writing into a folder that is being removed
        if process.poll() is None:
            process.terminate()
            process.wait()
    debs = list(folder.glob("*.deb"))
    if process.returncode or len(debs) != 1:
        last = (complaint.strip().splitlines() or ["no message"])[-1]
        raise PackageError(f"package {package}: apt-get download failed ({last}); check the network and run it again")
    return debs[0]


def _verify(package: str, facts: _Listed, deb: Path) -> None:
    size_bytes = deb.stat().st_size
    if size_bytes != facts.size_bytes or _sha256(deb) != facts.sha256:
        raise PackageError(
            f"package {package}: the download is damaged ({size_bytes} of {facts.size_bytes} bytes, "
            "or another SHA-256); it was removed, run the command again"
        )
