"""Writes a corpus of transcribed utterances in the layout that every recogniser and language model reads.

    audio/SPLIT/ID.flac              16 kHz mono, 16 bit (not for imported corpora, whose files stay where they are)
    manifests/SPLIT.jsonl.gz         Lhotse cuts: one supervision over the whole cut with text, language, speaker
    dropped.json                     clips that were left out, by language and reason
    phones.tsv                       when each phone is said, where the corpus knows (``datamodules/phones.py``)
    files.json                       what every file was when it was made (``datamodules/corpus_files.py``)
    corpus.json                      the card, written last

Texts are normalised before they come here (``datamodules/texts/text_rules.py``). The digest covers ids, texts,
languages, speakers and audio: the 16-bit samples, not the FLAC bytes, which differ between encoder versions; of
imported corpora the bytes of the files.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from lhotse import AudioSource, CutSet, MonoCut, Recording, SupervisionSegment
from numpy.typing import NDArray

from datamodules.audio.audio_reader import sound_length
from datamodules.corpora.clip_corpus import SPLITS
from datamodules.corpora.sound_files import SAMPLE_RATE_HZ, SoundFileError, write_flac
from datamodules.corpus_files import FileFacts, facts_of, record_files
from datamodules.corpus_folder import CorpusCard
from datamodules.phones import FILE as PHONES
from datamodules.phones import HEADER, Phone, check_phones, phone_lines

Dropped = Mapping[str, Mapping[str, int]]  # language -> reason -> clips


@dataclass(frozen=True)
class Utterance:
    """One utterance: mono samples in [-1, 1] at 16 kHz, its normalised text, ISO 639-1 language, and who speaks.

    ``phones``, where it is known when each is said, are all of it, silence too.
    """

    utterance_id: str
    waveform_S: NDArray[np.float32]
    text: str
    language: str
    speaker: str
    phones: tuple[Phone, ...] = ()


@dataclass(frozen=True)
class SpeechFile:
    """The same of a file that stays where it is; an utterance may be a part of one, and any sample rate will do.

    ``duration_seconds`` None means: to the file's end. ``channel`` counts from 0. ``sources`` say what else it was
    recorded from, by kind (session, group).
    """

    utterance_id: str
    audio_path: Path
    text: str
    language: str
    speaker: str
    start_seconds: float = 0.0
    duration_seconds: float | None = None
    channel: int = 0
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SpeechFacts:
    """What the card says beside the counts and the digest."""

    name: str
    synthetic: bool
    licences: dict[str, str]
    description: str


def write_speech_corpus(
    folder: Path,
    *,
    facts: SpeechFacts,
    utterances: Mapping[str, Iterable[Utterance]],
    dropped: Dropped | None = None,
) -> CorpusCard:
    """Write every split into an empty ``folder`` and return the card that was written last.

    ``utterances`` maps each of ``SPLITS`` to its utterances, which are consumed one at a time; ``dropped`` is read
    after them. Raises ``ValueError`` for a repeated id, an id that can't be a file name or a column of a list, an
    empty or not normalised text, an utterance without samples, and phones that do not spell the text within its time;
    ``OSError`` for a full disk.
    """
    writer = _Writer(folder)
    for split in SPLITS:
        (folder / "audio" / split).mkdir(parents=True)
        for utterance in utterances[split]:
            writer.check(utterance)
            if not len(utterance.waveform_S):
                raise ValueError(f"utterance {utterance.utterance_id!r} has no samples")
            samples_S = np.clip(np.round(utterance.waveform_S * 32767.0), -32768, 32767).astype("<i2")
            if utterance.phones:
                writer.add_phones(utterance, duration_seconds=len(samples_S) / SAMPLE_RATE_HZ)
            source = f"audio/{split}/{utterance.utterance_id}.flac"
            write_flac(folder / source, samples_S, SAMPLE_RATE_HZ)
            recording = Recording(
                id=utterance.utterance_id,
                sources=[AudioSource(type="file", channels=[0], source=source)],
                sampling_rate=SAMPLE_RATE_HZ,
                num_samples=len(samples_S),
                duration=len(samples_S) / SAMPLE_RATE_HZ,
            )
            cut = MonoCut(
                id=utterance.utterance_id, start=0.0, duration=recording.duration, channel=0, recording=recording
            )
            writer.add(cut, utterance, hashlib.sha256(samples_S.tobytes()).digest())
        writer.end_split(split)
    return writer.finish(facts, dropped)


def write_speech_manifests(
    folder: Path,
    *,
    facts: SpeechFacts,
    utterances: Mapping[str, Iterable[SpeechFile]],
    dropped: Dropped | None = None,
) -> CorpusCard:
    """The same for files that are already on this disk: manifests with absolute paths, nothing copied.

    Cuts of another sample rate are resampled to 16 kHz when they are read. Raises ``ValueError`` as
    ``write_speech_corpus`` does, ``SoundFileError`` for a file that is missing or unreadable, and ``ValueError`` for a
    part that reaches outside its file.
    """
    writer, files = _Writer(folder), _Files()
    for split in SPLITS:
        for utterance in utterances[split]:
            writer.check(utterance)
            recording, digest = files.read(utterance.audio_path.resolve())
            cut = _part(utterance, recording)
            part = f"{cut.start} {cut.duration} {cut.channel}".encode()
            writer.add(cut.resample(SAMPLE_RATE_HZ), utterance, digest + part)
        writer.end_split(split)
    return writer.finish(facts, dropped, known=files.facts)


class _Writer:
    """What both writers share: checks, manifests, digest, card."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digest = hashlib.sha256()
        self._seen: set[str] = set()
        self._cuts: list[MonoCut] = []
        self._num_clips: dict[str, int] = {}
        self._phones: list[str] = []
        (folder / "manifests").mkdir()

    def check(self, utterance: Utterance | SpeechFile) -> None:
        name, text = utterance.utterance_id, utterance.text
        if not re.fullmatch(r"[^\s/.][^\s/]*", name):
            raise ValueError(f"utterance id {name!r}, allowed: no space, no slash, no dot at its start, not empty")
        if name in self._seen:
            raise ValueError(f"utterance id {name!r} occurs twice")
        self._seen.add(name)
        if not text or text != unicodedata.normalize("NFC", " ".join(text.split())):
            raise ValueError(f"utterance {name!r} has text {text!r}, allowed: NFC, single spaces, not empty")

    def add_phones(self, utterance: Utterance, *, duration_seconds: float) -> None:
        """Keep what is said when; the digest has it where there is something, so that corpora without keep theirs."""
        check_phones(utterance.utterance_id, utterance.text, utterance.phones, duration_seconds=duration_seconds)
        self._phones += phone_lines(utterance.utterance_id, utterance.phones)

    def add(self, cut: MonoCut, utterance: Utterance | SpeechFile, audio_digest: bytes) -> None:
        sources = utterance.sources if isinstance(utterance, SpeechFile) else {}
        supervision = SupervisionSegment(
            id=cut.id, recording_id=cut.recording.id, start=0.0, duration=cut.duration, channel=cut.channel,
            text=utterance.text, language=utterance.language, speaker=utterance.speaker,
            custom=dict(sources) if sources else None,
        )  # fmt: skip
        cut.supervisions = [supervision]
        self._cuts.append(cut)
        facts = (utterance.utterance_id, utterance.text, utterance.language, utterance.speaker)
        self._digest.update(json.dumps(facts).encode())
        if sources:  # deals hang on them
            self._digest.update(json.dumps(sorted(sources.items())).encode())
        self._digest.update(audio_digest)

    def end_split(self, split: str) -> None:
        CutSet.from_cuts(self._cuts).to_file(self._folder / "manifests" / f"{split}.jsonl.gz")
        self._digest.update(f"{split} {len(self._cuts)}\n".encode())
        self._num_clips[split] = len(self._cuts)
        self._cuts = []

    def finish(
        self, facts: SpeechFacts, dropped: Dropped | None, *, known: Mapping[str, FileFacts] | None = None
    ) -> CorpusCard:
        if self._phones:
            content = "\n".join([HEADER, *self._phones]) + "\n"
            (self._folder / PHONES).write_text(content, encoding="utf-8", newline="")
            self._digest.update(content.encode())
        counts = {language: dict(reasons) for language, reasons in (dropped or {}).items()}
        text = json.dumps(counts, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        (self._folder / "dropped.json").write_text(text, encoding="utf-8")
        card = CorpusCard(
            name=facts.name,
            digest=self._digest.hexdigest(),
            classes=(),
            sample_rate_hz=SAMPLE_RATE_HZ,
            synthetic=facts.synthetic,
            licences=facts.licences,
            num_clips=self._num_clips,
            description=facts.description,
        )
        record_files(self._folder, known=known)
        card.write(self._folder)
        return card


class _Files:
    """Recordings and facts of files, each read once though it may hold many utterances."""

    def __init__(self) -> None:
        self.facts: dict[str, FileFacts] = {}
        self._read: dict[Path, tuple[Recording, bytes]] = {}

    def read(self, path: Path) -> tuple[Recording, bytes]:
        if path not in self._read:
            try:
                num_samples, sample_rate_hz, num_channels = sound_length(path)
                facts = facts_of(path)
            except (OSError, ValueError) as error:
                raise SoundFileError(f"{path}: not a readable sound file ({error})") from error
            channels = list(range(num_channels))
            recording = Recording(
                id=str(path),
                sources=[AudioSource(type="file", channels=channels, source=str(path))],
                sampling_rate=sample_rate_hz,
                num_samples=num_samples,
                duration=num_samples / sample_rate_hz,
                channel_ids=channels,
            )
            self.facts[str(path)] = facts
            self._read[path] = recording, bytes.fromhex(facts.digest)
        return self._read[path]


def _part(utterance: SpeechFile, recording: Recording) -> MonoCut:
    whole, start = float(recording.duration), utterance.start_seconds
    duration = whole - start if utterance.duration_seconds is None else utterance.duration_seconds
    inside = start >= 0 and duration > 0 and start + duration <= whole + 1e-3
    if not inside or utterance.channel not in recording.channel_ids:
        raise ValueError(
            f"utterance {utterance.utterance_id!r}: {start:g} s to {start + duration:g} s of channel "
            f"{utterance.channel} is not in {utterance.audio_path}, which has {whole:g} s and "
            f"{len(recording.channel_ids)} channels"
        )
    duration = min(duration, whole - start)
    return MonoCut(
        id=utterance.utterance_id, start=start, duration=duration, channel=utterance.channel, recording=recording
    )
