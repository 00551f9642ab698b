"""N-grams in the spelling of other toolkits, for tests: the same numbers, another order, header, precision and form."""

from __future__ import annotations

import math

from lightning_modules.decoding.language_models.language_model import BOUNDARY, BackoffNgrams, Ngram

DIGITS = 7  # that both write


def as_kenlm(ngrams: BackoffNgrams) -> str:
    """As lmplz writes it: ``<unk>``, ``<s>`` and ``</s>`` first, ``<s>`` is certain, back-offs at lower orders."""
    lines = ["\\data\\", *_counts(ngrams), ""]
    for order, table in enumerate(ngrams.tables, start=1):
        first = ("<unk>", "<s>", "</s>")
        rows = sorted(_rows(ngrams, table), key=lambda row: (row[0] not in first, row[0][::-1]))
        lines.append(f"\\{order}-grams:")
        for words, entry in rows:
            log_prob = 0.0 if words == "<s>" else entry.log_prob
            backoff = 0.0 if words.endswith("</s>") else entry.log_backoff
            lines.append(f"{_log10(log_prob)}\t{words}" + ("" if order == ngrams.order else f"\t{_log10(backoff)}"))
        lines.append("")
    return "\n".join([*lines, "\\end\\", ""])


def as_srilm(ngrams: BackoffNgrams) -> str:
    """As ngram-count writes it: a blank line first, n-grams in the order of their words, no back-off without a use."""
    lines = ["", "\\data\\", *_counts(ngrams), ""]
    for order, table in enumerate(ngrams.tables, start=1):
        longer = {gram[:-1] for gram in ngrams.tables[order]} if order < ngrams.order else set()
        used = {words for gram in longer for words in [_words(ngrams, gram)]}
        lines.append(f"\\{order}-grams:")
        for words, entry in sorted(_rows(ngrams, table), key=lambda row: row[0]):
            log_prob = "-99" if words == "<s>" else _log10(entry.log_prob)
            lines.append(f"{log_prob}\t{words}" + (f"\t{_log10(entry.log_backoff)}" if words in used else ""))
        lines.append("")
    return "\n".join([*lines, "\\end\\", ""])


def _counts(ngrams: BackoffNgrams) -> list[str]:
    return [f"ngram {order}={len(table) + (order == 1)}" for order, table in enumerate(ngrams.tables, start=1)]


def _rows(ngrams: BackoffNgrams, table: dict[tuple[int, ...], Ngram]) -> list[tuple[str, Ngram]]:
    """Words and numbers of an order; token 0 alone is ``</s>`` as a prediction and ``<s>`` as a context."""
    rows = []
    for gram, entry in table.items():
        if gram == (BOUNDARY,):
            rows.append(("</s>", entry))
        rows.append((_words(ngrams, gram), entry))
    return rows


def _words(ngrams: BackoffNgrams, gram: tuple[int, ...]) -> str:
    words = ["<space>" if ngrams.symbols[token] == " " else ngrams.symbols[token] for token in gram]
    if gram[0] == BOUNDARY:
        words[0] = "<s>"
    if gram[-1] == BOUNDARY and len(gram) > 1:
        words[-1] = "</s>"
    return " ".join(words)


def _log10(natural: float) -> str:
    return f"{natural / math.log(10):.{DIGITS}g}"
