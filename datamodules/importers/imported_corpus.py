"""A user's manifests become a corpus folder in the layout of all speech corpora; the audio stays where it is.

Texts are normalised (``taken_texts``), what is left out is counted and named, speakers that nobody names are
``unknown``. Splits that have no manifest of their own are dealt from the training manifest by text, so that no sentence
is in two of them. Lengths are read here, from headers where those are to be trusted; ``earmark data
check`` decodes all.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from rich.progress import track

from datamodules.audio.audio_reader import SLACK_SECONDS
from datamodules.corpora.clip_corpus import SPLITS
from datamodules.corpora.speech.speech_corpus import SpeechFacts, SpeechFile, write_speech_manifests
from datamodules.corpora.speech.speech_splits import TEST_SHARE, VALIDATION_SHARE, deal, split_of_text
from datamodules.corpora.whole_folder import whole_folder
from datamodules.corpus_files import write_facts
from datamodules.corpus_folder import CorpusCard
from datamodules.dealing.recorded_sources import UNKNOWN_SPEAKER
from datamodules.importers.audio_headers import AudioHeaders, DamagedAudioError
from datamodules.importers.entry import ManifestEntry, ManifestError
from datamodules.importers.imported_manifests import IMPORTED_FROM, manifest_facts
from datamodules.importers.new_corpus import new_corpus
from datamodules.importers.read import read_manifest
from datamodules.importers.taken_texts import TextNotes, TextsTaken
from datamodules.run_warning import RunWarning
from datamodules.texts.corpus_text_rules import SAID, Given, keep_rules, used_rules
from datamodules.texts.own_text_rules import own_text_rules
from datamodules.texts.text_rules import UnspeakableTextError, code_of


@dataclass(frozen=True)
class Source:
    """Where a user's utterances are: manifests by split (``train`` at least) and how to read them.

    ``text_rules`` are the user's own, by language, as they stand in ``rules_file``.
    """

    manifests: Mapping[str, Sequence[Path]]
    format_name: str = "auto"
    language: str | None = None
    audio_root: Path | None = None
    text_rules: Given = field(default_factory=dict)
    rules_file: Path | None = None
    keeps_held_out_texts: bool = True

    @property
    def texts(self) -> TextsTaken:
        """How texts are taken: those of held-out splits that are given, and not dealt, are kept as written.

        Raises ``ValueError`` for rules that are none.
        """
        given = [split for split in SPLITS if split != "train" and split in self.manifests]
        own = own_text_rules(self.text_rules, where=str(self.rules_file))
        return TextsTaken(own, given if self.keeps_held_out_texts else [])

    def read(self, split: str) -> list[ManifestEntry]:
        """The utterances of one split as written. Raises ``ManifestError``."""
        return [
            entry
            for path in self.manifests.get(split, ())
            for entry in read_manifest(
                path, format_name=self.format_name, language=self.language, audio_root=self.audio_root
            )
        ]


@dataclass
class _Kept:
    """Utterances with normalised texts, and what was left out or kept as written."""

    by_split: dict[str, list[ManifestEntry]] = field(default_factory=dict)
    notes: TextNotes = field(default_factory=TextNotes)
    first_of_several: list[ManifestEntry] = field(default_factory=list)  # nobody names a channel: the first is taken


def import_corpus(
    name: str, source: Source, *, licence: str = "not stated", drop_damaged: bool = False, rebuild: bool = False
) -> CorpusCard:
    """Write ``DATA_ROOT/NAME`` and return its card.

    ``drop_damaged`` leaves out and counts utterances whose audio is missing or has no readable header, instead of
    refusing them. Raises ``ManifestError`` for a manifest that cannot be read, an utterance without language, an id
    that stands twice, damaged audio and a split that is left empty; ``ValueError`` for a name that is taken or none.
    """
    with new_corpus(name, rebuild=rebuild) as target:
        rules_file = () if source.rules_file is None else (source.rules_file,)
        manifests = manifest_facts((*(path for paths in source.manifests.values() for path in paths), *rules_file))
        kept = _keep(source, drop_damaged=drop_damaged)
        kept.notes.say({split: len(entries) for split, entries in kept.by_split.items()})
        if kept.first_of_several:
            say = Console(stderr=True, soft_wrap=True).print
            say(_first_taken(kept.first_of_several), highlight=False, markup=False)
        rules = _used_rules(source, kept)
        paths = [str(path) for split in SPLITS for path in source.manifests.get(split, ())]
        facts = SpeechFacts(
            name=name,
            synthetic=False,
            licences={"imported": licence},
            description=f"imported from {', '.join(paths)}" + (f"{SAID}{source.rules_file}" if rules else ""),
        )
        with whole_folder(target) as folder:
            utterances = {
                split: map(_speech_file, track(kept.by_split[split], f"{name} {split}", console=Console(stderr=True)))
                for split in SPLITS
            }
            write_facts(folder, manifests, IMPORTED_FROM)
            kept.notes.write(folder)
            card = write_speech_manifests(folder, facts=facts, utterances=utterances, dropped=kept.notes.counts())
            return keep_rules(folder, card, rules)


def _keep(source: Source, *, drop_damaged: bool) -> _Kept:
    """Read, normalise and leave out, then deal the splits that have no manifest."""
    kept, headers, texts, by_id = _Kept(), _Headers(), source.texts, dict[str, ManifestEntry]()
    for split in SPLITS:
        kept.by_split[split] = []
        for entry in source.read(split):
            if (other := by_id.setdefault(entry.utterance_id, entry)) is not entry:
                raise ManifestError(_stands_twice(entry, other))
            try:
                taken = texts.take(entry, split)
                ready = headers.fitted(replace(entry, text=taken.text))
            except UnspeakableTextError as error:
                kept.notes.left_out.append((split, entry, error.reason))
            except DamagedAudioError as error:
                if not drop_damaged:
                    raise ManifestError(
                        f"{entry.place}: {entry.audio}: {error.sentence()}; allowed: audio that can be read, "
                        "or --drop-damaged (earmark data check finds all that cannot)"
                    ) from error
                kept.notes.left_out.append((split, entry, str(error)))
            else:
                kept.by_split[split].append(ready)
                if taken.cut:
                    kept.notes.cut[str(entry.language)].update(taken.cut)
                if taken.reason:
                    kept.notes.kept.append((split, entry, taken.reason))
                if headers.takes_first_of_several(ready):
                    kept.first_of_several.append(ready)
    _deal(kept, absent=[split for split in SPLITS if split not in source.manifests])
    for split in SPLITS:
        if not kept.by_split[split]:
            hint = "" if split in source.manifests else f", allowed: {_more_texts(kept, split)}"
            raise ManifestError(f"split {split!r} has no utterance ({_counted(kept.notes.counts())}){hint}")
    return kept


def _stands_twice(entry: ManifestEntry, other: ManifestEntry) -> str:
    """An id is made of the audio's name where no column says it: two folders may have files of one name."""
    same = (entry.audio, entry.start_seconds, entry.channel) == (other.audio, other.start_seconds, other.channel)
    what = "the same audio" if same else "other audio"
    return (
        f"{entry.place}: id {entry.utterance_id!r} stands on {other.place} too, for {what}; allowed: once "
        "(a column id says it; without one it is made of the audio's name as the manifest has it)"
    )


