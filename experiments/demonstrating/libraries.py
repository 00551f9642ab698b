"""The two JavaScript libraries of the page: npm packages of one version, pinned by digest, fetched once and kept.

``npm pack`` fetches them, so that a user's registry settings hold; nothing of a package is installed or run here. A
machine without npm takes the packages' .tgz files from a folder (``earmark demo --libraries FOLDER``).
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from datamodules.corpora.whole_folder import locked
from datamodules.corpus_folder import data_root
from experiments.errors import UserError

MOST_BYTES = 64 * 2**20  # of one file of a package, unpacked
FETCHING_SECONDS = 900


@dataclass(frozen=True, kw_only=True)
class Library:
    """A package of one version; ``files`` are the names of what the page takes of it, by their names in the package."""

    package: str
    version: str
    sha256: str
    megabytes: int
    files: Mapping[str, str]

    @property
    def archive(self) -> str:
        """The file that ``npm pack`` writes."""
        return f"{self.package}-{self.version}.tgz"


ORT = Library(
    package="onnxruntime-web", version="1.30.0", megabytes=33,
    sha256="d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71",
    files={
        "package/dist/ort.wasm.min.js": "ort.wasm.min.js",
        "package/dist/ort-wasm-simd-threaded.mjs": "ort-wasm-simd-threaded.mjs",
        "package/dist/ort-wasm-simd-threaded.wasm": "ort-wasm-simd-threaded.wasm",
        "package/package.json": "onnxruntime-web.package.json",
        "package/README.md": "onnxruntime-web.README.md",
    },
)  # fmt: skip
WAVESURFER = Library(
    package="wavesurfer.js", version="8.0.1", megabytes=1,
    sha256="f1a63903c1a53591ba24be4aad13d7ae69c6373f359701857135b756b307bf3b",
    files={
        "package/dist/wavesurfer.min.js": "wavesurfer.min.js",
        "package/LICENSE": "wavesurfer.js.LICENCE",
        "package/package.json": "wavesurfer.js.package.json",
    },
)  # fmt: skip
LIBRARIES = (ORT, WAVESURFER)


def library_files(given: Path | None = None) -> dict[str, bytes]:
    """The files of all libraries by the names that the page has for them.

    Packages come from the folder ``given``, or from ``libraries/`` of the data folder, fetched unless they are there.
    Raises ``UserError`` where one is not to be had, or has other bytes than the pinned.
    """
    files: dict[str, bytes] = {}
    for library in LIBRARIES:
        folder = data_root() / "libraries" if given is None else given
        archive = folder / library.archive
        if given is None:
            with locked(archive):
                if not archive.is_file() or _sha256(archive) != library.sha256:
                    _fetch(library, archive)
        elif not archive.is_file():
            raise UserError(f"--libraries {given}: has no {library.archive}")
        if (found := _sha256(archive)) != library.sha256:
            raise UserError(f"{archive}: its sha256 is {found}, pinned: {library.sha256}")
        files |= _members(library, archive)
    return files


def _fetch(library: Library, archive: Path) -> None:
    npm = shutil.which("npm")
    wanted = f"{library.package}@{library.version}"
    elsewhere = f"or fetch {library.archive} elsewhere (npm pack {wanted}) and give its folder as --libraries"
    if npm is None:
        raise UserError(
            f"{wanted} is needed once, and there is no npm on this machine to fetch it: install npm, {elsewhere}"
        )
    print(f"{wanted}: fetching {library.megabytes} MB", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        command = [npm, "pack", wanted, "--pack-destination", folder, "--ignore-scripts", "--loglevel=error"]
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                                  timeout=FETCHING_SECONDS, cwd=folder)  # fmt: skip
            said, failed = done.stderr.strip().splitlines(), done.returncode != 0
        except subprocess.TimeoutExpired:
            said, failed = [f"no answer in {FETCHING_SECONDS} s"], True
        packed = Path(folder, library.archive)
        if failed or not packed.is_file():
            raise UserError(f"{wanted}: npm pack failed: {said[-1] if said else 'no message'}; try again, {elsewhere}")
        if (found := _sha256(packed)) != library.sha256:
            raise UserError(f"{wanted}: its sha256 is {found}, pinned: {library.sha256}; nothing was kept")
        packed.replace(archive)


def _members(library: Library, archive: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(archive, "r:gz") as packed:
            for name, kept_as in library.files.items():
                file = packed.extractfile(name)
                if file is None:
                    raise KeyError(name)
                found[kept_as] = file.read(MOST_BYTES)
    except (tarfile.TarError, OSError, KeyError) as error:
        raise UserError(f"{archive}: cannot be read: {error}") from error
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
