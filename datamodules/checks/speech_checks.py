"""What can be wrong with transcribed speech, a function each: all take the utterances and return a ``Finding`` or None.

Errors stop or spoil training: texts without words, utterances that CTC cannot align (their loss is infinite). Warnings
are for a person to judge. What can be wrong with any audio is in ``audio_checks.py``, what two splits share in
``split_checks.py``. The functions are pure; ``earmark data check`` (experiments/commands/data/check_speech.py) gathers
their arguments and prints what they return.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from datamodules.audio.audio_facts import AudioFacts
from datamodules.checks.audio_checks import outliers, unnamed_channels
from datamodules.checks.findings import Finding, finding, readable, rest_seconds
from datamodules.corpora.sound_files import SAMPLE_RATE_HZ
from datamodules.importers.entry import ManifestEntry
from datamodules.speech.speed_perturbation import samples_at_speed

SHORT_CHARACTERS = 8


class CheckedUtterance(NamedTuple):
    """An utterance of a split, its text normalised, with what decoding its file said."""

    split: str
    entry: ManifestEntry
    audio: AudioFacts

    @property
    def duration_seconds(self) -> float:
        """Length in seconds: the manifest's, or that of the rest of the file."""
        return rest_seconds(self.entry, self.audio)

    @property
    def name(self) -> str:
        """The utterance's id."""
        return self.entry.utterance_id


@dataclass(frozen=True)
class Framing:
    """How many frames CTC has to align with: features every ``hop_seconds``, of which an encoder keeps every
    ``subsampling``-th, of training speech played ``speed`` times as fast (the fastest of the augmentation).

    >>> Framing(hop_seconds=0.01, subsampling=4, speed=1.1).num_frames(1.0, split="train")
    23
    """

    hop_seconds: float = 0.01
    subsampling: int = 4
    speed: float = 1.1

    def num_frames(self, duration_seconds: float, *, split: str) -> int:
        """Frames after subsampling at 16 kHz; both roundings go up, as in our log-mel layer and encoders."""
        num_samples = samples_at_speed(
            round(duration_seconds * SAMPLE_RATE_HZ), self.speed if split == "train" else 1.0
        )
        features = -(-num_samples // max(1, round(self.hop_seconds * SAMPLE_RATE_HZ)))
        return -(-features // self.subsampling)


def empty_text(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Texts without a word after normalisation."""
    empty = [one for one in utterances if not one.entry.text.strip()]
    return finding("empty_text", "error", "text is empty", empty, lambda one: "")


def no_language(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Utterances of which nobody says the language: their texts were not normalised."""
    without = [one for one in utterances if one.entry.language is None]
    what = "language is not given (--language xx), so the text was checked as written"
    return finding("no_language", "warning", what, without, lambda one: "")


def unknown_characters(
    utterances: Sequence[CheckedUtterance], *, alphabet: Collection[str], given: bool
) -> Finding | None:
    """Characters outside an alphabet: an error where the user ``given`` it, else (training texts') a warning."""
    known = set(alphabet) | {" "}
    outside = [one for one in utterances if set(one.entry.text) - known]
    counts = Counter(character for one in outside for character in set(one.entry.text) - known)
    listed = ", ".join(f"{character!r} ({count})" for character, count in counts.most_common(8))
    whose = "the alphabet" if given else "the training texts' alphabet"
    return finding(
        "unknown_characters", "error" if given else "warning", f"characters outside {whose}: {listed}", outside,
        lambda one: ", ".join(map(repr, sorted(set(one.entry.text) - known))),
    )  # fmt: skip


def speech_rate_outliers(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Characters per second far from the language's median: a text that does not belong to its audio.

    Texts below ``SHORT_CHARACTERS`` may be slow: pauses are most of them.
    """
    timed = [one for one in readable(utterances) if one.duration_seconds > 0 and one.entry.text]

    def rate(one: CheckedUtterance) -> float:
        return len(one.entry.text) / one.duration_seconds

    median, far = outliers(timed, rate, group=lambda one: one.entry.language)
    far = [one for one in far if len(one.entry.text) >= SHORT_CHARACTERS or rate(one) > median[one.entry.language]]
    return finding(
        "speech_rate_outliers", "warning", "characters per second far from the language's median", far,
        lambda one: f"{rate(one):.1f} a second (median {median[one.entry.language]:.1f}): {one.entry.text[:40]!r}",
    )  # fmt: skip


def unalignable(utterances: Sequence[CheckedUtterance], *, framing: Framing) -> Finding | None:
    """Texts that need more frames than there are: CTC needs one a character, and a blank between two equal ones."""

    def frames(one: CheckedUtterance) -> int:
        return framing.num_frames(one.duration_seconds, split=one.split)

    return finding(
        "unalignable", "error",
        f"too short for CTC (hop {framing.hop_seconds:g} s, every {framing.subsampling}th frame, training at speed "
        f"{framing.speed:g})",
        [one for one in readable(utterances) if not alignable(one, framing=framing)],
        lambda one: f"{one.duration_seconds:.2f} s make {frames(one)} frames, "
        f"the text needs {frames_needed(one.entry.text)}",
    )  # fmt: skip


def alignable(one: CheckedUtterance, *, framing: Framing) -> bool:
    """Whether CTC has frames enough for an utterance's text."""
    return framing.num_frames(one.duration_seconds, split=one.split) >= frames_needed(one.entry.text)


def frames_needed(text: str) -> int:
    """Frames that CTC needs for the characters of a text.

    >>> frames_needed("anna")
    5
    """
    return len(text) + sum(first == second for first, second in pairwise(text))


def several_channels(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Files of more than one channel where the manifest names none: the first is taken."""
    return unnamed_channels(utterances, names_channel=lambda one: one.entry.names_channel, used="the first is used")
