"""Text files that users bring, read as UTF-8 or refused in one line. Standard library only.

Names may fail to be UTF-8 in two ways: bytes of another encoding (``caf\\xe9.wav`` of a list in Latin-1), and halves of
surrogate pairs, which Python's own file names and JSON escapes (``"caf\\udce9.wav"``) hold for bytes that could not be
decoded. Neither can be written into a manifest, a card or a report.
"""

from __future__ import annotations

import re
from pathlib import Path

_SURROGATE = re.compile("[\ud800-\udfff]")


class NotUtf8Error(ValueError):
    """A file that is not UTF-8; the text names file, line and what stands there."""


def read_utf8(path: Path) -> str:
    """A file's text, its line ends ``\\n``, without a byte-order mark.

    Raises ``NotUtf8Error`` for bytes that are not UTF-8 and for NUL, ``OSError`` for a file that can't be opened.
    """
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        number = len(re.findall(rb"\r\n?|\n", data[: max(data.find(b"\0"), 0)])) + 1
        raise NotUtf8Error(
            f"{printable(str(path))}, line {number}: not UTF-8 text but UTF-16 or no text, allowed: UTF-8; "
            "convert: iconv -f UTF-16 -t UTF-8"
        )
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        without_mark = error.object
        number = len(re.findall(rb"\r\n?|\n", without_mark[: error.start])) + 1
        bytes_there = ascii(without_mark[error.start : error.start + 8])[2:-1]
        raise NotUtf8Error(
            f"{printable(str(path))}, line {number}: not UTF-8 text ({error.reason} at byte {error.start}: "
            f"{bytes_there}), allowed: UTF-8; convert: iconv -f LATIN1 -t UTF-8, or from what it was written in"
        ) from error


def has_surrogate(text: str) -> bool:
    """Whether a text holds half of a surrogate pair, and so cannot be written as UTF-8.

    >>> has_surrogate("caf\\udce9"), has_surrogate("café 😀")
    (True, False)
    """
    return _SURROGATE.search(text) is not None


def printable(text: str) -> str:
    r"""The text with halves of surrogate pairs as escapes, so that any stream takes it.

    >>> printable("caf\udce9.tsv") == r"caf\udce9.tsv"
    True
    """
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8")
