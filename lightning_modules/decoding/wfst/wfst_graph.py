"""The search graph T∘L∘G (Eesen, Miao 2015, section 3.2): CTC topology, spelling lexicon, word n-grams.

T reads one label a frame and drops repeats and blanks; L turns spelled words into words; G weighs the words. Words are
set apart by one space token, which may also stand at the ends. Since no two words are spelled alike and the space is
never left out, L is unambiguous and needs no word-end symbols ``#1 #2 …``: only ``#0``, G's back-off, is carried
through L∘G, so that it can be determinised, and then becomes ε. FST labels are token ids + 1 (0 is ε).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lightning_modules.decoding.language_models.language_model import BOUNDARY, BackoffNgrams

SPACE = " "
BACKOFF = "#0"
_RESERVED = frozenset({"<blank>", "<unk>", BACKOFF})


@dataclass(frozen=True)
class Lexicon:
    """Words in the recogniser's tokens. ``num_unspellable`` words had characters that are none of its symbols."""

    spellings: dict[str, tuple[int, ...]]
    num_unspellable: int


def spell_words(words: Iterable[str], symbols: Sequence[str], *, blank: int) -> Lexicon:
    """Each different word's tokens; words that cannot be spelled are left out and counted.

    Raises ``ValueError`` where the symbols have no space, or where no word is left.
    """
    ids = {symbol: token for token, symbol in enumerate(symbols) if token != blank}
    if SPACE not in ids:
        raise ValueError(f"the {len(symbols)} symbols have no space: a lexicon needs it between words")
    wanted = sorted({word for word in words if word and not word.isspace()} - _RESERVED)
    spellings = {word: tuple(ids[c] for c in word) for word in wanted if SPACE not in word and ids.keys() >= set(word)}
    if not spellings:
        raise ValueError(f"word list of {len(wanted)} words, none of which the recogniser's symbols can spell")
    return Lexicon(spellings, len(wanted) - len(spellings))


def token_fst(num_symbols: int, blank: int) -> str:
    """T as text: state 0 after a blank, one state after each label; reads label + 1 a frame.

    >>> print(token_fst(2, blank=0))
    0 0 1 0
    0 1 2 2
    1 1 2 0
    1 0 1 0
    0
    1
    """
    state = {token: index for index, token in enumerate((t for t in range(num_symbols) if t != blank), start=1)}
    lines = [f"0 0 {blank + 1} 0", *(f"0 {to} {token + 1} {token + 1}" for token, to in state.items())]
    for token, here in state.items():
        lines += [f"{here} {here} {token + 1} 0", f"{here} 0 {blank + 1} 0"]
        lines += [f"{here} {to} {other + 1} {other + 1}" for other, to in state.items() if other != token]
    return "\n".join([*lines, "0", *(str(here) for here in state.values())])


def lexicon_fst(lexicon: Lexicon, *, space: int, disambiguation: int) -> str:
    """L as text; words are labels 1, 2, … in the lexicon's order, then ``#0``.

    State 0 is the start, 1 before a word, 2 after one, 3 the end without a space; the end with one is state 1.
    """
    gap, backoff_word = space + 1, len(lexicon.spellings) + 1
    lines = [f"0 1 {gap} 0", "0 1 0 0", f"2 1 {gap} 0", "2 3 0 0"]
    lines += [f"{state} {state} {disambiguation} {backoff_word}" for state in (1, 3)]
    following = 4
    for label, tokens in enumerate(lexicon.spellings.values(), start=1):
        here = 1
        for position, token in enumerate(tokens):
            to = 2 if position == len(tokens) - 1 else following
            lines.append(f"{here} {to} {token + 1} {label if position == 0 else 0}")
            here, following = to, following + (to == following)
    return "\n".join([*lines, "1", "3"])


def grammar_fst(ngrams: BackoffNgrams, labels: Mapping[str, int]) -> str:
    """G as text: a state for each context that some n-gram continues, ``#0`` to back off; state 0 is the start.

    ``labels`` are the words' and ``#0``'s; n-grams with other words are left out. A context that nothing continues has
    no state: arcs into it go to the next shorter one, its back-off weight paid at once.
    """
    label_of = {token: labels[word] for token, word in enumerate(ngrams.symbols) if word in labels}
    known = label_of.keys() | {BOUNDARY}
    grams = [(gram, entry) for table in ngrams.tables for gram, entry in table.items() if known.issuperset(gram)]
    start: tuple[int, ...] = (BOUNDARY,) if ngrams.order > 1 else ()
    state_of = {context: state for state, context in enumerate(dict.fromkeys([start, (), *(g[:-1] for g, _ in grams)]))}

    def shortened(context: tuple[int, ...]) -> tuple[int, float]:
        """The state of the longest suffix that has one, and the cost of backing off to it."""
        cost = 0.0
        while context not in state_of:
            cost -= _log_backoff(ngrams, context)
            context = context[1:]
        return state_of[context], cost

    lines = []
    for gram, entry in grams:
        here = state_of[gram[:-1]]
        if not math.isfinite(entry.log_prob):
            continue
        if gram[-1] == BOUNDARY:
            lines.append(f"{here} {-entry.log_prob!r}")
            continue
        to, cost = shortened(gram[1:] if len(gram) == ngrams.order else gram)
        label = label_of[gram[-1]]
        lines.append(f"{here} {to} {label} {label} {cost - entry.log_prob!r}")
    for context, here in state_of.items():
        if context:
            to, cost = shortened(context[1:])
            lines.append(f"{here} {to} {labels[BACKOFF]} 0 {cost - _log_backoff(ngrams, context)!r}")
    return "\n".join(sorted(lines, key=lambda line: line.split(" ", 1)[0] != "0"))  # the first line's is the start


def _log_backoff(ngrams: BackoffNgrams, context: tuple[int, ...]) -> float:
    entry = ngrams.tables[len(context) - 1].get(context)
    return 0.0 if entry is None else entry.log_backoff


def compose_graph(kaldifst: Any, *, lexicon: Lexicon, ngrams: BackoffNgrams, symbols: Sequence[str], blank: int) -> Any:
    """T∘min(det(L∘G)) as a ``kaldifst.StdVectorFst``, negative natural logs of G as weights.

    Raises ``ValueError`` for n-grams over characters.
    """
    if ngrams.unit != "word":
        raise ValueError(f"n-grams over units of {ngrams.unit!r}, allowed: 'word'")
    disambiguation = len(symbols) + 1
    labels = {word: label for label, word in enumerate((*lexicon.spellings, BACKOFF), start=1)}
    token_T = kaldifst.compile(token_fst(len(symbols), blank))
    spelling_L = kaldifst.compile(lexicon_fst(lexicon, space=list(symbols).index(SPACE), disambiguation=disambiguation))
    grammar_G = kaldifst.compile(grammar_fst(ngrams, labels))
    kaldifst.arcsort(spelling_L, sort_type="olabel")
    kaldifst.arcsort(grammar_G, sort_type="ilabel")
    words_LG = kaldifst.compose(spelling_L, grammar_G)
    kaldifst.determinize_star(words_LG)
    kaldifst.minimize_encoded(words_LG)
    for state in kaldifst.StateIterator(words_LG):
        for arc in kaldifst.ArcIterator(words_LG, state):
            if arc.ilabel == disambiguation:
                arc.ilabel = 0
    kaldifst.arcsort(words_LG, sort_type="ilabel")
    kaldifst.arcsort(token_T, sort_type="olabel")
    return kaldifst.compose(token_T, words_LG)
