"""Hotwords: words and phrases of a list get a bonus inside the beam, as they are spelled (contextual biasing).

A text gets ``bonus · characters`` of its *finds*: from left to right at each word the longest phrase that stands there
in whole words, none overlapping. The search has to know early what a prefix may become, so each character gets its
share when it is written, and the shares are taken back where the phrase fails: in "new yo" all of "new york" so far
has its share, "new yoga" has none of it, and "new" keeps its own if it stands in the list itself (Zhao et al. 2019 and
the shallow-fusion lists of Le et al. 2021 do so with weighted automata).

What a prefix has is a place in a trie of phrases, and where it fails a shorter place that a later word of it has come
to, with what was found before (Aho & Corasick 1975): all is worked out beforehand, in one table for the search.
Legend: P places, C characters of the phrases, the space and all others; V tokens, subwords and words spell several
characters each.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_modules.decoding.texts import MARK, are_words, has_subwords, is_tag

ROOT, LOST = 0, 1  # before a word's first character; within a word that no phrase has here
SPACE = " "


class HotwordTable(NamedTuple):
    """For the compiled search: the place after each token, and the factor of each; ``factor_PV[p, 0]`` ends the text.

    Columns are a language model's: 0 the boundary, which leads nowhere. ``is_empty``: no hotwords, nothing to look up.
    """

    next_PV: NDArray[np.int64]
    factor_PV: NDArray[np.float64]
    is_empty: bool


NO_HOTWORDS = HotwordTable(np.zeros((1, 1), np.int64), np.ones((1, 1)), is_empty=True)


class Hotwords:
    """Phrases in a recogniser's ``symbols``, of which token 0 is the blank; characters, subwords or words.

    Phrases are compared as texts are: characters as they stand, blanks as one space. ``unwritable`` are those that hold
    a character (of words as tokens: a word) that is no symbol; they get no bonus, and the caller should say so. Raises
    ``ValueError`` where no phrase can be written.

    >>> hotwords = Hotwords(["ab", "b a"], symbols=("<blank>", " ", "a", "b"))
    >>> [hotwords.num_characters(text) for text in ("ab", "abb", "b a", "b ab", "")]
    [2, 0, 3, 2, 0]
    """

    def __init__(self, phrases: Iterable[str], *, symbols: Sequence[str]) -> None:
        listed = dict.fromkeys(" ".join(phrase.split()) for phrase in phrases)
        listed.pop("", None)
        self._spelt_V = _spelt(symbols)
        units = (
            set(symbols[1:]) if are_words(symbols) else {character for spelt in self._spelt_V for character in spelt}
        )
        self.unwritable = tuple(
            phrase for phrase in listed if not units.issuperset(phrase.split() if are_words(symbols) else phrase)
        )
        self.phrases = tuple(phrase for phrase in listed if phrase not in set(self.unwritable))
        if not self.phrases:
            raise ValueError(f"none of the {len(listed)} hotwords can be written with the recogniser's symbols")
        self.symbols = tuple(symbols)
        self._automaton = _Automaton(self.phrases)

    def table(self, bonus: float) -> HotwordTable:
        """Factors ``e^(bonus · characters)``. Raises ``ValueError`` for a bonus below 0 or not finite."""
        if not 0 <= bonus < np.inf:
            raise ValueError(f"hotword_bonus {bonus}, allowed: 0 or more, natural log a character")
        steps = [self._automaton.run(spelt) for spelt in self._spelt_V]
        gain_PV = np.stack([self._automaton.at_end_P, *(gain_P for _, gain_P in steps[1:])], axis=1)
        return HotwordTable(
            next_PV=np.stack([place_P for place_P, _ in steps], axis=1),
            factor_PV=np.exp(bonus * gain_PV),
            is_empty=False,
        )

    def num_characters(self, text: str) -> int:
        """The characters of all finds in a text."""
        place_P, gain_P = self._automaton.run(" ".join(text.split()))
        return int(gain_P[ROOT] + self._automaton.at_end_P[place_P[ROOT]])


def read_hotwords(path: Path) -> tuple[str, ...]:
    """The phrases of a UTF-8 file, one a line, in normal form C; blank lines and repeats are left out.

    Characters stay as they stand: bring names into the form of the recogniser's texts first (most are in lower case).
    Raises ``ValueError`` in one line for a file that can't be read or holds no phrase.
    """
    try:
        lines = unicodedata.normalize("NFC", path.read_text(encoding="utf-8-sig")).splitlines()
    except OSError as error:
        raise ValueError(f"hotwords {path}: {error.strerror}; expected a text file, a word or phrase a line") from None
    except UnicodeDecodeError:
        raise ValueError(f"hotwords {path}: not UTF-8; expected a text file, a word or phrase a line") from None
    phrases = dict.fromkeys(" ".join(line.split()) for line in lines)
    phrases.pop("", None)
    if not phrases:
        raise ValueError(f"hotwords {path}: holds no word; expected a word or phrase a line")
    return tuple(phrases)


def _spelt(symbols: Sequence[str]) -> list[str]:
    """What each token adds to a text's characters: nothing for the blank and for tags of languages."""
    has_marks, has_words = has_subwords(symbols), are_words(symbols)
    spelt = [""]
    for symbol in symbols[1:]:
        if is_tag(symbol):
            spelt.append("")
        elif has_words:
            spelt.append(SPACE + symbol)
        else:
            spelt.append(symbol.replace(MARK, SPACE) if has_marks else symbol)
    return spelt


