"""Which utterances an epoch takes where languages are to be heard more evenly than they are recorded.

A language is heard for a share of the epoch's time that is proportional to ``seconds^(1 / temperature)`` (Arivazhagan
et al. 2019, arXiv 1907.05019): 1 is natural, and balanced, its limit, gives every language the same time. The epoch
stays as long as it was. Within a language every utterance is taken equally often over epochs: in one epoch they
are taken at even distances down the list from the longest, from a start that is drawn. So an epoch has always as many
utterances of a language, and its k-th longest is never longer than the k-th of ``longest``: batches that are cut to
that one fit every epoch (``duration_buckets.py``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

LanguageSampling = Literal["natural", "balanced"] | float


def check_sampling(sampling: LanguageSampling) -> None:
    """Raise ``ValueError`` for a temperature below 1, and for what is none."""
    is_number = isinstance(sampling, int | float) and not isinstance(sampling, bool)
    if sampling not in ("natural", "balanced") and not (is_number and 1 <= float(sampling) < math.inf):
        raise ValueError(f"language_sampling {sampling!r}, allowed: natural, balanced, or a temperature of 1 or more")


def counts_an_epoch(
    languages: Sequence[str], seconds: Sequence[float], sampling: LanguageSampling
) -> dict[str, int] | None:
    """Utterances of each language in an epoch; None takes each utterance once.

    >>> counts_an_epoch(["en"] * 6 + ["da"] * 2, [2.0] * 8, "balanced")
    {'da': 4, 'en': 4}
    >>> counts_an_epoch(["en"] * 8 + ["da"] * 2, [1.0] * 10, 2.0)
    {'da': 3, 'en': 7}
    """
    check_sampling(sampling)
    if sampling in ("natural", 1):
        return None
    exponent = 0.0 if sampling == "balanced" else 1 / float(sampling)
    there: dict[str, list[float]] = {language: [] for language in sorted(set(languages))}
    for language, length in zip(languages, seconds, strict=True):
        there[language].append(length)
    parts = {language: math.fsum(of) ** exponent for language, of in there.items()}
    total, all_parts = math.fsum(seconds), math.fsum(parts.values())
    return {
        language: max(1, round(total * parts[language] / all_parts / (math.fsum(of) / len(of))))
        for language, of in there.items()
    }


class SampledUtterances:
    """The epochs' choices: places in a list of utterances, of ``counts`` utterances of each language."""

    def __init__(
        self, *, languages: Sequence[str], num_samples: Sequence[int] | NDArray[np.int64], counts: Mapping[str, int]
    ) -> None:
        longest_first = np.argsort(-np.asarray(num_samples), kind="stable").tolist()
        self._places = {
            language: [place for place in longest_first if languages[place] == language] for language in counts
        }
        self._counts = dict(counts)

    @property
    def longest(self) -> list[int]:
        """The choice that no epoch's is longer than."""
        return self._from(dict.fromkeys(self._counts, 0.0))

    def of_epoch(self, *, seed: int, epoch: int) -> list[int]:
        """The choice of an epoch; a place stands in it as often as its utterance is heard."""
        rng = np.random.default_rng((seed, epoch, 1))
        return self._from({language: float(rng.uniform()) for language in self._counts})

    def _from(self, starts: Mapping[str, float]) -> list[int]:
        return [
            places[min(int((number + starts[language]) * len(places) / self._counts[language]), len(places) - 1)]
            for language, places in self._places.items()
            for number in range(self._counts[language])
        ]


def says_sampling(languages: Sequence[str], seconds: Sequence[float], counts: Mapping[str, int]) -> str:
    """How often an utterance of each language is heard in an epoch, and for how long: of a run's log.

    >>> says_sampling(["en"] * 3 + ["da"], [60.0] * 4, {"da": 2, "en": 2})
    'an epoch hears an utterance of da 2.00 times (2.0 minutes in all), en 0.67 times (2.0 minutes in all)'
    """
    parts = []
    for language, count in counts.items():
        lengths = [length for of, length in zip(languages, seconds, strict=True) if of == language]
        minutes = count * math.fsum(lengths) / len(lengths) / 60
        parts.append(f"{language} {count / len(lengths):.2f} times ({minutes:.1f} minutes in all)")
    return f"an epoch hears an utterance of {', '.join(parts)}"
