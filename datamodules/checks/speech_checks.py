"""What can be wrong with transcribed speech, a function each: all take the utterances and return a ``Finding`` or None.

Errors stop or spoil training: audio that cannot be read, texts without words, utterances that CTC cannot align (their
loss is infinite), ids that stand twice. Warnings are for a person to judge. What two splits share is in
``split_checks.py``. The functions are pure; ``earmark data check`` (experiments/commands/data/check_data.py) gathers
their arguments and prints what they return.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from datamodules.audio.audio_facts import PEAK_BLOCK_SECONDS, AudioFacts
from datamodules.audio.audio_reader import SLACK_SECONDS
from datamodules.corpora.sound_files import SAMPLE_RATE_HZ
from datamodules.importers.entry import ManifestEntry
from datamodules.speech.speed_perturbation import samples_at_speed

NUM_EXAMPLES = 3
MIN_FOR_OUTLIERS = 20  # a median and a spread of fewer say little
OUTLIER_DEVIATIONS = 4.0  # of log(value) from its median, in robust standard deviations
MIN_DEVIATION = math.log(1.2)  # of log(value): a corpus of equal lengths must not flag a hair's breadth
SHORT_CHARACTERS = 8
MAX_UNCLIPPED = 1.0 + 2**-15  # of full scale


class CheckedUtterance(NamedTuple):
    """An utterance of a split, its text normalised, with what decoding its file said."""

    split: str
    entry: ManifestEntry
    audio: AudioFacts

    @property
    def duration_seconds(self) -> float:
        """Length in seconds: the manifest's, or that of the rest of the file."""
        if self.entry.duration_seconds is not None:
            return self.entry.duration_seconds
        return max(0.0, self.audio.duration_seconds - self.entry.start_seconds)


@dataclass(frozen=True)
class Finding:
    """Something wrong with ``count`` utterances (texts, speakers, files); ``examples`` name the first few."""

    check: str
    severity: Literal["error", "warning"]
    count: int
    what: str
    examples: tuple[str, ...]


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


def finding(
    check: str,
    severity: Literal["error", "warning"],
    what: str,
    concerned: Sequence[CheckedUtterance],
    detail: Callable[[CheckedUtterance], str],
) -> Finding | None:
    """The finding on the utterances ``concerned``, or None; ``detail`` is what an example says beside place and id."""
    if not concerned:
        return None
    examples = []
    for one in concerned[:NUM_EXAMPLES]:
        parts = (one.entry.place, one.entry.utterance_id, detail(one))
        examples.append(": ".join(part for part in parts if part))
    return Finding(check, severity, len(concerned), what, tuple(examples))


