"""The writers of speech corpora: their layout, what they refuse, what their digest covers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse import CutSet

from datamodules.corpora.card_digest import card_digest
from datamodules.corpora.sound_files import SoundFileError
from datamodules.corpora.speech.speech_corpus import (
    SpeechFacts,
    SpeechFile,
    Utterance,
    write_speech_corpus,
    write_speech_manifests,
)
from datamodules.corpora.speech.speech_summary import summarise_speech
from datamodules.corpus_folder import CorpusCard
from datamodules.phones import Phone, read_phones

FACTS = SpeechFacts(name="s", synthetic=True, licences={"x": "CC0-1.0"}, description="d")


def utterance(name: str = "a", text: str = "ahoj", *, level: float = 0.5, seconds: float = 0.5) -> Utterance:
    return Utterance(name, np.full(round(16_000 * seconds), level, dtype=np.float32), text, "cs", "eva")


def write(folder: Path, *train: Utterance, test: Sequence[Utterance] = ()) -> CorpusCard:
    folder.mkdir()
    return write_speech_corpus(folder, facts=FACTS, utterances={"train": train, "validation": (), "test": test})


def write_files(folder: Path, *train: SpeechFile) -> CorpusCard:
    folder.mkdir()
    return write_speech_manifests(folder, facts=FACTS, utterances={"train": train, "validation": (), "test": ()})


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """Two seconds, two channels at 8 kHz: a ramp on the left, silence on the right."""
    path = tmp_path / "sound.wav"
    ramp_S = np.linspace(0, 0.5, 16_000)
    soundfile.write(path, np.stack([ramp_S, np.zeros(16_000)], axis=1), 8000)
    return path


def test_the_layout_is_flac_and_cuts_with_one_supervision(tmp_path: Path) -> None:
    card = write(tmp_path / "s", utterance("a"), utterance("b", "dobrý den"), test=[utterance("c")])
    assert card.num_clips == {"train": 2, "validation": 0, "test": 1}
    assert card.classes == ()
    info = soundfile.info(tmp_path / "s" / "audio" / "train" / "b.flac")
    assert (info.samplerate, info.channels, info.subtype, info.frames) == (16_000, 1, "PCM_16", 8000)
    cuts = list(CutSet.from_file(tmp_path / "s" / "manifests" / "train.jsonl.gz"))
    assert [cut.id for cut in cuts] == ["a", "b"]
    (said,) = cuts[1].supervisions
    assert (said.text, said.language, said.speaker) == ("dobrý den", "cs", "eva")
    assert (said.start, said.duration) == (0.0, cuts[1].duration) == (0.0, 0.5)
    assert cuts[1].recording.sources[0].source == "audio/train/b.flac"
    moved = cuts[1].with_recording_path_prefix(tmp_path / "s")
    assert moved.load_audio().shape == (1, 8000)
    assert gzip.decompress((tmp_path / "s" / "manifests" / "validation.jsonl.gz").read_bytes()) == b""


def test_digest_covers_texts_speakers_languages_samples_and_splits(tmp_path: Path) -> None:
    one = utterance()
    others = [
        [replace(one, text="ahoy")], [replace(one, speaker="jan")], [replace(one, language="sk")],
        [replace(one, utterance_id="b")], [utterance(level=0.25)], [utterance(seconds=0.6)], [one, utterance("b")],
    ]  # fmt: skip
    digests = [write(tmp_path / str(index), *train).digest for index, train in enumerate(others)]
    digests += [write(tmp_path / "once", one).digest, write(tmp_path / "moved", test=[one]).digest]
    assert len(set(digests)) == len(digests)
    assert write(tmp_path / "again", one).digest == digests[-2]


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ((utterance(), utterance()), "utterance id 'a' occurs twice"),
        ((utterance("a b"),), "utterance id 'a b', allowed: no space"),
        ((utterance("../a"),), "utterance id '../a', allowed: no space, no slash"),
        ((utterance(text=""),), "utterance 'a' has text '', allowed: NFC"),
        ((utterance(text="a  b"),), "utterance 'a' has text 'a  b'"),
        ((utterance(text="e\u0301"),), "utterance 'a' has text"),
        ((utterance(seconds=0),), "utterance 'a' has no samples"),
    ],
)
def test_what_would_harm_a_corpus_is_refused(tmp_path: Path, train: tuple[Utterance, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write(tmp_path / "s", *train)
    assert not (tmp_path / "s" / "corpus.json").exists()


def test_files_stay_where_they_are_and_are_read_at_16_khz(tmp_path: Path, sound: Path) -> None:
    files = (
        SpeechFile("whole", sound, "ahoj", "cs", "eva"),
        SpeechFile("part", sound, "den", "cs", "eva", start_seconds=1.0, duration_seconds=0.5),
        SpeechFile("right", sound, "noc", "cs", "jan", channel=1),
    )
    card = write_files(tmp_path / "s", *files)
    assert card.num_clips["train"] == 3
    assert card.sample_rate_hz == 16_000
    whole, part, right = CutSet.from_file(tmp_path / "s" / "manifests" / "train.jsonl.gz")
    assert {cut.recording.sources[0].source for cut in (whole, part, right)} == {str(sound)}
    assert whole.load_audio().shape == (1, 32_000)
    assert part.load_audio().shape == (1, 8000)
    assert part.load_audio().mean() == pytest.approx(0.5 * 1.25 / 2, abs=0.01)
    assert np.abs(right.load_audio()).max() == 0
    assert part.supervisions[0].duration == 0.5
    assert not (tmp_path / "s" / "audio").exists()


def test_digest_of_files_covers_their_bytes_and_parts(tmp_path: Path, sound: Path) -> None:
    file = SpeechFile("a", sound, "ahoj", "cs", "eva")
    digest = write_files(tmp_path / "1", file).digest
    assert write_files(tmp_path / "2", file).digest == digest
    assert write_files(tmp_path / "3", replace(file, start_seconds=0.5)).digest != digest
    assert write_files(tmp_path / "4", replace(file, channel=1)).digest != digest
    assert write_files(tmp_path / "5", replace(file, text="den")).digest != digest
    soundfile.write(sound, np.zeros((16_000, 2)), 8000)
    assert write_files(tmp_path / "6", file).digest != digest


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"start_seconds": 2.5}, ValueError, "'a': 2.5 s to .* is not in .*sound.wav, which has 2 s and 2 channels"),
        ({"start_seconds": 1.0, "duration_seconds": 1.5}, ValueError, "1 s to 2.5 s of channel 0 is not in"),
        ({"start_seconds": -1.0}, ValueError, "is not in"),
        ({"channel": 2}, ValueError, "channel 2 is not in"),
        ({"audio_path": Path("/nowhere/x.wav")}, SoundFileError, "/nowhere/x.wav: not a readable sound file"),
        ({"text": ""}, ValueError, "'a' has text ''"),
    ],
)
def test_files_that_cannot_be_read_are_named(
    tmp_path: Path, sound: Path, change: dict[str, object], error: type[ValueError], message: str
) -> None:
    with pytest.raises(error, match=message):
        write_files(tmp_path / "s", replace(SpeechFile("a", sound, "ahoj", "cs", "eva"), **change))  # type: ignore[arg-type]


def test_a_summary_counts_by_language_and_says_what_was_dropped(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    folder.mkdir()
    train = [utterance("a", "ab", seconds=1), utterance("b", "abcd", seconds=2), utterance("c", "ef", seconds=1)]
    dropped = {"cs": {"digits": 3, "no text": 1}, "nl": {}}
    write_speech_corpus(
        folder,
        facts=FACTS,
        utterances={"train": train, "validation": (), "test": [utterance("d", "ab", seconds=1)]},
        dropped=dropped,
    )
    assert json.loads((folder / "dropped.json").read_text()) == dropped
    lines = summarise_speech(folder)
    assert lines[1].split() == ["cs", "3", "·", "0.1", "0", "·", "0.0", "1", "·", "0.0", "1", "10", "6", "1.00"]
    assert "texts in two splits: 1" in lines[3]
    assert lines[4] == "left out of cs: 3 digits, 1 no text"
    assert len(lines) == 5


def test_phones_are_a_file_and_part_of_the_digest_where_there_are_some(tmp_path: Path) -> None:
    said = (Phone(0.0, 0.2, "a", 1, "aho"), Phone(0.2, 0.5, "j", 1, "j"))
    plain, timed = write(tmp_path / "plain", utterance()), write(tmp_path / "timed", replace(utterance(), phones=said))
    assert not (tmp_path / "plain" / "phones.tsv").exists()
    assert read_phones(tmp_path / "timed") == {"a": said}
    assert plain.digest != timed.digest
    for folder, card in (("plain", plain), ("timed", timed)):
        assert card_digest(tmp_path / folder, has_classes=False, audio={}) == card.digest
    assert "phones.tsv" in json.loads((tmp_path / "timed" / "files.json").read_text())
    with pytest.raises(ValueError, match="its phones spell 'aho'"):
        write(tmp_path / "wrong", replace(utterance(), phones=said[:1]))
