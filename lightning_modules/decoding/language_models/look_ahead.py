"""Character look-ahead of a word n-gram: inside a word the model already says what the word may become.

A ``WordNgram`` is silent until a word ends, and then speaks all at once: the right prefix may have left the beam. Here
a prefix of a word has the probability mass of all words that begin so, given the history (Ortmanns, Ney & Eiden 1996),

    mass(h, s) = sum of P(w | h) over the words w that begin with s,

and each character multiplies by what it leaves of the mass. At the word's end the product is P(w | h), exactly: final
scores are those of the word n-gram, only the beam is led better. ``mass`` backs off as the n-gram does, so that it is
a back-off table itself, over places of the words' trie in place of words.

Words outside the vocabulary are spelled by a character n-gram S (``UnknownWords``), with an escape probability e:

    P(w | h) = (1 - e) p(w | h) + (e + (1 - e) p(<unk> | h)) S(w),   P(end | h) = (1 - e) p(end | h),

which sum to one (a known word may be spelled, too). Without a spelling model the vocabulary is closed.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import BLANK
from lightning_modules.decoding.language_models.language_model import BOUNDARY, BackoffNgrams
from lightning_modules.decoding.language_models.ngram_table import EMPTY, NgramTable, advance, compile_ngrams
from lightning_modules.decoding.language_models.spelling import NO_WORD, ROOT, UNKNOWN_WORD, Spelling
from lightning_modules.decoding.language_models.word_ngram import SPACE, WordNgram
from lightning_modules.decoding.texts import is_tag

NO_TABLE = NgramTable(
    np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64),
    np.zeros(0), 0,
)  # fmt: skip


class UnknownWords(NamedTuple):
    """``ngrams`` spell words in a recogniser's tokens; ``escape`` is the probability that a word is spelled."""

    ngrams: BackoffNgrams
    escape: float


class LookAhead(NamedTuple):
    """For the compiled search. ``log_start`` makes up for the empty word, which S gives a share and nobody writes."""

    mass: NgramTable
    spelling: NgramTable
    log_start: float
    log_escape: float
    log_keep: float
    is_open: bool


NO_LOOK_AHEAD = LookAhead(NO_TABLE, NO_TABLE, 0.0, -math.inf, 0.0, is_open=False)


class LookAheadNgram(WordNgram):
    """A ``WordNgram`` with look-ahead: of its words (or ``word_list``) alone, or open by ``unknown``.

    Raises ``ValueError`` as ``WordNgram``, for an escape that is no probability, and for a closed list with words that
    an n-gram without ``<unk>`` lacks.
    """

    def __init__(
        self,
        ngrams: BackoffNgrams,
        *,
        symbols: Sequence[str],
        word_list: Iterable[str] | None = None,
        unknown: UnknownWords | None = None,
    ) -> None:
        known = [word for word in ngrams.symbols[1:] if word not in ("<unk>",)]
        super().__init__(ngrams, symbols=symbols, word_list=known if word_list is None else word_list)
        if unknown is None:
            self.look_ahead = NO_LOOK_AHEAD._replace(mass=_mass(self.table, self.spelling, self.unknown_word))
            return
        if not 0 < unknown.escape < 1:
            raise ValueError(f"escape {unknown.escape}, allowed: a probability above 0 and below 1")
        self.spelling = self.spelling._replace(
            word_P=np.where(self.spelling.word_P == UNKNOWN_WORD, NO_WORD, self.spelling.word_P), is_closed=False
        )
        of_empty = math.exp(unknown.ngrams.log_prob(BOUNDARY, (BOUNDARY,)))
        self.look_ahead = LookAhead(
            mass=_mass(self.table, self.spelling, self.unknown_word),
            spelling=compile_ngrams(unknown.ngrams),
            log_start=-math.log1p(-of_empty),
            log_escape=math.log(unknown.escape),
            log_keep=math.log1p(-unknown.escape),
            is_open=True,
        )


def spelled_characters(symbols: Sequence[str]) -> tuple[str, ...]:
    """The symbols that words are spelled with: all but the space and tags, the blank first.

    >>> spelled_characters(("<blank>", " ", "a", "b", "<nl>"))
    ('<blank>', 'a', 'b')
    """
    return tuple(
        symbol for token, symbol in enumerate(symbols) if token == BLANK or not (symbol == SPACE or is_tag(symbol))
    )


