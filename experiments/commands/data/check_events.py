"""``earmark data check`` of sound events: which findings there are, and the trial of the longest batch."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.commands.data.check_report import Looked
from experiments.commands.data.check_speech import decoded
from experiments.commands.data.manifest_arguments import clip_source

if TYPE_CHECKING:
    from datamodules.checks.checked_clips import CheckedClip, ClipEntries
    from datamodules.checks.findings import Finding


def look(arguments: argparse.Namespace, *, corpus: str | None) -> Looked:
    """Decode, check and try a ``corpus``, or the label files that the arguments name. Raises ``ManifestError``."""
    from datamodules.checks.class_checks import label_counts
    from datamodules.checks.event_checks import counted_labels
    from datamodules.checks.findings import Finding
    from experiments.commands.data.clip_batch_trial import FRAME_SECONDS, try_longest_clips

    entries = _entries(arguments, corpus)
    clips = entries.checked(decoded(entries.audio))
    declared = entries.classes if arguments.classes is None else arguments.classes
    classes = declared or sorted(label_counts(clips))
    frame_seconds = arguments.hop_seconds or FRAME_SECONDS
    found = _findings(
        clips, entries, given=arguments.classes or (), declared=declared, classes=classes, frame_seconds=frame_seconds
    )
    tried = try_longest_clips(
        clips, classes=classes, batch_size=arguments.batch_size, sample_rate_hz=entries.sample_rate_hz
    )
    failed = tried if isinstance(tried, Finding) else None
    return Looked(
        noun="clips",
        entries=clips,
        findings=[finding for finding in (*found, failed) if finding is not None],
        trial=None if isinstance(tried, Finding) else tried,
        labels={split: counted_labels([one for one in clips if one.split == split]) for split in entries.by_split},
    )


def _entries(arguments: argparse.Namespace, corpus: str | None) -> ClipEntries:
    from datamodules.checks.checked_clips import clips_of_corpus, clips_of_labels

    if corpus is not None:
        return clips_of_corpus(corpus)
    return clips_of_labels(clip_source(arguments, [Path(target) for target in arguments.target]))


def _findings(
    clips: Sequence[CheckedClip],
    entries: ClipEntries,
    *,
    given: Sequence[str],
    declared: Sequence[str] | None,
    classes: Sequence[str],
    frame_seconds: float,
) -> list[Finding | None]:
    from datamodules.checks import audio_checks, class_checks, event_checks, list_checks, split_checks

    return [
        audio_checks.missing_audio(clips),
        audio_checks.unreadable_audio(clips),
        audio_checks.absent_channel(clips),
        audio_checks.outside_audio(clips),
        event_checks.outside_events(clips),
        event_checks.reversed_events(clips),
        event_checks.zero_length_events(clips),
        event_checks.contradicting_tags(clips),
        None if declared is None else class_checks.unknown_labels(clips, classes=declared),
        audio_checks.duplicate_ids(clips),
        split_checks.shared_audio(clips),
        split_checks.shared_recordings(clips),
        audio_checks.repeated_audio(clips),
        event_checks.duplicate_events(clips),
        event_checks.overlapping_events(clips),
        event_checks.short_events(clips, frame_seconds=frame_seconds),
        class_checks.misspelt_labels(clips, classes=given),
        class_checks.absent_classes(clips, classes=classes, splits=list(entries.by_split)),
        list_checks.unlisted_audio(clips),
        list_checks.heading_orders(entries.lists),
        audio_checks.silent_audio(clips),
        audio_checks.clipped_audio(clips),
        audio_checks.full_scale_audio(clips),
        audio_checks.mixed_sample_rates(clips),
        event_checks.several_channels(clips),
        audio_checks.mixed_lengths(clips),
    ]
