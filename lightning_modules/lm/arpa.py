"""ARPA files: the text format of back-off n-grams that every toolkit reads. Logarithms: base 10 there, natural here.

Token 0 is written ``<s>`` at an n-gram's start and ``</s>`` at its end; the space of a character model, which the
format uses as its separator, is written ``<space>``. Probabilities keep nine digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, TextIO

from lightning_modules.decoding.language_model import BOUNDARY, BackoffNgrams, Ngram

START, END, SPACE = "<s>", "</s>", "<space>"
BOUNDARY_SYMBOL = "<blank>"  # what a vocabulary calls token 0
NEVER = -99.0  # the format's log10 of zero, for <s> as a prediction
LOG_10 = math.log(10.0)


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

    Raises ``ArpaError`` for a malformed line, a count that the header contradicts, a symbol outside ``symbols``, and
    one of ``symbols`` that the file lacks.
    """
    with path.open(encoding="utf-8", newline="\n") as file:
        sections = list(_sections(path, file))
    if symbols is None:
        words = [words[0] for _, words, _ in sections[0][1] if words[0] not in (START, END)]
        symbols = (BOUNDARY_SYMBOL, *(" " if word == SPACE else word for word in words))
    ids = {SPACE if symbol == " " else symbol: token for token, symbol in enumerate(symbols)}
    ids |= {START: BOUNDARY, END: BOUNDARY}
    tables = []
    for length, (where, lines) in enumerate(sections, start=1):
        table: dict[tuple[int, ...], Ngram] = {}
        for number, gram_words, entry in lines:
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
            raise ArpaError(f"{path}:{where}: no unigram for the symbol {missing[0]!r} ({len(missing)} are missing)")
        tables.append(table)
    return BackoffNgrams(symbols=tuple(symbols), unit=unit, tables=tuple(tables))


_Line = tuple[int, tuple[str, ...], Ngram]  # line number, words, entry


def _sections(path: Path, file: TextIO) -> Iterator[tuple[int, list[_Line]]]:
    """Each order's first line number and its lines."""
    lines = ((number, line.strip(" \t\r\n")) for number, line in enumerate(file, start=1))
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
        length, _, count = line.removeprefix("ngram ").partition("=")
        if not (line.startswith("ngram ") and length.strip() == str(len(counts) + 1) and count.strip().isdecimal()):
            raise ArpaError(f"{path}:{number}: expected 'ngram {len(counts) + 1}=COUNT', got {line[:40]!r}")
        counts.append(int(count))
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
    return tuple(fields[1 : length + 1]), Ngram(*numbers)


def _gram(words: tuple[str, ...], ids: dict[str, int], *, where: str) -> tuple[int, ...]:
    for word in words:
        if word not in ids:
            raise ArpaError(f"{where}: the symbol {word!r} is not in the vocabulary of {len(ids) - 2}")
    return tuple(ids[word] for word in words)
