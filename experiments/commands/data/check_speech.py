"""``earmark data check`` of transcribed speech: which findings there are, and the trial of the longest batch."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.commands.data.check_report import Looked
from experiments.commands.data.manifest_arguments import source

if TYPE_CHECKING:
    from datamodules.audio.audio_facts import AudioFacts
    from datamodules.checks.findings import Finding
    from datamodules.checks.speech_checks import CheckedUtterance, Framing

HOP_SECONDS = 0.01


def look(arguments: argparse.Namespace, *, corpus: str | None) -> Looked:
    """Decode, check and try a ``corpus``, or the manifests that the arguments name. Raises ``ManifestError``."""
    from datamodules.checks.checked_splits import entries_of_corpus, entries_of_manifests
    from datamodules.checks.findings import Finding
    from datamodules.checks.speech_checks import Framing
    from experiments.commands.data.batch_trial import try_longest_batch

    if corpus is None:
        entries = entries_of_manifests(source(arguments, [Path(target) for target in arguments.target]))
    else:
        entries = entries_of_corpus(corpus)
    utterances = entries.checked(decoded(entries.audio))
    framing = Framing(arguments.hop_seconds or HOP_SECONDS, arguments.subsampling, arguments.speed)
    of_texts = entries.unspeakable_text(), entries.kept_as_written()
    found = [*of_texts, *_findings(utterances, framing=framing, alphabet=arguments.alphabet)]
    tried = try_longest_batch(utterances, batch_seconds=arguments.batch_seconds, framing=framing)
    failed = tried if isinstance(tried, Finding) else None
    return Looked(
        noun="utterances",
        entries=utterances,
        findings=[finding for finding in (*found, failed) if finding is not None],
        trial=None if isinstance(tried, Finding) else tried,
    )


def decoded(files: Sequence[Path]) -> dict[Path, AudioFacts]:
    """What decoding every file says, with a bar for whoever waits."""
    from datamodules.audio.audio_facts import all_audio_facts
    from experiments.waiting import with_bar

    return dict(with_bar(all_audio_facts(files), "decoding", total=len(files)))


def _findings(
    utterances: Sequence[CheckedUtterance], *, framing: Framing, alphabet: str | None
) -> list[Finding | None]:
    from datamodules.checks import audio_checks, split_checks
    from datamodules.checks import speech_checks as checks
    from lightning_modules.metrics.words.training_neighbours import near_training

    learnt = {character for one in utterances if one.split == "train" for character in one.entry.text}
    known = learnt if alphabet is None else set(alphabet)
    return [
        audio_checks.missing_audio(utterances),
        audio_checks.unreadable_audio(utterances),
        audio_checks.absent_channel(utterances),
        audio_checks.outside_audio(utterances),
        checks.empty_text(utterances),
        checks.unalignable(utterances, framing=framing),
        audio_checks.duplicate_ids(utterances),
        split_checks.shared_audio(utterances),
        checks.unknown_characters(utterances, alphabet=known, given=alphabet is not None),
        checks.no_language(utterances),
        audio_checks.silent_audio(utterances),
        audio_checks.clipped_audio(utterances),
        audio_checks.full_scale_audio(utterances),
        audio_checks.duration_outliers(utterances),
        checks.speech_rate_outliers(utterances),
        split_checks.shared_texts(utterances),
        split_checks.near_texts(utterances, nearest=near_training),
        split_checks.shared_speakers(utterances),
        audio_checks.repeated_audio(utterances),
        audio_checks.mixed_sample_rates(utterances),
        checks.several_channels(utterances),
    ]
