"""What a file's own bytes say where libsndfile trusts a header that guesses: MP3, FLAC, Ogg, WAV and AIFF.

A stream written to a pipe doesn't know its length: MP3 without a Xing or Info frame, FLAC with a length of 0. Both are
given a header that promises more than there is, so that decoding ends where the file ends. What libsndfile would read
in part and call whole (a second Ogg stream, samples behind a WAV's stated end) is refused by name.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

_ENDLESS_FRAMES = 0x00FF_FFFF
_ENDLESS_SAMPLES = (1 << 35) - 1
_CHUNK_NAME = re.compile(rb"[A-Za-z0-9_ ()-]{4}")
_SLACK_BYTES = 1024  # tags and padding behind the last chunk
_SLACK_MP3_BYTES = 4096  # some encoders do not count the Xing frame itself


def endless(path: Path) -> io.BytesIO | None:
    """The file with a header that promises more than any file holds; None where its own header is to be trusted."""
    with path.open("rb") as file:
        head = file.read(26)
        if head[:4] == b"fLaC":
            if int.from_bytes(head[21:]) & 0xF_FFFF_FFFF:
                return None
            return io.BytesIO(head[:21] + (int.from_bytes(head[21:]) | _ENDLESS_SAMPLES).to_bytes(5) + file.read())
        start = _tag_bytes(head)
        file.seek(start)
        frame = file.read(64)
        if not _is_layer_3(frame[:4]) or _states_length(frame):
            return None
        return io.BytesIO(_xing_frame(frame) + frame + file.read())


def part_only(path: Path) -> str | None:
    """Why libsndfile would read the beginning of a file alone and call it whole; None where it would not."""
    with path.open("rb") as file:
        head = file.read(12)
    if head[:4] == b"OggS":
        return "several Ogg streams one after the other" if _chained_ogg(path) else None
    if head[:4] == b"RIFF" or (head[:4] == b"FORM" and head[8:11] == b"AIF"):
        return _beyond_chunks(path, "little" if head[:4] == b"RIFF" else "big")
    if head[:3] == b"ID3" or _is_layer_3(head[:4]):
        return _joined_mp3(path)
    if head[:4] == b".snd":
        start, size = int.from_bytes(head[4:8]), int.from_bytes(head[8:12])
        rest = path.stat().st_size - start - size
        return f"{rest} bytes behind the end that its header states" if rest > _SLACK_BYTES else None
    return None


def _joined_mp3(path: Path) -> str | None:
    """Frames behind the end that a Xing frame states, in bytes: a second file behind the first, not a tag."""
    with path.open("rb") as file:
        start = _tag_bytes(file.read(10))
        file.seek(start)
        frame = file.read(64)
        at = 4 + _side_bytes(frame) if _is_layer_3(frame[:4]) and _states_length(frame) else None
        if at is None or not frame[at + 7] & 2:
            return None
        end = start + int.from_bytes(frame[at + 12 : at + 16])
        file.seek(end)
        goes_on = file.read(4)
    rest = path.stat().st_size - end
    if rest > _SLACK_MP3_BYTES and (goes_on[:3] == b"ID3" or _is_layer_3(goes_on)):
        return f"{rest} bytes of MP3 behind the end that its Xing frame states"
    return None


def _tag_bytes(head: bytes) -> int:
    """Length of an ID3v2 tag at the beginning."""
    if head[:3] != b"ID3":
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size + (10 if head[5] & 0x10 else 0)


def _is_layer_3(header: bytes) -> bool:
    """Whether four bytes are the head of an MPEG audio frame of layer III."""
    synced = len(header) == 4 and header[0] == 0xFF and header[1] & 0xE0 == 0xE0
    return synced and header[1] >> 1 & 3 == 1 and header[1] >> 3 & 3 != 1 and header[2] >> 4 not in (0, 15)


def _states_length(frame: bytes) -> bool:
    """Whether a first frame is a Xing or Info frame that counts the frames."""
    at = 4 + _side_bytes(frame)
    return frame[at : at + 4] in (b"Xing", b"Info") and bool(frame[at + 7] & 1)


def _side_bytes(header: bytes) -> int:
    """Side information between a frame's head and its data: by MPEG version and mono or not."""
    mono = header[3] >> 6 == 3
    if header[1] >> 3 & 3 == 3:
        return 17 if mono else 32
    return 9 if mono else 17


def _xing_frame(header: bytes) -> bytes:
    """A frame of 64 kbit/s in the stream's format that says how many frames follow."""
    is_mpeg_1 = header[1] >> 3 & 3 == 3
    rates = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
    rate_hz = rates[header[1] >> 3 & 3][header[2] >> 2 & 3]
    third = (5 if is_mpeg_1 else 8) << 4 | header[2] & 0x0C  # no padding
    frame = bytes((0xFF, header[1] | 1, third, header[3])) + bytes(_side_bytes(header))  # no check sum
    frame += b"Xing" + (1).to_bytes(4) + _ENDLESS_FRAMES.to_bytes(4)
    return frame.ljust((144 if is_mpeg_1 else 72) * 64_000 // rate_hz, b"\0")


def _chained_ogg(path: Path) -> bool:
    """Whether a stream begins after the first has gone on: concatenated files. Pages are stepped over, not decoded."""
    went_on = False
    with path.open("rb") as file:
        while len(head := file.read(27)) == 27 and head[:4] == b"OggS":
            begins = bool(head[5] & 2)
            if begins and went_on:
                return True
            went_on = went_on or not begins
            file.seek(sum(file.read(head[26])), io.SEEK_CUR)
    return False


def _beyond_chunks(path: Path, order: str) -> str | None:
    """Bytes behind the sound's stated end that are no chunks."""
    size, position, seen_sound = path.stat().st_size, 12, False
    with path.open("rb") as file:
        while position + 8 <= size:
            file.seek(position)
            head = file.read(8)
            end = position + 8 + int.from_bytes(head[4:], "big" if order == "big" else "little")
            if seen_sound and (not _CHUNK_NAME.fullmatch(head[:4]) or end > size + 1):
                break
            seen_sound = seen_sound or head[:4] in (b"data", b"SSND")
            position = end + (end & 1)
    rest = size - position
    return f"{rest} bytes behind the end that its header states" if seen_sound and rest > _SLACK_BYTES else None
