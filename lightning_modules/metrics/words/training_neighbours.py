"""Which test texts are nearly a training text: what a system writes of them may be learnt by heart.

A text's distance from the training texts is its least number of character edits (Levenshtein) to any of them, divided
by its own number of characters, counted as ``edits.characters`` does: the character error rate of the nearest training
text, were it the hypothesis. From ``FAR`` on a text is far, so no training text as it stands would reach a CER below
that. (``near_texts.py`` divides by the longer text, for leaving sentences out of a language model.) Every test text is
compared with every training text of about its length, half a microsecond a pair of 150 characters; what was compared is
remembered, since several decodings of a run ask the same.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from lightning_modules.metrics.edits import characters, error_rate

FAR = 0.3


def near_training(texts: Iterable[str], training_texts: Iterable[str], *, far: float = FAR) -> list[str | None]:
    """Of each text the nearest training text whose distance is below ``far``, None where there is none.

    Of equally near ones the shortest, then the first by its characters. An empty text is near an empty one alone.

    >>> near_training(["press one now", "press two now", "goodbye"], ["press one now", "good night"])
    ['press one now', 'press one now', None]
    """
    return list(_near(tuple(map(characters, texts)), tuple(map(characters, training_texts)), far))


@lru_cache(maxsize=2)
def _near(texts: tuple[str, ...], training_texts: tuple[str, ...], far: float) -> tuple[str | None, ...]:
    pool = sorted(set(training_texts), key=lambda text: (len(text), text))
    lengths = [len(text) for text in pool]
    found: list[str | None] = []
    for text in texts:
        most = math.ceil(far * len(text))  # edits, of which a difference in length needs as many
        close = pool[bisect_left(lengths, len(text) - most) : bisect_right(lengths, len(text) + most)]
        best = process.extractOne(text, close, scorer=Levenshtein.distance, score_cutoff=most)
        found.append(str(best[0]) if best is not None and error_rate(best[1], len(text)) < far else None)
    return tuple(found)
