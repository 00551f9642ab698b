"""What can be wrong with audio, whatever it is labelled with: a function each, of utterances and of clips alike.

All take the entries with what decoding said, and return a ``Finding`` or None. An entry is a stretch of one channel of
a file, or of the mean of its channels (``channel`` None).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

import numpy as np

from datamodules.audio.audio_facts import PEAK_BLOCK_SECONDS
from datamodules.audio.audio_reader import SLACK_SECONDS
from datamodules.checks.findings import (
    Checked,
    Finding,
    One,
    Severity,
    all_but_first,
    finding,
    readable,
    said,
    share,
)
from datamodules.importers.sound_events.audio_files import is_audio

MIN_FOR_OUTLIERS = 20  # a median and a spread of fewer say little
OUTLIER_DEVIATIONS = 4.0  # of log(value) from its median, in robust standard deviations
MIN_DEVIATION = math.log(1.2)  # of log(value): a corpus of equal lengths must not flag a hair's breadth
MAX_UNCLIPPED = 1.0 + 2**-15  # of full scale
MAX_FULL_SCALE_SHARE = 1e-3  # of samples: a file that was only brought to full scale has a few


def missing_audio(entries: Sequence[One]) -> Finding | None:
    """Files that are not there, with their share of all; a namesake of another extension or case is named."""
    missing = [one for one in entries if not one.audio.exists]
    files, gone = ({one.entry.audio for one in of} for of in (entries, missing))
    what = f"audio file is missing: {share(len(gone), len(files))}" if gone else ""
    return finding(
        "missing_audio", "error", what, missing, lambda one: f"{one.entry.audio}{_namesake(one.entry.audio)}"
    )


def unreadable_audio(entries: Sequence[One]) -> Finding | None:
    """Files that are there and do not decode to their end."""
    unreadable = [one for one in entries if one.audio.exists and one.audio.problem]
    return finding(
        "unreadable_audio", "error", "audio file cannot be read whole and at full scale", unreadable,
        lambda one: f"{one.entry.audio}: {one.audio.problem}",
    )  # fmt: skip


def outside_audio(entries: Sequence[One]) -> Finding | None:
    """Stretches that reach past the end of their file."""
    return finding(
        "outside_audio", "error", "stretch reaches past the end of its file",
        [one for one in readable(entries) if reaches_past(one)],
        lambda one: f"{one.entry.start_seconds:g} s + {one.duration_seconds:g} s in {one.audio.duration_seconds:g} s",
    )  # fmt: skip


def reaches_past(one: Checked) -> bool:
    """Whether a stretch starts or ends after the end of its (readable) file."""
    start, end = one.entry.start_seconds, one.entry.start_seconds + one.duration_seconds
    return start >= one.audio.duration_seconds or end > one.audio.duration_seconds + SLACK_SECONDS


def lacks_channel(one: Checked) -> bool:
    """Whether a stretch is of a channel that its (readable) file does not have."""
    return one.entry.channel is not None and one.entry.channel >= one.audio.num_channels


def absent_channel(entries: Sequence[One]) -> Finding | None:
    """Channels that a file does not have."""
    return finding(
        "absent_channel", "error", "channel that the file lacks (counted from 0)",
        [one for one in readable(entries) if lacks_channel(one)],
        lambda one: f"channel {one.entry.channel} of {one.audio.num_channels}: {one.entry.audio}",
    )  # fmt: skip


def silent_audio(entries: Sequence[One]) -> Finding | None:
    """Digital silence in a stretch's own time and channel: one side of a call is silent for long."""
    heard = [one for one in readable(entries) if not (lacks_channel(one) or reaches_past(one))]
    return finding(
        "silent_audio", "warning", "audio is digital silence", [one for one in heard if is_silent(one)],
        lambda one: f"{_where(one)}{one.entry.audio}",
    )  # fmt: skip


def is_silent(one: Checked) -> bool:
    """Whether nothing in a stretch is louder than the last of 16 bits."""
    start, end = one.entry.start_seconds, one.entry.start_seconds + one.duration_seconds
    margin = min(PEAK_BLOCK_SECONDS, one.duration_seconds / 4)  # the blocks at its ends hold its neighbours' sound
    channels = range(one.audio.num_channels) if one.entry.channel is None else [one.entry.channel]
    return all(one.audio.peak_between(start + margin, end - margin, channel) < 2**-15 for channel in channels)


def clipped_audio(entries: Sequence[One]) -> Finding | None:
    """Files with samples over full scale: training keeps 16 bits, and clips them."""
    clipped = [one for one in readable(entries) if one.audio.peak > MAX_UNCLIPPED]
    return finding(
        "clipped_audio", "warning", "samples over full scale are clipped when read", clipped,
        lambda one: f"{one.entry.audio}: {one.audio.peak:.3g}",
    )  # fmt: skip


def full_scale_audio(entries: Sequence[One]) -> Finding | None:
    """Files that stay at full scale: they were clipped when they were recorded or made."""

    def share_of_samples(one: Checked) -> float:
        return one.audio.num_full_scale / max(1, one.audio.num_samples * one.audio.num_channels)

    clipped = [
        one for one in readable(entries)
        if share_of_samples(one) > MAX_FULL_SCALE_SHARE and one.audio.peak <= MAX_UNCLIPPED
    ]  # fmt: skip
    return finding(
        "full_scale_audio", "warning", f"more than {MAX_FULL_SCALE_SHARE:.1%} of the samples are at full scale: the "
        "recording was clipped", clipped,
        lambda one: f"{one.entry.audio}: {share_of_samples(one):.2g}",
    )  # fmt: skip


