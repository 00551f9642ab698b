"""The best that a system can do that hears nothing: one and the same text for every utterance.

A recogniser has learnt something only where it errs clearly less than that. The search favours the constant: it looks
at the very references that it is scored on. Candidates are the empty text (100 % by definition), the most frequent
units (characters or words) and the training texts that occur most often; the best few are then bettered by one edit
after the other (a unit put in, replaced or taken out anywhere) until no edit helps: a steepest descent towards the
references' median string (Kohonen 1985). The true optimum can only be lower, in practice by little.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from lightning_modules.metrics.edits import characters, error_rate, words

MAX_CANDIDATES = 200  # training texts that are tried as they stand
MAX_STARTS = 5  # candidates that are bettered, beside the empty text
MAX_UNITS = 20  # the most frequent characters (words) that an edit may put in
MAX_SAMPLE = 300  # references that guide the descent; the figure itself is of all
MAX_STEPS = 100

Units = tuple[int, ...]


class ConstantText(NamedTuple):
    """The text and its error rate on the split."""

    text: str
    rate: float


def best_constant_wer(references: Sequence[str], *, training_texts: Sequence[str] = ()) -> ConstantText:
    """The constant text with the lowest word error rate.

    >>> best_constant_wer(["press one", "press two", "goodbye"], training_texts=["press one", "hello"])
    ConstantText(text='press', rate=0.6)
    """
    return _best_constant(references, training_texts, split=words, joint=" ")


def best_constant_cer(references: Sequence[str], *, training_texts: Sequence[str] = ()) -> ConstantText:
    """The constant text with the lowest character error rate.

    >>> best_constant_cer(["abc", "abd", "xbc"])
    ConstantText(text='abc', rate=0.2222222222222222)
    """
    return _best_constant(references, training_texts, split=characters, joint="")


def _best_constant(
    references: Sequence[str], training_texts: Sequence[str], *, split: Callable[[str], Sequence[str]], joint: str
) -> ConstantText:
    numbers: dict[str, int] = {}
    units_N = [tuple(numbers.setdefault(unit, len(numbers)) for unit in split(text)) for text in references]
    names = list(numbers)  # a unit that no reference has can only cost
    counts = Counter(unit for units in units_N for unit in units)
    search = _Search(
        references=units_N[:: max(1, -(-len(units_N) // MAX_SAMPLE))],
        units=[unit for unit, _ in counts.most_common(MAX_UNITS)],
        blanks=frozenset(unit for name, unit in numbers.items() if name.isspace()),
    )
    texts = [text for text, _ in Counter(training_texts).most_common(MAX_CANDIDATES)]
    known = [tuple(numbers[unit] for unit in split(text) if unit in numbers) for text in texts]
    pool = list(dict.fromkeys([(), *((unit,) for unit in search.units), *map(search.trim, known)]))
    errors = _errors(pool, units_N)
    starts = [pool[index] for index in np.argsort(errors, kind="stable")[:MAX_STARTS]]
    last = [*starts, *(search.descend(start) for start in dict.fromkeys([(), *starts]))]
    errors = _errors(last, units_N)
    text = joint.join(names[unit] for unit in last[int(np.argmin(errors))])
    return ConstantText(text, error_rate(min(errors), sum(map(len, units_N))))


class _Search(NamedTuple):
    references: Sequence[Units]
    units: Sequence[int]
    blanks: frozenset[int]  # never at an end, where they would not count

    def descend(self, start: Units) -> Units:
        best, errors = start, _errors([start], self.references)[0]
        for _ in range(MAX_STEPS):
            candidates = list(dict.fromkeys(self.neighbours(best)))
            found = _errors(candidates, self.references)
            step = int(np.argmin(found)) if found else 0
            if not found or found[step] >= errors:
                break
            best, errors = candidates[step], found[step]
        return best

    def neighbours(self, text: Units) -> Iterator[Units]:
        for place in range(len(text) + 1):
            for kept in (place, place + 1)[: 1 + (place < len(text))]:  # put in before, or in place of
                yield from (self.trim((*text[:place], unit, *text[kept:])) for unit in self.units)
            yield self.trim((*text[:place], *text[place + 1 :]))

    def trim(self, text: Units) -> Units:
        first, last = 0, len(text)
        while first < last and text[first] in self.blanks:
            first += 1
        while last > first and text[last - 1] in self.blanks:
            last -= 1
        return text[first:last]


def _errors(candidates: Sequence[Units], references: Sequence[Units]) -> list[int]:
    """Edits from each candidate to all references together."""
    if not references:
        return [0] * len(candidates)
    distances: np.ndarray[tuple[int, int], np.dtype[np.int32]] = cdist(
        candidates, references, scorer=Levenshtein.distance, dtype=np.int32
    )
    return [int(total) for total in distances.sum(axis=1, dtype=np.int64)]
