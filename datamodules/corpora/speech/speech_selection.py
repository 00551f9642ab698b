"""From recordings with texts, as packages hold them, to utterances by split: trimmed, normalised, doubtful ones gone.

What is left out is counted by language and reason, since a corpus that loses half of its clips silently is no corpus.
A clip whose characters per second are far from its language's median says something else than its text.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from numpy.typing import NDArray

from datamodules.corpora.clip_corpus import SPLITS
from datamodules.corpora.sound_files import SAMPLE_RATE_HZ, SoundFileError, sounding
from datamodules.corpora.speech.speech_corpus import Utterance
from datamodules.corpora.speech.speech_splits import deal
from datamodules.phones import Phone, shifted
from datamodules.texts.text_rules import UnspeakableTextError, normalise

SILENCE_BELOW_PEAK_DB = 40.0  # weak consonants at the ends lie 30 dB below a vowel, the soundbank's threshold
MARGIN_FRAMES = 5
MIN_SECONDS = 0.2


@dataclass(frozen=True)
class Recorded:
    """A recording and what it is said to say; ``load`` decodes it to mono at 16 kHz, shape (samples,).

    ``flaw`` is a reason that the reader knows for not using it. ``phones`` are those of the whole recording, where a
    corpus says when each is said.
    """

    utterance_id: str
    text: str
    language: str
    speaker: str
    load: Callable[[], NDArray[np.float32]]
    flaw: str = ""
    phones: tuple[Phone, ...] = ()


@dataclass(frozen=True)
class Limits:
    """What is plausible: seconds after trimming, characters per second as factors of the language's median.

    Texts of fewer than ``short_characters`` may be slower: the pauses around a word make its rate say little. Single
    words pull the median down, so sentences that are read twice as fast are common.
    """

    max_seconds: float = 15.0
    slowest: float = 0.35
    fastest: float = 2.2
    short_characters: int = 12


DEFAULT_LIMITS = Limits()


@dataclass
class Selection:
    """The utterances that are kept, their waveforms at 16 bits, and the counts of the others."""

    dropped: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    kept: dict[str, list[_Kept]] = field(default_factory=lambda: {split: [] for split in SPLITS})

    def utterances(self, split: str) -> Iterator[Utterance]:
        """Those of one split, in the order of their ids."""
        for kept in sorted(self.kept[split], key=lambda kept: kept.recorded.utterance_id):
            recorded = kept.recorded
            waveform_S = kept.samples_S.astype(np.float32) / 32767.0
            yield Utterance(
                recorded.utterance_id, waveform_S, kept.text, recorded.language, recorded.speaker, kept.phones
            )


@dataclass(frozen=True)
class _Kept:
    recorded: Recorded
    text: str
    samples_S: NDArray[np.int16]
    phones: tuple[Phone, ...]

    @property
    def characters_per_second(self) -> float:
        return len(self.text) * SAMPLE_RATE_HZ / len(self.samples_S)


def select(recordings: Iterable[Recorded], *, limits: Mapping[str, Limits] | None = None) -> Selection:
    """Decode, trim, normalise and deal; recordings are consumed one at a time.

    ``limits`` are by language, the default ones for a language that is not in it. A file that does not decode, a
    recording that is there twice with one text and what the limits exclude are counted in ``dropped``. Raises
    ``ValueError`` if nothing is left.
    """
    by_language = limits or {}
    selection, usable = Selection(), defaultdict[str, list[_Kept]](list)
    seen: set[bytes] = set()
    for recorded in recordings:
        kept = _usable(recorded, by_language.get(recorded.language, DEFAULT_LIMITS), seen)
        if isinstance(kept, str):
            selection.dropped[recorded.language][kept] += 1
        else:
            usable[recorded.language].append(kept)
    plausible: list[_Kept] = []
    for language, of_language in sorted(usable.items()):
        of_limits = by_language.get(language, DEFAULT_LIMITS)
        plausible += _plausible(of_language, of_limits, selection.dropped[language])
    if not plausible:
        raise ValueError("no recording is usable: " + "; ".join(map(str, selection.dropped.values())))
    splits = deal([kept.text for kept in plausible], [kept.recorded.speaker for kept in plausible])
    for kept, split in zip(plausible, splits, strict=True):
        if split is None:
            selection.dropped[kept.recorded.language]["text of a training speaker"] += 1
        else:
            selection.kept[split].append(kept)
    return selection


def _usable(recorded: Recorded, limits: Limits, seen: set[bytes]) -> _Kept | str:
    """The recording, trimmed and with its text normalised, or why it is not used."""
    if recorded.flaw:
        return recorded.flaw
    try:
        text = normalise(recorded.text, language=recorded.language)
    except UnspeakableTextError as error:
        return error.reason
    try:
        whole_S = recorded.load()
    except SoundFileError:
        return "damaged sound"
    kept = sounding(whole_S, below_peak_db=SILENCE_BELOW_PEAK_DB, margin_frames=MARGIN_FRAMES)
    waveform_S = whole_S[kept]
    seconds = len(waveform_S) / SAMPLE_RATE_HZ
    if seconds < MIN_SECONDS:
        return "no sound"
    if seconds > limits.max_seconds:
        return f"over {limits.max_seconds:g} s"
    samples_S = np.round(waveform_S.clip(-1, 1) * 32767.0).astype(np.int16)
    digest = hashlib.sha256(samples_S.tobytes()).digest() + text.encode()
    if digest in seen:
        return "there twice"
    seen.add(digest)
    trimmed_seconds = (kept.start or 0) / SAMPLE_RATE_HZ
    return _Kept(recorded, text, samples_S, shifted(recorded.phones, -trimmed_seconds, duration_seconds=seconds))


def _plausible(of_language: list[_Kept], limits: Limits, dropped: Counter[str]) -> Iterator[_Kept]:
    middle = median(kept.characters_per_second for kept in of_language)
    for kept in of_language:
        factor = kept.characters_per_second / middle
        if factor > limits.fastest:
            dropped["text too long for its sound"] += 1
        elif factor < limits.slowest and len(kept.text) >= limits.short_characters:
            dropped["text too short for its sound"] += 1
        else:
            yield kept
