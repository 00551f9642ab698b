"""Two n-gram models of one vocabulary as one: ``p = weight · p_one + (1 - weight) · p_other``, a back-off table again.

The weight is fitted on held-out texts (Jelinek & Mercer 1980; by bounded search, which cannot miss the best as the log
likelihood is concave, where their expectation maximisation crawls when the models are alike). The table has every
n-gram of either with its interpolated probability, exactly; what neither lists backs off, with weights that make each
context sum to one: SRILM's static mixture (``-mix-lm``, Stolcke 2002).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.optimize import minimize_scalar

from lightning_modules.decoding.language_models.language_model import BOUNDARY, BackoffNgrams, Ngram

Gram = tuple[int, ...]


def fitted_weight(one: BackoffNgrams, other: BackoffNgrams, sentences: Iterable[Sequence[int]]) -> float:
    """The share of ``one`` that makes held-out sentences (tokens, without boundaries) likeliest; .5 without any."""
    tokens = [place for sentence in sentences for place in _predictions(sentence)]
    if not tokens:
        return 0.5
    prob_2M = np.exp([[model.log_prob(token, history) for history, token in tokens] for model in (one, other)])

    def loss(weight: float) -> float:
        return float(-np.log(weight * prob_2M[0] + (1 - weight) * prob_2M[1]).mean())

    return float(minimize_scalar(loss, bounds=(0, 1), method="bounded", options={"xatol": 1e-6}).x)


def interpolated(one: BackoffNgrams, other: BackoffNgrams, weight: float) -> BackoffNgrams:
    """The table of the mixture. Raises ``ValueError`` for different vocabularies and a weight outside 0-1."""
    if (one.symbols, one.unit) != (other.symbols, other.unit):
        raise ValueError(f"n-grams of {len(one.symbols)} and {len(other.symbols)} symbols, allowed: the same ones")
    if not 0 <= weight <= 1:
        raise ValueError(f"weight {weight}, allowed: 0 to 1")
    tables: list[dict[Gram, Ngram]] = []
    for length in range(1, max(one.order, other.order) + 1):
        grams = set().union(*(model.tables[length - 1] for model in (one, other) if length <= model.order))
        probs = {gram: _mixed(one, other, weight, gram) for gram in sorted(grams)}
        if length > 1:
            below = BackoffNgrams(one.symbols, one.unit, tuple(tables))
            for context, log_backoff in _backoffs(probs, below).items():
                # A context that is no n-gram itself is one of no model: estimation and files list it.
                entry = tables[-1].get(context, Ngram(_mixed(one, other, weight, context)))
                tables[-1][context] = entry._replace(log_backoff=log_backoff)
        tables.append({gram: Ngram(log_prob) for gram, log_prob in probs.items()})
    return BackoffNgrams(one.symbols, one.unit, tuple(tables))


def _predictions(sentence: Sequence[int]) -> list[tuple[Gram, int]]:
    padded = (BOUNDARY, *sentence, BOUNDARY)
    return [(padded[:place], padded[place]) for place in range(1, len(padded))]


def _mixed(one: BackoffNgrams, other: BackoffNgrams, weight: float, gram: Gram) -> float:
    prob = weight * math.exp(one.log_prob(gram[-1], gram[:-1]))
    prob += (1 - weight) * math.exp(other.log_prob(gram[-1], gram[:-1]))
    return math.log(prob) if prob > 0 else -math.inf


def _backoffs(log_probs: dict[Gram, float], below: BackoffNgrams) -> dict[Gram, float]:
    """What makes each context's probabilities sum to one: the mass left over what it has of the shorter context."""
    listed: dict[Gram, float] = defaultdict(float)
    of_shorter: dict[Gram, float] = defaultdict(float)
    for gram, log_prob in log_probs.items():
        listed[gram[:-1]] += math.exp(log_prob)
        of_shorter[gram[:-1]] += math.exp(below.log_prob(gram[-1], gram[1:-1]))
    return {
        context: math.log(max(1 - mass, 1e-12) / max(1 - of_shorter[context], 1e-12))
        for context, mass in listed.items()
    }
