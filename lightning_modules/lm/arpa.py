"""ARPA files: the text format of back-off n-grams that every toolkit reads. Logarithms: base 10 there, natural here.

Token 0 is written ``<s>`` at an n-gram's start and ``</s>`` at its end; the space of a character model, which the
format uses as its separator, is written ``<space>``. Probabilities keep nine digits.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from datamodules.annotations import Unit
from datamodules.run_warning import RunWarning
from lightning_modules.decoding.language_models.language_model import BOUNDARY, BackoffNgrams, Ngram
from lightning_modules.lm.arpa_lines import LOG_10, ArpaError, Line, arpa_sections

START, END, SPACE = "<s>", "</s>", "<space>"
BOUNDARY_SYMBOL = "<blank>"  # what a vocabulary calls token 0
NEVER = -99.0  # the format's log10 of zero, for <s> as a prediction


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


def read_arpa(path: Path, *, unit: Unit, symbols: Sequence[str] | None = None) -> BackoffNgrams:
    """The n-grams of a file, in the token ids of ``symbols`` (default: the order of the file's unigrams, 0 the blank).

    N-grams that go on after ``</s>`` or have ``<s>`` after their first word say nothing about a text: they are skipped,
    as Kaldi's arpa2fst does, with one ``RunWarning``. Raises ``ArpaError`` for a malformed line, a count that the
    header contradicts, a symbol outside ``symbols``, and one of ``symbols`` that the file lacks.
    """
    sections = list(arpa_sections(path))
    if symbols is None:
        words = [line.words[0] for line in sections[0][1] if line.words[0] not in (START, END)]
        symbols = (BOUNDARY_SYMBOL, *(" " if word == SPACE else word for word in words))
    _check_boundary(path, sections)
    # Token 0 is left out: a word written as the blank's symbol is no boundary.
    ids = {SPACE if symbol == " " else symbol: token for token, symbol in enumerate(symbols) if token != BOUNDARY}
    ids |= {START: BOUNDARY, END: BOUNDARY}
    skipped = [line for _, lines in sections for line in lines if _is_boundary_inside(line.words)]
    tables = [
        _table(path, [line for line in lines if not _is_boundary_inside(line.words)], ids) for _, lines in sections
    ]
    if missing := [symbol for token, symbol in enumerate(symbols) if (token,) not in tables[0]]:
        raise ArpaError(
            f"{path}:{sections[0][0]}: no unigram for the symbol {missing[0]!r} ({len(missing)} are missing)"
        )
    if skipped:
        first = skipped[0]
        _warn(
            f"{path}:{first.number}: n-grams with {START} inside or {END} before the end are skipped: {len(skipped)}, "
            f"the first is {' '.join(first.words)!r}"
        )
    return BackoffNgrams(symbols=tuple(symbols), unit=unit, tables=tuple(tables))


def _is_boundary_inside(words: tuple[str, ...]) -> bool:
    """Both share token 0, so ``</s> <s>`` would pass for ``<s> </s>``, the empty text."""
    return START in words[1:] or END in words[:-1]


def _check_boundary(path: Path, sections: Sequence[tuple[int, list[Line]]]) -> None:
    """Say what a file without ``<s>`` or ``</s>`` is read as; refuse one with neither."""
    where, unigrams = sections[0]
    words = {line.words[0] for line in unigrams}
    if END not in words and START not in words:
        raise ArpaError(f"{path}:{where}: no unigram {END} and no unigram {START}: no text begins or ends")
    if END not in words:
        _warn(f"{path}:{where}: no unigram {END}: the end of a text is read as log10 probability {NEVER:g}")
    if START not in words and len(sections) > 1:
        _warn(f"{path}:{where}: no unigram {START}: its back-off weight is read as 0")


def _warn(message: str) -> None:
    warnings.warn(message, RunWarning, stacklevel=3)


def _table(path: Path, lines: Sequence[Line], ids: Mapping[str, int]) -> dict[tuple[int, ...], Ngram]:
    """One order's n-grams in token ids."""
    table: dict[tuple[int, ...], Ngram] = {}
    seen: set[tuple[str, ...]] = set()
    for number, words, entry in lines:
        gram = _gram(words, ids, where=f"{path}:{number}")
        if words in seen:
            raise ArpaError(f"{path}:{number}: the n-gram {' '.join(words)!r} occurs twice")
        seen.add(words)
        if words == (START,):  # its back-off weight joins the entry of </s>
            table[gram] = Ngram(table.get(gram, Ngram(NEVER * LOG_10)).log_prob, entry.log_backoff)
        elif words == (END,):
            table[gram] = Ngram(entry.log_prob, table.get(gram, Ngram(0.0)).log_backoff)
        else:
            table[gram] = entry
    return table


def _gram(words: tuple[str, ...], ids: Mapping[str, int], *, where: str) -> tuple[int, ...]:
    for word in words:
        if word not in ids:
            raise ArpaError(f"{where}: the symbol {word!r} is not in the vocabulary of {len(ids) - 1}")
    return tuple(ids[word] for word in words)
