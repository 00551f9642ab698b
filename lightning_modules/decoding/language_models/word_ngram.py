"""A word n-gram for a recogniser of characters: it speaks when a word ends (Hannun 2014), at a space or at the end.

Inside a word no language model takes part. A word that the n-gram does not know counts as ``<unk>`` if it has that
symbol, else as ``unknown_log_prob``, and leaves no context. With a word list the search leaves no prefix in the beam
that none of its words begins with: a list is a lexicon without weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lightning_modules.decoding.language_models.language_model import BackoffNgrams
from lightning_modules.decoding.language_models.ngram_table import NgramTable, compile_ngrams
from lightning_modules.decoding.language_models.spelling import UNKNOWN_WORD, Spelling, compile_spelling

SPACE = " "
UNKNOWN = "<unk>"
UNKNOWN_LOG_PROB = -16.0  # natural log: about one word in ten million


class WordNgram:
    """A word n-gram's table and the spellings of its words in a recogniser's tokens.

    ``symbols`` are the recogniser's: ``symbols[token]`` is a character, one of them the space, token 0 the blank.
    ``word_list``: the only words that hypotheses may hold; one the n-gram lacks counts as unknown, one with a
    character that the recogniser lacks cannot be written. Raises ``ValueError`` for n-grams of characters, symbols
    without a space, a floor above 0 and a list of which nothing can be written.
    """

    def __init__(
        self,
        ngrams: BackoffNgrams,
        *,
        symbols: Sequence[str],
        word_list: Iterable[str] | None = None,
        unknown_log_prob: float = UNKNOWN_LOG_PROB,
    ) -> None:
        if ngrams.unit != "word":
            raise ValueError(f"n-grams of unit {ngrams.unit!r}, allowed: 'word'")
        if SPACE not in symbols:
            raise ValueError(f"symbols without {SPACE!r}: a word n-gram needs to see where words end")
        if not unknown_log_prob <= 0:
            raise ValueError(f"unknown_log_prob {unknown_log_prob}, allowed: a log probability, 0 or less")
        self.symbols = tuple(symbols)
        self.unknown_log_prob = unknown_log_prob
        self.table: NgramTable = compile_ngrams(ngrams)
        known = {word: token for token, word in enumerate(ngrams.symbols) if token > 0}
        self.unknown_word = known.get(UNKNOWN, -1)
        words = known.keys() - {UNKNOWN} if word_list is None else set(word_list)
        token_of = {symbol: token for token, symbol in enumerate(symbols) if token > 0 and symbol != SPACE}
        spelt = [
            (tuple(token_of[character] for character in word), known.get(word, UNKNOWN_WORD))
            for word in sorted(words)
            if word and token_of.keys() >= set(word)
        ]
        if word_list is not None and not spelt:
            raise ValueError(f"none of the {len(words)} words of the list can be written with the recogniser's symbols")
        self.spelling: Spelling = compile_spelling(spelt, is_closed=word_list is not None)
