"""Subwords: pieces between characters and words, learnt by byte-pair encoding (Sennrich et al. 2016).

Every word begins with a mark, ``▁``, the space before it (Kudo & Richardson 2018), so that pieces spell their text
exactly: joined, and the marks read as spaces. From the characters of the training texts on, the pair of neighbouring
pieces that is the most frequent becomes a piece of its own, again and again. A word is split by the vocabulary alone:
of all neighbours that joined are a piece, those whose piece was learnt first are joined, until none is left. So the
symbols of a run, which all that it stores has, are all that its tokenizer is.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from datamodules.annotations import Unit

MARK = "▁"  # U+2581: no ARPA file could hold a space
RAREST = 2  # a pair that occurs once teaches nothing

Pair = tuple[int, int]


def learnt_subwords(texts: Iterable[str], *, size: int) -> tuple[str, ...]:
    """``size`` pieces: the mark, the texts' characters by code point, then what was learnt, in its order.

    Of equally frequent pairs the one of the earlier pieces comes first. Raises ``ValueError`` for a text with the mark
    in it, for fewer pieces than characters and for more than occur.

    >>> learnt_subwords(["see the sea", "the bee"], size=12)
    ('▁', 'a', 'b', 'e', 'h', 's', 't', '▁s', '▁t', 'ee', 'he', '▁the')
    """
    counts = Counter(MARK + word for text in texts for word in text.split())
    if marked := next((word for word in counts if MARK in word[1:]), None):
        raise ValueError(f"the word {marked[1:]!r} has the character {MARK!r}, which marks the begin of words")
    characters = sorted(set().union(*map(set, counts)) - {MARK})
    if size <= len(characters):
        raise ValueError(f"{size} pieces are too few, allowed: {len(characters) + 1} (each character) or more")
    learner = _Learner([MARK, *characters], counts)
    while len(learner.pieces) < size:
        if not learner.join_next():
            raise ValueError(f"{size} pieces are too many: the texts have {len(learner.pieces)} that occur twice")
    return tuple(learner.pieces)


class _Learner:
    """The words as pieces, and how often each pair of neighbours occurs."""

    def __init__(self, pieces: list[str], word_counts: Counter[str]) -> None:
        self.pieces = pieces
        self._ids = {piece: number for number, piece in enumerate(pieces)}
        self._words = [[self._ids[character] for character in word] for word in word_counts]
        self._word_counts = list(word_counts.values())
        self._counts: Counter[Pair] = Counter()
        self._places: dict[Pair, set[int]] = defaultdict(set)  # words that have, or had, the pair
        for number in range(len(self._words)):
            self._count(number, 1)
        self._heap = [(-count, pair) for pair, count in self._counts.items()]
        heapq.heapify(self._heap)

    def join_next(self) -> bool:
        """Make a piece of the most frequent pair; False where none is left."""
        while self._heap:
            count, pair = heapq.heappop(self._heap)
            if -count == self._counts[pair] >= RAREST:  # else a count of before
                self._join(pair)
                return True
        return False

    def _join(self, pair: Pair) -> None:
        piece = self.pieces[pair[0]] + self.pieces[pair[1]]
        if piece not in self._ids:  # other pairs may have spelled it
            self._ids[piece] = len(self.pieces)
            self.pieces.append(piece)
        changed: set[Pair] = set()
        for number in self._places.pop(pair):
            changed |= self._count(number, -1)
            self._words[number] = _joined(self._words[number], pair, self._ids[piece])
            changed |= self._count(number, 1)
        for one in changed:
            heapq.heappush(self._heap, (-self._counts[one], one))

    def _count(self, number: int, sign: int) -> set[Pair]:
        pairs = list(pairwise(self._words[number]))
        for pair in pairs:
            self._counts[pair] += sign * self._word_counts[number]
            self._places[pair].add(number)
        return set(pairs)


def _joined(pieces: Sequence[int], pair: Pair, piece: int) -> list[int]:
    joined: list[int] = []
    place = 0
    while place < len(pieces):
        is_pair = tuple(pieces[place : place + 2]) == pair
        joined.append(piece if is_pair else pieces[place])
        place += 2 if is_pair else 1
    return joined


class SubwordSplitter:
    """Splits texts into the pieces of a vocabulary, earlier ones preferred; a character that it lacks stands alone.

    >>> splitter = SubwordSplitter(["▁", "e", "h", "t", "he", "▁t", "▁the"])
    >>> splitter.split("the hex the")
    ['▁the', '▁', 'he', 'x', '▁the']
    """

    def __init__(self, symbols: Sequence[str]) -> None:
        self._rank = {symbol: number for number, symbol in enumerate(symbols)}
        self._known: dict[str, list[str]] = {}

    def split(self, text: str) -> list[str]:
        """The pieces of a text; joined, the marks spaces but for the first, they spell it."""
        return [piece for word in text.split() for piece in self._pieces(word)]

    def _pieces(self, word: str) -> list[str]:
        if word not in self._known:
            pieces = [MARK, *word]
            while True:
                ranked = [
                    (self._rank[left + right], place)
                    for place, (left, right) in enumerate(pairwise(pieces))
                    if left + right in self._rank
                ]
                if not ranked:
                    break
                _, place = min(ranked)
                pieces[place : place + 2] = [pieces[place] + pieces[place + 1]]
            self._known[word] = pieces
        return self._known[word]


def split_into(unit: Unit, text: str, subwords: SubwordSplitter) -> Sequence[str]:
    """A text's characters, subwords or words; the space is a character.

    >>> split_into("word", "ba a", SubwordSplitter(())), list(split_into("character", "ba a", SubwordSplitter(())))
    (['ba', 'a'], ['b', 'a', ' ', 'a'])
    """
    match unit:
        case "character":
            return text
        case "subword":
            return subwords.split(text)
        case "word":
            return text.split()