class _Automaton:
    """Places and what each character does there: ``next_PC``, and the characters found or taken back, ``gain_PC``.

    ``at_end_P`` is what is taken back where the text ends. A place's own share is its depth, all that is spelt of it.
    """

    def __init__(self, phrases: Sequence[str]) -> None:
        self._column = {character: column for column, character in enumerate(sorted({SPACE}.union(*phrases)))}
        spelt_of = [
            "",
            None,
            *sorted({phrase[:end] for phrase in phrases for end in range(1, len(phrase) + 1)}, key=len),
        ]
        self._phrases = set(phrases)
        self.next_PC = np.full((len(spelt_of), len(self._column) + 1), LOST, np.int64)
        self.gain_PC = np.zeros_like(self.next_PC)
        self.at_end_P = np.zeros(len(spelt_of), np.int64)
        self.next_PC[[ROOT, LOST], self._column[SPACE]] = ROOT
        place_of = {spelt: place for place, spelt in enumerate(spelt_of)}
        for spelt, place in place_of.items():  # shorter ones first: a place fails to one two characters shorter
            if spelt:
                self._add(place, spelt, parent=place_of[spelt[:-1]])

    def _add(self, place: int, spelt: str, *, parent: int) -> None:
        """Fill a place's row with what happens where nothing longer is spelt, and lead its parent to it."""
        at_fail, found = self._where_it_fails(spelt)
        lost = found - len(spelt)
        self.next_PC[place] = self.next_PC[at_fail]
        self.gain_PC[place] = self.gain_PC[at_fail] + lost
        self.at_end_P[place] = self.at_end_P[at_fail] + lost
        space = self._column[SPACE]
        if spelt in self._phrases:  # its word ends here: found
            self.next_PC[place, space], self.gain_PC[place, space], self.at_end_P[place] = ROOT, 0, 0
        elif spelt.endswith(SPACE):  # a second space is none
            self.next_PC[place, space], self.gain_PC[place, space] = place, 0
        self.next_PC[parent, self._column[spelt[-1]]] = place
        self.gain_PC[parent, self._column[spelt[-1]]] = 1

    def _where_it_fails(self, spelt: str) -> tuple[int, int]:
        """The place of what is left where a longer phrase failed, and the characters that what is spelt still has."""
        ends = [end for end in range(len(spelt)) if spelt[end] == SPACE]
        if not ends:
            return LOST, 0
        found = max((end for end in ends if spelt[:end] in self._phrases), default=0)
        place_P, gain_P = self.run(spelt[(found or ends[0]) + 1 :])
        return int(place_P[ROOT]), found + int(gain_P[ROOT])

    def run(self, characters: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """From every place over some characters: the places after them, and what was gained."""
        place_P = np.arange(len(self.next_PC))
        gain_P = np.zeros_like(place_P)
        for character in characters:
            column = self._column.get(character, len(self._column))
            gain_P += self.gain_PC[place_P, column]
            place_P = self.next_PC[place_P, column]
        return place_P, gain_P
