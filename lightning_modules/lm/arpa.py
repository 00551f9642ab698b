"""ARPA files: the text format of back-off n-grams that every toolkit reads. Logarithms: base 10 there, natural here.

Token 0 is written ``<s>`` at an n-gram's start and ``</s>`` at its end; the space of a character model, which the
format uses as its separator, is written ``<space>``. Probabilities keep nine digits. Files of other toolkits are read
as Kaldi does: n-grams with ``<s>`` behind their start or ``</s>`` before their end say nothing of any sentence, and are
skipped with a warning. Files may be compressed (gzip).
"""

from __future__ import annotations

import codecs
import gzip
import math
import re
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, TextIO

from datamodules.run_warning import RunWarning
from lightning_modules.decoding.language_model import BOUNDARY, BackoffNgrams, Ngram

START, END, SPACE = "<s>", "</s>", "<space>"
BOUNDARY_SYMBOL = "<blank>"  # what a vocabulary calls token 0
NEVER = -99.0  # the format's log10 of zero, for <s> as a prediction
LOG_10 = math.log(10.0)
ROUNDING = 1e-6  # how far above 0 the log10 of a probability may be written
_GZIP, _KENLM = b"\x1f\x8b", b"mmap lm "  # how files begin that are no plain text
_COUNT = re.compile(r"ngram\s+(\d+)\s*=\s*(\d+)", re.ASCII)


def write_arpa(path: Path, ngrams: BackoffNgrams) -> None:
    """Write ``path`` in one step. Raises ``ValueError`` for symbols that the format has no way to write."""
    written = [SPACE if symbol == " " else symbol for symbol in ngrams.symbols]
    for symbol in written[1:]:
        if symbol in (START, END) or not symbol or any(separator in symbol for separator in " \t\r\n"):
            raise ValueError(f"{path}: the symbol {symbol!r} cannot be written in an ARPA file")
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8", newline="\n") as file:
        print("\\data\\", file=file)
        for length, table in enumerate(ngrams.tables, start=1):
            print(f"ngram {length}={len(table) + (length == 1)}", file=file)  # <s> is a unigram of its own there
        for length, table in enumerate(ngrams.tables, start=1):
            print(f"\n\\{length}-grams:", file=file)
            _write_table(file, table=table, written=written, is_last=length == ngrams.order)
        print("\n\\end\\", file=file)
    partial.replace(path)


def _write_table(
    file: TextIO, *, table: Mapping[tuple[int, ...], Ngram], written: Sequence[str], is_last: bool
) -> None:
    for gram, entry in sorted(table.items()):
        words = [written[token] for token in gram]
        if gram[0] == BOUNDARY:
            words[0] = START
        if gram[-1] == BOUNDARY:
            words[-1] = END
        backoff = "" if is_last or (gram[-1] == BOUNDARY) else f"\t{entry.log_backoff / LOG_10:.9g}"
        print(f"{entry.log_prob / LOG_10:.9g}\t{' '.join(words)}{backoff}", file=file)
        if gram == (BOUNDARY,):
            print(f"{NEVER:g}\t{START}" + ("" if is_last else f"\t{entry.log_backoff / LOG_10:.9g}"), file=file)


class ArpaError(ValueError):
    """A file that is no ARPA file, or not of this vocabulary; the message names file and line."""


def read_arpa(path: Path, *, unit: Literal["character", "word"], symbols: Sequence[str] | None = None) -> BackoffNgrams:
    """The n-grams of a file, in the token ids of ``symbols`` (default: the order of the file's unigrams, 0 the blank).

    Raises ``ArpaError`` for a malformed line, a count that the header contradicts, a weight that is no logarithm of a
    probability, a symbol outside ``symbols``, one of ``symbols`` that the file lacks, a binary file, and text that is
    not UTF-8. Warns (``RunWarning``) of n-grams that were skipped, and of a file without ``</s>``.
    """
    sections = list(_sections(path, _text_lines(path)))
    if symbols is None:
        words = [words[0] for _, words, _ in sections[0][1] if words[0] not in (START, END)]
        symbols = (BOUNDARY_SYMBOL, *(" " if word == SPACE else word for word in words))
    ids = {SPACE if symbol == " " else symbol: token for token, symbol in enumerate(symbols)}
    ids |= {START: BOUNDARY, END: BOUNDARY}
    tables, skipped = [], list[_Line]()
    for length, (where, lines) in enumerate(sections, start=1):
        table: dict[tuple[int, ...], Ngram] = {}
        for number, gram_words, entry in lines:
            if START in gram_words[1:] or END in gram_words[:-1]:
                skipped.append((number, gram_words, entry))
                continue
            gram = _gram(gram_words, ids, where=f"{path}:{number}")
            if gram_words == (START,):  # its back-off weight joins the entry of </s>
                table[gram] = Ngram(table.get(gram, Ngram(NEVER * LOG_10)).log_prob, entry.log_backoff)
            elif gram_words == (END,):
                table[gram] = Ngram(entry.log_prob, table.get(gram, Ngram(0.0)).log_backoff)
            elif gram in table:
                raise ArpaError(f"{path}:{number}: the n-gram {' '.join(gram_words)!r} occurs twice")
            else:
                table[gram] = entry
        if length == 1 and (missing := [s for token, s in enumerate(symbols) if (token,) not in table]):
            first = END if (BOUNDARY,) not in table else missing[0]
            raise ArpaError(f"{path}:{where}: no unigram for the symbol {first!r} ({len(missing)} are missing)")
        tables.append(table)
    _warn(path, skipped=skipped, has_end=any(words == (END,) for _, words, _ in sections[0][1]))
    return BackoffNgrams(symbols=tuple(symbols), unit=unit, tables=tuple(tables))


