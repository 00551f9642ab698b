"""Deals utterances to train, validation and test: about 80, 8 and 12 %, never a text in two of them.

A hash of the text decides, so the deal depends on nothing else: not on the order, the speaker, the language or what
other clips there are. Texts that differ in accents or spaces alone count as one (telephone prompts are written with and
without them). A corpus with many speakers is split by speaker first; clips of validation and test whose text a training
speaker also says are left out then.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Sequence

VALIDATION_SHARE, TEST_SHARE = 0.08, 0.12
MIN_SPEAKERS = 20  # fewer, or one with more than a tenth of the clips: a speaker in test would be an accident
MAX_SPEAKER_SHARE = 0.1


def split_of_text(text: str) -> str:
    """The split of a normalised text.

    >>> split_of_text("numero de buzon") == split_of_text("número de buzón")
    True
    """
    return _split(_letters(text))


def enough_speakers(speakers: Sequence[str]) -> bool:
    """Whether clips of these speakers (one entry a clip) can be split by speaker.

    >>> enough_speakers(["a", "b"] * 50), enough_speakers([f"speaker{k}" for k in range(20)] * 5)
    (False, True)
    """
    counts = Counter(speakers)
    return len(counts) >= MIN_SPEAKERS and max(counts.values()) <= MAX_SPEAKER_SHARE * len(speakers)


def deal(texts: Sequence[str], speakers: Sequence[str]) -> list[str | None]:
    """The split of each clip, or None for one to leave out; by speaker where there are enough of them.

    ``texts`` are normalised; both have one entry a clip.
    """
    if not enough_speakers(speakers):
        return [split_of_text(text) for text in texts]
    ordered = sorted(set(speakers), key=lambda speaker: _number(f"speaker/{speaker}"))
    num_test = round(TEST_SHARE * len(ordered))
    num_held_out = num_test + max(1, round(VALIDATION_SHARE * len(ordered)))
    held_out = dict.fromkeys(ordered[:num_test], "test") | dict.fromkeys(ordered[num_test:num_held_out], "validation")
    by_speaker = [held_out.get(speaker, "train") for speaker in speakers]
    keys, taken = [_letters(text) for text in texts], dict[str, str]()
    for wanted in ("train", "validation", "test"):
        for key, split in zip(keys, by_speaker, strict=True):
            if split == wanted:
                taken.setdefault(key, split)
    return [split if taken[key] == split else None for key, split in zip(keys, by_speaker, strict=True)]


def _letters(text: str) -> str:
    """What two texts have in common that count as one: their letters, without accents and spaces."""
    return "".join(character for character in unicodedata.normalize("NFD", text) if character.isalpha())


def _split(key: str) -> str:
    number = _number(key)
    if number < TEST_SHARE:
        return "test"
    return "validation" if number < TEST_SHARE + VALIDATION_SHARE else "train"


def _number(key: str) -> float:
    """A hash as a number in [0, 1)."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) / 2**64
