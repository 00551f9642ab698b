"""The lines of an ARPA file, plain or gzipped: its sections and entries as written, whatever the vocabulary is."""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lightning_modules.decoding.language_models.language_model import Ngram

LOG_10 = math.log(10.0)
ROUNDING = 1e-6  # how far above 0 the log10 of a probability may be written: toolkits print 6 or more digits
GZIP, KENLM, UTF8_BOM = b"\x1f\x8b", b"mmap lm ", b"\xef\xbb\xbf"  # what such files begin with
COUNT = re.compile(r"ngram[ \t]+([0-9]{1,18})[ \t]*=[ \t]*([0-9]{1,18})")


class ArpaError(ValueError):
    """A file that is no ARPA file, or not of this vocabulary; the message names file and line."""


class Line(NamedTuple):
    """An n-gram as the file has it; ``number`` counts the file's lines from 1."""

    number: int
    words: tuple[str, ...]
    entry: Ngram


def arpa_sections(path: Path) -> Iterator[tuple[int, list[Line]]]:
    """Each order's first line number and its lines. Raises ``ArpaError`` for what is malformed."""
    lines = _text_lines(path)
    number = 0
    for length, count in enumerate(_header(path, lines), start=1):
        number, line = _next(path, lines, expected=f"\\{length}-grams:")
        if line != f"\\{length}-grams:":
            raise ArpaError(f"{path}:{number}: expected \\{length}-grams:, got {line[:40]!r}")
        section, found = number, []
        for _ in range(count):
            number, line = _next(path, lines, expected=f"{count} n-grams of length {length}")
            found.append(_entry(number, line, length=length, where=f"{path}:{number}"))
        yield section, found
    number, line = _next(path, lines, expected="\\end\\")
    if line != "\\end\\":
        raise ArpaError(f"{path}:{number}: expected \\end\\ after the announced n-grams, got {line[:40]!r}")


def _text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number and stripped text of each line; files that only look like text are named as what they are."""
    with path.open("rb") as file:
        is_gzip = file.read(len(GZIP)) == GZIP
    number = 0
    try:
        with gzip.open(path, "rb") if is_gzip else path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if number == 1 and line.startswith(KENLM):
                    raise ArpaError(f"{path}: a binary file of KenLM, allowed: the ARPA file that it was built from")
                text = line.removeprefix(UTF8_BOM) if number == 1 else line
                yield number, text.decode("utf-8").strip(" \t\r\n")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise ArpaError(f"{path}:{number}: byte 0x{byte:02x} is not UTF-8 (Latin-1?), allowed: UTF-8") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ArpaError(f"{path}: a damaged gzip file after line {number} ({error})") from None


def _header(path: Path, lines: Iterator[tuple[int, str]]) -> list[int]:
    """The announced numbers of n-grams; reads up to the empty line after them."""
    if not any(line == "\\data\\" for _, line in lines):
        raise ArpaError(f"{path}:1: no line \\data\\: not an ARPA file")
    counts: list[int] = []
    for number, line in lines:
        if not line and counts:
            return counts
        if not line:
            continue
        announced = COUNT.fullmatch(line)
        if announced is None or int(announced[1]) != len(counts) + 1:
            raise ArpaError(f"{path}:{number}: expected 'ngram {len(counts) + 1}=COUNT', got {line[:40]!r}")
        counts.append(int(announced[2]))
    raise ArpaError(f"{path}: the file ends within its header")


def _next(path: Path, lines: Iterator[tuple[int, str]], *, expected: str) -> tuple[int, str]:
    for number, line in lines:
        if line:
            return number, line
    raise ArpaError(f"{path}: the file ends where {expected} should follow")


def _entry(number: int, line: str, *, length: int, where: str) -> Line:
    fields = [field for field in line.replace("\t", " ").split(" ") if field]
    if len(fields) not in (length + 1, length + 2):
        raise ArpaError(f"{where}: expected a log10 probability, {length} symbols and perhaps a back-off weight")
    try:
        numbers = [float(field) for field in (fields[0], *fields[length + 1 :])]
    except ValueError:
        raise ArpaError(f"{where}: {line[:60]!r} has no number where one is expected") from None
    if not math.isfinite(numbers[0]) or numbers[0] > ROUNDING:
        raise ArpaError(f"{where}: log10 probability {fields[0]}, allowed: finite and at most 0 (-99 is never)")
    if not math.isfinite(numbers[-1]):
        raise ArpaError(f"{where}: back-off weight {fields[-1]}, allowed: a finite log10")
    return Line(number, tuple(fields[1 : length + 1]), Ngram(*(value * LOG_10 for value in numbers)))