_Line = tuple[int, tuple[str, ...], Ngram]  # line number, words, entry


def _warn(path: Path, *, skipped: Sequence[_Line], has_end: bool) -> None:
    if skipped:
        number, words, _ = skipped[0]
        warnings.warn(
            f"{path}: {len(skipped)} n-grams with {START} behind their start or {END} before their end are skipped, "
            f"the first on line {number}: {' '.join(words)!r}",
            category=RunWarning,
            stacklevel=3,
        )
    if not has_end:
        warnings.warn(f"{path}: no unigram {END}: texts do not end ({NEVER:g})", category=RunWarning, stacklevel=3)


def _text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(Number, text) of each line of a plain or compressed file, white space around it removed."""
    with path.open("rb") as file:
        magic = file.read(len(_KENLM))
    if magic == _KENLM:
        raise ArpaError(f"{path}:1: a binary file of KenLM, allowed: the ARPA file that it was built from")
    number = 0
    try:
        with gzip.open(path) if magic.startswith(_GZIP) else path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                text = (line.removeprefix(codecs.BOM_UTF8) if number == 1 else line).decode("utf-8")
                yield number, text.strip(" \t\r\n")
    except UnicodeDecodeError as error:
        there = ascii(error.object[error.start : error.start + 8])[2:-1]
        raise ArpaError(
            f"{path}:{number}: not UTF-8 text ({there}), allowed: UTF-8 (of Latin-1: iconv -f LATIN1 -t UTF-8)"
        ) from error
    except EOFError as error:
        raise ArpaError(f"{path}:{number + 1}: the compressed file is cut short") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ArpaError(f"{path}:{number + 1}: the compressed file is damaged ({error})") from error


def _sections(path: Path, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, list[_Line]]]:
    """Each order's first line number and its lines."""
    announced = _header(path, lines)
    number = 0
    for length, count in enumerate(announced, start=1):
        number, line = _next(path, lines, expected=f"\\{length}-grams:")
        if line != f"\\{length}-grams:":
            raise ArpaError(f"{path}:{number}: expected \\{length}-grams:, got {line[:40]!r}")
        section, found = number, []
        for _ in range(count):
            number, line = _next(path, lines, expected=f"{count} n-grams of length {length}")
            found.append((number, *_entry(line, length=length, where=f"{path}:{number}")))
        yield section, found
    number, line = _next(path, lines, expected="\\end\\")
    if line != "\\end\\":
        raise ArpaError(f"{path}:{number}: expected \\end\\ after the announced n-grams, got {line[:40]!r}")


def _header(path: Path, lines: Iterator[tuple[int, str]]) -> list[int]:
    """The announced numbers of n-grams; reads up to the empty line after them."""
    if not any(line == "\\data\\" for _, line in lines):
        raise ArpaError(f"{path}:1: no line \\data\\: not an ARPA file")
    counts: list[int] = []
    for number, line in lines:
        if not line and counts:
            return counts
        announced = _COUNT.fullmatch(line)
        if announced is None or int(announced[1]) != len(counts) + 1:
            raise ArpaError(f"{path}:{number}: expected 'ngram {len(counts) + 1}=COUNT', got {line[:40]!r}")
        counts.append(int(announced[2]))
    raise ArpaError(f"{path}: the file ends within its header")


def _next(path: Path, lines: Iterator[tuple[int, str]], *, expected: str) -> tuple[int, str]:
    for number, line in lines:
        if line:
            return number, line
    raise ArpaError(f"{path}: the file ends where {expected} should follow")


def _entry(line: str, *, length: int, where: str) -> tuple[tuple[str, ...], Ngram]:
    fields = [field for field in line.replace("\t", " ").split(" ") if field]
    if len(fields) not in (length + 1, length + 2):
        raise ArpaError(f"{where}: expected a log10 probability, {length} symbols and perhaps a back-off weight")
    try:
        numbers = [float(field) * LOG_10 for field in (fields[0], *fields[length + 1 :])]
    except ValueError:
        raise ArpaError(f"{where}: {line[:60]!r} has no number where one is expected") from None
    if not all(map(math.isfinite, numbers)) or numbers[0] > ROUNDING * LOG_10:
        raise ArpaError(
            f"{where}: {line[:60]!r}, allowed: a log10 probability of 0 at most and a finite back-off weight"
        )
    return tuple(fields[1 : length + 1]), Ngram(*numbers)


def _gram(words: tuple[str, ...], ids: dict[str, int], *, where: str) -> tuple[int, ...]:
    for word in words:
        if word not in ids:
            raise ArpaError(f"{where}: the symbol {word!r} is not in the vocabulary of {len(ids) - 2}")
    return tuple(ids[word] for word in words)
