"""The container readers, against containers written here after the formats' description."""

from __future__ import annotations

import contextlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.corpora.containers import ContainerError, read_container

RIFF = b"RIFF" + b"\x01\x02\x03" * 20


def cat(*entries: tuple[str, bytes]) -> bytes:
    offset, index, body = 8 * len(entries), b"", b""
    for description, sound in entries:
        name = description.encode("latin1") + b"\0"
        blob = bytes([len(name)]) + name + sound
        index += struct.pack("<II", offset + len(body), len(sound))
        body += blob
    return index + body


def rcc(compressed: bool) -> bytes:
    """A tree of one folder with one sound and one picture."""

    def name(text: str) -> bytes:
        return struct.pack(">HI", len(text), 0) + text.encode("utf-16-be")

    names = name("sounds") + name("a.ogg") + name("b.png")
    at = {"sounds": 0, "a.ogg": len(name("sounds")), "b.png": len(name("sounds") + name("a.ogg"))}
    payload = struct.pack(">I", len(RIFF)) + zlib.compress(RIFF) if compressed else RIFF
    blobs = struct.pack(">I", len(payload)) + payload
    tree = struct.pack(">IHII", 0, 2, 1, 1) + struct.pack(">IHII", at["sounds"], 2, 2, 2)
    tree += struct.pack(">IHHHI", at["a.ogg"], int(compressed), 0, 0, 0)
    tree += struct.pack(">IHHHI", at["b.png"], 0, 0, 0, 0)
    header = struct.pack(">4sIIII", b"qres", 1, 20, 20 + len(tree), 20 + len(tree) + len(blobs))
    return b"before" + header + tree + blobs + names


def c4group(*entries: tuple[str, bytes, bool], packed: bool = True) -> bytes:
    header = bytearray(204)
    header[:7], header[36:40] = b"RedWolf", struct.pack("<I", len(entries))
    for index in range(0, 201, 3):
        header[index], header[index + 2] = header[index + 2], header[index]
    body, table = b"", b""
    for name, data, is_group in entries:
        fields = struct.pack("<5i", 0, int(is_group), len(data), 0, len(body))
        table += name.encode().ljust(260, b"\0") + fields + bytes(36)
        body += data
    plain = bytes(byte ^ 237 for byte in header) + table + body
    if not packed:
        return plain
    compressor = zlib.compressobj(wbits=31)
    zipped = compressor.compress(plain) + compressor.flush()
    return b"\x1e\x8c" + zipped[2:]


def test_opensfx_names_are_number_and_quoted_title() -> None:
    data = cat(('"Ship horn". Original "x.aif"', RIFF), ("no quotes", RIFF + b"2"), ("nothing", b"none"))
    assert read_container("a/opensfx.cat", data) == [("00_Ship horn.wav", RIFF), ("01_no quotes.wav", RIFF + b"2")]


@pytest.mark.parametrize("compressed", [False, True])
def test_qt_resources_give_sounds_with_their_folder(compressed: bool) -> None:
    assert read_container("x.rcc", rcc(compressed)) == [("sounds/a.ogg", RIFF)]


def test_openclonk_groups_lie_in_groups() -> None:
    inner = c4group(("Bell.ogg", RIFF, False), ("Readme.txt", b"text", False), packed=False)
    data = c4group(("Rain.wav", RIFF + b"2", False), ("Doors.ocg", inner, True))
    assert read_container("Sound.ocg", data) == [("Rain.wav", RIFF + b"2"), ("Doors.ocg/Bell.ogg", RIFF)]


def test_a_suffix_that_is_no_container_is_refused() -> None:
    with pytest.raises(ContainerError, match=r"x\.zip: suffix '\.zip', allowed: \.cat, \.rcc, \.ocg, \.ocd"):
        read_container("x.zip", b"")


@given(st.sampled_from([".cat", ".rcc", ".ocg"]), st.integers(0, 400))
def test_cut_containers_give_whole_entries_or_an_error_and_never_crash(suffix: str, length: int) -> None:
    whole = {".cat": cat(("a", RIFF)), ".rcc": rcc(True), ".ocg": c4group(("a.ogg", RIFF, False))}[suffix]
    cut = whole[: min(length, len(whole) - 1)]
    sounds = []
    with contextlib.suppress(ContainerError):
        sounds = read_container(f"x{suffix}", cut)
    assert all(data == RIFF for _, data in sounds)
