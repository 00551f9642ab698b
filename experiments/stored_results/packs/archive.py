"""A pack as one file: tar under xz, the same bytes for the same files, and read as what a stranger wrote.

Files stand by their last name, then by run, like beside like: so packed, a table is a third of what a zip is. Nothing
of a header is believed: what is unpacked is counted as it comes, and every file is one that the manifest names, of its
size and digest. Whatever is wrong is one line, and nothing has been written by then.
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn

from experiments.errors import UserError, first_line
from experiments.runs.run_folder import write_whole
from experiments.stored_results.packs import layout

PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)
CHUNK_BYTES = 2**16


class Archive(NamedTuple):
    """The files of a pack by name, without its manifest, whose digest is the pack's."""

    path: Path
    digest: str
    files: Mapping[str, bytes]


def write_archive(path: Path, files: Mapping[str, bytes]) -> str:
    """Write a pack in one step; returns its digest. Raises ``OSError``, and ``UserError`` for what no pack may hold."""
    for name in files:
        if not layout.is_known(name):
            raise UserError(f"{name}: a file of this name does not go into a pack")
    if large := next((name for name, data in files.items() if len(data) > layout.MOST_BYTES_OF_A_FILE), None):
        raise UserError(
            f"{path}: {large} is of {len(files[large]):,} bytes; a file of a pack has {layout.MOST_BYTES_OF_A_FILE:,} "
            "at most; take fewer --rows, fewer --weights or --predictions none"
        )
    if (total := sum(map(len, files.values()))) > layout.MOST_BYTES or len(files) > layout.MOST_FILES:
        raise UserError(
            f"{path}: {len(files):,} files of {total:,} bytes; a pack holds {layout.MOST_FILES:,} of "
            f"{layout.MOST_BYTES:,} at most; take fewer --rows, fewer --weights or --predictions none"
        )
    manifest = _manifest(files)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in ((layout.MANIFEST, manifest), *((name, files[name]) for name in sorted(files, key=_place))):
            info = tarfile.TarInfo(name)  # of nobody, from 1970
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    write_whole(path, lzma.compress(stream.getvalue(), preset=9 | lzma.PRESET_EXTREME))
    return _digest(manifest)


def _place(name: str) -> tuple[str, str]:
    return name.rpartition("/")[2], name


def _manifest(files: Mapping[str, bytes]) -> bytes:
    of_files = {name: {"sha256": _digest(data), "bytes": len(data)} for name, data in files.items()}
    document = {"format": layout.FORMAT, "version": layout.VERSION, "files": of_files}
    return json.dumps(document, sort_keys=True, indent=0).encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read_archive(path: Path) -> Archive:
    """A pack's files, each checked. Raises ``UserError``."""
    try:
        with path.open("rb") as file:
            limit = layout.most_bytes(path.stat().st_size)
            return _read(path, _Unpacked(file, path, limit))
    except RecursionError:
        _refuse(path, f"{layout.MANIFEST} is nested too deeply")
    except lzma.LZMAError as error:
        _refuse(path, f"is no xz file, or a damaged one: {first_line(error)}")
    except tarfile.TarError as error:
        _refuse(path, f"is a damaged archive: {first_line(error)}")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None


def _refuse(path: Path, why: str) -> NoReturn:
    raise UserError(f"{path}: {why}; nothing was taken from it") from None


class _Unpacked(io.RawIOBase):
    """What an xz file unpacks to, for ``tarfile``, as far as ``limit`` bytes."""

    def __init__(self, file: BinaryIO, path: Path, limit: int) -> None:
        self._file, self._path, self._left, self._limit = file, path, limit, limit
        self._xz = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=layout.MOST_MEMORY_BYTES)

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes, none at the end."""
        size = CHUNK_BYTES if size < 0 else size
        while not self._xz.eof:
            packed = self._file.read(CHUNK_BYTES) if self._xz.needs_input else b""
            if self._xz.needs_input and not packed:
                _refuse(self._path, "ends in the middle: it was cut off")
            if data := self._xz.decompress(packed, max_length=size):
                self._left -= len(data)
                if self._left < 0:
                    _refuse(self._path, f"unpacks to more than the {self._limit:,} bytes that a file of its size may")
                return data
        if self._xz.unused_data or self._file.read(1):
            _refuse(self._path, "goes on behind its end")
        return b""


def _read(path: Path, unpacked: _Unpacked) -> Archive:
    stated: dict[str, tuple[str, int]] = {}
    files: dict[str, bytes] = {}
    digest = ""
    with tarfile.open(fileobj=unpacked, mode="r|", bufsize=CHUNK_BYTES) as tar:
        for info in tar:
            _check_kind(path, info)
            is_first, stream = not digest, tar.extractfile(info)
            data = stream.read() if stream else b""
            if is_first:
                digest, stated = _digest(data), _stated(path, info.name, data)
                continue
            if info.name in files:
                _refuse(path, f"holds {_shown(info.name)} twice")
            if info.name not in stated:
                _refuse(path, f"holds {_shown(info.name)}, which its manifest does not name")
            if (_digest(data), len(data)) != stated[info.name]:
                _refuse(path, f"{info.name} is not what the manifest says: another size or digest")
            files[info.name] = data
    while unpacked.read(CHUNK_BYTES):  # tarfile stops at its own end
        pass
    if lacking := sorted(stated.keys() - files.keys()):
        _refuse(path, f"lacks {len(lacking)} of the files that its manifest names, the first {lacking[0]}")
    if not digest:
        _refuse(path, "is an empty archive")
    return Archive(path, digest, files)


def _check_kind(path: Path, info: tarfile.TarInfo) -> None:
    if info.type not in PLAIN or info.pax_headers or info.issparse():
        _refuse(path, f"holds {_shown(info.name)}, which is no plain file: a link, a folder, a device or an extension")
    if info.name != layout.MANIFEST and not layout.is_known(info.name):
        _refuse(path, f"holds a file of the name {_shown(info.name)}, which no pack has")
    if info.size > layout.MOST_BYTES_OF_A_FILE:
        _refuse(path, f"{info.name} is of {info.size:,} bytes, allowed: {layout.MOST_BYTES_OF_A_FILE:,}")


def _shown(name: str) -> str:
    """A name as it may stand in a line of a terminal."""
    return ascii(name if len(name) <= layout.NAME_CHARACTERS else name[: layout.NAME_CHARACTERS] + "…")


def _stated(path: Path, name: str, data: bytes) -> dict[str, tuple[str, int]]:
    """Digest and size by name, as the manifest has them."""
    if name != layout.MANIFEST:
        _refuse(path, f"begins with {_shown(name)}, not with {layout.MANIFEST}: it is no pack of results")
    try:
        document: Any = json.loads(data)
        if document["format"] != layout.FORMAT:
            raise ValueError("format")
        if document["version"] != layout.VERSION:
            _refuse(path, f"is of version {document['version']!r} of the format; this earmark reads {layout.VERSION}")
        found = {str(name): (str(of["sha256"]), int(of["bytes"])) for name, of in document["files"].items()}
    except UserError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError):
        _refuse(path, f"its {layout.MANIFEST} is damaged, or it is no pack of results")
    if unknown := next((name for name in found if not layout.is_known(name)), None):
        _refuse(path, f"names a file {_shown(unknown)}, which no pack has")
    if len(found) > layout.MOST_FILES:
        _refuse(path, f"names {len(found):,} files, allowed: {layout.MOST_FILES:,}")
    return found