def duration_outliers(entries: Sequence[One]) -> Finding | None:
    """Durations far from the median, in robust standard deviations of their logarithm."""
    timed = [one for one in readable(entries) if one.duration_seconds > 0]
    median, far = outliers(timed, lambda one: one.duration_seconds, group=lambda one: 0)
    return finding(
        "duration_outliers", "warning", "duration far from the median", far,
        lambda one: f"{one.duration_seconds:.2f} s (median {median[0]:.2f} s)",
    )  # fmt: skip


def mixed_lengths(entries: Sequence[One]) -> Finding | None:
    """Entries of another length than most, where most have one (to a tenth of a second); else ``duration_outliers``."""
    timed = [one for one in readable(entries) if one.duration_seconds > 0]
    counts = Counter(round(one.duration_seconds, 1) for one in timed)
    usual, count = counts.most_common(1)[0] if counts else (0.0, 0)
    if 2 * count < len(timed):
        return duration_outliers(entries)
    others = [one for one in timed if round(one.duration_seconds, 1) != usual]
    return finding(
        "mixed_lengths", "warning", f"length differs from that of most ({count} of {len(timed)} are {usual:g} s)",
        others, lambda one: f"{one.duration_seconds:.2f} s",
    )  # fmt: skip


def duplicate_ids(entries: Sequence[One]) -> Finding | None:
    """Ids that stand twice, in one split or in two."""
    return repeated("duplicate_ids", "id stands twice", all_but_first(entries, lambda one: one.name), severity="error")


def repeated_audio(entries: Sequence[One]) -> Finding | None:
    """The same stretch of a channel twice in one split, of one file or of two with the same samples."""
    pairs = all_but_first(entries, lambda one: (one.split, *sound(one), one.entry.start_seconds))
    return repeated("repeated_audio", "the same audio stands twice in a split", pairs, shows_file=True)


def repeated(
    check: str, what: str, pairs: Sequence[tuple[One, One]], *, severity: Severity = "warning", shows_file: bool = False
) -> Finding | None:
    """The finding on those that stand again, each with the first of its kind."""
    first = {id(one): other for one, other in pairs}

    def detail(one: One) -> str:
        other = first[id(one)]
        again = said(other.entry.place, other.name if other.name != one.name else "")
        return said(f"{one.entry.audio}" if shows_file else "", f"also {again}")

    return finding(check, severity, what, [one for one, _ in pairs], detail)


def sound(one: Checked) -> tuple[str, int | None]:
    """What tells an entry's audio from that of others: a file's samples, and its channel.

    The name stands for the samples where nobody decoded them, and of silence, which all files of a length share.
    """
    channel = 0 if one.entry.channel is None and one.audio.num_channels == 1 else one.entry.channel
    return (one.audio.digest if one.audio.peak else "") or str(one.entry.audio), channel


def mixed_sample_rates(entries: Sequence[One]) -> Finding | None:
    """Files of other sample rates than most: a network hears where the band ends, and learns the corpus from it."""
    counts = Counter(one.audio.sample_rate_hz for one in readable(entries))
    usual = counts.most_common(1)[0][0] if counts else 0
    listed = ", ".join(f"{rate} Hz: {count}" for rate, count in sorted(counts.items()))
    others = [one for one in readable(entries) if one.audio.sample_rate_hz != usual]
    return finding(
        "mixed_sample_rates", "warning", f"sample rates differ ({listed})", others,
        lambda one: f"{one.audio.sample_rate_hz} Hz",
    )  # fmt: skip


def unnamed_channels(entries: Sequence[One], *, names_channel: Callable[[One], bool], used: str) -> Finding | None:
    """Files of more than one channel where the manifest names none; ``used`` is what is taken of them then."""
    several = [one for one in readable(entries) if one.audio.num_channels > 1 and not names_channel(one)]
    return finding(
        "several_channels", "warning",
        f"audio has several channels and none is named, {used}: {share(len(several), max(1, len(entries)))}",
        several,
        lambda one: f"{one.audio.num_channels} channels",
    )  # fmt: skip


def outliers(
    entries: Sequence[One], value: Callable[[One], float], *, group: Callable[[One], Hashable]
) -> tuple[dict[Hashable, float], list[One]]:
    """Medians by group, and the entries far from theirs."""
    groups: dict[Hashable, list[One]] = defaultdict(list)
    for one in entries:
        groups[group(one)].append(one)
    medians, far = {}, []
    for key, members in groups.items():
        logs_N = np.log([value(one) for one in members])
        middle = float(np.median(logs_N))
        spread = max(1.4826 * float(np.median(np.abs(logs_N - middle))), MIN_DEVIATION)
        medians[key] = math.exp(middle)
        if len(members) >= MIN_FOR_OUTLIERS:
            is_far_N = np.abs(logs_N - middle) > OUTLIER_DEVIATIONS * spread
            far += [one for one, is_far in zip(members, is_far_N, strict=True) if is_far]
    return medians, far


def _where(one: Checked) -> str:
    """Where in its file a stretch is, for one that is not the whole of a mono file."""
    start, channel = one.entry.start_seconds, one.entry.channel
    if not start and one.entry.duration_seconds is None and (one.audio.num_channels == 1 or channel is None):
        return ""
    of_channel = "" if channel is None else f" of channel {channel}"
    return f"{start:g}-{start + one.duration_seconds:g} s{of_channel}: "


def _namesake(path: Path) -> str:
    """Audio of the same name but for extension and case, which a list may have meant."""
    stem = path.stem.casefold()
    if not path.parent.is_dir():
        return ""
    beside = (other for other in path.parent.iterdir() if is_audio(other))
    found = next((other.name for other in beside if other.stem.casefold() == stem), None)
    return "" if found is None else f" (there is {found})"