def _more_texts(kept: _Kept, split: str) -> str:
    """Each text is dealt by itself, so that of few none may fall into a small split."""
    num_texts = len({entry.text for entries in kept.by_split.values() for entry in entries})
    share = TEST_SHARE if split == "test" else VALIDATION_SHARE
    return f"more different texts than {num_texts} ({share:.0%} of them are dealt to it), or --{split} of its own"


def _used_rules(source: Source, kept: _Kept) -> Given:
    """The user's rules of the languages that were kept; those of others are named."""
    languages = {str(entry.language) for entries in kept.by_split.values() for entry in entries}
    codes = {code_of(language) for language in languages}
    unused = [language for language in source.text_rules if code_of(language) not in codes]
    if source.rules_file is not None and (unused or not source.text_rules):
        warnings.warn(
            f"--text-rules {source.rules_file}: {', '.join(unused) or 'no language'}: no utterance of it, allowed: "
            f"rules of what is imported ({', '.join(sorted(languages))})",
            RunWarning,
            stacklevel=3,
        )
    return used_rules(source.text_rules, languages)


def _deal(kept: _Kept, *, absent: Sequence[str]) -> None:
    """Fill the splits ``absent`` from the training utterances, by ``speech_splits``' rules."""
    if not absent:
        return
    training = kept.by_split["train"]
    dealt: list[str | None] = [split_of_text(entry.text) for entry in training]
    if len(absent) == 2:  # nothing is held out by the user: whole speakers may be
        dealt = deal([entry.text for entry in training], [entry.speaker or UNKNOWN_SPEAKER for entry in training])
    for split in ("train", *absent):
        kept.by_split[split] = []
    for entry, given in zip(training, dealt, strict=True):
        if given is None:
            kept.notes.left_out.append(("train", entry, "text of a training speaker"))
        else:
            kept.by_split[given if given in absent else "train"].append(entry)


def _counted(dropped: Mapping[str, Mapping[str, int]]) -> str:
    parts = [f"{count} {reason} ({language})" for language, of in dropped.items() for reason, count in of.items()]
    return f"left out: {', '.join(parts) or 'none'}"


def _first_taken(entries: Sequence[ManifestEntry]) -> str:
    return (
        f"{len(entries)} utterances of files with several channels, no channel named: the first is taken "
        f"({entries[0].place} and on; name another in the manifest, docs/import.md)"
    )


class _Headers(AudioHeaders):
    """Headers of audio files, and what they say of utterances."""

    def fitted(self, entry: ManifestEntry) -> ManifestEntry:
        """The entry, its duration cut where it reaches past the file's end by no more than rounding.

        Raises ``DamagedAudioError``, also for a channel that the file lacks.
        """
        header = self.of(entry.audio)
        if entry.channel >= header.num_channels:
            raise DamagedAudioError(f"lacks channel {entry.channel} (counted from 0)")
        if entry.start_seconds >= header.duration_seconds:
            raise DamagedAudioError("starts after the end of its file" if header.num_samples else "no samples")
        if entry.duration_seconds is None:
            return entry
        past_seconds = entry.start_seconds + entry.duration_seconds - header.duration_seconds
        if past_seconds > SLACK_SECONDS:
            raise DamagedAudioError("reaches past the end of its file")
        return entry if past_seconds <= 0 else replace(entry, duration_seconds=None)

    def takes_first_of_several(self, entry: ManifestEntry) -> bool:
        """Whether an entry's file has several channels of which the manifest names none."""
        return not entry.names_channel and self.of(entry.audio).num_channels > 1


def _speech_file(entry: ManifestEntry) -> SpeechFile:
    return SpeechFile(
        utterance_id=entry.utterance_id,
        audio_path=entry.audio,
        text=entry.text,
        language=str(entry.language),
        speaker=entry.speaker or UNKNOWN_SPEAKER,
        start_seconds=entry.start_seconds,
        duration_seconds=entry.duration_seconds,
        channel=entry.channel,
        sources=entry.sources,
    )
