"""Readers of three container files that hide sounds inside Debian packages.

Their formats were worked out by inspection. Each reader takes a container's bytes and yields (name, bytes of the sound
file). Nothing is written to disk. A
container that does not hold what its format promises raises ``ContainerError``.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

SOUND_SUFFIXES = (".ogg", ".oga", ".wav", ".mp3", ".flac")

Sounds = Iterator[tuple[str, bytes]]


class ContainerError(ValueError):
    """The bytes are no such container, or are damaged."""


def read_container(path: str, data: bytes) -> list[tuple[str, bytes]]:
    """Every sound of a container, chosen by the path's suffix (.cat, .rcc, .ocg, .ocd), as (name, bytes)."""
    reader = _READERS.get(PurePosixPath(path).suffix)
    if reader is None:
        raise ContainerError(f"{path}: suffix {PurePosixPath(path).suffix!r}, allowed: {', '.join(_READERS)}")
    try:
        return list(reader(data))
    except (struct.error, zlib.error, IndexError, ValueError) as error:
        raise ContainerError(f"{path}: damaged container ({error})") from error


def read_opensfx(data: bytes) -> Sounds:
    """OpenTTD sound set: little-endian (offset, length) pairs, then a length-prefixed description and a RIFF file each.

    The name is the entry's number and the quoted part of its description: ``14_Level crossing.wav``.
    """
    for index in range((struct.unpack("<I", data[:4])[0] & 0x7FFFFFFF) // 8):
        offset, length = struct.unpack("<II", data[index * 8 : index * 8 + 8])
        offset &= 0x7FFFFFFF
        name_length = data[offset]
        description = data[offset + 1 : offset + 1 + name_length].split(b"\0")[0].decode("latin1")
        quoted = re.match(r'"([^"]*)"', description)
        start = offset + 1 + name_length
        if data[start : start + 4] == b"RIFF":
            title = (quoted.group(1) if quoted else description).replace("/", "_")
            yield f"{index:02d}_{title}.wav", _part(data, start, length)


def read_qt_resource(data: bytes) -> Sounds:
    """Qt resource file: a tree of (name, flags, children | data offset); flag 1 = zlib, 2 = folder, 4 = zstd."""
    origin = data.find(b"qres")
    if origin < 0:
        raise ValueError("no Qt resource in it")
    version, tree, blobs, names = struct.unpack(">IIII", data[origin + 4 : origin + 20])
    entry_size = 14 if version == 1 else 22
    todo = [(0, "")]
    while todo:
        index, folder = todo.pop()
        at = origin + tree + index * entry_size
        name_offset, flags = struct.unpack(">IH", data[at : at + 6])
        name_at = origin + names + name_offset
        (length,) = struct.unpack(">H", data[name_at : name_at + 2])
        name = "" if index == 0 else data[name_at + 6 : name_at + 6 + 2 * length].decode("utf-16-be")
        path = f"{folder}/{name}".lstrip("/")
        if flags & 2:
            count, first = struct.unpack(">II", data[at + 6 : at + 14])
            todo += [(first + k, path) for k in range(count)]
        elif path.endswith(SOUND_SUFFIXES) and not flags & 4:
            blob_at = origin + blobs + struct.unpack(">I", data[at + 10 : at + 14])[0]
            (size,) = struct.unpack(">I", data[blob_at : blob_at + 4])
            blob = _part(data, blob_at + 4, size)
            yield path, zlib.decompress(blob[4:]) if flags & 1 else blob


def read_c4group(data: bytes, folder: str = "") -> Sounds:
    """OpenClonk group: gzip with magic 1e8c, a 204-byte scrambled header, 316-byte entries, groups inside groups."""
    if data[:2] == b"\x1e\x8c":
        data = zlib.decompressobj(31).decompress(b"\x1f\x8b" + data[2:])
    header = bytearray(byte ^ 237 for byte in data[:204])
    for index in range(0, len(header) - 2, 3):
        header[index], header[index + 2] = header[index + 2], header[index]
    if not header.startswith(b"RedWolf"):
        raise ValueError("no C4Group header")
    (count,) = struct.unpack("<I", header[36:40])
    for index in range(count):
        entry = data[204 + 316 * index : 204 + 316 * (index + 1)]
        name = entry[:260].split(b"\0")[0].decode("latin1")
        _, is_group, size, _, offset = struct.unpack("<5i", entry[260:280])
        start = 204 + 316 * count + offset
        if is_group:
            yield from read_c4group(_part(data, start, size), f"{folder}{name}/")
        elif name.lower().endswith(SOUND_SUFFIXES):
            yield folder + name, _part(data, start, size)


def _part(data: bytes, start: int, size: int) -> bytes:
    if start < 0 or size < 0 or start + size > len(data):
        raise ValueError(f"an entry ends at byte {start + size} of {len(data)}")
    return data[start : start + size]


_READERS: dict[str, Callable[[bytes], Sounds]] = {
    ".cat": read_opensfx,
    ".rcc": read_qt_resource,
    ".ocg": read_c4group,
    ".ocd": read_c4group,
}
