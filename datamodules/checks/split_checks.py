"""What two splits must not share: audio, texts and speakers, recordings. Every pair of splits is looked at.

Training against what is held out, and validation against test: checkpoint and decoder weights are chosen on validation,
so a test that shares its audio is chosen on too. What two splits share is counted once, at the utterance of the later
one (train, validation, test). ``speech_checks.py`` holds the checks of single utterances.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic

from datamodules.audio.audio_reader import SLACK_SECONDS
from datamodules.checks.audio_checks import sound
from datamodules.checks.checked_clips import CheckedClip
from datamodules.checks.findings import Checked, Finding, One, Severity, finding, said
from datamodules.checks.speech_checks import CheckedUtterance
from datamodules.corpora.clip_corpus import SPLITS

Nearest = Callable[[Sequence[str], Sequence[str]], Sequence[str | None]]  # of texts among others; None: all are far


def shared_audio(entries: Sequence[One]) -> Finding | None:
    """Parts of one channel of a file (or of two files of the same samples) in two splits that overlap by more than the
    rounding of manifests.
    """
    return _finding(
        "shared_audio", "error", "the same audio is in another split", _sharing_audio(entries),
        lambda one, other: f"{one.entry.audio}: also {_name(other)}",
    )  # fmt: skip


def shared_recordings(clips: Sequence[CheckedClip]) -> Finding | None:
    """Held-out clips of another stretch of a recording that an earlier split has clips of."""
    same_audio = {id(each.one) for each in _sharing_audio(clips)}
    shared = [each for each in _shared(clips, _recording) if id(each.one) not in same_audio]
    recordings = len({_recording(each.one) for each in shared})
    return _finding(
        "shared_recordings", "warning", f"held-out clip of a recording of another split ({recordings} recordings)",
        shared, lambda one, other: f"{_recording(one)}: also {_name(other)}",
    )  # fmt: skip


def shared_texts(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Held-out texts that an earlier split has too: a language model knows them by heart, or was weighed on them."""
    shared = _shared(utterances, _language_and_text)
    return _finding(
        "shared_texts", "warning", "held-out text is in another split too", shared,
        lambda one, _: repr(one.entry.text[:60]),
    )  # fmt: skip


def near_texts(utterances: Sequence[CheckedUtterance], *, nearest: Nearest) -> Finding | None:
    """Held-out texts that are nearly one of an earlier split, without those that are the same (``shared_texts``).

    Error rates over them say less of other texts: scoring gives theirs apart (``test/wer_far_from_training``).
    """
    same = {(each.split, id(each.one)) for each in _shared(utterances, _language_and_text)}
    by_split = {split: {one.entry.text.strip(): one for one in utterances if one.split == split} for split in SPLITS}
    shared: list[_Shared[CheckedUtterance]] = []
    for split in SPLITS:
        for earlier in _earlier(split):
            held_out = [one for one in utterances if one.split == split and (earlier, id(one)) not in same]
            found = nearest([one.entry.text for one in held_out], list(by_split[earlier]))
            pairs = [(one, text) for one, text in zip(held_out, found, strict=True) if text is not None]
            shared += [_Shared(one, earlier, by_split[earlier][text]) for one, text in pairs]
    return _finding(
        "near_texts", "warning", "held-out text is nearly one of another split", shared,
        lambda one, other: f"{one.entry.text[:60]!r}, {_name(other)}: {other.entry.text[:60]!r}",
    )  # fmt: skip


def shared_speakers(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Held-out utterances by speakers of an earlier split: their scores do not tell of new voices."""
    shared = _shared([one for one in utterances if one.entry.speaker is not None], lambda one: one.entry.speaker)
    speakers = len({each.one.entry.speaker for each in shared})
    return _finding(
        "shared_speakers", "warning", f"held-out utterance by a speaker of another split ({speakers} speakers)", shared,
        lambda one, _: f"speaker {one.entry.speaker}",
    )  # fmt: skip


@dataclass(frozen=True)
class _Shared(Generic[One]):
    """An entry, and one of an earlier split that it shares something with."""

    one: One
    split: str
    other: One


def _sharing_audio(entries: Sequence[One]) -> list[_Shared[One]]:
    """Takes O(n log n) for n entries of one file: a long recording may be cut into many."""
    by_sound: dict[Hashable, dict[str, list[One]]] = defaultdict(lambda: defaultdict(list))
    for one in entries:
        by_sound[sound(one)][one.split].append(one)
    spans = {
        key: {split: _Spans(members) for split, members in by_split.items()}
        for key, by_split in by_sound.items()
        if len(by_split) > 1
    }
    shared = []
    for one in entries:
        of_sound = spans.get(sound(one), {})
        for split in _earlier(one.split):
            if split in of_sound and (other := of_sound[split].overlapping(one)) is not None:
                shared.append(_Shared(one, split, other))
    return shared


def _language_and_text(one: CheckedUtterance) -> Hashable:
    return one.entry.language, one.entry.text


def _recording(one: CheckedClip) -> str:
    """What a clip was cut from: as it is named, or its file."""
    return one.entry.recording or str(one.entry.audio)


class _Spans(Generic[One]):
    """The stretches of one channel that are in one split, for finding one that overlaps another in O(log n)."""

    def __init__(self, members: Sequence[One]) -> None:
        ordered = sorted(((*_span(one), number) for number, one in enumerate(members)))
        self._starts = [start for start, _, _ in ordered]
        self._furthest: list[tuple[float, One]] = []  # the latest end of the first k + 1
        for _, end, number in ordered:
            if not self._furthest or end > self._furthest[-1][0]:
                self._furthest.append((end, members[number]))
            else:
                self._furthest.append(self._furthest[-1])

    def overlapping(self, one: One) -> One | None:
        """Of those that start before the end of ``one``, the last to end, if that is after its start."""
        start, end = _span(one)
        number = bisect_left(self._starts, end) - 1
        if number < 0 or self._furthest[number][0] <= start:
            return None
        return self._furthest[number][1]


def _span(one: Checked) -> tuple[float, float]:
    """Start and end in seconds, half the slack taken off both; the end of a file that nobody measured is infinite."""
    start, duration = one.entry.start_seconds, one.entry.duration_seconds
    if duration is None:
        return start + SLACK_SECONDS / 2, math.inf
    slack = min(SLACK_SECONDS, duration / 2)
    return start + slack / 2, start + duration - slack / 2


def _shared(entries: Sequence[One], key: Callable[[One], Hashable]) -> list[_Shared[One]]:
    """Entries whose key an earlier split has too, once for each such split."""
    first: dict[tuple[str, Hashable], One] = {}
    for one in entries:
        first.setdefault((one.split, key(one)), one)
    return [
        _Shared(one, split, first[(split, key(one))])
        for one in entries
        for split in _earlier(one.split)
        if (split, key(one)) in first
    ]


def _earlier(split: str) -> tuple[str, ...]:
    return SPLITS[: SPLITS.index(split)]


def _finding(
    check: str, severity: Severity, what: str, shared: Sequence[_Shared[One]], detail: Callable[[One, One], str]
) -> Finding | None:
    """The finding on entries, each once, with how many there are of each pair of splits."""
    pairs = Counter((each.one.split, each.split) for each in shared)
    listed = ", ".join(f"{count} of {split} in {earlier}" for (split, earlier), count in pairs.items())
    others = {id(each.one): each.other for each in reversed(shared)}
    concerned = list({id(each.one): each.one for each in shared}.values())
    return finding(check, severity, f"{what}: {listed}", concerned, lambda one: detail(one, others[id(one)]))


def _name(one: Checked) -> str:
    return said(one.entry.place, one.name)
