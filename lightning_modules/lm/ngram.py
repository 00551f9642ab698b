"""N-gram estimation by interpolated modified Kneser-Ney smoothing, as a back-off table (what an ARPA file holds).

    p(w | h) = (a(hw) - D(a(hw))) / a(h.) + gamma(h) p(w | h'),   gamma(h) = sum_k D_k N_k(h.) / a(h.)

``a`` is the count of the highest order and of n-grams that begin a sentence; for the others it is the number of
different tokens seen before them ("adjusted count"). Three discounts an order, for a = 1, 2 and 3 or more, from the
counts of counts. The unigrams are interpolated with the uniform distribution over all symbols, so that no symbol has
probability zero. Nothing is pruned: the result is the table that KenLM's lmplz writes for the same counts.
Chen & Goodman 1999, equations 23-26; Heafield et al. 2013, section 3.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from datamodules.annotations import Unit
from lightning_modules.decoding.language_models.language_model import BOUNDARY, BackoffNgrams, Ngram

Gram = tuple[int, ...]
Discounts = tuple[float, float, float]  # for adjusted counts 1, 2, and 3 or more
FALLBACK_DISCOUNTS: Discounts = (0.5, 1.0, 1.5)  # KenLM's --discount_fallback


def estimate_ngrams(
    sentences: Iterable[Sequence[int]], *, symbols: Sequence[str], unit: Unit, order: int
) -> BackoffNgrams:
    """The n-grams up to ``order`` of sentences of tokens (without boundaries).

    The result's order is lower where no sentence, with its two boundaries, is that long.
    Raises ``ValueError`` for an order below 1, no sentence, or a boundary within a sentence.

    >>> ngrams = estimate_ngrams([(1, 2), (1, 1)], symbols=("<blank>", "a", "b"), unit="character", order=2)
    >>> [round(math.exp(ngrams.log_prob(token, (0, 1))), 4) for token in range(3)]
    [0.35, 0.35, 0.3]
    """
    if order < 1:
        raise ValueError(f"order must be 1 or more, got {order}")
    counts = _window_counts(sentences, order)
    if not counts:
        raise ValueError("no sentence to estimate n-grams from")
    adjusted = [_adjusted(lower, higher) for lower, higher in pairwise(counts)] + [counts[-1]]
    probabilities: list[dict[Gram, float]] = []
    backoffs: list[dict[Gram, float]] = []  # backoffs[n]: weights of the contexts of length n
    for length, grams in enumerate(adjusted, start=1):
        grams_of_order: Mapping[Gram, int] = grams if length > 1 else {(w,): grams[(w,)] for w in range(len(symbols))}
        shares, weights = _discounted(grams_of_order, modified_discounts(grams.values()))
        backoffs.append(weights)
        for gram in shares:
            below = probabilities[-1][gram[1:]] if length > 1 else 1 / len(symbols)
            shares[gram] += weights[gram[:-1]] * below
        probabilities.append(shares)
    backoffs.append({})
    tables = tuple(
        {gram: Ngram(math.log(p), math.log(weights.get(gram, 1.0))) for gram, p in shares.items()}
        for shares, weights in zip(probabilities, backoffs[1:], strict=True)
    )
    return BackoffNgrams(symbols=tuple(symbols), unit=unit, tables=tables)


def modified_discounts(adjusted_counts: Iterable[int]) -> Discounts:
    """``D_k = k - (k + 1) Y n_{k+1} / n_k``, ``Y = n_1 / (n_1 + 2 n_2)``, ``n_k`` the n-grams of adjusted count k.

    Where an ``n_k`` is zero or a discount outside (0, k], which little data makes happen (the unigrams of characters
    always), all three of that order are ``FALLBACK_DISCOUNTS``.

    >>> modified_discounts([1, 1, 1, 1, 2, 2, 3, 3, 4])
    (0.5, 0.5, 2.0)
    >>> modified_discounts([1, 1, 5])
    (0.5, 1.0, 1.5)
    """
    n = Counter(adjusted_counts)
    if not (n[1] and n[2] and n[3]):
        return FALLBACK_DISCOUNTS
    y = n[1] / (n[1] + 2 * n[2])
    one, two, three = (k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3))
    if not (0 < one <= 1 and 0 < two <= 2 and 0 < three <= 3):  # 0 would leave nothing for what was never seen
        return FALLBACK_DISCOUNTS
    return one, two, three


def sentence_log_prob(ngrams: BackoffNgrams, tokens: Sequence[int]) -> float:
    """``log p`` of a whole sentence, its end included."""
    history: Gram = (BOUNDARY,)
    total = 0.0
    for token in (*tokens, BOUNDARY):
        total += ngrams.log_prob(token, history)
        history = (*history, token)[-ngrams.order :]
    return total


def _window_counts(sentences: Iterable[Sequence[int]], order: int) -> list[Counter[Gram]]:
    """How often each n-gram occurs, by length; the leading boundary alone is no n-gram, since it is never predicted."""
    counts: list[Counter[Gram]] = [Counter() for _ in range(order)]
    for tokens in sentences:
        if BOUNDARY in tokens:
            raise ValueError(f"a sentence holds token {BOUNDARY}, which is the sentence boundary: {tuple(tokens)[:20]}")
        padded = (BOUNDARY, *tokens, BOUNDARY)
        for length in range(1, order + 1):
            first = 1 if length == 1 else 0
            counts[length - 1].update(padded[i : i + length] for i in range(first, len(padded) - length + 1))
    return [grams for grams in counts if grams]


def _adjusted(lower: Mapping[Gram, int], higher: Mapping[Gram, int]) -> Counter[Gram]:
    """Different tokens seen before each n-gram; what begins a sentence has none before it and keeps its count."""
    adjusted = Counter(gram[1:] for gram in higher)
    for gram, count in lower.items():
        if len(gram) > 1 and gram[0] == BOUNDARY:
            adjusted[gram] = count
    return adjusted


def _discounted(grams: Mapping[Gram, int], discounts: Discounts) -> tuple[dict[Gram, float], dict[Gram, float]]:
    """``(a(hw) - D) / a(h.)`` by n-gram, and ``gamma(h)`` by context."""
    totals: Counter[Gram] = Counter()
    removed: dict[Gram, float] = {}
    taken = {gram: discounts[min(count, 3) - 1] if count else 0.0 for gram, count in grams.items()}
    for gram, count in grams.items():
        context = gram[:-1]
        totals[context] += count
        removed[context] = removed.get(context, 0.0) + taken[gram]
    shares = {gram: (count - taken[gram]) / totals[gram[:-1]] for gram, count in grams.items()}
    return shares, {context: removed[context] / total for context, total in totals.items()}