def missing_audio(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Files that are not there."""
    missing = [one for one in utterances if not one.audio.exists]
    return finding("missing_audio", "error", "audio file is missing", missing, lambda one: f"{one.entry.audio}")


def unreadable_audio(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Files that are there and do not decode to their end."""
    unreadable = [one for one in utterances if one.audio.exists and one.audio.problem]
    return finding(
        "unreadable_audio", "error", "audio file cannot be read whole and at full scale", unreadable,
        lambda one: f"{one.entry.audio}: {one.audio.problem}",
    )  # fmt: skip


def outside_audio(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Parts that reach past the end of their file."""
    return finding(
        "outside_audio", "error", "utterance reaches past the end of its file",
        [one for one in _readable(utterances) if reaches_past(one)],
        lambda one: f"{one.entry.start_seconds:g} s + {one.duration_seconds:g} s in {one.audio.duration_seconds:g} s",
    )  # fmt: skip


def reaches_past(one: CheckedUtterance) -> bool:
    """Whether an utterance starts or ends after the end of its (readable) file."""
    start, end = one.entry.start_seconds, one.entry.start_seconds + one.duration_seconds
    return start >= one.audio.duration_seconds or end > one.audio.duration_seconds + SLACK_SECONDS


def lacks_channel(one: CheckedUtterance) -> bool:
    """Whether an utterance is of a channel that its (readable) file does not have."""
    return one.entry.channel >= one.audio.num_channels


def absent_channel(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Channels that a file does not have."""
    return finding(
        "absent_channel", "error", "utterance is of a channel that its file lacks (counted from 0)",
        [one for one in _readable(utterances) if lacks_channel(one)],
        lambda one: f"channel {one.entry.channel} of {one.audio.num_channels}: {one.entry.audio}",
    )  # fmt: skip


def silent_audio(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Utterances of digital silence in their own stretch and channel: one side of a call is silent for long."""

    def peak(one: CheckedUtterance) -> float:
        start, end = one.entry.start_seconds, one.entry.start_seconds + one.duration_seconds
        margin = min(PEAK_BLOCK_SECONDS, one.duration_seconds / 4)  # the blocks at its ends hold its neighbours' sound
        return one.audio.peak_between(start + margin, end - margin, one.entry.channel)

    heard = [one for one in _readable(utterances) if not (lacks_channel(one) or reaches_past(one))]
    return finding(
        "silent_audio", "warning", "audio is digital silence", [one for one in heard if peak(one) < 2**-15],
        lambda one: f"{_stretch(one)}{one.entry.audio}",
    )  # fmt: skip


def clipped_audio(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Files with samples over full scale: training keeps 16 bits, and clips them."""
    clipped = [one for one in _readable(utterances) if one.audio.peak > MAX_UNCLIPPED]
    return finding(
        "clipped_audio", "warning", "samples over full scale are clipped when read", clipped,
        lambda one: f"{one.entry.audio}: {one.audio.peak:.3g}",
    )  # fmt: skip


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


def duration_outliers(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Durations far from the median, in robust standard deviations of their logarithm."""
    timed = [one for one in _readable(utterances) if one.duration_seconds > 0]
    median, outliers = _outliers(timed, lambda one: one.duration_seconds, group=lambda one: 0)
    return finding(
        "duration_outliers", "warning", "duration far from the median", outliers,
        lambda one: f"{one.duration_seconds:.2f} s (median {median[0]:.2f} s)",
    )  # fmt: skip


def speech_rate_outliers(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Characters per second far from the language's median: a text that does not belong to its audio.

    Texts below ``SHORT_CHARACTERS`` may be slow: pauses are most of them.
    """
    timed = [one for one in _readable(utterances) if one.duration_seconds > 0 and one.entry.text]

    def rate(one: CheckedUtterance) -> float:
        return len(one.entry.text) / one.duration_seconds

    median, outliers = _outliers(timed, rate, group=lambda one: one.entry.language)
    outliers = [
        one for one in outliers if len(one.entry.text) >= SHORT_CHARACTERS or rate(one) > median[one.entry.language]
    ]
    return finding(
        "speech_rate_outliers", "warning", "characters per second far from the language's median", outliers,
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
        [one for one in _readable(utterances) if not alignable(one, framing=framing)],
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


def duplicate_ids(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Ids that stand twice, in one split or in two."""
    repeated = _repeated(utterances, lambda one: one.entry.utterance_id)
    first = {one.entry.utterance_id: one.entry.place for one in reversed(utterances)}
    return finding(
        "duplicate_ids", "error", "id stands twice", repeated,
        lambda one: f"also {first[one.entry.utterance_id]}",
    )  # fmt: skip


def repeated_audio(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """The same stretch of a channel twice in one split."""
    repeated = _repeated(
        utterances, lambda one: (one.split, one.entry.audio, one.entry.channel, one.entry.start_seconds)
    )
    return finding(
        "repeated_audio", "warning", "the same audio stands twice in a split", repeated,
        lambda one: f"{one.entry.audio}",
    )  # fmt: skip


def mixed_sample_rates(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Files of other sample rates than most: a network hears where the band ends, and learns the corpus from it."""
    counts = Counter(one.audio.sample_rate_hz for one in _readable(utterances))
    usual = counts.most_common(1)[0][0] if counts else 0
    listed = ", ".join(f"{rate} Hz: {count}" for rate, count in sorted(counts.items()))
    others = [one for one in _readable(utterances) if one.audio.sample_rate_hz != usual]
    return finding(
        "mixed_sample_rates", "warning", f"sample rates differ ({listed})", others,
        lambda one: f"{one.audio.sample_rate_hz} Hz",
    )  # fmt: skip


def several_channels(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Files of more than one channel where the manifest names none: the first is taken."""
    several = [one for one in _readable(utterances) if one.audio.num_channels > 1 and not one.entry.names_channel]
    return finding(
        "several_channels", "warning", "audio has several channels and the manifest names none, the first is used",
        several,
        lambda one: f"{one.audio.num_channels} channels",
    )  # fmt: skip


def _stretch(one: CheckedUtterance) -> str:
    """Where in its file an utterance is, for an utterance that is not the whole of a mono file."""
    if one.audio.num_channels == 1 and not one.entry.start_seconds and one.entry.duration_seconds is None:
        return ""
    start = one.entry.start_seconds
    return f"{start:g}-{start + one.duration_seconds:g} s of channel {one.entry.channel}: "


def _readable(utterances: Iterable[CheckedUtterance]) -> list[CheckedUtterance]:
    return [one for one in utterances if one.audio.problem is None]


def _repeated(
    utterances: Iterable[CheckedUtterance], key: Callable[[CheckedUtterance], Hashable]
) -> list[CheckedUtterance]:
    """All but the first of each key."""
    seen: set[Hashable] = set()
    repeated = []
    for one in utterances:
        if key(one) in seen:
            repeated.append(one)
        seen.add(key(one))
    return repeated


def _outliers(
    utterances: Sequence[CheckedUtterance],
    value: Callable[[CheckedUtterance], float],
    *,
    group: Callable[[CheckedUtterance], Hashable],
) -> tuple[dict[Hashable, float], list[CheckedUtterance]]:
    """Medians by group, and the utterances far from theirs."""
    groups: dict[Hashable, list[CheckedUtterance]] = defaultdict(list)
    for one in utterances:
        groups[group(one)].append(one)
    medians, outliers = {}, []
    for key, members in groups.items():
        logs_N = np.log([value(one) for one in members])
        middle = float(np.median(logs_N))
        spread = max(1.4826 * float(np.median(np.abs(logs_N - middle))), MIN_DEVIATION)
        medians[key] = math.exp(middle)
        if len(members) >= MIN_FOR_OUTLIERS:
            far = np.abs(logs_N - middle) > OUTLIER_DEVIATIONS * spread
            outliers += [one for one, is_far in zip(members, far, strict=True) if is_far]
    return medians, outliers