def in_tokens(ngrams: BackoffNgrams, symbols: Sequence[str]) -> BackoffNgrams:
    """N-grams of ``spelled_characters`` in the token ids of ``symbols``."""
    token_of = {symbol: token for token, symbol in enumerate(symbols)}
    tokens = [token_of[symbol] for symbol in ngrams.symbols]
    tables = tuple(
        {tuple(tokens[one] for one in gram): entry for gram, entry in table.items()} for table in ngrams.tables
    )
    return BackoffNgrams(tuple(symbols), ngrams.unit, tables)


def unseen_share(texts: Iterable[str]) -> float:
    """Good & Turing's probability (1953) that the next word is one that the texts lack: words seen once / all words.

    Where none or every word was seen once it is kept within 1 and N - 1 of the N words.

    >>> unseen_share(["a b a", "c a"])
    0.4
    """
    counts = Counter(word for text in texts for word in text.split())
    total = counts.total()
    once = sum(count == 1 for count in counts.values())
    return min(max(once, 1), max(total - 1, 1)) / max(total, 2)


def _mass(table: NgramTable, spelling: Spelling, unknown_word: int) -> NgramTable:
    """The table of ``log mass`` over places: in each context the places whose words the context lists."""
    paths = _paths(spelling, unknown_word)
    num_places = len(spelling.word_P)
    rows: list[dict[int, float]] = []
    for context in range(len(table.shorter_N)):
        shorter = int(table.shorter_N[context])
        backoff = math.exp(table.log_backoff_N[context]) if context != EMPTY else 0.0
        added: dict[int, float] = dict.fromkeys(range(num_places), 0.0) if context == EMPTY else defaultdict(float)
        for entry in range(table.row_start_N1[context], table.row_start_N1[context + 1]):
            token = int(table.token_E[entry])
            if token not in paths:
                continue
            more = math.exp(table.log_prob_E[entry])
            if context != EMPTY:
                more -= backoff * math.exp(advance(table, shorter, token)[0])
            for path in paths[token]:
                for place in path:
                    added[place] += more
        if context != EMPTY:
            added = {place: more + backoff * _look_up(rows, table, shorter, place) for place, more in added.items()}
        rows.append(added)
    places = [sorted(row) for row in rows]
    masses = [row[place] for row, at in zip(rows, places, strict=True) for place in at]
    return table._replace(
        row_start_N1=np.cumsum([0, *map(len, places)]).astype(np.int64),
        token_E=np.array([place for at in places for place in at], np.int32),
        log_prob_E=_logs(masses),
        next_context_E=np.zeros(len(masses), np.int64),
    )


def _logs(masses: Sequence[float]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        return np.log(np.maximum(np.array(masses, np.float64), 0.0))  # what rounding took below 0 is none


def _look_up(rows: Sequence[Mapping[int, float]], table: NgramTable, context: int, place: int) -> float:
    backoff = 1.0
    while place not in rows[context]:
        backoff *= math.exp(table.log_backoff_N[context])
        context = int(table.shorter_N[context])
    return backoff * rows[context][place]


def _paths(spelling: Spelling, unknown_word: int) -> dict[int, list[tuple[int, ...]]]:
    """The places of each word, from the root to its end, by the language model's id."""
    found: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    for path in _walk(spelling):
        word = int(spelling.word_P[path[-1]])
        if word == UNKNOWN_WORD and unknown_word < 0:
            raise ValueError("look-ahead over words that an n-gram without <unk> lacks; allowed: words that it has")
        if word != NO_WORD:
            found[unknown_word if word == UNKNOWN_WORD else word].append(path)
    return found


def _walk(spelling: Spelling) -> Iterator[tuple[int, ...]]:
    waiting: list[tuple[int, ...]] = [(ROOT,)]
    while waiting:
        path = waiting.pop()
        yield path
        edges = range(spelling.edge_start_P1[path[-1]], spelling.edge_start_P1[path[-1] + 1])
        waiting += [(*path, int(spelling.place_E[edge])) for edge in edges]
