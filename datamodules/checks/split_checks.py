"""What two splits of transcribed speech must not share: audio, texts and speakers. Every pair of splits is looked at.

Training against what is held out, and validation against test: checkpoint and decoder weights are chosen on validation,
so a test that shares its audio is chosen on too. What two splits share is counted once, at the utterance of the later
one (train, validation, test). ``speech_checks.py`` holds the checks of single utterances.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from datamodules.audio.audio_reader import SLACK_SECONDS
from datamodules.checks.speech_checks import CheckedUtterance, Finding, finding
from datamodules.corpora.clip_corpus import SPLITS


def shared_audio(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Parts of one channel of a file in two splits that overlap by more than the rounding of manifests.

    Takes O(n log n) for n utterances of one file: a long recording may be cut into many.
    """
    by_channel: dict[tuple[Path, int], dict[str, list[CheckedUtterance]]] = defaultdict(lambda: defaultdict(list))
    for one in utterances:
        by_channel[one.entry.audio, one.entry.channel][one.split].append(one)
    spans = {
        channel: {split: _Spans(members) for split, members in by_split.items()}
        for channel, by_split in by_channel.items()
        if len(by_split) > 1
    }
    shared = []
    for one in utterances:
        of_channel = spans.get((one.entry.audio, one.entry.channel), {})
        for split in _earlier(one.split):
            if split in of_channel and (other := of_channel[split].overlapping(one)) is not None:
                shared.append(_Shared(one, split, other))
    return _finding(
        "shared_audio", "error", "the same audio is in another split", shared,
        lambda one, other: f"{one.entry.audio}: also {_name(other)}",
    )  # fmt: skip


def shared_texts(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Held-out texts that an earlier split has too: a language model knows them by heart, or was weighed on them."""
    shared = _shared(utterances, lambda one: (one.entry.language, one.entry.text))
    return _finding(
        "shared_texts", "warning", "held-out text is in another split too", shared,
        lambda one, _: repr(one.entry.text[:60]),
    )  # fmt: skip


def shared_speakers(utterances: Sequence[CheckedUtterance]) -> Finding | None:
    """Held-out utterances by speakers of an earlier split: their scores do not tell of new voices."""
    shared = _shared([one for one in utterances if one.entry.speaker is not None], lambda one: one.entry.speaker)
    speakers = len({each.utterance.entry.speaker for each in shared})
    return _finding(
        "shared_speakers", "warning", f"held-out utterance by a speaker of another split ({speakers} speakers)", shared,
        lambda one, _: f"speaker {one.entry.speaker}",
    )  # fmt: skip


class _Shared(NamedTuple):
    """An utterance, and one of an earlier split that it shares something with."""

    utterance: CheckedUtterance
    split: str
    other: CheckedUtterance


class _Spans:
    """The stretches of one channel that are in one split, for finding one that overlaps another in O(log n)."""

    def __init__(self, members: Sequence[CheckedUtterance]) -> None:
        ordered = sorted(((*_span(one), number) for number, one in enumerate(members)))
        self._starts = [start for start, _, _ in ordered]
        self._furthest: list[tuple[float, CheckedUtterance]] = []  # the latest end of the first k + 1
        for _, end, number in ordered:
            if not self._furthest or end > self._furthest[-1][0]:
                self._furthest.append((end, members[number]))
            else:
                self._furthest.append(self._furthest[-1])

    def overlapping(self, one: CheckedUtterance) -> CheckedUtterance | None:
        """Of those that start before the end of ``one``, the last to end, if that is after its start."""
        start, end = _span(one)
        number = bisect_left(self._starts, end) - 1
        if number < 0 or self._furthest[number][0] <= start:
            return None
        return self._furthest[number][1]


def _span(one: CheckedUtterance) -> tuple[float, float]:
    """Start and end in seconds, half the slack taken off both; the end of a file that nobody measured is infinite."""
    start, duration = one.entry.start_seconds, one.entry.duration_seconds
    if duration is None:
        return start + SLACK_SECONDS / 2, math.inf
    slack = min(SLACK_SECONDS, duration / 2)
    return start + slack / 2, start + duration - slack / 2


def _shared(utterances: Sequence[CheckedUtterance], key: Callable[[CheckedUtterance], Hashable]) -> list[_Shared]:
    """Utterances whose key an earlier split has too, once for each such split."""
    first: dict[tuple[str, Hashable], CheckedUtterance] = {}
    for one in utterances:
        first.setdefault((one.split, key(one)), one)
    return [
        _Shared(one, split, first[(split, key(one))])
        for one in utterances
        for split in _earlier(one.split)
        if (split, key(one)) in first
    ]


def _earlier(split: str) -> tuple[str, ...]:
    return SPLITS[: SPLITS.index(split)]


def _finding(
    check: str,
    severity: Literal["error", "warning"],
    what: str,
    shared: Sequence[_Shared],
    detail: Callable[[CheckedUtterance, CheckedUtterance], str],
) -> Finding | None:
    """The finding on utterances, each once, with how many there are of each pair of splits."""
    pairs = Counter((each.utterance.split, each.split) for each in shared)
    listed = ", ".join(f"{count} of {split} in {earlier}" for (split, earlier), count in pairs.items())
    others = {id(each.utterance): each.other for each in reversed(shared)}
    concerned = list({id(each.utterance): each.utterance for each in shared}.values())
    return finding(check, severity, f"{what}: {listed}", concerned, lambda one: detail(one, others[id(one)]))


def _name(one: CheckedUtterance) -> str:
    return f"{one.entry.place}: {one.entry.utterance_id}" if one.entry.place else one.entry.utterance_id
