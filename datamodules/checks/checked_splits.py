"""Gathers what ``speech_checks`` looks at: the utterances of a prepared corpus or of a user's manifests, by split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lhotse import MonoCut, load_manifest_lazy

from datamodules.audio.audio_facts import AudioFacts
from datamodules.checks.findings import Finding, finding
from datamodules.checks.speech_checks import CheckedUtterance
from datamodules.corpora.clip_corpus import SPLITS
from datamodules.corpus_folder import data_root, read_card
from datamodules.dealing.recorded_sources import UNKNOWN_SPEAKER
from datamodules.importers.entry import ManifestEntry, ManifestError
from datamodules.importers.imported_corpus import Source
from datamodules.importers.taken_texts import warn_of_generic_rules
from datamodules.texts.corpus_text_rules import given_rules
from datamodules.texts.text_rules import UnspeakableTextError, code_of


@dataclass(frozen=True)
class SplitEntries:
    """Utterances by split, their texts normalised.

    ``unspeakable`` ones, which importing leaves out, and ``as_written``, which it keeps, have their reasons.
    """

    by_split: Mapping[str, Sequence[ManifestEntry]]
    unspeakable: Sequence[tuple[str, ManifestEntry, str]] = ()
    as_written: Sequence[tuple[str, ManifestEntry, str]] = ()

    @property
    def audio(self) -> list[Path]:
        """The files of all utterances, each once."""
        return list(dict.fromkeys(entry.audio for entries in self.by_split.values() for entry in entries))

    def checked(self, facts: Mapping[Path, AudioFacts]) -> list[CheckedUtterance]:
        """The utterances with what decoding said of their files."""
        return [
            CheckedUtterance(split, entry, facts[entry.audio])
            for split, entries in self.by_split.items()
            for entry in entries
        ]

    def unspeakable_text(self) -> Finding | None:
        """Texts that have no reading as letters and are left out."""
        return _of_texts(
            self.unspeakable, "unspeakable_text", "text has no reading as letters, and is left out when imported"
        )

    def kept_as_written(self) -> Finding | None:
        """Held-out texts that have no reading as letters and are kept."""
        said = "held-out text has no reading as letters; it is kept as written when imported, and counts in error rates"
        return _of_texts(self.as_written, "kept_as_written", said)


def _of_texts(noted: Sequence[tuple[str, ManifestEntry, str]], code: str, says: str) -> Finding | None:
    unread = AudioFacts(exists=True, problem=None)
    reasons = {id(entry): reason for _, entry, reason in noted}
    return finding(
        code, "warning", says, [CheckedUtterance(split, entry, unread) for split, entry, _ in noted],
        lambda one: f"{reasons[id(one.entry)]} in {one.entry.text[:60]!r}",
    )  # fmt: skip


def entries_of_corpus(name: str) -> SplitEntries:
    """The utterances of a prepared speech corpus, texts as they stand.

    A cut always has a channel: a file's channels count as named where an utterance is of another than the first.
    Raises ``CorpusMissingError``, and ``ManifestError`` for a corpus of another kind and a damaged manifest.
    """
    if read_card(name).classes:
        raise ManifestError(f"{data_root() / name}: is a corpus of sound events, allowed: one of speech")
    folder = data_root() / name
    by_split = {split: list(_cuts(folder, folder / "manifests" / f"{split}.jsonl.gz")) for split in SPLITS}
    languages = {entry.language for entries in by_split.values() for entry in entries if entry.language}
    own = given_rules(name)
    for language in sorted(language for language in languages if not own.get(code_of(language))):
        warn_of_generic_rules(language)
    told_apart = {entry.audio for entries in by_split.values() for entry in entries if entry.channel}
    return SplitEntries(
        {
            split: [replace(entry, names_channel=entry.audio in told_apart) for entry in entries]
            for split, entries in by_split.items()
        }
    )


def entries_of_manifests(source: Source) -> SplitEntries:
    """The utterances of a user's manifests, normalised as importing would. Raises ``ManifestError``."""
    by_split: dict[str, list[ManifestEntry]] = {}
    unspeakable, as_written, texts = [], [], source.texts
    for split in source.manifests:
        by_split[split] = []
        for entry in source.read(split):
            if not entry.text or entry.language is None:
                by_split[split].append(entry)
                continue
            try:
                taken = texts.take(entry, split)
                by_split[split].append(replace(entry, text=taken.text))
                if taken.reason:
                    as_written.append((split, entry, taken.reason))
            except UnspeakableTextError as error:
                unspeakable.append((split, entry, error.reason))
    return SplitEntries(by_split, unspeakable, as_written)


def _cuts(folder: Path, path: Path) -> Iterator[ManifestEntry]:
    if not path.is_file():
        raise ManifestError(f"{path}: no such file, allowed: a whole corpus; prepare it again")
    try:
        for number, cut in enumerate(load_manifest_lazy(path), start=1):
            yield _entry(folder, cut, place=f"{path}, line {number}")
    except (OSError, EOFError, KeyError, TypeError, AttributeError) as error:
        raise ManifestError(f"{path}: is damaged ({error}); prepare the corpus again") from error


def _entry(folder: Path, cut: MonoCut, *, place: str) -> ManifestEntry:
    if len(cut.supervisions) != 1:
        raise ManifestError(f"{place}: utterance {cut.id!r} has {len(cut.supervisions)} supervisions, allowed: one")
    [said] = cut.supervisions
    return ManifestEntry(
        utterance_id=str(cut.id),
        audio=folder / cut.recording.sources[0].source,
        text=said.text or "",
        place=place,
        start_seconds=float(cut.start),
        duration_seconds=float(cut.duration),
        language=said.language,
        speaker=None if said.speaker == UNKNOWN_SPEAKER else said.speaker,
        channel=int(cut.channel),
    )
